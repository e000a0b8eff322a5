//! Out as HL7 FHIR R4 (4.0.1): the study, its subjects, and what is known of each.
//!
//! Never derives: responses come from `trial::derive`, which the caller hands in. Never names a person: a patient is a number, a sex
//! and a year of birth. A code stands here only with its source (`code`); what has none is told in words.
//!
//! | resource | of what | profile |
//! | --- | --- | --- |
//! | `ResearchStudy`, `Organization`, `Group` | the protocol, the sites, whom it is about | |
//! | `Patient`, `ResearchSubject` | a subject | mCODE Cancer Patient asks for US Core's race and ethnicity: not claimed |
//! | `BodyStructure` | a lesion | mCODE Tumor, where its place has a code |
//! | `Observation` | a lesion at a scan, ECOG, the disease status at a scan | mCODE Tumor Size, ECOG Performance Status, Cancer Disease Status |
//! | `Procedure` | a course of SABR | mCODE Radiotherapy Course Summary |
//! | `AdverseEvent` | an adverse event | grade as the extension of the Adverse Event Clinical Research guide (R4 backport) |
//! | `QuestionnaireResponse` | FACT-B | |

mod bulk;
mod code;
mod study;
mod subject;

pub use bulk::{Bulk, Written};
pub use subject::{SubjectResources, of_subject};

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use trial::protocol::{Protocol, ProtocolHistory};

pub use study::Place;

/// The version of FHIR.
pub const VERSION: &str = "4.0.1";

/// The types that are written, in the order in which one refers to another.
pub const TYPES: [&str; 10] = [
    "Organization",
    "Group",
    "ResearchStudy",
    "Patient",
    "ResearchSubject",
    "BodyStructure",
    "Observation",
    "Procedure",
    "AdverseEvent",
    "QuestionnaireResponse",
];

/// A resource with its type and id.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource(pub Map<String, Value>);

impl Resource {
    fn new(kind: &'static str, id: &str) -> Self {
        let mut members = Map::new();
        members.insert("resourceType".to_owned(), json!(kind));
        members.insert("id".to_owned(), json!(id));
        Self(members)
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        let empty = match &value {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(members) => members.is_empty(),
            _ => false,
        };
        // FHIR has neither null nor empty members.
        if !empty {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    fn profile(self, profile: &str) -> Self {
        let mut meta = self.0.get("meta").cloned().unwrap_or_else(|| json!({}));
        meta["profile"] = json!([profile]);
        self.with("meta", meta)
    }

    /// Its type.
    pub fn kind(&self) -> &str {
        self.0.get("resourceType").and_then(Value::as_str).unwrap_or_default()
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.0.get("id").and_then(Value::as_str).unwrap_or_default()
    }
}

/// What the resources of a trial share.
#[derive(Clone, Debug)]
pub struct Exporter<'h> {
    pub(super) history: &'h ProtocolHistory,
    /// The trial's name in ids and systems.
    slug: String,
    /// The subjects are virtual: every resource is labelled as test data.
    simulated: bool,
    /// The texts of questionnaire items by form and item; none: ids and neutral labels alone.
    wording: BTreeMap<String, BTreeMap<String, String>>,
}

impl<'h> Exporter<'h> {
    /// For the trial of `history`, whose subjects may be virtual.
    pub fn new(history: &'h ProtocolHistory, simulated: bool) -> Self {
        let slug = slug(&history.current().trial.id);
        Self { history, slug, simulated, wording: BTreeMap::new() }
    }

    /// The same with the texts of questionnaires by form and item: they belong to whoever wrote them, so only the trial office can
    /// say that it may hand them on.
    #[must_use]
    pub fn with_wording(mut self, wording: BTreeMap<String, BTreeMap<String, String>>) -> Self {
        self.wording = wording;
        self
    }

    /// A new resource of this trial. The id holds what FHIR allows: letters, digits, `-` and `.`, at most 64.
    fn resource(&self, kind: &'static str, parts: &[&str]) -> Resource {
        let resource = Resource::new(kind, &self.id(parts));
        if self.simulated {
            let tag = json!({
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
                "code": "HTEST",
                "display": "test health data",
            });
            return resource.with("meta", json!({ "security": [tag] }));
        }
        resource
    }

    /// An id of these parts.
    #[allow(clippy::unused_self)] // ids are the exporter's to give
    fn id(&self, parts: &[&str]) -> String {
        let whole = parts.join("\u{1f}");
        let plain: Vec<String> = parts.iter().map(|part| plain(part)).collect();
        let id = plain.join(".");
        let kept = parts.iter().zip(&plain).all(|(part, plain)| part == plain);
        if kept && (1..=64).contains(&id.len()) {
            return id;
        }
        // What cannot stand in an id, or is too long, is told apart by a digest of the whole.
        let digest = fnv(&whole);
        let head: String = id.chars().take(47).collect();
        format!("{}-{digest:016x}", head.trim_end_matches(['-', '.']))
    }

    /// The id under which a subject's `Patient` stands; those of its other resources begin with it, unless they are too long.
    pub fn patient_id(&self, subject: &trial::id::SubjectId) -> String {
        self.id(&[subject.as_str()])
    }

    /// The system of identifiers of one kind, as in `urn:trialwright:avatar-ii:subject`.
    fn system(&self, kind: &str) -> String {
        format!("urn:trialwright:{}:{kind}", self.slug)
    }

    fn protocol(&self) -> &'h Protocol {
        self.history.current()
    }

    fn study_reference(&self) -> Value {
        json!({ "reference": format!("ResearchStudy/{}", self.id(&[&self.slug])) })
    }
}

/// FNV-1a, 64 bits: ids must be the same on every machine and in every version.
fn fnv(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Letters, digits and single dashes.
fn plain(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// The same in lower case.
fn slug(text: &str) -> String {
    plain(text).to_ascii_lowercase()
}

/// Resources as a Bundle of what a search found; `base` is the server's address of FHIR, where each stands as `Type/id`; `total` is
/// how many there are in all, where that is known.
pub fn search_set(
    resources: Vec<Resource>,
    base: &str,
    total: Option<usize>,
    links: &[(&str, String)],
) -> Value {
    let entries: Vec<Value> = resources
        .into_iter()
        .map(|resource| {
            let at = format!("{base}/{}/{}", resource.kind(), resource.id());
            json!({ "fullUrl": at, "resource": resource.0, "search": { "mode": "match" } })
        })
        .collect();
    let links: Vec<Value> =
        links.iter().map(|(relation, url)| json!({ "relation": relation, "url": url })).collect();
    let mut bundle = Map::new();
    bundle.insert("resourceType".to_owned(), json!("Bundle"));
    bundle.insert("type".to_owned(), json!("searchset"));
    bundle.extend(total.map(|total| ("total".to_owned(), json!(total))));
    if !links.is_empty() {
        bundle.insert("link".to_owned(), json!(links));
    }
    if !entries.is_empty() {
        bundle.insert("entry".to_owned(), json!(entries));
    }
    Value::Object(bundle)
}
