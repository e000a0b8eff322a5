//! SABR: biologically effective dose, and whether a progression's lesions were all treated in time.
//!
//! Linear-quadratic model (Fowler, Br J Radiol 1989;62:679-694). Never decides what coverage means to a strategy.

use jiff::civil::Date;
use serde::Serialize;

use crate::event::Seq;
use crate::id::LesionId;
use crate::protocol::{DoseSchedule, SabrRules};
use crate::record::SabrCourse;

/// BED in Gy: `n d (1 + d / (alpha/beta))`, with `d` in Gy a fraction and `alpha_beta` in Gy.
pub fn bed(fractions: u32, fraction_gy: f64, alpha_beta: f64) -> f64 {
    f64::from(fractions) * fraction_gy * (1.0 + fraction_gy / alpha_beta)
}

/// EQD2 in Gy: `BED / (1 + 2 / (alpha/beta))`.
pub fn eqd2(fractions: u32, fraction_gy: f64, alpha_beta: f64) -> f64 {
    bed(fractions, fraction_gy, alpha_beta) / (1.0 + 2.0 / alpha_beta)
}

/// What a lesion got, in physical and in biologically effective dose, Gy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Dose {
    /// Total physical dose.
    pub total_gy: f64,
    /// BED at the alpha/beta of tumour (BED10 where that is 10 Gy).
    pub bed_tumour: f64,
    /// EQD2 at it.
    pub eqd2_tumour: f64,
    /// BED at the alpha/beta of late-reacting tissue.
    pub bed_late: f64,
    /// EQD2 at it.
    pub eqd2_late: f64,
    /// The alpha/beta of tumour.
    pub alpha_beta_tumour: f64,
    /// The alpha/beta of late-reacting tissue.
    pub alpha_beta_late: f64,
    /// One of the schedules the protocol names; true where it names none.
    pub in_use: bool,
}

/// The dose of `fractions` of `fraction_gy` Gy each, by the protocol's alpha/beta.
pub fn dose(rules: &SabrRules, fraction_gy: f64, fractions: u32) -> Dose {
    let total_gy = f64::from(fractions) * fraction_gy;
    // Typed doses have a few decimals; 3 x 8.1 is 24.3 and not a hair more.
    let is = |schedule: &DoseSchedule| {
        schedule.fractions == fractions && (schedule.total_gy - total_gy).abs() < 1e-6
    };
    Dose {
        total_gy,
        bed_tumour: bed(fractions, fraction_gy, rules.alpha_beta_tumour),
        eqd2_tumour: eqd2(fractions, fraction_gy, rules.alpha_beta_tumour),
        bed_late: bed(fractions, fraction_gy, rules.alpha_beta_late),
        eqd2_late: eqd2(fractions, fraction_gy, rules.alpha_beta_late),
        alpha_beta_tumour: rules.alpha_beta_tumour,
        alpha_beta_late: rules.alpha_beta_late,
        in_use: rules.schedules.is_empty() || rules.schedules.iter().any(is),
    }
}

/// How far courses cover a set of lesions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The day the last needed course was completed; none where nothing was treated.
    pub completed: Option<Date>,
    /// Lesions not treated in time.
    pub missing: Vec<LesionId>,
    /// The events of the courses that count.
    pub events: Vec<Seq>,
}

/// A lesion to be treated: under its own name, or part by part where it split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Site {
    /// The lesion.
    pub lesion: LesionId,
    /// The parts it split into; empty where it did not.
    pub parts: Vec<LesionId>,
}

impl From<&LesionId> for Site {
    fn from(lesion: &LesionId) -> Self {
        Self { lesion: lesion.clone(), parts: Vec::new() }
    }
}

/// Coverage of `lesions` by courses that began on or after `from` and were completed on or before `until`.
///
/// Courses add up: a lesion is covered by the first completed course that gave it a dose. A course still under way covers
/// nothing.
pub fn coverage(courses: &[SabrCourse], lesions: &[LesionId], from: Date, until: Date) -> Coverage {
    let sites: Vec<Site> = lesions.iter().map(Site::from).collect();
    coverage_of(courses, &sites, |start, end| start >= from && end <= until)
}

/// Coverage of `sites` by the completed courses whose first and last day are `in_time`.
pub fn coverage_of(courses: &[SabrCourse], sites: &[Site], in_time: impl Fn(Date, Date) -> bool) -> Coverage {
    let counted: Vec<(&SabrCourse, Date)> = courses
        .iter()
        .filter_map(|course| course.end.map(|end| (course, end)))
        .filter(|(course, end)| course.start <= *end && in_time(course.start, *end))
        .collect();
    let treated = |lesion: &LesionId| {
        counted
            .iter()
            .filter(|(course, _)| {
                course
                    .lesions
                    .iter()
                    .any(|dose| dose.lesion == *lesion && dose.fractions > 0 && dose.fraction_gy > 0.0)
            })
            .min_by_key(|(course, end)| (*end, course.event))
    };
    let mut coverage = Coverage::default();
    for site in sites {
        let whole = treated(&site.lesion).map(|found| vec![found]);
        let by_parts = || {
            let parts: Option<Vec<_>> = site.parts.iter().map(treated).collect();
            parts.filter(|parts| !parts.is_empty())
        };
        match whole.or_else(by_parts) {
            Some(found) => {
                for (course, end) in found {
                    coverage.completed = coverage.completed.max(Some(*end));
                    coverage.events.push(course.event);
                }
            }
            None => coverage.missing.push(site.lesion.clone()),
        }
    }
    coverage.events.sort_unstable();
    coverage.events.dedup();
    coverage
}
