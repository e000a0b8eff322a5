//! The review's list: forms grouped by subject, with how far each is looked after and what can be done to those that are ticked.
//!
//! Never decides which forms are in it (see `choice`).

use axum::response::Response;
use maud::{Markup, html};
use people::permission::Act;
use trial::id::SubjectId;
use trial::protocol::ProtocolHistory;
use trial::review::Given;
use trial::words::form_name;

use super::batch::Chosen;
use super::choice::{Choice, STATES, is_of};
use super::{Told, WHY_UNLOCKED};
use crate::digest::{Digest, LookedAfter};
use crate::page::listing::{self, count, options, pick, search, turn};
use crate::page::parts::empty;
use crate::web::access::Desk;
use crate::web::{address, shell};

pub(super) struct List<'a> {
    pub(super) desk: &'a Desk,
    pub(super) history: &'a ProtocolHistory,
    pub(super) choice: &'a Choice,
    pub(super) all: &'a [(&'a SubjectId, &'a Digest)],
    pub(super) sites: &'a [(String, String)],
    pub(super) ticked: &'a [String],
    pub(super) told: &'a Told,
}

struct Row<'a> {
    subject: &'a SubjectId,
    digest: &'a Digest,
    form: &'a LookedAfter,
}

/// How far a number of forms is looked after.
#[derive(Clone, Copy, Default)]
struct Progress {
    forms: usize,
    to_sign: usize,
    signed: usize,
    verified: usize,
    locked: usize,
}

impl Progress {
    fn of<'f>(forms: impl Iterator<Item = &'f LookedAfter>) -> Self {
        let mut progress = Self::default();
        for form in forms {
            progress.forms += 1;
            progress.to_sign += usize::from(form.signature != Given::NotAsked);
            progress.signed += usize::from(form.signature == Given::Stands);
            progress.verified += usize::from(form.verification == Given::Stands);
            progress.locked += usize::from(form.locked);
        }
        progress
    }

    /// Verified, signed and locked: how many, of how many.
    fn parts(self) -> [(&'static str, usize, usize); 3] {
        [
            ("verified", self.verified, self.forms),
            ("signed", self.signed, self.to_sign),
            ("locked", self.locked, self.forms),
        ]
    }

    fn words(self) -> String {
        self.parts().map(|(word, done, of)| format!("{} % {word}", percent(done, of))).join(", ")
    }
}

/// Whole percent, never 100 before all is done.
fn percent(done: usize, of: usize) -> usize {
    (done * 100).checked_div(of).unwrap_or(100)
}

