//! Calibration: finds the rates of a scenario under which its simulated trials show, on average, what was published.
//!
//! Never judges a fit by the draws it was made with alone: what is reached is simulated once more with others. What is fitted
//! stands in the scenario's `[[targets]]`, each with its source; `docs/dry-run.md` tells how to read a fit.

mod solve;
#[cfg(test)]
mod tests;
mod whole;
mod write;

use rayon::prelude::*;
use serde::Serialize;
use survival::km::{ConfType, KaplanMeier};
use trial::protocol::Checked;

use crate::scenario::{ARMS, Parameter, Read, Scenario};
use crate::times::{Moments, Times};
use solve::{At, solve};

pub use write::write;

/// Trials that a thread takes at once; part of the answer's last bits.
const CHUNK: u64 = 250;
/// A median may stay unreached in so large a share of the trials: more, and a mean of the others means little.
const MOST_UNREACHED: f64 = 0.01;
/// Significant digits of what is found: more than any Monte Carlo error is worth.
const DIGITS: i32 = 4;

/// What is simulated to fit a scenario.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Everything that is drawn follows from it.
    pub seed: u64,
    /// Trials at each value that is tried.
    pub trials: u64,
    /// The protocol, where whole trials of it are to show what was published, in its primary endpoint as the program derives it; none:
    /// event times alone.
    pub whole: Option<&'a Checked>,
}

/// What was published and is to be shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// `control` or `experimental`.
    pub arm: &'static str,
    /// Median time to the event, as published.
    pub median: f64,
    /// Patients it was estimated from: so many has each simulated arm.
    pub patients: u32,
    /// Who published it.
    pub source: String,
}

/// Medians of simulated trials.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Shown {
    /// The mean of their medians.
    pub mean: f64,
    /// Its Monte Carlo standard error.
    pub std_err: f64,
    /// 95 % of the trials have their median between these.
    pub most: (f64, f64),
    /// Trials whose median was not reached; not in the mean.
    pub unreached: u64,
    /// Trials.
    pub trials: u64,
}

/// A fitted rate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fitted {
    /// What it was fitted to.
    pub target: Target,
    /// The key in the scenario file.
    pub parameter: &'static str,
    /// What it was.
    pub began: f64,
    /// What it showed.
    pub showed: Shown,
    /// What it is.
    pub found: f64,
    /// The error that Monte Carlo leaves in it.
    pub std_err: f64,
    /// What it shows, with the draws it was fitted with.
    pub reached: Shown,
    /// What it shows with other draws.
    pub confirmed: Shown,
    /// Values tried.
    pub tried: usize,
    #[serde(skip)]
    which: Parameter,
}

/// Why a scenario cannot be calibrated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing to fit.
    #[error("the scenario has no [[targets]]: what was published, as {EXAMPLE}")]
    NoTargets,
    /// A target that cannot be.
    #[error("targets[{place}]: {why}")]
    Target {
        /// From 0.
        place: usize,
        /// What was found, and what would be right.
        why: String,
    },
    /// A rate that the scenario does not state by one number.
    #[error("{0}")]
    Fixed(String),
    /// No value shows what was published.
    #[error(
        "{parameter} was tried from {least} to {most}, and the mean of the {arm} arm's medians went from {low:.3} to {high:.3}, \
         never to {target}"
    )]
    OutOfReach {
        /// The key.
        parameter: &'static str,
        /// Least value.
        least: f64,
        /// Greatest value.
        most: f64,
        /// The arm.
        arm: &'static str,
        /// At the least value.
        low: f64,
        /// At the greatest value.
        high: f64,
        /// The target.
        target: f64,
    },
    /// Followed too briefly.
    #[error(
        "the median of the {arm} arm is not reached in {unreached} of {trials} trials; a longer `follow_up` or a smaller dropout \
         would show it"
    )]
    Unreached {
        /// The arm.
        arm: &'static str,
        /// So many.
        unreached: u64,
        /// Of so many.
        trials: u64,
    },
    /// What was found could not be put into the file.
    #[error("{0}")]
    Write(String),
    /// Whole trials of the scenario cannot be played.
    #[error("whole trials of the scenario cannot be played: {0}")]
    Whole(String),
    /// Boundaries or curves that cannot be.
    #[error(transparent)]
    Statistics(#[from] survival::Error),
}

/// A target as a file may state it.
const EXAMPLE: &str = "[[targets]] arm = \"control\", median = 5.2, patients = 32, source = \"AVATAR\"";

