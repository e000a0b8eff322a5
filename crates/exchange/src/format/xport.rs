//! The SAS transport format, version 5: what the FDA has taken for thirty years, and every statistics program reads.
//!
//! Never writes what version 5 cannot hold: names of 8 letters, labels of 40, texts of 200 bytes, all in ASCII. Our own and not a
//! crate's because the crates weighed cut long texts, and read blank last rows of short rows differently than SAS. SAS technical
//! note TS-140, "The Record Layout of a Data Set in SAS Transport (XPORT) Format".

use std::io::{self, BufWriter, Write};

use jiff::civil::DateTime;

use super::{About, WriteError, ibm};
use crate::table::{Cell, Column, Kind, Misfit, Table, date_of_sas, moment_of_sas};

/// The beginning of every file of version 5.
pub(super) const MAGIC: &[u8] = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!";
const VERSION_8: &[u8] = b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!";
const MEMBER: &[u8] = b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!";
const DESCRIPTOR: &[u8] = b"HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!";
const NAMESTR: &[u8] = b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!";
const OBSERVATIONS: &[u8] = b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!";
/// The bytes of a record.
const RECORD: usize = 80;
/// The bytes that describe a variable.
const NAMESTR_BYTES: usize = 140;
/// The longest text.
pub const LONGEST_TEXT: usize = 200;
const LONGEST_NAME: usize = 8;
const LONGEST_LABEL: usize = 40;

/// A text in pieces of at most 200 bytes, cut between words where there is a blank, as SDTMIG 3.4, section 4.5.3, has it: the first
/// for the variable itself, the others for its supplemental qualifiers. The blank at a cut is left out.
pub fn split(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_end_matches(' ');
    while rest.len() > LONGEST_TEXT {
        let limit = (0..=LONGEST_TEXT).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(0);
        // A blank right after the limit lets the whole piece stand.
        let blank = rest.as_bytes()[..=limit].iter().rposition(|byte| *byte == b' ').filter(|at| *at > 0);
        let (piece, after) = rest.split_at(blank.unwrap_or(limit));
        pieces.push(piece.trim_end_matches(' '));
        rest = after.trim_start_matches(' ');
    }
    pieces.push(rest);
    pieces
}

/// A SAS format in its parts: `E8601DT19.` is `E8601DT`, 19, 0; `8.2` has no name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    name: String,
    width: u16,
    decimals: u16,
}

impl Shown {
    fn parse(text: &str) -> Option<Self> {
        let (head, decimals) = text.split_once('.').unwrap_or((text, ""));
        let name = head.trim_end_matches(|c: char| c.is_ascii_digit());
        let whole = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<u16>().ok() };
        let sound = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
        if name.len() > LONGEST_NAME || !name.chars().all(sound) {
            return None;
        }
        let (width, decimals) = (whole(&head[name.len()..])?, whole(decimals)?);
        let something = !name.is_empty() || width > 0;
        (something && width < 1000 && decimals < 100).then(|| Self {
            name: name.to_ascii_uppercase(),
            width,
            decimals,
        })
    }

    fn text(&self) -> String {
        let width = if self.width == 0 { String::new() } else { self.width.to_string() };
        let decimals = if self.decimals == 0 { String::new() } else { self.decimals.to_string() };
        format!("{}{width}.{decimals}", self.name)
    }

    /// What a number shown so is; none where it is only a number.
    fn kind(&self) -> Option<Kind> {
        match self.name.as_str() {
            "DATE" | "YYMMDD" | "MMDDYY" | "DDMMYY" | "E8601DA" | "B8601DA" | "IS8601DA" => Some(Kind::Day),
            "DATETIME" | "E8601DT" | "B8601DT" | "IS8601DT" => Some(Kind::Moment),
            _ => None,
        }
    }
}

