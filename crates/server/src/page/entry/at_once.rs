//! What a form says while somebody types in it: edit checks beside the fields, what is now asked, and the panel beside it.
//!
//! Never replaces a control that could be typed in: the answers go into the places beside them. Never writes to the ledger.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use trial::form::entry::Entry;
use trial::form::live::checks_now;
use trial::protocol::{Concept, ItemType};

use super::fields::{Draw, meaning_id, said, said_id, scale};
use super::notes::{Notes, Weight};
use super::paper::Paper;
use super::rows::Columns;
use super::sent::Sent;
use super::sheet::Sheet;
use super::{Named, adverse, sabr, scores, tumour};
use crate::app::App;
use crate::web::access::{Chart, Fields};
use crate::web::fault::{Answer, Fault};

/// The form that is being typed, for whoever may fill it, with what was sent of it.
pub(super) async fn typed(
    app: &App,
    chart: Chart,
    name: &str,
    fields: Fields,
) -> Result<(Sheet, Sent), Fault> {
    let sheet = Sheet::open(app, chart, name).await?;
    sheet.actor()?;
    Ok((sheet, Sent::of(fields)))
}

/// `POST …/check`: what can be said of what was typed so far.
pub(super) async fn check(
    State(app): State<App>,
    chart: Chart,
    Path((.., name)): Named,
    fields: Fields,
) -> Answer {
    let (sheet, sent) = typed(&app, chart, &name, fields).await?;
    let entry = sent.read(sheet.form());
    let paper = Paper::of_typed(&sheet, &entry);
    let notes = notes(&sheet, &paper, &entry, &sent);
    let draw = Draw { sheet: &sheet, paper: &paper, notes: &notes };
    Ok(answer(&beside(&draw, &entry)))
}

/// `POST …/row`: an empty row more, under a number that no other has.
pub(super) async fn row(
    State(app): State<App>,
    chart: Chart,
    Path((.., name)): Named,
    fields: Fields,
) -> Answer {
    let (sheet, mut sent) = typed(&app, chart, &name, fields).await?;
    let group = sent.page("_add").to_owned();
    let number = sent
        .add_row(sheet.form(), &group)
        .ok_or_else(|| Fault::BadRequest(format!("The form has no group {group:?}.")))?;
    let paper = Paper::of_typed(&sheet, &sent.read(sheet.form()));
    let notes = Notes::default();
    let draw = Draw { sheet: &sheet, paper: &paper, notes: &notes };
    let table = paper.tables.iter().find(|table| table.group.id == group);
    let added =
        table.and_then(|table| Some((table.group, table.rows.iter().find(|(known, _)| *known == number)?)));
    Ok(answer(&html! {
        @if let Some((group, (number, fields))) = added { (draw.row(&Columns::of(&sheet, group), *number, fields)) }
    }))
}

/// What can be said of what was typed so far, by field.
pub(super) fn notes(sheet: &Sheet, paper: &Paper<'_>, entry: &Entry, sent: &Sent) -> Notes {
    let touched = sent.touched(entry);
    let touched: Vec<&str> = touched.iter().map(String::as_str).collect();
    let now =
        checks_now(sheet.protocol(), sheet.record(), &sheet.instance, &entry.values, &touched, sheet.today);
    let mut notes = Notes::default();
    notes.unread(entry);
    notes.found(paper.form, entry, &now.hard);
    notes.found(paper.form, entry, &now.soft);
    around(sheet, paper, &mut notes);
    notes.gather(paper);
    notes
}

/// What is not a fault but helps beside a field.
pub(super) fn around(sheet: &Sheet, paper: &Paper<'_>, notes: &mut Notes) {
    notes.dates(paper);
    if paper.form.concept == Concept::TumourAssessment {
        tumour::before(sheet, paper, notes);
    }
}

/// The panel beside a form that says what its values mean; empty for a form that has none.
pub(super) fn panel(
    sheet: &Sheet,
    paper: &Paper<'_>,
    values: &serde_json::Map<String, serde_json::Value>,
) -> Markup {
    match paper.form.concept {
        Concept::TumourAssessment => tumour::panel(sheet, values),
        Concept::SabrCourse => sabr::panel(sheet, values),
        Concept::FactB => scores::panel(values),
        Concept::AdverseEvent if adverse::searches(sheet.protocol(), paper.form) => adverse::panel(paper),
        _ => html! {},
    }
}

/// Everything that is said beside the controls, each in its place.
fn beside(draw: &Draw<'_>, entry: &Entry) -> Markup {
    html! {
        (part(&said_id(""), &said(draw.notes, "")))
        @for field in draw.paper.all() { (part(&said_id(&field.name), &draw.said(field))) }
        @for table in &draw.paper.tables {
            (part(&said_id(&table.group.id), &said(draw.notes, &table.group.id)))
            @for (number, _) in &table.rows {
                @let row = format!("{}.{number}", table.group.id);
                (part(&said_id(&row), &said(draw.notes, &row)))
            }
        }
        (meanings(draw))
        (part("wrong-now", &wrong_now(draw.notes)))
        (part("panel", &panel(draw.sheet, draw.paper, &entry.values)))
    }
}

/// The meanings of the grades of an adverse event: they change with the term.
fn meanings(draw: &Draw<'_>) -> Markup {
    if draw.paper.form.concept != Concept::AdverseEvent {
        return html! {};
    }
    let graded = draw
        .paper
        .fields
        .iter()
        .filter(|field| field.item.id == "AETOXGR" && field.item.kind == ItemType::Integer);
    html! {
        @for field in graded {
            @for n in 1..=5_i64 {
                (part(&meaning_id(&field.name, &n.to_string()), &html! { @if let Some(meaning) = scale(draw.paper, field, n) { " " (meaning) } }))
            }
        }
    }
}

/// How many faults hinder saving, beside the button.
pub(super) fn wrong_now(notes: &Notes) -> Markup {
    let wrong = notes.all(Weight::Hard).count();
    html! {
        @match wrong {
            0 => {}
            1 => { "1 thing to put right before it can be saved" }
            n => { (n) " things to put right before it can be saved" }
        }
    }
}

/// What is to stand in the element `id` of the page.
pub(super) fn part(id: &str, says: &Markup) -> Markup {
    html! { div id=(id) hx-swap-oob="innerHTML" { (says) } }
}

/// Parts of a page.
pub(super) fn answer(parts: &Markup) -> Response {
    Html(parts.0.clone()).into_response()
}
