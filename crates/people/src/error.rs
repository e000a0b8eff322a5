//! What can go wrong with the store of people.
//!
//! Never carries a password, a token or an address with a password in it. What a person merely got wrong is no error: see
//! [`crate::SignIn`] and [`crate::Checked`].

use std::path::PathBuf;

use crate::password::PasswordFault;

/// The result of most of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A fault, or a request that cannot be. The text is meant for people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A new password is too weak.
    #[error("this password will not do: {}", in_words(.0))]
    WeakPassword(Vec<PasswordFault>),
    /// A field does not hold what it should.
    #[error("{field}: {found}; {right}")]
    BadInput {
        /// Which field.
        field: &'static str,
        /// What was found.
        found: String,
        /// What would be right.
        right: &'static str,
    },
    /// Something is longer than the store takes.
    #[error("{what} is {found} bytes long; at most {most} are kept")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Its size in bytes.
        found: usize,
        /// The limit in bytes.
        most: usize,
    },
    /// Another user has, or had, this name.
    #[error(
        "the user name `{name}` is taken; choose another (a name stays taken for good, since the ledger speaks of who bore it)"
    )]
    NameTaken {
        /// The name.
        name: String,
    },
    /// There are users already, so nobody can be the first.
    #[error("this server has its first user already; sign in, or ask the trial office for an invitation")]
    NotTheFirst,
    /// No such user, or one that is disabled or erased where an active one is needed.
    #[error("there is no active user `{name}`")]
    NoSuchUser {
        /// The name.
        name: String,
    },
    /// A confirmed second factor is to be replaced by a session that has not given it just now.
    #[error("this account has a second factor; give a code of it first, then it can be replaced")]
    AlreadyEnrolled,
    /// A first code came, but no enrolment was begun.
    #[error("no second factor is waiting to be confirmed; begin its set-up again")]
    NotEnrolling,
    /// The questionnaire of this link was sent, or is being sent.
    #[error("this questionnaire has been sent or is being sent, so no new link can be made for it")]
    AlreadySent,
    /// A link was to be marked as sent or released that nobody claimed.
    #[error("this link is not being sent; claim it first")]
    NotClaimed,
    /// A role that never signs in was to be given to a person or a token.
    #[error("the role {role} never signs in; give one of the roles of the office")]
    NeverSignsIn {
        /// The role.
        role: String,
    },
    /// More people sign in at this moment than passwords can be checked.
    #[error("too many people are signing in at this moment; try again in a few seconds")]
    Busy,
    /// The address of the store cannot be read.
    #[error("the address of the store of people: {found}; {right}")]
    Address {
        /// What is wrong.
        found: String,
        /// What would be right.
        right: String,
    },
    /// The file is something else.
    #[error(
        "{path} is not a store of people ({found}); give the path of another file, it is made where it is missing"
    )]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: String,
    },
    /// A newer program wrote the store.
    #[error(
        "the store of people is of version {found}, this program knows versions up to {known}; use a program at least as new as the one that last opened it"
    )]
    NewerFormat {
        /// Its version.
        found: i64,
        /// The newest known here.
        known: i64,
    },
    /// The file could not be made or its mode could not be set.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A copy was asked for of a store that is in a database.
    #[error("the store of people is in a database, which makes copies by itself: `pg_dump --schema=people`")]
    InDatabase,
    /// The database server could not be reached, or would not let the program in.
    #[error(
        "{address} cannot be opened: {source}; check that the database server runs, and the user, password, database and `sslmode` of the address"
    )]
    Unreachable {
        /// The address, without its password.
        address: String,
        /// What the database or the network said.
        source: sqlx::Error,
    },
    /// The database refused a statement.
    #[error("the store of people: {0}")]
    Storage(#[from] sqlx::Error),
    /// A row does not hold what this crate writes.
    #[error("the store of people is damaged: {what}")]
    Damaged {
        /// Which value of which row.
        what: String,
    },
    /// The store is in a database, and nobody said where its key lies.
    #[error(
        "a store of people in a database has no file beside which the key of the second factors could lie; say where it is \
         (`--key-file FILE` or TRIALWRIGHT_KEY_FILE): it is made there at the first start, and every other server gets a copy"
    )]
    NoKeyPlace,
    /// The file of the key cannot be used.
    #[error("the key of the second factors, {}: {found}; {right}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What would be right.
        right: &'static str,
    },
    /// It is another key than the one the store was sealed with.
    #[error(
        "the key in {} is not the one the second factors of this store are sealed with; put that one in its place, from its \
         copy or from the server that made it: all servers on one store share it",
        path.display()
    )]
    KeyDoesNotFit {
        /// The file.
        path: PathBuf,
    },
    /// The operating system gave no randomness.
    #[error("the operating system gives no random numbers, so no secret can be made")]
    Randomness,
    /// The password could not be hashed.
    #[error("a password could not be hashed: {0}")]
    Hashing(String),
}

fn in_words(faults: &[PasswordFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Error {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }
}

/// Whether the database refused a row because another stands in its place.
pub(crate) fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}
