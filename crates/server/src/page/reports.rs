//! Reports made from the page: as of a moment, with a clinical cut, by arm for whoever may compare the arms, pooled for the others.
//!
//! Never estimates and never draws: `office` reads, `analysis` estimates, `report` draws. A report is made in the background
//! and kept for a while in memory; the ledger is what lasts, and the same report can be made of it again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use maud::{Markup, html};
use office::Arms;
use people::permission::Act;
use trial::date::end_of_day;

use super::parts::{Input, empty, input, moment};
use crate::app::App;
use crate::room::Room;
use crate::web::access::{Desk, Fields, Gate, Route, go};
use crate::web::fault::{Answer, Fault};
use crate::web::{address, shell};

/// Reports that are kept; the oldest goes when one more is made. Each is a page of a few megabytes.
const KEPT: usize = 12;

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/t/{trial}/reports", Gate::Trial(Act::MakeReport), list),
        Route::post("/t/{trial}/reports", Gate::Trial(Act::MakeReport), make),
        Route::get("/t/{trial}/reports/{number}", Gate::Trial(Act::MakeReport), show),
        Route::get("/t/{trial}/reports/{number}/page", Gate::Trial(Act::MakeReport), page),
        Route::get("/t/{trial}/reports/{number}/file/{name}", Gate::Trial(Act::MakeReport), file),
    ]
}

/// The reports of a trial that were made since the server started.
#[derive(Default)]
pub(crate) struct Reports(Mutex<BTreeMap<u64, Arc<Report>>>);

struct Report {
    number: u64,
    by: String,
    asked: Timestamp,
    arms: Arms,
    /// Without the endpoints.
    committee: bool,
    as_of: Option<Timestamp>,
    cut: Option<Date>,
    /// Events derived so far, of so many.
    derived: AtomicU64,
    of: AtomicU64,
    state: Mutex<Made>,
}

enum Made {
    Making,
    Failed(String),
    Ready(Arc<Files>),
}

struct Files {
    head: String,
    summary: String,
    page: String,
    /// The same as a PDF; none where it could not be set, which the log tells.
    paper: Option<Vec<u8>>,
    /// Tables, figures and the results as JSON, by name.
    others: BTreeMap<String, String>,
}

impl Reports {
    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<Report>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, make: impl FnOnce(u64) -> Report) -> Arc<Report> {
        let mut kept = self.locked();
        let number = kept.last_key_value().map_or(1, |(last, _)| last + 1);
        let report = Arc::new(make(number));
        kept.insert(number, Arc::clone(&report));
        while kept.len() > KEPT {
            kept.pop_first();
        }
        report
    }

    /// A report that this visitor may open: one that compares the arms only for whoever may.
    fn open(&self, desk: &Desk, number: u64) -> Result<Arc<Report>, Fault> {
        let found = self.locked().get(&number).cloned();
        let found = found.filter(|report| report.arms == Arms::Pooled || desk.may(Act::ViewByArm));
        found.ok_or_else(|| Fault::NotFound(format!("Report {number} is not here. Reports are kept until the server stops, the last {KEPT} of them; it can be made again.")))
    }
}

impl Report {
    fn state(&self) -> std::sync::MutexGuard<'_, Made> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn files(&self) -> Result<Arc<Files>, Fault> {
        match &*self.state() {
            Made::Ready(files) => Ok(Arc::clone(files)),
            Made::Making => Err(Fault::NotFound("This report is still being made.".into())),
            Made::Failed(why) => Err(Fault::NotFound(format!("This report could not be made: {why}."))),
        }
    }

    fn words(&self) -> String {
        let arms = match (self.committee, self.arms) {
            (true, Arms::Pooled) => "open part for the safety committee",
            (true, Arms::Apart) => "closed part for the safety committee",
            (false, Arms::Pooled) => "all arms pooled",
            (false, Arms::Apart) => "by arm",
        };
        let as_of = self.as_of.map_or_else(
            || "as known when it was made".into(),
            |at| format!("as of {}", at.strftime("%-d %b %Y %H:%M UTC")),
        );
        let cut = self
            .cut
            .map_or_else(String::new, |day| format!(", clinical facts up to {}", super::parts::day(day)));
        format!("{arms}, {as_of}{cut}")
    }
}

/// `GET /t/{trial}/reports`
async fn list(desk: Desk) -> Answer {
    Ok(shown(&desk, &Fields::default(), &BTreeMap::new(), StatusCode::OK))
}

