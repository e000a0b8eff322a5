//! `trialwright report`: from a ledger or an SDTM directory to the page, its tables and figures.
//!
//! Never computes a number, and never leaves half a report: its files are written beside their place, then moved there.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use analysis::results::{About, Results};
use analysis::{Context, Limits, Plan, SubjectRow};
use exchange::sdtm;
use ledger::Address;
use office::Arms;
use trial::protocol::ProtocolHistory;

use crate::cuts::Cuts;
use crate::output::{Failure, busy, line, note, plural, progress, refused};

#[derive(clap::Args)]
pub struct Options {
    /// A ledger (a file, or the address of a PostgreSQL database), or a directory of SDTM data sets as CSV
    source: Address,
    #[command(flatten)]
    cuts: Cuts,
    /// Where to write, in place of a report that stands there. When not said: `report` beside a ledger, `sdtm-report`
    /// here for SDTM, each with its cut in the name
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// For whom: a safety committee gets an open part, all arms in one, and a closed part by arm, each in a folder of its
    /// own
    #[arg(long = "for", value_name = "READER", conflicts_with = "json")]
    reader: Option<Reader>,
    /// Print the results as JSON and write no files
    #[arg(long, conflicts_with = "out")]
    json: bool,
}

/// Who reads a report that is not the whole one.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Reader {
    SafetyCommittee,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let source = &options.source;
    if source.file().is_some_and(|file| !file.exists()) {
        return Err(Failure::new(format!("{source}: there is no such file or directory")).hint(
            "a ledger, or a directory of SDTM data sets as CSV; `trialwright demo` makes a ledger to look at",
        ));
    }
    let results = |arms: Arms| match source.file().filter(|file| file.is_dir()) {
        Some(folder) => of_sdtm(folder, options.cuts, arms),
        None => of_ledger_by(source, options.cuts, arms),
    };
    if let Some(Reader::SafetyCommittee) = options.reader {
        let out = options.out.clone().unwrap_or_else(|| {
            let mut out = default_out(source, options.cuts).into_os_string();
            out.push("-safety-committee");
            out.into()
        });
        return for_committee(&results(Arms::Pooled)?, &results(Arms::Apart)?, &out);
    }
    let results = results(Arms::Apart)?;
    if options.json {
        return crate::output::json(&results);
    }
    let out = options.out.clone().unwrap_or_else(|| default_out(source, options.cuts));
    write(&results, &out)?;
    show(&results, &out)
}

/// A report of a cut goes beside the whole one, not over it.
fn default_out(source: &Address, cuts: Cuts) -> PathBuf {
    let file = source.file().filter(|file| !file.is_dir());
    let sdtm = source.file().is_some() && file.is_none();
    let mut name = if sdtm { "sdtm-report".to_owned() } else { "report".to_owned() };
    if let Some(moment) = cuts.as_of {
        let _ = write!(name, "-as-of-{}", moment.strftime("%Y-%m-%d"));
    }
    if let Some(day) = cuts.cut {
        let _ = write!(name, "-cut-{day}");
    }
    match file.and_then(Path::parent) {
        Some(folder) => folder.join(name),
        None => PathBuf::from(name),
    }
}

/// The results of a ledger.
pub fn of_ledger(at: &Address, cuts: Cuts) -> Result<Results, Failure> {
    of_ledger_by(at, cuts, Arms::Apart)
}

fn of_ledger_by(at: &Address, cuts: Cuts, arms: Arms) -> Result<Results, Failure> {
    let reading = cuts.open(at)?;
    let bar = progress(reading.head.count, "deriving");
    let source = format!("ledger {at}");
    let results = reading.results(arms, cuts.cut, &source, |events| bar.inc(events))?;
    bar.finish_and_clear();
    Ok(results)
}

fn analyse(arms: Arms, history: &ProtocolHistory, context: Context, rows: Vec<SubjectRow>) -> Results {
    let bar = busy("analysing");
    let results = arms.results(history, context, rows);
    bar.finish_and_clear();
    results
}

/// The results of an SDTM directory. Its facts carry no moment of recording, so that `--as-of` has nothing to cut by.
fn of_sdtm(path: &Path, cuts: Cuts, arms: Arms) -> Result<Results, Failure> {
    if cuts.as_of.is_some() {
        return Err(Failure::usage(
            "--as-of has nothing to cut by: SDTM does not tell when a fact was recorded",
        )
        .hint("--cut DATE, which cuts by the clinical date"));
    }
    let import = sdtm::read(path).map_err(|faults| refused(path, &faults).hint(instead_of(path)))?;
    note(import.accounting.summary().trim_end());
    let history = import.history();
    let plan = Plan::new(&history);
    let limits = Limits::default();
    let detail = limits.detail(import.subjects.len());
    let bar = progress(import.subjects.len() as u64, "deriving");
    let mut rows = Vec::new();
    for subject in &import.subjects {
        rows.push(plan.row(&import.record(&history, subject), cuts.cut, detail));
        bar.inc(1);
    }
    bar.finish_and_clear();
    let about = About {
        cut: cuts.cut,
        events: import.events().len() as u64,
        ..About::of(&history, &format!("SDTM directory {}", path.display()))
    };
    let sites = import.sites();
    Ok(analyse(arms, &history, Context { about, sites, limits }, rows))
}

