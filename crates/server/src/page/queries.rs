//! Queries: every question about the data, where it stands, who waits for whom; raised, answered, closed, raised again.
//!
//! Never a rule of its own: `trial::record` says where a query stands and what is overdue, `office` what may be recorded. A closed
//! query stays closed: to ask again is a new query that names the old one.

mod again;
mod choice;
mod one;
mod raise;
mod table;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use office::{Action, Deed};
use people::permission::Act;
use trial::event::Instance;
use trial::id::SubjectId;
use trial::protocol::ProtocolHistory;
use trial::record::Query as Question;
use trial::record::QueryState;
use trial::words::in_row;

pub(crate) use self::again::next as next_name;
use self::choice::{Choice, Row, chosen};
pub(crate) use self::raise::has_item;
use super::listing;
use crate::app::App;
use crate::web::access::{Chart, Desk, Fields, Gate, Route, go};
use crate::web::address;
use crate::web::fault::{Answer, Fault};

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/t/{trial}/queries", Gate::Trial(Act::ViewSubject), list),
        Route::get("/t/{trial}/queries.csv", Gate::Trial(Act::ViewSubject), csv),
        Route::post("/t/{trial}/queries/close", Gate::Trial(Act::CloseQuery), close_several),
        Route::get("/t/{trial}/subjects/{subject}/raise-query", Gate::Subject(Act::RaiseQuery), raise::show),
        Route::post(
            "/t/{trial}/subjects/{subject}/raise-query",
            Gate::Subject(Act::RaiseQuery),
            raise::raise,
        ),
        Route::get(
            "/t/{trial}/subjects/{subject}/queries/{query}",
            Gate::Subject(Act::ViewSubject),
            one::show,
        ),
        Route::post(
            "/t/{trial}/subjects/{subject}/queries/{query}/answer",
            Gate::Subject(Act::AnswerQuery),
            one::answer,
        ),
        Route::post(
            "/t/{trial}/subjects/{subject}/queries/{query}/close",
            Gate::Subject(Act::CloseQuery),
            one::close,
        ),
        Route::post(
            "/t/{trial}/subjects/{subject}/queries/{query}/again",
            Gate::Subject(Act::RaiseQuery),
            one::raise_again,
        ),
    ]
}

/// So many are closed at once at most.
const MOST_AT_ONCE: usize = 200;

/// The page of a query.
pub(crate) fn address_of(trial: &str, subject: &SubjectId, query: &str) -> String {
    address::of_subject(trial, subject, &format!("queries/{}", address::segment(query)))
}

/// The form that a query is about, at its item; where that stands in a row, at the query beside it.
fn form_of(trial: &str, subject: &SubjectId, about: &Instance, query: &Question) -> String {
    let form = address::form(trial, subject, about);
    match query.item.as_deref() {
        None => form,
        Some(item) if in_row(item).is_some() => format!("{form}#query-{}", address::segment(&query.id)),
        Some(item) => format!("{form}#{}", address::segment(item)),
    }
}

/// A query beside the item it is about, on the form's page.
pub(crate) fn beside(chart: &Chart, query: &Question, today: jiff::civil::Date) -> Markup {
    let (look, state) = chip_words(query, today);
    let word = match query.state() {
        QueryState::Raised if chart.may_here(Act::AnswerQuery) => "Answer",
        QueryState::Answered if chart.may_here(Act::CloseQuery) => "Close",
        _ => "Open",
    };
    html! {
        p.query #{ "query-" (query.id) } {
            span class=(look) { "Query" @if query.state() != QueryState::Raised || query.is_overdue(today) { ", " (state) } } " "
            (query.text) " "
            a href=(address_of(&chart.room.slug, &chart.subject, &query.id)) aria-label={ (word) " query " (query.id) } { (word) }
        }
    }
}

