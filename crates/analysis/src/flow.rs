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
use crate::results::{AnalysisResult, Flow, FlowArm, Recruitment, SiteRow};
use crate::row::{Subject, SubjectRow};

/// Where a subject stands before randomisation.
#[derive(Clone, Debug)]
pub enum Screening {
    /// Past it.
    Randomised,
    /// Left the trial for this reason.
    Excluded(String),
    /// Not decided yet.
    Open {
        /// Day of consent, else of screening.
        since: Option<Date>,
        /// What it counts as if it stays so until its time is over.
        otherwise: String,
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
    if let Some(failed) = judged.iter().find(|judged| judged.judgement == Judgement::NotMet) {
        return Screening::Excluded(format!("{} not met: {}", failed.id, failed.text));
    }
    let otherwise =
        judged.iter().find(|judged| matches!(judged.judgement, Judgement::Unknown { .. })).map_or_else(
            || "eligible, but not randomised; no reason recorded".to_owned(),
            |unknown| format!("{} not proven: {}", unknown.id, unknown.text),
        );
    if let Some(withdrawal) = &record.withdrawal {
        // `SCREEN FAILURE` says that it failed; what it failed by is better said by the criterion.
        let bare = withdrawal.reason.is_empty() || withdrawal.reason.to_uppercase().contains("SCREEN FAIL");
        return Screening::Excluded(if bare { otherwise } else { withdrawal.reason.clone() });
    }
    if let Some(death) = &record.death {
        return Screening::Excluded(format!("died before randomisation ({})", death.date));
    }
    let since = record.consent.as_ref().or(record.screened.as_ref()).map(|fact| fact.value);
    Screening::Open { since, otherwise }
}

/// Received what the arm prescribes: a course of SABR where the strategy rests on it, else a line of systemic therapy
/// that did not end before randomisation. None where the arm has no strategy rule to tell by.
pub fn treated(subject: &Subject<'_>) -> Option<bool> {
    let strategy = subject.strategy()?;
    let start = subject.start()?;
    let record = subject.record;
    Some(match strategy.salvage {
        Salvage::Sabr => record.sabr.iter().any(|course| course.start >= start),
        Salvage::None => record.lines.iter().any(|line| line.end.is_none_or(|end| end.last() >= start)),
    })
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
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut in_screening = 0;
    for row in rows {
        match &row.screening {
            Screening::Randomised => {}
            Screening::Excluded(why) => *reasons.entry(why.clone()).or_default() += 1,
            Screening::Open { since, otherwise } if over(*since) => {
                *reasons.entry(otherwise.clone()).or_default() += 1;
            }
            Screening::Open { .. } => in_screening += 1,
        }
    }
    let split = arms.split(rows);
    Flow {
        screened: rows.len(),
        excluded: reasons.values().sum(),
        excluded_because: by_frequency(reasons),
        in_screening,
        randomised: split.iter().map(Vec::len).sum(),
        arms: split.iter().enumerate().map(|(place, rows)| arm(arms, place, rows, analyses)).collect(),
    }
}

fn arm(arms: &Arms, place: usize, rows: &[&SubjectRow], analyses: &[AnalysisResult]) -> FlowArm {
    let mut withdrawn: BTreeMap<String, usize> = BTreeMap::new();
    for (_, reason) in rows.iter().filter_map(|row| row.withdrawal.as_ref()) {
        let reason = if reason.is_empty() { "reason not recorded" } else { reason };
        *withdrawn.entry(reason.to_owned()).or_default() += 1;
    }
    let told = rows.iter().any(|row| row.treated.is_some());
    let main = analyses.iter().find(|analysis| analysis.primary && analysis.main);
    FlowArm {
        arm: arms.id(place).clone(),
        allocated: rows.len(),
        treated: told.then(|| rows.iter().filter(|row| row.treated == Some(true)).count()),
        withdrawn: by_frequency(withdrawn),
        died: rows.iter().filter(|row| row.death.is_some()).count(),
        in_follow_up: rows.iter().filter(|row| row.death.is_none() && row.withdrawal.is_none()).count(),
        analysed: main.and_then(|analysis| analysis.arms.get(place)).map_or(0, |estimate| estimate.n),
    }
}

/// Most frequent first, then by name.
fn by_frequency(counts: BTreeMap<String, usize>) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    // Stable, so that equal counts stay in the order of their names.
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    counts
}

/// Recruitment by month and by site.
pub fn recruitment(protocol: &Protocol, sites: &[Site], rows: &[SubjectRow]) -> Recruitment {
    let mut days: Vec<Date> = rows.iter().filter_map(|row| row.allocation.as_ref()).map(|a| a.date).collect();
    days.sort_unstable();
    Recruitment {
        planned: protocol.trial.participants,
        planned_from: protocol.trial.planned_start.map(trial::date::PartialDate::first),
        by_month: by_month(&days),
        by_site: by_site(sites, rows),
    }
}

fn by_month(days: &[Date]) -> Vec<(Date, usize, usize)> {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Vec::new() };
    let mut months = Vec::new();
    let mut month = first.first_of_month();
    let mut so_far = 0;
    while month <= *last {
        let by_its_end = days.partition_point(|day| *day <= month.last_of_month());
        months.push((month, by_its_end - so_far, by_its_end));
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
        screened: 0,
        randomised: 0,
        days: Vec::new(),
    };
    for site in sites {
        by_site.insert(site.id.clone(), empty(&site.id, &site.name, site.opened));
    }
    for row in rows {
        // A site that was never opened goes by its number.
        let site =
            by_site.entry(row.site.clone()).or_insert_with(|| empty(&row.site, row.site.as_str(), None));
        site.screened += 1;
        if let Some(allocation) = &row.allocation {
            site.randomised += 1;
            site.days.push(allocation.date);
        }
    }
    let mut out: Vec<SiteRow> = by_site.into_values().collect();
    for site in &mut out {
        site.days.sort_unstable();
    }
    out
}
