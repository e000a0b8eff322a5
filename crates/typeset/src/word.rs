//! The tables of a page as Word files, one each: what an author pastes into a manuscript and can still edit there.
//!
//! Never changes a word of a table. Office Open XML (ECMA-376, part 1, 17.4) is written here, since the kept library weighed (docx-rs
//! 0.4) cannot mark the rows that Word repeats on each page; packing is `zip`'s.

use std::io::{Cursor, Write};

use maud::{Markup, PreEscaped, html};
use scraper::{ElementRef, Html, Node, Selector};
use zip::write::SimpleFileOptions;

use crate::grid::{Cell, Grid, Row, has, is_bold, is_set_in};
use crate::leaves::Leaves;
use crate::{Fault, Page};

/// A table as a file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its number on paper.
    pub number: usize,
    /// `07-baseline-by-arm`: a name that a file may have.
    pub name: String,
    /// What it shows.
    pub caption: String,
    /// The file, Office Open XML.
    pub docx: Vec<u8>,
}

/// Twentieths of a point, in which Word measures.
const PER_POINT: f64 = 20.0;

/// Every table with a caption.
pub fn tables(page: &Page<'_>) -> Result<Vec<Table>, Fault> {
    let html = Html::parse_document(page.html);
    let leaves = Leaves::new(page.left_out)?;
    let content = |name: &str| Selector::parse(name).ok().and_then(|found| html.select(&found).next());
    let Some(root) = content("main").or_else(|| content("body")) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    collect(root, &leaves, &mut found);
    let mut out = Vec::new();
    for table in found {
        let grid = Grid::of(table, &leaves).filled();
        let Some(caption) = grid.caption.filter(|_| grid.columns > 0) else { continue };
        let caption = crate::prose::words_of(caption, &leaves);
        let number = out.len() + 1;
        let notes = notes(table, &leaves);
        let docx = packed(page, &grid, number, &caption, &notes, &leaves)?;
        out.push(Table { number, name: format!("{number:02}-{}", slug(&caption)), caption, docx });
    }
    Ok(out)
}

fn collect<'a>(parent: ElementRef<'a>, leaves: &Leaves, found: &mut Vec<ElementRef<'a>>) {
    for child in parent.child_elements().filter(|child| !leaves.out(*child)) {
        if child.value().name() == "table" {
            found.push(child);
        } else {
            collect(child, leaves, found);
        }
    }
}

/// The remarks that stand under a table.
fn notes(table: ElementRef<'_>, leaves: &Leaves) -> Vec<String> {
    let alone =
        |parent: &ElementRef<'_>| parent.value().name() == "div" && parent.child_elements().count() == 1;
    let whole = table.parent().and_then(ElementRef::wrap).filter(alone).unwrap_or(table);
    let after = whole.next_siblings().filter_map(ElementRef::wrap);
    after
        .take_while(|next| next.value().name() == "p")
        .filter(|next| has(*next, "note") && !leaves.out(*next))
        .map(|note| crate::prose::words_of(note, leaves))
        .collect()
}

/// `baseline-by-arm`, of at most six words.
fn slug(caption: &str) -> String {
    let words: Vec<String> = caption
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(6)
        .map(str::to_ascii_lowercase)
        .collect();
    if words.is_empty() { "table".into() } else { words.join("-") }
}

/// Some words that look alike.
#[derive(Clone, Debug, Default, PartialEq)]
struct Run {
    text: String,
    bold: bool,
    italic: bool,
    raised: Option<&'static str>,
}

/// The lines of a cell, each in its runs.
fn lines(cell: &Cell<'_>, row: ElementRef<'_>, leaves: &Leaves) -> Vec<Vec<Run>> {
    let mut lines = vec![Vec::new()];
    if let Some(element) = cell.element {
        read(element, leaves, &Run { bold: is_bold(element, row), ..Run::default() }, &mut lines);
    }
    for line in &mut lines {
        trim(line);
    }
    lines.retain(|line| !line.is_empty());
    lines
}

fn read(element: ElementRef<'_>, leaves: &Leaves, look: &Run, lines: &mut Vec<Vec<Run>>) {
    for child in element.children() {
        match child.value() {
            Node::Text(text) => {
                if let Some(line) = lines.last_mut() {
                    line.push(Run { text: one_blank(text), ..look.clone() });
                }
            }
            Node::Element(inner) => {
                let Some(child) = ElementRef::wrap(child).filter(|child| !leaves.out(*child)) else {
                    continue;
                };
                let mut look = look.clone();
                match inner.name() {
                    "strong" | "b" => look.bold = true,
                    "em" | "i" => look.italic = true,
                    "sup" => look.raised = Some("superscript"),
                    "sub" => look.raised = Some("subscript"),
                    _ => {}
                }
                let block = matches!(inner.name(), "br" | "p" | "div" | "li" | "dt" | "dd" | "tr");
                if block {
                    lines.push(Vec::new());
                }
                read(child, leaves, &look, lines);
                if block && inner.name() != "br" {
                    lines.push(Vec::new());
                }
            }
            _ => {}
        }
    }
}

