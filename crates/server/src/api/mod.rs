//! The JSON API for programs: the same actions as the pages, behind tokens, described by `OpenAPI`.
//!
//! Never does what the pages cannot, and never without a token: what asks a person for a second factor or a password no token opens
//! (see `people::permission::by_token`). `operations` is the one table of which both the routes and the document are made.

mod fhir;
mod form;
mod openapi;
mod operation;
mod page;
pub(crate) mod problem;
mod query;
mod schema;
mod subject;
pub(crate) mod token;
mod trial;
mod unique;

pub use openapi::document;

use operation::Operation;

use crate::web::access::{Gate, Route};

/// Every operation.
fn operations() -> Vec<Operation> {
    [trial::operations(), subject::operations(), form::operations(), query::operations(), fhir::operations()]
        .into_iter()
        .flatten()
        .collect()
}

/// The routes of the API.
pub(crate) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::get("/api", Gate::Public, page::show),
        Route::get("/api/openapi.json", Gate::Public, openapi::show),
    ];
    routes.extend(operations().into_iter().map(|operation| operation.route));
    routes
}
