//! What can go wrong with a ledger, said so that its reader knows what to do.
//!
//! Never hides the cause, and never shows a password: what the database or the system said is kept as the source. See `store` for how
//! what a database says is sorted, `verify` for what a damaged ledger is told by.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::address::Address;
use crate::chain::Seq;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong. `at` is the ledger, or the file, that it went wrong with.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // every `at` is the same
pub enum Error {
    /// There is no ledger.
    #[error("{at}: {}", not_found(.at))]
    NotFound { at: Address },
    /// There is a file, or a ledger, already.
    #[error("{at}: {}", exists(.at))]
    Exists { at: Address },
    /// What is there is something else.
    #[error("{at}: not a ledger, but {found}")]
    NotALedger {
        at: Address,
        /// What it is instead, in words.
        found: String,
    },
    /// The ledger was made by a later version of this program.
    #[error(
        "{at}: a ledger of format {found}, while this program knows formats up to {known}; use a newer program"
    )]
    NewerFormat {
        at: Address,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// Another process holds the ledger and did not let go in time.
    #[error(
        "{at}: another process is writing to the ledger and did not finish in time; nothing was written, try again"
    )]
    Locked { at: Address },
    /// The ledger was opened to be read only, or its database takes no writes.
    #[error("{at}: the ledger was opened to be read only; open it for writing{}", standby(.at))]
    ReadOnly { at: Address },
    /// The ledger is damaged.
    #[error("{at}: the {} is damaged ({found}); `verify` tells how far it can be trusted, a backup restores it", thing(.at))]
    Damaged {
        at: Address,
        /// What was found, in words.
        found: String,
    },
    /// The server of the database does not answer.
    #[error(
        "{at}: the database's server does not answer ({found}); see that it runs, and that host and port are right"
    )]
    Unreachable {
        at: Address,
        /// What happened instead.
        found: String,
    },
    /// The server of the database refuses.
    #[error("{at}: the database's server refuses: {found}; {right}")]
    Denied {
        at: Address,
        /// What it said.
        found: String,
        /// What would be right.
        right: &'static str,
    },
    /// The server has no such database.
    #[error("{at}: the server has no database of this name; make it (`createdb`), or give the name of one")]
    NoDatabase { at: Address },
    /// The connection was lost while a transaction was ending, and could not be had again.
    #[error(
        "{at}: the connection was lost before the database had confirmed what was written; it is stored whole or not at all: \
             look what the ledger holds before writing it again"
    )]
    Uncertain { at: Address },
    /// Text that is no address of a ledger.
    #[error("{found}; {right}")]
    Address {
        /// What is wrong with it. Does not repeat it: a password may be in it.
        found: String,
        /// What would be right.
        right: String,
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
    #[error(
        "{at}: an earlier step of this transaction failed, so that nothing of it is written; begin a new one"
    )]
    Broken { at: Address },
    /// The writer has stopped, so that it is not known whether the last events were stored.
    #[error("{at}: the ledger's writer has stopped; open the ledger again and look what it holds")]
    Stopped { at: Address },
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
    /// A copy that does not verify: nothing was made.
    #[error("{at}: nothing was made here, since the copy does not verify: {found}")]
    Unsound {
        /// Where it should have gone.
        at: Address,
        /// The first thing that is wrong with it.
        found: String,
    },
    /// What the database reported and none of the above fits.
    #[error("{at}: {source}")]
    Storage {
        at: Address,
        /// What was reported.
        source: Arc<sqlx::Error>,
    },
    /// What the system reported about a file.
    #[error("{at}: {source}")]
    Io {
        at: Address,
        /// What was reported.
        source: Arc<std::io::Error>,
    },
}

fn not_found(at: &Address) -> &'static str {
    match at {
        Address::File(_) => "there is no such file; create a ledger first, or give the path of one",
        Address::Postgres(_) => {
            "there is no ledger in this schema; create one first, or give the schema of one"
        }
    }
}

fn exists(at: &Address) -> &'static str {
    match at {
        Address::File(_) => "there is a file already, and it is left as it is; give another path, or open it",
        Address::Postgres(_) => {
            "there is a ledger already, and it is left as it is; give another schema, or open it"
        }
    }
}

fn standby(at: &Address) -> &'static str {
    match at {
        Address::File(_) => "",
        Address::Postgres(_) => ", and not on a standby server",
    }
}

fn thing(at: &Address) -> &'static str {
    match at {
        Address::File(_) => "file",
        Address::Postgres(_) => "database",
    }
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
        Self::Io { at: path.into(), source: Arc::new(source) }
    }

    pub(crate) fn damaged(at: &Address, found: impl Into<String>) -> Self {
        Self::Damaged { at: at.clone(), found: found.into() }
    }
}
