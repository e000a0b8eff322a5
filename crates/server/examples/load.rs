//! Measures a server under load, and kills it under load: `scripts/load.sh` and `scripts/kill.sh` run it.
//!
//! Never measures anything but the program as it is shipped: it starts the binary it is given, over HTTP, on ledgers that the
//! simulation made. Requests are sent at their appointed moments whether or not earlier ones were answered (open loop), and a
//! time begins at that moment: a server that stalls is charged for all whom it kept waiting.
//!
//! ```text
//! load prepare DIR [--subjects 2000]          two simulated trials and the people of both
//! load measure DIR BINARY [--seconds 5] [--rate 200] [--clients 50] [--only /subjects]
//! load kill DIR BINARY [--rounds 10] [--clients 50]
//! ```

// A program that measures stops where it cannot go on.
#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::civil::date;
use ledger::Ledger;
use office::{Action, Actor, Deed, Office};
use people::{Confirmed, Hashing, NewUser, Rules, Secret, SignIn, Store};
use simulate::SimulationOptions;
use trial::event::{Instance, Role};
use trial::id::{SiteId, SubjectId};
use trial::protocol::check;
use trial::record::FilledForm;

const PROTOCOL: &str = include_str!("../../../protocols/avatar-ii.toml");
const PASSWORD: &str = "nobody types this one 94";
/// Who sees every site, and what each of them alone may see or do.
const OFFICE: &str = "load.office";
const MANAGER: &str = "load.manager";
const STATISTICIAN: &str = "load.statistician";
const READERS: [(&str, Role); 3] =
    [(OFFICE, Role::TrialOffice), (MANAGER, Role::DataManager), (STATISTICIAN, Role::Statistician)];
/// The trial that is measured is the larger one; the names are those the server gives two ledgers of one protocol.
const LARGE: &str = "avatar-ii-2";
const MOST_CLIENTS: usize = 50;

