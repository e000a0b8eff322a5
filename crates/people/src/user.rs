//! Accounts: who may sign in, and how they are shown.
//!
//! Never holds a role: roles are events in a trial's ledger. Never deletes a name: the ledger speaks of it, so another person must not
//! bear it later; what is personal can be erased.

use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use crate::error::{Error, Result, is_taken};
use crate::input;
use crate::lockout::Counted;
use crate::secret::Secret;
use crate::session::Session;
use crate::sign_in::Checked;
use crate::store::{Columns, Store, stamp};

/// Who is to have an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// The name to sign in with, as the ledger will hold it; upper case is folded.
    pub name: String,
    /// The full name, as the person signs.
    pub display_name: String,
    /// The e-mail address; may be empty.
    pub email: String,
}

impl NewUser {
    pub(crate) fn checked(self) -> Result<Self> {
        Ok(Self {
            name: input::user_name(&self.name)?,
            display_name: input::display_name(&self.display_name)?,
            email: input::email(&self.email)?,
        })
    }

    pub(crate) fn known(&self) -> [&str; 3] {
        [&self.name, &self.display_name, &self.email]
    }
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name to sign in with; the ledger's `who`.
    pub name: String,
    /// The full name.
    pub display_name: String,
    /// The e-mail address; may be empty.
    pub email: String,
    /// When the account was made.
    pub created: Timestamp,
    /// When the password was last given rightly.
    pub last_sign_in: Option<Timestamp>,
    /// Whether signing in is barred.
    pub disabled: bool,
    /// Whether the personal data were erased.
    pub erased: bool,
    /// Whether a second factor is enrolled.
    pub second_factor: bool,
}

/// Columns of a user; a second factor counts once it is confirmed.
const USER: &str =
    "SELECT u.name, u.display_name, u.email, u.created, u.last_sign_in, u.disabled, u.erased, f.confirmed
    FROM users u LEFT JOIN second_factors f ON f.user_name = u.name";

fn read(row: &AnyRow) -> Result<User> {
    Ok(User {
        name: row.text("name")?,
        display_name: row.text("display_name")?,
        email: row.text("email")?,
        created: row.moment("created")?,
        last_sign_in: row.some_moment("last_sign_in")?,
        disabled: row.flag("disabled")?,
        erased: row.flag("erased")?,
        second_factor: row.some_number("confirmed")?.is_some(),
    })
}

impl Store {
    /// Whether there is anybody yet; if not, the first-run page is shown.
    pub async fn has_users(&self) -> Result<bool> {
        let first = sqlx::query("SELECT what FROM firsts").fetch_optional(self.pool()).await?;
        Ok(first.is_some())
    }

    /// Makes the first user of a fresh store.
    ///
    /// Errors: [`Error::NotTheFirst`], also for the slower of two at once; a weak password; a field that will not do.
    pub async fn add_first_user(&self, new: NewUser, password: &Secret, now: Timestamp) -> Result<User> {
        self.add(new, password, now, true).await
    }

    /// Makes a user, without an invitation: for the command line and the demonstration.
    ///
    /// Errors: the name is taken; a weak password; a field that will not do.
    pub async fn add_user(&self, new: NewUser, password: &Secret, now: Timestamp) -> Result<User> {
        self.add(new, password, now, false).await
    }

    async fn add(&self, new: NewUser, password: &Secret, now: Timestamp, first: bool) -> Result<User> {
        let new = new.checked()?;
        let hash = self.hasher().accept(password, &new.known()).await?;
        let mut transaction = self.begin().await?;
        if !claim_first(&mut transaction).await? && first {
            return Err(Error::NotTheFirst);
        }
        insert(&mut transaction, &new, hash, now).await?;
        transaction.commit().await?;
        self.user(&new.name).await?.ok_or(Error::NoSuchUser { name: new.name })
    }

    /// The user of a name.
    pub async fn user(&self, name: &str) -> Result<Option<User>> {
        let one = sqlx::AssertSqlSafe(format!("{USER} WHERE u.name = $1"));
        let row = sqlx::query(one).bind(input::folded(name)).fetch_optional(self.pool()).await?;
        row.as_ref().map(read).transpose()
    }

    /// All users, by name.
    pub async fn users(&self) -> Result<Vec<User>> {
        let all = sqlx::AssertSqlSafe(format!("{USER} ORDER BY u.name"));
        sqlx::query(all).fetch_all(self.pool()).await?.iter().map(read).collect()
    }

    /// Changes how a user is shown and reached.
    pub async fn describe_user(&self, name: &str, display_name: &str, email: &str) -> Result<()> {
        let changed =
            sqlx::query("UPDATE users SET display_name = $2, email = $3 WHERE name = $1 AND erased = 0")
                .bind(input::folded(name))
                .bind(input::display_name(display_name)?)
                .bind(input::email(email)?)
                .execute(self.pool())
                .await?;
        let name = input::folded(name);
        self.recent_sessions().drop_where(|_, session| session.user == name);
        if changed.rows_affected() == 1 { Ok(()) } else { Err(Error::NoSuchUser { name }) }
    }

