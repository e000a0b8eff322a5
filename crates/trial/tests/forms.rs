//! Admission: every kind of bad input gets a fault that names form, row, item, what was found and what would be right.

#![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]

mod notebook;

use notebook::{Notebook, avatar, screening, with};
use rstest::rstest;
use serde_json::{Value, json};
use trial::form::FormFault;

fn enrolled(arm: &str) -> Notebook {
    let mut book = Notebook::new(avatar());
    book.enrol(arm);
    book
}

fn shown(faults: &[FormFault]) -> String {
    let line = |fault: &FormFault| format!("{} {fault}\n", if fault.hard { "hard" } else { "soft" });
    faults.iter().map(line).collect::<Vec<_>>().concat()
}

/// The one fault there should be.
fn only(faults: &[FormFault]) -> String {
    assert_eq!(faults.len(), 1, "{}", shown(faults));
    shown(faults).trim_end().to_owned()
}

fn tumour() -> Value {
    json!({"TRDAT": "2026-04-09", "LESIONS": [
        {"TULNKID": "T1", "TUORRES": "TARGET", "TULOC": "LIVER", "DIAMETER": 20.5},
        {"TULNKID": "NT1", "TUORRES": "NON-TARGET", "TULOC": "BONE", "TUMSTATE": "PRESENT"},
    ]})
}

fn sabr() -> Value {
    json!({"PRSTDAT": "2026-01-26", "PRENDAT": "2026-01-28",
           "LESIONS": [{"TULNKID": "NT1", "PRDOSFRX": 12, "PRNFRX": 2}]})
}

fn ae() -> Value {
    json!({"AETERM": "Fatigue", "AETOXGR": 2, "AESTDAT": "2026-02", "AESER": "N", "AERELSYS": "POSSIBLE",
           "AERELSAB": "UNLIKELY"})
}

#[test]
fn what_is_right_is_admitted() {
    let mut book = Notebook::new(avatar());
    book.enter(trial::event::What::SubjectScreened);
    for (form, values) in screening() {
        assert_eq!(shown(&book.admit(form, values.clone(), "2026-01-10")), "", "{form}");
        book.save(form, values);
    }
    book.randomise("A", "2026-01-15");
    for (form, values) in [
        ("tumour@W12", tumour()),
        ("tumour", tumour()),
        ("sabr", sabr()),
        ("ae", ae()),
        ("ecog@FOLLOWUP#3", json!({"QSDAT": "2027-08-26", "ECOG": 0})),
        ("factb@W12", json!({"QSDAT": "2026-04-08", "GP1": 0, "P2": 4})),
        ("systemic", json!({"CMTRT": "fulvestrant", "CMREAS": "PROGRESSION", "CMSTDAT": "2026-05"})),
        ("decision", json!({"DECDAT": "2026-01-20", "PROGDAT": "2026-01-06", "DECISION": "CONTINUE"})),
        ("death", json!({"DTHDAT": "2027", "DTHCAUS": "BREAST CANCER"})),
    ] {
        let faults = book.admit(form, values, "2028-01-01");
        assert!(faults.iter().all(|fault| !fault.hard), "{form}: {}", shown(&faults));
        if form != "decision" {
            assert_eq!(shown(&faults), "", "{form}");
        }
    }
}

