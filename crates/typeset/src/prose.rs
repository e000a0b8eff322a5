//! HTML elements to typst's markup, one arm an element.
//!
//! Never writes a word into the markup but as a string literal, so that no text of the page can be read as markup, and never passes over
//! an element that it does not know. Classes mean what they mean on the screen; `grid` lays out tables.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use scraper::{ElementRef, Html, Node, Selector};

use crate::grid::{Cell, Grid, Row, has, is_bold, is_firm, is_set_in, is_short};
use crate::letters::{self, literal};
use crate::{Drawing, Fault, Leaves, Page};

/// In running text a word longer than this may be broken.
const LONGEST_WORD: usize = 60;

/// The markup of the page's content.
pub fn markup(page: &Page<'_>) -> Result<String, Fault> {
    let html = Html::parse_document(page.html);
    let leaves = Leaves::new(page.left_out)?;
    let content = |name: &str| Selector::parse(name).ok().and_then(|found| html.select(&found).next());
    let Some(root) = content("main").or_else(|| content("body")) else { return Ok(String::new()) };
    // Once to learn which anchors are set on paper, once more with the links to them.
    let mut first = Setter::new(page, &leaves, HashMap::new());
    first.blocks(root)?;
    let mut setter = Setter::new(page, &leaves, first.anchors);
    setter.blocks(root)?;
    Ok(setter.out)
}

struct Setter<'a> {
    page: &'a Page<'a>,
    leaves: &'a Leaves,
    out: String,
    /// Where the anchors of the page are on paper: the label that stands for each.
    known: HashMap<String, String>,
    anchors: HashMap<String, String>,
    labels: HashSet<String>,
    /// Anchors of elements of which nothing is set yet.
    pending: Vec<String>,
    /// Inside what opens the document: its headings are none of the contents'.
    opening: bool,
    /// Inside a link, a heading or the head of a table, which are set more than once: nothing there may be led to, or lead anywhere.
    heading: bool,
    /// The level of the heading before.
    level: usize,
    longest_word: usize,
    letters: usize,
    /// In how many cells, items and the like this is: none of them can hold a page turned on its side, nor a whole drawing.
    inside: usize,
}

impl<'a> Setter<'a> {
    fn new(page: &'a Page<'a>, leaves: &'a Leaves, known: HashMap<String, String>) -> Self {
        Self {
            page,
            leaves,
            out: String::new(),
            known,
            anchors: HashMap::new(),
            labels: HashSet::new(),
            pending: Vec::new(),
            opening: false,
            heading: false,
            level: 0,
            longest_word: LONGEST_WORD,
            letters: 0,
            inside: 0,
        }
    }

