//! Admission: may this be recorded now? Asks `trial`'s rules and what stands in the ledger, and draws the arm.
//!
//! Never writes (see `write`), and never decides what a value or a criterion means: `trial::form`, `trial::eligibility`
//! and `trial::randomise` do.

use trial::date::utc_date;
use trial::eligibility::{Judgement, judge, stratum};
use trial::event::{Instance, Seq, What};
use trial::form::{self, FormFault};
use trial::id::{ArmId, SubjectId};
use trial::randomise::{Seed, next};

use crate::action::{Action, Deed};
use crate::refusal::Reason;
use crate::seed::{SeedFault, to_hex};
use crate::state::{Dossier, Standing, Trial};

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

/// The seed file, opened only when a deed needs it.
pub(crate) type SeedSource<'a> = &'a mut dyn FnMut() -> Result<Seed, SeedFault>;

/// Admits a deed about the trial as a whole.
pub(crate) fn of_trial(trial: &Trial, action: &Action, seed: SeedSource<'_>) -> Result<Admitted, Reason> {
    if action.subject.is_some() {
        return Err(Reason::SubjectNamed);
    }
    match &action.deed {
        Deed::OpenSite { name, country } => {
            let site = action.site.as_ref().filter(|site| !site.as_str().is_empty()).ok_or(Reason::NoSite)?;
            match trial.sites.get(site) {
                Some(open) => Err(Reason::SiteOpen { site: site.clone(), event: open.event }),
                None => Ok(What::SiteOpened { name: name.clone(), country: country.clone() }.into()),
            }
        }
        Deed::ChangeUser { user, given } => {
            Ok(What::UserChanged { user: user.clone(), given: *given }.into())
        }
        Deed::Adopt { version } => {
            let (here, there) = (&trial.history.current().trial, &version.protocol.trial);
            if here.id != there.id {
                return Err(Reason::OtherTrial { found: there.id.clone(), here: here.id.clone() });
            }
            let known =
                trial.history.versions().find(|(_, known)| known.protocol.trial.version == there.version);
            match known {
                Some((event, _)) => Err(Reason::VersionKnown { version: there.version.clone(), event }),
                None => Ok(What::ProtocolAdopted {
                    version: there.version.clone(),
                    source: version.source.clone(),
                    seed_commitment: None,
                    simulated: trial.simulated,
                }
                .into()),
            }
        }
        Deed::RevealSeed => match &trial.revealed {
            Some((event, _)) => Err(Reason::Revealed { event: *event }),
            None => Ok(What::SeedRevealed { seed: to_hex(&seed().map_err(Reason::Seed)?) }.into()),
        },
        _ => Err(Reason::NoSubject),
    }
}

/// True where the deed speaks of the trial as a whole.
pub(crate) fn is_of_trial(deed: &Deed) -> bool {
    matches!(deed, Deed::OpenSite { .. } | Deed::ChangeUser { .. } | Deed::Adopt { .. } | Deed::RevealSeed)
}

/// Admits a deed about a subject.
pub(crate) fn of_subject(
    trial: &Trial,
    dossier: &mut Dossier,
    subject: &SubjectId,
    action: &Action,
    seed: SeedSource<'_>,
) -> Result<Admitted, Reason> {
    if matches!(action.deed, Deed::Screen) {
        return screen(trial, dossier, subject, action);
    }
    if dossier.screened.is_none() {
        return Err(Reason::NotScreened);
    }
    if let Some(site) = action.site.as_ref().filter(|site| **site != dossier.site) {
        return Err(Reason::OtherSite { home: dossier.site.clone(), found: site.clone() });
    }
    match &action.deed {
        Deed::Save { instance, values } => {
            if let Some(form) = dossier.forms.get(instance) {
                return Err(Reason::Stands { event: form.event });
            }
            let soft = check(trial, dossier, subject, action, instance, values)?;
            let what = What::FormSaved { instance: instance.clone(), values: values.clone() };
            Ok(Admitted { what, soft, allocation: None })
        }
        Deed::Correct { instance, values, reason } => {
            let corrects = unlocked(dossier, instance)?.event;
            if reason.trim().is_empty() {
                return Err(Reason::NoReason);
            }
            if dossier.forms.get(instance).and_then(|form| dossier.values(form)) == Some(values) {
                return Err(Reason::NothingToCorrect { event: corrects });
            }
            let soft = check(trial, dossier, subject, action, instance, values)?;
            let what = What::FormCorrected {
                instance: instance.clone(),
                values: values.clone(),
                corrects,
                reason: reason.clone(),
            };
            Ok(Admitted { what, soft, allocation: None })
        }
        Deed::Sign { instance, meaning } => {
            standing(dossier, instance)?;
            Ok(What::FormSigned { instance: instance.clone(), meaning: meaning.clone() }.into())
        }
        Deed::Verify { instance } => {
            standing(dossier, instance)?;
            Ok(What::Verified { instance: instance.clone() }.into())
        }
        Deed::Lock { instance, locked } => {
            match (standing(dossier, instance)?.locked, locked) {
                (Some(event), true) => return Err(Reason::Locked { event }),
                (None, false) => return Err(Reason::NotLocked),
                _ => {}
            }
            Ok(What::Locked { instance: instance.clone(), locked: *locked }.into())
        }
        Deed::RaiseQuery { .. } | Deed::AnswerQuery { .. } | Deed::CloseQuery { .. } => {
            query(dossier, &action.deed).map(Into::into)
        }
        Deed::Randomise { date } => randomise(trial, dossier, subject, action, *date, seed),
        Deed::Screen
        | Deed::OpenSite { .. }
        | Deed::ChangeUser { .. }
        | Deed::Adopt { .. }
        | Deed::RevealSeed => Err(Reason::SubjectNamed),
    }
}

