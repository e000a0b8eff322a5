//! The one number at which a mean of simulated trials is what it should be.
//!
//! Never draws: the same value gives the same mean, since every value is tried with the same draws.

use super::Error;

/// Values are sought within this factor of where the search begins, either way.
const REACH: f64 = 1_000.0;
/// The first step of the search for a bracket, and the growth of the next ones.
const STEP: f64 = 1.25;
/// The value is known to so many parts: finer than its Monte Carlo error at ten million trials.
const PARTS: f64 = 1e-5;
/// Values tried within the bracket at most; bisection alone would need fewer.
const MOST: usize = 60;

/// What a value shows.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// The mean.
    pub mean: f64,
    /// Its Monte Carlo error.
    pub std_err: f64,
}

/// What was found.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The value.
    pub value: f64,
    /// How much the mean moves when the value does, without its sign.
    pub slope: f64,
}

/// The value above 0 at which `show` gives `target`. Where `rises`, a greater value shows a greater mean.
///
/// Found on the logarithm of the value by regula falsi with halved weights (Illinois), which never leaves its bracket. Errors: of
/// `show`; `out` of the least and the greatest value tried, where none of them shows it.
pub fn solve(
    began: f64,
    rises: bool,
    target: f64,
    mut show: impl FnMut(f64) -> Result<At, Error>,
    out: impl Fn((f64, f64), (f64, f64)) -> Error,
) -> Result<Found, Error> {
    // Below 0 where the value is too small.
    let mut miss = |log: f64| -> Result<(f64, f64, f64), Error> {
        let at = show(libm::exp(log))?;
        Ok(if rises {
            (at.mean - target, at.mean, at.std_err)
        } else {
            (target - at.mean, at.mean, at.std_err)
        })
    };
    let first = libm::log(began);
    let mut low = (first, miss(first)?);
    let mut high = low;
    let mut step = libm::log(STEP);
    while low.1.0 > 0.0 || high.1.0 < 0.0 {
        if step > libm::log(REACH) {
            return Err(out((libm::exp(low.0), low.1.1), (libm::exp(high.0), high.1.1)));
        }
        if low.1.0 > 0.0 {
            high = low;
            low = (first - step, miss(first - step)?);
        } else {
            low = high;
            high = (first + step, miss(first + step)?);
        }
        step *= 1.6;
    }
    // How much the mean moves: over the bracket's end that is nearer, which is wide enough to hold more than noise.
    let (mut weight_low, mut weight_high) = (low.1.0, high.1.0);
    let mut side = 0;
    for _ in 0..MOST {
        if high.0 - low.0 < PARTS {
            break;
        }
        let share = if weight_high > weight_low { -weight_low / (weight_high - weight_low) } else { 0.5 };
        let log = low.0 + (high.0 - low.0) * share.clamp(0.02, 0.98);
        let at = miss(log)?;
        // A tenth of the Monte Carlo error is nothing.
        if at.0.abs() < 0.1 * at.2 {
            (low, high) = ((log, at), (log, at));
            break;
        }
        if at.0 < 0.0 {
            (low, weight_low) = ((log, at), at.0);
            weight_high *= if side == -1 { 0.5 } else { 1.0 };
            side = -1;
        } else {
            (high, weight_high) = ((log, at), at.0);
            weight_low *= if side == 1 { 0.5 } else { 1.0 };
            side = 1;
        }
    }
    let log = f64::midpoint(low.0, high.0);
    let around = 0.05;
    let (above, below) = (miss(log + around)?, miss(log - around)?);
    let value = libm::exp(log);
    let slope = (above.1 - below.1).abs() / (libm::exp(log + around) - libm::exp(log - around));
    Ok(Found { value, slope })
}
