//! Folds a subject's events into its record.
//!
//! Each form is read under the protocol version that was in force when it was entered. Never fails: what cannot be read
//! is kept as a fault with its event, form and item, and the rest goes on.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;
use jiff::civil::Date;
use serde_json::{Map, Value};

use super::oversight::Oversight;
use super::reading::{Values, place};
use super::{
    AdverseEvent, Allocation, Assessment, Death, Deviation, Fact, FactBAnswers, FilledForm, Finding,
    LesionDose, LesionRole, Reading, Record, RecordFault, SabrCourse, StrategyDecision, TherapyLine,
    Withdrawal,
};
use crate::concept;
use crate::date::PartialDate;
use crate::event::{Entered, Instance, Seq, What};
use crate::factb;
use crate::id::{LesionId, SubjectId};
use crate::protocol::{Concept, Form, ItemType, Protocol, ProtocolHistory};

impl Record {
    /// The record of one subject from its `events`, in order of their sequence.
    pub fn fold(history: &ProtocolHistory, subject: &SubjectId, events: &[Entered]) -> Self {
        let mut record = Record { subject: subject.clone(), ..Record::default() };
        let standing = record.take_all(events);
        record.forms = standing
            .into_iter()
            .filter_map(|form| {
                let entered = events.get(form.place)?;
                let (instance, values) = filled(&entered.event.what)?;
                Some(form.filled(entered.event.recorded, instance.clone(), values.clone()))
            })
            .collect();
        record.finish(history);
        record
    }

    /// As `fold`, for whoever needs the events no more: their values are moved, not copied.
    pub fn fold_owned(history: &ProtocolHistory, subject: &SubjectId, mut events: Vec<Entered>) -> Self {
        let mut record = Record { subject: subject.clone(), ..Record::default() };
        let standing = record.take_all(&events);
        let mut forms = Vec::with_capacity(standing.len());
        for form in standing {
            let entered = &mut events[form.place];
            if let What::FormSaved { instance, values } | What::FormCorrected { instance, values, .. } =
                &mut entered.event.what
            {
                let (instance, values) = (instance.clone(), std::mem::take(values));
                forms.push(form.filled(entered.event.recorded, instance, values));
            }
        }
        record.forms = forms;
        record.finish(history);
        record
    }

    /// Adds one later event to a folded record, as if it had been folded with the others. False, and nothing changed,
    /// where the whole must be folded anew: a form was filled before, and another value now stands for it, or a form is
    /// spoken of that was never filled.
    #[must_use]
    pub fn absorb(&mut self, history: &ProtocolHistory, entered: &Entered) -> bool {
        let what = &entered.event.what;
        if let Some(instance) = overseen(what) {
            let Some(form) = self.forms.iter_mut().find(|form| form.instance == *instance) else {
                return false;
            };
            let mut oversight = Oversight::of(form);
            oversight.take(entered);
            oversight.give(form);
            return true;
        }
        if let Some((instance, _)) = filled(what)
            && (matches!(what, What::FormCorrected { .. })
                || self.forms.iter().any(|form| form.instance == *instance))
        {
            return false;
        }
        self.take(entered);
        if let Some((instance, values)) = filled(what) {
            let standing = Standing::new(0, entered.seq);
            let mut form = standing.filled(entered.event.recorded, instance.clone(), values.clone());
            self.read(history, &mut form);
            self.forms.push(form);
        }
        self.settle();
        true
    }

    /// Reads a form that is filled for the first time, as `absorb` does, and keeps what it tells but not the form. Gives its values
    /// back: for whoever asks `progression` what was seen so far and enters the form elsewhere.
    pub fn glean(
        &mut self,
        history: &ProtocolHistory,
        seq: Seq,
        recorded: jiff::Timestamp,
        instance: &Instance,
        values: Map<String, Value>,
    ) -> Map<String, Value> {
        let mut form = Standing::new(0, seq).filled(recorded, instance.clone(), values);
        self.read(history, &mut form);
        self.settle();
        form.values
    }

