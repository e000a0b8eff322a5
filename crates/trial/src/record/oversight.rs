//! What watches over the data: queries, signatures, verification against the source, locks.
//!
//! Never a clinical fact, and never cut by a clinical date: each of these has only the moment it was recorded. A signature or a
//! verification speaks of the values it was given for (ICH E6(R3) 4.2.2; 21 CFR 11.70): a later correction voids it.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::{FilledForm, Record, RecordFault, place};
use crate::event::{Entered, Event, Instance, Role, Seq, What};

/// Who did something, and when it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mark {
    /// The user name.
    pub who: String,
    /// The role.
    pub role: Role,
    /// When it was recorded.
    pub recorded: Timestamp,
    /// The event.
    pub event: Seq,
}

impl Mark {
    pub(super) fn of(seq: Seq, event: &Event) -> Self {
        Self { who: event.who.clone(), role: event.role, recorded: event.recorded, event: seq }
    }
}

/// An electronic signature.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Signature {
    /// Who signed, and when.
    pub by: Mark,
    /// What the signature means.
    pub meaning: String,
}

/// An answer to a query.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// Who answered, and when.
    pub by: Mark,
    /// The answer.
    pub text: String,
}

/// Where a query stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryState {
    /// It waits for an answer.
    Raised,
    /// It was answered, and waits for whoever closes it.
    Answered,
    /// It is closed.
    Closed,
}

/// A query with all that became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Query {
    /// Its name, unique in the subject.
    pub id: String,
    /// The form it is about.
    pub about: Option<Instance>,
    /// The item it is about.
    pub item: Option<String>,
    /// The question.
    pub text: String,
    /// The day by which an answer is asked for.
    pub due: Option<Date>,
    /// Who raised it, and when.
    pub raised: Mark,
    /// The answers, in order: one may be given again.
    pub answers: Vec<Answer>,
    /// Who closed it, and when.
    pub closed: Option<Mark>,
}

impl Query {
    /// Where it stands.
    pub fn state(&self) -> QueryState {
        match (&self.closed, self.answers.is_empty()) {
            (Some(_), _) => QueryState::Closed,
            (None, false) => QueryState::Answered,
            (None, true) => QueryState::Raised,
        }
    }

    /// It waits for an answer, and its day is over.
    pub fn is_overdue(&self, today: Date) -> bool {
        self.state() == QueryState::Raised && self.due.is_some_and(|due| due < today)
    }
}

impl FilledForm {
    /// It is signed, and nothing was corrected since.
    pub fn signature_stands(&self) -> bool {
        self.signed.as_ref().is_some_and(|signature| signature.by.event > self.event)
    }

    /// It was verified against its source, and nothing was corrected since.
    pub fn verification_stands(&self) -> bool {
        self.verified.as_ref().is_some_and(|mark| mark.event > self.event)
    }
}

/// What is known of the oversight of one form.
#[derive(Default)]
pub(super) struct Oversight {
    pub(super) signed: Option<Signature>,
    pub(super) verified: Option<Mark>,
    pub(super) locked: Option<Mark>,
}

impl Oversight {
    /// Takes an event that speaks of the form; false where it is none of oversight.
    pub(super) fn take(&mut self, entered: &Entered) -> bool {
        let mark = || Mark::of(entered.seq, &entered.event);
        match &entered.event.what {
            What::FormSigned { meaning, .. } => {
                self.signed = Some(Signature { by: mark(), meaning: meaning.clone() });
            }
            What::Verified { .. } => self.verified = Some(mark()),
            What::Locked { locked, .. } => self.locked = locked.then(mark),
            _ => return false,
        }
        true
    }

    /// Takes the oversight of a form out of it, and `give` puts it back.
    pub(super) fn of(form: &mut FilledForm) -> Self {
        Self { signed: form.signed.take(), verified: form.verified.take(), locked: form.locked.take() }
    }

    pub(super) fn give(self, form: &mut FilledForm) {
        (form.signed, form.verified, form.locked) = (self.signed, self.verified, self.locked);
    }
}

impl Record {
    /// Takes an event of a query; false where it is none.
    pub(super) fn take_query(&mut self, entered: &Entered) -> bool {
        let (seq, event) = (entered.seq, &entered.event);
        let mark = || Mark::of(seq, event);
        let wrong = match &event.what {
            What::QueryRaised { query, about, item, text, due } => {
                let Some(earlier) = self.query(query) else {
                    self.queries.push(Query {
                        id: query.clone(),
                        about: about.clone(),
                        item: item.clone(),
                        text: text.clone(),
                        due: *due,
                        raised: mark(),
                        answers: Vec::new(),
                        closed: None,
                    });
                    return true;
                };
                format!("query {query:?} was raised before, by event {}", earlier.raised.event)
            }
            What::QueryAnswered { query, text } => match self.query(query) {
                Some(Query { closed: None, answers, .. }) => {
                    answers.push(Answer { by: mark(), text: text.clone() });
                    return true;
                }
                found => out_of_turn(query, found.as_deref(), "answered"),
            },
            What::QueryClosed { query } => match self.query(query) {
                Some(open @ Query { closed: None, .. }) => {
                    open.closed = Some(mark());
                    return true;
                }
                found => out_of_turn(query, found.as_deref(), "closed"),
            },
            _ => return false,
        };
        self.faults.push(RecordFault {
            event: seq,
            place: "query".into(),
            item: String::new(),
            message: wrong,
        });
        true
    }

    fn query(&mut self, id: &str) -> Option<&mut Query> {
        self.queries.iter_mut().find(|query| query.id == id)
    }

    /// Keeps as a fault that something speaks of a form that was never saved.
    pub(super) fn never_saved(&mut self, event: Seq, what: &What, instance: &Instance) {
        let message = format!("{} speaks of a form that was never saved", what.kind());
        self.faults.push(RecordFault { event, place: place(instance), item: String::new(), message });
    }
}

fn out_of_turn(id: &str, found: Option<&Query>, meant: &str) -> String {
    match found.and_then(|query| query.closed.as_ref()) {
        Some(closed) => format!("query {id:?} is {meant}, but event {} closed it", closed.event),
        None => format!("query {id:?} is {meant}, but was never raised"),
    }
}
