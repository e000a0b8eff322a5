//! `trialwright survival` as a statistician uses it: what it prints, what it writes, what it refuses.
#![allow(clippy::unwrap_used, reason = "a test should stop where its file is not there")]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../survival/tests/data/golden").join(name)
}

fn survival(file: &Path, options: &[&str]) -> Command {
    let mut command = Command::cargo_bin("trialwright").unwrap();
    command.arg("survival").arg(file).args(options);
    command
}

/// A table in a file of its own.
fn table(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn printed(command: &mut Command) -> String {
    String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap()
}

/// The command fails with this code and says each of these.
fn refuses(command: &mut Command, code: i32, parts: &[&str]) {
    let stderr = String::from_utf8(command.assert().code(code).get_output().stderr.clone()).unwrap();
    for part in parts {
        assert!(stderr.contains(part), "{part}\n{stderr}");
    }
}

#[test]
fn tells_what_a_statistician_wants_to_see() {
    let options = ["--strata", "cell", "--covariates", "arm,karno,age", "--tau", "365"];
    insta::assert_snapshot!(printed(&mut survival(&golden("veteran.csv"), &options)));
}

#[test]
fn tells_competing_risks() {
    insta::assert_snapshot!(printed(&mut survival(&golden("competing_ties.csv"), &["--competing", "event"])));
}

/// The same keys as the reference file; its values are held by the crate that computes them.
#[test]
fn json_has_the_keys_of_the_reference_files() {
    for name in ["colon_recurrence_3arm", "ovarian"] {
        let text = std::fs::read_to_string(golden(&format!("{name}.json"))).unwrap();
        let theirs: Value = serde_json::from_str(&text).unwrap();
        let covariates: Vec<&str> =
            theirs["covariates"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let tau = theirs["rmst"].as_object().unwrap().values().next().unwrap()["tau"].to_string();
        let options = [
            "--covariates",
            &covariates.join(","),
            "--strata",
            theirs["strata"].as_str().unwrap(),
            "--tau",
            &tau,
            "--json",
        ];
        let ours: Value =
            serde_json::from_str(&printed(&mut survival(&golden(&format!("{name}.csv")), &options))).unwrap();
        for key in theirs.as_object().unwrap().keys().filter(|key| !matches!(key.as_str(), "r" | "survival"))
        {
            assert!(ours.get(key).is_some_and(|value| value.get("error").is_none()), "{name}: {key}");
        }
        assert_eq!(ours["dataset"], name);
        assert_eq!(ours["cox_full_efron"]["names"], theirs["cox_full_efron"]["names"]);
        assert_eq!(ours["km_arm"]["log"]["strata"], theirs["km_arm"]["log"]["strata"]);
    }
}

#[test]
fn options_name_columns_ties_and_limits() {
    let file = table("days,dead,treatment\n3,1,new\n5,0,new\n2,TRUE,old\n4,1,old\n4,1,new\nNA,1,old\n");
    let columns = ["--time", "days", "--event", "dead", "--arm", "treatment"];
    let wrong = table("days,dead,treatment\n3,yes,new\n");
    refuses(&mut survival(wrong.path(), &columns), 1, &["row 2, column dead: found \"yes\"; 1 (or TRUE)"]);
    let fine = table("days,dead,treatment\n3,1,new\n5,0,new\n2,1,old\n4,1,old\n4,1,new\nNA,1,old\n");
    let text = printed(survival(fine.path(), &columns).args([
        "--ties",
        "exact",
        "--conf-type",
        "log-log",
        "--at",
        "2,4",
    ]));
    for part in [
        "5 subjects, 4 events; 1 row with a missing value left out",
        "exact ties",
        "treatmentold",
        "log-log limits",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    // TRUE among numbers: the column is text, and 0 and 1 in it are what they are.
    assert!(printed(&mut survival(file.path(), &columns)).contains("5 subjects, 4 events"));
}

#[test]
fn draws_the_curves() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("curves.svg");
    survival(&golden("lung.csv"), &["--plot", file.to_str().unwrap()]).assert().success();
    let svg = std::fs::read_to_string(file).unwrap();
    for part in ["<svg", "Kaplan-Meier curves by arm", "At risk", "Log-rank test", ">137<", ">90<", "</svg>"]
    {
        assert!(svg.contains(part), "{part}");
    }
}

#[test]
fn reads_standard_input() {
    let text = "time,status,arm\n1,1,a\n2,1,b\n3,0,a\n4,1,b\n";
    assert!(printed(survival(Path::new("-"), &[]).write_stdin(text)).contains("4 subjects, 3 events"));
}

#[test]
fn data_that_bear_little_are_told_all_the_same() {
    for rows in ["3,1,1\n", "3,0,1\n4,0,2\n", "0,1,1\n0,1,2\n", "3,1,1\n4,1,1\n9,0,2\n"] {
        let file = table(&format!("time,status,arm\n{rows}"));
        survival(file.path(), &[]).assert().success();
        let ours: Value = serde_json::from_str(&printed(&mut survival(file.path(), &["--json"]))).unwrap();
        assert!(
            ours["km_arm"]["log"]["surv"].is_number() || ours["km_arm"]["log"]["surv"].is_array(),
            "{ours}"
        );
    }
    let one = table("time,status,arm\n3,1,1\n");
    let told = printed(&mut survival(one.path(), &[]));
    assert!(told.contains("every subject is in arm=1; it needs two groups or more"), "{told}");
}

#[test]
fn what_is_wrong_is_told_where_it_is() {
    let cases = [
        (
            "time,status,arm\n1,1,a\nsoon,1,b\n",
            "row 3, column time: found \"soon\"; a time is a finite number, zero or later",
        ),
        ("time,status,arm\n1,1,a\n-2,1,b\n", "row 3, column time: found \"-2\""),
        ("time,status,arm\n1,2,a\n", "row 2, column status: found \"2\"; 1 (or TRUE) for an event"),
        ("time,status,group\n1,1,a\n", "no column \"arm\"; found time, status, group"),
        ("time,status,arm,arm\n1,1,a,b\n", "2 columns are called \"arm\""),
        ("time,status,arm\n1,1\n", "found record with 2 fields"),
        ("time,status,arm\n", "no row below the header"),
        ("", "is empty"),
        ("time,status,arm\n1,NA,a\n", "no row to use"),
    ];
    for (text, message) in cases {
        let file = table(text);
        let name = file.path().display().to_string();
        refuses(&mut survival(file.path(), &[]), 1, &[message, &name]);
    }
    let (veteran, competing) = (golden("veteran.csv"), golden("competing_ties.csv"));
    refuses(&mut survival(&competing, &["--event", "event"]), 1, &["column event: found \"2\""]);
    refuses(
        &mut survival(&veteran, &["--competing", "time"]),
        1,
        &["column time: found", "0 for a censored time"],
    );
    refuses(&mut survival(&veteran, &["--tau=-1"]), 2, &["the horizon is a time above 0"]);
    refuses(&mut survival(&veteran, &["--ties", "none"]), 2, &["efron, breslow or exact"]);
    refuses(&mut survival(Path::new("no-such-file.csv"), &[]), 1, &["no-such-file.csv"]);
}
