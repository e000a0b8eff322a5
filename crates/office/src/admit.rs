//! Admission: may this be recorded now? Asks `trial`'s rules and what stands in the ledger, and draws the arm.
//!
//! Never writes (see `desk`), and never decides what a value or a criterion means: `trial::form`, `trial::eligibility`
//! and `trial::randomise` do.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value};
use trial::date::{latest_date, utc_date};
use trial::eligibility::{Judgement, judge, stratum};
use trial::event::{Instance, OnBehalf, Role, Seq, What};
use trial::form::{self, FormFault};
use trial::id::{ArmId, SiteId};
use trial::randomise::next;
use trial::record::{FilledForm, Query, Record};

use crate::action::{Action, Deed};
use crate::folder::Folder;
use crate::refusal::Reason;
use crate::seed::{SeedSource, to_hex};
use crate::state::{Site, Trial};

/// The longest user name.
const LONGEST_NAME: usize = 128;

/// What is to be recorded of an admitted action.
pub(crate) struct Admitted {
    pub(crate) what: What,
    pub(crate) soft: Vec<FormFault>,
    pub(crate) allocation: Option<(ArmId, u64)>,
}

impl From<What> for Admitted {
    fn from(what: What) -> Self {
        Self { what, soft: Vec::new(), allocation: None }
    }
}

/// True where the deed speaks of the trial as a whole.
pub(crate) fn is_of_trial(deed: &Deed) -> bool {
    matches!(
        deed,
        Deed::OpenSite { .. }
            | Deed::CloseSite { .. }
            | Deed::ChangeUser { .. }
            | Deed::Adopt { .. }
            | Deed::RevealSeed
    )
}

/// Admits a deed about the trial as a whole.
pub(crate) fn of_trial(trial: &Trial, action: &Action, seed: &SeedSource) -> Result<Admitted, Reason> {
    if action.subject.is_some() {
        return Err(Reason::SubjectNamed);
    }
    let what = match &action.deed {
        Deed::OpenSite { name, country } => {
            let site = named(action)?;
            if let Some(open) = trial.sites.get(site).filter(|site| site.is_open()) {
                return Err(Reason::SiteOpen { site: site.clone(), event: open.event });
            }
            What::SiteOpened { name: name.clone(), country: country.clone() }
        }
        Deed::CloseSite { reason } => {
            open(trial, named(action)?)?;
            What::SiteClosed { reason: reason.clone() }
        }
        Deed::ChangeUser { user, given } => change_user(trial, action.site.as_ref(), user, *given)?,
        Deed::Adopt { version } => {
            let (here, there) = (&trial.history.current().trial, &version.protocol.trial);
            if here.id != there.id {
                return Err(Reason::OtherTrial { found: there.id.clone(), here: here.id.clone() });
            }
            let known =
                trial.history.versions().find(|(_, known)| known.protocol.trial.version == there.version);
            if let Some((event, _)) = known {
                return Err(Reason::VersionKnown { version: there.version.clone(), event });
            }
            What::ProtocolAdopted {
                version: there.version.clone(),
                source: version.source.clone(),
                seed_commitment: None,
                simulated: trial.simulated,
            }
        }
        Deed::RevealSeed => {
            if let Some((event, _)) = &trial.revealed {
                return Err(Reason::Revealed { event: *event });
            }
            let seed = seed.read(trial.commitment.as_deref()).map_err(Reason::Seed)?;
            What::SeedRevealed { seed: to_hex(&seed) }
        }
        _ => return Err(Reason::NoSubject),
    };
    Ok(what.into())
}

fn named(action: &Action) -> Result<&SiteId, Reason> {
    action.site.as_ref().filter(|site| !site.as_str().is_empty()).ok_or(Reason::NoSite)
}

fn known<'a>(trial: &'a Trial, site: &SiteId) -> Result<&'a Site, Reason> {
    trial.sites.get(site).ok_or_else(|| Reason::UnknownSite {
        found: site.clone(),
        known: trial.sites.values().filter(|site| site.is_open()).map(|site| site.id.clone()).collect(),
    })
}

fn open<'a>(trial: &'a Trial, site: &SiteId) -> Result<&'a Site, Reason> {
    let known = known(trial, site)?;
    match &known.closed {
        Some(closure) => Err(Reason::SiteClosed { site: site.clone(), event: closure.event }),
        None => Ok(known),
    }
}

