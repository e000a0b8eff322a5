//! The answers go to the ledger, once: claimed in the store of people, written by the office, marked as sent.
//!
//! Never writes what the trial's rules refuse, and never loses what was answered: until the ledger holds it, it is kept with the link.
//! What a server that went down left between the claim and the mark is settled by [`settle`].

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use jiff::SignedDuration;
use jiff::civil::Date;
use office::{Action, Actor, Deed, Reason};
use people::{Claim, Fields, PatientLink};
use tokio::sync::{Mutex, MutexGuard};
use trial::date::utc_date;
use trial::event::{Role, Seq};
use trial::record::Record;

use super::questionnaire::Questionnaire;
use crate::app::App;
use crate::room::Room;
use crate::web::fault::Fault;

/// Who answers, in the ledger: the subject says whose answers they are, and no more of the patient is known there.
const PATIENT: &str = "patient";
/// How old a claim is before somebody else looks what became of it.
const ABANDONED: SignedDuration = SignedDuration::from_secs(60);

/// What became of answers that were to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// They are in the ledger.
    Now,
    /// They were before.
    Already,
    /// Another request is sending them.
    Underway,
    /// The link is not open.
    NotOpen,
    /// The hospital had filled the form.
    ByTeam,
    /// They are kept; it can be tried again.
    Later,
    /// The form's rules refuse them, by item.
    Refused(Vec<(String, String)>),
}

/// One request at a time changes the answers of a link.
static ONE_AT_A_TIME: [Mutex<()>; 64] = [const { Mutex::const_new(()) }; 64];

/// Waits until no other request changes the answers of a token.
pub(super) async fn hold(token: &str) -> MutexGuard<'static, ()> {
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(token);
    let at = usize::try_from(hash % 64).unwrap_or(0);
    ONE_AT_A_TIME[at].lock().await
}

/// The day the answers are given. The office dates by UTC and takes no later day: east of it a morning is still the day before.
pub(super) fn day(app: &App) -> Date {
    app.today().min(utc_date(app.now()))
}

/// Sends the answers that are kept for a link. It goes on to its end where the browser leaves meanwhile.
pub(super) async fn send(app: &App, token: &str) -> Result<Sent, Fault> {
    let (app, token) = (app.clone(), token.to_owned());
    let task = tokio::spawn(async move { claim(&app, &token).await });
    task.await.map_err(|wrong| Fault::Broken(wrong.to_string()))?
}

async fn claim(app: &App, token: &str) -> Result<Sent, Fault> {
    let _held = hold(token).await;
    let (link, answers) = match app.people.claim_for_sending(token, app.now()).await? {
        Claim::Claimed { link, answers } => (link, answers),
        Claim::AlreadySent => return Ok(Sent::Already),
        Claim::BeingSent => return Ok(Sent::Underway),
        Claim::NotOpen => return Ok(Sent::NotOpen),
    };
    match write(app, &link, &answers).await {
        Ok(Written::Recorded(seq)) => {
            mark(app, &link, seq).await;
            Ok(Sent::Now)
        }
        Ok(Written::Over) => {
            app.people.release(&link).await?;
            Ok(Sent::NotOpen)
        }
        Ok(Written::Refused(faults)) => {
            app.people.release(&link).await?;
            Ok(Sent::Refused(faults))
        }
        // It may be in the ledger all the same: only the ledger knows.
        Err(wrong) => {
            tracing::error!(?wrong, "answers of a patient could not be recorded");
            Ok(match settle_one(app, &link).await? {
                Settled::Sent => Sent::Now,
                Settled::ByTeam => Sent::ByTeam,
                Settled::Open => Sent::Later,
            })
        }
    }
}

enum Written {
    Recorded(Seq),
    Refused(Vec<(String, String)>),
    Over,
}

/// The subject has withdrawn or died: nothing is asked or recorded of the patient any more.
pub(super) fn is_over(record: &Record) -> bool {
    record.withdrawal.is_some() || record.death.is_some()
}

