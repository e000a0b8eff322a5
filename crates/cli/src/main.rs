//! The binary `trialwright`: words in, pages and exit codes out.
//!
//! Never holds logic of its own: each command reads, hands over to a crate that knows, and shows what it gave.

mod check;
mod cuts;
mod demo;
mod design;
mod explain;
mod factb;
mod graph;
mod output;
mod recist;
mod report;
mod shipped;
mod survival;
mod verify;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use output::Failure;

/// Runs a randomised oncology trial from its protocol to its report.
#[derive(Parser)]
#[command(name = "trialwright", version, arg_required_else_help = true, max_term_width = 110)]
#[command(after_help = "Examples:
  trialwright demo                           a whole virtual trial, from protocol to report
  trialwright check my-trial.toml            every fault of a protocol file at once
  trialwright recist sdtm/                   what each tumour assessment of an SDTM directory means
  trialwright report trial.sqlite --as-of 2027-01-31

Exit codes:
  0  done
  1  something is wrong: a fault in a file, an altered ledger, a file that cannot be read or written
  2  the command line is wrong")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a protocol file and show every fault at once
    #[command(after_help = check_examples())]
    Check(check::Options),
    /// Print the JSON Schema of protocol files, for completion in an editor
    #[command(after_help = "Example:
  trialwright schema > protocol.schema.json

An editor that knows TOML completes a protocol file whose first line is
  #:schema ./protocol.schema.json")]
    Schema,
    /// Run a whole virtual trial: screen, randomise, follow, derive, analyse, report
    #[command(after_help = "Examples:
  trialwright demo
  trialwright demo --seed 7 --dir /tmp/trial --force
  trialwright demo --protocol my-trial.toml")]
    Demo(demo::Options),
    /// Write the report of a ledger or of an SDTM directory: one HTML file and a CSV a table
    #[command(after_help = "Examples:
  trialwright report trialwright-demo/trial.sqlite
  trialwright report trialwright-demo/trial.sqlite --as-of 2027-06-30 --out interim/
  trialwright report examples/sdtm-oncology --out sdtm-report/
  trialwright report trialwright-demo/trial.sqlite --json | jq '.flow'")]
    Report(report::Options),
    /// Prove that nothing in a ledger was altered, or name the first event that was
    #[command(after_help = "Examples:
  trialwright verify trialwright-demo/trial.sqlite
  trialwright verify trial.sqlite --checkpoint kept-at-the-sponsor.jsonl
  trialwright verify trial.sqlite --json | jq '.first_misfit'")]
    Verify(verify::Options),
    /// Sign the head of a ledger; keep the line it prints outside, and `verify` can prove more
    #[command(after_help = "Example:
  trialwright checkpoint trial.sqlite --key /secure/trial.key >> kept-at-the-sponsor.jsonl")]
    Checkpoint(verify::CheckpointOptions),
    /// Copy a ledger while it is in use, and verify the copy
    #[command(after_help = "Example:
  trialwright backup trial.sqlite /backup/trial-2027-01-31.sqlite")]
    Backup(verify::BackupOptions),
    /// Show what is known of a subject and why: eligibility, responses, strategy, endpoints
    #[command(after_help = "Examples:
  trialwright explain trialwright-demo/trial.sqlite
  trialwright explain trialwright-demo/trial.sqlite 03-001
  trialwright explain trialwright-demo/trial.sqlite 03-001 --events
  trialwright explain trialwright-demo/trial.sqlite 03-001 --json | jq '.trace.strategy'")]
    Explain(explain::Options),
    /// Judge every tumour assessment of an SDTM directory by RECIST 1.1, each reader apart
    #[command(after_help = "Examples:
  trialwright recist examples/sdtm-oncology
  trialwright recist examples/sdtm-oncology --disagreements
  trialwright recist examples/sdtm-oncology --json | jq 'select(.agrees == false) | .reason'")]
    Recist(recist::Options),
    /// Score FACT-B answers (columns GP1 to P2)
    #[command(after_help = "Examples:
  trialwright factb answers.csv > scores.csv
  trialwright factb answers.csv --json
  cat answers.csv | trialwright factb -")]
    Factb(factb::Options),
    /// Describe and compare times to an event: curves, tests, Cox models, restricted means, competing risks
    #[command(after_help = "Examples:
  trialwright survival trial.csv --time days --event died --arm arm
  trialwright survival trial.csv --strata site,stage --covariates arm,age,stage --tau 730 --plot curves.svg
  trialwright survival trial.csv --json | jq '.cox_arm_efron.coef'
  trialwright survival trial.csv --competing cause")]
    Survival(survival::Options),
    /// Plan a trial with a time to an event: events, power, subjects, boundaries, conditional power
    #[command(after_help = "Examples:
  trialwright design                                  the numbers of the first shipped protocol, and its power curve
  trialwright design --protocol my-trial.toml --looks 0.5,1
  trialwright design --hazard-ratio 0.7 --power 0.9 --median 12 --accrual 24 --follow-up 12 --dropout 0.05/12
  trialwright design --hazard-ratio 0.7 --looks 3 --boundary hsd:-4 --futility hsd:-2
  trialwright design --looks 2 --interim 33:0.62")]
    Design(Box<design::Options>),
    /// Print the completion script of a shell
    #[command(after_help = "Examples:
  trialwright completions bash > ~/.local/share/bash-completion/completions/trialwright
  trialwright completions zsh > ~/.zfunc/_trialwright
  trialwright completions fish > ~/.config/fish/completions/trialwright.fish")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

fn check_examples() -> String {
    format!(
        "Examples:
  trialwright check my-trial.toml
  trialwright check my-trial.toml --json | jq -r '.faults[] | \"\\(.line): \\(.right)\"'
  trialwright check old.toml --against new.toml      what an amendment changes
  trialwright check {0} --print > my-trial.toml

Shipped protocols: {1}",
        shipped::first(),
        shipped::names().join(", ")
    )
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Check(options) => check::run(&options),
        Command::Schema => check::schema(),
        Command::Demo(options) => demo::run(&options),
        Command::Report(options) => report::run(&options),
        Command::Verify(options) => verify::run(&options),
        Command::Checkpoint(options) => verify::checkpoint(&options),
        Command::Backup(options) => verify::backup(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Recist(options) => recist::run(&options),
        Command::Factb(options) => factb::run(&options),
        Command::Survival(options) => survival::run(&options),
        Command::Design(options) => design::run(&options),
        Command::Completions { shell } => completions(shell),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.show(),
    }
}

/// The script is made whole before it is printed: its maker takes a closed pipe for a fault of the program.
fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "trialwright", &mut script);
    Ok(std::io::stdout().write_all(&script)?)
}
