//! Aalen-Johansen: the probabilities of several causes of an event, of which a subject can have one.
//!
//! Never treats a competing event as a censoring. Aalen & Johansen 1978; standard errors by the infinitesimal
//! jackknife, in closed form and one pass. R: `survfit(Surv(time, factor(cause)) ~ 1)`.

use crate::distribution::two_sided_quantile;
use crate::observations::{Sorted, check_length};
use crate::order::Codes;
use crate::{ConfType, Error, Observations};
use serde::Serialize;

/// State probabilities at each distinct time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AalenJohansen {
    /// The causes seen, ascending.
    pub causes: Vec<usize>,
    /// The distinct times, ascending.
    pub time: Vec<f64>,
    /// At risk just before each time: a sum of weights (R counts rows here, whatever their weights).
    pub n_risk: Vec<f64>,
    /// Events at each time, by cause.
    pub n_event: Vec<Vec<f64>>,
    /// Censored at each time.
    pub n_censor: Vec<f64>,
    /// Probability of no event yet.
    pub event_free: Vec<f64>,
    /// Its standard error.
    pub event_free_std_err: Vec<f64>,
    /// Cumulative incidence, by cause.
    pub incidence: Vec<Vec<f64>>,
    /// Their standard errors.
    pub incidence_std_err: Vec<Vec<f64>>,
}

impl AalenJohansen {
    /// Cumulative incidence of each cause. `cause[i]` is 0 where the time is censored.
    ///
    /// Errors: lengths differ; a time is negative or not finite; no subject.
    ///
    /// ```
    /// use survival::aalen_johansen::AalenJohansen;
    /// let aj = AalenJohansen::fit(&[1.0, 2.0, 3.0, 4.0], &[1, 2, 0, 1])?;
    /// assert_eq!(aj.incidence_of(1, 1.5), 0.25);
    /// assert_eq!(aj.incidence_of(2, 9.0), 0.25);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn fit(time: &[f64], cause: &[usize]) -> Result<Self, Error> {
        Self::of(time, cause, None, None)
    }

    /// The same with entry times (left truncation) and case weights.
    pub fn of(
        time: &[f64],
        cause: &[usize],
        entry: Option<&[f64]>,
        weight: Option<&[f64]>,
    ) -> Result<Self, Error> {
        check_length("cause", time.len(), cause.len())?;
        let event: Vec<bool> = cause.iter().map(|&c| c != 0).collect();
        let observations = Observations { time, event: &event, entry, weight };
        let sorted = observations.sorted(None)?;
        let codes = Codes::of(cause);
        let first = usize::from(codes.labels[0] == 0);
        let mut aj = Self {
            causes: codes.labels[first..].to_vec(),
            time: Vec::new(),
            n_risk: Vec::new(),
            n_event: vec![Vec::new(); codes.len() - first],
            n_censor: Vec::new(),
            event_free: Vec::new(),
            event_free_std_err: Vec::new(),
            incidence: vec![Vec::new(); codes.len() - first],
            incidence_std_err: vec![Vec::new(); codes.len() - first],
        };
        let cause_of = |row: usize| (cause[row] != 0).then(|| codes.code[row] as usize - first);
        Course::new(aj.causes.len()).run(&observations, &sorted, &cause_of, &mut aj);
        Ok(aj)
    }

    fn index(&self, cause: usize) -> Option<usize> {
        self.causes.binary_search(&cause).ok()
    }

    /// Cumulative incidence of `cause` at `t`; 0 for a cause never seen.
    pub fn incidence_of(&self, cause: usize, t: f64) -> f64 {
        let step = self.time.partition_point(|&s| s <= t).checked_sub(1);
        self.index(cause).zip(step).map_or(0.0, |(c, k)| self.incidence[c][k])
    }

    /// Limits of the cumulative incidence of `cause` at each step, as R's `survfit_confint`.
    ///
    /// NaN where R gives NA: an incidence of 0 on a log scale. `None` for a cause never seen.
    pub fn limits(&self, cause: usize, conf_type: ConfType, level: f64) -> Option<(Vec<f64>, Vec<f64>)> {
        let (c, z) = (self.index(cause)?, two_sided_quantile(level));
        let limits = |(&p, &se): (&f64, &f64)| match conf_type {
            ConfType::Plain if p == 0.0 => (0.0, 0.0),
            _ => conf_type.limits(p, se, z),
        };
        Some(self.incidence[c].iter().zip(&self.incidence_std_err[c]).map(limits).unzip())
    }
}

