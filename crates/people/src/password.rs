//! Passwords: what a new one must be, and how one is hashed and checked.
//!
//! Never compares a password itself, and never hashes more than a few at once: each takes megabytes for its time, and a flood of
//! sign-ins must not take the server's memory. See NIST SP 800-63B, 5.1.1, and the OWASP Password Storage Cheat Sheet (Argon2id).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;
use zxcvbn::Score;
use zxcvbn::feedback::Warning;

use crate::error::{Error, Result};
use crate::secret::{Secret, fill};

/// The fewest characters of a new password.
const FEWEST: usize = 12;
/// The most; NIST asks for at least 64, and hashing has to end.
const MOST: usize = 256;
/// The shortest user name or part of an address that is looked for within a password.
const TELLING: usize = 4;
/// How many passwords are hashed at once.
const AT_ONCE: usize = 2;
/// How many may wait for that; more are sent away, since they would wait longer than a person does.
const MOST_WAITING: usize = 100;

/// Why a new password will not do. The text completes "this password will not do: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    /// Too few characters.
    #[error(
        "it has {found} characters; use at least {FEWEST}, for instance four words that do not belong together"
    )]
    TooShort {
        /// How many it has.
        found: usize,
    },
    /// Too many characters.
    #[error("it has {found} characters; use at most {MOST}")]
    TooLong {
        /// How many it has.
        found: usize,
    },
    /// It holds the user's name or address.
    #[error("it holds your name or e-mail address; use something that others do not know of you")]
    NamesUser,
    /// It is on the lists that attackers try first.
    #[error("it is one of the passwords that attackers try first; use another")]
    Common,
    /// It can be guessed.
    #[error("it is easy to guess: {why}")]
    Weak {
        /// What makes it so.
        why: String,
    },
}

/// Judges a new password. `known`: the user's name, full name and e-mail.
pub(crate) fn judge(password: &Secret, known: &[&str]) -> Result<()> {
    let text = normal(password);
    let length = text.reveal().chars().count();
    let mut faults = Vec::new();
    if length < FEWEST {
        faults.push(PasswordFault::TooShort { found: length });
    }
    if length > MOST {
        return Err(Error::WeakPassword(vec![PasswordFault::TooLong { found: length }]));
    }
    if names_user(text.reveal(), known) {
        faults.push(PasswordFault::NamesUser);
    }
    faults.extend(guessed(text.reveal(), known));
    if faults.is_empty() { Ok(()) } else { Err(Error::WeakPassword(faults)) }
}

fn names_user(password: &str, known: &[&str]) -> bool {
    let password = password.to_lowercase();
    let parts = known.iter().flat_map(|text| {
        let local = text.split_once('@').map_or(*text, |(local, _)| local);
        std::iter::once(*text).chain(local.split_whitespace())
    });
    let mut telling = parts.filter(|part| part.chars().count() >= TELLING);
    telling.any(|part| password.contains(&part.to_lowercase()))
}

fn guessed(password: &str, known: &[&str]) -> Option<PasswordFault> {
    let estimate = zxcvbn::zxcvbn(password, known);
    if estimate.score() >= Score::Three {
        return None;
    }
    let warning = estimate.feedback().and_then(zxcvbn::feedback::Feedback::warning);
    Some(match warning {
        Some(
            Warning::ThisIsATop10Password
            | Warning::ThisIsATop100Password
            | Warning::ThisIsACommonPassword
            | Warning::ThisIsSimilarToACommonlyUsedPassword,
        ) => PasswordFault::Common,
        warning => PasswordFault::Weak { why: why(warning, estimate.feedback()) },
    })
}

fn why(warning: Option<Warning>, feedback: Option<&zxcvbn::feedback::Feedback>) -> String {
    let suggestions = feedback.map(zxcvbn::feedback::Feedback::suggestions).unwrap_or_default();
    let mut sentences: Vec<String> = warning.iter().map(ToString::to_string).collect();
    sentences.extend(suggestions.iter().map(ToString::to_string));
    if sentences.is_empty() {
        sentences.push("Add another word or two.".to_owned());
    }
    sentences.join(" ")
}

