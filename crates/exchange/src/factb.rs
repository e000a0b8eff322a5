//! FACT-B answers in CSV: a row a questionnaire, a column an item, and whatever other columns the file has.
//!
//! Never scores (see `trial::factb`), never reads half a file: either every row could be read, or every fault is told.
//! Reads a byte order mark, CRLF, quoted fields, and the items' columns in any order and case.

use trial::factb::ITEMS;

use crate::sdtm::ImportFault;

/// A file of questionnaires.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questionnaires {
    /// Names of the columns that hold no item, as they stand in the file.
    pub others: Vec<String>,
    /// The questionnaires, in the order of the file.
    pub rows: Vec<Questionnaire>,
}

/// One questionnaire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questionnaire {
    /// Values of the columns that hold no item, as they stand in the file.
    pub others: Vec<String>,
    /// Answers 0 to 4 in the order of `ITEMS`; none where the item was not answered.
    pub answers: Vec<Option<u8>>,
}

/// The columns a file must have, in words.
const NEEDED: &str =
    "a column for each of the 37 items: GP1 to GP7, GS1 to GS7, GE1 to GE6, GF1 to GF7, B1 to B9, P2";

/// Reads `bytes`, the content of `file`.
///
/// Not answered is an empty field, `NA` (R) or a full stop (SAS). A whole number may be written `3.0`, as a column of
/// numbers with gaps often is. Errors: every fault of the file, in order of row and column.
pub fn read(bytes: &[u8], file: &str) -> Result<Questionnaires, Vec<ImportFault>> {
    let mut faults = Faults { file, found: Vec::new() };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        faults.push(None, None, "UTF-16", "save the file as UTF-8");
        return Err(faults.found);
    }
    // With the last line ended like the others, every record spans the lines of its fields and one end of line.
    let ended = [bytes, b"\n"].concat();
    let bytes = if bytes.ends_with(b"\n") { bytes } else { ended.as_slice() };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut record = csv::ByteRecord::new();
    if !matches!(reader.read_byte_record(&mut record), Ok(true)) || record.iter().all(<[u8]>::is_empty) {
        faults.push(None, None, "nothing", "a CSV file begins with a header of column names");
        return Err(faults.found);
    }
    let header: Vec<String> =
        record.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
    let columns = Columns::of(&header, &mut faults);
    let Some(columns) = columns else { return Err(faults.found) };
    let mut read = Questionnaires { others: columns.others(&header), rows: Vec::new() };
    // A spreadsheet counts an empty line as a row, and a line break within a field as none.
    let mut breaks = breaks_in(&record);
    for index in 0.. {
        if !matches!(reader.read_byte_record(&mut record), Ok(true)) {
            break;
        }
        breaks += breaks_in(&record);
        let ends = usize::try_from(reader.position().line()).unwrap_or(usize::MAX);
        let row = ends.saturating_sub(1 + breaks).max(index + 2);
        read.rows.extend(columns.questionnaire(&record, &header, row, &mut faults));
    }
    if faults.found.is_empty() { Ok(read) } else { Err(faults.found) }
}

fn breaks_in(record: &csv::ByteRecord) -> usize {
    record.iter().flatten().filter(|byte| **byte == b'\n').count()
}

/// Faults as they are found.
struct Faults<'a> {
    file: &'a str,
    found: Vec<ImportFault>,
}

impl Faults<'_> {
    fn push(
        &mut self,
        row: Option<usize>,
        column: Option<&str>,
        found: impl Into<String>,
        right: impl Into<String>,
    ) {
        self.found.push(ImportFault {
            file: self.file.to_owned(),
            row,
            column: column.map(str::to_owned),
            found: found.into(),
            right: right.into(),
        });
    }
}

/// Where everything stands.
struct Columns {
    /// Of each of `ITEMS`.
    items: Vec<usize>,
    others: Vec<usize>,
}

impl Columns {
    /// None, and the faults told, where a column is missing or stands twice.
    fn of(header: &[String], faults: &mut Faults<'_>) -> Option<Self> {
        if let [only] = header
            && let Some(other) = [';', '\t', '|'].into_iter().find(|separator| only.contains(*separator))
        {
            faults.push(Some(1), None, format!("columns separated by {other:?}"), "separate them by commas");
            return None;
        }
        let is = |item: &'static str| move |name: &String| name.eq_ignore_ascii_case(item);
        let missing: Vec<&str> =
            ITEMS.into_iter().filter(|item| !header.iter().any(|name| is(item)(name))).collect();
        if missing.len() == ITEMS.len() {
            faults.push(Some(1), None, "no column of FACT-B", format!("the header needs {NEEDED}"));
        } else if !missing.is_empty() {
            faults.push(
                Some(1),
                None,
                format!("no column {}", missing.join(", ")),
                format!("the header needs {NEEDED}"),
            );
        }
        for (place, name) in header.iter().enumerate() {
            let item = ITEMS.into_iter().any(|item| is(item)(name));
            let again = |earlier: &String| earlier == name || (item && earlier.eq_ignore_ascii_case(name));
            if !name.is_empty() && header[..place].iter().any(again) {
                faults.push(Some(1), Some(name), "the column twice", "a column stands once");
            }
        }
        faults.found.is_empty().then(|| Self {
            items: ITEMS.into_iter().filter_map(|item| header.iter().position(is(item))).collect(),
            others: (0..header.len())
                .filter(|place| !ITEMS.into_iter().any(|item| is(item)(&header[*place])))
                .collect(),
        })
    }

    fn others(&self, header: &[String]) -> Vec<String> {
        self.others.iter().map(|place| header[*place].clone()).collect()
    }

