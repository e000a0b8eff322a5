//! The partial likelihood with Breslow's or Efron's handling of ties: value, score and information.
//!
//! Never iterates (see [`super::newton`]). Cox 1972; Breslow, Biometrics 1974;30:89-99; Efron, JASA 1977;72:557-565.

use super::Ties;
use super::design::Design;
use super::sweep::{RiskSet, sweep};

/// A log-likelihood with its first derivative and information (negative second derivative) at one point.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub value: f64,
    /// p.
    pub score: Vec<f64>,
    /// p * p.
    pub information: Vec<f64>,
}

impl Point {
    pub fn zero(p: usize) -> Self {
        Self { value: 0.0, score: vec![0.0; p], information: vec![0.0; p * p] }
    }

    pub fn is_finite(&self) -> bool {
        self.value.is_finite() && self.score.iter().chain(&self.information).all(|v| v.is_finite())
    }

    /// Copies the lower triangle to the upper.
    pub fn symmetrise(&mut self) {
        let p = self.score.len();
        for i in 0..p {
            for j in 0..i {
                self.information[j * p + i] = self.information[i * p + j];
            }
        }
    }
}

/// One term of the likelihood: the risk set with part of the tied events taken out, and the term's weight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Term {
    /// The part of the tied events' sums that is taken out.
    pub without: f64,
    pub weight: f64,
}

/// The terms of an event time: one for Breslow or a single event, one for each of Efron's tied events.
pub(crate) fn terms(set: &RiskSet<'_>, ties: Ties) -> impl Iterator<Item = Term> + use<> {
    let n = if ties == Ties::Efron { set.deaths } else { 1 };
    let weight = set.dead_weight / n as f64;
    (0..n).map(move |k| Term { without: k as f64 / n as f64, weight })
}

impl Term {
    /// Sum of the risk scores.
    pub fn total(self, set: &RiskSet<'_>) -> f64 {
        if self.without == 0.0 { set.all.s0 } else { set.all.s0 - self.without * set.dead.s0 }
    }

    /// Mean of the covariates by risk score, into `mean`.
    pub fn mean(self, set: &RiskSet<'_>, total: f64, mean: &mut [f64]) {
        let inverse = 1.0 / total;
        if self.without == 0.0 {
            mean.iter_mut().zip(&set.all.s1).for_each(|(m, a)| *m = a * inverse);
        } else {
            let pairs = set.all.s1.iter().zip(&set.dead.s1);
            mean.iter_mut().zip(pairs).for_each(|(m, (a, d))| *m = (a - self.without * d) * inverse);
        }
    }

    /// Adds the weighted covariance of the covariates to the lower triangle of `information`.
    pub fn add_covariance(self, set: &RiskSet<'_>, total: f64, mean: &[f64], information: &mut [f64]) {
        let p = mean.len();
        let (scale, mut k) = (self.weight / total, 0);
        for (i, line) in information.chunks_exact_mut(p).enumerate() {
            let scaled_mean = self.weight * mean[i];
            let all = &set.all.s2[k..=k + i];
            if self.without == 0.0 {
                for ((v, a), m) in line.iter_mut().zip(all).zip(mean) {
                    *v += a * scale - scaled_mean * m;
                }
            } else {
                let dead = &set.dead.s2[k..=k + i];
                for (((v, a), d), m) in line.iter_mut().zip(all).zip(dead).zip(mean) {
                    *v += (a - self.without * d) * scale - scaled_mean * m;
                }
            }
            k += i + 1;
        }
    }
}

/// The log partial likelihood at `beta` (of the scaled covariates).
pub(crate) fn partial_likelihood(design: &Design, ties: Ties, beta: &[f64]) -> Point {
    let p = design.p;
    let mut point = Point::zero(p);
    let mut mean = vec![0.0; p];
    sweep(design, beta, true, |set| {
        point.value += set.dead_eta;
        point.score.iter_mut().zip(set.dead_x).for_each(|(u, x)| *u += x);
        for term in terms(set, ties) {
            let total = term.total(set);
            term.mean(set, total, &mut mean);
            point.value -= term.weight * total.ln();
            point.score.iter_mut().zip(&mean).for_each(|(u, m)| *u -= term.weight * m);
            term.add_covariance(set, total, &mean, &mut point.information);
        }
    });
    point.symmetrise();
    point
}
