//! Where in a protocol file something stands, and what was found there.
//!
//! Never knows bytes (see `document`) and never judges, save the one rule that spans all tables: `assumed` names keys that
//! are there.

use std::fmt;

use serde_json::Value;

use crate::protocol::near;

/// A step into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Key(String),
    Index(usize),
}

/// A way into a document, as in `arms[1].ratio`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(pub Vec<Step>);

impl Path {
    pub fn key(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Key(key.to_owned()));
        Self(steps)
    }

    pub fn index(&self, index: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Index(index));
        Self(steps)
    }

    pub fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if place == 0 => write!(f, "{key}")?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A fault that has a place but no bytes yet.
#[derive(Clone, Debug)]
pub struct Finding {
    pub path: Path,
    /// The key is meant, not its value.
    pub at_key: bool,
    /// Byte within the value's text, where only a part of it is meant.
    pub within: Option<(String, usize)>,
    /// What it was concluded from, beside the value at `path`: where one of these was itself at fault, this is no more.
    pub rests_on: Vec<Path>,
    pub found: String,
    pub right: String,
}

impl Finding {
    pub fn new(path: Path, found: impl Into<String>, right: impl Into<String>) -> Self {
        let rests_on = Vec::new();
        Self { path, at_key: false, within: None, rests_on, found: found.into(), right: right.into() }
    }

    pub fn resting_on(mut self, paths: impl IntoIterator<Item = Path>) -> Self {
        self.rests_on.extend(paths);
        self
    }

    pub fn at_key(mut self) -> Self {
        self.at_key = true;
        self
    }
}

/// `did you mean x?` where something known is near, else the words of `otherwise`.
pub fn hint<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    otherwise: impl FnOnce() -> String,
) -> String {
    near(name, known).map_or_else(otherwise, |near| format!("did you mean `{near}`?"))
}

/// A value in words, cut short.
pub fn words(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(value) => format!("{value}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) if text.is_empty() => "an empty text".into(),
        Value::String(text) if text.chars().count() > 60 => {
            format!("the text {:?}...", text.chars().take(60).collect::<String>())
        }
        Value::String(text) => format!("the text {text:?}"),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "a table".into(),
    }
}

/// Every `assumed` that names a key its table does not have.
pub fn assumed(value: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    look(value, &Path::default(), &mut findings);
    findings
}

fn look(value: &Value, path: &Path, findings: &mut Vec<Finding>) {
    match value {
        Value::Object(table) => {
            let keys =
                || table.keys().map(String::as_str).filter(|key| !matches!(*key, "assumed" | "source"));
            let named = table.get("assumed").and_then(Value::as_array).into_iter().flatten();
            for (index, name) in named.enumerate() {
                let Some(name) = name.as_str().filter(|name| !keys().any(|key| key == *name)) else {
                    continue;
                };
                let right = hint(name, keys(), || {
                    format!(
                        "`assumed` names keys of its own table: {}",
                        keys().collect::<Vec<_>>().join(", ")
                    )
                });
                findings.push(Finding::new(
                    path.key("assumed").index(index),
                    format!("{name:?}, not a key here"),
                    right,
                ));
            }
            for (key, value) in table {
                look(value, &path.key(key), findings);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                look(value, &path.index(index), findings);
            }
        }
        _ => {}
    }
}
