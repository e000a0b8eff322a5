//! What can be wrong with the input, and what a fit wants to be told about.
//!
//! Never a panic: every refusal says which row or column, what was found and what would be right.
//! Rows are counted from 0, as the slices are. See [`crate`] for which function refuses what.

use serde::Serialize;

/// Why a statistic cannot be computed from what was given.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no subject at all.
    #[error("no subjects: at least one is needed")]
    Empty,
    /// Two inputs do not belong to the same subjects.
    #[error("`{what}` has {found} values, but there are {expected} subjects: give one value for each")]
    Length {
        /// The argument.
        what: &'static str,
        /// The number of subjects.
        expected: usize,
        /// The number of values found.
        found: usize,
    },
    /// More subjects than the sorted index can count.
    #[error("{found} subjects: at most {} can be sorted", u32::MAX)]
    TooMany {
        /// The number of subjects.
        found: usize,
    },
    /// A time that is negative, infinite or not a number.
    #[error("time of row {row} is {found}: a finite time, zero or later, is needed")]
    Time {
        /// The row.
        row: usize,
        /// What it holds.
        found: f64,
    },
    /// A subject that leaves before, or when, it enters.
    #[error("row {row} enters at {entry} and leaves at {time}: it must enter before it leaves")]
    Entry {
        /// The row.
        row: usize,
        /// Time of entry.
        entry: f64,
        /// Time of event or censoring.
        time: f64,
    },
    /// A weight that is not above zero.
    #[error("weight of row {row} is {found}: a finite weight above 0 is needed")]
    Weight {
        /// The row.
        row: usize,
        /// What it holds.
        found: f64,
    },
    /// A value that is infinite or not a number.
    #[error("`{what}` of row {row} is {found}: a finite number is needed (drop or impute the row first)")]
    NotFinite {
        /// The argument or covariate.
        what: String,
        /// The row.
        row: usize,
        /// What it holds.
        found: f64,
    },
    /// Nobody had the event, so there is nothing to compare or to fit.
    #[error("no events: at least one is needed")]
    NoEvents,
    /// A comparison of one group with itself.
    #[error("every subject is in group {label}: a comparison needs two groups or more")]
    OneGroup {
        /// The only label.
        label: usize,
    },
    /// A model without covariates.
    #[error("no covariates: a Cox model needs at least one")]
    NoCovariates,
    /// A number outside what the formula is defined for.
    #[error("`{what}` is {found}: {allowed}")]
    OutOfRange {
        /// The argument.
        what: &'static str,
        /// What was given.
        found: f64,
        /// What would be right.
        allowed: &'static str,
    },
    /// A covariate the data say nothing about once the others are known.
    #[error(
        "covariate `{name}` is constant in every risk set, or a linear combination of the covariates before it: \
         leave it out, or ask for `Collinear::Drop`"
    )]
    Collinear {
        /// The covariate.
        name: String,
    },
    /// The data do not bear this quantity.
    #[error("{what} cannot be estimated: {why}")]
    NotEstimable {
        /// The quantity.
        what: String,
        /// Why not.
        why: String,
    },
    /// Two requests that exclude each other.
    #[error("{what} is not defined {with}")]
    Unsupported {
        /// What was asked.
        what: &'static str,
        /// Together with what.
        with: &'static str,
    },
}

/// What a fit that did give values wants to be told about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Warning {
    /// The likelihood stopped growing while the coefficient still ran away: separation (monotone likelihood).
    Separation {
        /// The covariate.
        name: String,
    },
    /// The iterations ended before the likelihood settled.
    NotConverged {
        /// Iterations made.
        iterations: usize,
    },
    /// The covariate was dropped (`Collinear::Drop`): its coefficient is NaN, its variance 0.
    Dropped {
        /// The covariate.
        name: String,
    },
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Separation { name } => write!(
                f,
                "the likelihood converged before the coefficient of `{name}`: it may be infinite (separation); \
                 trust the likelihood-ratio test and profile limits, or use the Firth correction"
            ),
            Self::NotConverged { iterations } => write!(f, "no convergence within {iterations} iterations"),
            Self::Dropped { name } => write!(
                f,
                "`{name}` was dropped: constant in every risk set or a combination of the covariates before it"
            ),
        }
    }
}
