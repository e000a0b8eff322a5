//! Small symmetric matrices: factor, solve, invert.
//!
//! Never for more than a few dozen columns; nothing here knows statistics. Matrices are row-major slices of n*n.
//! Source of the factorisation: LDL' without pivoting, so that a redundant column is the later one (Golub & Van Loan 4.1).

/// A symmetric matrix as L D L', with the pivots that vanished set to zero.
#[derive(Debug, Clone)]
pub(crate) struct Ldl {
    n: usize,
    /// Unit lower triangle below the diagonal, D on it.
    factor: Vec<f64>,
}

impl Ldl {
    /// Factors `a` (upper triangle is not read). A pivot below `tolerance` times the largest diagonal, or not
    /// finite, marks its column as redundant.
    pub fn factor(a: &[f64], n: usize, tolerance: f64) -> Self {
        let mut f = a.to_vec();
        let largest = (0..n).map(|i| f[i * n + i]).filter(|d| d.is_finite()).fold(0.0, f64::max);
        let smallest_pivot = largest * tolerance;
        for i in 0..n {
            let pivot = f[i * n + i];
            // An infinite or NaN pivot is no information either.
            if !pivot.is_finite() || pivot <= 0.0 || pivot < smallest_pivot {
                for j in i..n {
                    f[j * n + i] = 0.0;
                }
                continue;
            }
            for j in i + 1..n {
                let ratio = f[j * n + i] / pivot;
                for k in j..n {
                    f[k * n + j] -= ratio * f[k * n + i];
                }
            }
            for j in i + 1..n {
                f[j * n + i] /= pivot;
            }
        }
        Self { n, factor: f }
    }

    /// Whether column `i` was found redundant.
    pub fn is_redundant(&self, i: usize) -> bool {
        self.factor[i * self.n + i] == 0.0
    }

    /// Logarithm of the determinant over the columns kept.
    pub fn log_determinant(&self) -> f64 {
        (0..self.n).filter(|&i| !self.is_redundant(i)).map(|i| self.factor[i * self.n + i].ln()).sum()
    }

    /// Solves A x = b; x is 0 where the column is redundant.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let n = self.n;
        let mut x = b.to_vec();
        for i in 0..n {
            for k in 0..i {
                x[i] -= self.factor[i * n + k] * x[k];
            }
        }
        for i in (0..n).rev() {
            if self.is_redundant(i) {
                x[i] = 0.0;
                continue;
            }
            x[i] /= self.factor[i * n + i];
            for k in i + 1..n {
                x[i] -= self.factor[k * n + i] * x[k];
            }
        }
        x
    }

    /// The inverse; rows and columns of redundant columns are 0.
    pub fn inverse(&self) -> Vec<f64> {
        let n = self.n;
        let mut inverse = vec![0.0; n * n];
        let mut unit = vec![0.0; n];
        for j in (0..n).filter(|&j| !self.is_redundant(j)) {
            unit[j] = 1.0;
            for (i, v) in self.solve(&unit).into_iter().enumerate() {
                inverse[i * n + j] = v;
            }
            unit[j] = 0.0;
        }
        for i in 0..n {
            for j in 0..i {
                let mean = f64::midpoint(inverse[i * n + j], inverse[j * n + i]);
                inverse[i * n + j] = mean;
                inverse[j * n + i] = mean;
            }
        }
        inverse
    }
}

/// x' A^-1 x for symmetric `a`, by Gaussian elimination with partial pivoting; `None` where `a` is singular.
pub(crate) fn quadratic_form(a: &[f64], x: &[f64]) -> Option<f64> {
    solve(a, x).map(|y| dot(&y, x))
}

/// Solves A y = x by Gaussian elimination with partial pivoting; `None` where A is singular to working precision.
pub(crate) fn solve(a: &[f64], x: &[f64]) -> Option<Vec<f64>> {
    let n = x.len();
    let mut m = a.to_vec();
    let mut y = x.to_vec();
    let scale = m.iter().fold(0.0_f64, |s, v| s.max(v.abs()));
    for i in 0..n {
        let pivot = (i..n).max_by(|&r, &s| m[r * n + i].abs().total_cmp(&m[s * n + i].abs()))?;
        let size = m[pivot * n + i].abs();
        if size.is_nan() || size <= scale * f64::EPSILON {
            return None;
        }
        if pivot != i {
            for k in 0..n {
                m.swap(pivot * n + k, i * n + k);
            }
            y.swap(pivot, i);
        }
        for r in i + 1..n {
            let ratio = m[r * n + i] / m[i * n + i];
            for k in i..n {
                m[r * n + k] -= ratio * m[i * n + k];
            }
            y[r] -= ratio * y[i];
        }
    }
    for i in (0..n).rev() {
        for k in i + 1..n {
            y[i] -= m[i * n + k] * y[k];
        }
        y[i] /= m[i * n + i];
    }
    Some(y)
}

/// A flat n*n matrix as rows.
pub(crate) fn rows(flat: &[f64], n: usize) -> Vec<Vec<f64>> {
    flat.chunks(n.max(1)).map(<[f64]>::to_vec).collect()
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_undoes_the_matrix() {
        let a = [4.0, 2.0, 0.6, 2.0, 3.0, 0.4, 0.6, 0.4, 2.0];
        let inverse = Ldl::factor(&a, 3, 1e-12).inverse();
        for i in 0..3 {
            for j in 0..3 {
                let product: f64 = (0..3).map(|k| a[i * 3 + k] * inverse[k * 3 + j]).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn the_later_of_two_equal_columns_is_redundant() {
        let ldl = Ldl::factor(&[2.0, 2.0, 2.0, 2.0], 2, 1e-12);
        assert_eq!((ldl.is_redundant(0), ldl.is_redundant(1)), (false, true));
        assert_eq!(ldl.solve(&[4.0, 4.0]), [2.0, 0.0]);
    }

    #[test]
    fn elimination_agrees_with_the_factor_and_refuses_the_singular() {
        let a = [4.0, 2.0, 2.0, 3.0];
        let (x, y) = (solve(&a, &[1.0, 2.0]).unwrap(), Ldl::factor(&a, 2, 1e-12).solve(&[1.0, 2.0]));
        assert!(x.iter().zip(&y).all(|(a, b)| (a - b).abs() < 1e-15));
        assert_eq!(solve(&[1.0, 1.0, 1.0, 1.0], &[1.0, 2.0]), None);
    }
}
