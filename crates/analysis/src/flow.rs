//! Who came into the trial, who did not and why, and what became of them; recruitment over time.
//!
//! Never judges a criterion (see `trial::eligibility`). Flow after CONSORT 2025 (Hopewell et al., BMJ 2025;389:e081123).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use trial::date::days_between;
use trial::eligibility::{self, Judged, Judgement};
use trial::event::Seq;
use trial::protocol::{Concept, Protocol, Salvage};
use trial::record::{FilledForm, Record};

use crate::arms::Arms;
use crate::plan::Site;
use crate::results::{AnalysisResult, Counted, Flow, FlowArm, MonthRow, Recruitment, SiteRow};
use crate::row::{Subject, SubjectRow};

/// Where a subject stands before randomisation.
#[derive(Clone, Debug)]
pub enum Screening {
    /// Past it.
    Randomised,
    /// Left the trial for this reason, by these events.
    Excluded(String, Vec<Seq>),
    /// Not decided yet.
    Open {
        /// Day of consent, else of screening.
        since: Option<Date>,
        /// What it counts as if it stays so until its time is over.
        otherwise: String,
        /// The events of that.
        events: Vec<Seq>,
    },
}

/// Every criterion, judged on what is now known of the time before randomisation.
pub fn judged(subject: &Subject<'_>) -> Vec<Judged> {
    let judged = eligibility::judge(subject.protocol, subject.record);
    if subject.randomised.is_none() || judged.iter().all(|judged| judged.judgement == Judgement::Met) {
        return judged;
    }
    // A form of screening that was corrected after randomisation is the correction's event, hence later than it.
    match with_screening_corrected(subject) {
        Some(record) => eligibility::judge(subject.protocol, &record),
        None => judged,
    }
}

/// The record as screening now reads: its forms, whenever they were last corrected, as if randomisation came after; none
/// where no form of screening is later than randomisation.
fn with_screening_corrected(subject: &Subject<'_>) -> Option<Record> {
    let (record, limit) = (subject.record, subject.randomised?.event);
    let visits = &subject.protocol.schedule.visits;
    let of_screening = |form: &FilledForm| {
        let visit = form.instance.visit.as_ref();
        form.event < limit
            || visit.is_some_and(|id| visits.iter().any(|visit| visit.id == *id && visit.day <= 0))
            || subject.protocol.forms.iter().any(|definition| {
                definition.id == form.instance.form
                    && matches!(
                        definition.concept,
                        Concept::Demography
                            | Concept::DiseaseHistory
                            | Concept::PriorTherapy
                            | Concept::Consent
                    )
            })
    };
    if !record.forms.iter().any(|form| form.event > limit && of_screening(form)) {
        return None;
    }
    let mut before = record.clone();
    before.forms.retain(of_screening);
    let events: BTreeSet<Seq> = before.forms.iter().map(|form| form.event).collect();
    before.assessments.retain(|assessment| events.contains(&assessment.event));
    if let Some(randomised) = &mut before.randomised {
        randomised.event = Seq::MAX;
    }
    Some(before)
}

/// Why the subject was not randomised, if it was not: the first criterion in the order of the protocol that is not met;
/// else what was recorded (withdrawal, death); else it is still open.
pub fn screening(subject: &Subject<'_>, judged: &[Judged]) -> Screening {
    if subject.randomised.is_some() {
        return Screening::Randomised;
    }
    let record = subject.record;
    let entered = record.consent.as_ref().or(record.screened.as_ref());
    // What is missing was read from nothing: then the subject is known by how it came in.
    let by = |judged: &Judged| {
        let none = judged.events.is_empty().then_some(entered).flatten();
        none.map_or_else(|| judged.events.clone(), |fact| vec![fact.event])
    };
    if let Some(failed) = judged.iter().find(|judged| judged.judgement == Judgement::NotMet) {
        return Screening::Excluded(format!("{} not met: {}", failed.id, failed.text), by(failed));
    }
    let (otherwise, events) =
        judged.iter().find(|judged| matches!(judged.judgement, Judgement::Unknown { .. })).map_or_else(
            || {
                let why = "eligible, but not randomised; no reason recorded".to_owned();
                (why, entered.map(|fact| fact.event).into_iter().collect())
            },
            |unknown| (format!("{} not proven: {}", unknown.id, unknown.text), by(unknown)),
        );
    if let Some(withdrawal) = &record.withdrawal {
        // `SCREEN FAILURE` says that it failed; what it failed by is better said by the criterion.
        let bare = withdrawal.reason.is_empty() || withdrawal.reason.to_uppercase().contains("SCREEN FAIL");
        let mut events = if bare { events } else { Vec::new() };
        events.push(withdrawal.event);
        return Screening::Excluded(if bare { otherwise } else { withdrawal.reason.clone() }, events);
    }
    if let Some(death) = &record.death {
        return Screening::Excluded(format!("died before randomisation ({})", death.date), vec![death.event]);
    }
    Screening::Open { since: entered.map(|fact| fact.value), otherwise, events }
}

