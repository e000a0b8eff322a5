//! The top of a subject's page: who it is, where it stands, what must be done now, and the strategy with its history.
//!
//! Never decides what must be done; `trial::outstanding` and `trial::consequence` say it, with why and by when.

use jiff::civil::Date;
use maud::{Markup, html};
use people::permission::Act;
use trial::calendar::{FormState, Planned, VisitStatus};
use trial::consequence::{Must, must};
use trial::date::days_between;
use trial::derive::strategy_of;
use trial::event::Instance;
use trial::outstanding::{Missing, Outstanding};
use trial::progression::{Kind, Known, Progression};
use trial::protocol::Concept;
use trial::record::{Decision, QueryState};
use trial::standing::State;
use trial::strategy::{Episode, Failure, Status, Verdict};

use super::story::behind;
use super::view::{View, listed};
use crate::page::parts;
use crate::web::address;

/// So much of what is missing is listed; the rest is on the page of what is missing.
const MOST: usize = 6;

/// Number, standing, arm, and the facts of a glance.
pub(super) fn head(view: &View<'_>) -> Markup {
    let chart = view.chart;
    html! {
        div.head {
            div {
                h1 { (chart.subject) " " (parts::state_chip(view.standing.state)) }
                p.soft { (sentence(&view.standing.says)) }
            }
            div.actions {
                @if view.record.randomised.is_none() {
                    a.button href=(chart.at("eligibility")) { "Eligibility" }
                    @if chart.may_here(Act::Randomise) { a.button.main href=(chart.at("randomise")) { "Randomise" } }
                } @else {
                    a.button href=(chart.at("randomisation")) { "Randomisation" }
                }
                a.button href=(chart.at("calendar")) { "Calendar" }
                @if view.form_for(Concept::FactB).is_some() && chart.may_here(Act::IssuePatientLinks) {
                    a.button href=(chart.at("questionnaires")) { "Questionnaires" }
                }
                @if view.may_see_trail() {
                    a.button href=(trail(view)) { "Audit trail" }
                }
                button type="button" data-print { "Print" }
            }
        }
        div.card { dl.facts { (facts(view)) } }
    }
}

fn trail(view: &View<'_>) -> String {
    let subject = address::segment(view.chart.subject.as_str());
    format!("{}?subject={subject}", address::in_trial(&view.chart.room.slug, "trail"))
}

fn facts(view: &View<'_>) -> Markup {
    let record = view.record;
    let next = view.calendar.overdue().next().or_else(|| view.calendar.next());
    html! {
        (fact("Site", &html! { (record.site) }))
        (fact("Sex and age", &html! { (who(view)) }))
        @if let Some(since) = view.standing.since {
            (fact(&format!("{} since", view.standing.state), &html! { (view.dated(since)) }))
        }
        @if let Some(allocation) = record.randomised.as_ref().map(|fact| &fact.value) {
            (fact("Arm", &arm(view)))
            (fact("Randomised", &parts::time(allocation.date)))
            @if !matches!(view.standing.state, State::Dead | State::OffStudy) {
                (fact("Today", &today(view, allocation.date)))
            }
            (fact("Strata", &strata(view)))
        } @else if let Some(screened) = &record.screened {
            (fact("Screened", &parts::time(screened.value)))
        }
        @if let Some((date, status)) = record.ecog.last().map(|fact| fact.value) {
            (fact("ECOG", &html! { (status) " " span.soft { "(" (parts::day(date)) ")" } }))
        }
        (fact("Next visit", &html! {
            @match next { Some(planned) => (visit(view, planned)), None => span.soft { "none expected" } }
        }))
    }
}

fn fact(name: &str, says: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (says) } } }
}

fn today(view: &View<'_>, start: Date) -> Markup {
    let day = days_between(start, view.today) + 1;
    let months = days_between(start, view.today) as f64 / trial::date::DAYS_PER_MONTH;
    html! {
        @if day >= 1 { "Day " (day) " " span.soft { "(" (format!("{months:.1}")) " months)" } }
        @else { span.soft { "before randomisation" } }
    }
}

