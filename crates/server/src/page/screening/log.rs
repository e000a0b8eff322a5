//! The screening log: who was screened, who failed by which criterion, who was randomised, by site: the upper part of CONSORT's flow of participants.
//!
//! Never judges: `trial::standing` and `trial::eligibility` did, when the digest was made. It shows what is of one's sites.

use std::collections::BTreeMap;

use axum::extract::Query;
use maud::{Markup, html};
use people::permission::Act;
use serde::Deserialize;
use trial::id::{SiteId, SubjectId};
use trial::protocol::Protocol;
use trial::standing::State;

use crate::digest::Digest;
use crate::page::parts::{self, empty, state_chip};
use crate::web::access::Desk;
use crate::web::address::{self, in_trial, segment};
use crate::web::fault::Answer;
use crate::web::shell::{self, Place};

/// How many lines a page has at most; the rest are a site away.
const MOST: usize = 500;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    site: String,
}

/// How a site's screening went.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    screened: usize,
    under_way: usize,
    failed: usize,
    randomised: usize,
}

impl Counts {
    fn take(&mut self, digest: &Digest) {
        self.screened += 1;
        match (&digest.randomised, digest.standing.state) {
            (Some(_), _) => self.randomised += 1,
            (None, State::ScreenFailure) => self.failed += 1,
            (None, _) => self.under_way += 1,
        }
    }

    fn cells(self) -> Markup {
        html! {
            td.num { (self.screened) } td.num { (self.under_way) } td.num { (self.failed) } td.num { (self.randomised) }
        }
    }
}

/// `GET /t/{trial}/screening`; `?site=` shows the subjects of one.
pub(super) async fn show(desk: Desk, Query(Asked { site }): Query<Asked>) -> Answer {
    let (digests, history) = (desk.room.digests().await?, desk.room.history().await?);
    let reach = desk.reach(Act::ViewSubject);
    let seen: Vec<_> = digests
        .iter()
        .filter(|(_, digest)| reach.contains(&digest.site))
        .map(|(id, digest)| (id, &**digest))
        .collect();
    let mut sites: BTreeMap<&SiteId, Counts> = BTreeMap::new();
    let mut failed: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, digest) in &seen {
        sites.entry(&digest.site).or_default().take(digest);
        digest.unmet.iter().for_each(|criterion| *failed.entry(criterion).or_default() += 1);
    }
    let shown: Vec<_> =
        seen.iter().filter(|(_, digest)| site.is_empty() || digest.site.as_str() == site).copied().collect();
    let body = html! {
        (shell::crumbs(&[(in_trial(&desk.room.slug, "subjects"), "Subjects")]))
        div.head {
            h1 { "Screening log" }
            @if desk.may(Act::Screen) {
                div.actions { a.button.main href=(in_trial(&desk.room.slug, "screen")) { "Screen a patient" } }
            }
        }
        @if seen.is_empty() { (empty("Nobody was screened yet.", None)) }
        @else {
            div.grid { (by_site(&desk, &sites)) (by_criterion(history.current(), &failed)) }
            (list(&desk, &site, &shown))
        }
    };
    Ok(shell::page(&desk, Place::Subjects, "Screening log", body))
}

fn by_site(desk: &Desk, sites: &BTreeMap<&SiteId, Counts>) -> Markup {
    let mut all = Counts::default();
    for of in sites.values() {
        all.screened += of.screened;
        all.under_way += of.under_way;
        all.failed += of.failed;
        all.randomised += of.randomised;
    }
    let to =
        |site: &SiteId| format!("{}?site={}", in_trial(&desk.room.slug, "screening"), segment(site.as_str()));
    html! {
        section.card { div.wide { table {
            caption { "By site" }
            thead { tr {
                th scope="col" { "Site" } th.num scope="col" { "Screened" } th.num scope="col" { "Under way" }
                th.num scope="col" { "Failed" } th.num scope="col" { "Randomised" }
            } }
            tbody { @for (site, counts) in sites { tr { th scope="row" { a href=(to(site)) { (site) } } (counts.cells()) } } }
            @if sites.len() > 1 { tfoot { tr { th scope="row" { "Together" } (all.cells()) } } }
        } } }
    }
}

fn by_criterion(protocol: &Protocol, failed: &BTreeMap<&str, usize>) -> Markup {
    html! {
        section.card {
            @if failed.is_empty() { h2 { "By criterion" } p.soft { "No criterion was failed yet." } }
            @else { div.wide { table {
                caption { "Failed, by criterion " span.soft { "(somebody may fail several)" } }
                thead { tr { th scope="col" { "Criterion" } th scope="col" { "In its words" } th.num scope="col" { "Failed" } } }
                tbody { @for criterion in &protocol.eligibility {
                    @if let Some(count) = failed.get(criterion.id.as_str()) {
                        tr { th scope="row" { (criterion.id) } td { (criterion.text) } td.num { (count) } }
                    }
                } }
            } } }
        }
    }
}

fn list(desk: &Desk, site: &str, shown: &[(&SubjectId, &Digest)]) -> Markup {
    let mut newest: Vec<_> = shown.to_vec();
    newest.sort_by_key(|(_, digest)| std::cmp::Reverse(digest.screened));
    let all = in_trial(&desk.room.slug, "screening");
    html! {
        section.card {
            @if !site.is_empty() { p { "Site " (site) ". " a href=(all) { "All sites" } } }
            @if newest.len() > MOST { p.soft { "The " (MOST) " screened last of " (newest.len()) "; choose a site to see fewer." } }
            @if newest.is_empty() { p.soft { "Nobody was screened at this site yet." } }
            @else { div.wide { table {
                caption { "Subjects, those screened last first" }
                thead { tr {
                    th scope="col" { "Subject" } th scope="col" { "Site" } th scope="col" { "Screened" } th scope="col" { "Outcome" }
                    th scope="col" { "Why, or since when" }
                } }
                tbody { @for (subject, digest) in newest.iter().take(MOST) { (line(desk, subject, digest)) } }
            } } }
        }
    }
}

fn line(desk: &Desk, subject: &SubjectId, digest: &Digest) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(address::of_subject(&desk.room.slug, subject, "eligibility")) { (subject) } }
            td { (digest.site) }
            td { @match digest.screened { Some(day) => (parts::time(day)), None => "–" } }
            @match &digest.randomised {
                Some((day, _)) => { td { span.chip.good { "Randomised" } } td { (parts::time(*day)) } }
                None => {
                    td { (state_chip(digest.standing.state)) }
                    td {
                        (digest.standing.says)
                        @if digest.unmet.len() > 1 { span.soft { " (failed: " (digest.unmet.join(", ")) ")" } }
                    }
                }
            }
        }
    }
}
