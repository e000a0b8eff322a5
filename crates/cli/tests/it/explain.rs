//! `explain`: a subject with the why of everything derived.

use serde_json::Value;

use crate::stage::{ledger, show, trial};

#[test]
fn shows_a_subject() {
    insta::assert_snapshot!(show(&["explain", &ledger(), "01-001"]).without(trial()));
}

#[test]
fn shows_every_subject_in_a_line() {
    let shown = show(&["explain", &ledger()]);
    assert!(shown.out.starts_with("subject "), "{shown}");
    assert!(shown.out.contains("\n01-001 ") && shown.out.contains("\n12-001 "), "{shown}");
    assert!(shown.out.lines().all(|line| line == line.trim_end()), "a line ends in a space");
    assert!(shown.out.contains("More of one: trialwright explain "), "{shown}");
}

#[test]
fn shows_what_was_entered() {
    let shown = show(&["explain", &ledger(), "01-001", "--events"]);
    let (_, events) = shown.out.split_once("\nEvents\n").unwrap();
    assert!(events.contains("RFICDAT=") && events.contains("ARMCD="), "{events}");
}

#[test]
fn gives_it_as_json() {
    let one: Value = serde_json::from_str(&show(&["explain", &ledger(), "01-001", "--json"]).out).unwrap();
    assert_eq!(one["subject"], "01-001");
    let rules: Vec<&Value> =
        one["eligibility"].as_array().unwrap().iter().map(|judged| &judged["judgement"]).collect();
    assert!(!rules.is_empty() && rules.iter().all(|judgement| *judgement == "met"));
    assert!(!one["trace"]["sources"].as_array().unwrap().is_empty());
    let all: Value = serde_json::from_str(&show(&["explain", &ledger(), "--json"]).out).unwrap();
    assert!(all.as_array().unwrap().len() >= 74);
}

#[test]
fn says_who_is_not_there() {
    let shown = show(&["explain", &ledger(), "99-999"]);
    assert_eq!(shown.code, 1);
    assert!(shown.err.contains("knows no subject 99-999") && shown.err.contains("lists them"), "{shown}");
    let early = show(&["explain", &ledger(), "--as-of", "2025-04-30"]);
    assert_eq!(early.code, 0);
    assert!(early.out.contains("nobody was screened by then"), "{early}");
}
