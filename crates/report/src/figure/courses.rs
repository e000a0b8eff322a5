//! Mean number of courses of SABR a subject by time since randomisation, by arm.
//!
//! Never estimates. Nelson's mean cumulative function, Technometrics 1988;30:237-245.

use std::fmt::Write;

use analysis::results::{CourseRow, Results};

use super::scale::{Scale, month_ticks, ticks};
use super::{Canvas, Figure, WIDTH, arm_legend, look};
use crate::link::Links;
use crate::{number, words};

const LEFT: f64 = 64.0;
const RIGHT: f64 = WIDTH - 22.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 240.0;

/// None where no course was given.
pub fn courses(results: &Results, links: &Links<'_>) -> Option<Figure> {
    let rows = &results.patterns.courses;
    if rows.iter().all(|row| row.courses.is_empty()) {
        return None;
    }
    let mut canvas = Canvas::new(WIDTH, BOTTOM + 46.0);
    arm_legend(&mut canvas, results, 14.0, |c, x, y, i| {
        c.line(x, y, x + 30.0, y, &format!("l{}", look(i)));
    });
    let last = rows.iter().map(|row| row.until).fold(1.0, f64::max);
    let most = rows.iter().flat_map(|row| row.mean.iter().map(|(_, mean)| *mean)).fold(0.0, f64::max);
    let marks = ticks(0.0, most.max(0.5), 5);
    let x = Scale::new((0.0, last), (LEFT, RIGHT));
    let y = Scale::new((0.0, marks[marks.len() - 1]), (BOTTOM, TOP));
    for mark in &marks {
        canvas.line(LEFT, y.at(*mark), RIGHT, y.at(*mark), "gr");
        canvas.text(LEFT - 8.0, y.at(*mark) + 4.0, "t e", &number::short(*mark, 2));
    }
    for month in month_ticks(last).iter().filter(|month| **month <= last) {
        canvas.line(x.at(*month), BOTTOM, x.at(*month), BOTTOM + 4.0, "ax");
        canvas.text(x.at(*month), BOTTOM + 17.0, "t m", &number::short(*month, 1));
    }
    canvas.text(f64::midpoint(LEFT, RIGHT), BOTTOM + 36.0, "t m", "Months from randomisation");
    canvas.text_up(18.0, f64::midpoint(TOP, BOTTOM), "t m", "Mean courses a subject");
    for row in rows {
        curve(&mut canvas, row, look(words::arm_index(results, &row.arm)), (&x, &y), links);
    }
    canvas.line(LEFT, TOP, LEFT, BOTTOM, "ax");
    canvas.line(LEFT, BOTTOM, RIGHT, BOTTOM, "ax");
    Some(Figure {
        name: "courses".into(),
        analysis: None,
        title: "SABR again: mean number of courses a subject".into(),
        desc: describe(results, rows),
        note: "Mean cumulative number of courses since randomisation among those still followed; the first is the one of \
               entry, where the arm has one."
            .into(),
        canvas,
    })
}

fn curve(canvas: &mut Canvas, row: &CourseRow, class: usize, (x, y): (&Scale, &Scale), links: &Links<'_>) {
    let mut line: Vec<(f64, f64)> = Vec::new();
    for (months, mean) in &row.mean {
        let at = (x.at(*months), y.at(*mean));
        line.extend(line.last().map(|before| (at.0, before.1)));
        line.push(at);
    }
    let Some(end) = line.last().copied() else { return };
    line.push((x.at(row.until), end.1));
    canvas.polyline(&line, &format!("l{class}"));
    let href = links.live().then_some("#courses");
    let mean = row.mean.last().map_or(0.0, |(_, mean)| *mean);
    canvas.linked(x.at(row.until) - 4.0, end.1 - 6.0, "ts e", &number::decimals(mean, 2), href);
}

fn describe(results: &Results, rows: &[CourseRow]) -> String {
    let mut text = String::new();
    for row in rows {
        let mean = row.mean.last().map_or(0.0, |(_, mean)| *mean);
        let label = words::arm_label(results, &row.arm);
        let _ = write!(
            text,
            "{label}: {} courses a subject by {} months. ",
            number::decimals(mean, 2),
            number::decimals(row.until, 0)
        );
    }
    text
}
