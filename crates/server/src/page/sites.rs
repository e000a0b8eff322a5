//! The sites: which are open, how they recruit; opening one, closing one, opening it again.
//!
//! Never decides whether a site may be opened or closed (`office` does); the counts are of the digests.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use maud::{Markup, html};
use office::{Action, Deed, Site};
use people::permission::Act;
use trial::id::SiteId;

use super::faults::Faults;
use super::parts::{Input, empty, input, moment, select, time};
use crate::app::App;
use crate::web::access::{Desk, Fields, Gate, Route, go};
use crate::web::address::{in_trial, segment};
use crate::web::fault::{Answer, Fault};
use crate::web::shell::{self, Place};

/// ISO 3166-1: alpha-3 code and English short name a line (of the crate `rust_iso3166` 0.2, Apache-2.0; the same codes as Debian's
/// `iso-codes`).
const COUNTRIES: &str = include_str!("../../assets/countries.tsv");

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/t/{trial}/sites", Gate::Trial(Act::ViewOverview), list),
        Route::get("/t/{trial}/new-site", Gate::Trial(Act::OpenSite), new),
        Route::post("/t/{trial}/new-site", Gate::Trial(Act::OpenSite), open),
        Route::get("/t/{trial}/sites/{site}", Gate::Site(Act::ViewOverview), show),
        Route::post("/t/{trial}/sites/{site}/close", Gate::Site(Act::OpenSite), close),
        Route::post("/t/{trial}/sites/{site}/reopen", Gate::Site(Act::OpenSite), reopen),
    ]
}

/// Code and name of every country, by name.
fn countries() -> impl Iterator<Item = (&'static str, &'static str)> {
    COUNTRIES.lines().filter_map(|line| line.split_once('\t'))
}

fn country_name(code: &str) -> &str {
    countries().find(|(known, _)| *known == code).map_or(code, |(_, name)| name)
}

/// How a site recruits.
#[derive(Clone, Copy, Debug, Default)]
struct Recruitment {
    screened: u32,
    randomised: u32,
    last: Option<Date>,
}

async fn recruitment(desk: &Desk) -> Result<BTreeMap<SiteId, Recruitment>, Fault> {
    let mut sites: BTreeMap<SiteId, Recruitment> = BTreeMap::new();
    for (_, digest) in desk.room.digests().await?.iter() {
        let site = sites.entry(digest.site.clone()).or_default();
        site.screened += 1;
        if let Some((day, _)) = &digest.randomised {
            site.randomised += 1;
            site.last = site.last.max(Some(*day));
        }
    }
    Ok(sites)
}

/// `GET /t/{trial}/sites`
async fn list(desk: Desk) -> Answer {
    let reach = desk.reach(Act::ViewOverview);
    let sites: Vec<_> =
        desk.room.office.sites().await?.into_iter().filter(|site| reach.contains(&site.id)).collect();
    let counts = recruitment(&desk).await?;
    let new = in_trial(&desk.room.slug, "new-site");
    let may_open = desk.may(Act::OpenSite);
    let body = html! {
        div.head {
            h1 { "Sites" }
            @if may_open { div.actions { a.button.main href=(new) { "Open a site" } } }
        }
        @if sites.is_empty() {
            (empty(
                "No site is open yet. Subjects can be screened once one is.",
                may_open.then_some((new.as_str(), "Open the first site")),
            ))
        } @else {
            section.card { div.wide { table {
                caption { "Sites and their recruitment" }
                thead { tr {
                    th scope="col" { "Site" } th scope="col" { "Name" } th scope="col" { "Country" } th scope="col" { "State" }
                    th.num scope="col" { "Screened" } th.num scope="col" { "Randomised" } th scope="col" { "Last randomised" }
                } }
                tbody { @for site in &sites { (line(&desk, site, counts.get(&site.id).copied().unwrap_or_default())) } }
                (total(&sites, &counts))
            } } }
        }
    };
    Ok(shell::page(&desk, Place::Sites, "Sites", body))
}

fn line(desk: &Desk, site: &Site, counts: Recruitment) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(site_address(desk, &site.id)) { (site.id) } }
            td { (site.name) }
            td { (site.country.as_deref().map_or("–", country_name)) }
            td { (state(site)) }
            td.num { (counts.screened) }
            td.num { (counts.randomised) }
            td { @match counts.last { Some(day) => (time(day)), None => span.soft { "none yet" } } }
        }
    }
}

fn total(sites: &[Site], counts: &BTreeMap<SiteId, Recruitment>) -> Markup {
    let sum = |of: fn(&Recruitment) -> u32| {
        sites.iter().filter_map(|site| counts.get(&site.id)).map(of).sum::<u32>()
    };
    html! {
        @if sites.len() > 1 {
            tfoot { tr {
                th scope="row" { "Together" } td {} td {} td {}
                td.num { (sum(|site| site.screened)) } td.num { (sum(|site| site.randomised)) } td {}
            } }
        }
    }
}

