//! Logging in and out, the second factor, and what happens to what was typed when a session ended meanwhile.
//!
//! Never checks a password itself (`people` does), and never loses a form: what was sent without a session is carried in
//! hidden fields to the page after the log-in, where its sender decides to send it.

mod carried;

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use people::{Checked, Secret, Session, SignIn, Store};
use serde::Deserialize;

pub(crate) use self::carried::Carried;
use super::parts::{Input, input};
use crate::app::App;
use crate::web::access::{Fields, Gate, Route, Visitor, go, is_part, read_body};
use crate::web::fault::Answer;
use crate::web::limit::Client;
use crate::web::{address, cookie, shell};

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/log-in", Gate::Public, show),
        Route::post("/log-in", Gate::Public, log_in),
        Route::post("/log-out", Gate::User, log_out),
        Route::get("/second-factor", Gate::User, show_code),
        Route::post("/second-factor", Gate::User, take_code),
    ]
}

/// What opens between the password and the code.
pub(crate) fn is_before_the_code(path: &str) -> bool {
    matches!(path, "/second-factor" | "/log-out")
}

#[derive(Deserialize)]
struct Then {
    #[serde(default)]
    then: String,
}

/// `GET /log-in`
async fn show(State(app): State<App>, headers: HeaderMap, Query(Then { then }): Query<Then>) -> Answer {
    if !app.people.has_users().await? {
        return Ok(go("/first-run"));
    }
    let asked = Asked { carried: &Carried::to_page(&then), name: "", says: None };
    asked.page(&app, &headers, StatusCode::OK)
}

/// `POST /log-in`: name and password.
async fn log_in(
    State(app): State<App>,
    Extension(Client(from)): Extension<Client>,
    headers: HeaderMap,
    fields: Fields,
) -> Answer {
    let carried = Carried::of_fields(&fields);
    let name = fields.get("name");
    let again =
        |status, says: &str| Asked { carried: &carried, name, says: Some(says) }.page(&app, &headers, status);
    // The form must come back from the browser it was shown in, so that nobody is logged in as somebody else by another site.
    if !cookie::page(&headers, app.tls()).is_some_and(|token| Store::csrf_holds(token, fields.get("_page"))) {
        let says =
            "The log-in page is out of date, or cookies are not allowed in this browser. Try once more.";
        return again(StatusCode::FORBIDDEN, says);
    }
    match app.people.sign_in(name, &Secret::new(fields.raw("password")), &from.to_string(), app.now()).await {
        Ok(SignIn::Open(token, session)) => opened(&app, &headers, token, session, &carried).await,
        Ok(SignIn::Wrong) => {
            let rules = &app.options.rules;
            let says = format!(
                "This is not a name and its password, or the account is closed. After {} wrong passwords an account is locked for \
                 a while; the trial office can unlock it and make a link for a new password.",
                rules.wrong_by_user
            );
            again(StatusCode::UNAUTHORIZED, &says)
        }
        Ok(SignIn::TooMany { until }) => again(StatusCode::TOO_MANY_REQUESTS, &too_many(until)),
        Err(wrong @ people::Error::Busy) => again(StatusCode::SERVICE_UNAVAILABLE, &wrong.to_string()),
        Err(wrong) => Err(wrong.into()),
    }
}

/// What is said where too many wrong passwords or codes came from one address.
pub(crate) fn too_many(until: jiff::Timestamp) -> String {
    format!(
        "Too many wrong passwords or codes came from your network. The next is looked at after {} UTC.",
        until.strftime("%H:%M")
    )
}

