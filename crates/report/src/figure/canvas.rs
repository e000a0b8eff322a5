//! A sheet to draw on: lines, boxes, shapes and texts with classes, each text escaped by maud.
//!
//! Never knows what it draws. Every element is closed by a tag of its own, so that the same text is well-formed XML.

use std::fmt::Write;

use maud::{Markup, html};

/// Shapes of marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Circle,
    Square,
    Triangle,
    Diamond,
    TriangleDown,
    Cross,
}

/// Shapes of the arms, in their order.
pub const ARM_SHAPES: [Shape; 6] =
    [Shape::Circle, Shape::Square, Shape::Triangle, Shape::Diamond, Shape::TriangleDown, Shape::Cross];

/// A coordinate to a tenth, as short as can be.
pub fn px(value: f64) -> String {
    let tenths = (value * 10.0).round() / 10.0;
    if tenths.is_finite() && tenths != 0.0 { format!("{tenths}") } else { "0".into() }
}

/// A sheet.
pub struct Canvas {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    body: String,
    links: bool,
}

impl Canvas {
    /// An empty sheet.
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new(), links: false }
    }

    /// What was drawn.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Whether a mark leads anywhere.
    pub fn has_links(&self) -> bool {
        self.links
    }

    fn put(&mut self, markup: Markup) {
        self.body.push_str(&markup.into_string());
    }

    /// A line from (`x1`, `y1`) to (`x2`, `y2`).
    pub fn line(&mut self, x1: f64, y1: f64, x2: f64, y2: f64, class: &str) {
        let d = format!("M{} {}L{} {}", px(x1), px(y1), px(x2), px(y2));
        self.path(&d, class);
    }

    /// A path.
    pub fn path(&mut self, d: &str, class: &str) {
        self.put(html! { path class=(class) d=(d) {} });
    }

    /// A line through points.
    pub fn polyline(&mut self, points: &[(f64, f64)], class: &str) {
        let mut d = String::new();
        for (i, (x, y)) in points.iter().enumerate() {
            // Writing into a String cannot fail.
            let _ = write!(d, "{}{} {}", if i == 0 { 'M' } else { 'L' }, px(*x), px(*y));
        }
        self.path(&d, class);
    }

    /// A box; nothing where it has no size.
    pub fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, class: &str) {
        if width > 0.0 && height > 0.0 {
            self.put(html! {
                rect class=(class) x=(px(x)) y=(px(y)) width=(px(width)) height=(px(height)) {}
            });
        }
    }

    /// A text.
    pub fn text(&mut self, x: f64, y: f64, class: &str, text: &str) {
        self.put(html! { text class=(class) x=(px(x)) y=(px(y)) { (text) } });
    }

    /// A text that leads to `href`, where there is one.
    pub fn linked(&mut self, x: f64, y: f64, class: &str, text: &str, href: Option<&str>) {
        match href {
            Some(_) => self.group("", href, "", |canvas| canvas.text(x, y, class, text)),
            None => self.text(x, y, class, text),
        }
    }

    /// A text that runs upwards.
    pub fn text_up(&mut self, x: f64, y: f64, class: &str, text: &str) {
        let turn = format!("translate({} {}) rotate(-90)", px(x), px(y));
        self.put(html! { text class=(class) transform=(turn) { (text) } });
    }

    /// A shape around (`x`, `y`), `r` being half its width.
    pub fn shape(&mut self, shape: Shape, x: f64, y: f64, r: f64, class: &str) {
        let at = |dx: f64, dy: f64| format!("{} {}", px(x + dx), px(y + dy));
        let d = match shape {
            Shape::Circle => {
                self.put(html! { circle class=(class) cx=(px(x)) cy=(px(y)) r=(px(r)) {} });
                return;
            }
            Shape::Square => {
                let h = r * 0.9;
                self.rect(x - h, y - h, 2.0 * h, 2.0 * h, class);
                return;
            }
            Shape::Triangle => format!("M{}L{}L{}Z", at(0.0, -r * 1.1), at(r, r * 0.8), at(-r, r * 0.8)),
            Shape::TriangleDown => format!("M{}L{}L{}Z", at(0.0, r * 1.1), at(r, -r * 0.8), at(-r, -r * 0.8)),
            Shape::Diamond => {
                format!("M{}L{}L{}L{}Z", at(0.0, -r * 1.2), at(r, 0.0), at(0.0, r * 1.2), at(-r, 0.0))
            }
            Shape::Cross => format!("M{}L{}M{}L{}", at(-r, -r), at(r, r), at(-r, r), at(r, -r)),
        };
        self.path(&d, class);
    }

    /// What `draw` draws, as one group that leads to `href` and says `title` when pointed at.
    pub fn group(&mut self, class: &str, href: Option<&str>, title: &str, draw: impl FnOnce(&mut Self)) {
        let mut inner = Self::new(self.width, self.height);
        draw(&mut inner);
        let body = maud::PreEscaped(inner.body);
        self.links |= href.is_some() || inner.links;
        let said = html! { @if !title.is_empty() { title { (title) } } };
        self.put(if let Some(href) = href {
            html! { a class=[some(class)] href=(href) { (said) (body) } }
        } else {
            html! { g class=[some(class)] { (said) (body) } }
        });
    }
}

fn some(class: &str) -> Option<&str> {
    (!class.is_empty()).then_some(class)
}
