//! To sign forms: what is signed is shown, with who signs, when, and what the signature means; the password is given again.
//!
//! Never signs what was not shown: a form that was corrected meanwhile is shown anew. One giving of the password signs all forms of
//! one page (21 CFR 11.50, 11.70, 11.200(a)(1)(i)); the second factor was given in the session before the page opens.

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use office::Deed;
use people::permission::Act;
use trial::record::FilledForm;
use trial::words::{changes, form_name};

use super::batch::{Chosen, Outcome, record};
use super::choice::Choice;
use super::{Told, back, shown};
use crate::app::App;
use crate::page::faults::{Faults, password_again};
use crate::page::listing;
use crate::page::parts::{self, password_once_more, select};
use crate::web::access::{Desk, Fields, go};
use crate::web::address;
use crate::web::fault::{Answer, Fault};
use crate::web::limit::Client;
use crate::web::shell::{self, Place};

/// What a signature may mean: review, approval, responsibility, authorship (21 CFR 11.50(a)(3)).
const MEANINGS: [&str; 4] = [
    "I have reviewed these data and confirm that they are complete and correct",
    "I have reviewed these data and approve them",
    "I take responsibility for these data",
    "I am the author of these data",
];

/// `GET /t/{trial}/review/sign?form=`
pub(super) async fn show(desk: Desk, Query(asked): Query<Vec<(String, String)>>) -> Answer {
    let fields = Fields(asked);
    let keys = Chosen::keys(&fields);
    if keys.is_empty() {
        return Ok(go(&listing::asking(&desk, "review", &[("state", "sign")])));
    }
    opened(&desk, &fields, &keys, &Faults::default(), StatusCode::OK).await
}

