//! The second factor: enrolling, codes, recovery codes.

use jiff::SignedDuration;
use people::{Checked, Confirmed, Error, Session, SignIn, Store};
use rstest::rstest;

use crate::stores::{HERE, MINUTE, On, PASSWORD, add_anna, at, code, secret, sign_in};

/// Anna enrols; her session, the secret and the recovery codes.
async fn enrolled(store: &Store, now: i64) -> (String, Session, String, Vec<String>) {
    add_anna(store).await;
    let (token, session) = sign_in(store, at(now)).await;
    let enrolment = store.enrol(&session, at(now)).await.unwrap();
    let key = enrolment.secret.reveal().to_owned();
    let answer = store.confirm(&session, &code(&key, at(now)), HERE, at(now)).await.unwrap();
    let Confirmed::Codes(codes) = answer else { panic!("{answer:?}") };
    (token, session, key, codes.iter().map(|code| code.reveal().to_owned()).collect())
}

async fn give(store: &Store, session: &Session, code: &str, seconds: i64) -> Checked {
    store.give_code(session, code, HERE, at(seconds)).await.unwrap()
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_factor_is_asked_for_once_it_is_confirmed(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    let (token, session) = sign_in(&store, at(0)).await;
    let enrolment = store.enrol(&session, at(0)).await.unwrap();
    let key = enrolment.secret.reveal().to_owned();
    assert!(enrolment.uri.reveal().starts_with("otpauth://totp/Trialwright:anna?"));
    assert!(enrolment.uri.reveal().contains(&format!("secret={key}")));
    assert!(!store.session(&token, at(1)).await.unwrap().unwrap().second_factor, "begun is not enrolled");
    assert!(matches!(store.confirm(&session, "000000", HERE, at(1)).await.unwrap(), Confirmed::Wrong));
    // Begun anew: the first secret is void.
    let enrolment = store.enrol(&session, at(2)).await.unwrap();
    let old = code(&key, at(2));
    let key = enrolment.secret.reveal().to_owned();
    assert!(matches!(store.confirm(&session, &old, HERE, at(2)).await.unwrap(), Confirmed::Wrong));
    let answer = store.confirm(&session, &code(&key, at(3)), HERE, at(3)).await.unwrap();
    assert!(matches!(&answer, Confirmed::Codes(codes) if codes.len() == 10), "{answer:?}");
    assert!(matches!(
        store.confirm(&session, &code(&key, at(3)), HERE, at(3)).await,
        Err(Error::NotEnrolling)
    ));

    let confirmed = store.session(&token, at(4)).await.unwrap().unwrap();
    assert!(confirmed.second_factor && !confirmed.awaits_code());
    assert_eq!(confirmed.second_factor_at, Some(at(3)));
    assert!(store.user("anna").await.unwrap().unwrap().second_factor);
    let (_, next) = sign_in(&store, at(60)).await;
    assert!(next.awaits_code());
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_code_is_taken_once(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    let (_, first, key, _) = enrolled(&store, 0).await;
    let (token, session) = sign_in(&store, at(60)).await;
    assert_eq!(give(&store, &first, &code(&key, at(0)), 10).await, Checked::Wrong, "it confirmed the factor");
    let now = code(&key, at(90));
    let spaced = format!(" {} {} ", &now[..3], &now[3..]);
    assert_eq!(give(&store, &session, &spaced, 90).await, Checked::Right);
    assert_eq!(give(&store, &session, &now, 91).await, Checked::Wrong, "again");
    assert_eq!(give(&store, &first, &now, 91).await, Checked::Wrong, "in another session");
    assert_eq!(give(&store, &session, &code(&key, at(60)), 91).await, Checked::Wrong, "one before it");
    let opened = store.session(&token, at(92)).await.unwrap().unwrap();
    assert_eq!(opened.second_factor_at, Some(at(90)));
    assert!(!opened.awaits_code());
    let span = SignedDuration::from_mins(5);
    assert!(
        opened.second_factor_within(span, at(90 + 299)) && !opened.second_factor_within(span, at(90 + 300))
    );
    assert_eq!(
        give(&store, &session, &code(&key, at(150)), 120).await,
        Checked::Right,
        "a clock that runs ahead"
    );
    assert_eq!(give(&store, &session, &code(&key, at(240)), 180).await, Checked::Wrong, "too far ahead");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_requests_with_one_code_one_is_right(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    let (_, session, key, codes) = enrolled(&store, 0).await;
    for given in [code(&key, at(90)), codes[3].clone()] {
        let requests: Vec<_> = (0..4)
            .map(|_| {
                let (store, session, given) = (store.clone(), session.clone(), given.clone());
                tokio::spawn(async move { give(&store, &session, &given, 90).await })
            })
            .collect();
        let mut right = 0;
        for request in requests {
            right += usize::from(request.await.unwrap() == Checked::Right);
        }
        assert_eq!(right, 1);
        store.unlock_user("anna").await.unwrap();
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_recovery_code_works_once(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    let (_, _, _, codes) = enrolled(&store, 0).await;
    assert_eq!(store.recovery_codes_left("anna").await.unwrap(), 10);
    let (_, session) = sign_in(&store, at(60)).await;
    let upper = codes[0].to_uppercase().replace('-', " ");
    assert_eq!(give(&store, &session, &upper, 61).await, Checked::Right);
    assert_eq!(give(&store, &session, &codes[0], 62).await, Checked::Wrong);
    assert_eq!(give(&store, &session, &codes[1], 63).await, Checked::Right);
    assert_eq!(store.recovery_codes_left("anna").await.unwrap(), 8);
    let distinct: std::collections::BTreeSet<_> = codes.iter().collect();
    assert_eq!(distinct.len(), 10);
    assert!(codes.iter().all(|code| code.len() == 19 && code.matches('-').count() == 3), "{codes:?}");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn wrong_codes_lock_and_a_new_password_sign_in_does_not_open_the_way(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    let (_, _, key, _) = enrolled(&store, 0).await;
    for second in 0..5 {
        // Whoever knows the password signs in anew before each guess.
        let session = sign_in(&store, at(60 + second)).await.1;
        assert_eq!(give(&store, &session, "000000", 60 + second).await, Checked::Wrong);
    }
    assert_eq!(store.locked_until("anna", at(70)).await.unwrap(), Some(at(64 + 15 * MINUTE)));
    let session = sign_in(&store, at(70)).await.1;
    assert_eq!(give(&store, &session, &code(&key, at(70)), 70).await, Checked::Wrong, "the right one, too");
    let later = 65 + 15 * MINUTE;
    assert_eq!(give(&store, &session, &code(&key, at(later)), later).await, Checked::Right);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_enrolled_factor_is_replaced_only_with_a_code_of_it(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    let (_, first, key, old_codes) = enrolled(&store, 0).await;
    let (token, session) = sign_in(&store, at(60)).await;
    assert!(matches!(store.enrol(&session, at(60)).await, Err(Error::AlreadyEnrolled)), "the password alone");
    assert!(
        matches!(store.enrol(&first, at(16 * MINUTE)).await, Err(Error::AlreadyEnrolled)),
        "too long ago"
    );
    assert_eq!(give(&store, &session, &code(&key, at(90)), 90).await, Checked::Right);
    let enrolment = store.enrol(&session, at(100)).await.unwrap();
    let new = enrolment.secret.reveal().to_owned();
    assert_eq!(
        give(&store, &session, &code(&key, at(150)), 150).await,
        Checked::Right,
        "until it is confirmed"
    );
    let answer = store.confirm(&session, &code(&new, at(210)), HERE, at(210)).await.unwrap();
    assert!(matches!(answer, Confirmed::Codes(_)));
    assert_eq!(give(&store, &session, &code(&key, at(270)), 270).await, Checked::Wrong, "the old phone");
    assert_eq!(give(&store, &session, &old_codes[5], 271).await, Checked::Wrong, "an old recovery code");
    assert_eq!(give(&store, &session, &code(&new, at(272)), 272).await, Checked::Right);
    assert!(!store.session(&token, at(273)).await.unwrap().unwrap().awaits_code());
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_office_takes_a_lost_factor_away(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    let (token, session, key, codes) = enrolled(&store, 0).await;
    store.remove_second_factor("anna").await.unwrap();
    assert!(store.session(&token, at(1)).await.unwrap().is_none());
    assert_eq!(give(&store, &session, &code(&key, at(60)), 60).await, Checked::Wrong);
    assert_eq!(give(&store, &session, &codes[0], 60).await, Checked::Wrong);
    let answer = store.sign_in("anna", &secret(PASSWORD), HERE, at(61)).await.unwrap();
    let SignIn::Open(_, session) = answer else { panic!("{answer:?}") };
    assert!(!session.awaits_code());
    store.enrol(&session, at(62)).await.unwrap();
    assert!(matches!(store.remove_second_factor("bert").await, Err(Error::NoSuchUser { .. })));
}
