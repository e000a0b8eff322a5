//! Links by which a patient answers one questionnaire, without an account.
//!
//! Never keeps the link itself (only its hash: it is shown once) nor the answers once they are sent, and opens nothing but its own form.
//! "Cannot be sent twice" is a state that exactly one claim can take; see [`Store::claim_for_sending`].

use jiff::{SignedDuration, Timestamp};
use sqlx::any::AnyRow;
use trial::event::{Instance, Seq};
use trial::id::SubjectId;

use crate::Fields;
use crate::error::{Error, Result, is_taken};
use crate::input;
use crate::secret::{Fingerprint, Opens, Secret, identifier, issue};
use crate::store::{Columns, Store, before, counted, from_json, stamp, to_json};

/// The most bytes of a questionnaire's answers.
const MOST_BYTES: usize = 64 * 1024;
/// How long the partial answers of an expired link are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Which questionnaire of whom a link is to open, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPatientLink {
    /// The trial's key.
    pub trial: String,
    /// The subject.
    pub subject: SubjectId,
    /// The form, its visit and occurrence.
    pub instance: Instance,
    /// From when it opens.
    pub opens: Timestamp,
    /// Until when.
    pub expires: Timestamp,
}

/// Where a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Nobody has answered anything.
    Open,
    /// Some answers are kept.
    Started,
    /// The answers are on their way to the ledger.
    Sending,
    /// The answers are in the ledger.
    Sent,
    /// It opens nothing any more.
    Withdrawn,
}

impl LinkState {
    fn read(text: &str) -> Result<Self> {
        Ok(match text {
            "open" => Self::Open,
            "started" => Self::Started,
            "sending" => Self::Sending,
            "sent" => Self::Sent,
            "withdrawn" => Self::Withdrawn,
            other => return Err(Error::damaged(format!("`{other}` is no state of a link"))),
        })
    }
}

/// A link, as its site sees it: without the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatientLink {
    /// Its identifier; opens nothing.
    pub id: String,
    /// The trial's key.
    pub trial: String,
    /// The subject.
    pub subject: SubjectId,
    /// The form, its visit and occurrence.
    pub instance: Instance,
    /// From when it opens.
    pub opens: Timestamp,
    /// Until when.
    pub expires: Timestamp,
    /// Where it stands.
    pub state: LinkState,
    /// Who made it.
    pub by: String,
    /// When.
    pub made: Timestamp,
    /// The event its answers became.
    pub sent_seq: Option<Seq>,
    /// When.
    pub sent_at: Option<Timestamp>,
}

/// What a token opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatientAccess {
    /// Nothing: it never was, or was withdrawn.
    Unknown,
    /// Nothing yet.
    NotYet {
        /// From when.
        opens: Timestamp,
    },
    /// Nothing any more.
    Expired,
    /// The answers are on their way.
    Sending,
    /// The answers were sent.
    Sent {
        /// When.
        at: Timestamp,
    },
    /// The questionnaire, with what was answered so far.
    Open {
        /// The link.
        link: Box<PatientLink>,
        /// The answers kept so far.
        answers: Fields,
    },
}

/// The answer to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The caller, and nobody else, may write these answers to the ledger; then [`Store::sent`] or [`Store::release`].
    Claimed {
        /// The link.
        link: Box<PatientLink>,
        /// The answers kept so far.
        answers: Fields,
    },
    /// They are in the ledger already.
    AlreadySent,
    /// Another request is sending them.
    BeingSent,
    /// The link is unknown, withdrawn, expired or does not open yet.
    NotOpen,
}

fn read(row: &AnyRow) -> Result<PatientLink> {
    let visit = row.text("visit")?;
    let occurrence = row.number("occurrence")?;
    let instance = Instance {
        form: row.text("form")?,
        visit: (!visit.is_empty()).then_some(visit),
        occurrence: u32::try_from(occurrence)
            .map_err(|_| Error::damaged(format!("{occurrence} is no occurrence of a form")))?,
    };
    let sent_seq = row.some_number("sent_seq")?;
    Ok(PatientLink {
        id: row.text("id")?,
        trial: row.text("trial")?,
        subject: row.text("subject")?.into(),
        instance,
        opens: row.moment("opens")?,
        expires: row.moment("expires")?,
        state: LinkState::read(&row.text("state")?)?,
        by: row.text("made_by")?,
        made: row.moment("made")?,
        sent_seq: sent_seq.map(|seq| counted("sent_seq", seq)).transpose()?,
        sent_at: row.some_moment("sent_at")?,
    })
}

