//! Any single changed byte of any stored event or checkpoint is found, in the tables and in the file itself.

use std::fs;

use ledger::{Draft, Ledger, Outcome, SigningKey, Stored, Verified};
use rstest::rstest;
use serde_json::json;
use sqlx::{Row, SqliteConnection};

use crate::{fresh, raw, run};

/// One bit at either end, the bit that changes a letter's case, all bits.
const PATTERNS: [u8; 4] = [0x01, 0x80, 0x20, 0xff];

/// A few events, with and without subject, and a checkpoint in between.
async fn small() -> (tempfile::TempDir, Ledger) {
    let (directory, ledger) = fresh().await;
    let event =
        |kind: &str, n: f64| json!({ "kind": kind, "recorded": "2026-03-04T10:11:12Z", "v": { "é": n } });
    let of = |mut event: serde_json::Value| {
        event["subject"] = "S-1".into();
        Draft::new(event)
    };
    ledger.append(vec![Draft::new(event("site", 1.5)), of(event("form", 12.0))]).await.unwrap();
    ledger
        .checkpoint(&SigningKey::from_bytes(&[1; 32]), "2026-03-04T11:00:00Z".parse().unwrap())
        .await
        .unwrap();
    ledger.append(vec![of(event("dead", 3e-7))]).await.unwrap();
    (directory, ledger)
}

async fn verify(ledger: &Ledger) -> Verified {
    ledger.verify(&[], None, |_, _| {}).await.unwrap()
}

/// Whether it is told by the chain or the checkpoints, whatever is said of the triggers that the test had to drop.
fn told(verified: &Verified, table: &str, row: i64) -> bool {
    match table {
        "events" => verified.first.as_ref().is_some_and(|misfit| misfit.seq == row.unsigned_abs()),
        _ => verified.checkpoints.iter().any(|verdict| verdict.outcome != Outcome::Holds),
    }
}

/// A connection to which neither table is guarded.
async fn unguarded(ledger: &Ledger) -> SqliteConnection {
    let mut connection = raw(ledger).await;
    run(&mut connection, "DROP TRIGGER events_are_not_updated; DROP TRIGGER checkpoints_are_not_updated")
        .await
        .unwrap();
    connection
}

#[rstest]
#[case("events", "seq", "bytes", 220)]
#[case("events", "seq", "hash", 96)]
#[case("events", "seq", "subject", 6)]
#[case("events", "seq", "kind", 12)]
#[case("checkpoints", "number", "bytes", 300)]
#[tokio::test(flavor = "multi_thread")]
async fn every_byte_is_guarded(
    #[case] table: &str,
    #[case] id: &str,
    #[case] column: &str,
    #[case] at_least: usize,
) {
    let (_directory, ledger) = small().await;
    let mut connection = unguarded(&ledger).await;
    let cast = if matches!(column, "subject" | "kind") { "CAST(? AS TEXT)" } else { "?" };
    let update = format!("UPDATE {table} SET {column} = {cast} WHERE {id} = ?");
    let select = format!("SELECT {id}, CAST({column} AS BLOB) FROM {table} WHERE {column} IS NOT NULL");
    let rows = sqlx::query(sqlx::AssertSqlSafe(select)).fetch_all(&mut connection).await.unwrap();

    let mut tried = 0;
    for row in rows {
        let (id, bytes): (i64, Vec<u8>) = (row.get(0), row.get(1));
        let changes = (0..bytes.len()).flat_map(|at| PATTERNS.map(|pattern| (at, pattern)));
        for (at, pattern) in changes {
            let mut changed = bytes.clone();
            changed[at] ^= pattern;
            let query = sqlx::query(sqlx::AssertSqlSafe(update.as_str())).bind(changed).bind(id);
            assert_eq!(query.execute(&mut connection).await.unwrap().rows_affected(), 1);
            let verified = verify(&ledger).await;
            assert!(
                told(&verified, table, id),
                "{table}.{column}, row {id}, byte {at}, pattern {pattern:#04x}"
            );
            tried += 1;
        }
        sqlx::query(sqlx::AssertSqlSafe(update.as_str()))
            .bind(bytes)
            .bind(id)
            .execute(&mut connection)
            .await
            .unwrap();
        let verified = verify(&ledger).await;
        assert!(
            verified.first.is_none() && !told(&verified, table, id),
            "what was put back is as good as before"
        );
    }
    assert!(tried >= at_least * PATTERNS.len(), "{tried} changes");
}

