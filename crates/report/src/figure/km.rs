//! Kaplan-Meier curves: steps, confidence bands, censor ticks, medians, the comparison, numbers at risk under their months.
//!
//! Never estimates: every point comes from `analysis`. See Pocock, Clayton and Altman, Lancet 2002;359:1686-1689.

use std::fmt::Write;

use analysis::results::{AnalysisResult, ArmEstimate, CurvePoint, Results};
use trial::protocol::Origin;

use super::canvas::px;
use super::scale::{Scale, month_ticks};
use super::{Canvas, Figure, WIDTH, empty, fit, look};
use crate::link::Links;
use crate::{number, words};

const LEFT: f64 = 84.0;
const RIGHT: f64 = WIDTH - 22.0;
const PLOT: f64 = 270.0;
const ROW: f64 = 17.0;
const COMPARISON: f64 = 19.0;
/// More labels than this would touch.
const MOST_LABELS: usize = 14;

/// The curves of the analysis at `index`.
pub fn kaplan_meier(results: &Results, index: usize, links: &Links<'_>) -> Figure {
    let analysis = &results.analyses[index];
    let name = format!("km-{}", words::slug(&analysis.id));
    let title = format!("{}: Kaplan-Meier curves", analysis.endpoint_label);
    if analysis.arms.iter().all(|arm| arm.n == 0) {
        let figure = empty(&name, &title, "No subject is in this analysis yet.");
        return Figure { analysis: Some(index), ..figure };
    }
    let top = 26.0 + ROW * analysis.arms.len() as f64 + COMPARISON * comparison(analysis).len() as f64 + 14.0;
    let bottom = top + PLOT;
    let risk = bottom + 58.0;
    let height = risk + ROW * analysis.arms.len() as f64 + 4.0;
    let mut canvas = Canvas::new(WIDTH, height);
    heading(&mut canvas, results, index, links);
    let months = x_ticks(analysis);
    let x = Scale::new((0.0, x_end(analysis, &months)), (LEFT, RIGHT));
    let y = Scale::new((0.0, 1.0), (bottom, top));
    axes(&mut canvas, analysis, &months, &x, (top, bottom));
    for arm in &analysis.arms {
        band(&mut canvas, arm, look(words::arm_index(results, &arm.arm)), &x, &y);
    }
    for arm in &analysis.arms {
        curve(&mut canvas, arm, look(words::arm_index(results, &arm.arm)), &x, &y);
    }
    at_risk(&mut canvas, results, index, &months, (&x, risk), links);
    let note = format!(
        "Shaded: {} % confidence bands. Short upright marks: censored. Dotted lines: medians. Below: numbers at risk.",
        number::level(analysis.confidence)
    );
    Figure { name, title, analysis: Some(index), desc: describe(results, analysis), note, canvas }
}

fn describe(results: &Results, analysis: &AnalysisResult) -> String {
    let mut text = String::new();
    for arm in &analysis.arms {
        let _ = write!(
            text,
            "{}: {} subjects, {} events, median {} months. ",
            words::arm_label(results, &arm.arm),
            arm.n,
            arm.events,
            number::months(&arm.median_months)
        );
    }
    text.push_str(&comparison(analysis).join(". "));
    text
}

/// What the axis counts.
fn months_from(analysis: &AnalysisResult) -> &'static str {
    match analysis.origin {
        Origin::Randomisation => "Months from randomisation",
        Origin::StrategyFailure => "Months from strategy failure",
    }
}

/// The comparisons in lines of words.
fn comparison(analysis: &AnalysisResult) -> Vec<String> {
    let mut lines: Vec<String> = words::comparisons(analysis)
        .map(|c| {
            format!(
                "{} against {}: {}; {} {}",
                c.arm,
                c.control,
                number::hazard_ratio(&c.hazard_ratio, analysis.confidence),
                words::test(analysis),
                number::p_equals(c.logrank_p)
            )
        })
        .collect();
    if let Some(overall) = &analysis.overall {
        let test = words::test(analysis);
        lines.push(format!(
            "All arms: {test} on {} degrees of freedom, {}",
            overall.df,
            number::p_equals(overall.p)
        ));
    }
    lines
}

