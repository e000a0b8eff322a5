//! How questionnaires are missing: subjects by pattern, weeks by what became of them.
//!
//! Never a reason that nobody recorded. Fairclough, Design and Analysis of Quality of Life Studies, 2nd ed., section 5.

use jiff::civil::Date;

use trial::date::plus_days;

use super::is_expected;
use crate::arms::Arms;
use crate::results::{MissingPattern, MissingWeek};
use crate::row::SubjectRow;

/// One pattern an arm. `windows`: each planned week with the day its window closes.
pub fn patterns(
    arms: &Arms,
    rows: &[SubjectRow],
    windows: &[(u32, i64)],
    until: Option<Date>,
) -> Vec<MissingPattern> {
    let of_arm = |(place, rows): (usize, &Vec<&SubjectRow>)| {
        let [complete, monotone, intermittent, never] = Default::default();
        let arm = arms.id(place).clone();
        let mut pattern = MissingPattern { arm, complete, monotone, intermittent, never };
        for row in rows {
            let due: Vec<u32> = windows
                .iter()
                .filter(|(week, closes)| is_expected(row, *week, *closes, until))
                .map(|w| w.0)
                .collect();
            if due.is_empty() {
                continue;
            }
            let first_missing = due.iter().find(|week| !scored(row, **week));
            let last_scored = due.iter().rev().find(|week| scored(row, **week));
            let counted = match (first_missing, last_scored) {
                (None, _) => &mut pattern.complete,
                (Some(_), None) => &mut pattern.never,
                (Some(missing), Some(last)) if last > missing => &mut pattern.intermittent,
                (Some(_), Some(_)) => &mut pattern.monotone,
            };
            let events =
                row.quality.iter().flat_map(|quality| quality.answered.iter().map(|(_, event)| *event));
            counted.add(row, events.chain(row.allocated));
        }
        pattern
    };
    arms.split(rows).iter().enumerate().map(of_arm).collect()
}

/// One row an arm and week.
pub fn weeks(
    arms: &Arms,
    rows: &[SubjectRow],
    windows: &[(u32, i64)],
    until: Option<Date>,
) -> Vec<MissingWeek> {
    let mut out = Vec::new();
    for (place, rows) in arms.split(rows).iter().enumerate() {
        for (week, closes) in windows {
            let (arm, week) = (arms.id(place).clone(), *week);
            let (scored, intermittent, monotone, died, withdrawn, not_yet) = Default::default();
            let mut counts =
                MissingWeek { arm, week, scored, intermittent, monotone, died, withdrawn, not_yet };
            for row in rows {
                *counted(&mut counts, row, windows, (week, *closes), until) += 1;
            }
            out.push(counts);
        }
    }
    out
}

fn counted<'a>(
    counts: &'a mut MissingWeek,
    row: &SubjectRow,
    windows: &[(u32, i64)],
    (week, closes): (u32, i64),
    until: Option<Date>,
) -> &'a mut usize {
    if scored(row, week) {
        return &mut counts.scored;
    }
    if is_expected(row, week, closes, until) {
        let later = windows.iter().any(|(other, _)| *other > week && scored(row, *other));
        return if later { &mut counts.intermittent } else { &mut counts.monotone };
    }
    let day = row.allocation.as_ref().map(|allocation| plus_days(allocation.date, 7 * i64::from(week)));
    let by_then = |on: Option<Date>| on.zip(day).is_some_and(|(on, day)| on <= day);
    if by_then(row.death) {
        &mut counts.died
    } else if by_then(row.withdrawal.as_ref().map(|withdrawal| withdrawal.date)) {
        &mut counts.withdrawn
    } else {
        &mut counts.not_yet
    }
}

fn scored(row: &SubjectRow, week: u32) -> bool {
    row.quality.as_ref().is_some_and(|quality| quality.by_week.contains_key(&week))
}
