//! The restricted likelihood of an unstructured covariance, its exact derivatives, and its maximum.
//!
//! Never differentiates numerically: the covariance is linear in its elements, so that gradient and Hessian are traces of
//! small matrices. Cost: one pass over the subjects an iteration; the rest depends on the visits alone. Harville, JASA
//! 1977;72:320-338; Wolfinger, Tobias & Sall, SIAM J Sci Comput 1994;15:1294-1310.

use super::rows::{Design, Pattern, refused};
use crate::Error;
use crate::linalg::Ldl;
use std::f64::consts::PI;

/// Twice the predicted gain in log-likelihood below which one more Newton step is the last.
const CONVERGED: f64 = 1e-9;
const HALVINGS: u32 = 40;
/// A covariance with less than this left of a variance, once the visits before are known, is singular.
const SINGULAR: f64 = 1e-8;

/// The fit of the fixed effects at one covariance, and everything the derivatives need.
pub(super) struct State {
    /// Visits squared, row-major.
    pub covariance: Vec<f64>,
    /// In the centred columns.
    pub coefficients: Vec<f64>,
    /// Inverse of X' V^-1 X.
    pub variance: Vec<f64>,
    /// Twice the negative restricted log-likelihood, constants and all.
    pub deviance: f64,
    parts: Vec<Part>,
}

/// What one pattern of visits adds.
struct Part {
    subjects: f64,
    /// W: inverse of the covariance of these visits.
    weight: Vec<f64>,
    /// Residual products, visits squared.
    residuals: Vec<f64>,
    /// Subject-level columns by residuals, width x visits.
    moments: Vec<f64>,
}

/// At the maximum.
pub(super) struct Optimum {
    pub state: State,
    /// The derivative of X' V^-1 X in each covariance element, negated: X' V^-1 G V^-1 X.
    pub slopes: Vec<Vec<f64>>,
    /// Inverse Hessian of the deviance in the covariance elements.
    pub inverse_hessian: Vec<f64>,
    pub iterations: usize,
}

/// The covariance elements, as pairs of visits: (0, 0), (1, 0), (1, 1), (2, 0), ....
fn elements(m: usize) -> Vec<(usize, usize)> {
    (0..m).flat_map(|a| (0..=a).map(move |b| (a, b))).collect()
}

pub(super) fn maximise(design: &Design, max_iterations: usize) -> Result<Optimum, Error> {
    let m = design.visits.len();
    let mut state = start(design)?;
    let mut last = false;
    for iteration in 1..=max_iterations {
        let derivatives = Derivatives::at(design, &state);
        let (step, decrement, is_newton) = derivatives.direction();
        if last || decrement.is_nan() {
            return finish(design, state, derivatives, iteration);
        }
        last = is_newton && decrement < CONVERGED;
        let next = advance(design, &state, &step, last);
        match next {
            Some(next) => state = next,
            // Rounding hides any further gain.
            None if decrement < CONVERGED * (1.0 + state.deviance.abs()) => last = true,
            None => break,
        }
        if remaining(&state.covariance, m) < SINGULAR {
            return Err(singular(design, &state));
        }
    }
    if remaining(&state.covariance, m) < SINGULAR.sqrt() {
        return Err(singular(design, &state));
    }
    let why = format!(
        "the restricted likelihood did not reach its maximum within {max_iterations} iterations: \
         there may be too few subjects for {} covariances of {m} visits",
        m * (m + 1) / 2
    );
    Err(refused("the mixed model", why))
}

fn singular(design: &Design, state: &State) -> Error {
    let m = design.visits.len();
    let pair = elements(m).into_iter().filter(|(a, b)| a != b).max_by(|p, q| {
        let correlation = |&(a, b): &(usize, usize)| {
            let v = |i: usize, j: usize| state.covariance[i * m + j];
            (v(a, b) / (v(a, a) * v(b, b)).sqrt()).abs()
        };
        correlation(p).total_cmp(&correlation(q))
    });
    let which = pair.map_or(String::new(), |(a, b)| {
        format!(" (nearest to it: visits {} and {})", design.visits[b], design.visits[a])
    });
    let why = format!(
        "the covariance of the visits tends to a singular one{which}: there are too few subjects with these visits, or \
         one visit repeats another; leave a visit out"
    );
    refused("the mixed model", why)
}

