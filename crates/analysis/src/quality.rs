//! Quality of life: the FACT-B total by planned week, and the area under its curve by arm.
//!
//! Never scores a questionnaire (see `trial::factb`). Means have limits by Student's t at 95 %, differences by Welch.

mod missing;
mod model;

use std::collections::BTreeMap;

use jiff::civil::Date;

use trial::calendar::due_of;
use trial::date::{days_between, plus_days};
use trial::event::Seq;
use trial::factb::{Auc, auc, score};
use trial::protocol::{
    AfterLast, Concept, DeathScore, EndpointRole, Protocol, QualityOfLife, QualityOfLifeSwitch,
};
use trial::record::FactBAnswers;

use crate::arms::Arms;
use crate::plan::planned;
use crate::results::{
    Counted, Estimate, QualityArea, QualityDifference, QualityPoint, QualityResult, QualitySensitivity, Who,
};
use crate::row::{Subject, SubjectRow};
use crate::student::{mean, welch};

/// Greatest FACT-B total.
pub const MAXIMUM: f64 = 148.0;

/// One randomised subject's scores and areas.
#[derive(Clone, Debug)]
pub struct Quality {
    /// Planned week to total and event, for the questionnaires that could be scored.
    by_week: BTreeMap<u32, (f64, Seq)>,
    /// Weeks at which a questionnaire was filled, scored or not, and its event.
    answered: Vec<(u32, Seq)>,
    /// Questionnaires near no planned week.
    unplaced: usize,
    area: Option<Auc>,
    /// In the order of the protocol's sensitivity analyses.
    sensitivity: Vec<Option<Auc>>,
}

impl Quality {
    /// The questionnaire that counts for each planned week: week and event.
    pub fn placed(&self) -> Vec<(u32, Seq)> {
        self.answered.clone()
    }

    /// The area by the main rule, and those of the sensitivity analyses.
    pub fn into_areas(self) -> (Option<Auc>, Vec<Option<Auc>>) {
        (self.area, self.sensitivity)
    }

    /// The events of the areas and the means.
    pub fn events(&self) -> impl Iterator<Item = &Seq> {
        let areas = self.area.iter().chain(self.sensitivity.iter().flatten()).flat_map(|area| &area.events);
        areas.chain(self.answered.iter().map(|(_, event)| event))
    }
}

/// The scores of one subject; none where it was not randomised or the protocol measures no quality of life.
pub fn of(subject: &Subject<'_>) -> Option<Quality> {
    let rule = subject.current.quality_of_life.as_ref()?;
    let start = subject.start()?;
    let death = subject.derived.death.map(|death| death.date);
    let mut nearest: BTreeMap<u32, (i64, Option<f64>, Seq)> = BTreeMap::new();
    let mut unplaced = 0;
    for answers in
        subject.record.factb.iter().filter(|answers| death.is_none_or(|death| answers.date < death))
    {
        let Some(week) = planned_week(subject, rule, start, answers) else {
            unplaced += 1;
            continue;
        };
        let off = (days_between(start, answers.date) - 7 * i64::from(week)).abs();
        let total = score(&answers.answers).total;
        // Of two questionnaires for one week the one that can be scored counts, then the one nearer to it.
        let better =
            nearest.get(&week).is_none_or(|(was, had, _)| (total.is_none(), off) < (had.is_none(), *was));
        if better {
            nearest.insert(week, (off, total, answers.event));
        }
    }
    Some(Quality {
        answered: nearest.iter().map(|(week, (_, _, event))| (*week, *event)).collect(),
        by_week: nearest
            .into_iter()
            .filter_map(|(week, (_, total, event))| total.map(|total| (week, (total, event))))
            .collect(),
        unplaced,
        area: auc(rule, subject.record, death),
        sensitivity: rule
            .sensitivity
            .iter()
            .map(|s| auc(&switched(rule, s), subject.record, death))
            .collect(),
    })
}

/// `rule` with what a sensitivity analysis switches.
fn switched(rule: &QualityOfLife, switch: &QualityOfLifeSwitch) -> QualityOfLife {
    QualityOfLife {
        after_last: switch.after_last.unwrap_or(rule.after_last),
        death: switch.death.unwrap_or(rule.death),
        ..rule.clone()
    }
}

