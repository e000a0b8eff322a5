//! An append-only, hash-chained log on `SQLite`, with signed checkpoints, verification and backup.
//!
//! Never knows what an event means: it stores JSON objects and looks at three of their members, `subject`, `kind` and `recorded`.
//! ARCHITECTURE.md says what the ledger is for; [`Ledger::verify`] what it proves, and what it cannot.
//!
//! # What is promised
//!
//! - An event is stored as canonical JSON (RFC 8785) under the next place, with the BLAKE3 hash of the previous event's hash and
//!   its bytes. Whole numbers beyond 2^53 - 1, which JSON does not carry without loss, are refused.
//! - What [`Ledger::append`] or [`Writer::commit`] has returned is on the disk (write-ahead log, `synchronous=FULL`).
//! - Several tasks and several processes may write; each event's place and hash come from inside an exclusive transaction.
//! - Two writers who decided on the same state of a subject do not both succeed ([`Draft::expecting`]).
//! - No memory grows with the ledger: [`Ledger::subjects`], [`Ledger::all`] and [`Ledger::verify`] stream.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use ledger::{Draft, Ledger};
//! use serde_json::json;
//!
//! let directory = tempfile::tempdir()?;
//! let ledger = Ledger::create(directory.path().join("trial.ledger")).await?;
//! let screened = json!({ "kind": "subject_screened", "subject": "AU01-001", "recorded": "2026-03-04T10:11:12Z" });
//! let stored = ledger.append(vec![Draft::new(screened.clone()).expecting(0)]).await?;
//! assert_eq!(stored[0].seq, 1);
//! assert!(ledger.append(vec![Draft::new(screened).expecting(0)]).await.is_err(), "somebody was first");
//! assert!(ledger.verify(&[], None, |_, _| {}).await?.is_sound());
//! # Ok(())
//! # }
//! ```

mod backup;
mod canonical;
mod chain;
mod checkpoint;
mod database;
mod draft;
mod error;
mod hex;
mod read;
mod schema;
mod verify;
mod write;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqlitePool;
use sqlx::{Row, Sqlite};
use tokio::sync::Mutex;

pub use chain::{Hash, Head, Seq};
pub use checkpoint::{Checkpoint, Keys, PublicKey, Signature};
pub use draft::{Draft, LARGEST_EVENT, Stored};
pub use ed25519_dalek::SigningKey;
pub use error::{Error, Result};
pub use hex::NotHex;
pub use read::{Events, SubjectBlocks};
pub use verify::{Check, CheckpointVerdict, Misfit, Outcome, Place, Verified};
pub use write::Writer;

use database::Access;
use write::{Queue, Slot};

/// A ledger in its file. Cheap to clone: all clones are the same ledger. It lives in the tokio runtime it was opened in.
#[derive(Clone)]
pub struct Ledger {
    path: Arc<Path>,
    access: Access,
    readers: SqlitePool,
    writing: Option<Writing>,
}

#[derive(Clone)]
struct Writing {
    slot: Slot,
    queue: Queue,
}

