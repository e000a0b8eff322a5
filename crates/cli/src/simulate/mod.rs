//! `trialwright simulate`: trials of event times by the million or whole trials by the thousand, and what they answer.
//!
//! Never simulates or computes an answer itself: that is the crate `simulate`.

mod columns;
mod show;

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::simulate::campaign::{self, Campaign, CampaignFile, Chunks, FileError, Shard};
use ::simulate::scenario::{self, Parameter, Read};
use ::simulate::times::Tally;
use include_dir::{Dir, include_dir};
use trial::protocol::Checked;

use crate::output::{self, Failure, note, plural, progress};
use crate::{check, shipped};

static SCENARIOS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../scenarios");

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Options {
    #[command(subcommand)]
    then: Option<Then>,
    #[command(flatten)]
    run: RunOptions,
    #[command(flatten)]
    shown: Shown,
}

#[derive(clap::Subcommand)]
enum Then {
    /// Put the files of shards together, and show the answers: those of a single run, to the last bit
    #[command(after_help = "Example:
  trialwright simulate merge shard-*.jsonl --csv answers.csv")]
    Merge {
        /// What `--out` wrote
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Show what is there, though shards are missing or were stopped
        #[arg(long)]
        partial: bool,
        #[command(flatten)]
        shown: Shown,
    },
}

#[derive(clap::Args)]
struct RunOptions {
    /// The scenario file, or the name of a shipped one (a name that is none lists them)
    #[arg(long, value_name = "FILE", required_unless_present = "schema")]
    scenario: Option<PathBuf>,
    /// Event times alone, or whole trials: every form, record, derivation and analysis of the protocol, in memory
    #[arg(long, value_enum, default_value = "times")]
    fidelity: Fidelity,
    /// Trials of each scenario; where it is not said, 10,000 of event times and 1,000 whole ones
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000_000_000))]
    trials: Option<u64>,
    /// The same seed gives the same answer, on any number of threads or machines
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Values to try, each with each, instead of the file's: hazard-ratio, subjects, events, median, accrual, follow-up, dropout
    #[arg(long, value_name = "NAME=V1,V2..", value_parser = sweep)]
    sweep: Vec<(Parameter, Vec<f64>)>,
    /// Only the scenario itself, and not once more without effect
    #[arg(long)]
    effect_only: bool,
    /// Keep what is done in this file, a line a chunk
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Go on with the file of --out
    #[arg(long, requires = "out")]
    resume: bool,
    /// Only a part of the chunks, as 3/8: the third of eight machines
    #[arg(long, value_name = "K/N", requires = "out", default_value = "1/1", hide_default_value = true)]
    shard: Shard,
    /// Threads; one a core when not said
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Print the JSON Schema of scenario files, for completion in an editor
    #[arg(long, exclusive = true)]
    schema: bool,
}

/// How much of a trial is simulated.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Fidelity {
    /// Event times alone
    Times,
    /// Whole trials
    Full,
}

impl RunOptions {
    fn trials(&self) -> u64 {
        self.trials.unwrap_or(if self.fidelity == Fidelity::Full { 1_000 } else { 10_000 })
    }
}

