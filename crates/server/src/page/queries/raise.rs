//! To raise a query: about an item, a form, or the subject as a whole, with the day by which an answer is asked for.
//!
//! Never about a form that was not filled: what is missing is not asked but listed (`page::outstanding`).

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use maud::{Markup, html};
use office::{Action, Deed, Folder, Reason};
use serde::Deserialize;
use trial::date::{PartialDate, plus_days};
use trial::event::Instance;
use trial::form::entry::date;
use trial::protocol::{Form, Group, ProtocolHistory};
use trial::words::{form_name, in_row, rows_of};

use super::one::area;
use super::{address_of, again};
use crate::app::App;
use crate::page::faults::Faults;
use crate::page::listing::{capital, options};
use crate::page::parts::{Input, input, select};
use crate::web::access::{Chart, Fields, go};
use crate::web::address;
use crate::web::fault::Answer;
use crate::web::shell::{self, Place};

/// Two weeks, as data management plans commonly give; whoever asks may say another day.
const DAYS_TO_ANSWER: i64 = 14;

/// What the link says.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct About {
    form: String,
    item: String,
    /// `LESIONS.T01`.
    row: String,
}

/// `GET …/raise-query`
pub(super) async fn show(State(app): State<App>, chart: Chart, Query(about): Query<About>) -> Answer {
    let folder = chart.room.folder(&chart.subject).await?;
    let About { form, item, row } = about;
    let fields = Fields(vec![("form".into(), form), ("item".into(), item), ("row".into(), row)]);
    Ok(page(&chart, &folder, &fields, &Faults::default(), app.today()))
}

/// `POST …/raise-query`
pub(super) async fn raise(State(app): State<App>, chart: Chart, fields: Fields) -> Answer {
    let mut faults = Faults::default();
    let text = fields.get("text").to_owned();
    if text.is_empty() {
        faults.add("text", "Write what is to be looked at, and why.");
    }
    let due = due(fields.get("due"), app.today(), &mut faults);
    let (form, item) = (fields.get("form"), fields.get("item"));
    let about = address::instance_of(form);
    if about.is_none() && !form.is_empty() {
        faults.add("form", format!("{form:?} is not the name of a form."));
    }
    let item = Some(item.to_owned()).filter(|item| !item.is_empty());
    let folder = chart.room.folder(&chart.subject).await?;
    if let (Some(about), Some(item)) = (&about, &item)
        && !has_item(&folder.history, about, item)
    {
        faults.add("item", format!("{form} has no item {item}."));
    }
    let item = match in_its_row(&folder, about.as_ref(), item.as_deref(), fields.get("row")) {
        Ok(named) => named.or(item),
        Err(says) => {
            faults.add("row", says);
            item
        }
    };
    if item.is_some() && about.is_none() {
        faults.add("item", "An item belongs to a form: choose the form too.");
    }
    if faults.is_empty() {
        match recorded(&chart, &folder, about, item, text, due).await {
            Ok(query) => return Ok(go(&address_of(&chart.room.slug, &chart.subject, &query))),
            Err(office::Error::Refused(refusal)) => match refusal.reason {
                Reason::NeverSaved => {
                    faults.add("form", "This form is not filled yet: there is nothing to ask about.");
                }
                reason => faults.add("", format!("Nothing was recorded: {reason}.")),
            },
            Err(wrong) => return Err(wrong.into()),
        }
    }
    let page = page(&chart, &folder, &fields, &faults, app.today());
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

/// Records the query under the next free name; where somebody took it meanwhile, under the one after.
async fn recorded(
    chart: &Chart,
    folder: &Folder,
    about: Option<Instance>,
    item: Option<String>,
    text: String,
    due: Option<Date>,
) -> Result<String, office::Error> {
    let mut query = again::next(&folder.record.queries);
    for _ in 0..5 {
        let (about, item, text) = (about.clone(), item.clone(), text.clone());
        let deed = Deed::RaiseQuery { query: query.clone(), about, item, text, due };
        let action = Action::now(&chart.actor(), deed).at(chart.site.clone()).of(chart.subject.clone());
        match chart.room.office.submit(vec![action]).await {
            Err(office::Error::Refused(refusal)) if matches!(refusal.reason, Reason::QueryExists { .. }) => {
                let now = chart.room.office.folder(&chart.subject).await?;
                query = again::next(now.as_ref().map_or(&[][..], |now| &now.record.queries));
            }
            done => return done.map(|_| query),
        }
    }
    Err(office::Error::Worker("no name was free for a query".into()))
}

fn definition<'h>(history: &'h ProtocolHistory, about: &Instance) -> Option<&'h Form> {
    history.current().forms.iter().find(|form| form.id == about.form)
}

/// The form's items and those of its groups, by id.
fn items(form: &Form) -> impl Iterator<Item = (&str, &str)> {
    let own = form.items.iter();
    let in_groups = form.groups.iter().flat_map(|group| &group.items);
    own.chain(in_groups).map(|item| (item.id.as_str(), item.label.as_str()))
}

