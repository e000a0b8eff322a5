//! `trialwright bundle`: a ledger as a statistician wants it, with the scripts that do the primary analysis again.
//!
//! Never derives and never writes half: everything is made beside its place, then moved there.

use std::fs;
use std::path::{Path, PathBuf};

use exchange::bundle::Bundle;
use exchange::format::{About, Format, write_file};
use exchange::submission::{Standard, Study};
use ledger::Address;
use office::Arms;

use crate::cuts::Cuts;
use crate::export;
use crate::output::{Failure, line, note, plural, progress};

#[derive(clap::Args)]
pub struct Options {
    /// The ledger: a file, or the address of a PostgreSQL database
    ledger: Address,
    /// Where to write: a folder that is not there yet, is empty, or was made by this command
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    cuts: Cuts,
}

/// Says of a folder that `bundle` made it, and may make it anew.
const MARK: &str = "MADE-BY-BUNDLE.txt";
/// CSV and Parquet to work with; XPT for who reads nothing else.
const FORMATS: [Format; 3] = [Format::Csv, Format::Parquet, Format::Xport];

pub fn run(options: &Options) -> Result<(), Failure> {
    let to = &options.to;
    let empty = fs::read_dir(to).map_or(true, |mut entries| entries.next().is_none());
    if to.is_file() || !(empty || to.join(MARK).exists()) {
        return Err(Failure::new(format!("{} holds things that `bundle` did not make", to.display()))
            .hint("another folder with --to"));
    }
    let reading = options.cuts.open(&options.ledger)?;
    let bar = progress(reading.head.count, "analysing");
    let source = format!("ledger {}", options.ledger);
    let results = reading.results(Arms::Apart, options.cuts.cut, &source, |events| bar.inc(events))?;
    bar.finish_and_clear();
    let study = Study::new(&reading.history, export::facts(&reading, options.cuts));
    let standards = [Standard::Sdtm, Standard::Adam, Standard::Trace];
    let sets = export::gather(&reading, &study, &standards)?;
    let made = exchange::bundle::make(&study, &sets, &results).map_err(Failure::new)?;
    let cannot = |wrong: std::io::Error| {
        Failure::new(format!("cannot write to {}: {wrong}", to.display())).hint("another folder with --to")
    };
    let beside = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(beside).map_err(cannot)?;
    let making = tempfile::Builder::new().prefix(".making-").tempdir_in(beside).map_err(cannot)?;
    let folder = making.path().join("bundle");
    export::write(&study, &sets, &FORMATS, &standards, &folder)?;
    fill(&made, study.id(), &folder).map_err(cannot)?;
    if to.exists() {
        fs::remove_dir_all(to).map_err(cannot)?;
    }
    fs::rename(&folder, to).map_err(cannot)?;
    show(&made, sets.len(), to, reading.simulated)
}

/// The plain tables and the texts, beside the data sets of the standards.
fn fill(made: &Bundle, study: &str, folder: &Path) -> std::io::Result<()> {
    let about = About::new(study, jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()));
    for format in FORMATS {
        // What `export` says of each folder holds of the bundle's alone.
        let _ = fs::remove_file(folder.join(format.name()).join(export::MARK));
    }
    for table in &made.tables {
        for format in [Format::Csv, Format::Parquet] {
            write_file(&folder.join(format.name()), format, table, &about).map_err(std::io::Error::other)?;
        }
    }
    for (name, text) in &made.files {
        let file = folder.join(name);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(file, text)?;
    }
    let mark = "`trialwright bundle` made this folder and replaces what is in it when it runs again.\n";
    fs::write(folder.join(MARK), mark)
}

fn show(made: &Bundle, sets: usize, to: &Path, simulated: bool) -> Result<(), Failure> {
    for table in &made.tables {
        line(format!("{:<10} {}", table.name().to_lowercase(), plural(table.len(), "row")))?;
    }
    line(format!("{:<10} {} of SDTM and ADaM as CSV, Parquet and XPT", "data sets", sets))?;
    line(format!("{:<10} {}", "dictionary", to.join("dictionary.html").display()))?;
    match &made.primary {
        Some(primary) => {
            line(format!("{:<10} {primary}", "primary"))?;
            line("\nNext:")?;
            line(format!("  Rscript {}", to.join("primary.R").display()))?;
            line(format!("  python {}", to.join("primary.py").display()))?;
        }
        None => note("note: the protocol plans no analysis of a time to an event, so there are no scripts"),
    }
    if simulated {
        note("note: the subjects are virtual; TS and Define-XML say so");
    }
    Ok(())
}
