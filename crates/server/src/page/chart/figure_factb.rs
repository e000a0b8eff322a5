//! FACT-B over time: the total and its five subscales, each as a share of what can be reached.
//!
//! Never scores; `trial::factb` does. Higher is better for each.

use jiff::civil::Date;
use maud::{Markup, html};
use trial::event::Seq;
use trial::factb::Scores;

use super::figure::{Scale, Time, line, linked, linking, path, px, text, time_axis};
use super::view::{View, tenth};

const SIZE: (f64, f64) = (620.0, 250.0);
const X: (f64, f64) = (44.0, 600.0);
const Y: (f64, f64) = (206.0, 26.0);
/// The most a FACT-B total can be.
pub(super) const TOTAL: f64 = 148.0;

/// The curve of the total.
pub(super) fn total(view: &View<'_>, scored: &[(Date, Seq, Scores)]) -> Markup {
    let points: Vec<(Date, Seq, f64)> =
        scored.iter().filter_map(|(date, event, scores)| Some((*date, *event, scores.total?))).collect();
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return html! {} };
    if points.len() < 2 {
        return html! {};
    }
    let origin = view.start().unwrap_or(first.0);
    let time = Time::new(origin, first.0.min(origin), last.0, X);
    let y = Scale::new((0.0, TOTAL), Y);
    let mut body = vec![time_axis(&time, view.start().is_some(), Y.1, Y.0)];
    for tick in [0.0, 50.0, 100.0, TOTAL] {
        let at = y.at(tick);
        body.push(line("grid-line", (X.0, at), (X.1, at)));
        body.push(text("tick e", X.0 - 6.0, at + 4.0, &tenth(tick)));
    }
    let curve: Vec<(f64, f64)> =
        points.iter().map(|(date, _, total)| (time.at(*date), y.at(*total))).collect();
    body.push(html! { path.curve d=(path(&curve)) {} });
    for ((date, event, total), (x, at)) in points.iter().zip(curve) {
        let mark = html! {
            circle.point cx=(px(x)) cy=(px(at)) r="4.5" {}
            (text("value m", x, at - 9.0, &tenth(*total)))
        };
        let says = format!("FACT-B total {} on {}", tenth(*total), view.dated(*date));
        body.push(linked(&view.leads(*event), &says, &mark));
    }
    linking("factb", SIZE, "FACT-B total over time, 0 to 148, higher is better", &body)
}
