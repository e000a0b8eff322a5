//! Queries, signatures, verification and locks in a record; grown event by event or folded at once, they are the same.

#![allow(clippy::unwrap_used)]

mod notebook;

use notebook::{Notebook, avatar, instance};
use proptest::prelude::*;
use serde_json::json;
use trial::event::What;
use trial::record::{FilledForm, QueryState, Record};

const ECOG: &str = "ecog@SCREENING";

fn sign() -> What {
    What::FormSigned { instance: instance(ECOG), meaning: "I confirm".into() }
}

fn verify() -> What {
    What::Verified { instance: instance(ECOG) }
}

fn lock(locked: bool) -> What {
    What::Locked { instance: instance(ECOG), locked }
}

fn raise(query: &str) -> What {
    What::QueryRaised { query: query.into(), about: None, item: None, text: "?".into(), due: None }
}

fn answer(query: &str) -> What {
    What::QueryAnswered { query: query.into(), text: "!".into() }
}

fn close(query: &str) -> What {
    What::QueryClosed { query: query.into() }
}

fn ecog(record: &Record) -> &FilledForm {
    record.forms.iter().find(|form| form.instance == instance(ECOG)).unwrap()
}

fn screened() -> Notebook {
    let mut book = Notebook::new(avatar());
    book.screen();
    book
}

#[test]
fn a_signature_and_a_verification_stand_until_a_correction() {
    let mut book = screened();
    let (signed, verified) = (book.enter(sign()), book.enter(verify()));
    let record = book.record();
    let form = ecog(&record);
    assert!(form.signature_stands() && form.verification_stands());
    assert_eq!(form.signed.as_ref().unwrap().by.event, signed);
    let first = form.event;
    book.correct(ECOG, json!({ "QSDAT": "2026-01-02", "ECOG": 2 }), first);
    let record = book.record();
    let form = ecog(&record);
    assert!(!form.signature_stands() && !form.verification_stands());
    assert_eq!(form.verified.as_ref().unwrap().event, verified, "that it was verified is still told");
    book.enter(sign());
    assert!(ecog(&book.record()).signature_stands() && !ecog(&book.record()).verification_stands());
    // No other form is touched.
    assert_eq!(book.record().forms.iter().filter(|form| form.signed.is_some()).count(), 1);
    assert!(book.record().faults.is_empty());
}

#[test]
fn a_lock_holds_until_it_is_opened() {
    let mut book = screened();
    let seq = book.enter(lock(true));
    assert_eq!(ecog(&book.record()).locked.as_ref().unwrap().event, seq);
    book.enter(lock(false));
    assert!(ecog(&book.record()).locked.is_none());
}

#[test]
fn a_query_is_raised_answered_again_and_closed() {
    let mut book = screened();
    book.enter(raise("Q1"));
    assert_eq!(book.record().queries[0].state(), QueryState::Raised);
    book.enter(answer("Q1"));
    book.enter(answer("Q1"));
    assert_eq!(
        (book.record().queries[0].state(), book.record().queries[0].answers.len()),
        (QueryState::Answered, 2)
    );
    book.enter(close("Q1"));
    assert_eq!(book.record().queries[0].state(), QueryState::Closed);
    assert!(book.record().faults.is_empty());
}

/// Written past the office: nothing is lost silently, and nothing stands that could not be.
#[test]
fn what_is_out_of_turn_is_a_fault() {
    let mut book = screened();
    let faulty = [
        (What::FormSigned { instance: instance("ecog@W12"), meaning: "m".into() }, "never saved"),
        (answer("Q9"), "was never raised"),
        (close("Q9"), "was never raised"),
    ];
    for (what, words) in faulty {
        let seq = book.enter(what);
        let record = book.record();
        let fault = record.faults.last().unwrap();
        assert_eq!(fault.event, seq);
        assert!(fault.message.contains(words), "{fault:?}");
    }
    for what in [raise("Q1"), raise("Q1"), close("Q1"), close("Q1"), answer("Q1")] {
        book.enter(what);
    }
    let record = book.record();
    assert_eq!(
        (record.queries.len(), record.queries[0].state(), record.faults.len()),
        (1, QueryState::Closed, 6)
    );
    assert!(record.queries[0].answers.is_empty());
}

/// A cut by the clinical date leaves what has only a moment of recording.
#[test]
fn a_cut_by_the_clinical_date_leaves_the_queries() {
    let mut book = screened();
    book.enter(raise("Q1"));
    let cut = book.record().cut_at(jiff::civil::date(2020, 1, 1));
    assert_eq!(cut.queries.len(), 1);
}

fn event() -> impl Strategy<Value = What> {
    let query = prop_oneof![Just("Q1"), Just("Q2")];
    prop_oneof![
        Just(sign()),
        Just(verify()),
        any::<bool>().prop_map(lock),
        query.clone().prop_map(raise),
        query.clone().prop_map(answer),
        query.prop_map(close),
        (0..5_u8).prop_map(|grade| What::FormSaved {
            instance: instance(&format!("ecog@W12#{}", grade % 2 + 1)),
            values: notebook::map(json!({ "QSDAT": "2026-04-09", "ECOG": grade })),
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn grown_or_folded_it_is_the_same(events in proptest::collection::vec(event(), 0..24)) {
        let mut book = screened();
        let mut grown = book.record();
        for what in events {
            book.enter(what);
            let last = book.events.last().unwrap();
            // As the office keeps it: with a fault, or where asked to, the whole is folded anew.
            let absorbed = grown.faults.is_empty() && grown.absorb(&book.history, last);
            if !absorbed || !grown.faults.is_empty() {
                grown = book.record();
            }
            prop_assert_eq!(format!("{:?}", grown), format!("{:?}", book.record()));
        }
    }
}

#[test]
fn a_record_says_for_whom_it_was_drawn() {
    let mut book = screened();
    let on_behalf = Some(trial::event::OnBehalf { who: "dr.mayer".into(), reason: "no network".into() });
    let date = jiff::civil::date(2026, 1, 15);
    book.enter(What::Randomised {
        arm: "A".into(),
        date,
        stratum: Vec::new(),
        position: 0,
        on_behalf: on_behalf.clone(),
    });
    assert_eq!(book.record().randomised.unwrap().value.on_behalf, on_behalf);
}
