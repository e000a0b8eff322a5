//! `trialwright registry-results`: a trial's results in the form that results registration asks for.
//!
//! Never computes a number: they are those of the report.

use std::path::PathBuf;

use exchange::registry::results::results_section;
use ledger::Address;
use office::Arms;

use crate::cuts::Cuts;
use crate::output::{Failure, line, note, progress};

#[derive(clap::Args)]
pub struct Options {
    /// The ledger: a file, or the address of a PostgreSQL database
    ledger: Address,
    #[command(flatten)]
    cuts: Cuts,
    /// Where to write, in place of a file that stands there; standard output when not said
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let reading = options.cuts.open(&options.ledger)?;
    let bar = progress(reading.head.count, "deriving");
    let source = format!("ledger {}", options.ledger);
    let results = reading.results(Arms::Apart, options.cuts.cut, &source, |events| bar.inc(events))?;
    bar.finish_and_clear();
    let section = results_section(reading.history.current(), &results);
    let text = serde_json::to_string_pretty(&section.study).map_err(Failure::new)?;
    match &options.out {
        Some(file) => std::fs::write(file, text + "\n")
            .map_err(|wrong| Failure::new(format!("cannot write {}: {wrong}", file.display())))?,
        None => line(text)?,
    }
    note("For a person to add or to look at before it is registered:");
    for what in &section.decisions {
        note(format!("  {what}"));
    }
    Ok(())
}