impl<'a> List<'a> {
    /// The state that is shown: the one asked for, else what the visitor's role has to do.
    fn state(&self) -> &'a str {
        let known = STATES.iter().any(|(state, _)| *state == self.choice.state);
        match known {
            true => self.choice.state.as_str(),
            false if self.desk.may(Act::Sign) => "sign",
            false if self.desk.may(Act::VerifySource) => "verify",
            false if self.desk.may(Act::Lock) => "lock",
            false => "all",
        }
    }

    pub(super) fn page(&self) -> Response {
        let state = self.state();
        let subjects = self.all.iter().filter(|(subject, digest)| self.choice.holds_subject(subject, digest));
        let forms = subjects.flat_map(|(subject, digest)| {
            digest.looked_after.iter().map(move |form| Row { subject, digest, form })
        });
        let rows: Vec<Row<'_>> =
            forms.filter(|row| self.choice.holds_form(row.form) && is_of(row.form, state)).collect();
        let (shown, page, pages) = listing::cut(&rows, &self.choice.of.page);
        let to = |page: &str| listing::asking(self.desk, "review", &self.choice.fields(page));
        let body = html! {
            div.head { div { h1 { "Review" } p.soft { "What is to be signed, verified against its source and locked." } } }
            (self.told())
            (self.tabs(state))
            (self.filters(state))
            p role="status" { (count(rows.len(), "form", "forms")) "." }
            @if rows.is_empty() {
                (empty("No form is as you asked.", Some((&listing::asking(self.desk, "review", &[("state", "all")]), "Show all forms"))))
            } @else { (self.batch(shown)) }
            (turn(page, pages, &to))
            (self.by_site())
        };
        shell::page(self.desk, shell::Place::Review, "Review", body)
    }

    fn told(&self) -> Markup {
        let done = self.choice.done.split_once(' ').filter(|(number, word)| {
            number.parse::<u32>().is_ok() && ["signed", "verified", "locked", "unlocked"].contains(word)
        });
        html! {
            @if let Some((number, word)) = done {
                div.notice.good role="status" { p { (number) @if number == "1" { " form was " } @else { " forms were " } (word) "." } }
            }
            @if let Some(says) = &self.told.good { div.notice.good role="status" { p { (says) } } }
            @if !self.told.bad.is_empty() { div.notice.bad role="alert" { @for says in &self.told.bad { p { (says) } } } }
        }
    }

    /// How many forms there are of each state, at the sites one sees.
    fn tabs(&self, state: &str) -> Markup {
        let of = |state: &str| {
            let forms = self.all.iter().flat_map(|(_, digest)| digest.looked_after.iter());
            forms.filter(|form| is_of(form, state)).count()
        };
        html! {
            nav.choose.review-states aria-label="States" {
                @for (code, words) in STATES {
                    a href=(listing::asking(self.desk, "review", &[("state", code), ("site", &self.choice.of.site)]))
                        aria-current=[(code == state).then_some("true")] { (words) " " b { (of(code)) } }
                }
            }
        }
    }

    fn filters(&self, state: &str) -> Markup {
        let protocol = self.history.current();
        let visits = protocol.schedule.visits.iter().map(|visit| (visit.id.clone(), visit.label.clone()));
        let forms = protocol.forms.iter().map(|form| (form.id.clone(), form.label.clone()));
        html! {
            form.filters method="get" action=(address::in_trial(&self.desk.room.slug, "review")) role="search" aria-label="Forms" {
                input type="hidden" name="state" value=(state);
                @if !self.sites.is_empty() { (pick("site", "Site", self.sites, &self.choice.of.site)) }
                (search("subject", "Subject", "search", &self.choice.of.subject))
                (pick("visit", "Visit", &options("All visits", visits), &self.choice.visit))
                (pick("form", "Form", &options("All forms", forms), &self.choice.of.form))
                button type="submit" { "Show" }
            }
        }
    }

    /// The table in the form of what can be done to the ticked.
    fn batch(&self, rows: &[Row<'_>]) -> Markup {
        let may = |act: Act| rows.iter().any(|row| self.desk.may_at(act, &row.digest.site));
        let [signs, verifies, locks, unlocks] =
            [Act::Sign, Act::VerifySource, Act::Lock, Act::Unlock].map(may);
        let unlocks = unlocks && rows.iter().any(|row| row.form.locked);
        let locks = locks && rows.iter().any(|row| !row.form.locked);
        let to = |what: &str| address::in_trial(&self.desk.room.slug, &format!("review/{what}"));
        let acts = signs || verifies || locks || unlocks;
        html! {
            @if !acts { (self.table(rows, false)) }
            @else {
                form method="post" {
                    (shell::csrf(&self.desk.visitor))
                    input type="hidden" name="_asked" value=(self.choice.asked());
                    (self.table(rows, true))
                    div.row {
                        @if signs { button.main type="submit" formaction=(to("sign")) { "Read and sign what is ticked" } }
                        @if verifies { button.main type="submit" formaction=(to("verify")) { "Mark what is ticked as verified" } }
                        @if locks { button.main type="submit" formaction=(to("lock")) { "Lock what is ticked" } }
                    }
                    @if unlocks {
                        div.field {
                            label for="reason" { "Reason for unlocking" }
                            p.hint id="reason-hint" { (WHY_UNLOCKED) }
                            input #reason type="text" name="reason" value=(self.told.reason) maxlength="1000" autocomplete="off" aria-describedby="reason-hint";
                        }
                        button type="submit" formaction=(to("unlock")) { "Unlock what is ticked" }
                    }
                }
            }
        }
    }

    fn table(&self, rows: &[Row<'_>], acts: bool) -> Markup {
        let groups = rows.chunk_by(|a, b| a.subject == b.subject);
        html! {
            div.card.wide {
                table.review {
                    caption.visually-hidden { "Forms by subject" }
                    thead { tr {
                        @if acts { th scope="col" { span.visually-hidden { "Tick" } } }
                        th scope="col" { "Form" } th scope="col" { "Signature" } th scope="col" { "Source verification" }
                        th scope="col" { "Queries" } th scope="col" { "Lock" }
                    } }
                    @for group in groups { (self.group(group, acts)) }
                }
            }
        }
    }

    fn group(&self, rows: &[Row<'_>], acts: bool) -> Markup {
        let first = &rows[0];
        let progress = Progress::of(first.digest.looked_after.iter());
        html! {
            tbody {
                tr.subject {
                    th scope="rowgroup" colspan=(if acts { "6" } else { "5" }) {
                        a href=(address::subject(&self.desk.room.slug, first.subject)) { "Subject " (first.subject) }
                        span.soft.small { " site " (first.digest.site) " · " (progress.words()) }
                    }
                }
                @for row in rows { (self.row(row, acts)) }
            }
        }
    }

    fn row(&self, row: &Row<'_>, acts: bool) -> Markup {
        let instance = row.form.place.instance();
        let key = Chosen::key(row.subject, &instance, row.form.event);
        let name = form_name(self.history.current(), &instance);
        html! {
            tr {
                @if acts {
                    td { input type="checkbox" name="form" value=(key) checked[self.ticked.contains(&key)] aria-label={ (name) ", subject " (row.subject) }; }
                }
                th scope="row" { a href=(address::form(&self.desk.room.slug, row.subject, &instance)) { (name) } }
                td { (given(row.form.signature, "signed")) }
                td { (given(row.form.verification, "verified")) }
                td { @if row.form.open_queries > 0 { span.chip.warn { (count(row.form.open_queries as usize, "open query", "open queries")) } } }
                td { @if row.form.locked { span.chip.info { "locked" } } @else if row.form.to_lock { span.chip.good { "ready to lock" } } }
            }
        }
    }

    /// Progress at each site.
    fn by_site(&self) -> Markup {
        let mut sites: Vec<_> = self.all.iter().map(|(_, digest)| &digest.site).collect();
        sites.sort();
        sites.dedup();
        html! {
            @if !sites.is_empty() {
                section.card aria-labelledby="progress" {
                    h2 #progress { "Progress by site" }
                    div.wide {
                        table {
                            caption.visually-hidden { "Progress by site" }
                            thead { tr { th scope="col" { "Site" } th.num scope="col" { "Forms" } th scope="col" { "Verified" } th scope="col" { "Signed" } th scope="col" { "Locked" } } }
                            tbody { @for site in sites { (self.site(site)) } }
                        }
                    }
                }
            }
        }
    }

    fn site(&self, site: &trial::id::SiteId) -> Markup {
        let own = self.all.iter().filter(|(_, digest)| digest.site == *site);
        let progress = Progress::of(own.flat_map(|(_, digest)| digest.looked_after.iter()));
        html! {
            tr {
                th scope="row" { a href=(listing::asking(self.desk, "review", &[("state", &self.choice.state), ("site", site.as_str())])) { (site) } }
                td.num { (progress.forms) }
                @for (word, done, of) in progress.parts() {
                    td {
                        meter.bar-of-site min="0" max=(of.max(1)) value=(done) aria-label={ (word) " at site " (site) } {}
                        " " (percent(done, of)) " % " span.soft { "(" (done) " of " (of) ")" }
                    }
                }
            }
        }
    }
}

fn given(given: Given, word: &str) -> Markup {
    html! {
        @match given {
            Given::Stands => span.chip.good { (word) },
            Given::Stale => span.chip.warn { "changed since " (word) },
            Given::Not => span.chip { "not " (word) },
            Given::NotAsked => span.soft { "not asked for" },
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, 0, 100)]
    #[case(0, 3, 0)]
    #[case(1, 3, 33)]
    #[case(999, 1000, 99)]
    #[case(1000, 1000, 100)]
    fn all_is_done_only_when_all_is(#[case] done: usize, #[case] of: usize, #[case] want: usize) {
        assert_eq!(percent(done, of), want);
    }
}
