//! Reading: single events, and those of a subject or a kind.
//!
//! Never interprets an event, and does not check the chain: that is the work of `verify`. See `stream` for reading whole ledgers.

use bytes::Bytes;
use futures_util::TryStreamExt;
use jiff::Timestamp;

use crate::address::Address;
use crate::chain::{Hash, Head, Seq};
use crate::draft::Stored;
use crate::error::{Error, Result};
use crate::store::{self, On, Row, Value};

/// `None` is later than everything.
pub(crate) fn nanoseconds(up_to: Option<Timestamp>) -> Value<'static> {
    let Some(moment) = up_to else { return Value::Number(i64::MAX) };
    let nanoseconds = moment.as_nanosecond();
    Value::Number(i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX }))
}

/// Databases count in signed integers; no ledger comes near their end.
pub(crate) fn number(seq: Seq) -> Value<'static> {
    Value::Number(i64::try_from(seq).unwrap_or(i64::MAX))
}

pub(crate) async fn head(on: On<'_>, at: &Address) -> Result<Head> {
    let row = on
        .fetch_optional("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1", &[])
        .await
        .map_err(|source| store::error(at, source))?;
    let Some(row) = row else { return Ok(Head::EMPTY) };
    Ok(Head { count: place(get(&row, 0, at)?, at)?, hash: sized(get(&row, 1, at)?, at)? })
}

/// The last event of a subject up to a place; 0 for none.
pub(crate) async fn last_of_subject(on: On<'_>, at: &Address, subject: &str, up_to: Seq) -> Result<Seq> {
    let statement = "SELECT max(seq) FROM events WHERE subject = $1 AND seq <= $2";
    let row = on
        .fetch_one(statement, &[Value::Text(subject), number(up_to)])
        .await
        .map_err(|source| store::error(at, source))?;
    get::<Option<i64>>(&row, 0, at)?.map_or(Ok(0), |seq| place(seq, at))
}

/// The last event of each of many subjects, 0 for none, on `PostgreSQL`: one walk down the index for each, and one answer for all.
pub(crate) async fn last_of_subjects(on: On<'_>, at: &Address, subjects: &[String]) -> Result<Vec<Seq>> {
    let statement = "SELECT (SELECT max(seq) FROM events WHERE subject = given.name) \
                     FROM unnest($1::text[]) WITH ORDINALITY AS given (name, nth) ORDER BY nth";
    let rows = on
        .fetch_all(statement, &[Value::Texts(subjects)])
        .await
        .map_err(|source| store::error(at, source))?;
    let last = |row| get::<Option<i64>>(row, 0, at)?.map_or(Ok(0), |seq| place(seq, at));
    rows.iter().map(last).collect()
}

pub(crate) async fn event(on: On<'_>, at: &Address, seq: Seq) -> Result<Option<Stored>> {
    let row = on
        .fetch_optional("SELECT seq, bytes, hash FROM events WHERE seq = $1", &[number(seq)])
        .await
        .map_err(|source| store::error(at, source))?;
    row.map(|row| stored(&row, 0, at)).transpose()
}

pub(crate) async fn of_subject(
    on: On<'_>,
    at: &Address,
    subject: &str,
    up_to: Option<Timestamp>,
) -> Result<Vec<Stored>> {
    if let On::Sqlite(_) = on {
        return crate::stream::strung_of_subject(on, at, subject, up_to).await;
    }
    let statement = "SELECT seq, bytes, hash FROM events WHERE subject = $1 AND recorded <= $2 ORDER BY seq";
    gather(on, at, statement, &[Value::Text(subject), nanoseconds(up_to)]).await
}

pub(crate) async fn of_kind(
    on: On<'_>,
    at: &Address,
    kind: &str,
    up_to: Option<Timestamp>,
) -> Result<Vec<Stored>> {
    let statement = "SELECT seq, bytes, hash FROM events WHERE kind = $1 AND recorded <= $2 ORDER BY seq";
    gather(on, at, statement, &[Value::Text(kind), nanoseconds(up_to)]).await
}

pub(crate) async fn without_subject(
    on: On<'_>,
    at: &Address,
    up_to: Option<Timestamp>,
) -> Result<Vec<Stored>> {
    let statement =
        "SELECT seq, bytes, hash FROM events WHERE subject IS NULL AND recorded <= $1 ORDER BY seq";
    gather(on, at, statement, &[nanoseconds(up_to)]).await
}

/// Counted over the index by subject alone: no event is touched.
pub(crate) async fn count_subjects(on: On<'_>, at: &Address) -> Result<u64> {
    let row = on
        .fetch_one("SELECT count(DISTINCT subject) FROM events WHERE subject IS NOT NULL", &[])
        .await
        .map_err(|source| store::error(at, source))?;
    place(get(&row, 0, at)?, at)
}

/// The stored checkpoints and their numbers, in order.
pub(crate) async fn checkpoints(on: On<'_>) -> sqlx::Result<Vec<(i64, Vec<u8>)>> {
    let rows = on.fetch_all("SELECT number, bytes FROM checkpoints ORDER BY number", &[]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get::<&[u8]>(1)?.to_vec()))).collect()
}

/// The events of the rows a statement gives, in its order.
async fn gather(
    on: On<'_>,
    at: &Address,
    statement: &'static str,
    values: &[Value<'_>],
) -> Result<Vec<Stored>> {
    on.fetch(statement, values)
        .map_err(|source| store::error(at, source))?
        .map_err(|source| store::error(at, source))
        .and_then(async |row| stored(&row, 0, at))
        .try_collect()
        .await
}

/// An event of which `seq`, `bytes` and `hash` are in three columns, the first of them being `column`.
pub(crate) fn stored(row: &Row, column: usize, at: &Address) -> Result<Stored> {
    let (seq, bytes, hash): (i64, &[u8], &[u8]) =
        (get(row, column, at)?, get(row, column + 1, at)?, get(row, column + 2, at)?);
    Ok(Stored { seq: place(seq, at)?, hash: sized(hash, at)?, bytes: Bytes::copy_from_slice(bytes) })
}

pub(crate) fn get<'r, T>(row: &'r Row, column: usize, at: &Address) -> Result<T>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.get(column).map_err(|source| store::error(at, source))
}

pub(crate) fn place(seq: i64, at: &Address) -> Result<Seq> {
    Seq::try_from(seq)
        .map_err(|_| Error::damaged(at, format!("an event has the place {seq}, and places begin at 1")))
}

pub(crate) fn sized(hash: &[u8], at: &Address) -> Result<Hash> {
    let found = hash.len();
    hash.try_into()
        .map(Hash)
        .map_err(|_| Error::damaged(at, format!("a hash has {found} bytes, and should have 32")))
}
