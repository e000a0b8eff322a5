//! In from SDTM: what others recorded, as the house's own events.
//!
//! Never derives a response, a date or an endpoint: it reads, checks and translates, and names every row it did not use.
//! `sdtm` reads a directory; `agreement` holds what the data recorded against what the house derives.

pub mod agreement;
pub mod sdtm;
