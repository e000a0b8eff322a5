//! What went wrong, as a program reads it: `application/problem+json` (RFC 9457).
//!
//! Never shows an error's inside: what only an operator can mend is in the log under a number, as on the pages.

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use office::{Later, Reason, Refusal};
use serde_json::{Map, Value, json};
use trial::form::FormFault;

use crate::web::address;
use crate::web::fault::Fault;

/// The media type of a problem.
pub(crate) const MEDIA: &str = "application/problem+json";

/// The kinds of problem: name, title, and what a program does about it. `/api` explains them, and `type` leads there.
pub(crate) const KINDS: [(&str, &str, &str); 12] = [
    ("unreadable", "It cannot be read", "Mend the request: the detail says where it could not be read."),
    (
        "no-token",
        "No token",
        "Send the header `Authorization: Bearer tw_…` with a token that is neither expired nor revoked.",
    ),
    (
        "forbidden",
        "Not open to you",
        "The token's role or site does not include this. Some acts no token opens: randomising, signing, unlocking.",
    ),
    ("not-found", "Not found", "There is no such thing, or none that the token may know of."),
    ("method", "No such method", "The header `Allow` names those there are."),
    (
        "refused",
        "It was not recorded",
        "The trial's rules do not allow it as things stand: the detail says what would be right.",
    ),
    (
        "changed",
        "Somebody was quicker",
        "The form stands otherwise than `If-Match` says: read it again, and decide with what `since` tells.",
    ),
    ("media-type", "Another media type is needed", "Send `Content-Type: application/json`."),
    ("invalid", "The values cannot stand", "Mend each of the `faults` and send it again."),
    (
        "precondition",
        "Say what you have seen",
        "The form stands: to correct, verify or lock it, send `If-Match` with its `ETag`.",
    ),
    ("too-many", "Too many requests", "Wait as many seconds as `Retry-After` says."),
    (
        "broken",
        "Something broke",
        "The server could not do this, and nothing was recorded. Try again later, or tell the operator.",
    ),
];

/// Why a request was not answered as asked.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    kind: &'static str,
    detail: String,
    more: Map<String, Value>,
}

pub(crate) type Answer = Result<Response, Problem>;

impl Problem {
    fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, detail: detail.into(), more: Map::new() }
    }

    pub(crate) fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "unreadable", detail)
    }

    pub(crate) fn no_token() -> Self {
        let says = "This needs the header `Authorization: Bearer` with a token of this server that opens: the trial office makes tokens.";
        Self::new(StatusCode::UNAUTHORIZED, "no-token", says)
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    pub(crate) fn refused(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "refused", detail)
    }

    pub(crate) fn media_type(found: &str) -> Self {
        let says = format!("Found the content type {found:?}; application/json would be right.");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", says)
    }

    /// The form stands as event `found` gave it, and not as the program had seen it.
    pub(crate) fn changed(found: u64, since: &[Later]) -> Self {
        let says = match found {
            0 => "The form is empty.".to_owned(),
            event => format!("The form stands as event {event} gave it."),
        };
        let since: Vec<_> = since.iter().map(later).collect();
        Self::new(StatusCode::PRECONDITION_FAILED, "changed", says)
            .with("event", json!(found))
            .with("since", json!(since))
    }

    pub(crate) fn precondition(event: u64) -> Self {
        let says = format!(
            "The form stands as event {event} gave it, with other values. A correction needs `If-Match: \"{event}\"` and a reason."
        );
        Self::new(StatusCode::PRECONDITION_REQUIRED, "precondition", says).with("event", json!(event))
    }

    /// A form is marked only as it was seen.
    pub(crate) fn unseen(event: u64) -> Self {
        let says = format!(
            "The form stands as event {event} gave it. Say with `If-Match: \"{event}\"` that these values were seen."
        );
        Self::new(StatusCode::PRECONDITION_REQUIRED, "precondition", says).with("event", json!(event))
    }

    /// A member of what was sent is wrong.
    pub(crate) fn member(item: &str, found: &str, right: &str) -> Self {
        let fault = json!({ "form": null, "row": null, "item": item, "found": found, "right": right });
        let says = format!("{item}: found {found}; {right}.");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", says).with("faults", json!([fault]))
    }

    fn faults(faults: &[FormFault]) -> Self {
        let hard: Vec<_> = faults.iter().filter(|fault| fault.hard).map(fault).collect();
        let says = match hard.len() {
            1 => "A value cannot stand. Nothing was recorded.".to_owned(),
            n => format!("{n} values cannot stand. Nothing was recorded."),
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", says).with("faults", json!(hard))
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }

    fn of_status(status: StatusCode) -> Self {
        let (kind, says) = match status {
            StatusCode::NOT_FOUND => ("not-found", "There is no such address in this API: see /api."),
            StatusCode::METHOD_NOT_ALLOWED => ("method", "This address takes other methods."),
            StatusCode::FORBIDDEN => ("forbidden", "It is not open to you."),
            StatusCode::TOO_MANY_REQUESTS => {
                ("too-many", "Too many requests came from your address. Nothing was recorded.")
            }
            status if status.is_client_error() => ("unreadable", "The request cannot be read."),
            _ => ("broken", "The server could not do this. The operator finds the reason in the log."),
        };
        Self::new(status, kind, says)
    }
}

