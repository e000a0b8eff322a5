//! After a form was saved: what was recorded, what it means, and what comes next.
//!
//! Never saves anything; it can be opened again.

use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use trial::calendar::{FormState, Planned, calendar};
use trial::event::Seq;
use trial::protocol::Concept;
use trial::record::Query as Question;

use super::fields::queries_address;
use super::paper::Paper;
use super::sheet::Sheet;
use super::view::head;
use super::{Asked, Named, at_once};
use crate::app::App;
use crate::page::parts;
use crate::web::access::{Chart, go};
use crate::web::address;
use crate::web::fault::Answer;
use crate::web::shell::{self, Place};

/// `GET …/saved?event=`
pub(super) async fn saved(
    State(app): State<App>,
    chart: Chart,
    Path((.., name)): Named,
    Query(asked): Asked,
) -> Answer {
    let sheet = Sheet::open(&app, chart, &name).await?;
    let Some(standing) = sheet.standing() else { return Ok(go(&sheet.at(""))) };
    let event: Seq = asked
        .iter()
        .find(|(name, _)| name == "event")
        .and_then(|(_, text)| text.parse().ok())
        .unwrap_or(standing.event);
    let paper = Paper::of_values(&sheet, &standing.values);
    let title = format!("Saved: {} · {}", sheet.title(), sheet.chart.subject);
    let raised: Vec<&Question> = sheet.queries().filter(|query| query.raised.event > event).collect();
    let body = html! {
        (head(&sheet))
        div.notice.good role="status" {
            p {
                b { "Saved." } " " (sheet.title()) " of subject " (sheet.chart.subject) " stands since " (parts::moment(standing.recorded))
                ", event " (standing.event) " of the ledger."
            }
        }
        (asked_about(&sheet, &raised))
        div.split.entry-split {
            div { (follows(&sheet)) }
            div.aside #panel { (at_once::panel(&sheet, &paper, &standing.values)) }
        }
    };
    Ok(shell::page(&sheet.chart.desk, Place::Subjects, &title, body))
}

/// What the edit checks asked about.
fn asked_about(sheet: &Sheet, raised: &[&Question]) -> Markup {
    html! {
        @if !raised.is_empty() {
            div.notice.warn {
                p { "Something is to be looked at again, and was asked as " @if raised.len() == 1 { "a query" } @else { (raised.len()) " queries" } ":" }
                ul { @for query in raised { li { (query.text) } } }
                p { a href=(sheet.at("")) { "Correct the form" } " or " a href=(queries_address(sheet)) { "answer" } "." }
            }
        }
    }
}

/// What comes next: the visit's next form, a further entry, the subject.
fn follows(sheet: &Sheet) -> Markup {
    let calendar = calendar(sheet.folder.history.current(), sheet.record(), sheet.today);
    let visit = calendar.of(&sheet.instance);
    let to = |instance| address::form(&sheet.chart.room.slug, &sheet.chart.subject, instance);
    html! {
        section.card aria-labelledby="next" {
            h2 #next { "What comes next" }
            @if let Some(next) = visit.and_then(|visit| next_form(sheet, visit)) {
                p { a.button.main href=(to(&next.instance)) { (next.label) } }
            }
            @if let Some(visit) = visit { (rest(sheet, visit)) }
            @if sheet.form().log {
                p { a.button href=(sheet.chart.at(&format!("add/{}", address::segment(&sheet.form().id)))) { "Another: " (sheet.form().label) } }
            }
            @if sheet.form().concept == Concept::TumourAssessment && sheet.record().randomised.is_none() {
                p { a.button href=(sheet.chart.at("eligibility")) { "Eligibility" } }
            }
            p.row {
                a.button href=(sheet.chart.at("")) { "Back to subject " (sheet.chart.subject) }
                a href=(sheet.at("")) { "See the form" }
            }
        }
    }
}

/// The first form of the visit that is still missing.
fn next_form<'v>(sheet: &Sheet, visit: &'v Planned) -> Option<&'v trial::calendar::Expected> {
    let missing = |form: &&trial::calendar::Expected| {
        matches!(form.state, FormState::Absent | FormState::Incomplete { .. })
            && form.instance != sheet.instance
    };
    visit.forms.iter().find(missing)
}

/// The forms of the visit, each with its state.
fn rest(sheet: &Sheet, visit: &Planned) -> Markup {
    html! {
        h3 { (visit.label) }
        ul.form-list {
            @for form in &visit.forms {
                li {
                    a href=(address::form(&sheet.chart.room.slug, &sheet.chart.subject, &form.instance)) { (form.label) } " "
                    (form_chip(&form.state))
                }
            }
        }
    }
}

/// The state of an expected form.
pub(in crate::page) fn form_chip(state: &FormState) -> Markup {
    html! {
        @match state {
            FormState::Absent => span.chip.warn { "missing" },
            FormState::Saved => span.chip.good { "saved" },
            FormState::Incomplete { missing } => span.chip.warn { (missing) " not filled" },
            FormState::Elsewhere { .. } => span.chip.info { "filed elsewhere" },
        }
    }
}
