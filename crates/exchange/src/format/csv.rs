//! Comma-separated values: a header of names, then a row a line, in UTF-8 with LF (RFC 4180 but for the line ends).
//!
//! Never knows a kind: labels, formats and keys are lost, and what is read without columns given is text. A day is written as ISO
//! 8601 (`2026-11-24`), a missing value as nothing.

use std::io::Write;

use super::{WriteError, number_text};
use crate::table::{Cell, Column, Kind, Misfit, Table, date_of_sas, moment_of_sas, sas_date, sas_moment};

/// Writes a data set.
pub fn write(table: &Table, to: impl Write) -> Result<(), WriteError> {
    let mut to = ::csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(to);
    to.write_record(table.columns().iter().map(|column| &column.name)).map_err(io)?;
    let words: Vec<Vec<&str>> =
        (0..table.columns().len()).map(|place| table.words(place).collect()).collect();
    let mut text = Vec::new();
    for row in 0..table.len() {
        for (place, column) in table.columns().iter().enumerate() {
            text.clear();
            if column.kind.is_text() {
                let code = table.codes(place)[row] as usize;
                to.write_field(code.checked_sub(1).map_or("", |code| words[place][code])).map_err(io)?;
            } else {
                number(column.kind, table.numbers(place)[row], &mut text);
                to.write_field(&text).map_err(io)?;
            }
        }
        to.write_record(None::<&[u8]>).map_err(io)?;
    }
    Ok(to.flush()?)
}

fn io(error: ::csv::Error) -> std::io::Error {
    error.into()
}

/// The text of a number of a kind: days and moments in ISO 8601; nothing for NaN.
pub(super) fn number(kind: Kind, number: f64, text: &mut Vec<u8>) {
    if number.is_nan() {
        return;
    }
    // To a Vec, writing cannot fail; the table took only days and moments that are some.
    let _ = match (kind, date_of_sas(number), moment_of_sas(number)) {
        (Kind::Day, Some(day), _) => write!(text, "{day}"),
        (Kind::Moment, _, Some(moment)) => write!(text, "{moment}"),
        _ => {
            number_text(number, text);
            Ok(())
        }
    };
}

/// The number of a text of a kind, the other way round; none where it is no such.
pub(super) fn number_of(kind: Kind, text: &str) -> Option<f64> {
    match kind {
        Kind::Day => text.parse().ok().map(sas_date),
        Kind::Moment => text.parse().ok().map(sas_moment),
        _ => text.parse().ok().filter(|number: &f64| number.is_finite()),
    }
}

/// The text of a cell as `write` writes it.
pub fn cell_text(kind: Kind, cell: Cell<'_>) -> String {
    match cell {
        Cell::Missing => String::new(),
        Cell::Text(text) => text.to_owned(),
        Cell::Number(it) => {
            let mut text = Vec::new();
            number(kind, it, &mut text);
            String::from_utf8_lossy(&text).into_owned()
        }
    }
}

/// Reads a data set of texts; its name is that of the file, in upper case.
pub fn read(bytes: &[u8], file: &str) -> Result<Table, Misfit> {
    read_as(bytes, file, |name| Column::text(name, "", u16::MAX))
}

/// Reads a data set whose columns are what `column` makes of their names.
pub fn read_as(bytes: &[u8], file: &str, column: impl Fn(&str) -> Column) -> Result<Table, Misfit> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(Misfit::whole(file, "UTF-16", "save the file as UTF-8"));
    }
    let mut from = ::csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
    let mut record = ::csv::ByteRecord::new();
    let mut next = |record: &mut ::csv::ByteRecord, row: usize| {
        from.read_byte_record(record).map_err(|wrong| {
            let found = match wrong.kind() {
                ::csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    return Misfit::whole(
                        file,
                        format!("{len} fields"),
                        format!("the header has {expected_len}"),
                    )
                    .at_row(row);
                }
                _ => wrong.to_string(),
            };
            Misfit::whole(file, found, "write a row of comma-separated values").at_row(row)
        })
    };
    if !next(&mut record, 0)? {
        return Err(Misfit::whole(file, "nothing", "a CSV file begins with a header of column names"));
    }
    let names = record.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned());
    let columns: Vec<Column> = names.map(|name| column(&name)).collect();
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem).to_ascii_uppercase();
    let of_file = |misfit: Misfit| Misfit { table: file.to_owned(), ..misfit };
    let mut table = Table::new(&stem, "", columns.clone()).map_err(of_file)?;
    let mut row = 1;
    while next(&mut record, row)? {
        let mut cells = table.begin();
        for (place, (column, bytes)) in columns.iter().zip(&record).enumerate() {
            let wrong = |found: String, right: &str| {
                Misfit::whole(file, found, right).at_row(row).at_column(&column.name)
            };
            let text = std::str::from_utf8(bytes)
                .map_err(|_| wrong("bytes that are no UTF-8".into(), "save the file as UTF-8"))?;
            let cell = match column.kind.is_text() {
                true => Cell::Text(text),
                false if text.is_empty() => Cell::Missing,
                false => Cell::Number(
                    number_of(column.kind, text)
                        .ok_or_else(|| wrong(format!("{text:?}"), "the column holds numbers"))?,
                ),
            };
            cells.put(place, cell).map_err(of_file)?;
        }
        cells.end().map_err(of_file)?;
        row += 1;
    }
    Ok(table)
}
