//! Help: every command says what it does, what it takes, and shows examples.

use rstest::rstest;

use crate::stage::show;

#[test]
fn of_the_program() {
    insta::assert_snapshot!("help", show(&["--help"]));
}

#[rstest]
fn of_a_command(
    #[values(
        "check",
        "schema",
        "demo",
        "report",
        "diff",
        "document",
        "verify",
        "checkpoint",
        "backup",
        "bundle",
        "explain",
        "export",
        "export-audit",
        "fhir",
        "import",
        "init",
        "odm",
        "registry-results",
        "recist",
        "factb",
        "completions",
        "adopt",
        "randomisation",
        "found",
        "serve",
        "restore",
        "user"
    )]
    command: &str,
) {
    let shown = show(&[command, "--help"]);
    assert_eq!(shown.code, 0);
    assert!(shown.out.contains("Example"), "{shown}");
    insta::assert_snapshot!(format!("help_{command}"), shown);
}

#[test]
fn without_a_command_shows_help_as_an_error() {
    let shown = show::<&str>(&[]);
    assert_eq!(shown.code, 2);
    assert!(shown.out.is_empty() && shown.err.contains("Usage: trialwright <COMMAND>"), "{shown}");
}

#[rstest]
#[case("bash")]
#[case("zsh")]
#[case("fish")]
fn completions_know_every_command(#[case] shell: &str) {
    let shown = show(&["completions", shell]);
    assert_eq!(shown.code, 0);
    for command in ["check", "demo", "report", "verify", "checkpoint", "backup", "explain", "recist", "factb"]
    {
        assert!(shown.out.contains(command), "{command}");
    }
    assert!(shown.out.contains("as-of"), "options too");
}
