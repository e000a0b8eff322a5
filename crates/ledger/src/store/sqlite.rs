//! Opening the `SQLite` file: what kind of file it is, and connections with the settings that durability asks for.
//!
//! Never reads or writes an event. See <https://www.sqlite.org/wal.html> for what the settings mean, `sqlite_schema` for what is in
//! the file.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::Access;
use super::sqlite_schema::{APPLICATION, FORMAT, OBJECTS};
use crate::address::Address;
use crate::error::{Error, Result};

/// How long to wait for another process before the ledger is said to be locked.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many connections read at once.
const READERS: u32 = 8;
/// How much memory SQLite may take in this process, in bytes, whatever ledgers are open and however many connections each has: their
/// pages share it, and a page that was not used for longest makes room for another, whosever it is. Pages of a transaction
/// under way are beside it.
const MEMORY: &str = "25165824";
/// Rows that a connection reads ahead of whoever takes them. A row may be a whole subject.
const AHEAD: usize = 16;

fn options(path: &Path, access: Access) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(PATIENCE)
        .synchronous(SqliteSynchronous::Full)
        // On macOS only these make the drive itself write; elsewhere they are without effect.
        .pragma("fullfsync", "ON")
        .pragma("checkpoint_fullfsync", "ON")
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .pragma("soft_heap_limit", MEMORY)
        .row_buffer_size(AHEAD)
        // Statements carry data on subjects, which have no place in a log of the program.
        .disable_statement_logging();
    match access {
        Access::Write => {
            options
                .journal_mode(SqliteJournalMode::Wal)
                .pragma("journal_size_limit", "67108864")
                // An append goes to the middle of the index by subject, of which 8 MiB keep what a busy day needs at hand; the rest
                // the system's own cache has. A reader is faster with the small cache that is SQLite's own choice, since it comes
                // back to hardly any page.
                .pragma("cache_size", "-8192")
        }
        Access::Read => options.read_only(true),
        Access::ReadImmutable => options.read_only(true).immutable(true),
    }
}

/// A connection of its own, for writing, for a long read or for a copy.
pub(crate) async fn connect(path: &Path, access: Access) -> Result<SqliteConnection> {
    options(path, access).connect().await.map_err(|error| storage(path, error))
}

/// A connection of its own that reads many small rows.
pub(crate) async fn connect_to_scan(path: &Path, access: Access) -> Result<SqliteConnection> {
    let options = options(path, access).row_buffer_size(1024);
    options.connect().await.map_err(|error| storage(path, error))
}

/// The connections that reads share.
pub(crate) fn readers(path: &Path, access: Access) -> SqlitePool {
    let access = if access == Access::Write { Access::Read } else { access };
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .test_before_acquire(false)
        .connect_lazy_with(options(path, access))
}

/// Makes the file and the schema in it. Gives its absolute path.
pub(crate) async fn create(path: &Path) -> Result<PathBuf> {
    // The system itself says whether the file is new: two creators cannot both succeed.
    OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::Exists { at: path.into() },
        _ => Error::io(path, error),
    })?;
    let path = absolute(path)?;
    match lay_out(&path).await {
        Ok(()) => Ok(path),
        Err(error) => {
            let _ = fs::remove_file(&path); // the first error is the one to tell
            Err(error)
        }
    }
}

/// Makes the schema in an empty file.
pub(crate) async fn lay_out(path: &Path) -> Result<()> {
    let storage = |error| storage(path, error);
    let mut connection = connect(path, Access::Write).await?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(storage)?;
    for (_, _, statement) in OBJECTS {
        sqlx::raw_sql(statement).execute(&mut *transaction).await.map_err(storage)?;
    }
    let marks = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(marks)).execute(&mut *transaction).await.map_err(storage)?;
    transaction.commit().await.map_err(storage)?;
    connection.close().await.map_err(storage)?;
    sync_directory(path)
}

/// Looks what the file is before anything of it is changed. Gives its absolute path and how it can be read.
pub(crate) async fn identify(path: &Path, wanted: Access) -> Result<(PathBuf, Access)> {
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::NotFound { at: path.into() });
        }
        Err(error) => return Err(Error::io(path, error)),
        Ok(metadata) if !metadata.is_file() => {
            return Err(Error::NotALedger { at: path.into(), found: "a directory or a device".to_owned() });
        }
        Ok(_) => {}
    }
    let path = absolute(path)?;
    match marks(&path, Access::Read).await {
        Err(error) if wanted == Access::Read && cannot_make_side_files(&path, &error) => {
            check(&path, marks(&path, Access::ReadImmutable).await)?;
            Ok((path, Access::ReadImmutable))
        }
        found => {
            check(&path, found)?;
            Ok((path, wanted))
        }
    }
}

/// Whether reading failed only because the directory takes no side files, and none is there that would have to be read.
fn cannot_make_side_files(path: &Path, error: &sqlx::Error) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    primary_code(error) == Some(CANNOT_OPEN) && !Path::new(&log).exists()
}

async fn marks(path: &Path, access: Access) -> std::result::Result<(i64, i64), sqlx::Error> {
    let mut connection = options(path, access).connect().await?;
    let application = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut connection).await?;
    let format = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok((application, format))
}

fn check(path: &Path, marks: std::result::Result<(i64, i64), sqlx::Error>) -> Result<()> {
    match marks.map_err(|error| storage(path, error))? {
        (APPLICATION, FORMAT) => Ok(()),
        (APPLICATION, found) if found > FORMAT => {
            Err(Error::NewerFormat { at: path.into(), found, known: FORMAT })
        }
        (APPLICATION, found) => Err(Error::Damaged {
            at: path.into(),
            found: format!("its format is {found}, which never was one"),
        }),
        _ if fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0) => {
            Err(Error::NotALedger { at: path.into(), found: "an empty file".to_owned() })
        }
        _ => Err(Error::NotALedger {
            at: path.into(),
            found: "an SQLite database of something else".to_owned(),
        }),
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).map_err(|error| Error::io(path, error))
}

/// Makes sure that the file's name is on the disk and not only its content.
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    match path.parent() {
        #[cfg(unix)]
        Some(directory) => {
            let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
            fs::File::open(directory)
                .and_then(|handle| handle.sync_all())
                .map_err(|error| Error::io(directory, error))
        }
        _ => Ok(()),
    }
}

fn storage(path: &Path, source: sqlx::Error) -> Error {
    error(&path.into(), source)
}

/// Sorts what `SQLite` says by its primary result code (<https://www.sqlite.org/rescode.html>).
pub(crate) fn error(at: &Address, source: sqlx::Error) -> Error {
    let at = at.clone();
    match (primary_code(&source), &source) {
        (Some(BUSY | LOCKED), _) | (_, sqlx::Error::PoolTimedOut) => Error::Locked { at },
        (Some(READ_ONLY), _) => Error::ReadOnly { at },
        (Some(NOT_A_DATABASE), _) => Error::NotALedger { at, found: "no SQLite database".to_owned() },
        (Some(CORRUPT), _) | (_, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => {
            Error::Damaged { at, found: source.to_string() }
        }
        _ => Error::Storage { at, source: Arc::new(source) },
    }
}

const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READ_ONLY: i32 = 8;
const CORRUPT: i32 = 11;
const CANNOT_OPEN: i32 = 14;
const NOT_A_DATABASE: i32 = 26;

/// The low byte of the extended result code.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}
