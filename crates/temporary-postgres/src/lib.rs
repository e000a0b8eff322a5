//! A `PostgreSQL` cluster for tests, of the machine's own binaries, gone when the test process is: also when that panics or is killed.
//!
//! Never for data that anybody wants to keep: unless asked to, it does not wait for the disk. It panics where it fails, as tests do.
//! See <https://www.postgresql.org/docs/current/app-pg-ctl.html>.
//!
//! ```no_run
//! # fn test() {
//! let Some(cluster) = temporary_postgres::cluster() else { return };
//! let database = cluster.database();
//! println!("{}", database.url());
//! # }
//! ```

mod machine;

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use machine::Machine;

/// The superuser of every cluster.
pub const USER: &str = "trialwright";
/// The superuser's password.
pub const PASSWORD: &str = "not-a-secret";

/// How often another port is tried when somebody took the first meanwhile.
const ATTEMPTS: usize = 5;

/// What a cluster of one's own is started with.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Whether the server waits for the disk, as one that serves does.
    pub fsync: bool,
    /// Further lines of `postgresql.conf`: name and value.
    pub configuration: Vec<(&'static str, String)>,
    /// Files in the directory of the data, that the server alone may read: name and content.
    pub files: Vec<(&'static str, String)>,
}

/// The cluster that the tests of a process share, started at the first call. None where the machine has no `PostgreSQL`, which is said
/// on the standard error; with `CI=true` in the environment that is a failure.
pub fn cluster() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start(&Settings::default())).as_ref()
}

/// A running server with its data. Dropped, it is stopped and its data removed; so it is when the process ends, however it ends.
#[derive(Debug)]
pub struct Cluster {
    machine: Machine,
    directory: PathBuf,
    port: u16,
    /// Waits for the end of its standard input, which comes with the end of this process.
    keeper: Child,
}

impl Cluster {
    /// Starts a cluster of the caller's own, such as one that is to be stopped. None as for [`cluster`].
    pub fn start(settings: &Settings) -> Option<Self> {
        let Some(machine) = Machine::look() else {
            let wanted = "no PostgreSQL server: install it (Debian: `apt-get install postgresql`)";
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{wanted}");
            let test = std::thread::current().name().unwrap_or("a test").to_owned();
            // Written past the harness, which would keep to itself what a passing test prints.
            let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: {wanted}");
            return None;
        };
        let directory = tempfile::Builder::new()
            .prefix("postgres-")
            .tempdir()
            .unwrap_or_else(|error| panic!("no directory for a PostgreSQL cluster: {error}"))
            .keep(); // the keeper removes it
        machine.own(&directory);
        let keeper = keep(&machine, &directory);
        let mut cluster = Self { machine, directory, port: 0, keeper };
        cluster.make(settings);
        for attempt in 1.. {
            cluster.port = free_port();
            match cluster.try_start() {
                Ok(()) => break,
                Err(error) => assert!(attempt < ATTEMPTS, "PostgreSQL does not start: {error}"),
            }
        }
        Some(cluster)
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of the unix socket.
    pub fn socket(&self) -> &Path {
        &self.directory
    }

    /// The address of a database for the superuser, with the password.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// The same by the unix socket, where nobody is asked for a password: connecting takes less time.
    pub fn socket_url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&port={}&user={USER}", self.directory.display(), self.port)
    }

