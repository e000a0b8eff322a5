//! Quality of life: the score over time, the area under its curve, and who answered.
//!
//! Never scores a questionnaire; the answers stand in the subject's trace.

use analysis::results::{
    Estimate, ModelDifference, QualityArea, QualityDifference, QualityModel, QualityResult,
};
use maud::{Markup, html};

use super::{MOST_ROWS, View, behind, cut, file, joined, legend, nothing, traced};
use crate::behind::{MISSING, Of, became, became_weeks};
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
        @if !quality.sensitivity.is_empty() { (sensitivity(view, quality)) }
        (model(view, quality))
        (missing(view, quality))
        details.rules { summary { "Rules in force" } ul { @for rule in &quality.rules { li { (rule) } } } }
        (file("factb_weeks.csv, factb_auc.csv, factb_auc_subjects.csv, factb_model.csv, factb_model_differences.csv, factb_missing.csv"))
    }
}

/// The model of repeated measures.
fn model(view: &View<'_>, quality: &QualityResult) -> Markup {
    html! {
        h3 id="factb-mmrm" { "Model of repeated measures" }
        @if let Some(model) = &quality.model {
            (view.figure("factb-model"))
            (modelled(view, quality, model))
            details.rules { summary { "The model" } ul { @for rule in &model.rules { li { (words::capital(rule)) "." } } } }
        }
        @for remark in &quality.model_remarks { p.note { (words::capital(remark)) "." } }
        @if quality.model.is_none() && quality.model_remarks.is_empty() {
            (nothing("No model of repeated measures was fitted: the trial is larger than the limits of this report."))
        }
    }
}

fn modelled(view: &View<'_>, quality: &QualityResult, model: &QualityModel) -> Markup {
    let level = number::level(quality.confidence);
    let arms = &view.results.arms;
    let against: Vec<_> = model.averaged.iter().map(|d| (&d.arm, &d.control)).collect();
    let mut weeks: Vec<u32> = model.means.iter().map(|mean| mean.week).collect();
    weeks.sort_unstable();
    weeks.dedup();
    let difference = |d: Option<&ModelDifference>| {
        html! { @match d {
            Some(d) => { td.num.first { (behind(view, Of::Model, None, None, &number::with_limits(&d.difference, 1, number::NOT_ESTIMABLE))) } td.num { (behind(view, Of::Model, None, None, &number::p(d.p))) } },
            None => { td.num.first { "–" } td.num { "–" } },
        } }
    };
    html! {
        p { (number::counted(model.subjects, "subject")) " with a baseline and a later score, "
            (behind(view, Of::Model, None, None, &number::counted(model.scores, "score"))) " after baseline; mean baseline "
            (number::decimals(model.baseline_mean, 1)) "." }
        div.wide { table {
            caption { (quality.score) ": least-squares means and differences (" (level) " % CI)" }
            thead { tr { th scope="col" { "Week" } @for arm in arms { th.num scope="col" { "Arm " (arm.id) } }
                @for (arm, control) in &against { th.num scope="col" { (arm) " less " (control) } th.num scope="col" { "p" } } } }
            tbody {
                @for week in weeks { tr { th scope="row" { (week) }
                    @for (i, arm) in arms.iter().enumerate() {
                        @match model.means.iter().find(|mean| mean.week == week && mean.arm == arm.id) {
                            Some(mean) => td.num { (behind(view, Of::Week(week), Some(i), Some(0), &number::with_limits(&mean.mean, 1, number::NOT_ESTIMABLE))) },
                            None => td.num { "–" },
                        }
                    }
                    @for (arm, _) in &against { (difference(model.differences.iter().find(|d| d.week == week && d.arm == **arm))) }
                } }
                tr.any { th scope="row" { "Averaged from baseline" } @for _ in arms { td.num { "–" } }
                    @for (arm, _) in &against { (difference(model.averaged.iter().find(|d| d.arm == **arm))) } }
            }
        } }
    }
}

