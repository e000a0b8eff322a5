//! The rows of a repeating group as HTML: a line of cells for what is always asked, and below it what is asked at times.
//!
//! Never more columns than a page holds. On a phone each row is a card (the style does that, not the markup).

use maud::{Markup, html};
use trial::concept::LESIONS;
use trial::form::layout::Field;
use trial::protocol::{Concept, Group, Item};

use super::fields::{Draw, control_id, said, said_id};
use super::paper::Table;
use super::sheet::Sheet;

impl Draw<'_> {
    /// A repeating group: a row of cells for what is always asked, and below it what is asked at times.
    pub(super) fn table(&self, table: &Table<'_>) -> Markup {
        let group = table.group;
        let columns = Columns::of(self.sheet, group);
        html! {
            section.rows id=(group.id) aria-labelledby={ "g-" (group.id) } {
                h2 id={ "g-" (group.id) } { (group.label) }
                div.said id=(said_id(&group.id)) aria-live="polite" { (said(self.notes, &group.id)) }
                div.wide {
                    table.entry {
                        thead {
                            tr {
                                @for item in &columns.main {
                                    th scope="col" {
                                        (item.label)
                                        @if let Some(unit) = &item.unit { ", " (unit) }
                                        @if item.required { " " span.required { "required" } }
                                    }
                                }
                                th scope="col" { span.visually-hidden { "Remove" } }
                            }
                        }
                        @for (number, fields) in &table.rows { (self.row(&columns, *number, fields)) }
                    }
                }
                p {
                    button type="submit" name="_add" value=(group.id) formnovalidate hx-post=(self.sheet.at("row"))
                        hx-vals=(format!(r#"{{"_add":"{}"}}"#, group.id)) hx-include="closest form" hx-target="previous table" hx-swap="beforeend" {
                        "Add a row"
                    }
                }
            }
        }
    }

    /// One row of a group.
    pub(super) fn row(&self, columns: &Columns<'_>, number: usize, fields: &[Field<'_>]) -> Markup {
        let row = format!("{}.{number}", columns.group.id);
        let of = |items: &[&Item]| -> Vec<&Field<'_>> {
            fields.iter().filter(|field| items.iter().any(|item| item.id == field.item.id)).collect()
        };
        let (main, asked, rare) = (of(&columns.main), of(&columns.asked), of(&columns.rare));
        let open = rare.iter().any(|field| !field.text.is_empty() || !self.notes.of(&field.name).is_empty());
        html! {
            tbody.item id=(row) {
                tr {
                    @for field in &main { (self.cell(field, number)) }
                    td {
                        button.plain type="submit" name="_remove" value=(row) formnovalidate data-remove="tbody"
                            aria-label={ "Remove row " (number + 1) } { "Remove" }
                    }
                }
                tr.more {
                    td colspan=(main.len() + 1) {
                        div.said id=(said_id(&row)) aria-live="polite" { (said(self.notes, &row)) }
                        @if !rare.is_empty() {
                            details open[open] {
                                summary { (rare_words(&rare)) }
                                div.asked { @for field in &rare { (self.small(field, number)) } }
                            }
                        }
                        @if !asked.is_empty() { div.asked { @for field in &asked { (self.small(field, number)) } } }
                    }
                }
            }
        }
    }

    fn cell(&self, field: &Field<'_>, number: usize) -> Markup {
        let name = format!("{}, row {}", field.item.label, number + 1);
        html! {
            td id=(field.name) data-label=(field.item.label) {
                (self.control(field, &said_id(&field.name), Some(&name)))
                (self.place(field))
            }
        }
    }

    /// A field below a row.
    fn small(&self, field: &Field<'_>, number: usize) -> Markup {
        let name = format!("{}, row {}", field.item.label, number + 1);
        html! {
            div.small-field id=(field.name) {
                label for=(control_id(&field.name)) {
                    (field.item.label)
                    @if let Some(unit) = &field.item.unit { ", " (unit) }
                    @if field.required { " " span.required { "required" } }
                }
                (self.control(field, &said_id(&field.name), Some(&name)))
                (self.place(field))
            }
        }
    }
}

fn rare_words(rare: &[&Field<'_>]) -> String {
    let labels: Vec<&str> = rare.iter().map(|field| field.item.label.as_str()).collect();
    format!("Also: {}", labels.join("; "))
}

/// How a group's items are laid out.
pub(super) struct Columns<'p> {
    group: &'p Group,
    /// A column each.
    main: Vec<&'p Item>,
    /// Below the row, when they are asked.
    asked: Vec<&'p Item>,
    /// Below the row, folded away.
    rare: Vec<&'p Item>,
}

/// So many columns fit a page.
const MOST_COLUMNS: usize = 6;
/// What is read of every lesion at every assessment.
const OF_A_LESION: [&str; 7] = ["TULNKID", "TUORRES", "TULOC", "TULAT", "DIAMETER", "TUMSTATE", "TRSTAT"];
/// What is judged of a lesion when the subject enters the trial.
const AT_ENTRY: [&str; 3] = ["OPD", "AMENABLE", "PRIORRT"];

impl<'p> Columns<'p> {
    pub(super) fn of(sheet: &Sheet, group: &'p Group) -> Self {
        let items = || group.items.iter();
        let lesions = sheet.form().concept == Concept::TumourAssessment && group.id == LESIONS;
        let main: Vec<&Item> = if lesions {
            items().filter(|item| OF_A_LESION.contains(&item.id.as_str())).collect()
        } else if group.items.len() <= MOST_COLUMNS {
            items().collect()
        } else {
            items().filter(|item| item.when.is_none()).take(MOST_COLUMNS - 1).collect()
        };
        let entering = lesions && sheet.record().randomised.is_none();
        let at_hand = |item: &&Item| {
            item.required || item.when.is_some() || entering && AT_ENTRY.contains(&item.id.as_str())
        };
        let rest = items().filter(|item| main.iter().all(|known| known.id != item.id));
        let (asked, rare) = rest.partition(at_hand);
        Self { group, main, asked, rare }
    }
}
