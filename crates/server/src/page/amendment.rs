//! The protocol: the version in force to be read, every version with what it changed, and the way to a new one (in `new`).
//!
//! Never decides whether a version is sound (`trial::protocol::check` does) or may be adopted (`office` does).

mod new;
mod reading;
mod review;

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use people::permission::{Act, Sites};
use trial::event::{Event, Seq};
use trial::protocol::{Change, Checked, ProtocolHistory, diff};

pub(crate) use self::review::Reviews;
use super::parts::moment;
use crate::web::access::{Desk, Gate, Route};
use crate::web::address::in_trial;
use crate::web::fault::{Answer, Fault};
use crate::web::shell::{self, Place};

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    let (see, adopt) = (Gate::Trial(Act::ViewOverview), Gate::Trial(Act::AdoptProtocol));
    vec![
        Route::get("/t/{trial}/protocol", see, in_force),
        Route::get("/t/{trial}/protocol/versions/{seq}", see, version),
        Route::get("/t/{trial}/protocol/versions/{seq}/toml", see, toml),
        Route::get("/t/{trial}/protocol/new", adopt, new::show),
        Route::post("/t/{trial}/protocol/new", adopt, new::take),
        Route::get("/t/{trial}/protocol/new/review", adopt, new::review),
        Route::get("/t/{trial}/protocol/new/effect", adopt, new::effect),
        Route::post("/t/{trial}/protocol/new/adopt", adopt, new::adopt),
    ]
}

/// Whether the visitor may read the file itself. A site gets everything of it but the sizes of blocks, from which the arm of a
/// subject at a block's end could be foreseen (ICH E9, 2.3.2).
fn reads_file(desk: &Desk) -> bool {
    desk.reach(Act::ViewOverview) == Sites::All
}

/// The event of each version.
async fn adopted(desk: &Desk, history: &ProtocolHistory) -> Result<Vec<Event>, Fault> {
    let mut versions = Vec::new();
    for (seq, _) in history.versions() {
        let stored = desk.room.office.ledger().event(seq).await.map_err(office::Error::from)?;
        let stored = stored.ok_or_else(|| Fault::Broken(format!("event {seq} is not in the ledger")))?;
        versions.push(stored.parse().map_err(office::Error::from)?);
    }
    Ok(versions)
}

/// `GET /t/{trial}/protocol`
async fn in_force(desk: Desk) -> Answer {
    let history = desk.room.history().await?;
    let versions = adopted(&desk, &history).await?;
    let current = history.current();
    let body = html! {
        div.head {
            div { h1 { "Protocol" } p.soft { "Version " (current.trial.version) ", in force" } }
            div.actions {
                a.button href=(in_trial(&desk.room.slug, "randomisation")) { "Randomisation and its proof" }
                @if desk.may(Act::AdoptProtocol) { a.button.main href=(in_trial(&desk.room.slug, "protocol/new")) { "Adopt a new version" } }
            }
        }
        (list(&desk, &history, &versions))
        (reading::protocol(current))
    };
    Ok(shell::page(&desk, Place::Protocol, "Protocol", body))
}

fn list(desk: &Desk, history: &ProtocolHistory, versions: &[Event]) -> Markup {
    let at = |seq: Seq| in_trial(&desk.room.slug, &format!("protocol/versions/{seq}"));
    let named: Vec<_> = history.versions().zip(versions).collect();
    html! {
        section.card { div.wide { table {
            caption { "Versions, the last one first" }
            thead { tr {
                th scope="col" { "Version" } th scope="col" { "In force since" } th scope="col" { "Adopted by" } th scope="col" { "Event" }
                @if reads_file(desk) { th scope="col" { "The file" } }
            } }
            tbody { @for ((seq, checked), adopted) in named.iter().rev() { tr {
                th scope="row" { a href=(at(*seq)) { (checked.protocol.trial.version) } }
                td { (moment(adopted.recorded)) }
                td { (adopted.who) }
                td { (seq) }
                @if reads_file(desk) {
                    td { a href=(format!("{}/toml", at(*seq))) download { "TOML" span.visually-hidden { " of version " (checked.protocol.trial.version) } } }
                }
            } } }
        } } }
    }
}

/// The version that an event adopted, and the one before it.
fn find<'h>(history: &'h ProtocolHistory, seq: &str) -> Result<(&'h Checked, Option<&'h Checked>), Fault> {
    let seq: Option<Seq> = seq.parse().ok();
    let mut before = None;
    for (adopted, checked) in history.versions() {
        if Some(adopted) == seq {
            return Ok((checked, before));
        }
        before = Some(checked);
    }
    Err(Fault::NotFound("No version of the protocol was adopted by that event.".into()))
}

/// `GET /t/{trial}/protocol/versions/{seq}`
async fn version(desk: Desk, Path((_, seq)): Path<(String, String)>) -> Answer {
    let history = desk.room.history().await?;
    let (checked, before) = find(&history, &seq)?;
    let version = &checked.protocol.trial.version;
    let told = |before: &Checked| {
        let mut all = diff(&before.protocol, &checked.protocol);
        all.retain(|change| reads_file(&desk) || !change.path.starts_with("randomisation"));
        all
    };
    let body = html! {
        (shell::crumbs(&[(in_trial(&desk.room.slug, "protocol"), "Protocol")]))
        div.head {
            h1 { "Protocol version " (version) }
            @if reads_file(&desk) {
                div.actions { a.button href=(in_trial(&desk.room.slug, &format!("protocol/versions/{seq}/toml"))) download { "Download as TOML" } }
            }
        }
        @if let Some(before) = before {
            section.card {
                h2 { "What changed from version " (before.protocol.trial.version) }
                (changes(&told(before)))
            }
        }
        (reading::protocol(&checked.protocol))
    };
    Ok(shell::page(&desk, Place::Protocol, &format!("Protocol {version}"), body))
}

/// The differences of two versions.
fn changes(changes: &[Change]) -> Markup {
    let side =
        |text: &Option<String>| html! { @match text { Some(text) => (text), None => span.soft { "–" } } };
    html! {
        @if changes.is_empty() { p { "They say the same; only comments or the order of keys differ." } }
        @else { div.wide { table.changes {
            caption { (changes.len()) (if changes.len() == 1 { " change" } else { " changes" }) }
            thead { tr { th scope="col" { "Where" } th scope="col" { "Before" } th scope="col" { "Now" } } }
            tbody { @for change in changes { tr {
                th scope="row" { code { (change.path) } }
                td { (side(&change.before)) }
                td { (side(&change.after)) }
            } } }
        } } }
    }
}

/// `GET /t/{trial}/protocol/versions/{seq}/toml`: the file, to the letter.
async fn toml(desk: Desk, Path((_, seq)): Path<(String, String)>) -> Result<Response, Fault> {
    if !reads_file(&desk) {
        return Err(Fault::Forbidden("The file itself holds the sizes of blocks, and is not shown to sites. Everything else of it is on the page of the protocol.".into()));
    }
    let history = desk.room.history().await?;
    let (checked, _) = find(&history, &seq)?;
    let plain = |text: &str| {
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect::<String>()
    };
    let name = format!("{}-{}.toml", plain(&desk.room.slug), plain(&checked.protocol.trial.version));
    let headers = [
        (header::CONTENT_TYPE, "application/toml; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, checked.source.clone()).into_response())
}
