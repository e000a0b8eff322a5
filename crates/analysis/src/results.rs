//! Results: what a report says, as types. Every number a page shows stands here, with where it came from.
//!
//! Never holds a text made up for looks: `report` words and draws, it computes nothing. Times are in days (`AVAL`, the
//! origin being day 1) unless a name says months.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use trial::eligibility::Judged;
use trial::endpoint::TimeToEvent;
use trial::event::Seq;
use trial::id::{ArmId, LesionId, SiteId, SubjectId};
use trial::protocol::{Background, Origin};
use trial::recist::OverallResponse;
use trial::strategy::{Course, Verdict};

mod further;

pub use further::*;

/// All that a report says.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    /// Which trial, which data.
    pub about: About,
    /// The arms, in the order of the protocol; every list by arm is in this order.
    pub arms: Vec<ArmName>,
    /// CONSORT flow.
    pub flow: Flow,
    /// Recruitment over time.
    pub recruitment: Recruitment,
    /// Baseline by arm.
    pub baseline: Vec<BaselineRow>,
    /// Time-to-event analyses, main ones first within their endpoint.
    pub analyses: Vec<AnalysisResult>,
    /// Best overall response by arm; empty where nobody had an assessment.
    pub responses: Vec<ResponseRow>,
    /// One lane a randomised subject, by arm and then length.
    pub swimmer: Vec<Lane>,
    /// Best change of the sum of diameters, one a subject, worst first.
    pub waterfall: Vec<Change>,
    /// Sums of diameters over time, one a subject.
    pub spider: Vec<Trajectory>,
    /// SABR by arm.
    pub sabr: Vec<SabrRow>,
    /// Where progressions were, courses of SABR and the strategy over time.
    pub patterns: Patterns,
    /// Adverse events.
    pub safety: SafetyResult,
    /// What a safety committee asks for beyond that.
    pub committee: Committee,
    /// Quality of life, where it is measured.
    pub quality_of_life: Option<QualityResult>,
    /// Protocol deviations.
    pub deviations: Vec<DeviationRow>,
    /// Progressions whose strategy decision is pending.
    pub pending: Vec<PendingRow>,
    /// What the protocol assumes: path, value, and whether the whole table or one key is marked.
    pub assumptions: Vec<Assumption>,
    /// What is known from elsewhere and the design rests on, as the protocol states it.
    pub background: Vec<Background>,
    /// What in the events could not be read.
    pub faults: Vec<SubjectFault>,
    /// Each subject's endpoints with their rules, words and events; empty where `left_out` says so.
    pub traces: Vec<Trace>,
    /// What was left out and why, in words; empty where all is there.
    pub left_out: Vec<String>,
    /// All arms are one group, and no list names a single subject.
    pub pooled: bool,
}

/// Which trial, and which data this is about.
#[derive(Clone, Debug, Serialize)]
pub struct About {
    /// Short name.
    pub trial: String,
    /// Full title.
    pub title: String,
    /// Registry number.
    pub registry: Option<String>,
    /// The protocol version that the analysis follows.
    pub protocol_version: String,
    /// Events recorded after this moment were not seen.
    pub as_of: Option<Timestamp>,
    /// Clinical facts after this day were not seen.
    pub cut: Option<Date>,
    /// The last moment at which an event was recorded.
    pub last_recorded: Option<Timestamp>,
    /// The last clinical day of the data.
    pub last_clinical: Option<Date>,
    /// Events read.
    pub events: u64,
    /// Head of the ledger, in hex; none for data that came from no ledger.
    pub head: Option<String>,
    /// True where the data are of virtual patients.
    pub simulated: bool,
    /// Where the data came from, in words.
    pub source: String,
}

/// A count, and who is behind it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Counted {
    /// The number.
    pub n: usize,
    /// One entry a subject (or course, or lesion, where that is what is counted), by subject; empty where
    /// `Results::left_out` says that traces are left out.
    pub who: Vec<Who>,
}

/// One subject behind a number, with the events that put it there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Who {
    /// The subject.
    pub subject: SubjectId,
    /// Its value, where the number is made of values (an age, a score).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// What else to know of it, in words; mostly empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// The events.
    pub events: Vec<Seq>,
}

