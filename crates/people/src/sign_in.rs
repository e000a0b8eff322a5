//! Signing in, and giving the password again at the moment of signing.
//!
//! Never tells why a sign-in failed: an unknown name, a wrong password, a locked and a disabled user get one answer after one time.
//! See 21 CFR 11.200 for why a signature asks for the password again.

use jiff::Timestamp;

use crate::error::Result;
use crate::input;
use crate::lockout::{Attempt, Counted, Turn};
use crate::secret::Secret;
use crate::session::Session;
use crate::store::{Columns, Store, stamp};

/// The answer to a sign-in.
#[derive(Debug)]
pub enum SignIn {
    /// Signed in: the token for the cookie. Where [`Session::awaits_code`], only the page for the code opens yet.
    Open(Secret, Session),
    /// Not signed in, for whatever reason it is.
    Wrong,
    /// Too many attempts came from this address.
    TooMany {
        /// When the next is looked at.
        until: Timestamp,
    },
}

/// The answer to a password or code of somebody who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It was right.
    Right,
    /// It was wrong, or too many were wrong before it.
    Wrong,
    /// Too many attempts came from this address.
    TooMany {
        /// When the next is looked at.
        until: Timestamp,
    },
}

/// The two attempts of one try: by address and by user. The user's is missing where the user is locked.
pub(crate) struct Try {
    address: Attempt,
    user: Option<Attempt>,
}

pub(crate) enum Begun {
    Tried(Try),
    TooMany { until: Timestamp },
}

impl Try {
    pub(crate) fn locked(&self) -> bool {
        self.user.is_none()
    }
}

impl Store {
    /// Signs a user in by password.
    ///
    /// `address`: where the request comes from, as text. Errors: [`crate::Error::Busy`] where too many sign in at once.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &Secret,
        address: &str,
        now: Timestamp,
    ) -> Result<SignIn> {
        match self.password_is(name, password, address, now).await? {
            Checked::Wrong => Ok(SignIn::Wrong),
            Checked::TooMany { until } => Ok(SignIn::TooMany { until }),
            Checked::Right => {
                let name = input::folded(name);
                sqlx::query("UPDATE users SET last_sign_in = $2 WHERE name = $1")
                    .bind(name.clone())
                    .bind(stamp(now))
                    .execute(self.pool())
                    .await?;
                let begun = self.begin_session(&name, now).await?;
                Ok(begun.map_or(SignIn::Wrong, |(token, session)| SignIn::Open(token, session)))
            }
        }
    }

    /// Checks the password of somebody who is signed in once more.
    pub async fn reauthenticate(
        &self,
        session: &Session,
        password: &Secret,
        address: &str,
        now: Timestamp,
    ) -> Result<Checked> {
        self.password_is(&session.user, password, address, now).await
    }

    async fn password_is(
        &self,
        name: &str,
        password: &Secret,
        address: &str,
        now: Timestamp,
    ) -> Result<Checked> {
        let counted = Counted::passwords_of(name);
        let attempt = match self.try_once(counted.clone(), address, now).await? {
            Begun::TooMany { until } => return Ok(Checked::TooMany { until }),
            Begun::Tried(attempt) => attempt,
        };
        let hash = self.hash_of(name).await?.filter(|_| !attempt.locked());
        match self.hasher().check(password, hash).await {
            Ok(right) => self.settle_try(attempt, counted, right).await,
            Err(error) => {
                // Nobody looked at the password, so it was not wrong.
                self.withdraw_try(attempt).await?;
                Err(error)
            }
        }
    }

    /// The hash of the password of whoever may sign in by this name.
    async fn hash_of(&self, name: &str) -> Result<Option<String>> {
        let row = sqlx::query("SELECT password FROM users WHERE name = $1 AND disabled = 0 AND erased = 0")
            .bind(input::folded(name))
            .fetch_optional(self.pool())
            .await?;
        row.map(|row| row.text("password")).transpose()
    }

    /// Counts a try by address and by user.
    pub(crate) async fn try_once(&self, user: Counted, address: &str, now: Timestamp) -> Result<Begun> {
        let address =
            match self.attempt(Counted::address(address), self.rules().wrong_by_address, now).await? {
                Turn::Locked { until } => return Ok(Begun::TooMany { until }),
                Turn::Made(attempt) => attempt,
            };
        let user = match self.attempt(user, self.rules().wrong_by_user, now).await? {
            Turn::Locked { .. } => None,
            Turn::Made(attempt) => Some(attempt),
        };
        Ok(Begun::Tried(Try { address, user }))
    }

    /// A right one forgives the user's earlier ones; of the address only itself, or one account would open the way to guess others.
    pub(crate) async fn settle_try(&self, done: Try, user: Counted, right: bool) -> Result<Checked> {
        if !right {
            return Ok(Checked::Wrong);
        }
        self.give_back(done.address).await?;
        self.forgive(user).await?;
        Ok(Checked::Right)
    }

    pub(crate) async fn withdraw_try(&self, done: Try) -> Result<()> {
        self.give_back(done.address).await?;
        if let Some(user) = done.user {
            self.give_back(user).await?;
        }
        Ok(())
    }
}
