//! FACT-B, version 4: scores of the subscales and totals, and the area under the total's curve.
//!
//! Codes only; the wording of the items belongs to FACIT.org. Never imputes a score after death unless the protocol says so.
//! Scoring: Brady et al., J Clin Oncol 1997;15:974-986 and the FACIT.org scoring guideline for FACT-B version 4.

use std::ops::Range;

use jiff::civil::Date;
use serde::Serialize;

use crate::date::{days_between, plus_days};
use crate::event::Seq;
use crate::protocol::{AfterLast, DeathScore, QualityOfLife};
use crate::record::Record;

/// The items in the order of the questionnaire.
pub const ITEMS: [&str; 37] = [
    "GP1", "GP2", "GP3", "GP4", "GP5", "GP6", "GP7", "GS1", "GS2", "GS3", "GS4", "GS5", "GS6", "GS7", "GE1",
    "GE2", "GE3", "GE4", "GE5", "GE6", "GF1", "GF2", "GF3", "GF4", "GF5", "GF6", "GF7", "B1", "B2", "B3",
    "B4", "B5", "B6", "B7", "B8", "B9", "P2",
];

/// Scores of one questionnaire; none where too few items were answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Scores {
    /// Physical well-being, 0 to 28.
    pub pwb: Option<f64>,
    /// Social and family well-being, 0 to 28.
    pub swb: Option<f64>,
    /// Emotional well-being, 0 to 24.
    pub ewb: Option<f64>,
    /// Functional well-being, 0 to 28.
    pub fwb: Option<f64>,
    /// Breast cancer subscale, 0 to 40.
    pub bcs: Option<f64>,
    /// FACT-G, 0 to 108.
    pub fact_g: Option<f64>,
    /// Trial outcome index, 0 to 96.
    pub toi: Option<f64>,
    /// FACT-B total, 0 to 148.
    pub total: Option<f64>,
}

/// The highest answer; a reversed item scores `TOP - answer`.
const TOP: u8 = 4;

/// A subscale: where its items stand in `ITEMS`, and which are reversed.
struct Subscale {
    items: Range<usize>,
    reversed: &'static [&'static str],
}

const PWB: Subscale = Subscale { items: 0..7, reversed: &["GP1", "GP2", "GP3", "GP4", "GP5", "GP6", "GP7"] };
const SWB: Subscale = Subscale { items: 7..14, reversed: &[] };
const EWB: Subscale = Subscale { items: 14..20, reversed: &["GE1", "GE3", "GE4", "GE5", "GE6"] };
const FWB: Subscale = Subscale { items: 20..27, reversed: &[] };
const BCS: Subscale = Subscale { items: 27..37, reversed: &["B1", "B2", "B3", "B5", "B6", "B7", "B8", "P2"] };

/// Which of `ITEMS` are reversed.
const REVERSED: [bool; ITEMS.len()] = {
    let (mut reversed, mut at) = ([false; ITEMS.len()], 0);
    while at < ITEMS.len() {
        reversed[at] = names(PWB.reversed, ITEMS[at])
            || names(SWB.reversed, ITEMS[at])
            || names(EWB.reversed, ITEMS[at])
            || names(FWB.reversed, ITEMS[at])
            || names(BCS.reversed, ITEMS[at]);
        at += 1;
    }
    reversed
};

const fn names(items: &[&str], item: &str) -> bool {
    let mut at = 0;
    while at < items.len() {
        let (one, other) = (items[at].as_bytes(), item.as_bytes());
        let mut same = 0;
        while same < one.len() && same < other.len() && one[same] == other[same] {
            same += 1;
        }
        if same == one.len() && same == other.len() {
            return true;
        }
        at += 1;
    }
    false
}

/// Items of FACT-G: all but the breast cancer subscale.
const FACT_G_ITEMS: Range<usize> = 0..27;

/// The answer to the item at `index`, none where it was not answered or is no answer at all.
fn answer(answers: &[Option<u8>], index: usize) -> Option<u8> {
    answers.get(index).copied().flatten().filter(|answer| *answer <= TOP)
}

