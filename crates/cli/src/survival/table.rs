//! A CSV file as a data set; what cannot be is told with its file, row and column.
//!
//! Never keeps a column that has no role. Rows are counted as in a spreadsheet: the header is row 1.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ::survival::dataset::{Column, Dataset, Fault, Roles};

use crate::output::Failure;

/// The data set in `path`.
pub fn read(path: &Path, roles: &Roles) -> Result<Dataset, Failure> {
    let at = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    let input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).map_err(|wrong| Failure::new(format!("cannot read {at}: {wrong}")))?)
    };
    let columns = columns(input, roles, &at)?;
    Dataset::new(&columns, roles).map_err(|fault| refused(&at, fault))
}

fn columns(input: Box<dyn Read>, roles: &Roles, at: &str) -> Result<Vec<Column>, Failure> {
    let unreadable = |wrong: csv::Error| Failure::new(format!("{at}: {wrong}"));
    let mut reader = csv::Reader::from_reader(input);
    let header = reader.headers().map_err(unreadable)?.clone();
    let names: Vec<&str> = header.iter().map(|name| name.trim_start_matches('\u{feff}').trim()).collect();
    if names.iter().all(|name| name.is_empty()) {
        return Err(Failure::new(format!("{at} is empty: the first line should name the columns")));
    }
    let mut places = Vec::new();
    for needed in roles.columns() {
        let found: Vec<usize> = (0..names.len()).filter(|k| names[*k] == needed).collect();
        match found[..] {
            [place] => places.push(place),
            [] => return Err(no_column(at, needed, &names)),
            _ => {
                return Err(Failure::new(format!(
                    "{at}, row 1: {} columns are called {needed:?}",
                    found.len()
                )));
            }
        }
    }
    let mut columns: Vec<Column> = places.iter().map(|place| Column::new(names[*place])).collect();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(unreadable)? {
        for (column, place) in columns.iter_mut().zip(&places) {
            column.push(record.get(*place).unwrap_or(""));
        }
    }
    if columns.iter().all(Column::is_empty) {
        return Err(Failure::new(format!("{at}: no row below the header")));
    }
    Ok(columns)
}

fn no_column(at: &str, needed: &str, names: &[&str]) -> Failure {
    let failure = Failure::new(format!("{at}, row 1: no column {needed:?}; found {}", names.join(", ")));
    failure.hint("--time, --event, --arm, --strata and --covariates say which column is what")
}

fn refused(at: &str, fault: Fault) -> Failure {
    match fault {
        Fault::Cell { row, column, found, right } => {
            Failure::new(format!("{at}, row {}, column {column}: found {found:?}; {right}", row + 2))
        }
        other => Failure::new(format!("{at}: {other}")),
    }
}
