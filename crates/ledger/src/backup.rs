//! A copy of a ledger that is in use, as a file, and a ledger made anew from such a copy.
//!
//! Never leaves half a copy under the name that was asked for, and never a copy that does not verify. See
//! <https://www.sqlite.org/lang_vacuum.html> for `VACUUM INTO`.

use std::path::Path;

use futures_util::TryStreamExt;
use sqlx::Connection as _;
use tempfile::NamedTempFile;

use crate::address::{Address, PostgresAddress};
use crate::error::{Error, Result};
use crate::insert::{BATCH, Columns, insert};
use crate::read::checkpoints;
use crate::store::{self, Access, Connection, On, Store, Value, postgres, sqlite, sync_directory};
use crate::verify::chain::EVENTS;
use crate::verify::inspect::inspect_schema;
use crate::verify::{Given, Verified, examine, verify};

/// Copies under a passing name beside the target, verifies the copy, and only then gives it its name.
pub(crate) async fn to_file(from: &Store, to: &Path, given: Given<'_>) -> Result<Verified> {
    let exists = || Error::Exists { at: to.into() };
    if to.exists() {
        return Err(exists());
    }
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let copy = NamedTempFile::new_in(directory).map_err(|error| Error::io(to, error))?;
    match &*from.address {
        Address::File(path) => vacuum(path, from.to_read().access, copy.path(), to).await?,
        Address::Postgres(at) => gather(at, copy.path()).await?,
    }
    let copied = Store::identify(copy.path().into(), Access::Read).await?;
    let verified = verify(&copied, given, |_, _| {}).await?;
    if let Some(found) = verified.first_fault() {
        return Err(Error::Unsound { at: to.into(), found });
    }
    copy.as_file().sync_all().map_err(|error| Error::io(to, error))?;
    copy.persist_noclobber(to).map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(),
        _ => Error::io(to, error.error),
    })?;
    sync_directory(to)?;
    Ok(verified)
}

/// One file into another, by `SQLite` itself.
async fn vacuum(from: &Path, access: Access, copy: &Path, to: &Path) -> Result<()> {
    let name = copy.to_str().ok_or_else(|| {
        Error::io(
            to,
            std::io::Error::new(
                std::io::ErrorKind::InvalidInput,
                "the path is not UTF-8, which SQLite needs",
            ),
        )
    })?;
    let say = |source| store::error(&from.into(), source);
    let mut connection = sqlite::connect(from, access).await?;
    sqlx::query("VACUUM INTO ?").bind(name).execute(&mut connection).await.map_err(say)?;
    connection.close().await.map_err(say)
}

/// A schema into an empty file, as it is at one moment.
async fn gather(from: &PostgresAddress, copy: &Path) -> Result<()> {
    sqlite::lay_out(copy).await?;
    let (from, to): (Address, Address) = (from.clone().into(), copy.into());
    let source = Store { address: from.clone().into(), access: Access::Read };
    let mut reading = source.connect_to_scan().await?;
    reading.snapshot().await.map_err(|source| store::error(&from, source))?;

    let mut writing = Connection::Sqlite(sqlite::connect(copy, Access::Write).await?);
    let say = |source| store::error(&to, source);
    writing.on().script("BEGIN IMMEDIATE").await.map_err(say)?;
    transfer((reading.on(), &from), (writing.on(), &to)).await?;
    writing.on().script("COMMIT").await.map_err(say)?;
    // Whoever only reads could not remove the side files of a write-ahead log.
    writing.on().script("PRAGMA journal_mode = DELETE").await.map_err(say)?;
    writing.close().await.map_err(say)?;
    let _ = reading.close().await; // it only read
    Ok(())
}

/// Makes a ledger of a backup, in a new file or in a schema where there is none, and verifies it before anybody can see it.
pub(crate) async fn restore(from: &Path, to: Address, given: Given<'_>) -> Result<Verified> {
    let backup = Store::identify(from.into(), Access::Read).await?;
    match to {
        Address::File(path) => to_file(&backup, &path, given).await,
        Address::Postgres(at) => into_postgres(&backup, &at, given).await,
    }
}

/// In one transaction, which is rolled back when anything goes wrong.
async fn into_postgres(backup: &Store, to: &PostgresAddress, given: Given<'_>) -> Result<Verified> {
    let at: Address = to.clone().into();
    let mut reading = backup.connect_to_scan().await?;
    reading.snapshot().await.map_err(|source| store::error(&backup.address, source))?;

    let mut writing = postgres::connect(to, Access::Write).await?;
    postgres::begin_creation(&mut writing, to).await?;
    let mut on = On::Postgres(&mut writing);
    transfer((reading.on(), &backup.address), (on.again(), &at)).await?;
    let mut verified = examine(on.again(), &at, given, |_, _| {}).await;
    verified.file.extend(inspect_schema(on.again(), to).await);
    // What is wrong with the pages of the backup's file would have spoilt what was read from it, or does not matter here.
    if let Some(found) = verified.first_fault() {
        return Err(Error::Unsound { at, found }); // the connection goes, and the transaction with it
    }
    on.again().script("COMMIT").await.map_err(|source| {
        if postgres::is_lost(&source) {
            Error::Uncertain { at: at.clone() }
        } else {
            store::error(&at, source)
        }
    })?;
    let _ = on.script("ANALYZE events").await; // for the planner's sake; it comes to it by itself, later
    let _ = writing.close().await; // nothing is pending on it
    let _ = reading.close().await; // it only read
    Ok(verified)
}

/// Every event and every checkpoint, byte for byte, whatever they hold: to find what is wrong with them is left to the verification.
async fn transfer(from: (On<'_>, &Address), to: (On<'_>, &Address)) -> Result<()> {
    let ((mut from, source), (mut to, target)) = (from, to);
    let (read, write) = (|error| store::error(source, error), |error| store::error(target, error));
    let stored = checkpoints(from.again()).await.map_err(read)?;
    let mut rows = from.fetch(EVENTS, &[]).map_err(read)?.try_chunks(BATCH);
    while let Some(batch) = rows.try_next().await.map_err(|error| read(error.1))? {
        let events = batch.iter().map(Columns::of_row).collect::<sqlx::Result<Vec<_>>>().map_err(read)?;
        insert(to.again(), &events).await.map_err(write)?;
    }
    for (number, bytes) in stored {
        let values = [Value::Number(number), Value::Bytes(&bytes)];
        to.again()
            .execute("INSERT INTO checkpoints (number, bytes) VALUES ($1, $2)", &values)
            .await
            .map_err(write)?;
    }
    Ok(())
}
