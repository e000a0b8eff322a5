//! The API as a person reads it: every operation, and what each kind of problem means. Made of the same table as the routes.
//!
//! Never a word of one trial: it is open to everybody.

use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde_json::Value;

use super::openapi::{document, statuses};
use super::operation::Operation;
use super::operations;
use super::problem::KINDS;
use crate::web::shell;

/// `GET /api`
pub(super) async fn show() -> Response {
    let document = document();
    let body = html! {
        h1 { "The API of Trialwright" }
        p { "Other programs read and send data here as people do on the pages, by the same rules. Each request carries a token: "
            code { "Authorization: Bearer tw_…" } ". The trial office makes tokens, each for one trial, one role, one site or all." }
        p { "What asks a person for a second factor or a password no token opens: randomising, signing, unlocking, exports, comparisons by arm." }
        p { a href="/api/openapi.json" { "The OpenAPI 3.1 document" } " describes every body." }
        @for tag in tags(&document) {
            section.card {
                h2 { (tag) }
                @for operation in operations().iter().filter(|operation| operation.tag == tag) { (described(operation)) }
            }
        }
        section.card {
            h2 { "Problems" }
            p { "What goes wrong is told as " code { "application/problem+json" } " (RFC 9457). Its " code { "type" } " leads here." }
            dl.read { @for (kind, title, says) in KINDS { dt id=(kind) { code { (kind) } } dd { (title) ". " (says) } } }
        }
    };
    Html(shell::public_page("API", &body).into_string()).into_response()
}

fn tags(document: &Value) -> Vec<String> {
    let tags = document["tags"].as_array().into_iter().flatten();
    tags.filter_map(|tag| tag["name"].as_str().map(str::to_owned)).collect()
}

fn described(operation: &Operation) -> Markup {
    let problems: Vec<_> = statuses(operation).iter().map(ToString::to_string).collect();
    html! {
        h3 id=(operation.id) { (operation.summary) }
        p { code { (operation.route.method) " " (operation.route.path) } }
        @if !operation.more.is_empty() { p { (plain(operation.more)) } }
        @if let Some(act) = operation.act() { p.soft { "To whoever may " (act.words()) "." } }
        dl.read {
            @for parameter in &operation.parameters {
                dt { code { (parameter.name) } " " span.soft { (parameter.place) } } dd { (plain(parameter.says)) }
            }
            @if let Some(schema) = operation.sends { dt { "Send" } dd { code { (schema) } } }
            @for answer in &operation.answers { dt { (answer.status) } dd { code { (answer.schema) } " " (answer.says) } }
            dt { "Problems" } dd { (problems.join(", ")) }
        }
    }
}

/// Words with what stands between backticks as code.
fn plain(text: &str) -> Markup {
    html! {
        @for (index, piece) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (piece) } } @else { (piece) }
        }
    }
}
