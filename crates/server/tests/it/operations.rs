//! What surrounds every answer: headers, limits, the log, TLS, and a server's end.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use office::{Action, Actor, Deed};
use rstest::rstest;
use server::Tls;
use trial::event::{Role, What};

use crate::eligible::events;
use crate::scaffold::{On, PASSWORD, demo, empty, empty_with};

#[rstest]
#[case::log_in("/log-in", 200)]
#[case::home("/", 303)]
#[case::health("/health", 200)]
#[case::nowhere("/no-such-page", 404)]
#[case::closed("/t/one/subjects", 303)]
fn every_answer_carries_the_headers_of_security(#[case] path: &str, #[case] status: u16) {
    let reply = demo().client().get(path);
    assert_eq!(reply.status, status, "{}", reply.words());
    secured(&reply);
}

#[test]
fn pages_of_patients_are_kept_by_no_cache() {
    let running = demo();
    let subject = running.subject_at("01");
    for path in
        [format!("/t/one/subjects/{subject}"), "/t/one/subjects".into(), "/t/one/subjects/none".into()]
    {
        let reply = running.as_user("investigator").get(&path);
        assert!(reply.status == 200 || reply.status == 404, "{path}: {}", reply.status);
        secured(&reply);
    }
}

/// See OWASP's Secure Headers Project.
fn secured(reply: &crate::scaffold::Reply) {
    let policy = reply.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    // By plain HTTP, browsers would have to disregard it (RFC 6797, 7.2).
    assert_eq!(reply.header("strict-transport-security"), None);
}

#[test]
fn files_that_never_change_are_kept_by_browsers() {
    let running = demo();
    let page = running.client().get("/log-in");
    let sheet = page.links().into_iter().find(|link| link.ends_with("app.css")).unwrap();
    let reply = running.client().send("GET", &sheet, &[("accept-encoding", "gzip")], None);
    let kept = reply.header("cache-control").unwrap_or_default();
    assert!(reply.status == 200 && kept.contains("immutable"), "{} {kept}", reply.status);
}

#[test]
fn pages_with_a_token_are_not_compressed() {
    let running = demo();
    // Otherwise their length would tell of the token, a letter at a time (BREACH, CVE-2013-3587).
    let page =
        running.as_user("investigator").send("GET", "/t/one/subjects", &[("accept-encoding", "gzip")], None);
    assert_eq!((page.status, page.header("content-encoding")), (200, None));
}

#[test]
fn whoever_asks_too_much_is_told_to_wait() {
    let running = empty_with(|options| options.most_requests = 2);
    let replies: Vec<_> = (0..40).map(|_| running.client().get("/health")).collect();
    let refused = replies.iter().find(|reply| reply.status == 429).expect("forty requests were let through");
    assert!(
        refused.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok()).is_some_and(|s| s > 0)
    );
    assert_eq!(replies[0].status, 200);
}

