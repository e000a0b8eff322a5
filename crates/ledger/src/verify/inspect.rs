//! Whether the tables, indices and triggers are those of a ledger: what was tampered with there could change what is written next, or
//! hide events from whoever reads by subject, though the chain holds.
//!
//! Never repairs. See `store::sqlite_schema` and `store::postgres_schema` for what should be there.

use std::path::PathBuf;

use sqlx::{Connection as _, SqliteConnection};

use crate::address::PostgresAddress;
use crate::store::{Access, On, Row, Value, postgres_schema, sqlite, sqlite_schema};

/// How many faults of its file `SQLite` is asked to name.
const FAULTS: usize = 20;

/// Kind, name, and how it was made or what is said of it.
type Object = (String, String, Option<String>);

/// What is wrong with a file, in words, on a connection of its own: its tables and its pages.
pub(crate) async fn inspect_file(path: PathBuf, access: Access) -> Vec<String> {
    let mut connection = match sqlite::connect(&path, access).await {
        Ok(connection) => connection,
        Err(error) => return vec![error.to_string()],
    };
    // SQLite's own tables, such as the statistics of ANALYZE, begin with `sqlite_`.
    let statement = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let found = On::Sqlite(&mut connection).fetch_all(statement, &[]).await;
    let mut faults = compare(found.and_then(|rows| objects(&rows)), &sqlite_schema::OBJECTS);
    faults.extend(check_pages(&mut connection).await);
    let _ = connection.close().await; // it only read
    faults
}

/// What is wrong with a schema, in words, as a connection's transaction sees it.
pub(crate) async fn inspect_schema(on: On<'_>, at: &PostgresAddress) -> Vec<String> {
    let found = on.fetch_all(postgres_schema::DESCRIPTION, &[Value::Text(at.schema())]).await;
    compare(found.and_then(|rows| objects(&rows)), &postgres_schema::OBJECTS)
}

/// A setting of the server under which no commit is durable, whatever a transaction asks for.
pub(crate) async fn disk_is_not_waited_for(on: On<'_>) -> Option<String> {
    let row = on.fetch_one("SELECT current_setting('fsync')", &[]).await.ok()?;
    (row.get::<&str>(0).ok()? == "off").then(|| {
        "the server runs with `fsync = off`: a power cut may lose what was acknowledged, and more".to_owned()
    })
}

fn objects(rows: &[Row]) -> sqlx::Result<Vec<Object>> {
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).collect()
}

fn compare(found: sqlx::Result<Vec<Object>>, right: &[(&str, &str, &str)]) -> Vec<String> {
    let found = match found {
        Ok(found) => found,
        Err(error) => return vec![format!("the tables cannot be listed: {error}")],
    };
    let mut faults = Vec::new();
    for (kind, name, expected) in right {
        match found.iter().find(|(a, b, _)| a == kind && b == name) {
            None => faults.push(format!("the {kind} `{name}` is missing")),
            Some((_, _, is)) if is.as_deref() != Some(expected) => {
                let is = is.as_deref().unwrap_or("nothing");
                faults.push(format!(
                    "the {kind} `{name}` was altered: it should be `{expected}` and is `{is}`"
                ));
            }
            Some(_) => {}
        }
    }
    let known = |kind: &str, name: &str| right.iter().any(|(a, b, _)| *a == kind && *b == name);
    let strange = found.iter().filter(|(kind, name, _)| !known(kind, name));
    faults.extend(
        strange.map(|(kind, name, _)| format!("there is a {kind} `{name}`, which is no part of a ledger")),
    );
    faults
}

/// Whether `SQLite` finds its own file in order.
async fn check_pages(connection: &mut SqliteConnection) -> Vec<String> {
    let check = format!("PRAGMA integrity_check({FAULTS})");
    match sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(check)).fetch_all(connection).await {
        Ok(found) => {
            found.into_iter().filter(|line| line != "ok").map(|line| format!("SQLite: {line}")).collect()
        }
        Err(error) => vec![format!("SQLite cannot check its file: {error}")],
    }
}
