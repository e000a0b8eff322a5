//! `demo`: the same seed gives the same trial, and nothing half-made is left behind.

use std::fs;
use std::path::Path;

use rstest::rstest;

use crate::stage::{Shown, TRIAL_DATA, arg, scratch, show, small_protocol, trial};

fn small(folder: &Path, more: &[&str]) -> Shown {
    let protocol = small_protocol(folder);
    let dir = arg(folder.join("trial"));
    show(&[&["demo", "--protocol", &protocol, "--dir", &dir], more].concat())
}

fn head(shown: &Shown) -> String {
    let line =
        shown.out.lines().find(|line| line.starts_with("ledger ")).expect("it says where the ledger lies");
    let (_, head) = line.split_once("(head ").unwrap();
    assert_eq!(head.len(), 65, "{line}");
    head.to_owned()
}

/// What lies in a folder, but for the side files that `SQLite` keeps while somebody reads.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.retain(|name| !name.ends_with("-wal") && !name.ends_with("-shm"));
    names.sort();
    names
}

const MADE: [&str; 6] =
    ["MADE-BY-DEMO.txt", "checkpoint.jsonl", "report", "trial.key", "trial.seed", "trial.sqlite"];

#[test]
fn shows_the_result_and_what_to_try() {
    let shown = fs::read_to_string(trial().join("shown.txt")).unwrap();
    for word in
        ["SIMULATED DATA", "HR ", "median", "report.html", "trialwright verify ", "trialwright explain "]
    {
        assert!(shown.contains(word), "{word}: {shown}");
    }
}

#[test]
fn says_commands_that_work() {
    let shown = fs::read_to_string(trial().join("shown.txt")).unwrap();
    let commands: Vec<&str> = shown.lines().filter_map(|line| line.strip_prefix("  trialwright ")).collect();
    assert_eq!(commands.len(), 3);
    let out = scratch();
    for command in commands {
        let mut args: Vec<&str> = command.split(' ').collect();
        let out = arg(out.path());
        if args[0] == "report" {
            args.extend(["--out", &out]);
        }
        let shown = show(&args);
        assert_eq!(shown.code, 0, "{shown}");
    }
}

#[test]
fn gives_the_same_trial_for_the_same_seed_alone() {
    let folders = [scratch(), scratch(), scratch()];
    let [one, two, other] =
        [("7", 0), ("7", 1), ("8", 2)].map(|(seed, place)| small(folders[place].path(), &["--seed", seed]));
    assert_eq!(head(&one), head(&two));
    assert_ne!(head(&one), head(&other));
    for folder in &folders {
        assert_eq!(names(&folder.path().join("trial")), MADE);
        let ledger = arg(folder.path().join("trial/trial.sqlite"));
        let checkpoint = arg(folder.path().join("trial/checkpoint.jsonl"));
        let verified = show(&["verify", &ledger, "--checkpoint", &checkpoint]);
        assert_eq!(verified.code, 0, "{verified}");
    }
    let tables = |folder: &Path| {
        names(&folder.join("trial/report/tables"))
            .iter()
            .map(|name| {
                (name.clone(), fs::read_to_string(folder.join("trial/report/tables").join(name)).unwrap())
            })
            .filter(|(name, _)| name != "about.csv")
            .collect::<Vec<_>>()
    };
    assert_eq!(tables(folders[0].path()), tables(folders[1].path()));
}

#[test]
fn replaces_what_it_made_itself() {
    let folder = scratch();
    let first = small(folder.path(), &["--seed", "1"]);
    // As a reader, or a run that was killed, may leave it.
    fs::write(folder.path().join("trial/trial.sqlite-wal"), "of the old ledger").unwrap();
    fs::create_dir(folder.path().join("trial/.making-x")).unwrap();
    let second = small(folder.path(), &["--seed", "2"]);
    assert_eq!(second.code, 0, "{second}");
    assert_ne!(head(&first), head(&second));
    assert_eq!(names(&folder.path().join("trial")), MADE);
    assert_eq!(show(&["verify", &arg(folder.path().join("trial/trial.sqlite"))]).code, 0);
}

#[test]
fn leaves_an_occupied_folder_alone_until_forced() {
    let folder = scratch();
    let dir = folder.path().join("trial");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("thesis.txt"), "mine").unwrap();
    let shown = small(folder.path(), &[]);
    assert_eq!(shown.code, 1);
    assert!(
        shown.err.contains("holds things that `demo` did not make") && shown.err.contains("--force"),
        "{shown}"
    );
    assert_eq!(names(&dir), ["thesis.txt"]);
    assert_eq!(small(folder.path(), &["--force"]).code, 0);
    assert_eq!(fs::read_to_string(dir.join("thesis.txt")).unwrap(), "mine");
    assert_eq!(names(&dir), [&MADE[..3], &["thesis.txt"], &MADE[3..]].concat());
}

#[test]
fn keeps_the_old_trial_where_a_new_one_fails() {
    let folder = scratch();
    let head = head(&small(folder.path(), &[]));
    let dir = arg(folder.path().join("trial"));
    let shown = show(&["demo", "--dir", &dir, "--protocol", &format!("{TRIAL_DATA}/wrong.toml")]);
    assert_eq!(shown.code, 1);
    assert_eq!(names(&folder.path().join("trial")), MADE);
    let verified = show(&["verify", &arg(folder.path().join("trial/trial.sqlite"))]);
    assert!(verified.out.contains(head.trim_end_matches(')')), "{verified}");
}

#[rstest]
#[case("file")]
#[case("file/inside")]
fn says_that_a_file_stands_in_its_way(#[case] dir: &str) {
    let folder = scratch();
    fs::write(folder.path().join("file"), "mine").unwrap();
    let shown = show(&["demo", "--dir", &arg(folder.path().join(dir))]);
    assert_eq!(shown.code, 1);
    assert!(shown.err.contains("a file stands in its way") && shown.err.contains("--dir"), "{shown}");
    assert_eq!(fs::read_to_string(folder.path().join("file")).unwrap(), "mine");
}

/// The superuser may write anywhere, so that for it there is no such folder.
#[cfg(unix)]
#[test]
fn says_that_a_folder_takes_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let folder = scratch();
    let dir = folder.path().join("shut");
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o555)).unwrap();
    let superuser = fs::write(dir.join("try"), "").is_ok();
    let shown =
        show(&["demo", "--dir", &arg(dir.join("inside")), "--protocol", &small_protocol(folder.path())]);
    if superuser {
        assert_eq!(shown.code, 0, "{shown}");
    } else {
        assert_eq!(shown.code, 1, "{shown}");
        assert!(shown.err.contains("permission denied"), "{shown}");
        assert!(names(&dir).is_empty());
    }
}

#[test]
fn runs_another_shipped_trial() {
    let folder = scratch();
    let dir = arg(folder.path().join("a trial"));
    let shown = show(&["demo", "--protocol", "stop", "--dir", &dir]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.out.starts_with("STOP, simulated with seed 2025: "), "{shown}");
    assert!(shown.out.contains(&format!("trialwright explain '{dir}/trial.sqlite'")), "{shown}");
}