/// The arm by its label, coloured as everywhere.
pub(super) fn arm(view: &View<'_>) -> Markup {
    let Some(given) = view.record.randomised.as_ref().map(|fact| &fact.value.arm) else { return html! {} };
    let arms = &view.protocol.arms;
    let index = arms.iter().position(|arm| arm.id == *given);
    let label = index.map_or(given.as_str(), |index| arms[index].label.as_str());
    html! { b class=[index.map(|index| format!("arm{index}"))] { (label) } }
}

fn who(view: &View<'_>) -> String {
    let record = view.record;
    let sex = record.sex.as_ref().map_or("sex not known", |fact| match fact.value.as_str() {
        "F" => "Female",
        "M" => "Male",
        other => other,
    });
    let Some(born) = record.birth_year.as_ref().map(|fact| fact.value) else {
        return format!("{sex}, year of birth not known");
    };
    // Of a birth only the year is known, so the age is one of two.
    let at = record.consent.as_ref().or(record.screened.as_ref()).map_or(view.today, |fact| fact.value);
    let age = at.year() - born;
    format!("{sex}, born {born} ({} or {age} at consent)", age - 1)
}

fn strata(view: &View<'_>) -> Markup {
    let stratum = view.record.randomised.as_ref().map_or(&[][..], |fact| &fact.value.stratum);
    let words: Vec<String> = stratum
        .iter()
        .map(|(factor, level)| {
            let factor = view.ruling.stratification.iter().find(|known| known.id == *factor);
            let label = factor.and_then(|factor| factor.levels.iter().find(|known| known.id == *level));
            match (factor, label) {
                (Some(factor), Some(label)) => format!("{}: {}", factor.label, label.label),
                _ => level.clone(),
            }
        })
        .collect();
    html! { @if words.is_empty() { span.soft { "none" } } @else { (words.join("; ")) } }
}

/// A visit with its day and its standing, leading to the calendar.
fn visit(view: &View<'_>, planned: &Planned) -> Markup {
    let (look, says) = match planned.status {
        VisitStatus::Overdue { days } => ("chip bad", format!("overdue by {}", plural(days, "day"))),
        VisitStatus::Open => ("chip warn", "due now".to_owned()),
        VisitStatus::Upcoming { in_days } => ("chip", format!("in {}", plural(in_days, "day"))),
        _ => ("chip", "to come".to_owned()),
    };
    html! {
        a href=(view.chart.at("calendar")) { (view.visit(&planned.visit, planned.occurrence)) }
        @if let Some(target) = planned.target { ", " (parts::time(target)) }
        " " span class=(look) { (says) }
    }
}

/// What must be done now, gravest first, each with a link to where it is done.
pub(super) fn now(view: &View<'_>) -> Markup {
    let musts = musts(view);
    let mut missing =
        by_visit(view.outstanding.iter().filter(|missing| !said(&musts, missing) && !is_due(view, missing)));
    // A visit that can still be made comes before those that cannot.
    missing.sort_by_key(|group| match group.as_slice() {
        [first, ..] if first.what < Missing::Form => 0,
        group if group.iter().any(|one| can_be_made(view, one)) => 1,
        _ => 2,
    });
    let due: Vec<&Planned> =
        view.calendar.visits.iter().filter(|visit| visit.status == VisitStatus::Open).collect();
    let left_out: usize = missing.iter().skip(MOST).map(Vec::len).sum();
    let queries = view.open_queries().count();
    let nothing = musts.is_empty() && missing.is_empty() && due.is_empty() && queries == 0;
    html! {
        section.card aria-labelledby="now" {
            h2 #now { "To do now" }
            @if nothing { p.soft { "Nothing: every form that is due is there, and no query is open." } }
            @if !nothing {
                ul.todo {
                    @for must in &musts { li.bad { (must_do(view, must)) } }
                    @for planned in due { li.info { (due_now(view, planned)) } }
                    @for missing in missing.iter().take(MOST) {
                        @match missing.as_slice() {
                            [one] => li.warn { (missing_words(view, one)) },
                            several => li.warn { (missing_forms(view, several)) },
                        }
                    }
                    @if left_out > 0 { li { a href=(missing_page(view)) { (left_out) " more that are missing" } } }
                    @if queries > 0 { li.info { (open_queries(view, queries)) } }
                }
            }
        }
    }
}