#[test]
fn more_than_two_mebibytes_are_not_read() {
    let running = demo();
    let client = running.as_user("coordinator");
    let subject = running.subject_at("01");
    let large = "x".repeat(3 * 1024 * 1024);
    let path = format!("/t/one/subjects/{subject}/forms/ecog%40SCREENING");
    // The server may answer and close before all was sent.
    let body = format!("_csrf={}&QSDAT={large}", client.csrf());
    let mut stream = TcpStream::connect(running.address.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncookie: trialwright={}\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        client.token().unwrap(),
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let _ = stream.write_all(body.as_bytes());
    let mut answer = [0; 64];
    let read = stream.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

// ------------------------------------------------------------------------------------------------------------- the log

/// What the servers of all tests of this binary log, once somebody listens.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn log() -> &'static Lines {
    static LOG: OnceLock<Lines> = OnceLock::new();
    LOG.get_or_init(|| {
        let lines = Lines::default();
        let writer = lines.clone();
        // As `serve` sets it up, and with what libraries say when they are asked to say much.
        tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
            .with_writer(move || writer.clone())
            .init();
        lines
    })
}

#[test]
fn the_log_names_no_subject_no_user_and_nothing_typed() {
    let log = log();
    let running = empty();
    let coordinator = Actor::new("coordinator", Role::SiteCoordinator);
    let subject = "01-8642";
    running.submit(vec![Action::now(&coordinator, Deed::Screen).at("01").of(subject)]);
    std::thread::sleep(Duration::from_millis(150));
    let client = running.as_user("coordinator");
    let page = format!("/t/one/subjects/{subject}");
    assert_eq!(client.get(&page).status, 200);
    client.get(&format!("/t/one/subjects?search={subject}&xanthopsia=1"));
    let typed = client.post(
        &format!("{page}/forms/prior"),
        &[("_seen", "0"), ("_further", "1"), ("CMTRT", "Xanthopsia in the left eye")],
    );
    assert!(typed.status == 422 || typed.status == 303, "{}", typed.status);
    let wrong = client
        .post(&format!("{page}/forms/demography%40SCREENING"), &[("_seen", "0"), ("BRTHYY", "Xanthopsia")]);
    assert_eq!(wrong.status, 422);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let template = "\"route\":\"/t/{trial}/subjects/{subject}/forms/{instance}\"";
    assert!(text.contains(template) && text.contains("\"status\":422"), "nothing was logged: {text}");
    for secret in [subject, "anthopsia", &client.token().unwrap(), &client.csrf(), "8642"] {
        let line = text.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret}: {}", line.unwrap_or_default());
    }
}

// ------------------------------------------------------------------------------------------------------------- cookies

