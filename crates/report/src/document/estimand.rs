//! The estimands of ICH E9(R1), one an endpoint, read from the endpoint's own rules of event and censoring.
//!
//! Never claims a strategy that the derivation does not follow. What follows from what: an event that is a component of the variable is the composite
//! strategy, one that is ignored is treatment policy, one at which a time is censored as if it would not happen is hypothetical, one after which
//! nothing is looked at is while on treatment (ICH E9(R1), A.3.2; for times to events Rufibach, Pharm Stat 2019;18:145-165).

use analysis::in_words::{self, Planned};
use maud::{Markup, html};
use trial::protocol::{
    AfterLast, Arm, CensorAt, DeathScore, Endpoint, EndpointRole, EndpointRules, EventCause, Origin,
    OtherTherapy, Pending, Protocol, QualityOfLife, Salvage,
};

use super::{arm_name, coded, mark};
use crate::{number, words};

/// How an intercurrent event is handled.
pub struct Handled {
    /// What happens.
    pub event: String,
    /// The strategy by its name in ICH E9(R1).
    pub strategy: &'static str,
    /// Why: the rule it follows from.
    pub because: String,
}

const POLICY: &str = "Treatment policy";
const HYPOTHETICAL: &str = "Hypothetical";
const COMPOSITE: &str = "Composite variable";
const WHILE: &str = "While on treatment (while alive)";
const PART: &str = "None: part of the treatment";
const AFTER: &str = "None: it comes after the event";
const DEFINED: &str = "None: part of the variable";

/// The intercurrent events of `endpoint` under `rules`, those of its main analysis.
pub fn intercurrent(protocol: &Protocol, endpoint: &Endpoint, rules: &EndpointRules) -> Vec<Handled> {
    let mut all = vec![death(endpoint)];
    all.extend(progression(protocol, endpoint, rules));
    all.extend(systemic(protocol, endpoint, rules));
    all.extend(local(protocol, endpoint, rules));
    all.push(Handled {
        event: "Toxicity: the therapy is paused, reduced or switched for it".into(),
        strategy: POLICY,
        because: "A switch for toxicity ends no time, fails no strategy and is no next line of therapy; the time goes on.".into(),
    });
    all
}

fn death(endpoint: &Endpoint) -> Handled {
    let event = "Death of any cause".to_owned();
    if endpoint.events == [EventCause::Death] {
        return Handled { event, strategy: DEFINED, because: "Death is what the time runs to.".into() };
    }
    if endpoint.events.contains(&EventCause::Death) {
        return Handled {
            event,
            strategy: COMPOSITE,
            because: "Death is one of the endpoint's events and ends the time as the others do.".into(),
        };
    }
    Handled {
        event,
        strategy: WHILE,
        because: "Death is none of the endpoint's events: the time is censored at the last day before it that the endpoint looks at. That is the while-alive \
                  reading of the hazard; the Kaplan-Meier curve reads it as if nobody died (hypothetical)."
            .into(),
    }
}

fn with_salvage(protocol: &Protocol) -> Vec<&Arm> {
    let salvages = |arm: &&Arm| arm.strategy.as_ref().is_some_and(|rule| rule.salvage != Salvage::None);
    protocol.arms.iter().filter(salvages).collect()
}

fn named(arms: &[&Arm]) -> String {
    let names: Vec<String> = arms.iter().map(|arm| arm.id.to_string()).collect();
    format!("{} {}", if names.len() == 1 { "arm" } else { "arms" }, super::listed(&names))
}

/// Progressions before the event.
fn progression(protocol: &Protocol, endpoint: &Endpoint, rules: &EndpointRules) -> Vec<Handled> {
    let mut all = Vec::new();
    let failure = endpoint.events.contains(&EventCause::StrategyFailure);
    let salvage = with_salvage(protocol);
    if failure && !salvage.is_empty() {
        all.push(Handled {
            event: format!("A progression that the strategy of {} holds through", named(&salvage)),
            strategy: PART,
            because: "Local treatment of a further progression is what the arm's strategy consists of; the time goes on until the strategy fails.".into(),
        });
    }
    if failure || endpoint.origin == Origin::StrategyFailure {
        all.push(pending(endpoint, rules));
    }
    if !failure
        && !endpoint.events.contains(&EventCause::Progression)
        && endpoint.events != [EventCause::Death]
    {
        all.push(Handled {
            event: "A progression before the next line of therapy".into(),
            strategy: DEFINED,
            because: "The variable is the progression on the next line; what led to that line does not end the time.".into(),
        });
    }
    if endpoint.events == [EventCause::Death] {
        all.push(Handled {
            event: "Progression, and the failure of a strategy".into(),
            strategy: POLICY,
            because: "Neither is an event of the endpoint nor a reason to censor; the time goes on to death or to when last known alive.".into(),
        });
    }
    all
}

