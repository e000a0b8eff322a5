//! The trial's books: the ledger and what is kept in memory of it, and how submissions get into both.
//!
//! Never appends what `admit` did not admit. Submissions that wait at the same time (see `queue`) share one exclusive
//! transaction: each is admitted whole or not at all, on what is true at the moment of the commit, in any process.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use ledger::{Draft, Head, Ledger, Stored, Writer};
use tokio::sync::{Mutex, MutexGuard};
use trial::event::{Event, Role, Seq, What};
use trial::form::FormFault;
use trial::id::SubjectId;
use trial::protocol::Checked;

use crate::action::{Action, Deed, Receipt};
use crate::admit::{self, Admitted};
use crate::allocation::Allocated;
use crate::refusal::{Error, Reason, Refusal};
use crate::seed::{self, seed_path};
use crate::state::{State, Trial, entered};

/// The user name under which the office itself raises queries.
const OFFICE: &str = "trialwright";

/// What became of a submission.
pub(crate) type Outcome = Result<Vec<Receipt>, Error>;

/// The ledger and what is kept in memory of it.
pub(crate) struct Books {
    pub(crate) ledger: Ledger,
    seed: PathBuf,
    state: Mutex<State>,
    transactions: AtomicU64,
}

/// Why a group of submissions was not committed. Nothing of it was written, save where a commit itself failed.
enum Failure {
    /// The whole group is concerned.
    All(Error),
    /// One submission failed with events of its own in the transaction, which can only be rolled back as a whole.
    One(Error),
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(wrong: E) -> Self {
        Self::All(wrong.into())
    }
}

impl Books {
    pub(crate) async fn open(ledger: Ledger) -> Result<Self, Error> {
        let head = ledger.head().await?;
        let trial = whole(&ledger).await?;
        let last = last_moment(&ledger, &head).await?;
        let seed = seed_path(ledger.path());
        let state = Mutex::new(State::new(trial, head, last));
        Ok(Self { ledger, seed, state, transactions: AtomicU64::new(0) })
    }

    /// Transactions committed so far.
    pub(crate) fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    /// Records a group of submissions in one transaction, in order; one outcome each. Durable on return.
    pub(crate) async fn record(&self, group: &[Vec<Action>]) -> Vec<Outcome> {
        match self.together(group).await {
            Ok(outcomes) => outcomes,
            Err(Failure::One(_)) if group.len() > 1 => {
                let mut outcomes = Vec::with_capacity(group.len());
                for one in group {
                    match self.together(std::slice::from_ref(one)).await {
                        Ok(outcome) => outcomes.extend(outcome),
                        Err(Failure::All(wrong) | Failure::One(wrong)) => outcomes.push(Err(wrong)),
                    }
                }
                outcomes
            }
            Err(Failure::All(wrong) | Failure::One(wrong)) => {
                group.iter().map(|_| Err(wrong.clone())).collect()
            }
        }
    }

    async fn together(&self, group: &[Vec<Action>]) -> Result<Vec<Outcome>, Failure> {
        let mut state = self.state.lock().await;
        let mut writer = self.ledger.begin().await?;
        let head = writer.head().await?;
        if state.seen.as_ref() != Some(&head) {
            let (whole, randomised) = (writer.without_subject().await?, writer.of_kind("randomised").await?);
            let last = last_moment(&self.ledger, &head).await?;
            self.renew(&mut state, &whole, &randomised, head, last)?;
        }
        // From here the memory runs ahead of the ledger. Should this stop halfway, `seen` stays empty and the memory is
        // read anew.
        let (before, last) = (state.seen.take(), state.last);
        let mut outcomes = Vec::with_capacity(group.len());
        for actions in group {
            let reached = writer.head().await?.count;
            let outcome = self.admit_all(&mut state, &mut writer, actions).await;
            if let Err(wrong) = &outcome {
                let untouched = writer.head().await?.count == reached;
                if !(untouched && matches!(wrong, Error::Refused(_))) {
                    let wrong = wrong.clone();
                    drop(writer);
                    state.undo(before, last);
                    return Err(Failure::One(wrong));
                }
            }
            outcomes.push(outcome);
        }
        if outcomes.iter().any(Result::is_ok) {
            let head = writer.commit().await?;
            self.transactions.fetch_add(1, Ordering::Relaxed);
            state.settle(head);
        } else {
            drop(writer);
            state.undo(before, last);
        }
        Ok(outcomes)
    }

