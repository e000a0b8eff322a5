//! Kaplan-Meier: the survival curve of one group, its limits, its quantiles and who was at risk.
//!
//! Never compares groups (see [`crate::logrank`], [`crate::rmst`]) and never extends the curve past what was seen.
//! Kaplan & Meier, JASA 1958;53:457-481; variance Greenwood 1926. R: `survfit(Surv(time, event) ~ 1)`.

mod quantile;

pub use quantile::Quantile;

use crate::distribution::two_sided_quantile;
use crate::observations::Sorted;
use crate::{Error, Observations};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The scale on which the limits of a survival probability are symmetric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfType {
    /// S itself, cut to 0 and 1.
    Plain,
    /// log S, cut to 1 (R's default).
    #[default]
    Log,
    /// log(-log S); never leaves 0 to 1.
    LogLog,
}

impl fmt::Display for ConfType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Log => "log",
            Self::LogLog => "log-log",
        })
    }
}

impl FromStr for ConfType {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "plain" => Ok(Self::Plain),
            "log" => Ok(Self::Log),
            "log-log" => Ok(Self::LogLog),
            other => Err(format!("conf.type `{other}` is not known: use plain, log or log-log")),
        }
    }
}

impl ConfType {
    /// Limits of S = `surv` with Greenwood standard error `std_err` of S and normal quantile `z`.
    ///
    /// NaN where the scale has no value: S = 0 (all), S = 1 (log-log), as R's NA.
    pub fn limits(self, surv: f64, std_err: f64, z: f64) -> (f64, f64) {
        if surv == 0.0 {
            return (f64::NAN, f64::NAN);
        }
        let half = z * std_err / surv;
        match self {
            Self::Plain => {
                let half = half * surv;
                ((surv - half).max(0.0), (surv + half).min(1.0))
            }
            Self::Log => {
                let log = surv.ln();
                ((log - half).exp(), (log + half).exp().min(1.0))
            }
            Self::LogLog if surv == 1.0 => (f64::NAN, f64::NAN),
            Self::LogLog => {
                let log = surv.ln();
                let (centre, half) = ((-log).ln(), half / log);
                ((-(centre - half).exp()).exp(), (-(centre + half).exp()).exp())
            }
        }
    }
}

/// The Kaplan-Meier estimate of S(t): one step for each distinct time, events and censorings alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KaplanMeier {
    /// The distinct times, ascending.
    pub time: Vec<f64>,
    /// At risk just before each time (a count, or a sum of weights).
    pub n_risk: Vec<f64>,
    /// Events at each time.
    pub n_event: Vec<f64>,
    /// Censored at each time.
    pub n_censor: Vec<f64>,
    /// S(t) at each time, the event at it included.
    pub surv: Vec<f64>,
    /// Greenwood standard error of S(t); NaN where S(t) is 0, as R has it: the formula divides by those who remain.
    pub std_err: Vec<f64>,
    n: usize,
    #[serde(skip)]
    entries: Option<Entries>,
}

/// Left truncation needs both counts to say who is at risk between two steps.
#[derive(Debug, Clone, PartialEq)]
struct Entries {
    /// Entry times, ascending.
    time: Vec<f64>,
    /// Weight of those who enter at this time or later.
    still_to_enter: Vec<f64>,
    /// Weight of those who leave at each step or later.
    still_to_leave: Vec<f64>,
}

impl KaplanMeier {
    /// Kaplan-Meier estimate of S(t).
    ///
    /// `time` in any unit, one per subject; `event[i]` is true where the event was seen. Ties: events precede
    /// censorings at the same time (Kaplan & Meier 1958). Errors: lengths differ; a time is negative or not finite;
    /// no subject.
    ///
    /// ```
    /// use survival::{ConfType, km::KaplanMeier};
    /// let km = KaplanMeier::fit(&[1.0, 2.0, 2.0, 4.0], &[true, true, false, true])?;
    /// assert_eq!(km.surv, [0.75, 0.5, 0.0]);
    /// assert_eq!(km.median(ConfType::Log, 0.95).estimate, Some(3.0)); // S is exactly 1/2 from 2 to 4
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn fit(time: &[f64], event: &[bool]) -> Result<Self, Error> {
        Self::of(&Observations::new(time, event))
    }