fn pending(endpoint: &Endpoint, rules: &EndpointRules) -> Handled {
    let event =
        "A progression whose strategy decision is not recorded (missing, not intercurrent)".to_owned();
    let opens = endpoint.origin == Origin::StrategyFailure;
    let rule = match rules.pending {
        Some(Pending::Event) => "`pending = \"event\"`",
        Some(Pending::Censor) => "`pending = \"censor\"`",
        None => "The file names no rule `pending`",
    };
    let what = match (rules.pending, opens) {
        (Some(Pending::Censor), true) => "who waits for the decision is not in the endpoint",
        (_, true) => "it counts as failure on the day of the progression, from which this time then runs",
        (Some(Pending::Censor), false) => "the time is censored on the day of the progression",
        (_, false) => "it counts as failure on the day of the progression",
    };
    Handled { event, strategy: "None: a rule for missing data", because: format!("{rule}: {what}.") }
}

/// Systemic therapy other than the arm's, before the event.
fn systemic(protocol: &Protocol, endpoint: &Endpoint, rules: &EndpointRules) -> Vec<Handled> {
    let mut all = Vec::new();
    let fails: Vec<&Arm> = protocol
        .arms
        .iter()
        .filter(|arm| arm.strategy.as_ref().is_some_and(|rule| rule.fails_on_systemic_change))
        .collect();
    if endpoint.events.contains(&EventCause::StrategyFailure) && !fails.is_empty() {
        all.push(Handled {
            event: format!("A change of systemic therapy for progression, in {}", named(&fails)),
            strategy: COMPOSITE,
            because: "It fails the strategy by the arm's rule (`fails_on_systemic_change`), and failure is an event of the endpoint.".into(),
        });
    }
    if endpoint.events.contains(&EventCause::NextLineProgression)
        && rules.other_therapy != Some(OtherTherapy::Hypothetical)
    {
        all.push(Handled {
            event: "The start of the next line of systemic therapy".into(),
            strategy: DEFINED,
            because: "The variable is progression on that line.".into(),
        });
        return all;
    }
    let what = if all.is_empty() {
        "Start of other systemic anti-cancer therapy before the event"
    } else {
        "Any other start of systemic anti-cancer therapy before the event"
    };
    all.push(by_rule(
        what.into(),
        "other_therapy",
        rules.other_therapy,
        "the time goes on whatever is given",
    ));
    all
}

/// SABR against the strategy of the arm, and SABR that the file leaves open.
fn local(protocol: &Protocol, endpoint: &Endpoint, rules: &EndpointRules) -> Vec<Handled> {
    let mut all = Vec::new();
    // As the derivation has it: an arm without any strategy rule has no salvage either, but SABR in it deviates from nothing unless
    // the file says so.
    let deviates = |arm: &&Arm| match &arm.strategy {
        Some(rule) => rule.salvage == Salvage::None,
        None => rules.deviation_sabr.is_some(),
    };
    let without: Vec<&Arm> = protocol.arms.iter().filter(deviates).collect();
    if !without.is_empty() {
        let event = format!("SABR in {}, whose strategy has none (a protocol deviation)", named(&without));
        all.push(by_rule(
            event,
            "deviation_sabr",
            rules.deviation_sabr,
            "the time goes on whatever was irradiated",
        ));
    }
    let salvage = with_salvage(protocol);
    if !salvage.is_empty() && !endpoint.events.contains(&EventCause::StrategyFailure) {
        let ends = endpoint.events.contains(&EventCause::Progression);
        all.push(Handled {
            event: format!("Further SABR in {}", named(&salvage)),
            strategy: if ends { AFTER } else { POLICY },
            because: if ends {
                "The progression it would treat has ended the time already.".into()
            } else {
                "It neither ends nor censors the time.".into()
            },
        });
    }
    all
}

fn by_rule(event: String, key: &str, rule: Option<OtherTherapy>, ignored: &str) -> Handled {
    match rule {
        Some(OtherTherapy::TreatmentPolicy) => Handled {
            event,
            strategy: POLICY,
            because: format!("`{key} = \"treatment_policy\"`: it is ignored, {ignored}."),
        },
        Some(OtherTherapy::Hypothetical) => Handled {
            event,
            strategy: HYPOTHETICAL,
            because: format!(
                "`{key} = \"hypothetical\"`: the time is censored at the last adequate assessment before it, as if it had not been given."
            ),
        },
        None => Handled {
            event,
            strategy: POLICY,
            because: format!(
                "The file names no rule `{key}`, and without one the derivation ignores it: {ignored}."
            ),
        },
    }
}

