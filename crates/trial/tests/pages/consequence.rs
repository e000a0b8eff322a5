//! What a tumour assessment means, told as stories on the AVATAR II file (trial.md, 'What makes a strategy fail'; Eisenhauer
//! 2009 for the responses). Randomised on 2026-01-15; baseline: T1 22 mm in the liver, NT1 in bone, oligoprogressive.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use trial::consequence::{Consequence, Must, Seen, of_draft, of_saved};
use trial::derive::derive;
use trial::form::layout::opening;
use trial::progression::Kind;
use trial::recist::OverallResponse;
use trial::sabr::dose;
use trial::strategy::Status;

use crate::entry::stop;
use crate::notebook::{Notebook, avatar, instance, map};

fn enrolled(arm: &str) -> Notebook {
    let mut book = Notebook::new(avatar());
    book.enrol(arm);
    book
}

fn lesion(id: &str, role: &str, place: &str, seen: Value) -> Value {
    let mut row = map(json!({"TULNKID": id, "TUORRES": role, "TULOC": place}));
    row.extend(map(seen));
    Value::Object(row)
}

fn assessment(date: &str, t1: f64, nt1: &str, more: Vec<Value>) -> Value {
    let mut lesions = vec![
        lesion("T1", "TARGET", "LIVER", json!({ "DIAMETER": t1 })),
        lesion("NT1", "NON-TARGET", "BONE", json!({ "TUMSTATE": nt1 })),
    ];
    lesions.extend(more);
    json!({"TRDAT": date, "LESIONS": lesions})
}

fn draft(book: &Notebook, at: &str, values: Value) -> Consequence {
    let today = "2026-04-20".parse().unwrap();
    of_draft(&book.history, &book.record(), &instance(at), &map(values), today).unwrap()
}

fn lines(consequence: &Consequence) -> String {
    consequence.says.join("\n")
}

#[test]
fn stable_disease() {
    let told = draft(&enrolled("A"), "tumour@W12", assessment("2026-04-09", 20.5, "PRESENT", vec![]));
    insta::assert_snapshot!(lines(&told));
}

#[test]
fn oligoprogression_in_the_arm_that_is_held_by_sabr() {
    let new = lesion("N1", "NEW", "LYMPH NODE", json!({"DIAMETER": 16, "TUMSTATE": "UNEQUIVOCAL"}));
    let told = draft(&enrolled("A"), "tumour@W12", assessment("2026-04-09", 28.0, "PRESENT", vec![new]));
    insta::assert_snapshot!(lines(&told));
    let effect = told.strategy.unwrap();
    assert_eq!(effect.before, Status::Holding);
    assert_eq!(effect.after, Status::Pending { progression: "2026-04-09".parse().unwrap() });
    // 56 days after the progression; 45 days from 2026-04-20.
    let by = "2026-06-04".parse().unwrap();
    assert!(
        effect.must.contains(&Must::Treat { lesions: vec!["T1".into(), "N1".into()], by, days_left: 45 }),
        "{:?}",
        effect.must
    );
    let Seen::Response { from_baseline, since_salvage } = told.seen else { panic!("no response") };
    assert_eq!(from_baseline.kind, Some(Kind::Oligo));
    assert_eq!(from_baseline.new_lesions, ["N1".into()]);
    assert_eq!(from_baseline.change_from_baseline.unwrap().mm, 6.0);
    assert!(since_salvage.is_none());
}

#[test]
fn the_same_in_the_arm_without_salvage() {
    let told = draft(&enrolled("B"), "tumour@W12", assessment("2026-04-09", 28.0, "PRESENT", vec![]));
    insta::assert_snapshot!(lines(&told));
    assert!(told.strategy.unwrap().must.is_empty());
}

#[test]
fn a_lesion_inside_the_skull() {
    let new = lesion("N1", "NEW", "BRAIN", json!({"TUMSTATE": "UNEQUIVOCAL"}));
    let told = draft(&enrolled("A"), "tumour@W12", assessment("2026-04-09", 22.0, "PRESENT", vec![new]));
    insta::assert_snapshot!(lines(&told));
}

