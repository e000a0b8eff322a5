//! Links for patients: when they open, what they keep, and that nothing is sent twice.

use people::{Claim, Error, Fields, LinkState, NewPatientLink, PatientAccess, Store};
use rstest::rstest;
use trial::event::Instance;
use trial::id::SubjectId;

use crate::stores::{DAY, HOUR, On, at};

fn week_12() -> NewPatientLink {
    NewPatientLink {
        trial: "avatar-ii".to_owned(),
        subject: "01-004".into(),
        instance: Instance { form: "FACTB".to_owned(), visit: Some("W12".to_owned()), occurrence: 1 },
        opens: at(HOUR),
        expires: at(8 * DAY),
    }
}

fn answers() -> Fields {
    vec![("GP1".to_owned(), "2".to_owned()), ("GP2".to_owned(), "Übelkeit; \u{1f642} \"so\"".to_owned())]
}

async fn issued(store: &Store) -> String {
    store.issue_patient_link(week_12(), "anna", at(0)).await.unwrap().0.reveal().to_owned()
}

async fn opens(store: &Store, token: &str, seconds: i64) -> PatientAccess {
    store.patient_link(token, at(seconds)).await.unwrap()
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_link_opens_between_its_moments_and_keeps_the_answers(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    let (token, link) = store.issue_patient_link(week_12(), "anna", at(0)).await.unwrap();
    let token = token.reveal();
    assert_eq!((link.state, link.by.as_str(), link.made), (LinkState::Open, "anna", at(0)));
    assert_eq!(opens(&store, token, HOUR - 1).await, PatientAccess::NotYet { opens: at(HOUR) });
    assert!(!store.keep_answers(token, &answers(), at(HOUR - 1)).await.unwrap());
    assert_eq!(store.claim_for_sending(token, at(HOUR - 1)).await.unwrap(), Claim::NotOpen);
    assert_eq!(
        opens(&store, token, HOUR).await,
        PatientAccess::Open { link: Box::new(link.clone()), answers: vec![] }
    );
    assert!(store.keep_answers(token, &answers(), at(HOUR)).await.unwrap());
    let again = opens(&store, token, 2 * HOUR).await;
    let PatientAccess::Open { link: started, answers: kept } = again else { panic!("{again:?}") };
    assert_eq!((started.state, kept), (LinkState::Started, answers()));
    assert_eq!(opens(&store, token, 8 * DAY).await, PatientAccess::Expired);
    assert!(!store.keep_answers(token, &answers(), at(8 * DAY)).await.unwrap());
    assert_eq!(store.claim_for_sending(token, at(8 * DAY)).await.unwrap(), Claim::NotOpen);
    let long = vec![("GP1".to_owned(), "x".repeat(70_000))];
    assert!(matches!(store.keep_answers(token, &long, at(HOUR)).await, Err(Error::TooLarge { .. })));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_send_at_once_one_is_given_the_claim(#[case] on: On) {
    let Some((store, place)) = on.store().await else { return };
    let token = issued(&store).await;
    store.keep_answers(&token, &answers(), at(HOUR)).await.unwrap();
    let other = place.open().await;
    let claims: Vec<_> = (0..30)
        .map(|number| {
            let store = if number % 2 == 0 { store.clone() } else { other.clone() };
            let token = token.clone();
            tokio::spawn(async move { store.claim_for_sending(&token, at(2 * HOUR)).await.unwrap() })
        })
        .collect();
    let mut claimed = Vec::new();
    for claim in claims {
        match claim.await.unwrap() {
            Claim::Claimed { link, answers } => claimed.push((link, answers)),
            other => assert_eq!(other, Claim::BeingSent),
        }
    }
    assert_eq!(claimed.len(), 1);
    let (link, given) = &claimed[0];
    assert_eq!((link.state, given), (LinkState::Sending, &answers()));
    assert_eq!(opens(&store, &token, 2 * HOUR).await, PatientAccess::Sending);
    assert!(!store.keep_answers(&token, &vec![], at(2 * HOUR)).await.unwrap());

    store.sent(link, 4711, at(2 * HOUR + 1)).await.unwrap();
    assert_eq!(opens(&store, &token, 3 * HOUR).await, PatientAccess::Sent { at: at(2 * HOUR + 1) });
    assert_eq!(store.claim_for_sending(&token, at(3 * HOUR)).await.unwrap(), Claim::AlreadySent);
    assert!(matches!(store.sent(link, 4712, at(3 * HOUR)).await, Err(Error::NotClaimed)));
    assert!(matches!(store.release(link).await, Err(Error::NotClaimed)));
    assert!(matches!(store.issue_patient_link(week_12(), "anna", at(0)).await, Err(Error::AlreadySent)));
    store.withdraw_patient_link(&link.id).await.unwrap();
    let links = store.patient_links("avatar-ii", Some(&"01-004".into())).await.unwrap();
    assert_eq!((links[0].state, links[0].sent_seq), (LinkState::Sent, Some(4711)), "sent stays sent");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_claim_that_came_to_nothing_is_given_back(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    let token = issued(&store).await;
    store.keep_answers(&token, &answers(), at(HOUR)).await.unwrap();
    let Claim::Claimed { link, .. } = store.claim_for_sending(&token, at(2 * HOUR)).await.unwrap() else {
        panic!("not claimed")
    };
    assert!(matches!(store.issue_patient_link(week_12(), "anna", at(0)).await, Err(Error::AlreadySent)));
    assert_eq!(store.claimed_before(at(2 * HOUR)).await.unwrap(), vec![]);
    assert_eq!(
        store.claimed_before(at(2 * HOUR + 1)).await.unwrap(),
        vec![*link.clone()],
        "as after a crash"
    );
    store.release(&link).await.unwrap();
    let again = opens(&store, &token, 2 * HOUR).await;
    assert!(matches!(&again, PatientAccess::Open { answers: kept, .. } if *kept == answers()), "{again:?}");
    assert!(matches!(store.claim_for_sending(&token, at(3 * HOUR)).await.unwrap(), Claim::Claimed { .. }));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_new_link_withdraws_the_old_one(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    let old = issued(&store).await;
    store.keep_answers(&old, &answers(), at(HOUR)).await.unwrap();
    let new = issued(&store).await;
    assert_eq!(opens(&store, &old, HOUR).await, PatientAccess::Unknown);
    assert!(!store.keep_answers(&old, &answers(), at(HOUR)).await.unwrap());
    let opened = opens(&store, &new, HOUR).await;
    assert!(matches!(&opened, PatientAccess::Open { answers, .. } if answers.is_empty()), "{opened:?}");
    // Another visit, another subject and a form without a visit have links of their own.
    for change in 0..3 {
        let mut link = week_12();
        match change {
            0 => link.instance.visit = Some("W24".to_owned()),
            1 => link.subject = "01-005".into(),
            _ => link.instance.visit = None,
        }
        let (_, made) = store.issue_patient_link(link.clone(), "anna", at(change)).await.unwrap();
        assert_eq!((made.instance, made.subject), (link.instance, link.subject));
    }
    assert!(matches!(opens(&store, &new, HOUR).await, PatientAccess::Open { .. }));
    let subject = SubjectId::from("01-004");
    assert_eq!(store.patient_links("avatar-ii", Some(&subject)).await.unwrap().len(), 4);
    assert_eq!(store.patient_links("avatar-ii", None).await.unwrap().len(), 5);
    assert_eq!(store.patient_links("stop", None).await.unwrap(), vec![]);
    let standing = store.patient_links("avatar-ii", Some(&subject)).await.unwrap();
    let id =
        &standing.iter().find(|link| link.state == LinkState::Open && link.instance == week_12().instance);
    store.withdraw_patient_link(&id.unwrap().id).await.unwrap();
    assert_eq!(opens(&store, &new, HOUR).await, PatientAccess::Unknown);
}

#[rstest]
#[case::never(at(2 * HOUR), at(HOUR))]
#[case::past(at(-2 * HOUR), at(-HOUR))]
#[tokio::test]
async fn a_link_that_could_never_be_used(#[case] opens: jiff::Timestamp, #[case] expires: jiff::Timestamp) {
    let (store, _place) = On::Sqlite.store().await.unwrap();
    let made = store.issue_patient_link(NewPatientLink { opens, expires, ..week_12() }, "anna", at(0)).await;
    assert!(matches!(made, Err(Error::BadInput { field: "expires", .. })), "{made:?}");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn what_was_sent_or_long_expired_keeps_no_answers(#[case] on: On) {
    let Some((store, place)) = on.store().await else { return };
    let token = issued(&store).await;
    let marked = vec![("GP1".to_owned(), "an answer nobody may find".to_owned())];
    store.keep_answers(&token, &marked, at(HOUR)).await.unwrap();
    store.tidy(at(14 * DAY)).await.unwrap();
    assert!(
        matches!(opens(&store, &token, HOUR).await, PatientAccess::Open { answers, .. } if answers == marked)
    );
    store.tidy(at(16 * DAY)).await.unwrap();
    assert!(
        matches!(opens(&store, &token, HOUR).await, PatientAccess::Open { answers, .. } if answers.is_empty())
    );
    store.close().await;
    for (name, content) in place.files() {
        let word = b"an answer nobody may find";
        assert!(!content.windows(word.len()).any(|window| window == word), "{name}");
    }
}
