//! FACT-B: scores against the reference scorer, row by row, and the area under the curve worked by hand.

// A test that cannot be set up has failed.
#![allow(clippy::unwrap_used)]

mod story;

use std::collections::HashMap;

use proptest::prelude::*;
use rstest::rstest;
use story::day;
use trial::factb::{Auc, ITEMS, Scores, auc, score};
use trial::protocol::{AfterLast, DeathScore, QualityOfLife};
use trial::record::{FactBAnswers, Record};

fn table(text: &str) -> Vec<HashMap<String, String>> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(|row| row.unwrap()).collect()
}

// FACTscorer (R), whose scores are to three decimals; empty where it gives none. See tests/data/README.md.
#[test]
fn equals_the_reference_scorer_in_every_row_and_column() {
    let answers = table(include_str!("data/factb_answers.csv"));
    let want = table(include_str!("data/factb_scores.csv"));
    assert_eq!((answers.len(), want.len()), (200, 200));
    for (answers, want) in answers.iter().zip(&want) {
        assert_eq!(answers["id"], want["id"]);
        let given: Vec<Option<u8>> = ITEMS.iter().map(|item| answers[*item].parse().ok()).collect();
        let s = score(&given);
        let columns = [
            ("PWB", s.pwb),
            ("SWB", s.swb),
            ("EWB", s.ewb),
            ("FWB", s.fwb),
            ("BCS", s.bcs),
            ("FACTG", s.fact_g),
            ("FACT_B_TOI", s.toi),
            ("FACT_B_TOTAL", s.total),
        ];
        for (column, got) in columns {
            let reference: Option<f64> = want[column].parse().ok();
            assert_eq!(got, reference, "questionnaire {} {column}", want["id"]);
        }
    }
}

/// Answers in which every item scores `points` of 4, whichever way it counts.
fn scoring(points: u8) -> Vec<Option<u8>> {
    let reversed = "GP1 GP2 GP3 GP4 GP5 GP6 GP7 GE1 GE3 GE4 GE5 GE6 B1 B2 B3 B5 B6 B7 B8 P2";
    let answer =
        |item: &&str| Some(if reversed.split(' ').any(|r| r == *item) { 4 - points } else { points });
    ITEMS.iter().map(answer).collect()
}

#[rstest]
#[case(0, [0.0; 8])]
#[case(4, [28.0, 28.0, 24.0, 28.0, 40.0, 108.0, 96.0, 148.0])]
fn reaches_both_ends_of_every_range(#[case] points: u8, #[case] want: [f64; 8]) {
    let s = score(&scoring(points));
    assert_eq!([s.pwb, s.swb, s.ewb, s.fwb, s.bcs, s.fact_g, s.toi, s.total], want.map(Some));
}

// FACIT scoring guideline: prorated where more than half were answered; totals where more than 80 % were.
#[rstest]
#[case(&[0, 1, 2], true)] // 4 of 7
#[case(&[0, 1, 2, 3], false)] // 3 of 7
fn prorates_above_half(#[case] blank: &[usize], #[case] scored: bool) {
    let mut answers = scoring(4);
    for index in blank {
        answers[*index] = None;
    }
    assert_eq!(score(&answers).pwb, scored.then_some(28.0));
}

#[rstest]
#[case(&[0, 1, 7, 14, 20, 27, 28], true)] // 30 of 37: 81 %
#[case(&[0, 1, 7, 14, 20, 27, 28, 29], false)] // 29 of 37: 78 %, each subscale scored
fn totals_above_four_fifths(#[case] blank: &[usize], #[case] scored: bool) {
    let mut answers = scoring(4);
    for index in blank {
        answers[*index] = None;
    }
    let s = score(&answers);
    assert_eq!(s.total, scored.then_some(148.0));
    assert_eq!(
        (s.pwb, s.swb, s.ewb, s.fwb, s.bcs),
        (Some(28.0), Some(28.0), Some(24.0), Some(28.0), Some(40.0))
    );
    assert_eq!(s.toi, Some(96.0), "the TOI needs its subscales only");
}

#[test]
fn an_answer_that_is_none_counts_as_missing() {
    let mut answers = scoring(4);
    answers[0] = Some(9);
    assert_eq!(score(&answers).pwb, Some(28.0));
    assert_eq!(score(&[]), Scores::default());
}

proptest! {
    #[test]
    fn stays_in_range(answers in prop::collection::vec(prop::option::of(any::<u8>()), 0..50)) {
        let s = score(&answers);
        for (score, top) in [(s.pwb, 28.0), (s.swb, 28.0), (s.ewb, 24.0), (s.fwb, 28.0), (s.bcs, 40.0), (s.total, 148.0)] {
            prop_assert!(score.is_none_or(|score| (0.0..=top).contains(&score)));
        }
    }
}

fn rule(after_last: AfterLast, death: DeathScore) -> QualityOfLife {
    let told = "form = 'FACTB'\nweeks = [0, 12, 24, 36, 48]\nauc_to_week = 48";
    QualityOfLife { after_last, death, ..toml::from_str(told).unwrap() }
}

