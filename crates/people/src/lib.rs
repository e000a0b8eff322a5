//! Who uses Trialwright: accounts, passwords, second factors, sessions, invitations, links for patients, contacts, drafts.
//!
//! Never writes to a ledger and holds no rule of the trial: all that is here may be erased, which nothing in a ledger may. It reads
//! no clock: the moment is handed in. Who may do what stands in one table, [`permission`]. See `ARCHITECTURE.md`.
//!
//! Two kinds of "no" are kept apart. An [`Error`] is a fault, or a request that cannot be. What a person got wrong (a password, a
//! code) is an answer: [`SignIn::Wrong`], [`Checked::Wrong`].

mod api_token;
mod contact;
mod draft;
mod error;
mod input;
mod invitation;
mod lockout;
mod password;
mod patient_link;
pub mod permission;
mod recent;
mod schema;
mod sealing;
mod second_factor;
mod secret;
mod session;
mod sign_in;
mod store;
mod user;

pub use api_token::{ApiToken, NewApiToken};
pub use contact::Contact;
pub use draft::{Draft, DraftPlace};
pub use error::{Error, Result};
pub use invitation::{Accepted, Grant, Invitation, NewInvitation};
pub use password::{Hashing, PasswordFault};
pub use patient_link::{Claim, LinkState, NewPatientLink, PatientAccess, PatientLink};
pub use sealing::KeyPlace;
pub use second_factor::{Confirmed, Enrolment};
pub use secret::Secret;
pub use session::Session;
pub use sign_in::{Checked, SignIn};
pub use store::{Rules, Store};
pub use user::{NewUser, User};

/// What a form held, as it was typed: names and texts in the order of the page.
pub type Fields = Vec<(String, String)>;
