//! The scenario file as it is written: every table and key, from which the JSON Schema is made.
//!
//! Never judges a value (see `read`).

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Boundary, Spending};

/// A scenario of event times.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// What it is, in a line.
    pub title: String,
    /// Why, in as many words as it takes.
    #[serde(default)]
    pub about: Option<String>,
    /// A protocol (a file, or the name of a shipped one) that says what is left out here: subjects, allocation, level, events,
    /// hazard ratio.
    #[serde(default)]
    pub protocol: Option<String>,
    /// The unit of every time, for tables; months where it is not said.
    #[serde(default)]
    pub unit: Option<String>,
    /// Subjects to randomise.
    #[serde(default)]
    pub subjects: Option<u32>,
    /// How many of each arm, control first: `[1, 1]`.
    #[serde(default)]
    pub allocation: Option<[u32; 2]>,
    /// Sizes of the permuted blocks, each as likely; twice the allocation's sum where it is not said.
    #[serde(default)]
    pub blocks: Option<Vec<u32>>,
    /// When subjects come; all at once where it is not said.
    #[serde(default)]
    pub accrual: Option<AccrualFile>,
    /// From the last subject's randomisation to the end of the trial; until every event is seen where it is not said.
    #[serde(default)]
    pub follow_up: Option<f64>,
    /// The control arm.
    pub control: ControlFile,
    /// What differs in the experimental arm beside the effect.
    #[serde(default)]
    pub experimental: ArmFile,
    /// The effect on the hazard.
    #[serde(default)]
    pub effect: EffectFile,
    /// Loss to follow-up in both arms.
    #[serde(default)]
    pub dropout: Option<DropoutFile>,
    /// Loss shortly before the event in both arms: informative dropout.
    #[serde(default)]
    pub lost_before_event: Option<BeforeEventFile>,
    /// The schedule of assessments in both arms.
    #[serde(default)]
    pub assessment: Option<AssessmentFile>,
    /// How decisions depart from the truth in both arms.
    #[serde(default)]
    pub decision: Option<DecisionFile>,
    /// Strata of randomisation; one where none is said.
    #[serde(default)]
    pub strata: Vec<StratumFile>,
    /// When and how it is judged.
    #[serde(default)]
    pub design: DesignFile,
    /// Ways to judge a trial; the first one stops it. The log-rank test and the Cox model where none is said, stratified where
    /// there are strata.
    #[serde(default)]
    pub analyses: Vec<AnalysisFile>,
    /// Events added at the look before the last.
    #[serde(default)]
    pub re_estimation: Option<ReEstimationFile>,
    /// The disease of virtual patients, at fidelity `full`.
    #[serde(default)]
    pub disease: Option<DiseaseFile>,
    /// Values to try, each with each.
    #[serde(default)]
    pub sweep: SweepFile,
    /// What was published, for `trialwright calibrate` to fit the rates to: one for each arm at most.
    #[serde(default)]
    pub targets: Vec<TargetFile>,
}

/// What was published of an arm's kind of patients.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetFile {
    /// `control` or `experimental`: the arm that is to show it.
    pub arm: String,
    /// Median time to the event, as published.
    pub median: f64,
    /// Patients it was estimated from; half of `subjects` where it is not said.
    #[serde(default)]
    pub patients: Option<u32>,
    /// Where it was published.
    pub source: String,
}

/// When subjects come.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccrualFile {
    /// The time all subjects take, on average.
    pub duration: f64,
    /// The course of the rate, up to a factor, from 0; constant where it is not said.
    #[serde(default)]
    pub rates: Vec<RateStep>,
    /// `poisson`: at random (where it is not said); `even`: at equal steps.
    #[serde(default)]
    pub course: Course,
}

/// How subjects come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Course {
    /// A Poisson process.
    #[default]
    Poisson,
    /// Evenly, each somewhere in a step of his own.
    Even,
}

/// A rate from a time on.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateStep {
    /// Since the first site opened.
    pub from: f64,
    /// Subjects a unit of time, up to a factor.
    pub rate: f64,
}

/// A hazard from a time on.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HazardStep {
    /// Since randomisation.
    pub from: f64,
    /// Events a subject and unit of time.
    pub hazard: f64,
}

