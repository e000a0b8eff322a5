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
    /// A ledger (a file, or the address of a PostgreSQL database), or a directory of SDTM data sets as CSV, XPT,
    /// Dataset-JSON or Parquet
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
    #[command(flatten)]
    kinds: Kinds,
    /// Print the results as JSON and write no files
    #[arg(long, conflicts_with_all = ["out", "figures", "tables", "no_pdf", "draft"])]
    json: bool,
}

/// Who reads a report that is not the whole one.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Reader {
    SafetyCommittee,
}

/// In which formats a report is written; the page and the results as JSON always are.
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct Kinds {
    /// Formats of the figures, one file each: svg, pdf (its letters are letters), png (300 dpi)
    #[arg(long, value_name = "FORMATS", value_delimiter = ',', default_value = "svg")]
    figures: Vec<FigureKind>,
    /// Formats of the tables, one file each: csv (the data, unrounded), docx (for a manuscript)
    #[arg(long, value_name = "FORMATS", value_delimiter = ',', default_value = "csv")]
    tables: Vec<TableKind>,
    /// Do not write the report on paper (report.pdf)
    #[arg(long)]
    no_pdf: bool,
    /// Mark each page of report.pdf, and each docx, as a draft
    #[arg(long)]
    draft: bool,
}

impl Default for Kinds {
    fn default() -> Self {
        Self { figures: vec![FigureKind::Svg], tables: vec![TableKind::Csv], no_pdf: false, draft: false }
    }
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum FigureKind {
    Svg,
    Pdf,
    Png,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum TableKind {
    Csv,
    Docx,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let source = &options.source;
    if source.file().is_some_and(|file| !file.exists()) {
        return Err(Failure::new(format!("{source}: there is no such file or directory")).hint(
            "a ledger, or a directory of SDTM data sets as CSV, XPT, Dataset-JSON or Parquet; `trialwright demo` makes a ledger to look at",
        ));
    }
    let derived = |arms: Arms| match source.file().filter(|file| file.is_dir()) {
        Some(folder) => of_sdtm(folder, options.cuts, arms),
        None => of_ledger_by(source, options.cuts, arms),
    };
    if let Some(Reader::SafetyCommittee) = options.reader {
        let out = options.out.clone().unwrap_or_else(|| {
            let mut out = default_out(source, options.cuts).into_os_string();
            out.push("-safety-committee");
            out.into()
        });
        return for_committee(&derived(Arms::Pooled)?, &derived(Arms::Apart)?, &out, &options.kinds);
    }
    let derived = derived(Arms::Apart)?;
    if options.json {
        return crate::output::json(&derived.results);
    }
    let out = options.out.clone().unwrap_or_else(|| default_out(source, options.cuts));
    write_page(&derived, Page::Whole, &out, &options.kinds)?;
    show(&derived.results, &out)
}

/// What a report is made of.
pub struct Derived {
    pub history: ProtocolHistory,
    pub results: Results,
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
pub fn of_ledger(at: &Address, cuts: Cuts) -> Result<Derived, Failure> {
    of_ledger_by(at, cuts, Arms::Apart)
}

fn of_ledger_by(at: &Address, cuts: Cuts, arms: Arms) -> Result<Derived, Failure> {
    let reading = cuts.open(at)?;
    let bar = progress(reading.head.count, "deriving");
    let source = format!("ledger {at}");
    let results = reading.results(arms, cuts.cut, &source, |events| bar.inc(events))?;
    bar.finish_and_clear();
    Ok(Derived { history: reading.history, results })
}

fn analyse(arms: Arms, history: &ProtocolHistory, context: Context, rows: Vec<SubjectRow>) -> Results {
    let bar = busy("analysing");
    let results = arms.results(history, context, rows);
    bar.finish_and_clear();
    results
}

/// The results of an SDTM directory. Its facts carry no moment of recording, so that `--as-of` has nothing to cut by.
fn of_sdtm(path: &Path, cuts: Cuts, arms: Arms) -> Result<Derived, Failure> {
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
    let results = analyse(arms, &history, Context { about, sites, limits }, rows);
    Ok(Derived { history, results })
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
            "a directory of SDTM data sets (dm, tu and tr as csv, xpt, json, ndjson or parquet), or the path of a ledger".into()
        }
    }
}

/// The files a report consists of, so that the next one knows what it replaces.
const CONTENTS: &str = "contents.txt";

/// Writes the page, the paper, the tables and the figures of a report into `out`, in place of the one that stood there.
pub fn write(derived: &Derived, out: &Path) -> Result<(), Failure> {
    write_page(derived, Page::Whole, out, &Kinds::default())
}

/// Both parts of a report for a safety committee, each in a folder of its own; the closed one is for its owner's eyes.
fn for_committee(open: &Derived, closed: &Derived, out: &Path, kinds: &Kinds) -> Result<(), Failure> {
    let (at_open, at_closed) = (out.join("open"), out.join("closed"));
    write_page(open, Page::Committee(report::Part::Open), &at_open, kinds)?;
    fs::create_dir_all(&at_closed).and_then(|()| private(&at_closed)).map_err(|wrong| {
        Failure::new(format!("cannot keep {} from others: {wrong}", at_closed.display()))
            .hint("another folder with --out")
    })?;
    write_page(closed, Page::Committee(report::Part::Closed), &at_closed, kinds)?;
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

/// Which page of the results is written.
#[derive(Clone, Copy)]
enum Page {
    Whole,
    Committee(report::Part),
}

fn write_page(derived: &Derived, page: Page, out: &Path, kinds: &Kinds) -> Result<(), Failure> {
    let bar = busy("writing");
    let mut files = files(derived, page, kinds)?;
    let names: String = files.iter().flat_map(|(name, _)| [name.as_str(), "\n"]).collect();
    files.push((CONTENTS.to_owned(), names.clone().into_bytes()));
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

/// Name and bytes of every file of a report but the list of them.
fn files(derived: &Derived, page: Page, kinds: &Kinds) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let results = &derived.results;
    let within =
        |folder: &'static str| move |(name, bytes): (String, Vec<u8>)| (format!("{folder}/{name}"), bytes);
    let text = |(name, text): (String, String)| (name, text.into_bytes());
    let paper = match page {
        Page::Whole => report::Paper::new(results, kinds.draft),
        Page::Committee(part) => report::Paper::committee(results, part, kinds.draft),
    };
    let mut files = vec![("report.html".to_owned(), paper.html().as_bytes().to_vec())];
    if !kinds.no_pdf {
        files.push(("report.pdf".to_owned(), paper.pdf().map_err(Failure::new)?));
    }
    let json = serde_json::to_vec_pretty(results).map_err(Failure::new)?;
    files.push(("results.json".to_owned(), json));
    let standard = exchange::ars::reporting_event(&derived.history, results);
    let json = serde_json::to_vec_pretty(&standard).map_err(Failure::new)?;
    files.push(("analysis-results.json".to_owned(), json));
    for kind in [TableKind::Csv, TableKind::Docx].into_iter().filter(|kind| kinds.tables.contains(kind)) {
        let tables = match kind {
            TableKind::Csv => report::csv_files(results).into_iter().map(text).collect(),
            TableKind::Docx => paper.tables().map_err(Failure::new)?,
        };
        files.extend(tables.into_iter().map(within("tables")));
    }
    for kind in [FigureKind::Svg, FigureKind::Pdf, FigureKind::Png]
        .into_iter()
        .filter(|kind| kinds.figures.contains(kind))
    {
        let figures = match kind {
            FigureKind::Svg => report::figures(results).into_iter().map(text).collect(),
            FigureKind::Pdf => paper.figures_pdf().map_err(Failure::new)?,
            FigureKind::Png => paper.figures_png().map_err(Failure::new)?,
        };
        files.extend(figures.into_iter().map(within("figures")));
    }
    if matches!(page, Page::Committee(_)) {
        let base = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
        files.retain(|(name, _)| report::for_committee(&base(name)));
    }
    Ok(files)
}

fn replace(out: &Path, files: &[(String, Vec<u8>)], names: &str) -> std::io::Result<()> {
    fs::create_dir_all(out)?;
    let making = tempfile::Builder::new().prefix(".making-").tempdir_in(out).map_err(|wrong| wrong.kind())?;
    for folder in ["tables", "figures"] {
        fs::create_dir_all(making.path().join(folder))?;
        fs::create_dir_all(out.join(folder))?;
    }
    for (name, bytes) in files {
        fs::write(making.path().join(name), bytes)?;
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
    // With --no-pdf, the paper of an older report would be taken for the new one's.
    name == "report.pdf" || name.strip_prefix("tables/").or(name.strip_prefix("figures/")).is_some_and(plain)
}

/// Prints what a person wants to know first.
pub fn show(results: &Results, out: &Path) -> Result<(), Failure> {
    line(report::summary(results).trim_end())?;
    if results.flow.randomised == 0 {
        line("Nobody was randomised by then; a later --as-of or --cut shows more")?;
    }
    line("")?;
    line(format!("report   {}", out.join("report.html").display()))?;
    if out.join("report.pdf").exists() {
        line(format!("paper    {}", out.join("report.pdf").display()))?;
    }
    line(format!("tables   {} ({})", out.join("tables").display(), formats(&out.join("tables"))))?;
    line(format!("figures  {} ({})", out.join("figures").display(), formats(&out.join("figures"))))?;
    line(format!("results  {} (JSON)", out.join("results.json").display()))?;
    line(format!("         {} (CDISC ARS)", out.join("analysis-results.json").display()))?;
    if !results.faults.is_empty() {
        line(format!(
            "{} in the events could not be read; the report lists them",
            plural(results.faults.len() as u64, "value")
        ))?;
    }
    Ok(())
}

/// `CSV, DOCX`: the formats of the files in a folder.
fn formats(folder: &Path) -> String {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let ends: std::collections::BTreeSet<String> =
        files.filter_map(|file| Some(file.extension()?.to_str()?.to_ascii_uppercase())).collect();
    ends.into_iter().collect::<Vec<_>>().join(", ")
}
