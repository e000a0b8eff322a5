//! The pages, one module for what a person does there. Each gives its routes, with their gates.
//!
//! Never a rule of the trial: a page asks `trial`, `office` and `analysis`, and shows what they say.

pub(crate) mod account;
pub(crate) mod amendment;
pub(crate) mod calendar;
pub(crate) mod chart;
pub(crate) mod deviations;
pub(crate) mod entry;
pub(crate) mod faults;
pub(crate) mod first_run;
pub(crate) mod home;
pub(crate) mod invitation;
pub(crate) mod listing;
pub(crate) mod log_in;
pub(crate) mod outstanding;
pub(crate) mod overview;
pub(crate) mod parts;
pub(crate) mod people;
pub(crate) mod qr;
pub(crate) mod queries;
pub(crate) mod questionnaires;
pub(crate) mod randomise;
pub(crate) mod reports;
pub(crate) mod review;
pub(crate) mod screening;
pub(crate) mod sites;
pub(crate) mod subjects;
pub(crate) mod trail;

use crate::web::access::Route;

/// The routes of every page.
pub(crate) fn routes() -> Vec<Route> {
    [
        account::routes(),
        amendment::routes(),
        calendar::routes(),
        chart::routes(),
        deviations::routes(),
        entry::routes(),
        first_run::routes(),
        home::routes(),
        invitation::routes(),
        log_in::routes(),
        outstanding::routes(),
        overview::routes(),
        people::routes(),
        queries::routes(),
        questionnaires::routes(),
        randomise::routes(),
        reports::routes(),
        review::routes(),
        screening::routes(),
        sites::routes(),
        subjects::routes(),
        trail::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
