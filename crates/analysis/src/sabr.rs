//! SABR by arm: who had it, how often, and in which schedules.
//!
//! Never judges whether a course was right (see `deviations`). BED and EQD2 are `trial::sabr`'s.

use std::collections::BTreeMap;

use jiff::civil::Date;

use trial::event::Seq;
use trial::protocol::SabrRules;
use trial::record::LesionDose;
use trial::sabr::{bed, eqd2};

use crate::arms::Arms;
use crate::results::{Counted, SabrRow, ScheduleRow};
use crate::row::{Subject, SubjectRow};

/// One course: what each of its lesions got.
#[derive(Clone, Debug)]
pub struct Course {
    event: Seq,
    start: Date,
    lesions: Vec<LesionDose>,
}

/// The courses of one subject that began on or after randomisation.
pub fn of(subject: &Subject<'_>) -> Vec<Course> {
    let Some(start) = subject.start() else { return Vec::new() };
    let courses = subject.record.sabr.iter().filter(|course| course.start >= start);
    courses
        .map(|course| Course { event: course.event, start: course.start, lesions: course.lesions.clone() })
        .collect()
}

/// One row an arm.
pub fn table(rules: &SabrRules, arms: &Arms, rows: &[SubjectRow]) -> Vec<SabrRow> {
    let split = arms.split(rows);
    split.iter().enumerate().map(|(place, rows)| arm(rules, arms, place, rows)).collect()
}

fn arm(rules: &SabrRules, arms: &Arms, place: usize, rows: &[&SubjectRow]) -> SabrRow {
    let [mut subjects, mut courses, mut again]: [Counted; 3] = Default::default();
    // By the bits of the dose: equal doses are entered equal, and a positive float orders as its bits.
    let mut schedules: BTreeMap<(u64, u32), Counted> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.sabr.is_empty()) {
        let events = || row.sabr.iter().map(|course| course.event);
        subjects.add(row, events());
        if row.sabr.len() > 1 {
            again.add(row, events());
        }
        for course in &row.sabr {
            let lesions: Vec<&str> = course.lesions.iter().map(|dose| dose.lesion.as_str()).collect();
            courses.add_as(row, || format!("{}, {}", course.start, lesions.join(", ")), course.event);
            for dose in &course.lesions {
                let schedule = schedules.entry((dose.fraction_gy.to_bits(), dose.fractions)).or_default();
                schedule.add_as(row, || format!("{}, {}", course.start, dose.lesion), course.event);
            }
        }
    }
    let lesions = schedules.values().map(|schedule| schedule.n).sum();
    let mut schedules: Vec<ScheduleRow> = schedules
        .into_iter()
        .map(|((bits, n), lesions)| {
            let d = f64::from_bits(bits);
            let ratio = rules.alpha_beta_tumour;
            ScheduleRow {
                dose_gy: f64::from(n) * d,
                fractions: n,
                bed_gy: bed(n, d, ratio),
                eqd2_gy: eqd2(n, d, ratio),
                lesions,
            }
        })
        .collect();
    schedules.sort_by(|a, b| {
        b.lesions
            .n
            .cmp(&a.lesions.n)
            .then(a.dose_gy.total_cmp(&b.dose_gy))
            .then(a.fractions.cmp(&b.fractions))
    });
    SabrRow { arm: arms.id(place).clone(), subjects, courses, lesions, again, schedules }
}

impl Counted {
    /// Counts one course or lesion of `row`.
    fn add_as(&mut self, row: &SubjectRow, words: impl Fn() -> String, event: Seq) {
        self.n += 1;
        if row.detail.traces {
            self.who.extend(row.who(None, words(), [event]));
        }
    }
}