/// Weighted sums over subjects whose influence on P(t) is J(t) + c + b P(t), with J(t) common to all at risk.
#[derive(Debug, Clone, Copy, Default)]
struct Influence {
    c: f64,
    b: f64,
    cc: f64,
    cb: f64,
    bb: f64,
}

impl Influence {
    /// `w2` is the squared weight, negative to take a subject out.
    fn add(&mut self, w2: f64, c: f64, b: f64) {
        self.c += w2 * c;
        self.b += w2 * b;
        self.cc += w2 * c * c;
        self.cb += w2 * c * b;
        self.bb += w2 * b * b;
    }

    fn variance(&self, weight: f64, j: f64, p: f64) -> f64 {
        let own = self.cc + 2.0 * p * self.cb + p * p * self.bb;
        own + j * (j * weight + 2.0 * (self.c + p * self.b))
    }
}

/// The course of one cause.
#[derive(Debug, Clone, Copy, Default)]
struct Cause {
    p: f64,
    /// The common part of the influence of those at risk.
    j: f64,
    /// Those at risk who entered late.
    at_risk: Influence,
    gone: Influence,
}

/// The estimate as time passes.
struct Course {
    free: f64,
    /// The influence on the event-free probability, relative to it, of one at risk from the start.
    g: f64,
    /// Squared weights of those at risk.
    weight: f64,
    /// For the relative influence on the event-free probability: g - g(entry) at risk, frozen once gone.
    free_at_risk: Influence,
    free_gone: f64,
    causes: Vec<Cause>,
}

/// What a late entry took with it: g, and for each cause j and p, at its entry.
type AtEntry = (f64, Vec<(f64, f64)>);

impl Course {
    fn new(causes: usize) -> Self {
        Self {
            free: 1.0,
            g: 0.0,
            weight: 0.0,
            free_at_risk: Influence::default(),
            free_gone: 0.0,
            causes: vec![Cause::default(); causes],
        }
    }

    fn run(
        mut self,
        observations: &Observations<'_>,
        sorted: &Sorted<'_>,
        cause_of: &dyn Fn(usize) -> Option<usize>,
        out: &mut AalenJohansen,
    ) {
        let n = sorted.order.len();
        let squared = |row: usize| observations.weight_of(row).powi(2);
        let mut entries: Vec<Option<AtEntry>> = vec![None; if sorted.entry.is_some() { n } else { 0 }];
        let (mut at_risk, mut next_entry, mut start) = (0.0, 0, 0);
        let mut present = if sorted.entry.is_some() { 0 } else { n };
        if sorted.entry.is_none() {
            at_risk = (0..n).map(|row| observations.weight_of(row)).sum();
            self.weight = (0..n).map(squared).sum();
        }
        while start < n {
            let t = sorted.time_at(start);
            let end = start + sorted.order[start..].partition_point(|&row| sorted.time[row as usize] == t);
            if let Some(entry) = &sorted.entry {
                while next_entry < n && entry.time[entry.order[next_entry] as usize] < t {
                    let row = entry.order[next_entry] as usize;
                    at_risk += observations.weight_of(row);
                    entries[row] = Some(self.enter(squared(row)));
                    next_entry += 1;
                    present += 1;
                }
            }
            let rows = sorted.order[start..end].iter().map(|&row| row as usize);
            let mut events = vec![0.0; self.causes.len()];
            let mut censored = 0.0;
            for row in rows.clone() {
                *cause_of(row).map_or(&mut censored, |c| &mut events[c]) += observations.weight_of(row);
            }
            // Counts say who is left; sums of weights only nearly.
            let dead = rows.clone().filter(|&row| cause_of(row).is_some()).count();
            if dead == present {
                at_risk = events.iter().sum();
            }
            let before = self.free;
            self.step(at_risk, &events);
            for row in rows {
                let entry = entries.get_mut(row).and_then(Option::take);
                self.leave(squared(row), cause_of(row), entry, before / at_risk);
            }
            self.write(t, at_risk, &events, censored, out);
            present -= end - start;
            at_risk = if present == 0 { 0.0 } else { at_risk - events.iter().sum::<f64>() - censored };
            start = end;
        }
    }

