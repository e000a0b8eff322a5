//! `trialwright odm`: a trial as CDISC ODM-XML 1.3.2, forms of an ODM file as a protocol, its data into a ledger.
//!
//! Never writes a part: what an import holds goes through the office as one submission, or not at all.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use exchange::odm::{self, OdmAbout, OdmData, OdmFault, OdmWriter, Participants, Step};
use jiff::Timestamp;
use ledger::{Address, Ledger};
use office::{Action, Actor, Deed, Office};
use trial::event::{Entered, Role};
use trial::id::SubjectId;

use crate::cuts::moment;
use crate::fhir::place;
use crate::init;
use crate::output::{Failure, line, note, plural, progress, wait};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Write the protocol's forms and the clinical data with their audit records
    Export(Export),
    /// Begin a protocol file from the forms and visits of an ODM file
    Init(Init),
    /// Enter the clinical data of an ODM file into a ledger through the trial office: all of them or none
    Import(Import),
}

#[derive(clap::Args)]
pub struct Export {
    /// The ledger: a file, or the address of a PostgreSQL database
    ledger: Address,
    /// Where to write, in place of a file that stands there
    #[arg(long, value_name = "FILE", default_value = "odm.xml")]
    out: PathBuf,
    /// What was known then: only events recorded up to the end of this day (UTC), or up to this moment
    #[arg(long, value_name = "DATE", value_parser = moment)]
    as_of: Option<Timestamp>,
    /// The forms alone
    #[arg(long)]
    metadata_only: bool,
}

#[derive(clap::Args)]
pub struct Init {
    /// The ODM file
    #[arg(value_name = "ODM")]
    file: PathBuf,
    /// Where to write the protocol; standard output when not said
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct Import {
    /// The ODM file
    #[arg(value_name = "ODM")]
    file: PathBuf,
    /// The ledger of a trial that was founded, whose protocol has the file's forms
    ledger: Address,
    /// The name under which the import stands in the ledger
    #[arg(long, value_name = "NAME", default_value = "odm-import")]
    by: String,
    /// Only tell what would be entered
    #[arg(long)]
    dry_run: bool,
}

pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Export(options) => export(options),
        Command::Init(options) => begin(options),
        Command::Import(options) => import(options),
    }
}

fn export(options: &Export) -> Result<(), Failure> {
    let cuts = crate::cuts::Cuts { as_of: options.as_of, cut: None };
    let reading = cuts.open(&options.ledger)?;
    let failed =
        |wrong: std::io::Error| Failure::new(format!("cannot write {}: {wrong}", options.out.display()));
    let mut participants = Participants::default();
    if !options.metadata_only {
        let bar = progress(reading.subjects, "reading");
        reading.for_each(
            |subject| Participants::of(subject.events),
            |of| {
                participants.join(of);
                bar.inc(1);
            },
        )?;
        bar.finish_and_clear();
    }
    let about = OdmAbout {
        created: Timestamp::now(),
        as_of: reading.until,
        source: format!("ledger {}", options.ledger),
        simulated: reading.simulated,
    };
    let sites: Vec<odm::Place<'_>> = reading.sites.iter().map(place).collect();
    // Beside its place first, so that a broken export leaves the file that stood there.
    let folder =
        options.out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let making = tempfile::Builder::new().prefix(".making-").tempdir_in(folder).map_err(failed)?;
    let made = making.path().join("odm.xml");
    let file = BufWriter::new(File::create(&made).map_err(failed)?);
    let mut writer = OdmWriter::new(file, &reading.history, &about, &sites, participants).map_err(failed)?;
    let (mut subjects, mut broken) = (0_u64, None);
    if !options.metadata_only {
        let bar = progress(reading.subjects, "writing");
        reading.for_each(
            |subject| (subject.record.subject.clone(), subject.events.to_vec()),
            |(id, events): (SubjectId, Vec<Entered>)| {
                if broken.is_none() {
                    broken = writer.subject(&id, &events).err();
                }
                subjects += 1;
                bar.inc(1);
            },
        )?;
        bar.finish_and_clear();
    }
    if let Some(wrong) = broken {
        return Err(failed(wrong));
    }
    let replaced = writer.finish().map_err(failed)?;
    std::fs::rename(&made, &options.out).map_err(failed)?;
    if replaced > 0 {
        note(format!("{} that XML does not have stand as U+FFFD in the file", plural(replaced, "character")));
    }
    line(format!("{}: ODM-XML 1.3.2, {}", options.out.display(), plural(subjects, "subject")))
}

/// The faults of a file, one a line.
fn refused(file: &Path, faults: &[OdmFault]) -> Failure {
    let told: Vec<String> = faults.iter().map(|fault| format!("\n  {fault}")).collect();
    Failure::new(format!("{} cannot be read, and nothing of it was{}", file.display(), told.concat()))
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|wrong| Failure::new(format!("cannot read {}: {wrong}", file.display())))
}

fn begin(options: &Init) -> Result<(), Failure> {
    let metadata = odm::metadata(&read(&options.file)?).map_err(|faults| refused(&options.file, &faults))?;
    init::show(&odm::skeleton(&metadata), options.out.as_deref())
}

fn import(options: &Import) -> Result<(), Failure> {
    let bytes = read(&options.file)?;
    wait(async {
        let office = Office::open(Ledger::open(&options.ledger).await?).await?;
        let overview = office.overview().await?;
        let data = odm::data(&bytes, overview.history.current())
            .map_err(|faults| refused(&options.file, &faults))?;
        let known: Vec<_> = overview.sites.iter().map(|site| site.id.clone()).collect();
        let actions = actions(&data, &Actor::new(options.by.clone(), Role::System), &known);
        let (forms, corrections) = count(&data);
        if !options.dry_run {
            office.submit(actions).await?;
        }
        office.ledger().clone().close().await;
        let done = if options.dry_run { "would be entered" } else { "entered" };
        line(format!(
            "{}, {}, {} {done}",
            plural(data.subjects.len() as u64, "subject"),
            plural(forms, "form"),
            plural(corrections, "correction")
        ))?;
        for (what, n) in &data.left {
            note(format!("not taken over, since they are another system's to assert: {n} {what}"));
        }
        Ok::<_, Failure>(())
    })
}

fn count(data: &OdmData) -> (u64, u64) {
    let steps = || data.subjects.iter().flat_map(|subject| &subject.steps);
    let forms = steps().filter(|step| matches!(step, Step::Save { .. })).count() as u64;
    (forms, steps().count() as u64 - forms)
}

/// What the office is asked to record.
fn actions(data: &OdmData, actor: &Actor, known: &[trial::id::SiteId]) -> Vec<Action> {
    let mut actions = Vec::new();
    for (site, name) in data.sites.iter().filter(|(site, _)| !known.contains(site)) {
        let name = if name.is_empty() { site.to_string() } else { name.clone() };
        actions.push(Action::now(actor, Deed::OpenSite { name, country: None }).at(site.clone()));
    }
    for subject in &data.subjects {
        let of = |deed| Action::now(actor, deed).at(subject.site.clone()).of(subject.id.clone());
        actions.push(of(Deed::Screen));
        for step in &subject.steps {
            actions.push(of(match step.clone() {
                Step::Save { instance, values } => Deed::Save { instance, values },
                Step::Correct { instance, values, reason } => Deed::Correct { instance, values, reason },
            }));
        }
    }
    actions
}
