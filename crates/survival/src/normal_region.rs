//! The probability that correlated standard normal variables leave a box.
//!
//! Never random: up to rank 3 nested adaptive quadrature, beyond it a fixed lattice with its error stated. A singular
//! correlation is no special case. Genz & Bretz, *Computation of Multivariate Normal and t Probabilities*, 2009.

use crate::distribution::{normal_cdf, normal_density};

/// Beyond this many standard deviations the normal density is nothing.
const TAIL: f64 = 9.0;
/// A pivot of the correlation below this is rounding.
const RANK_TOLERANCE: f64 = 1e-10;

/// P(not all of Z in `lower` to `upper`) for standard normal Z with these correlations, and a bound on its error.
pub(crate) fn outside_box(correlation: &[Vec<f64>], lower: f64, upper: f64) -> (f64, f64) {
    let factor = Factor::new(correlation);
    if factor.rank() <= 3 {
        let inside = factor.quadrature(&[], lower, upper);
        return ((1.0 - inside).clamp(0.0, 1.0), 1e-9);
    }
    let (inside, error) = factor.lattice(lower, upper);
    ((1.0 - inside).clamp(0.0, 1.0), error)
}

/// Z = L Y with Y independent: a pivoted Cholesky factor, one row a variable, `rank` columns.
struct Factor {
    rows: Vec<Vec<f64>>,
}

impl Factor {
    fn new(correlation: &[Vec<f64>]) -> Self {
        let m = correlation.len();
        let mut rest: Vec<Vec<f64>> = correlation.to_vec();
        let mut rows = vec![Vec::new(); m];
        loop {
            let pivot = (0..m).max_by(|&a, &b| rest[a][a].total_cmp(&rest[b][b])).unwrap_or(0);
            let size = rest[pivot][pivot];
            if size.is_nan() || size <= RANK_TOLERANCE {
                return Self { rows };
            }
            let column: Vec<f64> = (0..m).map(|i| rest[i][pivot] / size.sqrt()).collect();
            for i in 0..m {
                rows[i].push(column[i]);
                for j in 0..m {
                    rest[i][j] -= column[i] * column[j];
                }
            }
        }
    }

    fn rank(&self) -> usize {
        self.rows.first().map_or(0, Vec::len)
    }

    /// The interval of the next Y that keeps every variable which it is the last to move in the box, given those before.
    fn interval(&self, y: &[f64], lower: f64, upper: f64) -> (f64, f64) {
        let next = y.len();
        let (mut from, mut to) = (-TAIL, TAIL);
        for row in self.rows.iter().filter(|r| r[next + 1..].iter().all(|v| v.abs() < 1e-12)) {
            let (moved, slope) = (row[..next].iter().zip(y).map(|(a, b)| a * b).sum::<f64>(), row[next]);
            if slope.abs() < 1e-12 {
                if next + 1 == self.rank() && !(lower - 1e-9..=upper + 1e-9).contains(&moved) {
                    return (0.0, 0.0);
                }
                continue;
            }
            let (a, b) = ((lower - moved) / slope, (upper - moved) / slope);
            from = from.max(a.min(b));
            to = to.min(a.max(b));
        }
        (from, to.max(from))
    }

    /// P(all in the box | Y begins with `y`): exact in the last Y, adaptive in those before.
    fn quadrature(&self, y: &[f64], lower: f64, upper: f64) -> f64 {
        let (from, to) = self.interval(y, lower, upper);
        if y.len() + 1 == self.rank() {
            return normal_cdf(to) - normal_cdf(from);
        }
        let tolerance = if y.is_empty() { 1e-10 } else { 1e-12 };
        let value = |t: f64| {
            let mut next = y.to_vec();
            next.push(t);
            normal_density(t) * self.quadrature(&next, lower, upper)
        };
        integrate(&value, from, to, tolerance)
    }

    /// Separation of variables over a fixed lattice with a few shifts; the spread over the shifts bounds the error.
    fn lattice(&self, lower: f64, upper: f64) -> (f64, f64) {
        const POINTS: u32 = 40_000;
        const SHIFTS: u32 = 12;
        const PRIMES: [f64; 8] = [2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0];
        let estimates: Vec<f64> = (0..SHIFTS)
            .map(|shift| {
                let at = |point: u32| {
                    let (mut product, mut y) = (1.0, Vec::with_capacity(self.rank()));
                    for prime in PRIMES.iter().take(self.rank()) {
                        let root = prime.sqrt();
                        let u = (f64::from(point) * root + f64::from(shift) * root * 0.618_033_988_749_895)
                            .fract();
                        let u = (2.0 * u - 1.0).abs();
                        let (from, to) = self.interval(&y, lower, upper);
                        let (low, high) = (normal_cdf(from), normal_cdf(to));
                        product *= high - low;
                        y.push(
                            crate::distribution::normal_quantile(low + u * (high - low)).clamp(-TAIL, TAIL),
                        );
                    }
                    product
                };
                (1..=POINTS).map(at).sum::<f64>() / f64::from(POINTS)
            })
            .collect();
        let n = f64::from(SHIFTS);
        let mean = estimates.iter().sum::<f64>() / n;
        let spread = estimates.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / (n * (n - 1.0));
        (mean, 3.0 * spread.sqrt())
    }
}

