//! A form as it now applies to a subject: each field with its text, whether it is asked, whether it must be filled.
//!
//! Never draws anything and never checks a value. What a new form may start with is `opening`'s.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::entry::{Entry, field_name, text};
use super::sheet::{given, key_of, lookup};
use crate::concept::LESIONS;
use crate::condition::Verdict;
use crate::derive::{Derived, ruling, strategy_of};
use crate::event::Instance;
use crate::id::LesionId;
use crate::progression::of_reader;
use crate::protocol::{Concept, Form, Group, Item, ItemType, Protocol, ProtocolHistory};
use crate::record::{Finding, LesionRole, Record};
use crate::strategy;

/// A form as it now applies.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout<'p> {
    /// Its definition.
    pub form: &'p Form,
    /// Its own items.
    pub fields: Vec<Field<'p>>,
    /// Its repeating groups.
    pub groups: Vec<Rows<'p>>,
}

/// A field.
#[derive(Clone, Debug, PartialEq)]
pub struct Field<'p> {
    /// Its name, as in `LESIONS.0.DIAMETER`.
    pub name: String,
    /// Its item: label, type, unit, codes, least and greatest value.
    pub item: &'p Item,
    /// It must be filled, as things stand.
    pub required: bool,
    /// Whether it is asked.
    pub applies: Applies,
    /// Its value so far, as typed.
    pub text: String,
    /// How to write a value, in words; empty where the choices say it.
    pub hint: String,
}

/// The rows of a repeating group.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows<'p> {
    /// Its definition.
    pub group: &'p Group,
    /// Items whose values, taken together, may stand in one row only.
    pub key: Vec<String>,
    /// The rows so far.
    pub rows: Vec<Vec<Field<'p>>>,
    /// A further row, empty.
    pub blank: Vec<Field<'p>>,
}

/// Whether an item is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applies {
    /// It has no condition, or its condition holds.
    Yes,
    /// Its condition does not hold.
    No,
    /// Not decided: these are missing.
    Unknown {
        /// Names that the condition reads.
        missing: Vec<String>,
    },
}

/// `form` with `values` so far; `record` is what conditions over other forms read.
pub fn layout<'p>(form: &'p Form, values: &Map<String, Value>, record: &Record) -> Layout<'p> {
    let sheet = Sheet { form, values, record };
    let none = Map::new();
    let groups = form.groups.iter().map(|group| {
        let given = values.get(&group.id).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let rows: Vec<Vec<Field<'p>>> = given
            .iter()
            .enumerate()
            .map(|(at, row)| {
                sheet.fields(Some((&group.id, at)), &group.items, row.as_object().unwrap_or(&none))
            })
            .collect();
        let blank = sheet.fields(Some((&group.id, rows.len())), &group.items, &none);
        Rows { group, key: key_of(form, group), rows, blank }
    });
    let groups = groups.collect();
    Layout { form, fields: sheet.fields(None, &form.items, values), groups }
}

impl<'p> Layout<'p> {
    /// Every field, those of the blank rows left out.
    pub fn all(&self) -> impl Iterator<Item = &Field<'p>> {
        self.fields.iter().chain(self.groups.iter().flat_map(|rows| rows.rows.iter().flatten()))
    }

    /// The layout of what `entry` read, with the texts and the row numbers as they were typed: what is shown again after a
    /// fault, so that nothing typed is lost.
    #[must_use]
    pub fn as_typed(mut self, entry: &Entry) -> Self {
        let typed: BTreeMap<&str, &str> =
            entry.typed.iter().rev().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let put = |field: &mut Field<'p>| {
            field.text = typed.get(field.name.as_str()).map_or_else(String::new, |text| (*text).to_owned());
        };
        self.fields.iter_mut().for_each(put);
        for rows in &mut self.groups {
            let numbers = entry.rows.get(&rows.group.id).map_or(&[][..], Vec::as_slice);
            let name = |field: &mut Field<'p>, row: usize| {
                field.name = field_name(Some((&rows.group.id, row)), &field.item.id);
            };
            for (row, number) in rows.rows.iter_mut().zip(numbers) {
                for field in row {
                    name(field, *number);
                    put(field);
                }
            }
            let free = numbers.last().map_or(rows.rows.len(), |last| last + 1);
            rows.blank.iter_mut().for_each(|field| name(field, free));
        }
        self
    }
}

struct Sheet<'p, 'a> {
    form: &'p Form,
    values: &'a Map<String, Value>,
    record: &'a Record,
}

impl<'p, 'a> Sheet<'p, 'a> {
    fn fields(
        &self,
        row: Option<(&str, usize)>,
        items: &'p [Item],
        values: &'a Map<String, Value>,
    ) -> Vec<Field<'p>> {
        items.iter().map(|item| self.field(row, item, values)).collect()
    }

    fn field(&self, row: Option<(&str, usize)>, item: &'p Item, values: &'a Map<String, Value>) -> Field<'p> {
        let verdict = item
            .when
            .as_ref()
            .map(|when| when.evaluate_by(&|name| lookup(self.form, self.record, self.values, values, name)));
        let applies = match verdict {
            None | Some(Verdict::True) => Applies::Yes,
            Some(Verdict::False) => Applies::No,
            Some(Verdict::Unknown { missing }) => Applies::Unknown { missing },
        };
        Field {
            name: field_name(row, &item.id),
            item,
            required: item.required && applies == Applies::Yes,
            applies,
            text: given(values, &item.id).map(text).unwrap_or_default(),
            hint: hint(item),
        }
    }
}

