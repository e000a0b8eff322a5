//! A subject's page: the whole course on one page, as an oncologist reads it at a glance.
//!
//! Never derives anything: `trial::{derive, standing, calendar, outstanding, consequence, endpoint, sabr, factb}` say all of
//! it, and this arranges it. Figures are in `figure*`, each section in a module of its own.

mod figure;
mod figure_body;
mod figure_course;
mod figure_factb;
mod figure_lesions;
mod forms;
mod lesions;
mod opening;
mod outcomes;
mod safety;
mod story;
mod treatment;
mod view;

use axum::extract::{Query, State};
use maud::{Markup, html};
use people::permission::Act;
use serde::Deserialize;

use crate::app::App;
use crate::web::access::{Chart, Gate, Route};
use crate::web::fault::Answer;
use crate::web::{address, shell};
pub(crate) use lesions::body_of;
use view::View;
pub(crate) use view::signed;

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get("/t/{trial}/subjects/{subject}", Gate::Subject(Act::ViewSubject), show)]
}

/// What a reader may choose.
#[derive(Deserialize)]
struct Asked {
    /// The assessment whose lesions the body map shows, by its event; the last one where none is named.
    at: Option<String>,
}

/// `GET /t/{trial}/subjects/{subject}`
async fn show(State(app): State<App>, chart: Chart, Query(asked): Query<Asked>) -> Answer {
    let folder = chart.room.folder(&chart.subject).await?;
    let view = View::of(&chart, &folder, app.today());
    let at = asked.at.and_then(|seq| seq.parse().ok());
    let title = format!("Subject {}", chart.subject);
    Ok(shell::page(&chart, shell::Place::Subjects, &title, page(&view, at)))
}

fn page(view: &View<'_>, at: Option<trial::event::Seq>) -> Markup {
    let list = address::in_trial(&view.chart.room.slug, "subjects");
    html! {
        (shell::crumbs(&[(list, "Subjects")]))
        (opening::head(view))
        div.split {
            (opening::now(view))
            (opening::strategy(view))
        }
        (figure_course::card(view))
        (lesions::cards(view, at))
        (treatment::cards(view))
        (safety::card(view))
        div.split {
            (safety::quality(view))
            (safety::performance(view))
        }
        (forms::card(view))
        (outcomes::card(view))
    }
}
