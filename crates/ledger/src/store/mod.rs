//! The two stores of a ledger behind one face: connections, statements with numbered places for values, rows.
//!
//! Never knows the statements about events: those are in `read` and `write`, the same text for both stores wherever both read it
//! alike. See `sqlite` and `postgres` for what each asks of its database.

pub(crate) mod postgres;
pub(crate) mod postgres_schema;
pub(crate) mod sqlite;
pub(crate) mod sqlite_schema;

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::sqlite::{SqliteArguments, SqlitePool, SqliteRow};
use sqlx::{
    Arguments, Connection as _, Decode, PgConnection, Postgres, Row as _, Sqlite, SqliteConnection,
    Transaction, Type,
};

use crate::address::Address;
use crate::error::{Error, Result};

pub(crate) use sqlite::sync_directory;

/// How a ledger is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Write,
    Read,
    /// A file on a medium that nobody can write to, without the side files of the write-ahead log.
    ReadImmutable,
}

/// A ledger that is known to be one, and how it is opened.
#[derive(Clone)]
pub(crate) struct Store {
    pub address: Arc<Address>,
    pub access: Access,
}

impl Store {
    /// Makes a ledger where there was none.
    pub async fn create(address: Address) -> Result<Self> {
        let address = match address {
            Address::File(path) => Address::File(sqlite::create(&path).await?),
            Address::Postgres(to) => {
                postgres::create(&to).await?;
                Address::Postgres(to)
            }
        };
        Ok(Self { address: Arc::new(address), access: Access::Write })
    }

    /// Looks what is there before anything of it is changed.
    pub async fn identify(address: Address, wanted: Access) -> Result<Self> {
        let (address, access) = match address {
            Address::File(path) => {
                let (path, access) = sqlite::identify(&path, wanted).await?;
                (Address::File(path), access)
            }
            Address::Postgres(at) => {
                postgres::identify(&at, wanted).await?;
                (Address::Postgres(at), wanted)
            }
        };
        Ok(Self { address: Arc::new(address), access })
    }

    /// The same ledger, to be read only.
    pub fn to_read(&self) -> Self {
        let access = if self.access == Access::Write { Access::Read } else { self.access };
        Self { address: Arc::clone(&self.address), access }
    }

    /// A connection of its own, for writing, for a long read or for a copy.
    pub async fn connect(&self) -> Result<Connection> {
        match &*self.address {
            Address::File(path) => sqlite::connect(path, self.access).await.map(Connection::Sqlite),
            Address::Postgres(at) => postgres::connect(at, self.access).await.map(Connection::Postgres),
        }
    }

    /// A connection of its own that reads many small rows.
    pub async fn connect_to_scan(&self) -> Result<Connection> {
        match &*self.address {
            Address::File(path) => {
                sqlite::connect_to_scan(path, self.to_read().access).await.map(Connection::Sqlite)
            }
            Address::Postgres(at) => postgres::connect(at, Access::Read).await.map(Connection::Postgres),
        }
    }

    /// The connections that reads share.
    pub fn readers(&self) -> Pool {
        match &*self.address {
            Address::File(path) => Pool::Sqlite(sqlite::readers(path, self.to_read().access)),
            Address::Postgres(at) => Pool::Postgres(postgres::readers(at)),
        }
    }
}

/// Sorts what a database said of the ledger at an address.
pub(crate) fn error(at: &Address, source: sqlx::Error) -> Error {
    match at {
        Address::File(_) => sqlite::error(at, source),
        Address::Postgres(_) => postgres::error(at, source),
    }
}

/// The connections that reads share.
#[derive(Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    /// A connection for one statement.
    pub async fn acquire(&self, at: &Address) -> Result<Reader> {
        let acquired = match self {
            Self::Sqlite(pool) => pool.acquire().await.map(Reader::Sqlite),
            Self::Postgres(pool) => pool.acquire().await.map(Reader::Postgres),
        };
        match acquired {
            Ok(reader) => Ok(reader),
            Err(source) => Err(not_acquired(at, source).await),
        }
    }

    /// A transaction in which every statement sees the same moment.
    pub async fn snapshot(&self, at: &Address) -> Result<Snapshot> {
        let begun = match self {
            Self::Sqlite(pool) => pool.begin().await.map(Snapshot::Sqlite),
            Self::Postgres(pool) => pool.begin_with(postgres::SNAPSHOT).await.map(Snapshot::Postgres),
        };
        match begun {
            Ok(snapshot) => Ok(snapshot),
            Err(source) => Err(not_acquired(at, source).await),
        }
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// A pool says the same of a server that is gone as of one that is busy; a connection of our own tells which.
async fn not_acquired(at: &Address, source: sqlx::Error) -> Error {
    if let (Address::Postgres(server), sqlx::Error::PoolTimedOut) = (at, &source)
        && let Err(reason) = postgres::connect(server, Access::Read).await
    {
        return reason;
    }
    error(at, source)
}

/// A connection of the pool; it goes back when it is dropped.
pub(crate) enum Reader {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Reader {
    pub fn on(&mut self) -> On<'_> {
        match self {
            Self::Sqlite(connection) => On::Sqlite(connection),
            Self::Postgres(connection) => On::Postgres(connection),
        }
    }
}

/// A transaction on a connection of the pool; it ends when it is dropped.
pub(crate) enum Snapshot {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Snapshot {
    pub fn on(&mut self) -> On<'_> {
        match self {
            Self::Sqlite(transaction) => On::Sqlite(transaction),
            Self::Postgres(transaction) => On::Postgres(transaction),
        }
    }
}

/// A connection of its own.
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Connection {
    pub fn on(&mut self) -> On<'_> {
        match self {
            Self::Sqlite(connection) => On::Sqlite(connection),
            Self::Postgres(connection) => On::Postgres(connection),
        }
    }

    /// Begins a transaction in which every statement sees the same moment. It ends with the connection.
    pub async fn snapshot(&mut self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(_) => self.on().script("BEGIN").await,
            Self::Postgres(_) => self.on().script(postgres::SNAPSHOT).await,
        }
    }

    pub async fn close(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        }
    }
}

