//! A small trial to test on: AVATAR II's protocol with two sites, and subjects who may be randomised.

// Each test file takes its part; a test may unwrap, clippy looks only at `#[test]` functions.
#![allow(dead_code, clippy::unwrap_used, clippy::needless_pass_by_value)]

use jiff::Timestamp;
use ledger::Ledger;
use office::{Action, Actor, Deed, Office};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use trial::event::{Instance, Role};
use trial::protocol::{Checked, check};
use trial::randomise::Seed;

pub const AVATAR: &str = include_str!("../../../../protocols/avatar-ii.toml");

pub fn protocol() -> Checked {
    check(AVATAR).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// The same protocol as another version.
pub fn amended(version: &str) -> Checked {
    let source = AVATAR.replacen("version = \"1.0\"", &format!("version = \"{version}\""), 1);
    check(&source).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// A moment: minutes after 2026-03-01T08:00Z.
pub fn at(minutes: i64) -> Timestamp {
    let start: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
    start + jiff::SignedDuration::from_mins(minutes)
}

pub fn actor() -> Actor {
    Actor::new("anna", Role::SiteCoordinator)
}

pub fn act(minutes: i64, subject: &str, deed: Deed) -> Action {
    Action::new(&actor(), at(minutes), deed).at("01").of(subject)
}

pub fn instance(form: &str, visit: Option<&str>, occurrence: u32) -> Instance {
    Instance { form: form.into(), visit: visit.map(str::to_owned), occurrence }
}

pub fn screening(form: &str) -> Instance {
    instance(form, Some("SCREENING"), 1)
}

pub fn values(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

pub fn save(instance: Instance, given: Value) -> Deed {
    Deed::Save { instance, values: values(given) }
}

pub fn correct(instance: Instance, given: Value, reason: &str) -> Deed {
    Deed::Correct { instance, values: values(given), reason: reason.into() }
}

/// The forms of somebody who meets every criterion.
pub fn eligible() -> Vec<(&'static str, Value)> {
    vec![
        ("consent", json!({ "RFICDAT": "2026-02-10", "RFICYN": "Y" })),
        ("demography", json!({ "BRTHYY": 1961, "SEX": "F" })),
        (
            "history",
            json!({ "MHSTDAT": "2019", "MHMETDAT": "2024-01", "MHSTAGE": "METASTATIC", "ERSTAT": "POSITIVE",
                "HER2STAT": "NEGATIVE", "OPDNEW": "Y", "CHEMOMET": "N", "LMD": "N" }),
        ),
        (
            "firstline",
            json!({ "CMTRT": "Letrozole + ribociclib", "LINE": 1, "ETCLASS": "AI", "CDKYN": "Y", "CDKTRT": "RIBOCICLIB",
                "CMSTDAT": "2024-02-05", "CMONGO": "Y", "BESTRESP": "PR", "RESPTHRU": "2025-11-20" }),
        ),
        ("ecog", json!({ "QSDAT": "2026-02-12", "ECOG": 1 })),
        (
            "tumour",
            json!({ "TRDAT": "2026-02-15", "LESIONS": [
                { "TULNKID": "T01", "TUORRES": "TARGET", "TULOC": "LIVER", "DIAMETER": 22.0, "OPD": "Y", "AMENABLE": "Y",
                    "PRIORRT": "N" },
                { "TULNKID": "NT01", "TUORRES": "NON-TARGET", "TULOC": "BONE", "TUMSTATE": "PRESENT", "OPD": "N" } ] }),
        ),
    ]
}

/// Screens `subject` and saves the forms of an eligible one, but for those named in `without`.
pub fn screened(minutes: i64, subject: &str, without: &[&str]) -> Vec<Action> {
    let forms = eligible().into_iter().filter(|(form, _)| !without.contains(form));
    let mut actions = vec![act(minutes, subject, Deed::Screen)];
    actions.extend(forms.map(|(form, given)| act(minutes, subject, save(screening(form), given))));
    actions
}

pub fn randomise(minutes: i64, subject: &str) -> Action {
    act(minutes, subject, Deed::Randomise { date: jiff::civil::date(2026, 3, 1) })
}

pub fn open_site(minutes: i64, site: &str) -> Action {
    let deed = Deed::OpenSite { name: format!("Hospital {site}"), country: None };
    Action::new(&Actor::new("olga", Role::TrialOffice), at(minutes), deed).at(site)
}

/// A trial with sites 01 and 02, founded at minute 0.
pub async fn founded() -> (TempDir, Office) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::create(folder.path().join("trial.ledger")).await.unwrap();
    let office = Office::found(ledger, protocol(), Seed([7; 32]), &actor(), at(0)).await.unwrap();
    office.submit(vec![open_site(0, "01"), open_site(0, "02")]).await.unwrap();
    (folder, office)
}

/// Until an office looks again what others wrote.
pub async fn a_moment() {
    tokio::time::sleep(std::time::Duration::from_millis(120)).await;
}

/// Where a test keeps its ledger.
#[derive(Clone, Copy, Debug)]
pub enum Kept {
    InAFile,
    OnPostgres,
}

/// A place for a ledger and its seed; gone when it is dropped.
pub struct Place {
    pub folder: TempDir,
    pub address: ledger::Address,
    _database: Option<temporary_postgres::Database<'static>>,
}

impl Kept {
    /// None where the machine has no `PostgreSQL`, which is said loudly.
    pub fn place(self) -> Option<Place> {
        let folder = tempfile::tempdir().unwrap();
        Some(match self {
            Self::InAFile => {
                let address = folder.path().join("trial.ledger").as_path().into();
                Place { folder, address, _database: None }
            }
            Self::OnPostgres => {
                let database = temporary_postgres::cluster()?.database();
                let address = database.url().parse().unwrap();
                Place { folder, address, _database: Some(database) }
            }
        })
    }
}

impl Place {
    pub fn seed(&self) -> office::SeedPlace {
        office::SeedPlace::File(self.folder.path().join("trial.seed"))
    }

    pub async fn open(&self) -> Office {
        Office::open_with(Ledger::open(&self.address).await.unwrap(), self.seed()).await.unwrap()
    }

    pub async fn found(&self, protocol: Checked) -> Office {
        let founding = office::Founding {
            protocol,
            seed: Seed([7; 32]),
            seed_place: self.seed(),
            actor: actor(),
            at: Some(at(0)),
            simulated: false,
        };
        Office::establish(Ledger::create(&self.address).await.unwrap(), founding).await.unwrap()
    }
}
