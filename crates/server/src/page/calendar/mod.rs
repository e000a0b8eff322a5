//! Visits: what is due at which subject, of all subjects and of one.
//!
//! Never says itself when a visit is due or overdue (`trial::calendar` does). The page of all subjects reads their digests and folds
//! no record.

mod month;
mod own;

use axum::extract::{Query, State};
use jiff::civil::Date;
use maud::{Markup, html};
use people::permission::{self, Act};
use trial::calendar::{Expected, FormState, Planned, VisitStatus};
use trial::date::days_between;
use trial::event::Instance;
use trial::id::{SiteId, SubjectId};
use trial::protocol::{Concept, Protocol};

use super::parts;
use crate::app::App;
use crate::digest::Digest;
use crate::web::access::{Desk, Gate, Route};
use crate::web::address;
use crate::web::fault::Answer;
use crate::web::shell::{self, Place};

/// Windows that open within so many days are shown.
const AHEAD: i64 = 30;
/// So many visits of a list are shown at once.
const MOST_SHOWN: usize = 200;

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/t/{trial}/visits", Gate::Trial(Act::ViewSubject), visits),
        Route::get("/t/{trial}/subjects/{subject}/calendar", Gate::Subject(Act::ViewSubject), own::own),
    ]
}

/// One visit of one subject.
struct Item<'d> {
    subject: &'d SubjectId,
    site: &'d SiteId,
    visit: &'d Planned,
}

/// What is asked for.
#[derive(Debug, Default, serde::Deserialize)]
struct Choice {
    #[serde(default)]
    site: String,
    /// `month`: a month as a grid.
    #[serde(default)]
    view: String,
    /// `2026-11`
    #[serde(default)]
    month: String,
}

/// `GET /t/{trial}/visits`
async fn visits(State(app): State<App>, desk: Desk, Query(choice): Query<Choice>) -> Answer {
    let today = app.today();
    let digests = desk.room.digests().await?;
    let history = desk.room.history().await?;
    let reach = desk.reach(Act::ViewSubject);
    let here = |digest: &Digest| {
        reach.contains(&digest.site) && (choice.site.is_empty() || digest.site.as_str() == choice.site)
    };
    let mut items: Vec<Item<'_>> = Vec::new();
    let mut begun: Vec<Item<'_>> = Vec::new();
    for (subject, digest) in digests.iter().filter(|(_, digest)| here(digest)) {
        let site = &digest.site;
        items.extend(digest.visits.iter().map(|visit| Item { subject, site, visit }));
        begun.extend(digest.begun.iter().map(|visit| Item { subject, site, visit }));
    }
    let mut sites: Vec<&SiteId> =
        digests.iter().map(|(_, digest)| &digest.site).filter(|site| reach.contains(site)).collect();
    sites.sort();
    sites.dedup();
    let monthly = choice.view == "month";
    let body = html! {
        div.head {
            div {
                h1 { "Visits" }
                p.soft { "As of " (parts::time(today)) ". A visit is on time within its window." }
            }
            (views(&desk, &choice))
        }
        (site_choice(&desk, &choice, &sites))
        @if monthly { (month::grid(&desk, &choice, &items, today)?) }
        @else { (lists(&Lists { desk: &desk, protocol: history.current(), today }, items, begun)) }
    };
    Ok(shell::page(&desk, Place::Visits, "Visits", body))
}

fn link(desk: &Desk, choice: &Choice, view: &str, month: &str) -> String {
    let mut pairs = Vec::new();
    for (name, text) in [("site", choice.site.as_str()), ("view", view), ("month", month)] {
        if !text.is_empty() {
            pairs.push(format!("{name}={}", address::segment(text)));
        }
    }
    let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
    address::in_trial(&desk.room.slug, &format!("visits{query}"))
}