/// A new session takes the place of the browser's old one.
async fn opened(
    app: &App,
    headers: &HeaderMap,
    token: Secret,
    session: Session,
    carried: &Carried,
) -> Answer {
    if let Some(old) = cookie::session(headers, app.tls()) {
        app.people.end_session(old).await?;
    }
    let cookie = cookie::give(&token, app.tls());
    let visitor = visitor(token, session);
    let mut response = if visitor.session.awaits_code() {
        if carried.has_form() {
            code_page(app, &visitor, carried, None, StatusCode::OK)
        } else {
            go(&with_then("/second-factor", carried.page()))
        }
    } else {
        carried.onward(app, &visitor)
    };
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Logs somebody in who has just shown who they are: by an invitation, or as the first user.
pub(crate) async fn open_for(app: &App, name: &str, password: &Secret, from: &Client, then: &str) -> Answer {
    match app.people.sign_in(name, password, &from.to_string(), app.now()).await? {
        SignIn::Open(token, session) => {
            opened(app, &HeaderMap::new(), token, session, &Carried::to_page(then)).await
        }
        SignIn::Wrong | SignIn::TooMany { .. } => Ok(go("/log-in")),
    }
}

fn visitor(token: Secret, session: Session) -> Visitor {
    let csrf = Store::csrf(token.reveal());
    Visitor { session: Arc::new(session), token: Arc::new(token), csrf }
}

fn with_then(path: &str, then: &str) -> String {
    if then == "/" { path.to_owned() } else { format!("{path}?then={}", address::segment(then)) }
}

/// `POST /log-out`; a form of somebody else is carried on to their log-in.
async fn log_out(State(app): State<App>, visitor: Visitor, headers: HeaderMap, fields: Fields) -> Answer {
    app.people.end_session(visitor.token.reveal()).await?;
    let carried = Carried::of_fields(&fields);
    let mut response = if carried.has_form() {
        Asked { carried: &carried, name: carried.by(), says: None }.page(&app, &headers, StatusCode::OK)?
    } else {
        go("/log-in")
    };
    response.headers_mut().append(header::SET_COOKIE, cookie::take(app.tls()));
    Ok(response)
}

/// The log-in page.
struct Asked<'a> {
    carried: &'a Carried,
    name: &'a str,
    says: Option<&'a str>,
}

impl Asked<'_> {
    fn page(&self, app: &App, headers: &HeaderMap, status: StatusCode) -> Answer {
        // One token a browser, however many of its tabs show the page.
        let token = match cookie::page(headers, app.tls()) {
            Some(token) => token.to_owned(),
            None => Secret::random()?.reveal().to_owned(),
        };
        let page = shell::public_page("Log in", &self.body(app, &Store::csrf(&token)));
        let set = [(header::SET_COOKIE, cookie::give_page(&token, app.tls()))];
        Ok((status, set, Html(page.into_string())).into_response())
    }

    fn body(&self, app: &App, page: &str) -> Markup {
        html! {
            h1 { "Log in" }
            @if self.carried.has_form() {
                div.notice.warn {
                    p {
                        "You were logged out before your form was sent. Nothing is lost: log in again"
                        @if !self.carried.by().is_empty() { " as " b { (self.carried.by()) } }
                        ", and you will see what you had typed."
                    }
                }
            }
            @if let Some(says) = self.says { div.notice.bad role="alert" { p { (says) } } }
            form.card method="post" action="/log-in" {
                (self.hidden(page))
                (input(&Input { name: "name", label: "User name", value: self.name, autocomplete: "username", required: true, ..Input::default() }))
                (input(&Input { name: "password", label: "Password", kind: "password", autocomplete: "current-password", required: true, ..Input::default() }))
                button.main type="submit" { "Log in" }
            }
            @if let Some(demonstration) = &app.options.demonstration {
                section.card {
                    h2 { "This is a demonstration" }
                    p { "Its patients are virtual. Log in as anybody of the trial:" }
                    div.row {
                        @for (name, role) in &demonstration.users {
                            form method="post" action="/log-in" {
                                (self.hidden(page))
                                input type="hidden" name="name" value=(name);
                                input type="hidden" name="password" value=(demonstration.password);
                                button type="submit" { (role) " " span.soft { (name) } }
                            }
                        }
                    }
                }
            }
            p.soft { "No account yet, or the password is forgotten? The trial office sends a link." }
        }
    }

    fn hidden(&self, page: &str) -> Markup {
        html! {
            input type="hidden" name="_page" value=(page);
            (self.carried.hidden())
        }
    }
}

/// `GET /second-factor`
async fn show_code(State(app): State<App>, visitor: Visitor, Query(Then { then }): Query<Then>) -> Response {
    let carried = Carried::to_page(&then);
    if visitor.session.second_factor_at.is_some() {
        return carried.onward(&app, &visitor);
    }
    code_page(&app, &visitor, &carried, None, StatusCode::OK)
}

/// `POST /second-factor`: a code of the app, or a recovery code.
async fn take_code(
    State(app): State<App>,
    Extension(Client(from)): Extension<Client>,
    visitor: Visitor,
    fields: Fields,
) -> Answer {
    let carried = Carried::of_fields(&fields);
    let code = fields.get("code");
    Ok(match app.people.give_code(&visitor.session, code, &from.to_string(), app.now()).await? {
        Checked::Right => carried.onward(&app, &visitor),
        Checked::Wrong => {
            let says = "This code is not right. Codes change every 30 seconds and are taken once: wait for the next. After several \
                        wrong ones no code is taken for a while.";
            code_page(&app, &visitor, &carried, Some(says), StatusCode::UNPROCESSABLE_ENTITY)
        }
        Checked::TooMany { until } => {
            code_page(&app, &visitor, &carried, Some(&too_many(until)), StatusCode::TOO_MANY_REQUESTS)
        }
    })
}

