//! How questionnaires are missing: subjects by pattern, weeks by what became of them.
//!
//! Never a reason that nobody recorded. Fairclough, Design and Analysis of Quality of Life Studies, 2nd ed., section 5.

use jiff::civil::Date;

use trial::date::plus_days;
use trial::event::Seq;

use super::is_expected;
use crate::arms::Arms;
use crate::results::{Counted, MissingPattern, MissingWeek};
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
                let (counted, events) = counted(&mut counts, row, windows, (week, *closes), until);
                counted.add(row, events);
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
) -> (&'a mut Counted, Option<Seq>) {
    if let Some((_, event)) = row.quality.as_ref().and_then(|quality| quality.by_week.get(&week)) {
        return (&mut counts.scored, Some(*event));
    }
    if is_expected(row, week, closes, until) {
        let later = windows.iter().any(|(other, _)| *other > week && scored(row, *other));
        let counted = if later { &mut counts.intermittent } else { &mut counts.monotone };
        return (counted, row.allocated);
    }
    let day = row.allocation.as_ref().map(|allocation| plus_days(allocation.date, 7 * i64::from(week)));
    let by_then = |on: Option<Date>| on.zip(day).is_some_and(|(on, day)| on <= day);
    if by_then(row.death) {
        return (&mut counts.died, row.died);
    }
    match row.withdrawal.as_ref().filter(|withdrawal| by_then(Some(withdrawal.date))) {
        Some(withdrawal) => (&mut counts.withdrawn, Some(withdrawal.event)),
        None => (&mut counts.not_yet, row.allocated),
    }
}

fn scored(row: &SubjectRow, week: u32) -> bool {
    row.quality.as_ref().is_some_and(|quality| quality.by_week.contains_key(&week))
}
