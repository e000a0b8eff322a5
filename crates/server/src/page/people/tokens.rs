//! Tokens of other programs: made for a role at a site, shown once, revoked at any time.
//!
//! Never opens what asks a person for a second factor: see `people::permission::by_token`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use office::Site;
use people::permission::{self, Act, May};
use people::{ApiToken, NewApiToken};

use super::{Held, crumbs, held_in, held_words, of_the_whole_trial, page, role_options, site_options};
use crate::app::App;
use crate::page::faults::Faults;
use crate::page::parts::{Input, button, empty, input, moment, select};
use crate::web::access::{Desk, Fields, Gate, Route, go};
use crate::web::address::in_trial;
use crate::web::fault::{Answer, Fault};
use crate::web::shell;

/// How many days a token may open at most: a forgotten one must not open for ever.
const MOST_DAYS: i64 = 731;

/// The routes of these pages.
pub(super) fn routes() -> Vec<Route> {
    let gate = Gate::Trial(Act::ManageTokens);
    vec![
        Route::get("/t/{trial}/people/tokens", gate, show),
        Route::post("/t/{trial}/people/tokens", gate, make),
        Route::post("/t/{trial}/people/tokens/revoke", gate, revoke),
    ]
}

/// `GET /t/{trial}/people/tokens`
async fn show(State(app): State<App>, desk: Desk) -> Answer {
    view(&app, &desk, &Fields::default(), &Faults::default(), StatusCode::OK).await
}

/// `POST /t/{trial}/people/tokens`
async fn make(State(app): State<App>, desk: Desk, fields: Fields) -> Answer {
    of_the_whole_trial(&desk)?;
    let sites = desk.room.office.sites().await?;
    let mut faults = Faults::default();
    let held = held_in(&fields, &sites, &desk, &mut faults);
    let days = fields.get("days").parse::<i64>().ok().filter(|days| (1..=MOST_DAYS).contains(days));
    if days.is_none() {
        faults.add("days", format!("A whole number of days, from 1 to {MOST_DAYS}."));
    }
    if fields.get("name").is_empty() {
        faults.add("name", "Say what the token is for, such as the system that will use it.");
    }
    if let (Some((role, site)), Some(days), true) = (held, days, faults.is_empty()) {
        let expires =
            app.now().saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
        let new = NewApiToken {
            name: fields.get("name").to_owned(),
            trial: desk.room.slug.clone(),
            role,
            site,
            expires,
        };
        match app.people.make_api_token(new, desk.visitor.name(), app.now()).await {
            Ok((token, made)) => return Ok(made_page(&app, &desk, token.reveal(), &made)),
            Err(wrong) => faults.of(wrong)?,
        }
    }
    view(&app, &desk, &fields, &faults, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// `POST /t/{trial}/people/tokens/revoke`
async fn revoke(State(app): State<App>, desk: Desk, fields: Fields) -> Answer {
    of_the_whole_trial(&desk)?;
    let id = fields.get("id");
    if !app.people.api_tokens(&desk.room.slug).await?.iter().any(|token| token.id == id) {
        return Err(Fault::NotFound("There is no such token in this trial.".into()));
    }
    app.people.revoke_api_token(id).await?;
    Ok(go(&in_trial(&desk.room.slug, "people/tokens")))
}

async fn view(
    app: &App,
    desk: &Desk,
    fields: &Fields,
    faults: &Faults,
    status: StatusCode,
) -> Result<Response, Fault> {
    let tokens = app.people.api_tokens(&desk.room.slug).await?;
    let sites = desk.room.office.sites().await?;
    let body = html! {
        (crumbs(desk))
        h1 { "Tokens of programs" }
        p { "With a token another program, such as a hospital's information system, sends and reads data through the API as a role would. What asks a person for a second factor or a password no token opens." }
        section.card { (list(desk, &tokens, app.now())) }
        (faults.summary())
        (form(desk, &sites, fields, faults))
    };
    Ok((status, page(desk, "Tokens", body)).into_response())
}

fn list(desk: &Desk, tokens: &[ApiToken], now: Timestamp) -> Markup {
    if tokens.is_empty() {
        return empty("No program has access. Make a token below where one needs it.", None);
    }
    let revoke = in_trial(&desk.room.slug, "people/tokens/revoke");
    html! {
        div.wide { table {
            caption { "Tokens, newest first" }
            thead { tr {
                th scope="col" { "For" } th scope="col" { "As" } th scope="col" { "Made" } th scope="col" { "Opens until" }
                th scope="col" { "Last used" } th scope="col" { "State" }
            } }
            tbody { @for token in tokens { tr {
                th scope="row" { (token.name) }
                td { (held_words(&(token.role, token.site.clone()))) }
                td { (moment(token.made)) " by " (token.by) }
                td { (moment(token.expires)) }
                td { @match token.last_used { Some(at) => (moment(at)), None => "never" } }
                td {
                    @if token.revoked { span.chip.bad { "revoked" } }
                    @else if token.expires <= now { span.chip { "expired" } }
                    @else { (button(&desk.visitor, &revoke, &[("id", &token.id)], "Revoke", Some("Revoke it? The program loses its access at once."))) }
                }
            } } }
        } }
    }
}

fn form(desk: &Desk, sites: &[Site], fields: &Fields, faults: &Faults) -> Markup {
    let days = if fields.get("days").is_empty() { "365" } else { fields.get("days") };
    html! {
        form.card method="post" action=(in_trial(&desk.room.slug, "people/tokens")) {
            (shell::csrf(&desk.visitor))
            h2 { "Make a token" }
            (input(&Input { name: "name", label: "For", hint: "The program that will use it.", value: fields.get("name"), fault: faults.says("name"), required: true, ..Input::default() }))
            (select("role", "As", &role_options(), fields.get("role"), "", faults.says("role")))
            (select("site", "Site", &site_options(sites), fields.get("site"), "", faults.says("site")))
            (input(&Input { name: "days", label: "For how many days", value: days, fault: faults.says("days"), required: true, ..Input::default() }))
            button.main type="submit" { "Make it" }
        }
    }
}

fn made_page(app: &App, desk: &Desk, token: &str, made: &ApiToken) -> Response {
    let body = html! {
        (crumbs(desk))
        h1 { "The token is ready" }
        div.notice.warn { p { "It is shown now and never again. Whoever has it can act as " (held_words(&held(made))) ": keep it where the program keeps its passwords." } }
        section.card {
            p { code { (token) } }
            button type="button" data-copy=(token) { "Copy it" }
            p { "It goes into the header of each request: " code { "Authorization: Bearer " (token) } }
            h2 { "What it opens" }
            ul { @for act in opened(made) { li { (act.words()) } } }
            p.soft { "Of the API at " (app.address) "/api/" }
        }
        p { a href=(in_trial(&desk.room.slug, "people/tokens")) { "Back to the tokens" } }
    };
    page(desk, "Token", body)
}

fn held(token: &ApiToken) -> Held {
    (token.role, token.site.clone())
}

fn opened(token: &ApiToken) -> impl Iterator<Item = Act> {
    let role = token.role;
    Act::ALL
        .iter()
        .copied()
        .filter(move |act| permission::by_token(*act) && permission::may(role, *act) != May::Never)
}
