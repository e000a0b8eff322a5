//! The one write path and the one read path of a trial: an event is admitted by the trial's rules, then appended; a ledger
//! is read as records.
//!
//! Never holds a rule itself (those are `trial`'s, stated in the protocol file), and never reads a clock: whoever acts
//! hands in the moment. Start at `Office::submit` for writing and at `open_reading` for reading.

mod action;
mod admit;
mod allocation;
mod books;
mod queue;
mod reading;
mod refusal;
mod seed;
mod state;
mod write;

pub use action::{Action, Actor, Deed, Receipt};
pub use allocation::{AllocationAudit, AllocationMisfit, Difference};
pub use reading::{Counts, Folded, Reading, Subject, open_reading};
pub use refusal::{Error, Reason, Refusal};
pub use seed::{SeedFault, seed_path};
pub use state::Site;
pub use write::Office;

/// Runs `future` to its end on a runtime of its own, for callers that have none.
///
/// Panics where it is called from within a runtime: await there instead. Errors: the runtime's threads cannot be started.
pub fn block_on<F: Future>(future: F) -> std::io::Result<F::Output> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(future))
}
