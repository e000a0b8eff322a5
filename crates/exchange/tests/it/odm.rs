//! ODM-XML: what is written is read again, what others wrote begins a protocol, and no file breaks it or is imported half.

use exchange::odm::{self, OdmAbout, OdmWriter, Participants, Place, Step};
use proptest::prelude::*;
use serde_json::{Value, json};
use trial::event::{Entered, Event, Instance};
use trial::id::SubjectId;
use trial::protocol::{Concept, ItemType, ProtocolHistory, check};
use trial::record::Record;

const PROTOCOL: &str = include_str!("../../../../protocols/avatar-ii.toml");
const FOREIGN: &str = include_str!("../data/odm/foreign.xml");

fn history() -> ProtocolHistory {
    ProtocolHistory::new(1, check(PROTOCOL).unwrap())
}

fn entered(seq: u64, what: Value) -> Entered {
    let mut event = what;
    for (name, value) in [
        ("who", json!("jo.smith")),
        ("role", json!("investigator")),
        ("recorded", json!("2026-05-01T08:00:00Z")),
        ("site", json!("01")),
        ("subject", json!("01-001")),
    ] {
        event[name] = value;
    }
    Entered { seq, event: serde_json::from_value::<Event>(event).unwrap() }
}

/// A subject whose scan is corrected (a lesion and a value fall away), signed, verified, locked and asked about.
fn events() -> Vec<Entered> {
    let all = [
        json!({ "kind": "subject_screened" }),
        json!({ "kind": "form_saved", "form": "consent", "visit": "SCREENING", "values": { "RFICDAT": "2026-01-05", "RFICYN": "Y" } }),
        json!({ "kind": "form_saved", "form": "tumour", "visit": "SCREENING", "values": { "TRDAT": "2026-01-07", "TRMETHOD": "CT SCAN", "LESIONS": [
            { "TULNKID": "T01", "TUORRES": "TARGET", "TULOC": "LIVER", "DIAMETER": 30.5 },
            { "TULNKID": "NT01", "TUORRES": "NON-TARGET", "TULOC": "BONE", "TUMSTATE": "PRESENT" },
        ] } }),
        json!({ "kind": "form_corrected", "form": "tumour", "visit": "SCREENING", "corrects": 4, "reason": "Read again: <one> lesion & \"no\" method",
            "values": { "TRDAT": "2026-01-08", "LESIONS": [{ "TULNKID": "T01", "TUORRES": "TARGET", "TULOC": "LIVER", "DIAMETER": 31 }] } }),
        json!({ "kind": "form_signed", "form": "tumour", "visit": "SCREENING", "meaning": "I have reviewed it" }),
        json!({ "kind": "verified", "form": "tumour", "visit": "SCREENING" }),
        json!({ "kind": "locked", "form": "tumour", "visit": "SCREENING", "locked": true }),
        json!({ "kind": "randomised", "arm": "A", "date": "2026-01-12", "stratum": [["opd_lesions", "1"]], "position": 0 }),
        json!({ "kind": "form_saved", "form": "clinprog", "occurrence": 2, "values": { "CEDAT": "2026-04-01", "CETERM": "Pain,\nnew\u{1}\t\u{7f}" } }),
        json!({ "kind": "form_saved", "form": "ecog", "visit": "FOLLOWUP", "occurrence": 3, "values": { "QSDAT": "2027-08-24", "ECOG": 1 } }),
        json!({ "kind": "query_raised", "query": "Q1", "about": { "form": "ecog", "visit": "FOLLOWUP", "occurrence": 3 }, "item": "ECOG", "text": "Is it 1?" }),
        json!({ "kind": "query_answered", "query": "Q1", "text": "It is." }),
        json!({ "kind": "query_closed", "query": "Q1" }),
    ];
    (2..).zip(all).map(|(seq, what)| entered(seq, what)).collect()
}

fn written() -> (String, u64) {
    let history = history();
    let about = OdmAbout {
        created: "2026-06-01T00:00:00Z".parse().unwrap(),
        as_of: None,
        source: "a test".to_owned(),
        simulated: false,
    };
    let site = Place { id: "01", name: "General Hospital", country: Some("AUS"), opened: None, open: true };
    let mut out = Vec::new();
    let mut writer =
        OdmWriter::new(&mut out, &history, &about, &[site], Participants::of(&events())).unwrap();
    writer.subject(&SubjectId::from("01-001"), &events()).unwrap();
    let replaced = writer.finish().unwrap();
    (String::from_utf8(out).unwrap(), replaced)
}

