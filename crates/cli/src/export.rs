//! `trialwright export`: a ledger as SDTM, ADaM and Define-XML, in every format of the field.
//!
//! Never derives and never writes half: everything is made beside its place, then moved there.

use std::fs;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use exchange::define;
use exchange::format::{About, Format, write_file};
use exchange::submission::{Collector, DataSet, Facts, Site, Standard, Study};
use ledger::Address;
use office::Reading;
use rayon::prelude::*;

use crate::cuts::Cuts;
use crate::output::{Failure, busy, line, note, plural, progress};

/// Says of a folder that `export` made it, and may make it anew.
pub const MARK: &str = "MADE-BY-EXPORT.txt";

#[derive(clap::Args)]
pub struct Options {
    /// The ledger: a file, or the address of a PostgreSQL database
    ledger: Address,
    /// Where to write: a folder for each format, in it one for each standard
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The formats, apart by commas
    #[arg(
        long,
        value_name = "FORMAT",
        value_delimiter = ',',
        value_parser = format_of,
        default_value = "csv,xpt,dataset-json,parquet"
    )]
    format: Vec<Format>,
    /// The standards, apart by commas
    #[arg(long, value_name = "STANDARD", value_delimiter = ',', value_parser = standard_of, default_value = "sdtm,adam")]
    standard: Vec<Standard>,
    #[command(flatten)]
    cuts: Cuts,
}

fn format_of(text: &str) -> Result<Format, String> {
    text.parse().map_err(|_| {
        let known: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        format!("{text:?} is no format; one of {}", known.join(", "))
    })
}

fn standard_of(text: &str) -> Result<Standard, String> {
    [Standard::Sdtm, Standard::Adam]
        .into_iter()
        .find(|standard| standard.as_str() == text)
        .ok_or_else(|| format!("{text:?} is no standard; one of sdtm, adam"))
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let reading = options.cuts.open(&options.ledger)?;
    let study = Study::new(&reading.history, facts(&reading, options.cuts));
    let mut standards = options.standard.clone();
    standards.push(Standard::Trace);
    let sets = gather(&reading, &study, &standards)?;
    let cannot = |wrong: std::io::Error| {
        Failure::new(format!("cannot write to {}: {wrong}", options.to.display()))
            .hint("another folder with --to")
    };
    fs::create_dir_all(&options.to).map_err(cannot)?;
    let mut formats = options.format.clone();
    formats.sort_unstable_by_key(|format| format.name());
    formats.dedup();
    for format in &formats {
        is_free(&options.to.join(format.name()))?;
    }
    let making = tempfile::Builder::new().prefix(".making-").tempdir_in(&options.to).map_err(cannot)?;
    write(&study, &sets, &formats, &standards, making.path())?;
    for format in &formats {
        let place = options.to.join(format.name());
        if place.exists() {
            fs::remove_dir_all(&place).map_err(cannot)?;
        }
        fs::rename(making.path().join(format.name()), &place).map_err(cannot)?;
    }
    show(&sets, &formats, &standards, &options.to, reading.simulated)
}

pub fn facts(reading: &Reading, cuts: Cuts) -> Facts {
    let site = |site: &office::Site| Site {
        id: site.id.clone(),
        name: site.name.clone(),
        country: site.country.clone(),
    };
    Facts {
        sites: reading.sites.iter().map(site).collect(),
        simulated: reading.simulated,
        as_of: cuts.as_of,
        cut: cuts.cut,
        until: reading.until,
        head: Some(reading.head.hash.to_string()),
    }
}

pub fn gather(reading: &Reading, study: &Study<'_>, standards: &[Standard]) -> Result<Vec<DataSet>, Failure> {
    let bar = progress(reading.subjects, "exporting");
    let mut collector = Collector::new(study, standards).map_err(Failure::new)?;
    reading.for_each_record(
        |folded| study.subject(&folded.record),
        |subject| {
            collector.take(&subject);
            bar.inc(1);
        },
    )?;
    let sets = collector.finish().map_err(Failure::new)?;
    bar.finish_and_clear();
    Ok(sets)
}

/// Only a folder that `export` made is replaced.
fn is_free(place: &Path) -> Result<(), Failure> {
    let empty = fs::read_dir(place).map_or(true, |mut entries| entries.next().is_none());
    if empty || place.join(MARK).exists() {
        return Ok(());
    }
    Err(Failure::new(format!("{} holds things that `export` did not make", place.display()))
        .hint("another folder with --to"))
}

pub fn write(
    study: &Study<'_>,
    sets: &[DataSet],
    formats: &[Format],
    standards: &[Standard],
    folder: &Path,
) -> Result<(), Failure> {
    let bar = busy("writing");
    let created = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now());
    let about = |standard: Standard| About {
        metadata_version: Some(define::version_oid(standard)),
        metadata_file: (standard != Standard::Trace).then(|| "define.xml".to_owned()),
        originator: Some("Trialwright".to_owned()),
        ..About::new(study.id(), created)
    };
    let place = |format: Format, standard: Standard| folder.join(format.name()).join(standard.as_str());
    for format in formats {
        for standard in standards {
            fs::create_dir_all(place(*format, *standard))?;
        }
        let mark = "`trialwright export` made this folder and replaces what is in it when it runs again.\n";
        fs::write(folder.join(format.name()).join(MARK), mark)?;
    }
    // The largest first, so that no core waits at the end.
    let mut work: Vec<(Format, &DataSet)> =
        sets.iter().flat_map(|set| formats.iter().map(move |format| (*format, set))).collect();
    work.sort_by_key(|(_, set)| std::cmp::Reverse(set.table.len()));
    work.par_iter().try_for_each(|(format, set)| {
        let dir = place(*format, set.standard);
        write_file(&dir, *format, &set.table, &about(set.standard)).map(drop).map_err(Failure::new)
    })?;
    let described = standards.iter().filter(|standard| **standard != Standard::Trace);
    let definitions: Vec<(Format, Standard)> =
        described.flat_map(|standard| formats.iter().map(move |format| (*format, *standard))).collect();
    definitions.par_iter().try_for_each(|(format, standard)| {
        let file = fs::File::create(place(*format, *standard).join("define.xml"))?;
        let options = define::Options { created, extension: format.extension() };
        define::write(study, *standard, sets, &options, BufWriter::new(file))
    })?;
    bar.finish_and_clear();
    Ok(())
}

fn show(
    sets: &[DataSet],
    formats: &[Format],
    standards: &[Standard],
    to: &Path,
    simulated: bool,
) -> Result<(), Failure> {
    for standard in standards {
        let of: Vec<&DataSet> = sets.iter().filter(|set| set.standard == *standard).collect();
        let rows: usize = of.iter().map(|set| set.table.len()).sum();
        let names: Vec<&str> = of.iter().map(|set| set.table.name()).collect();
        line(format!(
            "{:<6} {} in {}: {}",
            standard.as_str(),
            plural(rows, "record"),
            plural(of.len(), "data set"),
            names.join(" ")
        ))?;
    }
    for format in formats {
        line(format!("{:<6} {}", format.name(), to.join(format.name()).display()))?;
    }
    for unmapped in define::unmapped(sets) {
        note(format!("note: {unmapped}"));
    }
    if simulated {
        note("note: the subjects are virtual; TS and Define-XML say so");
    }
    Ok(())
}
