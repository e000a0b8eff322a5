//! RECIST 1.1 (Eisenhauer et al., Eur J Cancer 2009;45:228-247): responses of one reader's assessments, in order.
//!
//! The numbers come from the protocol's `tumour` table; every default is the published one. Never picks the baseline
//! (see `progression`) and never decides what a progression means.

mod baseline;
mod best;
mod judge;
mod lesion;
mod new_lesions;
mod non_targets;
mod response;
mod size;
mod targets;
mod track;

use judge::Judge;

pub use response::{NewLesion, NonTargetResponse, OverallResponse, TargetResponse, overall};

use jiff::civil::Date;
use serde::Serialize;

use crate::event::Seq;
use crate::id::LesionId;
use crate::protocol::TumourRules;
use crate::record::{Assessment, LesionRole, SabrCourse};

/// One reader's assessments judged against one baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    /// The baseline; its responses are not given.
    pub baseline: Baseline,
    /// Every later assessment, in order.
    pub timepoints: Vec<Timepoint>,
    /// The first progression.
    pub progression: Option<FirstProgression>,
    /// Best overall response without confirmation.
    pub best: Best,
    /// Best overall response with confirmation.
    pub best_confirmed: Best,
}

/// The baseline of a series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Baseline {
    /// The event.
    pub event: Seq,
    /// The day.
    pub date: Date,
    /// Sum of diameters in mm; none without targets, or where one was not measured.
    pub sum_mm: Option<f64>,
    /// Each lesion then.
    pub lesions: Vec<LesionPoint>,
    /// Where the baseline breaks a rule of selection (too many targets, too small, ...), in words.
    pub remarks: Vec<String>,
}

/// What one assessment after the baseline means.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timepoint {
    /// The event.
    pub event: Seq,
    /// The day of its first scan.
    pub date: Date,
    /// Visit id.
    pub visit: String,
    /// Order of the visit.
    pub visitnum: f64,
    /// Target response; none without targets at baseline.
    pub target: Option<TargetResponse>,
    /// Non-target response; none without non-targets at baseline.
    pub non_target: Option<NonTargetResponse>,
    /// New lesions.
    pub new_lesion: NewLesion,
    /// Overall response.
    pub overall: OverallResponse,
    /// Sum of diameters in mm over what was measured; none where nothing was.
    pub sum_mm: Option<f64>,
    /// True where every target was measured.
    pub complete: bool,
    /// The smallest complete sum before this assessment, baseline included.
    pub nadir_mm: Option<f64>,
    /// Relative change of the sum from baseline; none where either is incomplete or the baseline sum is 0.
    pub change: Option<f64>,
    /// An assessment that can show progression or its absence: overall response is not NE.
    pub adequate: bool,
    /// Each lesion.
    pub lesions: Vec<LesionPoint>,
    /// Lesions that progress here, target or not.
    pub progressing: Vec<LesionId>,
    /// Why the target, non-target and overall response are so, in words.
    pub reason: String,
}

/// One lesion at one assessment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LesionPoint {
    /// The lesion.
    pub lesion: LesionId,
    /// Its role.
    pub role: LesionRole,
    /// `TULOC`.
    pub location: String,
    /// A lymph node.
    pub nodal: bool,
    /// Inside the skull.
    pub intracranial: bool,
    /// Size in mm, where one is known.
    pub size_mm: Option<f64>,
    /// Its own smallest size before this assessment.
    pub nadir_mm: Option<f64>,
    /// It alone progresses here: grown over its own nadir, unequivocally worse, or new.
    pub progressing: bool,
    /// Why, in words; empty where it does not.
    pub why: String,
    /// Amenable to SABR, as judged here or last before.
    pub amenable: Option<bool>,
    /// Day SABR to it was last completed, where it was by the day of this assessment.
    pub treated: Option<Date>,
    /// The parts it split into; empty where it did not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<LesionId>,
}

/// The first progression of a series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FirstProgression {
    /// The day it counts from: the first scan that shows it; of a confirmed equivocal lesion, when it was first seen.
    pub date: Date,
    /// The event of the assessment at which it was certain.
    pub event: Seq,
    /// Why, in words.
    pub reason: String,
}

/// A best overall response.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Best {
    /// The response.
    pub response: OverallResponse,
    /// The events it rests on.
    pub events: Vec<Seq>,
    /// Why, in words.
    pub reason: String,
}

/// Judges `follow`, in order of date, against `baseline`.
///
/// Nothing depends on the order of the readings within an assessment. A lesion of the baseline without a reading counts as
/// not evaluated; of two readings of one lesion the graver counts.
pub fn evaluate(rules: &TumourRules, baseline: &Assessment, follow: &[&Assessment]) -> Series {
    let mut judge = Judge::new(rules, baseline);
    let opening = judge.baseline();
    let timepoints: Vec<Timepoint> = follow.iter().map(|assessment| judge.next(assessment)).collect();
    let progression = judge.progression();
    let course = best::Course {
        rules,
        baseline: baseline.date,
        timepoints: &timepoints,
        progression: progression.as_ref(),
    };
    let (best, best_confirmed) = (course.unconfirmed(), course.confirmed());
    Series { baseline: opening, timepoints, progression, best, best_confirmed }
}

/// The first progression of `follow` against `baseline`, with the assessment at which it was certain: what `evaluate`
/// finds, without judging more assessments than are needed.
pub fn first_progression(
    rules: &TumourRules,
    baseline: &Assessment,
    follow: &[&Assessment],
) -> Option<(FirstProgression, Timepoint)> {
    let mut judge = Judge::new(rules, baseline);
    let mut shown = None;
    for assessment in follow {
        let timepoint = judge.next_briefly(assessment);
        if shown.is_none() && timepoint.overall == OverallResponse::Progressive {
            shown = Some(timepoint);
        }
        // An equivocal lesion that is still open may date the progression back.
        if shown.is_some() && !judge.may_date_back() {
            break;
        }
    }
    Some((judge.progression()?, shown?))
}

/// Marks the lesions of `series` that were treated, with the day.
///
/// A lesion counts as treated when a completed course names it, or every part it split into.
pub fn mark_treated(series: &mut Series, courses: &[SabrCourse]) {
    if courses.is_empty() {
        return;
    }
    let last = |lesion: &LesionId, by: Date| {
        let treats = |course: &&SabrCourse| course.lesions.iter().any(|dose| dose.lesion == *lesion);
        courses.iter().filter(treats).filter_map(|course| course.end).filter(|end| *end <= by).max()
    };
    let mark = |point: &mut LesionPoint, by: Date| {
        let parts: Option<Vec<Date>> = point.parts.iter().map(|part| last(part, by)).collect();
        let parts = parts.and_then(|ends| ends.into_iter().max());
        point.treated = last(&point.lesion, by).max(parts);
    };
    let date = series.baseline.date;
    series.baseline.lesions.iter_mut().for_each(|point| mark(point, date));
    for timepoint in &mut series.timepoints {
        let date = timepoint.date;
        timepoint.lesions.iter_mut().for_each(|point| mark(point, date));
    }
}
