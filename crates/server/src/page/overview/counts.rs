//! The overview's counts: of subjects, visits, queries and decisions, each with the list it leads to.
//!
//! Never judges: what is overdue, pending or missing was said by `trial` when the digest was made.

use std::collections::BTreeMap;

use jiff::civil::Date;
use maud::{Markup, html};
use office::{Site, Snapshot};
use people::permission::Sites;
use trial::calendar::VisitStatus;
use trial::id::SiteId;
use trial::outstanding::Missing;
use trial::standing::State;

use crate::digest::Digest;
use crate::page::parts::empty;
use crate::web::address;

/// One site's or the whole trial's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
struct Tally {
    screened: usize,
    randomised: usize,
    failures: usize,
    strategy_failed: usize,
    dead: usize,
    decisions: usize,
    sabr: usize,
    overdue: usize,
    open_visits: usize,
    queries: usize,
    queries_overdue: usize,
    answered: usize,
    missing: usize,
    deviations: usize,
    made: usize,
    missed: usize,
    saved: usize,
    signed: usize,
    verified: usize,
}

impl Tally {
    /// The counts of one subject.
    fn of(digest: &Digest, today: Date) -> Self {
        let mut of = Self {
            screened: 1,
            randomised: usize::from(digest.randomised.is_some()),
            failures: usize::from(digest.standing.state == State::ScreenFailure),
            strategy_failed: usize::from(digest.standing.state == State::StrategyFailed),
            dead: usize::from(digest.standing.state == State::Dead),
            queries: digest.queries.len(),
            missing: digest.outstanding.len(),
            deviations: digest.deviations.len(),
            made: digest.made as usize,
            missed: digest.missed as usize,
            saved: digest.forms.saved as usize,
            signed: digest.forms.signed as usize,
            verified: digest.forms.verified as usize,
            ..Self::default()
        };
        for one in &digest.outstanding {
            of.decisions += usize::from(one.what == Missing::Decision);
            of.sabr += usize::from(one.what == Missing::Sabr);
        }
        for visit in &digest.visits {
            of.overdue += usize::from(matches!(visit.status, VisitStatus::Overdue { .. }));
            of.open_visits += usize::from(matches!(visit.status, VisitStatus::Open));
        }
        for query in &digest.queries {
            of.queries_overdue += usize::from(query.is_overdue(today));
            of.answered += usize::from(query.state() == trial::record::QueryState::Answered);
        }
        of
    }

    fn add(&mut self, other: &Self) {
        self.screened += other.screened;
        self.randomised += other.randomised;
        self.failures += other.failures;
        self.strategy_failed += other.strategy_failed;
        self.dead += other.dead;
        self.decisions += other.decisions;
        self.sabr += other.sabr;
        self.overdue += other.overdue;
        self.open_visits += other.open_visits;
        self.queries += other.queries;
        self.queries_overdue += other.queries_overdue;
        self.answered += other.answered;
        self.missing += other.missing;
        self.deviations += other.deviations;
        self.made += other.made;
        self.missed += other.missed;
        self.saved += other.saved;
        self.signed += other.signed;
        self.verified += other.verified;
    }
}

/// The counts of what a visitor may see.
pub(crate) struct Counts {
    all: Tally,
    sites: BTreeMap<SiteId, Tally>,
}

impl Counts {
    /// Counts the digests within `reach` as of `today`.
    pub(crate) fn of(digests: &Snapshot<Digest>, reach: &Sites, today: Date) -> Self {
        let (mut all, mut sites) = (Tally::default(), BTreeMap::<SiteId, Tally>::new());
        for (_, digest) in digests.iter() {
            if let Sites::Only(own) = reach
                && !own.contains(&digest.site)
            {
                continue;
            }
            let one = Tally::of(digest, today);
            all.add(&one);
            match sites.get_mut(&digest.site) {
                Some(site) => site.add(&one),
                None => drop(sites.insert(digest.site.clone(), one)),
            }
        }
        Self { all, sites }
    }

