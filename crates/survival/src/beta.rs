//! Binomial densities, the incomplete beta function, and what hangs on it: the tails of Student's t and of F.
//!
//! Never a difference of large logarithms: densities are Loader's saddle-point form, exact in both tails.
//! C. Loader, *Fast and accurate computation of binomial probabilities*, 2000; Didonato & Morris, ACM TOMS 708, 1992.

use crate::distribution::two_sided_quantile;
use std::f64::consts::PI;

const HALF_LN_2_PI: f64 = 0.918_938_533_204_672_8;

/// ln(n!) less Stirling's leading terms.
fn stirling_error(n: f64) -> f64 {
    if n <= 15.0 {
        return libm::lgamma(n + 1.0) - (n + 0.5) * n.ln() + n - HALF_LN_2_PI;
    }
    let square = n * n;
    let series = [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360_360.0];
    series.iter().rev().fold(0.0, |sum, c| sum / square + c) / n
}

/// The deviance x ln(x / mean) + mean - x, without cancellation where x is near the mean.
fn deviance(x: f64, mean: f64) -> f64 {
    if (x - mean).abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() + mean - x;
    }
    let v = (x - mean) / (x + mean);
    let (mut sum, mut term) = ((x - mean) * v, 2.0 * x * v);
    for j in 1..1000 {
        term *= v * v;
        let next = sum + term / f64::from(2 * j + 1);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// Logarithm of the binomial density at `x` of `n`, both any positive reals, with `q` = 1 - `p` given exactly.
pub(crate) fn ln_binomial(x: f64, n: f64, p: f64, q: f64) -> f64 {
    if p == 0.0 {
        return if x == 0.0 { 0.0 } else { f64::NEG_INFINITY };
    }
    if q == 0.0 {
        return if x == n { 0.0 } else { f64::NEG_INFINITY };
    }
    if x == 0.0 {
        return if n == 0.0 { 0.0 } else { n * if p < 0.1 { (-p).ln_1p() } else { q.ln() } };
    }
    if x == n {
        return n * if q < 0.1 { (-q).ln_1p() } else { p.ln() };
    }
    let correction = stirling_error(n)
        - stirling_error(x)
        - stirling_error(n - x)
        - deviance(x, n * p)
        - deviance(n - x, n * q);
    correction - 0.5 * ((2.0 * PI).ln() + x.ln() + ((n - x) / n).ln())
}

/// The regularised incomplete beta function at `x` with `y` = 1 - `x`: (lower, upper), each exact where it is small.
pub(crate) fn incomplete_beta(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    if y <= 0.0 {
        return (1.0, 0.0);
    }
    // How far x is below the mean, times a + b, from whichever of x and y is given to more digits.
    let below_mean = if a > b { (a + b) * y - b } else { a - (a + b) * x };
    if below_mean < 0.0 {
        let (lower, upper) = incomplete_beta(b, a, y, x);
        return (upper, lower);
    }
    let kernel = a * b / (a + b) * ln_binomial(a, a + b, x, y).exp();
    let lower = (kernel * continued_fraction(a, b, x, y, below_mean)).min(1.0);
    (lower, 1.0 - lower)
}

/// The continued fraction of I(x) over x^a y^b / B(a, b), for x below the mean: Didonato & Morris's BFRAC, which does not
/// cancel where x is near 1 and `a` is large.
fn continued_fraction(a: f64, b: f64, x: f64, y: f64, below_mean: f64) -> f64 {
    let (c, c0, c1) = (1.0 + below_mean, b / a, 1.0 + 1.0 / a);
    let (mut p, mut s) = (1.0, a + 1.0);
    let (mut numerator, mut denominator) = ((0.0, 1.0), (1.0, c / c1));
    let mut value = c1 / c;
    for n in 1..100_000 {
        let n = f64::from(n);
        let (t, w) = (n / a, n * (b - n) * x);
        let alpha = p * (p + c0) * (a / s).powi(2) * (w * x);
        let beta = n + w / s + (1.0 + t) / (c1 + t + t) * (c + n * (1.0 + y));
        p = 1.0 + t;
        s += 2.0;
        let next = (alpha * numerator.0 + beta * numerator.1, alpha * denominator.0 + beta * denominator.1);
        let previous = value;
        value = next.0 / next.1;
        if (value - previous).abs() <= 1e-16 * value {
            break;
        }
        // Only ratios matter: keep the terms near 1.
        numerator = (numerator.1 / next.1, value);
        denominator = (denominator.1 / next.1, 1.0);
    }
    value
}

/// Which end of a distribution a probability belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    Lower,
    Upper,
}

/// The quantile of the beta distribution that leaves `p` in the given tail: bisection, sped up by Newton's method.
pub(crate) fn beta_quantile(tail: Tail, p: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high, mut x) = (0.0_f64, 1.0_f64, a / (a + b));
    for _ in 0..1200 {
        let (lower, upper) = incomplete_beta(a, b, x, 1.0 - x);
        let excess = if tail == Tail::Lower { lower - p } else { p - upper };
        if excess > 0.0 {
            high = x;
        } else {
            low = x;
        }
        let density = a * b / (a + b) * ln_binomial(a, a + b, x, 1.0 - x).exp() / (x * (1.0 - x));
        let newton = x - excess / density;
        let next = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
        if (next - x).abs() <= f64::EPSILON * x || high - low <= f64::EPSILON * low {
            return next;
        }
        x = next;
    }
    x
}

