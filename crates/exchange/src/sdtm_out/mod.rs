//! The records of SDTM (Implementation Guide 3.4) of one subject, and those of the trial's design.
//!
//! Never derives: responses, strategy and criteria come from `trial`; forms are written as they stand. Each item goes to the
//! variable of its CDASH name; one without a variable becomes a supplemental qualifier, so that nothing of a form is lost.

mod design;
mod events;
mod findings;
mod interventions;
mod special;
mod tumour;

pub(crate) use design::{design, related};
pub(crate) use events::DIAGNOSES;
pub(crate) use findings::FACT_B;
pub(crate) use interventions::{PRIOR, RADIOTHERAPY, SYSTEMIC};

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use analysis::Values;
use jiff::civil::Date;
use serde_json::{Map, Value as Json};
use trial::date::{PartialDate, plus_days, study_day, utc_date};
use trial::form::entry::text;
use trial::protocol::{Concept, Form, Item, ItemType, Protocol, Salvage};
use trial::record::{FilledForm, Record};
use trial::strategy::Status;

use crate::layout::{self, Layout};
use crate::submission::Study;
use crate::submission::line::{Line, short};
use crate::submission::visit::{self, Named};

/// One subject, with what every record needs of it.
pub(crate) struct Subject<'a, 's> {
    pub study: &'s Study<'s>,
    pub values: &'a Values<'a>,
    pub record: &'a Record,
    /// Study day 1.
    pub start: Option<Date>,
    /// The day the strategy failed, where it did.
    pub failed: Option<Date>,
    /// The first and the last day of treatment that the protocol gives.
    pub exposure: Option<(Date, Date)>,
    /// The visits of forms that belong to none, in order of their dates.
    unplanned: BTreeMap<u64, Named>,
}

impl<'a, 's> Subject<'a, 's> {
    pub fn new(study: &'s Study<'_>, values: &'a Values<'a>) -> Self {
        let record: &Record = &values.record;
        let start = record.randomised.as_ref().map(|fact| fact.value.date);
        let failed = values.derived.strategy.as_ref().and_then(|course| match course.status {
            Status::Failed { on, cause: trial::strategy::Failure::Death } => Some(on).filter(|_| false),
            Status::Failed { on, .. } => Some(on),
            _ => None,
        });
        let mut subject =
            Self { study, values, record, start, failed, exposure: None, unplanned: BTreeMap::new() };
        subject.exposure = subject.exposed();
        subject.unplanned = subject.unscheduled();
        subject
    }

