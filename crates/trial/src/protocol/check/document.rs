//! A TOML file as JSON values, with the bytes each stands at.
//!
//! Never judges a value, save that a number must be finite.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

use super::place::{Finding, Path, Step};

/// An error of TOML's own grammar.
pub struct SyntaxError {
    pub span: Range<usize>,
    pub found: String,
    pub right: String,
}

/// A parsed file.
pub struct Document<'a> {
    source: &'a str,
    root: Node,
    findings: Vec<Finding>,
}

struct Node {
    key: Option<Range<usize>>,
    span: Range<usize>,
    what: What,
}

enum What {
    Leaf(Value),
    Table(Vec<(String, Node)>, BTreeMap<String, usize>),
    List(Vec<Node>),
}

impl<'a> Document<'a> {
    pub fn parse(source: &'a str) -> Result<Self, Vec<SyntaxError>> {
        let (table, errors) = DeTable::parse_recoverable(source);
        if !errors.is_empty() {
            return Err(errors.iter().map(syntax_error).collect());
        }
        let mut findings = Vec::new();
        let what = table_of(table.get_ref(), &Path::default(), &mut findings);
        Ok(Self { source, root: Node { key: None, span: 0..0, what }, findings })
    }

    /// The whole as JSON.
    pub fn value(&self) -> Value {
        json(&self.root)
    }

    /// Numbers that are no numbers.
    pub fn findings(&self) -> Vec<Finding> {
        self.findings.clone()
    }

    /// The bytes a finding speaks of. Where its path leads nowhere, as for a missing key, the table it is missing from.
    pub fn span(&self, finding: &Finding) -> Range<usize> {
        let mut node = &self.root;
        let mut reached = true;
        for step in &finding.path.0 {
            let next = match (step, &node.what) {
                (Step::Key(key), What::Table(keys, places)) => {
                    places.get(key).and_then(|at| keys.get(*at)).map(|(_, n)| n)
                }
                (Step::Index(index), What::List(items)) => items.get(*index),
                _ => None,
            };
            let Some(next) = next else {
                reached = false;
                break;
            };
            node = next;
        }
        let table = matches!(node.what, What::Table(..));
        match &node.key {
            Some(key) if finding.at_key || (!reached && table) || (table && node.span.is_empty()) => {
                key.clone()
            }
            _ => self.within(node, finding.within.as_ref().filter(|_| reached)),
        }
    }

    fn within(&self, node: &Node, within: Option<&(String, usize)>) -> Range<usize> {
        let span = node.span.clone();
        let Some((text, at)) = within else { return span };
        // A text written with escapes does not stand in the file as it reads: then the whole value is meant.
        match self.source.get(span.clone()).and_then(|raw| raw.find(text.as_str())) {
            Some(start) if *at < text.len() => span.start + start + at..span.start + start + text.len(),
            _ => span,
        }
    }
}

fn syntax_error(error: &toml::de::Error) -> SyntaxError {
    let message = error.message().trim().replace('\n', "; ");
    let (found, right) = match message.split_once(", expected ") {
        Some((found, expected)) => (found.to_owned(), format!("TOML expects {expected} here")),
        None => (message, "write TOML, as in `key = \"text\"`, `[table]` or `[[list]]`".to_owned()),
    };
    SyntaxError { span: error.span().unwrap_or(0..0), found, right }
}

fn table_of(table: &DeTable<'_>, path: &Path, findings: &mut Vec<Finding>) -> What {
    let mut keys: Vec<(String, Node)> = Vec::with_capacity(table.len());
    for (key, value) in table {
        let name = key.get_ref().to_string();
        let node = node_of(Some(key.span()), value.span(), value.get_ref(), &path.key(&name), findings);
        keys.push((name, node));
    }
    // In the order of the file, whatever the order of the map.
    keys.sort_by_key(|(_, node)| node.key.as_ref().map_or(0, |key| key.start));
    let places = keys.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect();
    What::Table(keys, places)
}

fn node_of(
    key: Option<Range<usize>>,
    span: Range<usize>,
    value: &DeValue<'_>,
    path: &Path,
    findings: &mut Vec<Finding>,
) -> Node {
    let what = match value {
        DeValue::Table(table) => table_of(table, path, findings),
        DeValue::Array(list) => What::List(
            list.iter()
                .enumerate()
                .map(|(index, item)| node_of(None, item.span(), item.get_ref(), &path.index(index), findings))
                .collect(),
        ),
        DeValue::String(text) => What::Leaf(Value::String(text.to_string())),
        DeValue::Boolean(value) => What::Leaf(Value::Bool(*value)),
        DeValue::Datetime(date) => What::Leaf(Value::String(date.to_string())),
        DeValue::Integer(number) => What::Leaf(
            i64::from_str_radix(number.as_str(), number.radix())
                .map_or_else(|_| unusable(number.as_str(), path, findings), Value::from),
        ),
        DeValue::Float(number) => What::Leaf(
            number
                .as_str()
                .parse::<f64>()
                .ok()
                .and_then(finite)
                .unwrap_or_else(|| unusable(number.as_str(), path, findings)),
        ),
    };
    Node { key, span, what }
}

fn unusable(number: &str, path: &Path, findings: &mut Vec<Finding>) -> Value {
    findings.push(Finding::new(
        path.clone(),
        format!("the number {number}"),
        "write a finite number, not beyond 2^63",
    ));
    Value::from(0)
}

/// A number as JSON; one without a fraction as a whole number, since `1.0` and `1` mean one thing in a protocol.
fn finite(number: f64) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        #[allow(clippy::cast_possible_truncation)] // within 2^53
        return Some(Value::from(number as i64));
    }
    Number::from_f64(number).map(Value::Number)
}

fn json(node: &Node) -> Value {
    match &node.what {
        What::Leaf(value) => value.clone(),
        What::List(items) => Value::Array(items.iter().map(json).collect()),
        What::Table(keys, _) => {
            Value::Object(keys.iter().map(|(key, node)| (key.clone(), json(node))).collect::<Map<_, _>>())
        }
    }
}
