//! A graph of curves, drawn in the terminal or as SVG: survival with its numbers at risk, power against events.
//!
//! Never computes what it shows: points, limits and counts come from `survival`.

mod svg;
mod terminal;

/// Curves over one axis from 0.
pub struct Graph {
    /// What it shows.
    pub title: String,
    /// Name of the horizontal axis.
    pub x_label: String,
    /// Name of the vertical axis, which goes from 0 to 1.
    pub y_label: String,
    /// Where the horizontal axis ends.
    pub x_end: f64,
    /// The curves.
    pub series: Vec<Series>,
    /// What `Series::counts` are.
    pub counts_title: String,
    /// Under the drawing, line by line.
    pub notes: Vec<String>,
}

/// A curve.
#[derive(Default)]
pub struct Series {
    /// Its name.
    pub label: String,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
    /// Limits: from left to right at, lower, upper.
    pub band: Vec<(f64, f64, f64)>,
    /// Short upright marks on it, as for censored times.
    pub marks: Vec<(f64, f64)>,
    /// A number below each of the ticks.
    pub counts: Vec<String>,
}

/// About so many ticks fit in either drawing.
const TICKS: f64 = 7.0;

/// Ticks from 0 to at most `end`: multiples of 1, 2 or 5 times a power of ten (Heckbert, Graphics Gems, 1990).
pub fn ticks(end: f64) -> Vec<f64> {
    if !(end.is_finite() && end > 0.0) {
        return vec![0.0];
    }
    let raw = end / TICKS;
    let power = 10_f64.powf(raw.log10().floor());
    let times = [1.0, 2.0, 5.0, 10.0].into_iter().find(|t| raw <= t * power * (1.0 + 1e-9)).unwrap_or(10.0);
    let step = times * power;
    (0..=20).map(|k| f64::from(k) * step).take_while(|tick| *tick <= end * (1.0 + 1e-9)).collect()
}

/// The corners of a step function that is 1 at 0 and `values[k]` from `times[k]` on.
pub fn steps(times: &[f64], values: &[f64]) -> Vec<(f64, f64)> {
    let mut at = 1.0;
    let mut points = vec![(0.0, at)];
    for (time, value) in times.iter().zip(values) {
        points.push((*time, at));
        if *value != at {
            at = *value;
            points.push((*time, at));
        }
    }
    points.dedup();
    points
}

/// A number as short as it can be at about three digits: `0.333`, `12.5`, `250`.
pub fn short(value: f64) -> String {
    // Sums of nothing have a sign.
    let value = value + 0.0;
    let decimals = match value.abs() {
        v if !v.is_finite() => return "-".to_owned(),
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_end_with_the_axis() {
        assert_eq!(ticks(600.0), [0.0, 100.0, 200.0, 300.0, 400.0, 500.0, 600.0]);
        assert_eq!(ticks(1.0).len(), 6);
        assert_eq!(ticks(0.0), [0.0]);
        assert_eq!(ticks(f64::NAN), [0.0]);
    }

    #[test]
    fn a_step_has_two_corners() {
        assert_eq!(
            steps(&[2.0, 3.0, 5.0], &[0.5, 0.5, 0.0]),
            [(0.0, 1.0), (2.0, 1.0), (2.0, 0.5), (3.0, 0.5), (5.0, 0.5), (5.0, 0.0)]
        );
        assert_eq!(steps(&[0.0], &[0.5]), [(0.0, 1.0), (0.0, 0.5)]);
    }
}
