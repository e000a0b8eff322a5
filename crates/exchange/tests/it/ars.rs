//! A reporting event: what it refers to is there, its keys are the standard's, and its numbers are the report's.

use std::collections::{BTreeMap, BTreeSet};

use analysis::results::{About, Results};
use exchange::ars::reporting_event;
use rstest::rstest;
use serde_json::Value;
use trial::protocol::ProtocolHistory;

/// The trial of a directory of SDTM.
fn imported() -> (ProtocolHistory, Results) {
    crate::written::results(&crate::written::Written::sound().read().unwrap())
}

/// The same protocol with nobody in it.
fn nobody() -> (ProtocolHistory, Results) {
    let (history, _) = imported();
    let about = About::of(&history, "a test");
    let context = analysis::Context { about, sites: Vec::new(), limits: analysis::Limits::default() };
    let results = analysis::results(&history, context, Vec::new());
    (history, results)
}

/// The ids of the elements of an array, each of which there is once.
fn ids(event: &Value, key: &str) -> BTreeSet<String> {
    let of: Vec<String> = event[key].as_array().unwrap().iter().map(|one| text(&one["id"])).collect();
    let set: BTreeSet<String> = of.iter().cloned().collect();
    assert_eq!(set.len(), of.len(), "an id of {key} twice: {of:?}");
    set
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

#[rstest]
#[case::imported(imported())]
#[case::nobody(nobody())]
fn whatever_is_referred_to_is_there(#[case] (history, results): (ProtocolHistory, Results)) {
    let event = serde_json::to_value(reporting_event(&history, &results)).unwrap();
    let (sets, subsets, analyses) =
        (ids(&event, "analysisSets"), ids(&event, "dataSubsets"), ids(&event, "analyses"));
    let mut groupings = ids(&event, "analysisGroupings");
    assert!(groupings.is_disjoint(&ids(&event, "dataGroupings")));
    groupings.extend(ids(&event, "dataGroupings"));
    let groups: BTreeSet<String> =
        event["analysisGroupings"].as_array().unwrap().iter().flat_map(|of| ids(of, "groups")).collect();
    let methods: BTreeMap<String, BTreeSet<String>> = event["methods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|method| (text(&method["id"]), ids(method, "operations")))
        .collect();
    let documents = ids(&event, "referenceDocuments");
    let terms = ids(&event["terminologyExtensions"][0], "sponsorTerms");
    let all = serde_json::to_value(&results).unwrap();
    for analysis in event["analyses"].as_array().unwrap() {
        let id = text(&analysis["id"]);
        assert!(sets.contains(&text(&analysis["analysisSetId"])), "{id}");
        assert!(analysis.get("dataSubsetId").is_none_or(|of| subsets.contains(&text(of))), "{id}");
        if let Some(term) = analysis["purpose"].get("sponsorTermId") {
            assert!(terms.contains(&text(term)), "{id}");
        } else {
            let outcomes =
                ["PRIMARY OUTCOME MEASURE", "SECONDARY OUTCOME MEASURE", "EXPLORATORY OUTCOME MEASURE"];
            assert!(outcomes.contains(&analysis["purpose"]["controlledTerm"].as_str().unwrap()), "{id}");
        }
        let ordered: Vec<String> = analysis["orderedGroupings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|of| text(&of["groupingId"]))
            .collect();
        assert!(ordered.iter().all(|of| groupings.contains(of)), "{id}: {ordered:?}");
        let mut pointer = None;
        for reference in analysis["documentRefs"].as_array().unwrap() {
            let document = text(&reference["referenceDocumentId"]);
            assert!(documents.contains(&document), "{id}");
            if document == "RD_RESULTS" {
                pointer = Some(text(&reference["pageRefs"][0]["pageNames"][0]));
            }
        }
        // Everything that stands where the analysis points to, and beside it.
        let pointer = pointer.unwrap();
        assert!(all.pointer(&pointer).is_some(), "{id}: nothing at {pointer}");
        let around = all.pointer(&around(&pointer)).unwrap().to_string();
        let operations = &methods[&text(&analysis["methodId"])];
        for result in analysis["results"].as_array().unwrap() {
            assert!(operations.contains(&text(&result["operationId"])), "{id}: {result}");
            for group in result["resultGroups"].as_array().unwrap() {
                assert!(ordered.contains(&text(&group["groupingId"])), "{id}: {group}");
                assert!(group.get("groupId").is_none_or(|of| groups.contains(&text(of))), "{id}: {group}");
                assert!(group.get("groupId").is_some() != group.get("groupValue").is_some(), "{id}: {group}");
            }
            let number: f64 = result["rawValue"].as_str().unwrap().parse().unwrap();
            let written = serde_json::to_string(&number).unwrap();
            let whole = written.strip_suffix(".0").unwrap_or(&written);
            assert!(around.contains(whole), "{id}: {whole} of {result} is not in the results at {pointer}");
        }
    }
    let listed: Vec<String> = event["mainListOfContents"]["contentsList"]["listItems"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|chapter| chapter["sublist"]["listItems"].as_array().unwrap())
        .map(|item| text(&item["analysisId"]))
        .collect();
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), analyses);
    assert_eq!(listed.len(), analyses.len(), "an analysis is listed twice");
}

/// The first two steps of a pointer: a comparison stands beside the estimates of its arms, a row beside the other rows.
fn around(pointer: &str) -> String {
    let steps: Vec<&str> = pointer.split('/').skip(1).collect();
    let kept = if steps[0] == "analyses" { 2 } else { 1 };
    steps.iter().take(kept).fold(String::new(), |all, step| all + "/" + step)
}

/// The classes of the JSON schema of the standard (`ars_ldm` 1.0) that are written: the keys it requires, and those it allows.
/// The schema allows no others.
#[rstest]
#[case("", &["id", "mainListOfContents", "name"], &["version", "description", "referenceDocuments", "terminologyExtensions",
    "analysisSets", "analysisGroupings", "dataGroupings", "dataSubsets", "methods", "analyses"])]
