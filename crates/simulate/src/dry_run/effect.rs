//! The true hazard ratio against each estimate of it: that of the scenario, where it states one, and that of the patients' true
//! times, as one would estimate it who saw everything on its day.
//!
//! Never counts a ratio outside the limits as a fault: that happens in one of twenty trials, and is told so.

use jiff::civil::Date;
use serde::Serialize;
use survival::cox::{Covariates, Cox, CoxOptions};
use trial::date::days_between;
use trial::id::ArmId;
use trial::protocol::{Endpoint, EventCause, Origin};

use super::{Check, Outcome, Trial};
use crate::truth::PatientTruth;

/// A hazard ratio as it is and as it was estimated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// The analysis.
    pub analysis: String,
    /// Its endpoint.
    pub endpoint: String,
    /// The arm compared.
    pub arm: ArmId,
    /// The control arm.
    pub control: ArmId,
    /// That of the scenario; none where it states none for this endpoint.
    pub stated: Option<f64>,
    /// That of the true times of these patients; none where it cannot be estimated.
    pub of_true_times: Option<f64>,
    /// As the program estimated it, with its limits.
    pub estimate: (f64, f64, f64),
    /// The confidence of the limits.
    pub confidence: f64,
}

impl Effect {
    /// Whether the limits hold the truth: the stated one, else that of the true times; none where neither is known.
    pub fn held(&self) -> Option<bool> {
        let (_, lower, upper) = self.estimate;
        self.stated.or(self.of_true_times).map(|truth| (lower..=upper).contains(&truth))
    }

    pub(super) fn check(&self) -> Check {
        let (estimate, lower, upper) = self.estimate;
        let told = |ratio: Option<f64>, what: &str| ratio.map(|ratio| format!("{ratio:.2} {what}"));
        let expected: Vec<String> = [
            told(self.stated, "by the scenario"),
            told(self.of_true_times, "by the true times of these patients"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let within = 100.0 * self.confidence;
        Check {
            what: format!("Hazard ratio of {}, {} over {}", self.analysis, self.arm, self.control),
            expected: if expected.is_empty() { "not known".to_owned() } else { expected.join("; ") },
            found: format!("{estimate:.2}, {within:.0} % limits {lower:.2} to {upper:.2}"),
            outcome: if self.held() == Some(false) { Outcome::Chance } else { Outcome::Holds },
        }
    }
}

/// Every estimated hazard ratio whose truth the simulator knows.
pub(super) fn effects(trial: &Trial<'_>) -> Vec<Effect> {
    let protocol = trial.history.current();
    let mut effects = Vec::new();
    for analysis in &trial.results.analyses {
        let Some(endpoint) = protocol.endpoints.iter().find(|endpoint| endpoint.id == analysis.endpoint)
        else {
            continue;
        };
        let Some(comparison) = &analysis.comparison else { continue };
        let (Some(value), Some(lower), Some(upper)) =
            (comparison.hazard_ratio.value, comparison.hazard_ratio.lower, comparison.hazard_ratio.upper)
        else {
            continue;
        };
        let Some(when) = truth_of(endpoint) else { continue };
        let of_failure = endpoint.events.contains(&EventCause::StrategyFailure);
        effects.push(Effect {
            analysis: analysis.id.clone(),
            endpoint: endpoint.id.clone(),
            arm: comparison.arm.clone(),
            control: comparison.control.clone(),
            stated: trial.truth.hazard_ratio.filter(|_| of_failure),
            of_true_times: estimate(trial, when, &comparison.arm, &comparison.control),
            estimate: (value, lower, upper),
            confidence: analysis.confidence,
        });
    }
    effects
}

/// When an endpoint truly happens to a patient; none where the simulator does not know.
fn truth_of(endpoint: &Endpoint) -> Option<fn(&PatientTruth) -> Option<Date>> {
    if endpoint.origin != Origin::Randomisation || endpoint.events.contains(&EventCause::NextLineProgression)
    {
        return None;
    }
    if endpoint.events.contains(&EventCause::StrategyFailure) {
        return Some(|patient| patient.failure.into_iter().chain(patient.death).min());
    }
    if endpoint.events.contains(&EventCause::Progression) {
        return Some(PatientTruth::progression);
    }
    Some(|patient| patient.death)
}

/// The Cox model on true times; those without event end when they left, or with the trial.
fn estimate(
    trial: &Trial<'_>,
    when: fn(&PatientTruth) -> Option<Date>,
    arm: &ArmId,
    control: &ArmId,
) -> Option<f64> {
    let (mut time, mut event, mut second) = (Vec::new(), Vec::new(), Vec::new());
    for patient in
        trial.truth.patients.iter().filter(|patient| patient.arm == *arm || patient.arm == *control)
    {
        let known = when(patient).filter(|day| *day <= trial.end);
        let until = known.unwrap_or_else(|| patient.left.unwrap_or(trial.end).min(trial.end));
        time.push((days_between(patient.randomised, until) + 1).max(1) as f64);
        event.push(known.is_some());
        second.push(f64::from(u8::from(patient.arm == *arm)));
    }
    let covariates = Covariates::new().with("arm", &second);
    let fit = Cox::fit(&time, &event, &covariates, &CoxOptions::default()).ok()?;
    Some(fit.hazard_ratio(0)).filter(|ratio| ratio.is_finite())
}
