//! Protocol deviations: those a person recorded, and those that follow from the record.
//!
//! What is found here is what the record shows, never a judgement of why. Recorded ones are listed as they stand, also
//! where the same was found.

use jiff::civil::Date;

use trial::calendar::{due_of, made};
use trial::date::{days_between, plus_days};
use trial::eligibility::{Judged, Judgement};
use trial::event::Seq;
use trial::id::LesionId;
use trial::progression::of_reader;
use trial::protocol::{Concept, Salvage};
use trial::record::{Assessment, Record};
use trial::sabr::coverage;

use crate::results::DeviationRow;
use crate::row::{Subject, SubjectRow};

/// So many tumour assessments missed one after the other are a deviation; a single one is not listed.
const MISSED: usize = 2;

const ELIGIBILITY: &str = "ELIGIBILITY";
const NOT_PERMITTED: &str = "SABR NOT PERMITTED";
const NOT_GIVEN: &str = "SABR NOT GIVEN";
const ASSESSMENT: &str = "ASSESSMENT";
const DATES: &str = "DATES";

/// All of one subject, by day.
pub fn of(subject: &Subject<'_>, judged: &[Judged]) -> Vec<DeviationRow> {
    let mut list = List { subject, rows: Vec::new() };
    for deviation in &subject.record.deviations {
        list.add(deviation.date, &deviation.category, deviation.term.clone(), vec![deviation.event], false);
    }
    list.eligibility(judged);
    list.sabr_without_salvage();
    list.lesions_not_covered();
    list.assessments_off_time();
    list.assessments_missed();
    list.order_of_dates();
    list.rows.sort_by(|a, b| (a.date, a.found, &a.category).cmp(&(b.date, b.found, &b.category)));
    list.rows
}

/// Those of all subjects, by subject and day.
pub fn list(rows: &mut [SubjectRow]) -> Vec<DeviationRow> {
    rows.iter_mut().flat_map(|row| std::mem::take(&mut row.deviations)).collect()
}

struct List<'a> {
    subject: &'a Subject<'a>,
    rows: Vec<DeviationRow>,
}

impl<'a> List<'a> {
    fn add(&mut self, date: Date, category: &str, term: String, events: Vec<Seq>, found: bool) {
        let record = self.subject.record;
        self.rows.push(DeviationRow {
            subject: record.subject.clone(),
            site: record.site.clone(),
            arm: self.subject.randomised.map(|fact| fact.value.arm.clone()),
            date,
            category: category.to_owned(),
            term,
            found,
            events,
        });
    }

    fn found(&mut self, date: Date, category: &str, term: String, events: Vec<Seq>) {
        self.add(date, category, term, events, true);
    }

