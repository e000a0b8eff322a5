//! `trialwright import`: a trial captured elsewhere, from its SDTM data sets into a ledger.
//!
//! Never imports half, and never into a ledger that is there.

use std::path::{Path, PathBuf};

use exchange::sdtm;
use ledger::{Address, Ledger};
use serde_json::json;

use crate::check;
use crate::output::{self, Failure, line, note, plural, progress, refused, wait};

#[derive(clap::Args)]
pub struct Options {
    /// A directory of SDTM data sets as CSV, SAS transport files (XPT, version 5), Dataset-JSON 1.1 or Parquet
    source: PathBuf,
    /// The protocol the trial ran under, so that its own forms are filled and its own endpoints derived: a file, or the
    /// name of a shipped one. When not said, one is made of what SDTM tells: RECIST, progression-free and overall survival
    #[arg(long, value_name = "PROTOCOL")]
    protocol: Option<PathBuf>,
    /// The new ledger: a file that does not exist yet, or postgres://USER@HOST/DATABASE?schema=NAME
    #[arg(long, default_value = "trial.sqlite", env = "DATABASE_URL", hide_env_values = true)]
    ledger: Address,
    /// As JSON, for another program
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let source = &options.source;
    let read = match &options.protocol {
        Some(file) => sdtm::read_under(source, &check::checked(file)?),
        None => sdtm::read(source),
    };
    let import = read.map_err(|faults| refused(source, &faults))?;
    let events = import.events();
    let bar = progress(events.len() as u64, "importing");
    let head = wait(async {
        let ledger = Ledger::create(&options.ledger).await?;
        let done = office::transcribe(&ledger, &events, |done| bar.set_position(done)).await;
        ledger.close().await;
        if done.is_err()
            && let Some(file) = options.ledger.file()
        {
            remove(file);
        }
        Ok::<_, Failure>(done?)
    })?;
    bar.finish_and_clear();
    if options.json {
        return output::json(&json!({
            "ledger": options.ledger.to_string(), "study": import.study, "subjects": import.subjects.len(),
            "events": head.count, "head": head.hash.to_string(), "files": import.accounting.files,
            "remarks": import.remarks,
        }));
    }
    note(import.accounting.summary().trim_end());
    import.remarks.iter().for_each(note);
    line(format!(
        "{}: {} of {}, {}, in {}",
        import.study,
        plural(import.subjects.len() as u64, "subject"),
        source.display(),
        plural(head.count, "event"),
        options.ledger
    ))?;
    line("\nNext:")?;
    line(format!("  trialwright report {}", options.ledger))?;
    line(format!("  trialwright explain {}", options.ledger))
}

/// An import that failed leaves no ledger. The first failure is the one to tell.
fn remove(file: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        let _ = std::fs::remove_file(name);
    }
}