/// Adaptive Gauss-Kronrod quadrature (7 and 15 points) to an absolute tolerance.
fn integrate(f: &dyn Fn(f64) -> f64, from: f64, to: f64, tolerance: f64) -> f64 {
    fn refine(f: &dyn Fn(f64) -> f64, from: f64, to: f64, tolerance: f64, depth: u32) -> f64 {
        let (coarse, fine) = gauss_kronrod(f, from, to);
        let error = (coarse - fine).abs();
        // NaN is not refined either.
        if error.is_nan() || error <= tolerance || depth == 0 {
            return fine;
        }
        let middle = f64::midpoint(from, to);
        refine(f, from, middle, tolerance / 2.0, depth - 1)
            + refine(f, middle, to, tolerance / 2.0, depth - 1)
    }
    if to > from { refine(f, from, to, tolerance, 20) } else { 0.0 }
}

fn gauss_kronrod(f: &dyn Fn(f64) -> f64, from: f64, to: f64) -> (f64, f64) {
    // Piessens et al., QUADPACK, 1983: nodes, 15-point weights, 7-point weights (of every second node).
    const NODES: [(f64, f64, f64); 8] = [
        (0.991_455_371_120_812_6, 0.022_935_322_010_529_224, 0.0),
        (0.949_107_912_342_758_5, 0.063_092_092_629_978_55, 0.129_484_966_168_869_7),
        (0.864_864_423_359_769_1, 0.104_790_010_322_250_18, 0.0),
        (0.741_531_185_599_394_4, 0.140_653_259_715_525_92, 0.279_705_391_489_276_64),
        (0.586_087_235_467_691_1, 0.169_004_726_639_267_9, 0.0),
        (0.405_845_151_377_397_2, 0.190_350_578_064_785_4, 0.381_830_050_505_118_9),
        (0.207_784_955_007_898_47, 0.204_432_940_075_298_9, 0.0),
        (0.0, 0.209_482_141_084_727_82, 0.417_959_183_673_469_4),
    ];
    let (centre, half) = (f64::midpoint(from, to), (to - from) / 2.0);
    let (mut coarse, mut fine) = (0.0, 0.0);
    for (node, kronrod, gauss) in NODES {
        let value = if node == 0.0 { f(centre) } else { f(centre - half * node) + f(centre + half * node) };
        fine += kronrod * value;
        coarse += gauss * value;
    }
    (coarse * half, fine * half)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equal_correlation(m: usize, r: f64) -> Vec<Vec<f64>> {
        (0..m).map(|i| (0..m).map(|j| if i == j { 1.0 } else { r }).collect()).collect()
    }

    #[test]
    fn independent_variables_multiply() {
        let one = 2.0 * normal_cdf(2.0) - 1.0;
        for m in 1..=4 {
            let (p, error) = outside_box(&equal_correlation(m, 0.0), -2.0, 2.0);
            let exact = 1.0 - one.powi(i32::try_from(m).unwrap());
            assert!((p - exact).abs() <= error.max(1e-9), "{m}: {p} {exact} {error}");
        }
    }

    #[test]
    fn a_repeated_variable_adds_nothing() {
        let (p, _) = outside_box(&equal_correlation(4, 1.0), -1.96, 1.96);
        assert!((p - 2.0 * normal_cdf(-1.96)).abs() < 1e-9);
    }

    /// Orthant probability 1/4 + asin(r) / (2 pi) (Sheppard 1899), and its form for three variables.
    #[test]
    fn orthants_are_known() {
        let (r, pi) = (0.5_f64, std::f64::consts::PI);
        let (two, _) = outside_box(&equal_correlation(2, r), f64::NEG_INFINITY, 0.0);
        assert!((1.0 - two - (0.25 + r.asin() / (2.0 * pi))).abs() < 1e-9);
        let (three, _) = outside_box(&equal_correlation(3, r), f64::NEG_INFINITY, 0.0);
        assert!((1.0 - three - (0.125 + 3.0 * r.asin() / (4.0 * pi))).abs() < 1e-9);
        let (four, error) = outside_box(&equal_correlation(4, r), f64::NEG_INFINITY, 0.0);
        assert!((1.0 - four - 0.2).abs() <= error.max(1e-6), "{four} {error}"); // 1 / (m + 1) at r = 1/2
    }
}
