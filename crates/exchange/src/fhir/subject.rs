//! One subject: the patient, its place in the study, lesions and scans, performance, SABR, adverse events, questionnaires.
//!
//! Every resource carries the event it was recorded by as an identifier, so that it leads back to the ledger.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use trial::date::PartialDate;
use trial::derive::{Derived, ruling};
use trial::event::Seq;
use trial::factb;
use trial::id::LesionId;
use trial::protocol::Concept;
use trial::recist::OverallResponse;
use trial::record::{
    AdverseEvent, Assessment, FactBAnswers, FilledForm, Finding, LesionRole, Reading, Record, SabrCourse,
};

use super::code::{self, MCODE, UCUM, concept, location, millimetres, worded};
use super::{Exporter, Resource};

/// A subject's resources, in the order of `TYPES`.
pub type SubjectResources = Vec<Resource>;

/// The resources of one subject. `derived` is `trial::derive::derive` of the same record.
pub fn of_subject(exporter: &Exporter<'_>, record: &Record, derived: &Derived) -> SubjectResources {
    let subject = Subject { out: exporter, record, derived };
    let mut resources = vec![subject.patient(), subject.in_study()];
    resources.extend(subject.lesions());
    resources.extend(subject.sizes());
    resources.extend(subject.ecog());
    resources.extend(subject.statuses());
    resources.extend(record.sabr.iter().map(|course| subject.course(course)));
    resources.extend(record.adverse_events.iter().map(|event| subject.adverse_event(event)));
    resources.extend(record.factb.iter().map(|answers| subject.questionnaire(answers)));
    resources
}

struct Subject<'a, 'h> {
    out: &'a Exporter<'h>,
    record: &'a Record,
    derived: &'a Derived,
}

impl Subject<'_, '_> {
    fn number(&self) -> &str {
        self.record.subject.as_str()
    }

    fn resource(&self, kind: &'static str, parts: &[&str]) -> Resource {
        let whole: Vec<&str> = std::iter::once(self.number()).chain(parts.iter().copied()).collect();
        self.out.resource(kind, &whole)
    }

    fn patient_reference(&self) -> Value {
        json!({ "reference": format!("Patient/{}", self.out.id(&[self.number()])) })
    }

    /// The identifier that leads to the event of the ledger.
    fn event(&self, seq: Seq) -> Value {
        json!({ "system": self.out.system("event"), "value": seq.to_string() })
    }

    /// Pseudonymised: neither name nor day of birth nor address.
    fn patient(&self) -> Resource {
        let gender = self.record.sex.as_ref().map(|sex| match sex.value.as_str() {
            "F" => "female",
            "M" => "male",
            "U" | "" => "unknown",
            _ => "other",
        });
        let patient = self
            .resource("Patient", &[])
            .with("identifier", json!([{ "system": self.out.system("subject"), "value": self.number() }]))
            .with("gender", json!(gender))
            .with(
                "birthDate",
                json!(self.record.birth_year.as_ref().map(|year| format!("{:04}", year.value))),
            );
        let patient = match &self.record.death {
            Some(death) => patient.with("deceasedDateTime", json!(death.date.to_string())),
            None => patient,
        };
        let site = self.out.id(&[&self.out.slug, "site", self.record.site.as_str()]);
        patient.with("managingOrganization", json!({ "reference": format!("Organization/{site}") }))
    }