/// An arm's names.
#[derive(Clone, Debug, Serialize)]
pub struct ArmName {
    /// `ARMCD`.
    pub id: ArmId,
    /// Name in reports.
    pub label: String,
    /// The arm the others are compared with.
    pub control: bool,
    /// Randomised to it.
    pub randomised: usize,
}

/// CONSORT flow (Hopewell et al., BMJ 2025;389:e081123).
#[derive(Clone, Debug, Default, Serialize)]
pub struct Flow {
    /// Assessed for eligibility.
    pub screened: Counted,
    /// Not randomised: every subject for one reason.
    pub excluded: usize,
    /// Why they were not, most frequent first.
    pub excluded_because: Vec<(String, Counted)>,
    /// Screened, neither excluded nor randomised yet.
    pub in_screening: Counted,
    /// Randomised.
    pub randomised: usize,
    /// By arm.
    pub arms: Vec<FlowArm>,
}

/// The flow of one arm.
#[derive(Clone, Debug, Serialize)]
pub struct FlowArm {
    /// The arm.
    pub arm: ArmId,
    /// Randomised to it.
    pub allocated: Counted,
    /// Received what the arm prescribes; none where the protocol does not let us tell.
    pub treated: Option<Counted>,
    /// Did not receive it, or it cannot be told of them; none as `treated` is.
    pub untreated: Option<Counted>,
    /// Withdrew or were lost, by reason.
    pub withdrawn: Vec<(String, Counted)>,
    /// Died.
    pub died: Counted,
    /// Still followed, each with when it was last seen.
    pub in_follow_up: Counted,
    /// In the main analysis of the primary endpoint.
    pub analysed: usize,
}

/// Recruitment over time.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Recruitment {
    /// Planned in all.
    pub planned: u32,
    /// Planned first day of enrolment, where the protocol says so.
    pub planned_from: Option<Date>,
    /// Planned last day of the trial, where the protocol says so.
    pub planned_to: Option<Date>,
    /// One row a month from the first to the last.
    pub by_month: Vec<MonthRow>,
    /// One row a site.
    pub by_site: Vec<SiteRow>,
}

/// A month's recruitment.
#[derive(Clone, Debug, Serialize)]
pub struct MonthRow {
    /// First day of the month.
    pub month: Date,
    /// Randomised in it.
    pub randomised: Counted,
    /// Randomised in all by its end.
    pub in_all: usize,
}

/// A site's recruitment.
#[derive(Clone, Debug, Serialize)]
pub struct SiteRow {
    /// The site.
    pub site: SiteId,
    /// Its name.
    pub name: String,
    /// Day it opened.
    pub opened: Option<Date>,
    /// Screened.
    pub screened: Counted,
    /// Randomised.
    pub randomised: Counted,
    /// Days of each randomisation, in order.
    pub days: Vec<Date>,
}

/// A row of the baseline table.
#[derive(Clone, Debug, Serialize)]
pub struct BaselineRow {
    /// The characteristic, as in `Age, years`.
    pub characteristic: String,
    /// The level; none for a number.
    pub level: Option<String>,
    /// One cell an arm, then all.
    pub cells: Vec<BaselineCell>,
}

/// A cell of the baseline table.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BaselineCell {
    /// Subjects at this level.
    Count {
        /// How many.
        n: usize,
        /// Of how many.
        of: usize,
        /// Who.
        who: Vec<Who>,
    },
    /// A number over subjects.
    Number {
        /// With a value.
        n: usize,
        /// Median.
        median: Option<f64>,
        /// Lower quartile (R type 7).
        q1: Option<f64>,
        /// Upper quartile (R type 7).
        q3: Option<f64>,
        /// Least.
        min: Option<f64>,
        /// Greatest.
        max: Option<f64>,
        /// Who, each with its value.
        who: Vec<Who>,
    },
}

