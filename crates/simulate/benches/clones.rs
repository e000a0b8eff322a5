//! Big ledgers for measuring: one simulated trial, its randomised subjects written again and again under new numbers.
//!
//! The copies go through the raw ledger, not through an office: to admit a million events one by one is not what is
//! measured here. What is read back is the same as a trial of that many subjects would give.

use std::path::Path;

use ledger::{Draft, Ledger, Stored};
use serde_json::{Value, json};
use simulate::{SimulationOptions, run};
use trial::derive::derive;
use trial::endpoint::{TimeToEvent, time_to};

const AVATAR: &str = include_str!("../../../protocols/avatar-ii.toml");
/// Events to an append.
const BATCH: usize = 20_000;

/// Writes a ledger of `subjects` subjects at `path`; gives the number of events.
pub fn write(path: &Path, subjects: usize) -> u64 {
    office::block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let checked = trial::protocol::check(AVATAR).expect("a protocol without faults");
        let small = Ledger::create(folder.path().join("trial.ledger")).await.expect("a ledger");
        run(&SimulationOptions::new(checked, 1), small.clone(), &mut |_| {}).await.expect("a trial");
        let pattern = pattern(&small).await;
        let ledger = Ledger::create(path).await.expect("a ledger");
        let whole = small.without_subject(None).await.expect("the trial's own events");
        let whole: Vec<Draft> = whole.iter().map(|stored| Draft::new(value(stored))).collect();
        let mut count = whole.len() as u64;
        ledger.append(whole).await.expect("room on the disk");
        let mut batch = Vec::with_capacity(BATCH);
        for copy in 0..subjects {
            let events = &pattern[copy % pattern.len()];
            let first = count + 1;
            for event in events {
                let mut event = event.clone();
                event["subject"] = json!(format!("S{copy:06}"));
                // A correction names the event it corrects by its place among the subject's own.
                if let Some(at) = event["corrects"].as_u64() {
                    event["corrects"] = json!(first + at);
                }
                batch.push(Draft::new(event));
                count += 1;
            }
            if batch.len() >= BATCH || copy + 1 == subjects {
                ledger.append(std::mem::take(&mut batch)).await.expect("room on the disk");
            }
        }
        ledger.close().await;
        count
    })
    .expect("a runtime")
}

fn value(stored: &Stored) -> Value {
    stored.event().expect("an event that was just written")
}

/// The events of each randomised subject; `corrects` counts from 0 among them.
async fn pattern(ledger: &Ledger) -> Vec<Vec<Value>> {
    let mut pattern = Vec::new();
    let mut blocks = ledger.subjects(None, 64);
    while let Some(block) = blocks.next().await {
        for (_, stored) in block.expect("a block") {
            let places: Vec<u64> = stored.iter().map(|stored| stored.seq).collect();
            let mut events: Vec<Value> = stored.iter().map(value).collect();
            for event in &mut events {
                if let Some(seq) = event["corrects"].as_u64() {
                    event["corrects"] = json!(places.iter().position(|place| *place == seq));
                }
            }
            if events.iter().any(|event| event["kind"] == "randomised") {
                pattern.push(events);
            }
        }
    }
    pattern
}

/// Replays the ledger at `path` and derives every subject and endpoint; gives subjects, events and endpoint events.
pub fn replay(path: &Path) -> (u64, u64, u64) {
    let reading = office::open_reading(path, None).expect("a ledger");
    let protocol = reading.history.current();
    let mut seen = 0;
    let counts = reading
        .for_each_record(
            |subject| {
                let derived = derive(&reading.history, &subject.record, None);
                let time = |endpoint| time_to(protocol, endpoint, &endpoint.rules, &subject.record, &derived);
                protocol.endpoints.iter().filter_map(time).filter(TimeToEvent::is_event).count() as u64
            },
            |events| seen += events,
        )
        .expect("a ledger that can be read");
    (counts.subjects, counts.events, seen)
}
