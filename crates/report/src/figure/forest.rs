//! Forest plot of the hazard ratios of all analyses on a log axis.
//!
//! Never estimates and never pools. See Lewis and Clarke, BMJ 2001;322:1479-1480.

use std::fmt::Write;

use analysis::results::{AnalysisResult, Comparison, Estimate, Results};

use super::canvas::Shape;
use super::scale::Scale;
use super::{Canvas, Figure, WIDTH, empty, fit};
use crate::link::Links;
use crate::{number, words};

const LABEL: f64 = 8.0;
const EVENTS: f64 = 394.0;
const LEFT: f64 = 412.0;
const RIGHT: f64 = 572.0;
const NUMBERS: f64 = 586.0;
const ROW: f64 = 19.0;

/// Ticks a log axis can have.
pub const TICKS: [f64; 11] = [0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 20.0, 50.0];

struct Row<'a> {
    index: usize,
    analysis: &'a AnalysisResult,
    comparison: &'a Comparison,
}

/// Every hazard ratio with its limits.
pub fn forest(results: &Results, links: &Links<'_>) -> Figure {
    let (name, title) = ("forest", "Hazard ratios of all analyses");
    let rows: Vec<Row<'_>> = (results.analyses.iter().enumerate())
        .flat_map(|(index, analysis)| {
            words::comparisons(analysis).map(move |comparison| Row { index, analysis, comparison })
        })
        .collect();
    if rows.is_empty() {
        return empty(name, title, "No analysis compares two arms yet.");
    }
    let endpoints = rows.chunk_by(|a, b| a.analysis.endpoint == b.analysis.endpoint).count();
    let top = 34.0;
    let bottom = top + ROW * (rows.len() + endpoints) as f64 + 6.0;
    let mut canvas = Canvas::new(WIDTH, bottom + 50.0);
    let (low, high) = span(&rows);
    let x = Scale::new((low.ln(), high.ln()), (LEFT, RIGHT));
    axis(&mut canvas, &rows, &x, (low, high), (top, bottom));
    let mut y = top;
    for group in rows.chunk_by(|a, b| a.analysis.endpoint == b.analysis.endpoint) {
        y += ROW;
        canvas.text(LABEL, y, "t b", &fit(&group[0].analysis.endpoint_label, EVENTS - 60.0, 11.5));
        for row in group {
            y += ROW;
            draw(&mut canvas, row, several(results), &x, (low, high), y, links);
        }
    }
    let note = "Squares: hazard ratios, larger with more events; lines: confidence limits; arrows: beyond the axis. \
                Main analyses are solid, sensitivity analyses open."
        .into();
    Figure { name: name.into(), analysis: None, title: title.into(), desc: describe(&rows), note, canvas }
}

fn several(results: &Results) -> bool {
    results.arms.len() > 2
}

