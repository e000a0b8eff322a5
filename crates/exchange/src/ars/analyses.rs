//! The analyses of a report, chapter by chapter, in its order.
//!
//! Never holds a rule: what is asked is which number of `analysis::results` is which operation of which method.

use analysis::results::{
    AnalysisResult, ArmEstimate, Attribution, BaselineCell, BaselineRow, Comparison, Counted, FlowArm,
    GradeRow, QualityArea, QualityDifference, QualityResult, Results, SabrRow,
};

use super::methods::{AREA, COMPARE, COUNT, EVENTS, NUMBER, SCORE, TIME};
use super::model::{ResultGroup, Term};
use super::{ARM, Draft, Place, making, of_arm, subset, value};
use crate::adam::Parameter;

pub(super) fn all(results: &Results, parameters: &[Parameter<'_>], draft: &mut Draft) {
    flow(results, draft);
    baseline(results, draft);
    draft.chapter("Times to event");
    for (place, analysis) in results.analyses.iter().enumerate() {
        time(place, analysis, parameters, draft);
    }
    responses(results, draft);
    exposure(results, draft);
    safety(results, draft);
    if let Some(quality) = &results.quality_of_life {
        scores(quality, results, draft);
    }
}

fn place(anchor: &str, pointer: impl Into<String>) -> Place {
    Place(anchor.to_owned(), pointer.into())
}

/// A count of an arm's flow, where it can be told; a count of an arm's radiotherapy.
type OfArm = fn(&FlowArm) -> Option<usize>;
type OfRow = fn(&SabrRow) -> usize;

/// The grouping by the reason of something.
const REASON: &str = "G_REASON";

fn flow(results: &Results, draft: &mut Draft) {
    draft.chapter("Flow of subjects");
    let purpose = || Term::Sponsor("P_FLOW");
    let flow = &results.flow;
    draft.grouping(REASON, "Reason", None);
    for (id, name, n, pointer) in [
        ("SCREENED", "Assessed for eligibility", flow.screened.n, "/flow/screened/n"),
        ("EXCLUDED", "Not randomised", flow.excluded, "/flow/excluded"),
        ("SCREENING", "Still in screening", flow.in_screening.n, "/flow/in_screening/n"),
        ("RANDOMISED", "Randomised", flow.randomised, "/flow/randomised"),
    ] {
        let mut made =
            making(format!("A_FLOW_{id}"), name.to_owned(), purpose(), &COUNT, place("flow", pointer))
                .of_all_subjects()
                .data("ADSL", "USUBJID");
        made.number("N", &[], n);
        draft.add(made.analysis);
    }
    let mut made = making(
        "A_FLOW_EXCLUDED_BECAUSE".to_owned(),
        "Not randomised, by reason".to_owned(),
        purpose(),
        &COUNT,
        place("flow", "/flow/excluded_because"),
    )
    .of_all_subjects()
    .by(&[REASON]);
    for (reason, who) in &flow.excluded_because {
        made.number("N", &[value(REASON, reason)], who.n);
    }
    draft.add(made.analysis);
    let by_arm: [(&str, &str, OfArm); 6] = [
        ("ALLOCATED", "Allocated", |arm| Some(arm.allocated.n)),
        ("TREATED", "Received the allocated treatment", |arm| arm.treated.as_ref().map(|who| who.n)),
        ("UNTREATED", "Did not receive the allocated treatment", |arm| {
            arm.untreated.as_ref().map(|who| who.n)
        }),
        ("DIED", "Died", |arm| Some(arm.died.n)),
        ("FOLLOWED", "In follow-up", |arm| Some(arm.in_follow_up.n)),
        ("ANALYSED", "In the main analysis of the primary endpoint", |arm| Some(arm.analysed)),
    ];
    for (id, name, of) in by_arm {
        let mut made =
            making(format!("A_FLOW_{id}"), name.to_owned(), purpose(), &COUNT, place("flow", "/flow/arms"))
                .by(&[ARM]);
        for arm in &flow.arms {
            if let Some(n) = of(arm) {
                made.number("N", &[of_arm(&arm.arm)], n);
            }
        }
        draft.add(made.analysis);
    }
    let mut made = making(
        "A_FLOW_WITHDRAWN".to_owned(),
        "Withdrawn or lost, by reason".to_owned(),
        purpose(),
        &COUNT,
        place("flow", "/flow/arms"),
    )
    .by(&[ARM, REASON]);
    for arm in &flow.arms {
        for (reason, who) in &arm.withdrawn {
            made.number("N", &[of_arm(&arm.arm), value(REASON, reason)], who.n);
        }
    }
    draft.add(made.analysis);
}

/// The grouping by the level of a characteristic.
const LEVEL: &str = "G_LEVEL";

fn baseline(results: &Results, draft: &mut Draft) {
    draft.chapter("Baseline");
    draft.grouping(LEVEL, "Level of the characteristic", None);
    let arms = draft.arms.clone();
    let rows: Vec<(usize, &BaselineRow)> = results.baseline.iter().enumerate().collect();
    let characteristics = rows.chunk_by(|(_, a), (_, b)| a.characteristic == b.characteristic);
    for (rows, number) in characteristics.zip(1..) {
        let Some((first, row)) = rows.first() else { continue };
        let known = if row.level.is_some() { &COUNT } else { &NUMBER };
        let groupings: &[&str] = if row.level.is_some() { &[ARM, LEVEL] } else { &[ARM] };
        let mut made = making(
            format!("A_BASELINE_{number}"),
            row.characteristic.clone(),
            Term::Sponsor("P_BASELINE"),
            known,
            place("baseline", format!("/baseline/{first}")),
        )
        .by(groupings);
        made.analysis.dataset = Some("ADSL".to_owned());
        for (_, row) in rows {
            for (i, cell) in row.cells.iter().enumerate() {
                // The cell after the arms' is of everybody.
                let mut groups: Vec<ResultGroup> = arms.get(i).map(of_arm).into_iter().collect();
                groups.extend(row.level.as_ref().map(|level| value(LEVEL, level)));
                match cell {
                    BaselineCell::Count { n, .. } => made.number("N", &groups, n),
                    BaselineCell::Number { n, median, q1, q3, min, max, .. } => {
                        made.number("N", &groups, n);
                        for (key, number) in
                            [("MEDIAN", median), ("Q1", q1), ("Q3", q3), ("MIN", min), ("MAX", max)]
                        {
                            made.maybe(key, &groups, *number);
                        }
                    }
                }
            }
        }
        draft.add(made.analysis);
    }
}

/// The groupings by the moment of a landmark and by how a subject ended.
const MONTH: &str = "G_MONTH";
const OUTCOME: &str = "G_OUTCOME";

fn time(place_of: usize, analysis: &AnalysisResult, parameters: &[Parameter<'_>], draft: &mut Draft) {
    draft.grouping(MONTH, "Months since the origin", None);
    draft.grouping(OUTCOME, "Event or censoring, by cause", None);
    let purpose = || {
        Term::Controlled(if analysis.primary {
            "PRIMARY OUTCOME MEASURE"
        } else {
            "SECONDARY OUTCOME MEASURE"
        })
    };
    let parameter = parameters.iter().find(|parameter| parameter.analyses.contains(&analysis.id.as_str()));
    let pointer = format!("/analyses/{place_of}");
    let mut parts = vec![];
    let mut made = making(
        format!("A_{}_ARMS", analysis.id),
        format!("{}, by arm", analysis.label),
        purpose(),
        &TIME,
        place(&format!("a{place_of}"), format!("{pointer}/arms")),
    )
    .by(&[ARM, MONTH, OUTCOME]);
    for arm in &analysis.arms {
        arm_times(arm, &mut made);
    }
    parts.push(made);
    let mut made = making(
        format!("A_{}_COMPARE", analysis.id),
        format!("{}, compared", analysis.label),
        purpose(),
        &COMPARE,
        place(&format!("a{place_of}"), format!("{pointer}/comparison")),
    )
    .by(&[ARM]);
    for comparison in analysis.comparison.iter().chain(&analysis.more_comparisons) {
        compared(comparison, &mut made);
    }
    if let Some(overall) = &analysis.overall {
        made.number("LOGRANK_CHISQ", &[], overall.chisq);
        made.number("LOGRANK_DF", &[], overall.df);
        made.number("LOGRANK_P", &[], overall.p);
    }
    parts.push(made);
    for made in parts {
        let mut made = made.data("ADTTE", "AVAL");
        made.analysis.data_subset_id = parameter.map(|parameter| subset(&parameter.code));
        let mut words = vec![analysis.definition.clone()];
        words.extend(analysis.rules.iter().cloned());
        words.push(format!("Limits at {} %: {}.", analysis.confidence * 100.0, analysis.limits));
        words.push(format!(
            "Ties: {}. {}.",
            analysis.ties,
            if analysis.stratified { "Stratified" } else { "Not stratified" }
        ));
        made.analysis.description = words.join(" ");
        draft.add(made.analysis);
    }
}

fn arm_times(arm: &ArmEstimate, made: &mut super::Making) {
    let group = [of_arm(&arm.arm)];
    let with = |more: ResultGroup| [of_arm(&arm.arm), more];
    made.number("N", &group, arm.n);
    made.number("EVENTS", &group, arm.events);
    for outcome in &arm.outcomes {
        let ended = if outcome.event { "Event" } else { "Censored" };
        made.number("OUTCOME", &with(value(OUTCOME, format!("{ended}: {}", outcome.what))), outcome.n);
    }
    made.estimate("MEDIAN", &group, &arm.median_months);
    for (months, estimate) in &arm.landmarks {
        made.estimate("SURVIVAL", &with(value(MONTH, months)), estimate);
    }
    for (months, n) in &arm.at_risk {
        made.number("RISK", &with(value(MONTH, months)), n);
    }
    if let Some(mean) = &arm.rmst_months {
        made.estimate("RMST", &group, mean);
    }
    made.estimate("FOLLOW", &group, &arm.follow_up_months);
}

fn compared(comparison: &Comparison, made: &mut super::Making) {
    let group = [of_arm(&comparison.arm)];
    made.estimate("HR", &group, &comparison.hazard_ratio);
    made.maybe("WALD_P", &group, comparison.wald_p);
    made.number("LOGRANK_CHISQ", &group, comparison.logrank_chisq);
    made.number("LOGRANK_DF", &group, comparison.logrank_df);
    made.number("LOGRANK_P", &group, comparison.logrank_p);
    made.maybe("PH_P", &group, comparison.proportional_hazards_p);
    made.maybe("TAU", &group, comparison.tau_months);
    if let Some(difference) = &comparison.rmst_difference_months {
        made.estimate("RMST_DIFF", &group, difference);
    }
}

/// The grouping by best overall response.
const RESPONSE: &str = "G_RESPONSE";

fn responses(results: &Results, draft: &mut Draft) {
    draft.chapter("Tumour response");
    draft.grouping(RESPONSE, "Best overall response", Some(("ADRS", "AVALC")));
    let arms = draft.arms.clone();
    let mut made = making(
        "A_RESPONSE".to_owned(),
        "Best overall response".to_owned(),
        Term::Controlled("SECONDARY OUTCOME MEASURE"),
        &COUNT,
        place("responses", "/responses"),
    )
    .data("ADRS", "AVALC")
    .by(&[ARM, RESPONSE]);
    for row in &results.responses {
        let response = row.response.map_or("Not assessed after baseline", |response| response.as_str());
        for (arm, who) in arms.iter().zip(&row.counts) {
            made.number("N", &[of_arm(arm), value(RESPONSE, response)], who.n);
        }
    }
    draft.add(made.analysis);
}

/// The grouping by schedule of radiotherapy.
const SCHEDULE: &str = "G_SCHEDULE";

fn exposure(results: &Results, draft: &mut Draft) {
    draft.chapter("SABR");
    draft.grouping(SCHEDULE, "Total dose in fractions", None);
    let purpose = || Term::Sponsor("P_EXPOSURE");
    let counts: [(&str, &str, OfRow); 4] = [
        ("SUBJECTS", "Subjects with a course of SABR", |row| row.subjects.n),
        ("COURSES", "Courses of SABR", |row| row.courses.n),
        ("LESIONS", "Lesions treated, each as often as it was", |row| row.lesions),
        ("AGAIN", "Subjects with a second course or more", |row| row.again.n),
    ];
    for (id, name, of) in counts {
        let mut made =
            making(format!("A_SABR_{id}"), name.to_owned(), purpose(), &COUNT, place("sabr", "/sabr"))
                .data("ADEX", "USUBJID")
                .by(&[ARM]);
        for row in &results.sabr {
            made.number("N", &[of_arm(&row.arm)], of(row));
        }
        draft.add(made.analysis);
    }
    let mut made = making(
        "A_SABR_SCHEDULES".to_owned(),
        "Lesions by schedule".to_owned(),
        purpose(),
        &COUNT,
        place("sabr", "/sabr"),
    )
    .by(&[ARM, SCHEDULE]);
    for row in &results.sabr {
        for schedule in &row.schedules {
            let words = format!("{} Gy in {}", schedule.dose_gy, schedule.fractions);
            made.number("N", &[of_arm(&row.arm), value(SCHEDULE, words)], schedule.lesions.n);
        }
    }
    draft.add(made.analysis);
}

/// The groupings of adverse events.
const CLASS: &str = "G_CLASS";
const TERM: &str = "G_TERM";
const GRADE: &str = "G_GRADE";
const SERIOUS: &str = "G_SERIOUS";

fn safety(results: &Results, draft: &mut Draft) {
    draft.chapter("Safety");
    draft.grouping(CLASS, "System organ class", Some(("ADAE", "AEBODSYS")));
    draft.grouping(TERM, "Term", Some(("ADAE", "AEDECOD")));
    draft.grouping(GRADE, "Worst grade", Some(("ADAE", "ATOXGR")));
    draft.grouping(SERIOUS, "Serious", Some(("ADAE", "AESER")));
    let safety = &results.safety;
    grades("A_AE", "Adverse events, worst grade", "ae", "/safety/all", &safety.all, draft);
    grades(
        "A_TRAE",
        "Treatment-related adverse events, worst grade",
        "trae",
        "/safety/related",
        &safety.related,
        draft,
    );
    for (i, Attribution { item, label, rows }) in safety.related_to.iter().enumerate() {
        let name = format!("Adverse events related to {label}, worst grade");
        grades(&format!("A_{item}"), &name, "trae", &format!("/safety/related_to/{i}/rows"), rows, draft);
    }
    let arms = draft.arms.clone();
    let purpose = || Term::Sponsor("P_SAFETY");
    let counted = |who: &[Counted]| who.iter().map(|who| who.n).collect::<Vec<_>>();
    for (id, name, anchor, pointer, counts) in [
        ("A_AT_RISK", "Subjects at risk", "safety", "/safety/at_risk", safety.at_risk.clone()),
        (
            "A_SAE",
            "Subjects with a serious adverse event",
            "sae",
            "/safety/serious",
            counted(&safety.serious),
        ),
    ] {
        let mut made = making(id.to_owned(), name.to_owned(), purpose(), &COUNT, place(anchor, pointer))
            .data("ADAE", "USUBJID")
            .by(&[ARM]);
        for (arm, n) in arms.iter().zip(counts) {
            made.number("N", &[of_arm(arm)], n);
        }
        draft.add(made.analysis);
    }
    let mut made = making(
        "A_AE_TERMS".to_owned(),
        "Adverse events by term and seriousness".to_owned(),
        purpose(),
        &EVENTS,
        place("ae", "/safety/terms"),
    )
    .data("ADAE", "AEDECOD")
    .by(&[ARM, SERIOUS, CLASS, TERM]);
    for row in &safety.terms {
        for (arm, affected) in arms.iter().zip(&row.by_arm) {
            let serious = value(SERIOUS, if row.serious { "Y" } else { "N" });
            let groups = [of_arm(arm), serious, value(CLASS, &row.class), value(TERM, &row.term)];
            made.number("N", &groups, affected.subjects);
            made.number("EVENTS", &groups, affected.events);
        }
    }
    draft.add(made.analysis);
}

fn grades(id: &str, name: &str, anchor: &str, pointer: &str, rows: &[GradeRow], draft: &mut Draft) {
    let arms = draft.arms.clone();
    let mut made =
        making(id.to_owned(), name.to_owned(), Term::Sponsor("P_SAFETY"), &COUNT, place(anchor, pointer))
            .data("ADAE", "ATOXGR")
            .by(&[ARM, CLASS, TERM, GRADE]);
    for row in rows {
        let mut of_row = Vec::new();
        of_row.extend(row.class.as_ref().map(|class| value(CLASS, class)));
        of_row.extend(row.term.as_ref().map(|term| value(TERM, term)));
        for (arm, by_grade) in arms.iter().zip(&row.counts) {
            for (n, grade) in by_grade.iter().zip(1..) {
                let mut groups = vec![of_arm(arm)];
                groups.extend(of_row.iter().cloned());
                groups.push(value(GRADE, grade));
                made.number("N", &groups, n);
            }
        }
    }
    draft.add(made.analysis);
}

/// The grouping by planned week.
const WEEK: &str = "G_WEEK";

fn scores(quality: &QualityResult, results: &Results, draft: &mut Draft) {
    draft.chapter("Quality of life");
    draft.grouping(WEEK, "Planned week", Some(("ADQS", "AVISITN")));
    let purpose = || Term::Controlled("SECONDARY OUTCOME MEASURE");
    let mut made = making(
        "A_SCORE".to_owned(),
        format!("{} by week", quality.score),
        purpose(),
        &SCORE,
        place("quality", "/quality_of_life/by_week"),
    )
    .data("ADQS", "AVAL")
    .by(&[ARM, WEEK]);
    for point in &quality.by_week {
        let groups = [of_arm(&point.arm), value(WEEK, point.week)];
        made.number("N", &groups, point.scored.n);
        made.number("EXPECTED", &groups, point.expected);
        made.estimate("MEAN", &groups, &point.mean);
    }
    draft.add(made.analysis);
    let arm = |control| results.arms.iter().find(|arm| arm.control == control).map(|arm| arm.id.clone());
    let first = match (quality.difference, quality.p, arm(false), arm(true)) {
        (Some(difference), Some(p), Some(arm), Some(control)) => {
            Some(QualityDifference { arm, control, difference, p })
        }
        _ => None,
    };
    let differences: Vec<QualityDifference> =
        first.into_iter().chain(quality.more_differences.iter().cloned()).collect();
    let name = format!("{}, area to week {}", quality.score, quality.to_week);
    area("A_AREA", &name, "/quality_of_life/auc", &quality.rules, &quality.auc, &differences, draft);
    for (i, other) in quality.sensitivity.iter().enumerate() {
        let pointer = format!("/quality_of_life/sensitivity/{i}");
        area(
            &format!("A_{}", other.id),
            &other.label,
            &pointer,
            &other.rules,
            &other.auc,
            &other.differences,
            draft,
        );
    }
}

fn area(
    id: &str,
    name: &str,
    pointer: &str,
    rules: &[String],
    areas: &[QualityArea],
    differences: &[QualityDifference],
    draft: &mut Draft,
) {
    let purpose = Term::Controlled("SECONDARY OUTCOME MEASURE");
    let mut made = making(id.to_owned(), name.to_owned(), purpose, &AREA, place("quality", pointer))
        .data("ADQS", "AVAL")
        .by(&[ARM]);
    made.analysis.description = rules.join(" ");
    for area in areas {
        let group = [of_arm(&area.arm)];
        made.number("N", &group, area.n);
        made.estimate("AREA", &group, &area.score_weeks);
        made.estimate("AVERAGE", &group, &area.average);
    }
    for difference in differences {
        let group = [of_arm(&difference.arm)];
        made.estimate("DIFF", &group, &difference.difference);
        made.number("DIFF_P", &group, difference.p);
    }
    draft.add(made.analysis);
}