/// The least part of a visit's variance that the visits before it leave unexplained.
fn remaining(covariance: &[f64], m: usize) -> f64 {
    cholesky(covariance, m).map_or(0.0, |l| {
        (0..m).map(|i| l[i * m + i].powi(2) / covariance[i * m + i]).fold(f64::INFINITY, f64::min)
    })
}

/// Residual covariances of the visits by pairs, shrunk towards independence until positive definite.
fn start(design: &Design) -> Result<State, Error> {
    let m = design.visits.len();
    let identity: Vec<f64> = (0..m * m).map(|k| f64::from(u8::from(k % (m + 1) == 0))).collect();
    let Some(ordinary) = State::at(design, identity) else { return Err(rank_fault(design)) };
    let (mut products, mut counts) = (vec![0.0; m * m], vec![0.0; m * m]);
    for (pattern, part) in design.patterns.iter().zip(&ordinary.parts) {
        let k = pattern.visits.len();
        for (i, &a) in pattern.visits.iter().enumerate() {
            for (j, &b) in pattern.visits.iter().enumerate() {
                products[a * m + b] += part.residuals[i * k + j];
                counts[a * m + b] += part.subjects;
            }
        }
    }
    let pairwise: Vec<f64> = products.iter().zip(&counts).map(|(p, n)| p / n).collect();
    // Nothing but rounding is left where a standard deviation is 1e-12 of the responses.
    let is_fitted = |t: &usize| products[t * m + t] <= 1e-24 * squares_at(design, *t);
    if let Some(t) = (0..m).find(is_fitted) {
        let what = format!("the variance at visit {}", design.visits[t]);
        return Err(refused(&what, "the fixed effects fit the responses of that visit perfectly".to_owned()));
    }
    let mut keep = 0.95;
    for _ in 0..60 {
        let shrunk = (0..m * m).map(|k| if k % (m + 1) == 0 { pairwise[k] } else { keep * pairwise[k] });
        let shrunk: Vec<f64> = shrunk.collect();
        if remaining(&shrunk, m) > 1e-3
            && let Some(state) = State::at(design, shrunk)
        {
            return Ok(state);
        }
        keep *= 0.8;
    }
    Err(rank_fault(design))
}

fn squares_at(design: &Design, visit: usize) -> f64 {
    let of = |p: &Pattern| {
        let place = p.visits.iter().position(|&t| t == visit);
        place.map_or(0.0, |i| p.y.chunks(p.visits.len()).map(|y| y[i] * y[i]).sum())
    };
    design.patterns.iter().map(of).sum()
}

/// Names the first coefficient that the columns before it determine.
fn rank_fault(design: &Design) -> Error {
    let m = design.visits.len();
    let identity: Vec<f64> = (0..m * m).map(|k| f64::from(u8::from(k % (m + 1) == 0))).collect();
    let weights = weights(design, &identity).unwrap_or_default();
    let information = information(design, |p| weights[p].clone());
    let factor = scaled(&information, design.columns.len()).1;
    let redundant = (0..design.columns.len()).find(|&i| factor.is_redundant(i));
    let name = redundant.map_or("the fixed effects", |i| &design.names[i]);
    refused(
        &format!("the coefficient of `{name}`"),
        "it is a combination of those before it, or too few rows bear it".into(),
    )
}

/// The state after the longest of the step, its half, its quarter, ... that gains, or any that is positive definite if
/// `trusting`.
fn advance(design: &Design, state: &State, step: &[f64], trusting: bool) -> Option<State> {
    let m = design.visits.len();
    let mut length = 1.0;
    for _ in 0..HALVINGS {
        let mut moved = state.covariance.clone();
        for (k, (a, b)) in elements(m).into_iter().enumerate() {
            moved[a * m + b] += length * step[k];
            moved[b * m + a] = moved[a * m + b];
        }
        if let Some(next) = State::at(design, moved)
            && (trusting || next.deviance < state.deviance)
        {
            return Some(next);
        }
        length /= 2.0;
    }
    None
}

