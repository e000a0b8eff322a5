//! Progressions of one subject in order, each judged against the reference it calls for, and what kind it is.
//!
//! A first progression is judged against the baseline of randomisation; one after a salvaged progression, or on the next
//! line of therapy, against the last assessment before that new start, so that growth which was already treated does not
//! count twice. Never decides what a progression does to the strategy (see `strategy`).

use std::borrow::Cow;

use jiff::civil::Date;
use serde::Serialize;

use crate::event::Seq;
use crate::id::LesionId;
use crate::protocol::TumourRules;
use crate::recist::{self, FirstProgression, Series, Timepoint};
use crate::record::{Assessment, Finding, LesionRole, Reading, Record};
use crate::sabr::Site;

/// How a progression was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// By RECIST 1.1.
    Recist,
    /// By the clinic alone.
    Clinical,
}

/// The kind of a progression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Few progressing lesions, all extracranial.
    Oligo,
    /// Too many progressing lesions, or one inside the skull.
    Poly,
    /// No lesion is named: a clinical progression, or growth of the sum alone.
    Unplaced,
}

/// A progression.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Progression {
    /// The day it counts from: the first scan of the assessment that shows it.
    pub date: Date,
    /// The day it was certain, later than `date` where an equivocal new lesion was confirmed.
    pub certain: Date,
    /// How it was known.
    pub known: Known,
    /// Its kind.
    pub kind: Kind,
    /// The progressing lesions.
    pub lesions: Vec<LesionId>,
    /// The same lesions as SABR may name them: a lesion that split can be treated part by part.
    pub sites: Vec<Site>,
    /// A progressing lesion lies inside the skull.
    pub intracranial: bool,
    /// All progressing lesions amenable to SABR: none where nobody said so.
    pub amenable: Option<bool>,
    /// Why it is a progression, in words.
    pub reason: String,
    /// The events it rests on.
    pub events: Vec<Seq>,
}

/// The assessments of one reader, in order.
pub fn of_reader<'a>(record: &'a Record, reader: &str) -> Vec<&'a Assessment> {
    record.assessments.iter().filter(|assessment| assessment.reader == reader).collect()
}

/// The series of `reader` judged against the last assessment on or before `reference`, or against the first one where
/// none is so early; none where the reader assessed nothing.
pub fn series(rules: &TumourRules, record: &Record, reader: &str, reference: Date) -> Option<Series> {
    let assessments = of_reader(record, reader);
    let at = baseline_index(&assessments, reference);
    let baseline = baseline(rules, record, &assessments, at)?;
    let mut series = recist::evaluate(rules, &baseline, &assessments[at + 1..]);
    recist::mark_treated(&mut series, &record.sabr);
    Some(series)
}

fn baseline_index(assessments: &[&Assessment], reference: Date) -> usize {
    assessments.iter().rposition(|assessment| assessment.date <= reference).unwrap_or(0)
}

/// The assessment at `at` as a baseline. A later baseline than that of randomisation takes over every lesion known since:
/// one that was not read there is still disease, of the size last known, not a lesion that was never there. A new lesion that
/// never was certain by then (equivocal and then not evaluated, a node of normal size) is none of it: once certain it is new.
fn baseline<'a>(
    rules: &TumourRules,
    record: &Record,
    assessments: &[&'a Assessment],
    at: usize,
) -> Option<Cow<'a, Assessment>> {
    let chosen: &Assessment = assessments.get(at)?;
    let first =
        record.randomised.as_ref().map_or(at, |fact| baseline_index(assessments, fact.value.date)).min(at);
    let mut carried: Vec<Reading> = Vec::new();
    for earlier in assessments[first..at].iter().rev() {
        for reading in &earlier.readings {
            let same = |other: &Reading| other.lesion == reading.lesion;
            let split = |other: &Reading| other.split_from.as_ref() == Some(&reading.lesion);
            if !chosen.readings.iter().any(|other| same(other) || split(other)) && !carried.iter().any(same) {
                carried.push(carry(reading, earlier.date == chosen.date));
            }
        }
    }
    carried.retain(still_there);
    let known = &assessments[first..=at];
    let never_certain = |reading: &Reading| first < at && !ever_certain(rules, known, reading);
    carried.retain(|reading| !never_certain(reading));
    let not_read = |reading: &Reading| matches!(reading.finding, Finding::NotEvaluable(_));
    let as_it_is = |reading: &Reading| !never_certain(reading) && (first == at || !not_read(reading));
    if carried.is_empty() && chosen.readings.iter().all(as_it_is) {
        return Some(Cow::Borrowed(chosen));
    }
    let mut baseline = chosen.clone();
    baseline.readings.retain(|reading| !never_certain(reading));
    baseline.readings.extend(carried);
    for reading in baseline.readings.iter_mut().filter(|reading| not_read(reading)) {
        with_last_size(reading, known);
    }
    Some(Cow::Owned(baseline))
}