/// A link to ask about a form or one of its items, for whoever raises queries.
pub(crate) fn ask(chart: &Chart, about: &Instance, item: Option<&str>) -> Markup {
    let form = address::segment(&address::instance_name(about));
    let of_item = item.map(|item| format!("&item={}", address::segment(item))).unwrap_or_default();
    let label = item.map_or_else(
        || "Raise a query about this form".to_owned(),
        |item| format!("Raise a query about {item}"),
    );
    html! {
        @if chart.may_here(Act::RaiseQuery) {
            " " a.history href=(chart.at(&format!("raise-query?form={form}{of_item}"))) aria-label=(label) {
                @if item.is_some() { "query" } @else { "Raise a query" }
            }
        }
    }
}

/// A link to ask about one row of a repeating group.
pub(crate) fn ask_of_row(chart: &Chart, about: &Instance, group: &str, row: &str) -> Markup {
    let form = address::segment(&address::instance_name(about));
    let of_row = address::segment(&format!("{group}.{row}"));
    html! {
        @if chart.may_here(Act::RaiseQuery) {
            a.history href=(chart.at(&format!("raise-query?form={form}&row={of_row}"))) aria-label={ "Raise a query about " (row) } { "query" }
        }
    }
}

/// How a query's state looks, and its word.
fn chip_words(query: &Question, today: jiff::civil::Date) -> (&'static str, &'static str) {
    match query.state() {
        QueryState::Raised if query.is_overdue(today) => ("chip bad", "overdue"),
        QueryState::Raised => ("chip warn", "open"),
        QueryState::Answered => ("chip info", "answered"),
        QueryState::Closed => ("chip", "closed"),
    }
}

fn chip(query: &Question, today: jiff::civil::Date) -> Markup {
    let (look, words) = chip_words(query, today);
    html! { span class=(look) { (words) } }
}

/// `GET /t/{trial}/queries`
async fn list(State(app): State<App>, desk: Desk, Query(choice): Query<Choice>) -> Answer {
    shown(&app, &desk, &choice, &[], None).await
}

async fn shown(app: &App, desk: &Desk, choice: &Choice, ticked: &[String], refused: Option<&str>) -> Answer {
    let (digests, history) = (desk.room.digests().await?, desk.room.history().await?);
    let reach = desk.reach(Act::ViewSubject);
    let own = digests.iter().filter(|(_, digest)| reach.contains(&digest.site));
    let own: Vec<_> = own.map(|(subject, digest)| (subject, &**digest)).collect();
    let rows = chosen(&own, choice, app.today());
    let sites = listing::site_options(desk, &reach).await?;
    let list = table::List {
        desk,
        history: &history,
        choice,
        rows: &rows,
        sites: &sites,
        today: app.today(),
        ticked,
    };
    let page = list.page(&own, refused);
    Ok(match refused {
        Some(_) => (StatusCode::UNPROCESSABLE_ENTITY, page).into_response(),
        None => page,
    })
}

/// `POST /t/{trial}/queries/close`: all that are ticked, or none.
async fn close_several(State(app): State<App>, desk: Desk, fields: Fields) -> Answer {
    let choice: Choice = serde_urlencoded::from_str(fields.get("_asked")).unwrap_or_default();
    let ticked: Vec<String> =
        fields.0.iter().filter(|(name, _)| name == "query").map(|(_, value)| value.clone()).collect();
    if ticked.is_empty() {
        return shown(&app, &desk, &choice, &ticked, Some("Nothing was closed: tick the queries first."))
            .await;
    }
    let actions = match closings(&desk, &ticked).await? {
        Ok(actions) => actions,
        Err(says) => return shown(&app, &desk, &choice, &ticked, Some(&says)).await,
    };
    match desk.room.office.submit(actions).await {
        Ok(_) => Ok(to_list(&desk, &choice)),
        Err(office::Error::Refused(refusal)) => {
            let subject = refusal.subject.as_ref().map_or("", SubjectId::as_str);
            let says =
                format!("Nothing was closed. Subject {subject}, {}: {}.", refusal.deed, refusal.reason);
            shown(&app, &desk, &choice, &ticked, Some(&says)).await
        }
        Err(wrong) => Err(wrong.into()),
    }
}

