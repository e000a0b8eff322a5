//! CDISC ODM-XML 1.3.2: the protocol's forms and the clinical data with their audit records out, both in.
//!
//! Never derives and never interprets a value: what a form means is its concept, which stands in the file as an alias.
//! `write` makes a file; `metadata` reads what a file says of forms and visits, `skeleton` makes the beginning of a protocol of it,
//! `data` reads subjects' forms as steps for the trial office, all of them or none.
//!
//! | here | in ODM |
//! | --- | --- |
//! | a protocol version | `MetaDataVersion` |
//! | a visit; the forms outside visits | `StudyEventDef`, `Scheduled`; one `Common` |
//! | a form, its items, a group of rows | `FormDef`, an `ItemGroupDef` of the items, a repeating `ItemGroupDef` |
//! | when an item is asked | `ConditionDef`, the exception being the condition's opposite, in CEL |
//! | bounds, edit checks | `RangeCheck`, with `FormalExpression` in CEL |
//! | an event of the ledger | `FormData` with `AuditRecord`; `SourceID` is its place in the ledger |
//! | a signature | `Signature` of a `FormData` in `Context` |
//! | a subject screened, randomised | `SubjectData` with `AuditRecord`; a form of its own |

mod clinical;
mod data;
mod definitions;
mod metadata;
mod skeleton;
mod write;
mod xml;

use std::fmt;

use serde::Serialize;

pub use data::{ImportedSubject, OdmData, Step, data};
pub use metadata::{OdmMetadata, metadata};
pub use skeleton::skeleton;
pub use write::{OdmAbout, OdmWriter, Participants};

pub use crate::fhir::Place;

/// The namespace of ODM 1.3.
pub const NAMESPACE: &str = "http://www.cdisc.org/ns/odm/v1.3";
/// A file that is read has at most so many bytes: it is held in memory.
pub const MOST_BYTES: usize = 512 << 20;

/// OIDs that this program gives.
mod oid {
    /// Forms outside visits.
    pub const LOG: &str = "SE.-LOG";
    /// What randomisation wrote.
    pub const RANDOMISATION: &str = "-RANDOMISATION";
    /// Where the trial office is.
    pub const OFFICE: &str = "L.-OFFICE";

    pub fn visit(id: &str) -> String {
        format!("SE.{id}")
    }
    pub fn form(id: &str) -> String {
        format!("F.{id}")
    }
    pub fn group(form: &str, group: Option<&str>) -> String {
        group.map_or_else(|| format!("IG.{form}"), |group| format!("IG.{form}.{group}"))
    }
    pub fn item(form: &str, item: &str) -> String {
        format!("I.{form}.{item}")
    }
    pub fn site(id: &str) -> String {
        format!("L.{id}")
    }
    pub fn version(place: usize) -> String {
        format!("MDV.{place}")
    }
}

/// Contexts of the aliases that carry what ODM has no place for.
mod alias {
    pub const CONCEPT: &str = "urn:trialwright:concept";
    pub const TYPE: &str = "urn:trialwright:type";
    pub const GROUP: &str = "urn:trialwright:group";
    pub const KEY: &str = "urn:trialwright:key";
    pub const DAY: &str = "urn:trialwright:day";
    pub const BEFORE: &str = "urn:trialwright:window-before";
    pub const AFTER: &str = "urn:trialwright:window-after";
    pub const EVERY: &str = "urn:trialwright:every-days";
    pub const WHEN: &str = "urn:trialwright:when";
    pub const ID: &str = "urn:trialwright:id";
}

/// Why an ODM file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct OdmFault {
    /// The line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What was found.
    pub found: String,
    /// What would be right.
    pub right: String,
}

impl OdmFault {
    fn at(line: usize, found: impl Into<String>, right: impl Into<String>) -> Self {
        Self { line, found: found.into(), right: right.into() }
    }
}

impl fmt::Display for OdmFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        write!(f, "found {}; {}", self.found, self.right)
    }
}

impl std::error::Error for OdmFault {}

/// The tree of a file, whose root is an ODM of version 1.3.
fn document(bytes: &[u8]) -> Result<xml::Node, OdmFault> {
    if bytes.len() > MOST_BYTES {
        return Err(OdmFault::at(
            0,
            format!("{} bytes", bytes.len()),
            format!("an ODM file has at most {MOST_BYTES}"),
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|wrong| {
        let found = format!("bytes that are no UTF-8 text, from byte {} on", wrong.valid_up_to());
        OdmFault::at(0, found, "ODM-XML in UTF-8")
    })?;
    let root = xml::parse(text.trim_start_matches('\u{feff}'))?;
    let version = root.attribute("ODMVersion").unwrap_or("1.3");
    let namespace = root.attribute("xmlns").unwrap_or(NAMESPACE);
    if root.name != "ODM" {
        return Err(OdmFault::at(
            root.line,
            format!("the element {}", root.name),
            "the root of ODM-XML is ODM",
        ));
    }
    if !version.starts_with("1.3") || namespace.contains("/v2") {
        return Err(OdmFault::at(root.line, format!("ODM of version {version}"), "ODM-XML of version 1.3"));
    }
    Ok(root)
}