/// One analysis of one endpoint.
#[derive(Clone, Debug, Serialize)]
pub struct AnalysisResult {
    /// As in `TSF-main`.
    pub id: String,
    /// Name in reports.
    pub label: String,
    /// `PARAMCD`.
    pub endpoint: String,
    /// Name of the endpoint.
    pub endpoint_label: String,
    /// As the protocol defines the endpoint.
    pub definition: String,
    /// Of the primary endpoint.
    pub primary: bool,
    /// Main, or a sensitivity analysis.
    pub main: bool,
    /// What its times count from.
    pub origin: Origin,
    /// The rules in force, in words.
    pub rules: Vec<String>,
    /// Level of the limits.
    pub confidence: f64,
    /// Stratified by the stratification factors.
    pub stratified: bool,
    /// Ties in the Cox model, in words.
    pub ties: String,
    /// By arm.
    pub arms: Vec<ArmEstimate>,
    /// How the limits of curves and medians were made, in words.
    pub limits: String,
    /// Test and hazard ratio of the first arm that is not control; none where there is nothing to compare.
    pub comparison: Option<Comparison>,
    /// The arms after it against the same control, where there are more than two.
    pub more_comparisons: Vec<Comparison>,
    /// Log-rank test over all arms at once, where there are more than two.
    pub overall: Option<LogRank>,
    /// Why there is no comparison, or what to beware of.
    pub remarks: Vec<String>,
    /// Subgroups, checks of hazards and competing risks, beside a main analysis.
    pub further: Further,
    /// Each subject in it: what it contributes. The end of the chain from a number to its events.
    pub subjects: Vec<Contribution>,
}

/// One arm in an analysis.
#[derive(Clone, Debug, Serialize)]
pub struct ArmEstimate {
    /// The arm.
    pub arm: ArmId,
    /// Subjects.
    pub n: usize,
    /// Events.
    pub events: usize,
    /// Events by cause, then censorings by reason.
    pub outcomes: Vec<OutcomeRow>,
    /// Kaplan-Meier curve, from day 0.
    pub curve: Vec<CurvePoint>,
    /// Median with limits, in months.
    pub median_months: Estimate,
    /// Survival at landmarks: months, survival with limits.
    pub landmarks: Vec<(f64, Estimate)>,
    /// Numbers at risk: months, subjects.
    pub at_risk: Vec<(f64, usize)>,
    /// Restricted mean in months, up to `Comparison::tau_months`.
    pub rmst_months: Option<Estimate>,
    /// Median follow-up in months by reverse Kaplan-Meier.
    pub follow_up_months: Estimate,
}

/// How the subjects of an arm ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutcomeRow {
    /// True for an event, false for a censoring.
    pub event: bool,
    /// The cause or the reason, in words.
    pub what: String,
    /// Subjects.
    pub n: usize,
}

/// A step of a Kaplan-Meier curve.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CurvePoint {
    /// Months from the origin.
    pub months: f64,
    /// Survival just after.
    pub survival: f64,
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
    /// At risk just before.
    pub at_risk: usize,
    /// Events here.
    pub events: usize,
    /// Censored here.
    pub censored: usize,
}

/// An estimate with limits; each none where it does not exist (a median not reached).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// The value.
    pub value: Option<f64>,
    /// Lower limit.
    pub lower: Option<f64>,
    /// Upper limit.
    pub upper: Option<f64>,
}

/// The comparison of two arms.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The arm compared.
    pub arm: ArmId,
    /// The control arm.
    pub control: ArmId,
    /// Hazard ratio of the arm over control.
    pub hazard_ratio: Estimate,
    /// Wald p-value of the hazard ratio.
    pub wald_p: Option<f64>,
    /// Log-rank chi-square.
    pub logrank_chisq: f64,
    /// Its degrees of freedom.
    pub logrank_df: usize,
    /// Log-rank p-value, two-sided.
    pub logrank_p: f64,
    /// Test of proportional hazards (Grambsch-Therneau), p-value.
    pub proportional_hazards_p: Option<f64>,
    /// Where the restricted means stop, months.
    pub tau_months: Option<f64>,
    /// Difference of restricted means, months.
    pub rmst_difference_months: Option<Estimate>,
}

/// A log-rank test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LogRank {
    /// Chi-square.
    pub chisq: f64,
    /// Degrees of freedom.
    pub df: usize,
    /// Two-sided p-value.
    pub p: f64,
}

/// What one subject contributes to an analysis.
#[derive(Clone, Debug, Serialize)]
pub struct Contribution {
    /// The subject.
    pub subject: SubjectId,
    /// Its arm.
    pub arm: ArmId,
    /// Its stratum, where the analysis is stratified.
    pub stratum: Option<String>,
    /// `AVAL`, days.
    pub days: i64,
    /// `1 - CNSR`.
    pub event: bool,
    /// Time, outcome, rule, words and events.
    pub time: TimeToEvent,
}

