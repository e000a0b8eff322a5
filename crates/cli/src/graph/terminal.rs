//! A graph in a terminal, in braille dots; each curve has a dash of its own, so that it can be told apart without colours.
//!
//! Never wider than it is told to be. The dots are ratatui's.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;
use ratatui_core::style::Color;
use ratatui_core::symbols::Marker;
use ratatui_core::widgets::Widget;
use ratatui_widgets::canvas::{Canvas, Points};

use super::{Graph, short, ticks};

/// Rows of the drawing: one more than a multiple of four, so that quarters fall on rows.
const ROWS: u16 = 17;
/// Labels longer than this are cut.
const LONGEST_LABEL: usize = 16;
/// Dots on and off, and how the legend shows it; then again from the first.
const DASHES: [(&[usize], &str); 4] =
    [(&[1], "━━━━"), (&[5, 4], "╍ ╍ "), (&[1, 2], "┈┈┈┈"), (&[7, 2, 1, 2], "━ ╸ ")];
const COLOURS: [(Color, &str); 6] = [
    (Color::Blue, "\x1b[34m"),
    (Color::Red, "\x1b[31m"),
    (Color::Green, "\x1b[32m"),
    (Color::Magenta, "\x1b[35m"),
    (Color::Yellow, "\x1b[33m"),
    (Color::Cyan, "\x1b[36m"),
];

impl Graph {
    /// The graph in lines of at most `width` cells (at least 40 are used); the notes are left to the text around it.
    pub fn terminal(&self, width: u16, coloured: bool) -> String {
        let labels =
            self.series.iter().map(|s| s.label.chars().count()).chain([self.counts_title.chars().count()]);
        let gutter = labels.max().unwrap_or(0).clamp(5, LONGEST_LABEL) + 2;
        let columns = usize::from(width.clamp(40, 160)).saturating_sub(gutter + 4).max(20);
        let mut lines = vec![format!("{}{}", " ".repeat(gutter), self.title)];
        lines.extend(self.legend(gutter, coloured));
        lines.extend(self.drawing(gutter, columns, coloured));
        lines.extend(self.axis(gutter, columns));
        lines.extend(self.counts(gutter, columns, coloured));
        lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
    }

    fn legend(&self, gutter: usize, coloured: bool) -> Vec<String> {
        let of = |(i, series): (usize, &super::Series)| {
            let sample = paint(DASHES[i % DASHES.len()].1, i, coloured);
            format!("{}{sample} {}", " ".repeat(gutter), series.label)
        };
        self.series.iter().enumerate().map(of).collect()
    }

    fn drawing(&self, gutter: usize, columns: usize, coloured: bool) -> Vec<String> {
        let width = u16::try_from(columns).unwrap_or(u16::MAX);
        let area = Rect::new(0, 0, width, ROWS);
        let mut buffer = Buffer::empty(area);
        let dots: Vec<Vec<(f64, f64)>> = (0..self.series.len()).map(|i| self.dots(i, columns)).collect();
        Canvas::default()
            .marker(Marker::Braille)
            .x_bounds([0.0, 1.0])
            .y_bounds([0.0, 1.0])
            .paint(|context| {
                for (i, coords) in dots.iter().enumerate() {
                    context.draw(&Points { coords, color: COLOURS[i % COLOURS.len()].0 });
                }
            })
            .render(area, &mut buffer);
        let row = |y: u16| {
            let label = if y.is_multiple_of(4) {
                short(1.0 - f64::from(y) / f64::from(ROWS - 1))
            } else {
                String::new()
            };
            let tick = if y.is_multiple_of(4) { '┤' } else { '│' };
            let cells: String = (0..width)
                .map(|x| {
                    let cell = &buffer[(x, y)];
                    let symbol = if cell.symbol() == "\u{2800}" { " " } else { cell.symbol() };
                    let i = COLOURS.iter().position(|(colour, _)| *colour == cell.fg);
                    i.map_or_else(|| symbol.to_owned(), |i| paint(symbol, i, coloured))
                })
                .collect();
            format!("{label:>gutter$} {tick}{cells}")
        };
        (0..ROWS).map(row).collect()
    }

    /// The dots of a curve on the unit square, dashed.
    fn dots(&self, index: usize, columns: usize) -> Vec<(f64, f64)> {
        let (wide, high) = ((2 * columns - 1) as f64, f64::from(4 * ROWS - 1));
        let end = if self.x_end > 0.0 { self.x_end } else { 1.0 };
        let place = |(x, y): (f64, f64)| (x.clamp(0.0, end) / end * wide, y.clamp(0.0, 1.0) * high);
        let dashes = DASHES[index % DASHES.len()].0;
        let round: usize = dashes.iter().sum();
        let is_on = |walked: usize| {
            let mut left = if dashes.len() == 1 { return true } else { walked % round };
            for (k, length) in dashes.iter().enumerate() {
                if left < *length {
                    return k % 2 == 0;
                }
                left -= length;
            }
            false
        };
        let mut dots = Vec::new();
        let mut walked = 0;
        for pair in self.series[index].points.windows(2) {
            let (from, to) = (place(pair[0]), place(pair[1]));
            let length = (to.0 - from.0).abs().max((to.1 - from.1).abs());
            // Not more dots than there are on the way across.
            let count = whole(length);
            for k in 0..=count {
                let share = if count == 0 { 0.0 } else { k as f64 / count as f64 };
                if is_on(walked + k) {
                    dots.push((
                        (from.0 + share * (to.0 - from.0)) / wide,
                        (from.1 + share * (to.1 - from.1)) / high,
                    ));
                }
            }
            walked += count;
        }
        dots
    }

