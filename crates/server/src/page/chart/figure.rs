//! What the figures of a subject's page share: scales, time, symbols, links.
//!
//! Never a style in an attribute `style` (the content security policy forbids it): looks are classes of `app.css`. A drawing
//! whose marks are links is a group and no image, so that a screen reader and the keyboard reach them.

use jiff::civil::Date;
use maud::{Markup, PreEscaped, html};
use trial::date::{DAYS_PER_MONTH, days_between, plus_days};

use crate::page::parts;

/// A linear scale from values to coordinates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    from: (f64, f64),
    to: (f64, f64),
}

impl Scale {
    /// Values `from.0` to `from.1` on coordinates `to.0` to `to.1`; a span of nothing is widened.
    pub(super) fn new(from: (f64, f64), to: (f64, f64)) -> Self {
        let from = if from.1 > from.0 { from } else { (from.0, from.0 + 1.0) };
        Self { from, to }
    }

    /// Where `value` stands; a value beyond the ends stands at the end.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = (value - self.from.0) / (self.from.1 - self.from.0);
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        self.to.0 + share * (self.to.1 - self.to.0)
    }
}

/// Ticks from 0 on, four or five of them, multiples of 1, 2 or 5 times a power of ten; the last is at least `most`.
pub(super) fn ticks(most: f64) -> Vec<f64> {
    let raw = (most.max(1.0) / 4.0).max(0.1);
    let power = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= raw - 1e-9);
    let step = step.unwrap_or(raw);
    let mut ticks = vec![0.0];
    while ticks.last().is_some_and(|last| *last < most - 1e-9) && ticks.len() < 12 {
        ticks.push(ticks.len() as f64 * step);
    }
    ticks
}

/// A span of days on the width of a drawing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    origin: Date,
    first: Date,
    last: Date,
    scale: Scale,
}

/// A tick of time.
pub(super) struct TimeTick {
    pub(super) x: f64,
    /// Months from the origin.
    pub(super) months: u32,
    pub(super) date: Date,
}

impl Time {
    /// From `first` to `last`, months counted from `origin`, on `x.0` to `x.1`.
    pub(super) fn new(origin: Date, first: Date, last: Date, x: (f64, f64)) -> Self {
        let days = days_between(first, last).max(1);
        Self { origin, first, last: plus_days(first, days), scale: Scale::new((0.0, days as f64), x) }
    }

    /// Where a day stands; a day beyond the ends stands at the end.
    pub(super) fn at(&self, date: Date) -> f64 {
        self.scale.at(days_between(self.first, date) as f64)
    }

    /// Whether a day lies within.
    pub(super) fn holds(&self, date: Date) -> bool {
        (self.first..=self.last).contains(&date)
    }

    /// Every 3, 6, 12 or more months from the origin, about ten at most.
    pub(super) fn ticks(&self) -> Vec<TimeTick> {
        let months = days_between(self.origin, self.last) as f64 / DAYS_PER_MONTH;
        let step =
            [1_u32, 2, 3, 6, 12, 24, 60, 120].into_iter().find(|step| months / f64::from(*step) <= 11.0);
        let step = step.unwrap_or(240);
        let mut ticks = Vec::new();
        for months in (0..).step_by(step as usize) {
            #[allow(clippy::cast_possible_truncation)] // a few thousand days at most
            let date = plus_days(self.origin, (f64::from(months) * DAYS_PER_MONTH).round() as i64);
            if date > self.last || ticks.len() > 40 {
                break;
            }
            if date >= self.first {
                ticks.push(TimeTick { x: self.at(date), months, date });
            }
        }
        ticks
    }
}

/// A coordinate to a tenth, as short as can be.
pub(super) fn px(value: f64) -> String {
    let tenths = (value * 10.0).round() / 10.0;
    if tenths.is_finite() && tenths != 0.0 { format!("{tenths}") } else { "0".into() }
}

/// About how wide a text is at a size of type.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.56
}

/// As much of a text as fits a width, with an ellipsis where it does not; nothing where not even three letters do.
pub(super) fn fit(text: &str, room: f64, size: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped to what a figure holds
    let letters = (room / (size * 0.56)).clamp(0.0, 400.0) as usize;
    if letters < 4 {
        return String::new();
    }
    let mut cut: String = text.chars().take(letters - 1).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// A path through points.
pub(super) fn path(points: &[(f64, f64)]) -> String {
    let mut d = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        d.push(if index == 0 { 'M' } else { 'L' });
        d.push_str(&px(*x));
        d.push(' ');
        d.push_str(&px(*y));
    }
    d
}

/// A line.
pub(super) fn line(class: &str, from: (f64, f64), to: (f64, f64)) -> Markup {
    html! { path class=(class) d=(path(&[from, to])) {} }
}

/// A text.
pub(super) fn text(class: &str, x: f64, y: f64, says: &str) -> Markup {
    html! { text class=(class) x=(px(x)) y=(px(y)) { (says) } }
}

/// A mark that leads somewhere and says what it is: its title is what a pointer shows and the link's name.
pub(super) fn linked(href: &str, says: &str, mark: &Markup) -> Markup {
    html! { a href=(href) { title { (says) } (mark) } }
}

