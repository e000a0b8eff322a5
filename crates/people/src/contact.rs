//! How a subject is reached for reminders.
//!
//! Never goes to a ledger: a telephone number can be erased here, and there it could not. Sites see those of their own subjects.

use jiff::Timestamp;
use sqlx::any::AnyRow;
use trial::id::SubjectId;

use crate::error::Result;
use crate::input;
use crate::store::{Columns, Store, stamp};

/// The most bytes of the notes, and of a telephone number.
const MOST_NOTES: usize = 2_000;
const MOST_PHONE: usize = 60;

/// How a subject is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// A telephone number as it is dialled.
    pub phone: Option<String>,
    /// An e-mail address.
    pub email: Option<String>,
    /// When and how the subject wishes to be reached.
    pub notes: String,
}

fn read(row: &AnyRow) -> Result<Contact> {
    Ok(Contact { phone: row.some_text("phone")?, email: row.some_text("email")?, notes: row.text("notes")? })
}

/// A text without its surrounding blanks; none where nothing is left.
fn given(text: Option<&String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

impl Store {
    /// Notes how a subject is reached, in place of what was noted before.
    ///
    /// Errors: a field will not do.
    pub async fn put_contact(
        &self,
        trial: &str,
        subject: &SubjectId,
        contact: &Contact,
        by: &str,
        now: Timestamp,
    ) -> Result<()> {
        let phone = given(contact.phone.as_ref());
        if let Some(phone) = &phone {
            input::text("telephone", phone, MOST_PHONE)?;
        }
        let email = given(contact.email.as_ref()).map(|email| input::email(&email)).transpose()?;
        sqlx::query(
            "INSERT INTO contacts (trial, subject, phone, email, notes, changed, changed_by) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (trial, subject) DO UPDATE SET phone = excluded.phone, email = excluded.email, notes = excluded.notes,
             changed = excluded.changed, changed_by = excluded.changed_by",
        )
        .bind(input::key("trial", trial)?.to_owned())
        .bind(input::key("subject", subject.as_str())?.to_owned())
        .bind(phone)
        .bind(email)
        .bind(input::text("notes", contact.notes.trim(), MOST_NOTES)?.to_owned())
        .bind(stamp(now))
        .bind(by.to_owned())
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// How a subject is reached.
    pub async fn contact(&self, trial: &str, subject: &SubjectId) -> Result<Option<Contact>> {
        let row = sqlx::query("SELECT phone, email, notes FROM contacts WHERE trial = $1 AND subject = $2")
            .bind(trial.to_owned())
            .bind(subject.0.clone())
            .fetch_optional(self.pool())
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// How the subjects of a trial are reached, by subject.
    pub async fn contacts(&self, trial: &str) -> Result<Vec<(SubjectId, Contact)>> {
        let rows = sqlx::query(
            "SELECT subject, phone, email, notes FROM contacts WHERE trial = $1 ORDER BY subject",
        )
        .bind(trial.to_owned())
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(|row| Ok((row.text("subject")?.into(), read(row)?))).collect()
    }

    /// Erases how a subject is reached. False: nothing was noted.
    pub async fn erase_contact(&self, trial: &str, subject: &SubjectId) -> Result<bool> {
        let erased = sqlx::query("DELETE FROM contacts WHERE trial = $1 AND subject = $2")
            .bind(trial.to_owned())
            .bind(subject.0.clone())
            .execute(self.pool())
            .await?;
        self.forget_pages().await?;
        Ok(erased.rows_affected() == 1)
    }
}
