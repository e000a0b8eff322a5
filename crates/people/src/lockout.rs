//! Lock-out: how many wrong passwords or codes are borne, by user and by the address they come from.
//!
//! Never tells whether a user exists: attempts are counted by name, known or not. An attempt is counted before the password is looked
//! at and given back when it was right, so that a thousand at once are no more than a thousand in turn. See OWASP, Authentication
//! Cheat Sheet, "Account Lockout".

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};

use crate::error::Result;
use crate::input;
use crate::secret::identifier;
use crate::store::{Columns, Store, after, before, moment, stamp};

/// The span within which attempts are counted, and how long the first lock lasts; each further one lasts twice as long.
const QUARTER: SignedDuration = SignedDuration::from_mins(15);
/// The longest lock, and how long after a lock the next is again a first one.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What attempts are counted by, as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Counted(String);

impl Counted {
    pub(crate) fn passwords_of(name: &str) -> Self {
        Self::by("password", &input::folded(name))
    }

    pub(crate) fn codes_of(name: &str) -> Self {
        Self::by("code", &input::folded(name))
    }

    /// An address: of IPv6 the network of 64 bits, since a household has one and an attacker has all of its addresses.
    pub(crate) fn address(address: &str) -> Self {
        let address = match address.trim().parse::<IpAddr>().map(|address| address.to_canonical()) {
            Ok(IpAddr::V4(address)) => address.to_string(),
            Ok(IpAddr::V6(address)) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).to_string(),
            Err(_) => address.trim().to_owned(),
        };
        Self::by("address", &address)
    }

    fn by(what: &str, which: &str) -> Self {
        let hash = blake3::derive_key(
            "trialwright 2026 people counted attempts",
            format!("{what}\n{which}").as_bytes(),
        );
        Self(data_encoding::HEXLOWER.encode(&hash))
    }
}

/// An attempt that may be made. It counts as wrong until it is given back.
#[derive(Debug)]
pub(crate) struct Attempt {
    counted: Counted,
    id: String,
    /// Whether it is the one that locks, should it be wrong.
    locks: bool,
}

/// Whether an attempt may be made.
#[derive(Debug)]
pub(crate) enum Turn {
    Made(Attempt),
    Locked { until: Timestamp },
}