/// Every estimand: the endpoints', then quality of life.
pub fn all(protocol: &Protocol) -> Markup {
    let planned = in_words::times(protocol);
    html! {
        p { "Each estimand has the attributes of ICH E9(R1), section A.3.3. They are read from the protocol file's rules of event and censoring, so that what is
            written here is what the program does; the reason stands beside each strategy (A.3.2). Withdrawal of consent, loss to follow-up and the end of follow-up
            are no intercurrent events but make data missing; they stand under missing data." }
        @for (place, endpoint) in protocol.endpoints.iter().enumerate() { (of_endpoint(protocol, place, endpoint, &planned)) }
        @if let Some(rule) = &protocol.quality_of_life { (of_quality(protocol, rule)) }
    }
}

/// The rules of the main analysis of an endpoint; its own where there is none.
fn main_rules(protocol: &Protocol, endpoint: &Endpoint) -> EndpointRules {
    use trial::protocol::AnalysisRole;
    let mut of = protocol.analyses.iter().filter(|one| one.endpoint == endpoint.id);
    let main = of.find(|one| one.role == AnalysisRole::Main);
    main.map_or_else(
        || endpoint.rules.clone(),
        |main| trial::endpoint::effective_rules(endpoint, &main.rules),
    )
}

fn of_endpoint(protocol: &Protocol, place: usize, endpoint: &Endpoint, planned: &[Planned]) -> Markup {
    let rules = main_rules(protocol, endpoint);
    let whole =
        endpoint.events.contains(&EventCause::StrategyFailure) || endpoint.origin == Origin::StrategyFailure;
    let role = if endpoint.role == EndpointRole::Primary { "primary" } else { "secondary" };
    html! {
        h3 id=(format!("estimand-{}", place + 1)) { (endpoint.label) span.sub { " · " (endpoint.id) ", " (role) } }
        (attributes(&format!("Estimand of {}", endpoint.label), &[
            ("Clinical question", html! { (question(protocol, endpoint)) (said(protocol, endpoint, "question")) }),
            ("Treatment", html! { (treatments(protocol, whole)) (said(protocol, endpoint, "treatment")) }),
            ("Population", html! { (population(protocol, endpoint)) (said(protocol, endpoint, "population")) }),
            ("Variable", html! { (variable(endpoint)) (said(protocol, endpoint, "variable")) }),
            ("Population-level summary", html! { (summary(protocol, endpoint, planned)) (said(protocol, endpoint, "summary")) }),
        ]))
        (events(&format!("Intercurrent events of {}", endpoint.label), &intercurrent(protocol, endpoint, &rules)))
        (said(protocol, endpoint, "intercurrent"))
    }
}

fn attributes(caption: &str, rows: &[(&str, Markup)]) -> Markup {
    html! {
        table.plain {
            caption { (caption) }
            thead { tr { th.what scope="col" { "Attribute" } th scope="col" { "What it is" } } }
            tbody { @for (name, what) in rows { tr { th scope="row" { (name) } td { (what) } } } }
        }
    }
}

fn events(caption: &str, all: &[Handled]) -> Markup {
    html! {
        table.plain {
            caption { (caption) }
            thead { tr { th.what scope="col" { "Event" } th scope="col" { "Strategy" } th scope="col" { "Because" } } }
            tbody { @for one in all { tr { th scope="row" { (one.event) } td { (one.strategy) } td { (coded(&one.because)) } } } }
        }
    }
}

/// What `[[plan]]` says of an attribute.
fn said(protocol: &Protocol, endpoint: &Endpoint, attribute: &str) -> Markup {
    let of = |one: &&trial::protocol::PlanStatement| {
        one.item == attribute && one.endpoint.as_deref() == Some(endpoint.id.as_str())
    };
    html! { @for one in protocol.plan.iter().filter(of) { p { (one.text) (mark(one.source, &one.assumed, "text")) } } }
}

fn question(protocol: &Protocol, endpoint: &Endpoint) -> Markup {
    let primary = endpoint.role == EndpointRole::Primary;
    html! {
        @match (&protocol.trial.objective, primary) {
            (Some(objective), true) => p { (objective) (mark(protocol.trial.source, &protocol.trial.assumed, "objective")) },
            _ => p { "What is the effect on " (lower(&endpoint.label)) " of being assigned to one arm rather than to control, in those of the population below?" },
        }
    }
}

/// A label within a sentence: an abbreviation keeps its letters.
fn lower(label: &str) -> String {
    let mut letters = label.chars();
    let (first, second) = (letters.next(), letters.next());
    match (first, second) {
        (Some(first), Some(second)) if second.is_lowercase() || second == '-' => {
            first.to_lowercase().chain(label.chars().skip(1)).collect()
        }
        _ => label.to_owned(),
    }
}

/// What each arm is given; with the strategy in full where the endpoint is about it.
fn treatments(protocol: &Protocol, whole: bool) -> Markup {
    html! {
        ul { @for arm in &protocol.arms {
            li { strong { (arm_name(arm)) } @if arm.control { " (control)" } ". " (arm.description) (mark(arm.source, &arm.assumed, "description"))
                @if let Some(rule) = arm.strategy.as_ref().filter(|_| whole) { " " (rule.statement) (mark(arm.source, &rule.assumed, "statement")) } }
        } }
    }
}

fn population(protocol: &Protocol, endpoint: &Endpoint) -> Markup {
    html! {
        @if let Some(population) = &protocol.trial.population { p { (population) (mark(protocol.trial.source, &protocol.trial.assumed, "population")) } }
        p {
            "Those who meet every criterion of eligibility (section " a href="#population" { "Trial population" } "). "
            @match endpoint.origin {
                Origin::Randomisation => "Analysed are all who were randomised, in the arm they were randomised to.",
                Origin::StrategyFailure => "Analysed are, of all who were randomised, those whose strategy failed otherwise than by death, in the arm they were
                    randomised to. This group is formed after randomisation: the arms may differ in who is in it, and their comparison is not protected by
                    randomisation. No strategy of ICH E9(R1) for intercurrent events mends that.",
            }
        }
    }
}

fn variable(endpoint: &Endpoint) -> Markup {
    let causes: Vec<&str> = endpoint.events.iter().map(|cause| words::cause(*cause)).collect();
    html! {
        p { (endpoint.definition) (mark(endpoint.source, &endpoint.assumed, "definition")) }
        p { "As derived: days from " (match endpoint.origin {
                Origin::Randomisation => "randomisation",
                Origin::StrategyFailure => "the failure of the strategy",
            }) " to the first of: " (causes.join(", ")) "."
            (mark(endpoint.source, &endpoint.assumed, "events")) }
        p { "Without an event, censored " (censored(endpoint.censor_at)) "." (mark(endpoint.source, &endpoint.assumed, "censor_at")) }
    }
}

fn censored(at: CensorAt) -> &'static str {
    match at {
        CensorAt::LastAdequateAssessment => {
            "at the last adequate tumour assessment, at the origin where there is none"
        }
        CensorAt::LastContact => "at the last contact at which the event was not known",
        CensorAt::LastKnownAlive => "when last known to be alive",
    }
}

