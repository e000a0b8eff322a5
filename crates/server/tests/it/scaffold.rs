//! A running server with a trial and its people, and a browser of sorts, for every test of this binary.
//!
//! Trials and people are in files, or on PostgreSQL where a test says so ([`On`]). Never skips the server: pages are asked for over HTTP on a port of their own. Users sign in at the store of people (the same
//! file the server has open), since a test of a form is no test of the log-in page; `log_in.rs` tests that one through its pages.

// Each module takes its part; a test may unwrap, clippy looks only at `#[test]` functions.
#![allow(dead_code, clippy::unwrap_used)]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::date;
use ledger::{Address, Ledger};
use office::{Action, Actor, Deed, Founding, Office, Reading, SeedPlace};
use people::{Confirmed, Hashing, KeyPlace, NewUser, Rules, Secret, SignIn, Store};
use server::{Options, Server, TrialOptions};
use simulate::SimulationOptions;
use tempfile::TempDir;
use temporary_postgres::Database;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use trial::event::Role;
use trial::id::SubjectId;
use trial::protocol::{Checked, check};
use trial::randomise::Seed;
use ureq::http;

pub const AVATAR: &str = include_str!("../../../../protocols/avatar-ii.toml");
pub const STOP: &str = include_str!("../../../../protocols/stop.toml");
pub const PASSWORD: &str = "violet anchors hum quietly 47";

/// The trial that tests speak of, in addresses: `/t/one/`.
pub const TRIAL: &str = "one";
/// Another trial on the same server, in which only `stranger` has a role.
pub const OTHER: &str = "two";

/// The users of `TRIAL`: name, role, site (none: all).
pub const PEOPLE: [(&str, Role, Option<&str>); 9] = [
    ("coordinator", Role::SiteCoordinator, Some("01")),
    ("investigator", Role::Investigator, Some("01")),
    ("oncologist", Role::RadiationOncologist, Some("01")),
    ("monitor", Role::Monitor, None),
    ("manager", Role::DataManager, None),
    ("statistician", Role::Statistician, None),
    ("committee", Role::SafetyCommittee, None),
    ("office", Role::TrialOffice, None),
    // Sees nothing of site 01.
    ("elsewhere", Role::Investigator, Some("02")),
];
/// The trial office of `OTHER`, nobody in `TRIAL`.
pub const STRANGER: &str = "stranger";
/// A user without any role anywhere.
pub const NOBODY: &str = "newcomer";

/// AVATAR II's protocol as it is shipped.
pub fn avatar() -> Checked {
    check(AVATAR).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// The same for a few participants: its power does not matter here.
pub fn small_avatar(participants: u32) -> Checked {
    let (before, rest) = AVATAR.split_once("[trial.sample_size]").unwrap();
    let (_, after) = rest.split_once("[[").unwrap();
    let wanted = format!("participants = {participants}");
    let source = format!("{before}[[{after}").replacen("participants = 74", &wanted, 1);
    check(&source).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// The database that the trials and the people of a test are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Sqlite,
    Postgres,
}

thread_local! {
    static ON: Cell<On> = Cell::new(On::usual());
}

impl On {
    /// What a test runs on that does not say: SQLite, or with `SERVER_TESTS_ON=postgres` all of them on PostgreSQL.
    fn usual() -> Self {
        let asked = std::env::var("SERVER_TESTS_ON").is_ok_and(|on| on == "postgres");
        if asked && temporary_postgres::cluster().is_some() { Self::Postgres } else { Self::Sqlite }
    }

    fn now() -> Self {
        ON.get()
    }

    /// From here until it is dropped, this thread's servers run on this database. None where the machine has no such, which was
    /// said on the standard error.
    pub fn enter(self) -> Option<Entered> {
        if self == Self::Postgres {
            temporary_postgres::cluster()?;
        }
        let turn = (self == Self::Postgres).then(Turn::take);
        Some(Entered { before: ON.replace(self), _turn: turn })
    }
}

/// See [`On::enter`].
pub struct Entered {
    before: On,
    _turn: Option<Turn>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        ON.set(self.before);
    }
}

