//! `trialwright demo`: a whole virtual trial through the real path, then its report.
//!
//! Never leaves half a trial: it is made beside its place and moved there when it is whole.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::civil::Date;
use ledger::{Address, Keys};
use simulate::{Outcome, SimulationOptions};

use crate::cuts::Cuts;
use crate::output::{Failure, line, note, plural, wait};
use crate::room::{Maker, Room, remove};
use crate::{check, report, shipped};

/// The seed, the key and the checkpoint stand beside the ledger.
const MAKER: Maker = Maker {
    command: "demo",
    mark: "MADE-BY-DEMO.txt",
    notice: "",
    beside: &["trial.seed", "trial.key", "checkpoint.jsonl"],
    replaced: "ledger, seed, key, checkpoint and report",
};
/// Where to write when nobody says.
const FOLDER: &str = "trialwright-demo";

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
    let room = Room::take(&MAKER, &options.dir, options.force)?;
    let outcome = room.play(&simulation, seal)?;
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
    let derived = report::of_ledger(&Address::from(&at), Cuts::default())?;
    let out = options.dir.join("report");
    report::write(&derived, &out)?;
    line("")?;
    report::show(&derived.results, &out)?;
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
        let room = Room::take(&MAKER, folder, options.force)?;
        room.play(&simulation, seal)?;
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

/// Signs the head of the whole ledger, at the end of its last day.
async fn seal(outcome: &Outcome, at: &Path) -> Result<(), Failure> {
    let key = Keys::create(at.with_extension("key"))?;
    let moment =
        outcome.last.at(23, 59, 59, 0).to_zoned_datetime(jiff::tz::TimeZone::UTC).map(|z| z.timestamp());
    let checkpoint = outcome.office.ledger().checkpoint(&key, moment.map_err(Failure::new)?).await?;
    Ok(fs::write(at.with_file_name("checkpoint.jsonl"), checkpoint.to_line() + "\n")?)
}
