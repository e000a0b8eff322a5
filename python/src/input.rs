//! From what Python hands in (lists, arrays, series) to the slices of `survival`, each fault with its argument, its row and what
//! would be right.
//!
//! Never computes: values are copied, labels numbered in the order numpy sorts them. Rows count from 0, as in Python.

use numpy::{PyArray1, PyArrayDescrMethods, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use survival::cox::Covariates;

use crate::output::Labels;

/// A `ValueError`.
pub fn wrong(message: impl Into<String>) -> PyErr {
    PyValueError::new_err(message.into())
}

/// What `survival` refuses, as a `ValueError` with its own words.
pub fn refused(error: survival::Error) -> PyErr {
    wrong(error.to_string())
}

/// An array of one dimension.
fn flat<'py>(what: &str, values: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyUntypedArray>> {
    let made = values.py().import("numpy")?.call_method1("asarray", (values,)).map_err(|error| {
        wrong(format!("`{what}` cannot be read as an array ({error}): one value a subject is needed"))
    })?;
    let array = made.cast_into::<PyUntypedArray>()?;
    if array.ndim() == 1 {
        return Ok(array);
    }
    Err(wrong(format!("`{what}` has {} dimensions: one, with one value a subject, is needed", array.ndim())))
}

/// Numbers, one a subject. A NaN passes, for `survival` refuses it with its row. Errors: what is no number.
pub fn numbers(what: &str, values: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    let array = flat(what, values)?;
    match array.dtype().kind() {
        b'b' | b'i' | b'u' | b'f' => {
            let doubles = array.call_method1("astype", ("float64",))?.cast_into::<PyArray1<f64>>()?;
            Ok(doubles.try_readonly()?.as_array().to_vec())
        }
        b'O' => array.try_iter()?.enumerate().map(|(row, value)| number(what, row, &value?)).collect(),
        _ => Err(wrong(format!("`{what}` holds {}: numbers are needed", array.dtype()))),
    }
}

fn number(what: &str, row: usize, value: &Bound<'_, PyAny>) -> PyResult<f64> {
    let text = value.is_instance_of::<pyo3::types::PyString>();
    value.extract::<f64>().ok().filter(|_| !text).ok_or_else(|| {
        let found = shown(value);
        wrong(format!("`{what}` of row {row} is {found}: a number is needed (drop or impute the row first)"))
    })
}

/// As Python prints it.
fn shown(value: &Bound<'_, PyAny>) -> String {
    value.repr().map_or_else(|_| "unprintable".to_owned(), |text| text.to_string())
}

/// The same where it is given at all.
pub fn optional(what: &str, values: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Vec<f64>>> {
    values.map(|values| numbers(what, values)).transpose()
}

/// Whether the event was seen: 1 or true, 0 or false. Errors: anything else, with its row.
pub fn events(what: &str, values: &Bound<'_, PyAny>) -> PyResult<Vec<bool>> {
    let of = |(row, value): (usize, f64)| match value {
        1.0 => Ok(true),
        0.0 => Ok(false),
        found => Err(wrong(format!("`{what}` of row {row} is {found}: 1 (event) or 0 (censored) is needed"))),
    };
    numbers(what, values)?.into_iter().enumerate().map(of).collect()
}

/// Causes of events: 0 where the time is censored, else 1, 2 and so on.
pub fn causes(what: &str, values: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
    let of = |(row, value): (usize, f64)| {
        if value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // just looked
            return Ok(value as usize);
        }
        Err(wrong(format!(
            "`{what}` of row {row} is {value}: 0 (censored) or the whole number of a cause is needed"
        )))
    };
    numbers(what, values)?.into_iter().enumerate().map(of).collect()
}