/// Whether it received what the arm prescribes, and the events that show it.
#[derive(Clone, Debug)]
pub struct Treated {
    /// It did.
    pub yes: bool,
    /// The courses or lines; empty where it did not.
    pub events: Vec<Seq>,
}

/// Received what the arm prescribes: a course of SABR where the strategy rests on it, else a line of systemic therapy
/// that did not end before randomisation. None where the arm has no strategy rule to tell by.
pub fn treated(subject: &Subject<'_>) -> Option<Treated> {
    let strategy = subject.strategy()?;
    let start = subject.start()?;
    let record = subject.record;
    let events: Vec<Seq> = match strategy.salvage {
        Salvage::Sabr => {
            record.sabr.iter().filter(|course| course.start >= start).map(|course| course.event).collect()
        }
        Salvage::None => {
            let lines = record.lines.iter().filter(|line| line.end.is_none_or(|end| end.last() >= start));
            lines.map(|line| line.event).collect()
        }
    };
    Some(Treated { yes: !events.is_empty(), events })
}

/// Days that screening may take as the schedule has it: from the earliest planned visit to randomisation; none where the
/// schedule plans no visit before it.
fn screening_days(protocol: &Protocol) -> Option<i64> {
    let visits = protocol.schedule.visits.iter();
    visits
        .map(|visit| visit.day - i64::from(visit.window_before))
        .min()
        .filter(|day| *day < 0)
        .map(|day| -day)
}

/// The flow. `until` is the last day the data reach to.
pub fn flow(
    protocol: &Protocol,
    arms: &Arms,
    rows: &[SubjectRow],
    analyses: &[AnalysisResult],
    until: Option<Date>,
) -> Flow {
    let longest = screening_days(protocol);
    let over = |since: Option<Date>| match (since, longest, until) {
        (Some(since), Some(longest), Some(until)) => days_between(since, until) > longest,
        _ => false,
    };
    let mut reasons: BTreeMap<&str, Counted> = BTreeMap::new();
    let (mut screened, mut in_screening) = (Counted::default(), Counted::default());
    for row in rows {
        screened.add(row, row.entered);
        match &row.screening {
            Screening::Randomised => {}
            Screening::Excluded(why, events) => {
                reasons.entry(why).or_default().add(row, events.iter().copied());
            }
            Screening::Open { since, otherwise, events } if over(*since) => {
                reasons.entry(otherwise).or_default().add(row, events.iter().copied());
            }
            Screening::Open { .. } => in_screening.add(row, row.entered),
        }
    }
    let split = arms.split(rows);
    Flow {
        screened,
        excluded: reasons.values().map(|reason| reason.n).sum(),
        excluded_because: by_frequency(reasons),
        in_screening,
        randomised: split.iter().map(Vec::len).sum(),
        arms: split.iter().enumerate().map(|(place, rows)| arm(arms, place, rows, analyses)).collect(),
    }
}