/// A few tests at a time run on PostgreSQL, however many processors there are: it has only so many connections.
struct Turn;

static TURNS: (Mutex<u32>, Condvar) = (Mutex::new(4), Condvar::new());

impl Turn {
    fn take() -> Self {
        let free = TURNS.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = TURNS.1.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *TURNS.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        TURNS.1.notify_one();
    }
}

/// Runs a test on PostgreSQL.
pub fn on_postgres(test: fn()) {
    let Some(_entered) = On::Postgres.enter() else { return };
    test();
}

/// A thing that the tests which run together share, one for each database.
pub struct Shared<T>([Mutex<Weak<T>>; 2]);

impl<T> Shared<T> {
    pub const fn new() -> Self {
        Self([const { Mutex::new(Weak::new()) }; 2])
    }

    pub fn get(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let mut shared = self.0[On::now() as usize].lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let made = Arc::new(make());
            *shared = Arc::downgrade(&made);
            made
        })
    }
}

/// A server that runs until it is dropped.
pub struct Running {
    /// `http://127.0.0.1:PORT`
    pub address: String,
    /// The store of people, opened beside the server.
    pub people: Store,
    /// The path of the first-run page with its code; empty where there are users.
    pub first_run: String,
    /// What the server was started with.
    pub options: Options,
    pub folder: Arc<TempDir>,
    runtime: Option<Runtime>,
    stop: Option<oneshot::Sender<()>>,
    clients: Mutex<BTreeMap<String, Client>>,
    _template: Option<Arc<TempDir>>,
}

/// What a server is made of.
pub struct Made {
    place: Place,
    template: Option<Arc<TempDir>>,
    users: bool,
    adjust: fn(&mut Options),
}

/// Where the trials and the people of one server lie: in a folder, or in schemas of their own in the database that the tests share.
struct Place {
    folder: Arc<TempDir>,
    schemas: Option<(String, u32)>,
}

impl Place {
    fn new() -> Self {
        static SHARED: OnceLock<Database<'static>> = OnceLock::new();
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let schemas = (On::now() == On::Postgres).then(|| {
            let database = SHARED.get_or_init(|| temporary_postgres::cluster().unwrap().database());
            (database.socket_url(), NUMBER.fetch_add(1, Ordering::Relaxed))
        });
        Self { folder: Arc::new(tempfile::tempdir().unwrap()), schemas }
    }

    fn trial(&self, slug: &str) -> TrialOptions {
        let (ledger, seed) = match &self.schemas {
            None => (self.folder.path().join(format!("{slug}.ledger")).into(), None),
            Some((url, number)) => (
                format!("{url}&schema={slug}_{number}").parse().unwrap(),
                Some(self.folder.path().join(format!("{slug}.seed"))),
            ),
        };
        TrialOptions { slug: Some(slug.into()), ledger, seed }
    }

    fn people(&self) -> String {
        match &self.schemas {
            None => self.folder.path().join("people.db").to_str().unwrap().to_owned(),
            Some((url, number)) => format!("{url}&schema=people_{number}"),
        }
    }

    fn rules(&self) -> Rules {
        let key = match &self.schemas {
            None => KeyPlace::Beside,
            Some(_) => KeyPlace::File(self.folder.path().join("people.key")),
        };
        Rules { key, ..rules() }
    }
}

/// A trial of two sites with six subjects randomised and followed to the end (2022 to 2025), and all its people. It is the same server for
/// all tests that ask while one of them holds it: to be read, or written to where no other test can mind.
pub fn demo() -> Arc<Running> {
    static SHARED: Shared<Running> = Shared::new();
    SHARED.get(own_demo)
}

