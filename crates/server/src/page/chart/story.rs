//! The course of a subject as a list in order of time, and the chain of a value to its events.
//!
//! The list says what the figure draws, for whoever cannot see or click the figure. Never leaves out what has a date.

use jiff::civil::Date;
use maud::{Markup, html};
use trial::calendar::form_of;
use trial::event::{Entered, Seq, What};
use trial::protocol::Concept;
use trial::record::Decision;
use trial::strategy::{Status, Verdict};

use super::view::{View, listed, lower, tenth};
use crate::page::parts::{self, partial};
use crate::web::address;

/// One thing that happened.
pub(super) struct Moment {
    pub(super) date: Date,
    pub(super) says: String,
    /// A class of `.timeline`: good, warn, bad, info or none.
    pub(super) look: &'static str,
    pub(super) event: Option<Seq>,
}

/// Everything that happened, in order.
pub(super) fn story(view: &View<'_>) -> Vec<Moment> {
    let record = view.record;
    let mut all = Vec::new();
    let mut add = |date: Date, look: &'static str, event: Option<Seq>, says: String| {
        all.push(Moment { date, says, look, event });
    };
    if let Some(consent) = &record.consent {
        add(consent.value, "", Some(consent.event), "Informed consent".into());
    }
    if let Some(fact) = &record.randomised {
        let arm = view.protocol.arms.iter().find(|arm| arm.id == fact.value.arm);
        let arm = arm.map_or(fact.value.arm.as_str(), |arm| arm.label.as_str());
        add(fact.value.date, "info", Some(fact.event), format!("Randomised to {arm}"));
    }
    for line in &record.lines {
        let event = Some(line.event);
        add(line.start.first(), "", event, format!("{} begins ({})", line.treatment, reason(line.reason)));
        if let Some(end) = line.end {
            add(end.last(), "", event, format!("{} ends", line.treatment));
        }
    }
    for course in &record.sabr {
        let lesions = listed(course.lesions.iter().map(|dose| &dose.lesion));
        add(course.start, "info", Some(course.event), format!("SABR to {lesions}"));
    }
    for event in &record.adverse_events {
        if let Some(start) = event.start {
            let grade = event.grade.map_or_else(String::new, |grade| format!(", grade {grade}"));
            let serious = if event.serious { ", serious" } else { "" };
            let look = if event.serious || event.grade >= Some(3) { "warn" } else { "" };
            add(start.first(), look, Some(event.event), format!("{}{grade}{serious}", event.term));
        }
    }
    for answers in &record.factb {
        if let Some(total) = trial::factb::score(&answers.answers).total {
            add(answers.date, "", Some(answers.event), format!("FACT-B total {}", tenth(total)));
        }
    }
    for decision in &record.decisions {
        let decided =
            if decision.decision == Decision::Continue { "keep the strategy" } else { "give it up" };
        add(decision.date, "info", Some(decision.event), format!("Strategy decision: {decided}"));
    }
    if let Some(left) = &record.withdrawal {
        add(left.date, "warn", Some(left.event), format!("Off study: {}", lower(&left.reason)));
    }
    if let Some(death) = &record.death {
        let cause = death.cause.as_deref().map_or_else(String::new, |cause| format!(" ({})", lower(cause)));
        add(death.date.first(), "bad", Some(death.event), format!("Died {}{cause}", partial(death.date)));
    }
    tumours(view, &mut all);
    all.sort_by_key(|moment| (moment.date, moment.event));
    all
}

