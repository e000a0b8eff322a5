//! Nelson-Aalen: the cumulative hazard of one group.
//!
//! Never a survival curve in disguise: S(t) is [`crate::km`]'s. Nelson 1972; Aalen 1978; ties by Fleming &
//! Harrington 1984 on request. R: `survfit(Surv(time, event) ~ 1, ctype)`, its `cumhaz` and `std.chaz`.

use crate::distribution::two_sided_quantile;
use crate::km::KaplanMeier;
use crate::{Error, Observations};
use serde::Serialize;

/// How tied events add to the hazard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TiedHazard {
    /// d / n (R's `ctype = 1`).
    #[default]
    Together,
    /// 1/n + 1/(n-1) + ..., as if the events had come one by one (R's `ctype = 2`).
    OneByOne,
}

/// The cumulative hazard, one step for each distinct time.
///
/// ```
/// use survival::{Observations, nelson_aalen::NelsonAalen};
/// let hazard = NelsonAalen::fit(&Observations::new(&[1.0, 2.0, 4.0], &[true, false, true]), Default::default())?;
/// assert!((hazard.at(4.0) - (1.0 / 3.0 + 1.0)).abs() < 1e-15);
/// # Ok::<(), survival::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NelsonAalen {
    /// The distinct times, ascending.
    pub time: Vec<f64>,
    /// At risk just before each time.
    pub n_risk: Vec<f64>,
    /// Events at each time.
    pub n_event: Vec<f64>,
    /// Cumulative hazard.
    pub hazard: Vec<f64>,
    /// Its standard error.
    pub std_err: Vec<f64>,
}

impl NelsonAalen {
    /// The estimate. Errors: as [`KaplanMeier::of`]; weights with tied events one by one, which need counts.
    pub fn fit(observations: &Observations<'_>, ties: TiedHazard) -> Result<Self, Error> {
        if ties == TiedHazard::OneByOne && observations.weight.is_some() {
            return Err(Error::Unsupported {
                what: "the hazard of tied events one by one",
                with: "with weights",
            });
        }
        let km = KaplanMeier::of(observations)?;
        let (mut hazard, mut variance) = (0.0, 0.0);
        let steps = km.n_risk.iter().zip(&km.n_event).map(|(&n, &d)| {
            let (h, v) = ties.increment(n, d);
            hazard += h;
            variance += v;
            (hazard, f64::sqrt(variance))
        });
        let (hazard, std_err) = steps.unzip();
        Ok(Self { hazard, std_err, time: km.time, n_risk: km.n_risk, n_event: km.n_event })
    }

    /// Cumulative hazard at `t`; 0 before the first step.
    pub fn at(&self, t: f64) -> f64 {
        self.time.partition_point(|&s| s <= t).checked_sub(1).map_or(0.0, |k| self.hazard[k])
    }

    /// Limits at each step at confidence `level`, symmetric on the log scale; NaN while the hazard is 0.
    pub fn limits(&self, level: f64) -> (Vec<f64>, Vec<f64>) {
        let z = two_sided_quantile(level);
        let limit = |(&h, &se): (&f64, &f64)| (h * (-z * se / h).exp(), h * (z * se / h).exp());
        self.hazard.iter().zip(&self.std_err).map(limit).unzip()
    }
}

impl TiedHazard {
    /// What `d` of `n` add to the hazard and to its variance.
    fn increment(self, n: f64, d: f64) -> (f64, f64) {
        if self == Self::Together || d <= 1.0 {
            return (d / n, d / (n * n));
        }
        let (mut hazard, mut variance, mut left) = (0.0, 0.0, d);
        while left > 0.0 {
            let n = n - (d - left);
            hazard += 1.0 / n;
            variance += 1.0 / (n * n);
            left -= 1.0;
        }
        (hazard, variance)
    }
}
