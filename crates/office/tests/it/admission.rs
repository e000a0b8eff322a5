//! What the office refuses, and that a refusal leaves no trace.

use crate::common::{
    act, actor, amended, at, correct, eligible, founded, instance, open_site, randomise, save, screened,
    screening,
};
use office::{Action, Deed, Error, Office, Refusal};
use rstest::rstest;
use serde_json::{Value, json};
use trial::id::SubjectId;

const ONE: &str = "01-001";

async fn refusal(office: &Office, actions: Vec<Action>) -> Refusal {
    match office.submit(actions).await {
        Err(Error::Refused(refusal)) => *refusal,
        other => panic!("not refused: {other:?}"),
    }
}

/// What stands before each case: subject 01-001 with the forms of an eligible one, the ECOG form locked, a closed query;
/// 01-002 randomised.
async fn prepared() -> (tempfile::TempDir, Office) {
    let (folder, office) = founded().await;
    let mut actions = screened(10, ONE, &[]);
    actions.push(act(11, ONE, Deed::Lock { instance: screening("ecog"), locked: true }));
    let raise =
        Deed::RaiseQuery { query: "Q1".into(), about: None, item: None, text: "Why?".into(), due: None };
    actions.push(act(12, ONE, raise));
    actions.push(act(12, ONE, Deed::CloseQuery { query: "Q1".into() }));
    actions.extend(screened(13, "01-002", &[]));
    actions.push(randomise(14, "01-002"));
    office.submit(actions).await.unwrap();
    (folder, office)
}

fn with(form: &str, change: &[(&str, Value)]) -> Value {
    let mut given = eligible().into_iter().find(|(id, _)| *id == form).unwrap().1;
    for (item, value) in change {
        given[*item] = value.clone();
    }
    given
}

fn date(day: i8) -> Deed {
    Deed::Randomise { date: jiff::civil::date(2026, 3, day) }
}

#[rstest]
#[case::unknown_site(vec![act(20, "03-001", Deed::Screen).at("03")], "site 03 is not open; open are 01, 02")]
#[case::site_twice(vec![open_site(20, "01")], "site 01 was opened by event 2")]
#[case::no_site(vec![{ let mut a = act(20, "01-009", Deed::Screen); a.site = None; a }], "name the site")]
#[case::screened_twice(vec![act(20, ONE, Deed::Screen)], "the subject number was given at site 01 (event 4)")]
#[case::number_of_another_site(vec![act(20, ONE, Deed::Screen).at("02")], "a number is used once in a trial")]
#[case::no_number(vec![act(20, "Anna Schmidt", Deed::Screen)], "cannot be a subject number")]
#[case::not_screened(vec![act(20, "01-009", save(screening("ecog"), json!({})))], "no such subject; screen first")]
#[case::another_site(vec![act(20, ONE, Deed::Verify { instance: screening("ecog") }).at("02")],
    "the subject belongs to site 01, not to 02")]
#[case::no_subject(vec![{ let mut a = act(20, ONE, date(1)); a.subject = None; a }], "name the subject")]
#[case::subject_for_the_trial(vec![open_site(20, "03").of(ONE)], "leave the subject out")]
#[case::form_stands(vec![act(20, ONE, save(screening("history"), with("history", &[])))], "the form stands (event 7); correct it")]
#[case::correcting_nothing(vec![act(20, ONE, correct(instance("ecog", Some("W12"), 1), json!({}), "wrong"))], "never saved")]
#[case::no_reason(vec![act(20, ONE, correct(screening("history"), with("history", &[("LMD", json!("Y"))]), " "))],
    "a correction needs a reason")]
#[case::nothing_changes(vec![act(20, ONE, correct(screening("history"), with("history", &[]), "wrong"))],
    "there is nothing to correct")]
#[case::nothing_but_the_writing_changes(
    vec![act(20, ONE, correct(screening("demography"), json!({ "SEX": "F", "BRTHYY": 1961.0 }), "wrong"))],
    "there is nothing to correct")]
#[case::locked(vec![act(20, ONE, correct(screening("ecog"), with("ecog", &[("ECOG", json!(2))]), "wrong"))],
    "the form was locked by event 11; unlock it first")]