/// All that keeps a data set out of XPORT version 5; empty where it fits.
pub fn misfits(table: &Table) -> Vec<Misfit> {
    let mut found = Vec::new();
    if let Some((what, right)) = bad_name(table.name()) {
        found.push(Misfit::whole(table.name(), format!("the name {what}"), right));
    }
    if let Some((what, right)) = bad_text(table.label(), LONGEST_LABEL) {
        found.push(Misfit::whole(table.name(), format!("the label {what}"), right));
    }
    if table.columns().is_empty() || table.columns().len() > 9999 {
        let right = "XPORT holds 1 to 9999 variables";
        found.push(Misfit::whole(table.name(), format!("{} columns", table.columns().len()), right));
    }
    for (place, column) in table.columns().iter().enumerate() {
        found.extend(bad_column(table.name(), column));
        if column.kind.is_text() {
            bad_words(table, place, &mut found);
        } else {
            let numbers = table.numbers(place).iter().enumerate();
            let outside = numbers.filter(|(_, number)| !number.is_nan() && ibm::encode(**number).is_none());
            found.extend(outside.map(|(row, number)| {
                let right = "XPORT holds numbers of a size from 5.4E-79 to 7.2E75";
                Misfit::whole(table.name(), number.to_string(), right).at_row(row + 1).at_column(&column.name)
            }));
        }
    }
    if found.is_empty() {
        found.extend(blank_end(table));
    }
    found
}

fn bad_column(table: &str, column: &Column) -> Vec<Misfit> {
    let format = column.format.as_deref().filter(|format| Shown::parse(format).is_none());
    let format = format.map(|format| {
        (format!("the format {format:?}"), "a SAS format is a name of at most 8, a width and a point".into())
    });
    let name = bad_name(&column.name).map(|(what, right)| (format!("the name {what}"), right));
    let label =
        bad_text(&column.label, LONGEST_LABEL).map(|(what, right)| (format!("the label {what}"), right));
    let found = [name, label, format].into_iter().flatten();
    found.map(|(found, right)| Misfit::whole(table, found, right).at_column(&column.name)).collect()
}

/// Each text that does not fit, at its first row.
fn bad_words(table: &Table, place: usize, found: &mut Vec<Misfit>) {
    for (word, code) in table.words(place).zip(1_u32..) {
        if let Some((what, right)) = bad_text(word, LONGEST_TEXT) {
            // A word that was replaced in its row stands nowhere.
            if let Some(row) = table.codes(place).iter().position(|known| *known == code) {
                let misfit = Misfit::whole(table.name(), what, right);
                found.push(misfit.at_row(row + 1).at_column(&table.columns()[place].name));
            }
        }
    }
}

fn bad_name(name: &str) -> Option<(String, String)> {
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let sound = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    (!first || !sound || name.len() > LONGEST_NAME).then(|| {
        let right = "a name in XPORT is at most 8 of A to Z, 0 to 9 and _, and begins with no digit";
        (format!("{name:?}"), right.to_owned())
    })
}

fn bad_text(text: &str, longest: usize) -> Option<(String, String)> {
    let shown = |from: usize| text.chars().skip(from).take(20).collect::<String>();
    if let Some(strange) = text.chars().find(|c| !c.is_ascii()) {
        let around = text.chars().position(|c| c == strange).unwrap_or(0).saturating_sub(10);
        let right = "XPORT holds ASCII only: write it otherwise, or use Dataset-JSON, Parquet or CSV";
        return Some((format!("{strange:?} in {:?}", shown(around)), right.to_owned()));
    }
    (text.len() > longest).then(|| {
        let right = format!("XPORT holds at most {longest}: shorten it, or split it into a supplement");
        (format!("{} bytes ({:?} ...)", text.len(), shown(0)), right)
    })
}

/// Rows shorter than a record that end in nothing but blanks cannot be told from the blanks that fill the last record.
fn blank_end(table: &Table) -> Option<Misfit> {
    let last = table.len().checked_sub(1)?;
    let blank = |(column, cell): (&Column, Cell<'_>)| match cell {
        Cell::Missing => column.kind.is_text(),
        Cell::Text(_) => false,
        // One number, of the size of 1E-39, is eight blanks.
        Cell::Number(number) => ibm::encode(number) == Some([b' '; 8]),
    };
    (row_bytes(table) < RECORD && table.columns().iter().zip(table.row(last)).all(blank)).then(|| {
        let right =
            "XPORT cannot tell a last row of missing texts alone from the end of the file: leave it out";
        Misfit::whole(table.name(), "nothing", right).at_row(last + 1)
    })
}