// A changed item of a follow-up assessment, and the one fault it makes.
#[rstest]
#[case("/TRDAT", json!("2026-02-30"), "hard form tumour, item TRDAT: found \"2026-02-30\", which is no date; write YYYY-MM-DD")]
#[case("/TRDAT", json!("09/04/2026"), "hard form tumour, item TRDAT: found \"09/04/2026\", which is no date; write YYYY-MM-DD")]
#[case("/TRDAT", json!(20_260_409), "hard form tumour, item TRDAT: found 20260409; write YYYY-MM-DD")]
#[case("/TRDAT", json!("2026-04"), "hard form tumour, item TRDAT: found \"2026-04\"; the day is needed: write YYYY-MM-DD")]
#[case("/TRDAT", json!("2026-05-02"), "hard form tumour, item TRDAT: found \"2026-05-02\"; it may not lie after the day of entry, 2026-05-01")]
#[case("/TRDAT", json!("1826-04-09"), "hard form tumour, item TRDAT: found \"1826-04-09\"; it may not lie before 1900")]
#[case(
    "/TRDAT",
    Value::Null,
    "hard form tumour, item TRDAT: found nothing; it must be filled: Date of the first scan of this assessment"
)]
#[case("/TRDAT", json!(""), "hard form tumour, item TRDAT: found nothing; it must be filled: Date of the first scan of this assessment")]
#[case("/TRDAT", json!("2026-04-20"), "soft form tumour, item TRDAT: found 2026-04-20; visit W12 is due from 2026-04-02 to 2026-04-16: right date, right visit?")]
#[case("/TRMETHOD", json!("CT"), "hard form tumour, item TRMETHOD: found \"CT\"; choose one of CT SCAN, MRI, PET/CT SCAN, BONE SCAN, PHYSICAL EXAMINATION")]
#[case("/TRDATE", json!("2026-04-09"), "hard form tumour, item TRDATE: found an item the form does not have; did you mean TRDAT?")]
#[case("/LESIONS", json!("none"), "hard form tumour, item LESIONS: found \"none\"; write a list of rows")]
#[case("/LESIONS/0", json!(3), "hard form tumour, LESIONS row 1: found 3; write a row of items")]
#[case("/LESIONS/0/DIAMETER", json!(-3), "hard form tumour, LESIONS row 1, item DIAMETER: found -3 mm; it must lie between 0 and 500 mm")]
#[case("/LESIONS/0/DIAMETER", json!(2050), "hard form tumour, LESIONS row 1, item DIAMETER: found 2050 mm; it must lie between 0 and 500 mm")]
#[case("/LESIONS/0/DIAMETER", json!("20 mm"), "hard form tumour, LESIONS row 1, item DIAMETER: found \"20 mm\"; write a number mm")]
#[case(
    "/LESIONS/0/DIAMETER",
    Value::Null,
    "hard form tumour, LESIONS row 1: found DIAMETER empty, TRSTAT empty, TUMSTATE empty, TUORRES \"TARGET\"; A target needs its diameter in mm, a state, or 'not done' with a reason."
)]
#[case("/LESIONS/0/TUORRES", json!("TARGETS"), "hard form tumour, LESIONS row 1, item TUORRES: found \"TARGETS\"; did you mean TARGET? choose one of TARGET, NON-TARGET, NEW")]
#[case("/LESIONS/0/TUORRES", json!("NON-TARGET"), "hard form tumour, LESIONS row 1, item TUORRES: found NON-TARGET; T1 was named TARGET when first seen, and stays so")]
#[case("/LESIONS/0/TULNKID", json!("NT1"), "hard form tumour, LESIONS row 2, item TULNKID: found \"NT1\" again; it stands in row 1 already; each may stand once")]
#[case("/LESIONS/0/TULNKID", json!("T1 "), "hard form tumour, LESIONS row 1, item TULNKID: found \"T1 \"; write it without blanks at its ends")]
#[case("/LESIONS/0/TULOC", json!("LUNG"), "soft form tumour, LESIONS row 1, item TULOC: found LUNG; T1 lay in LIVER when first seen: is it the same lesion?")]
#[case("/LESIONS/1/TUMSTATE", json!("EQUIVOCAL"), "hard form tumour, LESIONS row 2: found TUMSTATE \"EQUIVOCAL\", TUORRES \"NON-TARGET\"; Only a new lesion is equivocal; of another say PRESENT or UNEQUIVOCAL.")]
#[case("/LESIONS/1/SPLITFROM", json!("T9"), "hard form tumour, LESIONS row 2, item SPLITFROM: found lesion T9, which is not known; name a lesion of this subject")]
#[case("/LESIONS/1/SPLITFROM", json!("NT1"), "hard form tumour, LESIONS row 2, item SPLITFROM: found lesion NT1; name another lesion than the row's own")]
#[case("/LESIONS/1/TRREASND", json!("why not"), "soft form tumour, LESIONS row 2, item TRREASND: found \"why not\"; it is asked only where given(TRSTAT)")]
fn a_wrong_assessment(#[case] pointer: &str, #[case] value: Value, #[case] want: &str) {
    let faults = enrolled("A").admit("tumour@W12", with(tumour(), pointer, value), "2026-05-01");
    // A second fault may follow from the first (a lesion under another name is not read under its own).
    assert!(shown(&faults).lines().any(|line| line == want), "{}", shown(&faults));
    assert!(faults.len() <= 2, "{}", shown(&faults));
}

