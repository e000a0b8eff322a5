//! `trialwright calibrate`: the rates of a scenario under which simulated trials show what was published, and how well they do.
//!
//! Never fits by itself: that is `simulate::calibrate`.

use std::fs;
use std::path::{Path, PathBuf};

use ::simulate::calibrate::{self, Fitted, Options as Fit, Shown};
use comfy_table::CellAlignment;
use serde::Serialize;

use crate::output::{self, Failure, busy, line, note};
use crate::simulate::{self, Fidelity};

#[derive(clap::Args)]
pub struct Options {
    /// The scenario file, or the name of a shipped one: its [[targets]] say what was published
    #[arg(long, value_name = "FILE")]
    scenario: PathBuf,
    /// Event times alone, or whole trials with scans, forms and records, in which the program derives the primary endpoint
    #[arg(long, value_enum, default_value = "times")]
    fidelity: Fidelity,
    /// Trials at each value that is tried; where it is not said, 20,000 of event times and 400 whole ones
    #[arg(long, value_parser = clap::value_parser!(u64).range(10..=10_000_000))]
    trials: Option<u64>,
    /// The same seed gives the same fit, on any number of threads
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the scenario with what was found to this file
    #[arg(long, value_name = "FILE.toml")]
    out: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long, requires = "out")]
    force: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Options {
    fn trials(&self) -> u64 {
        self.trials.unwrap_or(if self.fidelity == Fidelity::Full { 400 } else { 20_000 })
    }
}

/// All that was found.
#[derive(Serialize)]
struct Found<'a> {
    simulated: bool,
    title: &'a str,
    unit: &'a str,
    seed: u64,
    trials: u64,
    fitted: &'a [Fitted],
}

pub fn run(options: &Options) -> Result<(), Failure> {
    if let Some(out) = options.out.as_deref().filter(|out| out.exists() && !options.force) {
        return Err(Failure::new(format!("{} is there already", out.display()))
            .hint("--force to replace it, or another file"));
    }
    let (_, text) = simulate::source(&options.scenario)?;
    let read = simulate::read(&options.scenario)?;
    let whole = match options.fidelity {
        Fidelity::Times => None,
        Fidelity::Full => Some(simulate::whole(&read, &options.scenario)?),
    };
    let bar = busy("calibrating");
    let fit = Fit { seed: options.seed, trials: options.trials(), whole: whole.as_ref() };
    let fitted = calibrate::fit(&read, fit, &mut |key, value, mean| {
        bar.set_message(format!("calibrating: {key} {value:.4} shows {mean:.3}"));
    })?;
    bar.finish_and_clear();
    let unit = read.file.unit.as_deref().unwrap_or("months");
    let (seed, trials) = (options.seed, options.trials());
    if options.json {
        output::json(&Found {
            simulated: true,
            title: &read.file.title,
            unit,
            seed,
            trials,
            fitted: &fitted,
        })?;
    } else {
        tell(options, &read.file.title, unit, &fitted)?;
    }
    let Some(out) = &options.out else { return Ok(()) };
    let fidelity = if options.fidelity == Fidelity::Full { " --fidelity full" } else { "" };
    let scenario = name(&options.scenario);
    let command =
        format!("trialwright calibrate --scenario {scenario}{fidelity} --trials {trials} --seed {seed}");
    let protocol = |name: &str| simulate::protocol(name, &options.scenario).map(|checked| checked.protocol);
    let text = calibrate::write(&text, &fitted, &command, &protocol)?;
    fs::write(out, text).map_err(|wrong| Failure::new(format!("cannot write {}: {wrong}", out.display())))?;
    note(format!("wrote {}", out.display()));
    Ok(())
}

/// A file goes by its name: where it lies on this machine is nobody's business.
fn name(scenario: &Path) -> String {
    scenario.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn shown(shown: &Shown) -> String {
    format!("{:.3} +- {:.3}", shown.mean, shown.std_err)
}

fn tell(options: &Options, title: &str, unit: &str, fitted: &[Fitted]) -> Result<(), Failure> {
    line(format!(
        "SIMULATED: {title}\n{} {} at each value, seed {}, times in {unit}\n",
        options.trials(),
        if options.fidelity == Fidelity::Full { "whole trials" } else { "trials of event times" },
        options.seed
    ))?;
    let mut table = output::table([
        "arm",
        "published",
        "fitted",
        "was",
        "showed",
        "is",
        "shows",
        "other draws",
        "95 % of trials",
    ]);
    for one in fitted {
        let (least, most) = one.reached.most;
        table.add_row([
            one.target.arm.to_owned(),
            one.target.median.to_string(),
            one.parameter.rsplit('.').next().unwrap_or(one.parameter).to_owned(),
            one.began.to_string(),
            shown(&one.showed),
            format!("{} +- {:.4}", one.found, one.std_err),
            shown(&one.reached),
            shown(&one.confirmed),
            format!("{least:.1} to {most:.1}"),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    line(output::told(&table))?;
    line(
        "\n`shows` is the mean of the arm's medians over trials of so many patients, +- Monte Carlo error; `other draws` the same with \
         draws that the fit has not seen.",
    )?;
    for one in fitted {
        line(format!("{} arm, {} {unit}: {}", one.target.arm, one.target.median, one.target.source))?;
    }
    Ok(())
}

impl From<calibrate::Error> for Failure {
    fn from(error: calibrate::Error) -> Self {
        Self::new(error)
    }
}
