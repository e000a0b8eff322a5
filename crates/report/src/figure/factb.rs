//! Quality of life over time: means with limits by arm and planned week, who answered, and the time-averaged score.
//!
//! Never scores. See Calvert et al. (CONSORT-PRO), JAMA 2013;309:814-822.

use std::fmt::Write;

use analysis::results::{ArmName, QualityPoint, QualityResult, Results};

use super::canvas::ARM_SHAPES;
use super::scale::{Scale, ticks};
use super::{Canvas, Figure, WIDTH, arm_legend, empty, fit, look};
use crate::behind::Of;
use crate::link::Links;
use crate::{number, words};

const LEFT: f64 = 84.0;
const RIGHT: f64 = 524.0;
const SIDE: f64 = 596.0;
const TOP: f64 = 52.0;
const BOTTOM: f64 = 290.0;
const ROW: f64 = 16.0;

/// Means over time and the time-averaged scores.
pub fn factb(results: &Results, quality: &QualityResult, links: &Links<'_>) -> Figure {
    let name = "factb";
    let title = format!("{} over time and time-averaged, by arm", quality.score);
    if quality.by_week.iter().all(|point| point.mean.value.is_none()) {
        return empty(name, &title, "No questionnaire could be scored yet.");
    }
    let risk = BOTTOM + 56.0;
    let mut canvas = Canvas::new(WIDTH, risk + ROW * results.arms.len() as f64 + 6.0);
    arm_legend(&mut canvas, results, 14.0, |c, x, y, i| {
        c.line(x, y, x + 30.0, y, &format!("l{}", look(i)));
        c.shape(ARM_SHAPES[look(i)], x + 15.0, y, 3.6, &format!("f{}", look(i)));
    });
    let (y, marks) = range(quality);
    let weeks = weeks(quality);
    let x =
        Scale::new((0.0, f64::from(weeks.last().copied().unwrap_or(1).max(1))), (LEFT + 24.0, RIGHT - 20.0));
    axes(&mut canvas, quality, &marks, &y, &weeks, &x);
    let arms = results.arms.len();
    for (i, arm) in results.arms.iter().enumerate() {
        let shift = (i as f64 - (arms as f64 - 1.0) / 2.0) * 7.0;
        means(&mut canvas, quality, arm, look(i), shift, (&x, &y));
        average(&mut canvas, quality, arm, (i, arms), &y, links);
        answered(&mut canvas, (quality, arm, i), &weeks, &x, risk, links);
    }
    canvas.text(8.0, risk - 4.0, "ts b", "Scored / expected");
    canvas.text(
        f64::midpoint(SIDE, WIDTH - 12.0),
        BOTTOM + 34.0,
        "t m",
        &format!("Weeks 0 to {}", quality.to_week),
    );
    let whole = marks.first() == Some(&0.0) && marks.last().is_some_and(|last| *last >= quality.maximum);
    let mut note = "Means with confidence limits. Right: mean of the time-averaged scores (area under the curve / weeks).".to_owned();
    if !whole {
        let _ =
            write!(note, " The axis shows a part of the range 0 to {}.", number::short(quality.maximum, 1));
    }
    Figure { name: name.into(), analysis: None, title, desc: describe(results, quality), note, canvas }
}

fn describe(results: &Results, quality: &QualityResult) -> String {
    let mut text = String::new();
    for area in &quality.auc {
        let label = words::arm_label(results, &area.arm);
        let average = number::with_limits(&area.average, 1, number::NOT_ESTIMABLE);
        let _ = write!(text, "{label}: time-averaged score {average}, {} subjects. ", area.n);
    }
    text
}

fn weeks(quality: &QualityResult) -> Vec<u32> {
    let mut weeks: Vec<u32> = quality.by_week.iter().map(|point| point.week).collect();
    weeks.sort_unstable();
    weeks.dedup();
    weeks
}

/// An axis around all means and limits, within what the score can be.
fn range(quality: &QualityResult) -> (Scale, Vec<f64>) {
    let points = quality.by_week.iter().map(|point| &point.mean);
    let values: Vec<f64> = points
        .chain(quality.auc.iter().map(|area| &area.average))
        .flat_map(|e| [e.value, e.lower, e.upper])
        .flatten()
        .filter(|v| v.is_finite())
        .map(|v| v.clamp(0.0, quality.maximum))
        .collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let marks = ticks(low, high.max(low + quality.maximum / 12.0), 5);
    let ends = (marks.first().copied().unwrap_or(0.0), marks.last().copied().unwrap_or(quality.maximum));
    (Scale::new(ends, (BOTTOM, TOP)), marks)
}

