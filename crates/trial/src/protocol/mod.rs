//! The protocol: what was promised, read from one TOML file.
//!
//! `model` holds the types. Never holds a word of a particular trial.

mod model;

pub use model::*;