    fn put(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    /// `inside`, between `open` and `close`.
    fn around(
        &mut self,
        open: &str,
        close: &str,
        inside: impl FnOnce(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.put(open);
        inside(self)?;
        self.put(close);
        Ok(())
    }

    /// As [`Self::around`], a block of its own.
    fn block(
        &mut self,
        open: &str,
        close: &str,
        inside: impl FnOnce(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.letters = 0;
        self.put("\n\n");
        self.around(open, close, inside)?;
        self.put("\n\n");
        self.letters = 0;
        Ok(())
    }

    /// One label for the anchors that wait for what comes now; none where none waits.
    fn label(&mut self) -> Option<String> {
        if self.heading || self.pending.is_empty() {
            return None;
        }
        let names = std::mem::take(&mut self.pending);
        let label = names.iter().find(|name| !self.labels.contains(*name))?.clone();
        self.labels.insert(label.clone());
        for name in names {
            self.anchors.entry(name).or_insert_with(|| label.clone());
        }
        Some(label)
    }

    fn anchor(&mut self) {
        if let Some(label) = self.label() {
            let anchor = format!("#anchor({});", literal(&label));
            self.put(&anchor);
        }
    }

    /// What an element holds, each child in its way.
    fn blocks(&mut self, parent: ElementRef<'_>) -> Result<(), Fault> {
        for child in parent.children() {
            match child.value() {
                Node::Text(text) => self.words(text),
                Node::Element(_) => {
                    if let Some(child) = ElementRef::wrap(child).filter(|child| !self.leaves.out(*child)) {
                        self.element(child)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Words; a blank between them is the typesetter's, which drops it where a line ends.
    fn words(&mut self, text: &str) {
        let text = letters::words(text);
        let inner = text.trim_matches(' ');
        if inner.is_empty() {
            self.put(&text);
            self.letters = 0;
            return;
        }
        self.anchor();
        if text.starts_with(' ') {
            self.put(" ");
            self.letters = 0;
        }
        let mut piece = String::new();
        for letter in inner.chars() {
            if letter == ' ' {
                self.letters = 0;
            } else if self.letters >= self.longest_word {
                self.literal(&piece);
                piece.clear();
                self.put("#h(0pt);");
                self.letters = 0;
            }
            self.letters += usize::from(letter != ' ');
            piece.push(letter);
        }
        self.literal(&piece);
        if text.ends_with(' ') {
            self.put(" ");
            self.letters = 0;
        }
    }

    fn literal(&mut self, text: &str) {
        if !text.is_empty() {
            let said = format!("#{};", literal(text));
            self.put(&said);
        }
    }

    fn element(&mut self, element: ElementRef<'_>) -> Result<(), Fault> {
        if let Some(id) = element.value().id().filter(|id| !id.is_empty()) {
            self.pending.push(id.to_owned());
        }
        let name = element.value().name();
        if self.inside > 0 && matches!(name, "table" | "figure") {
            return Err(Fault::Nested(name.to_owned()));
        }
        let open = matches!(
            name,
            "div" | "section" | "article" | "header" | "footer" | "details" | "main" | "table" | "figure"
        );
        self.inside += usize::from(!open);
        let set = self.set(name, element);
        self.inside -= usize::from(!open);
        set
    }

    fn set(&mut self, name: &str, element: ElementRef<'_>) -> Result<(), Fault> {
        let inside = |setter: &mut Self| setter.blocks(element);
        match name {
            "h1" => self.block("#title[", "]", inside),
            "h2" => self.headline(1, element),
            "h3" => self.headline(if self.opening { 1 } else { 2 }, element),
            "h4" | "h5" | "h6" => self.headline(3, element),
            "p" | "figcaption" | "address" => match paragraph(element) {
                Some(look) => self.block(&format!("#{look}["), "]", inside),
                None if leads_on(element) => self.block("#lead-on[", "]", inside),
                None => self.block("", "", inside),
            },
            "summary" => self.block("#lead-in[", "]", inside),
            // What opens the document; its contents come next.
            "header" if !self.opening => {
                self.opening = true;
                self.block("", "\n\n#contents()", inside)?;
                self.opening = false;
                Ok(())
            }
            "blockquote" => self.block("#pad(x: 10pt)[", "]", |setter| setter.of(element)),
            "div" | "section" | "article" | "header" | "footer" | "details" | "main" => {
                self.block("", "", inside)
            }
            "hr" => self.block("#rule()", "", |_| Ok(())),
            "pre" => self.lines(element),
            "span" | "strong" if has(element, "nb") && is_short(element, self.longest_word) => {
                let look = if name == "strong" { "#box(strong[" } else { "#box([" };
                self.around(look, "]);", inside)
            }
            "span" | "small" if has(element, "sub") || has(element, "kind") || has(element, "key") => {
                self.around("#soft-words[", "];", inside)
            }
            "a" => self.link(element),
            "span" | "label" | "u" | "time" | "abbr" | "q" | "dfn" | "cite" | "bdi" => inside(self),
            "strong" | "b" => self.around("#strong[", "];", inside),
            "em" | "i" | "var" => self.around("#emph[", "];", inside),
            "small" => self.around("#small[", "];", inside),
            "mark" => self.around("#highlight[", "];", inside),
            "del" | "s" => self.around("#strike[", "];", inside),
            "ins" => self.around("#underline[", "];", inside),
            "sup" => self.around("#super[", "];", inside),
            "sub" => self.around("#sub[", "];", inside),
            "code" | "kbd" | "samp" => self.around("#code[", "];", inside),
            "br" => {
                self.letters = 0;
                self.put("#linebreak();");
                Ok(())
            }
            "wbr" => {
                self.letters = 0;
                self.put("#h(0pt);");
                Ok(())
            }
            "ul" => self.list(element, "list"),
            "ol" => self.list(element, "enum"),
            "dl" => self.terms(element),
            "table" => self.table(element),
            "figure" => self.figure(element),
            other => Err(Fault::Element(other.to_owned())),
        }
    }

    /// A heading; a level is never skipped, and the first is of the highest (PDF/UA-1, 7.4.2).
    fn headline(&mut self, level: usize, element: ElementRef<'_>) -> Result<(), Fault> {
        if element.text().all(|text| text.trim().is_empty()) {
            return Ok(());
        }
        let level = level.min(self.level + 1);
        self.level = level;
        let label = self.label();
        let outlined = !self.opening;
        let open = format!("#heading(level: {level}, outlined: {outlined}, bookmarked: true)[");
        let close = label.map_or_else(|| "]".to_owned(), |label| format!("]#label({})", literal(&label)));
        // The words of a heading stand in the contents too, where nothing may be led to.
        let before = std::mem::replace(&mut self.heading, true);
        let set = self.block(&open, &close, |setter| setter.blocks(element));
        self.heading = before;
        set
    }

    fn link(&mut self, element: ElementRef<'_>) -> Result<(), Fault> {
        let href = element.value().attr("href").unwrap_or_default();
        let says = element.text().any(|text| !text.trim().is_empty());
        let to = if !says || self.heading {
            None
        } else if href.starts_with("https://") || href.starts_with("mailto:") {
            Some(literal(href))
        } else {
            let label = href.strip_prefix('#').and_then(|anchor| self.known.get(anchor));
            label.map(|label| format!("label({})", literal(label)))
        };
        match to {
            Some(to) => {
                self.anchor();
                // What a link says is not set before its target is found, and so can hold no target.
                self.heading = true;
                let set = self.around(&format!("#link({to})["), "];", |setter| setter.blocks(element));
                self.heading = false;
                set
            }
            None => self.blocks(element),
        }
    }

    /// Lines as they stand.
    fn lines(&mut self, element: ElementRef<'_>) -> Result<(), Fault> {
        if let Some(inner) =
            element.descendent_elements().find(|inner| !matches!(inner.value().name(), "pre" | "code"))
        {
            return Err(Fault::Element(format!("pre> with a <{}", inner.value().name())));
        }
        let text: String = element.text().collect();
        self.block("#block(code[", "])", |setter| {
            for (i, line) in text.trim_end_matches('\n').split('\n').enumerate() {
                if i > 0 {
                    setter.put("#linebreak();");
                }
                setter.words(&line.replace(' ', "\u{a0}"));
            }
            Ok(())
        })
    }

    fn list(&mut self, list: ElementRef<'_>, function: &str) -> Result<(), Fault> {
        let items = self.leaves.kept(list, &["li"]);
        if items.is_empty() {
            return Ok(());
        }
        let start = list
            .value()
            .attr("start")
            .and_then(|start| start.parse::<u32>().ok())
            .filter(|_| function == "enum");
        let start = start.map(|start| format!("start: {start}, ")).unwrap_or_default();
        self.block(&format!("#{function}({start}"), ")", |setter| {
            items.into_iter().try_for_each(|item| setter.around("[", "],", |setter| setter.of(item)))
        })
    }

    /// What a part of a list or table holds, with the anchor that it may be.
    fn of(&mut self, part: ElementRef<'_>) -> Result<(), Fault> {
        self.pending.extend(part.value().id().filter(|id| !id.is_empty()).map(str::to_owned));
        self.letters = 0;
        self.inside += 1;
        let set = self.blocks(part);
        self.inside -= 1;
        set
    }

    /// A list of terms; each `<div>` around a term and its description is looked through.
    fn terms(&mut self, list: ElementRef<'_>) -> Result<(), Fault> {
        let function = if has(list, "facts") { "facts" } else { "rules" };
        let mut children = Vec::new();
        for child in self.leaves.kept(list, &["dt", "dd", "div"]) {
            match child.value().name() {
                "div" => children.extend(self.leaves.kept(child, &["dt", "dd"])),
                _ => children.push(child),
            }
        }
        let mut pairs: Vec<(Option<ElementRef<'_>>, Vec<ElementRef<'_>>)> = Vec::new();
        for child in children {
            match (child.value().name(), pairs.last_mut()) {
                ("dt", _) => pairs.push((Some(child), Vec::new())),
                (_, Some((_, said))) => said.push(child),
                (_, None) => pairs.push((None, vec![child])),
            }
        }
        self.block(&format!("#{function}("), ")", |setter| {
            for (term, said) in pairs {
                let inner = term.is_some_and(|term| has(term, "inner"));
                let open = format!("({}, [", if inner { "10pt" } else { "0pt" });
                setter.around(&open, "], [", |setter| term.map_or(Ok(()), |term| setter.of(term)))?;
                for (i, part) in said.into_iter().enumerate() {
                    if i > 0 {
                        setter.put("#linebreak();");
                    }
                    setter.of(part)?;
                }
                setter.put("]),");
            }
            Ok(())
        })
    }

    fn figure(&mut self, figure: ElementRef<'_>) -> Result<(), Fault> {
        let id = figure.value().id().unwrap_or_default();
        let drawing: Option<&Drawing> = self.page.drawings.iter().find(|drawing| drawing.id == id);
        let drawing = drawing.ok_or_else(|| Fault::Figure(id.to_owned()))?;
        let (name, alt) = (literal(&format!("{id}.svg")), literal(&drawing.alt));
        let (width, height) = drawing.size().unwrap_or((760.0, 400.0));
        self.block(&format!("#drawing({name}, {alt}, {}, [", height / width), "])", |setter| {
            for caption in setter.leaves.kept(figure, &["figcaption"]) {
                setter.of(caption)?;
            }
            Ok(())
        })
    }

    fn table(&mut self, table: ElementRef<'_>) -> Result<(), Fault> {
        let grid = Grid::of(table, self.leaves).filled();
        if grid.columns == 0 {
            // What a table without cells may still say.
            return grid
                .caption
                .map_or(Ok(()), |caption| self.block("#lead-in[", "]", |setter| setter.of(caption)));
        }
        let size = if has(table, "small") || has(table, "side") || has(table, "grades") { 7.8 } else { 8.4 };
        let fit = grid.fit(self.leaves, size).ok_or_else(|| Fault::Width {
            table: grid.caption.map(|caption| words_of(caption, self.leaves)).unwrap_or_default(),
            columns: grid.columns,
        })?;
        let mut widths = String::new();
        for width in &fit.columns {
            // Writing into a String cannot fail.
            let _ = write!(widths, "{width:.2}pt, ");
        }
        let open = format!(
            "#tabular(landscape: {}, together: {}, size: {:.2}pt, columns: ({widths}), ",
            fit.landscape, fit.together, fit.size
        );
        let before = std::mem::replace(&mut self.longest_word, fit.longest_word);
        let set = self.block(&open, ")", |setter| {
            if let Some(caption) = grid.caption {
                setter.around("caption: [", "], ", |setter| setter.of(caption))?;
            }
            setter.around("head: (", "), ", |setter| {
                let before = std::mem::replace(&mut setter.heading, true);
                let set = grid.head.iter().try_for_each(|row| setter.row(row, false));
                setter.heading = before;
                set
            })?;
            setter.around("body: (", ")", |setter| {
                grid.body
                    .iter()
                    .zip(&fit.breakable)
                    .try_for_each(|(row, breakable)| setter.row(row, *breakable))
            })
        });
        self.longest_word = before;
        set
    }

    fn row(&mut self, row: &Row<'_>, breakable: bool) -> Result<(), Fault> {
        self.pending.extend(row.element.value().id().filter(|id| !id.is_empty()).map(str::to_owned));
        self.put("(");
        for cell in &row.cells {
            self.cell(cell, row.element, breakable)?;
        }
        self.put("),");
        Ok(())
    }

    fn cell(&mut self, cell: &Cell<'_>, row: ElementRef<'_>, breakable: bool) -> Result<(), Fault> {
        let Some(element) = cell.element else {
            self.put("(colspan: 1, rowspan: 1, right: false, inset: false, bold: false, faint: false, breakable: false, body: []),");
            return Ok(());
        };
        let group = cell.colspan > 1 && has(element, "arm");
        let open = format!(
            "(colspan: {}, rowspan: {}, right: {}, inset: {}, bold: {}, faint: {}, breakable: {breakable}, body: [",
            cell.colspan,
            cell.rowspan,
            has(element, "num") && !group,
            is_set_in(element),
            is_bold(element, row),
            has(element, "zero"),
        );
        let firm = is_firm(element)
            && is_short(element, self.longest_word)
            && element.child_elements().all(|child| child.value().name() == "a");
        let (open, close) = if firm { (open + "#box[", "]]),") } else { (open, "]),") };
        self.around(&open, close, |setter| setter.of(element))
    }
}

/// What an element says on paper, in one line.
pub fn words_of(element: ElementRef<'_>, leaves: &Leaves) -> String {
    fn read(element: ElementRef<'_>, leaves: &Leaves, out: &mut String) {
        for child in element.children() {
            if let Node::Text(text) = child.value() {
                out.push_str(text);
            } else if let Some(child) = ElementRef::wrap(child).filter(|child| !leaves.out(*child)) {
                read(child, leaves, out);
            }
        }
    }
    let mut out = String::new();
    read(element, leaves, &mut out);
    letters::words(&out).trim().to_owned()
}

/// Whether a paragraph stands between a heading and a table or figure: it goes with both.
fn leads_on(paragraph: ElementRef<'_>) -> bool {
    let is = |sibling: Option<ElementRef<'_>>, names: &[&str]| {
        sibling.is_some_and(|sibling| names.contains(&sibling.value().name()))
    };
    is(paragraph.prev_siblings().find_map(ElementRef::wrap), &["h2", "h3", "h4", "h5", "h6"])
        && is(paragraph.next_siblings().find_map(ElementRef::wrap), &["figure", "table", "div"])
}

/// The look of a paragraph by its class.
fn paragraph(element: ElementRef<'_>) -> Option<&'static str> {
    element.value().classes().find_map(|class| match class {
        "note" => Some("note"),
        "empty" => Some("empty"),
        "kicker" => Some("kicker"),
        "lead" => Some("lead"),
        "sentence" => Some("sentence"),
        _ => None,
    })
}
