//! In from SDTM and from questionnaires: what others recorded, as the house's own events and answers.
//!
//! Never derives a response, a date or an endpoint: it reads, checks and translates, and names every row it did not use.
//! `sdtm` reads a directory; `factb` a file of answers; `agreement` holds what the data recorded against what the house derives.

mod adam;
pub mod agreement;
pub mod ars;
pub mod bundle;
pub mod define;
pub mod factb;
pub mod fhir;
pub mod format;
pub mod layout;
pub mod odm;
pub mod registry;
pub mod sdtm;
mod sdtm_out;
pub mod submission;
pub mod table;
