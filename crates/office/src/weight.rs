//! What a record takes in memory, in bytes, found by walking it: a trial's protocol decides how much that is for each byte stored, and a
//! factor measured on one trial would be wrong for another.
//!
//! Never exact: what the allocator adds to each block is taken as an eighth, what is short of text is not looked at. A test holds it
//! against what was allocated. See `memory` for whom the weight is told.

use serde_json::{Map, Value};
use trial::event::Instance;
use trial::record::{FilledForm, Mark, Query, Record};

/// A record with all that hangs on it.
pub(crate) fn of_record(record: &Record) -> usize {
    let typed = of_vec(&record.ecog)
        + of_vec(&record.assessments)
        + of_vec(&record.clinical_progressions)
        + of_vec(&record.sabr)
        + of_vec(&record.lines)
        + of_vec(&record.adverse_events)
        + of_vec(&record.factb)
        + of_vec(&record.decisions)
        + of_vec(&record.deviations)
        + of_vec(&record.contacts)
        + of_vec(&record.forms)
        + of_vec(&record.queries)
        + of_vec(&record.faults);
    let assessments = record.assessments.iter().map(|assessment| {
        let readings = assessment.readings.iter().map(|reading| {
            of_text(&reading.location) + of_text(&reading.lesion.0) // two short texts more are rare
        });
        of_text(&assessment.reader)
            + of_text(&assessment.visit)
            + of_vec(&assessment.readings)
            + readings.sum::<usize>()
    });
    let sabr = record.sabr.iter().map(|course| {
        of_vec(&course.lesions) + course.lesions.iter().map(|lesion| of_text(&lesion.lesion.0)).sum::<usize>()
    });
    let events = record.adverse_events.iter().map(|event| {
        let attribution = event.attribution.iter().map(|(item, code)| of_text(item) + of_text(code));
        of_text(&event.term)
            + event.class.as_ref().map_or(0, of_text)
            + of_vec(&event.attribution)
            + attribution.sum::<usize>()
    });
    let factb = record.factb.iter().map(|answers| of_text(&answers.visit) + of_vec(&answers.answers));
    let lines = record.lines.iter().map(|line| of_text(&line.treatment));
    let deviations = record.deviations.iter().map(|one| of_text(&one.category) + of_text(&one.term));
    let faults = record
        .faults
        .iter()
        .map(|fault| of_text(&fault.place) + of_text(&fault.item) + of_text(&fault.message));
    size_of::<Record>()
        + typed
        + assessments.chain(sabr).chain(events).chain(factb).sum::<usize>()
        + lines.chain(deviations).chain(faults).sum::<usize>()
        + record.forms.iter().map(of_form).sum::<usize>()
        + record.queries.iter().map(of_query).sum::<usize>()
}

fn of_form(form: &FilledForm) -> usize {
    let signed = form.signed.as_ref().map_or(0, |given| of_mark(&given.by) + of_text(&given.meaning));
    let marks = [&form.verified, &form.locked].into_iter().flatten().map(of_mark).sum::<usize>();
    of_instance(&form.instance) + of_map(&form.values) + signed + marks
}

fn of_query(query: &Query) -> usize {
    let answers = query.answers.iter().map(|answer| of_mark(&answer.by) + of_text(&answer.text));
    of_text(&query.id)
        + query.about.as_ref().map_or(0, of_instance)
        + query.item.as_ref().map_or(0, of_text)
        + of_text(&query.text)
        + of_mark(&query.raised)
        + of_vec(&query.answers)
        + answers.sum::<usize>()
        + query.closed.as_ref().map_or(0, of_mark)
}

fn of_mark(mark: &Mark) -> usize {
    of_text(&mark.who)
}

fn of_instance(instance: &Instance) -> usize {
    of_text(&instance.form) + instance.visit.as_ref().map_or(0, of_text)
}

/// What hangs on a value; the value itself lies in what holds it.
fn of_value(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => of_text(text),
        Value::Array(values) => of_vec(values) + values.iter().map(of_value).sum::<usize>(),
        Value::Object(map) => of_map(map),
    }
}

/// A map that keeps its order: its entries, each with its hash, in one block, and a table of their places in another. The table
/// has a power of two of places, of which seven in eight are used, and the entries have room for as many.
fn of_map(map: &Map<String, Value>) -> usize {
    /// A byte for each place, and as many as are looked at together once more.
    const TOGETHER: usize = 16;
    let places = match map.len() {
        0 => return 0,
        1..=3 => 4,
        4..=7 => 8,
        more => (more * 8 / 7 + usize::from(more * 8 % 7 > 0)).next_power_of_two(),
    };
    let room = if places <= 8 { places - 1 } else { places / 8 * 7 };
    let entries = block(room * (size_of::<u64>() + size_of::<String>() + size_of::<Value>()));
    let table = block(places * (size_of::<usize>() + 1) + TOGETHER);
    let held = map.iter().map(|(name, value)| of_text(name) + of_value(value));
    entries + table + held.sum::<usize>()
}

fn of_text(text: &String) -> usize {
    block(text.capacity())
}

fn of_vec<T>(vec: &Vec<T>) -> usize {
    block(vec.capacity() * size_of::<T>())
}

/// What the allocator takes for a block: its classes are an eighth to a quarter apart, and none is smaller than two words.
pub(crate) fn block(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { (bytes + bytes / 8).next_multiple_of(16) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ledger::{Hash, Stored};
    use rstest::rstest;
    use trial::protocol::{ProtocolHistory, check};

    use crate::folder::Folder;

    const AVATAR: &str = include_str!("../../../protocols/avatar-ii.toml");
    /// The events of one virtual subject of `trialwright demo`, as its ledger holds them, one a line.
    const EVENTS: &str = include_str!("../tests/data/subject.jsonl");

    /// The weight is what the allocator was asked for, to a quarter: after screening, on the way, at the end.
    #[rstest]
    #[case(1)]
    #[case(12)]
    #[case(60)]
    #[case(usize::MAX)]
    fn a_folder_weighs_what_was_allocated_for_it(#[case] events: usize) {
        let history = Arc::new(ProtocolHistory::new(1, check(AVATAR).unwrap()));
        let read = || {
            let stored = EVENTS.lines().take(events).zip(2..).map(|(line, seq)| Stored {
                seq,
                hash: Hash::ZERO,
                bytes: line.as_bytes().to_vec().into(),
            });
            Folder::read(&history, &"01-003".into(), stored.collect()).unwrap()
        };
        drop(read()); // what is made once for all subjects is there now
        let mut folder = None;
        let allocated = allocation_counter::measure(|| folder = Some(Arc::new(read())));
        let (weight, bytes) = (folder.unwrap().weight(), usize::try_from(allocated.bytes_current).unwrap());
        assert!(
            (bytes * 3 / 4..=bytes * 3 / 2).contains(&weight),
            "of {} events: weighs {weight}, allocated {bytes}",
            events.min(EVENTS.lines().count())
        );
    }
}
