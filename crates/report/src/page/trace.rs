//! The end of every chain: the subjects by arm and site, and of each its derivations and its source events.
//!
//! Never derives and never abridges a value as entered. The anchors are made in `link`.

use analysis::results::{SourceEvent, Trace};
use jiff::Timestamp;
use maud::{Markup, html};
use trial::id::SubjectId;
use trial::strategy::Course;

use super::{View, behind, file, nothing};
use crate::behind::Of;
use crate::{number, words};

/// A moment to the second, in UTC.
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Who is in which arm.
pub fn subjects(view: &View<'_>) -> Markup {
    let results = view.results;
    let of_arm = |place: usize| {
        let lanes = results.swimmer.iter().filter(move |lane| words::arm_index(results, &lane.arm) == place);
        lanes.map(|lane| &lane.subject).collect::<Vec<_>>()
    };
    let traced = || {
        results
            .traces
            .iter()
            .filter(|trace| trace.arm.is_none())
            .map(|trace| &trace.subject)
            .collect::<Vec<_>>()
    };
    html! {
        table.plain {
            caption { "Subjects by arm" }
            thead { tr { th scope="col" { "Arm" } th.num scope="col" { "Randomised" } th scope="col" { "Subjects" } } }
            tbody {
                @for (i, arm) in results.arms.iter().enumerate() {
                    tr id=(format!("arm-{i}")) { th scope="row" { (words::arm_name(arm)) } td.num { (behind(view, Of::Allocated, Some(i), None, &number::count(arm.randomised))) }
                        td { (named(view, &of_arm(i))) } }
                }
                tr id="arm-none" { th scope="row" { "Not randomised" } td.num { "–" } td { (named(view, &traced())) } }
            }
        }
        @if results.traces.is_empty() {
            (nothing("This report carries no traces; the tables above say which events a number rests on."))
            @for line in &results.left_out { p.note { (line) } }
        }
    }
}

fn named(view: &View<'_>, subjects: &[&SubjectId]) -> Markup {
    let shown = subjects.len().min(400);
    html! {
        @if subjects.is_empty() { "none listed" }
        @for (i, subject) in subjects[..shown].iter().enumerate() { @if i > 0 { ", " } (view.links.subject_markup(subject)) }
        @if shown < subjects.len() { " and " (number::count(subjects.len() - shown)) " more" }
    }
}