    /// The memory, brought to where the ledger stands.
    pub(crate) async fn current(&self) -> Result<MutexGuard<'_, State>, Error> {
        let mut state = self.state.lock().await;
        let head = self.ledger.head().await?;
        if state.seen.as_ref() != Some(&head) {
            let whole = self.ledger.without_subject(None).await?;
            let randomised = self.ledger.of_kind("randomised", None).await?;
            let last = last_moment(&self.ledger, &head).await?;
            self.renew(&mut state, &whole, &randomised, head, last)?;
        }
        Ok(state)
    }

    fn renew(
        &self,
        state: &mut State,
        whole: &[Stored],
        randomised: &[Stored],
        head: Head,
        last: Option<Timestamp>,
    ) -> Result<(), Error> {
        let trial = Trial::read(whole, randomised)?
            .ok_or_else(|| Error::NoProtocol { path: self.ledger.path().to_owned(), as_of: None })?;
        *state = State::new(trial, head, last);
        Ok(())
    }

    /// Brings a subject into memory, through the writer where one is at work.
    pub(crate) async fn load(
        &self,
        state: &mut State,
        writer: Option<&mut Writer>,
        subject: &SubjectId,
    ) -> Result<(), Error> {
        if state.dossier(subject).is_some() {
            return Ok(());
        }
        let stored = match writer {
            Some(writer) => writer.of_subject(subject.as_str()).await?,
            None => self.ledger.of_subject(subject.as_str(), None).await?,
        };
        state.keep(subject, &stored)
    }

    async fn admit_all(&self, state: &mut State, writer: &mut Writer, actions: &[Action]) -> Outcome {
        let mut receipts = Vec::with_capacity(actions.len());
        let mut met: HashSet<&SubjectId> = HashSet::new();
        for (index, action) in actions.iter().enumerate() {
            let refused = |reason: Reason| {
                Error::Refused(Box::new(Refusal {
                    index,
                    site: action.site.clone(),
                    subject: action.subject.clone(),
                    deed: action.deed.words(),
                    reason,
                }))
            };
            if let Some(last) = state.last.filter(|last| action.recorded < *last) {
                return Err(refused(Reason::TimeBackwards { last, found: action.recorded }));
            }
            let mut seed = || seed::read(&self.seed, state.trial.commitment.as_deref());
            let admitted = match &action.subject {
                _ if admit::is_of_trial(&action.deed) => {
                    admit::of_trial(&state.trial, action, &mut seed).map_err(refused)?
                }
                None => return Err(refused(Reason::NoSubject)),
                Some(subject) => {
                    self.load(state, Some(writer), subject).await?;
                    let first = met.insert(subject);
                    let mut seed = || seed::read(&self.seed, state.trial.commitment.as_deref());
                    let Some(dossier) = state.subjects.get_mut(subject) else {
                        return Err(Error::Worker(format!("subject {subject} was not kept in memory")));
                    };
                    if let Some(expected) = action.expect.filter(|seen| first && *seen != dossier.last()) {
                        return Err(refused(conflict(subject, expected, dossier.last())));
                    }
                    admit::of_subject(&state.trial, dossier, subject, action, &mut seed).map_err(refused)?
                }
            };
            receipts.push(record(state, writer, action, admitted).await?);
        }
        Ok(receipts)
    }
}

