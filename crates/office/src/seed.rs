//! The secret seed of randomisation, in a file beside the ledger that only its owner may read.
//!
//! Never writes the seed anywhere else: its commitment enters the ledger with the protocol, the seed itself only when it
//! is revealed. See `trial::randomise`.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use ledger::Ledger;
use trial::randomise::{Seed, commitment};

/// Why the seed cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedFault {
    /// It cannot be read.
    #[error("the seed file {} cannot be read: {why}; put it back where it was when the trial was founded", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// It holds no seed.
    #[error("the seed file {} holds no seed: found {found}; it should hold 64 hex digits", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What stands there.
        found: String,
    },
    /// Others may read it.
    #[error("the seed file {} may be read by others (mode {mode:04o}); make it 0600 and ask who has read it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is not the seed that the ledger committed to.
    #[error("the seed in {} is not the one this ledger committed to ({found}, committed {committed}); \
             put the trial's own seed file back", path.display())]
    NotCommitted {
        /// The file.
        path: PathBuf,
        /// The commitment of the seed found.
        found: String,
        /// The commitment in the ledger.
        committed: String,
    },
    /// The ledger holds no commitment.
    #[error("the ledger holds no commitment to a seed, so no allocation could ever be checked")]
    NoCommitment,
    /// Nobody said where it lies.
    #[error("a ledger in a database has no file beside which the seed could lie; say where the seed file is")]
    NoPlace,
    /// It cannot be written.
    #[error("the seed file {} cannot be written: {why}; a seed is never overwritten", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
}

/// Where a trial's seed lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SeedPlace {
    /// Beside the ledger's file (see `seed_path`). A ledger in a database has no beside.
    #[default]
    Beside,
    /// In a file of its own.
    File(PathBuf),
}

/// Where to read the seed when a deed needs it, or why it cannot be known.
pub(crate) struct SeedSource(Result<PathBuf, SeedFault>);

impl SeedSource {
    pub(crate) fn new(ledger: &Ledger, place: &SeedPlace) -> Self {
        Self(match place {
            SeedPlace::File(path) => Ok(path.clone()),
            SeedPlace::Beside => ledger.file().map(seed_path).ok_or(SeedFault::NoPlace),
        })
    }

    pub(crate) fn path(&self) -> Result<&Path, SeedFault> {
        self.0.as_deref().map_err(SeedFault::clone)
    }

    /// Reads the seed and holds it against the ledger's commitment.
    pub(crate) fn read(&self, committed: Option<&str>) -> Result<Seed, SeedFault> {
        read(self.path()?, committed)
    }
}

/// Where the seed of the ledger at `ledger` lives: beside it, with the extension `seed`.
pub fn seed_path(ledger: &Path) -> PathBuf {
    ledger.with_extension("seed")
}

/// The seed as it is revealed: 64 hex digits.
pub(crate) fn to_hex(seed: &Seed) -> String {
    blake3::Hash::from_bytes(seed.0).to_hex().to_string()
}

/// The seed of 64 hex digits; none where it is anything else.
pub(crate) fn from_hex(text: &str) -> Option<Seed> {
    // Both cases are digits; a hash is 32 bytes in hex just as a seed is.
    blake3::Hash::from_hex(text.to_ascii_lowercase()).ok().map(|hash| Seed(*hash.as_bytes()))
}

/// A new seed file, removed again when it is dropped before it was kept.
pub(crate) struct SeedFile(Option<PathBuf>);

impl SeedFile {
    /// Writes `seed` to a new file, durable on return. Errors: the file exists already, or cannot be written.
    pub(crate) fn create(path: &Path, seed: &Seed) -> Result<Self, SeedFault> {
        let wrong =
            |why: std::io::Error| SeedFault::Unwritable { path: path.to_owned(), why: why.to_string() };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(wrong)?;
        // From here on the file is ours.
        let made = Self(Some(path.to_owned()));
        file.write_all(format!("{}\n", to_hex(seed)).as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(wrong)?;
        // The directory too, or a crash may lose the file's name.
        #[cfg(unix)]
        if let Some(folder) = path.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(wrong)?;
        }
        Ok(made)
    }

    /// The file stays.
    pub(crate) fn keep(mut self) -> PathBuf {
        self.0.take().unwrap_or_default()
    }
}

impl Drop for SeedFile {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            let _ = std::fs::remove_file(path); // a file that stays hinders the next founding, which says so
        }
    }
}

/// Reads the seed and holds it against the ledger's commitment.
fn read(path: &Path, committed: Option<&str>) -> Result<Seed, SeedFault> {
    let committed = committed.ok_or(SeedFault::NoCommitment)?;
    let wrong = |why: std::io::Error| SeedFault::Unreadable { path: path.to_owned(), why: why.to_string() };
    let mut file = File::open(path).map_err(wrong)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata().map_err(wrong)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(SeedFault::Open { path: path.to_owned(), mode });
        }
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(wrong)?;
    let text = text.trim();
    let seed = from_hex(text).ok_or_else(|| SeedFault::Malformed {
        path: path.to_owned(),
        // Its length only: the file may hold another secret.
        found: format!("{} characters", text.chars().count()),
    })?;
    let found = commitment(&seed);
    if found != committed {
        return Err(SeedFault::NotCommitted {
            path: path.to_owned(),
            found,
            committed: committed.to_owned(),
        });
    }
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_it_reads() {
        let seed = Seed(std::array::from_fn(|i| u8::try_from(i * 7 % 256).unwrap()));
        assert_eq!(from_hex(&to_hex(&seed)).unwrap().0, seed.0);
        assert!(from_hex("12").is_none());
        assert!(from_hex(&"é".repeat(32)).is_none());
        assert!(from_hex(&"+1".repeat(32)).is_none());
    }

    #[test]
    fn never_overwrites_a_seed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trial.seed");
        SeedFile::create(&path, &Seed([1; 32])).unwrap().keep();
        assert!(matches!(SeedFile::create(&path, &Seed([2; 32])), Err(SeedFault::Unwritable { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap().trim(), "01".repeat(32));
    }

    #[test]
    fn goes_unless_it_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trial.seed");
        let file = SeedFile::create(&path, &Seed([1; 32])).unwrap();
        assert!(path.exists());
        drop(file);
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trial.seed");
        SeedFile::create(&path, &Seed([1; 32])).unwrap().keep();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read(&path, Some("aa")), Err(SeedFault::Open { mode: 0o640, .. })));
    }
}
