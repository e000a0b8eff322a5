//! What was read of the store within the last seconds, by the fingerprint of a token.
//!
//! Never outlives [`FRESH`]: what another process ended is ended here within that time. What is ended in this process is ended at
//! once, also where a read was under way when it happened.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::secret::Fingerprint;

/// How long an entry is believed.
const FRESH: SignedDuration = SignedDuration::from_secs(3);
/// How many entries are kept; beyond, the cache begins anew.
const MOST: usize = 4_096;

pub(crate) struct Recent<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    entries: HashMap<Fingerprint, (Timestamp, T)>,
    /// How often something was dropped: a read that began before must not be kept after.
    drops: u64,
}

/// The moment a read began.
#[derive(Clone, Copy)]
pub(crate) struct Reading(u64);

impl<T: Clone> Recent<T> {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new(State { entries: HashMap::new(), drops: 0 }) }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // A panic elsewhere leaves at worst a missing entry.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, print: &Fingerprint, now: Timestamp) -> Option<T> {
        let state = self.state();
        let (read, value) = state.entries.get(print)?;
        let age = now.duration_since(*read);
        (SignedDuration::ZERO <= age && age < FRESH).then(|| value.clone())
    }

    pub(crate) fn begin(&self) -> Reading {
        Reading(self.state().drops)
    }

    pub(crate) fn keep(&self, begun: Reading, print: Fingerprint, value: T, now: Timestamp) {
        let mut state = self.state();
        if state.drops != begun.0 {
            return;
        }
        if state.entries.len() >= MOST {
            state.entries.clear();
        }
        state.entries.insert(print, (now, value));
    }

    pub(crate) fn drop_where(&self, mut ended: impl FnMut(&Fingerprint, &T) -> bool) {
        let mut state = self.state();
        state.drops += 1;
        state.entries.retain(|print, (_, value)| !ended(print, value));
    }
}
