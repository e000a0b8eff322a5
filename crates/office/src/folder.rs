//! A subject's folder: its record, and the events it was folded from.
//!
//! Never shows half a submission: what readers get is what the ledger holds, and a submission works on a copy of its own.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use ledger::Stored;
use trial::event::{Entered, Seq};
use trial::id::SubjectId;
use trial::protocol::ProtocolHistory;
use trial::record::Record;

use crate::refusal::Error;
use crate::state::entered;
use crate::weight;

/// One subject: all that the ledger says of it. A copy costs little: it shares what it holds until one of the two is changed.
#[derive(Clone, Debug)]
pub struct Folder {
    /// What is known of it.
    pub record: Arc<Record>,
    /// Its events, in order.
    pub events: Events,
    /// The protocol versions under which the record was folded.
    pub history: Arc<ProtocolHistory>,
    /// Its last event; to be handed in with `Action::expecting`.
    pub head_of_subject: Seq,
    /// Events that `record` does not hold yet.
    later: Vec<Entered>,
}

/// A subject's events as the ledger holds them: read when somebody first looks at one, since lists and saves look at the
/// record alone, and read events take many times the memory.
pub struct Events {
    stored: Arc<Vec<Stored>>,
    bytes: usize,
    last: Option<(Seq, Timestamp)>,
    read: OnceLock<Vec<Entered>>,
}

impl Events {
    /// The last event and when it was recorded, without reading the others.
    pub fn last_recorded(&self) -> Option<(Seq, Timestamp)> {
        self.last
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.stored.len()
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.stored.is_empty()
    }

    /// Lets go of what was read of them.
    pub(crate) fn forget(&mut self) {
        self.read = OnceLock::new();
    }

    fn push(&mut self, stored: &Stored, entered: &Entered) {
        self.bytes += stored.bytes.len();
        self.last = Some((entered.seq, entered.event.recorded));
        self.forget();
        Arc::make_mut(&mut self.stored).push(stored.clone());
    }
}

impl Deref for Events {
    type Target = [Entered];

    fn deref(&self) -> &[Entered] {
        // Each was read before it came in here: none is lost.
        self.read.get_or_init(|| self.stored.iter().filter_map(|stored| entered(stored).ok()).collect())
    }
}

impl<'e> IntoIterator for &'e Events {
    type Item = &'e Entered;
    type IntoIter = std::slice::Iter<'e, Entered>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Clone for Events {
    /// What was read stays with whoever asked for it.
    fn clone(&self) -> Self {
        let stored = Arc::clone(&self.stored);
        Self { stored, bytes: self.bytes, last: self.last, read: OnceLock::new() }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Folder {
    /// Folds a subject from its stored events; without any, it is a subject that does not exist yet.
    pub(crate) fn read(
        history: &Arc<ProtocolHistory>,
        subject: &SubjectId,
        stored: Vec<Stored>,
    ) -> Result<Self, Error> {
        let events: Vec<Entered> = stored.iter().map(entered).collect::<Result<_, _>>()?;
        let last = events.last().map(|last| (last.seq, last.event.recorded));
        let bytes = stored.iter().map(|stored| stored.bytes.len()).sum();
        Ok(Self {
            record: Arc::new(Record::fold_owned(history, subject, events)),
            head_of_subject: last.map_or(0, |(seq, _)| seq),
            history: Arc::clone(history),
            events: Events { stored: Arc::new(stored), bytes, last, read: OnceLock::new() },
            later: Vec::new(),
        })
    }

    /// Takes the subject's next event; the record is folded when it is next asked for.
    pub(crate) fn take(&mut self, stored: &Stored) -> Result<(), Error> {
        // As the ledger gives it back, so that a record is the same whether it was kept or read anew.
        let entered = entered(stored)?;
        self.head_of_subject = entered.seq;
        self.events.push(stored, &entered);
        self.later.push(entered);
        Ok(())
    }

    /// The record of every event so far, as if it were folded from them all.
    pub(crate) fn record(&mut self, history: &Arc<ProtocolHistory>) -> &Record {
        if !Arc::ptr_eq(&self.history, history) {
            self.history = Arc::clone(history);
        }
        let later = std::mem::take(&mut self.later);
        if later.is_empty() {
            return &self.record;
        }
        // With faults the whole is folded anew: a fold tells them in another order than the events came in.
        let absorbed = self.record.faults.is_empty() && {
            let record = Arc::make_mut(&mut self.record);
            later.iter().all(|entered| record.absorb(history, entered)) && record.faults.is_empty()
        };
        if !absorbed {
            let subject = self.record.subject.clone();
            self.record = Arc::new(Record::fold_owned(history, &subject, self.events.to_vec()));
            self.events.forget();
        }
        &self.record
    }

    /// The ledger knows the subject.
    pub(crate) fn exists(&self) -> bool {
        !self.events.is_empty()
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn weight(&self) -> usize {
        let stored = weight::block(self.events.stored.capacity() * size_of::<Stored>()) + self.events.bytes;
        weight::block(size_of::<Self>()) + weight::of_record(&self.record) + stored
    }
}
