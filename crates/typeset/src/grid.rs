//! A table of HTML as a grid: which cell stands where, what it takes up, and how wide its columns are on paper.
//!
//! Never sets anything: `prose` and `word` do. Cells are placed as in the HTML standard, "Forming a table"; a column is
//! between its narrowest and its widest, as in CSS 2.2, 17.5.2.2, and those that need little get it first.

use scraper::{ElementRef, Node};

use crate::Leaves;
use crate::letters::{Cut, width};

/// One cell.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a> {
    /// None where the table has nothing at this place.
    pub element: Option<ElementRef<'a>>,
    /// The column that it begins in.
    pub column: usize,
    /// Columns that it takes.
    pub colspan: usize,
    /// Rows that it takes, within its group.
    pub rowspan: usize,
}

/// A row, and the element it stands for.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    pub element: ElementRef<'a>,
    pub cells: Vec<Cell<'a>>,
}

/// A table.
#[derive(Debug)]
pub struct Grid<'a> {
    pub caption: Option<ElementRef<'a>>,
    pub head: Vec<Row<'a>>,
    pub body: Vec<Row<'a>>,
    pub columns: usize,
}

/// More columns than this cannot be read on paper, however small.
pub const MOST_COLUMNS: usize = 60;

impl<'a> Grid<'a> {
    /// The grid of a `<table>`, without what is left out of it.
    pub fn of(table: ElementRef<'a>, leaves: &Leaves) -> Self {
        let mut grid = Self { caption: None, head: Vec::new(), body: Vec::new(), columns: 0 };
        let mut foot = Vec::new();
        let mut loose = Vec::new();
        let parts = leaves.kept(table, &["caption", "thead", "tbody", "tfoot", "tr"]);
        for part in parts {
            match part.value().name() {
                "caption" => grid.caption = grid.caption.or(Some(part)),
                "tr" => loose.push(part),
                name => {
                    // Rows outside of any group are a group of their own.
                    grid.body.extend(placed(&std::mem::take(&mut loose), leaves));
                    let rows = placed(&leaves.kept(part, &["tr"]), leaves);
                    match name {
                        "thead" => grid.head.extend(rows),
                        "tfoot" => foot.extend(rows),
                        _ => grid.body.extend(rows),
                    }
                }
            }
        }
        grid.body.extend(placed(&loose, leaves));
        grid.body.append(&mut foot);
        grid.columns =
            grid.rows().flat_map(|row| &row.cells).map(|cell| cell.column + cell.colspan).max().unwrap_or(0);
        grid
    }

    /// Every row, the head's first.
    pub fn rows(&self) -> impl Iterator<Item = &Row<'a>> {
        self.head.iter().chain(&self.body)
    }

    /// Every place that no cell takes gets an empty one, so that a row is always whole.
    pub fn filled(mut self) -> Self {
        let columns = self.columns;
        for group in [&mut self.head, &mut self.body] {
            let mut taken: Vec<usize> = vec![0; columns];
            for row in group.iter_mut() {
                let mut free: Vec<bool> = taken.iter().map(|left| *left == 0).collect();
                for left in &mut taken {
                    *left = left.saturating_sub(1);
                }
                for cell in &row.cells {
                    for column in cell.column..cell.column + cell.colspan {
                        free[column] = false;
                        taken[column] = taken[column].max(cell.rowspan - 1);
                    }
                }
                let empty = (0..columns).filter(|column| free[*column]);
                row.cells.extend(empty.map(|column| Cell { element: None, column, colspan: 1, rowspan: 1 }));
                row.cells.sort_by_key(|cell| cell.column);
            }
        }
        self
    }
}

