//! What makes a strategy fail (trial.md, 'What makes a strategy fail'), told as stories. Arm A holds through further
//! oligoprogression with SABR to at most 5 lesions within 56 days; arm B allows no local salvage.

// A test that cannot be set up has failed.
#![allow(clippy::unwrap_used)]

mod story;

use rstest::rstest;
use story::{name_of, record};
use trial::derive::derive;
use trial::protocol::Strategy;
use trial::strategy::{Course, Failure, Status, Verdict, follow};

fn course(arm: &str, lines: &str, cut: Option<&str>) -> Course {
    let mut record = record(arm, lines);
    let cut = cut.map(story::day);
    if let Some(cut) = cut {
        record = record.cut_at(cut);
    }
    derive(&story::history(), &record, cut).strategy.unwrap()
}

/// As `held d84; failed d168 (progression)`: each episode, then where the strategy stands.
fn told(course: &Course) -> String {
    let mut words: Vec<String> = course
        .episodes
        .iter()
        .filter(|episode| episode.verdict == Verdict::Held)
        .map(|episode| format!("held {}", name_of(episode.progression.date)))
        .collect();
    words.push(match course.status {
        Status::NotApplicable => "none".into(),
        Status::Holding => "holding".into(),
        Status::Pending { progression } => format!("pending {}", name_of(progression)),
        Status::Failed { on, cause } => {
            let cause = match cause {
                Failure::Progression => "progression",
                Failure::SystemicChange => "change",
                Failure::Death => "death",
            };
            format!("failed {} {cause}", name_of(on))
        }
    });
    words.join("; ")
}

