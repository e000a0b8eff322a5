//! The shape of a protocol file: its JSON Schema, and what in a document breaks it.
//!
//! The schema is made from the types of `model`, so that file, editor and program cannot disagree. Each break is filled in
//! with the least value that fits, so that the pass after this one can go on; the filled place is remembered. Never reads
//! meaning across tables (see `meaning`).

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::place::{Finding, Path, hint, words};
use crate::condition::Condition;
use crate::date::PartialDate;
use crate::protocol::Protocol;

/// A text has at most so many characters where the schema says nothing else.
const MOST_TEXT: u64 = 2_000;
/// A list has at most so many entries where the schema says nothing else.
const MOST_ITEMS: u64 = 1_000;
/// A count is at most this where the schema says nothing else.
const MOST_COUNT: i64 = 1_000_000;

static SCHEMA: LazyLock<Value> = LazyLock::new(make);

/// The JSON Schema (2020-12) of protocol files.
pub fn schema() -> Value {
    SCHEMA.clone()
}

fn make() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12();
    let mut schema = settings.into_generator().into_root_schema_for::<Protocol>().to_value();
    fit(&mut schema);
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".into(), json!("Protocol of a randomised oncology trial"));
    }
    schema
}

/// Fits what schemars says to TOML, which has no null, and puts a limit on everything.
fn fit(schema: &mut Value) {
    let Value::Object(map) = schema else {
        if let Value::Array(list) = schema {
            list.iter_mut().for_each(fit);
        }
        return;
    };
    if map.get("default").is_some_and(Value::is_null) {
        map.remove("default");
    }
    if let Some(Value::Object(default)) = map.get_mut("default") {
        default.retain(|_, value| !value.is_null());
    }
    if let Some(Value::Array(any)) = map.get_mut("anyOf") {
        any.retain(|option| option["type"] != "null");
        if let [Value::Object(only)] = any.as_slice() {
            let only = only.clone();
            map.remove("anyOf");
            for (key, value) in only {
                map.entry(key).or_insert(value);
            }
        }
    }
    if let Some(Value::Array(types)) = map.get("type") {
        let kept: Vec<Value> = types.iter().filter(|name| *name != "null").cloned().collect();
        if let [only] = kept.as_slice() {
            map.insert("type".into(), only.clone());
        }
    }
    limit(map);
    map.values_mut().for_each(fit);
}

fn limit(map: &mut Map<String, Value>) {
    let kind = map.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut put = |key: &str, value: Value| {
        map.entry(key).or_insert(value);
    };
    match kind.as_str() {
        "string" => {
            put("minLength", json!(1));
            put("maxLength", json!(MOST_TEXT));
        }
        "array" => put("maxItems", json!(MOST_ITEMS)),
        "integer" => {
            put("minimum", json!(-MOST_COUNT));
            put("maximum", json!(MOST_COUNT));
        }
        _ => {}
    }
}

/// Every break of the schema in `value`, which is filled in where it breaks.
pub fn mend(value: &mut Value) -> Vec<Finding> {
    let mut walk = Walk { findings: Vec::new() };
    walk.value(&SCHEMA, value, &Path::default());
    walk.findings
}

struct Walk {
    findings: Vec<Finding>,
}

/// A schema with its reference followed.
fn resolved(schema: &Value) -> &Value {
    schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| SCHEMA.pointer(reference.trim_start_matches('#')))
        .unwrap_or(schema)
}

/// The codes a schema allows, where it is one of a few.
fn codes(schema: &Value) -> Option<Vec<&str>> {
    if let Some(options) = schema.get("oneOf").and_then(Value::as_array) {
        return options.iter().map(|option| option["const"].as_str()).collect();
    }
    schema.get("enum")?.as_array()?.iter().map(Value::as_str).collect()
}

/// The least value that fits a schema.
fn least(schema: &Value) -> Value {
    let schema = resolved(schema);
    if let Some(first) = codes(schema).and_then(|codes| codes.first().copied()) {
        return json!(first);
    }
    match schema["type"].as_str().unwrap_or_default() {
        "object" => {
            let needed = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            Value::Object(needed.map(|key| (key.to_owned(), least(&schema["properties"][key]))).collect())
        }
        "array" => json!([]),
        "integer" | "number" => match &schema["minimum"] {
            Value::Number(minimum) if minimum.as_f64().is_some_and(|n| n > 0.0) => json!(minimum),
            _ => json!(0),
        },
        "boolean" => json!(false),
        _ if schema["format"] == "cel" => json!("true"),
        _ if schema["format"] == "partial-date" => json!("2000"),
        _ => json!(""),
    }
}

impl Walk {
    fn find(&mut self, path: &Path, found: impl Into<String>, right: impl Into<String>) {
        self.findings.push(Finding::new(path.clone(), found, right));
    }

    fn value(&mut self, schema: &Value, value: &mut Value, path: &Path) {
        let schema = resolved(schema);
        let before = self.findings.len();
        match schema["type"].as_str() {
            _ if codes(schema).is_some() => self.code(&codes(schema).unwrap_or_default(), value, path),
            Some("object") => return self.table(schema, value, path),
            Some("array") => return self.list(schema, value, path),
            Some("string") => self.text(schema, value, path),
            Some("integer" | "number") => self.number(schema, value, path),
            Some("boolean") if !value.is_boolean() => self.find(path, words(value), "write true or false"),
            _ => {}
        }
        if self.findings.len() > before {
            *value = least(schema);
        }
    }

