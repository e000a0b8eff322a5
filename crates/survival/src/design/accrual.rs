//! Subjects and events expected over calendar time: piecewise accrual, piecewise exponential survival, dropout.
//!
//! Never simulates and never integrates numerically: between two changes of a rate everything is an exponential. Lachin &
//! Foulkes, Biometrics 1986;42:507-519. R: `rpact::getEventProbabilities`, `gsDesign::eEvents`.

use super::{check_positive, events};
use crate::Error;
use crate::root::uniroot;
use serde::Serialize;

/// A rate that is constant between times, the last one for ever.
///
/// ```
/// use survival::design::accrual::Rate;
/// let hazard = Rate::piecewise(&[0.0, 6.0], &[0.1, 0.05])?;
/// assert_eq!(hazard.at(7.0), 0.05);
/// assert!((hazard.cumulative(8.0) - 0.7).abs() < 1e-15);
/// # Ok::<(), survival::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rate {
    /// Where each piece begins; the first at 0.
    starts: Vec<f64>,
    rates: Vec<f64>,
}

impl Rate {
    /// No rate at all: nobody drops out.
    pub fn none() -> Self {
        Self { starts: vec![0.0], rates: vec![0.0] }
    }

    /// One rate. Errors: negative or not finite.
    pub fn constant(rate: f64) -> Result<Self, Error> {
        Self::piecewise(&[0.0], &[rate])
    }

    /// The hazard of an exponential time with this median. Errors: not above 0.
    pub fn of_median(median: f64) -> Result<Self, Error> {
        check_positive("median", median)?;
        Self::constant(std::f64::consts::LN_2 / median)
    }

    /// The hazard that leaves `share` of all (0 to 1) by `time`. R: `-log(1 - share) / time`.
    ///
    /// Errors: a time not above 0, a share outside 0 to 1.
    pub fn of_share(share: f64, time: f64) -> Result<Self, Error> {
        check_positive("time", time)?;
        if !(0.0..1.0).contains(&share) {
            return Err(Error::OutOfRange {
                what: "share",
                found: share,
                allowed: "a share from 0 to below 1 is needed",
            });
        }
        Self::constant(-(-share).ln_1p() / time)
    }

    /// `rates[i]` from `starts[i]` to the next start. Errors: lengths differ; the first start is not 0; starts that do not
    /// grow; a rate that is negative or not finite.
    pub fn piecewise(starts: &[f64], rates: &[f64]) -> Result<Self, Error> {
        crate::observations::check_length("rates", starts.len(), rates.len())?;
        crate::observations::check_finite("starts", starts.len(), starts)?;
        if starts.first() != Some(&0.0) {
            let found = starts.first().copied().unwrap_or(f64::NAN);
            return Err(Error::OutOfRange {
                what: "starts",
                found,
                allowed: "the first piece must begin at 0",
            });
        }
        if let Some(pair) = starts.windows(2).find(|pair| pair[0] >= pair[1]) {
            let allowed = "each piece must begin later than the one before";
            return Err(Error::OutOfRange { what: "starts", found: pair[1], allowed });
        }
        if let Some(&found) = rates.iter().find(|r| !(**r >= 0.0 && r.is_finite())) {
            return Err(Error::OutOfRange {
                what: "rates",
                found,
                allowed: "a finite rate, zero or above, is needed",
            });
        }
        Ok(Self { starts: starts.to_vec(), rates: rates.to_vec() })
    }

    /// The rate from `time` on.
    pub fn at(&self, time: f64) -> f64 {
        self.rates[self.starts.iter().rposition(|s| *s <= time).unwrap_or(0)]
    }

    /// Its integral from 0 to `time`.
    pub fn cumulative(&self, time: f64) -> f64 {
        self.pieces(time).map(|(from, to, rate)| rate * (to - from)).sum()
    }

    /// The same rate times a factor: another arm under proportional hazards. Errors: a factor not above 0.
    pub fn times(&self, factor: f64) -> Result<Self, Error> {
        check_positive("factor", factor)?;
        Ok(Self { starts: self.starts.clone(), rates: self.rates.iter().map(|r| r * factor).collect() })
    }

    /// The pieces (from, to, rate) up to `time`.
    fn pieces(&self, time: f64) -> impl Iterator<Item = (f64, f64, f64)> {
        let ends = self.starts[1..].iter().copied().chain(std::iter::once(f64::INFINITY));
        let pieces = self.starts.iter().zip(ends).zip(&self.rates);
        pieces
            .map(move |((&from, to), &rate)| (from, to.min(time), rate))
            .take_while(|(from, to, _)| from < to)
    }

    pub(super) fn starts(&self) -> &[f64] {
        &self.starts
    }
}

