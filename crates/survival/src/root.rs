//! The root of a continuous function of one variable between two points.
//!
//! Never leaves its bracket. The method is Brent's `zeroin` step for step as R's `uniroot` takes it, so that with R's
//! tolerance it stops where R stops. R. Brent, *Algorithms for Minimization without Derivatives*, 1973, chapter 4.

/// R's default tolerance of `uniroot`: the fourth root of the machine's precision.
pub(crate) const UNIROOT_TOLERANCE: f64 = 1.0 / 8192.0;

/// The root of `f` between `from` and `to`, whose values there differ in sign; `None` where they do not.
pub(crate) fn uniroot(mut f: impl FnMut(f64) -> f64, from: f64, to: f64, tolerance: f64) -> Option<f64> {
    let (at_from, at_to) = (f(from), f(to));
    let product = at_from * at_to;
    if product.is_nan() || product > 0.0 {
        return None;
    }
    Some(zeroin(f, (from, at_from), (to, at_to), tolerance))
}

/// As [`uniroot`], with the values at both ends already known to differ in sign.
pub(crate) fn zeroin(mut f: impl FnMut(f64) -> f64, from: (f64, f64), to: (f64, f64), tolerance: f64) -> f64 {
    const MAX_STEPS: u32 = 1000;
    let ((mut a, mut fa), (mut b, mut fb)) = (from, to);
    let (mut c, mut fc) = (a, fa);
    if fa == 0.0 {
        return a;
    }
    for _ in 0..=MAX_STEPS {
        if fb == 0.0 {
            return b;
        }
        let previous_step = b - a;
        if fc.abs() < fb.abs() {
            (a, fa) = (b, fb);
            (b, fb) = (c, fc);
            (c, fc) = (a, fa);
        }
        let smallest = 2.0 * f64::EPSILON * b.abs() + tolerance / 2.0;
        let mut step = (c - b) / 2.0;
        if step.abs() <= smallest || fb == 0.0 {
            return b;
        }
        if previous_step.abs() >= smallest && fa.abs() > fb.abs() {
            let (p, q) = interpolation((a, fa), (b, fb), (c, fc));
            let (p, q) = if p > 0.0 { (p, -q) } else { (-p, q) };
            if p < 0.75 * (c - b) * q - (smallest * q).abs() / 2.0 && p < (previous_step * q / 2.0).abs() {
                step = p / q;
            }
        }
        if step.abs() < smallest {
            step = if step > 0.0 { smallest } else { -smallest };
        }
        (a, fa) = (b, fb);
        b += step;
        fb = f(b);
        if (fb > 0.0 && fc > 0.0) || (fb < 0.0 && fc < 0.0) {
            (c, fc) = (a, fa);
        }
    }
    b
}

/// The step p/q by the secant where only two points are known, else by inverse quadratic interpolation.
fn interpolation((a, fa): (f64, f64), (b, fb): (f64, f64), (c, fc): (f64, f64)) -> (f64, f64) {
    let span = c - b;
    if a == c {
        let t = fb / fa;
        return (span * t, 1.0 - t);
    }
    let (q, t1, t2) = (fa / fc, fb / fc, fb / fa);
    (t2 * (span * q * (q - t1) - (b - a) * (t1 - 1.0)), (q - 1.0) * (t1 - 1.0) * (t2 - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_where_r_stops() {
        // R 4.2.2: uniroot(function(x) exp(x) - 5, c(0, 3))$root, sprintf("%.17g")
        let root = uniroot(|x| x.exp() - 5.0, 0.0, 3.0, UNIROOT_TOLERANCE).unwrap();
        assert!((root - 1.609_437_443_086_770_4).abs() < 1e-14, "{root:.17e}");
        let precise = uniroot(|x| x.exp() - 5.0, 0.0, 3.0, 0.0).unwrap();
        assert!((precise - 5.0_f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn no_change_of_sign_is_no_root() {
        assert_eq!(uniroot(|x| x * x + 1.0, -1.0, 1.0, 1e-9), None);
    }
}
