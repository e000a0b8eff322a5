//! Reaching a `PostgreSQL` database: connections with the settings that durability asks for, making the schema, refusing what is no
//! ledger, and telling what a server says apart.
//!
//! Never reads an event. See <https://www.postgresql.org/docs/current/wal-async-commit.html> for what durability hangs on, and
//! `postgres_schema` for what is in the schema.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, PgConnection};

use super::postgres_schema::{FORMAT, FORMATS, MIGRATIONS};
use super::{Access, On, Value, within};
use crate::address::{Address, PostgresAddress};
use crate::error::{Error, Result};

/// How long to wait for a server to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a read waits for one of the connections that reads share.
const PATIENCE_OF_READERS: Duration = Duration::from_secs(5);
/// How long a statement may take whose rows are not handed on as they come.
pub(crate) const PATIENCE_OF_STATEMENTS: Duration = Duration::from_mins(2);
/// How many connections read at once.
const READERS: u32 = 8;
/// The locks of this program among all advisory locks of a database: the letters `TWLG`.
const OURS: i64 = 0x5457_4c47;

/// What a user needs.
const GRANT: &str = "grant the user USAGE on the schema and SELECT and INSERT on its tables; to make a ledger, CREATE on the database";

/// What makes an encrypted connection.
const CERTIFICATE: &str = "give the server a certificate that this machine trusts, or the address the one of who signed it (`sslrootcert`); \
                           where nobody can listen on the way, `sslmode=disable` does without";

/// Begins a transaction in which every statement sees the same moment.
pub(crate) const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Begins the exclusive transaction. Only writers wait for each other, on a lock that goes with the transaction; a reader never waits.
///
/// Each statement sees what was committed before it, so that the head is read after the lock was had. What the server's settings say
/// of durability is overruled, except where they ask for more. A writer that stands still for a minute, because its process does,
/// is thrown out, so that the others can go on; so is one whose machine is no longer there.
pub(crate) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
     SELECT set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') = 'remote_apply' \
     THEN 'remote_apply' ELSE 'on' END, true); \
     SET LOCAL idle_in_transaction_session_timeout = '60s'; \
     SELECT pg_advisory_xact_lock((1415007303::bigint << 32) | 'events'::regclass::oid::bigint)";

fn options(at: &PostgresAddress, access: Access) -> PgConnectOptions {
    let path = format!("\"{}\",pg_temp", at.schema());
    let only_read = if access == Access::Write { "off" } else { "on" };
    at.options()
        .clone()
        .options([
            ("search_path", path.as_str()),
            ("default_transaction_read_only", only_read),
            ("synchronous_commit", "on"),
            ("lock_timeout", "10s"),
            // A client that is gone without a word is noticed within two minutes.
            ("tcp_keepalives_idle", "60"),
            ("tcp_keepalives_interval", "15"),
            ("tcp_keepalives_count", "4"),
            ("client_min_messages", "warning"),
            // Compiling a statement takes longer than any of ours.
            ("jit", "off"),
        ])
        // Statements carry data on subjects, which have no place in a log of the program.
        .disable_statement_logging()
}

/// A connection of its own.
pub(crate) async fn connect(at: &PostgresAddress, access: Access) -> Result<PgConnection> {
    let options = options(at, access);
    within(Some(PATIENCE), options.connect()).await.map_err(|source| error(&at.clone().into(), source))
}

/// The connections that reads share. Each is tried before it is used: the server may have been started again meanwhile.
pub(crate) fn readers(at: &PostgresAddress) -> PgPool {
    PgPoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(PATIENCE_OF_READERS)
        .test_before_acquire(true)
        .connect_lazy_with(options(at, Access::Read))
}

/// Makes the schema, where there is none, and the tables in it: all or nothing.
pub(crate) async fn create(to: &PostgresAddress) -> Result<()> {
    let mut connection = connect(to, Access::Write).await?;
    begin_creation(&mut connection, to).await?;
    On::Postgres(&mut connection).script("COMMIT").await.map_err(|source| error(&to.clone().into(), source))
}

