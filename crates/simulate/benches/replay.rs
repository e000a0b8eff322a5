//! Reading a ledger and deriving every subject and endpoint, at 1,000 and 10,000 subjects, and at 100,000 where
//! `REPLAY_100000=1` is set (writing that ledger takes minutes and some gigabytes). Items are subjects: their number a second
//! should not fall as the ledger grows.
//!
//!     cargo bench -p simulate

mod clones;

use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
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
    clones::write(&path, subjects);
    bencher.counter(ItemsCount::new(subjects)).bench_local(|| clones::replay(&path));
}
