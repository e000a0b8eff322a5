//! Simulates a trial from a protocol file and prints how long it took and what it holds.
//!
//!     cargo run --release -p simulate --example virtual_trial -- protocols/avatar-ii.toml 42

use std::time::Instant;

use simulate::{SimulationOptions, run};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "protocols/avatar-ii.toml".into());
    let seed = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let source = std::fs::read_to_string(&path)?;
    let checked = trial::protocol::check(&source).map_err(|faults| format!("{path}: {faults:?}"))?;
    let folder = tempfile::tempdir()?;
    let started = Instant::now();
    let outcome = office::block_on(async {
        let ledger = ledger::Ledger::create(folder.path().join("trial.ledger")).await?;
        let options = SimulationOptions::new(checked, seed);
        let outcome = run(&options, ledger, &mut |_| {}).await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(outcome)
    })?
    .map_err(|wrong| wrong.to_string())?;
    println!(
        "seed {seed}: {} screened, {} randomised, {} actions from {} to {} in {:.2?}; head {}",
        outcome.screened,
        outcome.randomised,
        outcome.actions,
        outcome.first,
        outcome.last,
        started.elapsed(),
        outcome.head.hash,
    );
    Ok(())
}