fn screen(
    trial: &Trial,
    dossier: &Dossier,
    subject: &SubjectId,
    action: &Action,
) -> Result<Admitted, Reason> {
    let site = action.site.as_ref().ok_or(Reason::NoSite)?;
    if !trial.sites.contains_key(site) {
        let known = trial.sites.keys().cloned().collect();
        return Err(Reason::UnknownSite { found: site.clone(), known });
    }
    if let Some(event) = dossier.screened {
        return Err(Reason::AlreadyScreened { site: dossier.site.clone(), event });
    }
    // A number must not carry a name, and must stand in file names and addresses.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/' | '_');
    if !(1..=64).contains(&subject.as_str().len()) || !subject.as_str().chars().all(plain) {
        return Err(Reason::SubjectNumber(subject.to_string()));
    }
    Ok(What::SubjectScreened.into())
}

fn standing<'a>(dossier: &'a Dossier, instance: &Instance) -> Result<&'a Standing, Reason> {
    dossier.forms.get(instance).ok_or(Reason::NeverSaved)
}

fn unlocked<'a>(dossier: &'a Dossier, instance: &Instance) -> Result<&'a Standing, Reason> {
    let form = standing(dossier, instance)?;
    match form.locked {
        Some(event) => Err(Reason::Locked { event }),
        None => Ok(form),
    }
}

/// Checks the values of a form: the faults that do not hinder saving, or a refusal with all that do.
fn check(
    trial: &Trial,
    dossier: &mut Dossier,
    subject: &SubjectId,
    action: &Action,
    instance: &Instance,
    values: &serde_json::Map<String, serde_json::Value>,
) -> Result<Vec<FormFault>, Reason> {
    let protocol = trial.history.current();
    let record = dossier.record(&trial.history, subject);
    let faults = form::check(protocol, record, instance, values, utc_date(action.recorded));
    if faults.iter().any(|fault| fault.hard) {
        return Err(Reason::Form(faults.into_iter().filter(|fault| fault.hard).collect()));
    }
    Ok(faults)
}

fn query(dossier: &Dossier, deed: &Deed) -> Result<What, Reason> {
    let open = |query: &String| -> Result<(), Reason> {
        let known = dossier
            .queries
            .get(query)
            .ok_or_else(|| Reason::UnknownQuery { known: dossier.queries.keys().cloned().collect() })?;
        known.closed.map_or(Ok(()), |event| Err(Reason::QueryClosed { event }))
    };
    match deed {
        Deed::RaiseQuery { query, about, item, text } => {
            if let Some(known) = dossier.queries.get(query) {
                return Err(Reason::QueryExists { event: known.raised });
            }
            if let Some(instance) = about {
                standing(dossier, instance)?;
            }
            Ok(What::QueryRaised {
                query: query.clone(),
                about: about.clone(),
                item: item.clone(),
                text: text.clone(),
            })
        }
        Deed::AnswerQuery { query, text } => {
            open(query)?;
            Ok(What::QueryAnswered { query: query.clone(), text: text.clone() })
        }
        Deed::CloseQuery { query } => {
            open(query)?;
            Ok(What::QueryClosed { query: query.clone() })
        }
        _ => Err(Reason::SubjectNamed),
    }
}

fn randomise(
    trial: &Trial,
    dossier: &mut Dossier,
    subject: &SubjectId,
    action: &Action,
    date: jiff::civil::Date,
    seed: SeedSource<'_>,
) -> Result<Admitted, Reason> {
    let protocol = trial.history.current();
    let record = dossier.record(&trial.history, subject);
    if let Some(fact) = &record.randomised {
        return Err(Reason::AlreadyRandomised { date: fact.value.date, event: fact.event });
    }
    if let Some((event, _)) = &trial.revealed {
        return Err(Reason::Revealed { event: *event });
    }
    let today = utc_date(action.recorded);
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
    let seed = seed().map_err(Reason::Seed)?;
    let (arm, position) = next(protocol, &seed, &trial.earlier(), &stratum);
    let what = What::Randomised { arm: arm.clone(), date, stratum, position };
    Ok(Admitted { what, soft: Vec::new(), allocation: Some((arm, position)) })
}
