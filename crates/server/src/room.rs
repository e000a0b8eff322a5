//! One trial on this server: its office, and for every subject the little that lists and counts need.
//!
//! Never holds a record for longer than a page needs it; `office` keeps the last few hundred.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use jiff::civil::Date;
use office::{Board, Folder, Office, Snapshot};
use people::permission::Sites;
use trial::calendar::VisitStatus;
use trial::event::Role;
use trial::id::{SiteId, SubjectId};
use trial::protocol::ProtocolHistory;

use crate::digest::{Digest, digest};
use crate::page::amendment::Reviews;
use crate::page::overview::Curves;
use crate::page::reports::Reports;
use crate::web::fault::Fault;

/// What the bar of every page counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Visits whose window is over.
    pub(crate) overdue: usize,
    /// Queries that are not closed.
    pub(crate) queries: usize,
}

impl Waiting {
    fn of(digest: &Digest) -> Self {
        let overdue =
            digest.visits.iter().filter(|visit| matches!(visit.status, VisitStatus::Overdue { .. }));
        Self { overdue: overdue.count(), queries: digest.queries.len() }
    }

    fn add(&mut self, other: Self) {
        self.overdue += other.overdue;
        self.queries += other.queries;
    }
}

/// What waits at each site, and which digests say so. They are not held: while nobody asks for a page, those that were counted last
/// would be kept beside those of now.
struct Counted {
    of: Weak<Snapshot<Digest>>,
    sites: BTreeMap<SiteId, Waiting>,
}

/// One trial.
pub(crate) struct Room {
    /// Its name in addresses.
    pub(crate) slug: String,
    pub(crate) office: Office,
    board: RwLock<Arc<Board<Digest>>>,
    waiting: Mutex<Option<Counted>>,
    pub(crate) curves: Curves,
    /// New versions of the protocol that somebody looks through before they are adopted.
    pub(crate) reviews: Reviews,
    pub(crate) reports: Reports,
    /// Its subjects are virtual.
    pub(crate) simulated: bool,
    title: String,
}

impl Room {
    /// Opens a trial that was founded; its board is filled in the background.
    pub(crate) async fn open(
        slug: Option<String>,
        office: Office,
        today: Date,
    ) -> Result<Self, office::Error> {
        let overview = office.overview().await?;
        let title = overview.history.current().trial.id.clone();
        let slug = slug.unwrap_or_else(|| slug_of(&title));
        let board = RwLock::new(board(&office, today));
        Ok(Self {
            slug,
            office,
            board,
            waiting: Mutex::default(),
            curves: Curves::default(),
            reviews: Reviews::default(),
            reports: Reports::default(),
            simulated: overview.simulated,
            title,
        })
    }

    /// Makes every digest anew: a new day has begun.
    pub(crate) fn begin_day(&self, today: Date) {
        let board = board(&self.office, today);
        *self.board.write().unwrap_or_else(PoisonError::into_inner) = board;
    }

    /// The board as it is being filled or kept.
    pub(crate) fn board(&self) -> Arc<Board<Digest>> {
        Arc::clone(&self.board.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The trial's id, as its protocol says.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// The protocol versions.
    pub(crate) async fn history(&self) -> Result<Arc<ProtocolHistory>, Fault> {
        Ok(self.office.history().await?)
    }

    /// A user's roles here, each at a site or at all.
    pub(crate) async fn grants_of(&self, user: &str) -> Result<Vec<(Role, Option<SiteId>)>, Fault> {
        let grants = self.office.grants_of(user).await?;
        Ok(grants.into_iter().map(|grant| (grant.role, grant.site)).collect())
    }

    /// Every subject's digest, as the ledger stands.
    pub(crate) async fn digests(&self) -> Result<Arc<Snapshot<Digest>>, Fault> {
        Ok(self.board().current().await?)
    }

    /// What waits within `reach`, as it was a moment ago: no page waits for it. Nothing while the ledger is still being read.
    pub(crate) fn waiting(&self, reach: &Sites) -> Waiting {
        let Some(latest) = self.board().latest() else { return Waiting::default() };
        let mut kept = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let of = Arc::downgrade(&latest);
        if kept.as_ref().is_none_or(|counted| !counted.of.ptr_eq(&of)) {
            let mut sites = BTreeMap::<SiteId, Waiting>::new();
            for (_, digest) in latest.iter() {
                let one = Waiting::of(digest);
                match sites.get_mut(&digest.site) {
                    Some(site) => site.add(one),
                    None => drop(sites.insert(digest.site.clone(), one)),
                }
            }
            *kept = Some(Counted { of, sites });
        }
        let mut all = Waiting::default();
        for (site, waiting) in kept.iter().flat_map(|counted| &counted.sites) {
            if reach.contains(site) {
                all.add(*waiting);
            }
        }
        all
    }

    /// The site of a subject; none where there is no such subject.
    pub(crate) async fn site_of(&self, subject: &SubjectId) -> Result<Option<SiteId>, Fault> {
        Ok(self.office.folder(subject).await?.map(|folder| folder.record.site.clone()))
    }

    /// A subject's record and events.
    pub(crate) async fn folder(&self, subject: &SubjectId) -> Result<Arc<Folder>, Fault> {
        let folder = self.office.folder(subject).await?;
        folder.ok_or_else(|| Fault::NotFound(format!("There is no subject {subject}.")))
    }
}

/// A trial's id as a name in addresses: `AVATAR II` is `avatar-ii`.
fn slug_of(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    if slug.is_empty() { "trial".into() } else { slug }
}

fn board(office: &Office, today: Date) -> Arc<Board<Digest>> {
    Arc::new(Board::start(office, move |history, record, events| digest(history, record, events, today)))
}