fn state(site: &Site) -> Markup {
    html! {
        @if site.is_open() { span.chip.good { "open" } " " span.soft { "since " (moment(site.opened)) } }
        @else { span.chip { "closed" } @if let Some(closed) = &site.closed { " " span.soft { "since " (moment(closed.at)) } } }
    }
}

fn site_address(desk: &Desk, site: &SiteId) -> String {
    in_trial(&desk.room.slug, &format!("sites/{}", segment(site.as_str())))
}

/// `GET /t/{trial}/sites/{site}`
async fn show(State(app): State<App>, desk: Desk, Path((_, site)): Path<(String, String)>) -> Answer {
    let site = find(&desk, &site).await?;
    view(&app, &desk, &site, &Fields::default(), &Faults::default(), StatusCode::OK).await
}

async fn find(desk: &Desk, id: &str) -> Result<Site, Fault> {
    let found = desk.room.office.sites().await?.into_iter().find(|site| site.id.as_str() == id);
    found.ok_or_else(|| Fault::NotFound(format!("There is no site {id}.")))
}

async fn view(
    app: &App,
    desk: &Desk,
    site: &Site,
    fields: &Fields,
    faults: &Faults,
    status: StatusCode,
) -> Result<Response, Fault> {
    let counts = recruitment(desk).await?.get(&site.id).copied().unwrap_or_default();
    let mut staff = Vec::new();
    for grant in
        desk.room.office.grants().await?.into_iter().filter(|grant| grant.site.as_ref() == Some(&site.id))
    {
        let shown =
            app.people.user(&grant.user).await?.map_or_else(|| grant.user.clone(), |user| user.display_name);
        staff.push((grant.role, shown));
    }
    let body = html! {
        (shell::crumbs(&[(in_trial(&desk.room.slug, "sites"), "Sites")]))
        h1 { "Site " (site.id) ": " (site.name) }
        (faults.summary())
        section.card {
            dl.facts {
                div { dt { "Country" } dd { (site.country.as_deref().map_or("–", country_name)) } }
                div { dt { "State" } dd { (state(site)) } }
                @if let Some(reason) = site.closed.as_ref().and_then(|closed| closed.reason.as_ref()) {
                    div { dt { "Closed because" } dd { (reason) } }
                }
                div { dt { "Screened" } dd { (counts.screened) } }
                div { dt { "Randomised" } dd { (counts.randomised) } }
                div { dt { "Last randomised" } dd { @match counts.last { Some(day) => (time(day)), None => "none yet" } } }
            }
            @if desk.may_at(Act::ViewSubject, &site.id) {
                p { a href=(format!("{}?site={}", in_trial(&desk.room.slug, "subjects"), segment(site.id.as_str()))) { "The subjects of this site" } }
            }
        }
        section.card {
            h2 { "Who works here" }
            @if staff.is_empty() {
                (empty("Nobody has a role at this site yet.", desk.may(Act::ManageUsers).then_some((in_trial(&desk.room.slug, "people/invite").as_str(), "Invite somebody"))))
            }
            ul { @for (role, shown) in &staff { li { (shown) ", " (trial::words::role_name(*role)) } } }
        }
        @if desk.may_at(Act::OpenSite, &site.id) { (open_or_close(desk, site, fields, faults)) }
    };
    let page = shell::page(desk, Place::Sites, &format!("Site {}", site.id), body);
    Ok((status, page).into_response())
}

fn open_or_close(desk: &Desk, site: &Site, fields: &Fields, faults: &Faults) -> Markup {
    let at = |rest: &str| format!("{}/{rest}", site_address(desk, &site.id));
    html! {
        @if site.is_open() {
            form.card method="post" action=(at("close")) {
                (shell::csrf(&desk.visitor))
                h2 { "Close the site" }
                p { "A closed site screens and randomises nobody. Its subjects go on: their visits are entered as before." }
                (input(&Input { name: "reason", label: "Reason", value: fields.get("reason"), fault: faults.says("reason"), required: true, ..Input::default() }))
                button.danger type="submit" { "Close the site" }
            }
        } @else {
            form.card method="post" action=(at("reopen")) {
                (shell::csrf(&desk.visitor))
                h2 { "Open the site again" }
                p { "It may screen and randomise again." }
                button type="submit" { "Open it again" }
            }
        }
    }
}

/// `GET /t/{trial}/new-site`
async fn new(desk: Desk) -> Response {
    form(&desk, &Fields::default(), &Faults::default(), StatusCode::OK)
}