fn hint(item: &Item) -> String {
    let unit = item.unit.as_deref().map(|unit| format!(" {unit}")).unwrap_or_default();
    match (item.kind, item.min, item.max) {
        (ItemType::Date, ..) => "YYYY-MM-DD".into(),
        (ItemType::PartialDate, ..) => "YYYY-MM-DD, or YYYY-MM or YYYY where the rest is not known".into(),
        (ItemType::Integer | ItemType::Decimal, Some(min), Some(max)) => format!("{min} to {max}{unit}"),
        (ItemType::Integer | ItemType::Decimal, Some(min), None) => format!("{min}{unit} or more"),
        (ItemType::Integer | ItemType::Decimal, None, Some(max)) => format!("{max}{unit} or less"),
        (ItemType::Integer, ..) => format!("a whole number{}", unit_in_words(&unit)),
        (ItemType::Decimal, ..) => format!("a number{}", unit_in_words(&unit)),
        (ItemType::Text | ItemType::YesNo | ItemType::Code, ..) => String::new(),
    }
}

fn unit_in_words(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" in{unit}") }
}

/// What a new form may start with: at a follow-up assessment a row for each lesion that is followed, with its name, role and
/// place as last said; on a course of SABR a row for each lesion that waits for one. Nothing of what is to be found out.
pub fn opening(
    history: &ProtocolHistory,
    record: &Record,
    derived: &Derived,
    instance: &Instance,
) -> Map<String, Value> {
    let protocol = history.current();
    let form = protocol.forms.iter().find(|form| form.id == instance.form);
    let group = form.and_then(|form| form.groups.iter().find(|group| group.id == LESIONS));
    let rows = match (form.map(|form| form.concept), group) {
        (Some(Concept::TumourAssessment), Some(group)) => followed(protocol, record, group),
        (Some(Concept::SabrCourse), Some(_)) => waiting(history, record, derived),
        _ => Vec::new(),
    };
    let mut values = Map::new();
    if !rows.is_empty() {
        values.insert(LESIONS.to_owned(), Value::Array(rows.into_iter().map(Value::Object).collect()));
    }
    values
}

/// What of a lesion stays as it is from one assessment to the next.
const LASTING: [&str; 4] = ["TULNKID", "TUORRES", "TULOC", "TULAT"];

fn followed(protocol: &Protocol, record: &Record, group: &Group) -> Vec<Map<String, Value>> {
    let mut lesions: Vec<(&LesionId, Map<String, Value>)> = Vec::new();
    for assessment in of_reader(record, &protocol.tumour.reader) {
        for reading in &assessment.readings {
            lesions.retain(|(lesion, _)| **lesion != reading.lesion);
            let over = match reading.finding {
                Finding::Merged => true,
                Finding::Absent => reading.role == LesionRole::New,
                _ => false,
            };
            if over {
                continue;
            }
            let row = row_of(record, assessment.event, &reading.lesion).into_iter().flatten();
            let lasting = |id: &str| LASTING.contains(&id) && group.items.iter().any(|item| item.id == id);
            let kept = row.filter(|(id, _)| lasting(id)).map(|(id, value)| (id.clone(), value.clone()));
            lesions.push((&reading.lesion, kept.collect()));
        }
    }
    lesions.into_iter().map(|(_, row)| row).collect()
}

/// The row of `lesion` as it was filled.
pub(crate) fn row_of<'a>(
    record: &'a Record,
    event: u64,
    lesion: &LesionId,
) -> Option<&'a Map<String, Value>> {
    let form = record.forms.iter().find(|form| form.event == event)?;
    let rows = form.values.get(LESIONS)?.as_array()?;
    rows.iter()
        .filter_map(Value::as_object)
        .find(|row| given(row, "TULNKID").is_some_and(|id| text(id) == lesion.as_str()))
}

fn waiting(history: &ProtocolHistory, record: &Record, derived: &Derived) -> Vec<Map<String, Value>> {
    let Some(rule) = strategy_of(history, record) else { return Vec::new() };
    let tumour = &ruling(history, record).tumour;
    let at_progression = derived
        .strategy
        .as_ref()
        .and_then(|course| strategy::waiting(rule, record, course))
        .map(|waiting| waiting.untreated);
    let lesions = at_progression
        .or_else(|| strategy::untreated_at_entry(rule, tumour, record).map(|entry| entry.lesions))
        .unwrap_or_default();
    let row = |lesion: LesionId| Map::from_iter([("TULNKID".to_owned(), Value::String(lesion.0))]);
    lesions.into_iter().map(row).collect()
}
