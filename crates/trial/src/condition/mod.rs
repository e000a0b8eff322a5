//! Conditions of the protocol file: CEL expressions with three values: true, false, unknown (and what is missing).
//!
//! The connectives `&&`, `||`, `!` and `?:` follow Kleene's tables (Introduction to Metamathematics, 1952, section 64) over
//! CEL's syntax tree; what is neither a connective nor a comparison goes to the CEL interpreter, and a leaf with a missing
//! name is unknown. Never decides what an unknown means to its caller. The language is CEL's own
//! (<https://github.com/google/cel-spec>), narrowed to what a reviewer can read: see `compile`.

mod compile;
mod evaluate;
mod kinds;
mod words;

pub use kinds::Kind;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A condition may be at most so long, in bytes.
pub const MOST_BYTES: usize = 2_000;

/// What a condition reads: dotted names (`ecog.ECOG`, `derived.opd_lesions`) to values.
#[derive(Clone, Debug, Default)]
pub struct Facts(BTreeMap<String, Value>);

impl Facts {
    /// No facts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a value under a name, in the place of an earlier one. A null says that nothing is known.
    pub fn insert(&mut self, name: &str, value: Value) {
        if value.is_null() {
            self.0.remove(name);
        } else {
            self.0.insert(name.to_owned(), value);
        }
    }

    /// Puts a number that is known to lie between two bounds only; a comparison that both decide alike is decided.
    pub fn insert_span(&mut self, name: &str, least: i64, most: i64) {
        self.insert(name, serde_json::json!({ evaluate::LEAST: least, evaluate::MOST: most }));
    }

    /// The value under a name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

/// The value of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It is not decided: these inputs are missing, or are dates too partial to decide by.
    Unknown {
        /// Dotted names, sorted, each once.
        missing: Vec<String>,
    },
}

/// A condition that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConditionError {
    /// What is wrong and what would be right.
    pub message: String,
    /// Byte offset in the condition, where it is known.
    pub at: Option<usize>,
}

/// A parsed condition. Equal to another where the text is the same.
#[derive(Clone, Debug)]
pub struct Condition {
    text: String,
    truth: compile::Truth,
    names: BTreeSet<String>,
    reads_absence: bool,
}

impl Condition {
    /// Parses a CEL expression. The error is the first that was found.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        Self::parse_all(text).map_err(|mut errors| errors.swap_remove(0))
    }

    /// Parses a CEL expression. The errors are all that were found, at least one, the first of them first.
    pub fn parse_all(text: &str) -> Result<Self, Vec<ConditionError>> {
        let truth = compile::compile(text)?;
        let mut names = BTreeSet::new();
        truth.names(&mut names);
        Ok(Self { text: text.to_owned(), reads_absence: truth.reads_absence(), truth, names })
    }

    /// Its value under `facts`.
    pub fn evaluate(&self, facts: &Facts) -> Verdict {
        self.evaluate_by(&|name| facts.get(name))
    }

    /// Its value where `lookup` gives the value of a name, none (or null) where nothing is known.
    pub fn evaluate_by<'a>(&self, lookup: &dyn Fn(&str) -> Option<&'a Value>) -> Verdict {
        evaluate::evaluate(&self.truth, lookup)
    }

    /// The dotted names it reads.
    pub fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// True where it asks by `given(name)` whether something was given at all. Such a condition may become false by a new
    /// fact, so it is for closed forms only.
    pub fn reads_absence(&self) -> bool {
        self.reads_absence
    }

    /// What in it cannot work where `kind` tells the kind of each name: numbers compared with texts, codes that do not
    /// exist, texts taken for a truth. A name without a kind is left alone.
    pub fn mismatches(&self, kind: &dyn Fn(&str) -> Option<Kind>) -> Vec<ConditionError> {
        kinds::mismatches(&self.truth, kind)
    }

    /// It in words, where `name` tells how a name is called and `code` how a text that is compared with the name is,
    /// and `is_date` which names are dates; none where a part of it can be read as CEL only.
    pub fn in_words(
        &self,
        name: &dyn Fn(&str) -> String,
        code: &dyn Fn(&str, &str) -> String,
        is_date: &dyn Fn(&str) -> bool,
    ) -> Option<String> {
        words::words(&self.truth, &words::Names { name, is_date, code })
    }

    /// The text it was parsed from.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Condition {}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl FromStr for Condition {
    type Err = ConditionError;
    fn from_str(text: &str) -> Result<Self, ConditionError> {
        Self::parse(text)
    }
}

impl Serialize for Condition {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Cow::<str>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Condition {
    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "cel",
            "minLength": 1,
            "maxLength": MOST_BYTES,
            "description": "A condition in CEL over items of forms (`form.ITEM`) and derived names (`derived.name`), with \
                three values: true, false, unknown. Dates compare as dates, `days(from, to)` counts days between them.",
        })
    }
}
