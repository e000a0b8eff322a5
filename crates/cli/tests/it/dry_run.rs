//! `trialwright dry-run` and `trialwright calibrate`: a trial against its truth, and rates against what was published.

use std::path::Path;

use rstest::rstest;

use crate::stage::{arg, scratch, show};

/// A small trial of the shipped protocol.
const SMALL: &str = r#"
title = "A small AVATAR II"
protocol = "avatar-ii"
unit = "months"
subjects = 12
control = { median = 5 }   # to be fitted
effect = { hazard_ratio = 0.5 }
accrual = { duration = 4 }
follow_up = 24
design = { events = 8 }
assessment = { every = 2.76, jitter = 0.2, known_to_the_day = 0.06 }
targets = [{ arm = "control", median = 6, patients = 20, source = "nobody" }]
"#;

fn scenario(folder: &Path) -> String {
    let file = folder.join("small.toml");
    std::fs::write(&file, SMALL).unwrap();
    arg(file)
}

#[test]
fn a_dry_run_writes_its_report_and_its_checks() {
    let folder = scratch();
    let (scenario, at) = (scenario(folder.path()), folder.path().join("run"));
    let dir = arg(&at);
    let args = ["dry-run", "--scenario", &scenario, "--seed", "4", "--dir", &dir];
    let shown = show(&args);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.out.starts_with("SIMULATED: ") && shown.out.contains("12 planned"), "{shown}");
    for name in ["report/report.html", "checks.html"] {
        let page = std::fs::read_to_string(at.join(name)).unwrap();
        assert!(page.contains("SIMULATED DATA") && page.contains("@page"), "{name}");
    }
    let written = || -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(at.join("checks.json")).unwrap()).unwrap()
    };
    let first = written();
    assert_eq!((&first["holds"], &first["simulated"]), (&true.into(), &true.into()));
    assert_eq!(first["subjects"].as_array().unwrap().len(), 3 * 12);
    // The scenario states the hazard ratio of the primary endpoint.
    assert_eq!(first["effects"][0]["stated"], 0.5);
    // Made anew in its own folder: the same seed, the same trial.
    assert_eq!(show(&args).code, 0);
    assert_eq!(written(), first);
    // Never over what somebody else keeps.
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("thesis.txt"), "years of work").unwrap();
    let shown = show(&["dry-run", "--scenario", &scenario, "--dir", &arg(&other)]);
    assert!(shown.code == 1 && shown.err.contains("--force"), "{shown}");
    assert_eq!(std::fs::read_dir(&other).unwrap().count(), 1);
}

#[test]
fn a_calibration_prints_its_fit_and_writes_the_scenario() {
    let folder = scratch();
    let (scenario, out) = (scenario(folder.path()), arg(folder.path().join("fitted.toml")));
    let args = ["calibrate", "--scenario", &scenario, "--trials", "400", "--out", &out];
    let shown = show(&args);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.out.starts_with("SIMULATED: ") && shown.out.contains("nobody"), "{shown}");
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(text.starts_with("#~ Calibrated by `trialwright calibrate --scenario small.toml"), "{text}");
    assert!(text.contains("# to be fitted") && !text.contains("median = 5 }"), "{text}");
    let again = show(&args);
    assert!(again.code == 1 && again.err.contains("--force"), "{again}");
    // What was written shows what was published.
    let fitted = show(&["calibrate", "--scenario", &out, "--trials", "400", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&fitted.out).unwrap();
    let (showed, error) = (&found["fitted"][0]["showed"], &found["fitted"][0]["showed"]["std_err"]);
    assert!((showed["mean"].as_f64().unwrap() - 6.0).abs() < error.as_f64().unwrap(), "{fitted}");
}

#[rstest]
#[case(&["calibrate"], 2, "--scenario")]
#[case(&["calibrate", "--scenario", "null"], 1, "[[targets]]")]
#[case(&["calibrate", "--scenario", "avatar", "--force"], 2, "--out")]
#[case(&["dry-run", "--scenario", "no such"], 1, "alternative")]
#[case(&["dry-run", "--scenario", "exponential-74", "--dir", "/dev/null/x"], 1, "cannot")]
fn what_cannot_be_is_told(#[case] args: &[&str], #[case] code: i32, #[case] says: &str) {
    let shown = show(args);
    assert_eq!(shown.code, code, "{shown}");
    assert!(shown.err.contains(says), "{shown}");
}
