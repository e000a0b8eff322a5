//! What stands beside the main numbers: subgroups, checks of hazards, competing risks, the model of repeated measures,
//! patterns of progression, courses of SABR and states of the strategy over time.
//!
//! Never a number that `analysis` did not make. Months count from the origin of the times, which is month 0 here.

use jiff::civil::Date;
use serde::Serialize;
use trial::event::Seq;
use trial::id::{ArmId, SiteId, SubjectId};

use super::{Counted, Estimate, LogRank};

/// What stands beside a main analysis; empty for a sensitivity analysis.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Further {
    /// Checks of proportional hazards, one a comparison.
    pub hazards: Vec<HazardCheck>,
    /// Cumulative incidence of each cause, where an endpoint has more than one and more than one was seen.
    pub incidence: Vec<CauseIncidence>,
    /// The hazard ratio within the levels of each stratification factor: the primary endpoint alone.
    pub subgroups: Vec<Subgroup>,
    /// Why something is not there, or what to beware of.
    pub remarks: Vec<String>,
}

/// Whether the hazards of two arms are proportional.
#[derive(Clone, Debug, Serialize)]
pub struct HazardCheck {
    /// The arm.
    pub arm: ArmId,
    /// The control arm.
    pub control: ArmId,
    /// Score tests of Grambsch and Therneau under functions of time.
    pub tests: Vec<HazardTest>,
    /// Log hazard ratio of the Cox model, about which the residuals lie.
    pub log_hazard_ratio: f64,
    /// Scaled Schoenfeld residuals by time.
    pub residuals: Vec<HazardResidual>,
    /// The line of least squares through the residuals over `HazardResidual::place`: at 0, and per unit.
    pub trend: Option<(f64, f64)>,
}

/// A test of proportional hazards.
#[derive(Clone, Debug, Serialize)]
pub struct HazardTest {
    /// The function of time, in words.
    pub over: String,
    /// The same as R's `cox.zph` names it.
    pub transform: String,
    /// Chi-square on one degree of freedom.
    pub chisq: f64,
    /// Its p-value.
    pub p: f64,
}

/// The scaled Schoenfeld residual of one event: an estimate of the log hazard ratio at its time.
#[derive(Clone, Debug, Serialize)]
pub struct HazardResidual {
    /// Whose event; none where no traces are kept.
    pub subject: Option<SubjectId>,
    /// When.
    pub months: f64,
    /// 1 - S(t-), S the Kaplan-Meier curve of both arms.
    pub place: f64,
    /// The residual, the log hazard ratio added.
    pub value: f64,
}

/// The cumulative incidence of one cause among others.
#[derive(Clone, Debug, Serialize)]
pub struct CauseIncidence {
    /// The cause, in words.
    pub cause: String,
    /// By arm (Aalen-Johansen).
    pub arms: Vec<ArmIncidence>,
    /// Gray's test over all arms; none where there is nothing to compare.
    pub gray: Option<LogRank>,
    /// Whether that test is stratified by the stratification factors.
    pub stratified: bool,
    /// Subdistribution hazard ratios of Fine and Gray, never stratified.
    pub ratios: Vec<SubdistributionRatio>,
}

/// The cumulative incidence of a cause in one arm.
#[derive(Clone, Debug, Serialize)]
pub struct ArmIncidence {
    /// The arm.
    pub arm: ArmId,
    /// Subjects.
    pub n: usize,
    /// Events of this cause.
    pub events: usize,
    /// Steps, from month 0: months, incidence with limits.
    pub curve: Vec<(f64, Estimate)>,
    /// At landmarks: months, incidence with limits; nones where nobody of the arm was followed so long.
    pub landmarks: Vec<(f64, Estimate)>,
}

/// A subdistribution hazard ratio.
#[derive(Clone, Debug, Serialize)]
pub struct SubdistributionRatio {
    /// The arm.
    pub arm: ArmId,
    /// The control arm.
    pub control: ArmId,
    /// Arm over control.
    pub ratio: Estimate,
    /// Wald p-value.
    pub p: f64,
}

/// The effect of an arm within the levels of a factor.
#[derive(Clone, Debug, Serialize)]
pub struct Subgroup {
    /// The factor, as in `opd_lesions`.
    pub factor: String,
    /// Its name in reports.
    pub label: String,
    /// The arm compared.
    pub arm: ArmId,
    /// The control arm.
    pub control: ArmId,
    /// By level, in the order of the protocol.
    pub levels: Vec<SubgroupLevel>,
    /// Likelihood-ratio test that the hazard ratio is the same at each level, by a Cox model of arm, factor and both.
    pub interaction: Option<LogRank>,
}

