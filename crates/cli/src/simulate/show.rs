//! The answers of a campaign as tables, JSON, CSV and a graph.
//!
//! Never computes one: they come from `simulate::answers`.

use std::fs;
use std::path::Path;

use ::simulate::answers::{AnalysisAnswers, Answers, FullAnswers, Mean, Share};
use ::simulate::campaign::{Campaign, Chunks};
use ::simulate::scenario::Parameter;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use super::Shown;
use crate::graph::{Graph, Series, short};
use crate::output::{self, Failure, line, note, plural, told};

/// All that was found.
#[derive(Serialize)]
struct Found<'a> {
    /// Nothing here is of a real trial.
    simulated: bool,
    title: &'a str,
    unit: &'a str,
    seed: u64,
    trials: u64,
    /// Chunks that are there, of all.
    chunks: (usize, u64),
    scenarios: Vec<Answers>,
}

/// Refuses what cannot be shown, before it is simulated.
pub fn check(campaign: &Campaign, shown: &Shown) -> Result<(), Failure> {
    if shown.plot.is_some() && axis(campaign).is_none() {
        return Err(Failure::usage("--plot draws the power over a value that is swept, and none is")
            .hint("--sweep hazard-ratio=0.4,0.5,0.6"));
    }
    Ok(())
}

/// Shows the answers, and writes the files that were asked for.
pub fn show(campaign: &Campaign, chunks: &Chunks, shown: &Shown) -> Result<(), Failure> {
    check(campaign, shown)?;
    let found = Found {
        simulated: true,
        title: &campaign.title,
        unit: &campaign.unit,
        seed: campaign.seed,
        trials: campaign.trials,
        chunks: (chunks.len(), campaign.items()),
        scenarios: campaign.answers(chunks),
    };
    if shown.json {
        output::json(&found)?;
    } else {
        tell(campaign, &found)?;
    }
    if let Some(file) = &shown.csv {
        write(file, csv(&found).map_err(Failure::new)?)?;
    }
    if let Some(file) = &shown.parquet {
        let rows = csv(&found).map_err(Failure::new)?;
        write(file, super::columns::parquet(&rows, found.title)?)?;
    }
    if let (Some(file), Some(parameter)) = (&shown.plot, axis(campaign)) {
        write(file, graph(&found, parameter).svg().into_bytes())?;
    }
    Ok(())
}

fn write(file: &Path, bytes: Vec<u8>) -> Result<(), Failure> {
    fs::write(file, bytes)
        .map_err(|wrong| Failure::new(format!("cannot write {}: {wrong}", file.display())))?;
    note(format!("wrote {}", file.display()));
    Ok(())
}

/// What is swept.
fn swept(campaign: &Campaign) -> Vec<Parameter> {
    campaign
        .cells
        .first()
        .map_or(Vec::new(), |cell| cell.values.iter().map(|(parameter, _)| *parameter).collect())
}

/// The first parameter with more than one value.
fn axis(campaign: &Campaign) -> Option<Parameter> {
    let value = |cell: usize, place: usize| campaign.cells.get(cell).map(|cell| cell.values[place].1);
    let varies =
        |place: &usize| (0..campaign.cells.len()).any(|cell| value(cell, *place) != value(0, *place));
    let parameters = swept(campaign);
    (0..parameters.len()).find(varies).map(|place| parameters[place])
}

fn tell(campaign: &Campaign, found: &Found<'_>) -> Result<(), Failure> {
    let trials = plural(found.trials, "trial");
    line(format!(
        "SIMULATED: {}\n{trials} of each scenario, seed {}, times in {}",
        found.title, found.seed, found.unit
    ))?;
    if found.chunks.0 as u64 != found.chunks.1 {
        line(format!("Not whole: {} of {} are there.", found.chunks.0, plural(found.chunks.1, "chunk")))?;
    }
    let parameters = swept(campaign);
    line(format!(
        "\nWhat each analysis concludes (at its boundary, +- Monte Carlo error)\n{}",
        conclusions(found, &parameters)
    ))?;
    line(format!("\nHow the trial goes, stopped by the first analysis\n{}", course(found, &parameters)))?;
    looks(found, &parameters).map_or(Ok(()), |looks| line(format!("\nWhere it stops\n{looks}")))?;
    let Some(full) = found.scenarios.iter().find_map(|answers| answers.full.as_ref()) else { return Ok(()) };
    line(format!("\nWhat happens in a trial, on average, until it stops\n{}", within(found, &parameters)))?;
    line(format!("\nErrors made on purpose, in a trial\n{}", planted(found, &parameters)))?;
    line(format!("\nNot exercised: {}.", full.not_exercised))
}