/// How answers are shown.
#[derive(clap::Args)]
struct Shown {
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Also write a table to this file, one row for each scenario and analysis
    #[arg(long, value_name = "FILE.csv")]
    csv: Option<PathBuf>,
    /// The same table as Parquet
    #[arg(long, value_name = "FILE.parquet")]
    parquet: Option<PathBuf>,
    /// Also draw the power over the first value that is swept into this file
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

/// `hazard-ratio=0.5,0.6`.
fn sweep(text: &str) -> Result<(Parameter, Vec<f64>), String> {
    let (name, values) = text.split_once('=').ok_or("use NAME=V1,V2, as hazard-ratio=0.5,0.6")?;
    let number = |value: &str| {
        let found = value.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        found.ok_or_else(|| format!("found {value:?}; a number is needed"))
    };
    Ok((name.parse()?, values.split(',').map(number).collect::<Result<_, _>>()?))
}

pub fn run(options: &Options) -> Result<(), Failure> {
    match &options.then {
        Some(Then::Merge { files, partial, shown }) => merge(files, *partial, shown),
        None if options.run.schema => output::json(&scenario::schema()),
        None => simulate(&options.run, &options.shown),
    }
}

fn merge(files: &[PathBuf], partial: bool, shown: &Shown) -> Result<(), Failure> {
    let (campaign, chunks) = campaign::merge(files)?;
    let missing = campaign.left(Shard::WHOLE, &chunks).len();
    if missing > 0 && !partial {
        let all = campaign.items();
        return Err(Failure::new(format!("{missing} of {} are in none of the files", plural(all, "chunk")))
            .hint("the files of all shards; `simulate --resume` for one that was stopped; or --partial to see what is there"));
    }
    show::show(&campaign, &chunks, shown)
}

fn simulate(options: &RunOptions, shown: &Shown) -> Result<(), Failure> {
    let at = options.scenario.as_deref().unwrap_or(Path::new(""));
    let read = read(at)?;
    let grid = grid(&read, &options.sweep);
    let campaign = Campaign::new(&read, &grid, !options.effect_only, options.seed, options.trials())
        .map_err(Failure::usage)?;
    let (campaign, designs) = match options.fidelity {
        Fidelity::Times => (campaign, None),
        Fidelity::Full => {
            let (campaign, designs) = campaign.full(&read, &whole(&read, at)?).map_err(|wrong| {
                Failure::usage(wrong).hint("--fidelity times, or what is right in the scenario's file")
            })?;
            (campaign, Some(designs))
        }
    };
    show::check(&campaign, shown)?;
    let (mut file, mut chunks) = open(options, &campaign)?;
    let left = campaign.left(options.shard, &chunks);
    let trials: u64 = left.iter().map(|item| campaign.trials_of(*item)).sum();
    let bar = progress(trials, "simulating");
    let stop = on_interrupt()?;
    let threads = options.threads.map_or(0, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(Failure::new)?;
    let keep = |item, tally: Tally| {
        bar.inc(tally.trials);
        if let Some(file) = &mut file {
            file.add(item, &tally)?;
        }
        chunks.insert(item, tally);
        Ok::<(), Failure>(())
    };
    match &designs {
        None => campaign.run(&pool, &left, &stop, keep)?,
        Some(designs) => campaign.run_full(designs, &pool, &left, &stop, keep)?,
    }
    bar.finish_and_clear();
    if let Some(file) = &file {
        file.sync()?;
    }
    let missing = campaign.left(options.shard, &chunks).len();
    if missing > 0 {
        let held = left.len() - missing;
        let what = format!("stopped after {held} of {} that were left", plural(left.len(), "chunk"));
        return Err(match &options.out {
            Some(out) => Failure::new(format!("{what}; they are kept in {}", out.display()))
                .hint("the same command with --resume"),
            None => Failure::new(what).hint("--out FILE keeps what is done, and --resume goes on with it"),
        });
    }
    if options.shard != Shard::WHOLE {
        let out = options.out.as_deref().unwrap_or(Path::new("")).display();
        let Shard { number, of } = options.shard;
        note(format!(
            "shard {number} of {of} is whole: {out}. When all are: trialwright simulate merge FILE.."
        ));
        return Ok(());
    }
    show::show(&campaign, &chunks, shown)
}

/// The command line's values over the file's, in the order of the table's columns.
fn grid(read: &Read, given: &[(Parameter, Vec<f64>)]) -> Vec<(Parameter, Vec<f64>)> {
    let values = |parameter: Parameter| {
        let said = given.iter().rev().find(|(known, _)| *known == parameter);
        said.map_or_else(|| read.file.sweep.values(parameter), |(_, values)| values.clone())
    };
    Parameter::ALL
        .into_iter()
        .map(|parameter| (parameter, values(parameter)))
        .filter(|(_, v)| !v.is_empty())
        .collect()
}

/// The file that keeps what is done, and what it holds already.
fn open(options: &RunOptions, campaign: &Campaign) -> Result<(Option<CampaignFile>, Chunks), Failure> {
    let Some(out) = &options.out else { return Ok((None, Chunks::new())) };
    if options.resume && out.exists() {
        let (file, chunks) = CampaignFile::resume(out, campaign, options.shard)?;
        return Ok((Some(file), chunks));
    }
    match CampaignFile::create(out, campaign, options.shard) {
        Ok(file) => Ok((Some(file), Chunks::new())),
        Err(FileError::Io { why, .. }) if why.kind() == ErrorKind::AlreadyExists => {
            Err(Failure::new(format!("{} is there already", out.display()))
                .hint("--resume to go on with it, or another file"))
        }
        Err(wrong) => Err(wrong.into()),
    }
}

/// Set by the first interruption (Ctrl-C, or the signal to end of a cluster); the second ends the program at once.
fn on_interrupt() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        note("stopping when the chunks under way are done");
    })
    .map_err(Failure::new)?;
    Ok(stop)
}