/// The effect at one level.
#[derive(Clone, Debug, Serialize)]
pub struct SubgroupLevel {
    /// The level, as in `2-5`.
    pub level: String,
    /// Its name in reports.
    pub label: String,
    /// Subjects and events: of the arm, of control.
    pub counts: [(usize, usize); 2],
    /// Hazard ratio, unstratified; nones where there are too few events.
    pub hazard_ratio: Estimate,
    /// Who is at this level.
    pub subjects: Counted,
}

/// A mixed model for repeated measures of a score.
#[derive(Clone, Debug, Serialize)]
pub struct QualityModel {
    /// Subjects with a baseline and at least one later score.
    pub subjects: usize,
    /// Scores after baseline.
    pub scores: usize,
    /// Mean of the baseline over those scores: where the means stand.
    pub baseline_mean: f64,
    /// Least-squares means by arm and week.
    pub means: Vec<ModelMean>,
    /// Each arm less control, by week.
    pub differences: Vec<ModelDifference>,
    /// Each arm less control, averaged from baseline to the last week of the model (area over weeks).
    pub averaged: Vec<ModelDifference>,
    /// Who is in it, with its number of scores.
    pub who: Counted,
    /// The model in words.
    pub rules: Vec<String>,
}

/// A least-squares mean.
#[derive(Clone, Debug, Serialize)]
pub struct ModelMean {
    /// The arm.
    pub arm: ArmId,
    /// Planned week.
    pub week: u32,
    /// Scores.
    pub n: usize,
    /// The mean with limits.
    pub mean: Estimate,
}

/// A difference of least-squares means.
#[derive(Clone, Debug, Serialize)]
pub struct ModelDifference {
    /// The arm.
    pub arm: ArmId,
    /// The control arm.
    pub control: ArmId,
    /// Planned week; of an average the last one.
    pub week: u32,
    /// Arm less control, with limits.
    pub difference: Estimate,
    /// Its standard error.
    pub std_err: f64,
    /// Degrees of freedom (Satterthwaite).
    pub df: f64,
    /// Two-sided p-value.
    pub p: f64,
}

/// How the questionnaires of an arm are missing: each subject with one due counts once.
#[derive(Clone, Debug, Serialize)]
pub struct MissingPattern {
    /// The arm.
    pub arm: ArmId,
    /// Scored at every week that was due.
    pub complete: Counted,
    /// Scored up to a week and never after it.
    pub monotone: Counted,
    /// Missing at a week and scored later.
    pub intermittent: Counted,
    /// Never scored.
    pub never: Counted,
}

/// What became of the questionnaires of one week in one arm; the numbers add up to those randomised.
#[derive(Clone, Debug, Serialize)]
pub struct MissingWeek {
    /// The arm.
    pub arm: ArmId,
    /// Planned week.
    pub week: u32,
    /// Scored.
    pub scored: Counted,
    /// Missing, with a later one scored.
    pub intermittent: Counted,
    /// Missing, and none scored later.
    pub monotone: Counted,
    /// Not due: died before.
    pub died: Counted,
    /// Not due: out of the trial before.
    pub withdrawn: Counted,
    /// Not due yet.
    pub not_yet: Counted,
}

/// Where progressions were, courses of SABR, and the strategy over time.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Patterns {
    /// Where the first progression after randomisation was.
    pub first: Vec<PatternRow>,
    /// Where the progression was that failed the strategy.
    pub failing: Vec<PatternRow>,
    /// Courses of SABR by arm.
    pub courses: Vec<CourseRow>,
    /// The states of the strategy over time; none where no arm has a strategy, or nobody was followed long enough.
    pub states: Option<States>,
}

/// Subjects whose progression was at one kind of place.
#[derive(Clone, Debug, Serialize)]
pub struct PatternRow {
    /// Where.
    pub place: Place,
    /// Subjects by arm.
    pub counts: Vec<Counted>,
}

/// Where a progression was, by whether its lesions had SABR since randomisation and before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Only in lesions that had SABR.
    Treated,
    /// Only in lesions that had none.
    Elsewhere,
    /// In both.
    Both,
    /// No lesion is named: clinical progression, or growth of the sum alone.
    Unplaced,
    /// The strategy failed without a progression of its own: a change of systemic therapy.
    SystemicChange,
}

