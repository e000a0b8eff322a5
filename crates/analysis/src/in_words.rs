//! The analyses of a protocol in words, before there are data: the same rules by which they are run.
//!
//! Never runs one. A plan and a report cannot say different things of a rule, since both take its words from here.

use trial::protocol::{AnalysisRole, Concept, Protocol, TieMethod};

use crate::plan::planned;
use crate::quality::rules_of_switch;
use crate::time_to_event::{LIMITS_WORDS, words};

pub use crate::baseline::ADVICE as BASELINE;
pub use crate::quality::{MAXIMUM as HIGHEST_TOTAL, rules_in_words as quality_of_life};
pub use crate::time_to_event::{FEW_EVENTS, LANDMARKS, NOT_PROPORTIONAL};

/// An analysis of a time to an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// As in `TSF-main`.
    pub id: String,
    /// Name in reports.
    pub label: String,
    /// The endpoint.
    pub endpoint: String,
    /// Main, or a sensitivity analysis.
    pub main: bool,
    /// Test and model are stratified by the stratification factors.
    pub stratified: bool,
    /// `Efron` or `Breslow`.
    pub ties: &'static str,
    /// Level of confidence limits.
    pub confidence: f64,
    /// Its rules, the endpoint's own and what it switches.
    pub rules: Vec<String>,
}

/// Every analysis of a time to an event, in the order of the report.
pub fn times(protocol: &Protocol) -> Vec<Planned> {
    planned(protocol)
        .into_iter()
        .map(|of| Planned {
            id: of.analysis.id.clone(),
            label: of.analysis.label.clone(),
            endpoint: of.endpoint.id.clone(),
            main: of.analysis.role == AnalysisRole::Main,
            stratified: of.analysis.stratified,
            ties: match of.analysis.ties {
                TieMethod::Efron => "Efron",
                TieMethod::Breslow => "Breslow",
            },
            confidence: of.analysis.confidence,
            rules: words(of.endpoint, &of.rules),
        })
        .collect()
}

/// What is common to every analysis of a time to an event, one statement an item.
pub fn of_times() -> Vec<String> {
    let months: Vec<String> = LANDMARKS.iter().map(ToString::to_string).collect();
    vec![
        format!("Survival by arm: Kaplan-Meier curves with numbers at risk; {LIMITS_WORDS}."),
        format!(
            "Medians with limits; survival at {} months where somebody of the arm was followed so long; follow-up by the reverse \
             Kaplan-Meier method.",
            months.join(", ")
        ),
        "Test: log-rank, two-sided; stratified where the analysis says so. With more than two arms, one test over all arms beside \
         each arm's test against control."
            .into(),
        "Effect: hazard ratio of each arm against control by Cox's proportional hazards model with the arm as its one covariate, \
         stratified where the analysis says so, with Wald limits."
            .into(),
        "Restricted mean survival time by arm and its difference, up to the shortest of the arms' longest times.".into(),
        format!(
            "Proportional hazards: test of the scaled Schoenfeld residuals against the Kaplan-Meier transform of time (Grambsch and \
             Therneau); where p < {NOT_PROPORTIONAL} the report says that the hazard ratio is an average over time, and leads to the \
             restricted means."
        ),
        format!(
            "With fewer than {FEW_EVENTS} events the report says that p-values and limits, which rest on large samples, are rough. \
             What cannot be estimated (no event in an arm, a model that does not converge) is said and not replaced."
        ),
        "Strata with one arm only, or without an event, add nothing to a stratified test or model; the report names them.".into(),
    ]
}

/// The sensitivity analyses of quality of life: id, name, rules.
pub fn quality_of_life_sensitivity(protocol: &Protocol) -> Vec<(String, String, Vec<String>)> {
    let rules = protocol.quality_of_life.iter();
    rules
        .flat_map(|rule| rule.sensitivity.iter().map(move |switch| (rule, switch)))
        .map(|(rule, switch)| {
            (switch.id.clone(), switch.label.clone(), rules_of_switch(protocol, rule, switch))
        })
        .collect()
}

/// The baseline characteristics that the report's table has, by what the protocol's forms ask.
pub fn baseline(protocol: &Protocol) -> Vec<String> {
    let has = |concept| protocol.forms.iter().any(|form| form.concept == concept);
    let mut named: Vec<String> = Vec::new();
    let mut put = |there: bool, name: &str| {
        if there {
            named.push(name.to_owned());
        }
    };
    put(has(Concept::Demography), "Age, years");
    put(has(Concept::Demography), "Sex");
    put(has(Concept::Ecog), "ECOG performance status");
    for factor in &protocol.stratification {
        put(true, &factor.label);
    }
    put(has(Concept::TumourAssessment), "Lesions, number");
    put(has(Concept::TumourAssessment), "Oligoprogressive lesions, number");
    put(has(Concept::TumourAssessment), "Sites of disease");
    put(has(Concept::PriorTherapy), "Time on the therapy under way, months");
    named
}

#[cfg(test)]
mod tests {
    use trial::protocol::check;

    use super::*;

    /// Each characteristic that the table can have is named, and nothing else is: read from the table's own source.
    #[test]
    fn the_baseline_is_that_of_the_table() {
        let source = include_str!("baseline.rs");
        let protocol = check(include_str!("../../../protocols/avatar-ii.toml")).unwrap().protocol;
        let factors: Vec<&str> = protocol.stratification.iter().map(|factor| factor.label.as_str()).collect();
        let named = baseline(&protocol);
        for name in named.iter().filter(|name| !factors.contains(&name.as_str())) {
            assert!(source.contains(&format!("\"{name}\"")), "{name}");
        }
        let table = &source[source.find("pub fn table(").unwrap()..source.find("fn sex(").unwrap()];
        let rows = table.matches("out.extend(").count();
        assert_eq!(named.len() - factors.len(), rows - 1, "a row of the table that the plan does not name");
    }

    #[test]
    fn the_rules_are_those_of_the_analyses() {
        let protocol = check(include_str!("../../../protocols/avatar-ii.toml")).unwrap().protocol;
        let said = times(&protocol);
        assert_eq!(said.len(), protocol.analyses.len());
        let missed = said.iter().find(|one| one.id == "TSF-missed").unwrap();
        assert!(missed.rules.iter().any(|rule| rule.contains("2 or more missed")), "{missed:?}");
        assert!(!missed.main && missed.stratified);
    }
}
