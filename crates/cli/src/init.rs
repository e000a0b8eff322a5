//! `trialwright init`: the beginning of a protocol file from a registry record.
//!
//! Never decides what the record leaves open, and never writes over a file.

use std::io::Read;
use std::path::{Path, PathBuf};

use exchange::registry::{self, Skeleton};

use crate::output::{Failure, line, note, plural};

#[derive(clap::Args)]
pub struct Options {
    /// The record: a study record of ClinicalTrials.gov (API version 2, JSON), or its columns as text; - for standard input
    #[arg(value_name = "RECORD")]
    record: PathBuf,
    /// Where to write the protocol; standard output when not said
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let bytes = read(&options.record)?;
    let record = registry::read(&bytes)
        .map_err(|fault| Failure::new(format!("{}: {fault}", options.record.display())))?;
    show(&registry::skeleton(&record), options.out.as_deref())
}

/// Writes a skeleton, and says what is left to do.
pub fn show(skeleton: &Skeleton, out: Option<&Path>) -> Result<(), Failure> {
    match out {
        Some(file) => write_new(file, &skeleton.toml)?,
        None => line(skeleton.toml.trim_end())?,
    }
    note(format!(
        "{} to decide, each marked `# DECIDE:` in the file",
        plural(skeleton.decisions.len(), "thing")
    ));
    if let Err(faults) = trial::protocol::check(&skeleton.toml) {
        note("Before the protocol can be used, it needs:");
        for fault in &faults {
            note(format!("  {fault}"));
        }
    }
    if let Some(file) = out {
        note(format!("Next: trialwright check {}", file.display()));
    }
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |wrong: std::io::Error| Failure::new(format!("cannot read {}: {wrong}", file.display()));
    let most = registry::MOST_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        std::fs::File::open(file).map_err(failed)?.take(most).read_to_end(&mut bytes).map_err(failed)?;
    }
    Ok(bytes)
}

/// Writes a file that was not there before.
fn write_new(file: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let made = std::fs::File::options().write(true).create_new(true).open(file);
    made.and_then(|mut to| to.write_all(text.as_bytes())).map_err(|wrong| {
        let failure = Failure::new(format!("cannot write {}: {wrong}", file.display()));
        match wrong.kind() {
            std::io::ErrorKind::AlreadyExists => {
                failure.hint("another name with --out: nothing is written over")
            }
            _ => failure,
        }
    })
}
