//! The list of subjects: where each stands and what it needs, searched as one types, by site and standing, as CSV.
//!
//! Never shows a subject of a site that is not the visitor's, and never folds a record: the digests hold all of it.

mod choice;
mod table;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse};
use maud::{Markup, html};
use people::permission::{Act, Sites};
use trial::standing::State as Standing;

use crate::app::App;
use crate::page::parts;
use crate::web::access::{Desk, Gate, Route, is_part};
use crate::web::fault::{Answer, Fault};
use crate::web::{address, shell};
use choice::{Choice, Need, Row, chosen};

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/t/{trial}/subjects", Gate::Trial(Act::ViewSubject), list),
        Route::get("/t/{trial}/subjects.csv", Gate::Trial(Act::ViewSubject), csv),
    ]
}

/// `GET /t/{trial}/subjects`
async fn list(
    State(app): State<App>,
    desk: Desk,
    headers: HeaderMap,
    Query(choice): Query<Choice>,
) -> Answer {
    let digests = desk.room.digests().await?;
    let history = desk.room.history().await?;
    let reach = desk.reach(Act::ViewSubject);
    let rows = chosen(&digests, &reach, &choice, app.today());
    let part = table::section(&desk, history.current(), &rows, &choice);
    // Going back, a browser asks htmx for the whole page.
    if is_part(&headers) && !headers.contains_key("hx-history-restore-request") {
        return Ok(Html(part.into_string()).into_response());
    }
    let sites = sites(&desk, &reach).await?;
    let any = digests.iter().any(|(_, digest)| reach.contains(&digest.site));
    let body = html! {
        div.head {
            div { h1 { "Subjects" } }
            div.actions {
                @if desk.may(Act::Screen) {
                    a.button.main href=(address::in_trial(&desk.room.slug, "screen")) { "Screen a patient" }
                }
            }
        }
        @if any { (filters(&desk, &choice, &sites)) (part) } @else { (nobody(&desk)) }
    };
    Ok(shell::page(&desk, shell::Place::Subjects, "Subjects", body))
}

fn nobody(desk: &Desk) -> Markup {
    let screen = address::in_trial(&desk.room.slug, "screen");
    if desk.may(Act::Screen) {
        parts::empty(
            "Nobody was screened at your sites yet. A subject begins with a number; no name is kept here.",
            Some((&screen, "Screen the first patient")),
        )
    } else {
        parts::empty(
            "Nobody was screened yet. Sites enter their patients; you see them here as they come.",
            None,
        )
    }
}

/// The sites of the visitor, id and name.
async fn sites(desk: &Desk, reach: &Sites) -> Result<Vec<(String, String)>, Fault> {
    let sites = desk.room.office.sites().await?;
    let own = sites.into_iter().filter(|site| reach.contains(&site.id));
    Ok(own.map(|site| (site.id.to_string(), site.name)).collect())
}

fn filters(desk: &Desk, choice: &Choice, sites: &[(String, String)]) -> Markup {
    let page = address::in_trial(&desk.room.slug, "subjects");
    html! {
        form.filters method="get" action=(page) role="search" aria-label="Subjects"
            hx-get=(page) hx-target="#list" hx-swap="outerHTML" hx-push-url="true"
            hx-trigger="input changed delay:200ms from:#q, change, submit" {
            div {
                label for="q" { "Number" }
                input #q type="search" name="q" value=(choice.q) autocomplete="off" placeholder="Part of the number";
            }
            @if sites.len() > 1 {
                div {
                    label for="site" { "Site" }
                    select #site name="site" {
                        option value="" { "All sites" }
                        @for (id, name) in sites { option value=(id) selected[*id == choice.site] { (id) " " (name) } }
                    }
                }
            }
            div {
                label for="standing" { "Standing" }
                select #standing name="standing" {
                    option value="" { "Any" }
                    @for state in Standing::ALL {
                        @let code = choice::code(state);
                        option value=(code) selected[code == choice.standing] { (state) }
                    }
                }
            }
            div {
                label for="need" { "Needs" }
                select #need name="need" {
                    @for need in Need::ALL { option value=(need.code()) selected[*need == choice.need] { (need.words()) } }
                }
            }
            input type="hidden" name="sort" value=(choice.sort.code());
            // Without script the form is sent by it.
            button type="submit" { "Show" }
        }
    }
}

/// `GET /t/{trial}/subjects.csv`: the same list, all of it.
async fn csv(State(app): State<App>, desk: Desk, Query(choice): Query<Choice>) -> Answer {
    let digests = desk.room.digests().await?;
    let rows = chosen(&digests, &desk.reach(Act::ViewSubject), &choice, app.today());
    let written =
        table(&rows).map_err(|wrong| Fault::Broken(format!("the list of subjects as CSV: {wrong}")))?;
    let name = format!("attachment; filename=\"subjects-{}.csv\"", app.today());
    Ok((
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)],
        written,
    )
        .into_response())
}

fn table(rows: &[Row<'_>]) -> Result<Vec<u8>, ::csv::Error> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "SUBJID",
        "SITEID",
        "STANDING",
        "SINCE",
        "ARMCD",
        "RANDDT",
        "NEXT_VISIT",
        "NEXT_DUE",
        "OVERDUE_DAYS",
        "OPEN_QUERIES",
        "MISSING",
        "STRATEGY",
    ])?;
    for row in rows {
        let date = |date: Option<jiff::civil::Date>| date.map_or_else(String::new, |date| date.to_string());
        let (randomised, arm) =
            row.digest.randomised.as_ref().map_or((None, ""), |(on, arm)| (Some(*on), arm.as_str()));
        writer.write_record([
            plain(row.subject.as_str()),
            plain(row.digest.site.as_str()),
            row.digest.standing.state.to_string(),
            date(row.digest.standing.since),
            plain(arm),
            date(randomised),
            row.next.map_or_else(String::new, |next| plain(&next.label)),
            date(row.next.and_then(|next| next.target)),
            row.overdue().map_or_else(String::new, |days| days.to_string()),
            row.queries().to_string(),
            row.digest.outstanding.len().to_string(),
            plain(&row.digest.standing.says),
        ])?;
    }
    writer.into_inner().map_err(|wrong| wrong.into_error().into())
}

/// A text that no spreadsheet takes for a formula (OWASP, CSV injection).
fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("03-007", "03-007")]
    #[case("=1+1", "'=1+1")]
    #[case("@SUM(A1)", "'@SUM(A1)")]
    fn a_spreadsheet_finds_no_formula(#[case] text: &str, #[case] want: &str) {
        assert_eq!(plain(text), want);
    }
}
