//! Trials of event times against the cost of drawing and sorting their times alone: 74 subjects in two arms, exponential, one
//! log-rank test. Items are trials. The lines below the table give the ratios; each is to stay below 3.
//!
//!     cargo bench -p simulate --bench times

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Mutex;
use std::time::Instant;

use divan::Bencher;
use divan::counter::ItemsCount;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use simulate::scenario::{Scenario, read};
use simulate::times::Times;

const SUBJECTS: usize = 74;
/// Trials timed at once.
const TRIALS: u32 = 10_000;

/// The best time of a trial, in seconds, by what was timed.
static BEST: Mutex<BTreeMap<&str, f64>> = Mutex::new(BTreeMap::new());

fn main() {
    divan::main();
    let best = BEST.lock().expect("no thread panicked");
    let Some(alone) = best.get(ALONE) else { return };
    println!("{SUBJECTS} subjects; a trial in microseconds, and its ratio to drawing and sorting alone");
    for (what, time) in best.iter() {
        println!("  {what:32} {:7.3}   {:5.2}", time * 1e6, time / alone);
    }
}

const ALONE: &str = "draw and sort alone";

fn timed(bencher: Bencher, what: &'static str, mut trial: impl FnMut(u32)) {
    bencher.counter(ItemsCount::new(TRIALS)).bench_local(|| {
        let started = Instant::now();
        (0..TRIALS).for_each(&mut trial);
        let time = started.elapsed().as_secs_f64() / f64::from(TRIALS);
        let mut best = BEST.lock().expect("no thread panicked");
        let known = best.entry(what).or_insert(time);
        *known = known.min(time);
    });
}

fn scenario(analyses: &str) -> Scenario {
    let text = format!(
        "title = \"a\"\nsubjects = {SUBJECTS}\ncontrol = {{ median = 5.2 }}\neffect = {{ hazard_ratio = 0.5 }}\n{analyses}"
    );
    read(&text, &|_| Err(String::new())).expect("a scenario").scenario
}

/// As anybody would: a fast generator, the logarithm, the standard sort of floats.
#[divan::bench(sample_count = 20)]
fn draw_and_sort(bencher: Bencher) {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut times = Vec::with_capacity(SUBJECTS);
    timed(bencher, ALONE, |_| {
        times.clear();
        times.extend((0..SUBJECTS).map(|_| {
            let unit = (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
            -7.5 * (1.0 - unit).ln()
        }));
        times.sort_unstable_by(f64::total_cmp);
        black_box(&times);
    });
}

#[divan::bench(sample_count = 20)]
fn trial_and_log_rank(bencher: Bencher) {
    let scenario = scenario("analyses = [{ id = \"a\", method = \"log-rank\" }]");
    let mut times = Times::new(&scenario, 1).expect("a scenario");
    let mut tally = times.tally();
    timed(bencher, "trial, log-rank test", |trial| times.run(u64::from(trial), &mut tally));
    black_box(tally);
}

#[divan::bench(sample_count = 20)]
fn trial_log_rank_and_cox(bencher: Bencher) {
    let scenario = scenario("");
    let mut times = Times::new(&scenario, 1).expect("a scenario");
    let mut tally = times.tally();
    timed(bencher, "trial, log-rank test, Cox model", |trial| times.run(u64::from(trial), &mut tally));
    black_box(tally);
}
