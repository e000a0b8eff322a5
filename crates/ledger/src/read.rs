//! Reading: single events, those of a subject or a kind, and streams that never hold the whole ledger.
//!
//! Never interprets an event, and does not check the chain: that is the work of `verify`.
//!
//! A row costs far more to hand from `SQLite`'s thread to ours than its bytes do. The streams therefore ask for one row per subject,
//! or per 512 events, in which `SQLite` has strung the events together: their places, their lengths, their bytes, their hashes.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use jiff::Timestamp;
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row, SqliteConnection};
use tokio::sync::mpsc;

use crate::chain::{Hash, Head, Seq};
use crate::draft::Stored;
use crate::error::{Error, Result};

/// Events that `all` asks for at once.
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

/// `None` is later than everything.
fn nanoseconds(up_to: Option<Timestamp>) -> i64 {
    let Some(moment) = up_to else { return i64::MAX };
    let nanoseconds = moment.as_nanosecond();
    i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX })
}

/// `SQLite` counts in signed integers; no ledger comes near their end.
fn signed(seq: Seq) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

pub(crate) async fn head(connection: &mut SqliteConnection, path: &Path) -> Result<Head> {
    let row = sqlx::query("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")
        .fetch_optional(connection)
        .await
        .map_err(|error| Error::storage(path, error))?;
    let Some(row) = row else { return Ok(Head::EMPTY) };
    let (seq, hash): (i64, &[u8]) = (get(&row, 0, path)?, get(&row, 1, path)?);
    Ok(Head { count: place(seq, path)?, hash: sized(hash, path)? })
}

/// The last event of a subject up to a place; 0 for none.
pub(crate) async fn last_of_subject(
    connection: &mut SqliteConnection,
    path: &Path,
    subject: &str,
    up_to: Seq,
) -> Result<Seq> {
    let last: Option<i64> = sqlx::query_scalar("SELECT max(seq) FROM events WHERE subject = ? AND seq <= ?")
        .bind(subject)
        .bind(signed(up_to))
        .fetch_one(connection)
        .await
        .map_err(|error| Error::storage(path, error))?;
    last.map_or(Ok(0), |seq| place(seq, path))
}

pub(crate) async fn event(
    connection: &mut SqliteConnection,
    path: &Path,
    seq: Seq,
) -> Result<Option<Stored>> {
    let row = sqlx::query("SELECT seq, bytes, hash FROM events WHERE seq = ?")
        .bind(signed(seq))
        .fetch_optional(connection)
        .await
        .map_err(|error| Error::storage(path, error))?;
    row.map(|row| stored(&row, path)).transpose()
}

pub(crate) async fn of_subject(
    connection: &mut SqliteConnection,
    path: &Path,
    subject: &str,
    up_to: Option<Timestamp>,
) -> Result<Vec<Stored>> {
    let rows =
        sqlx::query("SELECT seq, bytes, hash FROM events WHERE subject = ? AND recorded <= ? ORDER BY seq")
            .bind(subject)
            .bind(nanoseconds(up_to))
            .fetch(connection);
    gather(rows, path).await
}

pub(crate) async fn of_kind(
    connection: &mut SqliteConnection,
    path: &Path,
    kind: &str,
    up_to: Option<Timestamp>,
) -> Result<Vec<Stored>> {
    let rows =
        sqlx::query("SELECT seq, bytes, hash FROM events WHERE kind = ? AND recorded <= ? ORDER BY seq")
            .bind(kind)
            .bind(nanoseconds(up_to))
            .fetch(connection);
    gather(rows, path).await
}

/// Counted over the index by subject alone: no event is touched.
pub(crate) async fn count_subjects(connection: &mut SqliteConnection, path: &Path) -> Result<u64> {
    let count: i64 =
        sqlx::query_scalar("SELECT count(DISTINCT subject) FROM events WHERE subject IS NOT NULL")
            .fetch_one(connection)
            .await
            .map_err(|error| Error::storage(path, error))?;
    place(count, path)
}

pub(crate) async fn without_subject(
    connection: &mut SqliteConnection,
    path: &Path,
    up_to: Option<Timestamp>,
) -> Result<Vec<Stored>> {
    let rows = sqlx::query(
        "SELECT seq, bytes, hash FROM events WHERE subject IS NULL AND recorded <= ? ORDER BY seq",
    )
    .bind(nanoseconds(up_to))
    .fetch(connection);
    gather(rows, path).await
}

/// The events of the rows a query gives, in its order.
async fn gather(rows: impl Stream<Item = sqlx::Result<SqliteRow>>, path: &Path) -> Result<Vec<Stored>> {
    rows.map_err(|error| Error::storage(path, error))
        .and_then(async |row| stored(&row, path))
        .try_collect()
        .await
}

fn stored(row: &SqliteRow, path: &Path) -> Result<Stored> {
    let (seq, bytes, hash): (i64, &[u8], &[u8]) =
        (get(row, 0, path)?, get(row, 1, path)?, get(row, 2, path)?);
    Ok(Stored { seq: place(seq, path)?, hash: sized(hash, path)?, bytes: Bytes::copy_from_slice(bytes) })
}

fn get<'r, T>(row: &'r SqliteRow, column: usize, path: &Path) -> Result<T>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(column).map_err(|error| Error::storage(path, error))
}

