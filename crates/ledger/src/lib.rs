//! An append-only, hash-chained log on `SQLite` or `PostgreSQL`, with signed checkpoints, verification and backup.
//!
//! Never knows what an event means: it stores JSON objects and looks at three of their members, `subject`, `kind` and `recorded`.
//! ARCHITECTURE.md says what the ledger is for; [`Ledger::verify`] what it proves, and what it cannot.
//!
//! # What is promised
//!
//! - An event is stored as canonical JSON (RFC 8785) under the next place, with the BLAKE3 hash of the previous event's hash and
//!   its bytes. Whole numbers beyond 2^53 - 1, which JSON does not carry without loss, are refused.
//! - What [`Ledger::append`] or [`Writer::commit`] has returned is on the disk (write-ahead log; `synchronous=FULL` of `SQLite`,
//!   `synchronous_commit=on` of `PostgreSQL`, whose `fsync` must not have been turned off).
//! - Several tasks and several processes may write; each event's place and hash come from inside an exclusive transaction.
//! - Two writers who decided on the same state of a subject do not both succeed ([`Draft::expecting`]).
//! - A ledger is the same in either store, byte for byte: a backup is a file, from which [`Ledger::restore`] makes it anew in the other.
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

mod address;
mod backup;
mod canonical;
mod chain;
mod checkpoint;
mod draft;
mod error;
mod hex;
mod insert;
mod queue;
mod read;
mod store;
mod stream;
mod verify;
mod write;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Mutex;

pub use address::{Address, PostgresAddress};
pub use chain::{Hash, Head, Seq};
pub use checkpoint::{Checkpoint, Keys, PublicKey, Signature};
pub use draft::{Draft, LARGEST_EVENT, Stored};
pub use ed25519_dalek::SigningKey;
pub use error::{Error, Result};
pub use hex::NotHex;
pub use stream::{Events, SubjectBlocks};
pub use verify::{Check, CheckpointVerdict, Misfit, Outcome, Place, Verified};
pub use write::Writer;

use queue::Queue;
use store::{Access, Pool, Reader, Store};
use verify::Given;
use write::Slot;

/// A ledger in its file or database. Cheap to clone: all clones are the same ledger. It lives in the tokio runtime it was opened in.
#[derive(Clone)]
pub struct Ledger {
    store: Store,
    readers: Pool,
    writing: Option<Writing>,
}

#[derive(Clone)]
struct Writing {
    slot: Slot,
    queue: Queue,
}

