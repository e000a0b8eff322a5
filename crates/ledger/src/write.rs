//! Appending: the exclusive transaction (`Writer`) and the queue that lets many callers share one.
//!
//! Never acknowledges what is not on the disk, and never trusts a head it read outside the transaction: another process may
//! have written since. See <https://www.sqlite.org/lang_transaction.html> for `BEGIN IMMEDIATE`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, Connection, SqliteConnection};
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc, oneshot};

use crate::chain::{Head, Seq, link};
use crate::database::{Access, connect};
use crate::draft::{Draft, Prepared, Stored};
use crate::error::{Error, Result};
use crate::read;

/// How many rows one statement inserts: a round trip to the connection's thread costs more than a row.
const BATCHES: [usize; 3] = [128, 16, 1];
/// Subjects whose last event a transaction remembers; more are looked up again.
const REMEMBERED: usize = 1 << 16;
/// The largest group: requests that share a transaction, and events in it.
const GROUP_REQUESTS: usize = 1024;
const GROUP_EVENTS: usize = 1 << 14;

static INSERTS: LazyLock<[String; 3]> = LazyLock::new(|| {
    BATCHES.map(|rows| {
        let mut statement =
            "INSERT INTO events (seq, subject, kind, recorded, bytes, hash) VALUES ".to_owned();
        for row in 0..rows {
            let _ = write!(statement, "{}(?,?,?,?,?,?)", if row == 0 { "" } else { "," }); // a String takes every write
        }
        statement
    })
});

/// The one connection of this process that writes, opened when it is needed.
///
/// Taken out while a transaction runs, and put back only after it ended well: whatever stops halfway (an error, a future that
/// is dropped) drops the connection with it, and `SQLite` rolls back.
pub(crate) type Slot = Arc<Mutex<Option<SqliteConnection>>>;

/// The last event of a subject, as a transaction sees it; 0 for none.
#[derive(Clone, Copy)]
struct Last {
    /// Of those that were there before the transaction; none while nobody asked.
    before: Option<Seq>,
    /// Of all.
    now: Seq,
}

/// An exclusive transaction: nobody else, in this process or another, writes until it ends. Dropped without [`Writer::commit`],
/// it leaves no trace.
pub struct Writer {
    slot: OwnedMutexGuard<Option<SqliteConnection>>,
    connection: Option<SqliteConnection>,
    path: Arc<Path>,
    /// How many events there were when the transaction began: whatever comes after is its own, for nobody else can write.
    began: Seq,
    head: Head,
    subjects: HashMap<String, Last>,
    pending: Vec<(Prepared, Stored)>,
}

impl Writer {
    pub(crate) async fn begin(slot: &Slot, path: &Arc<Path>) -> Result<Self> {
        let mut slot = Arc::clone(slot).lock_owned().await;
        let mut connection = match slot.take() {
            Some(connection) => connection,
            None => connect(path, Access::Write).await?,
        };
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await
            .map_err(|error| Error::storage(path, error))?;
        let head = read::head(&mut connection, path).await?;
        let (subjects, pending) = (HashMap::new(), Vec::new());
        Ok(Self {
            slot,
            connection: Some(connection),
            path: Arc::clone(path),
            began: head.count,
            head,
            subjects,
            pending,
        })
    }

    /// How far the ledger reaches, with what this transaction appended.
    #[allow(clippy::unused_async)] // so that a head on another server can be asked for
    pub async fn head(&mut self) -> Result<Head> {
        Ok(self.head)
    }

    /// The events of a subject, in order, with what this transaction appended.
    pub async fn of_subject(&mut self, subject: &str) -> Result<Vec<Stored>> {
        self.flush().await?;
        let path = Arc::clone(&self.path);
        read::of_subject(self.connection()?, &path, subject, None).await
    }

    /// The events of a kind, in order, with what this transaction appended.
    pub async fn of_kind(&mut self, kind: &str) -> Result<Vec<Stored>> {
        self.flush().await?;
        let path = Arc::clone(&self.path);
        read::of_kind(self.connection()?, &path, kind, None).await
    }

    /// The events without a subject, in order, with what this transaction appended.
    pub async fn without_subject(&mut self) -> Result<Vec<Stored>> {
        self.flush().await?;
        let path = Arc::clone(&self.path);
        read::without_subject(self.connection()?, &path, None).await
    }

