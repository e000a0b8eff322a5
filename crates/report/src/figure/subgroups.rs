//! Forest plot of the primary hazard ratio within subgroups, with the test of each interaction.
//!
//! Never estimates. See Cuzick, Lancet 2005;365:1308: the overall estimate stands as a line through all.

use std::fmt::Write;

use analysis::results::{Estimate, Results, Subgroup};

use super::canvas::Shape;
use super::forest::{favours, interval, ratio_axis, span_of};
use super::scale::Scale;
use super::{Canvas, Figure, WIDTH, fit};
use crate::behind::Of;
use crate::link::Links;
use crate::{number, words};

const LABEL: f64 = 8.0;
const COUNTS: [f64; 2] = [268.0, 352.0];
const LEFT: f64 = 372.0;
const RIGHT: f64 = 560.0;
const NUMBERS: f64 = 574.0;
const ROW: f64 = 19.0;

/// The subgroups of the primary analysis; none where there are none.
pub fn subgroups(results: &Results, links: &Links<'_>) -> Option<Figure> {
    let (_, analysis) = words::primary(results)?;
    let groups = &analysis.further.subgroups;
    let first = groups.first()?;
    let rows: usize = groups.iter().map(|group| group.levels.len() + 1).sum();
    let top = 34.0;
    let bottom = top + ROW * (rows as f64 + 1.3) + 6.0;
    let mut canvas = Canvas::new(WIDTH, bottom + 50.0);
    let overall = words::comparisons(analysis).next().map(|c| c.hazard_ratio).unwrap_or_default();
    let ratios: Vec<&Estimate> =
        groups.iter().flat_map(|g| g.levels.iter().map(|l| &l.hazard_ratio)).chain([&overall]).collect();
    let (low, high) = span_of(&ratios);
    let x = Scale::new((low.ln(), high.ln()), (LEFT, RIGHT));
    axis(&mut canvas, first, analysis.confidence, &x, (low, high), (top, bottom));
    let mut y = top + ROW;
    canvas.text(LABEL, y, "t b", "All, main analysis");
    line(&mut canvas, (&overall, "f0", true), &x, (low, high), y);
    if let Some(value) = overall.value.filter(|v| *v > 0.0) {
        canvas.line(x.at(value.ln()), top, x.at(value.ln()), bottom, "ref");
    }
    y += ROW * 0.3;
    for (g, group) in groups.iter().enumerate() {
        y += ROW;
        heading(&mut canvas, group, several(groups), y);
        for (l, level) in group.levels.iter().enumerate() {
            y += ROW;
            canvas.text(LABEL + 12.0, y, "t", &fit(&level.label, COUNTS[0] - 80.0, 11.5));
            let href = links.behind(Of::Subgroup(g, l), None, None);
            for (at, (n, events)) in COUNTS.iter().zip(level.counts) {
                let text = format!("{} / {}", number::count(events), number::count(n));
                canvas.linked(*at, y, "t e", &text, href.as_deref());
            }
            line(&mut canvas, (&level.hazard_ratio, "l0 open", false), &x, (low, high), y);
        }
    }
    Some(Figure {
        name: "subgroups".into(),
        analysis: None,
        title: format!("{}: hazard ratio within subgroups", analysis.endpoint_label),
        desc: describe(groups, analysis.confidence),
        note: "Squares: hazard ratios; lines: confidence limits; arrows: beyond the axis; dotted: the ratio of all. Within a \
               level the model is not stratified. One level alone proves nothing: the interaction is what is tested."
            .into(),
        canvas,
    })
}

fn several(groups: &[Subgroup]) -> bool {
    groups.iter().any(|group| group.arm != groups[0].arm)
}

fn describe(groups: &[Subgroup], confidence: f64) -> String {
    let mut text = String::new();
    for group in groups {
        for level in &group.levels {
            let ratio = number::hazard_ratio(&level.hazard_ratio, confidence);
            let _ = write!(text, "{}, {}: {ratio}. ", group.label, level.label);
        }
        if let Some(test) = &group.interaction {
            let _ = write!(text, "Interaction {}. ", number::p_equals(test.p));
        }
    }
    text
}

fn heading(canvas: &mut Canvas, group: &Subgroup, name_arms: bool, y: f64) {
    let label = if name_arms {
        format!("{} ({} against {})", group.label, group.arm, group.control)
    } else {
        group.label.clone()
    };
    canvas.text(LABEL, y, "t b", &fit(&label, 250.0, 11.5));
    let text = group.interaction.map_or_else(|| "not tested".to_owned(), |test| number::p_equals(test.p));
    canvas.text(NUMBERS, y, "t", &format!("interaction: {text}"));
}

fn axis(
    canvas: &mut Canvas,
    first: &Subgroup,
    confidence: f64,
    x: &Scale,
    ends: (f64, f64),
    (top, bottom): (f64, f64),
) {
    canvas.text(LABEL, 16.0, "ts mut", "Factor and level");
    canvas.text(COUNTS[0], 16.0, "ts mut e", &fit(&format!("{}: events / n", first.arm), 82.0, 10.0));
    canvas.text(COUNTS[1], 16.0, "ts mut e", &fit(&format!("{}: events / n", first.control), 82.0, 10.0));
    canvas.text(NUMBERS, 16.0, "ts mut", &format!("HR ({} % CI)", number::level(confidence)));
    ratio_axis(canvas, x, ends, (LEFT, RIGHT), (top, bottom));
    favours(canvas, x, bottom, first.arm.as_str(), first.control.as_str());
}

fn line(
    canvas: &mut Canvas,
    (hr, class, bold): (&Estimate, &str, bool),
    x: &Scale,
    ends: (f64, f64),
    y: f64,
) {
    let text = if hr.value.is_none() {
        "too few events".to_owned()
    } else {
        number::with_limits(hr, 2, number::NOT_ESTIMABLE)
    };
    canvas.text(NUMBERS, y, if bold { "t b" } else { "t" }, &text);
    let Some(value) = hr.value.filter(|v| v.is_finite() && *v > 0.0) else { return };
    interval(canvas, hr.lower, hr.upper, x, ends, (LEFT, RIGHT), y - 4.0);
    canvas.shape(Shape::Square, x.at(value.ln()), y - 4.0, 5.0, class);
}
