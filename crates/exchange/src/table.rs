//! A data set as a table of typed columns: what is handed to the writers of `format`, and what its readers give.
//!
//! Never knows a standard (SDTM, `ADaM`) or a file; it derives nothing and cuts nothing. Cells lie by column: a number as eight
//! bytes, a text as a four-byte code into the column's own words, so that 600,000 rows of 25 columns fit in 100 MB.

use std::cmp::Ordering;
use std::fmt;

use indexmap::IndexSet;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

/// The first day of SAS: a SAS date counts days from here, a SAS date-time seconds.
pub const SAS_EPOCH: Date = Date::constant(1960, 1, 1);
/// The seconds of a day.
const DAY: f64 = 86_400.0;

/// What keeps a row from standing in a table, or a table from standing in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Misfit {
    /// The data set; the file where it is not known yet.
    pub table: String,
    /// The row, counted from 1; none where no row is meant.
    pub row: Option<usize>,
    /// The column; none where the row or the data set as a whole is meant.
    pub column: Option<String>,
    /// What was found.
    pub found: String,
    /// What would be right.
    pub right: String,
}

impl Misfit {
    /// A misfit of a data set or a file as a whole.
    pub fn whole(table: &str, found: impl Into<String>, right: impl Into<String>) -> Self {
        Self { table: table.to_owned(), row: None, column: None, found: found.into(), right: right.into() }
    }

    /// The same, of a row counted from 1.
    #[must_use]
    pub fn at_row(self, row: usize) -> Self {
        Self { row: Some(row), ..self }
    }

    /// The same, of a column.
    #[must_use]
    pub fn at_column(self, column: &str) -> Self {
        Self { column: Some(column.to_owned()), ..self }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.table)?;
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": found {}; {}", self.found, self.right)
    }
}

impl std::error::Error for Misfit {}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Text of at most `length` bytes.
    Text {
        /// The longest that may stand here, in bytes of UTF-8.
        length: u16,
    },
    /// A number with a fraction.
    Number,
    /// A whole number, as far as a double holds each of them: below 2^53.
    Integer,
    /// A date as ISO 8601 text, as far as it is known (`2024-03`): SDTM's `--DTC`.
    Date,
    /// A date and a time as ISO 8601 text, as far as known.
    DateTime,
    /// A whole day as a SAS date, the number of days from 1 January 1960: `ADaM`'s `*DT`.
    Day,
    /// A moment as a SAS date-time, the number of seconds from 1 January 1960, 00:00: `ADaM`'s `*DTM`.
    Moment,
}

impl Kind {
    /// Whether cells are texts; numbers otherwise.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Text { .. } | Self::Date | Self::DateTime)
    }
}

/// A column and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// `AESTDTC`.
    pub name: String,
    /// `Start Date/Time of Adverse Event`.
    pub label: String,
    /// What it holds.
    pub kind: Kind,
    /// How SAS shows it: `DATE9.`, `8.2`, `$20.`; none where by its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Digits after the decimal point that mean something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digits: Option<u8>,
    /// Its place among the keys, from 1; none where it is no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<u16>,
    /// Whether every row must have a value.
    #[serde(default)]
    pub mandatory: bool,
}

impl Column {
    /// A column of a kind, with nothing else said of it.
    pub fn new(name: &str, label: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind,
            format: None,
            digits: None,
            key: None,
            mandatory: false,
        }
    }

    /// Text of at most `length` bytes.
    pub fn text(name: &str, label: &str, length: u16) -> Self {
        Self::new(name, label, Kind::Text { length })
    }

    /// A number with a fraction.
    pub fn number(name: &str, label: &str) -> Self {
        Self::new(name, label, Kind::Number)
    }

    /// A whole number.
    pub fn integer(name: &str, label: &str) -> Self {
        Self::new(name, label, Kind::Integer)
    }

    /// A date as ISO 8601 text.
    pub fn date(name: &str, label: &str) -> Self {
        Self::new(name, label, Kind::Date)
    }

    /// A date and time as ISO 8601 text.
    pub fn datetime(name: &str, label: &str) -> Self {
        Self::new(name, label, Kind::DateTime)
    }

    /// A SAS date shown as `DATE9.`.
    pub fn day(name: &str, label: &str) -> Self {
        Self::new(name, label, Kind::Day).format("DATE9.")
    }

    /// A SAS date-time shown as `E8601DT19.`.
    pub fn moment(name: &str, label: &str) -> Self {
        Self::new(name, label, Kind::Moment).format("E8601DT19.")
    }

    /// The same, shown by a SAS format.
    #[must_use]
    pub fn format(self, format: &str) -> Self {
        Self { format: Some(format.to_owned()), ..self }
    }

    /// The same with its number of meaningful decimals.
    #[must_use]
    pub fn digits(self, digits: u8) -> Self {
        Self { digits: Some(digits), ..self }
    }

    /// The same as the key of this rank, from 1.
    #[must_use]
    pub fn key(self, rank: u16) -> Self {
        Self { key: Some(rank), ..self }
    }

    /// The same as one that every row must fill.
    #[must_use]
    pub fn mandatory(self) -> Self {
        Self { mandatory: true, ..self }
    }
}

