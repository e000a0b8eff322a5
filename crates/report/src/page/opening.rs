//! The first screen: which trial, which data, and the primary result in one sentence with its figure.
//!
//! Never rounds away a remark: what to beware of stands under the sentence. See `number` for how numbers print.

use analysis::results::{AnalysisResult, ArmEstimate};
use maud::{Markup, html};

use super::{View, behind, nothing, traced};
use crate::behind::Of;
use crate::{number, words};

/// Title, key facts, the primary result.
pub fn opening(view: &View<'_>) -> Markup {
    let about = &view.results.about;
    html! {
        header.opening {
            p.kicker {
                "Trial report"
                @if let Some(registry) = &about.registry { " · " (registry) }
                " · protocol " (about.protocol_version)
            }
            h1 { (about.trial) }
            p.lead { (about.title) }
            (facts(view))
            (result(view))
        }
    }
}

fn facts(view: &View<'_>) -> Markup {
    let about = &view.results.about;
    html! {
        dl.facts {
            div { dt { "Registry number" } dd { (about.registry.as_deref().unwrap_or("none given")) } }
            div { dt { "Protocol version" } dd { (about.protocol_version) } }
            div { dt { "Data cut (what had happened)" } dd {
                @match about.cut {
                    Some(cut) => (cut),
                    None => { "none" @if let Some(last) = about.last_clinical { "; last clinical day " (last) } },
                }
            } }
            div { dt { "As of (what was known)" } dd {
                @match about.as_of {
                    Some(moment) => (super::trace::moment(moment)),
                    None => { "all events"
                        @if let Some(last) = about.last_recorded { "; last recorded " (super::trace::moment(last)) } },
                }
            } }
            div { dt { "Randomised" } dd { (behind(view, Of::Allocated, None, None, &number::count(view.results.flow.randomised)))
                @if view.results.recruitment.planned > 0 { " of " (number::count(view.results.recruitment.planned as usize)) " planned" } } }
            div { dt { "Ledger head" } dd {
                @match &about.head {
                    Some(head) => { code title=(head) { (head.chars().take(16).collect::<String>()) } },
                    None => "no ledger",
                }
                ", " (number::count(usize::try_from(about.events).unwrap_or(usize::MAX))) " events"
            } }
        }
    }
}

fn result(view: &View<'_>) -> Markup {
    let Some((index, analysis)) = words::primary(view.results) else {
        return nothing(
            "No primary result: the protocol names no analysis of a primary endpoint, or nobody is in it.",
        );
    };
    html! {
        div.result {
            h2 { "Primary result: " (analysis.endpoint_label) }
            p.sentence { (sentence(view, index, analysis)) }
            @for remark in &analysis.remarks { p.note { (remark) } }
            @if let Some(figure) = view.curves(index) { (figure.markup()) }
        }
    }
}

/// `HR ...; the medians.`
fn sentence(view: &View<'_>, index: usize, analysis: &AnalysisResult) -> Markup {
    let label = |arm| words::arm_label(view.results, arm);
    let anchor = format!("c{index}");
    let medians = html! {
        @for (i, arm) in analysis.arms.iter().enumerate() {
            @if i > 0 { @if i + 1 == analysis.arms.len() { " and " } @else { ", " } }
            (median(view, index, arm))
        }
        "."
    };
    let events: usize = analysis.arms.iter().map(|arm| arm.events).sum();
    let n: usize = analysis.arms.iter().map(|arm| arm.n).sum();
    html! {
        @for c in words::comparisons(analysis) {
            strong { (label(&c.arm)) } " against " strong { (label(&c.control)) } ": "
            strong.nb { (traced(&anchor, &number::hazard_ratio(&c.hazard_ratio, analysis.confidence))) } ", "
            (words::test(analysis)) " " span.nb { (traced(&anchor, &number::p_equals(c.logrank_p))) } ". "
        }
        @if words::comparisons(analysis).next().is_none() { "No comparison of arms. " }
        "Median: " (medians) " "
        (traced(&format!("c{index}"), &format!("{} in {}", number::counted(events, "event"), number::counted(n, "subject")))) "."
    }
}

/// `10.4 months (8.1 to 13.0) in arm A`.
fn median(view: &View<'_>, index: usize, arm: &ArmEstimate) -> Markup {
    let median = &arm.median_months;
    let value = median.value.map_or_else(
        || number::NOT_REACHED.to_owned(),
        |months| format!("{} months", number::decimals(months, 1)),
    );
    let place = words::arm_index(view.results, &arm.arm);
    html! {
        span.nb { (traced(&format!("c{index}-{place}"), &value)) }
        @if median.lower.is_some() || median.upper.is_some() {
            " (" (number::limits(median, 1, number::NOT_REACHED)) ")"
        }
        " in arm " (arm.arm)
    }
}
