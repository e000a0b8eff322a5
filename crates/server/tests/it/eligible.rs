//! Subjects that meet every criterion of AVATAR II, or lack a form or two, entered beside the server.

// Each module takes its part; a test may unwrap, clippy looks only at `#[test]` functions.
#![allow(dead_code, clippy::unwrap_used)]

use office::{Action, Actor, Deed};
use serde_json::{Value, json};
use trial::event::{Entered, Instance, Role, What};
use trial::id::SubjectId;
use trial::record::Record;

use crate::scaffold::Running;

/// The history of somebody eligible, as it is typed into the form.
pub const HISTORY: [(&str, &str); 8] = [
    ("MHSTDAT", "2019-03"),
    ("MHMETDAT", "2022-05"),
    ("MHSTAGE", "METASTATIC"),
    ("ERSTAT", "POSITIVE"),
    ("HER2STAT", "NEGATIVE"),
    ("OPDNEW", "Y"),
    ("CHEMOMET", "N"),
    ("LMD", "N"),
];

/// The screening forms of somebody who meets every criterion.
pub fn forms() -> Vec<(&'static str, Value)> {
    vec![
        ("consent", json!({ "RFICDAT": "2025-12-10", "RFICYN": "Y" })),
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
        ("ecog", json!({ "QSDAT": "2025-12-12", "ECOG": 1 })),
        (
            "tumour",
            json!({ "TRDAT": "2025-12-15", "LESIONS": [
                { "TULNKID": "T01", "TUORRES": "TARGET", "TULOC": "LIVER", "DIAMETER": 22.0, "OPD": "Y", "AMENABLE": "Y",
                    "PRIORRT": "N" },
                { "TULNKID": "NT01", "TUORRES": "NON-TARGET", "TULOC": "BONE", "TUMSTATE": "PRESENT", "OPD": "N" } ] }),
        ),
    ]
}

pub fn screening(form: &str) -> Instance {
    Instance { form: form.into(), visit: Some("SCREENING".into()), occurrence: 1 }
}

pub fn values(given: Value) -> serde_json::Map<String, Value> {
    let Value::Object(values) = given else { panic!("{given} is no map") };
    values
}

/// Screens a subject and saves the forms of an eligible one, but for those named in `without`.
pub fn screened(running: &Running, site: &str, subject: &str, without: &[&str]) {
    screened_with(running, site, subject, forms().into_iter().filter(|(form, _)| !without.contains(form)));
}

/// Screens a subject and saves these forms.
pub fn screened_with(
    running: &Running,
    site: &str,
    subject: &str,
    forms: impl Iterator<Item = (&'static str, Value)>,
) {
    let actor = Actor::new("coordinator", Role::SiteCoordinator);
    let act = |deed| Action::now(&actor, deed).at(site).of(subject);
    let mut actions = vec![act(Deed::Screen)];
    actions.extend(
        forms.map(|(form, given)| act(Deed::Save { instance: screening(form), values: values(given) })),
    );
    running.submit(actions);
}

pub fn record(running: &Running, subject: &str) -> Option<Record> {
    running.reading().record(&SubjectId::from(subject)).unwrap().map(|(record, _)| record)
}

/// The allocations in the ledger.
pub fn drawn(running: &Running) -> Vec<Entered> {
    events(running, |what| matches!(what, What::Randomised { .. }))
}

/// The events of a kind in the ledger.
pub fn events(running: &Running, wanted: impl Fn(&What) -> bool) -> Vec<Entered> {
    running.wait(async {
        let ledger = ledger::Ledger::open_read_only(running.ledger("one")).await.unwrap();
        let count = ledger.head().await.unwrap().count;
        let mut found = Vec::new();
        for seq in 1..=count {
            let event: trial::event::Event = ledger.event(seq).await.unwrap().unwrap().parse().unwrap();
            if wanted(&event.what) {
                found.push(Entered { seq, event });
            }
        }
        ledger.close().await;
        found
    })
}
