//! What it costs to read a protocol, to admit a form, to judge eligibility and to fold a subject of about 110 events.

#![allow(clippy::unwrap_used)]

#[path = "../tests/notebook/mod.rs"]
#[allow(clippy::duplicate_mod)]
mod notebook;

use divan::{Bencher, black_box};
use notebook::{AVATAR, Notebook, avatar};
use serde_json::{Map, Value, json};
use trial::date::plus_days;
use trial::eligibility::judge;
use trial::event::Entered;
use trial::form;
use trial::protocol::check;
use trial::record::Record;

fn main() {
    divan::main();
}

fn scan(day: &str) -> Value {
    let row = |n: usize| json!({"TULNKID": format!("T{n}"), "TUORRES": "TARGET", "TULOC": "LIVER", "DIAMETER": 20.0 + n as f64});
    json!({"TRDAT": day, "LESIONS": (1..=5).map(row).collect::<Vec<_>>()})
}

/// A subject followed for about six years: 110 events, a fifth of them tumour assessments.
fn long() -> Notebook {
    let mut book = Notebook::new(avatar());
    book.enrol("A");
    for n in 1..=25_i64 {
        let day = plus_days(jiff::civil::date(2026, 1, 15), 84 * n).to_string();
        book.on(&day);
        book.save(&format!("tumour#{n}"), scan(&day));
        book.save(&format!("ecog#{n}"), json!({"QSDAT": day, "ECOG": 1}));
        book.save(&format!("contact#{n}"), json!({"SSDAT": day}));
        let mut answers: Map<String, Value> =
            trial::factb::ITEMS.iter().map(|item| ((*item).to_owned(), json!(2))).collect();
        answers.insert("QSDAT".into(), json!(day));
        book.save(&format!("factb#{n}"), Value::Object(answers));
    }
    book
}

#[divan::bench]
fn check_a_protocol(bencher: Bencher<'_, '_>) {
    bencher.bench(|| check(black_box(AVATAR)).unwrap());
}

#[divan::bench]
fn fold_110_events(bencher: Bencher<'_, '_>) {
    let book = long();
    let subject = "S01-001".into();
    bencher.bench(|| Record::fold(&book.history, &subject, black_box(&book.events)));
}

#[divan::bench]
fn fold_110_events_owned(bencher: Bencher<'_, '_>) {
    let book = long();
    let subject = "S01-001".into();
    bencher
        .with_inputs(|| book.events.clone())
        .bench_values(|events: Vec<Entered>| Record::fold_owned(&book.history, &subject, events));
}

#[divan::bench]
fn absorb_the_last_event(bencher: Bencher<'_, '_>) {
    let book = long();
    let (last, before) = book.events.split_last().unwrap();
    let record = Record::fold(&book.history, &"S01-001".into(), before);
    bencher.with_inputs(|| record.clone()).bench_refs(|record| assert!(record.absorb(&book.history, last)));
}

#[divan::bench]
fn admit_a_tumour_assessment(bencher: Bencher<'_, '_>) {
    let book = long();
    let record = book.record();
    let (instance, values) = (notebook::instance("tumour#99"), notebook::map(scan("2032-01-01")));
    let today = "2033-01-01".parse().unwrap();
    bencher.bench(|| form::check(book.history.current(), &record, &instance, black_box(&values), today));
}

#[divan::bench]
fn judge_eligibility(bencher: Bencher<'_, '_>) {
    let mut book = Notebook::new(avatar());
    book.screen();
    let record = book.record();
    bencher.bench(|| judge(book.history.current(), black_box(&record)));
}
