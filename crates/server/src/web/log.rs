//! One line for each request: what was asked by its template, what was answered, how long it took.
//!
//! Never an address's own parts, a query string, a user, a subject or anything that was typed: the template says
//! `/t/{trial}/subjects/{subject}`, and so does the log. Who did what is in the ledger.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;

/// Counts and logs a request.
pub(crate) async fn log(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "(none)".to_owned(), |p| p.as_str().to_owned());
    let response = next.run(request).await;
    let (status, took) = (response.status().as_u16(), began.elapsed());
    app.metrics.answered(method.as_str(), &route, status, took);
    let ms = took.as_secs_f64() * 1e3;
    tracing::info!(target: "trialwright::request", method = method.as_str(), route, status, ms, "answered");
    response
}