#[rstest]
#[case("events", "seq", "recorded")]
#[case("events", "seq", "seq")]
#[case("checkpoints", "number", "number")]
#[tokio::test(flavor = "multi_thread")]
async fn every_byte_of_a_number_is_guarded(#[case] table: &str, #[case] id: &str, #[case] column: &str) {
    let (_directory, ledger) = small().await;
    let mut connection = unguarded(&ledger).await;
    let select = format!("SELECT {id}, {column} FROM {table}");
    let rows: Vec<(i64, i64)> =
        sqlx::query_as(sqlx::AssertSqlSafe(select)).fetch_all(&mut connection).await.unwrap();
    let mut tried = 0;
    for (row, number) in rows {
        for (byte, pattern) in (0..8).flat_map(|byte| PATTERNS.map(|pattern| (byte, pattern))) {
            let changed = number ^ i64::from_ne_bytes((u64::from(pattern) << (8 * byte)).to_ne_bytes());
            // A place that is taken is refused by the table itself.
            if run(&mut connection, &format!("UPDATE {table} SET {column} = {changed} WHERE {id} = {row}"))
                .await
                .is_err()
            {
                continue;
            }
            let verified = verify(&ledger).await;
            let fault =
                if table == "events" { verified.first.is_some() } else { told(&verified, table, row) };
            assert!(fault, "{table}.{column}, row {row}: {changed} for {number}");
            tried += 1;
            let changed_id = if column == id { changed } else { row };
            run(
                &mut connection,
                &format!("UPDATE {table} SET {column} = {number} WHERE {id} = {changed_id}"),
            )
            .await
            .unwrap();
        }
    }
    assert!(tried >= 28, "{tried} changes");
    assert!(verify(&ledger).await.first.is_none());
}

async fn all(ledger: &Ledger) -> Result<Vec<Stored>, ledger::Error> {
    let (mut stream, mut events) = (ledger.all(1), Vec::new());
    while let Some(event) = stream.next().await {
        events.push(event?);
    }
    Ok(events)
}

/// Every 37th byte of the file, one after the other: what verifies is what was written, and whatever else comes is said in words.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_byte_of_the_file_is_told_or_does_not_matter() {
    let (directory, ledger) = small().await;
    let (path, written) = (ledger.path().to_owned(), all(&ledger).await.unwrap());
    ledger.close().await;
    let whole = fs::read(&path).unwrap();
    let copy = directory.path().join("copy.ledger");
    let (mut told, mut harmless) = (0, 0);
    for at in (0..whole.len()).step_by(37) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        fs::write(&copy, bytes).unwrap();
        let Ok(ledger) = Ledger::open_read_only(&copy).await else {
            told += 1;
            continue;
        };
        match ledger.verify(&[], None, |_, _| {}).await {
            Ok(verified) if verified.is_sound() => {
                assert_eq!(all(&ledger).await.unwrap(), written, "byte {at}");
                harmless += 1; // it lies where nothing is stored
            }
            Ok(verified) => {
                assert!(!verified.first_fault().unwrap().is_empty());
                told += 1;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                told += 1;
            }
        }
        let _ = all(&ledger).await; // an error or events, but no panic
        let mut subjects = ledger.subjects(None, 2);
        while let Some(Ok(_)) = subjects.next().await {}
        ledger.close().await;
    }
    assert!(told > 30 && harmless > 100, "{told} told, {harmless} harmless");
}

#[tokio::test]
async fn a_file_cut_short_is_told() {
    let (directory, ledger) = small().await;
    let path = ledger.path().to_owned();
    ledger.close().await;
    let whole = fs::read(&path).unwrap();
    let copy = directory.path().join("copy.ledger");
    for length in (1..whole.len()).step_by(1500) {
        fs::write(&copy, &whole[..length]).unwrap();
        let told = match Ledger::open_read_only(&copy).await {
            Err(_) => true,
            Ok(ledger) => {
                ledger.verify(&[], None, |_, _| {}).await.map_or(true, |verified| !verified.is_sound())
            }
        };
        assert!(told, "{length} of {} bytes", whole.len());
    }
}
