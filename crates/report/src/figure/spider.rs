//! Spider plot: the sum of diameters over time, one line a subject, one panel an arm.
//!
//! Never derives a sum. Above a number of lines it shows every k-th by its last change, and says so.

use std::fmt::Write;

use analysis::results::{Results, Trajectory};
use trial::id::ArmId;

use super::canvas::{ARM_SHAPES, Shape};
use super::scale::{Scale, month_ticks, ticks};
use super::{Canvas, Figure, WIDTH, empty, every_kth, fit, look};
use crate::link::Links;
use crate::{number, words};

const LEFT: f64 = 58.0;
const TOP: f64 = 30.0;
const GAP: f64 = 26.0;
const PANEL: f64 = 270.0;
const MOST_LINES: usize = 90;
const CAP: f64 = 1.5;

/// Trajectories by arm.
pub fn spider(results: &Results, links: &Links<'_>) -> Figure {
    let (name, title) = ("spider", "Change of the sum of diameters over time, by arm");
    let drawable = |t: &&Trajectory| t.points.iter().any(|p| p.0.is_finite() && p.1.is_finite());
    if !results.spider.iter().any(|t| drawable(&t)) {
        return empty(name, title, "Nobody has a sum of diameters at baseline and afterwards yet.");
    }
    let arms: Vec<&ArmId> = results.arms.iter().map(|arm| &arm.id).collect();
    let across = if arms.len() <= 3 { arms.len().max(1) } else { 2 };
    let down = arms.len().div_ceil(across).max(1);
    let mut canvas = Canvas::new(WIDTH, (TOP + PANEL + 44.0) * down as f64);
    let values =
        || results.spider.iter().flat_map(|t| &t.points).filter(|p| p.0.is_finite() && p.1.is_finite());
    let months = month_ticks(values().map(|p| p.0).fold(3.0, f64::max));
    let most = values().map(|p| p.1.min(CAP)).fold(0.4, f64::max);
    let marks = ticks(-1.0, most, 5);
    let width = (WIDTH - LEFT - 8.0) / across as f64 - GAP;
    let mut left_out = String::new();
    for (i, arm) in arms.iter().enumerate() {
        let x0 = LEFT + (width + GAP) * (i % across) as f64;
        let y0 = TOP + (TOP + PANEL + 44.0) * (i / across) as f64;
        let x = Scale::new((0.0, months.last().copied().unwrap_or(1.0)), (x0, x0 + width));
        let y = Scale::new((-1.0, marks.last().copied().unwrap_or(CAP)), (y0 + PANEL, y0));
        panel(&mut canvas, results, i, (&x, &y), (&months, &marks), (x0, y0, width));
        let mut lines: Vec<&Trajectory> =
            results.spider.iter().filter(|t| t.arm == **arm).filter(drawable).collect();
        let all = lines.len();
        if all > MOST_LINES {
            lines.sort_by(|a, b| last_change(a).total_cmp(&last_change(b)));
            lines = every_kth(all, MOST_LINES).into_iter().map(|k| lines[k]).collect();
            let _ = write!(
                left_out,
                " Arm {arm}: {MOST_LINES} of {} subjects are drawn, evenly spaced by their last change.",
                number::count(all)
            );
        }
        for line in lines {
            trajectory(&mut canvas, line, look(i), &x, &y, links);
        }
    }
    let note = format!(
        "One line a subject. Diamonds: SABR to a lesion. Lines at +20 % and \u{2212}30 %. Sums above +{} % are drawn there.{left_out}",
        number::decimals(CAP * 100.0, 0)
    );
    let desc = format!("Lines of {} subjects, from baseline at 0 %.", number::count(results.spider.len()));
    Figure { name: name.into(), analysis: None, title: title.into(), desc, note, canvas }
}

fn last_change(trajectory: &Trajectory) -> f64 {
    trajectory.points.last().map_or(0.0, |point| point.1)
}

fn panel(
    canvas: &mut Canvas,
    results: &Results,
    arm: usize,
    (x, y): (&Scale, &Scale),
    (months, marks): (&[f64], &[f64]),
    (x0, y0, width): (f64, f64, f64),
) {
    let (right, bottom) = (x0 + width, y0 + PANEL);
    for tick in marks {
        canvas.line(x0, y.at(*tick), right, y.at(*tick), "gr");
        if x0 <= LEFT {
            let text = number::decimals(100.0 * tick, 0);
            let text = if *tick > 0.0 { format!("+{text}") } else { text };
            canvas.text(x0 - 7.0, y.at(*tick) + 4.0, "t e", &text);
        }
    }
    for at in [0.2, -0.3] {
        canvas.line(x0, y.at(at), right, y.at(at), "ref");
    }
    canvas.line(x0, y.at(0.0), right, y.at(0.0), "ax");
    canvas.line(x0, y0, x0, bottom, "ax");
    canvas.line(x0, bottom, right, bottom, "ax");
    let by = months.len().div_ceil(8).max(1);
    for month in months.iter().step_by(by) {
        canvas.line(x.at(*month), bottom, x.at(*month), bottom + 4.0, "ax");
        canvas.text(x.at(*month), bottom + 16.0, "t m", &number::short(*month, 0));
    }
    canvas.text(f64::midpoint(x0, right), bottom + 32.0, "t m", "Months from randomisation");
    let name = results.arms.get(arm).map_or_else(String::new, words::arm_name);
    canvas.text(x0, y0 - 10.0, &format!("t b c{}", look(arm)), &fit(&name, width, 11.5));
    if x0 <= LEFT {
        canvas.text_up(14.0, f64::midpoint(y0, bottom), "t m", "Change from baseline, %");
    }
}

fn trajectory(canvas: &mut Canvas, line: &Trajectory, class: usize, x: &Scale, y: &Scale, links: &Links<'_>) {
    let points: Vec<(f64, f64)> =
        line.points.iter().filter(|p| p.0.is_finite() && p.1.is_finite()).map(|p| (p.0, p.1)).collect();
    let drawn: Vec<(f64, f64)> = points.iter().map(|(month, change)| (x.at(*month), y.at(*change))).collect();
    let title = format!("{}: last change {} %", line.subject, number::decimals(100.0 * last_change(line), 0));
    canvas.group("traj", links.subject(&line.subject).as_deref(), &title, |c| {
        c.polyline(&drawn, &format!("l{class} thin whole"));
        if let Some((px, py)) = drawn.last() {
            c.shape(ARM_SHAPES[class], *px, *py, 2.4, &format!("f{class}"));
        }
        for (_, month) in &line.treated {
            if let Some(change) = between(&points, *month) {
                c.shape(Shape::Diamond, x.at(*month), y.at(change), 2.6, "k-sabr");
            }
        }
    });
}

/// Where a mark at `month` lies on the drawn line; none before its start. A place on paper, not an estimate.
fn between(points: &[(f64, f64)], month: f64) -> Option<f64> {
    let before = points.iter().rfind(|p| p.0 <= month)?;
    let Some(after) = points.iter().find(|p| p.0 > month) else { return Some(before.1) };
    let share = (month - before.0) / (after.0 - before.0);
    Some(before.1 + share * (after.1 - before.1))
}
