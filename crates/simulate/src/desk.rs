//! The desk at a site: when what happened is entered, by whom, and what goes wrong on the way.
//!
//! Never makes up a clinical fact: it gives each a moment of recording, signs, verifies, asks, mistypes and corrects.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use office::{Action, Actor, Deed};
use serde_json::{Map, Value, json};
use trial::date::{plus_days, utc_date};
use trial::event::{Instance, Role};
use trial::id::{SiteId, SubjectId};

use crate::chance::Chance;
use crate::truth::{Planted, PlantedError};

/// What somebody does about a subject, and its place among what is done at the same moment.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Its place among the subject's actions.
    pub order: u32,
    /// When it is recorded.
    pub at: Timestamp,
    /// Who does it.
    pub role: Role,
    /// What.
    pub deed: Deed,
}

impl Pending {
    /// As it is handed in at an office.
    pub fn action(self, site: &SiteId, subject: &SubjectId) -> Action {
        let who = match self.role {
            Role::Patient => "patient".to_owned(),
            Role::DataManager => "data.manager".to_owned(),
            Role::Monitor => format!("monitor.{}", if site.as_str() < "07" { 1 } else { 2 }),
            Role::Investigator => format!("investigator.{site}"),
            Role::RadiationOncologist => format!("radiation.{site}"),
            _ => format!("coordinator.{site}"),
        };
        Action::new(&Actor::new(who, self.role), self.at, self.deed).at(site.clone()).of(subject.clone())
    }
}

/// How a form comes to be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Entered in the order of what happened, and signed: assessments, treatment, decisions.
    Clinical,
    /// Entered when there is time.
    Other,
    /// Answered by the patient on the day.
    Patient,
}

