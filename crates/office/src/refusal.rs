//! Why an action was refused, in words that say what would be right; and what else can go wrong in the office.
//!
//! Never decides (see `admit`). A refused submission leaves no trace in the ledger.

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use trial::eligibility::{Judged, Judgement};
use trial::event::{Entered, Instance, Role, Seq};
use trial::form::FormFault;
use trial::id::{ArmId, SiteId, SubjectId};

use crate::seed::SeedFault;

/// What can go wrong in the office.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// An action was refused; nothing was written.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// No protocol was adopted, or not yet at the moment asked for.
    #[error("no protocol was adopted in {}{}; found the trial first, or ask for a later moment", path.display(),
            as_of.map(|moment| format!(" by {moment}")).unwrap_or_default())]
    NoProtocol {
        /// The ledger.
        path: PathBuf,
        /// The moment asked for.
        as_of: Option<Timestamp>,
    },
    /// A trial was founded here before.
    #[error("{} holds {events} events already; a trial is founded in an empty ledger", path.display())]
    AlreadyFounded {
        /// The ledger.
        path: PathBuf,
        /// Events in it.
        events: u64,
    },
    /// A protocol version in the ledger cannot be read by this program.
    #[error("the protocol adopted by event {seq} cannot be read: {} fault(s), the first: {}", faults.len(),
            faults.first().map(|fault| format!("line {}, {}: found {}; {}", fault.line, fault.path, fault.found, fault.right))
                .unwrap_or_default())]
    Protocol {
        /// The event.
        seq: Seq,
        /// Its faults.
        faults: Vec<trial::protocol::Fault>,
    },
    /// The secret seed cannot be used.
    #[error(transparent)]
    Seed(#[from] SeedFault),
    /// The seed was not revealed, so that no allocation can be recomputed.
    #[error(
        "the seed was not revealed yet; allocations can be recomputed once it is, at the end of the trial"
    )]
    NotRevealed,
    /// A thread or runtime could not be started.
    #[error("a worker thread failed: {0}")]
    Worker(String),
}

/// A refused action.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Which of the submitted actions, from 0.
    pub index: usize,
    /// Its site.
    pub site: Option<SiteId>,
    /// Its subject.
    pub subject: Option<SubjectId>,
    /// What it meant to do, in words.
    pub deed: String,
    /// Why it was refused.
    pub reason: Reason,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "action {} refused, nothing was written: ", self.index + 1)?;
        if let Some(subject) = &self.subject {
            write!(f, "subject {subject}, ")?;
        } else if let Some(site) = &self.site {
            write!(f, "site {site}, ")?;
        }
        write!(f, "{}: {}", self.deed, self.reason)
    }
}

impl std::error::Error for Refusal {}

