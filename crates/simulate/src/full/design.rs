//! What the trials of a scenario at full fidelity have in common: protocol, disease, law, size and the tests they are judged by.
//!
//! Never simulates. What a scenario says and this fidelity cannot do is refused here, in words, and never passed over.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use trial::date::{DAYS_PER_MONTH, PartialDate};
use trial::protocol::{AnalysisRole, Checked, Endpoint, EventCause, Origin, Protocol, ProtocolHistory};

use crate::law::Law;
use crate::profile::Profile;
use crate::run::ELIGIBLE;
use crate::scenario::{DiseaseFile, Scenario, ScenarioFile};
use crate::times::Course;

use super::Size;

/// Follow-up at most so long, days: lives are made up visit by visit.
const MOST_DAYS: f64 = 40.0 * 366.0;
/// Subjects at most: a trial's records are held at once.
const MOST_SUBJECTS: u32 = 20_000;

/// A test that a trial is judged by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// As in `TSF-main`; of quality of life, `QOL` or its sensitivity analysis.
    pub id: String,
    /// Name in reports.
    pub label: String,
    /// The endpoint; none: quality of life.
    pub endpoint: Option<String>,
    /// What is computed.
    pub method: String,
    /// By strata.
    pub stratified: bool,
    /// What the hazard ratio of the scenario acts on: the endpoint whose truth it is.
    pub of_law: bool,
}

/// A scenario made ready for whole trials.
#[derive(Clone, Debug)]
pub struct Design {
    scenario: Scenario,
    history: ProtocolHistory,
    profile: Profile,
    law: Law,
    /// Days of the scenario's unit of time.
    unit: f64,
    start: Date,
    tests: Vec<Test>,
    print: [u8; 32],
}

impl Design {
    /// Makes `scenario`, which `file` was read as, ready for the trials of `checked`. Errors: everything in it that cannot act at full
    /// fidelity, in words.
    pub fn new(file: &ScenarioFile, scenario: &Scenario, checked: &Checked) -> Result<Self, Vec<String>> {
        let protocol = &checked.protocol;
        let mut wrong = Vec::new();
        let unit = unit(file.unit.as_deref(), &mut wrong);
        refuse(file, scenario, protocol, unit, &mut wrong);
        let strata = strata(file, scenario, protocol, &mut wrong);
        let profile = match Profile::fitting(protocol) {
            Ok(profile) => with_disease(profile, file.disease.as_ref(), &mut wrong),
            Err(why) => {
                wrong.push(why.to_string());
                return Err(wrong);
            }
        };
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let start = protocol.trial.planned_start.map_or(jiff::civil::date(2025, 1, 6), PartialDate::first);
        Ok(Self {
            law: Law::new(scenario, protocol, unit, strata),
            tests: tests(protocol),
            print: print(file, scenario, checked),
            scenario: scenario.clone(),
            history: ProtocolHistory::new(1, checked.clone()),
            profile,
            unit,
            start,
        })
    }

    /// The scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The protocol.
    pub fn history(&self) -> &ProtocolHistory {
        &self.history
    }

    /// The tests that a trial is judged by, the one that stops it first.
    pub fn tests(&self) -> &[Test] {
        &self.tests
    }

    /// The hazard ratio of strategy failure, where it is one for all times.
    pub fn hazard_ratio(&self) -> Option<f64> {
        self.scenario.log_hazard_ratio().map(libm::exp)
    }

    /// Days of the scenario's unit of time.
    pub fn unit_days(&self) -> f64 {
        self.unit
    }

    /// The same with draws that follow from `print`: two designs then differ by what they say alone.
    pub(crate) fn keyed(mut self, print: [u8; 32]) -> Self {
        self.print = print;
        self
    }

    /// What stands for all of it in the key of its random numbers.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.print
    }

    pub(crate) fn profile(&self) -> &Profile {
        &self.profile
    }

    pub(crate) fn law(&self) -> &Law {
        &self.law
    }

    pub(crate) fn start(&self) -> Date {
        self.start
    }

    pub(crate) fn sites(&self) -> u32 {
        self.history.current().trial.sites.unwrap_or(12)
    }

    /// The size and pace of a trial whose first site opens on `start`.
    pub(crate) fn size(&self, start: Date) -> Size {
        let scenario = &self.scenario;
        let course = scenario.accrual.as_ref().map(|accrual| {
            let course = Course::new(&accrual.rates);
            let all = course.cumulative(accrual.duration);
            course.times(f64::from(scenario.subjects) / ELIGIBLE / all).in_units(self.unit)
        });
        let months = f64::from(self.history.current().schedule.follow_up_months);
        let follow_up = scenario.follow_up.map_or(months * DAYS_PER_MONTH, |time| time * self.unit);
        let accrual = scenario.accrual.as_ref();
        Size {
            subjects: scenario.subjects,
            accrual_months: accrual.map_or(0.0, |accrual| accrual.duration * self.unit / DAYS_PER_MONTH),
            follow_up_days: crate::chance::days(libm::round(follow_up)),
            start,
            course,
            poisson: accrual.is_none_or(|accrual| accrual.poisson),
        }
    }
}