/// Who is who, with events and median, and the comparison: above the axes, where no curve runs.
fn heading(canvas: &mut Canvas, results: &Results, index: usize, links: &Links<'_>) {
    let analysis = &results.analyses[index];
    let median = format!("Median, months ({} % CI)", number::level(analysis.confidence));
    canvas.text(LEFT + 396.0, 14.0, "ts mut e", "Events / n");
    canvas.text(LEFT + 424.0, 14.0, "ts mut", &median);
    let mut y = 14.0;
    for arm in &analysis.arms {
        y += ROW;
        let i = words::arm_index(results, &arm.arm);
        let class = look(i);
        canvas.line(LEFT, y - 4.0, LEFT + 30.0, y - 4.0, &format!("l{class}"));
        let label = results.arms.get(i).map_or_else(|| arm.arm.to_string(), words::arm_name);
        canvas.text(LEFT + 38.0, y, &format!("t b c{class}"), &fit(&label, 300.0, 11.5));
        let href = links.contributions(index, i);
        let events = format!("{} / {}", number::count(arm.events), number::count(arm.n));
        canvas.linked(LEFT + 396.0, y, "t e", &events, href.as_deref());
        canvas.linked(LEFT + 424.0, y, "t", &number::months(&arm.median_months), href.as_deref());
    }
    for line in comparison(analysis) {
        y += COMPARISON;
        let href = links.live().then(|| format!("#c{index}"));
        canvas.linked(LEFT, y, "t b", &line, href.as_deref());
    }
}

/// Months with a number at risk, so that label and number stand under one another; thinned where they would touch.
fn x_ticks(analysis: &AnalysisResult) -> Vec<f64> {
    let longest = analysis.arms.iter().max_by_key(|arm| arm.at_risk.len());
    let mut months: Vec<f64> =
        longest.map_or_else(Vec::new, |arm| arm.at_risk.iter().map(|(m, _)| *m).collect());
    months.retain(|month| month.is_finite() && *month >= 0.0);
    if months.len() < 2 {
        months = month_ticks(last_month(analysis));
    }
    // No axis beyond the last subject.
    let last = last_month(analysis);
    let needed = months.iter().position(|month| *month >= last).map_or(months.len(), |i| i + 1);
    months.truncate(needed.max(2));
    let by = months.len().div_ceil(MOST_LABELS).max(1);
    months.into_iter().step_by(by).collect()
}

fn last_month(analysis: &AnalysisResult) -> f64 {
    let last = analysis.arms.iter().filter_map(|arm| arm.curve.last()).map(|point| point.months);
    last.filter(|month| month.is_finite()).fold(1.0, f64::max)
}

fn x_end(analysis: &AnalysisResult, months: &[f64]) -> f64 {
    months.iter().copied().fold(last_month(analysis), f64::max)
}

fn axes(
    canvas: &mut Canvas,
    analysis: &AnalysisResult,
    months: &[f64],
    x: &Scale,
    (top, bottom): (f64, f64),
) {
    let y = Scale::new((0.0, 1.0), (bottom, top));
    for percent in [0, 25, 50, 75, 100] {
        let at = y.at(f64::from(percent) / 100.0);
        if percent > 0 {
            canvas.line(LEFT, at, RIGHT, at, "gr");
        }
        canvas.line(LEFT - 4.0, at, LEFT, at, "ax");
        canvas.text(LEFT - 8.0, at + 4.0, "t e", &percent.to_string());
    }
    canvas.line(LEFT, top, LEFT, bottom, "ax");
    canvas.line(LEFT, bottom, RIGHT, bottom, "ax");
    for month in months {
        canvas.line(x.at(*month), bottom, x.at(*month), bottom + 4.0, "ax");
        canvas.text(x.at(*month), bottom + 17.0, "t m", &number::short(*month, 1));
    }
    canvas.text(f64::midpoint(LEFT, RIGHT), bottom + 34.0, "t m", months_from(analysis));
    canvas.text_up(
        LEFT - 40.0,
        f64::midpoint(top, bottom),
        "t m",
        &format!("{}, % without event", analysis.endpoint),
    );
}

