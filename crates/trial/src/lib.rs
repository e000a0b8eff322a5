//! The domain: protocol, events, record and every rule of the trial as pure functions.
//!
//! Never does I/O, reads a clock or draws randomness it was not handed. Read `ARCHITECTURE.md` first.

pub mod concept;
pub mod date;
pub mod event;
pub mod id;
pub mod protocol;
pub mod record;
