//! A form against its definition: place, types, ranges, codes, what must be filled, edit checks.
//!
//! Never looks at another form, save where an edit check names one.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::{FormFault, Found, Kind};
use crate::concept;
use crate::condition::{Condition, Verdict};
use crate::date::PartialDate;
use crate::event::Instance;
use crate::protocol::{Check, Form, Group, Item, ItemType, Protocol, near};
use crate::record::Record;

/// A text is at most so long, in characters.
const MOST_TEXT: usize = 4_000;
/// A group has at most so many rows.
const MOST_ROWS: usize = 500;
/// No date of a living person's disease lies before this year.
const FIRST_YEAR: i16 = 1900;
/// Items of lesions that no protocol lets be negative.
const LENGTHS_AND_DOSES: [&str; 3] = ["DIAMETER", "PRDOSFRX", "PRNFRX"];

pub struct Sheet<'a> {
    pub protocol: &'a Protocol,
    pub form: &'a Form,
    pub record: &'a Record,
    pub instance: &'a Instance,
    pub values: &'a Map<String, Value>,
    pub today: Date,
    pub faults: Vec<Found>,
    pub row: Option<(String, usize)>,
}

/// A value that was given: neither null nor an empty text.
pub fn given<'a>(values: &'a Map<String, Value>, item: &str) -> Option<&'a Value> {
    values.get(item).filter(|value| !value.is_null() && value.as_str() != Some(""))
}

/// A value in words, cut short.
fn words(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "a row".into(),
        Value::String(text) if text.chars().count() > 60 => {
            format!("{:?}...", text.chars().take(60).collect::<String>())
        }
        other => other.to_string(),
    }
}

/// The value a condition reads under `name`: of the row, of the form, or of another form as last filled.
pub fn lookup<'a>(
    form: &Form,
    record: &'a Record,
    values: &'a Map<String, Value>,
    row: &'a Map<String, Value>,
    name: &str,
) -> Option<&'a Value> {
    match name.split_once('.') {
        Some((other, item)) if other != form.id => {
            let filled = record.forms.iter().rev().find(|filled| filled.instance.form == other)?;
            given(&filled.values, item)
        }
        Some((_, item)) => given(row, item).or_else(|| given(values, item)),
        None => given(row, name).or_else(|| given(values, name)),
    }
}

impl<'a> Sheet<'a> {
    pub fn check(&mut self) {
        self.place();
        let groups: Vec<&str> = self.form.groups.iter().map(|group| group.id.as_str()).collect();
        self.items(&self.form.items, self.values, &groups);
        for group in &self.form.groups {
            self.group(group);
        }
        self.checks(&self.form.checks, self.values);
    }

    /// What `check` finds of what must be filled and is empty, and nothing else: a list asks it of every form of every subject.
    pub fn missing(&mut self) {
        self.unfilled(&self.form.items, self.values);
        for group in &self.form.groups {
            let Some(Value::Array(rows)) = self.values.get(&group.id) else { continue };
            if rows.len() > MOST_ROWS {
                continue;
            }
            for (index, row) in rows.iter().enumerate() {
                if let Value::Object(row) = row {
                    self.row = Some((group.id.clone(), index + 1));
                    self.unfilled(&group.items, row);
                }
            }
            self.row = None;
        }
    }

    fn unfilled(&mut self, items: &'a [Item], values: &'a Map<String, Value>) {
        for item in items.iter().filter(|item| item.required && given(values, &item.id).is_none()) {
            let asked = item.when.as_ref().is_none_or(|when| self.verdict(when, values) == Verdict::True);
            if asked {
                self.must_be_filled(item);
            }
        }
    }

    fn must_be_filled(&mut self, item: &Item) {
        let right = format!("it must be filled: {}", item.label);
        self.say(Kind::Missing, &item.id, "nothing", right, true);
        self.rests_on(vec![item.id.clone()]);
    }

    fn fault(&mut self, item: &str, found: impl Into<String>, right: impl Into<String>) {
        self.say(Kind::Value, item, found, right, true);
    }

    fn say(
        &mut self,
        kind: Kind,
        item: &str,
        found: impl Into<String>,
        right: impl Into<String>,
        hard: bool,
    ) {
        let words = (found.into(), right.into());
        let fault = FormFault::new(self.form, self.row.as_ref(), item, words, hard);
        self.faults.push(Found { fault, kind, empty: Vec::new() });
    }

    /// Says that the fault just found rests on `items`, which are empty.
    fn rests_on(&mut self, items: Vec<String>) {
        if let Some(found) = self.faults.last_mut() {
            found.empty = items;
        }
    }