/// Each run of blanks as one. Word holds any letter that XML can; what XML cannot is marked as in [`crate::letters`].
fn one_blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            ' ' | '\n' | '\t' | '\r' | '\u{c}' if out.ends_with(' ') => {}
            ' ' | '\n' | '\t' | '\r' | '\u{c}' => out.push(' '),
            letter if letter.is_control() || matches!(letter, '\u{FFFE}' | '\u{FFFF}') => {
                out.push_str(&crate::letters::spelt(&letter.to_string()));
            }
            letter => out.push(letter),
        }
    }
    out
}

/// No blanks at either end, nor two together.
fn trim(line: &mut Vec<Run>) {
    let mut blank = true;
    for run in line.iter_mut() {
        if blank {
            run.text = run.text.trim_start_matches(' ').to_owned();
        }
        blank = if run.text.is_empty() { blank } else { run.text.ends_with(' ') };
    }
    line.retain(|run| !run.text.is_empty());
    if let Some(last) = line.last_mut() {
        last.text.truncate(last.text.trim_end_matches(' ').len());
    }
    line.retain(|run| !run.text.is_empty());
}

const NAMESPACE: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";

fn packed(
    page: &Page<'_>,
    grid: &Grid<'_>,
    number: usize,
    caption: &str,
    notes: &[String],
    leaves: &Leaves,
) -> Result<Vec<u8>, Fault> {
    let fit =
        grid.fit(leaves, 9.0).ok_or(Fault::Width { table: caption.to_owned(), columns: grid.columns })?;
    let body = html! {
        (paragraph(&[Run { text: format!("Table {number}. "), bold: true, ..Run::default() }, Run { text: one_blank(caption), ..Run::default() }], 18, "left", true, 0))
        w:tbl {
            w:tblPr {
                w:tblW w:w="0" w:type="auto" {}
                w:tblBorders {
                    (border("top", 8)) (border("bottom", 8)) (border("insideH", 2))
                }
                w:tblLayout w:type="autofit" {}
                w:tblCellMar { w:left w:w="70" w:type="dxa" {} w:right w:w="70" w:type="dxa" {} }
            }
            w:tblGrid { @for width in &fit.columns { w:gridCol w:w=(twentieths(*width)) {} } }
            (rows(&grid.head, grid.columns, true, &fit.columns, leaves))
            (rows(&grid.body, grid.columns, false, &fit.columns, leaves))
        }
        @for note in notes { (paragraph(&[Run { text: one_blank(note), ..Run::default() }], 16, "left", false, 0)) }
        w:p {}
        w:sectPr {
            w:headerReference w:type="default" r:id="rId1" {}
            w:pgSz w:w=(if fit.landscape { "16838" } else { "11906" }) w:h=(if fit.landscape { "11906" } else { "16838" })
                w:orient=[fit.landscape.then_some("landscape")] {}
            w:pgMar w:top="1134" w:right="1021" w:bottom="1134" w:left="1021" w:header="567" w:footer="567" w:gutter="0" {}
        }
    };
    let document = html! {
        w:document xmlns:w=(NAMESPACE) xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" { w:body { (body) } }
    };
    let mark = page.mark.map(|mark| format!("{mark} · ")).unwrap_or_default();
    let head = Run { text: format!("{mark}{} · {}", page.head, page.foot), ..Run::default() };
    let header = html! { w:hdr xmlns:w=(NAMESPACE) { (paragraph(&[head], 16, "left", false, 0)) } };
    let about = html! {
        cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
            xmlns:dc="http://purl.org/dc/elements/1.1/" {
            dc:title { (one_blank(caption)) } dc:creator { (one_blank(page.author)) } dc:language { "en-GB" }
        }
    };
    let parts = [
        ("[Content_Types].xml", CONTENT_TYPES.to_owned()),
        ("_rels/.rels", PACKAGE.to_owned()),
        ("docProps/core.xml", about.into_string()),
        ("word/document.xml", document.into_string()),
        ("word/_rels/document.xml.rels", RELATIONS.to_owned()),
        ("word/header1.xml", header.into_string()),
        ("word/styles.xml", STYLES.to_owned()),
    ];
    zipped(&parts).map_err(|_| Fault::Packing(caption.to_owned()))
}