fn musts(view: &View<'_>) -> Vec<Must> {
    let rule = strategy_of(view.history, view.record);
    match (rule, &view.derived.strategy) {
        (Some(rule), Some(course)) => must(rule, view.record, course, view.today),
        _ => Vec::new(),
    }
}

fn must_do(view: &View<'_>, must: &Must) -> Markup {
    match must {
        Must::Decide { progression, by } => html! {
            b { "Record the strategy decision" } " on the progression of " (parts::day(*progression)) ", by "
            (parts::day(*by)) (left(days_between(view.today, *by))) "."
            (enter(view, Concept::StrategyDecision, "Record it"))
        },
        Must::Treat { lesions, by, days_left } => html! {
            b { "Complete SABR to " (listed(lesions)) } " by " (parts::day(*by)) (left(*days_left)) "."
            (enter(view, Concept::SabrCourse, "Record a course"))
        },
        Must::ContinueSystemic => html! { (must) },
    }
}

fn left(days: i64) -> String {
    match days {
        0.. => format!(" ({} left)", plural(days, "day")),
        _ => format!(" ({} ago)", plural(-days, "day")),
    }
}

fn enter(view: &View<'_>, concept: Concept, word: &str) -> Markup {
    let next = view.next_of(concept);
    html! { @if let Some(next) = next { " " a href=(view.address(&next)) { (word) } } }
}

/// Whether what is missing is among what must follow, which is told first.
fn said(musts: &[Must], missing: &Outstanding) -> bool {
    musts.iter().any(|must| match must {
        Must::Decide { .. } => missing.what == Missing::Decision,
        Must::Treat { by, .. } => missing.what == Missing::Sabr && missing.by == Some(*by),
        Must::ContinueSystemic => false,
    })
}

/// A form of a visit whose window is open: the visit is told as a whole.
fn is_due(view: &View<'_>, missing: &Outstanding) -> bool {
    let planned = missing.instance.as_ref().and_then(|instance| view.calendar.of(instance));
    missing.what == Missing::Form && planned.is_some_and(|planned| planned.status == VisitStatus::Open)
}

/// The same list with the forms of one visit together, so many as follow each other.
fn by_visit<'o>(missing: impl Iterator<Item = &'o Outstanding>) -> Vec<Vec<&'o Outstanding>> {
    let visit = |one: &Outstanding| {
        let together = matches!(one.what, Missing::Form | Missing::Signature);
        let instance = one.instance.as_ref().filter(|_| together)?;
        Some((one.what, instance.visit.clone()?, instance.occurrence))
    };
    let mut groups: Vec<Vec<&Outstanding>> = Vec::new();
    for one in missing {
        match groups.last_mut() {
            Some(group) if visit(one).is_some() && visit(group[0]) == visit(one) => group.push(one),
            _ => groups.push(vec![one]),
        }
    }
    groups
}

/// Whether what is missing is of a visit that is overdue, not of one that was missed.
fn can_be_made(view: &View<'_>, missing: &Outstanding) -> bool {
    let planned = missing.instance.as_ref().and_then(|instance| view.calendar.of(instance));
    planned.is_some_and(|planned| matches!(planned.status, VisitStatus::Overdue { .. }))
}

/// Forms of one visit that are missing, or not signed.
fn missing_forms(view: &View<'_>, missing: &[&Outstanding]) -> Markup {
    let instances: Vec<&Instance> = missing.iter().filter_map(|one| one.instance.as_ref()).collect();
    let visit = instances.first().and_then(|first| Some(view.visit(first.visit.as_ref()?, first.occurrence)));
    let by = missing.iter().filter_map(|one| one.by).max();
    html! {
        b { (visit.unwrap_or_default()) }
        @if missing.iter().any(|one| one.what == Missing::Signature) { ", not signed: " } @else { ": " }
        @for (index, instance) in instances.iter().enumerate() {
            @if index > 0 { ", " }
            a href=(view.address(instance)) {
                (view.form(&instance.form).map_or(instance.form.as_str(), |form| form.label.as_str()))
            }
        }
        @if let Some(by) = by { ", " span.nb { "by " (parts::day(by)) } }
        @if let Some(first) = missing.first() { br; small.soft { (sentence(&first.why)) } }
    }
}

