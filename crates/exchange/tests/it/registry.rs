//! Registry records as the beginning of a protocol: what is read, what is left to a person, and that no record breaks it.

use exchange::registry::{self, Rank};
use proptest::prelude::*;

const TEXT: &str = include_str!("../data/registry/avatar-ii.txt");
const V2: &str = include_str!("../data/registry/example-v2.json");

/// What the reader of protocols says of a skeleton.
fn faults(toml: &str) -> Vec<String> {
    match trial::protocol::check(toml) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_record_as_text_is_read_field_by_field() {
    let record = registry::read(TEXT.as_bytes()).unwrap();
    insta::assert_json_snapshot!("text_record", record);
    let ranks = record.outcomes.iter().map(|outcome| outcome.rank);
    assert_eq!(ranks.filter(|rank| *rank == Rank::Secondary).count(), 6);
}

#[test]
fn a_record_as_text_begins_a_protocol() {
    let skeleton = registry::skeleton(&registry::read(TEXT.as_bytes()).unwrap());
    insta::assert_snapshot!("text_skeleton", skeleton.toml);
    let faults = faults(&skeleton.toml);
    // The record does not say how many take part, and nothing else is missing.
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].contains("participants"), "{faults:#?}");
    assert_eq!(skeleton.toml.matches("# DECIDE: ").count(), skeleton.decisions.len());
}

#[test]
fn with_the_missing_number_the_reader_accepts_it() {
    let skeleton = registry::skeleton(&registry::read(TEXT.as_bytes()).unwrap());
    let whole = skeleton.toml.replacen("[trial]\n", "[trial]\nparticipants = 74\n", 1);
    let checked = trial::protocol::check(&whole).map_err(|faults| format!("{faults:#?}")).unwrap();
    let protocol = checked.protocol;
    let endpoints: Vec<&str> = protocol.endpoints.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(endpoints, ["TSF", "PFS", "PFS2", "PFS2ND", "OS"]);
    assert_eq!(protocol.schedule.follow_up_months, 36);
    assert_eq!(protocol.trial.phase.as_deref(), Some("II"));
    let weeks = protocol.quality_of_life.map(|rule| rule.weeks);
    assert_eq!(weeks, Some(vec![0, 12, 24, 36, 48]));
    assert_eq!(
        protocol.arms.iter().filter(|arm| arm.control).map(|arm| arm.id.as_str()).collect::<Vec<_>>(),
        ["B"]
    );
}