    /// The version of the protocol under which a form was filled.
    pub fn protocol(&self, form: &FilledForm) -> &'s Protocol {
        self.study.history.at(form.event)
    }

    /// `--DY`: none of a day that is not known, or of a subject that was not randomised.
    pub fn dy(&self, date: Option<PartialDate>) -> Option<f64> {
        Some(study_day(self.start?, date?.day()?) as f64)
    }

    /// The epoch of a date: none before consent, and where a partial date may lie in two.
    pub fn epoch(&self, date: Option<PartialDate>) -> Option<&'static str> {
        let date = date?;
        let epoch = |day: Date| match (self.start, self.failed) {
            (Some(start), Some(failed)) if day > failed.max(start) => Some("FOLLOW-UP"),
            (Some(start), _) if day >= start => Some("TREATMENT"),
            _ => self.entered().filter(|entered| day >= *entered).map(|_| "SCREENING"),
        };
        epoch(date.first()).filter(|first| epoch(date.last()) == Some(first))
    }

    /// The day of consent, else of screening.
    pub fn entered(&self) -> Option<Date> {
        self.record.consent.as_ref().or(self.record.screened.as_ref()).map(|fact| fact.value)
    }

    /// The last day of participation: the death, else the last contact.
    pub fn ended(&self) -> Option<PartialDate> {
        let contact = self.record.contacts.iter().map(|fact| fact.value).max();
        self.record.death.as_ref().map(|death| death.date).or(contact.map(PartialDate::Day))
    }

    /// The visit a form belongs to; a numbered unplanned one for a form of dates outside the schedule.
    pub fn visit(&self, form: &FilledForm) -> Option<Named> {
        let mut instance = form.instance.clone();
        if instance.occurrence > 1 && self.reads_apart(form) {
            instance.occurrence = 1;
        }
        visit::of(self.protocol(form), &instance).or_else(|| self.unplanned.get(&form.event).cloned())
    }

    /// Whether a tumour assessment is another reader's at a visit that does not repeat: the visit is the same.
    fn reads_apart(&self, form: &FilledForm) -> bool {
        let once = |visit: &trial::protocol::Visit| {
            Some(&visit.id) == form.instance.visit.as_ref() && visit.every_days.is_none()
        };
        let is_tumour = self.definition(form).is_some_and(|known| known.concept == Concept::TumourAssessment);
        let reader = |form: &FilledForm| form.values.get("TREVAL").map(text).unwrap_or_default();
        let same = |other: &&FilledForm| {
            other.instance.form == form.instance.form
                && other.instance.visit == form.instance.visit
                && other.instance.occurrence < form.instance.occurrence
                && reader(other) == reader(form)
        };
        is_tumour
            && self.protocol(form).schedule.visits.iter().any(once)
            && !self.record.forms.iter().any(|other| same(&other))
    }

    /// How often each visit that repeats was made, by its place in the current schedule.
    pub fn occurrences(&self) -> BTreeMap<usize, u32> {
        let mut occurrences = BTreeMap::new();
        for form in &self.record.forms {
            let visits = &self.study.protocol.schedule.visits;
            let place = visits.iter().position(|visit| Some(&visit.id) == form.instance.visit.as_ref());
            if let Some(place) = place.filter(|place| visits[*place].every_days.is_some()) {
                let most: &mut u32 = occurrences.entry(place).or_default();
                *most = (*most).max(form.instance.occurrence);
            }
        }
        occurrences
    }

    /// Whether the arm's strategy rests on SABR, so that a course of it is treatment the protocol gives.
    pub fn treats_with_sabr(&self) -> bool {
        trial::derive::strategy_of(self.study.history, self.record)
            .is_some_and(|strategy| strategy.salvage == Salvage::Sabr)
    }

    fn exposed(&self) -> Option<(Date, Date)> {
        let start = self.start?;
        let mut days: Vec<Date> = Vec::new();
        for line in self.record.lines.iter().filter(|line| line.reason == trial::record::LineReason::Protocol)
        {
            days.push(line.start.first().max(start));
            days.extend(line.end.map(PartialDate::last));
        }
        if self.treats_with_sabr() {
            for course in self.record.sabr.iter().filter(|course| course.start >= start) {
                days.push(course.start);
                days.extend(course.end);
            }
        }
        Some((days.iter().copied().min()?, days.into_iter().max()?))
    }

    /// Tumour assessments and other findings outside the schedule, numbered after the planned visit before them.
    fn unscheduled(&self) -> BTreeMap<u64, Named> {
        let dated = |form: &&FilledForm| form.date.map(PartialDate::first);
        let mut planned: Vec<(Date, f64)> = Vec::new();
        let mut outside: Vec<(Date, &FilledForm)> = Vec::new();
        for form in &self.record.forms {
            let Some(on) = dated(&form) else { continue };
            match visit::of(self.protocol(form), &form.instance) {
                Some(visit) => planned.push((on, visit.number)),
                None if self.of_visit(form) => outside.push((on, form)),
                None => {}
            }
        }
        outside.sort_by_key(|(on, form)| (*on, form.event));
        let step = if outside.len() < 10 { 0.1 } else { 0.001 };
        let mut made = BTreeMap::new();
        let mut seen: BTreeMap<u64, u32> = BTreeMap::new();
        for (on, form) in outside {
            let before =
                planned.iter().filter(|(day, _)| *day <= on).map(|(_, n)| n.floor()).fold(0.0, f64::max);
            let n = seen.entry(before.to_bits()).or_default();
            *n += 1;
            let number = ((before + f64::from(*n) * step) * 1000.0).round() / 1000.0;
            let name = format!("UNSCHEDULED {number}");
            made.insert(form.event, Named { number, name, day: None, planned: false });
        }
        made
    }

    /// Forms whose findings stand at a visit even where the schedule has none for them.
    fn of_visit(&self, form: &FilledForm) -> bool {
        let concept = self.definition(form).map(|definition| definition.concept);
        matches!(concept, Some(Concept::TumourAssessment | Concept::Ecog | Concept::FactB))
    }

    pub fn definition(&self, form: &FilledForm) -> Option<&'s Form> {
        self.protocol(form).forms.iter().find(|known| known.id == form.instance.form)
    }

    /// A record of `set` made of a form.
    pub fn line(set: &'static str, form: &FilledForm) -> Line<'s> {
        Line::new(set, form.event)
    }

    /// The day a form was entered: what SDTM calls the day of collection. Every date of a record may be none, and so this is one.
    #[allow(clippy::unnecessary_wraps)]
    pub fn recorded(form: &FilledForm) -> Option<PartialDate> {
        Some(PartialDate::Day(utc_date(form.recorded)))
    }

    /// `VISITNUM`, `VISIT`, `VISITDY`, `EPOCH`, `--DTC` and `--DY` of a finding.
    pub fn timing(
        &self,
        line: Line<'s>,
        form: &FilledForm,
        date: Option<PartialDate>,
        (dtc, dy): (&'static str, &'static str),
    ) -> Line<'s> {
        let line = match self.visit(form) {
            Some(visit) => line
                .number("VISITNUM", visit.number)
                .text("VISIT", visit.name)
                .maybe_number("VISITDY", visit.day.map(|day| day as f64)),
            None => line,
        };
        line.maybe_text("EPOCH", self.epoch(date)).date(dtc, date).maybe_number(dy, self.dy(date))
    }
}

