//! The exclusive transaction (`Writer`), in which places and hashes are given.
//!
//! Never acknowledges what is not on the disk, and never trusts a head it read outside the transaction: another process may
//! have written since. See <https://www.sqlite.org/lang_transaction.html> for `BEGIN IMMEDIATE`, `store::postgres` for the lock that
//! does the same there, and `queue` for how many callers share a transaction.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::address::Address;
use crate::chain::{Head, Seq, link};
use crate::draft::{Draft, Prepared, Stored};
use crate::error::{Error, Result};
use crate::insert::{BATCH, Columns, insert};
use crate::read;
use crate::store::{self, Connection, On, Store, Value, postgres};

/// Subjects whose last event a transaction remembers; more are looked up again.
const REMEMBERED: usize = 1 << 16;
/// For how long, and how often, a server that was lost during a commit is asked what became of it.
const ASKED_FOR: Duration = Duration::from_secs(10);
const ASKED_EVERY: Duration = Duration::from_millis(250);

/// The one connection of this process that writes, opened when it is needed.
///
/// Taken out while a transaction runs, and put back only after it ended well: whatever stops halfway (an error, a future that
/// is dropped) drops the connection with it, and the database rolls back.
pub(crate) type Slot = Arc<Mutex<Option<Connection>>>;

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
///
/// On `PostgreSQL` a transaction of which nothing is heard for a minute is ended by the server, so that others can go on.
pub struct Writer {
    /// None only while it is dropped.
    slot: Option<OwnedMutexGuard<Option<Connection>>>,
    /// None after a failure, and while the database is at work: whoever goes away meanwhile leaves a broken transaction.
    connection: Option<Connection>,
    store: Store,
    /// How many events there were when the transaction began: whatever comes after is its own, for nobody else can write.
    began: Seq,
    head: Head,
    subjects: HashMap<String, Last>,
    pending: Vec<(Prepared, Stored)>,
}

impl Writer {
    pub(crate) async fn begin(slot: &Slot, store: &Store) -> Result<Self> {
        let mut slot = Arc::clone(slot).lock_owned().await;
        let mut connection = match slot.take() {
            Some(mut kept) => match begin(&mut kept).await {
                Ok(()) => kept,
                // The server was started again meanwhile: nothing was asked of it yet, so that it can be asked anew.
                Err(source) if postgres::is_lost(&source) => connect_and_begin(store).await?,
                Err(source) => return Err(store::error(&store.address, source)),
            },
            None => connect_and_begin(store).await?,
        };
        let head = read::head(connection.on(), &store.address).await?;
        let (subjects, pending) = (HashMap::new(), Vec::new());
        let (slot, connection, store) = (Some(slot), Some(connection), store.clone());
        Ok(Self { slot, connection, store, began: head.count, head, subjects, pending })
    }

    /// How far the ledger reaches, with what this transaction appended.
    #[allow(clippy::unused_async)] // so that a head on another server can be asked for
    pub async fn head(&mut self) -> Result<Head> {
        Ok(self.head)
    }

    /// The events of a subject, in order, with what this transaction appended.
    pub async fn of_subject(&mut self, subject: &str) -> Result<Vec<Stored>> {
        self.flush().await?;
        self.read(async |on, at| read::of_subject(on, at, subject, None).await).await
    }

    /// The events of a kind, in order, with what this transaction appended.
    pub async fn of_kind(&mut self, kind: &str) -> Result<Vec<Stored>> {
        self.flush().await?;
        self.read(async |on, at| read::of_kind(on, at, kind, None).await).await
    }

    /// The events without a subject, in order, with what this transaction appended.
    pub async fn without_subject(&mut self) -> Result<Vec<Stored>> {
        self.flush().await?;
        self.read(async |on, at| read::without_subject(on, at, None).await).await
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
    ///
    /// Where the connection is lost meanwhile, the server is asked again what became of the transaction; [`Error::Uncertain`] when it
    /// cannot be reached for some seconds.
    pub async fn commit(mut self) -> Result<Head> {
        self.flush().await?;
        let mut connection = self.take()?;
        match connection.on().script("COMMIT").await {
            Ok(()) => {
                self.put_back(connection);
                Ok(self.head)
            }
            Err(source) if postgres::is_lost(&source) => {
                drop(connection);
                self.settle(source).await
            }
            Err(source) => Err(store::error(&self.store.address, source)),
        }
    }

    /// Ends the transaction without a trace, and keeps the connection for the next.
    pub(crate) async fn roll_back(mut self) {
        if let Some(mut connection) = self.connection.take()
            && connection.on().script("ROLLBACK").await.is_ok()
        {
            self.put_back(connection);
        }
    }

    /// Stores a checkpoint under the next number.
    pub(crate) async fn store_checkpoint(&mut self, line: &[u8]) -> Result<()> {
        self.flush().await?;
        let statement = "INSERT INTO checkpoints (number, bytes) SELECT coalesce(max(number), 0) + 1, $1 FROM checkpoints";
        self.read(async |on, at| {
            on.execute(statement, &[Value::Bytes(line)]).await.map_err(|source| store::error(at, source))
        })
        .await
    }

    /// Looks up at once the last events of subjects that have an expectation, where a database answers many as fast as one.
    pub(crate) async fn look_up<'d>(&mut self, drafts: impl Iterator<Item = &'d Prepared>) -> Result<()> {
        let expecting = drafts.filter(|draft| draft.expect.is_some());
        let mut subjects: Vec<_> = expecting.filter_map(|draft| draft.index.subject.clone()).collect();
        subjects.sort_unstable();
        subjects.dedup();
        if subjects.len() < 2 || !matches!(self.connection, Some(Connection::Postgres(_))) {
            return Ok(());
        }
        let found = self.read(async |on, at| read::last_of_subjects(on, at, &subjects).await).await?;
        for (subject, last) in subjects.into_iter().zip(found) {
            self.subjects.insert(subject, Last { before: Some(last), now: last });
        }
        Ok(())
    }

