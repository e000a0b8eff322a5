//! The record: what is known of one subject, typed, each fact with the event it came from.
//!
//! Never derives a response or an endpoint, and never decides what a value means beyond its concept's item names (the
//! table in `concept`). `fold` makes it from a subject's events.

mod fold;
mod oversight;
mod reading;
mod suppose;

pub use fold::value;
pub use oversight::{Answer, Mark, Query, QueryState, Signature};
pub use reading::place;
pub use suppose::SUPPOSED;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::date::PartialDate;
use crate::event::{Instance, OnBehalf, Seq};
use crate::id::{ArmId, LesionId, SiteId, SubjectId};

/// What is known of one subject.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The subject.
    pub subject: SubjectId,
    /// The site.
    pub site: SiteId,
    /// Day and event of screening.
    pub screened: Option<Fact<Date>>,
    /// Day consent was given (`RFICDAT`).
    pub consent: Option<Fact<Date>>,
    /// Sex as coded (`SEX`).
    pub sex: Option<Fact<String>>,
    /// Year of birth (`BRTHYY`).
    pub birth_year: Option<Fact<i16>>,
    /// Randomisation.
    pub randomised: Option<Fact<Allocation>>,
    /// ECOG performance status by date.
    pub ecog: Vec<Fact<(Date, u8)>>,
    /// Tumour assessments of every reader, in order of date.
    pub assessments: Vec<Assessment>,
    /// Progressions judged without a scan.
    pub clinical_progressions: Vec<Fact<Date>>,
    /// SABR courses in order of start.
    pub sabr: Vec<SabrCourse>,
    /// Lines of systemic therapy in order of start.
    pub lines: Vec<TherapyLine>,
    /// Adverse events.
    pub adverse_events: Vec<AdverseEvent>,
    /// FACT-B answers by date.
    pub factb: Vec<FactBAnswers>,
    /// Strategy decisions by date.
    pub decisions: Vec<StrategyDecision>,
    /// Deviations.
    pub deviations: Vec<Deviation>,
    /// Withdrawal or loss to follow-up.
    pub withdrawal: Option<Withdrawal>,
    /// Death.
    pub death: Option<Death>,
    /// Days on which the subject was known to be alive, with their events.
    pub contacts: Vec<Fact<Date>>,
    /// Every filled form as it now stands.
    pub forms: Vec<FilledForm>,
    /// Every query, in the order they were raised.
    pub queries: Vec<Query>,
    /// What in the events could not be read; nothing is lost silently.
    pub faults: Vec<RecordFault>,
}

/// A value with the event it came from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fact<T> {
    /// The value.
    pub value: T,
    /// The event.
    pub event: Seq,
}

/// An allocation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Allocation {
    /// The arm.
    pub arm: ArmId,
    /// The day: study day 1.
    pub date: Date,
    /// Factor id and level id, in the order of the protocol.
    pub stratum: Vec<(String, String)>,
    /// For whom it was drawn, where the site could not do it itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_behalf: Option<OnBehalf>,
}

/// A filled form as it now stands.
#[derive(Clone, Debug, PartialEq)]
pub struct FilledForm {
    /// Which one.
    pub instance: Instance,
    /// Its values.
    pub values: serde_json::Map<String, serde_json::Value>,
    /// The event that gave them: the last correction, where there was one.
    pub event: Seq,
    /// The event that first filled it.
    pub first: Seq,
    /// When `event` was recorded.
    pub recorded: jiff::Timestamp,
    /// The clinical date it speaks of, where it has one.
    pub date: Option<PartialDate>,
    /// The last signature; see `signature_stands`.
    pub signed: Option<Signature>,
    /// The last verification against the source; see `verification_stands`.
    pub verified: Option<Mark>,
    /// Who closed it to changes, while it is closed.
    pub locked: Option<Mark>,
}

/// What in an event could not be read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordFault {
    /// The event.
    pub event: Seq,
    /// Form, visit and occurrence in words.
    pub place: String,
    /// The item, with its row where it stands in a group.
    pub item: String,
    /// What was found and what would be right.
    pub message: String,
}

/// One reader's tumour assessment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Assessment {
    /// The event.
    pub event: Seq,
    /// `INVESTIGATOR`, or `EVAL/EVALID`.
    pub reader: String,
    /// Visit id.
    pub visit: String,
    /// Order of the visit (`VISITNUM`).
    pub visitnum: f64,
    /// Day of the first scan of the assessment.
    pub date: Date,
    /// One reading a lesion.
    pub readings: Vec<Reading>,
}

/// What a lesion was named as when first seen (`TUORRES`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
pub enum LesionRole {
    /// Measured at each assessment.
    Target,
    /// Followed without measuring, or measured for the lesion level only.
    NonTarget,
    /// Not there at baseline.
    New,
}

