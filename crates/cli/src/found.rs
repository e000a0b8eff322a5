//! `trialwright found`: a new trial's ledger from its protocol, with a secret seed of randomisation.
//!
//! Never prints the seed, and never founds over something that is there.

use std::path::PathBuf;

use ledger::{Address, Ledger};
use office::{Actor, Founding, Office, SeedPlace, seed_path};
use rand::Rng;
use trial::event::Role;
use trial::randomise::Seed;

use crate::output::{Failure, line, wait};
use crate::{check, shipped};

#[derive(clap::Args)]
pub struct Options {
    /// A protocol file, or the name of a shipped one; the first shipped one when not said
    #[arg(value_name = "PROTOCOL")]
    protocol: Option<PathBuf>,
    /// The new ledger: a file that does not exist yet, or postgres://USER@HOST/DATABASE?schema=NAME
    #[arg(long, default_value = "trial.sqlite", env = "DATABASE_URL", hide_env_values = true)]
    ledger: Address,
    /// Where the secret seed of randomisation is kept; beside the ledger's file when not said
    #[arg(long, value_name = "FILE")]
    seed_file: Option<PathBuf>,
    /// The name under which the founding stands in the ledger
    #[arg(long, value_name = "NAME", default_value = "trial.office")]
    by: String,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let file = options.protocol.clone().unwrap_or_else(|| PathBuf::from(shipped::first()));
    let protocol = check::checked(&file)?;
    let (trial, version) = (protocol.protocol.trial.id.clone(), protocol.protocol.trial.version.clone());
    let seed_file = match (&options.seed_file, options.ledger.file()) {
        (Some(file), _) => file.clone(),
        (None, Some(ledger)) => seed_path(ledger),
        (None, None) => {
            return Err(Failure::usage(
                "a ledger on PostgreSQL needs a place for its secret seed on this machine",
            )
            .hint("--seed-file /var/lib/trialwright/trial.seed"));
        }
    };
    let mut seed = [0; 32];
    rand::rng().fill_bytes(&mut seed);
    let founding = Founding {
        protocol,
        seed: Seed(seed),
        actor: Actor::new(options.by.clone(), Role::TrialOffice),
        at: None,
        simulated: false,
        seed_place: SeedPlace::File(seed_file.clone()),
    };
    wait(async {
        let ledger = Ledger::create(&options.ledger).await?;
        let office = Office::establish(ledger, founding).await?;
        office.ledger().clone().close().await;
        Ok::<_, Failure>(())
    })?;
    line(format!("{trial}, protocol version {version}: founded in {}", options.ledger))?;
    line(format!(
        "\nKeep {} secret and safe: whoever reads it knows every allocation to come, and without it nobody can be randomised.",
        seed_file.display()
    ))?;
    line("\nNext:")?;
    line(format!("  trialwright serve {}", options.ledger))
}
