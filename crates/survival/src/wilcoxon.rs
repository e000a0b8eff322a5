//! Wilcoxon's rank-sum (Mann-Whitney) and signed-rank tests, with Hodges-Lehmann estimates and limits of the shift.
//!
//! Never lists all pairs: the n-th difference is found by counting, in linear memory. Wilcoxon, Biometrics Bulletin
//! 1945;1:80-83; Hodges & Lehmann, Ann Math Stat 1963;34:598-611; Bauer, JASA 1972;67:687-690. R: `wilcox.test`.

use crate::Error;
use crate::distribution::normal_cdf;
use crate::observations::{check_finite, check_length};
use crate::proportion::check_level;
use crate::root::{uniroot, zeroin};
use serde::Serialize;

/// R's `tol.root`.
const TOLERANCE: f64 = 1e-4;
/// R takes the exact distribution for samples below this.
const EXACT_BELOW: usize = 50;
/// The exact distribution of more pairs than this would take minutes.
const MOST_PAIRS: usize = 20_000;
const MOST_SIGNED: usize = 500;

/// How the distribution of the rank statistic is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Exact below 50 values a sample without ties (or zeros), else normal with continuity correction, as R chooses.
    #[default]
    Auto,
    /// Exact; refused with ties.
    Exact,
    /// Normal with continuity correction. R: `exact = FALSE`.
    Normal,
    /// Normal without continuity correction. R: `exact = FALSE, correct = FALSE`.
    Uncorrected,
}

/// Limits of a shift.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ShiftLimits {
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
    /// The confidence they hold: that asked for or a little more, or less where the samples are too small for it.
    pub level: f64,
}

/// The outcome of a rank-sum test.
#[derive(Debug, Clone, PartialEq)]
pub struct RankSum {
    /// W: the pairs where x is the greater, ties counted half.
    pub statistic: f64,
    /// Two-sided probability.
    pub p_value: f64,
    /// `Exact`, `Normal` or `Uncorrected`: never `Auto`.
    pub method: Method,
    x: Vec<f64>,
    y: Vec<f64>,
}

/// Tests whether `x` tends to be greater or less than `y`. R: `wilcox.test(x, y)`.
///
/// Errors: a sample is empty; a value is not finite; all values are equal; the exact distribution asked for with ties or
/// for more than 20,000 pairs.
///
/// ```
/// use survival::wilcoxon::{Method, rank_sum};
/// let test = rank_sum(&[0.80, 0.83, 1.89, 1.04, 1.45], &[1.15, 0.88, 0.90, 0.74, 1.21], Method::Auto)?;
/// // R: wilcox.test(c(0.80, 0.83, 1.89, 1.04, 1.45), c(1.15, 0.88, 0.90, 0.74, 1.21))
/// assert_eq!(test.statistic, 15.0);
/// assert!((test.p_value - 0.690_476_190_476_190_5).abs() < 1e-12);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn rank_sum(x: &[f64], y: &[f64], method: Method) -> Result<RankSum, Error> {
    let (x, y) = (sorted("x", x)?, sorted("y", y)?);
    let ranks = TwoSamples::at(&x, &y, 0.0);
    let small = x.len() < EXACT_BELOW && y.len() < EXACT_BELOW;
    let method = match method {
        Method::Auto if small && !ranks.has_ties() => Method::Exact,
        Method::Auto => Method::Normal,
        chosen => chosen,
    };
    if ranks.variance() == 0.0 {
        return Err(no_spread("all values are equal"));
    }
    let p_value = if method == Method::Exact {
        refuse_exact(ranks.has_ties(), x.len() * y.len(), MOST_PAIRS)?;
        two_sided_of_counts(&rank_sum_distribution(x.len(), y.len()), ranks.statistic)
    } else {
        two_sided_of_score(ranks.score(method == Method::Normal))
    };
    Ok(RankSum { statistic: ranks.statistic, p_value, method, x, y })
}