    fn in_study(&self) -> Resource {
        let record = self.record;
        let given = record.randomised.as_ref();
        let status = match (given, &record.withdrawal, &record.death) {
            (_, Some(_), _) | (_, _, Some(_)) => "off-study",
            (Some(_), ..) => "on-study",
            (None, ..) => "screening",
        };
        let start = record.consent.as_ref().or(record.screened.as_ref()).map(|fact| fact.value.to_string());
        let end = record.withdrawal.as_ref().map(|withdrawal| PartialDate::from(withdrawal.date));
        let end = end
            .into_iter()
            .chain(record.death.as_ref().map(|death| death.date))
            .min_by_key(|day| day.first());
        let mut period = Map::new();
        period.extend(start.map(|day| ("start".to_owned(), json!(day))));
        period.extend(end.map(|day| ("end".to_owned(), json!(day.to_string()))));
        let arm = given.map(|given| {
            let arms = &ruling(self.out.history, record).arms;
            let known = arms.iter().find(|arm| arm.id == given.value.arm);
            known.map_or_else(|| given.value.arm.to_string(), |arm| arm.label.clone())
        });
        let mut identifiers = vec![json!({ "system": self.out.system("subject"), "value": self.number() })];
        identifiers.extend(given.map(|given| self.event(given.event)));
        self.resource("ResearchSubject", &[])
            .with("identifier", json!(identifiers))
            .with("status", json!(status))
            .with("period", Value::Object(period))
            .with("study", self.out.study_reference())
            .with("individual", self.patient_reference())
            .with("assignedArm", json!(arm))
    }

    fn lesion_id(&self, reader: &str, lesion: &LesionId) -> String {
        let own = self.derived_reader() == reader;
        let parts: &[&str] =
            if own { &[self.number(), lesion.as_str()] } else { &[self.number(), reader, lesion.as_str()] };
        self.out.id(parts)
    }

    /// The reader whose assessments the endpoints are judged on.
    fn derived_reader(&self) -> &str {
        &ruling(self.out.history, self.record).tumour.reader
    }

    /// Every lesion any reader named, as first seen.
    fn lesions(&self) -> Vec<Resource> {
        let mut seen: BTreeMap<String, Resource> = BTreeMap::new();
        for assessment in &self.record.assessments {
            for reading in &assessment.readings {
                let id = self.lesion_id(&assessment.reader, &reading.lesion);
                seen.entry(id).or_insert_with(|| self.lesion(assessment, reading));
            }
        }
        // A lesion that a course names and no scan does is irradiated all the same.
        for course in &self.record.sabr {
            for dose in &course.lesions {
                let id = self.lesion_id(self.derived_reader(), &dose.lesion);
                seen.entry(id).or_insert_with(|| self.treated_only(&dose.lesion, course.event));
            }
        }
        seen.into_values().collect()
    }

    fn lesion(&self, assessment: &Assessment, reading: &Reading) -> Resource {
        let coded = location(&reading.location, reading.nodal);
        let role = match reading.role {
            LesionRole::Target => "Target",
            LesionRole::NonTarget => "Non-target",
            LesionRole::New => "New",
        };
        let words = format!("{role} lesion {}, as {} first named it", reading.lesion, assessment.reader);
        let structure = self
            .body_structure(&assessment.reader, &reading.lesion, assessment.event, &words)
            .with("morphology", concept(code::MALIGNANT))
            .with("location", worded(coded, &reading.location));
        let structure = structure.with("patient", self.patient_reference());
        // The profile needs a location; one in words alone is no code of its value set.
        if coded.is_some() { structure.profile(&format!("{MCODE}mcode-tumor")) } else { structure }
    }

    fn treated_only(&self, lesion: &LesionId, event: Seq) -> Resource {
        self.body_structure(self.derived_reader(), lesion, event, "Lesion that a course of SABR names")
            .with("patient", self.patient_reference())
    }

    fn body_structure(&self, reader: &str, lesion: &LesionId, event: Seq, words: &str) -> Resource {
        let named = json!({
            "use": "usual",
            "type": { "coding": [{ "system": "http://hl7.org/fhir/resource-types", "code": "BodyStructure" }] },
            "system": self.out.system("lesion"),
            "value": lesion,
        });
        let mut resource = Resource::new("BodyStructure", &self.lesion_id(reader, lesion));
        if let Some(meta) = self.resource("BodyStructure", &[]).0.remove("meta") {
            resource = resource.with("meta", meta);
        }
        resource.with("identifier", json!([named, self.event(event)])).with("description", json!(words))
    }