    fn enter(&mut self, w2: f64) -> AtEntry {
        self.weight += w2;
        self.free_at_risk.add(w2, -self.g, 0.0);
        for cause in &mut self.causes {
            cause.at_risk.add(w2, self.g * cause.p - cause.j, -self.g);
        }
        (self.g, self.causes.iter().map(|c| (c.j, c.p)).collect())
    }

    /// Carries the probabilities, and the influence of those at risk, over a time.
    fn step(&mut self, at_risk: f64, events: &[f64]) {
        let all: f64 = events.iter().sum();
        if all == 0.0 {
            return;
        }
        for (cause, d) in self.causes.iter_mut().zip(events) {
            let gain = self.free * d / at_risk;
            cause.j += gain * (self.g - 1.0 / at_risk);
            cause.p += gain;
        }
        let left = (at_risk - all).max(0.0) / at_risk;
        if left > 0.0 {
            self.g += all / (at_risk * at_risk * left);
        }
        self.free *= left;
    }

    /// Takes a subject out at its time, its event's own influence added. `unit` is the event-free probability before
    /// the time over the number at risk.
    fn leave(&mut self, w2: f64, cause: Option<usize>, entry: Option<AtEntry>, unit: f64) {
        self.weight -= w2;
        let (g, at) = entry.unwrap_or_else(|| (0.0, vec![(0.0, 0.0); self.causes.len()]));
        self.free_at_risk.add(-w2, -g, 0.0);
        let own = if cause.is_some() && self.free > 0.0 { unit / self.free } else { 0.0 };
        let relative = self.g - g - own;
        self.free_gone += w2 * relative * relative;
        for (k, (state, (j, p))) in self.causes.iter_mut().zip(at).enumerate() {
            state.at_risk.add(-w2, g * p - j, -g);
            let mut influence = state.j - j - g * (state.p - p);
            if cause == Some(k) {
                influence += unit;
            }
            // From here on it follows the event-free probability: nothing more to come once that is 0.
            let slope = if self.free > 0.0 { relative } else { 0.0 };
            state.gone.add(w2, influence - slope * state.p, slope);
        }
    }

    fn write(&self, t: f64, at_risk: f64, events: &[f64], censored: f64, out: &mut AalenJohansen) {
        out.time.push(t);
        out.n_risk.push(at_risk);
        out.n_censor.push(censored);
        out.event_free.push(self.free);
        let relative = self.free_at_risk.variance(self.weight, self.g, 0.0) + self.free_gone;
        out.event_free_std_err.push(self.free * relative.max(0.0).sqrt());
        for (k, cause) in self.causes.iter().enumerate() {
            let variance = cause.at_risk.variance(self.weight, cause.j, cause.p)
                + cause.gone.variance(0.0, 0.0, cause.p);
            out.n_event[k].push(events[k]);
            out.incidence[k].push(cause.p);
            out.incidence_std_err[k].push(variance.max(0.0).sqrt());
        }
    }
}
