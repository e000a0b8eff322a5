//! Sessions: who is signed in, since when, and when they last gave their second factor.
//!
//! Never stores the token of a session, only its hash; the CSRF token is derived of it. A request reads the database at most every few
//! seconds (see `recent`) and writes it at most once a minute. See OWASP, Session Management Cheat Sheet.

use jiff::{SignedDuration, Timestamp};
use sqlx::any::AnyRow;

use crate::error::Result;
use crate::input;
use crate::secret::{Fingerprint, Opens, Secret, csrf, issue, same};
use crate::store::{Columns, Rules, Store, after, before, moment, stamp};

/// How often at most a session is written that it was seen. A session may so end this much before its idle time is over.
const SEEN: SignedDuration = SignedDuration::from_secs(60);
/// The most sessions of a user; the oldest gives way.
const MOST: i64 = 20;

/// Somebody who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub(crate) print: Fingerprint,
    /// The user's name.
    pub user: String,
    /// The user's full name.
    pub display_name: String,
    /// When the password was given.
    pub started: Timestamp,
    /// When a request last came, to the minute.
    pub seen: Timestamp,
    /// When it ends without a further request.
    pub idle_ends: Timestamp,
    /// When it ends at the latest.
    pub ends: Timestamp,
    /// Whether the user has a second factor.
    pub second_factor: bool,
    /// When it was last given in this session.
    pub second_factor_at: Option<Timestamp>,
}

impl Session {
    /// Whether the user has a second factor and has not given it: then nothing opens but the page that asks for it.
    pub fn awaits_code(&self) -> bool {
        self.second_factor && self.second_factor_at.is_none()
    }

    /// Whether the second factor was given in this session within a span.
    pub fn second_factor_within(&self, span: SignedDuration, now: Timestamp) -> bool {
        self.second_factor && self.second_factor_at.is_some_and(|given| now < after(given, span))
    }

    fn ended(&self, now: Timestamp) -> bool {
        self.ends <= now || self.idle_ends <= now
    }

    fn read(row: &AnyRow, print: Fingerprint, rules: &Rules) -> Result<Self> {
        let (started, seen) = (row.moment("started")?, row.moment("seen")?);
        Ok(Self {
            print,
            user: row.text("user_name")?,
            display_name: row.text("display_name")?,
            started,
            seen,
            idle_ends: after(seen, rules.idle),
            ends: after(started, rules.absolute),
            second_factor: row.some_number("confirmed")?.is_some(),
            second_factor_at: row.some_moment("second_factor_at")?,
        })
    }
}

impl Store {
    /// The session of a token, and that it was seen. None: there is none, it has ended, or its user was disabled.
    pub async fn session(&self, token: &str, now: Timestamp) -> Result<Option<Session>> {
        let Some(print) = Fingerprint::of(Opens::Session, token) else { return Ok(None) };
        if let Some(session) = self.recent_sessions().get(&print, now) {
            return Ok((!session.ended(now)).then_some(session));
        }
        let begun = self.recent_sessions().begin();
        let Some(mut session) = self.read_session(&print).await? else { return Ok(None) };
        if session.ended(now) {
            self.delete_session(&print).await?;
            return Ok(None);
        }
        if now.duration_since(session.seen) >= SEEN {
            sqlx::query("UPDATE sessions SET seen = $2 WHERE hash = $1 AND seen < $2")
                .bind(print.as_str().to_owned())
                .bind(stamp(now))
                .execute(self.pool())
                .await?;
            session.seen = moment(stamp(now))?;
            session.idle_ends = after(session.seen, self.rules().idle);
        }
        self.recent_sessions().keep(begun, print, session.clone(), now);
        Ok(Some(session))
    }

    /// Ends a session: in this process at once, in another within a few seconds.
    pub async fn end_session(&self, token: &str) -> Result<()> {
        match Fingerprint::of(Opens::Session, token) {
            Some(print) => self.delete_session(&print).await,
            None => Ok(()),
        }
    }

    /// Ends all sessions of a user.
    pub async fn end_all(&self, name: &str) -> Result<()> {
        let name = input::folded(name);
        sqlx::query("DELETE FROM sessions WHERE user_name = $1")
            .bind(name.clone())
            .execute(self.pool())
            .await?;
        self.recent_sessions().drop_where(|_, session| session.user == name);
        Ok(())
    }

    /// The CSRF token of a session's forms. It also serves a page without a session that sets a random cookie.
    pub fn csrf(token: &str) -> String {
        csrf(token)
    }

    /// Whether a form's CSRF token belongs to the session's token.
    pub fn csrf_holds(token: &str, given: &str) -> bool {
        same(&csrf(token), given)
    }

    pub(crate) async fn begin_session(
        &self,
        user: &str,
        now: Timestamp,
    ) -> Result<Option<(Secret, Session)>> {
        let (token, print) = issue(Opens::Session)?;
        sqlx::query("INSERT INTO sessions (hash, user_name, started, seen) VALUES ($1, $2, $3, $3)")
            .bind(print.as_str().to_owned())
            .bind(user.to_owned())
            .bind(stamp(now))
            .execute(self.pool())
            .await?;
        sqlx::query(
            "DELETE FROM sessions WHERE user_name = $1 AND hash NOT IN
             (SELECT hash FROM sessions WHERE user_name = $1 ORDER BY started DESC LIMIT $2)",
        )
        .bind(user.to_owned())
        .bind(MOST)
        .execute(self.pool())
        .await?;
        let session = self.read_session(&print).await?;
        Ok(session.map(|session| (token, session)))
    }

    /// A session as it stands in the store, of an active user.
    pub(crate) async fn read_session(&self, print: &Fingerprint) -> Result<Option<Session>> {
        let row = sqlx::query(
            "SELECT s.user_name, u.display_name, s.started, s.seen, s.second_factor_at, f.confirmed
             FROM sessions s JOIN users u ON u.name = s.user_name LEFT JOIN second_factors f ON f.user_name = s.user_name
             WHERE s.hash = $1 AND u.disabled = 0 AND u.erased = 0",
        )
        .bind(print.as_str().to_owned())
        .fetch_optional(self.pool())
        .await?;
        row.map(|row| Session::read(&row, print.clone(), self.rules())).transpose()
    }

    async fn delete_session(&self, print: &Fingerprint) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE hash = $1")
            .bind(print.as_str().to_owned())
            .execute(self.pool())
            .await?;
        self.recent_sessions().drop_where(|other, _| other == print);
        Ok(())
    }

    pub(crate) async fn tidy_sessions(&self, now: Timestamp) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE started <= $1 OR seen <= $2")
            .bind(stamp(before(now, self.rules().absolute)))
            .bind(stamp(before(now, self.rules().idle)))
            .execute(self.pool())
            .await?;
        Ok(())
    }
}
