//! The numbers a design starts from: the protocol's, and over them those of the command line.
//!
//! Never checks their range, but of the level, which is halved here; each formula checks its own.

use std::path::Path;

use ::survival::design::events::{self, Formula};
use serde::Serialize;
use trial::protocol::Protocol;

use super::Options;
use crate::output::Failure;
use crate::{check, shipped};

/// Why there is no design.
pub enum Wrong {
    /// A file, or what it does not say.
    Failure(Failure),
    /// A number that no formula takes.
    Statistics(::survival::Error),
}

impl From<::survival::Error> for Wrong {
    fn from(error: ::survival::Error) -> Self {
        Self::Statistics(error)
    }
}

impl From<Failure> for Wrong {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// What a design starts from.
#[derive(Serialize)]
pub struct Start {
    /// The trial whose protocol was read.
    pub protocol: Option<String>,
    pub hazard_ratio: f64,
    /// Two-sided.
    pub alpha: f64,
    pub power: f64,
    /// Experimental for each of control.
    pub allocation: f64,
    pub formula: Formula,
    pub planned_events: f64,
    /// Share lost before their event, as the protocol assumes.
    pub loss: Option<f64>,
    pub participants: Option<u32>,
}

impl Start {
    pub fn new(options: &Options) -> Result<Self, Wrong> {
        let first = shipped::first();
        let file = match (&options.protocol, options.hazard_ratio) {
            (Some(file), _) => Some(file.as_path()),
            (None, Some(_)) => None,
            (None, None) => Some(Path::new(first)),
        };
        let protocol = file.map(check::checked).transpose()?.map(|checked| checked.protocol);
        let sized = protocol.as_ref().and_then(|protocol| protocol.trial.sample_size.as_ref());
        let Some(hazard_ratio) = options.hazard_ratio.or(sized.map(|s| s.hazard_ratio)) else {
            let name = file.map_or_else(String::new, |file| file.display().to_string());
            let what = format!("{name}: [trial.sample_size] states no hazard ratio");
            return Err(Failure::new(what)
                .hint("--hazard-ratio 0.5, or a protocol that says what its size rests on")
                .into());
        };
        let mut start = Self {
            protocol: protocol.as_ref().map(|protocol| protocol.trial.id.clone()),
            hazard_ratio,
            alpha: options.alpha.or(sized.map(|s| s.alpha)).unwrap_or(0.05),
            power: options.power.or(sized.map(|s| s.power)).unwrap_or(0.8),
            allocation: options.allocation.or(protocol.as_ref().and_then(allocation)).unwrap_or(1.0),
            formula: options.formula,
            planned_events: 0.0,
            loss: sized.and_then(|s| s.loss),
            participants: protocol.as_ref().map(|protocol| protocol.trial.participants),
        };
        if !(start.alpha > 0.0 && start.alpha < 1.0) {
            let what = format!("--alpha {}: a two-sided level lies between 0 and 1", start.alpha);
            return Err(Failure::usage(what).into());
        }
        // A protocol's events are for its own numbers.
        let changed = [options.hazard_ratio, options.alpha, options.power, options.allocation]
            .iter()
            .any(Option::is_some);
        let stated = sized.filter(|_| !changed).map(|s| f64::from(s.events));
        start.planned_events = match options.events.or(stated) {
            Some(events) => events,
            None => {
                events::events(start.formula, hazard_ratio, start.one_sided(), start.power, start.allocation)?
                    .ceil()
            }
        };
        Ok(start)
    }

    /// The level of each side.
    pub fn one_sided(&self) -> f64 {
        self.alpha / 2.0
    }

    /// Power with so many events.
    pub fn power_of(&self, events: f64, hazard_ratio: f64) -> Result<f64, ::survival::Error> {
        events::power(self.formula, hazard_ratio, self.one_sided(), events, self.allocation)
    }
}

/// Of the first arm that is not control; none without a control arm.
fn allocation(protocol: &Protocol) -> Option<f64> {
    let control = protocol.arms.iter().find(|arm| arm.control)?;
    let other = protocol.arms.iter().find(|arm| !arm.control)?;
    Some(f64::from(other.ratio) / f64::from(control.ratio))
}
