//! What is missing in the trial, gravest first: each with why it matters, by when, and where it is entered.
//!
//! Never finds anything itself: `trial::outstanding` did when the digests were made; here it is chosen from and listed.

use axum::extract::{Query, State};
use axum::response::Response;
use jiff::civil::Date;
use maud::{Markup, html};
use people::permission::Act;
use serde::Deserialize;
use trial::event::Instance;
use trial::id::{SiteId, SubjectId};
use trial::outstanding::{Missing, Target};
use trial::protocol::Protocol;
use trial::words::form_name;

use super::listing::{self, capital, count, options, pick, search, turn};
use super::parts::{self, empty, in_words};
use crate::app::App;
use crate::digest::{Digest, Owed, Thing};
use crate::web::access::{Desk, Gate, Route};
use crate::web::fault::{Answer, Fault};
use crate::web::{address, shell};

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/t/{trial}/outstanding", Gate::Trial(Act::ViewSubject), show),
        Route::get("/t/{trial}/outstanding.csv", Gate::Trial(Act::ViewSubject), csv),
    ]
}

const KINDS: [Missing; 9] = [
    Missing::Decision,
    Missing::Sabr,
    Missing::Unreadable,
    Missing::Criterion,
    Missing::Form,
    Missing::Item,
    Missing::Questionnaire,
    Missing::Signature,
    Missing::PartialDate,
];

/// What is asked for. What is not known of it shows everything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    /// Part of a subject's number, or the whole of it.
    subject: String,
    site: String,
    kind: String,
    /// `late`: only what should have been there by now.
    due: String,
    page: String,
}

/// The order of the list: how grave, by when, since when, and the subjects' order within.
type Rank = (usize, Date, Date, usize);

#[derive(Clone, Copy)]
struct Row<'d> {
    subject: &'d SubjectId,
    site: &'d SiteId,
    one: &'d Owed,
    rank: Rank,
}

/// What was chosen: the first of it in order, and how much there is.
struct Chosen<'d> {
    rows: Vec<Row<'d>>,
    total: usize,
    late: usize,
}

fn is_late(one: &Owed, today: Date) -> bool {
    one.by.is_some_and(|by| by < today)
}

impl Row<'_> {
    fn is_late(&self, today: Date) -> bool {
        is_late(self.one, today)
    }

    /// Where it is put right.
    fn leads(&self, desk: &Desk) -> String {
        let slug = &desk.room.slug;
        match (&self.one.instance, self.one.what) {
            (Some(instance), _) => {
                let form = address::form(slug, self.subject, instance);
                self.one.item.as_ref().map_or(form.clone(), |item| format!("{form}#{}", anchor(item)))
            }
            (None, Missing::Criterion) => address::of_subject(slug, self.subject, "eligibility"),
            (None, _) => address::subject(slug, self.subject),
        }
    }
}

/// The field on the form's page; its rows are numbered from 0.
fn anchor(item: &Target) -> String {
    match &item.row {
        Some((group, row)) => {
            format!("{}.{}.{}", address::segment(group), row.saturating_sub(1), address::segment(&item.item))
        }
        None => address::segment(&item.item),
    }
}

fn code(kind: Missing) -> String {
    kind.as_str().to_lowercase().replace(' ', "-")
}

