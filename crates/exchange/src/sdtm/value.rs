//! Single values of SDTM as the house's: dates, numbers, readers, visits, codes.
//!
//! Never guesses: what is no value of its kind is a fault with its place. SDTM Implementation Guide 3.4, section 4.4.

use std::cmp::Ordering;

use trial::date::PartialDate;

use super::sheet::{Column, Notes, Sheet};

/// The order of a visit (`VISITNUM`).
#[derive(Clone, Copy, Debug)]
pub struct VisitNum(pub f64);

impl PartialEq for VisitNum {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for VisitNum {}
impl PartialOrd for VisitNum {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for VisitNum {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// The reader a row belongs to: `INVESTIGATOR`, or `EVAL/EVALID`.
pub(super) fn reader(evaluator: &str, id: &str) -> String {
    let (evaluator, id) = (evaluator.to_uppercase(), id.to_uppercase());
    match (evaluator.as_str(), id.as_str()) {
        ("" | "INVESTIGATOR", "") | ("INVESTIGATOR", _) => "INVESTIGATOR".to_owned(),
        (_, "") => evaluator,
        ("", _) => id,
        _ => format!("{evaluator}/{id}"),
    }
}

/// A date as far as it is known; none where the cell is empty. A fault where it is no date.
pub(super) fn date(sheet: &Sheet, index: usize, column: Column, notes: &mut Notes) -> Option<PartialDate> {
    let text = sheet.get(index, column);
    if text.is_empty() {
        return None;
    }
    // SDTM marks an unknown part by a hyphen (`2003---15`): the known beginning is what can be used.
    let known = text.split_once("---").map_or(text, |(year, _)| year);
    // PartialDate drops a time of day unread; one that is none must not pass unseen.
    let time = text.split_once('T').map_or("", |(_, time)| time);
    let sound = time.chars().all(|c| c.is_ascii_digit() || ":.+-Z".contains(c));
    match PartialDate::parse(known) {
        Ok(date) if sound => Some(date),
        _ => {
            let right = "write a date as YYYY-MM-DD, or YYYY-MM or YYYY where the rest is not known";
            sheet.fault(index, column, format!("{text:?}"), right, notes);
            None
        }
    }
}

/// A finite number; none where the cell is empty. A fault where it is no number.
pub(super) fn number(
    sheet: &Sheet,
    index: usize,
    column: Column,
    what: &str,
    notes: &mut Notes,
) -> Option<f64> {
    let text = sheet.get(index, column);
    if text.is_empty() {
        return None;
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    if number.is_none() {
        sheet.fault(index, column, format!("{text:?}"), format!("{what} is a number"), notes);
    }
    number
}

/// The visit of a row, which it must have.
pub(super) fn visit(sheet: &Sheet, index: usize, column: Column, notes: &mut Notes) -> Option<VisitNum> {
    if sheet.get(index, column).is_empty() {
        sheet.fault(index, column, "nothing", "write the number of the visit", notes);
        return None;
    }
    number(sheet, index, column, "a visit number", notes).map(|number| VisitNum(number + 0.0))
}

/// `Y` or `N`; none where empty.
pub(super) fn yes(sheet: &Sheet, index: usize, column: Column, notes: &mut Notes) -> Option<&'static str> {
    match sheet.get(index, column).to_ascii_uppercase().as_str() {
        "" => None,
        "Y" => Some("Y"),
        "N" => Some("N"),
        other => {
            sheet.fault(index, column, format!("{other:?}"), "write Y or N", notes);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("INVESTIGATOR", "", "INVESTIGATOR")]
    #[case("investigator", "Dr. X", "INVESTIGATOR")]
    #[case("", "", "INVESTIGATOR")]
    #[case("INDEPENDENT ASSESSOR", "RADIOLOGIST 1", "INDEPENDENT ASSESSOR/RADIOLOGIST 1")]
    #[case("INDEPENDENT ASSESSOR", "", "INDEPENDENT ASSESSOR")]
    fn names_readers(#[case] evaluator: &str, #[case] id: &str, #[case] want: &str) {
        assert_eq!(reader(evaluator, id), want);
    }

    fn read(text: &str) -> (Option<PartialDate>, usize) {
        let mut notes = Notes::default();
        let mut sheet = Sheet::parse(format!("D\n{text}\n").as_bytes(), "x.csv", "X", &mut notes).unwrap();
        let column = sheet.column("D");
        let date = date(&sheet, 0, column, &mut notes);
        (date, notes.faults.len())
    }

    #[rstest]
    #[case("2014-01-09", Some("2014-01-09"), 0)]
    #[case("2014-01", Some("2014-01"), 0)]
    #[case("2014", Some("2014"), 0)]
    #[case("2014---09", Some("2014"), 0)]
    #[case("2014-01-09T10:15:00Z", Some("2014-01-09"), 0)]
    #[case("2014-01-09Tx", None, 1)]
    #[case("2014-02-30", None, 1)]
    #[case("09/01/2014", None, 1)]
    #[case("2014-1-9", None, 1)]
    fn reads_dates(#[case] text: &str, #[case] want: Option<&str>, #[case] faults: usize) {
        assert_eq!(read(text), (want.map(|text| PartialDate::parse(text).unwrap()), faults));
    }
}