/// The targets of a scenario, the control arm's first: the other one's rate is a multiple of it.
pub fn targets(read: &Read) -> Result<Vec<Target>, Error> {
    let mut targets: Vec<Target> = Vec::new();
    for (place, written) in read.file.targets.iter().enumerate() {
        let wrong = |why: String| Error::Target { place, why };
        let arm = ARMS.into_iter().find(|arm| *arm == written.arm);
        let arm = arm
            .ok_or_else(|| wrong(format!("arm = {:?}; use \"control\" or \"experimental\"", written.arm)))?;
        if targets.iter().any(|before| before.arm == arm) {
            return Err(wrong(format!("a second one for the {arm} arm; one number is fitted for each")));
        }
        if !(written.median > 0.0 && written.median < f64::MAX) {
            return Err(wrong(format!("median = {}; a number above 0 is needed", written.median)));
        }
        let patients = written.patients.unwrap_or(read.scenario.subjects / 2);
        if !(2..=100_000).contains(&patients) {
            return Err(wrong(format!("patients = {patients}; from 2 to 100000")));
        }
        targets.push(Target { arm, median: written.median, patients, source: written.source.clone() });
    }
    targets.sort_by_key(|target| target.arm);
    if targets.is_empty() { Err(Error::NoTargets) } else { Ok(targets) }
}

