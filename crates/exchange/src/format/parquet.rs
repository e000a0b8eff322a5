//! Apache Parquet: columns typed and compressed by Snappy, for pandas, arrow and `DuckDB`.
//!
//! Never holds more than a group of rows encoded at once. Texts are strings, days are dates, moments timestamps, a missing value is
//! null; what Parquet has no place for (labels, formats, keys) stands as JSON in the file's metadata under `trialwright`.

use std::io::Write;
use std::sync::Arc;

use ::parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::reader::{FileReader, RowGroupReader};
use ::parquet::file::serialized_reader::SerializedFileReader;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::types::{ColumnDescriptor, Type, TypePtr};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::WriteError;
use crate::table::{Cell, Column, Kind, Misfit, Table};

/// The rows of a group.
const GROUP: usize = 1 << 17;
/// The key of what is said in JSON.
const KEY: &str = "trialwright";
/// The days from 1 January 1960, where SAS begins, to 1 January 1970, where Parquet does.
const TO_UNIX: f64 = 3653.0;
const DAY: f64 = 86_400.0;

/// What Parquet has no place for.
#[derive(Serialize, Deserialize)]
struct Said {
    name: String,
    label: String,
    columns: Vec<Column>,
}

/// Writes a data set.
pub fn write(table: &Table, to: impl Write + Send) -> Result<(), WriteError> {
    if table.columns().is_empty() {
        return Err(Misfit::whole(table.name(), "no columns", "Parquet holds at least one").into());
    }
    Ok(write_groups(table, to).map_err(std::io::Error::other)?)
}

