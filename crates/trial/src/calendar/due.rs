//! Planned visits of one protocol: when each is due and when it still counts as on time; and which were made.
//!
//! Days count from randomisation, the day itself being 0. Never judges what a missed visit means (see the analysis).

use jiff::civil::Date;

use crate::date::{days_between, plus_days};
use crate::event::Seq;
use crate::progression::of_reader;
use crate::protocol::{Concept, Protocol, Visit};
use crate::record::{FilledForm, Record};

/// A planned visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due<'p> {
    /// The visit's id.
    pub visit: &'p str,
    /// Which of a repeating visit, from 1.
    pub occurrence: u32,
    /// Day it is planned at.
    pub day: i64,
    /// First day that counts as on time.
    pub opens: i64,
    /// Last day that does.
    pub closes: i64,
}

impl<'p> Due<'p> {
    /// The `occurrence`th of `visit`, from 1.
    pub fn of(visit: &'p Visit, occurrence: u32) -> Self {
        let after =
            i64::from(occurrence.saturating_sub(1)).saturating_mul(visit.every_days.map_or(0, i64::from));
        let day = visit.day.saturating_add(after);
        Self {
            visit: &visit.id,
            occurrence,
            day,
            opens: day.saturating_sub(i64::from(visit.window_before)),
            closes: day.saturating_add(i64::from(visit.window_after)),
        }
    }

    /// True where `day` is on time.
    pub fn on_time(&self, day: i64) -> bool {
        (self.opens..=self.closes).contains(&day)
    }

    /// The planned day, and the first and last that count as on time, where randomisation was on `start`.
    pub fn dates(&self, start: Date) -> (Date, Date, Date) {
        (plus_days(start, self.day), plus_days(start, self.opens), plus_days(start, self.closes))
    }
}

/// The form of `event`; none where the event is no form or was corrected since.
pub fn form_of(record: &Record, event: Seq) -> Option<&FilledForm> {
    let place = record.forms.binary_search_by_key(&event, |form| form.event).ok()?;
    record.forms.get(place)
}

/// When the form of `event` was due; none where it was filled outside the schedule.
pub fn due_of<'p>(protocol: &'p Protocol, record: &Record, event: Seq) -> Option<Due<'p>> {
    let instance = &form_of(record, event)?.instance;
    let id = instance.visit.as_deref()?;
    let visit = protocol.schedule.visits.iter().find(|visit| visit.id == id)?;
    (instance.occurrence == 1 || visit.every_days.is_some()).then(|| Due::of(visit, instance.occurrence))
}

/// The visits with a form of `concept` that are planned after randomisation and close before day `before`, in order.
pub fn due_before(protocol: &Protocol, concept: Concept, before: i64) -> Vec<Due<'_>> {
    let wanted = |form: &String| protocol.forms.iter().any(|f| f.id == *form && f.concept == concept);
    let mut due = Vec::new();
    for visit in protocol.schedule.visits.iter().filter(|v| v.forms.iter().any(wanted)) {
        for occurrence in 1.. {
            let this = Due::of(visit, occurrence);
            if this.closes >= before {
                break;
            }
            if this.day > 0 {
                due.push(this);
            }
            if visit.every_days.is_none_or(|every| every == 0) {
                break;
            }
        }
    }
    due.sort_by_key(|due| (due.day, due.occurrence));
    due
}

/// The visits of `due_before`, each with whether it was made: a form of `concept` was filled at it, whenever that was, or
/// within its window, wherever it was filed. Of tumour assessments those of the protocol's reader count.
pub fn made<'p>(
    protocol: &'p Protocol,
    record: &Record,
    concept: Concept,
    before: i64,
) -> Vec<(Due<'p>, bool)> {
    let due = due_before(protocol, concept, before);
    let Some(start) = record.randomised.as_ref().map(|fact| fact.value.date) else { return Vec::new() };
    let filled = filled(protocol, record, concept);
    let at: Vec<i64> =
        filled.iter().filter_map(|(event, _)| due_of(protocol, record, *event)).map(|due| due.day).collect();
    let on: Vec<i64> = filled.iter().filter_map(|(_, date)| Some(days_between(start, (*date)?))).collect();
    let was_made = |due: &Due<'_>| at.contains(&due.day) || on.iter().any(|day| due.on_time(*day));
    due.into_iter().map(|due| (due, was_made(&due))).collect()
}

/// The filled forms of `concept`, by event, and the day each speaks of.
pub(super) fn filled(protocol: &Protocol, record: &Record, concept: Concept) -> Vec<(Seq, Option<Date>)> {
    if concept == Concept::TumourAssessment {
        let read = of_reader(record, &protocol.tumour.reader);
        return read.iter().map(|assessment| (assessment.event, Some(assessment.date))).collect();
    }
    let of = |form: &&FilledForm| {
        protocol.forms.iter().any(|known| known.id == form.instance.form && known.concept == concept)
    };
    let forms = record.forms.iter().filter(of);
    forms.map(|form| (form.event, form.date.map(crate::date::PartialDate::first))).collect()
}