impl RankSum {
    /// The shift of `x` against `y`, as R's `wilcox.test(x, y, conf.int = TRUE)$estimate` gives it.
    ///
    /// By the exact method the Hodges-Lehmann estimate; by the normal ones the root of the standardised statistic, which R
    /// seeks to within 1e-4: for the estimate itself take [`hodges_lehmann`].
    ///
    /// ```
    /// use survival::wilcoxon::{Method, rank_sum};
    /// let test = rank_sum(&[0.80, 0.83, 1.89, 1.04, 1.45], &[1.15, 0.88, 0.90, 0.74, 1.21], Method::Auto)?;
    /// // R: wilcox.test(c(0.80, 0.83, 1.89, 1.04, 1.45), c(1.15, 0.88, 0.90, 0.74, 1.21), conf.int = TRUE)$estimate
    /// assert!((test.shift() - 0.14).abs() < 1e-12);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn shift(&self) -> f64 {
        if self.method == Method::Exact {
            return median_difference(&self.x, &self.y);
        }
        let (least, greatest) = self.range();
        let score = |shift| TwoSamples::at(&self.x, &self.y, shift).score(false);
        if least < greatest { uniroot(score, least, greatest, TOLERANCE).unwrap_or(f64::NAN) } else { least }
    }

    /// Limits of confidence `level` for the shift, by the method of the test. R: `wilcox.test(.., conf.int = TRUE)$conf.int`.
    ///
    /// Errors: a level outside 0 to 1.
    ///
    /// ```
    /// use survival::wilcoxon::{Method, rank_sum};
    /// let test = rank_sum(&[0.80, 0.83, 1.89, 1.04, 1.45], &[1.15, 0.88, 0.90, 0.74, 1.21], Method::Auto)?;
    /// let limits = test.limits(0.9)?;
    /// // R: wilcox.test(c(0.80, 0.83, 1.89, 1.04, 1.45), c(1.15, 0.88, 0.90, 0.74, 1.21), conf.int = TRUE, conf.level = 0.9)
    /// assert!((limits.lower + 0.17).abs() < 1e-12 && (limits.upper - 0.71).abs() < 1e-12);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn limits(&self, level: f64) -> Result<ShiftLimits, Error> {
        check_level(level)?;
        let alpha = (1.0 - level) / 2.0;
        if self.method == Method::Exact {
            let distribution = rank_sum_distribution(self.x.len(), self.y.len());
            let (rank, level) = exact_rank(&distribution, alpha);
            let pairs = self.x.len() * self.y.len();
            let lower = ranked_difference(&self.x, &self.y, rank);
            return Ok(ShiftLimits {
                lower,
                upper: ranked_difference(&self.x, &self.y, pairs - rank + 1),
                level,
            });
        }
        let (least, greatest) = self.range();
        let score = |shift| TwoSamples::at(&self.x, &self.y, shift).score(self.method == Method::Normal);
        let (at_least, at_greatest) = (score(least), score(greatest));
        let root = |z: f64| {
            if at_least - z <= 0.0 {
                least
            } else if at_greatest - z >= 0.0 {
                greatest
            } else {
                zeroin(
                    |shift| score(shift) - z,
                    (least, at_least - z),
                    (greatest, at_greatest - z),
                    TOLERANCE,
                )
            }
        };
        let z = -r_normal_quantile(alpha);
        Ok(ShiftLimits { lower: root(z), upper: root(-z), level })
    }

    /// The least and greatest difference of a value of x and one of y.
    fn range(&self) -> (f64, f64) {
        let ends = |v: &[f64]| (v[0], v[v.len() - 1]);
        let ((x_least, x_greatest), (y_least, y_greatest)) = (ends(&self.x), ends(&self.y));
        (x_least - y_greatest, x_greatest - y_least)
    }
}

/// The Hodges-Lehmann estimate: the median of all differences between a value of `x` and one of `y`.
///
/// R: `median(outer(x, y, "-"))`. Errors: a sample is empty, a value is not finite.
///
/// ```
/// // R: median(outer(c(1, 4, 6), c(2, 2.5), "-"))
/// assert_eq!(survival::wilcoxon::hodges_lehmann(&[1.0, 4.0, 6.0], &[2.0, 2.5])?, 1.75);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn hodges_lehmann(x: &[f64], y: &[f64]) -> Result<f64, Error> {
    Ok(median_difference(&sorted("x", x)?, &sorted("y", y)?))
}