/// Appends what was admitted, and the queries that its soft faults raise.
async fn record(
    state: &mut State,
    writer: &mut Writer,
    action: &Action,
    admitted: Admitted,
) -> Result<Receipt, Error> {
    let Action { who, role, recorded, site, subject, deed, .. } = action;
    let (role, recorded, mut site) = (*role, *recorded, site.clone());
    if let Some(dossier) = subject.as_ref().and_then(|subject| state.subjects.get(subject))
        && site.is_none()
    {
        site = Some(dossier.site.clone());
    }
    let Admitted { what, soft, allocation } = admitted;
    let event =
        Event { who: who.clone(), role, recorded, site: site.clone(), subject: subject.clone(), what };
    let seq = append(state, writer, event, deed).await?;
    let mut queries = Vec::with_capacity(soft.len());
    for (number, fault) in soft.iter().enumerate() {
        // Unique in the subject, since the event is.
        let name = format!("Q{seq}-{}", number + 1);
        let what = query(name.clone(), deed, fault);
        queries.push(name);
        let event = Event {
            who: OFFICE.into(),
            role: Role::System,
            recorded,
            site: site.clone(),
            subject: subject.clone(),
            what,
        };
        append(state, writer, event, deed).await?;
    }
    Ok(Receipt { seq, allocation, soft, queries })
}

async fn append(state: &mut State, writer: &mut Writer, event: Event, deed: &Deed) -> Result<Seq, Error> {
    let stored = writer.append(draft(&event)?).await?;
    let seq = stored.seq;
    state.last = Some(event.recorded);
    let Some(subject) = event.subject.clone() else {
        state.trial_changed = true;
        match (event.what, deed) {
            (What::ProtocolAdopted { .. }, Deed::Adopt { version }) => {
                state.trial.history.adopt(seq, Checked::clone(version));
            }
            (what, _) => state.trial.take(seq, event.site.as_ref(), event.recorded, what),
        }
        return Ok(seq);
    };
    if let Some(allocated) = Allocated::of(seq, &event) {
        state.trial_changed = true;
        state.trial.allocations.push(allocated);
    }
    if !state.touched.contains(&subject) {
        state.touched.push(subject.clone());
    }
    if let Some(dossier) = state.dossier(&subject) {
        // As the ledger gives it back, so that a record is the same whether it was kept or read anew.
        dossier.take(entered(&stored)?);
    }
    Ok(seq)
}

/// The query that a soft fault of a form raises.
fn query(query: String, deed: &Deed, fault: &FormFault) -> What {
    let about = match deed {
        Deed::Save { instance, .. } | Deed::Correct { instance, .. } => Some(instance.clone()),
        _ => None,
    };
    let item = Some(fault.item.clone()).filter(|item| !item.is_empty());
    What::QueryRaised { query, about, item, text: fault.to_string() }
}

fn conflict(subject: &SubjectId, expected: Seq, found: Seq) -> Reason {
    // The ledger would say the same at the append; said here, before faults that later events may explain.
    Reason::Conflict(ledger::Error::Conflict { subject: subject.to_string(), expected, found }.to_string())
}

pub(crate) fn draft(event: &Event) -> Result<Draft, Error> {
    let value = serde_json::to_value(event).map_err(|wrong| Error::Worker(wrong.to_string()))?;
    Ok(Draft::new(value))
}

async fn whole(ledger: &Ledger) -> Result<Trial, Error> {
    let whole = ledger.without_subject(None).await?;
    let randomised = ledger.of_kind("randomised", None).await?;
    Trial::read(&whole, &randomised)?
        .ok_or_else(|| Error::NoProtocol { path: ledger.path().to_owned(), as_of: None })
}

/// The moment of the last event.
pub(crate) async fn last_moment(ledger: &Ledger, head: &Head) -> Result<Option<Timestamp>, Error> {
    match ledger.event(head.count).await? {
        Some(stored) => Ok(Some(entered(&stored)?.event.recorded)),
        None => Ok(None),
    }
}
