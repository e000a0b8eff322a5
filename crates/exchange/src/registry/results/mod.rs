//! Results for a registry: the `resultsSection` of `ClinicalTrials.gov`'s study data structure (API version 2).
//!
//! Participant flow, baseline, outcome measures and adverse events are its four modules, as results registration asks for them
//! (42 CFR 11.48). Never counts or estimates: every number is one of `analysis::results::Results`, or a difference of two that
//! must add up. What only a person knows is listed beside it, not made up.

mod baseline;
mod events;
mod flow;
mod outcomes;

use analysis::results::{Estimate, Results};
use serde_json::{Value, json};
use trial::protocol::Protocol;

use super::attention::short;

/// A results section, and what registration asks for that a program cannot know.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultsSection {
    /// `{"protocolSection": {"identificationModule": …}, "resultsSection": …, "hasResults": true}`.
    pub study: Value,
    /// What a person must add or look at.
    pub decisions: Vec<String>,
}

/// Longest texts of results registration, in characters.
const MOST_TITLE: usize = 254;
const MOST_WORDS: usize = 999;

/// The results section of `results`, which are those of `protocol`'s trial.
pub fn results_section(protocol: &Protocol, results: &Results) -> ResultsSection {
    let mut decisions = vec![
        "baseline: race and ethnicity, and region of enrolment, are asked for; this trial does not record them".to_owned(),
        "moreInfoModule: the point of contact, agreements with investigators, limitations and caveats".to_owned(),
        "the protocol and the statistical analysis plan are uploaded beside the results".to_owned(),
    ];
    if results.about.simulated {
        decisions.insert(
            0,
            "THE SUBJECTS ARE VIRTUAL: these results are of a simulation and must not be registered"
                .to_owned(),
        );
    }
    let section = json!({
        "participantFlowModule": flow::module(results),
        "baselineCharacteristicsModule": baseline::module(results),
        "outcomeMeasuresModule": outcomes::module(protocol, results, &mut decisions),
        "adverseEventsModule": events::module(protocol, results),
    });
    let mut identification =
        json!({ "briefTitle": short(&results.about.title, 300), "acronym": short(&results.about.trial, 14) });
    match &results.about.registry {
        Some(number) => identification["nctId"] = json!(number),
        None => decisions.push("the registry number: the protocol names none".to_owned()),
    }
    let study = json!({
        "protocolSection": { "identificationModule": identification },
        "resultsSection": section,
        "hasResults": true,
    });
    ResultsSection { study, decisions }
}

/// The id of a group: a prefix and its place, as in `OG000`.
fn id(prefix: &str, place: usize) -> String {
    format!("{prefix}{place:03}")
}

/// The arms as groups.
fn groups(results: &Results, prefix: &str) -> Vec<Value> {
    let group = |(place, arm): (usize, &analysis::results::ArmName)| json!({ "id": id(prefix, place), "title": short(&arm.label, 100), "description": short(&format!("Arm {}: {}", arm.id, arm.label), MOST_WORDS) });
    results.arms.iter().enumerate().map(group).collect()
}

/// A count a group, as denominators have it.
fn denominators(prefix: &str, counts: impl IntoIterator<Item = usize>) -> Value {
    let counts: Vec<Value> = counts
        .into_iter()
        .enumerate()
        .map(|(place, n)| json!({ "groupId": id(prefix, place), "value": n.to_string() }))
        .collect();
    json!([{ "units": "Participants", "counts": counts }])
}

/// A number with so many decimals.
fn decimals(value: f64, places: usize) -> String {
    format!("{value:.places$}")
}

/// A p-value as tables have it.
fn p_value(p: f64) -> String {
    if p < 0.0001 { "<0.0001".to_owned() } else { decimals(p, 4) }
}

/// An estimate with its limits; what could not be estimated is `NA`, and the registry wants to know why.
fn measurement(group: &str, estimate: &Estimate, places: usize, why: &str) -> Value {
    let mut out = json!({ "groupId": group });
    let mut missing = false;
    for (key, value) in
        [("value", estimate.value), ("lowerLimit", estimate.lower), ("upperLimit", estimate.upper)]
    {
        let value = value.filter(|value| value.is_finite());
        missing |= value.is_none();
        out[key] = json!(value.map_or_else(|| "NA".to_owned(), |value| decimals(value, places)));
    }
    if missing {
        out["comment"] = json!(why);
    }
    out
}

/// The last day that the data reach, in words.
fn until(results: &Results) -> String {
    let cut = results.about.cut.or(results.about.last_clinical);
    cut.map_or_else(|| "the end of the data".to_owned(), |day| format!("{day}, the data cut-off"))
}