/// The same trial, for one test alone.
pub fn own_demo() -> Running {
    let template = simulated();
    let place = Place::new();
    let (ledger, seed) = (template.path().join("one.ledger"), template.path().join("one.seed"));
    match place.trial(TRIAL).ledger {
        Address::File(file) => {
            std::fs::copy(ledger, file).unwrap();
        }
        at @ Address::Postgres(_) => {
            wait(async { Ledger::restore(ledger, at, &[], None).await.unwrap() });
        }
    }
    std::fs::copy(seed, place.folder.path().join("one.seed")).unwrap();
    Made { place, template: Some(template), users: true, adjust: |_| {} }.start()
}

/// A trial that was founded and has opened sites 01 and 02, with its people and without subjects.
pub fn empty() -> Running {
    empty_with(|_| {})
}

/// The same, with the server's options changed.
pub fn empty_with(adjust: fn(&mut Options)) -> Running {
    let place = Place::new();
    wait(found(&place.trial(TRIAL), avatar(), true));
    Made { place, template: None, users: true, adjust }.start()
}

/// A founded trial and nobody: what a fresh server shows.
pub fn fresh() -> Running {
    let place = Place::new();
    wait(found(&place.trial(TRIAL), avatar(), false));
    Made { place, template: None, users: false, adjust: |_| {} }.start()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    office::block_on(future).unwrap()
}

/// The ledger of the small virtual trial, made once for all tests that run together.
fn simulated() -> Arc<TempDir> {
    static SHARED: Mutex<Weak<TempDir>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(folder) = shared.upgrade() {
        return folder;
    }
    let folder = tempfile::tempdir().unwrap();
    let options = SimulationOptions {
        sites: Some(2),
        start: Some(date(2022, 1, 3)),
        accrual_months: 4.0,
        reveal_seed: false,
        ..SimulationOptions::new(small_avatar(6), 7)
    };
    wait(async {
        let ledger = Ledger::create(folder.path().join("one.ledger")).await.unwrap();
        let outcome = simulate::run(&options, ledger.clone(), &mut |_| {}).await.unwrap();
        drop(outcome);
        // The files can be copied once nothing is left in the write-ahead log.
        ledger.close().await;
    });
    let folder = Arc::new(folder);
    *shared = Arc::downgrade(&folder);
    folder
}

fn seed_place(trial: &TrialOptions) -> SeedPlace {
    trial.seed.clone().map_or(SeedPlace::Beside, SeedPlace::File)
}

async fn found(trial: &TrialOptions, protocol: Checked, sites: bool) {
    let ledger = Ledger::create(&trial.ledger).await.unwrap();
    let founder = Actor::new("founder", Role::TrialOffice);
    let at: Timestamp = "2026-01-05T08:00:00Z".parse().unwrap();
    let founding = Founding {
        protocol,
        seed: Seed([7; 32]),
        actor: founder.clone(),
        at: Some(at),
        simulated: false,
        seed_place: seed_place(trial),
    };
    let office = Office::establish(ledger.clone(), founding).await.unwrap();
    if sites {
        let open = |site: &str, name: &str| {
            let deed = Deed::OpenSite { name: name.into(), country: Some("AUS".into()) };
            Action::new(&founder, at, deed).at(site)
        };
        office.submit(vec![open("01", "Harbour Hospital"), open("02", "Hill Clinic")]).await.unwrap();
    }
    drop(office);
    ledger.close().await;
}

async fn give_roles(trial: &TrialOptions, roles: &[(&str, Role, Option<&str>)]) {
    let ledger = Ledger::open(&trial.ledger).await.unwrap();
    let office = Office::open_with(ledger.clone(), seed_place(trial)).await.unwrap();
    let founder = Actor::new("founder", Role::TrialOffice);
    let actions = roles.iter().map(|(user, role, site)| {
        let action = Action::now(&founder, Deed::ChangeUser { user: (*user).into(), given: Some(*role) });
        match site {
            Some(site) => action.at(*site),
            None => action,
        }
    });
    office.submit(actions.collect()).await.unwrap();
    drop(office);
    ledger.close().await;
}

