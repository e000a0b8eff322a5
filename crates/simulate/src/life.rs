//! The life of a virtual patient after randomisation: growth, treatment, visits, decisions, toxicity, death.
//!
//! Never reads a response off the truth: the virtual investigator decides by what `trial::progression` says of the readings
//! entered so far, as a real one does by what the software shows. Days count from randomisation.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value, json};
use trial::concept::LESIONS;
use trial::date::{PartialDate, days_between, plus_days};
use trial::event::{Instance, Role};
use trial::id::{ArmId, LesionId};
use trial::progression::{Known, Progression, first_after};
use trial::protocol::{Arm, Concept, Form, Protocol, ProtocolHistory, Salvage};
use trial::record::Record;

use crate::chance::{Chance, days};
use crate::desk::{Desk, Entry, Pending, moment};
use crate::law::{ArmLaw, Fate, Law, NEVER};
use crate::lesion::Lesion;
use crate::plan::SitePlan;
use crate::profile::Profile;
use crate::scenario::Assessment;
use crate::screening::Patient;
use crate::sheet::{Sheet, forms_of, text};
use crate::truth::{Outbreak, PatientTruth, Planted, PlantedError};
use crate::watch::Watch;
use crate::wellbeing;

const MONTH: f64 = 30.437_5;

/// What every life in a trial has in common.
pub struct World<'a> {
    /// The protocol's versions.
    pub history: &'a ProtocolHistory,
    /// The disease.
    pub profile: &'a Profile,
    /// The sites.
    pub sites: &'a [SitePlan],
    /// The last day of follow-up.
    pub end: Date,
    /// Days after `end` on which the last entry is made.
    pub closing_days: i64,
    /// When strategies fail, and who is lost; none: as the profile has it.
    pub law: Option<&'a Law>,
    /// Nobody asks what happens later: a life ends with the first visit after this day. What happens before is the same.
    pub until: Option<Date>,
}

/// A life: what is entered of it, and what is true of it.
pub struct Story {
    /// What is entered after randomisation.
    pub pending: Vec<Pending>,
    /// What is true.
    pub truth: PatientTruth,
}

/// The systemic therapy under way.
struct Therapy {
    drugs: String,
    kind: String,
    switch: Option<String>,
    order: u8,
    start: i64,
    instance: Instance,
    values: Map<String, Value>,
}

/// A planned visit.
struct Planned {
    day: i64,
    /// Visit and occurrence; none: a scan beside the visits.
    instance: Option<(String, u32)>,
    forms: Vec<String>,
}

/// Why a life in the trial ended early.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    No,
    Died,
    Withdrew,
    Lost,
}

#[allow(clippy::struct_excessive_bools)] // each is a fact of its own, in any combination
struct Life<'a> {
    world: &'a World<'a>,
    protocol: &'a Protocol,
    profile: &'a Profile,
    arm: &'a Arm,
    patient: Patient,
    chance: Chance,
    desk: Desk,
    /// What the virtual investigator has seen and decides by.
    seen: Record,
    watch: Watch,
    /// Events of it so far.
    seen_events: u64,
    law: Option<&'a ArmLaw>,
    fate: Fate,
    /// The disease has broken out as the law says: from here on the profile's pace holds.
    failed: bool,
    /// A progression that can be seen was left to the next assessment: scans are read as on this day.
    blind_since: Option<i64>,
    outbreaks: Vec<(i64, Outbreak)>,
    failure: Option<i64>,
    planted: Vec<Planted>,
    therapy: Option<Therapy>,
    holding: bool,
    /// Progressions are judged against the last assessment before this day.
    reference: Date,
    next_burst: i64,
    leaves: i64,
    day: i64,
    end: i64,
    left: Left,
    /// Nobody asks what happens later.
    stopped: bool,
    occurrences: BTreeMap<String, u32>,
    new_lesions: u32,
    last_seen: i64,
    brain: bool,
    /// What was planned or entered up to here stands: nobody dies before it.
    safe_until: i64,
    /// Adverse events to come, by onset.
    coming: Vec<Coming>,
    /// Adverse events that last, by their end.
    lasting: Vec<Lasting>,
}

/// An adverse event to come.
struct Coming {
    onset: i64,
    term: String,
    grades: [f64; 4],
    systemic: bool,
    radiation: bool,
}

/// An adverse event that lasts.
struct Lasting {
    onset: i64,
    ends: i64,
    instance: Instance,
    /// Already entered as open.
    entered: bool,
    open: Map<String, Value>,
    closed: Map<String, Value>,
}

/// The fate of `patient` in `arm`, and the streams of chance of its desk and of all else that happens to it.
fn fate(world: &World<'_>, patient: &Patient, arm: &ArmId) -> (Fate, Chance, Chance) {
    let mut chance = patient.chance.clone();
    let of_desk = chance.fork();
    // Whoever has just agreed to take part stays for a while.
    let leaves = 60 + days(chance.exponential(420.0 * MONTH));
    let by_law = world.law.and_then(|law| Some((law, law.of(arm)?)));
    let fate = match by_law {
        Some((law, of)) => of.draw(law.factor(&patient.stratum), &mut chance),
        None => Fate { fails: NEVER, dies: false, leaves },
    };
    (fate, of_desk, chance)
}

/// The day on which the strategy of `patient` fails by the law, where that is before a loss and the end of follow-up.
pub fn fails_on(world: &World<'_>, patient: &Patient, arm: &ArmId) -> Option<Date> {
    let (fate, ..) = fate(world, patient, arm);
    let on = plus_days(patient.day, fate.fails.min(NEVER));
    (fate.fails < fate.leaves && on <= world.end).then_some(on)
}

