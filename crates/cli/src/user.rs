//! `trialwright user`: accounts by whoever operates the server, for the first user of a role, a forgotten password, a lock-out.
//!
//! Never prints a password or takes one from the command line, where others could read it. A role is an event of the ledger,
//! an account is not.

use std::io::{IsTerminal, Read};
use std::path::Path;

use clap::ValueEnum;
use jiff::Timestamp;
use ledger::{Address, Ledger};
use office::{Action, Actor, Deed, Office};
use people::{NewUser, Secret, Store};
use serde_json::json;
use trial::event::Role;
use trial::id::SiteId;

use crate::output::{self, Failure, line, note, table, told, wait};
use crate::serve::{beside, usual};

/// What is done with accounts.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Add a user, and give a role in the trial
    Add(Add),
    /// List the users
    List {
        #[command(flatten)]
        place: Place,
        /// As JSON, for another program
        #[arg(long)]
        json: bool,
    },
    /// Set a user's password, which ends all of the user's sessions
    Password(Named),
    /// Let a user try again who gave too many wrong passwords
    Unlock(Named),
    /// Take away a user's second factor (a lost phone), which ends all of the user's sessions
    RemoveSecondFactor(Named),
    /// Close a user's account, which ends all of the user's sessions; what the user did stays in the ledger
    Disable(Named),
    /// Open a closed account again
    Enable(Named),
    /// Where the key of the second factors is lost: take them all away, so that a new key can be made. No server may be running
    ForgetKey(Place),
}

/// Where the accounts and the trial are.
#[derive(clap::Args)]
pub struct Place {
    /// The ledger: a file, or postgres://USER@HOST/DATABASE?schema=NAME; trial.sqlite here when not said
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    ledger: Option<Address>,
    /// Where the accounts are; beside the ledger, as for `serve`, when not said
    #[arg(long, env = "TRIALWRIGHT_PEOPLE", hide_env_values = true, value_name = "ADDRESS")]
    people: Option<String>,
}

/// A user.
#[derive(clap::Args)]
pub struct Named {
    /// The name the user logs in with
    user: String,
    #[command(flatten)]
    place: Place,
}

/// A new user.
#[derive(clap::Args)]
pub struct Add {
    /// The name the user will log in with
    user: String,
    /// The user's own name, as pages and signatures show it
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Where the user gets mail
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// The role in the trial
    #[arg(long)]
    role: Part,
    /// The site the role is at; for all sites when not said
    #[arg(long)]
    site: Option<SiteId>,
    /// The name under which the role stands in the ledger as given
    #[arg(long, value_name = "NAME", default_value = "trial.office")]
    by: String,
    #[command(flatten)]
    place: Place,
}

/// The roles that log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    SiteCoordinator,
    Investigator,
    RadiationOncologist,
    Monitor,
    DataManager,
    Statistician,
    SafetyCommittee,
    TrialOffice,
}

impl From<Part> for Role {
    fn from(part: Part) -> Self {
        match part {
            Part::SiteCoordinator => Self::SiteCoordinator,
            Part::Investigator => Self::Investigator,
            Part::RadiationOncologist => Self::RadiationOncologist,
            Part::Monitor => Self::Monitor,
            Part::DataManager => Self::DataManager,
            Part::Statistician => Self::Statistician,
            Part::SafetyCommittee => Self::SafetyCommittee,
            Part::TrialOffice => Self::TrialOffice,
        }
    }
}

pub fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Add(options) => add(options),
        Command::List { place, json } => list(place, *json),
        Command::Password(named) => {
            let password = password(&format!("New password of {}: ", named.user))?;
            with_store(&named.place, async |store| store.set_password(&named.user, &password).await)?;
            line(format!("{}: the password is set; every session of the user has ended", named.user))
        }
        Command::Unlock(named) => {
            with_store(&named.place, async |store| store.unlock_user(&named.user).await)?;
            line(format!("{} may log in again", named.user))
        }
        Command::RemoveSecondFactor(named) => {
            with_store(&named.place, async |store| store.remove_second_factor(&named.user).await)?;
            line(format!(
                "{}: the second factor is gone; the user sets up another after logging in",
                named.user
            ))
        }
        Command::Disable(named) => {
            with_store(&named.place, async |store| store.disable_user(&named.user, true).await)?;
            line(format!("{}: the account is closed", named.user))
        }
        Command::Enable(named) => {
            with_store(&named.place, async |store| store.disable_user(&named.user, false).await)?;
            line(format!("{}: the account is open", named.user))
        }
        Command::ForgetKey(place) => {
            with_store(place, async |store| store.forget_key().await)?;
            line(
                "every second factor is gone; the next `serve` makes or takes another key, and each user sets up a new one",
            )
        }
    }
}

impl Place {
    fn ledger(&self) -> Result<Address, Failure> {
        self.ledger.clone().or_else(usual).ok_or_else(|| {
            Failure::new("there is no ledger here, and none was named").hint("--ledger trial.sqlite")
        })
    }

