//! Subjects, and when the events come: from accrual, hazards and dropout.
//!
//! Never assumes a hazard: without one there is no size.

use ::survival::Error;
use ::survival::design::accrual::{Accrual, Arm, Rate, Trial};
use ::survival::design::events::Formula;
use ::survival::design::sample_size::{self, SampleSize, Steps};
use serde::Serialize;

use super::start::{Start, Wrong};
use super::{Options, percent};
use crate::graph::short;
use crate::output::{Failure, table, told as as_text};

/// What the course of the trial asks for.
#[derive(Serialize)]
pub struct Size {
    pub accrual: f64,
    pub end: f64,
    /// None where the experimental hazard was given: then only Lakatos's method holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_events: Option<SampleSize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lachin_foulkes: Option<SampleSize>,
    pub lakatos: SampleSize,
    /// For the number of subjects asked for, else that of Lakatos's method.
    pub course: Course,
}

/// A trial of so many subjects.
#[derive(Serialize)]
pub struct Course {
    pub subjects: f64,
    pub power_at_end: f64,
    pub events_at_end: f64,
    /// When the planned events are expected; none where they never are.
    pub time_of_planned_events: Option<f64>,
    /// Time, subjects, events in the control arm, events in the experimental arm.
    pub expected: Vec<(f64, f64, f64, f64)>,
}

impl Size {
    /// None where neither hazard nor accrual was given.
    pub fn new(options: &Options, start: &Start) -> Result<Option<Self>, Wrong> {
        let hazard = match (options.median, &options.hazard) {
            (Some(median), _) => Some(Rate::of_median(median)?),
            (None, Some(hazard)) => Some(hazard.0.clone()),
            (None, None) => None,
        };
        let (hazard, accrual) = match (hazard, options.accrual) {
            (Some(hazard), Some(accrual)) => (hazard, accrual),
            (None, None) if !asks(options) => return Ok(None),
            _ => {
                let what = "a number of subjects needs the control arm's --median or --hazard, and --accrual";
                return Err(Failure::usage(what)
                    .hint("--median 12 --accrual 24 --follow-up 12, all in one unit")
                    .into());
            }
        };
        let course = |subjects: f64| match &options.accrual_rate {
            None => Accrual::uniform(subjects, accrual),
            Some(rate) => {
                let given = Accrual::new(rate.0.clone(), accrual)?.subjects();
                Accrual::new(rate.0.times(subjects / given)?, accrual)
            }
        };
        let dropout = options.dropout.as_ref().map_or_else(Rate::none, |rate| rate.0.clone());
        let control = Arm { hazard, dropout };
        let trial = |subjects: f64| {
            let mut trial = Trial::proportional(
                course(subjects)?,
                control.clone(),
                start.hazard_ratio,
                start.allocation,
            )?;
            if let Some(hazard) = &options.experimental_hazard {
                trial.experimental.hazard = hazard.0.clone();
            }
            Ok::<Trial, Error>(trial)
        };
        let (plan, end) = (trial(1.0)?, accrual + options.follow_up);
        let (level, power, ratio) = (start.one_sided(), start.power, start.hazard_ratio);
        let proportional = options.experimental_hazard.is_none();
        let by = |formula: Formula| sample_size::by_events(&plan, end, formula, ratio, level, power);
        let lakatos = sample_size::lakatos(&plan, end, level, power, Steps::Limit)?;
        Ok(Some(Self {
            accrual,
            end,
            by_events: proportional.then(|| by(start.formula)).transpose()?,
            lachin_foulkes: proportional
                .then(|| sample_size::lachin_foulkes(&plan, end, ratio, level, power))
                .transpose()?,
            lakatos,
            course: Course::new(&trial(options.subjects.unwrap_or(lakatos.subjects.ceil()))?, end, start)?,
        }))
    }

    pub fn told(&self) -> String {
        let mut rows = table(["Subjects", "Exactly", "Whole", "Events at the end"]);
        let methods = [
            ("events over the probability of one", self.by_events),
            ("Lachin and Foulkes", self.lachin_foulkes),
            ("Lakatos", Some(self.lakatos)),
        ];
        for (name, size) in methods.into_iter().filter_map(|(name, size)| Some((name, size?))) {
            rows.add_row([
                name.to_owned(),
                format!("{:.1}", size.subjects),
                size.subjects.ceil().to_string(),
                short(size.events),
            ]);
        }
        let course = &self.course;
        let mut by_time = table(["Time", "Subjects", "Events", "control", "experimental"]);
        for (time, subjects, control, experimental) in &course.expected {
            by_time.add_row([*time, *subjects, control + experimental, *control, *experimental].map(short));
        }
        let planned = course.time_of_planned_events.map_or_else(
            || "the planned events will never be reached".to_owned(),
            |time| format!("the planned events are expected at time {}", short(time)),
        );
        format!(
            "Accrual for {}, analysis at {}\n{}\n\nWith {} subjects: power {} (Lakatos) at {} with {} events; {planned}\n{}",
            short(self.accrual),
            short(self.end),
            as_text(&rows),
            short(course.subjects),
            percent(course.power_at_end),
            short(self.end),
            short(course.events_at_end),
            as_text(&by_time)
        )
    }
}

/// Whether anything that only a size needs was given.
fn asks(options: &Options) -> bool {
    options.subjects.is_some()
        || options.dropout.is_some()
        || options.accrual_rate.is_some()
        || options.experimental_hazard.is_some()
        || options.follow_up != 0.0
}

impl Course {
    fn new(trial: &Trial, end: f64, start: &Start) -> Result<Self, Error> {
        let at = |part: u32| {
            let time = end * f64::from(part) / 6.0;
            let events = trial.events_by(time);
            (time, trial.accrual.by(time), events.control, events.experimental)
        };
        Ok(Self {
            subjects: trial.accrual.subjects(),
            power_at_end: sample_size::lakatos_power(trial, end, start.one_sided(), Steps::Limit)?,
            events_at_end: trial.events_by(end).total(),
            time_of_planned_events: trial.time_of(start.planned_events).ok(),
            expected: (1..=6).map(at).collect(),
        })
    }
}
