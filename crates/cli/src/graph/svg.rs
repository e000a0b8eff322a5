//! A graph as SVG: axes, curves with their limits and marks, a legend, and the counts under their ticks.
//!
//! Never measures a font: texts stand where there is room for them. Colours and dashes are those of the report's figures (Okabe
//! and Ito 2008), so that grey print is legible.

use std::fmt::Write;

use maud::{Markup, html};

use super::{Graph, Series, short, ticks};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 128.0;
const RIGHT: f64 = WIDTH - 24.0;
const PLOT: f64 = 280.0;
const ROW: f64 = 17.0;
const UNDER_AXIS: f64 = 44.0;
/// A label longer than this would run into the axis.
const LONGEST_LABEL: usize = 19;

const STYLE: &str = "text{font:11.5px system-ui,\"Segoe UI\",Roboto,Arial,sans-serif;fill:#1b1f24;\
    font-variant-numeric:tabular-nums}.b{font-weight:650}.m{text-anchor:middle}.e{text-anchor:end}.mut{fill:#57606a}\
    .ax{stroke:#40474f;fill:none}.gr{stroke:#e3e7eb;fill:none}.l{fill:none;stroke-width:2.1}.k{fill:none;stroke-width:1.3}\
    .a{stroke:none;fill-opacity:.13}";
const LOOKS: [(&str, &str); 6] = [
    ("#0072b2", "none"),
    ("#c14f00", "8 3"),
    ("#00795a", "2 2.5"),
    ("#9b3f78", "10 3 2 3"),
    ("#8a6100", "5 2 1.5 2 1.5 2"),
    ("#111", "14 4"),
];

fn look(index: usize) -> (&'static str, &'static str) {
    LOOKS[index % LOOKS.len()]
}

/// Where things stand.
struct Sheet {
    top: f64,
    end: f64,
}

impl Sheet {
    fn x(&self, value: f64) -> f64 {
        LEFT + value.clamp(0.0, self.end) / self.end * (RIGHT - LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom() - value.clamp(0.0, 1.0) * PLOT
    }

    fn bottom(&self) -> f64 {
        self.top + PLOT
    }

    fn path(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let mut d = String::new();
        for (x, y) in points {
            // Writing into a String cannot fail.
            let _ = write!(d, "{}{} {}", if d.is_empty() { 'M' } else { 'L' }, px(self.x(x)), px(self.y(y)));
        }
        d
    }
}

/// A coordinate to a tenth, as short as can be.
fn px(value: f64) -> String {
    let tenths = (value * 10.0).round() / 10.0;
    if tenths == 0.0 { "0".to_owned() } else { tenths.to_string() }
}

impl Graph {
    /// The graph as the text of an SVG file.
    pub fn svg(&self) -> String {
        let sheet = Sheet {
            top: 34.0 + ROW * self.series.len() as f64,
            end: if self.x_end > 0.0 { self.x_end } else { 1.0 },
        };
        let has_counts = self.series.iter().any(|series| !series.counts.is_empty());
        let rows = if has_counts { self.series.len() + 1 } else { 0 } + self.notes.len();
        let under = sheet.bottom() + UNDER_AXIS + ROW;
        let height = under + ROW * rows as f64;
        let notes_from = under + if has_counts { ROW * (self.series.len() + 1) as f64 } else { 0.0 };
        let drawing = html! {
            svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox=(format!("0 0 {WIDTH} {}", px(height)))
                width=(WIDTH) height=(px(height)) aria-labelledby="title desc" {
                title id="title" { (self.title) }
                desc id="desc" { (self.series.iter().map(|s| s.label.as_str()).collect::<Vec<_>>().join(", ")) "." }
                style { (maud::PreEscaped(STYLE)) }
                rect width="100%" height="100%" fill="#fff" {}
                text class="b" x=(LEFT) y="16" { (self.title) }
                @for (i, series) in self.series.iter().enumerate() { (legend(i, series)) }
                (self.axes(&sheet))
                @for (i, series) in self.series.iter().enumerate() { (curve(&sheet, i, series)) }
                @if has_counts { (self.counts_below(&sheet, under)) }
                @for (i, note) in self.notes.iter().enumerate() {
                    text class="mut" x="8" y=(px(notes_from + ROW * i as f64)) { (note) }
                }
            }
        };
        drawing.into_string()
    }

