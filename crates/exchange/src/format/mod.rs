//! The formats of the exchange: a table written as CSV, SAS XPORT, Dataset-JSON or Parquet, and read again.
//!
//! Never cuts a value: what a format cannot hold is refused before the first byte is written, with data set, row and column.
//! A reader gives every data set of a file or says what is wrong; `trialwright export` and `exchange::sdtm` stand on this.

pub mod csv;
pub mod dataset_json;
mod ibm;
pub mod parquet;
pub mod xport;

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::civil::DateTime;

use crate::table::{Misfit, Table};

/// A format of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Comma-separated values in UTF-8 with a header of names (RFC 4180).
    Csv,
    /// The SAS transport format, version 5 (SAS technical note TS-140).
    Xport,
    /// CDISC Dataset-JSON 1.1.
    DatasetJson,
    /// CDISC Dataset-JSON 1.1, one JSON value a line.
    DatasetNdjson,
    /// Apache Parquet, compressed by Snappy.
    Parquet,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 5] =
        [Self::Csv, Self::Xport, Self::DatasetJson, Self::DatasetNdjson, Self::Parquet];

    /// The end of its files' names.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xport => "xpt",
            Self::DatasetJson => "json",
            Self::DatasetNdjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }

    /// What it is called on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DatasetJson => "dataset-json",
            Self::DatasetNdjson => "dataset-ndjson",
            other => other.extension(),
        }
    }

    /// The format of a file's bytes: what begins as none of the others does is taken for CSV.
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(xport::MAGIC) {
            return Self::Xport;
        }
        if bytes.starts_with(b"PAR1") {
            return Self::Parquet;
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        match text.first() {
            Some(b'{') if dataset_json::is_lines(text) => Self::DatasetNdjson,
            Some(b'{') => Self::DatasetJson,
            _ => Self::Csv,
        }
    }

    /// Writes a data set. Errors: what the format cannot hold, found before the first byte is written; the writer's own.
    pub fn write(self, table: &Table, about: &About, to: impl Write + Send) -> Result<(), WriteError> {
        match self {
            Self::Csv => csv::write(table, to),
            Self::Xport => xport::write(table, about, to),
            Self::DatasetJson => dataset_json::write(table, about, to),
            Self::DatasetNdjson => dataset_json::write_lines(table, about, to),
            Self::Parquet => parquet::write(table, to),
        }
    }

    /// Reads the data sets of a file; `file` is its name, for faults and where the format gives a data set no name.
    pub fn read(self, bytes: Vec<u8>, file: &str) -> Result<Vec<Table>, Misfit> {
        match self {
            Self::Csv => Ok(vec![csv::read(&bytes, file)?]),
            Self::Xport => xport::read(&bytes, file),
            Self::DatasetJson => Ok(vec![dataset_json::read(&bytes, file)?]),
            Self::DatasetNdjson => Ok(vec![dataset_json::read_lines(&bytes, file)?]),
            Self::Parquet => Ok(vec![parquet::read(bytes, file)?]),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.to_ascii_lowercase();
        let known = Self::ALL.into_iter().find(|format| format.name() == text || format.extension() == text);
        known.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|format| format.name()).collect();
            format!("{text:?} is no format; there are {}", names.join(", "))
        })
    }
}

/// What a file says of itself beside its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The study's identifier (`STUDYID`).
    pub study: String,
    /// When the file was made, in UTC.
    pub created: DateTime,
    /// When the source was last changed, in UTC, not after `created`.
    pub modified: Option<DateTime>,
    /// Who made it.
    pub originator: Option<String>,
    /// The identifier of the metadata in the Define-XML beside it (`MetaDataVersion/@OID`).
    pub metadata_version: Option<String>,
    /// The file name of that Define-XML.
    pub metadata_file: Option<String>,
}

impl About {
    /// Only the study and the moment.
    pub fn new(study: &str, created: DateTime) -> Self {
        Self {
            study: study.to_owned(),
            created,
            modified: None,
            originator: None,
            metadata_version: None,
            metadata_file: None,
        }
    }
}

/// Why a file was not written.
#[derive(Debug)]
pub enum WriteError {
    /// The format cannot hold the data set.
    Misfit(Misfit),
    /// The disk or whatever is written to failed.
    Io(io::Error),
}

impl From<Misfit> for WriteError {
    fn from(misfit: Misfit) -> Self {
        Self::Misfit(misfit)
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misfit(misfit) => misfit.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for WriteError {}

/// Writes a data set into a directory, as `ae.xpt`: into `ae.xpt.part` first, so that the name stands for a whole file.
/// Gives the path.
pub fn write_file(dir: &Path, format: Format, table: &Table, about: &About) -> Result<PathBuf, WriteError> {
    let file = format!("{}.{}", table.name().to_ascii_lowercase(), format.extension());
    let (path, part) = (dir.join(&file), dir.join(format!("{file}.part")));
    let written = File::create(&part).map_err(WriteError::from).and_then(|to| {
        let mut to = BufWriter::with_capacity(1 << 18, to);
        format.write(table, about, &mut to)?;
        Ok(to.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?)
    });
    match written.and_then(|()| Ok(std::fs::rename(&part, &path)?)) {
        Ok(()) => Ok(path),
        Err(error) => {
            // The first error is the one to tell.
            let _ = std::fs::remove_file(&part);
            Err(error)
        }
    }
}

/// Reads the data sets of a file, its format told by its content.
pub fn read_file(path: &Path) -> Result<Vec<Table>, Misfit> {
    let file = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let bytes = std::fs::read(path).map_err(|wrong| {
        Misfit::whole(&file, format!("a file that cannot be read ({wrong})"), "make it readable")
    })?;
    Format::of(&bytes).read(bytes, &file)
}

/// A number as the shortest text that reads back the same, whole ones without a point.
fn number_text(number: f64, text: &mut Vec<u8>) {
    // To a Vec, writing cannot fail.
    #[allow(clippy::cast_possible_truncation)] // whole and below 10^15
    let _ = if number.fract() == 0.0 && number.abs() < 1e15 {
        write!(text, "{}", number as i64)
    } else {
        write!(text, "{number:?}")
    };
}
