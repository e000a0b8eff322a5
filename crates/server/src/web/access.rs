//! Who may open what: every route names its gate, and one guard stands before them all.
//!
//! Never decides what a role may do (`people::permission` is the one table); it finds out who asks, at which trial, of which
//! subject, and asks the table. A route without a gate cannot be written, since [`Route`] asks for one.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::handler::Handler;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use office::Actor;
use people::permission::{self, Act, Sites};
use people::{Secret, Session, Store};
use trial::event::Role;
use trial::id::{SiteId, SubjectId};

use super::cookie;
use super::fault::Fault;
use crate::app::App;
use crate::page::log_in;
use crate::room::Room;

/// A form, with everything it carries, is smaller than this.
const BODY: usize = 2 * 1024 * 1024;

/// What stands before a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Open to everybody: log-in, a patient's link, health, files of the pages.
    Public,
    /// Any user who is logged in.
    User,
    /// A user whose role in the trial `{trial}` opens the act, at some site at least; the page shows what is of those sites.
    Trial(Act),
    /// A user whose role opens the act at the site `{site}`.
    Site(Act),
    /// A user whose role opens the act at the site of the subject `{subject}`.
    Subject(Act),
    /// A program with a token whose role opens the act (`/api/`): at the site of `{subject}` where the path names one.
    Token(Act),
}

/// One method of one path, its gate and its handler.
pub struct Route {
    /// `GET` or `POST` (or what else the API needs).
    pub method: Method,
    /// The path, with axum's `{name}` for what varies.
    pub path: &'static str,
    /// What stands before it.
    pub gate: Gate,
    handler: MethodRouter<App>,
}

impl Route {
    /// A page that is read.
    pub(crate) fn get<H: Handler<T, App>, T: 'static>(path: &'static str, gate: Gate, handler: H) -> Self {
        Self::new(Method::GET, MethodFilter::GET, path, gate, handler)
    }

    /// A form that is sent.
    pub(crate) fn post<H: Handler<T, App>, T: 'static>(path: &'static str, gate: Gate, handler: H) -> Self {
        Self::new(Method::POST, MethodFilter::POST, path, gate, handler)
    }

    /// A thing that a program puts in its place.
    pub(crate) fn put<H: Handler<T, App>, T: 'static>(path: &'static str, gate: Gate, handler: H) -> Self {
        Self::new(Method::PUT, MethodFilter::PUT, path, gate, handler)
    }

    fn new<H: Handler<T, App>, T: 'static>(
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        gate: Gate,
        handler: H,
    ) -> Self {
        Self { method, path, gate, handler: on(filter, handler) }
    }
}

/// The router of `routes`, each behind its gate.
pub(crate) fn router(app: &App, routes: Vec<Route>) -> Router {
    routes
        .into_iter()
        .fold(Router::new(), |router, Route { path, gate, handler, .. }| {
            router.route(path, handler.layer(from_fn_with_state((app.clone(), gate), guard)))
        })
        .with_state(app.clone())
}

/// A user who is logged in.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) session: Arc<Session>,
    /// The token of the session, as the cookie holds it: the store asks for it where it changes the session.
    pub(crate) token: Arc<Secret>,
    /// The token that each of the visitor's forms carries against forged requests.
    pub(crate) csrf: String,
}

impl Visitor {
    /// The user's name in the ledger.
    pub(crate) fn name(&self) -> &str {
        &self.session.user
    }
}

/// A user, or a program with a token, at a trial.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) visitor: Visitor,
    pub(crate) room: Arc<Room>,
    /// The roles, each at a site or at all (none).
    pub(crate) grants: Arc<[(Role, Option<SiteId>)]>,
    /// The role that opened this route.
    pub(crate) role: Role,
}

impl Desk {
    /// Whether the visitor may do this anywhere in the trial.
    pub(crate) fn may(&self, act: Act) -> bool {
        permission::anywhere(&self.grants, act)
    }

    /// Whether the visitor may do this at a site.
    pub(crate) fn may_at(&self, act: Act, site: &SiteId) -> bool {
        permission::allowed(&self.grants, act, Some(site)).is_some()
    }

    /// Where the visitor may do this: lists show what is of these sites.
    pub(crate) fn reach(&self, act: Act) -> Sites {
        permission::sites(&self.grants, act)
    }

    /// Who acts, for the ledger, in the role that opened the route.
    pub(crate) fn actor(&self) -> Actor {
        Actor::new(self.visitor.name().to_owned(), self.role)
    }

    /// Who acts, in the role that opens another act at a site.
    pub(crate) fn actor_for(&self, act: Act, site: Option<&SiteId>) -> Result<Actor, Fault> {
        let role = permission::allowed(&self.grants, act, site).ok_or_else(|| closed(act))?;
        Ok(Actor::new(self.visitor.name().to_owned(), role))
    }
}