#[test]
fn a_reading_for_an_unknown_lesion() {
    let values = with(tumour(), "/LESIONS/0/TULNKID", json!("T2"));
    let faults = enrolled("A").admit("tumour@W12", values, "2026-05-01");
    assert!(shown(&faults).starts_with(
        "hard form tumour, LESIONS row 1, item TULNKID: found a reading of lesion T2, which was not named at baseline; did \
         you mean T1?"
    ), "{}", shown(&faults));
    let values = with(tumour(), "/LESIONS/0/TUORRES", json!("NEW"));
    let values = with(values, "/LESIONS/0/TULNKID", json!("N1"));
    let faults = enrolled("A").admit("tumour@W12", values, "2026-05-01");
    assert_eq!(
        only(&faults),
        "soft form tumour, item LESIONS: found no reading of T1; read every lesion of the baseline, or say NOT DONE and why"
    );
}

#[test]
fn no_lesion_is_new_at_baseline() {
    let (form, values) = screening().pop().unwrap();
    let values = with(values, "/LESIONS/0/TUORRES", json!("NEW"));
    let mut book = Notebook::new(avatar());
    book.enter(trial::event::What::SubjectScreened);
    let faults = book.admit(form, values, "2026-05-01");
    assert!(only(&faults).contains("at baseline no lesion is new"));
}

#[test]
fn correcting_a_form_is_not_judged_against_its_own_old_values() {
    let mut book = enrolled("A");
    book.save("tumour@W12", with(tumour(), "/LESIONS/0/TULOC", json!("LUNG")));
    let faults = book.admit("tumour@W12", tumour(), "2026-05-01");
    assert_eq!(shown(&faults), "");
    book.save("death", json!({"DTHDAT": "2026-06-01", "DTHCAUS": "OTHER"}));
    let faults = book.admit("death", json!({"DTHDAT": "2026-06-03", "DTHCAUS": "OTHER"}), "2026-07-01");
    assert_eq!(shown(&faults), "");
}

#[rstest]
#[case("tumuor@W12", "form \"tumuor\"; did you mean form tumour?")]
#[case("questionnaire", "form \"questionnaire\"; the protocol has consent, demography")]
#[case("tumour@W13", "visit \"W13\"; did you mean visit W12?")]
#[case("tumour@FINAL-VISIT", "visit \"FINAL-VISIT\"; the schedule has SCREENING, W12")]
#[case("tumour@W12#0", "occurrence 0; occurrences count from 1")]
#[case("tumour@W12#2", "occurrence 2 of visit W12; the visit does not repeat")]
fn a_wrong_place(#[case] place: &str, #[case] want: &str) {
    let faults = enrolled("A").admit(place, tumour(), "2026-05-01");
    assert!(faults.iter().any(|fault| fault.hard && fault.to_string().contains(want)), "{}", shown(&faults));
}

#[test]
fn a_form_at_a_visit_where_it_is_not_due_is_asked_about() {
    let faults = enrolled("A").admit("factb@FOLLOWUP#1", json!({"QSDAT": "2027-03-11"}), "2027-05-01");
    assert!(only(&faults).starts_with("soft form factb: found form factb at visit FOLLOWUP"));
}