#[rstest]
// 'A progression does not fail the strategy when it is again oligoprogressive, SABR to all progressing lesions is
// completed within 56 days of it, and ET + CDK4/6 inhibitor continue.'
#[case(
    "A",
    "d0 T1 30\nd84 T1 40\nsabr d90-d95 T1 12x2\ndecision d85 CONTINUE d84\nd168 T1 20",
    "held d84; holding"
)]
#[case("A", "d0 T1 30\nd84 T1 40\nsabr d90-d140 T1 12x2\nd168 T1 20", "held d84; holding")] // the 56th day counts
#[case(
    "A",
    "d0 T1 30 T2 20\nd84 T1 40 T2 26 N1 new\nsabr d90-d95 T1 12x2 T2 12x2\nsabr d100-d100 N1 20x1",
    "held d84; holding"
)]
#[case("A", "d0 T1 30\nd84 T1a 25<T1 T1b 15<T1\nsabr d90-d95 T1a 12x2 T1b 12x2", "held d84; holding")] // its parts
#[case(
    "A",
    "d0 T1 30\nd84 T1a 25<T1 T1b 15<T1\nsabr d90-d95 T1a 12x2\ndecision d85 CONTINUE d84\ncontact d200",
    "failed d84 progression"
)]
// Treated in time, so it was amenable, whatever was thought of it.
#[case("A", "d0 T1 30\nd84 T1 40-\nsabr d90-d95 T1 12x2", "held d84; holding")]
// 'Any other progression fails it, on the date of the progression': too many lesions,
#[case("A", "d0 T1 30\nd84 T1 30 N1 new N2 new N3 new N4 new N5 new N6 new", "failed d84 progression")]
#[case(
    "A",
    "d0 T1 30\nd84 T1 30 N1 new N2 new N3 new N4 new N5 new\nsabr d90-d90 N1 20x1 N2 20x1 N3 20x1 N4 20x1 N5 20x1",
    "held d84; holding"
)]
// one inside the skull, one not amenable, none that can be named,
#[case("A", "d0 T1 30\nd84 T1 40 NB1 new\nsabr d90-d95 T1 12x2 NB1 20x1", "failed d84 progression")]
#[case("A", "d0 T1 30\nd84 T1 40-", "failed d84 progression")]
#[case("A", "d0 T1 30\nclinical d70", "failed d70 progression")]
#[case("A", "d0 T1 20 T2 21 T3 20\nd84 T1 24 T2 25 T3 24.5\nsabr d90-d95 T1 12x2", "failed d84 progression")]
// treated late, in part, or not,
#[case(
    "A",
    "d0 T1 30\nd84 T1 40\ndecision d85 CONTINUE d84\nsabr d90-d141 T1 12x2\nd168 T1 20",
    "failed d84 progression"
)]
#[case(
    "A",
    "d0 T1 30 T2 20\nd84 T1 40 T2 26\ndecision d85 CONTINUE d84\nsabr d90-d95 T1 12x2\ncontact d141",
    "failed d84 progression"
)]
#[case("A", "d0 T1 30\nd84 T1 40\ndecision d85 CONTINUE d84\ncontact d141", "failed d84 progression")]
// SABR before the progression is no salvage of it,
#[case(
    "A",
    "d0 T1 30\nsabr d1-d3 T1 12x2\nd84 T1 40\ndecision d85 CONTINUE d84\ncontact d141",
    "failed d84 progression"
)]
// or given up, the last decision counting.
#[case("A", "d0 T1 30\nd84 T1 40\ndecision d85 ABANDON d84", "failed d84 progression")]
#[case(
    "A",
    "d0 T1 30\nd84 T1 40\ndecision d85 CONTINUE d84\ndecision d88 ABANDON d84",
    "failed d84 progression"
)]
#[case(
    "A",
    "d0 T1 30\nd84 T1 40\ndecision d85 ABANDON d84\ndecision d88 CONTINUE d84\nsabr d90-d95 T1 12x2",
    "held d84; holding"
)]
// 'So does a change of systemic therapy for progression (earlier of the two dates counts)'.
#[case("A", "d0 T1 30\nline d60 PROGRESSION fulvestrant\nd84 T1 40", "failed d60 change")]
#[case(
    "A",
    "d0 T1 30\nd84 T1 40\nline d88 PROGRESSION fulvestrant\nsabr d90-d95 T1 12x2",
    "failed d84 progression"
)]
#[case(
    "A",
    "d0 T1 30\nd84 T1 40\nline d84 PROGRESSION fulvestrant\nsabr d90-d95 T1 12x2",
    "failed d84 progression"
)]
#[case(
    "A",
    "d0 T1 30\nd84 T1 40\nsabr d90-d95 T1 12x2\nline d130 PROGRESSION fulvestrant",
    "held d84; failed d130 change"
)]
#[case("B", "d0 T1 30\nline d60 PROGRESSION fulvestrant\nd84 T1 40", "failed d60 change")]
// A line of the day of randomisation is for the progression that led into the trial; a later one still counts.
#[case(
    "B",
    "d0 T1 30\nline d0 PROGRESSION fulvestrant\nd84 T1 30\nline d100 PROGRESSION capecitabine",
    "failed d100 change"
)]
// 'A change of drug for toxicity alone fails no strategy'; nor does what the arm prescribes.
#[case("A", "d0 T1 30\nline d60 TOXICITY ribociclib\nd84 T1 30", "holding")]
#[case("A", "d0 T1 30\nd84 T1 40\nline d88 TOXICITY ribociclib\nsabr d90-d95 T1 12x2", "held d84; holding")]
#[case("B", "d0 T1 30\nline d5 PROTOCOL fulvestrant\nd84 T1 30", "holding")]
// 'and death'.
#[case("A", "d0 T1 30\nd84 T1 30\ndeath d100", "failed d100 death")]
#[case("A", "d0 T1 30\nd84 T1 40\nsabr d90-d95 T1 12x2\ndeath d200", "held d84; failed d200 death")]
#[case("A", "d0 T1 30\nd84 T1 40\ndecision d85 CONTINUE d84\ndeath d100", "failed d84 progression")] // salvage never done
#[case("A", "d0 T1 30\nd84 T1 40\ndeath d100", "failed d84 progression")]
// Arm B: 'No local salvage is allowed, so the first progression fails the strategy. So does death.'
#[case("B", "d0 T1 30\nd84 T1 40\nsabr d90-d95 T1 12x2", "failed d84 progression")]
#[case("B", "d0 T1 30\nd84 T1 30\ndeath d100", "failed d100 death")]
#[case("B", "d0 T1 30\nclinical d70\nd84 T1 40", "failed d70 progression")]
// 'Progression known, decision not yet recorded: TSF is pending.'
#[case("A", "d0 T1 30\nd84 T1 40", "pending d84")]
#[case("A", "d0 T1 30\nd84 T1 40\ncontact d300", "pending d84")]
#[case("A", "d0 T1 30\nd84 T1 40\nsabr d90- T1 12x2", "pending d84")]
// Decided, and the 56 days still run.
#[case("A", "d0 T1 30\nd84 T1 40\ndecision d85 CONTINUE d84\ncontact d140", "pending d84")]
// Withdrawn before they ended: what was done after is not known.
#[case("A", "d0 T1 30\nd84 T1 40\ndecision d85 CONTINUE d84\nwithdrawal d100", "pending d84")]
#[case("A", "d0 T1 30\nd84 T1 40\ndecision d85 CONTINUE d84\nwithdrawal d100\ndeath d300", "pending d84")]
#[case("A", "d0 T1 30\nd84 T1 40\ndecision d85 CONTINUE d84\nwithdrawal d150", "failed d84 progression")]
// An equivocal new lesion is no progression until it is confirmed; then it is dated back, and the 56 days run from the
// day it was certain, since nobody treats what is not certain.
#[case("A", "d0 T1 30\nd84 T1 30 N1 equivocal\nd168 T1 30 N1 gone", "holding")]
#[case(
    "A",
    "d0 T1 30\nd84 T1 30 N1 equivocal\nd168 T1 30 N1 new\nsabr d180-d185 N1 12x2",
    "held d84; holding"
)]
#[case(
    "A",
    "d0 T1 30\nd84 T1 30 N1 equivocal\nd168 T1 30 N1 new\ndecision d170 CONTINUE d168\nsabr d220-d225 N1 12x2",
    "failed d84 progression"
)]
#[case("B", "d0 T1 30\nd84 T1 30 N1 equivocal\nd168 T1 30 N1 new", "failed d84 progression")]
// A second oligoprogression is judged against the assessment of the first, not against baseline: 40 mm is the new reference.
#[case("A", "d0 T1 30\nd84 T1 40\nsabr d90-d95 T1 12x2\nd168 T1 44\nd252 T1 47", "held d84; holding")]
#[case("A", "d0 T1 30\nd84 T1 40\nsabr d90-d95 T1 12x2\nd168 T1 30\nd252 T1 36", "held d84; pending d252")] // own nadir since
#[case(
    "A",
    "d0 T1 30\nd84 T1 40\nsabr d90-d95 T1 12x2\nd168 T1 30\nd252 T1 36\nsabr d260-d262 T1 8x3",
    "held d84; held d252; holding"
)]
// A lesion that was new at the first is old at the second, and a new one then is new.
#[case("A", "d0 T1 30\nd84 T1 30 N1 new\nsabr d90-d95 N1 12x2\nd168 T1 30 N1 new", "held d84; holding")]
#[case(
    "A",
    "d0 T1 30\nd84 T1 30 N1 new\nsabr d90-d95 N1 12x2\nd168 T1 30 N1 present N2 new\nsabr d170-d172 N2 8x3",
    "held d84; held d168; holding"
)]
// rules.md, RECIST 1.1: 'An equivocal one that is later confirmed dates PD back to when it was first seen', also where another
// lesion progressed that day and was salvaged: what becomes of the strategy must not hang on that other lesion.
#[case(
    "A",
    "d0 T1 30\nd84 T1 40 N1 equivocal\nsabr d90-d95 T1 12x2\nd168 T1 40 N1 new",
    "held d84; pending d84"
)]
#[case(
    "A",
    "d0 T1 30\nd84 T1 40 N1 equivocal\nsabr d90-d95 T1 12x2\nd168 T1 40 N1 ne\nd252 T1 40 N1 new",
    "held d84; pending d84"
)]
#[case(
    "A",
    "d0 T1 30\nd84 T1 40 N1 equivocal\nsabr d90-d95 T1 12x2\nd168 T1 40 N1 gone\nd252 T1 40 N1 new",
    "held d84; pending d252"
)]
#[case(
    "A",
    "d0 T1 30\nd84 T1 40 N1 equivocal\nsabr d90-d95 T1 12x2\nd168 T1 40 N1 new\nsabr d215-d224 N1 12x2",
    "held d84; held d84; holding"
)] // the 56 days still run from the day it was certain
#[case(
    "A",
    "d0 T1 30\nd84 T1 40 N1 equivocal\ndecision d85 CONTINUE d84\nsabr d90-d95 T1 12x2\nd168 T1 40 N1 new\ncontact d300",
    "held d84; pending d84"
)] // what was decided of T1 was not decided of N1
#[case(
    "A",
    "d0 T1 30\nd84 T1 40 N1 equivocal\nsabr d90-d95 T1 12x2\nd168 T1 40 N1 new\ndecision d170 ABANDON d168",
    "held d84; failed d84 progression"
)]
#[case(
    "A",
    "d0 T1 30\nd84 T1 40 N1 equivocal\nsabr d90-d95 T1 12x2\nd168 T1 40 N1 new N2 new\nsabr d170-d175 N1 12x2",
    "held d84; pending d168"
)]
// N2 was not there on d84
// An equivocal lesion that was not evaluated when another progressed is confirmed later, and is new then.
#[case(
    "A",
    "d0 T1 30\nd84 T1 30 N1 equivocal\nd168 T1 40 N1 ne\nsabr d170-d175 T1 12x2\nd252 T1 40 N1 new",
    "held d84; pending d84"
)]
// rules.md, RECIST 1.1: a node 'under 10 mm is normal', so one of 9 mm at the first is new when it is pathological.
#[case(
    "A",
    "d0 T1 30\nd84 T1 40 NL1 new:9\nsabr d90-d95 T1 12x2\nd168 T1 40 NL1 present:12",
    "held d84; pending d168"
)]
#[case(
    "A",
    "d0 T1 30\nd84 T1 40 NL1 new:12\nsabr d90-d95 T1 12x2 NL1 12x2\nd168 T1 40 NL1 present:9\nd252 T1 40 NL1 present:12",
    "held d84; holding"
)]
// this one was new before
// trial.md: '... and ET + CDK4/6 inhibitor continue': it was stopped before the salvage was done, and not for a switch.
#[case(
    "A",
    "d0 T1 30\nline d-300:d92 BASELINE letrozole\nd84 T1 40\nsabr d90-d95 T1 12x2",
    "failed d84 progression"
)]
#[case(
    "A",
    "d0 T1 30\nline d-300:d92 BASELINE letrozole\nline d99 TOXICITY fulvestrant\nd84 T1 40\nsabr d90-d95 T1 12x2",
    "held d84; holding"
)]
#[case(
    "A",
    "d0 T1 30\nline d-300:d120 BASELINE letrozole\nd84 T1 40\nsabr d90-d95 T1 12x2",
    "held d84; holding"
)]
#[case("A", "d0 T1 30\nline d-300 BASELINE letrozole\nd84 T1 40\nsabr d90-d95 T1 12x2", "held d84; holding")]
// Growth of a lesion before its salvage is completed is treated by that salvage; another lesion's is not.
#[case(
    "A",
    "d0 T1 30\nd84 T1 40\nd126 T1 50\nsabr d124-d130 T1 12x2\nd168 T1 50",
    "held d84; held d126; holding"
)]
#[case(
    "A",
    "d0 T1 30\nd84 T1 40\nd126 T1 40 N1 new\nsabr d124-d130 T1 12x2\nd168 T1 40 N1 new",
    "held d84; pending d126"
)]
// A target that was not read at the reference is still followed.
#[case(
    "A",
    "d0 T1 30 T2 20\nd84 T1 60\nsabr d90-d95 T1 12x2\nd168 T1 30 T2 30\nd252 T1 30 T2 60",
    "held d84; pending d252"
)]
fn strategy(#[case] arm: &str, #[case] lines: &str, #[case] want: &str) {
    let course = course(arm, lines, None);
    assert_eq!(told(&course), want, "{}\n{}", lines, course.why);
    assert!(!course.why.is_empty());
    assert!(
        matches!(course.status, Status::Holding) || !course.events.is_empty(),
        "a verdict names its events"
    );
}

