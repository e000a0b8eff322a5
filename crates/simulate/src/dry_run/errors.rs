//! Errors made on purpose, and where a trial office would find each: in a query, a deviation, a visit, a reading, the audit trail.
//!
//! Never asks the list of errors where they are: each is looked for where people look.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;
use trial::calendar::{Planned as Visit, VisitStatus, calendar_until};
use trial::date::{days_between, plus_days, utc_date};
use trial::event::Instance;
use trial::id::SubjectId;
use trial::record::Finding;

use super::subject::Of;
use super::{Check, Outcome};
use crate::truth::{Planted, PlantedError};

/// A deviation or a query belongs to an error at most so many days away.
const AROUND_DAYS: i64 = 60;

/// An error made on purpose.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlantedCheck {
    /// The subject.
    pub subject: SubjectId,
    /// The error.
    pub planted: Planted,
    /// Whether and where it was found.
    pub found: Found,
}

/// Where an error was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "found", content = "where", rename_all = "snake_case")]
pub enum Found {
    /// There.
    In(String),
    /// It left no trace that anybody could find: no data tell of it.
    Beyond(String),
    /// It should have been found, and was not.
    Missed,
}

/// The errors of a subject.
pub(super) fn of(of: &Of<'_>) -> Vec<PlantedCheck> {
    let protocol = of.trial.history.current();
    let visits = calendar_until(protocol, of.record, of.trial.end, Some(of.trial.end)).visits;
    let look = Look { of, visits };
    let each = of.patient.planted.iter().map(|planted| PlantedCheck {
        subject: of.patient.subject.clone(),
        planted: planted.clone(),
        found: look.found(planted),
    });
    each.collect()
}

/// How many of each kind were found, and where.
pub(super) fn checks(planted: &[PlantedCheck]) -> Vec<Check> {
    let mut kinds: BTreeMap<&'static str, Vec<&PlantedCheck>> = BTreeMap::new();
    for check in planted {
        kinds.entry(check.planted.error.words()).or_default().push(check);
    }
    let one = |(words, of): (&str, Vec<&PlantedCheck>)| {
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for check in &of {
            let place = match &check.found {
                Found::In(place) => place.clone(),
                Found::Beyond(why) => format!("beyond what data tell: {why}"),
                Found::Missed => "NOT FOUND".to_owned(),
            };
            *places.entry(place).or_default() += 1;
        }
        let told: Vec<String> = places.iter().map(|(place, n)| format!("{n} {place}")).collect();
        Check {
            what: format!("Error made on purpose: {words}"),
            expected: format!("{} made", of.len()),
            found: told.join("; "),
            outcome: Outcome::of(of.iter().all(|check| check.found != Found::Missed)),
        }
    };
    kinds.into_iter().map(one).collect()
}

struct Look<'a> {
    of: &'a Of<'a>,
    visits: Vec<Visit>,
}

impl Look<'_> {
    fn found(&self, planted: &Planted) -> Found {
        let in_trail =
            |found: bool, place: &str| if found { Found::In(place.to_owned()) } else { Found::Missed };
        match planted.error {
            PlantedError::LateEntry { days } => {
                in_trail(self.entered_late(planted, days), "by the moment of entry in the audit trail")
            }
            PlantedError::Mistyped => {
                in_trail(self.asked(planted.form.as_ref()), "in a query, and corrected")
            }
            PlantedError::NotMeasured => in_trail(self.not_read(planted.date), "as a reading not done"),
            PlantedError::MissedVisit => self.missed_visit(planted.date),
            PlantedError::NotAnswered => {
                in_trail(self.absent(planted.form.as_ref()), "as a form missing at its visit")
            }
            PlantedError::WrongArmTreatment => self.deviation(planted.date, "SABR NOT PERMITTED"),
            PlantedError::NotTreated => self.not_treated(),
            PlantedError::PutOff | PlantedError::TooSoon => {
                Found::Beyond("a judgement of who knows the arm".to_owned())
            }
        }
    }

    fn entered_late(&self, planted: &Planted, days: i64) -> bool {
        let closes = plus_days(self.of.trial.end, crate::run::CLOSING_DAYS);
        self.of.record.forms.iter().any(|form| {
            let told = match &planted.form {
                Some(instance) => form.instance == *instance,
                // A form of that day, or one that got its last value later.
                None => form.date.is_some_and(|date| date.first() <= planted.date),
            };
            let entered = utc_date(form.recorded);
            // Where the trial closes nothing is entered later.
            told && (days_between(planted.date, entered) >= days || entered >= closes)
        })
    }

    /// Somebody asked about the form, and it was corrected.
    fn asked(&self, form: Option<&Instance>) -> bool {
        let asked =
            self.of.record.queries.iter().any(|query| query.item.is_some() && query.about.as_ref() == form);
        let corrected = |instance: &Instance| {
            self.of.record.forms.iter().any(|known| known.instance == *instance && known.event != known.first)
        };
        asked && form.is_some_and(corrected)
    }

    fn not_read(&self, day: Date) -> bool {
        self.of.record.assessments.iter().any(|read| {
            read.date == day && read.readings.iter().any(|r| matches!(r.finding, Finding::NotEvaluable(_)))
        })
    }

    fn visit_of(&self, day: Date) -> Option<&Visit> {
        let apart = |visit: &&Visit| visit.target.map_or(i64::MAX, |target| days_between(target, day).abs());
        self.visits.iter().filter(|visit| visit.target.is_some()).min_by_key(apart)
    }

    fn missed_visit(&self, day: Date) -> Found {
        let Some(visit) = self.visit_of(day) else { return Found::Missed };
        match visit.status {
            VisitStatus::Missed | VisitStatus::Overdue { .. } => Found::In("as a visit missed".to_owned()),
            VisitStatus::Begun { .. } => Found::In("as a visit begun, its forms missing".to_owned()),
            VisitStatus::NotExpected { because } => {
                Found::Beyond(format!("no visit was expected any more: {because}"))
            }
            _ => Found::Missed,
        }
    }

    fn absent(&self, form: Option<&Instance>) -> bool {
        let Some(form) = form else { return false };
        !self.of.record.forms.iter().any(|known| known.instance == *form)
            && self.visits.iter().flat_map(|visit| &visit.forms).any(|expected| expected.instance == *form)
    }

    fn deviation(&self, day: Date, category: &str) -> Found {
        let rows = self.of.trial.results.deviations.iter();
        let mut of = rows.filter(|row| {
            row.subject == self.of.patient.subject
                && row.category == category
                && days_between(day, row.date).abs() <= AROUND_DAYS
        });
        match (of.clone().any(|row| row.found), of.next().is_some()) {
            (true, _) => Found::In("as a deviation that the program found".to_owned()),
            (false, true) => Found::In("as a deviation that a person recorded".to_owned()),
            _ => Found::Missed,
        }
    }

    /// A lesion not treated at the beginning is a deviation; one at a progression fails the strategy.
    fn not_treated(&self) -> Found {
        match self.deviation(self.of.patient.randomised, "SABR NOT GIVEN") {
            Found::Missed => {
                let course = self.of.derived.strategy.as_ref();
                let told = course.is_some_and(|course| course.why.contains("not treated"));
                if told { Found::In("in the course of the strategy".to_owned()) } else { Found::Missed }
            }
            found => found,
        }
    }
}
