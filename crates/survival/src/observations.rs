//! Times to an event, right-censored, perhaps left-truncated and weighted: what every estimator starts from.
//!
//! Never copies the input unless near-equal times must be made equal. See [`Observations`].

use crate::order::{self, Codes};
use crate::{Error, distribution};
use std::borrow::Cow;

/// Times to an event of some subjects, one value a subject in every slice.
///
/// ```
/// use survival::Observations;
/// let entered = Observations::new(&[5.0, 8.0], &[true, false]).entered(&[0.0, 2.0]);
/// # let _ = entered;
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Observations<'a> {
    pub(crate) time: &'a [f64],
    pub(crate) event: &'a [bool],
    pub(crate) entry: Option<&'a [f64]>,
    pub(crate) weight: Option<&'a [f64]>,
}

impl<'a> Observations<'a> {
    /// `time` in any unit; `event[i]` is true where the event was seen, false where the time is censored.
    pub fn new(time: &'a [f64], event: &'a [bool]) -> Self {
        Self { time, event, entry: None, weight: None }
    }

    /// Left truncation: subject `i` is under observation from `entry[i]`, and at risk at t when `entry[i] < t <= time[i]`.
    #[must_use]
    pub fn entered(self, entry: &'a [f64]) -> Self {
        Self { entry: Some(entry), ..self }
    }

    /// Case weights above 0: a subject of weight 2 counts as two. Variances take them as such counts.
    #[must_use]
    pub fn weighted(self, weight: &'a [f64]) -> Self {
        Self { weight: Some(weight), ..self }
    }

    /// Refuses what no estimator can take; see [`Error`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        let n = order::countable(self.time.len())?;
        check_length("event", n, self.event.len())?;
        if let Some((row, &found)) = self.time.iter().enumerate().find(|(_, t)| !t.is_finite() || **t < 0.0) {
            return Err(Error::Time { row, found });
        }
        if let Some(entry) = self.entry {
            check_finite("entry", n, entry)?;
            if let Some(row) = (0..n).find(|&i| entry[i] >= self.time[i]) {
                return Err(Error::Entry { row, entry: entry[row], time: self.time[row] });
            }
        }
        if let Some(weight) = self.weight {
            check_length("weight", n, weight.len())?;
            if let Some((row, &found)) = weight.iter().enumerate().find(|(_, w)| !w.is_finite() || **w <= 0.0)
            {
                return Err(Error::Weight { row, found });
            }
            let total: f64 = weight.iter().sum();
            if !(total * total).is_finite() {
                let allowed = "weights whose sum can be squared are needed";
                return Err(Error::OutOfRange { what: "weight", found: total, allowed });
            }
        }
        Ok(())
    }

    pub(crate) fn weight_of(&self, i: usize) -> f64 {
        self.weight.map_or(1.0, |w| w[i])
    }

    /// Checks and sorts, by stratum (if any), then by time.
    pub(crate) fn sorted(&self, strata: Option<&Codes>) -> Result<Sorted<'a>, Error> {
        self.check()?;
        let by_stratum = |order: Vec<u32>| match strata {
            Some(s) if s.len() > 1 => order::by_code(&order, &s.code, s.len()),
            _ => order,
        };
        let Some(entry) = self.entry else {
            let order = order::ascending(self.time);
            let time = order::without_near_ties(self.time, &order);
            return Ok(Sorted { time, order: by_stratum(order), entry: None });
        };
        let n = self.time.len();
        let both: Vec<f64> = self.time.iter().chain(entry).copied().collect();
        order::countable(both.len())?;
        let fixed = order::without_near_ties(&both, &order::ascending(&both)).into_owned();
        let (time, entry) = fixed.split_at(n);
        if let Some(row) = (0..n).find(|&i| entry[i] >= time[i]) {
            return Err(Error::Entry { row, entry: entry[row], time: time[row] });
        }
        let (order, entries) = (order::ascending(time), order::ascending(entry));
        Ok(Sorted {
            order: by_stratum(order),
            entry: Some(SortedEntry { order: by_stratum(entries), time: entry.to_vec() }),
            time: Cow::Owned(time.to_vec()),
        })
    }
}

/// Observations in the order of their times.
#[derive(Debug)]
pub(crate) struct Sorted<'a> {
    /// Times by row, near-equal ones made equal.
    pub time: Cow<'a, [f64]>,
    /// Rows by stratum, then ascending time.
    pub order: Vec<u32>,
    pub entry: Option<SortedEntry>,
}

#[derive(Debug)]
pub(crate) struct SortedEntry {
    /// Entry times by row.
    pub time: Vec<f64>,
    /// Rows by stratum, then ascending entry.
    pub order: Vec<u32>,
}

impl Sorted<'_> {
    pub fn time_at(&self, position: usize) -> f64 {
        self.time[self.order[position] as usize]
    }
}

pub(crate) fn check_length(what: &'static str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::Length { what, expected, found }) }
}

pub(crate) fn check_finite(what: &'static str, expected: usize, values: &[f64]) -> Result<(), Error> {
    check_length(what, expected, values.len())?;
    match values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
        Some((row, &found)) => Err(Error::NotFinite { what: what.to_owned(), row, found }),
        None => Ok(()),
    }
}

/// An estimate with its standard error on the scale where it is nearly normal.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Estimate {
    /// The estimate on its own scale.
    pub estimate: f64,
    /// Standard error; of the logarithm where `on_log_scale`.
    pub std_err: f64,
    /// Two-sided probability that nothing differs (0, or 1 for a ratio).
    pub p_value: f64,
    /// Whether standard error and limits are those of the logarithm.
    pub on_log_scale: bool,
}

impl Estimate {
    pub(crate) fn of_difference(estimate: f64, std_err: f64) -> Self {
        let p_value = distribution::normal_two_sided(estimate / std_err);
        Self { estimate, std_err, p_value, on_log_scale: false }
    }

    pub(crate) fn of_ratio(estimate: f64, std_err: f64) -> Self {
        let p_value = distribution::normal_two_sided(estimate.ln() / std_err);
        Self { estimate, std_err, p_value, on_log_scale: true }
    }

    /// Two-sided limits of confidence `level` (0 to 1).
    pub fn limits(&self, level: f64) -> (f64, f64) {
        let half = distribution::two_sided_quantile(level) * self.std_err;
        if self.on_log_scale {
            (self.estimate * (-half).exp(), self.estimate * half.exp())
        } else {
            (self.estimate - half, self.estimate + half)
        }
    }
}