/// What a server of this size is held to.
const PAGE_P99: Duration = Duration::from_millis(20);
const SAVES_A_SECOND: f64 = 500.0;
const FIRST_ANSWER: Duration = Duration::from_millis(300);
const MEMORY_MIB: f64 = 200.0;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |name: &str, usual: usize| {
        let at = words.iter().position(|word| *word == name);
        at.and_then(|at| words.get(at + 1)?.parse().ok()).unwrap_or(usual)
    };
    let passed = match words[..] {
        ["prepare", folder, ..] => {
            prepare(Path::new(folder), number("--subjects", 2000) as u32);
            true
        }
        ["measure", folder, binary, ..] => {
            let clients = number("--clients", MOST_CLIENTS).min(MOST_CLIENTS);
            let only = words.iter().position(|word| *word == "--only").and_then(|at| words.get(at + 1));
            let only = only.copied().unwrap_or_default();
            measure(Path::new(folder), binary, number("--seconds", 5), number("--rate", 200), clients, only)
        }
        ["kill", folder, binary, ..] => {
            let clients = number("--clients", MOST_CLIENTS).min(MOST_CLIENTS);
            kill(Path::new(folder), binary, number("--rounds", 10), clients)
        }
        _ => {
            eprintln!(
                "load prepare DIR [--subjects N] | load measure DIR BINARY | load kill DIR BINARY [--rounds N]"
            );
            return ExitCode::from(2);
        }
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

fn ledger_at(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.sqlite"))
}

// ---------------------------------------------------------------------------------------------------- what is measured

/// Two trials that ended, of 74 and of `subjects` subjects, and a coordinator for each client.
fn prepare(folder: &Path, subjects: u32) {
    std::fs::create_dir_all(folder).unwrap();
    for (name, subjects, sites) in [("small", 74, 12), ("large", subjects, 40)] {
        let began = Instant::now();
        let options = SimulationOptions {
            sites: Some(sites),
            start: Some(date(2019, 1, 7)),
            participants: Some(subjects),
            ..SimulationOptions::new(check(PROTOCOL).unwrap(), 2025)
        };
        wait(async {
            let ledger = Ledger::create(ledger_at(folder, name)).await.unwrap();
            let outcome = simulate::run(&options, ledger, &mut |_| {}).await.unwrap();
            grant(&outcome.office).await;
            eprintln!(
                "{name}: {} screened, {} randomised, {} events, made in {:.1} s",
                outcome.screened,
                outcome.randomised,
                outcome.head.count,
                began.elapsed().as_secs_f64()
            );
            outcome.office.ledger().clone().close().await;
        });
    }
    wait(async {
        let store = open_people(folder).await;
        for name in (0..MOST_CLIENTS).map(client_name).chain(readers()) {
            let email = format!("{name}@example.org");
            let user = NewUser { display_name: name.clone(), email, name };
            store.add_user(user, &Secret::new(PASSWORD), Timestamp::now()).await.unwrap();
        }
        store.close().await;
    });
}

async fn open_people(folder: &Path) -> Store {
    let rules = Rules { hashing: Hashing::quick_for_tests(), ..Rules::default() };
    Store::open_with(folder.join("people.sqlite").to_str().unwrap(), rules).await.unwrap()
}

fn client_name(client: usize) -> String {
    format!("load.{client:02}")
}

fn readers() -> impl Iterator<Item = String> {
    READERS.into_iter().map(|(name, _)| name.to_owned())
}

async fn grant(office: &Office) {
    let actor = Actor::new("trial.office", Role::TrialOffice);
    let give = |user: String, role| Action::now(&actor, Deed::ChangeUser { user, given: Some(role) });
    let sites = office.overview().await.unwrap().sites;
    let coordinators = (0..MOST_CLIENTS).map(|client| {
        let site = sites[client % sites.len()].id.clone();
        give(client_name(client), Role::SiteCoordinator).at(site)
    });
    let all = coordinators.chain(READERS.map(|(name, role)| give(name.into(), role))).collect();
    office.submit(all).await.unwrap();
}

/// What the load is sent at: sessions, subjects and who works on which.
struct Field {
    /// The heaviest subject of the large trial: the one with the most forms.
    heaviest: SubjectId,
    /// Who works at its site.
    coordinator: String,
    /// Its form with the most values, as addresses name it, and the event that gave them.
    form: (String, u64),
    /// For each client its subjects, no two with one in common.
    subjects: Vec<Vec<SubjectId>>,
    sessions: BTreeMap<String, String>,
}

fn field(folder: &Path, clients: usize) -> Field {
    let reading = office::open_reading(ledger_at(folder, "large"), None).unwrap();
    let (records, _) = reading
        .records(|record| {
            let size = |form: &FilledForm| serde_json::to_string(&form.values).unwrap().len();
            let largest = record.forms.iter().max_by_key(|form| size(form));
            let largest = largest.map(|form| (address_of(&form.instance), form.event));
            (record.subject, record.site, record.forms.len(), largest)
        })
        .unwrap();
    let (sites, sessions) = wait(async {
        let office = Office::open(Ledger::open(ledger_at(folder, "large")).await.unwrap()).await.unwrap();
        let sites: Vec<SiteId> =
            office.overview().await.unwrap().sites.iter().map(|site| site.id.clone()).collect();
        office.ledger().clone().close().await;
        let store = open_people(folder).await;
        let mut sessions = BTreeMap::new();
        for name in (0..clients).map(client_name).chain(readers()) {
            sessions.insert(name.clone(), session(&store, &name).await);
        }
        store.close().await;
        (sites, sessions)
    });
    let subjects = (0..clients).map(|client| {
        let at = &sites[client % sites.len()];
        let here = records.iter().filter(|(_, site, ..)| site == at).map(|(subject, ..)| subject.clone());
        let sharers = (clients - client % sites.len()).div_ceil(sites.len());
        here.skip(client / sites.len()).step_by(sharers).collect()
    });
    let subjects: Vec<Vec<SubjectId>> = subjects.collect();
    let served = |site: &SiteId| (0..clients).find(|client| sites[client % sites.len()] == *site);
    let (coordinator, (heaviest, .., largest)) = records
        .iter()
        .filter_map(|record| Some((served(&record.1)?, record)))
        .max_by_key(|(_, (.., forms, _))| *forms)
        .unwrap();
    let (heaviest, form) = (heaviest.clone(), largest.clone().unwrap());
    Field { heaviest, coordinator: client_name(coordinator), form, subjects, sessions }
}

/// A form in addresses: `ecog@SCREENING`, `ae.2`, each part encoded.
fn address_of(instance: &Instance) -> String {
    let visit = instance.visit.as_ref().map_or(String::new(), |visit| format!("%40{visit}"));
    let number = if instance.occurrence == 1 { String::new() } else { format!(".{}", instance.occurrence) };
    format!("{}{visit}{number}", instance.form)
}

/// Every page that people read, with who reads it: of the lists the one who sees all sites, of a subject the one who fills
/// its forms. A page is named by its address within the trial.
fn pages(field: &Field) -> Vec<(String, &str)> {
    let (form, event) = &field.form;
    let (subject, own) = (field.heaviest.as_str().replace('/', "%2F"), field.coordinator.as_str());
    let of_all = [
        ("", OFFICE),
        ("/by-arm", STATISTICIAN),
        ("/subjects", OFFICE),
        ("/screening", OFFICE),
        ("/visits", OFFICE),
        ("/outstanding", OFFICE),
        ("/queries", MANAGER),
        ("/review", MANAGER),
        ("/deviations", OFFICE),
        ("/questionnaires", OFFICE),
        ("/trail", OFFICE),
        ("/trail/1000", OFFICE),
        ("/sites", OFFICE),
        ("/people", OFFICE),
        ("/people/roles", OFFICE),
        ("/people/invite", OFFICE),
        ("/people/tokens", OFFICE),
        ("/protocol", OFFICE),
        ("/protocol/versions/1", OFFICE),
        ("/protocol/new", OFFICE),
        ("/randomisation", OFFICE),
        ("/reports", OFFICE),
        ("/new-site", OFFICE),
        ("/screen", own),
    ];
    let of_subject = [
        "",
        "/calendar",
        "/eligibility",
        "/questionnaires",
        "/contact",
        "/randomisation",
        "/add/ae",
        &format!("/forms/{form}"),
        &format!("/forms/{form}/saved?event={event}"),
        "/forms/ecog%40SCREENING",
    ];
    let mut pages: Vec<_> = of_all.into_iter().map(|(page, who)| (page.to_owned(), who)).collect();
    pages.extend(of_subject.map(|page| (format!("/subjects/{subject}{page}"), own)));
    pages.push((format!("/subjects/{subject}/raise-query"), MANAGER));
    pages.push((format!("/trail?subject={subject}"), own));
    pages
}

/// A session in which the second factor was given.
async fn session(store: &Store, name: &str) -> String {
    let now = Timestamp::now();
    // A factor that an earlier run enrolled is known to that run alone.
    store.remove_second_factor(name).await.unwrap();
    let SignIn::Open(token, session) =
        store.sign_in(name, &Secret::new(PASSWORD), "127.0.0.1", now).await.unwrap()
    else {
        panic!("{name} cannot sign in");
    };
    let enrolment = store.enrol(&session, now).await.unwrap();
    let codes = totp_rs::Totp::from_url(enrolment.uri.reveal()).unwrap();
    let code = codes.generate(u64::try_from(now.as_second()).unwrap()).to_string();
    assert!(matches!(store.confirm(&session, &code, "127.0.0.1", now).await.unwrap(), Confirmed::Codes(_)));
    token.reveal().to_owned()
}

// ------------------------------------------------------------------------------------------------------------ a server

struct Running {
    process: Child,
    address: String,
    /// From the start of the process to its first answer.
    first_answer: Duration,
}

impl Running {
    fn start(folder: &Path, binary: &str) -> Self {
        let began = Instant::now();
        let mut process = Command::new(binary)
            .arg("serve")
            .args([ledger_at(folder, "small"), ledger_at(folder, "large")])
            .args(["--listen", "127.0.0.1:0", "--most-requests", "1000000", "--people"])
            .arg(folder.join("people.sqlite"))
            .env("RUST_LOG", "warn")
            .stderr(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let listens = lines
            .by_ref()
            .map(Result::unwrap)
            .find_map(|line| line.split_once("listens at ").map(|(_, address)| address.trim().to_owned()));
        let address = listens.expect("the server said nothing of where it listens");
        // What it says later is shown, or the pipe would fill.
        thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("  server: {line}")));
        let agent = agent();
        while agent.get(format!("{address}/health")).call().map_or(true, |reply| reply.status() != 200) {
            assert!(began.elapsed() < Duration::from_secs(30), "no answer in 30 s");
            thread::sleep(Duration::from_millis(1));
        }
        Self { process, address, first_answer: began.elapsed() }
    }

    /// Waits until every list is made, and tells how long that took.
    fn ready(&self) -> Duration {
        let (began, agent) = (Instant::now(), agent());
        while agent
            .get(format!("{}/health/ready", self.address))
            .call()
            .map_or(true, |reply| reply.status() != 200)
        {
            assert!(began.elapsed() < Duration::from_mins(5), "not ready in 5 min");
            thread::sleep(Duration::from_millis(20));
        }
        began.elapsed()
    }

    /// A line of `/proc/PID/status`, in MiB.
    fn memory(&self, of: &str) -> f64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with(of)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .into()
}