fn answers_of(row: &AnyRow) -> Result<Fields> {
    row.some_text("answers")?.map_or(Ok(Fields::new()), |text| from_json("answers", &text))
}

impl Store {
    /// Makes a link for an instance of a form and withdraws the one before it, with what was answered there. The token is given this
    /// once.
    ///
    /// Errors: [`Error::AlreadySent`]; a field will not do; it would expire before it opens.
    pub async fn issue_patient_link(
        &self,
        new: NewPatientLink,
        by: &str,
        now: Timestamp,
    ) -> Result<(Secret, PatientLink)> {
        check(&new, now)?;
        let (token, print) = issue(Opens::Patient)?;
        let visit = new.instance.visit.clone().unwrap_or_default();
        let mut transaction = self.begin().await?;
        sqlx::query(
            "UPDATE patient_links SET state = 'withdrawn', answers = NULL
             WHERE trial = $1 AND subject = $2 AND form = $3 AND visit = $4 AND occurrence = $5 AND state IN ('open', 'started')",
        )
        .bind(new.trial.clone())
        .bind(new.subject.0.clone())
        .bind(new.instance.form.clone())
        .bind(visit.clone())
        .bind(i64::from(new.instance.occurrence))
        .execute(&mut *transaction)
        .await?;
        let row = sqlx::query(
            "INSERT INTO patient_links
             (id, hash, trial, subject, form, visit, occurrence, opens, expires, state, made_by, made)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open', $10, $11) RETURNING *",
        )
        .bind(identifier()?)
        .bind(print.as_str().to_owned())
        .bind(new.trial)
        .bind(new.subject.0)
        .bind(new.instance.form)
        .bind(visit)
        .bind(i64::from(new.instance.occurrence))
        .bind(stamp(new.opens))
        .bind(stamp(new.expires))
        .bind(by.to_owned())
        .bind(stamp(now))
        .fetch_one(&mut *transaction)
        .await
        .map_err(|error| if is_taken(&error) { Error::AlreadySent } else { error.into() })?;
        let link = read(&row)?;
        transaction.commit().await?;
        Ok((token, link))
    }

    /// What a token opens at this moment.
    pub async fn patient_link(&self, token: &str, now: Timestamp) -> Result<PatientAccess> {
        let Some(row) = self.patient_row(token).await? else { return Ok(PatientAccess::Unknown) };
        let link = read(&row)?;
        Ok(match link.state {
            LinkState::Withdrawn => PatientAccess::Unknown,
            LinkState::Sending => PatientAccess::Sending,
            LinkState::Sent => PatientAccess::Sent { at: link.sent_at.unwrap_or(now) },
            LinkState::Open | LinkState::Started if now < link.opens => {
                PatientAccess::NotYet { opens: link.opens }
            }
            LinkState::Open | LinkState::Started if link.expires <= now => PatientAccess::Expired,
            LinkState::Open | LinkState::Started => {
                PatientAccess::Open { answers: answers_of(&row)?, link: Box::new(link) }
            }
        })
    }

    async fn patient_row(&self, token: &str) -> Result<Option<AnyRow>> {
        let Some(print) = Fingerprint::of(Opens::Patient, token) else { return Ok(None) };
        Ok(sqlx::query("SELECT * FROM patient_links WHERE hash = $1")
            .bind(print.as_str().to_owned())
            .fetch_optional(self.pool())
            .await?)
    }

    /// The links of a trial, or of one subject in it, the newest first.
    pub async fn patient_links(&self, trial: &str, subject: Option<&SubjectId>) -> Result<Vec<PatientLink>> {
        let rows = sqlx::query(
            "SELECT * FROM patient_links WHERE trial = $1 AND (subject = $2 OR $2 = '') ORDER BY made DESC, id",
        )
        .bind(trial.to_owned())
        .bind(subject.map(|subject| subject.0.clone()).unwrap_or_default())
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(read).collect()
    }

