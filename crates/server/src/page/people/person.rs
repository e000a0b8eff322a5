//! One user in a trial: roles given and taken, a new password, a lost phone, an account that is locked or closed.
//!
//! Never changes a password itself: it makes a link for the person it belongs to.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use maud::{Markup, html};
use office::{Action, Deed};
use people::permission::{self, Act};
use people::{NewUser, User};
use trial::event::{Role, What};
use trial::id::SiteId;

use super::invite::{Kind, sent};
use super::{Held, crumbs, held_in, held_words, needs_factor, of_the_whole_trial, page, person_address};
use super::{role_options, site_options, state};
use crate::app::App;
use crate::page::faults::Faults;
use crate::page::parts::{button, moment, select};
use crate::web::access::{Desk, Fields, Gate, Route, go};
use crate::web::fault::{Answer, Fault};
use crate::web::shell;

/// The routes of these pages.
pub(super) fn routes() -> Vec<Route> {
    let gate = Gate::Trial(Act::ManageUsers);
    vec![
        Route::get("/t/{trial}/people/user/{user}", gate, show),
        Route::post("/t/{trial}/people/user/{user}/give", gate, give),
        Route::post("/t/{trial}/people/user/{user}/take", gate, take),
        Route::post("/t/{trial}/people/user/{user}/link", gate, link),
        Route::post("/t/{trial}/people/user/{user}/factor", gate, remove_factor),
        Route::post("/t/{trial}/people/user/{user}/unlock", gate, unlock),
        Route::post("/t/{trial}/people/user/{user}/close", gate, close),
        Route::post("/t/{trial}/people/user/{user}/open", gate, open),
    ]
}

type Named = Path<(String, String)>;

/// A user as the office of this trial sees them.
struct Person {
    name: String,
    user: Option<User>,
    held: Vec<Held>,
    locked: Option<Timestamp>,
    /// None: the visitor may change the account. Else why not.
    closed_to_visitor: Option<String>,
}

impl Person {
    /// Reads a user; not found where the name never had a role in this trial.
    async fn read(app: &App, desk: &Desk, name: &str) -> Result<Self, Fault> {
        let held = desk.room.grants_of(name).await?;
        if held.is_empty() && !had_a_role(desk, name).await? {
            return Err(Fault::NotFound(format!(
                "Nobody of the name {name} has or had a role in this trial."
            )));
        }
        let user = app.people.user(name).await?;
        let locked = app.people.locked_until(name, app.now()).await?;
        let closed_to_visitor = foreign(app, desk, name).await?;
        Ok(Self { name: name.to_owned(), user, held, locked, closed_to_visitor })
    }

    /// The account, where the visitor may change it.
    fn account(&self, desk: &Desk) -> Result<&User, Fault> {
        of_the_whole_trial(desk)?;
        if let Some(why) = &self.closed_to_visitor {
            return Err(Fault::Forbidden(why.clone()));
        }
        let none = || Fault::NotFound(format!("{} has no account on this server.", self.name));
        self.user.as_ref().filter(|user| !user.erased).ok_or_else(none)
    }

    fn shown(&self) -> &str {
        self.user.as_ref().map_or(&self.name, |user| &user.display_name)
    }
}

async fn had_a_role(desk: &Desk, name: &str) -> Result<bool, Fault> {
    let events = desk.room.office.trial_events().await?;
    Ok(events
        .iter()
        .any(|entered| matches!(&entered.event.what, What::UserChanged { user, .. } if user == name)))
}

/// Why the visitor may not change an account: its owner works in another trial, whose office the visitor is not. Else the office of
/// one trial could log in to another as one of its people.
async fn foreign(app: &App, desk: &Desk, name: &str) -> Result<Option<String>, Fault> {
    for room in app.rooms() {
        if room.grants_of(name).await?.is_empty() {
            continue;
        }
        let own = room.grants_of(desk.visitor.name()).await?;
        if permission::allowed(&own, Act::ManageUsers, None).is_none() {
            return Ok(Some(format!(
                "{name} also works in another trial on this server, so the account is not yours alone to change. Whoever runs the server \
                 can: trialwright user."
            )));
        }
    }
    Ok(None)
}

/// `GET /t/{trial}/people/user/{user}`
async fn show(State(app): State<App>, desk: Desk, Path((_, name)): Named) -> Answer {
    let person = Person::read(&app, &desk, &name).await?;
    view(&desk, &person, &Fields::default(), &Faults::default(), StatusCode::OK).await
}