/// Passwords are cheap to check here, and all tests come from one address; nothing else differs from how a server is run.
pub fn rules() -> Rules {
    Rules { hashing: Hashing::quick_for_tests(), wrong_by_address: 100_000, ..Rules::default() }
}

impl Made {
    fn start(self) -> Running {
        let Self { place, template, users, adjust } = self;
        let (one, two) = (place.trial(TRIAL), place.trial(OTHER));
        wait(async {
            found(&two, check(STOP).unwrap(), true).await;
            if users {
                give_roles(&one, &PEOPLE).await;
                give_roles(&two, &[(STRANGER, Role::TrialOffice, None)]).await;
            }
        });
        let mut options = Options::new(vec![one, two], place.people());
        options.listen = ([127, 0, 0, 1], 0).into();
        options.rules = place.rules();
        options.most_requests = 100_000;
        adjust(&mut options);
        Running::start(options, place.folder, template, users)
    }
}

async fn add_user(store: &Store, name: &str) {
    let user = NewUser {
        name: name.into(),
        display_name: format!("{}{} Example", name[..1].to_uppercase(), &name[1..]),
        email: format!("{name}@hospital.example"),
    };
    store.add_user(user, &Secret::new(PASSWORD), Timestamp::now()).await.unwrap();
}

impl Running {
    fn start(options: Options, folder: Arc<TempDir>, template: Option<Arc<TempDir>>, users: bool) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (server, people) = runtime.block_on(async {
            let server = Server::start(options.clone()).await.unwrap();
            let store = Store::open_with(&options.people, options.rules.clone()).await.unwrap();
            if users {
                let names = PEOPLE.iter().map(|(name, ..)| *name).chain([STRANGER, NOBODY]);
                for name in names {
                    add_user(&store, name).await;
                }
            }
            (server, store)
        });
        let address = format!("http://{}", server.listens);
        let first_run = server.first_run().unwrap_or_default().replace(&address, "");
        runtime.spawn(async {
            let stop = async {
                let _ = stopped.await;
            };
            server.run(stop).await.unwrap();
        });
        Self {
            address,
            people,
            first_run,
            options,
            folder,
            runtime: Some(runtime),
            stop: Some(stop),
            clients: Mutex::default(),
            _template: template,
        }
    }

    /// Another server on the same trials and people, as a second process is: it shares nothing else with the first.
    pub fn another(&self) -> Self {
        Self::start(self.options.clone(), Arc::clone(&self.folder), None, false)
    }

    /// Tells the server to stop, as SIGTERM does.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Runs a future, such as one of the store of people.
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.as_ref().unwrap().block_on(future)
    }

    /// A browser that nobody is logged in with.
    pub fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// A browser in which a user is logged in, with the second factor given. It is the same session at every call, unless it ended.
    pub fn as_user(&self, name: &str) -> Client {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(name) {
            return client.clone();
        }
        let client = self.signed_in(name);
        self.wait(give_second_factor(&self.people, &client));
        clients.insert(name.into(), client.clone());
        client
    }

    /// A browser in which a user is logged in anew, by password alone.
    pub fn signed_in(&self, name: &str) -> Client {
        let signed =
            self.wait(self.people.sign_in(name, &Secret::new(PASSWORD), "127.0.0.1", Timestamp::now()));
        let SignIn::Open(token, _) = signed.unwrap() else { panic!("{name} cannot sign in") };
        let client = self.client();
        client.set_token(Some(token.reveal().to_owned()));
        client
    }

    fn trial(&self, slug: &str) -> &TrialOptions {
        let mut trials = self.options.trials.iter();
        trials.find(|trial| trial.slug.as_deref() == Some(slug)).unwrap_or_else(|| panic!("no trial {slug}"))
    }

    /// The ledger of a trial.
    pub fn ledger(&self, trial: &str) -> Address {
        self.trial(trial).ledger.clone()
    }

    /// The trial's ledger as it now stands, read beside the server.
    pub fn reading(&self) -> Reading {
        office::open_reading(self.ledger(TRIAL), None).unwrap()
    }

    /// The first subject of a site that was randomised.
    pub fn subject_at(&self, site: &str) -> SubjectId {
        let (subjects, _) = self.reading().records(|record| record).unwrap();
        let found =
            subjects.into_iter().find(|record| record.site.as_str() == site && record.randomised.is_some());
        found.unwrap_or_else(|| panic!("nobody was randomised at site {site}")).subject
    }

    /// Acts in the trial beside the server, as another process would: the server must see it.
    pub fn submit(&self, actions: Vec<Action>) -> Vec<office::Receipt> {
        self.wait(async {
            let trial = self.trial(TRIAL);
            let ledger = Ledger::open(&trial.ledger).await.unwrap();
            let office = Office::open_with(ledger.clone(), seed_place(trial)).await.unwrap();
            let receipts = office.submit(actions).await.unwrap();
            drop(office);
            // Its connections go, where there are only so many.
            ledger.close().await;
            receipts
        })
    }
}

