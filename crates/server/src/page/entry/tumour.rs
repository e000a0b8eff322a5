//! What a tumour assessment means, beside its form: while it is typed and after it was saved.
//!
//! Never judges anything: `trial::consequence` does, and gives the reasons shown here.

use std::collections::BTreeMap;

use jiff::civil::Date;
use maud::{Markup, html};
use serde_json::{Map, Value};
use trial::concept::LESIONS;
use trial::consequence::{Change, Consequence, Must, Response, Seen, StrategyEffect, of_draft, of_saved};
use trial::progression::Kind;
use trial::protocol::Concept;
use trial::recist::{LesionPoint, NewLesion};
use trial::record::{Finding, LesionRole, Reading};
use trial::strategy::Status;

use super::notes::{Notes, Weight};
use super::paper::Paper;
use super::sheet::Sheet;
use crate::page::chart::{body_of, signed};
use crate::page::parts::{self, in_words};

/// The panel while the form is being filled with `values`; as it stands where `values` are those saved.
pub(super) fn panel(sheet: &Sheet, values: &Map<String, Value>) -> Markup {
    let (history, record) = (&sheet.folder.history, sheet.record());
    let stands = sheet.standing().is_some_and(|form| form.values == *values);
    let consequence = if stands {
        of_saved(history, record, &sheet.instance, sheet.today)
    } else {
        of_draft(history, record, &sheet.instance, values, sheet.today)
    };
    html! {
        section.card.assessment aria-labelledby="shows" {
            h2 #shows { @if stands { "What this assessment shows" } @else { "What this would show" } }
            @match &consequence {
                Some(consequence) => (shown(sheet, consequence)),
                None => p.soft { "Fill the date and the lesions: the sum of diameters, the response and what follows for the strategy are shown here as you type." },
            }
        }
    }
}

/// The whole of it.
fn shown(sheet: &Sheet, consequence: &Consequence) -> Markup {
    html! {
        @if !consequence.counts {
            p.notice.info { "Read by " (consequence.reader) "; the endpoints rest on another reader's assessments." }
        }
        @match &consequence.seen {
            Seen::Baseline { sum_mm, lesions, remarks } => {
                div.stats { (stat(sum_mm.map(mm), "sum of diameters")) }
                p {
                    @if sheet.record().randomised.is_some() { "The baseline: later assessments are judged against it." }
                    @else { "Before randomisation: the last assessment by then is the baseline." }
                }
                @for remark in remarks { p.notice.warn { (capital(&in_words(remark))) "." } }
                (lesion_table(lesions))
                (body_of(lesions))
            }
            Seen::Response { from_baseline, since_salvage } => {
                (response(from_baseline))
                @if let Some(since) = since_salvage {
                    h3 { "Since the last salvaged progression" }
                    p.soft { "The strategy is judged against the assessment of " (parts::time(since.reference)) "." }
                    (response(since))
                }
                @let judged = since_salvage.as_ref().unwrap_or(from_baseline);
                (kind(judged))
                // What follows stands before the single lesions: it must be in view without scrolling.
                @if let Some(effect) = &consequence.strategy { (strategy(sheet, effect)) }
                (lesion_table(&judged.timepoint.lesions))
                (body_of(&judged.timepoint.lesions))
            }
        }
        details {
            summary { "All of it in words" }
            @for says in &consequence.says { p { (in_words(says)) } }
        }
    }
}