#[case("mainListOfContents", &["contentsList", "name"], &[])]
#[case("referenceDocuments", &["id", "name"], &["description", "location"])]
#[case("terminologyExtensions", &["id", "sponsorTerms"], &["enumeration"])]
#[case("terminologyExtensions.sponsorTerms", &["id", "submissionValue"], &["description"])]
#[case("analysisSets", &["id", "level", "order"], &["label", "condition"])]
#[case("dataSubsets", &["id", "level", "order"], &["label", "condition"])]
#[case("analysisGroupings", &["id", "dataDriven"], &["label", "groupingDataset", "groupingVariable", "groups"])]
#[case("analysisGroupings.groups", &["id", "level", "order"], &["label", "condition"])]
#[case("dataGroupings", &["id", "dataDriven"], &["label", "groupingDataset", "groupingVariable"])]
#[case("methods", &["id", "operations", "name"], &["description"])]
#[case("methods.operations", &["id", "order", "name"], &[])]
#[case("analyses", &["id", "reason", "purpose", "methodId", "name"], &["version", "description", "documentRefs", "analysisSetId",
    "dataSubsetId", "dataset", "variable", "orderedGroupings", "results"])]
#[case("analyses.orderedGroupings", &["order", "groupingId", "resultsByGroup"], &[])]
#[case("analyses.documentRefs", &["referenceDocumentId"], &["pageRefs"])]
#[case("analyses.documentRefs.pageRefs", &["refType", "pageNames"], &[])]
#[case("analyses.results", &["operationId"], &["resultGroups", "rawValue"])]
#[case("analyses.results.resultGroups", &["groupingId"], &["groupId", "groupValue"])]
#[case("mainListOfContents.contentsList.listItems", &["level", "order", "name"], &["sublist"])]
#[case("mainListOfContents.contentsList.listItems.sublist.listItems", &["level", "order", "name"], &["analysisId"])]
fn keys_are_the_standards(#[case] path: &str, #[case] required: &[&str], #[case] allowed: &[&str]) {
    let (history, results) = imported();
    let event = serde_json::to_value(reporting_event(&history, &results)).unwrap();
    let mut found = vec![&event];
    for step in path.split('.').filter(|step| !step.is_empty()) {
        found = found
            .into_iter()
            .flat_map(|value| match &value[step] {
                Value::Array(all) => all.iter().collect(),
                other => vec![other],
            })
            .collect();
    }
    assert!(!found.is_empty(), "no {path}");
    for one in found {
        let keys: BTreeSet<&str> = one.as_object().unwrap().keys().map(String::as_str).collect();
        for key in required {
            assert!(keys.contains(key), "{path} without {key}: {one}");
        }
        for key in &keys {
            assert!(required.contains(key) || allowed.contains(key), "{path}.{key} is not of the standard");
        }
    }
}
