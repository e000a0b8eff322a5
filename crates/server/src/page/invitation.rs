//! Accepting an invitation, or a link for a forgotten password: a password is chosen, an account is made, its roles are given.
//!
//! Never gives a role itself: the grants of an accepted invitation become events of their trials, in the name of whoever
//! invited; what a crash left undone is made good by [`make_grants`].

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use office::{Action, Actor, Deed, Reason};
use people::permission::{self, Act};
use people::{Accepted, Grant, Invitation};
use trial::event::Role;

use super::faults::{Faults, new_password, password_fields};
use super::{log_in, parts};
use crate::app::App;
use crate::web::access::{Fields, Gate, Route};
use crate::web::fault::{Answer, Fault};
use crate::web::limit::Client;
use crate::web::shell;

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/invitation/{token}", Gate::Public, show),
        Route::post("/invitation/{token}", Gate::Public, accept),
    ]
}

/// The address of an invitation, to be sent to whom it invites.
pub(crate) fn link(app: &App, token: &people::Secret) -> String {
    format!("{}/invitation/{}", app.address, token.reveal())
}

/// `GET /invitation/{token}`
async fn show(State(app): State<App>, Path(token): Path<String>) -> Answer {
    Ok(match app.people.invitation(&token, app.now()).await? {
        Some(invitation) => page(&app, &invitation, &token, &Faults::default(), StatusCode::OK),
        None => over(),
    })
}

/// `POST /invitation/{token}`
async fn accept(
    State(app): State<App>,
    Extension(from): Extension<Client>,
    Path(token): Path<String>,
    fields: Fields,
) -> Answer {
    let Some(invitation) = app.people.invitation(&token, app.now()).await? else { return Ok(over()) };
    let mut faults = Faults::default();
    let password = new_password(&fields, &mut faults);
    if faults.is_empty() {
        match app.people.accept(&token, &password, app.now()).await {
            Ok(Some(accepted)) => {
                tracing::info!(
                    user = accepted.user,
                    reset = accepted.reset,
                    by = accepted.by,
                    "a link was used"
                );
                // What cannot be written now is tried again each minute: the account is there either way.
                if let Err(wrong) = give(&app, &accepted).await {
                    tracing::error!(
                        user = accepted.user,
                        ?wrong,
                        "the roles of an invitation could not be given yet"
                    );
                }
                let then = if needs_factor(&accepted.grants) { "/account/second-factor" } else { "/" };
                return log_in::open_for(&app, &accepted.user, &password, &from, then).await;
            }
            Ok(None) => return Ok(over()),
            Err(wrong) => faults.of(wrong)?,
        }
    }
    Ok(page(&app, &invitation, &token, &faults, StatusCode::UNPROCESSABLE_ENTITY))
}

/// Writes the roles of accepted invitations that are not in their ledgers yet: at the start, and each minute.
pub(crate) async fn make_grants(app: &App) -> Result<(), Fault> {
    for accepted in app.people.grants_to_make().await? {
        if let Err(wrong) = give(app, &accepted).await {
            // Whose they are stands on the page of people; a log is not to name them.
            tracing::error!(?wrong, "the roles of an invitation cannot be given");
        }
    }
    Ok(())
}

async fn give(app: &App, accepted: &Accepted) -> Result<(), Fault> {
    for grant in &accepted.grants {
        let unknown = || Fault::Broken(format!("the trial {} is not on this server", grant.trial));
        let room = app.room(&grant.trial).ok_or_else(unknown)?;
        let actor = Actor::new(accepted.by.clone(), Role::TrialOffice);
        let deed = Deed::ChangeUser { user: accepted.user.clone(), given: Some(grant.role) };
        let mut action = Action::now(&actor, deed);
        action.site.clone_from(&grant.site);
        match room.office.submit(vec![action]).await {
            Ok(_) => {}
            // Another server on the same ledger, or this one before it went down, was first.
            Err(office::Error::Refused(refusal)) if matches!(refusal.reason, Reason::Granted { .. }) => {}
            Err(wrong) => return Err(wrong.into()),
        }
    }
    Ok(app.people.grants_made(&accepted.invitation).await?)
}

/// Whether a role among these can do something that asks for the second factor.
fn needs_factor(grants: &[Grant]) -> bool {
    let needs = |role| {
        let acts = Act::ALL.iter().filter(|act| permission::needs_second_factor(**act));
        acts.into_iter().any(|act| permission::may(role, *act) != permission::May::Never)
    };
    grants.iter().any(|grant| needs(grant.role))
}

fn over() -> Response {
    let body = html! {
        h1 { "This link opens nothing any more" }
        p { "It was used, or withdrawn, or it is too old: an invitation opens for 7 days, a link for a new password for one day, and each once." }
        p { "Ask the trial office for a new one. If you have set your password already, " a href="/log-in" { "log in" } "." }
    };
    (StatusCode::NOT_FOUND, Html(shell::public_page("Link", &body).into_string())).into_response()
}

fn page(app: &App, invitation: &Invitation, token: &str, faults: &Faults, status: StatusCode) -> Response {
    let title = if invitation.reset { "A new password" } else { "Welcome" };
    let page = shell::public_page(title, &body(app, invitation, token, faults));
    (status, Html(page.into_string())).into_response()
}

fn body(app: &App, invitation: &Invitation, token: &str, faults: &Faults) -> Markup {
    let user = &invitation.user;
    html! {
        @if invitation.reset {
            h1 { "A new password for " (user.display_name) }
        } @else {
            h1 { "Welcome, " (user.display_name) }
            section.card {
                p { (invitation.by) " invited you to work here as:" }
                ul { @for grant in &invitation.grants { li { (grant_words(app, grant)) } } }
            }
        }
        (faults.summary())
        form.card method="post" action=(format!("/invitation/{}", crate::web::address::segment(token))) {
            h2 { "Choose a password" }
            p { "Your user name is " b { (user.name) } "." }
            // For password managers: whose password it is.
            input type="hidden" name="username" autocomplete="username" value=(user.name);
            (password_fields(faults))
            button.main type="submit" { (if invitation.reset { "Set the password" } else { "Make my account" }) }
        }
    }
}

fn grant_words(app: &App, grant: &Grant) -> Markup {
    let title = app.room(&grant.trial).map_or_else(|| grant.trial.clone(), |room| room.title().to_owned());
    html! {
        b { (parts::role(grant.role)) } " in " (title)
        @if let Some(site) = &grant.site { " at site " (site) } @else { " at all sites" }
    }
}
