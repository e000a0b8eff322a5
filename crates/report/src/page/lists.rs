//! The lists that numbers lead to, each a panel that opens over the foot of the page when a number is followed.
//!
//! Opened by `:target` alone, so that it needs no script; never printed. What is in them: `behind`.

use maud::{Markup, html};

use super::View;
use crate::TRACED;
use crate::behind::{Entry, Group, List, Part};
use crate::number;

/// Of a page that does not carry every trace, so many are named in a part of a list.
const FEW: usize = 60;

/// All lists, and where a closed panel leads.
pub fn lists(view: &View<'_>) -> Markup {
    let all = &view.links.lists().all;
    let most = if view.results.traces.len() > TRACED { FEW } else { TRACED };
    html! {
        @if !all.is_empty() {
            div.lists {
                span #shut {}
                @for (i, list) in all.iter().enumerate() { (panel(view, i, list, most)) }
            }
        }
    }
}

fn panel(view: &View<'_>, index: usize, list: &List<'_>, most: usize) -> Markup {
    let split = list.groups.len() > 1;
    html! {
        aside.who id=(format!("w{index}")) aria-label=(list.title) {
            p.title { a.shut href="#shut" { "Close" } strong { (list.title) }
                @if split { " " a.all href=(format!("#w{index}")) { "Show all" } } }
            @for (g, group) in list.groups.iter().enumerate().filter(|(_, group)| group.len() > 0) {
                (block(view, &format!("w{index}-{g}"), group, split, most))
            }
        }
    }
}

fn block(view: &View<'_>, anchor: &str, group: &Group<'_>, split: bool, most: usize) -> Markup {
    html! {
        div id=[split.then_some(anchor)] {
            @if split { b { (group.label) ": " (number::count(group.len())) } }
            @for (p, part) in group.parts.iter().enumerate().filter(|(_, part)| !part.entries.is_empty()) {
                @let id = (group.parts.len() > 1).then(|| format!("{anchor}-{p}"));
                p id=[id] {
                    @if !part.label.is_empty() { i { (part.label) " (" (number::count(part.entries.len())) "):" } " " }
                    (entries(view, part, most))
                }
            }
        }
    }
}

fn entries(view: &View<'_>, part: &Part<'_>, most: usize) -> Markup {
    let shown = part.entries.len().min(most);
    html! {
        @for (i, Entry { subject, said, events }) in part.entries[..shown].iter().enumerate() {
            @if i > 0 { "; " }
            (view.links.subject_markup(subject))
            @if !said.is_empty() { " " (said) }
            @if !events.is_empty() { " [" (view.links.events_markup(events)) "]" }
        }
        @if shown < part.entries.len() {
            "; and " (number::count(part.entries.len() - shown)) " more in " code { "who.csv" }
        }
    }
}
