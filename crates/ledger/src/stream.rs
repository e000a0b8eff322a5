//! Reading whole ledgers: all events, or whole subjects in blocks, without ever holding the whole.
//!
//! Never checks the chain: that is the work of `verify`. A stream is of one moment, however long the reading takes.
//!
//! A row costs far more to hand from `SQLite`'s thread to ours than its bytes do. From a file, the streams therefore ask for one row per
//! subject, or per 512 events, in which `SQLite` has strung the events together: their places, their lengths, their bytes, their
//! hashes. `PostgreSQL` hands over rows as fast as they are taken; there, a block is a statement that goes on where the last one ended.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::address::Address;
use crate::chain::Seq;
use crate::draft::Stored;
use crate::error::{Error, Result};
use crate::read::{get, head, nanoseconds, number, place, sized, stored};
use crate::store::{self, Pool, Row, Snapshot, Value};

/// Events that are asked for at once: of all, and of subjects on `PostgreSQL`.
const BLOCK: u64 = 512;
/// Blocks that a stream reads ahead of whoever takes them.
const AHEAD: usize = 2;

/// The columns of events that were strung together in order. The order is checked where they are taken apart.
macro_rules! strung {
    () => {
        "group_concat(seq, ' '), group_concat(length(bytes), ' '), \
         CAST(group_concat(CAST(bytes AS TEXT), '') AS BLOB), CAST(group_concat(CAST(hash AS TEXT), '') AS BLOB)"
    };
}

type Subject = (String, Vec<Stored>);
type Sender<T> = mpsc::Sender<Result<T>>;

/// Whole subjects in blocks, in order of their ids (byte order). All blocks are of one moment, however long the reading takes.
///
/// A subject has at most a gigabyte of events, the most that `SQLite` returns at once.
pub struct SubjectBlocks {
    blocks: Ahead<Vec<Subject>>,
}

impl SubjectBlocks {
    pub(crate) fn new(pool: Pool, at: Arc<Address>, up_to: Option<Timestamp>, block: usize) -> Self {
        Self { blocks: Ahead::new(move |sender| read_subjects(pool, at, up_to, block.max(1), sender)) }
    }

    /// The next block; none when there is no more, also after an error.
    pub async fn next(&mut self) -> Option<Result<Vec<Subject>>> {
        self.blocks.next().await
    }
}

/// Gathers subjects into blocks and hands these on.
struct Blocks {
    sender: Sender<Vec<Subject>>,
    size: usize,
    block: Vec<Subject>,
}

impl Blocks {
    /// Whether anybody waits for more.
    async fn push(&mut self, subject: Subject) -> bool {
        self.block.push(subject);
        if self.block.len() < self.size {
            return true;
        }
        let block = std::mem::replace(&mut self.block, Vec::with_capacity(self.size));
        self.sender.send(Ok(block)).await.is_ok()
    }

    async fn finish(self) {
        if !self.block.is_empty() {
            let _ = self.sender.send(Ok(self.block)).await; // nobody waits: nothing to do
        }
    }
}

async fn read_subjects(
    pool: Pool,
    at: Arc<Address>,
    up_to: Option<Timestamp>,
    size: usize,
    sender: Sender<Vec<Subject>>,
) -> Result<()> {
    let blocks = Blocks { sender, size, block: Vec::with_capacity(size.min(1024)) };
    match pool {
        Pool::Sqlite(_) => read_strung_subjects(&pool, &at, up_to, blocks).await,
        Pool::Postgres(_) => read_subjects_by_rows(&pool, &at, up_to, blocks).await,
    }
}

async fn read_strung_subjects(
    pool: &Pool,
    at: &Address,
    up_to: Option<Timestamp>,
    mut blocks: Blocks,
) -> Result<()> {
    let storage = |source| store::error(at, source);
    let mut reader = pool.acquire(at).await?;
    let statement = concat!(
        "SELECT subject, ",
        strung!(),
        " FROM events INDEXED BY events_by_subject WHERE subject IS NOT NULL AND recorded <= $1 GROUP BY subject ORDER BY subject"
    );
    let mut rows = reader.on().fetch(statement, &[nanoseconds(up_to)]).map_err(storage)?;
    while let Some(row) = rows.try_next().await.map_err(storage)? {
        if !blocks.push((get(&row, 0, at)?, unstring(&row, 1, at)?)).await {
            return Ok(());
        }
    }
    blocks.finish().await;
    Ok(())
}

