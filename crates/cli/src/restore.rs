//! `trialwright restore`: a ledger made anew from a backup, in a file or on PostgreSQL.
//!
//! Never over a ledger that is there, and never from a backup that does not verify.

use std::path::PathBuf;

use ledger::{Address, Ledger, PublicKey};
use serde_json::json;

use crate::output::{self, Failure, busy, line, plural, wait};
use crate::verify::outside;

#[derive(clap::Args)]
pub struct Options {
    /// The backup, as `trialwright backup` made it
    backup: PathBuf,
    /// The new ledger: a file that does not exist yet, or postgres://USER@HOST/DATABASE?schema=NAME
    ledger: Address,
    /// Checkpoints kept outside, which the backup must hold; may be given more than once
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The public key that must have signed the checkpoints, in hex
    #[arg(long, value_name = "HEX")]
    trusted_key: Option<PublicKey>,
    /// As JSON, for another program
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let outside = outside(&options.checkpoint)?;
    let verified = wait(async {
        let bar = busy("restoring");
        let verified = Ledger::restore(&options.backup, &options.ledger, &outside, options.trusted_key).await;
        bar.finish_and_clear();
        verified
    })?;
    let head = verified.head;
    if options.json {
        return output::json(&json!({
            "ledger": options.ledger.to_string(), "events": head.count, "head": head.hash.to_string(),
        }));
    }
    line(format!(
        "{}: {} restored and verified, head {}",
        options.ledger,
        plural(head.count, "event"),
        head.hash
    ))?;
    line(
        "\nThe secret seed of randomisation is in no backup of the ledger: put its file back too, or nobody can be randomised.",
    )
}
