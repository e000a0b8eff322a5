//! A server's life: opens the trials and the people, listens, answers, stops when it is told and what is under way is done.
//!
//! Never answers a request itself; see `web::access` for the way of one.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum_server::Handle;
use hyper_util::rt::TokioTimer;
use ledger::{Address, Ledger};
use office::{Memory, Office, SeedPlace};
use people::{Secret, Store};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::timeout::TimeoutLayer;

use crate::app::App;
use crate::epro::settle;
use crate::epro::wording::Wording;
use crate::options::{Options, TrialOptions};
use crate::page::invitation::make_grants;
use crate::room::Room;
use crate::web::access::{Gate, Route, router};
use crate::web::fault::{Answer, Fault};
use crate::web::limit::{self, Client};
use crate::web::{headers, log, tls};

/// How long a client may take to send the headers of a request.
const HEADERS: Duration = Duration::from_secs(10);
/// How long requests under way may take after the server was told to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a server could not be started or went down.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A trial cannot be opened.
    #[error("the trial in {ledger}: {source}")]
    Trial {
        /// Its ledger.
        ledger: Address,
        /// Why not.
        #[source]
        source: Box<office::Error>,
    },
    /// The people's store cannot be opened.
    #[error("the store of people: {0}")]
    People(#[from] people::Error),
    /// The address cannot be listened at.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file of the questionnaires' wording cannot be used.
    #[error("the wording of questionnaires: {0}")]
    Wording(String),
    /// The certificate or its key cannot be used.
    #[error("TLS: {0}")]
    Tls(String),
    /// It went down while it answered.
    #[error("the server went down: {0}")]
    Down(#[source] std::io::Error),
}

/// A server that listens.
pub struct Server {
    /// Where it listens: with port 0 in the options, the port it was given.
    pub listens: SocketAddr,
    app: App,
    listener: std::net::TcpListener,
}

impl Server {
    /// Opens everything and listens; [`Server::run`] answers. The boards fill in the background.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let wording = Wording::load(options.wording.as_deref()).map_err(Error::Wording)?;
        let people = Store::open_with(&options.people, options.rules.clone()).await?;
        people.open_key().await?;
        let listen = |source| Error::Listen { address: options.listen, source };
        let listener = std::net::TcpListener::bind(options.listen).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let listens = listener.local_addr().map_err(listen)?;
        let scheme = if options.tls.is_some() { "https" } else { "http" };
        let address = options.public_address.clone().unwrap_or_else(|| format!("{scheme}://{listens}"));
        let today = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::system()).date();
        let memory = Memory::new(options.memory);
        let mut rooms = Vec::with_capacity(options.trials.len());
        for trial in &options.trials {
            let mut room = open(trial, &memory, today)
                .await
                .map_err(|source| Error::Trial { ledger: trial.ledger.clone(), source: Box::new(source) })?;
            // Two ledgers of one trial, a rehearsal beside the real one, have one id.
            let again = rooms.iter().filter(|other: &&Arc<Room>| other.slug == room.slug).count();
            if again > 0 {
                room.slug = format!("{}-{}", room.slug, again + 1);
            }
            rooms.push(Arc::new(room));
        }
        fits(&wording, &rooms).await?;
        let address = address.trim_end_matches('/').to_owned();
        let first_run = if people.has_users().await? { None } else { Some(Secret::random()?) };
        Ok(Self { listens, app: App::new(options, people, first_run, rooms, address, wording), listener })
    }

    /// The address people type.
    pub fn address(&self) -> &str {
        &self.app.address
    }

    /// The address of the page that makes the first user, on a server that has none: to be shown to the operator alone.
    pub fn first_run(&self) -> Option<String> {
        let code = self.app.first_run.as_ref()?;
        Some(format!("{}/first-run?code={}", self.app.address, code.reveal()))
    }

    /// Answers until `stop` comes, and then until what is under way is done.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
        let handle = Handle::new();
        let ending = handle.clone();
        tokio::spawn(async move {
            stop.await;
            ending.graceful_shutdown(Some(PATIENCE));
        });
        let service = whole(&self.app).into_make_service_with_connect_info::<SocketAddr>();
        chores(self.app.clone());
        let served = match self.app.options.tls.clone() {
            None => {
                let server = axum_server::from_tcp(self.listener).map_err(Error::Down)?;
                patient(server).handle(handle).serve(service).await
            }
            Some(files) => {
                let configuration = tls::configuration(&files).await.map_err(Error::Tls)?;
                #[cfg(unix)]
                tls::renew_on_hangup(configuration.clone(), files);
                let server =
                    axum_server::from_tcp_rustls(self.listener, configuration).map_err(Error::Down)?;
                patient(server).handle(handle).serve(service).await
            }
        };
        served.map_err(Error::Down)
    }
}

/// A client that sends its headers slower than this ties up nothing for longer.
fn patient<A, C>(mut server: axum_server::Server<A, C>) -> axum_server::Server<A, C>
where
    A: axum_server::Address,
{
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    server
}