    /// Appends an event. [`Error::Conflict`] when an event of its subject that this transaction did not append came after the one
    /// that was expected; the transaction can go on after it, as after [`Error::Event`].
    pub async fn append(&mut self, draft: Draft) -> Result<Stored> {
        let prepared = Prepared::new(&draft)?;
        if let (Some(expected), Some(subject)) = (prepared.expect, &prepared.index.subject) {
            let (before, now) = self.last(subject).await?;
            if before > expected || expected > now {
                return Err(Error::Conflict { subject: subject.clone(), expected, found: now });
            }
        }
        self.push(prepared).await
    }

    /// Ends the transaction. What it appended is on the disk when this returns.
    pub async fn commit(mut self) -> Result<Head> {
        self.flush().await?;
        let mut connection = self.connection.take().ok_or_else(|| self.broken())?;
        sqlx::query("COMMIT")
            .execute(&mut connection)
            .await
            .map_err(|error| Error::storage(&self.path, error))?;
        *self.slot = Some(connection);
        Ok(self.head)
    }

    /// Ends the transaction without a trace, and keeps the connection for the next.
    async fn roll_back(mut self) {
        if let Some(mut connection) = self.connection.take()
            && sqlx::query("ROLLBACK").execute(&mut connection).await.is_ok()
        {
            *self.slot = Some(connection);
        }
    }

    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection> {
        let broken = self.broken();
        self.connection.as_mut().ok_or(broken)
    }

    fn broken(&self) -> Error {
        Error::Broken { path: self.path.to_path_buf() }
    }

    /// The last event of a subject before this transaction, and now.
    async fn last(&mut self, subject: &str) -> Result<(Seq, Seq)> {
        let known = self.subjects.get(subject).copied();
        if let Some(Last { before: Some(before), now }) = known {
            return Ok((before, now));
        }
        let (path, began) = (Arc::clone(&self.path), self.began);
        let connection = self.connection()?;
        let before = read::last_of_subject(connection, &path, subject, began).await?;
        let now = match known {
            Some(last) => last.now,
            // Not remembered, hence not pending: what this transaction may have appended of it has been given to the database.
            None => read::last_of_subject(connection, &path, subject, Seq::MAX).await?,
        };
        self.subjects.insert(subject.to_owned(), Last { before: Some(before), now });
        Ok((before, now))
    }

    /// Chains a prepared event on.
    async fn push(&mut self, prepared: Prepared) -> Result<Stored> {
        if self.connection.is_none() {
            return Err(self.broken());
        }
        let stored = Stored {
            seq: self.head.count + 1,
            hash: link(&self.head.hash.0, &prepared.bytes),
            bytes: prepared.bytes.clone(),
        };
        self.head = Head { count: stored.seq, hash: stored.hash };
        if let Some(subject) = &prepared.index.subject {
            match self.subjects.get_mut(subject) {
                Some(last) => last.now = stored.seq,
                None => drop(self.subjects.insert(subject.clone(), Last { before: None, now: stored.seq })),
            }
        }
        self.pending.push((prepared, stored.clone()));
        if self.pending.len() >= BATCHES[0] {
            self.flush().await?;
        }
        Ok(stored)
    }

    /// Gives what is pending to the database. A failure, or a caller that goes away meanwhile, ends the transaction.
    async fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut connection = self.connection.take().ok_or_else(|| self.broken())?;
        let mut rest = self.pending.as_slice();
        for (rows, statement) in BATCHES.iter().zip(INSERTS.iter()) {
            while rest.len() >= *rows {
                let (batch, after) = rest.split_at(*rows);
                insert(&mut connection, statement, batch)
                    .await
                    .map_err(|error| Error::storage(&self.path, error))?;
                rest = after;
            }
        }
        self.pending.clear();
        if self.subjects.len() > REMEMBERED {
            self.subjects.clear();
        }
        self.connection = Some(connection);
        Ok(())
    }
}