/// Gives a lesion that was not evaluated at a later baseline the size it was last known to have: what grew while nobody
/// looked has progressed when it is next measured, and is not the new measure of itself.
fn with_last_size(reading: &mut Reading, known: &[&Assessment]) {
    let mut readings = known.iter().rev().flat_map(|assessment| &assessment.readings);
    let sized = |other: &&Reading| {
        other.lesion == reading.lesion
            && (matches!(other.finding, Finding::Measured(_) | Finding::TooSmall) || other.diameter.is_some())
    };
    if let Some(last) = readings.find(sized) {
        reading.diameter = last.diameter;
        reading.finding = match &last.finding {
            Finding::Measured(_) | Finding::TooSmall => last.finding.clone(),
            _ => Finding::Present,
        };
    }
}

/// False for a lesion that is named new and that no assessment of `known` shows with certainty.
fn ever_certain(rules: &TumourRules, known: &[&Assessment], lesion: &Reading) -> bool {
    lesion.role != LesionRole::New
        || lesion.split_from.is_some()
        || known.iter().flat_map(|assessment| &assessment.readings).any(|reading| {
            reading.lesion == lesion.lesion && (reading.role != LesionRole::New || certain(rules, reading))
        })
}

/// A reading that shows its lesion with certainty (Eisenhauer 2009, sections 3.1 and 4.3.5): a node of normal size is none.
fn certain(rules: &TumourRules, reading: &Reading) -> bool {
    match &reading.finding {
        Finding::Equivocal | Finding::NotEvaluable(_) | Finding::Absent => false,
        _ => !normal_node(rules, reading),
    }
}

fn normal_node(rules: &TumourRules, reading: &Reading) -> bool {
    let size = match reading.finding {
        Finding::Measured(mm) => Some(mm),
        Finding::TooSmall => Some(rules.too_small_mm),
        _ => reading.diameter,
    };
    reading.nodal && size.is_some_and(|mm| mm < rules.normal_node_mm)
}

/// A reading taken over from an earlier assessment: as it was where that was of the same day, else not evaluated.
fn carry(reading: &Reading, same_day: bool) -> Reading {
    let mut carried = reading.clone();
    if !same_day && still_there(reading) {
        carried.finding = Finding::NotEvaluable("not read at the new reference".into());
        carried.diameter = None;
    }
    carried
}

/// What is gone, merged or was never certain is not disease to be followed.
fn still_there(reading: &Reading) -> bool {
    match &reading.finding {
        Finding::Absent | Finding::Equivocal | Finding::Merged => false,
        Finding::Measured(mm) => *mm > 0.0,
        _ => true,
    }
}

/// The first progression after `reference`, by RECIST or clinical; RECIST where both fall on one day.
pub fn first_after(rules: &TumourRules, record: &Record, reference: Date) -> Option<Progression> {
    let assessments = of_reader(record, &rules.reader);
    let at = baseline_index(&assessments, reference);
    let by_scan = baseline(rules, record, &assessments, at).and_then(|baseline| {
        let (found, shown) = recist::first_progression(rules, &baseline, &assessments[at + 1..])?;
        Some(by_recist(rules, &found, &shown, baseline.event))
    });
    first_of(record, reference, by_scan)
}

/// The first progression after the salvaged progression `salvaged`, judged against the assessment that showed that one.
///
/// Where all that progresses is new lesions that were equivocal by then already, it dates back to when the first of them was
/// seen (Eisenhauer 2009, section 4.3.5), as it would without the other progression; it may then count from the very day of
/// the salvaged one. Where another lesion progresses with them it is a progression of its own day: that lesion, which was
/// not there yet, may be what fails the strategy.
pub fn further(rules: &TumourRules, record: &Record, salvaged: &Progression) -> Option<Progression> {
    let mut found = first_after(rules, record, salvaged.certain)?;
    let seen: Option<Vec<_>> =
        found.lesions.iter().map(|lesion| perhaps_since(rules, record, lesion, found.certain)).collect();
    let first = seen.and_then(|seen| seen.into_iter().min());
    if let Some((date, event, lesion)) = first.filter(|(date, ..)| *date < found.date) {
        found.reason = format!("{}; new lesion {lesion} was first seen as equivocal on {date}", found.reason);
        found.date = date;
        found.events.push(event);
    }
    Some(found)
}

