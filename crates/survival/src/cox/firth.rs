//! Firth's penalised partial likelihood: the log-likelihood plus half the log determinant of the information.
//!
//! Never infinite where the plain likelihood is monotone (separation). Firth, Biometrika 1993;80:27-38; Heinze &
//! Schemper, Biometrics 2001;57:114-119. R: `coxphf` (Breslow ties; Efron's are taken the same way here).

use super::Ties;
use super::design::Design;
use super::likelihood::{Point, terms};
use super::newton::PIVOT_TOLERANCE;
use super::sweep::{Sums, sweep_to};
use crate::linalg::Ldl;

/// Value and score are penalised; the information is that of the plain likelihood, as the method has it.
pub(crate) fn penalised_likelihood(design: &Design, ties: Ties, beta: &[f64]) -> Point {
    let p = design.p;
    let mut point = Point::zero(p);
    let (mut mean, mut slope) = (vec![0.0; p], vec![0.0; p * p * p]);
    sweep_to(design, beta, 3, |set| {
        point.value += set.dead_eta;
        point.score.iter_mut().zip(set.dead_x).for_each(|(u, x)| *u += x);
        for term in terms(set, ties) {
            let total = term.total(set);
            term.mean(set, total, &mut mean);
            point.value -= term.weight * total.ln();
            point.score.iter_mut().zip(&mean).for_each(|(u, m)| *u -= term.weight * m);
            term.add_covariance(set, total, &mean, &mut point.information);
            add_third_cumulant(set.all, set.dead, term.without, (total, term.weight), &mean, &mut slope);
        }
    });
    point.symmetrise();
    let factor = Ldl::factor(&point.information, p, PIVOT_TOLERANCE);
    let inverse = factor.inverse();
    // The determinant is that of the covariates as they were given.
    let log_scale: f64 = (0..p).filter(|&j| !factor.is_redundant(j)).map(|j| design.scale[j].ln()).sum();
    point.value += 0.5 * factor.log_determinant() - log_scale;
    for (k, u) in point.score.iter_mut().enumerate() {
        let trace = |i: usize, j: usize| {
            let mut index = [i, j, k];
            index.sort_unstable_by(|a, b| b.cmp(a));
            inverse[i * p + j] * slope[(index[0] * p + index[1]) * p + index[2]]
        };
        *u += 0.5 * (0..p).flat_map(|i| (0..p).map(move |j| (i, j))).map(|(i, j)| trace(i, j)).sum::<f64>();
    }
    point
}

/// Adds the third central moment of the covariates at one term, for indices i >= j >= k.
fn add_third_cumulant(
    all: &Sums,
    dead: &Sums,
    without: f64,
    (total, weight): (f64, f64),
    mean: &[f64],
    slope: &mut [f64],
) {
    let p = mean.len();
    let raw2 = |i: usize, j: usize| {
        let packed = i * (i + 1) / 2 + j;
        (all.s2[packed] - without * dead.s2[packed]) / total
    };
    for i in 0..p {
        for j in 0..=i {
            for k in 0..=j {
                let index = (i * p + j) * p + k;
                let raw3 = (all.s3[index] - without * dead.s3[index]) / total;
                let crossed = mean[i] * raw2(j, k) + mean[j] * raw2(i, k) + mean[k] * raw2(i, j);
                slope[index] += weight * (raw3 - crossed + 2.0 * mean[i] * mean[j] * mean[k]);
            }
        }
    }
}
