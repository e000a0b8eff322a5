//! `bundle`: what a statistician finds in it, and that its scripts and numbers are the protocol's and the report's.
//!
//! R and Python run the scripts in `.ci/run`; here nothing outside the program is needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use exchange::format::read_file;
use exchange::table::Cell;

use crate::stage::{arg, ledger, scratch, show, trial};

/// The shared virtual trial, bundled once. Only read it: other tests do.
fn bundled() -> &'static Path {
    static BUNDLED: OnceLock<PathBuf> = OnceLock::new();
    BUNDLED.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shared-bundle");
        let _ = fs::remove_dir_all(&folder);
        let shown = show(&["bundle", &ledger(), "--to", &arg(&folder)]);
        assert_eq!(shown.code, 0, "{shown}");
        folder
    })
}

fn text(name: &str) -> String {
    fs::read_to_string(bundled().join(name)).unwrap_or_else(|wrong| panic!("{name}: {wrong}"))
}

fn rows(text: &str) -> Vec<csv::StringRecord> {
    csv::Reader::from_reader(text.as_bytes()).into_records().map(Result::unwrap).collect()
}

#[test]
fn the_numbers_are_the_reports_own() {
    let report = fs::read_to_string(trial().join("report/tables/comparisons.csv")).unwrap();
    let header = csv::Reader::from_reader(report.as_bytes()).headers().unwrap().clone();
    let place = |name: &str| header.iter().position(|it| it == name).unwrap();
    let row = rows(&report).into_iter().find(|row| &row[0] == "TSF-main").unwrap();
    let said = rows(&text("results/primary.csv"));
    for (number, column) in [
        ("hazard_ratio", "HR"),
        ("hazard_ratio_lower", "HR_LCL"),
        ("hazard_ratio_upper", "HR_UCL"),
        ("wald_p", "WALD_P"),
        ("logrank_chisq", "LOGRANK_CHISQ"),
        ("logrank_p", "LOGRANK_P"),
        ("rmst_difference_months", "RMST_DIFF_MONTHS"),
    ] {
        let found = said.iter().find(|it| &it[0] == number && &it[1] == "A" && &it[2] == "B").unwrap();
        assert_eq!(&found[3], &row[place(column)], "{number}");
    }
}

#[test]
fn the_scripts_hold_the_protocols_choices_and_none_of_the_numbers() {
    let numbers = rows(&text("results/primary.csv"));
    for name in ["primary.R", "primary.py"] {
        let script = text(name);
        assert!(!script.contains("{{") && !script.contains("}}"), "{name} has a blank that nobody filled");
        assert!(
            script.contains("\"TSF\"") && script.contains("\"efron\"") && script.contains("0.95"),
            "{name}"
        );
        for row in numbers.iter().filter(|row| row[3].len() > 6) {
            assert!(!script.contains(&row[3][..6]), "{name} holds {}", &row[3]);
        }
    }
    assert!(text("primary.R").contains("x + strata(stratum)"));
    assert!(text("primary.py").contains("STRATIFIED = True"));
    insta::assert_snapshot!("bundle_plan", text("analysis-plan.md").split("## The other").next().unwrap());
}

#[test]
fn there_is_a_row_a_subject_and_a_row_a_visit_in_both_formats() {
    for (name, source) in [("subjects", "adam/adsl"), ("visits", "sdtm/sv")] {
        let csv = rows(&text(&format!("csv/{name}.csv")));
        let table = read_file(&bundled().join(format!("parquet/{name}.parquet"))).unwrap().remove(0);
        assert_eq!(csv.len(), rows(&text(&format!("csv/{source}.csv"))).len(), "{name}");
        assert_eq!(table.len(), csv.len(), "{name}");
    }
    // Each time of the plain table is the one of ADTTE.
    let adtte = read_file(&bundled().join("parquet/adam/adtte.parquet")).unwrap().remove(0);
    let plain = read_file(&bundled().join("parquet/subjects.parquet")).unwrap().remove(0);
    let cell = |table: &'_ exchange::table::Table, row: usize, name: &str| match table
        .get(row, table.place(name).unwrap())
    {
        Cell::Text(text) => text.to_owned(),
        Cell::Number(number) => number.to_string(),
        Cell::Missing => String::new(),
    };
    let mut compared = 0;
    for row in 0..adtte.len() {
        let code = cell(&adtte, row, "PARAMCD");
        if cell(&adtte, row, "PARCAT1") != "MAIN" {
            continue;
        }
        let who = cell(&adtte, row, "USUBJID");
        let subject = (0..plain.len()).find(|at| cell(&plain, *at, "USUBJID") == who).unwrap();
        assert_eq!(cell(&plain, subject, &format!("{code}_DAYS")), cell(&adtte, row, "AVAL"), "{who} {code}");
        let event = if cell(&adtte, row, "CNSR") == "0" { "1" } else { "0" };
        assert_eq!(cell(&plain, subject, &format!("{code}_EVENT")), event, "{who} {code}");
        compared += 1;
    }
    assert!(compared > 74 * 3, "only {compared} times were compared");
}

