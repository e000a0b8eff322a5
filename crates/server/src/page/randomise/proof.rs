//! The proof of randomisation for the trial as a whole: the commitment, how many were drawn, the seed once it is revealed, and
//! whether it gives every allocation.
//!
//! Never draws and never compares: `office` recomputes. Arms are told apart before the end only for those who may compare them.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use office::{Action, AllocationAudit, Deed, Difference, Overview, Reason};
use people::permission::{Act, Sites};
use trial::event::{Event, What};
use trial::id::ArmId;
use trial::protocol::{Method, Protocol};
use trial::standing::State as Standing;

use crate::app::App;
use crate::page::faults::{Faults, password_again};
use crate::page::parts::{Input, empty, input, moment, password_once_more};
use crate::page::screening::eligibility::level_words;
use crate::web::access::{Desk, Fields, Gate, Route, go};
use crate::web::address::{event as event_address, in_trial, subject as subject_address};
use crate::web::fault::{Answer, Fault};
use crate::web::limit::Client;
use crate::web::shell::{self, Place};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/t/{trial}/randomisation", Gate::Trial(Act::ViewOverview), show),
        Route::get("/t/{trial}/randomisation/reveal", Gate::Trial(Act::RevealSeed), ask),
        Route::post("/t/{trial}/randomisation/reveal", Gate::Trial(Act::RevealSeed), reveal),
    ]
}

/// The arms drawn in each stratum, in their order.
type Strata = BTreeMap<Vec<(String, String)>, Vec<ArmId>>;

async fn strata(desk: &Desk) -> Result<Strata, Fault> {
    Ok(desk.room.office.draws().await?)
}

async fn event(desk: &Desk, seq: u64) -> Result<Event, Fault> {
    let stored = desk.room.office.ledger().event(seq).await.map_err(office::Error::from)?;
    let stored = stored.ok_or_else(|| Fault::Broken(format!("event {seq} is not in the ledger")))?;
    Ok(stored.parse().map_err(office::Error::from)?)
}

/// `GET /t/{trial}/randomisation`
async fn show(desk: Desk) -> Answer {
    let overview = desk.room.office.overview().await?;
    let protocol = overview.history.current();
    // A site that knew how many were drawn in a stratum elsewhere could count blocks.
    let whole = desk.reach(Act::ViewOverview) == Sites::All;
    let strata = if whole { strata(&desk).await? } else { Strata::new() };
    let compares = desk.may(Act::ViewByArm) && desk.visitor.session.second_factor_at.is_some();
    let by_arm = compares || overview.revealed.is_some();
    let body = html! {
        (shell::crumbs(&[(in_trial(&desk.room.slug, "protocol"), "Protocol")]))
        h1 { "Randomisation" }
        (commitment(&overview))
        section.card {
            h2 { "What was drawn" }
            p { b { (overview.randomised) } " of " (protocol.trial.participants) " planned were randomised. " (method(protocol)) }
            @if !whole { p.soft { "How many were drawn in each stratum is shown to those who see every site: from it a site could count blocks." } }
            @else if strata.is_empty() { (empty("Nobody was randomised yet.", None)) }
            @else { (counts(protocol, &strata, by_arm)) }
        }
        @match overview.revealed {
            Some(seq) => (revealed(&desk, seq, protocol, whole.then_some(&strata)).await?),
            None => (hidden(&desk)),
        }
    };
    Ok(shell::page(&desk, Place::Protocol, "Randomisation", body))
}

fn commitment(overview: &Overview) -> Markup {
    html! {
        section.card {
            h2 { "The commitment" }
            @match &overview.commitment {
                Some(commitment) => {
                    p { code { (commitment) } }
                    p.soft { "BLAKE3 of the secret seed from which every arm follows. It entered the ledger with the first version of the protocol, before anybody was randomised." }
                }
                None => p { "This ledger holds no commitment, so that no allocation can be proven." },
            }
        }
    }
}

fn method(protocol: &Protocol) -> &'static str {
    match protocol.randomisation.method {
        Method::PermutedBlocks => "Stratified permuted blocks of random size.",
        Method::Minimisation => "Minimisation with a random element.",
    }
}

fn words(protocol: &Protocol, stratum: &[(String, String)]) -> String {
    let levels: Vec<_> = stratum.iter().map(|(factor, level)| level_words(protocol, factor, level)).collect();
    if levels.is_empty() { "All".into() } else { levels.join("; ") }
}

