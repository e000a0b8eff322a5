//! Quality of life by the model of repeated measures: least-squares means by arm and week, and their differences.
//!
//! Never estimates; the baseline, at which all arms stand, is drawn as one mark.

use std::fmt::Write;

use analysis::results::{Estimate, QualityModel, QualityResult, Results};

use super::canvas::ARM_SHAPES;
use super::factb::whisker;
use super::scale::{Scale, ticks};
use super::{Canvas, Figure, WIDTH, arm_legend, fit, look};
use crate::behind::Of;
use crate::link::Links;
use crate::{number, words};

const LEFT: (f64, f64) = (84.0, 410.0);
const RIGHT: (f64, f64) = (484.0, WIDTH - 16.0);
const TOP: f64 = 52.0;
const BOTTOM: f64 = 290.0;

/// None where there is no model.
pub fn model(results: &Results, quality: &QualityResult, links: &Links<'_>) -> Option<Figure> {
    let model = quality.model.as_ref()?;
    let mut canvas = Canvas::new(WIDTH, BOTTOM + 46.0);
    arm_legend(&mut canvas, results, 14.0, |c, x, y, i| {
        c.line(x, y, x + 30.0, y, &format!("l{}", look(i)));
        c.shape(ARM_SHAPES[look(i)], x + 15.0, y, 3.6, &format!("f{}", look(i)));
    });
    means(&mut canvas, results, quality, model, links);
    differences(&mut canvas, results, model);
    Some(Figure {
        name: "factb-model".into(),
        analysis: None,
        title: format!("{} by the model of repeated measures", quality.score),
        desc: describe(results, model),
        note: format!(
            "Left: least-squares means with {level} % confidence limits; diamond: the mean baseline, the same for all arms. \
             Right: difference from control with {level} % limits; above 0 favours the arm.",
            level = number::level(quality.confidence)
        ),
        canvas,
    })
}

fn describe(results: &Results, model: &QualityModel) -> String {
    let mut text = String::new();
    for d in model.differences.iter().chain(&model.averaged) {
        let label = words::arm_label(results, &d.arm);
        let value = number::with_limits(&d.difference, 1, number::NOT_ESTIMABLE);
        let _ = write!(text, "{label}, week {}: difference {value}, {}. ", d.week, number::p_equals(d.p));
    }
    text
}

fn weeks(model: &QualityModel) -> Vec<u32> {
    let mut weeks: Vec<u32> = std::iter::once(0).chain(model.means.iter().map(|mean| mean.week)).collect();
    weeks.sort_unstable();
    weeks.dedup();
    weeks
}

fn axes(
    canvas: &mut Canvas,
    (left, right): (f64, f64),
    values: &[f64],
    (least, weeks): (f64, &[u32]),
) -> (Scale, Scale) {
    let low = values.iter().copied().filter(|v| v.is_finite()).fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().filter(|v| v.is_finite()).fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = if low <= high { (low, high.max(low + least)) } else { (0.0, 1.0) };
    let marks = ticks(low, high, 5);
    let y = Scale::new((marks[0], marks[marks.len() - 1]), (BOTTOM, TOP));
    let last = f64::from(weeks.last().copied().unwrap_or(1).max(1));
    let x = Scale::new((0.0, last), (left + 20.0, right - 16.0));
    for mark in &marks {
        canvas.line(left, y.at(*mark), right, y.at(*mark), "gr");
        canvas.text(left - 8.0, y.at(*mark) + 4.0, "t e", &number::short(*mark, 1));
    }
    let by = weeks.len().div_ceil(8).max(1);
    for week in weeks.iter().step_by(by) {
        let at = x.at(f64::from(*week));
        canvas.line(at, BOTTOM, at, BOTTOM + 4.0, "ax");
        canvas.text(at, BOTTOM + 16.0, "t m", &week.to_string());
    }
    canvas.line(left, TOP, left, BOTTOM, "ax");
    canvas.line(left, BOTTOM, right, BOTTOM, "ax");
    canvas.text(f64::midpoint(left, right), BOTTOM + 36.0, "t m", "Weeks from randomisation");
    (x, y)
}

fn three(estimate: &Estimate) -> impl Iterator<Item = f64> + use<> {
    [estimate.value, estimate.lower, estimate.upper].into_iter().flatten()
}

fn means(
    canvas: &mut Canvas,
    results: &Results,
    quality: &QualityResult,
    model: &QualityModel,
    links: &Links<'_>,
) {
    let mut values: Vec<f64> = model.means.iter().flat_map(|mean| three(&mean.mean)).collect();
    values.push(model.baseline_mean);
    let weeks = weeks(model);
    canvas.text(LEFT.0, TOP - 14.0, "ts b", "Least-squares means");
    let (x, y) = axes(canvas, LEFT, &values, (quality.maximum / 12.0, &weeks));
    let label = format!("{} (0 to {})", quality.score, number::short(quality.maximum, 1));
    canvas.text_up(40.0, f64::midpoint(TOP, BOTTOM), "t m", &fit(&label, BOTTOM - TOP, 11.5));
    let arms = results.arms.len() as f64;
    for (i, arm) in results.arms.iter().enumerate() {
        let shift = (i as f64 - (arms - 1.0) / 2.0) * 7.0;
        let mut line = vec![(x.at(0.0), y.at(model.baseline_mean))];
        let class = look(i);
        for point in model.means.iter().filter(|mean| mean.arm == arm.id) {
            let Some(value) = point.mean.value else { continue };
            let at = x.at(f64::from(point.week)) + shift;
            if let (Some(lower), Some(upper)) = (point.mean.lower, point.mean.upper) {
                whisker(canvas, at, (y.at(lower), y.at(upper)), class);
            }
            line.push((at, y.at(value)));
        }
        canvas.polyline(&line, &format!("l{class}"));
        let weeks = model.means.iter().filter(|mean| mean.arm == arm.id).map(|mean| mean.week);
        for ((at, height), week) in line.into_iter().skip(1).zip(weeks) {
            let href = links.behind(Of::Week(week), Some(i), Some(0));
            canvas.group("", href.as_deref(), "", |c| {
                c.shape(ARM_SHAPES[class], at, height, 3.8, &format!("f{class}"));
            });
        }
    }
    canvas.shape(ARM_SHAPES[3], x.at(0.0), y.at(model.baseline_mean), 4.6, "f5");
}

fn differences(canvas: &mut Canvas, results: &Results, model: &QualityModel) {
    let mut values: Vec<f64> = model.differences.iter().flat_map(|d| three(&d.difference)).collect();
    values.push(0.0);
    let weeks = weeks(model);
    canvas.text(RIGHT.0, TOP - 14.0, "ts b", "Difference from control");
    let (x, y) = axes(canvas, RIGHT, &values, (5.0, &weeks));
    canvas.line(RIGHT.0, y.at(0.0), RIGHT.1, y.at(0.0), "ax");
    for d in &model.differences {
        let Some(value) = d.difference.value else { continue };
        let i = words::arm_index(results, &d.arm);
        let (class, at) = (look(i), x.at(f64::from(d.week)) + 7.0 * i as f64);
        if let (Some(lower), Some(upper)) = (d.difference.lower, d.difference.upper) {
            whisker(canvas, at, (y.at(lower), y.at(upper)), class);
        }
        canvas.shape(ARM_SHAPES[class], at, y.at(value), 4.2, &format!("f{class}"));
    }
}
