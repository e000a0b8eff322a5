//! What was typed and not saved: kept while somebody types, offered when the form is opened again.
//!
//! Never in the ledger: a draft is nobody's assertion. It is its writer's alone, and goes when the form is saved.

use axum::extract::{Path, State};
use jiff::Timestamp;
use maud::html;
use people::DraftPlace;
use trial::event::Seq;
use trial::form::entry::{fields, read};

use super::sent::Sent;
use super::sheet::Sheet;
use super::{Named, at_once};
use crate::app::App;
use crate::web::access::{Chart, Fields, go};
use crate::web::fault::{Answer, Fault};

/// A draft of the form.
pub(super) struct Kept {
    pub(super) fields: Vec<(String, String)>,
    /// The event that the form stood at when it was written.
    pub(super) seen: Seq,
    pub(super) at: Timestamp,
}

impl Kept {
    /// The visitor's draft of the form; none where there is none, or it says what stands.
    pub(super) async fn find(app: &App, sheet: &Sheet) -> Result<Option<Self>, Fault> {
        let kept = app.people.draft(sheet.chart.visitor.name(), &place(sheet), app.now()).await?;
        let Some(kept) = kept else { return Ok(None) };
        let typed: Vec<_> = kept.fields.iter().filter(|(_, text)| !text.trim().is_empty()).cloned().collect();
        let entry = read(sheet.form(), &typed);
        let standing = sheet.standing().map(|form| fields(sheet.form(), &form.values)).unwrap_or_default();
        let same = entry.faults.is_empty() && fields(sheet.form(), &entry.values) == standing;
        Ok((!same).then_some(Self { fields: kept.fields, seen: kept.seen_seq, at: kept.kept }))
    }
}

fn place(sheet: &Sheet) -> DraftPlace {
    DraftPlace {
        trial: sheet.chart.room.slug.clone(),
        subject: Some(sheet.chart.subject.clone()),
        instance: sheet.instance.clone(),
    }
}

/// `POST …/draft`: keeps what was typed.
pub(super) async fn keep(
    State(app): State<App>,
    chart: Chart,
    Path((.., name)): Named,
    sent: Fields,
) -> Answer {
    let sheet = Sheet::open(&app, chart, &name).await?;
    sheet.actor()?;
    let sent = Sent::of(sent);
    let now = app.now();
    let kept =
        app.people.keep_draft(sheet.chart.visitor.name(), &place(&sheet), &sent.fields, sent.seen, now).await;
    let says = match kept {
        Ok(()) => html! { "Draft kept at " (now.strftime("%H:%M")) " UTC" },
        Err(too_large @ people::Error::TooLarge { .. }) => html! { "No draft kept: " (too_large) },
        Err(wrong) => return Err(wrong.into()),
    };
    Ok(at_once::answer(&at_once::part("kept", &says)))
}

/// `POST …/draft/drop`: the draft is not wanted.
pub(super) async fn discard(State(app): State<App>, chart: Chart, Path((.., name)): Named) -> Answer {
    let sheet = Sheet::open(&app, chart, &name).await?;
    drop(&app, &sheet).await?;
    Ok(go(&sheet.at("")))
}

/// Drops the visitor's draft of the form, where there is one.
pub(super) async fn drop(app: &App, sheet: &Sheet) -> Result<(), Fault> {
    Ok(app.people.drop_draft(sheet.chart.visitor.name(), &place(sheet)).await?)
}

/// To the form with the draft in it.
pub(super) fn restore(sheet: &Sheet) -> String {
    format!("{}?draft=restore", sheet.at(""))
}
