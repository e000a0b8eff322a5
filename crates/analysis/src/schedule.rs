//! Planned visits of one protocol: when each is due and when it still counts as on time.
//!
//! Days count from randomisation, the day itself being 0. Never looks at what happened (see `deviations`, `quality`).

use trial::event::Seq;
use trial::protocol::{Concept, Protocol, Visit};
use trial::record::{FilledForm, Record};

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
    fn of(visit: &'p Visit, occurrence: u32) -> Self {
        let after = i64::from(occurrence.saturating_sub(1)) * visit.every_days.map_or(0, i64::from);
        let day = visit.day + after;
        Self {
            visit: &visit.id,
            occurrence,
            day,
            opens: day - i64::from(visit.window_before),
            closes: day + i64::from(visit.window_after),
        }
    }

    /// True where `day` is on time.
    pub fn on_time(&self, day: i64) -> bool {
        (self.opens..=self.closes).contains(&day)
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