    fn place(&mut self) {
        let instance = self.instance;
        if instance.occurrence == 0 {
            self.say(Kind::Place, "", "occurrence 0", "occurrences count from 1", true);
        }
        let Some(id) = &instance.visit else { return };
        let visits = &self.protocol.schedule.visits;
        let Some(visit) = visits.iter().find(|visit| visit.id == *id) else {
            let known = || visits.iter().map(|visit| visit.id.as_str());
            let right = near(id, known()).map_or_else(
                || format!("the schedule has {}", known().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean visit {near}?"),
            );
            return self.say(Kind::Place, "", format!("visit {id:?}"), right, true);
        };
        if visit.every_days.is_none() && instance.occurrence > 1 {
            let right = "the visit does not repeat; a further assessment stands without a visit";
            self.say(
                Kind::Place,
                "",
                format!("occurrence {} of visit {id}", instance.occurrence),
                right,
                true,
            );
        }
        if !visit.forms.contains(&self.form.id) {
            let right = format!("at {id} are due {}", visit.forms.join(", "));
            self.say(Kind::Place, "", format!("form {} at visit {id}", self.form.id), right, false);
        }
    }

    fn lookup(&self, row: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
        lookup(self.form, self.record, self.values, row, name)
    }

    fn verdict(&self, condition: &Condition, row: &'a Map<String, Value>) -> Verdict {
        condition.evaluate_by(&|name| self.lookup(row, name))
    }

    fn items(&mut self, items: &'a [Item], values: &'a Map<String, Value>, groups: &[&str]) {
        for name in values.keys() {
            if groups.contains(&name.as_str()) || items.iter().any(|item| item.id == *name) {
                continue;
            }
            let known = || items.iter().map(|item| item.id.as_str()).chain(groups.iter().copied());
            let right = near(name, known()).map_or_else(
                || format!("there is {}", known().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean {near}?"),
            );
            self.say(Kind::Place, name, "an item the form does not have", right, true);
        }
        for item in items {
            let shown = item.when.as_ref().map(|when| self.verdict(when, values));
            match (given(values, &item.id), shown) {
                (Some(value), shown) => {
                    self.value(item, value);
                    if shown == Some(Verdict::False) {
                        let when = item.when.as_ref().map_or("", |when| when.as_str());
                        let right = format!("it is asked only where {when}");
                        self.say(Kind::Value, &item.id, words(value), right, false);
                    }
                }
                (None, None | Some(Verdict::True)) if item.required => self.must_be_filled(item),
                (None, _) => {}
            }
        }
    }

    fn value(&mut self, item: &Item, value: &Value) {
        let id = item.id.as_str();
        match item.kind {
            ItemType::Text => self.text(item, value),
            ItemType::Integer | ItemType::Decimal => self.number(item, value),
            ItemType::Date | ItemType::PartialDate => self.date(item, value),
            ItemType::YesNo => {
                if !matches!(value.as_str(), Some("Y" | "N")) {
                    self.fault(id, words(value), "write Y or N");
                }
            }
            ItemType::Code => {
                if !value.as_str().is_some_and(|code| item.codes.iter().any(|known| known == code)) {
                    let known = || item.codes.iter().map(String::as_str);
                    let all = format!("choose one of {}", item.codes.join(", "));
                    let right = value
                        .as_str()
                        .and_then(|code| near(code, known()))
                        .map_or_else(|| all.clone(), |near| format!("did you mean {near}? {all}"));
                    self.fault(id, words(value), right);
                }
            }
        }
    }

    fn text(&mut self, item: &Item, value: &Value) {
        match value.as_str() {
            None => self.fault(&item.id, words(value), "write a text"),
            Some(text) if text.trim().is_empty() => {
                self.fault(&item.id, "blanks", "write something, or leave it empty");
            }
            Some(text) if text.chars().count() > MOST_TEXT => {
                let found = format!("a text of {} characters", text.chars().count());
                self.fault(&item.id, found, format!("at most {MOST_TEXT}"));
            }
            // 'T1 ' would be another lesion than 'T1'.
            Some(text) if text.trim() != text => {
                self.fault(&item.id, format!("{text:?}"), "write it without blanks at its ends");
            }
            Some(_) => {}
        }
    }

    fn number(&mut self, item: &Item, value: &Value) {
        let unit = item.unit.as_deref().unwrap_or("");
        let Some(number) = value.as_f64() else {
            self.fault(&item.id, words(value), format!("write a number {unit}").trim_end());
            return;
        };
        if item.kind == ItemType::Integer && number.fract() != 0.0 {
            self.fault(&item.id, words(value), "write a whole number");
        }
        let found = format!("{number} {unit}");
        let found = found.trim_end();
        let right = match (item.min.filter(|min| number < *min), item.max.filter(|max| number > *max)) {
            (None, None) if number < 0.0 && LENGTHS_AND_DOSES.contains(&item.id.as_str()) => {
                "it is 0 or more".into()
            }
            (None, None) => return,
            _ => match (item.min, item.max) {
                (Some(min), Some(max)) => format!("it must lie between {min} and {max} {unit}"),
                (Some(min), None) => format!("it must be {min} {unit} or more"),
                (None, Some(max)) => format!("it must be {max} {unit} or less"),
                (None, None) => return,
            },
        };
        self.fault(&item.id, found, right.replace("  ", " ").trim_end());
    }

    fn date(&mut self, item: &Item, value: &Value) {
        let whole = item.kind == ItemType::Date;
        let write = if whole {
            "write YYYY-MM-DD"
        } else {
            "write YYYY-MM-DD, or YYYY-MM or YYYY where the rest is not known"
        };
        let Some(text) = value.as_str() else {
            self.fault(&item.id, words(value), write);
            return;
        };
        match PartialDate::parse(text) {
            Err(_) => self.fault(&item.id, format!("{text:?}, which is no date"), write),
            Ok(date) if whole && date.day().is_none() => {
                self.fault(&item.id, format!("{text:?}"), "the day is needed: write YYYY-MM-DD");
            }
            Ok(date) if date.first() > self.today => {
                let right = format!("it may not lie after the day of entry, {}", self.today);
                self.fault(&item.id, format!("{text:?}"), right);
            }
            Ok(date) if date.first().year() < FIRST_YEAR => {
                self.fault(&item.id, format!("{text:?}"), format!("it may not lie before {FIRST_YEAR}"));
            }
            Ok(_) => {}
        }
    }

    fn group(&mut self, group: &'a Group) {
        let rows = match self.values.get(&group.id) {
            None | Some(Value::Null) => return,
            Some(Value::Array(rows)) => rows,
            Some(other) => {
                self.fault(&group.id, words(other), "write a list of rows");
                return;
            }
        };
        if rows.len() > MOST_ROWS {
            self.fault(&group.id, format!("{} rows", rows.len()), format!("at most {MOST_ROWS}"));
            return;
        }
        let key = key_of(self.form, group);
        let mut seen: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for (index, row) in rows.iter().enumerate() {
            self.row = Some((group.id.clone(), index + 1));
            let Value::Object(row) = row else {
                self.fault("", words(row), "write a row of items");
                continue;
            };
            self.items(&group.items, row, &[]);
            self.checks(&group.checks, row);
            let keyed: Vec<String> =
                key.iter().filter_map(|item| given(row, item)).map(ToString::to_string).collect();
            if key.is_empty() || keyed.len() < key.len() {
                continue;
            }
            match seen.get(&keyed) {
                Some(first) => {
                    let right = format!("it stands in row {first} already; each may stand once");
                    self.fault(&key.join(", "), format!("{} again", keyed.join(", ")), right);
                }
                None => {
                    seen.insert(keyed, index + 1);
                }
            }
        }
        self.row = None;
    }

    fn checks(&mut self, checks: &'a [Check], row: &'a Map<String, Value>) {
        for check in checks {
            if self.verdict(&check.condition, row) != Verdict::False {
                continue;
            }
            let read: Vec<String> = check
                .condition
                .names()
                .iter()
                .map(|name| {
                    format!("{name} {}", self.lookup(row, name).map_or_else(|| "empty".into(), words))
                })
                .collect();
            let empty = check.condition.names().iter().filter(|name| self.lookup(row, name).is_none());
            let empty = empty.cloned().collect();
            self.say(Kind::Check, "", read.join(", "), check.message.clone(), check.hard);
            self.rests_on(empty);
        }
    }
}

/// What may stand in one row only; a lesion, whatever the protocol says, where the form's concept knows lesions.
pub fn key_of(form: &Form, group: &Group) -> Vec<String> {
    let lesion = "TULNKID";
    let of_lesions = concept::items(form.concept)
        .iter()
        .any(|known| known.group == Some(group.id.as_str()) && known.id == lesion);
    if group.key.is_empty() && of_lesions { vec![lesion.to_owned()] } else { group.key.clone() }
}
