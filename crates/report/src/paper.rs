//! The report on paper, and its tables and figures each as a file of its own: the page of [`crate::html`], set by `typeset`.
//!
//! Never says anything that the page does not say: it is the same page, without what only a screen can do. What stays there is named on
//! paper, in the section on how the report was made.

use analysis::results::Results;
use typeset::{Drawing, Fault, Page};

use crate::figure::Figure;
use crate::{Part, figure, link, page};

/// What stays on the screen: ways of getting about, the lists behind numbers and what each subject contributes, the names of the files
/// beside, and what paper says in its own way (the number of a section, the mark of simulated data, the rules all in one place).
const ON_SCREEN_ONLY: [&str; 13] = [
    ".skip",
    ".find",
    ".screen",
    ".toc",
    ".lists",
    ".terms",
    ".open",
    ".csv",
    ".simulated",
    ".no",
    "details.trace",
    "details.contributions",
    "details.rules",
];

/// What the report on paper is made of.
pub struct Paper<'a> {
    results: &'a Results,
    html: String,
    figures: Vec<Figure>,
    drawings: Vec<Drawing>,
    mark: Option<String>,
    title: String,
    head: String,
    foot: String,
}

impl<'a> Paper<'a> {
    /// Of `results`, as a draft or not.
    pub fn new(results: &'a Results, draft: bool) -> Self {
        Self::of(results, "report", page::page(results).into_string(), draft)
    }

    /// A part of a report for a safety committee (see [`crate::committee`]).
    pub fn committee(results: &'a Results, part: Part, draft: bool) -> Self {
        let what = match part {
            Part::Open => "safety committee, open part",
            Part::Closed => "safety committee, closed part",
        };
        Self::of(results, what, crate::committee(results, part), draft)
    }

    fn of(results: &'a Results, what: &'static str, html: String, draft: bool) -> Self {
        let about = &results.about;
        let marks = [draft.then_some("DRAFT"), about.simulated.then_some("SIMULATED DATA")];
        let marks: Vec<&str> = marks.into_iter().flatten().collect();
        let mark = (!marks.is_empty()).then(|| marks.join(" · "));
        let figures = figure::all(results, &link::Links::none());
        Self {
            html,
            drawings: figures.iter().map(drawing).collect(),
            figures,
            title: titled(results, what, mark.as_deref()),
            head: format!("{} · protocol {}", about.trial, about.protocol_version),
            foot: foot(results),
            mark,
            results,
        }
    }

    /// The page that is set: [`crate::html`]'s, or [`crate::committee`]'s.
    pub fn html(&self) -> &str {
        &self.html
    }

    /// The whole report as a PDF with PDF/UA-1 tags, the same bytes each time: A4, a table of contents, bookmarks, page numbers, and on
    /// every page the data cut, the head of the ledger and the marks that it is simulated or a draft.
    ///
    /// # Errors
    /// Where the page holds what cannot be set on paper.
    pub fn pdf(&self) -> Result<Vec<u8>, Fault> {
        self.page().pdf()
    }

    /// Every table of it as a file that Word opens (Office Open XML), numbered as in [`Self::pdf`]: name and bytes.
    ///
    /// # Errors
    /// As [`Self::pdf`].
    pub fn tables(&self) -> Result<Vec<(String, Vec<u8>)>, Fault> {
        let tables = self.page().tables()?;
        Ok(tables.into_iter().map(|table| (format!("{}.docx", table.name), table.docx)).collect())
    }

    /// Every figure of it as a PDF of its own, 180 mm wide with its letters as letters: name and bytes.
    ///
    /// # Errors
    /// As [`Self::pdf`].
    pub fn figures_pdf(&self) -> Result<Vec<(String, Vec<u8>)>, Fault> {
        let pdf = |(figure, drawing): (&Figure, &Drawing)| {
            let title = titled(self.results, &figure.title, self.mark.as_deref());
            Ok((format!("{}.pdf", figure.name), drawing.pdf(&title, AUTHOR)?))
        };
        self.figures.iter().zip(&self.drawings).map(pdf).collect()
    }

    /// Every figure of it as a PNG of its own, 180 mm wide at 300 dots to the inch: name and bytes.
    ///
    /// # Errors
    /// As [`Self::pdf`].
    pub fn figures_png(&self) -> Result<Vec<(String, Vec<u8>)>, Fault> {
        self.figures
            .iter()
            .map(|figure| Ok((format!("{}.png", figure.name), drawing(figure).png()?)))
            .collect()
    }

    fn page(&self) -> Page<'_> {
        let about = &self.results.about;
        Page {
            html: &self.html,
            drawings: &self.drawings,
            left_out: &ON_SCREEN_ONLY,
            title: &self.title,
            author: AUTHOR,
            mark: self.mark.as_deref(),
            head: &self.head,
            foot: &self.foot,
            // What was known by then: a moment of the data's, so that the same data are the same file.
            made: about.as_of.or(about.last_recorded),
        }
    }
}

const AUTHOR: &str = concat!("Trialwright ", env!("CARGO_PKG_VERSION"));

/// A title that carries the mark, for a file that may travel without the report.
fn titled(results: &Results, title: &str, mark: Option<&str>) -> String {
    let mark = mark.map(|mark| format!(" ({mark})")).unwrap_or_default();
    format!("{}: {title}{mark}", results.about.trial)
}

/// Which data: the cut, the moment, and the ledger as far as sixteen digits tell it.
fn foot(results: &Results) -> String {
    let about = &results.about;
    let cut = about.cut.map_or_else(|| "no data cut".to_owned(), |cut| format!("data cut {cut}"));
    let moment = about.as_of.map(|moment| format!("as of {}", page::moment(moment)));
    let ledger = about.head.as_ref().map_or_else(
        || "no ledger".to_owned(),
        |head| format!("ledger {}, {} events", head.chars().take(16).collect::<String>(), about.events),
    );
    [Some(cut), moment, Some(ledger)].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn drawing(figure: &Figure) -> Drawing {
    Drawing { id: format!("fig-{}", figure.name), svg: figure.standalone(), alt: figure.alternative() }
}
