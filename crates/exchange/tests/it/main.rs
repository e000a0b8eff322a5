//! Tests of the import, on third-party data and on small directories written here.

#![allow(clippy::unwrap_used)] // a test that meets a surprise fails

mod bad_input;
mod layouts;
mod mutated;
mod oracle;
mod properties;
mod written;
