//! Results to figures, HTML, PDF and CSV; a protocol file to its documents.
//!
//! Never computes a statistic, does no I/O and reads no clock: it words, draws and links what `analysis::results` holds.
//! Start at [`html`]; `figure` draws, `page` lays out, `csv` writes the tables, `number` is how a journal prints a number;
//! [`document`] writes plan, synopsis, schedule and case report forms.
//!
//! The figures are drawn here, as SVG through maud, after weighing kuva 0.6 and plotters 0.3: kuva estimates its curves itself
//! from raw times, so a figure could contradict `survival`; neither draws links, descriptions, swimmer lanes or a CONSORT flow.

mod behind;
mod csv;
mod difference;
pub mod document;
mod figure;
mod link;
mod number;
mod page;
mod paper;
mod summary;
mod words;

use analysis::results::Results;
pub use typeset::Fault as Unset;

pub use self::paper::Paper;

pub use difference::{Cause, Change, Differences, Passage, differences};

/// One self-contained HTML page: no script is needed to read it, nothing is loaded from anywhere.
///
/// Every number leads to the subjects behind it and each subject to its events, by anchors and `<details>`. Above
/// [`TRACED`] subjects the page carries the traces of some only, and says so; the files of [`csv_files`] carry all.
pub fn html(results: &Results) -> String {
    page::page(results).into_string()
}

/// A part of a report for a safety committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// For everybody who may see the trial as a whole: all arms in one.
    Open,
    /// For the committee and its statistician alone: by arm.
    Closed,
}

/// The page of a safety committee, self-contained as [`html`]'s. `part` is that of `results`: an open part is of
/// `analysis::pooled` and of nothing else.
pub fn committee(results: &Results, part: Part) -> String {
    page::only_living_links(&page::for_committee(results, part).into_string())
}

/// Whether a table or figure, by its file's name, goes with [`committee`]'s page: what estimates an effect does not, nor does
/// `results.json`, which holds it.
pub fn for_committee(name: &str) -> bool {
    let effect = [
        "adtte",
        "analyses",
        "analysis",
        "comparisons",
        "hazards",
        "incidence",
        "km",
        "landmarks",
        "results",
        "schoenfeld",
        "subgroups",
        "forest",
        "factb",
    ];
    let stem = name.split('.').next().unwrap_or(name);
    let is = |kind: &str| {
        stem.strip_prefix(kind).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
    };
    // Who answered is no effect.
    matches!(stem, "factb_missing") || !effect.into_iter().any(is)
}

/// The same page as a PDF: what [`Paper::pdf`] gives for a report that is no draft.
///
/// # Errors
/// Where the page holds what cannot be set on paper; that is a fault of this program, and is said rather than passed over.
pub fn pdf(results: &Results) -> Result<Vec<u8>, Unset> {
    Paper::new(results, false).pdf()
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

/// A figure as part of somebody's page, whose style sheet holds [`FIGURE_STYLE`].
pub struct Drawn {
    /// `recruitment`, `km-…` and the like: a name that may stand in an address.
    pub name: String,
    /// The id of the analysis it draws, where it draws one.
    pub analysis: Option<String>,
    /// `<figure>` with the drawing and its caption; its links lead nowhere outside a report, and so it has none.
    pub html: String,
}

/// Every figure for a page of its own kind, in the order of the report.
pub fn drawn(results: &Results) -> Vec<Drawn> {
    let links = link::Links::none();
    let analysis = |figure: &figure::Figure| Some(results.analyses.get(figure.analysis?)?.id.clone());
    figure::all(results, &links)
        .into_iter()
        .map(|f| Drawn { analysis: analysis(&f), html: f.markup().into_string(), name: f.name })
        .collect()
}

/// The looks of every figure.
pub const FIGURE_STYLE: &str = figure::STYLE;

/// The content security policy of [`html`]'s page, for whoever serves it: its own style and its one script, nothing else.
pub fn policy() -> String {
    page::policy()
}

/// The few lines a terminal shows: trial, cut, numbers randomised and the primary result.
pub fn summary(results: &Results) -> String {
    summary::summary(results)
}

/// A page carries the traces of so many subjects at most; more would make it too large to open.
pub const TRACED: usize = 300;

#[cfg(test)]
mod tests {
    #[rstest::rstest]
    #[case("trae.csv", true)]
    #[case("narratives.csv", true)]
    #[case("recruitment.svg", true)]
    #[case("factb_missing.csv", true)]
    #[case("km-TSF-main.svg", false)]
    #[case("km_TSF-main.csv", false)]
    #[case("forest.svg", false)]
    #[case("comparisons.csv", false)]
    #[case("factb_weeks.csv", false)]
    #[case("results.json", false)]
    fn an_effect_is_not_for_the_committee(#[case] name: &str, #[case] goes: bool) {
        assert_eq!(super::for_committee(name), goes);
    }
}
