//! The life of one subject: the event, the loss, and what assessments and decisions make of them.
//!
//! Never knows when the trial is judged, save to censor a subject there (`Fate::by`).

use super::Purpose;
use super::course::Course;
use crate::philox::{Philox, exponential, unit};
use crate::scenario::{Arm, Assessment, Scenario};

/// What is known of a subject when nothing cuts the trial short.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Subject {
    /// From 0, in the order of coming.
    pub number: u64,
    /// Calendar time of randomisation.
    pub entry: f64,
    /// Since then: the event as it is known, or the last that is known without.
    pub end: f64,
    /// Whether `end` is an event.
    pub event: bool,
    /// In the experimental arm.
    pub second: bool,
    /// From 0.
    pub stratum: usize,
}

impl Subject {
    /// Somebody who comes.
    pub fn new(number: u64, entry: f64, stratum: usize, second: bool) -> Self {
        Self { number, entry, end: 0.0, event: false, second, stratum }
    }

    /// Whether randomised by a calendar time.
    pub fn counted(&self, time: f64) -> bool {
        self.entry <= time
    }
}

/// What happens to the subjects of an arm.
pub struct Fate<'a> {
    arm: &'a Arm,
    /// By stratum.
    hazards: Vec<Course>,
}

/// Assessments are counted to here. Who lives longer than this many intervals is seen all the time, as far as a float can tell:
/// the next assessment is later by less than the last digit of the time, and one more could not be counted.
const COUNTED: f64 = 9_007_199_254_740_992.0; // 2^53

/// An assessment.
struct Visit {
    time: f64,
    attended: bool,
    /// Uniform: below the chance of it, a decision departs from the truth.
    put_off: f64,
    too_soon: f64,
}

impl<'a> Fate<'a> {
    pub fn new(scenario: &'a Scenario, arm: usize) -> Self {
        let base = if arm == 0 {
            Course::new(&scenario.hazard)
        } else {
            Course::product(&scenario.hazard, &scenario.effect)
        };
        let hazards =
            scenario.strata.iter().map(|stratum| base.clone().times(stratum.hazard_ratio)).collect();
        Self { arm: &scenario.arms[arm], hazards }
    }

    /// Draws a life. `words` are the subject's first: event, loss, and two that others use.
    #[inline]
    pub fn live(&self, philox: Philox, trial: u64, words: [u64; 4], subject: &mut Subject) {
        let event = self.hazards[subject.stratum].time_of(exponential(words[0]));
        let mut lost = f64::INFINITY;
        if self.arm.dropout > 0.0 {
            lost = exponential(words[1]) / self.arm.dropout;
        }
        if self.arm.before_event.is_none() && self.arm.assessment.is_none() {
            (subject.end, subject.event) = (event.min(lost), event <= lost && event < f64::INFINITY);
            return;
        }
        let more = philox.draw(trial, subject.number, 1, Purpose::Life);
        if let Some(before) = self.arm.before_event.filter(|before| unit(more[0]) < before.share) {
            lost = lost.min((event - unit(more[1]) * before.within).max(0.0));
        }
        let known = match self.arm.assessment {
            None => (event <= lost).then_some(event),
            Some(schedule) if unit(more[2]) < schedule.known_to_the_day => self
                .called_before(philox, trial, subject.number, schedule, event.min(lost))
                .or((event <= lost).then_some(event)),
            Some(schedule) => self.found(philox, trial, subject.number, schedule, event, lost),
        };
        match known.filter(|time| *time < f64::INFINITY) {
            Some(time) => (subject.end, subject.event) = (time, true),
            None => {
                (subject.end, subject.event) = (self.last_seen(philox, trial, subject.number, lost), false);
            }
        }
    }

    /// What is known of a subject at a calendar time: the time since randomisation, and whether the event was seen.
    #[inline]
    pub fn by(&self, philox: Philox, trial: u64, subject: &Subject, calendar: f64) -> (f64, bool) {
        let passed = calendar - subject.entry;
        if subject.end <= passed {
            return (subject.end, subject.event);
        }
        (self.last_seen(philox, trial, subject.number, passed), false)
    }

    /// The last time at which a subject who is followed until `until` is known to be without event.
    fn last_seen(&self, philox: Philox, trial: u64, number: u64, until: f64) -> f64 {
        let Some(schedule) = self.arm.assessment else { return until };
        if until == f64::INFINITY {
            return until;
        }
        let mut count = ((until + schedule.jitter) / schedule.every).floor();
        if count >= COUNTED {
            return until;
        }
        while count >= 1.0 {
            let visit = visit(philox, trial, number, schedule, count);
            if visit.attended && visit.time <= until {
                return visit.time;
            }
            count -= 1.0;
        }
        0.0
    }

    /// The assessment at which an event at `event` is declared, or an earlier one at which it is called too soon; none where
    /// the subject is lost before.
    fn found(
        &self,
        philox: Philox,
        trial: u64,
        number: u64,
        schedule: Assessment,
        event: f64,
        lost: f64,
    ) -> Option<f64> {
        let decision = self.arm.decision;
        if event == f64::INFINITY && (decision.too_soon == 0.0 || lost == f64::INFINITY) {
            return None;
        }
        let first = ((event - schedule.jitter) / schedule.every).floor().max(1.0);
        if first >= COUNTED && decision.too_soon == 0.0 {
            return (event <= lost).then_some(event);
        }
        let mut count = if decision.too_soon > 0.0 { 1.0 } else { first };
        loop {
            // No assessment is earlier than this, so none that follows is within reach.
            if schedule.every * count - schedule.jitter > lost {
                return None;
            }
            let visit = visit(philox, trial, number, schedule, count);
            if visit.attended && visit.time <= lost {
                let declared = if visit.time >= event {
                    visit.put_off >= decision.put_off
                } else {
                    visit.too_soon < decision.too_soon
                };
                if declared {
                    return Some(visit.time);
                }
            }
            count += 1.0;
        }
    }

    /// The first assessment before `until` at which an event is called that is none.
    fn called_before(
        &self,
        philox: Philox,
        trial: u64,
        number: u64,
        schedule: Assessment,
        until: f64,
    ) -> Option<f64> {
        if self.arm.decision.too_soon == 0.0 || until == f64::INFINITY {
            return None;
        }
        let mut count = 1.0;
        while schedule.every * count - schedule.jitter < until {
            let visit = visit(philox, trial, number, schedule, count);
            if visit.attended && visit.time < until && visit.too_soon < self.arm.decision.too_soon {
                return Some(visit.time);
            }
            count += 1.0;
        }
        None
    }
}

/// Assessment number `count`, from 1; whole.
fn visit(philox: Philox, trial: u64, number: u64, schedule: Assessment, count: f64) -> Visit {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a whole number from 1
    let words = philox.draw(trial, number, count as u64, Purpose::Visit);
    Visit {
        time: schedule.every * count + schedule.jitter * (2.0 * unit(words[0]) - 1.0),
        attended: unit(words[1]) >= schedule.missed,
        put_off: unit(words[2]),
        too_soon: unit(words[3]),
    }
}
