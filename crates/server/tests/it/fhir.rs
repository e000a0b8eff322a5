//! FHIR by the API: the same gates as the rest of it, pages that lead on, resources that are found again by their ids.

use std::collections::BTreeSet;

use serde_json::Value;
use trial::event::Role;

use crate::api::token;
use crate::scaffold::{Reply, Running, TRIAL, demo};

fn get(server: &Running, token: &str, path: &str) -> Reply {
    let bearer = format!("Bearer {token}");
    let at = format!("/api/v1/trials/{TRIAL}/{path}");
    server.client().send("GET", &at, &[("authorization", &bearer)], None)
}

fn read(server: &Running, token: &str, path: &str) -> Value {
    let reply = get(server, token, path);
    assert_eq!(reply.status, 200, "{path}: {}", reply.body);
    assert_eq!(reply.header("content-type"), Some("application/fhir+json"), "{path}");
    serde_json::from_str(&reply.body).unwrap()
}

fn entries(bundle: &Value) -> Vec<&Value> {
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&"Bundle".into(), &"searchset".into()));
    bundle["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"]).collect()
}

#[test]
fn a_token_reads_the_patients_of_its_sites_page_by_page() {
    let server = demo();
    let server = &*server;
    let own = token(server, Role::SiteCoordinator, Some("01"));
    let mut path = "fhir/Patient?_count=2".to_owned();
    let mut seen = BTreeSet::new();
    loop {
        let bundle = read(server, &own, &path);
        for patient in entries(&bundle) {
            let site = patient["managingOrganization"]["reference"].as_str().unwrap();
            assert!(site.ends_with(".site.01"), "{site}");
            assert!(patient.get("name").is_none() && patient.get("telecom").is_none(), "{patient}");
            assert!(seen.insert(patient["id"].as_str().unwrap().to_owned()), "each once");
        }
        let next = bundle["link"].as_array().into_iter().flatten().find(|link| link["relation"] == "next");
        let Some(next) = next else { break };
        let url = next["url"].as_str().unwrap();
        path = url.split_once(&format!("/trials/{TRIAL}/")).unwrap().1.to_owned();
    }
    let all = token(server, Role::DataManager, None);
    let whole = read(server, &all, "fhir/Patient");
    assert!(
        seen.len() > 1 && entries(&whole).len() > seen.len(),
        "{} of {}",
        seen.len(),
        entries(&whole).len()
    );
    // What another site's is, the token may not know of.
    let foreign =
        entries(&whole).into_iter().find(|one| !seen.contains(one["id"].as_str().unwrap())).unwrap();
    let at = format!("fhir/Patient/{}", foreign["id"].as_str().unwrap());
    assert_eq!((get(server, &own, &at).status, get(server, &all, &at).status), (404, 200));
    let of_foreign = format!("fhir/Observation?patient={}", foreign["id"].as_str().unwrap());
    assert!(entries(&read(server, &own, &of_foreign)).is_empty());
}

#[test]
fn everything_of_a_subject_is_found_again_by_type_and_id() {
    let server = demo();
    let server = &*server;
    let all = token(server, Role::Monitor, None);
    let subject = server.subject_at("01");
    let whole = read(server, &all, &format!("subjects/{subject}/fhir"));
    let resources = entries(&whole);
    assert!(resources.len() > 5, "{}", resources.len());
    for kind in ["Patient", "ResearchSubject", "Observation", "BodyStructure"] {
        let found = read(server, &all, &format!("fhir/{kind}?patient=Patient/{subject}"));
        let of_kind: Vec<&Value> =
            resources.iter().copied().filter(|one| one["resourceType"] == kind).collect();
        assert_eq!(entries(&found), of_kind, "{kind}");
        let first = of_kind[0];
        assert_eq!(read(server, &all, &format!("fhir/{kind}/{}", first["id"].as_str().unwrap())), *first);
    }
    for kind in ["ResearchStudy", "Group", "Organization"] {
        let found = read(server, &all, &format!("fhir/{kind}"));
        let first = entries(&found)[0].clone();
        assert_eq!(read(server, &all, &format!("fhir/{kind}/{}", first["id"].as_str().unwrap())), first);
    }
}

#[test]
fn fhir_has_the_gates_of_the_api() {
    let server = demo();
    let server = &*server;
    let committee = token(server, Role::SafetyCommittee, None);
    assert_eq!(get(server, &committee, "fhir/Patient").status, 403);
    assert_eq!(get(server, "tw_none", "fhir/Patient").status, 401);
    let all = token(server, Role::Monitor, None);
    assert_eq!(read(server, &committee, "fhir/metadata")["fhirVersion"], "4.0.1");
    for (path, status) in [
        ("fhir/Medication", 404),
        ("fhir/Patient/nobody-such", 404),
        ("fhir/Patient?_count=0", 400),
        ("fhir/Patient?name=Smith", 400),
    ] {
        assert_eq!(get(server, &all, path).status, status, "{path}");
    }
}
