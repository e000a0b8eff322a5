//! Signing in and lock-out.

use people::{Checked, SignIn, Store};
use rstest::rstest;

use crate::stores::{DAY, HERE, HOUR, MINUTE, On, PASSWORD, add_anna, at, is_wrong, named, secret, sign_in};

async fn wrong(store: &Store, name: &str, address: &str, seconds: i64) {
    let answer = store.sign_in(name, &secret("not the password"), address, at(seconds)).await.unwrap();
    assert!(is_wrong(&answer), "{answer:?}");
}

async fn right(store: &Store, seconds: i64) -> SignIn {
    store.sign_in("anna", &secret(PASSWORD), HERE, at(seconds)).await.unwrap()
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_sign_in_opens_a_session(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    let answer = store.sign_in(" ANNA ", &secret(PASSWORD), HERE, at(5)).await.unwrap();
    let SignIn::Open(token, session) = answer else { panic!("{answer:?}") };
    assert_eq!((session.user.as_str(), session.display_name.as_str()), ("anna", "Anna Berg"));
    assert_eq!((session.started, session.ends), (at(5), at(5 + 12 * HOUR)));
    assert!(!session.awaits_code());
    assert_eq!(store.session(token.reveal(), at(6)).await.unwrap(), Some(session));
    assert_eq!(store.user("anna").await.unwrap().unwrap().last_sign_in, Some(at(5)));
    for (name, password) in [("anna", "Lamp otter brick seven"), ("bert", PASSWORD), ("anna", ""), ("", "")] {
        let answer = store.sign_in(name, &secret(password), HERE, at(6)).await.unwrap();
        assert!(is_wrong(&answer), "{name} {password}: {answer:?}");
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_fifth_wrong_password_locks_and_each_lock_doubles(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    let mut now = 0;
    for minutes in [15, 30, 60, 120, 240, 480, 960, 1440, 1440] {
        for _ in 0..5 {
            assert_eq!(store.locked_until("anna", at(now)).await.unwrap(), None);
            // Each from another address, so that the user alone is counted.
            wrong(&store, "anna", &format!("198.51.100.{}", now % 250), now).await;
            now += 1;
        }
        let until = now - 1 + minutes * MINUTE;
        assert_eq!(store.locked_until("anna", at(now)).await.unwrap(), Some(at(until)), "{minutes}");
        assert!(is_wrong(&right(&store, until - 1).await), "the right password, too, while it lasts");
        now = until;
    }
    assert!(matches!(right(&store, now).await, SignIn::Open(..)), "once it is over");
    for _ in 0..4 {
        now += 1;
        wrong(&store, "anna", "203.0.113.1", now).await;
    }
    assert!(matches!(right(&store, now).await, SignIn::Open(..)));
    for _ in 0..5 {
        now += 1;
        wrong(&store, "anna", "203.0.113.2", now).await;
    }
    let until = store.locked_until("anna", at(now)).await.unwrap();
    assert_eq!(until, Some(at(now + 15 * MINUTE)), "a right one begins the count anew");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn wrong_passwords_count_for_a_quarter_of_an_hour(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    for seconds in [0, 1, 2, 3] {
        wrong(&store, "anna", HERE, seconds).await;
    }
    // At 15 minutes and 2 seconds only one of the four still counts, so three more are borne.
    let later = 15 * MINUTE + 2;
    for more in 0..3 {
        wrong(&store, "anna", HERE, later + more).await;
    }
    assert!(matches!(right(&store, later + 4).await, SignIn::Open(..)));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_day_after_a_lock_the_next_is_a_first_one(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    for (start, minutes) in [(0, 15), (HOUR, 30), (3 * DAY, 15)] {
        for second in 0..5 {
            wrong(&store, "anna", HERE, start + second).await;
        }
        let until = store.locked_until("anna", at(start + 5)).await.unwrap();
        assert_eq!(until, Some(at(start + 4 + minutes * MINUTE)));
        store.tidy(at(start + 5)).await.unwrap();
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_office_unlocks(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    for second in 0..5 {
        wrong(&store, "anna", HERE, second).await;
    }
    assert!(is_wrong(&right(&store, 6).await));
    let until = at(4 + 15 * MINUTE);
    let locked = async |now| store.locked_of(["anna", "bert", "nobody"], now).await.unwrap();
    assert_eq!(locked(at(6)).await, [("anna".to_owned(), until)].into());
    assert_eq!(locked(until).await, [].into(), "a lock that is over is none");
    assert_eq!(store.locked_of(["bert"], at(6)).await.unwrap(), [].into(), "another's lock");
    store.unlock_user("anna").await.unwrap();
    assert_eq!(locked(at(6)).await, [].into());
    assert!(matches!(right(&store, 7).await, SignIn::Open(..)));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_address_that_guesses_is_sent_away_and_others_are_not(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    for attempt in 0..25 {
        // A right one in between does not open the way to more guesses.
        if attempt == 20 {
            assert!(matches!(right(&store, attempt).await, SignIn::Open(..)));
        }
        wrong(&store, &format!("user{attempt}"), HERE, attempt).await;
    }
    let answer = right(&store, 30).await;
    let SignIn::TooMany { until } = answer else { panic!("{answer:?}") };
    assert_eq!(until, at(24 + 15 * MINUTE));
    let elsewhere = store.sign_in("anna", &secret(PASSWORD), "198.51.100.1", at(30)).await.unwrap();
    assert!(matches!(elsewhere, SignIn::Open(..)));
    assert!(matches!(right(&store, 24 + 15 * MINUTE).await, SignIn::Open(..)));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_made_at_once_are_no_more_than_guesses_made_in_turn(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    let guesses: Vec<_> = (0..40)
        .map(|guess| {
            let store = store.clone();
            // The sixth and later of them would be right: none of those may be looked at.
            tokio::spawn(async move {
                let address = format!("198.51.100.{guess}");
                store.sign_in("anna", &secret("not the password"), &address, at(0)).await.unwrap()
            })
        })
        .collect();
    for guess in guesses {
        assert!(is_wrong(&guess.await.unwrap()));
    }
    assert_eq!(store.locked_until("anna", at(1)).await.unwrap(), Some(at(15 * MINUTE)));
    store.unlock_user("anna").await.unwrap();
    let mut open = 0;
    let tries: Vec<_> = (0..40)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.sign_in("anna", &secret(PASSWORD), "192.0.2.77", at(1)).await })
        })
        .collect();
    for one in tries {
        open += usize::from(matches!(one.await.unwrap().unwrap(), SignIn::Open(..)));
    }
    assert!(open >= 1, "who signs in on many devices at once gets in");
    assert_eq!(store.locked_until("anna", at(2)).await.unwrap(), None, "and leaves no lock behind");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn signing_asks_for_the_password_again_and_counts(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    let (_, session) = sign_in(&store, at(0)).await;
    let again = |password: &'static str, seconds| {
        let (store, session) = (store.clone(), session.clone());
        async move { store.reauthenticate(&session, &secret(password), HERE, at(seconds)).await.unwrap() }
    };
    assert_eq!(again(PASSWORD, 1).await, Checked::Right);
    for second in 2..7 {
        assert_eq!(again("not the password", second).await, Checked::Wrong);
    }
    assert_eq!(again(PASSWORD, 8).await, Checked::Wrong, "locked");
    assert!(is_wrong(&right(&store, 9).await));
}

/// The work done for an unknown, a locked and a disabled user is that for a known one: each hashes. Compared with a cost at which the
/// hash is what takes the time, with a wide margin, since other tests run beside.
#[tokio::test]
async fn the_answer_takes_as_long_for_nobody() {
    let place = On::Sqlite.place().unwrap();
    let hashing = people::Hashing { memory_kib: 4 * 1024, passes: 3, lanes: 1 };
    let rules = people::Rules { hashing, ..people::Rules::default() };
    let store = Store::open_with(&place.address, rules).await.unwrap();
    add_anna(&store).await;
    store.add_user(named("bert"), &secret(PASSWORD), at(0)).await.unwrap();
    store.disable_user("bert", true).await.unwrap();
    store.add_user(named("cora"), &secret(PASSWORD), at(0)).await.unwrap();
    for second in 0..5 {
        wrong(&store, "cora", "203.0.113.5", second).await;
    }
    let mut least = [std::time::Duration::MAX; 4];
    for round in 0..3 {
        for (least, name) in least.iter_mut().zip(["anna", "nobody", "bert", "cora"]) {
            let begun = std::time::Instant::now();
            wrong(&store, name, "203.0.113.6", 10 + round).await;
            *least = begun.elapsed().min(*least);
        }
    }
    for other in &least[1..] {
        let ratio = other.as_secs_f64() / least[0].as_secs_f64();
        assert!((0.4..2.5).contains(&ratio), "{least:?}");
    }
}
