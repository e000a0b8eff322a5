//! The read path: a ledger as records, subject by subject, in parallel and in bounded memory.
//!
//! Never writes, and never holds more than a few blocks of subjects. Blocking: it starts its own thread for the ledger, so
//! it may be called from anywhere; inside a runtime, call it where blocking is allowed.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use jiff::Timestamp;
use ledger::{Address, Head, Ledger, Stored};
use rayon::prelude::*;
use trial::event::Entered;
use trial::id::SubjectId;
use trial::protocol::ProtocolHistory;
use trial::record::Record;

use crate::allocation::{AllocationAudit, audit};
use crate::books::last_moment;
use crate::refusal::Error;
use crate::state::{Site, Trial, entered};

/// Subjects read at a time: enough to keep every core at work, few enough to be small in memory.
const BLOCK: usize = 64;
/// Blocks that may wait between the ledger and the cores.
const WAITING: usize = 2;

/// Subjects of one block, each with its events as stored.
type Block = Vec<(String, Vec<Stored>)>;

/// A ledger opened for reading.
pub struct Reading {
    /// Where the ledger lies: its file, or the address of its database without a password.
    pub path: PathBuf,
    /// Only what was recorded by then is seen.
    pub as_of: Option<Timestamp>,
    /// The head of the whole ledger, whatever `as_of` says.
    pub head: Head,
    /// The protocol versions adopted by then.
    pub history: ProtocolHistory,
    /// The sites opened by then, in order of id.
    pub sites: Vec<Site>,
    /// The commitment to the secret seed.
    pub commitment: Option<String>,
    /// The seed in hex, where it was revealed by then.
    pub revealed: Option<String>,
    /// The moment of the last event, or `as_of` where that is earlier.
    pub until: Option<Timestamp>,
    /// True where the subjects are virtual.
    pub simulated: bool,
    /// Subjects of the whole ledger, whatever `as_of` says.
    pub subjects: u64,
    /// Events recorded by then that concern no subject.
    pub beside_subjects: u64,
    trial: Trial,
    address: Address,
}

/// One subject as it is handed to a caller's function.
pub struct Subject<'a> {
    /// Its record.
    pub record: Record,
    /// Its events.
    pub events: &'a [Entered],
}

/// One subject's record, made of its events, which are there no more.
pub struct Folded {
    /// Its record.
    pub record: Record,
    /// How many events it was made of.
    pub events: u64,
}

/// How much was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Subjects.
    pub subjects: u64,
    /// Their events.
    pub events: u64,
}

/// Opens the ledger at `at` (a path, or an address as `ledger::Address` has them) as it was known at `as_of`, or as it stands.
///
/// Errors: no ledger there; no protocol adopted by then; a version that cannot be read.
pub fn open_reading<A>(at: A, as_of: Option<Timestamp>) -> Result<Reading, Error>
where
    A: TryInto<Address>,
    ledger::Error: From<A::Error>,
{
    open_at(at.try_into().map_err(ledger::Error::from)?, as_of)
}

fn open_at(address: Address, as_of: Option<Timestamp>) -> Result<Reading, Error> {
    let path = PathBuf::from(address.to_string());
    let (head, trial, last, subjects, beside_subjects) = apart(async {
        let ledger = Ledger::open_read_only(&address).await?;
        let head = ledger.head().await?;
        let whole = ledger.without_subject(as_of).await?;
        let randomised = ledger.of_kind("randomised", as_of).await?;
        let last = last_moment(&ledger, &head).await?;
        let subjects = ledger.count_subjects().await?;
        ledger.close().await;
        Ok((head, Trial::read(&whole, &randomised)?, last, subjects, whole.len() as u64))
    })?;
    let Some(trial) = trial else { return Err(Error::NoProtocol { path, as_of }) };
    Ok(Reading {
        path,
        as_of,
        head,
        history: ProtocolHistory::clone(&trial.history),
        sites: trial.sites.values().cloned().collect(),
        commitment: trial.commitment.clone(),
        revealed: trial.revealed.as_ref().map(|(_, seed)| seed.clone()),
        simulated: trial.simulated,
        subjects,
        beside_subjects,
        until: [last, as_of].into_iter().flatten().min(),
        trial,
        address,
    })
}

