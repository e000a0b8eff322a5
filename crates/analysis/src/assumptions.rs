//! What the protocol assumes: every key and table of the file that is marked so.
//!
//! Never judges an assumption. A table with `source = "assumed"` is assumed as a whole, a key by its table's `assumed`.

use serde_json::{Map, Value};
use trial::protocol::Protocol;

use crate::results::Assumption;

/// Every assumption, in the order of the file's types.
pub fn of(protocol: &Protocol) -> Vec<Assumption> {
    // The types of a protocol have text keys alone, so that this cannot fail.
    let Ok(value) = serde_json::to_value(protocol) else { return Vec::new() };
    let mut found = Vec::new();
    walk("", &value, &mut found);
    found
}

/// The same for whoever may read a report: what would help to guess an allocation (ICH E9, 2.3.2) is named and not told.
pub fn told(protocol: &Protocol) -> Vec<Assumption> {
    let mut found = of(protocol);
    for row in found.iter_mut().filter(|row| row.path.starts_with("randomisation")) {
        "stands in the protocol file alone, since it would help to guess an allocation"
            .clone_into(&mut row.value);
    }
    found
}

fn walk(path: &str, value: &Value, found: &mut Vec<Assumption>) {
    match value {
        Value::Object(table) => {
            marked(path, table, found);
            for (key, inner) in table {
                walk(&joined(path, key), inner, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(&format!("{path}[{}]", name_of(item, index)), item, found);
            }
        }
        _ => {}
    }
}

fn marked(path: &str, table: &Map<String, Value>, found: &mut Vec<Assumption>) {
    if table.get("source").and_then(Value::as_str) == Some("assumed") {
        found.push(Assumption { path: path.to_owned(), value: statement(table), whole_table: true });
    }
    let keys = table.get("assumed").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for key in keys {
        let mut parts = key.split('.');
        let first = parts.next().and_then(|part| table.get(part));
        let value = parts.fold(first, |at, part| at.and_then(|inner| inner.get(part)));
        let value = value.map_or_else(|| "not given".to_owned(), words);
        found.push(Assumption { path: joined(path, key), value, whole_table: false });
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// An item of a list goes by its id where it has one.
fn name_of(item: &Value, index: usize) -> String {
    item.get("id").and_then(Value::as_str).map_or_else(|| index.to_string(), str::to_owned)
}

/// So many entries of a list are named; more are counted.
const MOST_NAMED: usize = 5;

/// What a whole table says: its own sentence where it has one, else its label and lists, else its keys.
fn statement(table: &Map<String, Value>) -> String {
    for key in ["text", "definition", "statement", "description"] {
        if let Some(text) = table.get(key).and_then(Value::as_str) {
            return text.to_owned();
        }
    }
    let shown = table.iter().filter(|(key, value)| {
        !matches!(key.as_str(), "id" | "label" | "source" | "assumed") && !is_empty(value)
    });
    let Some(label) = table.get("label").and_then(Value::as_str) else {
        return shown.map(|(key, value)| format!("{key} = {}", words(value))).collect::<Vec<_>>().join("; ");
    };
    let named = |items: &&Vec<Value>| items.iter().all(|item| item.get("id").is_some());
    let lists = shown.filter_map(|(key, value)| value.as_array().filter(named).map(|items| (key, items)));
    let lists = lists.map(|(key, items)| {
        if items.len() <= MOST_NAMED {
            format!("{key}: {}", items.iter().map(words).collect::<Vec<_>>().join(", "))
        } else {
            format!("{} {key}", items.len())
        }
    });
    std::iter::once(label.to_owned()).chain(lists).collect::<Vec<_>>().join("; ")
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(table) => table.is_empty(),
        _ => false,
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => "not given".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(table) => match (table.get("id"), table.get("label")) {
            (Some(id), Some(label)) => format!("{} ({})", words(id), words(label)),
            (Some(id), None) => words(id),
            _ => {
                let keys: Vec<String> = table
                    .iter()
                    .filter(|(key, value)| !matches!(key.as_str(), "source" | "assumed") && !is_empty(value))
                    .map(|(key, value)| format!("{key} {}", words(value)))
                    .collect();
                format!("({})", keys.join(", "))
            }
        },
    }
}