#[test]
fn clinical_data_with_audit_records_and_signatures() {
    let (xml, replaced) = written();
    assert_eq!(replaced, 1, "the one character that XML does not have");
    let clinical = &xml[xml.find(" <AdminData").unwrap()..];
    insta::assert_snapshot!("clinical", clinical);
}

#[test]
fn the_forms_and_visits_of_a_protocol_come_back() {
    let history = history();
    let (xml, _) = written();
    let read = odm::metadata(xml.as_bytes()).unwrap();
    let protocol = history.current();
    assert_eq!(read.unread, [""; 0]);
    let visits: Vec<_> = protocol
        .schedule
        .visits
        .iter()
        .cloned()
        .map(|mut visit| {
            visit.assumed.clear();
            visit
        })
        .collect();
    assert_eq!(read.visits, visits);
    for (read, form) in read.forms.iter().zip(&protocol.forms) {
        let mut form = form.clone();
        form.source = None;
        form.assumed.clear();
        // Checks stand at the items they read, and so in another order.
        let mut read = read.clone();
        let order =
            |checks: &mut Vec<trial::protocol::Check>| checks.sort_by(|a, b| a.message.cmp(&b.message));
        order(&mut read.checks);
        order(&mut form.checks);
        for group in read.groups.iter_mut().chain(&mut form.groups) {
            order(&mut group.checks);
        }
        assert_eq!(read, form);
    }
    assert_eq!(read.forms.len(), protocol.forms.len());
}

#[test]
fn data_come_back_as_they_were_entered() {
    let history = history();
    let (xml, _) = written();
    let data = odm::data(xml.as_bytes(), history.current()).unwrap();
    assert_eq!(data.subjects.len(), 1);
    let subject = &data.subjects[0];
    assert_eq!((subject.id.as_str(), subject.site.as_str()), ("01-001", "01"));
    // The events that the steps make fold to the record that the events made.
    let steps = subject.steps.iter().map(|step| match step {
        Step::Save { instance, values } => with(instance, json!({ "kind": "form_saved", "values": values })),
        Step::Correct { instance, values, reason } => with(
            instance,
            json!({ "kind": "form_corrected", "values": values, "reason": reason, "corrects": 0 }),
        ),
    });
    let again: Vec<Entered> = (2..).zip(steps).map(|(seq, what)| entered(seq, what)).collect();
    let forms = |events: &[Entered]| -> Vec<(Instance, Value)> {
        let record = Record::fold(&history, &subject.id, events);
        record.forms.iter().map(|form| (form.instance.clone(), Value::Object(form.values.clone()))).collect()
    };
    let mut expected = forms(&events());
    // What XML cannot hold was replaced, and said so.
    for (_, values) in &mut expected {
        if let Some(term) = values.get_mut("CETERM") {
            *term = json!("Pain,\nnew\u{fffd}\t\u{7f}");
        }
    }
    let number = |mut list: Vec<(Instance, Value)>| {
        for (_, value) in &mut list {
            *value = serde_json::from_str(&value.to_string().replace("31.0", "31")).unwrap();
        }
        list
    };
    assert_eq!(number(forms(&again)), number(expected));
    assert!(
        matches!(&subject.steps[2], Step::Correct { reason, .. } if reason == "Read again: <one> lesion & \"no\" method")
    );
    let left: Vec<(&str, usize)> = data.left.iter().map(|(what, n)| (*what, *n)).collect();
    assert_eq!(
        left,
        [
            ("allocations", 1),
            ("annotations and queries", 3),
            ("signatures", 1),
            ("verifications and locks", 2)
        ]
    );
}

fn with(instance: &Instance, mut event: Value) -> Value {
    let named = serde_json::to_value(instance).unwrap();
    event.as_object_mut().unwrap().extend(named.as_object().unwrap().clone());
    event
}