async fn read_subjects_by_rows(
    pool: &Pool,
    at: &Address,
    up_to: Option<Timestamp>,
    mut blocks: Blocks,
) -> Result<()> {
    let mut snapshot = pool.snapshot(at).await?;
    let mut subject: Subject = (String::new(), Vec::new());
    loop {
        let after = (subject.0.clone(), subject.1.last().map_or(0, |event| event.seq));
        let rows = rows_of_subjects(&mut snapshot, at, up_to, &after).await?;
        let count = rows.len() as u64;
        for (id, event) in rows {
            if id != subject.0 {
                let done = std::mem::replace(&mut subject, (id, Vec::new()));
                if !done.1.is_empty() && !blocks.push(done).await {
                    return Ok(());
                }
            }
            subject.1.push(event);
        }
        if count < BLOCK {
            break;
        }
    }
    if subject.1.is_empty() || blocks.push(subject).await {
        blocks.finish().await;
    }
    Ok(())
}

/// The rows that follow on an event of a subject, in order of subject and place.
async fn rows_of_subjects(
    snapshot: &mut Snapshot,
    at: &Address,
    up_to: Option<Timestamp>,
    after: &(String, Seq),
) -> Result<Vec<(String, Stored)>> {
    let statement = "SELECT subject, seq, bytes, hash FROM events \
                     WHERE (subject, seq) > ($1, $2) AND recorded <= $3 ORDER BY subject, seq LIMIT $4";
    let values = [Value::Text(&after.0), number(after.1), nanoseconds(up_to), number(BLOCK)];
    let rows =
        snapshot.on().fetch_all(statement, &values).await.map_err(|source| store::error(at, source))?;
    rows.iter().map(|row| Ok((get(row, 0, at)?, stored(row, 1, at)?))).collect()
}

/// All events in order of their places. All are of one moment, however long the reading takes.
pub struct Events {
    blocks: Ahead<Vec<Stored>>,
    block: std::vec::IntoIter<Stored>,
}

impl Events {
    pub(crate) fn new(pool: Pool, at: Arc<Address>, from: Seq) -> Self {
        Self {
            blocks: Ahead::new(move |sender| read_all(pool, at, from, sender)),
            block: Vec::new().into_iter(),
        }
    }

