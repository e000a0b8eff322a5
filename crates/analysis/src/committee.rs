//! What a safety committee asks for beyond the tables: completeness, deaths, shifts of performance status, narratives.
//!
//! Never judges an event. A narrative says what the record holds, in its words and order, and what it does not hold.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::civil::Date;

use trial::date::days_between;
use trial::event::Seq;
use trial::record::AdverseEvent;
use trial::safety::{emergent, expedited, filed_under};

use crate::arms::Arms;
use crate::results::{Committee, CompletenessRow, Counted, DeathRow, Narrative, ShiftRow};
use crate::row::{Subject, SubjectRow};

/// Whoever is alive and in the trial is up to date where last seen so many days before the data end, or later.
const UP_TO_DATE_DAYS: i64 = 120;

/// Deaths within so many days of the last course of SABR are counted apart.
const SOON_DAYS: [i64; 2] = [30, 90];

/// ECOG performance status ends at 5, death.
const GRADES: usize = 6;

/// What one subject adds.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    pub(crate) narratives: Vec<Narrative>,
    /// ECOG performance status at baseline and the worst after it, with their events.
    ecog: (Option<u8>, Option<u8>, Vec<Seq>),
    /// Cause of death, and days since the last course of SABR began.
    death: Option<(String, Option<i64>, Seq)>,
    forms: usize,
    queries: usize,
    faults: usize,
}

/// Empty where the subject was not randomised; `told`: with the narratives.
pub fn of(subject: &Subject<'_>, told: bool) -> Watch {
    let Some(start) = subject.start() else { return Watch::default() };
    let record = subject.record;
    let serious = record.adverse_events.iter().filter(|ae| told && ae.serious && emergent(ae, start));
    let before = record.ecog.iter().rfind(|fact| fact.value.0 <= start);
    let after = record.ecog.iter().filter(|fact| fact.value.0 > start).max_by_key(|fact| fact.value.1);
    Watch {
        narratives: serious.map(|ae| narrative(subject, start, ae)).collect(),
        ecog: (
            before.map(|fact| fact.value.1),
            after.map(|fact| fact.value.1),
            before.into_iter().chain(after).map(|fact| fact.event).collect(),
        ),
        death: record.death.as_ref().map(|death| {
            let on = subject.derived.death.map(|death| death.date);
            let cause = death.cause.clone().unwrap_or_else(|| "not recorded".to_owned());
            let since = on.and_then(|on| last_course(subject, start, on)).map(|(days, _)| days);
            (cause, since, death.event)
        }),
        forms: record.forms.len(),
        queries: record.queries.iter().filter(|query| query.closed.is_none()).count(),
        faults: record.faults.len(),
    }
}

/// Days from the start of the last course before or on `day`, and its place in the record.
fn last_course(subject: &Subject<'_>, start: Date, day: Date) -> Option<(i64, usize)> {
    let courses = subject.record.sabr.iter().enumerate();
    let last = courses
        .filter(|(_, course)| course.start >= start && course.start <= day)
        .max_by_key(|(_, c)| c.start);
    last.map(|(place, course)| (days_between(course.start, day), place))
}

