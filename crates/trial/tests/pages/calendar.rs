//! The visit calendar, by the schedule of the AVATAR II file: 12 weeks apart, 7 days either side, counted from randomisation
//! (trial.md, 'visits').

use jiff::civil::Date;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;
use trial::calendar::{Calendar, FormState, VisitStatus, calendar, calendar_until, follow_up_ends, made};
use trial::date::plus_days;
use trial::protocol::Concept;

use crate::notebook::{Notebook, avatar, screening};

/// Randomised on 2026-01-15: week 12 is 2026-04-09, from 2026-04-02 to 2026-04-16.
fn enrolled() -> Notebook {
    let mut book = Notebook::new(avatar());
    book.enrol("A");
    book
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn on(book: &Notebook, today: &str) -> Calendar {
    calendar(book.history.current(), &book.record(), day(today))
}

/// `W12: due now` for each visit.
fn told(calendar: &Calendar) -> Vec<String> {
    let name = |visit: &str, n: u32| if n > 1 { format!("{visit} {n}") } else { visit.to_owned() };
    calendar.visits.iter().map(|v| format!("{}: {}", name(&v.visit, v.occurrence), v.status)).collect()
}

fn status(calendar: &Calendar, visit: &str) -> String {
    calendar.visits.iter().find(|planned| planned.visit == visit).unwrap().status.to_string()
}

fn assessment(date: &str) -> serde_json::Value {
    json!({"TRDAT": date, "LESIONS": [
        {"TULNKID": "T1", "TUORRES": "TARGET", "TULOC": "LIVER", "DIAMETER": 20},
        {"TULNKID": "NT1", "TUORRES": "NON-TARGET", "TULOC": "BONE", "TUMSTATE": "PRESENT"},
    ]})
}

#[rstest]
#[case("2026-01-15", "in 84 days")]
#[case("2026-04-01", "in 8 days")]
#[case("2026-04-02", "due now")]
#[case("2026-04-16", "due now")]
#[case("2026-04-17", "overdue by 1 day")]
#[case("2026-06-24", "overdue by 69 days")]
#[case("2026-06-25", "missed")] // the window of week 24 opens
fn a_visit_of_which_nothing_is_there(#[case] today: &str, #[case] want: &str) {
    assert_eq!(status(&on(&enrolled(), today), "W12"), want);
}

#[test]
fn dates_and_windows() {
    let calendar = on(&enrolled(), "2026-01-15");
    let w12 = calendar.visits.iter().find(|planned| planned.visit == "W12").unwrap();
    assert_eq!(w12.target, Some(day("2026-04-09")));
    assert_eq!((w12.opens, w12.closes), (Some(day("2026-04-02")), Some(day("2026-04-16"))));
    let forms: Vec<&str> = w12.forms.iter().map(|form| form.instance.form.as_str()).collect();
    assert_eq!(forms, ["ecog", "tumour", "factb"]);
    assert_eq!(calendar.next().unwrap().visit, "W12");
    assert_eq!(calendar.overdue().count(), 0);
}

#[test]
fn before_randomisation_there_are_no_days() {
    let mut book = Notebook::new(avatar());
    book.enter(trial::event::What::SubjectScreened);
    assert_eq!(
        told(&on(&book, "2026-01-10")),
        [
            "SCREENING: due now",
            "W12: counts from randomisation",
            "W24: counts from randomisation",
            "W36: counts from randomisation",
            "W48: counts from randomisation",
            "FOLLOWUP: counts from randomisation"
        ]
    );
    book.save("ecog@SCREENING", json!({"QSDAT": "2026-01-05", "ECOG": 4}));
    let calendar = on(&book, "2026-01-10");
    assert_eq!(status(&calendar, "SCREENING"), "begun on 2026-01-05");
    assert_eq!(status(&calendar, "W12"), "not expected: screen failure");
}

#[test]
fn follow_up_is_shown_up_to_the_next() {
    // Day 420 is 2027-03-11; the second is due 84 days later.
    let told = told(&on(&enrolled(), "2027-05-26"));
    assert_eq!(told[5..], ["FOLLOWUP: overdue by 69 days", "FOLLOWUP 2: in 8 days"]);
    let told = self::told(&on(&enrolled(), "2027-06-03"));
    assert_eq!(told[5..], ["FOLLOWUP: missed", "FOLLOWUP 2: due now", "FOLLOWUP 3: in 84 days"]);
}

#[test]
fn a_visit_is_done_when_all_its_forms_are_there() {
    let mut book = enrolled();
    book.save("ecog@W12", json!({"QSDAT": "2026-04-10", "ECOG": 1}));
    assert_eq!(status(&on(&book, "2026-04-20"), "W12"), "begun on 2026-04-10");
    book.save("tumour@W12", assessment("2026-04-20"));
    book.save("factb@W12", json!({"QSDAT": "2026-04-10"}));
    assert_eq!(status(&on(&book, "2026-04-20"), "W12"), "done on 2026-04-10, outside its window");
}

#[test]
fn an_assessment_filed_elsewhere_within_the_window_stands_for_it() {
    let mut book = enrolled();
    book.save("tumour", assessment("2026-04-08"));
    let calendar = on(&book, "2026-04-20");
    let w12 = calendar.visits.iter().find(|planned| planned.visit == "W12").unwrap();
    assert!(matches!(&w12.forms[1].state, FormState::Elsewhere { instance } if instance.visit.is_none()));
    assert_eq!(w12.status, VisitStatus::Begun { on: Some(day("2026-04-08")), in_window: true });
}

#[rstest]
#[case("withdrawal", json!({"DSSTDAT": "2026-05-01", "DSDECOD": "LOST TO FOLLOW-UP"}), "withdrawn or lost to follow-up")]
#[case("death", json!({"DTHDAT": "2026-05-01", "DTHCAUS": "OTHER"}), "died")]
fn nothing_is_expected_after_the_end(
    #[case] form: &str,
    #[case] values: serde_json::Value,
    #[case] why: &str,
) {
    let mut book = enrolled();
    book.save(form, values);
    let calendar = on(&book, "2027-06-01");
    // Its whole window had passed before: it was to be made.
    assert!(
        ["overdue by 411 days", "missed"].contains(&status(&calendar, "W12").as_str()),
        "{:?}",
        told(&calendar)
    );
    for visit in ["W24", "W48", "FOLLOWUP"] {
        assert_eq!(status(&calendar, visit), format!("not expected: {why}"));
    }
    assert_eq!(calendar.visits.len(), 6, "{:?}", told(&calendar));
}

#[test]
fn follow_up_ends_so_many_months_after_the_last_randomisation() {
    let book = enrolled();
    let protocol = book.history.current();
    assert_eq!(follow_up_ends(protocol, day("2026-03-31")), day("2029-03-31"));
    let calendar = calendar_until(protocol, &book.record(), day("2026-05-01"), Some(day("2026-05-01")));
    assert_eq!(status(&calendar, "W24"), "not expected: follow-up ended");
}

#[test]
fn the_screening_visit_of_the_notebook_is_complete_but_for_factb() {
    let mut book = Notebook::new(avatar());
    for (form, values) in screening() {
        book.save(form, values);
    }
    let calendar = on(&book, "2026-01-10");
    let absent: Vec<&str> = calendar.visits[0]
        .forms
        .iter()
        .filter(|form| form.state == FormState::Absent)
        .map(|form| form.instance.form.as_str())
        .collect();
    assert_eq!(absent, ["factb"]);
}

/// Assessments at some of the visits, on some day, and some without a visit.
fn some_assessments() -> impl Strategy<Value = Vec<(Option<&'static str>, i64)>> {
    let visit = proptest::sample::select(vec![Some("W12"), Some("W24"), Some("W36"), Some("W48"), None]);
    proptest::collection::vec((visit, 1i64..500), 0..5)
}

fn with_assessments(made: &[(Option<&'static str>, i64)]) -> Notebook {
    let mut book = enrolled();
    let mut seen = Vec::new();
    for (at, (visit, day)) in made.iter().enumerate() {
        if visit.is_some() && seen.contains(visit) {
            continue;
        }
        seen.push(*visit);
        let form = visit.map_or_else(|| format!("tumour#{}", at + 1), |visit| format!("tumour@{visit}"));
        let date = plus_days("2026-01-15".parse().unwrap(), *day);
        book.save(&form, assessment(&date.to_string()));
    }
    book
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // The calendar and the rule by which the analysis lists missed assessments agree on every visit whose window is over.
    #[test]
    fn missed_by_the_calendar_is_missed_by_the_analysis(done in some_assessments(), today in 1i64..600) {
        let book = with_assessments(&done);
        let (protocol, record) = (book.history.current(), book.record());
        let start: Date = "2026-01-15".parse().unwrap();
        let calendar = calendar(protocol, &record, plus_days(start, today));
        for (due, was_made) in made(protocol, &record, Concept::TumourAssessment, today) {
            let planned = calendar.visits.iter().find(|p| p.visit == due.visit && p.occurrence == due.occurrence).unwrap();
            let tumour = planned.forms.iter().find(|form| form.instance.form == "tumour").unwrap();
            prop_assert_eq!(was_made, tumour.state != FormState::Absent, "{:?} {:?}", due, planned);
            if !was_made {
                let over = matches!(planned.status, VisitStatus::Overdue { .. } | VisitStatus::Missed);
                prop_assert!(over, "{:?}", planned);
            }
        }
    }

    // A list keeps a calendar and ages it: the same as making it anew. What was entered when it was made lay in the past then: a
    // day in the future is refused.
    #[test]
    fn a_calendar_ages(done in some_assessments(), first in 0i64..600, later in 0i64..600) {
        let book = with_assessments(&done);
        let (protocol, record) = (book.history.current(), book.record());
        let start: Date = "2026-01-15".parse().unwrap();
        let first = done.iter().map(|(_, day)| *day).fold(first, i64::max);
        let (first, then) = (plus_days(start, first), plus_days(start, first + later));
        prop_assert_eq!(calendar(protocol, &record, first).on(protocol, then), calendar(protocol, &record, then));
    }
}