/// Enrols a second factor where the user has none, so that the session has one given. A user who has one cannot be given a code
/// here, as its secret is the user's alone: `as_user` keeps the session.
async fn give_second_factor(people: &Store, client: &Client) {
    let now = Timestamp::now();
    let token = client.token().unwrap();
    let session = people.session(&token, now).await.unwrap().unwrap();
    let enrolment = people.enrol(&session, now).await.unwrap();
    let code = code_of(enrolment.uri.reveal(), now);
    let confirmed = people.confirm(&session, &code, "127.0.0.1", now).await.unwrap();
    assert!(matches!(confirmed, Confirmed::Codes(_)), "a first code was refused");
}

/// The six digits an authenticator app shows for an `otpauth://` address.
pub fn code_of(uri: &str, now: Timestamp) -> String {
    let codes = totp_rs::Totp::from_url(uri).unwrap();
    codes.generate(u64::try_from(now.as_second()).unwrap()).to_string()
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        if let Some(runtime) = self.runtime.take() {
            runtime.block_on(self.people.close());
            runtime.shutdown_background();
        }
    }
}

/// A browser without a screen: it keeps the session's cookie, follows no redirect, and knows the token against forged requests.
#[derive(Clone)]
pub struct Client {
    address: String,
    agent: ureq::Agent,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: String,
}

impl Client {
    fn new(address: &str) -> Self {
        static AGENT: OnceLock<ureq::Agent> = OnceLock::new();
        let agent = AGENT.get_or_init(|| {
            ureq::Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .proxy(None)
                // A server that refuses a form without reading it closes the connection.
                .max_idle_connections(0)
                .timeout_global(Some(Duration::from_secs(30)))
                .build()
                .into()
        });
        Self { address: address.into(), agent: agent.clone(), cookies: Arc::default() }
    }

