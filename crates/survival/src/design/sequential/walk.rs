//! The score process between the looks: which part of it is still within the boundaries, and where.
//!
//! Never a lattice of fixed width: Gauss-Legendre panels two standard deviations of a step wide, whose error is that of
//! rounding. Armitage, `McPherson` & Rowe, J R Stat Soc A 1969;132:235-244; Jennison & Turnbull, *Group Sequential Methods
//! with Applications to Clinical Trials*, 2000, chapter 19.

use crate::distribution::{normal_cdf, normal_density};
use crate::root::zeroin;
use std::sync::OnceLock;

/// Beyond this many standard deviations nothing is left.
const TAIL: f64 = 9.0;
const NODES: usize = 10;

/// Nodes and weights of Gauss-Legendre quadrature on -1 to 1.
pub(in crate::design) fn gauss_legendre() -> &'static [(f64, f64); NODES] {
    static RULE: OnceLock<[(f64, f64); NODES]> = OnceLock::new();
    RULE.get_or_init(|| std::array::from_fn(|i| legendre_root(NODES, i)))
}

/// The `i`-th root of the Legendre polynomial of degree `n`, by Newton's method, and its weight.
fn legendre_root(n: usize, i: usize) -> (f64, f64) {
    let degree = n as f64;
    let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (degree + 0.5)).cos();
    let mut slope = 1.0;
    for _ in 0..100 {
        let (mut p, mut before) = (1.0, 0.0);
        for k in 1..=n {
            let k = k as f64;
            (p, before) = (((2.0 * k - 1.0) * x * p - (k - 1.0) * before) / k, p);
        }
        slope = degree * (x * p - before) / (x * x - 1.0);
        let step = p / slope;
        x -= step;
        if step.abs() < 1e-16 {
            break;
        }
    }
    (x, 2.0 / ((1.0 - x * x) * slope * slope))
}

/// The process B(t), normal with mean `drift` t and variance t, as far as it has stayed within the boundaries.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    drift: f64,
    /// Where it began: time and place.
    origin: (f64, f64),
    /// Information fraction reached.
    time: f64,
    /// Places (ascending) with the probability they stand for.
    mass: Vec<(f64, f64)>,
}

impl Walk {
    pub fn new(drift: f64) -> Self {
        Self::from(drift, 0.0, 0.0)
    }

    /// Known to be at `place` at `time`.
    pub fn from(drift: f64, time: f64, place: f64) -> Self {
        Self { drift, origin: (time, place), time, mass: vec![(place, 1.0)] }
    }

    /// P(Z at `time` > `z`, within the boundaries until then).
    pub fn above(&self, time: f64, z: f64) -> f64 {
        self.tail(time, z, -1.0)
    }

    /// P(Z at `time` < `z`, within the boundaries until then).
    pub fn below(&self, time: f64, z: f64) -> f64 {
        self.tail(time, z, 1.0)
    }

    fn tail(&self, time: f64, z: f64, side: f64) -> f64 {
        if z.is_infinite() {
            return if z * side > 0.0 { self.total() } else { 0.0 };
        }
        let step = time - self.time;
        let (target, scale) = (z * time.sqrt() - self.drift * step, step.sqrt());
        self.mass.iter().map(|(place, mass)| mass * normal_cdf(side * (target - place) / scale)).sum()
    }

    pub fn total(&self) -> f64 {
        self.mass.iter().map(|(_, mass)| mass).sum()
    }

    /// The z at `time` above which `probability` lies; infinite for none.
    pub fn upper(&self, time: f64, probability: f64) -> f64 {
        self.bound(probability, |z| self.above(time, z), f64::INFINITY)
    }

    /// The z at `time` below which `probability` lies; minus infinite for none.
    pub fn lower(&self, time: f64, probability: f64) -> f64 {
        -self.bound(probability, |z| self.below(time, -z), f64::INFINITY)
    }

    /// Where the falling `tail` has this probability.
    fn bound(&self, probability: f64, tail: impl Fn(f64) -> f64, none: f64) -> f64 {
        if probability.is_nan() || probability <= 1e-250 {
            return none;
        }
        if probability >= self.total() {
            return -none;
        }
        // On the logarithm the tail is near a parabola, and tiny probabilities are not lost.
        let excess = |z: f64| tail(z).max(1e-290).ln() - probability.ln();
        let (mut low, mut high) = (-1.0, 1.0);
        while excess(low) < 0.0 {
            low *= 2.0;
        }
        while excess(high) > 0.0 {
            high *= 2.0;
        }
        zeroin(excess, (low, excess(low)), (high, excess(high)), 1e-14)
    }

    /// Goes to `time`, keeping what is between `lower` and `upper`; `next` is the information fraction after it, if any.
    pub fn advance(&mut self, time: f64, lower: f64, upper: f64, next: Option<f64>) {
        let step = time - self.time;
        let scale = step.sqrt();
        let finest = next.map_or(scale, |next| scale.min((next - time).sqrt()));
        let (least, greatest) = self.range(time);
        let from = (lower * time.sqrt()).max(least);
        let to = (upper * time.sqrt()).min(greatest);
        let mut mass = Vec::new();
        if to > from {
            let panels = ((to - from) / (2.0 * finest)).ceil().max(1.0);
            let width = (to - from) / panels;
            let mut panel = 0.0;
            while panel < panels {
                let middle = from + width * (panel + 0.5);
                for &(node, weight) in gauss_legendre().iter().rev() {
                    let place = middle + node * width / 2.0;
                    mass.push((place, weight * width / 2.0 * self.density(place, step, scale)));
                }
                panel += 1.0;
            }
        }
        self.mass = mass;
        self.time = time;
    }

    /// Where the process can be at `time`, boundaries or not.
    fn range(&self, time: f64) -> (f64, f64) {
        let passed = time - self.origin.0;
        let (middle, reach) = (self.origin.1 + self.drift * passed, TAIL * passed.sqrt());
        (middle - reach, middle + reach)
    }

    fn density(&self, place: f64, step: f64, scale: f64) -> f64 {
        let target = place - self.drift * step;
        let reach = TAIL * scale;
        let first = self.mass.partition_point(|(p, _)| *p < target - reach);
        let near = self.mass[first..].iter().take_while(|(p, _)| *p <= target + reach);
        near.map(|(p, mass)| mass * normal_density((target - p) / scale)).sum::<f64>() / scale
    }
}