#[test]
fn another_systems_forms_begin_a_protocol() {
    let read = odm::metadata(FOREIGN.as_bytes()).unwrap();
    assert_eq!(read.forms.len(), 2);
    let vitals = &read.forms[0];
    assert_eq!(vitals.concept, Concept::Custom);
    assert_eq!(
        vitals.items.iter().map(|item| item.kind).collect::<Vec<_>>(),
        [ItemType::Date, ItemType::Integer, ItemType::YesNo]
    );
    let skeleton = odm::skeleton(&read);
    insta::assert_snapshot!("foreign_skeleton", skeleton.toml);
    assert_eq!(skeleton.toml.matches("# DECIDE: ").count(), skeleton.decisions.len());
    let faults = check(&skeleton.toml).unwrap_err();
    assert!(faults.iter().all(|fault| !fault.path.is_empty()), "{faults:#?}");
    let missing: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    for path in ["arms", "randomisation", "endpoints", "analyses", "trial.participants"] {
        assert!(missing.contains(&path), "{path} in {missing:?}");
    }
}

#[test]
fn what_cannot_be_imported_is_told_whole() {
    let history = history();
    let (xml, _) = written();
    let wrong = xml
        .replace(
            "ItemOID=\"I.consent.RFICDAT\" Value=\"2026-01-05\"",
            "ItemOID=\"I.consent.NOSUCH\" Value=\"2026-01-05\"",
        )
        .replace("Value=\"31\"", "Value=\"large\"")
        .replace("FormRepeatKey=\"2\"", "FormRepeatKey=\"second\"");
    let faults = odm::data(wrong.as_bytes(), history.current()).unwrap_err();
    let told: Vec<String> =
        faults.iter().map(|fault| exchange::odm::OdmFault { line: 0, ..fault.clone() }.to_string()).collect();
    insta::assert_snapshot!("faults", told.join("\n"));
}

#[test]
fn what_is_no_odm_is_refused() {
    let said = |text: &str| odm::metadata(text.as_bytes()).unwrap_err()[0].to_string();
    let all = [
        said(""),
        said("text"),
        said("<ODM"),
        said("<ODM>"),
        said("<ODM/>"),
        said("<Other/>"),
        said("<ODM ODMVersion=\"2.0\"/>"),
        said("<!DOCTYPE a [<!ENTITY b \"c\">]><ODM/>"),
        said("<ODM><Study>&b;</Study></ODM>"),
        said("<ODM a=\"1\" a=\"2\"/>"),
        said(&"<ODM>".repeat(100)),
        odm::metadata(&[0xff]).unwrap_err()[0].to_string(),
    ];
    insta::assert_snapshot!("no_odm", all.join("\n"));
}

/// Whatever a file holds, it is read whole or its faults are told.
fn holds(bytes: &[u8], history: &ProtocolHistory) {
    match odm::metadata(bytes) {
        Ok(read) => {
            let skeleton = odm::skeleton(&read);
            if let Err(faults) = check(&skeleton.toml) {
                assert!(faults.iter().all(|fault| !fault.path.is_empty()), "{faults:#?}\n{}", skeleton.toml);
            }
        }
        Err(faults) => assert!(!faults.is_empty()),
    }
    match odm::data(bytes, history.current()) {
        Ok(data) => assert!(!data.subjects.is_empty()),
        Err(faults) => assert!(!faults.is_empty() && faults.iter().all(|fault| !fault.right.is_empty())),
    }
}

fn mutated(text: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let text = text.to_owned();
    let length = text.len();
    let piece = (0..length, 0..120_usize, 0..4_u8, any::<[u8; 2]>(), 0..length);
    prop::collection::vec(piece, 1..4).prop_map(move |pieces| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, length, how, with, other) in pieces {
            let at = at.min(bytes.len());
            let to = (at + length).min(bytes.len());
            match how {
                0 => drop(bytes.drain(at..to)),
                1 => {
                    let piece = bytes[at..to].to_vec();
                    let other = other.min(bytes.len());
                    bytes.splice(other..other, piece);
                }
                2 => drop(bytes.splice(at..to.min(at + 2), with)),
                _ => bytes.truncate(to),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_mutated_file_of_ours_breaks_nothing(bytes in mutated(&written().0)) {
        holds(&bytes, &history());
    }

    #[test]
    fn a_mutated_file_of_another_breaks_nothing(bytes in mutated(FOREIGN)) {
        holds(&bytes, &history());
    }
}
