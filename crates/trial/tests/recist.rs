//! RECIST 1.1 (Eisenhauer et al., Eur J Cancer 2009;45:228-247), case by case. Sections and tables are those of the paper.

// A test that cannot be set up has failed.
#![allow(clippy::unwrap_used)]

mod story;

use proptest::prelude::*;
use rstest::rstest;
use story::{assessment, day, name_of};
use trial::id::LesionId;
use trial::protocol::TumourRules;
use trial::recist::{self, NonTargetResponse, OverallResponse, Series, TargetResponse};
use trial::record::{Assessment, Finding, LesionRole, Reading};

/// The series that `lines` tell, the first being the baseline.
fn series(rules: &TumourRules, lines: &str) -> Series {
    let told: Vec<Assessment> = lines
        .split('/')
        .map(str::trim)
        .enumerate()
        .map(|(number, line)| assessment(number as u64, line))
        .collect();
    let follow: Vec<&Assessment> = told[1..].iter().collect();
    recist::evaluate(rules, &told[0], &follow)
}

fn judged(lines: &str) -> Series {
    series(&TumourRules::default(), lines)
}

/// Target, non-target, new and overall response of the last assessment.
fn last(series: &Series) -> String {
    let t = series.timepoints.last().unwrap();
    let or_none = |response: Option<&'static str>| response.unwrap_or("-");
    let target = or_none(t.target.map(TargetResponse::as_str));
    let non_target = or_none(t.non_target.map(NonTargetResponse::as_str));
    format!("{target} {non_target} {} {}", t.new_lesion, t.overall)
}