/// Why an action was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Reason {
    /// Values that cannot stand on the form.
    #[error("{}", lines(.0))]
    Form(Vec<FormFault>),
    /// Criteria that are not proven: each not met, or unknown with what is missing.
    #[error("not every criterion is proven met\n{}", unproven(.0))]
    NotEligible(Vec<Judged>),
    /// No consent on file.
    #[error("no consent is on file; save the consent form first")]
    NoConsent,
    /// Consent was given later than the day of randomisation.
    #[error("consent was given on {consent} (event {event}), after the day of randomisation {date}")]
    ConsentLater {
        /// Day of consent.
        consent: Date,
        /// Its event.
        event: Seq,
        /// Day of randomisation asked for.
        date: Date,
    },
    /// The stratum is not known.
    #[error("the stratum is not known: {} missing", .0.join(", "))]
    NoStratum(Vec<String>),
    /// The day lies after the moment of recording.
    #[error("{date} lies after the day of recording, {today}")]
    Future {
        /// The day.
        date: Date,
        /// The day of recording (UTC).
        today: Date,
    },
    /// Randomised before: the allocation that stands, for whoever asked twice.
    #[error(
        "the subject was randomised on {date} (event {event}) to arm {arm}; a subject is randomised once. Record a \
             mistaken randomisation as a deviation"
    )]
    AlreadyRandomised {
        /// The arm.
        arm: ArmId,
        /// The day.
        date: Date,
        /// Its place in the stratum's list (blocks) or in the trial (minimisation), from 0.
        position: u64,
        /// The event.
        event: Seq,
        /// Who randomised.
        who: String,
        /// When that was recorded.
        recorded: Timestamp,
    },
    /// Withdrew or died before.
    #[error("the subject {how} on {date} (event {event}) and cannot be randomised")]
    Left {
        /// `withdrew` or `died`.
        how: &'static str,
        /// The day, as far as it is known.
        date: String,
        /// The event.
        event: Seq,
    },
    /// The seed cannot be used.
    #[error(transparent)]
    Seed(SeedFault),
    /// The seed was revealed.
    #[error(
        "the seed was revealed (event {event}): the next allocation could be foreseen, so randomisation has ended"
    )]
    Revealed {
        /// The event.
        event: Seq,
    },
    /// No such site.
    #[error("site {found} is not open; {}", open_sites(.known))]
    UnknownSite {
        /// The site named.
        found: SiteId,
        /// The sites that are open.
        known: Vec<SiteId>,
    },
    /// The site is open already.
    #[error("site {site} was opened by event {event}; open another, or screen there")]
    SiteOpen {
        /// The site.
        site: SiteId,
        /// The event.
        event: Seq,
    },
    /// The site is closed.
    #[error(
        "site {site} was closed by event {event}: it may no longer screen or randomise. Open it again first"
    )]
    SiteClosed {
        /// The site.
        site: SiteId,
        /// The event.
        event: Seq,
    },
    /// A user name that cannot be one.
    #[error(
        "{0:?} cannot be a user name; use 1 to 128 characters, without blanks at the ends or control characters"
    )]
    UserName(String),
    /// The user has that very role there.
    #[error("the user has that role there (event {event}); there is nothing to change")]
    Granted {
        /// The event that gave it.
        event: Seq,
    },
    /// There is no role to take away.
    #[error("the user has no role there that could be taken away")]
    NotGranted,
    /// The action names no site but needs one.
    #[error("no site is named; name the site it happens at")]
    NoSite,
    /// The action names no subject but needs one.
    #[error("no subject is named; name the subject it speaks of")]
    NoSubject,
    /// The action names a subject but speaks of the trial as a whole.
    #[error("it speaks of the trial as a whole; leave the subject out")]
    SubjectNamed,
    /// A subject number that cannot be one.
    #[error("{0:?} cannot be a subject number; use 1 to 64 letters, digits, dots, hyphens or slashes")]
    SubjectNumber(String),
    /// Screened before.
    #[error("the subject number was given at site {site} (event {event}); a number is used once in a trial")]
    AlreadyScreened {
        /// Where.
        site: SiteId,
        /// The event.
        event: Seq,
    },
    /// Not screened.
    #[error("no such subject; screen first")]
    NotScreened,
    /// The subject belongs to another site.
    #[error("the subject belongs to site {home}, not to {found}")]
    OtherSite {
        /// Its site.
        home: SiteId,
        /// The site named.
        found: SiteId,
    },
    /// The form was saved before.
    #[error("the form stands (event {event}); correct it instead")]
    Stands {
        /// The event that gave its values.
        event: Seq,
    },
    /// The form was never saved.
    #[error("the form was never saved; save it first")]
    NeverSaved,
    /// A correction without a reason.
    #[error("a correction needs a reason; say why the values change")]
    NoReason,
    /// A correction that changes nothing.
    #[error("the form holds these very values (event {event}); there is nothing to correct")]
    NothingToCorrect {
        /// The event that gave its values.
        event: Seq,
    },
    /// The form is locked.
    #[error("the form was locked by event {event}; unlock it first")]
    Locked {
        /// The event.
        event: Seq,
    },
    /// The form is unlocked already.
    #[error("the form is not locked")]
    NotLocked,
    /// A query of that name exists.
    #[error("a query of that name was raised by event {event}; choose another name")]
    QueryExists {
        /// The event.
        event: Seq,
    },
    /// No query of that name.
    #[error("the subject has no query of that name; it has {}", names(.known))]
    UnknownQuery {
        /// The queries of the subject.
        known: Vec<String>,
    },
    /// The query is closed.
    #[error("the query was closed by event {event}; raise a new one")]
    QueryClosed {
        /// The event.
        event: Seq,
    },
    /// A text that must not be empty.
    #[error("a text is missing; say it in words")]
    NoText,
    /// A query that is due before it is raised.
    #[error("an answer by {due} would be late already: today is {today}; give a later day")]
    DueInPast {
        /// The day given.
        due: Date,
        /// The day of recording (UTC).
        today: Date,
    },
    /// Recorded before the last event.
    #[error("recorded at {found}, before the last event of the ledger at {last}; the clock went backwards")]
    TimeBackwards {
        /// The last moment in the ledger.
        last: Timestamp,
        /// The moment given.
        found: Timestamp,
    },
    /// Somebody wrote about the subject, or the form, in the meantime.
    #[error("{}", conflict(.subject, *.expected, *.found, .since))]
    Conflict {
        /// The subject.
        subject: SubjectId,
        /// The last event that the caller had seen; 0 for none.
        expected: Seq,
        /// The last event there is; 0 for none.
        found: Seq,
        /// What happened since, oldest first.
        since: Vec<Later>,
    },
    /// A version of that name was adopted before.
    #[error("version {version} was adopted by event {event}; give the amendment a version of its own")]
    VersionKnown {
        /// Its name.
        version: String,
        /// The event.
        event: Seq,
    },
    /// A version of another trial.
    #[error("it is the protocol of trial {found}, this ledger is that of {here}")]
    OtherTrial {
        /// The trial named in the version.
        found: String,
        /// The trial of the ledger.
        here: String,
    },
}

