//! `adopt` and `randomisation`: a new version with its effects in view; the seed, and the proof of every allocation.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::stage::{arg, ledger, scratch, show, small_protocol, trial};

/// A copy of the shared virtual trial; its seed was revealed.
fn copy(folder: &Path) -> String {
    let to = arg(folder.join("copy.sqlite"));
    let shown = show(&["backup", &ledger(), &to]);
    assert_eq!(shown.code, 0, "{shown}");
    to
}

/// A trial founded and nothing more.
fn founded(folder: &Path) -> String {
    let path = arg(folder.join("trial.sqlite"));
    let shown = show(&["found", &small_protocol(folder), "--ledger", &path]);
    assert_eq!(shown.code, 0, "{shown}");
    path
}

/// The protocol in force in the shared trial, with a version of its own and who has ECOG 1 or 2 let in no more.
fn stricter(folder: &Path) -> String {
    let text = fs::read_to_string("../../protocols/avatar-ii.toml").unwrap();
    let new = text.replacen("version = \"1.0\"", "version = \"2.0\"", 1).replacen(
        "ecog.ECOG <= 2",
        "ecog.ECOG <= 0",
        1,
    );
    assert_ne!(new, text);
    let file = folder.join("new.toml");
    fs::write(&file, new).unwrap();
    arg(file)
}

fn head(path: &str) -> u64 {
    let read = async { ledger::Ledger::open_read_only(path).await.unwrap().head().await.unwrap().count };
    office::block_on(read).unwrap()
}

#[test]
fn a_version_is_adopted_with_its_effects_in_view() {
    let folder = scratch();
    let (path, new) = (copy(folder.path()), stricter(folder.path()));
    let before = head(&path);
    let looked = show(&["adopt", &path, &new, "--dry-run"]);
    assert_eq!(looked.code, 0, "{looked}");
    for words in ["eligibility[I10].condition", "criterion judged otherwise", "from version 1.0 to 2.0"] {
        assert!(looked.out.contains(words), "{words}: {looked}");
    }
    // Nobody can be asked here, so that nothing is adopted either.
    let asked = show(&["adopt", &path, &new]);
    assert_eq!(asked.code, 2, "{asked}");
    assert!(asked.err.contains("--yes"), "{asked}");
    assert_eq!(head(&path), before);
    let told: Value = serde_json::from_str(&show(&["adopt", &path, &new, "--json"]).out).unwrap();
    assert_eq!((&told["adopted"], told["effects"][0]["kind"].as_str()), (&Value::Null, Some("eligibility")));
    let adopted = show(&["adopt", &path, &new, "--yes", "--by", "chief"]);
    assert_eq!(adopted.code, 0, "{adopted}");
    assert!(adopted.out.contains(&format!("version 2.0 was adopted (event {})", before + 1)), "{adopted}");
    assert_eq!(head(&path), before + 1);
    let again = show(&["adopt", &path, &new, "--yes"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains(&format!("version 2.0 was adopted by event {}", before + 1)), "{again}");
    assert_eq!(show(&["verify", &path]).code, 0);
}

#[test]
fn a_faulty_version_is_refused_with_its_lines() {
    let folder = scratch();
    let path = founded(folder.path());
    let new = stricter(folder.path());
    let text = fs::read_to_string(&new).unwrap().replacen("ratio = 1", "ratio = 0", 1);
    fs::write(&new, text).unwrap();
    let shown = show(&["adopt", &path, &new, "--yes"]);
    assert_eq!(shown.code, 1);
    assert!(shown.err.contains("arms[0].ratio") && shown.err.contains("new.toml: 1 fault"), "{shown}");
    assert_eq!(head(&path), 1);
    let other = show(&["adopt", &path, "stop", "--yes"]);
    assert_eq!(other.code, 1);
    assert!(other.err.contains("this ledger is that of AVATAR II"), "{other}");
}

#[test]
fn the_seed_is_revealed_once_and_never_unasked() {
    let folder = scratch();
    let path = founded(folder.path());
    let early = show(&["randomisation", "verify", &path]);
    assert_eq!(early.code, 1);
    assert!(early.err.contains("the seed was not revealed yet"), "{early}");
    let asked = show(&["randomisation", "reveal", &path]);
    assert_eq!(asked.code, 2, "{asked}");
    assert!(
        asked.err.contains("0 of 12 planned subjects were randomised") && asked.err.contains("--yes"),
        "{asked}"
    );
    assert_eq!(head(&path), 1);
    let revealed = show(&["randomisation", "reveal", &path, "--yes"]);
    assert_eq!(revealed.code, 0, "{revealed}");
    assert!(revealed.out.contains("the seed was revealed (event 2)"), "{revealed}");
    let again = show(&["randomisation", "reveal", &path, "--yes"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("revealed before (event 2)"), "{again}");
    assert_eq!(head(&path), 2);
}

#[test]
fn without_its_seed_nothing_is_revealed() {
    let folder = scratch();
    let path = founded(folder.path());
    let seed = folder.path().join("trial.seed");
    let moved = folder.path().join("elsewhere.seed");
    fs::rename(&seed, &moved).unwrap();
    let missing = show(&["randomisation", "reveal", &path, "--yes"]);
    assert_eq!(missing.code, 1, "{missing}");
    assert!(missing.err.contains("nothing was revealed"), "{missing}");
    // Another trial's seed is not the one committed to.
    let another = scratch();
    founded(another.path());
    let foreign = show(&[
        "randomisation",
        "reveal",
        &path,
        "--yes",
        "--seed-file",
        &arg(another.path().join("trial.seed")),
    ]);
    assert_eq!(foreign.code, 1, "{foreign}");
    assert_eq!(head(&path), 1);
    assert_eq!(show(&["randomisation", "reveal", &path, "--yes", "--seed-file", &arg(moved)]).code, 0);
}

#[test]
fn every_allocation_of_a_trial_is_proven() {
    let shown = show(&["randomisation", "verify", &ledger()]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.out.contains("74 of 74 allocations are the ones the seed gives"), "{shown}");
    assert!(shown.out.contains("the seed is the one committed to"), "{shown}");
    let told: Value =
        serde_json::from_str(&show(&["randomisation", "verify", &ledger(), "--json"]).out).unwrap();
    assert_eq!((&told["sound"], &told["checked"]), (&true.into(), &74.into()));
    assert!(trial().join("trial.sqlite").exists());
}
