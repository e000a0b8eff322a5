//! The little of each subject that lists, counts and the overview need, so that no page folds two thousand records.
//!
//! Never a rule of its own: `trial::{standing, calendar, outstanding}` and `analysis` say everything in it. It is made again
//! when the subject changes, and all are at midnight, since windows open and close by the day.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use analysis::{Detail, SubjectRow};
use jiff::Timestamp;
use jiff::civil::Date;
use office::Events;
use trial::calendar::{Planned, VisitStatus, calendar};
use trial::eligibility::{Judgement, judge};
use trial::event::{Instance, Seq};
use trial::id::{ArmId, SiteId};
use trial::outstanding::{Missing, Options, Outstanding, Target, outstanding};
use trial::protocol::ProtocolHistory;
use trial::record::{Deviation, Query, QueryState, Record};
use trial::review::{Given, Reviewed, review};
use trial::standing::{Standing, standing};

/// One subject in short.
pub(crate) struct Digest {
    pub(crate) site: SiteId,
    pub(crate) screened: Option<Date>,
    /// The day of randomisation and the arm.
    pub(crate) randomised: Option<(Date, ArmId)>,
    pub(crate) standing: Standing,
    /// The criteria that a subject who was not randomised fails, by their ids.
    pub(crate) unmet: Vec<String>,
    /// What is open, overdue or next; what is done or missed is on the subject's own calendar.
    pub(crate) visits: Vec<Planned>,
    /// Visits that were begun, and lack a form.
    pub(crate) begun: Vec<Planned>,
    /// Visits that were made or missed, of those whose window is over.
    pub(crate) made: u32,
    pub(crate) missed: u32,
    /// What is missing, gravest first.
    pub(crate) outstanding: Box<[Owed]>,
    /// Queries that are not closed.
    pub(crate) queries: Vec<Query>,
    /// Those that are.
    pub(crate) closed: Vec<Query>,
    pub(crate) deviations: Vec<Deviation>,
    pub(crate) forms: Forms,
    /// The same of each form.
    pub(crate) looked_after: Box<[LookedAfter]>,
    /// The last event and when it was recorded.
    pub(crate) last: Option<(Seq, Timestamp)>,
    /// What the statistics need.
    pub(crate) row: SubjectRow,
}

/// How far the subject's forms are looked after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Forms {
    pub(crate) saved: u32,
    pub(crate) signed: u32,
    pub(crate) verified: u32,
    pub(crate) locked: u32,
}

/// How far one form is looked after: see `trial::review`.
#[allow(clippy::struct_excessive_bools)] // each is a list of its own on the review's page
pub(crate) struct LookedAfter {
    pub(crate) place: FormPlace,
    /// The event that gave its values.
    pub(crate) event: Seq,
    pub(crate) signature: Given,
    pub(crate) verification: Given,
    pub(crate) open_queries: u32,
    pub(crate) locked: bool,
    pub(crate) to_sign: bool,
    pub(crate) to_verify: bool,
    pub(crate) to_lock: bool,
}

/// Which form; a trial has few ids of forms and visits, and many forms.
pub(crate) struct FormPlace {
    pub(crate) form: Arc<str>,
    pub(crate) visit: Option<Arc<str>>,
    occurrence: u32,
}

impl FormPlace {
    fn of(instance: &Instance) -> Self {
        let visit = instance.visit.as_deref().map(kept_once);
        Self { form: kept_once(&instance.form), visit, occurrence: instance.occurrence }
    }

    pub(crate) fn instance(&self) -> Instance {
        let visit = self.visit.as_deref().map(str::to_owned);
        Instance { form: self.form.as_ref().to_owned(), visit, occurrence: self.occurrence }
    }
}

impl LookedAfter {
    fn of(reviewed: &Reviewed<'_>) -> Self {
        Self {
            place: FormPlace::of(&reviewed.form.instance),
            event: reviewed.form.event,
            signature: reviewed.signature,
            verification: reviewed.verification,
            open_queries: u32::try_from(reviewed.open_queries).unwrap_or(u32::MAX),
            locked: reviewed.is_locked(),
            to_sign: reviewed.to_sign(),
            to_verify: reviewed.to_verify(),
            to_lock: reviewed.to_lock(),
        }
    }

    /// It was corrected after it was signed or verified.
    pub(crate) fn is_stale(&self) -> bool {
        self.signature == Given::Stale || self.verification == Given::Stale
    }
}

