//! Invitations and password resets: links by which a person sets their password, once.
//!
//! Never gives a role itself: what an invitation promises is made an event in the trial's ledger by whoever calls, and is handed out
//! again until that is done ([`Store::grants_to_make`]), so that a crash between the two loses nothing.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};
use trial::event::Role;
use trial::id::SiteId;

use crate::error::{Error, Result};
use crate::input;
use crate::lockout::Counted;
use crate::permission;
use crate::secret::{Fingerprint, Opens, Secret, identifier, issue};
use crate::store::{Columns, Store, after, before, from_json, stamp, to_json};
use crate::user::{self, NewUser};

/// How long an invitation can be accepted.
const INVITATION: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long a password can be reset by a link.
const RESET: SignedDuration = SignedDuration::from_hours(24);
/// How long the personal data of a used or expired link are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The most roles that one invitation promises.
const MOST_GRANTS: usize = 100;

/// A role that is to be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The trial's key.
    pub trial: String,
    /// The role.
    pub role: Role,
    /// The site; none for all sites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteId>,
}

/// Who is to be invited, to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInvitation {
    /// The account to be made.
    pub user: NewUser,
    /// The roles to be given when it is accepted.
    pub grants: Vec<Grant>,
}

/// An invitation or a password reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its identifier; opens nothing.
    pub id: String,
    /// The account.
    pub user: NewUser,
    /// The roles to be given.
    pub grants: Vec<Grant>,
    /// Whether it resets the password of an account that is there.
    pub reset: bool,
    /// Who made it.
    pub by: String,
    /// When.
    pub made: Timestamp,
    /// Until when it can be accepted.
    pub expires: Timestamp,
}

/// An invitation or reset that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The invitation's identifier, for [`Store::grants_made`].
    pub invitation: String,
    /// The user's name.
    pub user: String,
    /// Whether it was a reset.
    pub reset: bool,
    /// The roles to be given now.
    pub grants: Vec<Grant>,
    /// Who made the invitation: the grants are theirs.
    pub by: String,
}

fn read(row: &AnyRow) -> Result<Invitation> {
    let user = NewUser {
        name: row.text("user_name")?,
        display_name: row.text("display_name")?,
        email: row.text("email")?,
    };
    Ok(Invitation {
        id: row.text("id")?,
        user,
        grants: from_json("grants", &row.text("grants")?)?,
        reset: row.flag("is_reset")?,
        by: row.text("made_by")?,
        made: row.moment("made")?,
        expires: row.moment("expires")?,
    })
}

fn accepted(invitation: Invitation) -> Accepted {
    let Invitation { id, user, grants, reset, by, .. } = invitation;
    Accepted { invitation: id, user: user.name, reset, grants, by }
}

impl Store {
    /// Invites a person: the token of the link, to be shown or sent once. It works once, for seven days; an earlier one of the same
    /// user name is withdrawn.
    ///
    /// Errors: the name is taken; a field or a role will not do.
    pub async fn invite(&self, invitation: NewInvitation, by: &str, now: Timestamp) -> Result<Secret> {
        let user = invitation.user.checked()?;
        check(&invitation.grants)?;
        if self.user(&user.name).await?.is_some() {
            return Err(Error::NameTaken { name: user.name });
        }
        self.make_link(user, &invitation.grants, (false, INVITATION), by, now).await
    }

    /// Makes a link by which a user sets a new password: it works once, for a day. The second factor stays as it is.
    ///
    /// Errors: no such active user.
    pub async fn reset_link(&self, name: &str, by: &str, now: Timestamp) -> Result<Secret> {
        let user = self.active_user(name).await?;
        let user = NewUser { name: user.name, display_name: user.display_name, email: user.email };
        self.make_link(user, &[], (true, RESET), by, now).await
    }

    async fn make_link(
        &self,
        user: NewUser,
        grants: &[Grant],
        (reset, lasts): (bool, SignedDuration),
        by: &str,
        now: Timestamp,
    ) -> Result<Secret> {
        let (token, print) = issue(Opens::Invitation)?;
        let mut transaction = self.begin().await?;
        sqlx::query("UPDATE invitations SET withdrawn = $2 WHERE user_name = $1 AND used IS NULL AND withdrawn IS NULL")
            .bind(user.name.clone())
            .bind(stamp(now))
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "INSERT INTO invitations (id, hash, user_name, display_name, email, grants, is_reset, made_by, made, expires)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(identifier()?)
        .bind(print.as_str().to_owned())
        .bind(user.name)
        .bind(user.display_name)
        .bind(user.email)
        .bind(to_json(&grants)?)
        .bind(i64::from(reset))
        .bind(by.to_owned())
        .bind(stamp(now))
        .bind(stamp(after(now, lasts)))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(token)
    }

