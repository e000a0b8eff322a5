//! The page: one self-contained HTML file that reads without a script and prints on A4.
//!
//! Never computes; each section shows one part of `Results` and leads to what is behind its numbers. The anchors:
//! `#aN` an analysis, `#cN` its contributions, `#wN` who is behind a number, `#sN` a subject's trace, `#eN` an event.

mod checklist;
mod committee;
mod conduct;
mod design;
mod endpoints;
mod further;
mod lists;
mod opening;
mod patterns;
mod quality;
mod safety;
mod trace;
mod tumour;

use std::collections::HashSet;

pub use conduct::owner;

use analysis::results::Results;
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use self::trace::moment;
use crate::Part;
use crate::behind::Of;
use crate::figure::{self, Figure};
use crate::link::Links;
use crate::{number, words};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// SHA-256 of `script.js`: the page's policy lets no other script run, whatever its data hold. A test recomputes it.
const SCRIPT_SHA256: &str = "zfFSJGyuA8Ml30Z6HJGS/EANnfu3x1unDtMXjdYeqlw=";

/// A list longer than this is cut, with a word on where the rest is.
const MOST_ROWS: usize = 1_000;

/// All that a section reads.
pub struct View<'a> {
    results: &'a Results,
    links: Links<'a>,
    figures: Vec<Figure>,
}

impl View<'_> {
    fn figure(&self, name: &str) -> Markup {
        html! { @for figure in self.figures.iter().filter(|f| f.name == name && f.analysis.is_none()) { (figure.markup()) } }
    }

    fn curves(&self, analysis: usize) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.analysis == Some(analysis))
    }
}

/// A number that leads to the list of who is behind it; as it stands where nobody is, or no list is kept.
fn behind(view: &View<'_>, of: Of, group: Option<usize>, part: Option<usize>, text: &str) -> Markup {
    let anchor = view.links.lists().anchor(of, group, part);
    html! { @match anchor { Some(anchor) => (traced(&anchor, text)), None => (text) } }
}

/// Which arm is which, where a table goes by their short names; nothing where those are the names.
fn legend(view: &View<'_>) -> Markup {
    let arms = &view.results.arms;
    let named = arms.iter().any(|arm| arm.label != arm.id.as_str() && !arm.label.is_empty());
    html! {
        @if named {
            @for (i, arm) in arms.iter().enumerate() { (if i == 0 { " " } else { "; " }) (words::arm_name(arm)) } "."
        }
    }
}

/// Rules in one sentence, without its last full stop.
fn joined(rules: &[String]) -> String {
    rules.iter().map(|rule| rule.trim_end_matches('.')).collect::<Vec<_>>().join("; ")
}

/// A number that leads to `anchor`.
fn traced(anchor: &str, text: &str) -> Markup {
    html! { a.n href=(format!("#{anchor}")) { (text) } }
}

/// A section of the page: anchor, heading and what it holds.
struct Section {
    id: &'static str,
    title: String,
    body: Markup,
}

/// The page of `results`.
pub fn page(results: &Results) -> Markup {
    let view = view(results);
    let sections = sections(&view);
    laid_out(&view, &sections, &opening::opening(&view))
}

/// The page of a safety committee: its closed part where the arms stand apart in `results`, its open part where they do not.
pub fn for_committee(results: &Results, part: Part) -> Markup {
    let view = view(results);
    let sections = committee_sections(&view, part);
    laid_out(&view, &sections, &committee::opening(&view, part))
}

/// `html` without the `href` of every link to an anchor it does not hold: a page of some sections keeps their numbers, and
/// those that lead to a section left out lead nowhere.
pub fn only_living_links(html: &str) -> String {
    let ids: HashSet<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut parts = html.split(" href=\"#");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('"') {
            Some((anchor, rest)) if !ids.contains(anchor) => out.push_str(rest),
            _ => {
                out.push_str(" href=\"#");
                out.push_str(part);
            }
        }
    }
    out
}

fn view(results: &Results) -> View<'_> {
    let links = Links::new(results);
    let figures = figure::all(results, &links);
    View { results, links, figures }
}

