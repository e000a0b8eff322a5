//! `adverseEventsModule`: deaths, serious events and the others, by term.
//!
//! Never leaves a term out: the threshold of frequency is 0.

use analysis::results::{FlowArm, Results, TermRow};
use serde_json::{Value, json};
use trial::protocol::Protocol;

use super::{MOST_WORDS, groups, id, until};
use crate::registry::attention::short;

const PREFIX: &str = "EG";

pub(super) fn module(protocol: &Protocol, results: &Results) -> Value {
    let safety = &results.safety;
    let mut event_groups = groups(results, PREFIX);
    for (place, group) in event_groups.iter_mut().enumerate() {
        let at_risk = safety.at_risk.get(place).copied().unwrap_or_default();
        let died = results.flow.arms.get(place).map_or(0, |arm: &FlowArm| arm.died.n);
        let of = |counts: &[usize]| counts.get(place).copied().unwrap_or_default();
        group["deathsNumAffected"] = json!(died);
        group["deathsNumAtRisk"] = json!(at_risk);
        group["seriousNumAffected"] = json!(safety.serious.get(place).map_or(0, |counted| counted.n));
        group["seriousNumAtRisk"] = json!(at_risk);
        group["otherNumAffected"] = json!(of(&safety.not_serious));
        group["otherNumAtRisk"] = json!(at_risk);
    }
    let dictionary = protocol.safety.dictionary.as_deref();
    let rows = |serious: bool| -> Vec<Value> {
        let of = safety.terms.iter().filter(|row| row.serious == serious);
        of.map(|row| event(row, dictionary, &safety.at_risk)).collect()
    };
    json!({
        "frequencyThreshold": "0",
        "timeFrame": short(&format!("From randomisation until {}", until(results)), 500),
        "description": short("Events with onset on or after randomisation, of every grade, whatever their cause.", MOST_WORDS),
        "eventGroups": event_groups,
        "seriousEvents": rows(true),
        "otherEvents": rows(false),
    })
}

fn event(row: &TermRow, dictionary: Option<&str>, at_risk: &[usize]) -> Value {
    let stats: Vec<Value> = row
        .by_arm
        .iter()
        .enumerate()
        .map(|(place, affected)| {
            json!({
                "groupId": id(PREFIX, place),
                "numEvents": affected.events,
                "numAffected": affected.subjects,
                "numAtRisk": at_risk.get(place).copied().unwrap_or_default(),
            })
        })
        .collect();
    let mut out = json!({
        "term": short(&row.term, 100),
        "organSystem": organ_system(&row.class),
        "assessmentType": "SYSTEMATIC_ASSESSMENT",
        "stats": stats,
    });
    if let Some(dictionary) = dictionary {
        out["sourceVocabulary"] = json!(short(dictionary, 20));
    }
    out
}

/// The registry's organ systems: the system organ classes of `MedDRA`, which are CTCAE's, but for how two are written.
const ORGAN_SYSTEMS: [&str; 27] = [
    "Blood and lymphatic system disorders",
    "Cardiac disorders",
    "Congenital, familial and genetic disorders",
    "Ear and labyrinth disorders",
    "Endocrine disorders",
    "Eye disorders",
    "Gastrointestinal disorders",
    "General disorders",
    "Hepatobiliary disorders",
    "Immune system disorders",
    "Infections and infestations",
    "Injury, poisoning and procedural complications",
    "Investigations",
    "Metabolism and nutrition disorders",
    "Musculoskeletal and connective tissue disorders",
    "Neoplasms benign, malignant and unspecified (incl cysts and polyps)",
    "Nervous system disorders",
    "Pregnancy, puerperium and perinatal conditions",
    "Product Issues",
    "Psychiatric disorders",
    "Renal and urinary disorders",
    "Reproductive system and breast disorders",
    "Respiratory, thoracic and mediastinal disorders",
    "Skin and subcutaneous tissue disorders",
    "Social circumstances",
    "Surgical and medical procedures",
    "Vascular disorders",
];

fn organ_system(class: &str) -> String {
    let lower = class.to_lowercase();
    let known = ORGAN_SYSTEMS.iter().find(|known| lower.starts_with(&known.to_lowercase()));
    known.map_or_else(|| short(class, 100), |known| (*known).to_owned())
}
