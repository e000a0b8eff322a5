//! Verification: everything recomputed, the first event that does not fit named, and what cannot be known said.
//!
//! Never repairs, and never trusts a column it can recompute. See ARCHITECTURE.md, "The path of a value", for what is promised.

pub(crate) mod chain;
mod checkpoints;
pub(crate) mod inspect;
mod limits;
mod verdict;

use crate::address::Address;
use crate::checkpoint::{Checkpoint, PublicKey};
use crate::error::Result;
use crate::store::{self, On, Store};

pub use verdict::{Check, CheckpointVerdict, Misfit, Outcome, Place, Verified};

use chain::Scan;

/// What a verification is told from outside.
#[derive(Clone, Copy, Default)]
pub(crate) struct Given<'c> {
    /// Checkpoints kept elsewhere.
    pub outside: &'c [Checkpoint],
    /// The key that all checkpoints must be signed with.
    pub trusted: Option<PublicKey>,
}

pub(crate) async fn verify(
    store: &Store,
    given: Given<'_>,
    progress: impl FnMut(u64, u64) + Send,
) -> Result<Verified> {
    let store = store.to_read();
    let mut connection = store.connect_to_scan().await?;
    connection.snapshot().await.map_err(|source| store::error(&store.address, source))?;
    let verified = match &*store.address {
        Address::File(path) => {
            // Its pages take as long to look through as its chain.
            let inspected = tokio::spawn(inspect::inspect_file(path.clone(), store.access));
            let mut verified = examine(connection.on(), &store.address, given, progress).await;
            verified.file.extend(joined(inspected.await));
            verified
        }
        Address::Postgres(at) => {
            let mut verified = examine(connection.on(), &store.address, given, progress).await;
            verified.file.extend(inspect::inspect_schema(connection.on(), at).await);
            verified.notes.extend(inspect::disk_is_not_waited_for(connection.on()).await);
            verified
        }
    };
    let _ = connection.close().await; // it only read
    Ok(verified)
}

/// Everything but the tables themselves, as a connection's transaction sees it.
pub(crate) async fn examine(
    mut on: On<'_>,
    at: &Address,
    Given { outside, trusted }: Given<'_>,
    progress: impl FnMut(u64, u64) + Send,
) -> Verified {
    let mut faults = Vec::new();
    let inside = checkpoints::read(on.again()).await.unwrap_or_else(|error| {
        faults.push(format!("the checkpoints cannot be read: {error}"));
        Vec::new()
    });
    let counts = inside
        .iter()
        .filter_map(|(_, read)| read.as_ref().ok())
        .chain(outside)
        .map(|checkpoint| checkpoint.count);
    let scan = Scan::new(counts.collect()).run(on, progress).await;
    faults.extend(scan.fault.clone());

    let mut verdicts = checkpoints::judge_inside(inside, &scan, trusted);
    verdicts.extend(outside.iter().enumerate().map(|(nth, checkpoint)| CheckpointVerdict {
        place: Place::Outside(nth + 1),
        outcome: checkpoints::judge(checkpoint, &scan, trusted),
        checkpoint: Some(checkpoint.clone()),
    }));
    let notes = scan.notes();
    let limits = limits::limits(at, &verdicts, scan.head.count, trusted);
    Verified {
        head: scan.head,
        first: scan.first,
        misfits: scan.misfits,
        checkpoints: verdicts,
        file: faults,
        notes,
        limits,
    }
}

/// A panic in a task is a fault of this program, and goes on as one.
fn joined<T>(outcome: std::result::Result<T, tokio::task::JoinError>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