/// When subjects come: `rate` subjects a unit of time, for `duration`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Accrual {
    rate: Rate,
    duration: f64,
}

impl Accrual {
    /// Accrual at a rate for a duration. Errors: a duration not above 0; nobody comes.
    pub fn new(rate: Rate, duration: f64) -> Result<Self, Error> {
        check_positive("duration", duration)?;
        check_positive("accrual", rate.cumulative(duration))?;
        Ok(Self { rate, duration })
    }

    /// `subjects` in all, evenly over a duration. Errors: either not above 0.
    pub fn uniform(subjects: f64, duration: f64) -> Result<Self, Error> {
        check_positive("subjects", subjects)?;
        check_positive("duration", duration)?;
        Self::new(Rate::constant(subjects / duration)?, duration)
    }

    /// Subjects in all.
    pub fn subjects(&self) -> f64 {
        self.rate.cumulative(self.duration)
    }

    /// Subjects that came by calendar time `time`.
    pub fn by(&self, time: f64) -> f64 {
        self.rate.cumulative(time.clamp(0.0, self.duration))
    }

    /// How long accrual lasts.
    pub fn duration(&self) -> f64 {
        self.duration
    }

    /// The same course with `subjects` in all.
    pub(super) fn scaled_to(&self, subjects: f64) -> Result<Self, Error> {
        Self::new(self.rate.times(subjects / self.subjects())?, self.duration)
    }

    pub(super) fn rate(&self) -> &Rate {
        &self.rate
    }
}

/// What happens to the subjects of an arm.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Arm {
    /// Hazard of the event.
    pub hazard: Rate,
    /// Hazard of being lost; independent of the event.
    pub dropout: Rate,
}

impl Arm {
    /// The probability that the event is seen within `time` of entry: it happens, and the subject was not lost before.
    ///
    /// ```
    /// use survival::design::accrual::{Arm, Rate};
    /// let arm = Arm { hazard: Rate::constant(0.1)?, dropout: Rate::constant(0.02)? };
    /// // R: 0.1 / 0.12 * (1 - exp(-0.12 * 10))
    /// assert!((arm.event_probability(10.0) - 0.582_338_156_740).abs() < 1e-11);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn event_probability(&self, time: f64) -> f64 {
        self.probability_and_integral(time, time).0
    }

    /// The probability to be neither lost nor to have had the event at `time` after entry.
    pub fn at_risk(&self, time: f64) -> f64 {
        (-self.hazard.cumulative(time) - self.dropout.cumulative(time)).exp()
    }

    /// The probability of an event by `time`, and its integral from `since` to `time`.
    fn probability_and_integral(&self, since: f64, time: f64) -> (f64, f64) {
        if time <= 0.0 {
            return (0.0, 0.0);
        }
        let mut cuts: Vec<f64> = self.hazard.starts().iter().chain(self.dropout.starts()).copied().collect();
        cuts.push(since);
        cuts.retain(|c| (0.0..time).contains(c));
        cuts.push(time);
        cuts.sort_unstable_by(f64::total_cmp);
        let (mut probability, mut integral) = (0.0, 0.0);
        for pair in cuts.windows(2) {
            let (from, span) = (pair[0], pair[1] - pair[0]);
            let hazard = self.hazard.at(from);
            let leaving = hazard + self.dropout.at(from);
            let share = self.at_risk(from) * hazard;
            if from >= since {
                integral += probability * span + share * span * span * second(leaving * span);
            }
            probability += share * span * first(leaving * span);
        }
        (probability, integral)
    }

    /// Events expected by calendar time `time` if everybody who comes is in this arm.
    pub fn events_by(&self, accrual: &Accrual, time: f64) -> f64 {
        let pieces = accrual.rate.pieces(accrual.duration.min(time));
        pieces.map(|(from, to, rate)| rate * self.probability_and_integral(time - to, time - from).1).sum()
    }
}

/// (1 - exp(-x)) / x.
fn first(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { -(-x).exp_m1() / x }
}

/// (x - (1 - exp(-x))) / x^2.
fn second(x: f64) -> f64 {
    if x > 0.1 {
        return (1.0 - first(x)) / x;
    }
    // 1/2 - x/6 + x^2/24 - ...: the quotient loses digits here.
    let (mut term, mut sum) = (0.5, 0.0);
    for k in 3..20 {
        sum += term;
        term *= -x / f64::from(k);
    }
    sum
}

/// A trial of two arms.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trial {
    /// Both arms together.
    pub accrual: Accrual,
    /// The control arm.
    pub control: Arm,
    /// The experimental arm.
    pub experimental: Arm,
    /// Subjects of the experimental arm for each of the control arm.
    pub allocation: f64,
}

/// Expected counts by arm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Expected {
    /// In the control arm.
    pub control: f64,
    /// In the experimental arm.
    pub experimental: f64,
}

