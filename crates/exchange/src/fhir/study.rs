//! The study and its sites.
//!
//! Never says more than the protocol: a registry number is an identifier, an endpoint an objective.

use serde_json::{Value, json};
use trial::protocol::{CriterionKind, EndpointRole};

use super::code::{objective, phase, worded};
use super::{Exporter, Resource};

/// A site of the trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Place<'a> {
    /// `SITEID`.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// ISO 3166-1 alpha-3 country code.
    pub country: Option<&'a str>,
    /// The day it opened.
    pub opened: Option<jiff::civil::Date>,
    /// It may screen.
    pub open: bool,
}

impl Exporter<'_> {
    /// The sites, the group of whom the study is about, and the study. `randomising` is true while a site is open.
    pub fn study(&self, sites: &[Place<'_>]) -> Vec<Resource> {
        let mut out: Vec<Resource> = sites.iter().map(|site| self.site(site)).collect();
        out.push(self.group());
        out.push(self.research_study(sites));
        out
    }

    fn site(&self, site: &Place<'_>) -> Resource {
        let address = site.country.map(|country| json!([{ "country": country }]));
        self.resource("Organization", &[&self.slug, "site", site.id])
            .with("identifier", json!([{ "system": self.system("site"), "value": site.id }]))
            .with("active", json!(site.open))
            .with("name", json!(if site.name.trim().is_empty() { site.id } else { site.name }))
            .with("address", address.unwrap_or(Value::Null))
    }

    /// Whom the study is about, by its criteria in words (`ResearchStudy.enrollment` refers to it).
    fn group(&self) -> Resource {
        let criteria = self.protocol().eligibility.iter().map(|criterion| {
            json!({
                "code": { "text": criterion.id },
                "valueCodeableConcept": { "text": criterion.text },
                "exclude": criterion.kind == CriterionKind::Exclusion,
            })
        });
        self.resource("Group", &[&self.slug, "eligible"])
            .with("type", json!("person"))
            .with("actual", json!(false))
            .with("name", json!(format!("Eligible for {}", self.protocol().trial.id)))
            .with("quantity", json!(self.protocol().trial.participants))
            .with("characteristic", criteria.collect())
    }

    fn research_study(&self, sites: &[Place<'_>]) -> Resource {
        let protocol = self.protocol();
        let trial = &protocol.trial;
        let mut identifiers = vec![json!({ "system": self.system("protocol"), "value": trial.id })];
        if let Some(number) = &trial.registry {
            // FHIR names no system for registries; ClinicalTrials.gov's numbers begin with NCT.
            let system = if number.starts_with("NCT") {
                "https://clinicaltrials.gov"
            } else {
                "urn:trialwright:registry"
            };
            identifiers.push(json!({ "system": system, "value": number }));
        }
        let period = json!({
            "start": trial.planned_start.map(|day| day.to_string()),
            "end": trial.planned_end.map(|day| day.to_string()),
        });
        let period: Value = match period {
            Value::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            other => other,
        };
        let arms = protocol.arms.iter().map(|arm| {
            let kind = if arm.control { "Control" } else { "Experimental" };
            json!({ "name": arm.label, "type": { "text": kind }, "description": arm.description })
        });
        let objectives = protocol.endpoints.iter().map(|endpoint| {
            let primary = endpoint.role == EndpointRole::Primary;
            json!({ "name": format!("{}: {}", endpoint.label, endpoint.definition), "type": worded(Some(objective(primary)), "") })
        });
        let at = sites.iter().map(|site| {
            json!({ "reference": format!("Organization/{}", self.id(&[&self.slug, "site", site.id])) })
        });
        let status = if sites.is_empty() || sites.iter().any(|site| site.open) {
            "active"
        } else {
            "closed-to-accrual"
        };
        self.resource("ResearchStudy", &[&self.slug])
            .with("identifier", json!(identifiers))
            .with("title", json!(trial.title))
            .with("status", json!(status))
            .with("phase", trial.phase.as_deref().map_or(Value::Null, |words| worded(phase(words), words)))
            .with("description", json!(trial.objective))
            .with(
                "enrollment",
                json!([{ "reference": format!("Group/{}", self.id(&[&self.slug, "eligible"])) }]),
            )
            .with("period", period)
            .with("site", at.collect())
            .with("arm", arms.collect())
            .with("objective", objectives.collect())
    }
}