    /// For a program.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({ "all": self.all, "sites": self.sites })
    }

    /// The figures at the top.
    pub(super) fn cards(&self, slug: &str, planned: u32) -> Markup {
        let all = &self.all;
        let card = |number: usize, of: Option<u32>, words: &str, to: &str| {
            html! {
                a.card.stat href=(address::in_trial(slug, to)) {
                    b { (number) @if let Some(of) = of { small.soft { " of " (of) } } }
                    span { (words) }
                }
            }
        };
        html! {
            div.grid.small-cards.figures {
                (card(all.randomised, Some(planned), "randomised", "subjects"))
                (card(all.screened, None, "screened", "screening"))
                (card(all.failures, None, "screen failures", "screening"))
                (card(all.strategy_failed, None, "strategy failed", "subjects?standing=strategy-failed"))
                (card(all.dead, None, "died", "subjects?standing=dead"))
                (card(all.deviations, None, "deviations recorded", "deviations"))
            }
        }
    }

    /// What needs somebody, gravest first.
    pub(super) fn work(&self, slug: &str) -> Markup {
        let all = &self.all;
        let rows = [
            (
                all.decisions,
                "bad",
                ["strategy decision is pending", "strategy decisions are pending"],
                "outstanding?kind=decision",
            ),
            (
                all.sabr,
                "bad",
                ["progression waits for SABR", "progressions wait for SABR"],
                "outstanding?kind=sabr",
            ),
            (all.overdue, "bad", ["visit is overdue", "visits are overdue"], "visits"),
            (
                all.queries_overdue,
                "warn",
                ["query is overdue", "queries are overdue"],
                "queries?state=overdue",
            ),
            (
                all.queries - all.answered,
                "warn",
                ["query waits for an answer", "queries wait for an answer"],
                "queries?state=open",
            ),
            (
                all.answered,
                "info",
                ["answered query waits to be closed", "answered queries wait to be closed"],
                "queries?state=answered",
            ),
            (
                all.open_visits,
                "info",
                ["visit has its window open", "visits have their window open"],
                "visits",
            ),
            (all.missing, "info", ["thing is missing in all", "things are missing in all"], "outstanding"),
        ];
        html! {
            section.card aria-labelledby="work" {
                h2 #work { "What needs doing" }
                @if rows.iter().all(|(number, ..)| *number == 0) {
                    (empty("Nothing waits: no visit is overdue, no query is open, no decision is pending.", None))
                }
                ul.work {
                    @for (number, look, words, to) in rows.iter().filter(|(number, ..)| *number > 0) {
                        li { span class=(format!("chip {look}")) { (number) } " " a href=(address::in_trial(slug, to)) { (words[usize::from(*number != 1)]) } }
                    }
                }
                dl.facts {
                    div { dt { "Visits made of those due" } dd { (share(all.made, all.made + all.missed + all.overdue)) } }
                    div { dt { "Forms verified" } dd { (share(all.verified, all.saved)) } }
                    div { dt { "Forms signed" } dd { (share(all.signed, all.saved)) } }
                }
            }
        }
    }

    /// Every site within reach, those without a subject too.
    pub(super) fn by_site(&self, slug: &str, sites: &[Site], reach: &Sites) -> Markup {
        let most = self.sites.values().map(|of| of.randomised).max().unwrap_or(0).max(1);
        let seen = |site: &&Site| match reach {
            Sites::All => true,
            Sites::Only(own) => own.contains(&site.id),
        };
        html! {
            section.card aria-labelledby="sites" {
                h2 #sites { "Sites" }
                div.wide {
                    table aria-labelledby="sites" {
                        thead { tr {
                            th scope="col" { "Site" } th.num scope="col" { "Randomised" } th.num scope="col" { "Screened" }
                            th.num scope="col" { "Overdue" } th.num scope="col" { "Queries" }
                        } }
                        tbody {
                            @for site in sites.iter().filter(seen) {
                                @let of = self.sites.get(&site.id).copied().unwrap_or_default();
                                tr {
                                    th scope="row" {
                                        a href=(format!("{}?site={}", address::in_trial(slug, "subjects"), address::segment(site.id.as_str()))) { (site.id) }
                                        " " span.soft { (site.name) }
                                    }
                                    td.num {
                                        meter.bar-of-site min="0" max=(most) value=(of.randomised) aria-hidden="true" {} " " (of.randomised)
                                    }
                                    td.num { (of.screened) } td.num { (of.overdue) } td.num { (of.queries) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A part of a whole as a person reads it.
fn share(part: usize, whole: usize) -> String {
    match whole {
        0 => "none due".into(),
        whole => format!("{part} of {whole} ({} %)", (100 * part + whole / 2) / whole),
    }
}
