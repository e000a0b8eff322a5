//! What stands beside a main analysis: competing risks, the check of hazards, subgroups.
//!
//! Never says that hazards are proportional: it shows. See `analysis::results::Further`.

use analysis::results::{AnalysisResult, CauseIncidence, Estimate, HazardCheck};
use maud::{Markup, html};

use super::endpoints::sentence_case;
use super::{View, behind, file, nothing, traced};
use crate::behind::Of;
use crate::{number, words};

/// Competing risks and the check of hazards of the main analysis at `index`.
pub fn beside(view: &View<'_>, index: usize) -> Markup {
    let analysis = &view.results.analyses[index];
    let further = &analysis.further;
    let slug = words::slug(&analysis.id);
    html! {
        @if !further.incidence.is_empty() {
            h4 id=(format!("incidence-{index}")) { "Competing risks" }
            (view.figure(&format!("incidence-{slug}")))
            (incidence(view, index, analysis))
        }
        @for remark in &further.remarks { p.note { (sentence_case(remark)) } }
        @if !further.hazards.is_empty() {
            details.more id=(format!("hazards-{index}")) open[analysis.primary] {
                summary { "Are the hazards of " (analysis.id) " proportional?" }
                @for (place, check) in further.hazards.iter().enumerate() {
                    @let name = if place == 0 { format!("hazards-{slug}") } else { format!("hazards-{slug}-{}", place + 1) };
                    (view.figure(&name))
                    (tests(index, check))
                }
            }
        }
    }
}

fn tests(index: usize, check: &HazardCheck) -> Markup {
    html! {
        p.comparison { "Grambsch and Therneau's test, " strong { (check.arm) } " against " strong { (check.control) } ", over "
            @for (i, test) in check.tests.iter().enumerate() {
                @if i > 0 { "; " }
                (test.over) ": χ² = " (number::decimals(test.chisq, 2)) ", " span.nb { (traced(&format!("c{index}"), &number::p_equals(test.p))) }
            }
            "."
        }
    }
}

fn incidence(view: &View<'_>, index: usize, analysis: &AnalysisResult) -> Markup {
    let level = number::level(analysis.confidence);
    let causes = &analysis.further.incidence;
    html! {
        div.wide { table.columns {
            caption { "Cumulative incidence by cause (" (level) " % CI)" }
            thead { tr { td {} @for arm in &analysis.arms { th.num scope="col" { (words::arm_label(view.results, &arm.arm)) } } } }
            tbody { @for cause in causes { (of_cause(view, index, cause)) } }
        } }
        @for cause in causes { (compared(view, index, analysis, cause)) }
    }
}

fn of_cause(view: &View<'_>, index: usize, cause: &CauseIncidence) -> Markup {
    let anchor = |arm: &trial::id::ArmId| format!("c{index}-{}", words::arm_index(view.results, arm));
    let months: Vec<f64> =
        cause.arms.first().map_or_else(Vec::new, |arm| arm.landmarks.iter().map(|(m, _)| *m).collect());
    html! {
        tr { th scope="row" { (words::capital(&cause.cause)) ", n (%)" }
            @for arm in &cause.arms { td.num { (traced(&anchor(&arm.arm), &number::n_percent(arm.events, arm.n))) } } }
        @for (i, month) in months.iter().enumerate() {
            tr { th.level scope="row" { "By " (number::short(*month, 1)) " months" }
                @for arm in &cause.arms {
                    @let found = arm.landmarks.get(i).map_or_else(Estimate::default, |(_, estimate)| *estimate);
                    td.num { (traced(&anchor(&arm.arm), &number::percent(&found))) }
                }
            }
        }
    }
}

fn compared(view: &View<'_>, index: usize, analysis: &AnalysisResult, cause: &CauseIncidence) -> Markup {
    let to = |text: &str| traced(&format!("c{index}"), text);
    let level = number::level(analysis.confidence);
    if cause.gray.is_none() && cause.ratios.is_empty() {
        return html! {};
    }
    html! {
        p.comparison { (words::capital(&cause.cause))
            @if let Some(gray) = &cause.gray {
                ": Gray's test" @if cause.stratified { ", stratified" } ", " span.nb { (to(&number::p_equals(gray.p))) }
                " (χ² = " (number::decimals(gray.chisq, 2)) ", " (gray.df) " df)"
            }
            @for ratio in &cause.ratios {
                "; subdistribution hazard ratio of " strong { (words::arm_label(view.results, &ratio.arm)) }
                " (Fine and Gray, not stratified) " strong.nb { (to(&number::decimals(ratio.ratio.value.unwrap_or(f64::NAN), 2))) }
                " (" (level) " % CI " (number::limits(&ratio.ratio, 2, number::NOT_ESTIMABLE)) "; " (number::p_equals(ratio.p)) ")"
            }
            "."
        }
    }
}

/// The subgroups of the primary endpoint.
pub fn subgroups(view: &View<'_>) -> Markup {
    let Some((index, analysis)) = words::primary(view.results) else {
        return html! { h3 id="subgroups" { "Subgroups" } (nothing("There is no analysis of a primary endpoint.")) };
    };
    let groups = &analysis.further.subgroups;
    let level = number::level(analysis.confidence);
    html! {
        h3 id="subgroups" { "Subgroups" }
        @if groups.is_empty() {
            (nothing("No subgroup is shown: the protocol stratifies by nothing, only one level of each factor is seen, there is nothing to compare, or the trial is larger than the limits of this report."))
        } @else {
            p { "By the stratification factors, each subject at the level of its randomisation. The interaction is a likelihood-ratio test of
                a Cox model with arm, factor and both, against one without both." }
            (view.figure("subgroups"))
            div.wide { table {
                caption { "Hazard ratio of " (analysis.endpoint_label) " within subgroups (" (level) " % CI)" }
                thead { tr { th scope="col" { "Factor and level" } th.num scope="col" { "Subjects" } th.num scope="col" { "Events / n, arm" }
                    th.num scope="col" { "Events / n, control" } th.num scope="col" { "Hazard ratio" } th.num scope="col" { "Interaction, p" } } }
                tbody { @for (g, group) in groups.iter().enumerate() {
                    tr.any { th scope="row" { (group.label) ", " (group.arm) " against " (group.control) } td.num {} td.num {} td.num {} td.num {}
                        td.num { @match &group.interaction { Some(test) => (traced(&format!("c{index}"), &number::p(test.p))), None => "not tested" } } }
                    @for (l, at) in group.levels.iter().enumerate() { tr {
                        th.level scope="row" { (at.label) }
                        @let to = |text: &str| behind(view, Of::Subgroup(g, l), None, None, text);
                        td.num { (to(&number::count(at.subjects.n))) }
                        @for (n, events) in at.counts { td.num { (to(&format!("{} / {}", number::count(events), number::count(n)))) } }
                        td.num { @if at.hazard_ratio.value.is_none() { "too few events" } @else { (to(&number::with_limits(&at.hazard_ratio, 2, number::NOT_ESTIMABLE))) } }
                        td.num {}
                    } }
                } }
            } }
            (file("subgroups.csv, hazards.csv, schoenfeld.csv, incidence.csv, incidence_tests.csv"))
        }
    }
}
