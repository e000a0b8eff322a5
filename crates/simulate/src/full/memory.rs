//! A subject's record of what is entered, as an office would have recorded it and a reader would have folded it.
//!
//! Never judges what is entered, and writes nothing: events are made in their order, folded, and gone.

use office::Deed;
use trial::event::{Entered, Event, Instance, What};
use trial::id::{ArmId, SiteId, SubjectId};
use trial::protocol::ProtocolHistory;
use trial::randomise::Stratum;
use trial::record::Record;

use super::FIRST;
use crate::desk::Pending;

/// The record of `subject` of all that is `pending`, in the order of its moments. `allocation`: arm, stratum and place.
pub fn record(
    history: &ProtocolHistory,
    subject: &SubjectId,
    site: &SiteId,
    mut pending: Vec<Pending>,
    mut allocation: Option<(ArmId, Stratum, u64)>,
) -> Record {
    // What was done at one moment stays in the order it was done in.
    pending.sort_by_cached_key(|pending| pending.at);
    let mut events: Vec<Entered> = Vec::with_capacity(pending.len());
    for Pending { at, role, deed, .. } in pending {
        let seq = FIRST + events.len() as u64;
        let Some(what) = what(deed, &events, &mut allocation) else { continue };
        // The site is read off the first event.
        let site = events.is_empty().then(|| site.clone());
        let event = Event { who: String::new(), role, recorded: at, site, subject: None, what };
        events.push(Entered { seq, event });
    }
    Record::fold_owned(history, subject, events)
}

fn what(deed: Deed, events: &[Entered], allocation: &mut Option<(ArmId, Stratum, u64)>) -> Option<What> {
    Some(match deed {
        Deed::Screen => What::SubjectScreened,
        Deed::Save { instance, values } => What::FormSaved { instance, values },
        Deed::Correct { instance, values, reason } => {
            let corrects = events.iter().rev().find(|entered| gives(&entered.event.what, &instance))?.seq;
            What::FormCorrected { instance, values, corrects, reason }
        }
        Deed::Sign { instance, meaning } => What::FormSigned { instance, meaning },
        Deed::Verify { instance } => What::Verified { instance },
        Deed::Lock { instance, locked } => What::Locked { instance, locked },
        Deed::RaiseQuery { query, about, item, text, due } => {
            What::QueryRaised { query, about, item, text, due }
        }
        Deed::AnswerQuery { query, text } => What::QueryAnswered { query, text },
        Deed::CloseQuery { query } => What::QueryClosed { query },
        Deed::Randomise { date } => {
            let (arm, stratum, position) = allocation.take()?;
            What::Randomised { arm, date, stratum, position, on_behalf: None }
        }
        // No subject's.
        _ => return None,
    })
}

/// Whether an event gave the values of a form.
fn gives(what: &What, form: &Instance) -> bool {
    match what {
        What::FormSaved { instance, .. } | What::FormCorrected { instance, .. } => instance == form,
        _ => false,
    }
}
