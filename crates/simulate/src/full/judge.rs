//! What the tests of the protocol conclude at each look of a trial, and how its estimates stand against the truth.
//!
//! Never computes a statistic of the trial itself: they are read off the results that a report would show. The one thing fitted here
//! is the hazard ratio of the true times.

use analysis::results::{AnalysisResult, Results};
use jiff::civil::Date;
use survival::cox::Ties;
use survival::design::sequential::GroupSequential;
use survival::two_groups::{Mark, RiskTable};
use trial::date::{days_between, plus_days};
use trial::endpoint::TimeToEvent;
use trial::protocol::{Endpoint, EventCause, Origin, ProtocolHistory};
use trial::randomise::Stratum;
use trial::record::Record;

use super::tally::place;
use super::{Design, FullTally, Trial, calendar};
use crate::times::{Tally, Verdict, verdict};
use crate::truth::PatientTruth;

/// A further course of SABR begins so many days after randomisation: later than any of the first treatment.
const AGAIN_DAYS: i64 = 45;

/// A look at a trial.
pub struct Look<'a> {
    /// From 0.
    pub number: usize,
    /// Nothing later is seen.
    pub day: Date,
    /// What had happened.
    pub within: &'a Within,
    /// What a report shows.
    pub results: &'a Results,
}

/// What the tests of one trial have concluded.
pub struct Judge<'a> {
    design: &'a Design,
    boundaries: &'a GroupSequential,
    /// Calendar time is counted from here.
    start: Date,
    patients: Vec<Patient>,
    states: Vec<State>,
    /// The logarithm of the true hazard ratio, where it is one.
    truth: Option<f64>,
    /// Standard errors from an estimate to its limits.
    half: f64,
    told: bool,
}

#[derive(Clone, Copy, Default)]
struct State {
    verdict: Option<Verdict>,
    z: Option<f64>,
    /// Estimate and standard error of the log hazard ratio.
    estimate: Option<(f64, f64)>,
    /// That of the true times of the same patients.
    of_truth: Option<f64>,
}

impl<'a> Judge<'a> {
    pub fn new(design: &'a Design, boundaries: &'a GroupSequential, trial: &Trial) -> Self {
        Self {
            design,
            boundaries,
            start: trial.start,
            patients: patients(design, trial),
            states: vec![State::default(); design.tests().len()],
            truth: design.scenario().log_hazard_ratio(),
            half: survival::normal_quantile(1.0 - design.scenario().design.alpha / 2.0),
            told: false,
        }
    }

    /// Whether every test has concluded.
    pub fn all_stopped(&self) -> bool {
        self.states.iter().all(|state| state.verdict.is_some())
    }

    /// Judges a look by every test that has not stopped, and adds where the first one stops the trial.
    pub fn look(&mut self, look: &Look<'_>, tally: &mut Tally) {
        let truths = Truths {
            history: self.design.history(),
            patients: self.patients.iter().filter(|patient| patient.truth.randomised <= look.day).collect(),
            day: look.day,
        };
        for (place, test) in self.design.tests().iter().enumerate() {
            if self.states[place].verdict.is_some() {
                continue;
            }
            let of = |result: &&AnalysisResult| result.id == test.id;
            let state = match look.results.analyses.iter().find(of) {
                Some(result) => State {
                    z: z_of(result),
                    estimate: estimate(result),
                    of_truth: truths.hazard_ratio(&result.endpoint, test.stratified),
                    verdict: None,
                },
                None => State { z: quality(look.results, &test.id), ..State::default() },
            };
            let verdict = verdict(self.boundaries, look.number, state.z);
            self.states[place] = State { verdict, ..state };
        }
        if !self.told
            && let Some(verdict) = self.states.first().and_then(|state| state.verdict)
        {
            self.told = true;
            self.tell_stop(look, verdict, tally);
        }
    }

    /// Adds when and with what the trial stopped.
    fn tell_stop(&self, look: &Look<'_>, verdict: Verdict, tally: &mut Tally) {
        let time = calendar(self.start, look.day, self.design.unit_days());
        tally.stopped(look.number, time, look.within.events, look.within.randomised, verdict);
        if let Some(full) = &mut tally.full {
            full.merge(&look.within.sums);
            full.deviations.add(look.results.deviations.len() as f64);
        }
    }