    fn columns_of_ticks(&self, columns: usize) -> Vec<(f64, usize)> {
        let end = if self.x_end > 0.0 { self.x_end } else { 1.0 };
        ticks(self.x_end).into_iter().map(|t| (t, whole(t / end * (columns - 1) as f64))).collect()
    }

    fn axis(&self, gutter: usize, columns: usize) -> Vec<String> {
        let ticks = self.columns_of_ticks(columns);
        let mut line = vec!['─'; columns];
        for (_, column) in &ticks {
            line[*column] = '┬';
        }
        let labels: Vec<(usize, String)> = ticks.iter().map(|(t, column)| (*column, short(*t))).collect();
        let blank = " ".repeat(gutter);
        let axis = format!("{blank} └{}", line.iter().collect::<String>());
        let name = format!("{blank}  {:^columns$}", self.x_label);
        vec![axis, format!("{blank}  {}", centred(&labels, columns)), name]
    }

    fn counts(&self, gutter: usize, columns: usize, coloured: bool) -> Vec<String> {
        if self.series.iter().all(|series| series.counts.is_empty()) {
            return Vec::new();
        }
        let places = self.columns_of_ticks(columns);
        let row = |(i, series): (usize, &super::Series)| {
            let counts: Vec<(usize, String)> =
                places.iter().zip(&series.counts).map(|((_, column), n)| (*column, n.clone())).collect();
            let label: String = series.label.chars().take(LONGEST_LABEL).collect();
            let label = paint(&format!("{label:>gutter$}"), i, coloured);
            format!("{label}  {}", centred(&counts, columns))
        };
        let title = format!("{:>gutter$}", self.counts_title);
        std::iter::once(title).chain(self.series.iter().enumerate().map(row)).collect()
    }
}

/// A text with the colour of the curve at `index`.
fn paint(text: &str, index: usize, coloured: bool) -> String {
    if coloured { format!("{}{text}\x1b[0m", COLOURS[index % COLOURS.len()].1) } else { text.to_owned() }
}

/// Texts with their middles at columns; one that would touch the one before is left out.
fn centred(texts: &[(usize, String)], columns: usize) -> String {
    let mut line = String::new();
    let mut used = 0;
    for (column, text) in texts {
        let length = text.chars().count();
        let from = column.saturating_sub(length / 2).min((columns + 3).saturating_sub(length));
        if used == 0 || from > used {
            line.push_str(&" ".repeat(from - used.min(from)));
            line.push_str(text);
            used = from + length;
        }
    }
    line
}

/// A length in whole dots.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped to what fits")]
fn whole(length: f64) -> usize {
    length.round().clamp(0.0, 10_000.0) as usize
}

#[cfg(test)]
mod tests {
    use super::super::{Series, steps};
    use super::*;

    fn graph() -> Graph {
        let series = |label: &str, values: [f64; 4]| Series {
            label: label.into(),
            points: steps(&[10.0, 20.0, 40.0, 60.0], &values),
            counts: ["9", "7", "5", "3", "2", "1", "1"].map(str::to_owned).to_vec(),
            ..Series::default()
        };
        Graph {
            title: "Kaplan-Meier".into(),
            x_label: "days".into(),
            y_label: "S".into(),
            x_end: 60.0,
            series: vec![series("control", [0.8, 0.5, 0.3, 0.0]), series("sabr", [0.9, 0.8, 0.6, 0.6])],
            counts_title: "At risk".into(),
            notes: vec![],
        }
    }

    #[test]
    fn draws_what_can_be_read_without_colours() {
        insta::assert_snapshot!(graph().terminal(72, false));
    }

    #[test]
    fn colours_add_nothing_but_colours() {
        let plain = graph().terminal(72, false);
        let coloured = graph().terminal(72, true);
        let mut bare = coloured.replace("\x1b[0m", "");
        for (_, code) in COLOURS {
            bare = bare.replace(code, "");
        }
        let lines = |text: &str| text.lines().map(|l| l.trim_end().to_owned()).collect::<Vec<_>>();
        assert_eq!(lines(&bare), lines(&plain));
    }

    #[test]
    fn nothing_to_draw_is_drawn_all_the_same() {
        let empty = Graph { x_end: 0.0, series: vec![], ..graph() };
        assert!(empty.terminal(10, false).lines().count() > 17);
    }
}
