//! A demonstration: a user of each role for a simulated trial, with a password and second factors that the log-in page shows.
//!
//! Never for a ledger whose subjects are real: it refuses one. What it made is kept in a file, so that it opens again.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use ledger::{Address, Ledger};
use office::{Action, Actor, Deed, Office, Site};
use people::{NewUser, Secret, SignIn, Store};
use serde::{Deserialize, Serialize};
use trial::event::Role;

use crate::options::Demonstration;

/// Why a demonstration could not be furnished.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledger's subjects are no virtual ones.
    #[error(
        "the subjects of this ledger are real: a demonstration, whose password everybody sees, cannot open it"
    )]
    Real,
    /// The trial cannot be opened or written to.
    #[error(transparent)]
    Office(#[from] office::Error),
    /// The accounts cannot be made.
    #[error("the accounts of the demonstration: {0}")]
    People(#[from] people::Error),
    /// The second factor of an account could not be set up.
    #[error("the second factor of {0} could not be set up")]
    SecondFactor(String),
    /// What was made before cannot be read, or not be kept.
    #[error("{path}: {wrong}")]
    File {
        /// The file.
        path: String,
        /// What is wrong.
        wrong: String,
    },
}

/// The password of every user of a demonstration; the log-in page shows it.
const PASSWORD: &str = "virtual-patients-only";

/// Who there is beside the staff of sites: name, how the person is called, role.
const EVERYWHERE: [(&str, &str, Role); 5] = [
    ("trial.office", "Tariq Office", Role::TrialOffice),
    ("monitor", "Mona Monitor", Role::Monitor),
    ("data.manager", "Dana Manager", Role::DataManager),
    ("statistician", "Stan Tistician", Role::Statistician),
    ("safety.committee", "Saffi Committee", Role::SafetyCommittee),
];
/// The staff of the first two sites.
const AT_SITES: [(&str, &str, Role); 3] = [
    ("coordinator", "Cora Coordinator", Role::SiteCoordinator),
    ("investigator", "Ivo Investigator", Role::Investigator),
    ("radiation", "Rada Oncologist", Role::RadiationOncologist),
];

/// What is kept of a demonstration.
#[derive(Serialize, Deserialize)]
struct Kept {
    users: Vec<(String, String)>,
    password: String,
    authenticators: BTreeMap<String, String>,
}

/// Makes a user of each role for a simulated ledger, with the roles in the ledger and the accounts in `people`, and keeps
/// what the log-in page shows in `file`.
pub async fn furnish(ledger: &Address, people: &str, file: &Path) -> Result<Demonstration, Error> {
    let office = Office::open(Ledger::open(ledger).await.map_err(office::Error::from)?).await?;
    let overview = office.overview().await?;
    if !overview.simulated {
        return Err(Error::Real);
    }
    let store = Store::open(people).await?;
    let mut made = Demonstration { password: PASSWORD.into(), ..Demonstration::default() };
    for (user, person, role, site) in cast(&overview.sites) {
        grant(&office, &user, role, site).await?;
        let new = NewUser { name: user.clone(), display_name: person, email: format!("{user}@example.org") };
        store.add_user(new, &Secret::new(PASSWORD), Timestamp::now()).await?;
        let authenticator = enrol(&store, &user).await?;
        let place =
            site.map_or_else(|| "all sites".to_owned(), |site| format!("site {}, {}", site.id, site.name));
        made.users.push((user.clone(), format!("{}, {place}", crate::page::parts::role(role))));
        made.authenticators.insert(user, Secret::new(authenticator));
    }
    store.close().await;
    office.ledger().clone().close().await;
    keep(&made, file)?;
    Ok(made)
}

/// What [`furnish`] kept in `file`.
pub fn kept(file: &Path) -> Result<Demonstration, Error> {
    let wrong = |wrong: String| Error::File { path: file.display().to_string(), wrong };
    let text = std::fs::read_to_string(file).map_err(|why| wrong(why.to_string()))?;
    let kept: Kept = serde_json::from_str(&text).map_err(|why| wrong(why.to_string()))?;
    let authenticators =
        kept.authenticators.into_iter().map(|(user, uri)| (user, Secret::new(uri))).collect();
    Ok(Demonstration { users: kept.users, password: kept.password, authenticators })
}

fn keep(made: &Demonstration, file: &Path) -> Result<(), Error> {
    let wrong = |wrong: String| Error::File { path: file.display().to_string(), wrong };
    let authenticators =
        made.authenticators.iter().map(|(user, uri)| (user.clone(), uri.reveal().to_owned()));
    let kept = Kept {
        users: made.users.clone(),
        password: made.password.clone(),
        authenticators: authenticators.collect(),
    };
    let text = serde_json::to_string_pretty(&kept).map_err(|why| wrong(why.to_string()))?;
    std::fs::write(file, text).map_err(|why| wrong(why.to_string()))
}

/// Everybody of the demonstration: user, person, role, site.
fn cast(sites: &[Site]) -> Vec<(String, String, Role, Option<&Site>)> {
    let everywhere =
        EVERYWHERE.iter().map(|(user, person, role)| ((*user).to_owned(), (*person).to_owned(), *role, None));
    let at_sites = sites.iter().take(2).flat_map(|site| {
        AT_SITES.iter().map(move |(user, person, role)| {
            (format!("{user}.{}", site.id), format!("{person} ({})", site.id), *role, Some(site))
        })
    });
    at_sites.chain(everywhere).collect()
}

/// Gives the role in the ledger, where the simulation has not.
async fn grant(office: &Office, user: &str, role: Role, site: Option<&Site>) -> Result<(), Error> {
    let site = site.map(|site| site.id.clone());
    let grants = office.grants_of(user).await?;
    if grants.iter().any(|grant| grant.role == role && grant.site == site) {
        return Ok(());
    }
    let actor = Actor::new("trial.office", Role::TrialOffice);
    let mut action = Action::now(&actor, Deed::ChangeUser { user: user.to_owned(), given: Some(role) });
    action.site = site;
    office.submit(vec![action]).await?;
    Ok(())
}

/// Sets up a user's second factor, and gives what an authenticator app would hold.
async fn enrol(store: &Store, user: &str) -> Result<String, Error> {
    let failed = || Error::SecondFactor(user.to_owned());
    // A code is taken once: whoever logs in within the same half minute must still have the present one.
    let (now, here) = (Timestamp::now() - SignedDuration::from_mins(2), "127.0.0.1");
    let SignIn::Open(token, session) = store.sign_in(user, &Secret::new(PASSWORD), here, now).await? else {
        return Err(failed());
    };
    let enrolment = store.enrol(&session, now).await?;
    let uri = enrolment.uri.reveal().to_owned();
    let shown = Demonstration {
        authenticators: BTreeMap::from([(user.to_owned(), Secret::new(uri.clone()))]),
        ..Demonstration::default()
    };
    let code = shown.code_of(user, now).ok_or_else(failed)?;
    match store.confirm(&session, &code, here, now).await? {
        people::Confirmed::Codes(_) => {}
        people::Confirmed::Wrong | people::Confirmed::TooMany { .. } => return Err(failed()),
    }
    store.end_session(token.reveal()).await?;
    Ok(uri)
}
