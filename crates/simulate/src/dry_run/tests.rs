//! A trial agrees with its truth, and with no other.

use std::sync::Arc;

use jiff::civil::Date;
use ledger::Ledger;
use office::{Arms, open_reading};
use trial::date::plus_days;

use super::*;
use crate::full::{Design, Ensemble};
use crate::scenario::{Parameter, read};
use crate::truth::{Planted, PlantedError};
use crate::{Outcome as Simulated, SimulationOptions, run};

const AVATAR: &str = include_str!("../../../../protocols/avatar-ii.toml");

struct Played {
    history: ProtocolHistory,
    truth: Truth,
    records: Vec<Record>,
    results: Results,
    end: Date,
    _folder: tempfile::TempDir,
}

fn options(seed: u64, participants: u32) -> SimulationOptions {
    let protocol = trial::protocol::check(AVATAR).unwrap_or_else(|faults| panic!("{faults:?}"));
    let mut options = SimulationOptions::new(protocol, seed);
    options.participants = Some(participants);
    options.accrual_months = 6.0;
    options
}

fn played(options: &SimulationOptions) -> Played {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("trial.sqlite");
    let Simulated { truth, last, .. } = office::block_on(async {
        let ledger = Ledger::create(at.clone()).await.unwrap();
        run(options, ledger, &mut |_| {}).await.unwrap_or_else(|wrong| panic!("{wrong}"))
    })
    .unwrap();
    let reading = open_reading(at, None).unwrap();
    let results = reading.results(Arms::Apart, None, "a test", |_| {}).unwrap();
    let (records, _) = reading.records(|record| record).unwrap();
    Played { history: reading.history, truth, records, results, end: last, _folder: folder }
}

impl Played {
    fn check(&self, planned: u32) -> Checks {
        check(&Trial {
            history: &self.history,
            planned,
            end: self.end,
            truth: &self.truth,
            records: &self.records,
            results: &self.results,
        })
    }
}

fn failing(checks: &Checks) -> Vec<&str> {
    checks.checks.iter().filter(|check| check.outcome == Outcome::Fails).map(|c| c.what.as_str()).collect()
}

#[test]
fn a_trial_agrees_with_its_truth_and_with_no_other() {
    let mut played = played(&options(7, 40));
    let checks = played.check(40);
    let odd: Vec<_> = checks.subjects.iter().filter(|c| c.verdict == Verdict::Unexplained).collect();
    assert_eq!(failing(&checks), Vec::<&str>::new(), "{odd:#?}");
    assert!(checks.hold() && checks.simulated);
    assert_eq!(checks.subjects.len(), 3 * 40);
    let found = |event: Event| {
        checks.subjects.iter().filter(|c| c.event == event && c.verdict == Verdict::Found).count()
    };
    assert!(found(Event::Progression) > 20 && found(Event::StrategyFailure) > 20, "{:#?}", checks.checks);
    assert!(checks.planted.len() > 40);
    assert!(checks.effects.iter().any(|effect| effect.of_true_times.is_some()));

    // Another number of subjects.
    assert_eq!(failing(&played.check(41)), ["Subjects randomised"]);

    // Another truth: each must be noticed.
    let whole = played.truth.clone();
    let other = if whole.patients[0].arm.as_str() == "A" { "B" } else { "A" };
    played.truth.patients[0].arm = ArmId::from(other);
    assert!(failing(&played.check(40)).contains(&"Arm and day of randomisation"));

    played.truth = whole.clone();
    let died = played.truth.patients.iter_mut().find(|patient| patient.death.is_some()).unwrap();
    died.death = died.death.map(|day| plus_days(day, 40));
    assert!(failing(&played.check(40)).iter().any(|what| what.starts_with("Death of")));

    played.truth = whole.clone();
    for patient in &mut played.truth.patients {
        patient.outbreaks.clear();
        patient.planted.clear();
    }
    assert!(failing(&played.check(40)).iter().any(|what| what.starts_with("First progression of")));

    played.truth = whole.clone();
    let patient = &mut played.truth.patients[1];
    let date = plus_days(patient.randomised, 100);
    patient.planted.push(Planted { date, error: PlantedError::NotMeasured, form: None });
    let checks = played.check(40);
    assert_eq!(failing(&checks), ["Error made on purpose: lesion not measured"]);
    assert!(!checks.hold());
}

