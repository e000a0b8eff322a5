//! The one write path and the one read path of a trial: an event is admitted by the trial's rules, then appended; a ledger
//! is read as records.
//!
//! Never holds a rule itself (those are `trial`'s, stated in the protocol file). Its only clock is that which stamps an action
//! whose author says no moment. Start at `Office::submit` for writing, at `Office::folder` and `Board` for pages, and at
//! `open_reading` for reports.

mod action;
mod admit;
mod allocation;
mod board;
mod books;
mod desk;
mod folder;
mod memory;
mod office;
mod queue;
mod reading;
mod refusal;
mod results;
mod seed;
mod shelf;
mod state;
mod trail;
mod transcribe;
mod weight;

pub use action::{Action, Actor, Deed, Receipt};
pub use allocation::{AllocationAudit, AllocationMisfit, Difference};
pub use board::{Board, BoardProgress, Snapshot};
pub use folder::{Events, Folder};
pub use memory::Memory;
pub use office::{Founding, Office, Overview};
pub use reading::{Counts, Folded, Reading, Subject, open_reading};
pub use refusal::{Error, Later, Reason, Refusal};
pub use results::Arms;
pub use seed::{SeedFault, SeedPlace, seed_path};
pub use state::{Closure, Grant, Site};
pub use trail::{TrailFilter, TrailPage};
pub use transcribe::transcribe;

/// Runs `future` to its end on a runtime of its own, for callers that have none.
///
/// Panics where it is called from within a runtime: await there instead. Errors: the runtime's threads cannot be started.
pub fn block_on<F: Future>(future: F) -> std::io::Result<F::Output> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(future))
}