    /// The invitation of a token, while it can be accepted.
    pub async fn invitation(&self, token: &str, now: Timestamp) -> Result<Option<Invitation>> {
        let Some(print) = Fingerprint::of(Opens::Invitation, token) else { return Ok(None) };
        let row = sqlx::query(
            "SELECT * FROM invitations WHERE hash = $1 AND used IS NULL AND withdrawn IS NULL AND expires > $2",
        )
        .bind(print.as_str().to_owned())
        .bind(stamp(now))
        .fetch_optional(self.pool())
        .await?;
        row.as_ref().map(read).transpose()
    }

    /// Accepts an invitation or a reset by setting the password. None: the link was used, withdrawn, has expired or never was.
    ///
    /// Errors: the password is weak (the link can be used again); the name was taken meanwhile.
    pub async fn accept(&self, token: &str, password: &Secret, now: Timestamp) -> Result<Option<Accepted>> {
        let Some(invitation) = self.invitation(token, now).await? else { return Ok(None) };
        let hash = self.hasher().accept(password, &invitation.user.known()).await?;
        let mut transaction = self.begin().await?;
        if !use_link(&mut transaction, &invitation.id, now).await? {
            return Ok(None);
        }
        let user = &invitation.user;
        if invitation.reset {
            match user::set_password(&mut transaction, &user.name, hash).await {
                Err(Error::NoSuchUser { .. }) => return Ok(None),
                done => done?,
            }
            sqlx::query("DELETE FROM sessions WHERE user_name = $1")
                .bind(user.name.clone())
                .execute(&mut *transaction)
                .await?;
        } else {
            user::claim_first(&mut transaction).await?;
            user::insert(&mut transaction, user, hash, now).await?;
        }
        transaction.commit().await?;
        self.recent_sessions().drop_where(|_, session| session.user == user.name);
        self.forgive(Counted::passwords_of(&user.name)).await?;
        Ok(Some(accepted(invitation)))
    }

    /// The invitations and resets that wait to be accepted, the newest first.
    pub async fn open_invitations(&self, now: Timestamp) -> Result<Vec<Invitation>> {
        let rows = sqlx::query(
            "SELECT * FROM invitations WHERE used IS NULL AND withdrawn IS NULL AND expires > $1 ORDER BY made DESC, id",
        )
        .bind(stamp(now))
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(read).collect()
    }

    /// Withdraws an invitation or reset; nothing happens to one that was accepted.
    pub async fn withdraw_invitation(&self, id: &str, now: Timestamp) -> Result<()> {
        sqlx::query(
            "UPDATE invitations SET withdrawn = $2 WHERE id = $1 AND used IS NULL AND withdrawn IS NULL",
        )
        .bind(id.to_owned())
        .bind(stamp(now))
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Accepted invitations whose roles are not yet known to be given.
    pub async fn grants_to_make(&self) -> Result<Vec<Accepted>> {
        let rows = sqlx::query(
            "SELECT * FROM invitations WHERE used IS NOT NULL AND is_reset = 0 AND grants_made = 0 ORDER BY used, id",
        )
        .fetch_all(self.pool())
        .await?;
        rows.iter().map(|row| read(row).map(accepted)).collect()
    }

    /// Notes that an invitation's roles are in the ledgers.
    pub async fn grants_made(&self, invitation: &str) -> Result<()> {
        sqlx::query("UPDATE invitations SET grants_made = 1 WHERE id = $1")
            .bind(invitation.to_owned())
            .execute(self.pool())
            .await?;
        Ok(())
    }

    pub(crate) async fn tidy_invitations(&self, now: Timestamp) -> Result<()> {
        sqlx::query(
            "DELETE FROM invitations WHERE expires <= $1
             AND (used IS NULL OR is_reset = 1 OR grants_made = 1)",
        )
        .bind(stamp(before(now, KEPT)))
        .execute(self.pool())
        .await?;
        Ok(())
    }
}

async fn use_link(transaction: &mut Transaction<'static, Any>, id: &str, now: Timestamp) -> Result<bool> {
    let used = sqlx::query(
        "UPDATE invitations SET used = $2 WHERE id = $1 AND used IS NULL AND withdrawn IS NULL AND expires > $2",
    )
    .bind(id.to_owned())
    .bind(stamp(now))
    .execute(&mut **transaction)
    .await?;
    Ok(used.rows_affected() == 1)
}

fn check(grants: &[Grant]) -> Result<()> {
    if grants.len() > MOST_GRANTS {
        return Err(Error::BadInput {
            field: "roles",
            found: format!("found {}", grants.len()),
            right: "at most 100 in one invitation",
        });
    }
    for grant in grants {
        input::key("trial", &grant.trial)?;
        permission::signs_in(grant.role)?;
        if let Some(site) = &grant.site {
            input::key("site", site.as_str())?;
        }
    }
    Ok(())
}
