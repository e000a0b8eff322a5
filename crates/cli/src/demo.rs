//! `trialwright demo`: a whole virtual trial through the real path, then its report.
//!
//! Never leaves half a trial: it is made beside its place and moved there when it is whole.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::civil::Date;
use ledger::{Address, Keys, Ledger};
use simulate::{Outcome, SimulationOptions};
use tempfile::TempDir;

use crate::cuts::Cuts;
use crate::output::{Failure, line, note, plural, progress, wait};
use crate::{check, report, shipped};

/// Says of a folder that `demo` made it, and may make it anew.
const MARK: &str = "MADE-BY-DEMO.txt";
/// What `demo` puts into its folder, beside the report; the ledger last, since it is what others open.
const MADE: [&str; 4] = ["trial.seed", "trial.key", "checkpoint.jsonl", "trial.sqlite"];
/// Where to write when nobody says.
const FOLDER: &str = "trialwright-demo";
/// How the names of folders begin in which a trial is being made.
const MAKING: &str = ".making-";

#[derive(clap::Args)]
pub struct Options {
    /// The same seed gives the same events, to the hash of the ledger's head
    #[arg(long, default_value_t = 2025, allow_negative_numbers = true)]
    seed: u64,
    /// Where to write
    #[arg(long, default_value = FOLDER, value_name = "DIR")]
    dir: PathBuf,
    /// A protocol file, or the name of a shipped one; the first shipped one when not said
    #[arg(long, value_name = "FILE")]
    protocol: Option<PathBuf>,
    /// Sites; as many as the protocol plans when not said
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=999))]
    sites: Option<u32>,
    /// Open the trial office on it, as far as it has come today, with a user of each role
    #[arg(long)]
    serve: bool,
    /// Where that listens: an address of this machine alone, since everybody sees the password
    #[arg(long, requires = "serve", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Subjects to randomise; as many as the protocol plans when not said
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20_000))]
    subjects: Option<u32>,
    /// Use a folder that holds other things; its ledger, seed, key, checkpoint and report are replaced
    #[arg(long)]
    force: bool,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let began = Instant::now();
    let file = options.protocol.clone().unwrap_or_else(|| PathBuf::from(shipped::first()));
    let protocol = check::checked(&file)?;
    let trial = protocol.protocol.trial.id.clone();
    let mut simulation = SimulationOptions::new(protocol, options.seed);
    simulation.sites = options.sites;
    simulation.participants = options.subjects;
    if options.serve {
        return serve(options, simulation);
    }
    let room = Room::take(&options.dir, options.force)?;
    let outcome = simulate(&room.making.path().join("trial.sqlite"), &simulation)?;
    let at = room.furnish()?;
    line(format!(
        "{trial}, simulated with seed {}: {} screened, {} randomised from {} to {}, {}",
        options.seed,
        outcome.screened,
        outcome.randomised,
        outcome.first,
        outcome.last,
        plural(outcome.head.count, "event")
    ))?;
    let results = report::of_ledger(&Address::from(&at), Cuts::default())?;
    let out = options.dir.join("report");
    report::write(&results, &out)?;
    line("")?;
    report::show(&results, &out)?;
    line(format!("ledger   {} (head {})", at.display(), outcome.head.hash))?;
    line(format!("\ntook {:.1} s. Next:", began.elapsed().as_secs_f64()))?;
    next(&options.dir, outcome.first, outcome.last)
}

/// What `demo --serve` adds to its folder.
const SERVED: [&str; 2] = ["demonstration.json", "people.sqlite"];
/// So long ago the trial of `demo --serve` began: long enough for progressions, SABR and failures, and recruitment goes on.
const BEGAN_DAYS: i64 = 560;

/// Opens the trial office on a virtual trial that has come as far as today. One that was opened before is opened again, as
/// whoever tried it left it.
fn serve(options: &Options, mut simulation: SimulationOptions) -> Result<(), Failure> {
    if !options.listen.ip().is_loopback() {
        return Err(Failure::usage(
            "a demonstration, whose password everybody sees, listens on this machine alone",
        )
        .hint("--listen 127.0.0.1:8080"));
    }
    // Beside the folder of the finished trial, not in it: what is tried out here changes this one's ledger.
    let folder =
        if options.dir == Path::new(FOLDER) { Path::new("trialwright-office") } else { &options.dir };
    let [shown, people] = SERVED.map(|name| folder.join(name));
    let ledger = Address::from(folder.join("trial.sqlite"));
    let demonstration = if shown.exists() && !options.force {
        server::demonstration::kept(&shown).map_err(Failure::new)?
    } else {
        let now = jiff::Timestamp::now();
        simulation.start = Some(trial::date::plus_days(trial::date::utc_date(now), -BEGAN_DAYS));
        simulation.until = Some(now);
        let room = Room::take(folder, options.force)?;
        simulate(&room.making.path().join("trial.sqlite"), &simulation)?;
        for name in SERVED.into_iter().chain(["people.sqlite-wal", "people.sqlite-shm"]) {
            remove(&folder.join(name))?;
        }
        room.furnish()?;
        wait(server::demonstration::furnish(&ledger, &people.display().to_string(), &shown))?
    };
    let mut settings = server::Options::new(
        vec![server::TrialOptions { slug: None, ledger, seed: None }],
        people.display().to_string(),
    );
    settings.listen = options.listen;
    settings.demonstration = Some(demonstration.clone());
    crate::serve::serve(&settings, |server| {
        note(format!("The trial office of a virtual trial is open at {}", server.address()));
        note(format!(
            "Its {} users and their password are shown on its first page; Ctrl-C closes it.",
            demonstration.users.len()
        ));
    })
}

