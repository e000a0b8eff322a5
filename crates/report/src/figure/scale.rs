//! Scales and their ticks.
//!
//! Never draws. Ticks are 1, 2 or 5 times a power of ten (Heckbert, Graphics Gems, 1990).

/// A linear scale from values to coordinates.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    from: (f64, f64),
    to: (f64, f64),
}

impl Scale {
    /// Values `from.0` to `from.1` on coordinates `to.0` to `to.1`; a span of nothing is widened.
    pub fn new(from: (f64, f64), to: (f64, f64)) -> Self {
        let from = if from.1 > from.0 { from } else { (from.0, from.0 + 1.0) };
        Self { from, to }
    }

    /// Where `value` stands; a value beyond the ends stands at the end.
    pub fn at(&self, value: f64) -> f64 {
        let share = (value - self.from.0) / (self.from.1 - self.from.0);
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        self.to.0 + share * (self.to.1 - self.to.0)
    }
}

/// `value` as a whole number from 1 to 1,000: ticks, letters on a line.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped to what fits")]
pub fn whole(value: f64) -> usize {
    value.clamp(1.0, 1_000.0) as usize
}

/// The step of about `about` ticks over `span`.
pub fn step(span: f64, about: usize) -> f64 {
    if span.is_nan() || span <= 0.0 || !span.is_finite() {
        return 1.0;
    }
    let raw = span / about.max(1) as f64;
    let power = 10_f64.powf(raw.log10().floor());
    let times = match raw / power {
        r if r <= 1.000_1 => 1.0,
        r if r <= 2.000_1 => 2.0,
        r if r <= 5.000_1 => 5.0,
        _ => 10.0,
    };
    times * power
}

/// Ticks on both sides of `low` to `high`, so that these lie within.
pub fn ticks(low: f64, high: f64, about: usize) -> Vec<f64> {
    let step = step(high - low, about);
    let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
    let n = whole(last - first);
    (0..=n).map(|i| (first + i as f64) * step).collect()
}

/// Ticks of months from 0 to at least `most`: multiples of 3, 6, 12 or 24.
pub fn month_ticks(most: f64) -> Vec<f64> {
    let step = match most {
        m if m <= 15.0 => 3.0,
        m if m <= 60.0 => 6.0,
        m if m <= 132.0 => 12.0,
        m => 12.0 * step(m / 12.0, 11),
    };
    let n = whole((most / step).ceil());
    (0..=n).map(|i| i as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0.0, 100.0, 5, &[0.0, 20.0, 40.0, 60.0, 80.0, 100.0])]
    #[case(-0.62, 0.44, 5, &[-1.0, -0.5, 0.0, 0.5])]
    #[case(3.0, 3.0, 5, &[3.0, 4.0])]
    #[case(f64::NAN, 1.0, 5, &[0.0])]
    fn ticks_enclose(#[case] low: f64, #[case] high: f64, #[case] about: usize, #[case] want: &[f64]) {
        let got = ticks(low, high, about);
        if low.is_nan() {
            assert!(got.len() <= 2);
        } else {
            assert_eq!(got, want);
        }
    }

    #[test]
    fn beyond_the_ends_stands_at_the_end() {
        let scale = Scale::new((0.0, 10.0), (100.0, 0.0));
        assert_eq!((scale.at(-5.0), scale.at(5.0), scale.at(50.0)), (100.0, 50.0, 0.0));
    }

    #[rstest]
    #[case(13.0, 15.0, 3.0)]
    #[case(44.0, 48.0, 6.0)]
    #[case(80.0, 84.0, 12.0)]
    #[case(700.0, 720.0, 120.0)]
    fn months_fall_on_years(#[case] most: f64, #[case] last: f64, #[case] step: f64) {
        let got = month_ticks(most);
        assert_eq!((got.last().copied(), got[1]), (Some(last), step));
    }
}
