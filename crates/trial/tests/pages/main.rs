//! What pages need of the domain: forms read and laid out, the calendar, what is missing, what an assessment means, terms,
//! amendments, places on a figure, where a subject stands.

// A test that cannot be set up has failed.
#![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]

#[path = "../notebook/mod.rs"]
mod notebook;

mod amendment;
mod calendar;
mod consequence;
mod entry;
mod figure;
mod live;
mod missing;
mod terms;