#[test]
fn over_tls_only_the_cookie_of_this_host_opens_a_session() {
    // A proxy speaks TLS; it hands the requests on by plain HTTP.
    let running = empty_with(|options| options.public_address = Some("https://trial.example.org".into()));
    let token = running.signed_in("coordinator").token().unwrap();
    let status =
        |cookie: String| running.client().send("GET", "/account", &[("cookie", &cookie)], None).status;
    assert_eq!(status(format!("__Host-trialwright={token}")), 200);
    // Another host of the domain, or a page over plain HTTP, can set one of this name.
    assert_eq!(status(format!("trialwright={token}")), 303);
    let page = running.client().get("/log-in");
    let fields = [("name", "coordinator"), ("password", PASSWORD), ("_page", &page.field("_page").unwrap())];
    let body = serde_urlencoded::to_string(fields).unwrap();
    let form = ("content-type", "application/x-www-form-urlencoded");
    let set = |reply: &crate::scaffold::Reply| {
        let set = reply.headers.get_all("set-cookie").iter().next().unwrap();
        set.to_str().unwrap().to_owned()
    };
    let before = set(&page);
    let (pair, _) = before.split_once(';').unwrap();
    let reply = running.client().send("POST", "/log-in", &[form, ("cookie", pair)], Some(body.clone()));
    assert_eq!(reply.status, 303, "{}", reply.words());
    for cookie in [before.as_str(), &set(&reply)] {
        assert!(cookie.starts_with("__Host-trialwright"), "{cookie}");
        for word in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
            assert!(cookie.contains(word), "{word}: {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    let plain = pair.replace("__Host-", "");
    let reply = running.client().send("POST", "/log-in", &[form, ("cookie", &plain)], Some(body));
    assert_ne!(reply.status, 303, "a page's cookie without the prefix was taken");
}

// ----------------------------------------------------------------------------------------------------------------- TLS

#[test]
fn tls_by_the_server_itself() {
    let files = certificate();
    let running = empty_with(|options| {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
        options.tls = Some(Tls { certificate: folder.join("tls.crt"), key: folder.join("tls.key") });
    });
    let mut roots = rustls::RootCertStore::empty();
    roots.add(files).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let client = Arc::new(client.with_root_certificates(roots).with_no_client_auth());
    let mut connection = rustls::ClientConnection::new(client, "localhost".try_into().unwrap()).unwrap();
    let mut stream = TcpStream::connect(running.address.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut encrypted = rustls::Stream::new(&mut connection, &mut stream);
    encrypted.write_all(b"GET /log-in HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // It ends without a farewell where the server closes first.
    let _ = encrypted.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).to_lowercase();
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age="), "{answer}");
    let cookie = answer.lines().find(|line| line.starts_with("set-cookie: ")).unwrap();
    assert!(
        cookie.contains("__host-") && cookie.contains("secure") && cookie.contains("httponly"),
        "{cookie}"
    );
}

/// A certificate of this machine's own, signed by itself; its key beside it.
fn certificate() -> rustls::pki_types::CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join("tls.crt"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

// --------------------------------------------------------------------------------------------------------------- its end

#[test]
fn what_is_under_way_is_answered_before_the_server_stops() {
    let mut running = empty();
    let client = running.as_user("coordinator");
    let address: SocketAddr = running.address.trim_start_matches("http://").parse().unwrap();
    let body = format!("_csrf={}&display_name=Cora+Example", client.csrf());
    let (first, rest) = body.split_at(10);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "POST /account/name HTTP/1.1\r\nhost: {address}\r\ncookie: trialwright={}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{first}",
        client.token().unwrap(),
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    running.stop();
    let asked = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(asked.elapsed() < Duration::from_secs(5), "it still listens");
        std::thread::sleep(Duration::from_millis(20));
    }
    stream.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    let mut some = [0; 1024];
    let read = stream.read(&mut some).unwrap();
    answer.push_str(&String::from_utf8_lossy(&some[..read]));
    assert!(answer.starts_with("HTTP/1.1 ") && !answer.starts_with("HTTP/1.1 5"), "{answer}");
}

/// Four clients, each for a subject of its own, save as fast as they can while the server is told to stop: what was answered is in the ledger, and nothing else.
#[rstest]
fn every_save_that_was_taken_is_answered_before_the_server_stops(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(_on) = on.enter() else { return };
    let mut running = empty();
    let coordinator = Actor::new("coordinator", Role::SiteCoordinator);
    let screen =
        |hand: u32| Action::now(&coordinator, Deed::Screen).at("01").of(format!("01-{hand:03}").as_str());
    running.submit((0..4).map(screen).collect());
    std::thread::sleep(Duration::from_millis(100));
    let client = running.as_user("coordinator");
    let save = |hand: u32, term: &str| {
        let (csrf, form) = (client.csrf(), ("content-type", "application/x-www-form-urlencoded"));
        let fields = [
            ("_csrf", csrf.as_str()),
            ("_seen", "0"),
            ("_further", "1"),
            ("AETERM", term),
            ("AETOXGR", "1"),
            ("AESTDAT", "2026-01"),
            ("AESER", "N"),
            ("AERELSYS", "UNRELATED"),
            ("AERELSAB", "UNRELATED"),
        ];
        let body = serde_urlencoded::to_string(fields).unwrap();
        client.try_send("POST", &format!("/t/one/subjects/01-{hand:03}/forms/ae"), &[form], Some(body))
    };
    let mut answered: Vec<String> = std::thread::scope(|scope| {
        let hands: Vec<_> = (0..4)
            .map(|hand| {
                let save = &save;
                scope.spawn(move || {
                    let mut answered = Vec::new();
                    for number in 0..2_000 {
                        let term = format!("Nausea {hand}-{number}");
                        match save(hand, &term) {
                            Ok(reply) => {
                                assert_eq!(reply.status, 303, "{}", reply.words());
                                answered.push(term);
                            }
                            // The connection was not taken any more.
                            Err(_) => return answered,
                        }
                    }
                    panic!("the server never stopped");
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(700));
        running.stop();
        hands.into_iter().flat_map(|hand| hand.join().unwrap()).collect()
    });
    assert!(answered.len() > 8, "only {} were saved before the end", answered.len());
    let saved = events(&running, |what| matches!(what, What::FormSaved { .. }));
    let mut saved: Vec<String> = saved
        .iter()
        .map(|entered| {
            let what = serde_json::to_value(&entered.event.what).unwrap();
            what["values"]["AETERM"].as_str().unwrap().to_owned()
        })
        .collect();
    answered.sort();
    saved.sort();
    assert_eq!(answered, saved);
}
