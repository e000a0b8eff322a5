//! ADTTE: times to events, one parameter for each endpoint under each set of rules (`ADaM` Basic Data Structure for Time-to-Event
//! Analyses 1.0).

use analysis::Plan;
use trial::endpoint::{Outcome, TimeToEvent};
use trial::protocol::{AnalysisRole, Endpoint, EndpointRules, EventCause};

use super::source::{Sources, from};
use super::{begin, dated, flag, why};
use crate::sdtm_out::Subject;
use crate::submission::line::{Line, short};

/// A parameter of ADTTE. Analyses that differ in the statistics alone share one.
pub(crate) struct Parameter<'h> {
    /// `PARAMCD`: the endpoint, or the endpoint and the number of its sensitivity rules.
    pub code: String,
    /// `PARAM`.
    pub label: String,
    /// Of a main analysis.
    pub main: bool,
    pub endpoint: &'h Endpoint,
    rules: EndpointRules,
    /// The rules in words, as the report says them.
    pub words: Vec<String>,
    /// The ids of the analyses.
    pub analyses: Vec<&'h str>,
    /// The place of the first in `Values::times`.
    place: usize,
}

/// The parameters of a protocol, in the order of its analyses.
pub(crate) fn parameters<'h>(plan: &Plan<'h>) -> Vec<Parameter<'h>> {
    let mut parameters: Vec<Parameter<'h>> = Vec::new();
    for (place, planned) in plan.analyses().enumerate() {
        let same = parameters
            .iter_mut()
            .find(|known| known.endpoint.id == planned.endpoint.id && known.rules == planned.rules);
        if let Some(known) = same {
            known.analyses.push(&planned.analysis.id);
            continue;
        }
        let main = planned.analysis.role == AnalysisRole::Main;
        let taken = |code: &str| parameters.iter().any(|known| known.code == code);
        let stem: String = planned.endpoint.id.chars().filter(char::is_ascii_alphanumeric).collect();
        let stem = stem.to_uppercase();
        let first: String = stem.chars().take(8).collect();
        let code = if main && !taken(&first) {
            first
        } else {
            let numbered = |n: usize| {
                let tail = format!("S{n}");
                let head: String = stem.chars().take(8 - tail.len()).collect();
                head + &tail
            };
            (1..100).map(numbered).find(|code| !taken(code)).unwrap_or_default()
        };
        parameters.push(Parameter {
            code,
            label: if main { planned.endpoint.label.clone() } else { planned.analysis.label.clone() },
            main,
            endpoint: planned.endpoint,
            rules: planned.rules,
            words: planned.words,
            analyses: vec![&planned.analysis.id],
            place,
        });
    }
    parameters
}

/// ADTTE of one subject.
pub(super) fn adtte<'s>(subject: &Subject<'_, 's>, sources: &Sources<'_, 's>, lines: &mut Vec<Line<'s>>) {
    for (parameter, number) in subject.study.parameters.iter().zip(1_u32..) {
        if let Some(Some(time)) = subject.values.times.get(parameter.place) {
            lines.push(line(subject, sources, parameter, number, time));
        }
    }
}

fn line<'s>(
    subject: &Subject<'_, 's>,
    sources: &Sources<'_, 's>,
    parameter: &'s Parameter<'_>,
    number: u32,
    time: &TimeToEvent,
) -> Line<'s> {
    let randomised = subject.record.randomised.as_ref().map(|fact| fact.event);
    let (description, censored) = match &time.outcome {
        Outcome::Event { cause, .. } => (event_words(*cause), None),
        Outcome::Censored { because, .. } => ("CENSORED", Some(because.words())),
    };
    let line = begin(subject, "ADTTE", None)
        .text("STRATAR", super::subject_level::strata(subject))
        .text("PARAMCD", parameter.code.as_str())
        .text("PARAM", short(&parameter.label, 200))
        .number("PARAMN", number)
        .text("PARCAT1", if parameter.main { "MAIN" } else { "SENSITIVITY" })
        .day("STARTDT", Some(time.origin));
    let line = dated(subject, line, time.on())
        .maybe_text("ADTF", flag(time.imputed))
        .number("AVAL", time.days() as f64)
        .text("AVALU", "DAYS")
        .number("CNSR", if time.is_event() { 0.0 } else { 1.0 })
        .text("EVNTDESC", description)
        .maybe_text("CNSDTDSC", censored.map(str::to_uppercase))
        .text("RULE", short(&time.rule, 200).into_owned())
        .text("ANALYSES", short(&parameter.analyses.join(" "), 200).into_owned());
    // Censored at its origin, with no event behind it: the origin's own record.
    let none: Vec<u64> = randomised.into_iter().collect();
    let behind = if time.events.is_empty() { &none } else { &time.events };
    let source = sources.of_day(behind, time.on());
    let line = from(line, source.map(|(line, _)| line), source.map_or("", |(_, variable)| variable));
    why(line, &time.why).rests_on(behind)
}

/// `EVNTDESC` of an event.
fn event_words(cause: EventCause) -> &'static str {
    match cause {
        EventCause::StrategyFailure => "FAILURE OF THE TREATMENT STRATEGY",
        EventCause::Progression => "PROGRESSION",
        EventCause::NextLineProgression => "PROGRESSION ON THE NEXT LINE",
        EventCause::Death => "DEATH",
    }
}