/// What of the digests the visitor asks for, the gravest first and by day within a kind. Only the `first` are kept and put in order,
/// since a large trial lacks a hundred thousand things and a page shows a hundred.
fn chosen<'d>(
    digests: impl Iterator<Item = (&'d SubjectId, &'d Digest)>,
    choice: &Choice,
    today: Date,
    first: usize,
) -> Chosen<'d> {
    let number = choice.subject.trim().to_lowercase();
    let wanted = (!choice.kind.is_empty()).then(|| KINDS.into_iter().find(|kind| code(*kind) == choice.kind));
    let mut chosen = Chosen { rows: Vec::new(), total: 0, late: 0 };
    // What ranks behind as many as are asked for need not be looked at again.
    let mut last: Option<Rank> = None;
    for (subject, digest) in digests {
        if !(number.is_empty() || subject.as_str().to_lowercase().contains(&number))
            || !(choice.site.is_empty() || digest.site.as_str() == choice.site)
        {
            continue;
        }
        for one in &digest.outstanding {
            let late = is_late(one, today);
            if wanted.is_some_and(|wanted| wanted != Some(one.what)) || choice.due == "late" && !late {
                continue;
            }
            let days = (one.by.unwrap_or(Date::MAX), one.since.unwrap_or(Date::MAX));
            let rank = (one.what as usize, days.0, days.1, chosen.total);
            chosen.total += 1;
            chosen.late += usize::from(late);
            if last.is_some_and(|last| last < rank) {
                continue;
            }
            chosen.rows.push(Row { subject, site: &digest.site, one, rank });
            if chosen.rows.len() >= first.saturating_mul(4) {
                last = Some(keep(&mut chosen.rows, first));
            }
        }
    }
    keep(&mut chosen.rows, first);
    chosen.rows.sort_unstable_by_key(|row| row.rank);
    chosen
}

/// Keeps the `first` rows by rank, in no order, and gives the last of their ranks.
fn keep(rows: &mut Vec<Row<'_>>, first: usize) -> Rank {
    if first < rows.len() {
        rows.select_nth_unstable_by_key(first, |row| row.rank);
        rows.truncate(first);
    }
    rows.iter().map(|row| row.rank).max().unwrap_or_default()
}

/// `GET /t/{trial}/outstanding`
async fn show(State(app): State<App>, desk: Desk, Query(choice): Query<Choice>) -> Answer {
    let (digests, history) = (desk.room.digests().await?, desk.room.history().await?);
    let reach = desk.reach(Act::ViewSubject);
    let today = app.today();
    let own = digests.iter().filter(|(_, digest)| reach.contains(&digest.site));
    let chosen = chosen(
        own.map(|(subject, digest)| (subject, &**digest)),
        &choice,
        today,
        listing::through(&choice.page),
    );
    let sites = listing::site_options(&desk, &reach).await?;
    Ok(page(&desk, history.current(), &choice, &sites, &chosen, today))
}

fn page(
    desk: &Desk,
    protocol: &Protocol,
    choice: &Choice,
    sites: &[(String, String)],
    chosen: &Chosen<'_>,
    today: Date,
) -> Response {
    let (shown, page, pages) = listing::cut_first(&chosen.rows, chosen.total, &choice.page);
    let to = |page: &str| listing::asking(desk, "outstanding", &choice.fields(page));
    let Chosen { rows, total, late } = chosen;
    let body = html! {
        div.head { div { h1 { "What is missing" } p.soft { "The gravest first. Each leads to where it is entered." } } }
        (filters(desk, choice, sites))
        div.row.list-head {
            p role="status" { (count(*total, "thing is missing", "things are missing")) @if *late > 0 { ", " (late) " of them late" } "." }
            @if !rows.is_empty() { a href=(listing::asking(desk, "outstanding.csv", &choice.fields(""))) { "CSV" } }
        }
        @if rows.is_empty() {
            (empty("Nothing is missing here.", Some((&address::in_trial(&desk.room.slug, "outstanding"), "Show all"))))
        } @else { (table(desk, protocol, shown, today)) }
        (turn(page, pages, &to))
    };
    shell::page(desk, shell::Place::Outstanding, "What is missing", body)
}

fn filters(desk: &Desk, choice: &Choice, sites: &[(String, String)]) -> Markup {
    let kinds = options("Anything", KINDS.map(|kind| (code(kind), capital(kind.as_str()))));
    html! {
        form.filters method="get" action=(address::in_trial(&desk.room.slug, "outstanding")) role="search" aria-label="What is missing" {
            (search("subject", "Subject", "search", &choice.subject))
            @if !sites.is_empty() { (pick("site", "Site", sites, &choice.site)) }
            (pick("kind", "What", &kinds, &choice.kind))
            (pick("due", "By when", &options("Whenever", [("late", "Late")]), &choice.due))
            button type="submit" { "Show" }
        }
    }
}