fn zipped(parts: &[(&str, String)]) -> zip::result::ZipResult<Vec<u8>> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        // The same bytes each time: no moment is written.
        archive.start_file(
            *name,
            SimpleFileOptions::DEFAULT.compression_method(zip::CompressionMethod::Stored),
        )?;
        archive.write_all(DECLARATION.as_bytes())?;
        archive.write_all(text.as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}

fn rows(rows: &[Row<'_>], columns: usize, head: bool, widths: &[f64], leaves: &Leaves) -> Markup {
    // Word repeats a cell that takes several rows in each of them, as the same cell going on.
    let mut above: Vec<Option<(usize, usize)>> = vec![None; columns];
    html! {
        @for row in rows {
            w:tr {
                w:trPr { w:cantSplit {} @if head { w:tblHeader {} } }
                (PreEscaped(row_cells(row, &mut above, widths, leaves)))
            }
        }
    }
}

/// The cells of a row, with those that go on from above: `above` says of each column how many rows are left, and how wide the cell is.
fn row_cells(row: &Row<'_>, above: &mut [Option<(usize, usize)>], widths: &[f64], leaves: &Leaves) -> String {
    let mut out = String::new();
    let mut column = 0;
    while column < above.len() {
        if let Some((left, span)) = above[column] {
            let goes_on =
                html! { w:tc { (properties(span, Some("continue"), width(widths, column, span))) w:p {} } };
            out.push_str(&goes_on.into_string());
            above[column] = (left > 1).then_some((left - 1, span));
            column += span;
            continue;
        }
        let Some(cell) = row.cells.iter().find(|cell| cell.column == column) else {
            column += 1;
            continue;
        };
        if cell.rowspan > 1 {
            above[column] = Some((cell.rowspan - 1, cell.colspan));
        }
        out.push_str(&word_cell(cell, row, widths, leaves).into_string());
        column += cell.colspan;
    }
    out
}

fn word_cell(cell: &Cell<'_>, row: &Row<'_>, widths: &[f64], leaves: &Leaves) -> Markup {
    let right = cell.element.is_some_and(|cell| has(cell, "num"));
    let step = if cell.element.is_some_and(is_set_in) { 160 } else { 0 };
    let lines = lines(cell, row.element, leaves);
    html! {
        w:tc {
            (properties(cell.colspan, (cell.rowspan > 1).then_some("restart"), width(widths, cell.column, cell.colspan)))
            @for line in &lines { (paragraph(line, 18, if right { "right" } else { "left" }, false, step)) }
            @if lines.is_empty() { w:p {} }
        }
    }
}

fn width(widths: &[f64], column: usize, span: usize) -> f64 {
    widths.iter().skip(column).take(span).sum()
}

fn properties(span: usize, merge: Option<&str>, width: f64) -> Markup {
    html! {
        w:tcPr {
            w:tcW w:w=(twentieths(width)) w:type="dxa" {}
            @if span > 1 { w:gridSpan w:val=(span) {} }
            @if let Some(merge) = merge { w:vMerge w:val=(merge) {} }
        }
    }
}

fn border(side: &str, eighths: u32) -> Markup {
    let name = format!("w:{side}");
    PreEscaped(format!(r#"<{name} w:val="single" w:sz="{eighths}" w:space="0" w:color="1B1F24"/>"#))
}

/// A paragraph; `size` in half points, `step` in twentieths of a point.
fn paragraph(runs: &[Run], size: u32, align: &str, keep: bool, step: u32) -> Markup {
    html! {
        w:p {
            w:pPr {
                @if keep { w:keepNext {} }
                w:spacing w:before="20" w:after=(if keep { 80 } else { 20 }) {}
                @if step > 0 { w:ind w:left=(step) {} }
                w:jc w:val=(align) {}
            }
            @for run in runs {
                w:r {
                    w:rPr {
                        @if run.bold { w:b {} }
                        @if run.italic { w:i {} }
                        w:sz w:val=(size) {}
                        @if let Some(raised) = run.raised { w:vertAlign w:val=(raised) {} }
                    }
                    w:t xml:space="preserve" { (run.text) }
                }
            }
        }
    }
}

fn twentieths(points: f64) -> String {
    format!("{:.0}", points * PER_POINT)
}

const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#;
const CONTENT_TYPES: &str = r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/><Override PartName="/word/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"/><Override PartName="/word/header1.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.header+xml"/><Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>"#;
const PACKAGE: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>"#;
const RELATIONS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/header" Target="header1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#;
const STYLES: &str = r#"<w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii="Arial" w:hAnsi="Arial" w:cs="Arial"/><w:sz w:val="18"/><w:lang w:val="en-GB"/></w:rPr></w:rPrDefault></w:docDefaults></w:styles>"#;
