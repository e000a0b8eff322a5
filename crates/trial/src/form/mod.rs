//! Admission: may these values stand on this form? The last guard before the ledger.
//!
//! Checks place, types, ranges, codes, conditions and edit checks (`sheet`), and what the values say against what is known
//! of the subject: lesions, randomisation, birth and death (`subject`). Around it stand what a page needs of a form: its
//! texts read as values (`entry`), its fields as they now apply (`layout`), and what can be said while one types (`live`).
//! Never stores a value.

pub mod entry;
pub mod layout;
pub mod live;
mod sheet;
mod subject;

use std::fmt;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::event::Instance;
use crate::protocol::{Form, Protocol, near};
use crate::record::Record;
use sheet::Sheet;
pub(crate) use sheet::{given, key_of};

/// A value that cannot stand where it was put, or should be looked at once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FormFault {
    /// The form's id.
    pub form: String,
    /// The group and row (from 1), where the item stands in one.
    pub row: Option<(String, usize)>,
    /// The item's id; empty where the form as a whole is meant.
    pub item: String,
    /// What was found.
    pub found: String,
    /// What would be right.
    pub right: String,
    /// False: saving goes on and a query should be raised.
    pub hard: bool,
}

impl fmt::Display for FormFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "form {}", self.form)?;
        if let Some((group, row)) = &self.row {
            write!(f, ", {group} row {row}")?;
        }
        if !self.item.is_empty() {
            write!(f, ", item {}", self.item)?;
        }
        write!(f, ": found {}; {}", self.found, self.right)
    }
}

impl FormFault {
    fn new(
        form: &Form,
        row: Option<&(String, usize)>,
        item: &str,
        (found, right): (String, String),
        hard: bool,
    ) -> Self {
        Self { form: form.id.clone(), row: row.cloned(), item: item.to_owned(), found, right, hard }
    }
}

/// What a fault speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The form, the visit or the item does not exist there.
    Place,
    /// What must be filled is empty.
    Missing,
    /// The value cannot be one of its item.
    Value,
    /// An edit check of the protocol.
    Check,
    /// It does not fit what is known of the subject.
    Subject,
}

/// A fault, and which empty items it rests on: while one types, nothing is said of a field nobody has been in.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub fault: FormFault,
    pub kind: Kind,
    pub empty: Vec<String>,
}

/// The form of `id`, or what would be right.
pub(crate) fn definition<'p>(protocol: &'p Protocol, id: &str) -> Result<&'p Form, Box<FormFault>> {
    protocol.forms.iter().find(|form| form.id == id).ok_or_else(|| {
        let known = || protocol.forms.iter().map(|form| form.id.as_str());
        let right = near(id, known()).map_or_else(
            || format!("the protocol has {}", known().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean form {near}?"),
        );
        let found = format!("form {id:?}");
        let form = id.to_owned();
        Box::new(FormFault { form, row: None, item: String::new(), found, right, hard: true })
    })
}

/// What the form says of itself, and what it says against the subject.
pub(crate) fn find(
    protocol: &Protocol,
    form: &Form,
    record: &Record,
    instance: &Instance,
    values: &Map<String, Value>,
    today: Date,
) -> (Vec<Found>, Vec<Found>) {
    let mut sheet = Sheet { protocol, form, record, instance, values, today, faults: Vec::new(), row: None };
    sheet.check();
    (sheet.faults, subject::faults(protocol, form, record, instance, values))
}

/// What must be filled on `instance` and is empty, under the definition `form`.
pub fn missing(
    protocol: &Protocol,
    form: &Form,
    record: &Record,
    instance: &Instance,
    values: &Map<String, Value>,
) -> Vec<FormFault> {
    let today = Date::MAX;
    let mut sheet = Sheet { protocol, form, record, instance, values, today, faults: Vec::new(), row: None };
    sheet.missing();
    sheet.faults.into_iter().map(|found| found.fault).collect()
}

/// Every fault of `values` on `instance`. `today` is the day of recording: no clinical date may lie after it.
pub fn check(
    protocol: &Protocol,
    record: &Record,
    instance: &Instance,
    values: &Map<String, Value>,
    today: Date,
) -> Vec<FormFault> {
    let form = match definition(protocol, &instance.form) {
        Ok(form) => form,
        Err(fault) => return vec![*fault],
    };
    let (own, against) = find(protocol, form, record, instance, values, today);
    let unread = own.iter().any(|found| found.fault.hard);
    let mut faults: Vec<FormFault> = own.into_iter().map(|found| found.fault).collect();
    // What cannot be read is not judged any further.
    faults.extend(against.into_iter().map(|found| found.fault).filter(|fault| fault.hard || !unread));
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::{Item, check as checked};

    /// A value of every item whose place in the form is a multiple of `every`.
    fn some(items: &[Item], every: usize) -> Map<String, Value> {
        let filled = items.iter().step_by(every);
        filled
            .map(|item| (item.id.clone(), item.codes.last().map_or(json!("N"), |code| json!(code))))
            .collect()
    }

    /// What is missing is asked without checking the rest, and must be what a check of everything finds to be missing.
    #[test]
    fn what_is_missing_is_what_a_check_finds_missing() {
        let protocol = checked(include_str!("../../../../protocols/avatar-ii.toml")).unwrap().protocol;
        let record = Record::default();
        let mut found = 0;
        for form in &protocol.forms {
            let instance = Instance { form: form.id.clone(), visit: None, occurrence: 1 };
            for every in [1, 2, 3, 5, 1_000] {
                let mut values = some(&form.items, every);
                for group in &form.groups {
                    let rows = json!([some(&group.items, every), {}, 7, some(&group.items, 2 * every)]);
                    values.insert(group.id.clone(), rows);
                }
                let (own, _) = find(&protocol, form, &record, &instance, &values, Date::MAX);
                let own = own.into_iter().filter(|found| found.kind == Kind::Missing);
                let want: Vec<_> = own.map(|found| found.fault).collect();
                found += want.len();
                assert_eq!(
                    missing(&protocol, form, &record, &instance, &values),
                    want,
                    "{} {every}",
                    form.id
                );
            }
        }
        assert!(found > 50, "{found}");
    }
}
