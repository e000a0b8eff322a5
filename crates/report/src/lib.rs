//! Results to figures, HTML and CSV.
//!
//! Never computes a statistic, does no I/O and reads no clock: it words, draws and links what `analysis::results` holds.
//! Start at [`html`]; `figure` draws, `page` lays out, `csv` writes the tables, `number` is how a journal prints a number.
//!
//! The figures are drawn here, as SVG through maud, after weighing kuva 0.6 and plotters 0.3: kuva estimates its curves itself
//! from raw times, so a figure could contradict `survival`; neither draws links, descriptions, swimmer lanes or a CONSORT flow.

mod behind;
mod csv;
mod figure;
mod link;
mod number;
mod page;
mod summary;
mod words;

use analysis::results::Results;

/// One self-contained HTML page: no script is needed to read it, nothing is loaded from anywhere.
///
/// Every number leads to the subjects behind it and each subject to its events, by anchors and `<details>`. Above
/// [`TRACED`] subjects the page carries the traces of some only, and says so; the files of [`csv_files`] carry all.
pub fn html(results: &Results) -> String {
    page::page(results).into_string()
}

/// Every table as CSV (RFC 4180, UTF-8, one header line): file name and text. Columns have CDISC names where such exist.
pub fn csv_files(results: &Results) -> Vec<(String, String)> {
    csv::files(results)
}

/// Every figure as an SVG file of its own: file name and text.
pub fn figures(results: &Results) -> Vec<(String, String)> {
    let links = link::Links::none();
    figure::all(results, &links).into_iter().map(|f| (format!("{}.svg", f.name), f.standalone())).collect()
}

/// The few lines a terminal shows: trial, cut, numbers randomised and the primary result.
pub fn summary(results: &Results) -> String {
    summary::summary(results)
}

/// A page carries the traces of so many subjects at most; more would make it too large to open.
pub const TRACED: usize = 300;
