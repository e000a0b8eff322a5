//! Queries with their days, signatures, verification, locks; and conflicts that a page can show.

use office::{Action, Actor, Deed, Error, Folder, Office, Reason};
use serde_json::json;
use trial::event::Role;
use trial::record::QueryState;

use crate::common::{act, at, correct, founded, instance, save, screened, screening};

const ONE: &str = "01-001";

async fn prepared() -> (tempfile::TempDir, Office) {
    let (folder, office) = founded().await;
    office.submit(screened(10, ONE, &[])).await.unwrap();
    (folder, office)
}

async fn folder(office: &Office) -> std::sync::Arc<Folder> {
    office.folder(&ONE.into()).await.unwrap().unwrap()
}

async fn reason(office: &Office, action: Action) -> Reason {
    match office.submit(vec![action]).await {
        Err(Error::Refused(refusal)) => refusal.reason,
        other => panic!("not refused: {other:?}"),
    }
}

fn ecog(minutes: i64, grade: u8) -> Action {
    let given = json!({ "QSDAT": "2026-02-12", "ECOG": grade });
    act(minutes, ONE, correct(screening("ecog"), given, "misread"))
}

fn raise(minutes: i64, query: &str, due: Option<jiff::civil::Date>) -> Action {
    let about = Some(screening("ecog"));
    act(
        minutes,
        ONE,
        Deed::RaiseQuery { query: query.into(), about, item: Some("ECOG".into()), text: "1?".into(), due },
    )
}

#[tokio::test]
async fn a_query_goes_its_way() {
    let (_folder, office) = prepared().await;
    let due = jiff::civil::date(2026, 3, 5);
    office.submit(vec![raise(20, "Q1", Some(due))]).await.unwrap();
    let answer = |minutes, text: &str| {
        let deed = Deed::AnswerQuery { query: "Q1".into(), text: text.into() };
        Action::new(&Actor::new("carl", Role::SiteCoordinator), at(minutes), deed).of(ONE)
    };
    let query = folder(&office).await.record.queries[0].clone();
    assert_eq!(
        (query.state(), query.due, query.raised.who.as_str()),
        (QueryState::Raised, Some(due), "anna")
    );
    assert!(!query.is_overdue(due) && query.is_overdue(jiff::civil::date(2026, 3, 6)));
    office.submit(vec![answer(21, "yes")]).await.unwrap();
    // Answered again, since the first answer said too little.
    office.submit(vec![answer(22, "yes, by the chart")]).await.unwrap();
    let query = folder(&office).await.record.queries[0].clone();
    assert_eq!((query.state(), query.answers.len()), (QueryState::Answered, 2));
    assert_eq!((query.answers[1].by.who.as_str(), query.answers[1].by.recorded), ("carl", at(22)));
    assert!(!query.is_overdue(jiff::civil::date(2026, 4, 1)), "it waits for whoever closes it");
    office.submit(vec![act(23, ONE, Deed::CloseQuery { query: "Q1".into() })]).await.unwrap();
    let query = folder(&office).await.record.queries[0].clone();
    assert_eq!((query.state(), query.closed.unwrap().recorded), (QueryState::Closed, at(23)));
    assert!(matches!(reason(&office, answer(24, "late")).await, Reason::QueryClosed { .. }));
    let close = act(24, ONE, Deed::CloseQuery { query: "Q1".into() });
    assert!(matches!(reason(&office, close).await, Reason::QueryClosed { .. }));
    assert!(matches!(reason(&office, answer(24, " ")).await, Reason::QueryClosed { .. }));
    assert!(matches!(
        reason(&office, raise(24, "Q2", Some(jiff::civil::date(2026, 2, 28)))).await,
        Reason::DueInPast { .. }
    ));
    assert!(matches!(reason(&office, raise(24, " ", None)).await, Reason::NoText));
}

#[tokio::test]
async fn a_check_asks_for_an_answer_within_two_weeks() {
    let (_folder, office) = prepared().await;
    let given = json!({ "AETERM": "Diarrhea", "AETOXGR": 4, "AESTDAT": "2026-02", "AESER": "N", "AERELSYS": "POSSIBLE",
        "AERELSAB": "UNRELATED" });
    let receipt =
        office.submit(vec![act(20, ONE, save(instance("ae", None, 1), given))]).await.unwrap().remove(0);
    let folder = folder(&office).await;
    let query = &folder.record.queries[0];
    assert_eq!(query.id, receipt.queries[0]);
    assert_eq!((query.due, query.raised.role), (Some(jiff::civil::date(2026, 3, 15)), Role::System));
    assert_eq!(query.about, Some(instance("ae", None, 1)));
}

