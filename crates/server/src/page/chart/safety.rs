//! Adverse events, quality of life and performance status.
//!
//! Never grades, scores or relates; `trial::{safety, factb}` do.

use jiff::civil::Date;
use maud::{Markup, html};
use trial::event::Seq;
use trial::factb::{Scores, score};
use trial::protocol::Concept;
use trial::record::AdverseEvent;
use trial::safety::{expedited, filed_under, related_to};

use super::figure_factb;
use super::story::add;
use super::view::{View, lower, tenth};
use crate::page::parts::{self, partial};

/// Adverse events, the latest first.
pub(super) fn card(view: &View<'_>) -> Markup {
    let mut events: Vec<&AdverseEvent> = view.record.adverse_events.iter().collect();
    events.sort_by_key(|event| {
        std::cmp::Reverse((event.start.map(trial::date::PartialDate::first), event.event))
    });
    html! {
        section.card aria-labelledby="safety" {
            h2 #safety { "Adverse events" }
            @if events.is_empty() { p.soft { "No adverse event recorded." } }
            @else {
                div.wide {
                    table {
                        caption.visually-hidden { "Adverse events" }
                        thead {
                            tr {
                                th scope="col" { "Term" } th scope="col" { "System organ class" }
                                th scope="col" { "Grade" } th scope="col" { "Relation" } th scope="col" { "Serious" }
                                th scope="col" { "From" } th scope="col" { "To" }
                            }
                        }
                        tbody { @for event in events { (row(view, event)) } }
                    }
                }
            }
            (add(view, Concept::AdverseEvent, "Add an adverse event"))
        }
    }
}

fn row(view: &View<'_>, event: &AdverseEvent) -> Markup {
    let (class, term) = filed_under(event);
    html! {
        tr {
            th scope="row" { a href=(view.leads(event.event)) { (term) } }
            td { (class) }
            td { (grade(event)) }
            td { (relation(view, event)) }
            td {
                @if event.serious { span class="chip bad" { "serious" } } @else { "no" }
                @if expedited(&view.protocol.safety, event) { br; span.small { "expedited report" } }
            }
            td.nb { @match event.start { Some(start) => (partial(start)), None => span.soft { "not said" } } }
            td.nb { @match event.end { Some(end) => (partial(end)), None => span class="chip info" { "goes on" } } }
        }
    }
}

fn grade(event: &AdverseEvent) -> Markup {
    html! {
        @match event.grade {
            Some(grade) => {
                span class={ "grade-chip g" (grade) } { (grade) }
                @if event.from_severity { " " span.soft.small { "from severity" } }
            },
            None => span.soft { "not said" },
        }
    }
}

/// Each treatment with its attribution; what counts as related stands out.
fn relation(view: &View<'_>, event: &AdverseEvent) -> Markup {
    let safety = &view.protocol.safety;
    let related = related_to(safety, event);
    html! {
        @for (item, code) in &event.attribution {
            @let to = safety.attributed_to.get(item).map_or(item.as_str(), String::as_str);
            div.small {
                (to) ": "
                @if related.contains(&item.as_str()) { b { (lower(code)) } } @else { (lower(code)) }
            }
        }
        @if event.attribution.is_empty() { span.soft { "not said" } }
    }
}

/// FACT-B over time, as a figure and in numbers.
pub(super) fn quality(view: &View<'_>) -> Markup {
    let scored: Vec<(Date, Seq, Scores)> = view
        .record
        .factb
        .iter()
        .map(|answers| (answers.date, answers.event, score(&answers.answers)))
        .collect();
    html! {
        section.card aria-labelledby="quality" {
            h2 #quality { "Quality of life (FACT-B)" }
            @if scored.is_empty() { p.soft { "No questionnaire answered." } }
            @else {
                (figure_factb::total(view, &scored))
                (scores(view, &scored))
            }
        }
    }
}

type Column = (&'static str, fn(&Scores) -> Option<f64>);

const COLUMNS: [Column; 7] = [
    ("PWB", |scores| scores.pwb),
    ("SWB", |scores| scores.swb),
    ("EWB", |scores| scores.ewb),
    ("FWB", |scores| scores.fwb),
    ("BCS", |scores| scores.bcs),
    ("TOI", |scores| scores.toi),
    ("Total", |scores| scores.total),
];

fn scores(view: &View<'_>, scored: &[(Date, Seq, Scores)]) -> Markup {
    html! {
        div.wide {
            table {
                caption.visually-hidden { "FACT-B scores" }
                thead { tr { th scope="col" { "Answered" } @for (name, _) in COLUMNS { th.num scope="col" { (name) } } } }
                tbody {
                    @for (date, event, scores) in scored {
                        tr {
                            th scope="row" { a href=(view.leads(*event)) { (parts::day(*date)) } }
                            @for (_, of) in COLUMNS {
                                td.num { @match of(scores) { Some(score) => (tenth(score)), None => "\u{2013}" } }
                            }
                        }
                    }
                }
            }
        }
        p.small.soft {
            "Higher is better. Total 0 to " (tenth(figure_factb::TOTAL)) "; a dash: too few items answered."
        }
    }
}

/// ECOG performance status.
pub(super) fn performance(view: &View<'_>) -> Markup {
    html! {
        section.card aria-labelledby="performance" {
            h2 #performance { "ECOG performance status" }
            @if view.record.ecog.is_empty() { p.soft { "Not recorded." } }
            @else {
                table {
                    caption.visually-hidden { "ECOG performance status" }
                    thead { tr { th scope="col" { "Date" } th.num scope="col" { "ECOG" } } }
                    tbody {
                        @for fact in &view.record.ecog {
                            tr {
                                th scope="row" { a href=(view.leads(fact.event)) { (view.dated(fact.value.0)) } }
                                td.num { (fact.value.1) }
                            }
                        }
                    }
                }
            }
        }
    }
}
