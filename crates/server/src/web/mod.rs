//! What every page stands on: gates, frame, headers, faults, addresses, files.
//!
//! Never speaks of one page in particular; those are in `page`, `epro` and `api`.

pub mod access;
pub(crate) mod address;
pub(crate) mod assets;
pub(crate) mod cookie;
pub(crate) mod fault;
pub(crate) mod headers;
pub(crate) mod limit;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod shell;
pub(crate) mod tls;