/// The page that asks for a code; of whoever has no second factor yet, the page that offers to set one up.
fn code_page(
    app: &App,
    visitor: &Visitor,
    carried: &Carried,
    says: Option<&str>,
    status: StatusCode,
) -> Response {
    let body = if visitor.session.second_factor {
        asks_code(app, visitor, carried, says)
    } else {
        offers_factor(visitor, carried)
    };
    (status, shell::user_page(visitor, "Second factor", &body)).into_response()
}

fn asks_code(app: &App, visitor: &Visitor, carried: &Carried, says: Option<&str>) -> Markup {
    let shown = app.options.demonstration.as_ref().and_then(|shown| shown.code_of(visitor.name(), app.now()));
    html! {
        h1 { "Your second factor" }
        form.card method="post" action="/second-factor" {
            (shell::csrf(visitor))
            (carried.hidden())
            (input(&Input {
                name: "code",
                label: "Code",
                value: shown.as_deref().unwrap_or_default(),
                hint: "The six digits your authenticator app shows for Trialwright, or one of your recovery codes.",
                fault: says.unwrap_or_default(),
                autocomplete: "one-time-code",
                required: true,
                focused: true,
                ..Input::default()
            }))
            button.main type="submit" { "Go on" }
        }
        @if let Some(code) = &shown {
            div.notice.info { p { "This is a demonstration: the authenticator app would now show " b { (code) } "." } }
        }
        p.soft { "The app and the recovery codes are lost? The trial office can remove the second factor; then you set up a new one." }
    }
}

fn offers_factor(visitor: &Visitor, carried: &Carried) -> Markup {
    html! {
        h1 { "A second factor is needed" }
        div.notice.info {
            p {
                "What you are about to do asks for more than a password: a code from an app on your phone, so that nobody can do it in \
                 your name. Setting it up takes a minute."
                @if carried.has_form() { " What you typed is kept, and waits for you afterwards." }
            }
        }
        form method="post" action="/account/second-factor/begin" {
            (shell::csrf(visitor))
            (carried.hidden())
            button.main type="submit" { "Set it up now" }
        }
    }
}

/// The answer to a request that needs a session and has none: the log-in page, with what was typed carried along.
pub(crate) async fn expired(app: &App, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if is_part(&parts.headers) {
        return (StatusCode::UNAUTHORIZED, "You were logged out. What you typed is still here.")
            .into_response();
    }
    if parts.uri.path() == "/log-out" {
        return go("/log-in");
    }
    match read_body(body).await {
        Ok(body) => to_log_in(app, &parts, &body).unwrap_or_else(IntoResponse::into_response),
        Err(fault) => fault.into_response(),
    }
}

fn to_log_in(app: &App, parts: &Parts, body: &[u8]) -> Answer {
    let carried = Carried::of_request(&parts.method, &parts.uri, body);
    if !carried.has_form() {
        return Ok(go(&with_then("/log-in", carried.page())));
    }
    let asked = Asked { carried: &carried, name: carried.by(), says: None };
    asked.page(app, &parts.headers, StatusCode::UNAUTHORIZED)
}

/// The answer to a request that needs the second factor in this session: the page that asks for it, with what was typed.
pub(crate) async fn second_factor_first(app: &App, visitor: &Visitor, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if is_part(&parts.headers) {
        let says =
            "This needs the code of your second factor. What you typed is still here; save to give the code.";
        return (StatusCode::FORBIDDEN, says).into_response();
    }
    let body = match read_body(body).await {
        Ok(body) => body,
        Err(fault) => return fault.into_response(),
    };
    let carried = Carried::of_request(&parts.method, &parts.uri, &body);
    if carried.has_form() {
        return code_page(app, visitor, &carried, None, StatusCode::FORBIDDEN);
    }
    go(&with_then("/second-factor", carried.page()))
}

/// The answer to a form whose token is not the session's: its fields again, with a button that sends them now.
pub(crate) fn stale(app: &App, visitor: &Visitor, parts: &Parts, body: &[u8]) -> Response {
    if is_part(&parts.headers) {
        let says =
            "This page is from before you last logged in. What you typed is still here; save to send it.";
        return (StatusCode::FORBIDDEN, says).into_response();
    }
    let carried = Carried::of_request(&parts.method, &parts.uri, body);
    carried.waits(
        app,
        visitor,
        StatusCode::FORBIDDEN,
        "The page you sent this from was open since before you last logged in.",
    )
}
