//! How much one address may ask: requests a second, and so many at once.
//!
//! Never looks into a request. Log-in has its own, stricter counts by user and by address (`people`).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Who asks, as an address: the connection's, or the one that the proxy before the server names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client(pub(crate) IpAddr);

impl std::fmt::Display for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The limiter of a server.
#[derive(Clone)]
pub(crate) struct Limit {
    buckets: Arc<DefaultKeyedRateLimiter<IpAddr>>,
    behind_proxy: bool,
}

impl Limit {
    /// `most` requests a second from one address, and two seconds' worth at once: a page loads its files too.
    pub(crate) fn new(most: u32, behind_proxy: bool) -> Self {
        let most = NonZeroU32::new(most).unwrap_or(NonZeroU32::MIN);
        let quota =
            Quota::per_second(most).allow_burst(most.saturating_mul(NonZeroU32::MIN.saturating_add(1)));
        Self { buckets: Arc::new(RateLimiter::keyed(quota)), behind_proxy }
    }

    /// Forgets addresses that have not asked for a while; called now and then.
    pub(crate) fn tidy(&self) {
        self.buckets.retain_recent();
    }

    fn client(&self, connection: Option<&SocketAddr>, headers: &HeaderMap) -> Client {
        let own = connection.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), SocketAddr::ip);
        // The proxy adds the address it saw at the end; whatever stands before it, the client may have made up.
        let named =
            headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
        let named = named.and_then(|text| text.rsplit(',').next()?.trim().parse().ok());
        Client(named.filter(|_| self.behind_proxy).unwrap_or(own))
    }
}

/// Lets a request through, or says when to come again. Handlers find the [`Client`] in the request.
pub(crate) async fn limit(State(limit): State<Limit>, mut request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let client = limit.client(connection.as_ref(), request.headers());
    request.extensions_mut().insert(client);
    match limit.buckets.check_key(&client.0) {
        Ok(()) => next.run(request).await,
        Err(wait) => {
            let seconds = wait.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
            let says = "Too many requests came from your address. Wait a moment and send it again; nothing was recorded.";
            let mut response = (StatusCode::TOO_MANY_REQUESTS, says).into_response();
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
    }
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Client {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get().copied().unwrap_or(Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(behind_proxy: bool, forwarded: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(value));
        }
        let connection = SocketAddr::from(([10, 0, 0, 1], 40000));
        Limit::new(1, behind_proxy).client(Some(&connection), &headers).to_string()
    }

    #[test]
    fn only_a_proxy_may_name_the_client() {
        assert_eq!(seen(false, &["192.0.2.7"]), "10.0.0.1");
        assert_eq!(seen(true, &["192.0.2.7"]), "192.0.2.7");
        // What the client itself put before the proxy's word counts for nothing.
        assert_eq!(seen(true, &["203.0.113.9, 192.0.2.7"]), "192.0.2.7");
        assert_eq!(seen(true, &["203.0.113.9", "192.0.2.7"]), "192.0.2.7");
        assert_eq!(seen(true, &["nobody"]), "10.0.0.1");
    }
}
