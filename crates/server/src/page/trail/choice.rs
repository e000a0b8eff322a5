//! Which events of the trail are shown.
//!
//! Never an event of a site that is not the visitor's: what is asked for is narrowed to their reach before anything is read.

use jiff::Timestamp;
use jiff::civil::Date;
use office::{TrailFilter, TrailPage};
use people::permission::{Act, Sites};
use serde::Deserialize;
use trial::date::plus_days;
use trial::event::{Entered, Event, Instance, Seq, What};
use trial::id::{SiteId, SubjectId};

use super::{begins, is_in_reach};
use crate::room::Room;
use crate::web::access::Desk;
use crate::web::address;
use crate::web::fault::Fault;

/// What is asked for. What is not known of it shows everything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    pub(super) site: String,
    pub(super) subject: String,
    pub(super) user: String,
    pub(super) kind: String,
    /// A form's id.
    pub(super) form: String,
    /// One filling of a form, as in an address: `ecog@W12`.
    pub(super) instance: String,
    pub(super) item: String,
    /// Days, in UTC, both of them among what is shown.
    pub(super) from: String,
    pub(super) to: String,
    /// Only events before this one.
    pub(super) before: String,
}

impl Choice {
    pub(super) fn fields<'c>(&'c self, before: &'c str) -> [(&'c str, &'c str); 10] {
        let Self { site, subject, user, kind, form, instance, item, from, to, .. } = self;
        [
            ("site", site),
            ("subject", subject),
            ("user", user),
            ("kind", kind),
            ("form", form),
            ("instance", instance),
            ("item", item),
            ("from", from),
            ("to", to),
            ("before", before),
        ]
    }

    /// The choice of somebody whose sites are these: of several that are not all, one at a time.
    pub(super) fn within(mut self, reach: &Sites) -> Self {
        if let Sites::Only(own) = reach
            && self.subject.is_empty()
            && !own.contains(&SiteId::from(self.site.as_str()))
        {
            self.site = own.first().map(ToString::to_string).unwrap_or_default();
        }
        self
    }

    pub(super) fn before(&self) -> Option<Seq> {
        self.before.parse().ok()
    }

    /// The item whose history is asked for.
    pub(super) fn item(&self) -> Option<(SubjectId, Instance, &str)> {
        let instance = address::instance_of(&self.instance)?;
        let whole = !self.subject.is_empty() && !self.item.is_empty();
        whole.then(|| (SubjectId::from(self.subject.trim()), instance, self.item.as_str()))
    }

    fn filter(&self) -> TrailFilter {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        TrailFilter {
            site: given(&self.site).map(SiteId::from),
            subject: given(&self.subject).map(SubjectId::from),
            user: given(&self.user),
            kind: given(&self.kind),
            instance: address::instance_of(&self.instance),
            form: given(&self.form),
        }
    }
}

/// The events that were asked for.
pub(super) enum Events {
    /// Of one subject, newest first: its queries are found by the form they were raised about.
    Of(Vec<Entered>),
    /// Of the trial, as the office finds them.
    Found(Box<Found>),
}

pub(super) struct Found {
    room: std::sync::Arc<Room>,
    filter: TrailFilter,
    /// Events from here on are too late.
    end: Option<Seq>,
    from: Option<Timestamp>,
}

impl Events {
    pub(super) async fn of(desk: &Desk, choice: &Choice, reach: &Sites) -> Result<Self, Fault> {
        let (from, to) = (choice.from.parse::<Date>().ok(), choice.to.parse::<Date>().ok());
        let from = from.map(begins);
        let until = to.map(|to| begins(plus_days(to, 1)));
        let filter = choice.filter();
        if let Some(subject) = &filter.subject {
            let unknown = || Fault::NotFound(format!("There is no subject {subject} at your site."));
            let folder = desk.room.office.folder(subject).await?.ok_or_else(unknown)?;
            if !desk.may_at(Act::ViewTrail, &folder.record.site) {
                return Err(unknown());
            }
            let about = queries(&folder.events);
            let chosen = |entered: &&Entered| {
                is_in_reach(reach, entered.event.site.as_ref())
                    && from.is_none_or(|from| entered.event.recorded >= from)
                    && until.is_none_or(|until| entered.event.recorded < until)
                    && holds(&filter, entered, &about)
            };
            return Ok(Self::Of(folder.events.iter().rev().filter(chosen).cloned().collect()));
        }
        let end = match until {
            Some(until) => Some(first_after(&desk.room, until).await?),
            None => None,
        };
        Ok(Self::Found(Box::new(Found { room: desk.room.clone(), filter, end, from })))
    }

