//! SABR by arm: who had it, how often, and in which schedules.
//!
//! Never judges whether a course was right (see `deviations`). BED and EQD2 are `trial::sabr`'s.

use std::collections::BTreeMap;

use trial::protocol::SabrRules;
use trial::sabr::{bed, eqd2};

use crate::arms::Arms;
use crate::results::SabrRow;
use crate::row::{Subject, SubjectRow};

/// One course: what each of its lesions got, as dose a fraction in Gy and fractions.
#[derive(Clone, Debug)]
pub struct Course(Vec<(f64, u32)>);

/// The courses of one subject that began on or after randomisation.
pub fn of(subject: &Subject<'_>) -> Vec<Course> {
    let Some(start) = subject.start() else { return Vec::new() };
    subject
        .record
        .sabr
        .iter()
        .filter(|course| course.start >= start)
        .map(|course| Course(course.lesions.iter().map(|dose| (dose.fraction_gy, dose.fractions)).collect()))
        .collect()
}

/// One row an arm.
pub fn table(rules: &SabrRules, arms: &Arms, rows: &[SubjectRow]) -> Vec<SabrRow> {
    let split = arms.split(rows);
    split.iter().enumerate().map(|(place, rows)| arm(rules, arms, place, rows)).collect()
}

fn arm(rules: &SabrRules, arms: &Arms, place: usize, rows: &[&SubjectRow]) -> SabrRow {
    let doses: Vec<(f64, u32)> =
        rows.iter().flat_map(|row| &row.sabr).flat_map(|course| course.0.iter().copied()).collect();
    // By the bits of the dose: equal doses are entered equal, and a positive float orders as its bits.
    let mut schedules: BTreeMap<(u64, u32), usize> = BTreeMap::new();
    for (fraction_gy, fractions) in &doses {
        *schedules.entry((fraction_gy.to_bits(), *fractions)).or_default() += 1;
    }
    let mut schedules: Vec<(f64, u32, f64, f64, usize)> = schedules
        .into_iter()
        .map(|((bits, n), lesions)| {
            let d = f64::from_bits(bits);
            let ratio = rules.alpha_beta_tumour;
            (f64::from(n) * d, n, bed(n, d, ratio), eqd2(n, d, ratio), lesions)
        })
        .collect();
    schedules.sort_by(|a, b| b.4.cmp(&a.4).then(a.0.total_cmp(&b.0)).then(a.1.cmp(&b.1)));
    SabrRow {
        arm: arms.id(place).clone(),
        subjects: rows.iter().filter(|row| !row.sabr.is_empty()).count(),
        courses: rows.iter().map(|row| row.sabr.len()).sum(),
        lesions: doses.len(),
        again: rows.iter().filter(|row| row.sabr.len() > 1).count(),
        schedules,
    }
}