#[rstest]
// 4.3.1, PD: at least 20 % and at least 5 mm over the smallest sum on study.
#[case("d0 T1 50 / d84 T1 60", "PD - N PD")]
#[case("d0 T1 50 / d84 T1 59.9", "SD - N SD")]
#[case("d0 T1 20 / d84 T1 24.9", "SD - N SD")] // 24.5 %, but less than 5 mm
#[case("d0 T1 20 / d84 T1 25", "PD - N PD")]
#[case("d0 T1 100 / d84 T1 60 / d168 T1 72", "PD - N PD")] // over the nadir, though below the baseline
#[case("d0 T1 100 / d84 T1 120", "PD - N PD")] // the baseline is the nadir where it is the smallest
#[case("d0 T1 10.1 T2 10.2 T3 10.3 / d84 T1 12.1 T2 12.2 T3 12.42", "PD - N PD")] // 36.72 is exactly 1.2 x 30.6
#[case("d0 T1 10.1 T2 10.2 T3 10.3 / d84 T1 12.1 T2 12.2 T3 12.41", "SD - N SD")]
// ... and from a nadir of 0 too, where 20 % of it is nothing and 5 mm decide.
#[case("d0 T1 20 NT1 present / d84 T1 0 NT1 present / d168 T1 5 NT1 present", "PD NON-CR/NON-PD N PD")]
#[case("d0 T1 20 NT1 present / d84 T1 0 NT1 present / d168 T1 4.9 NT1 present", "PR NON-CR/NON-PD N PR")]
// 4.3.1, PR: at least 30 % below the baseline sum, whatever the nadir.
#[case("d0 T1 100 / d84 T1 70", "PR - N PR")]
#[case("d0 T1 100 / d84 T1 70.1", "SD - N SD")]
#[case("d0 T1 21 / d84 T1 14.7", "PR - N PR")] // 0.7 x 21 in binary is a little less than 14.7
#[case("d0 T1 165 / d56 T1 63 / d112 T1 65", "PR - N PR")]
// EORTC questions and clarifications: a continued PR
// 4.3.1, CR: every target gone, every node below 10 mm in short axis; a node's axis stays in the sum.
#[case("d0 T1 20 / d84 T1 0", "CR - N CR")]
#[case("d0 T1 20 TL1 18 / d84 T1 0 TL1 9.9", "CR - N CR")]
#[case("d0 T1 20 TL1 18 / d84 T1 0 TL1 10", "PR - N PR")]
#[case("d0 TL1 15 / d84 TL1 9", "CR - N CR")]
#[case("d0 T1 20 / d84 T1 gone", "CR - N CR")]
// 4.3.2, too small to measure: 5 mm.
#[case("d0 T1 20 / d84 T1 small", "PR - N PR")]
#[case("d0 T1 20 TL1 15 / d84 T1 0 TL1 small", "CR - N CR")]
// 4.3.2, lesions that split are added; lesions that merge are one.
#[case("d0 T1 30 / d84 T1a 20<T1 T1b 16<T1", "PD - N PD")] // 36 mm
#[case("d0 T1 30 / d84 T1 20 T1b 15<T1", "SD - N SD")] // a part may keep the name: 35 mm
#[case("d0 T1 30 / d84 T1a 15<T1 T1b 10<T1 / d168 T1a 15 T1b ne", "NE - N NE")] // both parts are followed
#[case("d0 T1 30 / d84 T1a 15<T1 T1b 10<T1 / d168 T1a 15", "NE - N NE")]
#[case("d0 T1 20 T2 20 / d84 T1 45 T2 merged>T1", "SD - N SD")] // 45 over 40
#[case("d0 T1 20 T2 20 / d84 T1 48 T2 merged>T1", "PD - N PD")]
#[case("d0 T1 20 T2 20 / d84 T1 30 T2 merged>T1 / d168 T1 30", "SD - N SD")] // it stays merged unsaid
#[case("d0 T1 20 T2 20 / d84 T1 ne T2 merged>T1", "NE - N NE")]
#[case("d0 T1 20 T2 20 / d84 T1 25 T2 merged>T9", "NE - N NE")] // into what is not known
#[case("d0 T1 20 T2 20 / d84 T1 merged>T2 T2 merged>T1", "NE - N NE")]
#[case("d0 T1 20 T2 20 / d84 T1 merged>N1 T2 merged>N1 N1 present:41", "SD - N SD")]
// one under a new name: not new
// 4.4.2, a target that was not evaluated: NE, unless what was measured already meets PD.
#[case("d0 T1 30 T2 20 / d84 T1 30 T2 ne", "NE - N NE")]
#[case("d0 T1 30 T2 20 / d84 T1 30", "NE - N NE")] // no row is no evaluation
#[case("d0 T1 30 T2 20 / d84 T1 60 T2 ne", "PD - N PD")]
#[case("d0 T1 30 T2 20 / d84 T1 59 T2 ne", "NE - N NE")]
#[case("d0 T1 30 T2 20 / d84 T1 ne T2 ne", "NE - N NE")]
#[case("d0 T1 30 T2 20 / d84 T1 0 T2 ne", "NE - N NE")]
// The nadir is of complete sums only: 10 mm of T1 alone is none.
#[case("d0 T1 30 T2 30 / d84 T1 10 T2 ne / d168 T1 30 T2 30", "SD - N SD")]
#[case("d0 T1 30 T2 ne / d84 T1 30 T2 20", "NE - N NE")] // nothing complete to compare with
#[case("d0 T1 30 T2 ne / d84 T1 30 T2 20 / d168 T1 40 T2 20", "PD - N PD")]
#[case("d0 T1 30 T2 ne / d84 T1 30 T2 20 / d168 T1 10 T2 10", "SD - N SD")] // PR needs a baseline
// 4.3.3, non-targets.
#[case("d0 T1 30 NT1 present NT2 present / d84 T1 30 NT1 gone NT2 gone", "SD CR N SD")]
#[case("d0 T1 30 NT1 present NT2 present / d84 T1 0 NT1 gone NT2 present", "CR NON-CR/NON-PD N PR")]
#[case("d0 T1 30 NT1 present NT2 present / d84 T1 0 NT1 gone NT2 ne", "CR NE N PR")]
#[case("d0 T1 30 NT1 present NT2 present / d84 T1 0 NT1 worse NT2 ne", "CR PD N PD")]
#[case("d0 T1 30 NT1 present / d84 T1 10", "PR NE N PR")]
#[case("d0 T1 30 NTL1 present:12 / d84 T1 0 NTL1 present:9", "CR CR N CR")] // a node below 10 mm is normal
#[case("d0 T1 30 NTL1 present:12 / d84 T1 0 NTL1 present:10", "CR NON-CR/NON-PD N PR")]
#[case("d0 T1 30 NT1 present:12 / d84 T1 30 NT1 present:40", "SD NON-CR/NON-PD N SD")] // unequivocal is a judgement
#[case("d0 T1 30 NT1 worse / d84 T1 30 NT1 worse", "SD NON-CR/NON-PD N SD")] // it was so at baseline
#[case("d0 T1 30 NT1 worse / d84 T1 30 NT1 present / d168 T1 30 NT1 worse", "SD PD N PD")]
// 4.3.5, new lesions.
#[case("d0 T1 30 / d84 T1 10 N1 new", "PR - UNEQUIVOCAL PD")]
#[case("d0 T1 30 / d84 T1 10 N1 present", "PR - UNEQUIVOCAL PD")]
#[case("d0 T1 30 / d84 T1 10 N1 equivocal", "PR - EQUIVOCAL PR")]
#[case("d0 T1 30 / d84 T1 10 N1 equivocal / d168 T1 10 N1 gone", "PR - N PR")]
#[case("d0 T1 30 / d84 T1 10 NL1 new:9", "PR - N PR")] // 3.1: a node below 10 mm is normal
#[case("d0 T1 30 / d84 T1 10 NL1 new:10", "PR - UNEQUIVOCAL PD")]
#[case("d0 T1 30 / d84 T1 10 N1 gone", "PR - N PR")]
#[case("d0 T1 30 N1 present / d84 T1 30 N1 present", "SD NON-CR/NON-PD N SD")]
// new before this baseline: old now
// Section 4.3.3: unequivocal progression of a non-target. A lesion that was new before this baseline is called unequivocal
// while it is there; its own measured growth is what makes it worse (rules.md, 'Lesion level').
#[case("d0 T1 30 N1 new:9 / d84 T1 30 N1 new:13", "SD NON-CR/NON-PD N SD")]
#[case("d0 T1 30 N1 new:9 / d84 T1 30 N1 new:14", "SD PD N PD")]
#[case("d0 T1 30 N1 new:40 / d84 T1 30 N1 new:46", "SD NON-CR/NON-PD N SD")] // 15 %
#[case("d0 T1 30 N1 new / d84 T1 30 N1 present / d168 T1 30 N1 new", "SD NON-CR/NON-PD N SD")]
#[case("d0 T1 30 N1 equivocal / d84 T1 30 N1 new", "SD - UNEQUIVOCAL PD")]
#[case("d0 T1 30 / d84 T1 30 T2 40", "SD - N SD")]
// not of the baseline, not named new: counted in nothing
// Appendix III and EORTC: a lesion that comes back after a complete response is progression, at any size.
#[case("d0 T1 20 / d84 T1 0 / d168 T1 3", "PD - N PD")]
#[case("d0 T1 20 T2 20 / d84 T1 0 T2 0 / d168 T1 3 T2 ne", "PD - N PD")]
#[case("d0 T1 20 NT1 present / d84 T1 0 NT1 gone / d168 T1 0 NT1 present", "CR NON-CR/NON-PD N PD")]
#[case("d0 TL1 20 / d84 TL1 9 / d168 TL1 9.5", "CR - N CR")]
#[case("d0 TL1 20 / d84 TL1 9 / d168 TL1 10", "PD - N PD")] // back as a pathological node
#[case("d0 T1 20 NTL1 present:12 / d84 T1 0 NTL1 gone / d168 T1 0 NTL1 present", "CR NON-CR/NON-PD N PR")]
// ... but not after less than a complete response, where it only enters the sum again.
#[case("d0 T1 20 T2 40 / d84 T1 0 T2 30 / d168 T1 3 T2 30", "PR - N PR")]
#[case("d0 T1 20 NT1 present / d84 T1 10 NT1 gone / d168 T1 10 NT1 present", "PR NON-CR/NON-PD N PR")]
// Table 2, non-measurable disease only.
#[case("d0 NT1 present / d84 NT1 gone", "- CR N CR")]
#[case("d0 NT1 present / d84 NT1 present", "- NON-CR/NON-PD N NON-CR/NON-PD")]
#[case("d0 NT1 present / d84 NT1 ne", "- NE N NE")]
#[case("d0 NT1 present / d84 NT1 worse", "- PD N PD")]
#[case("d0 NT1 present / d84 NT1 gone N1 new", "- CR UNEQUIVOCAL PD")]
#[case("d0 / d84", "- - N NE")]
#[case("d0 / d84 N1 new", "- - UNEQUIVOCAL PD")]
// Two rows of one lesion: the graver counts.
#[case("d0 T1 30 / d84 T1 30 T1 36", "PD - N PD")]
#[case("d0 T1 30 / d84 T1 36 T1 30", "PD - N PD")]
#[case("d0 T1 30 / d84 T1 ne T1 36", "PD - N PD")]
fn responds(#[case] lines: &str, #[case] want: &str) {
    let series = judged(lines);
    assert_eq!(last(&series), want, "{lines}\n{}", series.timepoints.last().unwrap().reason);
}

