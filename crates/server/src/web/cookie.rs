//! The session's cookie: out of reach of scripts, sent to this server alone, over TLS alone where there is TLS.
//!
//! Never holds anything but the session's token; what the session may do is in the store.

use axum::http::{HeaderMap, HeaderValue, header};
use people::Secret;

/// With the prefix a browser takes it only over TLS, for this host and for all its paths.
const SECURE: &str = "__Host-trialwright";
const PLAIN: &str = "trialwright";
/// The same for the cookie of the log-in page, which is there before a session is.
const SECURE_PAGE: &str = "__Host-trialwright-page";
const PLAIN_PAGE: &str = "trialwright-page";

/// The token in the cookie of a request.
pub(crate) fn session(headers: &HeaderMap) -> Option<&str> {
    named(headers, SECURE).or_else(|| named(headers, PLAIN))
}

/// The header that gives a browser the session.
pub(crate) fn give(token: &Secret, tls: bool) -> HeaderValue {
    written(if tls { SECURE } else { PLAIN }, token.reveal(), tls, None)
}

/// The header that takes it away.
pub(crate) fn take(tls: bool) -> HeaderValue {
    written(if tls { SECURE } else { PLAIN }, "", tls, Some(0))
}

/// The token of the browser that a log-in page was shown to: the form must come back from the same browser.
pub(crate) fn page(headers: &HeaderMap) -> Option<&str> {
    named(headers, SECURE_PAGE).or_else(|| named(headers, PLAIN_PAGE))
}

/// The header that gives a browser the token of its log-in page.
pub(crate) fn give_page(token: &str, tls: bool) -> HeaderValue {
    written(if tls { SECURE_PAGE } else { PLAIN_PAGE }, token, tls, None)
}

fn named<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|text| text.split(';')).find_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found == wanted && !value.is_empty()).then_some(value)
    })
}

fn written(name: &str, value: &str, tls: bool, max_age: Option<u32>) -> HeaderValue {
    let secure = if tls { "; Secure" } else { "" };
    let age = max_age.map(|age| format!("; Max-Age={age}")).unwrap_or_default();
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
    // A token is base64url: every character of it may stand in a header.
    HeaderValue::from_str(&text)
        .unwrap_or_else(|_| HeaderValue::from_static("trialwright=; Path=/; Max-Age=0"))
}