/// The courses of SABR since randomisation in one arm.
#[derive(Clone, Debug, Serialize)]
pub struct CourseRow {
    /// The arm.
    pub arm: ArmId,
    /// Subjects by how many courses they had: none, one, and so on, the last being four or more.
    pub subjects: Vec<Counted>,
    /// The first, second and further courses, in order.
    pub courses: Vec<CourseTiming>,
    /// Mean number of courses a subject by time: months, mean (Nelson, Technometrics 1988;30:237-245).
    pub mean: Vec<(f64, f64)>,
    /// Until when the mean is shown: the last follow-up of the arm, in months.
    pub until: f64,
}

/// When the courses of one rank began.
#[derive(Clone, Debug, Serialize)]
pub struct CourseTiming {
    /// 1 for the first.
    pub number: usize,
    /// Subjects who had it, each with its months from randomisation.
    pub subjects: Counted,
    /// Median months from randomisation.
    pub median: Option<f64>,
    /// Lower quartile.
    pub q1: Option<f64>,
    /// Upper quartile.
    pub q3: Option<f64>,
    /// Median months since the course before; none for the first.
    pub median_gap: Option<f64>,
}

/// The states of the strategy at landmarks.
#[derive(Clone, Debug, Serialize)]
pub struct States {
    /// Months from randomisation.
    pub months: Vec<f64>,
    /// By arm.
    pub arms: Vec<ArmStates>,
}

/// The states of one arm.
#[derive(Clone, Debug, Serialize)]
pub struct ArmStates {
    /// The arm.
    pub arm: ArmId,
    /// By landmark and `State::ALL`: subjects.
    pub counts: Vec<Vec<Counted>>,
    /// Between one landmark and the next: from state, to state, subjects; both as places in `State::ALL`.
    pub flows: Vec<Vec<(usize, usize, usize)>>,
}

/// Where a subject stands with its strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No progression yet.
    Unprogressed,
    /// Held through a progression or more.
    Held,
    /// A progression waits for its decision or its SABR.
    Pending,
    /// Failed, alive.
    Failed,
    /// Dead.
    Dead,
    /// Not followed so long: withdrawn, lost, or not yet.
    Unknown,
}

impl State {
    /// In the order they are drawn.
    pub const ALL: [Self; 6] =
        [Self::Unprogressed, Self::Held, Self::Pending, Self::Failed, Self::Dead, Self::Unknown];
}

/// What a safety committee asks for beyond the tables.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Committee {
    /// How complete the data are, by arm.
    pub completeness: Vec<CompletenessRow>,
    /// Deaths by cause, most frequent first.
    pub deaths: Vec<DeathRow>,
    /// Deaths within so many days of the start of the last course of SABR: days, subjects by arm.
    pub soon: Vec<(i64, Vec<Counted>)>,
    /// ECOG performance status: baseline against the worst after it.
    pub ecog: Vec<ShiftRow>,
    /// Each serious event in sentences, by subject and onset; empty where the arms may not be told.
    pub narratives: Vec<Narrative>,
}

/// How complete the data of an arm are.
#[derive(Clone, Debug, Serialize)]
pub struct CompletenessRow {
    /// The arm.
    pub arm: ArmId,
    /// Randomised.
    pub subjects: usize,
    /// Alive and in the trial as far as is known.
    pub followed: Counted,
    /// Those of them seen within `within_days` of the end of the data.
    pub up_to_date: Counted,
    /// See `up_to_date`.
    pub within_days: i64,
    /// Forms entered.
    pub forms: usize,
    /// Queries not closed.
    pub open_queries: usize,
    /// Values that could not be read.
    pub faults: usize,
}

/// Deaths of one cause.
#[derive(Clone, Debug, Serialize)]
pub struct DeathRow {
    /// As entered.
    pub cause: String,
    /// Subjects by arm.
    pub counts: Vec<Counted>,
}

/// A row of a shift table.
#[derive(Clone, Debug, Serialize)]
pub struct ShiftRow {
    /// Status at baseline; none where there is none.
    pub baseline: Option<usize>,
    /// By arm: subjects by the worst status afterwards, 0 to 5, then those without one.
    pub by_arm: Vec<Vec<Counted>>,
}

/// A serious event in sentences.
#[derive(Clone, Debug, Serialize)]
pub struct Narrative {
    /// The subject.
    pub subject: SubjectId,
    /// The site.
    pub site: SiteId,
    /// The arm.
    pub arm: Option<ArmId>,
    /// CTCAE term.
    pub term: String,
    /// Grade, where there is one.
    pub grade: Option<u8>,
    /// Onset, imputed where partial.
    pub onset: Option<Date>,
    /// Related too, and so to be reported in expedited time.
    pub expedited: bool,
    /// The sentences.
    pub words: String,
    /// The events they rest on.
    pub events: Vec<Seq>,
}