/// P(|T| > |`t`|) for Student's T on `df` degrees of freedom, any positive real.
pub(crate) fn student_two_sided(t: f64, df: f64) -> f64 {
    if t.is_nan() || df.is_nan() {
        return f64::NAN;
    }
    if df.is_infinite() {
        return crate::distribution::normal_two_sided(t);
    }
    let square = t * t;
    if square.is_infinite() {
        return 0.0;
    }
    incomplete_beta(df / 2.0, 0.5, df / (df + square), square / (df + square)).0
}

/// The t beyond which, on both sides together, Student's T has probability 1 - `level`.
pub(crate) fn student_quantile(level: f64, df: f64) -> f64 {
    if !(level > 0.0 && level < 1.0 && df > 0.0) {
        return if level == 0.0 { 0.0 } else { f64::NAN };
    }
    let outside = 1.0 - level;
    let (mut low, mut high) = (0.0_f64, f64::INFINITY);
    let mut t = two_sided_quantile(level);
    for _ in 0..400 {
        let tail = student_two_sided(t, df);
        if tail > outside {
            low = t;
        } else {
            high = t;
        }
        // Newton on the logarithm of the tail, which is near linear far out.
        let slope = -2.0 * student_density(t, df) / tail;
        let newton = t - (tail.ln() - outside.ln()) / slope;
        let halved = if high.is_finite() { f64::midpoint(low, high) } else { 2.0 * t };
        let next = if newton > low && newton < high { newton } else { halved };
        if (next - t).abs() <= 2.0 * f64::EPSILON * t {
            return next;
        }
        t = next;
    }
    t
}

fn student_density(t: f64, df: f64) -> f64 {
    let ln_ratio = if df > 1e8 {
        -HALF_LN_2_PI
    } else {
        libm::lgamma(f64::midpoint(df, 1.0)) - libm::lgamma(df / 2.0) - 0.5 * (df * PI).ln()
    };
    (ln_ratio - f64::midpoint(df, 1.0) * (t * t / df).ln_1p()).exp()
}

/// P(F > `f`) for Fisher's F on `df1` and `df2` degrees of freedom.
pub(crate) fn fisher_tail(f: f64, df1: f64, df2: f64) -> f64 {
    if f.is_nan() {
        return f64::NAN;
    }
    if f <= 0.0 {
        return 1.0;
    }
    let sum = df1 * f + df2;
    if sum.is_infinite() {
        return 0.0;
    }
    incomplete_beta(df2 / 2.0, df1 / 2.0, df2 / sum, df1 * f / sum).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn near(ours: f64, theirs: f64) {
        assert!((ours / theirs - 1.0).abs() < 1e-12, "{ours:e}, R {theirs:e}");
    }

    // R 4.2.2: 2 * pt(-t, df)
    #[rstest]
    #[case(2.0, 1.0, 0.295_167_235_300_866_4)]
    #[case(2.5, 7.3, 0.039_650_234_665_600_456)]
    #[case(1.96, 1e6, 0.049_996_067_585_269_796)]
    #[case(40.0, 3.5, 8.766_441_109_373_023e-6)]
    #[case(0.001, 12.0, 0.999_218_547_530_649_4)]
    #[case(9.0, 200.0, 1.770_938_292_326_489e-16)]
    fn tails_of_student(#[case] t: f64, #[case] df: f64, #[case] expected: f64) {
        near(student_two_sided(t, df), expected);
    }

    // R 4.2.2: qt(1 - (1 - level) / 2, df)
    #[rstest]
    #[case(0.95, 1.0, 12.706_204_736_174_694)]
    #[case(0.95, 146.32, 1.976_309_535_533_573_1)]
    #[case(0.9, 2.5, 2.558_218_614_135_945_3)]
    #[case(0.999, 30.0, 3.645_958_635_042_062_7)]
    fn quantiles_of_student(#[case] level: f64, #[case] df: f64, #[case] expected: f64) {
        near(student_quantile(level, df), expected);
    }

    // R 4.2.2: pf(f, df1, df2, lower.tail = FALSE)
    #[rstest]
    #[case(3.5, 2.0, 17.5, 0.052_647_734_517_480_55)]
    #[case(142.11, 3.0, 148.0, 2.223_164_051_556_246_6e-43)]
    fn tails_of_f(#[case] f: f64, #[case] df1: f64, #[case] df2: f64, #[case] expected: f64) {
        near(fisher_tail(f, df1, df2), expected);
    }

    // R 4.2.2: qbeta(p, a, b), also with lower.tail = FALSE
    #[rstest]
    #[case(Tail::Lower, 0.025, 5.0, 70.0, 0.022_301_512_329_235_225)]
    #[case(Tail::Upper, 0.025, 6.0, 69.0, 0.150_678_728_543_078_5)]
    #[case(Tail::Upper, 0.025, 1.0, 1e7, 3.688_878_773_722_438e-7)]
    #[case(Tail::Lower, 1e-9, 0.3, 4.0, 1.904_965_320_918_656e-31)]
    fn quantiles_of_beta(
        #[case] tail: Tail,
        #[case] p: f64,
        #[case] a: f64,
        #[case] b: f64,
        #[case] expected: f64,
    ) {
        near(beta_quantile(tail, p, a, b), expected);
    }
}