fn axes(canvas: &mut Canvas, quality: &QualityResult, marks: &[f64], y: &Scale, weeks: &[u32], x: &Scale) {
    let side_end = WIDTH - 12.0;
    for mark in marks {
        canvas.line(LEFT, y.at(*mark), RIGHT, y.at(*mark), "gr");
        canvas.line(SIDE, y.at(*mark), side_end, y.at(*mark), "gr");
        canvas.text(LEFT - 8.0, y.at(*mark) + 4.0, "t e", &number::short(*mark, 1));
        canvas.text(SIDE - 8.0, y.at(*mark) + 4.0, "t e", &number::short(*mark, 1));
    }
    for (from, to) in [(LEFT, RIGHT), (SIDE, side_end)] {
        canvas.line(from, TOP, from, BOTTOM, "ax");
        canvas.line(from, BOTTOM, to, BOTTOM, "ax");
    }
    let by = weeks.len().div_ceil(9).max(1);
    for week in weeks.iter().step_by(by) {
        let at = x.at(f64::from(*week));
        canvas.line(at, BOTTOM, at, BOTTOM + 4.0, "ax");
        canvas.text(at, BOTTOM + 16.0, "t m", &week.to_string());
    }
    canvas.text(f64::midpoint(LEFT, RIGHT), BOTTOM + 34.0, "t m", "Weeks from randomisation");
    let label = format!("{} (0 to {})", quality.score, number::short(quality.maximum, 1));
    canvas.text_up(40.0, f64::midpoint(TOP, BOTTOM), "t m", &fit(&label, BOTTOM - TOP, 11.5));
    canvas.text(LEFT, TOP - 14.0, "ts b", "Mean by planned week");
    canvas.text(SIDE - 24.0, TOP - 14.0, "ts b", "Time-averaged mean");
}

fn of_arm<'a>(quality: &'a QualityResult, arm: &'a ArmName) -> impl Iterator<Item = &'a QualityPoint> {
    quality.by_week.iter().filter(|point| point.arm == arm.id)
}

fn means(
    canvas: &mut Canvas,
    quality: &QualityResult,
    arm: &ArmName,
    class: usize,
    shift: f64,
    (x, y): (&Scale, &Scale),
) {
    let mut line = Vec::new();
    for point in of_arm(quality, arm) {
        let Some(mean) = point.mean.value else { continue };
        let at = x.at(f64::from(point.week)) + shift;
        if let (Some(lower), Some(upper)) = (point.mean.lower, point.mean.upper) {
            whisker(canvas, at, (y.at(lower), y.at(upper)), class);
        }
        line.push((at, y.at(mean)));
    }
    if line.len() > 1 {
        canvas.polyline(&line, &format!("l{class}"));
    }
    for (at, mean) in line {
        canvas.shape(ARM_SHAPES[class], at, mean, 3.8, &format!("f{class}"));
    }
}

/// Limits as a line with ends.
pub fn whisker(canvas: &mut Canvas, x: f64, (lower, upper): (f64, f64), class: usize) {
    let line = format!("l{class} tick");
    canvas.line(x, lower, x, upper, &line);
    canvas.line(x - 3.0, lower, x + 3.0, lower, &line);
    canvas.line(x - 3.0, upper, x + 3.0, upper, &line);
}

fn average(
    canvas: &mut Canvas,
    quality: &QualityResult,
    arm: &ArmName,
    (i, of): (usize, usize),
    y: &Scale,
    links: &Links<'_>,
) {
    let each = (WIDTH - 12.0 - SIDE) / of.max(1) as f64;
    let at = SIDE + each * (i as f64 + 0.5);
    let class = look(i);
    canvas.text(at, BOTTOM + 16.0, &format!("t b m c{class}"), &fit(arm.id.as_str(), each, 11.5));
    let Some(area) = quality.auc.iter().find(|area| area.arm == arm.id) else { return };
    let Some(mean) = area.average.value else { return };
    if let (Some(lower), Some(upper)) = (area.average.lower, area.average.upper) {
        whisker(canvas, at, (y.at(lower), y.at(upper)), class);
    }
    canvas.shape(ARM_SHAPES[class], at, y.at(mean), 4.6, &format!("f{class}"));
    let href = links.live().then_some("#auc");
    canvas.linked(at + 9.0, y.at(mean) + 4.0, "ts", &number::decimals(mean, 1), href);
}

fn answered(
    canvas: &mut Canvas,
    (quality, arm, row): (&QualityResult, &ArmName, usize),
    weeks: &[u32],
    x: &Scale,
    top: f64,
    links: &Links<'_>,
) {
    let y = top + 12.0 + ROW * row as f64;
    canvas.text(8.0, y, &format!("t b c{}", look(row)), &fit(arm.id.as_str(), 60.0, 11.5));
    let by = weeks.len().div_ceil(9).max(1);
    for week in weeks.iter().step_by(by) {
        let found = of_arm(quality, arm).find(|point| point.week == *week);
        let text = found.map_or_else(|| "–".into(), |point| format!("{}/{}", point.scored.n, point.expected));
        let href = links.behind(Of::Week(*week), Some(row), None);
        canvas.linked(x.at(f64::from(*week)), y, "ts m", &text, href.as_deref());
    }
}
