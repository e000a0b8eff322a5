//! The questionnaires of one subject: how far each is, the link to give, and the sheet to print with it.
//!
//! Never keeps a link: it is shown once, as it is made.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use people::permission::Act;
use people::{Contact, NewPatientLink, PatientLink};
use trial::calendar::calendar;

use super::due::{self, Due, Progress, Window, chip, visit_words};
use crate::app::App;
use crate::epro;
use crate::epro::words::filled;
use crate::page::parts;
use crate::page::qr::qr;
use crate::web::access::{Chart, Fields, go};
use crate::web::address;
use crate::web::fault::{Answer, Fault};
use crate::web::shell::{self, Place};

/// `GET /t/{trial}/subjects/{subject}/questionnaires`
pub(super) async fn show(State(app): State<App>, chart: Chart) -> Answer {
    view(&app, &chart, None).await
}

/// `POST /t/{trial}/subjects/{subject}/questionnaires`: a link is made, and shown this once.
pub(super) async fn issue(State(app): State<App>, chart: Chart, fields: Fields) -> Answer {
    let folder = chart.room.folder(&chart.subject).await?;
    let today = app.today();
    let calendar = calendar(folder.history.current(), &folder.record, today);
    let due = due::of(&app.wording, folder.history.current(), &calendar.visits, &[], today);
    let asked = due.iter().find(|due| address::instance_name(&due.form.instance) == fields.get("instance"));
    let Some((due, window)) = asked.and_then(|due| Some((due, due.window?))) else {
        let says = "No link was made: this questionnaire is not expected of the patient now. What is expected is listed below.";
        return view(&app, &chart, Some(says)).await;
    };
    let (opens, expires) = window.moments(&app);
    let new = NewPatientLink {
        trial: chart.room.slug.clone(),
        subject: chart.subject.clone(),
        instance: due.form.instance.clone(),
        opens,
        expires,
    };
    match app.people.issue_patient_link(new, chart.visitor.name(), app.now()).await {
        Ok((token, _)) => Ok(handout(&app, &chart, due, window, &epro::link(&app, &token))),
        Err(people::Error::AlreadySent) => {
            view(&app, &chart, Some("No link was made: the patient has sent the answers already.")).await
        }
        Err(wrong) => Err(wrong.into()),
    }
}

/// `POST /t/{trial}/subjects/{subject}/questionnaires/withdraw`
pub(super) async fn withdraw(State(app): State<App>, chart: Chart, fields: Fields) -> Answer {
    let id = fields.get("id");
    let links = app.people.patient_links(&chart.room.slug, Some(&chart.subject)).await?;
    if !links.iter().any(|link| link.id == id) {
        return Err(Fault::NotFound("There is no such link of this subject.".into()));
    }
    app.people.withdraw_patient_link(id).await?;
    Ok(go(&chart.at("questionnaires")))
}

async fn view(app: &App, chart: &Chart, refused: Option<&str>) -> Answer {
    let folder = chart.room.folder(&chart.subject).await?;
    let protocol = folder.history.current();
    let today = app.today();
    let calendar = calendar(protocol, &folder.record, today);
    let links = app.people.patient_links(&chart.room.slug, Some(&chart.subject)).await?;
    let due = due::of(&app.wording, protocol, &calendar.visits, &links, today);
    let contact = if chart.may_here(Act::ManageContacts) {
        Some(app.people.contact(&chart.room.slug, &chart.subject).await?)
    } else {
        None
    };
    let unworded = due.iter().any(|due| {
        protocol.forms.iter().any(|form| form.id == due.form.instance.form && !app.wording.has(form))
    });
    let body = html! {
        (crumbs(chart))
        div.head {
            div {
                h1 { "Questionnaires of subject " (chart.subject) }
                p.soft { "The patient answers on a telephone or computer by a link that opens this questionnaire and nothing else. The answers are recorded as the patient's own." }
            }
            div.actions { a.button href=(address::in_trial(&chart.room.slug, "questionnaires")) { "All subjects" } }
        }
        @if let Some(says) = refused { div.notice.bad role="alert" { p { (says) } } }
        @if unworded {
            div.notice.warn { p { "This server has no file with the wording: patients see numbered items and numbers to choose from, and need the printed questionnaire beside them. The operator names the file when the server starts (" code { "--wording" } ")." } }
        }
        section.card { (table(app, chart, &due)) }
        @if let Some(contact) = contact { (contact_card(chart, contact.as_ref())) }
    };
    let page = shell::page(chart, Place::Subjects, &format!("Questionnaires · {}", chart.subject), body);
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, page).into_response())
}

fn crumbs(chart: &Chart) -> Markup {
    shell::crumbs(&[
        (address::in_trial(&chart.room.slug, "subjects"), "Subjects"),
        (chart.at(""), chart.subject.as_str()),
        (chart.at("questionnaires"), "Questionnaires"),
    ])
}