/// The outcome of a signed-rank test.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedRank {
    /// V: the sum of the ranks of the positive differences.
    pub statistic: f64,
    /// Two-sided probability.
    pub p_value: f64,
    /// `Exact`, `Normal` or `Uncorrected`: never `Auto`.
    pub method: Method,
    /// Ascending, zeros dropped.
    differences: Vec<f64>,
}

/// Tests whether `x` less `y`, pair by pair, is symmetric about 0. R: `wilcox.test(x, y, paired = TRUE)`.
///
/// Pairs without a difference are dropped, as in R. Errors: lengths differ; no pair differs; a value is not finite; the
/// exact distribution asked for with ties or zeros or for more than 500 pairs.
///
/// ```
/// use survival::wilcoxon::{Method, signed_rank};
/// let before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
/// let after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
/// let test = signed_rank(&before, &after, Method::Auto)?;
/// // R: wilcox.test(before, after, paired = TRUE), the example of ?wilcox.test (Hollander & Wolfe 1973)
/// assert!(test.statistic == 40.0 && (test.p_value - 0.0390625).abs() < 1e-15);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn signed_rank(x: &[f64], y: &[f64], method: Method) -> Result<SignedRank, Error> {
    check_length("y", x.len(), y.len())?;
    check_finite("x", x.len(), x)?;
    check_finite("y", y.len(), y)?;
    let mut differences: Vec<f64> = x.iter().zip(y).map(|(a, b)| a - b).filter(|d| *d != 0.0).collect();
    if differences.is_empty() {
        return Err(no_spread("no pair differs"));
    }
    differences.sort_unstable_by(f64::total_cmp);
    let ranks = OneSample::at(&differences, 0.0);
    let untidy = ranks.ties > 0.0 || differences.len() < x.len();
    let method = match method {
        Method::Auto if differences.len() < EXACT_BELOW && !untidy => Method::Exact,
        Method::Auto => Method::Normal,
        chosen => chosen,
    };
    let p_value = if method == Method::Exact {
        refuse_exact(untidy, differences.len(), MOST_SIGNED)?;
        two_sided_of_counts(&signed_rank_distribution(differences.len()), ranks.statistic)
    } else {
        two_sided_of_score(ranks.score(method == Method::Normal))
    };
    Ok(SignedRank { statistic: ranks.statistic, p_value, method, differences })
}