/// The cells of the rows of one group, each at the first place that is free.
fn placed<'a>(rows: &[ElementRef<'a>], leaves: &Leaves) -> Vec<Row<'a>> {
    // Of each column, how many further rows a cell from above takes.
    let mut taken: Vec<usize> = Vec::new();
    let mut out = Vec::with_capacity(rows.len());
    for (i, row) in rows.iter().enumerate() {
        let mut cells = Vec::new();
        let mut column = 0;
        for element in leaves.kept(*row, &["th", "td"]) {
            while taken.get(column).is_some_and(|left| *left > 0) {
                column += 1;
            }
            let free = taken.iter().skip(column).position(|left| *left > 0).unwrap_or(usize::MAX);
            let colspan = span(element, "colspan").min(free);
            let rowspan = span(element, "rowspan").min(rows.len() - i);
            cells.push(Cell { element: Some(element), column, colspan, rowspan });
            column += colspan;
        }
        for left in &mut taken {
            *left = left.saturating_sub(1);
        }
        for cell in &cells {
            let end = cell.column + cell.colspan;
            if taken.len() < end {
                taken.resize(end, 0);
            }
            taken[cell.column..end].iter_mut().for_each(|left| *left = cell.rowspan - 1);
        }
        out.push(Row { element: *row, cells });
    }
    out
}

/// How many columns or rows a cell takes: 1 to 1,000, as HTML has it.
fn span(cell: ElementRef<'_>, attribute: &str) -> usize {
    cell.value().attr(attribute).and_then(|text| text.trim().parse().ok()).unwrap_or(1).clamp(1, 1_000)
}

/// The narrowest and the widest that the text of a cell can be, in em, and its longest word.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    narrowest: f64,
    widest: f64,
}

/// How a table stands on paper.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// On a page turned on its side.
    pub landscape: bool,
    /// Size of its letters, in points.
    pub size: f64,
    /// Of a word longer than this, every so many letters may be followed by a break.
    pub longest_word: usize,
    /// Width of each column, in points.
    pub columns: Vec<f64>,
    /// Of each row of the body, whether it is so tall that it may break over pages.
    pub breakable: Vec<bool>,
    /// So short that it is not to be broken.
    pub together: bool,
}

/// Width of what is between the margins of a page, in points.
const UPRIGHT: f64 = 493.2;
const ON_ITS_SIDE: f64 = 739.8;
/// Beside the text of a cell, in points.
pub const GUTTER: f64 = 7.0;
/// How far a cell is set in, in points.
pub const STEP: f64 = 8.0;
/// A row with more lines than this may break over pages.
const TALL: f64 = 24.0;
/// A table with fewer lines than this is not broken.
const SHORT: f64 = 26.0;

impl Grid<'_> {
    /// The first way of standing in which each column can be as wide as its longest word: upright before on its side, large before small.
    /// None where there is none.
    pub fn fit(&self, leaves: &Leaves, size: f64) -> Option<Fit> {
        if self.columns > MOST_COLUMNS {
            return None;
        }
        let smaller = (size - 1.0).max(7.0);
        [
            (false, size, 32),
            (false, smaller, 26),
            (true, size, 32),
            (true, 7.0, 24),
            (true, 6.0, 12),
            (true, 5.0, 5),
            (true, 4.5, 2),
        ]
        .into_iter()
        .find_map(|(landscape, size, longest_word)| self.fit_as(leaves, landscape, size, longest_word))
    }

    fn fit_as(&self, leaves: &Leaves, landscape: bool, size: f64, longest_word: usize) -> Option<Fit> {
        let available = if landscape { ON_ITS_SIDE } else { UPRIGHT };
        let mut narrowest = vec![GUTTER; self.columns];
        let mut widest = narrowest.clone();
        let mut spanning = Vec::new();
        for row in self.rows() {
            for cell in &row.cells {
                let Some(element) = cell.element else { continue };
                let extent = extent(element, row.element, leaves, longest_word);
                let room = GUTTER + if is_set_in(element) { STEP } else { 0.0 } + 0.6;
                let (least, most) = (extent.narrowest * size + room, extent.widest * size + room);
                if cell.colspan == 1 {
                    narrowest[cell.column] = narrowest[cell.column].max(least);
                    widest[cell.column] = widest[cell.column].max(most);
                } else {
                    spanning.push((*cell, least, most));
                }
            }
        }
        spanning.sort_by_key(|(cell, ..)| cell.colspan);
        for (cell, least, most) in spanning {
            let range = cell.column..cell.column + cell.colspan;
            widen(&mut narrowest[range.clone()], least);
            widen(&mut widest[range], most);
        }
        for (widest, narrowest) in widest.iter_mut().zip(&narrowest) {
            *widest = widest.max(*narrowest);
        }
        let (least, most): (f64, f64) = (narrowest.iter().sum(), widest.iter().sum());
        if least > available {
            return None;
        }
        let columns = if most <= available { widest } else { shared(&narrowest, &widest, available) };
        let lines = |row: &Row<'_>| {
            let of = row.cells.iter().filter_map(|cell| Some((cell, cell.element?)));
            let lines = of.map(|(cell, element)| {
                let room: f64 = columns[cell.column..cell.column + cell.colspan].iter().sum::<f64>() - GUTTER;
                let wrapped =
                    (extent(element, row.element, leaves, longest_word).widest * size / room.max(1.0)).ceil();
                wrapped
                    + element.descendent_elements().filter(|inner| breaks_line(inner.value().name())).count()
                        as f64
            });
            lines.fold(1.0, f64::max)
        };
        let breakable = self.body.iter().map(|row| lines(row) > TALL).collect();
        let together = self.rows().map(lines).sum::<f64>() <= SHORT;
        Some(Fit { landscape, size, longest_word, columns, breakable, together })
    }
}

