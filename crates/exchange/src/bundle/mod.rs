//! A statistician's bundle: plain tables, a data dictionary, the primary analysis in words, and scripts that do it again.
//!
//! Never derives and never computes a statistic: the tables join what `adam` and `sdtm_out` wrote, the words are Define-XML's and the
//! report's, the numbers those of `analysis::results`. The scripts know the protocol's choices and no number; see docs/exchange.md.

mod dictionary;
mod plain;
mod primary;

use std::fmt::Write as _;

use analysis::results::Results;

use crate::submission::{DataSet, Study};
use crate::table::{Misfit, Table};

/// What a bundle holds beside the data sets of the standards.
pub struct Bundle {
    /// `SUBJECTS`, one row a subject, and `VISITS`, one row a visit. Empty tables are there as well.
    pub tables: Vec<Table>,
    /// The other files, as paths from the bundle's folder, and their texts.
    pub files: Vec<(String, String)>,
    /// What the primary analysis is, in a line; none where the protocol plans no analysis of a time.
    pub primary: Option<String>,
}

/// Makes the bundle of `sets`, which hold SDTM and `ADaM` of `study`, and of the results of the same records. Errors: what a table could
/// not hold.
pub fn make(study: &Study<'_>, sets: &[DataSet], results: &Results) -> Result<Bundle, Misfit> {
    let plain = [plain::subjects(study, sets)?, plain::visits(sets)?];
    let rows = dictionary::rows(study, sets, &plain);
    let json = serde_json::to_string_pretty(results)
        .map_err(|wrong| Misfit::whole("results.json", wrong.to_string(), "a value that JSON holds"))?;
    let mut files = vec![
        ("dictionary.csv".to_owned(), dictionary::csv(&rows)),
        ("dictionary.html".to_owned(), dictionary::html(study, &rows)),
        ("results/results.json".to_owned(), json),
    ];
    let primary = primary::of(study, results);
    if let Some(primary) = &primary {
        files.extend([
            ("analysis-plan.md".to_owned(), primary.plan()),
            ("primary.R".to_owned(), primary.r()),
            ("primary.py".to_owned(), primary.python()),
            ("results/primary.csv".to_owned(), primary.numbers()),
        ]);
    }
    let said = primary.as_ref().map(primary::Primary::line);
    files.push(("README.txt".to_owned(), readme(study, sets, &plain, said.as_deref())));
    Ok(Bundle { tables: plain.into(), files, primary: said })
}

fn readme(study: &Study<'_>, sets: &[DataSet], plain: &[Table], primary: Option<&str>) -> String {
    let trial = &study.protocol.trial;
    let mut text = format!("{}: {}\nProtocol version {}\n", trial.id, trial.title, trial.version);
    if study.facts.simulated {
        text.push_str("SIMULATED DATA: every subject is virtual.\n");
    }
    if let Some(moment) = study.facts.as_of {
        let _ = writeln!(text, "As known at {moment}.");
    }
    if let Some(day) = study.facts.cut {
        let _ = writeln!(text, "Cut at the clinical date {day}.");
    }
    if let Some(head) = &study.facts.head {
        let _ = writeln!(text, "Hash of the ledger's last event: {head}");
    }
    let [subjects, visits] = plain else { return text };
    let _ = write!(
        text,
        "\nBegin with\n
  csv/subjects.csv    {} rows: one a subject, with arm, strata, baseline, each endpoint's time and event
  csv/visits.csv      {} rows: one a visit, with response, sum of diameters, performance status, scores
  dictionary.html     what every variable is, its units, its terms, and how it was derived (dictionary.csv: the same)
",
        subjects.len(),
        visits.len()
    );
    if let Some(primary) = primary {
        let _ = write!(
            text,
            "  analysis-plan.md    the primary analysis in words: {primary}

The primary analysis again, from the data alone, beside the numbers Trialwright printed

  Rscript primary.R                                      R with the package survival (haven, if it is there, for XPT)
  pip install pandas lifelines && python primary.py      Python 3.9 or later

Each prints both numbers and their difference, and ends with status 1 where they differ by more than 1e-6 relative.
"
        );
    } else {
        text.push_str(
            "\nThe protocol plans no analysis of a time to an event, so there is nothing to do again.\n",
        );
    }
    text.push_str(
        "\nThe whole

  csv, parquet        sdtm/ and adam/ with Define-XML; trace/ leads from each record to the events of the ledger
  xpt                 the same as SAS transport files
  results/            all results (results.json) and the primary analysis as one number a row (primary.csv)

Dates of ADaM are ISO 8601 in CSV, dates in Parquet, SAS dates in XPT. A missing value is nothing in CSV.\n",
    );
    let names: Vec<&str> = sets.iter().map(|set| set.table.name()).collect();
    let _ = writeln!(text, "Data sets: {}.", names.join(" "));
    text
}
