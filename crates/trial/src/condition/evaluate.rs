//! The value of a compiled condition under facts.
//!
//! A date of reduced precision is the span of days it can mean, and a comparison that comes out differently over the span
//! is unknown; so is one between kinds that do not compare. Never panics, whatever the facts.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use cel::{Context, Env};
use jiff::civil::Date;
use serde_json::Value;

use super::Verdict;
use super::compile::{Comparison, Leaf, Operand, Truth, days_name};
use crate::date::{PartialDate, days_between};

/// Keys of a number that is known between bounds (`Facts::insert_span`).
pub const LEAST: &str = "least";
/// As `LEAST`.
pub const MOST: &str = "most";

type Lookup<'l, 'a> = &'l dyn Fn(&str) -> Option<&'a Value>;

/// The standard library of CEL, made once: making it costs more than many evaluations.
static LIBRARY: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// A value, as far as it is known: a number is a span of which it is one point.
#[derive(Clone, Debug, PartialEq)]
enum Known<'a> {
    Number { least: f64, most: f64 },
    Text(Cow<'a, str>),
    Truth(bool),
}

fn point(number: f64) -> Known<'static> {
    Known::Number { least: number, most: number }
}

pub fn evaluate(truth: &Truth, lookup: Lookup<'_, '_>) -> Verdict {
    let mut missing = Vec::new();
    match of(truth, lookup, &mut missing) {
        Some(true) => Verdict::True,
        Some(false) => Verdict::False,
        None => {
            missing.sort_unstable();
            missing.dedup();
            Verdict::Unknown { missing: missing.into_iter().map(str::to_owned).collect() }
        }
    }
}

/// None is unknown; only then something was added to `missing`.
fn of<'t>(truth: &'t Truth, lookup: Lookup<'_, '_>, missing: &mut Vec<&'t str>) -> Option<bool> {
    let before = missing.len();
    let value = match truth {
        Truth::Constant(value) => Some(*value),
        Truth::Name(name) => named(name, lookup, missing),
        Truth::Given(name) => Some(lookup(name).is_some_and(|value| !value.is_null())),
        Truth::Not(of_what) => of(of_what, lookup, missing).map(|value| !value),
        Truth::And(a, b) => match of(a, lookup, missing) {
            Some(false) => Some(false),
            Some(true) => of(b, lookup, missing),
            None => of(b, lookup, missing).filter(|b| !b),
        },
        Truth::Or(a, b) => match of(a, lookup, missing) {
            Some(true) => Some(true),
            Some(false) => of(b, lookup, missing),
            None => of(b, lookup, missing).filter(|b| *b),
        },
        Truth::If(condition, yes, no) => match of(condition, lookup, missing) {
            Some(true) => of(yes, lookup, missing),
            Some(false) => of(no, lookup, missing),
            // Decided all the same where both ways lead to one value.
            None => {
                let (yes, no) = (of(yes, lookup, missing), of(no, lookup, missing));
                yes.filter(|yes| no == Some(*yes))
            }
        },
        Truth::Same(a, b) => {
            let (a, b) = (of(a, lookup, missing), of(b, lookup, missing));
            a.zip(b).map(|(a, b)| a == b)
        }
        Truth::Compare(how, a, b) => compared(*how, a, b, lookup, missing),
        Truth::Member(value, among) => member(value, among, lookup, missing),
        Truth::Call(leaf) => match by_cel(leaf, lookup, missing) {
            Some(Known::Truth(value)) => Some(value),
            Some(_) => undecided(&leaf.names, missing),
            None => None,
        },
    };
    if value.is_some() {
        missing.truncate(before);
    }
    value
}

fn undecided<'t, T>(names: &'t [String], missing: &mut Vec<&'t str>) -> Option<T> {
    missing.extend(names.iter().map(String::as_str));
    None
}

/// A name that stands for a truth: true and false, or `Y` and `N` as forms have them.
fn named<'t>(name: &'t str, lookup: Lookup<'_, '_>, missing: &mut Vec<&'t str>) -> Option<bool> {
    match lookup(name) {
        Some(Value::Bool(value)) => Some(*value),
        Some(Value::String(code)) if code == "Y" => Some(true),
        Some(Value::String(code)) if code == "N" => Some(false),
        _ => {
            missing.push(name);
            None
        }
    }
}

fn compared<'t>(
    how: Comparison,
    a: &'t Operand,
    b: &'t Operand,
    lookup: Lookup<'_, '_>,
    missing: &mut Vec<&'t str>,
) -> Option<bool> {
    let (left, right) = (value(a, lookup, missing), value(b, lookup, missing));
    let (left, right) = (left?, right?);
    let decided = compare(how, &left, &right);
    if decided.is_none() {
        name(a, missing);
        name(b, missing);
    }
    decided
}

fn member<'t>(
    of_what: &'t Operand,
    among: &'t [Operand],
    lookup: Lookup<'_, '_>,
    missing: &mut Vec<&'t str>,
) -> Option<bool> {
    let mut unknown = false;
    for candidate in among {
        match compared(Comparison::Equal, of_what, candidate, lookup, missing) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => unknown = true,
        }
    }
    if unknown { None } else { Some(false) }
}

/// Adds the names an operand reads.
fn name<'t>(operand: &'t Operand, missing: &mut Vec<&'t str>) {
    match operand {
        Operand::Name(of) => missing.push(of),
        Operand::Number(_) | Operand::Text(_) => {}
        Operand::Days(from, to) => {
            name(from, missing);
            name(to, missing);
        }
        Operand::Cel(leaf) => missing.extend(leaf.names.iter().map(String::as_str)),
    }
}

