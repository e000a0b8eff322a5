//! What simulated trials answer: power, error, bias, coverage, duration, each with its Monte Carlo error.
//!
//! Never simulates: everything is a quotient of a [`Tally`].

use std::collections::BTreeMap;

use serde::Serialize;
use survival::proportion::wilson;

use crate::campaign::Cell;
use crate::full::{ERRORS, FullTally, Test, TestTally};
use crate::scenario::{Parameter, Scenario};
use crate::times::{AnalysisTally, Moments, Tally};

/// A part of all trials.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// So many.
    pub count: u64,
    /// Of so many.
    pub of: u64,
    /// count / of; none of none.
    pub estimate: Option<f64>,
    /// Its Monte Carlo standard error.
    pub std_err: Option<f64>,
    /// Wilson's limits, 95 %, which are right where the count is 0 too.
    pub limits: Option<(f64, f64)>,
}

impl Share {
    fn new(count: u64, of: u64) -> Self {
        if of == 0 {
            return Self { count, of, estimate: None, std_err: None, limits: None };
        }
        let (p, n) = (count as f64 / of as f64, of as f64);
        let limits = wilson(count, of, 0.95).ok().map(|limits| (limits.lower, limits.upper));
        Self { count, of, estimate: Some(p), std_err: Some((p * (1.0 - p) / n).sqrt()), limits }
    }
}

/// A mean over trials.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mean {
    /// Of so many trials.
    pub of: u64,
    /// The mean; none of none.
    pub estimate: Option<f64>,
    /// Its Monte Carlo standard error; none for fewer than two.
    pub std_err: Option<f64>,
    /// Between trials.
    pub deviation: Option<f64>,
}

impl Mean {
    fn new(moments: &Moments) -> Self {
        let n = moments.n as f64;
        let mean = (moments.n > 0).then(|| moments.sum / n);
        let deviation = (moments.n > 1).then(|| {
            let mean = moments.sum / n;
            ((moments.squares / n - mean * mean).max(0.0) * n / (n - 1.0)).sqrt()
        });
        Self {
            of: moments.n,
            estimate: mean,
            std_err: deviation.map(|deviation| deviation / n.sqrt()),
            deviation,
        }
    }

    fn less(self, value: f64) -> Self {
        Self { estimate: self.estimate.map(|mean| mean - value), ..self }
    }
}

/// The answers of one cell of a grid.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answers {
    /// What was set, by parameter.
    pub values: BTreeMap<Parameter, f64>,
    /// Whether the arms differed: what is concluded is power, else error.
    pub effect: bool,
    /// Trials.
    pub trials: u64,
    /// The logarithm of the true hazard ratio, where it is one number.
    pub log_hazard_ratio: Option<f64>,
    /// Calendar time at which the trial stopped, by the first analysis.
    pub duration: Mean,
    /// Events seen by then.
    pub events: Mean,
    /// Subjects randomised by then.
    pub subjects: Mean,
    /// Trials with events added.
    pub raised: Share,
    /// By look.
    pub looks: Vec<LookAnswers>,
    /// By analysis.
    pub analyses: Vec<AnalysisAnswers>,
    /// What happened in whole trials, where they were simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full: Option<FullAnswers>,
}

/// What happened in whole trials, as each stood when it stopped.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FullAnswers {
    /// Subjects screened.
    pub screened: Mean,
    /// Courses of SABR.
    pub courses: Mean,
    /// Subjects with SABR at a further progression.
    pub again: Mean,
    /// Adverse events of grade 3 or higher.
    pub severe: Mean,
    /// Deaths.
    pub deaths: Mean,
    /// Subjects who withdrew or were lost.
    pub left: Mean,
    /// Deviations in the report.
    pub deviations: Mean,
    /// Events recorded of subjects, to the end of follow-up.
    pub recorded: Mean,
    /// Days from the true failure of a strategy to the day derived for it.
    pub lag_days: Mean,
    /// Failures derived before the true day, or without one, a trial.
    pub too_soon: f64,
    /// True failures that were not derived, a trial.
    pub unseen: f64,
    /// Errors made on purpose a trial, by kind.
    pub planted: BTreeMap<String, f64>,
    /// Values that could not be read back: none is expected.
    pub faults: u64,
    /// What was not exercised.
    pub not_exercised: &'static str,
}

