//! The calendar of one subject: every visit with its window, where it stands, and its forms.
//!
//! Never says itself when a visit is due (`trial::calendar` does).

use axum::extract::State;
use maud::{Markup, html};
use trial::calendar::{FormState, Planned, VisitStatus, calendar};

use super::{date, status_chip, visit_name, window};
use crate::app::App;
use crate::page::entry::form_chip;
use crate::page::parts;
use crate::web::access::Chart;
use crate::web::address;
use crate::web::fault::Answer;
use crate::web::shell::{self, Place};

/// `GET /t/{trial}/subjects/{subject}/calendar`: every visit of one subject.
pub(super) async fn own(State(app): State<App>, chart: Chart) -> Answer {
    let today = app.today();
    let folder = chart.room.folder(&chart.subject).await?;
    let calendar = calendar(folder.history.current(), &folder.record, today);
    let title = format!("Calendar · {}", chart.subject);
    let body = html! {
        (shell::crumbs(&[
            (address::in_trial(&chart.room.slug, "subjects"), "Subjects"),
            (chart.at(""), chart.subject.as_str()),
            (chart.at("calendar"), "Calendar"),
        ]))
        div.head {
            div {
                h1 { "Calendar of subject " (chart.subject) }
                p.soft {
                    @match &folder.record.randomised {
                        Some(allocation) => { "Visits count from randomisation on " (parts::time(allocation.value.date)) "." }
                        None => "Visits after screening count from randomisation.",
                    }
                }
            }
        }
        section.card {
            div.wide {
                table.visits {
                    caption.visually-hidden { "Visits of subject " (chart.subject) }
                    thead { tr { th scope="col" { "Visit" } th scope="col" { "Planned" } th scope="col" { "On time" } th scope="col" { "Status" } th scope="col" { "Forms" } } }
                    tbody { @for visit in &calendar.visits { (own_row(&chart, visit)) } }
                }
            }
        }
    };
    Ok(shell::page(&chart.desk, Place::Subjects, &title, body))
}

fn own_row(chart: &Chart, visit: &Planned) -> Markup {
    let expected =
        !matches!(visit.status, VisitStatus::NotExpected { .. } | VisitStatus::AwaitsRandomisation);
    html! {
        tr.flag[matches!(visit.status, VisitStatus::Overdue { .. })] {
            th scope="row" { (visit_name(visit)) }
            td { (date(visit.target)) }
            td { (window(visit)) }
            td { (status_chip(&visit.status)) }
            td {
                ul.form-list {
                    @for form in visit.forms.iter().filter(|form| expected || form.state != FormState::Absent) {
                        @let at = match &form.state { FormState::Elsewhere { instance } => instance, _ => &form.instance };
                        li { a href=(address::form(&chart.room.slug, &chart.subject, at)) { (form.label) } " " (form_chip(&form.state)) }
                    }
                }
            }
        }
    }
}
