//! The cumulative baseline hazard, and what it says each row had coming: martingale and deviance residuals.
//!
//! Never smooths. Breslow's estimator, with Efron's terms where the fit used them. R: `basehaz(fit, centered = FALSE)`,
//! `residuals(fit, "martingale")`.

use super::design::Design;
use super::likelihood::terms;
use super::sweep::{RiskSet, sweep};
use super::{CoxFit, Inner, Ties};
use serde::Serialize;
use std::ops::Range;

/// The cumulative hazard of a subject whose covariates and offset are all 0.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BaselineHazard {
    /// Label of the stratum of each step; ascending. All 0 without strata.
    pub strata: Vec<usize>,
    /// The distinct times of each stratum, ascending.
    pub time: Vec<f64>,
    /// Cumulative hazard at each time.
    pub hazard: Vec<f64>,
}

impl BaselineHazard {
    /// Cumulative hazard of `stratum` at `t`; 0 before its first time or for a stratum that is not there.
    pub fn at(&self, stratum: usize, t: f64) -> f64 {
        let start = self.strata.partition_point(|&s| s < stratum);
        let end = self.strata.partition_point(|&s| s <= stratum);
        let by = self.time[start..end].partition_point(|&s| s <= t);
        by.checked_sub(1).map_or(0.0, |k| self.hazard[start + k])
    }
}

/// What an event time adds to the hazard (of the centred covariates) and to its mean-weighted integral.
#[derive(Debug, Clone)]
pub(crate) struct Increment {
    pub positions: Range<usize>,
    /// For those who survive the time.
    pub hazard: f64,
    /// For those who have the event at it: Efron gives them part of the time only.
    pub hazard_of_dead: f64,
}

/// An increment's covariate means: over the terms, and times the hazards.
#[derive(Debug, Clone, Default)]
pub(crate) struct Means {
    /// Mean of the covariates over the terms; events less this are the Schoenfeld residuals.
    pub mean: Vec<f64>,
    pub by_hazard: Vec<f64>,
    pub by_hazard_of_dead: Vec<f64>,
}

/// The increments, in the order of the sweep; means where `with_means`.
pub(crate) fn increments(
    design: &Design,
    ties: Ties,
    beta: &[f64],
    with_means: bool,
) -> Vec<(Increment, Means)> {
    let mut steps = Vec::new();
    let p = if with_means { design.p } else { 0 };
    let mut mean = vec![0.0; p];
    sweep(design, beta, false, |set| steps.push(increment(set, ties, &mut mean)));
    steps
}

fn increment(set: &RiskSet<'_>, ties: Ties, mean: &mut [f64]) -> (Increment, Means) {
    let p = mean.len();
    let mut means = Means { mean: vec![0.0; p], by_hazard: vec![0.0; p], by_hazard_of_dead: vec![0.0; p] };
    let (mut hazard, mut hazard_of_dead, mut n) = (0.0, 0.0, 0.0);
    for term in terms(set, ties) {
        let total = term.total(set);
        let h = term.weight / total;
        let part = 1.0 - term.without;
        hazard += h;
        hazard_of_dead += part * h;
        n += 1.0;
        if p > 0 {
            term.mean(set, total, mean);
            for (j, m) in mean.iter().enumerate() {
                means.mean[j] += m;
                means.by_hazard[j] += h * m;
                means.by_hazard_of_dead[j] += part * h * m;
            }
        }
    }
    means.mean.iter_mut().for_each(|m| *m /= n);
    (Increment { positions: set.positions.clone(), hazard, hazard_of_dead }, means)
}

impl CoxFit {
    /// The cumulative baseline hazard at covariates and offset 0, at every distinct time of each stratum.
    pub fn baseline_hazard(&self) -> BaselineHazard {
        let design = &self.inner.design;
        let steps = increments(design, self.inner.ties, &self.inner.beta, false);
        let centred = self.inner.beta.iter().zip(&design.scale).zip(&design.centre);
        let at_zero = (-centred.map(|((b, s), c)| b * s * c).sum::<f64>() - design.mean_offset).exp();
        let mut baseline = BaselineHazard { strata: Vec::new(), time: Vec::new(), hazard: Vec::new() };
        let mut steps = &steps[..];
        for (stratum, &label) in design.strata().zip(&design.stratum_label) {
            let of_stratum = steps.partition_point(|(s, _)| s.positions.start < stratum.end);
            let (own, rest) = steps.split_at(of_stratum);
            steps = rest;
            let (mut own, mut cumulative, mut end) = (own.iter().rev().peekable(), 0.0, stratum.end);
            while end > stratum.start {
                let time = design.time[end - 1];
                let start = stratum.start + design.time[stratum.start..end].partition_point(|&t| t > time);
                if let Some((step, _)) = own.next_if(|(s, _)| s.positions.start == start) {
                    cumulative += step.hazard;
                }
                baseline.strata.push(label);
                baseline.time.push(time);
                baseline.hazard.push(cumulative * at_zero);
                end = start;
            }
        }
        baseline
    }