// A changed item of another form, and the one fault it makes.
#[rstest]
#[case("sabr", sabr(), "/LESIONS/0/TULNKID", json!("NT2"), "hard form sabr, LESIONS row 1, item TULNKID: found lesion NT2, which no assessment named; did you mean NT1?")]
#[case("sabr", sabr(), "/LESIONS/0/PRDOSFRX", json!(-12), "hard form sabr, LESIONS row 1, item PRDOSFRX: found -12 Gy; it must lie between 1 and 34 Gy")]
#[case("sabr", sabr(), "/LESIONS/0/PRNFRX", json!(1.5), "hard form sabr, LESIONS row 1, item PRNFRX: found 1.5; write a whole number")]
#[case("sabr", sabr(), "/LESIONS/0/PRDOSFRX", json!(2), "soft form sabr, LESIONS row 1: found PRDOSFRX 2; Under 5 Gy a fraction is not ablative: is this SABR?")]
#[case("sabr", sabr(), "/LESIONS", json!([]), "hard form sabr, item LESIONS: found no lesion; a course names the lesions it treats")]
#[case("sabr", sabr(), "/PRENDAT", json!("2026-01-25"), "hard form sabr: found PRENDAT \"2026-01-25\", PRSTDAT \"2026-01-26\"; The last fraction cannot come before the first.")]
#[case("sabr", sabr(), "/PRSTDAT", json!("2026-01-14"), "soft form sabr, item PRSTDAT: found 2026-01-14; SABR of this trial comes after randomisation, 2026-01-15")]
#[case("ae", ae(), "/AETOXGR", json!(6), "hard form ae, item AETOXGR: found 6; it must lie between 1 and 5")]
#[case("ae", ae(), "/AETOXGR", json!(2.5), "hard form ae, item AETOXGR: found 2.5; write a whole number")]
#[case(
    "ae",
    ae(),
    "/AETOXGR",
    Value::Null,
    "hard form ae, item AETOXGR: found nothing; it must be filled: CTCAE v5.0 grade"
)]
#[case("ae", ae(), "/AETOXGR", json!(4), "soft form ae, item AETOXGR: found grade 4; CTCAE v5.0 has grades 1, 2, 3 of Fatigue")]
#[case("ae", ae(), "/AETERM", json!("Fatige"), "soft form ae, item AETERM: found \"Fatige\", which is no term of CTCAE v5.0; did you mean \"Fatigue\"?")]
#[case("ae", ae(), "/AESER", json!("yes"), "hard form ae, item AESER: found \"yes\"; write Y or N")]
#[case("ae", ae(), "/AERELSAB", json!("MAYBE"), "hard form ae, item AERELSAB: found \"MAYBE\"; choose one of UNRELATED, UNLIKELY, POSSIBLE, PROBABLE, DEFINITE")]
#[case("ae", ae(), "/AESTDAT", json!("1950-02"), "soft form ae, item AESTDAT: found 1950-02; the subject was born in 1960: is the date right?")]
#[case("ae", ae(), "/AEENDAT", json!("2026-01"), "hard form ae: found AEENDAT \"2026-01\", AESTDAT \"2026-02\"; The event cannot end before its onset.")]
fn a_wrong_log_entry(
    #[case] form: &str,
    #[case] values: Value,
    #[case] pointer: &str,
    #[case] value: Value,
    #[case] want: &str,
) {
    let faults = enrolled("A").admit(form, with(values, pointer, value), "2026-05-01");
    assert!(shown(&faults).lines().any(|line| line == want), "{}", shown(&faults));
    assert!(faults.len() <= 2, "{}", shown(&faults));
}

#[rstest]
#[case("decision", json!({"DECDAT": "2026-02-01", "PROGDAT": "2026-01-20", "DECISION": "CONTINUE"}),
    "soft form decision, item PROGDAT: found 2026-01-20; no assessment and no clinical progression is of that day; the nearest is of 2026-01-06")]
#[case("decision", json!({"DECDAT": "2026-01-18", "PROGDAT": "2026-01-20", "DECISION": "CONTINUE"}),
    "hard form decision: found DECDAT \"2026-01-18\", PROGDAT \"2026-01-20\"; A decision cannot come before the progression it is about.")]
#[case("systemic", json!({"CMTRT": "x", "CMREAS": "PROGRESSION", "CMSTDAT": "2026-01-10"}),
    "soft form systemic, item CMSTDAT: found 2026-01-10; a change of therapy for progression comes after randomisation, 2026-01-15")]
#[case("clinprog", json!({"CEDAT": "2026-01-10", "CETERM": "pain"}),
    "soft form clinprog, item CEDAT: found 2026-01-10; a progression of this trial comes after randomisation, 2026-01-15")]
#[case("death", json!({"DTHDAT": "2026-01-10", "DTHCAUS": "OTHER"}),
    "soft form death, item DTHDAT: found 2026-01-10; the subject was seen alive on 2026-01-15 (event 17): which date is right?")]
fn what_looks_wrong_in_time_is_asked_about(#[case] form: &str, #[case] values: Value, #[case] want: &str) {
    let faults = enrolled("A").admit(form, values, "2026-05-01");
    assert!(shown(&faults).lines().any(|line| line == want), "{}", shown(&faults));
}

