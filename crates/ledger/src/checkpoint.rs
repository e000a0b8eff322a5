//! Checkpoints: a signed statement of how far a ledger reached at a moment, and the key that signs.
//!
//! Never stores the signing key in the ledger. See RFC 8032 for Ed25519, RFC 8410 for the key file.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::str::FromStr;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use jiff::Timestamp;
use rand::TryRng;
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::chain::{Hash, Head, Seq};
use crate::error::{Error, Result};
use crate::hex::hex_type;
use crate::store::sync_directory;

hex_type! {
    /// An Ed25519 public key (32 bytes), written as 64 hexadecimal digits.
    PublicKey, 32
}

hex_type! {
    /// An Ed25519 signature (64 bytes), written as 128 hexadecimal digits.
    Signature, 64
}

impl From<&SigningKey> for PublicKey {
    fn from(key: &SigningKey) -> Self {
        Self(key.verifying_key().to_bytes())
    }
}

/// A signed statement of how far a ledger reached.
///
/// Kept outside the ledger, one line of JSON each, it proves what was cut off or rewritten later. The signature is over the
/// bytes `ledger checkpoint 1`, a line feed, and the canonical JSON (RFC 8785) of the checkpoint without its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// How many events there were.
    pub count: Seq,
    /// The hash of the last.
    pub head: Hash,
    /// When it was signed, by the signer's clock.
    pub time: Timestamp,
    /// The key that signed.
    pub public_key: PublicKey,
    /// The signature.
    pub signature: Signature,
}

impl Checkpoint {
    pub(crate) fn sign(key: &SigningKey, head: Head, time: Timestamp) -> Result<Self> {
        let unsigned = Unsigned { count: head.count, head: head.hash, public_key: key.into(), time };
        let signature = Signature(key.sign(&unsigned.bytes()?).to_bytes());
        Ok(Self { count: head.count, head: head.hash, time, public_key: key.into(), signature })
    }

    /// One line of canonical JSON, without a line break.
    pub fn to_line(&self) -> String {
        // The members are fixed: none of them has a form that JSON could not hold.
        serde_json::to_value(self)
            .map_err(|error| error.to_string())
            .and_then(|value| canonical::bytes(&value))
            .map_or_else(
                |error| unreachable!("a checkpoint is always JSON: {error}"),
                |bytes| String::from_utf8_lossy(&bytes).into_owned(),
            )
    }

    /// Whether the key that the checkpoint names signed it. Whose key it is, the checkpoint cannot say.
    pub fn signature_holds(&self) -> bool {
        let unsigned =
            Unsigned { count: self.count, head: self.head, public_key: self.public_key, time: self.time };
        let (Ok(bytes), Ok(key)) = (unsigned.bytes(), VerifyingKey::from_bytes(&self.public_key.0)) else {
            return false;
        };
        key.verify_strict(&bytes, &ed25519_dalek::Signature::from_bytes(&self.signature.0)).is_ok()
    }
}

impl FromStr for Checkpoint {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self> {
        serde_json::from_str(line).map_err(|error| Error::Checkpoint { found: error.to_string() })
    }
}

#[derive(Serialize)]
struct Unsigned {
    count: Seq,
    head: Hash,
    public_key: PublicKey,
    time: Timestamp,
}

impl Unsigned {
    fn bytes(&self) -> Result<Vec<u8>> {
        let value = serde_json::to_value(self).map_err(|error| error.to_string());
        let json =
            value.and_then(|value| canonical::bytes(&value)).map_err(|found| Error::Checkpoint { found })?;
        // The first line keeps a signature given for something else from being passed off as a checkpoint's.
        Ok([b"ledger checkpoint 1\n", json.as_slice()].concat())
    }
}

/// Files that hold a signing key: PKCS#8 in PEM, as `openssl genpkey -algorithm ed25519` makes them, readable by their owner alone.
pub struct Keys;

