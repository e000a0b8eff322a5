//! Who works in a trial: users with their roles, invitations, lost passwords and phones, tokens of other programs.
//!
//! Never decides what a role may do (`people::permission`, shown by `people::table`), and never touches the account of somebody
//! who also works in a trial whose office the visitor is not: roles are of a trial, an account is of the server.

mod invite;
mod person;
mod table;
mod tokens;

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use office::Site;
use people::permission::{self, Act, ROLES};
use people::{Invitation, User};
use trial::event::Role;
use trial::id::SiteId;
use trial::words::role_name;

use super::parts::{self, button, moment};
use crate::app::App;
use crate::web::access::{Desk, Fields, Gate, Route};
use crate::web::address::{in_trial, segment};
use crate::web::fault::{Answer, Fault};
use crate::web::shell::{self, Place};

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    let own = vec![Route::get("/t/{trial}/people", Gate::Trial(Act::ManageUsers), show)];
    [own, invite::routes(), person::routes(), table::routes(), tokens::routes()]
        .into_iter()
        .flatten()
        .collect()
}

/// A user's role at a site, none for all sites.
type Held = (Role, Option<SiteId>);

/// `GET /t/{trial}/people`
async fn show(State(app): State<App>, desk: Desk) -> Answer {
    let mut roles: BTreeMap<String, Vec<Held>> = BTreeMap::new();
    for grant in desk.room.office.grants().await? {
        roles.entry(grant.user).or_default().push((grant.role, grant.site));
    }
    let users: BTreeMap<_, _> =
        app.people.users().await?.into_iter().map(|user| (user.name.clone(), user)).collect();
    let known = roles.keys().map(String::as_str).filter(|name| users.contains_key(*name));
    let locked = app.people.locked_of(known, app.now()).await?;
    let open = app.people.open_invitations(app.now()).await?;
    let open: Vec<_> = open.into_iter().filter(|invitation| concerns(invitation, &desk, &roles)).collect();
    let at = |rest: &str| in_trial(&desk.room.slug, rest);
    let body = html! {
        div.head {
            h1 { "People" }
            div.actions {
                a.button.main href=(at("people/invite")) { "Invite somebody" }
                a.button href=(at("people/roles")) { "What each role may do" }
                @if desk.may(Act::ManageTokens) { a.button href=(at("people/tokens")) { "Tokens of programs" } }
            }
        }
        section.card {
            div.wide { table {
                caption { "Users with a role in this trial" }
                thead { tr {
                    th scope="col" { "User" } th scope="col" { "Roles" } th scope="col" { "Last log-in" }
                    th scope="col" { "Second factor" } th scope="col" { "Account" }
                } }
                tbody { @for (name, held) in &roles { (line(&desk, name, held, users.get(name), locked.get(name))) } }
            } }
        }
        (invitations(&desk, &open))
    };
    Ok(shell::page(&desk, Place::People, "People", body))
}

/// An invitation to this trial, or a link for the password of one of its users.
fn concerns(invitation: &Invitation, desk: &Desk, roles: &BTreeMap<String, Vec<Held>>) -> bool {
    let here = invitation.grants.iter().any(|grant| grant.trial == desk.room.slug);
    here || (invitation.reset && roles.contains_key(&invitation.user.name))
}

fn line(
    desk: &Desk,
    name: &str,
    held: &[Held],
    user: Option<&User>,
    locked: Option<&jiff::Timestamp>,
) -> Markup {
    let page = person_address(desk, name);
    html! {
        tr {
            th scope="row" {
                a href=(page) { (user.map_or(name, |user| &user.display_name)) }
                @if user.is_some() { br; span.soft { (name) } }
            }
            td { @for role in held { div { (held_words(role)) } } }
            @if let Some(user) = user {
                td { @match user.last_sign_in { Some(at) => (moment(at)), None => span.soft { "never" } } }
                td { @if user.second_factor { span.chip.good { "set up" } } @else if needs_factor(held) { span.chip.warn { "missing" } } @else { span.soft { "not needed" } } }
                td { (state(user, locked)) }
            } @else {
                td {} td {} td { span.soft { "none on this server" } }
            }
        }
    }
}

fn state(user: &User, locked: Option<&jiff::Timestamp>) -> Markup {
    html! {
        @if user.erased { span.chip { "erased" } }
        @else if user.disabled { span.chip.bad { "closed" } }
        @else if let Some(until) = locked { span.chip.warn { "locked" } " until " (moment(*until)) }
        @else { span.chip.good { "open" } }
    }
}