/// Labels of groups, numbers or texts, sorted. Errors: a missing one, with its row; labels that cannot be sorted.
pub fn labels(what: &str, values: &Bound<'_, PyAny>) -> PyResult<Labels> {
    let array = flat(what, values)?;
    if matches!(array.dtype().kind(), b'f' | b'O' | b'c' | b'M' | b'm') {
        for (row, value) in array.try_iter()?.enumerate() {
            let value = value?;
            // NaN, NaT and pandas' NA are not equal to themselves, or will not say.
            if value.is_none() || !value.eq(&value).unwrap_or(false) {
                return Err(wrong(format!(
                    "`{what}` of row {row} is {}: a label is needed (drop the row first)",
                    shown(&value)
                )));
            }
        }
    }
    let py = array.py();
    let options = PyDict::new(py);
    options.set_item("return_inverse", true)?;
    let found = py.import("numpy")?.call_method("unique", (&array,), Some(&options)).map_err(|error| {
        wrong(format!(
            "`{what}` cannot be sorted ({error}): labels of one kind, numbers or texts, are needed"
        ))
    })?;
    let (levels, codes) = found.extract::<(Bound<'_, PyUntypedArray>, Bound<'_, PyAny>)>()?;
    let codes = codes.call_method1("astype", ("uint64",))?.cast_into::<PyArray1<u64>>()?;
    #[allow(clippy::cast_possible_truncation)] // numbers of rows
    let codes = codes.try_readonly()?.as_array().iter().map(|code| *code as usize).collect();
    Labels::new(levels, codes)
}

/// Labels of groups to be compared. Errors: as `labels`; fewer than two.
pub fn groups(what: &str, values: &Bound<'_, PyAny>) -> PyResult<Labels> {
    let found = labels(what, values)?;
    match &found.texts(values.py())?[..] {
        [only] => Err(wrong(format!("every `{what}` is {only}: a comparison needs two labels or more"))),
        _ => Ok(found),
    }
}

/// The same where they are given at all.
pub fn optional_labels(what: &str, values: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Vec<usize>>> {
    values.map(|values| labels(what, values).map(|labels| labels.codes)).transpose()
}

/// A confidence.
pub fn level(level: f64) -> PyResult<f64> {
    if level > 0.0 && level < 1.0 {
        return Ok(level);
    }
    Err(wrong(format!("`level` is {level}: a confidence between 0 and 1 is needed, 0.95 say")))
}

/// One of some words.
pub fn one_of<T: Copy>(what: &str, found: &str, allowed: &[(&str, T)]) -> PyResult<T> {
    allowed.iter().find(|(word, _)| *word == found).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = allowed.iter().map(|(word, _)| *word).collect();
        wrong(format!("`{what}` is {found:?}: one of {} is needed", words.join(", ")))
    })
}

/// The covariates of a model of `n` rows: a mapping or a data frame of named columns, an array of one column or of several.
/// Columns that hold no numbers are factors: one 0/1 column for each label but the first.
pub fn covariates(values: &Bound<'_, PyAny>, n: usize) -> PyResult<Covariates<'static>> {
    let mut all = Covariates::new();
    if values.hasattr("items")? {
        for pair in values.call_method0("items")?.try_iter()? {
            let (name, column) = pair?.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            all = with(all, &name.str()?.to_string(), &column, n)?;
        }
        return Ok(all);
    }
    let array = values.py().import("numpy")?.call_method1("asarray", (values,))?;
    match array.getattr("ndim")?.extract::<usize>()? {
        1 => with(all, "x", &array, n),
        2 => {
            for (place, column) in array.getattr("T")?.try_iter()?.enumerate() {
                all = with(all, &format!("x{}", place + 1), &column?, n)?;
            }
            Ok(all)
        }
        found => Err(wrong(format!(
            "`covariates` has {found} dimensions: named columns, one column, or rows of columns are needed"
        ))),
    }
}

fn with(
    all: Covariates<'static>,
    name: &str,
    column: &Bound<'_, PyAny>,
    n: usize,
) -> PyResult<Covariates<'static>> {
    let array = flat(name, column)?;
    if array.len() != n {
        let found = array.len();
        return Err(wrong(format!(
            "covariate `{name}` has {found} values, but there are {n} rows: give one for each"
        )));
    }
    let texts = match array.dtype().kind() {
        b'U' | b'S' => true,
        // What is missing in a column of numbers is told as such.
        b'O' => array.try_iter()?.any(|v| v.is_ok_and(|v| v.is_instance_of::<pyo3::types::PyString>())),
        _ => false,
    };
    if !texts {
        return Ok(all.with_owned(name, numbers(name, array.as_any())?));
    }
    let labels = labels(name, array.as_any())?;
    Ok(all.with_levels(name, &labels.codes, &labels.texts(column.py())?))
}
