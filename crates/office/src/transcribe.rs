//! A trial captured elsewhere, into an empty ledger: events as an import made them, in one transaction or not at all.
//!
//! Never admits an action: what happened elsewhere was admitted there, with its arms allocated and its moments past. It asks only
//! what a reader of the ledger must be able to rely on: the protocol stands first and is sound, moments never go back, and every
//! subject's record reads without a fault.

use ledger::{Head, Ledger};
use trial::event::{Entered, Event, What};
use trial::id::SubjectId;
use trial::protocol::{self, ProtocolHistory};
use trial::record::Record;

use crate::desk::draft;
use crate::refusal::{Error, place};

/// Appends `events`, in their order, to an empty ledger. `progress` is told how many were.
///
/// Errors: the ledger is not empty; the first event adopts no protocol, or none that can be read; a moment before the one
/// before it; a subject whose record has a fault. Nothing was written then.
pub async fn transcribe(
    ledger: &Ledger,
    events: &[&Entered],
    mut progress: impl FnMut(u64) + Send,
) -> Result<Head, Error> {
    let history = founded(ledger, events)?;
    in_order(events)?;
    records_read(&history, events)?;
    let mut writer = ledger.begin().await?;
    let before = writer.head().await?.count;
    if before != 0 {
        return Err(Error::AlreadyFounded { path: place(ledger), events: before });
    }
    for (done, entered) in (1..).zip(events) {
        writer.append(draft(&entered.event)?).await?;
        progress(done);
    }
    Ok(writer.commit().await?)
}

fn founded(ledger: &Ledger, events: &[&Entered]) -> Result<ProtocolHistory, Error> {
    let Some(Event { what: What::ProtocolAdopted { source, .. }, .. }) = events.first().map(|it| &it.event)
    else {
        return Err(Error::NoProtocol { path: place(ledger), as_of: None });
    };
    let checked = protocol::check(source).map_err(|faults| Error::Protocol { seq: 1, faults })?;
    Ok(ProtocolHistory::new(1, checked))
}

fn unfit(found: String, right: &'static str) -> Error {
    Error::Ledger(ledger::Error::Event { found, right })
}

fn in_order(events: &[&Entered]) -> Result<(), Error> {
    let back = events.windows(2).find(|pair| pair[1].event.recorded < pair[0].event.recorded);
    let numbered = events.iter().zip(1..).find(|(entered, seq)| entered.seq != *seq);
    match (back, numbered) {
        (Some(pair), _) => Err(unfit(
            format!("event {} recorded at {}", pair[1].seq, pair[1].event.recorded),
            "an event is recorded no earlier than the one before it",
        )),
        (_, Some((entered, seq))) => {
            Err(unfit(format!("event {} in place {seq}", entered.seq), "events are numbered from 1"))
        }
        _ => Ok(()),
    }
}

fn records_read(history: &ProtocolHistory, events: &[&Entered]) -> Result<(), Error> {
    let mut subjects: std::collections::BTreeMap<&SubjectId, Vec<Entered>> =
        std::collections::BTreeMap::new();
    for entered in events {
        if let Some(subject) = &entered.event.subject {
            subjects.entry(subject).or_default().push((*entered).clone());
        }
    }
    for (subject, events) in subjects {
        if let Some(fault) = Record::fold(history, subject, &events).faults.first() {
            let found = format!("subject {subject}, {}, item {}: {}", fault.place, fault.item, fault.message);
            return Err(unfit(found, "every form reads under the protocol version it was entered under"));
        }
    }
    Ok(())
}