fn counts(protocol: &Protocol, strata: &Strata, by_arm: bool) -> Markup {
    let of = |arms: &[ArmId], arm: &ArmId| arms.iter().filter(|drawn| *drawn == arm).count();
    let arms = if by_arm { protocol.arms.as_slice() } else { &[] };
    html! {
        div.wide { table {
            caption { "Randomised by stratum" @if !by_arm { ", all arms together" } }
            thead { tr {
                th scope="col" { "Stratum" }
                @for arm in arms { th.num scope="col" { "Arm " (arm.id) } }
                th.num scope="col" { "Randomised" }
            } }
            tbody { @for (stratum, drawn) in strata { tr {
                th scope="row" { (words(protocol, stratum)) }
                @for arm in arms { td.num { (of(drawn, &arm.id)) } }
                td.num { (drawn.len()) }
            } } }
        } }
    }
}

fn hidden(desk: &Desk) -> Markup {
    html! {
        section.card {
            h2 { "Proof, when recruitment is over" }
            p { "The seed is secret while anybody may still be randomised. Once it is revealed every allocation is drawn again from it and compared, here and by anybody who has the ledger." }
            @if desk.may(Act::RevealSeed) { p { a.button href=(in_trial(&desk.room.slug, "randomisation/reveal")) { "Recruitment is over: reveal the seed" } } }
        }
    }
}

async fn revealed(
    desk: &Desk,
    seq: u64,
    protocol: &Protocol,
    strata: Option<&Strata>,
) -> Result<Markup, Fault> {
    let entered = event(desk, seq).await?;
    let audit = desk.room.office.verify_allocations().await?;
    let seed = match &entered.what {
        What::SeedRevealed { seed } => seed.as_str(),
        _ => "",
    };
    Ok(html! {
        section.card {
            h2 { "The proof" }
            (verdict(desk, &audit))
            dl.facts {
                div { dt { "Revealed by" } dd { (entered.who) ", " (moment(entered.recorded)) ", " a href=(event_address(&desk.room.slug, seq)) { "event " (seq) } } }
                div { dt { "The seed" } dd { code { (seed) } } }
            }
            @if let Some(strata) = strata.filter(|strata| !strata.is_empty()) { (figure(protocol, strata)) }
            p.soft { "To do it yourself, with the ledger: " code { "trialwright randomisation verify LEDGER" } "." }
        }
    })
}

fn verdict(desk: &Desk, audit: &AllocationAudit) -> Markup {
    let sound = audit.checked.saturating_sub(audit.misfits.len() as u64);
    html! {
        div class=(if audit.is_sound() { "notice good" } else { "notice bad" }) {
            p {
                b { (sound) " of " (audit.checked) " allocations are the ones the seed gives." }
                @if audit.commitment_holds { " The seed is the one committed to before the first of them." }
                @else { " The seed is NOT the one committed to." }
            }
        }
        // Which subject is another site's matter.
        @if desk.reach(Act::ViewSubject) == Sites::All && !audit.misfits.is_empty() {
            ul { @for misfit in &audit.misfits { li {
                a href=(subject_address(&desk.room.slug, &misfit.subject)) { (misfit.subject) } ", event " (misfit.event) ": "
                @match &misfit.difference {
                    Difference::Drawn { recorded, recomputed } => { "arm " (recorded.0) " at place " (recorded.1) ", but the seed gives arm " (recomputed.0) " at place " (recomputed.1) }
                    Difference::Again { first } => { "was randomised before, by event " (first) }
                }
            } } }
        }
    }
}

