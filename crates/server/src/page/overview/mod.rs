//! The first page of a trial: what needs doing, how recruitment goes, what happened last, the curves without the arms.
//!
//! Never an estimate of its own: `analysis::pooled` makes the curves, `report` draws them. Counts are of the digests. The
//! curves by arm stand on a page of their own, for whoever may see them, and opening it is noted in the log.

mod counts;
mod curves;
mod strategy;

use axum::extract::{Path, State};
use maud::{Markup, html};
use office::TrailFilter;
use people::permission::{Act, Sites};

use trial::protocol::ProtocolHistory;
use trial::words::says;

use super::parts::{empty, in_words, moment};
use crate::app::App;
use crate::web::access::{Desk, Gate, Route};
use crate::web::fault::Answer;
use crate::web::{address, shell};
pub(crate) use counts::Counts;
pub(crate) use curves::Curves;

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/t/{trial}", Gate::Trial(Act::ViewOverview), overview),
        Route::get("/t/{trial}/", Gate::Trial(Act::ViewOverview), overview),
        Route::get("/t/{trial}/by-arm", Gate::Trial(Act::ViewByArm), by_arm),
    ]
}

/// `GET /t/{trial}/`
async fn overview(State(app): State<App>, desk: Desk) -> Answer {
    let room = &desk.room;
    let progress = room.board().progress();
    if !progress.ready {
        return Ok(reading(&desk, progress.done, progress.of));
    }
    let (digests, history) = (room.digests().await?, room.history().await?);
    let reach = desk.reach(Act::ViewOverview);
    let counts = Counts::of(&digests, &reach, app.today());
    let sites = room.office.sites().await?;
    let planned = history.current().trial.participants;
    // At one site the whole trial's curves are not one's business, and its own would be of a handful.
    let curves = if desk.may(Act::ViewPooled) { room.curves.of(room, &digests).await? } else { None };
    let last = room.office.trail(None, 12, &filter(&reach)).await?;
    let body = html! {
        div.head {
            div { h1 { (room.title()) } p.soft { (history.current().trial.title) } }
            @if desk.may(Act::Screen) {
                div.actions { a.button.main href=(address::in_trial(&room.slug, "screen")) { "Screen a patient" } }
            }
        }
        (counts.cards(&room.slug, planned))
        div.split.overview {
            div {
                (counts.work(&room.slug))
                @if desk.may(Act::ViewSubject) { (strategy::strategies(&room.slug, &digests, &desk.reach(Act::ViewSubject))) }
                @if let Some(curves) = &curves {
                    section.card aria-labelledby="recruitment" {
                        h2 #recruitment { "Recruitment" }
                        (maud::PreEscaped(&curves.recruitment))
                    }
                    section.card aria-labelledby="pooled" {
                        h2 #pooled { "Endpoints, all arms pooled" }
                        p.soft { "As of event " (curves.head) ". Nothing here tells the arms apart." }
                        @for figure in &curves.main { (maud::PreEscaped(figure)) }
                        @if desk.may(Act::ViewByArm) {
                            p { a href=(address::in_trial(&room.slug, "by-arm")) { "The curves by arm" } }
                        }
                    }
                }
            }
            div {
                (counts.by_site(&room.slug, &sites, &reach))
                (happened(&desk, &history, &last.events))
            }
        }
    };
    Ok(shell::page(&desk, shell::Place::Overview, "Overview", body))
}

/// `GET /t/{trial}/by-arm`
async fn by_arm(State(_app): State<App>, Path(trial): Path<String>, desk: Desk) -> Answer {
    let room = &desk.room;
    let digests = room.digests().await?;
    tracing::info!(target: "trialwright::unblinding", trial, user = desk.visitor.name(), "curves by arm were opened");
    let curves = room.curves.by_arm(room, &digests).await?;
    let body = html! {
        (shell::crumbs(&[(address::in_trial(&room.slug, ""), "Overview")]))
        h1 { "Endpoints by arm" }
        div.notice.warn {
            p { strong { "This page compares the arms." } " What it shows is for the statistician and the safety committee alone; \
                 whoever treats or recruits patients must not learn it. That you opened it was noted." }
        }
        p.soft { "As of event " (curves.head) ". An estimate before the planned analysis is no result." }
        @for figure in &curves.main { section.card { (maud::PreEscaped(figure)) } }
        @if curves.main.is_empty() { (empty("Nobody was randomised yet.", None)) }
    };
    Ok(shell::page(&desk, shell::Place::Overview, "By arm", body))
}

/// The page while the server still reads its ledger.
fn reading(desk: &Desk, done: u64, of: u64) -> axum::response::Response {
    let body = html! {
        h1 { (desk.room.title()) }
        div.notice.info hx-get=(address::in_trial(&desk.room.slug, "")) hx-trigger="load delay:1s" hx-target="main" hx-select="main" hx-swap="outerHTML" {
            p { "The server has just started and reads the ledger: " (done) " of " (of) " subjects." }
            p { progress max=(of) value=(done) aria-label="subjects read" { (done) " of " (of) } }
        }
    };
    shell::page(desk, shell::Place::Overview, "Overview", body)
}

/// What happened that one may see: everything, or what is of one's site.
fn filter(reach: &Sites) -> TrailFilter {
    let site = match reach {
        Sites::All => None,
        Sites::Only(sites) => Some(sites.first().cloned().unwrap_or_default()),
    };
    TrailFilter { site, ..TrailFilter::default() }
}

fn happened(desk: &Desk, history: &ProtocolHistory, events: &[trial::event::Entered]) -> Markup {
    let slug = &desk.room.slug;
    html! {
        section.card aria-labelledby="last" {
            h2 #last { "Last recorded" }
            ul.timeline {
                @for entered in events {
                    li {
                        time datetime=(entered.event.recorded) { (moment(entered.event.recorded)) } " · " (entered.event.who)
                        br;
                        @if let Some(subject) = &entered.event.subject {
                            a href=(address::subject(slug, subject)) { (subject) } ": "
                        }
                        (in_words(&says(history.at(entered.seq), &entered.event.what, None).text))
                    }
                }
            }
            @if desk.may(Act::ViewTrail) { p { a href=(address::in_trial(slug, "trail")) { "The whole trail" } } }
        }
    }
}
