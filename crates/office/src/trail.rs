//! The audit trail: who recorded what, newest first, a page at a time.
//!
//! Never interprets an event, and never looks at more than a bounded number of them for one page: where few fit, the page is
//! short, and says from where to look on.

use serde::Deserialize;
use trial::event::{Entered, Instance, Seq};
use trial::id::{SiteId, SubjectId};

use crate::office::Office;
use crate::refusal::Error;
use crate::state::entered;

/// Events looked at for one page at most, where no index leads to them.
const LOOKED_AT: u64 = 16_384;
/// Events read at once.
const BLOCK: u64 = 512;

/// Which events are asked for; what is none does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrailFilter {
    /// Those recorded at this site.
    pub site: Option<SiteId>,
    /// Those of this subject.
    pub subject: Option<SubjectId>,
    /// Those by this user.
    pub user: Option<String>,
    /// Those of this kind (see `What::kind`).
    pub kind: Option<String>,
    /// Those about this form. A query that was answered or closed does not name it, so that only its raising is among them.
    pub instance: Option<Instance>,
    /// Those about a form of this id, whatever its visit.
    pub form: Option<String>,
}

/// A page of the trail.
#[derive(Clone, Debug, PartialEq)]
pub struct TrailPage {
    /// Newest first.
    pub events: Vec<Entered>,
    /// To be handed in as `before` for the next page; none: nothing is left to look at.
    pub next: Option<Seq>,
}

/// The members by which an event is chosen, read without its values.
#[derive(Deserialize)]
struct Members {
    who: String,
    kind: String,
    #[serde(default)]
    site: Option<SiteId>,
    #[serde(default)]
    subject: Option<SubjectId>,
}

impl TrailFilter {
    fn chooses(&self, event: &Members) -> bool {
        self.site.as_ref().is_none_or(|site| event.site.as_ref() == Some(site))
            && self.subject.as_ref().is_none_or(|subject| event.subject.as_ref() == Some(subject))
            && self.user.as_ref().is_none_or(|user| event.who == *user)
            && self.kind.as_ref().is_none_or(|kind| event.kind == *kind)
    }

    fn is_about(&self, entered: &Entered) -> bool {
        let found = entered.event.what.instance();
        self.instance.as_ref().is_none_or(|instance| found == Some(instance))
            && self.form.as_ref().is_none_or(|form| found.is_some_and(|found| found.form == *form))
    }

    /// The event of stored bytes, where it is chosen.
    fn read(&self, stored: &ledger::Stored) -> Result<Option<Entered>, Error> {
        if !self.chooses(&stored.parse()?) {
            return Ok(None);
        }
        let entered = entered(stored)?;
        Ok(self.is_about(&entered).then_some(entered))
    }
}

impl Office {
    /// The events of a subject, in order; empty where the ledger does not know it.
    pub async fn events_of(&self, subject: &SubjectId) -> Result<Vec<Entered>, Error> {
        Ok(self.folder(subject).await?.map_or_else(Vec::new, |folder| folder.events.to_vec()))
    }

    /// The events that speak of no subject, in order.
    pub async fn trial_events(&self) -> Result<Vec<Entered>, Error> {
        self.ledger().without_subject(None).await?.iter().map(entered).collect()
    }

    /// The events before `before` (none: from the last one) that `filter` chooses, newest first, `limit` at most.
    pub async fn trail(
        &self,
        before: Option<Seq>,
        limit: usize,
        filter: &TrailFilter,
    ) -> Result<TrailPage, Error> {
        if let Some(subject) = &filter.subject {
            let events = self.events_of(subject).await?;
            let chosen = |entered: &Entered| {
                let Entered { seq, event } = entered;
                before.is_none_or(|before| *seq < before)
                    && filter.chooses(&Members {
                        who: event.who.clone(),
                        kind: event.what.kind().to_owned(),
                        site: event.site.clone(),
                        subject: event.subject.clone(),
                    })
                    && filter.is_about(entered)
            };
            return Ok(page(events.into_iter().rev().filter(chosen), limit));
        }
        self.backwards(before, limit, filter).await
    }

    async fn backwards(
        &self,
        before: Option<Seq>,
        limit: usize,
        filter: &TrailFilter,
    ) -> Result<TrailPage, Error> {
        let mut end = match before {
            Some(before) => before,
            None => self.ledger().head().await?.count + 1,
        };
        let stop = end.saturating_sub(LOOKED_AT).max(1);
        let mut events: Vec<Entered> = Vec::new();
        // One more than is asked for shows that there are more.
        while end > stop && events.len() <= limit {
            let from = end.saturating_sub(BLOCK).max(stop);
            let mut stream = self.ledger().all(from);
            let mut block = Vec::new();
            while let Some(stored) = stream.next().await.transpose()? {
                if stored.seq >= end {
                    break;
                }
                block.extend(filter.read(&stored)?);
            }
            events.extend(block.into_iter().rev());
            end = from;
        }
        let more = events.len() > limit;
        let mut page = page(events.into_iter(), limit);
        if !more {
            page.next = (end > 1).then_some(end);
        }
        Ok(page)
    }
}

/// The first `limit` of `events`, and where the next page begins.
fn page(mut events: impl Iterator<Item = Entered>, limit: usize) -> TrailPage {
    let limit = limit.max(1);
    let page: Vec<Entered> = events.by_ref().take(limit).collect();
    let last = page.last().map(|entered| entered.seq);
    let next = events.next().and(last);
    TrailPage { events: page, next }
}
