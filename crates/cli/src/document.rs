//! `trialwright document`: plan, synopsis, schedule and case report forms, each written from the protocol file.
//!
//! Never words anything itself, and never overwrites a file that it was not told to.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use ledger::Address;
use report::document::{self, Options as Shown, Seen};
use trial::id::SubjectId;
use trial::protocol::Protocol;

use crate::cuts::Cuts;
use crate::output::{Failure, line};
use crate::{check, shipped};

/// Which document.
#[derive(clap::Subcommand)]
pub enum Command {
    /// The statistical analysis plan: estimands, analyses, rules, and what the file does not state
    #[command(after_help = "Examples:
  trialwright document plan avatar-ii
  trialwright document plan my-trial.toml --out plan.html
  trialwright document plan my-trial.toml --restricted --out office/plan-restricted.html")]
    Plan(FromFile),
    /// The protocol synopsis, on a few pages
    #[command(after_help = "Example:
  trialwright document synopsis my-trial.toml")]
    Synopsis(FromFile),
    /// The schedule of assessments: forms by visits, on one landscape page
    #[command(after_help = "Example:
  trialwright document schedule my-trial.toml --out schedule.html")]
    Schedule(FromFile),
    /// Case report forms: blank from a protocol file, or as a subject's were filled from a ledger
    #[command(after_help = "Examples:
  trialwright document forms my-trial.toml
  trialwright document forms my-trial.toml --annotated
  trialwright document forms --ledger trialwright-demo/trial.sqlite --subject 03-001
  trialwright document forms --ledger trial.sqlite --subject 03-001 --as-of 2027-06-30")]
    Forms(Forms),
}

/// A document of a protocol file.
#[derive(clap::Args)]
pub struct FromFile {
    /// The protocol file, or the name of a shipped one
    #[arg(value_name = "PROTOCOL")]
    protocol: PathBuf,
    #[command(flatten)]
    to: To,
    /// With what sites should not read: sizes of blocks (ICH E9, 2.3.2)
    #[arg(long)]
    restricted: bool,
}

/// Where a document goes.
#[derive(clap::Args)]
struct To {
    /// The file to write; when not said, a name made of the trial's and the document's, here
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

/// Forms, blank or filled.
#[derive(clap::Args)]
pub struct Forms {
    /// The protocol file, or the name of a shipped one
    #[arg(value_name = "PROTOCOL", required_unless_present = "ledger", conflicts_with_all = ["ledger", "subject", "as_of"])]
    protocol: Option<PathBuf>,
    /// The ledger of filled forms: a file, or the address of a PostgreSQL database
    #[arg(long, requires = "subject")]
    ledger: Option<Address>,
    /// The subject whose forms are shown
    #[arg(long, requires = "ledger")]
    subject: Option<SubjectId>,
    /// What was known then: only events recorded up to the end of this day (UTC), or up to this moment
    #[arg(long, value_name = "DATE", value_parser = crate::cuts::moment)]
    as_of: Option<Timestamp>,
    /// Blank forms with the names of CDASH and SDTM, and with their edit checks
    #[arg(long, conflicts_with = "ledger")]
    annotated: bool,
    #[command(flatten)]
    to: To,
}

/// Writes a document.
pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Plan(options) => of_file(options, "statistical-analysis-plan", document::plan),
        Command::Synopsis(options) => of_file(options, "synopsis", document::synopsis),
        Command::Schedule(options) => of_file(options, "schedule-of-assessments", document::schedule),
        Command::Forms(options) => forms(options),
    }
}

fn of_file(options: &FromFile, what: &str, make: fn(&Protocol, &Shown) -> String) -> Result<(), Failure> {
    let protocol = check::checked(&options.protocol)?.protocol;
    let suffix = if options.restricted { "-restricted" } else { "" };
    let name = format!("{}-{what}{suffix}", shipped::file_name(&protocol.trial.id));
    let place = options.to.place(&name)?;
    let shown = Shown { restricted: options.restricted, ..Shown::default() };
    let readers = if options.restricted { Readers::Owner } else { Readers::Any };
    write(&place, &make(&protocol, &shown), options.to.force, readers)
}

