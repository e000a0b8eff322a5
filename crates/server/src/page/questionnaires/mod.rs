//! Questionnaires that patients answer themselves: which are due, the link to each, and how the patient is reached.
//!
//! Never shows a link a second time (only its hash is kept), and a contact only to whoever may see it. What the link opens is `epro`.

mod contact;
mod due;
mod list;
mod own;

use people::permission::Act;

use crate::web::access::{Gate, Route};

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    let (see, give, reach) = (
        Gate::Subject(Act::ViewSubject),
        Gate::Subject(Act::IssuePatientLinks),
        Gate::Subject(Act::ManageContacts),
    );
    vec![
        Route::get("/t/{trial}/questionnaires", Gate::Trial(Act::ViewSubject), list::list),
        Route::get("/t/{trial}/subjects/{subject}/questionnaires", see, own::show),
        Route::post("/t/{trial}/subjects/{subject}/questionnaires", give, own::issue),
        Route::post("/t/{trial}/subjects/{subject}/questionnaires/withdraw", give, own::withdraw),
        Route::get("/t/{trial}/subjects/{subject}/contact", reach, contact::show),
        Route::post("/t/{trial}/subjects/{subject}/contact", reach, contact::put),
        Route::post("/t/{trial}/subjects/{subject}/contact/erase", reach, contact::erase),
    ]
}
