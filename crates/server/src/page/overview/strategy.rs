//! The overview's list of strategies: whose decision or SABR is pending and by when, and whose strategy failed last.
//!
//! Never judges: `trial::{outstanding, standing}` said it when the digest was made. Only subjects whose pages one may open.

use std::cmp::Reverse;

use jiff::civil::Date;
use maud::{Markup, html};
use office::Snapshot;
use people::permission::Sites;
use trial::id::SubjectId;
use trial::outstanding::Missing;
use trial::standing::State;

use crate::digest::{Digest, Owed};
use crate::page::parts::{day, in_words, time};
use crate::web::address;

/// So many of each are listed; the rest is a list away.
const MOST: usize = 8;

/// The section; nothing where no strategy is pending and none failed.
pub(super) fn strategies(slug: &str, digests: &Snapshot<Digest>, reach: &Sites) -> Markup {
    let seen = || digests.iter().filter(|(_, digest)| reach.contains(&digest.site));
    let waits = |one: &&Owed| matches!(one.what, Missing::Decision | Missing::Sabr);
    let mut pending: Vec<(&SubjectId, &Owed)> = seen()
        .flat_map(|(subject, digest)| digest.outstanding.iter().filter(waits).map(move |one| (subject, one)))
        .collect();
    pending.sort_by_key(|(_, one)| one.by.unwrap_or(Date::MAX));
    let failed = |digest: &Digest| digest.standing.state == State::StrategyFailed;
    let mut failed: Vec<(&SubjectId, &Digest)> =
        seen().filter(|(_, digest)| failed(digest)).map(|(subject, digest)| (subject, &**digest)).collect();
    failed.sort_by_key(|(_, digest)| Reverse(digest.standing.since));
    html! {
        @if !pending.is_empty() || !failed.is_empty() {
            section.card aria-labelledby="strategies" {
                h2 #strategies { "Treatment strategies" }
                @if !pending.is_empty() {
                    h3 { "Pending (" (pending.len()) ")" }
                    ul.todo {
                        @for (subject, one) in pending.iter().take(MOST) {
                            li.warn {
                                a href=(address::subject(slug, subject)) { (subject) } ": " (in_words(&one.says))
                                @if let Some(by) = one.by && !one.says.contains(&by.to_string()) { " " span.nb { "By " (day(by)) "." } }
                            }
                        }
                    }
                }
                @if !failed.is_empty() {
                    h3 { "Failed (" (failed.len()) "), the last first" }
                    div.wide {
                        table {
                            caption.visually-hidden { "Subjects whose strategy failed" }
                            thead { tr { th scope="col" { "Subject" } th scope="col" { "Failed on" } th scope="col" { "Why" } } }
                            tbody {
                                @for (subject, digest) in failed.iter().take(MOST) {
                                    tr {
                                        th scope="row" { a href=(address::subject(slug, subject)) { (subject) } }
                                        td.nb { @if let Some(since) = digest.standing.since { (time(since)) } }
                                        td { (in_words(&digest.standing.says)) }
                                    }
                                }
                            }
                        }
                    }
                    @if failed.len() > MOST { p { a href=(address::in_trial(slug, "subjects?standing=strategy-failed")) { "All " (failed.len()) } } }
                }
            }
        }
    }
}
