//! Means with limits by Student's t, and Welch's test of two means (Welch, Biometrika 1947;34:28-35).
//!
//! Never tells what a mean is of. Equal to R's `t.test`.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::results::Estimate;

struct Sample {
    n: f64,
    mean: f64,
    variance: f64,
}

impl Sample {
    /// None of nothing; the variance of one value is not a number.
    fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Some(Self { n, mean, variance })
    }

    fn squared_error(&self) -> f64 {
        self.variance / self.n
    }
}

/// Half the width of limits at `level` with `df` degrees of freedom and standard error `error`; none where they do not
/// exist.
fn half_width(df: f64, error: f64, level: f64) -> Option<f64> {
    let t =
        StudentsT::new(0.0, 1.0, df).ok().filter(|_| df.is_finite() && error.is_finite() && error > 0.0)?;
    Some(t.inverse_cdf(f64::midpoint(1.0, level)) * error)
}

fn limits(value: f64, half_width: Option<f64>) -> Estimate {
    Estimate {
        value: Some(value),
        lower: half_width.map(|w| value - w),
        upper: half_width.map(|w| value + w),
    }
}

/// The mean of `values` with limits at `level`, as in 0.95; limits need two values that differ.
pub fn mean(values: &[f64], level: f64) -> Estimate {
    Sample::of(values)
        .map(|s| limits(s.mean, half_width(s.n - 1.0, s.squared_error().sqrt(), level)))
        .unwrap_or_default()
}

/// Mean of `a` minus mean of `b`, and the two-sided p-value; none where a sample has fewer than two values or neither
/// varies.
pub fn welch(a: &[f64], b: &[f64], level: f64) -> Option<(Estimate, f64)> {
    let (a, b) = (Sample::of(a)?, Sample::of(b)?);
    let (va, vb) = (a.squared_error(), b.squared_error());
    let error = (va + vb).sqrt();
    let df = (va + vb).powi(2) / (va.powi(2) / (a.n - 1.0) + vb.powi(2) / (b.n - 1.0));
    let width = half_width(df, error, level)?;
    let difference = a.mean - b.mean;
    let t = StudentsT::new(0.0, 1.0, df).ok()?;
    Some((limits(difference, Some(width)), 2.0 * t.sf((difference / error).abs())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, assert_estimate, numbers, reference};

    #[test]
    fn equal_to_t_test_of_r() {
        let r = reference();
        let (x, y) = (numbers(&r["x"]), numbers(&r["y"]));
        assert_estimate(mean(&x, 0.95), &numbers(&r["mean_x"]), 1e-10, "mean");
        let (difference, p) = welch(&x, &y, 0.95).unwrap();
        let want = numbers(&r["welch"]);
        assert_estimate(difference, &want[..3], 1e-10, "Welch");
        assert_close(p, want[3], 1e-10, "Welch p");
    }

    #[test]
    fn too_few_values_have_no_limits() {
        assert_eq!(mean(&[], 0.95), Estimate::default());
        assert_eq!(mean(&[3.0], 0.95), Estimate { value: Some(3.0), lower: None, upper: None });
        assert_eq!(mean(&[3.0, 3.0], 0.95).lower, None);
        assert!(welch(&[1.0], &[2.0, 3.0], 0.95).is_none());
        assert!(welch(&[2.0, 2.0], &[3.0, 3.0], 0.95).is_none());
    }

    #[test]
    fn limits_are_at_the_level_asked_for() {
        // qt(0.95, 2) = 2.919985580355516; the standard error of 1, 2, 3 is 1 / sqrt(3).
        let found = mean(&[1.0, 2.0, 3.0], 0.9);
        assert_close(found.upper.unwrap() - 2.0, 2.919_985_580_355_516 / 3.0_f64.sqrt(), 1e-9, "half width");
    }
}