/// A cell. Blanks at the end of a text are no part of it (as in SAS), and a text without anything else is missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Missing,
    /// A text, never empty when read from a table.
    Text(&'a str),
    /// A finite number. A day and a moment are their SAS numbers.
    Number(f64),
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Cell<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Cell<'_> {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

macro_rules! from_whole {
    ($number:ident => $f64:expr; $($whole:ty),*) => {$(
        impl From<$whole> for Cell<'_> {
            fn from($number: $whole) -> Self {
                Self::Number($f64)
            }
        }
    )*};
}
from_whole!(number => f64::from(number); i16, i32, u8, u16, u32);
from_whole!(number => number as f64; i64, u64, usize);

impl From<Date> for Cell<'_> {
    fn from(day: Date) -> Self {
        Self::Number(sas_date(day))
    }
}

impl From<DateTime> for Cell<'_> {
    fn from(moment: DateTime) -> Self {
        Self::Number(sas_moment(moment))
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(cell: Option<T>) -> Self {
        cell.map_or(Self::Missing, Into::into)
    }
}

/// The days of a date from 1 January 1960.
pub fn sas_date(day: Date) -> f64 {
    trial::date::days_between(SAS_EPOCH, day) as f64
}

/// The date of a SAS date; none where it is no whole day of the years 1582 (where SAS begins) to 3999 (SAS takes 4000 for no leap year).
pub fn date_of_sas(days: f64) -> Option<Date> {
    if days.fract() != 0.0 || !(-138_061.0..=745_094.0).contains(&days) {
        return None;
    }
    #[allow(clippy::cast_possible_truncation)] // within three million
    SAS_EPOCH.checked_add(jiff::Span::new().days(days as i64)).ok()
}

/// The moment of a SAS date-time; none where it is no whole second of the years 1582 to 3999.
pub fn moment_of_sas(seconds: f64) -> Option<DateTime> {
    let days = (seconds / DAY).floor();
    let day = date_of_sas(days)?;
    let within = seconds - days * DAY;
    if within.fract() != 0.0 {
        return None;
    }
    #[allow(clippy::cast_possible_truncation)] // within a day
    day.at(0, 0, 0, 0).checked_add(jiff::Span::new().seconds(within as i64)).ok()
}

/// The seconds of a moment from 1 January 1960, 00:00, without its fraction of a second.
pub fn sas_moment(moment: DateTime) -> f64 {
    let (hour, minute, second) = (moment.hour(), moment.minute(), moment.second());
    sas_date(moment.date()) * DAY + (f64::from(hour) * 60.0 + f64::from(minute)) * 60.0 + f64::from(second)
}

/// The texts of a column: each once, and by number. Number 0 is the missing text.
#[derive(Clone, Debug, Default)]
struct Words {
    codes: Vec<u32>,
    known: IndexSet<Box<str>>,
    longest: usize,
    /// How many words the rows that count have; a row given up takes its own with it.
    kept: usize,
}

impl Words {
    fn text(&self, code: u32) -> Option<&str> {
        let place = (code as usize).checked_sub(1)?;
        self.known.get_index(place).map(|word| &**word)
    }

