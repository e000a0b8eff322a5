//! What each role may do, as a page: the one table, shown.
//!
//! Never a copy of it: every cell asks `people::permission`, as every route does.

use maud::{Markup, html};
use people::permission::{self, Act, May, ROLES};

use super::{crumbs, page};
use crate::page::parts;
use crate::web::access::{Desk, Gate, Route};
use crate::web::fault::Answer;

/// The routes of this page.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/t/{trial}/people/roles", Gate::Trial(Act::ViewOverview), show)]
}

/// `GET /t/{trial}/people/roles`
async fn show(desk: Desk) -> Answer {
    let body = html! {
        @if desk.may(Act::ManageUsers) { (crumbs(&desk)) }
        h1 { "What each role may do" }
        p { "Every page and every form of this server asks this table, at each request." }
        section.card { div.wide { table.permissions {
            caption { "Roles and what they open" }
            thead { tr {
                th scope="col" { "To" }
                @for role in ROLES { th scope="col" { (parts::role(role)) @if held(&desk, role) { " " span.chip.info { "you" } } } }
                th scope="col" { "Asks for" }
            } }
            tbody { @for act in Act::ALL { tr {
                th scope="row" { (act.words()) }
                @for role in ROLES { td { (cell(permission::may(role, *act))) } }
                td.small { (asks(*act)) }
            } } }
        } } }
        p.soft { "A role given at one site opens nothing beyond that site, whatever the table says." }
    };
    Ok(page(&desk, "Roles", body))
}

fn held(desk: &Desk, role: trial::event::Role) -> bool {
    desk.grants.iter().any(|(own, _)| *own == role)
}

fn cell(may: May) -> Markup {
    html! {
        @match may {
            May::Never => { span.soft aria-label="no" { "–" } },
            May::AtOwnSite => "own site",
            May::Everywhere => "everywhere",
        }
    }
}

fn asks(act: Act) -> &'static str {
    match (permission::needs_second_factor(act), permission::needs_reauthentication(act)) {
        (_, true) => "second factor, and the password again",
        (true, false) => "second factor",
        (false, false) => "",
    }
}
