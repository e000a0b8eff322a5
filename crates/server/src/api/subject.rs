//! Subjects: the list, screening, one subject with everything that is known, its events.
//!
//! Never a rule of its own: `trial` says what stands, what is due and what is missing.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use jiff::civil::Date;
use office::{Action, Deed, Folder, Reason};
use people::permission::Act;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use trial::calendar::calendar;
use trial::derive::derive;
use trial::eligibility::judge;
use trial::event::Seq;
use trial::id::{SiteId, SubjectId};
use trial::outstanding::{Options, outstanding};
use trial::record::Allocation;
use trial::standing::{State as Stand, standing};

use super::form;
use super::operation::{Operation, query};
use super::problem::{Answer, Problem};
use super::token::{Asked, AtSubject, Caller, Sent};
use super::trial::{event, limit};
use crate::app::App;
use crate::web::address::segment;

/// Subjects on a page of the list at most.
const MOST_SUBJECTS: usize = 1000;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/v1/trials/{trial}/subjects", Act::ViewSubject, list, ["Subjects", "listSubjects", "The subjects"])
            .more("In order of their numbers, a page at a time: hand in `next` as `after` until it is null.")
            .asks(vec![
                query("after", "string", "Only subjects after this one."),
                query("limit", "integer", "So many at most: 1 to 1000, 100 where nothing is said."),
                query("site", "string", "Only subjects of this site."),
                query("state", "string", "Only subjects who stand so, such as `on_strategy`."),
            ])
            .answers(200, "Subjects", "The subjects of the sites that the token reaches."),
        Operation::post("/api/v1/trials/{trial}/subjects", Act::Screen, screen, ["Subjects", "screenSubject", "Screen a subject"])
            .more("The subject gets its number for the whole trial. Sent again by the same token, it answers 200 and records nothing.")
            .sends("Screening")
            .answers(201, "Screened", "The subject was screened.")
            .answers(200, "Screened", "The same token had screened the subject before."),
        Operation::get("/api/v1/trials/{trial}/subjects/{subject}", Act::ViewSubject, show, ["Subjects", "getSubject", "One subject"])
            .more("What is recorded and what follows from it: where the subject stands, each criterion of eligibility, the course of the strategy, the calendar, what is missing, the forms.")
            .answers(200, "Subject", "The subject."),
        Operation::get("/api/v1/trials/{trial}/subjects/{subject}/events", Act::ViewTrail, events, ["Subjects", "listEvents", "The events of a subject, oldest first"])
            .asks(vec![query("after", "integer", "Only events after this one.")])
            .answers(200, "Events", "The events, as the ledger holds them."),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    after: Option<SubjectId>,
    limit: Option<usize>,
    site: Option<SiteId>,
    state: Option<String>,
}

/// How a state is written in JSON.
fn code(state: Stand) -> String {
    json!(state).as_str().unwrap_or_default().to_owned()
}

