//! Sections on the trial, the flow of subjects, recruitment and baseline.
//!
//! Never counts a subject: counts come from `analysis`, and lead to the list of subjects (`trace::subjects`).

use analysis::results::{BaselineCell, BaselineRow};
use maud::{Markup, html};

use super::{View, behind, file, nothing};
use crate::behind::Of;
use crate::{number, words};

/// Which trial, which data.
pub fn about(view: &View<'_>) -> Markup {
    let about = &view.results.about;
    html! {
        table.plain {
            caption { "The trial and the data this report is about" }
            tbody {
                tr { th scope="row" { "Trial" } td { (about.trial) } }
                tr { th scope="row" { "Title" } td { (about.title) } }
                tr { th scope="row" { "Registry number" } td { (about.registry.as_deref().unwrap_or("none given")) } }
                tr { th scope="row" { "Protocol version" } td { (about.protocol_version) } }
                tr { th scope="row" { "Arms" } td {
                    @for (i, arm) in view.results.arms.iter().enumerate() {
                        div { (words::arm_name(arm)) @if arm.control { " (control)" } ", "
                            (behind(view, Of::Allocated, Some(i), None, &number::count(arm.randomised))) " randomised" }
                    }
                } }
                tr { th scope="row" { "Source of the data" } td { (about.source)
                    @if about.simulated { " " strong { "Simulated: virtual patients." } } } }
                tr { th scope="row" { "Data cut" } td { (cut(view)) } }
                tr { th scope="row" { "As of" } td { (as_of(view)) } }
                tr { th scope="row" { "Events read" } td { (number::count(usize::try_from(about.events).unwrap_or(usize::MAX))) } }
                tr { th scope="row" { "Head of the ledger" } td {
                    @match &about.head {
                        Some(head) => { code.hash { (head) } br; "BLAKE3 of the last event; it stands for every event before it." },
                        None => "The data came from no ledger: nothing proves that they were not altered.",
                    }
                } }
            }
        }
        @if !view.results.left_out.is_empty() {
            div.note { p { "Left out:" }
                ul { @for line in &view.results.left_out { li { (line) } } } }
        }
    }
}

fn cut(view: &View<'_>) -> Markup {
    let about = &view.results.about;
    html! {
        @match about.cut {
            Some(cut) => { (cut) ": nothing that happened after this day is seen." },
            None => {
                "None: everything that has been entered is seen."
                @if let Some(last) = about.last_clinical { " The last clinical day is " (last) "." }
            },
        }
    }
}

fn as_of(view: &View<'_>) -> Markup {
    let about = &view.results.about;
    html! {
        @match about.as_of {
            Some(moment) => { (super::trace::moment(moment)) ": nothing that was recorded after this moment is seen." },
            None => "All recorded events.",
        }
        @if let Some(last) = about.last_recorded { " The last event seen was recorded at " (super::trace::moment(last)) "." }
    }
}

/// CONSORT flow, with its table of reasons.
pub fn flow(view: &View<'_>) -> Markup {
    let flow = &view.results.flow;
    html! {
        (view.figure("flow"))
        @if !flow.excluded_because.is_empty() {
            table {
                caption { "Why subjects were not randomised" }
                thead { tr { th scope="col" { "Reason" } th.num scope="col" { "n (% of those not randomised)" } } }
                tbody {
                    @for (i, (why, who)) in flow.excluded_because.iter().enumerate() {
                        tr { th scope="row" { (why) } td.num { (behind(view, Of::Excluded, Some(i), None, &number::n_percent(who.n, flow.excluded))) } }
                    }
                }
            }
            p.note { "Each subject is counted once, by the first criterion in the order of the protocol that is not met, or else by what ended its screening." }
        }
        (file("flow.csv"))
    }
}

