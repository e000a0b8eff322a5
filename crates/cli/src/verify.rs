//! `trialwright verify`, `checkpoint` and `backup`: proof that nothing in a ledger was altered, and what keeps that proof.
//!
//! Never repairs, and never says more than the ledger's own verification does.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use ledger::{Address, Checkpoint, Keys, Ledger, PublicKey, Verified};
use people::Store;
use serde_json::json;

use crate::output::{self, Failure, busy, line, note, plural, progress, wait};
use crate::serve::beside;

#[derive(clap::Args)]
pub struct Options {
    /// The ledger: a file, or the address of a PostgreSQL database
    ledger: Address,
    /// Checkpoints kept outside the ledger, one JSON line each; may be given more than once
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The public key that must have signed the checkpoints, in hex
    #[arg(long, value_name = "HEX")]
    trusted_key: Option<PublicKey>,
    /// As JSON, for another program
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub struct CheckpointOptions {
    /// The ledger: a file, or the address of a PostgreSQL database
    ledger: Address,
    /// The signing key, made on first use; beside the ledger's file as .key when not said. Keep it where whoever can write
    /// the ledger cannot reach it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct BackupOptions {
    /// The ledger: a file, or the address of a PostgreSQL database
    ledger: Address,
    /// The copy, a file that does not exist yet
    to: PathBuf,
    /// Copy the accounts too, into this file, which does not exist yet; the key of the second factors is not in it
    #[arg(long, value_name = "FILE")]
    people_to: Option<PathBuf>,
    /// Where the accounts are; beside the ledger, as for `serve`, when not said
    #[arg(long, env = "TRIALWRIGHT_PEOPLE", hide_env_values = true, value_name = "ADDRESS")]
    people: Option<String>,
    /// As JSON, for another program
    #[arg(long)]
    json: bool,
}

/// Verifies a ledger and tells what was found and what cannot be known.
pub fn run(options: &Options) -> Result<(), Failure> {
    let outside = outside(&options.checkpoint)?;
    let verified = wait(async {
        let opened = Ledger::open_read_only(&options.ledger).await;
        let ledger = opened.map_err(|error| unreadable(&options.ledger, error))?;
        let bar = progress(0, "verifying");
        let verified = ledger
            .verify(&outside, options.trusted_key, |done, of| {
                bar.set_length(of);
                bar.set_position(done);
            })
            .await;
        bar.finish_and_clear();
        ledger.close().await;
        verified.map_err(|error| unreadable(&options.ledger, error))
    })?;
    let shown = if options.json { as_json(&verified) } else { as_text(&options.ledger, &verified) };
    // An altered ledger stays altered where nobody reads the rest.
    if verified.is_sound() { shown } else { Err(altered(&options.ledger, &verified)) }
}

/// Signs the head of a ledger and prints the checkpoint, to be kept outside.
pub fn checkpoint(options: &CheckpointOptions) -> Result<(), Failure> {
    let beside = || options.ledger.file().map(|file| file.with_extension("key"));
    let path = options.key.clone().or_else(beside).ok_or_else(|| {
        Failure::usage("a ledger on PostgreSQL needs a place for its signing key on this machine")
            .hint("--key /secure/trial.key")
    })?;
    let checkpoint = wait(async {
        // The ledger first: a key is not made for one that is not there.
        let ledger = Ledger::open(&options.ledger).await?;
        let key = if path.exists() {
            Keys::open(&path)?
        } else {
            let key = Keys::create(&path)?;
            note(format!(
                "{}: a new signing key, made just now; keep it where nobody who can write the ledger can reach it",
                path.display()
            ));
            key
        };
        let checkpoint = ledger.checkpoint(&key, Timestamp::now()).await?;
        ledger.close().await;
        Ok::<_, Failure>(checkpoint)
    })?;
    line(checkpoint.to_line())
}

/// Copies a ledger while it is in use, and verifies the copy.
pub fn backup(options: &BackupOptions) -> Result<(), Failure> {
    let to = options.to.display();
    let folder = options.to.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(Failure::new(format!("cannot write {to}: there is no folder {}", folder.display()))
            .hint(format!("mkdir -p {}", folder.display())));
    }
    let people = match &options.people_to {
        Some(to) => Some((options.people.clone().map_or_else(|| beside(&options.ledger), Ok)?, to)),
        None => None,
    };
    if let Some((people, _)) =
        people.as_ref().filter(|(at, _)| !at.contains("://") && !Path::new(at).exists())
    {
        return Err(Failure::new(format!("{people}: there are no accounts"))
            .hint("--people ADDRESS, as `serve` was told"));
    }
    let verified = wait(async {
        let ledger = Ledger::open_read_only(&options.ledger).await?;
        let bar = busy("copying");
        let verified = ledger.backup(&options.to).await;
        ledger.close().await;
        let verified = verified?;
        if let Some((people, to)) = &people {
            let store = Store::open(people).await.map_err(Failure::new)?;
            store.backup(to).await.map_err(Failure::new)?;
            store.close().await;
        }
        bar.finish_and_clear();
        Ok::<_, Failure>(verified)
    })?;
    let head = verified.head;
    if options.json {
        return output::json(&json!({
            "backup": options.to, "events": head.count, "head": head.hash.to_string(), "people": options.people_to,
        }));
    }
    line(format!("{to}: {} copied and verified, head {}", plural(head.count, "event"), head.hash))?;
    match &options.people_to {
        Some(to) => line(format!("{}: the accounts", to.display())),
        None => Ok(()),
    }
}

