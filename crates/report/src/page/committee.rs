//! What a safety committee reads beyond the tables of a report.
//!
//! Never an estimate of an effect on an endpoint, and in the open part never a subject. EMA, Guideline on data monitoring
//! committees (2005), section 4; FDA, Use of Data Monitoring Committees (2024).

use analysis::results::{Counted, Narrative};
use maud::{Markup, html};

use super::{MOST_ROWS, View, behind, cut, file, legend, nothing};
use crate::Part;
use crate::behind::{Of, at_most, status};
use crate::{number, words};

/// Whose report this is, and which part.
pub fn opening(view: &View<'_>, part: Part) -> Markup {
    let about = &view.results.about;
    html! {
        header.opening {
            p.kicker { "Report for the safety committee · "
                @match part { Part::Open => "open part", Part::Closed => "closed part" }
                " · protocol " (about.protocol_version) }
            h1 { (about.trial) }
            p.lead { (about.title) }
            @match part {
                Part::Open => p { strong { "Open part: all arms in one." } " It compares nothing and names no subject, and may be read by the sponsor, the trial office and
                    the investigators." },
                Part::Closed => p { strong { "Closed part: by arm, confidential." } " For the members of the committee and the statistician who made it alone; not for the
                    sponsor, the trial office or an investigator while the trial runs." },
            }
            p.note { "It shows what was done and what happened to subjects, not whether the treatment works." }
        }
    }
}

fn head(view: &View<'_>, first: &str) -> Markup {
    html! { thead { tr { th scope="col" { (first) } @for arm in &view.results.arms { th.num scope="col" { (words::arm_name(arm)) } } } } }
}

/// How far the data reach and what is open in them.
pub fn completeness(view: &View<'_>) -> Markup {
    let rows = &view.results.committee.completeness;
    let within = rows.first().map_or(0, |row| row.within_days);
    let plain = |what: &str, of: &dyn Fn(usize) -> usize| {
        html! { tr { th scope="row" { (what) } @for i in 0..rows.len() { td.num { (number::count(of(i))) } } } }
    };
    html! {
        table {
            caption { "Completeness" }
            (head(view, "What"))
            tbody {
                (plain("Randomised", &|i| rows[i].subjects))
                tr { th scope="row" { "Alive and in the trial, as far as is known" }
                    @for (i, row) in rows.iter().enumerate() { td.num { (behind(view, Of::Alive, Some(i), None, &number::count(row.followed.n))) } } }
                tr { th scope="row" { "of these, seen within " (within) " days of the end of the data, n (%)" }
                    @for (i, row) in rows.iter().enumerate() {
                        td.num { (behind(view, Of::UpToDate, Some(i), None, &number::n_percent(row.up_to_date.n, row.followed.n))) } } }
                (plain("Forms entered", &|i| rows[i].forms))
                (plain("Queries not closed", &|i| rows[i].open_queries))
                (plain("Values that could not be read", &|i| rows[i].faults))
            }
        }
        @if let Some(quality) = &view.results.quality_of_life {
            table {
                caption { (quality.score) ": questionnaires scored of those due" }
                (head(view, "Week"))
                tbody { @for week in weeks(view) { tr { th scope="row" { (week) }
                    @for (i, arm) in view.results.arms.iter().enumerate() {
                        @match quality.by_week.iter().find(|point| point.week == week && point.arm == arm.id) {
                            Some(point) => td.num { (behind(view, Of::Week(week), Some(i), None, &format!("{} of {}", point.scored.n, point.expected))) },
                            None => td.num { "–" },
                        }
                    }
                } } }
            }
        }
        (file("completeness.csv, factb_weeks.csv"))
    }
}

fn weeks(view: &View<'_>) -> Vec<u32> {
    let points = view.results.quality_of_life.iter().flat_map(|quality| &quality.by_week);
    let mut weeks: Vec<u32> = points.map(|point| point.week).collect();
    weeks.sort_unstable();
    weeks.dedup();
    weeks
}

/// By cause, and soon after SABR.
pub fn deaths(view: &View<'_>) -> Markup {
    let committee = &view.results.committee;
    let arms = &view.results.arms;
    if committee.deaths.is_empty() {
        return nothing("No death since randomisation is recorded.");
    }
    let cells = |of: Of, counts: &[Counted]| {
        html! { @for (i, counted) in counts.iter().enumerate() {
            @let all = arms.get(i).map_or(0, |arm| arm.randomised);
            td.num { (behind(view, of, Some(i), None, &number::n_percent(counted.n, all))) }
        } }
    };
    html! {
        table {
            caption { "Deaths since randomisation, n (% of randomised)" }
            (head(view, "Cause as entered"))
            tbody {
                @for (place, row) in committee.deaths.iter().enumerate() { tr { th scope="row" { (row.cause) } (cells(Of::Death(place), &row.counts)) } }
            }
            tbody {
                @for (place, (days, counts)) in committee.soon.iter().enumerate() {
                    tr { th scope="row" { "Of any cause, within " (days) " days of the start of the last course of SABR" } (cells(Of::Soon(place), counts)) }
                }
            }
        }
        (file("deaths.csv"))
    }
}

/// Baseline against the worst afterwards.
pub fn shifts(view: &View<'_>) -> Markup {
    let rows = &view.results.committee.ecog;
    let columns = rows.first().and_then(|row| row.by_arm.first()).map_or(0, Vec::len);
    html! {
        @if rows.is_empty() || columns == 0 { (nothing("No performance status is recorded.")) } @else {
            div.wide { table.small {
                caption { "ECOG performance status, baseline against the worst afterwards, subjects" }
                thead {
                    tr { td {} @for arm in &view.results.arms { th.arm scope="colgroup" colspan=(columns) { "Arm " (arm.id) ", worst" } } }
                    tr { th scope="col" { "Baseline" } @for _ in &view.results.arms { @for worst in 0..columns {
                        th.num scope="col" { @match at_most(worst, columns) { Some(worst) => (worst), None => "none" } } } } }
                }
                tbody { @for (place, row) in rows.iter().enumerate() { tr { th scope="row" { (words::capital(&status(row.baseline))) }
                    @for (i, counts) in row.by_arm.iter().enumerate() { @for (worst, counted) in counts.iter().enumerate() {
                        td.num { (behind(view, Of::Shift(place, worst), Some(i), None, &number::count(counted.n))) }
                    } }
                } } }
            } }
            p.note { "None: no status after baseline is recorded." (legend(view)) }
            (file("ecog_shift.csv"))
        }
        p { "Laboratory values: no form of this trial has a meaning for them that the program knows, so that there is no shift table of them; their
            toxicity stands with the adverse events." }
    }
}

/// Each serious event in sentences.
pub fn narratives(view: &View<'_>) -> Markup {
    let all = &view.results.committee.narratives;
    if all.is_empty() {
        return nothing(
            "No serious event since randomisation is recorded, or the trial is larger than the limits of this report.",
        );
    }
    let shown = all.len().min(MOST_ROWS);
    html! {
        p { "Made from the record alone, sentence by sentence: what is not said was not recorded." }
        @for row in &all[..shown] { (narrative(view, row)) }
        (cut(shown, all.len(), "narratives.csv"))
        (file("narratives.csv"))
    }
}

fn narrative(view: &View<'_>, row: &Narrative) -> Markup {
    html! {
        h4 { (row.subject) ", " (row.term) @if let Some(grade) = row.grade { ", grade " (grade) } @if row.expedited { ", serious and related" } }
        p { "Subject " (view.links.subject_markup(&row.subject)) ", site " (row.site) @if let Some(arm) = &row.arm { ", arm " (arm) } ". " (row.words)
            " [" (view.links.events_markup(&row.events)) "]" }
    }
}
