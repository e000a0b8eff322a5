//! Newton-Raphson on a log-likelihood, to the last digits of its maximum.
//!
//! Never takes a step that loses likelihood: it goes back part of the way instead. It stops first as R's `coxph` does
//! (relative change of the log-likelihood), then takes the few steps more that make the coefficients those of R with
//! `eps` at its least; under separation, where there is no maximum, it takes none.

use super::likelihood::Point;
use crate::linalg::{Ldl, dot};

/// A pivot of the information smaller than this part of the largest is none (R's `toler.chol`).
pub(crate) const PIVOT_TOLERANCE: f64 = 1.818_989_403_545_856_5e-12;

/// A step of less than this many standard errors, squared, is no step.
const SETTLED: f64 = 1e-19;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Control {
    pub eps: f64,
    pub max_iterations: usize,
    /// The longest step of any one (scaled) coefficient.
    pub max_step: f64,
    /// Whether the steps shorten by their square near the maximum (the information is the second derivative), or only
    /// by a factor.
    pub quadratic: bool,
}

/// Where the iterations came to.
#[derive(Debug, Clone)]
pub(crate) struct Maximum {
    pub beta: Vec<f64>,
    /// Likelihood, score and information at the start.
    pub start: Point,
    /// The same at `beta`.
    pub end: Point,
    /// The information at `beta`, factored.
    pub factor: Ldl,
    pub iterations: usize,
    pub converged: bool,
}

/// Maximises over the coefficients that are not `fixed`, from `beta`.
pub(crate) fn maximise(
    likelihood: impl Fn(&[f64]) -> Point,
    mut beta: Vec<f64>,
    fixed: Option<usize>,
    control: Control,
) -> Maximum {
    let p = beta.len();
    let evaluate = |beta: &[f64]| {
        let mut point = likelihood(beta);
        if let Some(j) = fixed {
            point.score[j] = 0.0;
            for k in 0..p {
                point.information[j * p + k] = 0.0;
                point.information[k * p + j] = 0.0;
            }
        }
        let factor = Ldl::factor(&point.information, p, PIVOT_TOLERANCE);
        (point, factor)
    };
    let step_from = |point: &Point, factor: &Ldl| {
        let mut step = factor.solve(&point.score);
        let longest = step.iter().fold(0.0_f64, |m, s| m.max(s.abs()));
        if longest > control.max_step {
            for s in &mut step {
                *s *= control.max_step / longest;
            }
        }
        step
    };
    let (start, mut factor) = evaluate(&beta);
    let mut best = start.clone();
    let mut next: Vec<f64> = beta.iter().zip(step_from(&best, &factor)).map(|(b, s)| b + s).collect();
    let mut halvings = 0.0;
    // The squared length, in standard errors, of the step from the point where R would have stopped.
    let mut polishing: Option<f64> = None;
    for iterations in 1..=control.max_iterations.max(1) {
        let (point, factored) = evaluate(&next);
        let settled = point.is_finite() && (1.0 - best.value / point.value).abs() <= control.eps;
        if settled || (point.is_finite() && polishing.is_some()) {
            let length = dot(&factored.solve(&point.score), &point.score);
            // Near a maximum the length falls with its square; where it does not, there is none.
            let shortening = if control.quadratic { 0.01 } else { 1.0 };
            let done = length <= SETTLED
                || polishing.is_some_and(|before| length.is_nan() || length >= shortening * before);
            // Separation: the step that led here was hardly longer than the one that would follow.
            let before = dot(&factor.solve(&best.score), &best.score);
            let running_away = length > SETTLED && length >= 0.01 * before;
            let hopeless = control.quadratic && polishing.is_none() && (length > 1e-6 || running_away);
            (best, factor) = (point, factored);
            beta.clone_from(&next);
            if done || hopeless || iterations == control.max_iterations {
                if length <= SETTLED {
                    // The last step costs nothing: what was computed at its start holds at its end.
                    beta.iter_mut().zip(step_from(&best, &factor)).for_each(|(b, s)| *b += s);
                }
                return Maximum { beta, start, end: best, factor, iterations, converged: true };
            }
            polishing = Some(length);
            next.iter_mut().zip(step_from(&best, &factor)).for_each(|(n, s)| *n += s);
            continue;
        }
        if !point.is_finite() || point.value < best.value {
            halvings += 1.0;
            next.iter_mut().zip(&beta).for_each(|(n, b)| *n = (*n + halvings * b) / (halvings + 1.0));
        } else {
            halvings = 0.0;
            (best, factor) = (point, factored);
            beta.clone_from(&next);
            next.iter_mut().zip(step_from(&best, &factor)).for_each(|(n, s)| *n += s);
        }
    }
    Maximum {
        beta,
        start,
        end: best,
        factor,
        iterations: control.max_iterations,
        converged: polishing.is_some(),
    }
}