#[test]
fn the_dictionary_knows_every_variable_of_every_file() {
    let dictionary = rows(&text("dictionary.csv"));
    let page = text("dictionary.html");
    let mut known = 0;
    for folder in ["csv", "csv/adam", "csv/sdtm", "csv/trace"] {
        for entry in fs::read_dir(bundled().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|end| end != "csv") {
                continue;
            }
            let set = path.file_stem().unwrap().to_string_lossy().to_uppercase();
            let header = csv::Reader::from_path(&path).unwrap().headers().unwrap().clone();
            for variable in &header {
                let row =
                    dictionary.iter().find(|row| row[1] == set && &row[3] == variable && row[4].is_empty());
                let row = row.unwrap_or_else(|| panic!("{set}.{variable} is not in the dictionary"));
                assert!(!row[5].is_empty() && !row[6].is_empty() && !row[12].is_empty(), "{row:?}");
                assert!(
                    !row[12].starts_with("Derived") || !row[13].is_empty() || row[4].is_empty(),
                    "{row:?}"
                );
                assert!(page.contains(&format!("<code>{variable}</code>")), "{variable} is not on the page");
                known += 1;
            }
        }
    }
    assert!(known > 300, "only {known} variables");
    let tsf = dictionary.iter().find(|row| &row[1] == "ADTTE" && &row[4] == "PARAMCD is TSF").unwrap();
    assert!(tsf[13].contains("treatment strategy") && tsf[13].contains("Rules:"), "{tsf:?}");
    let unit = dictionary.iter().find(|row| &row[1] == "ADTTE" && &row[3] == "AVAL").unwrap();
    assert_eq!(&unit[9], "DAYS");
}

#[test]
fn a_folder_of_somebody_elses_is_left_alone() {
    let folder = scratch();
    let there = folder.path().join("mine.txt");
    fs::write(&there, "mine").unwrap();
    let shown = show(&["bundle", &ledger(), "--to", &arg(folder.path())]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(shown.err.contains("did not make"), "{shown}");
    assert_eq!(fs::read_to_string(there).unwrap(), "mine");
}

/// Without a stratum the model has none, and before the first event there is nothing to compare: the bundle is made all the same.
#[test]
fn a_bundle_of_an_early_day_says_what_there_is_not() {
    let folder = scratch();
    let to = folder.path().join("early");
    let shown = show(&["bundle", &ledger(), "--to", &arg(&to), "--cut", "2025-07-15"]);
    assert_eq!(shown.code, 0, "{shown}");
    let said = rows(&fs::read_to_string(to.join("results/primary.csv")).unwrap());
    assert!(
        said.iter().any(|row| &row[0] == "n") && said.iter().all(|row| &row[0] != "hazard_ratio"),
        "{said:?}"
    );
    let script = fs::read_to_string(to.join("primary.R")).unwrap();
    assert!(script.contains("nothing to compare"), "{}", &script[..900]);
    // The same command again replaces its own folder.
    assert_eq!(show(&["bundle", &ledger(), "--to", &arg(&to)]).code, 0);
    assert!(fs::read_to_string(to.join("results/primary.csv")).unwrap().contains("hazard_ratio"));
}