impl SignedRank {
    /// The pseudo-median of the differences, as R's `wilcox.test(.., paired = TRUE, conf.int = TRUE)$estimate` gives it.
    ///
    /// By the exact method the Hodges-Lehmann estimate (the median of the Walsh averages); by the normal ones a root that
    /// R seeks to within 1e-4.
    ///
    /// ```
    /// use survival::wilcoxon::{Method, signed_rank};
    /// let test = signed_rank(&[1.83, 0.50, 1.62, 2.48], &[0.878, 0.647, 0.598, 2.05], Method::Auto)?;
    /// // R: wilcox.test(c(1.83, 0.50, 1.62, 2.48), c(0.878, 0.647, 0.598, 2.05), paired = TRUE, conf.int = TRUE)$estimate
    /// assert!((test.shift() - 0.56425).abs() < 1e-12);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn shift(&self) -> f64 {
        let (d, n) = (&self.differences, self.differences.len());
        if self.method == Method::Exact {
            return median_of(n * (n + 1) / 2, |rank| ranked_walsh_average(d, rank));
        }
        let (least, greatest) = (d[0], d[n - 1]);
        let score = |shift| OneSample::at(d, shift).score(false);
        if !score(least).is_finite() || !score(greatest).is_finite() {
            return f64::midpoint(least, greatest);
        }
        uniroot(score, least, greatest, TOLERANCE).unwrap_or(f64::NAN)
    }

    /// Limits of confidence `level` for the pseudo-median, by the method of the test.
    ///
    /// R: `wilcox.test(.., paired = TRUE, conf.int = TRUE)$conf.int`. Errors: a level outside 0 to 1; by a normal method,
    /// all differences equal.
    ///
    /// ```
    /// use survival::wilcoxon::{Method, signed_rank};
    /// let before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
    /// let after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
    /// let limits = signed_rank(&before, &after, Method::Auto)?.limits(0.95)?;
    /// // R: wilcox.test(before, after, paired = TRUE, conf.int = TRUE)$conf.int
    /// assert!((limits.lower - 0.01).abs() < 1e-12 && (limits.upper - 0.786).abs() < 1e-12);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn limits(&self, level: f64) -> Result<ShiftLimits, Error> {
        check_level(level)?;
        let (d, n) = (&self.differences, self.differences.len());
        if self.method == Method::Exact {
            let (rank, level) = exact_rank(&signed_rank_distribution(n), (1.0 - level) / 2.0);
            let averages = n * (n + 1) / 2;
            let lower = ranked_walsh_average(d, rank);
            return Ok(ShiftLimits { lower, upper: ranked_walsh_average(d, averages - rank + 1), level });
        }
        let score = |shift| OneSample::at(d, shift).score(self.method == Method::Normal);
        let (least, greatest) = (d[0], d[n - 1]);
        let (at_least, at_greatest) = (score(least), score(greatest));
        if !at_least.is_finite() || !at_greatest.is_finite() {
            return Err(no_spread("all differences are equal"));
        }
        // Few pairs cannot bear the level asked for: as R, double what is left outside until they can.
        let mut alpha = 1.0 - level;
        while alpha < 1.0
            && (at_least < -r_normal_quantile(alpha / 2.0) || at_greatest > r_normal_quantile(alpha / 2.0))
        {
            alpha *= 2.0;
        }
        if alpha >= 1.0 {
            let middle = median_of(n, |rank| d[rank - 1]);
            return Ok(ShiftLimits { lower: middle, upper: middle, level: 0.0 });
        }
        let root = |z: f64| {
            zeroin(|shift| score(shift) - z, (least, at_least - z), (greatest, at_greatest - z), TOLERANCE)
        };
        let z = -r_normal_quantile(alpha / 2.0);
        Ok(ShiftLimits { lower: root(z), upper: root(-z), level: 1.0 - alpha })
    }
}

fn no_spread(why: &str) -> Error {
    Error::NotEstimable { what: "a rank test".to_owned(), why: why.to_owned() }
}

fn refuse_exact(ties: bool, size: usize, most: usize) -> Result<(), Error> {
    if ties {
        return Err(Error::Unsupported {
            what: "the exact distribution of ranks",
            with: "with ties or zeros",
        });
    }
    if size > most {
        return Err(Error::Unsupported {
            what: "the exact distribution of ranks",
            with: "for samples this large",
        });
    }
    Ok(())
}

fn sorted(what: &'static str, values: &[f64]) -> Result<Vec<f64>, Error> {
    check_finite(what, values.len(), values)?;
    if values.is_empty() {
        return Err(Error::Empty);
    }
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    Ok(values)
}

fn standardised(deviation: f64, variance: f64, corrected: bool) -> f64 {
    let correction = if corrected && deviation != 0.0 { 0.5 * deviation.signum() } else { 0.0 };
    (deviation - correction) / variance.sqrt()
}

fn two_sided_of_score(z: f64) -> f64 {
    2.0 * normal_cdf(z).min(normal_cdf(-z))
}

/// The ranks of two samples, the first moved down by a shift.
struct TwoSamples {
    n: f64,
    m: f64,
    statistic: f64,
    /// The sum of t^3 - t over runs of t equal values.
    ties: f64,
}

