//! Two groups, millions of times over: the log-rank test and the hazard ratio of samples that a simulation draws.
//!
//! Never allocates once its table has grown to the largest sample, and never sorts: a [`Mark`] is a whole number, which the
//! caller's own `sort_unstable` puts in order. The numbers are those of [`crate::logrank`] and [`crate::cox`], which take any
//! data and check them; here nothing is checked that the type does not hold. Mantel 1966; Cox 1972; Efron 1977.

use crate::cox::Ties;
use crate::logrank::FlemingHarrington;

/// The bits of a time that hold its flags.
const FLAGS: u64 = 0b11;
const EVENT: u64 = 0b10;
const SECOND: u64 = 0b01;

/// A subject in eight bytes: time, whether its end is an event, and whether it is of the second group.
///
/// Marks sort by time. The two lowest bits of the time make room for the flags, so that a time is held to one part in 2^50 and
/// two times nearer than that are one.
///
/// ```
/// use survival::two_groups::Mark;
/// let mut marks = [Mark::new(3.0, false, true), Mark::new(1.5, true, false)];
/// marks.sort_unstable();
/// assert_eq!((marks[0].time(), marks[0].is_event(), marks[0].is_second()), (1.5, true, false));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

impl Mark {
    /// A subject. A time below 0 or NaN counts as 0; infinity is later than every other.
    #[inline]
    pub fn new(time: f64, event: bool, second: bool) -> Self {
        // Bits of floats that are not negative are in the order of the floats; adding 0 takes the sign off -0.
        let bits = (time.max(0.0) + 0.0).to_bits();
        Self(bits & !FLAGS | u64::from(event) << 1 | u64::from(second))
    }

    /// The time, to one part in 2^50.
    #[inline]
    pub fn time(self) -> f64 {
        f64::from_bits(self.0 & !FLAGS)
    }

    /// Whether the event was seen; else it is a censoring.
    #[inline]
    pub fn is_event(self) -> bool {
        self.0 & EVENT != 0
    }

    /// Whether the subject is of the second group.
    #[inline]
    pub fn is_second(self) -> bool {
        self.0 & SECOND != 0
    }

    #[inline]
    fn same_time(self, other: Self) -> bool {
        (self.0 ^ other.0) & !FLAGS == 0
    }
}

/// An event time: who is at risk just before it, and who has the event.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Row {
    /// By group.
    at_risk: [f64; 2],
    deaths: [f64; 2],
    /// The first event time of its stratum.
    opens: bool,
}

/// Observed and expected events of the second group, summed over strata.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    /// Events seen in the second group; weighted where a weight was asked for.
    pub observed: f64,
    /// Events expected there if the groups did not differ.
    pub expected: f64,
    /// Variance of observed - expected.
    pub variance: f64,
}

impl Contrast {
    /// Standard normal statistic: above 0 where the second group had more events than expected. `None` without variance.
    #[inline]
    pub fn z(&self) -> Option<f64> {
        (self.variance > 0.0).then(|| (self.observed - self.expected) / self.variance.sqrt())
    }
}

/// The logarithm of the hazard ratio, second group over first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogHazardRatio {
    /// The maximum of the partial likelihood.
    pub estimate: f64,
    /// From the information there.
    pub std_err: f64,
    /// Newton steps taken.
    pub iterations: u32,
}

/// The event times of a sample, stratum by stratum, from which its tests are computed. Keep one and clear it.
///
/// ```
/// use survival::two_groups::{Mark, RiskTable};
/// let mut marks = [1.0, 2.0, 3.0, 4.0].map(|t| Mark::new(t, t < 2.5, t > 2.5));
/// marks.sort_unstable();
/// let mut table = RiskTable::default();
/// table.add(&marks);
/// let test = table.log_rank();
/// assert_eq!(test.observed, 0.0);
/// assert!((test.z().unwrap().powi(2) - 2.882_352_941_176).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Default)]
pub struct RiskTable {
    rows: Vec<Row>,
}

impl RiskTable {
    /// Takes every stratum out and keeps the room.
    pub fn clear(&mut self) {
        self.rows.clear();
    }

    /// Adds a stratum, whose marks are in ascending order. What is not is counted as if it were: sort first.
    pub fn add(&mut self, sorted: &[Mark]) {
        debug_assert!(sorted.is_sorted(), "marks are sorted first");
        let second = sorted.iter().filter(|mark| mark.is_second()).count();
        let mut at_risk = [(sorted.len() - second) as f64, second as f64];
        let mut opens = true;
        let mut position = 0;
        while let Some(&first) = sorted.get(position) {
            let (mut deaths, mut leaving) = ([0.0; 2], [0.0; 2]);
            while let Some(&mark) = sorted.get(position).filter(|mark| mark.same_time(first)) {
                let group = usize::from(mark.is_second());
                leaving[group] += 1.0;
                deaths[group] += f64::from(u8::from(mark.is_event()));
                position += 1;
            }
            if deaths[0] + deaths[1] > 0.0 {
                self.rows.push(Row { at_risk, deaths, opens });
                opens = false;
            }
            at_risk = [at_risk[0] - leaving[0], at_risk[1] - leaving[1]];
        }
    }

