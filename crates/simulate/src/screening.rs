//! Screening: virtual patients with forms that make them eligible, or fail a criterion in a way that happens.
//!
//! Never decides who is eligible: `trial::eligibility` judges every patient made here by the protocol's own conditions,
//! and the office does again. Values that the criteria ask for, but no patient has by nature, are found by search.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value, json};
use trial::condition::{Facts, Verdict};
use trial::date::plus_days;
use trial::eligibility::{Judgement, evidence, judge_by};
use trial::event::{Entered, Event, Instance, Role, What};
use trial::form;
use trial::id::SubjectId;
use trial::protocol::{Concept, CriterionKind, Form, ItemType, Protocol, ProtocolHistory};
use trial::randomise::Stratum;
use trial::record::Record;

use crate::Error;
use crate::chance::{Chance, days};
use crate::lesion::{Lesion, name_at_baseline};
use crate::profile::{Line, Profile};
use crate::sheet::{Choice, Choices, Sheet, candidates};
use crate::wellbeing;

/// Combinations of values tried for one criterion at most.
const MOST_COMBINATIONS: usize = 50_000;
/// Draws of one patient at most, until one is as it should be.
const MOST_DRAWS: usize = 40;
/// Typical patients that the values of forms are searched for on.
const TYPICAL: u32 = 8;
/// Share of screened patients who fail.
const FAILING: f64 = 0.17;

/// A virtual patient at the end of screening.
#[derive(Clone)]
pub struct Patient {
    /// The number; given when it is certain that the patient is screened.
    pub id: SubjectId,
    /// The place of the site in the plan.
    pub site: usize,
    /// What happens to the patient is drawn from here.
    pub chance: Chance,
    /// Day of consent.
    pub consent: Date,
    /// Day of randomisation, or the day it would have been.
    pub day: Date,
    /// False where a criterion is not met.
    pub eligible: bool,
    /// What is there at baseline.
    pub lesions: Vec<Lesion>,
    /// The therapy under way.
    pub line: Line,
    /// Its first day.
    pub line_start: Date,
    /// How fast the disease is: 1 is average.
    pub speed: f64,
    /// How the patient feels.
    pub level: f64,
    /// The stratum, where the patient is eligible.
    pub stratum: Stratum,
    /// The forms of screening: day, which one, and values.
    pub forms: Vec<(Date, Instance, Map<String, Value>)>,
}

/// A way to fail.
#[derive(Clone, Debug, PartialEq)]
enum Way {
    TooManyLesions,
    NotAmenable,
    IrradiatedBefore,
    InBrain,
    PoorStatus,
    Value(String, String, Choice),
    Missing(String),
}

/// How a protocol's screening forms are filled.
pub struct Screening<'a> {
    protocol: &'a Protocol,
    history: &'a ProtocolHistory,
    profile: &'a Profile,
    /// Screening forms in order, each with its visit.
    forms: Vec<(&'a Form, Option<String>)>,
    /// What the criteria ask for and no patient has by nature: form id to choices.
    choices: BTreeMap<String, Choices>,
    /// Values that would do as well.
    others: Vec<(String, String, Vec<Choice>)>,
    ways: Vec<(Way, f64)>,
    /// Whether each form is asked about as the office would.
    checked: bool,
}

/// What a draw of a patient may be made to show.
#[derive(Clone, Copy, Default)]
struct Made<'a> {
    way: Option<&'a Way>,
    plain: bool,
}

impl<'a> Screening<'a> {
    /// Learns how to fill the screening forms of the current version.
    pub fn new(history: &'a ProtocolHistory, profile: &'a Profile, seed: u64) -> Self {
        let protocol = history.current();
        let mut screening = Self {
            protocol,
            history,
            profile,
            forms: screening_forms(protocol),
            choices: BTreeMap::new(),
            others: Vec::new(),
            ways: Vec::new(),
            checked: true,
        };
        screening.solve(seed);
        screening.find_ways();
        screening
    }