// ------------------------------------------------------------------------------------------------------------ measuring

fn measure(folder: &Path, binary: &str, seconds: usize, rate: usize, clients: usize, only: &str) -> bool {
    let field = field(folder, clients);
    let server = Running::start(folder, binary);
    let mut passed = told(
        "start to first answer",
        server.first_answer.as_secs_f64() * 1e3,
        "ms",
        FIRST_ANSWER.as_secs_f64() * 1e3,
        true,
    );
    println!("  every list made                         {:9.0} ms", server.ready().as_secs_f64() * 1e3);
    passed &= told("memory, lists made", server.memory("VmRSS"), "MiB", MEMORY_MIB, true);
    let mut slowest = (Duration::ZERO, String::new());
    for (page, who) in pages(&field).into_iter().filter(|(page, _)| only.is_empty() || page == only) {
        let path = format!("/t/{LARGE}{page}");
        let times = open_loop(&server.address, &path, &field.sessions[who], seconds * rate, rate);
        let ms = |share: f64| at(&times, share).as_secs_f64() * 1e3;
        let page = if page.is_empty() { "overview".to_owned() } else { page };
        let name = format!("{page:34} p50 {:6.1} ms  p99", ms(0.5));
        passed &= told(&name, ms(0.99), "ms", PAGE_P99.as_secs_f64() * 1e3, true);
        slowest = slowest.max((at(&times, 0.99), page));
    }
    println!(
        "  the heaviest page is {}; memory after the pages {:.0} MiB",
        slowest.1,
        server.memory("VmRSS")
    );
    let saves =
        saves(&server.address, &field, Duration::from_secs(seconds as u64 * 2), &Mutex::default(), None);
    passed &= told("durable saves of forms", saves, "/s", SAVES_A_SECOND, false);
    println!("  every list brought up to date            {:8.0} ms", {
        let began = Instant::now();
        open_loop(&server.address, &format!("/t/{LARGE}/subjects"), &field.sessions[OFFICE], 1, 1);
        began.elapsed().as_secs_f64() * 1e3
    });
    println!("  memory, after the load                  {:9.0} MiB", server.memory("VmRSS"));
    passed &= told("memory, most at any moment", server.memory("VmHWM"), "MiB", MEMORY_MIB, true);
    passed
}