/// What is missing. A large trial lacks a hundred thousand things, of which most say the same of another subject: those words
/// are kept once.
pub(crate) struct Owed {
    pub(crate) what: Missing,
    pub(crate) since: Option<Date>,
    pub(crate) by: Option<Date>,
    thing: Arc<Thing>,
}

/// What of it does not hang on a day.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Thing {
    pub(crate) instance: Option<Instance>,
    pub(crate) item: Option<Target>,
    pub(crate) says: String,
    pub(crate) why: String,
}

impl Owed {
    fn of(one: Outstanding) -> Self {
        let Outstanding { what, instance, item, since, by, says, why } = one;
        let thing = Thing { instance, item, says, why };
        let thing = match what {
            // Named by form and visit alone, so that there are no more of them than the protocol has room for.
            Missing::Form | Missing::Signature => said_once(thing),
            _ => Arc::new(thing),
        };
        Self { what, since, by, thing }
    }
}

impl std::ops::Deref for Owed {
    type Target = Thing;

    fn deref(&self) -> &Thing {
        &self.thing
    }
}

fn said_once(thing: Thing) -> Arc<Thing> {
    static SAID: Mutex<BTreeSet<Arc<Thing>>> = Mutex::new(BTreeSet::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = said.get(&thing) {
        return Arc::clone(known);
    }
    let new = Arc::new(thing);
    said.insert(Arc::clone(&new));
    new
}

/// One copy of an id, however many digests hold it. The protocol's forms and visits bound how many there are.
fn kept_once(id: &str) -> Arc<str> {
    static KEPT: Mutex<BTreeSet<Arc<str>>> = Mutex::new(BTreeSet::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept.get(id) {
        return Arc::clone(known);
    }
    let new: Arc<str> = id.into();
    kept.insert(Arc::clone(&new));
    new
}

/// The digest of a subject on `today`.
pub(crate) fn digest(history: &ProtocolHistory, record: &Record, events: &Events, today: Date) -> Digest {
    let derived = trial::derive::derive(history, record, None);
    let calendar = calendar(history.current(), record, today);
    let count = |wanted: fn(&VisitStatus) -> bool| {
        u32::try_from(calendar.visits.iter().filter(|visit| wanted(&visit.status)).count())
            .unwrap_or(u32::MAX)
    };
    let made = count(|status| matches!(status, VisitStatus::Done { .. }));
    let missed = count(|status| matches!(status, VisitStatus::Missed));
    let open = |visit: &Planned| matches!(visit.status, VisitStatus::Open | VisitStatus::Overdue { .. });
    let next = calendar.next().cloned();
    let begun = |visit: &&Planned| matches!(visit.status, VisitStatus::Begun { .. });
    let begun = calendar.visits.iter().filter(begun).cloned().collect();
    let mut visits: Vec<_> = calendar.visits.into_iter().filter(open).collect();
    visits.extend(next.filter(|next| !open(next)));
    // It stands in the memory of all visits, of which few are left.
    visits.shrink_to_fit();
    Digest {
        site: record.site.clone(),
        screened: record.screened.as_ref().map(|fact| fact.value),
        randomised: record.randomised.as_ref().map(|fact| (fact.value.date, fact.value.arm.clone())),
        standing: standing(history, record, &derived, today),
        unmet: unmet(history, record),
        visits,
        begun,
        made,
        missed,
        outstanding: outstanding(history, record, &derived, today, Options::default())
            .into_iter()
            .map(Owed::of)
            .collect(),
        queries: of_state(record, |state| state != QueryState::Closed),
        closed: of_state(record, |state| state == QueryState::Closed),
        deviations: record.deviations.clone(),
        forms: forms(record),
        looked_after: review(history, record).iter().map(LookedAfter::of).collect(),
        last: events.last_recorded(),
        row: analysis::Plan::new(history).row_of(record, &derived, Detail::TABLES),
    }
}

fn of_state(record: &Record, wanted: fn(QueryState) -> bool) -> Vec<Query> {
    record.queries.iter().filter(|query| wanted(query.state())).cloned().collect()
}

fn unmet(history: &ProtocolHistory, record: &Record) -> Vec<String> {
    if record.randomised.is_some() {
        return Vec::new();
    }
    let judged = judge(history.current(), record).into_iter();
    judged.filter(|judged| judged.judgement == Judgement::NotMet).map(|judged| judged.id).collect()
}

fn forms(record: &Record) -> Forms {
    let mut forms = Forms::default();
    for form in &record.forms {
        forms.saved += 1;
        forms.signed += u32::from(form.signature_stands());
        forms.verified += u32::from(form.verification_stands());
        forms.locked += u32::from(form.locked.is_some());
    }
    forms
}