/// What to try on it, each line as it can be typed.
fn next(folder: &Path, first: Date, last: Date) -> Result<(), Failure> {
    let quoted = |name: &str| {
        let path = folder.join(name).display().to_string();
        if path.contains(char::is_whitespace) { format!("'{path}'") } else { path }
    };
    let (ledger, checkpoint) = (quoted("trial.sqlite"), quoted("checkpoint.jsonl"));
    let midway = trial::date::plus_days(first, trial::date::days_between(first, last) / 2);
    line(format!("  trialwright verify {ledger} --checkpoint {checkpoint}"))?;
    line(format!("  trialwright explain {ledger}"))?;
    line(format!("  trialwright report {ledger} --as-of {midway}"))
}

fn simulate(at: &Path, simulation: &SimulationOptions) -> Result<Outcome, Failure> {
    let bar = progress(1000, "simulating");
    let outcome = wait(async {
        let ledger = Ledger::create(at).await?;
        let outcome = simulate::run(simulation, ledger, &mut |step| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            // `done` lies between 0 and 1
            bar.set_position((step.done * 1000.0) as u64);
        })
        .await?;
        let key = Keys::create(at.with_extension("key"))?;
        let moment =
            outcome.last.at(23, 59, 59, 0).to_zoned_datetime(jiff::tz::TimeZone::UTC).map(|z| z.timestamp());
        let checkpoint = outcome.office.ledger().checkpoint(&key, moment.map_err(Failure::new)?).await?;
        fs::write(at.with_file_name("checkpoint.jsonl"), checkpoint.to_line() + "\n")?;
        // Its side files go when the last connection does, and then the ledger can be moved.
        outcome.office.ledger().clone().close().await;
        Ok::<_, Failure>(outcome)
    })?;
    bar.finish_and_clear();
    Ok(outcome)
}

/// A folder for a trial, and one inside it in which the trial is made.
struct Room {
    folder: PathBuf,
    making: TempDir,
    /// Whether the folder is new, and goes again when nothing comes of it.
    new: bool,
}

impl Room {
    /// An empty folder, one that `demo` made before, or any with `force`.
    fn take(folder: &Path, force: bool) -> Result<Self, Failure> {
        let at = folder.display();
        let cannot = |wrong: std::io::Error| {
            let why = match wrong.kind() {
                ErrorKind::AlreadyExists | ErrorKind::NotADirectory => "a file stands in its way".to_owned(),
                kind => kind.to_string(),
            };
            Failure::new(format!("cannot make a trial in {at}: {why}")).hint("another folder with --dir")
        };
        let new = !folder.exists();
        fs::create_dir_all(folder).map_err(cannot)?;
        let known = folder.join(MARK).exists();
        let mut occupied = false;
        for entry in fs::read_dir(folder).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            if entry.file_name().to_string_lossy().starts_with(MAKING) {
                // Left by a run that was killed; it was never whole.
                let _ = fs::remove_dir_all(entry.path());
            } else {
                occupied = true;
            }
        }
        if occupied && !known && !force {
            return Err(Failure::new(format!("{at} holds things that `demo` did not make"))
                .hint("another folder with --dir, or --force to replace the ledger, seed, key, checkpoint and report in it"));
        }
        let making = tempfile::Builder::new().prefix(MAKING).tempdir_in(folder).map_err(cannot)?;
        Ok(Self { folder: folder.to_owned(), making, new })
    }

    /// Puts the trial, now whole, into its place. Gives its ledger.
    fn furnish(mut self) -> Result<PathBuf, Failure> {
        let cannot = |name: &str, wrong: std::io::Error| {
            Failure::new(format!("cannot write {}: {wrong}", self.folder.join(name).display()))
                .hint("another folder with --dir")
        };
        // The side files of the old ledger would be taken for the new one's.
        for name in ["trial.sqlite", "trial.sqlite-wal", "trial.sqlite-shm"] {
            remove(&self.folder.join(name)).map_err(|wrong| cannot(name, wrong))?;
        }
        for name in MADE {
            let from = self.making.path().join(name);
            fs::rename(from, self.folder.join(name)).map_err(|wrong| cannot(name, wrong))?;
        }
        let mark = "`trialwright demo` made this folder and replaces what is in it when it runs again.\n";
        fs::write(self.folder.join(MARK), mark).map_err(|wrong| cannot(MARK, wrong))?;
        self.new = false;
        Ok(self.folder.join("trial.sqlite"))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.new {
            let _ = fs::remove_dir_all(self.making.path());
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

fn remove(file: &Path) -> std::io::Result<()> {
    match fs::remove_file(file) {
        Err(wrong) if wrong.kind() != ErrorKind::NotFound => Err(wrong),
        _ => Ok(()),
    }
}
