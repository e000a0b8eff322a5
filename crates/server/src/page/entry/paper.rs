//! A form as a page shows it: its fields, and for each group the rows with the numbers their names carry, empty ones included.
//!
//! Never reads or checks a value; `trial::form::layout` says what is asked and what must be filled.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use trial::form::entry::{Entry, field_name};
use trial::form::layout::{Applies, Field, Layout, Rows, layout};
use trial::protocol::{Form, Group};
use trial::words::{in_row, row_names};

use super::sheet::Sheet;

/// A form as it is shown.
pub(super) struct Paper<'p> {
    pub(super) form: &'p Form,
    pub(super) fields: Vec<Field<'p>>,
    pub(super) tables: Vec<Table<'p>>,
}

/// A repeating group as it is shown.
pub(super) struct Table<'p> {
    pub(super) group: &'p Group,
    /// Items whose values, taken together, tell its rows apart.
    pub(super) key: Vec<String>,
    /// Each with the number in the names of its fields.
    pub(super) rows: Vec<(usize, Vec<Field<'p>>)>,
}

impl Table<'_> {
    /// What each row is called in words: see `trial::words::row_names`.
    pub(super) fn names(&self) -> Vec<String> {
        row_names(self.rows.iter().map(|(_, fields)| {
            let text =
                |id: &String| fields.iter().find(|field| field.item.id == *id).map(|field| field.text.trim());
            let parts: Option<Vec<&str>> =
                self.key.iter().map(|id| text(id).filter(|text| !text.is_empty())).collect();
            parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join(" "))
        }))
    }
}

impl<'p> Paper<'p> {
    /// The form with `values`; a group without any row gets an empty one to write in.
    pub(super) fn of_values(sheet: &'p Sheet, values: &Map<String, Value>) -> Self {
        let Layout { form, fields, groups } = layout(sheet.form(), values, sheet.record());
        let table = |rows: Rows<'p>| {
            let mut shown: Vec<_> = rows.rows.into_iter().enumerate().collect();
            if shown.is_empty() {
                shown.push((0, rows.blank));
            }
            Table { group: rows.group, key: rows.key, rows: shown }
        };
        Self { form, fields, tables: groups.into_iter().map(table).collect() }
    }

    /// The form as it was typed: every text, and every row that was on the page, filled or not.
    pub(super) fn of_typed(sheet: &'p Sheet, entry: &Entry) -> Self {
        let Layout { form, fields, groups } =
            layout(sheet.form(), &entry.values, sheet.record()).as_typed(entry);
        let table = |rows: Rows<'p>| {
            let read = entry.rows.get(&rows.group.id).cloned().unwrap_or_default();
            let mut shown: Vec<_> = read.iter().copied().zip(rows.rows).collect();
            let empty =
                numbers(&rows.group.id, &entry.typed).into_iter().filter(|number| !read.contains(number));
            shown.extend(empty.map(|number| (number, renumbered(&rows.blank, &rows.group.id, number))));
            shown.sort_by_key(|(number, _)| *number);
            Table { group: rows.group, key: rows.key, rows: shown }
        };
        Self { form, fields, tables: groups.into_iter().map(table).collect() }
    }

    /// Every field that is shown.
    pub(super) fn all(&self) -> impl Iterator<Item = &Field<'p>> {
        let rows = self.tables.iter().flat_map(|table| table.rows.iter().flat_map(|(_, fields)| fields));
        self.fields.iter().chain(rows)
    }

    /// Whether `named`, an item as a query names it, is this field: that of every row where it names none.
    pub(super) fn is_named(&self, named: &str, field: &Field<'_>) -> bool {
        let Some((group, row, item)) = in_row(named) else { return named == field.item.id };
        let Some(table) = self.tables.iter().find(|table| table.group.id == group) else { return false };
        let at = table.names().iter().position(|name| name == row);
        match at.and_then(|at| table.rows.get(at)) {
            Some((number, _)) => field.name == field_name(Some((group, *number)), item),
            // By the number of the row, as a field's name has it.
            None => named == field.name,
        }
    }

    /// The name of the form's own field for `item`, or of that item in the row that `of` stands in.
    pub(super) fn beside<'a>(&'a self, of: &str, item: &str) -> Option<&'a Field<'p>> {
        let name = match of.rsplit_once('.') {
            Some((row, _)) => format!("{row}.{item}"),
            None => item.to_owned(),
        };
        self.all().find(|field| field.name == name)
    }
}

/// Whether a field is left out of sight: it is not asked, and nothing was typed in it. In a row that waits for another field of
/// it, too: a table that explained each of them could not be read.
pub(super) fn unseen(field: &Field<'_>) -> bool {
    let in_row = field.name.contains('.');
    let not_asked = match field.applies {
        Applies::Yes => false,
        Applies::No => true,
        Applies::Unknown { .. } => in_row,
    };
    not_asked && field.text.is_empty()
}

/// The row numbers that the names of `typed` carry in `group`.
pub(super) fn numbers(group: &str, typed: &[(String, String)]) -> BTreeSet<usize> {
    let number = |name: &str| {
        let (of, rest) = name.split_once('.')?;
        let (row, _) = rest.split_once('.')?;
        // As `trial::form::entry` reads them: `00` is no row.
        row.parse::<usize>()
            .ok()
            .filter(|number| of == group && *number <= 9_999 && number.to_string() == row)
    };
    typed.iter().filter_map(|(name, _)| number(name)).collect()
}

/// The number of a further row.
pub(super) fn next_row(group: &str, typed: &[(String, String)]) -> usize {
    numbers(group, typed).last().map_or(0, |last| last + 1)
}

fn renumbered<'p>(blank: &[Field<'p>], group: &str, number: usize) -> Vec<Field<'p>> {
    let name = |field: &Field<'p>| Field {
        name: field_name(Some((group, number)), &field.item.id),
        ..field.clone()
    };
    blank.iter().map(name).collect()
}
