//! The key of the second factors: made once, shared, told apart from another, and what is stored without it.

use people::{Checked, Confirmed, Error, KeyPlace, Rules, Store};
use rstest::rstest;

use crate::stores::{HERE, On, Place, add_anna, at, code, sign_in};

/// Anna with a second factor; its secret.
async fn enrolled(store: &Store) -> String {
    add_anna(store).await;
    let (_, session) = sign_in(store, at(0)).await;
    let secret = store.enrol(&session, at(0)).await.unwrap().secret.reveal().to_owned();
    let answer = store.confirm(&session, &code(&secret, at(0)), HERE, at(0)).await.unwrap();
    assert!(matches!(answer, Confirmed::Codes(_)), "{answer:?}");
    secret
}

/// Whether a code of Anna's factor is right, a minute or more later.
async fn gives(store: &Store, secret: &str, seconds: i64) -> Checked {
    let (_, session) = sign_in(store, at(seconds)).await;
    store.give_code(&session, &code(secret, at(seconds)), HERE, at(seconds)).await.unwrap()
}

const STORED: &str = "SELECT COALESCE(secret, '') || COALESCE(waiting, '') FROM second_factors";

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn no_secret_lies_readable_in_the_store(#[case] on: On) {
    let Some((store, place)) = on.store().await else { return };
    let secret = enrolled(&store).await;
    let (_, session) = sign_in(&store, at(1)).await;
    let stored = place.run(STORED).await;
    assert!(stored[0].starts_with("x1:") && !stored[0].contains(&secret), "{stored:?}");
    assert!(matches!(store.enrol(&session, at(1)).await, Err(Error::AlreadyEnrolled)));
    let key = std::fs::read_to_string(place.key()).unwrap();
    assert_eq!(key.trim_end().len(), 64, "{key}");
    for (name, content) in place.files() {
        if std::path::Path::new(&name) != place.key() {
            for word in [secret.as_str(), key.trim_end()] {
                assert!(!content.windows(word.len()).any(|found| found == word.as_bytes()), "in {name}");
            }
        }
    }
    // Another process, such as the server after a restart or a second one.
    assert_eq!(gives(&place.open().await, &secret, 60).await, Checked::Right);
}

#[cfg(unix)]
#[tokio::test]
async fn the_key_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let (store, place) = On::Sqlite.store().await.unwrap();
    assert!(!place.key().exists(), "it is made when it is needed");
    store.open_key().await.unwrap();
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(place.key()), 0o600);
    std::fs::set_permissions(place.key(), std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = place.open().await.open_key().await.unwrap_err();
    assert!(error.to_string().contains("others may read it (mode 0640); make it 0600"), "{error}");
}

/// As a version before there was a key left it.
async fn readable(place: &Place, secret: &str) {
    place.run(&format!("UPDATE second_factors SET secret = '{secret}', waiting = '{secret}'")).await;
    place.run("DELETE FROM sealing").await;
    std::fs::remove_file(place.key()).unwrap();
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn what_was_stored_readable_is_sealed_and_still_opens(#[case] on: On) {
    let Some((store, place)) = on.store().await else { return };
    let secret = enrolled(&store).await;
    store.close().await;
    readable(&place, &secret).await;
    let store = place.open().await;
    assert_eq!(gives(&store, &secret, 60).await, Checked::Right);
    let stored = place.run(STORED).await;
    assert!(stored[0].matches("x1:").count() == 2 && !stored[0].contains(&secret), "{stored:?}");
    for (name, content) in place.files() {
        assert!(!content.windows(secret.len()).any(|found| found == secret.as_bytes()), "in {name}");
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn another_key_or_none_is_told_and_the_right_one_still_opens(#[case] on: On) {
    let Some((store, place)) = on.store().await else { return };
    let secret = enrolled(&store).await;
    let right = std::fs::read(place.key()).unwrap();

    std::fs::remove_file(place.key()).unwrap();
    let error = place.open().await.open_key().await.unwrap_err();
    assert!(error.to_string().contains("there is no such file; put the key back"), "{error}");
    assert!(!place.key().exists(), "no other key takes its place");

    std::fs::write(place.key(), "not a key").unwrap();
    private(&place);
    let error = place.open().await.open_key().await.unwrap_err();
    assert!(error.to_string().contains("it holds 9 bytes that are no key"), "{error}");

    std::fs::write(place.key(), "00".repeat(32)).unwrap();
    let store = place.open().await;
    let error = store.open_key().await.unwrap_err();
    assert!(matches!(&error, Error::KeyDoesNotFit { path } if *path == place.key()), "{error:?}");
    assert!(error.to_string().contains("all servers on one store share it"), "{error}");
    // Whoever gives a code meets the same, and is not told that the code is wrong.
    let (_, session) = sign_in(&store, at(60)).await;
    let given = store.give_code(&session, &code(&secret, at(60)), HERE, at(60)).await;
    assert!(matches!(given, Err(Error::KeyDoesNotFit { .. })), "{given:?}");

    std::fs::write(place.key(), right).unwrap();
    assert_eq!(gives(&place.open().await, &secret, 120).await, Checked::Right);
}

fn private(place: &Place) {
    #[cfg(unix)]
    std::fs::set_permissions(place.key(), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    #[cfg(not(unix))]
    let _ = place;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_first_starts_one_makes_the_key(#[case] on: On) {
    let Some((store, place)) = on.store().await else { return };
    let starts: Vec<_> = (0..6)
        .map(|_| {
            let (address, rules) = (place.address.clone(), place.rules());
            tokio::spawn(async move { Store::open_with(&address, rules).await.unwrap().open_key().await })
        })
        .collect();
    for start in starts {
        start.await.unwrap().unwrap();
    }
    let secret = enrolled(&store).await;
    assert_eq!(gives(&place.open().await, &secret, 60).await, Checked::Right);
    let left = std::fs::read_dir(place.key().parent().unwrap()).unwrap();
    let keys = left.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains(".key"));
    assert_eq!(keys.count(), 1, "nothing is left of the others");
}

#[tokio::test]
async fn a_store_in_a_database_must_be_told_where_its_key_is() {
    let Some(place) = On::Postgres.place() else { return };
    let rules = Rules { key: KeyPlace::Beside, ..place.rules() };
    let store = Store::open_with(&place.address, rules).await.unwrap();
    assert!(matches!(store.open_key().await, Err(Error::NoKeyPlace)));
    // What needs no key does without: accounts can be made.
    add_anna(&store).await;
    sign_in(&store, at(0)).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn where_the_key_is_lost_every_factor_is_set_up_anew(#[case] on: On) {
    let Some((store, place)) = on.store().await else { return };
    enrolled(&store).await;
    let (token, _) = sign_in(&store, at(60)).await;
    store.close().await;
    std::fs::remove_file(place.key()).unwrap();
    let store = place.open().await;
    store.forget_key().await.unwrap();
    assert!(store.session(&token, at(61)).await.unwrap().is_none(), "a session from before");
    assert!(!store.user("anna").await.unwrap().unwrap().second_factor);
    assert_eq!(store.recovery_codes_left("anna").await.unwrap(), 0);
    store.open_key().await.unwrap();
    let (_, session) = sign_in(&store, at(120)).await;
    assert!(!session.second_factor);
    let secret = store.enrol(&session, at(120)).await.unwrap().secret.reveal().to_owned();
    let answer = store.confirm(&session, &code(&secret, at(120)), HERE, at(120)).await.unwrap();
    assert!(matches!(answer, Confirmed::Codes(_)), "{answer:?}");
}