/// What the record holds of one serious event, in sentences.
fn narrative(subject: &Subject<'_>, start: Date, ae: &AdverseEvent) -> Narrative {
    let mut events = vec![ae.event];
    let mut words = who(subject, start);
    let onset = ae.start.map(|date| date.impute_onset(Some(start)).date);
    let (_, term) = filed_under(ae);
    let grade = ae.grade.map_or_else(|| "no grade recorded".to_owned(), |grade| format!("grade {grade}"));
    let day = onset.map_or_else(
        || "on a day that is not recorded".to_owned(),
        |day| format!("on {day} (day {} from randomisation)", days_between(start, day) + 1),
    );
    let _ = write!(words, " Serious {term}, {grade}, began {day}.");
    treated(subject, start, onset, &mut words, &mut events);
    let _ = write!(words, " {}", attribution(subject, ae));
    let end = match ae.end {
        Some(end) => format!(" It ended on {}.", end.impute_end(None).date),
        None => " No end is recorded.".to_owned(),
    };
    words.push_str(&end);
    if let Some(outcome) = outcome(subject, ae) {
        let _ = write!(words, " Outcome as entered: {outcome}.");
    }
    if let (Some(death), Some(on)) = (&subject.record.death, subject.derived.death) {
        let cause = death.cause.as_deref().unwrap_or("cause not recorded");
        let _ = write!(words, " The subject died on {} ({cause}).", on.date);
        events.push(death.event);
    }
    Narrative {
        subject: subject.record.subject.clone(),
        site: subject.record.site.clone(),
        arm: subject.randomised.map(|fact| fact.value.arm.clone()),
        term,
        grade: ae.grade,
        onset,
        expedited: expedited(&subject.current.safety, ae),
        words,
        events,
    }
}

fn who(subject: &Subject<'_>, start: Date) -> String {
    let record = subject.record;
    let sex = record.sex.as_ref().map_or("sex not recorded", |fact| match fact.value.as_str() {
        "F" => "woman",
        "M" => "man",
        other => other,
    });
    let age = record.birth_year.as_ref().map_or_else(String::new, |birth| {
        format!(" of about {}", f64::from(start.year()) - f64::from(birth.value))
    });
    format!("A {sex}{age}, randomised on {start}.").replace("A sex not", "A subject, sex not")
}

/// The therapies before the onset.
fn treated(
    subject: &Subject<'_>,
    start: Date,
    onset: Option<Date>,
    words: &mut String,
    events: &mut Vec<Seq>,
) {
    let Some(onset) = onset else { return };
    match last_course(subject, start, onset) {
        Some((days, place)) => {
            let course = &subject.record.sabr[place];
            let doses: Vec<String> = course
                .lesions
                .iter()
                .map(|dose| format!("{} ({} x {} Gy)", dose.lesion, dose.fractions, dose.fraction_gy))
                .collect();
            let n = subject.record.sabr.iter().filter(|c| c.start >= start && c.start <= onset).count();
            let _ = write!(
                words,
                " {n} course(s) of SABR before it, the last begun {days} day(s) earlier, to {}.",
                doses.join(", ")
            );
            events.push(course.event);
        }
        None => words.push_str(" No SABR in the trial before it."),
    }
    let given = subject.record.lines.iter().filter(|line| {
        line.start.impute_onset(None).date <= onset && line.end.is_none_or(|end| end.last() >= onset)
    });
    let given: Vec<_> = given.collect();
    if given.is_empty() {
        words.push_str(" No systemic therapy is recorded as under way.");
    } else {
        let names: Vec<&str> = given.iter().map(|line| line.treatment.as_str()).collect();
        let _ = write!(words, " Systemic therapy under way: {}.", names.join("; "));
        events.extend(given.iter().map(|line| line.event));
    }
}

fn attribution(subject: &Subject<'_>, ae: &AdverseEvent) -> String {
    let labels = &subject.current.safety.attributed_to;
    let said: Vec<String> = ae
        .attribution
        .iter()
        .map(|(item, code)| format!("{}: {}", labels.get(item).unwrap_or(item), code.to_lowercase()))
        .collect();
    if said.is_empty() {
        "No attribution is recorded.".to_owned()
    } else {
        format!("Attribution by the investigator: {}.", said.join("; "))
    }
}

/// `AEOUT` of the form, where it has one.
fn outcome(subject: &Subject<'_>, ae: &AdverseEvent) -> Option<String> {
    let form = subject.record.forms.iter().find(|form| form.event == ae.event)?;
    form.values.get("AEOUT")?.as_str().map(str::to_lowercase)
}

