//! `trialwright simulate`: what a statistician is shown, and that shards, stops and merges make no difference.

use std::path::Path;

use rstest::rstest;

use crate::stage::{Shown, arg, scratch, show, trialwright};

/// A scenario with two looks, strata and a sweep.
const SCENARIO: &str = r#"
title = "A small trial"
unit = "months"
subjects = 40
control = { median = 6 }
effect = { hazard_ratio = 0.5 }
accrual = { duration = 6 }
follow_up = 12
strata = [{ label = "low", share = 0.5 }, { label = "high", share = 0.5, hazard_ratio = 2 }]
design = { events = 30, looks = [0.5, 1.0] }
sweep = { hazard_ratio = [0.4, 0.7] }
"#;

fn scenario(folder: &Path) -> String {
    let file = folder.join("small.toml");
    std::fs::write(&file, SCENARIO).unwrap();
    arg(file)
}

fn run(scenario: &str, more: &[&str]) -> Shown {
    let args = ["simulate", "--scenario", scenario, "--trials", "3000", "--seed", "5"];
    show(&[&args[..], more].concat())
}

#[test]
fn tells_what_a_statistician_asks() {
    let folder = scratch();
    let (csv, svg) = (arg(folder.path().join("a.csv")), arg(folder.path().join("a.svg")));
    let shown = run(&scenario(folder.path()), &["--csv", &csv, "--plot", &svg]).without(folder.path());
    insta::assert_snapshot!("simulate", shown);
    let table = std::fs::read_to_string(csv).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 1 + 3 * 2, "two hazard ratios and none, two analyses");
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    assert_eq!(rows[0][..4], ["hazard_ratio", "effect", "trials", "analysis"]);
    let drawn = std::fs::read_to_string(svg).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.contains("SIMULATED: A small trial"));
}

#[test]
fn shards_merge_into_the_answer_of_a_single_run() {
    let folder = scratch();
    let scenario = scenario(folder.path());
    let whole = run(&scenario, &["--json"]);
    assert_eq!(whole.code, 0, "{whole}");
    let files: Vec<String> =
        (1..=3).map(|number| arg(folder.path().join(format!("{number}.jsonl")))).collect();
    for (number, file) in (1..).zip(&files) {
        let shard = format!("{number}/3");
        let threads = if number == 2 { "1" } else { "2" };
        let shown = run(&scenario, &["--shard", &shard, "--out", file, "--threads", threads]);
        assert!(shown.code == 0 && shown.out.is_empty() && shown.err.contains("is whole"), "{shown}");
    }
    let merge = |files: &[&String], more: &[&str]| {
        let names = files.iter().map(|file| file.as_str());
        show(&["simulate", "merge"].into_iter().chain(names).chain(more.iter().copied()).collect::<Vec<_>>())
    };
    let merged = merge(&[&files[2], &files[0], &files[1]], &["--json"]);
    assert_eq!(merged.out, whole.out, "bit for bit");
    let missing = merge(&[&files[0], &files[2]], &["--json"]);
    assert!(missing.code == 1 && missing.err.contains("are in none of the files"), "{missing}");
    let partial = merge(&[&files[0], &files[2]], &["--partial"]);
    assert!(partial.code == 0 && partial.out.contains("Not whole"), "{partial}");
}

#[test]
fn a_file_is_never_overwritten_and_a_run_goes_on() {
    let folder = scratch();
    let scenario = scenario(folder.path());
    let file = arg(folder.path().join("kept.jsonl"));
    let whole = run(&scenario, &["--json", "--out", &file]);
    assert_eq!(whole.code, 0, "{whole}");
    let again = run(&scenario, &["--json", "--out", &file]);
    assert!(
        again.code == 1 && again.err.contains("is there already") && again.err.contains("--resume"),
        "{again}"
    );
    // As a kill in the middle leaves it: some chunks, and a line cut short.
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    std::fs::write(&file, format!("{}{}", lines[..4].concat(), &lines[4][..20])).unwrap();
    let resumed = run(&scenario, &["--json", "--out", &file, "--resume"]);
    assert_eq!(resumed.out, whole.out, "{resumed}");
    let other = show(&[
        "simulate",
        "--scenario",
        &scenario,
        "--seed",
        "6",
        "--trials",
        "3000",
        "--out",
        &file,
        "--resume",
    ]);
    assert!(other.code == 1 && other.err.contains("the seed (5 and 6) differs"), "{other}");
}

/// Ctrl-C keeps what is done, and the same command goes on.
#[cfg(unix)]
#[test]
fn an_interruption_stops_cleanly() {
    use std::io::Read;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    let folder = scratch();
    let (scenario, file) = (scenario(folder.path()), folder.path().join("kept.jsonl"));
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("trialwright"))
        .args(["simulate", "--scenario", &scenario, "--trials", "1000000000", "--out", &arg(&file)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let kept = || std::fs::read_to_string(&file).map_or(0, |text| text.lines().count());
    while kept() < 2 && began.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let code = child.wait().unwrap().code();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("stopped after") && said.contains("--resume"), "{said}");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.ends_with('\n') && text.lines().count() >= 2);
}

#[rstest]
#[case(&["simulate"], 2, "--scenario")]
#[case(&["simulate", "--scenario", "no such"], 1, "alternative")]
#[case(&["simulate", "--scenario", "null", "--sweep", "colour=1"], 2, "cannot be swept")]
#[case(&["simulate", "--scenario", "null", "--sweep", "subjects=1"], 2, "from 2 to")]
#[case(&["simulate", "--scenario", "null", "--shard", "3/2", "--out", "x"], 2, "k/n")]
#[case(&["simulate", "--scenario", "null", "--shard", "1/2"], 2, "--out")]
#[case(&["simulate", "--scenario", "null", "--resume"], 2, "--out")]
#[case(&["simulate", "--scenario", "null", "--plot", "x.svg"], 2, "--sweep")]
#[case(&["simulate", "--scenario", "null", "--trials", "0"], 2, "1..")]
#[case(&["simulate", "merge"], 2, "<FILE>")]
#[case(&["simulate", "merge", "Cargo.toml"], 1, "not a file of simulated trials")]
fn what_cannot_be_is_told(#[case] args: &[&str], #[case] code: i32, #[case] says: &str) {
    let shown = show(args);
    assert_eq!(shown.code, code, "{shown}");
    assert!(shown.err.contains(says), "{shown}");
    assert!(!Path::new(env!("CARGO_MANIFEST_DIR")).join("x").exists());
}

#[test]
fn faults_of_a_scenario_are_shown_where_they_stand() {
    let folder = scratch();
    let file = folder.path().join("wrong.toml");
    let text = SCENARIO.replace("subjects = 40", "subjects = 1").replace("share = 0.5 }", "share = 0.2 }");
    std::fs::write(&file, text).unwrap();
    let shown = show(&["simulate", "--scenario", &arg(&file)]).without(folder.path());
    insta::assert_snapshot!("simulate_faults", shown);
}

#[test]
fn the_schema_is_json() {
    let shown = trialwright(&["simulate", "--schema"]).output().unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(schema["type"], "object");
}
