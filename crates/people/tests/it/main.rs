//! The store of people on both databases, and the table of permissions.

#![allow(clippy::unwrap_used)] // a test that cannot go on says so

mod account;
mod api_token;
mod erasable;
mod forged;
mod invitation;
mod patient_link;
mod permission;
mod place;
mod sealing;
mod second_factor;
mod session;
mod sign_in;
mod stores;
