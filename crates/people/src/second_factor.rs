//! The second factor: codes by time (TOTP, RFC 6238) and one-time recovery codes.
//!
//! Never takes a code twice, nor an older one after it. Secrets of authenticators must be readable to check a code, so they are stored
//! sealed (`sealing`); recovery codes are stored as hashes. A factor is enrolled in two steps, so that nobody is locked out by a QR code that was never scanned.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use jiff::{SignedDuration, Timestamp};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::lockout::Counted;
use crate::secret::{Secret, fill};
use crate::session::Session;
use crate::sign_in::{Begun, Checked};
use crate::store::{Columns, Rules, Store, stamp};

/// RFC 4226, 4: a secret of 160 bits.
const SECRET: usize = 20;
/// How many recovery codes there are, of how many random bytes each.
const RECOVERY: (usize, usize) = (10, 10);
/// Within what span of giving a code the factor may be replaced.
const JUST_NOW: SignedDuration = SignedDuration::from_mins(15);

/// What an authenticator app needs. To be shown once, to its owner.
#[derive(Debug)]
pub struct Enrolment {
    /// The secret in base32, to be typed.
    pub secret: Secret,
    /// The `otpauth://` address, to be shown as a QR code.
    pub uri: Secret,
}

/// The answer to the first code.
#[derive(Debug)]
pub enum Confirmed {
    /// The factor is enrolled; the recovery codes, to be shown once.
    Codes(Vec<Secret>),
    /// The code was wrong.
    Wrong,
    /// Too many attempts came from this address.
    TooMany {
        /// When the next is looked at.
        until: Timestamp,
    },
}

/// The codes of a secret: SHA-1, six digits, thirty seconds, one step either side, which is what the apps know.
fn totp(secret: &str, user: &str, rules: &Rules) -> Result<Totp> {
    let bytes = Zeroizing::new(
        BASE32_NOPAD
            .decode(secret.as_bytes())
            .map_err(|_| Error::damaged("the secret of a second factor"))?,
    );
    // A colon would end the issuer in the address.
    let issuer = rules.issuer.replace(':', " ");
    Builder::new()
        .with_secret(bytes.to_vec())
        .with_account_name(user)
        .with_issuer(Some(issuer))
        .build()
        .map_err(|error| Error::damaged(format!("the secret of a second factor: {error}")))
}

/// The step in which a code is right, if it is.
fn step_of(totp: &Totp, code: &str, now: Timestamp) -> Option<i64> {
    let seconds = u64::try_from(now.as_second()).ok()?;
    i64::try_from(totp.check(code, seconds)?).ok()
}

/// A code as its digits or letters alone: apps show `123 456`, and recovery codes have hyphens.
fn plain(code: &str) -> Secret {
    let kept = code.chars().take(100).filter(|c| !c.is_whitespace() && *c != '-');
    Secret::new(kept.collect::<String>().to_ascii_lowercase())
}

fn recovery_hash(user: &str, code: &Secret) -> String {
    let text = Zeroizing::new(format!("{user}\n{}", code.reveal()));
    HEXLOWER.encode(&blake3::derive_key("trialwright 2026 people recovery code", text.as_bytes()))
}

/// A new recovery code, as it is shown: 80 bits as four groups of four.
fn recovery_code() -> Result<Secret> {
    let mut bytes = Zeroizing::new([0; RECOVERY.1]);
    fill(bytes.as_mut())?;
    let text = Zeroizing::new(BASE32_NOPAD.encode(bytes.as_ref()).to_ascii_lowercase());
    let groups: Vec<&str> = (0..text.len()).step_by(4).filter_map(|at| text.get(at..at + 4)).collect();
    Ok(Secret::new(groups.join("-")))
}

impl Store {
    /// Begins to enrol a second factor, in place of one that was begun and not confirmed.
    ///
    /// Errors: [`Error::AlreadyEnrolled`] where the user has one and did not give a code of it within the last quarter of an hour.
    pub async fn enrol(&self, session: &Session, now: Timestamp) -> Result<Enrolment> {
        let Some(session) = self.read_session(&session.print).await? else {
            return Err(Error::NoSuchUser { name: session.user.clone() });
        };
        if session.second_factor && !session.second_factor_within(JUST_NOW, now) {
            return Err(Error::AlreadyEnrolled);
        }
        let mut bytes = Zeroizing::new([0; SECRET]);
        fill(bytes.as_mut())?;
        let secret = Secret::new(BASE32_NOPAD.encode(bytes.as_ref()));
        let uri = totp(secret.reveal(), &session.user, self.rules())?
            .to_url()
            .map_err(|error| Error::damaged(format!("the address of a second factor: {error}")))?;
        sqlx::query(
            "INSERT INTO second_factors (user_name, waiting) VALUES ($1, $2)
             ON CONFLICT (user_name) DO UPDATE SET waiting = excluded.waiting",
        )
        .bind(session.user.clone())
        .bind(self.sealer().await?.seal(&session.user, secret.reveal())?)
        .execute(self.pool())
        .await?;
        Ok(Enrolment { secret, uri: Secret::new(uri) })
    }

