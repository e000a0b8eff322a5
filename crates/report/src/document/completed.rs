//! The case report forms of one subject as they were filled: what stands in them, who entered it and when, every correction with the old value and
//! the reason, signatures with their meaning; and what is unfinished or missing.
//!
//! Never leaves out a value or an event of the subject. The words of an event are those of the audit trail (`trial::words`). What an
//! auditor looks for: ICH E6(R3), 4.2.2; 21 CFR 11.10(e), 11.50.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use maud::{Markup, html};
use serde_json::{Map, Value};
use trial::derive::derive;
use trial::event::{Entered, Instance, Seq, What};
use trial::form::entry::not_on;
use trial::form::layout::{Applies, Field, Rows, layout};
use trial::outstanding::{Options as Wanted, outstanding};
use trial::protocol::{Form, ItemType, Protocol, ProtocolHistory};
use trial::record::{FilledForm, Query, QueryState, Record};
use trial::review::{Given, review};
use trial::words::{form_name, item_name, role_name, rows_of, says};

use super::forms::OPEN;
use super::{Section, Sheet};

/// A choice that was made.
const CHOSEN: char = '■';

/// Which ledger, as known when.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Where the events came from.
    pub source: &'a str,
    /// The hash of the last event of the ledger.
    pub head: Option<&'a str>,
    /// Nothing recorded after this moment is seen.
    pub as_of: Option<Timestamp>,
    /// The day on which something is overdue or not.
    pub today: Date,
    /// The subjects are virtual.
    pub simulated: bool,
}

/// Every form of `record` as it was filled, from the subject's `events`.
pub fn completed(history: &ProtocolHistory, record: &Record, events: &[Entered], seen: &Seen<'_>) -> String {
    let protocol = history.current();
    let subject = format!("Case report forms of subject {}", record.subject);
    let sheet = Sheet {
        protocol,
        kind: &subject,
        mark: if seen.simulated { "SIMULATED DATA: virtual patients, no real person" } else { "" },
        class: "completed",
        contents: true,
    };
    let file = File { history, record, events: events.iter().map(|one| (one.seq, one)).collect() };
    let mut forms: Vec<&FilledForm> = record.forms.iter().collect();
    forms.sort_by_key(|form| form.first);
    let mut sections = vec![
        Section::new("missing", "Unfinished and missing", file.missing(seen.today)),
        Section::new("course", "Screening, randomisation and other events", file.others()),
    ];
    for form in forms {
        let version = history.at(form.event);
        let title = form_name(version, &form.instance);
        sections.push(Section::new(format!("form-{}", form.first), title, file.form(version, form)));
    }
    sheet.page(&sheet.opening(&facts(record, seen, events.len())), &sections)
}

fn facts(record: &Record, seen: &Seen<'_>, events: usize) -> Vec<(&'static str, String)> {
    vec![
        ("Subject", record.subject.to_string()),
        ("Site", record.site.to_string()),
        ("Forms filled", record.forms.len().to_string()),
        ("Events of the subject", events.to_string()),
        ("As of (what was known)", seen.as_of.map_or_else(|| "all events".into(), moment)),
        ("Source", seen.source.to_owned()),
        ("Ledger head", seen.head.map_or_else(|| "no ledger".into(), |head| head.chars().take(16).collect())),
    ]
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

struct File<'a> {
    history: &'a ProtocolHistory,
    record: &'a Record,
    events: BTreeMap<Seq, &'a Entered>,
}