fn shown(desk: &Desk, fields: &Fields, faults: &BTreeMap<&str, String>, status: StatusCode) -> Response {
    let slug = &desk.room.slug;
    let mine = |report: &&Arc<Report>| report.arms == Arms::Pooled || desk.may(Act::ViewByArm);
    let kept = desk.room.reports.locked().clone();
    let fault = |name: &str| faults.get(name).map_or("", String::as_str);
    let body = html! {
        h1 { "Reports" }
        div.split {
            section.card aria-labelledby="made" {
                h2 #made { "Made since the server started" }
                @if !kept.values().any(|report| mine(&report)) { (empty("None yet. Ask for one beside: it takes a few seconds.", None)) }
                ul {
                    @for report in kept.values().rev().filter(mine) {
                        li {
                            a href=(address::in_trial(slug, &format!("reports/{}", report.number))) { "Report " (report.number) }
                            ": " (report.words()) ". " span.soft { "Asked for by " (report.by) " on " (moment(report.asked)) }
                            @if matches!(*report.state(), Made::Making) { " " span.chip.info { "being made" } }
                        }
                    }
                }
            }
            form.card method="post" action=(address::in_trial(slug, "reports")) {
                (shell::csrf(&desk.visitor))
                h2 { "Make a report" }
                (input(&Input {
                    name: "as_of", label: "What was known by the end of", value: fields.get("as_of"), fault: fault("as_of"),
                    hint: "A day as 2027-01-31: only what was recorded by then (UTC) is seen. Empty: everything.", ..Input::default()
                }))
                (input(&Input {
                    name: "cut", label: "What had happened by", value: fields.get("cut"), fault: fault("cut"),
                    hint: "A day as 2027-01-31: no clinical fact after it is seen. Empty: all.", ..Input::default()
                }))
                @if desk.may(Act::ViewByArm) {
                    fieldset.field {
                        legend { "Arms" }
                        div.options {
                            label { input type="radio" name="arms" value="pooled" checked[fields.get("arms") != "apart"]; "All in one" }
                            label { input type="radio" name="arms" value="apart" checked[fields.get("arms") == "apart"]; "Compared" }
                        }
                        p.hint { "A comparison is for the statistician and the safety committee alone; that it was made is noted." }
                    }
                } @else {
                    p.soft { "Your role sees all arms in one." }
                }
                div.field { label { input type="checkbox" name="for" value="safety-committee" checked[fields.get("for") == "safety-committee"];
                    " For the safety committee: without the endpoints" } }
                button.main type="submit" { "Make it" }
            }
        }
    };
    let mut response = shell::page(desk, shell::Place::Reports, "Reports", body);
    *response.status_mut() = status;
    response
}

/// `POST /t/{trial}/reports`
async fn make(State(app): State<App>, desk: Desk, fields: Fields) -> Answer {
    let mut faults = BTreeMap::new();
    let as_of = day_of(&fields, "as_of", &mut faults).map(|day| end_of_day(day).unwrap_or(Timestamp::MAX));
    let cut = day_of(&fields, "cut", &mut faults);
    if !faults.is_empty() {
        return Ok(shown(&desk, &fields, &faults, StatusCode::UNPROCESSABLE_ENTITY));
    }
    let arms =
        if desk.may(Act::ViewByArm) && fields.get("arms") == "apart" { Arms::Apart } else { Arms::Pooled };
    let by = desk.visitor.name().to_owned();
    if arms == Arms::Apart {
        tracing::info!(target: "trialwright::unblinding", trial = desk.room.slug, user = by, "a report by arm was made");
    }
    let report = desk.room.reports.add(|number| Report {
        number,
        by,
        asked: app.now(),
        arms,
        committee: fields.get("for") == "safety-committee",
        as_of,
        cut,
        derived: AtomicU64::new(0),
        of: AtomicU64::new(0),
        state: Mutex::new(Made::Making),
    });
    let (room, job) = (Arc::clone(&desk.room), Arc::clone(&report));
    tokio::spawn(async move {
        let making = Arc::clone(&job);
        let made = tokio::task::spawn_blocking(move || files(&room, &making)).await;
        *job.state() = match made {
            Ok(Ok(files)) => Made::Ready(Arc::new(files)),
            Ok(Err(why)) => Made::Failed(why.to_string()),
            Err(why) => Made::Failed(why.to_string()),
        };
    });
    Ok(go(&address::in_trial(&desk.room.slug, &format!("reports/{}", report.number))))
}

fn day_of(fields: &Fields, name: &'static str, faults: &mut BTreeMap<&str, String>) -> Option<Date> {
    let text = fields.get(name);
    let day = text.parse().ok();
    if day.is_none() && !text.is_empty() {
        faults.insert(name, format!("{text:?} is no day; write it as 2027-01-31."));
    }
    day
}