fn laid_out(view: &View<'_>, sections: &[Section], opening: &Markup) -> Markup {
    let results = view.results;
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(results))
            body {
                a.skip href="#content" { "Skip to the report" }
                @if results.about.simulated {
                    div.simulated role="note" { "SIMULATED DATA: virtual patients, no real person" }
                }
                div.frame {
                    (contents(sections))
                    main id="content" {
                        (opening)
                        @for (i, section) in sections.iter().enumerate() {
                            section id=(section.id) aria-labelledby=(format!("h-{}", section.id)) {
                                h2 id=(format!("h-{}", section.id)) { span.no { (i + 1) } " " (section.title) }
                                (section.body)
                            }
                        }
                    }
                }
                (lists::lists(view))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

fn sections(view: &View<'_>) -> Vec<Section> {
    let section = |id, title: &str, body| Section { id, title: title.into(), body };
    let mut sections = vec![
        section("about", "Trial and data cut", design::about(view)),
        section("flow", "Flow of subjects (CONSORT)", design::flow(view)),
        section("recruitment", "Recruitment", design::recruitment(view)),
        section("baseline", "Baseline by arm", design::baseline(view)),
        section("primary", "Primary endpoint", endpoints::primary(view)),
        section("endpoints", "Other endpoints", endpoints::others(view)),
        section("responses", "Tumour response", tumour::responses(view)),
        section("swimmer", "Course of each subject", tumour::swimmer(view)),
        section("patterns", "Patterns of progression and SABR again", patterns::patterns(view)),
        section("sabr", "SABR", tumour::sabr(view)),
        section("safety", "Safety", safety::safety(view)),
        section("quality", "Quality of life", quality::quality(view)),
        section("deviations", "Protocol deviations", conduct::deviations(view)),
        section("pending", "Pending strategy decisions", conduct::pending(view)),
        section("faults", "Faults in the record", conduct::faults(view)),
        section("assumed", "What was assumed, and what the design rests on", conduct::assumed(view)),
        section("methods", "How this report was made", conduct::methods(view)),
        section("checklist", "CONSORT checklist", checklist::checklist(view)),
        section("subjects", "Subjects", trace::subjects(view)),
    ];
    if !view.results.traces.is_empty() {
        sections.push(section("traces", "Traces: from a number to its events", trace::traces(view)));
    }
    sections
}

/// What a committee reads: no estimate of an effect, which is for its statistician to ask for.
fn committee_sections(view: &View<'_>, part: Part) -> Vec<Section> {
    let section = |id, title: &str, body| Section { id, title: title.into(), body };
    let mut sections = vec![
        section("about", "Trial and data cut", design::about(view)),
        section("recruitment", "Recruitment", design::recruitment(view)),
        section("completeness", "Completeness of the data", committee::completeness(view)),
        section("flow", "Disposition of subjects", design::flow(view)),
        section("baseline", "Baseline", design::baseline(view)),
        section("sabr", "Exposure: SABR", tumour::sabr(view)),
        section("patterns", "Exposure: SABR again, and the strategy over time", patterns::exposure(view)),
        section("safety", "Adverse events", safety::safety(view)),
        section("deaths", "Deaths", committee::deaths(view)),
        section("shifts", "Shifts of performance status and laboratory values", committee::shifts(view)),
    ];
    if part == Part::Closed {
        sections.push(section("narratives", "Serious events, one by one", committee::narratives(view)));
        sections.push(section("deviations", "Protocol deviations", conduct::deviations(view)));
        sections.push(section("subjects", "Subjects", trace::subjects(view)));
        if !view.results.traces.is_empty() {
            sections.push(section("traces", "Traces: from a number to its events", trace::traces(view)));
        }
    }
    sections
}

/// What the page may load: its own style, its one script, nothing from anywhere.
pub fn policy() -> String {
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{SCRIPT_SHA256}'; base-uri 'none'; form-action 'none'"
    )
}

fn head(results: &Results) -> Markup {
    let about = &results.about;
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy());
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="generator" content=(concat!("Trialwright ", env!("CARGO_PKG_VERSION")));
            title { (about.trial) ": report" @if let Some(cut) = about.cut { ", data cut " (cut) } }
            style { (PreEscaped(STYLE)) (PreEscaped(figure::STYLE)) (PreEscaped(running_head(results))) }
        }
    }
}

/// What stands on top of every printed page. A style sheet is no place for a text from outside: letters and digits only.
fn running_head(results: &Results) -> String {
    let trial: String = results
        .about
        .trial
        .chars()
        .take(60)
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '.'))
        .collect();
    let simulated = if results.about.simulated { "SIMULATED DATA" } else { "" };
    format!("@page{{@top-left{{content:\"{trial}\"}}@top-right{{content:\"{simulated}\"}}}}")
}

fn contents(sections: &[Section]) -> Markup {
    html! {
        nav.toc aria-label="Contents" {
            p.head { "Contents" }
            ol { @for section in sections { li { a href=(format!("#{}", section.id)) { (section.title) } } } }
        }
    }
}

/// What stands where there is nothing to show: what is missing, and why.
fn nothing(why: &str) -> Markup {
    html! { p.empty { (why) } }
}

/// The file that holds a table.
fn file(name: &str) -> Markup {
    html! { p.csv { "Also as " code { (name) } "." } }
}

/// What of a list is not shown; nothing where all of it is.
fn cut(shown: usize, all: usize, file: &str) -> Markup {
    html! {
        @if shown < all {
            p.note { (number::count(shown)) " of " (number::count(all)) " rows are shown; all are in " code { (file) } "." }
        }
    }
}
