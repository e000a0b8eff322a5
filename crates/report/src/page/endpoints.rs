//! Time-to-event endpoints: each main analysis in full, its sensitivity analyses side by side, and what every subject
//! contributes.
//!
//! Never estimates. The table of contributions is where a number ends and the events of its subjects begin.

use std::collections::BTreeSet;

use analysis::results::{AnalysisResult, ArmEstimate, Comparison, Contribution, Estimate};
use maud::{Markup, html};

use super::{View, cut, file, further, legend, nothing, traced};
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
        (further::subgroups(view))
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

/// The analyses of one endpoint, one at least: main ones in full, then all side by side.
fn endpoint(view: &View<'_>, analyses: &[usize]) -> Markup {
    let all = &view.results.analyses;
    let first = &all[analyses[0]];
    let on_top = words::primary(view.results).map(|(i, _)| i);
    // Where the protocol has no main analysis, the first stands in full.
    let full = |index: usize| all[index].main || index == analyses[0];
    let side: Vec<usize> = analyses.iter().copied().filter(|index| !full(*index)).collect();
    html! {
        div.endpoint {
            h3 id=(format!("endpoint-{}", analyses[0])) { (first.endpoint_label) " (" (first.endpoint) ")" }
            p { (first.definition) }
            @for index in analyses.iter().copied().filter(|index| full(*index)) {
                @if Some(index) == on_top {
                    p.note { "The curves stand " a href="#content" { "at the top of the report" } "." }
                } @else if let Some(figure) = view.curves(index) { (figure.markup()) }
                div.analysis id=(format!("a{index}")) {
                    (whole(view, index))
                    (details(view, index))
                }
                (further::beside(view, index))
            }
            @if !side.is_empty() { (sensitivity(view, analyses[0], &side)) }
        }
    }
}

/// The result of one analysis: a column an arm, then the comparisons and what to beware of.
fn whole(view: &View<'_>, index: usize) -> Markup {
    let analysis = &view.results.analyses[index];
    html! {
        @if analysis.arms.iter().all(|arm| arm.n == 0) {
            (nothing("Nobody is in this analysis yet: its origin has not come for any subject."))
        } @else {
            (columns(view, index, analysis))
            @for c in words::comparisons(analysis) { (compared(view, index, analysis, c)) }
            @if let Some(all) = &analysis.overall {
                p.comparison { "All arms: " (words::test(analysis)) " test, "
                    strong.nb { (traced(&format!("c{index}"), &number::p_equals(all.p))) }
                    " (χ² = " (number::decimals(all.chisq, 2)) ", " (all.df) " df)." }
            }
        }
        @for remark in &analysis.remarks { p.note { (sentence_case(remark)) } }
    }
}

/// A remark begins with a capital letter where it begins with a plain word.
pub fn sentence_case(remark: &str) -> String {
    let mut letters = remark.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    let dot = if remark.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{dot}", letters.as_str())
}

fn columns(view: &View<'_>, index: usize, analysis: &AnalysisResult) -> Markup {
    let level = number::level(analysis.confidence);
    let tau = words::comparisons(analysis).find_map(|c| c.tau_months);
    html! {
        div.wide { table.columns {
            caption { (analysis.label) " " span.kind { "(" (analysis.id) ")" } }
            thead { tr {
                td {}
                @for arm in &analysis.arms {
                    th.num scope="col" { (words::arm_label(view.results, &arm.arm)) br;
                        (traced(&anchor(view, index, arm), &format!("{}, n = {}", arm.arm, number::count(arm.n)))) }
                }
            } }
            tbody {
                (row(view, index, analysis, "Events, n (%)", false, &|arm| (arm.events > 0).then(|| number::n_percent(arm.events, arm.n))))
                (outcomes(view, index, analysis, true))
                (row(view, index, analysis, "Censored, n (%)", false, &|arm| (arm.n > arm.events).then(|| number::n_percent(arm.n - arm.events, arm.n))))
                (outcomes(view, index, analysis, false))
                (row(view, index, analysis, &format!("Median, months ({level} % CI)"), false, &|arm| Some(number::months(&arm.median_months))))
                (landmarks(view, index, analysis, &level))
                @if let Some(tau) = tau {
                    @let what = format!("Restricted mean to {} months ({level} % CI)", number::decimals(tau, 1));
                    (row(view, index, analysis, &what, false, &|arm| arm.rmst_months.map(|mean| number::with_limits(&mean, 1, number::NOT_ESTIMABLE))))
                }
                (row(view, index, analysis, &format!("Median follow-up, months ({level} % CI)"), false, &|arm| Some(number::months(&arm.follow_up_months))))
            }
        } }
    }
}