/// The arms in the order they were drawn, a row a stratum.
fn figure(protocol: &Protocol, strata: &Strata) -> Markup {
    const SIDE: usize = 18;
    const ROW: usize = 40;
    html! {
        h3 { "In the order they were drawn" }
        @for (stratum, drawn) in strata {
            @let (lines, across) = (drawn.len().div_ceil(ROW), drawn.len().min(ROW));
            @let (width, height) = (across * SIDE, lines * SIDE);
            @let title = format!("{}: {}", words(protocol, stratum), drawn.iter().map(ArmId::as_str).collect::<Vec<_>>().join(" "));
            p.soft { (words(protocol, stratum)) }
            div.wide {
                svg.draws role="img" width=(width) height=(height) viewBox=(format!("0 0 {width} {height}")) {
                    title { (title) }
                    @for (index, arm) in drawn.iter().enumerate() {
                        @let (x, y) = (index % ROW * SIDE, index / ROW * SIDE);
                        @let place = protocol.arms.iter().position(|known| known.id == *arm).unwrap_or(protocol.arms.len());
                        g class=(format!("arm{place}")) {
                            rect x=(x) y=(y) width=(SIDE - 2) height=(SIDE - 2) rx="2" fill="currentColor" {}
                            text x=(x + SIDE / 2 - 1) y=(y + SIDE - 5) text-anchor="middle" font-size="11" font-weight="700" fill="#fff" { (arm) }
                        }
                    }
                }
            }
        }
        p.soft { @for arm in &protocol.arms { (arm.id) " is " (arm.label) ". " } }
    }
}

/// `GET /t/{trial}/randomisation/reveal`
async fn ask(desk: Desk) -> Answer {
    page(&desk, &Fields::default(), &Faults::default(), StatusCode::OK).await
}

async fn page(desk: &Desk, fields: &Fields, faults: &Faults, status: StatusCode) -> Result<Response, Fault> {
    let overview = desk.room.office.overview().await?;
    let there = in_trial(&desk.room.slug, "randomisation");
    if overview.revealed.is_some() {
        return Ok(go(&there));
    }
    let trial = &overview.history.current().trial;
    let digests = desk.room.digests().await?;
    let screening = digests.iter().filter(|(_, digest)| digest.standing.state == Standing::Screening).count();
    let body = html! {
        (shell::crumbs(&[(in_trial(&desk.room.slug, "protocol"), "Protocol"), (there.clone(), "Randomisation")]))
        h1 { "Reveal the seed" }
        (faults.summary())
        div.notice.bad {
            p { b { "This ends randomisation in this trial for good." } " With the seed anybody can work out every arm that would come next, so that nobody can be randomised afterwards." }
            p { (overview.randomised) " of " (trial.participants) " planned subjects were randomised. " (screening) " are in screening and could no longer be." }
        }
        form.card method="post" action=(in_trial(&desk.room.slug, "randomisation/reveal")) {
            (shell::csrf(&desk.visitor))
            (input(&Input {
                name: "trial",
                label: "The trial's name, to confirm that its recruitment is over",
                hint: &format!("Write {} as it stands here.", trial.id),
                value: fields.get("trial"),
                fault: faults.says("trial"),
                required: true,
                ..Input::default()
            }))
            (password_once_more(faults.says("password")))
            button.danger type="submit" { "Recruitment is over: reveal the seed" }
            " " a href=(there) { "Not now" }
        }
    };
    Ok((status, shell::page(desk, Place::Protocol, "Reveal the seed", body)).into_response())
}

/// `POST /t/{trial}/randomisation/reveal`
async fn reveal(State(app): State<App>, desk: Desk, client: Client, fields: Fields) -> Answer {
    // The office of one site speaks for no trial.
    let actor = desk.actor_for(Act::RevealSeed, None)?;
    let mut faults = Faults::default();
    if fields.get("trial") != desk.room.title() {
        faults.add("trial", format!("Write {} to confirm.", desk.room.title()));
    }
    if faults.is_empty() {
        password_again(&app, &desk.visitor, &client, &fields, &mut faults).await?;
    }
    if faults.is_empty() {
        match desk.room.office.submit(vec![Action::now(&actor, Deed::RevealSeed)]).await {
            Ok(_) => return Ok(go(&in_trial(&desk.room.slug, "randomisation"))),
            Err(office::Error::Refused(refusal)) => match refusal.reason {
                // Somebody else was faster, to the same end.
                Reason::Revealed { .. } => return Ok(go(&in_trial(&desk.room.slug, "randomisation"))),
                Reason::Seed(wrong) => {
                    tracing::error!(%wrong, "the seed cannot be revealed");
                    faults.add("", "Nothing was revealed: the server cannot read the file of the secret seed, or it is not the one committed to. The operator finds the reason in the log.");
                }
                reason => faults.add("", reason.to_string()),
            },
            Err(wrong) => return Err(wrong.into()),
        }
    }
    page(&desk, &fields, &faults, StatusCode::UNPROCESSABLE_ENTITY).await
}