fn write_groups(table: &Table, to: impl Write + Send) -> Result<(), ParquetError> {
    let said = Said {
        name: table.name().to_owned(),
        label: table.label().to_owned(),
        columns: table.columns().to_vec(),
    };
    let said = serde_json::to_string(&said).map_err(|error| ParquetError::General(error.to_string()))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(format!("Trialwright {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(vec![KeyValue::new(KEY.to_owned(), said)]))
        .build();
    let mut file = SerializedFileWriter::new(to, schema(table)?, Arc::new(properties))?;
    // Each different text is copied once; a row's is one of these, counted.
    let words: Vec<Vec<ByteArray>> = (0..table.columns().len())
        .map(|place| table.words(place).map(|word| ByteArray::from(word.as_bytes().to_vec())).collect())
        .collect();
    let mut from = 0;
    while from < table.len() {
        let rows = from..(from + GROUP).min(table.len());
        let mut group = file.next_row_group()?;
        let mut place = 0;
        while let Some(mut column) = group.next_column()? {
            write_column(table, place, &words[place], rows.clone(), &mut column)?;
            column.close()?;
            place += 1;
        }
        group.close()?;
        from = rows.end;
    }
    file.close().map(|_| ())
}

fn schema(table: &Table) -> Result<TypePtr, ParquetError> {
    let fields = table.columns().iter().map(|column| {
        let (physical, logical) = match column.kind {
            Kind::Text { .. } | Kind::Date | Kind::DateTime => {
                (Physical::BYTE_ARRAY, Some(LogicalType::String))
            }
            Kind::Number => (Physical::DOUBLE, None),
            Kind::Integer => (Physical::INT64, None),
            Kind::Day => (Physical::INT32, Some(LogicalType::Date)),
            Kind::Moment => (Physical::INT64, Some(LogicalType::timestamp(false, TimeUnit::MILLIS))),
        };
        let field = Type::primitive_type_builder(&column.name, physical);
        field.with_repetition(Repetition::OPTIONAL).with_logical_type(logical).build().map(Arc::new)
    });
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    Type::group_type_builder("schema").with_fields(fields).build().map(Arc::new)
}

#[allow(clippy::cast_possible_truncation)] // the table took only whole numbers below 2^53, and days of four-digit years
fn write_column(
    table: &Table,
    place: usize,
    words: &[ByteArray],
    rows: std::ops::Range<usize>,
    to: &mut SerializedColumnWriter<'_>,
) -> Result<(), ParquetError> {
    let kind = table.columns()[place].kind;
    if kind.is_text() {
        let codes = &table.codes(place)[rows];
        let values = codes.iter().filter_map(|code| Some(words[(*code as usize).checked_sub(1)?].clone()));
        return put::<ByteArrayType>(to, &values.collect::<Vec<_>>(), codes.iter().map(|code| *code != 0));
    }
    let numbers = &table.numbers(place)[rows];
    let there = numbers.iter().map(|number| !number.is_nan());
    let values = numbers.iter().copied().filter(|number| !number.is_nan());
    match kind {
        Kind::Integer => put::<Int64Type>(to, &values.map(|it| it as i64).collect::<Vec<_>>(), there),
        Kind::Day => put::<Int32Type>(to, &values.map(|it| (it - TO_UNIX) as i32).collect::<Vec<_>>(), there),
        Kind::Moment => {
            let millis = values.map(|it| ((it - TO_UNIX * DAY) * 1000.0) as i64);
            put::<Int64Type>(to, &millis.collect::<Vec<_>>(), there)
        }
        _ => put::<DoubleType>(to, &values.collect::<Vec<_>>(), there),
    }
}

fn put<T: DataType>(
    to: &mut SerializedColumnWriter<'_>,
    values: &[T::T],
    there: impl Iterator<Item = bool>,
) -> Result<(), ParquetError> {
    let levels: Vec<i16> = there.map(i16::from).collect();
    to.typed::<T>().write_batch(values, Some(&levels), None).map(|_| ())
}

/// Reads a data set without nested columns. One that we did not write has no label, and is named as its file.
pub fn read(bytes: Vec<u8>, file: &str) -> Result<Table, Misfit> {
    // The library holds some numbers of a file for right and panics where they are not, as a damaged file's may be.
    std::panic::catch_unwind(|| read_whole(bytes, file)).unwrap_or_else(|_| {
        Err(Misfit::whole(
            file,
            "no Parquet that can be read (its own figures contradict each other)",
            "write it anew",
        ))
    })
}

fn read_whole(bytes: Vec<u8>, file: &str) -> Result<Table, Misfit> {
    let wrong = |wrong: &ParquetError| {
        Misfit::whole(file, format!("no Parquet that can be read ({wrong})"), "write it anew")
    };
    let from = SerializedFileReader::new(Bytes::from(bytes)).map_err(|error| wrong(&error))?;
    let metadata = from.metadata().file_metadata();
    let said = metadata.key_value_metadata().into_iter().flatten().find(|pair| pair.key == KEY);
    let said: Option<Said> = said.and_then(|pair| serde_json::from_str(pair.value.as_deref()?).ok());
    let described = metadata.schema_descr().columns();
    let mut sources = Vec::new();
    for described in described {
        sources.push(Source::of(described, file)?);
    }
    let names = described.iter().map(|column| column.name());
    let columns: Vec<Column> = names
        .zip(&sources)
        .map(|(name, source)| {
            let known = said.iter().flat_map(|said| &said.columns).find(|column| column.name == name);
            let known = known.filter(|column| source.holds(column.kind)).cloned();
            known.unwrap_or_else(|| Column::new(name, "", source.kind()))
        })
        .collect();
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem).to_ascii_uppercase();
    let (name, label) = said.map_or((stem, String::new()), |said| (said.name, said.label));
    let of_file = |misfit: Misfit| Misfit { table: file.to_owned(), ..misfit };
    let mut table = Table::new(&name, &label, columns).map_err(of_file)?;
    for group in 0..from.num_row_groups() {
        let group = from.get_row_group(group).map_err(|error| wrong(&error))?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let columns = sources.iter().enumerate();
        let columns: Vec<Cells> = columns
            .map(|(place, source)| source.read(&*group, place, rows))
            .collect::<Result<_, _>>()
            .map_err(|error| wrong(&error))?;
        for row in 0..rows {
            let mut cells = table.begin();
            for (place, column) in columns.iter().enumerate() {
                let at = |misfit: Misfit| of_file(misfit);
                let cell = column.get(row).map_err(|_| {
                    Misfit::whole(file, "bytes that are no UTF-8", "texts are UTF-8")
                        .at_column(described[place].name())
                })?;
                cells.put(place, cell).map_err(at)?;
            }
            cells.end().map_err(of_file)?;
        }
    }
    Ok(table)
}

/// What a column of a file holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Text,
    Double,
    Float,
    Int32,
    Int64,
    Day,
    /// Parts of a second.
    Moment(i64),
}

/// The cells of a column in a group of rows.
enum Cells {
    Text(Vec<Option<ByteArray>>),
    Number(Vec<Option<f64>>),
}

