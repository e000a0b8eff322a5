//! Where one arrives: one's trials; with one trial, straight into it. And a page on how to work here, by role.
//!
//! Never shows that a trial exists to whoever has no role in it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use people::permission::{self, Act, ROLES};
use trial::event::Role;
use trial::id::SiteId;

use super::parts::{self, empty};
use crate::app::App;
use crate::room::Room;
use crate::web::access::{Gate, Route, Visitor, go};
use crate::web::address::in_trial;
use crate::web::fault::{Answer, Fault};
use crate::web::shell;

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get("/", Gate::User, home), Route::get("/help", Gate::User, help)]
}

type Held = Vec<(Role, Option<SiteId>)>;

/// The visitor's trials, each with their roles in it.
async fn trials(app: &App, visitor: &Visitor) -> Result<Vec<(Arc<Room>, Held)>, Fault> {
    let mut trials = Vec::new();
    for room in app.rooms() {
        let held = room.grants_of(visitor.name()).await?;
        if !held.is_empty() {
            trials.push((Arc::clone(room), held));
        }
    }
    Ok(trials)
}

/// `GET /`
async fn home(State(app): State<App>, visitor: Visitor) -> Answer {
    let trials = trials(&app, &visitor).await?;
    if let [(room, held)] = trials.as_slice()
        && permission::anywhere(held, Act::ViewOverview)
    {
        return Ok(go(&in_trial(&room.slug, "")));
    }
    let mut cards = Vec::with_capacity(trials.len());
    for (room, held) in &trials {
        cards.push(card(room, held).await?);
    }
    let body = html! {
        h1 { "Your trials" }
        @if trials.is_empty() {
            (empty("You have no role in a trial on this server yet. The trial office that invited you gives one; then this page leads you there.", Some(("/account", "Your account"))))
        }
        div.grid { @for card in &cards { (card) } }
        p { a href="/help" { "How to work here" } }
    };
    Ok(shell::user_page(&visitor, "Your trials", &body))
}

async fn card(room: &Room, held: &Held) -> Result<Markup, Fault> {
    let overview = room.office.overview().await?;
    let protocol = &overview.history.current().trial;
    Ok(html! {
        section.card {
            h2 { a href=(in_trial(&room.slug, "")) { (room.title()) } @if room.simulated { " " span.chip.warn { "simulated" } } }
            p { (protocol.title) }
            p.soft { (overview.randomised) " of " (protocol.participants) " randomised · protocol version " (protocol.version) }
            p { @for (index, (role, site)) in held.iter().enumerate() {
                @if index > 0 { ", " }
                (parts::role(*role)) @if let Some(site) = site { " at " (site) }
            } }
        }
    })
}

/// `GET /help`
async fn help(State(app): State<App>, visitor: Visitor) -> Result<Response, Fault> {
    let trials = trials(&app, &visitor).await?;
    let own = |role: &Role| trials.iter().any(|(_, held)| held.iter().any(|(known, _)| known == role));
    let body = html! {
        h1 { "How to work here" }
        section.card {
            h2 { "For everybody" }
            ul {
                li { "What you type into a form is kept while you type it, also when you are logged out or the connection is lost. It is recorded when you save." }
                li { "Nothing that was recorded is changed or deleted: a correction stands beside what it corrects, with your name, the time and the reason." }
                li { "A subject is a number. Do not write names, dates of birth or record numbers into any field." }
                li { "Where a date is known in part only, give the part: 2025-03 or 2025." }
                li { "A session ends after half an hour without a request. Log out on a computer that others use." }
            }
        }
        @for role in ROLES.iter().filter(|role| own(role)) { (role_help(*role)) }
        @let others: Vec<_> = ROLES.iter().filter(|role| !own(role)).collect();
        @if !others.is_empty() {
            details {
                summary { "The other roles" }
                @for role in others { (role_help(*role)) }
            }
        }
        @for (room, _) in &trials {
            p { a href=(in_trial(&room.slug, "people/roles")) { "What each role may do in " (room.title()) } }
        }
    };
    Ok(shell::user_page(&visitor, "How to work here", &body))
}

fn role_help(role: Role) -> Markup {
    html! {
        section.card {
            h2 { (parts::role(role)) }
            ol { @for step in steps(role) { li { (step) } } }
        }
    }
}

fn steps(role: Role) -> &'static [&'static str] {
    match role {
        Role::SiteCoordinator => &[
            "Screen a patient from the page of subjects, then fill the screening forms; the page says which criterion is proven, failed or unknown.",
            "Enter visits from the calendar: it shows which are open and which are overdue.",
            "Answer queries under Queries; correct a form with a reason where the query is right.",
            "Give patients their link to the questionnaire from the subject's page.",
        ],
        Role::Investigator => &[
            "See whether a patient is eligible, criterion by criterion, and randomise when all are proven. It asks for your second factor.",
            "Enter tumour assessments: the page shows at once the response, which lesions progress and what it means for the strategy.",
            "Record the decision after a progression before its deadline; the subject's page shows it.",
            "Review and sign forms under Review, with your password again.",
        ],
        Role::RadiationOncologist => &[
            "Record SABR on the subject's page: lesion, dose and fractions; BED and EQD2 are worked out.",
            "The overview lists the courses that are waited for, and until when.",
        ],
        Role::Monitor => &[
            "Verify forms against their source under Review; a form that is corrected afterwards comes back to you.",
            "Raise queries from a form or under Queries, and close them when they are answered.",
        ],
        Role::DataManager => &[
            "Look through what is missing, queries and deviations; raise and close queries.",
            "Lock forms that are complete. Unlocking asks for your second factor.",
            "Export the data and the audit trail, and make reports.",
        ],
        Role::Statistician => &[
            "Results of both arms together are under the overview; by arm they are on a page of their own, which notes that you opened it.",
            "Make reports as of a date, and export the data.",
        ],
        Role::SafetyCommittee => &[
            "Reports and results by arm are yours to read, with your second factor; data of single subjects are not.",
        ],
        Role::TrialOffice => &[
            "Open sites under Sites and invite people under People: each gets a link that works once.",
            "Follow recruitment and what is overdue on the overview.",
            "Adopt a new version of the protocol under Protocol: its effect on subjects is shown before you do.",
            "For a site that cannot reach this server you can randomise on its behalf.",
        ],
        Role::Patient | Role::System => &[],
    }
}
