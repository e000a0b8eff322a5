//! Fisher's exact test of a 2 x 2 table, with the conditional odds ratio.
//!
//! Never the sample odds ratio ad / bc: the estimate maximises the probability given all margins, as in R.
//! R. A. Fisher, *Statistical Methods for Research Workers*, 1934, section 21.02; R: `fisher.test`.

use crate::Error;
use crate::beta::ln_binomial;
use crate::proportion::check_level;
use crate::root::{UNIROOT_TOLERANCE, uniroot};

/// Fisher's exact test of the table `[[a, b], [c, d]]`.
///
/// R's `fisher.test` finds the odds ratio and its limits by a root finder that stops within 1.2e-4 (of the odds ratio or, where
/// it exceeds 1, of its inverse). [`odds_ratio`](Self::odds_ratio) and [`limits`](Self::limits) stop at the same point and
/// so give R's digits; [`exact_odds_ratio`](Self::exact_odds_ratio) and [`exact_limits`](Self::exact_limits) go on to the
/// root itself.
///
/// ```
/// let test = survival::fisher::Fisher::test([[3, 37], [9, 28]])?;
/// // R: fisher.test(rbind(c(3, 37), c(9, 28)))
/// assert!((test.p_value - 0.059661656389941).abs() < 1e-12);
/// assert!((test.odds_ratio() - 0.256708923558526).abs() < 1e-12);
/// let (lower, upper) = test.limits(0.95)?;
/// assert!((lower - 0.0409412135221064).abs() < 1e-12 && (upper - 1.15250649292593).abs() < 1e-11);
/// // What the limits are in truth: P(X >= 3) = P(X <= 3) = 0.025 at the one and the other.
/// let (lower, upper) = test.exact_limits(0.95)?;
/// assert!((lower - 0.04093).abs() < 1e-4 && (upper - 1.1525).abs() < 1e-3);
/// # Ok::<(), survival::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Fisher {
    /// Two-sided: the tables with these margins that are no more probable than this one, together.
    pub p_value: f64,
    /// The cell a.
    seen: f64,
    /// Least value that a can have.
    least: f64,
    /// Logarithm of the central hypergeometric density at each value of a.
    log_density: Vec<f64>,
}

impl Fisher {
    /// Tests the table, given by rows.
    ///
    /// Errors: a table of zeros. A table with an empty row or column has p = 1 and limits 0 and infinity, as in R.
    pub fn test(table: [[u64; 2]; 2]) -> Result<Self, Error> {
        let [[a, b], [c, d]] = table.map(|row| row.map(|cell| cell as f64));
        let (first_column, second_column, first_row) = (a + c, b + d, a + b);
        let total = first_column + second_column;
        if total == 0.0 {
            return Err(Error::Empty);
        }
        let least = (first_row - second_column).max(0.0);
        let greatest = first_row.min(first_column);
        let (p, q) = (first_row / total, (total - first_row) / total);
        let whole = ln_binomial(first_row, total, p, q);
        let mut log_density = Vec::new();
        let mut x = least;
        while x <= greatest {
            let first = ln_binomial(x, first_column, p, q);
            log_density.push(first + ln_binomial(first_row - x, second_column, p, q) - whole);
            x += 1.0;
        }
        let mut test = Self { p_value: 1.0, seen: a, least, log_density };
        let density = test.density(1.0);
        // R's guard against two tables of the same probability that rounding tells apart.
        let as_probable = density[test.index()] * (1.0 + 1e-7);
        test.p_value = density.iter().filter(|&&d| d <= as_probable).sum::<f64>().min(1.0);
        Ok(test)
    }

