//! Prints what virtual trials of a protocol show, over several seeds: the medians that the profiles were set by. A profile
//! file may be named, to try another one without building anew.
//!
//!     cargo run --release -p simulate --example calibration -- protocols/avatar-ii.toml 12
//!     cargo run --release -p simulate --example calibration -- protocols/avatar-ii.toml 12 mine.toml

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Simulated, checked, measure, summary};
use simulate::{Profile, SimulationOptions};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "protocols/avatar-ii.toml".into());
    let seeds: u64 = arguments.next().map_or(8, |text| text.parse().expect("a number of seeds"));
    let source = std::fs::read_to_string(&path).expect("a protocol file");
    let profile: Option<Profile> = arguments.next().map(|path| {
        let text = std::fs::read_to_string(&path).expect("a profile file");
        toml::from_str(&text).expect("a profile")
    });
    let mut all = Vec::new();
    let mut events = 0;
    for seed in 1..=seeds {
        let profile = profile.clone();
        let options = SimulationOptions { profile, ..SimulationOptions::new(checked(&source), seed) };
        let simulated = Simulated::new(&options);
        let (records, measured, counts) = measure(&simulated.reading());
        let faults: usize = records.iter().map(|record| record.faults.len()).sum();
        let outcome = &simulated.outcome;
        let accrual = measured.iter().map(|m| m.start).max().zip(measured.iter().map(|m| m.start).min());
        let months =
            accrual.map_or(0.0, |(last, first)| trial::date::days_between(first, last) as f64 / 30.4375);
        println!(
            "seed {seed}: {} screened, {} randomised over {months:.1} months, {} events, {faults} faults, {} partial deaths",
            outcome.screened,
            outcome.randomised,
            counts.events,
            measured.iter().filter(|m| m.partial_death).count(),
        );
        events += counts.events;
        all.extend(measured);
    }
    println!("{:.1} events a subject", events as f64 / all.len() as f64);
    for (arm, numbers) in summary(&all) {
        println!("arm {arm}");
        for (name, number) in numbers {
            println!("  {name:28} {number:8.2}");
        }
    }
}
