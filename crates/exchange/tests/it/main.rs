//! Tests of the import, on third-party data and on small directories written here.

#![allow(clippy::unwrap_used)] // a test that meets a surprise fails

mod ars;
mod bad_input;
mod fhir;
mod formats;
mod layouts;
mod mutated;
mod odm;
mod oracle;
mod properties;
mod registry;
mod submission;
mod written;