/// A signature and a verification speak of the values they were given for: a correction voids them.
#[tokio::test]
async fn a_correction_voids_signature_and_verification() {
    let (_folder, office) = prepared().await;
    let sign = |minutes| {
        let deed = Deed::Sign { instance: screening("ecog"), meaning: "I confirm this form".into() };
        Action::new(&Actor::new("dr.mayer", Role::Investigator), at(minutes), deed).of(ONE)
    };
    let verify = |minutes| act(minutes, ONE, Deed::Verify { instance: screening("ecog") });
    let lock = |minutes, locked| act(minutes, ONE, Deed::Lock { instance: screening("ecog"), locked });
    let form = async || {
        let folder = folder(&office).await;
        folder.record.forms.iter().find(|form| form.instance == screening("ecog")).unwrap().clone()
    };
    let fresh = form().await;
    assert!(fresh.signed.is_none() && !fresh.signature_stands() && !fresh.verification_stands());
    office.submit(vec![sign(20), verify(21)]).await.unwrap();
    let signed = form().await;
    assert!(signed.signature_stands() && signed.verification_stands());
    let signature = signed.signed.unwrap();
    assert_eq!((signature.by.who.as_str(), signature.by.recorded), ("dr.mayer", at(20)));
    assert_eq!(signature.meaning, "I confirm this form");
    office.submit(vec![ecog(22, 2)]).await.unwrap();
    let corrected = form().await;
    assert!(!corrected.signature_stands() && !corrected.verification_stands());
    assert!(corrected.signed.is_some(), "that it was signed is still told");
    office.submit(vec![sign(23), lock(24, true)]).await.unwrap();
    let locked = form().await;
    assert!(locked.signature_stands() && !locked.verification_stands() && locked.locked.is_some());
    // A locked form is neither signed nor corrected; unlocked, it is again.
    assert!(matches!(reason(&office, sign(25)).await, Reason::Locked { .. }));
    assert!(matches!(reason(&office, ecog(25, 0)).await, Reason::Locked { .. }));
    office.submit(vec![lock(26, false), ecog(27, 0)]).await.unwrap();
    assert!(form().await.locked.is_none() && !form().await.signature_stands());
    let empty = Deed::Sign { instance: screening("ecog"), meaning: "  ".into() };
    assert!(matches!(reason(&office, act(28, ONE, empty)).await, Reason::NoText));
}

#[tokio::test]
async fn a_conflict_says_who_did_what_in_the_meantime() {
    let (_folder, office) = prepared().await;
    let seen = folder(&office).await.head_of_subject;
    let other = Actor::new("carl", Role::Investigator);
    let given = json!({ "SSDAT": "2026-03-01", "SSMETH": "VISIT" });
    let contact = Action::new(&other, at(20), save(instance("contact", None, 1), given)).at("01").of(ONE);
    office.submit(vec![contact]).await.unwrap();
    let Reason::Conflict { subject, expected, found, since } =
        reason(&office, ecog(21, 2).expecting(seen)).await
    else {
        panic!()
    };
    assert_eq!((subject.as_str(), expected, found), (ONE, seen, seen + 1));
    assert_eq!(since.len(), 1);
    assert_eq!((since[0].event, since[0].who.as_str(), since[0].kind), (seen + 1, "carl", "form_saved"));
    assert_eq!((since[0].recorded, &since[0].instance), (at(20), &Some(instance("contact", None, 1))));
    let told = office.submit(vec![ecog(21, 2).expecting(seen)]).await.unwrap_err().to_string();
    assert!(
        told.ends_with("event 11, form_saved by carl at 2026-03-01T08:20:00Z (contact, entry 1)"),
        "{told}"
    );
}

/// Whoever says which values they saw is in nobody's way who is at another form.
#[tokio::test]
async fn two_at_two_forms_do_not_hinder_each_other_two_at_one_do() {
    let (_folder, office) = prepared().await;
    let stood =
        |folder: &Folder| folder.record.forms.iter().find(|f| f.instance == screening("ecog")).unwrap().event;
    let seen = stood(&*folder(&office).await);
    let given = json!({ "SSDAT": "2026-03-01", "SSMETH": "VISIT" });
    let contact = |minutes| act(minutes, ONE, save(instance("contact", None, 1), given.clone())).over(0);
    office.submit(vec![contact(20)]).await.unwrap();
    office.submit(vec![ecog(21, 2).over(seen)]).await.unwrap();
    let Reason::Conflict { expected, found, since, .. } = reason(&office, ecog(22, 0).over(seen)).await
    else {
        panic!()
    };
    assert_eq!((expected, found), (seen, stood(&*folder(&office).await)));
    assert_eq!(since.iter().map(|later| later.kind).collect::<Vec<_>>(), ["form_corrected"]);
    // A form that was thought empty.
    let Reason::Conflict { expected: 0, since, .. } = reason(&office, contact(22)).await else { panic!() };
    assert_eq!(since.len(), 1);
}
