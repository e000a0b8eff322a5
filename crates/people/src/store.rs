//! Opening the store of people: where it lies, how it is connected to, and the rules it keeps.
//!
//! Never shows a password of its address. One code serves both stores, `SQLite` and `PostgreSQL`: statements use `$1` and columns are
//! text or 64-bit integers, which both understand alike. See `schema` for the tables.

use std::fmt;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, AnyRow};
use sqlx::{Any, AnyPool, ConnectOptions, Connection, Row, Transaction};
use tokio::sync::OnceCell;
use url::Url;

use crate::api_token::ApiToken;
use crate::error::{Error, Result};
use crate::password::{Hasher, Hashing};
use crate::recent::Recent;
use crate::schema;
use crate::sealing::{KeyPlace, Sealer};
use crate::session::Session;

/// How long to wait for a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// The schema in a `PostgreSQL` database where the address names none.
const SCHEMA: &str = "people";
/// Settings of each connection to an `SQLite` file. What is erased is overwritten; a sign-out survives a loss of power.
const SETTINGS: &str = "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; \
                        PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON";

/// The rules that an operator may set.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How long a session lasts without a request.
    pub idle: SignedDuration,
    /// How long a session lasts at most.
    pub absolute: SignedDuration,
    /// How many wrong passwords or codes within a quarter of an hour lock a user.
    pub wrong_by_user: u32,
    /// How many lock an address. A hospital often shows as one address, so this is more than for a user.
    pub wrong_by_address: u32,
    /// Who an authenticator app says the codes are for.
    pub issuer: String,
    /// What a password costs to hash.
    pub hashing: Hashing,
    /// Where the key lies that seals the secrets of second factors.
    pub key: KeyPlace,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            idle: SignedDuration::from_mins(30),
            absolute: SignedDuration::from_hours(12),
            wrong_by_user: 5,
            wrong_by_address: 25,
            issuer: "Trialwright".to_owned(),
            hashing: Hashing::default(),
            key: KeyPlace::default(),
        }
    }
}

/// The store of people. A clone is the same store.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    pool: AnyPool,
    place: Place,
    rules: Rules,
    hasher: Hasher,
    sealer: OnceCell<Sealer>,
    sessions: Recent<Session>,
    api_tokens: Recent<ApiToken>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.inner.place)
    }
}

impl Store {
    /// Opens the store at an address with the usual rules; see [`Store::open_with`].
    pub async fn open(address: &str) -> Result<Self> {
        Self::open_with(address, Rules::default()).await
    }

    /// Opens the store at an address, and makes or migrates what is missing.
    ///
    /// `address`: `postgres://…` or `postgresql://…`, with `?schema=NAME` (default `people`); any other text is the path of an `SQLite`
    /// file, which is made with mode 0600. Errors: the address, the file or the database cannot be used; a newer program wrote it.
    pub async fn open_with(address: &str, rules: Rules) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let place = Place::of(address)?;
        if let Place::File(path) = &place {
            prepare(path)?;
        }
        let pool = connect(&place).await?;
        match &place {
            Place::File(path) => {
                schema::lay_out_file(&pool, path).await?;
                keep_private(path)?;
            }
            Place::Postgres { schema, .. } => schema::lay_out_postgres(&pool, schema).await?,
        }
        let hasher = Hasher::new(&rules.hashing)?;
        let (sessions, api_tokens) = (Recent::new(), Recent::new());
        let sealer = OnceCell::new();
        Ok(Self { inner: Arc::new(Inner { pool, place, rules, hasher, sealer, sessions, api_tokens }) })
    }

    /// Whether the store answers: for a health check.
    pub async fn ready(&self) -> Result<()> {
        sqlx::query("SELECT 1 FROM people_version").fetch_optional(self.pool()).await?;
        Ok(())
    }

    /// Drops what has expired: sessions, attempts, drafts, the personal data in invitations that were used or ran out. Once an hour
    /// is enough; nothing that has expired opens anything before.
    pub async fn tidy(&self, now: Timestamp) -> Result<()> {
        self.tidy_sessions(now).await?;
        self.tidy_attempts(now).await?;
        self.tidy_invitations(now).await?;
        self.tidy_patient_links(now).await?;
        self.tidy_drafts(now).await
    }

    /// Copies the store as it is at this moment into a new `SQLite` file, for its owner alone, while it is in use. The key of the second
    /// factors is not in it.
    ///
    /// Errors: [`Error::InDatabase`]; [`Error::File`] where something stands there already or it cannot be written.
    pub async fn backup(&self, to: &Path) -> Result<()> {
        self.file().ok_or(Error::InDatabase)?;
        let failed = |source| Error::File { path: to.to_owned(), source };
        let text = to.to_str().ok_or_else(|| failed(std::io::ErrorKind::InvalidFilename.into()))?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(to).map_err(failed)?;
        // An empty file it takes for a new one.
        let copied = sqlx::query("VACUUM INTO $1").bind(text.to_owned()).execute(self.pool()).await;
        let kept = copied.map_err(Error::from).and_then(|_| file.sync_all().map_err(failed));
        if kept.is_err() {
            let _ = std::fs::remove_file(to);
        }
        kept
    }

    /// Lets the files or the connections go. Optional.
    pub async fn close(&self) {
        self.inner.pool.close().await;
    }

    pub(crate) fn pool(&self) -> &AnyPool {
        &self.inner.pool
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.inner.rules
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.inner.hasher
    }

    pub(crate) fn sealer_cell(&self) -> &OnceCell<Sealer> {
        &self.inner.sealer
    }

    /// The file of the store; none in a database.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.inner.place {
            Place::File(path) => Some(path),
            Place::Postgres { .. } => None,
        }
    }

    pub(crate) fn recent_sessions(&self) -> &Recent<Session> {
        &self.inner.sessions
    }

    pub(crate) fn recent_api_tokens(&self) -> &Recent<ApiToken> {
        &self.inner.api_tokens
    }

    /// Begins a transaction that may write. On `SQLite` it takes the right to write at once, so that it cannot lose it half-way.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>> {
        Ok(match self.inner.place {
            Place::File(_) => self.pool().begin_with("BEGIN IMMEDIATE").await?,
            Place::Postgres { .. } => self.pool().begin().await?,
        })
    }

    /// Makes what was just erased unreadable in the file as well: the write-ahead log still holds the old pages.
    pub(crate) async fn forget_pages(&self) -> Result<()> {
        if matches!(self.inner.place, Place::File(_)) {
            // Another reader may hold the log open; then the next checkpoint does it.
            sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(self.pool()).await?;
        }
        Ok(())
    }
}

