//! Codes, each with where it stands. A code that no source shows is not here.
//!
//! mCODE: HL7 FHIR Implementation Guide, minimal Common Oncology Data Elements, STU 4 (4.0.0), `hl7.org/fhir/us/mcode`. FHIR R4:
//! `hl7.org/fhir/R4`. THO: `terminology.hl7.org`. SNOMED CT codes are used as mCODE's value sets list them.

use serde_json::{Value, json};

pub(super) const SNOMED: &str = "http://snomed.info/sct";
pub(super) const LOINC: &str = "http://loinc.org";
pub(super) const UCUM: &str = "http://unitsofmeasure.org";

/// mCODE's structure definitions.
pub(super) const MCODE: &str = "http://hl7.org/fhir/us/mcode/StructureDefinition/";

pub(super) type Coded = (&'static str, &'static str, &'static str);

/// mCODE, Radiotherapy Course Summary: `Procedure.code`.
pub(super) const RADIOTHERAPY_COURSE: Coded =
    (SNOMED, "1217123003", "Radiotherapy course of treatment (regime/therapy)");
/// mCODE, Radiotherapy Course Summary: `Procedure.category`.
pub(super) const RADIOTHERAPY: Coded =
    (SNOMED, "108290001", "Radiation oncology AND/OR radiotherapy (procedure)");
/// mCODE, Cancer Disease Status: `Observation.code`.
pub(super) const DISEASE_STATUS: Coded = (LOINC, "97509-4", "Cancer disease progression");
/// mCODE, ECOG Performance Status: `Observation.code`.
pub(super) const ECOG: Coded = (LOINC, "89247-1", "ECOG Performance Status score");
/// mCODE, Tumor Size: `Observation.code`.
pub(super) const TUMOUR_SIZE: Coded = (LOINC, "21889-1", "Size Tumor");
/// mCODE, Tumor Size: the component of the longest dimension.
pub(super) const LONGEST: Coded = (LOINC, "33728-7", "Size.maximum dimension in Tumor");
/// mCODE, Tumor: `BodyStructure.morphology`.
pub(super) const MALIGNANT: Coded = (
    SNOMED,
    "367651003",
    "Malignant neoplasm of primary, secondary, or uncertain origin (morphologic abnormality)",
);
/// mCODE, Condition Status Trend Value Set (required for Cancer Disease Status).
pub(super) const IMPROVED: Coded = (SNOMED, "268910001", "Patient's condition improved (finding)");
pub(super) const STABLE: Coded = (SNOMED, "359746009", "Patient's condition stable (finding)");
pub(super) const WORSENED: Coded = (SNOMED, "271299001", "Patient's condition worsened (finding)");
pub(super) const UNDETERMINED: Coded = (SNOMED, "709137006", "Patient condition undetermined (finding)");

/// FHIR R4, observation categories.
const OBSERVATION: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
pub(super) const IMAGING: Coded = (OBSERVATION, "imaging", "Imaging");
pub(super) const SURVEY: Coded = (OBSERVATION, "survey", "Survey");
/// US Core, as mCODE's example of ECOG has it.
pub(super) const CLINICAL_TEST: Coded =
    ("http://hl7.org/fhir/us/core/CodeSystem/us-core-observation-category", "clinical-test", "Clinical Test");

/// Where a lesion is (`TULOC`), as mCODE's value sets of body locations have it. Locations without a code there stay words.
pub(super) fn location(place: &str, nodal: bool) -> Option<Coded> {
    const PLACES: [(&str, &str, &str); 12] = [
        ("BONE", "272673000", "Bone structure (body structure)"),
        ("LIVER", "10200004", "Liver structure (body structure)"),
        ("LUNG", "39607008", "Lung structure (body structure)"),
        ("LYMPH NODE", "59441001", "Structure of lymph node (body structure)"),
        ("BREAST", "76752008", "Breast structure (body structure)"),
        ("CHEST WALL", "78904004", "Chest wall structure (body structure)"),
        ("SKIN", "39937001", "Skin structure (body structure)"),
        ("SOFT TISSUE", "87784001", "Soft tissues (body structure)"),
        ("ADRENAL GLAND", "23451007", "Adrenal structure (body structure)"),
        ("OVARY", "15497006", "Ovarian structure (body structure)"),
        ("PERITONEUM", "15425007", "Structure of peritoneum (body structure)"),
        ("BRAIN", "12738006", "Brain structure (body structure)"),
    ];
    // `LUNG, LEFT UPPER LOBE` is a lung.
    let coarse = if nodal { "LYMPH NODE" } else { place.split(',').next().unwrap_or_default().trim() };
    PLACES.iter().find(|(name, ..)| *name == coarse).map(|(_, code, display)| (SNOMED, *code, *display))
}

/// FHIR R4, adverse event seriousness.
pub(super) fn seriousness(serious: bool) -> Coded {
    const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/adverse-event-seriousness";
    if serious { (SYSTEM, "serious", "Serious") } else { (SYSTEM, "non-serious", "Non-serious") }
}

/// FHIR R4, adverse event outcome (required binding), from `AEOUT`.
pub(super) fn outcome(aeout: &str) -> Option<Coded> {
    const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/adverse-event-outcome";
    Some(match aeout {
        "RECOVERED" => (SYSTEM, "resolved", "Resolved"),
        "RECOVERING" => (SYSTEM, "recovering", "Recovering"),
        "NOT RECOVERED" => (SYSTEM, "ongoing", "Ongoing"),
        "RECOVERED WITH SEQUELAE" => (SYSTEM, "resolvedWithSequelae", "Resolved with Sequelae"),
        "FATAL" => (SYSTEM, "fatal", "Fatal"),
        "UNKNOWN" => (SYSTEM, "unknown", "Unknown"),
        _ => return None,
    })
}

/// FHIR R4, adverse event severity (required binding): CTCAE 5.0 words grade 1 as mild, 2 as moderate, 3 as severe; a graver one
/// is severe too. The grade itself stands in an extension.
pub(super) fn severity(grade: u8) -> Coded {
    const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/adverse-event-severity";
    match grade {
        1 => (SYSTEM, "mild", "Mild"),
        2 => (SYSTEM, "moderate", "Moderate"),
        _ => (SYSTEM, "severe", "Severe"),
    }
}

/// Adverse Event Clinical Research, R4 backport (1.0.1): the grade of an adverse event.
pub(super) const GRADE: &str = "http://hl7.org/fhir/uv/ae-research-backport-ig/StructureDefinition/ae-grade";

/// FHIR R4, research study phase.
pub(super) fn phase(roman: &str) -> Option<Coded> {
    const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/research-study-phase";
    Some(match roman {
        "I" => (SYSTEM, "phase-1", "Phase 1"),
        "I/II" => (SYSTEM, "phase-1-phase-2", "Phase 1/Phase 2"),
        "II" => (SYSTEM, "phase-2", "Phase 2"),
        "II/III" => (SYSTEM, "phase-2-phase-3", "Phase 2/Phase 3"),
        "III" => (SYSTEM, "phase-3", "Phase 3"),
        "IV" => (SYSTEM, "phase-4", "Phase 4"),
        _ => return None,
    })
}

/// FHIR R4, research study objective type.
pub(super) fn objective(primary: bool) -> Coded {
    const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/research-study-objective-type";
    if primary { (SYSTEM, "primary", "Primary") } else { (SYSTEM, "secondary", "Secondary") }
}

/// A `CodeableConcept`.
pub(super) fn concept((system, code, display): Coded) -> Value {
    json!({ "coding": [{ "system": system, "code": code, "display": display }] })
}

/// The same with the words that were recorded.
pub(super) fn worded(coded: Option<Coded>, words: &str) -> Value {
    let mut out = coded.map_or_else(|| json!({}), concept);
    if !words.trim().is_empty() {
        out["text"] = json!(words);
    }
    out
}

/// Millimetres.
pub(super) fn millimetres(value: f64) -> Value {
    json!({ "value": value, "unit": "mm", "system": UCUM, "code": "mm" })
}
