//! A subject's visits: when each is due, whether it was made, and which of its forms are there.
//!
//! `due` holds the schedule alone and the rule of a visit that was made, which the analysis goes by too. Never says what a
//! missed visit does to an endpoint (see `endpoint`), nor what else is missing (see `outstanding`).

mod due;

pub use due::{Due, due_before, due_of, form_of, made};

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;
use serde::Serialize;

use crate::date::days_between;
use crate::eligibility::{Judgement, judge};
use crate::event::Instance;
use crate::form::missing;
use crate::protocol::{Form, Protocol, Visit};
use crate::record::{FilledForm, Record};

/// So many occurrences of a repeating visit are looked at; none has more.
const MOST_OCCURRENCES: u32 = 1_000;

/// A subject's visits, by day; those that wait for randomisation in the order of the protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calendar {
    /// Each of them: a repeating one up to the next that is due.
    pub visits: Vec<Planned>,
    /// The day of randomisation.
    pub start: Option<Date>,
    /// From when on no visit is expected, and why.
    pub over: Option<(Date, NotExpected)>,
}

/// A visit and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// The visit's id.
    pub visit: String,
    /// Its name.
    pub label: String,
    /// Which of a repeating visit, from 1.
    pub occurrence: u32,
    /// The day it is planned at; none before randomisation.
    pub target: Option<Date>,
    /// The first day that counts as on time.
    pub opens: Option<Date>,
    /// The last day that does.
    pub closes: Option<Date>,
    /// Where it stands.
    pub status: VisitStatus,
    /// The forms expected at it.
    pub forms: Vec<Expected>,
}

/// Where a visit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum VisitStatus {
    /// Every form is there.
    Done {
        /// The first day its forms speak of.
        on: Option<Date>,
        /// All those days lie within its window; true before randomisation, when there is none.
        in_window: bool,
    },
    /// Some of its forms are there.
    Begun {
        /// The first day its forms speak of.
        on: Option<Date>,
        /// All those days lie within its window.
        in_window: bool,
    },
    /// Its window is now; before randomisation, it is under way.
    Open,
    /// Its window is over, nothing of it is there, and no later visit has begun.
    Overdue {
        /// Days since its window closed.
        days: i64,
    },
    /// Its window is still to come.
    Upcoming {
        /// Days until the planned day.
        in_days: i64,
    },
    /// Nothing of it is there, and a later visit has begun.
    Missed,
    /// It counts from randomisation, which has not been.
    AwaitsRandomisation,
    /// It will not be made.
    NotExpected {
        /// Why.
        because: NotExpected,
    },
}

/// Why a visit is not expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotExpected {
    /// The subject died.
    Dead,
    /// The subject withdrew or was lost.
    Withdrawn,
    /// A criterion of eligibility is not met, and the subject was not randomised.
    ScreenFailure,
    /// The follow-up of the trial is over.
    FollowUpEnded,
}

impl fmt::Display for NotExpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dead => "died",
            Self::Withdrawn => "withdrawn or lost to follow-up",
            Self::ScreenFailure => "screen failure",
            Self::FollowUpEnded => "follow-up ended",
        })
    }
}

impl fmt::Display for VisitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = |n: i64| if n.abs() == 1 { "day" } else { "days" };
        let dated = |f: &mut fmt::Formatter<'_>, word: &str, on: &Option<Date>, in_window: bool| {
            f.write_str(word)?;
            on.map_or(Ok(()), |on| write!(f, " on {on}"))?;
            if in_window { Ok(()) } else { f.write_str(", outside its window") }
        };
        match self {
            Self::Done { on, in_window } => dated(f, "done", on, *in_window),
            Self::Begun { on, in_window } => dated(f, "begun", on, *in_window),
            Self::Open => f.write_str("due now"),
            Self::Overdue { days: n } => write!(f, "overdue by {n} {}", days(*n)),
            Self::Upcoming { in_days: n @ 0.. } => write!(f, "in {n} {}", days(*n)),
            Self::Upcoming { .. } => f.write_str("to come"),
            Self::Missed => f.write_str("missed"),
            Self::AwaitsRandomisation => f.write_str("counts from randomisation"),
            Self::NotExpected { because } => write!(f, "not expected: {because}"),
        }
    }
}