fn finish(
    design: &Design,
    state: State,
    derivatives: Derivatives,
    iterations: usize,
) -> Result<Optimum, Error> {
    let q = derivatives.gradient.len();
    let (scale, factor) = scaled(&derivatives.hessian, q);
    if (0..q).any(|k| factor.is_redundant(k)) {
        return Err(singular(design, &state));
    }
    let mut inverse_hessian = factor.inverse();
    for i in 0..q {
        for j in 0..q {
            inverse_hessian[i * q + j] /= scale[i] * scale[j];
        }
    }
    Ok(Optimum { state, slopes: derivatives.slopes, inverse_hessian, iterations })
}

impl State {
    /// `None` where the covariance is not positive definite, or the fixed effects are not all estimable.
    fn at(design: &Design, covariance: Vec<f64>) -> Option<Self> {
        let p = design.columns.len();
        let weights = weights(design, &covariance)?;
        let (scale, factor) = scaled(&information(design, |k| weights[k].clone()), p);
        if (0..p).any(|i| factor.is_redundant(i)) {
            return None;
        }
        let mut variance = factor.inverse();
        for i in 0..p {
            for j in 0..p {
                variance[i * p + j] /= scale[i] * scale[j];
            }
        }
        let mut parts: Vec<Part> = Vec::new();
        let mut coefficients = vec![0.0; p];
        // The second round takes out the rounding error of the first, the third only collects residuals.
        for round in 0..3 {
            parts = design
                .patterns
                .iter()
                .zip(&weights)
                .map(|(d, w)| residuals(design, d, w, &coefficients))
                .collect();
            if round < 2 {
                let score = score(design, &parts);
                for i in 0..p {
                    coefficients[i] += (0..p).map(|j| variance[i * p + j] * score[j]).sum::<f64>();
                }
            }
        }
        let freedom = (design.rows - p) as f64;
        let log_scale: f64 = scale.iter().map(|s| 2.0 * s.ln()).sum();
        let deviance = freedom * (2.0 * PI).ln()
            + factor.log_determinant()
            + log_scale
            + parts.iter().zip(&design.patterns).map(|(part, d)| part.deviance(d.visits.len())).sum::<f64>();
        deviance.is_finite().then_some(Self { covariance, coefficients, variance, deviance, parts })
    }
}

impl Part {
    fn deviance(&self, k: usize) -> f64 {
        // The weight is positive definite, as it inverts what has a Cholesky factor.
        let log_determinant: f64 = cholesky(&self.weight, k)
            .map_or(f64::NAN, |l| -2.0 * (0..k).map(|i| l[i * k + i].ln()).sum::<f64>());
        let quadratic: f64 = self.weight.iter().zip(&self.residuals).map(|(w, r)| w * r).sum();
        self.subjects * log_determinant + quadratic
    }
}

/// The inverse covariance of each pattern's visits.
fn weights(design: &Design, covariance: &[f64]) -> Option<Vec<Vec<f64>>> {
    let m = design.visits.len();
    cholesky(covariance, m)?;
    let of = |pattern: &Pattern| {
        let (v, k) = (&pattern.visits, pattern.visits.len());
        let block: Vec<f64> = v.iter().flat_map(|a| v.iter().map(move |b| covariance[a * m + b])).collect();
        invert(&block, k)
    };
    design.patterns.iter().map(of).collect()
}

/// X' (A x Z'Z) X over all patterns, for a visits-by-visits matrix A of each.
fn information(design: &Design, matrix: impl Fn(usize) -> Vec<f64>) -> Vec<f64> {
    let (width, m, p) = (design.width, design.visits.len(), design.columns.len());
    let size = m * width;
    let mut full = vec![0.0; size * size];
    for (index, pattern) in design.patterns.iter().enumerate() {
        let (a, k) = (matrix(index), pattern.visits.len());
        for (i, &s) in pattern.visits.iter().enumerate() {
            for (j, &t) in pattern.visits.iter().enumerate() {
                let weight = a[i * k + j];
                for x in 0..width {
                    for y in 0..width {
                        full[(s * width + x) * size + t * width + y] += weight * pattern.cross[x * width + y];
                    }
                }
            }
        }
    }
    let mut gathered = vec![0.0; p * p];
    for i in 0..p {
        for j in 0..p {
            let places =
                design.columns[i].iter().flat_map(|a| design.columns[j].iter().map(move |b| a * size + b));
            gathered[i * p + j] = places.map(|place| full[place]).sum();
        }
    }
    gathered
}

