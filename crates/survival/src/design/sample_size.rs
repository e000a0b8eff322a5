//! How many subjects a trial needs for the log-rank test, given how they come, how events happen and who is lost.
//!
//! Never assumes proportional hazards for [`lakatos`]. The course of accrual is kept and its height is solved for. Lachin &
//! Foulkes, Biometrics 1986;42:507-519; Lakatos, Biometrics 1988;44:229-241. R: `rpact::getSampleSizeSurvival`,
//! `gsDesign::nSurv`; SAS: PROC POWER TWOSAMPLESURVIVAL.

use super::accrual::{Accrual, Trial};
use super::events::{self, Formula};
use super::{check_positive, check_probability, quantile_sum};
use crate::Error;
use crate::distribution::{normal_cdf, normal_quantile};
use serde::Serialize;

/// A size that gives the power asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SampleSize {
    /// Subjects in both arms; not rounded.
    pub subjects: f64,
    /// Events expected at the end; not rounded.
    pub events: f64,
}

/// Subjects whose events by the end of the trial are those that Schoenfeld or Freedman ask for.
///
/// `trial` gives the course of accrual (its height is ignored) and the arms; `hazard_ratio` is that of the formula; `end` the
/// calendar time of the analysis. R: `rpact::getSampleSizeSurvival(accrualTime, followUpTime, lambda2, hazardRatio,
/// dropoutRate1, ..)$maxNumberOfSubjects`. Errors: as [`events::events`]; no event by the end.
///
/// ```
/// use survival::design::{accrual::{Accrual, Arm, Rate, Trial}, events::Formula, sample_size::by_events};
/// let control = Arm { hazard: Rate::of_median(12.0)?, dropout: Rate::none() };
/// let trial = Trial::proportional(Accrual::uniform(1.0, 12.0)?, control, 0.5, 1.0)?;
/// let size = by_events(&trial, 24.0, Formula::Schoenfeld, 0.5, 0.025, 0.8)?;
/// // R: rpact::getSampleSizeSurvival(hazardRatio = 0.5, lambda2 = log(2) / 12, accrualTime = c(0, 12), followUpTime = 12)
/// assert!((size.subjects - 125.454_546_238).abs() < 1e-8);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn by_events(
    trial: &Trial,
    end: f64,
    formula: Formula,
    hazard_ratio: f64,
    alpha: f64,
    power: f64,
) -> Result<SampleSize, Error> {
    let needed = events::events(formula, hazard_ratio, alpha, power, trial.allocation)?;
    let seen = some_events(trial, end)?;
    Ok(SampleSize { subjects: trial.accrual.subjects() * needed / seen, events: needed })
}

/// Subjects by Lachin and Foulkes: the logarithm of the hazard ratio, with its variance under both hypotheses.
///
/// For proportional hazards; the null hypothesis gives both arms the mean of the hazards, weighted by the allocation.
/// Arguments as [`by_events`]. R: `gsDesign::nSurv(lambdaC, hr, eta, gamma, R, S, T, minfup, ratio)`. Errors: as [`by_events`].
///
/// ```
/// use survival::design::{accrual::{Accrual, Arm, Rate, Trial}, sample_size::lachin_foulkes};
/// let control = Arm { hazard: Rate::constant(0.2)?, dropout: Rate::constant(0.1)? };
/// let trial = Trial::proportional(Accrual::uniform(1.0, 0.5)?, control, 0.5, 2.0)?;
/// let size = lachin_foulkes(&trial, 2.0, 0.5, 0.025, 0.9)?;
/// // R: gsDesign::nSurvival(lambda1 = 0.2, lambda2 = 0.1, eta = 0.1, Ts = 2, Tr = 0.5, alpha = 0.025, ratio = 2)
/// assert!((size.events - 93.4).abs() < 0.1);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn lachin_foulkes(
    trial: &Trial,
    end: f64,
    hazard_ratio: f64,
    alpha: f64,
    power: f64,
) -> Result<SampleSize, Error> {
    check_positive("hazard_ratio", hazard_ratio)?;
    let (seen, null) = (trial.events_by(end), null_trial(trial, hazard_ratio)?.events_by(end));
    let total = some_events(trial, end)?;
    quantile_sum(alpha, power)?;
    if hazard_ratio == 1.0 {
        let allowed = "a hazard ratio of 1 is no effect: no number of subjects gives power";
        return Err(Error::OutOfRange { what: "hazard_ratio", found: hazard_ratio, allowed });
    }
    let deviation = |e: super::accrual::Expected| (1.0 / e.control + 1.0 / e.experimental).sqrt();
    let sum = normal_quantile(1.0 - alpha) * deviation(null) + normal_quantile(power) * deviation(seen);
    let factor = (sum / hazard_ratio.ln()).powi(2);
    Ok(SampleSize { subjects: trial.accrual.subjects() * factor, events: total * factor })
}

