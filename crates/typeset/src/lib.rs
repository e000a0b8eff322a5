//! A page of plain, semantic HTML with its SVG figures, set as a tagged PDF; its tables and figures each as a file of its own.
//!
//! Never reads a file, a clock or a network: fonts are in the binary, figures are handed in. Never knows what the page says, and never
//! drops an element that it does not know: it refuses the page. One page is the source of both the screen and the paper, so that the two
//! cannot disagree. [`Page::pdf`] is the heart of it: `prose` turns the HTML into typst's markup, `grid` lays out tables, `desk` sets it.

mod desk;
mod drawing;
mod grid;
mod leaves;
mod letters;
#[cfg(test)]
mod proof;
mod prose;
mod word;

use jiff::Timestamp;

pub use self::drawing::Drawing;
use self::leaves::Leaves;
pub use self::word::Table;

/// Why a page could not be set.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Fault {
    /// An element that this crate does not know how to set.
    #[error(
        "the page has a <{0}>, which cannot be set on paper: leave it out by a selector, or teach `typeset` to set it"
    )]
    Element(String),
    /// A figure whose drawing was not handed in.
    #[error("the page shows the figure `{0}`, of which no drawing was handed in")]
    Figure(String),
    /// A table or a figure where no page can be turned for it.
    #[error("the page has a <{0}> inside a cell, an item or a caption: set it beside them")]
    Nested(String),
    /// A name that no file can have.
    #[error("`{0}` cannot be the name of a figure; letters, digits and hyphens can")]
    Name(String),
    /// A drawing that could not be drawn.
    #[error("the figure `{id}` could not be drawn: {why}")]
    Drawing {
        /// Its id.
        id: String,
        /// What the library said.
        why: String,
    },
    /// What is no selector.
    #[error("`{0}` is no CSS selector of what to leave out")]
    Selector(String),
    /// A table that no page is wide enough for.
    #[error("the table `{table}` has {columns} columns, more than fit side by side on paper")]
    Width {
        /// Its caption.
        table: String,
        /// How many.
        columns: usize,
    },
    /// What the typesetter said.
    #[error("the page could not be set: {0}")]
    Typesetting(String),
    /// A table that could not be packed as a file.
    #[error("the table `{0}` could not be packed as a Word file")]
    Packing(String),
}

/// Everything that makes one document.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The HTML; what is inside `<main>` is set, or all of `<body>` where there is none.
    pub html: &'a str,
    /// The drawings of its figures.
    pub drawings: &'a [Drawing],
    /// CSS selectors of elements that stay on the screen.
    pub left_out: &'a [&'a str],
    /// Title of the document in a reader's window.
    pub title: &'a str,
    /// Who made it.
    pub author: &'a str,
    /// A mark that no page may be without, as `SIMULATED DATA` or `DRAFT`.
    pub mark: Option<&'a str>,
    /// What stands at the head of each page.
    pub head: &'a str,
    /// What stands at the foot of each page, beside its number.
    pub foot: &'a str,
    /// When the document was made; part of the file, and so of its bytes. None leaves the file the same each time.
    pub made: Option<Timestamp>,
}

impl Page<'_> {
    /// The page as a PDF 1.7 with PDF/UA-1 tags and bookmarks, the same bytes each time. On A4, upright but for tables that are too wide.
    /// A `<header>` in its content is followed by a table of contents.
    ///
    /// # Errors
    /// A [`Fault`] for what cannot be set; nothing is left out in silence.
    pub fn pdf(&self) -> Result<Vec<u8>, Fault> {
        desk::pdf(self, &prose::markup(self)?)
    }

    /// The tables of the page that have a caption, each as a Word file of its own, with the numbers that they have in [`Self::pdf`].
    ///
    /// # Errors
    /// As [`Self::pdf`] does.
    pub fn tables(&self) -> Result<Vec<Table>, Fault> {
        word::tables(self)
    }
}
