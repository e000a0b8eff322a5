//! The forms of a subject: by visit, outside the visits, and the log forms with "add"; each with where it stands.
//!
//! Never decides which form is due; `trial::calendar` does.

use std::collections::BTreeSet;

use maud::{Markup, html};
use trial::calendar::{Expected, FormState, Planned, VisitStatus};
use trial::event::Instance;
use trial::protocol::{Form, ItemType};
use trial::record::{FilledForm, QueryState};

use super::figure_course::visit_words;
use super::opening::plural;
use super::view::View;
use crate::page::parts;
use crate::page::parts::partial;

/// The section of forms.
pub(super) fn card(view: &View<'_>) -> Markup {
    let expected: BTreeSet<&Instance> =
        view.calendar.visits.iter().flat_map(|visit| &visit.forms).map(|form| &form.instance).collect();
    let log = |id: &str| view.form(id).is_some_and(|form| form.log);
    let outside: Vec<&FilledForm> = view
        .record
        .forms
        .iter()
        .filter(|form| !expected.contains(&form.instance) && !log(&form.instance.form))
        .collect();
    html! {
        section.card aria-labelledby="forms" {
            h2 #forms { "Forms" }
            (visits(view))
            @if !outside.is_empty() {
                h3 { "Outside the planned visits" }
                ul.forms { @for form in outside { li { (filled(view, &view.words(&form.instance), form)) } } }
            }
            h3 { "Log forms" }
            (logs(view))
        }
    }
}

fn visits(view: &View<'_>) -> Markup {
    html! {
        div.wide {
            table.visits {
                caption.visually-hidden { "Visits and their forms" }
                thead { tr { th scope="col" { "Visit" } th scope="col" { "Standing" } th scope="col" { "Forms" } } }
                tbody {
                    @for planned in &view.calendar.visits {
                        tr {
                            th scope="row" { (view.visit(&planned.visit, planned.occurrence)) (window(planned)) }
                            td { (standing(view, planned)) }
                            td { ul.forms { @for form in &planned.forms { li { (expected(view, planned, form)) } } } }
                        }
                    }
                }
            }
        }
    }
}

fn window(planned: &Planned) -> Markup {
    html! {
        @if let (Some(target), Some(opens), Some(closes)) = (planned.target, planned.opens, planned.closes) {
            br;
            span.soft.small.nb title={ "Window " (parts::day(opens)) " to " (parts::day(closes)) } {
                (parts::day(target))
                @if opens != closes { " (to " (parts::day(closes)) ")" }
            }
        }
    }
}

fn standing(view: &View<'_>, planned: &Planned) -> Markup {
    let look = match planned.status {
        VisitStatus::Done { in_window: true, .. } => "chip good",
        VisitStatus::Done { .. } | VisitStatus::Begun { .. } | VisitStatus::Open => "chip warn",
        VisitStatus::Overdue { .. } | VisitStatus::Missed => "chip bad",
        VisitStatus::Upcoming { .. } | VisitStatus::AwaitsRandomisation | VisitStatus::NotExpected { .. } => {
            "chip"
        }
    };
    let word = match planned.status {
        VisitStatus::Done { .. } => "done",
        VisitStatus::Begun { .. } => "begun",
        VisitStatus::Open => "due now",
        VisitStatus::Overdue { .. } => "overdue",
        VisitStatus::Missed => "missed",
        VisitStatus::Upcoming { .. } => "to come",
        VisitStatus::AwaitsRandomisation => "after randomisation",
        VisitStatus::NotExpected { .. } => "not expected",
    };
    let says = visit_words(view, planned);
    html! { span class=(look) { (word) } @if says != word { br; span.small.soft { (says) } } }
}

fn expected(view: &View<'_>, planned: &Planned, form: &Expected) -> Markup {
    let entered = view.filled(&form.instance);
    match (&form.state, entered) {
        (_, Some(entered)) => filled(view, &form.label, entered),
        (FormState::Elsewhere { instance }, None) => html! {
            a href=(view.address(instance)) { (form.label) } " "
            span.chip { "filed under " (view.words(instance)) }
        },
        (_, None) => {
            let concept = view.form(&form.instance.form).map(|form| form.concept);
            let may = concept.is_some_and(|concept| view.may_enter(concept));
            let wanted = matches!(
                planned.status,
                VisitStatus::Overdue { .. }
                    | VisitStatus::Open
                    | VisitStatus::Begun { .. }
                    | VisitStatus::Missed
            );
            let look = if wanted { "chip warn" } else { "chip" };
            html! {
                @if may { a href=(view.address(&form.instance)) { (form.label) } } @else { (form.label) }
                " " span class=(look) { @if wanted { "missing" } @else { "empty" } }
            }
        }
    }
}