/// Power by Lachin and Foulkes of the trial as it is, its accrual's height included.
///
/// Arguments and R as [`lachin_foulkes`] (`gsDesign::nSurv(.., beta = NULL)`). Errors: as [`by_events`].
///
/// ```
/// use survival::design::{accrual::{Accrual, Arm, Rate, Trial}, sample_size::{accrual_of, lachin_foulkes, lachin_foulkes_power}};
/// let control = Arm { hazard: Rate::constant(0.2)?, dropout: Rate::constant(0.1)? };
/// let trial = Trial::proportional(Accrual::uniform(1.0, 0.5)?, control, 0.5, 2.0)?;
/// let size = lachin_foulkes(&trial, 2.0, 0.5, 0.025, 0.9)?;
/// let trial = Trial { accrual: accrual_of(&trial, &size)?, ..trial };
/// assert!((lachin_foulkes_power(&trial, 2.0, 0.5, 0.025)? - 0.9).abs() < 1e-12);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn lachin_foulkes_power(trial: &Trial, end: f64, hazard_ratio: f64, alpha: f64) -> Result<f64, Error> {
    check_positive("hazard_ratio", hazard_ratio)?;
    check_probability("alpha", alpha)?;
    some_events(trial, end)?;
    let (seen, null) = (trial.events_by(end), null_trial(trial, hazard_ratio)?.events_by(end));
    let deviation = |e: super::accrual::Expected| (1.0 / e.control + 1.0 / e.experimental).sqrt();
    Ok(normal_cdf(
        (hazard_ratio.ln().abs() - normal_quantile(1.0 - alpha) * deviation(null)) / deviation(seen),
    ))
}

/// Both arms at the mean hazard.
fn null_trial(trial: &Trial, hazard_ratio: f64) -> Result<Trial, Error> {
    let mean = (1.0 + hazard_ratio * trial.allocation) / (1.0 + trial.allocation);
    let mut null = trial.clone();
    null.control.hazard = trial.control.hazard.times(mean)?;
    null.experimental.hazard = null.control.hazard.clone();
    Ok(null)
}

/// How finely [`lakatos`] follows the trial.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Steps {
    /// The limit of ever finer steps, by Gauss-Legendre quadrature between the changes of the rates.
    #[default]
    Limit,
    /// So many equal steps a unit of time, as Lakatos published it and SAS computes it (there 12 is usual).
    PerUnit(f64),
}

/// Subjects by Lakatos: the expected log-rank statistic and its variance, step by step; hazards of any course.
///
/// `trial` gives the course of accrual (its height is ignored) and the arms, whose hazards need not be proportional (a delayed
/// effect, a cure); `end` the calendar time of the analysis; `alpha` one-sided. SAS: `proc power; twosamplesurvival
/// test=logrank` (for uniform accrual). Errors: no event by the end; no difference between the arms; an end before accrual
/// is over, with [`Steps::PerUnit`].
///
/// ```
/// use survival::design::{accrual::{Accrual, Arm, Rate, Trial}, sample_size::{Steps, lakatos}};
/// // An effect that sets in after three months.
/// let control = Arm { hazard: Rate::constant(0.06)?, dropout: Rate::constant(0.01)? };
/// let late = Rate::piecewise(&[0.0, 3.0], &[0.06, 0.03])?;
/// let experimental = Arm { hazard: late, dropout: control.dropout.clone() };
/// let trial = Trial { accrual: Accrual::uniform(1.0, 24.0)?, control, experimental, allocation: 1.0 };
/// let size = lakatos(&trial, 36.0, 0.025, 0.8, Steps::PerUnit(12.0))?;
/// // R: the sums of SAS's manual, in tests/data/design/make.R
/// assert!((size.subjects - 216.953_024_120).abs() < 1e-6);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn lakatos(trial: &Trial, end: f64, alpha: f64, power: f64, steps: Steps) -> Result<SampleSize, Error> {
    check_positive("end", end)?;
    let sum = quantile_sum(alpha, power)?;
    some_events(trial, end)?;
    let moments = match steps {
        Steps::Limit => Moments::limit(trial, end),
        Steps::PerUnit(per_unit) => Moments::stepped(trial, end, per_unit)?,
    };
    if moments.mean.is_nan() || moments.mean.abs() <= 1e-12 * moments.variance {
        return Err(Error::NotEstimable {
            what: "the number of subjects".to_owned(),
            why: "the log-rank test expects no difference between these arms".to_owned(),
        });
    }
    let subjects = sum * sum * moments.variance / moments.mean.powi(2);
    Ok(SampleSize { subjects, events: subjects * moments.events })
}

/// Power by Lakatos of the trial as it is, its accrual's height included, in the direction of the difference.
///
/// Arguments and errors as [`lakatos`].
///
/// ```
/// use survival::design::{accrual::{Accrual, Arm, Rate, Trial}, sample_size::{Steps, lakatos_power}};
/// let control = Arm { hazard: Rate::of_median(12.0)?, dropout: Rate::none() };
/// let trial = Trial::proportional(Accrual::uniform(126.0, 12.0)?, control, 0.5, 1.0)?;
/// // A little less than Schoenfeld's 0.80, for the risk sets drift apart.
/// let power = lakatos_power(&trial, 24.0, 0.025, Steps::Limit)?;
/// assert!(power > 0.75 && power < 0.80);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn lakatos_power(trial: &Trial, end: f64, alpha: f64, steps: Steps) -> Result<f64, Error> {
    check_positive("end", end)?;
    check_probability("alpha", alpha)?;
    some_events(trial, end)?;
    let moments = match steps {
        Steps::Limit => Moments::limit(trial, end),
        Steps::PerUnit(per_unit) => Moments::stepped(trial, end, per_unit)?,
    };
    let expected = moments.mean.abs() * (trial.accrual.by(end) / moments.variance).sqrt();
    Ok(normal_cdf(expected - normal_quantile(1.0 - alpha)))
}