    fn axes(&self, sheet: &Sheet) -> Markup {
        let (bottom, right) = (px(sheet.bottom()), px(RIGHT));
        let middle = px(f64::midpoint(sheet.top, sheet.bottom()));
        html! {
            @for quarter in [0.0, 0.25, 0.5, 0.75, 1.0] {
                @let y = sheet.y(quarter);
                @if quarter > 0.0 { path class="gr" d=(format!("M{LEFT} {}H{right}", px(y))) {} }
                path class="ax" d=(format!("M{} {}H{LEFT}", LEFT - 4.0, px(y))) {}
                text class="e" x=(LEFT - 8.0) y=(px(y + 4.0)) { (short(quarter)) }
            }
            path class="ax" d=(format!("M{LEFT} {}V{bottom}H{right}", px(sheet.top))) {}
            @for tick in ticks(self.x_end) {
                @let x = px(sheet.x(tick));
                path class="ax" d=(format!("M{x} {bottom}v4")) {}
                text class="m" x=(x) y=(px(sheet.bottom() + 17.0)) { (short(tick)) }
            }
            text class="m" x=(px(f64::midpoint(LEFT, RIGHT))) y=(px(sheet.bottom() + 34.0)) { (self.x_label) }
            text class="m" transform=(format!("translate({} {middle}) rotate(-90)", LEFT - 44.0)) { (self.y_label) }
        }
    }

    fn counts_below(&self, sheet: &Sheet, top: f64) -> Markup {
        html! {
            text class="b" x="8" y=(px(top)) { (self.counts_title) }
            @for (i, series) in self.series.iter().enumerate() {
                @let y = px(top + ROW * (i + 1) as f64);
                text x="8" y=(y) style=(format!("fill:{}", look(i).0)) {
                    (series.label.chars().take(LONGEST_LABEL).collect::<String>())
                }
                @for (tick, count) in ticks(self.x_end).iter().zip(&series.counts) {
                    text class="m" x=(px(sheet.x(*tick))) y=(y) { (count) }
                }
            }
        }
    }
}

fn stroke(index: usize) -> String {
    let (colour, dash) = look(index);
    format!("stroke:{colour};stroke-dasharray:{dash}")
}

fn legend(index: usize, series: &Series) -> Markup {
    let y = 16.0 + ROW * (index + 1) as f64;
    html! {
        path class="l" style=(stroke(index)) d=(format!("M{LEFT} {}h30", px(y - 4.0))) {}
        text x=(LEFT + 38.0) y=(px(y)) { (series.label) }
    }
}

fn curve(sheet: &Sheet, index: usize, series: &Series) -> Markup {
    let colour = look(index).0;
    let upper = series.band.iter().map(|(x, _, upper)| (*x, *upper));
    let lower = series.band.iter().rev().map(|(x, lower, _)| (*x, *lower));
    let mut marks = String::new();
    let mut last = f64::MIN;
    for (x, y) in &series.marks {
        // Marks nearer than this are one on paper.
        if sheet.x(*x) - last >= 0.8 {
            last = sheet.x(*x);
            let _ = write!(marks, "M{} {}v10", px(last), px(sheet.y(*y) - 5.0));
        }
    }
    html! {
        @if series.band.len() > 1 {
            path class="a" style=(format!("fill:{colour}")) d=(sheet.path(upper.chain(lower)) + "Z") {}
        }
        @if !series.points.is_empty() {
            path class="l" style=(stroke(index)) d=(sheet.path(thinned(sheet, &series.points).into_iter())) {}
        }
        @if !marks.is_empty() { path class="k" style=(format!("stroke:{colour}")) d=(marks) {} }
    }
}

/// The points that can be told apart on paper; a step keeps its corners.
fn thinned(sheet: &Sheet, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let place = |(x, y): (f64, f64)| (sheet.x(x), sheet.y(y));
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (k, &point) in points.iter().enumerate() {
        let far = kept.last().is_none_or(|&last| {
            let (a, b) = (place(last), place(point));
            (a.0 - b.0).abs() >= 0.2 || (a.1 - b.1).abs() >= 0.2
        });
        if far || k + 1 == points.len() {
            // What was passed over ends where this step begins.
            if let Some(&before) = k.checked_sub(1).and_then(|j| points.get(j))
                && kept.last().is_some_and(|last| *last != before)
            {
                kept.push(before);
            }
            kept.push(point);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::steps;
    use super::*;

    fn graph(points: Vec<(f64, f64)>) -> Graph {
        let series = Series {
            label: "a < b & c".into(),
            band: vec![(0.0, 1.0, 1.0), (60.0, 0.2, 0.8)],
            marks: vec![(30.0, 0.5), (30.01, 0.5)],
            counts: vec!["9".into(); 7],
            points,
        };
        Graph {
            title: "Curves".into(),
            x_label: "days".into(),
            y_label: "S".into(),
            x_end: 60.0,
            series: vec![series],
            counts_title: "At risk".into(),
            notes: vec!["A note.".into()],
        }
    }

    #[test]
    fn is_a_figure_with_everything_on_it() {
        insta::assert_snapshot!(
            graph(steps(&[10.0, 20.0, 60.0], &[0.8, 0.5, 0.5])).svg().replace("><", ">\n<")
        );
    }

    #[test]
    fn thousands_of_steps_stay_a_small_file() {
        let times: Vec<f64> = (1..=100_000).map(|k| f64::from(k) * 6e-4).collect();
        let values: Vec<f64> = times.iter().map(|t| (-t / 30.0).exp()).collect();
        let svg = graph(steps(&times, &values)).svg();
        assert!(svg.len() < 200_000, "{}", svg.len());
    }
}
