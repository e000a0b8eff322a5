//! Curves of the lesions: the sum of the targets with the response at each assessment, and each lesion's diameter over time.
//!
//! Never computes a response or a nadir. All curves of a subject share one scale of time and one of mm, so that they can be
//! compared by eye.

use jiff::civil::Date;
use maud::{Markup, html};

use super::figure::{
    Scale, Shape, Time, image, line, linked, linking, path, px, shape, text, ticks, time_axis,
};
use super::lesions::{Assessed, Spot, State, Track, look, place_words, short};
use super::view::{View, listed, lower, signed, tenth};
use crate::page::parts;

const SUM: (f64, f64) = (1160.0, 250.0);
const SUM_X: (f64, f64) = (44.0, 1092.0);
/// Where time is drawn: the first value stands clear of the scale.
const SUM_TIME: (f64, f64) = (72.0, 1070.0);
const SUM_Y: (f64, f64) = (204.0, 52.0);
const SMALL: (f64, f64) = (300.0, 104.0);
const SMALL_X: (f64, f64) = (30.0, 288.0);
const SMALL_Y: (f64, f64) = (80.0, 16.0);
/// Where the marks of a lesion stand that was never measured.
const STRIP: f64 = 26.0;

/// From the first assessment to the last, or to the last course of SABR after it.
fn time(view: &View<'_>, assessed: &[Assessed<'_>], x: (f64, f64)) -> Option<Time> {
    let (first, last) = (assessed.first()?.date, assessed.last()?.date);
    let treated = view.record.sabr.iter().map(|course| course.end.unwrap_or(course.start)).max();
    let last = treated.map_or(last, |treated| last.max(treated));
    let origin = view.start().unwrap_or(first);
    Some(Time::new(origin, first.min(origin), last, x))
}

/// The sum over time, with the response above each assessment.
pub(super) fn sum(view: &View<'_>, assessed: &[Assessed<'_>]) -> Markup {
    if assessed.iter().all(|one| one.sum.is_none()) {
        return html! { p.soft { "No target lesions: nothing is measured, the non-targets and new lesions decide." } };
    }
    let most = assessed.iter().filter_map(|one| one.sum).fold(0.0_f64, f64::max);
    let Some(time) = time(view, assessed, SUM_TIME).filter(|_| assessed.len() > 1) else { return html! {} };
    let marks = ticks(most);
    let y = Scale::new((0.0, marks.last().copied().unwrap_or(1.0)), SUM_Y);
    let mut body = vec![time_axis(&time, view.start().is_some(), SUM_Y.1 - 6.0, SUM_Y.0)];
    for tick in &marks {
        let at = y.at(*tick);
        body.push(line("grid-line", (SUM_X.0, at), (SUM_X.1, at)));
        body.push(text("tick e", SUM_X.0 - 6.0, at + 4.0, &tenth(*tick)));
    }
    body.push(text("tick", 4.0, SUM_Y.1 - 14.0, "mm"));
    body.extend(view.record.sabr.iter().map(|course| sabr(view, &time, course.start, course.event)));
    if let Some(nadir) = assessed.last().and_then(|last| last.nadir) {
        let at = y.at(nadir);
        body.push(line("nadir", (SUM_X.0, at), (SUM_X.1, at)));
        body.push(text("tick", SUM_X.1 + 4.0, at + 3.5, &format!("nadir {}", tenth(nadir))));
    }
    let measured: Vec<(f64, f64)> = assessed
        .iter()
        .filter_map(|one| Some((time.at(one.date), y.at(one.sum.filter(|_| one.complete)?))))
        .collect();
    if measured.len() > 1 {
        body.push(html! { path.curve d=(path(&measured)) {} });
    }
    let room = gap(&time, assessed);
    body.extend(assessed.iter().map(|one| point(view, &time, &y, one, room)));
    let label = format!("Sum of target diameters over time, {} assessments", assessed.len());
    linking("sum", SUM, &label, &body)
}

