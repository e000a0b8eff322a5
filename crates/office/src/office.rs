//! The office: founding and opening a trial, submissions that are admitted whole or not at all, and what pages read.
//!
//! Never appends what `admit` did not admit. A submission is durable on return; those that come at once share a
//! transaction (see `books` and `queue`), and the arm of a randomisation is drawn inside it, so that no two submissions
//! can see the same list. Reading waits for no submission and opens no transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use ledger::{Head, Ledger, Writer};
use trial::eligibility::{Judged, judge};
use trial::event::{Event, Seq, What};
use trial::id::{ArmId, SubjectId};
use trial::protocol::{Checked, ProtocolHistory};
use trial::randomise::{Seed, commitment};
use trial::record::Record;

use crate::action::{Action, Actor, Deed, Receipt};
use crate::allocation::{AllocationAudit, audit};
use crate::books::Books;
use crate::desk::draft;
use crate::folder::Folder;
use crate::memory::Memory;
use crate::queue::Queue;
use crate::refusal::{Error, place};
use crate::seed::{SeedFile, SeedPlace, SeedSource};
use crate::state::{Grant, Site};

/// A trial's office: admits and appends. Shared by reference between as many tasks as there are. It lives in the tokio
/// runtime it was opened in.
pub struct Office {
    pub(crate) books: Arc<Books>,
    queue: Queue,
}

/// What a trial is founded on.
#[derive(Clone, Debug)]
pub struct Founding {
    /// The first protocol version.
    pub protocol: Checked,
    /// The secret seed of randomisation: the ledger gets only its commitment.
    pub seed: Seed,
    /// Where the seed is to be kept.
    pub seed_place: SeedPlace,
    /// Who founds it.
    pub actor: Actor,
    /// When; none: now.
    pub at: Option<Timestamp>,
    /// The subjects will be virtual: whatever is made of the ledger says so.
    pub simulated: bool,
}

/// The trial at a glance.
#[derive(Clone, Debug)]
pub struct Overview {
    /// How far the ledger reaches.
    pub head: Head,
    /// When its last event was recorded.
    pub last: Option<Timestamp>,
    /// The protocol versions.
    pub history: Arc<ProtocolHistory>,
    /// Every site that was ever opened, in order of id.
    pub sites: Vec<Site>,
    /// The subjects are virtual.
    pub simulated: bool,
    /// The commitment to the secret seed.
    pub commitment: Option<String>,
    /// The event that revealed the seed: randomisation has ended.
    pub revealed: Option<Seq>,
    /// Subjects randomised.
    pub randomised: u64,
}

