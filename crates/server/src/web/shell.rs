//! The frame around every page: the bar, the trial's name, where one is, who one is, what is simulated.
//!
//! Never decides what a page may show; it shows the links that the visitor's role opens. See `access` for who may what.

use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use people::permission::Act;

use super::access::{Desk, Visitor};
use super::{address, assets};
use crate::room::Waiting;

/// The places in a trial that the bar leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Overview,
    Subjects,
    Visits,
    Outstanding,
    Queries,
    Review,
    Deviations,
    Reports,
    Trail,
    Sites,
    People,
    Protocol,
}

/// Where the bar leads: the place, its address below the trial, its word, and what one must be allowed to do there.
const BAR: [(Place, &str, &str, Act); 12] = [
    (Place::Overview, "", "Overview", Act::ViewOverview),
    (Place::Subjects, "subjects", "Subjects", Act::ViewSubject),
    (Place::Visits, "visits", "Visits", Act::ViewSubject),
    (Place::Outstanding, "outstanding", "Missing", Act::ViewSubject),
    (Place::Queries, "queries", "Queries", Act::ViewSubject),
    (Place::Review, "review", "Review", Act::ViewSubject),
    (Place::Deviations, "deviations", "Deviations", Act::ViewDeviations),
    (Place::Reports, "reports", "Reports", Act::MakeReport),
    (Place::Trail, "trail", "Audit trail", Act::ViewTrail),
    (Place::Sites, "sites", "Sites", Act::ViewOverview),
    (Place::People, "people", "People", Act::ManageUsers),
    (Place::Protocol, "protocol", "Protocol", Act::ViewOverview),
];

/// A page of a trial.
#[allow(clippy::needless_pass_by_value)] // every page makes its body for this call
pub(crate) fn page(desk: &Desk, here: Place, title: &str, body: Markup) -> Response {
    let room = &desk.room;
    let waiting = room.waiting(&desk.reach(Act::ViewSubject));
    let bar = html! {
        div.top { a.brand href="/" { "Trialwright" } span.trial { (room.title()) } (me(&desk.visitor)) }
        nav aria-label="Trial" {
            @for (place, path, word, act) in BAR {
                @if desk.may(act) {
                    a href=(address::in_trial(&room.slug, path)) aria-current=[(place == here).then_some("page")] {
                        (word) (count(place, waiting))
                    }
                }
            }
        }
    };
    let simulated = room.simulated.then_some("SIMULATED: the subjects of this trial are virtual");
    let frame = Frame {
        title: &format!("{title} · {}", room.title()),
        csrf: Some(&desk.visitor.csrf),
        bar,
        simulated,
    };
    Html(frame.whole(&body, false).into_string()).into_response()
}

/// A page outside a trial, for a user.
pub(crate) fn user_page(visitor: &Visitor, title: &str, body: &Markup) -> Response {
    let bar = html! {
        div.top { a.brand href="/" { "Trialwright" } nav aria-label="Trials" { a href="/" { "Trials" } } (me(visitor)) }
    };
    let frame = Frame { title, csrf: Some(&visitor.csrf), bar, simulated: None };
    Html(frame.whole(body, true).into_string()).into_response()
}

/// A page for somebody who is not logged in.
pub(crate) fn public_page(title: &str, body: &Markup) -> Markup {
    let bar = html! { div.top { a.brand href="/" { "Trialwright" } } };
    let frame = Frame { title, csrf: None, bar, simulated: None };
    frame.whole(body, true)
}

/// What waits at a place, beside its word; nothing where nothing does.
fn count(place: Place, waiting: Waiting) -> Markup {
    let (number, words) = match place {
        Place::Visits => (waiting.overdue, "overdue"),
        Place::Queries => (waiting.queries, "not closed"),
        _ => (0, ""),
    };
    html! { @if number > 0 { span.count title=(words) { (number) span.visually-hidden { " " (words) } } } }
}

fn me(visitor: &Visitor) -> Markup {
    html! {
        div.me {
            a href="/account" { (visitor.session.display_name) }
            form method="post" action="/log-out" {
                (csrf(visitor))
                button.plain type="submit" { "Log out" }
            }
        }
    }
}

/// The hidden fields that every form of a user carries: the token against forged requests, and whose form it is, so that what was
/// typed in it is never sent by somebody else after a log-out (see `page::log_in`).
pub(crate) fn csrf(visitor: &Visitor) -> Markup {
    html! {
        input type="hidden" name="_csrf" value=(visitor.csrf);
        input type="hidden" name="_by" value=(visitor.name());
    }
}

struct Frame<'a> {
    title: &'a str,
    csrf: Option<&'a str>,
    bar: Markup,
    simulated: Option<&'static str>,
}

impl Frame<'_> {
    fn whole(&self, body: &Markup, narrow: bool) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en-GB" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="robots" content="noindex";
                    @if let Some(csrf) = self.csrf { meta name="csrf" content=(csrf); }
                    // No evaluated code and no inline style: the content security policy forbids both.
                    meta name="htmx-config" content=r#"{"allowEval":false,"includeIndicatorStyles":false,"historyCacheSize":0}"#;
                    title { (self.title) " · Trialwright" }
                    link rel="icon" href=(assets::address("icon.svg"));
                    link rel="stylesheet" href=(assets::address("figure.css"));
                    link rel="stylesheet" href=(assets::address("app.css"));
                    script src=(assets::address("htmx.min.js")) defer {}
                    script src=(assets::address("app.js")) defer {}
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    @if let Some(simulated) = self.simulated { aside.simulated aria-label="Simulated data" { (simulated) } }
                    header.bar { (self.bar) }
                    main #main tabindex="-1" .narrow[narrow] {
                        div #tell .notice .warn role="status" hidden {}
                        (body)
                    }
                }
            }
        }
    }
}

/// The way up: links with their words, from the trial down.
pub(crate) fn crumbs(steps: &[(String, &str)]) -> Markup {
    html! {
        nav.crumbs aria-label="You are here" {
            @for (index, (address, word)) in steps.iter().enumerate() {
                @if index > 0 { " › " }
                a href=(address) { (word) }
            }
        }
    }
}
