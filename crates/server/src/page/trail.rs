//! The audit trail: every event in plain words, newest first, with what changed from what to what, and why.
//!
//! Never leaves an event out, and never interprets one beyond `trial::words`. Log-ins are no events of the trial: they stand in the
//! store of people and in the server's log, and the page says so.

mod choice;
mod event;
mod item;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use office::TrailPage;
use people::permission::{Act, Sites};
use serde_json::{Map, Value};
use trial::event::{Entered, Event, Seq, What};
use trial::id::SiteId;
use trial::protocol::ProtocolHistory;
use trial::words::{self, Change, KINDS, Said};

use self::choice::{Choice, Events};
use super::listing::{self, options, pick, search};
use super::parts::{self, empty, in_words, role};
use crate::app::App;
use crate::room::Room;
use crate::web::access::{Desk, Gate, Route};
use crate::web::fault::{Answer, Fault};
use crate::web::{address, shell};

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/t/{trial}/trail", Gate::Trial(Act::ViewTrail), show),
        Route::get("/t/{trial}/trail.csv", Gate::Trial(Act::ExportAudit), csv),
        Route::get("/t/{trial}/trail/{seq}", Gate::Trial(Act::ViewTrail), event::show),
    ]
}

/// Events on a page.
const A_PAGE: usize = 50;

/// `GET /t/{trial}/trail`
async fn show(State(_app): State<App>, desk: Desk, Query(choice): Query<Choice>) -> Answer {
    let reach = desk.reach(Act::ViewTrail);
    let choice = choice.within(&reach);
    if let Some((subject, instance, item)) = choice.item() {
        return item::page(&desk, &choice, &subject, &instance, item).await;
    }
    let history = desk.room.history().await?;
    let events = Events::of(&desk, &choice, &reach).await?;
    let page = events.page(choice.before(), A_PAGE).await?;
    let rows = worded(&desk.room, &history, &page.events).await?;
    let sites = site_options(&desk, &reach).await?;
    Ok(list(&desk, &history, &choice, &sites, &rows, &page))
}

/// The sites to choose among; whoever has the trial at several sites alone sees one after the other.
async fn site_options(desk: &Desk, reach: &Sites) -> Result<Vec<(String, String)>, Fault> {
    let mut sites = listing::site_options(desk, reach).await?;
    if matches!(reach, Sites::Only(_)) {
        sites.retain(|(id, _)| !id.is_empty());
    }
    Ok(sites)
}

/// Whether a visitor may see an event: of a site that is theirs; those of no site, where every site is.
fn is_in_reach(reach: &Sites, site: Option<&SiteId>) -> bool {
    match (reach, site) {
        (Sites::All, _) => true,
        (Sites::Only(_), Some(site)) => reach.contains(site),
        (Sites::Only(_), None) => false,
    }
}

/// An event with its words.
struct Row<'e> {
    entered: &'e Entered,
    said: Said,
}

/// The words of events, a correction with the values it replaced.
async fn worded<'e>(
    room: &Room,
    history: &ProtocolHistory,
    events: &'e [Entered],
) -> Result<Vec<Row<'e>>, Fault> {
    let mut rows = Vec::with_capacity(events.len());
    for entered in events {
        let before = before(room, &entered.event.what).await?;
        let said = words::says(history.at(entered.seq), &entered.event.what, before.as_ref());
        rows.push(Row { entered, said });
    }
    Ok(rows)
}

/// The values that a correction replaced.
async fn before(room: &Room, what: &What) -> Result<Option<Map<String, Value>>, Fault> {
    let What::FormCorrected { corrects, .. } = what else { return Ok(None) };
    let read = room.office.ledger().event(*corrects).await.map_err(office::Error::from)?;
    let event = read.map(|stored| stored.parse::<Event>()).transpose().map_err(office::Error::from)?;
    Ok(match event.map(|event| event.what) {
        Some(What::FormSaved { values, .. } | What::FormCorrected { values, .. }) => Some(values),
        _ => None,
    })
}