    /// Events of both groups.
    pub fn events(&self) -> f64 {
        self.rows.iter().map(|row| row.deaths[0] + row.deaths[1]).sum()
    }

    /// The log-rank test, stratified where strata were added apart. R: `survdiff(Surv(time, event) ~ group + strata(s))`.
    pub fn log_rank(&self) -> Contrast {
        let mut sum = Contrast { observed: 0.0, expected: 0.0, variance: 0.0 };
        for row in &self.rows {
            let (share, deaths, spread) = row.terms();
            sum.observed += row.deaths[1];
            sum.expected += deaths * share;
            sum.variance += spread;
        }
        sum
    }

    /// The Fleming-Harrington test: weights by the pooled survival of each stratum just before its event times.
    pub fn weighted(&self, weight: FlemingHarrington) -> Contrast {
        let mut sum = Contrast { observed: 0.0, expected: 0.0, variance: 0.0 };
        let mut surv = 1.0;
        for row in &self.rows {
            if row.opens {
                surv = 1.0;
            }
            let w = weight.weight(surv);
            let (share, deaths, spread) = row.terms();
            sum.observed += w * row.deaths[1];
            sum.expected += w * deaths * share;
            sum.variance += w * w * spread;
            surv *= 1.0 - deaths / (row.at_risk[0] + row.at_risk[1]);
        }
        sum
    }

    /// The Cox model with the group as its one covariate, stratified where strata were added apart.
    ///
    /// `None` where the partial likelihood has no maximum: no event while both groups are at risk, or all of them in one
    /// group. Exact ties are not offered; they are taken as Efron's. R: `coxph(Surv(time, event) ~ group + strata(s))`.
    pub fn cox(&self, ties: Ties) -> Option<LogHazardRatio> {
        const MOST_STEPS: u32 = 50;
        let both = || self.rows.iter().filter(|row| row.at_risk[0] > 0.0 && row.at_risk[1] > 0.0);
        let of = |group: usize| both().any(|row| row.deaths[group] > 0.0);
        if !(of(0) && of(1)) {
            return None;
        }
        let mut estimate = 0.0;
        let mut reach = 2.0;
        let mut before = f64::INFINITY;
        for iterations in 1..=MOST_STEPS {
            let (score, information) = self.derivatives(estimate, ties);
            if information.is_nan() || information <= 0.0 {
                return None;
            }
            // The score falls in the estimate, so a sign that turned means the last step was too long.
            if score.abs() > before {
                reach *= 0.5;
            }
            before = score.abs();
            let step = (score / information).clamp(-reach, reach);
            estimate += step;
            if step.abs() <= 1e-9 * (1.0 + estimate.abs()) {
                // Newton's error is squared by a step: there is nothing left of it.
                return Some(LogHazardRatio { estimate, std_err: information.sqrt().recip(), iterations });
            }
        }
        None
    }

    /// First derivative of the log partial likelihood, and minus the second.
    fn derivatives(&self, log_ratio: f64, ties: Ties) -> (f64, f64) {
        // Of a library, so that the last bit is the same on every machine.
        let ratio = libm::exp(log_ratio);
        let (mut score, mut information) = (0.0, 0.0);
        let mut take = |first: f64, second: f64, times: f64| {
            let share = ratio * second / (first + ratio * second);
            score -= times * share;
            information += times * share * (1.0 - share);
        };
        for row in &self.rows {
            let ([first, second], [of_first, of_second]) = (row.at_risk, row.deaths);
            let deaths = of_first + of_second;
            if deaths == 1.0 || ties == Ties::Breslow {
                take(first, second, deaths);
            } else {
                let mut gone = 0.0;
                while gone < deaths {
                    let part = gone / deaths;
                    take(first - part * of_first, second - part * of_second, 1.0);
                    gone += 1.0;
                }
            }
        }
        (score + self.rows.iter().map(|row| row.deaths[1]).sum::<f64>(), information)
    }
}

impl Row {
    /// The second group's share of those at risk, the events, and the hypergeometric variance.
    #[inline]
    fn terms(&self) -> (f64, f64, f64) {
        let n = self.at_risk[0] + self.at_risk[1];
        let deaths = self.deaths[0] + self.deaths[1];
        let share = self.at_risk[1] / n;
        let one = share * (1.0 - share);
        // Most times have one event, and then the correction for several is 1.
        let spread = if deaths == 1.0 { one } else { deaths * one * (n - deaths) / (n - 1.0) };
        (share, deaths, spread)
    }
}
