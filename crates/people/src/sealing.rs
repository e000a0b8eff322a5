//! Sealing what must be stored readable, the secrets of authenticators: under a key that lies outside the database.
//!
//! Never writes the key into the store, only a print of it, by which another key is told apart. The cipher is XChaCha20-Poly1305
//! (draft-irtf-cfrg-xchacha-03) of `RustCrypto`, with a random nonce each and the user's name authenticated.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::secret::{Secret, fill, identifier};
use crate::store::{Columns, Store};

/// What a sealed text begins with. Base32, in which secrets were stored before, has no colon.
const MARK: &str = "x1:";
const NONCE: usize = 24;
const KEY: usize = 32;
/// The row of the key's print.
const SECOND_FACTORS: &str = "second factors";

type Key = Zeroizing<[u8; KEY]>;

/// Where the key lies that seals the secrets of second factors: a file of 64 hex digits that its owner alone may read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeyPlace {
    /// Beside the store's file: `people.key` for `people.sqlite`. A store in a database has no beside.
    #[default]
    Beside,
    /// In a file of its own. All servers on one store have the same key.
    File(PathBuf),
}

/// Seals and opens.
pub(crate) struct Sealer(XChaCha20Poly1305);

impl Sealer {
    fn new(key: &Key) -> Self {
        let own = Zeroizing::new(blake3::derive_key("trialwright 2026 people sealed secrets", key.as_ref()));
        Self(XChaCha20Poly1305::new(&(*own).into()))
    }

    /// The secret of a user, sealed: no other user's row opens it.
    pub(crate) fn seal(&self, user: &str, secret: &str) -> Result<String> {
        let mut nonce = [0; NONCE];
        fill(&mut nonce)?;
        let payload = Payload { msg: secret.as_bytes(), aad: user.as_bytes() };
        let sealed =
            self.0.encrypt(&XNonce::from(nonce), payload).map_err(|_| Error::damaged("a secret to seal"))?;
        Ok(format!("{MARK}{}", BASE64URL_NOPAD.encode(&[nonce.as_slice(), &sealed].concat())))
    }

    /// The secret of a user as it was before it was sealed; also of a row that was written before there was a key.
    pub(crate) fn open(&self, user: &str, stored: &str) -> Result<Secret> {
        let Some(text) = stored.strip_prefix(MARK) else { return Ok(Secret::new(stored)) };
        let damaged = || Error::damaged(format!("the sealed second factor of {user}"));
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| damaged())?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE).ok_or_else(damaged)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| damaged())?;
        let payload = Payload { msg: sealed, aad: user.as_bytes() };
        let opened = Zeroizing::new(self.0.decrypt(&XNonce::from(nonce), payload).map_err(|_| damaged())?);
        Ok(Secret::new(std::str::from_utf8(&opened).map_err(|_| damaged())?))
    }
}

impl Store {
    /// Opens the key that seals the secrets of second factors, and makes it at first, for its owner alone. A server calls this when it
    /// starts, so that a key that is missing or does not fit is told before anybody logs in; otherwise it is opened when it is needed.
    ///
    /// Errors: [`Error::NoKeyPlace`], [`Error::Key`], [`Error::KeyDoesNotFit`].
    pub async fn open_key(&self) -> Result<()> {
        self.sealer().await.map(drop)
    }