// 4.3.5: 'progression should be declared using the date of the initial scan'.
#[rstest]
#[case("d0 T1 30 / d84 T1 36", "d84", 1)]
#[case("d0 T1 30 / d84 T1 30 N1 equivocal / d168 T1 30 N1 new", "d84", 2)]
#[case("d0 T1 30 / d84 T1 30 N1 equivocal / d168 T1 30 N1 equivocal / d252 T1 30 N1 new", "d84", 3)]
#[case("d0 T1 30 / d84 T1 30 N1 equivocal / d168 T1 30 N1 ne / d252 T1 30 N1 new", "d84", 3)]
#[case("d0 T1 30 / d84 T1 30 N1 equivocal / d168 T1 30 / d252 T1 30 N1 new", "d84", 3)]
// Gone between: it was not the same lesion.
#[case("d0 T1 30 / d84 T1 30 N1 equivocal / d168 T1 30 N1 gone / d252 T1 30 N1 new", "d252", 3)]
// Certain by another lesion first; the confirmation still dates it back, and the assessment that was certain stays.
#[case("d0 T1 30 / d84 T1 30 N1 equivocal / d168 T1 40 N1 equivocal / d252 T1 40 N1 new", "d84", 2)]
#[case("d0 T1 30 / d84 T1 30 N1 equivocal / d168 T1 40 N1 equivocal / d252 T1 40 N1 gone", "d168", 2)]
// Seen on the day of the baseline already: the date cannot lie before what it is judged against.
#[case("d0 T1 30 N1 equivocal / d84 T1 30 N1 new", "d84", 1)]
fn dates_the_progression(#[case] lines: &str, #[case] date: &str, #[case] certain: u64) {
    let progression = judged(lines).progression.unwrap();
    assert_eq!(
        (name_of(progression.date).as_str(), progression.event),
        (date, certain),
        "{}",
        progression.reason
    );
}

