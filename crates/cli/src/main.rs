//! The binary `trialwright`: words in, pages and exit codes out.
//!
//! Never holds logic of its own: each command reads, hands over to a crate that knows, and shows what it gave.

// Doc comments of options are what `--help` prints, where a backtick would be one.
#![allow(clippy::doc_markdown)]

mod adopt;
mod bundle;
mod calibrate;
mod check;
mod cuts;
mod demo;
mod design;
mod diff;
mod document;
mod dry_run;
mod explain;
mod export;
mod export_audit;
mod factb;
mod fhir;
mod found;
mod graph;
mod import;
mod init;
mod odm;
mod output;
mod randomisation;
mod recist;
mod registry_results;
mod report;
mod restore;
mod room;
mod serve;
mod shipped;
mod simulate;
mod survival;
mod user;
mod verify;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use output::Failure;

/// A save and a page are made of many small values, which threads hand to each other: this allocator takes half the time for
/// them that the system's does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    /// Begin a protocol file from a registry record, with what a person must decide marked in it
    #[command(after_help = "Examples:
  trialwright init NCT06882499.json --out my-trial.toml       a study record of ClinicalTrials.gov, API version 2
  trialwright init record.txt                                 the columns of its CSV download as text
  trialwright init record.json --out my-trial.toml && trialwright check my-trial.toml")]
    Init(init::Options),
    /// Check a protocol file and show every fault at once
    #[command(after_help = check_examples())]
    Check(check::Options),
    /// Print the JSON Schema of protocol files, for completion in an editor
    #[command(after_help = "Example:
  trialwright schema > protocol.schema.json

