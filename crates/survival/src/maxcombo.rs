//! `MaxCombo`: the greatest of several Fleming-Harrington statistics, judged by their joint normal distribution.
//!
//! Never picks the weights by looking at the data and forgets it. Lee, Comput Stat Data Anal 2007;51:6557-6564;
//! Karrison, Stata J 2016;16:678-690; Lin et al., Stat Biopharm Res 2020;12:187-198.

use crate::logrank::{FlemingHarrington, family};
use crate::normal_region::outside_box;
use crate::{Error, Observations};
use serde::Serialize;

/// The usual four: log-rank, early, late and middle differences.
pub const DEFAULT_WEIGHTS: [FlemingHarrington; 4] = [
    FlemingHarrington { rho: 0.0, gamma: 0.0 },
    FlemingHarrington { rho: 1.0, gamma: 0.0 },
    FlemingHarrington { rho: 0.0, gamma: 1.0 },
    FlemingHarrington { rho: 1.0, gamma: 1.0 },
];

/// The side on which a difference counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub enum Side {
    /// Either: the statistic is the greatest |Z|.
    #[default]
    Both,
    /// The second group has fewer events: the statistic is the least Z.
    SecondBetter,
}

/// The test of two groups by several weightings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MaxCombo {
    /// The weightings.
    pub weights: Vec<FlemingHarrington>,
    /// Standard normal statistic of each: above 0 where the second group had more events than expected.
    pub z: Vec<f64>,
    /// Correlations of the statistics if the groups do not differ.
    pub correlation: Vec<Vec<f64>>,
    /// The greatest |Z|, or the least Z for one side.
    pub statistic: f64,
    /// The weighting that attains it.
    pub attained_by: usize,
    /// Probability of one as extreme.
    pub p_value: f64,
    /// Bound on the numerical error of `p_value`.
    pub error: f64,
}

/// Compares two groups by the most extreme of several weighted log-rank statistics.
///
/// Errors: those of [`crate::logrank::weighted`]; no weighting, or more than 8; other than two groups; a statistic
/// without variance.
///
/// ```
/// use survival::{Observations, maxcombo::{DEFAULT_WEIGHTS, Side, maxcombo}};
/// let time = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
/// let event = [true, true, true, true, true, false, true, true];
/// let test = maxcombo(&Observations::new(&time, &event), &[0, 0, 0, 1, 0, 1, 1, 1], None, &DEFAULT_WEIGHTS, Side::Both)?;
/// assert!(test.p_value < 0.2);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn maxcombo(
    observations: &Observations<'_>,
    group: &[usize],
    strata: Option<&[usize]>,
    weights: &[FlemingHarrington],
    side: Side,
) -> Result<MaxCombo, Error> {
    if weights.is_empty() || weights.len() > 8 {
        let allowed = "1 to 8 weightings are needed";
        return Err(Error::OutOfRange { what: "weights", found: weights.len() as f64, allowed });
    }
    let family = family(observations, group, strata, weights)?;
    let m = weights.len();
    if family.k() != 2 {
        let allowed = "two groups are needed";
        return Err(Error::OutOfRange { what: "group", found: family.k() as f64, allowed });
    }
    let mut z = Vec::with_capacity(m);
    for (a, weight) in weights.iter().enumerate() {
        z.push(family.z(a).filter(|z| z.is_finite()).ok_or_else(|| Error::NotEstimable {
            what: format!("the statistic with rho {} and gamma {}", weight.rho, weight.gamma),
            why: "it has no variance: no event with that weight while both groups are at risk".to_owned(),
        })?);
    }
    let covariance = |a: usize, b: usize| family.covariance(a, b);
    let correlation: Vec<Vec<f64>> = (0..m)
        .map(|a| {
            let entry = |b: usize| covariance(a, b) / (covariance(a, a) * covariance(b, b)).sqrt();
            (0..m).map(|b| if a == b { 1.0 } else { entry(b).clamp(-1.0, 1.0) }).collect()
        })
        .collect();
    let extremity = |k: usize| match side {
        Side::Both => z[k].abs(),
        Side::SecondBetter => -z[k],
    };
    let attained_by = (0..m).max_by(|&a, &b| extremity(a).total_cmp(&extremity(b))).unwrap_or(0);
    let bound = extremity(attained_by);
    let lower = if side == Side::Both { -bound } else { f64::NEG_INFINITY };
    let (p_value, error) = outside_box(&correlation, lower, bound);
    Ok(MaxCombo {
        weights: weights.to_vec(),
        statistic: if side == Side::Both { bound } else { z[attained_by] },
        z,
        correlation,
        attained_by,
        p_value,
        error,
    })
}
