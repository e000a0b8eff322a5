//! A form against what is known of the subject: its lesions, its randomisation, its birth and death.
//!
//! Hard is what no derivation could read (a lesion that is not known); soft is what may be true though it looks wrong, and
//! becomes a query. Never derives a response (see `recist`).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::sheet::given;
use super::{FormFault, Found, Kind};
use crate::concept::{self, LESIONS};
use crate::ctcae;
use crate::date::{PartialDate, days_between, plus_days};
use crate::event::Instance;
use crate::protocol::{Concept, Form, Item, ItemType, Protocol, Salvage, near};
use crate::record::{Assessment, Finding, LesionRole, Record};

pub fn faults(
    protocol: &Protocol,
    form: &Form,
    record: &Record,
    instance: &Instance,
    values: &Map<String, Value>,
) -> Vec<Found> {
    let mut look = Look { protocol, form, record, instance, values, faults: Vec::new(), row: None };
    look.dates();
    look.window();
    match form.concept {
        Concept::TumourAssessment => look.assessment(),
        Concept::SabrCourse => look.sabr(),
        Concept::StrategyDecision => look.decision(),
        Concept::SystemicTherapy => look.line(),
        Concept::AdverseEvent => look.adverse_event(),
        Concept::Death => look.death(),
        Concept::ClinicalProgression => look.after_randomisation("CEDAT", "a progression of this trial"),
        _ => {}
    }
    look.faults
}

struct Look<'a> {
    protocol: &'a Protocol,
    form: &'a Form,
    record: &'a Record,
    instance: &'a Instance,
    values: &'a Map<String, Value>,
    faults: Vec<Found>,
    row: Option<(String, usize)>,
}

fn role_name(role: LesionRole) -> &'static str {
    match role {
        LesionRole::Target => "TARGET",
        LesionRole::NonTarget => "NON-TARGET",
        LesionRole::New => "NEW",
    }
}

impl<'a> Look<'a> {
    fn say(&mut self, item: &str, found: impl Into<String>, right: impl Into<String>, hard: bool) {
        let words = (found.into(), right.into());
        let fault = FormFault::new(self.form, self.row.as_ref(), item, words, hard);
        // Of the lesions as a whole is said only what is not there.
        let empty = if item == LESIONS { vec![item.to_owned()] } else { Vec::new() };
        self.faults.push(Found { fault, kind: Kind::Subject, empty });
    }

    fn ask(&mut self, item: &str, found: impl Into<String>, right: impl Into<String>) {
        self.say(item, found, right, false);
    }

