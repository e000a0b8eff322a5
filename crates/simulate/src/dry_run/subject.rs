//! One subject's true events against those derived from its record.
//!
//! Never excuses a difference without naming what stands in the record, or in the list of errors made on purpose, at that time.

use jiff::civil::Date;
use serde::Serialize;
use trial::date::{days_between, plus_days};
use trial::derive::Derived;
use trial::id::{ArmId, LesionId, SubjectId};
use trial::progression::{Known, of_reader};
use trial::recist::OverallResponse;
use trial::record::{Decision, Finding, LesionRole, Reading, Record};
use trial::strategy::{Failure, Status};

use super::Trial;
use crate::truth::{PatientTruth, PlantedError};

/// A reader measures with an error of so large a share of a diameter, and writes whole millimetres.
const MEASURED_WITHIN: f64 = 0.1;
/// A decision, a deadline or a symptom belongs to a scan at most so many days before it.
const AROUND_DAYS: i64 = 60;

/// A progression that is there is seen at one of so many assessments.
const MORE_ASSESSMENTS: usize = 3;

/// What is checked of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The first progression of the disease.
    Progression,
    /// The strategy fails.
    StrategyFailure,
    /// Death.
    Death,
}

impl Event {
    /// All.
    pub const ALL: [Self; 3] = [Self::Progression, Self::StrategyFailure, Self::Death];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Progression => "First progression",
            Self::StrategyFailure => "Strategy failure",
            Self::Death => "Death",
        }
    }
}

/// How an event was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It did not happen, and was not derived.
    Absent,
    /// It was found on the day it could be: that of the next assessment, or its own for what needs none.
    Found,
    /// It happened after the last assessment: nobody could see it.
    NotSeen,
    /// Another day, or not at all, for a reason that is known.
    Explained,
    /// Another day, or not at all, and nothing says why.
    Unexplained,
}

/// An event of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubjectCheck {
    /// The subject.
    pub subject: SubjectId,
    /// Its arm.
    pub arm: ArmId,
    /// The event.
    pub event: Event,
    /// The day it truly happened; none: not by the end.
    pub truth: Option<Date>,
    /// The day it was derived to have happened.
    pub derived: Option<Date>,
    /// Days from the one to the other.
    pub lag_days: Option<i64>,
    /// What to think of it.
    pub verdict: Verdict,
    /// Why.
    pub why: String,
}

/// A subject with what is true, recorded and derived of it.
pub(super) struct Of<'a> {
    pub trial: &'a Trial<'a>,
    pub patient: &'a PatientTruth,
    pub record: &'a Record,
    pub derived: &'a Derived,
}