    /// Adds what the tests concluded.
    pub fn tell(&self, tally: &mut Tally) {
        for (place, (state, told)) in self.states.iter().zip(&mut tally.analyses).enumerate() {
            match state.verdict {
                Some(Verdict::Experimental) => told.experimental += 1,
                Some(Verdict::Control) => told.control += 1,
                Some(Verdict::Neither) | None => {}
            }
            told.none += u64::from(state.z.is_none());
            let Some((estimate, std_err)) = state.estimate else { continue };
            told.log_hazard_ratio.add(estimate);
            told.std_err.add(std_err);
            let truth = self.truth.filter(|_| self.design.tests()[place].of_law);
            let held = truth.is_some_and(|truth| (estimate - truth).abs() <= self.half * std_err);
            told.covered += u64::from(held);
            if let (Some(full), Some(truth)) = (&mut tally.full, state.of_truth) {
                full.tests[place].truth.add(truth);
                full.tests[place].difference.add(estimate - truth);
            }
        }
    }
}

/// What had happened in a trial by a day.
pub struct Within {
    /// Events of the primary endpoint.
    events: usize,
    /// Subjects randomised.
    randomised: usize,
    /// All else that is counted, of this one trial.
    sums: FullTally,
}

impl Within {
    /// `primary` is the time of the primary endpoint of each record, to the end of follow-up.
    pub fn of(trial: &Trial, primary: &[Option<TimeToEvent>], day: Date) -> Self {
        let records = &trial.records;
        let by_day = |date: Date| date <= day;
        let randomised = |record: &Record| record.randomised.as_ref().is_some_and(|r| by_day(r.value.date));
        let found = |time: &TimeToEvent| Some(time.on()).filter(|on| time.is_event() && by_day(*on));
        let mut sums = FullTally::new(0);
        let count = |of: &dyn Fn(&Record) -> usize| records.iter().map(of).sum::<usize>() as f64;
        sums.screened
            .add(count(&|record| usize::from(record.screened.as_ref().is_some_and(|s| by_day(s.value)))));
        sums.recorded.add(trial.events as f64);
        sums.courses.add(count(&|record| record.sabr.iter().filter(|course| by_day(course.start)).count()));
        sums.again.add(count(&|record| {
            let Some(start) = record.randomised.as_ref().map(|fact| fact.value.date) else { return 0 };
            let further = |date: Date| date > plus_days(start, AGAIN_DAYS) && by_day(date);
            usize::from(record.sabr.iter().any(|course| further(course.start)))
        }));
        sums.severe.add(count(&|record| {
            let severe = record.adverse_events.iter().filter(|event| event.grade >= Some(3));
            severe.filter(|event| event.start.is_some_and(|start| by_day(start.first()))).count()
        }));
        sums.faults = records.iter().map(|record| record.faults.len() as u64).sum();
        let truths = &trial.truth.patients;
        sums.deaths.add(truths.iter().filter(|truth| truth.death.is_some_and(by_day)).count() as f64);
        sums.left.add(truths.iter().filter(|truth| truth.left.is_some_and(by_day)).count() as f64);
        for planted in truths.iter().flat_map(|truth| &truth.planted).filter(|p| by_day(p.date)) {
            sums.planted[place(planted.error)] += 1;
        }
        for (record, time) in records.iter().zip(primary) {
            let Ok(at) = truths.binary_search_by(|truth| truth.subject.cmp(&record.subject)) else {
                continue;
            };
            sums.compare(truths[at].failure.filter(|date| by_day(*date)), time.as_ref().and_then(found));
        }
        let events = primary.iter().flatten().filter(|time| found(time).is_some()).count();
        Self { events, randomised: records.iter().filter(|record| randomised(record)).count(), sums }
    }
}

impl FullTally {
    /// Holds a derived failure of the strategy against the true one.
    fn compare(&mut self, truth: Option<Date>, found: Option<Date>) {
        match (truth, found) {
            (Some(truth), Some(found)) if found >= truth => self.lag.add(days_between(truth, found) as f64),
            (_, Some(_)) => self.too_soon += 1,
            (Some(_), None) => self.unseen += 1,
            (None, None) => {}
        }
    }
}

/// z of the log-rank test, above 0 for the experimental arm; none where the arms could not be compared.
fn z_of(result: &AnalysisResult) -> Option<f64> {
    let comparison = result.comparison.as_ref()?;
    let by_ratio = comparison.hazard_ratio.value.map(|ratio| ratio < 1.0);
    let by_means = comparison.rmst_difference_months.and_then(|means| means.value).map(|means| means > 0.0);
    let better = by_ratio.or(by_means)?;
    let z = comparison.logrank_chisq.sqrt();
    Some(if better { z } else { -z }).filter(|z| z.is_finite())
}

