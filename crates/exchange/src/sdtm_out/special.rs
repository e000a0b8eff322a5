//! DM, SE and SV: who took part, through which elements, and at which visits.
//!
//! Never decides where a strategy failed or who was treated (`trial::strategy`, `analysis`). SDTM Implementation Guide 3.4,
//! sections 5.1 to 5.3.

use std::collections::BTreeMap;

use jiff::civil::Date;
use trial::calendar::{VisitStatus, calendar};
use trial::date::{PartialDate, plus_days, utc_date};
use trial::eligibility::{Judgement, judge};
use trial::protocol::Concept;
use trial::record::FilledForm;

use super::{Sheet, Subject, layout_of};
use crate::submission::line::{Line, short};
use crate::submission::visit::{self, Named};

/// The record of DM.
pub(super) fn demographics<'s>(subject: &Subject<'_, 's>) -> Line<'s> {
    let (record, study) = (subject.record, subject.study);
    let day = PartialDate::Day;
    let filled = record.forms.iter().rfind(|form| {
        subject.definition(form).is_some_and(|definition| definition.concept == Concept::Demography)
    });
    let mut sheet = filled.and_then(|form| Some(Sheet::of(subject.definition(form)?, form)));
    let birth = sheet.as_mut().and_then(|sheet| sheet.take("BRTHYY")).filter(|year| year.len() == 4);
    let sex = sheet.as_mut().and_then(|sheet| sheet.take("SEX"));
    let collected_age = sheet.as_mut().and_then(|sheet| sheet.take_number("AGE"));
    let age = subject.values.age.as_ref().map(|age| age.value).or(collected_age);
    let ended = subject.ended();
    let reference = subject.start.and(ended);
    let event = filled.map(|form| form.event).or(record.screened.as_ref().map(|fact| fact.event));
    let mut line = Line::new("DM", event)
        .text("SUBJID", record.subject.to_string())
        .date("RFSTDTC", subject.start.map(day))
        .date("RFENDTC", reference)
        .date("RFXSTDTC", subject.exposure.map(|(first, _)| day(first)))
        .date("RFXENDTC", subject.exposure.map(|(_, last)| day(last)))
        .date("RFICDTC", record.consent.as_ref().map(|fact| day(fact.value)))
        .date("RFPENDTC", ended)
        .date("DTHDTC", record.death.as_ref().map(|death| death.date))
        .maybe_text("DTHFL", record.death.as_ref().map(|_| "Y"))
        .text("SITEID", record.site.to_string())
        .maybe_text("BRTHDTC", birth)
        .maybe_number("AGE", age)
        .maybe_text("AGEU", age.map(|_| "YEARS"))
        .text("SEX", sex.unwrap_or_else(|| "U".into()));
    line = arms(subject, line);
    line.put_text("COUNTRY", study.countries.get(&record.site).cloned().unwrap_or_else(|| "UNKNOWN".into()));
    if let (Some(form), Some(sheet)) = (filled, sheet) {
        let recorded = Subject::recorded(form);
        line = sheet.finish(study, layout_of("DM"), line, "CRF");
        line = line.date("DMDTC", recorded).maybe_number("DMDY", subject.dy(recorded));
    }
    if let Some(fact) = &record.randomised {
        let protocol = study.history.at(fact.event);
        for ((factor, level), n) in fact.value.stratum.iter().zip(1..) {
            let known = protocol.stratification.iter().find(|known| known.id == *factor);
            let label = known.map_or_else(|| factor.clone().into(), |known| short(&known.label, 40));
            line.supplement(format!("STRAT{n}"), label, level.clone(), "ASSIGNED");
        }
        line = line.rests_on(&[fact.event]);
    }
    let others = [&record.consent, &record.screened].map(|fact| fact.as_ref().map(|fact| fact.event));
    let others: Vec<u64> =
        others.into_iter().flatten().chain(record.death.as_ref().map(|d| d.event)).collect();
    line.rests_on(&others)
}

/// The arms. Who did not receive what the arm prescribes has no actual arm, as the analysis counts it.
fn arms<'s>(subject: &Subject<'_, 's>, line: Line<'s>) -> Line<'s> {
    let Some(fact) = &subject.record.randomised else {
        let protocol = subject.study.protocol;
        let failed =
            judge(protocol, subject.record).iter().any(|judged| judged.judgement == Judgement::NotMet);
        return line.text("ARMNRS", if failed { "SCREEN FAILURE" } else { "NOT ASSIGNED" });
    };
    let protocol = subject.study.history.at(fact.event);
    let arm = &fact.value.arm;
    let label =
        protocol.arms.iter().find(|known| known.id == *arm).map_or(arm.as_str(), |known| &known.label);
    let line = line.text("ARMCD", arm.to_string()).text("ARM", label.to_owned());
    match &subject.values.treated {
        Some(treated) if !treated.value => line.text("ARMNRS", "ASSIGNED, NOT TREATED"),
        _ => line.text("ACTARMCD", arm.to_string()).text("ACTARM", label.to_owned()),
    }
}