/// The same of whole trials in memory, which are the trials that the office would record: every difference from the truth has a
/// reason. `SEEDS=100` for more trials of each scenario.
#[rstest::rstest]
#[case::alternative(include_str!("../../../../scenarios/alternative.toml"), 8.0)]
#[case::null(include_str!("../../../../scenarios/null.toml"), 8.0)]
#[case::non_proportional(include_str!("../../../../scenarios/non-proportional.toml"), 4.0)]
#[case::delayed(include_str!("../../../../scenarios/delayed.toml"), 4.0)]
#[case::informative_dropout(include_str!("../../../../scenarios/informative-dropout.toml"), 4.0)]
#[case::assessment_times(include_str!("../../../../scenarios/assessment-times.toml"), 4.0)]
#[case::open_label(include_str!("../../../../scenarios/open-label.toml"), 4.0)]
fn a_trial_in_memory_agrees_with_its_truth(#[case] text: &str, #[case] accrual: f64) {
    let seeds = std::env::var("SEEDS").map_or(2, |text| text.parse::<u64>().unwrap());
    let protocol = trial::protocol::check(AVATAR).unwrap_or_else(|faults| panic!("{faults:?}"));
    let design = small(text, &protocol, accrual);
    let history = design.history();
    let plan = analysis::Plan::new(history);
    let mut odd = Vec::new();
    for seed in 1..=seeds {
        let played = Ensemble::new(&design, seed).unwrap().play(0).unwrap_or_else(|wrong| panic!("{wrong}"));
        let row = |record| plan.row(record, None, analysis::Detail::TABLES);
        let about = analysis::results::About::of(history, "a test");
        let context = analysis::Context { about, sites: Vec::new(), limits: analysis::Limits::default() };
        let results = analysis::results(history, context, played.records.iter().map(row).collect());
        let trial = Trial {
            history,
            planned: 24,
            end: played.end,
            truth: &played.truth,
            records: &played.records,
            results: &results,
        };
        let checks = check(&trial);
        let unexplained = checks.subjects.iter().filter(|c| c.verdict == Verdict::Unexplained);
        odd.extend(unexplained.map(|check| format!("seed {seed}: {check:?}")));
        odd.extend(failing(&checks).iter().map(|what| format!("seed {seed}: {what}")));
    }
    assert!(odd.is_empty(), "{}", odd.join("\n"));
}

/// A scenario of 24 subjects, who come within so many months.
fn small(text: &str, protocol: &trial::protocol::Checked, accrual: f64) -> Design {
    let read = read(text, &|_| Ok(protocol.protocol.clone())).unwrap_or_else(|f| panic!("{f:?}"));
    let small = [(Parameter::Subjects, 24.0), (Parameter::Events, 16.0), (Parameter::Accrual, accrual)];
    let scenario = read.with(&small).unwrap_or_else(|wrong| panic!("{wrong}"));
    Design::new(&read.file, &scenario, protocol).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

/// Every bias and error that a scenario brings leaves a reason. `SEEDS=20` for more trials of each.
#[rstest::rstest]
#[case(include_str!("../../../../scenarios/open-label.toml"))]
#[case(include_str!("../../../../scenarios/assessment-times.toml"))]
#[case(include_str!("../../../../scenarios/informative-dropout.toml"))]
fn a_trial_of_a_scenario_agrees_with_its_truth(#[case] text: &str) {
    let seeds = std::env::var("SEEDS").map_or(1, |text| text.parse::<u64>().unwrap());
    for seed in 1..=seeds {
        let mut options = options(seed, 0);
        options.scenario = Some(Arc::new(small(text, &options.protocol, 4.0)));
        let checks = played(&options).check(24);
        let odd: Vec<_> = checks.subjects.iter().filter(|c| c.verdict == Verdict::Unexplained).collect();
        let missed: Vec<_> = checks.planted.iter().filter(|c| c.found == Found::Missed).collect();
        assert_eq!(failing(&checks), Vec::<&str>::new(), "seed {seed}: {odd:#?}\n{missed:#?}");
        assert!(checks.effects.iter().any(|effect| effect.stated.is_some()));
    }
}