fn response(response: &Response) -> Markup {
    let timepoint = &response.timepoint;
    let partial = if timepoint.complete { "sum of diameters" } else { "sum of the targets measured" };
    let sum = timepoint.sum_mm.filter(|_| timepoint.target.is_some());
    html! {
        div.stats {
            (stat(Some(timepoint.overall.as_str().to_owned()), "overall response"))
            (stat(sum.map(mm), partial))
            (stat(response.change_from_baseline.map(percent), &from("baseline", response.baseline_mm)))
            (stat(response.change_from_nadir.map(percent), &from("nadir", timepoint.nadir_mm)))
        }
        p {
            (chip("Overall", timepoint.overall.as_str())) " "
            @if let Some(target) = timepoint.target { (chip("Target", target.as_str())) " " }
            @if let Some(non_target) = timepoint.non_target { (chip("Non-target", non_target.as_str())) " " }
            @match timepoint.new_lesion {
                NewLesion::None => span.chip { "No new lesion" },
                NewLesion::Equivocal => span.chip.warn { "New lesion: equivocal" },
                NewLesion::Unequivocal => span.chip.bad { "New lesion" },
            }
        }
        p { b { "Why: " } (in_words(&timepoint.reason)) "." }
    }
}

/// Whether it is again oligoprogression.
fn kind(response: &Response) -> Markup {
    let n = response.timepoint.lesions.iter().filter(|point| point.progressing).count();
    html! {
        p {
            @match response.kind {
                Some(Kind::Oligo) => { span.chip.warn { "Oligoprogression" } " " (count(n)) }
                Some(Kind::Poly) => { span.chip.bad { "Not oligoprogression" } " " (count(n)) }
                Some(Kind::Unplaced) => { span.chip.bad { "Progression" } " of the sum: no single lesion progresses." }
                None => { span.chip.good { "No progression" } " No single lesion progresses." }
            }
        }
    }
}

fn count(n: usize) -> String {
    if n == 1 { "1 lesion progresses.".to_owned() } else { format!("{n} lesions progress.") }
}

