//! One query with its whole history, and what its reader may do about it.
//!
//! Never loses an answer that was typed: a refusal, or somebody who was quicker, comes back with it.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use maud::{Markup, html};
use office::{Action, Deed, Folder};
use people::permission::Act;
use trial::record::{Mark, Query, QueryState};

use super::{about_words, address_of, again, chip, form_of, raise};
use crate::app::App;
use crate::page::faults::Faults;
use crate::page::parts::{self, in_words, role};
use crate::web::access::{Chart, Fields, go};
use crate::web::address;
use crate::web::fault::{Answer, Fault};
use crate::web::shell::{self, Place};

/// Trial, subject and query, as a path names them.
type Named = Path<(String, String, String)>;

struct One<'a> {
    chart: &'a Chart,
    folder: &'a Folder,
    query: &'a Query,
    today: Date,
    fields: &'a Fields,
    faults: &'a Faults,
}

fn find<'f>(folder: &'f Folder, id: &str) -> Result<&'f Query, Fault> {
    let queries = &folder.record.queries;
    queries.iter().find(|query| query.id == id).ok_or_else(|| {
        Fault::NotFound(format!("There is no query {id} about subject {}.", folder.record.subject))
    })
}

/// `GET …/queries/{query}`
pub(super) async fn show(State(app): State<App>, chart: Chart, Path((.., id)): Named) -> Answer {
    let folder = chart.room.folder(&chart.subject).await?;
    let query = find(&folder, &id)?;
    let (fields, faults) = (Fields::default(), Faults::default());
    Ok(One { chart: &chart, folder: &folder, query, today: app.today(), fields: &fields, faults: &faults }
        .page())
}

/// `POST …/queries/{query}/answer`
pub(super) async fn answer(
    State(app): State<App>,
    chart: Chart,
    Path((.., id)): Named,
    fields: Fields,
) -> Answer {
    let text = fields.get("text").to_owned();
    let mut faults = Faults::default();
    if text.is_empty() {
        faults.add("text", "Write what the source says, or why nothing changes.");
    }
    act(&app, &chart, &id, &fields, faults, Deed::AnswerQuery { query: id.clone(), text }).await
}

/// `POST …/queries/{query}/close`
pub(super) async fn close(
    State(app): State<App>,
    chart: Chart,
    Path((.., id)): Named,
    fields: Fields,
) -> Answer {
    act(&app, &chart, &id, &fields, Faults::default(), Deed::CloseQuery { query: id.clone() }).await
}

/// `POST …/queries/{query}/again`: a new query that names the old one.
pub(super) async fn raise_again(
    State(app): State<App>,
    chart: Chart,
    Path((.., id)): Named,
    fields: Fields,
) -> Answer {
    let folder = chart.room.folder(&chart.subject).await?;
    let old = find(&folder, &id)?;
    let mut faults = Faults::default();
    let text = fields.get("again");
    if text.is_empty() {
        faults.add("again", "Say what the answer leaves open.");
    }
    if old.state() != QueryState::Closed {
        faults.add("", "This query is still open: answer or close it.");
    }
    let due = raise::due(fields.get("due"), app.today(), &mut faults);
    if faults.is_empty() {
        let query = again::after(&folder.record.queries, &id);
        let text = format!("Query {id} is asked again: {text}");
        let deed = Deed::RaiseQuery {
            query: query.clone(),
            about: old.about.clone(),
            item: old.item.clone(),
            text,
            due,
        };
        match submit(&chart, deed).await {
            Ok(()) => return Ok(go(&address_of(&chart.room.slug, &chart.subject, &query))),
            Err(office::Error::Refused(refusal)) => {
                faults.add("", format!("Nothing was recorded: {}.", refusal.reason));
            }
            Err(wrong) => return Err(wrong.into()),
        }
    }
    let one = One {
        chart: &chart,
        folder: &folder,
        query: old,
        today: app.today(),
        fields: &fields,
        faults: &faults,
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, one.page()).into_response())
}

async fn submit(chart: &Chart, deed: Deed) -> Result<(), office::Error> {
    let action = Action::now(&chart.actor(), deed).at(chart.site.clone()).of(chart.subject.clone());
    chart.room.office.submit(vec![action]).await.map(|_| ())
}

/// How much of the query its reader had seen: a query only grows.
fn grown(query: &Query) -> usize {
    1 + query.answers.len() + usize::from(query.closed.is_some())
}

async fn act(app: &App, chart: &Chart, id: &str, fields: &Fields, mut faults: Faults, deed: Deed) -> Answer {
    let folder = chart.room.folder(&chart.subject).await?;
    let query = find(&folder, id)?;
    let done = || go(&address_of(&chart.room.slug, &chart.subject, id));
    let seen = fields.get("_seen").parse().unwrap_or_else(|_| grown(query));
    if seen != grown(query) {
        if is_done(chart, query, &deed) {
            return Ok(done());
        }
        faults.add("", "Somebody was quicker: the query has changed since this page was opened. Read it once more; what you typed is still here.");
    }
    if faults.is_empty() {
        match submit(chart, deed).await {
            Ok(()) => return Ok(done()),
            Err(office::Error::Refused(refusal)) => {
                faults.add("", format!("Nothing was recorded: {}.", refusal.reason));
            }
            Err(wrong) => return Err(wrong.into()),
        }
    }
    let folder = chart.room.folder(&chart.subject).await?;
    let query = find(&folder, id)?;
    let one = One { chart, folder: &folder, query, today: app.today(), fields, faults: &faults };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, one.page()).into_response())
}

