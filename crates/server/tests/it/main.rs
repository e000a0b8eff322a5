//! The web application over HTTP, on real ledgers.

// A test may unwrap; clippy looks only at `#[test]` functions.
#![allow(clippy::unwrap_used)]

mod amendment;
mod api;
mod api_examples;
mod chart;
mod eligible;
mod entry;
mod epro;
mod fhir;
mod log_in;
mod operations;
mod people;
mod postgres;
mod queries;
mod randomise;
mod review;
mod roles;
mod scaffold;
mod screening;
mod subjects;
mod trail;
mod two_servers;
