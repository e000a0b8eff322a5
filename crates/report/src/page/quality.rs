//! Quality of life: the score over time, the area under its curve, and who answered.
//!
//! Never scores a questionnaire; the answers stand in the subject's trace.

use analysis::results::{QualityArea, QualityDifference, QualityResult};
use maud::{Markup, html};

use super::{MOST_ROWS, View, cut, file, nothing, traced};
use crate::{number, words};

/// The whole section.
pub fn quality(view: &View<'_>) -> Markup {
    let Some(quality) = &view.results.quality_of_life else {
        return nothing("The protocol measures no quality of life, or no questionnaire has been scored.");
    };
    html! {
        (view.figure("factb"))
        (weeks(view, quality))
        (areas(view, quality, &quality.auc, "auc", &format!("Area under the curve, weeks 0 to {}", quality.to_week)))
        (difference(view, quality))
        @for (i, other) in quality.sensitivity.iter().enumerate() {
            h3 id=(format!("qol-{i}")) { "Sensitivity: " (other.label) }
            (areas(view, quality, &other.auc, &format!("auc-{i}"), &other.label))
            @for d in &other.differences { (stated(view, d)) }
            @if !other.rules.is_empty() { p.note { (other.rules.join(" ")) } }
        }
        details.rules { summary { "Rules in force" } ul { @for rule in &quality.rules { li { (rule) } } } }
        (file("factb_weeks.csv, factb_auc.csv, factb_auc_subjects.csv"))
    }
}

fn weeks(view: &View<'_>, quality: &QualityResult) -> Markup {
    let mut weeks: Vec<u32> = quality.by_week.iter().map(|point| point.week).collect();
    weeks.sort_unstable();
    weeks.dedup();
    let arms = &view.results.arms;
    html! {
        div.wide { table {
            caption { (quality.score) ": mean (confidence limits), questionnaires scored of those expected" }
            thead { tr { th scope="col" { "Week" } @for arm in arms { th.num scope="col" { (words::arm_name(arm)) } th.num scope="col" { "Scored" } } } }
            tbody { @for week in weeks {
                tr { th scope="row" { (week) } @for arm in arms {
                    @match quality.by_week.iter().find(|point| point.week == week && point.arm == arm.id) {
                        Some(point) => {
                            td.num { (traced("auc", &number::with_limits(&point.mean, 1, number::NOT_ESTIMABLE))) }
                            td.num { (number::count(point.n)) " of " (number::count(point.expected)) }
                        },
                        None => { td.num { "–" } td.num { "–" } },
                    }
                } }
            } }
        } }
    }
}

fn areas(view: &View<'_>, quality: &QualityResult, areas: &[QualityArea], id: &str, caption: &str) -> Markup {
    let rows = || areas.iter().flat_map(|area| area.subjects.iter().map(move |row| (area, row)));
    let all = rows().count();
    html! {
        table {
            caption { (quality.score) ": " (caption) }
            thead { tr { th scope="col" { "Arm" } th.num scope="col" { "n" } th.num scope="col" { "Mean area, score-weeks" } th.num scope="col" { "Mean time-averaged score" } } }
            tbody { @for area in areas {
                tr { th scope="row" { (area.arm) ": " (words::arm_label(view.results, &area.arm)) }
                    td.num { (traced(id, &number::count(area.n))) }
                    td.num { (traced(id, &number::with_limits(&area.score_weeks, 0, number::NOT_ESTIMABLE))) }
                    td.num { (traced(id, &number::with_limits(&area.average, 1, number::NOT_ESTIMABLE))) } }
            } }
        }
        details id=(id) {
            summary { "The area of each of " (number::counted(all, "subject")) }
            @if all == 0 { (nothing("No subject has an area yet.")) } @else {
                table.filter.small {
                    caption { "Areas by subject" }
                    thead { tr { th scope="col" { "Subject" } th scope="col" { "Arm" } th.num scope="col" { "Area, score-weeks" } th.num scope="col" { "Time-averaged" }
                        th scope="col" { "In words" } th scope="col" { "Events" } } }
                    tbody { @for (area, (subject, weeks, average, why, events)) in rows().take(MOST_ROWS) {
                        tr { th scope="row" { (view.links.subject_markup(subject)) } td { (area.arm) }
                            td.num { (number::decimals(*weeks, 1)) } td.num { (number::decimals(*average, 1)) } td { (why) }
                            td.events { (view.links.events_markup(events)) } }
                    } }
                }
                (cut(all.min(MOST_ROWS), all, "factb_auc_subjects.csv"))
            }
        }
    }
}

fn difference(view: &View<'_>, quality: &QualityResult) -> Markup {
    html! {
        @match &quality.difference {
            Some(difference) => p.comparison {
                "Difference of the time-averaged scores, arm minus control: "
                strong.nb { (traced("auc", &number::with_limits(difference, 1, number::NOT_ESTIMABLE))) }
                @if let Some(p) = quality.p { ", Welch " strong.nb { (number::p_equals(p)) } } "."
            },
            None => (nothing("The arms are not compared: too few subjects have an area.")),
        }
        @for d in &quality.more_differences { (stated(view, d)) }
    }
}

fn stated(view: &View<'_>, d: &QualityDifference) -> Markup {
    html! {
        p.comparison {
            (words::arm_label(view.results, &d.arm)) " minus " (words::arm_label(view.results, &d.control)) ": "
            strong.nb { (number::with_limits(&d.difference, 1, number::NOT_ESTIMABLE)) } ", Welch " strong.nb { (number::p_equals(d.p)) } "."
        }
    }
}
