//! Sessions: how long they last, and how they end.

use people::Store;
use rstest::rstest;

use crate::stores::{HOUR, MINUTE, On, add_anna, at, sign_in};

async fn open(store: &Store, token: &str, seconds: i64) -> bool {
    store.session(token, at(seconds)).await.unwrap().is_some()
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn half_an_hour_without_a_request_ends_it(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    let (token, _) = sign_in(&store, at(0)).await;
    assert!(open(&store, &token, 29 * MINUTE).await);
    assert!(open(&store, &token, 58 * MINUTE).await, "the last request put the end off");
    assert!(!open(&store, &token, 88 * MINUTE).await);
    assert!(!open(&store, &token, 59 * MINUTE).await, "and it does not come back");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn twelve_hours_end_it_whatever_is_done(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    let (token, _) = sign_in(&store, at(0)).await;
    let mut now = 0;
    while now < 12 * HOUR {
        assert!(open(&store, &token, now).await, "after {now} s");
        now += 20 * MINUTE;
    }
    assert!(!open(&store, &token, 12 * HOUR).await);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn it_ends_while_it_is_remembered(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    let (token, _) = sign_in(&store, at(0)).await;
    assert!(open(&store, &token, 30 * MINUTE - 1).await);
    let (token, _) = sign_in(&store, at(0)).await;
    let mut now = 0;
    while now < 12 * HOUR - 1 {
        open(&store, &token, now).await;
        now += 20 * MINUTE;
    }
    assert!(open(&store, &token, 12 * HOUR - 1).await);
    assert!(!open(&store, &token, 12 * HOUR).await, "read a second ago, and over all the same");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn that_it_was_seen_is_written_once_a_minute(#[case] on: On) {
    let Some((store, place)) = on.store().await else { return };
    add_anna(&store).await;
    let (token, _) = sign_in(&store, at(0)).await;
    let other = place.open().await;
    for (now, seen) in [(10, 0), (56, 0), (60, 60), (116, 60), (121, 121)] {
        store.session(&token, at(now)).await.unwrap().unwrap();
        // Another process, whose own look is no later: what is in the store.
        let session = other.session(&token, at(now)).await.unwrap().unwrap();
        assert_eq!(session.seen, at(seen), "after {now} s");
        assert_eq!(session.idle_ends, at(seen + 30 * MINUTE));
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_ended_session_is_ended_here_at_once_and_elsewhere_within_seconds(#[case] on: On) {
    let Some((store, place)) = on.store().await else { return };
    add_anna(&store).await;
    let other = place.open().await;
    let (token, _) = sign_in(&store, at(0)).await;
    assert!(open(&store, &token, 10).await && open(&other, &token, 10).await);
    store.end_session(&token).await.unwrap();
    assert!(!open(&store, &token, 10).await);
    assert!(!open(&other, &token, 15).await);
    let (one, _) = sign_in(&store, at(20)).await;
    let (two, _) = sign_in(&store, at(20)).await;
    assert!(open(&store, &one, 21).await && open(&store, &two, 21).await);
    store.end_all("Anna").await.unwrap();
    assert!(!open(&store, &one, 21).await && !open(&store, &two, 21).await);
    store.end_session("what is no token").await.unwrap();
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_twenty_first_session_ends_the_first(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    let mut tokens = Vec::new();
    for second in 0..21 {
        tokens.push(sign_in(&store, at(second)).await.0);
    }
    for (number, token) in tokens.iter().enumerate() {
        assert_eq!(open(&store, token, 60).await, number > 0, "session {number}");
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn tidying_drops_what_has_ended_and_nothing_else(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    let (old, _) = sign_in(&store, at(0)).await;
    let (young, _) = sign_in(&store, at(20 * MINUTE)).await;
    store.tidy(at(31 * MINUTE)).await.unwrap();
    assert!(!open(&store, &old, 10).await, "its row is gone, whatever the clock says");
    assert!(open(&store, &young, 31 * MINUTE).await);
}

#[test]
fn the_csrf_token_belongs_to_the_session() {
    let one = people::Secret::random().unwrap();
    let other = people::Secret::random().unwrap();
    let derived = Store::csrf(one.reveal());
    assert!(Store::csrf_holds(one.reveal(), &derived));
    assert!(!Store::csrf_holds(other.reveal(), &derived));
    assert!(!Store::csrf_holds(one.reveal(), ""));
    assert!(!Store::csrf_holds(one.reveal(), one.reveal()), "the token itself is not it");
}