#[test]
fn growth_after_a_salvaged_progression_is_judged_against_it() {
    let mut book = enrolled("A");
    book.on("2026-04-10").save("tumour@W12", assessment("2026-04-09", 28.0, "PRESENT", vec![]));
    book.save(
        "sabr",
        json!({"PRSTDAT": "2026-04-20", "PRENDAT": "2026-04-24",
        "LESIONS": [{"TULNKID": "T1", "PRDOSFRX": 12, "PRNFRX": 2}]}),
    );
    let told = draft(&book, "tumour@W24", assessment("2026-07-02", 26.0, "PRESENT", vec![]));
    insta::assert_snapshot!(lines(&told));
    let Seen::Response { since_salvage: Some(since), from_baseline } = told.seen else {
        panic!("no salvage")
    };
    assert_eq!(since.timepoint.overall, OverallResponse::Stable);
    assert_eq!(since.reference, "2026-04-09".parse().unwrap());
    assert_eq!(from_baseline.change_from_baseline.unwrap().mm, 4.0);
    // Seen in retrospect, the assessment that showed the progression is still that.
    let today = "2026-07-03".parse().unwrap();
    let then = of_saved(&book.history, &book.record(), &instance("tumour@W12"), today).unwrap();
    insta::assert_snapshot!(lines(&then));
}

#[test]
fn the_baseline_and_its_remarks() {
    let book = enrolled("A");
    let today = "2026-01-20".parse().unwrap();
    let told = of_saved(&book.history, &book.record(), &instance("tumour@SCREENING"), today).unwrap();
    insta::assert_snapshot!(lines(&told));
    let mut screened = Notebook::new(avatar());
    screened.screen();
    let small = assessment("2026-01-06", 8.0, "PRESENT", vec![]);
    let told = draft(&screened, "tumour@SCREENING", small);
    insta::assert_snapshot!(lines(&told));
}

#[test]
fn another_reader_is_shown_and_does_not_count() {
    let mut book = enrolled("A");
    let mut by = assessment("2026-01-06", 22.0, "PRESENT", vec![]);
    by["TREVAL"] = json!("CENTRAL/R1");
    book.save("tumour", by);
    let mut by = assessment("2026-04-09", 30.0, "PRESENT", vec![]);
    by["TREVAL"] = json!("CENTRAL/R1");
    let told = draft(&book, "tumour#2", by);
    assert!(!told.counts && told.strategy.is_none());
    insta::assert_snapshot!(lines(&told));
}

#[rstest]
#[case(json!({}))]
#[case(json!({"TRDAT": "soon"}))]
#[case(json!({"TRDAT": 3, "LESIONS": "x"}))]
fn nothing_is_said_of_what_cannot_be_read(#[case] values: Value) {
    let book = enrolled("A");
    let today = "2026-04-20".parse().unwrap();
    assert!(of_draft(&book.history, &book.record(), &instance("tumour@W12"), &map(values), today).is_none());
    assert!(of_saved(&book.history, &book.record(), &instance("tumour@W12"), today).is_none());
}

#[test]
fn a_draft_says_what_the_saved_form_says() {
    for t1 in [10.0, 20.0, 27.0, 60.0] {
        for nt1 in ["PRESENT", "UNEQUIVOCAL", "ABSENT"] {
            let mut book = enrolled("A");
            let values = assessment("2026-04-09", t1, nt1, vec![]);
            let before = draft(&book, "tumour@W12", values.clone());
            book.on("2026-04-10").save("tumour@W12", assessment("2026-04-09", 22.0, "PRESENT", vec![]));
            // A correction of what was saved says the same as a first entry.
            let corrected = draft(&book, "tumour@W12", values.clone());
            let first = book.events.last().unwrap().seq;
            book.on("2026-04-11").correct("tumour@W12", values, first);
            let today = "2026-04-20".parse().unwrap();
            let saved = of_saved(&book.history, &book.record(), &instance("tumour@W12"), today).unwrap();
            assert_eq!(before.says, saved.says);
            assert_eq!(corrected.says, saved.says);
        }
    }
}

// Another trial: an arm without a strategy rule.
#[test]
fn an_arm_without_a_strategy_rule() {
    let mut book = Notebook::new(stop());
    book.save("tumour@BASELINE", assessment("2026-01-06", 22.0, "PRESENT", vec![]));
    book.on("2026-01-15").randomise("SABR", "2026-01-15");
    let told = draft(&book, "tumour@FOLLOWUP", assessment("2026-04-09", 28.0, "UNEQUIVOCAL", vec![]));
    assert!(told.strategy.is_none());
    insta::assert_snapshot!(lines(&told));
}