fn value<'v, 't: 'v, 'a: 'v>(
    operand: &'t Operand,
    lookup: Lookup<'_, 'a>,
    missing: &mut Vec<&'t str>,
) -> Option<Known<'v>> {
    match operand {
        Operand::Number(number) => Some(point(*number)),
        Operand::Text(text) => Some(Known::Text(text.as_str().into())),
        Operand::Name(name) => {
            let known = lookup(name).and_then(of_json);
            if known.is_none() {
                missing.push(name);
            }
            known
        }
        Operand::Days(from, to) => days(from, to, lookup, missing),
        Operand::Cel(leaf) => by_cel(leaf, lookup, missing),
    }
}

fn of_json(value: &Value) -> Option<Known<'_>> {
    match value {
        Value::Number(number) => number.as_f64().map(point),
        Value::String(text) => Some(Known::Text(text.as_str().into())),
        Value::Bool(value) => Some(Known::Truth(*value)),
        Value::Object(span) => {
            let bound = |key: &str| span.get(key).and_then(Value::as_f64);
            Some(Known::Number { least: bound(LEAST)?, most: bound(MOST)? })
        }
        Value::Null | Value::Array(_) => None,
    }
}

fn days<'v, 't: 'v>(
    from: &'t Operand,
    to: &'t Operand,
    lookup: Lookup<'_, '_>,
    missing: &mut Vec<&'t str>,
) -> Option<Known<'v>> {
    let mut date = |operand: &'t Operand| {
        let date = match value(operand, lookup, missing)? {
            Known::Text(text) => PartialDate::read(&text),
            Known::Number { .. } | Known::Truth(_) => None,
        };
        if date.is_none() {
            name(operand, missing);
        }
        date
    };
    let (from, to) = (date(from), date(to));
    let (from, to) = (from?, to?);
    Some(Known::Number {
        least: days_between(from.last(), to.first()) as f64,
        most: days_between(from.first(), to.last()) as f64,
    })
}

/// Hands a leaf to the CEL interpreter, once all it reads is known.
fn by_cel<'t>(leaf: &'t Leaf, lookup: Lookup<'_, '_>, missing: &mut Vec<&'t str>) -> Option<Known<'static>> {
    let mut context = Context::with_env(Arc::clone(&LIBRARY));
    let before = missing.len();
    for name in &leaf.names {
        match lookup(name).and_then(of_json) {
            Some(Known::Number { least, most }) if least == most => {
                context.add_variable_from_value(name.clone(), least);
            }
            Some(Known::Text(text)) => context.add_variable_from_value(name.clone(), text.into_owned()),
            Some(Known::Truth(value)) => context.add_variable_from_value(name.clone(), value),
            Some(Known::Number { .. }) | None => missing.push(name),
        }
    }
    for (index, (from, to)) in leaf.days.iter().enumerate() {
        match days(from, to, lookup, missing) {
            Some(Known::Number { least, most }) if least == most => {
                context.add_variable_from_value(days_name(index), least);
            }
            Some(_) => {
                name(from, missing);
                name(to, missing);
            }
            None => {}
        }
    }
    if missing.len() > before {
        return None;
    }
    match context.resolve(&leaf.expr) {
        Ok(cel::Value::Float(number)) if !number.is_nan() => Some(point(number)),
        Ok(cel::Value::Int(number)) => Some(point(number as f64)),
        Ok(cel::Value::UInt(number)) => Some(point(number as f64)),
        Ok(cel::Value::String(text)) => Some(Known::Text(text.as_str().to_owned().into())),
        Ok(cel::Value::Bool(value)) => Some(Known::Truth(value)),
        // Kinds that do not go together, or a division of nothing by nothing: not decided.
        _ => undecided(&leaf.names, missing),
    }
}

fn compare(how: Comparison, a: &Known<'_>, b: &Known<'_>) -> Option<bool> {
    match (a, b) {
        (Known::Number { least: a, most: a_most }, Known::Number { least: b, most: b_most }) => {
            spans(how, (*a, *a_most), (*b, *b_most))
        }
        (Known::Text(a), Known::Text(b)) => match (date_in(how, a), date_in(how, b)) {
            (Some(a), Some(b)) => {
                let day = |date: Date| days_between(jiff::civil::date(2000, 1, 1), date) as f64;
                spans(how, (day(a.first()), day(a.last())), (day(b.first()), day(b.last())))
            }
            _ => Some(match how {
                Comparison::Equal => a == b,
                Comparison::Less => a < b,
                Comparison::LessOrEqual => a <= b,
            }),
        },
        (Known::Truth(a), Known::Truth(b)) if how == Comparison::Equal => Some(a == b),
        _ => None,
    }
}

/// The date a text is. Four digits alone may be a code as well as a year, so for equality they stay a text.
fn date_in(how: Comparison, text: &str) -> Option<PartialDate> {
    PartialDate::read(text).filter(|date| how != Comparison::Equal || !matches!(date, PartialDate::Year(_)))
}

fn spans(how: Comparison, a: (f64, f64), b: (f64, f64)) -> Option<bool> {
    match how {
        Comparison::Equal if a.0 == a.1 && b.0 == b.1 => Some(a.0 == b.0),
        Comparison::Equal => (a.1 < b.0 || b.1 < a.0).then_some(false),
        Comparison::Less if a.1 < b.0 => Some(true),
        Comparison::Less => (a.0 >= b.1).then_some(false),
        Comparison::LessOrEqual if a.1 <= b.0 => Some(true),
        Comparison::LessOrEqual => (a.0 > b.1).then_some(false),
    }
}
