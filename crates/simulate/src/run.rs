//! A whole virtual trial: sites open, patients come, are randomised by the office, live, and are followed to the end.
//!
//! Never looks into the office's seed: an arm is known only from the receipt of a randomisation, as at a real site, and only
//! then is the rest of that life made up. Actions go in order of recording, a quarter of a year to a submission.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use ledger::{Head, Ledger};
use office::{Action, Actor, Deed, Office, Receipt};
use trial::date::{plus_days, utc_date};
use trial::event::Role;
use trial::id::{SiteId, SubjectId};
use trial::protocol::{Checked, Concept, Protocol, ProtocolHistory};
use trial::randomise::Seed;

use crate::Error;
use crate::chance::Chance;
use crate::desk::{Desk, Pending, moment};
use crate::full::{Design, Streams};
use crate::life::{World, live};
use crate::plan::{Arrival, SitePlan, arrivals, sites};
use crate::profile::Profile;
use crate::screening::{Patient, Screening};
use crate::truth::{PatientTruth, Truth};

/// Accrual ends after so many years, whatever is missing.
const MOST_YEARS: i64 = 30;
/// Actions in a submission at most.
const MOST_ACTIONS: usize = 2_000;
/// Memory for patients while a trial is written, in bytes: each comes back at every visit.
const MEMORY: usize = 512 << 20;
/// Days after the end of follow-up in which the last entries are made.
pub(crate) const CLOSING_DAYS: i64 = 60;
/// Share of those screened who are eligible, about.
pub(crate) const ELIGIBLE: f64 = 0.82;

/// What trial to simulate.
#[derive(Clone, Debug)]
pub struct SimulationOptions {
    /// Everything follows from it.
    pub seed: u64,
    /// The protocol.
    pub protocol: Checked,
    /// Sites; none: as the protocol plans, or 12.
    pub sites: Option<u32>,
    /// The day the first site opens; none: as the protocol plans, or 2025-01-06.
    pub start: Option<Date>,
    /// Months that accrual takes, about.
    pub accrual_months: f64,
    /// Country codes the sites are in, in turn; none: not said.
    pub countries: Vec<String>,
    /// The disease; none: the shipped profile that fits the protocol.
    pub profile: Option<Profile>,
    /// Whether the seed of randomisation is revealed at the end, so that allocations can be recomputed.
    pub reveal_seed: bool,
    /// Subjects to randomise; none: as the protocol plans.
    pub participants: Option<u32>,
    /// The trial as it stands at this moment, with nothing recorded after it; none: to its end.
    pub until: Option<Timestamp>,
    /// A scenario of `full` fidelity, which then says how many come, when, and what becomes of them; none: as the profile has it.
    pub scenario: Option<Arc<Design>>,
}

impl SimulationOptions {
    /// The trial as its protocol plans it.
    pub fn new(protocol: Checked, seed: u64) -> Self {
        Self {
            seed,
            protocol,
            sites: None,
            start: None,
            accrual_months: 24.0,
            countries: Vec::new(),
            profile: None,
            reveal_seed: true,
            participants: None,
            until: None,
            scenario: None,
        }
    }
}

/// How far a simulation is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// From 0 to 1.
    pub done: f64,
    /// Actions recorded.
    pub actions: u64,
    /// Subjects screened.
    pub screened: u32,
    /// Subjects randomised.
    pub randomised: u32,
    /// The day in the virtual trial.
    pub day: Date,
}

/// A finished simulation.
pub struct Outcome {
    /// The office, open.
    pub office: Office,
    /// The head of its ledger.
    pub head: Head,
    /// Actions recorded; each soft fault raised a query beside.
    pub actions: u64,
    /// Subjects screened.
    pub screened: u32,
    /// Subjects randomised.
    pub randomised: u32,
    /// The day the first site opened.
    pub first: Date,
    /// The last day of follow-up.
    pub last: Date,
    /// What is true of its patients.
    pub truth: Truth,
}