/// What whole trials in memory pass by.
pub const NOT_EXERCISED: &str = "admission at the office (edit checks and the queries they raise, authorisation), storage, the hash chain, \
                                 accounts and pages; `dry-run` and `demo` go through them";

/// A look.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LookAnswers {
    /// Planned part of the events.
    pub information: f64,
    /// Stopped here, either way.
    pub stopped: Share,
    /// For the experimental arm.
    pub experimental: Share,
    /// For the control arm.
    pub control: Share,
    /// For neither: futility, or the end.
    pub neither: Share,
    /// When, where it stopped here.
    pub time: Mean,
    /// With so many events.
    pub events: Mean,
}

/// An analysis, as if it alone stopped the trial.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnalysisAnswers {
    /// Its name.
    pub id: String,
    /// What it computes.
    pub method: String,
    /// By strata.
    pub stratified: bool,
    /// Concluded for the experimental arm: power, or half of the type I error.
    pub experimental: Share,
    /// Concluded for the control arm.
    pub control: Share,
    /// Concluded for either.
    pub either: Share,
    /// Could not be computed.
    pub none: Share,
    /// Of the log hazard ratio.
    pub estimate: Option<EstimateAnswers>,
}

/// How an analysis estimates the log hazard ratio.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EstimateAnswers {
    /// exp of the mean estimate.
    pub hazard_ratio: Option<f64>,
    /// The mean of the estimates.
    pub log_hazard_ratio: Mean,
    /// The same less the true value; none where the hazards are not proportional.
    pub bias: Option<Mean>,
    /// The mean of the standard errors, to be compared with the deviation of the estimates.
    pub std_err: Mean,
    /// Trials whose limits (of the level of the design) held the true value.
    pub coverage: Option<Share>,
    /// Of whole trials: the mean log hazard ratio of the true times of the same patients, censored at the look alone; none where the
    /// truth of the endpoint is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truth: Option<Mean>,
    /// Of whole trials: the estimate less that, by trial: what visits, losses, decisions and errors make of the truth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed: Option<Mean>,
}

impl Answers {
    /// The answers of a cell; of whole trials, `tests` are what judged them.
    pub fn new(cell: &Cell, tests: Option<&[Test]>, tally: &Tally) -> Self {
        let scenario = &cell.scenario;
        let looks = tally.looks.iter().zip(&scenario.design.looks).map(|(look, information)| LookAnswers {
            information: *information,
            stopped: Share::new(look.experimental + look.control + look.neither, tally.trials),
            experimental: Share::new(look.experimental, tally.trials),
            control: Share::new(look.control, tally.trials),
            neither: Share::new(look.neither, tally.trials),
            time: Mean::new(&look.time),
            events: Mean::new(&look.events),
        });
        Self {
            values: cell.values.iter().copied().collect(),
            effect: scenario.has_effect(),
            trials: tally.trials,
            log_hazard_ratio: scenario.log_hazard_ratio(),
            duration: Mean::new(&tally.duration),
            events: Mean::new(&tally.events),
            subjects: Mean::new(&tally.subjects),
            raised: Share::new(tally.raised, tally.trials),
            looks: looks.collect(),
            analyses: analyses(scenario, tests, tally),
            full: tally.full.as_deref().map(|full| FullAnswers::new(full, tally.trials)),
        }
    }
}

