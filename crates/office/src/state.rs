//! What the office keeps in memory of a ledger: the trial as a whole, and the subjects it last looked at.
//!
//! Never runs ahead of the ledger for longer than one submission, and never holds more than `MOST_SUBJECTS` subjects. All
//! of it can be read anew from the ledger at any moment.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use ledger::{Head, Stored};
use serde_json::{Map, Value};
use trial::event::{Entered, Event, Instance, Seq, What};
use trial::id::{SiteId, SubjectId};
use trial::protocol::{Checked, ProtocolHistory, check};
use trial::randomise::Earlier;
use trial::record::Record;

use crate::allocation::Allocated;
use crate::refusal::Error;

/// Subjects kept in memory at most; the least used half gives way.
const MOST_SUBJECTS: usize = 4_000;

/// An open site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// `SITEID`.
    pub id: SiteId,
    /// Its name.
    pub name: String,
    /// ISO 3166-1 alpha-3 country code.
    pub country: Option<String>,
    /// When it was opened.
    pub opened: Timestamp,
    /// The event that opened it.
    pub event: Seq,
}

/// The trial as a whole: what its events without a subject say, and the allocations.
pub(crate) struct Trial {
    pub(crate) history: ProtocolHistory,
    pub(crate) commitment: Option<String>,
    pub(crate) revealed: Option<(Seq, String)>,
    pub(crate) simulated: bool,
    pub(crate) sites: BTreeMap<SiteId, Site>,
    pub(crate) allocations: Vec<Allocated>,
}

/// An event of the ledger, read.
pub(crate) fn entered(stored: &Stored) -> Result<Entered, Error> {
    Ok(Entered { seq: stored.seq, event: stored.parse::<Event>()? })
}

impl Trial {
    /// Reads the trial from its events without a subject and its allocations, both in order; none without a protocol.
    pub(crate) fn read(whole: &[Stored], randomised: &[Stored]) -> Result<Option<Self>, Error> {
        let mut trial: Option<Self> = None;
        for stored in whole {
            let Entered { seq, event } = entered(stored)?;
            match (&mut trial, event.what) {
                (None, What::ProtocolAdopted { source, seed_commitment, simulated, .. }) => {
                    let first = version(seq, &source)?;
                    trial = Some(Self {
                        history: ProtocolHistory::new(seq, first),
                        commitment: seed_commitment,
                        revealed: None,
                        simulated,
                        sites: BTreeMap::new(),
                        allocations: Vec::new(),
                    });
                }
                (Some(trial), What::ProtocolAdopted { source, .. }) => {
                    trial.history.adopt(seq, version(seq, &source)?);
                }
                (Some(trial), what) => trial.take(seq, event.site.as_ref(), event.recorded, what),
                // Nothing can be said of a trial before its protocol.
                (None, _) => {}
            }
        }
        if let Some(trial) = &mut trial {
            for stored in randomised {
                let Entered { seq, event } = entered(stored)?;
                trial.allocations.extend(Allocated::of(seq, &event));
            }
        }
        Ok(trial)
    }

    /// Takes an event that speaks of the trial as a whole, other than a protocol.
    pub(crate) fn take(&mut self, seq: Seq, site: Option<&SiteId>, recorded: Timestamp, what: What) {
        match (what, site) {
            (What::SiteOpened { name, country }, Some(id)) => {
                let site = Site { id: id.clone(), name, country, opened: recorded, event: seq };
                self.sites.entry(id.clone()).or_insert(site);
            }
            (What::SeedRevealed { seed }, _) => self.revealed = self.revealed.take().or(Some((seq, seed))),
            _ => {}
        }
    }

    /// The allocations as `trial::randomise` asks for them.
    pub(crate) fn earlier(&self) -> Vec<Earlier> {
        self.allocations.iter().map(Allocated::earlier).collect()
    }
}

fn version(seq: Seq, source: &str) -> Result<Checked, Error> {
    check(source).map_err(|faults| Error::Protocol { seq, faults })
}

/// A form that stands.
pub(crate) struct Standing {
    /// The event that gave its values.
    pub(crate) event: Seq,
    /// Its place among the subject's events.
    place: usize,
    /// The event that locked it, while it is locked.
    pub(crate) locked: Option<Seq>,
}

/// A query and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Query {
    pub(crate) raised: Seq,
    pub(crate) closed: Option<Seq>,
}

/// One subject's events, indexed for admission.
#[derive(Default)]
pub(crate) struct Dossier {
    pub(crate) site: SiteId,
    pub(crate) screened: Option<Seq>,
    pub(crate) forms: BTreeMap<Instance, Standing>,
    pub(crate) queries: BTreeMap<String, Query>,
    events: Vec<Entered>,
    record: Option<Record>,
    /// Events that `record` was folded from.
    folded: usize,
    used: u64,
}

impl Dossier {
    fn read(stored: &[Stored]) -> Result<Self, Error> {
        let mut dossier = Self::default();
        for stored in stored {
            dossier.take(entered(stored)?);
        }
        Ok(dossier)
    }

