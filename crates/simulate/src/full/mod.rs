//! Whole trials of a protocol in memory, thousands of them: sites, patients, lesions, forms, records, derivations and the protocol's
//! own analyses at each look.
//!
//! Never writes a ledger and never asks an office: what a form may hold is not judged here, nothing is hashed or stored. Everything
//! else is what a played trial (`run`) goes through: the same patients, each event folded into a record, `trial::derive`, and
//! `analysis` with every endpoint and test. What a trial draws stands at a counter of scenario, trial and subject (`philox`).

mod design;
mod enrolment;
mod judge;
mod memory;
mod tally;
#[cfg(test)]
mod tests;

use analysis::results::About;
use analysis::{Context, Detail, Limits, Plan, Site, SubjectRow};
use jiff::civil::Date;
use survival::design::sequential::GroupSequential;
use trial::date::{days_between, plus_days};
use trial::derive::{Derived, derive};
use trial::endpoint::{TimeToEvent, effective_rules, time_to};
use trial::event::Seq;
use trial::id::ArmId;
use trial::protocol::{AnalysisRole, Endpoint, EndpointRole, EndpointRules};
use trial::randomise::{Allocator, Seed};
use trial::record::Record;

use crate::Error;
use crate::chance::Chance;
use crate::desk::Pending;
use crate::life::{Story, World, fails_on, live};
use crate::philox::Philox;
use crate::plan::{Arrival, sites};
use crate::run::{CLOSING_DAYS, enrol, screen};
use crate::screening::{Patient, Screening};
use crate::times::Tally;
use crate::truth::Truth;
use judge::{Judge, Look, Within};

pub use design::{Design, Test};
pub use enrolment::Size;
pub use tally::{ERRORS, FullTally, TestTally};

/// The streams of chance of one trial.
#[derive(Clone, Copy)]
pub(crate) struct Streams {
    philox: Philox,
    trial: u64,
}

impl Streams {
    /// Those of trial number `trial` of a design and seed.
    pub(crate) fn new(design: &Design, seed: u64, trial: u64) -> Self {
        Self { philox: Philox::keyed(seed, &design.fingerprint()), trial }
    }

    fn of(self, what: u64) -> Chance {
        Chance::counted(self.philox, self.trial, what)
    }

    /// Who comes, and all that happens to them.
    pub(crate) fn patient(self, come: &Arrival) -> Chance {
        self.of(u64::from(come.number))
    }

    /// When sites open.
    pub(crate) fn sites(self) -> Chance {
        self.of(1 << 40)
    }

    /// When patients come.
    pub(crate) fn arrivals(self) -> Chance {
        self.of((1 << 40) + 1)
    }

    /// The secret seed of randomisation.
    pub(crate) fn randomisation(self) -> Seed {
        Seed(self.of((1 << 40) + 2).bytes())
    }
}

/// Everything that the trials of one scenario have in common. All threads share it.
pub struct Ensemble<'d> {
    design: &'d Design,
    philox: Philox,
    screening: Screening<'d>,
    plan: Plan<'d>,
    primary: (&'d Endpoint, EndpointRules),
    boundaries: GroupSequential,
    /// Events at each look.
    planned: Option<Vec<u32>>,
}

/// One simulated trial, to the end of its follow-up.
pub struct Trial {
    /// The record of every screened subject.
    pub records: Vec<Record>,
    /// What is true.
    pub truth: Truth,
    /// The day the first site opened.
    pub start: Date,
    /// The day of the last randomisation.
    pub closed: Date,
    /// The last day of follow-up.
    pub end: Date,
    /// What happened after this day was not made up; none: all was, to the end.
    until: Option<Date>,
    /// Events recorded of subjects.
    pub events: u64,
    sites: Vec<Site>,
}

impl<'d> Ensemble<'d> {
    /// Prepares the trials of a design. Errors: a protocol without a primary endpoint that is analysed; boundaries that cannot be
    /// found.
    pub fn new(design: &'d Design, seed: u64) -> Result<Self, Error> {
        let protocol = design.history().current();
        let primary = protocol.endpoints.iter().find(|endpoint| endpoint.role == EndpointRole::Primary);
        let analysed = |endpoint: &&Endpoint| {
            let main =
                |a: &&trial::protocol::Analysis| a.endpoint == endpoint.id && a.role == AnalysisRole::Main;
            protocol.analyses.iter().find(main).map(|main| effective_rules(endpoint, &main.rules))
        };
        let rules = primary.as_ref().and_then(analysed);
        let (Some(endpoint), Some(rules)) = (primary, rules) else {
            return Err(Error::Design("the protocol has no primary endpoint with a main analysis".into()));
        };
        let scenario = design.scenario();
        let screening = Screening::new(design.history(), design.profile(), seed).unchecked();
        Ok(Self {
            philox: Philox::keyed(seed, &design.fingerprint()),
            screening,
            plan: Plan::new(design.history()),
            primary: (endpoint, rules),
            boundaries: scenario.design.boundaries().map_err(|wrong| Error::Design(wrong.to_string()))?,
            planned: scenario.design.planned(),
            design,
        })
    }

