//! What the ledger costs in either store: durable appends alone, in company and in a batch; reading whole subjects; verification.
//!
//! `PostgreSQL` is measured where the machine has it, in a cluster of its own that waits for the disk as a file does, both in TMPDIR.
//! Never a test: nothing is asserted about time. Reading and verifying are measured on 10,000 subjects with 110 events of about
//! 500 bytes each, written in the order of time, so that each subject's events lie scattered over the whole file.

#![allow(clippy::unwrap_used)] // a measurement that fails shall stop

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use ledger::{Address, Draft, Ledger};
use serde_json::{Value, json};
use tempfile::TempDir;
use temporary_postgres::{Cluster, Settings};
use tokio::runtime::Runtime;

const SUBJECTS: u32 = 10_000;
const EACH: u32 = 110;

fn main() {
    divan::main();
}

fn event(subject: u32, n: u32) -> Value {
    json!({
        "who": "coordinator.03",
        "role": "site_coordinator",
        "recorded": format!("20{:02}-{:02}-{:02}T10:11:{:02}Z", 26 + n / 336, 1 + n / 28 % 12, 1 + n % 28, subject % 60),
        "site": format!("AU{:02}", subject % 12),
        "subject": format!("AU{:02}-{subject:05}", subject % 12),
        "kind": "form_saved",
        "form": "tumour_assessment",
        "visit": format!("W{n}"),
        "values": { "date": "2026-03-03", "method": "CT", "lesions": [
            { "id": "T1", "mm": 12.5, "state": "measured", "organ": "LIVER" },
            { "id": "T2", "mm": 22, "state": "measured", "organ": "BONE" },
            { "id": "T3", "mm": 9.25, "state": "measured", "organ": "NODE" },
        ], "new_lesion": "N", "note": "no change" },
    })
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Store {
    Sqlite,
    Postgres,
}

static CLUSTER: LazyLock<Option<Cluster>> =
    LazyLock::new(|| Cluster::start(&Settings { fsync: true, ..Settings::default() }));

fn stores() -> Vec<Store> {
    if CLUSTER.is_some() { vec![Store::Sqlite, Store::Postgres] } else { vec![Store::Sqlite] }
}

struct Bench {
    runtime: Runtime,
    ledger: Ledger,
    _directory: TempDir,
}

impl Bench {
    fn new(store: Store) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let (runtime, directory) = (Runtime::new().unwrap(), TempDir::new().unwrap());
        let address = match (store, &*CLUSTER) {
            (Store::Postgres, Some(cluster)) => {
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                format!("{}&schema=bench_{number}", cluster.socket_url("postgres")).parse().unwrap()
            }
            _ => Address::File(directory.path().join("trial.ledger")),
        };
        let ledger = runtime.block_on(Ledger::create(address)).unwrap();
        Self { runtime, ledger, _directory: directory }
    }

    fn append_batch(&self, events: impl Iterator<Item = Value>) {
        self.runtime.block_on(async {
            let mut writer = self.ledger.begin().await.unwrap();
            for event in events {
                writer.append(Draft::new(event)).await.unwrap();
            }
            writer.commit().await.unwrap();
        });
    }
}

fn filled(store: Store) -> Bench {
    let bench = Bench::new(store);
    bench.append_batch((0..EACH).flat_map(|n| (0..SUBJECTS).map(move |subject| event(subject, n))));
    bench
}

static LARGE: [LazyLock<Bench>; 2] =
    [LazyLock::new(|| filled(Store::Sqlite)), LazyLock::new(|| filled(Store::Postgres))];

#[divan::bench(args = stores())]
fn append_one(bencher: Bencher, store: Store) {
    let bench = Bench::new(store);
    bencher
        .counter(ItemsCount::new(1_u32))
        .bench_local(|| bench.runtime.block_on(bench.ledger.append(vec![Draft::new(event(1, 1))])).unwrap());
}

#[divan::bench(args = stores())]
fn append_64_at_once(bencher: Bencher, store: Store) {
    let bench = Bench::new(store);
    bencher.counter(ItemsCount::new(64_u32)).bench_local(|| {
        bench.runtime.block_on(async {
            let callers: Vec<_> = (0..64)
                .map(|subject| {
                    let ledger = bench.ledger.clone();
                    tokio::spawn(
                        async move { ledger.append(vec![Draft::new(event(subject, 1))]).await.unwrap() },
                    )
                })
                .collect();
            for caller in callers {
                caller.await.unwrap();
            }
        });
    });
}

#[divan::bench(args = stores(), sample_count = 5)]
fn append_batch_of_100_000(bencher: Bencher, store: Store) {
    let events: Vec<_> = (0..10).flat_map(|n| (0..10_000).map(move |subject| event(subject, n))).collect();
    bencher
        .counter(ItemsCount::new(events.len()))
        .with_inputs(|| (Bench::new(store), events.clone()))
        .bench_local_values(|(bench, events)| {
            bench.append_batch(events.into_iter());
            bench
        });
}

#[divan::bench(args = stores(), sample_count = 5)]
fn read_whole_subjects(bencher: Bencher, store: Store) {
    let bench = &*LARGE[store as usize];
    let read = || {
        bench.runtime.block_on(async {
            let (mut blocks, mut events, mut bytes) = (bench.ledger.subjects(None, 256), 0, 0);
            while let Some(block) = blocks.next().await {
                for (_, of_subject) in block.unwrap() {
                    events += of_subject.len();
                    bytes += of_subject.iter().map(|event| event.bytes.len()).sum::<usize>();
                }
            }
            (events, bytes)
        })
    };
    let (events, bytes) = read();
    bencher.counter(ItemsCount::new(events)).counter(BytesCount::new(bytes)).bench_local(read);
}

#[divan::bench(args = stores(), sample_count = 5)]
fn read_all_in_order(bencher: Bencher, store: Store) {
    let bench = &*LARGE[store as usize];
    bencher.counter(ItemsCount::new(SUBJECTS * EACH)).bench_local(|| {
        bench.runtime.block_on(async {
            let (mut stream, mut events) = (bench.ledger.all(1), 0);
            while let Some(event) = stream.next().await {
                events += event.unwrap().bytes.len();
            }
            events
        })
    });
}

#[divan::bench(args = stores(), sample_count = 3)]
fn verify(bencher: Bencher, store: Store) {
    let bench = &*LARGE[store as usize];
    bencher.counter(ItemsCount::new(SUBJECTS * EACH)).bench_local(|| {
        assert!(bench.runtime.block_on(bench.ledger.verify(&[], None, |_, _| {})).unwrap().is_sound());
    });
}
