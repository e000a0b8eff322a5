//! Restricted mean survival time: the area under a Kaplan-Meier curve to a horizon, and contrasts of two such areas.
//!
//! Never chooses the horizon. Irwin 1949; variance Klein & Moeschberger 4.5; contrasts Royston & Parmar 2013,
//! Uno et al. 2014. R: `print(survfit(..), rmean = tau)`, `survRM2::rmst2`.

use crate::distribution::two_sided_quantile;
use crate::km::KaplanMeier;
use crate::{Error, Estimate, Test};
use serde::Serialize;

/// The restricted mean survival time of one group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rmst {
    /// The horizon.
    pub tau: f64,
    /// Area under S from 0 to `tau`, in the unit of time.
    pub estimate: f64,
    /// Its standard error.
    pub std_err: f64,
    /// Whether the last value of S had to be carried past the end of follow-up to reach `tau`.
    pub extrapolated: bool,
}

impl Rmst {
    /// Two-sided limits of confidence `level`.
    pub fn limits(&self, level: f64) -> (f64, f64) {
        let half = two_sided_quantile(level) * self.std_err;
        (self.estimate - half, self.estimate + half)
    }

    /// Restricted mean time lost: `tau` less the mean, with the same standard error.
    pub fn time_lost(&self) -> f64 {
        self.tau - self.estimate
    }
}

impl KaplanMeier {
    /// Area under the curve from 0 to `tau` with its standard error.
    ///
    /// Where follow-up ends before `tau` the last value is carried on, as R does, and the result says so. Errors:
    /// `tau` is not above 0 or not finite.
    pub fn rmst(&self, tau: f64) -> Result<Rmst, Error> {
        if !(tau.is_finite() && tau > 0.0) {
            return Err(Error::OutOfRange {
                what: "tau",
                found: tau,
                allowed: "a finite horizon above 0 is needed",
            });
        }
        let steps = self.time.partition_point(|&t| t <= tau);
        let (mut area_beyond, mut variance, mut right) = (0.0, 0.0, tau);
        for k in (0..steps).rev() {
            area_beyond += self.surv[k] * (right - self.time[k]);
            right = self.time[k];
            let (n, d) = (self.n_risk[k], self.n_event[k]);
            if d > 0.0 && n > d {
                variance += area_beyond * area_beyond * d / (n * (n - d));
            }
        }
        let extrapolated = self.time.last().is_none_or(|&end| end < tau) && self.surv.last() != Some(&0.0);
        Ok(Rmst { tau, estimate: area_beyond + right, std_err: variance.sqrt(), extrapolated })
    }
}

/// How the restricted means of two groups differ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RmstContrast {
    /// The second less the first, in the unit of time.
    pub difference: Estimate,
    /// The second over the first; standard error and limits on the log scale (delta method).
    pub ratio: Estimate,
    /// Test of no difference on 1 degree of freedom.
    pub test: Test,
}

/// Contrasts the restricted means of two independent groups to the same horizon: `second` against `first`.
///
/// Errors: horizons differ; neither mean has a variance (no events before the horizon).
///
/// ```
/// use survival::{km::KaplanMeier, rmst};
/// let a = KaplanMeier::fit(&[1.0, 2.0, 5.0], &[true, true, true])?.rmst(4.0)?;
/// let b = KaplanMeier::fit(&[2.0, 3.0, 6.0], &[true, true, true])?.rmst(4.0)?;
/// let contrast = rmst::compare(&a, &b)?;
/// assert!((contrast.difference.estimate - 2.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn compare(first: &Rmst, second: &Rmst) -> Result<RmstContrast, Error> {
    if first.tau != second.tau {
        let allowed = "both restricted means need the same horizon";
        return Err(Error::OutOfRange { what: "tau", found: second.tau, allowed });
    }
    let std_err = first.std_err.hypot(second.std_err);
    if std_err == 0.0 {
        let why = "no group has an event before the horizon with others still at risk".to_owned();
        return Err(Error::NotEstimable {
            what: "the error of a difference in restricted means".to_owned(),
            why,
        });
    }
    let difference = Estimate::of_difference(second.estimate - first.estimate, std_err);
    let relative = (first.std_err / first.estimate).hypot(second.std_err / second.estimate);
    Ok(RmstContrast {
        difference,
        ratio: Estimate::of_ratio(second.estimate / first.estimate, relative),
        test: Test::chi_squared((difference.estimate / std_err).powi(2), 1),
    })
}