impl TwoSamples {
    /// Both samples ascending.
    fn at(x: &[f64], y: &[f64], shift: f64) -> Self {
        let (n, m) = (x.len() as f64, y.len() as f64);
        let (mut i, mut j, mut rank_sum, mut ties) = (0, 0, 0.0, 0.0);
        while i < x.len() {
            let value = match y.get(j) {
                Some(&v) if v < x[i] - shift => v,
                _ => x[i] - shift,
            };
            let (before_x, before_y) = (i, j);
            while i < x.len() && x[i] - shift == value {
                i += 1;
            }
            while j < y.len() && y[j] == value {
                j += 1;
            }
            let (run, of_x) = ((i - before_x + j - before_y) as f64, (i - before_x) as f64);
            rank_sum += of_x * ((before_x + before_y) as f64 + f64::midpoint(run, 1.0));
            ties += run * run * run - run;
        }
        for run in y[j..].chunk_by(|a, b| a == b) {
            let run = run.len() as f64;
            ties += run * run * run - run;
        }
        Self { n, m, statistic: rank_sum - n * (n + 1.0) / 2.0, ties }
    }

    fn has_ties(&self) -> bool {
        self.ties > 0.0
    }

    fn variance(&self) -> f64 {
        let all = self.n + self.m;
        (self.n * self.m / 12.0) * ((all + 1.0) - self.ties / (all * (all - 1.0)))
    }

    fn score(&self, corrected: bool) -> f64 {
        standardised(self.statistic - self.n * self.m / 2.0, self.variance(), corrected)
    }
}

/// The signed ranks of a sample, moved down by a shift; zeros are dropped.
struct OneSample {
    n: f64,
    statistic: f64,
    ties: f64,
}

impl OneSample {
    fn at(values: &[f64], shift: f64) -> Self {
        let mut moved: Vec<f64> = values.iter().map(|v| v - shift).filter(|v| *v != 0.0).collect();
        moved.sort_unstable_by(|a, b| a.abs().total_cmp(&b.abs()));
        let (mut before, mut statistic, mut ties) = (0.0, 0.0, 0.0);
        for run in moved.chunk_by(|a, b| a.abs() == b.abs()) {
            let t = run.len() as f64;
            let positive = run.iter().filter(|v| **v > 0.0).count() as f64;
            statistic += positive * (before + f64::midpoint(t, 1.0));
            ties += t * t * t - t;
            before += t;
        }
        Self { n: before, statistic, ties }
    }

    fn score(&self, corrected: bool) -> f64 {
        let n = self.n;
        let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - self.ties / 48.0;
        standardised(self.statistic - n * (n + 1.0) / 4.0, variance, corrected)
    }
}

/// P(W = w) for w = 0, 1, ..., n m. The recursion adds one value of x or of y at the top (Mann & Whitney 1947).
fn rank_sum_distribution(n: usize, m: usize) -> Vec<f64> {
    let (n, m) = (n.min(m), n.max(m));
    // rows[i] is the distribution for i values of x and the present number of y.
    let mut rows: Vec<Vec<f64>> = vec![vec![1.0]; n + 1];
    for ys in 1..=m {
        for xs in 1..=n {
            // The greatest of all is an x (it beats every y) with probability xs / (xs + ys).
            let share = xs as f64 / (xs + ys) as f64;
            let mut next = vec![0.0; xs * ys + 1];
            for (w, p) in rows[xs - 1].iter().enumerate() {
                next[w + ys] += share * p;
            }
            for (w, p) in rows[xs].iter().enumerate() {
                next[w] += (1.0 - share) * p;
            }
            rows[xs] = next;
        }
    }
    rows.pop().unwrap_or_default()
}

/// P(V = v) for v = 0, 1, ..., n (n + 1) / 2.
fn signed_rank_distribution(n: usize) -> Vec<f64> {
    let mut distribution = vec![1.0];
    for rank in 1..=n {
        let mut next = vec![0.0; distribution.len() + rank];
        for (v, p) in distribution.iter().enumerate() {
            next[v] += p / 2.0;
            next[v + rank] += p / 2.0;
        }
        distribution = next;
    }
    distribution
}