/// A form expected at a visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// Its name.
    pub label: String,
    /// Which one it is, or would be.
    pub instance: Instance,
    /// Where it stands.
    pub state: FormState,
}

/// Where an expected form stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum FormState {
    /// It is not there.
    Absent,
    /// It is there, and nothing that must be filled is empty.
    Saved,
    /// It is there, and so many items that must be filled are empty.
    Incomplete {
        /// How many.
        missing: usize,
    },
    /// It was filled within the window, and filed under another visit or none.
    Elsewhere {
        /// Where.
        instance: Instance,
    },
}

impl Calendar {
    /// What is to be made next: the visit whose window is now, else the first that is to come.
    pub fn next(&self) -> Option<&Planned> {
        let open = |planned: &&Planned| planned.status == VisitStatus::Open;
        let coming = |planned: &&Planned| matches!(planned.status, VisitStatus::Upcoming { .. });
        self.visits.iter().find(open).or_else(|| self.visits.iter().find(coming))
    }

    /// The visits that are overdue.
    pub fn overdue(&self) -> impl Iterator<Item = &Planned> {
        self.visits.iter().filter(|planned| matches!(planned.status, VisitStatus::Overdue { .. }))
    }

    /// The same calendar on a later day, where nothing was entered since: what a list keeps of each subject.
    #[must_use]
    pub fn on(&self, protocol: &Protocol, today: Date) -> Calendar {
        let mut calendar = self.clone();
        let Some(start) = self.start else { return calendar };
        for planned in &mut calendar.visits {
            let dates = planned.target.zip(planned.opens).zip(planned.closes);
            if let Some(((target, opens), closes)) = dates.filter(|_| planned.is_empty()) {
                planned.status = by_dates((target, opens, closes), self.over, today);
            }
        }
        for visit in &protocol.schedule.visits {
            for occurrence in begun_by(visit, start, self.over, today) {
                let shown = |p: &Planned| p.visit == visit.id && p.occurrence == occurrence;
                if calendar.visits.iter().any(shown) {
                    continue;
                }
                let due = Due::of(visit, occurrence);
                let dates = due.dates(start);
                let forms = visit.forms.iter().filter_map(|id| {
                    let form = protocol.forms.iter().find(|form| form.id == *id)?;
                    Some(Expected {
                        label: form.label.clone(),
                        instance: instance(id, &due),
                        state: FormState::Absent,
                    })
                });
                calendar.visits.push(Planned::new(
                    visit,
                    &due,
                    Some(dates),
                    by_dates(dates, self.over, today),
                    forms.collect(),
                ));
            }
        }
        calendar.settle(today);
        calendar
    }

    /// Puts the visits in order, and tells what is missed from what is overdue.
    fn settle(&mut self, today: Date) {
        // Without randomisation there are no days; the sort is stable.
        self.visits.sort_by_key(|planned| planned.target);
        let begun = |planned: &&Planned| {
            !planned.is_empty()
                || planned.opens.is_some_and(|opens| opens <= today)
                    && !matches!(planned.status, VisitStatus::NotExpected { .. })
        };
        let last = self.visits.iter().filter(begun).filter_map(|planned| planned.target).max();
        for planned in &mut self.visits {
            let later = planned.target.is_some_and(|day| last.is_some_and(|last| last > day));
            if later && matches!(planned.status, VisitStatus::Overdue { .. }) {
                planned.status = VisitStatus::Missed;
            }
        }
    }

    /// The visit of `instance`.
    pub fn of(&self, instance: &Instance) -> Option<&Planned> {
        self.visits.iter().find(|planned| {
            instance.visit.as_ref() == Some(&planned.visit) && instance.occurrence == planned.occurrence
        })
    }
}

impl Planned {
    fn new(
        visit: &Visit,
        due: &Due<'_>,
        dates: Option<(Date, Date, Date)>,
        status: VisitStatus,
        forms: Vec<Expected>,
    ) -> Self {
        Self {
            visit: visit.id.clone(),
            label: visit.label.clone(),
            occurrence: due.occurrence,
            target: dates.map(|(target, ..)| target),
            opens: dates.map(|(_, opens, _)| opens),
            closes: dates.map(|(.., closes)| closes),
            status,
            forms,
        }
    }

