//! `trialwright survival`: a table of times in, what a statistician wants to know of it out.
//!
//! Never estimates: `survival::dataset` does, and holds every rule of how columns are read.

mod competing;
mod table;
mod tell;

use std::path::PathBuf;

use ::survival::ConfType;
use ::survival::cox::Ties;
use ::survival::dataset::{CompetingSummary, Dataset, Roles, Summary};

use crate::output::{self, Failure, coloured, line};

#[derive(clap::Args)]
pub struct Options {
    /// CSV with one header line and one subject a line; `-` is standard input. Cells that are empty, NA or `.` are missing
    file: PathBuf,
    /// Column of the time to event or censoring
    #[arg(long, default_value = "time", value_name = "COLUMN")]
    time: String,
    /// Column that is 1 (or TRUE) for an event, 0 (or FALSE) for a censored time
    #[arg(long, default_value = "status", value_name = "COLUMN")]
    event: String,
    /// Column of the groups to compare
    #[arg(long, default_value = "arm", value_name = "COLUMN")]
    arm: String,
    /// Columns to stratify by
    #[arg(long, value_delimiter = ',', value_name = "COLUMN,..")]
    strata: Vec<String>,
    /// Terms of the full Cox model, the arm among them; numbers as they are, factor(column) for dummies, text is a factor
    #[arg(long, value_delimiter = ',', value_name = "TERM,..")]
    covariates: Vec<String>,
    /// How the Cox model takes events at the same time
    #[arg(long, default_value = "efron", value_parser = ties, value_name = "efron|breslow|exact")]
    ties: Ties,
    /// Horizon of the restricted means; else the longest time that every arm reaches
    #[arg(long)]
    tau: Option<f64>,
    /// Scale of the limits of survival
    #[arg(long, default_value = "log", value_name = "plain|log|log-log")]
    conf_type: ConfType,
    /// Causes compete: this column is 0 censored, 1 the event of interest, 2, 3, .. the others (instead of --event)
    #[arg(long, value_name = "COLUMN")]
    competing: Option<String>,
    /// Times at which to show survival; else a few round ones
    #[arg(long, value_delimiter = ',', value_name = "TIME,..")]
    at: Vec<f64>,
    /// Everything as JSON, with the keys that R's values have in the reference files
    #[arg(long)]
    json: bool,
    /// Also draw the curves, with numbers at risk, into this SVG file
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

fn ties(text: &str) -> Result<Ties, String> {
    match text {
        "efron" => Ok(Ties::Efron),
        "breslow" => Ok(Ties::Breslow),
        "exact" => Ok(Ties::Exact),
        _ => Err("use efron, breslow or exact".to_owned()),
    }
}

impl Options {
    fn roles(&self) -> Roles {
        Roles {
            time: self.time.clone(),
            event: self.competing.clone().unwrap_or_else(|| self.event.clone()),
            competing: self.competing.is_some(),
            arm: self.arm.clone(),
            strata: self.strata.clone(),
            covariates: self.covariates.clone(),
        }
    }

    /// The name the data set goes by.
    fn name(&self) -> String {
        self.file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
    }
}

/// Reads the table, tells what is in it, and draws it.
pub fn run(options: &Options) -> Result<(), Failure> {
    if let Some(tau) = options.tau.filter(|tau| !(tau.is_finite() && *tau > 0.0)) {
        return Err(Failure::usage(format!("--tau {tau}: the horizon is a time above 0")));
    }
    let data = table::read(&options.file, &options.roles())?;
    let graph = match options.competing {
        Some(_) => competing::graph(&data, options)?,
        None => tell::graph(&data, options)?,
    };
    if options.json {
        as_json(&data, options)?;
    } else {
        let width = terminal_size::terminal_size_of(std::io::stdout()).map_or(100, |(width, _)| width.0);
        let picture = graph.terminal(width, coloured(&std::io::stdout()));
        let told = match options.competing {
            Some(_) => competing::told(&data, options, &picture)?,
            None => tell::told(&data, options, &picture)?,
        };
        line(told)?;
    }
    let Some(file) = &options.plot else { return Ok(()) };
    std::fs::write(file, graph.svg())
        .map_err(|wrong| Failure::new(format!("cannot write {}: {wrong}", file.display())))?;
    output::note(format!("wrote {}", file.display()));
    Ok(())
}

/// The summary under the name of the file.
#[derive(serde::Serialize)]
struct Named<T> {
    dataset: String,
    #[serde(flatten)]
    summary: T,
}

fn as_json(data: &Dataset, options: &Options) -> Result<(), Failure> {
    let dataset = options.name();
    if options.competing.is_some() {
        let summary = CompetingSummary::new(data).map_err(Failure::new)?;
        return output::json(&Named { dataset, summary });
    }
    output::json(&Named { dataset, summary: Summary::new(data, options.tau, options.ties) })
}
