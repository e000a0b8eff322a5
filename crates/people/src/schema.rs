//! The tables, and how an older store is brought to their present form.
//!
//! Never takes a step back: a store of a newer version is refused. A migration that has been published is never changed; a new one is
//! added below it. Both databases read the same statements.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use sqlx::{Any, AnyPool, Transaction};

use crate::error::{Error, Result};

/// `TWpe` in the header of an `SQLite` file, so that a ledger is not taken for a store of people.
const APPLICATION: i64 = 0x5457_7065;
/// The key of the advisory lock under which one process at a time lays out a `PostgreSQL` schema.
const LOCK: &str = "SELECT pg_advisory_xact_lock(6073463219281293)";

/// How often, and after what pause, it is tried to set the write-ahead log of a file that another process is using.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(25);

/// Each migration is a list of statements; its number is its place, from 1. Moments are microseconds since 1970, flags 0 or 1.
const MIGRATIONS: &[&[&str]] = &[&[
    "CREATE TABLE users (
        name TEXT PRIMARY KEY, display_name TEXT NOT NULL, email TEXT NOT NULL, password TEXT NOT NULL,
        created BIGINT NOT NULL, last_sign_in BIGINT, disabled BIGINT NOT NULL DEFAULT 0, erased BIGINT NOT NULL DEFAULT 0)",
    // Holds the one row `user` once there is a first user: two first-run pages cannot both insert it.
    "CREATE TABLE firsts (what TEXT PRIMARY KEY)",
    "CREATE TABLE second_factors (
        user_name TEXT PRIMARY KEY REFERENCES users (name), secret TEXT, confirmed BIGINT,
        last_step BIGINT NOT NULL DEFAULT 0, waiting TEXT)",
    "CREATE TABLE recovery_codes (
        user_name TEXT NOT NULL REFERENCES users (name), hash TEXT NOT NULL, used BIGINT, PRIMARY KEY (user_name, hash))",
    "CREATE TABLE sessions (
        hash TEXT PRIMARY KEY, user_name TEXT NOT NULL REFERENCES users (name),
        started BIGINT NOT NULL, seen BIGINT NOT NULL, second_factor_at BIGINT)",
    "CREATE INDEX sessions_of_user ON sessions (user_name, started)",
    // `counted` is a hash of what attempts are counted by: people type passwords into the field for the name.
    "CREATE TABLE attempts (id TEXT PRIMARY KEY, counted TEXT NOT NULL, made BIGINT NOT NULL)",
    "CREATE INDEX attempts_counted ON attempts (counted, made)",
    "CREATE TABLE locks (counted TEXT PRIMARY KEY, times BIGINT NOT NULL, ends BIGINT NOT NULL)",
    "CREATE TABLE invitations (
        id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, user_name TEXT NOT NULL, display_name TEXT NOT NULL, email TEXT NOT NULL,
        grants TEXT NOT NULL, is_reset BIGINT NOT NULL, made_by TEXT NOT NULL, made BIGINT NOT NULL, expires BIGINT NOT NULL,
        used BIGINT, withdrawn BIGINT, grants_made BIGINT NOT NULL DEFAULT 0)",
    "CREATE INDEX invitations_of_user ON invitations (user_name)",
    "CREATE TABLE patient_links (
        id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, trial TEXT NOT NULL, subject TEXT NOT NULL,
        form TEXT NOT NULL, visit TEXT NOT NULL, occurrence BIGINT NOT NULL, opens BIGINT NOT NULL, expires BIGINT NOT NULL,
        state TEXT NOT NULL, answers TEXT, claimed BIGINT, sent_seq BIGINT, sent_at BIGINT,
        made_by TEXT NOT NULL, made BIGINT NOT NULL)",
    // One link at a time for an instance of a form: what was sent by one cannot be sent by another.
    "CREATE UNIQUE INDEX patient_links_standing ON patient_links (trial, subject, form, visit, occurrence)
        WHERE state <> 'withdrawn'",
    "CREATE TABLE contacts (
        trial TEXT NOT NULL, subject TEXT NOT NULL, phone TEXT, email TEXT, notes TEXT NOT NULL,
        changed BIGINT NOT NULL, changed_by TEXT NOT NULL, PRIMARY KEY (trial, subject))",
    "CREATE TABLE drafts (
        user_name TEXT NOT NULL, trial TEXT NOT NULL, subject TEXT NOT NULL, form TEXT NOT NULL, visit TEXT NOT NULL,
        occurrence BIGINT NOT NULL, fields TEXT NOT NULL, seen_seq BIGINT NOT NULL, kept BIGINT NOT NULL,
        PRIMARY KEY (user_name, trial, subject, form, visit, occurrence))",
    "CREATE TABLE api_tokens (
        id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL, trial TEXT NOT NULL, role TEXT NOT NULL, site TEXT,
        made_by TEXT NOT NULL, made BIGINT NOT NULL, expires BIGINT NOT NULL, last_used BIGINT,
        revoked BIGINT NOT NULL DEFAULT 0)",
], &[
    // The print of the key under which secrets are sealed, so that another key is told apart.
    "CREATE TABLE sealing (what TEXT PRIMARY KEY, print TEXT NOT NULL)",
]];

