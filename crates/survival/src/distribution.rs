//! Tails and quantiles of the normal and chi-squared distributions, and the outcome of a test.
//!
//! Never a series of our own: the special functions are those of `libm` and `statrs`, held here against R's values.
//! See [`Test`], the type every test returns.

use serde::Serialize;
use statrs::function::{erf, gamma};
use std::f64::consts::{PI, SQRT_2};

/// A chi-squared test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Test {
    /// The chi-squared statistic.
    pub statistic: f64,
    /// Degrees of freedom.
    pub df: usize,
    /// Upper tail probability.
    pub p_value: f64,
}

impl Test {
    /// The test of `statistic` on `df` degrees of freedom. On 0 degrees the probability is 1, as in R.
    pub fn chi_squared(statistic: f64, df: usize) -> Self {
        Self { statistic, df, p_value: chi_squared_tail(statistic, df) }
    }
}

/// P(X > `x`) for chi-squared X on `df` degrees of freedom.
pub fn chi_squared_tail(x: f64, df: usize) -> f64 {
    match df {
        _ if x.is_nan() => f64::NAN,
        _ if x <= 0.0 => 1.0,
        0 => 0.0,
        _ if x.is_infinite() => 0.0,
        1 => libm::erfc((x / 2.0).sqrt()),
        2 => (-x / 2.0).exp(),
        _ => gamma::gamma_ur(df as f64 / 2.0, x / 2.0),
    }
}

/// P(Z <= `z`) for standard normal Z.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / SQRT_2)
}

/// P(|Z| > |`z`|) for standard normal Z.
pub fn normal_two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() / SQRT_2)
}

/// Standard normal density.
pub fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// The standard normal quantile of `p`; infinite at 0 and 1, NaN outside.
pub fn normal_quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let z = -SQRT_2 * erf::erfc_inv(2.0 * p);
    if !z.is_finite() {
        return z;
    }
    // One Newton step takes the rational approximation to full precision.
    let step = (normal_cdf(z) - p) / normal_density(z);
    if step.is_finite() { z - step } else { z }
}

/// The quantile that two-sided limits of confidence `level` use: 1.96 for 0.95.
pub fn two_sided_quantile(level: f64) -> f64 {
    normal_quantile(1.0 - (1.0 - level) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    // R 4.2.2: qnorm(p)
    #[rstest]
    #[case(0.975, 1.959_963_984_540_054)]
    #[case(0.5, 0.0)]
    #[case(0.95, 1.644_853_626_951_472_2)]
    #[case(1e-10, -6.361_340_902_404_056)]
    #[case(0.999_999, 4.753_424_308_817_087)]
    fn quantiles_of_the_normal_are_r_s(#[case] p: f64, #[case] expected: f64) {
        assert!((normal_quantile(p) - expected).abs() <= 1e-13 * expected.abs().max(1.0));
    }

    // R 4.2.2: pchisq(x, df, lower.tail = FALSE)
    #[rstest]
    #[case(3.841_458_820_694_124, 1, 0.05)]
    #[case(100.0, 1, 1.523_970_604_832_105e-23)]
    #[case(30.500_668_773_157, 3, 1.082_817_699_198_477e-6)]
    #[case(600.0, 5, 2.022_417_284_281_390_5e-127)]
    #[case(0.5, 4, 0.973_500_978_839_256_1)]
    #[case(0.0, 0, 1.0)]
    fn tails_of_chi_squared_are_r_s(#[case] x: f64, #[case] df: usize, #[case] expected: f64) {
        assert!((chi_squared_tail(x, df) / expected - 1.0).abs() < 1e-12, "{}", chi_squared_tail(x, df));
    }
}
