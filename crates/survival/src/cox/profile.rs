//! Profile-likelihood limits: the hazard ratios a likelihood-ratio test would not reject.
//!
//! Never assumes the likelihood is symmetric, so these limits hold where Wald's fail (few events, separation).
//! Venzon & Moolgavkar, Applied Statistics 1988;37:87-94. R: `coxphf` for Firth, else by `coxph` with an offset.

use super::newton::{self, Control};
use super::{CoxFit, Ties, likelihood};
use crate::Error;
use crate::distribution::{chi_squared_tail, two_sided_quantile};

/// Scaled coefficients beyond this are taken as infinite.
const INFINITE: f64 = 50.0;

impl CoxFit {
    /// Profile-likelihood limits of hazard ratio `j` at confidence `level`.
    ///
    /// A limit is 0 or infinite where the likelihood never falls far enough on that side (separation). Errors: the
    /// column was dropped; `level` not between 0 and 1.
    pub fn profile_limits(&self, j: usize, level: f64) -> Result<(f64, f64), Error> {
        if self.inner.dropped[j] {
            return Err(Error::Collinear { name: self.names[j].clone() });
        }
        if !(level > 0.0 && level < 1.0) {
            let allowed = "a confidence between 0 and 1 is needed";
            return Err(Error::OutOfRange { what: "level", found: level, allowed });
        }
        let scale = self.inner.design.scale[j];
        let z = two_sided_quantile(level);
        let limit = |side: f64| self.profile_limit(j, z, side).map(|beta| (beta * scale).exp());
        Ok((limit(-1.0)?, limit(1.0)?))
    }

    /// Signed root of the likelihood-ratio statistic of scaled coefficient `j` being `at`, less `z`.
    fn excess(&self, j: usize, at: f64, z: f64, start: &mut Vec<f64>) -> f64 {
        let inner = &self.inner;
        let control = Control { max_iterations: 200, max_step: 5.0, ..inner.control };
        start[j] = at;
        let profile = newton::maximise(
            |beta| {
                // The fixed coefficient and dropped ones do not move; the penalty is that of the whole model.
                likelihood(&inner.design, inner.ties, inner.firth, beta)
            },
            start.clone(),
            Some(j),
            control,
        );
        start.clone_from(&profile.beta);
        (2.0 * (inner.log_likelihood - profile.end.value)).max(0.0).sqrt() - z
    }

    fn profile_limit(&self, j: usize, z: f64, side: f64) -> Result<f64, Error> {
        let inner = &self.inner;
        let p = inner.design.p;
        let centre = inner.beta[j];
        let mut start = inner.beta.clone();
        let mut step = z * inner.inverse[j * p + j].sqrt();
        if !(step.is_finite() && step > 0.0) {
            step = 1.0;
        }
        step = step.min(INFINITE / 4.0);
        let (mut near, mut far) = (centre, centre + side * step);
        let mut near_excess = -z;
        let mut far_excess = self.excess(j, far, z, &mut start);
        while far_excess < 0.0 {
            if (far - centre).abs() > INFINITE {
                return Ok(side * f64::INFINITY);
            }
            (near, near_excess) = (far, far_excess);
            far += side * step;
            step *= 1.6;
            far_excess = self.excess(j, far, z, &mut start);
        }
        // Regula falsi (Illinois): the root is bracketed and the curve nearly straight.
        for _ in 0..100 {
            let between = (near * far_excess - far * near_excess) / (far_excess - near_excess);
            let excess = self.excess(j, between, z, &mut start);
            if !excess.is_finite() {
                break;
            }
            if excess.abs() < 1e-11 || (far - near).abs() <= 1e-13 * far.abs() {
                return Ok(between);
            }
            if (excess > 0.0) == (far_excess > 0.0) {
                near_excess /= 2.0;
            } else {
                (near, near_excess) = (far, far_excess);
            }
            (far, far_excess) = (between, excess);
        }
        let why = "the profile likelihood could not be followed to its limit".to_owned();
        Err(Error::NotEstimable { what: format!("the profile limit of `{}`", self.names[j]), why })
    }

    /// Likelihood-ratio test that coefficient `j` alone is 0 (profile), as a probability.
    ///
    /// The test to trust for one coefficient under separation or the Firth correction.
    pub fn profile_p_value(&self, j: usize) -> f64 {
        let root = self.excess(j, 0.0, 0.0, &mut self.inner.beta.clone());
        chi_squared_tail(root * root, 1)
    }

    /// Whether the ties are exact; robust quantities are then not defined.
    pub fn has_exact_ties(&self) -> bool {
        self.inner.ties == Ties::Exact
    }
}
