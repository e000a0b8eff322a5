//! Screening: a subject gets a number, and the log of everybody who was screened. The eligibility page is in `eligibility`.
//!
//! Never decides who is eligible or whether a number may be given: `trial::eligibility` and `office` do.

pub(crate) mod eligibility;
mod log;
mod number;

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use office::{Action, Deed, Reason, Site};
use people::permission::Act;
use serde::Deserialize;
use trial::event::Seq;
use trial::id::{SiteId, SubjectId};

use super::faults::Faults;
use super::parts::{Input, empty, input};
use crate::web::access::{Desk, Fields, Gate, Route, go};
use crate::web::address::{self, in_trial, segment};
use crate::web::fault::{Answer, Fault};
use crate::web::shell::{self, Place};

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/t/{trial}/screen", Gate::Trial(Act::Screen), show),
        Route::post("/t/{trial}/screen", Gate::Trial(Act::Screen), screen),
        Route::get("/t/{trial}/screening", Gate::Trial(Act::ViewSubject), log::show),
        Route::get(
            "/t/{trial}/subjects/{subject}/eligibility",
            Gate::Subject(Act::ViewSubject),
            eligibility::show,
        ),
    ]
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    site: String,
}

/// The open sites at which the visitor may screen.
async fn own_sites(desk: &Desk) -> Result<Vec<Site>, Fault> {
    let reach = desk.reach(Act::Screen);
    let sites = desk.room.office.sites().await?;
    Ok(sites.into_iter().filter(|site| site.is_open() && reach.contains(&site.id)).collect())
}

/// `GET /t/{trial}/screen`; `?site=` where one may screen at several.
async fn show(desk: Desk, Query(Asked { site }): Query<Asked>) -> Answer {
    let sites = own_sites(&desk).await?;
    match sites.iter().find(|known| known.id.as_str() == site).or(sites.first().filter(|_| sites.len() == 1))
    {
        Some(site) => form(&desk, site, &sites, None, &Faults::default()).await,
        None => Ok(shell::page(&desk, Place::Subjects, "Screen a patient", choose(&desk, &sites))),
    }
}

fn crumbs(desk: &Desk) -> Markup {
    shell::crumbs(&[(in_trial(&desk.room.slug, "subjects"), "Subjects")])
}

fn at_site(desk: &Desk, site: &SiteId) -> String {
    format!("{}?site={}", in_trial(&desk.room.slug, "screen"), segment(site.as_str()))
}

fn choose(desk: &Desk, sites: &[Site]) -> Markup {
    html! {
        (crumbs(desk))
        h1 { "Screen a patient" }
        @if sites.is_empty() {
            (empty("No site at which you may screen is open. The trial office opens sites.", None))
        } @else {
            section.card {
                h2 { "At which site?" }
                ul { @for site in sites { li { a href=(at_site(desk, &site.id)) { (site.id) ", " (site.name) } } } }
            }
        }
    }
}

/// The number that the next subject of a site would get.
async fn proposed(desk: &Desk, site: &SiteId) -> Result<String, Fault> {
    let digests = desk.room.digests().await?;
    let in_use: Vec<_> = digests.iter().map(|(subject, digest)| (subject, &digest.site)).collect();
    Ok(number::next(site, &in_use))
}

/// The form; `typed`: the number that was sent.
async fn form(desk: &Desk, site: &Site, sites: &[Site], typed: Option<&str>, faults: &Faults) -> Answer {
    let next = proposed(desk, &site.id).await?;
    let seen = desk.room.office.overview().await?.head.count;
    let hint = format!(
        "The next free number of this site is {next}. Never write initials, a birthday or a hospital number here."
    );
    let body = html! {
        (crumbs(desk))
        h1 { "Screen a patient at site " (site.id) }
        p.soft {
            (site.name)
            @if sites.len() > 1 { ". " a href=(in_trial(&desk.room.slug, "screen")) { "Another site" } }
        }
        (faults.summary())
        form.card method="post" action=(in_trial(&desk.room.slug, "screen")) {
            (shell::csrf(&desk.visitor))
            input type="hidden" name="site" value=(site.id);
            input type="hidden" name="_seen" value=(seen);
            (input(&Input {
                name: "number",
                label: "Subject number",
                hint: &hint,
                value: typed.unwrap_or(&next),
                fault: faults.says("number"),
                required: true,
                ..Input::default()
            }))
            p { "The number stays with the subject for the whole trial. Screening is recorded as of today; consent and all else is entered next." }
            button.main type="submit" { "Screen" }
        }
    };
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, shell::page(desk, Place::Subjects, "Screen a patient", body)).into_response())
}

/// `POST /t/{trial}/screen`
async fn screen(desk: Desk, fields: Fields) -> Answer {
    let sites = own_sites(&desk).await?;
    let number = fields.get("number");
    let Some(site) = sites.iter().find(|site| site.id.as_str() == fields.get("site")) else {
        let says =
            format!("Site {} is not open, or not one of yours: nobody was screened.", fields.get("site"));
        return Ok(refused(&desk, &sites, &says));
    };
    let subject = SubjectId::from(number);
    let actor = desk.actor_for(Act::Screen, Some(&site.id))?;
    let action = Action::now(&actor, Deed::Screen).at(site.id.clone()).of(subject.clone());
    let to = address::of_subject(&desk.room.slug, &subject, "eligibility");
    let refusal = match desk.room.office.submit(vec![action]).await {
        Ok(_) => return Ok(go(&to)),
        Err(office::Error::Refused(refusal)) => refusal,
        Err(wrong) => return Err(wrong.into()),
    };
    let mut faults = Faults::default();
    match &refusal.reason {
        // The second click of a double one: the subject is there, screened by the same person since the form was shown.
        Reason::AlreadyScreened { site: home, event } if home == &site.id => {
            let (who, at) = screened_by(&desk, *event).await?;
            if who == desk.visitor.name() && fields.get("_seen").parse().is_ok_and(|seen: Seq| *event > seen)
            {
                return Ok(go(&format!("{to}?again=1")));
            }
            faults.add(
                "number",
                format!("{number} was given by {who} on {at}. Nobody was screened; take another number."),
            );
        }
        // Where another site gave it is not this site's to know.
        Reason::AlreadyScreened { .. } => {
            faults.add("number", format!("{number} is in use. Nobody was screened; take another number."));
        }
        Reason::SubjectNumber(_) | Reason::NoSubject => {
            faults.add("number", "1 to 64 letters, digits, dots, hyphens or slashes.");
        }
        reason => faults.add("", reason.to_string()),
    }
    form(&desk, site, &sites, Some(number), &faults).await
}

async fn screened_by(desk: &Desk, event: Seq) -> Result<(String, String), Fault> {
    let stored = desk.room.office.ledger().event(event).await.map_err(office::Error::from)?;
    let stored = stored.ok_or_else(|| Fault::Broken(format!("event {event} is not in the ledger")))?;
    let event: trial::event::Event = stored.parse().map_err(office::Error::from)?;
    Ok((event.who, event.recorded.strftime("%-d %b %Y %H:%M UTC").to_string()))
}

fn refused(desk: &Desk, sites: &[Site], says: &str) -> Response {
    let body = html! {
        div.notice.bad role="alert" { p { (says) } }
        (choose(desk, sites))
    };
    (StatusCode::UNPROCESSABLE_ENTITY, shell::page(desk, Place::Subjects, "Screen a patient", body))
        .into_response()
}