    /// The conditional maximum-likelihood odds ratio, to R's last digit. R: `fisher.test(..)$estimate`.
    ///
    /// 0 or infinite where the first cell is as small or as great as the margins allow.
    ///
    /// ```
    /// // R: fisher.test(rbind(c(1, 36), c(0, 37)))$estimate
    /// assert_eq!(survival::fisher::Fisher::test([[1, 36], [0, 37]])?.odds_ratio(), f64::INFINITY);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn odds_ratio(&self) -> f64 {
        self.estimate(UNIROOT_TOLERANCE)
    }

    /// The conditional maximum-likelihood odds ratio to machine precision.
    ///
    /// ```
    /// let test = survival::fisher::Fisher::test([[12, 25], [11, 26]])?;
    /// // R: uniroot with tol = 1e-15 in place of fisher.test's own: 1.1326...
    /// assert!((test.exact_odds_ratio() / test.odds_ratio() - 1.0).abs() < 2e-4);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn exact_odds_ratio(&self) -> f64 {
        self.estimate(0.0)
    }

    /// Limits of confidence `level` for the odds ratio, to R's last digit. R: `fisher.test(.., conf.level)$conf.int`.
    ///
    /// Errors: a level outside 0 to 1.
    ///
    /// ```
    /// let (lower, upper) = survival::fisher::Fisher::test([[0, 37], [5, 32]])?.limits(0.95)?;
    /// // R: fisher.test(rbind(c(0, 37), c(5, 32)))$conf.int
    /// assert!(lower == 0.0 && (upper - 1.03194631327582).abs() < 1e-11);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn limits(&self, level: f64) -> Result<(f64, f64), Error> {
        check_level(level)?;
        let alpha = (1.0 - level) / 2.0;
        Ok((self.lower(alpha, UNIROOT_TOLERANCE), self.upper(alpha, UNIROOT_TOLERANCE)))
    }

    /// Limits of confidence `level` for the odds ratio to machine precision.
    ///
    /// Errors: a level outside 0 to 1.
    ///
    /// ```
    /// let (lower, _) = survival::fisher::Fisher::test([[1, 36], [0, 37]])?.exact_limits(0.95)?;
    /// // By hand: t / (1 + t) = 0.025. (R stops at 0.02564066.)
    /// assert!((lower - 0.025 / 0.975).abs() < 1e-15);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn exact_limits(&self, level: f64) -> Result<(f64, f64), Error> {
        check_level(level)?;
        let alpha = (1.0 - level) / 2.0;
        Ok((self.lower(alpha, 0.0), self.upper(alpha, 0.0)))
    }

    fn greatest(&self) -> f64 {
        self.least + (self.log_density.len() - 1) as f64
    }

    fn index(&self) -> usize {
        // A cell is a count within the margins: the difference is a small whole number.
        (0..self.log_density.len()).find(|&i| self.least + i as f64 == self.seen).unwrap_or(0)
    }

    /// The density of the cell at odds ratio `odds`.
    fn density(&self, odds: f64) -> Vec<f64> {
        let log = odds.ln();
        let tilted = self.log_density.iter().enumerate().map(|(i, d)| d + log * (self.least + i as f64));
        let tilted: Vec<f64> = tilted.collect();
        let greatest = tilted.iter().fold(f64::NEG_INFINITY, |m, &d| m.max(d));
        let relative: Vec<f64> = tilted.iter().map(|d| (d - greatest).exp()).collect();
        let sum: f64 = relative.iter().sum();
        relative.iter().map(|d| d / sum).collect()
    }

    fn mean(&self, odds: f64) -> f64 {
        if odds == 0.0 {
            return self.least;
        }
        self.density(odds).iter().enumerate().map(|(i, d)| (self.least + i as f64) * d).sum()
    }

    /// P(cell <= seen), or P(cell >= seen).
    fn tail(&self, odds: f64, at_least: bool) -> f64 {
        if odds == 0.0 {
            return f64::from(u8::from(!at_least || self.seen <= self.least));
        }
        let (density, index) = (self.density(odds), self.index());
        if at_least { density[index..].iter().sum() } else { density[..=index].iter().sum() }
    }

    fn estimate(&self, tolerance: f64) -> f64 {
        if self.seen == self.least {
            return 0.0;
        }
        if self.seen == self.greatest() {
            return f64::INFINITY;
        }
        solve_odds(|odds| self.mean(odds) - self.seen, tolerance)
    }

    fn lower(&self, alpha: f64, tolerance: f64) -> f64 {
        if self.seen == self.least {
            return 0.0;
        }
        solve_odds(|odds| self.tail(odds, true) - alpha, tolerance)
    }

    fn upper(&self, alpha: f64, tolerance: f64) -> f64 {
        if self.seen == self.greatest() {
            return f64::INFINITY;
        }
        solve_odds(|odds| alpha - self.tail(odds, false), tolerance)
    }
}

/// Where the increasing `f` is 0: below 1 found as the odds, above 1 as their inverse, as R does.
fn solve_odds(f: impl Fn(f64) -> f64, tolerance: f64) -> f64 {
    let at_one = f(1.0);
    if at_one > 0.0 {
        uniroot(&f, 0.0, 1.0, tolerance).unwrap_or(f64::NAN)
    } else if at_one < 0.0 {
        uniroot(|inverse| f(1.0 / inverse), f64::EPSILON, 1.0, tolerance)
            .map_or(f64::NAN, |inverse| 1.0 / inverse)
    } else {
        1.0
    }
}