    fn broken(&self) -> Error {
        Error::Broken { at: (*self.store.address).clone() }
    }

    fn take(&mut self) -> Result<Connection> {
        let broken = self.broken();
        self.connection.take().ok_or(broken)
    }

    fn put_back(&mut self, connection: Connection) {
        if let Some(slot) = &mut self.slot {
            **slot = Some(connection);
        }
    }

    /// Asks the database within the transaction. A failure, or a caller that goes away meanwhile, ends it: `PostgreSQL` takes nothing
    /// more in a transaction in which a statement failed, and a commit of it would be none.
    async fn read<T>(&mut self, ask: impl AsyncFnOnce(On<'_>, &Address) -> Result<T>) -> Result<T> {
        let mut connection = self.take()?;
        let answer = ask(connection.on(), &self.store.address).await?;
        self.connection = Some(connection);
        Ok(answer)
    }

    /// The last event of a subject before this transaction, and now.
    pub(crate) async fn last(&mut self, subject: &str) -> Result<(Seq, Seq)> {
        let known = self.subjects.get(subject).copied();
        if let Some(Last { before: Some(before), now }) = known {
            return Ok((before, now));
        }
        let began = self.began;
        let (before, now) = self
            .read(async |on, at| {
                let mut on = on;
                let before = read::last_of_subject(on.again(), at, subject, began).await?;
                let now = match known {
                    Some(last) => last.now,
                    // Not remembered, hence not pending: what this transaction may have appended of it was given to the database.
                    None => read::last_of_subject(on, at, subject, Seq::MAX).await?,
                };
                Ok((before, now))
            })
            .await?;
        self.subjects.insert(subject.to_owned(), Last { before: Some(before), now });
        Ok((before, now))
    }

    /// Chains a prepared event on.
    pub(crate) async fn push(&mut self, prepared: Prepared) -> Result<Stored> {
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
        if self.pending.len() >= BATCH {
            self.flush().await?;
        }
        Ok(stored)
    }

    /// Gives what is pending to the database. A failure, or a caller that goes away meanwhile, ends the transaction.
    async fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut connection = self.take()?;
        let rows = self.pending.iter().map(|(prepared, stored)| Columns::of(prepared, stored));
        let written = match rows.collect::<sqlx::Result<Vec<_>>>() {
            Ok(rows) => insert(connection.on(), &rows).await,
            Err(source) => Err(source),
        };
        written.map_err(|source| store::error(&self.store.address, source))?;
        self.pending.clear();
        if self.subjects.len() > REMEMBERED {
            self.subjects.clear();
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// What became of a transaction whose end was not confirmed. The lock of a new one is had only after the lost one has ended, and
    /// then its last event is there, or nothing of it is: no other event has this place and this hash.
    async fn settle(&mut self, lost: sqlx::Error) -> Result<Head> {
        let at = &self.store.address;
        if self.head.count == self.began {
            return Err(store::error(at, lost));
        }
        let began = Instant::now();
        while began.elapsed() < ASKED_FOR {
            if let Ok(mut connection) = connect_and_begin(&self.store).await
                && let Ok(found) = read::event(connection.on(), at, self.head.count).await
            {
                let written = found.is_some_and(|event| event.hash == self.head.hash);
                if connection.on().script("ROLLBACK").await.is_ok() {
                    self.put_back(connection);
                }
                return if written { Ok(self.head) } else { Err(store::error(&self.store.address, lost)) };
            }
            tokio::time::sleep(ASKED_EVERY).await;
        }
        Err(Error::Uncertain { at: (**at).clone() })
    }
}

/// Rolls back on a task of its own, so that the connection serves the next transaction, which waits for it.
impl Drop for Writer {
    fn drop(&mut self) {
        let (Some(slot), Some(connection)) = (self.slot.take(), self.connection.take()) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let (mut slot, mut connection) = (slot, connection);
                if connection.on().script("ROLLBACK").await.is_ok() {
                    *slot = Some(connection);
                }
            });
        }
    }
}

async fn connect_and_begin(store: &Store) -> Result<Connection> {
    let mut connection = store.connect().await?;
    begin(&mut connection).await.map_err(|source| store::error(&store.address, source))?;
    Ok(connection)
}

async fn begin(connection: &mut Connection) -> sqlx::Result<()> {
    let statements = match connection {
        Connection::Sqlite(_) => "BEGIN IMMEDIATE",
        Connection::Postgres(_) => postgres::BEGIN,
    };
    connection.on().script(statements).await
}
