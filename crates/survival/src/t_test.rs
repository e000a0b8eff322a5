//! Student's t tests: one sample, pairs, two samples with equal or unequal variances.
//!
//! Never pools variances unasked. Student, Biometrika 1908;6:1-25; Welch, Biometrika 1947;34:28-35. R: `t.test`.

use crate::observations::{check_finite, check_length};
use crate::{Error, TEstimate};
use serde::Serialize;

/// Which t test was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The mean of one sample.
    OneSample,
    /// The mean of the differences within pairs.
    Paired,
    /// Two samples, one variance.
    Student,
    /// Two samples, each its own variance.
    Welch,
}

/// The outcome of a t test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TTest {
    /// Which test.
    pub kind: Kind,
    /// The mean of each sample (of the differences, for pairs).
    pub means: Vec<f64>,
    /// What is estimated: the mean, or the mean of the first sample less that of the second.
    pub difference: TEstimate,
}

/// Tests whether the mean of `x` is `mu`. R: `t.test(x, mu = mu)`.
///
/// Errors: fewer than two values; a value that is not finite; all values equal (R: "data are essentially constant").
///
/// ```
/// let test = survival::t_test::one_sample(&[5.1, 4.9, 6.2, 5.8], 5.0)?;
/// // R: t.test(c(5.1, 4.9, 6.2, 5.8), mu = 5)
/// assert!((test.difference.statistic - 1.651_445_647_689_541).abs() < 1e-9);
/// assert!((test.difference.p_value - 0.197_214_562_182_491).abs() < 1e-9);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn one_sample(x: &[f64], mu: f64) -> Result<TTest, Error> {
    let sample = Sample::of("x", x)?;
    sample.one(Kind::OneSample, mu)
}

/// Tests whether `x` less `y`, pair by pair, is 0 on average. R: `t.test(x, y, paired = TRUE)`.
///
/// Errors: as [`one_sample`]; lengths differ.
///
/// ```
/// let test = survival::t_test::paired(&[5.1, 4.9, 6.2, 5.8], &[4.8, 5.0, 5.5, 5.1])?;
/// // R: t.test(c(5.1, 4.9, 6.2, 5.8), c(4.8, 5.0, 5.5, 5.1), paired = TRUE)
/// assert!((test.difference.p_value - 0.127_907_219_662_102).abs() < 1e-9);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn paired(x: &[f64], y: &[f64]) -> Result<TTest, Error> {
    check_length("y", x.len(), y.len())?;
    check_finite("x", x.len(), x)?;
    check_finite("y", y.len(), y)?;
    let differences: Vec<f64> = x.iter().zip(y).map(|(a, b)| a - b).collect();
    Sample::of("x - y", &differences)?.one(Kind::Paired, 0.0)
}

/// Tests whether two samples of one variance have one mean. R: `t.test(x, y, var.equal = TRUE)`.
///
/// Errors: a sample is empty, or both have one value; a value that is not finite; all values equal.
///
/// ```
/// let test = survival::t_test::student(&[5.1, 4.9, 6.2, 5.8], &[4.1, 4.3, 5.0])?;
/// // R: t.test(c(5.1, 4.9, 6.2, 5.8), c(4.1, 4.3, 5.0), var.equal = TRUE)
/// assert!((test.difference.p_value - 0.059_191_548_543_170).abs() < 1e-9);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn student(x: &[f64], y: &[f64]) -> Result<TTest, Error> {
    let (a, b) = (Sample::of_any_size("x", x)?, Sample::of_any_size("y", y)?);
    let df = a.n + b.n - 2.0;
    if df < 1.0 {
        return Err(too_few(
            "two samples of one value each have no variance: three values in all are needed",
        ));
    }
    let variance = (a.squares + b.squares) / df;
    let std_err = (variance * (1.0 / a.n + 1.0 / b.n)).sqrt();
    two(Kind::Student, &a, &b, std_err, df)
}

/// Tests whether two samples have one mean, their variances what they may be. R: `t.test(x, y)`.
///
/// Errors: a sample with fewer than two values; a value that is not finite; all values equal.
///
/// ```
/// let test = survival::t_test::welch(&[5.1, 4.9, 6.2, 5.8], &[4.1, 4.3, 5.0])?;
/// // R: t.test(c(5.1, 4.9, 6.2, 5.8), c(4.1, 4.3, 5.0))
/// assert!((test.difference.df - 4.952_140_918_406_912).abs() < 1e-9);
/// assert!((test.difference.p_value - 0.052_648_282_620_757).abs() < 1e-9);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn welch(x: &[f64], y: &[f64]) -> Result<TTest, Error> {
    let (a, b) = (Sample::of("x", x)?, Sample::of("y", y)?);
    let (va, vb) = (a.squared_error(), b.squared_error());
    let std_err = (va + vb).sqrt();
    let df = (va + vb).powi(2) / (va * va / (a.n - 1.0) + vb * vb / (b.n - 1.0));
    two(Kind::Welch, &a, &b, std_err, df)
}

fn too_few(why: &str) -> Error {
    Error::NotEstimable { what: "a t test".to_owned(), why: why.to_owned() }
}

fn constant() -> Error {
    too_few("the values are constant but for rounding, so that there is no error to judge the mean by")
}

/// Whether a standard error is no more than rounding of the means (R's criterion).
fn is_rounding(std_err: f64, scale: f64) -> bool {
    std_err.is_nan() || std_err == 0.0 || std_err < 10.0 * f64::EPSILON * scale
}

fn two(kind: Kind, a: &Sample, b: &Sample, std_err: f64, df: f64) -> Result<TTest, Error> {
    if is_rounding(std_err, a.mean.abs().max(b.mean.abs())) {
        return Err(constant());
    }
    let difference = TEstimate::against(0.0, a.mean - b.mean, std_err, df);
    Ok(TTest { kind, means: vec![a.mean, b.mean], difference })
}

struct Sample {
    n: f64,
    mean: f64,
    /// Sum of squared deviations from the mean.
    squares: f64,
}

impl Sample {
    fn of_any_size(what: &'static str, values: &[f64]) -> Result<Self, Error> {
        check_finite(what, values.len(), values)?;
        if values.is_empty() {
            return Err(Error::Empty);
        }
        let n = values.len() as f64;
        let rough = values.iter().sum::<f64>() / n;
        // A second pass, as R's mean() makes: exact to the last digit for long vectors.
        let mean = rough + values.iter().map(|v| v - rough).sum::<f64>() / n;
        let squares = values.iter().map(|v| (v - mean).powi(2)).sum();
        Ok(Self { n, mean, squares })
    }

    fn of(what: &'static str, values: &[f64]) -> Result<Self, Error> {
        let sample = Self::of_any_size(what, values)?;
        if sample.n < 2.0 {
            Err(too_few("a sample of one value has no variance: give two or more"))
        } else {
            Ok(sample)
        }
    }

    fn squared_error(&self) -> f64 {
        self.squares / (self.n - 1.0) / self.n
    }

    fn one(&self, kind: Kind, mu: f64) -> Result<TTest, Error> {
        let std_err = self.squared_error().sqrt();
        if is_rounding(std_err, self.mean.abs()) {
            return Err(constant());
        }
        let difference = TEstimate::against(mu, self.mean, std_err, self.n - 1.0);
        Ok(TTest { kind, means: vec![self.mean], difference })
    }
}
