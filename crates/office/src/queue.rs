//! The queue before the books: submissions that wait at the same time are recorded together, by one commit to the disk.
//!
//! Never looks into a submission. While one group is being committed the next one gathers, so that many who save at once
//! wait for two commits at most, and one who saves alone waits for nobody.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::action::Action;
use crate::books::{Books, Outcome};
use crate::refusal::Error;

/// Submissions that may wait; whoever comes then waits to wait.
const WAITING: usize = 1024;
/// The largest group: submissions, and actions after which it takes no more. Each may bring a subject into memory.
const GROUP: usize = 128;
const GROUP_ACTIONS: usize = 4096;

struct Request {
    actions: Vec<Action>,
    reply: oneshot::Sender<Outcome>,
}

pub(crate) struct Queue(mpsc::Sender<Request>);

impl Queue {
    /// Starts the task that records, which ends when the queue is dropped.
    pub(crate) fn start(books: Arc<Books>) -> Self {
        let (requests, mut waiting) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            while let Some(first) = waiting.recv().await {
                let group = gather(first, &mut waiting);
                let books = Arc::clone(&books);
                // A task of its own: should it panic, those who wait for it are told, and the office goes on.
                let _ = tokio::spawn(async move { serve(&books, group).await }).await;
            }
        });
        Self(requests)
    }

    pub(crate) async fn submit(&self, actions: Vec<Action>) -> Outcome {
        let (reply, answer) = oneshot::channel();
        self.0.send(Request { actions, reply }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

fn stopped() -> Error {
    Error::Worker("the task that records stopped; look in the ledger whether the submission is there".into())
}

fn gather(first: Request, waiting: &mut mpsc::Receiver<Request>) -> Vec<Request> {
    let mut actions = first.actions.len();
    let mut group = vec![first];
    while group.len() < GROUP && actions < GROUP_ACTIONS {
        let Ok(request) = waiting.try_recv() else { break };
        actions += request.actions.len();
        group.push(request);
    }
    group
}

async fn serve(books: &Books, mut group: Vec<Request>) {
    // Nobody waits for it any more, and nothing of it was done.
    group.retain(|request| !request.reply.is_closed());
    // Whoever says an earlier moment comes first, or the clock would seem to run backwards. Who says none is stamped
    // after them.
    let said = |request: &Request| request.actions.first().and_then(|action| action.recorded);
    group.sort_by_key(|request| (said(request).is_none(), said(request)));
    let (actions, replies): (Vec<_>, Vec<_>) =
        group.into_iter().map(|request| (request.actions, request.reply)).unzip();
    for (reply, outcome) in replies.into_iter().zip(books.record(&actions).await) {
        let _ = reply.send(outcome); // whoever no longer waits does not want to know
    }
}
