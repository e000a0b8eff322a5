//! Whether hazards are proportional, to look at: curves on log-log axes, and scaled Schoenfeld residuals with their trend.
//!
//! Never smooths and never tests: the axes are transformed, the numbers are `analysis`'s. Proportional hazards are parallel
//! curves and a level trend (Grambsch and Therneau, Biometrika 1994;81:515-526).

use std::fmt::Write;

use analysis::results::{AnalysisResult, HazardCheck, Results};

use super::canvas::ARM_SHAPES;
use super::scale::{Scale, ticks};
use super::{Canvas, Figure, WIDTH, arm_legend, every_kth, look};
use crate::link::Links;
use crate::{number, words};

const LEFT: (f64, f64) = (70.0, 362.0);
const RIGHT: (f64, f64) = (446.0, WIDTH - 16.0);
const TOP: f64 = 58.0;
const BOTTOM: f64 = 300.0;
const MOST_POINTS: usize = 2_000;
/// Months a log axis is labelled at.
const MONTHS: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 60.0];

/// The check at `place` of the main analysis at `index`.
pub fn hazards(results: &Results, index: usize, place: usize, links: &Links<'_>) -> Option<Figure> {
    let analysis = &results.analyses[index];
    let check = analysis.further.hazards.get(place)?;
    let mut canvas = Canvas::new(WIDTH, BOTTOM + 46.0);
    arm_legend(&mut canvas, results, 14.0, |c, x, y, i| {
        c.line(x, y, x + 30.0, y, &format!("l{}", look(i)));
    });
    log_log(&mut canvas, results, analysis, check);
    residuals(&mut canvas, check, links);
    let suffix = if place == 0 { String::new() } else { format!("-{}", place + 1) };
    let against = format!("{} against {}", check.arm, check.control);
    Some(Figure {
        name: format!("hazards-{}{suffix}", words::slug(&analysis.id)),
        analysis: None,
        title: format!("{}: are the hazards proportional? {against}", analysis.endpoint_label),
        desc: describe(check),
        note: "Left: Kaplan-Meier curves on log-log axes, parallel where hazards are proportional. Right: scaled Schoenfeld \
               residuals, one an event, over the share of events that time has brought (1 \u{2212} Kaplan-Meier); dashed, \
               the line of least squares, level where the hazard ratio does not change; dotted, the log hazard ratio of \
               the model."
            .into(),
        canvas,
    })
}

fn describe(check: &HazardCheck) -> String {
    let mut text = format!("{} events. ", check.residuals.len());
    for test in &check.tests {
        let _ = write!(text, "Test over {}: {}. ", test.over, number::p_equals(test.p));
    }
    text
}

/// `-log S` at months after 0, where the curve is neither 1 nor 0.
fn points(analysis: &AnalysisResult, arm: usize) -> Vec<(f64, f64)> {
    let steps = analysis.arms.get(arm).map_or(&[][..], |arm| &arm.curve);
    steps
        .iter()
        .filter(|p| p.months > 0.0 && p.events > 0 && p.survival > 0.0 && p.survival < 1.0)
        .map(|p| (p.months, -p.survival.ln()))
        .collect()
}

fn log_log(canvas: &mut Canvas, results: &Results, analysis: &AnalysisResult, check: &HazardCheck) {
    let shown: Vec<usize> = (0..analysis.arms.len())
        .filter(|i| [&check.arm, &check.control].contains(&&analysis.arms[*i].arm))
        .collect();
    let all: Vec<(f64, f64)> = shown.iter().flat_map(|i| points(analysis, *i)).collect();
    frame(canvas, LEFT, "Cumulative hazard against months, both on log scales");
    let least = all.iter().map(|p| p.0).fold(f64::INFINITY, f64::min);
    let most = all.iter().map(|p| p.0).fold(f64::NEG_INFINITY, f64::max);
    if least >= most {
        canvas.text(f64::midpoint(LEFT.0, LEFT.1), 170.0, "ts m mut", "Too few events to draw.");
        return;
    }
    let from = MONTHS.iter().rfind(|month| **month <= least).copied().unwrap_or(least);
    let x = Scale::new((from.ln(), most.ln()), LEFT);
    let (low, high) =
        all.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), p| (l.min(p.1.ln()), h.max(p.1.ln())));
    let marks = ticks(low, high, 5);
    let y = Scale::new((marks[0], marks[marks.len() - 1]), (BOTTOM, TOP));
    for mark in &marks {
        canvas.line(LEFT.0, y.at(*mark), LEFT.1, y.at(*mark), "gr");
        canvas.text(LEFT.0 - 8.0, y.at(*mark) + 4.0, "t e", &number::short(*mark, 1));
    }
    for month in MONTHS.iter().filter(|month| **month >= from && **month <= most) {
        canvas.line(x.at(month.ln()), BOTTOM, x.at(month.ln()), BOTTOM + 4.0, "ax");
        canvas.text(x.at(month.ln()), BOTTOM + 17.0, "t m", &number::short(*month, 2));
    }
    canvas.text(f64::midpoint(LEFT.0, LEFT.1), BOTTOM + 36.0, "t m", "Months (log scale)");
    canvas.text_up(LEFT.0 - 42.0, f64::midpoint(TOP, BOTTOM), "t m", "log(\u{2212}log S)");
    for i in shown {
        let mut line: Vec<(f64, f64)> = Vec::new();
        for (months, hazard) in points(analysis, i) {
            let at = (x.at(months.ln()), y.at(hazard.ln()));
            line.extend(line.last().map(|before| (at.0, before.1)));
            line.push(at);
        }
        let class = look(words::arm_index(results, &analysis.arms[i].arm));
        canvas.polyline(&line, &format!("l{class}"));
    }
    frame_lines(canvas, LEFT);
}