type Said<'f> = &'f dyn Fn(&ArmEstimate) -> Option<String>;

/// A row of one quantity; a dash where there is none of it.
fn row(
    view: &View<'_>,
    index: usize,
    analysis: &AnalysisResult,
    what: &str,
    inner: bool,
    said: Said<'_>,
) -> Markup {
    html! {
        tr {
            th.level[inner] scope="row" { (what) }
            @for arm in &analysis.arms {
                td.num { @match said(arm).filter(|_| arm.n > 0) { Some(text) => (traced(&anchor(view, index, arm), &text)), None => "–" } }
            }
        }
    }
}

/// Events by cause, or censorings by reason: those that any arm has.
fn outcomes(view: &View<'_>, index: usize, analysis: &AnalysisResult, event: bool) -> Markup {
    let mut kinds: Vec<&str> = Vec::new();
    for outcome in analysis.arms.iter().flat_map(|arm| &arm.outcomes).filter(|o| o.event == event) {
        if !kinds.contains(&outcome.what.as_str()) {
            kinds.push(&outcome.what);
        }
    }
    html! {
        @for kind in kinds {
            (row(view, index, analysis, sentence_case(kind).trim_end_matches('.'), true, &|arm| {
                let found = arm.outcomes.iter().find(|o| o.event == event && o.what == kind);
                found.map(|o| number::count(o.n))
            }))
        }
    }
}

fn landmarks(view: &View<'_>, index: usize, analysis: &AnalysisResult, level: &str) -> Markup {
    let months: Vec<f64> =
        analysis.arms.first().map_or_else(Vec::new, |arm| arm.landmarks.iter().map(|(m, _)| *m).collect());
    let none = Estimate::default();
    html! {
        @for (i, month) in months.iter().enumerate() {
            @let what = format!("Without the event at {} months ({level} % CI)", number::short(*month, 1));
            (row(view, index, analysis, &what, false, &|arm| {
                Some(number::percent(arm.landmarks.get(i).map_or(&none, |(_, estimate)| estimate)))
            }))
        }
    }
}

fn anchor(view: &View<'_>, index: usize, arm: &ArmEstimate) -> String {
    format!("c{index}-{}", words::arm_index(view.results, &arm.arm))
}

/// One arm against control, as a paper says it.
fn compared(view: &View<'_>, index: usize, analysis: &AnalysisResult, c: &Comparison) -> Markup {
    let to = |text: &str| traced(&format!("c{index}"), text);
    let level = number::level(analysis.confidence);
    html! {
        p.comparison {
            strong { (words::arm_label(view.results, &c.arm)) } " against " strong { (words::arm_label(view.results, &c.control)) } ": "
            @match c.hazard_ratio.value {
                Some(value) => { "hazard ratio " strong.nb { (to(&number::decimals(value, 2))) }
                    " (" (level) " % CI " (number::limits(&c.hazard_ratio, 2, number::NOT_ESTIMABLE))
                    @if let Some(p) = c.wald_p { "; Wald " (number::p_equals(p)) } ")" },
                None => { "hazard ratio " (number::NOT_ESTIMABLE) },
            }
            "; " (words::test(analysis)) " test, " strong.nb { (to(&number::p_equals(c.logrank_p))) }
            " (χ² = " (number::decimals(c.logrank_chisq, 2)) ", " (c.logrank_df) " df). "
            @if let (Some(difference), Some(tau)) = (&c.rmst_difference_months, c.tau_months) {
                "Over the first " (number::decimals(tau, 1)) " months the restricted means differ by "
                span.nb { (to(&difference.value.map_or_else(|| number::NOT_ESTIMABLE.to_owned(), |v| format!("{} months", number::decimals(v, 1))))) }
                @if difference.lower.is_some() || difference.upper.is_some() {
                    " (" (level) " % CI " (number::limits(difference, 1, number::NOT_ESTIMABLE)) ")"
                }
                ". "
            }
            @if let Some(p) = c.proportional_hazards_p {
                "Test of proportional hazards (Grambsch and Therneau): " span.nb { (number::p_equals(p)) } "."
            }
        }
    }
}

