//! Whole trials of AVATAR II in memory: each with every subject's events, records, derivations and every analysis of the protocol.
//! Prints the time of 100 and of 1,000 trials on two threads, of one on one thread, and the peak memory after each.
//!
//!     cargo bench -p simulate --bench full
//!     cargo bench -p simulate --bench full -- 300      # only so many trials, on one thread: for a profiler

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use simulate::full::{Design, Ensemble};
use simulate::scenario::read;
use simulate::times::Tally;
use trial::protocol::{Checked, check};

/// The program's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SCENARIO: &str = include_str!("../../../scenarios/alternative.toml");
const PROTOCOL: &str = include_str!("../../../protocols/avatar-ii.toml");

fn main() {
    let checked: Checked = check(PROTOCOL).expect("the shipped protocol");
    let protocol = checked.protocol.clone();
    let read = read(SCENARIO, &|_| Ok(protocol.clone())).expect("a shipped scenario");
    let design = Design::new(&read.file, &read.scenario, &checked).expect("it acts at full fidelity");
    let ensemble = Ensemble::new(&design, 1).expect("it has a primary endpoint");
    let asked = std::env::args().skip(1).find_map(|argument| argument.parse::<u64>().ok());
    // What is made once is made here.
    time(&ensemble, 2, 1);
    let Some(trials) = asked else {
        for (trials, threads) in [(100, 1), (100, 2), (1_000, 2)] {
            time(&ensemble, trials, threads);
        }
        return;
    };
    time(&ensemble, trials, 1);
}

fn time(ensemble: &Ensemble<'_>, trials: u64, threads: usize) {
    let next = AtomicU64::new(0);
    let started = Instant::now();
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let work = || {
            let mut tally = ensemble.tally();
            loop {
                let trial = next.fetch_add(1, Ordering::Relaxed);
                if trial >= trials {
                    return tally;
                }
                ensemble.run(trial, &mut tally).expect("patients fit");
            }
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let elapsed = started.elapsed().as_secs_f64();
    let mut all = ensemble.tally();
    for tally in &tallies {
        all.merge(tally);
    }
    let full = all.full.as_deref().cloned().unwrap_or_default();
    let per = |sum: f64| sum / all.trials as f64;
    println!(
        "{trials:5} trials on {threads} thread(s): {elapsed:6.2} s, {:6.2} ms a trial; {:.0} screened, {:.0} events recorded; peak memory {} MB",
        1e3 * elapsed / trials as f64,
        per(full.screened.sum),
        per(full.recorded.sum),
        peak_mb(),
    );
}

/// Peak memory of this process so far, MB (Linux; 0 elsewhere).
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|n| n.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}
