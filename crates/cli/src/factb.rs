//! `trialwright factb`: answers in, scores out.

use std::io::Read;
use std::path::{Path, PathBuf};

use exchange::factb::Questionnaires;
use serde_json::json;
use trial::factb::{Scores, score};

use crate::output::{self, Failure, line, note};

#[derive(clap::Args)]
pub struct Options {
    /// CSV with a column an item (GP1 to GP7, GS1 to GS7, GE1 to GE6, GF1 to GF7, B1 to B9, P2); other columns are kept.
    /// `-` reads standard input
    file: PathBuf,
    /// One JSON object a line instead of CSV; a score that cannot be given is null
    #[arg(long)]
    json: bool,
}

/// Columns of the scores, in order.
const SCORES: [&str; 8] = ["PWB", "SWB", "EWB", "FWB", "FACTG", "BCS", "FACT_B_TOTAL", "FACT_B_TOI"];

pub fn run(options: &Options) -> Result<(), Failure> {
    let stdin = options.file == Path::new("-");
    let name = if stdin { Path::new("standard input") } else { options.file.as_path() };
    let cannot = |wrong: std::io::Error| {
        Failure::new(format!("cannot read {}: {wrong}", name.display()))
            .hint("a CSV file, or - for standard input")
    };
    let mut bytes = Vec::new();
    if stdin {
        std::io::stdin().read_to_end(&mut bytes).map_err(cannot)?;
    } else {
        bytes = std::fs::read(name).map_err(cannot)?;
    }
    let sheet = exchange::factb::read(&bytes, &name.display().to_string())
        .map_err(|faults| output::refused(name, &faults))?;
    if let Some(taken) = sheet.others.iter().find(|other| SCORES.contains(&other.as_str())) {
        return Err(Failure::new(format!(
            "{}, row 1, column {taken}: the scores go under that name",
            name.display()
        ))
        .hint("rename the column, or leave it out"));
    }
    if sheet.rows.is_empty() {
        note(format!("{}: a header and no questionnaire", name.display()));
    }
    if options.json { as_json(&sheet) } else { as_csv(&sheet) }
}

fn scores(answers: &[Option<u8>]) -> [Option<f64>; 8] {
    let Scores { pwb, swb, ewb, fwb, fact_g, bcs, total, toi } = score(answers);
    [pwb, swb, ewb, fwb, fact_g, bcs, total, toi]
}

fn as_csv(sheet: &Questionnaires) -> Result<(), Failure> {
    let mut out = csv::Writer::from_writer(std::io::stdout());
    out.write_record(sheet.others.iter().map(String::as_str).chain(SCORES)).map_err(closed)?;
    for row in &sheet.rows {
        let scored = scores(&row.answers).map(|score| score.map_or(String::new(), |score| score.to_string()));
        out.write_record(row.others.iter().cloned().chain(scored)).map_err(closed)?;
    }
    out.flush().map_err(Failure::from)
}

fn as_json(sheet: &Questionnaires) -> Result<(), Failure> {
    for row in &sheet.rows {
        let others = sheet.others.iter().cloned().zip(row.others.iter().map(|value| json!(value)));
        let scored =
            SCORES.map(str::to_owned).into_iter().zip(scores(&row.answers).map(|score| json!(score)));
        line(serde_json::Value::Object(others.chain(scored).collect()))?;
    }
    Ok(())
}

fn closed(wrong: csv::Error) -> Failure {
    match wrong.into_kind() {
        csv::ErrorKind::Io(io) => Failure::from(io),
        other => Failure::new(format!("{other:?}")),
    }
}
