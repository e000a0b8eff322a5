//! The fold: events in, a record out; nothing lost silently, each form read under its own protocol version, and a cut that
//! sees nothing later than its day.

#![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]

mod notebook;

use jiff::civil::{Date, date};
use notebook::{AVATAR, Notebook, avatar, with};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use trial::date::PartialDate;
use trial::event::What;
use trial::protocol::check;
use trial::record::{Decision, Finding, LineReason, Record};

fn scan(day: &str, mm: f64) -> Value {
    json!({"TRDAT": day, "LESIONS": [
        {"TULNKID": "T1", "TUORRES": "TARGET", "TULOC": "LIVER", "DIAMETER": mm},
        {"TULNKID": "NT1", "TUORRES": "NON-TARGET", "TULOC": "BONE", "TUMSTATE": "PRESENT"},
    ]})
}

fn faults(record: &Record) -> Vec<String> {
    record
        .faults
        .iter()
        .map(|fault| format!("{} {} {}: {}", fault.event, fault.place, fault.item, fault.message))
        .collect()
}

/// A subject of arm A with one of everything.
fn whole() -> Notebook {
    let mut book = Notebook::new(avatar());
    book.enrol("A");
    book.on("2026-02-01");
    book.save(
        "sabr",
        json!({"PRSTDAT": "2026-01-26", "PRENDAT": "2026-01-28",
        "LESIONS": [{"TULNKID": "NT1", "PRDOSFRX": 12, "PRNFRX": 2}]}),
    );
    book.on("2026-04-10");
    book.save("ecog@W12", json!({"QSDAT": "2026-04-09", "ECOG": 1}));
    book.save("tumour@W12", scan("2026-04-09", 30.0));
    book.save("factb@W12", json!({"QSDAT": "2026-04-09", "GP1": 0, "P2": 4}));
    book.save("decision", json!({"DECDAT": "2026-04-15", "PROGDAT": "2026-04-09", "DECISION": "ABANDON"}));
    book.save("systemic", json!({"CMTRT": "fulvestrant", "CMREAS": "PROGRESSION", "CMSTDAT": "2026-05", "CMENDAT": "2026-09-01"}));
    book.on("2026-10-01");
    book.save("ae", json!({"AETERM": "Sepsis", "AETOXGR": 5, "AESTDAT": "2026-05-20", "AEENDAT": "2026-09-20", "AESER": "Y",
        "AEOUT": "FATAL", "AERELSYS": "PROBABLE", "AERELSAB": "UNRELATED"}));
    book.save("clinprog", json!({"CEDAT": "2026-08-30", "CETERM": "pain"}));
    book.save("contact", json!({"SSDAT": "2026-09-10"}));
    book.save("deviation", json!({"DVSTDAT": "2026-06-01", "DVCAT": "ASSESSMENT", "DVTERM": "scan missed"}));
    book.save("withdrawal", json!({"DSSTDAT": "2026-09-15", "DSDECOD": "WITHDRAWAL OF CONSENT"}));
    book.save("death", json!({"DTHDAT": "2026-09", "DTHCAUS": "TREATMENT"}));
    book
}