fn lesion_table(lesions: &[LesionPoint]) -> Markup {
    html! {
        div.wide {
            table.lesions-now {
                caption.visually-hidden { "Each lesion at this assessment" }
                thead { tr { th scope="col" { "Lesion" } th scope="col" { "Place" } th.num scope="col" { "mm" } th.num scope="col" { "own nadir" } th scope="col" { "Judgement" } } }
                tbody {
                    @for point in lesions {
                        tr.flag[point.progressing] {
                            th scope="row" { (point.lesion) " " span.soft { (role(point.role)) } }
                            td { (place_words(point)) }
                            td.num { (point.size_mm.map_or("–".to_owned(), tenth)) }
                            td.num { (point.nadir_mm.map_or("–".to_owned(), tenth)) }
                            td {
                                @if point.progressing { b { "progresses" } ": " (in_words(&point.why)) }
                                @else if let Some(treated) = point.treated { "SABR completed " (parts::time(treated)) }
                                @else { "–" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn place_words(point: &LesionPoint) -> String {
    if point.location.is_empty() { "–".to_owned() } else { point.location.to_lowercase() }
}

fn role(role: LesionRole) -> &'static str {
    match role {
        LesionRole::Target => "target",
        LesionRole::NonTarget => "non-target",
        LesionRole::New => "new",
    }
}

/// What it does to the strategy, why, and what must follow by when.
fn strategy(sheet: &Sheet, effect: &StrategyEffect) -> Markup {
    let (look, word) = match &effect.after {
        Status::NotApplicable => ("chip", "No strategy applies".to_owned()),
        Status::Holding => ("chip good", "The strategy holds".to_owned()),
        Status::Pending { progression } => {
            ("chip warn", format!("Pending on the progression of {}", parts::day(*progression)))
        }
        Status::Failed { on, .. } => ("chip bad", format!("The strategy failed on {}", parts::day(*on))),
    };
    html! {
        h3 { "Strategy of arm " (effect.arm) }
        p { span class=(look) { (word) } @if effect.before == effect.after { " as before" } }
        p { b { "Why: " } (in_words(&effect.why)) "." }
        @if !effect.must.is_empty() {
            ul.musts { @for must in &effect.must { li { (in_words(&must.to_string())) " " (must_link(sheet, must)) } } }
        }
        details { summary { "The strategy in the protocol's words" } p { (effect.statement) } }
    }
}

/// Where what must follow is entered.
fn must_link(sheet: &Sheet, must: &Must) -> Markup {
    let to = match must {
        Must::Decide { progression, .. } => sheet
            .add(Concept::StrategyDecision)
            .map(|to| (format!("{to}?PROGDAT={progression}"), "Record the decision")),
        Must::Treat { .. } => sheet.add(Concept::SabrCourse).map(|to| (to, "Record SABR")),
        Must::ContinueSystemic => None,
    };
    html! { @if let Some((to, word)) = to { a href=(to) { (word) } } }
}

fn stat(value: Option<String>, what: &str) -> Markup {
    html! { div.stat { b { (value.unwrap_or_else(|| "–".to_owned())) } span { (what) } } }
}

fn chip(what: &str, response: &str) -> Markup {
    let look = match response {
        "CR" | "PR" => "chip good",
        "PD" => "chip bad",
        "NE" => "chip warn",
        _ => "chip info",
    };
    html! { span class=(look) { (what) ": " (response) } }
}

fn from(what: &str, mm: Option<f64>) -> String {
    mm.map_or_else(|| format!("from {what}"), |value| format!("from the {what} of {} mm", tenth(value)))
}

/// To a tenth.
fn tenth(value: f64) -> String {
    format!("{}", (value * 10.0).round() / 10.0)
}

fn mm(value: f64) -> String {
    format!("{} mm", tenth(value))
}

fn percent(change: Change) -> String {
    // As on the subject's page: with its sign, and a minus that is no hyphen.
    match change.percent {
        Some(percent) => format!("{} %", signed(percent)),
        None => format!("{} mm", signed(change.mm)),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// What was seen of each lesion before, beside its diameter.
pub(super) fn before(sheet: &Sheet, paper: &Paper<'_>, notes: &mut Notes) {
    let seen = last_readings(sheet, paper);
    for field in paper.all().filter(|field| field.item.id == "DIAMETER" && field.name.starts_with(LESIONS)) {
        let lesion = paper.beside(&field.name, "TULNKID").map_or("", |lesion| lesion.text.trim());
        if let Some((date, says)) = seen.get(lesion) {
            notes.say(&field.name, Weight::Info, format!("{} on {}", says, parts::day(*date)));
        }
    }
}

/// The last reading of each lesion by the same reader before the assessment.
fn last_readings(sheet: &Sheet, paper: &Paper<'_>) -> BTreeMap<String, (Date, String)> {
    let typed = |item: &str| {
        paper.fields.iter().find(|field| field.item.id == item).map_or("", |field| field.text.trim())
    };
    let reader = match typed("TREVAL") {
        "" => sheet.protocol().tumour.reader.as_str(),
        reader => reader,
    };
    let day = trial::form::entry::date(typed("TRDAT")).ok().map(trial::date::PartialDate::first);
    let own = sheet.stands_at();
    let mut seen = BTreeMap::new();
    let earlier = sheet.record().assessments.iter().filter(|assessment| {
        assessment.reader == reader && assessment.event != own && day.is_none_or(|day| assessment.date < day)
    });
    // In order of date: the last stays.
    for assessment in earlier {
        for reading in &assessment.readings {
            seen.insert(reading.lesion.as_str().to_owned(), (assessment.date, finding(reading)));
        }
    }
    seen
}

fn finding(reading: &Reading) -> String {
    let word = match &reading.finding {
        Finding::Measured(size) => return mm(*size),
        Finding::TooSmall => "too small to measure",
        Finding::Present => "present",
        Finding::Absent => "absent",
        Finding::Unequivocal => "unequivocal",
        Finding::Equivocal => "equivocal",
        Finding::Merged => "merged",
        Finding::NotEvaluable(_) => "not evaluated",
    };
    reading.diameter.map_or_else(|| word.to_owned(), |size| format!("{word}, {}", mm(size)))
}
