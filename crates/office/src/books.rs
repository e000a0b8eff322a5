//! The trial's books: the ledger and what is kept in memory of it, and how submissions get into both.
//!
//! Never appends what `admit` did not admit. Submissions that wait at the same time (see `queue`) share one exclusive
//! transaction: each is admitted whole or not at all, on what is true at the moment of the commit, in any process. Readers
//! do not wait for it: they look at the shelf, which moves on when the commit is made.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use jiff::Timestamp;
use ledger::{Head, Ledger, Stored};
use tokio::sync::{Mutex, watch};
use trial::event::{Entered, Seq};
use trial::id::SubjectId;

use crate::action::{Action, Receipt};
use crate::desk::{Desk, is_storable};
use crate::folder::Folder;
use crate::memory::Memory;
use crate::refusal::{Error, place};
use crate::seed::SeedSource;
use crate::shelf::{Shelf, Step, View};
use crate::state::{Trial, entered};

/// What became of a submission.
pub(crate) type Outcome = Result<Vec<Receipt>, Error>;

/// Events that are read at once where another process wrote.
const CATCH_UP: usize = 4_096;

/// The ledger and what is kept in memory of it.
pub(crate) struct Books {
    pub(crate) ledger: Ledger,
    pub(crate) seed: SeedSource,
    pub(crate) shelf: Shelf,
    /// One transaction at a time in this process.
    writing: Mutex<()>,
    /// One reader at a time asks the ledger how far it reaches; the others wait for its answer.
    asking: Mutex<()>,
    transactions: AtomicU64,
    /// How far this office's own submissions have brought the ledger.
    moved: watch::Sender<Seq>,
}

/// Why a group of submissions was not committed. Nothing of it was written, save where a commit itself failed.
enum Failure {
    /// The whole group is concerned.
    All(Error),
    /// The submission of this place failed with events of its own in the transaction, which can only be rolled back as a
    /// whole.
    One(usize, Error),
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(wrong: E) -> Self {
        Self::All(wrong.into())
    }
}

impl Books {
    pub(crate) async fn open(ledger: Ledger, seed: SeedSource, memory: &Memory) -> Result<Self, Error> {
        let shelf = Shelf::new(whole(&ledger).await?, memory);
        let (writing, asking) = (Mutex::new(()), Mutex::new(()));
        let (transactions, (moved, _)) = (AtomicU64::new(0), watch::channel(0));
        Ok(Self { ledger, seed, shelf, writing, asking, transactions, moved })
    }

    /// Tells of every commit of this office from now on.
    pub(crate) fn moves(&self) -> watch::Receiver<Seq> {
        self.moved.subscribe()
    }

