//! Figures as SVG: one module a figure, here what they share.
//!
//! Never computes a statistic; where there is more than can be drawn a figure shows every k-th and its note says so. Colours
//! are Okabe and Ito's (2008), and each arm has a dash, a shape and a pattern of its own so that grey print is legible.

mod canvas;
mod courses;
mod factb;
mod flow;
mod forest;
mod hazards;
mod incidence;
mod km;
mod model;
mod recruitment;
mod scale;
mod spider;
mod states;
mod subgroups;
mod swimmer;
mod waterfall;

pub use canvas::Canvas;
pub use factb::factb;
pub use flow::flow;
pub use forest::forest;
pub use km::kaplan_meier;
pub use recruitment::recruitment;
pub use spider::spider;
pub use swimmer::swimmer;
pub use waterfall::waterfall;

use analysis::results::Results;
use maud::{Markup, PreEscaped, html};

use crate::link::Links;
use crate::words;

/// Looks of every figure; the page holds it once, a figure that stands alone carries it.
pub const STYLE: &str = include_str!("figure.css");

/// Width of every figure in units of the viewBox, about CSS pixels.
pub const WIDTH: f64 = 760.0;

/// A figure.
pub struct Figure {
    /// A name that may stand in a file name or an anchor.
    pub name: String,
    /// What it shows, in a line.
    pub title: String,
    /// What it says, for who cannot see it.
    pub desc: String,
    /// The analysis it draws, where it draws one.
    pub analysis: Option<usize>,
    /// What to know when reading it: what the marks mean, what is not shown.
    pub note: String,
    canvas: Canvas,
}

impl Figure {
    /// As part of a page: with a caption.
    pub fn markup(&self) -> Markup {
        html! {
            figure.fig id=(format!("fig-{}", self.name)) {
                (self.svg(None))
                figcaption { strong { (self.title) "." } " " (self.note) }
            }
        }
    }

    /// As a file of its own.
    pub fn standalone(&self) -> String {
        self.svg(Some(STYLE)).into_string()
    }

    /// What it shows in words, with what to know when reading it.
    pub fn alternative(&self) -> String {
        if self.note.is_empty() { self.desc.clone() } else { format!("{} {}", self.desc, self.note) }
    }

    fn svg(&self, style: Option<&str>) -> Markup {
        let (width, height) = (self.canvas.width, self.canvas.height);
        let (title_id, desc_id) = (format!("t-{}", self.name), format!("d-{}", self.name));
        // An image's children are hidden from a screen reader; a figure with links must not hide them.
        let role = if self.canvas.has_links() { "group" } else { "img" };
        let desc = if style.is_some() { self.alternative() } else { self.desc.clone() };
        html! {
            svg xmlns="http://www.w3.org/2000/svg" class="svg" role=(role)
                viewBox=(format!("0 0 {} {}", canvas::px(width), canvas::px(height)))
                width=(canvas::px(width)) height=(canvas::px(height))
                aria-labelledby=(format!("{title_id} {desc_id}")) {
                title id=(title_id) { (self.title) }
                desc id=(desc_id) { (desc) }
                @if let Some(style) = style {
                    style { (PreEscaped(style)) }
                    rect class="paper" width="100%" height="100%" {}
                }
                (PreEscaped(self.canvas.body()))
            }
        }
    }
}

/// Every figure of `results`, in the order of the page.
pub fn all(results: &Results, links: &Links<'_>) -> Vec<Figure> {
    let mut figures = vec![flow(results, links), recruitment(results, links)];
    let mains = results.analyses.iter().enumerate().filter(|(_, analysis)| analysis.main);
    figures.extend(mains.map(|(i, _)| kaplan_meier(results, i, links)));
    figures.push(forest(results, links));
    figures.extend(subgroups::subgroups(results, links));
    for (i, analysis) in results.analyses.iter().enumerate() {
        figures.extend(incidence::incidence(results, i, links));
        let checks = 0..analysis.further.hazards.len();
        figures.extend(checks.filter_map(|place| hazards::hazards(results, i, place, links)));
    }
    figures.push(waterfall(results, links));
    figures.push(spider(results, links));
    figures.push(swimmer(results, links));
    figures.extend(states::states(results, links));
    figures.extend(courses::courses(results, links));
    figures.extend(results.quality_of_life.as_ref().map(|quality| factb(results, quality, links)));
    figures
        .extend(results.quality_of_life.as_ref().and_then(|quality| model::model(results, quality, links)));
    // Two analyses whose ids differ only in what a file name cannot hold.
    let mut seen = std::collections::HashSet::new();
    for figure in &mut figures {
        let wanted = figure.name.clone();
        let mut n = 1;
        while !seen.insert(figure.name.to_ascii_lowercase()) {
            n += 1;
            figure.name = format!("{wanted}-{n}");
        }
    }
    figures
}

/// A figure that has nothing to show and says why.
fn empty(name: &str, title: &str, why: &str) -> Figure {
    let mut canvas = Canvas::new(WIDTH, 84.0);
    canvas.rect(0.5, 0.5, WIDTH - 1.0, 83.0, "box soft");
    canvas.text(WIDTH / 2.0, 46.0, "t m mut", why);
    Figure {
        name: name.into(),
        title: title.into(),
        desc: why.into(),
        analysis: None,
        note: String::new(),
        canvas,
    }
}

/// Class suffix of the arm at `index`: six looks, then again from the first.
fn look(index: usize) -> usize {
    index % 6
}

/// Every k-th of `n` so that at most `limit` remain, the first and the last among them.
fn every_kth(n: usize, limit: usize) -> Vec<usize> {
    match (n, limit) {
        (n, limit) if n <= limit => (0..n).collect(),
        (_, 0) => Vec::new(),
        (_, 1) => vec![0],
        (n, limit) => (0..limit).map(|i| i * (n - 1) / (limit - 1)).collect(),
    }
}

/// `A, SABR` cut to what fits into `width` at `size`.
fn fit(text: &str, width: f64, size: f64) -> String {
    let most = scale::whole(width / (size * 0.53));
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// `text` in lines of at most `width` at `size`, at most `most` of them.
fn wrap(text: &str, width: f64, size: f64, most: usize) -> Vec<String> {
    let per_line = scale::whole(width / (size * 0.53)).max(4);
    let mut lines: Vec<String> = Vec::new();
    // Not `split_whitespace`: a no-break space holds its words together.
    for word in text.split([' ', '\n', '\t']).filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= per_line => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.push_str(" …");
        }
    }
    lines.iter().map(|line| fit(line, width, size)).collect()
}

/// A legend of the arms in one row from `x`, each with a sample drawn by `sample(canvas, x, y, arm index)`.
fn arm_legend(canvas: &mut Canvas, results: &Results, y: f64, sample: impl Fn(&mut Canvas, f64, f64, usize)) {
    let each = (WIDTH - 70.0) / results.arms.len().max(1) as f64;
    for (i, arm) in results.arms.iter().enumerate() {
        let x = 64.0 + each * i as f64;
        sample(canvas, x, y, i);
        canvas.text(x + 36.0, y + 4.0, "t", &fit(&words::arm_name(arm), each - 44.0, 11.5));
    }
}
