//! Safety of one subject: worst grades, treatment-related adverse events, expedited flags.
//!
//! What counts as related stands in the protocol's `safety`. Never counts subjects (see `analysis`).

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::ctcae;
use crate::event::Seq;
use crate::protocol::Safety;
use crate::record::{AdverseEvent, Record};

/// A worst grade and the events it rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Worst {
    /// 1 to 5.
    pub grade: u8,
    /// The events of that grade.
    pub events: Vec<Seq>,
}

/// Worst grades of one subject.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct WorstGrades {
    /// By class and term.
    pub by_term: BTreeMap<(String, String), Worst>,
    /// By class.
    pub by_class: BTreeMap<String, Worst>,
    /// Over all.
    pub overall: Option<Worst>,
    /// Events that would count but carry no grade: they stand in no table, so they are named here.
    pub ungraded: Vec<Seq>,
}

/// What an event without a class is filed under, when CTCAE does not know its term either.
pub const UNCLASSIFIED: &str = "Not classified";

/// The attribution items (of `safety.attributed_to`) whose code makes this event related; empty where it is not related.
pub fn related_to<'a>(safety: &Safety, event: &'a AdverseEvent) -> Vec<&'a str> {
    event
        .attribution
        .iter()
        .filter(|(item, code)| {
            safety.attributed_to.contains_key(item)
                && safety.related.iter().any(|related| related.eq_ignore_ascii_case(code.trim()))
        })
        .map(|(item, _)| item.as_str())
        .collect()
}

/// Serious and related: to be reported in expedited time.
pub fn expedited(safety: &Safety, event: &AdverseEvent) -> bool {
    event.serious && !related_to(safety, event).is_empty()
}

/// The class and term an event is filed under: CTCAE's own spelling where CTCAE knows the term, so that one term in two
/// spellings is counted once.
pub fn filed_under(event: &AdverseEvent) -> (String, String) {
    if let Some(known) = ctcae::find(&event.term) {
        return (known.class.clone(), known.term.clone());
    }
    let class = event.class.as_deref().map_or(UNCLASSIFIED, str::trim);
    (class.to_owned(), event.term.trim().to_owned())
}

/// True where the event began on or after `from`: treatment-emergent. A partial or missing onset that may lie on or after
/// it counts, as the careful reading for safety.
pub fn emergent(event: &AdverseEvent, from: Date) -> bool {
    event.start.is_none_or(|start| start.impute_onset(Some(from)).date >= from)
}

/// Worst grades over the events with onset on or after `from`; only related ones where `related` is set.
pub fn worst_grades(safety: &Safety, record: &Record, from: Date, related: bool) -> WorstGrades {
    let mut worst = WorstGrades::default();
    let counted = record
        .adverse_events
        .iter()
        .filter(|event| emergent(event, from))
        .filter(|event| !related || !related_to(safety, event).is_empty());
    for event in counted {
        let Some(grade) = event.grade else {
            worst.ungraded.push(event.event);
            continue;
        };
        let (class, term) = filed_under(event);
        raise(&mut worst.overall, grade, event.event);
        raise_in(&mut worst.by_class, class.clone(), grade, event.event);
        raise_in(&mut worst.by_term, (class, term), grade, event.event);
    }
    worst
}

fn raise_in<K: Ord>(table: &mut BTreeMap<K, Worst>, key: K, grade: u8, event: Seq) {
    let worst = table.entry(key).or_insert(Worst { grade, events: Vec::new() });
    raise_to(worst, grade, event);
}

fn raise(worst: &mut Option<Worst>, grade: u8, event: Seq) {
    raise_to(worst.get_or_insert(Worst { grade, events: Vec::new() }), grade, event);
}

fn raise_to(worst: &mut Worst, grade: u8, event: Seq) {
    if grade > worst.grade {
        *worst = Worst { grade, events: vec![event] };
    } else if grade == worst.grade {
        worst.events.push(event);
    }
}