/// What happens in whole trials.
fn within(found: &Found<'_>, parameters: &[Parameter]) -> String {
    let header = [
        "screened",
        "SABR courses",
        "SABR again",
        "deaths",
        "lost",
        "grade 3+",
        "deviations",
        "days to find a failure",
        "found too soon",
        "not found",
        "events recorded",
    ];
    let mut table = headed(parameters, &header);
    for answers in &found.scenarios {
        let Some(full) = &answers.full else { continue };
        let mut row = scenario(answers);
        let counts = [&full.screened, &full.courses, &full.again, &full.deaths, &full.left, &full.severe];
        row.extend(counts.map(|count| mean(count, 1)));
        row.extend([mean(&full.deviations, 1), mean(&full.lag_days, 1)]);
        row.extend([format!("{:.2}", full.too_soon), format!("{:.2}", full.unseen), mean(&full.recorded, 0)]);
        table.add_row(row);
    }
    right(table, parameters.len() + 1)
}

fn planted(found: &Found<'_>, parameters: &[Parameter]) -> String {
    let kinds = found.scenarios.iter().find_map(|answers| answers.full.as_ref());
    let kinds: Vec<&str> = kinds.iter().flat_map(|full| full.planted.keys()).map(String::as_str).collect();
    let mut table = headed(parameters, &kinds);
    for answers in &found.scenarios {
        let Some(full) = &answers.full else { continue };
        let mut row = scenario(answers);
        row.extend(full.planted.values().map(|count| format!("{count:.1}")));
        table.add_row(row);
    }
    right(table, parameters.len() + 1)
}

/// A table whose first columns tell the scenarios apart.
fn headed(parameters: &[Parameter], header: &[&str]) -> Table {
    let mut table = output::table::<0>([]);
    let names = parameters.iter().map(|parameter| parameter.key().replace('_', " "));
    let header: Vec<String> =
        names.chain(["effect".to_owned()]).chain(header.iter().map(ToString::to_string)).collect();
    table.set_header(header);
    table
}

fn scenario(answers: &Answers) -> Vec<String> {
    let values = answers.values.values().map(|value| short(*value));
    values.chain([if answers.effect { "yes" } else { "none" }.to_owned()]).collect()
}

fn conclusions(found: &Found<'_>, parameters: &[Parameter]) -> String {
    let estimated =
        found.scenarios.iter().flat_map(|a| &a.analyses).any(|analysis| analysis.estimate.is_some());
    let mut header = vec!["analysis", "for experimental", "for control"];
    let of_truth = |analysis: &AnalysisAnswers| analysis.estimate.as_ref().is_some_and(|e| e.truth.is_some());
    let whole = found.scenarios.iter().flat_map(|a| &a.analyses).any(of_truth);
    if estimated {
        header.extend(["estimated ratio", "bias of its log", "coverage"]);
    }
    if whole {
        header.extend(["true ratio", "estimated less true"]);
    }
    let mut table = headed(parameters, &header);
    for answers in &found.scenarios {
        for analysis in &answers.analyses {
            let mut row = scenario(answers);
            row.extend([analysis.id.clone(), percent(&analysis.experimental), percent(&analysis.control)]);
            if estimated {
                let estimate = analysis.estimate.as_ref();
                let ratio = estimate
                    .and_then(|estimate| estimate.hazard_ratio)
                    .map_or("-".into(), |r| format!("{r:.3}"));
                let bias = estimate
                    .and_then(|estimate| estimate.bias.as_ref())
                    .map_or("-".into(), |bias| mean(bias, 3));
                let coverage =
                    estimate.and_then(|estimate| estimate.coverage.as_ref()).map_or("-".into(), percent);
                row.extend([ratio, bias, coverage]);
            }
            if whole {
                let estimate = analysis.estimate.as_ref();
                let truth = estimate.and_then(|estimate| estimate.truth?.estimate);
                row.push(truth.map_or("-".into(), |log| format!("{:.3}", log.exp())));
                let observed = estimate.and_then(|estimate| estimate.observed.as_ref());
                row.push(observed.map_or("-".into(), |observed| mean(observed, 3)));
            }
            table.add_row(row);
        }
    }
    right(table, parameters.len() + 2)
}