/// A filled form: its link, and where it stands in chips.
fn filled(view: &View<'_>, label: &str, form: &FilledForm) -> Markup {
    html! {
        a href=(view.address(&form.instance)) { (label) }
        @if form.instance.visit.is_none() && let Some(date) = form.date { " " span.soft.small { (partial(date)) } }
        " " (chips(view, form))
    }
}

fn chips(view: &View<'_>, form: &FilledForm) -> Markup {
    let planned = view.calendar.visits.iter().flat_map(|visit| &visit.forms);
    let state =
        planned.filter(|expected| expected.instance == form.instance).map(|expected| &expected.state).next();
    let (open, answered) = view.queries(&form.instance).fold((0, 0), |(open, answered), query| {
        if query.state() == QueryState::Answered { (open, answered + 1) } else { (open + 1, answered) }
    });
    let unreadable = view.record.faults.iter().filter(|fault| fault.event == form.event).count();
    html! {
        @match state {
            Some(FormState::Incomplete { missing }) => {
                span class="chip warn" { (plural(i64::try_from(*missing).unwrap_or(i64::MAX), "item")) " empty" } " "
            },
            _ => { span.chip { "saved" } " " },
        }
        @if form.signed.is_some() {
            @if form.signature_stands() { span class="chip good" { "signed" } " " }
            @else { span class="chip warn" title="Corrected after it was signed" { "changed since signed" } " " }
        }
        @if form.verified.is_some() {
            @if form.verification_stands() { span class="chip good" { "verified" } " " }
            @else { span class="chip warn" title="Corrected after it was verified" { "changed since verified" } " " }
        }
        @if form.locked.is_some() { span class="chip info" { "locked" } " " }
        @if open > 0 { span class="chip bad" { (plural(open, "open query").replace("querys", "queries")) } " " }
        @if answered > 0 { span class="chip info" { (plural(answered, "answered query").replace("querys", "queries")) } " " }
        @if unreadable > 0 { span class="chip bad" { "not readable" } }
    }
}

fn logs(view: &View<'_>) -> Markup {
    let logs: Vec<&Form> = view.protocol.forms.iter().filter(|form| form.log).collect();
    html! {
        @if logs.is_empty() { p.soft { "The protocol has no log form." } }
        @else {
            div.wide {
                table.visits {
                    caption.visually-hidden { "Log forms" }
                    thead { tr { th scope="col" { "Form" } th scope="col" { "Entries" } th scope="col" { "New" } } }
                    tbody { @for form in logs { (log(view, form)) } }
                }
            }
        }
    }
}

fn log(view: &View<'_>, form: &Form) -> Markup {
    let mut entries: Vec<&FilledForm> =
        view.record.forms.iter().filter(|entry| entry.instance.form == form.id).collect();
    entries.sort_by_key(|entry| (entry.date.map(trial::date::PartialDate::first), entry.instance.occurrence));
    html! {
        tr {
            th scope="row" { (form.label) }
            td {
                @if entries.is_empty() { span.soft { "none" } }
                @else { ul.forms { @for entry in entries { li { (filled(view, &entry_words(form, entry), entry)) } } } }
            }
            td {
                @if view.may_enter(form.concept) {
                    a href=(view.address(&view.next_entry(form))) aria-label={ "Add: " (form.label) } { "Add" }
                }
            }
        }
    }
}

/// What tells an entry from the others: its first text or code, else its number.
fn entry_words(form: &Form, entry: &FilledForm) -> String {
    let telling = form.items.iter().filter(|item| matches!(item.kind, ItemType::Text | ItemType::Code));
    let text =
        telling.filter_map(|item| entry.values.get(&item.id)?.as_str()).find(|text| !text.trim().is_empty());
    text.map_or_else(|| format!("No. {}", entry.instance.occurrence), str::to_owned)
}
