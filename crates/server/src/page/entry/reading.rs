//! A form to be read: for whoever may not fill it, and for everybody once it is locked.
//!
//! Never shows a control that could be typed in. The form is shown under the protocol version it was entered under.

use axum::response::Response;
use maud::{Markup, html};
use people::permission::Act;
use trial::date::PartialDate;
use trial::form::layout::Field;
use trial::protocol::ItemType;

use super::at_once;
use super::paper::{Paper, Table, unseen};
use super::sheet::{Right, Sheet};
use super::view::{head, trail};
use crate::page::{parts, queries};
use crate::web::shell::{self, Place};

/// The page.
pub(super) fn page(sheet: &Sheet) -> Response {
    let title = format!("{} · {}", sheet.title(), sheet.chart.subject);
    let body = html! {
        (head(sheet))
        (why(sheet))
        @match sheet.standing() {
            None => (parts::empty("The form is not filled yet.", Some((&sheet.chart.at(""), "Back to the subject")))),
            Some(standing) => {
                @let paper = Paper::of_values(sheet, &standing.values);
                div.split.entry-split {
                    div.card { (whole(sheet, &paper)) }
                    div.aside #panel { (at_once::panel(sheet, &paper, &standing.values)) }
                }
            }
        }
    };
    shell::page(&sheet.chart.desk, Place::Subjects, &title, body)
}

/// Why it can only be read.
fn why(sheet: &Sheet) -> Markup {
    html! {
        @match sheet.right() {
            Right::Locked => p.notice { "The form is locked. Whoever finds an error in it asks a data manager to unlock it." },
            Right::Gone => p.notice { "The protocol in force has no such form any more. It is shown as it was entered." },
            Right::Closed(_) | Right::Fill | Right::Correct => {}
        }
    }
}

/// Every item with its value.
pub(super) fn whole(sheet: &Sheet, paper: &Paper<'_>) -> Markup {
    html! {
        dl.read {
            @for field in paper.fields.iter().filter(|field| !unseen(field)) {
                dt id=(field.name) { (field.item.label) (history(sheet, &field.item.id)) }
                dd { (value(field)) (asked(sheet, paper, field)) }
            }
        }
        @for table in &paper.tables { (rows(sheet, paper, table)) }
    }
}

fn rows(sheet: &Sheet, paper: &Paper<'_>, table: &Table<'_>) -> Markup {
    let names = table.names();
    let rows = table.rows.iter().zip(&names);
    let filled: Vec<_> = rows
        .map(|((number, fields), name)| (number, fields, name))
        .filter(|(_, fields, _)| fields.iter().any(|field| !field.text.is_empty()))
        .collect();
    let asks = sheet.chart.may_here(Act::RaiseQuery);
    let used = |id: &str| {
        filled
            .iter()
            .any(|(_, fields, _)| fields.iter().any(|field| field.item.id == id && !field.text.is_empty()))
    };
    let columns: Vec<_> = table.group.items.iter().filter(|item| used(&item.id)).collect();
    html! {
        h2 { (table.group.label) }
        @if filled.is_empty() { p.soft { "No rows." } }
        @else {
            div.wide {
                table {
                    caption.visually-hidden { (table.group.label) }
                    thead {
                        tr {
                            @for item in &columns {
                                th scope="col" { (item.label) @if let Some(unit) = &item.unit { ", " (unit) } (history(sheet, &item.id)) }
                            }
                            @if asks { th scope="col" { span.visually-hidden { "Raise a query" } } }
                        }
                    }
                    tbody {
                        @for (number, fields, name) in &filled {
                            tr id={ (table.group.id) "." (number) } {
                                @for field in fields.iter().filter(|field| columns.iter().any(|item| item.id == field.item.id)) {
                                    td.num[matches!(field.item.kind, ItemType::Integer | ItemType::Decimal)] id=(field.name) {
                                        (bare(field)) (asked(sheet, paper, field))
                                    }
                                }
                                @if asks { td { (queries::ask_of_row(&sheet.chart, &sheet.instance, &table.group.id, name)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A value with its unit.
fn value(field: &Field<'_>) -> Markup {
    html! {
        @if field.text.is_empty() { span.soft { "not given" } }
        @else {
            (bare(field))
            @if let Some(unit) = &field.item.unit { " " (unit) }
        }
    }
}

fn bare(field: &Field<'_>) -> Markup {
    html! {
        @match (field.item.kind, field.text.as_str()) {
            (ItemType::YesNo, "Y") => "Yes",
            (ItemType::YesNo, "N") => "No",
            (ItemType::Text, text) => span.typed { (text) },
            (ItemType::Date | ItemType::PartialDate, text) => {
                (PartialDate::parse(text).map_or_else(|_| text.to_owned(), parts::partial))
            }
            (_, text) => (text),
        }
    }
}

fn asked(sheet: &Sheet, paper: &Paper<'_>, field: &Field<'_>) -> Markup {
    let about = |item: &str| paper.is_named(item, field);
    html! {
        @for query in sheet.queries().filter(|query| query.item.as_deref().is_some_and(about)) {
            (queries::beside(&sheet.chart, query, sheet.today))
        }
    }
}

/// To everything that ever stood on an item.
fn history(sheet: &Sheet, item: &str) -> Markup {
    html! {
        @if sheet.chart.may(Act::ViewTrail) {
            " " a.history href=(trail(&sheet.chart, sheet, Some(item))) aria-label={ "Audit trail of " (item) } { "trail" }
        }
        (queries::ask(&sheet.chart, &sheet.instance, Some(item)))
    }
}
