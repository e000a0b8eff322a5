//! The page of a form that is being filled or corrected.
//!
//! Never decides what may be saved. What was typed is shown as it was typed, whatever is wrong with it.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::{Map, Value};
use trial::event::Seq;
use trial::form::entry::not_on;

use super::draft::{self, Kept};
use super::fields::{Draw, control_id, said, said_id};
use super::merge::Difference;
use super::notes::{Notes, Weight};
use super::paper::Paper;
use super::sheet::{Right, Sheet};
use super::{adverse, at_once};
use crate::page::{parts, queries, review};
use crate::web::access::Chart;
use crate::web::address;
use crate::web::shell::{self, Place};

/// A page of a form.
pub(super) struct View<'a> {
    pub(super) sheet: &'a Sheet,
    pub(super) paper: Paper<'a>,
    /// What could be read of what is shown.
    values: Map<String, Value>,
    pub(super) notes: Notes,
    pub(super) status: StatusCode,
    /// Said at the top: why nothing was saved.
    pub(super) refused: Option<String>,
    /// What is wrong with the reason that was given.
    pub(super) unreasoned: Option<String>,
    pub(super) reason: String,
    /// The event that the form stood at when it was opened.
    pub(super) seen: Seq,
    /// Somebody else's version, where it differs.
    pub(super) conflict: Vec<Difference>,
    /// What was typed earlier and not saved.
    pub(super) kept: Option<Kept>,
    /// The draft is what is shown.
    pub(super) restored: bool,
    /// What was searched for among the terms, without script.
    pub(super) find: String,
}

impl<'a> View<'a> {
    pub(super) fn new(sheet: &'a Sheet, paper: Paper<'a>, values: Map<String, Value>) -> Self {
        Self {
            sheet,
            paper,
            values,
            notes: Notes::default(),
            status: StatusCode::OK,
            refused: None,
            unreasoned: None,
            reason: String::new(),
            seen: sheet.stands_at(),
            conflict: Vec::new(),
            kept: None,
            restored: false,
            find: String::new(),
        }
    }

    /// The page.
    pub(super) fn page(mut self) -> Response {
        at_once::around(self.sheet, &self.paper, &mut self.notes);
        self.notes.gather(&self.paper);
        let title = format!("{} · {}", self.sheet.title(), self.sheet.chart.subject);
        let body = html! {
            (head(self.sheet))
            (self.told())
            (self.form())
        };
        let page = shell::page(&self.sheet.chart.desk, Place::Subjects, &title, body);
        (self.status, page).into_response()
    }

    /// What is to be read before the form.
    fn told(&self) -> Markup {
        html! {
            @if let Some(says) = &self.refused { div.notice.bad role="alert" { @for line in says.lines() { p { (line) } } } }
            (self.summary())
            @if let Some(kept) = &self.kept {
                div.notice.info {
                    p { "You typed this form on " (parts::moment(kept.at)) " and did not save it." }
                    div.row {
                        a.button href=(draft::restore(self.sheet)) { "Restore what I typed" }
                        form method="post" action=(self.sheet.at("draft/drop")) {
                            (shell::csrf(&self.sheet.chart.visitor))
                            button type="submit" { "Drop it" }
                        }
                    }
                }
            }
            @if self.restored { p.notice.info role="status" { "This is what you typed before. It is not saved yet." } }
            (self.left_out())
        }
    }

