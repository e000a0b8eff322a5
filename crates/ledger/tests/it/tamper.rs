//! Any single changed byte of any stored event or checkpoint is found, in the tables and in the file itself.

use std::fs;

use ledger::{Draft, Ledger, Outcome, SigningKey, Stored, Verified};
use rstest::rstest;
use serde_json::json;

use crate::{Home, Raw, Store, Store::Postgres, Store::Sqlite, fresh, fresh_file, raw};

/// One bit at either end, the bit that changes a letter's case, all bits.
const PATTERNS: [u8; 4] = [0x01, 0x80, 0x20, 0xff];

async fn small(store: Store) -> Option<(Home, Ledger)> {
    let (home, ledger) = fresh(store).await?;
    fill(&ledger).await;
    Some((home, ledger))
}

/// A few events, with and without subject, and a checkpoint in between.
async fn fill(ledger: &Ledger) {
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

/// A connection to which neither table is guarded any more.
async fn unguarded(ledger: &Ledger) -> Raw {
    let mut raw = raw(ledger).await;
    let (drop, _) = raw.guards().await;
    raw.run(&drop).await.unwrap();
    raw
}

/// In a file, each byte is changed in each way; in a database, where a verification takes longer, every third in one way after the other.
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
    #[values(Sqlite, Postgres)] store: Store,
) {
    let Some((_home, ledger)) = small(store).await else { return };
    let mut connection = unguarded(&ledger).await;
    let text = matches!(column, "subject" | "kind");
    let (written, read) = match (store, text) {
        (Sqlite, true) => ("CAST($1 AS TEXT)", format!("CAST({column} AS BLOB)")),
        (Postgres, true) => ("convert_from($1, 'UTF8')", format!("convert_to({column}, 'UTF8')")),
        (_, false) => ("$1", column.to_owned()),
    };
    let update = format!("UPDATE {table} SET {column} = {written} WHERE {id} = $2");
    let select = format!("SELECT {id}, {read} FROM {table} WHERE {column} IS NOT NULL ORDER BY {id}");

    let mut tried = 0;
    for (id, bytes) in connection.rows(&select).await {
        let ways = |at: usize| if store == Sqlite { 0..4 } else { at % 4..at % 4 + 1 };
        let step = if store == Postgres && !text { 3 } else { 1 };
        for (at, pattern) in
            (0..bytes.len()).step_by(step).flat_map(|at| ways(at).map(move |way| (at, PATTERNS[way])))
        {
            let mut changed = bytes.clone();
            changed[at] ^= pattern;
            match connection.run_with(&update, &changed, id).await {
                Ok(rows) => assert_eq!(rows, 1),
                // What is no text is not taken as such.
                Err(_) if store == Postgres && text && pattern >= 0x80 => continue,
                Err(error) => panic!("{update}: {error}"),
            }
            let verified = verify(&ledger).await;
            assert!(
                told(&verified, table, id),
                "{table}.{column}, row {id}, byte {at}, pattern {pattern:#04x}"
            );
            tried += 1;
        }
        connection.run_with(&update, &bytes, id).await.unwrap();
        let verified = verify(&ledger).await;
        assert!(
            verified.first.is_none() && !told(&verified, table, id),
            "what was put back is as good as before"
        );
    }
    let expected = match (store, text) {
        (Sqlite, _) => at_least * PATTERNS.len(),
        (Postgres, false) => at_least / 3,
        (Postgres, true) => at_least / 2,
    };
    assert!(tried >= expected, "{tried} changes");
}

#[rstest]
#[case("events", "seq", "recorded")]
#[case("events", "seq", "seq")]
#[case("checkpoints", "number", "number")]
#[tokio::test(flavor = "multi_thread")]
async fn every_byte_of_a_number_is_guarded(
    #[case] table: &str,
    #[case] id: &str,
    #[case] column: &str,
    #[values(Sqlite, Postgres)] store: Store,
) {
    let Some((_home, ledger)) = small(store).await else { return };
    let mut connection = unguarded(&ledger).await;
    let mut tried = 0;
    for row in connection.numbers(&format!("SELECT {id} FROM {table}")).await {
        let number = connection.numbers(&format!("SELECT {column} FROM {table} WHERE {id} = {row}")).await[0];
        let ways = |byte: usize| if store == Sqlite { 0..4 } else { byte % 4..byte % 4 + 1 };
        for (byte, pattern) in (0..8).flat_map(|byte| ways(byte).map(move |way| (byte, PATTERNS[way]))) {
            let changed = number ^ i64::from_ne_bytes((u64::from(pattern) << (8 * byte)).to_ne_bytes());
            // A place that is taken is refused by the table itself.
            if connection
                .run(&format!("UPDATE {table} SET {column} = {changed} WHERE {id} = {row}"))
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
            let back = format!("UPDATE {table} SET {column} = {number} WHERE {id} = {changed_id}");
            connection.run(&back).await.unwrap();
        }
    }
    assert!(tried >= if store == Sqlite { 28 } else { 7 }, "{tried} changes");
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
    let (directory, ledger) = fresh_file().await;
    fill(&ledger).await;
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
    let (directory, ledger) = fresh_file().await;
    fill(&ledger).await;
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