/// Patterns by subject, and what became of each week.
fn missing(view: &View<'_>, quality: &QualityResult) -> Markup {
    let arms = &view.results.arms;
    if quality.patterns.is_empty() {
        return html! {};
    }
    html! {
        h3 id="factb-missing" { "Missing questionnaires" }
        table {
            caption { "Subjects by pattern, n (% of those with a questionnaire due)" }
            thead { tr { th scope="col" { "Pattern" } @for arm in arms { th.num scope="col" { (words::arm_name(arm)) } } } }
            tbody { @for (place, label) in MISSING.iter().enumerate() { tr { th scope="row" { (words::capital(label)) }
                @for (i, arm) in arms.iter().enumerate() {
                    @match quality.patterns.iter().find(|row| row.arm == arm.id) {
                        Some(row) => {
                            @let all = [row.complete.n, row.monotone.n, row.intermittent.n, row.never.n];
                            td.num { (behind(view, Of::Missing(place), Some(i), None, &number::n_percent(all[place], all.iter().sum()))) }
                        },
                        None => td.num { "–" },
                    }
                }
            } } }
        }
        div.wide { table.small {
            caption { "What became of each planned questionnaire, subjects" }
            thead { tr { th scope="col" { "Week" } th scope="col" { "Arm" }
                @if let Some(row) = quality.missing.first() { @for (what, _) in became(row) { th.num scope="col" { (words::capital(what)) } } } } }
            tbody { @for week in became_weeks(quality) { @for row in quality.missing.iter().filter(|row| row.week == week) {
                @let arm = words::arm_index(view.results, &row.arm);
                tr { th scope="row" { (week) } td { (row.arm) }
                    @for (part, (_, counted)) in became(row).into_iter().enumerate() {
                        td.num { (behind(view, Of::Became(week), Some(arm), Some(part), &number::count(counted.n))) } } }
            } } }
        } }
    }
}

fn weeks(view: &View<'_>, quality: &QualityResult) -> Markup {
    let mut weeks: Vec<u32> = quality.by_week.iter().map(|point| point.week).collect();
    weeks.sort_unstable();
    weeks.dedup();
    let arms = &view.results.arms;
    html! {
        div.wide { table {
            caption { (quality.score) ": mean (" (number::level(quality.confidence)) " % CI), and questionnaires scored of those expected" }
            thead {
                tr { td {} @for arm in arms { th.arm.num scope="colgroup" colspan="2" { (words::arm_name(arm)) } } }
                tr { th scope="col" { "Week" } @for _ in arms { th.num scope="col" { "Mean" } th.num scope="col" { "Scored" } } }
            }
            tbody { @for week in weeks {
                tr { th scope="row" { (week) } @for (i, arm) in arms.iter().enumerate() {
                    @match quality.by_week.iter().find(|point| point.week == week && point.arm == arm.id).filter(|point| point.expected > 0) {
                        Some(point) => {
                            @let of = format!("{} of {}", number::count(point.scored.n), number::count(point.expected));
                            td.num { (behind(view, Of::Week(week), Some(i), Some(0), &number::with_limits(&point.mean, 1, number::NOT_ESTIMABLE))) }
                            td.num { (behind(view, Of::Week(week), Some(i), None, &of)) }
                        },
                        None => { td.num { "–" } td.num { "–" } },
                    }
                } }
            } }
        } }
    }
}

fn areas(view: &View<'_>, quality: &QualityResult, areas: &[QualityArea], id: &str, caption: &str) -> Markup {
    html! {
        table {
            caption { (quality.score) ": " (caption) }
            @let level = number::level(quality.confidence);
            thead { tr { th scope="col" { "Arm" } th.num scope="col" { "n" } th.num scope="col" { "Mean area, score-weeks (" (level) " % CI)" }
                th.num scope="col" { "Mean time-averaged score (" (level) " % CI)" } } }
            tbody { @for area in areas {
                tr { th scope="row" { (area.arm) ": " (words::arm_label(view.results, &area.arm)) }
                    td.num { (traced(id, &number::count(area.n))) }
                    td.num { (traced(id, &number::with_limits(&area.score_weeks, 0, number::NOT_ESTIMABLE))) }
                    td.num { (traced(id, &number::with_limits(&area.average, 1, number::NOT_ESTIMABLE))) } }
            } }
        }
        (by_subject(view, areas, id))
    }
}

