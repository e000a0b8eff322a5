//! The board: a small value of every subject, made of its record, for lists and overviews.
//!
//! Never knows what the value says: whoever starts a board hands in the function that makes it. The values are made in the
//! background at the start, in parallel and a few subjects at a time; later only those of subjects that changed are made again.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use ledger::{Head, Stored};
use rayon::prelude::*;
use rpds::RedBlackTreeMapSync;
use tokio::sync::{Mutex, watch};
use trial::event::Seq;
use trial::id::SubjectId;
use trial::protocol::ProtocolHistory;
use trial::record::Record;

use crate::books::Books;
use crate::folder::{Events, Folder};
use crate::office::Office;
use crate::refusal::Error;
use crate::shelf::View;

/// Subjects worked on at a time: enough to keep every core at work, few enough to be small in memory.
const BLOCK: usize = 32;
/// Subjects whose events are asked of the ledger at a time.
const ASKED: usize = 4;
/// So long the background rests after it has brought the board up to date: what many save meanwhile is taken together, and
/// little is left to whoever asks.
const REST: Duration = Duration::from_millis(50);

/// Makes a value of a subject.
type Make<T> = dyn Fn(&ProtocolHistory, &Record, &Events) -> T + Send + Sync;

/// The values of all subjects at a head of the ledger. It never changes; `Board::current` gives a new one.
pub struct Snapshot<T> {
    /// The head up to which every change is seen. A value may rest on later events.
    pub head: Head,
    /// When it was made, by the server's clock.
    pub refreshed: Timestamp,
    history: Arc<ProtocolHistory>,
    subjects: RedBlackTreeMapSync<SubjectId, Arc<T>>,
}

impl<T> Snapshot<T> {
    /// The value of a subject.
    pub fn get(&self, subject: &SubjectId) -> Option<&Arc<T>> {
        self.subjects.get(subject)
    }

    /// Every subject with its value, in order of id.
    pub fn iter(&self) -> impl Iterator<Item = (&SubjectId, &Arc<T>)> {
        self.subjects.iter()
    }

    /// How many subjects there are.
    pub fn len(&self) -> usize {
        self.subjects.size()
    }

    /// There is no subject.
    pub fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }

    /// The protocol versions under which the values were made.
    pub fn history(&self) -> &Arc<ProtocolHistory> {
        &self.history
    }
}

/// How far the first making of a board is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardProgress {
    /// Subjects done.
    pub done: u64,
    /// Subjects there are.
    pub of: u64,
    /// Every value is there.
    pub ready: bool,
}

/// A board. It lives as long as it is held; its values are brought up to date when somebody asks for them.
pub struct Board<T>(Arc<Inner<T>>);

struct Inner<T> {
    books: Arc<Books>,
    make: Box<Make<T>>,
    done: AtomicU64,
    of: AtomicU64,
    ready: AtomicBool,
    latest: RwLock<Option<Arc<Snapshot<T>>>>,
    /// One at a time brings the board up to date; the others wait for what that gives.
    turn: Mutex<()>,
}

impl<T: Send + Sync + 'static> Board<T> {
    /// Starts a board: returns at once, while the values are made in the background.
    ///
    /// `make` runs on worker threads. It must rest on its arguments alone and not on the day, since a value is made again
    /// only when its subject or the protocol changes.
    pub fn start(
        office: &Office,
        make: impl Fn(&ProtocolHistory, &Record, &Events) -> T + Send + Sync + 'static,
    ) -> Self {
        let inner = Arc::new(Inner {
            books: Arc::clone(&office.books),
            make: Box::new(make),
            done: AtomicU64::new(0),
            of: AtomicU64::new(0),
            ready: AtomicBool::new(false),
            latest: RwLock::new(None),
            turn: Mutex::new(()),
        });
        tokio::spawn(Inner::keep_up(Arc::downgrade(&inner), inner.books.moves()));
        Self(inner)
    }

    /// How far the first making is.
    pub fn progress(&self) -> BoardProgress {
        BoardProgress {
            done: self.0.done.load(Ordering::Relaxed),
            of: self.0.of.load(Ordering::Relaxed),
            ready: self.0.ready.load(Ordering::Relaxed),
        }
    }

    /// The values as they stand: with every submission through this office that was acknowledged, and another process's of a
    /// moment ago. Waits while they are made for the first time, or anew under another protocol version.
    pub async fn current(&self) -> Result<Arc<Snapshot<T>>, Error> {
        Inner::current(&self.0).await
    }

    /// The values as they were last made: nobody waits for these. None before they were made for the first time.
    pub fn latest(&self) -> Option<Arc<Snapshot<T>>> {
        self.0.latest()
    }
}