    /// The same for whoever keeps the forms without an office: what the rules of forms would refuse is not asked.
    #[must_use]
    pub fn unchecked(self) -> Self {
        Self { checked: false, ..self }
    }

    /// The patient who comes on `day`, with a stream of chance of its own.
    pub fn patient(&self, site: usize, day: Date, mut chance: Chance) -> Result<Patient, Error> {
        let fails = !self.ways.is_empty() && chance.happens(FAILING);
        let mut wrong = Vec::new();
        for draw in 0..MOST_DRAWS {
            let way =
                fails.then(|| &self.ways[chance.weighted(self.ways.iter().map(|(_, weight)| *weight))].0);
            let made = Made { way, plain: draw > MOST_DRAWS / 2 };
            let mut patient = self.draw(site, day, &mut chance, made);
            let record = fold_moved(self.history, &mut patient);
            let evidence = evidence(self.protocol, &record);
            let unmet: Vec<String> = judge_by(self.protocol, &evidence)
                .into_iter()
                .filter(|judged| judged.judgement != Judgement::Met)
                .map(|judged| judged.id)
                .collect();
            let stratum = trial::eligibility::stratum_by(self.protocol, &evidence);
            give_back(&mut patient, record);
            let admissible = !self.checked || self.admissible(&patient);
            if admissible && (fails != unmet.is_empty()) && (fails || stratum.is_ok()) {
                return Ok(Patient { eligible: !fails, stratum: stratum.unwrap_or_default(), ..patient });
            }
            wrong = unmet;
            wrong.extend(stratum.err().into_iter().flatten());
        }
        Err(Error::NoPatient { day, fails, criteria: wrong })
    }

    /// True where the office would take every form.
    fn admissible(&self, patient: &Patient) -> bool {
        let mut seen = Patient { forms: Vec::new(), ..patient.clone() };
        patient.forms.iter().all(|(day, instance, values)| {
            let record = fold(self.history, &seen);
            seen.forms.push((*day, instance.clone(), values.clone()));
            !form::check(self.protocol, &record, instance, values, patient.day).iter().any(|fault| fault.hard)
        })
    }

    fn draw(&self, site: usize, consent: Date, chance: &mut Chance, made: Made<'_>) -> Patient {
        let profile = self.profile;
        let day = plus_days(consent, chance.whole(8, 23));
        let wait = trial::date::days_between(consent, day);
        let scan = -chance.whole(2, (wait - 1).max(2));
        let months = profile.first_line_months.draw(chance).max(8.5);
        let line = profile.line(1, "", chance).clone();
        let mut patient = Patient {
            id: SubjectId::default(),
            site,
            consent,
            day,
            eligible: true,
            lesions: lesions(profile, scan, made.way, chance),
            line,
            line_start: plus_days(consent, -days(months * 30.4)),
            speed: libm::exp(chance.normal(0.0, profile.pace.spread)),
            level: chance.normal(0.0, 1.0),
            stratum: Stratum::new(),
            forms: Vec::new(),
            chance: chance.clone(),
        };
        let rules = &self.protocol.tumour;
        name_at_baseline(&mut patient.lesions, scan, rules.max_targets, rules.max_targets_per_organ);
        let visit_day = plus_days(day, scan);
        for (form, visit) in &self.forms {
            if made.way == Some(&Way::Missing(form.id.clone())) {
                continue;
            }
            let on = if form.concept == Concept::Consent { consent } else { visit_day };
            let values = self.fill(form, &mut patient, on, chance, made);
            let instance = Instance { form: form.id.clone(), visit: visit.clone(), occurrence: 1 };
            patient.forms.push((on, instance, values));
        }
        patient.chance = chance.clone();
        patient
    }