    /// Bars a user from signing in and ends their sessions and links, or lets them in again.
    pub async fn disable_user(&self, name: &str, disabled: bool) -> Result<()> {
        let name = input::folded(name);
        let changed = sqlx::query("UPDATE users SET disabled = $2 WHERE name = $1 AND erased = 0")
            .bind(name.clone())
            .bind(i64::from(disabled))
            .execute(self.pool())
            .await?;
        if changed.rows_affected() == 0 {
            return Err(Error::NoSuchUser { name });
        }
        if disabled { self.end_all(&name).await } else { Ok(()) }
    }

    /// Erases what is personal of a user, who can no longer sign in. The name stays, since the ledger speaks of it.
    pub async fn erase_user(&self, name: &str) -> Result<()> {
        let name = input::folded(name);
        let mut transaction = self.begin().await?;
        let erased = sqlx::query(
            "UPDATE users SET display_name = name, email = '', password = '', last_sign_in = NULL, disabled = 1, erased = 1
             WHERE name = $1",
        )
        .bind(name.clone())
        .execute(&mut *transaction)
        .await?;
        if erased.rows_affected() == 0 {
            return Err(Error::NoSuchUser { name });
        }
        for erase in [
            "DELETE FROM sessions WHERE user_name = $1",
            "DELETE FROM recovery_codes WHERE user_name = $1",
            "DELETE FROM second_factors WHERE user_name = $1",
            "DELETE FROM invitations WHERE user_name = $1",
            "DELETE FROM drafts WHERE user_name = $1",
        ] {
            sqlx::query(erase).bind(name.clone()).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        self.recent_sessions().drop_where(|_, session| session.user == name);
        self.forget_pages().await
    }

    /// Changes the password of whoever is signed in, and ends their other sessions.
    ///
    /// Errors: the new password is weak. A wrong old one is an answer and counts as an attempt.
    pub async fn change_password(
        &self,
        session: &Session,
        old: &Secret,
        new: &Secret,
        address: &str,
        now: Timestamp,
    ) -> Result<Checked> {
        let checked = self.reauthenticate(session, old, address, now).await?;
        if checked != Checked::Right {
            return Ok(checked);
        }
        let user = self.active_user(&session.user).await?;
        let hash = self.hasher().accept(new, &[&user.name, &user.display_name, &user.email]).await?;
        let mut transaction = self.begin().await?;
        set_password(&mut transaction, &user.name, hash).await?;
        sqlx::query("DELETE FROM sessions WHERE user_name = $1 AND hash <> $2")
            .bind(user.name.clone())
            .bind(session.print.as_str().to_owned())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.recent_sessions().drop_where(|print, other| other.user == user.name && *print != session.print);
        Ok(Checked::Right)
    }

    /// Sets a user's password, ends all their sessions and any lock: for the operator at the command line.
    ///
    /// Errors: no such user; the password is weak.
    pub async fn set_password(&self, name: &str, new: &Secret) -> Result<()> {
        let user = self.active_user(name).await?;
        let hash = self.hasher().accept(new, &[&user.name, &user.display_name, &user.email]).await?;
        let mut transaction = self.begin().await?;
        set_password(&mut transaction, &user.name, hash).await?;
        transaction.commit().await?;
        self.end_all(&user.name).await?;
        self.forgive(Counted::passwords_of(&user.name)).await
    }

    /// A user who may sign in.
    pub(crate) async fn active_user(&self, name: &str) -> Result<User> {
        let user = self.user(name).await?.filter(|user| !user.disabled && !user.erased);
        user.ok_or_else(|| Error::NoSuchUser { name: input::folded(name) })
    }
}

/// Marks that there is a first user; false where there was one before.
pub(crate) async fn claim_first(transaction: &mut Transaction<'static, Any>) -> Result<bool> {
    let claimed = sqlx::query("INSERT INTO firsts (what) VALUES ('user') ON CONFLICT (what) DO NOTHING")
        .execute(&mut **transaction)
        .await?;
    Ok(claimed.rows_affected() == 1)
}

pub(crate) async fn insert(
    transaction: &mut Transaction<'static, Any>,
    new: &NewUser,
    password: String,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO users (name, display_name, email, password, created) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(new.name.clone())
    .bind(new.display_name.clone())
    .bind(new.email.clone())
    .bind(password)
    .bind(stamp(now))
    .execute(&mut **transaction)
    .await
    .map_err(|error| {
        if is_taken(&error) { Error::NameTaken { name: new.name.clone() } } else { error.into() }
    })?;
    Ok(())
}

/// Sets the hash of an active user's password, and withdraws the links by which it could be set.
pub(crate) async fn set_password(
    transaction: &mut Transaction<'static, Any>,
    name: &str,
    hash: String,
) -> Result<()> {
    let changed =
        sqlx::query("UPDATE users SET password = $2 WHERE name = $1 AND disabled = 0 AND erased = 0")
            .bind(name.to_owned())
            .bind(hash)
            .execute(&mut **transaction)
            .await?;
    if changed.rows_affected() == 0 {
        return Err(Error::NoSuchUser { name: name.to_owned() });
    }
    sqlx::query(
        "UPDATE invitations SET withdrawn = 0 WHERE user_name = $1 AND used IS NULL AND withdrawn IS NULL",
    )
    .bind(name.to_owned())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