impl Of<'_> {
    /// The three events.
    pub fn checks(&self) -> [SubjectCheck; 3] {
        [self.progression(), self.failure(), self.death()]
    }

    fn told(
        &self,
        event: Event,
        truth: Option<Date>,
        derived: Option<Date>,
        told: (Verdict, String),
    ) -> SubjectCheck {
        let (verdict, why) = told;
        SubjectCheck {
            subject: self.patient.subject.clone(),
            arm: self.patient.arm.clone(),
            event,
            truth,
            derived,
            lag_days: truth.zip(derived).map(|(truth, derived)| days_between(truth, derived)),
            verdict,
            why,
        }
    }

    /// Days of the reader's assessments after randomisation, in order.
    fn assessments(&self) -> Vec<Date> {
        let protocol = self.trial.history.current();
        let all = of_reader(self.record, &protocol.tumour.reader);
        all.iter().map(|read| read.date).filter(|day| *day > self.patient.randomised).collect()
    }

    /// The first assessment that can show what began on `day`.
    fn next_assessment(&self, day: Date) -> Option<Date> {
        self.assessments().into_iter().find(|read| *read >= day)
    }

    fn progression(&self) -> SubjectCheck {
        let truth = self.patient.outbreaks.first().map(|outbreak| outbreak.date);
        let found = self.derived.first_progression.as_ref();
        let derived = found.map(|progression| progression.date);
        let clinical = found.is_some_and(|progression| progression.known == Known::Clinical);
        let seen = truth.and_then(|day| self.next_assessment(day));
        let told = match (truth, derived) {
            (None, None) => (Verdict::Absent, String::new()),
            (Some(_), None) if seen.is_none() => (Verdict::NotSeen, self.gone()),
            (Some(truth), Some(day)) if seen == Some(day) && day >= truth => {
                (Verdict::Found, "at the next assessment".to_owned())
            }
            (Some(truth), Some(day)) if clinical && day >= truth && seen.is_none_or(|seen| day <= seen) => {
                (Verdict::Found, "by symptoms, before the next assessment".to_owned())
            }
            _ => self.apart([truth, seen, derived], found.map_or("", |found| found.reason.as_str())),
        };
        self.told(Event::Progression, truth, derived, told)
    }

    fn failure(&self) -> SubjectCheck {
        let truth = self.patient.failure;
        let course = self.derived.strategy.as_ref();
        let status = course.map(|course| &course.status);
        let (derived, cause) = match status {
            Some(Status::Failed { on, cause }) => (Some(*on), Some(*cause)),
            Some(Status::Pending { progression }) => (Some(*progression), None),
            _ => (None, None),
        };
        let death = truth.is_some() && truth == self.patient.death;
        let seen = truth.and_then(|day| if death { Some(day) } else { self.next_assessment(day) });
        let told = match (truth, derived) {
            (None, None) => (Verdict::Absent, String::new()),
            (Some(_), None) if seen.is_none() => (Verdict::NotSeen, self.gone()),
            (Some(_), Some(day)) if seen == Some(day) && status.is_some_and(is_pending) => (
                Verdict::Found,
                "its decision is pending, which the main analysis counts as a failure".to_owned(),
            ),
            (Some(_), Some(day)) if seen == Some(day) => {
                (Verdict::Found, "at the next assessment".to_owned())
            }
            (Some(truth), Some(day))
                if cause == Some(Failure::Death)
                    && Some(day) == self.derived.death.map(|d| d.date)
                    && (death || self.next_assessment(truth).is_none_or(|read| read >= day)) =>
            {
                let how =
                    if days_between(truth, day) >= 0 { Verdict::Explained } else { Verdict::Unexplained };
                (how, "died before a progression was seen, or its day is known by the month".to_owned())
            }
            (Some(truth), Some(day))
                if self.clinical_on(day) && day >= truth && seen.is_none_or(|seen| day <= seen) =>
            {
                (Verdict::Found, "by symptoms, before the next assessment".to_owned())
            }
            _ => match self.decided(truth, derived, cause) {
                Some(why) => (Verdict::Explained, why),
                None => self.apart([truth, seen, derived], course.map_or("", |course| course.why.as_str())),
            },
        };
        self.told(Event::StrategyFailure, truth, derived, told)
    }

    fn clinical_on(&self, day: Date) -> bool {
        self.record.clinical_progressions.iter().any(|fact| fact.value == day)
    }

    /// A failure that is a matter of what was decided and done, not of what grew: the record says so.
    fn decided(&self, truth: Option<Date>, derived: Option<Date>, cause: Option<Failure>) -> Option<String> {
        let (day, course) = (derived?, self.derived.strategy.as_ref()?);
        if truth.is_some_and(|truth| truth < day) {
            return None;
        }
        if cause == Some(Failure::SystemicChange) {
            return Some(course.why.clone());
        }
        // One that it held through before is another matter.
        let before =
            course.episodes.iter().map(|episode| episode.progression.date).filter(|date| *date < day).max();
        let held = self.patient.outbreaks.iter().any(|outbreak| {
            outbreak.held && outbreak.date <= day && before.is_none_or(|date| outbreak.date > date)
        });
        let abandoned = self.record.decisions.iter().any(|decision| {
            decision.decision == Decision::Abandon
                && (0..=AROUND_DAYS).contains(&days_between(day, decision.date))
        });
        (held || abandoned || self.found_late(day))
            .then(|| format!("it could have been held: {}", course.why))
    }

    /// An outbreak that can be held and came before the last progression that was held, but is seen on `day` for the first time: there
    /// were more of them than progressions, and none of these lesions had progressed.
    fn found_late(&self, day: Date) -> bool {
        let episodes = self.derived.strategy.as_ref().map_or(&[][..], |course| course.episodes.as_slice());
        let Some((last, earlier)) = episodes.split_last().filter(|(last, _)| last.progression.date == day)
        else {
            return false;
        };
        let known = |lesion| earlier.iter().any(|episode| episode.progression.lesions.contains(lesion));
        let held = self.patient.outbreaks.iter().filter(|outbreak| outbreak.held && outbreak.date <= day);
        held.count() > earlier.len() && !last.progression.lesions.iter().any(known)
    }

    fn death(&self) -> SubjectCheck {
        let truth = self.patient.death;
        let recorded = self.record.death.as_ref().map(|death| death.date);
        let derived = self.derived.death.map(|death| death.date);
        let told = match (truth, recorded) {
            (None, None) => (Verdict::Absent, String::new()),
            (Some(truth), Some(date)) if date.day() == Some(truth) && derived == Some(truth) => {
                (Verdict::Found, String::new())
            }
            (Some(truth), Some(date))
                if date.day().is_none() && date.first() <= truth && truth <= date.last() =>
            {
                (Verdict::Explained, format!("only {date} is known; the day was imputed"))
            }
            _ => (Verdict::Unexplained, "not the day of the form".to_owned()),
        };
        self.told(Event::Death, truth, derived, told)
    }

    /// Why nobody saw it.
    fn gone(&self) -> String {
        let last = self
            .assessments()
            .last()
            .map_or("no assessment".to_owned(), |day| format!("the last assessment was on {day}"));
        match (self.patient.left, self.patient.death) {
            (Some(day), _) => format!("{last}, lost or withdrawn on {day}"),
            (None, Some(day)) => format!("{last}, died on {day}"),
            _ => format!("{last}, the trial ended on {}", self.trial.end),
        }
    }

    /// The reason why the day derived is not that expected, among what was read between them. `days`: of the truth, of the
    /// assessment that was to show it, and as derived; `derived`: what the program says of it.
    fn apart(&self, days: [Option<Date>; 3], derived: &str) -> (Verdict, String) {
        let known: Vec<Date> = days.into_iter().flatten().collect();
        let (Some(from), Some(to)) = (known.iter().min().copied(), known.iter().max().copied()) else {
            return (Verdict::Unexplained, String::new());
        };
        // Never derived: what was read at the assessments that followed; what grows is seen at one of them.
        let later = self.assessments().into_iter().filter(|read| *read >= to).take(MORE_ASSESSMENTS).last();
        let to = if days[2].is_none() { later.unwrap_or(to) } else { to };
        let why = self
            .made_on_purpose(from, to)
            .or_else(|| self.doubtful(from, to))
            .or_else(|| self.near(from, to))
            .or_else(|| self.alone(from, to))
            .or_else(|| self.judged(days[1]?, days[2]));
        match why {
            Some(why) => (Verdict::Explained, why),
            None => {
                (Verdict::Unexplained, format!("{derived}; true progressions: {}", self.true_progressions()))
            }
        }
    }

    fn true_progressions(&self) -> String {
        let told = self.patient.outbreaks.iter().map(|outbreak| {
            let held = if outbreak.held { ", can be held" } else { "" };
            format!("{} ({} lesion(s){held})", outbreak.date, outbreak.lesions)
        });
        told.collect::<Vec<_>>().join(", ")
    }

    /// An error made on purpose between two days that keeps a progression from being seen, or shows one that is none.
    fn made_on_purpose(&self, from: Date, to: Date) -> Option<String> {
        let planted = self.patient.planted.iter().find(|planted| {
            let told = matches!(
                planted.error,
                PlantedError::NotMeasured
                    | PlantedError::PutOff
                    | PlantedError::TooSoon
                    | PlantedError::NotTreated
            );
            told && planted.date >= plus_days(from, -3) && planted.date <= plus_days(to, 3)
        })?;
        Some(format!("error made on purpose: {} on {}", planted.error.words(), planted.date))
    }

    /// A new lesion that was equivocal, or an assessment that was not whole, between two days.
    fn doubtful(&self, from: Date, to: Date) -> Option<String> {
        self.record.assessments.iter().filter(|read| read.date >= from && read.date <= to).find_map(|read| {
            read.readings.iter().find_map(|reading| match &reading.finding {
                Finding::Equivocal => Some(format!("{} was equivocal on {}", reading.lesion, read.date)),
                Finding::NotEvaluable(why) => {
                    Some(format!("{} was not read on {}: {why}", reading.lesion, read.date))
                }
                _ => None,
            })
        })
    }

    /// A lesion that no one measures, which the reader called worse one assessment later than it was, or would have, had one
    /// followed.
    fn judged(&self, seen: Date, derived: Option<Date>) -> Option<String> {
        let of = |day: Date| self.record.assessments.iter().find(move |read| read.date == day);
        let read = of(seen)?;
        let is_present =
            |reading: &&Reading| reading.role == LesionRole::NonTarget && reading.finding == Finding::Present;
        let mut present = read.readings.iter().filter(is_present);
        let Some(next) = self.assessments().into_iter().find(|read| *read > seen) else {
            let is_new = |reading: &Reading| reading.role == LesionRole::New;
            let lesion = &present.next().filter(|_| !read.readings.iter().any(is_new))?.lesion;
            return derived
                .is_none()
                .then(|| format!("{lesion} was read as present on {seen}, and no assessment followed"));
        };
        let worse = of(next)?.readings.iter().filter(|reading| reading.finding == Finding::Unequivocal);
        let worse: Vec<&LesionId> = worse.map(|reading| &reading.lesion).collect();
        let lesion = &present.find(|reading| worse.contains(&&reading.lesion))?.lesion;
        derived
            .is_some_and(|derived| derived > seen && derived <= next)
            .then(|| format!("{lesion} was read as present on {seen}, as unequivocally worse on {next}"))
    }

    /// A lesion that alone had grown, in a sum of targets that had not: no progression by RECIST 1.1.
    fn alone(&self, from: Date, to: Date) -> Option<String> {
        let series = self.derived.series.as_ref()?;
        series.timepoints.iter().filter(|shown| shown.date >= from && shown.date <= to).find_map(|shown| {
            let grown = shown.lesions.iter().find(|point| point.progressing)?;
            (shown.overall != OverallResponse::Progressive).then(|| {
                format!(
                    "{} alone had grown on {}, the sum of the targets had not by a fifth and 5 mm",
                    grown.lesion, shown.date
                )
            })
        })
    }

    /// A sum or a diameter that stood so near to a threshold that the error of measuring decided.
    fn near(&self, from: Date, to: Date) -> Option<String> {
        let series = self.derived.series.as_ref()?;
        series.timepoints.iter().filter(|shown| shown.date >= from && shown.date <= to).find_map(|shown| {
            let (sum, nadir) = (shown.sum_mm?, shown.nadir_mm?);
            // RECIST 1.1: a fifth more than the nadir, and 5 mm.
            let threshold = (1.2 * nadir).max(nadir + 5.0);
            ((sum - threshold).abs() <= (MEASURED_WITHIN * threshold).max(2.0)).then(|| {
                format!(
                    "measured within error: a sum of {sum:.0} mm on {}, and {threshold:.0} mm is progression",
                    shown.date
                )
            })
        })
    }
}

fn is_pending(status: &Status) -> bool {
    matches!(status, Status::Pending { .. })
}
