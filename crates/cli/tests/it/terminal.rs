//! Colours and progress bars on a terminal, and only there.

use crate::stage::{SDTM, TRIAL_DATA, show};

#[test]
fn a_pipe_gets_neither() {
    for args in
        [&["check", &format!("{TRIAL_DATA}/wrong.toml")][..], &["verify", "nowhere"], &["recist", SDTM]]
    {
        let shown = show(args);
        assert!(!shown.out.contains('\x1b') && !shown.err.contains('\x1b'), "{shown}");
    }
}

/// `script` of util-linux is a terminal for the program it runs.
#[cfg(target_os = "linux")]
mod on_a_terminal {
    use std::process::{Command, Stdio};

    use super::*;

    fn seen(args: &str, environment: &[(&str, &str)]) -> String {
        let program = assert_cmd::cargo::cargo_bin!("trialwright");
        let mut command = Command::new("script");
        command.args(["-qec", &format!("'{}' {args}", program.display()), "/dev/null"]);
        command
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::null())
            .env("TERM", "xterm")
            .env_remove("NO_COLOR");
        command.envs(environment.iter().copied());
        let output = command.output().expect("`script` of util-linux is there");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    #[test]
    fn faults_are_coloured() {
        let args = format!("check {TRIAL_DATA}/wrong.toml");
        assert!(seen(&args, &[]).contains("\x1b[31m"));
        assert!(seen("verify nowhere", &[]).contains("\x1b[1;31merror\x1b[0m: nowhere"));
    }

    #[test]
    fn unless_nobody_wants_them() {
        for environment in [("NO_COLOR", "1"), ("TERM", "dumb")] {
            let said = seen(&format!("check {TRIAL_DATA}/wrong.toml"), &[environment]);
            assert!(said.contains("faults; the protocol is refused"), "{said}");
            assert!(!said.contains('\x1b'), "{environment:?}");
        }
        assert!(seen("verify nowhere", &[("NO_COLOR", "")]).contains("\x1b[1;31m"), "empty asks for nothing");
    }

    #[test]
    fn long_work_shows_how_far_it_is() {
        let said = seen(&format!("recist {SDTM}"), &[]);
        assert!(said.contains("judging") && said.contains("100 %"), "{said}");
    }
}
