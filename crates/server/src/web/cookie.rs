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

/// The token in the cookie of a request. Over TLS only the cookie whose name a browser keeps for this host alone is read: one without
/// the prefix may have been set by another host of the domain, or over plain HTTP.
pub(crate) fn session(headers: &HeaderMap, tls: bool) -> Option<&str> {
    named(headers, if tls { SECURE } else { PLAIN })
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
pub(crate) fn page(headers: &HeaderMap, tls: bool) -> Option<&str> {
    named(headers, if tls { SECURE_PAGE } else { PLAIN_PAGE })
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn sent(cookies: &[&'static str]) -> HeaderMap {
        cookies.iter().map(|text| (header::COOKIE, HeaderValue::from_static(text))).collect()
    }

    /// RFC 6265bis, 4.1.3.2: what a browser asks of a cookie with the prefix.
    #[rstest]
    #[case::session(|tls| give(&Secret::new("token"), tls))]
    #[case::log_in_page(|tls| give_page("token", tls))]
    #[case::ended(take)]
    fn over_tls_a_cookie_is_for_this_host_alone(#[case] written: fn(bool) -> HeaderValue) {
        let (secure, plain) = (written(true), written(false));
        let (secure, plain) = (secure.to_str().unwrap(), plain.to_str().unwrap());
        assert!(secure.starts_with("__Host-trialwright"), "{secure}");
        assert!(secure.contains("; Secure") && !secure.contains("Domain"), "{secure}");
        assert!(plain.starts_with("trialwright") && !plain.contains("Secure"), "{plain}");
        for cookie in [secure, plain] {
            assert!(cookie.contains("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
        }
    }

    #[rstest]
    #[case(&["__Host-trialwright=a; trialwright=b"], Some("a"), Some("b"))]
    #[case(&["trialwright=b"], None, Some("b"))]
    #[case(&["__Host-trialwright=a"], Some("a"), None)]
    #[case(&["x=1; trialwright=", "__Host-trialwright=a"], Some("a"), None)]
    #[case(&["not-trialwright=b; __Host-trialwright-page=c"], None, None)]
    fn only_the_cookie_of_the_way_it_came_is_read(
        #[case] cookies: &[&'static str],
        #[case] tls: Option<&str>,
        #[case] plain: Option<&str>,
    ) {
        assert_eq!((session(&sent(cookies), true), session(&sent(cookies), false)), (tls, plain));
    }
}
