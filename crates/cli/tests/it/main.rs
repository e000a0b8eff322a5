//! The binary as a person or a program meets it: what it prints, where, and with which exit code.
//!
//! Never looks inside: what the crates compute is proved in the crates. One virtual trial is shared by all (`stage`).
#![allow(clippy::unwrap_used)] // in what the tests share, as in the tests
#![allow(clippy::format_push_string)] // of a snapshot's few lines

mod accounts;
mod amendment;
mod bad_input;
mod bundle;
mod demo;
mod diff;
mod document;
mod dry_run;
mod exit_codes;
mod explain;
mod export;
mod export_audit;
mod factb;
mod help;
mod import;
mod interchange;
mod killed;
mod ledgers;
mod pipes;
mod protocols;
mod recist;
mod report;
mod simulate;
mod stage;
mod terminal;
