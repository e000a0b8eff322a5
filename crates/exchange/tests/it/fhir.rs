//! FHIR resources of a subject and of a study: what stands in them, that references lead somewhere, and that nobody is named.

use std::collections::{BTreeMap, BTreeSet};

use exchange::fhir::{Bulk, Exporter, Place, Resource, of_subject};
use serde_json::{Value, json};
use trial::derive::derive;
use trial::event::{Entered, Event};
use trial::id::SubjectId;
use trial::protocol::{ProtocolHistory, check};
use trial::record::Record;

use crate::written::Written;

const PROTOCOL: &str = include_str!("../../../../protocols/avatar-ii.toml");

fn history() -> ProtocolHistory {
    ProtocolHistory::new(1, check(PROTOCOL).unwrap())
}

/// A subject with one of each: two scans, a course of SABR, an adverse event, a questionnaire with a gap, a withdrawal.
fn record(history: &ProtocolHistory) -> Record {
    let lesion = |id: &str, role: &str, place: &str, mm: Option<f64>, state: Option<&str>| {
        let mut row = json!({ "TULNKID": id, "TUORRES": role, "TULOC": place });
        if let Some(mm) = mm {
            row["DIAMETER"] = json!(mm);
        }
        if let Some(state) = state {
            row["TUMSTATE"] = json!(state);
        }
        row
    };
    let form = |form: &str, visit: Option<&str>, values: Value| {
        let mut event = json!({ "kind": "form_saved", "form": form, "values": values });
        if let Some(visit) = visit {
            event["visit"] = json!(visit);
        }
        event
    };
    let events = [
        json!({ "kind": "subject_screened" }),
        form("consent", Some("SCREENING"), json!({ "RFICDAT": "2026-01-05", "RFICYN": "Y" })),
        form("demography", Some("SCREENING"), json!({ "BRTHYY": 1964, "SEX": "F", "MENOPAUS": "POST" })),
        form("ecog", Some("SCREENING"), json!({ "QSDAT": "2026-01-06", "ECOG": 1 })),
        form(
            "tumour",
            Some("SCREENING"),
            json!({ "TRDAT": "2026-01-07", "TRMETHOD": "CT SCAN", "LESIONS": [
                lesion("T01", "TARGET", "LIVER", Some(30.0), None),
                lesion("T02", "TARGET", "LYMPH NODE", Some(18.0), None),
                lesion("NT01", "NON-TARGET", "PLEURA", None, Some("PRESENT")),
            ] }),
        ),
        json!({ "kind": "randomised", "arm": "A", "date": "2026-01-12", "stratum": [["opd_lesions", "1"], ["bone_only", "no"]], "position": 0 }),
        form("factb", Some("SCREENING"), json!({ "QSDAT": "2026-01-07", "GP1": 3, "GP2": 0, "B1": 4 })),
        form(
            "sabr",
            None,
            json!({ "PRSTDAT": "2026-01-20", "PRENDAT": "2026-01-24", "PRTECH": "LINAC", "LESIONS": [
            { "TULNKID": "T01", "PRDOSFRX": 16.7, "PRNFRX": 3 }, { "TULNKID": "T02", "PRDOSFRX": 20.0, "PRNFRX": 1 },
        ] }),
        ),
        form(
            "ae",
            None,
            json!({ "AETERM": "Nausea", "AEBODSYS": "Gastrointestinal disorders", "AETOXGR": 2, "AESTDAT": "2026-02", "AESER": "N",
            "AEOUT": "RECOVERED", "AERELSYS": "POSSIBLE", "AERELSAB": "UNLIKELY" }),
        ),
        form(
            "tumour",
            Some("W12"),
            json!({ "TRDAT": "2026-04-06", "LESIONS": [
                lesion("T01", "TARGET", "LIVER", Some(12.0), None),
                { "TULNKID": "T02", "TUORRES": "TARGET", "TULOC": "LYMPH NODE", "TRSTAT": "NOT DONE", "TRREASND": "Out of the field" },
                lesion("NT01", "NON-TARGET", "PLEURA", None, Some("PRESENT")),
                lesion("N01", "NEW", "LUNG, LEFT UPPER LOBE", None, Some("UNEQUIVOCAL")),
            ] }),
        ),
        form("withdrawal", None, json!({ "DSSTDAT": "2026-05-01", "DSDECOD": "WITHDRAWAL OF CONSENT" })),
    ];
    let entered: Vec<Entered> = (2..)
        .zip(events)
        .map(|(seq, mut event)| {
            for (name, value) in [
                ("who", json!("jo.smith")),
                ("role", json!("investigator")),
                ("recorded", json!("2026-05-01T08:00:00.123456789Z")),
            ] {
                event[name] = value;
            }
            event["site"] = json!("01");
            event["subject"] = json!("01-001");
            Entered { seq, event: serde_json::from_value::<Event>(event).unwrap() }
        })
        .collect();
    let record = Record::fold(history, &SubjectId::from("01-001"), &entered);
    assert_eq!(record.faults, []);
    record
}

