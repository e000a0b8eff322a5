//! Queries: the list, raised, answered, closed.
//!
//! Never a rule of its own: `office` says what may be recorded of a query.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use office::{Deed, Reason};
use people::permission::Act;
use serde::Deserialize;
use serde_json::{Value, json};
use trial::id::{SiteId, SubjectId};
use trial::record::{Query, QueryState};

use super::operation::{Operation, query as asked};
use super::problem::{Answer, Problem};
use super::token::{Asked, AtSubject, Caller, Sent};
use crate::app::App;
use crate::page::queries::{has_item, next_name};
use crate::web::address;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/v1/trials/{trial}/queries", Act::ViewSubject, list, ["Queries", "listQueries", "The queries of the trial"])
            .asks(vec![
                asked("state", "string", "`raised`, `answered`, `closed`, `overdue` or `all`; those that are not closed where nothing is said."),
                asked("site", "string", "Only queries about subjects of this site."),
            ])
            .answers(200, "Queries", "The queries about subjects of the sites that the token reaches."),
        Operation::get("/api/v1/trials/{trial}/subjects/{subject}/queries", Act::ViewSubject, of_subject, ["Queries", "listQueriesOfSubject", "The queries about a subject"])
            .answers(200, "Queries", "Every query, also those that are closed."),
        Operation::post("/api/v1/trials/{trial}/subjects/{subject}/queries", Act::RaiseQuery, raise, ["Queries", "raiseQuery", "Raise a query"])
            .more("About an item, a form, or the subject as a whole. With a name (`query`) of the program's own, the same query sent again answers 200 and records nothing; without one it gets the next free name, `R1`, `R2`, ….")
            .sends("Question")
            .answers(201, "Query", "The query was raised.")
            .answers(200, "Query", "The same query had been raised before."),
        Operation::post("/api/v1/trials/{trial}/subjects/{subject}/queries/{query}/answers", Act::AnswerQuery, answer, ["Queries", "answerQuery", "Answer a query"])
            .more("The same answer sent again by the same token answers 200 and records nothing.")
            .sends("NewAnswer")
            .answers(201, "Query", "The answer was recorded.")
            .answers(200, "Query", "The query had this very answer."),
        Operation::put("/api/v1/trials/{trial}/subjects/{subject}/queries/{query}/closed", Act::CloseQuery, close, ["Queries", "closeQuery", "Close a query"])
            .more("A query that is closed stays closed: to close it again answers 200 and records nothing. Nothing is sent.")
            .answers(200, "Query", "The query is closed."),
    ]
}

fn whole(subject: &SubjectId, site: &SiteId, query: &Query, today: Date) -> Value {
    let mut body = json!(query);
    body["subject"] = json!(subject);
    body["site"] = json!(site);
    body["state"] = json!(query.state());
    body["overdue"] = json!(query.is_overdue(today));
    body["about"] = json!(query.about.as_ref().map(address::instance_name));
    body
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    state: Option<String>,
    site: Option<SiteId>,
}

async fn list(State(app): State<App>, caller: Caller, Asked(which): Asked<Which>) -> Answer {
    let today = app.today();
    let wanted: fn(&Query, Date) -> bool = match which.state.as_deref() {
        None => |query, _| query.state() != QueryState::Closed,
        Some("raised") => |query, _| query.state() == QueryState::Raised,
        Some("answered") => |query, _| query.state() == QueryState::Answered,
        Some("closed") => |query, _| query.state() == QueryState::Closed,
        Some("overdue") => Query::is_overdue,
        Some("all") => |_, _| true,
        Some(state) => {
            let right = "raised, answered, closed, overdue or all would be right";
            return Err(Problem::unreadable(format!("state: found {state:?}; {right}.")));
        }
    };
    let reach = caller.reach(Act::ViewSubject);
    let digests = caller.room.digests().await?;
    let own = digests.iter().filter(|(_, digest)| {
        reach.contains(&digest.site) && which.site.as_ref().is_none_or(|site| digest.site == *site)
    });
    let queries = own.flat_map(|(subject, digest)| {
        let all = digest.queries.iter().chain(&digest.closed).filter(|query| wanted(query, today));
        all.map(|query| whole(subject, &digest.site, query, today))
    });
    let queries: Vec<_> = queries.collect();
    Ok(Json(json!({ "queries": queries })).into_response())
}

async fn of_subject(State(app): State<App>, at: AtSubject) -> Answer {
    let folder = at.room.folder(&at.subject).await?;
    let queries = folder.record.queries.iter();
    let queries: Vec<_> = queries.map(|query| whole(&at.subject, &at.site, query, app.today())).collect();
    Ok(Json(json!({ "queries": queries })).into_response())
}

