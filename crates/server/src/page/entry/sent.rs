//! What a page of a form sent: the fields of the form, and those of the page itself, whose names begin with `_`.
//!
//! Never reads a value (`trial::form::entry` does); it lets the buttons that change the fields (a row more, a row less, a term
//! chosen, a choice between two versions) do their work before.

use trial::event::Seq;
use trial::form::entry::{Entry, read};
use trial::protocol::Form;

use super::paper::next_row;
use crate::web::access::Fields;

/// What was sent.
pub(super) struct Sent {
    /// The form's own fields, in order.
    pub(super) fields: Vec<(String, String)>,
    /// The event that the form stood at when the page was made; 0: it was empty.
    pub(super) seen: Seq,
    /// Why it is corrected.
    pub(super) reason: String,
    page: Fields,
}

impl Sent {
    pub(super) fn of(fields: Fields) -> Self {
        let (page, own): (Vec<_>, Vec<_>) = fields.0.into_iter().partition(|(name, _)| name.starts_with('_'));
        let page = Fields(page);
        let seen = page.get("_seen").parse().unwrap_or(0);
        Self { fields: own, seen, reason: page.get("_reason").to_owned(), page }
    }

    /// A field of the page itself; empty where it was not sent.
    pub(super) fn page(&self, name: &str) -> &str {
        self.page.get(name)
    }

    /// Every text sent under a name of the page itself.
    pub(super) fn every<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.page.0.iter().filter(move |(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    pub(super) fn read(&self, form: &Form) -> Entry {
        read(form, &self.fields)
    }

    /// Fields that somebody has been in, with rows numbered as in the values of `entry`.
    pub(super) fn touched(&self, entry: &Entry) -> Vec<String> {
        let counted = |name: &str| {
            let mut parts = name.splitn(3, '.');
            let (Some(group), Some(row), Some(item)) = (parts.next(), parts.next(), parts.next()) else {
                return Some(name.to_owned());
            };
            let number: usize = row.parse().ok()?;
            let at = entry.rows.get(group)?.iter().position(|known| *known == number)?;
            Some(format!("{group}.{at}.{item}"))
        };
        self.page("_touched").split(' ').filter(|name| !name.is_empty()).filter_map(counted).collect()
    }

    /// Writes `text` in a field.
    pub(super) fn put(&mut self, name: &str, text: &str) {
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, typed)) => text.clone_into(typed),
            None => self.fields.push((name.to_owned(), text.to_owned())),
        }
    }

    /// An empty row more of `group`, where the form has it; its number.
    pub(super) fn add_row(&mut self, form: &Form, group: &str) -> Option<usize> {
        let group = form.groups.iter().find(|known| known.id == group)?;
        let number = next_row(&group.id, &self.fields);
        let first = group.items.first()?;
        self.fields.push((format!("{}.{number}.{}", group.id, first.id), String::new()));
        Some(number)
    }

    /// The row `GROUP.2` less.
    pub(super) fn remove_row(&mut self, row: &str) {
        let row = format!("{row}.");
        self.fields.retain(|(name, _)| !name.starts_with(&row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(fields: &[(&str, &str)]) -> Sent {
        Sent::of(Fields(fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()))
    }

    #[test]
    fn a_row_goes_with_all_its_fields_and_no_other() {
        let mut sent = sent(&[("L.1.A", "x"), ("L.1.B", ""), ("L.10.A", "y"), ("A", "z"), ("_seen", "7")]);
        sent.remove_row("L.1");
        assert_eq!(sent.fields, [("L.10.A".into(), "y".into()), ("A".into(), "z".into())]);
        assert_eq!(sent.seen, 7);
    }
}
