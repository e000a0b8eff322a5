//! `trialwright diff`: which numbers differ between two reports, and which subjects and events changed them.
//!
//! Never compares anything itself (see `report::differences`): it reads two reports and shows what that found.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use report::{Cause, Change, Differences};
use serde_json::Value;

use crate::output::{self, Failure, line, plural, table, told};

#[derive(clap::Args)]
pub struct Options {
    /// The older report: its folder, or its `results.json`
    old: PathBuf,
    /// The newer report
    new: PathBuf,
    /// Tell every number and every subject, however many there are
    #[arg(long)]
    all: bool,
    /// As JSON, for another program
    #[arg(long)]
    json: bool,
}

/// So many numbers of a part, and subjects behind them, are told when not asked for all.
const TOLD: usize = 6;

pub fn run(options: &Options) -> Result<(), Failure> {
    let found = report::differences(&read(&options.old)?, &read(&options.new)?);
    if options.json {
        return output::json(&found);
    }
    show(&found, if options.all { usize::MAX } else { TOLD })
}

fn read(given: &Path) -> Result<Value, Failure> {
    let file = if given.is_dir() { given.join("results.json") } else { given.to_path_buf() };
    let hint = "the folder of a report (`trialwright report LEDGER --as-of 2027-01-31` makes one), or its results.json";
    let text = fs::read_to_string(&file)
        .map_err(|wrong| Failure::new(format!("{}: {wrong}", file.display())).hint(hint))?;
    let value: Value = serde_json::from_str(&text)
        .map_err(|wrong| Failure::new(format!("{}: {wrong}", file.display())).hint(hint))?;
    if value.get("about").is_none_or(|about| about.get("trial").is_none()) {
        let what =
            format!("{}: these are not the results of a report: `about.trial` is missing", file.display());
        return Err(Failure::new(what).hint(hint));
    }
    Ok(value)
}

fn show(found: &Differences, most: usize) -> Result<(), Failure> {
    if !found.about.is_empty() {
        line("The reports are of different data:")?;
        line(changes(&found.about))?;
        line("")?;
    }
    if found.parts.is_empty() {
        return line("No number differs.");
    }
    let numbers: usize = found.parts.iter().map(|part| part.changes.len()).sum();
    line(format!("{} in {}", differs(numbers), plural(found.parts.len() as u64, "part")))?;
    for part in &found.parts {
        line("")?;
        line(part.place.join(" > "))?;
        let (told, more) = part.changes.split_at(part.changes.len().min(most));
        line(changes(told))?;
        if !more.is_empty() {
            line(format!("  and {} (--all tells them)", plural(more.len() as u64, "more number")))?;
        }
        if part.because.is_empty() {
            line("  no subject's entry behind it differs: the rules, or the program, do")?;
        }
        for cause in part.because.iter().take(most) {
            line(format!("  {}", said(cause)))?;
            for (seqs, verb) in [(&cause.added, "+"), (&cause.removed, "-")] {
                for seq in seqs {
                    line(format!("    {verb} {}", event(*seq, &found.events)))?;
                }
            }
        }
        let more = part.because.len().saturating_sub(most);
        if more > 0 {
            line(format!("  and {} (--all tells them)", plural(more as u64, "more subject")))?;
        }
    }
    Ok(())
}

fn differs(numbers: usize) -> String {
    if numbers == 1 { "1 number differs,".to_owned() } else { format!("{numbers} numbers differ,") }
}

fn said(cause: &Cause) -> String {
    let Cause { subject, old, new, .. } = cause;
    match (old.is_empty(), new.is_empty()) {
        (true, _) => format!("{subject}: new, {new}"),
        (_, true) => format!("{subject}: no more, was {old}"),
        _ if old == new => format!("{subject}: {new}, on other events"),
        _ => format!("{subject}: {old}, now {new}"),
    }
}

fn event(seq: u64, events: &BTreeMap<u64, String>) -> String {
    events.get(&seq).map_or_else(|| format!("event {seq}"), |words| format!("event {seq}: {words}"))
}

fn changes(all: &[Change]) -> String {
    let mut shown = table(["", "old", "new"]);
    for change in all {
        let what = if change.what.is_empty() { "all of it".to_owned() } else { change.what.join(" > ") };
        shown.add_row([what, word(change.old.as_ref()), word(change.new.as_ref())]);
    }
    let lines: Vec<String> = told(&shown).lines().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}

fn word(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