    /// A record of the same subject with `forms` in the place of its own, in order of their events.
    pub(super) fn refolded(&self, history: &ProtocolHistory, forms: Vec<FilledForm>) -> Self {
        let mut record = Record {
            subject: self.subject.clone(),
            site: self.site.clone(),
            screened: self.screened.clone(),
            randomised: self.randomised.clone(),
            forms,
            ..Record::default()
        };
        if let Some(randomised) = &self.randomised {
            record.alive(randomised.value.date, randomised.event);
        }
        record.finish(history);
        record
    }

    /// Reads what is not on forms, and finds which event's values stand for each form, in order of these events.
    fn take_all(&mut self, events: &[Entered]) -> Vec<Standing> {
        let mut forms: Vec<Standing> = Vec::with_capacity(events.len() / 2);
        let mut places: HashMap<&Instance, usize, RandomState> =
            HashMap::with_capacity_and_hasher(events.len() / 2, RandomState::default());
        for (place, entered) in events.iter().enumerate() {
            self.take(entered);
            let (event, what) = (entered.seq, &entered.event.what);
            if let Some(instance) = overseen(what) {
                match places.get(instance) {
                    Some(at) => _ = forms[*at].oversight.take(entered),
                    None => self.never_saved(event, what, instance),
                }
                continue;
            }
            let Some((instance, _)) = filled(what) else { continue };
            let at = *places.entry(instance).or_insert(forms.len());
            let earlier = if let Some(form) = forms.get_mut(at) {
                form.place = place;
                Some(std::mem::replace(&mut form.event, event))
            } else {
                forms.push(Standing::new(place, event));
                None
            };
            let wrong = match (what, earlier) {
                (What::FormCorrected { .. }, None) => "corrects a form that was never saved".to_owned(),
                (What::FormCorrected { corrects, .. }, Some(earlier)) if earlier != *corrects => {
                    format!("corrects event {corrects}, but the values of event {earlier} stood")
                }
                (What::FormSaved { .. }, Some(earlier)) => {
                    format!("was saved before, by event {earlier}; a change is a correction that names it")
                }
                _ => continue,
            };
            self.misplaced(event, instance, wrong);
        }
        // In the order of their events already, unless one was corrected.
        forms.sort_by_key(|form| form.event);
        forms
    }

    /// Reads what is not on a form.
    fn take(&mut self, entered: &Entered) {
        let (seq, event) = (entered.seq, &entered.event);
        if let Some(site) = &event.site
            && self.site.as_str().is_empty()
        {
            self.site = site.clone();
        }
        match &event.what {
            What::SubjectScreened => {
                // The first stands: a subject is screened once.
                let date = crate::date::utc_date(event.recorded);
                self.screened.get_or_insert(Fact { value: date, event: seq });
            }
            What::Randomised { .. } if self.randomised.is_some() => {
                let message = "the subject was randomised before; a subject is randomised once, and the first \
                               allocation stands";
                self.faults.push(RecordFault {
                    event: seq,
                    place: "randomisation".into(),
                    item: "arm".into(),
                    message: message.into(),
                });
            }
            What::Randomised { arm, date, stratum, on_behalf, .. } => {
                let (arm, stratum, on_behalf) = (arm.clone(), stratum.clone(), on_behalf.clone());
                let value = Allocation { arm, date: *date, stratum, on_behalf };
                self.randomised = Some(Fact { value, event: seq });
                self.alive(*date, seq);
            }
            _ => _ = self.take_query(entered),
        }
    }

    fn misplaced(&mut self, event: Seq, instance: &Instance, message: String) {
        self.faults.push(RecordFault { event, place: place(instance), item: String::new(), message });
    }

    fn finish(&mut self, history: &ProtocolHistory) {
        let mut forms = std::mem::take(&mut self.forms);
        for form in &mut forms {
            self.read(history, form);
        }
        self.forms = forms;
        self.settle();
    }

