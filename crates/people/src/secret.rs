//! Secrets: passwords and tokens in memory, and what of a token is stored.
//!
//! Never shows one by `Debug`, and stores of a token only its hash. A token is 256 bits of the operating system in base64url, so that
//! its plain BLAKE3 hash is safe to store: there is nothing to guess. See NIST SP 800-63B, 7.1.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use rand::TryRng;
use rand::rngs::SysRng;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// How many bytes a token has.
const TOKEN: usize = 32;

/// A password or a token: shown by [`Secret::reveal`] only, wiped from memory when dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text as a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself: for the person it belongs to, never for a log.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A new token: 256 random bits, 43 characters of base64url.
    ///
    /// Errors: the operating system gives no randomness.
    pub fn random() -> Result<Self> {
        let mut bytes = Zeroizing::new([0; TOKEN]);
        fill(bytes.as_mut())?;
        Ok(Self::new(BASE64URL_NOPAD.encode(bytes.as_ref())))
    }

    /// Whether both are the same, in a time that does not depend on where they differ.
    pub fn same(&self, other: &str) -> bool {
        same(self.reveal(), other)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// Compares by hash: `blake3::Hash` compares in constant time, and neither length nor place of a difference shows.
pub(crate) fn same(one: &str, other: &str) -> bool {
    blake3::hash(one.as_bytes()) == blake3::hash(other.as_bytes())
}

/// Fills from the operating system's generator.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<()> {
    SysRng.try_fill_bytes(bytes).map_err(|_| Error::Randomness)
}

/// An identifier for a row: random, so that it tells nothing of how many there are. Opens nothing.
pub(crate) fn identifier() -> Result<String> {
    let mut bytes = [0; 12];
    fill(&mut bytes)?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

/// What a token opens. Each kind is hashed in its own context, so that one can never stand for another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Opens {
    Session,
    Invitation,
    Patient,
    Api,
}

impl Opens {
    fn context(self) -> &'static str {
        match self {
            Self::Session => "trialwright 2026 people session token",
            Self::Invitation => "trialwright 2026 people invitation token",
            Self::Patient => "trialwright 2026 people patient link token",
            Self::Api => "trialwright 2026 people API token",
        }
    }
}

/// What is stored of a token, and looked up when it comes back.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint(String);

impl Fingerprint {
    /// None where the text cannot be a token: only the one spelling of 256 bits is.
    pub(crate) fn of(opens: Opens, token: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; TOKEN]);
        if token.len() != BASE64URL_NOPAD.encode_len(TOKEN) {
            return None;
        }
        BASE64URL_NOPAD.decode_mut(token.as_bytes(), bytes.as_mut()).ok()?;
        let hash = blake3::derive_key(opens.context(), bytes.as_ref());
        Some(Self(data_encoding::HEXLOWER.encode(&hash)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[fingerprint]")
    }
}

/// A new token with what is stored of it.
pub(crate) fn issue(opens: Opens) -> Result<(Secret, Fingerprint)> {
    let token = Secret::random()?;
    let print = Fingerprint::of(opens, token.reveal()).ok_or(Error::Randomness)?;
    Ok((token, print))
}

/// The CSRF token that belongs to a session's token: derived, so that nothing is stored and it ends with the session.
pub(crate) fn csrf(token: &str) -> String {
    let derived = blake3::derive_key("trialwright 2026 people CSRF token", token.as_bytes());
    BASE64URL_NOPAD.encode(&derived)
}