/// The query as it now stands.
async fn shown(app: &App, at: &AtSubject, id: &str, status: StatusCode) -> Result<Response, Problem> {
    let folder = at.room.folder(&at.subject).await?;
    let query = find(&folder.record.queries, at, id)?;
    Ok((status, Json(whole(&at.subject, &at.site, query, app.today()))).into_response())
}

fn find<'q>(queries: &'q [Query], at: &AtSubject, id: &str) -> Result<&'q Query, Problem> {
    let found = queries.iter().find(|query| query.id == id);
    found.ok_or_else(|| Problem::not_found(format!("There is no query {id} about subject {}.", at.subject)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    query: Option<String>,
    about: Option<String>,
    item: Option<String>,
    text: String,
    due: Option<Date>,
}

/// A name that stands in addresses and on pages as it is.
fn is_a_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (1..=64).contains(&name.len()) && name.chars().all(fits)
}

async fn raise(State(app): State<App>, at: AtSubject, Sent(sent): Sent<Question>) -> Answer {
    let about = match &sent.about {
        None if sent.item.is_some() => {
            return Err(Problem::member("about", "none", "an item belongs to a form: name the form too"));
        }
        None => None,
        Some(name) => Some(
            address::instance_of(name)
                .ok_or_else(|| Problem::member("about", name, "FORM@VISIT, or FORM.2 for the second"))?,
        ),
    };
    if let Some(name) = sent.query.as_ref().filter(|name| !is_a_name(name)) {
        return Err(Problem::member(
            "query",
            &format!("{name:?}"),
            "1 to 64 letters, digits, dots, hyphens or underscores",
        ));
    }
    let mut folder = at.room.folder(&at.subject).await?;
    if let (Some(about), Some(item)) = (&about, &sent.item)
        && !has_item(&folder.history, about, item)
    {
        return Err(Problem::member("item", item, "an item of the form"));
    }
    // A name that somebody took in the meantime is asked for again; one that the program gave is its own.
    for _ in 0..5 {
        let query = sent.query.clone().unwrap_or_else(|| next_name(&folder.record.queries));
        let deed = Deed::RaiseQuery {
            query: query.clone(),
            about: about.clone(),
            item: sent.item.clone(),
            text: sent.text.clone(),
            due: sent.due,
        };
        match at.room.office.submit(vec![at.action(deed)]).await {
            Ok(_) => return shown(&app, &at, &query, StatusCode::CREATED).await,
            Err(office::Error::Refused(refusal)) if matches!(refusal.reason, Reason::QueryExists { .. }) => {
                folder = at.room.folder(&at.subject).await?;
                if sent.query.is_none() {
                    continue;
                }
                let known = find(&folder.record.queries, &at, &query)?;
                let again = (known.about.as_ref(), &known.item, &known.text, known.due)
                    == (about.as_ref(), &sent.item, &sent.text, sent.due)
                    && known.raised.who == at.actor().who;
                return if again {
                    shown(&app, &at, &query, StatusCode::OK).await
                } else {
                    Err((*refusal).into())
                };
            }
            Err(wrong) => return Err(wrong.into()),
        }
    }
    Err(Problem::refused("Others raised queries at the same moment, and no name was free. Send it again."))
}

/// Trial, subject and query, as a path names them.
type Named = Path<(String, String, String)>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAnswer {
    text: String,
}

async fn answer(
    State(app): State<App>,
    at: AtSubject,
    Path((.., id)): Named,
    Sent(NewAnswer { text }): Sent<NewAnswer>,
) -> Answer {
    let folder = at.room.folder(&at.subject).await?;
    let last = find(&folder.record.queries, &at, &id)?.answers.last();
    if last.is_some_and(|last| last.text == text && last.by.who == at.actor().who) {
        return shown(&app, &at, &id, StatusCode::OK).await;
    }
    at.room.office.submit(vec![at.action(Deed::AnswerQuery { query: id.clone(), text })]).await?;
    shown(&app, &at, &id, StatusCode::CREATED).await
}

async fn close(State(app): State<App>, at: AtSubject, Path((.., id)): Named) -> Answer {
    let folder = at.room.folder(&at.subject).await?;
    if find(&folder.record.queries, &at, &id)?.state() != QueryState::Closed {
        let submitted = at.room.office.submit(vec![at.action(Deed::CloseQuery { query: id.clone() })]).await;
        match submitted {
            Err(office::Error::Refused(refusal)) if matches!(refusal.reason, Reason::QueryClosed { .. }) => {}
            submitted => drop(submitted?),
        }
    }
    shown(&app, &at, &id, StatusCode::OK).await
}
