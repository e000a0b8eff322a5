//! The protocol: what was promised, read from one TOML file.
//!
//! `model` holds the types, `check` reads a file and finds every fault at once, `history` holds the versions in force;
//! `diff` and `effect` tell what an amendment changes.
//! Never holds a word of a particular trial.

mod check;
mod diff;
mod effect;
mod history;
mod model;
mod near;

pub use check::{Checked, Fault, check, schema};
pub use diff::{Change, diff};
pub use effect::{Amendment, Effect, EffectCount, EffectKind, effect, summary};
pub use history::ProtocolHistory;
pub use model::*;
pub(crate) use near::near;