/// Prints a figure beside its bar; tells whether it holds.
fn told(name: &str, found: f64, unit: &str, bar: f64, at_most: bool) -> bool {
    let holds = if at_most { found <= bar } else { found >= bar };
    let (state, sign) = (if holds { "PASS" } else { "FAIL" }, if at_most { "<=" } else { ">=" });
    println!(
        "{state} {name:52} {found:9.1} {unit}   (bar: {sign} {bar:.0}; load average {})",
        load_average()
    );
    holds
}

/// What else the machine had to do: runnable processes over the last minute.
fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn at(sorted: &[Duration], share: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

/// Asks for a page `count` times, `rate` a second, each at its moment; the times in order.
fn open_loop(address: &str, path: &str, token: &str, count: usize, rate: usize) -> Vec<Duration> {
    let mut url = format!("{address}{path}");
    let cookie = format!("trialwright={token}");
    // The first request of a page after a save may find lists that are being brought up to date; that is measured apart.
    let mut first = agent().get(&url).header("cookie", &cookie).call().unwrap();
    if let Some(onward) = first.headers().get("location").filter(|_| first.status() == 303) {
        url = format!("{address}{}", onward.to_str().unwrap());
        first = agent().get(&url).header("cookie", &cookie).call().unwrap();
    }
    assert_eq!(first.status(), 200, "{url}");
    let next = AtomicUsize::new(0);
    let times = Mutex::new(Vec::with_capacity(count));
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..rate.min(32) {
            scope.spawn(|| {
                let agent = agent();
                let mut own = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    let due = began + Duration::from_secs_f64(number as f64 / rate as f64);
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    let mut reply = agent.get(&url).header("cookie", &cookie).call().unwrap();
                    assert_eq!(reply.status(), 200, "{path}");
                    reply.body_mut().read_to_vec().unwrap();
                    own.push(due.elapsed());
                }
                times.lock().unwrap().extend(own);
            });
        }
    });
    let mut times = times.into_inner().unwrap();
    times.sort_unstable();
    times
}