/// Twice the smaller tail of a symmetric distribution on 0, 1, ....
fn two_sided_of_counts(distribution: &[f64], statistic: f64) -> f64 {
    let from_end = statistic.min((distribution.len() - 1) as f64 - statistic);
    let tail: f64 =
        distribution.iter().enumerate().take_while(|(k, _)| *k as f64 <= from_end).map(|(_, p)| p).sum();
    (2.0 * tail).min(1.0)
}

/// Which order statistic from either end is the limit that leaves `alpha` outside, and the confidence both hold.
fn exact_rank(distribution: &[f64], alpha: f64) -> (usize, f64) {
    // R's quantile functions forgive a rounding error of the probability.
    let alpha_with_rounding = alpha - 10.0 * f64::EPSILON;
    let (mut rank, mut tail) = (0, 0.0);
    while rank < distribution.len() && tail + distribution[rank] < alpha_with_rounding {
        tail += distribution[rank];
        rank += 1;
    }
    if rank == 0 { (1, 1.0 - 2.0 * distribution[0]) } else { (rank, 1.0 - 2.0 * tail) }
}

fn median_difference(x: &[f64], y: &[f64]) -> f64 {
    median_of(x.len() * y.len(), |rank| ranked_difference(x, y, rank))
}

fn median_of(count: usize, ranked: impl Fn(usize) -> f64) -> f64 {
    if count % 2 == 1 {
        ranked(count / 2 + 1)
    } else {
        f64::midpoint(ranked(count / 2), ranked(count / 2 + 1))
    }
}

/// The difference x - y of the given rank (from 1) among all; both samples ascending.
fn ranked_difference(x: &[f64], y: &[f64], rank: usize) -> f64 {
    least_with(|bound| {
        let mut beyond = 0;
        let at_most = |&v: &f64| {
            // As x grows, fewer y are great enough.
            while beyond < y.len() && v - y[beyond] > bound {
                beyond += 1;
            }
            y.len() - beyond
        };
        x.iter().map(at_most).sum::<usize>() >= rank
    })
}

/// The average of two differences (or of one with itself) of the given rank (from 1); `d` ascending.
fn ranked_walsh_average(d: &[f64], rank: usize) -> f64 {
    least_with(|bound| {
        let (mut count, mut end) = (0, d.len());
        for (i, v) in d.iter().enumerate() {
            while end > i && (v + d[end - 1]) / 2.0 > bound {
                end -= 1;
            }
            if end <= i {
                break;
            }
            count += end - i;
        }
        count >= rank
    })
}

/// R's `qnorm` to the last bit (Wichura's algorithm AS 241, Appl Stat 1988;37:477-484), for `p` below 1/2.
///
/// Where values are tied but for rounding, the path of the root finder hangs on the last bit of the quantile it seeks; our
/// own quantile is nearer the truth, and leads elsewhere.
fn r_normal_quantile(p: f64) -> f64 {
    const CENTRE: ([f64; 8], [f64; 8]) = (
        [
            3.387_132_872_796_366_5,
            133.141_667_891_784_38,
            1_971.590_950_306_551_3,
            13_731.693_765_509_46,
            45_921.953_931_549_87,
            67_265.770_927_008_7,
            33_430.575_583_588_13,
            2_509.080_928_730_122_7,
        ],
        [
            1.0,
            42.313_330_701_600_91,
            687.187_007_492_057_9,
            5_394.196_021_424_751,
            21_213.794_301_586_597,
            39_307.895_800_092_71,
            28_729.085_735_721_943,
            5_226.495_278_852_854,
        ],
    );
    const MIDDLE: ([f64; 8], [f64; 8]) = (
        [
            1.423_437_110_749_683_5,
            4.630_337_846_156_546,
            5.769_497_221_460_691,
            3.647_848_324_763_204_5,
            1.270_458_252_452_368_4,
            0.241_780_725_177_450_6,
            0.022_723_844_989_269_184,
            7.745_450_142_783_414e-4,
        ],
        [
            1.0,
            2.053_191_626_637_759,
            1.676_384_830_183_803_8,
            0.689_767_334_985_1,
            0.148_103_976_427_480_08,
            0.015_198_666_563_616_457,
            5.475_938_084_995_345e-4,
            1.050_750_071_644_416_9e-9,
        ],
    );
    const FAR: ([f64; 8], [f64; 8]) = (
        [
            6.657_904_643_501_103,
            5.463_784_911_164_114,
            1.784_826_539_917_291_3,
            0.296_560_571_828_504_87,
            0.026_532_189_526_576_124,
            0.001_242_660_947_388_078_4,
            2.711_555_568_743_487_6e-5,
            2.010_334_399_292_288_1e-7,
        ],
        [
            1.0,
            0.599_832_206_555_888,
            0.136_929_880_922_735_8,
            0.014_875_361_290_850_615,
            7.868_691_311_456_133e-4,
            1.846_318_317_510_054_8e-5,
            1.421_511_758_316_446e-7,
            2.044_263_103_389_939_8e-15,
        ],
    );
    let ratio = |(above, below): &([f64; 8], [f64; 8]), r: f64| {
        let value = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, k| sum * r + k);
        value(above) / value(below)
    };
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        // R multiplies by q before it divides.
        let value = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, k| sum * r + k);
        return q * value(&CENTRE.0) / value(&CENTRE.1);
    }
    let r = (-p.ln()).sqrt();
    -if r <= 5.0 { ratio(&MIDDLE, r - 1.6) } else { ratio(&FAR, r - 5.0) }
}

