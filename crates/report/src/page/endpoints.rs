//! Time-to-event endpoints: each analysis with its arms, comparison, rules, and what every subject contributes.
//!
//! Never estimates. The table of contributions is where a number ends and the events of its subjects begin.

use std::collections::BTreeSet;

use analysis::results::{AnalysisResult, ArmEstimate, Contribution, Estimate};
use maud::{Markup, html};

use super::{View, cut, file, nothing, opening, traced};
use crate::{number, words};

/// The primary endpoint with its sensitivity analyses, and the forest of all.
pub fn primary(view: &View<'_>) -> Markup {
    let analyses: Vec<usize> = places(view, |analysis| analysis.primary);
    html! {
        @if analyses.is_empty() {
            (nothing("The protocol names no analysis of a primary endpoint, or nobody is in it."))
        }
        @for group in by_endpoint(view, &analyses) { (endpoint(view, group)) }
        h3 id="all-ratios" { "All analyses" }
        (view.figure("forest"))
        (file("analyses.csv, comparisons.csv, landmarks.csv, adtte.csv"))
    }
}

/// Every other endpoint.
pub fn others(view: &View<'_>) -> Markup {
    let analyses = places(view, |analysis| !analysis.primary);
    if analyses.is_empty() {
        return nothing("The protocol names no other time-to-event endpoint.");
    }
    html! {
        @for group in by_endpoint(view, &analyses) { (endpoint(view, group)) }
        (file("analyses.csv, comparisons.csv, landmarks.csv, km_*.csv, adtte.csv"))
    }
}

fn places(view: &View<'_>, wanted: impl Fn(&AnalysisResult) -> bool) -> Vec<usize> {
    (view.results.analyses.iter().enumerate()).filter(|(_, a)| wanted(a)).map(|(i, _)| i).collect()
}

fn by_endpoint<'a>(view: &'a View<'_>, analyses: &'a [usize]) -> impl Iterator<Item = &'a [usize]> {
    let all = &view.results.analyses;
    analyses.chunk_by(|a, b| all[*a].endpoint == all[*b].endpoint)
}

/// The analyses of one endpoint, one at least.
fn endpoint(view: &View<'_>, analyses: &[usize]) -> Markup {
    let first = &view.results.analyses[analyses[0]];
    let on_top = words::primary(view.results).map(|(i, _)| i);
    html! {
        h3 id=(format!("endpoint-{}", analyses[0])) { (first.endpoint_label) " (" (first.endpoint) ")" }
        p { (first.definition) }
        @for index in analyses {
            @if Some(*index) == on_top {
                p.note { "The curves stand " a href="#content" { "at the top of the report" } "." }
            } @else if let Some(figure) = view.curves(*index) { (figure.markup()) }
            (analysis(view, *index))
        }
    }
}

fn analysis(view: &View<'_>, index: usize) -> Markup {
    let analysis = &view.results.analyses[index];
    html! {
        div.analysis id=(format!("a{index}")) {
            h4 { (analysis.label) " " span.kind { @if !analysis.main { "sensitivity analysis · " } (analysis.id) } }
            @if analysis.arms.iter().all(|arm| arm.n == 0) {
                (nothing("Nobody is in this analysis yet: its origin has not come for any subject."))
            } @else {
                (arms(view, index, analysis))
                @for c in words::comparisons(analysis) { (opening::comparison(view, index, analysis, c)) }
                @if let Some(all) = &analysis.overall {
                    p.comparison { "All arms: " (words::test(analysis)) " " (number::p_equals(all.p)) " (χ² " (number::decimals(all.chisq, 2)) ", " (all.df) " df)." }
                }
            }
            @for remark in &analysis.remarks { p.note { (remark) } }
            (rules(analysis))
            (contributions(view, index, analysis))
        }
    }
}

fn rules(analysis: &AnalysisResult) -> Markup {
    html! {
        details.rules {
            summary { "Rules in force" }
            ul {
                @for rule in &analysis.rules { li { (rule) } }
                li { "Cox model: ties by " (analysis.ties) @if analysis.stratified { ", stratified by the stratification factors" } "." }
                @if !analysis.limits.is_empty() { li { (analysis.limits) } }
                li { "Limits at " (number::level(analysis.confidence)) " %." }
            }
        }
    }
}

fn arms(view: &View<'_>, index: usize, analysis: &AnalysisResult) -> Markup {
    let landmarks: Vec<f64> =
        analysis.arms.first().map_or_else(Vec::new, |arm| arm.landmarks.iter().map(|(m, _)| *m).collect());
    let level = number::level(analysis.confidence);
    html! {
        div.wide { table {
            caption { (analysis.endpoint_label) ": " (analysis.label) }
            thead { tr {
                th scope="col" { "Arm" }
                th.num scope="col" { "n" }
                th.num scope="col" { "Events, n (%)" }
                th.num scope="col" { "Median, months (" (level) " % CI)" }
                @for month in &landmarks { th.num scope="col" { "At " (number::short(*month, 1)) " months (" (level) " % CI)" } }
            } }
            tbody { @for arm in &analysis.arms { (arm_row(view, index, arm, landmarks.len())) } }
        } }
        ul.outcomes { @for arm in &analysis.arms { li { (outcomes(view, index, analysis, arm)) } } }
    }
}