    /// Reverse Kaplan-Meier: the distribution of follow-up, where being censored is the event (Schemper & Smith 1996).
    ///
    /// Its [`median`](Self::median) is the median follow-up. R: `survfit(Surv(time, !event) ~ 1)`.
    pub fn follow_up(time: &[f64], event: &[bool]) -> Result<Self, Error> {
        let censored: Vec<bool> = event.iter().map(|e| !e).collect();
        Self::fit(time, &censored)
    }

    /// The same with left truncation and case weights. R: `survfit(Surv(entry, time, event) ~ 1, weights, robust = FALSE)`.
    ///
    /// Once the risk set has emptied S stays 0; enter later than that and there is nothing to say of survival from 0.
    pub fn of(observations: &Observations<'_>) -> Result<Self, Error> {
        let sorted = observations.sorted(None)?;
        let steps = count_steps(&sorted);
        let mut km = Self {
            time: Vec::with_capacity(steps),
            n_risk: Vec::with_capacity(steps),
            n_event: Vec::with_capacity(steps),
            n_censor: Vec::with_capacity(steps),
            surv: Vec::with_capacity(steps),
            std_err: Vec::with_capacity(steps),
            n: sorted.order.len(),
            entries: None,
        };
        km.count(observations, &sorted);
        km.risk_sets(observations, &sorted);
        km.multiply();
        Ok(km)
    }

    /// Events and censorings at each distinct time.
    fn count(&mut self, observations: &Observations<'_>, sorted: &Sorted<'_>) {
        for &row in &sorted.order {
            let (row, t) = (row as usize, sorted.time[row as usize]);
            if self.time.last() != Some(&t) {
                self.time.push(t);
                self.n_event.push(0.0);
                self.n_censor.push(0.0);
            }
            let counts = if observations.event[row] { &mut self.n_event } else { &mut self.n_censor };
            if let Some(count) = counts.last_mut() {
                *count += observations.weight_of(row);
            }
        }
    }

    /// Who was at risk: summed from the end, so that the last step loses exactly those who are left.
    fn risk_sets(&mut self, observations: &Observations<'_>, sorted: &Sorted<'_>) {
        self.n_risk = vec![0.0; self.time.len()];
        let mut leaving = 0.0;
        for k in (0..self.time.len()).rev() {
            leaving += self.n_event[k] + self.n_censor[k];
            self.n_risk[k] = leaving;
        }
        let Some(entry) = &sorted.entry else { return };
        let still_to_leave = self.n_risk.clone();
        let time: Vec<f64> = entry.order.iter().map(|&i| entry.time[i as usize]).collect();
        let mut still_to_enter = vec![0.0; time.len()];
        let mut entering = 0.0;
        for (k, &row) in entry.order.iter().enumerate().rev() {
            entering += observations.weight_of(row as usize);
            still_to_enter[k] = entering;
        }
        let entries = Entries { time, still_to_enter, still_to_leave };
        for k in 0..self.time.len() {
            let at_risk = self.n_risk[k] - entries.entering_from(self.time[k]);
            // Whoever leaves was at risk, whatever rounding does to sums of weights.
            self.n_risk[k] = at_risk.max(self.n_event[k] + self.n_censor[k]);
        }
        self.entries = Some(entries);
    }

    /// The product over the steps, and Greenwood's sum.
    fn multiply(&mut self) {
        let (mut surv, mut greenwood) = (1.0, 0.0);
        for (&n, &d) in self.n_risk.iter().zip(&self.n_event) {
            if d > 0.0 {
                surv *= (n - d) / n;
                greenwood += d / (n * (n - d));
            }
            self.surv.push(surv);
            self.std_err.push(if surv > 0.0 { surv * greenwood.sqrt() } else { f64::NAN });
        }
    }

    /// Subjects (rows) the curve was estimated from.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Events in all (weighted).
    pub fn n_events(&self) -> f64 {
        self.n_event.iter().sum()
    }

    /// Steps at or before `t`.
    fn steps_by(&self, t: f64) -> usize {
        self.time.partition_point(|&s| s <= t)
    }

    /// S(t); 1 before the first step, the last value after the last.
    pub fn at(&self, t: f64) -> f64 {
        self.steps_by(t).checked_sub(1).map_or(1.0, |k| self.surv[k])
    }

    /// Greenwood standard error of S(t); 0 before the first step, NaN where S(t) is 0.
    pub fn std_err_at(&self, t: f64) -> f64 {
        self.steps_by(t).checked_sub(1).map_or(0.0, |k| self.std_err[k])
    }

