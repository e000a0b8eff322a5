//! The design of a trial with a time-to-event endpoint: how many events, how many subjects, for how long, and when to look.
//!
//! Never rounds up: results are the real numbers the formulas give, as in R; the caller takes the next whole one. The level
//! `alpha` is always one-sided: 0.025 for a two-sided 5 %. Time is in any one unit.
//!
//! [`events`] (Schoenfeld, Freedman), [`accrual`] (events over calendar time), [`sample_size`] (Lachin-Foulkes, Lakatos),
//! [`sequential`] (group-sequential boundaries, conditional power, repeated confidence intervals).

pub mod accrual;
pub mod events;
pub mod sample_size;
pub mod sequential;

use crate::Error;

/// A one-sided level or a type II error: strictly between 0 and 1.
fn check_probability(what: &'static str, found: f64) -> Result<(), Error> {
    let allowed = "a probability strictly between 0 and 1 is needed";
    if found > 0.0 && found < 1.0 { Ok(()) } else { Err(Error::OutOfRange { what, found, allowed }) }
}

fn check_positive(what: &'static str, found: f64) -> Result<(), Error> {
    let allowed = "a finite number above 0 is needed";
    if found > 0.0 && found.is_finite() { Ok(()) } else { Err(Error::OutOfRange { what, found, allowed }) }
}

/// The sum of the normal quantiles of level and power.
fn quantile_sum(alpha: f64, power: f64) -> Result<f64, Error> {
    check_probability("alpha", alpha)?;
    check_probability("power", power)?;
    if power <= alpha {
        return Err(Error::OutOfRange {
            what: "power",
            found: power,
            allowed: "the power must exceed the one-sided level",
        });
    }
    Ok(crate::distribution::normal_quantile(1.0 - alpha) + crate::distribution::normal_quantile(power))
}
