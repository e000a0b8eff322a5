//! Where progressions were, how often and when SABR was given again, and where each strategy stood over time.
//!
//! Never judges a progression. See `analysis::results::Patterns`.

use analysis::results::{CourseRow, PatternRow, State, States};
use maud::{Markup, html};

use super::{View, behind, file, nothing};
use crate::behind::{Of, courses};
use crate::{number, words};

/// The whole section.
pub fn patterns(view: &View<'_>) -> Markup {
    let patterns = &view.results.patterns;
    html! {
        h3 id="places" { "Where progressions were" }
        @if patterns.first.is_empty() { (nothing("Nobody has progressed since randomisation.")) } @else {
            (places(view, &patterns.first, Of::First, "First progression since randomisation, subjects (% of randomised)"))
        }
        @if !patterns.failing.is_empty() {
            (places(view, &patterns.failing, Of::Failing, "The progression that failed the strategy, subjects (% of randomised)"))
        }
        p.note { "A lesion had SABR where a course since randomisation began before the day of the progression." }
        (exposure(view))
        (file("progression_places.csv, sabr_courses.csv, sabr_mean_courses.csv, strategy_states.csv, strategy_flows.csv"))
    }
}

/// Courses of SABR and the strategy over time.
pub fn exposure(view: &View<'_>) -> Markup {
    let patterns = &view.results.patterns;
    html! {
        h3 id="courses" { "SABR again" }
        @if patterns.courses.iter().all(|row| row.courses.is_empty()) {
            (nothing("No course of SABR is recorded since randomisation."))
        } @else {
            (view.figure("courses"))
            (numbers(view, &patterns.courses))
            (timing(view, &patterns.courses))
        }
        h3 id="states" { "The strategy over time" }
        @match &patterns.states {
            Some(states) => { (view.figure("states")) (over_time(view, states)) },
            None => (nothing("Nobody with a strategy was followed for six months yet, or no arm has one.")),
        }
    }
}

fn places(view: &View<'_>, rows: &[PatternRow], of: fn(usize) -> Of, caption: &str) -> Markup {
    let arms = &view.results.arms;
    html! {
        table {
            caption { (caption) }
            thead { tr { th scope="col" { "Where" } @for arm in arms { th.num scope="col" { (words::arm_name(arm)) } } } }
            tbody { @for (place, row) in rows.iter().enumerate() {
                tr { th scope="row" { (words::place(row.place)) }
                    @for (i, counted) in row.counts.iter().enumerate() {
                        @let of_all = arms.get(i).map_or(0, |arm| arm.randomised);
                        td.num { (behind(view, of(place), Some(i), None, &number::n_percent(counted.n, of_all))) }
                    }
                }
            } }
        }
    }
}

fn numbers(view: &View<'_>, rows: &[CourseRow]) -> Markup {
    let groups = rows.iter().map(|row| row.subjects.len()).max().unwrap_or(0);
    html! {
        table {
            caption { "Courses of SABR since randomisation, subjects (%)" }
            thead { tr { th scope="col" { "Courses" } @for row in rows { th.num scope="col" { (words::arm_label(view.results, &row.arm)) } } } }
            tbody { @for n in 0..groups { tr { th scope="row" { (words::capital(&courses(n, groups))) }
                @for row in rows {
                    @let all = row.subjects.iter().map(|counted| counted.n).sum();
                    @let found = row.subjects.get(n).map_or(0, |counted| counted.n);
                    td.num { (behind(view, Of::Courses(n), Some(words::arm_index(view.results, &row.arm)), None, &number::n_percent(found, all))) }
                }
            } } }
        }
    }
}

fn timing(view: &View<'_>, rows: &[CourseRow]) -> Markup {
    let months = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| number::decimals(v, 1));
    html! {
        table {
            caption { "When each course began" }
            thead { tr { th scope="col" { "Arm" } th scope="col" { "Course" } th.num scope="col" { "Subjects" }
                th.num scope="col" { "Median months from randomisation (quartiles)" } th.num scope="col" { "Median months since the one before" } } }
            tbody { @for row in rows { @for course in &row.courses { tr {
                @let to = |text: &str| behind(view, Of::Course(course.number - 1), Some(words::arm_index(view.results, &row.arm)), None, text);
                th scope="row" { (row.arm) } td { (course.number) }
                td.num { (to(&number::count(course.subjects.n))) }
                td.num { (to(&format!("{} ({} to {})", months(course.median), months(course.q1), months(course.q3)))) }
                td.num { (to(&months(course.median_gap))) }
            } } } }
        }
    }
}

fn over_time(view: &View<'_>, states: &States) -> Markup {
    html! {
        div.wide { table.small {
            caption { "Subjects by state and month" }
            thead { tr { th scope="col" { "Arm" } th scope="col" { "State" } @for month in &states.months { th.num scope="col" { (number::short(*month, 0)) } } } }
            tbody { @for arm in &states.arms { @for (place, state) in State::ALL.iter().enumerate() { tr {
                th scope="row" { (arm.arm) } td { (words::capital(words::state(*state))) }
                @for at in 0..states.months.len() {
                    @let n = arm.counts.get(at).and_then(|counts| counts.get(place)).map_or(0, |counted| counted.n);
                    td.num { (behind(view, Of::State(at, place), Some(words::arm_index(view.results, &arm.arm)), None, &number::count(n))) }
                }
            } } } }
        } }
    }
}
