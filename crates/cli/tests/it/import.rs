//! `import`: a trial captured elsewhere becomes a ledger that verifies and reports the same, or nothing at all.

use std::fs;

use serde_json::Value;

use crate::stage::{SDTM, arg, scratch, show};

#[test]
fn a_ledger_reports_what_its_directory_does() {
    let folder = scratch();
    let ledger = arg(folder.path().join("imported.sqlite"));
    let shown = show(&["import", SDTM, "--ledger", &ledger]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.err.contains("tr.csv") && shown.out.contains("trialwright report"), "{shown}");
    assert_eq!(show(&["verify", &ledger]).code, 0);
    let results = |source: &str| -> Value {
        let shown = show(&["report", source, "--json"]);
        assert_eq!(shown.code, 0, "{shown}");
        serde_json::from_str(&shown.out).unwrap()
    };
    let (of_ledger, of_directory) = (results(&ledger), results(SDTM));
    for part in ["flow", "baseline", "analyses", "safety"] {
        assert_eq!(of_ledger[part], of_directory[part], "{part}");
    }
    assert!(of_ledger["analyses"].as_array().is_some_and(|analyses| !analyses.is_empty()));
    // Never over what is there.
    let again = show(&["import", SDTM, "--ledger", &ledger]);
    assert_eq!(again.code, 1, "{again}");
}

#[test]
fn faulty_data_sets_leave_no_ledger() {
    let folder = scratch();
    let data = folder.path().join("sdtm");
    fs::create_dir(&data).unwrap();
    for entry in fs::read_dir(SDTM).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, data.join(path.file_name().unwrap())).unwrap();
    }
    fs::write(data.join("ae.csv"), "DOMAIN,USUBJID,AETERM\nAE,nobody,Nausea\n").unwrap();
    let ledger = folder.path().join("imported.sqlite");
    let shown = show(&["import", &arg(&data), "--ledger", &arg(&ledger)]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(shown.err.contains("ae.csv, row 2, column USUBJID"), "{shown}");
    assert!(!ledger.exists());
}