impl File<'_> {
    /// `anna (investigator), 2026-01-05 08:00:00 UTC, event 7`.
    fn by(&self, seq: Seq) -> String {
        self.events.get(&seq).map_or_else(
            || format!("event {seq}"),
            |one| {
                format!(
                    "{} ({}), {}, event {seq}",
                    one.event.who,
                    role_name(one.event.role),
                    moment(one.event.recorded)
                )
            },
        )
    }

    fn of(&self, instance: &Instance) -> impl Iterator<Item = &Entered> {
        self.events.values().copied().filter(move |one| {
            let about = one.event.what.instance() == Some(instance);
            about && !matches!(one.event.what, What::QueryRaised { .. })
        })
    }

    fn form(&self, protocol: &Protocol, form: &FilledForm) -> Markup {
        let definition = protocol.forms.iter().find(|known| known.id == form.instance.form);
        html! {
            div.form {
                p { "Entered by " (self.by(form.first)) "."
                    @if form.event != form.first { " As it stands since the correction by " (self.by(form.event)) "." }
                    " Protocol file, version " (protocol.trial.version) "." }
                @match definition {
                    Some(definition) => (self.values(definition, form)),
                    None => (unknown(&form.values)),
                }
                (self.corrections(&form.instance))
                (self.signed(form))
                (self.queries(protocol, form))
            }
        }
    }

    fn values(&self, definition: &Form, form: &FilledForm) -> Markup {
        let laid = layout(definition, &form.values, self.record);
        let strange: Vec<String> = not_on(definition, &form.values).into_iter().collect();
        html! {
            @if !laid.fields.is_empty() {
                table.crf {
                    caption { (definition.label) ": values" }
                    thead { tr { th.n scope="col" { "No." } th.ask scope="col" { "Item" } th scope="col" { "Value" } } }
                    tbody { @for (n, field) in laid.fields.iter().enumerate() {
                        tr { td.n { (n + 1) } th scope="row" { (field.item.label) @if let Some(unit) = &field.item.unit { " (" (unit) ")" } } td { (value(field)) } }
                    } }
                }
            }
            @for rows in &laid.groups { (group(rows, &rows_of(definition, rows.group, &form.values))) }
            @if !strange.is_empty() { p { strong { "Also stands in it, though the form has no such item: " } (strange.join(", ")) "." } }
        }
    }

    fn corrections(&self, instance: &Instance) -> Markup {
        let made: Vec<&Entered> =
            self.of(instance).filter(|one| matches!(one.event.what, What::FormCorrected { .. })).collect();
        html! {
            @if !made.is_empty() {
                table.crf.small {
                    caption { "Corrections" }
                    thead { tr { th scope="col" { "Item" } th scope="col" { "Before" } th scope="col" { "After" } th scope="col" { "Reason" } th scope="col" { "By" } } }
                    tbody { @for one in made {
                        @let said = says(self.history.at(one.seq), &one.event.what, self.before(one).as_ref());
                        @let reason = said.reason.clone().unwrap_or_default();
                        @for change in &said.changes {
                            tr { th scope="row" { (change.label) " (" code { (change.place()) } ")" }
                                td { @match &change.old { Some(old) => span.gone { (old) }, None => "–" } }
                                td { @match &change.new { Some(new) => (new), None => "taken away" } }
                                td { (reason) } td { (self.by(one.seq)) } }
                        }
                        @if said.changes.is_empty() {
                            tr { th scope="row" { "No value changed" } td { "–" } td { "–" } td { (reason) } td { (self.by(one.seq)) } }
                        }
                    } }
                }
            }
        }
    }

    /// The values that a correction replaced.
    fn before(&self, one: &Entered) -> Option<Map<String, Value>> {
        let What::FormCorrected { corrects, .. } = &one.event.what else { return None };
        match &self.events.get(corrects)?.event.what {
            What::FormSaved { values, .. } | What::FormCorrected { values, .. } => Some(values.clone()),
            _ => None,
        }
    }

    fn signed(&self, form: &FilledForm) -> Markup {
        let given: Vec<&Entered> = self
            .of(&form.instance)
            .filter(|one| {
                matches!(
                    one.event.what,
                    What::FormSigned { .. } | What::Verified { .. } | What::Locked { .. }
                )
            })
            .collect();
        let void = |one: &Entered| one.seq < form.event && !matches!(one.event.what, What::Locked { .. });
        html! {
            @if given.is_empty() {
                p.empty { "Not signed, not verified against its source, not locked." }
            } @else {
                table.crf.small {
                    caption { "Signatures, source verification, locks" }
                    thead { tr { th scope="col" { "What" } th scope="col" { "Meaning" } th scope="col" { "By" } th scope="col" { "Stands" } } }
                    tbody { @for one in given {
                        @let (what, meaning) = given_words(&one.event.what);
                        tr { th scope="row" { (what) } td { (meaning) } td { (self.by(one.seq)) }
                            td { (if void(one) { "no: the form was corrected after it" } else { "yes" }) } }
                    } }
                }
                @if form.signed.is_none() { p.empty { "Not signed." } }
            }
        }
    }

    fn queries(&self, protocol: &Protocol, form: &FilledForm) -> Markup {
        let about: Vec<&Query> =
            self.record.queries.iter().filter(|query| query.about.as_ref() == Some(&form.instance)).collect();
        html! { @if !about.is_empty() { (self.query_table(protocol, &about)) } }
    }

    fn query_table(&self, protocol: &Protocol, queries: &[&Query]) -> Markup {
        let item = |query: &Query| match (&query.about, &query.item) {
            (Some(instance), Some(item)) => item_name(protocol, &instance.form, item),
            _ => "the form".into(),
        };
        html! {
            table.crf.small {
                caption { "Queries" }
                thead { tr { th scope="col" { "Query" } th scope="col" { "About" } th scope="col" { "Question" } th scope="col" { "Answers" } th scope="col" { "State" } } }
                tbody { @for query in queries {
                    tr { th scope="row" { (query.id) } td { (item(query)) }
                        td { p { (query.text) } p.note { (self.by(query.raised.event)) } }
                        td { @for answer in &query.answers { p { (answer.text) } p.note { (self.by(answer.by.event)) } } @if query.answers.is_empty() { "none" } }
                        td { (match query.state() { QueryState::Raised => "waits for an answer", QueryState::Answered => "answered, not closed", QueryState::Closed => "closed" })
                            @if let Some(mark) = &query.closed { p.note { (self.by(mark.event)) } } } }
                } }
            }
        }
    }

    fn missing(&self, today: Date) -> Markup {
        let derived = derive(self.history, self.record, None);
        let open = outstanding(self.history, self.record, &derived, today, Wanted { sign_within_days: None });
        let protocol = self.history.current();
        let unsigned: Vec<String> = review(self.history, self.record)
            .iter()
            .filter(|one| matches!(one.signature, Given::Not | Given::Stale))
            .map(|one| form_name(self.history.at(one.form.event), &one.form.instance))
            .collect();
        html! {
            p { "On " (today) ":" }
            @if open.is_empty() { p.empty { "Nothing is missing by the rules of the protocol file." } } @else {
                table.crf.small {
                    caption { "What is missing" }
                    thead { tr { th scope="col" { "Form" } th scope="col" { "What" } th scope="col" { "Since" } th scope="col" { "Why it matters" } } }
                    tbody { @for one in &open {
                        tr { th scope="row" { @match &one.instance { Some(instance) => (form_name(protocol, instance)), None => "–" } }
                            td { (one.says) } td { @match one.since { Some(since) => (since), None => "–" } } td { (one.why) } }
                    } }
                }
            }
            @if !unsigned.is_empty() { p { strong { "Without a signature that stands: " } (unsigned.join("; ")) "." } }
            @if !self.record.faults.is_empty() {
                p { strong { "Could not be read: " } (self.record.faults.iter().map(|fault| format!("{} {}: {}", fault.place, fault.item, fault.message)).collect::<Vec<_>>().join("; ")) "." }
            }
        }
    }

    /// Events of no form, and queries about none that is filled.
    fn others(&self) -> Markup {
        let of_form = |what: &What| {
            what.instance().is_some()
                || matches!(
                    what,
                    What::QueryAnswered { .. } | What::QueryClosed { .. } | What::QueryRaised { .. }
                )
        };
        let others: Vec<&Entered> =
            self.events.values().copied().filter(|one| !of_form(&one.event.what)).collect();
        let filled = |query: &&Query| {
            !self.record.forms.iter().any(|form| query.about.as_ref() == Some(&form.instance))
        };
        let stray: Vec<&Query> = self.record.queries.iter().filter(filled).collect();
        html! {
            table.crf.small {
                caption { "Events that belong to no form" }
                thead { tr { th scope="col" { "What" } th scope="col" { "By" } } }
                tbody { @for one in &others {
                    @let said = says(self.history.at(one.seq), &one.event.what, None);
                    tr { th scope="row" { (said.text) @if let Some(reason) = &said.reason { ". Reason: " (reason) } } td { (self.by(one.seq)) } }
                } }
            }
            @if !stray.is_empty() { (self.query_table(self.history.current(), &stray)) }
        }
    }
}