/// `available` shared out evenly, but that no column is narrower than it must be nor wider than it needs to be. What the narrowest need
/// together must be available.
fn shared(narrowest: &[f64], widest: &[f64], available: f64) -> Vec<f64> {
    let mut columns: Vec<Option<f64>> = vec![None; narrowest.len()];
    // Each round settles a column or ends.
    for _ in 0..=2 * columns.len() {
        let settled: f64 = columns.iter().flatten().sum();
        let open = columns.iter().filter(|column| column.is_none()).count();
        let share = (available - settled) / open.max(1) as f64;
        let settle = |from: &[f64], settles: &dyn Fn(f64) -> bool, columns: &mut [Option<f64>]| {
            let of =
                columns.iter_mut().zip(from).filter(|(column, width)| column.is_none() && settles(**width));
            of.map(|(column, width)| *column = Some(*width)).count()
        };
        if settle(narrowest, &|least| least >= share, &mut columns) > 0 {
            continue;
        }
        if settle(widest, &|most| most <= share, &mut columns) == 0 {
            return columns.into_iter().map(|column| column.unwrap_or(share)).collect();
        }
    }
    narrowest.to_vec()
}

/// Makes columns together at least `least` wide, each in proportion to what it is.
fn widen(columns: &mut [f64], least: f64) {
    let have: f64 = columns.iter().sum();
    if have > 0.0 && have < least {
        for column in columns {
            *column *= least / have;
        }
    }
}

/// Whether a cell is set in from its column's edge.
pub fn is_set_in(cell: ElementRef<'_>) -> bool {
    ["level", "inner", "first"].iter().any(|class| has(cell, class))
        && !(has(cell, "first") && has(cell, "num"))
}

/// Whether an element begins a line of its own.
fn breaks_line(name: &str) -> bool {
    matches!(name, "br" | "p" | "div" | "li" | "dt" | "dd" | "ul" | "ol" | "tr" | "hr" | "pre")
}

/// Whether an element is of a class.
pub fn has(element: ElementRef<'_>, class: &str) -> bool {
    element.value().classes().any(|found| found == class)
}

/// Whether the text of a cell stays on its line.
pub fn is_firm(cell: ElementRef<'_>) -> bool {
    has(cell, "date") || has(cell, "nb") || (has(cell, "num") && cell.value().name() == "td")
}

/// Whether what an element says can be held together on one line.
pub fn is_short(element: ElementRef<'_>, longest_word: usize) -> bool {
    longest_word >= 24 && element.text().map(str::len).sum::<usize>() <= 40
}

