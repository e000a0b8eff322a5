//! Edit checks while one types: only what can be said already.
//!
//! A fault that rests on an empty field is said once somebody has been in that field, and not before. Never says anything
//! that `check` would not say of the same values.

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::entry::field_name;
use super::{FormFault, Found, definition, find};
use crate::event::Instance;
use crate::protocol::Protocol;
use crate::record::Record;

/// What can be said of a form that is being filled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// What would refuse it.
    pub hard: Vec<FormFault>,
    /// What would be saved and asked about.
    pub soft: Vec<FormFault>,
}

/// The faults of `values` so far. `touched` are the names of the fields somebody has been in (rows numbered as in `values`,
/// from 0); a filled field is one of them in any case.
pub fn checks_now(
    protocol: &Protocol,
    record: &Record,
    instance: &Instance,
    values: &Map<String, Value>,
    touched: &[&str],
    today: Date,
) -> Now {
    let form = match definition(protocol, &instance.form) {
        Ok(form) => form,
        Err(fault) => return Now { hard: vec![*fault], soft: Vec::new() },
    };
    let due = |found: &Found| found.empty.iter().all(|item| is_touched(&found.fault, item, touched));
    let (own, against) = find(protocol, form, record, instance, values, today);
    let own: Vec<FormFault> = own.into_iter().filter(due).map(|found| found.fault).collect();
    let unread = own.iter().any(|fault| fault.hard);
    let against = against.into_iter().filter(due).map(|found| found.fault);
    let faults = own.into_iter().chain(against.filter(|fault| fault.hard || !unread));
    let (hard, soft) = faults.partition(|fault| fault.hard);
    Now { hard, soft }
}

/// An item that a fault of a row rests on stands in that row, or on the form; one of another form is out of reach here.
fn is_touched(fault: &FormFault, item: &str, touched: &[&str]) -> bool {
    let row = fault.row.as_ref().map(|(group, row)| (group.as_str(), row.saturating_sub(1)));
    let bare = item.rsplit('.').next().unwrap_or(item);
    touched.contains(&bare) || touched.contains(&field_name(row, bare).as_str())
}