async fn view(
    desk: &Desk,
    person: &Person,
    fields: &Fields,
    faults: &Faults,
    status: StatusCode,
) -> Result<Response, Fault> {
    let sites = desk.room.office.sites().await?;
    let at = |rest: &str| format!("{}/{rest}", person_address(desk, &person.name));
    let body = html! {
        (crumbs(desk))
        h1 { (person.shown()) }
        (faults.summary())
        section.card {
            dl.facts {
                div { dt { "User name" } dd { code { (person.name) } } }
                @if let Some(user) = &person.user { (facts(user, person)) }
                @else { div { dt { "Account" } dd { "none on this server" } } }
            }
        }
        section.card {
            h2 { "Roles in this trial" }
            @if person.held.is_empty() { p { "None any more." } }
            ul { @for held in &person.held { li {
                (held_words(held)) " "
                (button(&desk.visitor, &at("take"), &[("site", held.1.as_ref().map_or("", SiteId::as_str))], "Take it away", Some("Take this role away?")))
            } } }
            form method="post" action=(at("give")) {
                (shell::csrf(&desk.visitor))
                h3 { "Give a role" }
                p.soft { "At each site, and for all sites, a person has one role: a new one takes the place of the old." }
                (select("role", "Role", &role_options(), fields.get("role"), "", faults.says("role")))
                (select("site", "Site", &site_options(&sites), fields.get("site"), "", faults.says("site")))
                button type="submit" { "Give it" }
            }
        }
        @if person.user.as_ref().is_some_and(|user| !user.erased) { (account(desk, person, &at)) }
    };
    Ok((status, page(desk, person.shown(), body)).into_response())
}

fn facts(user: &User, person: &Person) -> Markup {
    let factor = match (user.second_factor, needs_factor(&person.held)) {
        (true, _) => "set up",
        (false, true) => "missing, and needed",
        (false, false) => "not set up, not needed",
    };
    html! {
        div { dt { "E-mail" } dd { @if user.email.is_empty() { "–" } @else { (user.email) } } }
        div { dt { "Account" } dd { (state(user, person.locked.as_ref())) } }
        div { dt { "Last log-in" } dd { @match user.last_sign_in { Some(at) => (moment(at)), None => "never" } } }
        div { dt { "Second factor" } dd { (factor) } }
    }
}

fn account(desk: &Desk, person: &Person, at: &impl Fn(&str) -> String) -> Markup {
    let Some(user) = &person.user else { return html! {} };
    let act =
        |rest: &str, word: &str, confirm: Option<&str>| button(&desk.visitor, &at(rest), &[], word, confirm);
    html! {
        section.card {
            h2 { "The account" }
            @if let Some(why) = &person.closed_to_visitor {
                p { (why) }
            } @else {
                div.row {
                    @if !user.disabled { (act("link", "Make a link for a new password", None)) }
                    @if user.second_factor { (act("factor", "Remove the second factor", Some("Remove the second factor? Be sure that it is this person who lost it."))) }
                    @if person.locked.is_some() { (act("unlock", "Unlock", None)) }
                    @if user.disabled { (act("open", "Open the account again", None)) }
                    @else if user.name != desk.visitor.name() { (act("close", "Close the account", Some("Close the account? Its sessions end at once."))) }
                }
                p.soft { "A closed account cannot log in; what its owner did stays in the audit trail." }
            }
        }
    }
}

/// `POST …/give`: also to somebody of the server who has no role here yet.
async fn give(State(app): State<App>, desk: Desk, Path((_, name)): Named, fields: Fields) -> Answer {
    let known = app.people.user(&name).await?.filter(|user| !user.erased);
    let user = known
        .ok_or_else(|| Fault::NotFound(format!("{name} has no account on this server: invite them.")))?;
    let sites = desk.room.office.sites().await?;
    let mut faults = Faults::default();
    if let Some((role, site)) = held_in(&fields, &sites, &desk, &mut faults) {
        let replaced = desk.room.grants_of(&user.name).await?.into_iter().find(|(_, own)| *own == site);
        let last = match replaced {
            Some((Role::TrialOffice, None)) if role != Role::TrialOffice => {
                is_last_office(&app, &desk, &user.name).await?
            }
            _ => false,
        };
        if last {
            faults.add("role", LAST_OFFICE);
        } else if change(&desk, &user.name, Some(role), site, &mut faults).await? {
            return Ok(go(&person_address(&desk, &user.name)));
        }
    }
    let person = Person {
        held: desk.room.grants_of(&user.name).await?,
        locked: None,
        closed_to_visitor: foreign(&app, &desk, &user.name).await?,
        name: user.name.clone(),
        user: Some(user),
    };
    view(&desk, &person, &fields, &faults, StatusCode::UNPROCESSABLE_ENTITY).await
}