    /// The code of a text; none where 2^32 - 2 different ones are there already.
    fn code(&mut self, text: &str) -> Option<u32> {
        if text.is_empty() {
            return Some(0);
        }
        // Sorted data say the same again and again; comparing is cheaper than hashing.
        if let Some(last) = self.codes.len().checked_sub(2).map(|place| self.codes[place])
            && self.text(last) == Some(text)
        {
            return Some(last);
        }
        let place = if let Some(place) = self.known.get_index_of(text) {
            place
        } else {
            self.longest = self.longest.max(text.len());
            self.known.insert_full(text.into()).0
        };
        u32::try_from(place + 1).ok()
    }
}

#[derive(Clone, Debug)]
enum Cells {
    Text(Words),
    /// NaN is missing; nothing else is not finite.
    Number(Vec<f64>),
}

impl Cells {
    fn of(kind: Kind) -> Self {
        if kind.is_text() { Self::Text(Words::default()) } else { Self::Number(Vec::new()) }
    }

    fn push_missing(&mut self) {
        match self {
            Self::Text(words) => words.codes.push(0),
            Self::Number(numbers) => numbers.push(f64::NAN),
        }
    }

    fn truncate(&mut self, rows: usize) {
        match self {
            Self::Text(words) => {
                words.codes.truncate(rows);
                if words.known.len() > words.kept {
                    words.known.truncate(words.kept);
                    words.longest = words.known.iter().map(|word| word.len()).max().unwrap_or(0);
                }
            }
            Self::Number(numbers) => numbers.truncate(rows),
        }
    }

    fn keep(&mut self) {
        if let Self::Text(words) = self {
            words.kept = words.known.len();
        }
    }

    fn get(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Text(words) => {
                words.codes.get(row).and_then(|code| words.text(*code)).map_or(Cell::Missing, Cell::Text)
            }
            Self::Number(numbers) => {
                numbers.get(row).filter(|number| !number.is_nan()).map_or(Cell::Missing, |n| Cell::Number(*n))
            }
        }
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            Self::Text(words) if words.codes[a] == words.codes[b] => Ordering::Equal,
            Self::Text(words) => words.text(words.codes[a]).cmp(&words.text(words.codes[b])),
            // Missing comes first, as in SAS.
            Self::Number(numbers) => match (numbers[a].is_nan(), numbers[b].is_nan()) {
                (false, false) => numbers[a].total_cmp(&numbers[b]),
                (a, b) => b.cmp(&a),
            },
        }
    }

    fn reorder(&mut self, order: &[usize]) {
        match self {
            Self::Text(words) => words.codes = order.iter().map(|row| words.codes[*row]).collect(),
            Self::Number(numbers) => *numbers = order.iter().map(|row| numbers[*row]).collect(),
        }
    }
}

/// A data set.
#[derive(Clone, Debug)]
pub struct Table {
    name: String,
    label: String,
    columns: Vec<Column>,
    cells: Vec<Cells>,
    rows: usize,
}

impl Table {
    /// An empty data set. Errors: a column without a name, or two of one name.
    pub fn new(name: &str, label: &str, columns: Vec<Column>) -> Result<Self, Misfit> {
        let mut names = IndexSet::new();
        for column in &columns {
            if column.name.is_empty() {
                return Err(Misfit::whole(name, "a column without a name", "name every column"));
            }
            if !names.insert(column.name.as_str()) {
                let misfit = Misfit::whole(name, "the column twice", "a column stands once");
                return Err(misfit.at_column(&column.name));
            }
        }
        let cells = columns.iter().map(|column| Cells::of(column.kind)).collect();
        Ok(Self { name: name.to_owned(), label: label.to_owned(), columns, cells, rows: 0 })
    }