fn all(history: &ProtocolHistory) -> Vec<Resource> {
    let exporter = Exporter::new(history, false);
    let record = record(history);
    let sites =
        [Place { id: "01", name: "General Hospital", country: Some("AUS"), opened: None, open: true }];
    let mut resources = exporter.study(&sites);
    resources.extend(of_subject(&exporter, &record, &derive(history, &record, None)));
    resources
}

#[test]
fn a_subject_and_its_study_as_resources() {
    let resources = all(&history());
    let json: Vec<&serde_json::Map<String, Value>> =
        resources.iter().filter(|one| one.kind() != "Group").map(|one| &one.0).collect();
    insta::assert_json_snapshot!("resources", json);
}

/// Every `reference` in a resource.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("reference").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

fn no_nulls(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty() && list.iter().all(no_nulls),
        Value::Object(members) => !members.is_empty() && members.values().all(no_nulls),
        _ => true,
    }
}

/// What holds for every set of resources.
fn holds(resources: &[Resource]) {
    let known: BTreeSet<String> =
        resources.iter().map(|one| format!("{}/{}", one.kind(), one.id())).collect();
    assert_eq!(known.len(), resources.len(), "each stands once");
    for resource in resources {
        let value = Value::Object(resource.0.clone());
        assert!(no_nulls(&value), "FHIR has no empty members: {value}");
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        assert!(
            (1..=64).contains(&resource.id().len()) && resource.id().chars().all(plain),
            "{}",
            resource.id()
        );
        let mut found = Vec::new();
        references(&value, &mut found);
        for reference in found {
            assert!(known.contains(&reference), "{} refers to {reference}", resource.id());
        }
    }
}

#[test]
fn references_lead_to_resources() {
    holds(&all(&history()));
}

#[test]
fn readers_apart_keep_their_lesions_apart() {
    let import = Written::sound().read().unwrap();
    let history = import.history();
    let exporter = Exporter::new(&history, false);
    let sites = [Place { id: "01", name: "", country: None, opened: None, open: true }];
    let mut resources = exporter.study(&sites);
    for subject in &import.subjects {
        let record = import.record(&history, subject);
        resources.extend(of_subject(&exporter, &record, &derive(&history, &record, None)));
    }
    holds(&resources);
    let lesions = resources.iter().filter(|one| one.kind() == "BodyStructure").count();
    assert_eq!(lesions, 4, "three of the investigator, one of the independent reader");
}

#[test]
fn a_subject_number_that_cannot_be_an_id_still_has_one_of_its_own() {
    let history = history();
    let exporter = Exporter::new(&history, false);
    let of = |number: &str| exporter.patient_id(&SubjectId::from(number));
    let numbers = ["01/001", "01-001", "01 001", "É1", "é1", "", &"9".repeat(80), &"9".repeat(81)];
    let ids: BTreeSet<String> = numbers.iter().map(|number| of(number)).collect();
    assert_eq!(ids.len(), numbers.len(), "{ids:?}");
    assert!(ids.iter().all(|id| (1..=64).contains(&id.len())), "{ids:?}");
}

#[test]
fn the_wording_of_a_questionnaire_stands_in_it_only_where_it_was_loaded() {
    let history = history();
    let record = record(&history);
    let texts = BTreeMap::from([(
        "factb".to_owned(),
        BTreeMap::from([("GP1".to_owned(), "I am told so".to_owned())]),
    )]);
    let derived = derive(&history, &record, None);
    let without = of_subject(&Exporter::new(&history, false), &record, &derived);
    let with = of_subject(&Exporter::new(&history, false).with_wording(texts), &record, &derived);
    let first = |all: &[Resource]| {
        let one = all.iter().find(|one| one.kind() == "QuestionnaireResponse").unwrap();
        one.0["item"][0]["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(first(&without), "Physical well-being, item 1");
    assert_eq!(first(&with), "I am told so");
}

#[test]
fn what_is_virtual_is_marked_so() {
    let history = history();
    let record = record(&history);
    let exporter = Exporter::new(&history, true);
    let mut resources = of_subject(&exporter, &record, &derive(&history, &record, None));
    resources.extend(exporter.study(&[]));
    for resource in resources {
        assert_eq!(resource.0["meta"]["security"][0]["code"], "HTEST", "{}", resource.id());
    }
}

#[test]
fn an_export_is_whole_or_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let resources = all(&history());
    let mut bulk = Bulk::create(dir.path()).unwrap();
    for one in &resources {
        bulk.push(one).unwrap();
    }
    drop(bulk);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing of an export that was given up");
    let mut bulk = Bulk::create(dir.path()).unwrap();
    for one in &resources {
        bulk.push(one).unwrap();
    }
    let written = bulk.finish(None, "a test").unwrap();
    assert_eq!(written.iter().map(|one| one.count).sum::<u64>(), resources.len() as u64);
    for one in &written {
        let text = std::fs::read_to_string(&one.file).unwrap();
        assert_eq!(text.lines().count() as u64, one.count);
        assert!(
            text.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["resourceType"] == one.kind)
        );
    }
    // A smaller export over it leaves no file of the larger.
    let mut bulk = Bulk::create(dir.path()).unwrap();
    bulk.push(&resources[0]).unwrap();
    bulk.finish(None, "a test").unwrap();
    let mut names: Vec<String> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["Organization.ndjson", "manifest.json"]);
}