/// The sensitivity analyses beside the main one, a row each; the details of each behind it.
fn sensitivity(view: &View<'_>, main: usize, side: &[usize]) -> Markup {
    let all = &view.results.analyses;
    let arms = &view.results.arms;
    let level = number::level(all[main].confidence);
    let several = side.iter().chain([&main]).any(|i| !all[*i].more_comparisons.is_empty());
    html! {
        div.wide { table.side {
            caption { "Sensitivity analyses of " (all[main].endpoint_label) }
            thead {
                tr {
                    td {}
                    @for arm in arms { th.arm.num scope="colgroup" colspan="2" { "Arm " (arm.id) } }
                    th.arm.num scope="colgroup" colspan="3" { "Comparison" }
                }
                tr {
                    th scope="col" { "Analysis" }
                    @for _ in arms { th.num scope="col" { "Events / n" } th.num scope="col" { "Median, months" } }
                    th.num scope="col" { "Hazard ratio" }
                    th.num scope="col" { "p" }
                    th.num scope="col" { "Difference in RMST, months" }
                }
            }
            tbody {
                (beside(view, main, true, several))
                @for index in side { (beside(view, *index, false, several)) }
            }
        } }
        p.note { "Medians, hazard ratios and differences with " (level) " % confidence limits; p of the log-rank test; RMST, restricted mean survival time; NR, not reached; NE, not estimable." (legend(view)) }
        @for index in side { @for remark in &all[*index].remarks { p.note { (all[*index].id) ": " (sentence_case(remark)) } } }
        @for index in side {
            details.more {
                summary { (all[*index].label) " " span.kind { "(" (all[*index].id) ")" } ": all numbers" span.screen { ", rules and subjects" } }
                (whole(view, *index))
                (details(view, *index))
            }
        }
    }
}

fn beside(view: &View<'_>, index: usize, main: bool, several: bool) -> Markup {
    let analysis = &view.results.analyses[index];
    let to = |text: &str| traced(&format!("c{index}"), text);
    // The limits under the value, so that the columns of two arms fit on paper.
    let two = |anchor: &str, estimate: &Estimate, places: usize, missing: &str| {
        let value = estimate.value.map_or_else(|| missing.to_owned(), |v| number::decimals(v, places));
        html! {
            (traced(anchor, &value))
            @if estimate.lower.is_some() || estimate.upper.is_some() { br; span.sub { (short_limits(estimate, places)) } }
        }
    };
    let name = |c: &Comparison| html! { @if several { (c.arm) ": " } };
    html! {
        // The main analysis has its anchor where it stands in full.
        tr.any[main] id=[(!main).then(|| format!("a{index}"))] {
            th scope="row" { @if main { "Main analysis" } @else { (analysis.label) } }
            @for arm in &view.results.arms {
                @match analysis.arms.iter().find(|of| of.arm == arm.id).filter(|of| of.n > 0) {
                    Some(of) => {
                        td.num.first { (traced(&anchor(view, index, of), &format!("{} / {}", number::count(of.events), number::count(of.n)))) }
                        td.num { (two(&anchor(view, index, of), &of.median_months, 1, "NR")) }
                    },
                    None => { td.num.first { "–" } td.num { "–" } },
                }
            }
            td.num.first { @for c in words::comparisons(analysis) { div { (name(c)) (two(&format!("c{index}"), &c.hazard_ratio, 2, "NE")) } } }
            td.num { @for c in words::comparisons(analysis) { div { (name(c)) (to(&number::p(c.logrank_p))) } } }
            td.num { @for c in words::comparisons(analysis) {
                @if let Some(difference) = &c.rmst_difference_months { div { (name(c)) (two(&format!("c{index}"), difference, 1, "NE")) } }
            } }
        }
    }
}

/// `2.9 to 13.8`, `16.7 to NR`.
fn short_limits(estimate: &Estimate, places: usize) -> String {
    number::limits(estimate, places, "NR")
}

/// Rules and contributions of one analysis.
fn details(view: &View<'_>, index: usize) -> Markup {
    let analysis = &view.results.analyses[index];
    html! {
        details.rules {
            summary { "Rules in force" }
            ul {
                @for rule in &analysis.rules { li { (sentence_case(rule)) } }
                li { "Cox model: ties by " (analysis.ties) @if analysis.stratified { ", stratified by the stratification factors" } "." }
                @if !analysis.limits.is_empty() { li { (sentence_case(&analysis.limits)) } }
                li { "Limits at " (number::level(analysis.confidence)) " %." }
            }
        }
        (contributions(view, index, analysis))
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
        details.contributions {
            summary { "What each of " (number::counted(all, "subject")) " contributes to " (analysis.id) }
            div.in id=(format!("c{index}")) {
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