/// What one assessment says of one lesion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// The lesion.
    pub lesion: LesionId,
    /// Its role, as first named.
    pub role: LesionRole,
    /// `TULOC`, upper case; empty where not said.
    pub location: String,
    /// A lymph node: measured in its short axis.
    pub nodal: bool,
    /// Inside the skull.
    pub intracranial: bool,
    /// What was seen.
    pub finding: Finding,
    /// Measured size in mm where one was given (a non-target or new lesion may have one as well).
    pub diameter: Option<f64>,
    /// This lesion is a part of that one, which split.
    pub split_from: Option<LesionId>,
    /// This lesion merged into that one.
    pub merged_into: Option<LesionId>,
    /// Progressing when the subject entered the trial.
    pub oligoprogressive: Option<bool>,
    /// Amenable to SABR, as judged.
    pub amenable: Option<bool>,
}

/// What was seen of a lesion.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Finding {
    /// A target's diameter in mm: longest, or short axis of a node; 0 when gone.
    Measured(f64),
    /// Seen, but too small to measure.
    TooSmall,
    /// Non-target: there.
    Present,
    /// Gone.
    Absent,
    /// Non-target: unequivocally worse. New: unequivocally there.
    Unequivocal,
    /// New: perhaps there.
    Equivocal,
    /// Merged into another lesion, which carries the size.
    Merged,
    /// Not evaluated, and why.
    NotEvaluable(String),
}

/// A course of SABR.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SabrCourse {
    /// The event.
    pub event: Seq,
    /// First fraction.
    pub start: Date,
    /// Last fraction; none while under way.
    pub end: Option<Date>,
    /// What each lesion got.
    pub lesions: Vec<LesionDose>,
}

/// What a lesion got.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LesionDose {
    /// The lesion.
    pub lesion: LesionId,
    /// Dose a fraction, Gy.
    pub fraction_gy: f64,
    /// Fractions given.
    pub fractions: u32,
}

/// Why a line of therapy began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LineReason {
    /// Under way at randomisation, and meant to continue.
    Baseline,
    /// Started at randomisation, as the arm says.
    Protocol,
    /// Progression.
    Progression,
    /// Toxicity of the earlier one.
    Toxicity,
    /// Another reason.
    Other,
}

/// A line of systemic therapy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TherapyLine {
    /// The event.
    pub event: Seq,
    /// Drugs (`CMTRT`).
    pub treatment: String,
    /// Why it began.
    pub reason: LineReason,
    /// First day.
    pub start: PartialDate,
    /// Last day; none while it goes on.
    pub end: Option<PartialDate>,
}

/// An adverse event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AdverseEvent {
    /// The event.
    pub event: Seq,
    /// CTCAE term (`AEDECOD` or `AETERM`).
    pub term: String,
    /// System organ class, where given.
    pub class: Option<String>,
    /// CTCAE grade 1 to 5, or the severity mapped to 1 to 3 where no grade was given.
    pub grade: Option<u8>,
    /// True where `grade` is a severity and no CTCAE grade.
    pub from_severity: bool,
    /// Onset.
    pub start: Option<PartialDate>,
    /// End.
    pub end: Option<PartialDate>,
    /// Serious.
    pub serious: bool,
    /// Attribution item to attribution code.
    pub attribution: Vec<(String, String)>,
}

/// Answers to FACT-B.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FactBAnswers {
    /// The event.
    pub event: Seq,
    /// The day answered.
    pub date: Date,
    /// Visit id.
    pub visit: String,
    /// In the order of `factb::ITEMS`; none where not answered.
    pub answers: Vec<Option<u8>>,
}

/// What was decided at a progression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Decision {
    /// Keep the strategy: treat the progression locally, go on with the systemic therapy.
    Continue,
    /// Give the strategy up.
    Abandon,
}

/// A decision at a progression.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StrategyDecision {
    /// The event.
    pub event: Seq,
    /// The day it was taken.
    pub date: Date,
    /// The progression it is about.
    pub progression: Date,
    /// What was decided.
    pub decision: Decision,
}

/// A protocol deviation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Deviation {
    /// The event.
    pub event: Seq,
    /// The day.
    pub date: Date,
    /// Category (`DVCAT`).
    pub category: String,
    /// In words (`DVTERM`).
    pub term: String,
    /// Important, as ICH E3 means it: it may affect the data, or a subject's rights, safety or well-being (`DVMAJOR`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub important: Option<bool>,
}

/// Withdrawal or loss to follow-up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Withdrawal {
    /// The event.
    pub event: Seq,
    /// The day.
    pub date: Date,
    /// Why (`DSDECOD`).
    pub reason: String,
}

/// Death.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Death {
    /// The event.
    pub event: Seq,
    /// The day, as far as it is known.
    pub date: PartialDate,
    /// The cause, where given.
    pub cause: Option<String>,
}