fn row_bytes(table: &Table) -> usize {
    (0..table.columns().len()).map(|place| table.width(place)).sum()
}

/// Writes a data set. Errors: the first of `misfits`, before any byte is written; the writer's own.
pub fn write(table: &Table, about: &About, to: impl Write) -> Result<(), WriteError> {
    if let Some(misfit) = misfits(table).into_iter().next() {
        return Err(misfit.into());
    }
    let mut to = Records { to: BufWriter::with_capacity(1 << 16, to), written: 0 };
    let (created, modified) = (stamp(about.created), stamp(about.modified.unwrap_or(about.created)));
    to.header(MAGIC, "000000000000000000000000000000")?;
    to.fields(&[("SAS", 8), ("SAS", 8), ("SASLIB", 8), ("9.4", 8), ("", 8), ("", 24), (&created, 16)])?;
    to.fields(&[(&modified, 16), ("", 64)])?;
    to.header(MEMBER, "000000000000000001600000000140")?;
    to.header(DESCRIPTOR, "000000000000000000000000000000")?;
    let name = table.name();
    to.fields(&[("SAS", 8), (name, 8), ("SASDATA", 8), ("9.4", 8), ("", 8), ("", 24), (&created, 16)])?;
    to.fields(&[(&modified, 16), ("", 16), (table.label(), 40), ("", 8)])?;
    to.header(NAMESTR, &format!("000000{:04}00000000000000000000", table.columns().len()))?;
    let mut position = 0;
    for (place, column) in table.columns().iter().enumerate() {
        let width = table.width(place);
        to.namestr(column, place, width, position)?;
        position += width;
    }
    to.fill()?;
    to.header(OBSERVATIONS, "000000000000000000000000000000")?;
    rows(table, &mut to)?;
    to.fill()?;
    Ok(to.to.flush()?)
}

fn rows(table: &Table, to: &mut Records<impl Write>) -> io::Result<()> {
    let words: Vec<Vec<&str>> =
        (0..table.columns().len()).map(|place| table.words(place).collect()).collect();
    let mut bytes = Vec::with_capacity(row_bytes(table));
    for row in 0..table.len() {
        bytes.clear();
        for (place, column) in table.columns().iter().enumerate() {
            if column.kind.is_text() {
                let code = table.codes(place)[row] as usize;
                let word = code.checked_sub(1).map_or("", |code| words[place][code]);
                bytes.extend_from_slice(word.as_bytes());
                bytes.resize(bytes.len() + table.width(place) - word.len(), b' ');
            } else {
                // NaN is missing, and every other number was tried.
                bytes.extend(ibm::encode(table.numbers(place)[row]).unwrap_or(ibm::missing()));
            }
        }
        to.put(&bytes)?;
    }
    Ok(())
}

/// `21NOV26:14:05:59`.
fn stamp(at: DateTime) -> String {
    const MONTHS: [&str; 12] =
        ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    let month = MONTHS[usize::from(at.month().unsigned_abs()).clamp(1, 12) - 1];
    let year = at.year().rem_euclid(100);
    format!("{:02}{month}{year:02}:{:02}:{:02}:{:02}", at.day(), at.hour(), at.minute(), at.second())
}

/// Records of 80 bytes.
struct Records<W: Write> {
    to: BufWriter<W>,
    written: usize,
}

