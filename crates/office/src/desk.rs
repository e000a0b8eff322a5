//! The desk on which one group of submissions is worked: copies of what it touches, until the commit is made.
//!
//! Never changes what readers see: thrown away, it leaves no trace. See `books`, which gives and takes it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use ledger::{Draft, Head, Writer};
use trial::date::{plus_days, utc_date};
use trial::event::{Event, Role, Seq, What};
use trial::form::FormFault;
use trial::id::SubjectId;
use trial::protocol::Checked;

use crate::action::{Action, Deed, Receipt};
use crate::admit::{self, Admitted};
use crate::books::Outcome;
use crate::folder::Folder;
use crate::refusal::{Error, Later, Reason, Refusal};
use crate::seed::SeedSource;
use crate::shelf::{Shelf, Step, View};
use crate::state::{Trial, entered};

/// The user name under which the office itself raises queries.
const OFFICE: &str = "trialwright";
/// Days for the answer to a query that an edit check raises: two weeks, as data management plans commonly ask of sites. Who
/// raises a query says a day of their own.
const DAYS_TO_ANSWER: i64 = 14;

pub(crate) struct Desk<'a> {
    view: View,
    shelf: &'a Shelf,
    seed: &'a SeedSource,
    folders: HashMap<SubjectId, Folder>,
    changed: Vec<(Seq, SubjectId)>,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(view: View, shelf: &'a Shelf, seed: &'a SeedSource) -> Self {
        Self { view, shelf, seed, folders: HashMap::new(), changed: Vec::new() }
    }

    /// The folders, where nothing was recorded.
    pub(crate) fn untouched(self) -> impl Iterator<Item = Arc<Folder>> {
        self.folders.into_values().filter(Folder::exists).map(|mut folder| {
            folder.events.forget(); // a refusal may have read them
            Arc::new(folder)
        })
    }

    /// What the shelf is to hold, now that all is recorded and the ledger stands at `head`.
    pub(crate) fn finish(mut self, head: Head) -> (Step, impl Iterator<Item = Arc<Folder>>) {
        self.view.head = head;
        let history = Arc::clone(&self.view.trial.history);
        let folders = self.folders.into_values().filter(Folder::exists).map(move |mut folder| {
            folder.record(&history);
            folder.events.forget();
            Arc::new(folder)
        });
        (Step { to: self.view, changed: self.changed }, folders)
    }

    /// Admits and appends the actions of one submission, in order.
    pub(crate) async fn admit_all(&mut self, writer: &mut Writer, actions: &[Action]) -> Outcome {
        let now = now();
        let mut receipts = Vec::with_capacity(actions.len());
        let mut met: HashSet<&SubjectId> = HashSet::new();
        for (index, action) in actions.iter().enumerate() {
            // Never before the ledger's last event: where the clock runs behind it, at the same moment.
            let stamp = self.view.last.map_or(now, |last| now.max(last));
            let recorded = action.recorded.unwrap_or(stamp);
            let first = action.subject.as_ref().is_some_and(|subject| met.insert(subject));
            let refused = |reason| {
                Error::Refused(Box::new(Refusal {
                    index,
                    site: action.site.clone(),
                    subject: action.subject.clone(),
                    deed: action.deed.words(),
                    reason,
                }))
            };
            if let Some(subject) = &action.subject {
                if !is_storable(subject) {
                    return Err(refused(Reason::SubjectNumber(subject.to_string())));
                }
                self.load(writer, subject).await?;
            }
            let admitted = self.admit(action, recorded, first).map_err(refused)?;
            receipts.push(self.record(writer, action, recorded, admitted).await?);
        }
        Ok(receipts)
    }

    /// Puts a subject's folder on the desk.
    async fn load(&mut self, writer: &mut Writer, subject: &SubjectId) -> Result<(), Error> {
        if self.folders.contains_key(subject) {
            return Ok(());
        }
        let folder = if let Some(folder) = self.shelf.take(subject) {
            Arc::unwrap_or_clone(folder)
        } else {
            let stored = writer.of_subject(subject.as_str()).await?;
            Folder::read(&self.view.trial.history, subject, stored)?
        };
        self.folders.insert(subject.clone(), folder);
        Ok(())
    }

    /// `first`: the action is the first of its subject in the submission, so that what its author had seen can be held
    /// against the ledger.
    fn admit(&mut self, action: &Action, recorded: Timestamp, first: bool) -> Result<Admitted, Reason> {
        if let Some(last) = self.view.last.filter(|last| recorded < *last) {
            return Err(Reason::TimeBackwards { last, found: recorded });
        }
        let trial = &self.view.trial;
        if admit::is_of_trial(&action.deed) {
            return admit::of_trial(trial, action, self.seed);
        }
        let subject = action.subject.as_ref().ok_or(Reason::NoSubject)?;
        let folder = self.folders.get_mut(subject).ok_or(Reason::NoSubject)?;
        if let Some(expected) = action.expect.filter(|seen| first && *seen != folder.head_of_subject) {
            // The ledger would say the same at the append; said here, before faults that later events may explain.
            return Err(conflict(folder, expected, folder.head_of_subject, |_| true));
        }
        if let (Some(seen), Some(instance)) = (action.over, action.deed.instance()) {
            let record = folder.record(&trial.history);
            let found =
                record.forms.iter().find(|form| form.instance == *instance).map_or(0, |form| form.event);
            if found != seen {
                return Err(conflict(folder, seen, found, |what| what.instance() == Some(instance)));
            }
        }
        admit::of_subject(trial, folder, action, recorded, self.seed)
    }

    /// Appends what was admitted, and the queries that its soft faults raise.
    async fn record(
        &mut self,
        writer: &mut Writer,
        action: &Action,
        recorded: Timestamp,
        admitted: Admitted,
    ) -> Result<Receipt, Error> {
        let Action { who, role, site, subject, deed, .. } = action;
        let home =
            subject.as_ref().and_then(|subject| self.folders.get(subject)).filter(|home| home.exists());
        let site = site.clone().or_else(|| home.map(|home| home.record.site.clone()));
        let (subject, role) = (subject.clone(), *role);
        let Admitted { what, soft, allocation } = admitted;
        let event =
            Event { who: who.clone(), role, recorded, site: site.clone(), subject: subject.clone(), what };
        let seq = self.append(writer, event, deed).await?;
        let mut queries = Vec::with_capacity(soft.len());
        for (number, fault) in soft.iter().enumerate() {
            // Unique in the subject, since the event is.
            let name = format!("Q{seq}-{}", number + 1);
            let what = query(name.clone(), deed, fault, recorded);
            queries.push(name);
            let (who, role, site, subject) = (OFFICE.into(), Role::System, site.clone(), subject.clone());
            self.append(writer, Event { who, role, recorded, site, subject, what }, deed).await?;
        }
        Ok(Receipt { seq, recorded, allocation, soft, queries })
    }

    async fn append(&mut self, writer: &mut Writer, event: Event, deed: &Deed) -> Result<Seq, Error> {
        let stored = writer.append(draft(&event)?).await?;
        let seq = stored.seq;
        self.view.last = Some(event.recorded);
        if Trial::is_changed_by(&event) {
            let trial = Arc::make_mut(&mut self.view.trial);
            match (&event.what, deed) {
                // Read already: reading the whole text again is what takes long.
                (What::ProtocolAdopted { .. }, Deed::Adopt { version }) => {
                    trial.adopt(seq, Checked::clone(version));
                }
                _ => trial.take(&entered(&stored)?)?,
            }
        }
        if let Some(subject) = event.subject {
            if let Some(folder) = self.folders.get_mut(&subject) {
                folder.take(&stored)?;
            }
            self.changed.push((seq, subject));
        }
        Ok(seq)
    }
}

