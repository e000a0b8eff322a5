//! Scenarios: what a simulated trial of event times assumes, as a file a statistician writes and the program checks.
//!
//! Never simulates (see `times`), and holds no number of any trial: what a scenario leaves out comes from the protocol it names.
//! The files are `scenarios/*.toml`; `docs/dry-run.md` tells what each table means.

mod boundary;
mod file;
mod read;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use survival::Error;
use survival::design::sequential::{Futility, GroupSequential, Plan};

pub use boundary::{Boundary, Spending};
pub use file::{DiseaseFile, Method, Parameter, ScenarioFile, schema};
pub use read::{Protocols, Read, read};

/// The control arm and the experimental one, in this order, wherever there are two of something.
pub const ARMS: [&str; 2] = ["control", "experimental"];

/// A value from a time on, until the next step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Since randomisation, or since the first site opened.
    pub from: f64,
    /// A hazard, a hazard ratio or a rate of accrual.
    pub value: f64,
}

/// Everything a simulated trial depends on. All times in one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Subjects to randomise.
    pub subjects: u32,
    /// How many of each arm, control first.
    pub allocation: [u32; 2],
    /// Sizes of the permuted blocks, each as likely; a multiple of the allocation's sum.
    pub blocks: Vec<u32>,
    /// At least one.
    pub strata: Vec<Stratum>,
    /// When subjects come; none: all at once.
    pub accrual: Option<Accrual>,
    /// From the last subject's randomisation to the end of the trial; none: until every event is seen.
    pub follow_up: Option<f64>,
    /// Hazard of the event in the control arm; the first step at 0.
    pub hazard: Vec<Step>,
    /// Hazard ratio, experimental over control; the first step at 0.
    pub effect: Vec<Step>,
    /// What differs between the arms beside the hazard.
    pub arms: [Arm; 2],
    /// When and how it is judged.
    pub design: Design,
    /// Each judges the trial by itself; the first one stops it.
    pub analyses: Vec<Analysis>,
    /// Whether events are added at a look.
    pub re_estimation: Option<ReEstimation>,
}

/// A stratum of randomisation, perhaps prognostic.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stratum {
    /// Share of subjects.
    pub share: f64,
    /// Hazard over that of the control arm's statement.
    pub hazard_ratio: f64,
}

/// When subjects come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accrual {
    /// The time that all subjects take, on average.
    pub duration: f64,
    /// The course of the rate, up to a factor; the first step at 0.
    pub rates: Vec<Step>,
    /// At random (a Poisson process) rather than evenly.
    pub poisson: bool,
}

/// What differs between the arms beside the hazard.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// Hazard of being lost, independent of the event.
    pub dropout: f64,
    /// Loss that knows of the event.
    pub before_event: Option<BeforeEvent>,
    /// When the event can be found; none: at once.
    pub assessment: Option<Assessment>,
    /// Who decides knows the arm.
    pub decision: Decision,
}

/// Subjects who are lost shortly before their event: informative dropout.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BeforeEvent {
    /// Share of those who would have an event.
    pub share: f64,
    /// Lost at most so long before it, evenly.
    pub within: f64,
}

/// The schedule of assessments, from randomisation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// Between two.
    pub every: f64,
    /// Earlier or later by at most so much, evenly; less than half of `every`.
    pub jitter: f64,
    /// Share of assessments that do not take place.
    pub missed: f64,
    /// Share of events that need no assessment, as death.
    pub known_to_the_day: f64,
}

/// How a decision departs from the truth at an assessment: the bias of who knows the arm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Chance that an event that can be seen is left until the next assessment; again at that one.
    pub put_off: f64,
    /// Chance that an event is called where there is none.
    pub too_soon: f64,
}

impl Decision {
    /// Whether it is the truth.
    pub fn is_true(&self) -> bool {
        *self == Self::default()
    }
}

/// When and how a trial is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Design {
    /// Two-sided level.
    pub alpha: f64,
    /// Events at the last look; none: one look when the trial ends.
    pub events: Option<u32>,
    /// Part of the events at each look; the last is 1.
    pub looks: Vec<f64>,
    /// When to stop for efficacy.
    pub boundary: Boundary,
    /// When to stop for futility; none: for harm, by the mirror image.
    pub futility: Option<Spending>,
    /// Whether the level counts on the futility boundary.
    pub binding: bool,
}

impl Design {
    /// Events at each look; none where no look waits for events.
    pub(crate) fn planned(&self) -> Option<Vec<u32>> {
        // The part of the events; a hair's breadth less, so that 0.5 of 66 is 33.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most the events
        let at = |events: u32, part: &f64| ((f64::from(events) * part - 1e-9).ceil().max(1.0)) as u32;
        self.events.map(|events| self.looks.iter().map(|part| at(events, part)).collect())
    }

    /// The boundaries. Errors: as [`GroupSequential::new`].
    pub fn boundaries(&self) -> Result<GroupSequential, Error> {
        GroupSequential::new(&Plan {
            information: self.looks.clone(),
            alpha: self.alpha / 2.0,
            // Where beta is spent the shape of the lower boundary follows from it.
            power: 0.8,
            two_sided: self.futility.is_none(),
            efficacy: self.boundary.of_survival(),
            futility: match self.futility {
                None => Futility::None,
                Some(spending) if self.binding => Futility::Binding(spending.of_survival()),
                Some(spending) => Futility::NonBinding(spending.of_survival()),
            },
        })
    }
}

/// One way to judge a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// Its name in tables.
    pub id: String,
    /// What is computed.
    pub method: Method,
    /// By strata.
    pub stratified: bool,
}

/// Events (and subjects) added at an interim look: the promising zone of Mehta & Pocock, Stat Med 2011;30:3267-3284.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReEstimation {
    /// The conditional power by the trend from which events are added.
    pub from: f64,
    /// The conditional power aimed at.
    pub target: f64,
    /// Times the planned events and subjects at most.
    pub most: f64,
    /// Whether the parts before and after the look keep their planned weights (Cui, Hung & Wang, Biometrics 1999;55:853-857),
    /// which holds the level whatever is added.
    pub weighted: bool,
}

impl Scenario {
    /// The same trial with no effect: every bias stays.
    #[must_use]
    pub fn without_effect(&self) -> Self {
        Self { effect: vec![Step { from: 0.0, value: 1.0 }], ..self.clone() }
    }

    /// Whether the hazards of the arms differ at all.
    pub fn has_effect(&self) -> bool {
        self.effect.iter().any(|step| step.value != 1.0)
    }

    /// The logarithm of the hazard ratio where it is one number.
    pub fn log_hazard_ratio(&self) -> Option<f64> {
        let first = self.effect.first()?.value;
        self.effect.iter().all(|step| step.value == first).then(|| libm::log(first))
    }

    /// What stands for the scenario in the key of its random numbers and in files: any change of it changes this.
    ///
    /// Errors: none that a scenario can cause.
    pub fn fingerprint(&self) -> [u8; 32] {
        // Of a type without maps, whose serialiser cannot fail; were it to, every scenario would share a key and still be right.
        let text = serde_json::to_vec(self).unwrap_or_default();
        blake3::derive_key("trialwright simulate 2026-11 scenario", &text)
    }
}
