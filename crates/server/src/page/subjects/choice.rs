//! Which subjects a list shows, and in which order.
//!
//! Never reads a record; what a subject needs was found when its digest was made, and what is overdue today by the windows.

use std::cmp::Reverse;

use jiff::civil::Date;
use office::Snapshot;
use people::permission::Sites;
use serde::{Deserialize, Deserializer};
use trial::calendar::{Planned, VisitStatus};
use trial::id::SubjectId;
use trial::outstanding::Missing;
use trial::record::QueryState;
use trial::standing::State;

use crate::digest::Digest;
use crate::web::address::segment;

/// What somebody asked to see. What is not known of it shows everything: an address that was typed wrong loses nobody.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(super) struct Choice {
    /// Part of a subject's number.
    pub(super) q: String,
    pub(super) site: String,
    pub(super) standing: String,
    #[serde(deserialize_with = "need")]
    pub(super) need: Need,
    #[serde(deserialize_with = "sort")]
    pub(super) sort: Sort,
    /// From 1.
    #[serde(deserialize_with = "page")]
    pub(super) page: usize,
}

macro_rules! coded {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $code:literal $words:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub(super) enum $name { #[default] $($variant),+ }

        impl $name {
            pub(super) const ALL: &[$name] = &[$($name::$variant),+];

            pub(super) fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            pub(super) fn words(self) -> &'static str {
                match self { $(Self::$variant => $words),+ }
            }

            fn of(code: &str) -> Self {
                Self::ALL.iter().copied().find(|one| one.code() == code).unwrap_or_default()
            }
        }
    };
}

coded!(
    /// What a subject needs.
    Need {
        Any = "" "Anything or nothing",
        Something = "something" "Something",
        Visit = "visit" "A visit that is overdue",
        Decision = "decision" "A strategy decision or SABR",
        Query = "query" "An answer to a query",
        Data = "data" "What is missing",
    }
);

coded!(
    /// The order.
    Sort {
        Number = "" "Number",
        Site = "site" "Site",
        Standing = "standing" "Standing",
        Randomised = "randomised" "Randomised",
        Next = "next" "Next visit",
        Queries = "queries" "Open queries",
        Missing = "missing" "Missing",
    }
);

fn need<'de, D: Deserializer<'de>>(from: D) -> Result<Need, D::Error> {
    Ok(Need::of(&String::deserialize(from)?))
}

fn sort<'de, D: Deserializer<'de>>(from: D) -> Result<Sort, D::Error> {
    Ok(Sort::of(&String::deserialize(from)?))
}

fn page<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    Ok(String::deserialize(from)?.parse().unwrap_or(1))
}

/// A standing in an address.
pub(super) fn code(state: State) -> String {
    state.as_str().to_lowercase().replace(' ', "-")
}

impl Choice {
    /// The choice as the query of an address, with another order or page.
    pub(super) fn query(&self, sort: Sort, page: usize) -> String {
        let page = if page > 1 { page.to_string() } else { String::new() };
        let fields = [
            ("q", self.q.as_str()),
            ("site", &self.site),
            ("standing", &self.standing),
            ("need", self.need.code()),
            ("sort", sort.code()),
            ("page", &page),
        ];
        let given = fields.iter().filter(|(_, value)| !value.is_empty());
        given.map(|(name, value)| format!("{name}={}", segment(value))).collect::<Vec<_>>().join("&")
    }

    fn holds(&self, row: &Row<'_>) -> bool {
        let digest = row.digest;
        let number = self.q.trim().to_lowercase();
        (number.is_empty() || row.subject.as_str().to_lowercase().contains(&number))
            && (self.site.is_empty() || digest.site.as_str() == self.site)
            && (self.standing.is_empty() || code(digest.standing.state) == self.standing)
            && match self.need {
                Need::Any => true,
                Need::Visit => row.overdue().is_some(),
                Need::Decision => row.waits(),
                Need::Query => row.unanswered() > 0,
                Need::Data => !digest.outstanding.is_empty(),
                Need::Something => {
                    row.overdue().is_some()
                        || row.waits()
                        || row.unanswered() > 0
                        || !digest.outstanding.is_empty()
                }
            }
    }
}

