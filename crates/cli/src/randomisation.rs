//! `trialwright randomisation`: reveals the secret seed when recruitment is over, and proves every allocation from it.
//!
//! Never draws again itself: `office` recomputes and compares.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use ledger::{Address, Ledger};
use office::{Action, Actor, AllocationAudit, Deed, Difference, Office, Reason, SeedPlace};
use serde_json::json;
use trial::event::Role;

use crate::output::{self, Failure, line, note, plural, wait};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Reveal the secret seed: ends randomisation for good, and lets anybody prove every allocation
    #[command(after_help = "Examples:
  trialwright randomisation reveal trial.sqlite
  trialwright randomisation reveal 'postgres://office@db/trials?schema=avatar_ii' --seed-file /secure/trial.seed --yes")]
    Reveal(RevealOptions),
    /// Draw every allocation again from the revealed seed, and compare
    #[command(after_help = "Examples:
  trialwright randomisation verify trial.sqlite
  trialwright randomisation verify trial.sqlite --json | jq '.misfits'")]
    Verify(VerifyOptions),
}

#[derive(clap::Args)]
pub struct RevealOptions {
    /// The ledger: a file, or postgres://USER@HOST/DATABASE?schema=NAME
    #[allow(clippy::doc_markdown)] // shown as help, where angle brackets would stand for a placeholder
    ledger: Address,
    /// The file of the secret seed; beside the ledger's file when not said
    #[arg(long, value_name = "FILE")]
    seed_file: Option<PathBuf>,
    /// The name under which it stands in the ledger
    #[arg(long, value_name = "NAME", default_value = "trial.office")]
    by: String,
    /// Do not ask whether recruitment is over
    #[arg(long)]
    yes: bool,
}

#[derive(clap::Args)]
pub struct VerifyOptions {
    /// The ledger: a file, or postgres://USER@HOST/DATABASE?schema=NAME
    #[allow(clippy::doc_markdown)] // shown as help, where angle brackets would stand for a placeholder
    ledger: Address,
    /// As JSON, for another program
    #[arg(long)]
    json: bool,
}

pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Reveal(options) => reveal(options),
        Command::Verify(options) => verify(options),
    }
}

fn reveal(options: &RevealOptions) -> Result<(), Failure> {
    let seed = options.seed_file.clone().map_or(SeedPlace::Beside, SeedPlace::File);
    wait(async {
        let ledger = Ledger::open(&options.ledger).await?;
        let office = Office::open_with(ledger.clone(), seed).await?;
        let revealed = reveal_in(&office, options).await;
        drop(office);
        ledger.close().await;
        revealed
    })
}

async fn reveal_in(office: &Office, options: &RevealOptions) -> Result<(), Failure> {
    let overview = office.overview().await?;
    let trial = &overview.history.current().trial;
    if let Some(event) = overview.revealed {
        return Err(already(event, &options.ledger));
    }
    let asks = format!(
        "{}: {} of {} planned subjects were randomised. With the seed anybody can work out every arm that would come next: nobody \
         can be randomised any more.",
        trial.id, overview.randomised, trial.participants
    );
    confirmed(options.yes, &asks, &trial.id)?;
    let actor = Actor::new(options.by.clone(), Role::TrialOffice);
    match office.submit(vec![Action::now(&actor, Deed::RevealSeed)]).await {
        Ok(receipts) => {
            let event = receipts.first().map_or(0, |receipt| receipt.seq);
            line(format!("{}: the seed was revealed (event {event}); randomisation has ended", trial.id))?;
            told(&office.verify_allocations().await?, &options.ledger)
        }
        Err(office::Error::Refused(refusal)) => Err(match refusal.reason {
            Reason::Revealed { event } => already(event, &options.ledger),
            reason => Failure::new(format!("nothing was revealed: {reason}")),
        }),
        Err(wrong) => Err(wrong.into()),
    }
}

fn already(event: u64, ledger: &Address) -> Failure {
    Failure::new(format!("the seed was revealed before (event {event}); nothing was written"))
        .hint(format!("trialwright randomisation verify {ledger}"))
}

/// Asks for a word before what cannot be undone. A program that cannot be asked says `--yes`.
pub fn confirmed(yes: bool, asks: &str, word: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("{asks} Nobody is here to be asked, and nothing was written"))
            .hint("the same with --yes, where that is meant"));
    }
    note(asks);
    note(format!("Write {word} to go on:"));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() == word {
        return Ok(());
    }
    Err(Failure::new(format!("that was not {word}; nothing was written")))
}

fn verify(options: &VerifyOptions) -> Result<(), Failure> {
    let audit = wait(async {
        let ledger = Ledger::open_read_only(&options.ledger).await?;
        let office = Office::open(ledger.clone()).await?;
        let audit = office.verify_allocations().await;
        drop(office);
        ledger.close().await;
        audit
    })?;
    if options.json {
        output::json(&json!({
            "sound": audit.is_sound(),
            "checked": audit.checked,
            "commitment_holds": audit.commitment_holds,
            "misfits": audit.misfits,
        }))?;
        return if audit.is_sound() { Ok(()) } else { Err(unsound(&audit, &options.ledger)) };
    }
    told(&audit, &options.ledger)
}

fn told(audit: &AllocationAudit, ledger: &Address) -> Result<(), Failure> {
    let sound = audit.checked.saturating_sub(audit.misfits.len() as u64);
    line(format!("{sound} of {} are the ones the seed gives", plural(audit.checked, "allocation")))?;
    line(if audit.commitment_holds {
        "the seed is the one committed to before the first of them"
    } else {
        "the seed is NOT the one committed to"
    })?;
    for misfit in &audit.misfits {
        let what = match &misfit.difference {
            Difference::Drawn { recorded, recomputed } => format!(
                "arm {} at place {}, but the seed gives arm {} at place {}",
                recorded.0, recorded.1, recomputed.0, recomputed.1
            ),
            Difference::Again { first } => format!("was randomised before, by event {first}"),
        };
        line(format!("event {}, subject {}: {what}", misfit.event, misfit.subject))?;
    }
    if audit.is_sound() { Ok(()) } else { Err(unsound(audit, ledger)) }
}

fn unsound(audit: &AllocationAudit, ledger: &Address) -> Failure {
    let what = if audit.commitment_holds {
        format!("{} that the seed does not give", plural(audit.misfits.len(), "allocation"))
    } else {
        "the seed is not the one committed to".to_owned()
    };
    Failure::new(format!("{ledger}: {what}"))
        .hint(format!("trialwright verify {ledger}  tells whether the ledger was altered"))
}