fn unit(said: Option<&str>, wrong: &mut Vec<String>) -> f64 {
    match said.unwrap_or("months") {
        "days" => 1.0,
        "weeks" => 7.0,
        "months" => DAYS_PER_MONTH,
        "years" => 12.0 * DAYS_PER_MONTH,
        other => {
            wrong.push(format!(
                "unit: found {other:?}; visits have dates, so days, weeks, months or years are needed"
            ));
            DAYS_PER_MONTH
        }
    }
}

fn refuse(file: &ScenarioFile, scenario: &Scenario, protocol: &Protocol, unit: f64, wrong: &mut Vec<String>) {
    let mut find = |text: String| wrong.push(text);
    let arms: Vec<_> = protocol.arms.iter().filter(|arm| !arm.control).collect();
    let control = protocol.arms.iter().find(|arm| arm.control);
    let (Some(control), [experimental]) = (control, arms.as_slice()) else {
        return find(
            "protocol: found other than a control arm and one other; a scenario speaks of these two".into(),
        );
    };
    let [of_control, of_other] = scenario.allocation;
    if u64::from(of_control) * u64::from(experimental.ratio) != u64::from(of_other) * u64::from(control.ratio)
    {
        find(format!(
            "allocation: found {of_control}:{of_other}; randomisation is the protocol's own, {}:{}",
            control.ratio, experimental.ratio
        ));
    }
    if let Some(blocks) = file.blocks.as_ref().filter(|blocks| **blocks != protocol.randomisation.block_sizes)
    {
        find(format!(
            "blocks: found {blocks:?}; randomisation is the protocol's own, {:?}",
            protocol.randomisation.block_sizes
        ));
    }
    if scenario.re_estimation.is_some() {
        find("re_estimation: events are added at fidelity `times` alone".into());
    }
    if scenario.subjects > MOST_SUBJECTS {
        find(format!("subjects: found {}; at most {MOST_SUBJECTS} at this fidelity", scenario.subjects));
    }
    if scenario.follow_up.is_some_and(|time| time * unit > MOST_DAYS) {
        find("follow_up: at most 40 years at this fidelity".into());
    }
    for (arm, name) in scenario.arms.iter().zip(crate::scenario::ARMS) {
        if arm.assessment.is_some_and(|schedule| schedule.every * unit < 7.0) {
            find(format!("{name}: scans less than a week apart are none at this fidelity"));
        }
    }
}

/// Factor, level and hazard ratio of each stratum that is prognostic.
fn strata(
    file: &ScenarioFile,
    scenario: &Scenario,
    protocol: &Protocol,
    wrong: &mut Vec<String>,
) -> Vec<(String, String, f64)> {
    let mut strata = Vec::new();
    for (index, (said, stratum)) in file.strata.iter().zip(&scenario.strata).enumerate() {
        let Some(level) = &said.level else {
            if stratum.hazard_ratio != 1.0 {
                wrong.push(format!(
                    "strata[{index}]: found a hazard ratio and no `level`; say which level of the protocol's stratification it is of, as \"{}\"",
                    example(protocol)
                ));
            }
            continue;
        };
        let known = level.split_once(':').filter(|(factor, level)| {
            let factor = protocol.stratification.iter().find(|known| known.id == *factor);
            factor.is_some_and(|factor| factor.levels.iter().any(|known| known.id == *level))
        });
        match known {
            Some((factor, level)) => strata.push((factor.to_owned(), level.to_owned(), stratum.hazard_ratio)),
            None => wrong.push(format!(
                "strata[{index}].level: found {level:?}; a factor and a level of the protocol are needed, as \"{}\"",
                example(protocol)
            )),
        }
    }
    strata
}

fn example(protocol: &Protocol) -> String {
    let first = protocol.stratification.first();
    let level = first.and_then(|factor| Some((factor, factor.levels.first()?)));
    level.map_or_else(|| "factor:level".to_owned(), |(factor, level)| format!("{}:{}", factor.id, level.id))
}

