//! The documents of a trial on the command line: names, what is refused, and that nothing is written over.

use std::fs;

use rstest::rstest;

use crate::stage::{arg, ledger, scratch, show, trialwright};

#[rstest]
#[case(&["plan", "avatar-ii"], "avatar-ii-statistical-analysis-plan.html", "Statistical analysis plan")]
#[case(&["plan", "stop", "--restricted"], "stop-statistical-analysis-plan-restricted.html", "RESTRICTED")]
#[case(&["synopsis", "avatar-ii"], "avatar-ii-synopsis.html", "Protocol synopsis")]
#[case(&["schedule", "stop"], "stop-schedule-of-assessments.html", "Schedule of assessments")]
#[case(&["forms", "avatar-ii"], "avatar-ii-case-report-forms.html", "Case report forms")]
#[case(&["forms", "avatar-ii", "--annotated"], "avatar-ii-case-report-forms-annotated.html", "DM.SEX")]
fn goes_to_a_file_of_its_own_name(#[case] args: &[&str], #[case] name: &str, #[case] holds: &str) {
    let folder = scratch();
    let run = || trialwright(&[&["document"], args].concat()).current_dir(folder.path()).output().unwrap();
    let first = run();
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    assert_eq!(String::from_utf8(first.stdout).unwrap().trim(), name);
    let page = fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(page.contains(holds), "{holds}");
    // A second time nothing is written over.
    fs::write(folder.path().join(name), "mine").unwrap();
    let again = run();
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8(again.stderr).unwrap().contains("is there already"));
    assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), "mine");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something was left behind");
}

#[test]
fn writes_over_where_it_is_told_to() {
    let folder = scratch();
    let file = arg(folder.path().join("plan.html"));
    fs::write(&file, "mine").unwrap();
    let shown = show(&["document", "plan", "stop", "--out", &file, "--force"]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(fs::read_to_string(&file).unwrap().contains("STOP"));
}

#[test]
fn shows_a_subjects_forms() {
    let folder = scratch();
    let file = arg(folder.path().join("filled.html"));
    let shown = show(&["document", "forms", "--ledger", &ledger(), "--subject", "01-001", "--out", &file]);
    assert_eq!(shown.code, 0, "{shown}");
    let page = fs::read_to_string(&file).unwrap();
    for word in ["SIMULATED DATA", "Case report forms of subject 01-001", "Entered by ", "Randomised to arm "]
    {
        assert!(page.contains(word), "{word}");
    }
    let early = show(&[
        "document",
        "forms",
        "--ledger",
        &ledger(),
        "--subject",
        "01-001",
        "--as-of",
        "2025-04-30",
        "--out",
        &file,
        "--force",
    ]);
    assert_eq!(early.code, 1);
    assert!(early.err.contains("knows no subject 01-001 by then"), "{early}");
}

#[rstest]
#[case(&["plan", "stop", "--out", "plan.docx"], "what format is meant?")]
#[case(&["forms"], "PROTOCOL")]
#[case(&["forms", "--ledger", "x.sqlite"], "--subject")]
#[case(&["forms", "stop", "--subject", "01-001"], "--subject")]
fn a_wrong_command_line_is_told(#[case] args: &[&str], #[case] says: &str) {
    let shown = show(&[&["document"], args].concat());
    assert_eq!(shown.code, 2, "{shown}");
    assert!(shown.err.contains(says), "{shown}");
}

/// Every variable that an annotated form names is one of that domain of SDTM.
#[rstest]
fn annotations_name_variables_that_exist(#[values("avatar-ii", "stop")] protocol: &str) {
    let folder = scratch();
    let file = arg(folder.path().join("forms.html"));
    assert_eq!(show(&["document", "forms", protocol, "--annotated", "--out", &file]).code, 0);
    let page = fs::read_to_string(&file).unwrap();
    let mut seen = 0;
    for names in page.split("<td class=\"names\">").skip(1).map(|cell| cell.split("</td>").next().unwrap()) {
        let names = names.split("<br>").nth(1).unwrap();
        for (domain, variable) in names.split([' ', ';', '(', ')']).filter_map(|word| word.split_once('.')) {
            let set = exchange::layout::sdtm().iter().find(|set| set.name == domain);
            let known = if domain.starts_with("SUPP") {
                variable == "QVAL"
            } else {
                set.is_some_and(|set| set.variable(variable).is_some())
            };
            assert!(known, "{names}");
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}
