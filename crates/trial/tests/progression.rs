//! Progressions: how each is known, of which kind, and against which reference.

// A test that cannot be set up has failed.
#![allow(clippy::unwrap_used)]

mod story;

use rstest::rstest;
use story::{day, name_of, record};
use trial::id::LesionId;
use trial::progression::{Kind, Known, first_after, series};
use trial::protocol::TumourRules;

#[rstest]
// trial.md, 'Facts': OPD is 1 to 5 progressing extracranial lesions, all amenable to SABR.
#[case("d0 T1 30\nd84 T1 40+", "d84 recist oligo [T1] amenable=Some(true)")]
#[case("d0 T1 30 T2 20\nd84 T1 40+ T2 26", "d84 recist oligo [T1 T2] amenable=None")] // nobody said so of T2
#[case("d0 T1 30 T2 20\nd84 T1 40+ T2 26-", "d84 recist oligo [T1 T2] amenable=Some(false)")]
#[case("d0 T1 30 T2 20-\nd84 T1 40+ T2 20", "d84 recist oligo [T1] amenable=Some(true)")] // T2 does not progress
#[case(
    "d0 T1 30\nd84 T1 30 N1 new N2 new N3 new N4 new N5 new",
    "d84 recist oligo [N1 N2 N3 N4 N5] amenable=None"
)]
#[case(
    "d0 T1 30\nd84 T1 40 N1 new N2 new N3 new N4 new N5 new",
    "d84 recist poly [T1 N1 N2 N3 N4 N5] amenable=None"
)]
#[case("d0 T1 30\nd84 T1 30 NB1 new+", "d84 recist poly [NB1] amenable=Some(true)")] // inside the skull
#[case("d0 T1 20 T2 21 T3 20\nd84 T1 24 T2 25 T3 24.5", "d84 recist unplaced [] amenable=None")] // the sum alone
// A measured non-target that grew counts among the lesions, once RECIST says PD.
#[case("d0 T1 30 NT1 present:20\nd84 T1 40 NT1 present:30", "d84 recist oligo [T1 NT1] amenable=None")]
// rules.md, PFS: 'first PD (RECIST or clinical)'; of one day RECIST is told, since it names lesions.
#[case("d0 T1 30\nclinical d70\nd84 T1 40", "d70 clinical unplaced [] amenable=None")]
#[case("d0 T1 30\nclinical d84\nd84 T1 40", "d84 recist oligo [T1] amenable=None")]
#[case("d0 T1 30\nclinical d90\nd84 T1 40", "d84 recist oligo [T1] amenable=None")]
// A confirmed equivocal lesion dates back: before the clinic saw anything.
#[case(
    "d0 T1 30\nd84 T1 30 N1 equivocal\nclinical d100\nd168 T1 30 N1 new",
    "d84 recist oligo [N1] amenable=None"
)]
// On or before the reference nothing counts.
#[case("d-7 T1 30\nclinical d0\nd84 T1 30", "none")]
// rules.md: the protocol names whose assessments the endpoints are judged on.
#[case("d0 T1 30\nd0 reader:OTHER T1 30\nd84 reader:OTHER T1 60\nd84 T1 30", "none")]
// The baseline is the last assessment on or before randomisation, or the first after it where there is none.
#[case("d-90 T1 20\nd-7 T1 30\nd84 T1 35", "none")]
#[case("d3 T1 30\nd84 T1 40", "d84 recist oligo [T1] amenable=None")]
fn first_progression(#[case] lines: &str, #[case] want: &str) {
    let record = record("A", lines);
    let found = first_after(&TumourRules::default(), &record, story::START);
    let told = found.map_or("none".to_owned(), |found| {
        let known = if found.known == Known::Recist { "recist" } else { "clinical" };
        let kind = match found.kind {
            Kind::Oligo => "oligo",
            Kind::Poly => "poly",
            Kind::Unplaced => "unplaced",
        };
        let lesions: Vec<&str> = found.lesions.iter().map(LesionId::as_str).collect();
        format!(
            "{} {known} {kind} [{}] amenable={:?}",
            name_of(found.date),
            lesions.join(" "),
            found.amenable
        )
    });
    assert_eq!(told, want);
}

// A progression after a new start is judged against the last assessment before it.
#[rstest]
#[case("d90", "d0 T1 30\nd84 T1 40\nd168 T1 47", None)]
#[case("d90", "d0 T1 30\nd84 T1 40\nd168 T1 48", Some("d168"))]
#[case("d90", "d0 T1 30\nd84 T1 40\nclinical d84\nclinical d95\nd168 T1 48", Some("d95"))]
// What was known before the new start and not read at it is followed, and is not new when it is read again.
#[case("d90", "d0 T1 30\nd42 T1 30 N1 new\nd84 T1 30\nd168 T1 30 N1 new", None)]
#[case("d90", "d0 T1 30\nd42 T1 30 N1 new\nd84 T1 30 N1 gone\nd168 T1 30 N2 new", Some("d168"))]
// rules.md, lesion level: growth is over the lesion's own nadir; of one not read at the new start that is its last size known.
#[case("d90", "d0 T1 30 T2 12\nd84 T1 40 T2 ne\nd168 T1 40 T2 51", Some("d168"))]
#[case("d90", "d0 T1 30 T2 12\nd84 T1 40\nd168 T1 40 T2 51", Some("d168"))]
#[case("d90", "d0 T1 30 T2 12\nd84 T1 40 T2 ne\nd168 T1 40 T2 16", None)]
#[case("d90", "d0 T1 30\nd42 T1 30 N1 new:12\nd84 T1 30 N1 ne\nd168 T1 30 N1 new:20", Some("d168"))]
// rules.md: a new lesion must be unequivocal; one that never was by the new start is none of it, and new when it is.
#[case("d90", "d0 T1 30\nd42 T1 30 N1 equivocal\nd84 T1 30 N1 ne\nd168 T1 30 N1 new", Some("d168"))]
#[case("d90", "d0 T1 30\nd84 T1 30 NL1 new:8\nd168 T1 30 NL1 present:11", Some("d168"))]
#[case("d90", "d0 T1 30\nd42 T1 30 NL1 new:12\nd84 T1 30 NL1 present:8\nd168 T1 30 NL1 present:11", None)]
// Two assessments of one day are one reference.
#[case("d90", "d0 T1 30 T2 30\nd84 T1 30\nd84 T2 30\nd168 T1 30 T2 50", Some("d168"))]
fn after_a_new_start(#[case] reference: &str, #[case] lines: &str, #[case] want: Option<&str>) {
    let found = first_after(&TumourRules::default(), &record("A", lines), day(reference));
    assert_eq!(found.map(|found| name_of(found.date)).as_deref(), want);
}

#[test]
fn nothing_assessed_is_no_series() {
    assert!(series(&TumourRules::default(), &record("A", ""), "INVESTIGATOR", story::START).is_none());
}