    /// Nothing of it is there.
    pub fn is_empty(&self) -> bool {
        self.forms.iter().all(|form| form.state == FormState::Absent)
    }
}

/// The visits of `record` under `protocol`, as they stand on `today`.
pub fn calendar(protocol: &Protocol, record: &Record, today: Date) -> Calendar {
    calendar_until(protocol, record, today, None)
}

/// The same where the follow-up of the trial ends, or ended, on `follow_up_ends`.
pub fn calendar_until(
    protocol: &Protocol,
    record: &Record,
    today: Date,
    follow_up_ends: Option<Date>,
) -> Calendar {
    let start = record.randomised.as_ref().map(|fact| fact.value.date);
    let over = over(protocol, record, today, follow_up_ends);
    let look = Look { protocol, record, today, start, over };
    let mut calendar = Calendar { visits: Vec::new(), start, over };
    for visit in &protocol.schedule.visits {
        for occurrence in look.occurrences(visit) {
            calendar.visits.push(look.planned(visit, &Due::of(visit, occurrence)));
        }
    }
    calendar.settle(today);
    calendar
}

/// From when on no visit is expected, and why.
fn over(
    protocol: &Protocol,
    record: &Record,
    today: Date,
    follow_up_ends: Option<Date>,
) -> Option<(Date, NotExpected)> {
    let died =
        record.death.as_ref().map(|death| (death.date.impute_end(Some(today)).date, NotExpected::Dead));
    let withdrew = record.withdrawal.as_ref().map(|withdrawal| (withdrawal.date, NotExpected::Withdrawn));
    let ended = follow_up_ends.map(|ends| (ends, NotExpected::FollowUpEnded));
    let failed = || {
        let not_met = judge(protocol, record).iter().any(|judged| judged.judgement == Judgement::NotMet);
        not_met.then_some((Date::MIN, NotExpected::ScreenFailure))
    };
    let failed = if record.randomised.is_none() { failed() } else { None };
    [died, withdrew, ended, failed].into_iter().flatten().min_by_key(|(date, because)| (*date, *because))
}

/// The occurrences of `visit` whose window has opened by `today`, and the next; none opens after the end but one.
fn begun_by(visit: &Visit, start: Date, over: Option<(Date, NotExpected)>, today: Date) -> Vec<u32> {
    let repeats = visit.every_days.is_some_and(|every| every > 0);
    let mut begun = vec![1];
    for occurrence in (2..=MOST_OCCURRENCES).take_while(|_| repeats) {
        let (_, opened, _) = Due::of(visit, occurrence - 1).dates(start);
        if opened > today || over.is_some_and(|(over, _)| opened > over) {
            break;
        }
        begun.push(occurrence);
    }
    begun
}

/// Where a visit stands of which nothing is there.
fn by_dates(
    (target, opens, closes): (Date, Date, Date),
    over: Option<(Date, NotExpected)>,
    today: Date,
) -> VisitStatus {
    // One whose whole window had passed before was to be made.
    if let Some((_, because)) = over.filter(|(over, _)| closes >= *over) {
        return VisitStatus::NotExpected { because };
    }
    if today < opens {
        VisitStatus::Upcoming { in_days: days_between(today, target) }
    } else if today <= closes {
        VisitStatus::Open
    } else {
        VisitStatus::Overdue { days: days_between(closes, today) }
    }
}

fn instance(form: &str, due: &Due<'_>) -> Instance {
    Instance { form: form.to_owned(), visit: Some(due.visit.to_owned()), occurrence: due.occurrence }
}

struct Look<'a> {
    protocol: &'a Protocol,
    record: &'a Record,
    today: Date,
    start: Option<Date>,
    over: Option<(Date, NotExpected)>,
}

