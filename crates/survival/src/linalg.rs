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

/// x' A^-1 x for a covariance or information matrix A; `None` where A is singular to working precision.
///
/// Judged on the correlation scale, so that the units of the variables do not matter.
pub(crate) fn quadratic_form(a: &[f64], x: &[f64]) -> Option<f64> {
    const SINGULAR: f64 = 1e-12;
    let n = x.len();
    let scale: Vec<f64> = (0..n).map(|i| 1.0 / a[i * n + i].sqrt()).collect();
    if scale.iter().any(|s| !s.is_finite()) {
        return None;
    }
    let correlation: Vec<f64> = (0..n * n).map(|k| a[k] * scale[k / n] * scale[k % n]).collect();
    let factor = Ldl::factor(&correlation, n, SINGULAR);
    if (0..n).any(|i| factor.is_redundant(i)) {
        return None;
    }
    let z: Vec<f64> = x.iter().zip(&scale).map(|(x, s)| x * s).collect();
    Some(dot(&factor.solve(&z), &z))
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
    fn the_quadratic_form_refuses_the_singular_whatever_the_units() {
        let x = [1.0, 2.0];
        assert!((quadratic_form(&[4.0, 2.0, 2.0, 3.0], &x).unwrap() - 1.375).abs() < 1e-15);
        assert_eq!(quadratic_form(&[1.0, 1.0, 1.0, 1.0], &x), None);
        assert!(quadratic_form(&[1e-20, 0.0, 0.0, 1e20], &x).is_some());
        assert_eq!(quadratic_form(&[], &[]), Some(0.0));
    }
}