/// A hazard ratio from a time on.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RatioStep {
    /// Since randomisation.
    pub from: f64,
    /// Experimental over control.
    pub hazard_ratio: f64,
}

/// The control arm: its median or its hazard in steps, and what differs in it.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlFile {
    /// Median time to the event; exponential.
    #[serde(default)]
    pub median: Option<f64>,
    /// The hazard in steps, from 0.
    #[serde(default)]
    pub hazard: Vec<HazardStep>,
    /// Loss to follow-up, where it differs from the other arm's.
    #[serde(default)]
    pub dropout: Option<DropoutFile>,
    /// Loss shortly before the event, where it differs.
    #[serde(default)]
    pub lost_before_event: Option<BeforeEventFile>,
    /// The schedule of assessments, where it differs.
    #[serde(default)]
    pub assessment: Option<AssessmentFile>,
    /// How decisions depart from the truth, where they differ.
    #[serde(default)]
    pub decision: Option<DecisionFile>,
}

/// What differs in an arm.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArmFile {
    /// Loss to follow-up, where it differs from the other arm's.
    #[serde(default)]
    pub dropout: Option<DropoutFile>,
    /// Loss shortly before the event, where it differs.
    #[serde(default)]
    pub lost_before_event: Option<BeforeEventFile>,
    /// The schedule of assessments, where it differs.
    #[serde(default)]
    pub assessment: Option<AssessmentFile>,
    /// How decisions depart from the truth, where they differ.
    #[serde(default)]
    pub decision: Option<DecisionFile>,
}

/// The effect: one hazard ratio, perhaps after a delay, or several in steps. None at all: the protocol's.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EffectFile {
    /// Experimental over control; 1 is none.
    #[serde(default)]
    pub hazard_ratio: Option<f64>,
    /// No effect before this time since randomisation.
    #[serde(default)]
    pub delay: Option<f64>,
    /// The hazard ratio in steps, from 0.
    #[serde(default)]
    pub steps: Vec<RatioStep>,
}

/// Loss to follow-up that knows nothing of the event: a share by a time.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropoutFile {
    /// Share of subjects lost, were there no events.
    pub share: f64,
    /// By this time.
    pub by: f64,
}

/// Subjects who are lost shortly before their event.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BeforeEventFile {
    /// Share of those who would have an event.
    pub share: f64,
    /// Lost at most so long before it, evenly.
    pub within: f64,
}

/// The schedule of assessments, from randomisation. An event is found at the next one; who is lost is censored at the last one.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssessmentFile {
    /// Between two.
    pub every: f64,
    /// Earlier or later by at most so much, evenly.
    #[serde(default)]
    pub jitter: f64,
    /// Share of assessments that do not take place.
    #[serde(default)]
    pub missed: f64,
    /// Share of events that need no assessment, as death.
    #[serde(default)]
    pub known_to_the_day: f64,
}

/// How the decision at an assessment departs from the truth, as where who decides knows the arm.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionFile {
    /// Chance that an event that can be seen is left until the next assessment; again at that one.
    #[serde(default)]
    pub put_off: f64,
    /// Chance that an event is called where there is none.
    #[serde(default)]
    pub too_soon: f64,
}

/// A stratum.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StratumFile {
    /// What it is.
    pub label: String,
    /// Share of subjects; the shares of all sum to 1.
    pub share: f64,
    /// Hazard over that which `control` states; 1 where it is not said.
    #[serde(default)]
    pub hazard_ratio: Option<f64>,
    /// At fidelity `full`: the factor and level of the protocol's stratification it stands for, as `opd_lesions:1`. Shares are then
    /// those of the virtual patients.
    #[serde(default)]
    pub level: Option<String>,
}