#[test]
fn sabr_of_a_subject_who_is_not_randomised_is_asked_about() {
    let mut book = Notebook::new(avatar());
    book.screen();
    let faults = book.admit("sabr", sabr(), "2026-05-01");
    assert!(only(&faults).contains("the subject is not randomised"));
}

// trial.md: SABR given in arm B is a protocol deviation.
#[test]
fn sabr_against_the_strategy_of_the_arm_is_asked_about() {
    let faults = enrolled("B").admit("sabr", sabr(), "2026-05-01");
    assert!(only(&faults).contains("record a deviation"));
    assert_eq!(shown(&enrolled("A").admit("sabr", sabr(), "2026-05-01")), "");
}

#[test]
fn dates_after_death_or_withdrawal_are_asked_about() {
    let mut book = enrolled("A");
    book.save("death", json!({"DTHDAT": "2026-03", "DTHCAUS": "OTHER"}));
    book.save("withdrawal", json!({"DSSTDAT": "2026-02-01", "DSDECOD": "OTHER"}));
    let said = shown(&book.admit("tumour@W12", tumour(), "2026-05-01"));
    assert!(said.contains("the subject died on 2026-03: which date is right?"), "{said}");
    assert!(said.contains("the subject withdrew on 2026-02-01: may this still be recorded?"), "{said}");
    assert!(!said.contains("hard"), "{said}");
}

#[test]
fn a_condition_may_read_another_form() {
    let (form, values) = screening().swap_remove(3);
    let mut book = Notebook::new(avatar());
    book.screen();
    let faults = book.admit(form, with(values, "/RESPTHRU", json!("2026-01-04")), "2026-05-01");
    assert_eq!(
        only(&faults),
        "soft form firstline: found RESPTHRU \"2026-01-04\", consent.RFICDAT \"2026-01-02\"; The last scan with the disease \
         controlled lies after the consent: is it not the progression?"
    );
}

#[rstest]
#[case(json!({"CDKTRT": null}), "item CDKTRT: found nothing; it must be filled")]
#[case(json!({"CDKYN": "N", "CDKTRT": null}), "")]
#[case(json!({"CMONGO": "N"}), "item CMENDAT: found nothing; it must be filled")]
#[case(json!({"CMONGO": "N", "CMENDAT": "2025-12"}), "")]
#[case(json!({"CMENDAT": "2025-12"}), "An ongoing therapy has no end.")]
#[case(json!({"CMONGO": null, "CMENDAT": null}), "item CMONGO: found nothing")]
fn what_is_required_where_it_is_asked(#[case] change: Value, #[case] want: &str) {
    let (form, mut values) = screening().swap_remove(3);
    for (item, value) in notebook::map(change) {
        values = with(values, &format!("/{item}"), value);
    }
    let mut book = Notebook::new(avatar());
    book.screen();
    let said = shown(&book.admit(form, values, "2026-05-01"));
    assert!(if want.is_empty() { said.is_empty() } else { said.contains(want) }, "{said}");
}

mod any {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(|number| json!(number)),
            "\\PC{0,12}".prop_map(Value::from),
            "[0-9]{4}-[0-9]{2}(-[0-9]{2})?".prop_map(Value::from),
        ];
        leaf.prop_recursive(2, 12, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec(("[A-Z]{2,8}", inner), 0..4)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever is put where, admission answers and the fold of it keeps what it cannot read.
        #[test]
        fn values_never_panic(form in prop_oneof![Just("tumour@W12"), Just("sabr"), Just("ae"), Just("death"), Just("factb@W12")],
                              pointer in prop_oneof![Just("/TRDAT"), Just("/LESIONS"), Just("/LESIONS/0"), Just("/LESIONS/0/TULNKID"),
                                  Just("/LESIONS/0/DIAMETER"), Just("/DTHDAT"), Just("/AETOXGR"), Just("/GP1"), Just("/AESTDAT")],
                              value in value()) {
            let base = match form { "sabr" => sabr(), "ae" => ae(), _ => tumour() };
            let values = with(base, if pointer.starts_with("/LESIONS/") && form == "ae" { "/AETOXGR" } else { pointer }, value);
            let mut book = enrolled("A");
            let _ = book.admit(form, values.clone(), "2026-05-01");
            book.save(form, values);
            let record = book.record();
            let _ = record.cut_at("2026-03-01".parse().unwrap());
        }
    }
}
