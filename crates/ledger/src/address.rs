//! Where a ledger lies: in an `SQLite` file or in a schema of a `PostgreSQL` database.
//!
//! Never connects to anything, and never shows a password. See <https://www.postgresql.org/docs/current/libpq-connect.html> for
//! the URLs, and `store` for what is done with an address.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use crate::error::{Error, Result};

/// The schema of a ledger whose address names none.
const SCHEMA: &str = "trialwright";
/// What `PostgreSQL` keeps of a name (`NAMEDATALEN` - 1).
const LONGEST_SCHEMA: usize = 63;
/// What may be said of a connection in the query of its URL. Any other word is refused: one that is misspelt would be without effect,
/// and `password` belongs where it is known to be one.
const PARAMETERS: [&str; 11] = [
    "schema",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "user",
    "application_name",
    "dbname",
];

/// Where a ledger lies.
///
/// Text that begins with `postgres://` or `postgresql://` is a [`PostgresAddress`]; any other is the path of a file. A [`Path`] is
/// always a file.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    /// An `SQLite` file.
    File(PathBuf),
    /// A schema of a `PostgreSQL` database.
    Postgres(PostgresAddress),
}

impl Address {
    /// The path, of a file.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }

    /// The database and schema, on `PostgreSQL`.
    pub fn postgres(&self) -> Option<&PostgresAddress> {
        match self {
            Self::File(_) => None,
            Self::Postgres(address) => Some(address),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(address) => address.fmt(f),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once("://") {
            Some((scheme, _)) if is_postgres(scheme) => text.parse().map(Self::Postgres),
            // A path may hold `://`, but no such file was ever meant where a scheme like those of URLs stands before it.
            Some((scheme, _))
                if scheme.len() > 1
                    && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+.-".contains(&c)) =>
            {
                Err(wrong(
                    format!("the address begins with `{scheme}://`"),
                    "it begins with `postgres://`, or it is the path of a file",
                ))
            }
            _ if text.is_empty() => Err(wrong(
                "the address is empty".to_owned(),
                "it is the path of a file, or begins with `postgres://`",
            )),
            _ => Ok(Self::File(PathBuf::from(text))),
        }
    }
}

fn is_postgres(scheme: &str) -> bool {
    ["postgres", "postgresql"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
}

impl From<PathBuf> for Address {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<&PathBuf> for Address {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

impl From<&Path> for Address {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<PostgresAddress> for Address {
    fn from(address: PostgresAddress) -> Self {
        Self::Postgres(address)
    }
}

impl From<&Self> for Address {
    fn from(address: &Self) -> Self {
        address.clone()
    }
}

impl TryFrom<&str> for Address {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        text.parse()
    }
}

impl TryFrom<String> for Address {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl TryFrom<&String> for Address {
    type Error = Error;

    fn try_from(text: &String) -> Result<Self> {
        text.parse()
    }
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// A schema of a `PostgreSQL` database, and how to reach it:
/// `postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?schema=NAME&sslmode=MODE&…]`.
///
/// A database may hold several ledgers, each in a schema of its own: letters, digits and `_`, `trialwright` when none is named.
/// Whatever is not said is taken from `PGHOST`, `PGPORT`, `PGUSER`, `PGPASSWORD`, `PGSSLMODE` or `~/.pgpass`, as other clients do.
/// To another machine the connection is encrypted (`sslmode=require`) unless the address says otherwise; `verify-full` also proves
/// who the server is.
#[derive(Clone)]
pub struct PostgresAddress(Arc<Parts>);

struct Parts {
    url: Url,
    schema: String,
    options: PgConnectOptions,
}

impl PostgresAddress {
    /// The schema that holds the ledger.
    pub fn schema(&self) -> &str {
        &self.0.schema
    }

    /// The same database, another schema in it. [`Error::Address`] when it is no name for one.
    pub fn with_schema(&self, schema: &str) -> Result<Self> {
        let mut url = self.0.url.clone();
        let others: Vec<_> = self.0.url.query_pairs().filter(|(name, _)| name != "schema").collect();
        url.query_pairs_mut().clear().extend_pairs(others).append_pair("schema", schema);
        url.as_str().parse()
    }

    /// How `sqlx` reaches the database, for what is kept beside the ledger. Its debugging output shows the password.
    pub fn options(&self) -> &PgConnectOptions {
        &self.0.options
    }

    /// The whole address, with its password: for another process, never for a page or a log.
    pub fn url(&self) -> &str {
        self.0.url.as_str()
    }
}

impl PartialEq for PostgresAddress {
    fn eq(&self, other: &Self) -> bool {
        self.0.url == other.0.url
    }
}

impl Eq for PostgresAddress {}

/// Without the password, and without what says how to encrypt: who, where, which schema.
impl fmt::Display for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.url.clone();
        // Refused by a URL without a host only, and that has no password either.
        let _ = url.set_password(None);
        let shown: Vec<_> = self
            .0
            .url
            .query_pairs()
            .filter(|(name, _)| matches!(name.as_ref(), "host" | "hostaddr" | "port" | "user" | "dbname"))
            .collect();
        url.query_pairs_mut().clear().extend_pairs(shown).append_pair("schema", &self.0.schema);
        f.write_str(url.as_str())
    }
}

impl fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresAddress({self})")
    }
}

impl FromStr for PostgresAddress {
    type Err = Error;

    /// No message repeats the text: its password would be in it.
    fn from_str(text: &str) -> Result<Self> {
        const RIGHT: &str = "it is postgres://USER:PASSWORD@HOST:PORT/DATABASE?schema=NAME, characters such as `@`, `/`, `#` and `?` \
                             in a password written as %40, %2F, %23 and %3F";
        let url =
            Url::parse(text).map_err(|error| wrong(format!("the address is no URL ({error})"), RIGHT))?;
        if !is_postgres(url.scheme()) {
            return Err(wrong(format!("the address begins with `{}:`", url.scheme()), RIGHT));
        }
        if url.fragment().is_some() {
            return Err(wrong("the address has a `#`".to_owned(), RIGHT));
        }
        let schema = schema_of(&url)?;
        // What is ours is taken out: sqlx would log what it does not know.
        let mut theirs = url.clone();
        let others: Vec<_> = url.query_pairs().filter(|(name, _)| name != "schema").collect();
        theirs.query_pairs_mut().clear().extend_pairs(others);
        let mut options = PgConnectOptions::from_str(theirs.as_str())
            .map_err(|error| wrong(format!("the address cannot be used ({error})"), RIGHT))?;
        if options.get_database().is_none_or(str::is_empty) {
            return Err(wrong("the address names no database".to_owned(), RIGHT));
        }
        if url.query_pairs().all(|(name, _)| name != "sslmode")
            && std::env::var_os("PGSSLMODE").is_none()
            && !is_here(&options)
        {
            options = options.ssl_mode(PgSslMode::Require);
        }
        if options.get_application_name().is_none() {
            options = options.application_name("trialwright");
        }
        Ok(Self(Arc::new(Parts { url, schema, options })))
    }
}

fn schema_of(url: &Url) -> Result<String> {
    let mut schema = None;
    for (name, value) in url.query_pairs() {
        if !PARAMETERS.contains(&name.as_ref()) {
            return Err(Error::Address {
                found: format!("the address has a parameter `{name}`"),
                right: format!(
                    "the parameters are {}",
                    PARAMETERS.map(|name| format!("`{name}`")).join(", ")
                ),
            });
        }
        if name == "schema" && schema.replace(value.into_owned()).is_some() {
            return Err(wrong("the address names two schemas".to_owned(), "a ledger lies in one"));
        }
    }
    let schema = schema.unwrap_or_else(|| SCHEMA.to_owned());
    let fits = (1..=LONGEST_SCHEMA).contains(&schema.len())
        && schema.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
        && !schema.starts_with("pg_")
        && schema != "information_schema";
    if fits {
        Ok(schema)
    } else {
        Err(wrong(
            format!("the address names the schema {schema:?}"),
            "a schema's name has 1 to 63 letters (A to Z), digits and `_`, and is none of PostgreSQL's own",
        ))
    }
}

/// Whether the server is on this machine, so that nobody can listen on the way.
fn is_here(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn wrong(found: String, right: &str) -> Error {
    Error::Address { found, right: right.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn postgres(text: &str) -> PostgresAddress {
        text.parse().unwrap()
    }

    #[rstest]
    #[case("trial.sqlite")]
    #[case("/srv/trials/AVATAR II.ledger")]
    #[case("C:\\trials\\avatar.ledger")]
    #[case("postgres")]
    #[case("./postgres:x")]
    fn any_other_text_is_a_path(#[case] text: &str) {
        assert_eq!(text.parse::<Address>().unwrap(), Address::File(text.into()));
        assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
    }

    #[rstest]
    #[case("postgres://h/d", "postgres://h/d?schema=trialwright", "trialwright")]
    #[case(
        "postgresql://u@h:5433/d?schema=avatar_ii",
        "postgresql://u@h:5433/d?schema=avatar_ii",
        "avatar_ii"
    )]
    #[case(
        "POSTGRES://u:secret@h/d?sslmode=verify-full&sslrootcert=/ca.pem",
        "postgres://u@h/d?schema=trialwright",
        "trialwright"
    )]
    #[case(
        "postgres:///d?host=/run/postgresql&user=u",
        "postgres:///d?host=%2Frun%2Fpostgresql&user=u&schema=trialwright",
        "trialwright"
    )]
    #[case("postgres://u:p%40ss%2Fw%23rd@h/d", "postgres://u@h/d?schema=trialwright", "trialwright")]
    fn a_database_is_shown_without_its_password(
        #[case] text: &str,
        #[case] shown: &str,
        #[case] schema: &str,
    ) {
        let address: Address = text.parse().unwrap();
        assert_eq!(address.to_string(), shown);
        assert_eq!(address.postgres().unwrap().schema(), schema);
        for shown in [format!("{address:?}"), format!("{:?}", address.postgres().unwrap())] {
            assert!(!shown.contains("secret") && !shown.contains("p%40ss"), "{shown}");
        }
    }

    #[rstest]
    #[case("", "empty")]
    #[case("mysql://h/d", "`mysql://`")]
    #[case("sqlite://trial.sqlite", "`sqlite://`")]
    #[case("postgres://", "names no database")]
    #[case("postgres://h", "names no database")]
    #[case("postgres://h:port/d", "no URL")]
    #[case("postgres://u:pa#ss@h/d", "`#`")]
    #[case("postgres://h/d?schema=", "schema \"\"")]
    #[case("postgres://h/d?schema=a-b", "schema \"a-b\"")]
    #[case("postgres://h/d?schema=a%22;drop", "schema \"a\\\";drop\"")]
    #[case("postgres://h/d?schema=%C3%A9", "schema")]
    #[case("postgres://h/d?schema=pg_catalog", "schema \"pg_catalog\"")]
    #[case("postgres://h/d?schema=information_schema", "schema")]
    #[case("postgres://h/d?schema=a&schema=b", "two schemas")]
    #[case("postgres://h/d?shema=a", "`shema`")]
    #[case("postgres://h/d?password=secret", "`password`")]
    #[case("postgres://h/d?sslmode=maybe", "cannot be used")]
    fn a_wrong_address_is_told_what_is_wrong(#[case] text: &str, #[case] words: &str) {
        let error = text.parse::<Address>().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(!error.contains("secret") && !error.contains("pa#ss"), "{error}");
    }

    #[test]
    fn another_schema_of_the_same_database() {
        let address = postgres("postgres://u:secret@h/d?schema=a&sslmode=disable");
        let other = address.with_schema("b").unwrap();
        assert_eq!((other.schema(), other.url()), ("b", "postgres://u:secret@h/d?sslmode=disable&schema=b"));
        assert!(matches!(address.with_schema("b c"), Err(Error::Address { .. })));
        assert_ne!(address, other);
        assert_eq!(address, postgres(address.url()));
    }

    #[rstest]
    #[case("postgres://db.hospital.example/d", PgSslMode::Require)]
    #[case("postgres://10.0.0.7/d", PgSslMode::Require)]
    #[case("postgres://10.0.0.7/d?sslmode=disable", PgSslMode::Disable)]
    #[case("postgres://127.0.0.1/d", PgSslMode::Prefer)]
    #[case("postgres://[::1]/d", PgSslMode::Prefer)]
    #[case("postgres://localhost/d", PgSslMode::Prefer)]
    #[case("postgres:///d?host=/run/postgresql", PgSslMode::Prefer)]
    fn another_machine_is_reached_encrypted_unless_told_otherwise(
        #[case] text: &str,
        #[case] mode: PgSslMode,
    ) {
        if std::env::var_os("PGSSLMODE").is_none() {
            assert_eq!(format!("{:?}", postgres(text).options().get_ssl_mode()), format!("{mode:?}"));
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reading_and_no_password_is_shown(text in "(postgres(ql)?://)?[a-z:@/?=&#%\\[\\]._ -]{0,40}", password in "[A-Z]{8}[a-z0-9%]{0,8}") {
            for text in [text.clone(), format!("postgres://u:{password}@h/d?{text}"), format!("postgres://u:{password}{text}@h/d")] {
                match text.parse::<Address>() {
                    Ok(Address::Postgres(address)) => {
                        prop_assert!(!format!("{address} {address:?}").contains(&password), "{}", address);
                        prop_assert_eq!(postgres(address.url()), address);
                    }
                    Ok(Address::File(path)) => prop_assert_eq!(path, PathBuf::from(text)),
                    Err(error) => prop_assert!(!error.to_string().contains(&password), "{}", error),
                }
            }
        }
    }
}
