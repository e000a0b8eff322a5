//! Where each strategy stood over time: an alluvial a arm, bars at landmarks and the streams between them.
//!
//! Never counts. Streams keep the order of the states at both ends, so that none crosses more than it must.

use std::fmt::Write;

use analysis::results::{ArmStates, Results, State, States};

use super::canvas::px;
use super::scale::Scale;
use super::{Canvas, Figure, WIDTH, fit};
use crate::behind::Of;
use crate::link::Links;
use crate::{number, words};

const LEFT: f64 = 44.0;
const RIGHT: f64 = WIDTH - 24.0;
const PANEL: f64 = 190.0;
const BAR: f64 = 15.0;
const TOP: f64 = 44.0;

/// The alluvial of every arm; none where there are no states.
pub fn states(results: &Results, links: &Links<'_>) -> Option<Figure> {
    let states = results.patterns.states.as_ref()?;
    let shown: Vec<(usize, &ArmStates)> =
        states.arms.iter().enumerate().filter(|(_, arm)| total(arm) > 0).collect();
    if shown.is_empty() {
        return None;
    }
    let each = PANEL + 48.0;
    let mut canvas = Canvas::new(WIDTH, TOP + each * shown.len() as f64 + 20.0);
    legend(&mut canvas);
    for (row, (place, arm)) in shown.iter().enumerate() {
        let top = TOP + each * row as f64 + 14.0;
        let named = results.arms.iter().find(|named| named.id == arm.arm);
        let name = named.map_or_else(|| arm.arm.to_string(), words::arm_name);
        canvas.text(8.0, top - 8.0, "t b", &fit(&format!("{name}, n = {}", total(arm)), RIGHT, 11.5));
        panel(&mut canvas, states, (*place, arm), top, links);
    }
    let bottom = TOP + each * shown.len() as f64 + 6.0;
    canvas.text(f64::midpoint(LEFT, RIGHT), bottom, "t m", "Months from randomisation");
    Some(Figure {
        name: "states".into(),
        analysis: None,
        title: "Where each strategy stood over time".into(),
        desc: describe(results, states),
        note: "Heights: subjects. Streams: from one state to the next between two landmarks. Not followed so long: withdrawn, \
               lost to follow-up, or the day has not come."
            .into(),
        canvas,
    })
}

fn total(arm: &ArmStates) -> usize {
    arm.counts.first().map_or(0, |states| states.iter().map(|counted| counted.n).sum())
}

fn describe(results: &Results, states: &States) -> String {
    let mut text = String::new();
    for arm in &states.arms {
        let _ = write!(text, "{}: ", words::arm_label(results, &arm.arm));
        for (month, counts) in states.months.iter().zip(&arm.counts) {
            let _ = write!(text, "month {}", number::short(*month, 0));
            for (state, counted) in State::ALL.iter().zip(counts).filter(|(_, counted)| counted.n > 0) {
                let _ = write!(text, ", {} {}", words::state(*state), counted.n);
            }
            text.push_str(". ");
        }
    }
    text
}

fn legend(canvas: &mut Canvas) {
    let each = (WIDTH - 16.0) / 3.0;
    for (i, state) in State::ALL.iter().enumerate() {
        let (x, y) = (8.0 + each * (i % 3) as f64, 6.0 + 17.0 * (i / 3) as f64);
        canvas.rect(x, y, BAR, 10.0, &format!("s{i}"));
        canvas.text(x + 22.0, y + 9.0, "ts", &fit(words::state(*state), each - 26.0, 10.0));
    }
}

fn panel(
    canvas: &mut Canvas,
    states: &States,
    (place, arm): (usize, &ArmStates),
    top: f64,
    links: &Links<'_>,
) {
    let x = Scale::new((0.0, (states.months.len() - 1).max(1) as f64), (LEFT, RIGHT - BAR));
    let all = total(arm).max(1) as f64;
    let high = |n: usize| n as f64 / all * PANEL;
    // Where each state's bar begins, by landmark.
    let starts: Vec<Vec<f64>> =
        arm.counts.iter().map(|counts| stacked(counts.iter().map(|c| high(c.n)), top)).collect();
    for (at, flows) in arm.flows.iter().enumerate() {
        let (mut from, mut to) = (starts[at].clone(), starts[at + 1].clone());
        // By the order of both ends: what leaves a bar leaves it from the top.
        for (a, b, n) in flows {
            let height = high(*n);
            stream(canvas, (x.at(at as f64) + BAR, from[*a]), (x.at(at as f64 + 1.0), to[*b]), height, *a);
            from[*a] += height;
            to[*b] += height;
        }
    }
    for (at, (month, counts)) in states.months.iter().zip(&arm.counts).enumerate() {
        for (state, counted) in counts.iter().enumerate().filter(|(_, counted)| counted.n > 0) {
            let (left, height) = (x.at(at as f64), high(counted.n));
            let href = links.behind(Of::State(at, state), Some(place), None);
            let title = format!("{}: {}", words::state(State::ALL[state]), counted.n);
            canvas.group("", href.as_deref(), &title, |c| {
                c.rect(left, starts[at][state], BAR, height, &format!("s{state}"));
                if height >= 10.0 {
                    let middle = starts[at][state] + height / 2.0 + 3.5;
                    c.text(left + BAR + 3.0, middle, "ts", &number::count(counted.n));
                }
            });
        }
        canvas.text(x.at(at as f64) + BAR / 2.0, top + PANEL + 15.0, "t m", &number::short(*month, 0));
    }
}

/// Where each of `heights` begins, one below the other from `top`.
fn stacked(heights: impl Iterator<Item = f64>, top: f64) -> Vec<f64> {
    let mut y = top;
    heights
        .map(|height| {
            let from = y;
            y += height;
            from
        })
        .collect()
}

fn stream(canvas: &mut Canvas, from: (f64, f64), to: (f64, f64), height: f64, state: usize) {
    let middle = f64::midpoint(from.0, to.0);
    let d = format!(
        "M{} {}C{} {} {} {} {} {}V{}C{} {} {} {} {} {}Z",
        px(from.0),
        px(from.1),
        px(middle),
        px(from.1),
        px(middle),
        px(to.1),
        px(to.0),
        px(to.1),
        px(to.1 + height),
        px(middle),
        px(to.1 + height),
        px(middle),
        px(from.1 + height),
        px(from.0),
        px(from.1 + height),
    );
    canvas.path(&d, &format!("s{state} stream"));
}
