//! What every test stands on: the program, a scratch folder, and one virtual trial made once.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use assert_cmd::Command;
use tempfile::TempDir;

/// The third-party extract, from the crate's folder.
pub const SDTM: &str = "../../examples/sdtm-oncology";
/// Files that the crate `trial` is tested with.
pub const TRIAL_DATA: &str = "../trial/tests/data";

/// The program, to be run in the crate's folder, whatever the environment says of colours and widths.
pub fn trialwright<S: AsRef<str>>(args: &[S]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("trialwright"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    for name in ["NO_COLOR", "COLUMNS", "CLICOLOR_FORCE", "RUST_BACKTRACE"] {
        command.env_remove(name);
    }
    command.args(args.iter().map(AsRef::as_ref));
    command
}

/// What a run showed, for a snapshot.
pub struct Shown {
    pub args: String,
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Shown {
    /// The same with a scratch folder's name taken out.
    pub fn without(self, folder: &Path) -> Self {
        let known = [folder.canonicalize().unwrap().display().to_string(), folder.display().to_string()];
        let clean = |text: String| known.iter().fold(text, |text, name| text.replace(name.as_str(), "[DIR]"));
        Self { args: clean(self.args), code: self.code, out: clean(self.out), err: clean(self.err) }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ trialwright {}\nexit code {}", self.args, self.code)?;
        for (name, text) in [("output", &self.out), ("errors", &self.err)] {
            if !text.is_empty() {
                writeln!(f, "--- {name}\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}

/// Runs the program to its end.
pub fn show<S: AsRef<str>>(args: &[S]) -> Shown {
    let output = trialwright(args).output().unwrap();
    Shown {
        args: args.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" "),
        code: output.status.code().expect("it was not killed"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A scratch folder that goes with its test.
pub fn scratch() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A path as an argument.
pub fn arg(path: impl AsRef<Path>) -> String {
    path.as_ref().to_str().unwrap().to_owned()
}

/// The folder of the shared virtual trial. Only read it: other tests do.
pub fn trial() -> &'static Path {
    static TRIAL: OnceLock<PathBuf> = OnceLock::new();
    TRIAL.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shared-trial");
        let _ = std::fs::remove_dir_all(&folder);
        let shown = show(&["demo", "--dir", &arg(&folder)]);
        assert_eq!(shown.code, 0, "{shown}");
        std::fs::write(folder.join("shown.txt"), shown.out).unwrap();
        folder
    })
}

/// The ledger of the shared virtual trial.
pub fn ledger() -> String {
    arg(trial().join("trial.sqlite"))
}

/// The shipped protocol cut down to a few participants, so that a trial of it is made quickly.
pub fn small_protocol(folder: &Path) -> String {
    let mut text = std::fs::read_to_string("../../protocols/avatar-ii.toml").unwrap();
    // So large an effect that Schoenfeld's formula asks for 6 events.
    for (whole, small) in [
        ("participants = 74", "participants = 12"),
        ("hazard_ratio = 0.5", "hazard_ratio = 0.1"),
        ("events = 66", "events = 6"),
    ] {
        assert!(text.contains(whole), "{whole}");
        text = text.replacen(whole, small, 1);
    }
    let file = folder.join("small.toml");
    std::fs::write(&file, text).unwrap();
    arg(file)
}