/// Where a store lies.
enum Place {
    File(PathBuf),
    Postgres { url: Url, schema: String },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Postgres { url, schema } => {
                let host = url.host_str().unwrap_or("localhost");
                write!(f, "postgres://{host}{}?schema={schema}", url.path())
            }
        }
    }
}

impl Place {
    fn of(address: &str) -> Result<Self> {
        if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            return Self::postgres(address);
        }
        if address.is_empty() || address.contains("://") || address.contains('\0') {
            return Err(wrong("found neither a path nor a PostgreSQL address"));
        }
        let path = std::path::absolute(address)
            .map_err(|source| Error::File { path: PathBuf::from(address), source })?;
        Ok(Self::File(path))
    }

    fn postgres(address: &str) -> Result<Self> {
        // The parser's own message would do no harm, but says nothing of what is wrong either.
        let mut url = Url::parse(address).map_err(|error| wrong(&error.to_string()))?;
        let mut schema = SCHEMA.to_owned();
        let mut kept = Vec::new();
        for (name, value) in url.query_pairs() {
            if name == "schema" {
                schema = value.into_owned();
            } else {
                kept.push((name.into_owned(), value.into_owned()));
            }
        }
        let fits = (1..=63).contains(&schema.len())
            && schema.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !fits {
            return Err(wrong("the `schema` is not 1 to 63 letters, digits and `_`"));
        }
        // A password over the network goes over TLS unless the operator says otherwise.
        if !is_near(&url) && !kept.iter().any(|(name, _)| name == "sslmode" || name == "host") {
            kept.push(("sslmode".to_owned(), "require".to_owned()));
        }
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
        Ok(Self::Postgres { url, schema })
    }

    fn connect_options(&self) -> Result<AnyConnectOptions> {
        let url = match self {
            Self::File(path) => {
                let file = Url::from_file_path(path).map_err(|()| wrong("the path cannot be used"))?;
                let text = format!("sqlite://{}?mode=rw", file.path());
                Url::parse(&text).map_err(|error| wrong(&error.to_string()))?
            }
            Self::Postgres { url, .. } => url.clone(),
        };
        // Statements carry names and hashes, which have no place in a log of the program.
        Ok(AnyConnectOptions::from_url(&url)?.disable_statement_logging())
    }
}

fn wrong(found: &str) -> Error {
    Error::Address {
        found: found.to_owned(),
        right: "give the path of a file, or postgres://USER:PASSWORD@HOST/DATABASE?schema=people".to_owned(),
    }
}

/// Whether a database server is on this machine.
fn is_near(url: &Url) -> bool {
    match url.host_str() {
        None | Some("" | "localhost") => true,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback()),
    }
}

