//! What a verification finds, and how it says so.
//!
//! Never looks at a ledger. See the other parts of `verify` for who finds it.

use std::fmt;

use crate::chain::{Hash, Head, Seq};
use crate::checkpoint::{Checkpoint, PublicKey};

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many events there are, and the hash stored with the last.
    pub head: Head,
    /// The first event that does not fit.
    pub first: Option<Misfit>,
    /// How many events do not fit. An event whose stored hash was changed makes the one after it not fit either.
    pub misfits: u64,
    /// Every checkpoint, those of the ledger first, then those given from outside in their order.
    pub checkpoints: Vec<CheckpointVerdict>,
    /// What is wrong with the file or the database itself: its pages, its tables, its triggers.
    pub file: Vec<String>,
    /// What is unusual and proves nothing.
    pub notes: Vec<String>,
    /// What no verification can know, in words.
    pub limits: Vec<String>,
}

impl Verified {
    /// Whether everything that can be checked holds.
    pub fn is_sound(&self) -> bool {
        self.first.is_none()
            && self.misfits == 0
            && self.file.is_empty()
            && self.checkpoints.iter().all(|verdict| verdict.outcome == Outcome::Holds)
    }

    /// The first thing that is wrong, in words.
    pub fn first_fault(&self) -> Option<String> {
        let event = self.first.as_ref().map(ToString::to_string);
        let checkpoint = || {
            self.checkpoints.iter().find(|verdict| verdict.outcome != Outcome::Holds).map(ToString::to_string)
        };
        event.or_else(checkpoint).or_else(|| self.file.first().cloned())
    }
}

/// What an event was held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Its place follows on the one before.
    Sequence,
    /// Its hash follows from the previous event's hash and its bytes.
    Hash,
    /// Its bytes are a JSON object in canonical form, fit to be an event.
    Canonical,
    /// A column is of its type and says what the bytes say.
    Column(&'static str),
}

/// An event that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The event; of a gap, the first that is missing.
    pub seq: Seq,
    /// What it was held against.
    pub check: Check,
    /// What it should be.
    pub expected: String,
    /// What it is.
    pub found: String,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, check, expected, found } = self;
        match check {
            Check::Sequence => write!(f, "event {seq} is missing: expected {expected}, found {found}"),
            Check::Hash => write!(
                f,
                "event {seq} was altered, or one before it: its hash should be {expected} and is {found}"
            ),
            Check::Canonical => {
                write!(f, "event {seq} was altered: its bytes should be {expected} and are {found}")
            }
            Check::Column(column) => {
                write!(
                    f,
                    "event {seq} was altered: its column `{column}` should be {expected} and is {found}"
                )
            }
        }
    }
}

/// Where a checkpoint was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the ledger, under this number.
    Ledger(i64),
    /// Among those given from outside, counted from 1.
    Outside(usize),
}

/// What a checkpoint says about the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointVerdict {
    /// Where it was found.
    pub place: Place,
    /// The checkpoint, unless it cannot be read.
    pub checkpoint: Option<Checkpoint>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of holding a checkpoint against the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its signature is good and the ledger is, so far, what it was.
    Holds,
    /// It is not there, though a later one is.
    Missing,
    /// It is no checkpoint.
    Unreadable {
        /// What it is instead.
        found: String,
    },
    /// The key it names did not sign it.
    BadSignature,
    /// Another key than the trusted one signed it.
    UntrustedKey {
        /// The trusted one.
        trusted: PublicKey,
    },
    /// It speaks of fewer events than an earlier one.
    OutOfOrder {
        /// How many the earlier one spoke of.
        earlier: Seq,
    },
    /// The ledger ends before it: its tail was cut off.
    CutOff {
        /// How many events there are.
        found: Seq,
    },
    /// The ledger is another one up to here.
    Rewritten {
        /// The hash that is stored at its place; none where that event is missing.
        found: Option<Hash>,
    },
}

impl fmt::Display for CheckpointVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Ledger(number) => write!(f, "checkpoint {number} of the ledger")?,
            Place::Outside(number) => write!(f, "checkpoint {number} from outside")?,
        }
        if let Some(Checkpoint { count, time, .. }) = &self.checkpoint {
            write!(f, " ({count} events at {time})")?;
        }
        match &self.outcome {
            Outcome::Holds => f.write_str(" holds"),
            Outcome::Missing => f.write_str(" is missing, though later ones are there"),
            Outcome::Unreadable { found } => write!(f, " cannot be read: {found}"),
            Outcome::BadSignature => f.write_str(" was altered: its signature does not fit"),
            Outcome::UntrustedKey { trusted } => {
                write!(f, " was signed by another key than the trusted {trusted}")
            }
            Outcome::OutOfOrder { earlier } => {
                write!(f, " is out of order: one before it speaks of {earlier} events")
            }
            Outcome::CutOff { found } => write!(f, " proves that events were cut off: {found} are left"),
            Outcome::Rewritten { found: Some(hash) } => {
                write!(f, " proves that events were rewritten: the last it speaks of now has the hash {hash}")
            }
            Outcome::Rewritten { found: None } => {
                f.write_str(" proves that events were taken out: the last it speaks of is not there")
            }
        }
    }
}