/// Of the log-rank statistic, for one subject.
struct Moments {
    mean: f64,
    variance: f64,
    events: f64,
}

impl Moments {
    fn none() -> Self {
        Self { mean: 0.0, variance: 0.0, events: 0.0 }
    }

    /// Adds the events of a short time with these numbers at risk and hazards.
    fn add(&mut self, control: (f64, f64), experimental: (f64, f64), time: f64) {
        let (of_control, of_experimental) = (control.0 * control.1, experimental.0 * experimental.1);
        let events = (of_control + of_experimental) * time;
        let at_risk = control.0 + experimental.0;
        if at_risk > 0.0 {
            let share = experimental.0 / at_risk;
            self.mean += of_experimental * time - events * share;
            self.variance += events * share * (1.0 - share);
            self.events += events;
        }
    }

    fn limit(trial: &Trial, end: f64) -> Self {
        let (share, all) = (trial.share(), trial.accrual.by(end));
        let rates = [&trial.control, &trial.experimental]
            .map(|arm| [arm.hazard.starts(), arm.dropout.starts()].concat());
        let changes = trial.accrual.rate().starts().iter().copied().chain([trial.accrual.duration()]);
        let entered = changes.map(|t| end - t);
        let mut cuts: Vec<f64> = rates.concat().into_iter().chain(entered).chain([0.0, end]).collect();
        cuts.retain(|c| (0.0..=end).contains(c));
        cuts.sort_unstable_by(f64::total_cmp);
        cuts.dedup();
        let mut moments = Self::none();
        for pair in cuts.windows(2) {
            // Hazards change little within a unit of cumulative hazard.
            let fastest = trial.control.hazard.at(pair[0]).max(trial.experimental.hazard.at(pair[0]));
            let panels = ((pair[1] - pair[0]) * fastest * 2.0).ceil().clamp(2.0, 10_000.0);
            let width = (pair[1] - pair[0]) / panels;
            let mut from = pair[0];
            while from < pair[1] - width / 2.0 {
                for (node, weight) in super::sequential::gauss_legendre() {
                    let time = from + width * f64::midpoint(1.0, *node);
                    let followed = trial.accrual.by(end - time) / all;
                    let control = (1.0 - share) * followed * trial.control.at_risk(time);
                    let experimental = share * followed * trial.experimental.at_risk(time);
                    let hazards = (trial.control.hazard.at(time), trial.experimental.hazard.at(time));
                    moments.add((control, hazards.0), (experimental, hazards.1), weight * width / 2.0);
                }
                from += width;
            }
        }
        moments
    }

    fn stepped(trial: &Trial, end: f64, per_unit: f64) -> Result<Self, Error> {
        check_positive("steps per unit", per_unit)?;
        let follow_up = end - trial.accrual.duration();
        if follow_up < 0.0 {
            let allowed = "equal steps need an end after accrual is over: use Steps::Limit";
            return Err(Error::OutOfRange { what: "end", found: end, allowed });
        }
        let width = 1.0 / per_unit;
        let count = (end * per_unit + 1e-9).floor();
        let (mut control, mut experimental) = (1.0 - trial.share(), trial.share());
        let mut moments = Self::none();
        let mut step = 0.0;
        while step < count {
            let time = step / per_unit;
            let (of_control, of_experimental) = (&trial.control, &trial.experimental);
            moments.add(
                (control, of_control.hazard.at(time)),
                (experimental, of_experimental.hazard.at(time)),
                width,
            );
            let ended = if time > follow_up { width / (end - time) } else { 0.0 };
            let leave =
                |arm: &super::accrual::Arm| (arm.hazard.at(time) + arm.dropout.at(time)) * width + ended;
            control *= (1.0 - leave(of_control)).max(0.0);
            experimental *= (1.0 - leave(of_experimental)).max(0.0);
            step += 1.0;
        }
        Ok(moments)
    }
}

fn some_events(trial: &Trial, end: f64) -> Result<f64, Error> {
    check_positive("allocation", trial.allocation)?;
    let events = trial.events_by(end).total();
    if events > 0.0 && events.is_finite() {
        return Ok(events);
    }
    Err(Error::NotEstimable {
        what: "a sample size".to_owned(),
        why: format!("no event is expected by the end ({end})"),
    })
}

/// The accrual of the trial with this many subjects in all: the same course, another height.
///
/// Example: [`lachin_foulkes_power`]. Errors: no subjects.
pub fn accrual_of(trial: &Trial, size: &SampleSize) -> Result<Accrual, Error> {
    trial.accrual.scaled_to(size.subjects)
}
