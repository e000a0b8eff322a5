//! Memory for the subjects that were last looked at: one budget, which the offices of a process share.
//!
//! Never holds a folder itself: each office's `shelf` does. Where all of them together hold more than they may, the folder that was
//! looked at longest ago, of whichever trial, is let go: a trial that nobody works in gives way to one that many work in.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::folder::Folder;

/// Where nothing else is said: some hundred subjects in the middle of a trial.
const USUAL: usize = 32 << 20;

/// Memory for the subjects last looked at. A clone is the same memory.
#[derive(Clone)]
pub struct Memory(Arc<Shared>);

struct Shared {
    limit: AtomicUsize,
    spent: AtomicUsize,
    /// Counts the looks, so that it can be told which was longest ago.
    looks: AtomicU64,
    holders: Mutex<Vec<Weak<dyn Holder>>>,
}

/// What holds folders.
pub(crate) trait Holder: Send + Sync {
    /// The look at the folder that was looked at longest ago; none where there is no folder.
    fn oldest(&self) -> Option<u64>;
    /// Lets that folder go, and says so with [`Memory::free`].
    fn let_go(&self) -> Option<Arc<Folder>>;
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(USUAL)
    }
}

impl Memory {
    /// So many bytes. They bound what is kept for later; whatever a page or a submission is being made of is beside them.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Shared {
            limit: AtomicUsize::new(bytes),
            spent: AtomicUsize::new(0),
            looks: AtomicU64::new(0),
            holders: Mutex::default(),
        }))
    }

    /// The bytes that are taken, about.
    pub fn spent(&self) -> usize {
        self.0.spent.load(Ordering::Relaxed)
    }

    /// The bytes that may be taken.
    pub fn limit(&self) -> usize {
        self.0.limit.load(Ordering::Relaxed)
    }

    /// Gives it so many bytes from now on.
    pub(crate) fn set_limit(&self, bytes: usize) {
        self.0.limit.store(bytes, Ordering::Relaxed);
        self.make_room();
    }

    pub(crate) fn join(&self, holder: Weak<dyn Holder>) {
        let mut holders = self.0.holders.lock().unwrap_or_else(PoisonError::into_inner);
        holders.retain(|other| other.strong_count() > 0);
        holders.push(holder);
    }

    /// The number of a look at a folder.
    pub(crate) fn look(&self) -> u64 {
        self.0.looks.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn take(&self, bytes: usize) {
        self.0.spent.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn free(&self, bytes: usize) {
        self.0.spent.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Lets folders go until the rest fits. To be called by whoever holds no holder's lock.
    pub(crate) fn make_room(&self) {
        while self.spent() > self.limit() {
            let holders = self.0.holders.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let holders: Vec<_> = holders.iter().filter_map(Weak::upgrade).collect();
            let oldest = holders.iter().filter_map(|holder| Some((holder.oldest()?, holder)));
            let Some((_, holder)) = oldest.min_by_key(|(look, _)| *look) else { return };
            drop(holder.let_go()); // what is large is freed while nobody waits
        }
    }
}