    /// `AE`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `Adverse Events`.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The place of a column.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// How many rows there are.
    pub const fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The cell of a row (from 0) and a column (from 0); missing where there is none.
    pub fn get(&self, row: usize, column: usize) -> Cell<'_> {
        self.cells.get(column).map_or(Cell::Missing, |cells| cells.get(row))
    }

    /// The cells of a row (from 0), in the order of the columns.
    pub fn row(&self, row: usize) -> impl Iterator<Item = Cell<'_>> {
        self.cells.iter().map(move |cells| cells.get(row))
    }

    /// The cells of a column (from 0), in the order of the rows.
    pub fn column(&self, column: usize) -> impl Iterator<Item = Cell<'_>> {
        (0..self.rows).map(move |row| self.get(row, column))
    }

    /// The longest text of a column in bytes, at least 1; 8 for numbers. What Define-XML calls the length, and what XPORT
    /// reserves.
    pub fn width(&self, column: usize) -> usize {
        match self.cells.get(column) {
            Some(Cells::Text(words)) => words.longest.max(1),
            _ => 8,
        }
    }

    /// The different texts of a column, in the order they first came; none for numbers.
    pub fn words(&self, column: usize) -> impl Iterator<Item = &str> {
        let words = match self.cells.get(column) {
            Some(Cells::Text(words)) => Some(&words.known),
            _ => None,
        };
        words.into_iter().flatten().map(|word| &**word)
    }

    /// For each row the number of its text among `words`, from 1, 0 where missing; empty for numbers.
    pub(crate) fn codes(&self, column: usize) -> &[u32] {
        match self.cells.get(column) {
            Some(Cells::Text(words)) => &words.codes,
            _ => &[],
        }
    }

    /// The numbers of a column, NaN where missing; empty for texts.
    pub(crate) fn numbers(&self, column: usize) -> &[f64] {
        match self.cells.get(column) {
            Some(Cells::Number(numbers)) => numbers,
            _ => &[],
        }
    }

    /// Begins a row, every cell of it missing; it counts once `end` is called, and leaves nothing behind otherwise.
    pub fn begin(&mut self) -> Row<'_> {
        self.cells.iter_mut().for_each(Cells::push_missing);
        Row { table: self, next: 0, ended: false }
    }

    /// Adds a row of cells in the order of the columns. Errors: another number of cells, a cell its column cannot hold; then
    /// the table is as before.
    pub fn push<'a>(&mut self, cells: impl IntoIterator<Item = Cell<'a>>) -> Result<(), Misfit> {
        let columns = self.columns.len();
        let mut row = self.begin();
        let mut place = 0;
        for cell in cells {
            if place < columns {
                row.put(place, cell)?;
            }
            place += 1;
        }
        if place != columns {
            return Err(row.misfit(format!("{place} cells"), format!("the data set has {columns} columns")));
        }
        row.end()
    }

    /// The columns that are keys, by rank.
    pub fn keys(&self) -> Vec<usize> {
        let mut keys: Vec<usize> =
            (0..self.columns.len()).filter(|c| self.columns[*c].key.is_some()).collect();
        keys.sort_by_key(|column| self.columns[*column].key);
        keys
    }

    /// Sorts the rows by the keys: texts by their bytes, numbers by size, missing first; rows of equal keys keep their order.
    pub fn sort_by_keys(&mut self) {
        let keys = self.keys();
        let mut order: Vec<usize> = (0..self.rows).collect();
        order.sort_by(|a, b| {
            keys.iter()
                .map(|key| self.cells[*key].compare(*a, *b))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        self.cells.iter_mut().for_each(|cells| cells.reorder(&order));
    }

    /// Drops the columns that `keep` does not want, asked in their order.
    pub fn retain_columns(&mut self, mut keep: impl FnMut(&Column) -> bool) {
        let kept: Vec<bool> = self.columns.iter().map(&mut keep).collect();
        let mut columns = kept.iter();
        self.columns.retain(|_| columns.next().copied().unwrap_or(true));
        let mut cells = kept.iter();
        self.cells.retain(|_| cells.next().copied().unwrap_or(true));
    }
}

/// The same name, label, columns and cells.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.label == other.label
            && self.columns == other.columns
            && self.rows == other.rows
            && (0..self.rows).all(|row| self.row(row).eq(other.row(row)))
    }
}

/// A row on its way into a table.
pub struct Row<'t> {
    table: &'t mut Table,
    next: usize,
    ended: bool,
}

