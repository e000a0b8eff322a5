//! The types of a protocol file, one to one.
//!
//! Never decides anything: reading and checking a file is `check`'s work, applying its rules that of the modules named
//! after them. Every table may say where its statement stands (`source`) and what in it was assumed (`assumed`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::Condition;
use crate::date::PartialDate;
use crate::id::ArmId;

/// A whole protocol file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// Which trial this is, and how large.
    pub trial: Identity,
    /// The arms, in the order of reports.
    pub arms: Vec<Arm>,
    /// Inclusion and exclusion criteria.
    #[serde(default)]
    pub eligibility: Vec<Criterion>,
    /// Stratification factors, in order.
    #[serde(default)]
    pub stratification: Vec<Factor>,
    /// How the arm is drawn.
    pub randomisation: Randomisation,
    /// Visits and their windows.
    pub schedule: Schedule,
    /// Case report forms.
    pub forms: Vec<Form>,
    /// Tumour assessment rules.
    #[serde(default)]
    pub tumour: TumourRules,
    /// Radiotherapy rules.
    #[serde(default)]
    pub sabr: SabrRules,
    /// Endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Analyses of the endpoints.
    pub analyses: Vec<Analysis>,
    /// Quality of life, where it is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality_of_life: Option<QualityOfLife>,
    /// Safety rules.
    #[serde(default)]
    pub safety: Safety,
    /// What is known from elsewhere, and the design rests on: results of an earlier trial, say.
    #[serde(default)]
    pub background: Vec<Background>,
    /// What a statistical analysis plan must say and nothing else in this file does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan: Vec<PlanStatement>,
}

/// A statement of the statistical analysis plan, in words: no program acts on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanStatement {
    /// The item of the guideline for such plans it answers, as in `17` or `13a`; or an attribute of an endpoint's estimand, as in
    /// `treatment` (see `trial::plan`).
    pub item: String,
    /// The endpoint, where an attribute of its estimand is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What is stated.
    pub text: String,
    /// Where this statement stands.
    #[serde(default)]
    pub source: Option<Source>,
    /// Keys of this table whose values are assumed.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// Something known from elsewhere that the design rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Background {
    /// The statement, as in `Median PFS in AVATAR`.
    pub statement: String,
    /// Its value, as in `5.2 months`.
    pub value: String,
    /// Where it is published.
    #[serde(default)]
    pub reference: Option<String>,
    /// Where this statement stands.
    #[serde(default)]
    pub source: Option<Source>,
}

/// Where a statement of the file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// In the registry record.
    Record,
    /// In another public source.
    Public,
    /// Nowhere public: the trial office sets it here.
    Assumed,
}

/// Identity, size and design of the trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Short name, as in `AVATAR II`.
    pub id: String,
    /// Version of this protocol file.
    pub version: String,
    /// Full title.
    pub title: String,
    /// Registry number.
    #[serde(default)]
    pub registry: Option<String>,
    /// Phase, as in `II`.
    #[serde(default)]
    pub phase: Option<String>,
    /// Design in a sentence.
    #[serde(default)]
    pub design: Option<String>,
    /// The population in a sentence.
    #[serde(default)]
    pub population: Option<String>,
    /// The main question in a sentence.
    #[serde(default)]
    pub objective: Option<String>,
    /// Participants to randomise.
    pub participants: u32,
    /// Planned sites.
    #[serde(default)]
    pub sites: Option<u32>,
    /// Planned first enrolment.
    #[serde(default)]
    pub planned_start: Option<PartialDate>,
    /// Planned end.
    #[serde(default)]
    pub planned_end: Option<PartialDate>,
    /// What the size rests on.
    #[serde(default)]
    pub sample_size: Option<SampleSize>,
    /// Where this table's statements stand.
    #[serde(default)]
    pub source: Option<Source>,
    /// Keys of this table whose values are assumed.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// What the sample size rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleSize {
    /// Endpoint it is for.
    pub endpoint: String,
    /// Hazard ratio to detect.
    #[schemars(range(min = 0.01, max = 10.0))]
    pub hazard_ratio: f64,
    /// Two-sided type I error.
    #[schemars(range(min = 0.0001, max = 0.5))]
    pub alpha: f64,
    /// Power.
    #[schemars(range(min = 0.01, max = 0.9999))]
    pub power: f64,
    /// Events needed.
    pub events: u32,
    /// The formula; where it is `Schoenfeld`, `events` must agree with it.
    #[serde(default)]
    pub method: Option<String>,
    /// Share of participants who may be lost before their event.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 0.9))]
    pub loss: Option<f64>,
    /// Keys of this table whose values are assumed.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// An arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// `ARMCD`.
    pub id: ArmId,
    /// Name in reports.
    pub label: String,
    /// Share of the allocation.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10))]
    pub ratio: u32,
    /// True for the arm the others are compared with.
    #[serde(default)]
    pub control: bool,
    /// What is given.
    pub description: String,
    /// What makes the treatment strategy of this arm fail; none where the trial has no such endpoint.
    #[serde(default)]
    pub strategy: Option<Strategy>,
    /// Where this table's statements stand.
    #[serde(default)]
    pub source: Option<Source>,
    /// Keys of this table whose values are assumed.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// When the strategy of an arm holds through a progression and when it fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Strategy {
    /// The strategy in words, as the protocol states it.
    pub statement: String,
    /// Local treatment that may hold the strategy at a further progression.
    pub salvage: Salvage,
    /// At most so many progressing lesions are still oligoprogression.
    #[serde(default = "five")]
    pub max_lesions: u32,
    /// Lesions inside the skull rule salvage out.
    #[serde(default = "yes")]
    pub extracranial_only: bool,
    /// Days from the progression within which salvage to every progressing lesion is completed.
    #[serde(default = "fifty_six")]
    pub within_days: u32,
    /// The systemic therapy under way must continue through the salvage.
    #[serde(default = "yes")]
    pub systemic_continues: bool,
    /// A change of systemic therapy for progression fails the strategy, on the earlier of the two dates.
    #[serde(default = "yes")]
    pub fails_on_systemic_change: bool,
    /// Keys of this table whose values are assumed.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// Local treatment of a further progression within the strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Salvage {
    /// None: the first progression fails the strategy.
    None,
    /// SABR to every progressing lesion.
    Sabr,
}

