//! Reads a protocol file and finds every fault at once, each with its place and what would be right.
//!
//! Three passes: syntax (`document`), shape against the JSON Schema (`shape`), and what the file says of itself
//! (`meaning`). Faults of shape are filled in for the third pass, so that one mistake hides no other. Never stops at the
//! first fault, and never mends one.

mod document;
mod forms;
mod meaning;
mod place;
mod shape;

use std::fmt;
use std::ops::Range;

use serde::Serialize;

use super::Protocol;
use document::Document;
use place::{Finding, Path};

pub use shape::schema;

/// A file may be at most so long, in bytes.
pub const MOST_BYTES: usize = 1 << 20;

/// A fault of a protocol file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where the fault stands in the file, as in `arms[1].ratio`; empty for the file as a whole.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Bytes of the file.
    pub span: Range<usize>,
    /// What was found.
    pub found: String,
    /// What would be right.
    pub right: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, ", {}", self.path)?;
        }
        write!(f, ": found {}; {}", self.found, self.right)
    }
}

/// A protocol without faults, and its text.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The protocol.
    pub protocol: Protocol,
    /// The file, to the letter.
    pub source: String,
}

/// Reads and checks `source`. Errors: every fault that was found, in the order of the file, at least one.
pub fn check(source: &str) -> Result<Checked, Vec<Fault>> {
    if source.len() > MOST_BYTES {
        let found = format!("a file of {} bytes", source.len());
        let right = format!("a protocol file has at most {MOST_BYTES} bytes");
        return Err(vec![fault(source, String::new(), 0..0, found, right)]);
    }
    let document = Document::parse(source).map_err(|errors| {
        ordered(errors.into_iter().map(|e| fault(source, String::new(), e.span, e.found, e.right)).collect())
    })?;
    let mut value = document.value();
    let mut findings = document.findings();
    findings.extend(shape::mend(&mut value));
    let filled: Vec<Path> = findings.iter().map(|finding| finding.path.clone()).collect();
    match serde_json::from_value::<Protocol>(value) {
        Ok(protocol) => {
            let mut more = meaning::findings(&protocol);
            more.extend(place::assumed(&document.value()));
            more.retain(|finding| {
                let mut read = finding.rests_on.iter().chain([&finding.path]);
                !read.any(|path| filled.iter().any(|filled| path.starts_with(filled)))
            });
            findings.extend(more);
            if findings.is_empty() {
                return Ok(Checked { protocol, source: source.to_owned() });
            }
        }
        // The schema and the types come from one source, so this cannot happen; if it does, it is said.
        Err(wrong) if findings.is_empty() => {
            findings.push(Finding::new(
                Path::default(),
                wrong.to_string(),
                "see the JSON Schema of protocol files",
            ));
        }
        Err(_) => {}
    }
    let located = findings.into_iter().map(|finding| {
        let span = document.span(&finding);
        fault(source, finding.path.to_string(), span, finding.found, finding.right)
    });
    Err(ordered(located.collect()))
}

fn ordered(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort_by(|a, b| (a.span.start, &a.path, &a.found).cmp(&(b.span.start, &b.path, &b.found)));
    faults.dedup();
    faults
}

fn fault(source: &str, path: String, span: Range<usize>, found: String, right: String) -> Fault {
    let mut start = span.start.min(source.len());
    while !source.is_char_boundary(start) {
        start -= 1;
    }
    let before = &source[..start];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Fault {
        path,
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        span: start..span.end.clamp(start, source.len()),
        found,
        right,
    }
}