/// Whether a cell's letters are bold.
pub fn is_bold(cell: ElementRef<'_>, row: ElementRef<'_>) -> bool {
    (cell.value().name() == "th" && cell.value().attr("scope") != Some("row")) || has(row, "any")
}

fn extent(cell: ElementRef<'_>, row: ElementRef<'_>, leaves: &Leaves, longest_word: usize) -> Extent {
    let cut = if is_bold(cell, row) { Cut::Bold } else { Cut::Regular };
    let mut lines =
        Lines { leaves, longest_word, extent: Extent::default(), line: 0.0, run: 0.0, letters: 0 };
    lines.read(cell, cut, is_firm(cell) && is_short(cell, longest_word));
    lines.end_line();
    lines.extent
}

/// Reads a cell as a browser would, and remembers the widest word and the widest line.
struct Lines<'a> {
    leaves: &'a Leaves,
    longest_word: usize,
    extent: Extent,
    /// The line so far.
    line: f64,
    /// The word so far: a word can go on over the border of an element.
    run: f64,
    letters: usize,
}

/// Before these no line is broken, even after a blank (Unicode, UAX 14, rule LB13).
const NEVER_FIRST: [char; 9] = [')', ']', '}', '!', '?', '/', ';', ',', '.'];

impl Lines<'_> {
    fn read(&mut self, element: ElementRef<'_>, cut: Cut, firm: bool) {
        for child in element.children() {
            match child.value() {
                Node::Text(text) => self.words(text, cut, firm),
                Node::Element(inner) => {
                    let Some(child) = ElementRef::wrap(child).filter(|child| !self.leaves.out(*child)) else {
                        continue;
                    };
                    let cut = match inner.name() {
                        "strong" | "b" if cut == Cut::Regular => Cut::Bold,
                        "code" | "kbd" => Cut::Mono,
                        _ => cut,
                    };
                    let block = breaks_line(inner.name());
                    if block {
                        self.end_line();
                    }
                    if inner.name() == "wbr" {
                        self.end_word();
                    }
                    if inner.name() == "li" {
                        self.line += 2.0;
                    }
                    let firm = firm || (has(child, "nb") && is_short(child, self.longest_word));
                    self.read(child, cut, firm);
                    if block {
                        self.end_line();
                    }
                }
                _ => {}
            }
        }
    }

    fn words(&mut self, text: &str, cut: Cut, firm: bool) {
        let blank = width(" ", cut);
        for (i, word) in crate::letters::words(text).split(' ').enumerate() {
            if i > 0 && self.line > 0.0 {
                self.line += blank;
                if firm || word.starts_with(NEVER_FIRST) { self.run += blank } else { self.end_word() }
            }
            for letter in word.chars() {
                if self.letters >= self.longest_word && !firm {
                    self.end_word();
                }
                let wide = width(letter.encode_utf8(&mut [0; 4]), cut);
                self.letters += 1;
                self.line += wide;
                self.run += wide;
            }
        }
    }

    fn end_word(&mut self) {
        self.extent.narrowest = self.extent.narrowest.max(self.run);
        (self.run, self.letters) = (0.0, 0);
    }

    fn end_line(&mut self) {
        self.end_word();
        self.extent.widest = self.extent.widest.max(self.line);
        self.line = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::even(&[10.0, 10.0], &[200.0, 300.0], 100.0, &[50.0, 50.0])]
    #[case::one_needs_little(&[10.0, 10.0], &[30.0, 300.0], 100.0, &[30.0, 70.0])]
    #[case::two_need_much(&[10.0, 50.0, 50.0], &[30.0, 200.0, 200.0], 115.0, &[15.0, 50.0, 50.0])]
    #[case::no_room(&[40.0, 60.0], &[90.0, 90.0], 100.0, &[40.0, 60.0])]
    fn widths_are_shared_out(
        #[case] least: &[f64],
        #[case] most: &[f64],
        #[case] available: f64,
        #[case] columns: &[f64],
    ) {
        assert_eq!(shared(least, most, available), columns);
    }
}
