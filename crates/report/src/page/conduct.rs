//! Sections on conduct: deviations, pending decisions, faults, assumptions, and how the report was made.
//!
//! Never hides a fault: what could not be read is listed with its place. See `trial::record` for how events are read.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{MOST_ROWS, View, cut, file, nothing};
use crate::number;

/// Protocol deviations.
pub fn deviations(view: &View<'_>) -> Markup {
    let rows = &view.results.deviations;
    if rows.is_empty() {
        return nothing("No deviation was recorded and none was found in these data.");
    }
    let mut by_category: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        *by_category.entry(row.category.as_str()).or_default() += 1;
    }
    let shown = rows.len().min(MOST_ROWS);
    html! {
        p { @for (i, (category, n)) in by_category.iter().enumerate() { @if i > 0 { "; " } (category) ": " strong { (number::count(*n)) } } "." }
        div.wide { table.filter.small {
            caption { "Protocol deviations" }
            thead { tr { th scope="col" { "Subject" } th scope="col" { "Site" } th scope="col" { "Arm" } th scope="col" { "Day" }
                th scope="col" { "Category" } th scope="col" { "What" } th scope="col" { "Known by" } th scope="col" { "Events" } } }
            tbody { @for row in &rows[..shown] {
                tr { th scope="row" { (view.links.subject_markup(&row.subject)) } td { (row.site) }
                    td { @match &row.arm { Some(arm) => (arm), None => "–" } } td.date { (row.date) } td { (row.category) } td { (row.term) }
                    td { (if row.found { "found by a rule" } else { "recorded" }) }
                    td.events { (view.links.events_markup(&row.events)) } }
            } }
        } }
        (cut(shown, rows.len(), "dv.csv"))
        (file("dv.csv"))
    }
}

/// Pending strategy decisions.
pub fn pending(view: &View<'_>) -> Markup {
    let rows = &view.results.pending;
    if rows.is_empty() {
        return nothing("No progression waits for a decision on the strategy.");
    }
    let shown = rows.len().min(MOST_ROWS);
    html! {
        table.filter {
            caption { "Progressions whose strategy decision is not recorded" }
            thead { tr { th scope="col" { "Subject" } th scope="col" { "Site" } th scope="col" { "Arm" } th scope="col" { "Progression" }
                th scope="col" { "Waits for" } th scope="col" { "Events" } } }
            tbody { @for row in &rows[..shown] {
                tr { th scope="row" { (view.links.subject_markup(&row.subject)) } td { (row.site) } td { (row.arm) } td.date { (row.progression) }
                    td { (row.why) } td.events { (view.links.events_markup(&row.events)) } }
            } }
        }
        (cut(shown, rows.len(), "pending.csv"))
        (file("pending.csv"))
    }
}

/// What in the events could not be read.
pub fn faults(view: &View<'_>) -> Markup {
    let rows = &view.results.faults;
    if rows.is_empty() {
        return nothing("Every event could be read.");
    }
    let shown = rows.len().min(MOST_ROWS);
    html! {
        p { "These values are in the ledger but could not be read; no number in this report uses them." }
        table.filter.small {
            caption { "Faults in the record" }
            thead { tr { th scope="col" { "Subject" } th scope="col" { "Place" } th scope="col" { "What was found, what would be right" } th scope="col" { "Event" } } }
            tbody { @for row in &rows[..shown] {
                tr { th scope="row" { (view.links.subject_markup(&row.subject)) } td { (row.place) } td { (row.message) }
                    td.events { (view.links.events_markup(&[row.event])) } }
            } }
        }
        (cut(shown, rows.len(), "faults.csv"))
        (file("faults.csv"))
    }
}

/// What the protocol file marks as assumed.
pub fn assumed(view: &View<'_>) -> Markup {
    let rows = &view.results.assumptions;
    if rows.is_empty() {
        return nothing("The protocol marks nothing as assumed: every value is stated by its sources.");
    }
    html! {
        p { "Public sources are silent on these; the protocol file sets and marks them. A trial office would confirm or change each." }
        table.filter.small {
            caption { "Assumed values" }
            thead { tr { th scope="col" { "In the protocol file" } th scope="col" { "Value" } th scope="col" { "Marked" } } }
            tbody { @for row in rows {
                tr { th scope="row" { code { (row.path) } } td { (row.value) } td { (if row.whole_table { "whole table" } else { "this value" }) } }
            } }
        }
        (file("assumptions.csv"))
    }
}

/// How the report was made: rules in words, versions.
pub fn methods(view: &View<'_>) -> Markup {
    let about = &view.results.about;
    html! {
        ul {
            li { "Made by Trialwright " (env!("CARGO_PKG_VERSION")) " from " (number::count(usize::try_from(about.events).unwrap_or(usize::MAX)))
                " events under protocol version " (about.protocol_version)
                @if let Some(head) = &about.head { ", ledger head " code.hash { (head) } } "." }
            li { "The same events, protocol and program give the same report: nothing here was typed in by hand." }
            li { "Two clocks: the data cut is by the day something happened, 'as of' by the moment it was recorded." }
            li { "Forms are read under the protocol version in force when they were entered; tumour and strategy rules are those in force when
                the subject was randomised; endpoints and analyses are the current ones." }
            li { "Times are days with the origin as day 1 (AVAL = ADT \u{2212} STARTDT + 1); months are days / 30.4375." }
            li { "An imputed day follows a named rule and is marked (ADTF)." }
            li { "Tumour response by RECIST 1.1 (Eisenhauer 2009); adverse events by CTCAE v5.0." }
            @for analysis in &view.results.analyses {
                li { strong { (analysis.id) } ": " (analysis.rules.join(" ")) " Ties by " (analysis.ties) ". " (analysis.limits) }
            }
            @if let Some(quality) = &view.results.quality_of_life { li { strong { (quality.score) } ": " (quality.rules.join(" ")) } }
        }
        h3 id="how-to-trace" { "How to trace a number" }
        p { "An underlined number leads to the subjects behind it; a subject leads to its trace; a trace shows the responses with their reasons, the course
            of the strategy with each verdict, and the source events as they were entered. It works without a script; with one, what a link
            leads to opens by itself." }
    }
}