fn arm(arms: &Arms, place: usize, rows: &[&SubjectRow], analyses: &[AnalysisResult]) -> FlowArm {
    let mut withdrawn: BTreeMap<&str, Counted> = BTreeMap::new();
    let [mut allocated, mut treated, mut untreated, mut died, mut in_follow_up]: [Counted; 5] =
        Default::default();
    for row in rows {
        allocated.add(row, row.allocated);
        match &row.treated {
            Some(Treated { yes: true, events }) => treated.add(row, events.iter().copied()),
            _ => untreated.add(row, row.allocated),
        }
        if let Some(withdrawal) = &row.withdrawal {
            let reason =
                if withdrawal.reason.is_empty() { "reason not recorded" } else { &withdrawal.reason };
            withdrawn.entry(reason).or_default().add(row, [withdrawal.event]);
        }
        if row.death.is_some() {
            died.add(row, row.died);
        } else if row.withdrawal.is_none() {
            in_follow_up.add(row, row.last_contact.or(row.allocated));
        }
    }
    let told = rows.iter().any(|row| row.treated.is_some());
    let main = analyses.iter().find(|analysis| analysis.primary && analysis.main);
    FlowArm {
        arm: arms.id(place).clone(),
        allocated,
        treated: told.then_some(treated),
        untreated: told.then_some(untreated),
        withdrawn: by_frequency(withdrawn),
        died,
        in_follow_up,
        analysed: main.and_then(|analysis| analysis.arms.get(place)).map_or(0, |estimate| estimate.n),
    }
}

/// Most frequent first, then by name.
fn by_frequency(counts: BTreeMap<&str, Counted>) -> Vec<(String, Counted)> {
    let mut counts: Vec<(String, Counted)> =
        counts.into_iter().map(|(what, counted)| (what.to_owned(), counted)).collect();
    // Stable, so that equal counts stay in the order of their names.
    counts.sort_by_key(|(_, counted)| std::cmp::Reverse(counted.n));
    counts
}

/// Recruitment by month and by site.
pub fn recruitment(protocol: &Protocol, sites: &[Site], rows: &[SubjectRow]) -> Recruitment {
    let mut randomised: Vec<(Date, &SubjectRow)> =
        rows.iter().filter_map(|row| Some((row.allocation.as_ref()?.date, row))).collect();
    // Stable: those of one day stay in the order of subjects.
    randomised.sort_by_key(|(day, _)| *day);
    Recruitment {
        planned: protocol.trial.participants,
        planned_from: protocol.trial.planned_start.map(trial::date::PartialDate::first),
        planned_to: protocol.trial.planned_end.map(trial::date::PartialDate::last),
        by_month: by_month(&randomised),
        by_site: by_site(sites, rows),
    }
}

fn by_month(randomised: &[(Date, &SubjectRow)]) -> Vec<MonthRow> {
    let (Some((first, _)), Some((last, _))) = (randomised.first(), randomised.last()) else {
        return Vec::new();
    };
    let mut months = Vec::new();
    let mut month = first.first_of_month();
    let mut so_far = 0;
    while month <= *last {
        let by_its_end = randomised.partition_point(|(day, _)| *day <= month.last_of_month());
        let mut counted = Counted::default();
        for (_, row) in &randomised[so_far..by_its_end] {
            counted.add(row, row.allocated);
        }
        months.push(MonthRow { month, randomised: counted, in_all: by_its_end });
        so_far = by_its_end;
        month = trial::date::plus_days(month.last_of_month(), 1);
        if month.day() != 1 {
            break; // the end of the calendar
        }
    }
    months
}

fn by_site(sites: &[Site], rows: &[SubjectRow]) -> Vec<SiteRow> {
    let mut by_site: BTreeMap<_, SiteRow> = BTreeMap::new();
    let empty = |id: &trial::id::SiteId, name: &str, opened| SiteRow {
        site: id.clone(),
        name: name.to_owned(),
        opened,
        screened: Counted::default(),
        randomised: Counted::default(),
        days: Vec::new(),
    };
    for site in sites {
        by_site.insert(site.id.clone(), empty(&site.id, &site.name, site.opened));
    }
    for row in rows {
        // A site that was never opened goes by its number.
        let site =
            by_site.entry(row.site.clone()).or_insert_with(|| empty(&row.site, row.site.as_str(), None));
        site.screened.add(row, row.entered);
        if let Some(allocation) = &row.allocation {
            site.randomised.add(row, row.allocated);
            site.days.push(allocation.date);
        }
    }
    let mut out: Vec<SiteRow> = by_site.into_values().collect();
    for site in &mut out {
        site.days.sort_unstable();
    }
    out
}