fn residuals(design: &Design, pattern: &Pattern, weight: &[f64], coefficients: &[f64]) -> Part {
    let (width, k) = (design.width, pattern.visits.len());
    let mut effects = vec![0.0; design.visits.len() * width];
    for (column, value) in design.columns.iter().zip(coefficients) {
        for &place in column {
            effects[place] += value;
        }
    }
    let (mut products, mut moments, mut residual) = (vec![0.0; k * k], vec![0.0; width * k], vec![0.0; k]);
    for (z, y) in pattern.z.chunks(width).zip(pattern.y.chunks(k)) {
        for (i, &t) in pattern.visits.iter().enumerate() {
            residual[i] = y[i] - crate::linalg::dot(z, &effects[t * width..(t + 1) * width]);
        }
        for i in 0..k {
            (0..k).for_each(|j| products[i * k + j] += residual[i] * residual[j]);
            (0..width).for_each(|x| moments[x * k + i] += z[x] * residual[i]);
        }
    }
    Part { subjects: pattern.subjects() as f64, weight: weight.to_vec(), residuals: products, moments }
}

/// X' V^-1 (residuals).
fn score(design: &Design, parts: &[Part]) -> Vec<f64> {
    gather(design, |index| {
        let k = design.patterns[index].visits.len();
        product(&parts[index].moments, &parts[index].weight, k)
    })
}

/// X' of a width-by-visits matrix of each pattern.
fn gather(design: &Design, matrix: impl Fn(usize) -> Vec<f64>) -> Vec<f64> {
    let width = design.width;
    let mut full = vec![0.0; design.visits.len() * width];
    for (index, pattern) in design.patterns.iter().enumerate() {
        let (a, k) = (matrix(index), pattern.visits.len());
        for (i, &t) in pattern.visits.iter().enumerate() {
            (0..width).for_each(|x| full[t * width + x] += a[x * k + i]);
        }
    }
    design.columns.iter().map(|column| column.iter().map(|&place| full[place]).sum()).collect()
}

/// Gradient and Hessians of the deviance in the covariance elements.
struct Derivatives {
    gradient: Vec<f64>,
    hessian: Vec<f64>,
    /// Of the expected deviance: never indefinite.
    expected: Vec<f64>,
    slopes: Vec<Vec<f64>>,
}

/// The matrices of one pattern from which all traces are taken.
struct Traces {
    /// Place of each visit in the pattern.
    place: Vec<Option<usize>>,
    k: usize,
    subjects: f64,
    weight: Vec<f64>,
    /// W R W of the residual products.
    residual: Vec<f64>,
    /// W M W, where M carries what the fixed effects take away.
    fixed: Vec<f64>,
}