impl<T: Send + Sync + 'static> Inner<T> {
    fn latest(&self) -> Option<Arc<Snapshot<T>>> {
        self.latest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes the board, and brings it up to date after this office's submissions, as long as somebody holds it.
    async fn keep_up(board: Weak<Self>, mut moves: watch::Receiver<Seq>) {
        loop {
            let Some(inner) = board.upgrade() else { return };
            // What goes wrong now is tried again, and told, when somebody asks for the values.
            let _ = Self::current(&inner).await;
            drop(inner);
            tokio::time::sleep(REST).await;
            if moves.changed().await.is_err() {
                return;
            }
        }
    }

    async fn current(inner: &Arc<Self>) -> Result<Arc<Snapshot<T>>, Error> {
        let view = inner.books.view().await?;
        if let Some(snapshot) = inner.latest().filter(|snapshot| snapshot.is_of(&view)) {
            return Ok(snapshot);
        }
        let _turn = inner.turn.lock().await;
        // Others' submissions made while this one waited are taken along.
        let view = inner.books.view().await?;
        let snapshot = match inner.latest() {
            Some(snapshot) if snapshot.is_of(&view) => return Ok(snapshot),
            Some(snapshot) if Arc::ptr_eq(&snapshot.history, &view.trial.history) => {
                Self::refresh(inner, &snapshot, view).await?
            }
            _ => Self::build(inner, view).await?,
        };
        let snapshot = Arc::new(snapshot);
        *inner.latest.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&snapshot));
        inner.ready.store(true, Ordering::Relaxed);
        Ok(snapshot)
    }

    /// Makes every value.
    async fn build(inner: &Arc<Self>, view: View) -> Result<Snapshot<T>, Error> {
        let ledger = &inner.books.ledger;
        inner.of.store(ledger.count_subjects().await?, Ordering::Relaxed);
        inner.done.store(0, Ordering::Relaxed);
        let mut blocks = ledger.subjects(None, BLOCK);
        let mut subjects = RedBlackTreeMapSync::new_sync();
        while let Some(block) = blocks.next().await.transpose()? {
            let (worker, history) = (Arc::clone(inner), Arc::clone(&view.trial.history));
            let block = block.into_iter().map(|(id, stored)| LookedUp::Stored(SubjectId(id), stored));
            let block = block.collect();
            let made = apart(move || worker.make_of(&history, block)).await??;
            inner.done.fetch_add(made.len() as u64, Ordering::Relaxed);
            for (subject, value) in made {
                subjects.insert_mut(subject, value);
            }
        }
        // What was read may be of a later moment than the view; what came in between is made again.
        Ok(Snapshot::new(&view, subjects))
    }

    fn make_of_stored(
        &self,
        history: &Arc<ProtocolHistory>,
        subject: SubjectId,
        stored: Vec<Stored>,
    ) -> Result<(SubjectId, Arc<T>), Error> {
        let folder = Folder::read(history, &subject, stored)?;
        let value = Arc::new((self.make)(history, &folder.record, &folder.events));
        Ok((subject, value))
    }

    /// Makes the values of the subjects that changed.
    async fn refresh(inner: &Arc<Self>, before: &Snapshot<T>, view: View) -> Result<Snapshot<T>, Error> {
        let changed: Vec<SubjectId> =
            inner.books.changed_after(before.head.count).await?.into_iter().collect();
        let mut subjects = before.subjects.clone();
        for some in changed.chunks(BLOCK) {
            let looked_up = inner.look_up(some).await?;
            let (worker, history) = (Arc::clone(inner), Arc::clone(&view.trial.history));
            let made = apart(move || worker.make_of(&history, looked_up)).await??;
            for (subject, value) in made {
                subjects.insert_mut(subject, value);
            }
        }
        Ok(Snapshot::new(&view, subjects))
    }

    /// The subjects, as they are at hand or as the ledger has them.
    async fn look_up(&self, subjects: &[SubjectId]) -> Result<Vec<LookedUp>, Error> {
        let mut found = Vec::with_capacity(subjects.len());
        for some in subjects.chunks(ASKED) {
            let each = some.iter().map(|subject| async move {
                if let Some(folder) = self.books.shelf.folder(subject) {
                    return Ok(LookedUp::Folder(folder));
                }
                let stored = self.books.ledger.of_subject(subject.as_str(), None).await?;
                Ok(LookedUp::Stored(subject.clone(), stored))
            });
            for one in join_all(each).await {
                found.push(one.map_err(|wrong: ledger::Error| Error::from(wrong))?);
            }
        }
        Ok(found)
    }

    fn make_of(
        &self,
        history: &Arc<ProtocolHistory>,
        subjects: Vec<LookedUp>,
    ) -> Result<Vec<(SubjectId, Arc<T>)>, Error> {
        let make = |subject: LookedUp| match subject {
            LookedUp::Folder(folder) => {
                let value = (self.make)(&folder.history, &folder.record, &folder.events);
                Ok((folder.record.subject.clone(), Arc::new(value)))
            }
            LookedUp::Stored(subject, stored) => self.make_of_stored(history, subject, stored),
        };
        // For a few, handing out the work takes longer than the work.
        if subjects.len() < 4 {
            subjects.into_iter().map(make).collect()
        } else {
            subjects.into_par_iter().map(make).collect()
        }
    }
}

/// A subject that changed.
enum LookedUp {
    Folder(Arc<Folder>),
    Stored(SubjectId, Vec<Stored>),
}

impl<T> Snapshot<T> {
    fn new(view: &View, subjects: RedBlackTreeMapSync<SubjectId, Arc<T>>) -> Self {
        let (head, history) = (view.head, Arc::clone(&view.trial.history));
        Self { head, refreshed: Timestamp::now(), history, subjects }
    }

    fn is_of(&self, view: &View) -> bool {
        self.head == view.head && Arc::ptr_eq(&self.history, &view.trial.history)
    }
}

/// Work that takes long, on a thread that nobody waits on.
async fn apart<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> Result<R, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|wrong| Error::Worker(format!("a value of the board could not be made: {wrong}")))
}