    fn people(&self) -> Result<String, Failure> {
        self.people.clone().map_or_else(|| beside(&self.ledger()?), Ok)
    }
}

/// Adds the account, then gives the role. Where the role is refused, the account stays without one, and that is said.
fn add(options: &Add) -> Result<(), Failure> {
    let (ledger, people) = (options.place.ledger()?, options.place.people()?);
    let role = Role::from(options.role);
    let place = people::permission::belongs_to_site(role);
    if place != options.site.is_some() {
        let says = if place { "this role is at a site" } else { "this role is for all sites" };
        return Err(Failure::usage(says).hint(if place { "--site 01" } else { "the same without --site" }));
    }
    let password = password(&format!("Password of {}: ", options.user))?;
    wait(async {
        // Both are opened before either is written: a wrong address leaves nothing half done.
        let office = Office::open(Ledger::open(&ledger).await?).await?;
        if let Some(site) = &options.site {
            let sites = office.overview().await?.sites;
            if !sites.iter().any(|known| known.id == *site) {
                let known: Vec<String> = sites.iter().map(|site| site.id.to_string()).collect();
                return Err(Failure::new(format!("the trial has no site {site}"))
                    .hint(format!("one of the sites it has: {}", known.join(", "))));
            }
        }
        let store = Store::open(&people).await.map_err(Failure::new)?;
        let new = NewUser {
            name: options.user.clone(),
            display_name: options.name.clone(),
            email: options.email.clone(),
        };
        // In the ledger, users go by the name the store keeps.
        let user = store.add_user(new, &password, Timestamp::now()).await.map_err(Failure::new)?.name;
        store.close().await;
        let actor = Actor::new(options.by.clone(), Role::TrialOffice);
        let mut action = Action::now(&actor, Deed::ChangeUser { user: user.clone(), given: Some(role) });
        action.site.clone_from(&options.site);
        office
            .submit(vec![action])
            .await
            .map_err(|wrong| Failure::new(format!("{user} has an account now, but no role: {wrong}")))?;
        office.ledger().clone().close().await;
        Ok::<_, Failure>(())
    })?;
    let at =
        options.site.as_ref().map_or_else(|| "for all sites".to_owned(), |site| format!("at site {site}"));
    let role = options.role.to_possible_value().map(|value| value.get_name().replace('-', " "));
    line(format!("{}: added, {} {at}", options.user, role.unwrap_or_default()))
}

fn list(place: &Place, json: bool) -> Result<(), Failure> {
    let users = with_store(place, async |store| store.users().await)?;
    if json {
        let users: Vec<_> = users
            .iter()
            .map(|user| {
                json!({
                    "name": user.name, "display_name": user.display_name, "email": user.email,
                    "created": user.created, "last_sign_in": user.last_sign_in,
                    "second_factor": user.second_factor, "disabled": user.disabled, "erased": user.erased,
                })
            })
            .collect();
        return output::json(&users);
    }
    if users.is_empty() {
        return line(
            "nobody has an account yet; `trialwright serve` prints the address that makes the first one",
        );
    }
    let mut shown = table(["user", "name", "last log-in", "second factor", "account"]);
    for user in users {
        let account = match (user.erased, user.disabled) {
            (true, _) => "erased",
            (false, true) => "closed",
            (false, false) => "open",
        };
        let last = user
            .last_sign_in
            .map_or_else(|| "never".into(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
        let second = if user.second_factor { "yes" } else { "no" };
        shown.add_row([user.name, user.display_name, last, second.into(), account.into()]);
    }
    line(told(&shown))
}

fn with_store<T>(place: &Place, work: impl AsyncFnOnce(&Store) -> people::Result<T>) -> Result<T, Failure> {
    let people = place.people()?;
    if !people.contains("://") && !Path::new(&people).exists() {
        return Err(Failure::new(format!("{people}: there are no accounts"))
            .hint("--people ADDRESS, as `serve` was told"));
    }
    wait(async {
        let store = Store::open(&people).await.map_err(Failure::new)?;
        let done = work(&store).await.map_err(Failure::new);
        store.close().await;
        done
    })
}

/// A password, typed twice without being shown; or the first line of standard input, where that is no terminal.
fn password(prompt: &str) -> Result<Secret, Failure> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        let mut text = String::new();
        input.lock().take(64 * 1024).read_to_string(&mut text)?;
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            return Err(
                Failure::usage("standard input holds no password").hint("its first line is the password")
            );
        }
        return Ok(Secret::new(line));
    }
    let typed = rpassword::prompt_password(prompt)?;
    if rpassword::prompt_password("The same again: ")? != typed {
        note("The two differ; nothing was changed.");
        return Err(Failure::new("the password was not typed twice alike"));
    }
    Ok(Secret::new(typed))
}