    fn code(&mut self, codes: &[&str], value: &Value, path: &Path) {
        let all = || format!("write one of {}", codes.join(", "));
        match value.as_str() {
            Some(code) if codes.contains(&code) => {}
            Some(code) => {
                let near = crate::protocol::near(code, codes.iter().copied());
                let right = near.map_or_else(all, |near| format!("did you mean `{near}`? {}", all()));
                self.find(path, words(value), right);
            }
            None => self.find(path, words(value), all()),
        }
    }

    fn table(&mut self, schema: &Value, value: &mut Value, path: &Path) {
        let Value::Object(table) = value else {
            self.find(path, words(value), "write a table");
            *value = least(schema);
            return;
        };
        let empty = Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&empty);
        for key in table.keys().cloned().collect::<Vec<_>>() {
            let child = path.key(&key);
            match (properties.get(&key), &schema["additionalProperties"]) {
                (Some(property), _) => self.value(property, &mut table[&key], &child),
                (None, more @ Value::Object(_)) => self.value(more, &mut table[&key], &child),
                (None, Value::Bool(false)) => {
                    let known: Vec<&str> = properties
                        .keys()
                        .map(String::as_str)
                        .filter(|name| !table.contains_key(*name))
                        .collect();
                    let right = hint(&key, known.iter().copied(), || {
                        let all: Vec<&str> = properties.keys().map(String::as_str).collect();
                        format!("this table has {}", all.join(", "))
                    });
                    self.findings.push(
                        Finding::new(child, format!("the key `{key}`, which means nothing here"), right)
                            .at_key(),
                    );
                    table.remove(&key);
                }
                _ => {}
            }
        }
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !table.contains_key(key) {
                let property = &properties[key];
                let what = property["description"]
                    .as_str()
                    .or_else(|| resolved(property)["description"].as_str())
                    .unwrap_or_default();
                let what = what.split("\n\n").next().unwrap_or_default().replace('\n', " ");
                self.find(
                    &path.key(key),
                    format!("no `{key}`"),
                    format!("it is needed: {what}").trim_end_matches([':', ' ']),
                );
                table.insert(key.to_owned(), least(property));
            }
        }
    }

    fn list(&mut self, schema: &Value, value: &mut Value, path: &Path) {
        let Value::Array(list) = value else {
            self.find(path, words(value), "write a list, as in `[1, 2]` or `[[table]]`");
            *value = json!([]);
            return;
        };
        let most = schema["maxItems"].as_u64().unwrap_or(MOST_ITEMS);
        if list.len() as u64 > most {
            self.find(
                path,
                format!("a list of {} entries", list.len()),
                format!("at most {most} can stand here"),
            );
            list.clear();
        }
        let least = schema["minItems"].as_u64().unwrap_or(0);
        if (list.len() as u64) < least {
            self.find(
                path,
                format!("a list of {} entries", list.len()),
                format!("at least {least} must stand here"),
            );
        }
        for (index, item) in list.iter_mut().enumerate() {
            self.value(&schema["items"], item, &path.index(index));
        }
    }

    fn text(&mut self, schema: &Value, value: &Value, path: &Path) {
        let Some(text) = value.as_str() else {
            return self.find(path, words(value), "write a text in quotes");
        };
        match schema["format"].as_str() {
            Some("cel") => {
                for error in Condition::parse_all(text).err().unwrap_or_default() {
                    let mut finding =
                        Finding::new(path.clone(), format!("the condition `{text}`"), error.message);
                    finding.within = error.at.map(|at| (text.to_owned(), at));
                    self.findings.push(finding);
                }
            }
            Some("partial-date") => {
                if let Err(wrong) = PartialDate::parse(text) {
                    self.find(path, words(value), wrong.to_string());
                }
            }
            _ => {
                let length = text.chars().count() as u64;
                let most = schema["maxLength"].as_u64().unwrap_or(MOST_TEXT);
                if length > most {
                    self.find(
                        path,
                        format!("a text of {length} characters"),
                        format!("at most {most} can stand here"),
                    );
                }
                if text.trim().is_empty() {
                    self.find(path, words(value), "write something, or leave the key out");
                }
            }
        }
    }

    fn number(&mut self, schema: &Value, value: &Value, path: &Path) {
        let whole = schema["type"] == "integer";
        let Some(number) = value.as_f64() else {
            return self.find(
                path,
                words(value),
                if whole { "write a whole number" } else { "write a number" },
            );
        };
        if whole && value.as_i64().is_none() {
            return self.find(path, words(value), "write a whole number");
        }
        let bound = |key: &str| schema[key].as_f64();
        if let Some(least) = bound("minimum").filter(|least| number < *least) {
            self.find(path, words(value), format!("it must be {least} or more"));
        }
        if let Some(most) = bound("maximum").filter(|most| number > *most) {
            self.find(path, words(value), format!("it must be {most} or less"));
        }
    }
}