    /// An empty tally.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::new(self.boundaries.information.len(), self.design.tests().len());
        tally.full = Some(Box::new(FullTally::new(self.design.tests().len())));
        tally
    }

    /// Simulates trial number `trial` and adds its outcome. Errors: no virtual patient fits the protocol.
    pub fn run(&self, trial: u64, tally: &mut Tally) -> Result<(), Error> {
        let mut ready = self.derived(self.play_to(trial, true)?);
        if !ready.reaches(self.planned.as_deref()) {
            ready = self.derived(self.play(trial)?);
        }
        self.judge(ready, tally);
        Ok(())
    }

    /// Plays trial number `number` to the end of its follow-up.
    pub fn play(&self, number: u64) -> Result<Trial, Error> {
        self.play_to(number, false)
    }

    /// Plays a trial, where asked only so far that the last look can be expected to have come.
    fn play_to(&self, number: u64, look: bool) -> Result<Trial, Error> {
        let design = self.design;
        let streams = Streams { philox: self.philox, trial: number };
        let size = design.size(design.start());
        let screened = f64::from(size.subjects) / crate::run::ELIGIBLE;
        let count = design.sites();
        let months = size.accrual_months;
        let sites = sites(&mut streams.sites(), count, &[], design.start(), screened, months);
        let come = size.arrivals(&sites, streams.arrivals());
        let of = |come: &Arrival| streams.patient(come);
        let (patients, closed) = enrol(&self.screening, &sites, come, size.subjects, of)?;
        let end = plus_days(closed, size.follow_up_days);
        let world = World {
            history: design.history(),
            profile: design.profile(),
            sites: &sites,
            end,
            closing_days: CLOSING_DAYS,
            law: Some(design.law()),
            until: None,
        };
        let mut trial = Trial {
            records: Vec::with_capacity(patients.len()),
            truth: Truth {
                patients: Vec::with_capacity(patients.len()),
                hazard_ratio: design.hazard_ratio(),
            },
            start: design.start(),
            closed,
            end,
            until: None,
            events: 0,
            sites: sites
                .iter()
                .map(|site| Site { id: site.id.clone(), name: site.name.clone(), opened: Some(site.opens) })
                .collect(),
        };
        let events = self.planned.as_ref().and_then(|planned| planned.last().copied()).filter(|_| look);
        live_all(world, patients, &streams.randomisation(), events, &mut trial);
        Ok(trial)
    }

    /// The time of the primary endpoint of a record, by the rules of its main analysis.
    pub(crate) fn primary_of(&self, record: &Record, derived: &Derived) -> Option<TimeToEvent> {
        let (endpoint, rules) = &self.primary;
        time_to(self.design.history().current(), endpoint, rules, record, derived)
    }

    /// The time of the primary endpoint of each record, as derived to the end of follow-up.
    fn primary(&self, records: &[Record], derived: &[Derived]) -> Vec<Option<TimeToEvent>> {
        let protocol = self.design.history().current();
        let (endpoint, rules) = &self.primary;
        let time = |(record, derived)| time_to(protocol, endpoint, rules, record, derived);
        records.iter().zip(derived).map(time).collect()
    }

    fn derived(&self, trial: Trial) -> Ready {
        let history = self.design.history();
        let derived: Vec<Derived> =
            trial.records.iter().map(|record| derive(history, record, None)).collect();
        let primary = self.primary(&trial.records, &derived);
        let seen = primary.iter().flatten().filter(|time| time.is_event());
        let mut days: Vec<Date> = seen.map(TimeToEvent::on).collect();
        days.sort_unstable();
        Ready { trial, derived, primary, days }
    }

    /// Judges a trial at each look.
    fn judge(&self, ready: Ready, tally: &mut Tally) {
        let Ready { mut trial, derived, primary, days } = ready;
        let history = self.design.history();
        let last = self.boundaries.information.len() - 1;
        let mut judge = Judge::new(self.design, &self.boundaries, &trial);
        let mut number = 0;
        tally.trials += 1;
        loop {
            let due = self.planned.as_ref().and_then(|planned| days.get(planned[number] as usize - 1));
            // Events that never come leave the end of the trial, which is judged by the last boundary.
            let cut = due.copied().filter(|day| *day <= trial.end);
            let day = cut.unwrap_or(trial.end);
            number = if cut.is_none() { last } else { number };
            let within = Within::of(&trial, &primary, day);
            let rows = self.rows(&mut trial.records, &derived, cut, number == last);
            let mut about = About::of(history, "simulated in memory");
            (about.cut, about.simulated) = (Some(day), true);
            let context = Context { about, sites: trial.sites.clone(), limits: Limits::default() };
            let results = analysis::results(history, context, rows);
            judge.look(&Look { number, day, within: &within, results: &results }, tally);
            if number == last || judge.all_stopped() {
                break;
            }
            number += 1;
        }
        judge.tell(tally);
    }

    /// The rows of a report on `cut`, or at the end. At the last look records are taken, else copied.
    fn rows(
        &self,
        records: &mut Vec<Record>,
        derived: &[Derived],
        cut: Option<Date>,
        last: bool,
    ) -> Vec<SubjectRow> {
        match cut {
            None => {
                let row = |(record, derived)| self.plan.row_of(record, derived, Detail::TABLES);
                records.iter().zip(derived).map(row).collect()
            }
            Some(cut) if last => {
                let row = |record| self.plan.row_cut(record, cut, Detail::TABLES);
                std::mem::take(records).into_iter().map(row).collect()
            }
            Some(cut) => {
                records.iter().map(|record| self.plan.row(record, Some(cut), Detail::TABLES)).collect()
            }
        }
    }
}

