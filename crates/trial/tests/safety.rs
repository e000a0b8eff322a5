//! CTCAE v5.0 as published, and the worst grades of one subject.

// A test that cannot be set up has failed.
#![allow(clippy::unwrap_used)]

mod story;

use rstest::rstest;
use story::day;
use trial::ctcae;
use trial::date::PartialDate;
use trial::protocol::Safety;
use trial::record::{AdverseEvent, Record};
use trial::safety::{WorstGrades, expedited, related_to, worst_grades};

// NCI, CTCAE v5.0, 27 November 2017: 837 terms in 26 system organ classes.
#[test]
fn holds_the_published_table() {
    let terms = ctcae::terms();
    assert_eq!(terms.len(), 837);
    let classes: std::collections::BTreeSet<&str> = terms.iter().map(|term| term.class.as_str()).collect();
    assert_eq!(classes.len(), 26);
    assert!(terms.iter().all(|term| term.grades.iter().any(Option::is_some)));
    for term in terms {
        assert_eq!(
            ctcae::find(&term.term.to_uppercase()).map(|found| found.term.as_str()),
            Some(term.term.as_str())
        );
    }
}

#[rstest]
#[case("Anemia", 10_002_272, "Blood and lymphatic system disorders", [true; 5])]
#[case(" fatigue ", 10_016_256, "General disorders and administration site conditions", [true, true, true, false, false])]
#[case("ALOPECIA", 10_001_760, "Skin and subcutaneous tissue disorders", [true, true, false, false, false])]
fn knows_terms(#[case] name: &str, #[case] code: u32, #[case] class: &str, #[case] grades: [bool; 5]) {
    let term = ctcae::find(name).unwrap();
    assert_eq!((term.code, term.class.as_str()), (code, class));
    assert_eq!([1, 2, 3, 4, 5].map(|grade| term.has_grade(grade)), grades);
    assert!(!term.has_grade(0) && !term.has_grade(6));
    assert!(ctcae::find("no such term").is_none());
}

fn safety() -> Safety {
    let attributed_to =
        [("AERELS".to_owned(), "SABR".to_owned()), ("AERELT".to_owned(), "systemic".to_owned())];
    Safety { attributed_to: attributed_to.into(), ..Safety::default() }
}

/// An event told as `fatigue 3 d10 AERELS=POSSIBLE serious`; `-` for a grade or onset not given.
fn event(seq: u64, told: &str) -> AdverseEvent {
    let words: Vec<&str> = told.split(' ').collect();
    let start = match words[2] {
        "-" => None,
        on if on.starts_with('d') => Some(day(on).into()),
        on => Some(PartialDate::parse(on).unwrap()),
    };
    AdverseEvent {
        event: seq,
        term: words[0].replace('_', " "),
        class: None,
        grade: words[1].parse().ok(),
        from_severity: false,
        start,
        end: None,
        serious: words.contains(&"serious"),
        attribution: words[3..]
            .iter()
            .filter_map(|word| word.split_once('='))
            .map(|(item, code)| (item.to_owned(), code.to_owned()))
            .collect(),
    }
}

fn worst(events: &str, related: bool) -> WorstGrades {
    let mut record: Record = story::record("A", "");
    record.adverse_events = (1..).zip(events.lines()).map(|(seq, told)| event(seq, told.trim())).collect();
    worst_grades(&safety(), &record, story::START, related)
}

// rules.md, 'Safety': possible, probable and definite make a TRAE; unrelated and unlikely do not.
#[rstest]
#[case("fatigue 2 d10 AERELS=UNRELATED", "", false)]
#[case("fatigue 2 d10 AERELS=UNLIKELY AERELT=UNRELATED serious", "", false)]
#[case("fatigue 2 d10 AERELS=POSSIBLE", "AERELS", false)]
#[case("fatigue 2 d10 AERELS=PROBABLE serious", "AERELS", true)]
#[case("fatigue 2 d10 AERELS=UNRELATED AERELT=DEFINITE serious", "AERELT", true)]
#[case("fatigue 2 d10 AERELS=POSSIBLE AERELT=POSSIBLE", "AERELS AERELT", false)]
#[case("fatigue 2 d10 serious", "", false)] // serious, not related: not expedited
#[case("fatigue 2 d10 OTHER=DEFINITE serious", "", false)] // attributed to nothing the protocol names
fn is_related(#[case] told: &str, #[case] to: &str, #[case] is_expedited: bool) {
    let event = event(1, told);
    assert_eq!(related_to(&safety(), &event).join(" "), to);
    assert_eq!(expedited(&safety(), &event), is_expedited);
}

#[test]
fn takes_the_worst_grade_per_term_class_and_overall() {
    let worst = worst(
        "Fatigue 1 d10 AERELS=POSSIBLE
         FATIGUE 3 d20
         fatigue 3 d30 AERELS=POSSIBLE
         Fever 2 d40
         Anemia - d50
         Odd_thing 4 d60
         Fatigue 4 d-3",
        false,
    );
    let general = "General disorders and administration site conditions".to_owned();
    let fatigue = &worst.by_term[&(general.clone(), "Fatigue".to_owned())];
    assert_eq!((fatigue.grade, fatigue.events.as_slice()), (3, &[2, 3][..]));
    assert_eq!(worst.by_term[&(general.clone(), "Fever".to_owned())].grade, 2);
    assert_eq!(worst.by_class[&general].grade, 3);
    assert_eq!(worst.by_term[&("Not classified".to_owned(), "Odd thing".to_owned())].grade, 4);
    assert_eq!(worst.overall.as_ref().unwrap().events, [6]);
    assert_eq!(worst.ungraded, [5], "an event without a grade is named, not lost");
}

#[test]
fn takes_related_ones_only_where_asked() {
    let worst = worst("Fatigue 1 d10 AERELS=POSSIBLE\nFatigue 3 d20 AERELS=UNLIKELY", true);
    assert_eq!(worst.overall.unwrap().grade, 1);
}

// rules.md, 'Partial dates': onset is the first possible day, not before the start of treatment if compatible.
#[rstest]
#[case("Fatigue 1 2026-01", true)]
#[case("Fatigue 1 2026", true)]
#[case("Fatigue 1 2025-12", false)]
#[case("Fatigue 1 -", true)]
#[case("Fatigue 1 d0", true)]
#[case("Fatigue 1 d-1", false)]
fn counts_from_the_start(#[case] told: &str, #[case] counts: bool) {
    assert_eq!(worst(told, false).overall.is_some(), counts);
}