impl<'a> Look<'a> {
    /// The occurrences of `visit` to show: those begun by today and the next, and any that has a form.
    fn occurrences(&self, visit: &Visit) -> BTreeSet<u32> {
        let of_visit =
            self.record.forms.iter().filter(|form| form.instance.visit.as_ref() == Some(&visit.id));
        let repeats = visit.every_days.is_some_and(|every| every > 0);
        let mut shown: BTreeSet<u32> = of_visit
            .map(|form| form.instance.occurrence)
            .filter(|n| *n == 1 || repeats && (1..=MOST_OCCURRENCES).contains(n))
            .collect();
        shown.insert(1);
        shown.extend(self.start.into_iter().flat_map(|start| begun_by(visit, start, self.over, self.today)));
        shown
    }

    fn planned(&self, visit: &Visit, due: &Due<'_>) -> Planned {
        let forms: Vec<Expected> = visit.forms.iter().filter_map(|id| self.expected(id, due)).collect();
        let dates = self.start.map(|start| due.dates(start));
        Planned::new(visit, due, dates, self.status(due, &forms), forms)
    }

    fn expected(&self, id: &str, due: &Due<'_>) -> Option<Expected> {
        let form = self.protocol.forms.iter().find(|form| form.id == id)?;
        let instance = instance(id, due);
        let state = match self.filled(&instance) {
            Some(filled) => {
                match missing(self.protocol, form, self.record, &instance, &filled.values).len() {
                    0 => FormState::Saved,
                    missing => FormState::Incomplete { missing },
                }
            }
            None => self.elsewhere(form, due),
        };
        Some(Expected { label: form.label.clone(), instance, state })
    }

    fn filled(&self, instance: &Instance) -> Option<&'a FilledForm> {
        self.record.forms.iter().find(|form| form.instance == *instance)
    }

    /// By the rule of `made`: filled within the window, wherever it was filed.
    fn elsewhere(&self, form: &Form, due: &Due<'_>) -> FormState {
        // A log form is filled as often as something happens, and at no visit's place.
        let Some(start) = self.start.filter(|_| due.day > 0 && !form.log) else { return FormState::Absent };
        due::filled(self.protocol, self.record, form.concept)
            .into_iter()
            .filter(|(_, date)| date.is_some_and(|date| due.on_time(days_between(start, date))))
            .filter_map(|(event, _)| form_of(self.record, event))
            .find(|filled| filled.instance.form == form.id)
            .map_or(FormState::Absent, |filled| FormState::Elsewhere { instance: filled.instance.clone() })
    }

    fn status(&self, due: &Due<'_>, forms: &[Expected]) -> VisitStatus {
        if forms.iter().any(|form| form.state != FormState::Absent) {
            let (on, in_window) = self.days(due, forms);
            return if forms.iter().all(|form| form.state != FormState::Absent) {
                VisitStatus::Done { on, in_window }
            } else {
                VisitStatus::Begun { on, in_window }
            };
        }
        let Some(start) = self.start else {
            return match self.over {
                Some((over, because)) if over <= self.today => VisitStatus::NotExpected { because },
                _ if due.day > 0 => VisitStatus::AwaitsRandomisation,
                _ => VisitStatus::Open,
            };
        };
        by_dates(due.dates(start), self.over, self.today)
    }

    /// The first day that the forms of a visit speak of, and whether all lie within its window.
    fn days(&self, due: &Due<'_>, forms: &[Expected]) -> (Option<Date>, bool) {
        let filled = forms.iter().filter_map(|form| match &form.state {
            FormState::Elsewhere { instance } => self.filled(instance),
            _ => self.filled(&form.instance),
        });
        let dates: Vec<_> = filled.filter_map(|form| form.date).collect();
        let Some(start) = self.start else {
            return (dates.iter().map(|date| date.first()).min(), true);
        };
        let (_, opens, closes) = due.dates(start);
        let within = dates.iter().all(|date| date.last() >= opens && date.first() <= closes);
        (dates.iter().map(|date| date.first()).min(), within)
    }
}

/// When the follow-up of the trial ends: so many months after `last`, the day the last participant was randomised.
pub fn follow_up_ends(protocol: &Protocol, last: Date) -> Date {
    let months = i64::from(protocol.schedule.follow_up_months);
    let span = jiff::Span::new().try_months(months).unwrap_or_default();
    last.saturating_add(span)
}
