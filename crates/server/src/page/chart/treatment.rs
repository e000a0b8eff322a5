//! Treatment: each course of SABR with what it means biologically, and the lines of systemic therapy.
//!
//! Never computes a dose; `trial::sabr::dose` does, by the alpha/beta of the protocol.

use maud::{Markup, html};
use trial::date::PartialDate;
use trial::protocol::Concept;
use trial::record::{LesionDose, SabrCourse};
use trial::sabr;

use super::opening::arm;
use super::story::{add, reason};
use super::view::{View, tenth};
use crate::page::parts::{self, partial};

/// SABR and systemic therapy, beside each other where there is room.
pub(super) fn cards(view: &View<'_>) -> Markup {
    html! {
        section.card aria-labelledby="sabr" {
            h2 #sabr { "SABR" }
            @if view.record.sabr.is_empty() { p.soft { "No course recorded." } } @else { (courses(view)) }
            (add(view, Concept::SabrCourse, "Add a course"))
        }
        section.card aria-labelledby="therapy" {
            h2 #therapy { "Systemic therapy" }
            @if view.record.lines.is_empty() { p.soft { "No line recorded." } } @else { (lines(view)) }
            (add(view, Concept::SystemicTherapy, "Add a line"))
        }
    }
}

fn courses(view: &View<'_>) -> Markup {
    let rules = &view.ruling.sabr;
    let tumour = tenth(rules.alpha_beta_tumour);
    html! {
        div.wide {
            table {
                caption.visually-hidden { "Courses of SABR" }
                thead {
                    tr {
                        th scope="col" { "Course" }
                        th scope="col" { "Lesion" }
                        th.num scope="col" { "Dose × fractions" }
                        th.num scope="col" { "Total, Gy" }
                        th.num scope="col" { "BED" (tumour) ", Gy" }
                        th.num scope="col" { "EQD2, Gy" }
                        th.num scope="col" { "BED" (tenth(rules.alpha_beta_late)) ", Gy" }
                        th scope="col" { "Schedule" }
                    }
                }
                tbody {
                    @for course in &view.record.sabr {
                        @for (index, dose) in course.lesions.iter().enumerate() { (row(view, course, index, dose)) }
                    }
                }
            }
        }
        p.small.soft {
            "Linear-quadratic model: α/β of tumour " (tumour) " Gy (BED" (tumour) " and EQD2), of late-reacting tissue "
            (tenth(rules.alpha_beta_late)) " Gy."
        }
    }
}

fn row(view: &View<'_>, course: &SabrCourse, index: usize, dose: &LesionDose) -> Markup {
    let is = sabr::dose(&view.ruling.sabr, dose.fraction_gy, dose.fractions);
    html! {
        tr {
            @if index == 0 {
                th scope="rowgroup" rowspan=(course.lesions.len()) {
                    a href=(view.leads(course.event)) { (view.dated(course.start)) }
                    br;
                    @match course.end {
                        Some(end) if end == course.start => span.soft.small { "completed the same day" },
                        Some(end) => span.soft.small { "completed " (parts::day(end)) },
                        None => span class="chip warn" { "under way" },
                    }
                }
            }
            td { (dose.lesion) }
            td.num { (tenth(dose.fraction_gy)) " Gy × " (dose.fractions) }
            td.num { (tenth(is.total_gy)) }
            td.num { (tenth(is.bed_tumour)) }
            td.num { (tenth(is.eqd2_tumour)) }
            td.num { (tenth(is.bed_late)) }
            td {
                @if is.in_use { span class="chip good" { "in use" } }
                @else { span class="chip warn" { "not of the protocol" } }
            }
        }
    }
}

fn lines(view: &View<'_>) -> Markup {
    let days = |from: PartialDate, to: Option<PartialDate>| {
        let to = to.map(PartialDate::last)?;
        Some(trial::date::days_between(from.first(), to) + 1)
    };
    html! {
        p.small.soft { "Arm: " (arm(view)) }
        div.wide {
            table {
                caption.visually-hidden { "Lines of systemic therapy" }
                thead {
                    tr {
                        th scope="col" { "Line" } th scope="col" { "Why it began" }
                        th scope="col" { "From" } th scope="col" { "To" } th.num scope="col" { "Days" }
                    }
                }
                tbody {
                    @for line in &view.record.lines {
                        tr {
                            th scope="row" { a href=(view.leads(line.event)) { (line.treatment) } }
                            td { (reason(line.reason)) }
                            td.nb { (partial(line.start)) }
                            td.nb { @match line.end { Some(end) => (partial(end)), None => span class="chip info" { "goes on" } } }
                            td.num { @match days(line.start, line.end) { Some(days) => (days), None => "\u{2013}" } }
                        }
                    }
                }
            }
        }
    }
}