    fn fill(
        &self,
        form: &Form,
        patient: &mut Patient,
        day: Date,
        chance: &mut Chance,
        made: Made<'_>,
    ) -> Map<String, Value> {
        let mut sheet = natural(form, patient, self.profile, day, chance, made.way);
        if let Some(choices) = self.choices.get(&form.id) {
            sheet = sheet.choose(choices);
        }
        if !made.plain {
            let mut varied = Choices::new();
            for (_, item, others) in self.others.iter().filter(|(of, ..)| *of == form.id) {
                if chance.happens(0.35)
                    && let Some(other) = chance.one(others)
                {
                    varied.insert(item.clone(), other.clone());
                }
            }
            sheet = sheet.choose(&varied);
        }
        if let Some(Way::Value(of, item, choice)) = made.way
            && *of == form.id
        {
            sheet = sheet.choose(&Choices::from([(item.clone(), choice.clone())]));
        }
        sheet.values()
    }

    /// Finds values for every criterion that typical patients do not meet by nature.
    fn solve(&mut self, seed: u64) {
        let day = jiff::civil::date(2025, 6, 2);
        // Several patients, since what one lacks another may have by nature, and since a value that was chosen may
        // change what is derived.
        for round in 0..TYPICAL {
            let mut chance = Chance::new(seed, &format!("typical patient {round}"));
            let typical = self.draw(0, day, &mut chance, Made { way: None, plain: true });
            let facts = evidence(self.protocol, &fold(self.history, &typical)).facts;
            let facts = self.meet_all(&typical, facts);
            if round + 1 == TYPICAL {
                self.find_others(&typical, &facts);
            }
        }
    }

    /// Chooses values for each criterion that does not hold; gives the facts with them.
    fn meet_all(&mut self, typical: &Patient, mut facts: Facts) -> Facts {
        for (index, criterion) in self.protocol.eligibility.iter().enumerate() {
            let condition = &criterion.condition;
            if holds(criterion.kind, &condition.evaluate(&facts)) {
                continue;
            }
            // What holds, or else what hangs on derived facts alone; of items that nobody has by nature, or else of any.
            let tries = [(false, false), (false, true), (true, false)];
            let found = tries.into_iter().find_map(|(any, undecided)| {
                let open = self.open_items(condition.names(), typical, any);
                let (chosen, tried) = combination(&open, |chosen| {
                    let mut tried = facts.clone();
                    for ((form, item, ..), choice) in open.iter().zip(chosen) {
                        tried.insert(&format!("{form}.{item}"), choice.on(Self::form_day(form, typical)));
                    }
                    let before = &self.protocol.eligibility[..index];
                    let spoilt = before.iter().any(|earlier| {
                        holds(earlier.kind, &earlier.condition.evaluate(&facts))
                            && !holds(earlier.kind, &earlier.condition.evaluate(&tried))
                    });
                    let verdict = condition.evaluate(&tried);
                    let good = holds(criterion.kind, &verdict) || undecided && hangs_on_derived(&verdict);
                    (good && !spoilt).then_some(tried)
                })?;
                Some((open, chosen, tried))
            });
            // Otherwise it is a matter of the patient drawn, not of a form.
            let Some((open, chosen, tried)) = found else { continue };
            facts = tried;
            for ((form, item, _), choice) in open.into_iter().zip(chosen) {
                self.choices.entry(form).or_default().insert(item, choice);
            }
        }
        facts
    }

    /// The items among `names` that may be chosen: those that no patient has by nature, or `any`.
    fn open_items(
        &self,
        names: &std::collections::BTreeSet<String>,
        typical: &Patient,
        any: bool,
    ) -> Vec<(String, String, Vec<Choice>)> {
        let mut open = Vec::new();
        for name in names {
            let Some((form, item)) = name.split_once('.') else { continue };
            let Some((form, _)) = self.forms.iter().find(|(known, _)| known.id == form) else { continue };
            let Some(item) = form.items.iter().find(|known| known.id == item) else { continue };
            let mut patient = typical.clone();
            let mut chance = Chance::new(0, "natural items");
            let sheet = natural(form, &mut patient, self.profile, typical.day, &mut chance, None);
            if any || !sheet.has(&item.id) {
                let tried = candidates(item);
                if !tried.is_empty() {
                    open.push((form.id.clone(), item.id.clone(), tried));
                }
            }
        }
        open
    }

