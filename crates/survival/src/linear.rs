//! Least squares by Householder reflections.
//!
//! Never forms the normal equations, which would square the condition number. A column that the earlier ones determine
//! is refused by name, by R's criterion (`lm`, `tol = 1e-7`). Golub & Van Loan, *Matrix Computations*, 5.2.

use crate::Error;

/// R's tolerance of `lm`: a column with less than this part of its length left is redundant.
const TOLERANCE: f64 = 1e-7;

/// The fit of a response by columns.
#[derive(Debug, Clone)]
pub(crate) struct LeastSquares {
    pub coefficients: Vec<f64>,
    /// (X'X)^-1 by rows.
    pub unscaled: Vec<Vec<f64>>,
    /// Residual sum of squares.
    pub residual_squares: f64,
}

impl LeastSquares {
    /// Fits `response` by named `columns` of its length; the intercept, if any, is one of them.
    pub fn fit(names: &[String], columns: &[Vec<f64>], response: &[f64]) -> Result<Self, Error> {
        let p = columns.len();
        let (mut q, mut y) = (columns.to_vec(), response.to_vec());
        let mut r = vec![vec![0.0; p]; p];
        for j in 0..p {
            let length = norm(&columns[j]);
            let left = norm(&q[j][j.min(q[j].len())..]);
            if left.is_nan() || left <= TOLERANCE * length {
                return Err(Error::NotEstimable {
                    what: format!("the coefficient of `{}`", names[j]),
                    why: "the column is a linear combination of those before it, or there are too few rows"
                        .into(),
                });
            }
            reflect(&mut q, &mut y, j, left);
            for (k, row) in r.iter_mut().enumerate().take(j + 1) {
                row[j] = q[j][k];
            }
        }
        let inverse = invert_upper(&r);
        let coefficients = inverse.iter().map(|row| row.iter().zip(&y).map(|(a, b)| a * b).sum()).collect();
        let product = |i: usize, j: usize| inverse[i].iter().zip(&inverse[j]).map(|(a, b)| a * b).sum();
        let unscaled = (0..p).map(|i| (0..p).map(|j| product(i, j)).collect()).collect();
        let residual_squares = y[p..].iter().map(|v| v * v).sum();
        Ok(Self { coefficients, unscaled, residual_squares })
    }
}

fn norm(v: &[f64]) -> f64 {
    let scale = v.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    if scale == 0.0 { 0.0 } else { scale * v.iter().map(|x| (x / scale).powi(2)).sum::<f64>().sqrt() }
}

/// Reflects the columns from `j` on, and the response, so that column `j` ends at row `j`.
fn reflect(columns: &mut [Vec<f64>], y: &mut [f64], j: usize, left: f64) {
    let signed = if columns[j][j] > 0.0 { -left } else { left };
    let mut direction = columns[j][j..].to_vec();
    direction[0] -= signed;
    let square: f64 = direction.iter().map(|v| v * v).sum();
    let mirror = |v: &mut [f64]| {
        let along: f64 = direction.iter().zip(&v[j..]).map(|(a, b)| a * b).sum();
        let factor = 2.0 * along / square;
        v[j..].iter_mut().zip(&direction).for_each(|(x, d)| *x -= factor * d);
    };
    columns[j..].iter_mut().for_each(|column| mirror(column));
    mirror(y);
    columns[j][j] = signed;
}

fn invert_upper(r: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let p = r.len();
    let mut inverse = vec![vec![0.0; p]; p];
    for j in 0..p {
        inverse[j][j] = 1.0 / r[j][j];
        for i in (0..j).rev() {
            let sum: f64 = (i + 1..=j).map(|k| r[i][k] * inverse[k][j]).sum();
            inverse[i][j] = -sum / r[i][i];
        }
    }
    inverse
}

/// v' M v for a matrix by rows.
pub(crate) fn quadratic(matrix: &[Vec<f64>], v: &[f64]) -> f64 {
    matrix.iter().zip(v).map(|(row, a)| a * row.iter().zip(v).map(|(m, b)| m * b).sum::<f64>()).sum()
}

/// The F statistic, times its first degrees of freedom, that the coefficients at `which` are all 0.
pub(crate) fn wald(coefficients: &[f64], variance: &[Vec<f64>], which: &[usize]) -> Option<f64> {
    let block: Vec<f64> = which.iter().flat_map(|&i| which.iter().map(move |&j| variance[i][j])).collect();
    let values: Vec<f64> = which.iter().map(|&i| coefficients[i]).collect();
    crate::linalg::quadratic_form(&block, &values)
}
