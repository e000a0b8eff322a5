//! The list of queries, with its filters and what can be closed at once.
//!
//! Never decides which queries are in it (see `choice`).

use axum::response::Response;
use jiff::civil::Date;
use maud::{Markup, html};
use people::permission::Act;
use trial::date::{days_between, utc_date};
use trial::id::SubjectId;
use trial::protocol::ProtocolHistory;
use trial::record::QueryState;

use super::choice::{Choice, Row, STATES, is_of};
use super::{about_words, address_of, chip, form_of};
use crate::digest::Digest;
use crate::page::listing::{self, count, options, pick, search, turn};
use crate::page::parts::{self, empty, in_words};
use crate::web::access::Desk;
use crate::web::{address, shell};

/// The list and what stands around it.
pub(super) struct List<'a> {
    pub(super) desk: &'a Desk,
    pub(super) history: &'a ProtocolHistory,
    pub(super) choice: &'a Choice,
    pub(super) rows: &'a [Row<'a>],
    pub(super) sites: &'a [(String, String)],
    pub(super) today: Date,
    pub(super) ticked: &'a [String],
}

impl List<'_> {
    pub(super) fn page(&self, all: &[(&SubjectId, &Digest)], refused: Option<&str>) -> Response {
        let (shown, page, pages) = listing::cut(self.rows, &self.choice.of.page);
        let to = |page: &str| listing::asking(self.desk, "queries", &self.choice.fields(page));
        let body = html! {
            div.head {
                div { h1 { "Queries" } p.soft { "Questions about the data. The site answers, whoever checks the data closes." } }
            }
            @if let Some(says) = refused { div.notice.bad role="alert" { p { (says) } } }
            (self.counts(all))
            (self.filters())
            div.row.list-head {
                p role="status" { (count(self.rows.len(), "query", "queries")) "." }
                @if !self.rows.is_empty() { a href=(listing::asking(self.desk, "queries.csv", &self.choice.fields(""))) { "CSV" } }
            }
            @if self.rows.is_empty() { (self.nothing()) } @else { (self.closing(shown)) }
            (turn(page, pages, &to))
        };
        shell::page(self.desk, shell::Place::Queries, "Queries", body)
    }

    fn nothing(&self) -> Markup {
        let all = listing::asking(self.desk, "queries", &[("state", "all")]);
        let says = if self.desk.may(Act::RaiseQuery) {
            "No query is as you asked. One is raised on the page of a form, beside the item it is about, or from a subject's page."
        } else {
            "No query is as you asked."
        };
        empty(says, Some((&all, "Show all")))
    }

    /// How many there are of each state at the visitor's sites.
    fn counts(&self, all: &[(&SubjectId, &Digest)]) -> Markup {
        let open = || all.iter().flat_map(|(_, digest)| &digest.queries);
        let of = |state| open().filter(|query| is_of(query, state, self.today)).count();
        let closed: usize = all.iter().map(|(_, digest)| digest.closed.len()).sum();
        let cards = [
            ("overdue", of("overdue")),
            ("open", of("open")),
            ("answered", of("answered")),
            ("closed", closed),
        ];
        let words = |state| match state {
            "overdue" => "overdue",
            "open" => "wait for an answer",
            "answered" => "answered, to be closed",
            _ => "closed",
        };
        html! {
            div.grid.small-cards.figures {
                @for (state, number) in cards {
                    a.card.stat href=(listing::asking(self.desk, "queries", &[("state", state)])) { b { (number) } span { (words(state)) } }
                }
            }
        }
    }

    fn filters(&self) -> Markup {
        let states: Vec<_> =
            STATES.iter().map(|(value, words)| ((*value).to_owned(), (*words).to_owned())).collect();
        let forms = self.history.current().forms.iter().map(|form| (form.id.clone(), form.label.clone()));
        html! {
            form.filters method="get" action=(address::in_trial(&self.desk.room.slug, "queries")) role="search" aria-label="Queries" {
                (pick("state", "State", &states, &self.choice.state))
                @if !self.sites.is_empty() { (pick("site", "Site", self.sites, &self.choice.of.site)) }
                (search("subject", "Subject", "search", &self.choice.of.subject))
                (pick("form", "Form", &options("All forms", forms), &self.choice.of.form))
                button type="submit" { "Show" }
            }
        }
    }

    /// The table, within the form that closes what is ticked, for whoever closes queries.
    fn closing(&self, rows: &[Row<'_>]) -> Markup {
        let closes = rows.iter().any(|row| self.may_close(row));
        html! {
            @if closes {
                form method="post" action=(address::in_trial(&self.desk.room.slug, "queries/close")) {
                    (shell::csrf(&self.desk.visitor))
                    input type="hidden" name="_asked" value=(self.choice.asked());
                    (self.table(rows, true))
                    button.main type="submit" { "Close what is ticked" }
                }
            } @else { (self.table(rows, false)) }
        }
    }

    fn may_close(&self, row: &Row<'_>) -> bool {
        row.query.state() == QueryState::Answered && self.desk.may_at(Act::CloseQuery, row.site)
    }

    fn table(&self, rows: &[Row<'_>], closes: bool) -> Markup {
        let many_sites = rows.iter().any(|row| row.site != rows[0].site);
        html! {
            div.card.wide {
                table.stack {
                    caption.visually-hidden { "Queries" }
                    thead { tr {
                        @if closes { th scope="col" { span.visually-hidden { "Close" } } }
                        th scope="col" { "Query" } th scope="col" { "Subject" } @if many_sites { th scope="col" { "Site" } }
                        th scope="col" { "State" } th scope="col" { "Question and answer" } th scope="col" { "Raised" } th scope="col" { "Due" }
                    } }
                    tbody { @for row in rows { (self.row(row, closes, many_sites)) } }
                }
            }
        }
    }

    fn row(&self, row: &Row<'_>, closes: bool, many_sites: bool) -> Markup {
        let (slug, query) = (&self.desk.room.slug, row.query);
        let key = serde_json::to_string(&(row.subject, &query.id)).unwrap_or_default();
        let age = days_between(utc_date(query.raised.recorded), self.today).max(0);
        html! {
            tr.flag[query.is_overdue(self.today)] {
                @if closes {
                    td {
                        @if self.may_close(row) {
                            input type="checkbox" name="query" value=(key) checked[self.ticked.contains(&key)]
                                aria-label={ "Close query " (query.id) " of subject " (row.subject) };
                        }
                    }
                }
                th scope="row" data-label="Query" { a href=(address_of(slug, row.subject, &query.id)) { (query.id) } }
                td data-label="Subject" { a href=(address::subject(slug, row.subject)) { (row.subject) } }
                @if many_sites { td data-label="Site" { (row.site) } }
                td { (chip(query, self.today)) }
                td {
                    @if let (Some(words), Some(about)) = (about_words(self.history, query), &query.about) {
                        a href=(form_of(slug, row.subject, about, query)) { (words) } br;
                    }
                    (in_words(&query.text))
                    @if let Some(answer) = query.answers.last() {
                        br; span.soft { (answer.by.who) ": " } (in_words(&answer.text))
                    }
                }
                td.small data-label="Raised" {
                    (parts::day(utc_date(query.raised.recorded))) " by " (query.raised.who)
                    @if query.closed.is_none() { br; span.soft { (count(usize::try_from(age).unwrap_or(0), "day ago", "days ago")) } }
                    @if let Some(mark) = &query.closed { br; span.soft { "closed " (parts::day(utc_date(mark.recorded))) " by " (mark.who) } }
                }
                td.nb data-label="Due" { @if let Some(due) = query.due { (parts::day(due)) } }
            }
        }
    }
}