/// The life of `patient` after it was randomised to `arm`; none where the protocol has no such arm.
pub fn live(world: &World<'_>, patient: Patient, arm: &ArmId) -> Option<Story> {
    let protocol = world.history.current();
    let arm = protocol.arms.iter().find(|known| known.id == *arm)?;
    let from = moment(patient.day, 540);
    let closes = moment(plus_days(world.end, world.closing_days), 600);
    let end = days_between(patient.day, world.end);
    let law = world.law.and_then(|law| law.of(&arm.id));
    let (fate, of_desk, chance) = fate(world, &patient, &arm.id);
    let desk = Desk::new(from, of_desk).closing(closes);
    let mut life = Life {
        world,
        protocol,
        profile: world.profile,
        arm,
        reference: patient.day,
        leaves: fate.leaves,
        chance,
        desk,
        seen: Record { subject: patient.id.clone(), ..Record::default() },
        seen_events: 0,
        watch: Watch::default(),
        law,
        fate,
        failed: law.is_none(),
        blind_since: None,
        outbreaks: Vec::new(),
        failure: None,
        planted: Vec::new(),
        therapy: None,
        holding: true,
        next_burst: 0,
        day: 0,
        end,
        left: Left::No,
        stopped: false,
        occurrences: BTreeMap::new(),
        new_lesions: 0,
        last_seen: 0,
        brain: false,
        safe_until: 0,
        coming: Vec::new(),
        lasting: Vec::new(),
        patient,
    };
    life.remember_screening();
    life.run();
    Some(life.told())
}

