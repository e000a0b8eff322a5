//! A rate in steps, turned around: the time at which its integral reaches a value.
//!
//! Never approximates: between two steps the integral is a line.

use crate::scenario::Step;

/// A rate in steps, the last for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// Where a piece begins, its rate, and the integral until there.
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    from: f64,
    rate: f64,
    before: f64,
}

impl Course {
    /// Of steps whose first begins at 0.
    pub fn new(steps: &[Step]) -> Self {
        let mut pieces: Vec<Piece> = Vec::with_capacity(steps.len());
        for step in steps {
            let before = pieces.last().map_or(0.0, |last| last.before + last.rate * (step.from - last.from));
            pieces.push(Piece { from: step.from, rate: step.value, before });
        }
        Self { pieces }
    }

    /// The product of two step functions.
    pub fn product(a: &[Step], b: &[Step]) -> Self {
        let mut starts: Vec<f64> = a.iter().chain(b).map(|step| step.from).collect();
        starts.sort_unstable_by(f64::total_cmp);
        starts.dedup();
        let at = |steps: &[Step], time: f64| {
            steps.iter().rev().find(|step| step.from <= time).map_or(0.0, |step| step.value)
        };
        let steps: Vec<Step> =
            starts.into_iter().map(|from| Step { from, value: at(a, from) * at(b, from) }).collect();
        Self::new(&steps)
    }

    /// The rate times a factor.
    #[must_use]
    pub fn times(mut self, factor: f64) -> Self {
        for piece in &mut self.pieces {
            piece.rate *= factor;
            piece.before *= factor;
        }
        self
    }

    /// The same course in a smaller unit of time, of which `unit` make one of the steps'.
    #[must_use]
    pub fn in_units(mut self, unit: f64) -> Self {
        for piece in &mut self.pieces {
            piece.from *= unit;
            piece.rate /= unit;
        }
        self
    }

    /// The integral from 0 to `time`.
    pub fn cumulative(&self, time: f64) -> f64 {
        let reached = self.pieces.iter().rev().find(|piece| piece.from <= time);
        reached.map_or(0.0, |piece| piece.before + piece.rate * (time - piece.from))
    }

    /// The time at which the integral reaches `value`; infinite where it never does.
    #[inline]
    pub fn time_of(&self, value: f64) -> f64 {
        if let [only] = self.pieces.as_slice() {
            return value / only.rate;
        }
        let reached = self.pieces.iter().rev().find(|piece| piece.before <= value && piece.rate > 0.0);
        reached.map_or(f64::INFINITY, |piece| {
            let time = piece.from + (value - piece.before) / piece.rate;
            // A later piece of rate 0 is entered only where the integral was complete before it.
            let ends = self.pieces.iter().find(|next| next.from > piece.from);
            if ends.is_some_and(|next| value > next.before) { f64::INFINITY } else { time }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(values: &[(f64, f64)]) -> Vec<Step> {
        values.iter().map(|&(from, value)| Step { from, value }).collect()
    }

    #[test]
    fn turns_its_integral_around() {
        let course = Course::new(&steps(&[(0.0, 0.1), (6.0, 0.0), (8.0, 0.05)]));
        for (time, integral) in [(0.0, 0.0), (3.0, 0.3), (6.0, 0.6), (10.0, 0.7), (28.0, 1.6)] {
            assert!((course.cumulative(time) - integral).abs() < 1e-12, "at {time}");
            assert!((course.time_of(integral) - time).abs() < 1e-9 || integral == 0.6, "of {integral}");
        }
        let ending = Course::new(&steps(&[(0.0, 0.1), (6.0, 0.0)]));
        assert_eq!(ending.time_of(0.7), f64::INFINITY);
        assert!((ending.time_of(0.5) - 5.0).abs() < 1e-12);
        assert_eq!(Course::new(&steps(&[(0.0, 0.0)])).time_of(0.1), f64::INFINITY);
    }

    #[test]
    fn multiplies_steps() {
        let product = Course::product(&steps(&[(0.0, 0.1), (6.0, 0.2)]), &steps(&[(0.0, 1.0), (3.0, 0.5)]));
        assert_eq!(product, Course::new(&steps(&[(0.0, 0.1), (3.0, 0.05), (6.0, 0.1)])));
    }
}
