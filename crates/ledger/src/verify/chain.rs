//! The chain, recomputed from its beginning.
//!
//! Never trusts a column it can recompute, and goes on after an event that does not fit. See `chain` for how a hash follows.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use futures_util::TryStreamExt;
use tokio::task::JoinHandle;

use super::joined;
use super::verdict::{Check, Misfit};
use crate::canonical;
use crate::chain::{Hash, Head, Seq, link};
use crate::draft::Index;
use crate::store::{On, Row};

/// Events that are checked as one piece of work.
const BATCH: usize = 2048;
/// Whole rows of events, in order.
pub(crate) const EVENTS: &str = "SELECT seq, subject, kind, recorded, bytes, hash FROM events ORDER BY seq";

/// The chain read from its beginning, and what was found on the way.
pub(super) struct Scan {
    pub head: Head,
    pub first: Option<Misfit>,
    pub misfits: u64,
    /// Why the reading stopped before the end.
    pub fault: Option<String>,
    /// The places that checkpoints speak of, and the hashes stored there.
    wanted: Arc<BTreeSet<Seq>>,
    pub hashes: HashMap<Seq, Hash>,
    /// Events recorded earlier than the one before them: how many, and the first.
    clock_back: (u64, Option<Seq>),
}

/// What a batch is held against: the last event before it.
#[derive(Clone)]
struct Before {
    seq: i64,
    hash: Vec<u8>,
    recorded: i64,
}

impl Scan {
    pub fn new(wanted: BTreeSet<Seq>) -> Self {
        Self {
            head: Head::EMPTY,
            first: None,
            misfits: 0,
            fault: None,
            hashes: HashMap::from([(0, Hash::ZERO)]),
            wanted: Arc::new(wanted),
            clock_back: (0, None),
        }
    }

    /// Reads in order on this task while the batches are checked on other threads.
    pub async fn run(mut self, mut on: On<'_>, mut progress: impl FnMut(u64, u64) + Send) -> Self {
        let counted = on.again().fetch_one("SELECT count(*) FROM events", &[]).await;
        let total =
            counted.and_then(|row| row.get::<i64>(0)).map_or(0, |count| u64::try_from(count).unwrap_or(0));
        let at_once = std::thread::available_parallelism().map_or(2, usize::from) + 1;
        let mut at_work: VecDeque<JoinHandle<Batch>> = VecDeque::new();
        let mut before = Before { seq: 0, hash: Hash::ZERO.0.to_vec(), recorded: i64::MIN };
        progress(0, total);

        let mut rows = match on.fetch(EVENTS, &[]) {
            Ok(rows) => rows,
            Err(error) => {
                self.fault = Some(format!("the events cannot be read: {error}"));
                return self;
            }
        };
        let (mut batch, mut over) = (Vec::with_capacity(BATCH), false);
        while !over {
            match rows.try_next().await {
                Ok(Some(row)) => batch.push(row),
                Ok(None) => over = true,
                Err(error) => {
                    let last = batch.last().map_or(before.seq, |row| row.get(0).unwrap_or(before.seq));
                    self.fault = Some(format!("reading stopped after event {last}: {error}"));
                    over = true;
                }
            }
            if batch.len() == BATCH || (over && !batch.is_empty()) {
                let rows = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
                let (start, wanted) = (before.clone(), Arc::clone(&self.wanted));
                before = Before::after(&rows, before);
                at_work.push_back(tokio::task::spawn_blocking(move || Batch::check(&rows, start, &wanted)));
            }
            while at_work.len() > if over { 0 } else { at_once } {
                let Some(work) = at_work.pop_front() else { break };
                self.take(joined(work.await));
                progress(self.head.count.min(total), total);
            }
        }
        self
    }

    fn take(&mut self, batch: Batch) {
        self.head = Head { count: self.head.count + batch.events, hash: batch.last };
        self.first = self.first.take().or(batch.first);
        self.misfits += batch.misfits;
        self.hashes.extend(batch.hashes);
        self.clock_back = (self.clock_back.0 + batch.clock_back.0, self.clock_back.1.or(batch.clock_back.1));
    }

