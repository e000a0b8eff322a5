//! What a registry says of a trial before it has results, whichever form it was read from.
//!
//! Never interprets: an outcome is a measure, words and a time frame here.

use std::fmt;

use serde::Serialize;
use trial::date::PartialDate;

/// A registry record.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RegistryRecord {
    /// What it was read from, in words.
    pub form: String,
    /// The registry's number, as in `NCT06882499`.
    pub registry: Option<String>,
    /// The short name.
    pub acronym: Option<String>,
    /// The full title: the official one where there is one.
    pub title: String,
    /// The brief summary.
    pub summary: String,
    /// The detailed description.
    pub description: String,
    /// Conditions under study.
    pub conditions: Vec<String>,
    /// Phase in Roman numerals, as in `II` or `I/II`.
    pub phase: Option<String>,
    /// Allocation, model and masking, in words.
    pub design: Option<String>,
    /// False where the record says that nobody is randomised.
    pub randomised: Option<bool>,
    /// Participants, planned or actual.
    pub participants: Option<u32>,
    /// First enrolment.
    pub start: Option<PartialDate>,
    /// End of the study.
    pub end: Option<PartialDate>,
    /// The arms.
    pub arms: Vec<RecordArm>,
    /// Interventions: type and name.
    pub interventions: Vec<(String, String)>,
    /// Outcome measures, the primary ones first.
    pub outcomes: Vec<Outcome>,
    /// Inclusion criteria, each as worded.
    pub inclusion: Vec<String>,
    /// Exclusion criteria, each as worded.
    pub exclusion: Vec<String>,
    /// Least age in years.
    pub least_age: Option<u32>,
    /// Greatest age in years.
    pub greatest_age: Option<u32>,
    /// `F` or `M` where only they may enter.
    pub sex: Option<char>,
    /// Places where it runs.
    pub sites: Option<u32>,
    /// What of the record could not be placed, in words.
    pub unread: Vec<String>,
}

/// An arm as the registry has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RecordArm {
    /// Its letter or number, where the record gives one.
    pub id: Option<String>,
    /// Its name.
    pub label: String,
    /// What is given.
    pub description: String,
    /// True for what the registry calls a comparator, false for an experimental arm, none where it does not say.
    pub comparator: Option<bool>,
    /// Something is irradiated.
    pub radiation: bool,
}

/// The rank of an outcome measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rank {
    /// Primary.
    Primary,
    /// Secondary.
    Secondary,
    /// Another one, named before the data were seen.
    Other,
}

/// An outcome measure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Its rank.
    pub rank: Rank,
    /// Its name.
    pub measure: String,
    /// What it is, in words.
    pub description: String,
    /// When it is assessed, in words.
    pub time_frame: String,
}

/// Why a registry record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordFault {
    /// Where in the record, as in `protocolSection.identificationModule`; empty for the record as a whole.
    pub place: String,
    /// What was found.
    pub found: String,
    /// What would be right.
    pub right: String,
}

impl RecordFault {
    pub(super) fn new(place: impl Into<String>, found: impl Into<String>, right: impl Into<String>) -> Self {
        Self { place: place.into(), found: found.into(), right: right.into() }
    }
}

impl fmt::Display for RecordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        write!(f, "found {}; {}", self.found, self.right)
    }
}

impl std::error::Error for RecordFault {}