    fn form_day(form: &str, typical: &Patient) -> Date {
        typical
            .forms
            .iter()
            .find(|(_, instance, _)| instance.form == form)
            .map_or(typical.day, |(day, ..)| *day)
    }

    /// Values beside the chosen ones under which every criterion still holds, for the sake of variety.
    fn find_others(&mut self, typical: &Patient, facts: &Facts) {
        let mut others = Vec::new();
        for (form, choices) in &self.choices {
            for item in choices.keys() {
                let Some(known) = self.item(form, item).filter(|known| known.kind != ItemType::Text) else {
                    continue;
                };
                let good = candidates(known)
                    .into_iter()
                    .filter(|choice| {
                        let mut tried = facts.clone();
                        tried.insert(&format!("{form}.{item}"), choice.on(Self::form_day(form, typical)));
                        let all = self.protocol.eligibility.iter();
                        all.filter(|c| c.condition.names().contains(&format!("{form}.{item}")))
                            .all(|c| holds(c.kind, &c.condition.evaluate(&tried)))
                    })
                    .collect();
                others.push((form.clone(), item.clone(), good));
            }
        }
        // Codes that no criterion reads may be anything.
        let read: Vec<&String> =
            self.protocol.eligibility.iter().flat_map(|criterion| criterion.condition.names()).collect();
        for (form, _) in &self.forms {
            for item in form.items.iter().filter(|item| item.kind == ItemType::Code && item.required) {
                if !read.contains(&&format!("{}.{}", form.id, item.id)) && item.when.is_none() {
                    others.push((form.id.clone(), item.id.clone(), candidates(item)));
                }
            }
        }
        // What a patient has by nature stays so.
        let mut patient = typical.clone();
        let mut chance = Chance::new(0, "natural items");
        others.retain(|(form, item, _)| {
            let Some((form, _)) = self.forms.iter().find(|(known, _)| known.id == *form) else {
                return false;
            };
            !natural(form, &mut patient, self.profile, typical.day, &mut chance, None).has(item)
        });
        self.others = others;
    }

    fn item(&self, form: &str, item: &str) -> Option<&'a trial::protocol::Item> {
        let (form, _) = self.forms.iter().find(|(known, _)| known.id == form)?;
        form.items.iter().find(|known| known.id == item)
    }

    /// The ways to fail that this protocol has.
    fn find_ways(&mut self) {
        let mut ways: Vec<(Way, f64)> = vec![
            (Way::TooManyLesions, 3.0),
            (Way::NotAmenable, 4.0),
            (Way::IrradiatedBefore, 2.0),
            (Way::InBrain, 1.5),
            (Way::PoorStatus, 1.5),
        ];
        let mut values = Vec::new();
        for criterion in &self.protocol.eligibility {
            for name in criterion.condition.names() {
                let Some((form, item)) = name.split_once('.') else { continue };
                let Some(known) = self.item(form, item) else { continue };
                let coded = matches!(known.kind, ItemType::Code | ItemType::YesNo);
                if coded {
                    values.extend(
                        candidates(known)
                            .into_iter()
                            .map(|choice| Way::Value(form.to_owned(), item.to_owned(), choice)),
                    );
                }
            }
        }
        // Together these weigh as much as four of the others do.
        let each = 4.0 / (values.len().max(1) as f64);
        ways.extend(values.into_iter().map(|way| (way, each)));
        let ecog = self.forms.iter().filter(|(form, _)| form.concept == Concept::Ecog);
        ways.extend(ecog.map(|(form, _)| (Way::Missing(form.id.clone()), 0.7)));
        self.ways = ways;
    }
}