/// What was given to a form, and what it means.
fn given_words(what: &What) -> (&'static str, String) {
    match what {
        What::FormSigned { meaning, .. } => ("Signed", meaning.clone()),
        What::Verified { .. } => ("Verified", "agrees with its source".into()),
        What::Locked { locked: true, .. } => ("Locked", "closed to changes".into()),
        _ => ("Unlocked", "open to changes again".into()),
    }
}

/// A value, with the choices it was taken from.
fn value(field: &Field<'_>) -> Markup {
    let codes: Vec<(&str, &str)> = match field.item.kind {
        ItemType::YesNo => vec![("Y", "Yes"), ("N", "No")],
        ItemType::Code => field.item.codes.iter().map(|code| (code.as_str(), code.as_str())).collect(),
        _ => Vec::new(),
    };
    html! {
        @if field.text.is_empty() {
            @match &field.applies {
                Applies::No => "not asked: its condition does not hold",
                _ if field.required => strong { "missing" },
                _ => "not filled",
            }
        } @else if codes.is_empty() {
            (field.text)
        } @else {
            @for (code, label) in &codes { span.choice { (if *code == field.text { CHOSEN } else { OPEN }) " " (label) } " " }
            @if !codes.iter().any(|(code, _)| *code == field.text) { span.choice { (CHOSEN) " " (field.text) " (no code of this item)" } }
        }
    }
}

