//! What one tumour assessment means: response, progressing lesions, and what it does to the strategy of the arm and why.
//!
//! Compares what is derived of a record with the assessment and without it; nothing is judged here anew. Never writes. See
//! `recist`, `progression` and `strategy` for the rules.

use std::fmt;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::date::days_between;
use crate::derive::{Derived, derive, ruling, strategy_of};
use crate::event::{Instance, Seq};
use crate::id::{ArmId, LesionId};
use crate::progression::{self, Kind, Known, Progression};
use crate::protocol::{ProtocolHistory, Salvage, Strategy, TumourRules};
use crate::recist::{LesionPoint, NewLesion, Series, TargetResponse, Timepoint};
use crate::record::{Assessment, Decision, LesionRole, Record, SUPPOSED};
use crate::strategy::{self, Course, Episode, Failure, Status, Verdict};

/// What one assessment means.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Consequence {
    /// Who read it.
    pub reader: String,
    /// That is the reader whose assessments the endpoints rest on.
    pub counts: bool,
    /// The day of its first scan.
    pub date: Date,
    /// An oligoprogression came before: at entry, or one that the strategy held through.
    pub again: bool,
    /// What it shows.
    pub seen: Seen,
    /// What it does to the strategy; none where the arm has no strategy rule, before randomisation, or where it does not count.
    pub strategy: Option<StrategyEffect>,
    /// All of it in plain words, in order.
    pub says: Vec<String>,
}

/// What an assessment shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "as", rename_all = "snake_case")]
pub enum Seen {
    /// It is what others are judged against.
    Baseline {
        /// Sum of diameters in mm; none without targets, or where one was not measured.
        sum_mm: Option<f64>,
        /// Each lesion.
        lesions: Vec<LesionPoint>,
        /// Where it breaks a rule of selection, in words.
        remarks: Vec<String>,
    },
    /// It is judged against a baseline.
    Response {
        /// Against the baseline of randomisation: RECIST 1.1.
        from_baseline: Box<Response>,
        /// Against the last progression that the strategy held through, where there was one: what the strategy is judged on.
        since_salvage: Option<Box<Response>>,
    },
}

/// A response against one reference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Response {
    /// The day of the assessment it is judged against.
    pub reference: Date,
    /// The sum of diameters then, mm.
    pub baseline_mm: Option<f64>,
    /// Responses, sum, nadir, each lesion, in words why.
    pub timepoint: Timepoint,
    /// The sum against the reference; none where either is incomplete.
    pub change_from_baseline: Option<Change>,
    /// The sum against the nadir; none where either is incomplete.
    pub change_from_nadir: Option<Change>,
    /// Lesions that are new here.
    pub new_lesions: Vec<LesionId>,
    /// What kind of progression the progressing lesions make; none where no lesion progresses.
    pub kind: Option<Kind>,
}

/// A change of the sum of diameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// In mm.
    pub mm: f64,
    /// In percent; none from 0 mm.
    pub percent: Option<f64>,
}

/// What an assessment does to the strategy of an arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StrategyEffect {
    /// The arm.
    pub arm: ArmId,
    /// Its strategy in the protocol's words.
    pub statement: String,
    /// Where the strategy stands without the assessment.
    pub before: Status,
    /// Where it stands with it.
    pub after: Status,
    /// The progression that the assessment shows, and what becomes of it.
    pub episode: Option<Episode>,
    /// Why it stands so, in words.
    pub why: String,
    /// What must follow.
    pub must: Vec<Must>,
}

/// What must follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "must", rename_all = "snake_case")]
pub enum Must {
    /// Somebody decides on the strategy.
    Decide {
        /// The day of the progression it is about.
        progression: Date,
        /// The last day on which what follows from it is in time.
        by: Date,
    },
    /// SABR to these lesions is completed.
    Treat {
        /// The lesions.
        lesions: Vec<LesionId>,
        /// The last day.
        by: Date,
        /// Days left; negative when it is over.
        days_left: i64,
    },
    /// The systemic therapy under way goes on until that is done.
    ContinueSystemic,
}

impl fmt::Display for Must {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decide { progression, by } => {
                write!(f, "Record the strategy decision on the progression of {progression}, by {by}.")
            }
            Self::Treat { lesions, by, days_left: left @ 0.. } => {
                let days = if *left == 1 { "day" } else { "days" };
                write!(f, "Complete SABR to {} by {by} ({left} {days} left).", names(lesions))
            }
            Self::Treat { lesions, by, .. } => {
                write!(f, "SABR to {} was to be completed by {by}.", names(lesions))
            }
            Self::ContinueSystemic => f.write_str("Continue the systemic therapy until SABR is completed."),
        }
    }
}

