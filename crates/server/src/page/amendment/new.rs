//! A new version: its text is checked, what it changes and what that does to the subjects is shown, and then it is adopted.
//!
//! Never loses a text: it stays in the field with its faults beside it, and as the user's draft until it is adopted.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use office::{Action, Deed, Reason};
use people::DraftPlace;
use people::permission::Act;
use serde::Deserialize;
use trial::event::{Instance, Seq};
use trial::protocol::{Fault as TextFault, ProtocolHistory, diff};

use super::changes;
use super::review::{Effects, Review, in_force};
use crate::app::App;
use crate::page::faults::{Faults, password_again};
use crate::page::parts::password_once_more;
use crate::web::access::{Desk, Fields, go};
use crate::web::address::{in_trial, subject as subject_address};
use crate::web::fault::{Answer, Fault};
use crate::web::limit::Client;
use crate::web::shell::{self, Place};

/// So many faults are told one by one.
const TOLD: usize = 200;

fn place(desk: &Desk) -> DraftPlace {
    let instance = Instance { form: "protocol".into(), visit: None, occurrence: 1 };
    DraftPlace { trial: desk.room.slug.clone(), subject: None, instance }
}

/// The text that the visitor had under review.
async fn kept(app: &App, desk: &Desk) -> Result<Option<String>, Fault> {
    let draft = app.people.draft(desk.visitor.name(), &place(desk), app.now()).await?;
    Ok(draft
        .and_then(|draft| draft.fields.into_iter().find(|(name, _)| name == "source"))
        .map(|(_, text)| text))
}

#[derive(Deserialize)]
pub(super) struct Asked {
    /// Begin with the version in force.
    from: Option<String>,
}

/// `GET /t/{trial}/protocol/new`; `?from=current` with the text of the version in force.
pub(super) async fn show(State(app): State<App>, desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let text = if asked.from.is_some() {
        let history = desk.room.history().await?;
        history.versions().last().map(|(_, checked)| checked.source.clone())
    } else {
        kept(&app, &desk).await?
    };
    Ok(form(&desk, &text.unwrap_or_default(), &[], &[], StatusCode::OK))
}

fn crumbs(desk: &Desk) -> Markup {
    shell::crumbs(&[(in_trial(&desk.room.slug, "protocol"), "Protocol")])
}

/// `whole`: what is wrong with the version as a whole.
fn form(desk: &Desk, text: &str, whole: &[String], faults: &[TextFault], status: StatusCode) -> Response {
    let new = in_trial(&desk.room.slug, "protocol/new");
    let wrong = !faults.is_empty() || !whole.is_empty();
    let body = html! {
        (crumbs(desk))
        h1 { "A new version of the protocol" }
        @if wrong { (told(text, whole, faults)) }
        form.card method="post" action=(new) {
            (shell::csrf(&desk.visitor))
            div.field.source .wrong[wrong] {
                label for="source" { "The whole protocol file (TOML)" }
                p.hint id="source-hint" {
                    "Paste it here, with a version of its own. Nothing is adopted yet: it is checked first, then you see what it changes and what that does to the subjects. "
                    a href=(format!("{new}?from=current")) { "Begin with the version in force" } "."
                }
                textarea #source name="source" rows="24" spellcheck="false" required autocomplete="off"
                    aria-describedby=(if wrong { "source-hint source-faults" } else { "source-hint" }) aria-invalid=[wrong.then_some("true")] {
                    // A browser drops the first line break of a text area.
                    "\n" (text)
                }
            }
            button.main type="submit" { "Check it" }
        }
    };
    (status, shell::page(desk, Place::Protocol, "New protocol version", body)).into_response()
}

fn told(text: &str, whole: &[String], faults: &[TextFault]) -> Markup {
    let lines: Vec<&str> = text.lines().collect();
    let line = |fault: &TextFault| {
        lines.get(fault.line.saturating_sub(1)).map(|line| line.trim().chars().take(160).collect::<String>())
    };
    html! {
        div.notice.bad #source-faults role="alert" {
            @for says in whole { p { b { (says) } } }
            @if !faults.is_empty() {
                p { b { (faults.len()) (if faults.len() == 1 { " fault" } else { " faults" }) ": the version cannot be adopted." } " What you typed is below, as it was." }
                ol.faults { @for fault in faults.iter().take(TOLD) { li {
                    b { "Line " (fault.line) } @if !fault.path.is_empty() { ", " code { (fault.path) } }
                    ": found " (fault.found) ". " (fault.right) "."
                    @if let Some(line) = line(fault).filter(|line| !line.is_empty()) { br; code.soft { (line) } }
                } } }
                @if faults.len() > TOLD { p { "And " (faults.len() - TOLD) " more." } }
            }
        }
    }
}