impl<W: Write> Records<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len();
        self.to.write_all(bytes)
    }

    fn fields(&mut self, fields: &[(&str, usize)]) -> io::Result<()> {
        fields.iter().try_for_each(|(text, width)| self.put(format!("{text:<width$}").as_bytes()))
    }

    fn header(&mut self, kind: &[u8], numbers: &str) -> io::Result<()> {
        self.put(kind)?;
        self.fields(&[(numbers, 32)])
    }

    /// The description of a variable, field by field as TS-140 lists them.
    fn namestr(&mut self, column: &Column, place: usize, width: usize, position: usize) -> io::Result<()> {
        let short = |n: usize| u16::try_from(n).unwrap_or_default().to_be_bytes();
        let shown = column.format.as_deref().and_then(Shown::parse);
        let shown = shown.unwrap_or(Shown { name: String::new(), width: 0, decimals: 0 });
        let text = column.kind.is_text();
        self.put(&short(if text { 2 } else { 1 }))?;
        self.put(&short(0))?;
        self.put(&short(width))?;
        self.put(&short(place + 1))?;
        self.fields(&[(&column.name, 8), (&column.label, 40), (&shown.name, 8)])?;
        self.put(&shown.width.to_be_bytes())?;
        self.put(&shown.decimals.to_be_bytes())?;
        // Numbers stand to the right.
        self.put(&short(usize::from(!text)))?;
        self.put(&[0; 2])?;
        self.fields(&[("", 8)])?;
        self.put(&[0; 4])?;
        self.put(&u32::try_from(position).unwrap_or_default().to_be_bytes())?;
        self.put(&[0; 52])
    }

    fn fill(&mut self) -> io::Result<()> {
        let open = self.written.next_multiple_of(RECORD) - self.written;
        self.put(&b" ".repeat(open))
    }
}

/// Reads every data set of a file. A number missing for a reason of its own (`.A` to `.Z`, `._`) is read as missing.
pub fn read(bytes: &[u8], file: &str) -> Result<Vec<Table>, Misfit> {
    let mut from = Reader { bytes, at: 0, file };
    if bytes.starts_with(VERSION_8) {
        let right = "write version 5 (in SAS: the XPORT engine, or PROC CPORT's successor %LOC2XPT with v5)";
        return Err(Misfit::whole(file, "XPORT of version 8", right));
    }
    from.header(MAGIC, "LIBRARY")?;
    from.take(2 * RECORD, "the library's dates")?;
    let mut tables = Vec::new();
    while !from.bytes[from.at..].iter().all(|byte| *byte == b' ') || tables.is_empty() {
        tables.push(from.member()?);
    }
    Ok(tables)
}

/// A variable as its NAMESTR describes it.
struct Variable {
    column: Column,
    from: usize,
    length: usize,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    file: &'a str,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize, what: &str) -> Result<&'a [u8], Misfit> {
        let taken = self.bytes.get(self.at..self.at.saturating_add(length));
        self.at = self.at.saturating_add(length);
        taken.ok_or_else(|| {
            let found = format!("the end of the file, at byte {}", self.bytes.len());
            Misfit::whole(self.file, found, format!("{what} would reach to byte {}", self.at))
        })
    }

