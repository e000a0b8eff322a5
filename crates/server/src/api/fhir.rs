//! The trial as HL7 FHIR R4, for reading: what a resource holds is `exchange`'s, what a scan means `trial`'s.
//!
//! Never more than the rest of the API shows the same token: subjects of its sites alone, and nothing may be written.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use exchange::fhir::{Exporter, Place, Resource, TYPES, VERSION, of_subject, search_set};
use office::Folder;
use people::permission::Act;
use serde::Deserialize;
use serde_json::{Value, json};
use trial::date::utc_date;
use trial::derive::derive;
use trial::id::SubjectId;

use super::operation::{Operation, query};
use super::problem::{Answer, Problem};
use super::token::{Asked, AtSubject, Caller};
use super::trial::limit;
use crate::app::App;
use crate::web::address::segment;

/// FHIR's media type for JSON.
pub(super) const MEDIA: &str = "application/fhir+json";
/// The schema of the answers: it asks for a type, and leaves the rest to FHIR.
pub(super) const SCHEMA: &str = "FhirResource";
/// Subjects behind a page of a search at most.
const MOST_SUBJECTS: usize = 100;
/// Types that are of the trial, not of a subject.
const OF_TRIAL: [&str; 3] = ["Organization", "Group", "ResearchStudy"];

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/v1/trials/{trial}/fhir/metadata", Act::ViewOverview, metadata, ["FHIR", "getFhirCapabilities", "What of FHIR R4 this server answers"])
            .answers(200, SCHEMA, "A CapabilityStatement."),
        Operation::get("/api/v1/trials/{trial}/fhir/{type}", Act::ViewSubject, search, ["FHIR", "searchFhir", "Resources of a type"])
            .more("Organization, Group, ResearchStudy, Patient, ResearchSubject, BodyStructure, Observation, Procedure, AdverseEvent or QuestionnaireResponse. A page holds the resources of so many subjects; its link `next` leads on.")
            .asks(vec![
                query("patient", "string", "Only resources of this patient: the id of the Patient, or `Patient/` and the id."),
                query("_count", "integer", "The subjects behind a page at most: 1 to 100, 100 where nothing is said."),
                query("after", "string", "Only subjects after this one: as the link `next` has it."),
            ])
            .answers(200, SCHEMA, "A Bundle of type searchset."),
        Operation::get("/api/v1/trials/{trial}/fhir/{type}/{id}", Act::ViewSubject, read, ["FHIR", "readFhir", "One resource"])
            .answers(200, SCHEMA, "The resource."),
        Operation::get("/api/v1/trials/{trial}/subjects/{subject}/fhir", Act::ViewSubject, everything, ["FHIR", "getSubjectFhir", "Everything of a subject as FHIR R4"])
            .answers(200, SCHEMA, "A Bundle of type searchset: the patient and all that refers to it."),
    ]
}

fn answer(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, MEDIA)], body.to_string()).into_response()
}

/// The address below which a trial's resources stand.
fn base(app: &App, caller: &Caller) -> String {
    format!("{}/api/v1/trials/{}/fhir", app.address, segment(&caller.room.slug))
}

async fn metadata(State(app): State<App>, caller: Caller) -> Answer {
    let resources: Vec<Value> = TYPES
        .iter()
        .map(|kind| {
            let mut resource =
                json!({ "type": kind, "interaction": [{ "code": "read" }, { "code": "search-type" }] });
            if !OF_TRIAL.contains(kind) {
                resource["searchParam"] = json!([{ "name": "patient", "type": "reference" }]);
            }
            resource
        })
        .collect();
    let body = json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": app.today().to_string(),
        "kind": "instance",
        "implementation": { "description": "A trial, for reading", "url": base(&app, &caller) },
        "fhirVersion": VERSION,
        "format": ["json"],
        "rest": [{ "mode": "server", "resource": resources }],
    });
    Ok(answer(&body))
}

/// The resources of one subject.
fn of(exporter: &Exporter<'_>, folder: &Folder) -> Vec<Resource> {
    let Folder { record, history, .. } = folder;
    of_subject(exporter, record, &derive(history, record, None))
}

/// The resources of the trial itself.
async fn of_trial(exporter: &Exporter<'_>, caller: &Caller) -> Result<Vec<Resource>, Problem> {
    let sites = caller.room.office.sites().await?;
    let places: Vec<Place<'_>> = sites
        .iter()
        .map(|site| Place {
            id: site.id.as_str(),
            name: &site.name,
            country: site.country.as_deref(),
            opened: Some(utc_date(site.opened)),
            open: site.is_open(),
        })
        .collect();
    Ok(exporter.study(&places))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    patient: Option<String>,
    #[serde(rename = "_count")]
    count: Option<usize>,
    after: Option<SubjectId>,
}

