//! What is missing for a subject, and where a subject stands.

use rstest::rstest;
use serde_json::{Value, json};
use trial::derive::derive;
use trial::event::What;
use trial::form::layout::opening;
use trial::outstanding::{Missing, Options, Outstanding, outstanding};
use trial::standing::{Standing, standing};

use crate::notebook::{Notebook, avatar, instance, screening, with};

fn missing(book: &Notebook, today: &str) -> Vec<Outstanding> {
    let record = book.record();
    let derived = derive(&book.history, &record, None);
    outstanding(&book.history, &record, &derived, today.parse().unwrap(), Options::default())
}

fn told(book: &Notebook, today: &str) -> String {
    let line = |one: &Outstanding| {
        let at = one.instance.as_ref().map_or_else(String::new, |at| {
            let visit = at.visit.as_deref().map(|visit| format!("@{visit}")).unwrap_or_default();
            format!("{}{visit}#{}", at.form, at.occurrence)
        });
        let item = one.item.as_ref().map(|item| format!(" {}", item.item)).unwrap_or_default();
        let by = one.by.map(|by| format!(" by {by}")).unwrap_or_default();
        format!("[{}] {at}{item}{by}: {} {}\n", one.what.as_str(), one.says, one.why)
    };
    missing(book, today).iter().map(line).collect()
}

fn progressed(arm: &str) -> Notebook {
    let mut book = Notebook::new(avatar());
    book.enrol(arm);
    book.on("2026-01-30").save(
        "sabr",
        json!({"PRSTDAT": "2026-01-26", "PRENDAT": "2026-01-28", "LESIONS": [{"TULNKID": "NT1", "PRDOSFRX": 20, "PRNFRX": 1}]}),
    );
    book.on("2026-04-10").save(
        "tumour@W12",
        json!({"TRDAT": "2026-04-09", "LESIONS": [
            {"TULNKID": "T1", "TUORRES": "TARGET", "TULOC": "LIVER", "DIAMETER": 29},
            {"TULNKID": "NT1", "TUORRES": "NON-TARGET", "TULOC": "BONE", "TUMSTATE": "PRESENT"},
        ]}),
    );
    book
}

#[test]
fn in_screening() {
    let mut book = Notebook::new(avatar());
    book.enter(What::SubjectScreened);
    for (form, values) in screening().into_iter().filter(|(form, _)| !form.starts_with("ecog")) {
        let values =
            if form.starts_with("firstline") { with(values, "/RESPTHRU", json!("2024-12")) } else { values };
        book.save(form, values);
    }
    insta::assert_snapshot!(told(&book, "2026-01-10"));
}

#[test]
fn a_progression_that_waits() {
    insta::assert_snapshot!(told(&progressed("A"), "2026-04-20"));
}

#[test]
fn the_sabr_of_the_arm() {
    let mut book = Notebook::new(avatar());
    book.enrol("A");
    let sabr: Vec<Outstanding> =
        missing(&book, "2026-01-20").into_iter().filter(|one| one.what == Missing::Sabr).collect();
    assert_eq!(sabr.len(), 1);
    assert_eq!(sabr[0].says, "SABR to NT1, which progressed at entry, is not recorded.");
    assert_eq!(sabr[0].by, Some("2026-03-12".parse().unwrap()));
    let mut b = Notebook::new(avatar());
    b.enrol("B");
    assert!(missing(&b, "2026-01-20").iter().all(|one| one.what != Missing::Sabr));
}

#[test]
fn dates_signatures_and_questionnaires() {
    let mut book = progressed("A");
    book.on("2026-04-15").save("factb@W12", json!({"QSDAT": "2026-04-14", "GP1": 1}));
    book.save("ecog@W12", json!({"QSDAT": "2026-04-14", "ECOG": 1}));
    book.save("death", json!({"DTHDAT": "2026-04", "DTHCAUS": "BREAST CANCER"}));
    let told = told(&book, "2026-05-20");
    insta::assert_snapshot!(told);
}

#[test]
fn a_signature_is_asked_for_until_it_stands() {
    let unsigned = |book: &Notebook| {
        let all = missing(book, "2026-06-30");
        all.into_iter().filter(|one| one.what == Missing::Signature).map(|one| one.says).collect::<Vec<_>>()
    };
    let mut book = Notebook::new(avatar());
    book.enrol("A");
    book.on("2026-04-15");
    let first = book.save("ecog@W12", json!({"QSDAT": "2026-04-14", "ECOG": 1}));
    let says = "ECOG performance status, Week 12 is not signed.".to_owned();
    assert!(unsigned(&book).contains(&says));
    book.enter(What::FormSigned { instance: instance("ecog@W12"), meaning: "approved".into() });
    assert!(!unsigned(&book).iter().any(|says| says.contains("W12")));
    book.correct("ecog@W12", json!({"QSDAT": "2026-04-14", "ECOG": 2}), first);
    let says = "ECOG performance status, Week 12 was corrected after it was signed.".to_owned();
    assert!(unsigned(&book).contains(&says), "{:?}", unsigned(&book));
}