/// Inclusion or exclusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CriterionKind {
    /// Must be true.
    Inclusion,
    /// Must be false.
    Exclusion,
}

/// An eligibility criterion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// As in `I01`.
    pub id: String,
    /// Inclusion or exclusion.
    pub kind: CriterionKind,
    /// As the protocol words it.
    pub text: String,
    /// CEL condition over the forms' items (`form.ITEM`) and what is derived of them (`derived.name`): the criterion
    /// as stated, so an exclusion is proven met when its condition is false.
    pub condition: Condition,
    /// Where this criterion stands.
    #[serde(default)]
    pub source: Option<Source>,
    /// Keys of this table whose values are assumed.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// A stratification factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Factor {
    /// As in `opd_lesions`.
    pub id: String,
    /// Name in reports.
    pub label: String,
    /// Its levels; the first whose condition is true is taken.
    pub levels: Vec<Level>,
    /// Where this factor stands.
    #[serde(default)]
    pub source: Option<Source>,
    /// Keys of this table whose values are assumed.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// A level of a stratification factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// As in `1`.
    pub id: String,
    /// Name in reports.
    pub label: String,
    /// CEL condition, as in eligibility.
    pub condition: Condition,
}

/// How the arm is drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Randomisation {
    /// The method.
    pub method: Method,
    /// Block sizes to draw from, each a multiple of the sum of the arms' ratios.
    #[serde(default)]
    pub block_sizes: Vec<u32>,
    /// Minimisation: the chance of the arm that balances best.
    #[serde(default = "four_fifths")]
    #[schemars(range(min = 0.5, max = 1.0))]
    pub best_probability: f64,
    /// Where this table's statements stand.
    #[serde(default)]
    pub source: Option<Source>,
    /// Keys of this table whose values are assumed.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// A method of randomisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Stratified permuted blocks of random size.
    PermutedBlocks,
    /// Pocock-Simon minimisation with a random element.
    Minimisation,
}

