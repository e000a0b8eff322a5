//! A subject's folder: its record, and the events it was folded from.
//!
//! Never shows half a submission: what readers get is what the ledger holds, and a submission works on a copy of its own.

use std::sync::Arc;

use ledger::Stored;
use trial::event::{Entered, Seq};
use trial::id::SubjectId;
use trial::protocol::ProtocolHistory;
use trial::record::Record;

use crate::refusal::Error;
use crate::state::entered;

/// What a byte of stored events takes in memory, read and folded: measured on the demonstration trial (see the example
/// `memory`). JSON's maps are large.
const BYTES_PER_BYTE: usize = 16;

/// One subject: all that the ledger says of it.
#[derive(Clone, Debug)]
pub struct Folder {
    /// What is known of it.
    pub record: Record,
    /// Its events, in order.
    pub events: Vec<Entered>,
    /// The protocol versions under which the record was folded.
    pub history: Arc<ProtocolHistory>,
    /// Its last event; to be handed in with `Action::expecting`.
    pub head_of_subject: Seq,
    /// Events that `record` was folded from.
    folded: usize,
    /// Bytes of its events in the ledger.
    stored: usize,
}

impl Folder {
    /// Folds a subject from its stored events; without any, it is a subject that does not exist yet.
    pub(crate) fn read(
        history: &Arc<ProtocolHistory>,
        subject: &SubjectId,
        stored: &[Stored],
    ) -> Result<Self, Error> {
        let events: Vec<Entered> = stored.iter().map(entered).collect::<Result<_, _>>()?;
        Ok(Self {
            record: Record::fold(history, subject, &events),
            head_of_subject: events.last().map_or(0, |last| last.seq),
            history: Arc::clone(history),
            folded: events.len(),
            stored: stored.iter().map(|stored| stored.bytes.len()).sum(),
            events,
        })
    }

    /// Takes the subject's next event; the record is folded when it is next asked for.
    pub(crate) fn take(&mut self, stored: &Stored) -> Result<(), Error> {
        // As the ledger gives it back, so that a record is the same whether it was kept or read anew.
        let entered = entered(stored)?;
        self.head_of_subject = entered.seq;
        self.stored += stored.bytes.len();
        self.events.push(entered);
        Ok(())
    }

    /// The record of every event so far, as if it were folded from them all.
    pub(crate) fn record(&mut self, history: &Arc<ProtocolHistory>) -> &Record {
        let later = self.events.get(self.folded..).unwrap_or_default();
        self.folded = self.events.len();
        if !Arc::ptr_eq(&self.history, history) {
            self.history = Arc::clone(history);
        }
        // With faults the whole is folded anew: a fold tells them in another order than the events came in.
        let clean = self.record.faults.is_empty() || later.is_empty();
        let absorbed = clean && later.iter().all(|entered| self.record.absorb(history, entered));
        if !absorbed || (!later.is_empty() && !self.record.faults.is_empty()) {
            self.record = Record::fold(history, &self.record.subject, &self.events);
        }
        &self.record
    }

    /// The ledger knows the subject.
    pub(crate) fn exists(&self) -> bool {
        !self.events.is_empty()
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>() + self.stored * BYTES_PER_BYTE
    }
}