impl Store {
    /// Counts an attempt, `most` of which are borne within a quarter of an hour; the last of them locks already.
    pub(crate) async fn attempt(&self, counted: Counted, most: u32, now: Timestamp) -> Result<Turn> {
        let mut transaction = self.begin().await?;
        // Written first: on PostgreSQL it makes attempts by the same name wait for each other.
        let lock = sqlx::query(
            "INSERT INTO locks (counted, times, ends) VALUES ($1, 0, 0)
             ON CONFLICT (counted) DO UPDATE SET times = locks.times RETURNING times, ends",
        )
        .bind(counted.0.clone())
        .fetch_one(&mut *transaction)
        .await?;
        let ends = lock.moment("ends")?;
        if ends > now {
            return Ok(Turn::Locked { until: ends });
        }
        let id = identifier()?;
        sqlx::query("INSERT INTO attempts (id, counted, made) VALUES ($1, $2, $3)")
            .bind(id.clone())
            .bind(counted.0.clone())
            .bind(stamp(now))
            .execute(&mut *transaction)
            .await?;
        let made: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM attempts WHERE counted = $1 AND made > $2")
            .bind(counted.0.clone())
            .bind(stamp(before(now, QUARTER)))
            .fetch_one(&mut *transaction)
            .await?;
        let locks = made >= i64::from(most);
        if locks {
            let times = if after(ends, DAY) < now { 0 } else { lock.number("times")? };
            sqlx::query("UPDATE locks SET times = $2, ends = $3 WHERE counted = $1")
                .bind(counted.0.clone())
                .bind(times + 1)
                .bind(stamp(after(now, lasting(times))))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(Turn::Made(Attempt { counted, id, locks }))
    }

    /// Gives one attempt back: it was right, or could not be looked at. The lock it set goes with it.
    pub(crate) async fn give_back(&self, attempt: Attempt) -> Result<()> {
        let mut transaction = self.begin().await?;
        if attempt.locks {
            sqlx::query("UPDATE locks SET times = times - 1, ends = 0 WHERE counted = $1 AND times > 0")
                .bind(attempt.counted.0)
                .execute(&mut *transaction)
                .await?;
        }
        sqlx::query("DELETE FROM attempts WHERE id = $1").bind(attempt.id).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Forgets all attempts and the lock.
    pub(crate) async fn forgive(&self, counted: Counted) -> Result<()> {
        let mut transaction = self.begin().await?;
        for forget in ["DELETE FROM locks WHERE counted = $1", "DELETE FROM attempts WHERE counted = $1"] {
            sqlx::query(forget).bind(counted.0.clone()).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Until when a user is locked, for the trial office; none where not.
    pub async fn locked_until(&self, name: &str, now: Timestamp) -> Result<Option<Timestamp>> {
        let mut until = None;
        for counted in [Counted::passwords_of(name), Counted::codes_of(name)] {
            let ends: Option<i64> = sqlx::query_scalar("SELECT ends FROM locks WHERE counted = $1")
                .bind(counted.0)
                .fetch_optional(self.pool())
                .await?;
            let ends = ends.map(moment).transpose()?;
            until = until.max(ends.filter(|ends| *ends > now));
        }
        Ok(until)
    }

    /// Which of these users are locked out, and until when: one question for all of them.
    pub async fn locked_of<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
        now: Timestamp,
    ) -> Result<BTreeMap<String, Timestamp>> {
        let rows: Vec<(String, i64)> = sqlx::query_as("SELECT counted, ends FROM locks WHERE ends > $1")
            .bind(stamp(now))
            .fetch_all(self.pool())
            .await?;
        let locks: BTreeMap<String, i64> = rows.into_iter().collect();
        let mut locked = BTreeMap::new();
        if locks.is_empty() {
            return Ok(locked);
        }
        for name in names {
            let counted = [Counted::passwords_of(name), Counted::codes_of(name)];
            let ends = counted.iter().filter_map(|counted| locks.get(&counted.0)).max();
            if let Some(ends) = ends {
                locked.insert(name.to_owned(), moment(*ends)?);
            }
        }
        Ok(locked)
    }

    /// Ends a user's lock.
    pub async fn unlock_user(&self, name: &str) -> Result<()> {
        self.forgive(Counted::passwords_of(name)).await?;
        self.forgive(Counted::codes_of(name)).await
    }

    pub(crate) async fn tidy_attempts(&self, now: Timestamp) -> Result<()> {
        sqlx::query("DELETE FROM attempts WHERE made <= $1")
            .bind(stamp(before(now, QUARTER)))
            .execute(self.pool())
            .await?;
        // A row without a lock is of use while its attempts count; one with a past lock, while the next would be longer.
        sqlx::query(
            "DELETE FROM locks WHERE ends < $1 AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.counted = locks.counted)",
        )
        .bind(stamp(before(now, DAY)))
        .execute(self.pool())
        .await?;
        Ok(())
    }
}

/// How long a lock lasts after so many before it.
fn lasting(times: i64) -> SignedDuration {
    // Beyond six doublings a quarter of an hour is longer than a day.
    let doublings = u32::try_from(times).unwrap_or(0).min(7);
    (QUARTER * 2_i32.pow(doublings)).min(DAY)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, 15)]
    #[case(1, 30)]
    #[case(2, 60)]
    #[case(6, 960)]
    #[case(7, 1440)]
    #[case(1_000_000, 1440)]
    fn a_lock_doubles_up_to_a_day(#[case] times: i64, #[case] minutes: i64) {
        assert_eq!(lasting(times), SignedDuration::from_mins(minutes));
    }

    #[rstest]
    #[case("192.0.2.7", "192.0.2.7", true)]
    #[case("192.0.2.7", "192.0.2.8", false)]
    #[case("192.0.2.7", "::ffff:192.0.2.7", true)]
    #[case("2001:db8:1:2::5", "2001:db8:1:2:ffff::1", true)]
    #[case("2001:db8:1:2::5", "2001:db8:1:3::5", false)]
    #[case("unknown", "unknown ", true)]
    fn addresses_that_count_together(#[case] one: &str, #[case] other: &str, #[case] together: bool) {
        assert_eq!(Counted::address(one).0 == Counted::address(other).0, together);
    }
}
