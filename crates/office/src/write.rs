//! The write path: founding a trial, and submissions that are admitted whole or not at all.
//!
//! Never appends what `admit` did not admit. A submission is durable on return; those that come at once share a
//! transaction (see `books` and `queue`), and the arm of a randomisation is drawn inside it, so that no two submissions
//! can see the same list.

use std::sync::Arc;

use jiff::Timestamp;
use ledger::{Ledger, Writer};
use trial::eligibility::{Judged, judge};
use trial::event::{Event, Seq, What};
use trial::id::SubjectId;
use trial::protocol::{Checked, ProtocolHistory};
use trial::randomise::{Seed, commitment};
use trial::record::Record;

use crate::action::{Action, Actor, Deed, Receipt};
use crate::allocation::{AllocationAudit, audit};
use crate::books::{Books, draft};
use crate::queue::Queue;
use crate::refusal::Error;
use crate::seed::{SeedFile, seed_path};
use crate::state::{Site, State};

/// A trial's office: admits and appends. Shared by reference between as many tasks as there are. It lives in the tokio runtime it was opened in.
pub struct Office {
    books: Arc<Books>,
    queue: Queue,
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
        let mut writer = ledger.begin().await?;
        let events = writer.head().await?.count;
        if events != 0 {
            return Err(Error::AlreadyFounded { path: ledger.path().to_owned(), events });
        }
        // The seed first: a ledger committed to a seed that was lost could never randomise.
        let file = SeedFile::create(&seed_path(ledger.path()), &seed)?;
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
        writer.append(draft(&event)?).await?;
        commit(writer, &ledger, file).await?;
        Self::open(ledger).await
    }

    /// Opens the office of a trial that was founded. The seed file is looked at only when somebody is randomised.
    pub async fn open(ledger: Ledger) -> Result<Self, Error> {
        let books = Arc::new(Books::open(ledger).await?);
        Ok(Self { queue: Queue::start(Arc::clone(&books)), books })
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.books.ledger
    }

    /// How many transactions this office has committed: fewer than submissions, where those came at once.
    pub fn transactions(&self) -> u64 {
        self.books.transactions()
    }

    /// Admits `actions` in order and appends them in one durable transaction: all of them, or none.
    ///
    /// Submissions that come at once share the transaction, in the order of their first moments; each is admitted on what
    /// those before it recorded, and one that is refused leaves the others alone. An action's `expect` is held against the
    /// ledger where it is the first of its subject in the submission. Whoever goes away before this returns has recorded
    /// all or nothing. Errors: `Refused` names the first action that may not be recorded and everything that is wrong with
    /// it.
    pub async fn submit(&self, actions: Vec<Action>) -> Result<Vec<Receipt>, Error> {
        if actions.is_empty() {
            return Ok(Vec::new());
        }
        self.queue.submit(actions.into_iter().map(Action::canonical_values).collect()).await
    }

    /// Adopts a further protocol version.
    pub async fn adopt(&self, version: Checked, actor: &Actor, at: Timestamp) -> Result<Seq, Error> {
        let action = Action::new(actor, at, Deed::Adopt { version: Box::new(version) });
        let receipts = self.submit(vec![action]).await?;
        Ok(receipts.first().map_or(0, |receipt| receipt.seq))
    }

    /// The record of a subject as it stands; none where there is no such subject.
    pub async fn subject(&self, subject: &SubjectId) -> Result<Option<Record>, Error> {
        let mut state = self.books.current().await?;
        self.books.load(&mut state, None, subject).await?;
        let State { trial, subjects, .. } = &mut *state;
        Ok(subjects
            .get_mut(subject)
            .filter(|dossier| dossier.screened.is_some())
            .map(|dossier| dossier.record(&trial.history, subject).clone()))
    }

    /// Every criterion judged on a subject, under the version in force; none where there is no such subject.
    pub async fn eligibility(&self, subject: &SubjectId) -> Result<Option<Vec<Judged>>, Error> {
        let record = self.subject(subject).await?;
        let state = self.books.current().await?;
        Ok(record.map(|record| judge(state.trial.history.current(), &record)))
    }

    /// The protocol versions.
    pub async fn history(&self) -> Result<ProtocolHistory, Error> {
        Ok(self.books.current().await?.trial.history.clone())
    }

    /// The open sites, in order of id.
    pub async fn sites(&self) -> Result<Vec<Site>, Error> {
        Ok(self.books.current().await?.trial.sites.values().cloned().collect())
    }

    /// Recomputes every allocation. Errors: the seed was not revealed.
    pub async fn verify_allocations(&self) -> Result<AllocationAudit, Error> {
        audit(&self.books.current().await?.trial)
    }
}

/// Commits the founding event. The seed's file is removed where the ledger is known to be as empty as before.
async fn commit(writer: Writer, ledger: &Ledger, file: SeedFile) -> Result<(), Error> {
    // From here the commit may be made even where nobody waits for it any more.
    let path = file.keep();
    let Err(wrong) = writer.commit().await else { return Ok(()) };
    if ledger.head().await.is_ok_and(|head| head.count == 0) {
        let _ = std::fs::remove_file(path); // a file that stays hinders the next founding, which says so
    }
    Err(wrong.into())
}