pub(crate) async fn lay_out_file(pool: &AnyPool, path: &Path) -> Result<()> {
    let mut transaction = match pool.begin_with("BEGIN IMMEDIATE").await {
        Ok(transaction) => transaction,
        Err(error) => return Err(not_a_store(path, error)),
    };
    let kind: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *transaction).await?;
    let tables: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master").fetch_one(&mut *transaction).await?;
    if kind != APPLICATION && tables > 0 {
        let found = format!("its application id is {kind:#x}, with {tables} tables and indices");
        return Err(Error::NotAStore { path: path.to_owned(), found });
    }
    if kind != APPLICATION {
        let mark = sqlx::AssertSqlSafe(format!("PRAGMA application_id = {APPLICATION}"));
        sqlx::raw_sql(mark).execute(&mut *transaction).await?;
    }
    migrate(&mut transaction).await?;
    transaction.commit().await?;
    log_ahead(pool).await
}

/// Sets the write-ahead log. The file keeps it, it cannot be set within a transaction, and for it alone `SQLite` does not wait while
/// another process uses the file.
async fn log_ahead(pool: &AnyPool) -> Result<()> {
    const LOCKED: &str = "5";
    for _ in 0..TRIES {
        match sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(pool).await {
            Err(error) if code(&error).as_deref() == Some(LOCKED) => tokio::time::sleep(PAUSE).await,
            done => return Ok(done.map(drop)?),
        }
    }
    sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(pool).await?;
    Ok(())
}

/// The result code of `SQLite`, see <https://www.sqlite.org/rescode.html>.
fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(|error| error.code().map(Cow::into_owned))
}

/// A file that is no database at all is found out by the first statement.
fn not_a_store(path: &Path, error: sqlx::Error) -> Error {
    const NOT_A_DATABASE: &str = "26";
    if code(&error).as_deref() == Some(NOT_A_DATABASE) {
        return Error::NotAStore { path: path.to_owned(), found: "it is no SQLite file".to_owned() };
    }
    Error::Storage(error)
}

pub(crate) async fn lay_out_postgres(pool: &AnyPool, schema: &str) -> Result<()> {
    let mut transaction = pool.begin().await?;
    sqlx::raw_sql(LOCK).execute(&mut *transaction).await?;
    let found: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM pg_namespace WHERE nspname = $1")
        .bind(schema.to_owned())
        .fetch_one(&mut *transaction)
        .await?;
    // Asked first, since a user who may use the schema need not be allowed to make one.
    if found == 0 {
        // The name was checked: letters, digits and `_`.
        let make = sqlx::AssertSqlSafe(format!("CREATE SCHEMA \"{schema}\""));
        sqlx::raw_sql(make).execute(&mut *transaction).await?;
    }
    migrate(&mut transaction).await?;
    transaction.commit().await?;
    Ok(())
}

async fn migrate(transaction: &mut Transaction<'static, Any>) -> Result<()> {
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS people_version (version BIGINT NOT NULL)")
        .execute(&mut **transaction)
        .await?;
    let version: Option<i64> =
        sqlx::query_scalar("SELECT MAX(version) FROM people_version").fetch_one(&mut **transaction).await?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let version = version.unwrap_or(0);
    if version > known {
        return Err(Error::NewerFormat { found: version, known });
    }
    let done = usize::try_from(version).map_err(|_| Error::damaged(format!("its version is {version}")))?;
    for (number, migration) in (1_i64..).zip(MIGRATIONS).skip(done) {
        for statement in *migration {
            sqlx::raw_sql(*statement).execute(&mut **transaction).await?;
        }
        sqlx::query("INSERT INTO people_version (version) VALUES ($1)")
            .bind(number)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}
