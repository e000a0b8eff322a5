//! Verification: everything recomputed, the first event that does not fit named, and what cannot be known said.
//!
//! Never repairs, and never trusts a column it can recompute. See ARCHITECTURE.md, "The path of a value", for what is promised.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use futures_util::TryStreamExt;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, Row, SqliteConnection};
use tokio::task::JoinHandle;

use crate::canonical;
use crate::chain::{Hash, Head, Seq, link};
use crate::checkpoint::{Checkpoint, PublicKey};
use crate::database::{Access, connect, connect_to_scan};
use crate::draft::Index;
use crate::error::{Error, Result};
use crate::schema::OBJECTS;

/// Events that are checked as one piece of work.
const BATCH: usize = 2048;
/// How many faults of the file `SQLite` is asked to name.
const FAULTS: usize = 20;

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many events there are, and the hash stored with the last.
    pub head: Head,
    /// The first event that does not fit.
    pub first: Option<Misfit>,
    /// How many events do not fit. An event whose stored hash was changed makes the one after it not fit either.
    pub misfits: u64,
    /// Every checkpoint, those of the ledger first, then those given from outside in their order.
    pub checkpoints: Vec<CheckpointVerdict>,
    /// What is wrong with the file itself: its pages, its tables, its triggers.
    pub file: Vec<String>,
    /// What is unusual and proves nothing.
    pub notes: Vec<String>,
    /// What no verification can know, in words.
    pub limits: Vec<String>,
}

impl Verified {
    /// Whether everything that can be checked holds.
    pub fn is_sound(&self) -> bool {
        self.first.is_none()
            && self.misfits == 0
            && self.file.is_empty()
            && self.checkpoints.iter().all(|verdict| verdict.outcome == Outcome::Holds)
    }

    /// The first thing that is wrong, in words.
    pub fn first_fault(&self) -> Option<String> {
        let event = self.first.as_ref().map(ToString::to_string);
        let checkpoint = || {
            self.checkpoints.iter().find(|verdict| verdict.outcome != Outcome::Holds).map(ToString::to_string)
        };
        event.or_else(checkpoint).or_else(|| self.file.first().cloned())
    }
}

/// What an event was held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Its place follows on the one before.
    Sequence,
    /// Its hash follows from the previous event's hash and its bytes.
    Hash,
    /// Its bytes are a JSON object in canonical form, fit to be an event.
    Canonical,
    /// A column is of its type and says what the bytes say.
    Column(&'static str),
}

/// An event that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The event; of a gap, the first that is missing.
    pub seq: Seq,
    /// What it was held against.
    pub check: Check,
    /// What it should be.
    pub expected: String,
    /// What it is.
    pub found: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, check, expected, found } = self;
        match check {
            Check::Sequence => write!(f, "event {seq} is missing: expected {expected}, found {found}"),
            Check::Hash => write!(
                f,
                "event {seq} was altered, or one before it: its hash should be {expected} and is {found}"
            ),
            Check::Canonical => {
                write!(f, "event {seq} was altered: its bytes should be {expected} and are {found}")
            }
            Check::Column(column) => {
                write!(
                    f,
                    "event {seq} was altered: its column `{column}` should be {expected} and is {found}"
                )
            }
        }
    }
}

/// Where a checkpoint was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the ledger, under this number.
    Ledger(i64),
    /// Among those given from outside, counted from 1.
    Outside(usize),
}

/// What a checkpoint says about the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointVerdict {
    /// Where it was found.
    pub place: Place,
    /// The checkpoint, unless it cannot be read.
    pub checkpoint: Option<Checkpoint>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of holding a checkpoint against the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its signature is good and the ledger is, so far, what it was.
    Holds,
    /// It is not there, though a later one is.
    Missing,
    /// It is no checkpoint.
    Unreadable {
        /// What it is instead.
        found: String,
    },
    /// The key it names did not sign it.
    BadSignature,
    /// Another key than the trusted one signed it.
    UntrustedKey {
        /// The trusted one.
        trusted: PublicKey,
    },
    /// It speaks of fewer events than an earlier one.
    OutOfOrder {
        /// How many the earlier one spoke of.
        earlier: Seq,
    },
    /// The ledger ends before it: its tail was cut off.
    CutOff {
        /// How many events there are.
        found: Seq,
    },
    /// The ledger is another one up to here.
    Rewritten {
        /// The hash that is stored at its place; none where that event is missing.
        found: Option<Hash>,
    },
}