fn describe(rows: &[Row<'_>]) -> String {
    let mut text = String::new();
    for row in rows {
        let ratio = number::hazard_ratio(&row.comparison.hazard_ratio, row.analysis.confidence);
        let _ =
            write!(text, "{}: {ratio}, {}. ", row.analysis.label, number::p_equals(row.comparison.logrank_p));
    }
    text
}

/// The ends of the axis: the nearest ticks around all limits and 1, within 0.02 and 50.
fn span(rows: &[Row<'_>]) -> (f64, f64) {
    let ratios: Vec<&Estimate> = rows.iter().map(|row| &row.comparison.hazard_ratio).collect();
    span_of(&ratios)
}

/// The same of any ratios.
pub fn span_of(ratios: &[&Estimate]) -> (f64, f64) {
    let values: Vec<f64> = ratios
        .iter()
        .flat_map(|hr| [hr.value, hr.lower, hr.upper])
        .flatten()
        .filter(|v| v.is_finite() && *v > 0.0)
        .collect();
    let least = values.iter().copied().fold(0.5, f64::min);
    let most = values.iter().copied().fold(2.0, f64::max);
    let low = TICKS.iter().rev().find(|tick| **tick <= least * 1.05).copied().unwrap_or(TICKS[0]);
    let high = TICKS.iter().find(|tick| **tick >= most * 0.95).copied().unwrap_or(TICKS[TICKS.len() - 1]);
    (low, high)
}

fn axis(
    canvas: &mut Canvas,
    rows: &[Row<'_>],
    x: &Scale,
    (low, high): (f64, f64),
    (top, bottom): (f64, f64),
) {
    canvas.text(LABEL, 16.0, "ts mut", "Endpoint and analysis");
    canvas.text(EVENTS, 16.0, "ts mut e", "Events / n");
    let level = rows.first().map_or(0.95, |row| row.analysis.confidence);
    canvas.text(NUMBERS, 16.0, "ts mut", &format!("HR ({} % CI)", number::level(level)));
    canvas.text(WIDTH - 8.0, 16.0, "ts mut e", "p");
    let same = rows.iter().all(|row| {
        (&row.comparison.arm, &row.comparison.control)
            == (&rows[0].comparison.arm, &rows[0].comparison.control)
    });
    let (arm, control) = if same {
        (rows[0].comparison.arm.to_string(), rows[0].comparison.control.to_string())
    } else {
        ("the arm".to_owned(), "control".to_owned())
    };
    ratio_axis(canvas, x, (low, high), (LEFT, RIGHT), (top, bottom));
    favours(canvas, x, bottom, &arm, &control);
}

/// A log axis of ratios from `low` to `high`, each tick with its line from `top` to `bottom`; 1 stands out.
pub fn ratio_axis(
    canvas: &mut Canvas,
    x: &Scale,
    (low, high): (f64, f64),
    (left, right): (f64, f64),
    (top, bottom): (f64, f64),
) {
    for tick in TICKS.iter().filter(|tick| **tick >= low && **tick <= high) {
        let at = x.at(tick.ln());
        canvas.line(at, top - 8.0, at, bottom, if *tick == 1.0 { "ax" } else { "gr" });
        canvas.line(at, bottom, at, bottom + 4.0, "ax");
        canvas.text(at, bottom + 17.0, "t m", &number::short(*tick, 2));
    }
    canvas.line(left, bottom, right, bottom, "ax");
}

/// Which arm each side of 1 favours, under the axis at `bottom`.
pub fn favours(canvas: &mut Canvas, x: &Scale, bottom: f64, arm: &str, control: &str) {
    let one = x.at(0.0);
    canvas.text(one - 10.0, bottom + 38.0, "ts e", &format!("← favours {}", fit(arm, 110.0, 10.0)));
    canvas.text(one + 10.0, bottom + 38.0, "ts", &format!("favours {} →", fit(control, 110.0, 10.0)));
}

fn draw(
    canvas: &mut Canvas,
    row: &Row<'_>,
    name_arms: bool,
    x: &Scale,
    ends: (f64, f64),
    y: f64,
    links: &Links<'_>,
) {
    let (analysis, comparison) = (row.analysis, row.comparison);
    let events: usize = analysis.arms.iter().map(|arm| arm.events).sum();
    let n: usize = analysis.arms.iter().map(|arm| arm.n).sum();
    let label = if name_arms {
        format!("{} ({} against {})", analysis.label, comparison.arm, comparison.control)
    } else {
        analysis.label.clone()
    };
    let href = links.live().then(|| format!("#a{}", row.index));
    canvas.group("", href.as_deref(), &label, |c| {
        let (class, size) = if analysis.main { ("t", 11.5) } else { ("ts", 10.0) };
        c.text(LABEL + 10.0, y, class, &fit(&label, EVENTS - 66.0, size));
    });
    let hr = &comparison.hazard_ratio;
    let to = links.live().then(|| format!("#c{}", row.index));
    canvas.group("", to.as_deref(), "", |c| {
        c.text(EVENTS, y, "t e", &format!("{} / {}", number::count(events), number::count(n)));
        let class = if analysis.main { "t b" } else { "t" };
        c.text(NUMBERS, y, class, &number::with_limits(hr, 2, number::NOT_ESTIMABLE));
        c.text(WIDTH - 8.0, y, "t e", &number::p(comparison.logrank_p));
    });
    let Some(value) = hr.value.filter(|v| v.is_finite() && *v > 0.0) else { return };
    let middle = y - 4.0;
    interval(canvas, hr.lower, hr.upper, x, ends, (LEFT, RIGHT), middle);
    let size = (3.0 + (events as f64).sqrt() * 0.35).min(7.0);
    let class = if analysis.main { "f0" } else { "l0 open" };
    canvas.shape(Shape::Square, x.at(value.ln()), middle, size, class);
}

/// The limits as a line; an arrow where one lies beyond the axis or does not exist.
pub fn interval(
    canvas: &mut Canvas,
    lower: Option<f64>,
    upper: Option<f64>,
    x: &Scale,
    (low, high): (f64, f64),
    (left, right): (f64, f64),
    y: f64,
) {
    if lower.is_none() && upper.is_none() {
        return;
    }
    let from = lower.filter(|v| *v >= low);
    let to = upper.filter(|v| *v <= high);
    let (start, end) = (from.map_or(left, |v| x.at(v.ln())), to.map_or(right, |v| x.at(v.ln())));
    canvas.line(start, y, end, y, "l0 whole");
    match from {
        Some(_) => canvas.line(start, y - 3.0, start, y + 3.0, "ax"),
        None => canvas.path(&format!("M{start} {y}l7 -4v8Z"), "arrow"),
    }
    match to {
        Some(_) => canvas.line(end, y - 3.0, end, y + 3.0, "ax"),
        None => canvas.path(&format!("M{end} {y}l-7 -4v8Z"), "arrow"),
    }
}