/// A subject in the list.
pub(super) struct Row<'d> {
    pub(super) subject: &'d SubjectId,
    pub(super) digest: &'d Digest,
    /// The visit that is overdue, else what is due now, else the next.
    pub(super) next: Option<&'d Planned>,
    today: Date,
}

impl<'d> Row<'d> {
    fn of(subject: &'d SubjectId, digest: &'d Digest, today: Date) -> Self {
        let rank = |visit: &&Planned| match visit.status {
            VisitStatus::Overdue { .. } => 0,
            VisitStatus::Open => 1,
            _ => 2,
        };
        Self { subject, digest, next: digest.visits.iter().min_by_key(rank), today }
    }

    /// Days for which a visit has been overdue.
    pub(super) fn overdue(&self) -> Option<i64> {
        match self.next?.status {
            VisitStatus::Overdue { days } => Some(days),
            _ => None,
        }
    }

    /// Queries that are not closed.
    pub(super) fn queries(&self) -> usize {
        self.digest.queries.len()
    }

    /// Queries without an answer.
    pub(super) fn unanswered(&self) -> usize {
        self.digest.queries.iter().filter(|query| query.state() == QueryState::Raised).count()
    }

    /// Queries whose day is over.
    pub(super) fn late(&self) -> usize {
        self.digest.queries.iter().filter(|query| query.is_overdue(self.today)).count()
    }

    /// A strategy decision or SABR is awaited.
    fn waits(&self) -> bool {
        let awaited = |what: Missing| matches!(what, Missing::Decision | Missing::Sabr);
        self.digest.standing.state == State::DecisionPending
            || self.digest.outstanding.iter().any(|missing| awaited(missing.what))
    }
}

/// The subjects that `choice` asks for, of the sites of `reach`, in its order.
pub(super) fn chosen<'d>(
    digests: &'d Snapshot<Digest>,
    reach: &Sites,
    choice: &Choice,
    today: Date,
) -> Vec<Row<'d>> {
    let seen = digests.iter().filter(|(_, digest)| reach.contains(&digest.site));
    let mut rows: Vec<Row<'d>> = seen
        .map(|(subject, digest)| Row::of(subject, digest, today))
        .filter(|row| choice.holds(row))
        .collect();
    // They come in order of number, and a stable sort keeps that within equals.
    match choice.sort {
        Sort::Number => {}
        Sort::Site => rows.sort_by(|a, b| a.digest.site.cmp(&b.digest.site)),
        Sort::Standing => {
            rows.sort_by_key(|row| (row.digest.standing.state, Reverse(row.digest.standing.since)));
        }
        Sort::Randomised => {
            rows.sort_by_key(|row| Reverse(row.digest.randomised.as_ref().map(|(on, _)| *on)));
        }
        Sort::Next => rows.sort_by_key(|row| {
            (Reverse(row.overdue()), row.next.and_then(|next| next.target).unwrap_or(Date::MAX))
        }),
        Sort::Queries => rows.sort_by_key(|row| Reverse((row.late(), row.queries()))),
        Sort::Missing => rows.sort_by_key(|row| Reverse(row.digest.outstanding.len())),
    }
    rows
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", Choice { page: 0, ..Choice::default() })]
    #[case("q=03-0&need=query&sort=next&page=3", Choice {
        q: "03-0".into(), need: Need::Query, sort: Sort::Next, page: 3, ..Choice::default()
    })]
    #[case("need=nonsense&sort=x&page=-1&other=1", Choice { page: 1, ..Choice::default() })]
    fn what_is_not_known_of_a_choice_shows_everything(#[case] query: &str, #[case] want: Choice) {
        assert_eq!(serde_urlencoded::from_str::<Choice>(query).unwrap(), want);
    }

    #[test]
    fn a_choice_is_read_again_from_its_address() {
        let choice = Choice { q: "a/b &c".into(), site: "Ω".into(), need: Need::Data, ..Choice::default() };
        let query = choice.query(Sort::Queries, 2);
        let read: Choice = serde_urlencoded::from_str(&query).unwrap();
        assert_eq!(read, Choice { sort: Sort::Queries, page: 2, ..choice });
    }
}