fn tumours(view: &View<'_>, all: &mut Vec<Moment>) {
    let sum = |sum: Option<f64>| sum.map_or_else(String::new, |sum| format!(", sum {} mm", tenth(sum)));
    if let Some(series) = &view.derived.series {
        let base = &series.baseline;
        let says = format!("Baseline tumour assessment{}", sum(base.sum_mm));
        all.push(Moment { date: base.date, says, look: "", event: Some(base.event) });
        for point in &series.timepoints {
            let says = format!("Tumour assessment: {}{}", point.overall, sum(point.sum_mm));
            all.push(Moment { date: point.date, says, look: "", event: Some(point.event) });
        }
    }
    for progression in &view.record.clinical_progressions {
        let says = "Clinical progression".to_owned();
        all.push(Moment { date: progression.value, says, look: "warn", event: Some(progression.event) });
    }
    let Some(course) = &view.derived.strategy else { return };
    for episode in &course.episodes {
        let (look, became) = match episode.verdict {
            Verdict::Held => ("good", "the strategy held"),
            Verdict::Failed => ("bad", "the strategy failed"),
            Verdict::Pending => ("warn", "pending"),
        };
        let says = format!("Progression: {became}");
        let event = episode.progression.events.last().copied();
        all.push(Moment { date: episode.progression.date, says, look, event });
    }
    if let Status::Failed { on, .. } = course.status
        && course.episodes.iter().all(|episode| episode.progression.date != on)
    {
        let event = course.events.last().copied();
        all.push(Moment { date: on, says: "Strategy failed".into(), look: "bad", event });
    }
}

/// Why a line began, in words.
pub(super) fn reason(reason: trial::record::LineReason) -> &'static str {
    use trial::record::LineReason as R;
    match reason {
        R::Baseline => "under way at randomisation",
        R::Protocol => "as the arm says",
        R::Progression => "for progression",
        R::Toxicity => "for toxicity",
        R::Other => "another reason",
    }
}

/// The same list on the page.
pub(super) fn list(view: &View<'_>) -> Markup {
    html! {
        ol.timeline {
            @for moment in story(view) {
                li class=[(!moment.look.is_empty()).then_some(moment.look)] {
                    time datetime=(moment.date) { (view.dated(moment.date)) } " "
                    @match moment.event {
                        Some(event) => a href=(view.leads(event)) { (moment.says) },
                        None => (moment.says),
                    }
                }
            }
        }
    }
}

/// The events that something rests on: where each was entered, by whom and when.
pub(super) fn behind(view: &View<'_>, events: &[Seq]) -> Markup {
    let mut events = events.to_vec();
    events.sort_unstable();
    events.dedup();
    html! {
        @if events.is_empty() { p.soft.small { "It rests on no event: nothing was recorded that says otherwise." } }
        @else {
            ul.small.plain-list {
                @for seq in events {
                    @let entered = entered(view, seq);
                    li {
                        a href=(view.leads(seq)) { (event_words(view, seq, entered)) }
                        @if let Some(entered) = entered {
                            span.soft { ", recorded " (parts::moment(entered.event.recorded)) " by " (entered.event.who) }
                        }
                        @if view.may_see_trail() {
                            " " a.soft href=(address::event(&view.chart.room.slug, seq)) { "event " (seq) }
                        } @else { " " span.soft { "event " (seq) } }
                    }
                }
            }
        }
    }
}

fn entered<'v>(view: &'v View<'_>, seq: Seq) -> Option<&'v Entered> {
    let place = view.folder.events.binary_search_by_key(&seq, |entered| entered.seq).ok()?;
    view.folder.events.get(place)
}

fn event_words(view: &View<'_>, seq: Seq, entered: Option<&Entered>) -> String {
    if let Some(form) = form_of(view.record, seq) {
        let words = view.words(&form.instance);
        return match form.date {
            Some(date) => format!("{words} ({})", partial(date)),
            None => words,
        };
    }
    let Some(entered) = entered else { return format!("event {seq}") };
    match &entered.event.what {
        What::Randomised { date, .. } => format!("Randomisation ({})", parts::day(*date)),
        What::SubjectScreened => "Screening".into(),
        what => what.instance().map_or_else(|| lower(what.kind()), |instance| view.words(instance)),
    }
}

/// A link to enter a further form of a concept, where the visitor may.
pub(super) fn add(view: &View<'_>, concept: Concept, word: &str) -> Markup {
    let next = view.next_of(concept);
    html! { @if let Some(next) = next { a.button href=(view.address(&next)) { (word) } } }
}
