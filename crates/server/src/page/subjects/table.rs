//! The table of subjects, a hundred a page, and what stands around it.
//!
//! Never decides which subjects are in it (see `choice`).

use maud::{Markup, html};
use trial::calendar::VisitStatus;
use trial::protocol::Protocol;
use trial::standing::State;

use super::choice::{Choice, Row, Sort};
use crate::page::parts;
use crate::web::access::Desk;
use crate::web::address;

/// Subjects on a page.
const A_PAGE: usize = 100;

/// The part of the page that a search changes.
pub(super) fn section(desk: &Desk, protocol: &Protocol, rows: &[Row<'_>], choice: &Choice) -> Markup {
    let pages = rows.len().div_ceil(A_PAGE).max(1);
    let page = choice.page.clamp(1, pages);
    let shown = rows.iter().skip((page - 1) * A_PAGE).take(A_PAGE);
    let many_sites = rows.iter().any(|row| row.digest.site != rows[0].digest.site);
    let to = |sort: Sort, page: usize| with(desk, "subjects", &choice.query(sort, page));
    html! {
        section #list aria-label="Subjects" {
            div.row.list-head {
                p role="status" { (count(rows.len())) }
                @if !rows.is_empty() { a href=(with(desk, "subjects.csv", &choice.query(choice.sort, 1))) { "CSV" } }
            }
            @if rows.is_empty() {
                (parts::empty(
                    "No subject is as you asked.",
                    Some((&address::in_trial(&desk.room.slug, "subjects"), "Show all")),
                ))
            } @else {
                div.card.wide {
                    table.subjects.stack {
                        caption.visually-hidden { "Subjects" }
                        thead { tr {
                            (heading(choice, Sort::Number, &to))
                            @if many_sites { (heading(choice, Sort::Site, &to)) }
                            (heading(choice, Sort::Standing, &to))
                            th scope="col" { "Arm" }
                            (heading(choice, Sort::Randomised, &to))
                            (heading(choice, Sort::Next, &to))
                            (heading(choice, Sort::Queries, &to))
                            (heading(choice, Sort::Missing, &to))
                            th scope="col" { "Strategy" }
                        } }
                        tbody { @for row in shown { (subject(desk, protocol, row, many_sites)) } }
                    }
                }
            }
            @if pages > 1 {
                nav.pages aria-label="Pages" {
                    @if page > 1 { a.button href=(to(choice.sort, page - 1)) rel="prev" { "Previous" } }
                    span { "Page " (page) " of " (pages) }
                    @if page < pages { a.button href=(to(choice.sort, page + 1)) rel="next" { "Next" } }
                }
            }
        }
    }
}

fn with(desk: &Desk, page: &str, query: &str) -> String {
    let page = address::in_trial(&desk.room.slug, page);
    if query.is_empty() { page } else { format!("{page}?{query}") }
}

fn count(n: usize) -> String {
    if n == 1 { "1 subject".into() } else { format!("{n} subjects") }
}

fn heading(choice: &Choice, sort: Sort, to: &dyn Fn(Sort, usize) -> String) -> Markup {
    let here = choice.sort == sort;
    let number = matches!(sort, Sort::Queries | Sort::Missing);
    let order = match sort {
        Sort::Randomised | Sort::Queries | Sort::Missing => "descending",
        _ => "ascending",
    };
    html! {
        th.num[number] scope="col" aria-sort=[here.then_some(order)] {
            a href=(to(sort, 1)) title={ "Sort by: " (sort.words()) } { (sort.words()) }
            @if here { span aria-hidden="true" { @if order == "ascending" { " ▲" } @else { " ▼" } } }
        }
    }
}

fn subject(desk: &Desk, protocol: &Protocol, row: &Row<'_>, many_sites: bool) -> Markup {
    let digest = row.digest;
    let page = address::subject(&desk.room.slug, row.subject);
    let standing = &digest.standing;
    html! {
        tr.flag[standing.state == State::DecisionPending] {
            th scope="row" { a href=(page) { (row.subject) } }
            @if many_sites { td data-label="Site" { (digest.site) } }
            td {
                (parts::state_chip(standing.state))
                @if let Some(since) = standing.since { br; span.soft.small.nb { "since " (parts::day(since)) } }
            }
            td data-label="Arm" { (arm(protocol, row)) }
            td.nb data-label="Randomised" { @if let Some((on, _)) = &digest.randomised { (parts::time(*on)) } }
            td data-label="Next visit" { (next(row)) }
            td.num data-label="Open queries" {
                @if row.queries() > 0 { (row.queries()) }
                @if row.late() > 0 { br; span class="chip bad" { (row.late()) " overdue" } }
            }
            td.num data-label="Missing" { @if !digest.outstanding.is_empty() { (digest.outstanding.len()) } }
            td.small data-label="Strategy" { (parts::in_words(&standing.says)) }
        }
    }
}

/// The arm of the visitor's subject; the trial is open label.
fn arm(protocol: &Protocol, row: &Row<'_>) -> Markup {
    let Some((_, given)) = &row.digest.randomised else { return html! {} };
    let index = protocol.arms.iter().position(|arm| arm.id == *given);
    let label = index.map_or(given.as_str(), |index| protocol.arms[index].label.as_str());
    html! { span class=[index.map(|index| format!("arm{index}"))] { (label) } }
}

fn next(row: &Row<'_>) -> Markup {
    let Some(next) = row.next else { return html! {} };
    html! {
        (next.label)
        @if next.occurrence > 1 { ", no. " (next.occurrence) }
        @if let Some(target) = next.target { " " span.soft.small.nb { (parts::day(target)) } }
        @match next.status {
            VisitStatus::Overdue { days } => { br; span class="chip bad" { "overdue by " (days) @if days == 1 { " day" } @else { " days" } } },
            VisitStatus::Open => { br; span class="chip warn" { "due now" } },
            _ => {},
        }
    }
}
