//! SABR: dose against published values, and coverage of lesions by courses.

// A test that cannot be set up has failed.
#![allow(clippy::unwrap_used)]

mod story;

use rstest::rstest;
use story::{day, name_of, record};
use trial::id::LesionId;
use trial::sabr::{Site, bed, coverage, coverage_of, eqd2};

// BED10 of the schedules in common use: 54 Gy in 3 is 151 Gy, 50 in 5 is 100, 48 in 4 is 106, 60 in 8 is 105 (Onishi et al.,
// J Thorac Oncol 2007;2:S94-100, and the reviews after it); 20 in 1 is 60, 24 in 2 is 52.8. EQD2 of 50 in 25 is itself.
#[rstest]
#[case(1, 20.0, 10.0, 60.0, 50.0)]
#[case(2, 12.0, 10.0, 52.8, 44.0)]
#[case(5, 10.0, 10.0, 100.0, 83.333_333)]
#[case(3, 18.0, 10.0, 151.2, 126.0)]
#[case(4, 12.0, 10.0, 105.6, 88.0)]
#[case(8, 7.5, 10.0, 105.0, 87.5)]
#[case(25, 2.0, 10.0, 60.0, 50.0)]
#[case(25, 2.0, 3.0, 83.333_333, 50.0)]
#[case(1, 20.0, 3.0, 153.333_333, 92.0)]
#[case(2, 12.0, 3.0, 120.0, 72.0)]
#[case(5, 10.0, 3.0, 216.666_667, 130.0)]
fn doses(
    #[case] n: u32,
    #[case] d: f64,
    #[case] alpha_beta: f64,
    #[case] want_bed: f64,
    #[case] want_eqd2: f64,
) {
    assert!((bed(n, d, alpha_beta) - want_bed).abs() < 1e-6);
    assert!((eqd2(n, d, alpha_beta) - want_eqd2).abs() < 1e-6);
}

/// `lesions` treated from d84 and by d140: the day of completion, or what is missing.
fn covered(courses: &str, lesions: &str) -> String {
    let record = record("A", courses);
    let lesions: Vec<LesionId> = lesions.split_whitespace().map(LesionId::from).collect();
    let coverage = coverage(&record.sabr, &lesions, day("d84"), day("d140"));
    let done = coverage.completed.map_or("none".to_owned(), name_of);
    let missing: Vec<&str> = coverage.missing.iter().map(LesionId::as_str).collect();
    format!("{done} missing[{}] {} course(s)", missing.join(" "), coverage.events.len())
}

#[rstest]
#[case("sabr d90-d95 T1 12x2", "T1", "d95 missing[] 1 course(s)")]
#[case("sabr d84-d140 T1 12x2", "T1", "d140 missing[] 1 course(s)")] // both ends count
#[case("sabr d83-d95 T1 12x2", "T1", "none missing[T1] 0 course(s)")] // began before the progression
#[case("sabr d90-d141 T1 12x2", "T1", "none missing[T1] 0 course(s)")]
#[case("sabr d90- T1 12x2", "T1", "none missing[T1] 0 course(s)")] // under way
#[case("sabr d90-d95 T1 12x2", "T1 T2", "d95 missing[T2] 1 course(s)")] // part of the lesions
#[case("sabr d90-d95 T1 12x2\nsabr d100-d104 T2 10x5", "T1 T2", "d104 missing[] 2 course(s)")] // courses add up
#[case("sabr d90-d95 T1 12x2\nsabr d120-d125 T1 12x2", "T1", "d95 missing[] 1 course(s)")] // the first is enough
#[case("sabr d90-d95 T1 0x0", "T1", "none missing[T1] 0 course(s)")] // nothing was given
#[case("sabr d90-d95 T9 12x2", "T1", "none missing[T1] 0 course(s)")]
#[case("", "T1", "none missing[T1] 0 course(s)")]
#[case("sabr d90-d95 T1 12x2", "", "none missing[] 0 course(s)")]
fn covers(#[case] courses: &str, #[case] lesions: &str, #[case] want: &str) {
    assert_eq!(covered(courses, lesions), want);
}

#[rstest]
#[case("sabr d90-d95 T1 12x2", Some("d95"))] // under its own name
#[case("sabr d90-d95 T1a 12x2 T1b 12x2", Some("d95"))]
#[case("sabr d90-d95 T1a 12x2\nsabr d100-d101 T1b 12x2", Some("d101"))]
#[case("sabr d90-d95 T1a 12x2", None)]
fn a_lesion_that_split_is_covered_part_by_part(#[case] courses: &str, #[case] done: Option<&str>) {
    let record = record("A", courses);
    let site = Site { lesion: "T1".into(), parts: vec!["T1a".into(), "T1b".into()] };
    let coverage = coverage_of(&record.sabr, &[site], |_, _| true);
    assert_eq!(coverage.completed.map(name_of).as_deref(), done);
    assert_eq!(coverage.missing.is_empty(), done.is_some());
}
