//! A trial registry: a record in, as the beginning of a protocol; results out, in the form that registration asks for.
//!
//! Never decides what the record leaves open (it marks it), and never counts or estimates: the numbers are `analysis`'s.
//! `v2` and `text` read a record, `skeleton` writes the protocol, `results` the results section.

mod attention;
mod record;
pub mod results;
mod skeleton;
mod text;
mod v2;

pub use record::{Outcome, Rank, RecordArm, RecordFault, RegistryRecord};
pub use skeleton::{Skeleton, skeleton};

/// A record has at most so many bytes; a study record with results and hundreds of sites has about two million.
pub const MOST_BYTES: usize = 16 << 20;

/// Reads a registry record: a study record of `ClinicalTrials.gov` (API version 2, JSON), or the columns of its CSV download as
/// text, one field after the other. Errors say what was found and what would be right.
pub fn read(bytes: &[u8]) -> Result<RegistryRecord, RecordFault> {
    if bytes.len() > MOST_BYTES {
        return Err(RecordFault::new(
            "",
            format!("{} bytes", bytes.len()),
            format!("a registry record has at most {MOST_BYTES}"),
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|wrong| {
        let found = format!("bytes that are no UTF-8 text, from byte {} on", wrong.valid_up_to());
        RecordFault::new("", found, "a registry record as JSON or as text, in UTF-8")
    })?;
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with(['{', '[']) { v2::read(text) } else { text::read(text) }
}