fn views(desk: &Desk, choice: &Choice) -> Markup {
    let monthly = choice.view == "month";
    html! {
        nav.actions aria-label="Views" {
            a.button href=(link(desk, choice, "", "")) aria-current=[(!monthly).then_some("page")] { "List" }
            a.button href=(link(desk, choice, "month", "")) aria-current=[monthly.then_some("page")] { "Month" }
            @if desk.may(Act::IssuePatientLinks) { a.button href=(address::in_trial(&desk.room.slug, "questionnaires")) { "Questionnaires" } }
        }
    }
}

fn site_choice(desk: &Desk, choice: &Choice, sites: &[&SiteId]) -> Markup {
    html! {
        @if sites.len() > 1 {
            form.row.filters method="get" action=(address::in_trial(&desk.room.slug, "visits")) {
                @if !choice.view.is_empty() { input type="hidden" name="view" value=(choice.view); }
                @if !choice.month.is_empty() { input type="hidden" name="month" value=(choice.month); }
                div {
                    label for="site" { "Site " }
                    select #site name="site" data-submit {
                        option value="" { "All sites" }
                        @for site in sites { option value=(site) selected[site.as_str() == choice.site] { (site) } }
                    }
                }
                button type="submit" { "Show" }
            }
        }
    }
}

struct Lists<'a> {
    desk: &'a Desk,
    protocol: &'a Protocol,
    today: Date,
}

/// Overdue first, then what is due now, what was begun, and what comes.
fn lists(to: &Lists<'_>, items: Vec<Item<'_>>, mut begun: Vec<Item<'_>>) -> Markup {
    let (mut overdue, mut open, mut ahead) = (Vec::new(), Vec::new(), Vec::new());
    for item in items {
        match item.visit.status {
            VisitStatus::Overdue { .. } => overdue.push(item),
            VisitStatus::Open => open.push(item),
            VisitStatus::Upcoming { .. }
                if item.visit.opens.is_some_and(|opens| days_between(to.today, opens) <= AHEAD) =>
            {
                ahead.push(item);
            }
            _ => {}
        }
    }
    overdue.sort_by_key(|item| (item.visit.closes, item.subject.clone()));
    // Before randomisation there is no window; those come after what has a last day.
    open.sort_by_key(|item| (item.visit.closes.unwrap_or(Date::MAX), item.subject.clone()));
    begun.sort_by_key(|item| (item.visit.closes.unwrap_or(Date::MAX), item.subject.clone()));
    ahead.sort_by_key(|item| (item.visit.opens, item.subject.clone()));
    let nothing = overdue.is_empty() && open.is_empty() && begun.is_empty() && ahead.is_empty();
    html! {
        div.grid.small-cards.counts {
            (count("#overdue", overdue.len(), "overdue"))
            (count("#open", open.len(), "due now"))
            (count("#begun", begun.len(), "begun, with forms missing"))
            (count("#ahead", ahead.len(), "open within 30 days"))
        }
        @if nothing { (parts::empty("No visit is due within 30 days.", Some((&address::in_trial(&to.desk.room.slug, "subjects"), "See the subjects")))) }
        (to.section("overdue", "Overdue", "The window is over, and nothing was entered.", &overdue))
        (to.section("open", "Due now", "", &open))
        (to.section("begun", "Begun, with forms missing", "", &begun))
        (to.section("ahead", "Open within 30 days", "", &ahead))
    }
}

fn count(to: &str, n: usize, what: &str) -> Markup {
    html! { div.card.stat { b { (n) } span { a href=(to) { (what) } } } }
}