/// Each client saves adverse events, one after another, as fast as they are acknowledged; gives how many a second, and the terms
/// of those that were acknowledged.
fn saves(
    address: &str,
    field: &Field,
    lasts: Duration,
    acknowledged: &Mutex<Vec<String>>,
    dies: Option<&AtomicBool>,
) -> f64 {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    let turn = format!("{}-{}", std::process::id(), TURN.fetch_add(1, Ordering::Relaxed));
    let done = AtomicUsize::new(0);
    let began = Instant::now();
    thread::scope(|scope| {
        for (client, subjects) in field.subjects.iter().enumerate() {
            let (done, turn) = (&done, &turn);
            scope.spawn(move || {
                let agent = agent();
                let token = &field.sessions[&client_name(client)];
                let (cookie, csrf) = (format!("trialwright={token}"), Store::csrf(token));
                for (number, subject) in subjects.iter().cycle().enumerate() {
                    if began.elapsed() > lasts {
                        break;
                    }
                    // A term that CTCAE does not know is told of with the nearest it knows: not what most saves are.
                    let unique = || format!("Rash {turn}-{client}-{number}");
                    let term = if dies.is_some() { unique() } else { "Fatigue".to_owned() };
                    let path =
                        format!("/t/{LARGE}/subjects/{}/forms/ae", subject.as_str().replace('/', "%2F"));
                    let fields = [
                        ("_csrf", csrf.as_str()),
                        ("_seen", "0"),
                        ("_further", "1"),
                        ("AETERM", &term),
                        ("AETOXGR", "1"),
                        ("AESTDAT", "2021-06"),
                        ("AESER", "N"),
                        ("AERELSYS", "UNLIKELY"),
                        ("AERELSAB", "UNRELATED"),
                    ];
                    let sent =
                        agent.post(format!("{address}{path}")).header("cookie", &cookie).send_form(fields);
                    match sent {
                        Ok(mut reply) if reply.status() == 303 => {
                            // As browsers do: read to its end, so that the connection is used again.
                            let _ = reply.body_mut().read_to_vec();
                            done.fetch_add(1, Ordering::Relaxed);
                            acknowledged.lock().unwrap().push(term);
                        }
                        Err(_) if dies.is_some_and(|dies| dies.load(Ordering::SeqCst)) => break,
                        Ok(mut reply) => {
                            let page = reply.body_mut().read_to_string().unwrap_or_default();
                            panic!("{path}: {} {page}", reply.status());
                        }
                        Err(wrong) => panic!("{path}: {wrong}"),
                    }
                }
            });
        }
    });
    done.into_inner() as f64 / began.elapsed().as_secs_f64()
}