/// Whatever may stand in a value.
fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
        proptest::sample::select(vec![
            "TARGET",
            "NON-TARGET",
            "NEW",
            "PRESENT",
            "ABSENT",
            "MERGED",
            "T1",
            "NT1",
            "2026-04-09",
            "0000",
            "9999-12-31",
            "Y",
            "NOT DONE",
        ])
        .prop_map(Value::from),
        Just(json!([])),
        Just(json!([3, {}])),
    ]
}

fn any_form() -> impl Strategy<Value = Value> {
    let names = [
        "TULNKID",
        "TUORRES",
        "TULOC",
        "DIAMETER",
        "TUMSTATE",
        "TRSTAT",
        "SPLITFROM",
        "MERGEDINTO",
        "OPD",
        "AMENABLE",
    ];
    let row = proptest::collection::btree_map(proptest::sample::select(names.to_vec()), anything(), 0..8)
        .prop_map(|row| json!(row));
    let rows = prop_oneof![proptest::collection::vec(row, 0..4).prop_map(Value::from), anything()];
    let date = prop_oneof![Just(json!("2026-04-09")), anything()];
    (date, rows, anything())
        .prop_map(|(date, rows, reader)| json!({"TRDAT": date, "LESIONS": rows, "TREVAL": reader}))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    // Whatever values are saved, or about to be: nothing panics, and what is supposed is what is then found.
    #[test]
    fn any_values_may_come(values in any_form(), occurrence in prop_oneof![Just(1), Just(u32::MAX)]) {
        let mut book = enrolled("A");
        let mut at = instance("tumour@FOLLOWUP");
        at.occurrence = occurrence;
        let today = "2027-04-20".parse().unwrap();
        let record = book.record();
        let drafted = of_draft(&book.history, &record, &at, &map(values.clone()), today);
        book.enter(trial::event::What::FormSaved { instance: at.clone(), values: map(values.clone()) });
        let record = book.record();
        let saved = of_saved(&book.history, &record, &at, today);
        prop_assert_eq!(drafted.map(|told| told.says), saved.map(|told| told.says));
        let derived = derive(&book.history, &record, None);
        let protocol = book.history.current();
        let _ = trial::outstanding::outstanding(&book.history, &record, &derived, today, trial::outstanding::Options::default());
        let _ = trial::standing::standing(&book.history, &record, &derived, today);
        let _ = trial::bodymap::lesions(&record, "INVESTIGATOR");
        let _ = opening(&book.history, &record, &derived, &instance("tumour@W24"));
        let form = protocol.forms.iter().find(|form| form.id == "tumour").unwrap();
        let fields = trial::form::entry::fields(form, &map(values.clone()));
        let _ = trial::form::entry::read(form, &fields);
        let _ = trial::form::layout::layout(form, &map(values.clone()), &record);
        let _ = trial::form::live::checks_now(protocol, &record, &at, &map(values), &[], today);
    }
}

// BED = n d (1 + d / (a/b)), EQD2 = BED / (1 + 2 / (a/b)); rules.md, 'SABR'. 20 Gy in 1: BED10 60, BED3 153.3; 24 in 2: BED10
// 52.8, BED3 120.
#[rstest]
#[case(20.0, 1, 60.0, 50.0, 153.333, true)]
#[case(12.0, 2, 52.8, 44.0, 120.0, true)]
#[case(10.0, 5, 100.0, 83.333, 216.667, false)]
fn doses(
    #[case] gy: f64,
    #[case] fractions: u32,
    #[case] bed10: f64,
    #[case] eqd2: f64,
    #[case] bed3: f64,
    #[case] in_use: bool,
) {
    let dose = dose(&avatar().current().sabr, gy, fractions);
    assert!((dose.bed_tumour - bed10).abs() < 1e-3, "{dose:?}");
    assert!((dose.eqd2_tumour - eqd2).abs() < 1e-3, "{dose:?}");
    assert!((dose.bed_late - bed3).abs() < 1e-3, "{dose:?}");
    assert_eq!(dose.in_use, in_use);
}
