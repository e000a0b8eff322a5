//! A directory of SDTM domains in CSV, XPT or Dataset-JSON, read as the house's own events.
//!
//! Never derives a response or an endpoint, never imports half: either every file could be read, or every fault is told.
//! What each domain becomes stands at the head of its module; the SDTM Implementation Guide 3.4 says what it means.
//!
//! SDTM does not say when a fact was recorded. The day of collection (`--DTC`) stands for it, or where there is none the
//! latest day the fact speaks of, so that a cut by the moment of recording still means something.

mod accounting;
mod directory;
mod fault;
mod ledger;
mod protocol;
mod response;
mod sheet;
mod subject;
mod tumour;
mod under;
mod value;

pub use accounting::{Accounting, FileAccount, Unused};
pub use fault::{ImportFault, Remark};
pub use response::{Key, Recorded};
pub use value::VisitNum;

use std::collections::BTreeMap;
use std::path::Path;

use trial::event::{Entered, What};
use trial::id::SubjectId;
use trial::protocol::{Checked, ProtocolHistory};
use trial::record::Record;

/// Who asserts an imported event.
pub const IMPORTER: &str = "sdtm-import";

/// A directory of SDTM, read.
#[derive(Clone, Debug)]
pub struct Import {
    /// `STUDYID`.
    pub study: String,
    /// The protocol the events are read under, made for the import.
    pub protocol: Checked,
    /// The events that concern no subject: the protocol adopted, the sites opened.
    pub office: Vec<Entered>,
    /// Every subject with its events, in order of the identifier. Sequence numbers count through the whole import.
    pub subjects: Vec<Subject>,
    /// The responses RS recorded, by subject, reader and visit.
    pub recorded: BTreeMap<Key, Recorded>,
    /// The sums of diameters TR recorded (`SUMDIAM`, mm), by subject, reader and visit.
    pub recorded_sums: BTreeMap<Key, f64>,
    /// What became of every row.
    pub accounting: Accounting,
    /// What was read in the only sensible way, but deserves a look; in order of file and row.
    pub remarks: Vec<Remark>,
}

/// A subject's events.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// `USUBJID`.
    pub id: SubjectId,
    /// In order of their sequence.
    pub events: Vec<Entered>,
}

impl Import {
    /// The versions of the protocol: the one made for the import, adopted by the first event.
    pub fn history(&self) -> ProtocolHistory {
        ProtocolHistory::new(1, self.protocol.clone())
    }

    /// The record of one subject.
    pub fn record(&self, history: &ProtocolHistory, subject: &Subject) -> Record {
        Record::fold(history, &subject.id, &subject.events)
    }

    /// The sites of DM. SDTM does not say when one opened.
    pub fn sites(&self) -> Vec<analysis::Site> {
        let opened =
            self.office.iter().filter_map(|entered| match (&entered.event.what, &entered.event.site) {
                (What::SiteOpened { name, .. }, Some(site)) => Some((site, name)),
                _ => None,
            });
        opened
            .map(|(site, name)| analysis::Site { id: site.clone(), name: name.clone(), opened: None })
            .collect()
    }

    /// Every event in order of its sequence, as a ledger would hold them.
    pub fn events(&self) -> Vec<&Entered> {
        let mut events: Vec<&Entered> =
            self.office.iter().chain(self.subjects.iter().flat_map(|subject| &subject.events)).collect();
        events.sort_by_key(|entered| entered.seq);
        events
    }
}

/// Reads the directory `dir`: DM, TU and TR, and where they are there RS, AE, EX and DS. A file ends in `csv`, `xpt`, `json` or
/// `ndjson` or `parquet`, and its content tells its format; CSV holds the domain that its name says, the others the data sets they name. Names of
/// files and columns in any case. Errors: every fault of every file, in order of file and row.
pub fn read(dir: &Path) -> Result<Import, Vec<ImportFault>> {
    directory::read(dir, true, None)
}

/// The same under a protocol that is at hand, whose forms are filled: so CM, PR, CE, FA, RS, QS, SS, DV and the supplemental
/// qualifiers are read as well, and every endpoint of the protocol can be derived, not only those that SDTM alone tells. Errors: as
/// `read`, and an arm that the protocol does not have.
pub fn read_under(dir: &Path, protocol: &Checked) -> Result<Import, Vec<ImportFault>> {
    directory::read(dir, true, Some(protocol))
}

/// The same where the assessments alone are wanted: without `dm.csv` the subjects are those of TU and TR, nobody is
/// randomised, and the only arm says so.
pub fn read_assessments(dir: &Path) -> Result<Import, Vec<ImportFault>> {
    directory::read(dir, false, None)
}
