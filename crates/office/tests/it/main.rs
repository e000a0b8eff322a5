//! The office from outside: one binary, since linking is what takes long.

#![allow(clippy::unwrap_used)] // of tests; clippy sees those in `#[test]` functions only

mod admission;
mod allocation;
mod bar;
mod common;
mod oversight;
mod pages;
mod reading;
mod staff;
mod stamp;
mod together;
mod transcribe;
