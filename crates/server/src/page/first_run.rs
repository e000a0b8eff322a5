//! The first minutes of a server: its first user, who becomes the trial office of every trial on it.
//!
//! Never opens without the one-time code that the server printed at its start, and never again once there is a user.

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use office::{Action, Actor, Deed};
use people::{NewUser, Secret};
use serde::Deserialize;
use trial::event::Role;

use super::faults::{Faults, new_password, password_fields};
use super::log_in;
use super::parts::{Input, input};
use crate::app::App;
use crate::web::access::{Fields, Gate, Route, go};
use crate::web::fault::{Answer, Fault};
use crate::web::limit::Client;
use crate::web::shell;

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get("/first-run", Gate::Public, show), Route::post("/first-run", Gate::Public, make)]
}

#[derive(Deserialize)]
struct Code {
    #[serde(default)]
    code: String,
}

/// `GET /first-run?code=…`
async fn show(State(app): State<App>, Query(Code { code }): Query<Code>) -> Answer {
    if app.people.has_users().await? {
        return Ok(go("/log-in"));
    }
    let fields = Fields(vec![("code".into(), code)]);
    Ok(page(&app, &fields, &Faults::default(), StatusCode::OK))
}

/// `POST /first-run`
async fn make(State(app): State<App>, Extension(from): Extension<Client>, fields: Fields) -> Answer {
    if app.people.has_users().await? {
        return Ok(go("/log-in"));
    }
    let mut faults = Faults::default();
    if !app.first_run.as_ref().is_some_and(|code| code.same(fields.get("code"))) {
        faults.add("code", "This is not the code that the server printed when it started.");
        return Ok(page(&app, &fields, &faults, StatusCode::FORBIDDEN));
    }
    let password = new_password(&fields, &mut faults);
    let new = NewUser {
        name: fields.get("name").to_owned(),
        display_name: fields.get("display_name").to_owned(),
        email: fields.get("email").to_owned(),
    };
    if faults.is_empty() {
        match app.people.add_first_user(new, &password, app.now()).await {
            Ok(user) => return open(&app, &user.name, &password, &from).await,
            Err(people::Error::NotTheFirst) => return Ok(go("/log-in")),
            Err(wrong) => faults.of(wrong)?,
        }
    }
    Ok(page(&app, &fields, &faults, StatusCode::UNPROCESSABLE_ENTITY))
}

/// Gives the first user the office of every trial, and leads on to the second factor that the office needs.
async fn open(app: &App, name: &str, password: &Secret, from: &Client) -> Answer {
    let actor = Actor::new(name, Role::TrialOffice);
    for room in app.rooms() {
        let deed = Deed::ChangeUser { user: name.to_owned(), given: Some(Role::TrialOffice) };
        room.office.submit(vec![Action::now(&actor, deed)]).await.map_err(|wrong| {
            Fault::Broken(format!("{name} was made, but did not become the office of {}: {wrong}", room.slug))
        })?;
    }
    tracing::info!(user = name, "the first user was made");
    log_in::open_for(app, name, password, from, "/account/second-factor").await
}

fn page(app: &App, fields: &Fields, faults: &Faults, status: StatusCode) -> Response {
    let page = shell::public_page("First run", &body(app, fields, faults));
    (status, Html(page.into_string())).into_response()
}

fn body(app: &App, fields: &Fields, faults: &Faults) -> Markup {
    let text = |name, label, hint, autocomplete| {
        let (value, fault) = (fields.get(name), faults.says(name));
        input(&Input { name, label, hint, value, fault, autocomplete, required: true, ..Input::default() })
    };
    html! {
        h1 { "Welcome to Trialwright" }
        p { "This server has no users yet. The first becomes the trial office, opens sites and invites everybody else." }
        section.card {
            h2 { "The trials on this server" }
            @if app.rooms().next().is_none() {
                p { "None yet. Found one on the server with " code { "trialwright found" } ", and start the server again with its ledger." }
            }
            ul { @for room in app.rooms() {
                li { b { (room.title()) } @if room.simulated { " " span.chip.warn { "simulated" } } }
            } }
        }
        (faults.summary())
        form.card method="post" action="/first-run" {
            h2 { "The first user" }
            (text("code", "Code", "The server printed it when it started; the link there fills it in.", ""))
            (text("name", "User name", "To log in with, such as m.lee. It stands in the audit trail and can never be given to somebody else.", "username"))
            (text("display_name", "Full name", "As you sign.", "name"))
            (input(&Input { name: "email", label: "E-mail", kind: "email", value: fields.get("email"), fault: faults.says("email"), autocomplete: "email", ..Input::default() }))
            (password_fields(faults))
            button.main type="submit" { "Make the first user" }
        }
    }
}
