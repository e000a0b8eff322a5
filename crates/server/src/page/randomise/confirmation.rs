//! What was drawn for a subject, with everything that proves it: to be printed, signed and filed.
//!
//! Never shows the place in the stratum's list, which would tell where a block ends (see the module above).

use axum::extract::{Query, State};
use maud::{Markup, html};
use office::Folder;
use serde::Deserialize;
use trial::event::Event;
use trial::protocol::Protocol;
use trial::record::{Allocation, Fact};

use crate::app::App;
use crate::page::parts::{self, moment};
use crate::page::screening::eligibility::level_words;
use crate::web::access::{Chart, go};
use crate::web::address;
use crate::web::fault::{Answer, Fault};
use crate::web::shell::{self, Place};

#[derive(Deserialize)]
pub(super) struct Asked {
    /// It stood before somebody asked for it.
    again: Option<String>,
}

/// An allocation and its event.
struct Drawn<'a> {
    allocation: &'a Allocation,
    seq: u64,
    event: Event,
    hash: String,
    /// The name of whoever randomised.
    by: String,
    site: String,
    /// The version it was drawn under.
    protocol: &'a Protocol,
}

/// `GET /t/{trial}/subjects/{subject}/randomisation`
pub(super) async fn show(State(app): State<App>, chart: Chart, Query(asked): Query<Asked>) -> Answer {
    let folder = chart.room.folder(&chart.subject).await?;
    let Some(fact) = &folder.record.randomised else { return Ok(go(&chart.at("eligibility"))) };
    let drawn = find(&app, &chart, &folder, fact).await?;
    let overview = chart.room.office.overview().await?;
    let body = html! {
        (shell::crumbs(&[
            (address::in_trial(&chart.room.slug, "subjects"), "Subjects"),
            (chart.at(""), chart.subject.as_str()),
        ]))
        @if asked.again.is_some() { (stood(&drawn)) }
        h1 { "Randomisation of subject " (chart.subject) }
        @if overview.simulated { div.notice.warn { p { b { "SIMULATED" } ": the subjects of this trial are virtual." } } }
        section.card.confirmation {
            (arm(&drawn))
            dl.facts { (facts(&chart, &drawn)) }
            h2 { "How it is proven" }
            dl.facts {
                div { dt { "Event" } dd { (drawn.seq) } }
                div { dt { "Its hash" } dd { code { (drawn.hash) } } }
                div { dt { "Ledger, as this page was made" } dd { (overview.head.count) " events, head " code { (overview.head.hash.to_string()) } } }
                @if let Some(commitment) = &overview.commitment { div { dt { "Commitment to the seed" } dd { code { (commitment) } } } }
            }
            p.soft { "The arm follows from a secret seed that was committed to before the first subject. When recruitment is over the seed is revealed, and anybody can draw every arm again." }
            dl.facts.signature {
                div { dt { "Name" } dd { "\u{a0}" } }
                div { dt { "Signature" } dd { "\u{a0}" } }
                div { dt { "Date" } dd { "\u{a0}" } }
            }
        }
        p.actions { a.button href=(chart.at("")) { "To subject " (chart.subject) } " " button type="button" data-print { "Print it" } " " a href=(chart.at("eligibility")) { "Eligibility" } }
    };
    Ok(shell::page(&chart, Place::Subjects, &format!("Randomisation of {}", chart.subject), body))
}

async fn find<'a>(
    app: &App,
    chart: &Chart,
    folder: &'a Folder,
    fact: &'a Fact<Allocation>,
) -> Result<Drawn<'a>, Fault> {
    let stored = chart.room.office.ledger().event(fact.event).await.map_err(office::Error::from)?;
    let stored = stored.ok_or_else(|| Fault::Broken(format!("event {} is not in the ledger", fact.event)))?;
    let event: Event = stored.parse().map_err(office::Error::from)?;
    let by = app.people.user(&event.who).await?.map_or_else(
        || event.who.clone(),
        |user| match user.display_name {
            name if name == event.who || name.is_empty() => name,
            name => format!("{name} ({})", event.who),
        },
    );
    let sites = chart.room.office.sites().await?;
    let named = sites.into_iter().find(|site| site.id == chart.site);
    Ok(Drawn {
        allocation: &fact.value,
        seq: fact.event,
        event,
        hash: stored.hash.to_string(),
        by,
        site: named.map_or_else(|| chart.site.to_string(), |site| format!("{}, {}", site.id, site.name)),
        protocol: folder.history.at(fact.event),
    })
}

/// Said to whoever randomised once more.
fn stood(drawn: &Drawn<'_>) -> Markup {
    html! {
        div.notice.warn role="status" {
            p {
                b { "Nothing was drawn now." } " This subject was randomised before, by " (drawn.by) " on " (moment(drawn.event.recorded))
                ". That allocation stands."
            }
        }
    }
}

fn arm(drawn: &Drawn<'_>) -> Markup {
    let given = &drawn.allocation.arm;
    let place = drawn.protocol.arms.iter().position(|arm| arm.id == *given);
    html! {
        p.drawn {
            "Arm " (given)
            @if let Some(place) = place { ": " b class=(format!("arm{place}")) { (drawn.protocol.arms[place].label) } }
        }
        @if let Some(place) = place { p { (drawn.protocol.arms[place].description) } }
    }
}

fn facts(chart: &Chart, drawn: &Drawn<'_>) -> Markup {
    let trial = &drawn.protocol.trial;
    let strata =
        drawn.allocation.stratum.iter().map(|(factor, level)| level_words(drawn.protocol, factor, level));
    html! {
        div { dt { "Trial" } dd { (trial.id) @if let Some(registry) = &trial.registry { " (" (registry) ")" } ", protocol version " (trial.version) } }
        div { dt { "Subject" } dd { (chart.subject) } }
        div { dt { "Site" } dd { (drawn.site) } }
        div { dt { "Date of randomisation (study day 1)" } dd { (parts::time(drawn.allocation.date)) } }
        div {
            dt { "Stratum" }
            dd {
                @if drawn.allocation.stratum.is_empty() { "the trial is not stratified" }
                @else { (strata.collect::<Vec<_>>().join("; ")) }
            }
        }
        div { dt { "Randomised by" } dd { (drawn.by) ", " (parts::role(drawn.event.role).to_lowercase()) } }
        @if let Some(for_whom) = &drawn.allocation.on_behalf {
            div { dt { "On behalf of" } dd { (for_whom.who) } }
            div { dt { "Because" } dd { (for_whom.reason) } }
        }
        div { dt { "Recorded" } dd { (moment(drawn.event.recorded)) } }
    }
}