#[rstest]
#[case("d0 T1 30 / d84 T1 30 N1 equivocal / d168 T1 30 N1 equivocal")] // never confirmed
#[case("d0 T1 30 / d84 T1 30 N1 equivocal / d168 T1 30 N1 gone")]
#[case("d0 T1 30 / d84 T1 ne")]
#[case("d0 T1 30")]
fn no_progression(#[case] lines: &str) {
    assert_eq!(judged(lines).progression, None);
}

#[rstest]
#[case("d0 T1 36 / d84 T1 45", "sum 45 mm is 25 % and 9 mm over the nadir of 36 mm")]
#[case(
    "d0 T1 36 T2 10 / d84 T1 60 T2 ne",
    "sum 60 mm of the targets measured is 30.4 % and 14 mm over the nadir of 46 mm; not evaluated: T2 (not scanned)"
)]
#[case("d0 T1 30 / d84 T1 21", "sum 21 mm is 30 % below the baseline of 30 mm")]
#[case(
    "d0 T1 40 / d84 T1 33",
    "sum 33 mm is neither 30 % below the baseline of 40 mm nor 20 % and 5 mm over the nadir of 40 mm"
)]
#[case(
    "d0 T1 40 NT1 present / d84 T1 0 NT1 gone",
    "every target is gone (sum 0 mm); every non-target is gone"
)]
#[case("d0 T1 40 TL1 15 / d84 T1 0 TL1 8", "every target is gone, every node below 10 mm (sum 8 mm)")]
#[case("d0 T1 40 T2 20 / d84 T1 40", "target not evaluated: T2 (no reading)")]
#[case("d0 NT1 present / d84 NT1 worse", "non-target NT1 unequivocally worse")]
#[case("d0 T1 20 / d84 T1 0 / d168 T1 6", "sum 6 mm is 6 mm over the nadir of 0 mm")]
#[case(
    "d0 T1 20 / d84 T1 20 N1 equivocal / d168 T1 20 N1 new",
    "sum 20 mm is neither 30 % below the baseline of 20 mm nor 20 % and 5 mm over the nadir of 20 mm; new lesion N1 confirmed, first seen as equivocal on 2026-03-26"
)]
fn gives_the_reason_with_its_numbers(#[case] lines: &str, #[case] reason: &str) {
    assert_eq!(judged(lines).timepoints.last().unwrap().reason, reason);
}

