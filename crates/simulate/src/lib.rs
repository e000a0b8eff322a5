//! Virtual patients and whole virtual trials, as actions of an office: the real program on people who do not exist.
//!
//! Never skips the real path: every event is admitted by `office`, every arm is drawn by it, and the virtual investigator
//! decides by what `trial` says of the readings. The design comes from the protocol file, the disease from a profile
//! (`profiles/*.toml`). The same options give the same ledger, to the hash of its head, on any machine. Start at `run`.
//!
//! Beside whole trials, event times alone by the million: a [`scenario`] says what is assumed, [`times`] simulates a trial of
//! it and [`full`] plays a whole one in memory, a [`campaign`] many of them on any number of threads and machines, and [`answers`]
//! gives power, error, bias and duration.

pub mod answers;
pub mod calibrate;
pub mod campaign;
mod chance;
mod desk;
pub mod dry_run;
pub mod full;
mod law;
mod lesion;
mod life;
mod philox;
mod plan;
mod profile;
mod run;
pub mod scenario;
mod screening;
mod sheet;
pub mod times;
mod truth;
mod watch;
mod wellbeing;

pub use profile::Profile;
pub use run::{Outcome, Progress, SimulationOptions, run};
pub use truth::{Outbreak, PatientTruth, Planted, PlantedError, Truth};

/// What can go wrong in a simulation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The office refused an action, or its ledger failed: the simulator does not know this protocol's forms well enough.
    #[error("the virtual trial could not be recorded: {0}")]
    Office(#[from] office::Error),
    /// A profile cannot be read.
    #[error("profile {name}: {why}")]
    Profile {
        /// The profile.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A scenario cannot act on the protocol.
    #[error("{0}")]
    Design(String),
    /// No virtual patient fits.
    #[error("no virtual patient could be drawn on {day} who {}; not met or unknown: {}",
            if *fails { "fails a criterion with forms that can be saved" } else { "meets every criterion" },
            criteria.join(", "))]
    NoPatient {
        /// The day of consent.
        day: jiff::civil::Date,
        /// True where the patient was to fail.
        fails: bool,
        /// The criteria of the last draw, and what its stratum lacks.
        criteria: Vec<String>,
    },
    /// Accrual came to no end.
    #[error("only {found} of {wanted} virtual patients could be randomised in {years} years")]
    Accrual {
        /// Randomised.
        found: usize,
        /// Planned.
        wanted: u32,
        /// Years simulated.
        years: i64,
    },
}
