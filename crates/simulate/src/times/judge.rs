//! How a trial is judged: at each look every analysis that has not stopped computes its z and meets the boundary.
//!
//! Never computes a statistic itself: they are `survival`'s, the lean ones of `two_groups` where there are such.

use survival::Observations;
use survival::cox::Ties;
use survival::design::sequential::GroupSequential;
use survival::km::KaplanMeier;
use survival::logrank::FlemingHarrington;
use survival::maxcombo::{DEFAULT_WEIGHTS, Side, maxcombo};
use survival::two_groups::{LogHazardRatio, Mark, RiskTable};

use super::subject::{Fate, Subject};
use super::{Tally, Verdict};
use crate::philox::Philox;
use crate::scenario::{Analysis, Method, Scenario};

/// A look at a trial.
pub struct Look<'a> {
    pub scenario: &'a Scenario,
    pub boundaries: &'a GroupSequential,
    pub fates: &'a [Fate<'a>; 2],
    pub philox: Philox,
    pub trial: u64,
    pub subjects: &'a [Subject],
    /// Calendar time; infinite where everybody is followed to an end.
    pub time: f64,
    /// From 0.
    pub number: usize,
    /// Whether more events were added than planned.
    pub raised: bool,
}

/// Buffers and what the analyses of one trial have concluded.
pub struct Judge {
    /// By stratum.
    marks: Vec<Vec<Mark>>,
    pooled: Vec<Mark>,
    apart: RiskTable,
    together: RiskTable,
    /// Whether an analysis is stratified, and whether one is not.
    needs: [bool; 2],
    states: Vec<State>,
    truth: Option<f64>,
    /// Standard errors from the estimate to its limits.
    half: f64,
    columns: Columns,
}

/// What an analysis of a trial has come to.
#[derive(Clone, Copy, Default)]
struct State {
    verdict: Option<Verdict>,
    /// At the last look that was judged: z above 0 for the experimental arm, and the events it rests on.
    z: Option<f64>,
    events: f64,
    /// The same at the look before.
    before: Option<(f64, f64)>,
    estimate: Option<LogHazardRatio>,
}

/// Columns for the methods that take any data.
#[derive(Default)]
struct Columns {
    time: Vec<f64>,
    event: Vec<bool>,
    group: Vec<usize>,
    stratum: Vec<usize>,
}

impl Judge {
    pub fn new(scenario: &Scenario) -> Self {
        let strata = scenario.strata.len();
        let apart = |analysis: &Analysis| analysis.stratified && strata > 1;
        Self {
            marks: vec![Vec::new(); strata],
            pooled: Vec::new(),
            apart: RiskTable::default(),
            together: RiskTable::default(),
            needs: [scenario.analyses.iter().any(apart), scenario.analyses.iter().any(|a| !apart(a))],
            states: vec![State::default(); scenario.analyses.len()],
            truth: scenario.log_hazard_ratio(),
            half: survival::normal_quantile(1.0 - scenario.design.alpha / 2.0),
            columns: Columns::default(),
        }
    }

    /// Forgets the trial before.
    pub fn begin(&mut self) {
        self.states.fill(State::default());
    }

    /// What an analysis concluded, if it has.
    pub fn verdict(&self, analysis: usize) -> Option<Verdict> {
        self.states.get(analysis)?.verdict
    }

    /// Whether every analysis has concluded.
    pub fn all_stopped(&self) -> bool {
        self.states.iter().all(|state| state.verdict.is_some())
    }

    /// The z of an analysis at the look that was judged last, and its events.
    pub fn at_look(&self, analysis: usize) -> Option<(f64, f64)> {
        let state = self.states.get(analysis)?;
        state.z.map(|z| (z, state.events))
    }

    /// Judges a look.
    pub fn look(&mut self, look: &Look<'_>) {
        self.gather(look);
        for (place, analysis) in look.scenario.analyses.iter().enumerate() {
            if self.states[place].verdict.is_some() {
                continue;
            }
            let apart = analysis.stratified && self.marks.len() > 1;
            let (z, estimate) = self.compute(look, analysis.method, apart);
            let events = if apart { self.apart.events() } else { self.together.events() };
            let state = &mut self.states[place];
            state.before = state.z.map(|z| (z, state.events));
            (state.z, state.events, state.estimate) = (z, events, estimate);
            let weighted = look.raised && look.scenario.re_estimation.is_some_and(|plan| plan.weighted);
            let z = if weighted { state.z.map(|z| combined(look.boundaries, state, z)) } else { z };
            state.verdict = verdict(look.boundaries, look.number, z);
        }
    }

    /// The marks and tables as the trial stands at the look.
    fn gather(&mut self, look: &Look<'_>) {
        self.marks.iter_mut().for_each(Vec::clear);
        let whole = look.time == f64::INFINITY;
        for subject in look.subjects.iter().filter(|subject| subject.counted(look.time)) {
            let fate = &look.fates[usize::from(subject.second)];
            let (time, event) = if whole {
                (subject.end, subject.event)
            } else {
                fate.by(look.philox, look.trial, subject, look.time)
            };
            self.marks[subject.stratum].push(Mark::new(time, event, subject.second));
        }
        self.apart.clear();
        self.together.clear();
        let [apart, together] = self.needs;
        if self.marks.len() == 1 {
            self.marks[0].sort_unstable();
            self.together.add(&self.marks[0]);
            return;
        }
        if apart {
            for marks in &mut self.marks {
                marks.sort_unstable();
                self.apart.add(marks);
            }
        }
        if together {
            self.pooled.clear();
            self.pooled.extend(self.marks.iter().flatten());
            self.pooled.sort_unstable();
            self.together.add(&self.pooled);
        }
    }

