//! The write path: founding a trial, and submissions that are admitted whole or not at all.
//!
//! Never appends what `admit` did not admit. One submission is one transaction of the ledger and durable on return; the
//! arm of a randomisation is drawn inside it, so that no two submissions can see the same list.

use std::path::PathBuf;

use jiff::Timestamp;
use ledger::{Draft, Head, Ledger, Stored, Writer};
use tokio::sync::{Mutex, MutexGuard};
use trial::eligibility::{Judged, judge};
use trial::event::{Event, Role, Seq, What};
use trial::form::FormFault;
use trial::id::SubjectId;
use trial::protocol::{Checked, ProtocolHistory};
use trial::randomise::{Seed, commitment};
use trial::record::Record;

use crate::action::{Action, Actor, Deed, Receipt};
use crate::admit::{self, Admitted};
use crate::allocation::{Allocated, AllocationAudit, audit};
use crate::refusal::{Error, Reason, Refusal};
use crate::seed::{self, seed_path};
use crate::state::{Site, State, Trial, entered};

/// The user name under which the office itself raises queries.
const OFFICE: &str = "trialwright";

/// A trial's office: admits and appends. Shared by reference between as many tasks as there are.
pub struct Office {
    ledger: Ledger,
    seed: PathBuf,
    state: Mutex<State>,
}