/// The least room between two assessments.
fn gap(time: &Time, assessed: &[Assessed<'_>]) -> f64 {
    let xs: Vec<f64> = assessed.iter().map(|one| time.at(one.date)).collect();
    xs.windows(2).map(|pair| pair[1] - pair[0]).fold(60.0, f64::min)
}

fn point(view: &View<'_>, time: &Time, y: &Scale, one: &Assessed<'_>, room: f64) -> Markup {
    let x = time.at(one.date);
    let response = one.judged.as_ref().map(|judged| judged.overall);
    let sum = one.sum.map_or_else(|| "no sum".to_owned(), |sum| format!("sum {} mm", tenth(sum)));
    let change =
        one.change.map_or_else(String::new, |change| format!(", {} % from baseline", signed(change * 100.0)));
    let response_words = response.map_or("baseline", |response| response.as_str());
    let says = format!("{}: {response_words}, {sum}{change}", view.dated(one.date));
    let mark = html! {
        (chip(x, 22.0, room, response.map_or("", look), response.map_or("BL", short)))
        @if let Some(sum) = one.sum {
            @let at = y.at(sum);
            circle class={ "point" @if !one.complete { " partial" } } cx=(px(x)) cy=(px(at)) r="4.5" {}
            @if room >= 26.0 { (text("value m", x, at - 9.0, &tenth(sum))) }
        }
    };
    linked(&view.leads(one.event), &says, &mark)
}

/// A response in a box; only a bar of its colour where there is no room for the word.
pub(super) fn chip(x: f64, y: f64, room: f64, class: &str, word: &str) -> Markup {
    let half = (room / 2.0 - 1.0).clamp(2.0, 15.0);
    html! {
        rect class={ "response " (class) } x=(px(x - half)) y=(px(y - 9.0)) width=(px(half * 2.0)) height="18" rx="4" {}
        @if half >= 11.0 { (text(&format!("response-word m {class}"), x, y + 4.0, word)) }
    }
}

fn sabr(view: &View<'_>, time: &Time, on: Date, event: trial::event::Seq) -> Markup {
    let x = time.at(on);
    let mark = html! {
        (line("sabr-line", (x, SUM_Y.1 - 6.0), (x, SUM_Y.0)))
        (shape(Shape::Triangle, "sabr-mark", x, SUM_Y.0 - 5.0, 6.0))
    };
    linked(&view.leads(event), &format!("SABR from {}", view.dated(on)), &mark)
}

/// A small curve for each lesion.
pub(super) fn tracks(view: &View<'_>, assessed: &[Assessed<'_>], tracks: &[Track]) -> Markup {
    let Some(time) = time(view, assessed, SMALL_X) else { return html! {} };
    let sizes = tracks.iter().flat_map(|track| &track.points).filter_map(|point| point.size);
    let most = ticks(sizes.fold(10.0, f64::max)).last().copied().unwrap_or(10.0);
    html! {
        h3 { "Each lesion over time" }
        div.tracks { @for track in tracks { (one(view, track, &time, most)) } }
    }
}

fn one(view: &View<'_>, track: &Track, time: &Time, most: f64) -> Markup {
    let last = track.points.last();
    html! {
        div.track #{ "lesion-" (track.number) } {
            div.track-head {
                b { (track.marked.lesion) } " "
                span.soft { (place_words(&track.marked)) ", " (lower(role(track))) }
                @if let Some(last) = last {
                    " " span.nb { b { (last.size.map_or_else(String::new, |size| format!("{} mm", tenth(size)))) } }
                }
            }
            @if track.points.iter().any(|point| point.size.is_some()) {
                (image("small-curve", SMALL, &words(track), &drawn(view, track, time, most)))
            } @else { (image("small-curve", (SMALL.0, STRIP + 22.0), &words(track), &strip(view, track, time))) }
            @if !track.sabr.is_empty() {
                div.small.soft {
                    "SABR "
                    (listed(track.sabr.iter().map(|(start, _, dose)| format!("{dose} ({})", parts::day(*start)))))
                }
            }
        }
    }
}

fn role(track: &Track) -> &'static str {
    match track.marked.role {
        trial::record::LesionRole::Target => "TARGET",
        trial::record::LesionRole::NonTarget => "NON-TARGET",
        trial::record::LesionRole::New => "NEW",
    }
}

