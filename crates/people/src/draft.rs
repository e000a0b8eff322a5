//! Drafts: what a user had typed when the session ended or the connection was lost.
//!
//! Never a fact of the trial: a draft is of one user, nobody else sees it, and it goes after two weeks.

use jiff::{SignedDuration, Timestamp};
use sqlx::any::AnyRow;
use trial::event::{Instance, Seq};
use trial::id::SubjectId;

use crate::Fields;
use crate::error::{Error, Result};
use crate::input;
use crate::store::{Columns, Store, before, from_json, stamp, to_json};

/// The most bytes of a draft, the most drafts of a user, and how long one is kept.
const MOST_BYTES: usize = 256 * 1024;
const MOST: i64 = 200;
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Which form a draft belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftPlace {
    /// The trial's key.
    pub trial: String,
    /// The subject; none for a form that makes one.
    pub subject: Option<SubjectId>,
    /// The form, its visit and occurrence.
    pub instance: Instance,
}

/// What a user had typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Where.
    pub place: DraftPlace,
    /// What.
    pub fields: Fields,
    /// The subject's last event that the user had seen.
    pub seen_seq: Seq,
    /// When it was kept.
    pub kept: Timestamp,
}

impl DraftPlace {
    /// The columns of the key: none is stored as nothing.
    fn columns(&self) -> Result<(String, String, String, String, i64)> {
        let subject = self.subject.as_ref().map_or("", SubjectId::as_str);
        let visit = self.instance.visit.as_deref().unwrap_or_default();
        Ok((
            input::key("trial", &self.trial)?.to_owned(),
            if subject.is_empty() { String::new() } else { input::key("subject", subject)?.to_owned() },
            input::key("form", &self.instance.form)?.to_owned(),
            if visit.is_empty() { String::new() } else { input::key("visit", visit)?.to_owned() },
            i64::from(self.instance.occurrence),
        ))
    }
}

fn read(row: &AnyRow) -> Result<Draft> {
    let some = |text: String| (!text.is_empty()).then_some(text);
    let occurrence = row.number("occurrence")?;
    let instance = Instance {
        form: row.text("form")?,
        visit: some(row.text("visit")?),
        occurrence: u32::try_from(occurrence)
            .map_err(|_| Error::damaged(format!("{occurrence} is no occurrence of a form")))?,
    };
    let subject = some(row.text("subject")?).map(SubjectId::from);
    Ok(Draft {
        place: DraftPlace { trial: row.text("trial")?, subject, instance },
        fields: from_json("fields", &row.text("fields")?)?,
        seen_seq: row.count("seen_seq")?,
        kept: row.moment("kept")?,
    })
}

impl Store {
    /// Keeps what a user typed, in place of what was kept there before. Beyond 200 drafts the user's oldest goes.
    ///
    /// Errors: more than 256 KiB; a field of the place will not do.
    pub async fn keep_draft(
        &self,
        user: &str,
        place: &DraftPlace,
        fields: &Fields,
        seen_seq: Seq,
        now: Timestamp,
    ) -> Result<()> {
        let (trial, subject, form, visit, occurrence) = place.columns()?;
        let text = to_json(fields)?;
        input::text("the draft", &text, MOST_BYTES)?;
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO drafts (user_name, trial, subject, form, visit, occurrence, fields, seen_seq, kept)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (user_name, trial, subject, form, visit, occurrence)
             DO UPDATE SET fields = excluded.fields, seen_seq = excluded.seen_seq, kept = excluded.kept",
        )
        .bind(user.to_owned())
        .bind(trial)
        .bind(subject)
        .bind(form)
        .bind(visit)
        .bind(occurrence)
        .bind(text)
        .bind(i64::try_from(seen_seq).unwrap_or(i64::MAX))
        .bind(stamp(now))
        .execute(&mut *transaction)
        .await?;
        // The moment of the 200th youngest is the oldest that stays.
        sqlx::query(
            "DELETE FROM drafts WHERE user_name = $1 AND kept <
             (SELECT MIN(kept) FROM (SELECT kept FROM drafts WHERE user_name = $1 ORDER BY kept DESC LIMIT $2) youngest)",
        )
        .bind(user.to_owned())
        .bind(MOST)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// What a user had typed in a form.
    pub async fn draft(&self, user: &str, place: &DraftPlace, now: Timestamp) -> Result<Option<Draft>> {
        let (trial, subject, form, visit, occurrence) = place.columns()?;
        let row = sqlx::query(
            "SELECT * FROM drafts WHERE user_name = $1 AND trial = $2 AND subject = $3 AND form = $4 AND visit = $5
             AND occurrence = $6 AND kept > $7",
        )
        .bind(user.to_owned())
        .bind(trial)
        .bind(subject)
        .bind(form)
        .bind(visit)
        .bind(occurrence)
        .bind(stamp(before(now, KEPT)))
        .fetch_optional(self.pool())
        .await?;
        row.as_ref().map(read).transpose()
    }

    /// All that a user had typed and not saved, the youngest first.
    pub async fn drafts(&self, user: &str, now: Timestamp) -> Result<Vec<Draft>> {
        let rows = sqlx::query(
            "SELECT * FROM drafts WHERE user_name = $1 AND kept > $2 ORDER BY kept DESC, trial, subject, form, visit, occurrence",
        )
        .bind(user.to_owned())
        .bind(stamp(before(now, KEPT)))
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(read).collect()
    }

    /// Drops a draft: it was saved, or is not wanted.
    pub async fn drop_draft(&self, user: &str, place: &DraftPlace) -> Result<()> {
        let (trial, subject, form, visit, occurrence) = place.columns()?;
        let of_form =
            "FROM drafts WHERE user_name = $1 AND trial = $2 AND subject = $3 AND form = $4 AND visit = $5
             AND occurrence = $6";
        // Most forms are saved without one, and whoever deletes waits for whoever writes.
        for statement in ["SELECT kept", "DELETE"] {
            let found = sqlx::query(sqlx::AssertSqlSafe(format!("{statement} {of_form}")))
                .bind(user.to_owned())
                .bind(trial.clone())
                .bind(subject.clone())
                .bind(form.clone())
                .bind(visit.clone())
                .bind(occurrence)
                .fetch_optional(self.pool())
                .await?;
            if found.is_none() {
                break;
            }
        }
        Ok(())
    }

    pub(crate) async fn tidy_drafts(&self, now: Timestamp) -> Result<()> {
        sqlx::query("DELETE FROM drafts WHERE kept <= $1")
            .bind(stamp(before(now, KEPT)))
            .execute(self.pool())
            .await?;
        Ok(())
    }
}