impl Lists<'_> {
    fn section(&self, id: &str, title: &str, says: &str, items: &[Item<'_>]) -> Markup {
        html! {
            @if !items.is_empty() {
                section.card aria-labelledby=(id) {
                    h2 id=(id) { (title) " (" (items.len()) ")" }
                    @if !says.is_empty() { p.soft { (says) } }
                    div.wide {
                        table.visits {
                            caption.visually-hidden { (title) }
                            thead { tr { th scope="col" { "Subject" } th scope="col" { "Site" } th scope="col" { "Visit" } th scope="col" { "Planned" } th scope="col" { "On time" } th scope="col" { "" span.visually-hidden { "Status" } } th scope="col" { "Missing forms" } } }
                            tbody { @for item in items.iter().take(MOST_SHOWN) { (self.row(item)) } }
                        }
                    }
                    @if items.len() > MOST_SHOWN { p.soft { "The first " (MOST_SHOWN) " are shown: choose a site above to see the others." } }
                }
            }
        }
    }

    fn row(&self, item: &Item<'_>) -> Markup {
        let slug = &self.desk.room.slug;
        let visit = item.visit;
        html! {
            tr {
                th scope="row" { a.nb href=(address::subject(slug, item.subject)) { (item.subject) } }
                td { (item.site) }
                td { (visit_name(visit)) }
                td { (date(visit.target)) }
                td { (window(visit)) }
                td { (status_chip(&visit.status)) }
                td {
                    @for (at, form) in visit.forms.iter().filter(|form| is_missing(form)).enumerate() {
                        @if at > 0 { ", " }
                        (self.form(item, form))
                    }
                }
            }
        }
    }

    /// The form: to fill it where the visitor may.
    fn form(&self, item: &Item<'_>, form: &Expected) -> Markup {
        html! {
            @if may_fill(self.desk, self.protocol, item.site, &form.instance) {
                a href=(address::form(&self.desk.room.slug, item.subject, &form.instance)) { (form.label) }
            } @else { (form.label) }
            @if let FormState::Incomplete { missing } = form.state { span.soft { " (" (missing) " not filled)" } }
        }
    }
}

fn may_fill(desk: &Desk, protocol: &Protocol, site: &SiteId, instance: &Instance) -> bool {
    let form = protocol.forms.iter().find(|form| form.id == instance.form);
    form.is_some_and(|form| desk.may_at(permission::entering(form.concept == Concept::SabrCourse), site))
}

fn is_missing(form: &Expected) -> bool {
    matches!(form.state, FormState::Absent | FormState::Incomplete { .. })
}

fn visit_name(visit: &Planned) -> String {
    if visit.occurrence == 1 {
        visit.label.clone()
    } else {
        format!("{}, no. {}", visit.label, visit.occurrence)
    }
}

fn date(date: Option<Date>) -> Markup {
    html! { @match date { Some(date) => (parts::time(date)), None => span.soft { "–" } } }
}

fn window(visit: &Planned) -> Markup {
    html! {
        @match visit.opens.zip(visit.closes) {
            Some((opens, closes)) => { (parts::time(opens)) " to " (parts::time(closes)) }
            None => span.soft { "before randomisation" },
        }
    }
}

fn status_chip(status: &VisitStatus) -> Markup {
    let look = match status {
        VisitStatus::Done { in_window: true, .. } => "chip good",
        VisitStatus::Done { in_window: false, .. } | VisitStatus::Begun { .. } => "chip warn",
        VisitStatus::Open => "chip info",
        VisitStatus::Overdue { .. } | VisitStatus::Missed => "chip bad",
        VisitStatus::Upcoming { .. } | VisitStatus::AwaitsRandomisation | VisitStatus::NotExpected { .. } => {
            "chip"
        }
    };
    let dated = |word: &str, on: Option<Date>, in_window: bool| {
        let on = on.map(|on| format!(" {}", parts::day(on))).unwrap_or_default();
        format!("{word}{on}{}", if in_window { "" } else { ", outside its window" })
    };
    let says = match status {
        VisitStatus::Done { on, in_window } => dated("done", *on, *in_window),
        VisitStatus::Begun { on, in_window } => dated("begun", *on, *in_window),
        other => other.to_string(),
    };
    html! { span class=(look) { (says) } }
}