// Table 3 of the paper for what is confirmed; 4.4.1 for what need not be. Baseline d0, SD needs 42 days, confirmation 28.
#[rstest]
#[case("d0 T1 50 / d56 T1 0 / d84 T1 0", "CR", "CR")]
#[case("d0 T1 50 / d56 T1 0 / d83 T1 0", "CR", "SD")] // 27 days apart
#[case("d0 T1 50 / d56 T1 30 / d84 T1 30", "PR", "PR")]
#[case("d0 T1 50 / d56 T1 30 / d84 T1 0", "CR", "PR")] // PR then CR: PR
#[case("d0 T1 50 / d56 T1 30 / d84 T1 0 / d112 T1 0", "CR", "CR")]
#[case("d0 T1 50 / d56 T1 0 / d84 T1 30", "CR", "SD")] // CR then disease: PD at d84, best SD, minimum met
#[case("d0 T1 50 / d28 T1 0 / d56 T1 30", "CR", "PD")] // the same, minimum not met
#[case("d0 T1 50 / d56 T1 30 / d84 T1 45", "PR", "SD")] // PR then PD
#[case("d0 T1 50 / d28 T1 30 / d56 T1 45", "PR", "PD")]
#[case("d0 T1 50 / d56 T1 30 / d84 T1 ne", "PR", "SD")] // PR then NE
#[case("d0 T1 50 / d28 T1 30 / d56 T1 ne", "PR", "NE")]
#[case("d0 T1 50 / d28 T1 0 / d56 T1 ne", "CR", "NE")]
#[case("d0 T1 50 / d56 T1 30 / d84 T1 ne / d112 T1 30", "PR", "PR")] // 4.4.2: PR-NE-PR is a confirmed response
#[case("d0 T1 50 / d56 T1 35 / d84 T1 36 / d112 T1 35", "PR", "SD")] // PR-SD-PR is not: what is between must be no worse
#[case("d0 T1 50 / d56 T1 50 / d112 T1 50", "SD", "SD")]
#[case("d0 T1 50 / d41 T1 50", "NE", "NE")] // SD of less than its minimum
#[case("d0 T1 50 / d42 T1 50", "SD", "SD")]
#[case("d0 T1 50 / d41 T1 50 / d84 T1 70", "PD", "PD")]
#[case("d0 T1 50 / d56 T1 70 / d84 T1 10 / d140 T1 10", "PD", "PD")] // after PD nothing counts
#[case("d0 T1 50 / d56 T1 ne", "NE", "NE")]
#[case("d0 T1 50", "NE", "NE")]
#[case("d0 NT1 present / d84 NT1 present", "NON-CR/NON-PD", "NON-CR/NON-PD")]
#[case("d0 NT1 present / d84 NT1 gone / d112 NT1 gone", "CR", "CR")]
#[case("d0 NT1 present / d84 NT1 gone", "CR", "NON-CR/NON-PD")]
#[case("d0 T1 50 NT1 present / d56 T1 0 NT1 gone / d84 T1 0 NT1 ne", "CR", "PR")]
// CR, then not all seen: at least PR
// The progression of d84 was certain on d168 only; the response of d84 does not count.
#[case("d0 T1 50 / d84 T1 20 N1 equivocal / d168 T1 20 N1 new", "PD", "PD")]
fn best_overall_response(#[case] lines: &str, #[case] unconfirmed: &str, #[case] confirmed: &str) {
    let series = judged(lines);
    let best = (series.best.response.as_str(), series.best_confirmed.response.as_str());
    assert_eq!(best, (unconfirmed, confirmed), "{}; {}", series.best.reason, series.best_confirmed.reason);
}

