//! The form of the reference values: a vector of length one is a plain number, what is no number is null.
//!
//! Never rounds. As R's jsonlite writes a list with `auto_unbox = TRUE`.

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

/// Whole numbers up to here are written without a fraction, and are exact.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// A vector: its one value where it has one, else a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Vector<T>(pub Vec<T>);

/// Rows of numbers; always a list of lists.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix(pub Vec<Vec<f64>>);

/// Values under keys, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyed<T>(pub Vec<(String, T)>);

/// A result, or why there is none: `{"error": "..."}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Attempt<T> {
    /// The result.
    Done(T),
    /// Why not.
    Failed {
        /// In words.
        error: String,
    },
}

impl<T> Attempt<T> {
    /// The result, where there is one.
    pub fn done(&self) -> Option<&T> {
        match self {
            Self::Done(result) => Some(result),
            Self::Failed { .. } => None,
        }
    }
}

impl<T, E: std::fmt::Display> From<Result<T, E>> for Attempt<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(result) => Self::Done(result),
            Err(error) => Self::Failed { error: error.to_string() },
        }
    }
}

/// A value of a vector or a matrix.
pub(super) trait Element {
    fn put<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;
}

impl Element for f64 {
    #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
    fn put<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match *self {
            v if !v.is_finite() => to.serialize_none(),
            v if v.fract() == 0.0 && v.abs() < WHOLE => to.serialize_i64(v as i64),
            v => to.serialize_f64(v),
        }
    }
}

impl Element for String {
    fn put<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self)
    }
}

struct Plain<'a, T>(&'a T);

impl<T: Element> Serialize for Plain<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.put(to)
    }
}

struct List<'a>(&'a [f64]);

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(Plain))
    }
}

impl<T: Element> Serialize for Vector<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [one] => one.put(to),
            many => to.collect_seq(many.iter().map(Plain)),
        }
    }
}

impl Serialize for Matrix {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut rows = to.serialize_seq(Some(self.0.len()))?;
        self.0.iter().try_for_each(|row| rows.serialize_element(&List(row)))?;
        rows.end()
    }
}

impl<T: Serialize> Serialize for Keyed<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_one_is_plain_and_no_number_is_null() {
        let json = |value: &dyn erased::Json| value.json();
        assert_eq!(json(&Vector(vec![0.5])), "0.5");
        assert_eq!(json(&Vector(vec![59.0, f64::NAN, f64::INFINITY, 1e300])), "[59,null,null,1e+300]");
        assert_eq!(json(&Vector::<f64>(vec![])), "[]");
        assert_eq!(json(&Matrix(vec![vec![2.0]])), "[[2]]");
        assert_eq!(json(&Keyed(vec![("b".into(), 1), ("a".into(), 2)])), r#"{"b":1,"a":2}"#);
        let failed: Attempt<u8> = Err::<u8, _>("why").into();
        assert_eq!(json(&failed), r#"{"error":"why"}"#);
    }

    mod erased {
        pub trait Json {
            fn json(&self) -> String;
        }
        impl<T: serde::Serialize> Json for T {
            fn json(&self) -> String {
                serde_json::to_string(self).expect("it is JSON")
            }
        }
    }
}
