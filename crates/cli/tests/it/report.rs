//! `report`: what it writes and where, and what it does with what is no ledger.

use std::fs;
use std::path::Path;

use rstest::rstest;
use serde_json::Value;

use crate::stage::{SDTM, arg, ledger, scratch, show, trial, trialwright};

/// Every file under a folder, by its path in it.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(arg(path.strip_prefix(folder).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn lists_all_that_it_wrote() {
    let report = trial().join("report");
    let mut listed: Vec<String> =
        fs::read_to_string(report.join("contents.txt")).unwrap().lines().map(str::to_owned).collect();
    listed.push("contents.txt".into());
    listed.sort();
    assert_eq!(files(&report), listed);
    for name in ["report.html", "report.pdf", "results.json", "tables/flow.csv", "figures/swimmer.svg"] {
        assert!(listed.iter().any(|file| file == name), "{name}");
    }
}

/// What the files are is proved where they are made and by `scripts/pdf-valid.sh`; here, that each is what it is called.
#[test]
fn writes_the_formats_that_are_asked_for() {
    let folder = scratch();
    let out = folder.path().join("out");
    let begins = |ending: &str, with: &[u8]| {
        let written = files(&out).into_iter().filter(|name| name.ends_with(ending));
        let read = written.map(|name| fs::read(out.join(name)).unwrap());
        read.map(|bytes| assert!(bytes.starts_with(with), "{ending}")).count()
    };
    let args = ["report", SDTM, "--draft", "--figures", "pdf,png", "--tables", "docx", "--out"];
    assert_eq!(show(&[&args[..], &[&arg(&out)]].concat()).code, 0);
    let (papers, figures, tables) =
        (begins(".pdf", b"%PDF-1.7"), begins(".png", b"\x89PNG"), begins(".docx", b"PK"));
    assert!(figures > 5 && tables > 10, "{figures} figures, {tables} tables");
    assert_eq!((papers, begins(".svg", b""), begins(".csv", b"")), (figures + 1, 0, 0));
    // Nothing of that report is taken for the next one's.
    assert_eq!(show(&["report", SDTM, "--no-pdf", "--out", &arg(&out)]).code, 0);
    assert_eq!((begins(".pdf", b""), begins(".png", b""), begins(".docx", b"")), (0, 0, 0));
    assert!(begins(".svg", b"<svg") == figures && begins(".csv", b"") > 10);
}

#[test]
fn takes_the_tables_of_an_older_report_away() {
    let folder = scratch();
    let out = folder.path().join("out");
    fs::create_dir_all(out.join("tables")).unwrap();
    fs::write(folder.path().join("outside.csv"), "mine").unwrap();
    fs::write(out.join("tables/old.csv"), "old").unwrap();
    fs::write(out.join("tables/mine.csv"), "mine").unwrap();
    fs::write(
        out.join("contents.txt"),
        "tables/old.csv\ntables/../../outside.csv\n../outside.csv\nreport.html\n",
    )
    .unwrap();
    let shown = show(&["report", SDTM, "--out", &arg(&out)]);
    assert_eq!(shown.code, 0, "{shown}");
    let files = files(folder.path());
    assert!(!files.contains(&"out/tables/old.csv".to_owned()));
    for kept in ["outside.csv", "out/tables/mine.csv", "out/report.html"] {
        assert!(files.contains(&kept.to_owned()), "{kept} is gone");
    }
    assert!(!files.iter().any(|file| file.contains(".making-")));
}

#[test]
fn reports_an_sdtm_directory() {
    let folder = scratch();
    let out = arg(folder.path().join("out"));
    insta::assert_snapshot!(show(&["report", SDTM, "--out", &out]).without(folder.path()));
}

#[rstest]
#[case(&[], "sdtm-report")]
#[case(&["--cut", "2013-06-01"], "sdtm-report-cut-2013-06-01")]
fn puts_sdtm_where_one_stands(#[case] more: &[&str], #[case] name: &str) {
    let folder = scratch();
    let sdtm = arg(Path::new(SDTM).canonicalize().unwrap());
    let mut command = trialwright(&[&["report", sdtm.as_str()], more].concat());
    command.current_dir(folder.path()).assert().success();
    assert!(folder.path().join(name).join("report.html").exists());
}

#[test]
fn puts_a_cut_beside_the_whole() {
    let folder = scratch();
    let copy = arg(folder.path().join("trial.sqlite"));
    assert_eq!(show(&["backup", &ledger(), &copy]).code, 0);
    let shown = show(&["report", &copy, "--as-of", "2026-12-31", "--cut", "2026-06-30"]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(folder.path().join("report-as-of-2026-12-31-cut-2026-06-30/report.html").exists());
    assert!(!folder.path().join("report").exists());
}

/// A report of a moment is that of the ledger as it stood: fewer facts, never others.
#[test]
fn cuts_by_either_clock() {
    let randomised = |more: &[&str]| -> u64 {
        let ledger = ledger();
        let shown = show(&[&["report", ledger.as_str(), "--json"], more].concat());
        let results: Value = serde_json::from_str(&shown.out).unwrap();
        results["flow"]["randomised"].as_u64().unwrap()
    };
    let whole = randomised(&[]);
    assert_eq!(whole, 74);
    for clock in ["--as-of", "--cut"] {
        let early = randomised(&[clock, "2026-01-31"]);
        assert!(0 < early && early < whole, "{clock}: {early}");
    }
}

#[test]
fn says_that_a_cut_was_too_early() {
    let folder = scratch();
    let out = arg(folder.path().join("out"));
    let before = show(&["report", &ledger(), "--out", &out, "--as-of", "2001-01-01"]);
    assert_eq!(before.code, 1);
    assert!(
        before.err.contains("held no protocol yet at 2001-01-01") && before.err.contains("--as-of 20"),
        "{before}"
    );
    assert!(!folder.path().join("out").exists());
    let nobody = show(&["report", &ledger(), "--out", &out, "--cut", "2001-01-01"]);
    assert_eq!(nobody.code, 0);
    assert!(nobody.out.contains("Nobody was randomised by then"), "{nobody}");
}

#[test]
fn says_what_is_no_source() {
    let folder = scratch();
    let text_file = folder.path().join("notes.txt");
    fs::write(&text_file, "notes").unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    fs::create_dir(folder.path().join("trial")).unwrap();
    fs::write(folder.path().join("trial/trial.sqlite"), "").unwrap();
    let mut text = String::new();
    for source in
        [folder.path().join("missing"), text_file, folder.path().join("empty"), folder.path().join("trial")]
    {
        text += &format!("{}\n", show(&["report", &arg(source)]).without(folder.path()));
    }
    text += &show(&["report", SDTM, "--as-of", "2013-06-01"]).to_string();
    insta::assert_snapshot!(text);
    assert_eq!(files(folder.path()), ["notes.txt", "trial/trial.sqlite"]);
}

#[test]
fn writes_over_no_file() {
    let folder = scratch();
    let out = folder.path().join("out");
    fs::write(&out, "mine").unwrap();
    let shown = show(&["report", SDTM, "--out", &arg(&out)]);
    assert_eq!(shown.code, 1);
    assert!(shown.err.contains("is a file, and a report is a folder"), "{shown}");
    assert_eq!(fs::read_to_string(&out).unwrap(), "mine");
}
