//! Trials of event times only: subjects come, are randomised, have their event or are lost, and the trial is judged. Millions.
//!
//! Never holds what one trial drew beyond the next one: buffers are kept, and a trial adds its outcome to a [`Tally`]. What a
//! subject draws stands at a counter of scenario, trial and subject (`philox`), so that nothing depends on who computes it, or
//! in which order.

mod course;
mod judge;
mod subject;
mod tally;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use survival::Error;
use survival::design::sequential::GroupSequential;

use crate::philox::{Philox, exponential, unit};
use crate::scenario::{ReEstimation, Scenario};
pub(crate) use course::Course;
pub(crate) use judge::verdict;
use judge::{Judge, Look};
use subject::{Fate, Subject};

pub use tally::{AnalysisTally, LookTally, Moments, Tally};

/// What words are drawn for: each purpose has its own counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// The life of a subject.
    Life = 0,
    /// An assessment of a subject.
    Visit = 1,
    /// The blocks of a stratum.
    Blocks = 2,
    /// The story of a virtual patient (`full`).
    Story = 3,
}

/// How a trial ended for an analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// For the experimental arm.
    Experimental,
    /// For the control arm.
    Control,
    /// For neither: futility, or no difference at the end.
    Neither,
}

/// Simulates the trials of one scenario. Each thread keeps one.
pub struct Times<'a> {
    scenario: &'a Scenario,
    philox: Philox,
    /// By arm, then by stratum.
    fates: [Fate<'a>; 2],
    arrivals: Option<Arrivals>,
    /// Upper end of each stratum's part of 0 to 1.
    strata: Vec<f64>,
    /// Events at each look.
    planned: Option<Vec<u32>>,
    boundaries: GroupSequential,
    // What a trial fills, kept for the next one.
    subjects: Vec<Subject>,
    calendar: Vec<f64>,
    blocks: Vec<Block>,
    judge: Judge,
}

/// When subjects come.
struct Arrivals {
    /// Cumulated rate, scaled so that it is the number of subjects at the planned duration.
    course: Course,
    poisson: bool,
}

/// What is left of a block, last first.
#[derive(Default)]
struct Block {
    left: Vec<bool>,
    /// Blocks of this stratum so far.
    count: u64,
}

/// How far a trial may go, once it is known whether events are added.
#[derive(Clone, Copy)]
struct Size {
    subjects: usize,
    events: u32,
}

impl<'a> Times<'a> {
    /// Prepares a scenario. Errors: boundaries that cannot be found, which a scenario that was read does not have.
    pub fn new(scenario: &'a Scenario, seed: u64) -> Result<Self, Error> {
        let design = &scenario.design;
        let arrivals = scenario.accrual.as_ref().map(|accrual| {
            let course = Course::new(&accrual.rates);
            let all = course.cumulative(accrual.duration);
            Arrivals { course: course.times(f64::from(scenario.subjects) / all), poisson: accrual.poisson }
        });
        let mut end = 0.0;
        let strata = scenario.strata.iter().map(|stratum| {
            end += stratum.share;
            end
        });
        Ok(Self {
            philox: Philox::keyed(seed, &scenario.fingerprint()),
            fates: [0, 1].map(|arm| Fate::new(scenario, arm)),
            arrivals,
            strata: strata.collect(),
            planned: design.planned(),
            boundaries: design.boundaries()?,
            subjects: Vec::new(),
            calendar: Vec::new(),
            blocks: Vec::new(),
            judge: Judge::new(scenario),
            scenario,
        })
    }

    /// The same with draws that follow from `seed` and `fingerprint`, not from the scenario: two scenarios then differ by what they
    /// say alone.
    pub(crate) fn keyed(mut self, seed: u64, fingerprint: &[u8; 32]) -> Self {
        self.philox = Philox::keyed(seed, fingerprint);
        self
    }

    /// Simulates trial number `trial` to the end of its follow-up, whatever a look would conclude, and tells of each subject: the
    /// arm (0: control), the time since randomisation that is known, and whether that is an event.
    pub(crate) fn followed(&mut self, trial: u64, mut tell: impl FnMut(usize, f64, bool)) {
        self.draw(trial, self.scenario.subjects as usize);
        let end = match (self.scenario.follow_up, self.subjects.last()) {
            (Some(follow_up), Some(last)) => last.entry + follow_up,
            _ => f64::INFINITY,
        };
        for subject in &self.subjects {
            let arm = usize::from(subject.second);
            let (time, event) = self.fates[arm].by(self.philox, trial, subject, end);
            tell(arm, time, event);
        }
    }

