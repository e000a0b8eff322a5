//! What every handler has at hand: the trials, the people, the clock.
//!
//! Never holds what a request changes; that is in the ledgers and in the store of people.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use people::{Secret, Store};

use crate::epro::wording::Wording;
use crate::options::Options;
use crate::room::Room;
use crate::web::limit::Limit;
use crate::web::metrics::Metrics;

/// The application; cloning it is cheap.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) options: Options,
    pub(crate) people: Store,
    pub(crate) metrics: Metrics,
    pub(crate) limit: Limit,
    /// The address that links begin with, without a slash at its end.
    pub(crate) address: String,
    /// The code that opens the first-run page: whoever can read what the server prints may be its first user.
    pub(crate) first_run: Option<Secret>,
    /// The words of the questionnaires that patients answer.
    pub(crate) wording: Wording,
    rooms: BTreeMap<String, Arc<Room>>,
    zone: TimeZone,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    pub(crate) fn new(
        options: Options,
        people: Store,
        first_run: Option<Secret>,
        rooms: Vec<Arc<Room>>,
        address: String,
        wording: Wording,
    ) -> Self {
        let rooms = rooms.into_iter().map(|room| (room.slug.clone(), room)).collect();
        let metrics = Metrics::default();
        let limit = Limit::new(options.most_requests, options.behind_proxy);
        let zone = TimeZone::system();
        Self(Arc::new(Inner { options, people, metrics, limit, address, first_run, wording, rooms, zone }))
    }
}

impl Inner {
    /// The moment, for what is recorded and what expires.
    #[allow(clippy::unused_self)] // whoever has the application has its clock
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// The day here, for windows and what is overdue.
    pub(crate) fn today(&self) -> Date {
        self.now().to_zoned_datetime(self.zone.clone()).date()
    }

    /// The day of a moment here.
    pub(crate) fn day_of(&self, moment: Timestamp) -> Date {
        moment.to_zoned_datetime(self.zone.clone()).date()
    }

    /// The moment at which a day begins here.
    pub(crate) fn start_of(&self, day: Date) -> Timestamp {
        // Only at the ends of the calendar is there none.
        day.to_zoned_datetime(self.zone.clone()).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    }

    /// The trial of an address.
    pub(crate) fn room(&self, slug: &str) -> Option<Arc<Room>> {
        self.rooms.get(slug).cloned()
    }

    /// The trials, in order of their names in addresses.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = &Arc<Room>> {
        self.rooms.values()
    }

    /// Whether browsers come by TLS, here or at the proxy.
    pub(crate) fn tls(&self) -> bool {
        self.address.starts_with("https://")
    }
}