/// Begins a transaction in which a ledger is made. Nobody sees it before the caller commits.
pub(crate) async fn begin_creation(connection: &mut PgConnection, to: &PostgresAddress) -> Result<()> {
    let at: Address = to.clone().into();
    let say = |source| error(&at, source);
    let mut on = On::Postgres(connection);
    on.again()
        .script("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = on")
        .await
        .map_err(say)?;
    // Two who make the same schema come one after the other, and the second finds it.
    let (ours, schema) = (Value::Number(OURS), Value::Text(to.schema()));
    on.again()
        .execute("SELECT pg_advisory_xact_lock($1::int, hashtext($2))", &[ours, schema])
        .await
        .map_err(say)?;

    let encoding: String =
        scalar(on.again(), "SELECT current_setting('server_encoding')", &[]).await.map_err(say)?;
    if encoding != "UTF8" {
        return Err(Error::Denied {
            at,
            found: format!("the database keeps text as {encoding}, which cannot hold every event"),
            right: "make the database with the encoding UTF8",
        });
    }
    match found_in(on.again(), to).await? {
        Found::Ledger => return Err(Error::Exists { at }),
        Found::Other(found) => return Err(Error::NotALedger { at, found }),
        Found::Nothing => {
            on.again().script(&format!("CREATE SCHEMA \"{}\"", to.schema())).await.map_err(say)?;
        }
        Found::Empty => {}
    }
    on.again().script(FORMATS).await.map_err(say)?;
    migrate(on, &at, 0, MIGRATIONS).await
}

/// Looks what the schema holds before anything is changed in it. A ledger of an older format that is to be written is brought to ours.
pub(crate) async fn identify(at: &PostgresAddress, wanted: Access) -> Result<()> {
    let address: Address = at.clone().into();
    let say = |source| error(&address, source);
    let mut connection = connect(at, wanted).await?;
    match found_in(On::Postgres(&mut connection), at).await? {
        Found::Ledger => {}
        Found::Nothing | Found::Empty => return Err(Error::NotFound { at: address }),
        Found::Other(found) => return Err(Error::NotALedger { at: address, found }),
    }
    let mut format = read_format(On::Postgres(&mut connection), &address).await?;
    if format < FORMAT && wanted == Access::Write {
        let mut on = On::Postgres(&mut connection);
        on.again().script(BEGIN).await.map_err(say)?;
        // Another process may have done it while this one waited.
        format = read_format(on.again(), &address).await?;
        migrate(on.again(), &address, format, MIGRATIONS).await?;
        on.script("COMMIT").await.map_err(say)?;
    } else if format < FORMAT {
        return Err(Error::Denied {
            at: address,
            found: format!("the ledger is of format {format}, and this program reads format {FORMAT}"),
            right: "open it once for writing, which brings it to the new format",
        });
    }
    let _ = sqlx::Connection::close(connection).await; // nothing is pending on it
    Ok(())
}

enum Found {
    /// No schema of this name.
    Nothing,
    /// A schema without tables.
    Empty,
    Ledger,
    /// Something else, in words.
    Other(String),
}

async fn found_in(mut on: On<'_>, at: &PostgresAddress) -> Result<Found> {
    let address: Address = at.clone().into();
    let say = |source| error(&address, source);
    let schema = Value::Text(at.schema());
    let statement = "SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = $1";
    let Some(row) = on.again().fetch_optional(statement, &[schema]).await.map_err(say)? else {
        return Ok(Found::Nothing);
    };
    if !row.get::<bool>(0).map_err(say)? {
        let found = format!("permission denied for schema {}", at.schema());
        return Err(Error::Denied { at: address, found, right: GRANT });
    }
    let statement = "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY c.relname";
    let rows = on.fetch_all(statement, &[schema]).await.map_err(say)?;
    let tables: Vec<String> = rows.iter().map(|row| row.get(0)).collect::<sqlx::Result<_>>().map_err(say)?;
    let has = |name: &str| tables.iter().any(|table| table == name);
    Ok(match tables.len() {
        0 => Found::Empty,
        _ if has("ledger_formats") && has("events") => Found::Ledger,
        1 => Found::Other(format!("a schema with the table `{}`", tables[0])),
        count => Found::Other(format!("a schema with {count} tables, such as `{}`", tables[0])),
    })
}