fn screening_forms(protocol: &Protocol) -> Vec<(&Form, Option<String>)> {
    let mut forms: Vec<(&Form, Option<String>)> = Vec::new();
    for visit in protocol.schedule.visits.iter().filter(|visit| visit.day <= 0) {
        for id in &visit.forms {
            if let Some(form) = protocol.forms.iter().find(|form| form.id == *id)
                && !forms.iter().any(|(known, _)| known.id == *id)
            {
                forms.push((form, Some(visit.id.clone())));
            }
        }
    }
    let read = protocol.eligibility.iter().map(|criterion| &criterion.condition);
    let read = read
        .chain(protocol.stratification.iter().flat_map(|f| f.levels.iter().map(|level| &level.condition)));
    for name in read.flat_map(trial::condition::Condition::names) {
        let Some((form, _)) = name.split_once('.') else { continue };
        if let Some(form) = protocol.forms.iter().find(|known| known.id == form)
            && !forms.iter().any(|(known, _)| known.id == form.id)
        {
            forms.push((form, None));
        }
    }
    // Nothing is asked before consent.
    forms.sort_by_key(|(form, _)| form.concept != Concept::Consent);
    forms
}

fn holds(kind: CriterionKind, verdict: &Verdict) -> bool {
    match kind {
        CriterionKind::Inclusion => *verdict == Verdict::True,
        CriterionKind::Exclusion => *verdict == Verdict::False,
    }
}

/// True where nothing but derived facts is missing.
fn hangs_on_derived(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Unknown { missing } => missing.iter().all(|name| name.starts_with("derived.")),
        _ => false,
    }
}

/// The first combination of the open items' candidates that `fits`.
fn combination<T>(
    open: &[(String, String, Vec<Choice>)],
    fits: impl Fn(&[Choice]) -> Option<T>,
) -> Option<(Vec<Choice>, T)> {
    if open.is_empty() {
        return None;
    }
    let mut places = vec![0; open.len()];
    for _ in 0..MOST_COMBINATIONS {
        let chosen: Vec<Choice> = open.iter().zip(&places).map(|((.., all), at)| all[*at].clone()).collect();
        if let Some(result) = fits(&chosen) {
            return Some((chosen, result));
        }
        // Count on, the last item first.
        let mut at = open.len();
        loop {
            at = at.checked_sub(1)?;
            places[at] += 1;
            if places[at] < open[at].2.len() {
                break;
            }
            places[at] = 0;
        }
    }
    None
}

fn lesions(profile: &Profile, scan: i64, way: Option<&Way>, chance: &mut Chance) -> Vec<Lesion> {
    let growing = match way {
        Some(Way::TooManyLesions) => chance.whole(6, 8),
        _ => 1 + i64::try_from(chance.weighted([0.46, 0.27, 0.14, 0.08, 0.05].into_iter())).unwrap_or(0),
    };
    let controlled = i64::try_from(chance.weighted([0.3, 0.25, 0.2, 0.15, 0.1].into_iter())).unwrap_or(0);
    let mut lesions: Vec<Lesion> =
        (0..growing).map(|_| Lesion::oligoprogressive(profile, scan, chance)).collect();
    lesions.extend((0..controlled).map(|_| Lesion::controlled(profile, scan, chance)));
    // About a quarter have bone metastases only.
    if chance.happens(0.14)
        && let Some(bone) = profile.organs.iter().find(|organ| organ.name == "BONE")
    {
        for lesion in &mut lesions {
            lesion.move_to(bone);
        }
    }
    let failing = !matches!(way, Some(Way::NotAmenable));
    for (place, lesion) in lesions.iter_mut().enumerate() {
        lesion.amenable = !lesion.opd || failing || place > 0;
    }
    if way == Some(&Way::InBrain)
        && let Some(first) = lesions.first_mut()
    {
        first.move_to_brain();
    }
    lesions
}