/// Best overall response: a row of counts.
#[derive(Clone, Debug, Serialize)]
pub struct ResponseRow {
    /// The response; none for subjects without an assessment after baseline.
    pub response: Option<OverallResponse>,
    /// Subjects by arm.
    pub counts: Vec<Counted>,
}

/// One subject's lane in the swimmer plot. Days count from randomisation, the day itself being 0.
#[derive(Clone, Debug, Serialize)]
pub struct Lane {
    /// The subject.
    pub subject: SubjectId,
    /// The arm.
    pub arm: ArmId,
    /// Last day known.
    pub until: i64,
    /// Still followed at the end.
    pub ongoing: bool,
    /// Marks in order of day.
    pub marks: Vec<Mark>,
    /// Lines of systemic therapy.
    pub lines: Vec<LineBar>,
}

/// A mark on a lane.
#[derive(Clone, Debug, Serialize)]
pub struct Mark {
    /// Day from randomisation.
    pub day: i64,
    /// What.
    pub kind: MarkKind,
    /// In words.
    pub words: String,
    /// The events it rests on.
    pub events: Vec<Seq>,
}

/// Kinds of mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// A course of SABR.
    Sabr,
    /// A progression the strategy held through.
    ProgressionHeld,
    /// First progression, where there is no strategy rule.
    Progression,
    /// The strategy failed.
    StrategyFailure,
    /// A progression whose decision is pending.
    Pending,
    /// Progression on the next line.
    NextLineProgression,
    /// Withdrawal.
    Withdrawal,
    /// Death.
    Death,
}

/// A line of systemic therapy on a lane.
#[derive(Clone, Debug, Serialize)]
pub struct LineBar {
    /// First day from randomisation; 0 where it began before.
    pub from: i64,
    /// Last day; none while it goes on.
    pub to: Option<i64>,
    /// Drugs.
    pub treatment: String,
    /// 0 for the therapy at randomisation, then counting changes for progression.
    pub number: usize,
    /// The event.
    pub event: Seq,
}

/// Best change of the sum of diameters.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// The subject.
    pub subject: SubjectId,
    /// The arm.
    pub arm: ArmId,
    /// Relative change from baseline, as in -0.3.
    pub change: f64,
    /// Best overall response.
    pub best: OverallResponse,
    /// The events it rests on.
    pub events: Vec<Seq>,
}

/// Sums of diameters over time.
#[derive(Clone, Debug, Serialize)]
pub struct Trajectory {
    /// The subject.
    pub subject: SubjectId,
    /// The arm.
    pub arm: ArmId,
    /// Months from randomisation, relative change from baseline, sum in mm, the event.
    pub points: Vec<(f64, f64, f64, Seq)>,
    /// Lesions treated with SABR and when, months.
    pub treated: Vec<(LesionId, f64)>,
}

/// SABR given, by arm.
#[derive(Clone, Debug, Serialize)]
pub struct SabrRow {
    /// The arm.
    pub arm: ArmId,
    /// Subjects with at least one course.
    pub subjects: Counted,
    /// Courses.
    pub courses: Counted,
    /// Lesions treated, each as often as it was.
    pub lesions: usize,
    /// Subjects with a second course or more.
    pub again: Counted,
    /// Schedules, most frequent first.
    pub schedules: Vec<ScheduleRow>,
}

/// A schedule of SABR in one arm.
#[derive(Clone, Debug, Serialize)]
pub struct ScheduleRow {
    /// Total dose, Gy.
    pub dose_gy: f64,
    /// Fractions.
    pub fractions: u32,
    /// Biologically effective dose for tumour, Gy.
    pub bed_gy: f64,
    /// Equivalent dose in 2 Gy fractions for tumour, Gy.
    pub eqd2_gy: f64,
    /// Lesions.
    pub lesions: Counted,
}