async fn write(app: &App, link: &PatientLink, answers: &Fields) -> Result<Written, Fault> {
    let room = room(app, link)?;
    let folder = room.folder(&link.subject).await?;
    if is_over(&folder.record) {
        return Ok(Written::Over);
    }
    let sheet = Questionnaire::new(&app.wording, folder.history.current(), &folder.record, link, answers)
        .ok_or_else(|| Fault::Broken(format!("the protocol has no questionnaire {}", link.instance.form)))?;
    let day = day(app);
    if sheet.answered() == 0 {
        return Ok(Written::Refused(vec![(String::new(), sheet.wording.words.nothing_yet.clone())]));
    }
    let faults = sheet.faults(day);
    if !faults.is_empty() {
        return Ok(Written::Refused(faults));
    }
    let deed = Deed::Save { instance: link.instance.clone(), values: sheet.values(day) };
    let patient = Actor::new(PATIENT, Role::Patient);
    let action = Action::now(&patient, deed).of(link.subject.clone()).at(folder.record.site.clone());
    match room.office.submit(vec![action]).await {
        Ok(receipts) => {
            let seq = receipts.first().map(|receipt| receipt.seq);
            seq.map(Written::Recorded).ok_or_else(|| Fault::Broken("the office gave no receipt".into()))
        }
        Err(office::Error::Refused(refusal)) => match refusal.reason {
            // The record changed between the check and the office's own.
            Reason::Form(faults) => {
                Ok(Written::Refused(faults.into_iter().map(|fault| (fault.item, fault.right)).collect()))
            }
            _ => Err(office::Error::Refused(refusal).into()),
        },
        Err(wrong) => Err(wrong.into()),
    }
}

fn room(app: &App, link: &PatientLink) -> Result<std::sync::Arc<Room>, Fault> {
    app.room(&link.trial)
        .ok_or_else(|| Fault::Broken(format!("the trial {} is not on this server", link.trial)))
}

async fn mark(app: &App, link: &PatientLink, seq: Seq) {
    // The ledger has the answers; the mark is made good within a minute.
    if let Err(wrong) = app.people.sent(link, seq, app.now()).await {
        tracing::error!(%wrong, "a questionnaire was sent and could not be marked as sent yet");
    }
}

/// Who filled the form of a link, if anybody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody.
    Empty,
    /// The patient, by this event.
    ByPatient(Seq),
    /// The hospital.
    ByTeam,
}

/// Looks in the ledger for the form of a link.
pub(super) fn standing(folder: &office::Folder, link: &PatientLink) -> Standing {
    let Some(form) = folder.record.forms.iter().find(|form| form.instance == link.instance) else {
        return Standing::Empty;
    };
    let first = folder.events.iter().find(|entered| entered.seq == form.first);
    match first {
        Some(entered) if entered.event.role == Role::Patient => Standing::ByPatient(entered.seq),
        _ => Standing::ByTeam,
    }
}

enum Settled {
    Sent,
    ByTeam,
    Open,
}

/// Ends a claim by what the ledger holds.
async fn settle_one(app: &App, link: &PatientLink) -> Result<Settled, Fault> {
    let folder = room(app, link)?.folder(&link.subject).await?;
    let (ended, settled) = match standing(&folder, link) {
        Standing::ByPatient(seq) => (app.people.sent(link, seq, app.now()).await, Settled::Sent),
        Standing::Empty => (app.people.release(link).await, Settled::Open),
        Standing::ByTeam => {
            let released = app.people.release(link).await;
            if released.is_ok() {
                app.people.withdraw_patient_link(&link.id).await?;
            }
            (released, Settled::ByTeam)
        }
    };
    match ended {
        // Another server was first.
        Ok(()) | Err(people::Error::NotClaimed) => Ok(settled),
        Err(wrong) => Err(wrong.into()),
    }
}

/// Ends the claims that a server left when it went down: at the start, and each minute.
pub(crate) async fn settle(app: &App) -> Result<(), Fault> {
    let moment = app.now().saturating_sub(ABANDONED).unwrap_or(jiff::Timestamp::MIN);
    for link in app.people.claimed_before(moment).await? {
        // One that cannot be settled, as of a trial that is not here, must not keep the others.
        if let Err(wrong) = settle_one(app, &link).await {
            tracing::error!(?wrong, link = link.id, "a questionnaire on its way cannot be settled");
        }
    }
    Ok(())
}
