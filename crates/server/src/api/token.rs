//! Who a program is: the token in `Authorization: Bearer`, its trial, its role, its site.
//!
//! Never says why a token is refused beyond that it is, and never looks at a cookie: a browser that is logged in opens nothing here.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use office::{Action, Actor, Deed};
use people::ApiToken;
use people::permission::{self, Act, Sites};
use serde::de::DeserializeOwned;
use trial::event::Role;
use trial::id::{SiteId, SubjectId};

use super::problem::Problem;
use super::unique::Unique;
use crate::app::App;
use crate::room::Room;
use crate::web::access::read_body;

/// A program at a trial.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) token: Arc<ApiToken>,
    pub(crate) room: Arc<Room>,
    grants: [(Role, Option<SiteId>); 1],
}

/// A program at a subject's record.
#[derive(Clone)]
pub(crate) struct AtSubject {
    pub(crate) caller: Caller,
    pub(crate) subject: SubjectId,
    pub(crate) site: SiteId,
}

impl std::ops::Deref for AtSubject {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl Caller {
    /// Whether the token opens this anywhere.
    pub(crate) fn may(&self, act: Act) -> bool {
        permission::by_token(act) && permission::anywhere(&self.grants, act)
    }

    /// Whether the token opens this at a site.
    pub(crate) fn may_at(&self, act: Act, site: &SiteId) -> bool {
        permission::by_token(act) && permission::allowed(&self.grants, act, Some(site)).is_some()
    }

    /// Where the token opens this: lists hold what is of these sites.
    pub(crate) fn reach(&self, act: Act) -> Sites {
        permission::sites(&self.grants, act)
    }

    /// Who acts, for the ledger: what the token is for, and which token it was.
    pub(crate) fn actor(&self) -> Actor {
        Actor::new(format!("program {} ({})", self.token.name, self.token.id), self.token.role)
    }
}

impl AtSubject {
    /// Refuses what the token does not open at the subject's site.
    pub(crate) fn must(&self, act: Act) -> Result<(), Problem> {
        if self.may_at(act, &self.site) { Ok(()) } else { Err(closed(act)) }
    }

    /// What the program asks to be recorded of the subject.
    pub(crate) fn action(&self, deed: Deed) -> Action {
        Action::now(&self.actor(), deed).at(self.site.clone()).of(self.subject.clone())
    }
}

/// Lets a request through whose token opens `act`, and hands the handler what it may reach.
pub(crate) async fn admit(
    app: &App,
    act: Act,
    trial: Option<&str>,
    subject: Option<&SubjectId>,
    request: &mut Request,
) -> Result<(), Response> {
    let outcome = async {
        let caller = caller(app, request.headers(), trial).await?;
        match subject {
            None if caller.may(act) => {}
            None => return Err(closed(act)),
            Some(subject) => {
                request.extensions_mut().insert(at_subject(&caller, act, subject).await?);
            }
        }
        request.extensions_mut().insert(caller);
        Ok(())
    };
    outcome.await.map_err(IntoResponse::into_response)
}

/// The program whose token the request carries, at the trial that its path names.
async fn caller(app: &App, headers: &HeaderMap, trial: Option<&str>) -> Result<Caller, Problem> {
    let token = bearer(headers).ok_or_else(Problem::no_token)?;
    let token = app.people.api_token(token, app.now()).await?.ok_or_else(Problem::no_token)?;
    // A token of one trial learns nothing of another, not even that it is here.
    let unknown = || Problem::not_found("There is no such trial, or the token is not of it.");
    let room = app.room(&token.trial).ok_or_else(unknown)?;
    if trial.is_some_and(|trial| trial != token.trial) {
        return Err(unknown());
    }
    let grants = [(token.role, token.site.clone())];
    Ok(Caller { token: Arc::new(token), room, grants })
}

/// The token of `Authorization: Bearer` (RFC 6750); the word is read in any case (RFC 9110).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn at_subject(caller: &Caller, act: Act, subject: &SubjectId) -> Result<AtSubject, Problem> {
    if !caller.may(Act::ViewSubject) {
        return Err(closed(Act::ViewSubject));
    }
    // The same words whether the subject does not exist or is another site's: numbers cannot be tried out.
    let unknown = || Problem::not_found(format!("There is no subject {subject} at your site."));
    let site = caller.room.site_of(subject).await?.ok_or_else(unknown)?;
    if !caller.may_at(Act::ViewSubject, &site) {
        return Err(unknown());
    }
    let at = AtSubject { caller: caller.clone(), subject: subject.clone(), site };
    at.must(act)?;
    Ok(at)
}

pub(crate) fn closed(act: Act) -> Problem {
    let says = if permission::by_token(act) {
        "The token's role, or its site, does not include this"
    } else {
        "This asks a person for a second factor, so that no token opens it"
    };
    Problem::forbidden(format!("{says}: {}.", act.words()))
}

macro_rules! handed_in_by_the_guard {
    ($($kind:ty),*) => {$(
        impl<S: Send + Sync> FromRequestParts<S> for $kind {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                parts.extensions.get::<Self>().cloned().ok_or_else(Problem::no_token)
            }
        }
    )*};
}
handed_in_by_the_guard!(Caller, AtSubject);

/// What a program asked for after the `?` of an address. What is not known is a fault: a filter that was typed wrong must not show
/// everything.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        serde_urlencoded::from_str(parts.uri.query().unwrap_or_default())
            .map(Self)
            .map_err(|wrong| Problem::unreadable(format!("What follows the `?` cannot be read: {wrong}.")))
    }
}

/// What a program sent.
pub(crate) struct Sent<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default();
        if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
            return Err(Problem::media_type(kind));
        }
        Ok(Self(read(body).await?))
    }
}

async fn read<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    let body = read_body(body).await?;
    serde_json::from_slice::<Unique>(&body)
        .and_then(|_| serde_json::from_slice(&body))
        .map_err(|wrong| Problem::unreadable(format!("The JSON that was sent cannot be read: {wrong}.")))
}
