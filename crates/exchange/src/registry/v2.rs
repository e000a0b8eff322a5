//! A study record of `ClinicalTrials.gov`, API version 2: `{"protocolSection": {"identificationModule": …}}`.
//!
//! Never asks for a member that a registration may lack, and never reads posted results. The names are those of the API's data
//! structure (`clinicaltrials.gov/data-api/about-api/study-data-structure`).

// The members are named as the API names them.
#![allow(clippy::struct_field_names)]

use serde::Deserialize;
use serde_json::Value;
use trial::date::PartialDate;

use super::attention::{RADIATION, says, squeezed};
use super::record::{Outcome, Rank, RecordArm, RecordFault, RegistryRecord};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Study {
    protocol_section: Section,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Section {
    identification_module: Identification,
    status_module: Status,
    description_module: Description,
    conditions_module: Conditions,
    design_module: Design,
    arms_interventions_module: Interventions,
    outcomes_module: Outcomes,
    eligibility_module: Eligibility,
    contacts_locations_module: Contacts,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Identification {
    nct_id: Option<String>,
    acronym: Option<String>,
    brief_title: Option<String>,
    official_title: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    start_date_struct: Day,
    completion_date_struct: Day,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Day {
    date: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Description {
    brief_summary: String,
    detailed_description: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Conditions {
    conditions: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Design {
    phases: Vec<String>,
    design_info: DesignInfo,
    enrollment_info: Enrolment,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct DesignInfo {
    allocation: Option<String>,
    intervention_model: Option<String>,
    masking_info: Masking,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Masking {
    masking: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Enrolment {
    count: Option<u32>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Interventions {
    arm_groups: Vec<ArmGroup>,
    interventions: Vec<Intervention>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ArmGroup {
    label: String,
    r#type: Option<String>,
    description: String,
    intervention_names: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Intervention {
    r#type: String,
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Outcomes {
    primary_outcomes: Vec<Measure>,
    secondary_outcomes: Vec<Measure>,
    other_outcomes: Vec<Measure>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Measure {
    measure: String,
    description: String,
    time_frame: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Eligibility {
    eligibility_criteria: String,
    sex: Option<String>,
    minimum_age: Option<String>,
    maximum_age: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Contacts {
    locations: Vec<serde::de::IgnoredAny>,
}

/// Reads a study record, or an answer of the API that holds exactly one.
pub(super) fn read(text: &str) -> Result<RegistryRecord, RecordFault> {
    let value: Value = serde_json::from_str(text).map_err(|wrong| {
        RecordFault::new(
            format!("line {}, column {}", wrong.line(), wrong.column()),
            format!("no JSON ({wrong})"),
            "a study record as JSON",
        )
    })?;
    let (place, study) = the_study(value)?;
    let at = |member: &str| format!("{place}{member}");
    if study.get("protocolSection").is_none_or(|section| !section.is_object()) {
        let found = study.as_object().map_or_else(
            || "no object".to_owned(),
            |members| match members.keys().take(8).cloned().collect::<Vec<_>>() {
                names if names.is_empty() => "an object without members".to_owned(),
                names => format!("members {}", names.join(", ")),
            },
        );
        return Err(RecordFault::new(
            place,
            found,
            "a study record of ClinicalTrials.gov, API version 2, has `protocolSection`",
        ));
    }
    let study: Study = serde_json::from_value(study).map_err(|wrong| {
        RecordFault::new(at("protocolSection"), wrong.to_string(), "the types of the API's data structure")
    })?;
    let section = study.protocol_section;
    if section.identification_module.brief_title.is_none()
        && section.identification_module.official_title.is_none()
    {
        return Err(RecordFault::new(
            at("protocolSection.identificationModule"),
            "no title",
            "`briefTitle` or `officialTitle`",
        ));
    }
    Ok(record(section))
}

fn the_study(mut value: Value) -> Result<(String, Value), RecordFault> {
    let list = match &mut value {
        Value::Array(list) => std::mem::take(list),
        Value::Object(members) if members.contains_key("studies") => match members.remove("studies") {
            Some(Value::Array(list)) => list,
            _ => return Err(RecordFault::new("studies", "no list", "a list of one study")),
        },
        _ => return Ok((String::new(), value)),
    };
    let n = list.len();
    let mut list = list.into_iter();
    match (list.next(), n) {
        (Some(one), 1) => Ok(("studies[0].".to_owned(), one)),
        _ => Err(RecordFault::new("studies", format!("{n} studies"), "one: a protocol is of one trial")),
    }
}

fn record(section: Section) -> RegistryRecord {
    let Section { identification_module: named, status_module: status, .. } = section;
    let mut unread = Vec::new();
    let mut day = |what: &str, day: Day| {
        let text = day.date?;
        let read = PartialDate::parse(&text).ok();
        if read.is_none() {
            unread.push(format!("{what}: {text}"));
        }
        read
    };
    let (start, end) =
        (day("start", status.start_date_struct), day("completion", status.completion_date_struct));
    let eligibility = section.eligibility_module;
    let mut age = |what: &str, age: Option<String>| {
        let text = age?;
        let years = text.strip_suffix(" Years").or(text.strip_suffix(" Year")).and_then(|n| n.parse().ok());
        if years.is_none() {
            unread.push(format!("{what}: {text}"));
        }
        years
    };
    let (least_age, greatest_age) =
        (age("minimum age", eligibility.minimum_age), age("maximum age", eligibility.maximum_age));
    let (inclusion, exclusion) = criteria(&eligibility.eligibility_criteria);
    let design = section.design_module;
    let info = design.design_info;
    let given = section.arms_interventions_module;
    let sites = u32::try_from(section.contacts_locations_module.locations.len()).ok().filter(|n| *n > 0);
    RegistryRecord {
        form: "ClinicalTrials.gov study record, API version 2".to_owned(),
        registry: named.nct_id.filter(|id| !id.is_empty()),
        acronym: named.acronym.filter(|name| !name.is_empty()),
        title: named.official_title.or(named.brief_title).unwrap_or_default(),
        summary: section.description_module.brief_summary,
        description: section.description_module.detailed_description,
        conditions: section.conditions_module.conditions,
        phase: phases(&design.phases),
        randomised: info.allocation.as_deref().and_then(|allocation| match allocation {
            "RANDOMIZED" => Some(true),
            "NON_RANDOMIZED" | "NA" => Some(false),
            _ => None,
        }),
        design: words_of([info.allocation, info.intervention_model, info.masking_info.masking]),
        participants: design.enrollment_info.count,
        start,
        end,
        arms: given.arm_groups.into_iter().map(|group| arm(group, &given.interventions)).collect(),
        interventions: given.interventions.into_iter().map(|one| (one.r#type, one.name)).collect(),
        outcomes: outcomes(section.outcomes_module),
        inclusion,
        exclusion,
        least_age,
        greatest_age,
        sex: match eligibility.sex.as_deref() {
            Some("FEMALE") => Some('F'),
            Some("MALE") => Some('M'),
            _ => None,
        },
        sites,
        unread,
    }
}

fn phases(phases: &[String]) -> Option<String> {
    let known: Vec<&str> = phases
        .iter()
        .filter_map(|phase| match phase.as_str() {
            "EARLY_PHASE1" => Some("early I"),
            "PHASE1" => Some("I"),
            "PHASE2" => Some("II"),
            "PHASE3" => Some("III"),
            "PHASE4" => Some("IV"),
            _ => None,
        })
        .collect();
    (!known.is_empty()).then(|| known.join("/"))
}

/// Allocation, model and masking as a person writes them.
fn words_of([allocation, model, masking]: [Option<String>; 3]) -> Option<String> {
    let plain = |code: String| code.replace('_', " ").to_lowercase();
    let parts = [
        allocation.map(|code| match code.as_str() {
            "RANDOMIZED" => "randomised".to_owned(),
            "NON_RANDOMIZED" => "not randomised".to_owned(),
            _ => plain(code),
        }),
        model.map(|code| format!("{} assignment", plain(code))),
        masking.map(|code| match code.as_str() {
            "NONE" => "open label".to_owned(),
            _ => format!("{} masking", plain(code)),
        }),
    ];
    let words = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let mut letters = words.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

fn arm(group: ArmGroup, interventions: &[Intervention]) -> RecordArm {
    let named = |name: &String| name.split_once(": ").map_or(name.as_str(), |(_, name)| name).to_owned();
    let given: Vec<String> = group.intervention_names.iter().map(named).collect();
    let radiation = group.intervention_names.iter().any(|name| name.starts_with("Radiation:"))
        || interventions.iter().any(|one| one.r#type == "RADIATION" && given.contains(&one.name))
        || (given.is_empty() && says(&format!("{} {}", group.label, group.description), RADIATION));
    let id = group.label.split_once(':').and_then(|(head, _)| head.trim().strip_prefix("Arm "));
    RecordArm {
        id: id.filter(|id| plain(id)).map(str::to_owned),
        description: if group.description.trim().is_empty() { given.join("; ") } else { group.description },
        label: squeezed(&group.label),
        comparator: group.r#type.and_then(|kind| match kind.as_str() {
            "EXPERIMENTAL" => Some(false),
            "ACTIVE_COMPARATOR" | "PLACEBO_COMPARATOR" | "SHAM_COMPARATOR" | "NO_INTERVENTION" => Some(true),
            _ => None,
        }),
        radiation,
    }
}

/// Whether a text can stand as the code of an arm.
pub(super) fn plain(id: &str) -> bool {
    (1..=8).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn outcomes(module: Outcomes) -> Vec<Outcome> {
    let ranked = [
        (Rank::Primary, module.primary_outcomes),
        (Rank::Secondary, module.secondary_outcomes),
        (Rank::Other, module.other_outcomes),
    ];
    ranked
        .into_iter()
        .flat_map(|(rank, measures)| {
            measures.into_iter().map(move |measure| Outcome {
                rank,
                measure: measure.measure,
                description: measure.description,
                time_frame: measure.time_frame,
            })
        })
        .collect()
}

/// Inclusion and exclusion criteria of the one text that holds them: a heading, then a criterion a bullet. A line that is
/// indented under a criterion is part of it.
pub(super) fn criteria(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut inclusion, mut exclusion): (Vec<String>, Vec<String>) = Default::default();
    let mut excluding = false;
    let mut least_indent: Option<usize> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let words = line.trim();
        let heading = words.trim_end_matches(':').trim_matches('*').to_lowercase();
        if words.is_empty() {
            continue;
        }
        if heading.len() < 60
            && (heading.contains("inclusion") || heading.contains("exclusion"))
            && heading.contains("criteri")
        {
            excluding = heading.contains("exclusion");
            least_indent = None;
            continue;
        }
        let (bulleted, words) = unbulleted(words);
        let list = if excluding { &mut exclusion } else { &mut inclusion };
        let least = *least_indent.get_or_insert(indent);
        match list.last_mut() {
            Some(last) if indent > least || (!bulleted && indent > 0) => {
                last.push_str(if last.ends_with(':') || last.ends_with(';') { " " } else { "; " });
                last.push_str(words);
            }
            _ => list.push(words.to_owned()),
        }
    }
    (inclusion, exclusion)
}

/// A line without its bullet: `* `, `- `, `• `, `1. `, `2) `.
fn unbulleted(line: &str) -> (bool, &str) {
    if let Some(rest) = line.strip_prefix(['*', '-', '•', '–']) {
        return (true, rest.trim_start());
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    match line.get(digits..).and_then(|rest| rest.strip_prefix(['.', ')'])) {
        Some(rest) if (1..=2).contains(&digits) && rest.starts_with(' ') => (true, rest.trim_start()),
        _ => (false, line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn criteria_stand_one_a_bullet_under_their_heading() {
        let text = "Inclusion Criteria:\n\n* Age 18 or older\n* One of:\n\n  * A\n  * B\n* ECOG 0-2\n\nExclusion Criteria:\n\n1. Pregnant\n2. Brain metastases\n";
        let (inclusion, exclusion) = criteria(text);
        assert_eq!(inclusion, ["Age 18 or older", "One of: A; B", "ECOG 0-2"]);
        assert_eq!(exclusion, ["Pregnant", "Brain metastases"]);
    }

    #[test]
    fn a_text_without_headings_is_inclusion() {
        assert_eq!(criteria("Adults\nNot pregnant").0, ["Adults", "Not pregnant"]);
        assert_eq!(criteria(""), (vec![], vec![]));
    }
}