/// The visitor did this very thing before: a second click.
fn is_done(chart: &Chart, query: &Query, deed: &Deed) -> bool {
    let me = |mark: &Mark| mark.who == chart.visitor.name();
    match deed {
        Deed::AnswerQuery { text, .. } => {
            query.answers.last().is_some_and(|last| me(&last.by) && last.text == *text)
        }
        Deed::CloseQuery { .. } => query.closed.as_ref().is_some_and(me),
        _ => false,
    }
}

impl One<'_> {
    fn at(&self, rest: &str) -> String {
        format!("{}/{rest}", address_of(&self.chart.room.slug, &self.chart.subject, &self.query.id))
    }

    fn page(&self) -> Response {
        let (chart, query) = (self.chart, self.query);
        let slug = &chart.room.slug;
        let body = html! {
            (shell::crumbs(&[
                (address::in_trial(slug, "queries"), "Queries"),
                (chart.at(""), chart.subject.as_str()),
            ]))
            div.head {
                div {
                    h1 { "Query " (query.id) }
                    p.soft {
                        "Subject " (chart.subject) ", site " (chart.site)
                        @if let (Some(words), Some(about)) = (about_words(&self.folder.history, query), &query.about) {
                            " · " a href=(form_of(slug, &chart.subject, about, query)) { (words) }
                        }
                    }
                }
                p.states {
                    (chip(query, self.today))
                    @if let Some(due) = query.due { " answer due " (parts::time(due)) }
                }
            }
            (self.faults.summary())
            div.split {
                section.card aria-labelledby="history" { h2 #history { "Its history" } (self.history()) }
                div { (self.deeds()) }
            }
        };
        shell::page(chart, Place::Queries, &format!("Query {}", query.id), body)
    }

    fn history(&self) -> Markup {
        let (slug, query) = (&self.chart.room.slug, self.query);
        let head = |mark: &Mark, word: &str| {
            html! {
                time datetime=(mark.recorded) { (parts::moment(mark.recorded)) } br;
                b { (word) } " by " (mark.who) span.soft { ", " (role(mark.role)) }
                @if self.chart.may_here(Act::ViewTrail) { " " a.history href=(address::event(slug, mark.event)) { "event " (mark.event) } }
            }
        };
        html! {
            ol.timeline {
                li.warn { (head(&query.raised, "Raised")) p.typed { (in_words(&query.text)) } }
                @for answer in &query.answers { li.info { (head(&answer.by, "Answered")) p.typed { (answer.text) } } }
                @if let Some(mark) = &query.closed { li.good { (head(mark, "Closed")) } }
            }
            @for other in again::others(&self.folder.record.queries, &query.id) {
                p {
                    @if other.raised.event < query.raised.event { "Asked before as " } @else { "Asked again as " }
                    a href=(address_of(slug, &self.chart.subject, &other.id)) { (other.id) } " " (chip(other, self.today))
                }
            }
        }
    }

    fn deeds(&self) -> Markup {
        let closed = self.query.state() == QueryState::Closed;
        let [answers, closes, asks] =
            [Act::AnswerQuery, Act::CloseQuery, Act::RaiseQuery].map(|act| self.chart.may_here(act));
        html! {
            @if answers && !closed { (self.answer()) }
            @if closes && !closed { (self.close()) }
            @if asks && closed { (self.ask_again()) }
            @if closed && !asks { p.soft { "The query is closed. Whoever raises queries can ask again." } }
            @if !closed && !answers && !closes { p.soft { "The site answers, whoever checks the data closes." } }
        }
    }

    fn hidden(&self) -> Markup {
        html! {
            (shell::csrf(&self.chart.visitor))
            input type="hidden" name="_seen" value=(grown(self.query));
        }
    }

    fn answer(&self) -> Markup {
        html! {
            form.card method="post" action=(self.at("answer")) data-keep {
                (self.hidden())
                h2 { "Answer" }
                @if let Some(about) = &self.query.about {
                    p.small { "Where a value is wrong, " a href=(form_of(&self.chart.room.slug, &self.chart.subject, about, self.query)) { "correct the form" } " first." }
                }
                (area("text", "Your answer", self.fields.get("text"), self.faults.says("text")))
                button.main type="submit" { "Send the answer" }
            }
        }
    }

    fn close(&self) -> Markup {
        let answered = self.query.state() == QueryState::Answered;
        html! {
            form.card method="post" action=(self.at("close")) data-confirm=[(!answered).then_some("Nobody has answered yet. Close it all the same?")] {
                (self.hidden())
                h2 { "Close" }
                @if answered { p.small { "The answer settles it. A closed query stays closed; what is left open is asked again as a new one." } }
                @else { p.small { "Nobody has answered yet." } }
                button.main[answered] type="submit" { "Close the query" }
            }
        }
    }

    fn ask_again(&self) -> Markup {
        html! {
            form.card method="post" action=(self.at("again")) data-keep {
                (self.hidden())
                h2 { "Ask again" }
                p.small { "A new query about the same, which names this one." }
                (area("again", "What the answer leaves open", self.fields.get("again"), self.faults.says("again")))
                (raise::due_field(self.fields.get("due"), self.today, self.faults))
                button type="submit" { "Raise it again" }
            }
        }
    }
}

/// A field for a few lines.
pub(super) fn area(name: &str, label: &str, value: &str, fault: &str) -> Markup {
    let id = format!("{name}-fault");
    html! {
        div.field.wrong[!fault.is_empty()] {
            label for=(name) { (label) }
            textarea #(name) name=(name) required maxlength="4000" aria-invalid=[(!fault.is_empty()).then_some("true")]
                aria-describedby=[(!fault.is_empty()).then_some(&id)] { (value) }
            @if !fault.is_empty() { p.fault id=(id) role="alert" { (fault) } }
        }
    }
}
