//! The trial as a program sees it: what its token opens, counts, the protocol, the sites, the trail.
//!
//! Never an estimate, and never a comparison of the arms: what unblinds asks a person for a second factor.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use office::{Site, TrailFilter};
use people::permission::{Act, Sites};
use serde::Deserialize;
use serde_json::{Value, json};
use trial::event::{Entered, Seq};
use trial::id::{SiteId, SubjectId};

use super::operation::{Operation, query};
use super::problem::{Answer, Problem};
use super::token::{Asked, Caller};
use crate::app::App;
use crate::page::overview::Counts;
use crate::web::address;

/// Events on a page of the trail at most, and where nothing is said.
const MOST_EVENTS: usize = 500;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/v1/token", Act::ViewOverview, token, ["Trial", "getToken", "What the token opens"])
            .answers(200, "Token", "The token's trial, role and site, and what it may do there."),
        Operation::get("/api/v1/trials/{trial}", Act::ViewOverview, overview, ["Trial", "getTrial", "The trial and its counts"])
            .more("Counts of subjects, visits, queries and forms, of the sites that the token reaches.")
            .answers(200, "Trial", "The trial."),
        Operation::get("/api/v1/trials/{trial}/protocol", Act::ViewOverview, protocol, ["Trial", "getProtocol", "The protocol in force"])
            .more("Forms with their items, codes and edit checks; visits with their windows; criteria; arms; endpoints. `trialwright schema` prints the JSON Schema of the member `protocol`.")
            .answers(200, "ProtocolInForce", "The protocol in force, and every version that was adopted."),
        Operation::get("/api/v1/trials/{trial}/sites", Act::ViewOverview, sites, ["Trial", "listSites", "The sites"])
            .answers(200, "Sites", "The sites that the token reaches."),
        Operation::get("/api/v1/trials/{trial}/trail", Act::ViewTrail, trail, ["Trial", "listTrail", "The audit trail, newest first"])
            .more("A page at a time: hand in `next` as `before` until it is null. A page may be short, or empty, and have a next one all the same.")
            .asks(vec![
                query("before", "integer", "Only events before this one."),
                query("limit", "integer", "So many at most: 1 to 500, 100 where nothing is said."),
                query("site", "string", "Only events at this site."),
                query("subject", "string", "Only events of this subject."),
                query("user", "string", "Only events by this user."),
                query("kind", "string", "Only events of this kind, such as `form_corrected`."),
            ])
            .answers(200, "Trail", "A page of the trail."),
    ]
}

async fn token(caller: Caller) -> Answer {
    let token = &caller.token;
    let acts = Act::ALL.iter().filter(|act| caller.may(**act)).map(|act| act.words());
    let body = json!({
        "trial": token.trial,
        "name": token.name,
        "role": token.role,
        "site": token.site,
        "expires": token.expires,
        "may": acts.collect::<Vec<_>>(),
    });
    Ok(Json(body).into_response())
}

async fn overview(State(app): State<App>, caller: Caller) -> Answer {
    let room = &caller.room;
    let overview = room.office.overview().await?;
    let digests = room.digests().await?;
    let protocol = overview.history.current();
    let counts = Counts::of(&digests, &caller.reach(Act::ViewOverview), app.today());
    let body = json!({
        "trial": room.slug,
        "id": protocol.trial.id,
        "title": protocol.trial.title,
        "version": protocol.trial.version,
        "simulated": overview.simulated,
        "planned": protocol.trial.participants,
        "event": overview.head.count,
        "counts": counts.json(),
    });
    Ok(Json(body).into_response())
}

async fn protocol(caller: Caller) -> Answer {
    let history = caller.room.history().await?;
    let versions = history.versions();
    let versions: Vec<_> = versions
        .map(|(event, version)| json!({ "event": event, "version": version.protocol.trial.version }))
        .collect();
    Ok(Json(json!({ "versions": versions, "protocol": history.current() })).into_response())
}

async fn sites(caller: Caller) -> Answer {
    let reach = caller.reach(Act::ViewOverview);
    let sites = caller.room.office.sites().await?;
    let sites: Vec<_> = sites.iter().filter(|site| reach.contains(&site.id)).map(site).collect();
    Ok(Json(json!({ "sites": sites })).into_response())
}

fn site(site: &Site) -> Value {
    let closed = site.closed.as_ref();
    json!({
        "id": site.id,
        "name": site.name,
        "country": site.country,
        "opened": site.opened,
        "open": site.is_open(),
        "closed": closed.map(|closed| json!({ "at": closed.at, "event": closed.event, "reason": closed.reason })),
        "event": site.event,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    before: Option<Seq>,
    limit: Option<usize>,
    site: Option<SiteId>,
    subject: Option<SubjectId>,
    user: Option<String>,
    kind: Option<String>,
}

async fn trail(caller: Caller, Asked(which): Asked<Which>) -> Answer {
    let limit = limit(which.limit, MOST_EVENTS)?;
    let site = within(&caller.reach(Act::ViewTrail), which.site)?;
    let Which { before, subject, user, kind, .. } = which;
    let filter = TrailFilter { site, subject, user, kind, ..TrailFilter::default() };
    let page = caller.room.office.trail(before, limit, &filter).await?;
    let events: Vec<_> = page.events.iter().map(event).collect();
    Ok(Json(json!({ "events": events, "next": page.next })).into_response())
}

/// The site to look at: the one asked for, where the token reaches it; where it reaches one alone, that one.
pub(super) fn within(reach: &Sites, asked: Option<SiteId>) -> Result<Option<SiteId>, Problem> {
    match (asked, reach) {
        (Some(site), reach) if !reach.contains(&site) => {
            Err(Problem::not_found(format!("There is no site {site} that the token reaches.")))
        }
        (None, Sites::Only(own)) => Ok(Some(own.first().cloned().unwrap_or_default())),
        (asked, _) => Ok(asked),
    }
}

/// How many are given at once.
pub(super) fn limit(asked: Option<usize>, most: usize) -> Result<usize, Problem> {
    match asked {
        Some(0) => Err(Problem::unreadable(format!("limit: found 0; 1 to {most} would be right."))),
        Some(n) if n > most => {
            Err(Problem::unreadable(format!("limit: found {n}; 1 to {most} would be right.")))
        }
        asked => Ok(asked.unwrap_or(100)),
    }
}

/// An event as the ledger holds it, with its place.
pub(super) fn event(entered: &Entered) -> Value {
    let Entered { seq, event } = entered;
    let mut body = json!(event);
    body["seq"] = json!(seq);
    if let Some(instance) = event.what.instance() {
        body["instance"] = json!(address::instance_name(instance));
    }
    body
}