impl fmt::Display for CheckpointVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Ledger(number) => write!(f, "checkpoint {number} of the ledger")?,
            Place::Outside(number) => write!(f, "checkpoint {number} from outside")?,
        }
        if let Some(Checkpoint { count, time, .. }) = &self.checkpoint {
            write!(f, " ({count} events at {time})")?;
        }
        match &self.outcome {
            Outcome::Holds => f.write_str(" holds"),
            Outcome::Missing => f.write_str(" is missing, though later ones are there"),
            Outcome::Unreadable { found } => write!(f, " cannot be read: {found}"),
            Outcome::BadSignature => f.write_str(" was altered: its signature does not fit"),
            Outcome::UntrustedKey { trusted } => {
                write!(f, " was signed by another key than the trusted {trusted}")
            }
            Outcome::OutOfOrder { earlier } => {
                write!(f, " is out of order: one before it speaks of {earlier} events")
            }
            Outcome::CutOff { found } => write!(f, " proves that events were cut off: {found} are left"),
            Outcome::Rewritten { found: Some(hash) } => {
                write!(f, " proves that events were rewritten: the last it speaks of now has the hash {hash}")
            }
            Outcome::Rewritten { found: None } => {
                f.write_str(" proves that events were taken out: the last it speaks of is not there")
            }
        }
    }
}

pub(crate) async fn verify(
    path: &Arc<Path>,
    access: Access,
    outside: &[Checkpoint],
    trusted: Option<PublicKey>,
    progress: impl FnMut(u64, u64) + Send,
) -> Result<Verified> {
    let access = if access == Access::Write { Access::Read } else { access };
    let file = tokio::spawn(inspect_file(Arc::clone(path), access));

    let mut connection = connect_to_scan(path, access).await?;
    let mut snapshot = connection.begin().await.map_err(|error| Error::storage(path, error))?;
    let mut faults = Vec::new();
    let inside = read_checkpoints(&mut snapshot).await.unwrap_or_else(|error| {
        faults.push(format!("the checkpoints cannot be read: {error}"));
        Vec::new()
    });
    let counts = inside
        .iter()
        .filter_map(|(_, read)| read.as_ref().ok())
        .chain(outside)
        .map(|checkpoint| checkpoint.count);
    let scan = Scan::new(counts.collect()).run(&mut snapshot, progress).await;
    faults.extend(scan.fault.clone());
    faults.extend(joined(file.await));

    let mut checkpoints = judge_inside(inside, &scan, trusted);
    checkpoints.extend(outside.iter().enumerate().map(|(at, checkpoint)| CheckpointVerdict {
        place: Place::Outside(at + 1),
        outcome: judge(checkpoint, &scan, trusted),
        checkpoint: Some(checkpoint.clone()),
    }));
    let notes = scan.notes();
    let limits = limits(&checkpoints, scan.head.count, trusted);
    Ok(Verified {
        head: scan.head,
        first: scan.first,
        misfits: scan.misfits,
        checkpoints,
        file: faults,
        notes,
        limits,
    })
}