/// A trial, derived as far as it was played.
struct Ready {
    trial: Trial,
    derived: Vec<Derived>,
    /// The time of the primary endpoint of each record.
    primary: Vec<Option<TimeToEvent>>,
    /// The days of its events, in order.
    days: Vec<Date>,
}

impl Ready {
    /// Whether all that the looks see was played.
    fn reaches(&self, planned: Option<&[u32]>) -> bool {
        let Some(until) = self.trial.until else { return true };
        let last = planned.and_then(|planned| self.days.get(*planned.last()? as usize - 1));
        last.is_some_and(|last| plus_days(*last, SETTLES) <= until)
    }
}

/// What a progression does to the strategy (a decision, SABR in time, and when it is entered) is known so many days later.
const SETTLES: i64 = 150;
/// So many true failures are, in most trials, not derived by then: nobody saw them before the patient was lost.
const UNSEEN: usize = 2;
/// A true failure is mostly derived within so many days: the scan that finds it.
const FOUND: i64 = 98;

/// Randomises in the order of the moments at which it is asked for, lets all live, and folds what is entered. With `events`, lives
/// are made up so far that as many can be expected.
fn live_all(
    mut world: World<'_>,
    patients: Vec<Patient>,
    seed: &Seed,
    events: Option<u32>,
    trial: &mut Trial,
) {
    let protocol = world.history.current();
    let mut waiting: Vec<(Patient, Vec<Pending>)> = patients
        .into_iter()
        .map(|mut patient| {
            let pending = screen(protocol, &mut patient);
            (patient, pending)
        })
        .collect();
    waiting.sort_by(|(a, of_a), (b, of_b)| {
        let last = |pending: &[Pending]| pending.last().map(|last| last.at);
        (last(of_a), &a.id).cmp(&(last(of_b), &b.id))
    });
    let mut allocator = Allocator::new(protocol, seed);
    let mut allocate = |patient: &Patient| {
        let (arm, position) = allocator.next(&patient.stratum);
        allocator.record(&patient.stratum, &arm);
        (arm, patient.stratum.clone(), position)
    };
    let allocations: Vec<_> =
        waiting.iter().map(|(patient, _)| patient.eligible.then(|| allocate(patient))).collect();
    if let Some(events) = events {
        let fails = |((patient, _), allocation): (&(Patient, _), &Option<(ArmId, _, _)>)| {
            fails_on(&world, patient, &allocation.as_ref()?.0)
        };
        let mut failures: Vec<Date> = waiting.iter().zip(&allocations).filter_map(fails).collect();
        failures.sort_unstable();
        let last = failures.get(events as usize - 1 + UNSEEN);
        world.until = last.map(|last| plus_days(*last, FOUND + SETTLES)).filter(|until| *until < world.end);
        trial.until = world.until;
    }
    for ((patient, mut pending), allocation) in waiting.into_iter().zip(allocations) {
        let (id, site) = (patient.id.clone(), world.sites[patient.site].id.clone());
        if let Some((arm, ..)) = &allocation
            && let Some(Story { pending: later, truth }) = live(&world, patient, arm)
        {
            pending.extend(later);
            trial.truth.patients.push(truth);
        }
        trial.events += pending.len() as u64;
        trial.records.push(memory::record(world.history, &id, &site, pending, allocation));
    }
    trial.records.sort_by(|a, b| a.subject.cmp(&b.subject));
    trial.truth.patients.sort_by(|a, b| a.subject.cmp(&b.subject));
}

/// Sequence numbers of a subject's events begin here: 1 adopted the protocol.
pub(crate) const FIRST: Seq = 2;

/// The calendar time of `day` in the scenario's unit of so many days, the first site opening at 0.
fn calendar(start: Date, day: Date, unit: f64) -> f64 {
    days_between(start, day) as f64 / unit
}
