//! The `OpenAPI` 3.1 document, made of the table of operations: what it lists is what the server answers.
//!
//! Never written by hand but for the schemas of the bodies, which a test holds against what the server sends.

use axum::Json;
use people::permission::{self, Act, ROLES};
use serde_json::{Map, Value, json};

use super::operation::{Operation, Parameter};
use super::problem::MEDIA;
use super::{fhir, operations, schema};

/// The document.
pub fn document() -> Value {
    let mut paths = Map::new();
    for operation in operations() {
        let item = paths.entry(operation.route.path).or_insert_with(|| path_item(&operation));
        item[operation.route.method.as_str().to_ascii_lowercase()] = described(&operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Trialwright",
            "version": "1",
            "summary": "The trial office for programs: the same actions as its pages.",
            "description": "A token opens one trial in one role, at one site or at all; the trial office makes tokens. What asks a person for a second factor or for the password no token opens: randomising, signing, unlocking, exports and comparisons by arm are not here.",
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": "/", "description": "The server that this document is of." }],
        "security": [{ "token": [] }],
        "tags": [
            { "name": "Trial", "description": "The trial, its protocol, its sites, its trail." },
            { "name": "Subjects", "description": "Subjects and what follows from their records." },
            { "name": "Forms", "description": "What is entered." },
            { "name": "Queries", "description": "Questions about the data." },
            { "name": "FHIR", "description": "The trial as HL7 FHIR R4, for reading." },
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "A token of the trial office, which begins with `tw_`." },
            },
            "schemas": schema::schemas(),
            "responses": problems(),
        },
    })
}

/// `GET /api/openapi.json`
pub(super) async fn show() -> Json<Value> {
    Json(document())
}

fn path_item(operation: &Operation) -> Value {
    let parameters: Vec<_> = operation.names().map(|name| {
        json!({ "name": name, "in": "path", "required": true, "description": meaning(name), "schema": { "type": "string" } })
    }).collect();
    if parameters.is_empty() { json!({}) } else { json!({ "parameters": parameters }) }
}

/// What a name in a path means.
fn meaning(name: &str) -> &'static str {
    match name {
        "trial" => "The trial's name in addresses, as `getToken` gives it.",
        "subject" => "The subject's number; a `/` in it is written `%2F`.",
        "instance" => {
            "Which form: `FORM@VISIT`, `FORM@VISIT.2` of a visit that repeats, `FORM` or `FORM.2` of a log."
        }
        "query" => "The query's name.",
        "type" => "A type of FHIR resource, such as `Observation`.",
        "id" => "The id of a resource.",
        _ => "",
    }
}

fn described(operation: &Operation) -> Value {
    let mut answers = Map::new();
    for answer in &operation.answers {
        let media = if answer.schema == fhir::SCHEMA { fhir::MEDIA } else { "application/json" };
        let mut body = json!({
            "description": answer.says,
            "content": { media: { "schema": reference(answer.schema) } },
        });
        if answer.schema == "Form" || answer.schema == "Saved" {
            body["headers"] = json!({ "ETag": { "description": "The event that gave the values, in quotes.", "schema": { "type": "string" } } });
        }
        answers.insert(answer.status.to_string(), body);
    }
    for status in statuses(operation) {
        answers.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{status}") }));
    }
    let mut body = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": description(operation),
        "responses": answers,
    });
    if !operation.parameters.is_empty() {
        body["parameters"] = operation.parameters.iter().map(parameter).collect();
    }
    if let Some(schema) = operation.sends {
        body["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": reference(schema) } } });
    }
    body
}

/// What it does, and whose token opens it.
fn description(operation: &Operation) -> String {
    let acts = operation.further.iter().copied().chain(operation.act());
    let opens = |act: Act| {
        let roles = ROLES.iter().filter(|role| permission::may(**role, act) != permission::May::Never);
        let roles: Vec<_> = roles.map(|role| json!(role).as_str().unwrap_or_default().to_owned()).collect();
        format!("To {}: {}.", act.words(), roles.join(", "))
    };
    let needs: Vec<_> = acts.map(opens).collect();
    format!("{}\n\nOpen to tokens of these roles. {}", operation.more, needs.join(" ")).trim().to_owned()
}

fn parameter(parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "in": parameter.place,
        "required": false,
        "description": parameter.says,
        "schema": { "type": parameter.kind },
    })
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// The problems of an operation: its own, and those of every route.
pub(super) fn statuses(operation: &Operation) -> Vec<u16> {
    let mut statuses = operation.problems.clone();
    statuses.extend([401, 403, 429, 500]);
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

/// What each status means where it tells of a problem.
const PROBLEMS: [(u16, &str); 12] = [
    (400, "It cannot be read."),
    (401, "No token, or one that does not open."),
    (403, "The token's role or site does not include this."),
    (404, "There is no such thing, or none that the token may know of."),
    (409, "The trial's rules do not allow it as things stand."),
    (412, "The form stands otherwise than `If-Match` says; `since` tells what happened."),
    (415, "Another content type than application/json."),
    (422, "Values that cannot stand: each of the `faults`."),
    (428, "A correction needs `If-Match`."),
    (429, "Too many requests."),
    (500, "Something broke, and nothing was recorded."),
    (503, "The server cannot take it just now."),
];

fn problems() -> Value {
    let response = |(status, says): &(u16, &str)| {
        let body = json!({ "description": says, "content": { MEDIA: { "schema": reference("Problem") } } });
        (status.to_string(), body)
    };
    PROBLEMS.iter().map(response).collect::<Map<_, _>>().into()
}