fn list(
    desk: &Desk,
    history: &ProtocolHistory,
    choice: &Choice,
    sites: &[(String, String)],
    rows: &[Row<'_>],
    page: &TrailPage,
) -> Response {
    let older = page.next.map(|next| next.to_string());
    let body = html! {
        div.head {
            div {
                h1 { "Audit trail" @if !choice.subject.is_empty() { " of subject " (choice.subject) } }
                p.soft { "What was recorded, newest first. Nothing here can be changed or taken away. Log-ins are no part of the trial's ledger: they stand in the server's log." }
            }
            @if desk.may(Act::ExportAudit) {
                div.actions { a.button href=(listing::asking(desk, "trail.csv", &choice.fields(""))) { "CSV" } }
            }
        }
        (filters(desk, history, choice, sites))
        @if rows.is_empty() {
            (empty(
                if older.is_some() { "Nothing of what was looked at is as you asked; there are older events." } else { "No event is as you asked." },
                Some((&address::in_trial(&desk.room.slug, "trail"), "Show all")),
            ))
        } @else { (table(desk, rows)) }
        @if older.is_some() || !choice.before.is_empty() {
            nav.pages aria-label="Pages" {
                @if !choice.before.is_empty() { a.button href=(listing::asking(desk, "trail", &choice.fields(""))) { "Newest" } }
                @if let Some(older) = &older { a.button href=(listing::asking(desk, "trail", &choice.fields(older))) rel="next" { "Older" } }
            }
        }
    };
    shell::page(desk, shell::Place::Trail, "Audit trail", body)
}

fn filters(desk: &Desk, history: &ProtocolHistory, choice: &Choice, sites: &[(String, String)]) -> Markup {
    let kinds = options("Everything", KINDS);
    let forms = history.current().forms.iter().map(|form| (form.id.clone(), form.label.clone()));
    html! {
        form.filters method="get" action=(address::in_trial(&desk.room.slug, "trail")) role="search" aria-label="Audit trail" {
            @if !sites.is_empty() { (pick("site", "Site", sites, &choice.site)) }
            (search("subject", "Subject", "search", &choice.subject))
            (search("user", "User", "search", &choice.user))
            (pick("kind", "What", &kinds, &choice.kind))
            (pick("form", "Form", &options("All forms", forms), &choice.form))
            (search("from", "From", "date", &choice.from))
            (search("to", "To", "date", &choice.to))
            @if !choice.instance.is_empty() { input type="hidden" name="instance" value=(choice.instance); }
            button type="submit" { "Show" }
        }
        @if !choice.instance.is_empty() { p { "Only " b { (choice.instance) } ". " a href=(listing::asking(desk, "trail", &[("subject", &choice.subject)])) { "The whole subject" } } }
    }
}

fn table(desk: &Desk, rows: &[Row<'_>]) -> Markup {
    html! {
        div.card.wide {
            table.trail.stack {
                caption.visually-hidden { "Audit trail" }
                thead { tr {
                    th scope="col" { "Event" } th scope="col" { "Recorded (UTC)" } th scope="col" { "Who" }
                    th scope="col" { "Subject" } th scope="col" { "What" }
                } }
                tbody { @for row in rows { (line(desk, row)) } }
            }
        }
    }
}

fn line(desk: &Desk, row: &Row<'_>) -> Markup {
    let Entered { seq, event } = row.entered;
    let slug = &desk.room.slug;
    html! {
        tr {
            th scope="row" { a href=(address::event(slug, *seq)) { (seq) } }
            td.nb.small { (parts::moment(event.recorded)) }
            td.small { (event.who) br; span.soft { (role(event.role)) } }
            td.small {
                @if let Some(subject) = &event.subject { a href=(address::subject(slug, subject)) { (subject) } }
                @if let Some(site) = &event.site { br; span.soft { "site " (site) } }
            }
            td { (in_words(&row.said.text)) (reason(&row.said)) (changed(&row.said)) }
        }
    }
}

fn reason(said: &Said) -> Markup {
    html! { @if let Some(reason) = &said.reason { br; span.soft { "Reason: " } (in_words(reason)) } }
}

/// The values that an event changed, from what to what. What a form was filled with for the first time is on the event's own page.
fn changed(said: &Said) -> Markup {
    /// More would hide the other events.
    const SHOWN: usize = 8;
    let changes: Vec<&Change> = said
        .changes
        .iter()
        .filter(|change| change.old.is_some())
        .chain(said.changes.iter().filter(|change| change.old.is_none() && said.reason.is_some()))
        .collect();
    html! {
        @if !changes.is_empty() {
            ul.changes {
                @for change in changes.iter().take(SHOWN) { li { (words_of(change)) } }
                @if changes.len() > SHOWN { li.soft { "and " (changes.len() - SHOWN) " more" } }
            }
        } @else if !said.changes.is_empty() { br; span.soft.small { (listing::count(said.changes.len(), "value", "values")) } }
    }
}

fn words_of(change: &Change) -> Markup {
    html! {
        span.soft { (change.label) @if let Some((_, row)) = &change.row { " · " (row) } ": " }
        (value(change.old.as_deref())) " → " (value(change.new.as_deref()))
    }
}

/// A value, or that there is none.
fn value(text: Option<&str>) -> Markup {
    html! { @match text { Some(text) => b.value { (in_words(text)) }, None => span.soft { "nothing" } } }
}

/// `GET /t/{trial}/trail.csv`: the same events, a row for each value that changed.
async fn csv(State(app): State<App>, desk: Desk, Query(choice): Query<Choice>) -> Answer {
    let reach = desk.reach(Act::ExportAudit);
    let choice = choice.within(&reach);
    let history = desk.room.history().await?;
    let events = Events::of(&desk, &choice, &reach).await?;
    let name = format!("attachment; filename=\"trail-{}.csv\"", app.today());
    let room = desk.room.clone();
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(4);
    tokio::spawn(async move {
        let written = written(&room, &history, &events, choice.before(), &sender).await;
        if let Err(wrong) = written {
            // The browser sees a download that broke off, not a file that looks whole.
            let _ = sender.send(Err(std::io::Error::other(format!("{wrong:?}")))).await;
        }
    });
    let body = Body::new(Chunks(receiver));
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, body).into_response())
}