impl Office {
    /// Founds a trial in an empty ledger: adopts the first protocol version, and keeps `seed` in a file beside it.
    ///
    /// The ledger gets only the seed's commitment. Errors: the ledger is not empty, the seed file exists already.
    pub async fn found(
        ledger: Ledger,
        protocol: Checked,
        seed: Seed,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<Self, Error> {
        Self::begin(ledger, protocol, seed, actor, at, false).await
    }

    /// The same for virtual subjects: whatever is made of the ledger says that it was simulated.
    pub async fn found_simulated(
        ledger: Ledger,
        protocol: Checked,
        seed: Seed,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<Self, Error> {
        Self::begin(ledger, protocol, seed, actor, at, true).await
    }

    async fn begin(
        ledger: Ledger,
        protocol: Checked,
        seed: Seed,
        actor: &Actor,
        at: Timestamp,
        simulated: bool,
    ) -> Result<Self, Error> {
        let events = ledger.head().await?.count;
        if events != 0 {
            return Err(Error::AlreadyFounded { path: ledger.path().to_owned(), events });
        }
        // The seed first: a ledger committed to a seed that was lost could never randomise.
        let path = seed_path(ledger.path());
        seed::create(&path, &seed)?;
        let event = Event {
            who: actor.who.clone(),
            role: actor.role,
            recorded: at,
            site: None,
            subject: None,
            what: What::ProtocolAdopted {
                version: protocol.protocol.trial.version.clone(),
                source: protocol.source,
                seed_commitment: Some(commitment(&seed)),
                simulated,
            },
        };
        ledger.append(vec![draft(&event)?]).await?;
        Self::open(ledger).await
    }

    /// Opens the office of a trial that was founded. The seed file is looked at only when somebody is randomised.
    pub async fn open(ledger: Ledger) -> Result<Self, Error> {
        let head = ledger.head().await?;
        let trial = whole(&ledger).await?;
        let last = last_moment(&ledger, &head).await?;
        let seed = seed_path(ledger.path());
        Ok(Self { ledger, seed, state: Mutex::new(State::new(trial, head, last)) })
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Admits `actions` in order and appends them in one durable transaction: all of them, or none.
    ///
    /// An action's `expect` is held against the ledger where it is the first of its subject in the submission. Errors:
    /// `Refused` names the first action that may not be recorded and everything that is wrong with it.
    pub async fn submit(&self, actions: Vec<Action>) -> Result<Vec<Receipt>, Error> {
        if actions.is_empty() {
            return Ok(Vec::new());
        }
        let mut state = self.state.lock().await;
        let mut writer = self.ledger.begin().await?;
        let head = writer.head().await?;
        if state.seen.as_ref() != Some(&head) {
            let (whole, randomised) = (writer.without_subject().await?, writer.of_kind("randomised").await?);
            let last = last_moment(&self.ledger, &head).await?;
            self.renew(&mut state, &whole, &randomised, head, last)?;
        }
        // From here the memory runs ahead of the ledger. Should this future be dropped, `seen` stays empty and the
        // memory is read anew.
        let (before, last) = (state.seen.take(), state.last);
        match self.admit_all(&mut state, &mut writer, actions).await {
            Ok(receipts) => {
                let head = writer.commit().await?;
                state.settle(head);
                Ok(receipts)
            }
            Err(wrong) => {
                drop(writer);
                state.undo(before, last);
                Err(wrong)
            }
        }
    }

    /// Adopts a further protocol version.
    pub async fn adopt(&self, version: Checked, actor: &Actor, at: Timestamp) -> Result<Seq, Error> {
        let action = Action::new(actor, at, Deed::Adopt { version: Box::new(version) });
        let receipts = self.submit(vec![action]).await?;
        Ok(receipts.first().map_or(0, |receipt| receipt.seq))
    }

    /// The record of a subject as it stands; none where there is no such subject.
    pub async fn subject(&self, subject: &SubjectId) -> Result<Option<Record>, Error> {
        let mut state = self.current().await?;
        self.load(&mut state, None, subject).await?;
        let State { trial, subjects, .. } = &mut *state;
        Ok(subjects
            .get_mut(subject)
            .filter(|dossier| dossier.screened.is_some())
            .map(|dossier| dossier.record(&trial.history, subject).clone()))
    }

    /// Every criterion judged on a subject, under the version in force; none where there is no such subject.
    pub async fn eligibility(&self, subject: &SubjectId) -> Result<Option<Vec<Judged>>, Error> {
        let record = self.subject(subject).await?;
        let state = self.state.lock().await;
        Ok(record.map(|record| judge(state.trial.history.current(), &record)))
    }

    /// The protocol versions.
    pub async fn history(&self) -> Result<ProtocolHistory, Error> {
        Ok(self.current().await?.trial.history.clone())
    }

    /// The open sites, in order of id.
    pub async fn sites(&self) -> Result<Vec<Site>, Error> {
        Ok(self.current().await?.trial.sites.values().cloned().collect())
    }

    /// Recomputes every allocation. Errors: the seed was not revealed.
    pub async fn verify_allocations(&self) -> Result<AllocationAudit, Error> {
        audit(&self.current().await?.trial)
    }

    /// The memory, brought to where the ledger stands.
    async fn current(&self) -> Result<MutexGuard<'_, State>, Error> {
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
    async fn load(
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

    async fn admit_all(
        &self,
        state: &mut State,
        writer: &mut Writer,
        actions: Vec<Action>,
    ) -> Result<Vec<Receipt>, Error> {
        let mut receipts = Vec::with_capacity(actions.len());
        for (index, action) in actions.into_iter().enumerate() {
            let action = action.canonical_values();
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
                    admit::of_trial(&state.trial, &action, &mut seed).map_err(refused)?
                }
                None => return Err(refused(Reason::NoSubject)),
                Some(subject) => {
                    self.load(state, Some(writer), subject).await?;
                    let first = !state.touched.contains(subject);
                    let mut seed = || seed::read(&self.seed, state.trial.commitment.as_deref());
                    let Some(dossier) = state.subjects.get_mut(subject) else {
                        return Err(Error::Worker(format!("subject {subject} was not kept in memory")));
                    };
                    if let Some(expected) = action.expect.filter(|seen| first && *seen != dossier.last()) {
                        return Err(refused(conflict(subject, expected, dossier.last())));
                    }
                    admit::of_subject(&state.trial, dossier, subject, &action, &mut seed).map_err(refused)?
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
    action: Action,
    admitted: Admitted,
) -> Result<Receipt, Error> {
    let Action { who, role, recorded, mut site, subject, deed, .. } = action;
    if let Some(dossier) = subject.as_ref().and_then(|subject| state.subjects.get(subject))
        && site.is_none()
    {
        site = Some(dossier.site.clone());
    }
    let Admitted { what, soft, allocation } = admitted;
    let event = Event { who, role, recorded, site: site.clone(), subject: subject.clone(), what };
    let seq = append(state, writer, event, &deed).await?;
    let mut queries = Vec::with_capacity(soft.len());
    for (number, fault) in soft.iter().enumerate() {
        // Unique in the subject, since the event is.
        let name = format!("Q{seq}-{}", number + 1);
        let what = query(name.clone(), &deed, fault);
        queries.push(name);
        let event = Event {
            who: OFFICE.into(),
            role: Role::System,
            recorded,
            site: site.clone(),
            subject: subject.clone(),
            what,
        };
        append(state, writer, event, &deed).await?;
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

fn draft(event: &Event) -> Result<Draft, Error> {
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