/// A moment of `day`, `minute` minutes after eight in the morning, UTC.
pub fn moment(day: Date, minute: i64) -> Timestamp {
    let (hour, minute) = (8 + minute / 60, minute % 60);
    let (hour, minute) = (i8::try_from(hour).unwrap_or(23).clamp(0, 23), i8::try_from(minute).unwrap_or(0));
    // UTC has every civil time, so this cannot fail within the calendar.
    Offset::UTC.to_timestamp(day.at(hour, minute, 0, 0)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The desk for one subject.
pub struct Desk {
    chance: Chance,
    pending: Vec<Pending>,
    order: u32,
    /// The last moment of the clinical entries, which come in order.
    clinical: Timestamp,
    queries: u32,
    /// Nothing is entered later.
    closes: Option<Timestamp>,
    /// What went wrong on purpose.
    planted: Vec<Planted>,
}

impl Desk {
    /// A desk whose clinical entries come after `from`.
    pub fn new(from: Timestamp, chance: Chance) -> Self {
        Self {
            chance,
            pending: Vec::new(),
            order: 0,
            clinical: from,
            queries: 0,
            closes: None,
            planted: Vec::new(),
        }
    }

    /// The same desk, with nothing entered after `closes`.
    #[must_use]
    pub fn closing(mut self, closes: Timestamp) -> Self {
        self.closes = Some(closes);
        self
    }

    /// All that is to be submitted.
    pub fn finish(self) -> Vec<Pending> {
        self.pending
    }

    /// What went wrong on purpose so far.
    pub fn planted(&mut self) -> Vec<Planted> {
        std::mem::take(&mut self.planted)
    }

    /// Hands in a deed at a moment.
    pub fn hand_in(&mut self, recorded: Timestamp, role: Role, deed: Deed) {
        let at = self.closes.map_or(recorded, |closes| recorded.min(closes));
        self.order += 1;
        self.pending.push(Pending { order: self.order, at, role, deed });
    }

    /// The moment at which something of `day` is entered.
    fn entered(&mut self, day: Date, entry: Entry, instance: &Instance) -> Timestamp {
        let late = self.chance.happens(0.06);
        let delay = match entry {
            Entry::Patient => 0,
            _ if late => {
                let days = self.chance.whole(21, 70);
                let (error, form) = (PlantedError::LateEntry { days }, Some(instance.clone()));
                self.planted.push(Planted { date: day, error, form });
                days
            }
            Entry::Clinical => crate::chance::days(self.chance.exponential(2.5)),
            Entry::Other => crate::chance::days(self.chance.exponential(6.0)),
        };
        let drawn = moment(plus_days(day, delay), self.chance.whole(0, 569));
        if entry != Entry::Clinical {
            // Not before the subject was randomised, or screened.
            return drawn.max(self.floor());
        }
        self.clinical = drawn.max(later(self.clinical, 3));
        self.clinical
    }

    fn floor(&self) -> Timestamp {
        self.pending.first().map_or(self.clinical, |first| first.at)
    }

    /// Saves a form on the day it is about, at screening: everything is there before randomisation.
    pub fn save_at_screening(&mut self, day: Date, instance: Instance, values: Map<String, Value>) {
        let drawn = moment(day, self.chance.whole(0, 500));
        self.clinical = drawn.max(later(self.clinical, 2));
        self.hand_in(self.clinical, Role::SiteCoordinator, Deed::Save { instance, values });
    }

    /// Saves a form of `day`, with all that follows at a site; gives the moment.
    pub fn save(
        &mut self,
        day: Date,
        entry: Entry,
        role: Role,
        instance: &Instance,
        values: Map<String, Value>,
    ) -> Timestamp {
        let at = self.entered(day, entry, instance);
        let mistyped =
            (entry == Entry::Clinical && self.chance.happens(0.05)).then(|| mistype(&values)).flatten();
        if let Some((wrong, item, question)) = mistyped {
            let (error, form) = (PlantedError::Mistyped, Some(instance.clone()));
            self.planted.push(Planted { date: day, error, form });
            self.hand_in(at, role, Deed::Save { instance: instance.clone(), values: wrong });
            self.ask_and_correct(at, instance, values, item, question);
        } else {
            self.hand_in(at, role, Deed::Save { instance: instance.clone(), values });
            if self.chance.happens(0.06) {
                self.ask(at, instance);
            }
        }
        self.after(at, entry, instance);
        at
    }

    /// Corrects a form that was saved before, now that more is known.
    pub fn update(
        &mut self,
        day: Date,
        entry: Entry,
        instance: Instance,
        values: Map<String, Value>,
        reason: &str,
    ) {
        let at = self.entered(day, entry, &instance).max(later(self.last_of(&instance), 2));
        self.clinical = self.clinical.max(at);
        let reason = reason.to_owned();
        self.hand_in(at, Role::SiteCoordinator, Deed::Correct { instance, values, reason });
    }

    /// The last moment at which `instance` was touched.
    fn last_of(&self, instance: &Instance) -> Timestamp {
        let about = |deed: &Deed| match deed {
            Deed::Save { instance: of, .. } | Deed::Correct { instance: of, .. } => of == instance,
            _ => false,
        };
        let touched = self.pending.iter().filter(|p| about(&p.deed));
        touched.map(|p| p.at).max().unwrap_or(self.clinical)
    }

    fn after(&mut self, at: Timestamp, entry: Entry, instance: &Instance) {
        if entry == Entry::Clinical && self.chance.happens(0.9) {
            let signed = later_by_days(at, self.chance.whole(0, 9), self.chance.whole(5, 300));
            let meaning = "I have reviewed this form and take responsibility for it".to_owned();
            self.hand_in(signed, Role::Investigator, Deed::Sign { instance: instance.clone(), meaning });
        }
        if self.chance.happens(0.4) {
            let visit = later_by_days(at, self.chance.whole(25, 130), self.chance.whole(0, 400));
            self.hand_in(visit, Role::Monitor, Deed::Verify { instance: instance.clone() });
            // A log entry may still get its end.
            if instance.visit.is_some() && self.chance.happens(0.2) {
                let locked = later_by_days(visit, self.chance.whole(200, 400), 0);
                self.hand_in(
                    locked,
                    Role::DataManager,
                    Deed::Lock { instance: instance.clone(), locked: true },
                );
            }
        }
    }

    /// Answers the queries that the office itself has raised about something recorded at `at`.
    pub fn answer(&mut self, at: Timestamp, queries: &[String]) {
        for query in queries {
            if !self.chance.happens(0.9) {
                continue;
            }
            let answered = later_by_days(at, self.chance.whole(2, 30), self.chance.whole(1, 400));
            let text = "Checked against the source: it is so.".to_owned();
            self.hand_in(answered, Role::SiteCoordinator, Deed::AnswerQuery { query: query.clone(), text });
            if self.chance.happens(0.95) {
                let closed = later_by_days(answered, self.chance.whole(1, 20), self.chance.whole(1, 400));
                self.hand_in(closed, Role::DataManager, Deed::CloseQuery { query: query.clone() });
            }
        }
    }

    fn query_name(&mut self) -> String {
        self.queries += 1;
        format!("DM{:03}", self.queries)
    }

    fn ask(&mut self, at: Timestamp, instance: &Instance) {
        let query = self.query_name();
        let asked = later_by_days(at, self.chance.whole(2, 30), self.chance.whole(1, 400));
        let texts = [
            ("Please confirm the date against the source.", "Confirmed against the source."),
            ("Is this form complete?", "Complete; what is empty was not done."),
            ("Please upload the report to the site file.", "Report filed."),
        ];
        let Some((text, answer)) = self.chance.one(&texts).copied() else { return };
        let raise = Deed::RaiseQuery {
            query: query.clone(),
            about: Some(instance.clone()),
            item: None,
            text: text.into(),
            due: Some(two_weeks_from(asked)),
        };
        self.hand_in(asked, Role::DataManager, raise);
        // Some are still open.
        if self.chance.happens(0.93) {
            let answered = later_by_days(asked, self.chance.whole(1, 25), self.chance.whole(1, 400));
            self.hand_in(
                answered,
                Role::SiteCoordinator,
                Deed::AnswerQuery { query: query.clone(), text: answer.into() },
            );
            if self.chance.happens(0.95) {
                let closed = later_by_days(answered, self.chance.whole(1, 20), self.chance.whole(1, 400));
                self.hand_in(closed, Role::DataManager, Deed::CloseQuery { query });
            }
        }
    }

    fn ask_and_correct(
        &mut self,
        at: Timestamp,
        instance: &Instance,
        values: Map<String, Value>,
        item: &'static str,
        question: String,
    ) {
        let query = self.query_name();
        let asked = later_by_days(at, self.chance.whole(1, 14), self.chance.whole(1, 200));
        let raise = Deed::RaiseQuery {
            query: query.clone(),
            about: Some(instance.clone()),
            item: Some(item.into()),
            text: question,
            due: Some(two_weeks_from(asked)),
        };
        self.hand_in(asked, Role::DataManager, raise);
        let corrected = later_by_days(asked, self.chance.whole(1, 14), self.chance.whole(1, 200));
        let reason = "typing error, corrected against the source".to_owned();
        self.hand_in(
            corrected,
            Role::SiteCoordinator,
            Deed::Correct { instance: instance.clone(), values, reason },
        );
        let answered = later(corrected, 4);
        let text = "Corrected.".to_owned();
        self.hand_in(answered, Role::SiteCoordinator, Deed::AnswerQuery { query: query.clone(), text });
        let closed = later_by_days(answered, self.chance.whole(1, 10), 7);
        self.hand_in(closed, Role::DataManager, Deed::CloseQuery { query });
    }
}

/// The day by which a data manager asks for an answer.
fn two_weeks_from(at: Timestamp) -> Date {
    plus_days(utc_date(at), 14)
}

/// `at`, so many minutes later.
fn later(at: Timestamp, minutes: i64) -> Timestamp {
    at.saturating_add(jiff::SignedDuration::from_mins(minutes)).unwrap_or(at)
}

/// `at`, so many days later, in working hours.
fn later_by_days(at: Timestamp, days: i64, minute: i64) -> Timestamp {
    let drawn = moment(plus_days(utc_date(at), days), minute);
    drawn.max(later(at, 2))
}

/// A measurement typed in centimetres: the values as typed, the item, and what a data manager asks.
fn mistype(values: &Map<String, Value>) -> Option<(Map<String, Value>, &'static str, String)> {
    let mut wrong = values.clone();
    let rows = wrong.get_mut(trial::concept::LESIONS)?.as_array_mut()?;
    let row = rows.iter_mut().find(|row| row["DIAMETER"].as_f64().is_some_and(|size| size >= 10.0))?;
    let size = row["DIAMETER"].as_f64()?;
    let typed = libm::round(size) / 10.0;
    row["DIAMETER"] = json!(typed);
    let lesion = row["TULNKID"].as_str().unwrap_or_default();
    let question = format!("Lesion {lesion}: {typed} mm is far from the earlier size. Was it typed in cm?");
    Some((wrong, "DIAMETER", question))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_in_working_hours() {
        let day = jiff::civil::date(2026, 3, 1);
        assert_eq!(moment(day, 0).to_string(), "2026-03-01T08:00:00Z");
        assert_eq!(moment(day, 569).to_string(), "2026-03-01T17:29:00Z");
    }

    #[test]
    fn a_correction_comes_after_what_it_corrects() {
        let day = jiff::civil::date(2026, 3, 1);
        let values = json!({ "LESIONS": [{ "TULNKID": "T01", "DIAMETER": 24.0 }] });
        let values = values.as_object().unwrap();
        let mut corrected = 0;
        for seed in 0..200 {
            let chance = Chance::new(seed, "desk");
            let mut desk = Desk::new(moment(day, 0), chance);
            let instance = Instance { form: "tumour".into(), visit: None, occurrence: 1 };
            desk.save(day, Entry::Clinical, Role::SiteCoordinator, &instance, values.clone());
            let mut sorted = desk.finish();
            sorted.sort_by_key(|p| (p.at, p.order));
            let Deed::Save { values: first, .. } = &sorted[0].deed else { panic!("the save comes first") };
            let correction = sorted.iter().find_map(|p| match &p.deed {
                Deed::Correct { values, .. } => Some(values),
                _ => None,
            });
            assert_eq!(correction.is_some(), first != values);
            corrected += u32::from(correction.is_some_and(|last| last == values));
        }
        assert!((2..30).contains(&corrected), "{corrected} of 200 mistyped");
    }
}