/// Simulates a trial into an empty ledger.
///
/// The seed of randomisation follows from the simulation's: it is no secret, and a simulated ledger no trial. Errors: the
/// ledger is not empty; the protocol asks for what no virtual patient has.
pub async fn run(
    options: &SimulationOptions,
    ledger: Ledger,
    progress: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Outcome, Error> {
    let cast = Cast::new(options)?;
    let founded = moment(plus_days(cast.start, -14), 60);
    let actor = Actor::new("trial.office", Role::TrialOffice);
    let secret = match options.scenario.as_deref() {
        Some(scenario) => Streams::new(scenario, options.seed, 0).randomisation(),
        None => Seed(blake3::derive_key("trialwright simulate 2026-11 seed", &options.seed.to_le_bytes())),
    };
    let office = Office::found_simulated(ledger, options.protocol.clone(), secret, &actor, founded).await?;
    office.keep_in_memory(MEMORY);
    let first = cast.start;
    let last = cast.end;
    let reveal = options.reveal_seed && options.until.is_none();
    let mut stage = Stage {
        seed: options.seed,
        closes: moment(plus_days(cast.end, CLOSING_DAYS), 600),
        office: &office,
        world: World {
            history: &cast.history,
            profile: &cast.profile,
            sites: &cast.sites,
            end: cast.end,
            closing_days: CLOSING_DAYS,
            law: options.scenario.as_deref().map(Design::law),
            until: None,
        },
        truth: Vec::new(),
        queue: BTreeMap::new(),
        patients: BTreeMap::new(),
        batch: Vec::new(),
        from: founded,
        until: options.until.unwrap_or(moment(plus_days(cast.end, CLOSING_DAYS + 30), 0)),
        stops: options.until,
        so_far: Progress { done: 0.0, actions: 0, screened: 0, randomised: 0, day: cast.start },
        progress,
    };
    stage.open_sites(&actor);
    stage.screen(cast.patients);
    stage.play().await?;
    if reveal {
        let at = moment(plus_days(last, CLOSING_DAYS + 14), 0);
        stage.batch.push(Action::new(&actor, at, Deed::RevealSeed));
        stage.submit().await?;
    }
    let Progress { actions, screened, randomised, .. } = stage.so_far;
    let mut patients = std::mem::take(&mut stage.truth);
    patients.sort_by(|a, b| a.subject.cmp(&b.subject));
    let truth = Truth { patients, hazard_ratio: options.scenario.as_deref().and_then(Design::hazard_ratio) };
    let head = office.ledger().head().await.map_err(office::Error::from)?;
    Ok(Outcome { office, head, actions, screened, randomised, first, last, truth })
}

/// Who comes and when, before anybody acts.
struct Cast {
    history: ProtocolHistory,
    profile: Profile,
    sites: Vec<SitePlan>,
    patients: Vec<Patient>,
    start: Date,
    end: Date,
}

impl Cast {
    fn new(options: &SimulationOptions) -> Result<Self, Error> {
        let protocol = &options.protocol.protocol;
        let profile = match (&options.profile, &options.scenario) {
            (Some(profile), _) => profile.clone(),
            (None, Some(scenario)) => scenario.profile().clone(),
            (None, None) => Profile::fitting(protocol)?,
        };
        let history = ProtocolHistory::new(1, options.protocol.clone());
        let planned = protocol.trial.planned_start.map(trial::date::PartialDate::first);
        let start = options.start.or(planned).unwrap_or(jiff::civil::date(2025, 1, 6));
        let count = options.sites.or(protocol.trial.sites).unwrap_or(12);
        let of_scenario = options.scenario.as_deref().map(|scenario| scenario.size(start));
        let (wanted, months) = match &of_scenario {
            Some(size) => (size.subjects, size.accrual_months),
            None => (options.participants.unwrap_or(protocol.trial.participants), options.accrual_months),
        };
        let screened = f64::from(wanted) / ELIGIBLE;
        let name = |of: &str| Chance::new(options.seed, of);
        // Of a scenario it is its first trial, whichever way it is played.
        let streams = options.scenario.as_deref().map(|scenario| Streams::new(scenario, options.seed, 0));
        let mut of_sites = streams.map_or_else(|| name("sites"), Streams::sites);
        let sites = sites(&mut of_sites, count, &options.countries, start, screened, months);
        let screening = Screening::new(&history, &profile, options.seed);
        let until = plus_days(start, MOST_YEARS * 365);
        let of = |come: &Arrival| match streams {
            Some(streams) => streams.patient(come),
            None => name(&format!("patient {} {}", sites[come.site].id, come.number)),
        };
        let (patients, last) = if let (Some(size), Some(streams)) = (&of_scenario, streams) {
            let come = size.arrivals(&sites, streams.arrivals()).take_while(|come| come.day <= until);
            enrol(&screening, &sites, come, wanted, of)?
        } else {
            let come = arrivals(|site| name(&format!("arrivals {site}")), &sites, until);
            enrol(&screening, &sites, come.into_iter(), wanted, of)?
        };
        let end = if let Some(size) = &of_scenario {
            plus_days(last, size.follow_up_days)
        } else {
            let months = i64::from(protocol.schedule.follow_up_months);
            last.saturating_add(jiff::Span::new().try_months(months).unwrap_or_default())
        };
        drop(screening);
        Ok(Self { history, profile, sites, patients, start, end })
    }
}

/// The patients who are screened until `wanted` can be randomised, in order of consent, and the day of the last
/// randomisation. Those who would come too late are not screened: sites are told that accrual closes.
pub(crate) fn enrol(
    screening: &Screening<'_>,
    sites: &[SitePlan],
    arrivals: impl Iterator<Item = Arrival>,
    wanted: u32,
    chance: impl Fn(&Arrival) -> Chance,
) -> Result<(Vec<Patient>, Date), Error> {
    let mut patients: Vec<(Arrival, Patient)> = Vec::new();
    let mut days: Vec<(Date, Arrival)> = Vec::new();
    let last = wanted.max(1) as usize - 1;
    for arrival in arrivals {
        if days.get(last).is_some_and(|(day, _)| arrival.day > *day) {
            break;
        }
        let patient = screening.patient(arrival.site, arrival.day, chance(&arrival))?;
        if patient.eligible {
            let place = days.partition_point(|known| *known < (patient.day, arrival));
            days.insert(place, (patient.day, arrival));
        }
        patients.push((arrival, patient));
    }
    let Some((closes, last_in)) = days.get(last).copied() else {
        return Err(Error::Accrual { found: days.len(), wanted, years: MOST_YEARS });
    };
    patients.retain(|(arrival, patient)| {
        if patient.eligible { (patient.day, *arrival) <= (closes, last_in) } else { arrival.day <= closes }
    });
    let mut numbers: Vec<u32> = vec![0; sites.len()];
    let patients = patients.into_iter().map(|(_, mut patient)| {
        numbers[patient.site] += 1;
        patient.id = SubjectId(format!("{}-{:03}", sites[patient.site].id, numbers[patient.site]));
        patient
    });
    Ok((patients.collect(), closes))
}

/// What is done about a patient up to randomisation, and the moment of that.
///
/// Of the forms the patient keeps those that tell of tumours.
pub(crate) fn screen(protocol: &Protocol, patient: &mut Patient) -> Vec<Pending> {
    let from = moment(patient.consent, 5);
    let mut desk = Desk::new(from, patient.chance.fork());
    desk.hand_in(from, Role::SiteCoordinator, Deed::Screen);
    for (day, instance, values) in std::mem::take(&mut patient.forms) {
        let form = protocol.forms.iter().find(|form| form.id == instance.form);
        if form.is_some_and(|form| form.concept == Concept::TumourAssessment) {
            patient.forms.push((day, instance.clone(), values.clone()));
        }
        desk.save_at_screening(day, instance, values);
    }
    if patient.eligible {
        let at = moment(patient.day, patient.chance.whole(505, 538));
        desk.hand_in(at, Role::Investigator, Deed::Randomise { date: patient.day });
    }
    desk.finish()
}

/// The place of an action: when it is recorded, of whom, and its order among those.
type Place = (Timestamp, SubjectId, u32);

struct Stage<'a> {
    seed: u64,
    closes: Timestamp,
    office: &'a Office,
    world: World<'a>,
    queue: BTreeMap<Place, Action>,
    /// Those who may still be randomised.
    patients: BTreeMap<SubjectId, Patient>,
    batch: Vec<Action>,
    from: Timestamp,
    until: Timestamp,
    /// Nothing is recorded after it.
    stops: Option<Timestamp>,
    so_far: Progress,
    truth: Vec<PatientTruth>,
    progress: &'a mut (dyn FnMut(&Progress) + Send),
}