/// The elements the subject went through: screening, treatment in its arm, follow-up after the strategy had failed.
pub(super) fn elements<'s>(subject: &Subject<'_, 's>, lines: &mut Vec<Line<'s>>) {
    let record = subject.record;
    let Some(entered) = subject.entered().or(subject.start) else { return };
    let ended = subject.ended().map_or(entered, PartialDate::last).max(entered);
    let event = record.consent.as_ref().or(record.screened.as_ref()).map(|fact| fact.event);
    let mut made: Vec<(String, String, &'static str, Date, Date)> = Vec::new();
    let first_end = subject.start.unwrap_or(ended);
    made.push(("SCRN".into(), "Screening".into(), "SCREENING", entered, first_end));
    if let (Some(start), Some(fact)) = (subject.start, &record.randomised) {
        let protocol = subject.study.history.at(fact.event);
        if let Some(place) = protocol.arms.iter().position(|arm| arm.id == fact.value.arm) {
            let (code, label) = super::design::element(protocol, place);
            // The day of the failure is the last of the treatment; an element ends where the next begins.
            let next =
                subject.failed.map(|failed| plus_days(failed.max(start), 1)).filter(|next| *next <= ended);
            made.push((code, label, "TREATMENT", start, next.unwrap_or(ended)));
            if let Some(next) = next {
                let (code, label) = super::design::follow_up();
                made.push((code.into(), label.into(), "FOLLOW-UP", next, ended));
            }
        }
    }
    let strategy = subject.values.derived.strategy.as_ref().map_or(&[][..], |course| &course.events);
    for ((code, label, epoch, from, to), order) in made.into_iter().zip(1..) {
        let (from, to) = (PartialDate::Day(from), PartialDate::Day(to));
        let line = Line::new("SE", event)
            .text("ETCD", code)
            .text("ELEMENT", label)
            .number("TAETORD", order)
            .text("EPOCH", epoch)
            .date("SESTDTC", Some(from))
            .date("SEENDTC", Some(to))
            .maybe_number("SESTDY", subject.dy(Some(from)))
            .maybe_number("SEENDY", subject.dy(Some(to)));
        let randomised = record.randomised.as_ref().map(|fact| fact.event).filter(|_| order > 1);
        let of_failure = if order > 2 { strategy } else { &[] };
        lines.push(line.rests_on(&randomised.into_iter().collect::<Vec<_>>()).rests_on(of_failure));
    }
}

/// The visits that were made, from the first to the last day of their forms; then the planned ones that were missed.
pub(super) fn visits<'s>(subject: &Subject<'_, 's>, lines: &mut Vec<Line<'s>>) {
    let mut made: BTreeMap<u64, (Named, Vec<&FilledForm>)> = BTreeMap::new();
    for form in &subject.record.forms {
        if let Some(visit) = subject.visit(form) {
            made.entry(visit.number.to_bits()).or_insert_with(|| (visit, Vec::new())).1.push(form);
        }
    }
    for (visit, forms) in made.values() {
        let dates = || forms.iter().filter_map(|form| form.date);
        let (first, last) = (dates().min_by_key(|date| date.first()), dates().max_by_key(|date| date.last()));
        let events: Vec<u64> = forms.iter().map(|form| form.event).collect();
        let labels = forms.iter().filter_map(|form| subject.definition(form)).map(|form| form.label.as_str());
        let line = Line::new("SV", None)
            .number("VISITNUM", visit.number)
            .text("VISIT", visit.name.clone())
            .maybe_text("SVPRESP", visit.planned.then_some("Y"))
            .maybe_text("SVOCCUR", visit.planned.then_some("Y"))
            .maybe_number("VISITDY", visit.day.map(|day| day as f64))
            .date("SVSTDTC", first)
            .date("SVENDTC", last)
            .maybe_number("SVSTDY", subject.dy(first))
            .maybe_number("SVENDY", subject.dy(last));
        let line =
            if visit.planned { line } else { line.text("SVUPDES", labels.collect::<Vec<_>>().join(", ")) };
        lines.push(line.rests_on(&events));
    }
    missed(subject, &made, lines);
}

/// A planned visit that a later one follows: it did not take place (`trial::calendar`).
fn missed<'s>(
    subject: &Subject<'_, 's>,
    made: &BTreeMap<u64, (Named, Vec<&FilledForm>)>,
    lines: &mut Vec<Line<'s>>,
) {
    let facts = &subject.study.facts;
    let until = facts.cut.or_else(|| facts.until.map(utc_date)).or(subject.values.last_seen);
    let Some((fact, until)) = subject.record.randomised.as_ref().zip(until) else { return };
    let protocol = subject.study.history.at(fact.event);
    for planned in calendar(protocol, subject.record, until).visits {
        if planned.status != VisitStatus::Missed {
            continue;
        }
        let place = protocol.schedule.visits.iter().position(|visit| visit.id == planned.visit);
        let Some(visit) = place.map(|place| visit::at(protocol, place, planned.occurrence)) else { continue };
        if made.contains_key(&visit.number.to_bits()) {
            continue;
        }
        let line = Line::new("SV", fact.event)
            .number("VISITNUM", visit.number)
            .text("VISIT", visit.name)
            .text("SVPRESP", "Y")
            .text("SVOCCUR", "N")
            .maybe_number("VISITDY", visit.day.map(|day| day as f64));
        lines.push(line);
    }
}
