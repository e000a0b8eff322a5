//! CDISC Dataset-JSON 1.1, as one JSON object or one JSON value a line.
//!
//! Never holds a file's rows twice: they go into the table as they are parsed, if the columns stand before them as the standard
//! asks. Missing values are `null`; days and moments are ISO 8601 with `targetDataType` integer. The specification:
//! <https://github.com/cdisc-org/DataExchange-DatasetJson>, `doc/dataset-json1-1.md`; compressed files (`.dsjc`) are not read.

use std::borrow::Cow;
use std::fmt;
use std::io::{BufWriter, Write};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::csv::{number, number_of};
use super::{About, WriteError, number_text};
use crate::table::{Cell, Column, Kind, Misfit, Table};

/// The version written, and the only one read.
const VERSION: &str = "1.1.0";

/// The attributes of a data set, in the order the standard gives.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(rename = "datasetJSONCreationDateTime")]
    created: String,
    #[serde(rename = "datasetJSONVersion")]
    version: &'a str,
    #[serde(rename = "fileOID")]
    file_oid: String,
    #[serde(rename = "dbLastModifiedDateTime", skip_serializing_if = "Option::is_none")]
    modified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    originator: Option<&'a str>,
    source_system: System<'a>,
    #[serde(rename = "studyOID")]
    study: &'a str,
    #[serde(rename = "metaDataVersionOID", skip_serializing_if = "Option::is_none")]
    metadata_version: Option<&'a str>,
    #[serde(rename = "metaDataRef", skip_serializing_if = "Option::is_none")]
    metadata_file: Option<&'a str>,
    #[serde(rename = "itemGroupOID")]
    group: String,
    records: usize,
    name: &'a str,
    label: &'a str,
    columns: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct System<'a> {
    name: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    #[serde(rename = "itemOID")]
    oid: String,
    name: &'a str,
    label: &'a str,
    data_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_data_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_format: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_sequence: Option<u16>,
}

fn head<'a>(table: &'a Table, about: &'a About) -> Head<'a> {
    let name = table.name();
    let columns = table.columns().iter().enumerate().map(|(place, column)| {
        let (data_type, target_data_type) = match column.kind {
            Kind::Text { .. } => ("string", None),
            Kind::Number => ("float", None),
            Kind::Integer => ("integer", None),
            Kind::Date => ("date", None),
            Kind::DateTime => ("datetime", None),
            Kind::Day => ("date", Some("integer")),
            Kind::Moment => ("datetime", Some("integer")),
        };
        Item {
            oid: format!("IT.{name}.{}", column.name),
            name: &column.name,
            label: &column.label,
            data_type,
            target_data_type,
            length: matches!(column.kind, Kind::Text { .. }).then(|| table.width(place)),
            display_format: column.format.as_deref(),
            key_sequence: column.key,
        }
    });
    Head {
        created: format!("{}Z", about.created),
        version: VERSION,
        file_oid: format!("{}.{name}", about.study),
        modified: about.modified.map(|at| format!("{at}Z")),
        originator: about.originator.as_deref(),
        source_system: System { name: "Trialwright", version: env!("CARGO_PKG_VERSION") },
        study: &about.study,
        metadata_version: about.metadata_version.as_deref(),
        metadata_file: about.metadata_file.as_deref(),
        group: format!("IG.{name}"),
        records: table.len(),
        name,
        label: table.label(),
        columns: columns.collect(),
    }
}

/// Writes a data set as one object.
pub fn write(table: &Table, about: &About, to: impl Write) -> Result<(), WriteError> {
    let mut to = BufWriter::with_capacity(1 << 16, to);
    let head = serde_json::to_vec(&head(table, about)).map_err(std::io::Error::from)?;
    // The rows stand as the last attribute, where the object would be closed; on a line of their own, since programs that look for
    // NDJSON look whether the second line is a row.
    to.write_all(head.strip_suffix(b"}").unwrap_or(&head))?;
    to.write_all(b",\n\"rows\":[")?;
    rows(table, &mut to, b",\n")?;
    to.write_all(b"\n]}\n")?;
    Ok(to.flush()?)
}

