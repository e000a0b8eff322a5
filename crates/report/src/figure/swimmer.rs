//! Swimmer plot: one lane a subject, lines of therapy as bars, SABR, progressions and strategy failure as marks.
//!
//! Never decides what a mark means. Above a number of lanes it shows every k-th of each arm by length, and says so.

use std::fmt::Write;

use analysis::results::{Lane, LineBar, Mark, MarkKind, Results};
use trial::date::DAYS_PER_MONTH;

use super::canvas::{Shape, px};
use super::scale::{Scale, month_ticks};
use super::{Canvas, Figure, WIDTH, empty, every_kth, fit, look};
use crate::link::Links;
use crate::{number, words};

const LEFT: f64 = 88.0;
const RIGHT: f64 = WIDTH - 18.0;
const LANE: f64 = 11.4;
const BAR: f64 = 7.4;
const ARM: f64 = 24.0;
/// More lanes than this do not fit on a page and cannot be read.
const MOST_LANES: usize = 120;

/// The lanes of all subjects.
pub fn swimmer(results: &Results, links: &Links<'_>) -> Figure {
    let (name, title) = ("swimmer", "Swimmer plot: the course of each subject");
    if results.swimmer.is_empty() {
        return empty(name, title, "Nobody has been randomised yet.");
    }
    let groups = groups(results);
    let lanes: usize = groups.iter().map(|(_, lanes)| lanes.len()).sum();
    let legend = legend_height(results);
    let height = legend + LANE * lanes as f64 + ARM * groups.len() as f64 + 44.0;
    let mut canvas = Canvas::new(WIDTH, height);
    draw_legend(&mut canvas, results);
    let last = groups.iter().flat_map(|(_, lanes)| lanes).map(|lane| end(lane)).max().unwrap_or(1).max(1);
    let months = month_ticks(last as f64 / DAYS_PER_MONTH);
    let x = Scale::new((0.0, months.last().copied().unwrap_or(1.0) * DAYS_PER_MONTH), (LEFT, RIGHT));
    axis(&mut canvas, &months, &x, (legend, height - 36.0));
    let mut y = legend;
    for (arm, lanes) in &groups {
        y += ARM;
        let name = results.arms.get(*arm).map_or_else(|| "Arm not named".into(), words::arm_name);
        canvas.text(8.0, y - 7.0, &format!("t b c{}", look(*arm)), &fit(&name, WIDTH - 20.0, 11.5));
        for lane in lanes {
            draw(&mut canvas, lane, y, &x, links);
            y += LANE;
        }
    }
    Figure {
        name: name.into(),
        analysis: None,
        title: title.into(),
        desc: describe(results),
        note: note(results, lanes),
        canvas,
    }
}

fn describe(results: &Results) -> String {
    let mut text = format!("{} lanes by arm and length. ", number::count(results.swimmer.len()));
    for kind in words::MARKS {
        let n = results.swimmer.iter().flat_map(|lane| &lane.marks).filter(|mark| mark.kind == kind).count();
        if n > 0 {
            let _ = write!(text, "{}: {}. ", words::mark(kind), number::count(n));
        }
    }
    text
}

fn note(results: &Results, lanes: usize) -> String {
    let all = results.swimmer.len();
    let mut note =
        "Bars: lines of systemic therapy. A subject's number leads to its trace, a mark to its event."
            .to_owned();
    if lanes < all {
        let _ = write!(
            note,
            " {} of {} subjects are drawn, of each arm evenly spaced by length; all are in the table of marks.",
            number::count(lanes),
            number::count(all)
        );
    }
    note
}

/// Lanes by arm, in the order of the protocol; of each arm its share of what can be drawn.
fn groups(results: &Results) -> Vec<(usize, Vec<&Lane>)> {
    let all = results.swimmer.len();
    (0..=results.arms.len())
        .filter_map(|arm| {
            let lanes: Vec<&Lane> =
                results.swimmer.iter().filter(|lane| words::arm_index(results, &lane.arm) == arm).collect();
            if lanes.is_empty() {
                return None;
            }
            let share = if all <= MOST_LANES { lanes.len() } else { (MOST_LANES * lanes.len() / all).max(1) };
            Some((arm, every_kth(lanes.len(), share).into_iter().map(|i| lanes[i]).collect()))
        })
        .collect()
}

/// Where a lane ends on paper: a mark may lie after the last day known.
fn end(lane: &Lane) -> i64 {
    lane.marks.iter().map(|mark| mark.day).fold(lane.until, i64::max).max(0)
}

fn axis(canvas: &mut Canvas, months: &[f64], x: &Scale, (top, bottom): (f64, f64)) {
    let by = months.len().div_ceil(16).max(1);
    for month in months.iter().step_by(by) {
        let at = x.at(month * DAYS_PER_MONTH);
        canvas.line(at, top + 4.0, at, bottom, "gr");
        canvas.line(at, bottom, at, bottom + 4.0, "ax");
        canvas.text(at, bottom + 16.0, "t m", &number::short(*month, 0));
    }
    canvas.line(LEFT, bottom, RIGHT, bottom, "ax");
    canvas.text(f64::midpoint(LEFT, RIGHT), bottom + 32.0, "t m", "Months from randomisation");
}

