//! What the figures with one mark a subject show: swimmer, waterfall and spider.
//!
//! Never draws. Days and months count from randomisation, the day itself being 0.

use jiff::civil::Date;

use trial::date::{days_between, plus_days};
use trial::endpoint::next_line;
use trial::progression;
use trial::record::{LineReason, TherapyLine};
use trial::strategy::{Failure, Status, Verdict};

use crate::arms::Arms;
use crate::response;
use crate::results::{Change, Lane, LineBar, Mark, MarkKind, Trajectory};
use crate::row::{Subject, SubjectRow, months};

/// The lane of one subject; none where it was not randomised.
pub fn lane(subject: &Subject<'_>) -> Option<Lane> {
    let allocation = &subject.randomised?.value;
    let start = allocation.date;
    let record = subject.record;
    let until = subject.last_seen.unwrap_or(start).max(start);
    let mut marks = treatments(subject, start);
    marks.extend(progressions(subject, start));
    marks.extend(ends(subject, start));
    marks.sort_by_key(|mark| (mark.day, mark.kind));
    Some(Lane {
        subject: record.subject.clone(),
        arm: allocation.arm.clone(),
        until: days_between(start, until),
        ongoing: record.death.is_none() && record.withdrawal.is_none(),
        marks,
        lines: lines(&record.lines, start),
    })
}

fn mark(start: Date, day: Date, kind: MarkKind, words: String, events: &[u64]) -> Mark {
    Mark { day: days_between(start, day), kind, words, events: events.to_vec() }
}

fn treatments(subject: &Subject<'_>, start: Date) -> Vec<Mark> {
    let courses = subject.record.sabr.iter().filter(|course| course.start >= start);
    courses
        .map(|course| {
            let lesions: Vec<&str> = course.lesions.iter().map(|dose| dose.lesion.as_str()).collect();
            let words = format!("SABR to {}", lesions.join(", "));
            mark(start, course.start, MarkKind::Sabr, words, &[course.event])
        })
        .collect()
}

fn progressions(subject: &Subject<'_>, start: Date) -> Vec<Mark> {
    let derived = subject.derived;
    let mut marks = Vec::new();
    if let Some(course) = &derived.strategy {
        for episode in &course.episodes {
            let kind = match episode.verdict {
                Verdict::Held => MarkKind::ProgressionHeld,
                Verdict::Failed => MarkKind::StrategyFailure,
                Verdict::Pending => MarkKind::Pending,
            };
            marks.push(mark(start, episode.progression.date, kind, episode.why.clone(), &episode.events));
        }
        if let Status::Failed { on, cause: Failure::SystemicChange } = course.status {
            marks.push(mark(start, on, MarkKind::StrategyFailure, course.why.clone(), &course.events));
        }
    } else if let Some(first) = &derived.first_progression {
        marks.push(mark(start, first.date, MarkKind::Progression, first.reason.clone(), &first.events));
    }
    if let Some((line, began)) = next_line(subject.record, start)
        && let Some(found) = progression::first_after(&subject.protocol.tumour, subject.record, began)
    {
        let words = format!("on {}: {}", line.treatment, found.reason);
        marks.push(mark(start, found.date, MarkKind::NextLineProgression, words, &found.events));
    }
    marks
}

fn ends(subject: &Subject<'_>, start: Date) -> Vec<Mark> {
    let record = subject.record;
    let mut marks = Vec::new();
    if let Some(withdrawal) = &record.withdrawal {
        let words = withdrawal.reason.clone();
        marks.push(mark(start, withdrawal.date, MarkKind::Withdrawal, words, &[withdrawal.event]));
    }
    if let (Some(death), Some(on)) = (&record.death, subject.derived.death) {
        let words = death.cause.clone().unwrap_or_default();
        marks.push(mark(start, on.date, MarkKind::Death, words, &[death.event]));
    }
    marks
}

/// Bars of the lines that were given after `start`, in order; a switch for toxicity does not count as a new line.
fn lines(lines: &[TherapyLine], start: Date) -> Vec<LineBar> {
    let mut number = 0;
    let mut bars = Vec::new();
    for line in lines.iter().filter(|line| line.end.is_none_or(|end| end.last() >= start)) {
        let from = line.start.impute_onset(Some(start)).date;
        if matches!(line.reason, LineReason::Progression | LineReason::Other) && from >= start {
            number += 1;
        }
        bars.push(LineBar {
            from: days_between(start, from).max(0),
            to: line.end.map(|end| days_between(start, end.impute_end(None).date)),
            treatment: line.treatment.clone(),
            number,
            event: line.event,
        });
    }
    bars
}

/// The best change of the sum: the smallest over the assessments up to the first progression and before the next line of
/// therapy; none without a complete sum at baseline and after it.
pub fn change(subject: &Subject<'_>) -> Option<Change> {
    let allocation = &subject.randomised?.value;
    let series = subject.derived.series.as_ref()?;
    let next = next_line(subject.record, allocation.date).map(|(_, began)| began);
    let last =
        [subject.derived.first_progression.as_ref().map(|p| p.certain), next.map(|on| plus_days(on, -1))]
            .into_iter()
            .flatten()
            .min();
    let (least, event) = series
        .timepoints
        .iter()
        .filter(|t| t.date > allocation.date && last.is_none_or(|last| t.date <= last))
        .filter_map(|t| t.change.filter(|change| change.is_finite()).map(|change| (change, t.event)))
        .min_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(Change {
        subject: subject.record.subject.clone(),
        arm: allocation.arm.clone(),
        change: least,
        best: response::best(subject, series)?.response,
        events: vec![series.baseline.event, event],
    })
}

/// The sums of one subject, the baseline standing at month 0; none without two of them.
pub fn trajectory(subject: &Subject<'_>) -> Option<Trajectory> {
    let allocation = &subject.randomised?.value;
    let start = allocation.date;
    let series = subject.derived.series.as_ref()?;
    let baseline = series.baseline.sum_mm.filter(|sum| *sum > 0.0)?;
    let mut points = vec![(0.0, 0.0, baseline, series.baseline.event)];
    points.extend(series.timepoints.iter().filter_map(|t| {
        let (change, sum) = (t.change.filter(|change| change.is_finite())?, t.sum_mm?);
        Some((months(start, t.date), change, sum, t.event))
    }));
    let courses = subject.record.sabr.iter().filter(|course| course.start >= start);
    (points.len() > 1).then(|| Trajectory {
        subject: subject.record.subject.clone(),
        arm: allocation.arm.clone(),
        points,
        treated: courses
            .flat_map(|course| {
                course.lesions.iter().map(move |dose| (dose.lesion.clone(), months(start, course.start)))
            })
            .collect(),
    })
}

/// The lanes, by arm and then the longest first.
pub fn swimmer(arms: &Arms, rows: &mut [SubjectRow]) -> Vec<Lane> {
    let mut lanes: Vec<(usize, Lane)> =
        rows.iter_mut().filter_map(|row| arms.place(row).zip(row.lane.take())).collect();
    // Stable: equals stay in the order of their subjects.
    lanes.sort_by_key(|(arm, lane)| (*arm, std::cmp::Reverse(lane.until)));
    lanes.into_iter().map(|(_, lane)| lane).collect()
}

/// The best changes, worst first.
pub fn waterfall(rows: &mut [SubjectRow]) -> Vec<Change> {
    let mut changes: Vec<Change> = rows.iter_mut().filter_map(|row| row.change.take()).collect();
    changes.sort_by(|a, b| b.change.total_cmp(&a.change));
    changes
}