impl Life<'_> {
    fn run(&mut self) {
        self.begin();
        let until = self.world.until.map_or(self.end, |until| days_between(self.patient.day, until));
        for visit in self.visits() {
            if self.day > until {
                self.stopped = true;
                break;
            }
            if !self.reach(visit.day) {
                break;
            }
            self.visit(&visit);
            if self.left != Left::No {
                break;
            }
        }
        if self.left == Left::No && !self.stopped && self.reach(self.end) {
            self.contact(self.end, "VISIT");
        }
        self.leave();
    }

    /// What is entered and what is true.
    fn told(mut self) -> Story {
        let date = |day: i64| plus_days(self.patient.day, day);
        let (day, end) = (self.day, self.end);
        let ended = if self.left == Left::No && !self.stopped { end } else { day };
        let mut outbreaks = std::mem::take(&mut self.outbreaks);
        outbreaks.retain(|(day, _)| *day <= ended);
        outbreaks.sort_by_key(|(day, _)| *day);
        let died = (self.left == Left::Died).then_some(day);
        // By the law it is known beyond a loss too.
        let by_law = self.law.map(|_| self.fate.fails).filter(|fails| *fails < NEVER);
        // A death that the law has may come later, when nothing is under way any more: it is that day on which the strategy failed.
        let by_law = by_law.filter(|_| !(self.fate.dies && died.is_some()));
        let failure = self.failure.into_iter().chain(by_law).chain(died).min().filter(|day| *day <= end);
        self.planted.extend(self.desk.planted());
        let truth = PatientTruth {
            subject: self.patient.id.clone(),
            arm: self.arm.id.clone(),
            randomised: self.patient.day,
            outbreaks: outbreaks.into_iter().map(|(_, outbreak)| outbreak).collect(),
            failure: failure.map(date),
            death: died.map(date),
            left: matches!(self.left, Left::Withdrew | Left::Lost).then(|| date(day)),
            planted: std::mem::take(&mut self.planted),
        };
        Story { pending: self.desk.finish(), truth }
    }

    fn plant(&mut self, day: i64, error: PlantedError, form: Option<&Instance>) {
        let date = self.date(day);
        self.planted.push(Planted { date, error, form: form.cloned() });
    }

    /// Notes that the disease progresses on `day`.
    fn breaks_out(&mut self, day: i64, lesions: usize, held: bool) {
        let held = held && self.arm.strategy.as_ref().is_some_and(|rule| rule.salvage == Salvage::Sabr);
        self.outbreaks.push((day, Outbreak { date: self.date(day), lesions, held }));
    }

    /// The day of the progression that the strategy was given up for: of the outbreaks that no later reference had seen that of the
    /// first which the strategy could not hold through, alone or with those before it, or else of the first one; where it grew
    /// from what was there, the day the progressing lesions were worse.
    fn gives_up(&mut self, day: i64, progression: &Progression) {
        let since = days_between(self.patient.day, self.reference);
        let known = self.unheld(since, day);
        if known.is_none() && progression.known == Known::Clinical {
            // Called where there was none: the truth stays.
            return;
        }
        let on = known.unwrap_or_else(|| {
            let places = self.places(&progression.lesions);
            let worse = places.iter().filter_map(|at| self.patient.lesions[*at].worse_on()).min();
            let on = worse.filter(|on| (1..=day).contains(on)).unwrap_or(day);
            self.breaks_out(on, places.len(), false);
            on
        });
        self.failure = Some(self.failure.map_or(on, |before| before.min(on)));
    }

    /// Of the outbreaks after `since` and up to `day`, the day of the first that the strategy does not hold through, alone or with
    /// those before it; of the first one where it could hold through all.
    fn unheld(&self, since: i64, day: i64) -> Option<i64> {
        let mut unseen: Vec<(i64, &Outbreak)> =
            self.outbreaks.iter().map(|(on, outbreak)| (*on, outbreak)).collect();
        unseen.retain(|(on, _)| *on > since && *on <= day);
        unseen.sort_by_key(|(on, _)| *on);
        let most = self.arm.strategy.as_ref().map_or(0, |strategy| strategy.max_lesions as usize);
        let mut together = 0;
        let fails = unseen.iter().find(|(_, outbreak)| {
            together += outbreak.lesions;
            !outbreak.held || together > most
        });
        fails.or(unseen.first()).map(|(on, _)| *on)
    }

    fn date(&self, day: i64) -> Date {
        plus_days(self.patient.day, day)
    }

    fn text(&self, day: i64) -> Value {
        json!(text(self.date(day)))
    }

    // ------------------------------------------------------------------------------------------------- what is entered

    /// The next occurrence of a log form.
    fn log(&mut self, form: &Form) -> Instance {
        let count = self.occurrences.entry(form.id.clone()).or_default();
        *count += 1;
        Instance { form: form.id.clone(), visit: None, occurrence: *count }
    }

    fn save(&mut self, day: i64, entry: Entry, role: Role, instance: &Instance, values: Map<String, Value>) {
        self.safe_until = self.safe_until.max(day);
        let values = self.remember(day, instance, values);
        self.desk.save(self.date(day), entry, role, instance, values);
    }

    /// Notes a form for the virtual investigator, where it may tell of a progression.
    fn remember(&mut self, day: i64, instance: &Instance, values: Map<String, Value>) -> Map<String, Value> {
        let form = self.protocol.forms.iter().find(|form| form.id == instance.form);
        let tells =
            |form: &Form| matches!(form.concept, Concept::TumourAssessment | Concept::ClinicalProgression);
        if !form.is_some_and(tells) {
            return values;
        }
        self.seen_events += 1;
        let recorded = moment(self.date(day), 0);
        self.seen.glean(self.world.history, self.seen_events + 1, recorded, instance, values)
    }

    fn remember_screening(&mut self) {
        for (_, instance, values) in std::mem::take(&mut self.patient.forms) {
            self.remember(0, &instance, values);
        }
    }

    fn progression(&mut self) -> Option<Progression> {
        if !self.watch.may_progress(&self.seen, self.reference) {
            return None;
        }
        let found = first_after(&self.protocol.tumour, &self.seen, self.reference);
        if found.is_none() {
            self.watch.none_so_far(&self.seen, self.reference);
        }
        found
    }

    // ------------------------------------------------------------------------------------------------------- treatment

    /// True where the arm treats progressing lesions with SABR.
    fn irradiates(&self) -> bool {
        match &self.arm.strategy {
            Some(strategy) => strategy.salvage == Salvage::Sabr,
            None => !self.arm.control && forms_of(self.protocol, Concept::SabrCourse).next().is_some(),
        }
    }

    /// What the arm gives at randomisation.
    fn begin(&mut self) {
        let start = days_between(self.patient.day, self.patient.line_start);
        let changes = !self.irradiates() && self.chance.happens(self.profile.pace.switched);
        let line = self.patient.line.clone();
        self.begin_line(start, &line.drugs, &line.kind, line.switch.clone(), 1, "BASELINE");
        if changes {
            let day = self.chance.whole(1, 14);
            self.change_line(day, "PROTOCOL", "OTHER");
        } else {
            let mean =
                if self.irradiates() { self.profile.pace.treated } else { self.profile.pace.untreated };
            self.next_burst = self.wait(mean);
        }
        if self.irradiates() {
            let mut lesions: Vec<usize> =
                (0..self.patient.lesions.len()).filter(|at| self.patient.lesions[*at].opd).collect();
            if lesions.len() > 1 && self.chance.happens(0.02) {
                lesions.pop();
                self.plant(21, PlantedError::NotTreated, None);
                self.deviation(
                    21,
                    &["SABR NOT GIVEN", "OTHER"],
                    "One oligoprogressive lesion was not treated",
                );
            }
            let first = self.chance.whole(5, 21);
            // Many lesions are treated in two courses.
            let later = if lesions.len() > 3 { lesions.split_off(2) } else { Vec::new() };
            self.irradiate(&lesions, first);
            self.irradiate(&later, first + 7);
        }
        self.under_the_law();
    }

    /// The law says when the disease breaks out: until then nothing grows but what SABR may still treat.
    fn under_the_law(&mut self) {
        if self.law.is_none() {
            return;
        }
        for lesion in self.patient.lesions.iter_mut().filter(|lesion| lesion.growing(0)) {
            lesion.hold(0);
        }
        self.next_burst = self.next_of_law();
    }

    /// The next outbreak that the strategy holds through, or the one that fails it.
    fn next_of_law(&mut self) -> i64 {
        let fails = if self.fate.dies { NEVER } else { self.fate.fails };
        if !self.salvages() {
            return fails;
        }
        let pace = self.profile.pace;
        let mean = pace.salvageable.unwrap_or(pace.treated / (pace.few * pace.continued));
        fails.min(self.day + self.chance.wait(mean * MONTH))
    }

    /// True where the strategy of the arm can hold through a progression.
    fn salvages(&self) -> bool {
        self.arm.strategy.as_ref().is_some_and(|strategy| strategy.salvage == Salvage::Sabr)
    }

    fn wait(&mut self, mean_months: f64) -> i64 {
        self.day + self.chance.wait(mean_months * MONTH / self.patient.speed)
    }

    fn begin_line(
        &mut self,
        day: i64,
        drugs: &str,
        kind: &str,
        switch: Option<String>,
        order: u8,
        why: &str,
    ) {
        let Some(form) = forms_of(self.protocol, Concept::SystemicTherapy).next() else { return };
        let instance = self.log(form);
        let values = Sheet::new(form, self.date(day))
            .with("CMTRT", drugs)
            .code("CMREAS", &[why])
            .with("CMSTDAT", self.text(day))
            .values();
        let entered = day.max(0);
        self.save(entered, Entry::Clinical, Role::SiteCoordinator, &instance, values.clone());
        let (drugs, kind) = (drugs.to_owned(), kind.to_owned());
        self.therapy = Some(Therapy { drugs, kind, switch, order, start: day, instance, values });
    }

    /// Ends the therapy under way on `day`.
    fn end_line(&mut self, day: i64, why: &str) {
        let Some(therapy) = self.therapy.take() else { return };
        let Some(form) = forms_of(self.protocol, Concept::SystemicTherapy).next() else { return };
        let last = day.max(therapy.start);
        let mut sheet = Sheet::new(form, self.date(day));
        for (item, value) in &therapy.values {
            sheet = sheet.with(item, value.clone());
        }
        let values = sheet.with("CMENDAT", self.text(last)).code("CMENDRS", &[why, "OTHER"]).values();
        if values != therapy.values {
            self.desk.update(
                self.date(day.max(0)),
                Entry::Clinical,
                therapy.instance,
                values,
                "the therapy has ended",
            );
        }
    }

    /// Goes on to the next line.
    fn change_line(&mut self, day: i64, why: &str, ended: &str) {
        let (order, before) =
            self.therapy.as_ref().map_or((3, String::new()), |t| (t.order + 1, t.drugs.clone()));
        self.end_line(day - 1, ended);
        let line = self.profile.line(order, &before, &mut self.chance).clone();
        self.begin_line(day, &line.drugs, &line.kind, line.switch.clone(), order.min(9), why);
        let answers = self.profile.pace.answers;
        for lesion in &mut self.patient.lesions {
            lesion.treated(day, answers, &mut self.chance);
        }
        let pace = self.profile.pace;
        if self.failed {
            self.next_burst = self.wait(if order <= 2 { pace.next_line } else { pace.later_line });
        }
        self.holding &= why != "PROGRESSION";
        if why == "PROGRESSION" {
            self.reference = self.date(day);
        }
    }

    /// A course of SABR to `lesions` that begins on `day`; gives its last day.
    fn irradiate(&mut self, lesions: &[usize], day: i64) -> i64 {
        let Some(form) = forms_of(self.protocol, Concept::SabrCourse).next() else { return day };
        if lesions.is_empty() {
            return day;
        }
        let schedules: Vec<(f64, u32)> = lesions.iter().map(|_| self.schedule()).collect();
        let most = schedules.iter().map(|(_, fractions)| *fractions).max().unwrap_or(1);
        let last = day + 2 * i64::from(most - 1);
        let mut sheet = Sheet::new(form, self.date(last))
            .with("PRSTDAT", self.text(day))
            .with("PRENDAT", self.text(last))
            .code("PRTECH", &["LINAC"]);
        for (at, (dose, fractions)) in lesions.iter().zip(&schedules) {
            let id = json!(self.patient.lesions[*at].id);
            sheet = sheet
                .row(LESIONS, [("TULNKID", id), ("PRDOSFRX", json!(dose)), ("PRNFRX", json!(fractions))]);
        }
        let values = sheet.values();
        let instance = self.log(form);
        self.save(last, Entry::Clinical, Role::RadiationOncologist, &instance, values);
        let failure = self.profile.pace.local_failure;
        for at in lesions {
            if let Some(fails) = self.patient.lesions[*at].irradiated(last, failure, &mut self.chance) {
                self.breaks_out(fails, 1, true);
            }
        }
        self.after_radiation(lesions, last);
        last
    }

    /// Dose a fraction in Gy and fractions: mostly the schedules the protocol names.
    fn schedule(&mut self) -> (f64, u32) {
        let named = &self.protocol.sabr.schedules;
        if self.chance.happens(0.75)
            && let Some(schedule) = self.chance.one(named)
        {
            return (schedule.total_gy / f64::from(schedule.fractions), schedule.fractions);
        }
        let others = [(10.0, 3), (10.0, 5), (20.0, 1), (12.0, 2)];
        others[self.chance.weighted([0.4, 0.3, 0.15, 0.15].into_iter())]
    }

    // ------------------------------------------------------------------------------------------------- between visits

    /// Lets time pass up to `day`; false where the patient was gone before.
    fn reach(&mut self, day: i64) -> bool {
        while self.day < day {
            let step = day.min(self.next_burst.max(self.day + 1)).min(self.day + 28);
            let deaths = self.profile.pace.death;
            let mean = match (&self.therapy, self.brain) {
                (_, true) => deaths.brain,
                _ if self.holding => deaths.holding,
                (Some(therapy), _) if therapy.order <= 2 => deaths.next_line,
                _ => deaths.later_line,
            };
            let mut dies =
                self.day + days(self.chance.exponential(mean * MONTH / self.patient.speed.max(0.5)));
            if !self.failed {
                dies = if self.fate.dies { self.fate.fails } else { NEVER };
            }
            if dies < step {
                self.day = dies.max(self.safe_until + 1).min(self.end);
                self.left = Left::Died;
                return false;
            }
            if self.leaves < step {
                self.day = self.leaves.max(self.day);
                self.left = if self.chance.happens(0.55) { Left::Withdrew } else { Left::Lost };
                return false;
            }
            self.toxicities(self.day, step);
            self.day = step;
            self.note_events();
            if self.day >= self.next_burst {
                if self.failed { self.burst() } else { self.burst_of_law() }
            }
        }
        true
    }

    /// The disease breaks out as the law has it: so that the strategy holds, or so that it fails.
    fn burst_of_law(&mut self) {
        let day = self.day;
        if day < self.fate.fails {
            let count = 1 + self.chance.weighted([0.6, 0.27, 0.13].into_iter());
            self.appear(count, true);
            self.breaks_out(day, count, true);
            self.next_burst = self.next_of_law();
            return;
        }
        self.failed = true;
        let pace = self.profile.pace;
        let kept = if self.salvages() { 1.0 - pace.continued } else { 1.0 };
        let count = match self.chance.weighted([pace.few * kept, pace.many, pace.brain].into_iter()) {
            0 => {
                let count = 1 + self.chance.weighted([0.6, 0.27, 0.13].into_iter());
                // Few, and yet not to be treated.
                self.appear(count, !self.salvages());
                count
            }
            1 => {
                // More than SABR may treat: one more is enough, and a reader names no further ones.
                let most = self.arm.strategy.as_ref().map_or(0, |strategy| strategy.max_lesions);
                let count = most.max(self.protocol.tumour.oligo_max_lesions) as usize + 1;
                self.appear(count, true);
                count
            }
            _ => {
                self.brain = true;
                self.patient.lesions.push(Lesion::appearing_in_brain(day, &mut self.chance));
                self.appear(1, true);
                2
            }
        };
        self.breaks_out(day, count, false);
        self.patient.level -= 0.15;
        let mean = self.pace();
        self.next_burst = self.wait(mean);
        if count > 3 && self.chance.happens(0.12) {
            self.clinical_progression(day + 14);
        }
    }

    /// New lesions that a scan shows at once.
    fn appear(&mut self, count: usize, amenable: bool) {
        for _ in 0..count {
            let mut lesion = Lesion::plain(self.profile, self.day, &mut self.chance);
            (lesion.amenable, lesion.doubtful) = (amenable, false);
            self.patient.lesions.push(lesion);
        }
    }

    /// The disease breaks out.
    fn burst(&mut self) {
        let pace = self.profile.pace;
        let day = self.day;
        // A fast disease comes with many lesions.
        let fast = (self.patient.speed - 1.0).clamp(-0.8, 1.2);
        let weights = [pace.few * (1.0 - 0.5 * fast), pace.many * (1.0 + 0.7 * fast), pace.brain];
        let count = match self.chance.weighted(weights.into_iter()) {
            0 => 1 + self.chance.weighted([0.6, 0.27, 0.13].into_iter()),
            1 => 6 + self.chance.weighted([0.4, 0.3, 0.2, 0.1].into_iter()),
            _ => {
                self.brain = true;
                self.patient.lesions.push(Lesion::appearing_in_brain(day, &mut self.chance));
                self.chance.weighted([0.6, 0.4].into_iter())
            }
        };
        let before = self.patient.lesions.len();
        let mut worse: Vec<usize> = Vec::new();
        for _ in 0..count {
            let held: Vec<usize> =
                (0..self.patient.lesions.len()).filter(|at| self.patient.lesions[*at].stands()).collect();
            let regrows = self.chance.happens(0.3);
            match self.chance.one(&held).copied().filter(|at| regrows && !self.patient.lesions[*at].ablated) {
                Some(at) => {
                    self.patient.lesions[at].escapes(day, &mut self.chance);
                    worse.push(at);
                }
                None => self.patient.lesions.push(Lesion::appearing(self.profile, day, &mut self.chance)),
            }
        }
        worse.extend(before..self.patient.lesions.len());
        let on = worse.iter().filter_map(|at| self.patient.lesions[*at].worse_on()).min();
        self.breaks_out(on.unwrap_or(day), count, count <= 5 && !self.brain);
        self.patient.level -= 0.15;
        let mean = self.pace();
        self.next_burst = self.wait(mean);
        if count > 3 && self.chance.happens(0.12) {
            self.clinical_progression(day + 14);
        }
    }

    fn pace(&self) -> f64 {
        let pace = self.profile.pace;
        match &self.therapy {
            _ if self.holding && self.irradiates() => pace.treated,
            Some(therapy) if therapy.order == 1 => pace.untreated,
            Some(therapy) if therapy.order == 2 => pace.next_line,
            _ => pace.later_line,
        }
    }

    /// Symptoms tell of a progression before the scan does.
    fn clinical_progression(&mut self, day: i64) {
        let Some(form) = forms_of(self.protocol, Concept::ClinicalProgression).next() else { return };
        if day >= self.end.min(self.leaves) || self.day > day {
            return;
        }
        let values = Sheet::new(form, self.date(day))
            .with("CEDAT", self.text(day))
            .with("CETERM", "Symptoms of new metastases")
            .values();
        let instance = self.log(form);
        self.save(day, Entry::Clinical, Role::Investigator, &instance, values);
        // Still waiting for the scan: the next visit decides.
    }

    // ---------------------------------------------------------------------------------------------------------- visits

    fn visits(&mut self) -> Vec<Planned> {
        let mut visits = Vec::new();
        let own = self.law.and_then(|law| law.assessment);
        for visit in self.protocol.schedule.visits.iter().filter(|visit| visit.day > 0) {
            let scans = self.own_scans(visit.every_days);
            let (mut planned, mut occurrence) = (visit.day, 1);
            while planned <= self.end {
                let within = match own.filter(|_| scans.is_none()) {
                    Some(schedule) => self.chance.between(-schedule.jitter, schedule.jitter),
                    None => self.chance.normal(0.0, 3.2).clamp(-12.0, 12.0),
                };
                let day = planned + days(within + 200.0) - 200;
                let forms = visit.forms.iter().filter(|form| scans.is_none() || !self.is_scan(form));
                visits.push(Planned {
                    day: day.clamp(1, self.end),
                    instance: Some((visit.id.clone(), occurrence)),
                    forms: forms.cloned().collect(),
                });
                let Some(every) = visit.every_days else { break };
                planned += i64::from(every.max(1));
                occurrence += 1;
            }
        }
        visits.extend(self.scans());
        visits.sort_by_key(|visit| visit.day);
        visits
    }

    fn is_scan(&self, form: &str) -> bool {
        let known = self.protocol.forms.iter().find(|known| known.id == *form);
        known.is_some_and(|known| known.concept == Concept::TumourAssessment)
    }

    /// The law's own schedule of scans, where it is another than that of the protocol's visits.
    fn own_scans(&self, every_days: Option<u32>) -> Option<Assessment> {
        let schedule = self.law?.assessment?;
        let spacing = every_days.or_else(|| self.protocol.schedule.visits.iter().find_map(|v| v.every_days));
        spacing.is_none_or(|days| (schedule.every - f64::from(days)).abs() > 3.0).then_some(schedule)
    }

    /// Scans beside the visits, on the law's own schedule.
    fn scans(&mut self) -> Vec<Planned> {
        let Some(schedule) = self.own_scans(None) else { return Vec::new() };
        let is_scan = |form: &&Form| form.concept == Concept::TumourAssessment;
        let Some(form) = self.protocol.forms.iter().find(is_scan).map(|form| form.id.clone()) else {
            return Vec::new();
        };
        let mut scans = Vec::new();
        let mut due = schedule.every;
        while due <= self.end as f64 {
            let day = days(due + self.chance.between(-schedule.jitter, schedule.jitter)).clamp(1, self.end);
            scans.push(Planned { day, instance: None, forms: vec![form.clone()] });
            due += schedule.every;
        }
        scans
    }

    fn visit(&mut self, visit: &Planned) {
        let usual = if self.holding { 0.045 } else { 0.08 };
        let schedule = self.law.and_then(|law| law.assessment).filter(|_| self.holding);
        if self.chance.happens(schedule.map_or(usual, |schedule| schedule.missed)) {
            self.plant(visit.day, PlantedError::MissedVisit, None);
            if self.chance.happens(0.6) {
                self.contact(visit.day, "TELEPHONE");
            }
            return;
        }
        self.last_seen = visit.day;
        let forms: Vec<&Form> = visit
            .forms
            .iter()
            .filter_map(|id| self.protocol.forms.iter().find(|form| form.id == *id))
            .collect();
        let mut scanned = false;
        for form in forms {
            let instance = match &visit.instance {
                None => self.log(form),
                Some((visit, occurrence)) => {
                    Instance { form: form.id.clone(), visit: Some(visit.clone()), occurrence: *occurrence }
                }
            };
            match form.concept {
                Concept::TumourAssessment => {
                    self.biased(visit.day);
                    let values = self.assess(form, visit.day, &instance);
                    self.save(visit.day, Entry::Clinical, Role::SiteCoordinator, &instance, values);
                    scanned = true;
                }
                Concept::FactB => self.questionnaire(form, visit.day, &instance),
                concept => {
                    let values = self.plain(form, concept, visit.day);
                    self.save(visit.day, Entry::Other, Role::SiteCoordinator, &instance, values);
                }
            }
        }
        if self.chance.happens(0.35) {
            self.contact(visit.day, "VISIT");
        }
        if scanned {
            self.decide(visit.day);
        }
    }

    /// Who knows the arm may put off what can be seen, or call what is none.
    fn biased(&mut self, day: i64) {
        self.blind_since = None;
        let Some(law) = self.law.filter(|law| self.holding && !law.decision.is_true()) else { return };
        if self.fate.fails <= day {
            if !self.fate.dies && self.chance.happens(law.decision.put_off) {
                self.plant(day, PlantedError::PutOff, None);
                self.blind_since = Some(self.fate.fails - 1);
            }
        } else if self.chance.happens(law.decision.too_soon) {
            self.plant(day, PlantedError::TooSoon, None);
            self.clinical_progression(day);
        }
    }

    fn plain(&mut self, form: &Form, concept: Concept, day: i64) -> Map<String, Value> {
        let sheet = Sheet::new(form, self.date(day));
        match concept {
            Concept::Ecog => {
                let ill = (1.2 - self.patient.level + if self.holding { 0.0 } else { 0.8 }).max(0.2);
                let status = self.chance.weighted([1.0, 0.8 * ill, 0.18 * ill * ill].into_iter());
                sheet.with("QSDAT", self.text(day)).with("ECOG", json!(status)).values()
            }
            Concept::LastContact => sheet.with("SSDAT", self.text(day)).code("SSMETH", &["VISIT"]).values(),
            _ => sheet.values(),
        }
    }

    fn questionnaire(&mut self, form: &Form, day: i64, instance: &Instance) {
        if self.chance.happens(0.07) {
            self.plant(day, PlantedError::NotAnswered, Some(instance));
            return;
        }
        let toxic = self.therapy.as_ref().is_some_and(|therapy| therapy.kind == "chemotherapy");
        let drift = self.chance.normal(0.0, 0.25) - if toxic { 0.5 } else { 0.0 };
        let mut sheet = Sheet::new(form, self.date(day)).with("QSDAT", self.text(day));
        for (item, answer) in wellbeing::answers(self.patient.level + drift, &mut self.chance) {
            sheet = sheet.with(item, answer);
        }
        self.save(day, Entry::Patient, Role::Patient, instance, sheet.values());
    }

    /// What the reader writes at a visit.
    fn assess(&mut self, form: &Form, day: i64, instance: &Instance) -> Map<String, Value> {
        if self.chance.happens(0.015) {
            self.patient.lesions.push(Lesion::shadow(self.profile, day, &mut self.chance));
        }
        let mut sheet = Sheet::new(form, self.date(day)).with("TRDAT", self.text(day));
        sheet = sheet.code("TRMETHOD", &["CT SCAN", "PET/CT SCAN"]);
        let mut not_measured = false;
        // What is put off is read as it was before.
        let seen = self.blind_since.unwrap_or(day).min(day);
        for lesion in &mut self.patient.lesions {
            let first = lesion.appears(seen);
            if first {
                self.new_lesions += 1;
                lesion.id = format!("N{:02}", self.new_lesions);
            }
            if lesion.known() && !lesion.dismissed() {
                let row = lesion.follow_up_row(seen, first, &mut self.chance);
                not_measured |= row.iter().any(|(item, _)| *item == "TRSTAT");
                sheet = sheet.row(LESIONS, row);
            }
        }
        if not_measured {
            self.plant(day, PlantedError::NotMeasured, Some(instance));
        }
        sheet.values()
    }

    // ------------------------------------------------------------------------------------------------------- decisions

    /// The investigator looks at what the software says and acts.
    fn decide(&mut self, day: i64) {
        let Some(progression) = self.progression() else { return };
        if self.holding && self.irradiates() {
            self.decide_on_strategy(day, &progression);
            return;
        }
        self.patient.level -= 0.25;
        if self.holding {
            self.gives_up(day, &progression);
        }
        if self.holding && self.chance.happens(0.035) && self.treatable(&progression) {
            self.irradiate_against_the_arm(day, &progression);
        }
        if self.chance.happens(0.88) {
            let start = day + self.chance.whole(6, 35);
            self.next_line(start);
        } else if self.holding && self.arm.strategy.is_none() {
            // Treated beyond progression; the next one is judged from here.
            self.reference = progression.certain;
        } else {
            self.end_line(day, "PROGRESSION");
            self.holding = false;
            self.reference = progression.certain;
        }
    }

    fn next_line(&mut self, start: i64) {
        if start < self.end.min(self.leaves) {
            self.change_line(start, "PROGRESSION", "PROGRESSION");
        }
    }

    fn treatable(&self, progression: &Progression) -> bool {
        let strategy = self.arm.strategy.as_ref();
        let most = strategy.map_or(self.protocol.tumour.oligo_max_lesions, |strategy| strategy.max_lesions);
        let count = progression.lesions.len();
        progression.known == Known::Recist
            && (1..=most as usize).contains(&count)
            && !progression.intracranial
            && progression.amenable != Some(false)
    }

    fn decide_on_strategy(&mut self, day: i64, progression: &Progression) {
        let decided = day + self.chance.whole(2, 12);
        let treatable = self.treatable(progression);
        let outside = self.law.is_none();
        if treatable && outside && self.chance.happens(0.03) {
            // Never seen again: the decision stays open.
            self.leaves = self.leaves.min(day + self.chance.whole(5, 30));
            return;
        }
        // By the law the strategy holds until the law says that it fails.
        let held = !outside && !self.failed;
        if treatable && (held || outside && self.chance.happens(self.profile.pace.continued)) {
            self.decision(decided, progression, "CONTINUE");
            let lesions = self.places(&progression.lesions);
            let late = outside && self.chance.happens(0.03);
            let first = decided + if late { self.chance.whole(55, 70) } else { self.chance.whole(6, 24) };
            if first + 10 < self.end.min(self.leaves) {
                self.irradiate(&lesions, first);
                self.reference = progression.certain;
                if outside {
                    let mean = self.profile.pace.treated * self.profile.pace.held;
                    self.next_burst = first.max(self.wait(mean));
                }
            }
            return;
        }
        self.gives_up(day, progression);
        if self.chance.happens(0.9) {
            self.decision(decided, progression, "ABANDON");
        }
        self.patient.level -= 0.3;
        let start = decided + self.chance.whole(3, 28);
        self.next_line(start);
        self.holding = false;
    }

    fn places(&self, ids: &[LesionId]) -> Vec<usize> {
        let at = |id: &LesionId| self.patient.lesions.iter().position(|lesion| lesion.id == id.as_str());
        ids.iter().filter_map(at).collect()
    }

    fn decision(&mut self, day: i64, progression: &Progression, decision: &str) {
        let Some(form) = forms_of(self.protocol, Concept::StrategyDecision).next() else { return };
        if day >= self.end.min(self.leaves) {
            return;
        }
        let grounds = if decision == "CONTINUE" {
            "Few lesions, all to be treated; the patient is well on the therapy"
        } else {
            "Not to be controlled locally"
        };
        let values = Sheet::new(form, self.date(day))
            .with("DECDAT", self.text(day))
            .with("PROGDAT", json!(progression.date.to_string()))
            .code("DECISION", &[decision])
            .with("DECREAS", grounds)
            .values();
        let instance = self.log(form);
        self.save(day, Entry::Clinical, Role::Investigator, &instance, values);
    }

    fn irradiate_against_the_arm(&mut self, day: i64, progression: &Progression) {
        let first = day + self.chance.whole(7, 25);
        if first + 10 >= self.end.min(self.leaves) {
            return;
        }
        let lesions = self.places(&progression.lesions);
        self.irradiate(&lesions, first);
        self.plant(first, PlantedError::WrongArmTreatment, None);
        self.deviation(
            first,
            &["SABR NOT PERMITTED", "OTHER"],
            "SABR was given against the arm at progression",
        );
    }

    fn deviation(&mut self, day: i64, categories: &[&str], term: &str) {
        let Some(form) = forms_of(self.protocol, Concept::Deviation).next() else { return };
        let mut sheet =
            Sheet::new(form, self.date(day)).with("DVSTDAT", self.text(day)).code("DVCAT", categories);
        if !sheet.has("DVCAT") {
            sheet = sheet.with("DVCAT", categories.first().copied().unwrap_or("OTHER"));
        }
        let values = sheet.with("DVTERM", term).values();
        let instance = self.log(form);
        self.save(day, Entry::Other, Role::SiteCoordinator, &instance, values);
    }

    // -------------------------------------------------------------------------------------------------------- toxicity

    /// Adverse events with onset from `from` up to `to`.
    fn toxicities(&mut self, from: i64, to: i64) {
        let profile = self.profile;
        let (kind, since) = self.therapy.as_ref().map_or(("", from), |t| (t.kind.as_str(), t.start));
        // Most toxicity comes early; reporting wanes.
        let early = if from - since < 120 { 1.6 } else { 0.55 };
        for toxicity in &profile.toxicities {
            let rate = match toxicity.of.as_str() {
                "any" => toxicity.rate,
                of if of == kind => toxicity.rate * early,
                _ => continue,
            };
            if self.chance.happens(rate * (to - from) as f64 / 365.25) {
                let onset = self.chance.whole(from, to - 1);
                let (term, grades, systemic) = (toxicity.term.clone(), toxicity.grades, toxicity.of != "any");
                self.coming.push(Coming { onset, term, grades, systemic, radiation: false });
            }
        }
        self.perhaps_switch(from, to);
    }

    /// A drug is changed for toxicity alone.
    fn perhaps_switch(&mut self, from: i64, to: i64) {
        let happens = self.chance.happens(0.06 * (to - from) as f64 / 365.25);
        let Some(therapy) = self.therapy.as_ref().filter(|_| happens) else { return };
        let Some(drugs) = therapy.switch.clone() else { return };
        let (kind, order) = (therapy.kind.clone(), therapy.order);
        if from <= therapy.start + 20 {
            return;
        }
        self.end_line(from, "TOXICITY");
        self.begin_line(from + 1, &drugs, &kind, None, order, "TOXICITY");
    }

    fn after_radiation(&mut self, lesions: &[usize], last: i64) {
        let profile = self.profile;
        let organs: Vec<String> = lesions.iter().map(|at| self.patient.lesions[*at].organ.clone()).collect();
        for effect in &profile.radiation {
            let fits = effect.organ.as_ref().is_none_or(|organ| organs.contains(organ));
            if fits && self.chance.happens(effect.chance) {
                let onset = last + self.chance.whole(effect.after[0], effect.after[1]);
                let (term, grades) = (effect.term.clone(), effect.grades);
                self.coming.push(Coming { onset, term, grades, systemic: false, radiation: true });
            }
        }
    }

    /// Enters the adverse events that have come and those that have ended by now.
    fn note_events(&mut self) {
        let now = self.day;
        let (come, coming) =
            std::mem::take(&mut self.coming).into_iter().partition(|event| event.onset < now);
        self.coming = coming;
        let come: Vec<Coming> = come;
        for event in come {
            self.adverse_event(&event);
        }
        let (ended, lasting) =
            std::mem::take(&mut self.lasting).into_iter().partition(|event| event.ends < now);
        self.lasting = lasting;
        let ended: Vec<Lasting> = ended;
        for event in ended {
            if event.entered {
                let day = self.date(event.ends);
                self.desk.update(day, Entry::Other, event.instance, event.closed, "the event has ended");
            } else {
                self.save(event.ends, Entry::Other, Role::SiteCoordinator, &event.instance, event.closed);
            }
        }
    }

    fn adverse_event(&mut self, event: &Coming) {
        let Some(form) = forms_of(self.protocol, Concept::AdverseEvent).next() else { return };
        let Coming { onset, term, grades, systemic, radiation } = event;
        let grade = 1 + self.chance.weighted(grades.iter().copied());
        let serious = grade >= 4 || (grade == 3 && self.chance.happens(0.25));
        let lasts = 3 + days(self.chance.exponential(if grade >= 3 { 20.0 } else { 45.0 }));
        let mut sheet = Sheet::new(form, self.date(*onset))
            .with("AETERM", term.as_str())
            .with("AETOXGR", json!(grade))
            .with("AESER", if serious { "Y" } else { "N" })
            .with("AESTDAT", self.onset(*onset));
        if let Some(known) = trial::ctcae::find(term) {
            sheet = sheet.with("AEBODSYS", known.class.clone());
        }
        for (item, label) in &self.protocol.safety.attributed_to {
            let label = label.to_uppercase();
            let by_radiation = ["SABR", "RADIO", "STEREOTACTIC"].iter().any(|word| label.contains(word));
            let caused = if by_radiation { *radiation } else { *systemic };
            let codes: &[f64] =
                if caused { &[0.02, 0.08, 0.35, 0.4, 0.15] } else { &[0.75, 0.22, 0.03, 0.0, 0.0] };
            let code = trial::concept::ATTRIBUTIONS[self.chance.weighted(codes.iter().copied())];
            sheet = sheet.code(item, &[code]);
        }
        let instance = self.log(form);
        let open = sheet.clone().code("AEOUT", &["NOT RECOVERED", "UNKNOWN"]).values();
        let ends = onset + lasts;
        let closed = sheet.with("AEENDAT", self.text(ends)).code("AEOUT", &["RECOVERED"]).values();
        // What lasts, or never ends, is entered while it does.
        let entered = lasts > 40 && self.chance.happens(0.6);
        if entered {
            self.save(*onset, Entry::Other, Role::SiteCoordinator, &instance, open.clone());
        }
        if !entered || self.chance.happens(0.85) {
            self.lasting.push(Lasting { onset: *onset, ends, instance, entered, open, closed });
        }
    }

    /// Now and then only the month of an onset is remembered.
    fn onset(&mut self, day: i64) -> Value {
        let date = self.date(day);
        if self.chance.happens(0.03) { json!(month(date).to_string()) } else { json!(text(date)) }
    }

    // --------------------------------------------------------------------------------------------------------- the end

    fn contact(&mut self, day: i64, how: &str) {
        let Some(form) = forms_of(self.protocol, Concept::LastContact).next() else { return };
        let values = Sheet::new(form, self.date(day))
            .with("SSDAT", self.text(day))
            .code("SSMETH", &[how, "OTHER"])
            .values();
        let instance = self.log(form);
        self.save(day, Entry::Other, Role::SiteCoordinator, &instance, values);
    }

    /// Death, withdrawal or loss.
    fn leave(&mut self) {
        let day = self.day;
        for event in std::mem::take(&mut self.lasting).into_iter().filter(|event| !event.entered) {
            self.save(event.onset, Entry::Other, Role::SiteCoordinator, &event.instance, event.open);
        }
        match self.left {
            Left::No => {}
            Left::Died => {
                self.end_line(day, "DEATH");
                let Some(form) = forms_of(self.protocol, Concept::Death).next() else { return };
                let date = self.date(day);
                let partial = self.chance.happens(0.03);
                let died = if partial { month(date).to_string() } else { date.to_string() };
                let disease = self.chance.happens(0.93);
                let causes: &[&str] = if disease {
                    &["BREAST CANCER", "CANCER", "DISEASE", "DISEASE PROGRESSION", "OTHER"]
                } else {
                    &["OTHER", "UNKNOWN"]
                };
                let values = Sheet::new(form, date).with("DTHDAT", died).code("DTHCAUS", causes).values();
                let instance = self.log(form);
                self.save(day, Entry::Other, Role::SiteCoordinator, &instance, values);
            }
            Left::Withdrew | Left::Lost => {
                let lost = self.left == Left::Lost;
                let Some(form) = forms_of(self.protocol, Concept::Withdrawal).next() else { return };
                let codes: &[&str] = if lost {
                    &["LOST TO FOLLOW-UP"]
                } else {
                    &["WITHDRAWAL OF CONSENT", "WITHDRAWAL BY SUBJECT"]
                };
                let day = day.max(self.last_seen);
                let mut sheet =
                    Sheet::new(form, self.date(day)).with("DSSTDAT", self.text(day)).code("DSDECOD", codes);
                if !sheet.has("DSDECOD") {
                    sheet = sheet.with("DSDECOD", codes[0]);
                }
                let values = sheet.values();
                let instance = self.log(form);
                self.save(day, Entry::Other, Role::SiteCoordinator, &instance, values);
            }
        }
    }
}

fn month(date: Date) -> PartialDate {
    PartialDate::Month(date.year(), date.month())
}
