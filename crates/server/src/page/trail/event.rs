//! One event of the trail in full: its words, every value, and its place in the chain of hashes.
//!
//! Never an event of a site that is not the visitor's; it looks as if it did not exist.

use axum::extract::Path;
use axum::response::Response;
use maud::{Markup, html};
use people::permission::{Act, Sites};
use trial::event::{Entered, Event, Seq, What};
use trial::words::Said;

use super::{is_in_reach, value, worded};
use crate::page::listing;
use crate::page::parts::{self, in_words, role};
use crate::web::access::Desk;
use crate::web::address;
use crate::web::fault::{Answer, Fault};
use crate::web::shell::{self, Place};

/// `GET /t/{trial}/trail/{seq}`
pub(super) async fn show(desk: Desk, Path((_, seq)): Path<(String, String)>) -> Answer {
    let unknown = || Fault::NotFound(format!("There is no event {seq} that is open to you."));
    let number: Seq = seq.parse().map_err(|_| unknown())?;
    let ledger = desk.room.office.ledger();
    let stored = ledger.event(number).await.map_err(office::Error::from)?.ok_or_else(unknown)?;
    let event: Event = stored.parse().map_err(office::Error::from)?;
    let reach = desk.reach(Act::ViewTrail);
    if !is_in_reach(&reach, event.site.as_ref()) {
        return Err(unknown());
    }
    let before = match number {
        0 | 1 => None,
        _ => ledger.event(number - 1).await.map_err(office::Error::from)?,
    };
    let last = match reach {
        Sites::All => ledger.head().await.map_err(office::Error::from)?.count,
        Sites::Only(_) => 0,
    };
    let history = desk.room.history().await?;
    let events = [Entered { seq: number, event }];
    let Some(row) = worded(&desk.room, &history, &events).await?.pop() else { return Err(unknown()) };
    let one = One {
        desk: &desk,
        entered: row.entered,
        said: &row.said,
        hash: stored.hash.to_string(),
        before: before.map(|before| before.hash.to_string()),
        bytes: String::from_utf8_lossy(&stored.bytes),
        last,
    };
    Ok(one.page())
}

struct One<'a> {
    desk: &'a Desk,
    entered: &'a Entered,
    said: &'a Said,
    hash: String,
    before: Option<String>,
    bytes: std::borrow::Cow<'a, str>,
    /// The last event that the visitor may go on to; 0 where the neighbours may be another site's.
    last: Seq,
}

impl One<'_> {
    fn page(&self) -> Response {
        let (seq, slug) = (self.entered.seq, &self.desk.room.slug);
        let body = html! {
            (shell::crumbs(&[(address::in_trial(slug, "trail"), "Audit trail")]))
            div.head {
                div { h1 { "Event " (seq) } p { (in_words(&self.said.text)) "." } }
                div.actions {
                    @if seq > 1 && self.last > 0 { a.button href=(address::event(slug, seq - 1)) rel="prev" { "Event " (seq - 1) } }
                    @if seq < self.last { a.button href=(address::event(slug, seq + 1)) rel="next" { "Event " (seq + 1) } }
                }
            }
            div.split {
                div { (self.facts()) (self.changes()) }
                (self.chain())
            }
        };
        shell::page(self.desk, Place::Trail, &format!("Event {seq}"), body)
    }

    fn facts(&self) -> Markup {
        let (event, slug) = (&self.entered.event, &self.desk.room.slug);
        html! {
            section.card aria-label="The event" {
                dl.read {
                    dt { "Recorded" } dd { (parts::moment(event.recorded)) span.soft.small { " (" (event.recorded) ")" } }
                    dt { "Who" } dd { (event.who) ", " (role(event.role)) }
                    @if let Some(site) = &event.site { dt { "Site" } dd { (site) } }
                    @if let Some(subject) = &event.subject { dt { "Subject" } dd { a href=(address::subject(slug, subject)) { (subject) } } }
                    @if let (Some(instance), Some(subject)) = (event.what.instance(), &event.subject) {
                        dt { "Form" } dd {
                            a href=(address::form(slug, subject, instance)) { (address::instance_name(instance)) } " · "
                            a href=(listing::asking(self.desk, "trail", &[("subject", subject.as_str()), ("instance", &address::instance_name(instance))])) { "its whole trail" }
                        }
                    }
                    @if let What::FormCorrected { corrects, .. } = &event.what { dt { "Corrects" } dd { a href=(address::event(slug, *corrects)) { "event " (corrects) } } }
                    @if let Some(reason) = &self.said.reason { dt { "Reason" } dd { (reason) } }
                }
            }
        }
    }

    fn changes(&self) -> Markup {
        html! {
            @if !self.said.changes.is_empty() {
                div.card.wide {
                    table {
                        caption { "Values" }
                        thead { tr { th scope="col" { "Item" } th scope="col" { "Before" } th scope="col" { "Now" } } }
                        tbody {
                            @for change in &self.said.changes {
                                tr {
                                    th scope="row" { (change.label) br; code.small.soft { (change.place()) } }
                                    td { (value(change.old.as_deref())) } td { (value(change.new.as_deref())) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn chain(&self) -> Markup {
        html! {
            section.card aria-labelledby="chain" {
                h2 #chain { "Its place in the chain" }
                p.small { "Each event carries the BLAKE3 hash of itself and of the one before, so that nothing can be altered, put in or taken out unseen." }
                dl.read {
                    dt { "Hash" } dd { code { (self.hash) } }
                    dt { "Of the one before" } dd { @match &self.before { Some(hash) => code { (hash) }, None => "none: it is the first" } }
                }
                details { summary { "As the ledger holds it" } pre.letter { code { (self.bytes) } } }
            }
        }
    }
}