impl Reading {
    /// Folds every subject, hands it to `map` on all cores, and what that gives to `sink`, in order of subject id.
    ///
    /// The next block is read while the present one is worked on. Memory is bounded by a few blocks of subjects and by
    /// what `sink` keeps. Whoever does not look at the events takes `for_each_record`, which does not copy their values.
    pub fn for_each<T: Send>(
        &self,
        map: impl Fn(Subject<'_>) -> T + Sync,
        sink: impl FnMut(T),
    ) -> Result<Counts, Error> {
        let fold = |id: SubjectId, events: Vec<Entered>| {
            let record = Record::fold(&self.history, &id, &events);
            map(Subject { record, events: &events })
        };
        self.stream(&fold, sink)
    }

    /// As `for_each`, without the events.
    pub fn for_each_record<T: Send>(
        &self,
        map: impl Fn(Folded) -> T + Sync,
        sink: impl FnMut(T),
    ) -> Result<Counts, Error> {
        let fold = |id: SubjectId, events: Vec<Entered>| {
            let count = events.len() as u64;
            map(Folded { record: Record::fold_owned(&self.history, &id, events), events: count })
        };
        self.stream(&fold, sink)
    }

    fn stream<T: Send>(
        &self,
        fold: &(impl Fn(SubjectId, Vec<Entered>) -> T + Sync),
        mut sink: impl FnMut(T),
    ) -> Result<Counts, Error> {
        let (address, as_of) = (&self.address, self.as_of);
        let (sender, receiver) = sync_channel(WAITING);
        std::thread::scope(|scope| {
            let reader = scope.spawn(move || send_blocks(address, as_of, &sender));
            let worked = work(receiver, fold, &mut sink);
            match reader.join() {
                Ok(read) => worked.and_then(|counts| read.map(|()| counts)),
                Err(_) => Err(Error::Worker("the thread that reads the ledger panicked".into())),
            }
        })
    }

    /// `map` of every record, in order of subject id.
    pub fn records<T: Send>(&self, map: impl Fn(Record) -> T + Sync) -> Result<(Vec<T>, Counts), Error> {
        let mut all = Vec::new();
        let counts = self.for_each_record(|subject| map(subject.record), |value| all.push(value))?;
        Ok((all, counts))
    }

    /// One subject's record and events; none where there is no such subject.
    pub fn record(&self, subject: &SubjectId) -> Result<Option<(Record, Vec<Entered>)>, Error> {
        let stored = apart(async {
            let ledger = Ledger::open_read_only(&self.address).await?;
            let stored = ledger.of_subject(subject.as_str(), self.as_of).await?;
            ledger.close().await;
            Ok(stored)
        })?;
        let events: Vec<Entered> = stored.iter().map(entered).collect::<Result<_, _>>()?;
        Ok((!events.is_empty()).then(|| (Record::fold(&self.history, subject, &events), events)))
    }

    /// Recomputes every allocation made by then. Errors: the seed was not revealed by then.
    pub fn verify_allocations(&self) -> Result<AllocationAudit, Error> {
        audit(&self.trial)
    }
}

fn work<T: Send>(
    blocks: Receiver<Block>,
    fold: &(impl Fn(SubjectId, Vec<Entered>) -> T + Sync),
    sink: &mut impl FnMut(T),
) -> Result<Counts, Error> {
    let mut counts = Counts::default();
    for block in blocks {
        let worked: Vec<Result<(T, u64), Error>> = block
            .into_par_iter()
            .map(|(id, stored)| {
                let events: Vec<Entered> = stored.iter().map(entered).collect::<Result<_, _>>()?;
                drop(stored);
                let count = events.len() as u64;
                Ok((fold(SubjectId(id), events), count))
            })
            .collect();
        for result in worked {
            let (value, events) = result?;
            counts.subjects += 1;
            counts.events += events;
            sink(value);
        }
    }
    Ok(counts)
}

/// Reads blocks and hands them on until there are none or nobody takes them.
fn send_blocks(address: &Address, as_of: Option<Timestamp>, sender: &SyncSender<Block>) -> Result<(), Error> {
    runtime()?.block_on(async {
        let ledger = Ledger::open_read_only(address).await?;
        let mut blocks = ledger.subjects(as_of, BLOCK);
        while let Some(block) = blocks.next().await {
            if sender.send(block?).is_err() {
                break;
            }
        }
        drop(blocks);
        ledger.close().await;
        Ok(())
    })
}

/// Runs `future` on a thread and a runtime of its own, so that a caller inside a runtime may call it too.
fn apart<T: Send>(future: impl Future<Output = Result<T, Error>> + Send) -> Result<T, Error> {
    std::thread::scope(|scope| {
        scope
            .spawn(|| runtime()?.block_on(future))
            .join()
            .unwrap_or_else(|_| Err(Error::Worker("the thread that reads the ledger panicked".into())))
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|wrong| Error::Worker(wrong.to_string()))
}