/// Writes a data set as one value a line: the attributes, then each row.
pub fn write_lines(table: &Table, about: &About, to: impl Write) -> Result<(), WriteError> {
    let mut to = BufWriter::with_capacity(1 << 16, to);
    serde_json::to_writer(&mut to, &head(table, about)).map_err(std::io::Error::from)?;
    rows(table, &mut to, b"\n")?;
    to.write_all(b"\n")?;
    Ok(to.flush()?)
}

/// Each row after the separator, but for the comma before the first.
fn rows(table: &Table, to: &mut impl Write, separator: &[u8]) -> Result<(), WriteError> {
    // Each different text is escaped once.
    let words: Vec<Vec<Vec<u8>>> = (0..table.columns().len())
        .map(|place| table.words(place).map(|word| serde_json::to_vec(word).unwrap_or_default()).collect())
        .collect();
    let mut line = Vec::new();
    for row in 0..table.len() {
        line.clear();
        line.extend_from_slice(if row == 0 { b"\n" } else { separator });
        for (place, column) in table.columns().iter().enumerate() {
            line.push(if place == 0 { b'[' } else { b',' });
            if column.kind.is_text() {
                let code = table.codes(place)[row] as usize;
                line.extend_from_slice(code.checked_sub(1).map_or(b"null", |code| &words[place][code]));
                continue;
            }
            match (column.kind, table.numbers(place)[row]) {
                (_, missing) if missing.is_nan() => line.extend_from_slice(b"null"),
                (kind @ (Kind::Day | Kind::Moment), it) => {
                    line.push(b'"');
                    number(kind, it, &mut line);
                    line.push(b'"');
                }
                (_, it) => number_text(it, &mut line),
            }
        }
        line.extend_from_slice(if table.columns().is_empty() { b"[]" } else { b"]" });
        to.write_all(&line)?;
    }
    Ok(())
}

/// Whether a text that begins with a brace is one value a line: its first line is an object by itself, without rows.
pub(super) fn is_lines(text: &[u8]) -> bool {
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or(text);
    let object = serde_json::from_slice::<Found>(first);
    object.is_ok_and(|found| found.columns && !found.rows)
}

/// Which attributes an object has.
struct Found {
    columns: bool,
    rows: bool,
}

impl<'de> Deserialize<'de> for Found {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Found;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
                let mut found = Found { columns: false, rows: false };
                while let Some(name) = map.next_key::<String>()? {
                    map.next_value::<IgnoredAny>()?;
                    found.columns |= name == "columns";
                    found.rows |= name == "rows";
                }
                Ok(found)
            }
        }
        from.deserialize_map(Names)
    }
}

/// A column as read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadItem {
    name: String,
    #[serde(default)]
    label: String,
    data_type: String,
    target_data_type: Option<String>,
    display_format: Option<String>,
    key_sequence: Option<u16>,
}

/// The attributes that matter, as read.
#[derive(Default)]
struct ReadHead {
    version: Option<String>,
    name: Option<String>,
    label: String,
    records: Option<u64>,
    columns: Option<Vec<ReadItem>>,
}

impl ReadHead {
    /// An empty table of these columns.
    fn table(&self, file: &str) -> Result<Table, Misfit> {
        let version = self.version.as_deref().unwrap_or("");
        if version != "1.1" && !version.starts_with("1.1.") {
            let found = match version {
                "" => "no datasetJSONVersion".to_owned(),
                other => format!("version {other:?}"),
            };
            return Err(Misfit::whole(file, found, "the file is Dataset-JSON of version 1.1"));
        }
        let Some(columns) = &self.columns else {
            return Err(Misfit::whole(file, "no columns", "Dataset-JSON names its columns"));
        };
        let name = self.name.as_deref().unwrap_or("");
        if name.is_empty() {
            return Err(Misfit::whole(file, "no name", "Dataset-JSON names its data set"));
        }
        let columns: Vec<Column> = columns.iter().map(|item| item.column(file)).collect::<Result<_, _>>()?;
        Table::new(name, &self.label, columns).map_err(|misfit| Misfit { table: file.to_owned(), ..misfit })
    }
}

