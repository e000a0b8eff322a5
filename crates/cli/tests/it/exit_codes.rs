//! The table of exit codes: 0 done, 1 something is wrong, 2 the command line is wrong.

use rstest::rstest;

use crate::stage::{SDTM, TRIAL_DATA, ledger, scratch, show};

/// `LEDGER`, `SDTM`, `DATA` and `NEW` stand for a sound ledger, an SDTM directory, test data and a name not taken yet.
#[rstest]
#[case(0, "--help")]
#[case(0, "--version")]
#[case(0, "check avatar-ii")]
#[case(0, "check avatar-ii --against stop")]
#[case(0, "schema")]
#[case(0, "verify LEDGER")]
#[case(0, "verify LEDGER --json")]
#[case(0, "backup LEDGER NEW")]
#[case(0, "explain LEDGER")]
#[case(0, "explain LEDGER 01-001")]
#[case(0, "report LEDGER --json")]
#[case(0, "recist SDTM")]
#[case(0, "recist SDTM --json --disagreements")]
#[case(0, "factb DATA/factb_answers.csv")]
#[case(0, "completions fish")]
#[case(1, "check NEW")]
#[case(1, "check DATA")]
#[case(1, "check DATA/wrong.toml")]
#[case(1, "check DATA/wrong.toml --json")]
#[case(1, "check avatar-ii --against DATA/broken.toml")]
#[case(1, "demo --protocol DATA/wrong.toml --dir NEW")]
#[case(1, "verify NEW")]
#[case(1, "verify SDTM")]
#[case(1, "verify LEDGER --checkpoint NEW")]
#[case(1, "verify LEDGER --checkpoint SDTM/dm.csv")]
#[case(1, "checkpoint NEW")]
#[case(1, "backup NEW NEW")]
#[case(1, "backup LEDGER LEDGER")]
#[case(1, "explain NEW")]
#[case(1, "explain LEDGER 99-999")]
#[case(1, "explain LEDGER --as-of 2001-01-01")]
#[case(1, "report NEW")]
#[case(1, "report SDTM/dm.csv")]
#[case(1, "report DATA")]
#[case(1, "report LEDGER --as-of 2001-01-01")]
#[case(1, "recist NEW")]
#[case(1, "recist DATA")]
#[case(1, "recist SDTM --subject nobody")]
#[case(1, "recist SDTM --reader nobody")]
#[case(1, "factb NEW")]
#[case(1, "factb DATA")]
#[case(1, "factb SDTM/dm.csv")]
#[case(2, "")]
#[case(2, "chekc avatar-ii")]
#[case(2, "check")]
#[case(2, "check avatar-ii --print --json")]
#[case(2, "demo --seed -1")]
#[case(2, "demo --sites 0")]
#[case(2, "report")]
#[case(2, "report LEDGER --as-of soon")]
#[case(2, "report LEDGER --cut 2027-13-01")]
#[case(2, "report LEDGER --json --out NEW")]
#[case(2, "report SDTM --as-of 2027-01-31")]
#[case(2, "verify LEDGER --trusted-key abc")]
#[case(2, "explain LEDGER --events")]
#[case(2, "completions sh")]
fn is(#[case] code: i32, #[case] line: &str) {
    let folder = scratch();
    let put = |word: &str| {
        let new = folder.path().join("new").display().to_string();
        let known =
            [("LEDGER", ledger as fn() -> String), ("SDTM", || SDTM.into()), ("DATA", || TRIAL_DATA.into())];
        let found = known.iter().find(|(name, _)| word.starts_with(name));
        found.map_or_else(|| word.replace("NEW", &new), |(name, value)| word.replacen(name, &value(), 1))
    };
    let args: Vec<String> = line.split_whitespace().map(put).collect();
    let shown = show(&args);
    assert_eq!(shown.code, code, "{shown}");
    // Faults asked for as JSON go to standard output, and a bare call is answered with help.
    let said_elsewhere = line.is_empty() || (code == 1 && line.ends_with("--json"));
    assert_eq!(shown.err.contains("error"), code != 0 && !said_elsewhere, "{shown}");
    assert!(!shown.err.contains("panicked"), "{shown}");
    if code != 0 {
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it left something behind");
    }
}