/// `POST /t/{trial}/protocol/new`: the text is checked and kept.
pub(super) async fn take(State(app): State<App>, desk: Desk, fields: Fields) -> Answer {
    // A browser sends the lines of a text area with CRLF, whatever the file had.
    let text = fields.raw("source").replace("\r\n", "\n");
    let refused = |whole: &[String], faults: &[TextFault]| {
        Ok(form(&desk, &text, whole, faults, StatusCode::UNPROCESSABLE_ENTITY))
    };
    if text.trim().is_empty() {
        return refused(&["Nothing was pasted.".into()], &[]);
    }
    let history = desk.room.history().await?;
    let review = match desk.room.reviews.of(&desk.room, &history, &text, app.today()) {
        Ok(review) => review,
        Err(faults) => return refused(&[], &faults),
    };
    let hindered = hindrances(&history, &review);
    if !hindered.is_empty() {
        return refused(&hindered, &[]);
    }
    let draft = vec![("source".to_owned(), text.clone())];
    match app.people.keep_draft(desk.visitor.name(), &place(&desk), &draft, 0, app.now()).await {
        Ok(()) => Ok(go(&in_trial(&desk.room.slug, "protocol/new/review"))),
        Err(wrong @ people::Error::TooLarge { .. }) => {
            let says = format!(
                "It is sound, but too large to be reviewed here ({wrong}). Adopt it with `trialwright adopt`."
            );
            refused(&[says], &[])
        }
        Err(wrong) => Err(wrong.into()),
    }
}

/// What the office would refuse it for, told before it is reviewed.
fn hindrances(history: &ProtocolHistory, review: &Review) -> Vec<String> {
    let (here, there) = (&history.current().trial, &review.version.protocol.trial);
    let mut says = Vec::new();
    if here.id != there.id {
        says.push(format!("It is the protocol of {}; this is the trial {}.", there.id, here.id));
    }
    if history.versions().any(|(_, known)| known.protocol.trial.version == there.version) {
        says.push(format!(
            "Version {} was adopted before: give this one a version of its own (trial.version).",
            there.version
        ));
    }
    says
}

/// The review of the visitor's text; none where there is no text that could be reviewed.
async fn under_review(
    app: &App,
    desk: &Desk,
    history: &ProtocolHistory,
) -> Result<Option<std::sync::Arc<Review>>, Fault> {
    let Some(text) = kept(app, desk).await? else { return Ok(None) };
    Ok(desk.room.reviews.of(&desk.room, history, &text, app.today()).ok())
}

/// `GET /t/{trial}/protocol/new/review`
pub(super) async fn review(State(app): State<App>, desk: Desk) -> Answer {
    page(&app, &desk, &Faults::default(), StatusCode::OK).await
}

async fn page(app: &App, desk: &Desk, faults: &Faults, status: StatusCode) -> Answer {
    let history = desk.room.history().await?;
    let Some(review) = under_review(app, desk, &history).await? else {
        return Ok(go(&in_trial(&desk.room.slug, "protocol/new")));
    };
    let (old, new) = (history.current(), &review.version.protocol);
    let body = html! {
        (crumbs(desk))
        h1 { "From version " (old.trial.version) " to " (new.trial.version) }
        (faults.summary())
        p { "Nothing is adopted yet. " a href=(in_trial(&desk.room.slug, "protocol/new")) { "Back to the text" } "." }
        section.card { h2 { "What it changes" } (changes(&diff(old, new))) }
        (effect_section(desk, &review, faults).await?)
    };
    Ok((status, shell::page(desk, Place::Protocol, "Review of the new version", body)).into_response())
}

/// `GET /t/{trial}/protocol/new/effect`: how far the effects are worked out, and then what they are.
pub(super) async fn effect(State(app): State<App>, desk: Desk) -> Answer {
    let history = desk.room.history().await?;
    let part = if let Some(review) = under_review(&app, &desk, &history).await? {
        effect_section(&desk, &review, &Faults::default()).await?
    } else {
        html! { section.card #effect { p { "This review was ended." } } }
    };
    Ok(Html(part.into_string()).into_response())
}

async fn effect_section(desk: &Desk, review: &Review, faults: &Faults) -> Result<Markup, Fault> {
    if let Some((done, of)) = review.progress() {
        return Ok(working(desk, done, of));
    }
    let effects = review.effects().await?;
    Ok(html! {
        section.card #effect aria-labelledby="effect-title" { h2 #effect-title { "What it does to the subjects" } (shown(desk, &effects)) }
        (confirm(desk, review, faults))
    })
}

fn working(desk: &Desk, done: u64, of: u64) -> Markup {
    let part = in_trial(&desk.room.slug, "protocol/new/effect");
    html! {
        section.card #effect aria-labelledby="effect-title" hx-get=(part) hx-trigger="load delay:1s" hx-swap="outerHTML" {
            h2 #effect-title { "What it does to the subjects" }
            p role="status" { "It is being worked out: " (done) " of " (of) " subjects." }
            p { progress max=(of.max(1)) value=(done) aria-label="subjects worked out" { (done) " of " (of) } }
            p { a href=(in_trial(&desk.room.slug, "protocol/new/review")) { "Look again" } }
        }
    }
}

