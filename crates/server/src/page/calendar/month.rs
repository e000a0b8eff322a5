//! The visits of a month as a grid of weeks, each on its planned day.
//!
//! Never shows more of a subject than the list does: what is overdue, due, begun, or next.

use std::collections::BTreeMap;

use jiff::Span;
use jiff::civil::{Date, Weekday};
use maud::{Markup, html};
use trial::calendar::VisitStatus;
use trial::date::{days_between, plus_days};

use super::{Choice, Item, link, visit_name};
use crate::web::access::Desk;
use crate::web::address;
use crate::web::fault::Fault;

/// So many visits fit a day.
const MOST_A_DAY: usize = 5;

/// The grid of the month that is asked for, else of today's.
pub(super) fn grid(desk: &Desk, choice: &Choice, items: &[Item<'_>], today: Date) -> Result<Markup, Fault> {
    let first = if choice.month.is_empty() { today.first_of_month() } else { first_of(&choice.month)? };
    let last = first.last_of_month();
    let mut by_day: BTreeMap<Date, Vec<&Item<'_>>> = BTreeMap::new();
    for item in items {
        if let Some(target) = item.visit.target.filter(|target| (first..=last).contains(target)) {
            by_day.entry(target).or_default().push(item);
        }
    }
    let monday = plus_days(first, -i64::from(first.weekday().since(Weekday::Monday)));
    let weeks = days_between(monday, last) / 7 + 1;
    let step = |months: i32| first.saturating_add(Span::new().months(months)).strftime("%Y-%m").to_string();
    Ok(html! {
        div.row.months {
            a.button href=(link(desk, choice, "month", &step(-1))) { "Earlier" }
            h2 { (first.strftime("%B %Y")) }
            a.button href=(link(desk, choice, "month", &step(1))) { "Later" }
        }
        p.soft { "Each subject's visits that are overdue, due, or next, on their planned day." }
        div.wide {
            table.month {
                caption.visually-hidden { "Planned visits of " (first.strftime("%B %Y")) }
                thead { tr { @for day in ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"] { th scope="col" { (day) } } } }
                tbody {
                    @for week in 0..weeks {
                        tr { @for day in 0..7 { (cell(desk, plus_days(monday, week * 7 + day), first, today, &by_day)) } }
                    }
                }
            }
        }
    })
}

fn cell(desk: &Desk, day: Date, first: Date, today: Date, by_day: &BTreeMap<Date, Vec<&Item<'_>>>) -> Markup {
    let items = by_day.get(&day).map_or(&[][..], Vec::as_slice);
    html! {
        td.other[day.month() != first.month()].today[day == today] {
            div.day { (day.day()) @if day == today { " today" } }
            @for item in items.iter().take(MOST_A_DAY) {
                div.entry-in-day {
                    a href=(address::subject(&desk.room.slug, item.subject)) { (item.subject) } " " (visit_name(item.visit))
                    @if let VisitStatus::Overdue { .. } = item.visit.status { " " span.chip.bad { "overdue" } }
                }
            }
            @if items.len() > MOST_A_DAY { div.soft { "and " (items.len() - MOST_A_DAY) " more" } }
        }
    }
}

fn first_of(month: &str) -> Result<Date, Fault> {
    format!("{month}-01")
        .parse()
        .map_err(|_| Fault::BadRequest(format!("{month:?} is no month: write it as 2026-11.")))
}