/// Fits the scenario's free rates to its targets: `control.median` to that of the control arm, then `effect.hazard_ratio` to
/// that of the experimental one. The same seed gives the same fit on any number of threads.
///
/// `tell` hears of each value that was tried: the parameter's key, the value, the mean it shows. Errors: no targets; a rate that
/// is not one number; a target out of reach; medians that are not reached.
pub fn fit(
    read: &Read,
    options: Options<'_>,
    tell: &mut dyn FnMut(&'static str, f64, f64),
) -> Result<Vec<Fitted>, Error> {
    let mut values: Vec<(Parameter, f64)> = Vec::new();
    let mut fitted = Vec::new();
    for target in targets(read)? {
        let one = one(read, &values, target, options, tell)?;
        values.push((one.which, one.found));
        fitted.push(one);
    }
    Ok(fitted)
}

fn one(
    read: &Read,
    before: &[(Parameter, f64)],
    target: Target,
    options: Options<'_>,
    tell: &mut dyn FnMut(&'static str, f64, f64),
) -> Result<Fitted, Error> {
    let control = target.arm == ARMS[0];
    let (which, key) = if control {
        (Parameter::Median, "control.median")
    } else {
        (Parameter::HazardRatio, "effect.hazard_ratio")
    };
    let began = began(read, which)?;
    let show = |value: f64, draws: Draws, trials: u64| -> Result<Shown, Error> {
        let with: Vec<_> = before.iter().copied().chain([(which, value)]).collect();
        let scenario = read.with(&with).map_err(Error::Fixed)?;
        let options = Options { trials, ..options };
        match options.whole {
            None => shown(scenario, usize::from(!control), &target, options, draws),
            Some(checked) => whole::shown(read, scenario, checked, &target, options, draws),
        }
    };
    let mut tried = 0;
    let mut last = None;
    let found = solve(
        began,
        // A longer median of the control arm is a longer one; a greater hazard ratio is a shorter one.
        control,
        target.median,
        |value| {
            tried += 1;
            let shown = show(value, Draws::Fit, options.trials)?;
            tell(key, value, shown.mean);
            last = Some(shown);
            Ok(At { mean: shown.mean, std_err: shown.std_err })
        },
        |(least, low), (most, high)| Error::OutOfReach {
            parameter: key,
            least,
            most,
            arm: target.arm,
            low,
            high,
            target: target.median,
        },
    )?;
    let rounded = significant(found.value);
    let reached = show(rounded, Draws::Fit, options.trials)?;
    let fitted = Fitted {
        parameter: key,
        began,
        showed: show(began, Draws::Fit, options.trials)?,
        found: rounded,
        std_err: reached.std_err / found.slope,
        reached,
        confirmed: show(rounded, Draws::Confirm, options.trials)?,
        tried,
        which,
        target,
    };
    let Shown { unreached, trials, .. } = fitted.reached;
    if unreached as f64 > MOST_UNREACHED * trials as f64 {
        return Err(Error::Unreached { arm: fitted.target.arm, unreached, trials });
    }
    Ok(fitted)
}

/// The rate as the scenario states it.
fn began(read: &Read, which: Parameter) -> Result<f64, Error> {
    let scenario = &read.scenario;
    let stated = match which {
        Parameter::Median => read.file.control.median,
        // After a delay it is the last step.
        _ if read.file.effect.steps.is_empty() => scenario.effect.last().map(|step| step.value),
        _ => None,
    };
    stated.ok_or_else(|| {
        Error::Fixed(match which {
            Parameter::Median => {
                "control.hazard states the hazard in steps; one number is fitted: say `control.median`"
                    .to_owned()
            }
            _ => "effect.steps states several hazard ratios; one number is fitted: say `effect.hazard_ratio`"
                .to_owned(),
        })
    })
}

/// To so many significant digits as are worth it.
fn significant(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return value;
    }
    #[allow(clippy::cast_possible_truncation)] // the exponent of a float
    let place = DIGITS - 1 - libm::floor(libm::log10(value)) as i32;
    // By way of decimal text, so that 4.31 is the float that a file's 4.31 is.
    let text = format!("{value:.*}", usize::try_from(place.max(0)).unwrap_or(0));
    text.parse().unwrap_or(value)
}

/// Which draws.
#[derive(Clone, Copy)]
enum Draws {
    /// The same for every value that is tried, so that a value alone makes the difference.
    Fit,
    /// Others.
    Confirm,
}

impl Draws {
    fn fingerprint(self) -> [u8; 32] {
        let name: &[u8] = match self {
            Self::Fit => b"fit",
            Self::Confirm => b"confirm",
        };
        blake3::derive_key("trialwright simulate 2026-11 calibration", name)
    }
}

/// A scenario whose arm has as many patients as the target, followed to the end.
fn sized(mut scenario: Scenario, arm: usize, target: &Target) -> Scenario {
    let of: u32 = scenario.allocation.iter().sum();
    scenario.subjects = (target.patients * of).div_ceil(scenario.allocation[arm]);
    scenario.re_estimation = None;
    // A published median is of all who were followed: no look stops the trial.
    (scenario.design.events, scenario.design.looks) = (None, vec![1.0]);
    scenario
}

/// The medians of an arm in trials of event times.
fn shown(
    scenario: Scenario,
    arm: usize,
    target: &Target,
    options: Options<'_>,
    draws: Draws,
) -> Result<Shown, Error> {
    let scenario = sized(scenario, arm, target);
    let fingerprint = draws.fingerprint();
    let chunks = options.trials.div_ceil(CHUNK);
    let medians: Vec<Result<Vec<f64>, survival::Error>> = (0..chunks)
        .into_par_iter()
        .map(|chunk| {
            let mut times = Times::new(&scenario, options.seed)?.keyed(options.seed, &fingerprint);
            let trials = chunk * CHUNK..((chunk + 1) * CHUNK).min(options.trials);
            trials.map(|trial| median(&mut times, trial, arm)).collect()
        })
        .collect();
    let mut all = Vec::new();
    for chunk in medians {
        all.extend(chunk?);
    }
    Ok(summary(all))
}

/// The Kaplan-Meier median of an arm of one trial; infinite where it is not reached.
fn median(times: &mut Times<'_>, trial: u64, arm: usize) -> Result<f64, survival::Error> {
    let (mut time, mut event) = (Vec::new(), Vec::new());
    times.followed(trial, |of, end, seen| {
        if of == arm {
            time.push(end);
            event.push(seen);
        }
    });
    let median = KaplanMeier::fit(&time, &event)?.median(ConfType::Plain, 0.95);
    Ok(median.estimate.unwrap_or(f64::INFINITY))
}

/// Of the medians of all trials, in their order, infinite where not reached.
fn summary(mut medians: Vec<f64>) -> Shown {
    let trials = medians.len() as u64;
    medians.retain(|median| median.is_finite());
    let mut moments = Moments::default();
    for median in &medians {
        moments.add(*median);
    }
    let n = moments.n.max(1) as f64;
    let mean = moments.sum / n;
    let variance = (moments.squares / n - mean * mean).max(0.0);
    medians.sort_by(f64::total_cmp);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a place in the list
    let at = |part: f64| {
        medians.get((part * (medians.len().max(1) - 1) as f64) as usize).copied().unwrap_or(f64::NAN)
    };
    Shown {
        mean,
        std_err: (variance / n).sqrt(),
        most: (at(0.025), at(0.975)),
        unreached: trials - moments.n,
        trials,
    }
}