impl Stage<'_> {
    fn queue(&mut self, site: &SiteId, subject: &SubjectId, pending: Vec<Pending>) {
        for pending in pending {
            let place = (pending.at, subject.clone(), pending.order);
            self.queue.insert(place, pending.action(site, subject));
        }
    }

    fn open_sites(&mut self, actor: &Actor) {
        let nobody = SubjectId::default();
        let mut order = 0;
        for site in self.world.sites {
            let at = moment(site.opens, 30);
            let open = Deed::OpenSite { name: site.name.clone(), country: site.country.clone() };
            let mut actions = vec![open];
            let staff = [
                ("coordinator", Role::SiteCoordinator),
                ("investigator", Role::Investigator),
                ("radiation", Role::RadiationOncologist),
            ];
            actions.extend(staff.map(|(name, role)| Deed::ChangeUser {
                user: format!("{name}.{}", site.id),
                given: Some(role),
            }));
            for deed in actions {
                order += 1;
                let action = Action::new(actor, at, deed).at(site.id.clone());
                self.queue.insert((at, nobody.clone(), order), action);
            }
        }
    }

    /// Queues the screening of every patient.
    fn screen(&mut self, patients: Vec<Patient>) {
        for mut patient in patients {
            let site = self.world.sites[patient.site].id.clone();
            let pending = screen(self.world.history.current(), &mut patient);
            let id = patient.id.clone();
            self.queue(&site, &id, pending);
            self.patients.insert(id, patient);
        }
    }

    /// Submits all that is queued, in order, and queues what follows from it.
    async fn play(&mut self) -> Result<(), Error> {
        // Each submission is a durable commit: few of them, so that a demonstration does not wait for the disk.
        let quarter = |at: Timestamp| (utc_date(at).year(), (utc_date(at).month() - 1) / 3);
        while let Some(entry) = self.queue.first_entry() {
            let recorded = entry.key().0;
            if self.stops.is_some_and(|stops| recorded > stops) {
                break;
            }
            let first = self.batch.first().and_then(|first| first.recorded);
            let fits = first.is_none_or(|first| quarter(first) == quarter(recorded));
            if !fits || self.batch.len() >= MOST_ACTIONS {
                // The queries it raises may be answered before the action that was next.
                self.submit().await?;
                continue;
            }
            let ((_, subject, _), action) = entry.remove_entry();
            let randomises = matches!(action.deed, Deed::Randomise { .. });
            self.so_far.screened += u32::from(matches!(action.deed, Deed::Screen));
            self.batch.push(action);
            if randomises {
                self.randomise(&subject).await?;
            }
        }
        self.submit().await
    }

    async fn randomise(&mut self, subject: &SubjectId) -> Result<(), Error> {
        let allocation = self.hand_over().await?.pop().and_then(|receipt| receipt.allocation);
        if let (Some((arm, _)), Some(patient)) = (allocation, self.patients.remove(subject)) {
            let site = self.world.sites[patient.site].id.clone();
            if let Some(story) = live(&self.world, patient, &arm) {
                self.queue(&site, subject, story.pending);
                self.truth.push(story.truth);
            }
        }
        Ok(())
    }

    /// Submits what has gathered, and queues the answers to the queries that it raised.
    async fn hand_over(&mut self) -> Result<Vec<Receipt>, Error> {
        let batch = std::mem::take(&mut self.batch);
        // Nobody answers before the submission is made: its last moment is when its queries are there.
        let Some(now) = batch.last().and_then(|action| action.recorded) else { return Ok(Vec::new()) };
        self.so_far.actions += batch.len() as u64;
        self.so_far.randomised +=
            u32::from(batch.last().is_some_and(|action| matches!(action.deed, Deed::Randomise { .. })));
        let told: Vec<_> = batch.iter().map(|action| (action.site.clone(), action.subject.clone())).collect();
        let receipts = self.office.submit(batch).await?;
        for ((site, subject), receipt) in told.into_iter().zip(&receipts) {
            if let (Some(site), Some(subject), [first, ..]) = (site, subject, receipt.queries.as_slice()) {
                let chance = Chance::new(self.seed, &format!("answer {subject} {first}"));
                let mut desk = Desk::new(now, chance).closing(self.closes);
                desk.answer(now, &receipt.queries);
                // Behind whatever the subject's own desk has at the same moment.
                let place = u32::try_from(receipt.seq)
                    .unwrap_or(u32::MAX)
                    .saturating_mul(100)
                    .saturating_add(1_000_000);
                let later =
                    desk.finish().into_iter().map(|p| Pending { order: place.saturating_add(p.order), ..p });
                self.queue(&site, &subject, later.collect());
            }
        }
        self.tell(now);
        Ok(receipts)
    }

    async fn submit(&mut self) -> Result<(), Error> {
        self.hand_over().await.map(|_| ())
    }

    fn tell(&mut self, now: Timestamp) {
        let (from, until) = (self.from.as_second() as f64, self.until.as_second() as f64);
        self.so_far.done = ((now.as_second() as f64 - from) / (until - from)).clamp(0.0, 1.0);
        self.so_far.day = utc_date(now);
        (self.progress)(&self.so_far);
    }
}
