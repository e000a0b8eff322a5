//! The questionnaires that are due at all subjects of the visitor's sites: whom to give a link, whom to remind.
//!
//! Never folds a record: the digests hold the visits. A contact is shown only for the sites whose contacts the visitor manages.

use std::collections::BTreeMap;

use axum::extract::State;
use maud::{Markup, html};
use people::permission::{Act, Sites};
use people::{Contact, PatientLink};
use trial::calendar::VisitStatus;
use trial::date::days_between;
use trial::id::{SiteId, SubjectId};

use super::due::{self, Due, Progress, chip, visit_words};
use crate::app::App;
use crate::page::parts;
use crate::web::access::Desk;
use crate::web::address;
use crate::web::fault::Answer;
use crate::web::shell::{self, Place};

/// Windows that open within so many days are listed.
const AHEAD: i64 = 14;
/// So many of a list are shown at once.
const MOST: usize = 200;

struct Item<'a> {
    subject: &'a SubjectId,
    site: &'a SiteId,
    due: Due<'a>,
    progress: Progress,
}

/// `GET /t/{trial}/questionnaires`
pub(super) async fn list(State(app): State<App>, desk: Desk) -> Answer {
    let (today, now) = (app.today(), app.now());
    let digests = desk.room.digests().await?;
    let history = desk.room.history().await?;
    let mut links: BTreeMap<SubjectId, Vec<PatientLink>> = BTreeMap::new();
    for link in app.people.patient_links(&desk.room.slug, None).await? {
        links.entry(link.subject.clone()).or_default().push(link);
    }
    let reach = desk.reach(Act::ViewSubject);
    let manages = desk.reach(Act::ManageContacts);
    let contacts: BTreeMap<SubjectId, Contact> = if manages.is_empty() {
        BTreeMap::new()
    } else {
        app.people.contacts(&desk.room.slug).await?.into_iter().collect()
    };
    let mut items = Vec::new();
    for (subject, digest) in digests.iter().filter(|(_, digest)| reach.contains(&digest.site)) {
        let own = links.get(subject).map_or(&[][..], Vec::as_slice);
        let visits = digest.begun.iter().chain(&digest.visits);
        for due in due::of(&app.wording, history.current(), visits, own, today) {
            let progress = due.progress(now);
            if due.window.is_some_and(|window| days_between(today, window.opens) <= AHEAD) {
                items.push(Item { subject, site: &digest.site, due, progress });
            }
        }
    }
    items.sort_by_key(|item| item.due.window.map(|window| window.last));
    let page = Page { desk: &desk, manages, contacts };
    let of =
        |wanted: &[Progress]| items.iter().filter(|item| wanted.contains(&item.progress)).collect::<Vec<_>>();
    let body = html! {
        h1 { "Questionnaires" }
        p.soft { "Questionnaires that patients answer by a link, due now, overdue, or opening within " (AHEAD) " days, as of " (parts::time(today)) ". The first to end comes first." }
        (page.card("remind", "To remind", "The patient has a link and has not sent the answers.", &of(&[Progress::Given, Progress::Started]), "Nobody who has a link needs a reminder."))
        (page.card("give", "To give a link", "No link works for these.", &of(&[Progress::None, Progress::Expired, Progress::Withdrawn]), "Every patient whose questionnaire is due has a link."))
        (page.card("wait", "Under way", "Nothing is to be done.", &of(&[Progress::Waits, Progress::Sending]), "No link waits for its day."))
    };
    Ok(shell::page(&desk, Place::Visits, "Questionnaires", body))
}

struct Page<'a> {
    desk: &'a Desk,
    manages: Sites,
    contacts: BTreeMap<SubjectId, Contact>,
}

impl Page<'_> {
    fn card(&self, id: &str, title: &str, says: &str, items: &[&Item<'_>], none: &str) -> Markup {
        html! {
            section.card aria-labelledby=(id) {
                h2 id=(id) { (title) " " span.chip { (items.len()) } }
                @if items.is_empty() { p.soft { (none) } } @else {
                    p.soft { (says) }
                    div.wide { table {
                        caption.visually-hidden { (title) }
                        thead { tr {
                            th scope="col" { "Subject" } th scope="col" { "Site" } th scope="col" { "Questionnaire" } th scope="col" { "On time" }
                            th scope="col" { "State" }
                            @if !self.manages.is_empty() { th scope="col" { "How to reach" } }
                        } }
                        tbody { @for item in items.iter().take(MOST) { (self.row(item)) } }
                    } }
                    @if items.len() > MOST { p.soft { "The first " (MOST) " are shown." } }
                }
            }
        }
    }

    fn row(&self, item: &Item<'_>) -> Markup {
        let to = address::of_subject(&self.desk.room.slug, item.subject, "questionnaires");
        let due = &item.due;
        html! {
            tr {
                th scope="row" { a.nb href=(to) { (item.subject) } }
                td { (item.site) }
                td { (due.form.label) br; span.small.soft { (visit_words(due.visit)) } }
                td { (due::days(due.visit)) }
                td {
                    (chip(item.progress))
                    @if let VisitStatus::Overdue { days } = due.visit.status { " " span.chip.bad { "overdue by " (days) (if days == 1 { " day" } else { " days" }) } }
                }
                @if !self.manages.is_empty() { td { (self.contact(item)) } }
            }
        }
    }

    fn contact(&self, item: &Item<'_>) -> Markup {
        if !self.manages.contains(item.site) {
            return html! { span.soft { "–" } };
        }
        let to = address::of_subject(&self.desk.room.slug, item.subject, "contact");
        html! {
            @match self.contacts.get(item.subject) {
                None => a href=(to) { "note it" },
                Some(contact) => {
                    @for text in [&contact.phone, &contact.email].into_iter().flatten() { (text) br; }
                    @if !contact.notes.is_empty() { span.small.soft { (contact.notes) } }
                }
            }
        }
    }
}