    /// Every fault that hinders saving, with a link to its field.
    fn summary(&self) -> Markup {
        let wrong: Vec<_> = self.notes.all(Weight::Hard).collect();
        html! {
            @if self.status != StatusCode::OK && !wrong.is_empty() {
                div.notice.bad role="alert" {
                    p { b { "Nothing was saved. " @if wrong.len() == 1 { "One thing is to be put right:" } @else { (wrong.len()) " things are to be put right:" } } }
                    ul {
                        @for (field, note) in wrong {
                            li {
                                @match self.name_of(field) {
                                    Some(name) => { a href={ "#" (self.anchor(field)) } { (name) } ": " (note.says) }
                                    None => (note.says),
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Where a link to a field leads: its control; a row or a group as it is.
    fn anchor(&self, field: &str) -> String {
        if self.paper.all().any(|known| known.name == field) { control_id(field) } else { field.to_owned() }
    }

    /// A field in words: its label, with its row where it stands in one.
    fn name_of(&self, field: &str) -> Option<String> {
        if let Some(known) = self.paper.all().find(|known| known.name == field) {
            let row = field.split('.').nth(1).and_then(|row| row.parse::<usize>().ok());
            return Some(row.map_or_else(
                || known.item.label.clone(),
                |row| format!("{}, row {}", known.item.label, row + 1),
            ));
        }
        let (group, row) =
            field.split_once('.').map_or((field, None), |(group, row)| (group, row.parse::<usize>().ok()));
        let table = self.paper.tables.iter().find(|table| table.group.id == group)?;
        Some(row.map_or_else(
            || table.group.label.clone(),
            |row| format!("{}, row {}", table.group.label, row + 1),
        ))
    }

    /// What stands on the form and is not asked any more.
    fn left_out(&self) -> Markup {
        let strange =
            self.sheet.standing().map(|form| not_on(self.paper.form, &form.values)).unwrap_or_default();
        html! {
            @if !strange.is_empty() {
                p.notice.warn {
                    "The form was entered under an earlier version of the protocol. What is not asked any more is left out when it is corrected: "
                    (strange.into_iter().collect::<Vec<_>>().join(", ")) ". The audit trail keeps it."
                }
            }
        }
    }

    fn form(&self) -> Markup {
        let draw = Draw { sheet: self.sheet, paper: &self.paper, notes: &self.notes };
        let include = "closest form";
        html! {
            div.split.entry-split {
                form.card #entry method="post" action=(self.sheet.at("")) data-keep data-touched novalidate {
                    (shell::csrf(&self.sheet.chart.visitor))
                    input type="hidden" name="_seen" value=(self.seen);
                    input type="hidden" name="_touched" value="";
                    // The first button is what the Enter key presses.
                    button.visually-hidden type="submit" tabindex="-1" { "Save" }
                    div hx-post=(self.sheet.at("check")) hx-include=(include) hx-swap="none" hx-sync="this:replace"
                        hx-trigger="input from:closest form delay:400ms, change from:closest form delay:80ms" {}
                    div hx-post=(self.sheet.at("draft")) hx-include=(include) hx-swap="none" hx-sync="this:drop"
                        hx-trigger="input from:closest form throttle:10s, input from:closest form delay:3s, change from:closest form delay:2s" {}
                    (self.both())
                    (adverse::search(self.sheet, &self.find))
                    div.said id=(said_id("")) aria-live="polite" { (said(&self.notes, "")) }
                    (draw.whole())
                    (self.reason())
                    (self.buttons())
                }
                div.aside #panel { (at_once::panel(self.sheet, &self.paper, &self.values)) }
            }
        }
    }

    /// Why a form is corrected.
    fn reason(&self) -> Markup {
        html! {
            @if self.correcting() {
                div.field.wrong[self.unreasoned.is_some()] #reason {
                    label for="i-_reason" { "Reason for the correction " span.required { "required" } }
                    p.hint #h-reason { "It stands in the audit trail beside the old and the new values." }
                    input type="text" id="i-_reason" name="_reason" value=(self.reason) list="reasons" autocomplete="off" aria-describedby="h-reason m-reason";
                    datalist #reasons { @for reason in REASONS { option value=(reason) {} } }
                    div.said #m-reason { @if let Some(says) = &self.unreasoned { p.fault { (says) } } }
                }
            }
        }
    }

    /// The form stands, or stood when the page was opened.
    fn correcting(&self) -> bool {
        self.sheet.right() == Right::Correct || self.seen != 0
    }

    fn buttons(&self) -> Markup {
        let further = !self.conflict.is_empty() && self.sheet.instance.visit.is_none();
        html! {
            div.row.save {
                button.main type="submit" { @if self.correcting() { "Save the correction" } @else { "Save" } }
                @if further { button type="submit" name="_further" value="1" { "Save as a further entry instead" } }
                noscript { button type="submit" name="_check" value="1" formnovalidate { "Check without saving" } }
                a href=(self.sheet.chart.at("")) { "Back to the subject" }
                span #kept .soft.small role="status" {}
                span #wrong-now .soft.small role="status" {}
            }
        }
    }
}

/// Reasons that are often given.
const REASONS: [&str; 4] =
    ["Typing error", "Source document was corrected", "Result came in later", "Answer to a query"];

/// The way up, the name of the form, and how it is looked after.
pub(super) fn head(sheet: &Sheet) -> Markup {
    let chart = &sheet.chart;
    html! {
        (shell::crumbs(&[
            (address::in_trial(&chart.room.slug, "subjects"), "Subjects"),
            (chart.at(""), chart.subject.as_str()),
            (sheet.at(""), sheet.form().label.as_str()),
        ]))
        div.head {
            div {
                h1 { (sheet.title()) }
                p.soft {
                    "Subject " (chart.subject) ", site " (chart.site)
                    @if let Some(allocation) = &sheet.record().randomised { ", arm " (allocation.value.arm) ", randomised " (parts::time(allocation.value.date)) }
                    @if let Some(window) = sheet.window() { " · " (window) }
                }
            }
            div.states { p { (states(sheet)) } @if let Some(form) = sheet.standing() { div.row { (review::actions(&sheet.chart, form)) } } }
        }
    }
}

/// Saved, signed, verified, locked: each with who and when.
fn states(sheet: &Sheet) -> Markup {
    let Some(form) = sheet.standing() else { return html! { span.chip { "Not filled yet" } } };
    html! {
        span.chip.info title=(form.recorded) { @if form.event == form.first { "Saved" } @else { "Corrected" } } " "
        @if let Some(signature) = &form.signed {
            @if form.signature_stands() { span.chip.good { "Signed by " (signature.by.who) } }
            @else { span.chip.warn { "Changed since " (signature.by.who) " signed" } }
            " "
        }
        @if let Some(mark) = &form.verified {
            @if form.verification_stands() { span.chip.good { "Verified by " (mark.who) } }
            @else { span.chip.warn { "Changed since " (mark.who) " verified" } }
            " "
        }
        @if let Some(mark) = &form.locked { span.chip { "Locked by " (mark.who) } " " }
        @let queries = sheet.queries().count();
        @if queries > 0 { a.chip.warn href=(super::fields::queries_address(sheet)) { (queries) @if queries == 1 { " open query" } @else { " open queries" } } " " }
        @if sheet.chart.may(people::permission::Act::ViewTrail) { a.small href=(trail(&sheet.chart, sheet, None)) { "Audit trail" } }
        (queries::ask(&sheet.chart, &sheet.instance, None))
    }
}

/// The audit trail of the form, or of one of its items.
pub(super) fn trail(chart: &Chart, sheet: &Sheet, item: Option<&str>) -> String {
    let subject = address::segment(chart.subject.as_str());
    let instance = address::segment(&address::instance_name(&sheet.instance));
    let item = item.map(|item| format!("&item={}", address::segment(item))).unwrap_or_default();
    address::in_trial(&chart.room.slug, &format!("trail?subject={subject}&instance={instance}{item}"))
}
