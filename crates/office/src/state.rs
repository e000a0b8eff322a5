//! The trial as a whole: what its events without a subject say, and the allocations.
//!
//! Never knows more of a subject than its allocation (see `folder`). Cheap to copy, so that many readers can hold it while a
//! submission changes its own copy.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use ledger::Stored;
use trial::event::{Entered, Event, Role, Seq, What};
use trial::id::{SiteId, SubjectId};
use trial::protocol::{Checked, ProtocolHistory, check};
use trial::randomise::Earlier;

use crate::allocation::Allocated;
use crate::refusal::Error;

/// A site that was opened, and may be closed by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// `SITEID`.
    pub id: SiteId,
    /// Its name, as given last.
    pub name: String,
    /// ISO 3166-1 alpha-3 country code.
    pub country: Option<String>,
    /// When it was opened first.
    pub opened: Timestamp,
    /// The event that opened it first.
    pub event: Seq,
    /// When and why it was closed, while it is: it may not screen or randomise, but its subjects go on.
    pub closed: Option<Closure>,
}

impl Site {
    /// It may screen and randomise.
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }
}

/// The closing of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure {
    /// When.
    pub at: Timestamp,
    /// The event.
    pub event: Seq,
    /// Why, where said.
    pub reason: Option<String>,
}

/// A role that a user has: one at a site, and one for all sites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The user name.
    pub user: String,
    /// The role.
    pub role: Role,
    /// Where; none: at all sites.
    pub site: Option<SiteId>,
    /// Since when.
    pub since: Timestamp,
    /// The event.
    pub event: Seq,
}

/// The trial as a whole.
#[derive(Clone)]
pub(crate) struct Trial {
    pub(crate) history: Arc<ProtocolHistory>,
    pub(crate) commitment: Option<String>,
    pub(crate) revealed: Option<(Seq, String)>,
    pub(crate) simulated: bool,
    pub(crate) sites: BTreeMap<SiteId, Site>,
    /// By user and site.
    pub(crate) grants: BTreeMap<(String, Option<SiteId>), Grant>,
    pub(crate) allocations: Vec<Arc<Allocated>>,
}

/// An event of the ledger, read.
pub(crate) fn entered(stored: &Stored) -> Result<Entered, Error> {
    let event = Event::from_json(&stored.bytes)
        .map_err(|wrong| ledger::Error::Unreadable { seq: stored.seq, found: wrong.to_string() })?;
    Ok(Entered { seq: stored.seq, event })
}

impl Trial {
    /// Reads the trial from its events without a subject and its allocations, both in order; none without a protocol.
    pub(crate) fn read(whole: &[Stored], randomised: &[Stored]) -> Result<Option<Self>, Error> {
        let mut trial: Option<Self> = None;
        for stored in whole {
            let entered = entered(stored)?;
            match (&mut trial, entered.event.what) {
                (None, What::ProtocolAdopted { source, seed_commitment, simulated, .. }) => {
                    let first = version(entered.seq, &source)?;
                    trial = Some(Self {
                        history: Arc::new(ProtocolHistory::new(entered.seq, first)),
                        commitment: seed_commitment,
                        revealed: None,
                        simulated,
                        sites: BTreeMap::new(),
                        grants: BTreeMap::new(),
                        allocations: Vec::new(),
                    });
                }
                (Some(trial), what) => {
                    trial.take(&Entered { seq: entered.seq, event: Event { what, ..entered.event } })?;
                }
                // Nothing can be said of a trial before its protocol.
                (None, _) => {}
            }
        }
        if let Some(trial) = &mut trial {
            for stored in randomised {
                trial.take(&entered(stored)?)?;
            }
        }
        Ok(trial)
    }

    /// Whether an event changes anything of the trial as a whole.
    pub(crate) fn is_changed_by(event: &Event) -> bool {
        event.subject.is_none() || matches!(event.what, What::Randomised { .. })
    }

    /// Takes the next event; one that speaks of a subject only is passed over.
    pub(crate) fn take(&mut self, entered: &Entered) -> Result<(), Error> {
        let Entered { seq, event } = entered;
        if let Some(allocated) = Allocated::of(*seq, event) {
            self.allocations.push(Arc::new(allocated));
        }
        if event.subject.is_some() {
            return Ok(());
        }
        match (&event.what, &event.site) {
            (What::ProtocolAdopted { source, .. }, _) => self.adopt(*seq, version(*seq, source)?),
            (What::SiteOpened { name, country }, Some(id)) => {
                let site = self.sites.entry(id.clone()).or_insert_with(|| Site {
                    id: id.clone(),
                    name: String::new(),
                    country: None,
                    opened: event.recorded,
                    event: *seq,
                    closed: None,
                });
                (site.name, site.country, site.closed) = (name.clone(), country.clone(), None);
            }
            (What::SiteClosed { reason }, Some(id)) => {
                if let Some(site) = self.sites.get_mut(id) {
                    let closure = Closure { at: event.recorded, event: *seq, reason: reason.clone() };
                    site.closed.get_or_insert(closure);
                }
            }
            (What::UserChanged { user, given }, site) => {
                let place = (user.clone(), site.clone());
                match given {
                    None => _ = self.grants.remove(&place),
                    Some(role) => {
                        let (user, site) = place.clone();
                        let grant = Grant { user, role: *role, site, since: event.recorded, event: *seq };
                        self.grants.insert(place, grant);
                    }
                }
            }
            (What::SeedRevealed { seed }, _) if self.revealed.is_none() => {
                self.revealed = Some((*seq, seed.clone()));
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes a further protocol version.
    pub(crate) fn adopt(&mut self, seq: Seq, version: Checked) {
        Arc::make_mut(&mut self.history).adopt(seq, version);
    }

    /// The roles of one user.
    pub(crate) fn grants_of<'a>(&'a self, user: &'a str) -> impl Iterator<Item = &'a Grant> {
        let from = (user.to_owned(), None);
        self.grants.range(from..).map(|(_, grant)| grant).take_while(move |grant| grant.user == user)
    }

    /// The allocations as `trial::randomise` asks for them.
    pub(crate) fn earlier(&self) -> Vec<Earlier> {
        self.allocations.iter().map(|allocated| allocated.earlier()).collect()
    }

    /// The allocation of a subject that stands: its first.
    pub(crate) fn allocation_of(&self, subject: &SubjectId) -> Option<&Allocated> {
        self.allocations.iter().map(Arc::as_ref).find(|allocated| allocated.subject == *subject)
    }
}

fn version(seq: Seq, source: &str) -> Result<Checked, Error> {
    check(source).map_err(|faults| Error::Protocol { seq, faults })
}