    fn read(&mut self, history: &ProtocolHistory, form: &mut FilledForm) {
        let protocol = history.at(form.event);
        let Some(definition) = protocol.forms.iter().find(|f| f.id == form.instance.form) else {
            let message = format!("protocol version {} has no such form", protocol.trial.version);
            self.misplaced(form.event, &form.instance, message);
            return;
        };
        form.date = clinical_date(definition, &form.values);
        let mut faults = std::mem::take(&mut self.faults);
        self.read_concept(definition.concept, form, protocol, &mut faults);
        self.faults = faults;
    }

    // One arm a concept: the twin of the table in `concept`.
    #[allow(clippy::too_many_lines)]
    fn read_concept(
        &mut self,
        concept: Concept,
        form: &FilledForm,
        protocol: &Protocol,
        faults: &mut Vec<RecordFault>,
    ) {
        let event = form.event;
        let v = &Values::of(form);
        match concept {
            Concept::Demography => {
                self.sex = v.text("SEX").map(|value| Fact { value, event });
                self.birth_year = v
                    .whole("BRTHYY", 1880, 2100, faults)
                    .and_then(|year| i16::try_from(year).ok())
                    .map(|value| Fact { value, event });
            }
            Concept::Consent => {
                let date = v.date("RFICDAT", faults);
                if let Some(value) = v.need("RFICDAT", date, faults) {
                    self.consent = Some(Fact { value, event });
                    self.alive(value, event);
                }
            }
            Concept::Ecog => {
                let date = v.date("QSDAT", faults);
                let ecog = v.whole("ECOG", 0, 5, faults).and_then(|n| u8::try_from(n).ok());
                if let (Some(date), Some(ecog)) =
                    (v.need("QSDAT", date, faults), v.need("ECOG", ecog, faults))
                {
                    self.ecog.push(Fact { value: (date, ecog), event });
                    self.alive(date, event);
                }
            }
            Concept::TumourAssessment => {
                if let Some(assessment) = assessment(protocol, form, v, faults) {
                    self.alive(assessment.date, event);
                    self.assessments.push(assessment);
                }
            }
            Concept::ClinicalProgression => {
                let date = v.date("CEDAT", faults);
                if let Some(value) = v.need("CEDAT", date, faults) {
                    self.clinical_progressions.push(Fact { value, event });
                    self.alive(value, event);
                }
            }
            Concept::SabrCourse => {
                if let Some(course) = sabr(form, v, faults) {
                    self.alive(course.start, event);
                    course.end.into_iter().for_each(|end| self.alive(end, event));
                    self.sabr.push(course);
                }
            }
            Concept::SystemicTherapy => {
                let start = v.partial("CMSTDAT", faults);
                let reason =
                    v.code("CMREAS", &["BASELINE", "PROTOCOL", "PROGRESSION", "TOXICITY", "OTHER"], faults);
                if let (Some(start), Some(reason), Some(treatment)) = (
                    v.need("CMSTDAT", start, faults),
                    v.need("CMREAS", reason, faults),
                    v.need("CMTRT", v.text("CMTRT"), faults),
                ) {
                    let end = v.partial("CMENDAT", faults);
                    start.day().into_iter().for_each(|day| self.alive(day, event));
                    self.lines.push(TherapyLine { event, treatment, reason, start, end });
                }
            }
            Concept::AdverseEvent => {
                let found = adverse_event(form, v, &protocol.safety.attributed_to, faults);
                // Its onset shows the subject alive; its end may be the death.
                if let Some(day) = found.as_ref().and_then(|ae| ae.start?.day()) {
                    self.alive(day, event);
                }
                self.adverse_events.extend(found);
            }
            Concept::FactB => {
                let date = v.date("QSDAT", faults);
                if let Some(date) = v.need("QSDAT", date, faults) {
                    let answer = |(item, value), faults: &mut Vec<RecordFault>| {
                        let whole = v.whole_in(item, value?, 0, 4, faults)?;
                        u8::try_from(whole).ok()
                    };
                    let given = v.each_of(&factb::ITEMS);
                    let answers = given.into_iter().map(|given| answer(given, faults)).collect();
                    let visit = form.instance.visit.clone().unwrap_or_default();
                    self.factb.push(FactBAnswers { event, date, visit, answers });
                    self.alive(date, event);
                }
            }
            Concept::StrategyDecision => {
                let date = v.date("DECDAT", faults);
                let progression = v.date("PROGDAT", faults);
                let decision = v.code("DECISION", &["CONTINUE", "ABANDON"], faults);
                if let (Some(date), Some(progression), Some(decision)) = (
                    v.need("DECDAT", date, faults),
                    v.need("PROGDAT", progression, faults),
                    v.need("DECISION", decision, faults),
                ) {
                    self.decisions.push(StrategyDecision { event, date, progression, decision });
                }
            }
            Concept::Deviation => {
                let date = v.date("DVSTDAT", faults);
                if let Some(date) = v.need("DVSTDAT", date, faults) {
                    let category = v.text("DVCAT").unwrap_or_else(|| "UNCATEGORISED".into());
                    let term = v.text("DVTERM").unwrap_or_default();
                    let important = v.yes("DVMAJOR", faults);
                    self.deviations.push(Deviation { event, date, category, term, important });
                }
            }
            Concept::Withdrawal => {
                let date = v.date("DSSTDAT", faults);
                if let Some(date) = v.need("DSSTDAT", date, faults) {
                    let reason = v.text("DSDECOD").unwrap_or_default();
                    self.withdrawal = Some(Withdrawal { event, date, reason });
                    self.alive(date, event);
                }
            }
            Concept::Death => {
                let date = v.partial("DTHDAT", faults);
                if let Some(date) = v.need("DTHDAT", date, faults) {
                    self.death = Some(Death { event, date, cause: v.text("DTHCAUS") });
                }
            }
            Concept::LastContact => {
                let date = v.date("SSDAT", faults);
                if let Some(value) = v.need("SSDAT", date, faults) {
                    self.alive(value, event);
                }
            }
            Concept::DiseaseHistory | Concept::PriorTherapy | Concept::Custom => {}
        }
    }