/// Names of the shipped scenarios, in order.
fn names() -> Vec<&'static str> {
    let files = SCENARIOS.files().filter(|file| file.path().extension() == Some(OsStr::new("toml")));
    let mut names: Vec<&str> = files.filter_map(|file| file.path().file_stem()?.to_str()).collect();
    names.sort_unstable();
    names
}

/// A scenario: a file, or a shipped one by its name; or a failure that has shown every fault of it.
pub fn read(at: &Path) -> Result<Read, Failure> {
    let (name, text) = source(at)?;
    scenario::read(&text, &|name| protocol(name, at).map(|checked| checked.protocol)).map_err(|faults| {
        check::snippets(&name, &text, &faults);
        Failure::new(format!("{name}: {}; the scenario is refused", plural(faults.len(), "fault")))
    })
}

/// The name a scenario goes by, and its text.
pub fn source(at: &Path) -> Result<(String, String), Failure> {
    let shipped = SCENARIOS.get_file(at.with_extension("toml")).and_then(|found| found.contents_utf8());
    match shipped.filter(|_| !at.exists()) {
        Some(text) => Ok((format!("{} (shipped)", at.display()), text.to_owned())),
        None => Ok((at.display().to_string(), text_of(at)?)),
    }
}

fn text_of(at: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(at).map_err(|wrong| {
        let why = match wrong.kind() {
            ErrorKind::InvalidData => "bytes that are no UTF-8 text".to_owned(),
            _ => wrong.to_string(),
        };
        Failure::new(format!("cannot read the scenario {}: {why}", at.display()))
            .hint(format!("a TOML file, or a shipped scenario by its name: {}", names().join(", ")))
    })
}

/// The protocol a scenario names: a file seen from here or from the scenario, or a shipped one.
pub fn protocol(name: &str, scenario: &Path) -> Result<Checked, String> {
    let beside = scenario.with_file_name(name);
    let file = if !Path::new(name).exists() && beside.exists() { beside } else { PathBuf::from(name) };
    let (name, text) = shipped::read(&file).map_err(|failure| match failure {
        Failure::Said { what, .. } => what,
        Failure::Closed | Failure::Shown => "it cannot be read".to_owned(),
    })?;
    match trial::protocol::check(&text) {
        Ok(checked) => Ok(checked),
        Err(faults) => {
            Err(format!("{}; `trialwright check {name}` shows them", plural(faults.len(), "fault")))
        }
    }
}

/// The protocol whose trials are played whole: the one the scenario names. Errors: it names none; it cannot be read.
pub fn whole(read: &Read, scenario: &Path) -> Result<Checked, Failure> {
    let Some(name) = read.file.protocol.as_deref() else {
        return Err(Failure::new("whole trials are those of a protocol, and the scenario names none")
            .hint("`protocol = \"avatar-ii\"`, or a file of one, in the scenario"));
    };
    protocol(name, scenario).map_err(|why| Failure::new(format!("protocol {name}: {why}")))
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::new(error)
    }
}

impl From<::survival::Error> for Failure {
    fn from(error: ::survival::Error) -> Self {
        Self::new(error)
    }
}