#[test]
fn a_new_form_starts_with_what_is_known() {
    let book = progressed("A");
    let record = book.record();
    let derived = derive(&book.history, &record, None);
    let start = |form: &str| Value::Object(opening(&book.history, &record, &derived, &instance(form)));
    assert_eq!(
        start("tumour@W24"),
        json!({"LESIONS": [
            {"TULNKID": "T1", "TUORRES": "TARGET", "TULOC": "LIVER"},
            {"TULNKID": "NT1", "TUORRES": "NON-TARGET", "TULOC": "BONE"},
        ]})
    );
    assert_eq!(start("sabr#2"), json!({"LESIONS": [{"TULNKID": "T1"}]}));
    assert_eq!(start("ecog@W24"), json!({}));
    let mut fresh = Notebook::new(avatar());
    fresh.enrol("A");
    let record = fresh.record();
    let derived = derive(&fresh.history, &record, None);
    let start = opening(&fresh.history, &record, &derived, &instance("sabr"));
    assert_eq!(Value::Object(start), json!({"LESIONS": [{"TULNKID": "NT1"}]}));
}

fn stands(book: &Notebook, today: &str) -> String {
    let record = book.record();
    let derived = derive(&book.history, &record, None);
    let Standing { state, since, says } = standing(&book.history, &record, &derived, today.parse().unwrap());
    format!("{state} since {}: {says}", since.map_or_else(|| "?".into(), |day| day.to_string()))
}

#[rstest]
#[case("2026-05-01", &[], "Decision pending since 2026-04-09: oligoprogression of 1 lesion(s) on 2026-04-09: the strategy decision is not recorded")]
#[case("2026-05-01", &[("decision", json!({"DECDAT": "2026-04-15", "PROGDAT": "2026-04-09", "DECISION": "ABANDON"}))],
    "Strategy failed since 2026-04-09: it was decided on 2026-04-15 to give the strategy up")]
#[case("2026-05-01", &[("sabr#2", json!({"PRSTDAT": "2026-04-20", "PRENDAT": "2026-04-21", "LESIONS": [{"TULNKID": "T1", "PRDOSFRX": 20, "PRNFRX": 1}]}))],
    "On strategy since 2026-01-15: held through 1 salvaged progression")]
#[case("2026-05-01", &[("withdrawal", json!({"DSSTDAT": "2026-04-20", "DSDECOD": "LOST TO FOLLOW-UP"}))], "Off study since 2026-04-20: lost to follow-up")]
#[case("2026-05-01", &[("death", json!({"DTHDAT": "2026-04-25", "DTHCAUS": "BREAST CANCER"}))], "Dead since 2026-04-25: died on 2026-04-25 (breast cancer)")]
#[case("2026-04-24", &[("death", json!({"DTHDAT": "2026-04-25", "DTHCAUS": "BREAST CANCER"}))],
    "Strategy failed since 2026-04-09: died on 2026-04-25 before SABR to T1 was completed")]
fn where_a_subject_stands(#[case] today: &str, #[case] more: &[(&str, Value)], #[case] want: &str) {
    let mut book = progressed("A");
    for (form, values) in more {
        book.on("2026-04-26").save(form, values.clone());
    }
    assert_eq!(stands(&book, today), want);
}

#[test]
fn in_an_arm_without_a_strategy_rule() {
    let mut book = Notebook::new(crate::entry::stop());
    book.on("2026-01-15").randomise("SOC", "2026-01-15");
    assert_eq!(stands(&book, "2026-02-01"), "Randomised since 2026-01-15: in arm SOC");
    assert!(
        missing(&book, "2026-05-01")
            .iter()
            .any(|one| one.what == Missing::Form && one.by == Some("2026-04-23".parse().unwrap()))
    );
}

#[test]
fn before_randomisation() {
    let mut book = Notebook::new(avatar());
    book.enter(What::SubjectScreened);
    assert_eq!(stands(&book, "2026-01-10"), "Screening since 2026-01-01: 13 criteria are not proven yet");
    let mut ready = Notebook::new(avatar());
    ready.screen();
    assert_eq!(stands(&ready, "2026-01-10"), "Screening since 2026-01-02: every criterion is met");
    ready.correct("ecog@SCREENING", json!({"QSDAT": "2026-01-05", "ECOG": 3}), 15);
    assert_eq!(
        stands(&ready, "2026-01-10"),
        "Screen failure since 2026-01-02: I10 not met: ECOG performance status 0 to 2."
    );
}
