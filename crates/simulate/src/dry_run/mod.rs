//! The checks of a dry run: what the program derived and analysed of a simulated trial, against what is true of it.
//!
//! Never derives by itself: what is checked is what `trial` and `analysis` gave, as for a real trial. A difference is either what a
//! trial cannot but show (a progression is found at the next scan), or has a reason that stands in the record, or is a fault.

mod effect;
mod errors;
mod subject;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use serde::Serialize;
use trial::derive::derive;
use trial::id::{ArmId, SubjectId};
use trial::protocol::ProtocolHistory;
use trial::record::Record;

use crate::truth::{PatientTruth, Truth};
use analysis::results::Results;

pub use effect::Effect;
pub use errors::{Found, PlantedCheck};
pub use subject::{Event, SubjectCheck, Verdict};

/// All checks of a dry run.
#[derive(Clone, Debug, Serialize)]
pub struct Checks {
    /// Nothing here is of a real person.
    pub simulated: bool,
    /// Short name of the trial.
    pub trial: String,
    /// What was checked, in a row each.
    pub checks: Vec<Check>,
    /// True and estimated hazard ratios.
    pub effects: Vec<Effect>,
    /// Errors made on purpose, and where they were found.
    pub planted: Vec<PlantedCheck>,
    /// Each subject's true and derived events.
    pub subjects: Vec<SubjectCheck>,
}

impl Checks {
    /// Whether every check holds, or fails by no more than chance.
    pub fn hold(&self) -> bool {
        self.checks.iter().all(|check| check.outcome != Outcome::Fails)
    }
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub what: String,
    /// What is true, or was planned.
    pub expected: String,
    /// What the program has.
    pub found: String,
    /// Whether they agree.
    pub outcome: Outcome,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it should be.
    Holds,
    /// Not so in this trial, as in a part of all trials that is known beforehand.
    Chance,
    /// A fault of the program or of the simulator.
    Fails,
}

impl Outcome {
    fn of(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }

    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Chance => "by chance not",
            Self::Fails => "FAILS",
        }
    }
}

/// A trial that was simulated, and what the program made of it.
pub struct Trial<'a> {
    /// The protocol's versions.
    pub history: &'a ProtocolHistory,
    /// Subjects that were to be randomised.
    pub planned: u32,
    /// The last day of follow-up.
    pub end: Date,
    /// What is true.
    pub truth: &'a Truth,
    /// What is recorded, of every subject.
    pub records: &'a [Record],
    /// What was analysed.
    pub results: &'a Results,
}

/// Checks a trial against its truth.
pub fn check(trial: &Trial<'_>) -> Checks {
    let mut subjects = Vec::new();
    let mut planted = Vec::new();
    let mut unknown: Vec<SubjectId> = Vec::new();
    let mut misplaced: Vec<SubjectId> = Vec::new();
    for patient in &trial.truth.patients {
        let Some(record) = trial.records.iter().find(|record| record.subject == patient.subject) else {
            unknown.push(patient.subject.clone());
            continue;
        };
        if !allocated(record, patient) {
            misplaced.push(patient.subject.clone());
        }
        let derived = derive(trial.history, record, None);
        let of = subject::Of { trial, patient, record, derived: &derived };
        subjects.extend(of.checks());
        planted.extend(errors::of(&of));
    }
    let effects = effect::effects(trial);
    let mut checks = vec![planned(trial), known(trial, &unknown), arms(&misplaced)];
    checks.extend(Event::ALL.into_iter().map(|event| events(event, &subjects)));
    checks.extend(effects.iter().map(Effect::check));
    checks.extend(errors::checks(&planted));
    checks.push(readable(trial));
    Checks { simulated: true, trial: trial.results.about.trial.clone(), checks, effects, planted, subjects }
}

fn allocated(record: &Record, patient: &PatientTruth) -> bool {
    record
        .randomised
        .as_ref()
        .is_some_and(|fact| fact.value.arm == patient.arm && fact.value.date == patient.randomised)
}

fn planned(trial: &Trial<'_>) -> Check {
    let by_arm: Vec<(ArmId, usize)> =
        trial.results.arms.iter().map(|arm| (arm.id.clone(), arm.randomised)).collect();
    let told: Vec<String> = by_arm.iter().map(|(arm, n)| format!("{n} to {arm}")).collect();
    let randomised: usize = by_arm.iter().map(|(_, n)| n).sum();
    Check {
        what: "Subjects randomised".to_owned(),
        expected: format!("{} planned", trial.planned),
        found: format!("{randomised}: {}", told.join(", ")),
        outcome: Outcome::of(randomised == trial.planned as usize),
    }
}

fn known(trial: &Trial<'_>, unknown: &[SubjectId]) -> Check {
    let recorded = trial.records.iter().filter(|record| record.randomised.is_some()).count();
    Check {
        what: "Virtual patients known to the program".to_owned(),
        expected: format!("{} were made up", trial.truth.patients.len()),
        found: match unknown {
            [] => format!("{recorded} randomised in the ledger"),
            some => format!("{recorded}; unknown: {}", list(some)),
        },
        outcome: Outcome::of(unknown.is_empty() && recorded == trial.truth.patients.len()),
    }
}

fn arms(misplaced: &[SubjectId]) -> Check {
    Check {
        what: "Arm and day of randomisation".to_owned(),
        expected: "those each patient lived by".to_owned(),
        found: if misplaced.is_empty() { "the same".to_owned() } else { list(misplaced) },
        outcome: Outcome::of(misplaced.is_empty()),
    }
}

fn list(subjects: &[SubjectId]) -> String {
    subjects.iter().map(SubjectId::as_str).collect::<Vec<_>>().join(", ")
}

/// A kind of event over all subjects.
fn events(event: Event, subjects: &[SubjectCheck]) -> Check {
    let of: Vec<&SubjectCheck> = subjects.iter().filter(|check| check.event == event).collect();
    let count = |verdict: Verdict| of.iter().filter(|check| check.verdict == verdict).count();
    let happened = of.iter().filter(|check| check.truth.is_some()).count();
    let lags: Vec<i64> =
        of.iter().filter(|c| c.verdict == Verdict::Found).filter_map(|check| check.lag_days).collect();
    let mut told = vec![format!("{} found", lags.len())];
    if event != Event::Death && !lags.is_empty() {
        let mean = lags.iter().sum::<i64>() as f64 / lags.len() as f64;
        told[0] = format!(
            "{} found, {mean:.0} days later on average, {} at most",
            lags.len(),
            lags.iter().max().unwrap_or(&0)
        );
    }
    for (verdict, words) in [
        (Verdict::NotSeen, "could not be seen: no assessment came after"),
        (Verdict::Explained, "otherwise, with a reason in the record"),
        (Verdict::Unexplained, "OTHERWISE, WITHOUT A REASON"),
    ] {
        if count(verdict) > 0 {
            told.push(format!("{} {words}", count(verdict)));
        }
    }
    Check {
        what: format!("{} of {} subjects", event.words(), of.len()),
        expected: format!("{happened} happened"),
        found: told.join("; "),
        outcome: Outcome::of(count(Verdict::Unexplained) == 0),
    }
}

fn readable(trial: &Trial<'_>) -> Check {
    let faults = trial.results.faults.len();
    Check {
        what: "Values that could not be read".to_owned(),
        expected: "0".to_owned(),
        found: faults.to_string(),
        outcome: Outcome::of(faults == 0),
    }
}