/// Visits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The visits, in order.
    pub visits: Vec<Visit>,
    /// Follow-up ends so many months after the last participant was randomised.
    #[schemars(range(max = 600))]
    pub follow_up_months: u32,
    /// The schedule and the end of follow-up in words.
    #[serde(default)]
    pub statement: Option<String>,
    /// Where this table's statements stand.
    #[serde(default)]
    pub source: Option<Source>,
    /// Keys of this table whose values are assumed.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// A visit, or a row of visits that repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// As in `SCREENING`; a repeating visit's occurrence is counted on the event.
    pub id: String,
    /// Name in reports.
    pub label: String,
    /// Days from randomisation (day 1 is 0 here) the visit is planned at; the first of them for a repeating one.
    pub day: i64,
    /// Days before the planned day that still count as on time.
    #[serde(default)]
    pub window_before: u32,
    /// Days after the planned day that still count as on time.
    #[serde(default)]
    pub window_after: u32,
    /// Repeats every so many days until the end of follow-up.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub every_days: Option<u32>,
    /// Forms due at the visit.
    pub forms: Vec<String>,
    /// Keys of this table whose values are assumed.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// What a form means to the domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Concept {
    /// Sex, year of birth (DM).
    Demography,
    /// The disease before the trial (MH).
    DiseaseHistory,
    /// Treatment before the trial (CM).
    PriorTherapy,
    /// ECOG performance status (QS).
    Ecog,
    /// Informed consent (DS).
    Consent,
    /// Lesions and what was seen of them (TU, TR).
    TumourAssessment,
    /// Progression without a scan (CE).
    ClinicalProgression,
    /// A course of SABR (PR).
    SabrCourse,
    /// A line of systemic therapy (CM, EX).
    SystemicTherapy,
    /// An adverse event (AE).
    AdverseEvent,
    /// FACT-B (QS).
    FactB,
    /// What was decided at a progression.
    StrategyDecision,
    /// A protocol deviation (DV).
    Deviation,
    /// Withdrawal of consent or loss to follow-up (DS).
    Withdrawal,
    /// Death (DD).
    Death,
    /// Last known alive (SS).
    LastContact,
    /// The trial's own: stored and checked, not interpreted.
    Custom,
}

/// A case report form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// As in `tumour`.
    pub id: String,
    /// Title.
    pub label: String,
    /// What the domain knows it as.
    pub concept: Concept,
    /// A log form is filled as often as something happens, outside the visits.
    #[serde(default)]
    pub log: bool,
    /// Its items.
    #[serde(default)]
    pub items: Vec<Item>,
    /// Its repeating groups.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Edit checks over the whole form.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// Where this form stands.
    #[serde(default)]
    pub source: Option<Source>,
    /// Keys of this table whose values are assumed.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// A repeating group of items: one row a lesion, say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// As in `LESIONS`.
    pub id: String,
    /// Title.
    pub label: String,
    /// Items of each row.
    pub items: Vec<Item>,
    /// Items whose values, taken together, may stand in one row only.
    #[serde(default)]
    pub key: Vec<String>,
    /// Edit checks over each row; they may read the form's own items too.
    #[serde(default)]
    pub checks: Vec<Check>,
}

/// The type of an item's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemType {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Decimal,
    /// A whole date.
    Date,
    /// A date that may lack the day or the month.
    PartialDate,
    /// `Y` or `N`.
    YesNo,
    /// One of `codes`.
    Code,
}

/// An item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// CDASH name.
    pub id: String,
    /// The question.
    pub label: String,
    /// The type.
    #[serde(rename = "type")]
    pub kind: ItemType,
    /// The unit, as in `mm`.
    #[serde(default)]
    pub unit: Option<String>,
    /// The values a code may have.
    #[serde(default)]
    pub codes: Vec<String>,
    /// Must be filled.
    #[serde(default)]
    pub required: bool,
    /// Least value.
    #[serde(default)]
    pub min: Option<f64>,
    /// Greatest value.
    #[serde(default)]
    pub max: Option<f64>,
    /// Shown, and required where it is, only when this condition over the form's items is true.
    #[serde(default)]
    pub when: Option<Condition>,
    /// Keys of this table whose values are assumed.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// An edit check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// CEL condition that must hold; unknown passes. It reads the form's items by their bare names, `given(ITEM)` where one
    /// may be left empty, and items of other forms as `form.ITEM`.
    pub condition: Condition,
    /// What to tell who typed it.
    pub message: String,
    /// False: saving goes on and a query is raised.
    #[serde(default = "yes")]
    pub hard: bool,
}

