//! Review of the data: what is to be signed, verified against its source or locked, and what was changed since.
//!
//! Never a rule of its own: `trial::review` says what waits for whom. What is chosen is recorded a subject at a time, all or nothing;
//! a form that was corrected since the page was opened is not signed, verified or locked unseen.

mod batch;
mod choice;
mod sign;
mod table;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use office::Deed;
use people::permission::Act;
use trial::date::plus_days;
use trial::record::FilledForm;

use self::batch::{Chosen, Outcome, record};
use self::choice::Choice;
use super::parts::button;
use crate::app::App;
use crate::page::listing;
use crate::web::access::{Chart, Desk, Fields, Gate, Route, go, local};
use crate::web::address;
use crate::web::fault::Answer;

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/t/{trial}/review", Gate::Trial(Act::ViewSubject), show),
        Route::get("/t/{trial}/review/sign", Gate::Trial(Act::Sign), sign::show),
        Route::post("/t/{trial}/review/sign", Gate::Trial(Act::Sign), sign::sign),
        Route::post("/t/{trial}/review/verify", Gate::Trial(Act::VerifySource), verify),
        Route::post("/t/{trial}/review/lock", Gate::Trial(Act::Lock), lock),
        Route::post("/t/{trial}/review/unlock", Gate::Trial(Act::Unlock), unlock),
    ]
}

/// What whoever unlocks a form is asked for: the site sees it as a query, and so does the audit trail.
const WHY_UNLOCKED: &str = "Say why the form is unlocked: the site gets it as a query.";
/// Days for the answer to that query.
const DAYS_TO_ANSWER: i64 = 14;

/// `GET /t/{trial}/review`
async fn show(State(_app): State<App>, desk: Desk, Query(choice): Query<Choice>) -> Answer {
    shown(&desk, &choice, &[], &Told::default()).await
}

/// What is said above the list.
#[derive(Default)]
struct Told {
    good: Option<String>,
    bad: Vec<String>,
    reason: String,
}

async fn shown(desk: &Desk, choice: &Choice, ticked: &[String], told: &Told) -> Answer {
    let (digests, history) = (desk.room.digests().await?, desk.room.history().await?);
    let reach = desk.reach(Act::ViewSubject);
    let own = digests.iter().filter(|(_, digest)| reach.contains(&digest.site));
    let own: Vec<_> = own.map(|(subject, digest)| (subject, &**digest)).collect();
    let sites = listing::site_options(desk, &reach).await?;
    let page = table::List { desk, history: &history, choice, all: &own, sites: &sites, ticked, told }.page();
    Ok(if told.bad.is_empty() { page } else { (StatusCode::UNPROCESSABLE_ENTITY, page).into_response() })
}

/// `POST /t/{trial}/review/verify`
async fn verify(desk: Desk, fields: Fields) -> Answer {
    done(&desk, &fields, Act::VerifySource, "verified", |chosen| {
        vec![Deed::Verify { instance: chosen.instance.clone() }]
    })
    .await
}

/// `POST /t/{trial}/review/lock`
async fn lock(desk: Desk, fields: Fields) -> Answer {
    done(&desk, &fields, Act::Lock, "locked", |chosen| {
        vec![Deed::Lock { instance: chosen.instance.clone(), locked: true }]
    })
    .await
}

/// `POST /t/{trial}/review/unlock`: with the reason, which the site gets as a query about the form.
async fn unlock(State(app): State<App>, desk: Desk, fields: Fields) -> Answer {
    let reason = fields.get("reason").to_owned();
    if reason.is_empty() {
        let told = Told { bad: vec![WHY_UNLOCKED.into()], ..Told::default() };
        return shown(&desk, &Choice::of(&fields), &Chosen::keys(&fields), &told).await;
    }
    let due = Some(plus_days(app.today(), DAYS_TO_ANSWER));
    done(&desk, &fields, Act::Unlock, "unlocked", |chosen| {
        let instance = chosen.instance.clone();
        // Unique in the subject: a form is unlocked once after each event that changed it or its lock.
        let query = format!("U{}-{}", chosen.head, address::instance_name(&instance));
        let text = format!("Unlocked: {reason}");
        vec![
            Deed::Lock { instance: instance.clone(), locked: false },
            Deed::RaiseQuery { query, about: Some(instance), item: None, text, due },
        ]
    })
    .await
}

/// Does to every chosen form what `deeds` says, and shows what became of it.
async fn done(
    desk: &Desk,
    fields: &Fields,
    act: Act,
    word: &str,
    deeds: impl Fn(&Chosen) -> Vec<Deed>,
) -> Answer {
    let (choice, keys) = (Choice::of(fields), Chosen::keys(fields));
    let reason = fields.get("reason").to_owned();
    if keys.is_empty() {
        let told = Told {
            bad: vec!["Nothing was recorded: tick the forms first.".into()],
            reason,
            ..Told::default()
        };
        return shown(desk, &choice, &keys, &told).await;
    }
    let chosen = match Chosen::read(desk, &keys, act).await? {
        Ok(chosen) => chosen,
        Err(says) => {
            return shown(desk, &choice, &keys, &Told { bad: vec![says], reason, ..Told::default() }).await;
        }
    };
    let outcome = record(desk, act, &chosen, deeds).await?;
    if outcome.refused.is_empty() {
        return Ok(back(desk, fields, &choice, &outcome, word));
    }
    let told = Told { good: outcome.words(word), bad: outcome.refused, reason };
    shown(desk, &choice, &keys, &told).await
}

/// Back to where one came from: the form's page, or the list.
fn back(desk: &Desk, fields: &Fields, choice: &Choice, outcome: &Outcome, word: &str) -> Response {
    if let Some(then) = Some(fields.get("_then")).filter(|then| !then.is_empty()).and_then(local) {
        return go(then);
    }
    let done = format!("{} {word}", outcome.recorded);
    let mut asked = choice.fields("").to_vec();
    asked.push(("done", &done));
    go(&listing::asking(desk, "review", &asked))
}

/// What the visitor may do with one form, on the form's own page.
pub(crate) fn actions(chart: &Chart, form: &FilledForm) -> Markup {
    let room = &chart.room;
    let key = Chosen::key(&chart.subject, &form.instance, form.event);
    let then = address::form(&room.slug, &chart.subject, &form.instance);
    let to = |what: &str| address::in_trial(&room.slug, &format!("review/{what}"));
    let fields = [("form", key.as_str()), ("_then", then.as_str())];
    let locked = form.locked.is_some();
    html! {
        @if !locked && !form.signature_stands() && chart.may_here(Act::Sign) {
            a.button href=(listing::asking(&chart.desk, "review/sign", &fields)) { "Sign" } " "
        }
        @if !form.verification_stands() && chart.may_here(Act::VerifySource) {
            (button(&chart.visitor, &to("verify"), &fields, "Verified against source", None)) " "
        }
        @if !locked && chart.may_here(Act::Lock) { (button(&chart.visitor, &to("lock"), &fields, "Lock", None)) " " }
        @if locked && chart.may_here(Act::Unlock) {
            a.button href=(listing::asking(&chart.desk, "review", &[("state", "locked"), ("subject", chart.subject.as_str())])) { "Unlock" } " "
        }
    }
}
