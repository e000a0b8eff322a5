//! Files: making, opening, refusing what is no ledger, backup.

use std::fs;

use ledger::{Draft, Error, Ledger};
use serde_json::json;
use sqlx::{ConnectOptions, Connection};

use crate::{draft, fresh, path_in, raw, run};

#[tokio::test]
async fn a_ledger_is_made_once_and_opened_again() {
    let (directory, ledger) = fresh().await;
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
    run(&mut other, "CREATE TABLE patients (name TEXT)").await.unwrap();
    other.close().await.unwrap();
    let bytes = fs::read(&path).unwrap();
    let error = open().await;
    assert!(error.to_string().contains("database of something else"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert!(Ledger::create("/no/such/directory/trial.ledger").await.is_err());
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let (directory, ledger) = fresh().await;
    run(&mut raw(&ledger).await, "PRAGMA user_version = 2").await.unwrap();
    ledger.close().await;
    let error = Ledger::open(path_in(&directory)).await.err().unwrap();
    assert!(matches!(error, Error::NewerFormat { found: 2, known: 1, .. }), "{error}");
}

#[tokio::test]
async fn a_ledger_opened_to_be_read_is_not_written() {
    let (directory, ledger) = fresh().await;
    ledger.append(vec![draft("A", 1)]).await.unwrap();
    let reader = Ledger::open_read_only(path_in(&directory)).await.unwrap();
    assert!(matches!(reader.append(vec![draft("A", 2)]).await, Err(Error::ReadOnly { .. })));
    assert!(matches!(reader.begin().await.err(), Some(Error::ReadOnly { .. })));
    ledger.append(vec![draft("A", 2)]).await.unwrap();
    assert_eq!(reader.head().await.unwrap().count, 2, "it sees what others write");
}

#[tokio::test]
async fn a_backup_is_a_whole_ledger_and_never_takes_a_files_place() {
    let (directory, ledger) = fresh().await;
    ledger.append((0..200).map(|n| draft(&format!("S{}", n % 9), n % 60)).collect()).await.unwrap();
    let key = ledger::SigningKey::from_bytes(&[1; 32]);
    let checkpoint = ledger.checkpoint(&key, "2026-03-04T11:00:00Z".parse().unwrap()).await.unwrap();
    let busy = ledger.begin().await.unwrap(); // a writer is at work meanwhile

    let to = directory.path().join("backup.ledger");
    let verified = ledger.backup(&to).await.unwrap();
    assert_eq!(verified.head, ledger.head().await.unwrap());
    drop(busy);
    let refused = ledger.backup(&to).await.unwrap_err();
    assert!(matches!(refused, Error::Exists { .. }), "{refused}");

    let copy = Ledger::open(&to).await.unwrap();
    assert_eq!(copy.checkpoints().await.unwrap(), std::slice::from_ref(&checkpoint));
    assert!(copy.verify(&[checkpoint], Some((&key).into()), |_, _| {}).await.unwrap().is_sound());
    copy.append(vec![draft("S0", 1)]).await.unwrap();
    assert!(run(&mut raw(&copy).await, "DELETE FROM events").await.is_err(), "the triggers came along");
    copy.close().await;
    let names: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().starts_with(".tmp")), "{names:?}");
}

#[tokio::test]
async fn a_ledger_that_does_not_verify_gives_no_backup() {
    let (directory, ledger) = fresh().await;
    ledger.append(vec![draft("A", 1)]).await.unwrap();
    let mut connection = raw(&ledger).await;
    run(&mut connection, "DROP TRIGGER events_are_not_updated; UPDATE events SET kind = 'other'")
        .await
        .unwrap();
    let to = directory.path().join("backup.ledger");
    let refused = ledger.backup(&to).await.unwrap_err();
    assert!(refused.to_string().contains("column `kind`"), "{refused}");
    assert!(!to.exists());
}

#[tokio::test]
async fn a_read_only_medium_can_be_read() {
    let (directory, ledger) = fresh().await;
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