    /// Takes the subject's next event.
    pub(crate) fn take(&mut self, entered: Entered) {
        let (seq, event) = (entered.seq, &entered.event);
        match &event.what {
            What::SubjectScreened => {
                if self.screened.is_none() {
                    self.site = event.site.clone().unwrap_or_default();
                }
                self.screened = self.screened.or(Some(seq));
            }
            What::FormSaved { instance, .. } | What::FormCorrected { instance, .. } => {
                let locked = self.forms.get(instance).and_then(|form| form.locked);
                let standing = Standing { event: seq, place: self.events.len(), locked };
                self.forms.insert(instance.clone(), standing);
            }
            What::Locked { instance, locked } => {
                if let Some(form) = self.forms.get_mut(instance) {
                    form.locked = locked.then_some(seq);
                }
            }
            What::QueryRaised { query, .. } => {
                self.queries.entry(query.clone()).or_insert(Query { raised: seq, closed: None });
            }
            What::QueryClosed { query } => {
                if let Some(query) = self.queries.get_mut(query) {
                    query.closed = query.closed.or(Some(seq));
                }
            }
            _ => {}
        }
        self.events.push(entered);
    }

    /// The last event; 0 where there is none.
    pub(crate) fn last(&self) -> Seq {
        self.events.last().map_or(0, |entered| entered.seq)
    }

    /// The values of a form as it stands.
    pub(crate) fn values(&self, form: &Standing) -> Option<&Map<String, Value>> {
        match &self.events.get(form.place)?.event.what {
            What::FormSaved { values, .. } | What::FormCorrected { values, .. } => Some(values),
            _ => None,
        }
    }

    /// The record of every event so far, as if it were folded from them all.
    pub(crate) fn record(&mut self, history: &ProtocolHistory, subject: &SubjectId) -> &Record {
        let later = self.events.get(self.folded..).unwrap_or_default();
        self.folded = self.events.len();
        // With faults the whole is folded anew: a fold tells them in another order than the events came in.
        let kept = self.record.take().filter(|record| record.faults.is_empty()).and_then(|mut record| {
            let absorbed = later.iter().all(|entered| record.absorb(history, entered));
            (absorbed && record.faults.is_empty()).then_some(record)
        });
        self.record.insert(kept.unwrap_or_else(|| Record::fold(history, subject, &self.events)))
    }
}

/// All that is kept.
pub(crate) struct State {
    /// Where the ledger stood when this was true of it; none: it must be read anew.
    pub(crate) seen: Option<Head>,
    /// The moment of its last event.
    pub(crate) last: Option<Timestamp>,
    pub(crate) trial: Trial,
    pub(crate) subjects: HashMap<SubjectId, Dossier>,
    /// What the submission under way has changed.
    pub(crate) touched: Vec<SubjectId>,
    pub(crate) trial_changed: bool,
    clock: u64,
}

impl State {
    pub(crate) fn new(trial: Trial, seen: Head, last: Option<Timestamp>) -> Self {
        Self {
            seen: Some(seen),
            last,
            trial,
            subjects: HashMap::new(),
            touched: Vec::new(),
            trial_changed: false,
            clock: 0,
        }
    }

    /// Puts a subject's dossier into memory.
    pub(crate) fn keep(&mut self, subject: &SubjectId, stored: &[Stored]) -> Result<(), Error> {
        if self.subjects.len() >= MOST_SUBJECTS {
            self.make_room();
        }
        self.subjects.insert(subject.clone(), Dossier::read(stored)?);
        Ok(())
    }

    /// A subject in memory, marked as just used.
    pub(crate) fn dossier(&mut self, subject: &SubjectId) -> Option<&mut Dossier> {
        self.clock += 1;
        let dossier = self.subjects.get_mut(subject)?;
        dossier.used = self.clock;
        Some(dossier)
    }

    fn make_room(&mut self) {
        let mut used: Vec<u64> = self.subjects.values().map(|dossier| dossier.used).collect();
        used.sort_unstable();
        let median = used[used.len() / 2];
        // What the submission under way has added is not in the ledger yet.
        let touched = std::mem::take(&mut self.touched);
        self.subjects.retain(|id, dossier| dossier.used > median || touched.contains(id));
        self.touched = touched;
    }

    /// The submission was committed: the memory stands where the ledger does.
    pub(crate) fn settle(&mut self, head: Head) {
        self.seen = Some(head);
        self.touched.clear();
        self.trial_changed = false;
    }

    /// The submission was refused: what it touched is forgotten. `before` is where the memory stood when it began.
    pub(crate) fn undo(&mut self, before: Option<Head>, last: Option<Timestamp>) {
        for subject in std::mem::take(&mut self.touched) {
            self.subjects.remove(&subject);
        }
        self.seen = before.filter(|_| !self.trial_changed);
        self.last = last;
        self.trial_changed = false;
    }
}