impl Keys {
    /// Makes a key from the system's randomness and a file that holds it. [`Error::Exists`] when there is a file already.
    pub fn create(path: impl AsRef<Path>) -> Result<SigningKey> {
        let path = path.as_ref();
        let mut secret = [0; 32];
        SysRng.try_fill_bytes(&mut secret).map_err(|error| Error::io(path, std::io::Error::other(error)))?;
        let key = SigningKey::from_bytes(&secret);
        let text = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| unusable(path, error.to_string()))?;

        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Error::Exists { at: path.into() },
            _ => Error::io(path, error),
        })?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|error| Error::io(path, error))?;
        sync_directory(path)?;
        Ok(key)
    }

    /// Reads a key from its file. [`Error::Key`] when it holds none, or others than its owner may read it.
    pub fn open(path: impl AsRef<Path>) -> Result<SigningKey> {
        let path = path.as_ref();
        let metadata = fs::metadata(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::NotFound { at: path.into() },
            _ => Error::io(path, error),
        })?;
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
            if mode & 0o077 != 0 {
                return Err(Error::Key {
                    path: path.to_owned(),
                    found: format!("its mode is {mode:04o}, so that others than its owner can reach it"),
                    right: "set it to 0600, and make a new key if somebody may have read this one",
                });
            }
        }
        #[cfg(not(unix))]
        let _ = metadata;
        let text = fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => unusable(path, "it is no text".to_owned()),
            _ => Error::io(path, error),
        })?;
        SigningKey::from_pkcs8_pem(&text).map_err(|error| unusable(path, error.to_string()))
    }
}

fn unusable(path: &Path, found: String) -> Error {
    Error::Key {
        path: path.to_owned(),
        found,
        right: "it is an Ed25519 private key in PKCS#8 PEM, as `Keys::create` makes it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> Checkpoint {
        let head = Head { count: 3, hash: Hash([7; 32]) };
        Checkpoint::sign(&SigningKey::from_bytes(&[1; 32]), head, "2026-03-04T10:11:12Z".parse().unwrap())
            .unwrap()
    }

    #[test]
    fn a_line_gives_the_checkpoint_back() {
        let line = signed().to_line();
        assert!(!line.contains('\n'));
        assert_eq!(line.parse::<Checkpoint>().unwrap(), signed());
        assert!(signed().signature_holds());
    }

    /// The key is the example of RFC 8410, section 10.3; its public key and the signature (Ed25519 has one per key and message) were
    /// made by OpenSSL 3.0: `openssl pkeyutl -sign -rawin -inkey KEY -in MESSAGE`, the message as [`Checkpoint`] says.
    #[test]
    fn a_checkpoint_is_signed_as_openssl_signs_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trial.key");
        let body = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
        fs::write(&path, format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"))
            .unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let head = Head { count: 3, hash: Hash([7; 32]) };
        let time = "2026-03-04T10:11:12Z".parse().unwrap();
        let checkpoint = Checkpoint::sign(&Keys::open(&path).unwrap(), head, time).unwrap();
        assert_eq!(
            checkpoint.public_key.to_string(),
            "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"
        );
        let signature = "7218ea3808ba8828f2bc0040a7a370c3400ef038bb45aadd1dbf4fb407ffefcb10336212e88a5602dbdbeb6b131c8f50a497bc94fff950796b93f30ed8d2cb09";
        assert_eq!(checkpoint.signature.to_string(), signature);
    }

    #[test]
    fn any_changed_character_of_a_line_is_found() {
        let line = signed().to_line();
        for at in 0..line.len() {
            for with in ['0', '1', 'f', 'Z', '"'] {
                let mut changed = line.clone();
                changed.replace_range(at..=at, &with.to_string());
                if changed != line {
                    let holds =
                        changed.parse::<Checkpoint>().is_ok_and(|checkpoint| checkpoint.signature_holds());
                    assert!(!holds, "{changed}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        for text in ["", "{}", "null", "{\"count\":1}"] {
            assert!(matches!(text.parse::<Checkpoint>(), Err(Error::Checkpoint { .. })), "{text}");
        }
    }

    #[test]
    fn a_key_file_is_the_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trial.key");
        let key = Keys::create(&path).unwrap();
        assert_eq!(Keys::open(&path).unwrap(), key);
        assert!(matches!(Keys::create(&path), Err(Error::Exists { .. })));
        assert!(matches!(Keys::open(directory.path().join("none")), Err(Error::NotFound { .. })));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            assert!(Keys::open(&path).unwrap_err().to_string().contains("0640"));
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        fs::write(&path, "no key").unwrap();
        assert!(matches!(Keys::open(&path), Err(Error::Key { .. })));
    }
}