    /// An observation of this subject.
    fn observation(&self, parts: &[&str], event: Seq, category: code::Coded, what: Value) -> Resource {
        self.resource("Observation", parts)
            .with("identifier", json!([self.event(event)]))
            .with("status", json!("final"))
            .with("category", json!([concept(category)]))
            .with("code", what)
            .with("subject", self.patient_reference())
    }

    /// What each scan says of each lesion.
    fn sizes(&self) -> Vec<Resource> {
        let scans = self.record.assessments.iter();
        scans.flat_map(|scan| scan.readings.iter().map(|reading| self.size(scan, reading))).collect()
    }

    fn size(&self, scan: &Assessment, reading: &Reading) -> Resource {
        let (event, date) = (scan.event.to_string(), scan.date.to_string());
        let parts = ["lesion", event.as_str(), reading.lesion.as_str()];
        let focus = json!([{ "reference": format!("BodyStructure/{}", self.lesion_id(&scan.reader, &reading.lesion)) }]);
        let method =
            self.filled(scan.event).and_then(|form| form.values.get("TRMETHOD")?.as_str().map(str::to_owned));
        let place = worded(location(&reading.location, reading.nodal), &reading.location);
        let finish = |observation: Resource| {
            observation
                .with("focus", focus.clone())
                .with("effectiveDateTime", json!(date))
                .with("method", method.as_deref().map_or(Value::Null, |words| json!({ "text": words })))
                .with("bodySite", place.clone())
                .with("note", reader_note(scan))
        };
        let measured = match reading.finding {
            Finding::Measured(size) => Some(size),
            _ => reading.diameter,
        };
        match (measured, &reading.finding) {
            // The longest diameter is what mCODE's profile is of; a node is measured in its short axis.
            (Some(size), _) if !reading.nodal => {
                let component =
                    json!([{ "code": concept(code::LONGEST), "valueQuantity": millimetres(size) }]);
                let observation =
                    self.observation(&parts, scan.event, code::IMAGING, concept(code::TUMOUR_SIZE));
                finish(observation).with("component", component).profile(&format!("{MCODE}mcode-tumor-size"))
            }
            (Some(size), _) => {
                let what = json!({ "text": "Short axis of lymph node" });
                finish(self.observation(&parts, scan.event, code::IMAGING, what))
                    .with("valueQuantity", millimetres(size))
            }
            (None, Finding::NotEvaluable(why)) => {
                let what = json!({ "text": "Tumour state" });
                let why = if why.trim().is_empty() { "Not evaluated" } else { why };
                let absent = json!({
                    "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "not-performed", "display": "Not Performed" }],
                    "text": why,
                });
                finish(self.observation(&parts, scan.event, code::IMAGING, what))
                    .with("dataAbsentReason", absent)
            }
            (None, state) => {
                let what = json!({ "text": "Tumour state" });
                finish(self.observation(&parts, scan.event, code::IMAGING, what))
                    .with("valueCodeableConcept", json!({ "text": state_words(state) }))
            }
        }
    }

    /// The form that an event filled, as it now stands.
    fn filled(&self, event: Seq) -> Option<&FilledForm> {
        self.record.forms.iter().find(|form| form.event == event)
    }

    fn ecog(&self) -> Vec<Resource> {
        let facts = self.record.ecog.iter();
        facts
            .map(|fact| {
                let event = fact.event.to_string();
                self.observation(&["ecog", &event], fact.event, code::SURVEY, concept(code::ECOG))
                    .with("category", json!([concept(code::CLINICAL_TEST), concept(code::SURVEY)]))
                    .with("effectiveDateTime", json!(fact.value.0.to_string()))
                    .with("valueInteger", json!(fact.value.1))
                    .profile(&format!("{MCODE}mcode-ecog-performance-status"))
            })
            .collect()
    }