/// The values of a form or of one of its rows, item by item; what was taken is not among the rest.
pub(crate) struct Sheet<'f, 's> {
    items: &'s [Item],
    values: &'f Map<String, Json>,
    taken: BTreeSet<&'static str>,
}

impl<'f, 's> Sheet<'f, 's> {
    pub fn of(definition: &'s Form, form: &'f FilledForm) -> Self {
        Self { items: &definition.items, values: &form.values, taken: BTreeSet::new() }
    }

    /// The rows of a group.
    pub fn rows(definition: &'s Form, form: &'f FilledForm, group: &str) -> Vec<Self> {
        let items = definition.groups.iter().find(|known| known.id == group).map_or(&[][..], |g| &g.items);
        let rows = form.values.get(group).and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let of = |values| Self { items, values, taken: BTreeSet::new() };
        rows.iter().filter_map(Json::as_object).map(of).collect()
    }

    /// The text of an item, not to be written again; none where it is empty.
    pub fn take(&mut self, item: &'static str) -> Option<String> {
        self.taken.insert(item);
        self.values.get(item).map(text).filter(|text| !text.trim().is_empty())
    }

    pub fn take_date(&mut self, item: &'static str) -> Option<PartialDate> {
        PartialDate::parse(&self.take(item)?).ok()
    }

    pub fn take_number(&mut self, item: &'static str) -> Option<f64> {
        self.take(item)?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// Every other item that is filled: first those of the form, then what the form does not know.
    pub fn rest(&self) -> impl Iterator<Item = (Cow<'s, str>, Option<&'s Item>, String)> {
        let known = self.items.iter().map(|item| (Cow::Borrowed(item.id.as_str()), Some(item)));
        let unknown = self.values.keys().filter(|id| !self.items.iter().any(|item| item.id == **id));
        known.chain(unknown.map(|id| (Cow::Owned(id.clone()), None))).filter_map(|(id, item)| {
            let value = self.values.get(&*id).filter(|value| !value.is_array() && !value.is_object())?;
            let value = text(value);
            (!self.taken.contains(&*id) && !value.trim().is_empty()).then_some((id, item, value))
        })
    }

    /// Writes every other item: to the variable of its name, or else as a supplemental qualifier.
    pub fn finish(
        self,
        study: &'s Study<'_>,
        layout: &'static Layout,
        line: Line<'s>,
        origin: &'static str,
    ) -> Line<'s> {
        self.finish_except(study, layout, line, origin, &BTreeMap::new())
    }

    /// The same but for items that were written otherwise.
    pub fn finish_except(
        self,
        study: &'s Study<'_>,
        layout: &'static Layout,
        mut line: Line<'s>,
        origin: &'static str,
        except: &BTreeMap<String, String>,
    ) -> Line<'s> {
        for (id, item, value) in self.rest().filter(|(id, ..)| !except.contains_key(&**id)) {
            let variable = layout.variable(&id).filter(|variable| !line.has(&variable.name));
            match variable {
                Some(variable) if variable.kind.is_text() => line.put_text(&variable.name, value),
                Some(variable) if value.parse::<f64>().is_ok() => {
                    line.put_number(&variable.name, value.parse::<f64>().unwrap_or(f64::NAN));
                }
                _ => {
                    let label = item.map_or_else(|| id.clone(), |item| short(&item.label, 40));
                    line.supplement(study.short_name(&id), label, value, origin);
                }
            }
        }
        line
    }
}

/// The layout of a domain.
pub(crate) fn layout_of(set: &str) -> &'static Layout {
    static NONE: std::sync::LazyLock<Layout> = std::sync::LazyLock::new(|| Layout {
        name: String::new(),
        label: String::new(),
        class: String::new(),
        subclass: String::new(),
        structure: String::new(),
        keys: Vec::new(),
        repeating: false,
        reference: false,
        variables: Vec::new(),
    });
    layout::sdtm().iter().find(|layout| layout.name == set).unwrap_or(&NONE)
}