/// What is written, as it is written.
struct Chunks(tokio::sync::mpsc::Receiver<Result<Vec<u8>, std::io::Error>>);

impl axum::body::HttpBody for Chunks {
    type Data = axum::body::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        self.0
            .poll_recv(context)
            .map(|next| next.map(|chunk| chunk.map(|bytes| http_body::Frame::data(bytes.into()))))
    }
}

async fn written(
    room: &Room,
    history: &ProtocolHistory,
    events: &Events,
    mut before: Option<Seq>,
    to: &tokio::sync::mpsc::Sender<Result<Vec<u8>, std::io::Error>>,
) -> Result<(), Fault> {
    let broken = |wrong: csv::Error| Fault::Broken(format!("the trail as CSV: {wrong}"));
    let mut first = true;
    loop {
        let page = events.page(before, A_PAGE).await?;
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        if std::mem::take(&mut first) {
            writer.write_record(words::HEADER).map_err(broken)?;
        }
        for row in worded(room, history, &page.events).await? {
            for record in words::records(row.entered, &row.said) {
                writer.write_record(record.map(listing::plain)).map_err(broken)?;
            }
        }
        let bytes = writer.into_inner().map_err(|wrong| Fault::Broken(wrong.to_string()))?;
        // An error means that nobody reads any more.
        if to.send(Ok(bytes)).await.is_err() || page.next.is_none() {
            return Ok(());
        }
        before = page.next;
    }
}

/// The moment at which a day begins.
fn begins(day: Date) -> Timestamp {
    day.to_zoned_datetime(TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}
