//! Confidence limits for a proportion and for a difference of two.
//!
//! Never a normal approximation at the observed proportion (Wald), which fails near 0 and 1. Clopper & Pearson 1934;
//! Wilson 1927; Newcombe, Stat Med 1998;17:873-890 (method 10).

use crate::Error;
use crate::beta::{Tail, beta_quantile};
use crate::distribution::two_sided_quantile;
use serde::Serialize;

/// A proportion `successes / trials` with its limits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Proportion {
    /// The proportion seen.
    pub estimate: f64,
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
}

/// Exact limits of confidence `level`. R: `binom.test(x, n, conf.level = level)$conf.int`.
///
/// Errors: no trials, more successes than trials, a level outside 0 to 1.
///
/// ```
/// let p = survival::proportion::clopper_pearson(5, 74, 0.95)?;
/// // R: binom.test(5, 74)$conf.int
/// assert!((p.lower - 0.0223015123292352).abs() < 1e-12 && (p.upper - 0.150678728543079).abs() < 1e-12);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn clopper_pearson(successes: u64, trials: u64, level: f64) -> Result<Proportion, Error> {
    let (x, n) = check(successes, trials, level)?;
    let alpha = (1.0 - level) / 2.0;
    let lower = if successes == 0 { 0.0 } else { beta_quantile(Tail::Lower, alpha, x, n - x + 1.0) };
    let upper = if successes == trials { 1.0 } else { beta_quantile(Tail::Upper, alpha, x + 1.0, n - x) };
    Ok(Proportion { estimate: x / n, lower, upper })
}

/// Score limits of confidence `level`. R: `prop.test(x, n, conf.level = level, correct = FALSE)$conf.int`.
///
/// Errors: as [`clopper_pearson`].
///
/// ```
/// let p = survival::proportion::wilson(5, 74, 0.95)?;
/// // R: prop.test(5, 74, correct = FALSE)$conf.int
/// assert!((p.lower - 0.0292040861653622).abs() < 1e-12 && (p.upper - 0.148611939258539).abs() < 1e-12);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn wilson(successes: u64, trials: u64, level: f64) -> Result<Proportion, Error> {
    let (x, n) = check(successes, trials, level)?;
    let (p, z) = (x / n, two_sided_quantile(level));
    let centre = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + (z / (2.0 * n)).powi(2)).sqrt();
    let scale = 1.0 + z * z / n;
    // At the ends the limit is the end itself; the formula leaves a rounding error there.
    let lower = if successes == 0 { 0.0 } else { (centre - half) / scale };
    let upper = if successes == trials { 1.0 } else { (centre + half) / scale };
    Ok(Proportion { estimate: p, lower, upper })
}

/// The first proportion less the second, with hybrid score limits (Newcombe's method 10, no continuity correction).
///
/// R: `DescTools::BinomDiffCI(x1, n1, x2, n2, method = "score")`; also `Epi::ci.pd(.., method = "Nc")`.
/// Errors: as [`clopper_pearson`], for either.
///
/// ```
/// let d = survival::proportion::newcombe((56, 70), (48, 80), 0.95)?;
/// // Newcombe 1998, table II, method 10, contrast (a): 0.0524 to 0.3339
/// assert!((d.estimate - 0.2).abs() < 1e-12);
/// assert_eq!((format!("{:.4}", d.lower), format!("{:.4}", d.upper)), ("0.0524".into(), "0.3339".into()));
/// # Ok::<(), survival::Error>(())
/// ```
pub fn newcombe(first: (u64, u64), second: (u64, u64), level: f64) -> Result<Proportion, Error> {
    let (a, b) = (wilson(first.0, first.1, level)?, wilson(second.0, second.1, level)?);
    let estimate = a.estimate - b.estimate;
    Ok(Proportion {
        estimate,
        lower: estimate - (a.estimate - a.lower).hypot(b.upper - b.estimate),
        upper: estimate + (a.upper - a.estimate).hypot(b.estimate - b.lower),
    })
}

fn check(successes: u64, trials: u64, level: f64) -> Result<(f64, f64), Error> {
    if trials == 0 {
        return Err(Error::Empty);
    }
    let (x, n) = (successes as f64, trials as f64);
    if successes > trials {
        return Err(Error::OutOfRange {
            what: "successes",
            found: x,
            allowed: "there cannot be more successes than trials",
        });
    }
    check_level(level)?;
    Ok((x, n))
}

/// A confidence level strictly between 0 and 1.
pub(crate) fn check_level(level: f64) -> Result<(), Error> {
    if level > 0.0 && level < 1.0 {
        return Ok(());
    }
    Err(Error::OutOfRange {
        what: "level",
        found: level,
        allowed: "a confidence level lies between 0 and 1: 0.95, say",
    })
}