/// `POST /t/{trial}/review/sign`: from the list, to read; from the page itself, to sign.
pub(super) async fn sign(
    State(app): State<App>,
    Extension(client): Extension<Client>,
    desk: Desk,
    fields: Fields,
) -> Answer {
    let keys = Chosen::keys(&fields);
    if keys.is_empty() {
        let told = Told { bad: vec!["Nothing was signed: tick the forms first.".into()], ..Told::default() };
        return shown(&desk, &Choice::of(&fields), &keys, &told).await;
    }
    if fields.get("_sign").is_empty() {
        return opened(&desk, &fields, &keys, &Faults::default(), StatusCode::OK).await;
    }
    let mut faults = Faults::default();
    let meaning = MEANINGS.iter().find(|meaning| **meaning == fields.get("meaning"));
    if meaning.is_none() {
        faults.add("meaning", "Choose what the signature means.");
    }
    // Where something else is wrong, no wrong password is counted.
    if faults.is_empty() {
        password_again(&app, &desk.visitor, &client, &fields, &mut faults).await?;
    }
    let Some(meaning) = meaning.filter(|_| faults.is_empty()) else {
        return opened(&desk, &fields, &keys, &faults, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let chosen = match Chosen::read(&desk, &keys, Act::Sign).await? {
        Ok(chosen) => chosen,
        Err(says) => return Err(Fault::NotFound(says)),
    };
    let outcome = record(&desk, Act::Sign, &chosen, |one| {
        vec![Deed::Sign { instance: one.instance.clone(), meaning: (*meaning).to_owned() }]
    })
    .await?;
    signed(&desk, &fields, &keys, outcome).await
}

async fn signed(desk: &Desk, fields: &Fields, keys: &[String], outcome: Outcome) -> Answer {
    if outcome.refused.is_empty() {
        return Ok(back(desk, fields, &Choice::of(fields), &outcome, "signed"));
    }
    let mut faults = Faults::default();
    faults.add("", outcome.words("signed").unwrap_or_else(|| "Nothing was signed.".into()));
    for says in outcome.refused {
        faults.add("", says);
    }
    opened(desk, fields, keys, &faults, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// The page with the forms as they stand now.
async fn opened(
    desk: &Desk,
    fields: &Fields,
    keys: &[String],
    faults: &Faults,
    status: StatusCode,
) -> Answer {
    let chosen = match Chosen::read(desk, keys, Act::Sign).await? {
        Ok(chosen) => chosen,
        Err(says) => return Err(Fault::NotFound(says)),
    };
    Ok((status, page(desk, fields, &chosen, faults)).into_response())
}

fn standing(one: &Chosen) -> Option<&FilledForm> {
    one.folder.record.forms.iter().find(|form| form.instance == one.instance)
}

fn page(desk: &Desk, fields: &Fields, chosen: &[Chosen], faults: &Faults) -> Response {
    let signable: Vec<(&Chosen, &FilledForm)> = chosen
        .iter()
        .filter_map(|one| Some((one, standing(one)?)))
        .filter(|(_, form)| form.locked.is_none() && !form.signature_stands())
        .collect();
    let left_out = chosen.len() - signable.len();
    let body = html! {
        (shell::crumbs(&[(listing::asking(desk, "review", &[("state", "sign")]), "Review")]))
        h1 { "Sign " (listing::count(signable.len(), "form", "forms")) }
        (faults.summary())
        @if left_out > 0 {
            div.notice.info { p { (listing::count(left_out, "form was", "forms were")) " left out: not filled, locked, or signed already." } }
        }
        @if signable.is_empty() { p { a.button href=(listing::asking(desk, "review", &[("state", "sign")])) { "Back to the review" } } }
        @else {
            p { "These are the values that the signature will stand under. Open a form to correct it first." }
            @for (one, form) in &signable { (values(desk, one, form)) }
            (signature(desk, fields, &signable, faults))
        }
    };
    shell::page(desk, Place::Review, "Sign", body)
}

/// The values of a form, and whether it was changed since somebody signed it.
fn values(desk: &Desk, one: &Chosen, form: &FilledForm) -> Markup {
    let protocol = one.folder.history.at(form.event);
    let name = form_name(protocol, &one.instance);
    let changed = form.event != one.seen;
    html! {
        section.card aria-label={ (name) ", subject " (one.subject) } {
            h2 {
                a href=(address::form(&desk.room.slug, &one.subject, &one.instance)) { (name) }
                span.soft.small { " subject " (one.subject) ", site " (one.site) }
            }
            @if changed { p.notice.warn { "This form was corrected since you opened the page. These are its values now." } }
            @if let Some(earlier) = &form.signed {
                p.small { span.chip.warn { "changed since signed" } " by " (earlier.by.who) " on " (parts::moment(earlier.by.recorded)) }
            }
            dl.read {
                @for value in changes(protocol, &one.instance.form, None, &form.values) {
                    dt { (value.label) @if let Some((_, row)) = &value.row { " · " (row) } }
                    dd { span.typed { (value.new.as_deref().unwrap_or_default()) } }
                }
            }
            p.small.soft { "As event " (form.event) " gave it, recorded " (parts::moment(form.recorded)) "." }
        }
    }
}

fn signature(desk: &Desk, fields: &Fields, signable: &[(&Chosen, &FilledForm)], faults: &Faults) -> Markup {
    let meanings = MEANINGS.map(|meaning| (meaning.to_owned(), meaning.to_owned()));
    html! {
        form.card method="post" action=(address::in_trial(&desk.room.slug, "review/sign")) aria-labelledby="signature" {
            (shell::csrf(&desk.visitor))
            @for (one, form) in signable { input type="hidden" name="form" value=(Chosen::key(&one.subject, &one.instance, form.event)); }
            @for kept in ["_asked", "_then"] { input type="hidden" name=(kept) value=(fields.get(kept)); }
            input type="hidden" name="_sign" value="1";
            h2 #signature { "Your signature" }
            dl.facts {
                dt { "Name" } dd { (desk.visitor.session.display_name) " (" (desk.visitor.name()) ")" }
                dt { "Time" } dd { "the moment you press the button, by the server's clock, in UTC" }
                dt { "Binds as" } dd { "a handwritten signature would; a later correction of a form voids it for that form" }
            }
            (select("meaning", "Meaning", &meanings, fields.get("meaning"), "", faults.says("meaning")))
            (password_once_more(faults.says("password")))
            button.main type="submit" { "Sign " (listing::count(signable.len(), "form", "forms")) }
            " " a href=(listing::asking(desk, "review", &[("state", "sign")])) { "Not now" }
        }
    }
}
