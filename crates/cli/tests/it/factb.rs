//! `factb`: the reference scores, and what a wrong file gets.

use std::collections::BTreeMap;

use crate::stage::{Shown, TRIAL_DATA, arg, scratch, show, trialwright};

fn answers() -> String {
    std::fs::read_to_string(format!("{TRIAL_DATA}/factb_answers.csv")).unwrap()
}

/// Rows by column; an empty field is none.
fn rows(csv: &str) -> Vec<BTreeMap<String, Option<f64>>> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let value = |text: &str| (!text.is_empty() && text != "NA").then(|| text.parse::<f64>().unwrap());
    reader.records().map(|row| header.iter().cloned().zip(row.unwrap().iter().map(value)).collect()).collect()
}

/// The scores by the R package `FACTscorer` (see the README beside them).
fn reference() -> Vec<BTreeMap<String, Option<f64>>> {
    rows(&std::fs::read_to_string(format!("{TRIAL_DATA}/factb_scores.csv")).unwrap())
}

fn told(text: impl AsRef<[u8]>) -> Shown {
    let folder = scratch();
    std::fs::write(folder.path().join("f.csv"), text).unwrap();
    show(&["factb", &arg(folder.path().join("f.csv"))]).without(folder.path())
}

#[test]
fn gives_the_reference_scores() {
    let shown = show(&["factb", &format!("{TRIAL_DATA}/factb_answers.csv")]);
    let (scored, reference) = (rows(&shown.out), reference());
    assert_eq!(reference.len(), 200);
    assert_eq!(scored, reference);
    assert!(shown.err.is_empty());
}

#[test]
fn gives_the_same_as_json() {
    let shown = show(&["factb", &format!("{TRIAL_DATA}/factb_answers.csv"), "--json"]);
    let scored: Vec<serde_json::Map<String, serde_json::Value>> =
        shown.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (row, reference) in scored.iter().zip(reference()) {
        for (name, want) in reference {
            // What is no score is kept as the text it was.
            let found = row[&name].as_f64().or_else(|| row[&name].as_str()?.parse().ok());
            assert_eq!(found, want, "{name} of {row:?}");
        }
    }
    assert_eq!(scored.len(), 200);
}

#[test]
fn reads_standard_input() {
    let piped = trialwright(&["factb", "-"]).write_stdin(answers()).output().unwrap();
    assert_eq!(rows(&String::from_utf8(piped.stdout).unwrap()), reference());
    let wrong = trialwright(&["factb", "-"]).write_stdin("a,b\n").output().unwrap();
    assert!(
        String::from_utf8(wrong.stderr).unwrap().contains("standard input, row 1: found no column of FACT-B")
    );
}

#[test]
fn reads_what_a_spreadsheet_writes() {
    let text = format!("\u{feff}{}", answers().replace('\n', "\r\n").to_lowercase());
    assert_eq!(rows(&told(text).out), reference());
}

#[test]
fn keeps_other_columns_as_they_stand() {
    let text: String =
        answers()
            .lines()
            .enumerate()
            .map(|(row, line)| {
                if row == 0 { format!("{line},Note\n") } else { format!("{line},\"a, \"\"b\"\" 0{row}\"\n") }
            })
            .collect();
    let shown = told(text);
    let line = shown.out.lines().nth(1).unwrap();
    assert!(line.starts_with("1,\"a, \"\"b\"\" 01\",14,12,"), "{line}");
}

#[test]
fn says_what_is_wrong_with_a_file() {
    let whole = answers();
    let mut lines = whole.lines();
    let (header, row) = (lines.next().unwrap(), lines.next().unwrap());
    let mut text = String::new();
    for shown in [
        told(""),
        told("\n"),
        told(format!("{header}\n")),
        told(whole.replace(',', ";")),
        told(format!("{}\n{row}\n", header.replace("\"GP2\",", "").replace("\"B9\"", "\"gp1\""))),
        told(format!("{header}\n{row}\n2,7,x,{}\n\n3,1\n", row.splitn(4, ',').last().unwrap())),
        told(format!("{}\n{row}\n", header.replace("\"id\"", "\"PWB\""))),
        told(b"\xff\xfeG\0P\x001\0"),
    ] {
        text += &format!("{shown}\n");
    }
    insta::assert_snapshot!(text);
}
