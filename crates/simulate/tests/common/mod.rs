//! Simulates whole trials and measures them by the real derivations, for tests.

// Each user takes its part; a test may unwrap, clippy looks only at `#[test]` functions.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;

use jiff::civil::Date;
use ledger::Ledger;
use office::{Counts, Reading, open_reading};
use simulate::{Outcome, SimulationOptions, run};
use tempfile::TempDir;
use trial::derive::{Derived, derive};
use trial::endpoint::time_to;
use trial::protocol::{Checked, check};
use trial::record::{LineReason, Record};
use trial::strategy::Verdict;

pub const AVATAR: &str = include_str!("../../../../protocols/avatar-ii.toml");

pub fn checked(source: &str) -> Checked {
    check(source).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// A simulated trial in a folder of its own.
pub struct Simulated {
    pub folder: TempDir,
    pub outcome: Outcome,
}

impl Simulated {
    pub fn new(options: &SimulationOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let outcome = office::block_on(async {
            let ledger = Ledger::create(folder.path().join("trial.ledger")).await.unwrap();
            run(options, ledger, &mut |_| {}).await.unwrap_or_else(|wrong| panic!("{wrong}"))
        })
        .unwrap();
        Self { folder, outcome }
    }

    pub fn reading(&self) -> Reading {
        open_reading(self.folder.path().join("trial.ledger"), None).unwrap()
    }
}

/// One randomised subject as measured.
#[derive(Clone, Debug)]
pub struct Measured {
    pub arm: String,
    pub start: Date,
    /// Endpoint to months and whether its event was seen.
    pub times: BTreeMap<String, (f64, bool)>,
    /// Days to the first change of systemic therapy for progression, and whether it was seen.
    pub change: (f64, bool),
    /// SABR after the first course, at a further progression.
    pub again: bool,
    pub held: usize,
    pub pending: bool,
    pub partial_death: bool,
    pub deviations: usize,
    pub adverse_events: usize,
    pub assessments: usize,
}

pub fn measure(reading: &Reading) -> (Vec<Record>, Vec<Measured>, Counts) {
    let protocol = reading.history.current();
    let (pairs, counts) = reading
        .records(|record| {
            let derived = derive(&reading.history, &record, None);
            let measured = measured(protocol, &record, &derived);
            (record, measured)
        })
        .unwrap();
    let (records, measured): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    (records, measured.into_iter().flatten().collect(), counts)
}

fn measured(protocol: &trial::protocol::Protocol, record: &Record, derived: &Derived) -> Option<Measured> {
    let allocation = &record.randomised.as_ref()?.value;
    let start = allocation.date;
    let times = protocol
        .endpoints
        .iter()
        .filter_map(|endpoint| {
            let time = time_to(protocol, endpoint, &endpoint.rules, record, derived)?;
            Some((endpoint.id.clone(), (time.months(), time.is_event())))
        })
        .collect();
    let last = record.contacts.last().map_or(start, |fact| fact.value);
    let changed = record
        .lines
        .iter()
        .find(|line| line.reason == LineReason::Progression)
        .map(|line| line.start.first());
    let months = |day| trial::date::days_between(start, day) as f64 / 30.4375;
    let first = record.sabr.first().map_or(start, |course| course.start);
    Some(Measured {
        arm: allocation.arm.to_string(),
        start,
        times,
        change: changed.map_or((months(last), false), |day| (months(day), true)),
        again: record.sabr.iter().any(|course| trial::date::days_between(first, course.start) > 45),
        held: derived.strategy.as_ref().map_or(0, |course| {
            course.episodes.iter().filter(|episode| episode.verdict == Verdict::Held).count()
        }),
        pending: matches!(
            derived.strategy.as_ref().map(|course| &course.status),
            Some(trial::strategy::Status::Pending { .. })
        ),
        partial_death: record.death.as_ref().is_some_and(|death| death.date.day().is_none()),
        deviations: record.deviations.len(),
        adverse_events: record.adverse_events.len(),
        assessments: record.assessments.len(),
    })
}

/// The Kaplan-Meier estimate at `time`.
pub fn surviving(times: &[(f64, bool)], time: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut surviving = 1.0;
    let mut index = 0;
    while index < sorted.len() && sorted[index].0 <= time {
        let at = sorted[index].0;
        let tied = sorted[index..].iter().take_while(|(t, _)| *t == at).count();
        let events = sorted[index..index + tied].iter().filter(|(_, event)| *event).count();
        surviving *= 1.0 - events as f64 / (sorted.len() - index) as f64;
        index += tied;
    }
    surviving
}

/// The Kaplan-Meier median.
pub fn median(times: &[(f64, bool)]) -> f64 {
    let mut all: Vec<f64> = times.iter().map(|(time, _)| *time).collect();
    all.sort_by(f64::total_cmp);
    all.into_iter().find(|time| surviving(times, *time) <= 0.5).unwrap_or(f64::INFINITY)
}

/// What a set of trials shows, arm by arm.
pub fn summary(measured: &[Measured]) -> BTreeMap<String, BTreeMap<&'static str, f64>> {
    let mut arms: BTreeMap<String, Vec<&Measured>> = BTreeMap::new();
    for subject in measured {
        arms.entry(subject.arm.clone()).or_default().push(subject);
    }
    arms.into_iter()
        .map(|(arm, subjects)| {
            let n = subjects.len() as f64;
            let times = |id: &str| -> Vec<(f64, bool)> {
                subjects.iter().filter_map(|subject| subject.times.get(id).copied()).collect()
            };
            let share =
                |test: &dyn Fn(&Measured) -> bool| subjects.iter().filter(|s| test(s)).count() as f64 / n;
            let change: Vec<(f64, bool)> = subjects.iter().map(|subject| subject.change).collect();
            let mean = |value: &dyn Fn(&Measured) -> usize| {
                subjects.iter().map(|s| value(s)).sum::<usize>() as f64 / n
            };
            let numbers = BTreeMap::from([
                ("n", n),
                ("PFS", median(&times("PFS"))),
                ("TSF", median(&times("TSF"))),
                ("PFS2", median(&times("PFS2"))),
                ("PFS2ND", median(&times("PFS2ND"))),
                ("OS", median(&times("OS"))),
                ("same therapy at 12 months", surviving(&change, 12.0)),
                ("SABR again", share(&|s| s.again)),
                ("held", share(&|s| s.held > 0)),
                ("pending", share(&|s| s.pending)),
                ("deviations", mean(&|s| s.deviations)),
                ("adverse events", mean(&|s| s.adverse_events)),
                ("assessments", mean(&|s| s.assessments)),
            ]);
            (arm, numbers)
        })
        .collect()
}