// rules.md, 'Lesion level': a lesion progresses when it alone grows >= 20 % and >= 5 mm over its own nadir, or is
// unequivocally worse, or is new.
#[rstest]
#[case("d0 T1 20 T2 60 / d84 T1 25 T2 60", "T1", "SD")] // the sum does not progress, the lesion does
#[case("d0 T1 20 T2 60 / d84 T1 10 T2 60 / d168 T1 15 T2 60", "T1", "SD")] // over its own nadir
#[case("d0 T1 20 / d84 T1 24.9", "", "SD")]
#[case("d0 T1 30 NT1 present:12 / d84 T1 30 NT1 present:17", "NT1", "SD")] // a measured non-target
#[case("d0 T1 30 NT1 present / d84 T1 30 NT1 worse", "NT1", "PD")]
#[case("d0 T1 30 NT1 worse / d84 T1 30 NT1 worse", "", "SD")]
#[case("d0 T1 30 / d84 T1 30 N1 new N2 equivocal", "N1", "PD")]
#[case("d0 T1 30 / d84 T1 30 N1 new / d168 T1 30 N1 new", "", "PD")] // new once; the response stays PD
#[case("d0 T1 30 / d84 T1 30 N1 new:10 / d168 T1 30 N1 new:15", "N1", "PD")]
#[case("d0 T1 30 / d84 T1 30 N1 equivocal:10 / d168 T1 30 N1 equivocal:15", "", "SD")]
#[case("d0 T1 30 TL1 15 / d84 T1 30 TL1 3 / d168 T1 30 TL1 9", "", "SD")] // a node of normal size
#[case("d0 T1 20 T2 21 T3 20 / d84 T1 24 T2 25 T3 24.5", "", "PD")] // the sum alone: 61 to 73.5
#[case("d0 T1 20 T2 20 / d84 T1 47 T2 merged>T1", "", "SD")] // against 40 mm of the two together
#[case("d0 T1 20 T2 20 / d84 T1 48 T2 merged>T1", "T1", "PD")]
#[case("d0 T1 30 T2 80 / d84 T1a 20<T1 T1b 16<T1 T2 60", "T1", "SD")] // the sum of its parts
fn lesions_that_progress(#[case] lines: &str, #[case] want: &str, #[case] overall: &str) {
    let series = judged(lines);
    let at = series.timepoints.last().unwrap();
    let progressing: Vec<&str> = at.progressing.iter().map(LesionId::as_str).collect();
    assert_eq!(progressing.join(" "), want, "{:?}", at.lesions);
    assert_eq!(at.overall.as_str(), overall);
    for lesion in &at.lesions {
        assert_eq!(lesion.progressing, !lesion.why.is_empty());
    }
}

#[test]
fn carries_the_last_judgement_of_amenability() {
    let series = judged("d0 T1 30+ T2 20 / d84 T1 36 T2 20- / d168 T1 40 T2 20");
    let amenable = |at: usize, lesion: usize| series.timepoints[at].lesions[lesion].amenable;
    assert_eq!((amenable(0, 0), amenable(0, 1)), (Some(true), Some(false)));
    assert_eq!((amenable(1, 0), amenable(1, 1)), (Some(true), Some(false)));
    assert_eq!(series.baseline.lesions[1].amenable, None);
}