impl Office {
    /// Founds a trial in an empty ledger: adopts the first protocol version, and keeps the seed in a new file.
    ///
    /// Errors: the ledger is not empty; the seed file exists already; the ledger is a database and no seed file is named.
    pub async fn establish(ledger: Ledger, founding: Founding) -> Result<Self, Error> {
        let Founding { protocol, seed, seed_place, actor, at, simulated } = founding;
        let source = SeedSource::new(&ledger, &seed_place);
        let mut writer = ledger.begin().await?;
        let events = writer.head().await?.count;
        if events != 0 {
            return Err(Error::AlreadyFounded { path: place(&ledger), events });
        }
        // The seed first: a ledger committed to a seed that was lost could never randomise.
        let file = SeedFile::create(source.path()?, &seed)?;
        let event = Event {
            who: actor.who,
            role: actor.role,
            recorded: at.unwrap_or_else(crate::desk::now),
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
        Self::start(ledger, source, &Memory::default()).await
    }

    /// Founds a trial at `at`, with its seed beside the ledger's file.
    pub async fn found(
        ledger: Ledger,
        protocol: Checked,
        seed: Seed,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<Self, Error> {
        Self::establish(ledger, founding(protocol, seed, actor, at, false)).await
    }

    /// The same for virtual subjects: whatever is made of the ledger says that it was simulated.
    pub async fn found_simulated(
        ledger: Ledger,
        protocol: Checked,
        seed: Seed,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<Self, Error> {
        Self::establish(ledger, founding(protocol, seed, actor, at, true)).await
    }

    /// Opens the office of a trial that was founded, with its seed beside the ledger's file.
    pub async fn open(ledger: Ledger) -> Result<Self, Error> {
        Self::open_with(ledger, SeedPlace::Beside).await
    }

    /// Opens the office of a trial that was founded. The seed file is looked at only when somebody is randomised, and when the
    /// seed is revealed.
    pub async fn open_with(ledger: Ledger, seed: SeedPlace) -> Result<Self, Error> {
        Self::open_within(ledger, seed, &Memory::default()).await
    }

    /// The same, for one of several offices that share their memory for subjects.
    pub async fn open_within(ledger: Ledger, seed: SeedPlace, memory: &Memory) -> Result<Self, Error> {
        let source = SeedSource::new(&ledger, &seed);
        Self::start(ledger, source, memory).await
    }

    async fn start(ledger: Ledger, seed: SeedSource, memory: &Memory) -> Result<Self, Error> {
        let books = Arc::new(Books::open(ledger, seed, memory).await?);
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

    /// Gives the office, and those that share its memory, so many bytes for the subjects last looked at (32 MiB where nothing is said).
    /// What is not at hand is read again.
    pub fn keep_in_memory(&self, bytes: usize) {
        self.books.shelf.memory().set_limit(bytes);
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
        self.lay_out(&actions).await;
        self.queue.submit(actions.into_iter().map(Action::canonical_values).collect()).await
    }

    /// Brings the subjects of a small submission to hand while others are being recorded, so that nobody waits for them inside
    /// the transaction. What cannot be read now is told there.
    async fn lay_out(&self, actions: &[Action]) {
        /// A larger submission would drive out what others have at hand.
        const SMALL: usize = 8;
        if actions.len() <= SMALL {
            for subject in actions.iter().filter_map(|action| action.subject.as_ref()) {
                let _ = self.books.folder(subject).await;
            }
        }
    }

    /// Adopts a further protocol version.
    pub async fn adopt(
        &self,
        version: Checked,
        actor: &Actor,
        at: impl Into<Option<Timestamp>>,
    ) -> Result<Seq, Error> {
        let action = Action::new(actor, at, Deed::Adopt { version: Box::new(version) });
        let receipts = self.submit(vec![action]).await?;
        Ok(receipts.first().map_or(0, |receipt| receipt.seq))
    }

    /// A subject as it stands, with its events; none where the ledger does not know it. Every submission through this office
    /// that was acknowledged is in it, and another process's a moment later.
    pub async fn folder(&self, subject: &SubjectId) -> Result<Option<Arc<Folder>>, Error> {
        self.books.folder(subject).await
    }

    /// The record of a subject as it stands; none where there is no such subject.
    pub async fn subject(&self, subject: &SubjectId) -> Result<Option<Record>, Error> {
        let folder = self.folder(subject).await?;
        Ok(folder
            .filter(|folder| folder.record.screened.is_some())
            .map(|folder| Record::clone(&folder.record)))
    }

    /// Every criterion judged on a subject, under the version in force; none where there is no such subject.
    pub async fn eligibility(&self, subject: &SubjectId) -> Result<Option<Vec<Judged>>, Error> {
        let folder = self.folder(subject).await?;
        Ok(folder
            .filter(|folder| folder.record.screened.is_some())
            .map(|folder| judge(folder.history.current(), &folder.record)))
    }

    /// The protocol versions.
    pub async fn history(&self) -> Result<Arc<ProtocolHistory>, Error> {
        Ok(Arc::clone(&self.books.view().await?.trial.history))
    }

    /// Every site that was ever opened, in order of id.
    pub async fn sites(&self) -> Result<Vec<Site>, Error> {
        Ok(self.books.view().await?.trial.sites.values().cloned().collect())
    }

    /// Every role that a user has, in order of user, that for all sites before those at a site.
    pub async fn grants(&self) -> Result<Vec<Grant>, Error> {
        Ok(self.books.view().await?.trial.grants.values().cloned().collect())
    }

    /// The roles of one user. Cheap enough to be asked at every request.
    pub async fn grants_of(&self, user: &str) -> Result<Vec<Grant>, Error> {
        Ok(self.books.view().await?.trial.grants_of(user).cloned().collect())
    }

    /// The trial at a glance.
    pub async fn overview(&self) -> Result<Overview, Error> {
        let view = self.books.view().await?;
        let trial = &view.trial;
        Ok(Overview {
            head: view.head,
            last: view.last,
            history: Arc::clone(&trial.history),
            sites: trial.sites.values().cloned().collect(),
            simulated: trial.simulated,
            commitment: trial.commitment.clone(),
            revealed: trial.revealed.as_ref().map(|(event, _)| *event),
            randomised: trial.allocations.len() as u64,
        })
    }

    /// The arms drawn in each stratum, in the order they were drawn. A stratum is factor and level in the order of the protocol.
    pub async fn draws(&self) -> Result<BTreeMap<Vec<(String, String)>, Vec<ArmId>>, Error> {
        let view = self.books.view().await?;
        let mut draws: BTreeMap<&[(String, String)], Vec<ArmId>> = BTreeMap::new();
        for allocated in &view.trial.allocations {
            draws.entry(allocated.stratum()).or_default().push(allocated.arm().clone());
        }
        Ok(draws.into_iter().map(|(stratum, arms)| (stratum.to_vec(), arms)).collect())
    }

    /// Recomputes every allocation, each by the protocol version that was in force. Errors: the seed was not revealed.
    pub async fn verify_allocations(&self) -> Result<AllocationAudit, Error> {
        audit(&self.books.ask().await?.trial)
    }
}

fn founding(protocol: Checked, seed: Seed, actor: &Actor, at: Timestamp, simulated: bool) -> Founding {
    let (actor, seed_place) = (actor.clone(), SeedPlace::Beside);
    Founding { protocol, seed, seed_place, actor, at: Some(at), simulated }
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
