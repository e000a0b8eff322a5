//! Checkpoints, held against the chain.
//!
//! Never says whose key signed, unless it was told whom to trust. See `checkpoint` for what is signed.

use super::chain::Scan;
use super::verdict::{CheckpointVerdict, Outcome, Place};
use crate::checkpoint::{Checkpoint, PublicKey};
use crate::store::On;

pub(super) type Read = (i64, std::result::Result<Checkpoint, String>);

pub(super) async fn read(on: On<'_>) -> sqlx::Result<Vec<Read>> {
    let stored = crate::read::checkpoints(on).await?;
    Ok(stored.into_iter().map(|(number, bytes)| (number, read_checkpoint(&bytes))).collect())
}

fn read_checkpoint(bytes: &[u8]) -> std::result::Result<Checkpoint, String> {
    let checkpoint: Checkpoint = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if checkpoint.to_line().as_bytes() == bytes {
        Ok(checkpoint)
    } else {
        Err("JSON that is not in canonical form".to_owned())
    }
}

pub(super) fn judge_inside(
    inside: Vec<Read>,
    scan: &Scan,
    trusted: Option<PublicKey>,
) -> Vec<CheckpointVerdict> {
    let (mut verdicts, mut next, mut earlier) = (Vec::with_capacity(inside.len()), 1, 0);
    for (number, read) in inside {
        if number != next {
            let place = Place::Ledger(next);
            verdicts.push(CheckpointVerdict { place, checkpoint: None, outcome: Outcome::Missing });
        }
        next = number.saturating_add(1);
        let place = Place::Ledger(number);
        verdicts.push(match read {
            Err(found) => {
                CheckpointVerdict { place, checkpoint: None, outcome: Outcome::Unreadable { found } }
            }
            Ok(checkpoint) => {
                let outcome = match judge(&checkpoint, scan, trusted) {
                    Outcome::Holds if checkpoint.count < earlier => Outcome::OutOfOrder { earlier },
                    outcome => outcome,
                };
                earlier = checkpoint.count;
                CheckpointVerdict { place, outcome, checkpoint: Some(checkpoint) }
            }
        });
    }
    verdicts
}

pub(super) fn judge(checkpoint: &Checkpoint, scan: &Scan, trusted: Option<PublicKey>) -> Outcome {
    if !checkpoint.signature_holds() {
        return Outcome::BadSignature;
    }
    if let Some(trusted) = trusted
        && checkpoint.public_key != trusted
    {
        return Outcome::UntrustedKey { trusted };
    }
    if checkpoint.count > scan.head.count {
        return Outcome::CutOff { found: scan.head.count };
    }
    match scan.hashes.get(&checkpoint.count) {
        Some(hash) if *hash == checkpoint.head => Outcome::Holds,
        found => Outcome::Rewritten { found: found.copied() },
    }
}