fn invitations(desk: &Desk, open: &[Invitation]) -> Markup {
    let withdraw = in_trial(&desk.room.slug, "people/withdraw");
    html! {
        section.card {
            h2 { "Links that were sent and not used" }
            @if open.is_empty() {
                p { "None. An invitation opens for 7 days, a link for a new password for one." }
            } @else {
                div.wide { table aria-label="Links that were sent and not used" {
                    thead { tr {
                        th scope="col" { "For" } th scope="col" { "What" } th scope="col" { "By" } th scope="col" { "Opens until" }
                        th scope="col" { span.visually-hidden { "Withdraw" } }
                    } }
                    tbody { @for invitation in open { tr {
                        th scope="row" { (invitation.user.display_name) " " span.soft { (invitation.user.name) } }
                        td {
                            @if invitation.reset { "a new password" }
                            @for grant in &invitation.grants { div { (held_words(&(grant.role, grant.site.clone()))) } }
                        }
                        td { (invitation.by) }
                        td { (moment(invitation.expires)) }
                        td { (button(&desk.visitor, &withdraw, &[("id", &invitation.id)], "Withdraw", None)) }
                    } } }
                } }
            }
        }
    }
}

/// A role and where it holds, in words.
fn held_words((role, site): &Held) -> Markup {
    html! {
        (parts::role(*role))
        @match site { Some(site) => { " " span.soft { "at " (site) } }, None => { " " span.soft { "at all sites" } } }
    }
}

/// Whether one of the roles can do something that asks for the second factor.
fn needs_factor(held: &[Held]) -> bool {
    let asks = |act: &&Act| permission::needs_second_factor(**act);
    held.iter().any(|(role, _)| {
        Act::ALL.iter().filter(asks).any(|act| permission::may(*role, *act) != permission::May::Never)
    })
}

fn person_address(desk: &Desk, user: &str) -> String {
    in_trial(&desk.room.slug, &format!("people/user/{}", segment(user)))
}

/// A role's name in forms.
fn key(role: Role) -> String {
    role_name(role).replace(' ', "-")
}

fn role_options() -> Vec<(String, String)> {
    std::iter::once((String::new(), "Choose a role".to_owned()))
        .chain(ROLES.into_iter().map(|role| (key(role), parts::role(role))))
        .collect()
}

fn site_options(sites: &[Site]) -> Vec<(String, String)> {
    std::iter::once((String::new(), "All sites".to_owned()))
        .chain(sites.iter().map(|site| (site.id.to_string(), format!("{} {}", site.id, site.name))))
        .collect()
}

/// The role and the site that a form names, with what is wrong with them.
fn held_in(fields: &Fields, sites: &[Site], desk: &Desk, faults: &mut super::faults::Faults) -> Option<Held> {
    let role = ROLES.into_iter().find(|role| key(*role) == fields.get("role"));
    let site = Some(fields.get("site")).filter(|site| !site.is_empty()).map(SiteId::from);
    let Some(role) = role else {
        faults.add("role", "Choose a role.");
        return None;
    };
    if let Some(site) = site.as_ref().filter(|wanted| !sites.iter().any(|site| site.id == **wanted)) {
        faults.add("site", format!("There is no site {site}."));
        return None;
    }
    if site.is_none() && permission::belongs_to_site(role) {
        let article = if role == Role::Investigator { "An" } else { "A" };
        faults.add("site", format!("{article} {} works at one site: choose it.", role_name(role)));
        return None;
    }
    if permission::allowed(&desk.grants, Act::ManageUsers, site.as_ref()).is_none() {
        faults.add("site", "Your own role reaches only your site.");
        return None;
    }
    Some((role, site))
}

/// Accounts are of the whole trial: whoever is its office at one site alone may not change them.
fn of_the_whole_trial(desk: &Desk) -> Result<(), Fault> {
    let whole = permission::allowed(&desk.grants, Act::ManageUsers, None);
    whole.map(drop).ok_or_else(|| Fault::Forbidden("Only the office of the whole trial may do this.".into()))
}

fn page(desk: &Desk, title: &str, body: Markup) -> Response {
    shell::page(desk, Place::People, title, body)
}

fn crumbs(desk: &Desk) -> Markup {
    shell::crumbs(&[(in_trial(&desk.room.slug, "people"), "People")])
}
