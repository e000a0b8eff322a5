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
    /// What it is, in its title.
    what: &'static str,
    html: String,
    figures: Vec<Figure>,
    mark: Option<String>,
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
        let marks = [draft.then_some("DRAFT"), results.about.simulated.then_some("SIMULATED DATA")];
        let marks: Vec<&str> = marks.into_iter().flatten().collect();
        Self {
            results,
            what,
            html,
            figures: figure::all(results, &link::Links::none()),
            mark: (!marks.is_empty()).then(|| marks.join(" · ")),
        }
    }

    /// The whole report as a PDF with PDF/UA-1 tags, the same bytes each time: A4, a table of contents, bookmarks, page numbers, and on
    /// every page the data cut, the head of the ledger and the marks that it is simulated or a draft.
    ///
    /// # Errors
    /// Where the page holds what cannot be set on paper.
    pub fn pdf(&self) -> Result<Vec<u8>, Fault> {
        self.with_page(|page| page.pdf())
    }

    /// Every table of it as a file that Word opens (Office Open XML), numbered as in [`Self::pdf`]: name and bytes.
    ///
    /// # Errors
    /// As [`Self::pdf`].
    pub fn tables(&self) -> Result<Vec<(String, Vec<u8>)>, Fault> {
        let tables = self.with_page(|page| page.tables())?;
        Ok(tables.into_iter().map(|table| (format!("{}.docx", table.name), table.docx)).collect())
    }

    /// Every figure of it as a PDF of its own, 180 mm wide with its letters as letters: name and bytes.
    ///
    /// # Errors
    /// As [`Self::pdf`].
    pub fn figures_pdf(&self) -> Result<Vec<(String, Vec<u8>)>, Fault> {
        let pdf = |figure: &Figure| {
            Ok((format!("{}.pdf", figure.name), drawing(figure).pdf(&self.titled(&figure.title), AUTHOR)?))
        };
        self.figures.iter().map(pdf).collect()
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

    /// A title that carries the mark, for a file that may travel without the report.
    fn titled(&self, title: &str) -> String {
        let mark = self.mark.as_deref().map(|mark| format!(" ({mark})")).unwrap_or_default();
        format!("{}: {title}{mark}", self.results.about.trial)
    }

    fn with_page<T>(&self, set: impl FnOnce(&Page<'_>) -> T) -> T {
        let about = &self.results.about;
        let drawings: Vec<Drawing> = self.figures.iter().map(drawing).collect();
        let cut = about.cut.map_or_else(|| "no data cut".to_owned(), |cut| format!("data cut {cut}"));
        let mut foot = vec![cut];
        foot.extend(about.as_of.map(|moment| format!("as of {}", page::moment(moment))));
        foot.push(about.head.as_ref().map_or_else(
            || "no ledger".to_owned(),
            |head| format!("ledger {}, {} events", head.chars().take(16).collect::<String>(), about.events),
        ));
        set(&Page {
            html: &self.html,
            drawings: &drawings,
            left_out: &ON_SCREEN_ONLY,
            title: &self.titled(self.what),
            author: AUTHOR,
            mark: self.mark.as_deref(),
            head: &format!("{} · protocol {}", about.trial, about.protocol_version),
            foot: &foot.join(" · "),
            // What was known by then: a moment of the data's, so that the same data are the same file.
            made: about.as_of.or(about.last_recorded),
        })
    }
}

const AUTHOR: &str = concat!("Trialwright ", env!("CARGO_PKG_VERSION"));

fn drawing(figure: &Figure) -> Drawing {
    Drawing { id: format!("fig-{}", figure.name), svg: figure.standalone(), alt: figure.alternative() }
}
