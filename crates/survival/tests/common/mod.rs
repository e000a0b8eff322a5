//! Reading the reference data, and comparing with it.
#![allow(dead_code, reason = "each test file uses its part")]

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Closed forms agree to this, relatively.
pub const CLOSED: f64 = 1e-9;
/// Iterated fits agree to this.
pub const ITERATED: f64 = 1e-7;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

pub fn json(name: &str) -> Value {
    let text = std::fs::read_to_string(path(name)).expect("reference values are there");
    serde_json::from_str(&text).expect("reference values are JSON")
}

/// A CSV file of numbers as columns.
pub struct Table(BTreeMap<String, Vec<f64>>);

impl Table {
    pub fn read(name: &str) -> Self {
        let mut reader = csv::Reader::from_path(path(name)).expect("data are there");
        let names: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
        let mut columns = vec![Vec::new(); names.len()];
        for record in reader.records() {
            for (column, field) in columns.iter_mut().zip(record.expect("a record").iter()) {
                column.push(field.parse().expect("a number"));
            }
        }
        Self(names.into_iter().zip(columns).collect())
    }

    pub fn numbers(&self, column: &str) -> &[f64] {
        self.0.get(column).unwrap_or_else(|| panic!("a column {column}"))
    }

    pub fn labels(&self, column: &str) -> Vec<usize> {
        self.numbers(column).iter().map(|&v| format!("{v}").parse().expect("a whole number")).collect()
    }

    pub fn flags(&self, column: &str) -> Vec<bool> {
        self.numbers(column).iter().map(|&v| v == 1.0).collect()
    }
}

/// A number as R wrote it: a length-one vector is a plain number, NA and NaN are null or a string.
pub fn number(value: &Value) -> f64 {
    match value {
        Value::Number(n) => n.as_f64().expect("a float"),
        Value::String(s) if s == "Inf" => f64::INFINITY,
        Value::String(s) if s == "-Inf" => f64::NEG_INFINITY,
        Value::Null | Value::String(_) => f64::NAN,
        Value::Array(a) if a.len() == 1 => number(&a[0]),
        other => panic!("not a number: {other}"),
    }
}

pub fn list(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(a) => a.iter().map(number).collect(),
        one => vec![number(one)],
    }
}

pub fn matrix(value: &Value) -> Vec<Vec<f64>> {
    match value {
        Value::Array(a) if a.iter().any(Value::is_array) => a.iter().map(list).collect(),
        flat => vec![list(flat)],
    }
}

/// Relative agreement; numbers near zero are judged against `scale`.
pub fn assert_near(what: &str, ours: f64, theirs: f64, tolerance: f64, scale: f64) {
    if theirs.is_nan() {
        assert!(ours.is_nan(), "{what}: {ours}, R has none");
        return;
    }
    let error = (ours - theirs).abs();
    assert!(
        ours == theirs || error <= tolerance * theirs.abs() || error <= tolerance * 1e-3 * scale,
        "{what}: {ours:.17e}, R {theirs:.17e} (off by {:e})",
        error / theirs.abs()
    );
}

pub fn assert_all_near(what: &str, ours: &[f64], theirs: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), theirs.len(), "{what}: length");
    let scale = theirs.iter().filter(|v| v.is_finite()).fold(0.0_f64, |s, v| s.max(v.abs()));
    for (k, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert_near(&format!("{what}[{k}]"), *a, *b, tolerance, scale);
    }
}

pub fn assert_matrix_near(what: &str, ours: &[Vec<f64>], theirs: &[Vec<f64>], tolerance: f64) {
    assert_all_near(what, &ours.concat(), &theirs.concat(), tolerance);
}