fn drawn(view: &View<'_>, track: &Track, time: &Time, most: f64) -> Vec<Markup> {
    let y = Scale::new((0.0, most), SMALL_Y);
    let mut body = Vec::new();
    for tick in [0.0, most / 2.0, most] {
        let at = y.at(tick);
        body.push(line("grid-line", (SMALL_X.0, at), (SMALL_X.1, at)));
        body.push(text("tick e", SMALL_X.0 - 4.0, at + 3.5, &tenth(tick)));
    }
    crossing(view, track, time, SMALL_Y.0, &mut body);
    let curve: Vec<(f64, f64)> =
        track.points.iter().filter_map(|point| Some((time.at(point.date), y.at(point.size?)))).collect();
    if curve.len() > 1 {
        body.push(html! { path.curve d=(path(&curve)) {} });
    }
    for point in &track.points {
        // What has no size is marked at the foot.
        let at = point.size.map_or(SMALL_Y.0, |size| y.at(size));
        let class = format!("lesion {}", point.state.class());
        body.push(shape(point.state.shape(), &class, time.at(point.date), at, 4.2));
    }
    body
}

/// The marks alone, of a lesion that was never measured.
fn strip(view: &View<'_>, track: &Track, time: &Time) -> Vec<Markup> {
    let mut body = vec![line("grid-line", (SMALL_X.0, STRIP), (SMALL_X.1, STRIP))];
    crossing(view, track, time, STRIP, &mut body);
    for point in &track.points {
        let class = format!("lesion {}", point.state.class());
        body.push(shape(point.state.shape(), &class, time.at(point.date), STRIP, 4.2));
    }
    body
}

/// The axis of time, and what happened to the lesion apart from its size: SABR, progressions.
fn crossing(view: &View<'_>, track: &Track, time: &Time, foot: f64, body: &mut Vec<Markup>) {
    let ticks = time.ticks();
    let counted = view.start().is_some();
    for tick in ticks.iter().step_by(ticks.len().div_ceil(5).max(1)) {
        let says =
            if counted { format!("{} mo", tick.months) } else { tick.date.strftime("%b %Y").to_string() };
        body.push(text("tick m", tick.x, foot + 17.0, &says));
    }
    for (start, end, _) in &track.sabr {
        let (from, to) = (time.at(*start), time.at(end.unwrap_or(*start)));
        body.push(line("sabr-line", (from, SMALL_Y.1), (from, foot)));
        body.push(shape(Shape::Triangle, "sabr-mark", f64::midpoint(from, to), SMALL_Y.1 - 6.0, 5.0));
    }
    for (number, date) in &track.progressions {
        let x = time.at(*date);
        body.push(line("progression-line", (x, SMALL_Y.1), (x, foot)));
        body.push(text("progression-word m", x, SMALL_Y.1 - 4.0, &format!("P{number}")));
    }
}

fn words(track: &Track) -> String {
    let point = |point: &super::lesions::TrackPoint| {
        let size =
            point.size.map_or_else(|| point.state.words().to_owned(), |size| format!("{} mm", tenth(size)));
        let grows = if point.state == State::Progressing { " (progressing)" } else { "" };
        format!("{}: {size}{grows}", parts::day(point.date))
    };
    let points: Vec<String> = track.points.iter().map(point).collect();
    format!("Lesion {}, {}. {}", track.marked.lesion, place_words(&track.marked), points.join("; "))
}

/// What the marks mean, of those that are shown.
pub(super) fn legend(spots: &[Spot]) -> Markup {
    html! {
        ul.legend aria-label="Marks" {
            @for state in State::ALL {
                @if spots.iter().any(|spot| spot.state == state) {
                    li { (sample(&shape(state.shape(), &format!("lesion {}", state.class()), 8.0, 8.0, 5.0))) (state.words()) }
                }
            }
            @if spots.iter().any(|spot| spot.treated.is_some()) {
                li {
                    (sample(&html! { (shape(Shape::Circle, "halo", 8.0, 8.0, 6.5)) (shape(Shape::Circle, "lesion target", 8.0, 8.0, 3.5)) }))
                    "treated with SABR"
                }
            }
        }
    }
}

/// A mark in a legend.
pub(super) fn sample(mark: &Markup) -> Markup {
    html! { svg.drawn.sample viewBox="0 0 16 16" aria-hidden="true" { (mark) } }
}
