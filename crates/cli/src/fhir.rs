//! `trialwright fhir`: a trial as HL7 FHIR R4 resources, NDJSON, one file a type.
//!
//! Never derives: what a scan means is `trial`'s, what stands where in a resource is `exchange`'s.

use std::collections::BTreeMap;
use std::path::PathBuf;

use exchange::fhir::{Bulk, Exporter, Place, of_subject};
use ledger::Address;
use serde::Deserialize;
use trial::derive::derive;

use crate::cuts::Cuts;
use crate::output::{Failure, line, plural, progress, table, told};

#[derive(clap::Args)]
pub struct Options {
    /// The ledger: a file, or the address of a PostgreSQL database
    ledger: Address,
    #[command(flatten)]
    cuts: Cuts,
    /// Where to write, in place of an export that stands there
    #[arg(long, value_name = "DIR", default_value = "fhir")]
    to: PathBuf,
    /// Texts of questionnaire items to hand on, as `serve --wording` takes them; ids and neutral labels when not said
    #[arg(long, value_name = "FILE")]
    wording: Option<PathBuf>,
}

/// What of a file of wording an export needs.
#[derive(Deserialize)]
struct Wording {
    questionnaires: BTreeMap<String, Texts>,
}

#[derive(Deserialize)]
struct Texts {
    #[serde(default)]
    items: BTreeMap<String, String>,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let texts = texts(options)?;
    let reading = options.cuts.open(&options.ledger)?;
    let exporter = Exporter::new(&reading.history, reading.simulated).with_wording(texts);
    let sites: Vec<Place<'_>> = reading.sites.iter().map(place).collect();
    let failed = |wrong: std::io::Error| {
        Failure::new(format!("cannot write to {}: {wrong}", options.to.display()))
            .hint("another folder with --to")
    };
    let mut bulk = Bulk::create(&options.to).map_err(failed)?;
    for resource in exporter.study(&sites) {
        bulk.push(&resource).map_err(failed)?;
    }
    let cut = options.cuts.cut;
    let bar = progress(reading.subjects, "writing");
    let mut broken = None;
    reading.for_each_record(
        |folded| {
            let record = match cut {
                Some(cut) => folded.record.cut_at(cut),
                None => folded.record,
            };
            of_subject(&exporter, &record, &derive(&reading.history, &record, cut))
        },
        |resources| {
            bar.inc(1);
            if broken.is_none() {
                broken = resources.iter().find_map(|resource| bulk.push(resource).err());
            }
        },
    )?;
    bar.finish_and_clear();
    if let Some(wrong) = broken {
        return Err(failed(wrong));
    }
    let written = bulk.finish(reading.until, &format!("ledger {}", options.ledger)).map_err(failed)?;
    let mut shown = table(["type", "resources", "file"]);
    for one in &written {
        shown.add_row([one.kind.clone(), one.count.to_string(), one.file.display().to_string()]);
    }
    line(told(&shown))?;
    let all: u64 = written.iter().map(|one| one.count).sum();
    line(format!("\n{} of FHIR R4 ({})", plural(all, "resource"), exchange::fhir::VERSION))
}

/// A site as exports have it.
pub fn place(site: &office::Site) -> Place<'_> {
    Place {
        id: site.id.as_str(),
        name: &site.name,
        country: site.country.as_deref(),
        opened: Some(trial::date::utc_date(site.opened)),
        open: site.is_open(),
    }
}

fn texts(options: &Options) -> Result<BTreeMap<String, BTreeMap<String, String>>, Failure> {
    let Some(file) = &options.wording else { return Ok(BTreeMap::new()) };
    let named = |wrong: &dyn std::fmt::Display| Failure::new(format!("{}: {wrong}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|wrong| named(&wrong))?;
    let read: Wording = toml::from_str(&text).map_err(|wrong| named(&wrong))?;
    Ok(read.questionnaires.into_iter().map(|(form, texts)| (form, texts.items)).collect())
}