impl ReadItem {
    fn column(&self, file: &str) -> Result<Column, Misfit> {
        let target = self.target_data_type.as_deref();
        let kind = match (self.data_type.as_str(), target) {
            ("date", Some("integer")) => Kind::Day,
            ("datetime", Some("integer")) => Kind::Moment,
            ("date", None) => Kind::Date,
            ("datetime", None) => Kind::DateTime,
            ("integer", None) => Kind::Integer,
            ("float" | "double", None) | ("decimal", _) => Kind::Number,
            // The length in the file is a planned one, in characters, and keeps nothing out.
            ("string" | "URI" | "time" | "boolean", _) => Kind::Text { length: u16::MAX },
            (data, target) => {
                let target = target.map_or_else(String::new, |target| format!(" with target {target:?}"));
                let right = "Dataset-JSON 1.1 has string, integer, decimal, float, double, boolean, date, datetime, time, URI";
                let misfit = Misfit::whole(file, format!("type {data:?}{target}"), right);
                return Err(misfit.at_column(&self.name));
            }
        };
        let mut column = Column::new(&self.name, &self.label, kind);
        column.format.clone_from(&self.display_format);
        column.key = self.key_sequence;
        Ok(column)
    }
}

/// A cell as it stands in JSON.
enum Value<'a> {
    Missing,
    Flag(bool),
    Number(f64),
    Text(Cow<'a, str>),
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OneValue)
    }
}

struct OneValue;

impl<'de> Visitor<'de> for OneValue {
    type Value = Value<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true, false or null")
    }
    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Missing)
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Value<'de>, E> {
        Ok(Value::Flag(flag))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Value<'de>, E> {
        Ok(Value::Number(number))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number(number as f64))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Value<'de>, E> {
        Ok(Value::Number(number as f64))
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }
}

/// Puts one row into a table.
struct RowSeed<'t> {
    table: &'t mut Table,
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row as an array")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<(), A::Error> {
        let kinds: Vec<Kind> = self.table.columns().iter().map(|column| column.kind).collect();
        let mut row = self.table.begin();
        let mut place = 0;
        while let Some(value) = cells.next_element::<Value<'_>>()? {
            let kind = kinds.get(place).copied();
            put(&mut row, place, kind, &value).map_err(A::Error::custom)?;
            place += 1;
        }
        if place != kinds.len() {
            return Err(A::Error::custom(format_args!("{place} cells; the data set has {}", kinds.len())));
        }
        row.end().map_err(A::Error::custom)
    }
}

fn put(
    row: &mut crate::table::Row<'_>,
    place: usize,
    kind: Option<Kind>,
    value: &Value<'_>,
) -> Result<(), Misfit> {
    let cell = match (value, kind) {
        (Value::Missing, _) => Cell::Missing,
        (Value::Flag(flag), _) => Cell::Text(if *flag { "true" } else { "false" }),
        (Value::Number(number), _) => Cell::Number(*number),
        // Days and moments are ISO 8601, and decimals are written as text.
        (Value::Text(text), Some(kind)) if !kind.is_text() => match number_of(kind, text) {
            Some(number) if kind != Kind::Integer => Cell::Number(number),
            _ => Cell::Text(text),
        },
        (Value::Text(text), _) => Cell::Text(text),
    };
    row.put(place, cell)
}

/// All rows, into a table.
struct RowsSeed<'t> {
    table: &'t mut Table,
}