/// The rows of a group, a line each; a column for each item that a row fills.
fn group(rows: &Rows<'_>, names: &[String]) -> Markup {
    let filled: Vec<usize> = (0..rows.group.items.len())
        .filter(|at| {
            rows.rows
                .iter()
                .any(|row| row.get(*at).is_some_and(|field| !field.text.is_empty() || field.required))
        })
        .collect();
    let empty: Vec<&str> = (0..rows.group.items.len())
        .filter(|at| !filled.contains(at))
        .map(|at| rows.group.items[at].label.as_str())
        .collect();
    html! {
        @if rows.rows.is_empty() { p.empty { (rows.group.label) ": no row." } } @else {
            table.crf.small {
                caption { (rows.group.label) }
                thead { tr { th scope="col" { "Row" } @for at in &filled {
                    @let item = &rows.group.items[*at];
                    th scope="col" { (item.label) @if let Some(unit) = &item.unit { " (" (unit) ")" } }
                } } }
                tbody { @for (row, name) in rows.rows.iter().zip(names) {
                    tr { th scope="row" { (name) } @for at in &filled { td { @if let Some(field) = row.get(*at) { (cell(field)) } } } }
                } }
            }
            @if !empty.is_empty() { p.note { "Filled in no row: " (empty.join("; ")) "." } }
        }
    }
}

fn cell(field: &Field<'_>) -> Markup {
    html! {
        @if !field.text.is_empty() { (field.text) } @else if field.required { strong { "missing" } } @else if field.applies == Applies::No { "not asked" } @else { "–" }
    }
}

/// Values of a form that the protocol does not have.
fn unknown(values: &Map<String, Value>) -> Markup {
    html! {
        p.empty { "The protocol file has no such form; its values as they were entered:" }
        ul { @for (name, value) in values { li { code { (name) } ": " (value.to_string()) } } }
    }
}
