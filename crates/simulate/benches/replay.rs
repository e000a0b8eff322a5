//! Reading a ledger and deriving every subject and endpoint, at 1,000 and 10,000 subjects, and at 100,000 where
//! `REPLAY_100000=1` is set (that ledger takes minutes to write and 4.2 GB of the folder for temporary files, which `TMPDIR`
//! names). Items are events. The lines below the table give the cost of one event at each size: a cost that stays the same is
//! a cost linear in events.
//!
//!     cargo bench -p simulate --bench replay
//!     REPLAY_100000=1 cargo bench -p simulate --bench replay
//!
//! The peak memory of reading alone: `cargo run --release -p simulate --example replay_memory -- 10000`.

mod clones;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use divan::Bencher;
use divan::counter::ItemsCount;

/// The best time of each size, by subjects.
static BEST: Mutex<BTreeMap<usize, Cost>> = Mutex::new(BTreeMap::new());

#[derive(Clone, Copy)]
struct Cost {
    events: u64,
    time: Duration,
}

fn main() {
    divan::main();
    let best = BEST.lock().expect("no thread panicked");
    for (subjects, Cost { events, time }) in best.iter() {
        let seconds = time.as_secs_f64();
        println!(
            "{subjects:>7} subjects, {events:>9} events: {seconds:>7.3} s, {:>9.0} events/s, {:.2} \u{b5}s an event",
            *events as f64 / seconds,
            seconds * 1e6 / *events as f64,
        );
    }
}

fn sizes() -> Vec<usize> {
    let mut sizes = vec![1_000, 10_000];
    if std::env::var_os("REPLAY_100000").is_some() {
        sizes.push(100_000);
    }
    sizes
}

#[divan::bench(args = sizes(), sample_count = 3, sample_size = 1)]
fn replay_and_derive(bencher: Bencher, subjects: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("big.ledger");
    let events = clones::write(&path, subjects);
    bencher.counter(ItemsCount::new(events)).bench_local(|| {
        let started = Instant::now();
        let read = clones::replay(&path);
        let time = started.elapsed();
        let mut best = BEST.lock().expect("no thread panicked");
        let cost = best.entry(subjects).or_insert(Cost { events, time });
        cost.time = cost.time.min(time);
        read
    });
}
