//! The chain from one subject's derived values back to the events they rest on, as entered.
//!
//! Never derives anything. Each event is shown as it now stands, that is, with corrections made.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use trial::eligibility::{Judged, Judgement};
use trial::endpoint::TimeToEvent;
use trial::event::Seq;
use trial::record::{Fact, FilledForm, Record, place};

use crate::baseline;
use crate::quality::Quality;
use crate::results::{DeviationRow, SourceEvent, Trace};
use crate::row::{Subject, last_contact};

/// The trace of one subject.
pub fn of(
    subject: &Subject<'_>,
    times: &[Option<TimeToEvent>],
    quality: Option<&Quality>,
    deviations: &[DeviationRow],
    judged: &[Judged],
) -> Trace {
    let (record, derived) = (subject.record, subject.derived);
    let unproven: Vec<Judged> =
        judged.iter().filter(|judged| judged.judgement != Judgement::Met).cloned().collect();
    let mut read = events_of_record(record);
    read.extend(times.iter().flatten().flat_map(|time| &time.events));
    read.extend(quality.into_iter().flat_map(Quality::events));
    read.extend(deviations.iter().flat_map(|deviation| &deviation.events));
    read.extend(unproven.iter().flat_map(|judged| &judged.events));
    read.extend(baseline::of(subject).events());
    read.extend(derived.strategy.iter().flat_map(|course| &course.events));
    Trace {
        subject: record.subject.clone(),
        site: record.site.clone(),
        arm: subject.randomised.map(|fact| fact.value.arm.clone()),
        randomised: subject.start(),
        who: who(record),
        responses: responses(subject),
        strategy: derived.strategy.clone(),
        verdicts: derived.strategy.iter().flat_map(|course| &course.episodes).map(|e| e.verdict).collect(),
        unproven,
        sources: sources(record, &read),
    }
}

/// The events of every fact that figures and tables read.
fn events_of_record(record: &Record) -> BTreeSet<Seq> {
    let mut read: BTreeSet<Seq> = BTreeSet::new();
    read.extend(record.assessments.iter().map(|assessment| assessment.event));
    read.extend(record.clinical_progressions.iter().map(|fact| fact.event));
    read.extend(record.sabr.iter().map(|course| course.event));
    read.extend(record.lines.iter().map(|line| line.event));
    read.extend(record.adverse_events.iter().map(|event| event.event));
    read.extend(record.decisions.iter().map(|decision| decision.event));
    read.extend(record.withdrawal.iter().map(|withdrawal| withdrawal.event));
    read.extend(record.death.iter().map(|death| death.event));
    read.extend([&record.sex].into_iter().flatten().map(|fact| fact.event));
    read.extend(last_contact(record).map(|fact| fact.event));
    // Of a subject that came in otherwise.
    read.extend(
        record
            .forms
            .first()
            .filter(|_| record.screened.is_none() && record.consent.is_none())
            .map(|form| form.event),
    );
    read.extend(record.consent.iter().map(|fact| fact.event));
    read.extend(record.ecog.iter().map(|fact| fact.event));
    read.extend(record.randomised.iter().map(|fact| fact.event));
    read.extend(record.screened.iter().map(|fact| fact.event));
    read.extend(record.faults.iter().map(|fault| fault.event));
    read
}

fn who(record: &Record) -> String {
    let sex = record.sex.as_ref().map(|fact| match fact.value.as_str() {
        "F" => "female".to_owned(),
        "M" => "male".to_owned(),
        other => format!("sex {other}"),
    });
    let born = record.birth_year.as_ref().map(|fact| format!("born {}", fact.value));
    [sex, born].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

type Response = (jiff::civil::Date, String, trial::recist::OverallResponse, Option<f64>, String, Seq);

fn responses(subject: &Subject<'_>) -> Vec<Response> {
    let timepoints = subject.derived.series.iter().flat_map(|series| &series.timepoints);
    timepoints
        .map(|t| {
            let occurrence =
                trial::calendar::form_of(subject.record, t.event).map(|form| form.instance.occurrence);
            let visit = occurrence.map_or_else(|| t.visit.clone(), |n| format!("{} {n}", t.visit));
            (t.date, visit.trim().to_owned(), t.overall, t.sum_mm, t.reason.clone(), t.event)
        })
        .collect()
}

fn sources(record: &Record, read: &BTreeSet<Seq>) -> Vec<SourceEvent> {
    let mut sources: Vec<SourceEvent> =
        record.forms.iter().filter(|form| read.contains(&form.event)).map(of_form).collect();
    if let Some(Fact { value, event }) = &record.randomised {
        let mut values =
            vec![("ARMCD".to_owned(), value.arm.to_string()), ("date".to_owned(), value.date.to_string())];
        values.extend(value.stratum.iter().cloned());
        sources.push(SourceEvent { seq: *event, recorded: None, place: "randomisation".to_owned(), values });
    }
    if let Some(Fact { value, event }) = &record.screened {
        let values = vec![("date".to_owned(), value.to_string())];
        sources.push(SourceEvent { seq: *event, recorded: None, place: "screening".to_owned(), values });
    }
    sources.sort_by_key(|source| source.seq);
    sources
}

fn of_form(form: &FilledForm) -> SourceEvent {
    let mut values = Vec::new();
    entered("", &form.values, &mut values);
    SourceEvent { seq: form.event, recorded: Some(form.recorded), place: place(&form.instance), values }
}

/// Items as entered; those of a group under `GROUP[row].`, rows from 1.
fn entered(prefix: &str, from: &Map<String, Value>, values: &mut Vec<(String, String)>) {
    for (item, value) in from {
        match value {
            Value::Null => {}
            Value::String(text) => values.push((format!("{prefix}{item}"), text.clone())),
            Value::Array(rows) => {
                for (index, row) in rows.iter().enumerate() {
                    let here = format!("{prefix}{item}[{}]", index + 1);
                    match row {
                        Value::Object(row) => entered(&format!("{here}."), row, values),
                        other => values.push((here, other.to_string())),
                    }
                }
            }
            other => values.push((format!("{prefix}{item}"), other.to_string())),
        }
    }
}
