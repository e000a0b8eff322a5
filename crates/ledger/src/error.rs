//! What can go wrong with a ledger, said so that its reader knows what to do.
//!
//! Never hides the cause: what `SQLite` or the system said is kept as the source. See `verify` for what a damaged ledger is told by.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::chain::Seq;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no file.
    #[error("{}: there is no such file; create a ledger first, or give the path of one", path.display())]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is a file already.
    #[error("{}: there is a file already, and it is left as it is; give another path, or open it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{}: not a ledger, but {found}", path.display())]
    NotALedger {
        /// The file.
        path: PathBuf,
        /// What it is instead, in words.
        found: String,
    },
    /// The ledger was made by a later version of this program.
    #[error("{}: a ledger of format {found}, while this program knows formats up to {known}; use a newer program", path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// Another process holds the ledger and did not let go in time.
    #[error("{}: another process is writing to the ledger and did not finish in time; nothing was written, try again", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The ledger was opened to be read only.
    #[error("{}: the ledger was opened to be read only; open it for writing", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error("{}: the file is damaged ({found}); `verify` tells how far it can be trusted, a backup restores it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found, in words.
        found: String,
    },
    /// A draft that cannot be stored.
    #[error("an event cannot be stored: {found}; {right}")]
    Event {
        /// What is wrong with it.
        found: String,
        /// What would be right.
        right: &'static str,
    },
    /// Another event of the subject came in between.
    #[error("{subject}: {}; read the subject again and decide anew, nothing was written", conflict(*.expected, *.found))]
    Conflict {
        /// The subject.
        subject: String,
        /// The last event of the subject that the writer had seen; 0 for none.
        expected: Seq,
        /// The last event of the subject there is; 0 for none.
        found: Seq,
    },
    /// A stored event cannot be read as what it should be.
    #[error("event {seq} cannot be read: {found}")]
    Unreadable {
        /// The event.
        seq: Seq,
        /// What is wrong with it.
        found: String,
    },
    /// A transaction in which something failed earlier.
    #[error("{}: an earlier step of this transaction failed, so that nothing of it is written; begin a new one", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
    },
    /// The writer has stopped, so that it is not known whether the last events were stored.
    #[error("{}: the ledger's writer has stopped; open the ledger again and look what it holds", path.display())]
    Stopped {
        /// The file.
        path: PathBuf,
    },
    /// A file with a signing key that cannot be used.
    #[error("{}: not a signing key that can be used: {found}; {right}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
        /// What would be right.
        right: &'static str,
    },
    /// Text that is no checkpoint.
    #[error("not a checkpoint: {found}; a checkpoint is one line of JSON as `checkpoint` gave it")]
    Checkpoint {
        /// What is wrong with it.
        found: String,
    },
    /// A backup that does not verify.
    #[error("{}: no backup was made, since the copy does not verify: {found}", path.display())]
    Unsound {
        /// Where it should have gone.
        path: PathBuf,
        /// The first thing that is wrong with it.
        found: String,
    },
    /// What `SQLite` reported and none of the above fits.
    #[error("{}: {source}", path.display())]
    Storage {
        /// The file.
        path: PathBuf,
        /// What was reported.
        source: Arc<sqlx::Error>,
    },
    /// What the system reported about a file.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was reported.
        source: Arc<std::io::Error>,
    },
}

fn conflict(expected: Seq, found: Seq) -> String {
    match (expected, found) {
        (_, 0) => format!("event {expected} was taken for its last, but it has no events"),
        (0, _) => format!("it was taken to be new, but event {found} is of it"),
        _ => format!("event {expected} was taken for its last, but event {found} is"),
    }
}

impl Error {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source: Arc::new(source) }
    }

    /// Sorts what `SQLite` says by its primary result code (<https://www.sqlite.org/rescode.html>).
    pub(crate) fn storage(path: &Path, source: sqlx::Error) -> Self {
        let path = path.to_owned();
        match (primary_code(&source), &source) {
            (Some(BUSY | LOCKED), _) | (_, sqlx::Error::PoolTimedOut) => Self::Locked { path },
            (Some(READ_ONLY), _) => Self::ReadOnly { path },
            (Some(NOT_A_DATABASE), _) => Self::NotALedger { path, found: "no SQLite database".to_owned() },
            (Some(CORRUPT), _) => Self::Damaged { path, found: source.to_string() },
            (_, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => {
                Self::Damaged { path, found: source.to_string() }
            }
            _ => Self::Storage { path, source: Arc::new(source) },
        }
    }
}

const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READ_ONLY: i32 = 8;
const CORRUPT: i32 = 11;
pub(crate) const CANNOT_OPEN: i32 = 14;
const NOT_A_DATABASE: i32 = 26;

/// The low byte of the extended result code.
pub(crate) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}