fn names(lesions: &[LesionId]) -> String {
    let names: Vec<&str> = lesions.iter().map(LesionId::as_str).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => "no lesion".to_owned(),
    }
}

/// What the saved assessment on `instance` means; none where there is no such assessment.
pub fn of_saved(
    history: &ProtocolHistory,
    record: &Record,
    instance: &Instance,
    today: Date,
) -> Option<Consequence> {
    let event = record.forms.iter().find(|form| form.instance == *instance)?.event;
    of(history, &record.without(history, instance), record, event, today)
}

/// What an assessment on `instance` with `values` would mean, saved or corrected; none where its date cannot be read yet, or
/// it is no tumour assessment.
pub fn of_draft(
    history: &ProtocolHistory,
    record: &Record,
    instance: &Instance,
    values: &Map<String, Value>,
    today: Date,
) -> Option<Consequence> {
    let supposed = record.suppose(history, instance, values.clone());
    of(history, &record.without(history, instance), &supposed, SUPPOSED, today)
}

fn of(
    history: &ProtocolHistory,
    before: &Record,
    after: &Record,
    event: Seq,
    today: Date,
) -> Option<Consequence> {
    let assessment = after.assessments.iter().find(|assessment| assessment.event == event)?;
    let rules = &ruling(history, after).tumour;
    let counts = assessment.reader == rules.reader;
    let (was, is) = (derive(history, before, None), derive(history, after, None));
    let strategy = if counts { effect(history, after, assessment, &was, &is, today) } else { None };
    let salvaged = if counts { last_salvaged(&is, assessment.date) } else { None };
    let seen = seen(rules, after, assessment, salvaged)?;
    let mut consequence = Consequence {
        reader: assessment.reader.clone(),
        counts,
        date: assessment.date,
        again: salvaged.is_some() || progressed_at_entry(rules, after, assessment.date),
        seen,
        strategy,
        says: Vec::new(),
    };
    consequence.says = words(rules, &consequence, after.randomised.is_some());
    Some(consequence)
}

/// A lesion was marked as progressing at the baseline, which lies before `date`.
fn progressed_at_entry(rules: &TumourRules, record: &Record, date: Date) -> bool {
    let Some(start) = record.randomised.as_ref().map(|fact| fact.value.date) else { return false };
    let assessments = progression::of_reader(record, &rules.reader);
    let baseline = assessments.iter().rfind(|assessment| assessment.date <= start && assessment.date < date);
    baseline.is_some_and(|baseline| {
        baseline.readings.iter().any(|reading| reading.oligoprogressive == Some(true))
    })
}

fn seen(
    rules: &TumourRules,
    record: &Record,
    assessment: &Assessment,
    salvaged: Option<&Progression>,
) -> Option<Seen> {
    let start = record.randomised.as_ref().map_or(assessment.date, |fact| fact.value.date);
    let series = progression::series(rules, record, &assessment.reader, start)?;
    let Some(from_baseline) = response(rules, &series, assessment.event) else {
        // Before randomisation: the last assessment by then is the baseline; an earlier one is shown as if it were.
        let series = if series.baseline.event == assessment.event {
            series
        } else {
            let mut alone = Record { assessments: vec![assessment.clone()], ..Record::default() };
            alone.subject = record.subject.clone();
            progression::series(rules, &alone, &assessment.reader, assessment.date)?
        };
        let baseline = series.baseline;
        return Some(Seen::Baseline {
            sum_mm: baseline.sum_mm,
            lesions: baseline.lesions,
            remarks: baseline.remarks,
        });
    };
    let since_salvage = salvaged.and_then(|salvaged| {
        let series = progression::series(rules, record, &assessment.reader, salvaged.certain)?;
        response(rules, &series, assessment.event)
    });
    Some(Seen::Response {
        from_baseline: Box::new(from_baseline),
        since_salvage: since_salvage.map(Box::new),
    })
}

