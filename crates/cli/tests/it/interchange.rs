//! The registry, FHIR and ODM as a person or a program meets them: on the shared virtual trial, and back into a ledger.

use std::collections::BTreeMap;
use std::path::Path;

use exchange::odm::{self, Step};
use serde_json::Value;
use trial::protocol::{Protocol, check};

use crate::stage::{arg, ledger, scratch, show};

const REGISTRY: &str = "../exchange/tests/data/registry";

fn json(file: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn a_registry_record_begins_a_protocol_that_check_takes() {
    let folder = scratch();
    let file = arg(folder.path().join("mine.toml"));
    let shown = show(&["init", &format!("{REGISTRY}/example-v2.json"), "--out", &file]);
    assert_eq!(shown.code, 0, "{shown}");
    insta::assert_snapshot!("init", shown.without(folder.path()));
    assert_eq!(show(&["check", &file]).code, 0);
    let again = show(&["init", &format!("{REGISTRY}/example-v2.json"), "--out", &file]);
    assert_eq!(again.code, 1, "nothing is written over: {again}");
}

#[test]
fn what_a_record_leaves_open_is_asked_for_by_name() {
    let shown = show(&["init", &format!("{REGISTRY}/avatar-ii.txt")]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.out.contains("# DECIDE: how many participants"), "{shown}");
    assert!(shown.err.contains("participants"), "{shown}");
    let none = show(&["init", &format!("{REGISTRY}/README.md")]);
    assert_eq!(none.code, 1, "{none}");
}

#[test]
fn results_for_the_registry_are_those_of_the_report() {
    let folder = scratch();
    let (file, report) = (folder.path().join("results.json"), show(&["report", &ledger(), "--json"]));
    let shown = show(&["registry-results", &ledger(), "--out", &arg(&file)]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.err.contains("VIRTUAL"), "a simulation must not be registered: {shown}");
    let (results, report): (Value, Value) = (json(&file), serde_json::from_str(&report.out).unwrap());
    let section = &results["resultsSection"];
    let started = &section["participantFlowModule"]["periods"][0]["milestones"][0]["achievements"];
    let main = &report["analyses"][0];
    let outcome = &section["outcomeMeasuresModule"]["outcomeMeasures"][0];
    assert_eq!(outcome["type"], "PRIMARY");
    for (place, arm) in report["flow"]["arms"].as_array().unwrap().iter().enumerate() {
        assert_eq!(started[place]["numSubjects"], arm["allocated"]["n"].to_string());
        let median = main["arms"][place]["median_months"]["value"].as_f64().unwrap();
        let measured = &outcome["classes"][0]["categories"][0]["measurements"][place]["value"];
        assert_eq!(*measured, format!("{median:.2}"));
    }
    let ratio = main["comparison"]["hazard_ratio"]["value"].as_f64().unwrap();
    let cox = outcome["analyses"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["paramType"] == "Hazard Ratio (HR)")
        .unwrap();
    assert_eq!(cox["paramValue"], format!("{ratio:.3}"));
    // Each serious event is counted in its term, once a subject.
    let serious = section["adverseEventsModule"]["seriousEvents"].as_array().unwrap();
    let affected: u64 = serious.iter().map(|event| event["stats"][0]["numAffected"].as_u64().unwrap()).sum();
    assert!(affected >= report["safety"]["serious"][0]["n"].as_u64().unwrap());
}

#[test]
fn fhir_holds_every_subject_and_every_form_it_can() {
    let folder = scratch();
    let to = folder.path().join("fhir");
    let shown = show(&["fhir", &ledger(), "--to", &arg(&to)]);
    assert_eq!(shown.code, 0, "{shown}");
    let manifest = json(&to.join("manifest.json"));
    let count = |kind: &str| {
        let of = manifest["output"].as_array().unwrap().iter().find(|one| one["type"] == kind);
        of.map_or(0, |one| one["count"].as_u64().unwrap())
    };
    let traces: Value = serde_json::from_str(&show(&["explain", &ledger(), "--json"]).out).unwrap();
    assert_eq!(count("Patient"), traces.as_array().unwrap().len() as u64);
    let status = std::fs::read_to_string(to.join("Observation.ndjson")).unwrap();
    let derived: usize =
        traces.as_array().unwrap().iter().map(|trace| trace["responses"].as_array().unwrap().len()).sum();
    assert_eq!(
        status.matches("mcode-cancer-disease-status").count(),
        derived,
        "one disease status a response"
    );
    assert!(status.lines().all(|line| line.contains("HTEST")), "virtual subjects are marked so");
}

/// What every form of a file holds in the end.
fn held(file: &Path, protocol: &Protocol) -> BTreeMap<String, Value> {
    let data = odm::data(&std::fs::read(file).unwrap(), protocol).unwrap();
    let mut held = BTreeMap::new();
    for subject in data.subjects {
        for step in subject.steps {
            let (Step::Save { instance, values } | Step::Correct { instance, values, .. }) = step;
            held.insert(format!("{} {instance:?}", subject.id), Value::Object(values));
        }
    }
    held
}

#[test]
fn odm_goes_out_and_back_into_a_ledger_or_not_at_all() {
    let folder = scratch();
    let place = |name: &str| arg(folder.path().join(name));
    let early = ["odm", "export", &ledger(), "--as-of", "2026-03-31", "--out", &place("early.xml")];
    assert_eq!(show(&early).code, 0);
    let new = place("new.sqlite");
    assert_eq!(show(&["found", "avatar-ii", "--ledger", &new]).code, 0);
    // A value that the trial's rules refuse, in the last subject: nothing at all is entered.
    let text = std::fs::read_to_string(place("early.xml")).unwrap();
    let at =
        text.rfind("ItemOID=\"I.ecog.ECOG\" Value=\"").unwrap() + "ItemOID=\"I.ecog.ECOG\" Value=\"".len();
    std::fs::write(place("wrong.xml"), format!("{}77{}", &text[..at], &text[at + 1..])).unwrap();
    let refused = show(&["odm", "import", &place("wrong.xml"), &new]);
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.err.contains("ECOG"), "{refused}");
    let empty = show(&["explain", &new, "--json"]).out;
    assert_eq!(serde_json::from_str::<Value>(&empty).unwrap(), Value::Array(vec![]), "not one subject");
    let shown = show(&["odm", "import", &place("early.xml"), &new]);
    assert_eq!(shown.code, 0, "{shown}");
    assert_eq!(show(&["odm", "export", &new, "--out", &place("again.xml")]).code, 0);
    let protocol =
        check(&std::fs::read_to_string("../../protocols/avatar-ii.toml").unwrap()).unwrap().protocol;
    let (before, after) = (
        held(&folder.path().join("early.xml"), &protocol),
        held(&folder.path().join("again.xml"), &protocol),
    );
    assert!(before.len() > 100, "{}", before.len());
    assert_eq!(before, after);
    assert_eq!(show(&["odm", "import", &place("early.xml"), &new]).code, 1, "nobody is screened twice");
    assert_eq!(show(&["verify", &new]).code, 0);
}

#[test]
fn odm_forms_begin_a_protocol() {
    let shown = show(&["odm", "init", "../exchange/tests/data/odm/foreign.xml"]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.out.contains("id = \"Vital_signs\"") && shown.err.contains("arms"), "{shown}");
}