/// Each subject's trace.
pub fn traces(view: &View<'_>) -> Markup {
    let (all, shown) = (view.results.traces.len(), view.links.traced.len());
    html! {
        p.screen { "Each subject: the endpoints it contributes to, its responses, the course of its strategy, and the events that these
            rest on, with every value as it was entered." }
        @if shown < all {
            p.note { "The page carries the traces of " (number::count(shown)) " of " (number::count(all)) " subjects: those that a table of this
                report names, and others evenly spaced. All are in " code { "rs.csv" } ", " code { "strategy.csv" } " and " code { "sources.csv" } "." }
        }
        p.print-only { "The traces of " (number::count(shown)) " subjects are in the electronic file and in " code { "rs.csv" } ", " code { "strategy.csv" }
            " and " code { "sources.csv" } "." }
        div.traces { @for i in &view.links.traced {
            @if let Some(found) = view.results.traces.get(*i) { (trace(view, *i, found)) }
        } }
        (file("rs.csv, strategy.csv, sources.csv"))
    }
}

fn trace(view: &View<'_>, index: usize, trace: &Trace) -> Markup {
    html! {
        details.trace {
            summary {
                strong { (trace.subject) }
                @match &trace.arm { Some(arm) => { " · arm " (arm) }, None => " · not randomised" }
                " · site " (trace.site)
                @if let Some(day) = trace.randomised { " · randomised " (day) }
                @if !trace.who.is_empty() { " · " (trace.who) }
                @if !trace.verdicts.is_empty() { " · strategy: "
                    @for (i, verdict) in trace.verdicts.iter().enumerate() { @if i > 0 { ", " } (words::verdict(*verdict)) } }
            }
            // Inside, so that a browser opens the details by itself.
            div.in id=(format!("s{index}")) {
            (endpoints(view, index, trace))
            @for judged in &trace.unproven {
                p { strong { "Criterion " (judged.id) } ", " (words::judgement(&judged.judgement)) ": " (judged.text)
                    @if !judged.events.is_empty() { " [" (view.links.events_markup(&judged.events)) "]" } }
            }
            (responses(view, trace))
            @if let Some(course) = &trace.strategy { (strategy(view, course)) }
            (sources(trace))
            }
        }
    }
}

fn endpoints(view: &View<'_>, index: usize, trace: &Trace) -> Markup {
    let found = || {
        let analyses = view.results.analyses.iter().enumerate();
        // The rows of an analysis are in the order of subjects or not; a page has few enough to look at each.
        analyses
            .filter_map(|(i, a)| Some((i, a, a.subjects.iter().find(|row| row.subject == trace.subject)?)))
    };
    html! {
        @if found().next().is_some() {
            p { strong { "Endpoints: " }
                @for (n, (i, analysis, row)) in found().enumerate() {
                    @if n > 0 { "; " }
                    a href=(format!("#c{i}s{index}")) { (analysis.id) } " " (row.days) " days, " (words::outcome(&row.time.outcome))
                } "." }
        }
    }
}

fn responses(view: &View<'_>, trace: &Trace) -> Markup {
    html! {
        @if trace.responses.is_empty() { p.empty { "No tumour assessment after baseline." } } @else {
            table.small {
                caption { "Responses" }
                thead { tr { th scope="col" { "Day" } th scope="col" { "Visit" } th scope="col" { "Overall" } th.num scope="col" { "Sum, mm" } th scope="col" { "Why" } th scope="col" { "Event" } } }
                tbody { @for (day, visit, overall, sum, why, event) in &trace.responses {
                    tr { td.date { (day) } td { (visit) } td { (overall) }
                        td.num { @match sum { Some(sum) => (number::short(*sum, 1)), None => "–" } } td { (why) }
                        td.events { (view.links.events_markup(&[*event])) } }
                } }
            }
        }
    }
}

fn strategy(view: &View<'_>, course: &Course) -> Markup {
    html! {
        p { strong { "Strategy: " } (words::status(&course.status)) @if !course.why.is_empty() { "; " (course.why) }
            @if !course.events.is_empty() { " [" (view.links.events_markup(&course.events)) "]" } "." }
        @if !course.episodes.is_empty() {
            table.small {
                caption { "Progressions and what became of each" }
                thead { tr { th scope="col" { "Day" } th scope="col" { "Kind" } th scope="col" { "Lesions" } th scope="col" { "Verdict" } th scope="col" { "Why" } th scope="col" { "Events" } } }
                tbody { @for episode in &course.episodes {
                    @let progression = &episode.progression;
                    tr { td.date { (progression.date) } td { (words::progression(progression.kind, progression.known)) }
                        td { @for (i, lesion) in progression.lesions.iter().enumerate() { @if i > 0 { ", " } (lesion) } }
                        td { strong { (words::verdict(episode.verdict)) } } td { (episode.why) @if !progression.reason.is_empty() { " (" (progression.reason) ")" } }
                        td.events { (view.links.events_markup(&episode.events)) } }
                } }
            }
        }
    }
}

fn sources(trace: &Trace) -> Markup {
    html! {
        @if trace.sources.is_empty() { p.empty { "No event was read for this subject." } }
        div.sources { @for source in &trace.sources { (event(source)) } }
    }
}

fn event(source: &SourceEvent) -> Markup {
    html! {
        p id=(format!("e{}", source.seq)) { b { (source.seq) } " " i { (source.place) }
            @if let Some(recorded) = source.recorded { " " small { (moment(recorded)) } } br;
            @for (i, (item, value)) in source.values.iter().enumerate() { @if i > 0 { " " } u { (item) } " " (value) }
        }
    }
}