/// A panic in a task is a fault of this program, and goes on as one.
fn joined<T>(outcome: std::result::Result<T, tokio::task::JoinError>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

// --- the chain -------------------------------------------------------------------------------------------------------

/// The chain read from its beginning, and what was found on the way.
struct Scan {
    head: Head,
    first: Option<Misfit>,
    misfits: u64,
    /// Why the reading stopped before the end.
    fault: Option<String>,
    /// The places that checkpoints speak of, and the hashes stored there.
    wanted: Arc<BTreeSet<Seq>>,
    hashes: HashMap<Seq, Hash>,
    /// Events recorded earlier than the one before them: how many, and the first.
    clock_back: (u64, Option<Seq>),
}

/// What a batch is held against: the last event before it.
#[derive(Clone)]
struct Before {
    seq: i64,
    hash: Vec<u8>,
    recorded: i64,
}

impl Scan {
    fn new(wanted: BTreeSet<Seq>) -> Self {
        Self {
            head: Head::EMPTY,
            first: None,
            misfits: 0,
            fault: None,
            hashes: HashMap::from([(0, Hash::ZERO)]),
            wanted: Arc::new(wanted),
            clock_back: (0, None),
        }
    }

    /// Reads in order on this task while the batches are checked on other threads.
    async fn run(
        mut self,
        connection: &mut SqliteConnection,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Self {
        let total: i64 =
            sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&mut *connection).await.unwrap_or(0);
        let total = u64::try_from(total).unwrap_or(0);
        let at_once = std::thread::available_parallelism().map_or(2, usize::from) + 1;
        let mut at_work: VecDeque<JoinHandle<Batch>> = VecDeque::new();
        let mut before = Before { seq: 0, hash: Hash::ZERO.0.to_vec(), recorded: i64::MIN };
        progress(0, total);

        let statement = "SELECT seq, subject, kind, recorded, bytes, hash FROM events ORDER BY seq";
        let mut rows = sqlx::query(statement).fetch(connection);
        let (mut batch, mut over) = (Vec::with_capacity(BATCH), false);
        while !over {
            match rows.try_next().await {
                Ok(Some(row)) => batch.push(row),
                Ok(None) => over = true,
                Err(error) => {
                    let last = batch.last().map_or(before.seq, |row| row.try_get(0).unwrap_or(before.seq));
                    self.fault = Some(format!("reading stopped after event {last}: {error}"));
                    over = true;
                }
            }
            if batch.len() == BATCH || (over && !batch.is_empty()) {
                let rows = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
                let (start, wanted) = (before.clone(), Arc::clone(&self.wanted));
                before = Before::after(&rows, before);
                at_work.push_back(tokio::task::spawn_blocking(move || Batch::check(&rows, start, &wanted)));
            }
            while at_work.len() > if over { 0 } else { at_once } {
                let Some(work) = at_work.pop_front() else { break };
                self.take(joined(work.await));
                progress(self.head.count.min(total), total);
            }
        }
        self
    }

    fn take(&mut self, batch: Batch) {
        self.head = Head { count: self.head.count + batch.events, hash: batch.last };
        self.first = self.first.take().or(batch.first);
        self.misfits += batch.misfits;
        self.hashes.extend(batch.hashes);
        self.clock_back = (self.clock_back.0 + batch.clock_back.0, self.clock_back.1.or(batch.clock_back.1));
    }

    fn notes(&self) -> Vec<String> {
        let (Some(seq), times) = (self.clock_back.1, self.clock_back.0) else { return Vec::new() };
        vec![format!(
            "{times} event(s) were recorded earlier than the event before them, event {seq} first: \
             a clock was set back, or the events come from elsewhere"
        )]
    }
}

impl Before {
    fn after(rows: &[SqliteRow], before: Self) -> Self {
        rows.last().map_or(before, |row| Self {
            seq: row.try_get(0).unwrap_or_default(),
            hash: row.try_get(5).unwrap_or_default(),
            recorded: row.try_get(3).unwrap_or(i64::MIN),
        })
    }
}

/// What came of a batch.
struct Batch {
    events: u64,
    last: Hash,
    first: Option<Misfit>,
    misfits: u64,
    hashes: Vec<(Seq, Hash)>,
    clock_back: (u64, Option<Seq>),
}

impl Batch {
    fn check(rows: &[SqliteRow], mut before: Before, wanted: &BTreeSet<Seq>) -> Self {
        let mut batch = Self {
            events: rows.len() as u64,
            last: Hash::ZERO,
            first: None,
            misfits: 0,
            hashes: Vec::new(),
            clock_back: (0, None),
        };
        for row in rows {
            let seq: i64 = row.try_get(0).unwrap_or_default();
            let place = Seq::try_from(seq).unwrap_or_default();
            if let Err(misfit) = check(row, seq, &before) {
                batch.misfits += 1;
                batch.first.get_or_insert(misfit);
            }
            let hash: &[u8] = row.try_get(5).unwrap_or_default();
            batch.last = hash.try_into().map_or(Hash::ZERO, Hash);
            if wanted.contains(&place) {
                batch.hashes.push((place, batch.last));
            }
            let recorded = row.try_get(3).unwrap_or(i64::MIN);
            if recorded < before.recorded {
                batch.clock_back = (batch.clock_back.0 + 1, batch.clock_back.1.or(Some(place)));
            }
            before = Before { seq, hash: hash.to_vec(), recorded };
        }
        batch
    }
}

/// Holds an event against the one before it and against itself.
fn check(row: &SqliteRow, seq: i64, before: &Before) -> std::result::Result<(), Misfit> {
    let next = before.seq.saturating_add(1);
    if seq != next {
        let seq_of = |seq: i64| Seq::try_from(seq).unwrap_or_default();
        return Err(Misfit {
            seq: seq_of(next),
            check: Check::Sequence,
            expected: format!("event {next}"),
            found: format!("event {seq}"),
        });
    }
    let misfit =
        |check, expected: String, found: String| Misfit { seq: next.unsigned_abs(), check, expected, found };
    let typed = |column, expected: &'static str| {
        move |error: sqlx::Error| misfit(Check::Column(column), expected.to_owned(), error.to_string())
    };
    let subject: Option<&str> = row.try_get(1).map_err(typed("subject", "text or nothing"))?;
    let kind: &str = row.try_get(2).map_err(typed("kind", "text"))?;
    let recorded: i64 = row.try_get(3).map_err(typed("recorded", "a number"))?;
    let bytes: &[u8] = row.try_get(4).map_err(typed("bytes", "bytes"))?;
    let hash: &[u8] = row.try_get(5).map_err(typed("hash", "bytes"))?;

    let expected = link(&before.hash, bytes);
    if hash != expected.0 {
        return Err(misfit(Check::Hash, expected.to_string(), crate::hex::write(hash)));
    }
    let value = canonical::parse(bytes)
        .map_err(|found| misfit(Check::Canonical, "a JSON object in canonical form".to_owned(), found))?;
    let index = Index::of(&value)
        .map_err(|error| misfit(Check::Canonical, "an event".to_owned(), error.to_string()))?;
    if index.subject.as_deref() != subject {
        return Err(misfit(Check::Column("subject"), format!("{:?}", index.subject), format!("{subject:?}")));
    }
    if index.kind != kind {
        return Err(misfit(Check::Column("kind"), format!("{:?}", index.kind), format!("{kind:?}")));
    }
    if index.recorded != recorded {
        return Err(misfit(Check::Column("recorded"), index.recorded.to_string(), recorded.to_string()));
    }
    Ok(())
}

