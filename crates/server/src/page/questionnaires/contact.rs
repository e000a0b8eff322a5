//! How a patient is reached: noted, changed, erased. It stays outside the ledger, and at the patient's own site.
//!
//! Never shown to whoever may not manage contacts, the trial office included.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::html;
use people::Contact;

use crate::app::App;
use crate::page::faults::Faults;
use crate::page::parts::{Input, button, input};
use crate::web::access::{Chart, Fields, go};
use crate::web::address;
use crate::web::fault::Answer;
use crate::web::shell::{self, Place};

/// `GET /t/{trial}/subjects/{subject}/contact`
pub(super) async fn show(State(app): State<App>, chart: Chart) -> Answer {
    let known = app.people.contact(&chart.room.slug, &chart.subject).await?;
    let contact = known.clone().unwrap_or_default();
    Ok(page(&chart, &contact, known.is_some(), &Faults::default(), StatusCode::OK))
}

/// `POST /t/{trial}/subjects/{subject}/contact`
pub(super) async fn put(State(app): State<App>, chart: Chart, fields: Fields) -> Answer {
    let given = |name: &str| Some(fields.get(name).to_owned()).filter(|text| !text.is_empty());
    let contact =
        Contact { phone: given("phone"), email: given("email"), notes: fields.get("notes").to_owned() };
    let known = app.people.contact(&chart.room.slug, &chart.subject).await?.is_some();
    let mut faults = Faults::default();
    if contact == Contact::default() {
        faults.add("", "Nothing is filled. To take away what is noted, erase it.");
    } else {
        let now = app.now();
        match app
            .people
            .put_contact(&chart.room.slug, &chart.subject, &contact, chart.visitor.name(), now)
            .await
        {
            Ok(()) => return Ok(go(&chart.at("questionnaires"))),
            Err(wrong) => note(&mut faults, wrong)?,
        }
    }
    Ok(page(&chart, &contact, known, &faults, StatusCode::UNPROCESSABLE_ENTITY))
}

/// What the store refused, beside its field.
fn note(faults: &mut Faults, wrong: people::Error) -> Result<(), crate::web::fault::Fault> {
    let says = wrong.to_string();
    match wrong {
        people::Error::BadInput { field: "telephone", .. } => faults.add("phone", says),
        people::Error::TooLarge { .. } | people::Error::BadInput { field: "notes", .. } => {
            faults.add("notes", says);
        }
        other => faults.of(other)?,
    }
    Ok(())
}

/// `POST /t/{trial}/subjects/{subject}/contact/erase`
pub(super) async fn erase(State(app): State<App>, chart: Chart) -> Answer {
    app.people.erase_contact(&chart.room.slug, &chart.subject).await?;
    Ok(go(&chart.at("questionnaires")))
}

fn page(chart: &Chart, contact: &Contact, known: bool, faults: &Faults, status: StatusCode) -> Response {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (phone, email) = (text(&contact.phone), text(&contact.email));
    let body = html! {
        (shell::crumbs(&[
            (address::in_trial(&chart.room.slug, "subjects"), "Subjects"),
            (chart.at(""), chart.subject.as_str()),
            (chart.at("questionnaires"), "Questionnaires"),
        ]))
        h1 { "How subject " (chart.subject) " is reached" }
        p { "For reminders of questionnaires. Only the site sees it; it is not part of the trial's data, goes into no export, and can be erased. Write no name here." }
        (faults.summary())
        form.card method="post" action=(chart.at("contact")) data-keep {
            (shell::csrf(&chart.visitor))
            (input(&Input { name: "phone", label: "Telephone", kind: "tel", value: &phone, fault: faults.says("phone"), ..Input::default() }))
            (input(&Input { name: "email", label: "E-mail", kind: "email", value: &email, fault: faults.says("email"), ..Input::default() }))
            div.field .wrong[!faults.says("notes").is_empty()] {
                label for="notes" { "Notes" span.soft.optional { " (optional)" } }
                p.hint #notes-hint { "When and how the patient wishes to be reached." }
                textarea #notes name="notes" aria-describedby="notes-hint" { (contact.notes) }
                @if !faults.says("notes").is_empty() { p.fault role="alert" { (faults.says("notes")) } }
            }
            button.main type="submit" { "Save" }
        }
        @if known {
            (button(&chart.visitor, &chart.at("contact/erase"), &[], "Erase it all", Some("Erase how the patient is reached? It cannot be brought back.")))
        }
    };
    (status, shell::page(chart, Place::Subjects, &format!("Contact · {}", chart.subject), body))
        .into_response()
}
