//! A reader that has enough: the program ends quietly, and still says by its exit code what it found.

use std::io::Read;
use std::process::{Command, Stdio};

use rstest::rstest;

use crate::stage::{SDTM, TRIAL_DATA, ledger};

/// Runs `line` with its output closed. Gives the exit code and what it said on standard error.
fn unheard(line: &str) -> (i32, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("trialwright"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.args(line.split_whitespace().map(|word| match word {
        "LEDGER" => ledger(),
        word => word.replace("SDTM", SDTM).replace("DATA", TRIAL_DATA),
    }));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code().expect("it was not killed"), said)
}

#[rstest]
#[case("check avatar-ii")]
#[case("check avatar-ii --against stop")]
#[case("check avatar-ii --print")]
#[case("schema")]
#[case("report LEDGER --json")]
#[case("verify LEDGER")]
#[case("explain LEDGER")]
#[case("explain LEDGER 01-001 --json")]
#[case("recist SDTM --json")]
#[case("recist SDTM")]
#[case("factb DATA/factb_answers.csv")]
#[case("factb DATA/factb_answers.csv --json")]
#[case("completions bash")]
#[case("completions zsh")]
#[case("--help")]
fn ends_quietly(#[case] line: &str) {
    let (code, said) = unheard(line);
    assert_eq!(code, 0, "{said}");
    assert!(!said.contains("panicked") && !said.contains("error"), "{said}");
}

#[rstest]
#[case("check DATA/wrong.toml --json")]
#[case("check DATA/wrong.toml")]
fn tells_a_fault_to_nobody(#[case] line: &str) {
    let (code, said) = unheard(line);
    assert_eq!(code, 1, "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn an_altered_ledger_stays_altered() {
    let folder = crate::stage::scratch();
    let path = folder.path().join("altered.sqlite");
    let mut bytes = std::fs::read(ledger()).unwrap();
    let place = bytes.windows(7).position(|window| window == b"RFICDAT").unwrap();
    bytes[place] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let (code, said) = unheard(&format!("verify {}", path.display()));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("was altered"), "{said}");
}
