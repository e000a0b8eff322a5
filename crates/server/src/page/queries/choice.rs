//! Which queries the list shows, and in which order.
//!
//! Never folds a record: the digests hold the queries.

use std::cmp::Reverse;

use jiff::civil::Date;
use serde::Deserialize;
use trial::id::{SiteId, SubjectId};
use trial::record::{Query, QueryState};

use crate::digest::Digest;
use crate::page::listing::Narrowed;

/// What is asked for. What is not known of it shows all that are not closed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    /// `open`, `overdue`, `answered`, `closed`, `all`; empty: all that are not closed.
    pub(super) state: String,
    #[serde(flatten)]
    pub(super) of: Narrowed,
}

/// The states to choose among.
pub(super) const STATES: [(&str, &str); 6] = [
    ("", "Not closed"),
    ("open", "Waiting for an answer"),
    ("overdue", "Overdue"),
    ("answered", "Answered"),
    ("closed", "Closed"),
    ("all", "All"),
];

impl Choice {
    pub(super) fn fields<'c>(&'c self, page: &'c str) -> [(&'c str, &'c str); 5] {
        let [site, subject, form, page] = self.of.fields(page);
        [("state", &self.state), site, subject, form, page]
    }

    /// The choice as the query of an address.
    pub(super) fn asked(&self) -> String {
        serde_urlencoded::to_string(self.fields("")).unwrap_or_default()
    }
}

/// Whether a query is of a state to choose.
pub(super) fn is_of(query: &Query, state: &str, today: Date) -> bool {
    match state {
        "open" => query.state() == QueryState::Raised,
        "overdue" => query.is_overdue(today),
        "answered" => query.state() == QueryState::Answered,
        "closed" => query.state() == QueryState::Closed,
        "all" => true,
        _ => query.state() != QueryState::Closed,
    }
}

/// A query in the list.
pub(super) struct Row<'d> {
    pub(super) subject: &'d SubjectId,
    pub(super) site: &'d SiteId,
    pub(super) query: &'d Query,
}

/// The queries that `choice` asks for: overdue ones first, then by the day they are due, closed ones the latest first.
pub(super) fn chosen<'d>(
    digests: &[(&'d SubjectId, &'d Digest)],
    choice: &Choice,
    today: Date,
) -> Vec<Row<'d>> {
    let mut rows: Vec<Row<'d>> = digests
        .iter()
        .filter(|(subject, digest)| choice.of.holds(subject, &digest.site))
        .flat_map(|(subject, digest)| {
            let all = digest.queries.iter().chain(&digest.closed);
            all.map(|query| Row { subject, site: &digest.site, query })
        })
        .filter(|row| is_of(row.query, &choice.state, today))
        .filter(|row| choice.of.holds_form(row.query.about.as_ref().map(|about| about.form.as_str())))
        .collect();
    rows.sort_by_key(|row| {
        let query = row.query;
        let closed = query.closed.as_ref().map(|mark| Reverse(mark.recorded));
        (
            closed,
            !query.is_overdue(today),
            query.state(),
            query.due.unwrap_or(Date::MAX),
            query.raised.recorded,
        )
    });
    rows
}
