//! Where a store lies: making, opening again, refusing what is something else.

use people::{Error, Store};
use rstest::rstest;

use crate::stores::{On, add_anna, anna, at, secret};

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_store_is_made_once_and_found_again(#[case] on: On) {
    let Some((store, place)) = on.store().await else { return };
    assert!(!store.has_users().await.unwrap());
    add_anna(&store).await;
    store.ready().await.unwrap();
    store.close().await;
    assert!(store.ready().await.is_err(), "a closed store does not answer");
    let again = place.open().await;
    assert!(again.has_users().await.unwrap());
    assert_eq!(again.users().await.unwrap().len(), 1);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_may_open_a_fresh_store_at_once(#[case] on: On) {
    let Some(place) = on.place() else { return };
    let (one, other) = tokio::join!(place.open(), place.open());
    add_anna(&one).await;
    assert_eq!(other.user("Anna").await.unwrap().unwrap().display_name, anna().display_name);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn of_two_first_users_at_once_one_wins(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    let password = secret("four words of some length");
    let (one, other) = tokio::join!(
        store.add_first_user(anna(), &password, at(0)),
        store.add_first_user(crate::stores::named("bert"), &password, at(0)),
    );
    let refused = [&one, &other].iter().filter(|made| matches!(made, Err(Error::NotTheFirst))).count();
    assert_eq!(refused, 1, "{one:?} {other:?}");
    assert_eq!(store.users().await.unwrap().len(), 1);
    let third = store.add_first_user(crate::stores::named("cora"), &password, at(1)).await;
    assert!(matches!(third, Err(Error::NotTheFirst)));
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let place = On::Sqlite.place().unwrap();
    std::fs::write(&place.address, "").unwrap();
    std::fs::set_permissions(&place.address, std::fs::Permissions::from_mode(0o644)).unwrap();
    let store = place.open().await;
    add_anna(&store).await;
    let files = place.files();
    assert!(
        files.len() >= 2,
        "the file and its log: {:?}",
        files.iter().map(|(name, _)| name).collect::<Vec<_>>()
    );
    for (name, _) in files {
        let mode = std::fs::metadata(&name).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
}

#[tokio::test]
async fn something_else_is_not_taken_for_a_store() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("notes.txt");
    std::fs::write(&text, "not a database, and long enough to be read as the head of one; ".repeat(20))
        .unwrap();
    let error = Store::open(&text.display().to_string()).await.unwrap_err();
    assert!(matches!(&error, Error::NotAStore { .. } | Error::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("notes.txt"), "{error}");

    // A ledger, for instance.
    let other = directory.path().join("trial.ledger").display().to_string();
    std::fs::write(&other, "").unwrap();
    run(&other, "CREATE TABLE events (seq INTEGER PRIMARY KEY); PRAGMA application_id = 77; PRAGMA journal_mode = DELETE").await;
    let state = || (std::fs::read(&other).unwrap(), std::fs::metadata(&other).unwrap().permissions());
    let before = state();
    let error = Store::open(&other).await.unwrap_err();
    assert!(matches!(error, Error::NotAStore { .. }), "{error:?}");
    assert!(state() == before, "the other file is as it was");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_newer_store_is_refused(#[case] on: On) {
    let Some((store, place)) = on.store().await else { return };
    store.close().await;
    place.run("INSERT INTO people_version (version) VALUES (99)").await;
    let error = Store::open(&place.address).await.unwrap_err();
    assert!(matches!(error, Error::NewerFormat { found: 99, .. }), "{error:?}");
}

/// Runs statements in an `SQLite` file, as another program would.
async fn run(file: &str, statements: &'static str) {
    use sqlx::{ConnectOptions, Connection};

    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_made_while_the_store_is_in_use() {
    let (store, place) = On::Sqlite.store().await.unwrap();
    add_anna(&store).await;
    let writer = {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..50 {
                let new = crate::stores::named(&format!("user{number}"));
                store.add_user(new, &secret("four words of some length"), at(number)).await.unwrap();
            }
        })
    };
    let copies: Vec<_> = (0..3).map(|n| place.directory.path().join(format!("copy {n}.sqlite"))).collect();
    for copy in &copies {
        store.backup(copy).await.unwrap();
    }
    writer.await.unwrap();
    let mut before = 0;
    for copy in &copies {
        let opened = Store::open(copy.to_str().unwrap()).await.unwrap();
        let users = opened.users().await.unwrap().len();
        assert!(users >= before && opened.user("anna").await.unwrap().is_some());
        before = users;
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&copy.metadata().unwrap().permissions()) & 0o777,
            0o600
        );
    }
    // Never over what stands there.
    let state = std::fs::read(&copies[0]).unwrap();
    assert!(matches!(store.backup(&copies[0]).await, Err(Error::File { .. })));
    assert!(std::fs::read(&copies[0]).unwrap() == state);
}

#[tokio::test]
async fn a_store_in_a_database_is_copied_by_the_databases_own_means() {
    let Some((store, place)) = On::Postgres.store().await else { return };
    let error = store.backup(&place.directory.path().join("copy")).await.unwrap_err();
    assert!(error.to_string().contains("pg_dump --schema=people"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_its_password() {
    let error = Store::open("postgres://office:hunter2hunter2@127.0.0.1:1/people").await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("postgres://127.0.0.1/people?schema=people"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[rstest]
#[case("mysql://a/b")]
#[case("")]
#[case("postgres://a/b?schema=x;drop")]
#[case("postgres://a/b?schema=")]
#[tokio::test]
async fn an_address_that_cannot_be(#[case] address: &str) {
    let error = Store::open(address).await.unwrap_err();
    assert!(matches!(error, Error::Address { .. }), "{error:?}");
}
