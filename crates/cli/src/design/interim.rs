//! What an interim result means: conditional and predictive power, and limits that hold at every look.
//!
//! Never advises to stop.

use ::survival::Error;
use ::survival::design::sequential::{Efficacy, Futility, GroupSequential, Plan};
use serde::Serialize;

use super::sequential::plan;
use super::start::Start;
use super::{Options, percent};
use crate::graph::short;

/// An interim look and what follows from it.
#[derive(Serialize)]
pub struct Interim {
    pub events: f64,
    pub hazard_ratio: f64,
    /// In the direction of the effect looked for.
    pub z: f64,
    pub information: f64,
    pub conditional_power_as_designed: f64,
    pub conditional_power_as_seen: f64,
    pub conditional_power_without_effect: f64,
    pub predictive_power: f64,
    /// Confidence of the repeated limits.
    pub level: f64,
    /// Of the hazard ratio; none without an efficacy boundary at this look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeated_limits: Option<(f64, f64)>,
}

impl Interim {
    /// From events and the hazard ratio seen. The planned look nearest to it is moved to where it was made, as error
    /// spending allows; without looks there is none for efficacy before the end.
    pub fn new(options: &Options, start: &Start, (events, hazard_ratio): (f64, f64)) -> Result<Self, Error> {
        let (design, most) = match &options.looks {
            Some(looks) => {
                let planned = GroupSequential::new(&plan(options, start, looks.0.clone()))?;
                let events_at = planned.events(start.formula, start.hazard_ratio, start.allocation)?.events;
                let most = events_at.last().copied().unwrap_or(start.planned_events);
                let moved = moved(&looks.0, events / most)?;
                (GroupSequential::new(&plan(options, start, moved))?, most)
            }
            None => (one_look(start, events / start.planned_events)?, start.planned_events),
        };
        let information = events / most;
        let look = 1 + design.information.iter().position(|t| (t - information).abs() < 1e-12).unwrap_or(0);
        // The standard error of the logarithm of the ratio, and the effect in the direction looked for.
        let std_err = (1.0 + start.allocation) / (start.allocation * events).sqrt();
        let direction = if start.hazard_ratio < 1.0 { -1.0 } else { 1.0 };
        let z = direction * hazard_ratio.ln() / std_err;
        let conditional = |drift: f64| design.conditional_power(look, z, drift);
        let bounded = design.upper[look - 1].is_finite();
        let limits = design.repeated_limits(look, hazard_ratio.ln(), std_err)?;
        Ok(Self {
            events,
            hazard_ratio,
            z,
            information,
            conditional_power_as_designed: conditional(design.drift)?,
            conditional_power_as_seen: conditional(design.trend(look, z)?)?,
            conditional_power_without_effect: conditional(0.0)?,
            predictive_power: design.predictive_power(look, z)?,
            level: 1.0 - start.alpha,
            repeated_limits: bounded.then_some((limits.0.exp(), limits.1.exp())),
        })
    }

    pub fn told(&self) -> String {
        let mut lines = vec![
            format!(
                "After {} events ({} of the information) a hazard ratio of {}: z {:.3}",
                short(self.events),
                percent(self.information),
                short(self.hazard_ratio),
                self.z
            ),
            format!(
                "  conditional power      {} if the effect is as designed",
                percent(self.conditional_power_as_designed)
            ),
            format!("                         {} if it is as seen", percent(self.conditional_power_as_seen)),
            format!(
                "                         {} if there is none",
                percent(self.conditional_power_without_effect)
            ),
            format!("  predictive power       {}", percent(self.predictive_power)),
        ];
        if let Some((lower, upper)) = self.repeated_limits {
            lines.push(format!(
                "  repeated {} limits   {lower:.3} to {upper:.3} (hold at every look)",
                percent(self.level)
            ));
        }
        lines.join("\n")
    }
}

/// The fractions with the nearest interim one at `seen`.
fn moved(looks: &[f64], seen: f64) -> Result<Vec<f64>, Error> {
    check(seen)?;
    let mut interim: Vec<f64> = looks.iter().copied().filter(|t| *t < 1.0).collect();
    match interim.iter_mut().min_by(|a, b| (**a - seen).abs().total_cmp(&(**b - seen).abs())) {
        Some(nearest) => *nearest = seen,
        None => interim.push(seen),
    }
    interim.push(1.0);
    Ok(interim)
}

fn one_look(start: &Start, seen: f64) -> Result<GroupSequential, Error> {
    check(seen)?;
    let fixed = GroupSequential::new(&Plan {
        information: vec![1.0],
        alpha: start.one_sided(),
        power: start.power,
        two_sided: false,
        efficacy: Efficacy::WangTsiatis(0.5),
        futility: Futility::None,
    })?;
    GroupSequential::new(&Plan {
        information: vec![seen, 1.0],
        alpha: start.one_sided(),
        power: start.power,
        two_sided: false,
        efficacy: Efficacy::Fixed(vec![f64::INFINITY, fixed.upper[0]]),
        futility: Futility::None,
    })
}

fn check(seen: f64) -> Result<(), Error> {
    if seen < 1.0 {
        return Ok(());
    }
    let allowed = "an interim look has fewer events than are planned";
    Err(Error::OutOfRange { what: "interim events over those planned", found: seen, allowed })
}