    /// z, above 0 for the experimental arm, and the hazard ratio of a method that estimates it.
    fn compute(
        &mut self,
        look: &Look<'_>,
        method: Method,
        apart: bool,
    ) -> (Option<f64>, Option<LogHazardRatio>) {
        let table = if apart { &self.apart } else { &self.together };
        match method {
            Method::LogRank => (table.log_rank().z().map(|z| -z), None),
            Method::FlemingHarrington { rho, gamma } => {
                (table.weighted(FlemingHarrington { rho, gamma }).z().map(|z| -z), None)
            }
            Method::Cox => {
                let fit = table.cox(Ties::Efron);
                (fit.map(|fit| -fit.estimate / fit.std_err), fit)
            }
            Method::MaxCombo => (self.max_combo(look, apart), None),
            Method::RestrictedMean { until } => (self.restricted_mean(until), None),
        }
    }

    /// The z that has the probability of the largest of the weighted tests, so that it can meet the boundary of a normal
    /// statistic. The probability takes milliseconds, so it is computed only where bounds on it do not settle what a look needs:
    /// it is at least that of the largest z alone, and at most so many times that as there are tests (Bonferroni).
    fn max_combo(&mut self, look: &Look<'_>, apart: bool) -> Option<f64> {
        let table = if apart { &self.apart } else { &self.together };
        let largest = DEFAULT_WEIGHTS
            .iter()
            .filter_map(|weight| table.weighted(*weight).z())
            .max_by(|a, b| a.abs().total_cmp(&b.abs()))?;
        let side = -largest.signum();
        let of = |p_value: f64| side * -survival::normal_quantile((p_value / 2.0).max(1e-300));
        let alone = 2.0 * survival::normal_cdf(-largest.abs());
        let bonferroni = (alone * DEFAULT_WEIGHTS.len() as f64).min(1.0);
        let (near, far) = (of(bonferroni).min(of(alone)), of(bonferroni).max(of(alone)));
        let undecided = |bound: f64| (near..=far).contains(&bound);
        let (upper, lower) = (look.boundaries.upper[look.number], look.boundaries.lower[look.number]);
        if look.scenario.re_estimation.is_none() && !undecided(upper) && !undecided(lower) {
            return Some(of(alone));
        }
        self.columns.fill(&self.marks);
        let columns = &self.columns;
        let observations = Observations::new(&columns.time, &columns.event);
        let strata = apart.then_some(columns.stratum.as_slice());
        let test = maxcombo(&observations, &columns.group, strata, &DEFAULT_WEIGHTS, Side::Both).ok()?;
        Some(of(test.p_value))
    }

    fn restricted_mean(&self, until: f64) -> Option<f64> {
        let mean = |second: bool| {
            let marks = || self.marks.iter().flatten().filter(move |mark| mark.is_second() == second);
            let time: Vec<f64> = marks().map(|mark| mark.time()).collect();
            let event: Vec<bool> = marks().map(|mark| mark.is_event()).collect();
            KaplanMeier::fit(&time, &event).ok()?.rmst(until).ok()
        };
        let (control, experimental) = (mean(false)?, mean(true)?);
        let difference = survival::rmst::compare(&control, &experimental).ok()?.difference;
        (difference.std_err > 0.0).then(|| difference.estimate / difference.std_err)
    }

    /// Adds what the analyses concluded.
    pub fn tell(&self, tally: &mut Tally) {
        for (state, told) in self.states.iter().zip(&mut tally.analyses) {
            match state.verdict {
                Some(Verdict::Experimental) => told.experimental += 1,
                Some(Verdict::Control) => told.control += 1,
                Some(Verdict::Neither) | None => {}
            }
            told.none += u64::from(state.z.is_none());
            let Some(fit) = state.estimate else { continue };
            told.log_hazard_ratio.add(fit.estimate);
            told.std_err.add(fit.std_err);
            let held =
                self.truth.is_some_and(|truth| (fit.estimate - truth).abs() <= self.half * fit.std_err);
            told.covered += u64::from(held);
        }
    }
}

impl Columns {
    fn fill(&mut self, marks: &[Vec<Mark>]) {
        self.time.clear();
        self.event.clear();
        self.group.clear();
        self.stratum.clear();
        for (stratum, marks) in marks.iter().enumerate() {
            for mark in marks {
                self.time.push(mark.time());
                self.event.push(mark.is_event());
                self.group.push(usize::from(mark.is_second()));
                self.stratum.push(stratum);
            }
        }
    }
}

/// What a z means at look `number`, from 0; none: the trial goes on.
pub fn verdict(boundaries: &GroupSequential, number: usize, z: Option<f64>) -> Option<Verdict> {
    let (upper, lower) = (boundaries.upper[number], boundaries.lower[number]);
    match z {
        Some(z) if z >= upper => Some(Verdict::Experimental),
        Some(z) if z <= lower && boundaries.two_sided => Some(Verdict::Control),
        Some(z) if z <= lower => Some(Verdict::Neither),
        _ => (number + 1 == boundaries.information.len()).then_some(Verdict::Neither),
    }
}

/// The last z with the parts before and after the look before it at their planned weights (Cui, Hung & Wang 1999).
fn combined(boundaries: &GroupSequential, state: &State, z: f64) -> f64 {
    let (Some((before, seen)), Some(last)) = (state.before, boundaries.information.len().checked_sub(2))
    else {
        return z;
    };
    let (part, more) = (boundaries.information[last], state.events - seen);
    if more <= 0.0 {
        return z;
    }
    let after = (z * state.events.sqrt() - before * seen.sqrt()) / more.sqrt();
    part.sqrt() * before + (1.0 - part).sqrt() * after
}