fn draw(canvas: &mut Canvas, lane: &Lane, y: f64, x: &Scale, links: &Links<'_>) {
    let middle = y + LANE / 2.0;
    canvas.group("lane", None, "", |c| {
        c.rect(0.0, y, WIDTH, LANE, "hit");
        let label = fit(lane.subject.as_str(), LEFT - 12.0, 8.5);
        c.group("", links.subject(&lane.subject).as_deref(), "", |c| {
            c.text(LEFT - 6.0, middle + 3.0, "tx e", &label);
        });
        let until = x.at(lane.until.max(0) as f64);
        c.line(LEFT, middle, until, middle, "none");
        for line in &lane.lines {
            bar(c, line, lane, middle, x);
        }
        if lane.ongoing {
            still_followed(c, until + 7.0, middle);
        }
        // SABR often falls a few days after the progression it answers: failures last, so that none hides beneath.
        let mut marks: Vec<&Mark> = lane.marks.iter().collect();
        marks.sort_by_key(|mark| (mark.kind == MarkKind::StrategyFailure, mark.day));
        for mark in marks {
            let title =
                format!("{}, day {}: {}. {}", lane.subject, mark.day, words::mark(mark.kind), mark.words);
            let href =
                mark.events.iter().find_map(|seq| links.event(*seq)).or_else(|| links.subject(&lane.subject));
            c.group("", href.as_deref(), &title, |c| sign(c, mark.kind, x.at(mark.day as f64), middle));
        }
    });
}

fn bar(canvas: &mut Canvas, line: &LineBar, lane: &Lane, middle: f64, x: &Scale) {
    let to = line.to.unwrap_or(lane.until).min(lane.until.max(0));
    let (from, to) = (x.at(line.from.max(0) as f64), x.at(to.max(0) as f64));
    let title = format!("{}: {}, line {}", lane.subject, line.treatment, line.number);
    canvas.group("", None, &title, |c| {
        c.rect(
            from,
            middle - BAR / 2.0,
            (to - from - 0.8).max(0.8),
            BAR,
            &format!("n{}", line.number.min(3)),
        );
    });
}

fn sign(canvas: &mut Canvas, kind: MarkKind, x: f64, y: f64) {
    let class = format!("k-{}", words::mark_code(kind));
    match kind {
        MarkKind::Sabr => canvas.shape(Shape::Triangle, x, y, 5.0, &class),
        MarkKind::ProgressionHeld => canvas.shape(Shape::Circle, x, y, 3.1, &class),
        MarkKind::Progression => canvas.shape(Shape::Circle, x, y, 3.6, &class),
        MarkKind::NextLineProgression => canvas.shape(Shape::Square, x, y, 3.4, &class),
        MarkKind::Withdrawal => canvas.shape(Shape::TriangleDown, x, y, 3.8, &class),
        MarkKind::Death => canvas.shape(Shape::Square, x, y, 4.2, &class),
        MarkKind::StrategyFailure => {
            canvas.shape(Shape::Cross, x, y, 3.1, "k-halo");
            canvas.shape(Shape::Cross, x, y, 3.1, &class);
        }
        MarkKind::Pending => {
            canvas.shape(Shape::Circle, x, y, 4.4, &class);
            canvas.text(x, y + 3.0, "tx b m", "?");
        }
    }
}

fn still_followed(canvas: &mut Canvas, x: f64, y: f64) {
    canvas.path(&format!("M{} {}l-6 -3.8v7.6Z", px(x), px(y)), "go");
}

/// What of the legend is needed: a mark that occurs, a line that occurs.
fn legend_items(results: &Results) -> Vec<(Option<MarkKind>, usize, String)> {
    let lines = || results.swimmer.iter().flat_map(|lane| &lane.lines).map(|line| line.number.min(3));
    let mut items: Vec<(Option<MarkKind>, usize, String)> = (0..4)
        .filter(|number| lines().any(|n| n == *number))
        .map(|number| {
            let text = match number {
                0 => "Therapy at randomisation".to_owned(),
                3 => "3rd line after it, or later".to_owned(),
                n => format!("{} line after it", ["", "1st", "2nd"][n]),
            };
            (None, number, text)
        })
        .collect();
    let occurs = |kind| results.swimmer.iter().any(|lane| lane.marks.iter().any(|mark| mark.kind == kind));
    items.extend(
        words::MARKS
            .iter()
            .filter(|kind| occurs(**kind))
            .map(|kind| (Some(*kind), 0, words::mark(*kind).to_owned())),
    );
    items
}

const ACROSS: usize = 4;

fn legend_height(results: &Results) -> f64 {
    let rows = (legend_items(results).len() + 1).div_ceil(ACROSS);
    16.0 * rows as f64 + 8.0
}

fn draw_legend(canvas: &mut Canvas, results: &Results) {
    let items = legend_items(results);
    let place = |i: usize| (8.0 + 187.0 * (i % ACROSS) as f64, 10.0 + 16.0 * (i / ACROSS) as f64);
    for (i, (kind, number, text)) in items.iter().enumerate() {
        let (x, y) = place(i);
        match kind {
            Some(kind) => sign(canvas, *kind, x + 10.0, y),
            None => canvas.rect(x, y - BAR / 2.0, 20.0, BAR, &format!("n{number}")),
        }
        canvas.text(x + 27.0, y + 3.6, "ts", text);
    }
    let (x, y) = place(items.len());
    still_followed(canvas, x + 13.0, y);
    canvas.text(x + 27.0, y + 3.6, "ts", "Still followed");
}
