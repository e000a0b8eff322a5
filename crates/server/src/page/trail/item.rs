//! The history of one item of a form: every value that ever stood there, who gave it and why, and what was asked about it.
//!
//! Never shows an item of a subject that is not the visitor's.

use axum::response::Response;
use maud::{Markup, html};
use people::permission::Act;
use serde_json::{Map, Value};
use trial::event::{Entered, Instance, What};
use trial::id::SubjectId;
use trial::words::{self, Change, Said};

use super::choice::{Choice, queries, query_of};
use super::words_of;
use crate::page::listing;
use crate::page::parts::{self, empty, in_words, role};
use crate::web::access::Desk;
use crate::web::address;
use crate::web::fault::{Answer, Fault};
use crate::web::shell::{self, Place};

/// One event of the history, with what it did to the item.
struct Step<'e> {
    entered: &'e Entered,
    said: Said,
}

pub(super) async fn page(
    desk: &Desk,
    choice: &Choice,
    subject: &SubjectId,
    instance: &Instance,
    item: &str,
) -> Answer {
    let unknown = || Fault::NotFound(format!("There is no subject {subject} at your site."));
    let folder = desk.room.office.folder(subject).await?.ok_or_else(unknown)?;
    if !desk.may_at(Act::ViewTrail, &folder.record.site) {
        return Err(unknown());
    }
    let protocol = folder.history.current();
    let mut steps = Vec::new();
    let asked = queries(&folder.events);
    let mut standing: Option<&Map<String, Value>> = None;
    for entered in &folder.events {
        let what = &entered.event.what;
        if let What::FormSaved { instance: of, values } | What::FormCorrected { instance: of, values, .. } =
            what
            && of == instance
        {
            let mut said = words::says(folder.history.at(entered.seq), what, standing);
            said.changes.retain(|change| is_of(change, item));
            standing = Some(values);
            if !said.changes.is_empty() {
                steps.push(Step { entered, said });
            }
            continue;
        }
        let about = query_of(what).and_then(|query| asked.get(query));
        if about
            .is_some_and(|(form, of)| *form == Some(instance) && of.is_some_and(|of| last(of) == last(item)))
        {
            steps.push(Step { entered, said: words::says(folder.history.at(entered.seq), what, None) });
        }
    }
    let form = words::form_name(protocol, instance);
    let label = words::item_name(protocol, &instance.form, item);
    Ok(drawn(desk, choice, subject, instance, &[&form, &label], &steps))
}

/// The item's id within a field's name: `LESIONS.0.DIAMETER` is `DIAMETER`.
fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Rows come and go, so that an item of a repeating group is shown in all of them.
fn is_of(change: &Change, item: &str) -> bool {
    change.item == last(item) || change.row.as_ref().is_some_and(|(group, _)| group == item)
}

fn drawn(
    desk: &Desk,
    choice: &Choice,
    subject: &SubjectId,
    instance: &Instance,
    names: &[&str; 2],
    steps: &[Step<'_>],
) -> Response {
    let slug = &desk.room.slug;
    let [form, label] = names;
    let whole =
        listing::asking(desk, "trail", &[("subject", subject.as_str()), ("instance", &choice.instance)]);
    let body = html! {
        (shell::crumbs(&[
            (address::in_trial(slug, "trail"), "Audit trail"),
            (listing::asking(desk, "trail", &[("subject", subject.as_str())]), subject.as_str()),
            (whole, form),
        ]))
        h1 { "History of “" (label) "”" }
        p.soft {
            "Subject " a href=(address::subject(slug, subject)) { (subject) } " · "
            a href=(address::form(slug, subject, instance)) { (form) } " · newest first"
        }
        @if steps.is_empty() { (empty("Nothing was ever entered here.", Some((&address::form(slug, subject, instance), "To the form")))) }
        @else { section.card aria-label="History" { ol.timeline reversed { @for step in steps.iter().rev() { (shown(desk, step)) } } } }
    };
    shell::page(desk, Place::Trail, &format!("History of {label}"), body)
}

fn shown(desk: &Desk, step: &Step<'_>) -> Markup {
    let Entered { seq, event } = step.entered;
    let asked = query_of(&event.what).is_some();
    html! {
        li.warn[asked].info[!asked] {
            time datetime=(event.recorded) { (parts::moment(event.recorded)) } " · " (event.who) span.soft { ", " (role(event.role)) }
            " · " a.history href=(address::event(&desk.room.slug, *seq)) { "event " (seq) }
            @if asked { br; (in_words(&step.said.text)) }
            @if !step.said.changes.is_empty() { ul.changes { @for change in &step.said.changes { li { (words_of(change)) } } } }
            @if let Some(reason) = &step.said.reason { span.soft { "Reason: " } (reason) }
        }
    }
}