/// The shipped profile with what the scenario's `[disease]` says over it.
fn with_disease(mut profile: Profile, said: Option<&DiseaseFile>, wrong: &mut Vec<String>) -> Profile {
    let Some(said) = said else { return profile };
    let pace = &mut profile.pace;
    let mut set = |key: &str, value: Option<f64>, least: f64, most: f64, place: &mut f64| {
        let Some(value) = value else { return };
        if value.is_finite() && (least..=most).contains(&value) {
            *place = value;
        } else {
            wrong.push(format!("disease.{key}: found {value}; a number from {least} to {most} is needed"));
        }
    };
    set("growth", said.growth, 0.1, 10.0, &mut pace.growth);
    set("local_failure", said.local_failure, 0.0, 1.0, &mut pace.local_failure);
    set("few", said.few, 0.0, 1.0, &mut pace.few);
    set("many", said.many, 0.0, 1.0, &mut pace.many);
    set("brain", said.brain, 0.0, 1.0, &mut pace.brain);
    set("answers", said.answers, 0.0, 1.0, &mut pace.answers);
    set("next_line", said.next_line, 0.1, 1_000.0, &mut pace.next_line);
    set("later_line", said.later_line, 0.1, 1_000.0, &mut pace.later_line);
    let deaths = &mut pace.death;
    set("death_next_line", said.death_next_line, 0.1, 10_000.0, &mut deaths.next_line);
    set("death_later_line", said.death_later_line, 0.1, 10_000.0, &mut deaths.later_line);
    set("death_brain", said.death_brain, 0.1, 10_000.0, &mut deaths.brain);
    let mut salvageable = pace.treated / (pace.few * pace.continued).max(1e-3);
    set("salvageable", said.salvageable, 0.1, 10_000.0, &mut salvageable);
    pace.salvageable = Some(salvageable);
    if pace.few + pace.many + pace.brain <= 0.0 {
        wrong.push("disease: found no kind of outbreak; `few`, `many` or `brain` above 0 is needed".into());
    }
    profile
}

/// The protocol's analyses in the order of its results, then quality of life.
fn tests(protocol: &Protocol) -> Vec<Test> {
    let mut tests = Vec::new();
    for endpoint in &protocol.endpoints {
        for role in [AnalysisRole::Main, AnalysisRole::Sensitivity] {
            let of_endpoint =
                protocol.analyses.iter().filter(|a| a.endpoint == endpoint.id && a.role == role);
            tests.extend(of_endpoint.map(|analysis| Test {
                id: analysis.id.clone(),
                label: analysis.label.clone(),
                endpoint: Some(endpoint.id.clone()),
                method: "log-rank, Cox".to_owned(),
                stratified: analysis.stratified,
                of_law: is_of_law(endpoint),
            }));
        }
    }
    let primary = protocol.endpoints.iter().find(|e| e.role == trial::protocol::EndpointRole::Primary);
    tests.sort_by_key(|test| test.endpoint.as_deref() != primary.map(|endpoint| endpoint.id.as_str()));
    if let Some(rule) = &protocol.quality_of_life {
        let quality = |id: &str, label: &str| Test {
            id: id.to_owned(),
            label: label.to_owned(),
            endpoint: None,
            method: "Welch".to_owned(),
            stratified: false,
            of_law: false,
        };
        tests.push(quality("QOL", "FACT-B total over time"));
        tests.extend(rule.sensitivity.iter().map(|switch| quality(&switch.id, &switch.label)));
    }
    tests
}

/// True of time to strategy failure or death from randomisation, which the scenario's hazards are those of.
fn is_of_law(endpoint: &Endpoint) -> bool {
    endpoint.origin == Origin::Randomisation && endpoint.events.contains(&EventCause::StrategyFailure)
}

/// Scenario, protocol and disease: what the draws are keyed by.
fn print(file: &ScenarioFile, scenario: &Scenario, checked: &Checked) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("trialwright simulate 2026-11 full");
    hasher.update(&scenario.fingerprint());
    hasher.update(blake3::hash(checked.source.as_bytes()).as_bytes());
    // Of a few numbers and texts, which print the same everywhere.
    let levels: Vec<_> = file.strata.iter().map(|stratum| &stratum.level).collect();
    hasher.update(format!("{levels:?} {:?} {:?}", file.disease, file.unit).as_bytes());
    *hasher.finalize().as_bytes()
}