/// What to give in place of a directory that is no SDTM: a ledger in it, where there is one.
fn instead_of(path: &Path) -> String {
    let ledger = fs::read_dir(path).ok().and_then(|entries| {
        entries
            .flatten()
            .map(|entry| entry.path())
            .find(|file| file.extension().is_some_and(|end| end == "sqlite"))
    });
    match ledger {
        Some(ledger) => format!("trialwright report {}", ledger.display()),
        None => {
            "a directory of SDTM data sets as CSV (dm.csv, tu.csv, tr.csv), or the path of a ledger".into()
        }
    }
}

/// The files a report consists of, so that the next one knows what it replaces.
const CONTENTS: &str = "contents.txt";

/// Writes the page, the tables and the figures of `results` into `out`, in place of the report that stood there.
pub fn write(results: &Results, out: &Path) -> Result<(), Failure> {
    write_page(results, report::html(results), out, |_| true)
}

/// Both parts of a report for a safety committee, each in a folder of its own; the closed one is for its owner's eyes.
fn for_committee(open: &Results, closed: &Results, out: &Path) -> Result<(), Failure> {
    let (at_open, at_closed) = (out.join("open"), out.join("closed"));
    write_page(open, report::committee(open, report::Part::Open), &at_open, report::for_committee)?;
    fs::create_dir_all(&at_closed).and_then(|()| private(&at_closed)).map_err(|wrong| {
        Failure::new(format!("cannot keep {} from others: {wrong}", at_closed.display()))
            .hint("another folder with --out")
    })?;
    write_page(closed, report::committee(closed, report::Part::Closed), &at_closed, report::for_committee)?;
    line(format!("open part    {} (all arms in one)", at_open.join("report.html").display()))?;
    line(format!(
        "closed part  {} (by arm: for the committee alone)",
        at_closed.join("report.html").display()
    ))
}

/// Nobody but the owner may open the folder.
#[cfg(unix)]
fn private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn private(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}

/// `goes`: which of the other files stand beside the page, by name.
fn write_page(
    results: &Results,
    page: String,
    out: &Path,
    goes: impl Fn(&str) -> bool,
) -> Result<(), Failure> {
    let bar = busy("writing");
    let mut files = vec![("report.html".to_owned(), page)];
    if goes("results.json") {
        let json = serde_json::to_string_pretty(results).map_err(Failure::new)?;
        files.push(("results.json".to_owned(), json));
    }
    let tables = report::csv_files(results).into_iter().filter(|(name, _)| goes(name));
    files.extend(tables.map(|(name, text)| (format!("tables/{name}"), text)));
    let figures = report::figures(results).into_iter().filter(|(name, _)| goes(name));
    files.extend(figures.map(|(name, text)| (format!("figures/{name}"), text)));
    let names: String = files.iter().flat_map(|(name, _)| [name.as_str(), "\n"]).collect();
    files.push((CONTENTS.to_owned(), names.clone()));
    if out.exists() && !out.is_dir() {
        return Err(Failure::new(format!("{} is a file, and a report is a folder", out.display()))
            .hint("another folder with --out"));
    }
    replace(out, &files, &names).map_err(|wrong| {
        Failure::new(format!("cannot write the report to {}: {wrong}", out.display()))
            .hint("another folder with --out")
    })?;
    bar.finish_and_clear();
    Ok(())
}

fn replace(out: &Path, files: &[(String, String)], names: &str) -> std::io::Result<()> {
    fs::create_dir_all(out)?;
    let making = tempfile::Builder::new().prefix(".making-").tempdir_in(out).map_err(|wrong| wrong.kind())?;
    for folder in ["tables", "figures"] {
        fs::create_dir_all(making.path().join(folder))?;
        fs::create_dir_all(out.join(folder))?;
    }
    for (name, text) in files {
        fs::write(making.path().join(name), text)?;
    }
    // A table of the old report that the new one does not have would be read as the new one's.
    let old = fs::read_to_string(out.join(CONTENTS)).unwrap_or_default();
    for name in old.lines().filter(|old| is_of_a_report(old) && !names.lines().any(|new| new == *old)) {
        let _ = fs::remove_file(out.join(name));
    }
    files.iter().try_for_each(|(name, _)| fs::rename(making.path().join(name), out.join(name)))
}

/// Whether a name can be one of a report's files: nothing outside its folder is ever removed.
fn is_of_a_report(name: &str) -> bool {
    let plain = |name: &str| !name.contains(['/', '\\']) && !name.is_empty();
    name.strip_prefix("tables/").or(name.strip_prefix("figures/")).is_some_and(plain)
}

/// Prints what a person wants to know first.
pub fn show(results: &Results, out: &Path) -> Result<(), Failure> {
    line(report::summary(results).trim_end())?;
    if results.flow.randomised == 0 {
        line("Nobody was randomised by then; a later --as-of or --cut shows more")?;
    }
    line("")?;
    line(format!("report   {}", out.join("report.html").display()))?;
    line(format!("tables   {} (CSV)", out.join("tables").display()))?;
    line(format!("figures  {} (SVG)", out.join("figures").display()))?;
    line(format!("results  {} (JSON)", out.join("results.json").display()))?;
    if !results.faults.is_empty() {
        line(format!(
            "{} in the events could not be read; the report lists them",
            plural(results.faults.len() as u64, "value")
        ))?;
    }
    Ok(())
}