    fn text(&self, item: &str) -> Option<&'a str> {
        given(self.values, item)?.as_str()
    }

    fn date(&self, item: &str) -> Option<PartialDate> {
        PartialDate::parse(self.text(item)?).ok()
    }

    fn randomised(&self) -> Option<Date> {
        self.record.randomised.as_ref().map(|fact| fact.value.date)
    }

    /// The event whose values this form would replace.
    fn replaced(&self) -> Option<u64> {
        self.record.forms.iter().find(|form| form.instance == *self.instance).map(|form| form.event)
    }

    fn is_date(item: &Item) -> bool {
        matches!(item.kind, ItemType::Date | ItemType::PartialDate)
    }

    /// Every date against birth, death and withdrawal.
    fn dates(&mut self) {
        let replaced = self.replaced();
        let birth = self.record.birth_year.as_ref().map(|fact| fact.value);
        let death =
            self.record.death.as_ref().filter(|death| Some(death.event) != replaced).map(|death| death.date);
        let withdrawn = self
            .record
            .withdrawal
            .as_ref()
            .filter(|withdrawal| Some(withdrawal.event) != replaced)
            .filter(|_| {
                !matches!(self.form.concept, Concept::Death | Concept::LastContact | Concept::Withdrawal)
            })
            .map(|withdrawal| withdrawal.date);
        for item in self.form.items.iter().filter(|item| Self::is_date(item)) {
            let Some(date) = self.date(&item.id) else { continue };
            if let Some(year) = birth.filter(|year| date.last().year() < *year) {
                self.ask(
                    &item.id,
                    format!("{date}"),
                    format!("the subject was born in {year}: is the date right?"),
                );
            }
            if let Some(death) = death.filter(|death| death.last() < date.first()) {
                self.ask(
                    &item.id,
                    format!("{date}"),
                    format!("the subject died on {death}: which date is right?"),
                );
            }
            if let Some(withdrawn) = withdrawn.filter(|withdrawn| *withdrawn < date.first()) {
                let right = format!("the subject withdrew on {withdrawn}: may this still be recorded?");
                self.ask(&item.id, format!("{date}"), right);
            }
        }
    }

    /// The date of a scheduled form against the window of its visit.
    fn window(&mut self) {
        let Some(start) = self.randomised() else { return };
        let Some(visit) = &self.instance.visit else { return };
        let Some(visit) = self.protocol.schedule.visits.iter().find(|known| known.id == *visit) else {
            return;
        };
        let item = concept::items(self.form.concept).iter().find(|known| {
            known.needed
                && known.group.is_none()
                && matches!(known.kind, ItemType::Date | ItemType::PartialDate)
        });
        let Some((item, date)) = item.and_then(|known| Some((known.id, self.date(known.id)?))) else {
            return;
        };
        let repeats =
            i64::from(self.instance.occurrence.saturating_sub(1)) * i64::from(visit.every_days.unwrap_or(0));
        let planned = plus_days(start, visit.day + repeats);
        let opens = plus_days(planned, -i64::from(visit.window_before));
        let closes = plus_days(planned, i64::from(visit.window_after));
        if date.last() < opens || date.first() > closes {
            let right =
                format!("visit {} is due from {opens} to {closes}: right date, right visit?", visit.id);
            self.ask(item, format!("{date}"), right);
        }
    }

    fn after_randomisation(&mut self, item: &str, what: &str) {
        let Some(date) = self.date(item) else { return };
        match self.randomised() {
            None => self.ask(
                item,
                format!("{date}, and the subject is not randomised"),
                format!("{what} comes after randomisation"),
            ),
            Some(start) if date.last() < start => {
                self.ask(item, format!("{date}"), format!("{what} comes after randomisation, {start}"));
            }
            Some(_) => {}
        }
    }

    fn rows(&self) -> Vec<(usize, &'a Map<String, Value>)> {
        let rows = self.values.get(LESIONS).and_then(Value::as_array);
        rows.into_iter().flatten().enumerate().filter_map(|(at, row)| Some((at, row.as_object()?))).collect()
    }

    /// What only the lesions known so far can tell: a target may not appear at follow-up, a lesion keeps its role and its
    /// place, and a part or a merger names a lesion that exists.
    fn assessment(&mut self) {
        let reader = self.text("TREVAL").unwrap_or("INVESTIGATOR");
        let replaced = self.replaced();
        let date = self.date("TRDAT").map(PartialDate::first);
        let earlier: Vec<&Assessment> = self
            .record
            .assessments
            .iter()
            .filter(|a| {
                a.reader == reader && Some(a.event) != replaced && date.is_none_or(|date| a.date <= date)
            })
            .collect();
        let at_baseline = earlier.is_empty() || self.is_before_randomisation();
        let mut known: BTreeMap<&str, (LesionRole, &str)> = BTreeMap::new();
        for reading in earlier.iter().flat_map(|assessment| &assessment.readings) {
            known.entry(reading.lesion.as_str()).or_insert((reading.role, reading.location.as_str()));
        }
        let rows = self.rows();
        let here: BTreeSet<&str> =
            rows.iter().filter_map(|(_, row)| given(row, "TULNKID")?.as_str()).collect();
        for (at, row) in &rows {
            self.row = Some((LESIONS.to_owned(), at + 1));
            self.lesion(row, &known, &here, at_baseline);
        }
        self.row = None;
        if !at_baseline {
            self.unread(&earlier, &here);
        }
    }

    fn lesion(
        &mut self,
        row: &Map<String, Value>,
        known: &BTreeMap<&str, (LesionRole, &str)>,
        here: &BTreeSet<&str>,
        at_baseline: bool,
    ) {
        let text = |item: &str| given(row, item).and_then(Value::as_str);
        let (Some(lesion), Some(role)) = (text("TULNKID"), text("TUORRES")) else { return };
        match (known.get(lesion), role) {
            (Some((before, _)), _) if role_name(*before) != role => {
                let right =
                    format!("{lesion} was named {} when first seen, and stays so", role_name(*before));
                self.say("TUORRES", role, right, true);
            }
            (None, "TARGET" | "NON-TARGET") if !at_baseline && text("SPLITFROM").is_none() => {
                let names: Vec<&str> = known.keys().copied().collect();
                let right = near(lesion, names.iter().copied()).map_or_else(
                    || format!("named at baseline were {}; a lesion first seen now is NEW", names.join(", ")),
                    |near| format!("did you mean {near}? A lesion first seen now is NEW"),
                );
                self.say(
                    "TULNKID",
                    format!("a reading of lesion {lesion}, which was not named at baseline"),
                    right,
                    true,
                );
            }
            (None, "NEW") if self.is_before_randomisation() => {
                self.say("TUORRES", "NEW", "at baseline no lesion is new: it is TARGET or NON-TARGET", true);
            }
            _ => {}
        }
        if let (Some((_, before)), Some(now)) = (known.get(lesion), text("TULOC"))
            && !before.is_empty()
            && *before != now.to_uppercase()
        {
            self.ask(
                "TULOC",
                now,
                format!("{lesion} lay in {before} when first seen: is it the same lesion?"),
            );
        }
        for item in ["SPLITFROM", "MERGEDINTO"] {
            match text(item) {
                Some(other) if other == lesion => {
                    self.say(item, format!("lesion {other}"), "name another lesion than the row's own", true);
                }
                Some(other) if !known.contains_key(other) && !here.contains(other) => {
                    self.say(
                        item,
                        format!("lesion {other}, which is not known"),
                        "name a lesion of this subject",
                        true,
                    );
                }
                _ => {}
            }
        }
    }

    /// Lesions that were there before and are not read now: without them the response may not be evaluable.
    fn unread(&mut self, earlier: &[&Assessment], here: &BTreeSet<&str>) {
        let mut last: BTreeMap<&str, (LesionRole, &Finding)> = BTreeMap::new();
        for reading in earlier.iter().flat_map(|assessment| &assessment.readings) {
            last.insert(reading.lesion.as_str(), (reading.role, &reading.finding));
        }
        let unread: Vec<&str> = last
            .iter()
            .filter(|(lesion, (role, finding))| {
                *role != LesionRole::New && **finding != Finding::Merged && !here.contains(**lesion)
            })
            .map(|(lesion, _)| *lesion)
            .collect();
        if !unread.is_empty() {
            let right = "read every lesion of the baseline, or say NOT DONE and why";
            self.ask(LESIONS, format!("no reading of {}", unread.join(", ")), right);
        }
    }

    /// By the visit; an assessment without one stands before randomisation as long as there was none.
    fn is_before_randomisation(&self) -> bool {
        let Some(visit) = &self.instance.visit else { return self.record.randomised.is_none() };
        self.protocol.schedule.visits.iter().any(|known| known.id == *visit && known.day <= 0)
    }

    fn sabr(&mut self) {
        self.after_randomisation("PRSTDAT", "SABR of this trial");
        let known: BTreeSet<&str> = self
            .record
            .assessments
            .iter()
            .flat_map(|assessment| &assessment.readings)
            .map(|reading| reading.lesion.as_str())
            .collect();
        let rows = self.rows();
        if rows.is_empty() {
            self.say(LESIONS, "no lesion", "a course names the lesions it treats", true);
        }
        for (at, row) in rows {
            self.row = Some((LESIONS.to_owned(), at + 1));
            let Some(lesion) = given(row, "TULNKID").and_then(Value::as_str) else { continue };
            if !known.contains(lesion) {
                let right = near(lesion, known.iter().copied()).map_or_else(
                    || {
                        if known.is_empty() {
                            "no assessment named a lesion yet: enter the tumour assessment first".to_owned()
                        } else {
                            format!("assessed were {}", known.iter().copied().collect::<Vec<_>>().join(", "))
                        }
                    },
                    |near| format!("did you mean {near}?"),
                );
                self.say("TULNKID", format!("lesion {lesion}, which no assessment named"), right, true);
            }
        }
        self.row = None;
        self.against_strategy();
    }

    /// SABR in an arm whose strategy has none.
    fn against_strategy(&mut self) {
        let Some(allocation) = &self.record.randomised else { return };
        let arm = self.protocol.arms.iter().find(|arm| arm.id == allocation.value.arm);
        let none = arm
            .and_then(|arm| arm.strategy.as_ref())
            .is_some_and(|strategy| strategy.salvage == Salvage::None);
        if none {
            let right = "its strategy has no SABR: if it was given all the same, record a deviation";
            self.ask("", format!("SABR in arm {}", allocation.value.arm), right);
        }
    }

    fn decision(&mut self) {
        self.after_randomisation("PROGDAT", "a progression to decide about");
        let Some(progression) = self.date("PROGDAT").and_then(PartialDate::day) else { return };
        let seen = self.record.assessments.iter().map(|assessment| assessment.date);
        let judged = self.record.clinical_progressions.iter().map(|fact| fact.value);
        let mut days: Vec<Date> = seen.chain(judged).collect();
        if !days.contains(&progression) {
            days.sort_by_key(|day| days_between(progression, *day).abs());
            let right = days.first().map_or_else(
                || "nothing was assessed yet: enter the assessment that shows the progression".to_owned(),
                |day| {
                    format!(
                        "no assessment and no clinical progression is of that day; the nearest is of {day}"
                    )
                },
            );
            self.ask("PROGDAT", progression.to_string(), right);
        }
    }

    fn line(&mut self) {
        if self.text("CMREAS") == Some("PROGRESSION") {
            self.after_randomisation("CMSTDAT", "a change of therapy for progression");
        }
    }

    fn adverse_event(&mut self) {
        let of_ctcae = self
            .protocol
            .safety
            .dictionary
            .as_deref()
            .is_some_and(|name| name.to_uppercase().contains("CTCAE"));
        let item = if self.text("AEDECOD").is_some() { "AEDECOD" } else { "AETERM" };
        let Some(term) = self.text(item).filter(|_| of_ctcae) else { return };
        let Some(known) = ctcae::find(term) else {
            let right = ctcae::nearest(term).map_or_else(
                || "choose a term, or 'Other, specify' of its class".to_owned(),
                |near| format!("did you mean {:?}?", near.term),
            );
            return self.ask(item, format!("{term:?}, which is no term of CTCAE v5.0"), right);
        };
        let grade =
            given(self.values, "AETOXGR").and_then(Value::as_u64).and_then(|grade| u8::try_from(grade).ok());
        if let Some(grade) = grade.filter(|grade| !known.has_grade(*grade)) {
            let grades: Vec<String> =
                (1..=5).filter(|grade| known.has_grade(*grade)).map(|grade| grade.to_string()).collect();
            let right = format!("CTCAE v5.0 has grades {} of {}", grades.join(", "), known.term);
            self.ask("AETOXGR", format!("grade {grade}"), right);
        }
    }

    fn death(&mut self) {
        let Some(death) = self.date("DTHDAT") else { return };
        let replaced = self.replaced();
        let alive = self
            .record
            .contacts
            .iter()
            .rfind(|fact| Some(fact.event) != replaced && fact.value > death.last());
        if let Some(alive) = alive {
            let right = format!(
                "the subject was seen alive on {} (event {}): which date is right?",
                alive.value, alive.event
            );
            self.ask("DTHDAT", format!("{death}"), right);
        }
    }
}