/// Each subject's area.
fn by_subject(view: &View<'_>, areas: &[QualityArea], id: &str) -> Markup {
    let rows = || areas.iter().flat_map(|area| area.subjects.iter().map(move |row| (area, row)));
    let all = rows().count();
    html! {
        details {
            summary { "The area of each of " (number::counted(all, "subject")) }
            div.in id=(id) {
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
}

/// The areas under the rules of each sensitivity analysis beside the main ones; the subjects behind each row.
fn sensitivity(view: &View<'_>, quality: &QualityResult) -> Markup {
    let arms = &view.results.arms;
    let main: Vec<QualityDifference> =
        main_difference(view, quality).into_iter().chain(quality.more_differences.iter().cloned()).collect();
    html! {
        div.wide { table.side.qol {
            caption { "Sensitivity analyses of the area under the curve" }
            thead {
                tr { td {} @for arm in arms { th.arm.num scope="colgroup" colspan="3" { "Arm " (arm.id) } } th.arm.num scope="colgroup" colspan="2" { "Comparison" } }
                tr { th scope="col" { "Analysis" }
                    @for _ in arms { th.num scope="col" { "n" } th.num scope="col" { "Area, score-weeks" } th.num scope="col" { "Time-averaged score" } }
                    th.num scope="col" { "Difference, time-averaged" } th.num scope="col" { "p" } }
            }
            tbody {
                tr.any { th scope="row" { "Main analysis" } (beside(view, &quality.auc, &main, "auc")) }
                @for (i, other) in quality.sensitivity.iter().enumerate() {
                    tr { th scope="row" { (other.label) } (beside(view, &other.auc, &other.differences, &format!("auc-{i}"))) }
                }
            }
        } }
        p.note { "Means and differences with " (number::level(quality.confidence)) " % confidence limits; p of Welch's t test." (legend(view)) }
        @for (i, other) in quality.sensitivity.iter().enumerate() {
            details.more {
                summary { (other.label) " " span.kind { "(" (other.id) ")" } ": rules and subjects" }
                @if !other.rules.is_empty() { p { "Rules: " (joined(&other.rules)) "." } }
                (by_subject(view, &other.auc, &format!("auc-{i}")))
            }
        }
    }
}

fn beside(view: &View<'_>, areas: &[QualityArea], differences: &[QualityDifference], anchor: &str) -> Markup {
    let several = differences.len() > 1;
    let two = |estimate: &Estimate, places: usize| {
        html! {
            (traced(anchor, &estimate.value.map_or_else(|| "NE".to_owned(), |v| number::decimals(v, places))))
            @if estimate.lower.is_some() || estimate.upper.is_some() { br; span.sub { (number::limits(estimate, places, "NE")) } }
        }
    };
    html! {
        @for arm in &view.results.arms {
            @match areas.iter().find(|area| area.arm == arm.id).filter(|area| area.n > 0) {
                Some(area) => { td.num.first { (traced(anchor, &number::count(area.n))) } td.num { (two(&area.score_weeks, 0)) } td.num { (two(&area.average, 1)) } },
                None => { td.num.first { "–" } td.num { "–" } td.num { "–" } },
            }
        }
        td.num.first { @for d in differences { div { @if several { (d.arm) ": " } (two(&d.difference, 1)) } } }
        td.num { @for d in differences { div { @if several { (d.arm) ": " } (traced(anchor, &number::p(d.p))) } } }
    }
}

/// The difference that stands in the result itself, with the names of its arms.
fn main_difference(view: &View<'_>, quality: &QualityResult) -> Option<QualityDifference> {
    let name =
        |control: bool| view.results.arms.iter().find(|arm| arm.control == control).map(|arm| arm.id.clone());
    let (difference, p) = (quality.difference?, quality.p.unwrap_or(f64::NAN));
    Some(QualityDifference { arm: name(false)?, control: name(true)?, difference, p })
}

/// The main differences.
fn difference(view: &View<'_>, quality: &QualityResult) -> Markup {
    html! {
        @match main_difference(view, quality) {
            Some(first) => (stated(view, quality, &first, "auc")),
            None => (nothing("The arms are not compared: too few subjects have an area.")),
        }
        @for d in &quality.more_differences { (stated(view, quality, d, "auc")) }
    }
}

fn stated(view: &View<'_>, quality: &QualityResult, d: &QualityDifference, anchor: &str) -> Markup {
    let to = |text: &str| traced(anchor, text);
    html! {
        p.comparison {
            strong { (words::arm_label(view.results, &d.arm)) } " against " strong { (words::arm_label(view.results, &d.control)) }
            ": the time-averaged scores differ by "
            strong.nb { (to(&d.difference.value.map_or_else(|| number::NOT_ESTIMABLE.to_owned(), |v| number::decimals(v, 1)))) }
            " (" (number::level(quality.confidence)) " % CI " (number::limits(&d.difference, 1, number::NOT_ESTIMABLE)) "; Welch's t test, "
            span.nb { (to(&number::p_equals(d.p))) } ")."
        }
    }
}
