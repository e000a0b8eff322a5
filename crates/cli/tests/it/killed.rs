//! The server is killed while clients save: what was acknowledged is in the ledger, the ledger verifies, the server starts again.
//!
//! Never more than a few seconds; `scripts/kill.sh` does the same for longer and with more clients.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use people::{Secret, SignIn, Store};

use crate::stage::{arg, scratch, show, small_protocol};

struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(ledger: &Path) -> Self {
        let mut process = Command::new(assert_cmd::cargo::cargo_bin!("trialwright"))
            .arg("serve")
            .arg(ledger)
            .args(["--listen", "127.0.0.1:0", "--most-requests", "100000"])
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        let address = lines.find_map(|line| Some(line.split_once("listens at http://")?.1.trim().to_owned()));
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address: address.expect("it says where it listens") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The session of a coordinator of site 01, and a trial with a subject for each client.
fn furnished(folder: &Path, clients: usize) -> (String, Vec<String>) {
    use office::{Action, Actor, Deed, Office};
    use trial::event::Role;

    let path = folder.join("trial.sqlite");
    let shown = show(&["found", &small_protocol(folder), "--ledger", &arg(&path)]);
    assert_eq!(shown.code, 0, "{shown}");
    let subjects: Vec<String> = (1..=clients).map(|number| format!("01-{number:03}")).collect();
    let trial_office = Actor::new("trial.office", Role::TrialOffice);
    let coordinator = Actor::new("coordinator", Role::SiteCoordinator);
    let token = office::block_on(async {
        let office = Office::open(ledger::Ledger::open(path.as_path()).await.unwrap()).await.unwrap();
        let opened = Deed::OpenSite { name: "Harbour Hospital".into(), country: None };
        let role = Deed::ChangeUser { user: "coordinator".into(), given: Some(Role::SiteCoordinator) };
        let mut actions =
            vec![Action::now(&trial_office, opened).at("01"), Action::now(&trial_office, role).at("01")];
        let screen = |subject: &String| Action::now(&coordinator, Deed::Screen).at("01").of(subject.as_str());
        actions.extend(subjects.iter().map(screen));
        office.submit(actions).await.unwrap();
        office.ledger().clone().close().await;
        let store = Store::open(folder.join("people.sqlite").to_str().unwrap()).await.unwrap();
        let password = Secret::new("violet anchors hum quietly 47");
        let user = people::NewUser {
            name: "coordinator".into(),
            display_name: "Cora Coordinator".into(),
            email: "cora@hospital.example".into(),
        };
        let now = jiff::Timestamp::now();
        store.add_user(user, &password, now).await.unwrap();
        let SignIn::Open(token, _) = store.sign_in("coordinator", &password, "127.0.0.1", now).await.unwrap()
        else {
            panic!("the coordinator cannot sign in");
        };
        store.close().await;
        token.reveal().to_owned()
    });
    (token.unwrap(), subjects)
}

/// Sends a form; none where the server did not live to answer, else the status.
fn save(address: &str, token: &str, subject: &str, term: &str) -> Option<String> {
    let body = format!(
        "_csrf={}&_seen=0&_further=1&AETERM={term}&AETOXGR=1&AESTDAT=2026-01&AESER=N&AERELSYS=UNLIKELY&AERELSAB=UNRELATED",
        Store::csrf(token)
    );
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let request = format!(
        "POST /t/avatar-ii/subjects/{subject}/forms/ae HTTP/1.1\r\nhost: {address}\r\ncookie: trialwright={token}\r\n\
         connection: close\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split_whitespace().nth(1).map(str::to_owned)
}

#[test]
fn loses_no_acknowledged_save_when_it_is_killed() {
    const CLIENTS: usize = 4;
    let folder = scratch();
    let path = folder.path().join("trial.sqlite");
    let (token, subjects) = furnished(folder.path(), CLIENTS);
    let acknowledged = Mutex::new(Vec::new());
    for (round, lives) in [30, 170, 400].into_iter().enumerate() {
        let mut server = Server::start(&path);
        let (address, dead, token) = (server.address.clone(), AtomicBool::new(false), &token);
        std::thread::scope(|scope| {
            for subject in &subjects {
                let (address, dead, acknowledged) = (&address, &dead, &acknowledged);
                scope.spawn(move || {
                    for number in 0.. {
                        let term = format!("Rash-{round}-{subject}-{number}");
                        match save(address, token, subject, &term).as_deref() {
                            Some("303") => acknowledged.lock().unwrap().push(term),
                            Some(status) => panic!("{term}: {status}"),
                            None => {
                                assert!(dead.load(Ordering::SeqCst), "{term}: no answer");
                                break;
                            }
                        }
                    }
                });
            }
            // The first save of a round shows that it takes saves at all.
            let before = acknowledged.lock().unwrap().len();
            let began = std::time::Instant::now();
            while acknowledged.lock().unwrap().len() == before && began.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(2));
            }
            std::thread::sleep(Duration::from_millis(lives));
            dead.store(true, Ordering::SeqCst);
            server.process.kill().unwrap();
            server.process.wait().unwrap();
        });
    }
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() >= 3, "only {} saves were acknowledged", acknowledged.len());
    let trail = show(&["export-audit", &arg(&path), "--json"]);
    for term in &acknowledged {
        assert!(trail.out.contains(term.as_str()), "{term} was acknowledged, and is lost");
    }
    let verified = show(&["verify", &arg(&path)]);
    assert_eq!(verified.code, 0, "{verified}");
    let again = Server::start(&path);
    assert_eq!(save(&again.address, &token, &subjects[0], "after").as_deref(), Some("303"));
}