#[test]
fn marks_what_was_treated_by_the_day_of_each_assessment() {
    let record = story::record(
        "A",
        "sabr d90-d95 T1 12x2\nsabr d300-d300 T1 20x1\nsabr d100- T2 20x1\nsabr d80-d81 T3a 8x3 T3b 8x3",
    );
    let mut series = judged(
        "d0 T1 30 T2 20 T3 30 / d84 T1 40 T2 20 T3a 15<T3 T3b 15<T3 / d168 T1 20 T2 20 T3a 15 T3b 15 / d336 T1 20 T2 20 T3a 15 T3b 15",
    );
    recist::mark_treated(&mut series, &record.sabr);
    let treated = |at: usize, lesion: usize| series.timepoints[at].lesions[lesion].treated.map(name_of);
    assert_eq!(
        [treated(0, 0), treated(1, 0), treated(2, 0)],
        [None, Some("d95".into()), Some("d300".into())]
    );
    assert_eq!(treated(2, 1), None, "a course under way has treated nothing yet");
    assert_eq!(treated(0, 2), Some("d81".into()), "every part was treated");
}

// 3.1 and 3.2: measurable from 10 mm (node 15 mm in short axis), at most 5 targets, 2 an organ, nodes being one organ.
#[rstest]
#[case("d0 T1 10 TL1 15", 0)]
#[case("d0 T1 9.9 TL1 14.9", 2)]
#[case("d0 TL1 15 TL2 15 TL3 15", 1)]
#[case("d0 T1 10 T2 10 T3 10 T4 10 T5 10 T6 10", 1)]
#[case("d0 T1 ne", 1)]
#[case("d0 T1 20 T1 21", 1)]
#[case("d0", 1)]
fn remarks_on_the_baseline(#[case] line: &str, #[case] remarks: usize) {
    let series = judged(line);
    assert_eq!(series.baseline.remarks.len(), remarks, "{:?}", series.baseline.remarks);
}

#[test]
fn judges_by_the_protocols_numbers() {
    let rules = TumourRules { progression_relative: 0.5, progression_mm: 20.0, ..TumourRules::default() };
    assert_eq!(last(&series(&rules, "d0 T1 50 / d84 T1 74")), "SD - N SD");
    assert_eq!(last(&series(&rules, "d0 T1 50 / d84 T1 75")), "PD - N PD");
}

#[test]
fn adequate_is_what_could_show_progression() {
    let series =
        judged("d0 T1 30 T2 20 / d84 T1 ne T2 20 / d168 T1 60 T2 ne / d252 T1 60 T2 ne / d336 T1 60 T2 20");
    let adequate: Vec<bool> = series.timepoints.iter().map(|t| t.adequate).collect();
    // d168 shows progression though T2 is missing; d252 shows nothing further.
    assert_eq!(adequate, [false, true, false, true]);
}

