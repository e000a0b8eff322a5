//! `trialwright dry-run`: one simulated trial of the real protocol through the real office, its whole report, and the checks of the
//! analysis against the known truth.
//!
//! Never judges: the checks are `simulate::dry_run`'s. Never leaves half a trial: it is made beside its place and moved there.

mod page;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use ::simulate::dry_run::{Check, Checks, Outcome, Trial, Verdict, check};
use ::simulate::full::Design;
use ::simulate::{Outcome as Simulated, SimulationOptions};
use ledger::Address;
use trial::protocol::Checked;

use crate::cuts::Cuts;
use crate::output::{self, Failure, line, plural};
use crate::room::{Maker, Room};
use crate::{check as protocols, report, shipped, simulate};

const MAKER: Maker = Maker {
    command: "dry-run",
    mark: "MADE-BY-DRY-RUN.txt",
    notice: " SIMULATED: no real person.",
    beside: &[],
    replaced: "ledger, report and checks",
};
/// Where to write when nobody says.
const FOLDER: &str = "trialwright-dry-run";

#[derive(clap::Args)]
pub struct Options {
    /// A protocol file, or the name of a shipped one; the scenario's, or the first shipped one, when not said
    #[arg(long, value_name = "FILE")]
    protocol: Option<PathBuf>,
    /// A scenario file, or the name of a shipped one, that says what becomes of the patients; without one a disease that
    /// fits the protocol
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// The same seed gives the same trial
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to write
    #[arg(long, default_value = FOLDER, value_name = "DIR")]
    dir: PathBuf,
    /// Use a folder that holds other things; its ledger, report and checks are replaced
    #[arg(long)]
    force: bool,
    /// Print the checks as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let began = Instant::now();
    let (simulation, planned) = simulation(options)?;
    let folder = &options.dir;
    let room = Room::take(&MAKER, folder, options.force)?;
    let simulated = room.play(&simulation, async |_, _| Ok(()))?;
    let at = room.furnish()?;
    let address = Address::from(&at);
    let derived = report::of_ledger(&address, Cuts::default())?;
    let reading = office::open_reading(&address, None)?;
    let (records, _) = reading.records(|record| record)?;
    let checks = check(&Trial {
        history: &reading.history,
        planned,
        end: simulated.last,
        truth: &simulated.truth,
        records: &records,
        results: &derived.results,
    });
    let out = folder.join("report");
    report::write(&derived, &out)?;
    let made = page::Made { checks: &checks, seed: options.seed, scenario: options.scenario.as_deref() };
    let json = serde_json::to_string_pretty(&made.written()).map_err(Failure::new)?;
    for (name, text) in [("checks.html", page::page(&made)), ("checks.json", json)] {
        fs::write(folder.join(name), text).map_err(|wrong| cannot(&folder.join(name), &wrong))?;
    }
    if options.json {
        output::json(&made.written())?;
    } else {
        tell(&checks, &simulated, options)?;
        line(format!("\nchecks   {} (and .json)", folder.join("checks.html").display()))?;
        line(format!("report   {}", out.join("report.html").display()))?;
        line(format!("ledger   {} (head {})", at.display(), simulated.head.hash))?;
        line(format!("\ntook {:.1} s", began.elapsed().as_secs_f64()))?;
    }
    if checks.hold() {
        return Ok(());
    }
    let failed = checks.checks.iter().filter(|check| check.outcome == Outcome::Fails).count();
    Err(Failure::new(format!(
        "{} against the known truth",
        plural(failed, "check") + if failed == 1 { " fails" } else { " fail" }
    ))
    .hint(format!("{} names each subject", folder.join("checks.html").display())))
}

/// What is to be simulated, and how many are to be randomised.
fn simulation(options: &Options) -> Result<(SimulationOptions, u32), Failure> {
    let read = options.scenario.as_deref().map(simulate::read).transpose()?;
    let named = read.as_ref().and_then(|read| read.file.protocol.clone()).map(PathBuf::from);
    let file = options.protocol.clone().or(named).unwrap_or_else(|| PathBuf::from(shipped::first()));
    let file = beside(file, options.scenario.as_deref());
    let checked: Checked = protocols::checked(&file)?;
    let mut planned = checked.protocol.trial.participants;
    let mut simulation = SimulationOptions::new(checked, options.seed);
    if let Some(read) = read {
        planned = read.scenario.subjects;
        let design = Design::new(&read.file, &read.scenario, &simulation.protocol).map_err(|wrong| {
            Failure::new(format!("the scenario cannot act on a whole trial: {}", wrong.join("; ")))
                .hint("`trialwright simulate --schema` tells what a scenario may say")
        })?;
        simulation.scenario = Some(Arc::new(design));
    }
    Ok((simulation, planned))
}

/// A protocol that a scenario names may lie beside it.
fn beside(file: PathBuf, scenario: Option<&Path>) -> PathBuf {
    let near = scenario.map(|scenario| scenario.with_file_name(&file));
    near.filter(|near| !file.exists() && near.exists()).unwrap_or(file)
}

fn cannot(at: &Path, wrong: &std::io::Error) -> Failure {
    Failure::new(format!("cannot write {}: {wrong}", at.display())).hint("another folder with --dir")
}

fn tell(checks: &Checks, simulated: &Simulated, options: &Options) -> Result<(), Failure> {
    line(format!(
        "SIMULATED: {}, seed {}: {} screened, {} randomised from {} to {}, {}\n",
        checks.trial,
        options.seed,
        simulated.screened,
        simulated.randomised,
        simulated.first,
        simulated.last,
        plural(simulated.head.count, "event")
    ))?;
    let mut table = output::table(["checked", "true or planned", "found by the program", ""]);
    for Check { what, expected, found, outcome } in &checks.checks {
        table.add_row([what.as_str(), expected.as_str(), found.as_str(), outcome.word()]);
    }
    line(output::told(&table))?;
    let odd: Vec<_> = checks.subjects.iter().filter(|check| check.verdict == Verdict::Unexplained).collect();
    if !odd.is_empty() {
        line("\nWithout a reason:")?;
    }
    for check in odd {
        let day = |day: Option<jiff::civil::Date>| day.map_or("never".to_owned(), |day| day.to_string());
        line(format!(
            "  {} ({}): {}, truly {}, derived {}: {}",
            check.subject,
            check.arm,
            check.event.words().to_lowercase(),
            day(check.truth),
            day(check.derived),
            check.why
        ))?;
    }
    Ok(())
}