/// How the subjects of an arm ended, how long they were followed, and their restricted mean.
fn outcomes(view: &View<'_>, index: usize, analysis: &AnalysisResult, arm: &ArmEstimate) -> Markup {
    let to = |text: &str| traced(&anchor(view, index, arm), text);
    let tau = analysis.comparison.as_ref().and_then(|c| c.tau_months);
    html! {
        strong { (arm.arm) } ": "
        @for (what, n) in &arm.outcomes { (what) " " (to(&number::count(*n))) "; " }
        "median follow-up in months " (to(&number::months(&arm.follow_up_months)))
        @if let Some(mean) = &arm.rmst_months {
            "; restricted mean in months"
            @if let Some(tau) = tau { " up to " (number::decimals(tau, 1)) } " "
            (to(&number::with_limits(mean, 1, number::NOT_ESTIMABLE)))
        }
        "."
    }
}

fn anchor(view: &View<'_>, index: usize, arm: &ArmEstimate) -> String {
    format!("c{index}-{}", words::arm_index(view.results, &arm.arm))
}

fn arm_row(view: &View<'_>, index: usize, arm: &ArmEstimate, landmarks: usize) -> Markup {
    let to = |text: &str| traced(&anchor(view, index, arm), text);
    let none = Estimate::default();
    html! {
        tr {
            th scope="row" { (arm.arm) ": " (words::arm_label(view.results, &arm.arm)) }
            td.num { (to(&number::count(arm.n))) }
            td.num { (to(&number::n_percent(arm.events, arm.n))) }
            td.num { (to(&number::months(&arm.median_months))) }
            @for i in 0..landmarks {
                td.num { (to(&number::percent(arm.landmarks.get(i).map_or(&none, |(_, estimate)| estimate)))) }
            }
        }
    }
}

/// What each subject contributes: days, outcome, the rule that decided, why, and the events it rests on.
fn contributions(view: &View<'_>, index: usize, analysis: &AnalysisResult) -> Markup {
    // A page that carries the traces of some subjects shows what those contribute.
    let all = analysis.subjects.len();
    let any = all <= crate::TRACED || view.links.traced.is_empty();
    let shown: Vec<&Contribution> = analysis
        .subjects
        .iter()
        .filter(|row| any || view.links.has(&row.subject))
        .take(crate::TRACED)
        .collect();
    let arms: BTreeSet<usize> = (analysis.arms.iter().map(|arm| &arm.arm))
        .chain(shown.iter().map(|row| &row.arm))
        .map(|arm| words::arm_index(view.results, arm))
        .collect();
    html! {
        details.contributions id=(format!("c{index}")) {
            summary { "What each of " (number::counted(all, "subject")) " contributes to " (analysis.id) }
            @if all == 0 { (nothing("Nobody is in this analysis.")) }
            div.wide { table.filter.small {
                caption { (analysis.id) ": the subjects behind the numbers" }
                thead { tr {
                    th scope="col" { "Subject" } th scope="col" { "Arm" }
                    @if analysis.stratified { th scope="col" { "Stratum" } }
                    th.num scope="col" { "AVAL, days" } th scope="col" { "Outcome" } th scope="col" { "Day (ADT)" }
                    th scope="col" { "Rule" } th scope="col" { "Why" } th scope="col" { "Events" }
                } }
                @for place in arms {
                    tbody id=(format!("c{index}-{place}")) {
                        @for row in shown.iter().filter(|row| words::arm_index(view.results, &row.arm) == place) {
                            (contribution(view, index, analysis, row))
                        }
                    }
                }
            } }
            (cut(shown.len(), all, "adtte.csv"))
        }
    }
}

fn contribution(view: &View<'_>, index: usize, analysis: &AnalysisResult, row: &Contribution) -> Markup {
    let id = view.links.subject(&row.subject).map(|href| format!("c{index}{}", href.trim_start_matches('#')));
    html! {
        tr id=[id] {
            th scope="row" { (view.links.subject_markup(&row.subject)) }
            td { (row.arm) }
            @if analysis.stratified { td { (row.stratum.as_deref().unwrap_or("–")) } }
            td.num { (row.days) }
            td { @if row.event { strong { (words::outcome(&row.time.outcome)) } } @else { (words::outcome(&row.time.outcome)) } }
            td.date { (row.time.on()) @if row.time.imputed.is_some() { " (imputed)" } }
            td { (row.time.rule) }
            td { (row.time.why) }
            td.events { (view.links.events_markup(&row.time.events)) }
        }
    }
}
