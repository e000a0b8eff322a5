//! The synopsis of a protocol: what a reader wants of it on a few pages.
//!
//! Never says more than the file does; a row that the file leaves empty says so.

use analysis::in_words;
use maud::{Markup, html};
use trial::protocol::{Concept, Protocol};
use trial::rules;

use super::plan::{arm_names, arms, background_table, eligibility, facts, has, in_order, role, size, visits};
use super::{Options, Section, Sheet, mark, months, randomisation, stated};
use crate::number;

/// The synopsis of `protocol`.
pub fn synopsis(protocol: &Protocol, options: &Options) -> String {
    let sheet = Sheet {
        protocol,
        kind: "Protocol synopsis",
        mark: if options.restricted { "RESTRICTED: for the trial office alone" } else { "" },
        class: "synopsis",
        contents: false,
    };
    let sections = [
        Section::new("trial", "The trial", trial(protocol)),
        Section::new("treatment", "Arms and randomisation", treatment(protocol, options)),
        Section::new("population", "Population", population(protocol)),
        Section::new("outcomes", "Objectives and endpoints", outcomes(protocol)),
        Section::new("course", "Schedule and follow-up", course(protocol)),
        Section::new("statistics", "Statistics", statistics(protocol)),
    ];
    sheet.page(&sheet.opening(&facts(protocol)), &sections)
}

/// What the file states, or that it does not.
fn or_not(text: Option<&String>, key: &str, protocol: &Protocol) -> Markup {
    let trial = &protocol.trial;
    html! { @match text {
        Some(text) => { (text) (mark(trial.source, &trial.assumed, key)) },
        None => "not stated in the protocol file",
    } }
}

fn trial(protocol: &Protocol) -> Markup {
    let of = &protocol.trial;
    html! {
        table.plain {
            caption { "The trial in short" }
            thead { tr { th.what scope="col" { "What" } th scope="col" { "As the protocol file states it" } } }
            tbody {
                tr { th scope="row" { "Title" } td { (of.title) } }
                tr { th scope="row" { "Short name" } td { (of.id) } }
                tr { th scope="row" { "Objective" } td { (or_not(of.objective.as_ref(), "objective", protocol)) } }
                tr { th scope="row" { "Design" } td { (or_not(of.design.as_ref(), "design", protocol)) } }
                tr { th scope="row" { "Population" } td { (or_not(of.population.as_ref(), "population", protocol)) } }
                tr { th scope="row" { "Arms" } td { (arm_names(protocol)) } }
                tr { th scope="row" { "Primary endpoint" } td {
                    (in_order(protocol).filter(|one| role(one) == "primary").map(|one| one.label.clone()).collect::<Vec<_>>().join("; "))
                } }
                tr { th scope="row" { "Participants" } td { (of.participants) (mark(of.source, &of.assumed, "participants"))
                    @if let Some(sites) = of.sites { ", at " (sites) " sites" (mark(of.source, &of.assumed, "sites")) } } }
                tr { th scope="row" { "Follow-up" } td { "until " (months(protocol.schedule.follow_up_months)) " after the last participant was randomised" } }
            }
        }
        (background_table(protocol))
    }
}

fn treatment(protocol: &Protocol, options: &Options) -> Markup {
    html! {
        (arms(protocol))
        @for arm in &protocol.arms { @if let Some(rule) = &arm.strategy {
            h3 { "Strategy of arm " (arm.id) }
            p.statement { (rule.statement) (mark(arm.source, &rule.assumed, "statement")) }
            ul { @for said in rules::of_strategy(rule) { li { (said) } } }
        } }
        h3 { "Randomisation" }
        ul { @for said in randomisation(protocol, options.restricted) { li { (said) } } }
        @if !protocol.stratification.is_empty() {
            p.note { "Levels: " @for (n, factor) in protocol.stratification.iter().enumerate() { @if n > 0 { ". " } (factor.label) ": "
                (factor.levels.iter().map(|level| level.label.clone()).collect::<Vec<_>>().join("; ")) (mark(factor.source, &factor.assumed, "levels")) } "." }
        }
    }
}

fn population(protocol: &Protocol) -> Markup {
    eligibility(protocol)
}

fn outcomes(protocol: &Protocol) -> Markup {
    html! {
        table.plain {
            caption { "Endpoints" }
            thead { tr { th.what scope="col" { "Endpoint" } th scope="col" { "Role" } th scope="col" { "Definition" } } }
            tbody {
                @for endpoint in in_order(protocol) {
                    tr { th scope="row" { (endpoint.label) " (" (endpoint.id) ")" } td { (role(endpoint)) }
                        td { (endpoint.definition) (mark(endpoint.source, &endpoint.assumed, "definition")) } }
                }
                @if let Some(rule) = &protocol.quality_of_life {
                    tr { th scope="row" { "Quality of life" } td { "secondary" }
                        td { "Area under the curve of the FACT-B total from baseline to week " (rule.auc_to_week) (mark(rule.source, &rule.assumed, "auc_to_week")) } }
                }
                @if has(protocol, Concept::AdverseEvent) {
                    tr { th scope="row" { "Adverse events" } td { "safety" }
                        td { "Worst grade" @if let Some(dictionary) = &protocol.safety.dictionary { " by " (dictionary) }
                            @if !protocol.safety.attributed_to.is_empty() { ", with attribution to "
                                (super::listed(&protocol.safety.attributed_to.values().cloned().collect::<Vec<_>>())) } } }
                }
            }
        }
    }
}

fn course(protocol: &Protocol) -> Markup {
    html! {
        @if let Some(statement) = &protocol.schedule.statement { p { (statement) (mark(protocol.schedule.source, &protocol.schedule.assumed, "statement")) } }
        (visits(protocol))
    }
}

fn statistics(protocol: &Protocol) -> Markup {
    let planned = in_words::times(protocol);
    html! {
        (size(protocol))
        ul { @for one in planned.iter().filter(|one| one.main) {
            li { (one.label) ": log-rank test and Cox model " (if one.stratified { "stratified by the stratification factors" } else { "not stratified" })
                ", hazard ratio with " (number::level(one.confidence)) " % limits, Kaplan-Meier curves." }
        }
            @if protocol.quality_of_life.is_some() { li { "Quality of life: difference of means of the time-averaged FACT-B total." } }
        }
        @if super::statements(protocol, &["13a"]).is_empty() { p { "No interim analysis is stated." } }
        (stated(protocol, &["12", "13a", "13c", "17"]))
        p.note { "Estimands, rules and sensitivity analyses: the statistical analysis plan." }
    }
}