impl Derivatives {
    fn at(design: &Design, state: &State) -> Self {
        let (m, p) = (design.visits.len(), design.columns.len());
        let elements = elements(m);
        let q = elements.len();
        let traces: Vec<Traces> = (0..design.patterns.len()).map(|i| Traces::of(design, state, i)).collect();
        let slopes: Vec<Vec<f64>> =
            elements.iter().map(|&e| information(design, |i| traces[i].sandwich(e))).collect();
        let leans: Vec<Vec<f64>> = elements
            .iter()
            .map(|&e| {
                gather(design, |i| product(&state.parts[i].moments, &traces[i].sandwich(e), traces[i].k))
            })
            .collect();
        let times_variance: Vec<Vec<f64>> = slopes.iter().map(|b| product(&state.variance, b, p)).collect();
        let gradient = elements.iter().map(|&e| traces.iter().map(|t| t.gradient(e)).sum()).collect();
        let (mut hessian, mut expected) = (vec![0.0; q * q], vec![0.0; q * q]);
        for j in 0..q {
            for k in 0..=j {
                let (mut observed, mut mean) = (0.0, 0.0);
                for t in &traces {
                    let [plain, fixed, residual] = t.curvature(elements[j], elements[k]);
                    observed += 2.0 * residual + 2.0 * fixed - plain;
                    mean += plain - 2.0 * fixed;
                }
                let both = trace_of_product(&times_variance[j], &times_variance[k], p);
                let lean: f64 = (0..p)
                    .map(|a| {
                        leans[j][a] * (0..p).map(|b| state.variance[a * p + b] * leans[k][b]).sum::<f64>()
                    })
                    .sum();
                for place in [j * q + k, k * q + j] {
                    hessian[place] = observed - both - 2.0 * lean;
                    expected[place] = mean + both;
                }
            }
        }
        Self { gradient, hessian, expected, slopes }
    }

    /// The step to take, the gain it promises in twice the log-likelihood, and whether it is Newton's.
    fn direction(&self) -> (Vec<f64>, f64, bool) {
        let q = self.gradient.len();
        for (hessian, is_newton) in [(&self.hessian, true), (&self.expected, false)] {
            let (scale, factor) = scaled(hessian, q);
            if (0..q).any(|k| factor.is_redundant(k)) {
                continue;
            }
            let right: Vec<f64> = self.gradient.iter().zip(&scale).map(|(g, s)| -g / s).collect();
            let step: Vec<f64> = factor.solve(&right).iter().zip(&scale).map(|(x, s)| x / s).collect();
            let decrement = -crate::linalg::dot(&step, &self.gradient);
            return (step, decrement, is_newton);
        }
        (vec![0.0; q], f64::NAN, false)
    }
}

impl Traces {
    fn of(design: &Design, state: &State, index: usize) -> Self {
        let (pattern, part) = (&design.patterns[index], &state.parts[index]);
        let (m, k) = (design.visits.len(), pattern.visits.len());
        let mut place = vec![None; m];
        pattern.visits.iter().enumerate().for_each(|(i, &t)| place[t] = Some(i));
        let around = |inner: &[f64]| product(&product(&part.weight, inner, k), &part.weight, k);
        Self {
            place,
            k,
            subjects: part.subjects,
            residual: around(&part.residuals),
            fixed: around(&explained(design, state, pattern)),
            weight: part.weight.clone(),
        }
    }

    /// W G W for the element's G; zeros where the pattern lacks a visit.
    fn sandwich(&self, (a, b): (usize, usize)) -> Vec<f64> {
        let k = self.k;
        let (Some(a), Some(b)) = (self.place[a], self.place[b]) else { return vec![0.0; k * k] };
        let w = |i: usize, j: usize| self.weight[i * k + j];
        let entry = |i: usize, j: usize| {
            if a == b { w(i, a) * w(a, j) } else { w(i, a) * w(b, j) + w(i, b) * w(a, j) }
        };
        (0..k * k).map(|place| entry(place / k, place % k)).collect()
    }

    fn gradient(&self, (a, b): (usize, usize)) -> f64 {
        let (Some(a), Some(b)) = (self.place[a], self.place[b]) else { return 0.0 };
        let place = a * self.k + b;
        let value = self.subjects * self.weight[place] - self.fixed[place] - self.residual[place];
        if a == b { value } else { 2.0 * value }
    }

    /// tr(G W H N) for N the weight (times the subjects), the fixed and the residual part.
    fn curvature(&self, first: (usize, usize), second: (usize, usize)) -> [f64; 3] {
        let at = |visit: usize| self.place[visit];
        let (Some(a), Some(b), Some(c), Some(d)) = (at(first.0), at(first.1), at(second.0), at(second.1))
        else {
            return [0.0; 3];
        };
        let k = self.k;
        let mut sums = [0.0; 3];
        // G is the sum of e_a e_b' and, off the diagonal, e_b e_a'; likewise H.
        let left = [(a, b), (b, a)];
        let right = [(c, d), (d, c)];
        for &(a, b) in &left[..if a == b { 1 } else { 2 }] {
            for &(c, d) in &right[..if c == d { 1 } else { 2 }] {
                let w = self.weight[b * k + c];
                sums[0] += w * self.weight[d * k + a] * self.subjects;
                sums[1] += w * self.fixed[d * k + a];
                sums[2] += w * self.residual[d * k + a];
            }
        }
        sums
    }
}