fn course(found: &Found<'_>, parameters: &[Parameter]) -> String {
    let raised = found.scenarios.iter().any(|answers| answers.raised.count > 0);
    let mut header = vec!["ends after", "events", "subjects"];
    if raised {
        header.push("events added");
    }
    let mut table = headed(parameters, &header);
    for answers in &found.scenarios {
        let mut row = scenario(answers);
        row.extend([mean(&answers.duration, 1), mean(&answers.events, 1), mean(&answers.subjects, 1)]);
        if raised {
            row.push(percent(&answers.raised));
        }
        table.add_row(row);
    }
    right(table, parameters.len() + 1)
}

/// The chance to stop at each look; none where there is one.
fn looks(found: &Found<'_>, parameters: &[Parameter]) -> Option<String> {
    let header = [
        "look",
        "part of events",
        "stops for experimental",
        "for control",
        "for neither",
        "then after",
        "events",
    ];
    let mut table = headed(parameters, &header);
    for answers in found.scenarios.iter().filter(|answers| answers.looks.len() > 1) {
        for (number, look) in (1..).zip(&answers.looks) {
            let mut row = scenario(answers);
            row.extend([u32::to_string(&number), short(look.information)]);
            row.extend([&look.experimental, &look.control, &look.neither].map(percent));
            row.extend([mean(&look.time, 1), mean(&look.events, 1)]);
            table.add_row(row);
        }
    }
    (table.row_count() > 0).then(|| right(table, parameters.len() + 1))
}

/// The table as text, its columns from `first` on set to the right.
fn right(mut table: Table, first: usize) -> String {
    for column in table.column_iter_mut().skip(first) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    told(&table)
}

/// `80.12 % +- 0.04`: as many decimals as the Monte Carlo error is worth.
fn percent(share: &Share) -> String {
    let (Some(estimate), Some(error)) = (share.estimate, share.std_err) else { return "-".to_owned() };
    let decimals = if share.of >= 100_000 { 2 } else { 1 };
    format!("{:.decimals$} % +- {:.decimals$}", 100.0 * estimate, 100.0 * error)
}

fn mean(mean: &Mean, decimals: usize) -> String {
    match (mean.estimate, mean.std_err) {
        (Some(estimate), Some(error)) => format!("{estimate:.decimals$} +- {error:.0$}", decimals + 1),
        (Some(estimate), None) => format!("{estimate:.decimals$}"),
        _ => "-".to_owned(),
    }
}

/// One row for each scenario and analysis; what is of the whole trial stands in each of its rows.
fn csv(found: &Found<'_>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let parameters: Vec<Parameter> =
        found.scenarios.first().map_or(Vec::new(), |a| a.values.keys().copied().collect());
    let looks = found.scenarios.first().map_or(0, |answers| answers.looks.len());
    let mut header: Vec<String> = parameters.iter().map(|parameter| parameter.key().to_owned()).collect();
    header.extend(
        [
            "effect",
            "trials",
            "analysis",
            "method",
            "stratified",
            "experimental",
            "experimental_se",
            "control",
            "control_se",
            "either",
            "either_se",
            "not_computed",
            "estimated_hazard_ratio",
            "log_hazard_ratio",
            "log_hazard_ratio_se",
            "log_hazard_ratio_sd",
            "bias",
            "bias_se",
            "mean_std_err",
            "coverage",
            "coverage_se",
            "duration",
            "duration_se",
            "events_seen",
            "events_seen_se",
            "subjects_randomised",
            "subjects_randomised_se",
            "events_added",
        ]
        .map(str::to_owned),
    );
    // Of whole trials: the true times of the same patients, and what happened.
    let full = found.scenarios.iter().any(|answers| answers.full.is_some());
    if full {
        header.extend(TRUTH.map(str::to_owned));
    }
    for look in 1..=looks {
        header.extend(["up", "down", "no_more", "time", "events"].map(|what| format!("look_{look}_{what}")));
    }
    writer.write_record(&header)?;
    for answers in &found.scenarios {
        for analysis in &answers.analyses {
            let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
            let share = |share: &Share| [number(share.estimate), number(share.std_err)];
            let both = |mean: &Mean| [number(mean.estimate), number(mean.std_err)];
            let mut row: Vec<String> = answers.values.values().map(ToString::to_string).collect();
            row.extend([
                answers.effect.to_string(),
                answers.trials.to_string(),
                analysis.id.clone(),
                analysis.method.clone(),
            ]);
            row.push(analysis.stratified.to_string());
            row.extend(
                [&analysis.experimental, &analysis.control, &analysis.either].into_iter().flat_map(share),
            );
            row.push(analysis.none.count.to_string());
            let estimate = analysis.estimate.as_ref();
            row.push(number(estimate.and_then(|estimate| estimate.hazard_ratio)));
            let log = estimate.map(|estimate| estimate.log_hazard_ratio);
            row.extend(
                [log.and_then(|l| l.estimate), log.and_then(|l| l.std_err), log.and_then(|l| l.deviation)]
                    .map(number),
            );
            let bias = estimate.and_then(|estimate| estimate.bias);
            row.extend([bias.and_then(|b| b.estimate), bias.and_then(|b| b.std_err)].map(number));
            row.push(number(estimate.and_then(|estimate| estimate.std_err.estimate)));
            let coverage = estimate.and_then(|estimate| estimate.coverage);
            row.extend([coverage.and_then(|c| c.estimate), coverage.and_then(|c| c.std_err)].map(number));
            row.extend([&answers.duration, &answers.events, &answers.subjects].into_iter().flat_map(both));
            row.push(number(answers.raised.estimate));
            if full {
                let of_truth = [estimate.and_then(|e| e.truth), estimate.and_then(|e| e.observed)];
                row.extend(
                    of_truth.iter().flat_map(|of| of.as_ref().map_or([const { String::new() }; 2], both)),
                );
                row.extend(happened(answers.full.as_ref()).map(number));
            }
            for look in &answers.looks {
                let shares = [&look.experimental, &look.control, &look.neither];
                row.extend(shares.map(|share| number(share.estimate)));
                row.extend([number(look.time.estimate), number(look.events.estimate)]);
            }
            writer.write_record(&row)?;
        }
    }
    writer.into_inner().map_err(|wrong| wrong.into_error().into())
}

