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
            Self::Before(days) => json!(text(plus_days(day, -days))),
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
    /// Where the last item was found: a patient mostly speaks in the order of the form.
    last: usize,
}

impl<'a> Sheet<'a> {
    /// An empty sheet of `form` on `day`.
    pub fn new(form: &'a Form, day: Date) -> Self {
        Self { form, day, values: Map::with_capacity(form.items.len() + form.groups.len()), last: 0 }
    }

    /// Writes `value` where the form has the item and allows the value.
    #[must_use]
    pub fn with(mut self, item: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let known = find_from(&self.form.items, item, &mut self.last);
        if let Some(known) = known.filter(|known| allows(known, &value)) {
            self.values.insert(known.id.clone(), value);
        }
        self
    }

    /// Writes the first of `codes` that the item allows.
    #[must_use]
    pub fn code(mut self, item: &str, codes: &[&str]) -> Self {
        if let Some(known) = find_from(&self.form.items, item, &mut self.last)
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
    pub fn row<'i>(mut self, group: &str, items: impl IntoIterator<Item = (&'i str, Value)>) -> Self {
        let Some(known) = self.form.groups.iter().find(|known| known.id == group) else { return self };
        let row = filled_row(known, items, self.day);
        match self.values.get_mut(group) {
            Some(Value::Array(rows)) => rows.push(row),
            _ => {
                self.values.insert(group.to_owned(), Value::Array(vec![row]));
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
        let items = &self.form.items;
        let stands = |at: usize, values: &Map<String, Value>| within(values, &items[at].id).is_some();
        complete(items, &mut self.values, &self.form.id, self.day, stands);
        self.values
    }
}

fn find<'a>(items: &'a [Item], id: &str) -> Option<&'a Item> {
    items.iter().find(|item| item.id == id)
}

/// The same, looked for from the `last` one found.
fn find_from<'a>(items: &'a [Item], id: &str, last: &mut usize) -> Option<&'a Item> {
    let (before, after) = items.split_at((*last).min(items.len()));
    let at = after
        .iter()
        .position(|item| item.id == id)
        .map(|at| at + before.len())
        .or_else(|| before.iter().position(|item| item.id == id))?;
    *last = at;
    items.get(at)
}

fn filled_row<'i>(group: &Group, items: impl IntoIterator<Item = (&'i str, Value)>, day: Date) -> Value {
    let items = items.into_iter();
    let mut row = Map::with_capacity(items.size_hint().0 + 1);
    let (mut last, mut placed) = (0, 0_u64);
    for (id, value) in items {
        if let Some(item) = find_from(&group.items, id, &mut last).filter(|item| allows(item, &value)) {
            row.insert(item.id.clone(), value);
            placed |= 1_u64.checked_shl(u32::try_from(last).unwrap_or(u32::MAX)).unwrap_or(0);
        }
    }
    let stands = |at: usize, row: &Map<String, Value>| {
        if at < 64 { (placed >> at) & 1 == 1 } else { row.contains_key(&group.items[at].id) }
    };
    complete(&group.items, &mut row, &group.id, day, stands);
    Value::Object(row)
}

/// A value; of few, looking through them is quicker than hashing.
fn within<'v>(values: &'v Map<String, Value>, id: &str) -> Option<&'v Value> {
    if values.len() > 12 {
        return values.get(id);
    }
    values.iter().find(|(known, _)| *known == id).map(|(_, value)| value)
}

/// What is shown only under a condition is taken out where it does not hold, and what is required is filled where it does.
///
/// `stands` tells whether the item at a place had a value before.
fn complete(
    items: &[Item],
    values: &mut Map<String, Value>,
    form: &str,
    day: Date,
    stands: impl Fn(usize, &Map<String, Value>) -> bool,
) {
    for (at, item) in items.iter().enumerate() {
        if item.when.is_none() && !item.required {
            continue;
        }
        let stands = stands(at, values);
        if stands && item.when.is_none() || !stands && !item.required {
            continue;
        }
        let shown = item.when.as_ref().is_none_or(|when| {
            let lookup = |name: &str| {
                within(values, name.strip_prefix(form).map_or(name, |rest| rest.trim_start_matches('.')))
            };
            // Of nothing at all nothing is true, unless it is the nothing that is asked for.
            let told = when.reads_absence() || when.names().iter().any(|name| lookup(name).is_some());
            told && when.evaluate_by(&lookup) == Verdict::True
        });
        if !shown {
            if stands {
                values.shift_remove(&item.id);
            }
        } else if !stands {
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

/// A day as a form has it: YYYY-MM-DD.
pub fn text(day: Date) -> String {
    let Ok(year) = u16::try_from(day.year()) else { return day.to_string() };
    let (month, of_month) = (day.month().unsigned_abs().into(), day.day().unsigned_abs().into());
    let mut text = String::with_capacity(10);
    for (number, digits) in [(year, 4), (month, 2), (of_month, 2)] {
        if digits == 2 {
            text.push('-');
        }
        for place in (0..digits).rev() {
            text.push(char::from_digit(u32::from(number / 10_u16.pow(place) % 10), 10).unwrap_or('0'));
        }
    }
    text
}

/// The forms of a concept.
pub fn forms_of(protocol: &Protocol, concept: Concept) -> impl Iterator<Item = &Form> {
    protocol.forms.iter().filter(move |form| form.concept == concept)
}
