//! What is wrong with a directory of SDTM files, and what is worth a look though it could be read.
//!
//! Never decides what is wrong: the readers do. Every fault says where, what was found and what would be right.

use std::fmt;

use serde::Serialize;

/// Something that keeps the directory from being imported.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ImportFault {
    /// The file's name; the directory where no file is meant.
    pub file: String,
    /// The row: in CSV as a spreadsheet counts it, where 1 is the header, else from 1. None where the file as a whole is meant.
    pub row: Option<usize>,
    /// The column; none where the row as a whole is meant.
    pub column: Option<String>,
    /// What was found.
    pub found: String,
    /// What would be right.
    pub right: String,
}

impl fmt::Display for ImportFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": found {}; {}", self.found, self.right)
    }
}

impl std::error::Error for ImportFault {}

/// Something that was read in the only sensible way, but that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Remark {
    /// The file's name.
    pub file: String,
    /// The row, as for a fault.
    pub row: usize,
    /// What was found, and how it was read.
    pub text: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, row {}: {}", self.file, self.row, self.text)
    }
}
