//! How a server is run: where the trials and the people are, where it listens, what stands before it.
//!
//! Never reads the command line or the environment: the command `serve` does, and hands this in.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::Timestamp;
use ledger::Address;
use people::Secret;

/// Memory for the subjects last looked at where nothing else is said, in bytes: about a hundred of a trial that is far on.
pub const MEMORY: usize = 32 << 20;

/// One trial of a server.
#[derive(Clone, Debug)]
pub struct TrialOptions {
    /// Its name in addresses, `/t/{slug}/`: letters, digits and hyphens. None: made of the trial's id.
    pub slug: Option<String>,
    /// Its ledger.
    pub ledger: Address,
    /// The file of the secret seed; none: beside the ledger's file.
    pub seed: Option<PathBuf>,
}

/// TLS by the server itself.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The certificate and its chain (PEM).
    pub certificate: PathBuf,
    /// The private key (PEM).
    pub key: PathBuf,
}

/// How a server is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The trials.
    pub trials: Vec<TrialOptions>,
    /// The people: the path of an `SQLite` file, or `postgres://…`.
    pub people: String,
    /// How long sessions last, and when a user is locked out.
    pub rules: people::Rules,
    /// Where to listen.
    pub listen: SocketAddr,
    /// TLS; none: plain HTTP, for this machine alone or behind a proxy that speaks TLS.
    pub tls: Option<Tls>,
    /// The address people type, such as `https://trial.example.org`: links in invitations and QR codes begin with it, and
    /// with `https` cookies go over TLS only. None: `http(s)://` and where it listens.
    pub public_address: Option<String>,
    /// A proxy stands before the server and says in `X-Forwarded-For` who asks.
    pub behind_proxy: bool,
    /// The wording of questionnaires: a TOML file of item ids and texts that the trial office supplies.
    pub wording: Option<PathBuf>,
    /// A demonstration: the log-in page shows these users, all of whose passwords are the one given.
    pub demonstration: Option<Demonstration>,
    /// Opens `/metrics` to whoever sends it as a bearer token; without it only this machine itself may read them.
    pub metrics_token: Option<people::Secret>,
    /// Requests a second from one address before it is told to wait.
    pub most_requests: u32,
    /// Memory for the subjects last looked at, of all trials together, in bytes.
    pub memory: usize,
}

/// Users of a demonstration, shown on its log-in page.
#[derive(Clone, Debug, Default)]
pub struct Demonstration {
    /// Name and role in words.
    pub users: Vec<(String, String)>,
    /// Their password.
    pub password: String,
    /// The `otpauth://` address of a user's second factor (`people::Enrolment::uri`): the page that asks for a code then shows it,
    /// as the user's authenticator app would.
    pub authenticators: BTreeMap<String, Secret>,
}

impl Demonstration {
    /// The code that a user's authenticator shows at a moment.
    pub(crate) fn code_of(&self, user: &str, now: Timestamp) -> Option<String> {
        let codes = totp_rs::Totp::from_url(self.authenticators.get(user)?.reveal()).ok()?;
        Some(codes.generate(u64::try_from(now.as_second()).ok()?).to_string())
    }
}

impl Options {
    /// A server of `trials` on this machine alone.
    pub fn new(trials: Vec<TrialOptions>, people: impl Into<String>) -> Self {
        Self {
            trials,
            people: people.into(),
            rules: people::Rules::default(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls: None,
            public_address: None,
            behind_proxy: false,
            wording: None,
            demonstration: None,
            metrics_token: None,
            most_requests: 100,
            memory: MEMORY,
        }
    }
}
