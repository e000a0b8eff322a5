//! Sections on conduct: deviations, pending decisions, faults, assumptions, and how the report was made.
//!
//! Never hides a fault: what could not be read is listed with its place. See `trial::record` for how events are read.

use std::collections::BTreeSet;

use analysis::results::{AnalysisResult, Assumption, DeviationRow};
use maud::{Markup, html};
use trial::id::ArmId;

use super::{MOST_ROWS, View, behind, cut, file, joined, nothing};
use crate::behind::{Of, deviation_categories};
use crate::{number, words};

/// What stands where a list of single subjects would be.
const POOLED: &str = "Not shown where all arms are one: what a subject was treated with tells the arm.";

/// Protocol deviations.
pub fn deviations(view: &View<'_>) -> Markup {
    let rows = &view.results.deviations;
    if view.results.pooled {
        return nothing(POOLED);
    }
    if rows.is_empty() {
        return nothing("No deviation was recorded and none was found in these data.");
    }
    let shown = rows.len().min(MOST_ROWS);
    html! {
        (by_category(view))
        div.wide { table.filter.small.dv {
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

/// How many of each category in each arm.
fn by_category(view: &View<'_>) -> Markup {
    let arms = &view.results.arms;
    let count = |category: &str, arm: Option<&ArmId>| {
        let of = |row: &&DeviationRow| row.category == category && row.arm.as_ref() == arm;
        view.results.deviations.iter().filter(of).count()
    };
    let before = view.results.deviations.iter().any(|row| row.arm.is_none());
    html! {
        table {
            caption { "Deviations by category" }
            thead { tr { th scope="col" { "Category" } @for arm in arms { th.num scope="col" { (words::arm_name(arm)) } }
                @if before { th.num scope="col" { "Not randomised" } } } }
            tbody { @for (place, category) in deviation_categories(view.results).into_iter().enumerate() {
                tr { th scope="row" { (category) }
                    @for (i, arm) in arms.iter().map(|arm| Some(&arm.id)).chain(before.then_some(None)).enumerate() {
                        td.num { (behind(view, Of::Deviations(place), Some(i), None, &number::count(count(category, arm)))) }
                    }
                }
            } }
        }
    }
}

/// Pending strategy decisions.
pub fn pending(view: &View<'_>) -> Markup {
    let rows = &view.results.pending;
    if view.results.pooled {
        return nothing(POOLED);
    }
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
    if view.results.pooled {
        return nothing(POOLED);
    }
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

/// What the protocol file marks as assumed, and the results of others that the design rests on.
pub fn assumed(view: &View<'_>) -> Markup {
    html! {
        (background(view))
        h3 id="assumptions" { "What was assumed" }
        (assumptions(view))
    }
}

fn background(view: &View<'_>) -> Markup {
    let rows = &view.results.background;
    html! {
        @if !rows.is_empty() {
            table {
                caption { "What the design rests on: results of others, as the protocol states them" }
                thead { tr { th scope="col" { "Result" } th.num scope="col" { "Value" } th scope="col" { "From" } } }
                tbody { @for row in rows {
                    tr { th scope="row" { (row.statement) } td.num.stated { (row.value) } td { (row.reference.as_deref().unwrap_or("–")) } }
                } }
            }
            p.note { "These come from no event of this trial." }
            (file("background.csv"))
        }
    }
}

/// The table or list that a marked key stands in, and the key: `arms[A].strategy` and `within_days`.
pub fn owner(row: &Assumption) -> (&str, &str) {
    if row.whole_table {
        return (row.path.as_str(), "");
    }
    // No dot within brackets parts a key from its table.
    let mut depth = 0_usize;
    let mut at = None;
    for (i, c) in row.path.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '.' if depth == 0 => at = Some(i),
            _ => {}
        }
    }
    at.map_or(("", row.path.as_str()), |at| (&row.path[..at], &row.path[at + 1..]))
}

fn assumptions(view: &View<'_>) -> Markup {
    let rows = &view.results.assumptions;
    if rows.is_empty() {
        return nothing("The protocol marks nothing as assumed: every value is stated by its sources.");
    }
    html! {
        p { "Public sources are silent on these; the protocol file sets and marks them. A trial office would confirm or change each." }
        table.assumed.small {
            caption { "Assumed values" }
            thead { tr { th scope="col" { "In the protocol file" } th scope="col" { "Value" } } }
            tbody { @for group in rows.chunk_by(|a, b| !a.whole_table && !b.whole_table && owner(a).0 == owner(b).0) {
                tr { th scope="row" { (path(owner(&group[0]).0)) }
                    td { @for (i, row) in group.iter().enumerate() {
                        @if i > 0 { "; " }
                        @if row.whole_table { (row.value) } @else { span.key { (owner(row).1) } " " (row.value) }
                    } }
                }
            } }
        }
        p.note { "A row without keys is assumed as a whole; else only the keys it names are." }
        (file("assumptions.csv"))
    }
}

/// A path that breaks after its dots and before its brackets alone.
fn path(path: &str) -> Markup {
    html! {
        code.path { @for (i, c) in path.char_indices() {
            @if i > 0 && c == '[' { wbr; }
            (c)
            @if c == '.' { wbr; }
        } }
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
            @for limits in limits(view) { li { "Times to events: " (limits) "." } }
            @if let Some(quality) = &view.results.quality_of_life { li { strong { (quality.score) } ": " (joined(&quality.rules)) "." } }
        }
        (rules(view))
        h3.screen id="how-to-trace" { "How to trace a number" }
        p.screen { "An underlined number opens the list of the subjects behind it, each with its value and the events that put it there, or leads to what
            each subject contributes to an analysis. A subject leads to its trace, an event to what was entered. A trace shows the responses with their reasons, the course
            of the strategy with each verdict, and the source events as they were entered. It works without a script; with one, what a link
            leads to opens by itself." }
        p.print-only { "Not on paper, but in the electronic report: the lists of subjects behind each number (also " code { "who.csv" }
            "), what each subject contributes to each analysis (also " code { "adtte.csv" } "), and the traces of the subjects to their events." }
    }
}

fn limits<'a>(view: &View<'a>) -> BTreeSet<&'a str> {
    let analyses = view.results.analyses.iter();
    analyses
        .map(|analysis| analysis.limits.trim_end_matches('.'))
        .filter(|limits| !limits.is_empty())
        .collect()
}

/// The rules of every analysis: of a main one all, of a sensitivity analysis where it differs.
fn rules(view: &View<'_>) -> Markup {
    let all = &view.results.analyses;
    html! {
        @if !all.is_empty() {
            h3 id="rules" { "Rules of the analyses" }
            dl.rules { @for group in all.chunk_by(|a, b| a.endpoint == b.endpoint) {
                @let main = &group[0];
                dt { (main.endpoint_label) ", " (main.id) }
                dd { (said(main, &main.rules, true)) }
                @for analysis in &group[1..] {
                    dt.inner { (analysis.id) }
                    dd.inner { "as " (main.id) (otherwise(main, analysis)) }
                }
            } }
        }
    }
}

/// What `analysis` says otherwise than `main`: its own rules, and those of `main` that nothing takes the place of.
fn differences(main: &AnalysisResult, analysis: &AnalysisResult) -> Vec<String> {
    let about = |rule: &str| rule.split(':').next().unwrap_or(rule).to_owned();
    let own = analysis.rules.iter().filter(|rule| !main.rules.contains(rule)).cloned();
    let gone = main.rules.iter().filter(|rule| {
        !analysis.rules.contains(rule) && !analysis.rules.iter().any(|other| about(other) == about(rule))
    });
    own.chain(gone.map(|rule| format!("not: {rule}"))).collect()
}

/// `, but` what `analysis` does otherwise than `main`; a full stop where it is nothing.
fn otherwise(main: &AnalysisResult, analysis: &AnalysisResult) -> Markup {
    let rules = differences(main, analysis);
    let model = analysis.stratified != main.stratified || analysis.ties != main.ties;
    html! { @if rules.is_empty() && !model { "." } @else { ", but " (said(analysis, &rules, model)) } }
}

fn said(analysis: &AnalysisResult, rules: &[String], model: bool) -> Markup {
    let stratified =
        if analysis.stratified { "stratified by the stratification factors" } else { "not stratified" };
    html! {
        (joined(rules))
        @if model { @if !rules.is_empty() { "; " } "test and Cox model " (stratified) ", ties by " (analysis.ties) }
        "."
    }
}