fn shown(desk: &Desk, effects: &Effects) -> Markup {
    let hard: usize = effects.kinds.iter().map(|(count, _)| count.hard).sum();
    html! {
        @if effects.kinds.is_empty() { p { "None of the " (effects.subjects) " subjects is judged, asked or expected otherwise." } }
        @else {
            p {
                b { (effects.touched) " of " (effects.subjects) } " subjects are touched. "
                @if hard == 0 { "Nothing must be done for any of them." } @else { "In " (hard) " places something must be done." }
                " What was entered stays as it was entered."
            }
            div.wide { table {
                caption { "Effects by kind, with the first subjects" }
                thead { tr {
                    th scope="col" { "Kind" } th.num scope="col" { "Subjects" } th.num scope="col" { "Effects" } th.num scope="col" { "To be done" }
                    th scope="col" { "For example" }
                } }
                tbody { @for (count, examples) in &effects.kinds { tr {
                    th scope="row" { (count.kind) }
                    td.num { (count.subjects) } td.num { (count.effects) } td.num { (count.hard) }
                    td { ul.plain-list { @for (subject, says) in examples { li {
                        a href=(subject_address(&desk.room.slug, subject)) { (subject) } ": " (says)
                    } } } }
                } } }
            } }
        }
    }
}

fn confirm(desk: &Desk, review: &Review, faults: &Faults) -> Markup {
    let version = &review.version.protocol.trial.version;
    html! {
        form.card method="post" action=(in_trial(&desk.room.slug, "protocol/new/adopt")) {
            (shell::csrf(&desk.visitor))
            input type="hidden" name="_key" value=(review.key);
            input type="hidden" name="_base" value=(review.base);
            h2 { "Adopt version " (version) }
            p { "It is in force from then on, for every site. Forms that were entered stay under the version they were entered under, and allocations stand." }
            (password_once_more(faults.says("password")))
            button.main type="submit" { "Adopt version " (version) }
            " " a href=(in_trial(&desk.room.slug, "protocol")) { "Not now" }
        }
    }
}

/// `POST /t/{trial}/protocol/new/adopt`
pub(super) async fn adopt(State(app): State<App>, desk: Desk, client: Client, fields: Fields) -> Answer {
    // The office of one site speaks for no trial.
    let actor = desk.actor_for(Act::AdoptProtocol, None)?;
    let history = desk.room.history().await?;
    let Some(review) = under_review(&app, &desk, &history).await? else {
        return Ok(go(&in_trial(&desk.room.slug, "protocol/new")));
    };
    let mut faults = Faults::default();
    if fields.get("_key") != review.key {
        faults.add("", "Another text was sent in for review since this page was opened, in another window perhaps. Read what it changes once more.");
    } else if fields.get("_base").parse::<Seq>().ok() != Some(in_force(&history)) {
        faults.add(
            "",
            "Another version came into force since this page was opened. Read what changes from that one.",
        );
    } else {
        password_again(&app, &desk.visitor, &client, &fields, &mut faults).await?;
    }
    if faults.is_empty() {
        let deed = Deed::Adopt { version: Box::new(review.version.clone()) };
        match desk.room.office.submit(vec![Action::now(&actor, deed)]).await {
            Ok(_) => {
                app.people.drop_draft(desk.visitor.name(), &place(&desk)).await?;
                desk.room.reviews.end(&review.key);
                return Ok(go(&in_trial(&desk.room.slug, "protocol")));
            }
            // A second click: it is in force.
            Err(office::Error::Refused(refusal)) => match refusal.reason {
                Reason::VersionKnown { .. } if is_in_force(&desk, &review).await? => {
                    return Ok(go(&in_trial(&desk.room.slug, "protocol")));
                }
                reason => faults.add("", reason.to_string()),
            },
            Err(wrong) => return Err(wrong.into()),
        }
    }
    page(&app, &desk, &faults, StatusCode::UNPROCESSABLE_ENTITY).await
}

async fn is_in_force(desk: &Desk, review: &Review) -> Result<bool, Fault> {
    let history = desk.room.history().await?;
    Ok(history.versions().last().is_some_and(|(_, checked)| checked.source == review.version.source))
}