const LAST_OFFICE: &str = "This is the last of the trial office with an open account; without one nobody could invite people or open \
                           sites. Give the role to somebody else first.";

/// `POST …/take`
async fn take(State(app): State<App>, desk: Desk, Path((_, name)): Named, fields: Fields) -> Answer {
    let person = Person::read(&app, &desk, &name).await?;
    let site = Some(fields.get("site")).filter(|site| !site.is_empty()).map(SiteId::from);
    let mut faults = Faults::default();
    if permission::allowed(&desk.grants, Act::ManageUsers, site.as_ref()).is_none() {
        faults.add("", "Your own role reaches only your site.");
    } else if person.held.contains(&(Role::TrialOffice, None))
        && site.is_none()
        && is_last_office(&app, &desk, &name).await?
    {
        faults.add("", LAST_OFFICE);
    } else if change(&desk, &name, None, site, &mut faults).await? {
        return Ok(go(&person_address(&desk, &name)));
    }
    view(&desk, &person, &Fields::default(), &faults, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// Records a change of role; false where the trial's rules refuse it, with the reason among the faults.
async fn change(
    desk: &Desk,
    user: &str,
    given: Option<Role>,
    site: Option<SiteId>,
    faults: &mut Faults,
) -> Result<bool, Fault> {
    let actor = desk.actor_for(Act::ManageUsers, site.as_ref())?;
    let mut action = Action::now(&actor, Deed::ChangeUser { user: user.to_owned(), given });
    action.site = site;
    match desk.room.office.submit(vec![action]).await {
        Ok(_) => Ok(true),
        Err(office::Error::Refused(refusal)) => {
            faults.add("", refusal.reason.to_string());
            Ok(false)
        }
        Err(wrong) => Err(wrong.into()),
    }
}

/// Whether nobody else is the office of the whole trial with an account that is open.
async fn is_last_office(app: &App, desk: &Desk, user: &str) -> Result<bool, Fault> {
    for grant in desk.room.office.grants().await? {
        if grant.role == Role::TrialOffice && grant.site.is_none() && grant.user != user {
            let account = app.people.user(&grant.user).await?;
            if account.is_some_and(|account| !account.disabled && !account.erased) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// `POST …/link`
async fn link(State(app): State<App>, desk: Desk, Path((_, name)): Named) -> Answer {
    let person = Person::read(&app, &desk, &name).await?;
    let user = person.account(&desk)?;
    if user.disabled {
        return Err(Fault::Forbidden("The account is closed: open it first.".into()));
    }
    let token = app.people.reset_link(&name, desk.visitor.name(), app.now()).await?;
    tracing::info!(by = desk.visitor.name(), user = name, "a link for a new password was made");
    let user = NewUser { name, display_name: user.display_name.clone(), email: user.email.clone() };
    Ok(sent(&app, &desk, &user, &token, &Kind::Password))
}

/// `POST …/factor`
async fn remove_factor(State(app): State<App>, desk: Desk, Path((_, name)): Named) -> Answer {
    Person::read(&app, &desk, &name).await?.account(&desk)?;
    app.people.remove_second_factor(&name).await?;
    tracing::info!(by = desk.visitor.name(), user = name, "a second factor was removed");
    Ok(go(&person_address(&desk, &name)))
}

/// `POST …/unlock`
async fn unlock(State(app): State<App>, desk: Desk, Path((_, name)): Named) -> Answer {
    Person::read(&app, &desk, &name).await?.account(&desk)?;
    app.people.unlock_user(&name).await?;
    tracing::info!(by = desk.visitor.name(), user = name, "an account was unlocked");
    Ok(go(&person_address(&desk, &name)))
}

/// `POST …/close`
async fn close(State(app): State<App>, desk: Desk, Path((_, name)): Named) -> Answer {
    let person = Person::read(&app, &desk, &name).await?;
    let user = person.account(&desk)?;
    if user.name == desk.visitor.name() {
        return Err(Fault::Forbidden(
            "Nobody closes their own account: somebody else of the trial office can.".into(),
        ));
    }
    app.people.disable_user(&name, true).await?;
    tracing::info!(by = desk.visitor.name(), user = name, "an account was closed");
    Ok(go(&person_address(&desk, &name)))
}

/// `POST …/open`
async fn open(State(app): State<App>, desk: Desk, Path((_, name)): Named) -> Answer {
    Person::read(&app, &desk, &name).await?.account(&desk)?;
    app.people.disable_user(&name, false).await?;
    tracing::info!(by = desk.visitor.name(), user = name, "an account was opened again");
    Ok(go(&person_address(&desk, &name)))
}