/// RECIST 1.1 and its numbers; every default is the published one (Eisenhauer 2009).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TumourRules {
    /// Whose assessments the endpoints are judged on, as in `INVESTIGATOR`.
    pub reader: String,
    /// Targets at most.
    pub max_targets: u32,
    /// Targets at most in one organ; lymph nodes are one organ.
    pub max_targets_per_organ: u32,
    /// Least longest diameter of a measurable lesion, mm.
    pub measurable_mm: f64,
    /// Least short axis of a measurable node, mm.
    pub measurable_node_mm: f64,
    /// A node below this short axis is normal, mm.
    pub normal_node_mm: f64,
    /// Relative growth over the nadir that is progression.
    pub progression_relative: f64,
    /// Absolute growth over the nadir that is progression, mm.
    pub progression_mm: f64,
    /// Relative shrinkage from baseline that is partial response.
    pub response_relative: f64,
    /// What 'too small to measure' counts as, mm.
    pub too_small_mm: f64,
    /// Least days from baseline for stable disease to be a best response.
    pub stable_min_days: u32,
    /// Least days between a response and its confirmation.
    pub confirmation_days: u32,
    /// Whether the best overall response needs confirmation.
    pub confirmed: bool,
    /// Relative growth of one lesion over its own nadir that is lesion progression.
    pub lesion_relative: f64,
    /// Absolute growth of one lesion over its own nadir that is lesion progression, mm.
    pub lesion_mm: f64,
    /// At most so many progressing lesions are oligoprogression (the kind of a progression, whatever the arm).
    pub oligo_max_lesions: u32,
    /// Where this table's statements stand.
    pub source: Option<Source>,
    /// Keys of this table whose values are assumed.
    pub assumed: Vec<String>,
}

impl Default for TumourRules {
    fn default() -> Self {
        Self {
            reader: "INVESTIGATOR".into(),
            max_targets: 5,
            max_targets_per_organ: 2,
            measurable_mm: 10.0,
            measurable_node_mm: 15.0,
            normal_node_mm: 10.0,
            progression_relative: 0.2,
            progression_mm: 5.0,
            response_relative: 0.3,
            too_small_mm: 5.0,
            stable_min_days: 42,
            confirmation_days: 28,
            confirmed: false,
            lesion_relative: 0.2,
            lesion_mm: 5.0,
            oligo_max_lesions: 5,
            source: None,
            assumed: Vec::new(),
        }
    }
}

/// SABR: the linear-quadratic model's numbers and the doses in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SabrRules {
    /// Alpha/beta of tumour, Gy.
    pub alpha_beta_tumour: f64,
    /// Alpha/beta of late-reacting tissue, Gy.
    pub alpha_beta_late: f64,
    /// Schedules in use: total dose in Gy and fractions.
    pub schedules: Vec<DoseSchedule>,
    /// Where this table's statements stand.
    pub source: Option<Source>,
    /// Keys of this table whose values are assumed.
    pub assumed: Vec<String>,
}

impl Default for SabrRules {
    fn default() -> Self {
        Self {
            alpha_beta_tumour: 10.0,
            alpha_beta_late: 3.0,
            schedules: Vec::new(),
            source: None,
            assumed: Vec::new(),
        }
    }
}

/// A dose schedule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DoseSchedule {
    /// Total dose, Gy.
    pub total_gy: f64,
    /// Fractions.
    pub fractions: u32,
}

/// An endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// `PARAMCD`, as in `TSF`.
    pub id: String,
    /// Name in reports.
    pub label: String,
    /// As the protocol defines it.
    pub definition: String,
    /// Primary or secondary.
    pub role: EndpointRole,
    /// The day it counts from.
    #[serde(default)]
    pub origin: Origin,
    /// What ends it; the first of them counts.
    pub events: Vec<EventCause>,
    /// Where a subject without an event is censored.
    pub censor_at: CensorAt,
    /// Rules that an analysis may switch.
    #[serde(default)]
    pub rules: EndpointRules,
    /// Where this endpoint stands.
    #[serde(default)]
    pub source: Option<Source>,
    /// Keys of this table whose values are assumed.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// The rank of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EndpointRole {
    /// The one the size rests on.
    Primary,
    /// One of the others.
    Secondary,
}

/// The day an endpoint counts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Randomisation.
    #[default]
    Randomisation,
    /// The failure of the strategy by progression; subjects without it are not in the endpoint.
    StrategyFailure,
}

/// What can end an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventCause {
    /// The strategy of the arm failed.
    StrategyFailure,
    /// First progression, by RECIST or clinical.
    Progression,
    /// First progression after the start of the next line of systemic therapy.
    NextLineProgression,
    /// Death of any cause.
    Death,
}

/// Where a subject without an event is censored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CensorAt {
    /// Last adequate tumour assessment; the origin where there is none.
    LastAdequateAssessment,
    /// Last contact of any kind at which the event was not known.
    LastContact,
    /// Last known alive.
    LastKnownAlive,
}