/// The logarithm of the hazard ratio of the Cox model and its standard error, from its limits.
fn estimate(result: &AnalysisResult) -> Option<(f64, f64)> {
    let ratio = result.comparison.as_ref()?.hazard_ratio;
    let width = libm::log(ratio.upper?) - libm::log(ratio.lower?);
    let half = survival::normal_quantile(f64::midpoint(1.0, result.confidence));
    let (estimate, std_err) = (libm::log(ratio.value?), width / (2.0 * half));
    (estimate.is_finite() && std_err.is_finite()).then_some((estimate, std_err))
}

/// z of a difference in quality of life, above 0 for the experimental arm.
fn quality(results: &Results, id: &str) -> Option<f64> {
    let quality = results.quality_of_life.as_ref()?;
    let (difference, p) = match quality.sensitivity.iter().find(|sensitivity| sensitivity.id == id) {
        Some(sensitivity) => {
            let first = sensitivity.differences.first()?;
            (first.difference.value?, first.p)
        }
        None => (quality.difference?.value?, quality.p?),
    };
    let z = -survival::normal_quantile((p / 2.0).max(1e-300));
    Some(if difference > 0.0 { z } else { -z }).filter(|z| z.is_finite())
}

/// A randomised patient: its truth, stratum and arm.
struct Patient {
    truth: PatientTruth,
    stratum: Stratum,
    experimental: bool,
}

/// Those of a trial, by stratum.
fn patients(design: &Design, trial: &Trial) -> Vec<Patient> {
    let protocol = design.history().current();
    let patient = |truth: &PatientTruth| {
        let at = trial.records.binary_search_by(|record| record.subject.cmp(&truth.subject)).ok()?;
        let allocation = &trial.records[at].randomised.as_ref()?.value;
        let control = protocol.arms.iter().find(|arm| arm.id == allocation.arm)?.control;
        let truth = PatientTruth { planted: Vec::new(), ..truth.clone() };
        Some(Patient { truth, stratum: allocation.stratum.clone(), experimental: !control })
    };
    let mut patients: Vec<Patient> = trial.truth.patients.iter().filter_map(patient).collect();
    patients.sort_by(|a, b| a.stratum.cmp(&b.stratum));
    patients
}

/// The true times of a trial's patients, as censored by a look alone.
struct Truths<'a> {
    history: &'a ProtocolHistory,
    /// By stratum.
    patients: Vec<&'a Patient>,
    day: Date,
}

impl Truths<'_> {
    /// The logarithm of the hazard ratio of the true times of an endpoint; none where its truth is not known, or does not exist.
    fn hazard_ratio(&self, endpoint: &str, stratified: bool) -> Option<f64> {
        let endpoint = self.history.current().endpoints.iter().find(|known| known.id == endpoint)?;
        let mut table = RiskTable::default();
        let mut marks: Vec<Mark> = Vec::with_capacity(self.patients.len());
        for group in self.patients.chunk_by(|a, b| !stratified || a.stratum == b.stratum) {
            marks.clear();
            for patient in group {
                let (time, event) = self.time(endpoint, &patient.truth)?;
                marks.push(Mark::new(time, event, patient.experimental));
            }
            marks.sort_unstable();
            table.add(&marks);
        }
        table.cox(Ties::Efron).map(|fit| fit.estimate).filter(|estimate| estimate.is_finite())
    }

    /// The true time of a patient and whether it is an event; none where the endpoint has no truth here.
    fn time(&self, endpoint: &Endpoint, truth: &PatientTruth) -> Option<(f64, bool)> {
        if endpoint.origin != Origin::Randomisation {
            return None;
        }
        let known = |cause: EventCause| endpoint.events.contains(&cause);
        // What happens after a loss is known of the failure of the strategy alone.
        let (event, until) = if known(EventCause::NextLineProgression) {
            return None;
        } else if known(EventCause::StrategyFailure) {
            (truth.failure, None)
        } else if known(EventCause::Progression) {
            (truth.progression(), truth.left)
        } else {
            (truth.death, truth.left)
        };
        let end = until.map_or(self.day, |left| left.min(self.day));
        let on = event.filter(|event| *event <= end);
        Some(((days_between(truth.randomised, on.unwrap_or(end)) + 1) as f64, on.is_some()))
    }
}