/// At a closed site too: its subjects go on, and so do its staff.
fn change_user(
    trial: &Trial,
    site: Option<&SiteId>,
    user: &str,
    given: Option<Role>,
) -> Result<What, Reason> {
    if user.trim() != user || user.is_empty() || user.len() > LONGEST_NAME || user.contains(char::is_control)
    {
        return Err(Reason::UserName(user.to_owned()));
    }
    site.map(|site| known(trial, site)).transpose()?;
    let standing = trial.grants.get(&(user.to_owned(), site.cloned()));
    match (standing, given) {
        (Some(grant), Some(role)) if grant.role == role => Err(Reason::Granted { event: grant.event }),
        (None, None) => Err(Reason::NotGranted),
        _ => Ok(What::UserChanged { user: user.to_owned(), given }),
    }
}

/// Admits a deed about a subject.
pub(crate) fn of_subject(
    trial: &Trial,
    folder: &mut Folder,
    action: &Action,
    recorded: Timestamp,
    seed: &SeedSource,
) -> Result<Admitted, Reason> {
    let record = folder.record(&trial.history);
    if matches!(action.deed, Deed::Screen) {
        return screen(trial, record, action);
    }
    if record.screened.is_none() {
        return Err(Reason::NotScreened);
    }
    if let Some(site) = action.site.as_ref().filter(|site| **site != record.site) {
        return Err(Reason::OtherSite { home: record.site.clone(), found: site.clone() });
    }
    let what = match &action.deed {
        Deed::Save { instance, values } => {
            if let Some(form) = record.forms.iter().find(|form| form.instance == *instance) {
                return Err(Reason::Stands { event: form.event });
            }
            let soft = check(trial, record, recorded, instance, values)?;
            let what = What::FormSaved { instance: instance.clone(), values: values.clone() };
            return Ok(Admitted { what, soft, allocation: None });
        }
        Deed::Correct { instance, values, reason } => {
            let form = unlocked(record, instance)?;
            if reason.trim().is_empty() {
                return Err(Reason::NoReason);
            }
            if form.values == *values {
                return Err(Reason::NothingToCorrect { event: form.event });
            }
            let soft = check(trial, record, recorded, instance, values)?;
            let (instance, values) = (instance.clone(), values.clone());
            let what = What::FormCorrected { instance, values, corrects: form.event, reason: reason.clone() };
            return Ok(Admitted { what, soft, allocation: None });
        }
        Deed::Sign { instance, meaning } => {
            unlocked(record, instance)?;
            said(meaning)?;
            What::FormSigned { instance: instance.clone(), meaning: meaning.clone() }
        }
        Deed::Verify { instance } => {
            standing(record, instance)?;
            What::Verified { instance: instance.clone() }
        }
        Deed::Lock { instance, locked } => {
            match (&standing(record, instance)?.locked, locked) {
                (Some(mark), true) => return Err(Reason::Locked { event: mark.event }),
                (None, false) => return Err(Reason::NotLocked),
                _ => {}
            }
            What::Locked { instance: instance.clone(), locked: *locked }
        }
        Deed::RaiseQuery { .. } | Deed::AnswerQuery { .. } | Deed::CloseQuery { .. } => {
            query(record, &action.deed, recorded)?
        }
        Deed::Randomise { date } => return randomise(trial, record, recorded, *date, None, seed),
        Deed::RandomiseOnBehalf { date, for_whom } => {
            said(&for_whom.who)?;
            said(&for_whom.reason)?;
            return randomise(trial, record, recorded, *date, Some(for_whom), seed);
        }
        Deed::Screen
        | Deed::OpenSite { .. }
        | Deed::CloseSite { .. }
        | Deed::ChangeUser { .. }
        | Deed::Adopt { .. }
        | Deed::RevealSeed => return Err(Reason::SubjectNamed),
    };
    Ok(what.into())
}

fn screen(trial: &Trial, record: &Record, action: &Action) -> Result<Admitted, Reason> {
    let site = action.site.as_ref().ok_or(Reason::NoSite)?;
    open(trial, site)?;
    if let Some(screened) = &record.screened {
        return Err(Reason::AlreadyScreened { site: record.site.clone(), event: screened.event });
    }
    // A number must not carry a name, and must stand in file names and addresses.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/' | '_');
    let id = record.subject.as_str();
    if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
        return Err(Reason::SubjectNumber(id.to_owned()));
    }
    Ok(What::SubjectScreened.into())
}

fn standing<'a>(record: &'a Record, instance: &Instance) -> Result<&'a FilledForm, Reason> {
    record.forms.iter().find(|form| form.instance == *instance).ok_or(Reason::NeverSaved)
}

