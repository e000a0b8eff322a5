//! What an interim result means: conditional and predictive power, repeated confidence intervals, the p-value at a stop.
//!
//! Never changes a boundary. Looks are counted from 1, as people count them. Lan, Simon & Halperin, Sequential Anal
//! 1982;1:207-219; Spiegelhalter, Freedman & Blackburn, Control Clin Trials 1986;7:8-17; Jennison & Turnbull, J R Stat Soc B
//! 1989;51:305-361; Tsiatis, Rosner & Mehta, Biometrics 1984;40:797-803.

use super::GroupSequential;
use super::walk::{Walk, gauss_legendre};
use crate::Error;
use crate::distribution::normal_density;
use crate::proportion::check_level;
use crate::root::uniroot;
use serde::Serialize;

/// The estimate at a stop, corrected for the looks before it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FinalEstimate {
    /// Median-unbiased estimate.
    pub estimate: f64,
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
    /// One-sided p-value.
    pub p_value: f64,
}

impl GroupSequential {
    /// The probability to stop for efficacy at a later look, given `z` at this one, if the drift is `drift`.
    ///
    /// Pass [`drift`](Self::drift) for the effect assumed, [`trend`](Self::trend) for the one seen, 0 for none. A later stop
    /// across the lower boundary counts as no success. R: `gsDesign::gsCP(x, theta, i, zi)`, summed. Errors: no such look, or
    /// the last; a `z` that is not finite.
    ///
    /// ```
    /// use survival::design::sequential::{Efficacy, Futility, GroupSequential, Plan};
    /// let design = GroupSequential::new(&Plan { information: vec![0.5, 1.0], alpha: 0.025, power: 0.8, two_sided: false,
    ///     efficacy: Efficacy::Fixed(vec![f64::INFINITY, 1.959_963_984_540_054]), futility: Futility::None })?;
    /// let power = design.conditional_power(1, 1.0, design.trend(1, 1.0)?)?;
    /// // R: pnorm((1.0 * sqrt(0.5) + (1.0 / sqrt(0.5)) * 0.5 - qnorm(0.975)) / sqrt(0.5))
    /// assert!((power - 0.220_114_180).abs() < 1e-9);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn conditional_power(&self, look: usize, z: f64, drift: f64) -> Result<f64, Error> {
        let k = self.index(look)?;
        self.check_interim(look, z)?;
        let mut walk = Walk::from(drift, self.information[k], z * self.information[k].sqrt());
        let mut power = 0.0;
        for later in k + 1..self.information.len() {
            let time = self.information[later];
            power += walk.above(time, self.upper[later]);
            let next = self.information.get(later + 1).copied();
            walk.advance(time, self.lower[later], self.upper[later], next);
        }
        Ok(power)
    }

    /// The drift that a `z` at this look points to: z over the root of its information fraction.
    ///
    /// Errors: no such look. Example: [`conditional_power`](Self::conditional_power).
    pub fn trend(&self, look: usize, z: f64) -> Result<f64, Error> {
        Ok(z / self.information[self.index(look)?].sqrt())
    }

    /// Conditional power averaged over what is known of the drift from `z` alone (a flat prior).
    ///
    /// R: `gsDesign::gsPP` with a flat prior; rpact has none. Errors: as [`conditional_power`](Self::conditional_power).
    ///
    /// ```
    /// # use survival::design::sequential::{Efficacy, Futility, GroupSequential, Plan};
    /// # let design = GroupSequential::new(&Plan { information: vec![0.5, 1.0], alpha: 0.025, power: 0.8, two_sided: false,
    /// #     efficacy: Efficacy::Fixed(vec![f64::INFINITY, 1.959_963_984_540_054]), futility: Futility::None })?;
    /// // By hand, for one look to come: pnorm((z / sqrt(t) - qnorm(0.975)) / sqrt((1 - t) / t)) with z = 1, t = 0.5
    /// assert!((design.predictive_power(1, 1.0)? - 0.292_618_753).abs() < 1e-9);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn predictive_power(&self, look: usize, z: f64) -> Result<f64, Error> {
        const PANELS: u32 = 12;
        let middle = self.trend(look, z)?;
        let deviation = 1.0 / self.information[self.index(look)?].sqrt();
        let mut power = 0.0;
        for panel in 0..PANELS {
            let from = f64::from(panel) * 1.5 - 9.0;
            for (node, weight) in gauss_legendre() {
                let at = from + 0.75 * (1.0 + node);
                power += 0.75
                    * weight
                    * normal_density(at)
                    * self.conditional_power(look, z, middle + at * deviation)?;
            }
        }
        Ok(power)
    }

    /// The repeated confidence interval at a look: limits that hold at every look together, whether or not one stops.
    ///
    /// `estimate` and `std_err` on the scale where the estimate is normal: the logarithm of a hazard ratio. Confidence is 1 - 2
    /// alpha. R: `rpact::getRepeatedConfidenceIntervals`. Errors: no such look.
    ///
    /// ```
    /// # use survival::design::sequential::{Efficacy, Futility, GroupSequential, Plan, Spending};
    /// # let design = GroupSequential::new(&Plan { information: vec![0.5, 1.0], alpha: 0.025, power: 0.8, two_sided: false,
    /// #     efficacy: Efficacy::Spending(Spending::OBrienFleming), futility: Futility::None })?;
    /// let (lower, upper) = design.repeated_limits(1, -0.5, 0.3)?;
    /// // R: -0.5 + c(-1, 1) * 2.962588 * 0.3
    /// assert!((lower + 1.388_776).abs() < 1e-5 && (upper - 0.388_776).abs() < 1e-5);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn repeated_limits(&self, look: usize, estimate: f64, std_err: f64) -> Result<(f64, f64), Error> {
        let half = self.upper[self.index(look)?] * std_err;
        Ok((estimate - half, estimate + half))
    }

    /// The estimate when the trial stops at a look, by the stage-wise ordering: median-unbiased, with limits of confidence
    /// `level` and a one-sided p-value.
    ///
    /// The effect is positive where it favours the upper boundary: minus the logarithm of a hazard ratio, say. R:
    /// `rpact::getFinalConfidenceInterval`, `getFinalPValue`. Errors: no such look; a level outside 0 to 1; a `std_err` not above 0.
    ///
    /// ```
    /// # use survival::design::sequential::{Efficacy, Futility, GroupSequential, Plan, Spending};
    /// # let design = GroupSequential::new(&Plan { information: vec![0.5, 1.0], alpha: 0.025, power: 0.8, two_sided: false,
    /// #     efficacy: Efficacy::Spending(Spending::OBrienFleming), futility: Futility::None })?;
    /// let stop = design.final_estimate(2, 0.6, 0.2, 0.95)?;
    /// // A little less than the naive 0.6, for there was a look before.
    /// assert!(stop.estimate < 0.6 && stop.estimate > 0.58 && stop.lower > 0.0);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn final_estimate(
        &self,
        look: usize,
        effect: f64,
        std_err: f64,
        level: f64,
    ) -> Result<FinalEstimate, Error> {
        let k = self.index(look)?;
        check_level(level)?;
        super::super::check_positive("std_err", std_err)?;
        Self::check_finite(effect)?;
        let z = effect / std_err;
        // One unit of drift in the unit of the effect.
        let unit = std_err * self.information[k].sqrt();
        let solve = |probability: f64| {
            let excess = |drift: f64| self.stage_wise(k, z, drift) - probability;
            let reach = 20.0 / self.information[0].sqrt() + z.abs() / self.information[k].sqrt();
            uniroot(excess, -reach, reach, 1e-12).ok_or_else(|| Error::NotEstimable {
                what: "the estimate at the stop".to_owned(),
                why: format!("{effect} is {z} standard errors from 0, beyond what can be computed"),
            })
        };
        Ok(FinalEstimate {
            estimate: solve(0.5)? * unit,
            lower: solve((1.0 - level) / 2.0)? * unit,
            upper: solve(f64::midpoint(1.0, level))? * unit,
            p_value: self.stage_wise(k, z, 0.0),
        })
    }

    /// The probability of an outcome at least as good: a stop for efficacy at an earlier look, or a greater z at this one.
    fn stage_wise(&self, k: usize, z: f64, drift: f64) -> f64 {
        let mut walk = Walk::new(drift);
        let mut probability = 0.0;
        for earlier in 0..k {
            let time = self.information[earlier];
            probability += walk.above(time, self.upper[earlier]);
            let next = self.information.get(earlier + 1).copied();
            walk.advance(time, self.lower[earlier], self.upper[earlier], next);
        }
        probability + walk.above(self.information[k], z)
    }

    fn index(&self, look: usize) -> Result<usize, Error> {
        if (1..=self.information.len()).contains(&look) {
            return Ok(look - 1);
        }
        let allowed = "looks are counted from 1 to the number of looks";
        Err(Error::OutOfRange { what: "look", found: look as f64, allowed })
    }

    fn check_interim(&self, look: usize, z: f64) -> Result<(), Error> {
        Self::check_finite(z)?;
        if look == self.information.len() {
            let allowed = "after the last look there is nothing to be predicted";
            return Err(Error::OutOfRange { what: "look", found: look as f64, allowed });
        }
        Ok(())
    }

    fn check_finite(z: f64) -> Result<(), Error> {
        if z.is_finite() {
            Ok(())
        } else {
            Err(Error::OutOfRange { what: "z", found: z, allowed: "a finite number is needed" })
        }
    }
}
