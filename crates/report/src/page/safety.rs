//! Adverse events: subjects once each at their worst grade, overall, by class and by term; serious and related ones.
//!
//! Never grades. CTCAE v5.0; 'related' is possibly, probably or definitely so (rules of the protocol).

use analysis::results::GradeRow;
use maud::{Markup, html};

use super::{MOST_ROWS, View, behind, cut, file, legend, nothing};
use crate::behind::Of;
use crate::{number, words};

/// Both tables, serious and expedited events.
pub fn safety(view: &View<'_>) -> Markup {
    let safety = &view.results.safety;
    html! {
        @if safety.from_severity {
            p.note { "The events carried no CTCAE grade; grades are their severities: mild 1, moderate 2, severe 3." }
        }
        @if !safety.ungraded.is_empty() {
            details { summary { "Events without a grade, which stand in no table by grade: " (number::count(safety.ungraded.len())) }
                p { @for (i, (subject, arm, event)) in safety.ungraded.iter().take(MOST_ROWS).enumerate() {
                    @if i > 0 { "; " } (view.links.subject_markup(subject)) " (" (arm) ") [" (view.links.events_markup(&[*event])) "]" } }
            }
        }
        @if safety.ungraded.is_empty() && safety.ungraded_events > 0 {
            p.note { "Events without a grade, which stand in no table by grade: " (number::count(safety.ungraded_events)) "." }
        }
        h3 id="trae" { "Treatment-related adverse events" }
        @if !safety.attributed_to.is_empty() {
            p { "Possibly, probably or definitely related to " (either(&safety.attributed_to)) ". Each subject counts once a row, at its worst grade." }
        }
        (table(view, &safety.related, Of::Related, "Treatment-related adverse events by worst grade, subjects"))
        (by_attribution(view))
        (file("trae.csv, trae_by_attribution.csv"))
        h3 id="ae" { "All adverse events" }
        (table(view, &safety.all, Of::Adverse, "Adverse events of any cause by worst grade, subjects"))
        (file("ae.csv, adae_subjects.csv"))
        h3 id="sae" { "Serious adverse events" }
        (serious(view))
    }
}

