//! Admission: may these values stand on this form? The last guard before the ledger.
//!
//! Checks place, types, ranges, codes, conditions and edit checks (`sheet`), and what the values say against what is known
//! of the subject: lesions, randomisation, birth and death (`subject`). Never changes a value, and never stores one.

mod sheet;
mod subject;

use std::fmt;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::event::Instance;
use crate::protocol::{Protocol, near};
use crate::record::Record;
use sheet::Sheet;

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

/// Every fault of `values` on `instance`. `today` is the day of recording: no clinical date may lie after it.
pub fn check(
    protocol: &Protocol,
    record: &Record,
    instance: &Instance,
    values: &Map<String, Value>,
    today: Date,
) -> Vec<FormFault> {
    let Some(form) = protocol.forms.iter().find(|form| form.id == instance.form) else {
        let known = || protocol.forms.iter().map(|form| form.id.as_str());
        let right = near(&instance.form, known()).map_or_else(
            || format!("the protocol has {}", known().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean form {near}?"),
        );
        return vec![FormFault {
            form: instance.form.clone(),
            row: None,
            item: String::new(),
            found: format!("form {:?}", instance.form),
            right,
            hard: true,
        }];
    };
    let mut sheet = Sheet { protocol, form, record, instance, values, today, faults: Vec::new(), row: None };
    sheet.check();
    let mut faults = sheet.faults;
    // What cannot be read is not judged any further.
    if faults.iter().all(|fault| !fault.hard) {
        faults.extend(subject::faults(protocol, form, record, instance, values));
    } else {
        faults.extend(
            subject::faults(protocol, form, record, instance, values).into_iter().filter(|fault| fault.hard),
        );
    }
    faults
}