/// Whether the form in force has the item, by itself or in a row of a group; true where there is no such form, which the office
/// says.
pub(crate) fn has_item(history: &ProtocolHistory, about: &Instance, item: &str) -> bool {
    let Some(form) = definition(history, about) else { return true };
    let in_group = |(group, _, item): (&str, &str, &str)| {
        let group = form.groups.iter().find(|known| known.id == group);
        group.is_some_and(|group| group.items.iter().any(|known| known.id == item))
    };
    items(form).any(|(id, _)| id == item) || in_row(item).is_some_and(in_group)
}

/// The rows that stand on a form, each as `LESIONS.T01` with its name in words.
fn rows(folder: &Folder, about: &Instance) -> Vec<(String, String)> {
    let Some(form) = definition(&folder.history, about) else { return Vec::new() };
    let Some(filled) = folder.record.forms.iter().find(|form| form.instance == *about) else {
        return Vec::new();
    };
    let of_group = |group: &Group| {
        let named = rows_of(form, group, &filled.values).into_iter();
        let words = |row: String| (format!("{}.{row}", group.id), format!("{}: {row}", group.label));
        named.map(words).collect::<Vec<_>>()
    };
    form.groups.iter().flat_map(of_group).collect()
}

/// The item with its group and row, as `LESIONS.T01.DIAMETER`, where a row was chosen.
fn in_its_row(
    folder: &Folder,
    about: Option<&Instance>,
    item: Option<&str>,
    row: &str,
) -> Result<Option<String>, &'static str> {
    if row.is_empty() {
        return Ok(None);
    }
    let (Some(about), Some(item)) = (about, item) else { return Err("Choose the item of the row, too.") };
    if !rows(folder, about).iter().any(|(known, _)| known == row) {
        return Err("The form has no such row now.");
    }
    let named = format!("{row}.{item}");
    if has_item(&folder.history, about, &named) {
        Ok(Some(named))
    } else {
        Err("The item does not stand in a row.")
    }
}

/// The day by which an answer is asked for; empty: none.
pub(super) fn due(text: &str, today: Date, faults: &mut Faults) -> Option<Date> {
    if text.is_empty() {
        return None;
    }
    match date(text) {
        Ok(PartialDate::Day(day)) if day < today => {
            faults.add("due", format!("{day} is over; today is {today}."));
            None
        }
        Ok(PartialDate::Day(day)) => Some(day),
        Ok(_) => {
            faults.add("due", "The day is needed.");
            None
        }
        Err(says) => {
            faults.add("due", capital(&says));
            None
        }
    }
}

pub(super) fn due_field(typed: &str, today: Date, faults: &Faults) -> Markup {
    let proposed = plus_days(today, DAYS_TO_ANSWER).to_string();
    let value = if typed.is_empty() && faults.is_empty() { proposed.as_str() } else { typed };
    let hint = "After it, an unanswered query is overdue.";
    input(&Input {
        name: "due",
        label: "Answer due",
        kind: "date",
        value,
        hint,
        fault: faults.says("due"),
        ..Input::default()
    })
}

fn page(chart: &Chart, folder: &Folder, fields: &Fields, faults: &Faults, today: Date) -> Response {
    let protocol = folder.history.current();
    let mut filled: Vec<&Instance> = folder.record.forms.iter().map(|form| &form.instance).collect();
    let place = |instance: &Instance| protocol.forms.iter().position(|form| form.id == instance.form);
    filled.sort_by_key(|instance| (place(instance), (*instance).clone()));
    let forms = options(
        "The subject as a whole",
        filled.into_iter().map(|instance| (address::instance_name(instance), form_name(protocol, instance))),
    );
    let about = address::instance_of(fields.get("form"));
    let form = about.as_ref().and_then(|about| definition(&folder.history, about));
    let items = options(
        "The form as a whole",
        form.into_iter().flat_map(items).map(|(id, label)| (id, format!("{label} ({id})"))),
    );
    let rows = options("In all rows, or in none", about.iter().flat_map(|about| rows(folder, about)));
    let own = chart.at("raise-query");
    let body = html! {
        (shell::crumbs(&[
            (address::in_trial(&chart.room.slug, "queries"), "Queries"),
            (chart.at(""), chart.subject.as_str()),
        ]))
        h1 { "Raise a query about subject " (chart.subject) }
        (faults.summary())
        form.card #raise method="post" action=(own) data-keep {
            (shell::csrf(&chart.visitor))
            div hx-get=(own) hx-trigger="change from:#form" hx-include="#form" hx-target="#of-form" hx-select="#of-form" hx-swap="outerHTML" {
                (select("form", "About", &forms, fields.get("form"), "", faults.says("form")))
            }
            div #of-form {
                (select("item", "Item", &items, fields.get("item"), "The items of the form that is chosen above.", faults.says("item")))
                @if rows.len() > 1 { (select("row", "Row", &rows, fields.get("row"), "", faults.says("row"))) }
            }
            (area("text", "Question", fields.get("text"), faults.says("text")))
            (due_field(fields.get("due"), today, faults))
            button.main type="submit" { "Raise the query" }
            " " a href=(chart.at("")) { "Not now" }
        }
    };
    shell::page(chart, Place::Queries, "Raise a query", body)
}