/// Shapes of marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
}

/// A shape around a point, `r` being half its width.
pub(super) fn shape(shape: Shape, class: &str, x: f64, y: f64, r: f64) -> Markup {
    let at = |dx: f64, dy: f64| (x + dx, y + dy);
    let closed = |points: &[(f64, f64)]| format!("{}Z", path(points));
    match shape {
        Shape::Circle => html! { circle class=(class) cx=(px(x)) cy=(px(y)) r=(px(r)) {} },
        Shape::Square => {
            let half = r * 0.88;
            let d = closed(&[at(-half, -half), at(half, -half), at(half, half), at(-half, half)]);
            html! { path class=(class) d=(d) {} }
        }
        Shape::Triangle => {
            let d = closed(&[at(0.0, -r * 1.1), at(r * 1.05, r * 0.8), at(-r * 1.05, r * 0.8)]);
            html! { path class=(class) d=(d) {} }
        }
        Shape::Diamond => {
            let far = r * 1.2;
            let d = closed(&[at(0.0, -far), at(far, 0.0), at(0.0, far), at(-far, 0.0)]);
            html! { path class=(class) d=(d) {} }
        }
        Shape::Cross => {
            let far = r * 0.8;
            let d =
                format!("{}{}", path(&[at(-far, -far), at(far, far)]), path(&[at(-far, far), at(far, -far)]));
            html! { path class=(class) d=(d) {} }
        }
    }
}

/// About how wide the words of a tick of time are.
const WORDS: f64 = 60.0;

/// The lines and the words of an axis of time: months above, the calendar below.
pub(super) fn time_axis(time: &Time, counted: bool, top: f64, bottom: f64) -> Markup {
    let ticks = time.ticks();
    // Words that would run into each other: every second, third, ... has them.
    let apart = ticks.windows(2).map(|pair| pair[1].x - pair[0].x).fold(WORDS, f64::min);
    let every = [1, 2, 3, 4, 6].into_iter().find(|every| f64::from(*every) * apart >= WORDS).unwrap_or(12);
    html! {
        @for (index, tick) in (0_i32..).zip(&ticks) {
            (line("grid-line", (tick.x, top), (tick.x, bottom)))
            @if index % every != 0 {}
            @else if counted {
                (text("tick m", tick.x, bottom + 14.0, &format!("{} mo", tick.months)))
                (text("tick m faint", tick.x, bottom + 27.0, &tick.date.strftime("%b %Y").to_string()))
            } @else { (text("tick m", tick.x, bottom + 14.0, &tick.date.strftime("%-d %b %Y").to_string())) }
        }
    }
}

/// A drawing whose marks lead somewhere.
pub(super) fn linking(class: &str, (w, h): (f64, f64), label: &str, body: &[Markup]) -> Markup {
    html! {
        div.figure {
            svg class={ "drawn " (class) } viewBox={ "0 0 " (px(w)) " " (px(h)) } role="group" aria-label=(label) {
                @for part in body { (part) }
            }
        }
    }
}

/// A drawing to look at.
pub(super) fn image(class: &str, (w, h): (f64, f64), label: &str, body: &[Markup]) -> Markup {
    html! {
        svg class={ "drawn " (class) } viewBox={ "0 0 " (px(w)) " " (px(h)) } role="img" aria-label=(label) {
            title { (label) }
            @for part in body { (part) }
        }
    }
}

/// A date in a title.
pub(super) fn on(date: Date) -> String {
    parts::day(date)
}

/// Nothing.
pub(super) fn none() -> Markup {
    PreEscaped(String::new())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0.0, &[0.0])]
    #[case(38.0, &[0.0, 10.0, 20.0, 30.0, 40.0])]
    #[case(100.0, &[0.0, 50.0, 100.0])]
    #[case(148.0, &[0.0, 50.0, 100.0, 150.0])]
    fn ticks_enclose(#[case] most: f64, #[case] want: &[f64]) {
        assert_eq!(ticks(most), want);
    }

    #[test]
    fn months_are_counted_from_the_origin_and_begin_there() {
        let time = Time::new(date(2025, 3, 1), date(2025, 2, 1), date(2026, 3, 1), (0.0, 393.0));
        let months: Vec<u32> = time.ticks().iter().map(|tick| tick.months).collect();
        assert_eq!(months, [0, 2, 4, 6, 8, 10, 12]);
        assert_eq!(time.at(date(2025, 3, 1)), 28.0);
        assert_eq!((time.at(date(2020, 1, 1)), time.at(date(2030, 1, 1))), (0.0, 393.0));
    }

    proptest! {
        #[test]
        fn a_text_that_was_cut_fits(text in ".{0,60}", room in 0.0..400.0_f64) {
            let cut = fit(&text, room, 11.0);
            prop_assert!(cut.is_empty() || width(&cut, 11.0) <= room + 1e-9);
        }

        #[test]
        fn ticks_reach_what_they_are_for(most in 0.0..100_000.0_f64) {
            let ticks = ticks(most);
            prop_assert!(ticks.len() <= 6 && ticks.last().copied().unwrap_or(0.0) >= most - 1e-6);
        }
    }
}