/// Rules of an endpoint that an analysis may switch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointRules {
    /// So many or more missed assessments before the event censor at the last adequate one; none: no such rule.
    pub censor_after_missed: Option<u32>,
    /// Start of other anti-cancer therapy before the progression.
    pub other_therapy: Option<OtherTherapy>,
    /// A progression whose strategy decision is not recorded.
    pub pending: Option<Pending>,
    /// SABR in an arm whose strategy has no salvage.
    pub deviation_sabr: Option<OtherTherapy>,
}

/// How an intercurrent event is handled (ICH E9(R1)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OtherTherapy {
    /// It is ignored.
    TreatmentPolicy,
    /// The subject is censored at the last adequate assessment before it.
    Hypothetical,
}

/// How a pending strategy decision counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pending {
    /// As a failure on the day of the progression.
    Event,
    /// As censored on the day of the progression.
    Censor,
}

/// An analysis of a time-to-event endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Analysis {
    /// As in `TSF-main`.
    pub id: String,
    /// Name in reports.
    pub label: String,
    /// The endpoint.
    pub endpoint: String,
    /// Main, or a sensitivity analysis of it.
    #[serde(default)]
    pub role: AnalysisRole,
    /// Stratify test and model by the stratification factors.
    #[serde(default)]
    pub stratified: bool,
    /// Ties in the Cox model.
    #[serde(default)]
    pub ties: TieMethod,
    /// Level of confidence limits.
    #[serde(default = "ninety_five")]
    #[schemars(range(min = 0.5, max = 0.999))]
    pub confidence: f64,
    /// Rules that differ from the endpoint's own.
    #[serde(default)]
    pub rules: EndpointRules,
    /// Keys of this table whose values are assumed.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// The rank of an analysis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnalysisRole {
    /// The one that is reported first.
    #[default]
    Main,
    /// A check on it.
    Sensitivity,
}

/// Handling of ties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TieMethod {
    /// Efron 1977.
    #[default]
    Efron,
    /// Breslow 1974.
    Breslow,
}

/// Quality of life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QualityOfLife {
    /// The form.
    pub form: String,
    /// Weeks it is due at, baseline as 0.
    pub weeks: Vec<u32>,
    /// The area under the curve is taken up to this week.
    pub auc_to_week: u32,
    /// When the last score is earlier than that week.
    #[serde(default)]
    pub after_last: AfterLast,
    /// A score after death.
    #[serde(default)]
    pub death: DeathScore,
    /// Sensitivity analyses: what each switches.
    #[serde(default)]
    pub sensitivity: Vec<QualityOfLifeSwitch>,
    /// Where this table's statements stand.
    #[serde(default)]
    pub source: Option<Source>,
    /// Keys of this table whose values are assumed.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// A sensitivity analysis of the area under the curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QualityOfLifeSwitch {
    /// As in `QOL-death-zero`.
    pub id: String,
    /// Name in reports.
    pub label: String,
    /// Another rule for a last score before the end of the area.
    #[serde(default)]
    pub after_last: Option<AfterLast>,
    /// Another rule for a score after death.
    #[serde(default)]
    pub death: Option<DeathScore>,
}

/// When the last score comes before the end of the area.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AfterLast {
    /// The last score is carried to the end.
    CarryForward,
    /// The area stops there and is standardised by the time observed.
    #[default]
    StopAndStandardise,
}

/// A score after death.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeathScore {
    /// None is imputed.
    #[default]
    Missing,
    /// The score is 0 from the day of death (a sensitivity analysis).
    Zero,
}

/// Safety.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Safety {
    /// The dictionary of terms and grades, as in `CTCAE v5.0`.
    pub dictionary: Option<String>,
    /// Attributions that make an event treatment-related.
    pub related: Vec<String>,
    /// To what an event may be attributed: item id to label.
    pub attributed_to: BTreeMap<String, String>,
    /// Where this table's statements stand.
    pub source: Option<Source>,
    /// Keys of this table whose values are assumed.
    pub assumed: Vec<String>,
}

impl Default for Safety {
    fn default() -> Self {
        Self {
            dictionary: None,
            related: ["POSSIBLE", "PROBABLE", "DEFINITE"].map(str::to_owned).to_vec(),
            attributed_to: BTreeMap::new(),
            source: None,
            assumed: Vec::new(),
        }
    }
}

fn one() -> u32 {
    1
}
fn five() -> u32 {
    5
}
fn fifty_six() -> u32 {
    56
}
fn yes() -> bool {
    true
}
fn four_fifths() -> f64 {
    0.8
}
fn ninety_five() -> f64 {
    0.95
}