async fn insert(
    connection: &mut SqliteConnection,
    statement: &'static str,
    batch: &[(Prepared, Stored)],
) -> std::result::Result<(), sqlx::Error> {
    let mut values = SqliteArguments::default();
    values.reserve(batch.len() * 6, 0);
    for (prepared, stored) in batch {
        let index = &prepared.index;
        let seq = i64::try_from(stored.seq).map_err(|error| sqlx::Error::Encode(error.into()))?;
        values.add(seq).map_err(sqlx::Error::Encode)?;
        values.add(index.subject.as_deref()).map_err(sqlx::Error::Encode)?;
        values.add(index.kind.as_str()).map_err(sqlx::Error::Encode)?;
        values.add(index.recorded).map_err(sqlx::Error::Encode)?;
        values.add(&stored.bytes[..]).map_err(sqlx::Error::Encode)?;
        values.add(&stored.hash.0[..]).map_err(sqlx::Error::Encode)?;
    }
    sqlx::query_with(statement, values).execute(connection).await?;
    Ok(())
}

/// A caller that waits for its events to be on the disk.
pub(crate) struct Request {
    drafts: Vec<Prepared>,
    reply: oneshot::Sender<Result<Vec<Stored>>>,
}

/// The queue before the writer.
#[derive(Clone)]
pub(crate) struct Queue {
    requests: mpsc::Sender<Request>,
    path: Arc<Path>,
}

impl Queue {
    /// Starts the writer, which ends when the last copy of the queue is dropped.
    pub fn start(slot: Slot, path: Arc<Path>) -> Self {
        let (requests, mut waiting) = mpsc::channel::<Request>(GROUP_REQUESTS);
        let written_to = Arc::clone(&path);
        tokio::spawn(async move {
            while let Some(first) = waiting.recv().await {
                let mut events = first.drafts.len();
                let mut group = vec![first];
                while group.len() < GROUP_REQUESTS && events < GROUP_EVENTS {
                    let Ok(request) = waiting.try_recv() else { break };
                    events += request.drafts.len();
                    group.push(request);
                }
                write_group(&slot, &written_to, group).await;
            }
            if let Some(connection) = slot.lock().await.take() {
                let _ = connection.close().await; // nothing is pending on it
            }
        });
        Self { requests, path }
    }

    pub async fn append(&self, drafts: &[Draft]) -> Result<Vec<Stored>> {
        let drafts = drafts.iter().map(Prepared::new).collect::<Result<Vec<_>>>()?;
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, answer) = oneshot::channel();
        let stopped = || Error::Stopped { path: self.path.to_path_buf() };
        self.requests.send(Request { drafts, reply }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

/// One transaction for a group of requests. A conflict refuses its own request only; a failure refuses all.
async fn write_group(slot: &Slot, path: &Arc<Path>, group: Vec<Request>) {
    let (mut drafts, mut replies) = (Vec::new(), Vec::new());
    for request in group {
        drafts.push(request.drafts);
        replies.push(request.reply);
    }
    let outcomes = match write_all(slot, path, drafts).await {
        Ok(outcomes) => outcomes,
        Err(error) => replies.iter().map(|_| Err(error.clone())).collect(),
    };
    for (reply, outcome) in replies.into_iter().zip(outcomes) {
        let _ = reply.send(outcome); // whoever no longer waits does not want to know
    }
}

async fn write_all(
    slot: &Slot,
    path: &Arc<Path>,
    group: Vec<Vec<Prepared>>,
) -> Result<Vec<Result<Vec<Stored>>>> {
    let mut writer = Writer::begin(slot, path).await?;
    let mut outcomes = Vec::with_capacity(group.len());
    for drafts in group {
        outcomes.push(match conflict(&mut writer, &drafts).await? {
            Some(conflict) => Err(conflict),
            None => Ok(append_checked(&mut writer, drafts).await?),
        });
    }
    if outcomes.iter().any(Result::is_ok) {
        writer.commit().await?;
    } else {
        writer.roll_back().await;
    }
    Ok(outcomes)
}

/// All expectations of a request are held against what was there before it: its own events do not come in between.
async fn conflict(writer: &mut Writer, drafts: &[Prepared]) -> Result<Option<Error>> {
    for draft in drafts {
        if let (Some(expected), Some(subject)) = (draft.expect, &draft.index.subject) {
            let (_, found) = writer.last(subject).await?;
            if found != expected {
                return Ok(Some(Error::Conflict { subject: subject.clone(), expected, found }));
            }
        }
    }
    Ok(None)
}

async fn append_checked(writer: &mut Writer, drafts: Vec<Prepared>) -> Result<Vec<Stored>> {
    let mut stored = Vec::with_capacity(drafts.len());
    for draft in drafts {
        stored.push(writer.push(draft).await?);
    }
    Ok(stored)
}
