//! Tokens by which another program acts in one role of one trial.
//!
//! Never stored but as a hash; shown once. A token is less than a person: see [`crate::permission::by_token`].

use jiff::{SignedDuration, Timestamp};
use sqlx::any::AnyRow;
use trial::event::Role;
use trial::id::SiteId;

use crate::error::{Error, Result};
use crate::input;
use crate::permission;
use crate::secret::{Fingerprint, Opens, Secret, identifier, issue};
use crate::store::{Columns, Store, from_json, stamp, to_json};

/// What each begins with, so that those who search for leaked secrets can find it.
const PREFIX: &str = "tw_";
/// How often at most it is written that a token was used.
const USED: SignedDuration = SignedDuration::from_secs(60);

/// What a token is to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApiToken {
    /// What it is for, as people will see it.
    pub name: String,
    /// The trial's key.
    pub trial: String,
    /// The role in which it acts.
    pub role: Role,
    /// The site; none for all sites.
    pub site: Option<SiteId>,
    /// Until when.
    pub expires: Timestamp,
}

/// A token, as the trial office sees it: without the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its identifier; opens nothing.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// The trial's key.
    pub trial: String,
    /// The role in which it acts.
    pub role: Role,
    /// The site; none for all sites.
    pub site: Option<SiteId>,
    /// Who made it.
    pub by: String,
    /// When.
    pub made: Timestamp,
    /// Until when it opens.
    pub expires: Timestamp,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
    /// Whether it was revoked.
    pub revoked: bool,
}

impl ApiToken {
    fn opens(&self, now: Timestamp) -> bool {
        !self.revoked && now < self.expires
    }

    fn read(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            id: row.text("id")?,
            name: row.text("name")?,
            trial: row.text("trial")?,
            role: from_json("role", &row.text("role")?)?,
            site: row.some_text("site")?.map(SiteId),
            by: row.text("made_by")?,
            made: row.moment("made")?,
            expires: row.moment("expires")?,
            last_used: row.some_moment("last_used")?,
            revoked: row.flag("revoked")?,
        })
    }
}

impl Store {
    /// Makes a token, given this once.
    ///
    /// Errors: the role never signs in; a field will not do; it would have expired.
    pub async fn make_api_token(
        &self,
        new: NewApiToken,
        by: &str,
        now: Timestamp,
    ) -> Result<(Secret, ApiToken)> {
        permission::signs_in(new.role)?;
        if new.expires <= now {
            return Err(Error::BadInput {
                field: "expires",
                found: format!("found {}", new.expires),
                right: "a moment to come",
            });
        }
        let (token, print) = issue(Opens::Api)?;
        let site = new.site.map(|site| input::key("site", site.as_str()).map(str::to_owned)).transpose()?;
        let row = sqlx::query(
            "INSERT INTO api_tokens (id, hash, name, trial, role, site, made_by, made, expires)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING *",
        )
        .bind(identifier()?)
        .bind(print.as_str().to_owned())
        .bind(input::display_name(&new.name)?)
        .bind(input::key("trial", &new.trial)?.to_owned())
        .bind(to_json(&new.role)?)
        .bind(site)
        .bind(by.to_owned())
        .bind(stamp(now))
        .bind(stamp(new.expires))
        .fetch_one(self.pool())
        .await?;
        Ok((Secret::new(format!("{PREFIX}{}", token.reveal())), ApiToken::read(&row)?))
    }

    /// What a token opens, and that it was used. None: it never was, has expired or was revoked.
    pub async fn api_token(&self, token: &str, now: Timestamp) -> Result<Option<ApiToken>> {
        let print = token.strip_prefix(PREFIX).and_then(|token| Fingerprint::of(Opens::Api, token));
        let Some(print) = print else { return Ok(None) };
        if let Some(token) = self.recent_api_tokens().get(&print, now) {
            return Ok(token.opens(now).then_some(token));
        }
        let begun = self.recent_api_tokens().begin();
        let row = sqlx::query("SELECT * FROM api_tokens WHERE hash = $1")
            .bind(print.as_str().to_owned())
            .fetch_optional(self.pool())
            .await?;
        let token = row.as_ref().map(ApiToken::read).transpose()?;
        let Some(mut token) = token.filter(|token| token.opens(now)) else { return Ok(None) };
        if token.last_used.is_none_or(|used| now.duration_since(used) >= USED) {
            sqlx::query("UPDATE api_tokens SET last_used = $2 WHERE id = $1")
                .bind(token.id.clone())
                .bind(stamp(now))
                .execute(self.pool())
                .await?;
            token.last_used = Some(now);
        }
        self.recent_api_tokens().keep(begun, print, token.clone(), now);
        Ok(Some(token))
    }

    /// The tokens of a trial, the newest first.
    pub async fn api_tokens(&self, trial: &str) -> Result<Vec<ApiToken>> {
        let rows = sqlx::query("SELECT * FROM api_tokens WHERE trial = $1 ORDER BY made DESC, id")
            .bind(trial.to_owned())
            .fetch_all(self.pool())
            .await?;
        rows.iter().map(ApiToken::read).collect()
    }

    /// Revokes a token: in this process at once, in another within a few seconds.
    pub async fn revoke_api_token(&self, id: &str) -> Result<()> {
        sqlx::query("UPDATE api_tokens SET revoked = 1 WHERE id = $1")
            .bind(id.to_owned())
            .execute(self.pool())
            .await?;
        self.recent_api_tokens().drop_where(|_, token| token.id == id);
        Ok(())
    }
}