fn residuals(canvas: &mut Canvas, check: &HazardCheck, links: &Links<'_>) {
    frame(canvas, RIGHT, "Scaled Schoenfeld residuals (log hazard ratio by time)");
    let all = &check.residuals;
    let most = all.iter().map(|r| r.place).fold(0.0, f64::max);
    if all.len() < 3 || most <= 0.0 {
        canvas.text(f64::midpoint(RIGHT.0, RIGHT.1), 170.0, "ts m mut", "Too few events to draw.");
        return;
    }
    let x = Scale::new((0.0, most * 1.02), RIGHT);
    let (low, high) = all.iter().fold((0.0_f64, 0.0_f64), |(l, h), r| (l.min(r.value), h.max(r.value)));
    let marks = ticks(low, high, 6);
    let y = Scale::new((marks[0], marks[marks.len() - 1]), (BOTTOM, TOP));
    for mark in &marks {
        canvas.line(RIGHT.0, y.at(*mark), RIGHT.1, y.at(*mark), "gr");
        canvas.text(RIGHT.0 - 8.0, y.at(*mark) + 4.0, "t e", &number::short(*mark, 1));
    }
    for place in every_kth(all.len(), 6) {
        let r = &all[place];
        canvas.line(x.at(r.place), BOTTOM, x.at(r.place), BOTTOM + 4.0, "ax");
        canvas.text(x.at(r.place), BOTTOM + 17.0, "t m", &number::decimals(r.months, 1));
    }
    canvas.text(
        f64::midpoint(RIGHT.0, RIGHT.1),
        BOTTOM + 36.0,
        "t m",
        "Months, at equal steps of 1 \u{2212} Kaplan-Meier",
    );
    canvas.line(RIGHT.0, y.at(check.log_hazard_ratio), RIGHT.1, y.at(check.log_hazard_ratio), "ref");
    for place in every_kth(all.len(), MOST_POINTS) {
        let r = &all[place];
        let href = r.subject.as_ref().and_then(|subject| links.subject(subject));
        let title = href.as_ref().and(r.subject.as_ref()).map(ToString::to_string).unwrap_or_default();
        canvas.group("", href.as_deref(), &title, |c| {
            c.shape(ARM_SHAPES[0], x.at(r.place), y.at(r.value), 2.6, "f5");
        });
    }
    if let Some((at_0, slope)) = check.trend {
        let end = most * 1.02;
        canvas.line(RIGHT.0, y.at(at_0), RIGHT.1, y.at(at_0 + slope * end), "l5");
    }
    if let Some(test) = check.tests.first() {
        canvas.text(RIGHT.1, TOP - 6.0, "ts e", &format!("Grambsch-Therneau {}", number::p_equals(test.p)));
    }
    frame_lines(canvas, RIGHT);
}

fn frame(canvas: &mut Canvas, panel: (f64, f64), title: &str) {
    canvas.text(panel.0 - 30.0, TOP - 20.0, "ts b", title);
}

fn frame_lines(canvas: &mut Canvas, panel: (f64, f64)) {
    canvas.line(panel.0, TOP, panel.0, BOTTOM, "ax");
    canvas.line(panel.0, BOTTOM, panel.1, BOTTOM, "ax");
}