async fn connect(place: &Place) -> Result<AnyPool> {
    let options = place.connect_options()?;
    let unreachable = |source| Error::Unreachable { address: place.to_string(), source };
    // A pool would try again until its patience ends, and then say only that it did.
    let once = options.connect().await.map_err(unreachable)?;
    once.close().await.map_err(unreachable)?;
    let pool = AnyPoolOptions::new().acquire_timeout(PATIENCE);
    let pool = match place {
        Place::File(_) => {
            pool.max_connections(4).test_before_acquire(false).after_connect(|connection, _| {
                Box::pin(async move {
                    sqlx::raw_sql(SETTINGS).execute(connection).await?;
                    Ok(())
                })
            })
        }
        Place::Postgres { schema, .. } => {
            // The name was checked: letters, digits and `_`.
            let path: Arc<str> =
                format!("SET client_min_messages TO warning; SET search_path TO \"{schema}\"").into();
            pool.max_connections(8).after_connect(move |connection, _| {
                let path = sqlx::AssertSqlSafe(path.to_string());
                Box::pin(async move {
                    sqlx::raw_sql(path).execute(connection).await?;
                    Ok(())
                })
            })
        }
    };
    pool.connect_with(options).await.map_err(unreachable)
}

/// Makes the file where it is missing, for its owner alone. Its side files take the same mode from it.
fn prepare(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|source| Error::File { path: path.to_owned(), source })
}

/// Takes a store that is there from everybody but its owner: once it is known to be one.
#[cfg(unix)]
fn keep_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;

    for side in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(side);
        match std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)) {
            Err(source) if side.is_empty() || source.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::File { path: PathBuf::from(file), source });
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_private(_: &Path) -> Result<()> {
    Ok(())
}

/// A moment as it is stored: microseconds since 1970.
pub(crate) fn stamp(moment: Timestamp) -> i64 {
    moment.as_microsecond()
}

pub(crate) fn moment(stamp: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(stamp).map_err(|_| Error::damaged(format!("{stamp} is no moment")))
}

/// Later by a span; the end of time where there is nothing later.
pub(crate) fn after(moment: Timestamp, span: SignedDuration) -> Timestamp {
    moment.saturating_add(span).unwrap_or(Timestamp::MAX)
}

/// Earlier by a span; the beginning of time where there is nothing earlier.
pub(crate) fn before(moment: Timestamp, span: SignedDuration) -> Timestamp {
    moment.saturating_sub(span).unwrap_or(Timestamp::MIN)
}

/// Reading the columns of a row by name.
pub(crate) trait Columns {
    fn text(&self, column: &str) -> Result<String>;
    fn some_text(&self, column: &str) -> Result<Option<String>>;
    fn number(&self, column: &str) -> Result<i64>;
    fn some_number(&self, column: &str) -> Result<Option<i64>>;

    fn count(&self, column: &str) -> Result<u64> {
        counted(column, self.number(column)?)
    }
    fn flag(&self, column: &str) -> Result<bool> {
        Ok(self.number(column)? != 0)
    }
    fn moment(&self, column: &str) -> Result<Timestamp> {
        moment(self.number(column)?)
    }
    fn some_moment(&self, column: &str) -> Result<Option<Timestamp>> {
        self.some_number(column)?.map(moment).transpose()
    }
}

pub(crate) fn counted(column: &str, number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| Error::damaged(format!("`{column}` is {number}; a count was expected")))
}

impl Columns for AnyRow {
    fn text(&self, column: &str) -> Result<String> {
        Ok(self.try_get(column)?)
    }
    fn some_text(&self, column: &str) -> Result<Option<String>> {
        Ok(self.try_get(column)?)
    }
    fn number(&self, column: &str) -> Result<i64> {
        Ok(self.try_get(column)?)
    }
    fn some_number(&self, column: &str) -> Result<Option<i64>> {
        Ok(self.try_get(column)?)
    }
}

/// A value as JSON text in a column.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::damaged(error.to_string()))
}

pub(crate) fn from_json<T: serde::de::DeserializeOwned>(column: &str, text: &str) -> Result<T> {
    // The parser's message may quote what a person typed.
    serde_json::from_str(text).map_err(|error| {
        Error::damaged(format!("`{column}` is not what was written (column {} of its JSON)", error.column()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_address_is_never_shown() {
        let place = Place::of("postgres://office:hunter2hunter2@db.example/people").unwrap();
        assert_eq!(place.to_string(), "postgres://db.example/people?schema=people");
        let error = Place::of("postgres://office:hunter2hunter2@db.example/people?schema=a-b").err().unwrap();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn another_machine_is_spoken_to_over_tls() {
        let query = |address| match Place::of(address).unwrap() {
            Place::Postgres { url, .. } => url.query().unwrap_or_default().to_owned(),
            Place::File(_) => panic!("a file"),
        };
        assert_eq!(query("postgres://a@db.example/x"), "sslmode=require");
        assert_eq!(query("postgres://a@db.example/x?sslmode=verify-full"), "sslmode=verify-full");
        assert_eq!(query("postgres://a@127.0.0.1/x?schema=trial_1"), "");
        assert_eq!(query("postgres://a@[::1]/x"), "");
    }
}
