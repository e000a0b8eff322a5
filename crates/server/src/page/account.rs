//! One's own account: how one is shown, the password, the second factor, sessions, and what was typed and not yet saved.
//!
//! Never shows or changes another person's account (see `people`), and shows a secret once, when it is made.

mod factor;

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use maud::{Markup, html};
use people::{Checked, Draft, DraftPlace, Secret, User};
use trial::id::SubjectId;

use super::faults::{Faults, new_password, password_fields};
use super::log_in::too_many;
use super::parts::{Input, button, input, moment};
use crate::app::App;
use crate::web::access::{Fields, Gate, Route, Visitor, go};
use crate::web::fault::{Answer, Fault};
use crate::web::limit::Client;
use crate::web::{address, cookie, shell};

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    let own = vec![
        Route::get("/account", Gate::User, show),
        Route::post("/account/name", Gate::User, rename),
        Route::post("/account/password", Gate::User, change_password),
        Route::post("/account/log-out-everywhere", Gate::User, log_out_everywhere),
        Route::post("/account/drafts/drop", Gate::User, drop_draft),
    ];
    own.into_iter().chain(factor::routes()).collect()
}

/// `GET /account`
async fn show(State(app): State<App>, visitor: Visitor) -> Answer {
    page(&app, &visitor, None, &Faults::default(), StatusCode::OK).await
}

/// The page; `typed`: what a form held that was refused.
async fn page(
    app: &App,
    visitor: &Visitor,
    typed: Option<&Fields>,
    faults: &Faults,
    status: StatusCode,
) -> Answer {
    let user = app.people.user(visitor.name()).await?;
    let user = user.ok_or_else(|| Fault::NotFound("This account is no more.".into()))?;
    let drafts = app.people.drafts(visitor.name(), app.now()).await?;
    let left = if user.second_factor { app.people.recovery_codes_left(visitor.name()).await? } else { 0 };
    let body = html! {
        h1 { (user.display_name) }
        p.soft { "User name " code { (user.name) } ". Logged in since " (moment(visitor.session.started)) "; without a request the session ends at " (moment(visitor.session.idle_ends)) "." }
        (faults.summary())
        (names(visitor, &user, typed, faults))
        (passwords(visitor, faults))
        (factor::card(visitor, &user, left))
        (sessions(visitor))
        (drafts_card(app, visitor, &drafts))
    };
    Ok((status, shell::user_page(visitor, "Your account", &body)).into_response())
}

fn names(visitor: &Visitor, user: &User, typed: Option<&Fields>, faults: &Faults) -> Markup {
    let value = |name: &str, known: &str| typed.map_or(known, |fields| fields.get(name)).to_owned();
    let (name, email) = (value("display_name", &user.display_name), value("email", &user.email));
    html! {
        form.card method="post" action="/account/name" {
            (shell::csrf(visitor))
            h2 { "Name and e-mail" }
            (input(&Input { name: "display_name", label: "Full name", hint: "As you sign.", value: &name, fault: faults.says("display_name"), autocomplete: "name", required: true, ..Input::default() }))
            (input(&Input { name: "email", label: "E-mail", kind: "email", value: &email, fault: faults.says("email"), autocomplete: "email", ..Input::default() }))
            button type="submit" { "Save" }
        }
    }
}

fn passwords(visitor: &Visitor, faults: &Faults) -> Markup {
    html! {
        form.card method="post" action="/account/password" {
            (shell::csrf(visitor))
            h2 { "Password" }
            p.soft { "Changing it ends your sessions in other browsers." }
            (input(&Input { name: "old_password", label: "Password until now", kind: "password", fault: faults.says("old_password"), autocomplete: "current-password", required: true, ..Input::default() }))
            (password_fields(faults))
            button type="submit" { "Change the password" }
        }
    }
}

fn sessions(visitor: &Visitor) -> Markup {
    html! {
        section.card {
            h2 { "Sessions" }
            p { "Used a computer that others use too, and not sure that you logged out there? End every session, this one included." }
            (button(visitor, "/account/log-out-everywhere", &[], "Log out everywhere", None))
        }
    }
}

fn drafts_card(app: &App, visitor: &Visitor, drafts: &[Draft]) -> Markup {
    html! {
        section.card {
            h2 { "Typed and not saved" }
            @if drafts.is_empty() {
                p { "Nothing. What you type into a form of a trial is kept for 14 days, until you save it." }
            } @else {
                ul { @for draft in drafts { li { (draft_line(app, visitor, draft)) } } }
            }
        }
    }
}

fn draft_line(app: &App, visitor: &Visitor, draft: &Draft) -> Markup {
    let place = &draft.place;
    let title = app.room(&place.trial).map_or_else(|| place.trial.clone(), |room| room.title().to_owned());
    let form = address::instance_name(&place.instance);
    let subject = place.subject.as_ref().map_or("", |subject| subject.as_str());
    let fields = [("trial", place.trial.as_str()), ("subject", subject), ("instance", &form)];
    html! {
        @match &place.subject {
            Some(subject) => a href=(address::form(&place.trial, subject, &place.instance)) { (title) ", subject " (subject) ": " (form) },
            None => a href=(address::in_trial(&place.trial, "")) { (title) ": " (form) },
        }
        " " span.soft { "kept " (moment(draft.kept)) } " "
        (button(visitor, "/account/drafts/drop", &fields, "Throw it away", Some("Throw away what you typed there?")))
    }
}

/// `POST /account/name`
async fn rename(State(app): State<App>, visitor: Visitor, fields: Fields) -> Answer {
    let mut faults = Faults::default();
    let (name, email) = (fields.get("display_name"), fields.get("email"));
    match app.people.describe_user(visitor.name(), name, email).await {
        Ok(()) => return Ok(go("/account")),
        Err(wrong) => faults.of(wrong)?,
    }
    page(&app, &visitor, Some(&fields), &faults, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// `POST /account/password`
async fn change_password(
    State(app): State<App>,
    Extension(Client(from)): Extension<Client>,
    visitor: Visitor,
    fields: Fields,
) -> Answer {
    let mut faults = Faults::default();
    let new = new_password(&fields, &mut faults);
    if faults.is_empty() {
        let old = Secret::new(fields.raw("old_password"));
        match app.people.change_password(&visitor.session, &old, &new, &from.to_string(), app.now()).await {
            Ok(Checked::Right) => return Ok(go("/account")),
            Ok(Checked::Wrong) => faults.add("old_password", "This is not your password until now."),
            Ok(Checked::TooMany { until }) => faults.add("old_password", too_many(until)),
            Err(wrong) => faults.of(wrong)?,
        }
    }
    page(&app, &visitor, None, &faults, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// `POST /account/log-out-everywhere`
async fn log_out_everywhere(State(app): State<App>, visitor: Visitor) -> Answer {
    app.people.end_all(visitor.name()).await?;
    let mut response = go("/log-in");
    response.headers_mut().append(header::SET_COOKIE, cookie::take(app.tls()));
    Ok(response)
}

/// `POST /account/drafts/drop`
async fn drop_draft(State(app): State<App>, visitor: Visitor, fields: Fields) -> Answer {
    let unknown = || Fault::BadRequest("Which form is meant cannot be read.".into());
    let instance = address::instance_of(fields.get("instance")).ok_or_else(unknown)?;
    let subject = Some(fields.get("subject")).filter(|text| !text.is_empty()).map(SubjectId::from);
    let place = DraftPlace { trial: fields.get("trial").to_owned(), subject, instance };
    app.people.drop_draft(visitor.name(), &place).await?;
    Ok(go("/account"))
}
