//! RS: the responses somebody recorded, kept beside the readings and never mixed with what the house derives.

use std::collections::BTreeMap;

use serde::Serialize;
use trial::id::SubjectId;

use super::sheet::{Notes, Sheet};
use super::value::{VisitNum, date, reader, visit};

/// Subject, reader, visit.
pub type Key = (SubjectId, String, VisitNum);

/// The responses recorded for one subject, reader and visit, to the letter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// `TRGRESP`.
    pub target: Option<String>,
    /// `NTRGRESP`.
    pub non_target: Option<String>,
    /// `OVRLRESP`.
    pub overall: Option<String>,
    /// `NEWLPROG`.
    #[serde(skip)]
    pub new_lesion: Option<String>,
}

impl Recorded {
    /// True where a target, non-target or overall response was recorded.
    pub fn any(&self) -> bool {
        self.target.is_some() || self.non_target.is_some() || self.overall.is_some()
    }

    fn slot(&mut self, test: &str) -> Option<&mut Option<String>> {
        match test {
            "TRGRESP" => Some(&mut self.target),
            "NTRGRESP" => Some(&mut self.non_target),
            "OVRLRESP" => Some(&mut self.overall),
            "NEWLPROG" => Some(&mut self.new_lesion),
            _ => None,
        }
    }
}

/// Reads RS. `assessed` tells whether readings stand behind a recorded response.
pub(super) fn read(
    sheet: &mut Sheet,
    known: impl Fn(&str) -> bool,
    assessed: impl Fn(&Key) -> bool,
    notes: &mut Notes,
) -> BTreeMap<Key, Recorded> {
    let mut responses: BTreeMap<Key, Recorded> = BTreeMap::new();
    let Some([subject, test, visitnum, evaluator]) =
        sheet.need(["USUBJID", "RSTESTCD", "VISITNUM", "RSEVAL"], notes)
    else {
        return responses;
    };
    let result = sheet.either(&["RSSTRESC", "RSORRES"]);
    if !result.is_there() {
        notes.push(&sheet.file, Some(1), Some("RSSTRESC"), "no such column", "RS needs RSSTRESC or RSORRES");
        return responses;
    }
    let [category, evaluator_id, dated] = ["RSCAT", "RSEVALID", "RSDTC"].map(|name| sheet.column(name));
    let mut first: BTreeMap<(Key, String), usize> = BTreeMap::new();
    for index in 0..sheet.len() {
        let who = sheet.get(index, subject).to_owned();
        if !known(&who) {
            sheet.fault(index, subject, format!("subject {who:?}"), "name a subject of DM", notes);
            continue;
        }
        let code = sheet.get(index, test).to_ascii_uppercase();
        let criteria = sheet.get(index, category).to_ascii_uppercase();
        if !matches!(criteria.as_str(), "" | "RECIST" | "RECIST 1.1" | "RECIST V1.1") {
            sheet.unused(index, format!("RS {criteria}: not RECIST 1.1"));
            continue;
        }
        if Recorded::default().slot(&code).is_none() {
            sheet.unused(index, format!("RS {code}: not a response at a time point"));
            continue;
        }
        let value = sheet.get(index, result).to_ascii_uppercase();
        if value.is_empty() {
            sheet.unused(index, format!("RS {code}: no response recorded"));
            continue;
        }
        // The readings' own date is the one that counts; a date that is none is a fault all the same.
        let _ = date(sheet, index, dated, notes);
        let Some(at) = visit(sheet, index, visitnum, notes) else { continue };
        let key = (SubjectId(who), reader(sheet.get(index, evaluator), sheet.get(index, evaluator_id)), at);
        if let Some(earlier) = first.insert((key.clone(), code.clone()), index) {
            let found = format!("{code} of {} by {} at visit {} again", key.0, key.1, key.2.0);
            sheet.fault(
                index,
                test,
                found,
                format!("it stands in row {} already", sheet.line(earlier)),
                notes,
            );
            continue;
        }
        if !assessed(&key) {
            sheet.unused(index, format!("RS {code}: no reading of TR stands behind it"));
            continue;
        }
        if let Some(slot) = responses.entry(key).or_default().slot(&code) {
            *slot = Some(value);
        }
        sheet.used(index);
    }
    responses
}