impl Expected {
    /// In both arms.
    pub fn total(&self) -> f64 {
        self.control + self.experimental
    }
}

impl Trial {
    /// A trial under proportional hazards: the experimental hazard is the control's times `hazard_ratio`, dropout alike.
    ///
    /// Errors: a hazard ratio or an allocation not above 0.
    pub fn proportional(
        accrual: Accrual,
        control: Arm,
        hazard_ratio: f64,
        allocation: f64,
    ) -> Result<Self, Error> {
        check_positive("allocation", allocation)?;
        let experimental =
            Arm { hazard: control.hazard.times(hazard_ratio)?, dropout: control.dropout.clone() };
        Ok(Self { accrual, control, experimental, allocation })
    }

    /// The part of subjects in the experimental arm.
    pub(super) fn share(&self) -> f64 {
        self.allocation / (1.0 + self.allocation)
    }

    /// Events expected by calendar time `time`.
    ///
    /// ```
    /// use survival::design::accrual::{Accrual, Arm, Rate, Trial};
    /// let control = Arm { hazard: Rate::of_median(12.0)?, dropout: Rate::none() };
    /// let trial = Trial::proportional(Accrual::uniform(100.0, 12.0)?, control, 0.5, 1.0)?;
    /// // R: 100 * rpact::getEventProbabilities(24, accrualTime = c(0, 12), maxNumberOfSubjects = 100, lambda2 = log(2) / 12,
    /// //                                       hazardRatio = 0.5)$overallEventProbabilities
    /// assert!((trial.events_by(24.0).total() - 52.087_119_373_7).abs() < 1e-8);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn events_by(&self, time: f64) -> Expected {
        let share = self.share();
        Expected {
            control: (1.0 - share) * self.control.events_by(&self.accrual, time),
            experimental: share * self.experimental.events_by(&self.accrual, time),
        }
    }

    /// When this many events are expected. Errors: more than will ever be seen.
    ///
    /// R: `rpact::getSampleSizeSurvival(..)$analysisTime`.
    ///
    /// ```
    /// use survival::design::accrual::{Accrual, Arm, Rate, Trial};
    /// let control = Arm { hazard: Rate::of_median(12.0)?, dropout: Rate::none() };
    /// let trial = Trial::proportional(Accrual::uniform(127.059_713_175_584, 12.0)?, control, 0.5, 1.0)?;
    /// // R: rpact::getSampleSizeSurvival(getDesignGroupSequential(kMax = 3, typeOfDesign = "asOF", beta = 0.2),
    /// //    hazardRatio = 0.5, lambda2 = log(2) / 12, accrualTime = c(0, 12), followUpTime = 12)$analysisTime[2]
    /// assert!((trial.time_of(44.121_162_985_062)? - 16.366_811).abs() < 1e-5);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn time_of(&self, events: f64) -> Result<f64, Error> {
        check_positive("events", events)?;
        let excess = |time: f64| self.events_by(time).total() - events;
        let mut end = self.accrual.duration;
        // Beyond this many durations the subjects' entries can no longer be told apart.
        for _ in 0..30 {
            if excess(end) >= 0.0 {
                return uniroot(excess, 0.0, end, 1e-12 * end).ok_or_else(|| self.never(events));
            }
            end *= 2.0;
        }
        Err(self.never(events))
    }

    fn never(&self, events: f64) -> Error {
        let most = self.events_by(1e6 * self.accrual.duration).total();
        let why = format!("{:.1} subjects will have {most:.1} events at most", self.accrual.subjects());
        Error::NotEstimable { what: format!("the time of {events:.1} events"), why }
    }

    /// Power of the log-rank test at calendar time `time` by Schoenfeld or Freedman, for proportional hazards.
    ///
    /// `hazard_ratio` is given because the arms need not be proportional; `alpha` is one-sided. Errors: as
    /// [`events::power`].
    ///
    /// ```
    /// use survival::design::{accrual::{Accrual, Arm, Rate, Trial}, events::Formula};
    /// let control = Arm { hazard: Rate::of_median(12.0)?, dropout: Rate::none() };
    /// let trial = Trial::proportional(Accrual::uniform(125.454_546_238, 12.0)?, control, 0.5, 1.0)?;
    /// // R: the number of subjects that rpact::getSampleSizeSurvival gives for power 0.8
    /// assert!((trial.power_at(24.0, Formula::Schoenfeld, 0.5, 0.025)? - 0.8).abs() < 1e-9);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn power_at(
        &self,
        time: f64,
        formula: events::Formula,
        hazard_ratio: f64,
        alpha: f64,
    ) -> Result<f64, Error> {
        events::power(formula, hazard_ratio, alpha, self.events_by(time).total(), self.allocation)
    }
}