/// Since when a new lesion, certain on `certain` for the first time, was equivocal and not gone; none where it was not.
fn perhaps_since<'a>(
    rules: &TumourRules,
    record: &Record,
    lesion: &'a LesionId,
    certain_on: Date,
) -> Option<(Date, Seq, &'a LesionId)> {
    let randomised = record.randomised.as_ref()?.value.date;
    let mut since = None;
    for assessment in of_reader(record, &rules.reader) {
        if assessment.date <= randomised || assessment.date >= certain_on {
            continue;
        }
        for reading in assessment.readings.iter().filter(|reading| reading.lesion == *lesion) {
            match reading.finding {
                Finding::NotEvaluable(_) => {}
                _ if reading.role != LesionRole::New || certain(rules, reading) => return None,
                Finding::Equivocal if !normal_node(rules, reading) => {
                    since.get_or_insert((assessment.date, assessment.event, lesion));
                }
                _ => since = None,
            }
        }
    }
    since
}

/// As `first_after`, where the series against `reference` is at hand.
pub fn first_in(
    rules: &TumourRules,
    record: &Record,
    series: Option<&Series>,
    reference: Date,
) -> Option<Progression> {
    let by_scan = series.and_then(|series| {
        let found = series.progression.as_ref()?;
        let shown = series.timepoints.iter().find(|timepoint| timepoint.event == found.event)?;
        Some(by_recist(rules, found, shown, series.baseline.event))
    });
    first_of(record, reference, by_scan)
}

fn first_of(record: &Record, reference: Date, by_scan: Option<Progression>) -> Option<Progression> {
    let by_scan = by_scan.filter(|progression| progression.certain > reference);
    let clinical =
        record.clinical_progressions.iter().find(|fact| fact.value > reference).map(|fact| Progression {
            date: fact.value,
            certain: fact.value,
            known: Known::Clinical,
            kind: Kind::Unplaced,
            lesions: Vec::new(),
            sites: Vec::new(),
            intracranial: false,
            amenable: None,
            reason: "clinical progression, judged by the investigator".into(),
            events: vec![fact.event],
        });
    match (by_scan, clinical) {
        (Some(scan), Some(clinical)) => Some(if clinical.date < scan.date { clinical } else { scan }),
        (scan, clinical) => scan.or(clinical),
    }
}

fn by_recist(rules: &TumourRules, found: &FirstProgression, shown: &Timepoint, baseline: Seq) -> Progression {
    let (kind, intracranial) = kind(rules, shown);
    let progressing = shown.lesions.iter().filter(|lesion| lesion.progressing);
    Progression {
        date: found.date,
        certain: shown.date,
        known: Known::Recist,
        kind,
        lesions: shown.progressing.clone(),
        sites: progressing
            .map(|point| Site { lesion: point.lesion.clone(), parts: point.parts.clone() })
            .collect(),
        intracranial,
        amenable: amenable(shown),
        reason: found.reason.clone(),
        events: vec![baseline, shown.event],
    }
}

/// The kind of progression that the progressing lesions of `shown` make; none where no lesion progresses.
pub fn kind_of(rules: &TumourRules, shown: &Timepoint) -> Option<Kind> {
    Some(kind(rules, shown).0).filter(|kind| *kind != Kind::Unplaced)
}

fn kind(rules: &TumourRules, shown: &Timepoint) -> (Kind, bool) {
    let progressing: Vec<_> = shown.lesions.iter().filter(|lesion| lesion.progressing).collect();
    let intracranial = progressing.iter().any(|lesion| lesion.intracranial);
    let few = progressing.len() <= rules.oligo_max_lesions as usize;
    let kind = match (progressing.is_empty(), few && !intracranial) {
        (true, _) => Kind::Unplaced,
        (false, true) => Kind::Oligo,
        (false, false) => Kind::Poly,
    };
    (kind, intracranial)
}

fn amenable(shown: &Timepoint) -> Option<bool> {
    let judged: Vec<Option<bool>> =
        shown.lesions.iter().filter(|lesion| lesion.progressing).map(|lesion| lesion.amenable).collect();
    if judged.contains(&Some(false)) {
        Some(false)
    } else if judged.is_empty() || judged.contains(&None) {
        None
    } else {
        Some(true)
    }
}