impl Cells {
    fn get(&self, row: usize) -> Result<Cell<'_>, std::str::Utf8Error> {
        Ok(match self {
            Self::Text(texts) => match texts.get(row).and_then(Option::as_ref) {
                Some(text) => Cell::Text(std::str::from_utf8(text.data())?),
                None => Cell::Missing,
            },
            Self::Number(numbers) => numbers.get(row).copied().flatten().into(),
        })
    }
}

impl Source {
    fn of(described: &ColumnDescriptor, file: &str) -> Result<Self, Misfit> {
        let logical = described.logical_type_ref();
        let flat = described.max_rep_level() == 0 && described.max_def_level() <= 1;
        Ok(match (described.physical_type(), logical) {
            (Physical::BYTE_ARRAY, _) if flat => Self::Text,
            (Physical::DOUBLE, _) if flat => Self::Double,
            (Physical::FLOAT, _) if flat => Self::Float,
            (Physical::INT32, Some(LogicalType::Date)) if flat => Self::Day,
            (Physical::INT32, _) if flat => Self::Int32,
            (Physical::INT64, Some(LogicalType::Timestamp(time))) if flat => Self::Moment(match time.unit {
                TimeUnit::MILLIS => 1000,
                TimeUnit::MICROS => 1_000_000,
                TimeUnit::NANOS => 1_000_000_000,
            }),
            (Physical::INT64, _) if flat => Self::Int64,
            (physical, _) => {
                let right = "columns of texts, numbers, dates and timestamps are read";
                return Err(Misfit::whole(file, format!("a column of {physical}"), right)
                    .at_column(&described.path().string()));
            }
        })
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Text => Kind::Text { length: u16::MAX },
            Self::Double | Self::Float => Kind::Number,
            Self::Int32 | Self::Int64 => Kind::Integer,
            Self::Day => Kind::Day,
            Self::Moment(_) => Kind::Moment,
        }
    }

    /// Whether a column of this kind is written so.
    fn holds(self, kind: Kind) -> bool {
        match kind {
            Kind::Text { .. } | Kind::Date | Kind::DateTime => self == Self::Text,
            kind => self.kind() == kind,
        }
    }

    fn read(self, group: &dyn RowGroupReader, place: usize, rows: usize) -> Result<Cells, ParquetError> {
        #[allow(clippy::cast_precision_loss)]
        let cells = match (self, group.get_column_reader(place)?) {
            (Self::Text, ColumnReader::ByteArrayColumnReader(from)) => Cells::Text(values(from, rows)?),
            (_, ColumnReader::DoubleColumnReader(from)) => Cells::Number(values(from, rows)?),
            (_, ColumnReader::FloatColumnReader(from)) => numbers(values(from, rows)?, f64::from),
            (Self::Day, ColumnReader::Int32ColumnReader(from)) => {
                numbers(values(from, rows)?, |it| f64::from(it) + TO_UNIX)
            }
            (_, ColumnReader::Int32ColumnReader(from)) => numbers(values(from, rows)?, f64::from),
            (Self::Moment(parts), ColumnReader::Int64ColumnReader(from)) => {
                numbers(values(from, rows)?, |it| it as f64 / parts as f64 + TO_UNIX * DAY)
            }
            (_, ColumnReader::Int64ColumnReader(from)) => numbers(values(from, rows)?, |it| it as f64),
            _ => return Err(ParquetError::General("a column of another type than its schema says".into())),
        };
        Ok(cells)
    }
}

fn numbers<T>(values: Vec<Option<T>>, number: impl Fn(T) -> f64) -> Cells {
    Cells::Number(values.into_iter().map(|value| value.map(&number)).collect())
}

/// The values of a column in a group, with none where it is null.
fn values<T: DataType>(
    mut from: ColumnReaderImpl<T>,
    rows: usize,
) -> Result<Vec<Option<T::T>>, ParquetError> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    let (read, ..) = from.read_records(rows, Some(&mut levels), None, &mut values)?;
    if read != rows {
        return Err(ParquetError::General(format!("a column of {read} rows in a group of {rows}")));
    }
    if levels.is_empty() {
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut values = values.into_iter();
    Ok(levels.into_iter().map(|level| if level > 0 { values.next() } else { None }).collect())
}
