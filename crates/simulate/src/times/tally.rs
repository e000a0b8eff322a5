//! What is kept of simulated trials: counts and sums, which add up in the order of the chunks they came from.
//!
//! Never a quotient: those are for `answers`.

use serde::{Deserialize, Serialize};

use super::Verdict;
use crate::full::FullTally;

/// Sums of a quantity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// How many.
    pub n: u64,
    /// Their sum.
    pub sum: f64,
    /// The sum of their squares.
    pub squares: f64,
}

impl Moments {
    /// Adds a value.
    pub fn add(&mut self, value: f64) {
        self.n += 1;
        self.sum += value;
        self.squares += value * value;
    }

    /// Adds those of another.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.sum += other.sum;
        self.squares += other.squares;
    }
}

/// Outcomes of many trials.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Trials.
    pub trials: u64,
    /// Calendar time at which they stopped, by the first analysis.
    pub duration: Moments,
    /// Events seen by then.
    pub events: Moments,
    /// Subjects randomised by then.
    pub subjects: Moments,
    /// Trials that came to their end with events added.
    pub raised: u64,
    /// By look.
    pub looks: Vec<LookTally>,
    /// By analysis.
    pub analyses: Vec<AnalysisTally>,
    /// What whole trials tell beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<Box<FullTally>>,
}

/// Trials that stopped at a look, by the first analysis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LookTally {
    /// For the experimental arm.
    pub experimental: u64,
    /// For the control arm.
    pub control: u64,
    /// For neither.
    pub neither: u64,
    /// When.
    pub time: Moments,
    /// With so many events.
    pub events: Moments,
}

/// What an analysis concluded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnalysisTally {
    /// For the experimental arm.
    pub experimental: u64,
    /// For the control arm.
    pub control: u64,
    /// Trials in which it could not be computed when the trial ended.
    pub none: u64,
    /// Logarithms of the estimated hazard ratio, where it estimates one.
    pub log_hazard_ratio: Moments,
    /// Their standard errors.
    pub std_err: Moments,
    /// Trials whose limits held the true value, where there is one.
    pub covered: u64,
}

impl Tally {
    pub(crate) fn new(looks: usize, analyses: usize) -> Self {
        Self {
            looks: vec![LookTally::default(); looks],
            analyses: vec![AnalysisTally::default(); analyses],
            ..Self::default()
        }
    }

    pub(crate) fn stopped(
        &mut self,
        look: usize,
        time: f64,
        events: usize,
        subjects: usize,
        verdict: Verdict,
    ) {
        self.duration.add(time);
        self.events.add(events as f64);
        self.subjects.add(subjects as f64);
        let Some(at) = self.looks.get_mut(look) else { return };
        at.time.add(time);
        at.events.add(events as f64);
        match verdict {
            Verdict::Experimental => at.experimental += 1,
            Verdict::Control => at.control += 1,
            Verdict::Neither => at.neither += 1,
        }
    }

    /// Adds the outcomes of a later chunk of the same scenario. Floating sums depend on the order: it is that of the chunks.
    pub fn merge(&mut self, later: &Self) {
        if self.looks.len() < later.looks.len() {
            self.looks.resize(later.looks.len(), LookTally::default());
        }
        if self.analyses.len() < later.analyses.len() {
            self.analyses.resize(later.analyses.len(), AnalysisTally::default());
        }
        if let Some(later) = &later.full {
            self.full.get_or_insert_default().merge(later);
        }
        self.trials += later.trials;
        self.raised += later.raised;
        self.duration.merge(&later.duration);
        self.events.merge(&later.events);
        self.subjects.merge(&later.subjects);
        for (own, other) in self.looks.iter_mut().zip(&later.looks) {
            own.experimental += other.experimental;
            own.control += other.control;
            own.neither += other.neither;
            own.time.merge(&other.time);
            own.events.merge(&other.events);
        }
        for (own, other) in self.analyses.iter_mut().zip(&later.analyses) {
            own.experimental += other.experimental;
            own.control += other.control;
            own.none += other.none;
            own.covered += other.covered;
            own.log_hazard_ratio.merge(&other.log_hazard_ratio);
            own.std_err.merge(&other.std_err);
        }
    }
}
