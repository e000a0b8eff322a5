//! Events and power of the log-rank test under proportional hazards.
//!
//! Never counts subjects: see [`super::sample_size`]. Schoenfeld, Biometrika 1981;68:316-319 and Biometrics 1983;39:499-503;
//! Freedman, Stat Med 1982;1:121-129. R: `rpact::getSampleSizeSurvival(.., typeOfComputation)`, `gsDesign::nEvents`.

use super::{check_positive, check_probability, quantile_sum};
use crate::Error;
use crate::distribution::{normal_cdf, normal_quantile};
use crate::root::uniroot;
use serde::Serialize;

/// Whose approximation to the log-rank statistic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Formula {
    /// Effect: the logarithm of the hazard ratio.
    #[default]
    Schoenfeld,
    /// Effect: (1 - HR) / (1 + HR), for 1:1; never fewer events than Schoenfeld's for 1:1.
    Freedman,
}

impl Formula {
    /// The expected statistic divided by the square root of the number of events.
    pub(crate) fn effect(self, hazard_ratio: f64, allocation: f64) -> f64 {
        match self {
            Self::Schoenfeld => hazard_ratio.ln().abs() * allocation.sqrt() / (1.0 + allocation),
            Self::Freedman => {
                (1.0 - hazard_ratio).abs() * allocation.sqrt() / (1.0 + allocation * hazard_ratio)
            }
        }
    }
}

/// Events that give the log-rank test this power.
///
/// `hazard_ratio` experimental over control; `alpha` one-sided; `allocation` subjects of the experimental arm for each of the
/// control arm (1 for 1:1). R: `rpact::getSampleSizeSurvival(hazardRatio, alpha, beta, allocationRatioPlanned,
/// typeOfComputation)$eventsFixed`. Errors: a hazard ratio of 1, or what is not a ratio or a probability.
///
/// ```
/// use survival::design::events::{Formula, events};
/// // AVATAR II: hazard ratio 0.5, two-sided 5 %, power 80 %.
/// let schoenfeld = events(Formula::Schoenfeld, 0.5, 0.025, 0.8, 1.0)?;
/// // R: 4 * (qnorm(0.975) + qnorm(0.8))^2 / log(0.5)^2
/// assert!((schoenfeld - 65.3456592588709).abs() < 1e-9);
/// // R: (qnorm(0.975) + qnorm(0.8))^2 * ((1 + 0.5) / (1 - 0.5))^2
/// assert!((events(Formula::Freedman, 0.5, 0.025, 0.8, 1.0)? - 70.6399176091418).abs() < 1e-9);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn events(
    formula: Formula,
    hazard_ratio: f64,
    alpha: f64,
    power: f64,
    allocation: f64,
) -> Result<f64, Error> {
    check_positive("hazard_ratio", hazard_ratio)?;
    check_positive("allocation", allocation)?;
    if hazard_ratio == 1.0 {
        let allowed = "a hazard ratio of 1 is no effect: no number of events gives power";
        return Err(Error::OutOfRange { what: "hazard_ratio", found: hazard_ratio, allowed });
    }
    Ok((quantile_sum(alpha, power)? / formula.effect(hazard_ratio, allocation)).powi(2))
}

/// Power of the log-rank test with this number of events, in the direction of the effect.
///
/// Arguments as [`events`]. R: `pnorm(abs(log(hr)) * sqrt(events * r) / (1 + r) - qnorm(1 - alpha))`.
///
/// ```
/// use survival::design::events::{Formula, power};
/// let power = power(Formula::Schoenfeld, 0.5, 0.025, 66.0, 1.0)?;
/// // R: pnorm(log(2) * sqrt(66) / 2 - qnorm(0.975))
/// assert!((power - 0.803_894_109).abs() < 1e-9);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn power(
    formula: Formula,
    hazard_ratio: f64,
    alpha: f64,
    events: f64,
    allocation: f64,
) -> Result<f64, Error> {
    check_positive("hazard_ratio", hazard_ratio)?;
    check_positive("allocation", allocation)?;
    check_positive("events", events)?;
    check_probability("alpha", alpha)?;
    let expected = formula.effect(hazard_ratio, allocation) * events.sqrt();
    Ok(normal_cdf(expected - normal_quantile(1.0 - alpha)))
}

/// The hazard ratio below 1 that this number of events detects with this power.
///
/// Arguments as [`events`]. Errors: as [`events`]; so few events that no hazard ratio is detected (Freedman).
///
/// ```
/// use survival::design::events::{Formula, detectable};
/// let ratio = detectable(Formula::Schoenfeld, 0.025, 0.8, 65.3456592588709, 1.0)?;
/// // R: exp(-2 * (qnorm(0.975) + qnorm(0.8)) / sqrt(65.3456592588709))
/// assert!((ratio - 0.5).abs() < 1e-12);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn detectable(
    formula: Formula,
    alpha: f64,
    power: f64,
    events: f64,
    allocation: f64,
) -> Result<f64, Error> {
    check_positive("allocation", allocation)?;
    check_positive("events", events)?;
    let needed = quantile_sum(alpha, power)? / events.sqrt();
    let excess = |log_ratio: f64| formula.effect(log_ratio.exp(), allocation) - needed;
    let log_ratio = uniroot(excess, -100.0, 0.0, 1e-14).ok_or_else(|| Error::NotEstimable {
        what: "the detectable hazard ratio".to_owned(),
        why: format!("{events} events do not detect any hazard ratio with this power"),
    })?;
    Ok(log_ratio.exp())
}

/// The hazard ratio (below 1) at which a log-rank statistic of `z` lies, and so the boundary on that scale.
///
/// R: `exp(-z * (1 + r) / sqrt(r * events))`; `gsDesign::gsHR`. Errors: as [`events`].
///
/// ```
/// let ratio = survival::design::events::hazard_ratio_at(1.96, 66.0, 1.0)?;
/// // R: exp(-1.96 * 2 / sqrt(66))
/// assert!((ratio - 0.617_226_857).abs() < 1e-9);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn hazard_ratio_at(z: f64, events: f64, allocation: f64) -> Result<f64, Error> {
    check_positive("allocation", allocation)?;
    check_positive("events", events)?;
    Ok((-z * (1.0 + allocation) / (allocation * events).sqrt()).exp())
}