async fn list(caller: Caller, Asked(which): Asked<Which>) -> Answer {
    let limit = limit(which.limit, MOST_SUBJECTS)?;
    if let Some(state) = &which.state
        && !Stand::ALL.iter().any(|known| code(*known) == *state)
    {
        let known = Stand::ALL.map(code).join(", ");
        return Err(Problem::unreadable(format!("state: found {state:?}; one of {known} would be right.")));
    }
    let reach = caller.reach(Act::ViewSubject);
    let digests = caller.room.digests().await?;
    let mut chosen = digests.iter().filter(|(subject, digest)| {
        reach.contains(&digest.site)
            && which.after.as_ref().is_none_or(|after| *subject > after)
            && which.site.as_ref().is_none_or(|site| digest.site == *site)
            && which.state.as_ref().is_none_or(|state| code(digest.standing.state) == *state)
    });
    let page: Vec<_> = chosen.by_ref().take(limit).collect();
    let next = chosen.next().and(page.last()).map(|(subject, _)| (*subject).clone());
    let subjects = page.into_iter().map(|(subject, digest)| {
        let randomised = digest.randomised.as_ref();
        json!({
            "subject": subject,
            "site": digest.site,
            "screened": digest.screened,
            "randomised": randomised.map(|(date, arm)| json!({ "date": date, "arm": arm })),
            "standing": digest.standing,
            "outstanding": digest.outstanding.len(),
            "open_queries": digest.queries.len(),
            "event": digest.last.map(|(seq, _)| seq),
        })
    });
    let subjects: Vec<Value> = subjects.collect();
    Ok(Json(json!({ "subjects": subjects, "next": next })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Screening {
    subject: SubjectId,
    site: SiteId,
}

async fn screen(caller: Caller, Sent(sent): Sent<Screening>) -> Answer {
    let Screening { subject, site } = sent;
    if !caller.may_at(Act::Screen, &site) {
        return Err(Problem::forbidden(format!(
            "The token does not open this at site {site}: {}.",
            Act::Screen.words()
        )));
    }
    let action = Action::now(&caller.actor(), Deed::Screen).at(site.clone()).of(subject.clone());
    let (status, event) = match caller.room.office.submit(vec![action]).await {
        Ok(receipts) => (StatusCode::CREATED, receipts.first().map_or(0, |receipt| receipt.seq)),
        Err(office::Error::Refused(refusal)) => match &refusal.reason {
            Reason::AlreadyScreened { site: home, event } if *home == site => {
                let who = caller.room.folder(&subject).await?;
                let own = who
                    .events
                    .iter()
                    .any(|known| known.seq == *event && known.event.who == caller.actor().who);
                if !own {
                    return Err(Problem::refused(format!(
                        "{subject} was given before (event {event}). Nobody was screened; take another number."
                    )));
                }
                (StatusCode::OK, *event)
            }
            // Where another site gave it is not this site's to know.
            Reason::AlreadyScreened { .. } => {
                return Err(Problem::refused(format!(
                    "{subject} is in use. Nobody was screened; take another number."
                )));
            }
            _ => return Err((*refusal).into()),
        },
        Err(wrong) => return Err(wrong.into()),
    };
    let at = format!("/api/v1/trials/{}/subjects/{}", segment(&caller.room.slug), segment(subject.as_str()));
    let body = Json(json!({ "subject": subject, "site": site, "event": event }));
    Ok((status, [(header::LOCATION, at)], body).into_response())
}

async fn show(State(app): State<App>, at: AtSubject) -> Answer {
    let folder = at.room.folder(&at.subject).await?;
    let Folder { record, history, head_of_subject, .. } = &*folder;
    let (today, derived) = (app.today(), derive(history, record, None));
    let calendar = calendar(history.current(), record, today);
    let over = calendar.over.as_ref();
    let fact =
        |fact: Option<(Value, Seq)>| fact.map(|(value, event)| json!({ "value": value, "event": event }));
    let body = json!({
        "subject": record.subject,
        "site": record.site,
        "event": head_of_subject,
        "screened": fact(record.screened.as_ref().map(|fact| (json!(fact.value), fact.event))),
        "consent": fact(record.consent.as_ref().map(|fact| (json!(fact.value), fact.event))),
        "sex": fact(record.sex.as_ref().map(|fact| (json!(fact.value), fact.event))),
        "birth_year": fact(record.birth_year.as_ref().map(|fact| (json!(fact.value), fact.event))),
        "randomised": record.randomised.as_ref().map(|fact| allocation(&fact.value, fact.event)),
        "withdrawal": record.withdrawal,
        "death": record.death,
        "standing": standing(history, record, &derived, today),
        "eligibility": judge(history.current(), record),
        "strategy": derived.strategy,
        "calendar": {
            "visits": calendar.visits,
            // A screen failure expects no visit at all, from the first day on.
            "over": over.map(|(from, because)| json!({ "from": Some(from).filter(|from| **from != Date::MIN), "because": because })),
        },
        "outstanding": outstanding(history, record, &derived, today, Options::default()),
        "deviations": record.deviations,
        "forms": record.forms.iter().map(form::brief).collect::<Vec<_>>(),
        "queries": record.queries.iter().map(|query| &query.id).collect::<Vec<_>>(),
    });
    Ok(Json(body).into_response())
}

fn allocation(given: &Allocation, event: Seq) -> Value {
    let stratum: Map<_, _> =
        given.stratum.iter().map(|(factor, level)| (factor.clone(), json!(level))).collect();
    json!({ "arm": given.arm, "date": given.date, "stratum": stratum, "on_behalf": given.on_behalf, "event": event })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    after: Option<Seq>,
}

async fn events(at: AtSubject, Asked(After { after }): Asked<After>) -> Answer {
    let folder = at.room.folder(&at.subject).await?;
    let later = folder.events.iter().filter(|entered| after.is_none_or(|after| entered.seq > after));
    Ok(Json(json!({ "events": later.map(event).collect::<Vec<_>>() })).into_response())
}
