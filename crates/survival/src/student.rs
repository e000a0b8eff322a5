//! Estimates whose error follows Student's t, and F tests.
//!
//! Never rounds degrees of freedom: Welch's and Satterthwaite's are real numbers. Source: Student, Biometrika 1908;
//! Satterthwaite, Biometrics Bulletin 1946;2:110-114.

use crate::beta::{fisher_tail, student_quantile, student_two_sided};
use serde::Serialize;

/// An estimate with its standard error and degrees of freedom.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TEstimate {
    /// The estimate, in the unit of the data.
    pub estimate: f64,
    /// Its standard error.
    pub std_err: f64,
    /// Degrees of freedom of the standard error; any positive real.
    pub df: f64,
    /// How many standard errors the estimate is from what the null hypothesis says.
    pub statistic: f64,
    /// Two-sided probability under the null hypothesis.
    pub p_value: f64,
}

impl TEstimate {
    /// The estimate against a `null` value.
    pub(crate) fn against(null: f64, estimate: f64, std_err: f64, df: f64) -> Self {
        let statistic = (estimate - null) / std_err;
        Self { estimate, std_err, df, statistic, p_value: student_two_sided(statistic, df) }
    }

    /// Two-sided limits of confidence `level` (0 to 1). R: `estimate + c(-1, 1) * qt(1 - (1 - level) / 2, df) * std_err`.
    ///
    /// ```
    /// let test = survival::t_test::one_sample(&[5.1, 4.9, 6.2, 5.8], 5.0)?;
    /// let (lower, upper) = test.difference.limits(0.95);
    /// // R: t.test(c(5.1, 4.9, 6.2, 5.8), mu = 5)$conf.int
    /// assert!((lower - 4.536_466_531_691_153).abs() < 1e-9);
    /// assert!((upper - 6.463_533_468_308_848).abs() < 1e-9);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn limits(&self, level: f64) -> (f64, f64) {
        let half = student_quantile(level, self.df) * self.std_err;
        (self.estimate - half, self.estimate + half)
    }
}

/// An F test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FTest {
    /// The F statistic.
    pub statistic: f64,
    /// Degrees of freedom of the hypothesis.
    pub df1: f64,
    /// Degrees of freedom of the error.
    pub df2: f64,
    /// Upper tail probability.
    pub p_value: f64,
}

impl FTest {
    pub(crate) fn new(statistic: f64, df1: f64, df2: f64) -> Self {
        Self { statistic, df1, df2, p_value: fisher_tail(statistic, df1, df2) }
    }
}