    /// Puts every list in the order of its dates.
    fn settle(&mut self) {
        self.ecog.sort_by_key(|fact| (fact.value.0, fact.event));
        self.assessments.sort_by(|a, b| {
            (a.date, a.event).cmp(&(b.date, b.event)).then(a.visitnum.total_cmp(&b.visitnum))
        });
        self.clinical_progressions.sort_by_key(|fact| (fact.value, fact.event));
        self.sabr.sort_by_key(|course| (course.start, course.event));
        self.lines.sort_by_key(|line| (line.start.first(), line.event));
        self.factb.sort_by_key(|answers| (answers.date, answers.event));
        self.decisions.sort_by_key(|decision| (decision.progression, decision.date, decision.event));
        self.deviations.sort_by_key(|deviation| (deviation.date, deviation.event));
        self.contacts.sort_by_key(|fact| (fact.value, fact.event));
    }

    /// On that day the subject was known to be alive.
    fn alive(&mut self, value: Date, event: Seq) {
        self.contacts.push(Fact { value, event });
    }

    /// The record as it was on `cut`: nothing that happened later is seen.
    ///
    /// What has no date of its own is kept (the year of birth, a disease history), save an adverse event, which is judged by
    /// the day it was recorded. A date of reduced precision is later only where no day it can mean lies by the cut; a
    /// death, also where the subject was seen alive after the cut. Within a form, dates after the cut are taken out; an item
    /// that speaks of them without a date (a reason for an end) cannot be told and stays.
    #[must_use]
    pub fn cut_at(mut self, cut: Date) -> Self {
        let seen = |fact: &Fact<Date>| fact.value <= cut;
        let death_recorded = self.death.is_some();
        let alive_after = self.contacts.iter().any(|fact| fact.value > cut);
        let known_death = |date: PartialDate| date.first() <= cut && (date.last() <= cut || !alive_after);
        self.death = self.death.filter(|death| known_death(death.date));
        self.undated_events(cut);
        self.screened = self.screened.filter(seen);
        self.consent = self.consent.filter(seen);
        self.randomised = self.randomised.filter(|fact| fact.value.date <= cut);
        self.ecog.retain(|fact| fact.value.0 <= cut);
        self.assessments.retain(|assessment| assessment.date <= cut);
        self.clinical_progressions.retain(seen);
        self.sabr.retain(|course| course.start <= cut);
        for course in &mut self.sabr {
            course.end = course.end.filter(|end| *end <= cut);
        }
        self.lines.retain(|line| line.start.first() <= cut);
        for line in &mut self.lines {
            line.end = line.end.filter(|end| end.first() <= cut);
        }
        let died = self.death.is_some();
        for ae in &mut self.adverse_events {
            // Grade 5 is death: with the death or the end of the event after the cut, its grade by then is not known.
            let fatal_by_cut = ae.end.map_or(died || !death_recorded, |end| end.first() <= cut);
            ae.grade = ae.grade.filter(|grade| *grade < 5 || fatal_by_cut);
            ae.end = ae.end.filter(|end| end.first() <= cut);
        }
        self.factb.retain(|answers| answers.date <= cut);
        self.decisions.retain(|decision| decision.date <= cut);
        self.deviations.retain(|deviation| deviation.date <= cut);
        self.withdrawal = self.withdrawal.filter(|withdrawal| withdrawal.date <= cut);
        self.contacts.retain(seen);
        self.forms.retain(|form| form.date.is_none_or(|date| date.first() <= cut));
        for form in &mut self.forms {
            without_later_dates(&mut form.values, cut);
        }
        self
    }