    /// The next event; none when there is no more, also after an error.
    pub async fn next(&mut self) -> Option<Result<Stored>> {
        loop {
            if let Some(event) = self.block.next() {
                return Some(Ok(event));
            }
            match self.blocks.next().await? {
                Ok(block) => self.block = block.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

async fn read_all(pool: Pool, at: Arc<Address>, from: Seq, sender: Sender<Vec<Stored>>) -> Result<()> {
    let mut snapshot = pool.snapshot(&at).await?;
    let last = head(snapshot.on(), &at).await?.count;
    let mut from = from.max(1);
    while from <= last {
        let block = block_from(&mut snapshot, &at, from).await?;
        // A gap as long as a block is no reason to stop: `verify` is there to tell of it.
        if !block.is_empty() && sender.send(Ok(block)).await.is_err() {
            return Ok(());
        }
        from += BLOCK;
    }
    Ok(())
}

async fn block_from(snapshot: &mut Snapshot, at: &Address, from: Seq) -> Result<Vec<Stored>> {
    let storage = |source| store::error(at, source);
    let values = [number(from), number(from + BLOCK - 1)];
    if let Snapshot::Sqlite(_) = snapshot {
        let statement = concat!("SELECT count(*), ", strung!(), " FROM events WHERE seq BETWEEN $1 AND $2");
        let row = snapshot.on().fetch_one(statement, &values).await.map_err(storage)?;
        return if get::<i64>(&row, 0, at)? > 0 { unstring(&row, 1, at) } else { Ok(Vec::new()) };
    }
    let statement = "SELECT seq, bytes, hash FROM events WHERE seq BETWEEN $1 AND $2 ORDER BY seq";
    let rows = snapshot.on().fetch_all(statement, &values).await.map_err(storage)?;
    rows.iter().map(|row| stored(row, 0, at)).collect()
}

/// A subject's events in one row.
pub(crate) async fn strung_of_subject(
    on: store::On<'_>,
    at: &Address,
    subject: &str,
    up_to: Option<Timestamp>,
) -> Result<Vec<Stored>> {
    let statement = concat!(
        "SELECT count(*), ",
        strung!(),
        " FROM events INDEXED BY events_by_subject WHERE subject = $1 AND recorded <= $2"
    );
    let row = on
        .fetch_one(statement, &[Value::Text(subject), nanoseconds(up_to)])
        .await
        .map_err(|source| store::error(at, source))?;
    if get::<i64>(&row, 0, at)? > 0 { unstring(&row, 1, at) } else { Ok(Vec::new()) }
}

/// Takes events apart that were strung together, the first of the four columns being `column`.
fn unstring(row: &Row, column: usize, at: &Address) -> Result<Vec<Stored>> {
    let (places, lengths): (&str, &str) = (get(row, column, at)?, get(row, column + 1, at)?);
    let mut rest = Bytes::copy_from_slice(get::<&[u8]>(row, column + 2, at)?);
    let hashes: &[u8] = get(row, column + 3, at)?;
    let uneven =
        || Error::damaged(at, "events of one block have places, lengths and hashes that do not go together");

    let mut events: Vec<Stored> = Vec::with_capacity(hashes.len() / 32);
    let (mut hashes, mut lengths) = (hashes.chunks_exact(32), lengths.split(' '));
    for seq in places.split(' ') {
        let (hash, length) = (hashes.next().ok_or_else(uneven)?, lengths.next().ok_or_else(uneven)?);
        let length: usize = length.parse().map_err(|_| uneven())?;
        if length > rest.len() {
            return Err(uneven());
        }
        let seq = place(seq.parse().map_err(|_| uneven())?, at)?;
        events.push(Stored { seq, hash: sized(hash, at)?, bytes: rest.split_to(length) });
    }
    if !rest.is_empty()
        || lengths.next().is_some()
        || hashes.next().is_some()
        || !hashes.remainder().is_empty()
    {
        return Err(uneven());
    }
    // The order of `group_concat` is that of the index, by which the rows come; it is not promised, so it is looked at.
    if !events.is_sorted_by_key(|event| event.seq) {
        events.sort_unstable_by_key(|event| event.seq);
    }
    Ok(events)
}

/// Reads ahead in a task of its own, which begins when the first block is asked for and ends when nobody waits any more.
struct Ahead<T> {
    state: State<T>,
}

type Start<T> = Box<dyn FnOnce(Sender<T>) -> futures_util::future::BoxFuture<'static, Result<()>> + Send>;

enum State<T> {
    Ready(Start<T>),
    Reading(mpsc::Receiver<Result<T>>),
    Done,
}

impl<T: Send + 'static> Ahead<T> {
    fn new<F>(start: impl FnOnce(Sender<T>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        Self { state: State::Ready(Box::new(move |sender| Box::pin(start(sender)))) }
    }

    async fn next(&mut self) -> Option<Result<T>> {
        if let State::Ready(_) = self.state
            && let State::Ready(start) = std::mem::replace(&mut self.state, State::Done)
        {
            let (sender, receiver) = mpsc::channel(AHEAD);
            let reading = start(sender.clone());
            tokio::spawn(async move {
                if let Err(error) = reading.await {
                    let _ = sender.send(Err(error)).await; // nobody waits: nobody to tell
                }
            });
            self.state = State::Reading(receiver);
        }
        let State::Reading(receiver) = &mut self.state else { return None };
        let next = receiver.recv().await;
        if !matches!(next, Some(Ok(_))) {
            self.state = State::Done;
        }
        next
    }
}