/// Recruitment over time and by site.
pub fn recruitment(view: &View<'_>) -> Markup {
    let r = &view.results.recruitment;
    html! {
        (view.figure("recruitment"))
        @if r.by_site.is_empty() { (nothing("No site has opened yet.")) } @else {
            details {
                summary { "Sites: " (number::count(r.by_site.len())) }
                table.filter {
                    caption { "Recruitment by site" }
                    thead { tr { th scope="col" { "Site" } th scope="col" { "Name" } th scope="col" { "Opened" }
                        th.num scope="col" { "Screened" } th.num scope="col" { "Randomised" }
                        th scope="col" { "First" } th scope="col" { "Last" } } }
                    tbody { @for (i, site) in r.by_site.iter().enumerate() {
                        tr { th scope="row" { (site.site) } td { (site.name) }
                            td { @match site.opened { Some(day) => (day), None => "–" } }
                            td.num { (behind(view, Of::SiteScreened(i), None, None, &number::count(site.screened.n))) }
                            td.num { (behind(view, Of::SiteRandomised(i), None, None, &number::count(site.randomised.n))) }
                            td { @match site.days.first() { Some(day) => (day), None => "–" } }
                            td { @match site.days.last() { Some(day) => (day), None => "–" } } }
                    } }
                }
            }
        }
        (file("recruitment.csv, sites.csv"))
    }
}

/// Baseline by arm. No test compares the arms at baseline: CONSORT advises against it.
pub fn baseline(view: &View<'_>) -> Markup {
    let rows = &view.results.baseline;
    if rows.is_empty() {
        return nothing(
            "No baseline value: nobody has been randomised, or the protocol names no characteristic.",
        );
    }
    let arms = &view.results.arms;
    html! {
        div.wide { table.baseline {
            caption { "Baseline characteristics by arm: n (%), or median (lower to upper quartile)" }
            thead { tr {
                th scope="col" { "Characteristic" }
                @for (i, arm) in arms.iter().enumerate() {
                    th.num scope="col" { (words::arm_name(arm)) br; (behind(view, Of::Allocated, Some(i), None, &format!("n = {}", number::count(arm.randomised)))) }
                }
                th.num scope="col" { "All" br; (behind(view, Of::Allocated, None, None, &format!("n = {}", number::count(arms.iter().map(|arm| arm.randomised).sum())))) }
            } }
            @for group in groups(rows) { tbody { (characteristic(view, rows, group)) } }
        } }
        p.note { "No test compares the arms at baseline (CONSORT 2025, item 20). A number leads to its subjects, each with its value." }
        (file("baseline.csv"))
    }
}

/// The rows of each characteristic, as a range of places.
fn groups(rows: &[BaselineRow]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut from = 0;
    rows.chunk_by(|a, b| a.characteristic == b.characteristic).map(move |group| {
        let range = from..from + group.len();
        from = range.end;
        range
    })
}

fn characteristic(view: &View<'_>, rows: &[BaselineRow], group: std::ops::Range<usize>) -> Markup {
    let first = &rows[group.start];
    html! {
        @if rows[group.clone()].iter().any(|row| row.level.is_some()) {
            tr.head { th scope="rowgroup" colspan=(first.cells.len() + 1) { (first.characteristic) } }
        }
        @for place in group {
            @let row = &rows[place];
            tr {
                @match &row.level {
                    Some(level) => th.level scope="row" { (level) },
                    None => th scope="row" { (row.characteristic) },
                }
                @for (i, cell) in row.cells.iter().enumerate() {
                    td.num { (baseline_cell(view, place, i, cell)) }
                }
            }
        }
    }
}

fn baseline_cell(view: &View<'_>, place: usize, column: usize, value: &BaselineCell) -> Markup {
    // The column after the arms is of all.
    let arm = (column < view.results.arms.len()).then_some(column);
    match value {
        BaselineCell::Count { n: 0, .. } => html! { "0" },
        BaselineCell::Count { n, of, .. } => {
            behind(view, Of::Baseline(place), arm, None, &number::n_percent(*n, *of))
        }
        BaselineCell::Number { n: 0, .. } => html! { "–" },
        BaselineCell::Number { n, median, q1, q3, min, max, .. } => {
            let one = |v: &Option<f64>| v.map_or_else(|| "–".to_owned(), |v| number::short(v, 1));
            let quartiles = format!("{} ({} to {})", one(median), one(q1), one(q3));
            html! {
                (behind(view, Of::Baseline(place), arm, None, &quartiles))
                br; span.sub { "range " (one(min)) " to " (one(max)) ", n = " (number::count(*n)) }
            }
        }
    }
}
