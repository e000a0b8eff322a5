//! Adverse events by CTCAE: a search that shows terms with what their grades mean, and a choice that fills the form's fields.
//!
//! Never grades an event: a person does, with the five meanings in view. Which items take the term is the concept's
//! (`trial::concept`), not one trial's.

use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse};
use maud::{Markup, html};
use trial::ctcae::{self, Term};
use trial::protocol::{Concept, Form, Protocol};

use super::fields::Draw;
use super::paper::Paper;
use super::sent::Sent;
use super::sheet::Sheet;
use super::{Asked, Named, at_once};
use crate::app::App;
use crate::web::access::{Chart, Fields};
use crate::web::fault::Answer;

/// So many terms are shown.
const MOST_TERMS: usize = 8;
/// So many of them with the meanings of their grades unfolded.
const UNFOLDED: usize = 3;

/// Whether the form takes its terms from CTCAE.
pub(super) fn searches(protocol: &Protocol, form: &Form) -> bool {
    let dictionary = protocol.safety.dictionary.as_deref().unwrap_or_default();
    form.concept == Concept::AdverseEvent && dictionary.to_uppercase().contains("CTCAE")
}

/// The item that holds the dictionary's term.
fn term_item(form: &Form) -> &'static str {
    if form.items.iter().any(|item| item.id == "AEDECOD") { "AEDECOD" } else { "AETERM" }
}

/// The field to search in, above the form's own; `query` and what it finds where there is no script to ask for it.
pub(super) fn search(sheet: &Sheet, query: &str) -> Markup {
    html! {
        @if searches(sheet.protocol(), sheet.form()) {
            div.field.search {
                label for="find-term" { "Find the term in CTCAE v5.0" }
                p.hint #find-hint { "Any words of it: a common name, the organ class, either spelling." }
                div.row {
                    input #find-term type="search" name="_find" value=(query) autocomplete="off" aria-describedby="find-hint" data-no-enter
                        hx-get=(sheet.at("terms")) hx-trigger="input changed delay:200ms, search" hx-target="#terms" hx-sync="this:replace";
                    noscript { button type="submit" name="_search" value="1" formnovalidate { "Search" } }
                }
                div #terms aria-live="polite" { @if !query.is_empty() { (hits(sheet, query)) } }
            }
        }
    }
}

/// `GET …/terms?_find=`: the terms that fit what was typed.
pub(super) async fn terms(
    State(app): State<App>,
    chart: Chart,
    Path((.., name)): Named,
    Query(asked): Asked,
) -> Answer {
    let sheet = Sheet::open(&app, chart, &name).await?;
    let query = asked.iter().find(|(name, _)| name == "_find").map_or("", |(_, text)| text.trim());
    Ok(Html(hits(&sheet, query).into_string()).into_response())
}

fn hits(sheet: &Sheet, query: &str) -> Markup {
    if query.is_empty() {
        return html! {};
    }
    let hits = ctcae::search(query, MOST_TERMS);
    html! {
        @if hits.is_empty() {
            p.soft { "No term of CTCAE v5.0 fits. Try another word, or choose “Other, specify” of its organ class." }
        }
        ul.terms {
            @for (at, hit) in hits.iter().enumerate() {
                li {
                    button.plain type="submit" name="_term" value=(hit.term.code) formnovalidate hx-post=(sheet.at("term"))
                        hx-vals=(format!(r#"{{"_term":"{}"}}"#, hit.term.code)) hx-include="closest form" hx-swap="none" {
                        (hit.term.term)
                    }
                    " " span.soft { (hit.term.class) @if hit.corrected { " · spelling corrected" } }
                    details open[at < UNFOLDED] { summary { "Grades" } (grades(hit.term)) }
                }
            }
        }
    }
}

/// What the grades of a term mean.
fn grades(term: &Term) -> Markup {
    html! {
        dl.grades {
            @for (grade, meaning) in (1..).zip(&term.grades) {
                dt { (grade) }
                dd { @match meaning { Some(meaning) => (meaning), None => span.soft { "not defined for this term" } } }
            }
        }
    }
}

/// The term that the form holds, where it is one of CTCAE.
fn chosen(paper: &Paper<'_>) -> Option<&'static Term> {
    let text =
        |item: &str| paper.fields.iter().find(|field| field.item.id == item).map(|field| field.text.trim());
    text("AEDECOD").filter(|text| !text.is_empty()).or_else(|| text("AETERM")).and_then(ctcae::find)
}

/// What a grade of the chosen term means.
pub(super) fn grade(paper: &Paper<'_>, n: i64) -> Option<String> {
    let term = chosen(paper)?;
    let grade = u8::try_from(n).ok().filter(|grade| (1..=5).contains(grade))?;
    let meaning = term.grades.get(usize::from(grade) - 1)?;
    Some(meaning.clone().unwrap_or_else(|| "not defined for this term".to_owned()))
}

/// The chosen term beside the form.
pub(super) fn panel(paper: &Paper<'_>) -> Markup {
    html! {
        @if let Some(term) = chosen(paper) {
            section.card aria-labelledby="term" {
                h2 #term { (term.term) }
                p.soft { (term.class) " · MedDRA " (term.code) }
                @if !term.definition.is_empty() { p { (term.definition) } }
                // The choices of a grade say what each means.
                @if paper.form.items.iter().all(|item| item.id != "AETOXGR") {
                    h3 { "Grades" }
                    (grades(term))
                }
            }
        }
    }
}

/// Fills what a chosen term says: the term, and its class where the form asks for it. A verbatim term that was typed stays.
pub(super) fn fill(sent: &mut Sent, form: &Form, code: &str) -> Option<&'static Term> {
    let term = ctcae::terms().iter().find(|term| term.code.to_string() == code)?;
    let has = |id: &str| form.items.iter().any(|item| item.id == id);
    let verbatim = sent.fields.iter().any(|(name, text)| name == "AETERM" && !text.trim().is_empty());
    let into = term_item(form);
    sent.put(into, &term.term);
    if into != "AETERM" && has("AETERM") && !verbatim {
        sent.put("AETERM", &term.term);
    }
    if has("AEBODSYS") {
        sent.put("AEBODSYS", &term.class);
    }
    Some(term)
}

/// `POST …/term`: a term was chosen; its fields come back filled, and the grades with their meanings.
pub(super) async fn choose(
    State(app): State<App>,
    chart: Chart,
    Path((.., name)): Named,
    fields: Fields,
) -> Answer {
    let (sheet, mut sent) = at_once::typed(&app, chart, &name, fields).await?;
    let code = sent.page("_term").to_owned();
    let Some(term) = fill(&mut sent, sheet.form(), &code) else {
        return Ok(at_once::answer(&at_once::part("terms", &html! { p.fault { "There is no such term." } })));
    };
    let entry = sent.read(sheet.form());
    let paper = Paper::of_typed(&sheet, &entry);
    let notes = at_once::notes(&sheet, &paper, &entry, &sent);
    let draw = Draw { sheet: &sheet, paper: &paper, notes: &notes };
    let filled = |item: &str| ["AETERM", "AEDECOD", "AEBODSYS", "AETOXGR"].contains(&item);
    let says = html! { p.soft { "Chosen: " (term.term) ". Now the grade." } };
    Ok(at_once::answer(&html! {
        (at_once::part("terms", &says))
        (at_once::part("panel", &panel(&paper)))
        // Whole fields: the keyboard was in none of them.
        @for field in paper.fields.iter().filter(|field| filled(&field.item.id)) { (draw.field(field, true)) }
    }))
}