/// The least number for which `enough` holds, by bisection over all floating-point numbers.
fn least_with(enough: impl Fn(f64) -> bool) -> f64 {
    // The bits of a float in an order that is the order of the numbers.
    let number = |key: u64| f64::from_bits(if key >> 63 == 1 { key ^ (1 << 63) } else { !key });
    let (mut low, mut high) = (0_u64, u64::MAX);
    while low < high {
        let middle = low + (high - low) / 2;
        let value = number(middle);
        let holds = if value.is_nan() { middle >> 63 == 1 } else { enough(value) };
        if holds { high = middle } else { low = middle + 1 }
    }
    number(low) + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_ranked_as_if_listed() {
        let (x, y) = ([-1.5, 0.0, 2.0, 2.0, 7.25], [-3.0, 0.0, 0.5, 2.0]);
        let mut all: Vec<f64> = x.iter().flat_map(|a| y.iter().map(move |b| a - b)).collect();
        all.sort_unstable_by(f64::total_cmp);
        let ranked: Vec<f64> = (1..=all.len()).map(|r| ranked_difference(&x, &y, r)).collect();
        assert_eq!(ranked, all);
        let mut walsh: Vec<f64> =
            (0..5).flat_map(|i| (i..5).map(move |j| f64::midpoint(x[i], x[j]))).collect();
        walsh.sort_unstable_by(f64::total_cmp);
        assert_eq!((1..=15).map(|r| ranked_walsh_average(&x, r)).collect::<Vec<_>>(), walsh);
    }

    // R 4.2.2: sprintf("%.17g", qnorm(p))
    const R_QUANTILES: [(f64, f64); 8] = [
        (0.025_000_000_000_000_022, -1.959_963_984_540_053_6),
        (0.049_999_999_999_999_99, -1.644_853_626_951_472_6),
        (0.099_999_999_999_999_98, -1.281_551_565_544_600_8),
        (0.005_000_000_000_000_004_4, -2.575_829_303_548_9),
        (0.3, -0.524_400_512_708_040_7),
        (1e-13, -7.348_796_102_800_676_5),
        (0.000_500_000_000_000_000_4, -3.290_526_731_491_894_5),
        (0.0751, -1.438_825_392_752_539_8),
    ];

    #[test]
    fn the_quantile_is_r_s_to_the_last_bit() {
        for (p, theirs) in R_QUANTILES {
            assert_eq!(r_normal_quantile(p), theirs, "{p}");
        }
    }

    #[test]
    fn distributions_sum_to_one() {
        assert!((rank_sum_distribution(7, 31).iter().sum::<f64>() - 1.0).abs() < 1e-13);
        assert!((signed_rank_distribution(49).iter().sum::<f64>() - 1.0).abs() < 1e-13);
    }
}