/// The disease of virtual patients at fidelity `full`, over that of the shipped profile. When the strategy fails is not said here: that
/// is `control`'s hazard and the `effect`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiseaseFile {
    /// Times the profile's speed of growth.
    #[serde(default)]
    pub growth: Option<f64>,
    /// Share of lesions that grow back after SABR.
    #[serde(default)]
    pub local_failure: Option<f64>,
    /// Mean months between progressions that a strategy with SABR holds through.
    #[serde(default)]
    pub salvageable: Option<f64>,
    /// Weight of outbreaks with few lesions.
    #[serde(default)]
    pub few: Option<f64>,
    /// Weight of outbreaks with more lesions than SABR may treat.
    #[serde(default)]
    pub many: Option<f64>,
    /// Weight of outbreaks inside the skull.
    #[serde(default)]
    pub brain: Option<f64>,
    /// Share of growing lesions that answer to a new line of therapy.
    #[serde(default)]
    pub answers: Option<f64>,
    /// Mean months between outbreaks on the next line.
    #[serde(default)]
    pub next_line: Option<f64>,
    /// Mean months between outbreaks on later lines.
    #[serde(default)]
    pub later_line: Option<f64>,
    /// Mean months to death on the next line.
    #[serde(default)]
    pub death_next_line: Option<f64>,
    /// Mean months to death on later lines.
    #[serde(default)]
    pub death_later_line: Option<f64>,
    /// Mean months to death with metastases inside the skull.
    #[serde(default)]
    pub death_brain: Option<f64>,
}

/// When and how it is judged.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DesignFile {
    /// Two-sided level; the protocol's, or 0.05.
    #[serde(default)]
    pub alpha: Option<f64>,
    /// Events at the last look, which is at the end of the trial where they do not come; the protocol's, or none.
    #[serde(default)]
    pub events: Option<u32>,
    /// Part of the events at each look, the last 1; one look where it is not said.
    #[serde(default)]
    pub looks: Option<Vec<f64>>,
    /// `obrien-fleming` (where it is not said), `pocock`, `hsd:GAMMA`, `power:RHO`, `haybittle-peto`, `wang-tsiatis:DELTA`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub boundary: Option<Boundary>,
    /// Spending of the type II error: as `boundary`, the first four. None: a stop for harm by the mirror image.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub futility: Option<Spending>,
    /// The futility boundary must be obeyed.
    #[serde(default)]
    pub binding: bool,
}

/// A way to judge a trial.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalysisFile {
    /// Its name in tables.
    pub id: String,
    /// What is computed.
    pub method: MethodName,
    /// By strata; true where it is not said and there are strata.
    #[serde(default)]
    pub stratified: Option<bool>,
    /// Of `fleming-harrington`: weight on early differences.
    #[serde(default)]
    pub rho: Option<f64>,
    /// Of `fleming-harrington`: weight on late differences.
    #[serde(default)]
    pub gamma: Option<f64>,
    /// Of `restricted-mean`: the mean time until this one.
    #[serde(default)]
    pub until: Option<f64>,
}

/// What is computed, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MethodName {
    /// The log-rank test.
    LogRank,
    /// The Cox model: its hazard ratio and Wald test.
    Cox,
    /// The weighted log-rank test.
    FlemingHarrington,
    /// The largest of four weighted log-rank tests.
    MaxCombo,
    /// The difference of restricted mean times.
    RestrictedMean,
}

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The log-rank test.
    LogRank,
    /// The Cox model with Efron's ties: its hazard ratio and Wald test.
    Cox,
    /// The weighted log-rank test.
    FlemingHarrington {
        /// Weight on early differences.
        rho: f64,
        /// Weight on late differences.
        gamma: f64,
    },
    /// The largest of four weighted log-rank tests.
    MaxCombo,
    /// The difference of restricted mean times.
    RestrictedMean {
        /// The mean time until this one.
        until: f64,
    },
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogRank => f.write_str("log-rank"),
            Self::Cox => f.write_str("Cox"),
            Self::FlemingHarrington { rho, gamma } => write!(f, "Fleming-Harrington({rho}, {gamma})"),
            Self::MaxCombo => f.write_str("MaxCombo"),
            Self::RestrictedMean { until } => write!(f, "restricted mean until {until}"),
        }
    }
}

/// Events added at the look before the last, where the conditional power by the trend is promising.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReEstimationFile {
    /// The conditional power from which events are added.
    pub from: f64,
    /// The conditional power aimed at; from here on nothing is added.
    pub target: f64,
    /// Times the planned events and subjects at most.
    pub most: f64,
    /// Whether both parts keep their planned weights, which holds the level; true where it is not said.
    #[serde(default)]
    pub weighted: Option<bool>,
}