    /// The overall response at each assessment, as derived by RECIST 1.1 from the reader whom the protocol names.
    fn statuses(&self) -> Vec<Resource> {
        let Some(series) = &self.derived.series else { return Vec::new() };
        let points = series.timepoints.iter();
        points
            .map(|point| {
                let (event, words) =
                    (point.event.to_string(), format!("RECIST 1.1: {}", point.overall.as_str()));
                let read: Vec<Value> = self
                    .record
                    .assessments
                    .iter()
                    .filter(|scan| scan.event == point.event)
                    .flat_map(|scan| &scan.readings)
                    .map(|reading| {
                        let id = self.out.id(&[self.number(), "lesion", &event, reading.lesion.as_str()]);
                        json!({ "reference": format!("Observation/{id}") })
                    })
                    .collect();
                self.observation(
                    &["status", &event],
                    point.event,
                    code::IMAGING,
                    concept(code::DISEASE_STATUS),
                )
                .with("effectiveDateTime", json!(point.date.to_string()))
                .with("valueCodeableConcept", worded(Some(trend(point.overall)), &words))
                .with("note", json!([{ "text": point.reason }]))
                .with("derivedFrom", json!(read))
                .profile(&format!("{MCODE}mcode-cancer-disease-status"))
            })
            .collect()
    }

    fn course(&self, course: &SabrCourse) -> Resource {
        let event = course.event.to_string();
        let volumes = course.lesions.iter().map(|dose| {
            let body = self.lesion_id(self.derived_reader(), &dose.lesion);
            // The profile asks for centigray.
            let total = dose.fraction_gy * f64::from(dose.fractions) * 100.0;
            json!({
                "url": format!("{MCODE}mcode-radiotherapy-dose-delivered-to-volume"),
                "extension": [
                    { "url": "volume", "valueReference": { "reference": format!("BodyStructure/{body}") } },
                    { "url": "totalDoseDelivered", "valueQuantity": { "value": round(total), "unit": "cGy", "system": UCUM, "code": "cGy" } },
                    { "url": "fractionsDelivered", "valueUnsignedInt": dose.fractions },
                ],
            })
        });
        let mut extensions: Vec<Value> = Vec::new();
        // Lesions are treated in parallel: a course has as many sessions as its longest volume has fractions.
        if let Some(sessions) = course.lesions.iter().map(|dose| dose.fractions).max() {
            extensions.push(
                json!({ "url": format!("{MCODE}mcode-radiotherapy-sessions"), "valueUnsignedInt": sessions }),
            );
        }
        extensions.extend(volumes);
        let mut period = Map::new();
        period.insert("start".to_owned(), json!(course.start.to_string()));
        period.extend(course.end.map(|end| ("end".to_owned(), json!(end.to_string()))));
        let technique = self.filled(course.event).and_then(|form| form.values.get("PRTECH")?.as_str());
        let note = technique.map(|technique| json!([{ "text": format!("SABR, technique: {technique}") }]));
        self.resource("Procedure", &["sabr", &event])
            .with("extension", json!(extensions))
            .with("identifier", json!([self.event(course.event)]))
            .with("status", json!(if course.end.is_some() { "completed" } else { "in-progress" }))
            .with("category", concept(code::RADIOTHERAPY))
            .with(
                "code",
                worded(Some(code::RADIOTHERAPY_COURSE), "Stereotactic ablative body radiotherapy (SABR)"),
            )
            .with("subject", self.patient_reference())
            .with("performedPeriod", Value::Object(period))
            .with("reasonCode", json!([{ "text": "Progressing lesions of the cancer under study" }]))
            .with("note", note.unwrap_or(Value::Null))
            .profile(&format!("{MCODE}mcode-radiotherapy-course-summary"))
    }