impl Ledger {
    /// Makes a ledger in a new file. [`Error::Exists`] when there is a file already.
    pub async fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = database::create(path.as_ref()).await?;
        Self::start(Arc::from(path), Access::Write).await
    }

    /// Opens a ledger to read and write. [`Error::NotFound`], [`Error::NotALedger`], [`Error::NewerFormat`],
    /// [`Error::Damaged`], [`Error::Locked`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        let (path, access) = database::identify(path.as_ref(), Access::Write).await?;
        Self::start(Arc::from(path), access).await
    }

    /// Opens a ledger to read only, also from a medium that nobody can write to. Writing gives [`Error::ReadOnly`].
    pub async fn open_read_only(path: impl AsRef<Path>) -> Result<Self> {
        let (path, access) = database::identify(path.as_ref(), Access::Read).await?;
        Self::start(Arc::from(path), access).await
    }

    async fn start(path: Arc<Path>, access: Access) -> Result<Self> {
        let writing = match access {
            Access::Write => {
                let connection = database::connect(&path, access).await?;
                let slot: Slot = Arc::new(Mutex::new(Some(connection)));
                Some(Writing { queue: Queue::start(Arc::clone(&slot), Arc::clone(&path)), slot })
            }
            Access::Read | Access::ReadImmutable => None,
        };
        Ok(Self { readers: database::readers(&path, access), path, access, writing })
    }

    /// The absolute path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until this process has let go of the file. Without it, that happens a little after the last clone is dropped.
    pub async fn close(self) {
        self.readers.close().await;
        if let Some(Writing { slot, queue }) = self.writing {
            drop(queue);
            if let Some(connection) = slot.lock().await.take() {
                let _ = sqlx::Connection::close(connection).await; // every transaction has ended
            }
        }
    }

    fn writing(&self) -> Result<&Writing> {
        self.writing.as_ref().ok_or_else(|| Error::ReadOnly { path: self.path.to_path_buf() })
    }

    async fn reader(&self) -> Result<PoolConnection<Sqlite>> {
        self.readers.acquire().await.map_err(|error| Error::storage(&self.path, error))
    }

    /// Appends events, all or none, in their order. They are on the disk when this returns. Callers who append at the same time
    /// share a transaction. [`Error::Conflict`] when an expectation does not hold; the events of one call do not count as
    /// having come in between.
    ///
    /// When the caller goes away before this returns, the events may be stored or not, but all or none.
    pub async fn append(&self, drafts: Vec<Draft>) -> Result<Vec<Stored>> {
        self.writing()?.queue.append(&drafts).await
    }

    /// Begins an exclusive transaction, in which what is read and what is then appended belong together. Waits for others to
    /// finish; [`Error::Locked`] when another process does not.
    pub async fn begin(&self) -> Result<Writer> {
        Writer::begin(&self.writing()?.slot, &self.path).await
    }

    /// How far the ledger reaches.
    pub async fn head(&self) -> Result<Head> {
        let mut reader = self.reader().await?;
        read::head(&mut reader, &self.path).await
    }

    /// The event at a place, if there is one.
    pub async fn event(&self, seq: Seq) -> Result<Option<Stored>> {
        let mut reader = self.reader().await?;
        read::event(&mut reader, &self.path, seq).await
    }

    /// The events of a subject, in order; with `up_to`, only those recorded at that moment or before.
    pub async fn of_subject(&self, subject: &str, up_to: Option<Timestamp>) -> Result<Vec<Stored>> {
        let mut reader = self.reader().await?;
        read::of_subject(&mut reader, &self.path, subject, up_to).await
    }

    /// The events of a kind, in order; with `up_to`, only those recorded at that moment or before.
    pub async fn of_kind(&self, kind: &str, up_to: Option<Timestamp>) -> Result<Vec<Stored>> {
        let mut reader = self.reader().await?;
        read::of_kind(&mut reader, &self.path, kind, up_to).await
    }

    /// The events that speak of no subject, in order; with `up_to`, only those recorded at that moment or before.
    pub async fn without_subject(&self, up_to: Option<Timestamp>) -> Result<Vec<Stored>> {
        let mut reader = self.reader().await?;
        read::without_subject(&mut reader, &self.path, up_to).await
    }

    /// How many subjects the ledger speaks of, whenever that was recorded.
    pub async fn count_subjects(&self) -> Result<u64> {
        let mut reader = self.reader().await?;
        read::count_subjects(&mut reader, &self.path).await
    }

    /// All subjects with all their events, `block` subjects at a time, in order of subject (byte order); with `up_to`, only what was
    /// recorded at that moment or before. All of one moment of the ledger, read ahead while the caller works.
    pub fn subjects(&self, up_to: Option<Timestamp>, block: usize) -> SubjectBlocks {
        SubjectBlocks::new(self.readers.clone(), Arc::clone(&self.path), up_to, block)
    }

    /// All events from a place on, in order. All of one moment of the ledger, read ahead while the caller works.
    pub fn all(&self, from: Seq) -> Events {
        Events::new(self.readers.clone(), Arc::clone(&self.path), from)
    }

    /// Signs how far the ledger reaches, stores that and gives it back, to be kept outside too. `at` is the signer's clock.
    pub async fn checkpoint(&self, key: &SigningKey, at: Timestamp) -> Result<Checkpoint> {
        let mut writer = self.begin().await?;
        let checkpoint = Checkpoint::sign(key, writer.head().await?, at)?;
        sqlx::query(
            "INSERT INTO checkpoints (number, bytes) SELECT coalesce(max(number), 0) + 1, ? FROM checkpoints",
        )
        .bind(checkpoint.to_line().into_bytes())
        .execute(writer.connection()?)
        .await
        .map_err(|error| Error::storage(&self.path, error))?;
        writer.commit().await?;
        Ok(checkpoint)
    }

    /// The checkpoints that are stored, in order. Whether they hold is for [`Ledger::verify`] to say.
    pub async fn checkpoints(&self) -> Result<Vec<Checkpoint>> {
        let mut reader = self.reader().await?;
        let storage = |error| Error::storage(&self.path, error);
        let rows = sqlx::query("SELECT bytes FROM checkpoints ORDER BY number")
            .fetch_all(&mut *reader)
            .await
            .map_err(storage)?;
        let parse = |row: &sqlx::sqlite::SqliteRow| {
            let bytes: &[u8] = row.try_get(0).map_err(storage)?;
            serde_json::from_slice(bytes).map_err(|error| Error::Checkpoint { found: error.to_string() })
        };
        rows.iter().map(parse).collect()
    }

    /// Recomputes everything: each event's place, hash, canonical form and index columns, each checkpoint's signature, count and
    /// head, and the file's own tables, triggers and pages.
    ///
    /// `outside`: checkpoints kept elsewhere, which alone can prove that the tail was cut off. `trusted`: the key that all
    /// checkpoints must be signed with. `progress` is told how many events of how many are done. What is damaged is reported
    /// in [`Verified`]; an error means that the file could not be opened at all.
    pub async fn verify(
        &self,
        outside: &[Checkpoint],
        trusted: Option<PublicKey>,
        progress: impl FnMut(u64, u64) + Send,
    ) -> Result<Verified> {
        verify::verify(&self.path, self.access, outside, trusted, progress).await
    }

    /// Copies the ledger, as it is at one moment, to a new file while it may be in use, and verifies the copy.
    /// [`Error::Exists`] when there is a file already; [`Error::Unsound`] when the copy does not verify, and then there is no file.
    pub async fn backup(&self, to: impl AsRef<Path>) -> Result<Verified> {
        backup::backup(&self.path, self.access, to.as_ref()).await
    }
}
