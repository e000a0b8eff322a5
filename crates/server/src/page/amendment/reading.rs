//! A version of the protocol as a person reads it: arms, eligibility, strata, schedule, forms, endpoints; what was assumed is marked.
//!
//! Never shows what the file does not say.

use maud::{Markup, html};
use trial::protocol::{
    Arm, Criterion, CriterionKind, Endpoint, EndpointRole, Form, Item, ItemType, Method, Protocol, Source,
    Visit,
};

/// The whole version.
pub(super) fn protocol(protocol: &Protocol) -> Markup {
    html! {
        (identity(protocol))
        section.card aria-labelledby="arms" { h2 #arms { "Arms" } @for (place, one) in protocol.arms.iter().enumerate() { (arm(place, one)) } }
        section.card aria-labelledby="criteria" {
            h2 #criteria { "Eligibility" }
            (criteria("Inclusion: all must hold", CriterionKind::Inclusion, protocol))
            (criteria("Exclusion: none may hold", CriterionKind::Exclusion, protocol))
        }
        (randomisation(protocol))
        (schedule(protocol))
        section.card aria-labelledby="endpoints" { h2 #endpoints { "Endpoints" } dl { @for one in &protocol.endpoints { (endpoint(one)) } } }
        section.card aria-labelledby="forms" {
            h2 #forms { "Forms" }
            @for one in &protocol.forms { (form(one)) }
        }
    }
}

/// What of a table was assumed: the whole, or these of its keys.
fn mark(source: Option<Source>, keys: &[String]) -> Markup {
    html! {
        @if source == Some(Source::Assumed) { " " span.chip.warn { "assumed" } }
        @else if !keys.is_empty() { " " span.chip.warn { "assumed: " (keys.join(", ").replace('_', " ")) } }
    }
}

fn identity(protocol: &Protocol) -> Markup {
    let trial = &protocol.trial;
    let line = |name: &str, text: &Option<String>| html! { @if let Some(text) = text { dt { (name) } dd { (text) } } };
    html! {
        section.card aria-labelledby="trial" {
            h2 #trial { (trial.title) (mark(trial.source, &trial.assumed)) }
            dl.read {
                dt { "Trial" } dd { (trial.id) @if let Some(registry) = &trial.registry { " (" (registry) ")" } }
                (line("Phase", &trial.phase))
                (line("Design", &trial.design))
                (line("Population", &trial.population))
                (line("Objective", &trial.objective))
                dt { "Participants" } dd { (trial.participants) @if let Some(sites) = trial.sites { " at " (sites) " sites" } }
                @if let Some(size) = &trial.sample_size {
                    dt { "Sample size" }
                    dd {
                        (size.events) " events of " (size.endpoint) " for a hazard ratio of " (size.hazard_ratio) ", two-sided alpha " (size.alpha) ", power " (size.power)
                        (mark(None, &size.assumed))
                    }
                }
            }
        }
    }
}

fn arm(place: usize, arm: &Arm) -> Markup {
    html! {
        h3 { span class=(format!("arm{place}")) { "Arm " (arm.id) ": " (arm.label) } @if arm.control { " " span.chip { "control" } } (mark(arm.source, &arm.assumed)) }
        p { (arm.description) }
        @if let Some(strategy) = &arm.strategy { p { b { "Strategy. " } (strategy.statement) (mark(None, &strategy.assumed)) } }
    }
}

fn criteria(title: &str, kind: CriterionKind, protocol: &Protocol) -> Markup {
    let of: Vec<&Criterion> =
        protocol.eligibility.iter().filter(|criterion| criterion.kind == kind).collect();
    html! {
        @if !of.is_empty() { div.wide { table {
            caption { (title) }
            thead { tr { th scope="col" { "Criterion" } th scope="col" { "In words" } th scope="col" { "As it is judged" } } }
            tbody { @for criterion in of { tr {
                th scope="row" { (criterion.id) }
                td { (criterion.text) (mark(criterion.source, &criterion.assumed)) }
                td { code { (criterion.condition.as_str()) } }
            } } }
        } } }
    }
}

fn randomisation(protocol: &Protocol) -> Markup {
    let rule = &protocol.randomisation;
    let ratio: Vec<_> = protocol.arms.iter().map(|arm| arm.ratio.to_string()).collect();
    html! {
        section.card aria-labelledby="draw" {
            h2 #draw { "Stratification and randomisation" (mark(rule.source, &rule.assumed)) }
            // The sizes of blocks are not told here: whoever recruits reads this page.
            p {
                @match rule.method {
                    Method::PermutedBlocks => "Stratified permuted blocks of random size",
                    Method::Minimisation => { "Minimisation; the arm that balances best has the chance " (rule.best_probability) },
                }
                ", " (ratio.join(":")) "."
            }
            ul { @for factor in &protocol.stratification { li {
                b { (factor.label) } ": " (factor.levels.iter().map(|level| level.label.as_str()).collect::<Vec<_>>().join(", "))
                (mark(factor.source, &factor.assumed))
            } } }
        }
    }
}

fn schedule(protocol: &Protocol) -> Markup {
    let schedule = &protocol.schedule;
    html! {
        section.card aria-labelledby="schedule" {
            h2 #schedule { "Schedule" (mark(schedule.source, &schedule.assumed)) }
            @if let Some(statement) = &schedule.statement { p { (statement) } }
            div.wide { table {
                caption { "Visits" }
                thead { tr { th scope="col" { "Visit" } th scope="col" { "When" } th scope="col" { "Window" } th scope="col" { "Forms" } } }
                tbody { @for visit in &schedule.visits { tr {
                    th scope="row" { (visit.label) (mark(None, &visit.assumed)) }
                    td { (when(visit)) }
                    td { (window(visit)) }
                    td { (visit.forms.iter().map(|id| named(protocol, id)).collect::<Vec<_>>().join(", ")) }
                } } }
            } }
            p.soft { "Follow-up ends " (schedule.follow_up_months) " months after the last participant was randomised." }
        }
    }
}

fn named<'p>(protocol: &'p Protocol, form: &'p str) -> &'p str {
    protocol.forms.iter().find(|known| known.id == form).map_or(form, |known| known.label.as_str())
}

/// Day 1 is the day of randomisation, and there is no day 0 (CDISC).
fn when(visit: &Visit) -> String {
    let day = if visit.day >= 0 { visit.day + 1 } else { visit.day };
    match visit.every_days {
        Some(every) => format!("day {day}, then every {every} days"),
        None => format!("day {day}"),
    }
}

fn window(visit: &Visit) -> String {
    match (visit.window_before, visit.window_after) {
        (0, 0) => "that day".into(),
        (before, after) if before == after => format!("{before} days either side"),
        (before, after) => format!("{before} days before to {after} days after"),
    }
}

fn endpoint(endpoint: &Endpoint) -> Markup {
    html! {
        dt {
            b { (endpoint.id) } ": " (endpoint.label)
            @if endpoint.role == EndpointRole::Primary { " " span.chip.info { "primary" } }
            (mark(endpoint.source, &endpoint.assumed))
        }
        dd { (endpoint.definition) }
    }
}

fn form(form: &Form) -> Markup {
    html! {
        details {
            summary {
                b { (form.label) } " " span.soft { (form.id) @if form.log { ", filled as often as something happens" } } (mark(form.source, &form.assumed))
            }
            @if !form.items.is_empty() { (items(&form.label, &form.items)) }
            @for group in &form.groups { (items(&format!("{}, a row each", group.label), &group.items)) }
            @let checks: Vec<_> = form.checks.iter().chain(form.groups.iter().flat_map(|group| &group.checks)).collect();
            @if !checks.is_empty() {
                p { "Edit checks" }
                ul { @for check in checks { li {
                    (check.message) " " @if check.hard { span.chip { "must hold" } } @else { span.chip { "raises a query" } }
                    " " code.soft { (check.condition.as_str()) }
                } } }
            }
        }
    }
}

fn items(title: &str, items: &[Item]) -> Markup {
    html! {
        div.wide { table {
            caption { (title) }
            thead { tr { th scope="col" { "Item" } th scope="col" { "Question" } th scope="col" { "Answer" } th scope="col" { "Asked" } } }
            tbody { @for item in items { tr {
                th scope="row" { code { (item.id) } }
                td { (item.label) (mark(None, &item.assumed)) }
                td { (answer(item)) }
                td {
                    @if item.required { "required" } @else { "if known" }
                    @if let Some(when) = &item.when { ", where " code { (when.as_str()) } }
                }
            } } }
        } }
    }
}

fn answer(item: &Item) -> String {
    let kind = match item.kind {
        ItemType::Text => "text".to_owned(),
        ItemType::Integer => "whole number".to_owned(),
        ItemType::Decimal => "number".to_owned(),
        ItemType::Date => "date".to_owned(),
        ItemType::PartialDate => "date, as far as known".to_owned(),
        ItemType::YesNo => "yes or no".to_owned(),
        ItemType::Code => item.codes.join(", "),
    };
    let range = match (item.min, item.max) {
        (Some(min), Some(max)) => format!(", {min} to {max}"),
        (Some(min), None) => format!(", {min} or more"),
        (None, Some(max)) => format!(", {max} or less"),
        (None, None) => String::new(),
    };
    let unit = item.unit.as_ref().map(|unit| format!(" ({unit})")).unwrap_or_default();
    format!("{kind}{range}{unit}")
}