/// The columns that whole trials have beside those of event times.
const TRUTH: [&str; 17] = [
    "true_log_hazard_ratio",
    "true_log_hazard_ratio_se",
    "estimated_less_true",
    "estimated_less_true_se",
    "screened",
    "sabr_courses",
    "sabr_again",
    "deaths",
    "left",
    "severe_adverse_events",
    "deviations",
    "events_recorded",
    "days_to_find_a_failure",
    "days_to_find_a_failure_se",
    "found_too_soon",
    "not_found",
    "unreadable",
];

/// What happened in whole trials, in the order of [`TRUTH`] from `screened` on.
fn happened(full: Option<&FullAnswers>) -> [Option<f64>; 13] {
    let Some(full) = full else { return [None; 13] };
    [
        full.screened.estimate,
        full.courses.estimate,
        full.again.estimate,
        full.deaths.estimate,
        full.left.estimate,
        full.severe.estimate,
        full.deviations.estimate,
        full.recorded.estimate,
        full.lag_days.estimate,
        full.lag_days.std_err,
        Some(full.too_soon),
        Some(full.unseen),
        Some(full.faults as f64),
    ]
}

/// The power of the first analysis over a parameter: a curve for each combination of the others, with and without effect.
fn graph(found: &Found<'_>, over: Parameter) -> Graph {
    let mut series: Vec<Series> = Vec::new();
    let mut end: f64 = 0.0;
    for answers in &found.scenarios {
        let (Some(x), Some(analysis)) = (answers.values.get(&over), answers.analyses.first()) else {
            continue;
        };
        end = end.max(*x);
        let others = answers.values.iter().filter(|(parameter, _)| **parameter != over);
        let mut label: Vec<String> = others
            .map(|(parameter, value)| format!("{} {}", parameter.key().replace('_', " "), short(*value)))
            .collect();
        // Over hazard ratios the one of 1 is a point of the curve.
        if !answers.effect && over != Parameter::HazardRatio {
            label.push("no effect".to_owned());
        }
        let label = if label.is_empty() { analysis.id.clone() } else { label.join(", ") };
        let Some(power) = analysis.experimental.estimate else { continue };
        let place = series.iter().position(|known| known.label == label).unwrap_or_else(|| {
            series.push(Series { label, ..Series::default() });
            series.len() - 1
        });
        series[place].points.push((*x, power));
        if let Some((lower, upper)) = analysis.experimental.limits {
            series[place].band.push((*x, lower, upper));
        }
    }
    for known in &mut series {
        known.points.sort_by(|a, b| a.0.total_cmp(&b.0));
        known.band.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    Graph {
        title: format!("SIMULATED: {}", found.title),
        x_label: over.key().replace('_', " "),
        y_label: "Concludes for the experimental arm".to_owned(),
        x_end: end,
        series,
        counts_title: String::new(),
        notes: vec![format!(
            "{} of each scenario, seed {}; bands: 95 % limits of Monte Carlo.",
            plural(found.trials, "trial"),
            found.seed
        )],
    }
}