/// The planned week of a questionnaire: of the visit it was filled at; else the nearest one, no further off than half the
/// way to its neighbour.
fn planned_week(
    subject: &Subject<'_>,
    rule: &QualityOfLife,
    start: Date,
    answers: &FactBAnswers,
) -> Option<u32> {
    let day = days_between(start, answers.date);
    if let Some(due) = due_of(subject.protocol, subject.record, answers.event) {
        let planned = if due.day <= 0 { 0 } else { due.day };
        if let Some(week) = rule.weeks.iter().find(|week| 7 * i64::from(**week) == planned) {
            return Some(*week);
        }
    }
    let mut days: Vec<i64> = rule.weeks.iter().map(|week| 7 * i64::from(*week)).collect();
    days.sort_unstable();
    if day <= 0 && days.first() == Some(&0) {
        return Some(0);
    }
    let nearest = *days.iter().min_by_key(|planned| (day - **planned).abs())?;
    let gap = days.iter().filter(|other| **other != nearest).map(|other| (other - nearest).abs()).min();
    let near = gap.is_none_or(|gap| 2 * (day - nearest).abs() <= gap);
    near.then(|| u32::try_from(nearest / 7).ok()).flatten()
}

/// What is known of quality of life; none where the protocol measures none. `until` is the last day the data reach to.
pub fn result(
    protocol: &Protocol,
    arms: &Arms,
    rows: &mut [SubjectRow],
    until: Option<Date>,
) -> Option<QualityResult> {
    let rule = protocol.quality_of_life.as_ref()?;
    let unplaced: usize = rows.iter().filter_map(|row| row.quality.as_ref()).map(|q| q.unplaced).sum();
    let windows = windows(protocol, rule);
    let level = level(protocol);
    let by_week = by_week(arms, rows, &windows, until, level);
    let patterns = missing::patterns(arms, rows, &windows, until);
    let missing = missing::weeks(arms, rows, &windows, until);
    let mut model_remarks = Vec::new();
    // A figure of it is drawn where those of single subjects are.
    let model = rows
        .iter()
        .any(|row| row.detail.figures)
        .then(|| model::model(arms, rows, &rule.weeks, level, &mut model_remarks))
        .flatten();
    let (auc, mut differences) = areas(arms, rows, level, |quality| quality.area.take());
    let sensitivity = rule
        .sensitivity
        .iter()
        .enumerate()
        .map(|(place, switch)| {
            let (auc, differences) =
                areas(arms, rows, level, |quality| quality.sensitivity.get_mut(place).and_then(Option::take));
            QualitySensitivity {
                id: switch.id.clone(),
                label: switch.label.clone(),
                rules: words(&switched(rule, switch), level),
                auc,
                differences,
            }
        })
        .collect();
    let mut rules = words(rule, level);
    if unplaced > 0 {
        rules.push(format!("{unplaced} questionnaire(s) near no planned week count in the area only"));
    }
    let first = (!differences.is_empty()).then(|| differences.remove(0));
    Some(QualityResult {
        score: "FACT-B total".to_owned(),
        maximum: MAXIMUM,
        confidence: level,
        by_week,
        auc,
        difference: first.as_ref().map(|first| first.difference),
        p: first.map(|first| first.p),
        more_differences: differences,
        sensitivity,
        model,
        model_remarks,
        patterns,
        missing,
        to_week: rule.auc_to_week,
        rules,
    })
}

/// The level of limits. The protocol states one with its analyses of times alone; that of the primary endpoint's main one
/// stands for it here too, and 95 % where there is none.
fn level(protocol: &Protocol) -> f64 {
    let primary =
        planned(protocol).into_iter().find(|planned| planned.endpoint.role == EndpointRole::Primary);
    primary.map_or(0.95, |planned| planned.analysis.confidence)
}

/// The rules of the area in words; empty where none is measured.
pub fn rules_in_words(protocol: &Protocol) -> Vec<String> {
    protocol.quality_of_life.as_ref().map(|rule| words(rule, level(protocol))).unwrap_or_default()
}

/// The rules of a sensitivity analysis of the area in words.
pub fn rules_of_switch(
    protocol: &Protocol,
    rule: &QualityOfLife,
    switch: &QualityOfLifeSwitch,
) -> Vec<String> {
    words(&switched(rule, switch), level(protocol))
}

fn words(rule: &QualityOfLife, level: f64) -> Vec<String> {
    let week = rule.auc_to_week;
    vec![
        format!("area from baseline to week {week} by trapezoids over the days of the questionnaires"),
        match rule.after_last {
            AfterLast::CarryForward => format!("a last score before week {week} is carried forward"),
            AfterLast::StopAndStandardise => {
                format!(
                    "the area stops at a last score before week {week} and is averaged over the time observed"
                )
            }
        },
        match rule.death {
            DeathScore::Missing => "no score is imputed after death".to_owned(),
            DeathScore::Zero => "the score is 0 from the day of death".to_owned(),
        },
        format!(
            "limits at {} %, the level of the primary analysis, by Student's t; differences by Welch's t test",
            // Of 0.975 neither more digits nor fewer than it was written with.
            (level * 1e6).round() / 1e4
        ),
    ]
}