impl Ledger {
    /// Makes a ledger in a new file, or in a schema of a `PostgreSQL` database that is new or empty. [`Error::Exists`] when there is one
    /// already; what [`Ledger::open`] says of a database.
    ///
    /// An address is an [`Address`], a path, or text that is read as [`Address`] says.
    pub async fn create<A>(address: A) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::start(Store::create(address.try_into()?).await?).await
    }

    /// Opens a ledger to read and write. [`Error::NotFound`], [`Error::NotALedger`], [`Error::NewerFormat`],
    /// [`Error::Damaged`], [`Error::Locked`]; on `PostgreSQL` also [`Error::Unreachable`], [`Error::Denied`], [`Error::NoDatabase`].
    pub async fn open<A>(address: A) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::start(Store::identify(address.try_into()?, Access::Write).await?).await
    }

    /// Opens a ledger to read only, also from a medium that nobody can write to. Writing gives [`Error::ReadOnly`].
    pub async fn open_read_only<A>(address: A) -> Result<Self>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        Self::start(Store::identify(address.try_into()?, Access::Read).await?).await
    }

    /// Makes a ledger anew from a backup: in a new file, or in a schema of a `PostgreSQL` database that is new or empty. The events,
    /// their hashes and the checkpoints are the same to the byte, and were verified as by [`Ledger::verify`] with `outside` and
    /// `trusted`. [`Error::Unsound`] when they do not verify, [`Error::Exists`] when there is a ledger already; nothing is made then.
    pub async fn restore<A>(
        from: impl AsRef<Path>,
        to: A,
        outside: &[Checkpoint],
        trusted: Option<PublicKey>,
    ) -> Result<Verified>
    where
        A: TryInto<Address>,
        Error: From<A::Error>,
    {
        backup::restore(from.as_ref(), to.try_into()?, Given { outside, trusted }).await
    }

    async fn start(store: Store) -> Result<Self> {
        let writing = match store.access {
            Access::Write => {
                let connection = store.connect().await?;
                let slot: Slot = Arc::new(Mutex::new(Some(connection)));
                Some(Writing { queue: Queue::start(Arc::clone(&slot), store.clone()), slot })
            }
            Access::Read | Access::ReadImmutable => None,
        };
        Ok(Self { readers: store.readers(), store, writing })
    }

    /// Where the ledger lies; of a file, its absolute path.
    pub fn address(&self) -> &Address {
        &self.store.address
    }

    /// The absolute path of the file; none on `PostgreSQL`.
    pub fn file(&self) -> Option<&Path> {
        self.store.address.file()
    }

    /// The absolute path of the file; an empty path on `PostgreSQL`. [`Ledger::file`] and [`Ledger::address`] say more.
    pub fn path(&self) -> &Path {
        self.file().unwrap_or(Path::new(""))
    }

    /// Waits until this process has let go of the file or of its connections. Without it, that happens a little after the last clone is
    /// dropped.
    pub async fn close(self) {
        self.readers.close().await;
        if let Some(Writing { slot, queue }) = self.writing {
            drop(queue);
            if let Some(connection) = slot.lock().await.take() {
                let _ = connection.close().await; // every transaction has ended
            }
        }
    }

    fn at(&self) -> &Address {
        &self.store.address
    }

    fn writing(&self) -> Result<&Writing> {
        self.writing.as_ref().ok_or_else(|| Error::ReadOnly { at: self.at().clone() })
    }

    async fn reader(&self) -> Result<Reader> {
        self.readers.acquire(self.at()).await
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
        Writer::begin(&self.writing()?.slot, &self.store).await
    }

    /// How far the ledger reaches.
    pub async fn head(&self) -> Result<Head> {
        let mut reader = self.reader().await?;
        read::head(reader.on(), self.at()).await
    }

    /// The event at a place, if there is one.
    pub async fn event(&self, seq: Seq) -> Result<Option<Stored>> {
        let mut reader = self.reader().await?;
        read::event(reader.on(), self.at(), seq).await
    }

    /// The events of a subject, in order; with `up_to`, only those recorded at that moment or before.
    pub async fn of_subject(&self, subject: &str, up_to: Option<Timestamp>) -> Result<Vec<Stored>> {
        let mut reader = self.reader().await?;
        read::of_subject(reader.on(), self.at(), subject, up_to).await
    }

    /// The events of a kind, in order; with `up_to`, only those recorded at that moment or before.
    pub async fn of_kind(&self, kind: &str, up_to: Option<Timestamp>) -> Result<Vec<Stored>> {
        let mut reader = self.reader().await?;
        read::of_kind(reader.on(), self.at(), kind, up_to).await
    }

    /// The events that speak of no subject, in order; with `up_to`, only those recorded at that moment or before.
    pub async fn without_subject(&self, up_to: Option<Timestamp>) -> Result<Vec<Stored>> {
        let mut reader = self.reader().await?;
        read::without_subject(reader.on(), self.at(), up_to).await
    }

    /// How many subjects the ledger speaks of, whenever that was recorded.
    pub async fn count_subjects(&self) -> Result<u64> {
        let mut reader = self.reader().await?;
        read::count_subjects(reader.on(), self.at()).await
    }

    /// All subjects with all their events, `block` subjects at a time, in order of subject (byte order); with `up_to`, only what was
    /// recorded at that moment or before. All of one moment of the ledger, read ahead while the caller works.
    pub fn subjects(&self, up_to: Option<Timestamp>, block: usize) -> SubjectBlocks {
        SubjectBlocks::new(self.readers.clone(), Arc::clone(&self.store.address), up_to, block)
    }

    /// All events from a place on, in order. All of one moment of the ledger, read ahead while the caller works.
    pub fn all(&self, from: Seq) -> Events {
        Events::new(self.readers.clone(), Arc::clone(&self.store.address), from)
    }

    /// Signs how far the ledger reaches, stores that and gives it back, to be kept outside too. `at` is the signer's clock.
    pub async fn checkpoint(&self, key: &SigningKey, at: Timestamp) -> Result<Checkpoint> {
        let mut writer = self.begin().await?;
        let checkpoint = Checkpoint::sign(key, writer.head().await?, at)?;
        writer.store_checkpoint(checkpoint.to_line().as_bytes()).await?;
        writer.commit().await?;
        Ok(checkpoint)
    }

    /// The checkpoints that are stored, in order. Whether they hold is for [`Ledger::verify`] to say.
    pub async fn checkpoints(&self) -> Result<Vec<Checkpoint>> {
        let mut reader = self.reader().await?;
        let stored =
            read::checkpoints(reader.on()).await.map_err(|source| store::error(self.at(), source))?;
        let parse = |(_, bytes): &(i64, Vec<u8>)| {
            serde_json::from_slice(bytes).map_err(|error| Error::Checkpoint { found: error.to_string() })
        };
        stored.iter().map(parse).collect()
    }

    /// Recomputes everything: each event's place, hash, canonical form and index columns, each checkpoint's signature, count and
    /// head, and the tables and triggers themselves; of a file, its pages too.
    ///
    /// `outside`: checkpoints kept elsewhere, which alone can prove that the tail was cut off. `trusted`: the key that all
    /// checkpoints must be signed with. `progress` is told how many events of how many are done. What is damaged is reported
    /// in [`Verified`]; an error means that the ledger could not be opened at all.
    pub async fn verify(
        &self,
        outside: &[Checkpoint],
        trusted: Option<PublicKey>,
        progress: impl FnMut(u64, u64) + Send,
    ) -> Result<Verified> {
        verify::verify(&self.store, Given { outside, trusted }, progress).await
    }

    /// Copies the ledger, as it is at one moment, to a new file while it may be in use, and verifies the copy. The file is a ledger on
    /// `SQLite`, from whichever store.
    /// [`Error::Exists`] when there is a file already; [`Error::Unsound`] when the copy does not verify, and then there is no file.
    pub async fn backup(&self, to: impl AsRef<Path>) -> Result<Verified> {
        backup::to_file(&self.store, to.as_ref(), Given::default()).await
    }
}