    /// Martingale residuals in row order: the event, less the hazard the row went through.
    pub fn martingale(&self) -> Vec<f64> {
        let Inner { design, ties, beta, .. } = &*self.inner;
        // Residuals of an exact fit are Breslow's, as in R.
        let ties = if *ties == Ties::Exact { Ties::Breslow } else { *ties };
        let steps = increments(design, ties, beta, false);
        let mut residual = vec![0.0; design.n()];
        accumulate(design, &steps, 1, |step, _, dead, sum| {
            sum[0] += if dead { step.hazard_of_dead } else { step.hazard };
        })
        .into_iter()
        .enumerate()
        .for_each(|(k, hazard)| {
            residual[k] = f64::from(u8::from(design.is_event(k))) - hazard * design.eta(k, beta).exp();
        });
        design.by_row(residual)
    }

    /// Deviance residuals in row order: martingale residuals made nearly symmetric (Therneau, Grambsch & Fleming 1990).
    pub fn deviance(&self) -> Vec<f64> {
        let design = &self.inner.design;
        let event = design.by_row((0..design.n()).map(|k| design.is_event(k)).collect());
        let of = |(m, event): (f64, bool)| {
            let likelihood = if event { m + (1.0 - m).ln() } else { m };
            m.signum() * (-2.0 * likelihood).max(0.0).sqrt()
        };
        self.martingale().into_iter().zip(event).map(of).collect()
    }
}

/// Sums, for each position, `width` numbers over the event times it was at risk at: after its entry, up to its time.
///
/// `add` adds an event time to a running sum, either as all at risk see it or as those who have the event at it do.
pub(crate) fn accumulate(
    design: &Design,
    steps: &[(Increment, Means)],
    width: usize,
    add: impl Fn(&Increment, &Means, bool, &mut [f64]),
) -> Vec<f64> {
    let mut result = vec![0.0; design.n() * width];
    let mut steps = steps;
    let (mut sum, mut own_sum) = (vec![0.0; width], vec![0.0; width]);
    for stratum in design.strata() {
        let (own, rest) = steps.split_at(steps.partition_point(|(s, _)| s.positions.start < stratum.end));
        steps = rest;
        sum.fill(0.0);
        let mut position = stratum.end;
        let mut fill = |sum: &[f64], from: usize, position: &mut usize| {
            while *position > from {
                *position -= 1;
                result[*position * width..][..width].copy_from_slice(sum);
            }
        };
        for (step, means) in own.iter().rev() {
            fill(&sum, step.positions.end, &mut position);
            own_sum.copy_from_slice(&sum);
            add(step, means, true, &mut own_sum);
            add(step, means, false, &mut sum);
            while position > step.positions.start {
                let dead = design.is_event(position - 1);
                fill(if dead { &own_sum } else { &sum }, position - 1, &mut position);
            }
        }
        fill(&sum, stratum.start, &mut position);
        subtract_before_entry(design, own, stratum, width, &add, &mut result);
    }
    result
}

fn subtract_before_entry(
    design: &Design,
    steps: &[(Increment, Means)],
    stratum: Range<usize>,
    width: usize,
    add: &impl Fn(&Increment, &Means, bool, &mut [f64]),
    result: &mut [f64],
) {
    let Some(entry) = &design.entry else { return };
    let mut sum = vec![0.0; width];
    let mut steps = steps.iter().rev().peekable();
    for &position in entry.order[stratum].iter().rev() {
        let position = position as usize;
        let time = entry.time[position];
        while let Some((step, means)) = steps.next_if(|(s, _)| design.time[s.positions.start] <= time) {
            add(step, means, false, &mut sum);
        }
        result[position * width..][..width].iter_mut().zip(&sum).for_each(|(r, s)| *r -= s);
    }
}