#[case::locked_twice(vec![act(20, ONE, Deed::Lock { instance: screening("ecog"), locked: true })], "locked by event 11")]
#[case::unlocked_twice(vec![act(20, ONE, Deed::Lock { instance: screening("history"), locked: false })], "not locked")]
#[case::signing_nothing(vec![act(20, ONE, Deed::Sign { instance: screening("factb"), meaning: "seen".into() })], "never saved")]
#[case::query_again(vec![act(20, ONE, Deed::RaiseQuery { query: "Q1".into(), about: None, item: None, text: "?".into(), due: None })],
    "raised by event 12")]
#[case::query_unknown(vec![act(20, ONE, Deed::AnswerQuery { query: "Q2".into(), text: "yes".into() })], "it has Q1")]
#[case::query_closed(vec![act(20, ONE, Deed::AnswerQuery { query: "Q1".into(), text: "yes".into() })], "closed by event 13")]
#[case::randomised_twice(vec![act(20, "01-002", date(1))], "randomised on 2026-03-01 (event 21) to arm ")]
#[case::in_the_future(vec![act(20, ONE, date(2))], "2026-03-02 lies after the day of recording, 2026-03-01")]
#[case::clock(vec![act(13, ONE, Deed::Verify { instance: screening("ecog") })], "the clock went backwards")]
#[case::conflict(vec![act(20, ONE, Deed::Verify { instance: screening("ecog") }).expecting(12)],
    "01-001: event 12 was taken for its last, but event 13 is")]
#[case::version_again(vec![Action::new(&actor(), at(20), Deed::Adopt { version: Box::new(amended("1.0")) })],
    "version 1.0 was adopted by event 1")]
#[tokio::test]
async fn refuses(#[case] actions: Vec<Action>, #[case] words: &str) {
    let (_folder, office) = prepared().await;
    let before = office.ledger().head().await.unwrap();
    let index = actions.len() - 1;
    // A good action before it goes down with it.
    let mut all = vec![act(14, ONE, Deed::Verify { instance: screening("history") })];
    let conflict = actions[0].expect.is_some();
    if conflict || actions[0].recorded < Some(at(14)) {
        all.clear();
    }
    let first = all.len();
    all.extend(actions);
    let refused = refusal(&office, all).await;
    assert!(refused.to_string().contains(words), "{refused}");
    assert_eq!(refused.index, first + index);
    assert_eq!(office.ledger().head().await.unwrap(), before);
}

#[tokio::test]
async fn names_every_fault_of_a_form() {
    let (_folder, office) = prepared().await;
    let given = with("tumour", &[("TRDAT", json!("2026-04-01")), ("SIZE", json!(3))]);
    let refused = refusal(&office, vec![act(20, ONE, correct(screening("tumour"), given, "wrong"))]).await;
    let text = refused.to_string();
    for words in ["action 1 refused", "subject 01-001", "form tumour, item TRDAT", "form tumour, item SIZE"] {
        assert!(text.contains(words), "{words} is not in: {text}");
    }
}

// rules.md, 'Randomisation': refused unless consent is on file and every criterion is proven; 'unknown' is not 'met'.
#[rstest]
#[case::no_consent("consent", None, "no consent is on file")]
#[case::unknown("ecog", None, "I10 unknown, missing ecog.ECOG: ECOG performance status 0 to 2.")]
#[case::not_met("ecog", Some(json!({ "QSDAT": "2026-02-12", "ECOG": 3 })), "I10 not met: ECOG performance status 0 to 2.")]
#[case::excluded("history", Some(with("history", &[("LMD", json!("Y"))])), "E02 not met: Leptomeningeal disease.")]
#[case::consent_later("consent", Some(json!({ "RFICDAT": "2026-03-01", "RFICYN": "Y" })), "consent was given on 2026-03-01")]
#[tokio::test]
async fn randomises_nobody_unproven(#[case] form: &str, #[case] given: Option<Value>, #[case] words: &str) {
    let (_folder, office) = founded().await;
    let mut actions = screened(10, ONE, &[form]);
    actions.extend(given.map(|given| act(10, ONE, save(screening(form), given))));
    office.submit(actions).await.unwrap();
    let before = office.ledger().head().await.unwrap();
    let deed = Deed::Randomise { date: jiff::civil::date(2026, 2, 28) };
    let refused = refusal(&office, vec![act(20, ONE, deed)]).await;
    assert!(refused.to_string().contains(words), "{refused}");
    assert_eq!(office.ledger().head().await.unwrap(), before);
    assert!(office.subject(&SubjectId::from(ONE)).await.unwrap().unwrap().randomised.is_none());
}