/// A user at a subject's record.
#[derive(Clone)]
pub(crate) struct Chart {
    pub(crate) desk: Desk,
    pub(crate) subject: SubjectId,
    pub(crate) site: SiteId,
}

impl std::ops::Deref for Chart {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

impl Chart {
    /// Whether the visitor may do this to the subject.
    pub(crate) fn may_here(&self, act: Act) -> bool {
        self.desk.may_at(act, &self.site)
    }

    /// The address of a page below the subject's; the subject's own for an empty one.
    pub(crate) fn at(&self, rest: &str) -> String {
        match rest {
            "" => super::address::subject(&self.room.slug, &self.subject),
            rest => super::address::of_subject(&self.room.slug, &self.subject, rest),
        }
    }
}

macro_rules! handed_in_by_the_guard {
    ($($kind:ty),*) => {$(
        impl<S: Send + Sync> FromRequestParts<S> for $kind {
            type Rejection = Fault;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
                parts.extensions.get::<Self>().cloned().ok_or_else(|| {
                    Fault::Broken(format!("the gate of {} hands in no {}", parts.uri.path(), stringify!($kind)))
                })
            }
        }
    )*};
}
handed_in_by_the_guard!(Visitor, Desk, Chart);

/// What a form sent: the fields in their order, without the token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(pub(crate) Vec<(String, String)>);

impl Fields {
    /// Reads a body of `application/x-www-form-urlencoded`.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Fault> {
        serde_urlencoded::from_bytes(body)
            .map(Self)
            .map_err(|wrong| Fault::BadRequest(format!("The form that was sent cannot be read: {wrong}.")))
    }

    /// The text of a field, trimmed; empty where it was not sent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The text of a field as it was typed: a password may begin or end with a blank.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, text)| text)
    }
}

impl<S: Send + Sync> axum::extract::FromRequest<S> for Fields {
    type Rejection = Fault;

    async fn from_request(request: Request, _: &S) -> Result<Self, Fault> {
        let mut fields = Self::read(&read_body(request.into_body()).await?)?;
        fields.0.retain(|(name, _)| name != "_csrf" && name != "_by");
        Ok(fields)
    }
}

/// The whole body of a request.
pub(crate) async fn read_body(body: Body) -> Result<Bytes, Fault> {
    to_bytes(body, BODY)
        .await
        .map_err(|_| Fault::BadRequest(format!("More than {} MiB were sent at once.", BODY / 1024 / 1024)))
}

/// What the route's path names.
#[derive(Default)]
struct Named {
    trial: Option<String>,
    site: Option<SiteId>,
    subject: Option<SubjectId>,
}

impl Named {
    fn read(params: &RawPathParams) -> Self {
        let mut named = Self::default();
        for (name, value) in params {
            match name {
                "trial" => named.trial = Some(value.to_owned()),
                "site" => named.site = Some(value.into()),
                "subject" => named.subject = Some(value.into()),
                _ => {}
            }
        }
        named
    }
}

async fn guard(
    State((app, gate)): State<(App, Gate)>,
    params: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    let named = Named::read(&params);
    let outcome = match gate {
        Gate::Public => from_here(request.headers(), request.method())
            .map(|()| request)
            .map_err(IntoResponse::into_response),
        Gate::Token(act) => {
            crate::api::token::admit(&app, act, named.trial.as_deref(), named.subject.as_ref(), &mut request)
                .await
                .map(|()| request)
        }
        _ => match visitor(&app, request.headers()).await {
            Ok(Some(visitor)) => admit(&app, gate, visitor, &named, request).await,
            Ok(None) => Err(log_in::expired(&app, request).await),
            Err(fault) => Err(fault.into_response()),
        },
    };
    match outcome {
        Ok(request) => next.run(request).await,
        Err(response) => response,
    }
}

/// The user whose session the cookie names.
async fn visitor(app: &App, headers: &HeaderMap) -> Result<Option<Visitor>, Fault> {
    let Some(token) = cookie::session(headers, app.tls()) else { return Ok(None) };
    let Some(session) = app.people.session(token, app.now()).await? else { return Ok(None) };
    let csrf = Store::csrf(token);
    Ok(Some(Visitor { session: Arc::new(session), token: Arc::new(Secret::new(token)), csrf }))
}

