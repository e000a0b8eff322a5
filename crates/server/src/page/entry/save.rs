//! A form is sent: read, held against what stands, recorded; or shown again with what hinders it, and with all that was typed.
//!
//! Never writes except through the office, whose rules are the last word. Whoever sends the same values twice has saved them once.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use office::{Action, Deed, Error, Reason};
use serde_json::{Map, Value};
use trial::event::{Seq, What};
use trial::form::check;
use trial::form::entry::{Entry, fields};
use trial::form::layout::layout;

use super::merge::{Difference, Texts, differences, keys, take};
use super::notes::Notes;
use super::paper::Paper;
use super::sent::Sent;
use super::sheet::{Sheet, next_of};
use super::view::View;
use super::{Named, adverse, at_once, draft};
use crate::app::App;
use crate::web::access::{Chart, Fields, go};
use crate::web::address;
use crate::web::fault::{Answer, Fault};

const REFUSED: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
const NO_REASON: &str = "Say why the values change.";

/// `POST …/forms/{instance}`
pub(super) async fn save(
    State(app): State<App>,
    chart: Chart,
    Path((.., name)): Named,
    sent: Fields,
) -> Answer {
    let mut sheet = Sheet::open(&app, chart, &name).await?;
    let mut sent = Sent::of(sent);
    if !sheet.right().writes() {
        return not_saved(&sheet, &sent);
    }
    if let Some(shown) = without_saving(&sheet, &mut sent) {
        return Ok(shown);
    }
    if sent.page("_further") == "1" && sheet.instance.visit.is_none() {
        let next = next_of(sheet.record(), &sheet.instance.form);
        sheet = Sheet::open(&app, sheet.chart, &address::instance_name(&next)).await?;
        sent.seen = 0;
    } else if let Some(unchosen) = choose(&sheet, &mut sent) {
        return Ok(unchosen);
    }
    record(&app, &sheet, &sent).await
}

/// The buttons that change the page and save nothing, for browsers without script.
fn without_saving(sheet: &Sheet, sent: &mut Sent) -> Option<Response> {
    let [add, remove, term, search, check] =
        ["_add", "_remove", "_term", "_search", "_check"].map(|name| sent.page(name).to_owned());
    if !add.is_empty() {
        sent.add_row(sheet.form(), &add);
    } else if !remove.is_empty() {
        sent.remove_row(&remove);
    } else if !term.is_empty() {
        adverse::fill(sent, sheet.form(), &term);
    } else if search.is_empty() && check.is_empty() {
        return None;
    }
    let entry = sent.read(sheet.form());
    let paper = Paper::of_typed(sheet, &entry);
    let notes = at_once::notes(sheet, &paper, &entry, sent);
    let mut view = typed(sheet, &entry, sent);
    view.notes = notes;
    sent.page("_find").clone_into(&mut view.find);
    Some(view.page())
}

/// The page with everything as it was typed.
fn typed<'a>(sheet: &'a Sheet, entry: &Entry, sent: &Sent) -> View<'a> {
    let mut view = View::new(sheet, Paper::of_typed(sheet, entry), entry.values.clone());
    view.seen = sent.seen;
    view.reason.clone_from(&sent.reason);
    view
}

/// Whoever may no longer fill the form (it was locked, say, or the role was taken away) sees what they typed all the same.
fn not_saved(sheet: &Sheet, sent: &Sent) -> Answer {
    let Err(why) = sheet.actor() else {
        return Err(Fault::Broken("a form that may be filled was refused".into()));
    };
    let Fault::Forbidden(says) = why else { return Err(why) };
    if sent.fields.iter().all(|(_, text)| text.trim().is_empty()) {
        return Err(Fault::Forbidden(says));
    }
    let entry = sent.read(sheet.form());
    let mut view = typed(sheet, &entry, sent);
    view.status = StatusCode::FORBIDDEN;
    view.refused = Some(says);
    Ok(view.page())
}

/// Does what was chosen between two versions; the page again where a choice is missing.
fn choose(sheet: &Sheet, sent: &mut Sent) -> Option<Response> {
    let offered: Vec<String> = sent.every("_differs").map(str::to_owned).collect();
    if offered.is_empty() {
        return None;
    }
    let entry = sent.read(sheet.form());
    let found = compared(sheet, &sent.fields, sent.seen);
    let pick = |difference: &&Difference| sent.page(&format!("_pick.{}", difference.name())).to_owned();
    let open = |difference: &&Difference| {
        offered.contains(&difference.name()) && !matches!(pick(difference).as_str(), "mine" | "theirs")
    };
    if found.iter().any(|difference| open(&difference)) {
        let mut view = typed(sheet, &entry, sent);
        view.status = REFUSED;
        view.refused = Some("Choose for each field whose value stands: yours or theirs.".into());
        view.conflict = found;
        return Some(view.page());
    }
    let theirs: Vec<&Difference> = found.iter().filter(|difference| pick(difference) == "theirs").collect();
    let tables = Paper::of_typed(sheet, &entry).tables;
    take(sheet.form(), &keys(&tables), &mut sent.fields, &theirs);
    None
}

/// Where what stands differs from what was typed; `seen` is the event whose values the page was opened with.
fn compared(sheet: &Sheet, typed: &Texts, seen: Seq) -> Vec<Difference> {
    let form = sheet.form();
    let theirs = sheet.standing().map(|standing| fields(form, &standing.values)).unwrap_or_default();
    let base = values_of(sheet, seen).map(|values| fields(form, values)).unwrap_or_default();
    // What is typed is held against what stands as it would be stored: 7.3.2025 is 2025-03-07.
    let entry = trial::form::entry::read(form, typed);
    let stored = stored(sheet, &entry, typed);
    let rows = layout(form, &Map::new(), sheet.record());
    let keys = rows.groups.iter().map(|rows| (rows.group.id.as_str(), rows.key.as_slice())).collect();
    differences(form, &keys, &base, &theirs, &stored)
}