impl<'de> DeserializeSeed<'de> for RowsSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowsSeed<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        loop {
            let row = self.table.len() + 1;
            let next = rows.next_element_seed(RowSeed { table: &mut *self.table });
            let next = next.map_err(|wrong| A::Error::custom(format_args!("row {row}: {wrong}")))?;
            if next.is_none() {
                return Ok(());
            }
        }
    }
}

/// The whole object. Rows that stand before the columns are kept as they are until those are known.
struct ObjectSeed<'f> {
    file: &'f str,
    /// Whether the rows follow on lines of their own.
    lines: bool,
}

struct Object {
    head: ReadHead,
    table: Option<Table>,
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_> {
    type Value = Object;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Object, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_> {
    type Value = Object;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Dataset-JSON object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut head = ReadHead::default();
        let mut table = None;
        let mut early: Option<serde_json::Value> = None;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "datasetJSONVersion" => head.version = Some(map.next_value()?),
                "name" => head.name = Some(map.next_value()?),
                "label" => head.label = map.next_value()?,
                "records" => head.records = Some(map.next_value()?),
                "columns" => head.columns = Some(map.next_value()?),
                "clinicalData" | "referenceData" => {
                    return Err(A::Error::custom("Dataset-JSON of version 1.0; write it as version 1.1"));
                }
                "rows" if self.lines => return Err(A::Error::custom("rows in the first line")),
                "rows" if table.is_some() || early.is_some() => {
                    return Err(A::Error::custom("rows twice"));
                }
                "rows" => match head.table(self.file) {
                    Ok(mut empty) => {
                        map.next_value_seed(RowsSeed { table: &mut empty })?;
                        table = Some(empty);
                    }
                    Err(_) => early = Some(map.next_value()?),
                },
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if let Some(early) = early {
            let mut late = head.table(self.file).map_err(A::Error::custom)?;
            RowsSeed { table: &mut late }.deserialize(early).map_err(A::Error::custom)?;
            table = Some(late);
        }
        Ok(Object { head, table })
    }
}

fn no_json(file: &str, wrong: &serde_json::Error) -> Misfit {
    Misfit::whole(file, format!("no Dataset-JSON 1.1 ({wrong})"), "write it as the standard has it")
}

/// Whether there are as many rows as the attributes say.
fn counted(head: &ReadHead, table: Table, file: &str) -> Result<Table, Misfit> {
    let rows = table.len() as u64;
    match head.records {
        Some(records) if records != rows => Err(Misfit::whole(
            file,
            format!("{rows} rows"),
            format!("the file says it has {records} records"),
        )),
        _ => Ok(table),
    }
}

/// Reads a data set written as one object.
pub fn read(bytes: &[u8], file: &str) -> Result<Table, Misfit> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut from = serde_json::Deserializer::from_slice(bytes);
    let object = ObjectSeed { file, lines: false }.deserialize(&mut from);
    let object =
        object.and_then(|object| from.end().map(|()| object)).map_err(|wrong| no_json(file, &wrong))?;
    let table = match object.table {
        Some(table) => table,
        None => object.head.table(file)?,
    };
    counted(&object.head, table, file)
}

/// Reads a data set written as one value a line.
pub fn read_lines(bytes: &[u8], file: &str) -> Result<Table, Misfit> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let first = lines.next().unwrap_or_default();
    let mut from = serde_json::Deserializer::from_slice(first);
    let object = ObjectSeed { file, lines: true }.deserialize(&mut from);
    let object =
        object.and_then(|object| from.end().map(|()| object)).map_err(|wrong| no_json(file, &wrong))?;
    let mut table = object.head.table(file)?;
    for line in lines {
        let row = table.len() + 1;
        let mut from = serde_json::Deserializer::from_slice(line);
        let read = RowSeed { table: &mut table }.deserialize(&mut from);
        read.and_then(|()| from.end()).map_err(|wrong| no_json(file, &wrong).at_row(row))?;
    }
    counted(&object.head, table, file)
}
