//! A virtual trial on disk: a folder for it, and one inside in which it is played before it is moved into its place.
//!
//! Never leaves half a trial, and never replaces what another command, or somebody, has made.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ledger::Ledger;
use simulate::{Outcome, SimulationOptions};
use tempfile::TempDir;

use crate::output::{Failure, progress, wait};

/// The ledger's name.
pub const LEDGER: &str = "trial.sqlite";
/// How the names of folders begin in which a trial is being made.
const MAKING: &str = ".making-";

/// Who makes trials in folders.
pub struct Maker {
    /// The command.
    pub command: &'static str,
    /// The file that says of a folder that the command made it, and may make it anew.
    pub mark: &'static str,
    /// What stands in that file after who made the folder.
    pub notice: &'static str,
    /// What it puts into its folder beside the ledger.
    pub beside: &'static [&'static str],
    /// What `--force` replaces, in words.
    pub replaced: &'static str,
}

/// A folder for a trial, and one inside it in which the trial is made.
pub struct Room {
    maker: &'static Maker,
    folder: PathBuf,
    making: TempDir,
    /// Whether the folder is new, and goes again when nothing comes of it.
    new: bool,
}

impl Room {
    /// An empty folder, one that `maker` made before, or any with `force`.
    pub fn take(maker: &'static Maker, folder: &Path, force: bool) -> Result<Self, Failure> {
        let at = folder.display();
        let cannot = |wrong: std::io::Error| {
            let why = match wrong.kind() {
                ErrorKind::AlreadyExists | ErrorKind::NotADirectory => "a file stands in its way".to_owned(),
                kind => kind.to_string(),
            };
            Failure::new(format!("cannot make a trial in {at}: {why}")).hint("another folder with --dir")
        };
        let new = !folder.exists();
        fs::create_dir_all(folder).map_err(cannot)?;
        let known = folder.join(maker.mark).exists();
        let mut occupied = false;
        for entry in fs::read_dir(folder).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            if entry.file_name().to_string_lossy().starts_with(MAKING) {
                // Left by a run that was killed; it was never whole.
                let _ = fs::remove_dir_all(entry.path());
            } else {
                occupied = true;
            }
        }
        if occupied && !known && !force {
            return Err(Failure::new(format!("{at} holds things that `{}` did not make", maker.command))
                .hint(format!(
                    "another folder with --dir, or --force to replace the {} in it",
                    maker.replaced
                )));
        }
        let making = tempfile::Builder::new().prefix(MAKING).tempdir_in(folder).map_err(cannot)?;
        Ok(Self { maker, folder: folder.to_owned(), making, new })
    }

    /// Plays a trial, and does with its outcome what else is to be done before its ledger is closed; `finish` is handed where the ledger is.
    pub fn play(
        &self,
        simulation: &SimulationOptions,
        finish: impl AsyncFnOnce(&Outcome, &Path) -> Result<(), Failure>,
    ) -> Result<Outcome, Failure> {
        let at = self.making.path().join(LEDGER);
        let bar = progress(1000, "simulating");
        let outcome = wait(async {
            let ledger = Ledger::create(&at).await?;
            let outcome = simulate::run(simulation, ledger, &mut |step| {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                // `done` lies between 0 and 1
                bar.set_position((step.done * 1000.0) as u64);
            })
            .await?;
            finish(&outcome, &at).await?;
            // Its side files go when the last connection does, and then the ledger can be moved.
            outcome.office.ledger().clone().close().await;
            Ok::<_, Failure>(outcome)
        })?;
        bar.finish_and_clear();
        Ok(outcome)
    }

    /// Puts the trial, now whole, into its place: the ledger last, since it is what others open. Gives its ledger.
    pub fn furnish(mut self) -> Result<PathBuf, Failure> {
        let cannot = |name: &str, wrong: std::io::Error| {
            Failure::new(format!("cannot write {}: {wrong}", self.folder.join(name).display()))
                .hint("another folder with --dir")
        };
        // The side files of the old ledger would be taken for the new one's.
        for name in [LEDGER, "trial.sqlite-wal", "trial.sqlite-shm"] {
            remove(&self.folder.join(name)).map_err(|wrong| cannot(name, wrong))?;
        }
        for &name in self.maker.beside.iter().chain(&[LEDGER]) {
            let from = self.making.path().join(name);
            fs::rename(from, self.folder.join(name)).map_err(|wrong| cannot(name, wrong))?;
        }
        let Maker { command, mark, notice, .. } = self.maker;
        let text = format!(
            "`trialwright {command}` made this folder and replaces what is in it when it runs again.{notice}\n"
        );
        fs::write(self.folder.join(mark), text).map_err(|wrong| cannot(mark, wrong))?;
        self.new = false;
        Ok(self.folder.join(LEDGER))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.new {
            let _ = fs::remove_dir_all(self.making.path());
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

/// Removes a file, where there is one.
pub fn remove(file: &Path) -> std::io::Result<()> {
    match fs::remove_file(file) {
        Err(wrong) if wrong.kind() != ErrorKind::NotFound => Err(wrong),
        _ => Ok(()),
    }
}