    /// Drops adverse events that had not begun by `cut`; one without an onset where it was recorded later.
    fn undated_events(&mut self, cut: Date) {
        let forms = &self.forms;
        let recorded = |event: Seq| {
            forms.iter().find(|form| form.event == event).map(|form| crate::date::utc_date(form.recorded))
        };
        let undated: Vec<Seq> = self
            .adverse_events
            .iter()
            .filter(|ae| ae.start.is_none() && recorded(ae.event).is_some_and(|day| day > cut))
            .map(|ae| ae.event)
            .collect();
        self.adverse_events.retain(|ae| match ae.start {
            Some(start) => start.first() <= cut,
            None => !undated.contains(&ae.event),
        });
        self.forms.retain(|form| !undated.contains(&form.event));
    }
}

/// Which event's values stand for a form.
struct Standing {
    place: usize,
    event: Seq,
    first: Seq,
    oversight: Oversight,
}

impl Standing {
    fn new(place: usize, event: Seq) -> Self {
        Self { place, event, first: event, oversight: Oversight::default() }
    }

    fn filled(self, recorded: jiff::Timestamp, instance: Instance, values: Map<String, Value>) -> FilledForm {
        let Oversight { signed, verified, locked } = self.oversight;
        FilledForm {
            instance,
            values,
            event: self.event,
            first: self.first,
            recorded,
            date: None,
            signed,
            verified,
            locked,
        }
    }
}

/// The form whose oversight an event is about.
fn overseen(what: &What) -> Option<&Instance> {
    match what {
        What::FormSigned { instance, .. } | What::Verified { instance } | What::Locked { instance, .. } => {
            Some(instance)
        }
        _ => None,
    }
}

fn filled(what: &What) -> Option<(&Instance, &Map<String, Value>)> {
    match what {
        What::FormSaved { instance, values } | What::FormCorrected { instance, values, .. } => {
            Some((instance, values))
        }
        _ => None,
    }
}

/// The date a form speaks of: that of the first date its concept needs, or of a custom form's first date item.
fn clinical_date(form: &Form, values: &Map<String, Value>) -> Option<PartialDate> {
    let is_date = |kind: ItemType| matches!(kind, ItemType::Date | ItemType::PartialDate);
    let item = match form.concept {
        // Before the trial, or of no day.
        Concept::DiseaseHistory | Concept::PriorTherapy | Concept::Demography => return None,
        Concept::Custom => form.items.iter().find(|item| is_date(item.kind))?.id.as_str(),
        Concept::AdverseEvent => "AESTDAT",
        concept => concept::items(concept).iter().find(|known| known.needed && is_date(known.kind))?.id,
    };
    PartialDate::read(values.get(item)?.as_str()?)
}