// A report as of a cut sees what had happened by then.
#[rstest]
#[case("d83", "holding")]
#[case("d84", "pending d84")]
#[case("d94", "pending d84")]
#[case("d95", "held d84; holding")]
#[case("d200", "held d84; failed d200 death")]
fn at_a_cut(#[case] cut: &str, #[case] want: &str) {
    let lines =
        "d0 T1 30\nd84 T1 40\ndecision d84 CONTINUE d84\nsabr d90-d95 T1 12x2\nd168 T1 20\ndeath d200";
    assert_eq!(told(&course("A", lines, Some(cut))), want);
}

#[rstest]
#[case(
    "d0 T1 30\nd84 T1 40",
    "oligoprogression of 1 lesion(s) on 2026-03-26: the strategy decision is not recorded"
)]
#[case("d0 T1 30\nd84 T1 40\ndecision d85 CONTINUE d84", "SABR to T1 may still be completed by 2026-05-21")]
#[case("d0 T1 30\nd84 T1 40\nsabr d90-d95 T1 12x2", "held through 1 salvaged progression")]
#[case(
    "d0 T1 30\nline d60 PROGRESSION fulvestrant",
    "systemic therapy was changed for progression (fulvestrant) on 2026-03-02"
)]
fn says_why(#[case] lines: &str, #[case] want: &str) {
    assert_eq!(course("A", lines, None).why, want);
}

// `fails_on_systemic_change = false`: a change fails nothing by itself, but it still ends a salvage that asks for the
// systemic therapy to go on.
#[rstest]
#[case("d0 T1 30\nline d60 PROGRESSION fulvestrant\nd84 T1 30", "holding")]
#[case(
    "d0 T1 30\nd84 T1 40\nline d88 PROGRESSION fulvestrant\nsabr d90-d95 T1 12x2",
    "failed d84 progression"
)]
#[case("d0 T1 30\nd84 T1 40\nsabr d90-d95 T1 12x2\nline d130 PROGRESSION fulvestrant", "held d84; holding")]
fn a_change_that_fails_nothing_by_itself(#[case] lines: &str, #[case] want: &str) {
    let protocol = story::history().current().clone();
    let rule = Strategy { fails_on_systemic_change: false, ..protocol.arms[0].strategy.clone().unwrap() };
    let course = follow(&rule, &protocol.tumour, &record("A", lines), None, story::day("d500"));
    assert_eq!(told(&course), want);
}

#[test]
fn an_arm_without_a_rule_has_no_course() {
    let record = record("C", "d0 T1 30\nd84 T1 40");
    assert!(derive(&story::history(), &record, None).strategy.is_none());
}
