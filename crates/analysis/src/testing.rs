//! What the unit tests of this crate share: a small protocol, and rows with nothing but a time.
//!
//! Never compiled into the library.

use jiff::civil::date;
use serde_json::Value;

use trial::date::plus_days;
use trial::endpoint::{Censoring, Outcome, TimeToEvent};
use trial::protocol::{Checked, EventCause, Protocol, ProtocolHistory, check};
use trial::record::{Allocation, Record};

use crate::plan::{Detail, Plan};
use crate::results::Estimate;
use crate::row::{SubjectRow, Time};

const PROTOCOL: &str = include_str!("../tests/data/two-arms.toml");

/// The small protocol, changed as wanted and not checked again.
pub fn history(change: impl FnOnce(&mut Protocol)) -> ProtocolHistory {
    let Checked { mut protocol, source } = check(PROTOCOL).expect("the protocol of the tests has no fault");
    change(&mut protocol);
    ProtocolHistory::new(1, Checked { protocol, source })
}

/// A randomised subject with one time in each of `analyses` analyses.
pub fn row(subject: &str, arm: &str, stratum: &str, days: i64, event: bool, analyses: usize) -> SubjectRow {
    let origin = date(2025, 1, 6);
    let on = plus_days(origin, days - 1);
    let outcome = if event {
        Outcome::Event { on, cause: EventCause::Death }
    } else {
        Outcome::Censored { on, because: Censoring::LastKnownAlive }
    };
    let full = TimeToEvent {
        origin,
        outcome: outcome.clone(),
        imputed: None,
        rule: String::new(),
        why: String::new(),
        events: vec![7],
    };
    let time = Time { days, outcome, full: Some(Box::new(full)) };
    let record = Record { subject: subject.into(), site: "01".into(), ..Record::default() };
    let history = history(|_| ());
    let mut row = Plan::new(&history).row(&record, None, Detail::FULL);
    row.allocation = Some(Allocation {
        arm: arm.into(),
        date: origin,
        stratum: vec![("s".to_owned(), stratum.to_owned())],
        on_behalf: None,
    });
    row.screening = crate::flow::Screening::Randomised;
    row.times = vec![Some(time); analyses];
    row
}

/// The reference values of R.
pub fn reference() -> Value {
    serde_json::from_str(include_str!("../tests/data/reference.json")).expect("reference.json is JSON")
}

/// The numbers of a list; null is not a number.
pub fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().expect("a list").iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}

/// Equal to `relative`, or both not a number.
pub fn assert_close(found: f64, want: f64, relative: f64, what: &str) {
    let same = (found.is_nan() && want.is_nan()) || (found - want).abs() <= relative * want.abs().max(1e-300);
    assert!(same, "{what}: found {found}, R has {want}");
}

/// Value and limits against three numbers of R.
pub fn assert_estimate(found: Estimate, want: &[f64], relative: f64, what: &str) {
    for (found, want) in [found.value, found.lower, found.upper].into_iter().zip(want) {
        assert_close(found.unwrap_or(f64::NAN), *want, relative, what);
    }
}
