//! How far the forms of a subject are looked after: signed, verified against their source, locked; and what is still to be done.
//!
//! Never a clinical rule, and never asks for a signature under a patient's own answers. A signature or a verification stands until
//! the form is corrected (see `record::oversight`).

use crate::protocol::{Concept, ProtocolHistory};
use crate::record::{FilledForm, QueryState, Record};

/// Whether something was given to a form, and stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Given {
    /// It was, and the form has not changed since.
    Stands,
    /// It was, and the form was corrected since.
    Stale,
    /// It was not.
    Not,
    /// It is not asked for.
    NotAsked,
}

/// A form and how far it is looked after.
#[derive(Clone, Copy, Debug)]
pub struct Reviewed<'r> {
    /// The form.
    pub form: &'r FilledForm,
    /// The investigator's signature.
    pub signature: Given,
    /// The verification against its source.
    pub verification: Given,
    /// Queries about it that are not closed.
    pub open_queries: usize,
}

impl Reviewed<'_> {
    /// Somebody closed it to changes.
    pub fn is_locked(&self) -> bool {
        self.form.locked.is_some()
    }

    /// It waits for a signature: it has none that stands, and can be signed, which a locked form cannot.
    pub fn to_sign(&self) -> bool {
        !self.is_locked() && matches!(self.signature, Given::Not | Given::Stale)
    }

    /// It waits for a verification against its source.
    pub fn to_verify(&self) -> bool {
        matches!(self.verification, Given::Not | Given::Stale)
    }

    /// It was corrected after it was signed or verified.
    pub fn is_stale(&self) -> bool {
        self.signature == Given::Stale || self.verification == Given::Stale
    }

    /// Nothing is left to be done to it but to lock it: it is signed and verified, and nothing is asked about it.
    pub fn to_lock(&self) -> bool {
        !self.is_locked()
            && matches!(self.signature, Given::Stands | Given::NotAsked)
            && matches!(self.verification, Given::Stands | Given::NotAsked)
            && self.open_queries == 0
    }
}

/// Every filled form of the subject, in the order of the events that gave their values.
pub fn review<'r>(history: &ProtocolHistory, record: &'r Record) -> Vec<Reviewed<'r>> {
    record.forms.iter().map(|form| of(history, record, form)).collect()
}

fn of<'r>(history: &ProtocolHistory, record: &Record, form: &'r FilledForm) -> Reviewed<'r> {
    let given = |was: bool, stands: bool| match (was, stands) {
        (true, true) => Given::Stands,
        (true, false) => Given::Stale,
        (false, _) => Given::Not,
    };
    let definition = history.at(form.event).forms.iter().find(|known| known.id == form.instance.form);
    let own_answers = definition.is_some_and(|known| known.concept == Concept::FactB);
    let signature = given(form.signed.is_some(), form.signature_stands());
    let open = record.queries.iter().filter(|query| query.state() != QueryState::Closed);
    Reviewed {
        form,
        // A patient's answers are the patient's: nobody else confirms them.
        signature: if own_answers && signature == Given::Not { Given::NotAsked } else { signature },
        verification: given(form.verified.is_some(), form.verification_stands()),
        open_queries: open.filter(|query| query.about.as_ref() == Some(&form.instance)).count(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::event::{Entered, Event, Role};
    use crate::id::SubjectId;
    use crate::protocol::check;

    fn record(steps: &[Value]) -> (ProtocolHistory, Record) {
        let protocol = check(include_str!("../../../protocols/avatar-ii.toml")).unwrap();
        let history = ProtocolHistory::new(1, protocol);
        let subject = SubjectId::from("01-001");
        let events: Vec<Entered> = steps
            .iter()
            .zip(2..)
            .map(|(what, seq)| {
                let event = Event {
                    who: "anna".into(),
                    role: Role::Investigator,
                    recorded: "2026-01-05T08:00:00Z".parse().unwrap(),
                    site: Some("01".into()),
                    subject: Some(subject.clone()),
                    what: serde_json::from_value(what.clone()).unwrap(),
                };
                Entered { seq, event }
            })
            .collect();
        let record = Record::fold(&history, &subject, &events);
        (history, record)
    }

    fn saved() -> Value {
        json!({ "kind": "form_saved", "form": "ecog", "visit": "W12", "values": { "QSDAT": "2026-01-04", "ECOG": 1 } })
    }
    fn corrected() -> Value {
        json!({ "kind": "form_corrected", "form": "ecog", "visit": "W12", "values": { "QSDAT": "2026-01-04", "ECOG": 0 },
            "corrects": 2, "reason": "r" })
    }
    fn signed() -> Value {
        json!({ "kind": "form_signed", "form": "ecog", "visit": "W12", "meaning": "m" })
    }
    fn verified() -> Value {
        json!({ "kind": "verified", "form": "ecog", "visit": "W12" })
    }
    fn locked(locked: bool) -> Value {
        json!({ "kind": "locked", "form": "ecog", "visit": "W12", "locked": locked })
    }
    fn raised() -> Value {
        json!({ "kind": "query_raised", "query": "Q1", "about": { "form": "ecog", "visit": "W12" }, "text": "?" })
    }
    fn closed() -> Value {
        json!({ "kind": "query_closed", "query": "Q1" })
    }

    /// To sign, to verify, stale, to lock. A signature speaks of the values it was given for (21 CFR 11.70).
    #[rstest]
    #[case::new(&[saved()], [true, true, false, false])]
    #[case::signed(&[saved(), signed()], [false, true, false, false])]
    #[case::both(&[saved(), signed(), verified()], [false, false, false, true])]
    #[case::asked_about(&[saved(), signed(), verified(), raised()], [false, false, false, false])]
    #[case::answered_for(&[saved(), signed(), verified(), raised(), closed()], [false, false, false, true])]
    #[case::corrected(&[saved(), signed(), verified(), corrected()], [true, true, true, false])]
    #[case::signed_again(&[saved(), signed(), corrected(), signed()], [false, true, false, false])]
    #[case::locked(&[saved(), signed(), verified(), locked(true)], [false, false, false, false])]
    #[case::locked_unsigned(&[saved(), locked(true)], [false, true, false, false])]
    #[case::unlocked(&[saved(), signed(), verified(), locked(true), locked(false)], [false, false, false, true])]
    fn what_is_to_be_done_to_a_form(#[case] steps: &[Value], #[case] want: [bool; 4]) {
        let (history, record) = record(steps);
        let reviewed = review(&history, &record);
        let one = reviewed[0];
        assert_eq!([one.to_sign(), one.to_verify(), one.is_stale(), one.to_lock()], want);
    }

    #[test]
    fn a_patients_answers_are_not_signed_for() {
        let (history, record) = record(&[
            json!({ "kind": "form_saved", "form": "factb", "visit": "W12", "values": { "QSDAT": "2026-01-04" } }),
        ]);
        let reviewed = review(&history, &record);
        assert_eq!((reviewed[0].signature, reviewed[0].to_sign()), (Given::NotAsked, false));
    }
}