impl FullAnswers {
    fn new(full: &FullTally, trials: u64) -> Self {
        let per = |count: u64| if trials == 0 { 0.0 } else { count as f64 / trials as f64 };
        Self {
            screened: Mean::new(&full.screened),
            courses: Mean::new(&full.courses),
            again: Mean::new(&full.again),
            severe: Mean::new(&full.severe),
            deaths: Mean::new(&full.deaths),
            left: Mean::new(&full.left),
            deviations: Mean::new(&full.deviations),
            recorded: Mean::new(&full.recorded),
            lag_days: Mean::new(&full.lag),
            too_soon: per(full.too_soon),
            unseen: per(full.unseen),
            planted: ERRORS
                .iter()
                .zip(&full.planted)
                .map(|(name, n)| ((*name).to_owned(), per(*n)))
                .collect(),
            faults: full.faults,
            not_exercised: NOT_EXERCISED,
        }
    }
}

/// Name, method and strata of each analysis, and whether the scenario's hazard ratio is its truth.
fn named(scenario: &Scenario, tests: Option<&[Test]>) -> Vec<(String, String, bool, bool)> {
    if let Some(tests) = tests {
        return tests.iter().map(|t| (t.id.clone(), t.method.clone(), t.stratified, t.of_law)).collect();
    }
    let analyses = scenario.analyses.iter();
    analyses.map(|a| (a.id.clone(), a.method.to_string(), a.stratified, true)).collect()
}

fn analyses(scenario: &Scenario, tests: Option<&[Test]>, tally: &Tally) -> Vec<AnalysisAnswers> {
    let of_scenario = scenario.log_hazard_ratio();
    let of_test = |place: usize| tally.full.as_ref()?.tests.get(place).copied();
    let one =
        |(place, ((id, method, stratified, of_law), told)): (usize, ((_, _, bool, bool), &AnalysisTally))| {
            let truth = of_scenario.filter(|_| of_law);
            let mean = Mean::new(&told.log_hazard_ratio);
            let seen = |of: fn(TestTally) -> Moments| {
                of_test(place).map(of).filter(|m| m.n > 0).map(|m| Mean::new(&m))
            };
            let estimate = (told.log_hazard_ratio.n > 0).then(|| EstimateAnswers {
                hazard_ratio: mean.estimate.map(libm::exp),
                log_hazard_ratio: mean,
                bias: truth.map(|truth| mean.less(truth)),
                std_err: Mean::new(&told.std_err),
                coverage: truth.map(|_| Share::new(told.covered, told.log_hazard_ratio.n)),
                truth: seen(|tally| tally.truth),
                observed: seen(|tally| tally.difference),
            });
            AnalysisAnswers {
                id,
                method,
                stratified,
                experimental: Share::new(told.experimental, tally.trials),
                control: Share::new(told.control, tally.trials),
                either: Share::new(told.experimental + told.control, tally.trials),
                none: Share::new(told.none, tally.trials),
                estimate,
            }
        };
    named(scenario, tests).into_iter().zip(&tally.analyses).enumerate().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_its_monte_carlo_error() {
        let share = Share::new(800, 1_000);
        assert_eq!(share.estimate, Some(0.8));
        // sqrt(0.8 * 0.2 / 1000)
        assert!((share.std_err.unwrap() - 0.012_649_110_6).abs() < 1e-9);
        // R: prop.test(800, 1000, correct = FALSE)$conf.int
        let (lower, upper) = share.limits.unwrap();
        assert!(
            (lower - 0.774_081_035).abs() < 1e-8 && (upper - 0.823_622_910).abs() < 1e-8,
            "{lower} {upper}"
        );
        assert_eq!(Share::new(0, 0).estimate, None);
    }

    #[test]
    fn a_mean_has_the_deviation_of_a_sample() {
        let mut moments = Moments::default();
        for value in [1.0, 2.0, 4.0] {
            moments.add(value);
        }
        let mean = Mean::new(&moments);
        assert!((mean.estimate.unwrap() - 7.0 / 3.0).abs() < 1e-12);
        // R: sd(c(1, 2, 4)), and over sqrt(3)
        assert!((mean.deviation.unwrap() - 1.527_525).abs() < 1e-6);
        assert!((mean.std_err.unwrap() - 0.881_917).abs() < 1e-6);
    }
}
