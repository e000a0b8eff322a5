//! Waterfall of the best change of the sum of diameters, one bar a subject, worst first.
//!
//! Never derives a change. See Gillespie, Clin Cancer Res 2012;18:2734, and RECIST 1.1 for the lines at -30 % and +20 %.

use std::fmt::Write;

use analysis::results::{Change, Results};

use super::canvas::px;
use super::scale::{Scale, ticks};
use super::{Canvas, Figure, WIDTH, arm_legend, empty, every_kth, look};
use crate::link::Links;
use crate::{number, words};

const LEFT: f64 = 64.0;
const RIGHT: f64 = WIDTH - 12.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 330.0;
/// A bar is never narrower than two units.
const MOST_BARS: usize = 340;
/// A bar is drawn up to +100 %; a higher one has a mark.
const CAP: f64 = 1.0;

/// The bars of all subjects with a change.
pub fn waterfall(results: &Results, links: &Links<'_>) -> Figure {
    let (name, title) = ("waterfall", "Best change of the sum of diameters from baseline");
    let all: Vec<&Change> = results.waterfall.iter().filter(|change| change.change.is_finite()).collect();
    if all.is_empty() {
        return empty(name, title, "Nobody has a sum of diameters at baseline and afterwards yet.");
    }
    let shown: Vec<&Change> = every_kth(all.len(), MOST_BARS).into_iter().map(|i| all[i]).collect();
    let mut canvas = Canvas::new(WIDTH, BOTTOM + 22.0);
    let y = axis(&mut canvas, &shown);
    let zero = y.at(0.0);
    let each = ((RIGHT - LEFT) / shown.len() as f64).min(26.0);
    for (i, change) in shown.iter().enumerate() {
        let x = LEFT + 2.0 + each * i as f64;
        let title = format!(
            "{}, arm {}: {} %, best {}",
            change.subject,
            change.arm,
            percent(change.change),
            change.best
        );
        canvas.group("", links.subject(&change.subject).as_deref(), &title, |c| {
            bar(c, change, look(words::arm_index(results, &change.arm)), (x, each * 0.86), &y);
        });
    }
    for (at, text) in [(0.2, "+20 %"), (-0.3, "\u{2212}30 %")] {
        canvas.line(LEFT, y.at(at), RIGHT, y.at(at), "ref");
        let side = if at > 0.0 { RIGHT } else { LEFT + 34.0 };
        canvas.text(side, y.at(at) - 4.0, "ts e mut", text);
    }
    canvas.line(LEFT, zero, RIGHT, zero, "ax");
    arm_legend(&mut canvas, results, 14.0, |c, x, y, i| {
        c.rect(x, y - 6.0, 28.0, 12.0, &format!("f{}", look(i)));
        hatch(c, look(i), (x, 28.0), (y - 6.0, y + 6.0));
    });
    let mut note = "One bar a subject, worst first. Below \u{2212}30\u{a0}%: size of a partial response; above +20\u{a0}%: size of a \
                    progression by the sum."
        .to_owned();
    if shown.len() < all.len() {
        let _ = write!(
            note,
            " {} of {} subjects are drawn, evenly spaced from worst to best; all are in the table.",
            number::count(shown.len()),
            number::count(all.len())
        );
    }
    if shown.iter().any(|change| change.change > CAP) {
        note.push_str(" Bars with a white notch go beyond +100 %.");
    }
    Figure { name: name.into(), analysis: None, title: title.into(), desc: describe(&all), note, canvas }
}

fn percent(change: f64) -> String {
    let text = number::decimals(100.0 * change, 0);
    if change >= 0.005 { format!("+{text}") } else { text }
}

fn describe(all: &[&Change]) -> String {
    let end = |change: Option<&&Change>| {
        change.map_or_else(String::new, |c| format!("{} % ({})", percent(c.change), c.arm))
    };
    format!(
        "Bars of {} subjects, from {} to {}.",
        number::count(all.len()),
        end(all.first()),
        end(all.last())
    )
}

fn axis(canvas: &mut Canvas, shown: &[&Change]) -> Scale {
    let most = shown.iter().map(|change| change.change.min(CAP)).fold(0.25, f64::max);
    let least = shown.iter().map(|change| change.change.max(-1.0)).fold(-0.4, f64::min);
    let marks = ticks(least, most, 6);
    let (low, high) =
        (marks.first().copied().unwrap_or(-1.0).max(-1.0), marks.last().copied().unwrap_or(1.0));
    let y = Scale::new((low, high), (BOTTOM, TOP));
    for tick in marks.iter().filter(|tick| **tick >= low - 1e-9) {
        canvas.line(LEFT, y.at(*tick), RIGHT, y.at(*tick), "gr");
        canvas.text(LEFT - 8.0, y.at(*tick) + 4.0, "t e", &percent(*tick));
    }
    canvas.line(LEFT, TOP, LEFT, BOTTOM, "ax");
    canvas.text_up(16.0, f64::midpoint(TOP, BOTTOM), "t m", "Best change from baseline, %");
    y
}

fn bar(canvas: &mut Canvas, change: &Change, class: usize, (x, width): (f64, f64), y: &Scale) {
    let value = change.change.min(CAP);
    // A change of nothing is still a subject.
    let (a, b) = (y.at(value.max(0.0)).min(y.at(0.0) - 0.6), y.at(value.min(0.0)).max(y.at(0.0)));
    canvas.rect(x, a, width, b - a, &format!("f{class} bar"));
    if width >= 3.5 {
        hatch(canvas, class, (x, width), (a, b));
    }
    if change.change > CAP {
        canvas.line(x, a + 7.0, x + width, a + 4.0, "hatch");
    }
}

/// The pattern of an arm, so that arms differ without colour; the first is plain.
fn hatch(canvas: &mut Canvas, class: usize, (x, width): (f64, f64), (top, bottom): (f64, f64)) {
    if class == 0 {
        return;
    }
    let apart = [0.0, 6.0, 3.5, 9.0, 4.5, 12.0][class];
    let slope = if class.is_multiple_of(2) { 0.0 } else { width.min(7.0) };
    let mut d = String::new();
    let mut at = top + apart;
    while at < bottom {
        // Writing into a String cannot fail.
        let _ = write!(d, "M{} {}L{} {}", px(x), px(at), px(x + width), px((at - slope).max(top)));
        at += apart;
    }
    if !d.is_empty() {
        canvas.path(&d, "hatch");
    }
}