fn table(desk: &Desk, protocol: &Protocol, rows: &[Row<'_>], today: Date) -> Markup {
    let many_sites = rows.iter().any(|row| row.site != rows[0].site);
    html! {
        div.card.wide {
            table.stack {
                caption.visually-hidden { "What is missing" }
                thead { tr {
                    th scope="col" { "Kind" } th scope="col" { "Subject" } @if many_sites { th scope="col" { "Site" } }
                    th scope="col" { "What is missing, and why it matters" } th scope="col" { "Since" } th scope="col" { "By" }
                } }
                tbody {
                    @for row in rows {
                        tr {
                            td { span class=(look(row.one.what)) { (row.one.what.as_str()) } }
                            th scope="row" { a href=(address::subject(&desk.room.slug, row.subject)) { (row.subject) } }
                            @if many_sites { td data-label="Site" { (row.site) } }
                            td {
                                a href=(row.leads(desk)) { (in_words(&row.one.says)) }
                                @if !row.one.why.is_empty() { br; span.small.soft { (in_words(&row.one.why)) } }
                                @if let Some(at) = at(protocol, row) { br; span.small.soft { "At: " (at) } }
                            }
                            td.nb data-label="Since" { @if let Some(since) = row.one.since { (parts::day(since)) } }
                            td.nb data-label="By" {
                                @if let Some(by) = row.one.by { (parts::day(by)) }
                                @if row.is_late(today) { br; span.chip.bad { "late" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where it is entered, unless what is missing says so itself.
fn at(protocol: &Protocol, row: &Row<'_>) -> Option<String> {
    let name = form_name(protocol, row.one.instance.as_ref()?);
    (!row.one.says.contains(&name)).then_some(name)
}

fn look(kind: Missing) -> &'static str {
    match kind {
        Missing::Decision | Missing::Sabr | Missing::Unreadable => "chip bad",
        Missing::Criterion | Missing::Form | Missing::Item => "chip warn",
        Missing::Questionnaire | Missing::Signature | Missing::PartialDate => "chip",
    }
}

impl Choice {
    fn fields<'c>(&'c self, page: &'c str) -> [(&'c str, &'c str); 5] {
        [
            ("subject", &self.subject),
            ("site", &self.site),
            ("kind", &self.kind),
            ("due", &self.due),
            ("page", page),
        ]
    }
}

/// `GET /t/{trial}/outstanding.csv`: the same list, all of it.
async fn csv(State(app): State<App>, desk: Desk, Query(choice): Query<Choice>) -> Result<Response, Fault> {
    let digests = desk.room.digests().await?;
    let reach = desk.reach(Act::ViewSubject);
    let own = digests.iter().filter(|(_, digest)| reach.contains(&digest.site));
    let rows = chosen(own.map(|(subject, digest)| (subject, &**digest)), &choice, app.today(), usize::MAX);
    let day = |day: Option<Date>| day.map_or_else(String::new, |day| day.to_string());
    let at = |instance: Option<&Instance>| instance.map_or_else(String::new, address::instance_name);
    let header = ["SITEID", "SUBJID", "KIND", "MISSING", "WHY", "FORM", "ITEM", "SINCE", "BY"];
    let rows = rows.rows.iter().map(|row| {
        let Owed { what, since, by, .. } = row.one;
        let Thing { instance, item, says, why } = &**row.one;
        let item = item.as_ref().map_or_else(String::new, anchor);
        [
            row.site.to_string(),
            row.subject.to_string(),
            what.as_str().to_owned(),
            says.clone(),
            why.clone(),
            at(instance.as_ref()),
            item,
            day(*since),
            day(*by),
        ]
    });
    listing::csv("missing", app.today(), header, rows)
}