async fn read_format(on: On<'_>, at: &Address) -> Result<i64> {
    let format: Option<i64> = scalar(on, "SELECT max(format) FROM ledger_formats", &[])
        .await
        .map_err(|source| error(at, source))?;
    match format {
        Some(found) if found > FORMAT => Err(Error::NewerFormat { at: at.clone(), found, known: FORMAT }),
        Some(format) if format >= 1 => Ok(format),
        found => Err(Error::damaged(at, format!("its format is {found:?}, which never was one"))),
    }
}

/// Takes the steps that come after a format, within the caller's transaction.
async fn migrate(mut on: On<'_>, at: &Address, from: i64, steps: &[(i64, &[&str])]) -> Result<()> {
    let say = |source| error(at, source);
    for (format, statements) in steps.iter().filter(|(format, _)| *format > from) {
        for statement in *statements {
            on.again().script(statement).await.map_err(say)?;
        }
        let format = Value::Number(*format);
        on.again()
            .execute("INSERT INTO ledger_formats (format) VALUES ($1)", &[format])
            .await
            .map_err(say)?;
    }
    Ok(())
}

async fn scalar<T>(on: On<'_>, statement: &'static str, values: &[Value<'_>]) -> sqlx::Result<T>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    on.fetch_one(statement, values).await?.get(0)
}

/// Whether the connection is of no more use, so that what it was told last may have been done or not.
pub(crate) fn is_lost(source: &sqlx::Error) -> bool {
    match source {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(_) => {
            // Class 57, operator intervention; class 08, connection exception; a transaction that stood still for too long.
            code(source)
                .is_some_and(|code| code.starts_with("57P") || code.starts_with("08") || code == "25P03")
        }
        _ => false,
    }
}

fn code(source: &sqlx::Error) -> Option<&str> {
    Some(source.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?.code())
}

/// Sorts what a server says by its code (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
pub(crate) fn error(at: &Address, source: sqlx::Error) -> Error {
    let at = at.clone();
    let said =
        source.as_database_error().map_or_else(|| source.to_string(), |error| error.message().to_owned());
    let denied = |right| Error::Denied { at: at.clone(), found: said.clone(), right };
    if let sqlx::Error::Io(reason) = &source
        && reason.kind() != io::ErrorKind::InvalidData
    {
        return Error::Unreachable { at, found: in_words(reason) };
    }
    // What the encryption does not like comes as data that makes no sense.
    if let sqlx::Error::Tls(_) | sqlx::Error::Io(_) = &source {
        return denied(CERTIFICATE);
    }
    match (code(&source), &source) {
        (Some("28P01"), _) => denied("give the right password in the address, in PGPASSWORD or in ~/.pgpass"),
        (Some("28000"), _) => denied("make this user, or let it in by the server's pg_hba.conf"),
        (Some("3D000"), _) => Error::NoDatabase { at },
        (Some("42501"), _) => denied(GRANT),
        (Some("53300"), _) => denied("close other connections, or raise the server's max_connections"),
        (Some("53100" | "53200"), _) => denied("make room on the server"),
        (Some("55P03" | "40P01"), _) | (_, sqlx::Error::PoolTimedOut) => Error::Locked { at },
        (Some("25006"), _) => Error::ReadOnly { at },
        (Some("25P03"), _) => Error::Broken { at },
        (Some("42P01" | "3F000" | "XX001" | "XX002"), _)
        | (_, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => {
            Error::Damaged { at, found: said }
        }
        _ if is_lost(&source) => Error::Unreachable { at, found: said },
        _ => Error::Storage { at, source: Arc::new(source) },
    }
}

fn in_words(reason: &io::Error) -> String {
    match reason.kind() {
        io::ErrorKind::ConnectionRefused => "nothing listens there".to_owned(),
        io::ErrorKind::NotFound => "there is no such socket".to_owned(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            "it closed the connection".to_owned()
        }
        _ => reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Option<PostgresAddress> {
        let database = temporary_postgres::cluster()?.database();
        let address = format!("{}&schema=migrated", database.socket_url()).parse().unwrap();
        std::mem::forget(database); // it goes with the cluster
        Some(address)
    }

    /// Two steps after ours, as a later program would bring them.
    const LATER: &[(i64, &[&str])] = &[
        MIGRATIONS[0],
        (2, &["CREATE TABLE second (n int)", "INSERT INTO second VALUES (1)"]),
        (3, &["ALTER TABLE second ADD more int"]),
    ];

    #[tokio::test]
    async fn each_step_is_taken_once_and_a_later_format_is_refused() {
        let Some(to) = schema() else { return };
        create(&to).await.unwrap();
        let at: Address = to.clone().into();
        let mut connection = connect(&to, Access::Write).await.unwrap();
        for from in [1, 3] {
            let mut on = On::Postgres(&mut connection);
            on.again().script(BEGIN).await.unwrap();
            migrate(on.again(), &at, from, LATER).await.unwrap();
            on.script("COMMIT").await.unwrap();
        }
        let statement = "SELECT string_agg(format::text, ' ' ORDER BY format) FROM ledger_formats";
        let formats: String = scalar(On::Postgres(&mut connection), statement, &[]).await.unwrap();
        assert_eq!(formats, "1 2 3");
        for wanted in [Access::Read, Access::Write] {
            let error = identify(&to, wanted).await.unwrap_err();
            assert!(matches!(error, Error::NewerFormat { found: 3, known: 1, .. }), "{error}");
        }
    }

    #[tokio::test]
    async fn a_step_that_fails_leaves_nothing_behind() {
        let Some(to) = schema() else { return };
        create(&to).await.unwrap();
        let mut connection = connect(&to, Access::Write).await.unwrap();
        let mut on = On::Postgres(&mut connection);
        on.again().script(BEGIN).await.unwrap();
        let steps: &[(i64, &[&str])] =
            &[(2, &["CREATE TABLE second (n int)", "CREATE TABLE second (n int)"])];
        migrate(on.again(), &to.clone().into(), 1, steps).await.unwrap_err();
        on.script("ROLLBACK").await.unwrap();
        identify(&to, Access::Write).await.unwrap();
        let statement = "SELECT count(*) FROM pg_tables WHERE tablename = 'second'";
        assert_eq!(scalar::<i64>(On::Postgres(&mut connection), statement, &[]).await.unwrap(), 0);
    }

    /// Whatever was set for the server, the database or the user, a commit waits for the disk.
    #[tokio::test]
    async fn a_transaction_that_writes_is_durable() {
        let Some(to) = schema() else { return };
        create(&to).await.unwrap();
        let mut connection = connect(&to, Access::Write).await.unwrap();
        for (set, expected) in [
            ("on", "on"),
            ("off", "on"),
            ("local", "on"),
            ("remote_write", "on"),
            ("remote_apply", "remote_apply"),
        ] {
            let mut on = On::Postgres(&mut connection);
            on.again().script(&format!("SET synchronous_commit = {set}; {BEGIN}")).await.unwrap();
            let found: String =
                scalar(on.again(), "SELECT current_setting('synchronous_commit')", &[]).await.unwrap();
            assert_eq!(found, expected);
            on.script("ROLLBACK").await.unwrap();
        }
    }

    #[test]
    fn the_last_step_leads_to_the_format() {
        assert!(MIGRATIONS.iter().map(|(format, _)| *format).eq(1..=FORMAT));
    }
}