fn without_later_dates(values: &mut Map<String, Value>, cut: Date) {
    values.retain(|_, value| match value {
        // Four digits alone may be anything.
        Value::String(text) if text.len() > 4 => {
            PartialDate::read(text).is_none_or(|date| date.first() <= cut)
        }
        _ => true,
    });
    for row in values.values_mut().filter_map(Value::as_array_mut).flatten() {
        if let Value::Object(row) = row {
            without_later_dates(row, cut);
        }
    }
}

/// The order of a visit: its place in the schedule, counted on by its repeats; the occurrence where it has none.
fn visitnum(protocol: &Protocol, instance: &Instance) -> f64 {
    let place = instance
        .visit
        .as_ref()
        .and_then(|visit| protocol.schedule.visits.iter().position(|known| known.id == *visit))
        .unwrap_or(0);
    place as f64 + f64::from(instance.occurrence)
}

fn assessment(
    protocol: &Protocol,
    form: &FilledForm,
    v: &Values<'_>,
    faults: &mut Vec<RecordFault>,
) -> Option<Assessment> {
    let date = v.partial("TRDAT", faults);
    let date = v.need("TRDAT", date, faults)?.first();
    let rows = v.rows(concept::LESIONS, faults);
    let mut readings: Vec<Reading> = Vec::with_capacity(rows.len());
    readings.extend(rows.iter().filter_map(|row| reading(row, faults)));
    Some(Assessment {
        event: form.event,
        reader: v.text("TREVAL").unwrap_or_else(|| "INVESTIGATOR".into()),
        visit: form.instance.visit.clone().unwrap_or_default(),
        visitnum: v.number("VISITNUM", faults).unwrap_or_else(|| visitnum(protocol, &form.instance)),
        date,
        readings,
    })
}

fn reading(row: &Values<'_>, faults: &mut Vec<RecordFault>) -> Option<Reading> {
    let role = row.code("TUORRES", concept::ROLES, faults);
    let lesion = row.need("TULNKID", row.text("TULNKID"), faults).map(LesionId)?;
    let role: LesionRole = row.need("TUORRES", role, faults)?;
    let diameter = row.number("DIAMETER", faults);
    if let Some(negative) = diameter.filter(|d| *d < 0.0) {
        row.fault(
            "DIAMETER",
            &format!("{negative} mm of lesion {lesion}: a diameter is 0 mm or more"),
            faults,
        );
        return None;
    }
    let mut location = row.text("TULOC").unwrap_or_default();
    let lower = |letter: u8| letter.is_ascii_lowercase() || !letter.is_ascii();
    if location.bytes().any(lower) && location.chars().any(char::is_lowercase) {
        location = location.to_uppercase();
    }
    let finding = finding(row, role, diameter, faults)?;
    Some(Reading {
        nodal: location.contains("LYMPH NODE"),
        intracranial: ["BRAIN", "MENINGES", "CENTRAL NERVOUS SYSTEM", "INTRACRANIAL"]
            .iter()
            .any(|place| location.contains(place)),
        location,
        role,
        finding,
        diameter,
        split_from: row.text("SPLITFROM").map(LesionId),
        merged_into: row.text("MERGEDINTO").map(LesionId),
        oligoprogressive: row.yes("OPD", faults),
        amenable: row.yes("AMENABLE", faults),
        lesion,
    })
}