fn known(kind: &str) -> Result<(), Problem> {
    if TYPES.contains(&kind) {
        return Ok(());
    }
    Err(Problem::not_found(format!(
        "There are no resources of type {kind} here; there are {}.",
        TYPES.join(", ")
    )))
}

async fn search(
    State(app): State<App>,
    caller: Caller,
    Path((_, kind)): Path<(String, String)>,
    Asked(which): Asked<Which>,
) -> Answer {
    known(&kind)?;
    let history = caller.room.history().await?;
    let exporter = Exporter::new(&history, caller.room.simulated);
    let at = base(&app, &caller);
    let of_kind = |resources: Vec<Resource>| resources.into_iter().filter(|one| one.kind() == kind);
    if OF_TRIAL.contains(&kind.as_str()) {
        let found: Vec<Resource> = of_kind(of_trial(&exporter, &caller).await?).collect();
        let total = found.len();
        return Ok(answer(&search_set(found, &at, Some(total), &[])));
    }
    let limit = limit(which.count, MOST_SUBJECTS)?;
    let patient = which.patient.as_deref().map(|text| text.strip_prefix("Patient/").unwrap_or(text));
    let reached = subjects(&caller).await?;
    let mut chosen = reached.iter().filter(|subject| {
        which.after.as_ref().is_none_or(|after| *subject > after)
            && patient.is_none_or(|id| exporter.patient_id(subject) == id)
    });
    let page: Vec<&SubjectId> = chosen.by_ref().take(limit).collect();
    let mut found = Vec::new();
    for subject in &page {
        found.extend(of_kind(of(&exporter, &*caller.room.folder(subject).await?)));
    }
    let next = chosen.next().and(page.last());
    let links: Vec<(&str, String)> = next
        .map(|last| ("next", format!("{at}/{kind}?_count={limit}&after={}", segment(last.as_str()))))
        .into_iter()
        .collect();
    // How many there are in all is known where all are here.
    let total = (links.is_empty() && which.after.is_none()).then_some(found.len());
    Ok(answer(&search_set(found, &at, total, &links)))
}

/// The subjects of the sites that the token reaches, in order.
async fn subjects(caller: &Caller) -> Result<Vec<SubjectId>, Problem> {
    let reach = caller.reach(Act::ViewSubject);
    let digests = caller.room.digests().await?;
    let reached = digests.iter().filter(|(_, digest)| reach.contains(&digest.site));
    Ok(reached.map(|(subject, _)| subject.clone()).collect())
}

async fn read(caller: Caller, Path((_, kind, id)): Path<(String, String, String)>) -> Answer {
    known(&kind)?;
    let unknown = || Problem::not_found(format!("There is no {kind} {id} that the token may know of."));
    let history = caller.room.history().await?;
    let exporter = Exporter::new(&history, caller.room.simulated);
    let is_it = |resource: &Resource| resource.kind() == kind && resource.id() == id;
    if OF_TRIAL.contains(&kind.as_str()) {
        let found = of_trial(&exporter, &caller).await?.into_iter().find(is_it).ok_or_else(unknown)?;
        return Ok(answer(&Value::Object(found.0)));
    }
    // The ids of a subject's resources begin with its patient's, unless they are too long to.
    let reached = subjects(&caller).await?;
    for subject in reached.iter().filter(|subject| may_be_of(&exporter.patient_id(subject), &id)) {
        let folder: Arc<Folder> = caller.room.folder(subject).await?;
        if let Some(found) = of(&exporter, &folder).into_iter().find(is_it) {
            return Ok(answer(&Value::Object(found.0)));
        }
    }
    Err(unknown())
}

/// Whether a resource of this id can be of the patient of that.
fn may_be_of(patient: &str, id: &str) -> bool {
    let rest = id.strip_prefix(patient);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('-'))
        // Ids that hold a digest of what could not stand in them.
        || patient.len() > 40
        || patient.rsplit_once('-').is_some_and(|(head, digest)| digest.len() == 16 && id.starts_with(head))
}

async fn everything(State(app): State<App>, at: AtSubject) -> Answer {
    let folder = at.room.folder(&at.subject).await?;
    let exporter = Exporter::new(&folder.history, at.room.simulated);
    let found = of(&exporter, &folder);
    let total = found.len();
    Ok(answer(&search_set(found, &base(&app, &at), Some(total), &[])))
}