/// What the patient has to say on a form, by its concept.
fn natural<'a>(
    form: &'a Form,
    patient: &mut Patient,
    profile: &Profile,
    day: Date,
    chance: &mut Chance,
    way: Option<&Way>,
) -> Sheet<'a> {
    let sheet = Sheet::new(form, day);
    let text = |date: Date| json!(crate::sheet::text(date));
    match form.concept {
        Concept::Consent => sheet.with("RFICDAT", text(patient.consent)),
        Concept::Demography => {
            let age = profile.age.draw(chance).clamp(29.0, 89.0);
            let woman = chance.happens(profile.female);
            sheet
                .with("BRTHYY", i64::from(patient.consent.year()) - days(age))
                .code("SEX", &[if woman { "F" } else { "M" }])
                .code("MENOPAUS", &[if age < 51.0 { "PRE" } else { "POST" }])
        }
        Concept::DiseaseHistory => {
            let advanced = plus_days(patient.line_start, -chance.whole(10, 60));
            let first = plus_days(advanced, -days(chance.exponential(1_400.0)) - 20);
            let month = |date: Date| json!(format!("{:04}-{:02}", date.year(), date.month()));
            sheet
                .with("MHTERM", profile.history.clone())
                .with("MHSTDAT", month(first))
                .with("MHMETDAT", text(advanced))
        }
        Concept::PriorTherapy => {
            let controlled = plus_days(patient.consent, -chance.whole(25, 75));
            let mut sheet = sheet
                .with("CMTRT", patient.line.drugs.clone())
                .with("CMSTDAT", text(patient.line_start))
                .with("RESPTHRU", text(controlled));
            for (item, code) in &patient.line.code {
                sheet = sheet.with(item, code.clone());
            }
            sheet
        }
        Concept::Ecog => {
            let status = if way == Some(&Way::PoorStatus) {
                3
            } else {
                chance.weighted([0.5, 0.42, 0.08].into_iter())
            };
            sheet.with("QSDAT", text(day)).with("ECOG", json!(status))
        }
        Concept::TumourAssessment => {
            let mut sheet = sheet.with("TRDAT", text(day)).code("TRMETHOD", &["CT SCAN", "PET/CT SCAN"]);
            let on = -trial::date::days_between(day, patient.day);
            for (place, lesion) in patient.lesions.iter_mut().enumerate() {
                let irradiated = way == Some(&Way::IrradiatedBefore) && place == 0;
                sheet = sheet.row(trial::concept::LESIONS, lesion.baseline_row(on, irradiated, chance));
            }
            sheet
        }
        Concept::FactB => {
            let mut sheet = sheet.with("QSDAT", text(day));
            for (item, answer) in wellbeing::answers(patient.level, chance) {
                sheet = sheet.with(item, answer);
            }
            sheet
        }
        _ => sheet,
    }
}

/// The record of the screening forms, as the office would fold it.
fn fold(history: &ProtocolHistory, patient: &Patient) -> Record {
    let values = patient.forms.iter().map(|(_, _, values)| values.clone()).collect();
    Record::fold_owned(history, &patient.id, events(patient, values))
}

/// The same, the values being moved: `give_back` gives them to the patient again.
fn fold_moved(history: &ProtocolHistory, patient: &mut Patient) -> Record {
    let values = patient.forms.iter_mut().map(|(_, _, values)| std::mem::take(values)).collect();
    Record::fold_owned(history, &patient.id, events(patient, values))
}

fn give_back(patient: &mut Patient, record: Record) {
    // Each form was filled once, so they stand in the order in which they were handed over.
    for ((_, _, own), form) in patient.forms.iter_mut().zip(record.forms) {
        *own = form.values;
    }
}

fn events(patient: &Patient, values: Vec<Map<String, Value>>) -> Vec<Entered> {
    let recorded = crate::desk::moment(patient.day, 0);
    let event =
        |what| Event { who: String::new(), role: Role::System, recorded, site: None, subject: None, what };
    let mut events = vec![Entered { seq: 2, event: event(What::SubjectScreened) }];
    for ((place, (_, instance, _)), values) in patient.forms.iter().enumerate().zip(values) {
        let what = What::FormSaved { instance: instance.clone(), values };
        events.push(Entered { seq: 3 + place as u64, event: event(what) });
    }
    events
}
