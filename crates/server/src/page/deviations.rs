//! Deviations from the protocol: those that people recorded, and those that follow from the record; important ones first.
//!
//! Never judges what is important: whoever records a deviation says so (ICH E3, section 10.2). What follows from the record was
//! found by `analysis` when the digests were made.

use std::cmp::Reverse;

use analysis::results::DeviationRow;
use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use people::permission::Act;
use serde::Deserialize;
use trial::event::Seq;
use trial::protocol::{Concept, Protocol};

use super::listing::{self, count, options, pick, search, turn};
use super::parts::{self, empty, in_words};
use crate::app::App;
use crate::digest::Digest;
use crate::web::access::{Desk, Gate, Route};
use crate::web::fault::Answer;
use crate::web::{address, shell};

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/t/{trial}/deviations", Gate::Trial(Act::ViewDeviations), show),
        Route::get("/t/{trial}/deviations.csv", Gate::Trial(Act::ViewDeviations), csv),
    ]
}

/// What is asked for. What is not known of it shows everything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    subject: String,
    site: String,
    category: String,
    /// `recorded`, `found` or `important`.
    which: String,
    page: String,
}

impl Choice {
    fn fields<'c>(&'c self, page: &'c str) -> [(&'c str, &'c str); 5] {
        let Self { subject, site, category, which, .. } = self;
        [("subject", subject), ("site", site), ("category", category), ("which", which), ("page", page)]
    }

    fn holds(&self, row: &Row<'_>) -> bool {
        let number = self.subject.trim().to_lowercase();
        (number.is_empty() || row.deviation.subject.as_str().to_lowercase().contains(&number))
            && (self.site.is_empty() || row.deviation.site.as_str() == self.site)
            && (self.category.is_empty() || row.deviation.category == self.category)
            && match self.which.as_str() {
                "recorded" => !row.deviation.found,
                "found" => row.deviation.found,
                "important" => row.important == Some(true),
                _ => true,
            }
    }
}

struct Row<'d> {
    deviation: &'d DeviationRow,
    /// Whether it is important, where a person said so.
    important: Option<bool>,
    digest: &'d Digest,
}

impl<'d> Row<'d> {
    fn of(deviation: &'d DeviationRow, digest: &'d Digest) -> Self {
        let recorded = |event: Seq| digest.deviations.iter().find(|deviation| deviation.event == event);
        let event = deviation.events.first().copied().filter(|_| !deviation.found);
        Self { deviation, important: event.and_then(recorded).and_then(|entered| entered.important), digest }
    }

    fn source(&self) -> &'static str {
        if self.deviation.found { "found in the record" } else { "recorded" }
    }

    /// Where an event of it is: its form, else its place in the trail.
    fn leads(&self, desk: &Desk, event: Seq) -> String {
        let look = self.digest.looked_after.iter().find(|look| look.event == event);
        match look {
            Some(look) => address::form(&desk.room.slug, &self.deviation.subject, &look.place.instance()),
            None => address::event(&desk.room.slug, event),
        }
    }
}

/// The important ones first, then what nobody has said it of, and within each the latest first.
fn chosen<'d>(digests: impl Iterator<Item = &'d Digest>, choice: &Choice) -> Vec<Row<'d>> {
    let all = digests.flat_map(|digest| digest.row.deviations().iter().map(move |row| Row::of(row, digest)));
    let mut rows: Vec<Row<'d>> = all.filter(|row| choice.holds(row)).collect();
    let rank = |important: Option<bool>| match important {
        Some(true) => 0,
        None => 1,
        Some(false) => 2,
    };
    rows.sort_by_key(|row| (rank(row.important), Reverse(row.deviation.date)));
    rows
}

/// `GET /t/{trial}/deviations`
async fn show(State(_app): State<App>, desk: Desk, Query(choice): Query<Choice>) -> Answer {
    let (digests, history) = (desk.room.digests().await?, desk.room.history().await?);
    let reach = desk.reach(Act::ViewDeviations);
    let own = digests.iter().filter(|(_, digest)| reach.contains(&digest.site)).map(|(_, digest)| &**digest);
    let rows = chosen(own, &choice);
    let sites = listing::site_options(&desk, &reach).await?;
    Ok(page(&desk, history.current(), &choice, &sites, &rows))
}

