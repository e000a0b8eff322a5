//! One data set as rows of text: encoding, header, columns, and what becomes of each row.
//!
//! Never knows what a column means. Of CSV it reads a byte order mark, CRLF, quoted fields and columns in any order and case; the
//! data sets of other formats come as tables.

use std::collections::BTreeSet;

use super::accounting::{FileAccount, Unused};
use super::fault::{ImportFault, Remark};
use crate::format::csv::cell_text;
use crate::table::{Cell, Table};

/// A file of one domain.
pub(super) struct Sheet {
    /// Its name in the directory.
    pub file: String,
    /// The domain in upper case, as the name says.
    pub domain: String,
    header: Vec<String>,
    rows: Vec<csv::StringRecord>,
    reasons: Vec<String>,
    fates: Vec<Fate>,
    read: BTreeSet<usize>,
    /// How people count the first row: as a spreadsheet does in CSV, where the header is row 1; else from 1.
    first: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Used,
    Unused(usize),
}

/// The place of a column, if the file has it.
#[derive(Clone, Copy)]
pub(super) struct Column(Option<usize>);

impl Column {
    /// No column at all: every cell of it is empty.
    pub const fn none() -> Self {
        Self(None)
    }

    pub fn is_there(self) -> bool {
        self.0.is_some()
    }
}

/// Faults and remarks as they are found.
#[derive(Default)]
pub(super) struct Notes {
    pub faults: Vec<ImportFault>,
    pub remarks: Vec<Remark>,
}

impl Notes {
    pub fn file(&mut self, file: &str, found: impl Into<String>, right: impl Into<String>) {
        self.push(file, None, None, found, right);
    }

    pub fn push(
        &mut self,
        file: &str,
        row: Option<usize>,
        column: Option<&str>,
        found: impl Into<String>,
        right: impl Into<String>,
    ) {
        self.faults.push(ImportFault {
            file: file.to_owned(),
            row,
            column: column.map(str::to_owned),
            found: found.into(),
            right: right.into(),
        });
    }
}

impl Sheet {
    /// A data set read from another format than CSV.
    pub fn of(table: &Table, file: &str) -> Self {
        let header = table.columns().iter().map(|column| column.name.trim().to_ascii_uppercase()).collect();
        let text = |(place, cell): (usize, Cell<'_>)| cell_text(table.columns()[place].kind, cell);
        let rows = (0..table.len()).map(|row| table.row(row).enumerate().map(text).collect()).collect();
        Self {
            file: file.to_owned(),
            domain: table.name().to_ascii_uppercase(),
            header,
            rows,
            reasons: Vec::new(),
            fates: vec![Fate::Open; table.len()],
            read: BTreeSet::new(),
            first: 1,
        }
    }

    /// Reads CSV; none where it has no usable header. Faulty rows are named and left out: the import fails anyway.
    pub fn parse(bytes: &[u8], file: &str, domain: &str, notes: &mut Notes) -> Option<Self> {
        // csv drops a UTF-8 byte order mark only in some versions; here it must never enter a column's name.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            notes.file(file, "UTF-16", "save the file as UTF-8");
            return None;
        }
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        let mut records = reader.byte_records();
        let header = match records.next() {
            Some(Ok(record)) => record,
            Some(Err(wrong)) => {
                notes.push(file, Some(1), None, wrong.to_string(), "write a header of column names");
                return None;
            }
            None => {
                notes.file(file, "nothing", "a CSV file begins with a header of column names");
                return None;
            }
        };
        let header: Vec<String> =
            header.iter().map(|name| String::from_utf8_lossy(name).trim().to_ascii_uppercase()).collect();
        let sheet = Self {
            file: file.to_owned(),
            domain: domain.to_owned(),
            header,
            rows: Vec::new(),
            reasons: Vec::new(),
            fates: Vec::new(),
            read: BTreeSet::new(),
            first: 2,
        };
        sheet.header_is_sound(notes).then_some(())?;
        Some(sheet.fill(records, notes))
    }

    fn header_is_sound(&self, notes: &mut Notes) -> bool {
        if let [only] = self.header.as_slice()
            && let Some(other) = [';', '\t', '|'].into_iter().find(|separator| only.contains(*separator))
        {
            notes.push(
                &self.file,
                Some(1),
                None,
                format!("columns separated by {other:?}"),
                "separate them by commas",
            );
            return false;
        }
        let mut sound = true;
        for (index, name) in self.header.iter().enumerate() {
            if self.header[..index].contains(name) && !name.is_empty() {
                notes.push(&self.file, Some(1), Some(name), "the column twice", "a column stands once");
                sound = false;
            }
        }
        sound
    }

