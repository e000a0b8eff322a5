//! The web application of Trialwright: sessions, roles, forms, pages and the JSON API.
//!
//! Never holds a rule of the trial: `trial` says what a form asks, what a response is and what is overdue, `office` admits,
//! `people::permission` says who may do what. Start at [`Server`], then `web::access` (every route has a gate) and `page`.

mod api;
mod app;
pub mod demonstration;
mod digest;
mod epro;
mod options;
mod page;
mod room;
mod start;
mod web;

pub use options::{Demonstration, MEMORY, Options, Tls, TrialOptions};
pub use start::{Error, Server};
pub use web::access::{Gate, Route};

/// The `OpenAPI` 3.1 document of the JSON API.
pub fn openapi() -> serde_json::Value {
    api::document()
}

/// Every route of the application, with its gate: what the test of permissions walks, and what an operator may read.
pub fn routes() -> Vec<Route> {
    let fixed = vec![Route::get("/assets/{hash}/{name}", Gate::Public, web::assets::asset)];
    [fixed, page::routes(), epro::routes(), api::routes(), start::routes()].into_iter().flatten().collect()
}