fn to_list(desk: &Desk, choice: &Choice) -> Response {
    go(&listing::asking(desk, "queries", &choice.fields("")))
}

/// The closing of each ticked query, by its subject and name; or what is wrong with what was ticked.
async fn closings(desk: &Desk, ticked: &[String]) -> Result<Result<Vec<Action>, String>, Fault> {
    if ticked.len() > MOST_AT_ONCE {
        return Ok(Err(format!(
            "Nothing was closed: {} are ticked, and at most {MOST_AT_ONCE} are closed at once.",
            ticked.len()
        )));
    }
    let mut actions = Vec::with_capacity(ticked.len());
    for key in ticked {
        let Ok((subject, query)) = serde_json::from_str::<(SubjectId, String)>(key) else {
            return Ok(Err("Nothing was closed: what was sent names no query.".into()));
        };
        let site = desk.room.site_of(&subject).await?.filter(|site| desk.may_at(Act::CloseQuery, site));
        let Some(site) = site else {
            return Ok(Err(format!(
                "Nothing was closed: there is no subject {subject} whose queries you close."
            )));
        };
        let actor = desk.actor_for(Act::CloseQuery, Some(&site))?;
        actions.push(Action::now(&actor, Deed::CloseQuery { query }).at(site).of(subject));
    }
    Ok(Ok(actions))
}

/// `GET /t/{trial}/queries.csv`: the same list, all of it.
async fn csv(State(app): State<App>, desk: Desk, Query(choice): Query<Choice>) -> Answer {
    let digests = desk.room.digests().await?;
    let reach = desk.reach(Act::ViewSubject);
    let own = digests.iter().filter(|(_, digest)| reach.contains(&digest.site));
    let own: Vec<_> = own.map(|(subject, digest)| (subject, &**digest)).collect();
    let today = app.today();
    let rows = chosen(&own, &choice, today);
    let header = [
        "SITEID",
        "SUBJID",
        "QUERY",
        "STATE",
        "FORM",
        "ITEM",
        "QUESTION",
        "RAISED",
        "RAISED_BY",
        "DUE",
        "ANSWERED",
        "ANSWERED_BY",
        "ANSWER",
        "CLOSED",
        "CLOSED_BY",
    ];
    listing::csv("queries", today, header, rows.iter().map(|row| line(row, today)))
}

fn line(row: &Row<'_>, today: jiff::civil::Date) -> [String; 15] {
    let query = row.query;
    let last = query.answers.last();
    let text = |text: Option<String>| text.unwrap_or_default();
    [
        row.site.to_string(),
        row.subject.to_string(),
        query.id.clone(),
        chip_words(query, today).1.to_owned(),
        text(query.about.as_ref().map(address::instance_name)),
        text(query.item.clone()),
        query.text.clone(),
        query.raised.recorded.to_string(),
        query.raised.who.clone(),
        text(query.due.map(|due| due.to_string())),
        text(last.map(|answer| answer.by.recorded.to_string())),
        text(last.map(|answer| answer.by.who.clone())),
        text(last.map(|answer| answer.text.clone())),
        text(query.closed.as_ref().map(|mark| mark.recorded.to_string())),
        text(query.closed.as_ref().map(|mark| mark.who.clone())),
    ]
}

/// What a query is about, in words.
fn about_words(history: &ProtocolHistory, query: &Question) -> Option<String> {
    let protocol = history.current();
    let about = query.about.as_ref()?;
    let form = trial::words::form_name(protocol, about);
    Some(match &query.item {
        Some(item) => format!("{form}: {}", trial::words::item_name(protocol, &about.form, item)),
        None => form,
    })
}