#[tokio::test]
async fn lists_every_criterion_that_is_not_proven() {
    let (_folder, office) = founded().await;
    office.submit(screened(10, ONE, &["ecog", "history"])).await.unwrap();
    let text = refusal(&office, vec![randomise(20, ONE)]).await.to_string();
    for criterion in [
        "I03 unknown",
        "I04 unknown",
        "I05 unknown",
        "I08 unknown",
        "I10 unknown",
        "E01 unknown",
        "E02 unknown",
    ] {
        assert!(text.contains(criterion), "{criterion} is not in: {text}");
    }
    assert!(!text.contains("I01"), "{text}");
}

#[tokio::test]
async fn a_refused_submission_is_forgotten_and_the_rest_goes_on() {
    let (_folder, office) = founded().await;
    let mut actions = vec![open_site(5, "03")];
    actions.extend(screened(10, ONE, &[]));
    actions.push(randomise(11, ONE));
    actions.push(randomise(12, ONE));
    let refused = refusal(&office, actions.clone()).await;
    assert_eq!(refused.index, actions.len() - 1);
    assert!(office.subject(&SubjectId::from(ONE)).await.unwrap().is_none());
    assert_eq!(office.sites().await.unwrap().len(), 2);
    actions.pop();
    let receipts = office.submit(actions).await.unwrap();
    // The place in the list was not used up by the refused draw.
    assert_eq!(receipts.last().unwrap().allocation.as_ref().unwrap().1, 0);
}

#[tokio::test]
async fn a_soft_fault_lets_the_form_pass_and_raises_a_query() {
    let (_folder, office) = founded().await;
    office.submit(screened(10, ONE, &[])).await.unwrap();
    let given = json!({ "AETERM": "Diarrhea", "AETOXGR": 4, "AESTDAT": "2026-02", "AESER": "N", "AERELSYS": "POSSIBLE",
        "AERELSAB": "UNRELATED" });
    let receipts = office.submit(vec![act(20, ONE, save(instance("ae", None, 1), given))]).await.unwrap();
    assert_eq!(receipts[0].soft.len(), 1);
    let query = office.ledger().event(receipts[0].seq + 1).await.unwrap().unwrap().event().unwrap();
    assert_eq!(query["kind"], "query_raised");
    assert_eq!(query["about"]["form"], "ae");
    assert!(query["text"].as_str().unwrap().contains("is the event not serious?"), "{query}");
    // It is a query like any other.
    let name = query["query"].as_str().unwrap().to_owned();
    assert_eq!(receipts[0].queries, std::slice::from_ref(&name));
    office.submit(vec![act(21, ONE, Deed::CloseQuery { query: name })]).await.unwrap();
}

#[tokio::test]
async fn an_amendment_rules_what_is_entered_after_it() {
    let (_folder, office) = founded().await;
    office.submit(screened(10, ONE, &["ecog"])).await.unwrap();
    let mut stricter = amended("2.0");
    stricter.source = stricter.source.replacen("\"ecog.ECOG <= 2\"", "\"ecog.ECOG <= 1\"", 1);
    let stricter = trial::protocol::check(&stricter.source).unwrap();
    office
        .submit(vec![act(11, ONE, save(screening("ecog"), json!({ "QSDAT": "2026-02-12", "ECOG": 2 })))])
        .await
        .unwrap();
    let seq = office.adopt(stricter, &actor(), at(12)).await.unwrap();
    let history = office.history().await.unwrap();
    assert_eq!(history.at(seq).trial.version, "2.0");
    assert_eq!(history.at(seq - 1).trial.version, "1.0");
    let text = refusal(&office, vec![randomise(13, ONE)]).await.to_string();
    assert!(text.contains("I10 not met"), "{text}");
}
