//! The one pass every Cox computation makes: back in time, summing over those at risk, a stop at each event time.
//!
//! Never looks at a subject twice in a right-censored sample (twice with entry times: in at its end, out at its entry).
//! Cost for n rows, p covariates: n p(p+1)/2 multiplications where second moments are wanted, else n p.

use super::design::{Design, EVENT, NEW_STRATUM};
use std::ops::Range;

/// Weighted sums of 1, x and its second and third powers over some subjects; empty where not wanted.
#[derive(Debug, Clone)]
pub(crate) struct Sums {
    pub s0: f64,
    pub s1: Vec<f64>,
    /// x x', packed lower triangle.
    pub s2: Vec<f64>,
    /// x x' x, p * p * p, set for i >= j >= k.
    pub s3: Vec<f64>,
}

impl Sums {
    fn new(p: usize, power: u8) -> Self {
        let size = |from: u8, size: usize| vec![0.0; if power >= from { size } else { 0 }];
        Self { s0: 0.0, s1: size(1, p), s2: size(2, p * (p + 1) / 2), s3: size(3, p * p * p) }
    }

    fn clear(&mut self) {
        self.s0 = 0.0;
        self.s1.fill(0.0);
        self.s2.fill(0.0);
        self.s3.fill(0.0);
    }

    #[inline]
    fn add(&mut self, risk: f64, x: &[f64]) {
        self.s0 += risk;
        for (s, v) in self.s1.iter_mut().zip(x) {
            *s += risk * v;
        }
        if self.s2.is_empty() {
            return;
        }
        let mut triangle = &mut self.s2[..];
        for (j, v) in x.iter().enumerate() {
            let (line, rest) = triangle.split_at_mut(j + 1);
            let rv = risk * v;
            for (s, u) in line.iter_mut().zip(x) {
                *s += rv * u;
            }
            triangle = rest;
        }
        if !self.s3.is_empty() {
            self.add_third(risk, x);
        }
    }

    fn add_third(&mut self, risk: f64, x: &[f64]) {
        let p = x.len();
        for i in 0..p {
            for j in 0..=i {
                let product = risk * x[i] * x[j];
                let line = &mut self.s3[(i * p + j) * p..][..=j];
                line.iter_mut().zip(x).for_each(|(s, v)| *s += product * v);
            }
        }
    }
}

/// An event time and who was at risk at it.
pub(crate) struct RiskSet<'a> {
    /// The positions with this time, events and censorings.
    pub positions: Range<usize>,
    /// Number of events.
    pub deaths: usize,
    /// Sum of the weights of the events.
    pub dead_weight: f64,
    /// Weighted sum of the linear predictors of the events.
    pub dead_eta: f64,
    /// Weighted sum of the covariates of the events.
    pub dead_x: &'a [f64],
    /// Over all at risk, the events included, each with weight times risk score.
    pub all: &'a Sums,
    /// Over the events alone; set only where there are two or more.
    pub dead: &'a Sums,
}

/// Visits every event time with sums of first powers, and second where wanted.
pub(crate) fn sweep(design: &Design, beta: &[f64], second: bool, visit: impl FnMut(&RiskSet<'_>)) {
    sweep_to(design, beta, if second { 2 } else { 1 }, visit);
}

/// Visits every event time, stratum by stratum, from the last to the first, with sums up to `power` of x.
pub(crate) fn sweep_to(design: &Design, beta: &[f64], power: u8, mut visit: impl FnMut(&RiskSet<'_>)) {
    let p = design.p;
    let (mut all, mut dead) = (Sums::new(p, power), Sums::new(p, power));
    let mut dead_x = vec![0.0; p];
    let (mut start, mut left, mut at_risk) = (0, 0, 0_usize);
    while start < design.n() {
        let end = design.end_of_time(start);
        if design.flag[start] & NEW_STRATUM != 0 {
            all.clear();
            (left, at_risk) = (start, 0);
        }
        let deaths = design.flag[start..end].iter().filter(|f| **f & EVENT != 0).count();
        if deaths > 0 {
            take_out(design, beta, design.time[start], &mut left, &mut at_risk, &mut all);
            dead.clear();
            dead_x.fill(0.0);
        }
        let (mut dead_weight, mut dead_eta) = (0.0, 0.0);
        for position in start..end {
            let (x, eta, weight) = (design.x(position), design.eta(position, beta), design.weight(position));
            let risk = weight * eta.exp();
            all.add(risk, x);
            if design.is_event(position) {
                dead_weight += weight;
                dead_eta += weight * eta;
                dead_x.iter_mut().zip(x).for_each(|(s, v)| *s += weight * v);
                if deaths > 1 {
                    dead.add(risk, x);
                }
            }
        }
        at_risk += end - start;
        if deaths > 0 {
            let (all, dead, dead_x) = (&all, &dead, &dead_x[..]);
            visit(&RiskSet { positions: start..end, deaths, dead_weight, dead_eta, dead_x, all, dead });
        }
        start = end;
    }
}

/// Takes out those who had not yet entered at `time`.
fn take_out(design: &Design, beta: &[f64], time: f64, left: &mut usize, at_risk: &mut usize, all: &mut Sums) {
    let Some(entry) = &design.entry else { return };
    while let Some(&position) = entry.order.get(*left) {
        let position = position as usize;
        if entry.time[position] < time || *at_risk == 0 {
            break;
        }
        *left += 1;
        *at_risk -= 1;
        if *at_risk == 0 {
            // What rounding left behind is nobody.
            all.clear();
        } else {
            let risk = design.weight(position) * design.eta(position, beta).exp();
            all.add(-risk, design.x(position));
        }
    }
}