// --- the checkpoints -------------------------------------------------------------------------------------------------

type Read = (i64, std::result::Result<Checkpoint, String>);

async fn read_checkpoints(connection: &mut SqliteConnection) -> std::result::Result<Vec<Read>, sqlx::Error> {
    let rows =
        sqlx::query("SELECT number, bytes FROM checkpoints ORDER BY number").fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, read_checkpoint(row.try_get(1)?)))).collect()
}

fn read_checkpoint(bytes: &[u8]) -> std::result::Result<Checkpoint, String> {
    let checkpoint: Checkpoint = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if checkpoint.to_line().as_bytes() == bytes {
        Ok(checkpoint)
    } else {
        Err("JSON that is not in canonical form".to_owned())
    }
}

fn judge_inside(inside: Vec<Read>, scan: &Scan, trusted: Option<PublicKey>) -> Vec<CheckpointVerdict> {
    let (mut verdicts, mut next, mut earlier) = (Vec::with_capacity(inside.len()), 1, 0);
    for (number, read) in inside {
        if number != next {
            let place = Place::Ledger(next);
            verdicts.push(CheckpointVerdict { place, checkpoint: None, outcome: Outcome::Missing });
        }
        next = number.saturating_add(1);
        let place = Place::Ledger(number);
        verdicts.push(match read {
            Err(found) => {
                CheckpointVerdict { place, checkpoint: None, outcome: Outcome::Unreadable { found } }
            }
            Ok(checkpoint) => {
                let outcome = match judge(&checkpoint, scan, trusted) {
                    Outcome::Holds if checkpoint.count < earlier => Outcome::OutOfOrder { earlier },
                    outcome => outcome,
                };
                earlier = checkpoint.count;
                CheckpointVerdict { place, outcome, checkpoint: Some(checkpoint) }
            }
        });
    }
    verdicts
}

fn judge(checkpoint: &Checkpoint, scan: &Scan, trusted: Option<PublicKey>) -> Outcome {
    if !checkpoint.signature_holds() {
        return Outcome::BadSignature;
    }
    if let Some(trusted) = trusted
        && checkpoint.public_key != trusted
    {
        return Outcome::UntrustedKey { trusted };
    }
    if checkpoint.count > scan.head.count {
        return Outcome::CutOff { found: scan.head.count };
    }
    match scan.hashes.get(&checkpoint.count) {
        Some(hash) if *hash == checkpoint.head => Outcome::Holds,
        found => Outcome::Rewritten { found: found.copied() },
    }
}