async fn admit(
    app: &App,
    gate: Gate,
    visitor: Visitor,
    named: &Named,
    request: Request,
) -> Result<Request, Response> {
    let mut request =
        if request.method().is_safe() { request } else { unforged(app, &visitor, request).await? };
    // A password alone opens nothing to whoever has a second factor.
    if visitor.session.awaits_code() && !log_in::is_before_the_code(request.uri().path()) {
        return Err(log_in::second_factor_first(app, &visitor, request).await);
    }
    let desk = match gate {
        Gate::Trial(act) => desk(app, visitor.clone(), named, act, None).await,
        Gate::Site(act) => {
            desk(app, visitor.clone(), named, act, Some(named.site.clone().unwrap_or_default())).await
        }
        Gate::Subject(act) => chart(app, visitor.clone(), named, act).await.map(|chart| {
            let desk = chart.desk.clone();
            request.extensions_mut().insert(chart);
            desk
        }),
        Gate::Public | Gate::User | Gate::Token(_) => {
            request.extensions_mut().insert(visitor);
            return Ok(request);
        }
    }
    .map_err(IntoResponse::into_response)?;
    let (Gate::Trial(act) | Gate::Site(act) | Gate::Subject(act)) = gate else { return Ok(request) };
    if permission::needs_second_factor(act) && visitor.session.second_factor_at.is_none() {
        return Err(log_in::second_factor_first(app, &visitor, request).await);
    }
    request.extensions_mut().insert(visitor);
    request.extensions_mut().insert(desk);
    Ok(request)
}

async fn desk(
    app: &App,
    visitor: Visitor,
    named: &Named,
    act: Act,
    site: Option<SiteId>,
) -> Result<Desk, Fault> {
    // Whoever has no role in a trial learns nothing of it, not even that it is here.
    let unknown = || Fault::NotFound("There is no such page, or it is not open to you.".into());
    let room = named.trial.as_deref().and_then(|slug| app.room(slug)).ok_or_else(unknown)?;
    let grants: Arc<[_]> = room.grants_of(visitor.name()).await?.into();
    if grants.is_empty() {
        return Err(unknown());
    }
    let role = match &site {
        Some(site) => permission::allowed(&grants, act, Some(site)),
        None => grants
            .iter()
            .map(|(role, _)| *role)
            .find(|role| permission::may(*role, act) != permission::May::Never),
    };
    match role {
        Some(role) => Ok(Desk { visitor, room, grants, role }),
        None => Err(closed(act)),
    }
}

async fn chart(app: &App, visitor: Visitor, named: &Named, act: Act) -> Result<Chart, Fault> {
    let subject = named.subject.clone().unwrap_or_default();
    // The same words whether the subject does not exist or is another site's: numbers cannot be tried out.
    let unknown = || Fault::NotFound(format!("There is no subject {subject} at your site."));
    let mut desk = desk(app, visitor, named, Act::ViewSubject, None).await?;
    let site = desk.room.site_of(&subject).await?.ok_or_else(unknown)?;
    if !desk.may_at(Act::ViewSubject, &site) {
        return Err(unknown());
    }
    desk.role = permission::allowed(&desk.grants, act, Some(&site)).ok_or_else(|| closed(act))?;
    Ok(Chart { desk, subject, site })
}

fn closed(act: Act) -> Fault {
    Fault::Forbidden(format!(
        "Your role does not include this: {}. The trial office gives roles.",
        act.words()
    ))
}

/// A form must carry the visitor's token (or htmx its header), and come from a page of this server.
async fn unforged(app: &App, visitor: &Visitor, request: Request) -> Result<Request, Response> {
    from_here(request.headers(), request.method()).map_err(IntoResponse::into_response)?;
    let (parts, body) = request.into_parts();
    let body = read_body(body).await.map_err(IntoResponse::into_response)?;
    let header = parts.headers.get("x-csrf-token").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let token = header.or_else(|| Fields::read(&body).ok().map(|fields| fields.get("_csrf").to_owned()));
    if token.is_some_and(|token| Store::csrf_holds(visitor.token.reveal(), &token)) {
        return Ok(Request::from_parts(parts, Body::from(body)));
    }
    // A page that was left open over a log-out has an old token: what was typed in it is not lost.
    Err(log_in::stale(app, visitor, &parts, &body))
}

/// A browser says from which site a request comes; another site's may change nothing here.
fn from_here(headers: &HeaderMap, method: &Method) -> Result<(), Fault> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let foreign = match (text("sec-fetch-site"), text("origin"), text("host")) {
        (Some(site), _, _) => !matches!(site, "same-origin" | "none"),
        (None, Some(origin), Some(host)) => {
            origin.split_once("://").is_none_or(|(_, from)| !from.eq_ignore_ascii_case(host))
        }
        _ => false,
    };
    if method.is_safe() || !foreign {
        return Ok(());
    }
    Err(Fault::Forbidden("This form came from a page of another site, and was not taken.".into()))
}

/// To another page, after a form was taken; htmx is told to go there as a whole.
pub(crate) fn go(address: &str) -> Response {
    Redirect::to(address).into_response()
}

/// Whether htmx asks for a part of a page.
pub(crate) fn is_part(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request")
}

/// The address the browser is to return to, where it is one of this server's.
pub(crate) fn local(address: &str) -> Option<&str> {
    let inside =
        address.starts_with('/') && !address.starts_with("//") && !address.contains(['\\', '\n', '\r']);
    inside.then_some(address)
}
