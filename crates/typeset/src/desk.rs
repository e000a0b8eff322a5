//! The typesetter's desk: one source, its figures and the fonts, and nothing else of the world.
//!
//! Never opens a file: what is not on the desk is not found. The looks stand in `look.typ`.

use std::collections::HashMap;
use std::sync::LazyLock;

use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::letters::{self, literal};
use crate::{Drawing, Fault, Page};

const LOOK: &str = include_str!("look.typ");

static FONTS: LazyLock<Vec<Font>> =
    LazyLock::new(|| letters::FILES.into_iter().flat_map(|file| Font::iter(Bytes::new(file))).collect());
static BOOK: LazyLock<LazyHash<FontBook>> =
    LazyLock::new(|| LazyHash::new(FontBook::from_fonts(FONTS.iter())));
static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));

struct Desk {
    main: Source,
    files: HashMap<FileId, Bytes>,
}

impl World for Desk {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &BOOK
    }

    fn main(&self) -> FileId {
        self.main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.main.id() { Ok(self.main.clone()) } else { Err(missing(id)) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        self.files.get(&id).cloned().ok_or_else(|| missing(id))
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}

fn missing(id: FileId) -> FileError {
    FileError::NotFound(id.get().vpath().get_without_slash().into())
}

fn file(name: &str) -> Result<FileId, Fault> {
    let path = VirtualPath::new(name).map_err(|_| Fault::Name(name.to_owned()))?;
    Ok(FileId::new(RootedPath::new(VirtualRoot::Project, path)))
}

/// `markup` under the looks of this house.
pub fn pdf(page: &Page<'_>, markup: &str) -> Result<Vec<u8>, Fault> {
    Desk::of(page, markup)?.pdf(page.made)
}

/// The words of each page, as they are set; for tests, which read them where a reader's program would.
#[cfg(test)]
pub fn words(page: &Page<'_>, markup: &str) -> Result<Vec<String>, Fault> {
    use typst::layout::{Frame, FrameItem};

    fn read(frame: &Frame, out: &mut String) {
        for (_, item) in frame.items() {
            match item {
                FrameItem::Group(group) => read(&group.frame, out),
                FrameItem::Text(text) => out.push_str(&text.text),
                _ => {}
            }
        }
        out.push(' ');
    }
    let document = Desk::of(page, markup)?.document()?;
    let words = |page: &typst_layout::Page| {
        let mut out = String::new();
        read(&page.frame, &mut out);
        out
    };
    Ok(document.pages().iter().map(words).collect())
}

impl Desk {
    fn of(page: &Page<'_>, markup: &str) -> Result<Self, Fault> {
        let source = format!(
            "{LOOK}\n#show: report.with(title: {}, author: {}, mark: {}, head: {}, foot: {})\n{markup}",
            literal(page.title),
            literal(page.author),
            page.mark.map_or_else(|| "none".to_owned(), literal),
            literal(page.head),
            literal(page.foot),
        );
        Self::new(source, page.drawings)
    }
}

/// A drawing alone, `width` millimetres wide.
pub fn drawing(drawing: &Drawing, title: &str, author: &str, width: f64) -> Result<Vec<u8>, Fault> {
    let source = format!(
        "{LOOK}\n#show: sheet.with(title: {}, author: {}, width: {width}mm)\n#image({}, alt: {}, width: 100%)",
        literal(title),
        literal(author),
        literal(&format!("{}.svg", drawing.id)),
        literal(&drawing.alt),
    );
    Desk::new(source, std::slice::from_ref(drawing))?.pdf(None)
}

impl Desk {
    fn new(source: String, drawings: &[Drawing]) -> Result<Self, Fault> {
        let mut files = HashMap::new();
        for drawing in drawings {
            files.insert(file(&format!("{}.svg", drawing.id))?, Bytes::from_string(drawing.spelt()));
        }
        Ok(Self { main: Source::new(file("main.typ")?, source), files })
    }

    fn document(&self) -> Result<PagedDocument, Fault> {
        typst::compile::<PagedDocument>(self).output.map_err(|faults| said(self, &faults))
    }

    fn pdf(&self, made: Option<jiff::Timestamp>) -> Result<Vec<u8>, Fault> {
        let document = self.document()?;
        let standards = PdfStandards::new(&[PdfStandard::Ua_1])
            .map_err(|why| Fault::Typesetting(why.message().to_string()))?;
        let options = PdfOptions {
            creator: typst::foundations::Smart::Custom(Some(
                concat!("Trialwright ", env!("CARGO_PKG_VERSION")).into(),
            )),
            timestamp: made.and_then(moment),
            standards,
            ..PdfOptions::default()
        };
        let bytes = typst_pdf::pdf(&document, &options).map_err(|faults| said(self, &faults));
        // What was remembered for the next page of this kind: a server makes few, and each is another.
        typst::comemo::evict(0);
        bytes
    }
}

fn moment(at: jiff::Timestamp) -> Option<Timestamp> {
    let at = at.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    let part = |value: i8| u8::try_from(value).ok();
    let date = Datetime::from_ymd_hms(
        i32::from(at.year()),
        part(at.month())?,
        part(at.day())?,
        part(at.hour())?,
        part(at.minute())?,
        part(at.second())?,
    )?;
    Some(Timestamp::new_utc(date))
}

fn said(desk: &Desk, faults: &[SourceDiagnostic]) -> Fault {
    let words = faults.iter().map(|fault| {
        let near = typst::WorldExt::range(desk, fault.span)
            .and_then(|range| desk.main.text().get(range))
            .map(|text| format!(" (at `{}`)", text.chars().take(60).collect::<String>()));
        let hints: Vec<String> = fault.hints.iter().map(|hint| format!("; {}", hint.v)).collect();
        format!("{}{}{}", fault.message, near.unwrap_or_default(), hints.concat())
    });
    Fault::Typesetting(words.collect::<Vec<_>>().join("; "))
}