/// What somebody did in the meantime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later {
    /// The event.
    pub event: Seq,
    /// Who.
    pub who: String,
    /// In which role.
    pub role: Role,
    /// When it was recorded.
    pub recorded: Timestamp,
    /// The kind of event.
    pub kind: &'static str,
    /// The form, where it is about one.
    pub instance: Option<Instance>,
}

impl Later {
    pub(crate) fn of(entered: &Entered) -> Self {
        let Entered { seq, event } = entered;
        Self {
            event: *seq,
            who: event.who.clone(),
            role: event.role,
            recorded: event.recorded,
            kind: event.what.kind(),
            instance: event.what.instance().cloned(),
        }
    }
}

impl fmt::Display for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {}, {} by {} at {}", self.event, self.kind, self.who, self.recorded)?;
        match &self.instance {
            Some(instance) => write!(f, " ({})", trial::record::place(instance)),
            None => Ok(()),
        }
    }
}

/// Where a ledger lies, for messages.
pub(crate) fn place(ledger: &ledger::Ledger) -> PathBuf {
    PathBuf::from(ledger.address().to_string())
}

/// The ledger's own words, and what happened since.
fn conflict(subject: &SubjectId, expected: Seq, found: Seq, since: &[Later]) -> String {
    let words = ledger::Error::Conflict { subject: subject.to_string(), expected, found }.to_string();
    since.iter().fold(words, |words, later| format!("{words}\n{later}"))
}

fn lines(faults: &[FormFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn unproven(criteria: &[Judged]) -> String {
    let line = |judged: &Judged| match &judged.judgement {
        Judgement::Met => format!("{} met", judged.id),
        Judgement::NotMet => format!("{} not met: {}", judged.id, judged.text),
        Judgement::Unknown { missing } => {
            format!("{} unknown, missing {}: {}", judged.id, missing.join(", "), judged.text)
        }
    };
    criteria.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn open_sites(known: &[SiteId]) -> String {
    match known {
        [] => "no site is open; open one first".into(),
        known => format!("open are {}", known.iter().map(SiteId::as_str).collect::<Vec<_>>().join(", ")),
    }
}

fn names(known: &[String]) -> String {
    if known.is_empty() { "none".into() } else { known.join(", ") }
}