    /// An empty tally of this scenario.
    pub fn tally(&self) -> Tally {
        Tally::new(self.scenario.design.looks.len(), self.scenario.analyses.len())
    }

    /// Simulates trial number `trial` and adds its outcome.
    pub fn run(&mut self, trial: u64, tally: &mut Tally) {
        let planned = self.scenario.subjects as usize;
        let most = self.scenario.re_estimation.map_or(planned, |plan| times(planned, plan.most));
        self.draw(trial, most);
        self.order_events(planned);
        self.judge.begin();
        tally.trials += 1;
        let events = self.planned.as_ref().and_then(|planned| planned.last().copied()).unwrap_or(0);
        let mut size = Size { subjects: planned, events };
        let last = self.scenario.design.looks.len() - 1;
        let mut told = false;
        let mut look = 0;
        loop {
            let (time, ends) = self.time_of(look, size);
            // Events that never come leave the end of the trial, which is judged by the last boundary.
            look = if ends { last } else { look };
            let raised = size.events > events;
            self.judge.look(&Look {
                scenario: self.scenario,
                boundaries: &self.boundaries,
                fates: &self.fates,
                philox: self.philox,
                trial,
                subjects: &self.subjects[..size.subjects],
                time,
                number: look,
                raised,
            });
            if !told && let Some(verdict) = self.judge.verdict(0) {
                told = true;
                tally.raised += u64::from(raised);
                self.tell_stop(tally, look, time, size, verdict);
            }
            if look == last || self.judge.all_stopped() {
                break;
            }
            look += 1;
            if look == last
                && let Some(plan) = self.scenario.re_estimation
            {
                size = self.re_estimate(plan, look - 1, size);
                self.order_events(size.subjects);
            }
        }
        self.judge.tell(tally);
    }

    /// Adds when and with what a trial stopped.
    fn tell_stop(&self, tally: &mut Tally, look: usize, time: f64, size: Size, verdict: Verdict) {
        let subjects = &self.subjects[..size.subjects];
        let ends = subjects.iter().map(|subject| subject.entry + subject.end).fold(0.0, f64::max);
        // Where everybody is followed to an end, the trial ends with the last one's.
        let time = if time.is_finite() { time } else { ends };
        let enrolled = subjects.iter().filter(|subject| subject.counted(time)).count();
        let events = subjects.iter().filter(|s| s.event && s.entry + s.end <= time).count();
        tally.stopped(look, time, events, enrolled, verdict);
    }

    /// The lives of up to `most` subjects, in the order they come.
    fn draw(&mut self, trial: u64, most: usize) {
        self.subjects.clear();
        for block in &mut self.blocks {
            block.left.clear();
            block.count = 0;
        }
        // Who comes when, and in which block, only matters where a trial is judged before everybody has an end.
        let exchangeable = self.arrivals.is_none() && self.strata.len() == 1;
        let [control, experimental] = self.scenario.allocation;
        let whole = u64::from(control + experimental);
        let mut passed = 0.0;
        for number in 0..most as u64 {
            let words = self.philox.draw(trial, number, 0, Purpose::Life);
            let entry = match &self.arrivals {
                None => 0.0,
                Some(arrivals) => {
                    passed = if arrivals.poisson {
                        passed + exponential(words[2])
                    } else {
                        number as f64 + unit(words[2])
                    };
                    arrivals.course.time_of(passed)
                }
            };
            let stratum = if self.strata.len() == 1 { 0 } else { self.stratum(unit(words[3])) };
            let second = if exchangeable {
                number % whole >= u64::from(control)
            } else {
                self.next_arm(trial, stratum)
            };
            let mut subject = Subject::new(number, entry, stratum, second);
            self.fates[usize::from(second)].live(self.philox, trial, words, &mut subject);
            self.subjects.push(subject);
        }
    }

    fn stratum(&self, at: f64) -> usize {
        self.strata.iter().position(|end| at < *end).unwrap_or(self.strata.len() - 1)
    }