An editor that knows TOML completes a protocol file whose first line is
  #:schema ./protocol.schema.json")]
    Schema,
    /// Print the OpenAPI 3.1 document of the JSON API that `serve` answers
    #[command(after_help = "Example:
  trialwright openapi > openapi.json")]
    Openapi,
    /// Run a whole virtual trial: screen, randomise, follow, derive, analyse, report
    #[command(after_help = "Examples:
  trialwright demo
  trialwright demo --seed 7 --dir /tmp/trial --force
  trialwright demo --protocol my-trial.toml")]
    Demo(demo::Options),
    /// Begin a real trial: a new ledger from its protocol, with a secret seed of randomisation
    #[command(after_help = "Examples:
  trialwright found my-trial.toml
  trialwright found avatar-ii --ledger /var/lib/trialwright/trial.sqlite
  trialwright found avatar-ii --ledger 'postgres://office@db.example.org/trials?schema=avatar_ii' --seed-file /secure/trial.seed")]
    Found(found::Options),
    /// Run the trial office: the web application for sites, monitors, data managers and the trial office
    #[command(after_help = "Examples:
  trialwright serve                                        the trial in this directory, at http://127.0.0.1:8080
  trialwright serve trial.sqlite --listen 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem
  trialwright serve trial.sqlite --behind-proxy --public-address https://trial.example.org
  DATABASE_URL=postgres://office@db/trials trialwright serve --seed-file /secure/trial.seed")]
    Serve(serve::Options),
    /// Adopt a new version of the protocol, with what it changes and does to the subjects in view
    #[command(after_help = "Examples:
  trialwright adopt trial.sqlite amendment.toml
  trialwright adopt trial.sqlite amendment.toml --dry-run
  trialwright adopt trial.sqlite amendment.toml --json | jq '.effects'")]
    Adopt(adopt::Options),
    /// Reveal the seed of randomisation when recruitment is over, and prove every allocation from it
    #[command(after_help = "Examples:
  trialwright randomisation reveal trial.sqlite
  trialwright randomisation verify trial.sqlite --json")]
    Randomisation {
        #[command(subcommand)]
        command: randomisation::Command,
    },
    /// Write the report of a ledger or of an SDTM directory: one HTML file, the same on paper (PDF), figures and tables
    #[command(after_help = "Examples:
  trialwright report trialwright-demo/trial.sqlite
  trialwright report trialwright-demo/trial.sqlite --as-of 2027-06-30 --out interim/
  trialwright report examples/sdtm-oncology --out sdtm-report/
  trialwright report trialwright-demo/trial.sqlite --figures svg,pdf,png --tables csv,docx
  trialwright report trialwright-demo/trial.sqlite --json | jq '.flow'")]
    Report(report::Options),
    /// Show which numbers differ between two reports, and which subjects and events changed them
    #[command(after_help = "Examples:
  trialwright report trial.sqlite --as-of 2027-06-30 --out interim/ && trialwright report trial.sqlite --out now/
  trialwright diff interim/ now/
  trialwright diff interim/results.json now/results.json --json | jq '.parts[].place'")]
    Diff(diff::Options),
    /// Write the documents of a trial from its protocol file: analysis plan, synopsis, schedule of assessments, case report forms
    #[command(after_help = "Examples:
  trialwright document plan avatar-ii
  trialwright document synopsis my-trial.toml
  trialwright document schedule my-trial.toml --out schedule.html
  trialwright document forms my-trial.toml --annotated
  trialwright document forms --ledger trial.sqlite --subject 03-001")]
    Document {
        #[command(subcommand)]
        command: document::Command,
    },
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
    /// Make a ledger anew from a backup: in a file, or in a schema of a PostgreSQL database
    #[command(after_help = "Examples:
  trialwright restore /backup/trial-2027-01-31.sqlite trial.sqlite
  trialwright restore backup.sqlite 'postgres://office@db.example.org/trials?schema=avatar_ii' --checkpoint kept-at-the-sponsor.jsonl")]
    Restore(restore::Options),
    /// Accounts by the operator: add a user, list them, set a password, unlock
    #[command(after_help = "Examples:
  trialwright user add jo.smith --name 'Jo Smith' --email jo@hospital.example --role investigator --site 01
  trialwright user add tariq --name 'Tariq Office' --email tariq@example.org --role trial-office --ledger trial.sqlite
  trialwright user list
  trialwright user password jo.smith < new-password.txt
  trialwright user unlock jo.smith")]
    User {
        #[command(subcommand)]
        command: user::Command,
    },
    /// Write the whole audit trail: who did what and when, old and new values, the reasons, the hashes
    #[command(after_help = "Examples:
  trialwright export-audit trialwright-demo/trial.sqlite --out trail.csv
  trialwright export-audit trial.sqlite --json | jq -r 'select(.reason) | .says'
  trialwright export-audit 'postgres://office@db.example.org/trials?schema=avatar_ii' --out trail.csv")]
    ExportAudit(export_audit::Options),
    /// Write participant flow, baseline, outcomes and adverse events as results registration asks for them
    #[command(after_help = "Examples:
  trialwright registry-results trialwright-demo/trial.sqlite --out results.json
  trialwright registry-results trial.sqlite --cut 2029-01-31 | jq '.resultsSection.outcomeMeasuresModule'")]
    RegistryResults(registry_results::Options),
    /// Write a trial as HL7 FHIR R4 resources: NDJSON, one file a type
    #[command(after_help = "Examples:
  trialwright fhir trialwright-demo/trial.sqlite --to fhir/
  trialwright fhir trial.sqlite --to fhir/ --as-of 2027-06-30
  trialwright fhir trial.sqlite --to fhir/ --wording wording.toml     with the texts of the questionnaires")]
    Fhir(fhir::Options),
    /// Write SDTM, ADaM and Define-XML, as SAS transport files (XPT), Dataset-JSON, Parquet and CSV
    #[command(after_help = "Examples:
  trialwright export trialwright-demo/trial.sqlite --to submission
  trialwright export trial.sqlite --to submission --format xpt --standard sdtm
  trialwright export trial.sqlite --to interim --format csv,parquet --as-of 2027-06-30")]
    Export(export::Options),
    /// Write a statistician's bundle: plain tables, ADaM, SDTM, a data dictionary, the primary analysis as R and Python
    #[command(after_help = "Examples:
  trialwright bundle trialwright-demo/trial.sqlite --to bundle && Rscript bundle/primary.R
  trialwright bundle trial.sqlite --to interim --cut 2027-06-30

