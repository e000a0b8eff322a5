//! What changed from one version of a protocol to the next, for an amendment to be read by.
//!
//! Compares what the files say, not their text: order of keys and comments do not count. Entries of a list that have an
//! id are matched by it. Never judges a change.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::Protocol;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where, as in `forms[tumour].items[TRDAT].required`.
    pub path: String,
    /// What stood there before, in words; none where it is new.
    pub before: Option<String>,
    /// What stands there now, in words; none where it is gone.
    pub after: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "{}: {before} became {after}", self.path),
            (None, Some(after)) => write!(f, "{}: new, {after}", self.path),
            (Some(before), None) => write!(f, "{}: gone, was {before}", self.path),
            (None, None) => write!(f, "{}: unchanged", self.path),
        }
    }
}

/// Every difference between two versions, in the order of the file.
pub fn diff(old: &Protocol, new: &Protocol) -> Vec<Change> {
    let value = |protocol: &Protocol| serde_json::to_value(protocol).unwrap_or_default();
    let mut changes = Vec::new();
    compare("", Some(&value(old)), Some(&value(new)), &mut changes);
    changes
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Change>) {
    match (before, after) {
        (Some(before), Some(after)) if before == after => {}
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&below, known(a.get(key)), known(b.get(key)), changes);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if has_ids(a) && has_ids(b) => {
            lists(path, a, b, changes);
        }
        (before, after) => {
            let (before, after) = (before.map(words), after.map(words));
            if before != after {
                changes.push(Change { path: path.to_owned(), before, after });
            }
        }
    }
}

/// Nulls and empty lists say nothing, as a key that is not there.
fn known(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()))
}

fn id(value: &Value) -> Option<&str> {
    value.get("id").and_then(Value::as_str)
}

fn has_ids(list: &[Value]) -> bool {
    list.iter().all(|entry| id(entry).is_some())
}

fn lists(path: &str, before: &[Value], after: &[Value], changes: &mut Vec<Change>) {
    let find = |list: &'_ [Value], entry: &Value| list.iter().position(|other| id(other) == id(entry));
    for entry in before {
        let now = find(after, entry).map(|at| &after[at]);
        compare(&format!("{path}[{}]", id(entry).unwrap_or_default()), Some(entry), now, changes);
    }
    for entry in after.iter().filter(|entry| find(before, entry).is_none()) {
        compare(&format!("{path}[{}]", id(entry).unwrap_or_default()), None, Some(entry), changes);
    }
    let kept = |list: &[Value], other: &[Value]| -> Vec<String> {
        list.iter().filter(|e| find(other, e).is_some()).filter_map(|e| id(e).map(str::to_owned)).collect()
    };
    let (was, is) = (kept(before, after), kept(after, before));
    if was != is {
        let order = |ids: Vec<String>| Some(format!("the order {}", ids.join(", ")));
        changes.push(Change { path: path.to_owned(), before: order(was), after: order(is) });
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Array(list) => format!("[{}]", list.iter().map(words).collect::<Vec<_>>().join(", ")),
        Value::Object(table) => {
            let keys = table.iter().filter(|(_, value)| known(Some(value)).is_some());
            format!(
                "{{ {} }}",
                keys.map(|(key, value)| format!("{key} = {}", words(value))).collect::<Vec<_>>().join(", ")
            )
        }
        other => other.to_string(),
    }
}
