//! The exact partial likelihood: at each time, every way the events could have fallen among those at risk.
//!
//! Never lists those ways: elementary symmetric polynomials grow by one subject at a time, kept as ratios and as the
//! mean and covariance of the sum of covariates over a random choice, so that nothing overflows and nothing is a
//! difference of large numbers. Cost n d p^2 for at most d tied events. Cox 1972; Gail, Lubin & Rubinstein,
//! Biometrika 1981;68:703-707.

use super::design::Design;
use super::likelihood::Point;

/// Choices of 0 to `most` subjects among those added so far, each weighted by the product of its risk scores.
struct Choices {
    p: usize,
    most: usize,
    added: usize,
    /// Total weight of choices of k - 1 over that of k.
    ratio: Vec<f64>,
    /// Mean of the sum of covariates over choices of k.
    mean: Vec<f64>,
    /// Covariance of that sum.
    covariance: Vec<f64>,
}

impl Choices {
    fn new(p: usize, most: usize) -> Self {
        let k = most + 1;
        Self {
            p,
            most,
            added: 0,
            ratio: vec![0.0; k],
            mean: vec![0.0; k * p],
            covariance: vec![0.0; k * p * p],
        }
    }

    fn add(&mut self, risk: f64, x: &[f64]) {
        let p = self.p;
        let mut shift = vec![0.0; p];
        self.added += 1;
        for k in (1..=self.most.min(self.added)).rev() {
            let fewer = 1.0 + risk * self.ratio[k - 1];
            // The part of the choices of k that hold the new subject; all of them if there were too few before.
            let part = if k == self.added {
                self.ratio[k] = fewer / risk;
                1.0
            } else {
                let odds = risk * self.ratio[k];
                self.ratio[k] *= fewer / (1.0 + odds);
                odds / (1.0 + odds)
            };
            let (before, after) = self.mean.split_at_mut(k * p);
            let fewer_mean = &before[(k - 1) * p..];
            let mean = &mut after[..p];
            for j in 0..p {
                shift[j] = fewer_mean[j] + x[j] - mean[j];
                mean[j] += part * shift[j];
            }
            let (before, after) = self.covariance.split_at_mut(k * p * p);
            let fewer_covariance = &before[(k - 1) * p * p..];
            for i in 0..p {
                for j in 0..=i {
                    let c = i * p + j;
                    let spread = part * (1.0 - part) * shift[i] * shift[j];
                    after[c] = (1.0 - part) * after[c] + part * fewer_covariance[c] + spread;
                }
            }
        }
    }

    /// Takes the term of `deaths` events into the likelihood.
    fn subtract_from(&self, point: &mut Point, deaths: usize) {
        let p = self.p;
        point.value += self.ratio[1..=deaths].iter().map(|r| r.ln()).sum::<f64>();
        point.score.iter_mut().zip(&self.mean[deaths * p..]).for_each(|(u, m)| *u -= m);
        let covariance = &self.covariance[deaths * p * p..][..p * p];
        point.information.iter_mut().zip(covariance).for_each(|(i, c)| *i += c);
    }
}

/// The exact log partial likelihood at `beta` (of the scaled covariates); weights are not defined for it.
pub(crate) fn exact_likelihood(design: &Design, beta: &[f64]) -> Point {
    let mut point = Point::zero(design.p);
    for stratum in design.strata() {
        let most = most_tied(design, stratum.clone());
        if most == 0 {
            continue;
        }
        let mut choices = Choices::new(design.p, most);
        let mut start = stratum.start;
        while start < stratum.end {
            let end = design.end_of_time(start);
            let mut deaths = 0;
            for position in start..end {
                let eta = design.eta(position, beta);
                if design.entry.is_none() {
                    choices.add(eta.exp(), design.x(position));
                }
                if design.is_event(position) {
                    deaths += 1;
                    point.value += eta;
                    point.score.iter_mut().zip(design.x(position)).for_each(|(u, x)| *u += x);
                }
            }
            if deaths > 0 {
                if let Some(entry) = &design.entry {
                    // Choices cannot be taken back: with entry times each risk set is built anew.
                    choices = Choices::new(design.p, deaths);
                    for position in (stratum.start..end).filter(|&k| entry.time[k] < design.time[start]) {
                        choices.add(design.eta(position, beta).exp(), design.x(position));
                    }
                }
                choices.subtract_from(&mut point, deaths);
            }
            start = end;
        }
    }
    point.symmetrise();
    point
}

fn most_tied(design: &Design, stratum: std::ops::Range<usize>) -> usize {
    let (mut most, mut start) = (0, stratum.start);
    while start < stratum.end {
        let end = design.end_of_time(start);
        most = most.max((start..end).filter(|&k| design.is_event(k)).count());
        start = end;
    }
    most
}