fn forms(options: &Forms) -> Result<(), Failure> {
    if let (Some(ledger), Some(subject)) = (&options.ledger, &options.subject) {
        return filled(ledger, subject, options);
    }
    // The command line asks for one or the other.
    let Some(file) = &options.protocol else {
        return Err(Failure::usage("a protocol file, or --ledger with --subject"));
    };
    let protocol = check::checked(file)?.protocol;
    let suffix = if options.annotated { "-annotated" } else { "" };
    let name = format!("{}-case-report-forms{suffix}", shipped::file_name(&protocol.trial.id));
    let place = options.to.place(&name)?;
    let shown = Shown { annotated: options.annotated, ..Shown::default() };
    let text = document::forms(&protocol, &shown, &|domain, variable| {
        exchange::layout::sdtm().iter().any(|set| set.name == domain && set.variable(variable).is_some())
    });
    write(&place, &text, options.to.force, Readers::Any)
}

fn filled(at: &Address, subject: &SubjectId, options: &Forms) -> Result<(), Failure> {
    let reading = Cuts { as_of: options.as_of, cut: None }.open(at)?;
    let Some((record, events)) = reading.record(subject)? else {
        let then = if options.as_of.is_some() { " by then" } else { "" };
        return Err(Failure::new(format!("{at} knows no subject {subject}{then}"))
            .hint(format!("trialwright explain {at}  lists them")));
    };
    let trial = &reading.history.current().trial.id;
    let then = options.as_of.map_or_else(String::new, |at| at.strftime("-as-of-%Y-%m-%d").to_string());
    let name = format!(
        "{}-{}-case-report-forms{then}",
        shipped::file_name(trial),
        shipped::file_name(subject.as_str())
    );
    let place = options.to.place(&name)?;
    let (source, head) = (format!("ledger {at}"), reading.head.hash.to_string());
    // A simulated trial lies in another time: there the last that was recorded is today.
    let now = if reading.simulated { reading.until } else { None }.unwrap_or_else(Timestamp::now);
    let seen = Seen {
        source: &source,
        head: Some(&head),
        as_of: options.as_of,
        today: trial::date::utc_date(options.as_of.unwrap_or(now)),
        simulated: reading.simulated,
    };
    write(
        &place,
        &document::completed(&reading.history, &record, &events, &seen),
        options.to.force,
        Readers::Owner,
    )
}

impl To {
    /// The file to write. Errors: an ending that names no format, or a file that is there.
    fn place(&self, name: &str) -> Result<PathBuf, Failure> {
        let place = self.out.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.html")));
        let place = if place.is_dir() { place.join(format!("{name}.html")) } else { place };
        match place.extension().and_then(|ending| ending.to_str()) {
            Some("html" | "htm") => {}
            Some("pdf") => {
                return Err(Failure::usage(format!("{}: documents are written as HTML, not as PDF", place.display()))
                    .hint("--out with a name that ends in .html; a browser prints it to PDF, page by page as it is meant"));
            }
            _ => {
                return Err(Failure::usage(format!("{}: what format is meant?", place.display()))
                    .hint("--out with a name that ends in .html"));
            }
        }
        if place.exists() && !self.force {
            return Err(Failure::new(format!("{} is there already, and was left as it is", place.display()))
                .hint("--force to write over it, or another file with --out"));
        }
        Ok(place)
    }
}

/// Who may read a document.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Readers {
    /// Whoever the system lets: it tells of no subject.
    Any,
    /// Its owner.
    Owner,
}

/// A temporary file that its readers may read; one is its owner's alone where nothing else is said.
fn temporary(readers: Readers) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    #[cfg(unix)]
    if readers == Readers::Any {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder
}

/// A file that is there is whole; without `force` none is written over, not even one that came between.
fn write(place: &Path, text: &str, force: bool, readers: Readers) -> Result<(), Failure> {
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unwritten = |wrong: &dyn std::fmt::Display| {
        Failure::new(format!("cannot write {}: {wrong}", place.display())).hint("another file with --out")
    };
    let mut file = temporary(readers).tempfile_in(folder).map_err(|wrong| unwritten(&wrong.kind()))?;
    file.write_all(text.as_bytes()).map_err(|wrong| unwritten(&wrong.kind()))?;
    let kept = if force { file.persist(place) } else { file.persist_noclobber(place) };
    kept.map_err(|wrong| unwritten(&wrong.error.kind()))?;
    line(place.display())
}