    fn adverse_event(&self, event: &AdverseEvent) -> Resource {
        let seq = event.event.to_string();
        let form = self.filled(event.event);
        let out = form.and_then(|form| form.values.get("AEOUT")?.as_str()).and_then(code::outcome);
        let mut extensions: Vec<Value> = Vec::new();
        if let Some(grade) = event.grade.filter(|_| !event.from_severity) {
            extensions.push(
                json!({ "url": code::GRADE, "valueCodeableConcept": { "text": format!("Grade {grade}") } }),
            );
        }
        let class = event.class.as_deref().map(str::trim).filter(|class| !class.is_empty());
        let words = class.map_or_else(|| event.term.clone(), |class| format!("{} ({class})", event.term));
        self.resource("AdverseEvent", &["ae", &seq])
            .with("extension", json!(extensions))
            .with("identifier", self.event(event.event))
            .with("actuality", json!("actual"))
            .with("event", json!({ "text": words }))
            .with("subject", self.patient_reference())
            .with("date", json!(event.start.map(|day| day.to_string())))
            .with(
                "recordedDate",
                json!(form.map(|form| form.recorded.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())),
            )
            .with("seriousness", concept(code::seriousness(event.serious)))
            .with("severity", event.grade.map_or(Value::Null, |grade| concept(code::severity(grade))))
            .with("outcome", out.map_or(Value::Null, concept))
            .with("suspectEntity", self.suspected(event))
            .with("study", json!([self.out.study_reference()]))
    }

    /// To what an event was attributed, and how.
    fn suspected(&self, event: &AdverseEvent) -> Value {
        let known = &self.out.protocol().safety.attributed_to;
        let entities = event.attribution.iter().filter(|(_, how)| !how.is_empty()).map(|(item, how)| {
            let label = known.get(item).map_or(item.as_str(), String::as_str);
            json!({
                // What was given is no resource of its own here: the reference says what it is.
                "instance": { "display": label },
                "causality": [{ "assessment": { "text": how } }],
            })
        });
        entities.collect()
    }

    fn questionnaire(&self, answers: &FactBAnswers) -> Resource {
        let seq = answers.event.to_string();
        let protocol = self.out.protocol();
        let form = self.filled(answers.event).map(|form| form.instance.form.as_str());
        let defined = form.and_then(|id| {
            protocol.forms.iter().find(|known| known.id == id && known.concept == Concept::FactB)
        });
        let texts = form.and_then(|form| self.out.wording.get(form));
        let items = factb::ITEMS.iter().zip(&answers.answers).filter_map(|(id, answer)| {
            let answer = (*answer)?;
            let mut item = json!({ "linkId": id });
            let label = defined
                .and_then(|form| form.items.iter().find(|known| known.id == *id))
                .map(|known| &known.label);
            if let Some(text) = texts.and_then(|texts| texts.get(*id)).or(label) {
                item["text"] = json!(text);
            }
            item["answer"] = json!([{ "valueInteger": answer }]);
            Some(item)
        });
        let questionnaire = self.out.system(&format!("questionnaire:{}", form.unwrap_or("factb")));
        self.resource("QuestionnaireResponse", &["factb", &seq])
            .with("identifier", self.event(answers.event))
            .with("questionnaire", json!(questionnaire))
            // Items that were left out are missing for good: what was sent is complete as it stands.
            .with("status", json!("completed"))
            .with("subject", self.patient_reference())
            .with("authored", json!(answers.date.to_string()))
            .with("source", self.patient_reference())
            .with("item", items.collect())
    }
}

/// A tenth of a centigray is less than any machine delivers.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn reader_note(scan: &Assessment) -> Value {
    json!([{ "text": format!("Read by {}, visit {}", scan.reader, scan.visit) }])
}

fn state_words(finding: &Finding) -> &'static str {
    match finding {
        Finding::TooSmall => "Too small to measure",
        Finding::Present => "Present",
        Finding::Absent => "Absent",
        Finding::Unequivocal => "Unequivocal",
        Finding::Equivocal => "Equivocal",
        Finding::Merged => "Merged into another lesion",
        Finding::Measured(_) => "Measured",
        Finding::NotEvaluable(_) => "Not evaluated",
    }
}

/// The trend that a response is: RECIST's words in those of mCODE's value set.
fn trend(response: OverallResponse) -> code::Coded {
    match response {
        OverallResponse::Complete | OverallResponse::Partial => code::IMPROVED,
        OverallResponse::Stable | OverallResponse::NonCrNonPd => code::STABLE,
        OverallResponse::Progressive => code::WORSENED,
        OverallResponse::NotEvaluable => code::UNDETERMINED,
    }
}
