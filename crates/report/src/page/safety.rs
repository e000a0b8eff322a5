//! Adverse events: subjects once each at their worst grade, overall, by class and by term; serious and related ones.
//!
//! Never grades. CTCAE v5.0; 'related' is possibly, probably or definitely so (rules of the protocol).

use analysis::results::{ArmName, GradeRow};
use maud::{Markup, html};

use super::{MOST_ROWS, View, cut, file, nothing, traced};
use crate::{number, words};

/// So many subjects are named behind one row of the table.
const MOST_NAMED: usize = 120;

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
        h3 id="trae" { "Treatment-related adverse events" }
        @if !safety.attributed_to.is_empty() {
            p { "Possibly, probably or definitely related to: " (safety.attributed_to.join(", ")) "." }
        }
        (table(view, &safety.related, "r", "Treatment-related adverse events by worst grade, subjects"))
        (file("trae.csv"))
        h3 id="ae" { "All adverse events" }
        (table(view, &safety.all, "g", "Adverse events of any cause by worst grade, subjects"))
        (file("ae.csv, adae_subjects.csv"))
        h3 id="sae" { "Serious adverse events" }
        (serious(view))
    }
}

fn table(view: &View<'_>, rows: &[GradeRow], code: &str, caption: &str) -> Markup {
    if rows.is_empty() {
        return nothing(
            "No such event is recorded in these data. That may mean none happened, or none was entered.",
        );
    }
    let arms = &view.results.arms;
    let classes = || rows.iter().enumerate().filter(|(_, row)| row.term.is_none());
    let terms = |of: &GradeRow| {
        let class = of.class.clone();
        rows.iter()
            .enumerate()
            .filter(move |(_, row)| row.term.is_some() && class.is_some() && row.class == class)
    };
    html! {
        div.wide { table.grades {
            caption { (caption) }
            (grade_head(arms, view))
            tbody { @for (i, row) in classes() {
                tr.any[row.class.is_none()] {
                    th scope="row" { a.n href=(format!("#{code}{i}")) { (row.class.as_deref().unwrap_or("Any event")) } }
                    (counts(view, row, &format!("{code}{i}")))
                }
            } }
        } }
        @for (i, row) in classes() {
            details id=(format!("{code}{i}")) {
                summary { (row.class.as_deref().unwrap_or("Any event")) ": "
                    (number::counted(row.counts.iter().flatten().sum(), "subject")) }
                @if let (Some(class), Some(_)) = (&row.class, terms(row).next()) {
                    div.wide { table.grades.small {
                        caption { "Terms of " (class) ", and who had them" }
                        (grade_head(arms, view))
                        tbody { @for (j, term) in terms(row) {
                            tr id=(format!("{code}{j}")) {
                                th scope="row" { (term.term.as_deref().unwrap_or_default()) }
                                (counts(view, term, &format!("{code}w{j}")))
                            }
                            tr.who id=(format!("{code}w{j}")) { td colspan=(1 + 3 * arms.len() + 4 * arms.len()) { (who(view, term)) } }
                        } }
                    } }
                } @else { p { (who(view, row)) } }
            }
        }
    }
}

fn grade_head(arms: &[ArmName], view: &View<'_>) -> Markup {
    html! {
        thead {
            tr {
                td {}
                @for (i, arm) in arms.iter().enumerate() {
                    th.arm scope="colgroup" colspan="7" { (words::arm_name(arm)) ", n = "
                        (number::count(view.results.safety.at_risk.get(i).copied().unwrap_or(0))) }
                }
            }
            tr {
                th scope="col" { "Class or term" }
                @for _ in arms {
                    th.num.first scope="col" { "Any, n (%)" } th.num scope="col" { "≥ 3, n (%)" }
                    @for grade in 1..=5 { th.num scope="col" { (grade) } }
                }
            }
        }
    }
}

fn counts(view: &View<'_>, row: &GradeRow, anchor: &str) -> Markup {
    html! {
        @for (i, grades) in row.counts.iter().enumerate() {
            @let of = view.results.safety.at_risk.get(i).copied().unwrap_or(0);
            td.num.first { (traced(anchor, &number::n_percent(grades.iter().sum(), of))) }
            td.num { (number::n_percent(grades[2..].iter().sum(), of)) }
            @for n in grades { td.num.zero[*n == 0] { (number::count(*n)) } }
        }
    }
}

/// Who had it, at which grade, by which events.
fn who(view: &View<'_>, row: &GradeRow) -> Markup {
    html! {
        @for (i, (subject, arm, grade, events)) in row.subjects.iter().take(MOST_NAMED).enumerate() {
            @if i > 0 { "; " }
            span.nb { (view.links.subject_markup(subject)) " (" (arm) ")" } " grade " (grade) " [" (view.links.events_markup(events)) "]"
        }
        @if row.subjects.len() > MOST_NAMED {
            "; and " (number::count(row.subjects.len() - MOST_NAMED)) " more in " code { "adae_subjects.csv" }
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
                td.num { (traced("ae", &number::n_percent(safety.serious.get(i).copied().unwrap_or(0), of))) }
            } } }
        }
        h4 id="expedited" { "Serious and related: expedited reporting" }
        @if safety.expedited.is_empty() { (nothing("No event is both serious and related.")) } @else {
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
