//! Many events in few statements: a round trip to the database costs more than a row.
//!
//! Never begins or ends a transaction, and gives no place and no hash. See `write` for who does.

use std::fmt::Write as _;
use std::sync::LazyLock;

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, PgConnection, SqliteConnection};

use crate::draft::{Prepared, Stored};
use crate::store::postgres::PATIENCE_OF_STATEMENTS;
use crate::store::{On, Row, within};

/// Events that are best given to the database at once.
pub(crate) const BATCH: usize = 128;
/// How many rows one statement of `SQLite` inserts.
const BATCHES: [usize; 3] = [BATCH, 16, 1];

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

/// The columns of an event.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'e> {
    seq: i64,
    subject: Option<&'e str>,
    kind: &'e str,
    recorded: i64,
    bytes: &'e [u8],
    hash: &'e [u8],
}

impl<'e> Columns<'e> {
    /// Of an event that was chained on.
    pub fn of(prepared: &'e Prepared, stored: &'e Stored) -> sqlx::Result<Self> {
        Ok(Self {
            seq: i64::try_from(stored.seq).map_err(|error| sqlx::Error::Encode(error.into()))?,
            subject: prepared.index.subject.as_deref(),
            kind: &prepared.index.kind,
            recorded: prepared.index.recorded,
            bytes: &stored.bytes,
            hash: &stored.hash.0,
        })
    }

    /// Of a row of these columns in this order, whatever they hold.
    pub fn of_row(row: &'e Row) -> sqlx::Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            subject: row.get(1)?,
            kind: row.get(2)?,
            recorded: row.get(3)?,
            bytes: row.get(4)?,
            hash: row.get(5)?,
        })
    }
}

/// Inserts events, in their order.
pub(crate) async fn insert(on: On<'_>, events: &[Columns<'_>]) -> sqlx::Result<()> {
    match on {
        On::Sqlite(connection) => into_sqlite(connection, events).await,
        On::Postgres(connection) => into_postgres(connection, events).await,
    }
}

async fn into_sqlite(connection: &mut SqliteConnection, events: &[Columns<'_>]) -> sqlx::Result<()> {
    let mut rest = events;
    for (rows, statement) in BATCHES.iter().zip(INSERTS.iter()) {
        while rest.len() >= *rows {
            let (batch, after) = rest.split_at(*rows);
            let mut values = SqliteArguments::default();
            values.reserve(batch.len() * 6, 0);
            for event in batch {
                values.add(event.seq).map_err(sqlx::Error::Encode)?;
                values.add(event.subject).map_err(sqlx::Error::Encode)?;
                values.add(event.kind).map_err(sqlx::Error::Encode)?;
                values.add(event.recorded).map_err(sqlx::Error::Encode)?;
                values.add(event.bytes).map_err(sqlx::Error::Encode)?;
                values.add(event.hash).map_err(sqlx::Error::Encode)?;
            }
            sqlx::query_with(statement.as_str(), values).execute(&mut *connection).await?;
            rest = after;
        }
    }
    Ok(())
}

/// Whole columns are handed over as arrays, so that one statement does for any number of rows.
async fn into_postgres(connection: &mut PgConnection, events: &[Columns<'_>]) -> sqlx::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let statement = "INSERT INTO events (seq, subject, kind, recorded, bytes, hash) \
                     SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::bytea[])";
    let insertion = sqlx::query(statement)
        .bind(events.iter().map(|event| event.seq).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.subject).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.kind).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.recorded).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.bytes).collect::<Vec<_>>())
        .bind(events.iter().map(|event| event.hash).collect::<Vec<_>>())
        .execute(connection);
    within(Some(PATIENCE_OF_STATEMENTS), insertion).await.map(drop)
}
