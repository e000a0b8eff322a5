//! The endpoints of a subject as they stand: event or censored, on which day, why, and the events that rests on.
//!
//! Never decides one; `trial::endpoint` does, by the rules of each endpoint's main analysis.

use maud::{Markup, html};
use trial::endpoint::{Outcome, TimeToEvent, effective_rules, time_to};
use trial::protocol::{AnalysisRole, Endpoint, EndpointRole, EndpointRules, EventCause};

use super::opening::sentence;
use super::story::behind;
use super::view::View;

/// The section of endpoints; nothing before randomisation.
pub(super) fn card(view: &View<'_>) -> Markup {
    if view.record.randomised.is_none() {
        return html! {};
    }
    html! {
        section.card aria-labelledby="endpoints" {
            h2 #endpoints { "Endpoints as they stand" }
            div.grid { @for endpoint in &view.protocol.endpoints { (one(view, endpoint)) } }
            p.small.soft {
                "By the rules of each endpoint's main analysis, on what is recorded so far. A day counts the origin as day 1."
            }
        }
    }
}

fn one(view: &View<'_>, endpoint: &Endpoint) -> Markup {
    let main = view
        .protocol
        .analyses
        .iter()
        .find(|analysis| analysis.endpoint == endpoint.id && analysis.role == AnalysisRole::Main);
    let switched = main.map_or_else(EndpointRules::default, |analysis| analysis.rules.clone());
    let rules = effective_rules(endpoint, &switched);
    let time = time_to(view.protocol, endpoint, &rules, view.record, &view.derived);
    html! {
        div.endpoint {
            h3 {
                (endpoint.id) " " span.soft { (endpoint.label) }
                @if endpoint.role == EndpointRole::Primary { " " span.chip { "primary" } }
            }
            @match &time {
                None => p.soft { "Not begun: its origin has not come." },
                Some(time) => (stands(view, time)),
            }
            details {
                summary { "Definition, rule and events" }
                p.small { (endpoint.definition) }
                @if let Some(time) = &time {
                    p.small { "Rule: " code { (time.rule) } }
                    (behind(view, &time.events))
                }
            }
        }
    }
}

fn stands(view: &View<'_>, time: &TimeToEvent) -> Markup {
    let (look, word) = match &time.outcome {
        Outcome::Event { cause, .. } => ("chip bad", format!("event: {}", cause_words(*cause))),
        Outcome::Censored { because, .. } => ("chip info", format!("censored: {}", because.words())),
    };
    html! {
        p {
            b { "Day " (time.days()) } " " span.soft { "(" (format!("{:.1}", time.months())) " months, " (super::figure::on(time.on())) ")" }
            " " span class=(look) { (word) }
        }
        p.small {
            (sentence(&time.why))
            @if time.imputed.is_some() { " The day was imputed from a partial date." }
            @if Some(time.origin) != view.start() { " Counted from " (super::figure::on(time.origin)) "." }
        }
    }
}

fn cause_words(cause: EventCause) -> &'static str {
    match cause {
        EventCause::StrategyFailure => "strategy failure",
        EventCause::Progression => "progression",
        EventCause::NextLineProgression => "progression on the next line",
        EventCause::Death => "death",
    }
}