fn missing_words(view: &View<'_>, missing: &Outstanding) -> Markup {
    let href = missing.instance.as_ref().map(|instance| view.address(instance));
    html! {
        @match href {
            Some(href) => a href=(href) { (sentence(&missing.says)) },
            None => (sentence(&missing.says)),
        }
        @if let Some(by) = missing.by { " " span.nb { "by " (parts::day(by)) } }
        @if !missing.why.is_empty() { br; small.soft { (sentence(&missing.why)) } }
    }
}

fn missing_page(view: &View<'_>) -> String {
    let subject = address::segment(view.chart.subject.as_str());
    format!("{}?subject={subject}", address::in_trial(&view.chart.room.slug, "outstanding"))
}

fn due_now(view: &View<'_>, planned: &Planned) -> Markup {
    let absent: Vec<(&str, &Instance)> = planned
        .forms
        .iter()
        .filter(|form| form.state == FormState::Absent)
        .map(|form| (form.label.as_str(), &form.instance))
        .collect();
    html! {
        b { (view.visit(&planned.visit, planned.occurrence)) } " is due now"
        @if let (Some(opens), Some(closes)) = (planned.opens, planned.closes) {
            ", from " (parts::day(opens)) " to " (parts::day(closes))
        }
        ": "
        @for (index, (label, instance)) in absent.iter().enumerate() {
            @if index > 0 { ", " }
            a href=(view.address(instance)) { (label) }
        }
        "."
    }
}

fn open_queries(view: &View<'_>, queries: usize) -> Markup {
    let answered = view.open_queries().filter(|query| query.state() == QueryState::Answered).count();
    let subject = address::segment(view.chart.subject.as_str());
    let page = format!("{}?subject={subject}", address::in_trial(&view.chart.room.slug, "queries"));
    html! {
        a href=(page) { (queries) @if queries == 1 { " open query" } @else { " open queries" } }
        @if answered > 0 { ", " (answered) " answered" }
    }
}

/// The strategy of the arm: where it stands, why, and each progression with what became of it.
pub(super) fn strategy(view: &View<'_>) -> Markup {
    let Some(course) = &view.derived.strategy else { return without(view) };
    let statement = strategy_of(view.history, view.record).map(|rule| rule.statement.as_str());
    html! {
        section.card aria-labelledby="strategy" {
            h2 #strategy { "Treatment strategy " (status_chip(&course.status)) }
            p { b { (status_words(view, &course.status)) } " " (sentence(&course.why)) }
            @if !course.episodes.is_empty() {
                ol.timeline { @for (index, episode) in course.episodes.iter().enumerate() { (one(view, index + 1, episode)) } }
            }
            details {
                summary { "The rule and the events it rests on" }
                @if let Some(statement) = statement { p { (statement) } }
                (behind(view, &course.events))
            }
        }
    }
}

fn without(view: &View<'_>) -> Markup {
    html! {
        section.card aria-labelledby="strategy" {
            h2 #strategy { "Treatment strategy" }
            @if view.record.randomised.is_none() {
                p.soft { "It begins with randomisation." }
            } @else {
                p.soft { "The protocol states no strategy for this arm." }
                @if let Some(first) = &view.derived.first_progression {
                    p { b { "First progression on " (view.dated(first.date)) "." } " " (sentence(&first.reason)) }
                    details { summary { "The events it rests on" } (behind(view, &first.events)) }
                }
            }
        }
    }
}

fn status_chip(status: &Status) -> Markup {
    let (look, word) = match status {
        Status::NotApplicable => ("chip", "not applicable"),
        Status::Holding => ("chip good", "holds"),
        Status::Pending { .. } => ("chip warn", "decision pending"),
        Status::Failed { .. } => ("chip bad", "failed"),
    };
    html! { span class=(look) { (word) } }
}