    /// Withdraws a link that was not sent, and erases what was answered there.
    pub async fn withdraw_patient_link(&self, id: &str) -> Result<()> {
        sqlx::query(
            "UPDATE patient_links SET state = 'withdrawn', answers = NULL WHERE id = $1 AND state IN ('open', 'started')",
        )
        .bind(id.to_owned())
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Keeps what was answered so far, in place of what was kept before. False: the link is not open.
    ///
    /// Errors: more than 64 KiB.
    pub async fn keep_answers(&self, token: &str, answers: &Fields, now: Timestamp) -> Result<bool> {
        let Some(print) = Fingerprint::of(Opens::Patient, token) else { return Ok(false) };
        let text = to_json(answers)?;
        input::text("the answers", &text, MOST_BYTES)?;
        let kept = sqlx::query(
            "UPDATE patient_links SET answers = $2, state = 'started'
             WHERE hash = $1 AND state IN ('open', 'started') AND opens <= $3 AND expires > $3",
        )
        .bind(print.as_str().to_owned())
        .bind(text)
        .bind(stamp(now))
        .execute(self.pool())
        .await?;
        Ok(kept.rows_affected() == 1)
    }

    /// Claims the right to write the answers to the ledger: of any number of requests at once exactly one is given it.
    pub async fn claim_for_sending(&self, token: &str, now: Timestamp) -> Result<Claim> {
        let Some(print) = Fingerprint::of(Opens::Patient, token) else { return Ok(Claim::NotOpen) };
        let row = sqlx::query(
            "UPDATE patient_links SET state = 'sending', claimed = $2
             WHERE hash = $1 AND state IN ('open', 'started') AND opens <= $2 AND expires > $2 RETURNING *",
        )
        .bind(print.as_str().to_owned())
        .bind(stamp(now))
        .fetch_optional(self.pool())
        .await?;
        if let Some(row) = row {
            return Ok(Claim::Claimed { answers: answers_of(&row)?, link: Box::new(read(&row)?) });
        }
        Ok(match self.patient_link(token, now).await? {
            PatientAccess::Sent { .. } => Claim::AlreadySent,
            // `Open`: released between the two statements; the next try may claim it.
            PatientAccess::Sending | PatientAccess::Open { .. } => Claim::BeingSent,
            _ => Claim::NotOpen,
        })
    }

    /// Notes that the claimed answers are the ledger's event `seq`, and erases them here.
    ///
    /// Errors: [`Error::NotClaimed`].
    pub async fn sent(&self, link: &PatientLink, seq: Seq, now: Timestamp) -> Result<()> {
        let seq = i64::try_from(seq).map_err(|_| Error::damaged(format!("{seq} is no place in a ledger")))?;
        let sent = sqlx::query(
            "UPDATE patient_links SET state = 'sent', answers = NULL, sent_seq = $2, sent_at = $3
             WHERE id = $1 AND state = 'sending'",
        )
        .bind(link.id.clone())
        .bind(seq)
        .bind(stamp(now))
        .execute(self.pool())
        .await?;
        if sent.rows_affected() == 1 { Ok(()) } else { Err(Error::NotClaimed) }
    }

    /// Gives a claim back: the answers are not in the ledger, and can be sent again.
    ///
    /// Errors: [`Error::NotClaimed`].
    pub async fn release(&self, link: &PatientLink) -> Result<()> {
        let released = sqlx::query(
            "UPDATE patient_links SET state = 'started', claimed = NULL WHERE id = $1 AND state = 'sending'",
        )
        .bind(link.id.clone())
        .execute(self.pool())
        .await?;
        if released.rows_affected() == 1 { Ok(()) } else { Err(Error::NotClaimed) }
    }

    /// Claims made before a moment and neither sent nor released, as after a crash. Whoever finds one looks in the ledger whether the
    /// form is there, and calls [`Store::sent`] or [`Store::release`].
    pub async fn claimed_before(&self, moment: Timestamp) -> Result<Vec<PatientLink>> {
        let rows = sqlx::query(
            "SELECT * FROM patient_links WHERE state = 'sending' AND claimed < $1 ORDER BY claimed, id",
        )
        .bind(stamp(moment))
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(read).collect()
    }

    pub(crate) async fn tidy_patient_links(&self, now: Timestamp) -> Result<()> {
        sqlx::query(
            "UPDATE patient_links SET answers = NULL WHERE expires <= $1 AND state IN ('open', 'started')",
        )
        .bind(stamp(before(now, KEPT)))
        .execute(self.pool())
        .await?;
        Ok(())
    }
}

fn check(new: &NewPatientLink, now: Timestamp) -> Result<()> {
    input::key("trial", &new.trial)?;
    input::key("subject", new.subject.as_str())?;
    input::key("form", &new.instance.form)?;
    if let Some(visit) = &new.instance.visit {
        input::key("visit", visit)?;
    }
    if new.expires <= new.opens || new.expires <= now {
        return Err(Error::BadInput {
            field: "expires",
            found: format!("found {}, and it opens at {}", new.expires, new.opens),
            right: "a later moment than now and than the opening",
        });
    }
    Ok(())
}
