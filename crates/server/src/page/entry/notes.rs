//! What is said beside the fields of a form: faults, what should be looked at again, what a text was read as.
//!
//! Never finds a fault itself; `trial::form` and the office do. Here each finds the field it belongs beside.

use std::collections::BTreeMap;

use trial::date::PartialDate;
use trial::form::FormFault;
use trial::form::entry::Entry;
use trial::protocol::{Form, Item, ItemType};

use super::paper::Paper;
use crate::page::parts;

/// How grave a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// The form cannot be saved with it.
    Hard,
    /// It is saved, and asked about.
    Soft,
    /// For information.
    Info,
}

/// A note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) weight: Weight,
    pub(super) says: String,
    /// What was found; empty where the message says it all.
    pub(super) found: String,
}

/// Field name to its notes; the empty name is the form as a whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes(BTreeMap<String, Vec<Note>>);

impl Notes {
    pub(super) fn say(&mut self, field: &str, weight: Weight, says: impl Into<String>) {
        self.put(field, Note { weight, says: says.into(), found: String::new() });
    }

    fn put(&mut self, field: &str, note: Note) {
        let notes = self.0.entry(field.to_owned()).or_default();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    /// The notes beside a field.
    pub(super) fn of(&self, field: &str) -> &[Note] {
        self.0.get(field).map_or(&[], Vec::as_slice)
    }

    pub(super) fn has(&self, field: &str, weight: Weight) -> bool {
        self.of(field).iter().any(|note| note.weight == weight)
    }

    /// The names that have a note so grave, with the note.
    pub(super) fn all(&self, weight: Weight) -> impl Iterator<Item = (&str, &Note)> {
        let notes =
            self.0.iter().flat_map(|(field, notes)| notes.iter().map(move |note| (field.as_str(), note)));
        notes.filter(move |(_, note)| note.weight == weight)
    }

    /// What could not be read; the text itself is in the field.
    pub(super) fn unread(&mut self, entry: &Entry) {
        for fault in &entry.faults {
            self.say(&fault.field, Weight::Hard, sentence(&fault.says));
        }
    }

    /// What the form's rules say of the values that were read. Of a field that could not be read only that is said.
    pub(super) fn found(&mut self, form: &Form, entry: &Entry, faults: &[FormFault]) {
        let unread: Vec<&str> = entry.faults.iter().map(|fault| fault.field.as_str()).collect();
        for fault in faults {
            let field = place(form, entry, fault);
            if unread.contains(&field.as_str()) {
                continue;
            }
            let weight = if fault.hard { Weight::Hard } else { Weight::Soft };
            let found = if fault.found == "nothing" { String::new() } else { fault.found.clone() };
            self.put(&field, Note { weight, says: sentence(&fault.right), found });
        }
    }

    /// How dates were read that were not typed as they are stored.
    pub(super) fn dates(&mut self, paper: &Paper<'_>) {
        let is_date = |item: &Item| matches!(item.kind, ItemType::Date | ItemType::PartialDate);
        for field in paper.all().filter(|field| is_date(field.item)) {
            let Ok(read) = trial::form::entry::date(field.text.trim()) else { continue };
            if read.to_string() != field.text.trim() {
                let says = match read {
                    PartialDate::Day(day) => parts::day(day),
                    partial => partial.to_string(),
                };
                self.say(&field.name, Weight::Info, format!("Read as {says}."));
            }
        }
    }

    /// Moves what speaks of a field that is not on the page to the form as a whole, so that nothing is said unseen.
    pub(super) fn gather(&mut self, paper: &Paper<'_>) {
        let shown = |name: &str| {
            name.is_empty()
                || paper.all().any(|field| field.name == name)
                || paper.tables.iter().any(|table| {
                    table.group.id == name
                        || table.rows.iter().any(|(number, _)| format!("{}.{number}", table.group.id) == name)
                })
        };
        let strange: Vec<String> = self.0.keys().filter(|name| !shown(name)).cloned().collect();
        for name in strange {
            for note in self.0.remove(&name).unwrap_or_default() {
                self.put("", Note { says: format!("{name}: {}", note.says), ..note });
            }
        }
    }
}

/// A message as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

/// The field that `fault` belongs beside. An edit check speaks of no item; it stands beside the last of those it reads.
fn place(form: &Form, entry: &Entry, fault: &FormFault) -> String {
    if !fault.item.is_empty() {
        return entry.field_of(fault);
    }
    let group = fault.row.as_ref().and_then(|(id, _)| form.groups.iter().find(|group| group.id == *id));
    let (checks, items) = match group {
        Some(group) => (&group.checks, &group.items),
        None => (&form.checks, &form.items),
    };
    let check = checks.iter().find(|check| check.message == fault.right);
    let read = |item: &&Item| check.is_some_and(|check| check.condition.names().contains(&item.id));
    match items.iter().rev().find(read) {
        Some(item) => entry.field_of(&FormFault { item: item.id.clone(), ..fault.clone() }),
        None => entry.field_of(fault),
    }
}
