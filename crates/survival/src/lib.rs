//! Time-to-event statistics, each held against R's `survival` (and `cmprsk`) to the last digits.
//!
//! Knows nothing of trials, reads no file, no clock, and draws no randomness but from a seed it is handed.
//! Start at [`km`] (curves), [`logrank`] (tests) and [`cox`] (models); [`mmrm`] (repeated measures), [`design`] (of trials).
//!
//! # Conventions
//!
//! Every slice has one value a subject (or, for start-stop data, a row); labels of groups, strata and clusters are any
//! `usize` and results list them ascending. Times are finite and not negative, in any one unit. Missing values are the
//! caller's to drop: a NaN is refused with its row. Times that only rounding tells apart are one time, as in R.
//!
//! # Cost
//!
//! `crates/survival/benches/versus_r.sh` prints it beside R's. Kaplan-Meier and log-rank are one radix sort of the times and
//! one pass, a small multiple of the least that could do (the script's line `limit`). A Cox fit sorts once and makes one pass
//! a Newton step; with p covariates that pass is p (p + 1) / 2 multiply-adds a subject, which is what the information matrix
//! needs, and it is made on one core. No fit holds more than a few numbers a subject beyond its input.
//!
//! # Ties
//!
//! An event precedes a censoring at the same time; a subject who enters at t is not at risk at t.

mod beta;
mod distribution;
mod error;
mod linalg;
mod linear;
mod normal_region;
mod observations;
mod order;
mod root;
mod student;

pub mod aalen_johansen;
pub mod ancova;
pub mod cox;
pub mod dataset;
pub mod design;
pub mod fine_gray;
pub mod fisher;
pub mod gray;
pub mod km;
pub mod landmark;
pub mod logrank;
pub mod maxcombo;
pub mod mmrm;
pub mod nelson_aalen;
pub mod permutation;
pub mod proportion;
pub mod rmst;
pub mod t_test;
pub mod two_groups;
pub mod wilcoxon;

pub use distribution::{Test, normal_cdf, normal_quantile};
pub use error::{Error, Warning};
pub use km::ConfType;
pub use observations::{Estimate, Observations};
pub use student::{FTest, TEstimate};