fn finding(
    row: &Values<'_>,
    role: LesionRole,
    diameter: Option<f64>,
    faults: &mut Vec<RecordFault>,
) -> Option<Finding> {
    if row.words("TRSTAT").as_deref() == Some("NOT DONE") {
        return Some(Finding::NotEvaluable(row.text("TRREASND").unwrap_or_else(|| "not done".into())));
    }
    let state = row.words("TUMSTATE");
    match (state.as_deref(), role, diameter) {
        (Some("TOO SMALL"), ..) => Some(Finding::TooSmall),
        (Some("MERGED"), ..) => Some(Finding::Merged),
        (_, LesionRole::Target, Some(diameter)) => Some(Finding::Measured(diameter)),
        (Some("ABSENT"), LesionRole::Target, None) => Some(Finding::Measured(0.0)),
        (_, LesionRole::Target, None) => {
            row.fault("DIAMETER", "a target needs a diameter in mm, TUMSTATE, or TRSTAT = NOT DONE", faults);
            Some(Finding::NotEvaluable("no diameter".into()))
        }
        (Some("ABSENT"), ..) | (None, _, Some(0.0)) => Some(Finding::Absent),
        (Some("PRESENT"), ..) | (None, _, Some(_)) => Some(Finding::Present),
        (Some("UNEQUIVOCAL"), ..) => Some(Finding::Unequivocal),
        (Some("EQUIVOCAL"), ..) => Some(Finding::Equivocal),
        (None, _, None) => {
            row.fault("TUMSTATE", "is missing; give it, a diameter, or TRSTAT = NOT DONE", faults);
            Some(Finding::NotEvaluable("no state".into()))
        }
        (Some(other), ..) => {
            row.fault("TUMSTATE", &format!("{other:?} is not one of {}", concept::STATES.join(", ")), faults);
            None
        }
    }
}

fn sabr(form: &FilledForm, v: &Values<'_>, faults: &mut Vec<RecordFault>) -> Option<SabrCourse> {
    let start = v.date("PRSTDAT", faults);
    let start = v.need("PRSTDAT", start, faults)?;
    let end = v.date("PRENDAT", faults);
    let mut lesions = Vec::new();
    for row in v.rows(concept::LESIONS, faults) {
        let fraction_gy = row.number("PRDOSFRX", faults);
        if let Some(wrong) = fraction_gy.filter(|gy| *gy <= 0.0) {
            row.fault("PRDOSFRX", &format!("{wrong} Gy: a dose a fraction is more than 0"), faults);
            continue;
        }
        let fractions = row.whole("PRNFRX", 1, 60, faults).and_then(|n| u32::try_from(n).ok());
        if let (Some(lesion), Some(fraction_gy), Some(fractions)) = (
            row.need("TULNKID", row.text("TULNKID"), faults),
            row.need("PRDOSFRX", fraction_gy, faults),
            row.need("PRNFRX", fractions, faults),
        ) {
            lesions.push(LesionDose { lesion: LesionId(lesion), fraction_gy, fractions });
        }
    }
    Some(SabrCourse { event: form.event, start, end, lesions })
}

fn adverse_event(
    form: &FilledForm,
    v: &Values<'_>,
    attributed_to: &BTreeMap<String, String>,
    faults: &mut Vec<RecordFault>,
) -> Option<AdverseEvent> {
    let term = v.need("AETERM", v.text("AEDECOD").or_else(|| v.text("AETERM")), faults)?;
    let grade = v.whole("AETOXGR", 1, 5, faults).and_then(|n| u8::try_from(n).ok());
    let severity = match v.words("AESEV").as_deref() {
        Some("MILD") => Some(1),
        Some("MODERATE") => Some(2),
        Some("SEVERE") => Some(3),
        Some(other) => {
            v.fault("AESEV", &format!("{other:?} is not one of MILD, MODERATE, SEVERE"), faults);
            None
        }
        None => None,
    };
    Some(AdverseEvent {
        event: form.event,
        class: v.text("AEBODSYS"),
        grade: grade.or(severity),
        from_severity: grade.is_none() && severity.is_some(),
        start: v.partial("AESTDAT", faults),
        end: v.partial("AEENDAT", faults),
        serious: v.yes("AESER", faults).unwrap_or(false),
        attribution: attributed_to
            .keys()
            .filter_map(|item| v.text(item).map(|code| (item.clone(), code)))
            .collect(),
        term,
    })
}

/// The value of an item on a form, where it is filled.
pub fn value<'a>(form: &'a FilledForm, item: &str) -> Option<&'a Value> {
    form.values.get(item).filter(|value| !value.is_null())
}