    fn fill<R: std::io::Read>(mut self, records: csv::ByteRecordsIter<'_, R>, notes: &mut Notes) -> Self {
        for (index, record) in records.enumerate() {
            let row = Some(self.line(index));
            let record = match record.map(csv::StringRecord::from_byte_record) {
                Ok(Ok(record)) => record,
                Ok(Err(_)) => {
                    notes.push(&self.file, row, None, "bytes that are no UTF-8", "save the file as UTF-8");
                    csv::StringRecord::new()
                }
                Err(wrong) => {
                    notes.push(
                        &self.file,
                        row,
                        None,
                        wrong.to_string(),
                        "write a row of comma-separated values",
                    );
                    csv::StringRecord::new()
                }
            };
            if !record.is_empty() && record.len() != self.header.len() {
                let right = format!("the header has {}", self.header.len());
                notes.push(&self.file, row, None, format!("{} fields", record.len()), right);
            }
            self.rows.push(record);
            self.fates.push(Fate::Open);
        }
        self
    }

    /// The place of a column that may be missing.
    pub fn column(&mut self, name: &str) -> Column {
        let place = self.header.iter().position(|known| known == name);
        self.read.extend(place);
        Column(place)
    }

    /// The first of these columns that the file has.
    pub fn either(&mut self, names: &[&str]) -> Column {
        let found = names.iter().map(|name| self.column(name)).find(|column| column.is_there());
        found.unwrap_or(Column(None))
    }

    /// The place of columns the domain cannot be read without; none, and a fault for each, where any is missing.
    pub fn need<const N: usize>(&mut self, names: [&str; N], notes: &mut Notes) -> Option<[Column; N]> {
        let columns = names.map(|name| self.column(name));
        for (name, column) in names.iter().zip(&columns) {
            if !column.is_there() {
                let right = format!("{} needs the column {name}", self.domain);
                notes.push(&self.file, Some(1), Some(name), "no such column", right);
            }
        }
        columns.iter().all(|column| column.is_there()).then_some(columns)
    }

    /// The row of a record as people count it.
    pub const fn line(&self, index: usize) -> usize {
        self.first + index
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The trimmed value; empty where there is none. R writes a missing value as `NA`, SAS as a full stop.
    pub fn get(&self, index: usize, column: Column) -> &str {
        match column.0.and_then(|place| self.rows[index].get(place)).unwrap_or("").trim() {
            "NA" | "." => "",
            value => value,
        }
    }

    /// The name of a column, for faults.
    pub fn name(&self, column: Column) -> &str {
        column.0.map_or("", |place| self.header[place].as_str())
    }

    pub fn fault(
        &self,
        index: usize,
        column: Column,
        found: impl Into<String>,
        right: impl Into<String>,
        notes: &mut Notes,
    ) {
        let name = Some(self.name(column)).filter(|name| !name.is_empty());
        notes.push(&self.file, Some(self.line(index)), name, found, right);
    }

    pub fn remark(&self, index: usize, text: impl Into<String>, notes: &mut Notes) {
        notes.remarks.push(Remark { file: self.file.clone(), row: self.line(index), text: text.into() });
    }

    pub fn used(&mut self, index: usize) {
        self.fates[index] = Fate::Used;
    }

    pub fn unused(&mut self, index: usize, reason: impl AsRef<str>) {
        let reason = reason.as_ref();
        let known = self.reasons.iter().position(|known| known == reason).unwrap_or_else(|| {
            self.reasons.push(reason.to_owned());
            self.reasons.len() - 1
        });
        self.fates[index] = Fate::Unused(known);
    }

    /// Says of every row still open that it was not used, and why.
    pub fn rest_unused(&mut self, reason: &str) {
        for index in 0..self.len() {
            if self.fates[index] == Fate::Open {
                self.unused(index, reason);
            }
        }
    }

    pub fn account(mut self) -> FileAccount {
        let domain = self.domain.clone();
        self.rest_unused(&format!("{domain}: not interpreted"));
        let mut unused: Vec<Unused> =
            self.reasons.iter().map(|reason| Unused { reason: reason.clone(), rows: Vec::new() }).collect();
        for (index, fate) in self.fates.iter().enumerate() {
            if let Fate::Unused(reason) = fate {
                unused[*reason].rows.push(self.first + index);
            }
        }
        unused.retain(|unused| !unused.rows.is_empty());
        unused.sort_by(|a, b| a.reason.cmp(&b.reason));
        let columns = self.header.iter().enumerate();
        FileAccount {
            read: self.rows.len(),
            used: self.fates.iter().filter(|fate| **fate == Fate::Used).count(),
            unused,
            columns_not_read: columns
                .filter(|(place, _)| !self.read.contains(place))
                .map(|(_, name)| name.clone())
                .collect(),
            file: self.file,
        }
    }
}