fn damaged(path: &Path, found: impl Into<String>) -> Error {
    Error::Damaged { path: path.to_owned(), found: found.into() }
}

fn place(seq: i64, path: &Path) -> Result<Seq> {
    Seq::try_from(seq)
        .map_err(|_| damaged(path, format!("an event has the place {seq}, and places begin at 1")))
}

fn sized(hash: &[u8], path: &Path) -> Result<Hash> {
    let found = hash.len();
    hash.try_into()
        .map(Hash)
        .map_err(|_| damaged(path, format!("a hash has {found} bytes, and should have 32")))
}

/// Takes events apart that were strung together, the first of the four columns being `column`.
fn unstring(row: &SqliteRow, column: usize, path: &Path) -> Result<Vec<Stored>> {
    let (places, lengths): (&str, &str) = (get(row, column, path)?, get(row, column + 1, path)?);
    let mut rest = Bytes::copy_from_slice(get::<&[u8]>(row, column + 2, path)?);
    let hashes: &[u8] = get(row, column + 3, path)?;
    let uneven =
        || damaged(path, "events of one block have places, lengths and hashes that do not go together");

    let mut events: Vec<Stored> = Vec::with_capacity(hashes.len() / 32);
    let (mut hashes, mut lengths) = (hashes.chunks_exact(32), lengths.split(' '));
    for seq in places.split(' ') {
        let (hash, length) = (hashes.next().ok_or_else(uneven)?, lengths.next().ok_or_else(uneven)?);
        let length: usize = length.parse().map_err(|_| uneven())?;
        if length > rest.len() {
            return Err(uneven());
        }
        let seq = place(seq.parse().map_err(|_| uneven())?, path)?;
        events.push(Stored { seq, hash: sized(hash, path)?, bytes: rest.split_to(length) });
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

/// Whole subjects in blocks, in order of their ids (byte order). All blocks are of one moment, however long the reading takes.
///
/// A subject has at most a gigabyte of events, the most that `SQLite` returns at once.
pub struct SubjectBlocks {
    blocks: Ahead<Vec<(String, Vec<Stored>)>>,
}

impl SubjectBlocks {
    pub(crate) fn new(pool: SqlitePool, path: Arc<Path>, up_to: Option<Timestamp>, block: usize) -> Self {
        Self { blocks: Ahead::new(move |sender| read_subjects(pool, path, up_to, block.max(1), sender)) }
    }

    /// The next block; none when there is no more, also after an error.
    pub async fn next(&mut self) -> Option<Result<Vec<(String, Vec<Stored>)>>> {
        self.blocks.next().await
    }
}

type Sender<T> = mpsc::Sender<Result<T>>;

async fn read_subjects(
    pool: SqlitePool,
    path: Arc<Path>,
    up_to: Option<Timestamp>,
    block: usize,
    sender: Sender<Vec<(String, Vec<Stored>)>>,
) -> Result<()> {
    let storage = |error| Error::storage(&path, error);
    let mut connection = pool.acquire().await.map_err(storage)?;
    let mut rows = sqlx::query(concat!(
        "SELECT subject, ",
        strung!(),
        " FROM events INDEXED BY events_by_subject WHERE subject IS NOT NULL AND recorded <= ? GROUP BY subject ORDER BY subject"
    ))
    .bind(nanoseconds(up_to))
    .fetch(&mut *connection);

    let mut subjects = Vec::with_capacity(block);
    while let Some(row) = rows.try_next().await.map_err(storage)? {
        subjects.push((get(&row, 0, &path)?, unstring(&row, 1, &path)?));
        if subjects.len() == block
            && sender.send(Ok(std::mem::replace(&mut subjects, Vec::with_capacity(block)))).await.is_err()
        {
            return Ok(());
        }
    }
    if !subjects.is_empty() {
        let _ = sender.send(Ok(subjects)).await; // nobody waits: nothing to do
    }
    Ok(())
}

/// All events in order of their places. All are of one moment, however long the reading takes.
pub struct Events {
    blocks: Ahead<Vec<Stored>>,
    block: std::vec::IntoIter<Stored>,
}

impl Events {
    pub(crate) fn new(pool: SqlitePool, path: Arc<Path>, from: Seq) -> Self {
        Self {
            blocks: Ahead::new(move |sender| read_all(pool, path, from, sender)),
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

async fn read_all(pool: SqlitePool, path: Arc<Path>, from: Seq, sender: Sender<Vec<Stored>>) -> Result<()> {
    let storage = |error| Error::storage(&path, error);
    let mut snapshot = pool.begin().await.map_err(storage)?;
    let last = head(&mut snapshot, &path).await?.count;
    let mut from = from.max(1);
    while from <= last {
        let row =
            sqlx::query(concat!("SELECT count(*), ", strung!(), " FROM events WHERE seq BETWEEN ? AND ?"))
                .bind(signed(from))
                .bind(signed(from + BLOCK - 1))
                .fetch_one(&mut *snapshot)
                .await
                .map_err(storage)?;
        // A gap as long as a block is no reason to stop: `verify` is there to tell of it.
        if get::<i64>(&row, 0, &path)? > 0 && sender.send(unstring(&row, 1, &path)).await.is_err() {
            return Ok(());
        }
        from += BLOCK;
    }
    Ok(())
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
