//! Median and quartiles of a sample, as R's `quantile(type = 7)` gives them (Hyndman and Fan 1996, definition 7).
//!
//! Never drops a value: who has missing ones leaves them out before.

use crate::results::{BaselineCell, Who};

/// The quantile at `p` (0 to 1) of `sorted`, ascending; none of nothing.
pub fn type_7(sorted: &[f64], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let h = last as f64 * p;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 <= h <= last
    let below = (h.floor() as usize).min(last);
    let above = (below + 1).min(last);
    Some(sorted[below] + (h - below as f64) * (sorted[above] - sorted[below]))
}

/// The cell of `values`, in any order, which are those of `who`.
pub fn summary(mut values: Vec<f64>, who: Vec<Who>) -> BaselineCell {
    values.sort_by(f64::total_cmp);
    BaselineCell::Number {
        n: values.len(),
        median: type_7(&values, 0.5),
        q1: type_7(&values, 0.25),
        q3: type_7(&values, 0.75),
        min: values.first().copied(),
        max: values.last().copied(),
        who,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    // R 4: quantile(x, c(.25, .5, .75), type = 7).
    #[rstest]
    #[case(&[1.0, 2.0, 3.0, 4.0], 1.75, 2.5, 3.25)]
    #[case(&[61.0, 54.0, 70.0, 48.0, 66.0], 54.0, 61.0, 66.0)]
    #[case(&[0.3, 12.5, 7.1, 7.1, 30.0, 2.2, 18.0], 4.65, 7.1, 15.25)]
    #[case(&[5.0], 5.0, 5.0, 5.0)]
    fn as_r_gives_them(#[case] values: &[f64], #[case] q1: f64, #[case] median: f64, #[case] q3: f64) {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        for (p, want) in [(0.25, q1), (0.5, median), (0.75, q3)] {
            let got = type_7(&sorted, p).unwrap();
            assert!((got - want).abs() < 1e-12, "{p}: {got} {want}");
        }
    }

    #[test]
    fn of_nothing_is_nothing() {
        assert_eq!(type_7(&[], 0.5), None);
    }
}