/// Values to try, each with each.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepFile {
    /// Of `effect.hazard_ratio`.
    #[serde(default)]
    pub hazard_ratio: Vec<f64>,
    /// Of `subjects`.
    #[serde(default)]
    pub subjects: Vec<u32>,
    /// Of `design.events`.
    #[serde(default)]
    pub events: Vec<u32>,
    /// Of `control.median`.
    #[serde(default)]
    pub median: Vec<f64>,
    /// Of `accrual.duration`.
    #[serde(default)]
    pub accrual: Vec<f64>,
    /// Of `follow_up`.
    #[serde(default)]
    pub follow_up: Vec<f64>,
    /// Of `dropout.share`.
    #[serde(default)]
    pub dropout: Vec<f64>,
}

/// What can be swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parameter {
    /// `effect.hazard_ratio`.
    HazardRatio,
    /// `subjects`.
    Subjects,
    /// `design.events`.
    Events,
    /// `control.median`.
    Median,
    /// `accrual.duration`.
    Accrual,
    /// `follow_up`.
    FollowUp,
    /// `dropout.share`.
    Dropout,
}

impl Parameter {
    /// All, in the order of a table's columns.
    pub const ALL: [Self; 7] = [
        Self::HazardRatio,
        Self::Subjects,
        Self::Events,
        Self::Median,
        Self::Accrual,
        Self::FollowUp,
        Self::Dropout,
    ];

    /// Its key in `[sweep]`.
    pub fn key(self) -> &'static str {
        match self {
            Self::HazardRatio => "hazard_ratio",
            Self::Subjects => "subjects",
            Self::Events => "events",
            Self::Median => "median",
            Self::Accrual => "accrual",
            Self::FollowUp => "follow_up",
            Self::Dropout => "dropout",
        }
    }
}

impl FromStr for Parameter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = || Self::ALL.map(Self::key).join(", ");
        let known = Self::ALL.into_iter().find(|p| p.key() == text.replace('-', "_"));
        known.ok_or_else(|| format!("{text:?} cannot be swept; use one of {}", all()))
    }
}

impl SweepFile {
    /// The values of a parameter.
    pub fn values(&self, parameter: Parameter) -> Vec<f64> {
        let whole = |values: &[u32]| values.iter().map(|value| f64::from(*value)).collect();
        match parameter {
            Parameter::HazardRatio => self.hazard_ratio.clone(),
            Parameter::Subjects => whole(&self.subjects),
            Parameter::Events => whole(&self.events),
            Parameter::Median => self.median.clone(),
            Parameter::Accrual => self.accrual.clone(),
            Parameter::FollowUp => self.follow_up.clone(),
            Parameter::Dropout => self.dropout.clone(),
        }
    }
}

impl ScenarioFile {
    /// The same with one value set. Errors: what in the file stands in its way.
    pub fn set(&mut self, parameter: Parameter, value: f64) -> Result<(), String> {
        match parameter {
            Parameter::HazardRatio if self.effect.steps.is_empty() => self.effect.hazard_ratio = Some(value),
            Parameter::HazardRatio => return Err("effect.steps states several hazard ratios".to_owned()),
            Parameter::Subjects => self.subjects = Some(whole(value)?),
            Parameter::Events => self.design.events = Some(whole(value)?),
            Parameter::Median if self.control.hazard.is_empty() => self.control.median = Some(value),
            Parameter::Median => return Err("control.hazard states the hazard in steps".to_owned()),
            Parameter::Accrual => match &mut self.accrual {
                Some(accrual) => accrual.duration = value,
                None => return Err("there is no [accrual]: subjects come all at once".to_owned()),
            },
            Parameter::FollowUp => self.follow_up = Some(value),
            Parameter::Dropout => {
                let by = [&self.dropout, &self.control.dropout, &self.experimental.dropout];
                let Some(by) = by.into_iter().flatten().map(|dropout| dropout.by).next() else {
                    return Err("there is no [dropout] that says by when the share is lost".to_owned());
                };
                self.dropout = Some(DropoutFile { share: value, by });
                self.control.dropout = None;
                self.experimental.dropout = None;
            }
        }
        Ok(())
    }
}

fn whole(value: f64) -> Result<u32, String> {
    let fits = value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it fits
    fits.then_some(value as u32).ok_or_else(|| format!("{value} is no whole number"))
}

/// The JSON Schema (2020-12) of scenario files.
pub fn schema() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12();
    settings.into_generator().into_root_schema_for::<ScenarioFile>().to_value()
}
