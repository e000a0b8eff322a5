//! Fills a form as its protocol defines it: what the virtual patient has to say, under the items that the form knows.
//!
//! Never writes an item that the form does not have or a code that it does not allow, so that the same patient fits any
//! trial's forms. What the patient says nothing of, but the form requires, gets a plain value.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value, json};
use trial::condition::Verdict;
use trial::date::plus_days;
use trial::protocol::{Concept, Form, Group, Item, ItemType, Protocol};

/// A value of an item that does not depend on the subject, or one that is a number of days before the day of the form.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// The value itself.
    Plain(Value),
    /// A date so many days before.
    Before(i64),
}

impl Choice {
    /// The value on a form of `day`.
    pub fn on(&self, day: Date) -> Value {
        match self {
            Self::Plain(value) => value.clone(),
            Self::Before(days) => json!(plus_days(day, -days).to_string()),
        }
    }
}

/// Values that were chosen for items, by item id.
pub type Choices = BTreeMap<String, Choice>;

/// A form being filled.
#[derive(Clone)]
pub struct Sheet<'a> {
    form: &'a Form,
    day: Date,
    values: Map<String, Value>,
}

impl<'a> Sheet<'a> {
    /// An empty sheet of `form` on `day`.
    pub fn new(form: &'a Form, day: Date) -> Self {
        Self { form, day, values: Map::new() }
    }

    /// Writes `value` where the form has the item and allows the value.
    #[must_use]
    pub fn with(mut self, item: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if let Some(known) = find(&self.form.items, item).filter(|known| allows(known, &value)) {
            self.values.insert(known.id.clone(), value);
        }
        self
    }

    /// Writes the first of `codes` that the item allows.
    #[must_use]
    pub fn code(mut self, item: &str, codes: &[&str]) -> Self {
        if let Some(known) = find(&self.form.items, item)
            && let Some(code) = codes.iter().map(|code| json!(code)).find(|code| allows(known, code))
        {
            self.values.insert(known.id.clone(), code);
        }
        self
    }

    /// Writes every choice, over what stands.
    #[must_use]
    pub fn choose(mut self, choices: &Choices) -> Self {
        for (item, choice) in choices {
            if find(&self.form.items, item).is_some() {
                self.values.insert(item.clone(), choice.on(self.day));
            }
        }
        self
    }

    /// Adds a row to `group` where the form has it; each item as `with` would.
    #[must_use]
    pub fn row(mut self, group: &str, items: &[(&str, Value)]) -> Self {
        let Some(known) = self.form.groups.iter().find(|known| known.id == group) else { return self };
        let row = filled_row(known, items, self.day);
        match self.values.get_mut(group) {
            Some(Value::Array(rows)) => rows.push(row),
            _ => {
                self.values.insert(group.to_owned(), json!([row]));
            }
        }
        self
    }

    /// True where the item has a value.
    pub fn has(&self, item: &str) -> bool {
        self.values.contains_key(item)
    }

    /// The values, with a plain one wherever the form requires one and none stands.
    pub fn values(mut self) -> Map<String, Value> {
        complete(&self.form.items, &mut self.values, &self.form.id, self.day);
        self.values
    }
}

fn find<'a>(items: &'a [Item], id: &str) -> Option<&'a Item> {
    items.iter().find(|item| item.id == id)
}

fn filled_row(group: &Group, items: &[(&str, Value)], day: Date) -> Value {
    let mut row = Map::new();
    for (id, value) in items {
        if let Some(item) = find(&group.items, id).filter(|item| allows(item, value)) {
            row.insert(item.id.clone(), value.clone());
        }
    }
    complete(&group.items, &mut row, &group.id, day);
    Value::Object(row)
}

/// What is shown only under a condition is taken out where it does not hold, and what is required is filled where it does.
fn complete(items: &[Item], values: &mut Map<String, Value>, form: &str, day: Date) {
    for item in items {
        let shown = item.when.as_ref().is_none_or(|when| {
            let lookup = |name: &str| {
                values.get(name.strip_prefix(form).map_or(name, |rest| rest.trim_start_matches('.')))
            };
            when.evaluate_by(&lookup) == Verdict::True
        });
        if !shown {
            values.remove(&item.id);
        } else if item.required && !values.contains_key(&item.id) {
            values.insert(item.id.clone(), plain(item).on(day));
        }
    }
}

/// True where `value` can stand under `item`.
pub fn allows(item: &Item, value: &Value) -> bool {
    match item.kind {
        ItemType::Code => value.as_str().is_some_and(|code| item.codes.iter().any(|known| known == code)),
        ItemType::YesNo => matches!(value.as_str(), Some("Y" | "N")),
        ItemType::Integer | ItemType::Decimal => value.as_f64().is_some_and(|number| {
            item.min.is_none_or(|min| number >= min) && item.max.is_none_or(|max| number <= max)
        }),
        ItemType::Text | ItemType::Date | ItemType::PartialDate => value.is_string(),
    }
}

/// The value an item gets when nothing is known of it.
pub fn plain(item: &Item) -> Choice {
    candidates(item).into_iter().next().unwrap_or(Choice::Plain(json!("as in the source")))
}

/// Values to try under an item, the plainest first; none for a text.
pub fn candidates(item: &Item) -> Vec<Choice> {
    match item.kind {
        ItemType::YesNo => ["N", "Y"].map(|code| Choice::Plain(json!(code))).to_vec(),
        ItemType::Code => item.codes.iter().map(|code| Choice::Plain(json!(code))).collect(),
        ItemType::Integer => {
            let low = item.min.unwrap_or(0.0);
            let high = item.max.unwrap_or(low + 10.0).min(low + 10.0);
            let (low, high) = (crate::chance::days(low.ceil()), crate::chance::days(high));
            (low..=high).map(|number| Choice::Plain(json!(number))).collect()
        }
        ItemType::Decimal => {
            let (low, high) = (item.min.unwrap_or(0.0), item.max.unwrap_or(100.0));
            [0.5, 0.25, 0.75, 0.0, 1.0].map(|share| Choice::Plain(json!(low + share * (high - low)))).to_vec()
        }
        // From what was a while ago to what was yesterday and years before.
        ItemType::Date | ItemType::PartialDate => {
            [45, 20, 90, 150, 250, 400, 700, 1_100, 1_800, 0].map(Choice::Before).to_vec()
        }
        ItemType::Text => Vec::new(),
    }
}

/// The forms of a concept.
pub fn forms_of(protocol: &Protocol, concept: Concept) -> impl Iterator<Item = &Form> {
    protocol.forms.iter().filter(move |form| form.concept == concept)
}
