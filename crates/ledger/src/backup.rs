//! A copy of a ledger that is in use.
//!
//! Never leaves half a copy under the name that was asked for. See <https://www.sqlite.org/lang_vacuum.html> for `VACUUM INTO`.

use std::path::Path;
use std::sync::Arc;

use sqlx::Connection;
use tempfile::NamedTempFile;

use crate::database::{Access, connect, identify, sync_directory};
use crate::error::{Error, Result};
use crate::verify::{Verified, verify};

/// Copies under a passing name beside the target, verifies the copy, and only then gives it its name.
pub(crate) async fn backup(from: &Path, access: Access, to: &Path) -> Result<Verified> {
    let exists = || Error::Exists { path: to.to_owned() };
    if to.exists() {
        return Err(exists());
    }
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let copy = NamedTempFile::new_in(directory).map_err(|error| Error::io(to, error))?;
    let name = copy.path().to_str().ok_or_else(|| {
        Error::io(
            to,
            std::io::Error::new(
                std::io::ErrorKind::InvalidInput,
                "the path is not UTF-8, which SQLite needs",
            ),
        )
    })?;

    let access = if access == Access::Write { Access::Read } else { access };
    let mut connection = connect(from, access).await?;
    sqlx::query("VACUUM INTO ?")
        .bind(name)
        .execute(&mut connection)
        .await
        .map_err(|error| Error::storage(from, error))?;
    connection.close().await.map_err(|error| Error::storage(from, error))?;

    let (path, access) = identify(copy.path(), Access::Read).await?;
    let verified = verify(&Arc::from(path), access, &[], None, |_, _| {}).await?;
    if let Some(found) = verified.first_fault() {
        return Err(Error::Unsound { path: to.to_owned(), found });
    }
    copy.as_file().sync_all().map_err(|error| Error::io(to, error))?;
    copy.persist_noclobber(to).map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(),
        _ => Error::io(to, error.error),
    })?;
    sync_directory(to)?;
    Ok(verified)
}
