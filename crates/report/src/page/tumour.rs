//! Sections on response, the course of each subject and SABR.
//!
//! Never judges a response. The words behind each stand in the subject's trace.

use analysis::results::{Change, MarkKind, ResponseRow};
use maud::{Markup, html};

use super::{MOST_ROWS, View, behind, cut, file, nothing, traced};
use crate::behind::Of;
use crate::{number, words};

/// Best overall response, waterfall, spider.
pub fn responses(view: &View<'_>) -> Markup {
    html! {
        @if view.results.responses.is_empty() {
            (nothing("Nobody has a tumour assessment after baseline yet: there is no response to show."))
        } @else { (response_table(view)) }
        (view.figure("waterfall"))
        (changes(view))
        (view.figure("spider"))
        (file("responses.csv, waterfall.csv, spider.csv, rs.csv"))
    }
}

fn response_table(view: &View<'_>) -> Markup {
    let arms = &view.results.arms;
    html! {
        table {
            caption { "Best overall response (RECIST 1.1), n (% of randomised)" }
            thead { tr { th scope="col" { "Response" } @for arm in arms { th.num scope="col" { (words::arm_name(arm)) } } } }
            tbody { @for (place, row) in view.results.responses.iter().enumerate() {
                tr { th scope="row" { (response_name(row)) }
                    @for (i, counted) in row.counts.iter().enumerate() {
                        @let text = number::n_percent(counted.n, arms.get(i).map_or(0, |arm| arm.randomised));
                        td.num { (behind(view, Of::Response(place), Some(i), None, &text)) }
                    }
                }
            } }
        }
    }
}

fn response_name(row: &ResponseRow) -> Markup {
    html! {
        @match row.response {
            Some(response) => { (words::response(response)) " (" (response) ")" },
            None => "No assessment after baseline",
        }
    }
}

fn changes(view: &View<'_>) -> Markup {
    let all: &[Change] = &view.results.waterfall;
    let shown = &all[..all.len().min(MOST_ROWS)];
    html! {
        details id="changes" {
            summary { "Best change and best response of each of " (number::counted(all.len(), "subject")) }
            @if all.is_empty() { (nothing("Nobody has a sum of diameters at baseline and afterwards yet.")) } @else {
                table.filter.small {
                    caption { "Best change of the sum of diameters" }
                    thead { tr { th scope="col" { "Subject" } th scope="col" { "Arm" } th.num scope="col" { "Best change, %" }
                        th scope="col" { "Best response" } th scope="col" { "Events" } } }
                    tbody { @for change in shown {
                        tr { th scope="row" { (view.links.subject_markup(&change.subject)) } td { (change.arm) }
                            td.num { (number::decimals(100.0 * change.change, 1)) } td { (change.best) }
                            td.events { (view.links.events_markup(&change.events)) } }
                    } }
                }
                (cut(shown.len(), all.len(), "waterfall.csv"))
            }
        }
    }
}

/// The swimmer plot and its marks by kind.
pub fn swimmer(view: &View<'_>) -> Markup {
    html! {
        (view.figure("swimmer"))
        @for kind in words::MARKS { (marks(view, kind)) }
        (file("swimmer_lanes.csv, swimmer_marks.csv, swimmer_lines.csv"))
    }
}

fn marks(view: &View<'_>, kind: MarkKind) -> Markup {
    let found = || {
        let lanes = view.results.swimmer.iter();
        lanes.flat_map(|lane| {
            lane.marks.iter().filter(move |mark| mark.kind == kind).map(move |mark| (lane, mark))
        })
    };
    let all = found().count();
    html! {
        // Present even when empty: the flow leads here.
        details id=(format!("marks-{}", words::mark_code(kind))) {
            summary { (words::mark(kind)) ": " (number::count(all)) }
            @if all == 0 { (nothing("None in these data.")) } @else {
                table.filter.small {
                    caption { (words::mark(kind)) }
                    thead { tr { th scope="col" { "Subject" } th scope="col" { "Arm" } th.num scope="col" { "Day from randomisation" }
                        th scope="col" { "In words" } th scope="col" { "Events" } } }
                    tbody { @for (lane, mark) in found().take(MOST_ROWS) {
                        tr { th scope="row" { (view.links.subject_markup(&lane.subject)) } td { (lane.arm) } td.num { (mark.day) }
                            td { (mark.words) } td.events { (view.links.events_markup(&mark.events)) } }
                    } }
                }
                (cut(all.min(MOST_ROWS), all, "swimmer_marks.csv"))
            }
        }
    }
}

/// SABR given, with BED and EQD2.
pub fn sabr(view: &View<'_>) -> Markup {
    let rows = &view.results.sabr;
    if rows.iter().all(|row| row.courses.n == 0) {
        return nothing("No course of SABR is recorded in these data.");
    }
    let all = traced("marks-sabr", "each course");
    html! {
        table {
            caption { "SABR by arm" }
            thead { tr { th scope="col" { "Arm" } th.num scope="col" { "Subjects treated, n (% of randomised)" } th.num scope="col" { "Courses" }
                th.num scope="col" { "Lesions" } th.num scope="col" { "Subjects with a second course or more" } } }
            tbody { @for row in rows {
                @let randomised = view.results.arms.iter().find(|arm| arm.id == row.arm).map_or(0, |arm| arm.randomised);
                tr { th scope="row" { (row.arm) ": " (words::arm_label(view.results, &row.arm)) }
                    @let place = Some(words::arm_index(view.results, &row.arm));
                    td.num { (behind(view, Of::Sabr, place, None, &number::n_percent(row.subjects.n, randomised))) }
                    td.num { (behind(view, Of::SabrCourses, place, None, &number::count(row.courses.n))) }
                    td.num { (behind(view, Of::SabrCourses, place, None, &number::count(row.lesions))) }
                    td.num { (behind(view, Of::SabrAgain, place, None, &number::n_percent(row.again.n, row.subjects.n))) } }
            } }
        }
        table {
            caption { "Schedules, with the biologically effective dose (BED) and its equivalent in 2 Gy fractions (EQD2) for tumour" }
            thead { tr { th scope="col" { "Arm" } th scope="col" { "Schedule" } th.num scope="col" { "BED, Gy" } th.num scope="col" { "EQD2, Gy" }
                th.num scope="col" { "Lesions" } } }
            tbody { @for (i, row) in rows.iter().enumerate() { @for (j, schedule) in row.schedules.iter().enumerate() {
                @let to = |text: &str| behind(view, Of::Schedule(i, j), None, None, text);
                tr { th scope="row" { (row.arm) } td { (number::short(schedule.dose_gy, 1)) " Gy in " (schedule.fractions) }
                    td.num { (to(&number::decimals(schedule.bed_gy, 1))) } td.num { (to(&number::decimals(schedule.eqd2_gy, 1))) }
                    td.num { (to(&number::count(schedule.lesions.n))) } }
            } } }
        }
        p.note { "BED = n d (1 + d / (α/β)); EQD2 = BED / (1 + 2 / (α/β)). See " (all) " with its events." }
        (file("sabr.csv, sabr_schedules.csv"))
    }
}