/// Adverse events.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SafetyResult {
    /// Subjects at risk by arm: randomised.
    pub at_risk: Vec<usize>,
    /// To what events may be attributed, as labelled.
    pub attributed_to: Vec<String>,
    /// Treatment-related, worst grade a subject.
    pub related: Vec<GradeRow>,
    /// The same by what they are related to, in the order of `attributed_to`; an event may be related to more than one.
    pub related_to: Vec<Attribution>,
    /// All, worst grade a subject.
    pub all: Vec<GradeRow>,
    /// Subjects with a serious event by arm.
    pub serious: Vec<Counted>,
    /// Events without a grade, which stand in no table: subject, arm, event.
    pub ungraded: Vec<(SubjectId, ArmId, Seq)>,
    /// How many events have no grade, listed or not.
    pub ungraded_events: usize,
    /// How many events are serious and related, listed or not.
    pub expedited_events: usize,
    /// Serious and related events: subject, arm, term, grade, event.
    pub expedited: Vec<(SubjectId, ArmId, String, Option<u8>, Seq)>,
    /// Events by term and seriousness, of any grade or none, as results registration counts them.
    pub terms: Vec<TermRow>,
    /// Subjects with an event that is not serious, by arm.
    pub not_serious: Vec<usize>,
    /// True where grades are severities that carried no CTCAE grade.
    pub from_severity: bool,
}

/// Events of one term.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TermRow {
    /// The serious ones of it, or the others.
    pub serious: bool,
    /// System organ class.
    pub class: String,
    /// Term.
    pub term: String,
    /// By arm.
    pub by_arm: Vec<Affected>,
}

/// How many had an event, and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Affected {
    /// Subjects with at least one.
    pub subjects: usize,
    /// Events.
    pub events: usize,
}

/// Adverse events related to one thing.
#[derive(Clone, Debug, Serialize)]
pub struct Attribution {
    /// The item that attributes, as in `AERELSAB`.
    pub item: String,
    /// To what, as in `SABR`.
    pub label: String,
    /// Worst grade a subject.
    pub rows: Vec<GradeRow>,
}

/// Subjects by worst grade; `term` none is the class as a whole, `class` none is any event.
#[derive(Clone, Debug, Serialize)]
pub struct GradeRow {
    /// System organ class.
    pub class: Option<String>,
    /// Term.
    pub term: Option<String>,
    /// By arm: subjects at grades 1 to 5.
    pub counts: Vec<[usize; 5]>,
    /// By arm: who, with the worst grade and its events.
    pub subjects: Vec<(SubjectId, ArmId, u8, Vec<Seq>)>,
}

/// Quality of life.
#[derive(Clone, Debug, Serialize)]
pub struct QualityResult {
    /// Name of the score, as in `FACT-B total`.
    pub score: String,
    /// Greatest value of the score.
    pub maximum: f64,
    /// Level of the limits: that of the main analysis of the primary endpoint.
    pub confidence: f64,
    /// Mean by arm and planned week.
    pub by_week: Vec<QualityPoint>,
    /// Area under the curve by arm.
    pub auc: Vec<QualityArea>,
    /// Difference of the time-averaged scores, arm minus control, with limits (Welch).
    pub difference: Option<Estimate>,
    /// Its two-sided p-value (Welch t test).
    pub p: Option<f64>,
    /// The arms after the first that is not control against control, where there are more than two.
    pub more_differences: Vec<QualityDifference>,
    /// The areas under the rules of each sensitivity analysis of the protocol.
    pub sensitivity: Vec<QualitySensitivity>,
    /// A mixed model for repeated measures; none, with a remark, where it cannot be fitted.
    pub model: Option<QualityModel>,
    /// Why there is no model, or what it leaves out.
    pub model_remarks: Vec<String>,
    /// How questionnaires are missing, by arm.
    pub patterns: Vec<MissingPattern>,
    /// The same by arm and week.
    pub missing: Vec<MissingWeek>,
    /// Up to this week.
    pub to_week: u32,
    /// The rules in words.
    pub rules: Vec<String>,
}

/// The difference of an arm's time-averaged scores from control's.
#[derive(Clone, Debug, Serialize)]
pub struct QualityDifference {
    /// The arm.
    pub arm: ArmId,
    /// The control arm.
    pub control: ArmId,
    /// Arm minus control, with limits (Welch).
    pub difference: Estimate,
    /// Two-sided p-value (Welch t test).
    pub p: f64,
}

/// A sensitivity analysis of the areas.
#[derive(Clone, Debug, Serialize)]
pub struct QualitySensitivity {
    /// As in `QOL-death-zero`.
    pub id: String,
    /// Name in reports.
    pub label: String,
    /// The rules in words.
    pub rules: Vec<String>,
    /// Area under the curve by arm.
    pub auc: Vec<QualityArea>,
    /// Each arm against control, in order.
    pub differences: Vec<QualityDifference>,
}

