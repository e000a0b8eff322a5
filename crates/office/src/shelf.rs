//! What is kept in memory of the ledger and true of it: the trial as a whole, the folders last looked at, and which subjects
//! changed of late.
//!
//! Never ahead of the ledger: it moves from one head to a later one, whole, once what lies between is on the disk. Its lock is
//! never held while something is waited for. All of it can be read anew from the ledger at any moment.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ledger::Head;
use lru::LruCache;
use trial::event::Seq;
use trial::id::SubjectId;

use crate::folder::Folder;
use crate::memory::{Holder, Memory};
use crate::state::Trial;

/// For so long the ledger is not asked again whether another process wrote: a page may be that old, and pages that come in
/// quick succession do not each ask.
const FRESH: Duration = Duration::from_millis(100);
/// Events whose subjects are remembered: whoever looks again before so many came in between need not read them.
const RECENT: usize = 16_384;

/// Where the trial stands at a head of its ledger.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) head: Head,
    /// The moment of the last event.
    pub(crate) last: Option<Timestamp>,
    pub(crate) trial: Arc<Trial>,
}

/// What lies between two heads of the ledger.
pub(crate) struct Step {
    /// The later head, and the trial at it.
    pub(crate) to: View,
    /// The events between them, each with its subject.
    pub(crate) changed: Vec<(Seq, SubjectId)>,
}

/// The shelf.
pub(crate) struct Shelf {
    kept: Arc<Mutex<Kept>>,
    memory: Memory,
}

struct Kept {
    view: View,
    /// When the view's head was last known to be the ledger's.
    checked: Instant,
    folders: LruCache<SubjectId, Held>,
    memory: Memory,
    recent: VecDeque<(Seq, SubjectId)>,
    /// Every event after this one that has a subject is in `recent`.
    recent_after: Seq,
}

/// A folder on the shelf.
struct Held {
    folder: Arc<Folder>,
    weight: usize,
    /// The last look at it.
    look: u64,
}

