//! `diff`: what it tells of two reports, and what it does with what is none.

use rstest::rstest;
use serde_json::{Value, json};

use crate::stage::{arg, ledger, scratch, show, trial};

#[test]
fn a_report_does_not_differ_from_itself() {
    let report = arg(trial().join("report"));
    let shown = show(&["diff", &report, &report]);
    assert_eq!(shown.code, 0, "{shown}");
    assert_eq!(shown.out.trim(), "No number differs.");
}

#[test]
fn an_earlier_report_differs_by_the_events_since() {
    let folder = scratch();
    let earlier = arg(folder.path().join("earlier"));
    let made = show(&["report", &ledger(), "--as-of", "2027-06-30", "--out", &earlier]);
    assert_eq!(made.code, 0, "{made}");
    let now = arg(trial().join("report"));
    let shown = show(&["diff", &earlier, &now]);
    assert_eq!(shown.code, 0, "{shown}");
    for words in ["analyses > TSF-main", "    + event ", "more subjects (--all tells them)"] {
        assert!(shown.out.contains(words), "no {words:?} in {shown}");
    }
    let found: Value = serde_json::from_str(&show(&["diff", &earlier, &now, "--json"]).out).unwrap();
    let parts = found["parts"].as_array().unwrap();
    let primary = parts.iter().find(|part| part["place"] == json!(["analyses", "TSF-main"])).unwrap();
    let ratio =
        |change: &&Value| change["what"].as_array().unwrap().iter().any(|step| step == "hazard ratio");
    let change = primary["changes"].as_array().unwrap().iter().find(ratio).unwrap();
    assert_ne!(change["old"], change["new"]);
    // Every event that is named is told. Some came since; an older one may have come into use, as a nadir does.
    let mut since = 0;
    for cause in primary["because"].as_array().unwrap() {
        for seq in cause["added"].as_array().unwrap() {
            let words = found["events"][seq.to_string()].as_str().unwrap();
            since += usize::from(words.rsplit_once(", recorded ").is_some_and(|(_, day)| day > "2027-06-30"));
        }
    }
    assert!(since > 0);
}

#[rstest]
#[case("nowhere", "nowhere: No such file or directory")]
#[case("Cargo.toml", "Cargo.toml: expected value at line 1 column 2")]
fn what_is_no_report_is_refused(#[case] given: &str, #[case] words: &str) {
    let shown = show(&["diff", given, given]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(shown.err.contains(words), "{shown}");
    assert!(shown.err.contains("trialwright report LEDGER"), "{shown}");
}
