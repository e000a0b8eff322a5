//! The queue before the writer: callers who append at the same time share a transaction, and its one wait for the disk.
//!
//! Never lets one caller's conflict refuse another's events. See `write` for the transaction.

use tokio::sync::{mpsc, oneshot};

use crate::draft::{Draft, Prepared, Stored};
use crate::error::{Error, Result};
use crate::store::Store;
use crate::write::{Slot, Writer};

/// The largest group: requests that share a transaction, and events in it.
const GROUP_REQUESTS: usize = 1024;
const GROUP_EVENTS: usize = 1 << 14;

/// A caller that waits for its events to be on the disk.
pub(crate) struct Request {
    drafts: Vec<Prepared>,
    reply: oneshot::Sender<Result<Vec<Stored>>>,
}

/// The queue before the writer.
#[derive(Clone)]
pub(crate) struct Queue {
    requests: mpsc::Sender<Request>,
    store: Store,
}

impl Queue {
    /// Starts the writer, which ends when the last copy of the queue is dropped.
    pub fn start(slot: Slot, store: Store) -> Self {
        let (requests, mut waiting) = mpsc::channel::<Request>(GROUP_REQUESTS);
        let written_to = store.clone();
        tokio::spawn(async move {
            while let Some(first) = waiting.recv().await {
                let mut events = first.drafts.len();
                let mut group = vec![first];
                while group.len() < GROUP_REQUESTS && events < GROUP_EVENTS {
                    let Ok(request) = waiting.try_recv() else { break };
                    events += request.drafts.len();
                    group.push(request);
                }
                write_group(&slot, &written_to, group).await;
            }
            if let Some(connection) = slot.lock().await.take() {
                let _ = connection.close().await; // nothing is pending on it
            }
        });
        Self { requests, store }
    }

    pub async fn append(&self, drafts: &[Draft]) -> Result<Vec<Stored>> {
        let drafts = drafts.iter().map(Prepared::new).collect::<Result<Vec<_>>>()?;
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, answer) = oneshot::channel();
        let stopped = || Error::Stopped { at: (*self.store.address).clone() };
        self.requests.send(Request { drafts, reply }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

/// One transaction for a group of requests. A conflict refuses its own request only; a failure refuses all.
async fn write_group(slot: &Slot, store: &Store, group: Vec<Request>) {
    let (mut drafts, mut replies) = (Vec::new(), Vec::new());
    for request in group {
        drafts.push(request.drafts);
        replies.push(request.reply);
    }
    let outcomes = match write_all(slot, store, drafts).await {
        Ok(outcomes) => outcomes,
        Err(error) => replies.iter().map(|_| Err(error.clone())).collect(),
    };
    for (reply, outcome) in replies.into_iter().zip(outcomes) {
        let _ = reply.send(outcome); // whoever no longer waits does not want to know
    }
}

async fn write_all(
    slot: &Slot,
    store: &Store,
    group: Vec<Vec<Prepared>>,
) -> Result<Vec<Result<Vec<Stored>>>> {
    let mut writer = Writer::begin(slot, store).await?;
    writer.look_up(group.iter().flatten()).await?;
    let mut outcomes = Vec::with_capacity(group.len());
    for drafts in group {
        outcomes.push(match conflict(&mut writer, &drafts).await? {
            Some(conflict) => Err(conflict),
            None => Ok(append_checked(&mut writer, drafts).await?),
        });
    }
    if outcomes.iter().any(Result::is_ok) {
        writer.commit().await?;
    } else {
        writer.roll_back().await;
    }
    Ok(outcomes)
}

/// All expectations of a request are held against what was there before it: its own events do not come in between.
async fn conflict(writer: &mut Writer, drafts: &[Prepared]) -> Result<Option<Error>> {
    for draft in drafts {
        if let (Some(expected), Some(subject)) = (draft.expect, &draft.index.subject) {
            let (_, found) = writer.last(subject).await?;
            if found != expected {
                return Ok(Some(Error::Conflict { subject: subject.clone(), expected, found }));
            }
        }
    }
    Ok(None)
}

async fn append_checked(writer: &mut Writer, drafts: Vec<Prepared>) -> Result<Vec<Stored>> {
    let mut stored = Vec::with_capacity(drafts.len());
    for draft in drafts {
        stored.push(writer.push(draft).await?);
    }
    Ok(stored)
}