    /// Confirms the factor that was begun by a first code; from then on it is asked for. Gives ten recovery codes.
    ///
    /// Errors: [`Error::NotEnrolling`] where none was begun or the session has ended.
    pub async fn confirm(
        &self,
        session: &Session,
        code: &str,
        address: &str,
        now: Timestamp,
    ) -> Result<Confirmed> {
        let row = sqlx::query("SELECT waiting FROM second_factors WHERE user_name = $1")
            .bind(session.user.clone())
            .fetch_optional(self.pool())
            .await?;
        let waiting = row.map(|row| row.some_text("waiting")).transpose()?.flatten();
        let waiting = waiting.map(Zeroizing::new).ok_or(Error::NotEnrolling)?;
        let secret = self.sealer().await?.open(&session.user, &waiting)?;
        let counted = Counted::codes_of(&session.user);
        let attempt = match self.try_once(counted.clone(), address, now).await? {
            Begun::TooMany { until } => return Ok(Confirmed::TooMany { until }),
            Begun::Tried(attempt) => attempt,
        };
        let codes = totp(secret.reveal(), &session.user, self.rules())?;
        let step = step_of(&codes, plain(code).reveal(), now).filter(|_| !attempt.locked());
        let checked = self.settle_try(attempt, counted, step.is_some()).await?;
        match (step, checked) {
            (Some(step), Checked::Right) => {
                self.write_factor(session, &waiting, step, now).await.map(Confirmed::Codes)
            }
            _ => Ok(Confirmed::Wrong),
        }
    }

    async fn write_factor(
        &self,
        session: &Session,
        sealed: &str,
        step: i64,
        now: Timestamp,
    ) -> Result<Vec<Secret>> {
        let mut transaction = self.begin().await?;
        let changed = sqlx::query(
            "UPDATE second_factors SET secret = waiting, waiting = NULL, confirmed = $3, last_step = $4
             WHERE user_name = $1 AND waiting = $2",
        )
        .bind(session.user.clone())
        .bind(sealed.to_owned())
        .bind(stamp(now))
        .bind(step)
        .execute(&mut *transaction)
        .await?;
        if changed.rows_affected() == 0 {
            return Err(Error::NotEnrolling);
        }
        sqlx::query("DELETE FROM recovery_codes WHERE user_name = $1")
            .bind(session.user.clone())
            .execute(&mut *transaction)
            .await?;
        let mut codes = Vec::with_capacity(RECOVERY.0);
        for _ in 0..RECOVERY.0 {
            let code = recovery_code()?;
            sqlx::query("INSERT INTO recovery_codes (user_name, hash) VALUES ($1, $2)")
                .bind(session.user.clone())
                .bind(recovery_hash(&session.user, &plain(code.reveal())))
                .execute(&mut *transaction)
                .await?;
            codes.push(code);
        }
        // Codes of the old authenticator were given in the other sessions, or none at all.
        sqlx::query("UPDATE sessions SET second_factor_at = NULL WHERE user_name = $1 AND hash <> $2")
            .bind(session.user.clone())
            .bind(session.print.as_str().to_owned())
            .execute(&mut *transaction)
            .await?;
        mark_given(&mut transaction, session, now).await?;
        transaction.commit().await?;
        self.recent_sessions().drop_where(|_, other| other.user == session.user);
        Ok(codes)
    }

    /// Takes a code of the second factor, or a recovery code, and notes in the session that it was given.
    ///
    /// `code`: six digits, or a recovery code; blanks and hyphens do not matter. Each is taken once.
    pub async fn give_code(
        &self,
        session: &Session,
        code: &str,
        address: &str,
        now: Timestamp,
    ) -> Result<Checked> {
        let counted = Counted::codes_of(&session.user);
        let attempt = match self.try_once(counted.clone(), address, now).await? {
            Begun::TooMany { until } => return Ok(Checked::TooMany { until }),
            Begun::Tried(attempt) => attempt,
        };
        let right = !attempt.locked() && self.use_code(&session.user, &plain(code), now).await?;
        let checked = self.settle_try(attempt, counted, right).await?;
        if checked == Checked::Right {
            let mut transaction = self.begin().await?;
            mark_given(&mut transaction, session, now).await?;
            transaction.commit().await?;
            self.recent_sessions().drop_where(|print, _| *print == session.print);
        }
        Ok(checked)
    }