fn response(rules: &TumourRules, series: &Series, event: Seq) -> Option<Response> {
    let timepoint = series.timepoints.iter().find(|timepoint| timepoint.event == event)?.clone();
    let whole = timepoint.sum_mm.filter(|_| timepoint.complete);
    let change = |from: Option<f64>| {
        let (now, from) = (whole?, from?);
        let percent = (from > 0.0).then(|| (now - from) / from * 100.0);
        Some(Change { mm: now - from, percent })
    };
    let is_new =
        |point: &&LesionPoint| point.role == LesionRole::New && point.progressing && point.why == "new";
    let new_lesions = timepoint.lesions.iter().filter(is_new).map(|point| point.lesion.clone()).collect();
    Some(Response {
        reference: series.baseline.date,
        baseline_mm: series.baseline.sum_mm,
        change_from_baseline: change(series.baseline.sum_mm),
        change_from_nadir: change(timepoint.nadir_mm),
        new_lesions,
        kind: progression::kind_of(rules, &timepoint),
        timepoint,
    })
}

/// The last progression the strategy held through that was certain before `date`.
fn last_salvaged(derived: &Derived, date: Date) -> Option<&Progression> {
    let episodes = derived.strategy.as_ref().map(|course| &course.episodes)?;
    let held = episodes.iter().filter(|episode| episode.verdict == Verdict::Held);
    held.map(|episode| &episode.progression).rfind(|progression| progression.certain < date)
}

fn effect(
    history: &ProtocolHistory,
    record: &Record,
    assessment: &Assessment,
    was: &Derived,
    is: &Derived,
    today: Date,
) -> Option<StrategyEffect> {
    let rule = strategy_of(history, record)?;
    let arm = record.randomised.as_ref()?.value.arm.clone();
    let course = is.strategy.as_ref()?;
    let before = was.strategy.as_ref().map_or(Status::NotApplicable, |course| course.status.clone());
    // The assessment that a progression was judged against is among its events too.
    let shows = |progression: &Progression| {
        progression.known == Known::Recist
            && progression.certain == assessment.date
            && progression.events.contains(&assessment.event)
    };
    let episode = course.episodes.iter().find(|episode| shows(&episode.progression)).cloned();
    Some(StrategyEffect {
        arm,
        statement: rule.statement.clone(),
        before,
        after: course.status.clone(),
        episode,
        why: course.why.clone(),
        must: must(rule, record, course, today),
    })
}

/// What must follow where a progression is pending.
pub fn must(rule: &Strategy, record: &Record, course: &Course, today: Date) -> Vec<Must> {
    let Some(waiting) = strategy::waiting(rule, record, course) else { return Vec::new() };
    let mut must = Vec::new();
    if waiting.decided.is_none() {
        must.push(Must::Decide { progression: waiting.progression, by: waiting.deadline });
    }
    if rule.salvage == Salvage::Sabr
        && !waiting.untreated.is_empty()
        && waiting.decided != Some(Decision::Abandon)
    {
        must.push(Must::Treat {
            lesions: waiting.untreated,
            by: waiting.deadline,
            days_left: days_between(today, waiting.deadline),
        });
        if rule.systemic_continues {
            must.push(Must::ContinueSystemic);
        }
    }
    must
}

/// A length in mm, to a tenth.
fn mm(value: f64) -> String {
    format!("{} mm", (value * 10.0).round() / 10.0)
}

/// As `+6 mm, +27.3 % from the nadir of 22 mm`.
fn changed(change: Option<Change>, from: Option<f64>, what: &str) -> Option<String> {
    let (change, from) = (change?, from?);
    if change.mm == 0.0 {
        return Some(format!("unchanged from the {what} of {}", mm(from)));
    }
    let sign = if change.mm > 0.0 { "+" } else { "" };
    let percent =
        change.percent.map(|p| format!(", {sign}{} %", (p * 10.0).round() / 10.0)).unwrap_or_default();
    Some(format!("{sign}{}{percent} from the {what} of {}", mm(change.mm), mm(from)))
}

fn words(rules: &TumourRules, consequence: &Consequence, randomised: bool) -> Vec<String> {
    let mut says = Vec::new();
    if !consequence.counts {
        says.push(format!(
            "Read by {}; the endpoints rest on the readings of {}.",
            consequence.reader, rules.reader
        ));
    }
    match &consequence.seen {
        Seen::Baseline { sum_mm, remarks, .. } => {
            let sum = sum_mm.map_or_else(String::new, |sum| format!(" Sum of diameters {}.", mm(sum)));
            let what = if randomised { "Baseline assessment." } else { "Assessment before randomisation." };
            says.push(format!("{what}{sum}"));
            says.extend(remarks.iter().map(|remark| format!("Note: {remark}.")));
        }
        Seen::Response { from_baseline, since_salvage } => {
            says.push(sum_in_words(from_baseline));
            says.push(response_in_words(from_baseline));
            let judged = since_salvage.as_ref().unwrap_or(from_baseline);
            if let Some(since) = since_salvage {
                let overall = since.timepoint.overall;
                says.push(format!(
                    "Against the assessment of {}, which showed the last salvaged progression: {overall}; {}.",
                    since.reference, since.timepoint.reason
                ));
            }
            says.extend(lesions_in_words(rules, judged, consequence.again));
        }
    }
    if let Some(effect) = &consequence.strategy
        && matches!(consequence.seen, Seen::Response { .. })
    {
        says.push(strategy_in_words(effect));
        says.extend(effect.must.iter().map(ToString::to_string));
    }
    says
}