/// Mean of a score at a planned week.
#[derive(Clone, Debug, Serialize)]
pub struct QualityPoint {
    /// The arm.
    pub arm: ArmId,
    /// Planned week.
    pub week: u32,
    /// Questionnaires scored, each with its score.
    pub scored: Counted,
    /// Alive and in the trial then, who should have answered.
    pub expected: usize,
    /// Those of them who did not, or not so that it could be scored.
    pub missing: Vec<Who>,
    /// Mean with limits (t distribution).
    pub mean: Estimate,
}

/// Area under the curve of one arm.
#[derive(Clone, Debug, Serialize)]
pub struct QualityArea {
    /// The arm.
    pub arm: ArmId,
    /// Subjects with an area.
    pub n: usize,
    /// Mean area, score-weeks, with limits.
    pub score_weeks: Estimate,
    /// Mean of the time-averaged scores, with limits.
    pub average: Estimate,
    /// Each subject's area, time-averaged score, words and events.
    pub subjects: Vec<(SubjectId, f64, f64, String, Vec<Seq>)>,
}

/// A protocol deviation.
#[derive(Clone, Debug, Serialize)]
pub struct DeviationRow {
    /// The subject.
    pub subject: SubjectId,
    /// The site.
    pub site: SiteId,
    /// The arm, where randomised.
    pub arm: Option<ArmId>,
    /// The day.
    pub date: Date,
    /// Category.
    pub category: String,
    /// In words.
    pub term: String,
    /// True where the software found it, false where a person recorded it.
    pub found: bool,
    /// The events it rests on.
    pub events: Vec<Seq>,
}

/// A pending strategy decision.
#[derive(Clone, Debug, Serialize)]
pub struct PendingRow {
    /// The subject.
    pub subject: SubjectId,
    /// The site.
    pub site: SiteId,
    /// The arm.
    pub arm: ArmId,
    /// Day of the progression.
    pub progression: Date,
    /// What is waited for, in words.
    pub why: String,
    /// The events it rests on.
    pub events: Vec<Seq>,
}

/// Something the protocol assumes.
#[derive(Clone, Debug, Serialize)]
pub struct Assumption {
    /// Where in the protocol file, as in `arms[A].strategy.within_days`.
    pub path: String,
    /// The value in words.
    pub value: String,
    /// True where the whole table is marked, false where one key of it is.
    pub whole_table: bool,
}

/// What of a subject's events could not be read.
#[derive(Clone, Debug, Serialize)]
pub struct SubjectFault {
    /// The subject.
    pub subject: SubjectId,
    /// The event.
    pub event: Seq,
    /// Form, visit, occurrence and item.
    pub place: String,
    /// What was found and what would be right.
    pub message: String,
}

/// One subject's derivations with their events.
#[derive(Clone, Debug, Serialize)]
pub struct Trace {
    /// The subject.
    pub subject: SubjectId,
    /// The site.
    pub site: SiteId,
    /// The arm, where randomised.
    pub arm: Option<ArmId>,
    /// Day of randomisation.
    pub randomised: Option<Date>,
    /// Sex and year of birth, in words.
    pub who: String,
    /// Responses: day, visit, overall response, sum in mm, words, event.
    pub responses: Vec<(Date, String, OverallResponse, Option<f64>, String, Seq)>,
    /// The course of the strategy, with each progression and what became of it.
    pub strategy: Option<Course>,
    /// Verdicts in order, for a glance.
    pub verdicts: Vec<Verdict>,
    /// Eligibility criteria that are not met or not proven.
    pub unproven: Vec<Judged>,
    /// The events that any derivation of this subject read, as entered.
    pub sources: Vec<SourceEvent>,
}

/// An event as the page shows it.
#[derive(Clone, Debug, Serialize)]
pub struct SourceEvent {
    /// Its place in the ledger.
    pub seq: Seq,
    /// When it was recorded; none for screening and randomisation, of which the record keeps the day alone.
    pub recorded: Option<Timestamp>,
    /// Form, visit and occurrence in words.
    pub place: String,
    /// Item and value as entered; groups row by row.
    pub values: Vec<(String, String)>,
}
