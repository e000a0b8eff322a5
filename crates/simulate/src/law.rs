//! A scenario's law of disease: when a virtual patient's strategy truly fails, when the patient is lost, when scans take place and
//! how decisions depart from the truth. In days.
//!
//! Never makes up a lesion (see `life`, which lets the disease break out on the day that is drawn here).

use trial::id::ArmId;
use trial::protocol::Protocol;
use trial::randomise::Stratum;

use crate::chance::{Chance, days};
use crate::scenario::{Assessment, BeforeEvent, Decision, Scenario, Step};
use crate::times::Course;

/// Far beyond any follow-up, in days.
pub const NEVER: i64 = 1_000_000;

/// The law of a scenario.
#[derive(Clone, Debug)]
pub struct Law {
    arms: Vec<(ArmId, ArmLaw)>,
    /// Factor on the hazard by factor and level of the protocol's stratification.
    pub strata: Vec<(String, String, f64)>,
}

/// The law of an arm.
#[derive(Clone, Debug)]
pub struct ArmLaw {
    failure: Course,
    /// Hazard of being lost, a day.
    dropout: f64,
    before: Option<BeforeEvent>,
    /// The schedule of scans; none: the protocol's visits.
    pub assessment: Option<Assessment>,
    /// How a decision departs from the truth.
    pub decision: Decision,
}

/// What is drawn of a patient by the law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// The day the strategy fails, from 1.
    pub fails: i64,
    /// By death, not by the disease breaking out.
    pub dies: bool,
    /// The day the patient is lost.
    pub leaves: i64,
}

impl Law {
    /// The law of `scenario` for the arms of `protocol`, `unit` being so many days: the control arm's and the other's.
    pub fn new(
        scenario: &Scenario,
        protocol: &Protocol,
        unit: f64,
        strata: Vec<(String, String, f64)>,
    ) -> Self {
        let arms = protocol.arms.iter().map(|arm| {
            let place = usize::from(!arm.control);
            let no_effect = [Step { from: 0.0, value: 1.0 }];
            let effect = if arm.control { no_effect.as_slice() } else { scenario.effect.as_slice() };
            let of = &scenario.arms[place];
            let law = ArmLaw {
                failure: Course::product(&scenario.hazard, effect).in_units(unit),
                dropout: of.dropout / unit,
                before: of.before_event.map(|before| BeforeEvent { within: before.within * unit, ..before }),
                assessment: of.assessment.map(|schedule| Assessment {
                    every: schedule.every * unit,
                    jitter: schedule.jitter * unit,
                    ..schedule
                }),
                decision: of.decision,
            };
            (arm.id.clone(), law)
        });
        Self { arms: arms.collect(), strata }
    }

    /// The law of an arm.
    pub fn of(&self, arm: &ArmId) -> Option<&ArmLaw> {
        self.arms.iter().find(|(id, _)| id == arm).map(|(_, law)| law)
    }

    /// The factor on the hazard of who is in `stratum`.
    pub fn factor(&self, stratum: &Stratum) -> f64 {
        let holds = |(factor, level, _): &&(String, String, f64)| {
            stratum.iter().any(|(of, is)| of == factor && is == level)
        };
        self.strata.iter().filter(holds).map(|(.., ratio)| ratio).product()
    }
}

impl ArmLaw {
    /// Draws a patient's fate, the hazard being `factor` times the arm's.
    pub fn draw(&self, factor: f64, chance: &mut Chance) -> Fate {
        let fails = self.failure.time_of(chance.exponential(1.0) / factor);
        let mut lost = f64::INFINITY;
        if self.dropout > 0.0 {
            lost = chance.exponential(1.0 / self.dropout);
        }
        if let Some(before) = self.before.filter(|before| chance.happens(before.share)) {
            lost = lost.min((fails - chance.between(0.0, before.within)).max(0.0));
        }
        let dies = self.assessment.is_some_and(|schedule| chance.happens(schedule.known_to_the_day));
        let day = |time: f64| if time < 1e6 { 1 + days(time) } else { NEVER };
        Fate { fails: day(fails), dies, leaves: day(lost) }
    }
}
