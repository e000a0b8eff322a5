//! The hash chain: how an event's hash follows from the one before it.
//!
//! Never reads or writes a database. See `verify` for how a whole chain is checked.

use serde::{Deserialize, Serialize};

use crate::hex::hex_type;

/// The place of an event in its ledger, from 1 without gaps; 0 stands for none.
pub type Seq = u64;

hex_type! {
    /// A BLAKE3 hash (32 bytes), written as 64 hexadecimal digits.
    Hash, 32
}

impl Hash {
    /// What the first event is chained to, and the head of an empty ledger.
    pub const ZERO: Self = Self([0; 32]);
}

/// How far a ledger reaches: how many events it has and the hash of the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The number of events, which is also the last one's place.
    pub count: Seq,
    /// The hash of the last event; [`Hash::ZERO`] when there is none.
    pub hash: Hash,
}

impl Head {
    /// The head of an empty ledger.
    pub const EMPTY: Self = Self { count: 0, hash: Hash::ZERO };
}

/// The hash of an event: BLAKE3 over the 32 bytes of the previous event's hash, then the event's bytes.
pub(crate) fn link(previous: &[u8], bytes: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(previous);
    hasher.update(bytes);
    Hash(*hasher.finalize().as_bytes())
}
