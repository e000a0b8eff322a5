//! What no verification can know, in words.
//!
//! Never left out of a verdict: a reader who is told only what holds believes more than was proved.

use std::collections::BTreeSet;

use super::verdict::{CheckpointVerdict, Outcome, Place};
use crate::address::Address;
use crate::chain::Seq;
use crate::checkpoint::PublicKey;

pub(super) fn limits(
    at: &Address,
    verdicts: &[CheckpointVerdict],
    count: Seq,
    trusted: Option<PublicKey>,
) -> Vec<String> {
    let outside = |verdict: &&CheckpointVerdict| {
        matches!(verdict.place, Place::Outside(_)) && verdict.outcome == Outcome::Holds
    };
    let reach = verdicts
        .iter()
        .filter(outside)
        .filter_map(|verdict| verdict.checkpoint.as_ref())
        .map(|c| c.count)
        .max();
    let tail = match reach {
        None => format!(
            "Whether events were cut off at the end, or all rewritten with new hashes: no checkpoint kept outside was given \
             that holds, and whoever can {} can do both and leave no trace in it.",
            match at {
                Address::File(_) => "write to the file",
                Address::Postgres(_) => "change the tables of the database",
            }
        ),
        Some(reach) if reach == count => {
            format!(
                "Whether events after event {count} were cut off: the last checkpoint kept outside speaks of {reach} events."
            )
        }
        Some(reach) => format!(
            "Whether the events after event {reach} are all there were, and as they were written: the last checkpoint kept \
             outside speaks of {reach} events, and there are {count}."
        ),
    };
    let keys: BTreeSet<_> =
        verdicts.iter().filter_map(|verdict| Some(verdict.checkpoint.as_ref()?.public_key)).collect();
    let key = match (trusted, keys.is_empty()) {
        (Some(trusted), _) => format!("Whether the key {trusted} was in the right hands whenever it signed."),
        (None, true) => "Who vouches for the ledger: there are no checkpoints.".to_owned(),
        (None, false) => {
            let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
            format!(
                "Whose keys signed the checkpoints ({}): no trusted public key was given to hold them against.",
                keys.join(", ")
            )
        }
    };
    let mut limits = vec![tail, key];
    if let Address::Postgres(_) = at {
        limits.push(
            "Whether the server's own files are in order: its data checksums and `pg_amcheck` tell."
                .to_owned(),
        );
    }
    limits.extend([
        "Who was at the keyboard: an event signed on a stolen password verifies like any other.".to_owned(),
        "Whether the clock was right: an event carries the time that the computer had when it was recorded."
            .to_owned(),
        "Whether what was recorded is true: that is for source data verification.".to_owned(),
    ]);
    limits
}