/// Each text as it would be stored, under the name it was typed under; what cannot be read stays as it is.
fn stored(sheet: &Sheet, entry: &Entry, typed: &Texts) -> Texts {
    let unread = |name: &str| entry.faults.iter().any(|fault| fault.field == name);
    let mut texts: Texts = typed.iter().filter(|(name, _)| unread(name)).cloned().collect();
    let numbered = |name: String| match name.splitn(3, '.').collect::<Vec<_>>()[..] {
        [group, row, item] => {
            let at: usize = row.parse().unwrap_or(0);
            let number = entry.rows.get(group).and_then(|rows| rows.get(at)).copied().unwrap_or(at);
            format!("{group}.{number}.{item}")
        }
        _ => name,
    };
    texts.extend(fields(sheet.form(), &entry.values).into_iter().map(|(name, text)| (numbered(name), text)));
    texts
}

/// The values that an event gave the form.
fn values_of(sheet: &Sheet, event: Seq) -> Option<&Map<String, Value>> {
    let entered = sheet.folder.events.iter().find(|entered| entered.seq == event)?;
    match &entered.event.what {
        What::FormSaved { instance, values } | What::FormCorrected { instance, values, .. }
            if *instance == sheet.instance =>
        {
            Some(values)
        }
        _ => None,
    }
}

/// Records the form, where nothing hinders it.
async fn record(app: &App, sheet: &Sheet, sent: &Sent) -> Answer {
    let entry = sent.read(sheet.form());
    if let Some(event) = stands_so(sheet, &entry) {
        return done(app, sheet, event).await;
    }
    if sent.seen != sheet.stands_at() {
        return Ok(conflict(sheet, &entry, sent));
    }
    let faults = check(sheet.protocol(), sheet.record(), &sheet.instance, &entry.values, sheet.today);
    let correcting = sheet.standing().is_some();
    if !entry.faults.is_empty()
        || faults.iter().any(|fault| fault.hard)
        || correcting && sent.reason.is_empty()
    {
        let mut view = typed(sheet, &entry, sent);
        view.status = REFUSED;
        view.notes = Notes::default();
        view.notes.unread(&entry);
        view.notes.found(sheet.form(), &entry, &faults);
        view.unreasoned = (correcting && sent.reason.is_empty()).then(|| NO_REASON.to_owned());
        return Ok(view.page());
    }
    let instance = sheet.instance.clone();
    let values = entry.values.clone();
    let deed = if correcting {
        Deed::Correct { instance, values, reason: sent.reason.clone() }
    } else {
        Deed::Save { instance, values }
    };
    let chart = &sheet.chart;
    let action =
        Action::now(&sheet.actor()?, deed).at(chart.site.clone()).of(chart.subject.clone()).over(sent.seen);
    match chart.room.office.submit(vec![action]).await {
        Ok(receipts) => done(app, sheet, receipts.first().map_or(0, |receipt| receipt.seq)).await,
        Err(wrong) => refused(app, sheet, &entry, sent, wrong).await,
    }
}

/// The event that gave the form the very values that are sent: a second click, or somebody else typed the same.
fn stands_so(sheet: &Sheet, entry: &Entry) -> Option<Seq> {
    let standing = sheet.standing().filter(|_| entry.faults.is_empty())?;
    let form = sheet.form();
    (fields(form, &standing.values) == fields(form, &entry.values)).then_some(standing.event)
}

/// To what follows; the draft has done its work.
async fn done(app: &App, sheet: &Sheet, event: Seq) -> Answer {
    draft::drop(app, sheet).await?;
    Ok(go(&sheet.at(&format!("saved?event={event}"))))
}

fn conflict(sheet: &Sheet, entry: &Entry, sent: &Sent) -> Response {
    let mut view = typed(sheet, entry, sent);
    view.status = StatusCode::CONFLICT;
    view.conflict = compared(sheet, &sent.fields, sent.seen);
    // What is chosen is chosen against what stands now.
    view.seen = sheet.stands_at();
    view.page()
}

/// What the office says no to, on the same page.
async fn refused(app: &App, sheet: &Sheet, entry: &Entry, sent: &Sent, wrong: Error) -> Answer {
    let mut view = typed(sheet, entry, sent);
    view.status = REFUSED;
    match wrong {
        Error::Refused(refusal) => match refusal.reason {
            Reason::Form(faults) => {
                view.notes.unread(entry);
                view.notes.found(sheet.form(), entry, &faults);
            }
            Reason::Conflict { .. } | Reason::Stands { .. } | Reason::NothingToCorrect { .. } => {
                let name = address::instance_name(&sheet.instance);
                let now = Sheet::open(app, sheet.chart.clone(), &name).await?;
                let entry = sent.read(now.form());
                return match stands_so(&now, &entry) {
                    Some(event) => done(app, &now, event).await,
                    None => Ok(conflict(&now, &entry, sent)),
                };
            }
            reason => view.refused = Some(format!("Nothing was saved: {reason}.")),
        },
        broken => {
            tracing::error!(%broken, "a form could not be recorded");
            view.status = StatusCode::SERVICE_UNAVAILABLE;
            view.refused = Some(
                "The server could not record this just now, and nothing was saved. What you typed is below: save it again in a moment."
                    .into(),
            );
        }
    }
    Ok(view.page())
}