    /// A page of them, older than `before`.
    pub(super) async fn page(&self, before: Option<Seq>, limit: usize) -> Result<TrailPage, Fault> {
        match self {
            Self::Of(events) => {
                let mut older =
                    events.iter().filter(|entered| before.is_none_or(|before| entered.seq < before));
                let events: Vec<Entered> = older.by_ref().take(limit).cloned().collect();
                let last = events.last().map(|entered| entered.seq);
                Ok(TrailPage { events, next: older.next().and(last) })
            }
            Self::Found(found) => found.page(before, limit).await,
        }
    }
}

impl Found {
    async fn page(&self, before: Option<Seq>, limit: usize) -> Result<TrailPage, Fault> {
        let before = [before, self.end].into_iter().flatten().min();
        let mut page = self.room.office.trail(before, limit, &self.filter).await?;
        let Some(from) = self.from else { return Ok(page) };
        let all = page.events.len();
        page.events.retain(|entered| entered.event.recorded >= from);
        let over = match page.next {
            _ if page.events.len() < all => true,
            // Nothing was chosen in what was looked at: whether it reaches back that far, the event there says.
            Some(next) => moment(&self.room, next.saturating_sub(1)).await?.is_none_or(|at| at < from),
            None => true,
        };
        if over {
            page.next = None;
        }
        Ok(page)
    }
}

/// The first event at or after `moment`; one more than there are where there is none. The moments of a ledger never go back.
async fn first_after(room: &Room, until: Timestamp) -> Result<Seq, Fault> {
    let (mut low, mut high) = (1, room.office.ledger().head().await.map_err(office::Error::from)?.count + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match moment(room, middle).await? {
            Some(at) if at < until => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

async fn moment(room: &Room, seq: Seq) -> Result<Option<Timestamp>, Fault> {
    let stored = room.office.ledger().event(seq).await.map_err(office::Error::from)?;
    let event = stored.map(|stored| stored.parse::<Event>()).transpose().map_err(office::Error::from)?;
    Ok(event.map(|event| event.recorded))
}

/// Each query of a subject with the form and the item it was raised about.
pub(super) type About<'e> = std::collections::BTreeMap<&'e str, (Option<&'e Instance>, Option<&'e str>)>;

pub(super) fn queries(events: &[Entered]) -> About<'_> {
    let raised = events.iter().filter_map(|entered| match &entered.event.what {
        What::QueryRaised { query, about, item, .. } => {
            Some((query.as_str(), (about.as_ref(), item.as_deref())))
        }
        _ => None,
    });
    raised.collect()
}

/// The query an event is about.
pub(super) fn query_of(what: &What) -> Option<&str> {
    match what {
        What::QueryRaised { query, .. } | What::QueryAnswered { query, .. } | What::QueryClosed { query } => {
            Some(query)
        }
        _ => None,
    }
}

fn holds(filter: &TrailFilter, entered: &Entered, about: &About<'_>) -> bool {
    let event = &entered.event;
    let asked = query_of(&event.what).and_then(|query| about.get(query)).and_then(|(form, _)| *form);
    let found = event.what.instance().or(asked);
    filter.user.as_ref().is_none_or(|user| event.who == *user)
        && filter.kind.as_ref().is_none_or(|kind| event.what.kind() == kind)
        && filter.instance.as_ref().is_none_or(|instance| found == Some(instance))
        && filter.form.as_ref().is_none_or(|form| found.is_some_and(|found| found.form == *form))
}