// --- the file --------------------------------------------------------------------------------------------------------

/// Looks whether the tables, indices and triggers are those of a ledger and whether `SQLite` finds its own file in order. An index
/// that was tampered with would hide events from whoever reads by subject, though the chain holds.
async fn inspect_file(path: Arc<Path>, access: Access) -> Vec<String> {
    let mut connection = match connect(&path, access).await {
        Ok(connection) => connection,
        Err(error) => return vec![error.to_string()],
    };
    let mut faults = inspect_schema(&mut connection)
        .await
        .unwrap_or_else(|error| vec![format!("the tables cannot be listed: {error}")]);
    let check = format!("PRAGMA integrity_check({FAULTS})");
    match sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(check)).fetch_all(&mut connection).await {
        Ok(found) => {
            faults
                .extend(found.into_iter().filter(|line| line != "ok").map(|line| format!("SQLite: {line}")));
        }
        Err(error) => faults.push(format!("SQLite cannot check its file: {error}")),
    }
    let _ = connection.close().await; // it only read
    faults
}

async fn inspect_schema(connection: &mut SqliteConnection) -> std::result::Result<Vec<String>, sqlx::Error> {
    // SQLite's own tables, such as the statistics of ANALYZE, begin with `sqlite_`.
    let statement = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let found: Vec<(String, String, Option<String>)> =
        sqlx::query_as(statement).fetch_all(connection).await?;
    let mut faults = Vec::new();
    for (kind, name, expected) in OBJECTS {
        match found.iter().find(|(a, b, _)| a == kind && b == name) {
            None => faults.push(format!("the {kind} `{name}` is missing")),
            Some((_, _, sql)) if sql.as_deref() != Some(expected) => {
                let sql = sql.as_deref().unwrap_or("nothing");
                faults.push(format!(
                    "the {kind} `{name}` was altered: it should be `{expected}` and is `{sql}`"
                ));
            }
            Some(_) => {}
        }
    }
    let known = |kind: &str, name: &str| OBJECTS.iter().any(|(a, b, _)| *a == kind && *b == name);
    let strange = found.iter().filter(|(kind, name, _)| !known(kind, name));
    faults.extend(
        strange.map(|(kind, name, _)| format!("there is a {kind} `{name}`, which is no part of a ledger")),
    );
    Ok(faults)
}

// --- the limits ------------------------------------------------------------------------------------------------------

fn limits(verdicts: &[CheckpointVerdict], count: Seq, trusted: Option<PublicKey>) -> Vec<String> {
    let outside = |verdict: &&CheckpointVerdict| {
        matches!(verdict.place, Place::Outside(_)) && verdict.outcome == Outcome::Holds
    };
    let reach = verdicts
        .iter()
        .filter(outside)
        .filter_map(|verdict| verdict.checkpoint.as_ref())
        .map(|c| c.count)
        .max();
    let tail = match reach {
        None => "Whether events were cut off at the end, or all rewritten with new hashes: no checkpoint kept outside was given \
                 that holds, and whoever can write to the file can do both and leave no trace in it."
            .to_owned(),
        Some(reach) if reach == count => {
            format!("Whether events after event {count} were cut off: the last checkpoint kept outside speaks of {reach} events.")
        }
        Some(reach) => format!(
            "Whether the events after event {reach} are all there were, and as they were written: the last checkpoint kept \
             outside speaks of {reach} events, and there are {count}."
        ),
    };
    let keys: BTreeSet<_> =
        verdicts.iter().filter_map(|verdict| Some(verdict.checkpoint.as_ref()?.public_key)).collect();
    let key = match (trusted, keys.is_empty()) {
        (Some(trusted), _) => format!("Whether the key {trusted} was in the right hands whenever it signed."),
        (None, true) => "Who vouches for the ledger: there are no checkpoints.".to_owned(),
        (None, false) => {
            let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
            format!(
                "Whose keys signed the checkpoints ({}): no trusted public key was given to hold them against.",
                keys.join(", ")
            )
        }
    };
    vec![
        tail,
        key,
        "Who was at the keyboard: an event signed on a stolen password verifies like any other.".to_owned(),
        "Whether the clock was right: an event carries the time that the computer had when it was recorded."
            .to_owned(),
        "Whether what was recorded is true: that is for source data verification.".to_owned(),
    ]
}
