//! A data set of `exchange` as named numpy arrays.
//!
//! Never derives: cells are copied, and `endpoints` puts the rows of a subject side by side.

use std::collections::HashMap;

use exchange::table::{Cell, Kind, Table};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// Days from 1 January 1960, where SAS counts from, to 1 January 1970, where numpy does.
const SAS_TO_UNIX: i64 = 3653;

/// The columns, in order.
pub fn columns<'py>(py: Python<'py>, table: &Table) -> PyResult<Bound<'py, PyDict>> {
    let columns = PyDict::new(py);
    for (place, column) in table.columns().iter().enumerate() {
        columns.set_item(&column.name, values(py, table, place, column.kind)?)?;
    }
    Ok(columns)
}

fn values<'py>(py: Python<'py>, table: &Table, place: usize, kind: Kind) -> PyResult<Bound<'py, PyAny>> {
    match kind {
        Kind::Text { .. } | Kind::Date | Kind::DateTime => {
            Ok(PyArray1::from_vec(py, texts(py, table, place)).into_any())
        }
        Kind::Number => Ok(PyArray1::from_vec(py, numbers(table, place)).into_any()),
        Kind::Integer => {
            let numbers = numbers(table, place);
            if numbers.iter().any(|number| number.is_nan()) {
                return Ok(PyArray1::from_vec(py, numbers).into_any());
            }
            #[allow(clippy::cast_possible_truncation)] // whole, below 2^53
            Ok(PyArray1::from_iter(py, numbers.into_iter().map(|number| number as i64)).into_any())
        }
        Kind::Day => times(py, table, place, SAS_TO_UNIX, "datetime64[D]"),
        Kind::Moment => times(py, table, place, SAS_TO_UNIX * 86_400, "datetime64[s]"),
    }
}

/// The numbers of a column, NaN where missing.
fn numbers(table: &Table, place: usize) -> Vec<f64> {
    table.column(place).map(|cell| if let Cell::Number(number) = cell { number } else { f64::NAN }).collect()
}

/// The texts of a column, each made once; None where missing.
fn texts(py: Python<'_>, table: &Table, place: usize) -> Vec<Py<PyAny>> {
    let known: HashMap<&str, Py<PyAny>> =
        table.words(place).map(|word| (word, PyString::new(py, word).into_any().unbind())).collect();
    let text = |cell| match cell {
        Cell::Text(text) => known.get(text).map_or_else(|| py.None(), |made| made.clone_ref(py)),
        _ => py.None(),
    };
    table.column(place).map(text).collect()
}

/// Whole days or seconds as numpy counts them; NaT where missing.
fn times<'py>(
    py: Python<'py>,
    table: &Table,
    place: usize,
    epoch: i64,
    kind: &str,
) -> PyResult<Bound<'py, PyAny>> {
    #[allow(clippy::cast_possible_truncation)] // whole, of the years 1582 to 3999
    let counted = |number: f64| if number.is_nan() { i64::MIN } else { number.floor() as i64 - epoch };
    let counts = PyArray1::from_iter(py, numbers(table, place).into_iter().map(counted));
    counts.call_method1("view", (kind,))
}

/// ADTTE with one row a subject: who, then AVAL and CNSR of each parameter.
pub fn endpoints<'py>(py: Python<'py>, adtte: &Table) -> PyResult<Bound<'py, PyDict>> {
    let text = |row: usize, column: &str| match adtte.place(column).map(|place| adtte.get(row, place)) {
        Some(Cell::Text(text)) => Some(text),
        _ => None,
    };
    let mut subjects: Vec<usize> = Vec::new();
    let (mut of_subject, mut parameters) = (HashMap::new(), Vec::new());
    for row in 0..adtte.len() {
        of_subject.entry(text(row, "USUBJID")).or_insert_with(|| {
            subjects.push(row);
            subjects.len() - 1
        });
        if let Some(parameter) = text(row, "PARAMCD").filter(|code| !parameters.contains(code)) {
            parameters.push(parameter);
        }
    }
    let columns = PyDict::new(py);
    for name in ["USUBJID", "TRTP", "STRATAR"] {
        let values: Vec<Py<PyAny>> = subjects
            .iter()
            .map(|row| Ok(text(*row, name).into_pyobject(py)?.unbind()))
            .collect::<PyResult<_>>()?;
        columns.set_item(name, PyArray1::from_vec(py, values))?;
    }
    for parameter in parameters {
        for variable in ["AVAL", "CNSR"] {
            let mut values = vec![f64::NAN; subjects.len()];
            let place = adtte.place(variable);
            for row in (0..adtte.len()).filter(|row| text(*row, "PARAMCD") == Some(parameter)) {
                if let (Some(place), Some(subject)) = (place, of_subject.get(&text(row, "USUBJID")))
                    && let Cell::Number(number) = adtte.get(row, place)
                {
                    values[*subject] = number;
                }
            }
            columns.set_item(format!("{parameter}_{variable}"), PyArray1::from_vec(py, values))?;
        }
    }
    Ok(columns)
}
