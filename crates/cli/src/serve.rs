//! `trialwright serve`: the trial office as a web application, for the trials whose ledgers are named.
//!
//! Never holds a page; it reads the command line and the environment, starts `server`, and stops it when it is told.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ledger::Address;
use people::Secret;
use server::{Server, Tls, TrialOptions};

use crate::output::{Failure, note};

/// Where a ledger is looked for when none is named.
const USUAL: [&str; 2] = ["trial.sqlite", "trialwright-demo/trial.sqlite"];

#[derive(clap::Args)]
pub struct Options {
    /// The ledgers: files, or postgres://USER@HOST/DATABASE?schema=NAME; trial.sqlite here when not said
    #[arg(value_name = "LEDGER")]
    ledgers: Vec<Address>,
    /// One more ledger, as other programs are told of their database
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database: Option<Address>,
    /// Accounts and what else lies outside the ledger: a file, or postgres://…; people.sqlite beside the first ledger, or the
    /// schema `people` of its database, when not said
    #[arg(long, env = "TRIALWRIGHT_PEOPLE", hide_env_values = true, value_name = "ADDRESS")]
    people: Option<String>,
    /// Where to listen
    #[arg(long, env = "TRIALWRIGHT_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// The certificate and its chain (PEM): TLS by the server itself
    #[arg(long, env = "TRIALWRIGHT_TLS_CERT", requires = "tls_key", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, env = "TRIALWRIGHT_TLS_KEY", requires = "tls_cert", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// The address people type, where it is another than the one it listens at
    #[arg(long, env = "TRIALWRIGHT_PUBLIC_ADDRESS", value_name = "URL")]
    public_address: Option<String>,
    /// A proxy stands before the server and names the client in X-Forwarded-For
    #[arg(long, env = "TRIALWRIGHT_BEHIND_PROXY")]
    behind_proxy: bool,
    /// Wording of questionnaires (TOML), which the trial office supplies
    #[arg(long, env = "TRIALWRIGHT_WORDING", value_name = "FILE")]
    wording: Option<PathBuf>,
    /// The secret seed of randomisation, where it is not beside the ledger; once for each ledger, in their order
    #[arg(long, env = "TRIALWRIGHT_SEED_FILE", value_name = "FILE")]
    seed_file: Vec<PathBuf>,
    /// The key that the secrets of second factors are sealed with, made where it is missing; people.key beside the file of accounts
    /// when not said. All servers on one database share it
    #[arg(long, env = "TRIALWRIGHT_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Requests a second from one address before it is told to wait
    #[arg(long, env = "TRIALWRIGHT_MOST_REQUESTS", default_value_t = 100, value_name = "N")]
    most_requests: u32,
    /// Memory for the subjects last looked at, of all trials together, in MiB; the rest is read from the ledger again
    #[arg(long, env = "TRIALWRIGHT_MEMORY", default_value_t = server::MEMORY >> 20, value_name = "MIB")]
    memory: usize,
    /// Opens /metrics to whoever sends this as a bearer token; without it only this machine may read them
    #[arg(long, env = "TRIALWRIGHT_METRICS_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    metrics_token: Option<String>,
    /// How the log is written; lines for a person on a terminal, JSON elsewhere, when not said
    #[arg(long, env = "TRIALWRIGHT_LOG", value_name = "FORM")]
    log: Option<Log>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Log {
    Text,
    Json,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    log(options.log);
    serve(&settings(options)?, |server| {
        note(format!("Trialwright listens at {}", server.address()));
        note("Stop it with Ctrl-C: what is under way is finished first.");
        if let Some(link) = server.first_run() {
            note(format!("Nobody has an account yet. Make the first one at\n  {link}"));
        }
    })
}

/// Starts a server, tells of it, and answers until the process is told to stop.
pub fn serve(options: &server::Options, tell: impl FnOnce(&Server)) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = Server::start(options.clone()).await.map_err(Failure::new)?;
        tell(&server);
        server.run(told_to_stop()).await.map_err(Failure::new)
    })
}

/// SIGINT or SIGTERM; a second one stops at once.
async fn told_to_stop() {
    signal().await;
    note("Stopping; once more to stop at once.");
    tokio::spawn(async {
        signal().await;
        std::process::exit(1);
    });
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};

    let interrupt = tokio::signal::ctrl_c();
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = interrupt.await;
        return;
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}

/// What the server is told, from the command line and the environment.
fn settings(options: &Options) -> Result<server::Options, Failure> {
    let mut ledgers = options.ledgers.clone();
    ledgers.extend(options.database.clone());
    if ledgers.is_empty() {
        ledgers.extend(usual());
    }
    let Some(first) = ledgers.first() else {
        return Err(Failure::new("there is no ledger here, and none was named")
            .hint("`trialwright found my-trial.toml` to begin a trial, or `trialwright demo --serve` to look at a filled one"));
    };
    let seeds = options.seed_file.len();
    if seeds > 0 && seeds != ledgers.len() {
        return Err(Failure::usage(format!(
            "--seed-file was said {seeds} times, of {} ledgers",
            ledgers.len()
        ))
        .hint("once for each ledger, in the order in which they are named, DATABASE_URL last"));
    }
    let people = options.people.clone().map_or_else(|| beside(first), Ok)?;
    let trials = ledgers.iter().enumerate().map(|(place, ledger)| TrialOptions {
        slug: None,
        ledger: ledger.clone(),
        seed: options.seed_file.get(place).cloned(),
    });
    let mut settings = server::Options::new(trials.collect(), people);
    if let Some(key) = &options.key_file {
        settings.rules.key = people::KeyPlace::File(key.clone());
    }
    settings.listen = options.listen;
    settings.tls = match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) => Some(Tls { certificate: certificate.clone(), key: key.clone() }),
        _ => None,
    };
    settings.public_address.clone_from(&options.public_address);
    settings.behind_proxy = options.behind_proxy;
    settings.wording.clone_from(&options.wording);
    settings.most_requests = options.most_requests;
    settings.memory = options.memory.saturating_mul(1 << 20);
    settings.metrics_token = options.metrics_token.as_deref().map(Secret::new);
    Ok(settings)
}

/// The ledger of this directory.
pub fn usual() -> Option<Address> {
    USUAL.iter().map(Path::new).find(|path| path.exists()).map(Address::from)
}

/// Where the people of a ledger are kept when nobody says.
pub fn beside(ledger: &Address) -> Result<String, Failure> {
    match (ledger.file(), ledger.postgres()) {
        (Some(file), _) => Ok(file.with_file_name("people.sqlite").display().to_string()),
        (None, Some(postgres)) => Ok(postgres.with_schema("people").map_err(Failure::new)?.url().to_owned()),
        (None, None) => Err(Failure::new(format!("{ledger}: neither a file nor PostgreSQL"))),
    }
}

fn log(form: Option<Log>) {
    use tracing_subscriber::EnvFilter;

    let terminal = std::io::stderr().is_terminal();
    let form = form.unwrap_or(if terminal { Log::Text } else { Log::Json });
    let filter = EnvFilter::try_from_env("RUST_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // It fails only where another log was begun, as by a test, which then stays.
    let _ = match form {
        Log::Text => log.with_ansi(terminal).compact().try_init(),
        Log::Json => log.json().flatten_event(true).try_init(),
    };
}