/// The area over questionnaires told as `d0 4, d84 2`: the day, and the points of every item (37 times that in total).
fn area(rule: &QualityOfLife, scores: &str, death: Option<&str>) -> Option<Auc> {
    let mut record: Record = story::record("A", "");
    for (event, told) in (100..).zip(scores.split(", ").filter(|told| !told.is_empty())) {
        let (on, points) = told.split_once(' ').unwrap();
        let answers = match points {
            "-" => vec![None; 37],
            points => scoring(points.parse().unwrap()),
        };
        record.factb.push(FactBAnswers { event, date: day(on), visit: String::new(), answers });
    }
    record.factb.sort_by_key(|answers| answers.date);
    auc(rule, &record, death.map(day))
}

use AfterLast::{CarryForward, StopAndStandardise};
use DeathScore::{Missing, Zero};

// Totals are 37 x points: 148, 111, 74, 37. Week 48 is d336.
#[rstest]
// Trapezoids over the actual days.
#[case("d0 4, d84 4, d168 4, d252 4, d336 4", None, StopAndStandardise, Missing, Some((148.0 * 48.0, 48.0)))]
#[case("d0 4, d336 2", None, StopAndStandardise, Missing, Some((111.0 * 48.0, 48.0)))]
#[case("d0 4, d70 2, d336 2", None, StopAndStandardise, Missing, Some((111.0 * 10.0 + 74.0 * 38.0, 48.0)))]
// Week 48 by interpolation: half way from d322 to d350.
#[case("d0 4, d322 4, d350 2", None, StopAndStandardise, Missing, Some((148.0 * 46.0 + 129.5 * 2.0, 48.0)))]
// The last score is earlier: by the named rule.
#[case("d0 4, d168 2", None, StopAndStandardise, Missing, Some((111.0 * 24.0, 24.0)))]
#[case("d0 4, d168 2", None, CarryForward, Missing, Some((111.0 * 24.0 + 74.0 * 24.0, 48.0)))]
// A questionnaire without a total is none.
#[case("d0 4, d84 -, d168 2", None, StopAndStandardise, Missing, Some((111.0 * 24.0, 24.0)))]
// Baseline: the last on or before randomisation, else one within a week after it.
#[case("d-14 1, d-7 4, d336 4", None, StopAndStandardise, Missing, Some((148.0 * 49.0, 49.0)))]
#[case("d7 4, d336 4", None, StopAndStandardise, Missing, Some((148.0 * 47.0, 47.0)))]
#[case("d8 4, d336 4", None, StopAndStandardise, Missing, None)]
#[case("d0 4", None, StopAndStandardise, Missing, None)]
#[case("d0 4", None, CarryForward, Missing, None)]
#[case("", None, CarryForward, Missing, None)]
// Death: no score is imputed, carrying stops there, and a score dated after it is not used.
#[case("d0 4, d84 4", Some("d168"), StopAndStandardise, Missing, Some((148.0 * 12.0, 12.0)))]
#[case("d0 4, d84 4", Some("d168"), CarryForward, Missing, Some((148.0 * 24.0, 24.0)))]
#[case("d0 4, d84 4, d175 1", Some("d168"), StopAndStandardise, Missing, Some((148.0 * 12.0, 12.0)))]
#[case("d0 4, d84 4", Some("d400"), CarryForward, Missing, Some((148.0 * 48.0, 48.0)))]
// 'death = 0': the curve falls to 0 on the day of death and stays there.
#[case("d0 4, d84 4", Some("d168"), StopAndStandardise, Zero, Some((148.0 * 12.0 + 74.0 * 12.0, 48.0)))]
#[case("d0 4", Some("d84"), StopAndStandardise, Zero, Some((74.0 * 12.0, 48.0)))]
#[case("d0 4, d84 4", Some("d336"), CarryForward, Zero, Some((148.0 * 12.0 + 74.0 * 36.0, 48.0)))]
#[case("d0 4, d336 4", Some("d400"), CarryForward, Zero, Some((148.0 * 48.0, 48.0)))]
fn areas(
    #[case] scores: &str,
    #[case] death: Option<&str>,
    #[case] after_last: AfterLast,
    #[case] at_death: DeathScore,
    #[case] want: Option<(f64, f64)>,
) {
    let found = area(&rule(after_last, at_death), scores, death);
    match (found, want) {
        (None, None) => {}
        (Some(found), Some((score_weeks, weeks))) => {
            assert!((found.score_weeks - score_weeks).abs() < 1e-9, "{found:?}, {score_weeks} was due");
            assert!((found.weeks - weeks).abs() < 1e-9, "{found:?}");
            assert!((found.average - score_weeks / weeks).abs() < 1e-9);
        }
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case("d0 4, d336 4", None, CarryForward, "to week 48, scored that day")]
#[case("d0 4, d350 4", None, CarryForward, "to week 48, interpolated to the next score")]
#[case("d0 4, d84 4", None, CarryForward, "score of 2026-03-26 carried to week 48")]
#[case("d0 4, d84 4", None, StopAndStandardise, "stopped at the last score on 2026-03-26, before week 48")]
fn names_the_rule(
    #[case] scores: &str,
    #[case] death: Option<&str>,
    #[case] after: AfterLast,
    #[case] want: &str,
) {
    let found = area(&rule(after, Missing), scores, death).unwrap();
    assert_eq!(found.rule, want);
    assert_eq!(found.events, [100, 101]);
}