/// Three decimals, as the reference scorer gives every score; totals are sums of what it gives.
fn three_decimals(score: f64) -> f64 {
    (score * 1000.0).round() / 1000.0
}

impl Subscale {
    /// The prorated score: none unless more than half the items were answered.
    fn score(&self, answers: &[Option<u8>]) -> Option<f64> {
        let items = self.items.len();
        let (mut answered, mut sum) = (0_usize, 0_u32);
        for index in self.items.clone() {
            let Some(answer) = answer(answers, index) else { continue };
            sum += u32::from(if REVERSED[index] { TOP - answer } else { answer });
            answered += 1;
        }
        (2 * answered > items).then(|| three_decimals(f64::from(sum) * items as f64 / answered as f64))
    }
}

/// True where more than 80 % of the items in `range` were answered.
fn enough(answers: &[Option<u8>], range: Range<usize>) -> bool {
    let items = range.len();
    5 * range.filter(|index| answer(answers, *index).is_some()).count() > 4 * items
}

fn total(parts: &[Option<f64>]) -> Option<f64> {
    parts.iter().copied().sum::<Option<f64>>().map(three_decimals)
}

/// Scores `answers`, in the order of `ITEMS`, each 0 to 4 (another number counts as not answered).
///
/// A subscale is prorated where more than half its items were answered. FACT-G and the FACT-B total need every one of
/// their subscales and more than 80 % of all their own items (27 and 37); the TOI needs its three subscales only. So the
/// reference scorer has it, whose scores are given to three decimals.
pub fn score(answers: &[Option<u8>]) -> Scores {
    let [pwb, swb, ewb, fwb, bcs] =
        [PWB, SWB, EWB, FWB, BCS].map(|subscale: Subscale| subscale.score(answers));
    Scores {
        pwb,
        swb,
        ewb,
        fwb,
        bcs,
        fact_g: total(&[pwb, swb, ewb, fwb]).filter(|_| enough(answers, FACT_G_ITEMS)),
        toi: total(&[pwb, fwb, bcs]),
        total: total(&[pwb, swb, ewb, fwb, bcs]).filter(|_| enough(answers, 0..ITEMS.len())),
    }
}

/// A questionnaire still counts as the baseline so many days after randomisation, where none was answered before: the
/// first week of a visit's usual window, in which no assessment of the disease has yet been made.
pub const BASELINE_ALLOWANCE_DAYS: i64 = 7;

/// Area under the FACT-B total's curve of one subject.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Auc {
    /// Area in score-weeks from baseline to where it ends.
    pub score_weeks: f64,
    /// Weeks it spans.
    pub weeks: f64,
    /// Time-averaged score: `score_weeks / weeks`.
    pub average: f64,
    /// The rule that ended it, in words.
    pub rule: String,
    /// The events it rests on.
    pub events: Vec<Seq>,
}

/// A score on a day.
#[derive(Clone, Copy)]
struct Point {
    on: Date,
    score: f64,
    event: Option<Seq>,
}

