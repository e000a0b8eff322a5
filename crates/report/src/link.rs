//! Where a subject, an event and an analysis stand on the page: the anchors of tracing.
//!
//! Never makes an anchor of a text that came from outside: anchors count. See `page::trace` for what they lead to.

use std::collections::{BTreeSet, HashMap, HashSet};

use analysis::results::Results;
use maud::{Markup, html};
use trial::event::Seq;
use trial::id::SubjectId;

use crate::TRACED;
use crate::behind::{Lists, Of};

/// The anchors of one page.
pub struct Links<'a> {
    subjects: HashMap<&'a str, usize>,
    events: HashSet<Seq>,
    /// Places in `Results::traces` of the subjects whose trace stands on the page, in order.
    pub traced: Vec<usize>,
    lists: Lists<'a>,
    live: bool,
}

impl<'a> Links<'a> {
    /// The anchors of the page of `results`.
    pub fn new(results: &'a Results) -> Self {
        let traced = choose(results);
        let traces = || traced.iter().filter_map(|i| results.traces.get(*i).map(|trace| (*i, trace)));
        let subjects = traces().map(|(i, trace)| (trace.subject.as_str(), i)).collect();
        let events = traces().flat_map(|(_, trace)| trace.sources.iter().map(|source| source.seq)).collect();
        Self { subjects, events, traced, lists: Lists::of(results), live: true }
    }

    /// No anchors: for a figure that stands alone.
    pub fn none() -> Self {
        Self {
            subjects: HashMap::new(),
            events: HashSet::new(),
            traced: Vec::new(),
            lists: Lists::default(),
            live: false,
        }
    }

    /// Whether there is a page around.
    pub fn live(&self) -> bool {
        self.live
    }

    /// Where the trace of `subject` stands, if on this page.
    pub fn subject(&self, subject: &SubjectId) -> Option<String> {
        self.subjects.get(subject.as_str()).map(|i| format!("#s{i}"))
    }

    /// The lists behind the numbers.
    pub fn lists(&self) -> &Lists<'a> {
        &self.lists
    }

    /// Where the list behind a number stands; none where nobody is behind it.
    pub fn behind(&self, of: Of, group: Option<usize>, part: Option<usize>) -> Option<String> {
        self.lists.anchor(of, group, part).map(|anchor| format!("#{anchor}"))
    }

    /// Where what the subjects of the arm at `place` contribute to an analysis stands, if there is a page.
    pub fn contributions(&self, analysis: usize, place: usize) -> Option<String> {
        self.live.then(|| format!("#c{analysis}-{place}"))
    }

    /// Whether the trace of `subject` stands on this page.
    pub fn has(&self, subject: &SubjectId) -> bool {
        self.subjects.contains_key(subject.as_str())
    }

    /// Where event `seq` stands, if on this page.
    pub fn event(&self, seq: Seq) -> Option<String> {
        self.events.contains(&seq).then(|| format!("#e{seq}"))
    }

    /// `subject` as a link to its trace.
    pub fn subject_markup(&self, subject: &SubjectId) -> Markup {
        html! { @match self.subject(subject) { Some(href) => a href=(href) { (subject) }, None => (subject) } }
    }

    /// `events` as links to what was entered.
    pub fn events_markup(&self, events: &[Seq]) -> Markup {
        let distinct: BTreeSet<Seq> = events.iter().copied().collect();
        html! {
            @for (i, seq) in distinct.into_iter().enumerate() {
                @if i > 0 { " " }
                @match self.event(seq) { Some(href) => a href=(href) { (seq) }, None => (seq) }
            }
        }
    }
}

/// Which traces a page carries: all, or above the limit first those that a table names and then every k-th.
fn choose(results: &Results) -> Vec<usize> {
    let all = results.traces.len();
    if all <= TRACED {
        return (0..all).collect();
    }
    let named: HashSet<&str> = (results.pending.iter().map(|row| row.subject.as_str()))
        .chain(results.safety.expedited.iter().map(|row| row.0.as_str()))
        .chain(results.faults.iter().map(|row| row.subject.as_str()))
        .take(TRACED / 2)
        .collect();
    let mut chosen: BTreeSet<usize> = (results.traces.iter().enumerate())
        .filter(|(_, trace)| named.contains(trace.subject.as_str()))
        .map(|(i, _)| i)
        .take(TRACED / 2)
        .collect();
    let left = TRACED - chosen.len();
    chosen.extend((0..left).map(|i| i * all / left));
    chosen.into_iter().collect()
}