/// A fault of a form's values, for a program.
pub(crate) fn fault(fault: &FormFault) -> Value {
    let FormFault { form, row, item, found, right, .. } = fault;
    let row = row.as_ref().map(|(group, number)| json!({ "group": group, "number": number }));
    json!({ "form": form, "row": row, "item": item, "found": found, "right": right })
}

fn later(later: &Later) -> Value {
    json!({
        "event": later.event,
        "kind": later.kind,
        "who": later.who,
        "role": later.role,
        "recorded": later.recorded,
        "form": later.instance.as_ref().map(address::instance_name),
    })
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotFound(says) => Self::not_found(says),
            Fault::Forbidden(says) => Self::forbidden(says),
            Fault::BadRequest(says) => Self::unreadable(says),
            Fault::Refused(office::Error::Refused(refusal)) => (*refusal).into(),
            fault => {
                let (status, _, says) = fault.parts();
                Self::new(status, "broken", says)
            }
        }
    }
}

impl From<office::Error> for Problem {
    fn from(wrong: office::Error) -> Self {
        Fault::from(wrong).into()
    }
}

impl From<people::Error> for Problem {
    fn from(wrong: people::Error) -> Self {
        Fault::from(wrong).into()
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match &refusal.reason {
            Reason::Form(faults) => Self::faults(faults),
            Reason::Conflict { found, since, .. } => Self::changed(*found, since),
            Reason::NoReason => Self::member("reason", "none", "say why the values change"),
            Reason::NoText => Self::member("text", "none", "say it in words"),
            Reason::DueInPast { due, today } => {
                Self::member("due", &due.to_string(), &format!("give a day after {today}"))
            }
            Reason::SubjectNumber(number) => {
                Self::member("subject", number, "1 to 64 letters, digits, dots, hyphens or slashes")
            }
            Reason::UnknownQuery { .. } => Self::not_found(format!("{}.", refusal.reason)),
            reason => Self::refused(format!("{}: {reason}. Nothing was recorded.", refusal.deed)),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = KINDS.iter().find(|(kind, ..)| *kind == self.kind).map_or("", |(_, title, _)| title);
        let mut body = json!({
            "type": format!("/api#{}", self.kind),
            "title": title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Value::Object(members) = &mut body {
            members.extend(self.more);
        }
        let mut response = (self.status, [(header::CONTENT_TYPE, MEDIA)], body.to_string()).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let value = HeaderValue::from_static("Bearer realm=\"trialwright\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }
}

/// Whatever goes wrong below `/api/v1/`, also before a handler is reached, is a problem in JSON.
pub(crate) async fn always(request: Request, next: Next) -> Response {
    let ours = request.uri().path().starts_with("/api/v1/");
    let response = next.run(request).await;
    let status = response.status();
    let said = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == MEDIA);
    if !ours || said || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let mut problem = Problem::of_status(status).into_response();
    for name in [header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = response.headers().get(&name) {
            problem.headers_mut().insert(name, value.clone());
        }
    }
    problem
}