#[test]
fn every_concept_is_read() {
    let book = whole();
    let record = book.record();
    assert_eq!(faults(&record), Vec::<String>::new());
    assert_eq!((record.subject.as_str(), record.site.as_str()), ("S01-001", "S01"));
    assert_eq!(record.screened.as_ref().unwrap().value, date(2026, 1, 1));
    assert_eq!(record.consent.as_ref().unwrap().value, date(2026, 1, 2));
    assert_eq!(record.sex.as_ref().unwrap().value, "F");
    assert_eq!(record.birth_year.as_ref().unwrap().value, 1960);
    let allocation = &record.randomised.as_ref().unwrap().value;
    assert_eq!((allocation.arm.as_str(), allocation.date), ("A", date(2026, 1, 15)));
    assert_eq!(record.ecog.iter().map(|fact| fact.value.1).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(record.assessments.len(), 2);
    let week_12 = &record.assessments[1];
    assert_eq!(
        (week_12.reader.as_str(), week_12.visit.as_str(), week_12.visitnum),
        ("INVESTIGATOR", "W12", 2.0)
    );
    assert_eq!(week_12.readings[0].finding, Finding::Measured(30.0));
    assert_eq!(record.assessments[0].readings[1].oligoprogressive, Some(true));
    assert_eq!(record.sabr[0].lesions[0].fraction_gy, 12.0);
    assert_eq!(record.lines[0].reason, LineReason::Progression);
    assert_eq!(record.lines[0].start, PartialDate::Month(2026, 5));
    assert_eq!(record.adverse_events[0].grade, Some(5));
    assert_eq!(
        record.adverse_events[0].attribution,
        [("AERELSAB".to_owned(), "UNRELATED".to_owned()), ("AERELSYS".to_owned(), "PROBABLE".to_owned())]
    );
    assert_eq!(
        (record.factb[0].answers[0], record.factb[0].answers[36], record.factb[0].answers[1]),
        (Some(0), Some(4), None)
    );
    assert_eq!(record.decisions[0].decision, Decision::Abandon);
    assert_eq!(record.deviations[0].category, "ASSESSMENT");
    assert_eq!(record.withdrawal.as_ref().unwrap().reason, "WITHDRAWAL OF CONSENT");
    assert_eq!(record.death.as_ref().unwrap().date, PartialDate::Month(2026, 9));
    assert_eq!(record.contacts.last().unwrap().value, date(2026, 9, 15));
    assert!(
        record.contacts.iter().any(|fact| fact.value == date(2026, 1, 28)),
        "the last fraction is a contact"
    );
    assert_eq!(record.forms.len(), 6 + 12);
}

#[test]
fn a_correction_stands_and_the_first_event_is_kept() {
    let mut book = Notebook::new(avatar());
    book.enrol("A");
    let first = book.save("tumour@W12", scan("2026-04-09", 30.0));
    let second = book.correct("tumour@W12", scan("2026-04-09", 20.0), first);
    let record = book.record();
    assert_eq!(faults(&record), Vec::<String>::new());
    assert_eq!(record.assessments.len(), 2);
    assert_eq!(record.assessments[1].readings[0].finding, Finding::Measured(20.0));
    assert_eq!(record.assessments[1].event, second);
    let form = record.forms.iter().find(|form| form.event == second).unwrap();
    assert_eq!(form.first, first);
    assert_eq!(form.date, Some(date(2026, 4, 9).into()));
}

#[test]
fn what_is_out_of_order_is_kept_as_a_fault() {
    let mut book = Notebook::new(avatar());
    book.enrol("A");
    let again = book.save("ecog@SCREENING", json!({"QSDAT": "2026-01-05", "ECOG": 2}));
    let orphan = book.correct("ecog@W12", json!({"QSDAT": "2026-04-05", "ECOG": 2}), 3);
    let stale = book.correct("ecog@SCREENING", json!({"QSDAT": "2026-01-05", "ECOG": 0}), 15);
    let twice = book.randomise("B", "2026-01-20");
    let record = book.record();
    assert_eq!(
        faults(&record),
        [
            format!(
                "{again} ecog, visit SCREENING 1 : was saved before, by event 15; a change is a correction that names it"
            ),
            format!("{orphan} ecog, visit W12 1 : corrects a form that was never saved"),
            format!(
                "{stale} ecog, visit SCREENING 1 : corrects event 15, but the values of event {again} stood"
            ),
            format!(
                "{twice} randomisation arm: the subject was randomised before; a subject is randomised once, and the first \
                 allocation stands"
            ),
        ]
    );
    let allocation = &record.randomised.as_ref().unwrap().value;
    assert_eq!((allocation.arm.as_str(), allocation.date), ("A", date(2026, 1, 15)));
}

#[rstest]
#[case("unknown", json!({"A": 1}), "no such form")]
#[case("ecog@W12", json!({"QSDAT": "2026-04-05"}), "is missing")]
#[case("ecog@W12", json!({"QSDAT": "2026-04-05", "ECOG": "one"}), "is no number")]
#[case("ecog@W12", json!({"QSDAT": "2026-04-05", "ECOG": 9}), "no whole number from 0 to 5")]
#[case("ecog@W12", json!({"QSDAT": "5 April", "ECOG": 1}), "is no date")]
#[case("ecog@W12", json!({"QSDAT": "2026-04", "ECOG": 1}), "lacks its day")]
#[case("death", json!({"DTHDAT": true}), "is no date")]
#[case("systemic", json!({"CMTRT": "x", "CMREAS": "WHIM", "CMSTDAT": "2026"}), "not one of BASELINE, PROTOCOL")]
#[case("sabr", json!({"PRSTDAT": "2026-04-05", "LESIONS": 3}), "no list of rows")]
#[case("sabr", json!({"PRSTDAT": "2026-04-05", "LESIONS": [{"TULNKID": "NT1", "PRDOSFRX": -12, "PRNFRX": 2}]}), "more than 0")]
#[case("tumour@W12", json!({"TRDAT": "2026-04-05", "LESIONS": [3]}), "is no row")]
#[case("tumour@W12", with(scan("2026-04-05", 1.0), "/LESIONS/0/DIAMETER", json!(-1)), "a diameter is 0 mm or more")]
#[case("tumour@W12", with(scan("2026-04-05", 1.0), "/LESIONS/0/TUORRES", json!("BIG")), "not one of TARGET")]
#[case("tumour@W12", with(scan("2026-04-05", 1.0), "/LESIONS/1/TUMSTATE", json!("ODD")), "not one of PRESENT")]
#[case("factb@W12", json!({"QSDAT": "2026-04-05", "GP1": 7}), "no whole number from 0 to 4")]
fn what_cannot_be_read_is_kept_as_a_fault(#[case] form: &str, #[case] values: Value, #[case] want: &str) {
    let mut book = Notebook::new(avatar());
    book.enrol("A");
    let seq = book.save(form, values);
    let record = book.record();
    assert!(
        record.faults.iter().any(|fault| fault.event == seq && fault.message.contains(want)),
        "{:?}",
        faults(&record)
    );
    assert!(record.forms.iter().any(|filled| filled.event == seq), "the form itself is kept");
}

#[test]
fn each_form_is_read_under_the_version_in_force_when_it_was_entered() {
    // Version 2 knows performance status as a custom form, and a new form for it.
    let amended = AVATAR
        .replacen("version = \"1.0\"", "version = \"2.0\"", 1)
        .replacen(
            "id = \"ecog\"\nlabel = \"ECOG performance status\"\nconcept = \"ecog\"",
            "id = \"ecog\"\nlabel = \"ECOG performance status\"\nconcept = \"custom\"",
            1,
        )
        .replacen("AERELSYS = \"Systemic therapy\", ", "", 1);
    let mut history = avatar();
    history.adopt(20, check(&amended).unwrap());
    assert_eq!(history.at(19).trial.version, "1.0");
    assert_eq!(history.at(20).trial.version, "2.0");
    assert_eq!(history.current().trial.version, "2.0");
    let ae = json!({"AETERM": "Fatigue", "AETOXGR": 2, "AESTDAT": "2026-02", "AESER": "N", "AERELSYS": "POSSIBLE",
        "AERELSAB": "UNLIKELY"});
    let mut book = Notebook::new(history);
    book.enrol("A");
    let before = book.save("ecog@W12", json!({"QSDAT": "2026-04-09", "ECOG": 1}));
    book.save("ae", ae.clone());
    assert!(before < 20 && before > 17);
    let after = book.save("ecog@W24", json!({"QSDAT": "2026-07-02", "ECOG": 2}));
    assert_eq!(after, 20);
    book.save("ae#2", ae);
    let record = book.record();
    assert_eq!(faults(&record), Vec::<String>::new());
    let read: Vec<u64> = record.ecog.iter().map(|fact| fact.event).collect();
    assert_eq!(read, [15, before], "the form of version 2 means nothing to the domain");
    let attributed: Vec<usize> = record.adverse_events.iter().map(|ae| ae.attribution.len()).collect();
    assert_eq!(attributed, [2, 1]);
    // A correction entered under version 2 is read under version 2.
    book.correct("ecog@W12", json!({"QSDAT": "2026-04-09", "ECOG": 0}), before);
    assert_eq!(book.record().ecog.len(), 1);
}

/// Every date in a record that a cut could betray.
fn dates(record: &Record) -> Vec<Date> {
    let mut dates: Vec<Date> = record.contacts.iter().map(|fact| fact.value).collect();
    let mut some = |date: Option<PartialDate>| dates.extend(date.map(PartialDate::first));
    record.screened.iter().for_each(|fact| some(Some(fact.value.into())));
    record.consent.iter().for_each(|fact| some(Some(fact.value.into())));
    record.randomised.iter().for_each(|fact| some(Some(fact.value.date.into())));
    record.ecog.iter().for_each(|fact| some(Some(fact.value.0.into())));
    record.assessments.iter().for_each(|assessment| some(Some(assessment.date.into())));
    record.clinical_progressions.iter().for_each(|fact| some(Some(fact.value.into())));
    for course in &record.sabr {
        some(Some(course.start.into()));
        some(course.end.map(PartialDate::from));
    }
    for line in &record.lines {
        some(Some(line.start));
        some(line.end);
    }
    for ae in &record.adverse_events {
        some(ae.start);
        some(ae.end);
    }
    record.factb.iter().for_each(|answers| some(Some(answers.date.into())));
    for decision in &record.decisions {
        some(Some(decision.date.into()));
        some(Some(decision.progression.into()));
    }
    record.deviations.iter().for_each(|deviation| some(Some(deviation.date.into())));
    record.withdrawal.iter().for_each(|withdrawal| some(Some(withdrawal.date.into())));
    record.death.iter().for_each(|death| some(Some(death.date)));
    for form in &record.forms {
        some(form.date);
        let text = Value::Object(form.values.clone()).to_string();
        for piece in text.split('"').filter(|piece| piece.len() > 4) {
            some(PartialDate::parse(piece).ok());
        }
    }
    dates
}

#[rstest]
#[case("2026-01-01")]
#[case("2026-01-14")]
#[case("2026-01-15")]
#[case("2026-01-27")]
#[case("2026-04-08")]
#[case("2026-04-09")]
#[case("2026-04-14")]
#[case("2026-05-10")]
#[case("2026-08-31")]
#[case("2026-09-05")]
#[case("2026-09-19")]
fn a_cut_sees_nothing_later(#[case] cut: Date) {
    let record = whole().record().cut_at(cut);
    let late: Vec<Date> = dates(&record).into_iter().filter(|date| *date > cut).collect();
    assert_eq!(late, Vec::<Date>::new(), "cut at {cut}");
}

#[test]
fn a_cut_after_everything_changes_nothing() {
    let whole = whole().record();
    let cut = whole.clone().cut_at(date(2027, 1, 1));
    assert_eq!(format!("{whole:?}"), format!("{cut:?}"));
}

#[test]
fn a_cut_between_a_progression_and_its_decision_leaves_it_undecided() {
    let cut = whole().record().cut_at(date(2026, 4, 14));
    assert_eq!(cut.assessments.len(), 2);
    assert_eq!(cut.decisions, []);
    assert_eq!(cut.lines, []);
}

#[test]
fn a_cut_leaves_courses_and_lines_under_way() {
    let record = whole().record();
    assert_eq!(record.clone().cut_at(date(2026, 1, 27)).sabr[0].end, None);
    assert_eq!(record.clone().cut_at(date(2026, 1, 28)).sabr[0].end, Some(date(2026, 1, 28)));
    assert_eq!(record.clone().cut_at(date(2026, 8, 31)).lines[0].end, None);
    assert_eq!(record.cut_at(date(2026, 9, 1)).lines[0].end, Some(date(2026, 9, 1).into()));
}

// rules.md: a death is imputed to the last possible day not after the cut-off; but who was seen alive after the cut-off was
// not dead at it.
#[rstest]
#[case("2026-08-31", false)]
#[case("2026-09-05", false)] // seen alive on the 10th and 15th
#[case("2026-09-20", true)]
#[case("2026-10-15", true)]
fn a_partial_death_is_seen_at_a_cut(#[case] cut: Date, #[case] dead: bool) {
    let record = whole().record().cut_at(cut);
    assert_eq!(record.death.is_some(), dead);
}

#[rstest]
#[case("2026-05-19", "no event")]
#[case("2026-05-20", "grade None")] // begun, its grade by then not known
#[case("2026-09-20", "grade Some(5)")]
fn a_fatal_event_is_not_fatal_before_its_end(#[case] cut: Date, #[case] want: &str) {
    let record = whole().record().cut_at(cut);
    let found =
        record.adverse_events.first().map_or("no event".to_owned(), |ae| format!("grade {:?}", ae.grade));
    assert_eq!(found, want);
}

#[test]
fn an_event_without_onset_is_judged_by_when_it_was_recorded() {
    let mut book = Notebook::new(avatar());
    book.enrol("A");
    book.on("2026-06-01").save("ae", json!({"AETERM": "Nausea", "AETOXGR": 1, "AESER": "N"}));
    assert_eq!(book.record().cut_at(date(2026, 5, 31)).adverse_events.len(), 0);
    assert_eq!(book.record().cut_at(date(2026, 6, 1)).adverse_events.len(), 1);
}

#[test]
fn folding_borrowed_owned_and_one_by_one_is_the_same() {
    let book = whole();
    let (history, subject) = (&book.history, "S01-001".into());
    let borrowed = Record::fold(history, &subject, &book.events);
    let owned = Record::fold_owned(history, &subject, book.events.clone());
    assert_eq!(format!("{borrowed:?}"), format!("{owned:?}"));
    let mut one_by_one = Record::fold(history, &subject, &book.events[..3]);
    for entered in &book.events[3..] {
        assert!(one_by_one.absorb(history, entered));
    }
    assert_eq!(format!("{borrowed:?}"), format!("{one_by_one:?}"));
}

#[test]
fn absorbing_a_correction_asks_for_a_new_fold() {
    let mut book = whole();
    let before = book.record();
    let seq = book.correct("contact", json!({"SSDAT": "2026-09-11"}), 27);
    let correction = book.events.last().unwrap().clone();
    assert_eq!(correction.seq, seq);
    let mut record = before.clone();
    assert!(!record.absorb(&book.history, &correction));
    assert_eq!(format!("{before:?}"), format!("{record:?}"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the order of entry and the days, folding at once and one by one agree, and a cut sees nothing later.
    #[test]
    fn any_history(days in proptest::collection::vec((0i64..900, 0u8..8, 5.0f64..60.0), 0..20), cut in 0i64..900) {
        let mut book = Notebook::new(avatar());
        book.enrol("B");
        for (n, (day, kind, mm)) in days.iter().enumerate() {
            let day = trial::date::plus_days(date(2026, 1, 15), *day).to_string();
            let n = n + 1;
            match kind {
                0 => book.save(&format!("tumour#{n}"), scan(&day, *mm)),
                1 => book.save(&format!("contact#{n}"), json!({"SSDAT": day})),
                2 => book.save(&format!("systemic#{n}"), json!({"CMTRT": "x", "CMREAS": "PROGRESSION", "CMSTDAT": day[..7]})),
                3 => book.save(&format!("death#{n}"), json!({"DTHDAT": day[..7]})),
                4 => book.save(&format!("ae#{n}"), json!({"AETERM": "Pain", "AETOXGR": 5, "AESTDAT": day[..7], "AEENDAT": day})),
                5 => book.save(&format!("clinprog#{n}"), json!({"CEDAT": day})),
                6 => book.save(&format!("decision#{n}"), json!({"DECDAT": day, "PROGDAT": day, "DECISION": "CONTINUE"})),
                _ => book.enter(What::SubjectScreened),
            };
        }
        let subject = "S01-001".into();
        let whole = Record::fold(&book.history, &subject, &book.events);
        let mut grown = Record::fold(&book.history, &subject, &book.events[..1]);
        for entered in &book.events[1..] {
            prop_assert!(grown.absorb(&book.history, entered));
        }
        prop_assert_eq!(format!("{whole:?}"), format!("{grown:?}"));
        let cut = trial::date::plus_days(date(2026, 1, 15), cut);
        let seen = whole.cut_at(cut);
        prop_assert!(dates(&seen).into_iter().all(|date| date <= cut));
    }
}