    pub fn notes(&self) -> Vec<String> {
        let (Some(seq), times) = (self.clock_back.1, self.clock_back.0) else { return Vec::new() };
        vec![format!(
            "{times} event(s) were recorded earlier than the event before them, event {seq} first: \
             a clock was set back, or the events come from elsewhere"
        )]
    }
}

impl Before {
    fn after(rows: &[Row], before: Self) -> Self {
        rows.last().map_or(before, |row| Self {
            seq: row.get(0).unwrap_or_default(),
            hash: row.get(5).unwrap_or_default(),
            recorded: row.get(3).unwrap_or(i64::MIN),
        })
    }
}

/// What came of a batch.
struct Batch {
    events: u64,
    last: Hash,
    first: Option<Misfit>,
    misfits: u64,
    hashes: Vec<(Seq, Hash)>,
    clock_back: (u64, Option<Seq>),
}

impl Batch {
    fn check(rows: &[Row], mut before: Before, wanted: &BTreeSet<Seq>) -> Self {
        let mut batch = Self {
            events: rows.len() as u64,
            last: Hash::ZERO,
            first: None,
            misfits: 0,
            hashes: Vec::new(),
            clock_back: (0, None),
        };
        for row in rows {
            let seq: i64 = row.get(0).unwrap_or_default();
            let place = Seq::try_from(seq).unwrap_or_default();
            if let Err(misfit) = check(row, seq, &before) {
                batch.misfits += 1;
                batch.first.get_or_insert(misfit);
            }
            let hash: &[u8] = row.get(5).unwrap_or_default();
            batch.last = hash.try_into().map_or(Hash::ZERO, Hash);
            if wanted.contains(&place) {
                batch.hashes.push((place, batch.last));
            }
            let recorded = row.get(3).unwrap_or(i64::MIN);
            if recorded < before.recorded {
                batch.clock_back = (batch.clock_back.0 + 1, batch.clock_back.1.or(Some(place)));
            }
            before = Before { seq, hash: hash.to_vec(), recorded };
        }
        batch
    }
}

/// Holds an event against the one before it and against itself.
fn check(row: &Row, seq: i64, before: &Before) -> std::result::Result<(), Misfit> {
    let next = before.seq.saturating_add(1);
    if seq != next {
        let seq_of = |seq: i64| Seq::try_from(seq).unwrap_or_default();
        return Err(Misfit {
            seq: seq_of(next),
            check: Check::Sequence,
            expected: format!("event {next}"),
            found: format!("event {seq}"),
        });
    }
    let misfit =
        |check, expected: String, found: String| Misfit { seq: next.unsigned_abs(), check, expected, found };
    let typed = |column, expected: &'static str| {
        move |error: sqlx::Error| misfit(Check::Column(column), expected.to_owned(), error.to_string())
    };
    let subject: Option<&str> = row.get(1).map_err(typed("subject", "text or nothing"))?;
    let kind: &str = row.get(2).map_err(typed("kind", "text"))?;
    let recorded: i64 = row.get(3).map_err(typed("recorded", "a number"))?;
    let bytes: &[u8] = row.get(4).map_err(typed("bytes", "bytes"))?;
    let hash: &[u8] = row.get(5).map_err(typed("hash", "bytes"))?;

    let expected = link(&before.hash, bytes);
    if hash != expected.0 {
        return Err(misfit(Check::Hash, expected.to_string(), crate::hex::write(hash)));
    }
    let value = canonical::parse(bytes)
        .map_err(|found| misfit(Check::Canonical, "a JSON object in canonical form".to_owned(), found))?;
    let index = Index::of(&value)
        .map_err(|error| misfit(Check::Canonical, "an event".to_owned(), error.to_string()))?;
    if index.subject.as_deref() != subject {
        return Err(misfit(Check::Column("subject"), format!("{:?}", index.subject), format!("{subject:?}")));
    }
    if index.kind != kind {
        return Err(misfit(Check::Column("kind"), format!("{:?}", index.kind), format!("{kind:?}")));
    }
    if index.recorded != recorded {
        return Err(misfit(Check::Column("recorded"), index.recorded.to_string(), recorded.to_string()));
    }
    Ok(())
}
