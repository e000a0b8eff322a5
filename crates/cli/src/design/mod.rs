//! `trialwright design`: how many events, how many subjects, when to look, and what an interim result means.
//!
//! Never computes: `survival::design` does. Levels are two-sided here, as protocols state them, and halved once.

mod curve;
mod interim;
mod parse;
mod sequential;
mod size;
mod start;

use std::fmt::Write;
use std::path::PathBuf;

use ::survival::design::events::{self, Formula};
use serde::Serialize;

use crate::graph::short;
use crate::output::{self, Failure, coloured, line, table, told as as_text};
use start::Start;

#[derive(clap::Args)]
pub struct Options {
    /// The protocol whose numbers to start from: a file, or a shipped one by its name; the first shipped one unless
    /// --hazard-ratio is given
    #[arg(long, value_name = "FILE")]
    protocol: Option<PathBuf>,
    /// Hazard ratio to detect, experimental over control
    #[arg(long, value_name = "RATIO")]
    hazard_ratio: Option<f64>,
    /// Two-sided level
    #[arg(long)]
    alpha: Option<f64>,
    /// Power
    #[arg(long)]
    power: Option<f64>,
    /// Subjects of the experimental arm for each of the control arm
    #[arg(long, value_name = "RATIO")]
    allocation: Option<f64>,
    /// The formula that fixes the planned events
    #[arg(long, default_value = "schoenfeld", value_parser = parse::formula, value_name = "schoenfeld|freedman")]
    formula: Formula,
    /// The events planned, instead of those of the formula or the protocol
    #[arg(long, value_name = "N")]
    events: Option<f64>,
    /// Median time to the event in the control arm
    #[arg(long, value_name = "TIME", conflicts_with = "hazard")]
    median: Option<f64>,
    /// Hazard in the control arm: one number, or pieces as start:hazard,.. from 0
    #[arg(long, value_parser = parse::rate, value_name = "RATE")]
    hazard: Option<parse::Pieces>,
    /// Hazard in the experimental arm where it is not proportional (for Lakatos's method)
    #[arg(long, value_parser = parse::rate, value_name = "RATE")]
    experimental_hazard: Option<parse::Pieces>,
    /// How long subjects are accrued
    #[arg(long, value_name = "TIME")]
    accrual: Option<f64>,
    /// Subjects a unit of time where accrual is not even: pieces as start:rate,.. from 0; only its course counts
    #[arg(long, value_parser = parse::rate, value_name = "RATE")]
    accrual_rate: Option<parse::Pieces>,
    /// Time from the end of accrual to the analysis
    #[arg(long, value_name = "TIME", default_value_t = 0.0)]
    follow_up: f64,
    /// Loss to follow-up: a share by a time as 0.1/12, a hazard, or pieces as start:hazard,..
    #[arg(long, value_parser = parse::dropout, value_name = "RATE")]
    dropout: Option<parse::Pieces>,
    /// Subjects, to see power and time rather than size
    #[arg(long, value_name = "N")]
    subjects: Option<f64>,
    /// Looks: how many at equal steps, or the information fractions as 0.5,0.75,1
    #[arg(long, value_parser = parse::looks, value_name = "LOOKS")]
    looks: Option<parse::Looks>,
    /// Efficacy boundary: obrien-fleming, pocock, hsd:GAMMA, power:RHO (spending); haybittle-peto[:Z], wang-tsiatis:DELTA
    #[arg(long, default_value = "obrien-fleming", value_parser = parse::efficacy, value_name = "BOUNDARY")]
    boundary: ::survival::design::sequential::Efficacy,
    /// Futility boundary by spending the type II error: obrien-fleming, pocock, hsd:GAMMA, power:RHO
    #[arg(long, value_parser = parse::spending, value_name = "SPENDING")]
    futility: Option<::survival::design::sequential::Spending>,
    /// The futility boundary must be obeyed
    #[arg(long, requires = "futility")]
    binding: bool,
    /// What was seen at an interim look, as EVENTS:HAZARD-RATIO
    #[arg(long, value_parser = parse::interim, value_name = "EVENTS:RATIO")]
    interim: Option<(f64, f64)>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Also draw the power curve into this SVG file
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

/// All that was computed.
#[derive(Serialize)]
struct Design {
    #[serde(flatten)]
    start: Start,
    events: Events,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<size::Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequential: Option<sequential::Sequential>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interim: Option<interim::Interim>,
    power_curve: Vec<curve::Curve>,
}

/// Events of the design with one look.
#[derive(Serialize)]
struct Events {
    schoenfeld: f64,
    freedman: f64,
    planned: f64,
    power_at_planned: f64,
    detectable_at_planned: f64,
    /// Planned events over the share that is not lost, where the protocol states a loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    subjects_with_loss: Option<f64>,
}

/// Computes what was asked for, tells it, and draws it.
pub fn run(options: &Options) -> Result<(), Failure> {
    let design = design(options).map_err(|wrong| match wrong {
        start::Wrong::Failure(failure) => failure,
        start::Wrong::Statistics(error) => Failure::usage(error),
    })?;
    let graph = curve::graph(&design);
    if options.json {
        output::json(&design)?;
    } else {
        let width = terminal_size::terminal_size_of(std::io::stdout()).map_or(100, |(width, _)| width.0);
        line(told(&design, &graph.terminal(width, coloured(&std::io::stdout()))))?;
    }
    let Some(file) = &options.plot else { return Ok(()) };
    std::fs::write(file, graph.svg())
        .map_err(|wrong| Failure::new(format!("cannot write {}: {wrong}", file.display())))?;
    output::note(format!("wrote {}", file.display()));
    Ok(())
}

fn design(options: &Options) -> Result<Design, start::Wrong> {
    let start = Start::new(options)?;
    let events = Events::new(&start)?;
    let size = size::Size::new(options, &start)?;
    let sequential = sequential::Sequential::new(options, &start)?;
    let interim = options.interim.map(|seen| interim::Interim::new(options, &start, seen)).transpose()?;
    let power_curve = curve::curves(&start)?;
    Ok(Design { start, events, size, sequential, interim, power_curve })
}

impl Events {
    fn new(start: &Start) -> Result<Self, ::survival::Error> {
        let of = |formula| {
            events::events(formula, start.hazard_ratio, start.one_sided(), start.power, start.allocation)
        };
        let planned = start.planned_events;
        Ok(Self {
            schoenfeld: of(Formula::Schoenfeld)?,
            freedman: of(Formula::Freedman)?,
            planned,
            power_at_planned: start.power_of(planned, start.hazard_ratio)?,
            detectable_at_planned: events::detectable(
                start.formula,
                start.one_sided(),
                start.power,
                planned,
                start.allocation,
            )?,
            subjects_with_loss: start.loss.map(|loss| planned / (1.0 - loss)),
        })
    }
}

fn told(design: &Design, picture: &str) -> String {
    let mut sections = vec![opening(&design.start), events_told(design), picture.to_owned()];
    sections.extend(design.size.as_ref().map(size::Size::told));
    sections.extend(design.sequential.as_ref().map(sequential::Sequential::told));
    sections.extend(design.interim.as_ref().map(interim::Interim::told));
    sections.join("\n\n")
}

fn opening(start: &Start) -> String {
    let from = start.protocol.as_ref().map_or_else(String::new, |name| format!("{name}: "));
    format!(
        "{from}hazard ratio {}, two-sided level {}, power {}, allocation {} to 1",
        short(start.hazard_ratio),
        percent(start.alpha),
        percent(start.power),
        short(start.allocation)
    )
}

/// `80 %`, `2.5 %`.
fn percent(share: f64) -> String {
    format!("{} %", short(100.0 * share))
}

fn events_told(design: &Design) -> String {
    let events = &design.events;
    let mut rows = table(["Events", "Exactly", "Whole"]);
    rows.add_row([
        "Schoenfeld".to_owned(),
        format!("{:.2}", events.schoenfeld),
        events.schoenfeld.ceil().to_string(),
    ]);
    rows.add_row([
        "Freedman".to_owned(),
        format!("{:.2}", events.freedman),
        events.freedman.ceil().to_string(),
    ]);
    let mut text = format!(
        "{}\n  {} events are planned: power {}, and {} for a hazard ratio of {:.3}",
        as_text(&rows),
        short(events.planned),
        percent(events.power_at_planned),
        percent(design.start.power),
        events.detectable_at_planned
    );
    if let (Some(loss), Some(subjects)) = (design.start.loss, events.subjects_with_loss) {
        let stated =
            design.start.participants.map_or_else(String::new, |n| format!("; the protocol plans {n}"));
        let _ = write!(
            text,
            "\n  {} subjects if {} are lost before their event and every other has one{stated}",
            subjects.ceil(),
            percent(loss)
        );
    }
    text
}