/// Every record of a subject.
pub(crate) fn lines<'s>(subject: &Subject<'_, 's>) -> Vec<Line<'s>> {
    let mut lines = vec![special::demographics(subject)];
    special::elements(subject, &mut lines);
    special::visits(subject, &mut lines);
    findings::criteria(subject, &mut lines);
    events::randomisation(subject, &mut lines);
    let mut tumours = tumour::Tumours::default();
    for form in &subject.record.forms {
        let Some(definition) = subject.definition(form) else { continue };
        match definition.concept {
            // DM is one record, and holds them.
            Concept::Demography => {}
            Concept::DiseaseHistory => {
                events::history(subject, form, definition, &mut lines);
                findings::about(
                    subject,
                    form,
                    definition,
                    "DISEASE UNDER STUDY",
                    None,
                    &["MHSTDAT", "MHMETDAT"],
                    &mut lines,
                );
            }
            Concept::PriorTherapy => lines.push(interventions::prior(subject, form, definition)),
            Concept::Ecog => lines.extend(findings::ecog(subject, form, definition)),
            Concept::Consent => lines.push(events::consent(subject, form, definition)),
            Concept::TumourAssessment => tumours.add(subject, form, definition, &mut lines),
            Concept::ClinicalProgression => lines.push(events::progression(subject, form, definition)),
            Concept::SabrCourse => interventions::sabr(subject, form, definition, &mut lines),
            Concept::SystemicTherapy => lines.push(interventions::line(subject, form, definition)),
            Concept::AdverseEvent => lines.push(events::adverse(subject, form, definition)),
            Concept::FactB => findings::questionnaire(subject, form, definition, &mut lines),
            Concept::StrategyDecision => {
                findings::about(
                    subject,
                    form,
                    definition,
                    "DISEASE PROGRESSION",
                    Some("DECDAT"),
                    &[],
                    &mut lines,
                );
            }
            Concept::Deviation => lines.push(events::deviation(subject, form, definition)),
            Concept::Withdrawal => lines.push(events::withdrawal(subject, form, definition)),
            Concept::Death => events::death(subject, form, definition, &mut lines),
            Concept::LastContact => lines.push(findings::status(subject, form, definition)),
            Concept::Custom => {
                findings::about(subject, form, definition, "SUBJECT", None, &[], &mut lines);
            }
        }
    }
    tumours.responses(subject, &mut lines);
    before_exposure(subject, &mut lines);
    lines
}

/// `--LOBXFL`: the last result of a test before the first treatment; where nobody was treated, before the day after randomisation.
fn before_exposure(subject: &Subject<'_, '_>, lines: &mut [Line<'_>]) {
    const OF: [(&str, &str, &str, &str, &str); 4] = [
        ("QS", "QSTESTCD", "QSDTC", "QSSTRESC", "QSLOBXFL"),
        ("RS", "RSTESTCD", "RSDTC", "RSSTRESC", "RSLOBXFL"),
        ("TR", "TRTESTCD", "TRDTC", "TRSTRESC", "TRLOBXFL"),
        ("TU", "TUTESTCD", "TUDTC", "TUSTRESC", "TULOBXFL"),
    ];
    let Some(start) = subject.start else { return };
    let first =
        subject.exposure.map_or(plus_days(start, 1), |(first, _)| first.max(plus_days(start, 1))).to_string();
    for (set, test, dtc, result, flag) in OF {
        let mut last: BTreeMap<String, (String, usize)> = BTreeMap::new();
        for (place, line) in lines.iter().enumerate().filter(|(_, line)| line.set == set) {
            let date = line.words(dtc);
            if date.is_empty() || date >= first.as_str() || !line.has(result) {
                continue;
            }
            let of =
                [test, "TRLNKID", "TULNKID", "TREVAL", "TREVALID", "TUEVAL", "TUEVALID", "RSEVAL", "RSCAT"];
            let key = of.map(|name| line.words(name)).join("\u{1}");
            let later = last.get(&key).is_none_or(|(known, _)| known.as_str() <= date);
            if later {
                last.insert(key, (date.to_owned(), place));
            }
        }
        for (_, place) in last.into_values() {
            lines[place].put_text(flag, "Y");
        }
    }
}

/// Whether a code stands for yes in a form.
pub(crate) fn is_date(item: &Item) -> bool {
    matches!(item.kind, ItemType::Date | ItemType::PartialDate)
}