/// `systemic therapy or SABR`.
fn either(labels: &[String]) -> String {
    match labels {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn table(view: &View<'_>, rows: &[GradeRow], of: fn(usize) -> Of, caption: &str) -> Markup {
    if rows.is_empty() {
        return nothing(
            "No such event is recorded in these data. That may mean none happened, or none was entered.",
        );
    }
    let arms = &view.results.arms;
    html! {
        div.wide { table.grades {
            (caption_with_terms(caption))
            colgroup { col.what; }
            @for _ in arms { colgroup { col.any; col.any; @for _ in 1..=5 { col.grade; } } }
            thead {
                (arm_head(view, 7))
                tr {
                    th scope="col" { "Class and term" }
                    @for _ in arms {
                        th.num.first scope="col" { "Any, n (%)" } th.num scope="col" { "≥ 3, n (%)" }
                        @for grade in 1..=5 { th.num scope="col" { (grade) } }
                    }
                }
            }
            @for class in classes(rows) { tbody {
                @for place in class { (line(rows, place, &counts(view, &rows[place], of(place)))) }
            } }
        } }
        p.note { (legend(view)) }
    }
}

/// The rows of each class, its own first, as ranges of places; any event is a range of its own.
fn classes(rows: &[GradeRow]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut from = 0;
    rows.chunk_by(|a, b| a.class == b.class).map(move |group| {
        let range = from..from + group.len();
        from = range.end;
        range
    })
}

/// The caption, with a box that shows every term.
fn caption_with_terms(caption: &str) -> Markup {
    html! { caption { (caption) label.terms { input.every type="checkbox"; " Show every term" } } }
}

fn arm_head(view: &View<'_>, columns: usize) -> Markup {
    html! {
        tr {
            td {}
            @for (i, arm) in view.results.arms.iter().enumerate() {
                th.arm scope="colgroup" colspan=(columns) { "Arm " (arm.id) ", n = "
                    (number::count(view.results.safety.at_risk.get(i).copied().unwrap_or(0))) }
            }
        }
    }
}

/// One row: any event, a class that opens to its terms, or a term.
fn line(rows: &[GradeRow], place: usize, cells: &Markup) -> Markup {
    let row = &rows[place];
    let has_terms = row.class.is_some()
        && rows.get(place + 1).is_some_and(|next| next.term.is_some() && next.class == row.class);
    html! {
        @match (&row.class, &row.term) {
            (_, Some(term)) => tr.term { th.level scope="row" { (term) } (cells) },
            (Some(class), None) => tr {
                th scope="row" { @if has_terms { label { input.open type="checkbox"; " " (class) } } @else { (class) } }
                (cells)
            },
            (None, None) => tr.any { th scope="row" { "Any event" } (cells) },
        }
    }
}

fn counts(view: &View<'_>, row: &GradeRow, of: Of) -> Markup {
    html! {
        @for (i, grades) in row.counts.iter().enumerate() {
            (any_and_severe(view, grades, i, of))
            @for (grade, n) in grades.iter().enumerate() {
                @if *n == 0 { td.num.zero { "0" } }
                @else { td.num { (behind(view, of, Some(i), Some(grade), &number::count(*n))) } }
            }
        }
    }
}

/// Subjects with any grade, and with 3 or more, of those at risk in the arm at `arm`.
fn any_and_severe(view: &View<'_>, grades: &[usize; 5], arm: usize, of: Of) -> Markup {
    let at_risk = view.results.safety.at_risk.get(arm).copied().unwrap_or(0);
    let cell = |n: usize| {
        html! { @if n == 0 { "0" } @else { (behind(view, of, Some(arm), None, &number::n_percent(n, at_risk))) } }
    };
    let (any, severe) = (grades.iter().sum::<usize>(), grades[2..].iter().sum::<usize>());
    html! {
        td.num.first.zero[any == 0] { (cell(any)) }
        td.num.zero[severe == 0] { (cell(severe)) }
    }
}

/// The related events by what they are related to, side by side; a subject may stand under more than one.
fn by_attribution(view: &View<'_>) -> Markup {
    let (safety, arms) = (&view.results.safety, &view.results.arms);
    if safety.related_to.len() < 2 || safety.related.is_empty() {
        return html! {};
    }
    let to = &safety.related_to;
    html! {
        div.wide { table.grades.attributed {
            (caption_with_terms("Treatment-related adverse events by what they are related to, subjects"))
            colgroup { col.what; }
            @for _ in arms { colgroup { @for _ in to { col.any; col.any; } } }
            thead {
                (arm_head(view, 2 * to.len()))
                tr {
                    td {}
                    @for _ in arms { @for attribution in to { th.arm.inner scope="colgroup" colspan="2" { (attribution.label) } } }
                }
                tr {
                    th scope="col" { "Class and term" }
                    @for _ in arms { @for _ in to { th.num.first scope="col" { "Any, n (%)" } th.num scope="col" { "≥ 3, n (%)" } } }
                }
            }
            @for class in classes(&safety.related) { tbody {
                @for place in class { (line(&safety.related, place, &attributed(view, &safety.related[place]))) }
            } }
        } }
        p.note { "An event that is related to more than one counts under each." (legend(view)) }
    }
}

fn attributed(view: &View<'_>, row: &GradeRow) -> Markup {
    html! {
        @for arm in 0..view.results.arms.len() {
            @for (a, attribution) in view.results.safety.related_to.iter().enumerate() {
                @match attribution.rows.iter().position(|other| (&other.class, &other.term) == (&row.class, &row.term)) {
                    Some(place) => (any_and_severe(view, &attribution.rows[place].counts[arm], arm, Of::RelatedTo(a, place))),
                    None => { td.num.first.zero { "0" } td.num.zero { "0" } },
                }
            }
        }
    }
}

fn serious(view: &View<'_>) -> Markup {
    let safety = &view.results.safety;
    let arms = &view.results.arms;
    let shown = safety.expedited.len().min(MOST_ROWS);
    html! {
        table {
            caption { "Subjects with a serious adverse event, n (%)" }
            thead { tr { @for arm in arms { th.num scope="col" { (words::arm_name(arm)) } } } }
            tbody { tr { @for i in 0..arms.len() {
                @let of = safety.at_risk.get(i).copied().unwrap_or(0);
                @let n = safety.serious.get(i).map_or(0, |counted| counted.n);
                td.num { (behind(view, Of::Serious, Some(i), None, &number::n_percent(n, of))) }
            } } }
        }
        h4 id="expedited" { "Serious and related: expedited reporting" }
        @if safety.expedited.is_empty() && safety.expedited_events > 0 {
            p { "Events that are both serious and related: " (number::count(safety.expedited_events)) ". They are listed where subjects may be named." }
        } @else if safety.expedited.is_empty() { (nothing("No event is both serious and related.")) } @else {
            table.filter {
                caption { "Serious and related events" }
                thead { tr { th scope="col" { "Subject" } th scope="col" { "Arm" } th scope="col" { "Term" } th.num scope="col" { "Grade" } th scope="col" { "Event" } } }
                tbody { @for (subject, arm, term, grade, event) in &safety.expedited[..shown] {
                    tr { th scope="row" { (view.links.subject_markup(subject)) } td { (arm) } td { (term) }
                        td.num { @match grade { Some(grade) => (grade), None => "–" } }
                        td.events { (view.links.events_markup(&[*event])) } }
                } }
            }
            (cut(shown, safety.expedited.len(), "expedited.csv"))
        }
    }
}