fn table(app: &App, chart: &Chart, due: &[Due<'_>]) -> Markup {
    if due.is_empty() {
        return parts::empty(
            "No visit of this trial asks for a questionnaire of the patient.",
            Some((&chart.at("calendar"), "See the calendar")),
        );
    }
    html! {
        div.wide { table {
            caption.visually-hidden { "Questionnaires by visit" }
            thead { tr { th scope="col" { "Visit" } th scope="col" { "Questionnaire" } th scope="col" { "On time" } th scope="col" { "State" } th scope="col" { "Link" } } }
            tbody { @for due in due { (row(app, chart, due)) } }
        } }
    }
}

fn row(app: &App, chart: &Chart, due: &Due<'_>) -> Markup {
    let now = app.now();
    let progress = due.progress(now);
    html! {
        tr {
            th scope="row" { (visit_words(due.visit)) }
            td { a href=(address::form(&chart.room.slug, &chart.subject, &due.form.instance)) { (due.form.label) } }
            td { (due::days(due.visit)) }
            td {
                (chip(progress))
                @if progress == Progress::None { br; span.small.soft { (parts::in_words(&due.visit.status.to_string())) } }
                @if let Some(link) = due.link { (history(link, progress)) }
            }
            td { @if chart.may_here(Act::IssuePatientLinks) { (actions(chart, due, progress)) } }
        }
    }
}

/// Who gave the link, and when; when it was answered.
fn history(link: &PatientLink, progress: Progress) -> Markup {
    html! {
        br;
        span.small.soft {
            @if let (Progress::Sent, Some(at)) = (progress, link.sent_at) { (parts::moment(at)) }
            @else if progress != Progress::Entered { "given " (parts::moment(link.made)) " by " (link.by) }
        }
    }
}

fn actions(chart: &Chart, due: &Due<'_>, progress: Progress) -> Markup {
    let open = matches!(progress, Progress::Given | Progress::Started | Progress::Waits);
    let again = open.then_some(
        "Make a new link? The one before it stops working, and what was answered there and not sent is lost.",
    );
    let name = address::instance_name(&due.form.instance);
    html! {
        @if let (Some(window), true) = (due.window, progress != Progress::Sending) {
            (parts::button(&chart.visitor, &chart.at("questionnaires"), &[("instance", &name)], if open { "New link" } else { "Give a link" }, again))
            @if window.late { " " span.chip.warn { "late" } }
        }
        @if let (Some(link), true) = (due.link, open) {
            " "
            (parts::button(&chart.visitor, &chart.at("questionnaires/withdraw"), &[("id", &link.id)], "Withdraw", Some("Withdraw the link? What was answered there and not sent is lost.")))
        }
    }
}

fn contact_card(chart: &Chart, contact: Option<&Contact>) -> Markup {
    html! {
        section.card aria-labelledby="contact" {
            h2 #contact { "How the patient is reached" }
            @match contact {
                Some(contact) => (contact_facts(contact)),
                None => p.soft { "Nothing is noted. A telephone number helps to remind of a questionnaire that is due." },
            }
            p { a.button href=(chart.at("contact")) { (if contact.is_some() { "Change" } else { "Note it" }) } }
        }
    }
}

/// What is known of how somebody is reached.
pub(super) fn contact_facts(contact: &Contact) -> Markup {
    html! {
        dl.facts {
            @if let Some(phone) = &contact.phone { div { dt { "Telephone" } dd { (phone) } } }
            @if let Some(email) = &contact.email { div { dt { "E-mail" } dd { (email) } } }
            @if !contact.notes.is_empty() { div { dt { "Notes" } dd.typed { (contact.notes) } } }
        }
    }
}

/// The link, shown this once: on the screen for the patient's telephone, to be printed, or to be sent.
fn handout(app: &App, chart: &Chart, due: &Due<'_>, window: Window, link: &str) -> Response {
    let words = &app.wording.words;
    let days = [("from", &*words.day(window.opens)), ("to", &*words.day(window.last)), ("link", link)];
    let says = filled(&words.handout_window, &days);
    let message = filled(&words.message, &days);
    let body = html! {
        div.no-print {
            (crumbs(chart))
            h1 { "The link for " (visit_words(due.visit)) " is ready" }
            div.notice.warn { p { "It is shown now and never again. Give it to subject " b { (chart.subject) } " alone: whoever has it can answer in the patient's place." } }
            @if window.late { div.notice.info { p { "The window of the visit is over. The answers will count by the day on which they are given." } } }
        }
        section.card.handout lang=(app.wording.language) {
            h2 { (words.handout_title) }
            p { (words.handout_scan) }
            (qr(link, &words.handout_title))
            p { code.link { (link) } }
            p { (says) }
            p { (words.handout_private) }
        }
        div.no-print {
            p.actions {
                button.main type="button" data-print { "Print the sheet" } " "
                button type="button" data-copy=(link) { "Copy the link" }
            }
            section.card {
                h2 { "To send by text message or e-mail" }
                pre.letter lang=(app.wording.language) { (message) }
                button type="button" data-copy=(message) { "Copy the message" }
            }
            p { a href=(chart.at("questionnaires")) { "Back to the questionnaires" } }
        }
    };
    shell::page(chart, Place::Subjects, "Link to a questionnaire", body)
}
