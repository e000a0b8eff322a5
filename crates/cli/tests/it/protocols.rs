//! `check` and `schema`: every fault at once, each where it stands; what an amendment changes.

use serde_json::Value;

use crate::stage::{TRIAL_DATA, arg, scratch, show};

#[test]
fn shows_every_fault_at_once() {
    insta::assert_snapshot!(show(&["check", &format!("{TRIAL_DATA}/wrong.toml")]));
}

#[test]
fn shows_faults_of_grammar() {
    insta::assert_snapshot!(show(&["check", &format!("{TRIAL_DATA}/broken.toml")]));
}

#[test]
fn gives_faults_as_json() {
    let file = format!("{TRIAL_DATA}/wrong.toml");
    let shown = show(&["check", &file, "--json"]);
    let told: Value = serde_json::from_str(&shown.out).unwrap();
    assert!(shown.err.is_empty());
    let text = std::fs::read_to_string(&file).unwrap();
    let faults = told["faults"].as_array().unwrap();
    assert!(faults.len() > 40);
    for fault in faults {
        let place = |name: &str| usize::try_from(fault["span"][name].as_u64().unwrap()).unwrap();
        assert!(place("start") <= place("end") && place("end") <= text.len());
        let line = text[..place("start")].matches('\n').count() + 1;
        assert_eq!(fault["line"], line, "{fault}");
        assert!(!fault["found"].as_str().unwrap().is_empty() && !fault["right"].as_str().unwrap().is_empty());
    }
}

#[test]
fn says_what_is_no_protocol() {
    let folder = scratch();
    let put = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        arg(folder.path().join(name))
    };
    let mut text = String::new();
    for file in [
        arg(folder.path().join("none.toml")),
        arg(folder.path()),
        put("empty.toml", b""),
        put("bytes.toml", b"\xff\xfe\x00"),
        put("comment.toml", b"# nothing yet\n"),
    ] {
        text += &format!("{}\n", show(&["check", &file]).without(folder.path()));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn passes_a_shipped_one() {
    insta::assert_snapshot!(show(&["check", "avatar-ii"]));
}

#[test]
fn prints_a_shipped_one_to_start_from() {
    let shown = show(&["check", "stop", "--print"]);
    assert_eq!(shown.out, std::fs::read_to_string("../../protocols/stop.toml").unwrap());
}

#[test]
fn shows_what_an_amendment_changes() {
    let folder = scratch();
    let old = std::fs::read_to_string("../../protocols/avatar-ii.toml").unwrap();
    let new = old.replacen("version = \"1.0\"", "version = \"1.1\"", 1).replacen(
        "participants = 74",
        "participants = 80",
        1,
    );
    let file = arg(folder.path().join("amended.toml"));
    std::fs::write(&file, new).unwrap();
    insta::assert_snapshot!(show(&["check", "avatar-ii", "--against", &file]).without(folder.path()));
    let json: Value =
        serde_json::from_str(&show(&["check", "avatar-ii", "--against", &file, "--json"]).out).unwrap();
    let paths: Vec<&str> =
        json["changes"].as_array().unwrap().iter().map(|c| c["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["trial.version", "trial.participants"]);
    assert!(show(&["check", "avatar-ii", "--against", "avatar-ii"]).out.contains("say the same"));
}

#[test]
fn shows_the_faults_of_both_versions() {
    let shown = show(&[
        "check",
        &format!("{TRIAL_DATA}/wrong.toml"),
        "--against",
        &format!("{TRIAL_DATA}/broken.toml"),
    ]);
    assert!(shown.err.contains("[../trial/tests/data/wrong.toml:2:1]"), "{shown}");
    assert!(shown.err.contains("[../trial/tests/data/broken.toml:3:15]"), "{shown}");
}

#[test]
fn prints_a_json_schema() {
    let schema: Value = serde_json::from_str(&show(&["schema"]).out).unwrap();
    assert_eq!(schema["type"], "object");
    assert!(schema["properties"]["arms"]["description"].is_string());
}