/// M: over the subjects of the pattern, the covariance of the fitted values, visits squared.
fn explained(design: &Design, state: &State, pattern: &Pattern) -> Vec<f64> {
    let (width, m, p, k) = (design.width, design.visits.len(), design.columns.len(), pattern.visits.len());
    let size = m * width;
    let mut full = vec![0.0; size * size];
    for (i, left) in design.columns.iter().enumerate() {
        for (j, right) in design.columns.iter().enumerate() {
            for a in left {
                for b in right {
                    full[a * size + b] += state.variance[i * p + j];
                }
            }
        }
    }
    let entry = |s: usize, t: usize| -> f64 {
        let places = (0..width).flat_map(|x| (0..width).map(move |y| (x, y)));
        places.map(|(x, y)| full[(s * width + x) * size + t * width + y] * pattern.cross[y * width + x]).sum()
    };
    (0..k * k).map(|place| entry(pattern.visits[place / k], pattern.visits[place % k])).collect()
}

/// The matrix scaled to a unit diagonal (with the scale) and factored; a negative diagonal makes its column redundant.
fn scaled(matrix: &[f64], n: usize) -> (Vec<f64>, Ldl) {
    let scale: Vec<f64> = (0..n).map(|i| matrix[i * n + i].max(f64::MIN_POSITIVE).sqrt()).collect();
    let unit: Vec<f64> = (0..n * n).map(|k| matrix[k] / (scale[k / n] * scale[k % n])).collect();
    (scale, Ldl::factor(&unit, n, 1e-11))
}

/// A (rows x n) times B (n x n).
fn product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    let mut out = vec![0.0; a.len()];
    for (row, target) in a.chunks(n).zip(out.chunks_mut(n)) {
        for (x, line) in row.iter().zip(b.chunks(n)) {
            target.iter_mut().zip(line).for_each(|(t, y)| *t += x * y);
        }
    }
    out
}

fn trace_of_product(a: &[f64], b: &[f64], n: usize) -> f64 {
    (0..n).map(|i| (0..n).map(|j| a[i * n + j] * b[j * n + i]).sum::<f64>()).sum()
}

/// The lower Cholesky factor; `None` where the matrix is not positive definite.
fn cholesky(a: &[f64], n: usize) -> Option<Vec<f64>> {
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let sum = a[i * n + j] - (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum::<f64>();
            if i == j {
                if sum.is_nan() || sum <= 1e-14 * a[i * n + i] {
                    return None;
                }
                l[i * n + i] = sum.sqrt();
            } else {
                l[i * n + j] = sum / l[j * n + j];
            }
        }
    }
    Some(l)
}

fn invert(a: &[f64], n: usize) -> Option<Vec<f64>> {
    let l = cholesky(a, n)?;
    let mut inverse = vec![0.0; n * n];
    for column in 0..n {
        let mut x = vec![0.0; n];
        for i in 0..n {
            let unit = f64::from(u8::from(i == column));
            x[i] = (unit - (0..i).map(|k| l[i * n + k] * x[k]).sum::<f64>()) / l[i * n + i];
        }
        for i in (0..n).rev() {
            x[i] = (x[i] - (i + 1..n).map(|k| l[k * n + i] * x[k]).sum::<f64>()) / l[i * n + i];
        }
        (0..n).for_each(|i| inverse[i * n + column] = x[i]);
    }
    for i in 0..n {
        for j in 0..i {
            let mean = f64::midpoint(inverse[i * n + j], inverse[j * n + i]);
            inverse[i * n + j] = mean;
            inverse[j * n + i] = mean;
        }
    }
    Some(inverse)
}