/// The same password typed on another keyboard is the same password (NIST SP 800-63B: NFKC).
fn normal(password: &Secret) -> Secret {
    Secret::new(password.reveal().nfkc().collect::<String>())
}

/// What hashing a password costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashing {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for Hashing {
    /// The first choice of the OWASP Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane.
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

impl Hashing {
    /// So little that a test with many users is quick. It protects no password.
    pub fn quick_for_tests() -> Self {
        Self { memory_kib: 8, passes: 1, lanes: 1 }
    }
}

/// Hashes and checks passwords, a few at a time.
pub(crate) struct Hasher {
    argon: Argon2<'static>,
    /// The hash of no password: checked where there is no user, so that the answer takes as long.
    nobody: String,
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Hasher {
    pub(crate) fn new(cost: &Hashing) -> Result<Self> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None)
            .map_err(|error| Error::Hashing(error.to_string()))?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut random = [0; 48];
        fill(&mut random)?;
        let (salt, output) = random.split_at(16);
        let encode = |bytes: &[u8]| data_encoding::BASE64_NOPAD.encode(bytes);
        let nobody = format!(
            "$argon2id$v=19$m={},t={},p={}${}${}",
            cost.memory_kib,
            cost.passes,
            cost.lanes,
            encode(salt),
            encode(output)
        );
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        Ok(Self { argon, nobody, slots, waiting: AtomicUsize::new(0) })
    }

    /// Judges a new password and hashes it: a PHC string.
    pub(crate) async fn accept(&self, password: &Secret, known: &[&str]) -> Result<String> {
        let known: Vec<String> = known.iter().map(|&text| text.to_owned()).collect();
        let password = password.clone();
        let argon = self.argon.clone();
        self.in_turn(move || {
            judge(&password, &known.iter().map(String::as_str).collect::<Vec<_>>())?;
            let hashed = argon.hash_password(normal(&password).reveal().as_bytes());
            hashed.map(|hash| hash.to_string()).map_err(|error| Error::Hashing(error.to_string()))
        })
        .await
    }

    /// Whether a password has this hash. None, as for an unknown user: false, after the same time.
    pub(crate) async fn check(&self, password: &Secret, hash: Option<String>) -> Result<bool> {
        let there = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        // A text longer than any password that was ever accepted is not hashed in its length.
        let fits = password.reveal().chars().count() <= MOST;
        let password = if fits { normal(password) } else { Secret::default() };
        let argon = self.argon.clone();
        self.in_turn(move || {
            let hash = PasswordHash::new(&hash)
                .map_err(|error| Error::damaged(format!("the hash of a password: {error}")))?;
            Ok(argon.verify_password(password.reveal().as_bytes(), &hash).is_ok() && there && fits)
        })
        .await
    }

    /// Runs on a thread that may block. The slot goes with the work: who no longer waits for it does not free its memory.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _place = Waiting::join(&self.waiting).ok_or(Error::Busy)?;
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Error::Busy)?;
        let task = tokio::task::spawn_blocking(move || {
            let answer = work();
            drop(slot);
            answer
        });
        task.await.map_err(|error| Error::Hashing(error.to_string()))?
    }
}

