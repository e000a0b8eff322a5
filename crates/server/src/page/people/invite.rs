//! Inviting somebody: who, in which role, where; then a link that works once, with words to send it by.
//!
//! Never sends anything: the office copies the link into its own mail, so that no mail server is needed or trusted.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use office::Site;
use people::permission::Act;
use people::{Grant, NewInvitation, NewUser, Secret};

use super::{crumbs, held_in, page, person_address, role_options, site_options};
use crate::app::App;
use crate::page::faults::Faults;
use crate::page::invitation::link;
use crate::page::parts::{Input, button, input, select};
use crate::web::access::{Desk, Fields, Gate, Route, go};
use crate::web::address::{in_trial, segment};
use crate::web::fault::{Answer, Fault};
use crate::web::shell;

/// The routes of these pages.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/t/{trial}/people/invite", Gate::Trial(Act::ManageUsers), show),
        Route::post("/t/{trial}/people/invite", Gate::Trial(Act::ManageUsers), invite),
        Route::post("/t/{trial}/people/withdraw", Gate::Trial(Act::ManageUsers), withdraw),
    ]
}

/// `GET /t/{trial}/people/invite`
async fn show(desk: Desk) -> Answer {
    let sites = desk.room.office.sites().await?;
    Ok(form(&desk, &sites, &Fields::default(), &Faults::default(), StatusCode::OK))
}

/// `POST /t/{trial}/people/invite`
async fn invite(State(app): State<App>, desk: Desk, fields: Fields) -> Answer {
    let sites = desk.room.office.sites().await?;
    let mut faults = Faults::default();
    let user = NewUser {
        name: fields.get("name").to_owned(),
        display_name: fields.get("display_name").to_owned(),
        email: fields.get("email").to_owned(),
    };
    if let Some((role, site)) = held_in(&fields, &sites, &desk, &mut faults) {
        let grant = Grant { trial: desk.room.slug.clone(), role, site };
        let invitation = NewInvitation { user: user.clone(), grants: vec![grant] };
        match app.people.invite(invitation, desk.visitor.name(), app.now()).await {
            Ok(token) => {
                tracing::info!(by = desk.visitor.name(), user = user.name, "somebody was invited");
                return Ok(sent(&app, &desk, &user, &token, &Kind::Invitation));
            }
            Err(wrong) => faults.of(wrong)?,
        }
    }
    Ok(form(&desk, &sites, &fields, &faults, StatusCode::UNPROCESSABLE_ENTITY))
}

/// `POST /t/{trial}/people/withdraw`
async fn withdraw(State(app): State<App>, desk: Desk, fields: Fields) -> Answer {
    let id = fields.get("id");
    let open = app.people.open_invitations(app.now()).await?;
    let found = open.iter().find(|invitation| invitation.id == id);
    let mut here = false;
    if let Some(invitation) = found {
        here = invitation.grants.iter().any(|grant| grant.trial == desk.room.slug)
            || (invitation.reset && !desk.room.grants_of(&invitation.user.name).await?.is_empty());
    }
    if !here {
        return Err(Fault::NotFound("This link is no longer open, so there is nothing to withdraw.".into()));
    }
    app.people.withdraw_invitation(id, app.now()).await?;
    Ok(go(&in_trial(&desk.room.slug, "people")))
}

fn form(desk: &Desk, sites: &[Site], fields: &Fields, faults: &Faults, status: StatusCode) -> Response {
    let text = |name, label, hint, kind, required| {
        let (value, fault) = (fields.get(name), faults.says(name));
        input(&Input { name, label, kind, value, hint, fault, required, ..Input::default() })
    };
    let body = html! {
        (crumbs(desk))
        h1 { "Invite somebody" }
        (faults.summary())
        @if faults.says("name").contains("is taken") { (known(desk, fields)) }
        form.card method="post" action=(in_trial(&desk.room.slug, "people/invite")) {
            (shell::csrf(&desk.visitor))
            (text("display_name", "Full name", "As the person signs.", "", true))
            (text("name", "User name", "To log in with, such as m.lee. It stands in the audit trail and is never given to somebody else.", "", true))
            (text("email", "E-mail", "", "email", false))
            (select("role", "Role", &role_options(), fields.get("role"), "", faults.says("role")))
            (select("site", "Site", &site_options(sites), fields.get("site"), "Coordinators, investigators and radiation oncologists work at one site; more sites can be added afterwards.", faults.says("site")))
            button.main type="submit" { "Make the invitation" }
        }
    };
    (status, page(desk, "Invite", body)).into_response()
}

/// Somebody of this name has an account: perhaps it is the person meant.
fn known(desk: &Desk, fields: &Fields) -> Markup {
    let name = fields.get("name").to_lowercase();
    let give = format!("{}/give", person_address(desk, &name));
    let held = [("role", fields.get("role")), ("site", fields.get("site"))];
    html! {
        div.notice.info {
            p { "If " b { (name) } " is the person you mean, no invitation is needed: give the account the role." }
            (button(&desk.visitor, &give, &held, "Give this role to the account", None))
        }
    }
}

/// What a link is for.
pub(super) enum Kind {
    Invitation,
    Password,
}

/// The page that shows a link, this once.
pub(super) fn sent(app: &App, desk: &Desk, user: &NewUser, token: &Secret, kind: &Kind) -> Response {
    let link = link(app, token);
    let (title, days) = match kind {
        Kind::Invitation => ("The invitation is ready", "7 days"),
        Kind::Password => ("The link for a new password is ready", "one day"),
    };
    let text = letter(desk, user, &link, kind);
    let subject = format!(
        "{}: {}",
        desk.room.title(),
        match kind {
            Kind::Invitation => "your access",
            Kind::Password => "a new password",
        }
    );
    let mail =
        format!("mailto:{}?subject={}&body={}", segment(&user.email), segment(&subject), segment(&text));
    let body = html! {
        (crumbs(desk))
        h1 { (title) }
        div.notice.warn { p { "This link is shown now and never again. It works once, for " (days) ". Whoever has it can set the password, so send it to " (user.display_name) " alone." } }
        section.card {
            p { code { (link) } }
            div.row {
                button type="button" data-copy=(link) { "Copy the link" }
                button type="button" data-copy=(text) { "Copy the letter" }
                @if !user.email.is_empty() { a.button href=(mail) { "Open it in your mail program" } }
            }
            h2 { "A letter to send it by" }
            pre.letter { (text) }
        }
        p { a href=(in_trial(&desk.room.slug, "people")) { "Back to the people" } }
    };
    page(desk, title, body)
}

fn letter(desk: &Desk, user: &NewUser, link: &str, kind: &Kind) -> String {
    let (name, trial) = (&user.display_name, desk.room.title());
    match kind {
        Kind::Invitation => format!(
            "Dear {name},\n\nyou are invited to work in the trial {trial}. Open this link within 7 days and choose a password; it works \
             once:\n\n{link}\n\nYour user name is {}.\n\nWith kind regards\nthe trial office\n",
            user.name
        ),
        Kind::Password => format!(
            "Dear {name},\n\nwith this link you can set a new password for {trial} (user name {}). It works once, until tomorrow:\n\n\
             {link}\n\nDid you not ask for it? Then tell us, and do not open it.\n\nWith kind regards\nthe trial office\n",
            user.name
        ),
    }
}