    /// The session's token, as the cookie holds it.
    pub fn token(&self) -> Option<String> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).get(SESSION).cloned()
    }

    /// Another session, or none: as if it had ended, or its browser had been closed.
    pub fn set_token(&self, token: Option<String>) {
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        match token {
            Some(token) => cookies.insert(SESSION.into(), token),
            None => cookies.remove(SESSION),
        };
    }

    /// The token that forms of this session carry.
    pub fn csrf(&self) -> String {
        self.token().map(|token| Store::csrf(&token)).unwrap_or_default()
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], None)
    }

    /// As htmx asks for a part of a page.
    pub fn part(&self, path: &str) -> Reply {
        self.send("GET", path, &[("hx-request", "true")], None)
    }

    /// Sends a form, with the session's token where there is a session.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let mut fields = fields.to_vec();
        let csrf = self.csrf();
        if !csrf.is_empty() {
            fields.push(("_csrf", &csrf));
        }
        self.post_bare(path, &fields)
    }

    /// Sends a form as htmx does, the token in its header.
    pub fn post_part(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let csrf = self.csrf();
        let body = serde_urlencoded::to_string(fields).unwrap();
        self.send("POST", path, &[FORM, ("hx-request", "true"), ("x-csrf-token", &csrf)], Some(body))
    }

    /// Sends exactly these fields.
    pub fn post_bare(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body = serde_urlencoded::to_string(fields).unwrap();
        self.send("POST", path, &[FORM], Some(body))
    }

    /// Follows a redirect, after a form was taken.
    pub fn follow(&self, reply: &Reply) -> Reply {
        self.get(
            reply.location().unwrap_or_else(|| panic!("no redirect: {} {}", reply.status, reply.words())),
        )
    }

    /// Any request.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Reply {
        self.try_send(method, path, headers, body).unwrap()
    }

    /// The same, to a server that may be gone.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<Reply, ureq::Error> {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !cookies.is_empty() {
            let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", pairs.join("; "));
        }
        let mut reply = match body {
            Some(body) => self.agent.run(request.body(body).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        }?;
        self.keep_cookie(reply.headers());
        let body =
            reply.body_mut().with_config().limit(32 * 1024 * 1024).lossy_utf8(true).read_to_string()?;
        Ok(Reply { status: reply.status().as_u16(), headers: reply.headers().clone(), body })
    }

    /// The same browser at another server: it has the same cookies.
    pub fn at(&self, other: &Running) -> Self {
        Self { address: other.address.clone(), ..self.clone() }
    }

    fn keep_cookie(&self, headers: &http::HeaderMap) {
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for cookie in headers.get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap_or_default();
            match pair.split_once('=') {
                Some((name, "")) => cookies.remove(name),
                Some((name, value)) => cookies.insert(name.to_owned(), value.to_owned()),
                None => None,
            };
        }
    }
}

const SESSION: &str = "trialwright";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

impl Reply {
    /// Where it sends the browser.
    pub fn location(&self) -> Option<&str> {
        self.header("location")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether the page says this, its blanks aside.
    pub fn says(&self, words: &str) -> bool {
        self.words().contains(words)
    }

    /// The page as words: a line for each element that stands alone, without what is in its head.
    pub fn words(&self) -> String {
        let body = self.body.split_once("<main").map_or(self.body.as_str(), |(_, main)| main);
        let body =
            body.split_once('>').filter(|_| self.body.contains("<main")).map_or(body, |(_, rest)| rest);
        words(body)
    }

    /// The fields of the page's forms, in order: name and value of each input, hidden ones and what was typed (a text area's words).
    pub fn fields(&self) -> Vec<(String, String)> {
        fields(&self.body)
    }

    /// The value of a field of the page.
    pub fn field(&self, name: &str) -> Option<String> {
        self.fields().into_iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// The addresses that the page's links and forms lead to.
    pub fn links(&self) -> Vec<String> {
        let tags = self.body.split('<').skip(1);
        tags.filter_map(|tag| attribute(tag, "href").or_else(|| attribute(tag, "action"))).collect()
    }
}

fn words(html: &str) -> String {
    /// What does not begin a line of its own.
    const INLINE: [&str; 13] =
        ["a", "abbr", "b", "code", "em", "i", "kbd", "label", "small", "span", "strong", "sub", "time"];
    let mut text = String::new();
    for piece in html.split('<') {
        let (tag, rest) = piece.split_once('>').unwrap_or(("", piece));
        let name =
            tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
        match name {
            "td" | "th" => text.push_str(if tag.starts_with('/') { " " } else { " | " }),
            name if INLINE.contains(&name) => {}
            _ => text.push('\n'),
        }
        text.push_str(&unescaped(rest));
    }
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines
        .map(|line| line.trim_matches(['|', ' ']).to_owned())
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

fn fields(html: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for piece in html.split('<') {
        let Some((tag, rest)) = piece.split_once('>') else { continue };
        let Some(name) = attribute(tag, "name") else { continue };
        if tag.starts_with("input") {
            found.push((name, attribute(tag, "value").unwrap_or_default()));
        } else if tag.starts_with("textarea") {
            found.push((name, unescaped(rest)));
        }
    }
    found
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| unescaped(value))
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}
