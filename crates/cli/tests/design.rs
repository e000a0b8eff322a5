//! `trialwright design`: from a protocol's own numbers, and from the command line.
#![allow(clippy::unwrap_used, reason = "a test should stop where its file is not there")]

use assert_cmd::Command;
use serde_json::Value;

fn design(options: &[&str]) -> Command {
    let mut command = Command::cargo_bin("trialwright").unwrap();
    command.arg("design").args(options);
    command
}

fn printed(command: &mut Command) -> String {
    String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap()
}

/// The command fails with this code and says this.
fn refuses(options: &[&str], code: i32, message: &str) {
    let stderr = String::from_utf8(design(options).assert().code(code).get_output().stderr.clone()).unwrap();
    assert!(stderr.contains(message), "{message}\n{stderr}");
}

fn json(options: &[&str]) -> Value {
    serde_json::from_str(&printed(design(options).arg("--json"))).unwrap()
}

fn near(value: &Value, expected: f64, within: f64) {
    let found = value.as_f64().unwrap();
    assert!((found - expected).abs() < within, "{found}, not {expected}");
}

#[test]
fn the_shipped_protocol_stands_on_its_own_numbers() {
    let text = printed(&mut design(&[]));
    insta::assert_snapshot!(text);
    let ours = json(&["--protocol", "avatar-ii"]);
    // R: 4 * (qnorm(0.975) + qnorm(0.8))^2 / log(0.5)^2 and pnorm(log(2) * sqrt(66) / 2 - qnorm(0.975))
    near(&ours["events"]["schoenfeld"], 65.345_659_258_870_9, 1e-9);
    near(&ours["events"]["power_at_planned"], 0.803_894_1, 1e-6);
    assert_eq!(ours["events"]["planned"], 66.0);
    assert_eq!(ours["power_curve"].as_array().unwrap().len(), 3);
}

#[test]
fn the_command_line_overrides_a_protocol() {
    // R: ceiling(4 * (qnorm(0.975) + qnorm(0.9))^2 / log(0.5)^2)
    assert_eq!(json(&["--power", "0.9"])["events"]["planned"], 88.0);
    assert_eq!(json(&["--hazard-ratio", "0.7"])["protocol"], Value::Null);
    near(&json(&["--events", "50"])["events"]["power_at_planned"], 0.688_0, 1e-3);
}

// R, rpact: getSampleSizeSurvival(hazardRatio = 0.5, lambda2 = log(2) / 12, accrualTime = c(0, 12), followUpTime = 12)
#[test]
fn subjects_are_those_of_rpact() {
    let ours = json(&["--hazard-ratio", "0.5", "--median", "12", "--accrual", "12", "--follow-up", "12"]);
    near(&ours["size"]["by_events"]["subjects"], 125.4545, 1e-3);
    // R, rpact: getEventProbabilities(24, accrualTime = c(0, 12), lambda2 = log(2) / 12, hazardRatio = 0.5)
    let course = &ours["size"]["course"];
    near(&course["events_at_end"], 0.520_871_2 * course["subjects"].as_f64().unwrap(), 1e-4);
}

#[test]
fn hazards_and_accrual_in_pieces() {
    let options = [
        "--hazard-ratio",
        "0.6",
        "--hazard",
        "0:0.08,6:0.04,15:0.02",
        "--accrual",
        "20",
        "--accrual-rate",
        "0:0.3,6:0.7",
        "--follow-up",
        "10",
        "--dropout",
        "0.1/24",
        "--alpha",
        "0.1",
    ];
    let ours = json(&options);
    // The dropout, the accrual and the hazards are those of "piecewise" in the reference file of rpact.
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../survival/tests/data/design/rpact.json");
    let reference: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let sizes = reference["sizes"].as_array().unwrap();
    let piecewise = sizes.iter().find(|size| size["name"] == "piecewise").unwrap();
    let expected = piecewise["maxNumberOfSubjects"].as_f64().unwrap();
    near(&ours["size"]["by_events"]["subjects"], expected, 1e-6 * expected);
    let text = printed(&mut design(&options));
    assert!(text.contains("Lachin and Foulkes") && text.contains("Lakatos"), "{text}");
    let late = printed(design(&options).args(["--experimental-hazard", "0:0.08,6:0.02"]));
    assert!(!late.contains("Foulkes") && late.contains("Lakatos"), "only Lakatos's method holds\n{late}");
}

// R, gsDesign with its defaults: 3.0107 2.5465 1.9992 and -0.2387 0.9411 1.9992
#[test]
fn boundaries_are_those_of_gsdesign() {
    let ours = json(&[
        "--hazard-ratio",
        "0.7",
        "--power",
        "0.9",
        "--looks",
        "3",
        "--boundary",
        "hsd:-4",
        "--futility",
        "hsd:-2",
    ]);
    for (k, (upper, lower)) in [(3.0107, -0.2387), (2.5465, 0.9411), (1.9992, 1.9992)].into_iter().enumerate()
    {
        near(&ours["sequential"]["upper"][k], upper, 1e-4);
        near(&ours["sequential"]["lower"][k], lower, 1e-4);
    }
    let text = printed(&mut design(&["--looks", "0.5,1", "--boundary", "haybittle-peto"]));
    assert!(text.contains("3.0000") && text.contains("Harm"), "{text}");
}

#[test]
fn an_interim_result_is_weighed() {
    // R, for one look to come: pnorm((z / sqrt(t) - qnorm(0.975)) / sqrt((1 - t) / t)), z = -log(0.62) * sqrt(33) / 2, t = 0.5
    let ours = json(&["--interim", "33:0.62"]);
    near(&ours["interim"]["predictive_power"], 0.492_8, 1e-3);
    near(&ours["interim"]["z"], 1.373_05, 1e-4);
    let text = printed(&mut design(&["--looks", "2", "--interim", "33:0.62"]));
    assert!(text.contains("repeated 95 % limits") && text.contains("conditional power"), "{text}");
}

#[test]
fn draws_the_power_curve() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("power.svg");
    design(&["--plot", file.to_str().unwrap()]).assert().success();
    let svg = std::fs::read_to_string(file).unwrap();
    for part in ["Power of the log-rank test", "hazard ratio 0.5", "66 events planned", "</svg>"] {
        assert!(svg.contains(part), "{part}");
    }
}

#[test]
fn what_cannot_be_is_told() {
    let cases: [(&[&str], &str); 9] = [
        (&["--hazard-ratio", "1"], "a hazard ratio of 1 is no effect"),
        (&["--alpha", "2"], "--alpha 2: a two-sided level lies between 0 and 1"),
        (&["--subjects", "50"], "--median or --hazard, and --accrual"),
        (&["--interim", "80:0.5"], "fewer events than are planned"),
        (&["--looks", "0.5,0.4"], "the last information fraction must be 1"),
        (&["--looks", "99"], "from 1 to 50"),
        (&["--boundary", "peto"], "haybittle-peto"),
        (&["--hazard", "3:0.1"], "the first piece must begin at 0"),
        (&["--dropout", "x/12"], "a number is needed"),
    ];
    for (options, message) in cases {
        refuses(options, 2, message);
    }
    refuses(&["--protocol", "no-such"], 1, "no-such");
}