fn sum_in_words(response: &Response) -> String {
    let timepoint = &response.timepoint;
    let Some(sum) = timepoint.sum_mm.filter(|_| timepoint.target.is_some()) else {
        return match timepoint.target {
            Some(TargetResponse::NotEvaluable) => "No target was measured.".to_owned(),
            _ => "No target lesions.".to_owned(),
        };
    };
    let partial = if timepoint.complete { "" } else { " of the targets measured" };
    let from = if response.baseline_mm == timepoint.nadir_mm {
        [changed(response.change_from_baseline, response.baseline_mm, "baseline and nadir"), None]
    } else {
        [
            changed(response.change_from_baseline, response.baseline_mm, "baseline"),
            changed(response.change_from_nadir, timepoint.nadir_mm, "nadir"),
        ]
    };
    let from: Vec<String> = from.into_iter().flatten().collect();
    let from = if from.is_empty() { String::new() } else { format!(": {}", from.join("; ")) };
    format!("Sum of diameters{partial} {}{from}.", mm(sum))
}

fn response_in_words(response: &Response) -> String {
    let timepoint = &response.timepoint;
    let mut parts = vec![format!("overall {}", timepoint.overall)];
    parts.extend(timepoint.target.map(|target| format!("target {target}")));
    parts.extend(timepoint.non_target.map(|non_target| format!("non-target {non_target}")));
    parts.push(match timepoint.new_lesion {
        NewLesion::None => "no new lesion".to_owned(),
        NewLesion::Equivocal => "an equivocal new lesion".to_owned(),
        NewLesion::Unequivocal => "new lesions".to_owned(),
    });
    format!("RECIST 1.1: {}. Why: {}.", parts.join(", "), timepoint.reason)
}

fn lesions_in_words(rules: &TumourRules, response: &Response, again: bool) -> Vec<String> {
    let progressing = response.timepoint.lesions.iter().filter(|point| point.progressing);
    let mut says: Vec<String> = progressing
        .map(|point| {
            let place =
                if point.location.is_empty() { String::new() } else { format!(" ({})", point.location) };
            format!("Lesion {}{place} progresses: {}.", point.lesion, point.why)
        })
        .collect();
    let n = says.len();
    let lesions = if n == 1 { "lesion progresses" } else { "lesions progress" };
    match response.kind {
        Some(Kind::Oligo) => says.push(format!(
            "{}: {n} {lesions}, at most {} and none inside the skull.",
            if again { "Again oligoprogression" } else { "Oligoprogression" },
            rules.oligo_max_lesions
        )),
        Some(Kind::Poly) => {
            let skull =
                response.timepoint.lesions.iter().any(|point| point.progressing && point.intracranial);
            let why = if skull {
                "one inside the skull".to_owned()
            } else {
                format!("more than {}", rules.oligo_max_lesions)
            };
            says.push(format!("Not oligoprogression: {n} {lesions}, {why}."));
        }
        Some(Kind::Unplaced) | None => says.push("No single lesion progresses.".to_owned()),
    }
    says
}

fn strategy_in_words(effect: &StrategyEffect) -> String {
    let stands = match &effect.after {
        Status::NotApplicable => "No strategy applies".to_owned(),
        Status::Holding => "The strategy holds".to_owned(),
        Status::Pending { progression } => {
            format!("The strategy is pending on the progression of {progression}")
        }
        Status::Failed { on, cause } => {
            let cause = match cause {
                Failure::Progression => "by progression",
                Failure::SystemicChange => "by a change of systemic therapy",
                Failure::Death => "by death",
            };
            format!("The strategy of arm {} failed on {on}, {cause}", effect.arm)
        }
    };
    let held = match &effect.episode {
        Some(Episode { verdict: Verdict::Held, why, .. }) => {
            format!("The strategy held through this progression: {why}. ")
        }
        _ => String::new(),
    };
    let unchanged = if effect.before == effect.after { ", as before" } else { "" };
    format!("{held}{stands}{unchanged}: {}.", effect.why)
}
