//! Files: making, opening, refusing what is no ledger, backup.

use std::fs;

use ledger::{Draft, Error, Ledger};
use serde_json::json;
use sqlx::{ConnectOptions, Connection};

use crate::{draft, fresh_file, path_in, raw};

#[tokio::test]
async fn a_ledger_is_made_once_and_opened_again() {
    let (directory, ledger) = fresh_file().await;
    ledger.append(vec![draft("A", 1)]).await.unwrap();
    let head = ledger.head().await.unwrap();
    let refused = Ledger::create(path_in(&directory)).await.err().unwrap();
    assert!(matches!(refused, Error::Exists { .. }), "{refused}");
    ledger.close().await;
    assert!(!directory.path().join("trial.ledger-wal").exists(), "closing leaves one file");

    let ledger = Ledger::open(path_in(&directory)).await.unwrap();
    assert_eq!(ledger.head().await.unwrap(), head);
    ledger.append(vec![draft("A", 2).expecting(1)]).await.unwrap();
}

#[tokio::test]
async fn what_is_no_ledger_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = path_in(&directory);
    let open = async || Ledger::open(&path).await.err().unwrap();

    assert!(matches!(open().await, Error::NotFound { .. }));
    assert!(!path.exists());
    fs::create_dir(&path).unwrap();
    assert!(matches!(open().await, Error::NotALedger { .. }));
    fs::remove_dir(&path).unwrap();
    for text in ["", "subject,visit\n", &"not a database, though as long as one ".repeat(200)] {
        fs::write(&path, text).unwrap();
        let error = open().await;
        assert!(matches!(error, Error::NotALedger { .. }), "{text}: {error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::remove_file(&path).unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut other = options.connect().await.unwrap();
    sqlx::raw_sql("CREATE TABLE patients (name TEXT)").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let bytes = fs::read(&path).unwrap();
    let error = open().await;
    assert!(error.to_string().contains("database of something else"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert!(Ledger::create("/no/such/directory/trial.ledger").await.is_err());
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let (directory, ledger) = fresh_file().await;
    raw(&ledger).await.run("PRAGMA user_version = 2").await.unwrap();
    ledger.close().await;
    let error = Ledger::open(path_in(&directory)).await.err().unwrap();
    assert!(matches!(error, Error::NewerFormat { found: 2, known: 1, .. }), "{error}");
}

#[tokio::test]
async fn a_read_only_medium_can_be_read() {
    let (directory, ledger) = fresh_file().await;
    ledger
        .append(vec![Draft::new(json!({ "kind": "k", "recorded": "2026-03-04T10:00:00Z" }))])
        .await
        .unwrap();
    ledger.close().await;
    let mut permissions = fs::metadata(directory.path()).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(directory.path(), permissions.clone()).unwrap();
    let read = Ledger::open_read_only(path_in(&directory)).await;
    #[allow(clippy::permissions_set_readonly_false)] // the directory is removed next
    permissions.set_readonly(false);
    fs::set_permissions(directory.path(), permissions).unwrap();
    let reader = read.unwrap();
    assert_eq!(reader.head().await.unwrap().count, 1);
}
