//! The file of a campaign: a line that says what is simulated, then a line for each chunk that is done.
//!
//! Never rewritten: lines are added, so that a run that was killed leaves at most one line cut short, which is passed over.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Campaign, Chunks, Shard};
use crate::times::Tally;

/// The version of the file's form.
const FORM: u32 = 1;

/// What the first line says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    /// The version of the form.
    trialwright_simulation: u32,
    /// The version of the program: another one may draw otherwise.
    program: String,
    shard: Shard,
    campaign: Campaign,
}

#[derive(Serialize, Deserialize)]
struct Line {
    chunk: u64,
    tally: Tally,
}

/// What can go wrong with a campaign's file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read or written.
    #[error("{path}: {why}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// It is none.
    #[error("{path}: not a file of simulated trials: {why}", path = .path.display())]
    NotOne {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// It holds something else than what is to be simulated.
    #[error("{path}: holds another simulation: {what} differs", path = .path.display())]
    Another {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// Two files say different things of one chunk.
    #[error("{path}: chunk {chunk} was simulated in another file with another outcome", path = .path.display())]
    Disagree {
        /// The file.
        path: PathBuf,
        /// The chunk.
        chunk: u64,
    },
    /// Nothing to merge.
    #[error("no file was named")]
    Nothing,
}

/// A campaign's file, open to be added to.
#[derive(Debug)]
pub struct CampaignFile {
    path: PathBuf,
    file: File,
}

impl CampaignFile {
    /// Starts a file. Errors: there is one already; it cannot be written.
    pub fn create(path: &Path, campaign: &Campaign, shard: Shard) -> Result<Self, FileError> {
        let failed = |why| FileError::Io { path: path.to_owned(), why };
        let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
        let header = Header {
            trialwright_simulation: FORM,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            shard,
            campaign: campaign.clone(),
        };
        let mut text = serde_json::to_vec(&header).map_err(|wrong| failed(wrong.into()))?;
        text.push(b'\n');
        file.write_all(&text).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Goes on with a file, and gives what it holds. Errors: it is none, or of another simulation or shard.
    pub fn resume(path: &Path, campaign: &Campaign, shard: Shard) -> Result<(Self, Chunks), FileError> {
        let failed = |why| FileError::Io { path: path.to_owned(), why };
        let (header, chunks, whole) = read(path)?;
        differs(path, &header.campaign, campaign)?;
        if header.shard != shard {
            let what = format!(
                "the shard ({}/{} there, {}/{} here)",
                header.shard.number, header.shard.of, shard.number, shard.of
            );
            return Err(FileError::Another { path: path.to_owned(), what });
        }
        let mut file = OpenOptions::new().append(true).open(path).map_err(failed)?;
        if !whole {
            // The line that was cut short ends here, so that the next one begins anew.
            file.write_all(b"\n").map_err(failed)?;
        }
        Ok((Self { path: path.to_owned(), file }, chunks))
    }

    /// Adds a chunk, in one write.
    pub fn add(&mut self, chunk: u64, tally: &Tally) -> Result<(), FileError> {
        let failed = |why| FileError::Io { path: self.path.clone(), why };
        let line = Line { chunk, tally: tally.clone() };
        let mut text = serde_json::to_vec(&line).map_err(|wrong| failed(wrong.into()))?;
        text.push(b'\n');
        self.file.write_all(&text).map_err(failed)
    }

    /// Waits until what was added is on the disk.
    pub fn sync(&self) -> Result<(), FileError> {
        self.file.sync_data().map_err(|why| FileError::Io { path: self.path.clone(), why })
    }
}

/// Reads the files of shards as one campaign. Errors: a file that is none; files of different simulations; two that disagree.
pub fn merge(paths: &[PathBuf]) -> Result<(Campaign, Chunks), FileError> {
    let mut merged: Option<(Campaign, Chunks)> = None;
    for path in paths {
        let (header, chunks, _) = read(path)?;
        let Some((campaign, all)) = &mut merged else {
            merged = Some((header.campaign, chunks));
            continue;
        };
        differs(path, &header.campaign, campaign)?;
        for (chunk, tally) in chunks {
            match all.get(&chunk) {
                Some(known) if *known != tally => {
                    return Err(FileError::Disagree { path: path.clone(), chunk });
                }
                _ => drop(all.insert(chunk, tally)),
            }
        }
    }
    merged.ok_or(FileError::Nothing)
}

/// Whether two campaigns are one; the error names what is not.
fn differs(path: &Path, found: &Campaign, wanted: &Campaign) -> Result<(), FileError> {
    let what = if found.seed != wanted.seed {
        format!("the seed ({} and {})", found.seed, wanted.seed)
    } else if found.trials != wanted.trials {
        format!("the number of trials ({} and {})", found.trials, wanted.trials)
    } else if found.cells != wanted.cells || found.chunk != wanted.chunk {
        "the scenario or its grid".to_owned()
    } else if found.full != wanted.full {
        "the fidelity, the protocol or the disease".to_owned()
    } else {
        return Ok(());
    };
    Err(FileError::Another { path: path.to_owned(), what })
}

/// The header, the chunks, and whether the last line is whole.
fn read(path: &Path) -> Result<(Header, Chunks, bool), FileError> {
    let failed = |why| FileError::Io { path: path.to_owned(), why };
    let not_one = |why: String| FileError::NotOne { path: path.to_owned(), why };
    let mut lines = BufReader::new(File::open(path).map_err(failed)?);
    let mut text = Vec::new();
    lines.read_until(b'\n', &mut text).map_err(failed)?;
    let header: Header =
        serde_json::from_slice(&text).map_err(|wrong| not_one(format!("its first line: {wrong}")))?;
    if header.trialwright_simulation != FORM {
        return Err(not_one(format!(
            "it has form {}, and this program writes {FORM}",
            header.trialwright_simulation
        )));
    }
    if header.program != env!("CARGO_PKG_VERSION") {
        let what =
            format!("the program's version ({} there, {} here)", header.program, env!("CARGO_PKG_VERSION"));
        return Err(FileError::Another { path: path.to_owned(), what });
    }
    let mut chunks = Chunks::new();
    let mut whole = text.ends_with(b"\n");
    loop {
        text.clear();
        match lines.read_until(b'\n', &mut text) {
            Ok(0) => return Ok((header, chunks, whole)),
            Ok(_) => {}
            Err(wrong) if wrong.kind() == ErrorKind::Interrupted => continue,
            Err(wrong) => return Err(failed(wrong)),
        }
        whole = text.ends_with(b"\n");
        // A line that was cut short says nothing: its chunk is simulated again.
        if let Ok(Line { chunk, tally }) = serde_json::from_slice(&text)
            && chunk < header.campaign.items()
            && header.campaign.trials_of(chunk) == tally.trials
        {
            chunks.insert(chunk, tally);
        }
    }
}