fn status_words(view: &View<'_>, status: &Status) -> String {
    match status {
        Status::NotApplicable => "No strategy applies.".into(),
        Status::Holding => "The strategy holds.".into(),
        Status::Pending { progression } => {
            format!("The strategy is pending on the progression of {}.", view.dated(*progression))
        }
        Status::Failed { on, cause } => {
            let cause = match cause {
                Failure::Progression => "by progression",
                Failure::SystemicChange => "by a change of systemic therapy for progression",
                Failure::Death => "by death",
            };
            format!("The strategy failed on {}, {cause}.", view.dated(*on))
        }
    }
}

fn one(view: &View<'_>, number: usize, episode: &Episode) -> Markup {
    let progression = &episode.progression;
    let (look, word) = match episode.verdict {
        Verdict::Held => ("good", "held"),
        Verdict::Failed => ("bad", "failed"),
        Verdict::Pending => ("warn", "pending"),
    };
    html! {
        li class=(look) {
            time datetime=(progression.date) { (view.dated(progression.date)) }
            div {
                b { "Progression " (number) } ": " (kind(progression)) " "
                span class={ "chip " (look) } { (word) }
            }
            div { (sentence(&episode.why)) }
            small.soft { (sentence(&progression.reason)) }
            (answer(view, progression))
            details { summary.small { "Events" } (behind(view, &episode.events)) }
        }
    }
}

fn kind(progression: &Progression) -> String {
    let known =
        if progression.known == Known::Clinical { "clinical, without a scan" } else { "by RECIST 1.1" };
    let lesions = listed(&progression.lesions);
    let skull = if progression.intracranial { ", inside the skull" } else { "" };
    match progression.kind {
        Kind::Oligo => format!("oligoprogressive ({lesions}), {known}"),
        Kind::Poly => {
            let n = i64::try_from(progression.lesions.len()).unwrap_or(i64::MAX);
            format!("not oligoprogressive: {} ({lesions}){skull}, {known}", plural(n, "lesion"))
        }
        Kind::Unplaced => format!("no single lesion, {known}"),
    }
}

/// What was decided and treated after a progression, up to the next.
fn answer(view: &View<'_>, progression: &Progression) -> Markup {
    let about = view
        .record
        .decisions
        .iter()
        .filter(|decision| (progression.date..=progression.certain).contains(&decision.progression));
    let treated = view.record.sabr.iter().filter(|course| {
        course.start >= progression.date
            && course.lesions.iter().any(|dose| {
                progression
                    .sites
                    .iter()
                    .any(|site| site.lesion == dose.lesion || site.parts.contains(&dose.lesion))
            })
    });
    html! {
        @for decision in about {
            div.small {
                a href=(view.leads(decision.event)) { "Decision" } " on " (view.dated(decision.date)) ": "
                @match decision.decision { Decision::Continue => "keep the strategy", Decision::Abandon => "give it up" }
            }
        }
        @for course in treated {
            div.small {
                a href=(view.leads(course.event)) { "SABR" } " to "
                (listed(course.lesions.iter().map(|dose| &dose.lesion)))
                @match course.end {
                    Some(end) => { ", completed on " (view.dated(end)) },
                    None => { ", begun on " (view.dated(course.start)) },
                }
            }
        }
    }
}

/// A phrase as a sentence: a capital before, a full stop behind.
pub(super) fn sentence(text: &str) -> String {
    let text = crate::page::parts::in_words(text.trim());
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    let stop = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{}{}{stop}", first.to_uppercase(), letters.as_str())
}

/// `1 day`, `2 days`.
pub(super) fn plural(n: i64, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", "")]
    #[case("no progression", "No progression.")]
    #[case("élan", "Élan.")]
    #[case("Is it right?", "Is it right?")]
    fn a_phrase_becomes_a_sentence(#[case] phrase: &str, #[case] want: &str) {
        assert_eq!(sentence(phrase), want);
    }
}
