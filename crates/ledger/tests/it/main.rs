//! The ledger from outside: what it promises its callers, the same on both stores, and what it does when its file or its tables are
//! tampered with or its process killed.

#![allow(clippy::unwrap_used)] // in what the tests share, as in the tests

mod append;
mod both;
mod crash;
mod files;
mod read;
mod server;
mod tamper;
mod verify;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use ledger::{Address, Draft, Ledger, PostgresAddress};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, PgConnection, SqliteConnection};
use tempfile::TempDir;
use temporary_postgres::Database;

/// The two stores that every test is for, where it does not say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    Sqlite,
    Postgres,
}
use Store::{Postgres, Sqlite};

/// Where a test keeps a ledger. It goes when this is dropped, or with the process.
struct Home {
    address: Address,
    _directory: Option<TempDir>,
}

impl Home {
    /// None where the machine has no such store.
    fn new(store: Store) -> Option<Self> {
        if store == Postgres {
            return Some(Self { address: schema()?.into(), _directory: None });
        }
        let directory = tempfile::tempdir().unwrap();
        Some(Self { address: path_in(&directory).into(), _directory: Some(directory) })
    }

    /// The address as another process is told it.
    fn text(&self) -> String {
        self.address.postgres().map_or_else(|| self.address.to_string(), |address| address.url().to_owned())
    }
}

/// A ledger that was just made. None where the machine has no such store.
async fn fresh(store: Store) -> Option<(Home, Ledger)> {
    let home = Home::new(store)?;
    let ledger = Ledger::create(&home.address).await.unwrap();
    Some((home, ledger))
}

/// A ledger in a file.
async fn fresh_file() -> (TempDir, Ledger) {
    let directory = tempfile::tempdir().unwrap();
    let ledger = Ledger::create(path_in(&directory)).await.unwrap();
    (directory, ledger)
}

fn path_in(directory: &TempDir) -> std::path::PathBuf {
    directory.path().join("trial.ledger")
}

/// A schema of its own, not made yet, in the database that the tests share. None where the machine has no `PostgreSQL`.
fn schema() -> Option<PostgresAddress> {
    static SHARED: OnceLock<Option<Database<'static>>> = OnceLock::new();
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let database = SHARED.get_or_init(|| Some(temporary_postgres::cluster()?.database())).as_ref()?;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    Some(format!("{}&schema=trial_{number}", database.socket_url()).parse().unwrap())
}

/// An event of a subject, the `minute`-th of a morning.
fn event(subject: &str, kind: &str, minute: u32) -> Value {
    json!({ "kind": kind, "subject": subject, "recorded": format!("2026-03-04T10:{minute:02}:00Z"), "n": minute })
}

fn draft(subject: &str, minute: u32) -> Draft {
    Draft::new(event(subject, "form_saved", minute))
}

/// A connection that knows nothing of ledgers, of somebody who owns the tables.
enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

async fn raw(ledger: &Ledger) -> Raw {
    match ledger.address() {
        Address::File(path) => {
            let options = SqliteConnectOptions::new().filename(path).pragma("synchronous", "OFF");
            Raw::Sqlite(options.connect().await.unwrap())
        }
        Address::Postgres(address) => Raw::Postgres(on_schema(address).connect().await.unwrap()),
    }
}

fn on_schema(address: &PostgresAddress) -> PgConnectOptions {
    address.options().clone().options([("search_path", address.schema())])
}

impl Raw {
    async fn run(&mut self, statement: &str) -> Result<u64, sqlx::Error> {
        let statement = sqlx::raw_sql(sqlx::AssertSqlSafe(statement));
        Ok(match self {
            Self::Sqlite(connection) => statement.execute(connection).await?.rows_affected(),
            Self::Postgres(connection) => statement.execute(connection).await?.rows_affected(),
        })
    }

    /// With bytes at `$1` and a number at `$2`.
    async fn run_with(&mut self, statement: &str, bytes: &[u8], number: i64) -> Result<u64, sqlx::Error> {
        let statement = sqlx::AssertSqlSafe(statement);
        Ok(match self {
            Self::Sqlite(connection) => {
                sqlx::query(statement).bind(bytes).bind(number).execute(connection).await?.rows_affected()
            }
            Self::Postgres(connection) => {
                sqlx::query(statement).bind(bytes).bind(number).execute(connection).await?.rows_affected()
            }
        })
    }

    /// Rows of a number and bytes.
    async fn rows(&mut self, statement: &str) -> Vec<(i64, Vec<u8>)> {
        let statement = sqlx::AssertSqlSafe(statement);
        match self {
            Self::Sqlite(connection) => sqlx::query_as(statement).fetch_all(connection).await.unwrap(),
            Self::Postgres(connection) => sqlx::query_as(statement).fetch_all(connection).await.unwrap(),
        }
    }

    async fn numbers(&mut self, statement: &str) -> Vec<i64> {
        let statement = sqlx::AssertSqlSafe(statement);
        match self {
            Self::Sqlite(connection) => sqlx::query_scalar(statement).fetch_all(connection).await.unwrap(),
            Self::Postgres(connection) => sqlx::query_scalar(statement).fetch_all(connection).await.unwrap(),
        }
    }

    /// The statements that take the guards away, and those that bring them back as they were.
    async fn guards(&mut self) -> (String, String) {
        let Self::Sqlite(connection) = self else {
            let each = |what: &str| {
                ["events", "checkpoints"]
                    .map(|table| format!("ALTER TABLE {table} {what} TRIGGER {table}_follow_on; ALTER TABLE {table} {what} TRIGGER {table}_are_not_changed;"))
                    .concat()
            };
            return (each("DISABLE"), each("ENABLE ALWAYS"));
        };
        let triggers: Vec<(String, String)> =
            sqlx::query_as("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
                .fetch_all(connection)
                .await
                .unwrap();
        let drop: Vec<_> = triggers.iter().map(|(name, _)| format!("DROP TRIGGER {name};")).collect();
        let restore: Vec<_> = triggers.iter().map(|(_, sql)| format!("{sql};")).collect();
        (drop.concat(), restore.concat())
    }
}

/// What somebody does who knows how a ledger is made: the triggers are back afterwards.
async fn tamper(ledger: &Ledger, statement: &str) {
    let mut raw = raw(ledger).await;
    let (drop, restore) = raw.guards().await;
    raw.run(&format!("BEGIN; {drop} {statement}; {restore} COMMIT")).await.unwrap();
}

/// The same statement for either store, where they write bytes in different ways.
fn said_to(store: Store, statement: &str) -> String {
    match store {
        Sqlite => statement
            .replace("<32 zeros>", "zeroblob(32)")
            .replace("<3 zeros>", "zeroblob(3)")
            .replace("<{}>", "x'7b7d'")
            .replace(
                "<bytes, 10:07 for 10:06>",
                "CAST(replace(CAST(bytes AS TEXT), '10:06', '10:07') AS BLOB)",
            )
            .replace("<bytes and a space>", "CAST(CAST(bytes AS TEXT) || ' ' AS BLOB)"),
        Postgres => statement
            .replace("<32 zeros>", "decode(repeat('00', 32), 'hex')")
            .replace("<3 zeros>", "decode('000000', 'hex')")
            .replace("<{}>", "'{}'::bytea")
            .replace(
                "<bytes, 10:07 for 10:06>",
                "convert_to(replace(convert_from(bytes, 'UTF8'), '10:06', '10:07'), 'UTF8')",
            )
            .replace("<bytes and a space>", "bytes || ' '::bytea"),
    }
}