    /// Transactions committed so far.
    pub(crate) fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    /// Records a group of submissions in one transaction, in order; one outcome each. Durable on return.
    ///
    /// Where one of them must be rolled back, those before it, it and those after it are recorded apart.
    pub(crate) async fn record(&self, group: &[Vec<Action>]) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(group.len());
        let mut parts = vec![group];
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            match self.together(part).await {
                Ok(of_part) => outcomes.extend(of_part),
                Err(Failure::One(place, _)) if part.len() > 1 => {
                    let (before, rest) = part.split_at(place.min(part.len() - 1));
                    let (one, after) = rest.split_at(1);
                    parts.extend([after, one, before]);
                }
                Err(Failure::All(wrong) | Failure::One(_, wrong)) => {
                    outcomes.extend(part.iter().map(|_| Err(wrong.clone())));
                }
            }
        }
        outcomes
    }

    async fn together(&self, group: &[Vec<Action>]) -> Result<Vec<Outcome>, Failure> {
        let _turn = self.writing.lock().await;
        let mut writer = self.ledger.begin().await?;
        let base = writer.head().await?;
        // Nobody else can write now, so that what is read beside the transaction is all there is.
        let view = self.follow(&base, true).await?;
        let mut desk = Desk::new(view, &self.shelf, &self.seed);
        let mut outcomes = Vec::with_capacity(group.len());
        for (place, actions) in group.iter().enumerate() {
            let reached = writer.head().await?.count;
            let outcome = desk.admit_all(&mut writer, actions).await;
            if let Err(wrong) = &outcome {
                let untouched = writer.head().await?.count == reached;
                if !(untouched && matches!(wrong, Error::Refused(_))) {
                    return Err(Failure::One(place, wrong.clone()));
                }
            }
            outcomes.push(outcome);
            // A large group must not keep a page waiting.
            tokio::task::yield_now().await;
        }
        // A transaction without events ends so too: rolled back, it would cost the ledger its connection.
        let head = writer.commit().await?;
        if head == base {
            self.shelf.keep(&base, desk.untouched());
        } else {
            self.transactions.fetch_add(1, Ordering::Relaxed);
            let (step, folders) = desk.finish(head);
            self.shelf.step(&base, step, folders);
            self.moved.send_replace(head.count);
        }
        self.shelf.confirm(&head, Instant::now());
        Ok(outcomes)
    }

    /// Where the trial stands: true of every submission through this office, and of another process's after a moment.
    pub(crate) async fn view(&self) -> Result<View, Error> {
        if let Some(view) = self.shelf.fresh() {
            return Ok(view);
        }
        let _turn = self.asking.lock().await;
        if let Some(view) = self.shelf.fresh() {
            return Ok(view);
        }
        self.ask().await
    }

    /// Where the trial stands at this moment, whoever wrote.
    pub(crate) async fn ask(&self) -> Result<View, Error> {
        let asked = Instant::now();
        let head = self.ledger.head().await?;
        let view = self.follow(&head, false).await?;
        self.shelf.confirm(&head, asked);
        Ok(view)
    }

    /// Moves the shelf on to `head`, which the ledger has reached. `exactly`: nobody can have moved beyond it.
    async fn follow(&self, head: &Head, exactly: bool) -> Result<View, Error> {
        loop {
            let view = self.shelf.view();
            if view.head == *head || (view.head.count > head.count && !exactly) {
                return Ok(view);
            }
            let behind = view.head.count < head.count;
            if let Some(step) = if behind { self.next_step(&view).await? } else { None } {
                self.shelf.step(&view.head, step, []);
            } else {
                self.shelf.begin_anew(whole(&self.ledger).await?);
            }
        }
    }

    /// The next events after `view`; none where the ledger does not go on from it.
    async fn next_step(&self, view: &View) -> Result<Option<Step>, Error> {
        let mut events = self.ledger.all(view.head.count);
        if events.next().await.transpose()?.is_none_or(|seen| seen.hash != view.head.hash) {
            return Ok(None);
        }
        let mut step = Step { to: view.clone(), changed: Vec::new() };
        for _ in 0..CATCH_UP {
            let Some(stored) = events.next().await.transpose()? else { break };
            let Entered { seq, event } = entered(&stored)?;
            step.to.head = Head { count: seq, hash: stored.hash };
            step.to.last = Some(event.recorded);
            step.changed.extend(event.subject.clone().map(|subject| (seq, subject)));
            if Trial::is_changed_by(&event) {
                Arc::make_mut(&mut step.to.trial).take(&Entered { seq, event })?;
            }
        }
        Ok((step.to.head != view.head).then_some(step))
    }

    /// A subject as it stands; none where the ledger does not know it.
    pub(crate) async fn folder(&self, subject: &SubjectId) -> Result<Option<Arc<Folder>>, Error> {
        let view = self.view().await?;
        if !is_storable(subject) {
            return Ok(None);
        }
        if let Some(folder) = self.shelf.folder(subject) {
            return Ok(Some(folder));
        }
        let stored = self.ledger.of_subject(subject.as_str(), None).await?;
        let folder = Folder::read(&view.trial.history, subject, stored)?;
        if !folder.exists() {
            return Ok(None);
        }
        // The shelf's own: whatever the caller reads of the events goes with the caller's.
        self.shelf.keep(&view.head, [Arc::new(folder.clone())]);
        Ok(Some(Arc::new(folder)))
    }

    /// The subjects with events after `seq`.
    pub(crate) async fn changed_after(&self, seq: Seq) -> Result<BTreeSet<SubjectId>, Error> {
        if let Some(changed) = self.shelf.changed_after(seq) {
            return Ok(changed);
        }
        let mut events = self.ledger.all(seq + 1);
        let mut changed = BTreeSet::new();
        while let Some(stored) = events.next().await.transpose()? {
            changed.extend(entered(&stored)?.event.subject);
        }
        Ok(changed)
    }
}

/// The trial as the whole ledger tells it.
async fn whole(ledger: &Ledger) -> Result<View, Error> {
    let head = ledger.head().await?;
    // Each is read apart, and others may write meanwhile: what came after the head is for the next step.
    let by_head = |mut events: Vec<Stored>| {
        events.retain(|stored| stored.seq <= head.count);
        events
    };
    let whole = by_head(ledger.without_subject(None).await?);
    let randomised = by_head(ledger.of_kind("randomised", None).await?);
    let last = last_moment(ledger, &head).await?;
    let trial = Trial::read(&whole, &randomised)?
        .ok_or_else(|| Error::NoProtocol { path: place(ledger), as_of: None })?;
    Ok(View { head, last, trial: Arc::new(trial) })
}

/// The moment of the last event.
pub(crate) async fn last_moment(ledger: &Ledger, head: &Head) -> Result<Option<Timestamp>, Error> {
    match ledger.event(head.count).await? {
        Some(stored) => Ok(Some(entered(&stored)?.event.recorded)),
        None => Ok(None),
    }
}