    /// Where the key is lost: takes every user's second factor away, since none can be opened any more, ends their sessions, and lets
    /// the next start make or take another key. No server may be running.
    pub async fn forget_key(&self) -> Result<()> {
        let mut transaction = self.begin().await?;
        for statement in [
            "DELETE FROM sessions WHERE user_name IN (SELECT user_name FROM second_factors)",
            "DELETE FROM recovery_codes",
            "DELETE FROM second_factors",
            "DELETE FROM sealing",
        ] {
            sqlx::query(statement).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        self.recent_sessions().drop_where(|_, _| true);
        Ok(())
    }

    pub(crate) async fn sealer(&self) -> Result<&Sealer> {
        self.sealer_cell().get_or_try_init(|| self.take_key()).await
    }

    async fn take_key(&self) -> Result<Sealer> {
        let path = match &self.rules().key {
            KeyPlace::File(path) => path.clone(),
            KeyPlace::Beside => self.file().ok_or(Error::NoKeyPlace)?.with_extension("key"),
        };
        // Asked before the file is read: whoever made the key made the file first.
        let known = self.key_print().await?;
        let key = match read(&path)? {
            Some(key) => key,
            None if known.is_some() => {
                return Err(wrong(
                    &path,
                    "there is no such file",
                    "put the key back that this store was sealed with, from its copy or from another server; where it is lost for good, `trialwright user forget-key` takes every second factor away",
                ));
            }
            None => make(&path)?,
        };
        let print = HEXLOWER.encode(&blake3::derive_key("trialwright 2026 people key print", key.as_ref()));
        // Of two servers that start first at once, with keys of their own, one is told that its key does not fit.
        sqlx::query("INSERT INTO sealing (what, print) VALUES ($1, $2) ON CONFLICT (what) DO NOTHING")
            .bind(SECOND_FACTORS.to_owned())
            .bind(print.clone())
            .execute(self.pool())
            .await?;
        if self.key_print().await?.as_deref() != Some(&print) {
            return Err(Error::KeyDoesNotFit { path });
        }
        let sealer = Sealer::new(&key);
        self.seal_older(&sealer).await?;
        Ok(sealer)
    }

    async fn key_print(&self) -> Result<Option<String>> {
        let row = sqlx::query("SELECT print FROM sealing WHERE what = $1")
            .bind(SECOND_FACTORS.to_owned())
            .fetch_optional(self.pool())
            .await?;
        row.map(|row| row.text("print")).transpose()
    }

    /// Seals the secrets that were stored before there was a key.
    async fn seal_older(&self, sealer: &Sealer) -> Result<()> {
        let mut sealed = 0;
        for (read, write) in [
            (
                "SELECT user_name, secret AS stored FROM second_factors WHERE secret NOT LIKE 'x1:%'",
                "UPDATE second_factors SET secret = $3 WHERE user_name = $1 AND secret = $2",
            ),
            (
                "SELECT user_name, waiting AS stored FROM second_factors WHERE waiting NOT LIKE 'x1:%'",
                "UPDATE second_factors SET waiting = $3 WHERE user_name = $1 AND waiting = $2",
            ),
        ] {
            for row in sqlx::query(read).fetch_all(self.pool()).await? {
                let (user, stored) = (row.text("user_name")?, Zeroizing::new(row.text("stored")?));
                let changed = sqlx::query(write)
                    .bind(user.clone())
                    .bind(stored.to_string())
                    .bind(sealer.seal(&user, &stored)?)
                    .execute(self.pool())
                    .await?;
                sealed += changed.rows_affected();
            }
        }
        if sealed > 0 { self.forget_pages().await } else { Ok(()) }
    }
}

fn wrong(path: &Path, found: impl Into<String>, right: &'static str) -> Error {
    Error::Key { path: path.to_owned(), found: found.into(), right }
}

/// The key in a file; none where there is no file.
fn read(path: &Path) -> Result<Option<Key>> {
    const RIGHT: &str = "it should hold the 64 hex digits of the key; put it back from its copy";
    let text = match std::fs::read(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::File { path: path.to_owned(), source }),
    };
    private(path)?;
    let digits = text.trim_ascii();
    let mut key = Key::default();
    if digits.len() != 2 * KEY || HEXLOWER_PERMISSIVE.decode_mut(digits, key.as_mut()).is_err() {
        return Err(wrong(path, format!("it holds {} bytes that are no key", text.len()), RIGHT));
    }
    Ok(Some(key))
}

#[cfg(unix)]
fn private(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let meta = std::fs::metadata(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let mode = meta.permissions().mode() & 0o777;
    if mode | 0o700 == 0o700 {
        return Ok(());
    }
    Err(wrong(path, format!("others may read it (mode {mode:04o})"), "make it 0600 and ask who has read it"))
}

#[cfg(not(unix))]
fn private(_: &Path) -> Result<()> {
    Ok(())
}

/// Makes a key in a new file. Where another process makes one at the same time, the first to finish gives it.
fn make(path: &Path) -> Result<Key> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let mut key = Key::default();
    fill(key.as_mut())?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", identifier()?));
    let beside = PathBuf::from(beside);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let text = Zeroizing::new(format!("{}\n", HEXLOWER.encode(key.as_ref())));
    let mut file = options.open(&beside).map_err(failed)?;
    let placed = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        // A link, not a renaming, which would take the place of another's key.
        .and_then(|()| std::fs::hard_link(&beside, path));
    let _ = std::fs::remove_file(&beside);
    match placed {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            read(path)?.ok_or_else(|| failed(ErrorKind::NotFound.into()))
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // draft-irtf-cfrg-xchacha-03, A.3.1: the library is the one we think it is.
    #[test]
    fn the_cipher_is_that_of_the_draft() {
        let hex = |text: &str| HEXLOWER.decode(text.as_bytes()).unwrap();
        let key: [u8; 32] =
            hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f").try_into().unwrap();
        let nonce: [u8; 24] = hex("404142434445464748494a4b4c4d4e4f5051525354555657").try_into().unwrap();
        let text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
        let payload = Payload { msg: text, aad: &hex("50515253c0c1c2c3c4c5c6c7") };
        let sealed = XChaCha20Poly1305::new(&key.into()).encrypt(&XNonce::from(nonce), payload).unwrap();
        assert_eq!(HEXLOWER.encode(&sealed[..16]), "bd6d179d3e83d43b9576579493c0e939");
        assert_eq!(HEXLOWER.encode(&sealed[sealed.len() - 16..]), "c0875924c1c7987947deafd8780acf49");
    }

    #[test]
    fn what_is_sealed_opens_for_its_user_alone() {
        let sealer = Sealer::new(&Key::new([7; KEY]));
        let sealed = sealer.seal("anna", "GEZDGNBV").unwrap();
        assert!(sealed.starts_with(MARK) && !sealed.contains("GEZDGNBV"), "{sealed}");
        assert_ne!(sealed, sealer.seal("anna", "GEZDGNBV").unwrap(), "a nonce was used twice");
        assert_eq!(sealer.open("anna", &sealed).unwrap().reveal(), "GEZDGNBV");
        assert_eq!(sealer.open("anna", "GEZDGNBV").unwrap().reveal(), "GEZDGNBV", "an older row");
        let other = Sealer::new(&Key::new([8; KEY]));
        let cut = sealed[..sealed.len() - 2].to_owned();
        for opened in [
            sealer.open("bert", &sealed),
            other.open("anna", &sealed),
            sealer.open("anna", &cut),
            sealer.open("anna", "x1:"),
        ] {
            assert!(matches!(opened, Err(Error::Damaged { .. })), "{opened:?}");
        }
    }
}