The scripts print each number of the primary analysis as R and Python compute it beside Trialwright's, and fail where they differ.")]
    Bundle(bundle::Options),
    /// Exchange with other systems in CDISC ODM-XML 1.3.2: forms, clinical data, audit records
    #[command(after_help = "Examples:
  trialwright odm export trialwright-demo/trial.sqlite --out trial.xml
  trialwright odm init forms.xml --out my-trial.toml       the beginning of a protocol from another system's forms
  trialwright odm import data.xml trial.sqlite             their data into a founded trial, all or none")]
    Odm {
        #[command(subcommand)]
        command: odm::Command,
    },
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
    /// Take in a trial captured elsewhere: SDTM data sets as CSV, XPT, Dataset-JSON or Parquet, into a new ledger
    #[command(after_help = "Examples:
  trialwright import examples/sdtm-oncology --ledger oncology.sqlite
  trialwright import submission/xpt/sdtm --protocol my-trial.toml
  trialwright import sdtm/ --json | jq '.files'

Every fault of every file is told, and then nothing was imported. What became of each row goes to standard error.")]
    Import(import::Options),
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
    /// Simulate trials of event times by the million: power, false positives, bias, duration, over a grid
    #[command(after_help = "Examples:
  trialwright simulate --scenario alternative
  trialwright simulate --scenario null --trials 1000000
  trialwright simulate --scenario alternative --sweep hazard-ratio=0.4,0.5,0.6 --sweep subjects=60,74,90 --plot power.svg
  trialwright simulate --scenario open-label --json | jq '.scenarios[].analyses[0].experimental'
  trialwright simulate --scenario alternative --fidelity full --trials 1000
  trialwright simulate --scenario mine.toml --trials 10000000 --shard 3/8 --out shard-3.jsonl
  trialwright simulate merge shard-*.jsonl")]
    Simulate(Box<simulate::Options>),
    /// Fit a scenario's rates so that simulated trials show the medians that were published, and print how well they do
    #[command(after_help = "Examples:
  trialwright calibrate --scenario avatar
  trialwright calibrate --scenario mine.toml --trials 100000 --out calibrated.toml
  trialwright calibrate --scenario avatar --json | jq '.fitted[].confirmed'")]
    Calibrate(calibrate::Options),
    /// Play one simulated trial of the real protocol, write its whole report, and check the analysis against the known truth
    #[command(after_help = "Examples:
  trialwright dry-run
  trialwright dry-run --protocol my-trial.toml --seed 7 --dir dry-run-7
  trialwright dry-run --scenario open-label
  trialwright dry-run --json | jq '.checks[] | select(.outcome != \"holds\")'")]
    DryRun(dry_run::Options),
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
        Command::Init(options) => init::run(&options),
        Command::Check(options) => check::run(&options),
        Command::Schema => check::schema(),
        Command::Openapi => output::json(&server::openapi()),
        Command::Demo(options) => demo::run(&options),
        Command::Found(options) => found::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Adopt(options) => adopt::run(&options),
        Command::Randomisation { command } => randomisation::run(&command),
        Command::Report(options) => report::run(&options),
        Command::Diff(options) => diff::run(&options),
        Command::Document { command } => document::run(&command),
        Command::Verify(options) => verify::run(&options),
        Command::Checkpoint(options) => verify::checkpoint(&options),
        Command::Backup(options) => verify::backup(&options),
        Command::Restore(options) => restore::run(&options),
        Command::User { command } => user::run(&command),
        Command::Export(options) => export::run(&options),
        Command::ExportAudit(options) => export_audit::run(&options),
        Command::RegistryResults(options) => registry_results::run(&options),
        Command::Fhir(options) => fhir::run(&options),
        Command::Bundle(options) => bundle::run(&options),
        Command::Odm { command } => odm::run(&command),
        Command::Explain(options) => explain::run(&options),
        Command::Recist(options) => recist::run(&options),
        Command::Import(options) => import::run(&options),
        Command::Factb(options) => factb::run(&options),
        Command::Survival(options) => survival::run(&options),
        Command::Design(options) => design::run(&options),
        Command::Simulate(options) => simulate::run(&options),
        Command::Calibrate(options) => calibrate::run(&options),
        Command::DryRun(options) => dry_run::run(&options),
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