fn form(desk: &Desk, fields: &Fields, faults: &Faults, status: StatusCode) -> Response {
    let chosen = std::iter::once((String::new(), "Not said".to_owned()));
    let options: Vec<_> =
        chosen.chain(countries().map(|(code, name)| (code.to_owned(), name.to_owned()))).collect();
    let body = html! {
        (shell::crumbs(&[(in_trial(&desk.room.slug, "sites"), "Sites")]))
        h1 { "Open a site" }
        (faults.summary())
        form.card method="post" action=(in_trial(&desk.room.slug, "new-site")) {
            (shell::csrf(&desk.visitor))
            (input(&Input { name: "site", label: "Number", hint: "As it begins the numbers of its subjects, such as 01. It cannot be changed.", value: fields.get("site"), fault: faults.says("site"), required: true, ..Input::default() }))
            (input(&Input { name: "name", label: "Name", hint: "The hospital and its town.", value: fields.get("name"), fault: faults.says("name"), required: true, ..Input::default() }))
            (select("country", "Country", &options, fields.get("country"), "", faults.says("country")))
            button.main type="submit" { "Open the site" }
        }
    };
    (status, shell::page(desk, Place::Sites, "Open a site", body)).into_response()
}

/// `POST /t/{trial}/new-site`
async fn open(desk: Desk, fields: Fields) -> Answer {
    let mut faults = Faults::default();
    let (site, name, country) = (fields.get("site"), fields.get("name"), fields.get("country"));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if site.is_empty() || site.len() > 12 || !site.chars().all(plain) {
        faults.add("site", "1 to 12 letters, digits or hyphens.");
    }
    if name.is_empty() || name.chars().count() > 200 {
        faults.add("name", "1 to 200 characters.");
    }
    if !country.is_empty() && !countries().any(|(code, _)| code == country) {
        faults.add("country", format!("{country} is no country code of ISO 3166-1 (three letters)."));
    }
    let id = SiteId::from(site);
    if desk.room.office.sites().await?.iter().any(|known| known.id == id) {
        faults.add("site", format!("There is a site {site} already."));
    }
    if faults.is_empty() {
        let country = Some(country).filter(|code| !code.is_empty()).map(str::to_owned);
        let deed = Deed::OpenSite { name: name.to_owned(), country };
        match submit(&desk, &id, deed).await? {
            None => return Ok(go(&site_address(&desk, &id))),
            Some(refusal) => faults.add("", refusal),
        }
    }
    Ok(form(&desk, &fields, &faults, StatusCode::UNPROCESSABLE_ENTITY))
}

/// Records a deed at a site; the words of the refusal where it is refused.
async fn submit(desk: &Desk, site: &SiteId, deed: Deed) -> Result<Option<String>, Fault> {
    // Whoever is the office of one site alone opens no other.
    let actor = desk.actor_for(Act::OpenSite, Some(site))?;
    match desk.room.office.submit(vec![Action::now(&actor, deed).at(site.clone())]).await {
        Ok(_) => Ok(None),
        Err(office::Error::Refused(refusal)) => Ok(Some(refusal.reason.to_string())),
        Err(wrong) => Err(wrong.into()),
    }
}

/// `POST /t/{trial}/sites/{site}/close`
async fn close(
    State(app): State<App>,
    desk: Desk,
    Path((_, id)): Path<(String, String)>,
    fields: Fields,
) -> Answer {
    let site = find(&desk, &id).await?;
    let mut faults = Faults::default();
    let reason = fields.get("reason");
    if reason.is_empty() {
        faults.add("reason", "Say why: it stands in the audit trail.");
    } else {
        match submit(&desk, &site.id, Deed::CloseSite { reason: Some(reason.to_owned()) }).await? {
            None => return Ok(go(&site_address(&desk, &site.id))),
            Some(refusal) => faults.add("", refusal),
        }
    }
    view(&app, &desk, &site, &fields, &faults, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// `POST /t/{trial}/sites/{site}/reopen`
async fn reopen(State(app): State<App>, desk: Desk, Path((_, id)): Path<(String, String)>) -> Answer {
    let site = find(&desk, &id).await?;
    let deed = Deed::OpenSite { name: site.name.clone(), country: site.country.clone() };
    let mut faults = Faults::default();
    match submit(&desk, &site.id, deed).await? {
        None => return Ok(go(&site_address(&desk, &site.id))),
        Some(refusal) => faults.add("", refusal),
    }
    view(&app, &desk, &site, &Fields::default(), &faults, StatusCode::UNPROCESSABLE_ENTITY).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_country_has_one_code_of_three_letters() {
        let codes: BTreeSet<_> = countries().map(|(code, _)| code).collect();
        assert_eq!(codes.len(), COUNTRIES.lines().count());
        // ISO 3166-1 lists 249 countries and territories.
        assert_eq!(codes.len(), 249);
        assert!(codes.iter().all(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())));
        assert_eq!(country_name("AUS"), "Australia");
        assert_eq!(country_name("XYZ"), "XYZ");
    }
}
