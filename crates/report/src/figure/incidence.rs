//! Cumulative incidence of each cause of an endpoint, a panel a cause, the arms in each.
//!
//! Never estimates. See Pintilie, Competing Risks (2006), chapter 4.

use std::fmt::Write;

use analysis::results::{AnalysisResult, ArmIncidence, CauseIncidence, Estimate, Results};

use super::canvas::px;
use super::scale::{Scale, month_ticks};
use super::{Canvas, Figure, WIDTH, arm_legend, fit, look};
use crate::link::Links;
use crate::{number, words};

const TOP: f64 = 64.0;
const BOTTOM: f64 = 276.0;
const FIRST: f64 = 56.0;
const GAP: f64 = 46.0;

/// The causes of the main analysis at `index`; none where none competes.
pub fn incidence(results: &Results, index: usize, links: &Links<'_>) -> Option<Figure> {
    let analysis = &results.analyses[index];
    let causes = &analysis.further.incidence;
    if causes.is_empty() {
        return None;
    }
    let mut canvas = Canvas::new(WIDTH, BOTTOM + 46.0);
    arm_legend(&mut canvas, results, 14.0, |c, x, y, i| {
        c.line(x, y, x + 30.0, y, &format!("l{}", look(i)));
    });
    let each = (WIDTH - FIRST - 14.0 - GAP * (causes.len() as f64 - 1.0)) / causes.len() as f64;
    for (i, cause) in causes.iter().enumerate() {
        let left = FIRST + (each + GAP) * i as f64;
        panel(&mut canvas, results, (index, analysis), cause, (left, left + each), links);
    }
    canvas.text_up(16.0, f64::midpoint(TOP, BOTTOM), "t m", "Cumulative incidence, %");
    Some(Figure {
        name: format!("incidence-{}", words::slug(&analysis.id)),
        analysis: None,
        title: format!("{}: cumulative incidence of each cause", analysis.endpoint_label),
        desc: describe(results, causes),
        note: format!(
            "Aalen-Johansen, with {} % confidence bands; a subject who had one cause can no longer have the other.",
            number::level(analysis.confidence)
        ),
        canvas,
    })
}

fn describe(results: &Results, causes: &[CauseIncidence]) -> String {
    let mut text = String::new();
    for cause in causes {
        for arm in &cause.arms {
            let label = words::arm_label(results, &arm.arm);
            let _ = write!(text, "{}, {label}: {} of {}. ", cause.cause, arm.events, arm.n);
        }
        if let Some(gray) = &cause.gray {
            let _ = write!(text, "Gray's test {}. ", number::p_equals(gray.p));
        }
    }
    text
}

fn panel(
    canvas: &mut Canvas,
    results: &Results,
    (index, analysis): (usize, &AnalysisResult),
    cause: &CauseIncidence,
    (left, right): (f64, f64),
    links: &Links<'_>,
) {
    let last = cause.arms.iter().filter_map(|arm| arm.curve.last()).map(|(m, _)| *m).fold(1.0, f64::max);
    let months = month_ticks(last);
    let x = Scale::new((0.0, last.max(months[1])), (left, right));
    let y = Scale::new((0.0, 1.0), (BOTTOM, TOP));
    let title = words::capital(&cause.cause);
    canvas.text(left, TOP - 26.0, "t b", &fit(&title, right - left, 11.5));
    if let Some(gray) = &cause.gray {
        let href = links.live().then(|| format!("#c{index}"));
        let kind = if cause.stratified { "Gray's test, stratified: " } else { "Gray's test: " };
        canvas.linked(
            left,
            TOP - 12.0,
            "ts",
            &format!("{kind}{}", number::p_equals(gray.p)),
            href.as_deref(),
        );
    }
    for percent in [0, 25, 50, 75, 100] {
        let at = y.at(f64::from(percent) / 100.0);
        canvas.line(left, at, right, at, "gr");
        canvas.text(left - 8.0, at + 4.0, "t e", &percent.to_string());
    }
    let shown: Vec<f64> = months.into_iter().filter(|month| *month <= last.max(3.0) + 1e-9).collect();
    let by = shown.len().div_ceil(7).max(1);
    for month in shown.iter().step_by(by) {
        canvas.line(x.at(*month), BOTTOM, x.at(*month), BOTTOM + 4.0, "ax");
        canvas.text(x.at(*month), BOTTOM + 17.0, "t m", &number::short(*month, 1));
    }
    let from = match analysis.origin {
        trial::protocol::Origin::Randomisation => "Months from randomisation",
        trial::protocol::Origin::StrategyFailure => "Months from strategy failure",
    };
    canvas.text(f64::midpoint(left, right), BOTTOM + 36.0, "t m", from);
    for arm in &cause.arms {
        band(canvas, arm, look(words::arm_index(results, &arm.arm)), &x, &y);
    }
    for arm in &cause.arms {
        let class = look(words::arm_index(results, &arm.arm));
        canvas.polyline(&steps(arm, |e| e.value, &x, &y), &format!("l{class}"));
    }
    canvas.line(left, TOP, left, BOTTOM, "ax");
    canvas.line(left, BOTTOM, right, BOTTOM, "ax");
}

/// A limit that does not exist stands at the value.
fn steps(arm: &ArmIncidence, of: impl Fn(&Estimate) -> Option<f64>, x: &Scale, y: &Scale) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (months, estimate) in &arm.curve {
        let value = of(estimate).or(estimate.value).unwrap_or(0.0);
        let at = (x.at(*months), y.at(value));
        points.extend(points.last().map(|before| (at.0, before.1)));
        points.push(at);
    }
    points.dedup();
    points
}

fn band(canvas: &mut Canvas, arm: &ArmIncidence, class: usize, x: &Scale, y: &Scale) {
    let (upper, lower) = (steps(arm, |e| e.upper, x, y), steps(arm, |e| e.lower, x, y));
    if upper.len() < 2 {
        return;
    }
    let mut d = String::new();
    for (i, (at, height)) in upper.iter().chain(lower.iter().rev()).enumerate() {
        let _ = write!(d, "{}{} {}", if i == 0 { 'M' } else { 'L' }, px(*at), px(*height));
    }
    d.push('Z');
    canvas.path(&d, &format!("b{class}"));
}