fn files(room: &Room, report: &Report) -> Result<Files, office::Error> {
    let reading = office::open_reading(room.office.ledger().address(), report.as_of)?;
    report.of.store(reading.head.count, Ordering::Relaxed);
    let source = format!("the ledger of {}", room.title());
    let results = reading.results(report.arms, report.cut, &source, |events| {
        report.derived.fetch_add(events, Ordering::Relaxed);
    })?;
    let mut others: BTreeMap<String, String> = report::csv_files(&results).into_iter().collect();
    others.extend(report::figures(&results));
    let json =
        serde_json::to_string_pretty(&results).map_err(|wrong| office::Error::Worker(wrong.to_string()))?;
    others.insert("results.json".into(), json);
    let standard = exchange::ars::reporting_event(&reading.history, &results);
    let json =
        serde_json::to_string_pretty(&standard).map_err(|wrong| office::Error::Worker(wrong.to_string()))?;
    others.insert("analysis-results.json".into(), json);
    others.retain(|name, _| !report.committee || report::for_committee(name));
    let (head, summary) = (reading.head.hash.to_string(), report::summary(&results));
    let part = report.committee.then_some(match report.arms {
        Arms::Pooled => report::Part::Open,
        Arms::Apart => report::Part::Closed,
    });
    let paper = match part {
        None => report::Paper::new(&results, false),
        Some(part) => report::Paper::committee(&results, part, false),
    };
    let page = paper.html().to_owned();
    let paper =
        paper.pdf().inspect_err(|why| tracing::error!(trial = room.slug, %why, "no PDF of a report")).ok();
    Ok(Files { head, summary, page, paper, others })
}

/// `GET /t/{trial}/reports/{number}`
async fn show(Path((_, number)): Path<(String, u64)>, desk: Desk) -> Answer {
    let report = desk.room.reports.open(&desk, number)?;
    let at = address::in_trial(&desk.room.slug, &format!("reports/{number}"));
    let body = match &*report.state() {
        Made::Making => making(&report, &at),
        Made::Failed(why) => html! { div.notice.bad { p { "This report could not be made: " (why) "." } } },
        Made::Ready(files) => ready(files, &at, desk.may(Act::ExportData)),
    };
    let body = html! {
        (shell::crumbs(&[(address::in_trial(&desk.room.slug, "reports"), "Reports")]))
        h1 { "Report " (number) }
        p.soft { (report.words()) }
        div #report { (body) }
    };
    Ok(shell::page(&desk, shell::Place::Reports, "Report", body))
}

fn making(report: &Report, at: &str) -> Markup {
    let (derived, of) = (report.derived.load(Ordering::Relaxed), report.of.load(Ordering::Relaxed).max(1));
    html! {
        div.notice.info hx-get=(at) hx-trigger="load delay:500ms" hx-target="#report" hx-select="#report" hx-swap="outerHTML" {
            p { "It is being made: " (derived) " of " (of) " events are derived." }
            p { progress max=(of) value=(derived) aria-label="events derived" {} }
            p { a href=(at) { "Look again" } }
        }
    }
}

fn ready(files: &Files, at: &str, export: bool) -> Markup {
    let kind = |end: &'static str| files.others.keys().filter(move |name| name.ends_with(end));
    html! {
        pre.summary { (files.summary) }
        p { "Ledger head " code { (files.head) } }
        p.row { a.button.main href=(format!("{at}/page")) { "Open the report" } a.button href=(format!("{at}/page")) download="report.html" { "Download it" }
            @if files.paper.is_some() { a.button href=(format!("{at}/file/report.pdf")) download="report.pdf" { "On paper (PDF)" } } }
        div.grid {
            section.card { h2 { "Figures" } ul { @for name in kind(".svg") { li { a href=(format!("{at}/file/{name}")) download=(name) { (name) } } } } }
            @if export {
                section.card { h2 { "Tables" } ul { @for name in kind(".csv") { li { a href=(format!("{at}/file/{name}")) download=(name) { (name) } } } } }
                section.card { h2 { "For programs" } ul { @for name in kind(".json") { li { a href=(format!("{at}/file/{name}")) download=(name) { (name) } } } } }
            }
        }
    }
}

/// `GET /t/{trial}/reports/{number}/page`: the report itself, under its own policy.
async fn page(Path((_, number)): Path<(String, u64)>, desk: Desk) -> Answer {
    let files = desk.room.reports.open(&desk, number)?.files()?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, format!("{}; frame-ancestors 'none'", report::policy())),
    ];
    Ok((headers, files.page.clone()).into_response())
}

/// `GET /t/{trial}/reports/{number}/file/{name}`
async fn file(Path((_, number, name)): Path<(String, u64, String)>, desk: Desk) -> Answer {
    let files = desk.room.reports.open(&desk, number)?.files()?;
    if let Some(paper) = files.paper.as_ref().filter(|_| name == "report.pdf") {
        return Ok(([(header::CONTENT_TYPE, "application/pdf")], paper.clone()).into_response());
    }
    let end = name.rsplit_once('.').map(|(_, end)| end);
    let drawing = end == Some("svg");
    let text = files.others.get(&name).filter(|_| drawing || desk.may(Act::ExportData));
    let text = text.ok_or_else(|| Fault::NotFound(format!("Report {number} has no file {name} for you.")))?;
    let kind = match end {
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        _ => "text/csv; charset=utf-8",
    };
    // A drawing carries its style with it, and nothing else.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, policy)], text.clone())
        .into_response())
}