/// What the server does by itself: midnight, the store's tidying, counts.
fn chores(app: App) {
    tokio::spawn(async move {
        let mut day = app.today();
        let mut every = tokio::time::interval(Duration::from_mins(1));
        for minute in 0_u64.. {
            every.tick().await;
            if app.today() != day {
                day = app.today();
                app.rooms().for_each(|room| room.begin_day(day));
            }
            if let Err(wrong) = make_grants(&app).await {
                tracing::error!(?wrong, "the roles of accepted invitations could not be looked for");
            }
            if let Err(wrong) = settle(&app).await {
                tracing::error!(?wrong, "questionnaires on their way could not be looked for");
            }
            if minute % 60 == 0 {
                app.limit.tidy();
                if let Err(wrong) = app.people.tidy(app.now()).await {
                    tracing::error!(%wrong, "the store of people could not be tidied");
                }
            }
        }
    });
}

/// Holds the wording of the questionnaires against the protocols of the trials.
async fn fits(wording: &Wording, rooms: &[Arc<Room>]) -> Result<(), Error> {
    let mut histories = Vec::with_capacity(rooms.len());
    for room in rooms {
        histories.push(room.office.history().await.map_err(|wrong| Error::Wording(wrong.to_string()))?);
    }
    let protocols: Vec<_> = histories.iter().map(|history| history.current()).collect();
    wording.check(&protocols).map_err(Error::Wording)
}

async fn open(
    trial: &TrialOptions,
    memory: &Memory,
    today: jiff::civil::Date,
) -> Result<Room, office::Error> {
    let ledger = Ledger::open(&trial.ledger).await?;
    let seed = trial.seed.clone().map_or(SeedPlace::Beside, SeedPlace::File);
    let office = Office::open_within(ledger, seed, memory).await?;
    Room::open(trial.slug.clone(), office, today).await
}

/// The application with everything around it.
pub(crate) fn whole(app: &App) -> Router {
    let compress = DefaultPredicate::new().and(NotForContentType::const_new("text/html"));
    let routes = router(app, crate::routes()).fallback(nowhere);
    let routes = routes
        .layer(CatchPanicLayer::custom(panicked))
        // Pages carry the token against forged requests, and compressed they would tell of it by their length (BREACH).
        .layer(CompressionLayer::new().compress_when(compress))
        .layer(from_fn_with_state(app.limit.clone(), limit::limit))
        .layer(from_fn_with_state(app.clone(), log::log))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, PATIENCE))
        .layer(from_fn(crate::api::problem::always))
        .layer(from_fn(headers::secure));
    if app.tls() { routes.layer(from_fn(headers::strict_transport)) } else { routes }
}

/// The routes that operators and their programs ask.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/health", Gate::Public, health),
        Route::get("/health/ready", Gate::Public, ready),
        Route::get("/metrics", Gate::Public, metrics),
    ]
}

/// `GET /health`: the server answers.
async fn health() -> &'static str {
    "ok\n"
}

/// `GET /health/ready`: the server can do its work: the store of people and every ledger answer, and the lists are made.
async fn ready(State(app): State<App>) -> (StatusCode, String) {
    let mut waits = Vec::new();
    if app.people.ready().await.is_err() {
        waits.push("the store of people does not answer".to_owned());
    }
    for room in app.rooms() {
        if room.office.ledger().head().await.is_err() {
            waits.push(format!("the ledger of {} does not answer", room.slug));
        }
        let progress = room.board().progress();
        if !progress.ready {
            waits.push(format!("{}: {} of {} subjects are read", room.slug, progress.done, progress.of));
        }
    }
    match waits.as_slice() {
        [] => (StatusCode::OK, "ready\n".to_owned()),
        waits => (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", waits.join("\n"))),
    }
}

/// `GET /metrics`: for the machine itself, or for whoever has the token.
async fn metrics(State(app): State<App>, client: Client, headers: HeaderMap) -> Answer {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.strip_prefix("Bearer "));
    let known = match (&app.options.metrics_token, token) {
        (Some(expected), Some(found)) => expected.same(found),
        _ => false,
    };
    if !(known || client.0.is_loopback() && !app.options.behind_proxy) {
        return Err(Fault::NotFound("There is no such page.".into()));
    }
    for room in app.rooms() {
        let overview = room.office.overview().await?;
        let progress = room.board().progress();
        app.metrics.trial(&room.slug, overview.head.count, progress.of, progress.ready);
    }
    let text = app.metrics.text().map_err(|wrong| Fault::Broken(wrong.to_string()))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

async fn nowhere() -> Fault {
    Fault::NotFound("There is no such page.".into())
}

#[allow(clippy::needless_pass_by_value)] // the signature the layer asks for
fn panicked(what: Box<dyn Any + Send>) -> Response {
    let says = what.downcast_ref::<String>().map(String::as_str).or(what.downcast_ref::<&str>().copied());
    Fault::Broken(format!("a panic: {}", says.unwrap_or("without words"))).into_response()
}