/// The area of `record` by the protocol's rule; none without a baseline total and a later one. `death` is the day of
/// death, imputed where it was partial.
///
/// Baseline is the last total on or before randomisation, or the first within `BASELINE_ALLOWANCE_DAYS` after it. The
/// area runs from the day of the baseline to `auc_to_week` weeks after randomisation by trapezoids over the days the
/// questionnaires were answered. A score on or after the day of death is not used; where the protocol scores death as 0,
/// the curve falls to 0 on the day of death and stays there, and that 0 is the later score of who died before another.
pub fn auc(rule: &QualityOfLife, record: &Record, death: Option<Date>) -> Option<Auc> {
    let start = record.randomised.as_ref()?.value.date;
    let end = plus_days(start, 7 * i64::from(rule.auc_to_week));
    let points = totals(record, death);
    let allowed = plus_days(start, BASELINE_ALLOWANCE_DAYS);
    let first = points
        .iter()
        .rposition(|point| point.on <= start)
        .or_else(|| points.iter().position(|point| point.on <= allowed))?;
    let mut curve = points.get(first..)?.to_vec();
    let ended = close(rule, &mut curve, death, end);
    if curve.len() < 2 {
        return None;
    }
    let days: i64 = days_between(curve.first()?.on, curve.last()?.on);
    let score_days: f64 = curve
        .windows(2)
        .map(|pair| days_between(pair[0].on, pair[1].on) as f64 * f64::midpoint(pair[0].score, pair[1].score))
        .sum();
    let (score_weeks, weeks) = (score_days / 7.0, days as f64 / 7.0);
    let mut events: Vec<Seq> = curve.iter().filter_map(|point| point.event).collect();
    if ended.died {
        events.extend(record.death.iter().map(|death| death.event));
    }
    Some(Auc { score_weeks, weeks, average: score_weeks / weeks, rule: ended.rule, events })
}

/// The totals of `record` before `death`, one a day, in order of date; of two on a day the later entered counts.
fn totals(record: &Record, death: Option<Date>) -> Vec<Point> {
    let mut points: Vec<Point> = record
        .factb
        .iter()
        .filter(|answers| death.is_none_or(|death| answers.date < death))
        .filter_map(|answers| {
            let score = score(&answers.answers).total?;
            Some(Point { on: answers.date, score, event: Some(answers.event) })
        })
        .collect();
    points.sort_by_key(|point| (point.on, std::cmp::Reverse(point.event)));
    points.dedup_by_key(|point| point.on);
    points
}

/// How a curve was ended.
struct Ended {
    rule: String,
    died: bool,
}

/// Ends `curve`, which begins with the baseline, at `end` or by the protocol's rules where its last score is earlier.
fn close(rule: &QualityOfLife, curve: &mut Vec<Point>, death: Option<Date>, end: Date) -> Ended {
    let week = rule.auc_to_week;
    let dies = death.filter(|death| *death <= end);
    if let Some(after) = curve.iter().position(|point| point.on >= end).filter(|after| *after > 0) {
        let exact = curve[after].on == end;
        curve[after] = between(curve[after - 1], curve[after], end);
        curve.truncate(after + 1);
        let how = if exact { "scored that day" } else { "interpolated to the next score" };
        return Ended { rule: format!("to week {week}, {how}"), died: false };
    }
    if let Some(death) = dies.filter(|_| rule.death == DeathScore::Zero) {
        curve.push(Point { on: death, score: 0.0, event: None });
        if death < end {
            curve.push(Point { on: end, score: 0.0, event: None });
        }
        return Ended { rule: format!("to week {week}, 0 from the death on {death}"), died: true };
    }
    let last = curve[curve.len() - 1];
    match (rule.after_last, dies) {
        (AfterLast::StopAndStandardise, _) => Ended {
            rule: format!("stopped at the last score on {}, before week {week}", last.on),
            died: false,
        },
        // A baseline alone is no curve, and carrying it forward would only repeat it.
        (AfterLast::CarryForward, _) if curve.len() < 2 => {
            Ended { rule: "no score after the baseline".into(), died: false }
        }
        (AfterLast::CarryForward, Some(death)) => {
            curve.push(Point { on: death, event: None, ..last });
            let rule = format!("score of {} carried to the death on {death}, before week {week}", last.on);
            Ended { rule, died: true }
        }
        (AfterLast::CarryForward, None) => {
            curve.push(Point { on: end, event: None, ..last });
            Ended { rule: format!("score of {} carried to week {week}", last.on), died: false }
        }
    }
}

/// The point on `day` of the line from `a` to `b`.
fn between(a: Point, b: Point, day: Date) -> Point {
    let share = days_between(a.on, day) as f64 / days_between(a.on, b.on) as f64;
    Point { on: day, score: a.score + share * (b.score - a.score), event: b.event }
}