#[test]
fn a_study_record_begins_a_protocol_that_is_accepted() {
    let record = registry::read(V2.as_bytes()).unwrap();
    let skeleton = registry::skeleton(&record);
    insta::assert_snapshot!("v2_skeleton", skeleton.toml);
    assert_eq!(faults(&skeleton.toml), [""; 0]);
    let protocol = trial::protocol::check(&skeleton.toml).unwrap().protocol;
    assert_eq!(protocol.arms.iter().map(|arm| arm.ratio).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(protocol.randomisation.block_sizes, [6, 9]);
    // The checklist holds every criterion but age, which the record gives as a number.
    let checklist = protocol.forms.iter().find(|form| form.id == "eligibility").unwrap();
    assert_eq!(checklist.items.len(), 5);
    assert!(skeleton.decisions.iter().any(|what| what.contains("Circulating tumor DNA")));
}

#[test]
fn the_answer_of_a_search_is_read_where_it_holds_one_study() {
    let one = format!("{{\"studies\": [{V2}], \"totalCount\": 1}}");
    assert_eq!(registry::read(one.as_bytes()).unwrap(), registry::read(V2.as_bytes()).unwrap());
    let two = format!("[{V2}, {V2}]");
    insta::assert_snapshot!(registry::read(two.as_bytes()).unwrap_err(), @"studies: found 2 studies; one: a protocol is of one trial");
}

#[test]
fn what_is_no_record_is_refused_with_what_would_be_right() {
    let said = |bytes: &[u8]| registry::read(bytes).unwrap_err().to_string();
    let all = [
        said(b""),
        said(b"{"),
        said(b"{}"),
        said(b"[]"),
        said(b"{\"protocolSection\": 3}"),
        said(b"{\"protocolSection\": {}}"),
        said(b"{\"protocolSection\": {\"identificationModule\": {\"briefTitle\": 7}}}"),
        said(b"A title\nand nothing else"),
        said(&[0xff, 0xfe]),
    ];
    insta::assert_snapshot!("no_record", all.join("\n"));
}

#[test]
fn results_of_an_import_add_up_in_the_registrys_form() {
    let (history, results) = crate::written::results(&crate::written::Written::sound().read().unwrap());
    let section = registry::results::results_section(history.current(), &results);
    insta::assert_json_snapshot!("results_section", section.study);
    let period = &section.study["resultsSection"]["participantFlowModule"]["periods"][0];
    let of = |kind: &str, group: usize| -> usize {
        let row = period["milestones"].as_array().unwrap().iter().find(|row| row["type"] == kind).unwrap();
        row["achievements"][group]["numSubjects"].as_str().unwrap().parse().unwrap()
    };
    for group in 0..results.arms.len() {
        assert_eq!(of("STARTED", group), of("COMPLETED", group) + of("NOT COMPLETED", group));
    }
    assert!(section.decisions.iter().any(|what| what.contains("registry number")), "{:?}", section.decisions);
}

/// Whatever was read, its skeleton is TOML whose faults the reader of protocols can tell, and its marks are all listed.
fn holds(bytes: &[u8]) {
    let Ok(record) = registry::read(bytes) else { return };
    let skeleton = registry::skeleton(&record);
    assert_eq!(skeleton.toml.matches("# DECIDE: ").count(), skeleton.decisions.len());
    if let Err(faults) = trial::protocol::check(&skeleton.toml) {
        // Each fault is of a place in the file, not of its grammar.
        assert!(faults.iter().all(|fault| !fault.path.is_empty()), "{faults:#?}\n{}", skeleton.toml);
    }
}

/// A text with pieces of it taken out, doubled or changed.
fn mutated(text: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let piece = (0..text.len(), 0..80_usize, 0..4_u8, any::<[u8; 3]>());
    prop::collection::vec(piece, 1..6).prop_map(move |pieces| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, length, how, with) in pieces {
            let at = at.min(bytes.len());
            let to = (at + length).min(bytes.len());
            match how {
                0 => drop(bytes.drain(at..to)),
                1 => {
                    let piece = bytes[at..to].to_vec();
                    bytes.splice(at..at, piece);
                }
                2 => drop(bytes.splice(at..to.min(at + 3), with)),
                _ => bytes.truncate(to),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn a_mutated_study_record_breaks_nothing(bytes in mutated(V2)) {
        holds(&bytes);
    }

    #[test]
    fn a_mutated_text_breaks_nothing(bytes in mutated(TEXT)) {
        holds(&bytes);
    }

    #[test]
    fn any_words_stand_in_a_study_record(title in "\\PC{1,40}", arm in "[\\PC\n\t]{0,60}", criteria in "[ -~\n*\u{7f}\u{85}]{0,200}", n in any::<u32>()) {
        let mut record: serde_json::Value = serde_json::from_str(V2).unwrap();
        let section = &mut record["protocolSection"];
        section["identificationModule"]["officialTitle"] = title.into();
        section["armsInterventionsModule"]["armGroups"][0]["label"] = arm.clone().into();
        section["armsInterventionsModule"]["interventions"][0]["name"] = arm.into();
        section["eligibilityModule"]["eligibilityCriteria"] = criteria.into();
        section["designModule"]["enrollmentInfo"]["count"] = n.into();
        holds(record.to_string().as_bytes());
    }
}