// --------------------------------------------------------------------------------------------------------------- killing

/// Kills the server with SIGKILL while clients save and others read, again and again: whatever was acknowledged must be in the
/// ledger, the ledger must verify, and the server must start again.
fn kill(folder: &Path, binary: &str, rounds: usize, clients: usize) -> bool {
    let mut passed = true;
    for round in 1..=rounds {
        let field = field(folder, clients);
        let mut server = Running::start(folder, binary);
        let (acknowledged, dies) = (Arc::new(Mutex::new(Vec::new())), AtomicBool::new(false));
        // Another moment in each round, from the very first saves on.
        let lives = Duration::from_millis(
            150 + u64::from(Timestamp::now().subsec_nanosecond().unsigned_abs()) % 1700,
        );
        let address = server.address.clone();
        thread::scope(|scope| {
            let saving =
                scope.spawn(|| saves(&address, &field, Duration::from_secs(20), &acknowledged, Some(&dies)));
            for _ in 0..4 {
                scope.spawn(|| read_until(&address, &field, &dies));
            }
            thread::sleep(lives);
            dies.store(true, Ordering::SeqCst);
            server.process.kill().unwrap();
            server.process.wait().unwrap();
            saving.join().unwrap();
        });
        let acknowledged = acknowledged.lock().unwrap().clone();
        passed &= survived(folder, round, lives, &acknowledged);
    }
    let again = Running::start(folder, binary);
    println!("started again in {:.0} ms", again.first_answer.as_secs_f64() * 1e3);
    passed
}

/// Reads one page after another until the server dies.
fn read_until(address: &str, field: &Field, dies: &AtomicBool) {
    let agent = agent();
    for (page, who) in pages(field).iter().cycle() {
        let cookie = format!("trialwright={}", field.sessions[*who]);
        let url = format!("{address}/t/{LARGE}{page}");
        if agent.get(&url).header("cookie", &cookie).call().is_err() || dies.load(Ordering::SeqCst) {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn survived(folder: &Path, round: usize, lived: Duration, acknowledged: &[String]) -> bool {
    let reading = office::open_reading(ledger_at(folder, "large"), None).unwrap();
    let mut found = BTreeSet::new();
    let (records, _) = reading.records(|record| record).unwrap();
    for form in records.iter().flat_map(|record| &record.forms).filter(|form| form.instance.form == "ae") {
        found.extend(form.values.get("AETERM").and_then(|term| term.as_str()).map(str::to_owned));
    }
    let lost: Vec<_> = acknowledged.iter().filter(|term| !found.contains(*term)).collect();
    let sound = wait(async {
        let ledger = Ledger::open_read_only(ledger_at(folder, "large")).await.unwrap();
        let verified = ledger.verify(&[], None, |_, _| {}).await.unwrap();
        ledger.close().await;
        verified.is_sound()
    });
    println!(
        "{} round {round}: killed after {} ms; {} saves acknowledged, {} of them lost; the ledger {}",
        if lost.is_empty() && sound && !acknowledged.is_empty() { "PASS" } else { "FAIL" },
        lived.as_millis(),
        acknowledged.len(),
        lost.len(),
        if sound { "verifies" } else { "does NOT verify" }
    );
    lost.is_empty() && sound && !acknowledged.is_empty()
}