/// All of it, by arm. Takes the narratives.
pub fn result(arms: &Arms, rows: &mut [SubjectRow], until: Option<Date>) -> Committee {
    let split = arms.split(rows);
    let committee = Committee {
        completeness: split
            .iter()
            .enumerate()
            .map(|(place, rows)| completeness(arms, place, rows, until))
            .collect(),
        deaths: deaths(&split),
        soon: SOON_DAYS
            .iter()
            .map(|days| (*days, split.iter().map(|rows| soon(rows, *days)).collect()))
            .collect(),
        ecog: shifts(&split),
        narratives: Vec::new(),
    };
    let mut narratives: Vec<Narrative> =
        rows.iter_mut().flat_map(|row| std::mem::take(&mut row.watch.narratives)).collect();
    narratives.sort_by(|a, b| (&a.subject, a.onset).cmp(&(&b.subject, b.onset)));
    Committee { narratives, ..committee }
}

fn completeness(arms: &Arms, place: usize, rows: &[&SubjectRow], until: Option<Date>) -> CompletenessRow {
    let (mut followed, mut up_to_date) = (Counted::default(), Counted::default());
    for row in rows.iter().filter(|row| row.death.is_none() && row.withdrawal.is_none()) {
        followed.add(row, row.last_contact.or(row.allocated));
        let seen = row
            .last_seen
            .zip(until)
            .is_some_and(|(seen, until)| days_between(seen, until) <= UP_TO_DATE_DAYS);
        if seen {
            up_to_date.add(row, row.last_contact.or(row.allocated));
        }
    }
    CompletenessRow {
        arm: arms.id(place).clone(),
        subjects: rows.len(),
        followed,
        up_to_date,
        within_days: UP_TO_DATE_DAYS,
        forms: rows.iter().map(|row| row.watch.forms).sum(),
        open_queries: rows.iter().map(|row| row.watch.queries).sum(),
        faults: rows.iter().map(|row| row.watch.faults).sum(),
    }
}

fn deaths(split: &[Vec<&SubjectRow>]) -> Vec<DeathRow> {
    let mut by_cause: BTreeMap<&str, Vec<Counted>> = BTreeMap::new();
    for (arm, rows) in split.iter().enumerate() {
        for row in rows {
            let Some((cause, _, event)) = &row.watch.death else { continue };
            by_cause.entry(cause).or_insert_with(|| vec![Counted::default(); split.len()])[arm]
                .add(row, [*event]);
        }
    }
    let mut rows: Vec<DeathRow> =
        by_cause.into_iter().map(|(cause, counts)| DeathRow { cause: cause.to_owned(), counts }).collect();
    // Stable: equals stay in the order of their names.
    rows.sort_by_key(|row| std::cmp::Reverse(row.counts.iter().map(|counted| counted.n).sum::<usize>()));
    rows
}

fn soon(rows: &[&SubjectRow], days: i64) -> Counted {
    let mut counted = Counted::default();
    for row in rows {
        if let Some((_, Some(since), event)) = &row.watch.death
            && *since <= days
        {
            counted.add(row, [*event]);
        }
    }
    counted
}

/// One row a baseline status that somebody had, and one for those without.
fn shifts(split: &[Vec<&SubjectRow>]) -> Vec<ShiftRow> {
    let levels = (0..GRADES).map(Some).chain([None]);
    let place = |status: Option<u8>| status.map(usize::from).filter(|status| *status < GRADES);
    let rows = levels.map(|from| {
        let by_arm = split.iter().map(|rows| {
            let mut worst = vec![Counted::default(); GRADES + 1];
            for row in rows.iter().filter(|row| place(row.watch.ecog.0) == from) {
                let to = place(row.watch.ecog.1).unwrap_or(GRADES);
                worst[to].add(row, row.watch.ecog.2.iter().copied().chain(row.allocated));
            }
            worst
        });
        ShiftRow { baseline: from, by_arm: by_arm.collect() }
    });
    rows.filter(|row| row.by_arm.iter().flatten().any(|counted| counted.n > 0)).collect()
}