    /// None where the row has not the fields of the header.
    fn questionnaire(
        &self,
        record: &csv::ByteRecord,
        header: &[String],
        row: usize,
        faults: &mut Faults<'_>,
    ) -> Option<Questionnaire> {
        if record.len() != header.len() {
            faults.push(
                Some(row),
                None,
                format!("{} fields", record.len()),
                format!("the header has {}", header.len()),
            );
            return None;
        }
        let mut answers = Vec::with_capacity(self.items.len());
        for place in &self.items {
            let text = String::from_utf8_lossy(&record[*place]);
            answers.push(answer(text.trim()).unwrap_or_else(|()| {
                let found = format!("{:?}", text.trim());
                faults.push(
                    Some(row),
                    Some(&header[*place]),
                    found,
                    "an answer is 0, 1, 2, 3 or 4, or empty",
                );
                None
            }));
        }
        let mut others = Vec::with_capacity(self.others.len());
        for place in &self.others {
            let value = std::str::from_utf8(&record[*place]).unwrap_or_else(|_| {
                faults.push(
                    Some(row),
                    Some(&header[*place]),
                    "bytes that are no UTF-8",
                    "save the file as UTF-8",
                );
                ""
            });
            others.push(value.to_owned());
        }
        Some(Questionnaire { others, answers })
    }
}

/// The answer that `text` is.
fn answer(text: &str) -> Result<Option<u8>, ()> {
    if matches!(text, "" | "NA" | ".") {
        return Ok(None);
    }
    let number: f64 = text.parse().map_err(|_| ())?;
    (0..=4).find(|answer| f64::from(*answer) == number).map(Some).ok_or(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn header() -> String {
        ITEMS.join(",")
    }

    /// A row whose answers are `first` and then 1s.
    fn row(first: &str) -> String {
        format!("{first}{}", ",1".repeat(36))
    }

    fn told(text: &str) -> Vec<String> {
        read(text.as_bytes(), "f.csv").unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[rstest]
    #[case("0", Some(0))]
    #[case(" 4 ", Some(4))]
    #[case("3.0", Some(3))]
    #[case("", None)]
    #[case("NA", None)]
    #[case(".", None)]
    fn reads_an_answer(#[case] text: &str, #[case] want: Option<u8>) {
        let read = read(format!("{}\n{}\n", header(), row(text)).as_bytes(), "f.csv").unwrap();
        assert_eq!(read.rows[0].answers[0], want);
        assert_eq!(read.rows[0].answers[1..], [Some(1); 36]);
    }

    #[rstest]
    #[case("5")]
    #[case("-1")]
    #[case("2.5")]
    #[case("nan")]
    #[case("\"quite a bit\"")]
    fn refuses_another(#[case] text: &str) {
        let told = told(&format!("{}\n{}\n", header(), row(text)));
        let found = text.trim_matches('"');
        assert_eq!(
            told,
            [format!("f.csv, row 2, column GP1: found {found:?}; an answer is 0, 1, 2, 3 or 4, or empty")]
        );
    }

    #[test]
    fn reads_any_order_and_case_and_keeps_the_rest() {
        let mut names: Vec<String> = ITEMS.iter().rev().map(|item| item.to_lowercase()).collect();
        names.insert(5, "Subject id".into());
        let mut values: Vec<String> = (0..37).rev().map(|place| (place % 5).to_string()).collect();
        values.insert(5, "\"a, b\"".into());
        let text = format!("\u{feff}{}\r\n{}", names.join(","), values.join(","));
        let read = read(text.as_bytes(), "f.csv").unwrap();
        assert_eq!(read.others, ["Subject id"]);
        assert_eq!(read.rows[0].others, ["a, b"]);
        let want: Vec<Option<u8>> = (0..37).map(|place| Some(place % 5)).collect();
        assert_eq!(read.rows[0].answers, want);
    }

    #[test]
    fn counts_rows_as_a_spreadsheet_does() {
        let note = |note: &str, first: &str| format!("\"{note}\",{}", row(first));
        let rows = [
            format!("note,{}", header()),
            note("two\nlines", "1"),
            String::new(),
            note("", "8"),
            note("", "9"),
        ];
        let told = told(&rows.join("\n"));
        assert!(told[0].starts_with("f.csv, row 4, column GP1: found \"8\""), "{told:?}");
        assert!(told[1].starts_with("f.csv, row 5, column GP1: found \"9\""), "{told:?}");
    }

    #[test]
    fn tells_every_fault_of_a_header() {
        let text = format!("{}\n", header().replace("GP2,", "").replace("B9", "gp1"));
        let told = told(&text);
        assert!(told[0].starts_with("f.csv, row 1: found no column GP2, B9; the header needs"), "{told:?}");
        assert_eq!(told[1], "f.csv, row 1, column gp1: found the column twice; a column stands once");
        assert_eq!(told.len(), 2);
    }

    #[rstest]
    #[case("", "f.csv: found nothing")]
    #[case("\n\n", "f.csv: found nothing")]
    #[case("\u{feff}", "f.csv: found nothing")]
    #[case("a;b\n1;2\n", "f.csv, row 1: found columns separated by ';'")]
    #[case("a,b\n1,2\n", "f.csv, row 1: found no column of FACT-B")]
    fn says_what_is_no_file_of_answers(#[case] text: &str, #[case] want: &str) {
        assert!(told(text)[0].starts_with(want), "{:?}", told(text));
    }

    proptest! {
        #[test]
        fn survives_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes, "f.csv");
            let _ = read(&[header().as_bytes(), b"\n", &bytes].concat(), "f.csv");
        }
    }
}