    /// Takes a header record of a kind, and gives the 32 bytes after its name.
    fn header(&mut self, kind: &[u8], name: &str) -> Result<&'a [u8], Misfit> {
        let at = self.at;
        let record = self.take(RECORD, &format!("the {name} header"))?;
        record.strip_prefix(kind).ok_or_else(|| {
            let found: String = String::from_utf8_lossy(&record[..20]).into_owned();
            Misfit::whole(
                self.file,
                format!("{found:?} at byte {at}"),
                format!("the {name} header stands here"),
            )
        })
    }

    fn member(&mut self) -> Result<Table, Misfit> {
        let sizes = self.header(MEMBER, "MEMBER")?;
        // Older machines (VAX) wrote 136 bytes a variable.
        let namestr_bytes = digits(&sizes[26..30]).filter(|size| [136, NAMESTR_BYTES].contains(size));
        let Some(namestr_bytes) = namestr_bytes else {
            let found = format!("{:?} for the size of a variable", String::from_utf8_lossy(&sizes[26..30]));
            return Err(Misfit::whole(self.file, found, "it is 140, or 136 from a VAX"));
        };
        self.header(DESCRIPTOR, "DSCRPTR")?;
        let named = self.take(RECORD, "the data set's name")?;
        let name = self.text(&named[8..16], "the data set's name")?;
        let labelled = self.take(RECORD, "the data set's label")?;
        let label = self.text(&labelled[32..72], "the data set's label")?;
        let count = self.header(NAMESTR, "NAMESTR")?;
        let Some(count) = digits(&count[6..10]).filter(|count| *count > 0) else {
            let found = format!("{:?} for the number of variables", String::from_utf8_lossy(&count[6..10]));
            return Err(Misfit::whole(self.file, found, "a data set has 1 to 9999"));
        };
        let described = self.take((count * namestr_bytes).next_multiple_of(RECORD), "the variables")?;
        let variables = described.chunks_exact(namestr_bytes).take(count);
        let variables: Vec<Variable> =
            variables.map(|bytes| self.variable(bytes)).collect::<Result<_, _>>()?;
        self.header(OBSERVATIONS, "OBS")?;
        let data = self.data();
        if !data.len().is_multiple_of(RECORD) {
            let found = format!("a last record of {} bytes", data.len() % RECORD);
            return Err(Misfit::whole(self.file, found, "a record has 80 bytes: the file was cut"));
        }
        self.table(&name, &label, &variables, data)
    }

    /// The bytes up to the next data set or the end.
    fn data(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        let records = rest.chunks(RECORD).position(|record| record.starts_with(MEMBER));
        let data = records.map_or(rest, |records| &rest[..records * RECORD]);
        self.at += data.len();
        data
    }

    fn text(&self, bytes: &[u8], what: &str) -> Result<String, Misfit> {
        // Some writers fill with zeros.
        let bytes = bytes.trim_ascii_end();
        let end = bytes.iter().rposition(|byte| *byte != 0 && *byte != b' ').map_or(0, |last| last + 1);
        let text = std::str::from_utf8(&bytes[..end]).map_err(|_| {
            let found = format!("{:?} for {what}", String::from_utf8_lossy(bytes));
            Misfit::whole(self.file, found, "write the file in ASCII or UTF-8")
        })?;
        Ok(text.to_owned())
    }

    fn variable(&self, bytes: &[u8]) -> Result<Variable, Misfit> {
        let short = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        let name = self.text(&bytes[8..16], "a variable's name")?.to_ascii_uppercase();
        let label = self.text(&bytes[16..56], "a variable's label")?;
        let (kind, length) = (short(0), short(4));
        let wrong = |found: String, right: &str| Misfit::whole(self.file, found, right).at_column(&name);
        let format = Shown {
            name: self.text(&bytes[56..64], "a variable's format")?.to_ascii_uppercase(),
            width: u16::from_be_bytes([bytes[64], bytes[65]]),
            decimals: u16::from_be_bytes([bytes[66], bytes[67]]),
        };
        let kind = match (kind, length) {
            (1, 2..=8) => format.kind().unwrap_or(Kind::Number),
            (2, 1..) => Kind::Text { length: u16::try_from(length).unwrap_or(u16::MAX) },
            (1, _) => return Err(wrong(format!("a number of {length} bytes"), "a number has 2 to 8")),
            (2, _) => return Err(wrong("a text of no bytes".into(), "a text has at least one")),
            (kind, _) => return Err(wrong(format!("type {kind}"), "1 is a number, 2 a text")),
        };
        let from = u32::from_be_bytes([bytes[84], bytes[85], bytes[86], bytes[87]]) as usize;
        let mut column = Column::new(&name, &label, kind);
        column.format = Some(format.text()).filter(|text| text != ".");
        Ok(Variable { column, from, length })
    }

    fn table(&self, name: &str, label: &str, variables: &[Variable], data: &[u8]) -> Result<Table, Misfit> {
        // Positions follow one another in every file SAS writes; one that says otherwise would be read as nonsense.
        let mut width = 0;
        for variable in variables {
            if variable.from != width {
                let misfit =
                    Misfit::whole(self.file, format!("position {}", variable.from), format!("it is {width}"));
                return Err(misfit.at_column(&variable.column.name));
            }
            width += variable.length;
        }
        let rows = data.len() / width;
        let rest = &data[rows * width..];
        if rest.len() >= RECORD || rest.iter().any(|byte| *byte != b' ') {
            let found = format!("{} bytes after the last whole row", rest.len());
            let right = format!("a row has {width} bytes, and blanks fill the last record");
            return Err(Misfit::whole(self.file, found, right).at_row(rows + 1));
        }
        let rows = rows - blank_rows(data, rows, width);
        let columns = variables.iter().map(|variable| column_of(variable, &data[..rows * width], width));
        let mut table = Table::new(name, label, columns.collect())
            .map_err(|misfit| Misfit { table: self.file.to_owned(), ..misfit })?;
        for (index, row) in data.chunks_exact(width).take(rows).enumerate() {
            let cells: Vec<Cell<'_>> =
                variables.iter().map(|v| self.cell(v, index, row)).collect::<Result<_, _>>()?;
            table.push(cells).map_err(|misfit| Misfit { table: self.file.to_owned(), ..misfit })?;
        }
        Ok(table)
    }

    fn cell<'r>(&self, variable: &Variable, index: usize, row: &'r [u8]) -> Result<Cell<'r>, Misfit> {
        let bytes = &row[variable.from..][..variable.length];
        if !variable.column.kind.is_text() {
            return Ok(ibm::decode(bytes).map_or(Cell::Missing, Cell::Number));
        }
        // Blanks fill a text, some writers fill with zeros.
        let end = bytes.iter().rposition(|byte| *byte != 0 && *byte != b' ').map_or(0, |last| last + 1);
        match std::str::from_utf8(&bytes[..end]) {
            Ok("") => Ok(Cell::Missing),
            Ok(text) => Ok(Cell::Text(text)),
            Err(_) => {
                let misfit = Misfit::whole(
                    self.file,
                    format!("{:?}", String::from_utf8_lossy(&bytes[..end])),
                    "write the file in ASCII or UTF-8",
                );
                Err(misfit.at_row(index + 1).at_column(&variable.column.name))
            }
        }
    }
}