/// The server's clock, to the millisecond.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// Whether a ledger can hold the subject's name at all.
pub(crate) fn is_storable(subject: &SubjectId) -> bool {
    !subject.as_str().is_empty() && !subject.as_str().contains('\0')
}

/// The query that a soft fault of a form raises.
fn query(query: String, deed: &Deed, fault: &FormFault, recorded: Timestamp) -> What {
    let about = deed.instance().cloned();
    let item = Some(fault.item.clone()).filter(|item| !item.is_empty());
    let due = Some(plus_days(utc_date(recorded), DAYS_TO_ANSWER));
    What::QueryRaised { query, about, item, text: fault.to_string(), due }
}

/// `counts`: which of the later events the reader is told of.
fn conflict(folder: &Folder, expected: Seq, found: Seq, counts: impl Fn(&What) -> bool) -> Reason {
    /// More would not fit beside a form.
    const TOLD: usize = 20;
    let later = folder.events.iter().filter(|entered| entered.seq > expected && counts(&entered.event.what));
    Reason::Conflict {
        subject: folder.record.subject.clone(),
        expected,
        found,
        since: later.take(TOLD).map(Later::of).collect(),
    }
}

pub(crate) fn draft(event: &Event) -> Result<Draft, Error> {
    let value = serde_json::to_value(event).map_err(|wrong| Error::Worker(wrong.to_string()))?;
    Ok(Draft::new(value))
}