    /// Makes an empty database with a name of its own.
    pub fn database(&self) -> Database<'_> {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.run("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"));
        Database { url: self.url(&name), cluster: self, name }
    }

    /// Runs SQL as the superuser and gives what it answers: a line for a row, `|` between columns.
    pub fn run(&self, database: &str, sql: &str) -> String {
        let mut command = self.command("psql");
        command.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", USER]);
        command.args(["-p", &self.port.to_string(), "-d", database, "-c", sql]);
        run(command.env("PGPASSWORD", PASSWORD)).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Stops the server as a power cut would, as far as it can be: nothing is finished, nothing is written any more.
    pub fn stop_at_once(&self) {
        self.control(&["stop", "-m", "immediate"]).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Starts a server that was stopped, on the same port.
    pub fn start_again(&self) {
        self.try_start().unwrap_or_else(|error| panic!("PostgreSQL does not start again: {error}"));
    }

    fn make(&self, settings: &Settings) {
        let password = self.directory.join("password");
        std::fs::write(&password, PASSWORD).unwrap_or_else(|error| panic!("{}: {error}", password.display()));
        self.machine.own(&password);
        let mut command = self.command("initdb");
        command.args([
            "--no-sync",
            "--encoding=UTF8",
            "--auth-host=scram-sha-256",
            "--auth-local=trust",
            "--username",
            USER,
            "--pgdata",
        ]);
        command.arg(self.data()).arg("--pwfile").arg(&password).args(self.machine.locale());
        run(&mut command).unwrap_or_else(|error| panic!("initdb: {error}"));

        for (name, content) in &settings.files {
            let path = self.data().join(name);
            std::fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            self.machine.own(&path);
        }
        let mut lines = vec![
            "listen_addresses = '127.0.0.1'".to_owned(),
            format!("unix_socket_directories = '{}'", self.directory.display()),
            "max_connections = 200".to_owned(),
            "shared_buffers = '32MB'".to_owned(),
        ];
        if !settings.fsync {
            lines.extend(["fsync = off".to_owned(), "full_page_writes = off".to_owned()]);
        }
        lines.extend(settings.configuration.iter().map(|(name, value)| format!("{name} = '{value}'")));
        let file = self.data().join("postgresql.conf");
        let written = std::fs::OpenOptions::new()
            .append(true)
            .open(&file)
            .and_then(|mut file| file.write_all((lines.join("\n") + "\n").as_bytes()));
        written.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    fn try_start(&self) -> Result<(), String> {
        let log = self.directory.join("log");
        let port = format!("-p {}", self.port);
        self.control(&["start", "-o", &port, "-l", &log.display().to_string()])
            .map_err(|error| format!("{error}\n{}", std::fs::read_to_string(&log).unwrap_or_default()))
    }

    /// `pg_ctl`, waiting until it is done.
    fn control(&self, arguments: &[&str]) -> Result<(), String> {
        run(self.command("pg_ctl").args(arguments).args(["-s", "-w", "-t", "60", "-D"]).arg(self.data()))
            .map(drop)
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.machine.command(program);
        command.current_dir(&self.directory);
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait(); // it stops the server and removes the directory
    }
}

/// An empty database. Dropped, it is removed from its cluster.
#[derive(Debug)]
pub struct Database<'c> {
    cluster: &'c Cluster,
    name: String,
    url: String,
}

impl Database<'_> {
    /// Its address for the superuser, with the password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same by the unix socket: see [`Cluster::socket_url`].
    pub fn socket_url(&self) -> String {
        self.cluster.socket_url(&self.name)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs SQL in it as the superuser: see [`Cluster::run`].
    pub fn run(&self, sql: &str) -> String {
        self.cluster.run(&self.name, sql)
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.cluster.run("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

/// A shell that outlives this process by as long as it takes to stop the server and remove its directory. No signal of the terminal
/// reaches it.
fn keep(machine: &Machine, directory: &Path) -> Child {
    let script = r#"trap "" INT TERM HUP
        cat >/dev/null
        "$1" stop -s -m fast -w -t 30 -D "$2/data" || "$1" stop -s -m immediate -w -D "$2/data"
        rm -rf "$2""#;
    let mut shell = machine.shell();
    shell.args(["-c", script, "keeper"]).arg(machine.binary("pg_ctl")).arg(directory).current_dir("/");
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn().unwrap_or_else(|error| panic!("sh: {error}"))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_or_else(|error| panic!("no free port on 127.0.0.1: {error}"), |address| address.port())
}

/// What a command printed, or what it complained of. What it starts and leaves running may hold none of this process's files.
fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(format!("{name}: {}\n{}{}", output.status, text(&output.stdout), text(&output.stderr)))
    }
}