/// Each planned week with the day its window closes, in days from randomisation.
fn windows(protocol: &Protocol, rule: &QualityOfLife) -> Vec<(u32, i64)> {
    let with_form = |form: &String| {
        *form == rule.form || protocol.forms.iter().any(|f| f.id == *form && f.concept == Concept::FactB)
    };
    rule.weeks
        .iter()
        .map(|week| {
            let day = 7 * i64::from(*week);
            let visit = protocol
                .schedule
                .visits
                .iter()
                .filter(|visit| visit.forms.iter().any(with_form))
                .find(|visit| match visit.every_days {
                    Some(every) if every > 0 => day >= visit.day && (day - visit.day) % i64::from(every) == 0,
                    _ => visit.day == day,
                });
            (*week, day + visit.map_or(0, |visit| i64::from(visit.window_after)))
        })
        .collect()
}

fn by_week(
    arms: &Arms,
    rows: &[SubjectRow],
    windows: &[(u32, i64)],
    until: Option<Date>,
    level: f64,
) -> Vec<QualityPoint> {
    let mut points = Vec::new();
    for (place, of_arm) in arms.split(rows).iter().enumerate() {
        for (week, closes) in windows {
            let mut scored = Counted::default();
            let (mut scores, mut expected, mut missing) = (Vec::new(), 0, Vec::new());
            for row in of_arm {
                expected += usize::from(is_expected(row, *week, *closes, until));
                if let Some((score, event)) = row.quality.as_ref().and_then(|q| q.by_week.get(week)) {
                    scores.push(*score);
                    scored.n += 1;
                    scored.who.extend(row.who(Some(*score), String::new(), [*event]));
                } else if is_expected(row, *week, *closes, until) {
                    missing.extend(not_scored(row, *week));
                }
            }
            points.push(QualityPoint {
                arm: arms.id(place).clone(),
                week: *week,
                scored,
                expected,
                missing,
                mean: mean(&scores, level),
            });
        }
    }
    points
}

/// Who was expected and is not in the mean: by the questionnaire that cannot be scored, else by its randomisation, from
/// which the week is counted.
fn not_scored(row: &SubjectRow, week: u32) -> Option<Who> {
    let filled = row.quality.as_ref().and_then(|q| q.answered.iter().find(|(at, _)| *at == week));
    match filled {
        Some((_, event)) => row.who(None, "too few answers to score".to_owned(), [*event]),
        None => row.who(None, String::new(), row.allocated),
    }
}

/// Alive and in the trial on the day of the week, which had come and whose window was over by `until`. Who answered is
/// expected in any case.
fn is_expected(row: &SubjectRow, week: u32, closes: i64, until: Option<Date>) -> bool {
    let Some(start) = row.allocation.as_ref().map(|allocation| allocation.date) else { return false };
    if row.quality.as_ref().is_some_and(|quality| quality.answered.iter().any(|(at, _)| *at == week)) {
        return true;
    }
    let day = plus_days(start, 7 * i64::from(week));
    let alive = row.death.is_none_or(|death| death > day);
    let in_trial = row.withdrawal.as_ref().is_none_or(|withdrawal| withdrawal.date > day);
    alive && in_trial && until.is_some_and(|until| plus_days(start, closes) <= until)
}

/// Areas by arm, and each arm's time-averaged scores against control's. Takes the areas.
fn areas(
    arms: &Arms,
    rows: &mut [SubjectRow],
    level: f64,
    take: impl Fn(&mut Quality) -> Option<Auc>,
) -> (Vec<QualityArea>, Vec<QualityDifference>) {
    let mut weeks: Vec<Vec<f64>> = vec![Vec::new(); arms.len()];
    let mut averages = weeks.clone();
    let mut subjects = vec![Vec::new(); arms.len()];
    for row in rows {
        let Some(arm) = arms.place(row) else { continue };
        let Some(area) = row.quality.as_mut().and_then(&take) else { continue };
        weeks[arm].push(area.score_weeks);
        averages[arm].push(area.average);
        if row.detail.traces {
            subjects[arm].push((row.subject.clone(), area.score_weeks, area.average, area.rule, area.events));
        }
    }
    let differences = arms
        .against_control()
        .filter_map(|(arm, control)| {
            let (difference, p): (Estimate, f64) = welch(&averages[arm], &averages[control], level)?;
            Some(QualityDifference {
                arm: arms.id(arm).clone(),
                control: arms.id(control).clone(),
                difference,
                p,
            })
        })
        .collect();
    let areas = subjects
        .into_iter()
        .enumerate()
        .map(|(arm, subjects)| QualityArea {
            arm: arms.id(arm).clone(),
            n: averages[arm].len(),
            score_weeks: mean(&weeks[arm], level),
            average: mean(&averages[arm], level),
            subjects,
        })
        .collect();
    (areas, differences)
}