/// A value in a statement.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'v> {
    Number(i64),
    Text(&'v str),
    Bytes(&'v [u8]),
    /// Many at once, which only `PostgreSQL` takes.
    Texts(&'v [String]),
}

/// A connection, lent for a statement, whose values stand at `$1`, `$2` and so on.
pub(crate) enum On<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl<'c> On<'c> {
    /// The same connection for a shorter time.
    pub fn again(&mut self) -> On<'_> {
        match self {
            Self::Sqlite(connection) => On::Sqlite(connection),
            Self::Postgres(connection) => On::Postgres(connection),
        }
    }

    /// The rows as they come.
    pub fn fetch(
        self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> sqlx::Result<BoxStream<'c, sqlx::Result<Row>>> {
        Ok(match self {
            Self::Sqlite(connection) => Box::pin(
                sqlx::query_with(statement, sqlite_arguments(values)?).fetch(connection).map_ok(Row::Sqlite),
            ),
            Self::Postgres(connection) => Box::pin(
                sqlx::query_with(statement, postgres_arguments(values)?)
                    .fetch(connection)
                    .map_ok(Row::Postgres),
            ),
        })
    }

    pub async fn fetch_all(self, statement: &'static str, values: &[Value<'_>]) -> sqlx::Result<Vec<Row>> {
        let patience = self.patience();
        within(patience, self.fetch(statement, values)?.try_collect()).await
    }

    pub async fn fetch_optional(
        self,
        statement: &'static str,
        values: &[Value<'_>],
    ) -> sqlx::Result<Option<Row>> {
        // To the end, though there is one row at most: what is left unread would have to be read before the next statement.
        Ok(self.fetch_all(statement, values).await?.into_iter().next())
    }

    pub async fn fetch_one(self, statement: &'static str, values: &[Value<'_>]) -> sqlx::Result<Row> {
        self.fetch_optional(statement, values).await?.ok_or(sqlx::Error::RowNotFound)
    }

    pub async fn execute(self, statement: &'static str, values: &[Value<'_>]) -> sqlx::Result<()> {
        self.fetch_all(statement, values).await.map(drop)
    }

    /// One or more statements without values, of this crate's own making.
    pub async fn script(self, statements: &str) -> sqlx::Result<()> {
        let script = sqlx::raw_sql(sqlx::AssertSqlSafe(statements));
        match self {
            Self::Sqlite(connection) => script.execute(connection).await.map(drop),
            Self::Postgres(connection) => {
                within(Some(postgres::PATIENCE_OF_STATEMENTS), script.execute(connection)).await.map(drop)
            }
        }
    }

    fn patience(&self) -> Option<Duration> {
        matches!(self, Self::Postgres(_)).then_some(postgres::PATIENCE_OF_STATEMENTS)
    }
}

/// Takes a server that says nothing for one that is lost: its machine or the network may be gone without a word.
pub(crate) async fn within<T>(
    patience: Option<Duration>,
    answer: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    let Some(patience) = patience else { return answer.await };
    tokio::time::timeout(patience, answer).await.unwrap_or_else(|_| {
        let found = format!("no answer within {} seconds", patience.as_secs());
        Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, found)))
    })
}

fn sqlite_arguments(values: &[Value<'_>]) -> sqlx::Result<SqliteArguments> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        match *value {
            Value::Number(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text),
            Value::Bytes(bytes) => arguments.add(bytes),
            Value::Texts(_) => Err("SQLite takes one value at a time".into()),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn postgres_arguments(values: &[Value<'_>]) -> sqlx::Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for value in values {
        match *value {
            Value::Number(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text),
            Value::Bytes(bytes) => arguments.add(bytes),
            Value::Texts(texts) => arguments.add(texts),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// A row that was read.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// The value of a column, counted from 0.
    pub fn get<'r, T>(&'r self, column: usize) -> sqlx::Result<T>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}