/// The checkpoints of files that were kept outside.
pub fn outside(files: &[PathBuf]) -> Result<Vec<Checkpoint>, Failure> {
    let hint = "a file of checkpoints, each a line of JSON as `trialwright checkpoint` prints it";
    let mut checkpoints = Vec::new();
    for file in files {
        let at = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|wrong| Failure::new(format!("cannot read the checkpoints {at}: {wrong}")).hint(hint))?;
        let before = checkpoints.len();
        for (index, row) in text.lines().enumerate().filter(|(_, row)| !row.trim().is_empty()) {
            let read = row.parse();
            checkpoints
                .push(read.map_err(|wrong| Failure::new(format!("{at}, line {}: {wrong}", index + 1)))?);
        }
        if checkpoints.len() == before {
            return Err(
                Failure::new(format!("{at} holds no checkpoint, so that it proves nothing")).hint(hint)
            );
        }
    }
    Ok(checkpoints)
}

fn as_json(verified: &Verified) -> Result<(), Failure> {
    output::json(&json!({
        "sound": verified.is_sound(),
        "events": verified.head.count,
        "head": verified.head.hash.to_string(),
        "first_misfit": verified.first.as_ref().map(|misfit| json!({
            "seq": misfit.seq, "expected": misfit.expected, "found": misfit.found, "message": misfit.to_string() })),
        "misfits": verified.misfits,
        "checkpoints": verified.checkpoints.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "file": verified.file,
        "notes": verified.notes,
        "cannot_know": verified.limits,
    }))
}

fn as_text(at: &Address, verified: &Verified) -> Result<(), Failure> {
    let state = if verified.is_sound() { "each fits the one before it" } else { "ALTERED" };
    line(format!("{at}: {}, {state}", plural(verified.head.count, "event")))?;
    line(format!("head {}", verified.head.hash))?;
    if verified.misfits > 0 {
        line(format!("{} of {} do not fit", verified.misfits, plural(verified.head.count, "event")))?;
    }
    for checkpoint in &verified.checkpoints {
        line(checkpoint)?;
    }
    for fault in &verified.file {
        line(format!("file: {fault}"))?;
    }
    for note in &verified.notes {
        line(format!("note: {note}"))?;
    }
    line("\nNo verification can know:")?;
    for limit in &verified.limits {
        line(format!("- {limit}"))?;
    }
    Ok(())
}

fn altered(at: &Address, verified: &Verified) -> Failure {
    let what = verified.first_fault().unwrap_or_else(|| "it does not verify".into());
    Failure::new(format!("{at}: {what}"))
        .hint("keep this ledger as it is, and compare it with a backup and with the checkpoints kept outside")
}

/// A file too damaged to begin with: `verify` may not send its reader to `verify`.
fn unreadable(at: &Address, error: ledger::Error) -> Failure {
    match error {
        ledger::Error::Damaged { .. } => Failure::new(format!(
            "{at}: damaged where SQLite begins to read, so that not even the first event can be read"
        ))
        .hint("keep this file as it is, and restore a backup"),
        error => error.into(),
    }
}