    fn record(&self) -> &'a Record {
        self.subject.record
    }

    /// Randomised though, on what is known now, a criterion is not met or not proven.
    fn eligibility(&mut self, judged: &[Judged]) {
        type Is = fn(&Judgement) -> bool;
        let Some(randomised) = self.subject.randomised else { return };
        let kinds: [(&str, Is); 2] = [
            ("criteria are not met", |judgement| matches!(judgement, Judgement::NotMet)),
            ("criteria are not proven", |judgement| matches!(judgement, Judgement::Unknown { .. })),
        ];
        for (what, is) in kinds {
            let of_kind: Vec<&Judged> = judged.iter().filter(|judged| is(&judged.judgement)).collect();
            if of_kind.is_empty() {
                continue;
            }
            let each: Vec<String> =
                of_kind.iter().map(|judged| format!("{} ({})", judged.id, judged.text)).collect();
            let mut events: Vec<Seq> =
                of_kind.iter().flat_map(|judged| judged.events.iter().copied()).collect();
            events.push(randomised.event);
            events.sort_unstable();
            events.dedup();
            let term = format!("randomised though {what}: {}", each.join("; "));
            self.found(randomised.value.date, ELIGIBILITY, term, events);
        }
    }

    fn sabr_without_salvage(&mut self) {
        let (Some(strategy), Some(start)) = (self.subject.strategy(), self.subject.start()) else { return };
        if strategy.salvage != Salvage::None {
            return;
        }
        for course in self.record().sabr.iter().filter(|course| course.start >= start) {
            let lesions: Vec<&str> = course.lesions.iter().map(|dose| dose.lesion.as_str()).collect();
            let term = format!("SABR to {} in an arm whose strategy has none", lesions.join(", "));
            self.found(course.start, NOT_PERMITTED, term, vec![course.event]);
        }
    }

    /// In an arm whose strategy rests on SABR, oligoprogressive lesions of the baseline that no course has treated by the
    /// first progression, or within the days the strategy gives to a salvage, whichever is later. Before those days are
    /// over nothing is missing yet.
    fn lesions_not_covered(&mut self) {
        let subject = self.subject;
        let (Some(strategy), Some(start)) = (subject.strategy(), subject.start()) else { return };
        let Some(assessment) = subject.baseline_assessment().filter(|_| strategy.salvage == Salvage::Sabr)
        else {
            return;
        };
        let lesions: Vec<LesionId> = assessment
            .readings
            .iter()
            .filter(|reading| reading.oligoprogressive == Some(true))
            .map(|reading| reading.lesion.clone())
            .collect();
        let deadline = plus_days(start, i64::from(strategy.within_days));
        if lesions.is_empty() || subject.last_seen.is_none_or(|seen| seen <= deadline) {
            return;
        }
        let until = subject.derived.first_progression.as_ref().map_or(Date::MAX, |p| p.date.max(deadline));
        let covered = coverage(&self.record().sabr, &lesions, start, until);
        if covered.missing.is_empty() {
            return;
        }
        let missing: Vec<&str> = covered.missing.iter().map(LesionId::as_str).collect();
        let term = format!(
            "{} of {} oligoprogressive lesions at baseline not treated with SABR: {}",
            missing.len(),
            lesions.len(),
            missing.join(", ")
        );
        let mut events = vec![assessment.event];
        events.extend(covered.events);
        self.found(deadline, NOT_GIVEN, term, events);
    }

    fn assessments(&self) -> Vec<&'a Assessment> {
        of_reader(self.record(), &self.subject.protocol.tumour.reader)
    }

    fn assessments_off_time(&mut self) {
        let Some(start) = self.subject.start() else { return };
        for assessment in self.assessments() {
            let Some(due) = due_of(self.subject.protocol, self.record(), assessment.event) else { continue };
            let day = days_between(start, assessment.date);
            if due.on_time(day) {
                continue;
            }
            let (days, side) =
                if day < due.opens { (due.opens - day, "before") } else { (day - due.closes, "after") };
            let term = format!(
                "tumour assessment of visit {} {} on {}, {days} day(s) {side} its window",
                due.visit, due.occurrence, assessment.date
            );
            self.found(assessment.date, ASSESSMENT, term, vec![assessment.event]);
        }
    }

    /// Runs of scheduled tumour assessments that were not made while the subject was followed.
    fn assessments_missed(&mut self) {
        let (Some(start), Some(end)) = (self.subject.start(), self.followed_until()) else { return };
        let assessments = self.assessments();
        let days: Vec<i64> = assessments.iter().map(|a| days_between(start, a.date)).collect();
        let until = days_between(start, end);
        let due = made(self.subject.protocol, self.record(), Concept::TumourAssessment, until);
        let mut rows = Vec::new();
        for run in due.chunk_by(|(_, a), (_, b)| a == b) {
            let (Some((first, was_made)), Some((last, _))) = (run.first(), run.last()) else { continue };
            if *was_made || run.len() < MISSED {
                continue;
            }
            let before: Vec<Seq> = assessments
                .iter()
                .zip(&days)
                .rfind(|(_, day)| **day < first.opens)
                .map(|(assessment, _)| assessment.event)
                .into_iter()
                .collect();
            let (from, to) = (plus_days(start, first.day), plus_days(start, last.day));
            let term = format!(
                "{} scheduled tumour assessments missed in a row, due from {from} to {to}",
                run.len()
            );
            rows.push((from, term, before));
        }
        for (from, term, events) in rows {
            self.found(from, ASSESSMENT, term, events);
        }
    }

    /// The last day on which a scheduled assessment could have been made: up to a withdrawal or death, else up to when the
    /// subject was last seen.
    fn followed_until(&self) -> Option<Date> {
        let withdrawal = self.record().withdrawal.as_ref().map(|w| w.date);
        [self.subject.last_seen, withdrawal].into_iter().flatten().min()
    }

    /// Dates that cannot stand in the order they do, whatever their missing parts are.
    fn order_of_dates(&mut self) {
        let record = self.record();
        let mut wrong: Vec<(Date, String, Vec<Seq>)> = Vec::new();
        if let (Some(consent), Some(randomised)) = (&record.consent, self.subject.randomised)
            && consent.value > randomised.value.date
        {
            let term =
                format!("consent on {}, after randomisation on {}", consent.value, randomised.value.date);
            wrong.push((randomised.value.date, term, vec![consent.event, randomised.event]));
        }
        for course in &record.sabr {
            if let Some(end) = course.end.filter(|end| *end < course.start) {
                wrong.push((
                    end,
                    format!("SABR ends on {end}, before its start on {}", course.start),
                    vec![course.event],
                ));
            }
        }
        for line in &record.lines {
            if let Some(end) = line.end.filter(|end| end.last() < line.start.first()) {
                let term = format!("{} ends on {end}, before its start on {}", line.treatment, line.start);
                wrong.push((end.last(), term, vec![line.event]));
            }
        }
        for event in &record.adverse_events {
            if let (Some(start), Some(end)) = (event.start, event.end)
                && end.last() < start.first()
            {
                let term = format!("adverse event {} ends on {end}, before its onset on {start}", event.term);
                wrong.push((end.last(), term, vec![event.event]));
            }
        }
        for decision in record.decisions.iter().filter(|d| d.date < d.progression) {
            let term = format!(
                "decision on {} about a progression of {}, which is later",
                decision.date, decision.progression
            );
            wrong.push((decision.date, term, vec![decision.event]));
        }
        wrong.extend(self.after_death());
        for (date, term, events) in wrong {
            self.found(date, DATES, term, events);
        }
    }

    fn after_death(&self) -> Option<(Date, String, Vec<Seq>)> {
        let record = self.record();
        let death = record.death.as_ref()?;
        let later = record.contacts.iter().rfind(|fact| fact.value > death.date.last())?;
        let term = format!("death on {}, but known alive on {}", death.date, later.value);
        Some((later.value, term, vec![death.event, later.event]))
    }
}
