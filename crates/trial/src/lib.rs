//! The domain: protocol, events, record and every rule of the trial as pure functions.
//!
//! Never does I/O, reads a clock or draws randomness it was not handed. Read `ARCHITECTURE.md` first.

pub mod bodymap;
pub mod calendar;
pub mod concept;
pub mod condition;
pub mod consequence;
pub mod ctcae;
pub mod date;
pub mod derive;
pub mod eligibility;
pub mod endpoint;
pub mod event;
pub mod factb;
pub mod form;
pub mod id;
pub mod outstanding;
pub mod plan;
pub mod progression;
pub mod protocol;
pub mod randomise;
pub mod recist;
pub mod record;
pub mod review;
pub mod rules;
pub mod sabr;
pub mod safety;
pub mod standing;
pub mod strategy;
pub mod words;