impl Shelf {
    pub(crate) fn new(view: View, memory: &Memory) -> Self {
        let kept = Arc::new(Mutex::new(Kept {
            recent_after: view.head.count,
            view,
            checked: Instant::now(),
            folders: LruCache::unbounded(),
            memory: memory.clone(),
            recent: VecDeque::new(),
        }));
        let holder: Weak<Mutex<Kept>> = Arc::downgrade(&kept);
        memory.join(holder);
        Self { kept, memory: memory.clone() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        lock(&self.kept)
    }

    /// What the folders may take.
    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(crate) fn view(&self) -> View {
        self.kept().view.clone()
    }

    /// The view, where it is too young to be asked about.
    pub(crate) fn fresh(&self) -> Option<View> {
        let kept = self.kept();
        (kept.checked.elapsed() < FRESH).then(|| kept.view.clone())
    }

    /// Notes that the ledger stood at `head` when it was asked at `when`.
    pub(crate) fn confirm(&self, head: &Head, when: Instant) {
        let mut kept = self.kept();
        if kept.view.head == *head {
            kept.checked = kept.checked.max(when);
        }
    }

    /// A folder, where it is at hand. It is the caller's own: whatever events are read of it go with it.
    pub(crate) fn folder(&self, subject: &SubjectId) -> Option<Arc<Folder>> {
        let look = self.memory.look();
        let folder = self.kept().look_at(subject, look)?;
        Some(Arc::new(Folder::clone(&folder)))
    }

    /// Takes a folder out, to be changed and given back.
    pub(crate) fn take(&self, subject: &SubjectId) -> Option<Arc<Folder>> {
        self.kept().remove(subject)
    }

    /// Keeps folders that were read, or are given back unchanged, when the shelf stood at `head`; not those whose subject
    /// changed since, or of which that is not known.
    pub(crate) fn keep(&self, head: &Head, folders: impl IntoIterator<Item = Arc<Folder>>) {
        let mut kept = self.kept();
        let mut gone = Vec::new();
        for folder in folders {
            // One that is there was read or given back by somebody else: it is as good.
            let there = kept.folders.contains(&folder.record.subject);
            if there || !kept.holds_of(head, &folder) {
                gone.push(folder);
            } else {
                gone.extend(kept.put(folder));
            }
        }
        drop(kept);
        drop(gone); // what is large is not freed while others wait
        self.memory.make_room();
    }

    /// Moves on from `from`, with the folders as they are after the step, at a moment when that was the ledger's head. Nothing
    /// is done where somebody else moved the shelf meanwhile: what they read of the ledger held this step too.
    pub(crate) fn step(&self, from: &Head, step: Step, folders: impl IntoIterator<Item = Arc<Folder>>) {
        let mut kept = self.kept();
        if kept.view.head != *from {
            return;
        }
        let mut gone = Vec::new();
        for (seq, subject) in step.changed {
            gone.extend(kept.remove(&subject));
            kept.recent.push_back((seq, subject));
        }
        while kept.recent.len() > RECENT {
            let oldest = kept.recent.pop_front();
            kept.recent_after = oldest.map_or(kept.recent_after, |(seq, _)| seq);
        }
        if !Arc::ptr_eq(&kept.view.trial.history, &step.to.trial.history) {
            // Each names the protocol versions it was folded under.
            kept.clear();
        }
        kept.view = step.to;
        for folder in folders {
            gone.extend(kept.put(folder));
        }
        drop(kept);
        drop(gone);
        self.memory.make_room();
    }

    /// Begins anew from `view`: the ledger is not the one that was seen before.
    pub(crate) fn begin_anew(&self, view: View) {
        let mut kept = self.kept();
        kept.clear();
        kept.recent.clear();
        kept.recent_after = view.head.count;
        kept.view = view;
        kept.checked = Instant::now();
    }

    /// The subjects of the events after `seq`, where they are all remembered.
    pub(crate) fn changed_after(&self, seq: Seq) -> Option<BTreeSet<SubjectId>> {
        let kept = self.kept();
        if seq < kept.recent_after || seq > kept.view.head.count {
            return None;
        }
        let later = kept.recent.iter().rev().take_while(|(event, _)| *event > seq);
        Some(later.map(|(_, subject)| subject.clone()).collect())
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    // No step here can stop halfway and leave the shelf untrue.
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Holder for Mutex<Kept> {
    fn oldest(&self) -> Option<u64> {
        lock(self).folders.peek_lru().map(|(_, held)| held.look)
    }

    fn let_go(&self) -> Option<Arc<Folder>> {
        let mut kept = lock(self);
        let (_, held) = kept.folders.pop_lru()?;
        kept.memory.free(held.weight);
        Some(held.folder)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Kept {
    fn look_at(&mut self, subject: &SubjectId, look: u64) -> Option<Arc<Folder>> {
        let held = self.folders.get_mut(subject)?;
        held.look = look;
        Some(Arc::clone(&held.folder))
    }

    fn remove(&mut self, subject: &SubjectId) -> Option<Arc<Folder>> {
        let held = self.folders.pop(subject)?;
        self.memory.free(held.weight);
        Some(held.folder)
    }

    fn clear(&mut self) {
        self.memory.free(self.folders.iter().map(|(_, held)| held.weight).sum());
        self.folders.clear();
    }

    /// Whether a folder read at `head` is one of now.
    fn holds_of(&self, head: &Head, folder: &Folder) -> bool {
        let mut since = self.recent.iter().rev().take_while(|(seq, _)| *seq > head.count);
        self.recent_after <= head.count
            && Arc::ptr_eq(&self.view.trial.history, &folder.history)
            && since.all(|(_, subject)| *subject != folder.record.subject)
    }

    fn put(&mut self, folder: Arc<Folder>) -> Option<Arc<Folder>> {
        let earlier = self.remove(&folder.record.subject);
        let (weight, look) = (folder.weight(), self.memory.look());
        self.memory.take(weight);
        self.folders.put(folder.record.subject.clone(), Held { folder, weight, look });
        earlier
    }
}

#[cfg(test)]
mod tests {
    use ledger::{Hash, Stored};
    use trial::protocol::{ProtocolHistory, check};

    use super::*;

    const AVATAR: &str = include_str!("../../../protocols/avatar-ii.toml");

    fn view(count: u8, trial: &Arc<Trial>) -> View {
        let head = Head { count: Seq::from(count), hash: Hash([count; 32]) };
        View { head, last: None, trial: Arc::clone(trial) }
    }

    fn at_first() -> (Shelf, Arc<Trial>) {
        let trial = Arc::new(Trial {
            history: Arc::new(ProtocolHistory::new(1, check(AVATAR).unwrap())),
            commitment: None,
            revealed: None,
            simulated: false,
            sites: std::collections::BTreeMap::new(),
            grants: std::collections::BTreeMap::new(),
            allocations: Vec::new(),
        });
        (Shelf::new(view(10, &trial), &Memory::default()), trial)
    }

    fn folder(trial: &Trial, subject: &str) -> Arc<Folder> {
        let bytes =
            r#"{"kind":"subject_screened","recorded":"2026-03-01T08:00:00Z","role":"monitor","who":"a"}"#;
        let stored = Stored { seq: 5, hash: Hash::ZERO, bytes: bytes.into() };
        Arc::new(Folder::read(&trial.history, &subject.into(), vec![stored]).unwrap())
    }

    fn step(shelf: &Shelf, trial: &Arc<Trial>, from: u8, changed: &[&str]) {
        let to = view(from + u8::try_from(changed.len()).unwrap(), trial);
        let seqs = Seq::from(from) + 1..;
        let changed = seqs.zip(changed).map(|(seq, subject)| (seq, (*subject).into())).collect();
        shelf.step(&view(from, trial).head, Step { to, changed }, []);
    }

    /// A reader takes its time, and others write meanwhile: what it read is kept only where it is still true.
    #[test]
    fn what_was_read_before_its_subject_changed_is_not_kept() {
        let (shelf, trial) = at_first();
        let [one, two] = ["1", "2"].map(|subject| folder(&trial, subject));
        step(&shelf, &trial, 10, &["1"]);
        shelf.keep(&view(10, &trial).head, [one.clone(), two.clone()]);
        assert!(shelf.folder(&"1".into()).is_none() && shelf.folder(&"2".into()).is_some());
        shelf.keep(&view(11, &trial).head, [one]);
        assert!(shelf.folder(&"1".into()).is_some(), "read after the change");
        // Read before the shelf began to remember what changes.
        shelf.begin_anew(view(12, &trial));
        shelf.keep(&view(11, &trial).head, [two]);
        assert!(shelf.folder(&"2".into()).is_none());
    }

    #[test]
    fn a_step_from_where_the_shelf_does_not_stand_is_not_made() {
        let (shelf, trial) = at_first();
        step(&shelf, &trial, 10, &["1", "2"]);
        step(&shelf, &trial, 10, &["3"]);
        assert_eq!(shelf.view().head.count, 12);
        let changed = |seq| {
            shelf.changed_after(seq).map(|changed| changed.into_iter().map(|s| s.0).collect::<Vec<_>>())
        };
        assert_eq!(changed(10).unwrap(), ["1", "2"]);
        assert_eq!(changed(11).unwrap(), ["2"]);
        assert_eq!((changed(9), changed(13)), (None, None), "it cannot know");
    }

    /// Another version of the protocol: what was folded under the earlier ones is let go.
    #[test]
    fn a_step_to_another_version_empties_the_shelf() {
        let (shelf, trial) = at_first();
        shelf.keep(&view(10, &trial).head, [folder(&trial, "1")]);
        let mut amended = Trial::clone(&trial);
        amended.adopt(11, check(AVATAR).unwrap());
        let step = Step { to: view(11, &Arc::new(amended)), changed: Vec::new() };
        shelf.step(&view(10, &trial).head, step, []);
        assert!(shelf.folder(&"1".into()).is_none());
        shelf.keep(&view(11, &trial).head, [folder(&trial, "1")]);
        assert!(shelf.folder(&"1".into()).is_none(), "folded under the versions before");
    }

    #[test]
    fn what_was_looked_at_longest_ago_gives_way() {
        let (shelf, trial) = at_first();
        let all = ["1", "2", "3"].map(|subject| folder(&trial, subject));
        let weight = all[0].weight();
        shelf.keep(&view(10, &trial).head, all);
        shelf.folder(&"1".into()).unwrap();
        shelf.memory().set_limit(2 * weight);
        let there = ["1", "2", "3"].map(|subject| shelf.folder(&subject.into()).is_some());
        assert_eq!(there, [true, false, true]);
        shelf.memory().set_limit(0);
        assert!(shelf.folder(&"1".into()).is_none());
    }

    /// Two trials have one memory: whichever was looked at longest ago gives way, and a trial that is closed gives all back.
    #[test]
    fn shelves_that_share_their_memory_give_way_to_each_other() {
        let (here, trial) = at_first();
        let there = Shelf::new(view(10, &trial), here.memory());
        let memory = here.memory().clone();
        let [one, two, three] = ["1", "2", "3"].map(|subject| folder(&trial, subject));
        let weight = one.weight();
        here.keep(&view(10, &trial).head, [one]);
        there.keep(&view(10, &trial).head, [two]);
        assert_eq!(memory.spent(), 2 * weight);
        here.folder(&"1".into()).unwrap();
        memory.set_limit(2 * weight);
        here.keep(&view(10, &trial).head, [three]);
        let on = |shelf: &Shelf| ["1", "2", "3"].map(|subject| shelf.folder(&subject.into()).is_some());
        assert_eq!((on(&here), on(&there)), ([true, false, true], [false; 3]));
        assert_eq!(memory.spent(), 2 * weight);
        here.take(&"3".into()).unwrap();
        assert_eq!(memory.spent(), weight);
        drop(here);
        assert_eq!(memory.spent(), 0);
        memory.set_limit(0);
    }
}