/// A place in the queue, given up when dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(queue: &'a AtomicUsize) -> Option<Self> {
        let place = Self(queue);
        (queue.fetch_add(1, Ordering::AcqRel) < MOST_WAITING).then_some(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // NIST SP 800-63B, 5.1.1.2: a minimum length, no composition rules, lists of what is commonly used, expected or compromised.
    #[rstest]
    #[case::eleven("kq8#vTz!pL2", Some("it has 11 characters"))]
    #[case::words("lamp otter brick seven", None)]
    #[case::spaces_count("  wolf  kettle  moon ", None)]
    #[case::common("password1234", Some("guessed"))]
    #[case::keyboard("qwertyuiop12", Some("guessed"))]
    #[case::row_of_keys("zxcvbnm,./asdf", Some("guessed"))]
    #[case::repeated("aaaaaaaaaaaaaaaa", Some("guessed"))]
    #[case::name("mrossi-mrossi-kettle", Some("your name"))]
    #[case::full_name("rossi likes kettles 42", Some("your name"))]
    #[case::email("x7 maria.r@klinik y9", Some("your name"))]
    #[case::unicode("сорок два барсука", None)]
    fn a_new_password(#[case] password: &str, #[case] fault: Option<&str>) {
        let known = ["mrossi", "Maria Rossi", "maria.r@klinik.example"];
        let judged = judge(&Secret::new(password), &known).map_err(|error| error.to_string());
        let said = judged.clone().err().unwrap_or_default();
        // Between a list and a pattern of the same weight the estimate may take either.
        let guessed = said.contains("attackers try first") || said.contains("easy to guess");
        match fault {
            None => assert_eq!(judged, Ok(())),
            Some("guessed") => assert!(guessed, "{judged:?}"),
            Some(words) => assert!(said.contains(words), "{judged:?}"),
        }
    }

    #[test]
    fn a_very_long_text_is_refused_before_it_is_weighed() {
        let judged = judge(&Secret::new("a".repeat(100_000)), &[]);
        assert!(judged.is_err_and(|error| error.to_string().contains("at most 256")));
    }

    #[tokio::test]
    async fn the_usual_cost_is_what_owasp_asks_for() {
        let hasher = Hasher::new(&Hashing::default()).unwrap();
        let password = Secret::new("lamp otter brick seven");
        let hash = hasher.accept(&password, &[]).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(hasher.check(&password, Some(hash.clone())).await.unwrap());
        assert!(!hasher.check(&Secret::new("lamp otter brick eight"), Some(hash)).await.unwrap());
        assert!(!hasher.check(&password, None).await.unwrap());
    }

    // The reference implementation's own test (phc-winner-argon2, src/test.c: Argon2id v=0x13, t=2, m=2^8, p=1).
    #[tokio::test]
    async fn a_hash_of_the_reference_implementation_is_understood() {
        let hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let hasher = Hasher::new(&Hashing::quick_for_tests()).unwrap();
        assert!(hasher.check(&Secret::new("password"), Some(hash.to_owned())).await.unwrap());
        assert!(!hasher.check(&Secret::new("passwore"), Some(hash.to_owned())).await.unwrap());
    }

    #[tokio::test]
    async fn composed_and_decomposed_letters_are_the_same_password() {
        let hasher = Hasher::new(&Hashing::quick_for_tests()).unwrap();
        let hash = hasher.accept(&Secret::new("caf\u{e9} brick otter lamp"), &[]).await.unwrap();
        assert!(hasher.check(&Secret::new("cafe\u{301} brick otter lamp"), Some(hash)).await.unwrap());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_flood_is_sent_away_and_the_queue_empties() {
        let hasher = Arc::new(Hasher::new(&Hashing { memory_kib: 1024, ..Hashing::default() }).unwrap());
        let flood: Vec<_> = (0..400)
            .map(|_| {
                let hasher = Arc::clone(&hasher);
                tokio::spawn(async move { hasher.check(&Secret::new("x"), None).await })
            })
            .collect();
        let mut busy = 0;
        for one in flood {
            match one.await.unwrap() {
                Err(Error::Busy) => busy += 1,
                answer => assert!(!answer.unwrap()),
            }
        }
        assert!(busy > 0, "400 at once, and nobody was sent away");
        assert_eq!(hasher.waiting.load(Ordering::Acquire), 0);
        assert_eq!(hasher.slots.available_permits(), AT_ONCE);
    }
}
