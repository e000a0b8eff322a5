//! Quantiles of a Kaplan-Meier curve with limits by inverting the limits of S (Brookmeyer & Crowley 1982).
//!
//! Never interpolates but across a flat stretch at exactly the wanted probability, whose middle is taken.
//! Held to R's `quantile.survfit`, quirks included: limits that are not monotone are searched in sorted order.

use super::{ConfType, KaplanMeier};
use serde::Serialize;
use std::collections::HashSet;

/// Closer than this, a survival probability is at the wanted one (R: `sqrt(.Machine$double.eps)`).
const TOLERANCE: f64 = 1.490_116_119_384_765_6e-8;

/// A quantile of the survival time, `None` where the curve or its limit does not get there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantile {
    /// The time by which the fraction had the event.
    pub estimate: Option<f64>,
    /// Lower limit.
    pub lower: Option<f64>,
    /// Upper limit.
    pub upper: Option<f64>,
}

impl KaplanMeier {
    /// The time by which a fraction `p` (0 to 1) had the event, with limits at confidence `level`.
    ///
    /// R: `quantile(survfit(..), p)`. All `None` for a `p` outside 0 to 1.
    pub fn quantile(&self, p: f64, conf_type: ConfType, level: f64) -> Quantile {
        self.search(&[p], 0.0, conf_type, level)[0]
    }

    /// Several quantiles at once, exactly as R gives them together.
    ///
    /// They can differ from [`quantile`](Self::quantile) in one point: R returns nothing at all when the curve ends
    /// above the least of `probabilities`, even by a rounding error.
    pub fn quantiles(&self, probabilities: &[f64], conf_type: ConfType, level: f64) -> Vec<Quantile> {
        let least = probabilities.iter().copied().fold(f64::INFINITY, f64::min);
        self.search(probabilities, least, conf_type, level)
    }

    /// The median survival time.
    pub fn median(&self, conf_type: ConfType, level: f64) -> Quantile {
        self.quantile(0.5, conf_type, level)
    }

    fn search(&self, probabilities: &[f64], least: f64, conf_type: ConfType, level: f64) -> Vec<Quantile> {
        let (lower, upper) = self.limits(conf_type, level);
        let [estimate, lower, upper] = [&self.surv, &lower, &upper].map(|curve| {
            let curve = Curve::new(&self.time, curve);
            probabilities.iter().map(|&p| curve.quantile(p, least)).collect::<Vec<_>>()
        });
        (0..probabilities.len())
            .map(|k| Quantile { estimate: estimate[k], lower: lower[k], upper: upper[k] })
            .collect()
    }
}

/// The distinct values of 1 - S with the time each was first reached, from (0, 0) on.
struct Curve {
    /// 1 - S and its time, by 1 - S; values the scale does not have are left out.
    reached: Vec<(f64, f64)>,
    /// The last distinct value in the order of time, where there is one.
    last: Option<f64>,
    /// The end of the curve.
    end: f64,
}

impl Curve {
    fn new(time: &[f64], surv: &[f64]) -> Self {
        let values = surv.iter().zip(time).map(|(&s, &t)| (1.0 - s, t));
        let finite = || values.clone().map(|v| v.0).filter(|y| !y.is_nan());
        let monotone = finite().zip(finite().skip(1)).all(|(a, b)| a <= b);
        let (mut reached, mut last) = (vec![(0.0, 0.0)], Some(0.0));
        let (mut missing_seen, mut seen) = (false, HashSet::from([0.0_f64.to_bits()]));
        for (y, t) in values {
            let is_new = match reached.last() {
                _ if y.is_nan() => !std::mem::replace(&mut missing_seen, true),
                // Equal values of a monotone curve stand together; only others need the set.
                Some(previous) if monotone => y != previous.0,
                _ => seen.insert((y + 0.0).to_bits()),
            };
            if is_new {
                last = (!y.is_nan()).then_some(y);
                reached.extend(last.map(|y| (y, t)));
            }
        }
        reached.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { reached, last, end: time.last().copied().unwrap_or(0.0) }
    }

    /// The time of the least value at or above `p - shift`.
    fn first_from(&self, p: f64, shift: f64) -> Option<f64> {
        let k = self.reached.partition_point(|&(y, _)| y + shift < p);
        self.reached.get(k).map(|&(_, t)| t)
    }

    fn quantile(&self, p: f64, least: f64) -> Option<f64> {
        let highest = self.reached.last().map_or(0.0, |r| r.0);
        if !(0.0..=1.0).contains(&p) || highest < least {
            return None;
        }
        if p == 0.0 {
            return Some(0.0);
        }
        let from = self.first_from(p, TOLERANCE)?;
        if self.last.is_some_and(|y| (p - y).abs() < TOLERANCE) {
            return Some(f64::midpoint(from, self.end));
        }
        Some(f64::midpoint(from, self.first_from(p, -TOLERANCE)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_stretch_at_one_half_gives_its_middle() {
        let km = KaplanMeier::fit(&[1.0, 2.0, 3.0, 6.0], &[true; 4]).unwrap();
        assert_eq!(km.median(ConfType::Log, 0.95).estimate, Some(2.5));
        assert_eq!(km.quantile(0.25, ConfType::Plain, 0.95).estimate, Some(1.5));
        assert_eq!(km.quantile(1.5, ConfType::Plain, 0.95).estimate, None);
    }

    #[test]
    fn a_curve_that_ends_at_one_half_takes_the_end_of_follow_up() {
        // R: quantile(survfit(Surv(c(1,2,3,9), c(1,1,0,0)) ~ 1), .5): 5.5
        let km = KaplanMeier::fit(&[1.0, 2.0, 3.0, 9.0], &[true, true, false, false]).unwrap();
        assert_eq!(
            km.median(ConfType::Log, 0.95),
            Quantile { estimate: Some(5.5), lower: Some(1.0), upper: None }
        );
    }
}
