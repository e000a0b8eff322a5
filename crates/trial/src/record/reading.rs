//! Reads the JSON values of one filled form as what its concept says they are, and keeps every fault with its place.
//!
//! Never drops a value silently: what cannot be read becomes a `RecordFault`.

use std::borrow::Cow;

use jiff::civil::Date;
use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;
use serde_json::{Map, Value};

use super::{FilledForm, RecordFault};
use crate::date::PartialDate;
use crate::event::{Instance, Seq};

/// Where a form stands, in words: `tumour, visit FOLLOWUP 3`.
pub fn place(instance: &Instance) -> String {
    match &instance.visit {
        Some(visit) => format!("{}, visit {visit} {}", instance.form, instance.occurrence),
        None => format!("{}, entry {}", instance.form, instance.occurrence),
    }
}

/// One map of values (a form, or a row of a group) being read.
pub struct Values<'a> {
    map: &'a Map<String, Value>,
    event: Seq,
    instance: &'a Instance,
    row: Option<(&'a str, usize)>,
}

impl<'a> Values<'a> {
    /// The values of the form itself.
    pub fn of(form: &'a FilledForm) -> Self {
        Self { map: &form.values, event: form.event, instance: &form.instance, row: None }
    }

    /// The rows of a repeating group; an absent group has none.
    pub fn rows(&self, group: &'a str, faults: &mut Vec<RecordFault>) -> Vec<Values<'a>> {
        let rows = match self.map.get(group) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(rows)) => rows,
            Some(other) => {
                self.fault(group, &format!("{other} is no list of rows"), faults);
                return Vec::new();
            }
        };
        let mut read = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            match row {
                Value::Object(map) => read.push(Values { map, row: Some((group, index)), ..*self }),
                other => {
                    self.fault(&format!("{group} row {}", index + 1), &format!("{other} is no row"), faults);
                }
            }
        }
        read
    }

    /// Records that `item` could not be read.
    pub fn fault(&self, item: &str, message: &str, faults: &mut Vec<RecordFault>) {
        let item = match self.row {
            Some((group, index)) => format!("{group} row {}, {item}", index + 1),
            None => item.to_owned(),
        };
        faults.push(RecordFault {
            event: self.event,
            place: place(self.instance),
            item,
            message: message.to_owned(),
        });
    }

    fn get(&self, item: &str) -> Option<&'a Value> {
        // Of few values, as of a lesion, looking through them is quicker than hashing.
        let found = if self.map.len() > 12 {
            self.map.get(item)
        } else {
            self.map.iter().find(|(known, _)| *known == item).map(|(_, value)| value)
        };
        found.filter(|value| !value.is_null())
    }

    /// A text; a number is taken as its digits.
    pub fn text(&self, item: &str) -> Option<String> {
        match self.get(item)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// The same, where it is looked at and not kept.
    pub(super) fn words(&self, item: &str) -> Option<Cow<'a, str>> {
        match self.get(item)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(Cow::Borrowed(text.as_str())),
            other => Some(Cow::Owned(other.to_string())),
        }
    }

    /// A whole date.
    pub fn date(&self, item: &str, faults: &mut Vec<RecordFault>) -> Option<Date> {
        let partial = self.partial(item, faults)?;
        if partial.day().is_none() {
            self.fault(
                item,
                &format!("{partial} lacks its day; a whole date YYYY-MM-DD is needed here"),
                faults,
            );
        }
        partial.day()
    }

    /// A date of any precision.
    pub fn partial(&self, item: &str, faults: &mut Vec<RecordFault>) -> Option<PartialDate> {
        match PartialDate::parse(&self.words(item)?) {
            Ok(date) => Some(date),
            Err(wrong) => {
                self.fault(item, &wrong.to_string(), faults);
                None
            }
        }
    }

    /// A number.
    pub fn number(&self, item: &str, faults: &mut Vec<RecordFault>) -> Option<f64> {
        self.number_in(item, self.get(item)?, faults)
    }

    fn number_in(&self, item: &str, value: &Value, faults: &mut Vec<RecordFault>) -> Option<f64> {
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match number.filter(|n: &f64| n.is_finite()) {
            None => {
                self.fault(item, &format!("{value} is no number"), faults);
                None
            }
            some => some,
        }
    }

    /// The value of each of `items`, where it has one; quick where they stand in this order.
    pub fn each_of<'i>(&self, items: &'i [&'i str]) -> Vec<(&'i str, Option<&'a Value>)> {
        let mut rest = self.map.iter();
        let each = |item: &&'i str| {
            let mut ahead = rest.clone();
            let found = match ahead.find(|(known, _)| known == item) {
                Some((_, value)) => {
                    rest = ahead;
                    Some(value)
                }
                None => self.map.get(*item),
            };
            (*item, found.filter(|value| !value.is_null()))
        };
        items.iter().map(each).collect()
    }

    /// A whole number between `min` and `max`.
    pub fn whole(&self, item: &str, min: i64, max: i64, faults: &mut Vec<RecordFault>) -> Option<i64> {
        self.whole_in(item, self.get(item)?, min, max, faults)
    }

    /// The same of the `value` of `item`.
    pub fn whole_in(
        &self,
        item: &str,
        value: &Value,
        min: i64,
        max: i64,
        faults: &mut Vec<RecordFault>,
    ) -> Option<i64> {
        let number = self.number_in(item, value, faults)?;
        #[allow(clippy::cast_possible_truncation)] // saturates, and the range check follows
        let whole = number as i64;
        #[allow(clippy::cast_precision_loss)]
        if whole as f64 != number || !(min..=max).contains(&whole) {
            self.fault(item, &format!("{number} is no whole number from {min} to {max}"), faults);
            return None;
        }
        Some(whole)
    }

    /// `Y` or `N`.
    pub fn yes(&self, item: &str, faults: &mut Vec<RecordFault>) -> Option<bool> {
        match &*self.words(item)? {
            "Y" => Some(true),
            "N" => Some(false),
            other => {
                self.fault(item, &format!("{other:?} is neither Y nor N"), faults);
                None
            }
        }
    }

    /// One of the codes that `T` knows.
    pub fn code<T: serde::de::DeserializeOwned>(
        &self,
        item: &str,
        codes: &[&str],
        faults: &mut Vec<RecordFault>,
    ) -> Option<T> {
        let text = self.words(item)?;
        let of_text: StrDeserializer<'_, serde::de::value::Error> = (&*text).into_deserializer();
        let code = T::deserialize(of_text).ok();
        if code.is_none() {
            self.fault(item, &format!("{text:?} is not one of {}", codes.join(", ")), faults);
        }
        code
    }

    /// Says that an item the concept cannot do without is missing, unless `value` is there or was faulted already.
    pub fn need<T>(&self, item: &str, value: Option<T>, faults: &mut Vec<RecordFault>) -> Option<T> {
        if value.is_none() && self.get(item).is_none() {
            self.fault(item, "is missing", faults);
        }
        value
    }
}
