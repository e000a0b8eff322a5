//! `user` and `restore`: what the operator of a server does by hand.

use std::path::Path;

use rstest::rstest;
use serde_json::Value;

use crate::stage::{Shown, arg, ledger, scratch, show, small_protocol, trialwright};

const PASSWORD: &str = "violet anchors hum quietly 47";

/// A trial founded and nothing more.
fn founded(folder: &Path) -> String {
    let path = arg(folder.join("trial.sqlite"));
    let shown = show(&["found", &small_protocol(folder), "--ledger", &path]);
    assert_eq!(shown.code, 0, "{shown}");
    path
}

/// Runs the program with this on its standard input.
fn told(args: &[&str], input: &str) -> Shown {
    let output = trialwright(args).write_stdin(input).output().unwrap();
    Shown {
        args: args.join(" "),
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn add<'a>(ledger: &'a str, user: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    let start =
        ["user", "add", user, "--name", "Jo Smith", "--email", "jo@hospital.example", "--ledger", ledger];
    start.into_iter().chain(rest.iter().copied()).collect()
}

#[test]
fn adds_lists_and_mends_accounts() {
    let folder = scratch();
    let ledger = founded(folder.path());
    let shown = told(&add(&ledger, "Jo.Smith", &["--role", "trial-office"]), &format!("{PASSWORD}\n"));
    assert_eq!(shown.code, 0, "{shown}");
    assert!(!shown.out.contains(PASSWORD) && !shown.err.contains(PASSWORD), "{shown}");
    let listed = show(&["user", "list", "--ledger", &ledger, "--json"]);
    let users: Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!(users[0]["name"], "jo.smith", "{listed}");
    assert!(!listed.out.contains("argon2"), "{listed}");
    // The role is in the ledger, under the name that logs in.
    let trail = show(&["export-audit", &ledger, "--json"]);
    assert!(trail.out.contains("jo.smith") && trail.out.contains("user_changed"), "{trail}");
    for done in [
        told(&["user", "password", "jo.smith", "--ledger", &ledger], "another violet anchor hums 48\n"),
        show(&["user", "unlock", "jo.smith", "--ledger", &ledger]),
        show(&["user", "disable", "jo.smith", "--ledger", &ledger]),
    ] {
        assert_eq!(done.code, 0, "{done}");
    }
    let listed = show(&["user", "list", "--ledger", &ledger]);
    assert!(listed.out.contains("closed"), "{listed}");
}

#[rstest]
#[case::weak("trial-office", "", "password", "secret")]
#[case::nothing_typed("trial-office", "", "no password", "")]
#[case::site_needed("investigator", "", "this role is at a site", PASSWORD)]
#[case::site_too_many("trial-office", "01", "this role is for all sites", PASSWORD)]
#[case::no_such_site("investigator", "77", "no site 77", PASSWORD)]
fn refuses_what_cannot_be_and_leaves_nothing(
    #[case] role: &str,
    #[case] site: &str,
    #[case] says: &str,
    #[case] typed: &str,
) {
    let folder = scratch();
    let ledger = founded(folder.path());
    let mut rest = vec!["--role", role];
    if !site.is_empty() {
        rest.extend(["--site", site]);
    }
    let shown = told(&add(&ledger, "jo", &rest), &format!("{typed}\n"));
    assert!(shown.code != 0 && shown.err.contains(says), "{shown}");
    let trail = show(&["export-audit", &ledger, "--json"]);
    assert!(!trail.out.contains("\"jo\""), "{trail}");
    let people = folder.path().join("people.sqlite");
    if people.exists() {
        let listed = show(&["user", "list", "--ledger", &ledger, "--json"]);
        assert_eq!(listed.out.trim(), "[]", "{listed}");
    }
}

#[test]
fn restores_a_backup_to_the_same_head_and_never_over_a_ledger() {
    let folder = scratch();
    let [copy, again] = ["copy.sqlite", "again.sqlite"].map(|name| arg(folder.path().join(name)));
    let backed = show(&["backup", &ledger(), &copy, "--json"]);
    assert_eq!(backed.code, 0, "{backed}");
    let restored = show(&["restore", &copy, &again, "--json"]);
    assert_eq!(restored.code, 0, "{restored}");
    let head = |shown: &Shown| serde_json::from_str::<Value>(&shown.out).unwrap()["head"].clone();
    assert_eq!(head(&backed), head(&restored));
    assert_eq!(show(&["verify", &again]).code, 0);
    let over = show(&["restore", &copy, &again]);
    assert!(over.code == 1 && over.err.contains("again.sqlite"), "{over}");
}

#[test]
fn copies_the_accounts_too_where_it_is_asked_to() {
    let folder = scratch();
    let ledger = founded(folder.path());
    let [copy, people, third] =
        ["copy.sqlite", "people copy.sqlite", "third.sqlite"].map(|name| arg(folder.path().join(name)));
    let none = show(&["backup", &ledger, &copy, "--people-to", &people]);
    assert!(none.code == 1 && none.err.contains("there are no accounts"), "{none}");
    assert!(!Path::new(&copy).exists() && !Path::new(&people).exists(), "half a backup was made");
    let added = told(&add(&ledger, "jo", &["--role", "trial-office"]), &format!("{PASSWORD}\n"));
    assert_eq!(added.code, 0, "{added}");
    let shown = show(&["backup", &ledger, &copy, "--people-to", &people]);
    assert!(shown.code == 0 && shown.out.contains("people copy.sqlite: the accounts"), "{shown}");
    let listed = show(&["user", "list", "--ledger", &copy, "--people", &people]);
    assert!(listed.out.contains("Jo Smith"), "{listed}");
    let over = show(&["backup", &ledger, &third, "--people-to", &people]);
    assert!(over.code == 1 && over.err.contains("people copy.sqlite"), "{over}");
}

#[test]
fn takes_the_second_factors_away_where_their_key_is_lost() {
    let folder = scratch();
    let ledger = founded(folder.path());
    let none = show(&["user", "forget-key", "--ledger", &ledger]);
    assert!(none.code == 1 && none.err.contains("there are no accounts"), "{none}");
    let added = told(&add(&ledger, "jo", &["--role", "trial-office"]), &format!("{PASSWORD}\n"));
    assert_eq!(added.code, 0, "{added}");
    let shown = show(&["user", "forget-key", "--ledger", &ledger]);
    assert!(shown.code == 0 && shown.out.contains("every second factor is gone"), "{shown}");
}

#[test]
fn restores_nothing_from_an_altered_backup() {
    let folder = scratch();
    let [copy, again] = ["copy.sqlite", "again.sqlite"].map(|name| arg(folder.path().join(name)));
    assert_eq!(show(&["backup", &ledger(), &copy]).code, 0);
    let mut bytes = std::fs::read(&copy).unwrap();
    let place = bytes.windows(14).position(|window| window == b"subject_screen").expect("an event's kind");
    bytes[place] ^= 1;
    std::fs::write(&copy, bytes).unwrap();
    let shown = show(&["restore", &copy, &again]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(!Path::new(&again).exists());
}