/// Points of the curve that can be told apart on paper, from day 0 at 1.
fn steps(curve: &[CurvePoint], value: impl Fn(&CurvePoint) -> f64, x: &Scale, y: &Scale) -> Vec<(f64, f64)> {
    let mut at = (x.at(0.0), y.at(1.0));
    let mut points = vec![at];
    for (i, point) in curve.iter().enumerate() {
        let v = value(point);
        // A limit that does not exist, as beyond the last event: the last one stands.
        let next = (x.at(point.months), if v.is_finite() { y.at(v) } else { at.1 });
        let last = i + 1 == curve.len();
        if last || next.0 - at.0 >= 0.2 || (next.1 - at.1).abs() >= 0.2 {
            points.push((next.0, at.1));
            points.push(next);
            at = next;
        }
    }
    points.dedup();
    points
}

fn band(canvas: &mut Canvas, arm: &ArmEstimate, class: usize, x: &Scale, y: &Scale) {
    if arm.curve.is_empty() {
        return;
    }
    let mut d = String::new();
    let upper = steps(&arm.curve, |p| p.upper, x, y);
    let lower = steps(&arm.curve, |p| p.lower, x, y);
    for (i, (px_, py)) in upper.iter().chain(lower.iter().rev()).enumerate() {
        let _ = write!(d, "{}{} {}", if i == 0 { 'M' } else { 'L' }, px(*px_), px(*py));
    }
    d.push('Z');
    canvas.path(&d, &format!("b{class}"));
}

fn curve(canvas: &mut Canvas, arm: &ArmEstimate, class: usize, x: &Scale, y: &Scale) {
    if arm.curve.is_empty() {
        return;
    }
    let line = format!("l{class}");
    canvas.polyline(&steps(&arm.curve, |p| p.survival, x, y), &line);
    let mut ticks = String::new();
    let mut last = f64::MIN;
    for point in arm.curve.iter().filter(|p| p.censored > 0 && p.survival.is_finite()) {
        let (at, level) = (x.at(point.months), y.at(point.survival));
        // Ticks nearer than this are one on paper.
        if at - last >= 0.8 {
            let _ = write!(ticks, "M{} {}V{}", px(at), px(level - 5.0), px(level + 5.0));
            last = at;
        }
    }
    if !ticks.is_empty() {
        canvas.path(&ticks, &format!("{line} tick"));
    }
    if let Some(median) = arm.median_months.value {
        canvas.line(x.at(0.0), y.at(0.5), x.at(median), y.at(0.5), "ref");
        canvas.line(x.at(median), y.at(0.5), x.at(median), y.at(0.0), "ref");
    }
}

fn at_risk(
    canvas: &mut Canvas,
    results: &Results,
    index: usize,
    months: &[f64],
    (x, top): (&Scale, f64),
    links: &Links<'_>,
) {
    let analysis = &results.analyses[index];
    canvas.text(8.0, top - 4.0, "ts b", "Numbers at risk");
    for (row, arm) in analysis.arms.iter().enumerate() {
        let y = top + 12.0 + ROW * row as f64;
        let place = words::arm_index(results, &arm.arm);
        let class = look(place);
        let href = links.contributions(index, place);
        canvas.text(8.0, y, &format!("t b c{class}"), &fit(arm.arm.as_str(), 58.0, 11.5));
        for month in months {
            let found = arm.at_risk.iter().find(|(at, _)| (at - month).abs() < 1e-9);
            let text = found.map_or_else(|| "–".into(), |(_, n)| number::count(*n));
            let href = href.as_deref().filter(|_| found.is_some_and(|(_, n)| *n > 0));
            canvas.linked(x.at(*month), y, "t m", &text, href);
        }
    }
}
