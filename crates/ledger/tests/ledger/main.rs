//! The ledger from outside: what it promises its callers, and what it does when its file is tampered with or its process killed.

#![allow(clippy::unwrap_used)] // in what the tests share, as in the tests

mod append;
mod crash;
mod files;
mod read;
mod tamper;
mod verify;

use std::path::PathBuf;

use ledger::{Draft, Ledger};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tempfile::TempDir;

/// A fresh ledger in a directory of its own, which goes when it is dropped.
async fn fresh() -> (TempDir, Ledger) {
    let directory = tempfile::tempdir().unwrap();
    let ledger = Ledger::create(path_in(&directory)).await.unwrap();
    (directory, ledger)
}

fn path_in(directory: &TempDir) -> PathBuf {
    directory.path().join("trial.ledger")
}

/// An event of a subject, the `minute`-th of a morning.
fn event(subject: &str, kind: &str, minute: u32) -> Value {
    json!({ "kind": kind, "subject": subject, "recorded": format!("2026-03-04T10:{minute:02}:00Z"), "n": minute })
}

fn draft(subject: &str, minute: u32) -> Draft {
    Draft::new(event(subject, "form_saved", minute))
}

/// A connection that knows nothing of ledgers.
async fn raw(ledger: &Ledger) -> SqliteConnection {
    SqliteConnectOptions::new().filename(ledger.path()).pragma("synchronous", "OFF").connect().await.unwrap()
}

async fn run(connection: &mut SqliteConnection, statement: &str) -> Result<u64, sqlx::Error> {
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(connection).await?;
    Ok(done.rows_affected())
}