    /// The arm the next subject of a stratum is given: true for the experimental one.
    fn next_arm(&mut self, trial: u64, stratum: usize) -> bool {
        while self.blocks.len() <= stratum {
            self.blocks.push(Block::default());
        }
        let (philox, scenario) = (self.philox, self.scenario);
        let block = &mut self.blocks[stratum];
        if let Some(arm) = block.left.pop() {
            return arm;
        }
        let of = block.count * BLOCK_WORDS;
        block.count += 1;
        let mut drawn = 0;
        let mut words = [0; 4];
        let mut below = |bound: usize| {
            if drawn % 4 == 0 {
                words = philox.draw(trial, stratum as u64, of + drawn / 4, Purpose::Blocks);
            }
            #[allow(clippy::cast_possible_truncation)] // below 4
            let word = words[(drawn % 4) as usize];
            drawn += 1;
            below_bound(word, bound)
        };
        let size = match scenario.blocks.as_slice() {
            [one] => *one,
            many => many[below(many.len())],
        };
        let [control, experimental] = scenario.allocation;
        let first = size / (control + experimental) * control;
        block.left.extend((0..size).map(|place| place >= first));
        for place in (1..block.left.len()).rev() {
            let other = below(place + 1);
            block.left.swap(place, other);
        }
        block.left.pop().unwrap_or(false)
    }

    /// The calendar times of the events of the first `subjects`, in order; none where no look waits for events.
    fn order_events(&mut self, subjects: usize) {
        self.calendar.clear();
        if self.planned.is_some() {
            let events = self.subjects[..subjects].iter().filter(|subject| subject.event);
            self.calendar.extend(events.map(|subject| subject.entry + subject.end));
            self.calendar.sort_unstable_by(f64::total_cmp);
        }
    }

    /// When a look takes place, and whether the trial ends then, whatever was planned.
    fn time_of(&self, look: usize, size: Size) -> (f64, bool) {
        let end = match (self.scenario.follow_up, self.subjects.get(size.subjects - 1)) {
            (Some(follow_up), Some(last)) => last.entry + follow_up,
            _ => f64::INFINITY,
        };
        let Some(planned) = &self.planned else { return (end, true) };
        let last = look + 1 == planned.len();
        let events = if last { size.events } else { planned[look] };
        match self.calendar.get(events as usize - 1) {
            Some(time) if *time <= end => (*time, last),
            _ => (end, true),
        }
    }

    /// The size with which the trial goes on from an interim look (Mehta & Pocock 2011, formula 6, at the trend).
    fn re_estimate(&self, plan: ReEstimation, look: usize, size: Size) -> Size {
        let Some((z, seen)) = self.judge.at_look(0) else { return size };
        let Some(planned) = self.planned.as_ref() else { return size };
        let power = self
            .boundaries
            .trend(look + 1, z)
            .and_then(|drift| self.boundaries.conditional_power(look + 1, z, drift));
        let promising = power.is_ok_and(|power| (plan.from..plan.target).contains(&power));
        if !promising || z <= 0.0 {
            return size;
        }
        let whole = f64::from(planned[look + 1]);
        let bound = self.boundaries.upper[look + 1];
        let reach = (bound * whole.sqrt() - z * seen.sqrt()) / (whole - seen).sqrt();
        let needed = seen / (z * z) * (reach + survival::normal_quantile(plan.target)).powi(2) + seen;
        let factor = (needed / whole).clamp(1.0, plan.most);
        Size {
            subjects: times(size.subjects, factor).min(self.subjects.len()),
            events: u32::try_from(times(size.events as usize, factor)).unwrap_or(u32::MAX),
        }
    }
}

/// Counters that a block of subjects has for itself: room for a block of 1000.
const BLOCK_WORDS: u64 = 256;

/// A whole number below `bound`: of 64 bits over a bound of at most 1000, no choice is favoured by more than 1 in 10^16.
#[allow(clippy::cast_possible_truncation)] // below the bound
fn below_bound(word: u64, bound: usize) -> usize {
    ((u128::from(word) * bound as u128) >> 64) as usize
}

/// A number of subjects or events times a factor, rounded up.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most ten times a million
fn times(count: usize, factor: f64) -> usize {
    (count as f64 * factor - 1e-9).ceil() as usize
}