impl Row<'_> {
    /// Fills the cell of the column `name`; the fastest in the order of the columns. Errors: no such column, a cell the
    /// column cannot hold.
    pub fn set<'a>(&mut self, name: &str, cell: impl Into<Cell<'a>>) -> Result<&mut Self, Misfit> {
        let columns = &self.table.columns;
        let here = columns.get(self.next).filter(|column| column.name == name).map(|_| self.next);
        let Some(place) = here.or_else(|| self.table.place(name)) else {
            return Err(self.misfit("no such column", "name a column of the data set").at_column(name));
        };
        self.put(place, cell.into())?;
        self.next = place + 1;
        Ok(self)
    }

    /// Fills the cell of the column at `place`, from 0. Errors: no such column, a cell the column cannot hold.
    pub fn put(&mut self, place: usize, cell: Cell<'_>) -> Result<(), Misfit> {
        let row = self.table.rows;
        let Some(column) = self.table.columns.get(place) else {
            return Err(self.misfit(format!("a cell in column {}", place + 1), "there is no such column"));
        };
        let kind = column.kind;
        let wrong = match (cell, &mut self.table.cells[place]) {
            (Cell::Text(text), Cells::Text(words)) => {
                let text = text.trim_end_matches(' ');
                match too_long(kind, text) {
                    Some(wrong) => Some(wrong),
                    None => match words.code(text) {
                        Some(code) => {
                            words.codes[row] = code;
                            None
                        }
                        None => Some(("one more different text".into(), "there is no room for it".into())),
                    },
                }
            }
            (Cell::Number(number), Cells::Number(numbers)) => {
                let wrong = unfit(kind, number);
                if wrong.is_none() {
                    // There is one zero.
                    numbers[row] = number + 0.0;
                }
                wrong
            }
            (Cell::Missing, Cells::Text(words)) => {
                words.codes[row] = 0;
                None
            }
            (Cell::Missing, Cells::Number(numbers)) => {
                numbers[row] = f64::NAN;
                None
            }
            (Cell::Text(text), Cells::Number(numbers)) => {
                // An empty text is missing wherever it stands.
                numbers[row] = f64::NAN;
                (!text.trim_end_matches(' ').is_empty())
                    .then(|| (format!("the text {text:?}"), "the column holds numbers".to_owned()))
            }
            (Cell::Number(number), Cells::Text(_)) => {
                Some((format!("the number {number}"), "the column holds texts".to_owned()))
            }
        };
        match wrong {
            None => Ok(()),
            Some((found, right)) => {
                let name = self.table.columns[place].name.clone();
                Err(self.misfit(found, right).at_column(&name))
            }
        }
    }

    /// Ends the row, which then stands in the table. Errors: a mandatory cell is missing; then the table is as before.
    pub fn end(mut self) -> Result<(), Misfit> {
        let row = self.table.rows;
        let open = self.table.columns.iter().zip(&self.table.cells);
        let open = open.filter(|(column, cells)| column.mandatory && cells.get(row) == Cell::Missing);
        if let Some(name) = open.map(|(column, _)| column.name.clone()).next() {
            return Err(self.misfit("nothing", "the column must be filled in every row").at_column(&name));
        }
        self.table.cells.iter_mut().for_each(Cells::keep);
        self.ended = true;
        self.table.rows += 1;
        Ok(())
    }

    fn misfit(&self, found: impl Into<String>, right: impl Into<String>) -> Misfit {
        Misfit::whole(&self.table.name, found, right).at_row(self.table.rows + 1)
    }
}

impl Drop for Row<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let rows = self.table.rows;
            self.table.cells.iter_mut().for_each(|cells| cells.truncate(rows));
        }
    }
}

fn too_long(kind: Kind, text: &str) -> Option<(String, String)> {
    let length = match kind {
        Kind::Text { length } => usize::from(length),
        _ => 64,
    };
    let shown = || text.chars().take(20).collect::<String>();
    (text.len() > length).then(|| {
        (format!("a text of {} bytes ({:?} ...)", text.len(), shown()), format!("at most {length} bytes"))
    })
}

fn unfit(kind: Kind, number: f64) -> Option<(String, String)> {
    const LARGEST: f64 = 9_007_199_254_740_991.0;
    let right = match kind {
        _ if !number.is_finite() => "a number is finite; leave the cell missing where there is none",
        Kind::Integer if number.fract() != 0.0 || number.abs() > LARGEST => {
            "the column holds whole numbers below 2^53"
        }
        Kind::Day if date_of_sas(number).is_none() => {
            "a day is a whole number of days, in the years 1582 to 3999"
        }
        Kind::Moment if moment_of_sas(number).is_none() => {
            "a moment is a whole number of seconds, in the years 1582 to 3999"
        }
        _ => return None,
    };
    Some((number.to_string(), right.to_owned()))
}