fn summary(protocol: &Protocol, endpoint: &Endpoint, planned: &[Planned]) -> Markup {
    let Some(main) = planned.iter().find(|one| one.endpoint == endpoint.id && one.main) else {
        return html! { p { "The protocol file states no main analysis of this endpoint, and so no summary is estimated." } };
    };
    let control = protocol.arms.iter().find(|arm| arm.control);
    html! {
        p {
            "The hazard ratio against control" @if let Some(arm) = control { " (" (arm.id) ")" } " with " (number::level(main.confidence)) " % limits"
            @if main.stratified { ", the arms compared within strata" } "; beside it survival curves, medians and the difference of restricted means. "
            "Main analysis: " code { (main.id) } "."
        }
    }
}

fn of_quality(protocol: &Protocol, rule: &QualityOfLife) -> Markup {
    let carried = rule.after_last == AfterLast::CarryForward;
    let death = match rule.death {
        DeathScore::Missing => Handled {
            event: "Death before the end of the area".into(),
            strategy: WHILE,
            because: if carried {
                "No score is imputed after death: the last score is carried to the day of death, where the area ends.".into()
            } else {
                "No score is imputed after death: the area ends at the last score and is averaged over the time observed.".into()
            },
        },
        DeathScore::Zero => Handled {
            event: "Death before the end of the area".into(),
            strategy: COMPOSITE,
            because: "The score is 0 from the day of death.".into(),
        },
    };
    let others = Handled {
        event: "Progression, a change of therapy, further SABR, toxicity".into(),
        strategy: POLICY,
        because: "Every questionnaire that was answered counts, whatever was given or had happened by then."
            .into(),
    };
    let arms = treatments(protocol, false);
    html! {
        h3 id="estimand-quality-of-life" { "Quality of life" span.sub { " · FACT-B total" } }
        (attributes("Estimand of quality of life", &[
            ("Clinical question", html! { p { "What is the effect on quality of life over " (rule.auc_to_week) " weeks of being assigned to one arm rather than to control?" } }),
            ("Treatment", arms),
            ("Population", html! { p { "All who were randomised, in the arm they were randomised to, with a baseline total and a later one." } }),
            ("Variable", html! { p { "The area under the curve of the FACT-B total from baseline to week " (rule.auc_to_week) ", as time-averaged score."
                (mark(rule.source, &rule.assumed, "auc_to_week")) } }),
            ("Population-level summary", html! { p { "The difference of means of the time-averaged score against control." } }),
        ]))
        (events("Intercurrent events of quality of life", &[death, others]))
    }
}