    async fn use_code(&self, user: &str, code: &Secret, now: Timestamp) -> Result<bool> {
        let row =
            sqlx::query("SELECT secret FROM second_factors WHERE user_name = $1 AND confirmed IS NOT NULL")
                .bind(user.to_owned())
                .fetch_optional(self.pool())
                .await?;
        let Some(stored) = row.map(|row| row.some_text("secret")).transpose()?.flatten() else {
            return Ok(false);
        };
        let secret = self.sealer().await?.open(user, &stored)?;
        let codes = totp(secret.reveal(), user, self.rules())?;
        let used = if let Some(step) = step_of(&codes, code.reveal(), now) {
            // Only a later step than any before it: of two requests with one code one changes the row.
            sqlx::query("UPDATE second_factors SET last_step = $2 WHERE user_name = $1 AND last_step < $2")
                .bind(user.to_owned())
                .bind(step)
                .execute(self.pool())
                .await?
        } else {
            sqlx::query(
                "UPDATE recovery_codes SET used = $3 WHERE user_name = $1 AND hash = $2 AND used IS NULL",
            )
            .bind(user.to_owned())
            .bind(recovery_hash(user, code))
            .bind(stamp(now))
            .execute(self.pool())
            .await?
        };
        Ok(used.rows_affected() == 1)
    }

    /// Takes a user's second factor away, as for a lost phone, and ends their sessions. Whoever may do so must know the person.
    pub async fn remove_second_factor(&self, name: &str) -> Result<()> {
        let user = self.user(name).await?.ok_or_else(|| Error::NoSuchUser { name: name.to_owned() })?;
        let mut transaction = self.begin().await?;
        for remove in [
            "DELETE FROM recovery_codes WHERE user_name = $1",
            "DELETE FROM second_factors WHERE user_name = $1",
        ] {
            sqlx::query(remove).bind(user.name.clone()).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        self.end_all(&user.name).await?;
        self.forgive(Counted::codes_of(&user.name)).await
    }

    /// How many recovery codes of a user are unused.
    pub async fn recovery_codes_left(&self, name: &str) -> Result<u64> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS unused FROM recovery_codes WHERE user_name = $1 AND used IS NULL",
        )
        .bind(crate::input::folded(name))
        .fetch_one(self.pool())
        .await?;
        row.count("unused")
    }
}

async fn mark_given(
    transaction: &mut sqlx::Transaction<'static, sqlx::Any>,
    session: &Session,
    now: Timestamp,
) -> Result<()> {
    sqlx::query("UPDATE sessions SET second_factor_at = $2 WHERE hash = $1")
        .bind(session.print.as_str().to_owned())
        .bind(stamp(now))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // RFC 6238, Appendix B, SHA-1; the last six of its eight digits, which is the same truncation modulo 10^6 (RFC 4226, 5.3).
    #[rstest]
    #[case(59, "287082")]
    #[case(1_111_111_109, "081804")]
    #[case(1_111_111_111, "050471")]
    #[case(1_234_567_890, "005924")]
    #[case(2_000_000_000, "279037")]
    #[case(20_000_000_000, "353130")]
    fn the_codes_of_rfc_6238(#[case] seconds: i64, #[case] code: &str) {
        let secret = BASE32_NOPAD.encode(b"12345678901234567890");
        let totp = totp(&secret, "anna", &Rules::default()).unwrap();
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let step = seconds / 30;
        assert_eq!(step_of(&totp, code, at(seconds)), Some(step));
        assert_eq!(step_of(&totp, code, at((step + 2) * 30 - 1)), Some(step), "one step late");
        assert_eq!(step_of(&totp, code, at((step - 1) * 30)), Some(step), "one step early");
        assert_eq!(step_of(&totp, code, at((step + 2) * 30)), None, "two steps late");
        assert_eq!(step_of(&totp, code, at((step - 1) * 30 - 1)), None, "two steps early");
    }

    #[test]
    fn the_address_for_the_app() {
        let secret = BASE32_NOPAD.encode(b"12345678901234567890");
        let uri = totp(&secret, "anna.b", &Rules::default()).unwrap().to_url().unwrap();
        assert!(uri.starts_with("otpauth://totp/Trialwright:anna.b?"), "{uri}");
        assert!(uri.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{uri}");
        assert!(uri.contains("issuer=Trialwright"), "{uri}");
    }
}