/// A column shown as a date holds days only if all its numbers are some; else it holds numbers.
fn column_of(variable: &Variable, data: &[u8], width: usize) -> Column {
    let mut column = variable.column.clone();
    let sound: fn(f64) -> bool = match column.kind {
        Kind::Day => |days| date_of_sas(days).is_some(),
        Kind::Moment => |seconds| moment_of_sas(seconds).is_some(),
        _ => return column,
    };
    let numbers = data.chunks_exact(width);
    let mut numbers = numbers.filter_map(|row| ibm::decode(&row[variable.from..][..variable.length]));
    if !numbers.all(sound) {
        column.kind = Kind::Number;
    }
    column
}

/// How many of the last rows are only the blanks that fill the last record.
fn blank_rows(data: &[u8], rows: usize, width: usize) -> usize {
    let blank = |row: usize| data[row * width..][..width].iter().all(|byte| *byte == b' ');
    let fill = data.len() % width;
    (1..=rows).take_while(|back| back * width + fill < RECORD && blank(rows - back)).count()
}

fn digits(bytes: &[u8]) -> Option<usize> {
    std::str::from_utf8(bytes).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("DATE9.", "DATE", 9, 0)]
    #[case("E8601DT19.", "E8601DT", 19, 0)]
    #[case("8.2", "", 8, 2)]
    #[case("$20.", "$", 20, 0)]
    #[case("BEST12.", "BEST", 12, 0)]
    fn reads_formats(#[case] text: &str, #[case] name: &str, #[case] width: u16, #[case] decimals: u16) {
        let shown = Shown::parse(text).unwrap();
        assert_eq!(shown, Shown { name: name.into(), width, decimals });
        assert_eq!(shown.text(), text);
    }

    #[rstest]
    #[case("")]
    #[case(".")]
    #[case("DATE9.x")]
    #[case("VERYLONGNAME9.")]
    #[case("A B.")]
    fn refuses_formats(#[case] text: &str) {
        assert_eq!(Shown::parse(text), None);
    }

    #[test]
    fn splits_between_words() {
        let text = "word ".repeat(90);
        let pieces = split(&text);
        assert!(pieces.iter().all(|piece| piece.len() <= 200 && piece.ends_with("word")));
        assert_eq!(pieces.join(" "), text.trim_end());
        let whole = "x".repeat(450);
        assert_eq!(split(&whole).iter().map(|piece| piece.len()).collect::<Vec<_>>(), [200, 200, 50]);
        let accents = "é".repeat(150);
        assert_eq!(split(&accents).concat(), accents);
        assert_eq!(split("short"), ["short"]);
        let exact = format!("{} {}", "a".repeat(200), "b".repeat(10));
        assert_eq!(split(&exact), ["a".repeat(200), "b".repeat(10)]);
    }
}