fn unlocked<'a>(record: &'a Record, instance: &Instance) -> Result<&'a FilledForm, Reason> {
    let form = standing(record, instance)?;
    match &form.locked {
        Some(mark) => Err(Reason::Locked { event: mark.event }),
        None => Ok(form),
    }
}

fn said(text: &str) -> Result<(), Reason> {
    if text.trim().is_empty() { Err(Reason::NoText) } else { Ok(()) }
}

/// Checks the values of a form: the faults that do not hinder saving, or a refusal with all that do.
fn check(
    trial: &Trial,
    record: &Record,
    recorded: Timestamp,
    instance: &Instance,
    values: &Map<String, Value>,
) -> Result<Vec<FormFault>, Reason> {
    let faults = form::check(trial.history.current(), record, instance, values, latest_date(recorded));
    if faults.iter().any(|fault| fault.hard) {
        return Err(Reason::Form(faults.into_iter().filter(|fault| fault.hard).collect()));
    }
    Ok(faults)
}

fn query(record: &Record, deed: &Deed, recorded: Timestamp) -> Result<What, Reason> {
    let find = |id: &str| -> Option<&Query> { record.queries.iter().find(|query| query.id == id) };
    let open = |id: &str| -> Result<(), Reason> {
        let known = || record.queries.iter().map(|query| query.id.clone()).collect();
        let query = find(id).ok_or_else(|| Reason::UnknownQuery { known: known() })?;
        query.closed.as_ref().map_or(Ok(()), |mark| Err(Reason::QueryClosed { event: mark.event }))
    };
    match deed {
        Deed::RaiseQuery { query, about, item, text, due } => {
            said(query)?;
            said(text)?;
            if let Some(known) = find(query) {
                return Err(Reason::QueryExists { event: known.raised.event });
            }
            if let Some(instance) = about {
                standing(record, instance)?;
            }
            let today = utc_date(recorded);
            if let Some(due) = due.filter(|due| *due < today) {
                return Err(Reason::DueInPast { due, today });
            }
            let (query, about, item) = (query.clone(), about.clone(), item.clone());
            Ok(What::QueryRaised { query, about, item, text: text.clone(), due: *due })
        }
        Deed::AnswerQuery { query, text } => {
            open(query)?;
            said(text)?;
            Ok(What::QueryAnswered { query: query.clone(), text: text.clone() })
        }
        Deed::CloseQuery { query } => {
            open(query)?;
            Ok(What::QueryClosed { query: query.clone() })
        }
        _ => Err(Reason::SubjectNamed),
    }
}

/// Draws the arm. Whoever acts, for themselves or for a site that telephoned, the same must be proven.
fn randomise(
    trial: &Trial,
    record: &Record,
    recorded: Timestamp,
    date: Date,
    on_behalf: Option<&OnBehalf>,
    seed: &SeedSource,
) -> Result<Admitted, Reason> {
    let protocol = trial.history.current();
    if let Some(standing) = trial.allocation_of(&record.subject) {
        return Err(standing.refusal());
    }
    if let Some((event, _)) = &trial.revealed {
        return Err(Reason::Revealed { event: *event });
    }
    open(trial, &record.site)?;
    let today = latest_date(recorded);
    if date > today {
        return Err(Reason::Future { date, today });
    }
    let left: Option<(&'static str, String, Seq)> = record
        .withdrawal
        .as_ref()
        .map(|w| ("withdrew", w.date.to_string(), w.event))
        .or_else(|| record.death.as_ref().map(|death| ("died", death.date.to_string(), death.event)));
    if let Some((how, date, event)) = left {
        return Err(Reason::Left { how, date, event });
    }
    let consent = record.consent.as_ref().ok_or(Reason::NoConsent)?;
    if consent.value > date {
        return Err(Reason::ConsentLater { consent: consent.value, event: consent.event, date });
    }
    let mut judged = judge(protocol, record);
    judged.retain(|criterion| criterion.judgement != Judgement::Met);
    if !judged.is_empty() {
        return Err(Reason::NotEligible(judged));
    }
    let stratum = stratum(protocol, record).map_err(Reason::NoStratum)?;
    let seed = seed.read(trial.commitment.as_deref()).map_err(Reason::Seed)?;
    let (arm, position) = next(protocol, &seed, &trial.earlier(), &stratum);
    let on_behalf = on_behalf.cloned();
    let what = What::Randomised { arm: arm.clone(), date, stratum, position, on_behalf };
    Ok(Admitted { what, soft: Vec::new(), allocation: Some((arm, position)) })
}