    /// Limits of S(t) at confidence `level`; 1 and 1 before the first step; `None` where R gives NA (S = 0; for
    /// log-log also S = 1).
    pub fn limits_at(&self, t: f64, conf_type: ConfType, level: f64) -> Option<(f64, f64)> {
        if self.steps_by(t) == 0 {
            return Some((1.0, 1.0));
        }
        let limits = conf_type.limits(self.at(t), self.std_err_at(t), two_sided_quantile(level));
        (!limits.0.is_nan()).then_some(limits)
    }

    /// At risk at `t`: entered before it, not yet gone before it.
    pub fn n_risk_at(&self, t: f64) -> f64 {
        let k = self.time.partition_point(|&s| s < t);
        match &self.entries {
            None => self.n_risk.get(k).copied().unwrap_or(0.0),
            Some(e) => (e.still_to_leave.get(k).copied().unwrap_or(0.0) - e.entering_from(t)).max(0.0),
        }
    }

    /// Events at or before `t`.
    pub fn n_event_by(&self, t: f64) -> f64 {
        self.n_event[..self.steps_by(t)].iter().sum()
    }

    /// Pointwise limits at confidence `level` for every step, lower and upper.
    ///
    /// NaN exactly where R gives NA: S = 0, and for log-log S = 1.
    pub fn limits(&self, conf_type: ConfType, level: f64) -> (Vec<f64>, Vec<f64>) {
        let z = two_sided_quantile(level);
        self.surv.iter().zip(&self.std_err).map(|(&s, &se)| conf_type.limits(s, se, z)).unzip()
    }
}

impl Entries {
    fn entering_from(&self, t: f64) -> f64 {
        let k = self.time.partition_point(|&e| e < t);
        self.still_to_enter.get(k).copied().unwrap_or(0.0)
    }
}

fn count_steps(sorted: &Sorted<'_>) -> usize {
    let n = sorted.order.len();
    1 + (1..n).filter(|&k| sorted.time_at(k) != sorted.time_at(k - 1)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Freireich 1963, 6-mercaptopurine arm, as in Klein & Moeschberger, Table 4.1A.
    #[test]
    fn the_textbook_example() {
        let time = [
            6.0, 6.0, 6.0, 6.0, 7.0, 9.0, 10.0, 10.0, 11.0, 13.0, 16.0, 17.0, 19.0, 20.0, 22.0, 23.0, 25.0,
            32.0, 32.0, 34.0, 35.0,
        ];
        let censored_at = [3, 5, 7, 8, 11, 12, 13, 16, 17, 18, 19, 20];
        let event: Vec<bool> = (0..time.len()).map(|i| !censored_at.contains(&i)).collect();
        let km = KaplanMeier::fit(&time, &event).unwrap();
        for (t, s, se) in
            [(6.0, 0.857, 0.0764), (10.0, 0.753, 0.0963), (16.0, 0.627, 0.1141), (23.0, 0.448, 0.1346)]
        {
            assert!((km.at(t) - s).abs() < 5e-4, "S({t}) = {}", km.at(t));
            assert!((km.std_err_at(t) - se).abs() < 5e-5, "se({t}) = {}", km.std_err_at(t));
        }
        assert_eq!((km.n_risk_at(10.0), km.n_risk_at(10.5), km.n_event_by(10.0)), (15.0, 13.0, 5.0));
    }

    #[test]
    fn events_at_zero_and_one_subject() {
        let km = KaplanMeier::fit(&[0.0], &[true]).unwrap();
        assert_eq!((km.at(0.0), km.at(-1.0), km.n_risk_at(0.0)), (0.0, 1.0, 1.0));
        assert_eq!(km.limits_at(0.0, ConfType::Log, 0.95), None);
        let censored = KaplanMeier::fit(&[3.0], &[false]).unwrap();
        assert_eq!((censored.surv, censored.std_err), (vec![1.0], vec![0.0]));
    }

    #[test]
    fn bad_input_says_where() {
        assert_eq!(KaplanMeier::fit(&[], &[]), Err(Error::Empty));
        assert_eq!(KaplanMeier::fit(&[1.0, -2.0], &[true, true]), Err(Error::Time { row: 1, found: -2.0 }));
        assert!(KaplanMeier::fit(&[f64::NAN], &[true]).is_err());
        let entered = Observations::new(&[1.0], &[true]).entered(&[1.0]);
        assert_eq!(KaplanMeier::of(&entered), Err(Error::Entry { row: 0, entry: 1.0, time: 1.0 }));
    }
}
