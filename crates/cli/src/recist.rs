//! `trialwright recist`: what each tumour assessment of an SDTM directory means, and whether the recorded response agrees.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use comfy_table::ColumnConstraint;
use exchange::agreement::{Judged, RESPONSES, Summary, judge};
use exchange::sdtm::{self, Import};

use crate::output::{Failure, line, note, plural, progress, refused, table, told as told_table};

#[derive(clap::Args)]
pub struct Options {
    /// Directory with tu.csv and tr.csv; rs.csv for the recorded responses, dm.csv for the day of randomisation
    dir: PathBuf,
    /// One JSON object a line instead of a table; the summary goes to standard error
    #[arg(long)]
    json: bool,
    /// Only this reader: INVESTIGATOR, or EVAL/EVALID as in "INDEPENDENT ASSESSOR/RADIOLOGIST 1"
    #[arg(long, value_name = "READER")]
    reader: Option<String>,
    /// Only this subject (USUBJID)
    #[arg(long, value_name = "USUBJID")]
    subject: Option<String>,
    /// Only assessments whose recorded response differs
    #[arg(long)]
    disagreements: bool,
    /// Also name every row of the input that was not used, and every remark
    #[arg(long)]
    rows: bool,
}

/// So many remarks are told without `--rows`.
const REMARKS_SHOWN: usize = 5;

/// Judges every assessment after the baseline; the baseline itself has no response, and so no line.
pub fn run(options: &Options) -> Result<(), Failure> {
    let import = sdtm::read_assessments(&options.dir).map_err(|faults| refused(&options.dir, &faults))?;
    let judged = judge_all(options, &import)?;
    let summary: Summary = judged.iter().collect();
    let shown = judged.iter().filter(|judged| !options.disagreements || judged.agrees == Some(false));
    if options.json {
        for judged in shown {
            line(serde_json::to_string(judged).map_err(Failure::new)?)?;
        }
        note(told(options, &import, &summary).trim_end());
        return Ok(());
    }
    for (who, rows) in tables(&shown.collect::<Vec<_>>()) {
        line(format!("{who}\n{}\n", told_table(&rows)))?;
    }
    line(told(options, &import, &summary).trim_end())
}

/// A table for each subject and reader, under their names.
fn tables(judged: &[&Judged]) -> Vec<(String, comfy_table::Table)> {
    let header = ["Visit", "Target", "Non-target", "New", "Overall", "Sum", "Nadir", "RS", "Reason"];
    let groups = judged.chunk_by(|a, b| (&a.usubjid, &a.reader) == (&b.usubjid, &b.reader));
    let of_group = |group: &[&Judged]| {
        let mut rows = table(header);
        rows.add_rows(group.iter().map(|judged| row(judged)));
        // The reason is the longest by far: it alone takes what width is left.
        for column in 0..header.len() - 1 {
            if let Some(column) = rows.column_mut(column) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        (format!("{}, {}", group[0].usubjid, group[0].reader), rows)
    };
    groups.map(of_group).collect()
}

fn judge_all(options: &Options, import: &Import) -> Result<Vec<Judged>, Failure> {
    let history = import.history();
    let rules = &history.current().tumour;
    let chosen: Vec<_> = import
        .subjects
        .iter()
        .filter(|subject| options.subject.as_ref().is_none_or(|only| subject.id.as_str() == only))
        .collect();
    if let Some(subject) = options.subject.as_ref().filter(|_| chosen.is_empty()) {
        return Err(Failure::new(format!("{} has no subject {subject:?}", options.dir.display()))
            .hint("USUBJID as it stands in the files, as in 01-701-1015"));
    }
    let bar = progress(chosen.len() as u64, "judging");
    let mut judged = Vec::new();
    let mut readers = BTreeSet::new();
    for subject in chosen {
        let record = import.record(&history, subject);
        // The import checks what it writes; a fault here is one of the program, and is told rather than passed over.
        if let Some(fault) = record.faults.first() {
            return Err(Failure::new(format!(
                "subject {}, {}, item {}: {}",
                subject.id, fault.place, fault.item, fault.message
            )));
        }
        readers.extend(record.assessments.iter().map(|assessment| assessment.reader.clone()));
        judged.extend(judge(import, rules, subject, &record));
        bar.inc(1);
    }
    bar.finish_and_clear();
    if let Some(only) = &options.reader {
        let only = only.to_uppercase();
        if !readers.contains(&only) {
            let known: Vec<String> = readers.into_iter().collect();
            return Err(Failure::new(format!("{} has no reader {only:?}", options.dir.display()))
                .hint(format!("one of {}", known.join(", "))));
        }
        judged.retain(|judged| judged.reader == only);
    }
    Ok(judged)
}

fn row(judged: &Judged) -> [String; 9] {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let size =
        |mm: Option<f64>| mm.map_or_else(|| "-".to_owned(), |mm| format!("{}", (mm * 10.0).round() / 10.0));
    let recorded = &judged.recorded;
    let recorded = match judged.agrees {
        None => "-".to_owned(),
        Some(true) => "agrees".to_owned(),
        Some(false) => [&recorded.target, &recorded.non_target, &recorded.overall]
            .map(|response| or_dash(response.as_deref()))
            .join("\n"),
    };
    [
        judged.visit.clone(),
        or_dash(judged.target.map(trial::recist::TargetResponse::as_str)),
        or_dash(judged.non_target.map(trial::recist::NonTargetResponse::as_str)),
        judged.new_lesion.to_string(),
        judged.overall.to_string(),
        size(judged.sum_mm),
        size(judged.nadir_mm),
        recorded,
        judged.reason.clone(),
    ]
}

/// The summary: agreement, the rules that decide where there is none, and what became of every row.
fn told(options: &Options, import: &Import, summary: &Summary) -> String {
    let mut text = format!("{} after baseline\n", plural(summary.assessments, "assessment"));
    if summary.assessments == 0 {
        text.push_str("  nothing to judge: a response compares a later visit with the first\n");
    } else if summary.responses.iter().all(|(recorded, _)| *recorded == 0) {
        text.push_str("  no recorded response to compare with; rs.csv would hold them\n");
    }
    for (response, (recorded, agree)) in RESPONSES.iter().zip(summary.responses) {
        if recorded == 0 {
            continue;
        }
        let _ = writeln!(text, "  {response:<10} {agree} of {recorded} recorded responses agree");
    }
    let counted = [
        ("new lesion", "recorded new lesions agree", summary.new_lesions),
        ("sum", "recorded sums agree", summary.sums),
    ];
    for (name, what, (recorded, agree)) in counted {
        if recorded > 0 {
            let _ = writeln!(text, "  {name:<10} {agree} of {recorded} {what}");
        }
    }
    if !summary.rules.is_empty() {
        text.push_str("Where they differ, the rule of RECIST 1.1 that decides\n");
        for ((response, rule), count) in &summary.rules {
            let _ = writeln!(text, "  {response:<10} {count:>4}  {} ({})", rule.words(), rule.section());
        }
    }
    text += &if options.rows { import.accounting.details() } else { import.accounting.summary() };
    let shown = if options.rows { import.remarks.len() } else { REMARKS_SHOWN };
    for remark in import.remarks.iter().take(shown) {
        let _ = writeln!(text, "note: {remark}");
    }
    if import.remarks.len() > shown {
        let _ = writeln!(text, "note: {} more such notes; --rows shows them", import.remarks.len() - shown);
    }
    text
}