#[test]
fn the_short_way_finds_what_the_whole_series_finds() {
    let lines =
        "d0 T1 30 / d84 T1 30 N1 equivocal / d168 T1 40 N1 equivocal / d252 T1 40 N1 new / d336 T1 90";
    let told: Vec<Assessment> = lines.split('/').zip(0..).map(|(l, n)| assessment(n, l.trim())).collect();
    let follow: Vec<&Assessment> = told[1..].iter().collect();
    let rules = TumourRules::default();
    let (found, at) = recist::first_progression(&rules, &told[0], &follow).unwrap();
    assert_eq!(Some(found), recist::evaluate(&rules, &told[0], &follow).progression);
    assert_eq!(at.date, day("d168"));
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let lesion = prop::sample::select(vec!["A", "B", "C", "D", "E"]);
    let other = prop::sample::select(vec!["A", "B", "C", "Z"]);
    let finding = prop_oneof![
        (0u32..1000).prop_map(|tenths| Finding::Measured(f64::from(tenths) / 10.0)),
        any::<f64>().prop_filter("a number", |mm| !mm.is_nan()).prop_map(Finding::Measured),
        Just(Finding::TooSmall),
        Just(Finding::Present),
        Just(Finding::Absent),
        Just(Finding::Unequivocal),
        Just(Finding::Equivocal),
        Just(Finding::Merged),
        Just(Finding::NotEvaluable("x".into())),
    ];
    let role = prop::sample::select(vec![LesionRole::Target, LesionRole::NonTarget, LesionRole::New]);
    let links = (prop::option::weighted(0.2, other.clone()), prop::option::weighted(0.2, other));
    let rest = (prop::option::of(0u32..1000), any::<bool>(), any::<bool>(), any::<Option<bool>>());
    (lesion, role, finding, links, rest).prop_map(|(lesion, role, finding, (split, merged), rest)| Reading {
        lesion: lesion.into(),
        role,
        location: String::new(),
        nodal: rest.1,
        intracranial: rest.2,
        finding,
        diameter: rest.0.map(|tenths| f64::from(tenths) / 10.0),
        split_from: split.map(Into::into),
        merged_into: merged.map(Into::into),
        oligoprogressive: None,
        amenable: rest.3,
    })
}

fn any_course() -> impl Strategy<Value = Vec<Assessment>> {
    let readings = prop::collection::vec(any_reading(), 0..7);
    prop::collection::vec(readings, 1..6).prop_map(|all| {
        all.into_iter()
            .zip(0u32..)
            .map(|(readings, n)| Assessment { readings, ..assessment(u64::from(n), &format!("d{}", n * 84)) })
            .collect()
    })
}

fn evaluate(course: &[Assessment]) -> Series {
    recist::evaluate(&TumourRules::default(), &course[0], &course[1..].iter().collect::<Vec<_>>())
}

proptest! {
    // Whatever is typed in, twice or in a circle, is judged and never panics; and rows may stand in any order.
    #[test]
    fn order_of_readings_changes_nothing(course in any_course(), turn in 0usize..7) {
        let mut turned = course.clone();
        for assessment in &mut turned {
            assessment.readings.reverse();
            let n = assessment.readings.len().max(1);
            assessment.readings.rotate_left(turn % n);
        }
        prop_assert_eq!(evaluate(&course), evaluate(&turned));
    }

    // A larger reading of one target never turns PD into something better at that assessment.
    #[test]
    fn progression_is_monotone(
        baseline in prop::collection::vec(100u32..600, 3),
        first in prop::collection::vec(0u32..600, 3),
        second in prop::collection::vec(0u32..600, 3),
        which in 0usize..3,
        more in 1u32..300,
    ) {
        let line = |day: u32, sizes: &[u32]| {
            let mm = |tenths: &u32| f64::from(*tenths) / 10.0;
            format!("d{day} T1 {} T2 {} T3 {}", mm(&sizes[0]), mm(&sizes[1]), mm(&sizes[2]))
        };
        let mut larger = second.clone();
        larger[which] += more;
        let of = |last: &[u32]| {
            judged(&format!("{} / {} / {}", line(0, &baseline), line(84, &first), line(168, last))).timepoints[1].overall
        };
        if of(&second) == OverallResponse::Progressive {
            prop_assert_eq!(of(&larger), OverallResponse::Progressive);
        }
    }

    // What follows never changes what an assessment meant when it was made.
    #[test]
    fn the_future_changes_no_timepoint(course in any_course()) {
        let whole = evaluate(&course);
        let shorter = evaluate(&course[..course.len().max(2) - 1]);
        prop_assert_eq!(&whole.timepoints[..shorter.timepoints.len()], &shorter.timepoints[..]);
    }

    #[test]
    fn the_short_way_agrees(course in any_course()) {
        let rules = TumourRules::default();
        let follow: Vec<&Assessment> = course[1..].iter().collect();
        let found = recist::first_progression(&rules, &course[0], &follow).map(|(found, _)| found);
        prop_assert_eq!(found, evaluate(&course).progression);
    }
}