fn page(
    desk: &Desk,
    protocol: &Protocol,
    choice: &Choice,
    sites: &[(String, String)],
    rows: &[Row<'_>],
) -> Response {
    let (shown, page, pages) = listing::cut(rows, &choice.page);
    let to = |page: &str| listing::asking(desk, "deviations", &choice.fields(page));
    let found = rows.iter().filter(|row| row.deviation.found).count();
    let body = html! {
        div.head {
            div {
                h1 { "Deviations from the protocol" }
                p.soft { "Those that people recorded, and those that follow from the record. The important ones stand first." }
            }
        }
        (filters(desk, protocol, choice, sites))
        div.deviation.list-head {
            p role="status" { (count(rows.len(), "deviation", "deviations")) @if found > 0 { ", " (found) " of them found in the record" } "." }
            @if !rows.is_empty() { a href=(listing::asking(desk, "deviations.csv", &choice.fields(""))) { "CSV" } }
        }
        @if rows.is_empty() {
            (empty(
                "No deviation is recorded, and none follows from the record. One is recorded on the subject's page, under its log forms.",
                Some((&address::in_trial(&desk.room.slug, "subjects"), "To the subjects")),
            ))
        } @else { (table(desk, protocol, shown)) }
        (turn(page, pages, &to))
    };
    shell::page(desk, shell::Place::Deviations, "Deviations", body)
}

fn filters(desk: &Desk, protocol: &Protocol, choice: &Choice, sites: &[(String, String)]) -> Markup {
    let which = options(
        "All",
        [("important", "Important"), ("recorded", "Recorded by people"), ("found", "Found in the record")],
    );
    let form = protocol.forms.iter().find(|form| form.concept == Concept::Deviation);
    let category = form.and_then(|form| form.items.iter().find(|item| item.id == "DVCAT"));
    let codes = category.map_or(&[][..], |item| &item.codes);
    let categories = options("All", codes.iter().map(|code| (code.clone(), code.clone())));
    html! {
        form.filters method="get" action=(address::in_trial(&desk.room.slug, "deviations")) role="search" aria-label="Deviations" {
            (search("subject", "Subject", "search", &choice.subject))
            @if !sites.is_empty() { (pick("site", "Site", sites, &choice.site)) }
            (pick("category", "Category", &categories, &choice.category))
            (pick("which", "Which", &which, &choice.which))
            button type="submit" { "Show" }
        }
    }
}

fn table(desk: &Desk, protocol: &Protocol, rows: &[Row<'_>]) -> Markup {
    let many_sites = rows.iter().any(|row| row.deviation.site != rows[0].deviation.site);
    html! {
        div.card.wide {
            table {
                caption.visually-hidden { "Deviations from the protocol" }
                thead { tr {
                    th scope="col" { "Subject" } @if many_sites { th scope="col" { "Site" } } th scope="col" { "Day" }
                    th scope="col" { "Category" } th scope="col" { "What happened" } th scope="col" { "Rests on" }
                } }
                tbody {
                    @for row in rows {
                        tr.flag[row.important == Some(true)] {
                            th scope="row" { a href=(address::subject(&desk.room.slug, &row.deviation.subject)) { (row.deviation.subject) } }
                            @if many_sites { td { (row.deviation.site) } }
                            td.nb { (parts::time(row.deviation.date)) }
                            td {
                                (row.deviation.category)
                                @match row.important {
                                    Some(true) => { br; span.chip.bad { "important" } },
                                    Some(false) => { br; span.chip { "not important" } },
                                    None => {},
                                }
                                @if row.deviation.found { br; span.chip.info { (row.source()) } }
                            }
                            td { (in_words(&row.deviation.term)) }
                            td.small {
                                @for event in row.deviation.events.iter().take(6) { a.nb href=(row.leads(desk, *event)) { "event " (event) } " " }
                                (record_it(desk, protocol, row))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// To the form on which whoever fills forms at the site records what was found, with what is known of it.
fn record_it(desk: &Desk, protocol: &Protocol, row: &Row<'_>) -> Markup {
    let form = protocol.forms.iter().find(|form| form.concept == Concept::Deviation);
    let form = form.filter(|_| row.deviation.found && desk.may_at(Act::EnterData, &row.deviation.site));
    html! {
        @if let Some(form) = form {
            @let known = format!(
                "add/{}?DVSTDAT={}&DVCAT={}&DVTERM={}",
                address::segment(&form.id), row.deviation.date, address::segment(&row.deviation.category), address::segment(&row.deviation.term),
            );
            br; a href=(address::of_subject(&desk.room.slug, &row.deviation.subject, &known)) { "Record it" }
        }
    }
}

/// `GET /t/{trial}/deviations.csv`: the same list, all of it.
async fn csv(State(app): State<App>, desk: Desk, Query(choice): Query<Choice>) -> Answer {
    let digests = desk.room.digests().await?;
    let reach = desk.reach(Act::ViewDeviations);
    let own = digests.iter().filter(|(_, digest)| reach.contains(&digest.site)).map(|(_, digest)| &**digest);
    let rows = chosen(own, &choice);
    let header = ["SITEID", "SUBJID", "DVSTDTC", "DVCAT", "DVTERM", "IMPORTANT", "SOURCE", "EVENTS"];
    let rows = rows.iter().map(|row| {
        let important = row.important.map_or("", |important| if important { "Y" } else { "N" });
        let events: Vec<_> = row.deviation.events.iter().map(ToString::to_string).collect();
        [
            row.deviation.site.to_string(),
            row.deviation.subject.to_string(),
            row.deviation.date.to_string(),
            row.deviation.category.clone(),
            row.deviation.term.clone(),
            important.to_owned(),
            row.source().to_owned(),
            events.join(" "),
        ]
    });
    listing::csv("deviations", app.today(), header, rows)
}
