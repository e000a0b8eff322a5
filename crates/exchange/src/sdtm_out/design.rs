//! TA, TE, TV, TI and TS: the trial's design as its protocol states it; and RELREC, which says how data sets belong together.
//!
//! Never states what the protocol does not. SDTM Implementation Guide 3.4, sections 7 and 8.2.

use std::collections::{BTreeMap, BTreeSet};

use trial::date::utc_date;
use trial::protocol::{EndpointRole, Protocol};

use super::findings::category;
use crate::submission::Study;
use crate::submission::line::{Line, pieces, short};
use crate::submission::visit;

/// Element code and name of the treatment in the arm at `place`.
pub(super) fn element(protocol: &Protocol, place: usize) -> (String, String) {
    let arm = &protocol.arms[place];
    let code: String = arm.id.as_str().chars().filter(char::is_ascii_alphanumeric).collect();
    let code = if code.is_empty() || code.len() > 5 { (place + 1).to_string() } else { code.to_uppercase() };
    (format!("TRT{code}"), arm.label.clone())
}

/// Element code and name of what comes after the strategy has failed.
pub(super) fn follow_up() -> (&'static str, &'static str) {
    ("FU", "Follow-up after failure of the treatment strategy")
}

/// Every record about the design. `occurrences`: how often each visit that repeats was made at most, by its place.
pub(crate) fn design<'s>(study: &'s Study<'_>, occurrences: &BTreeMap<usize, u32>) -> Vec<Line<'s>> {
    let mut lines = arms_and_elements(study);
    lines.extend(visits(study, occurrences));
    lines.extend(criteria(study));
    lines.extend(summary(study));
    lines
}

fn arms_and_elements<'s>(study: &'s Study<'_>) -> Vec<Line<'s>> {
    let protocol = study.protocol;
    let te = |code: String, name: String, start: String, end: &'static str| {
        Line::new("TE", None)
            .text("ETCD", code)
            .text("ELEMENT", name)
            .text("TESTRL", start)
            .text("TEENRL", end)
    };
    let mut lines = vec![te(
        "SCRN".into(),
        "Screening".into(),
        "Informed consent".into(),
        "Randomisation, or end of participation",
    )];
    let any_strategy = protocol.arms.iter().any(|arm| arm.strategy.is_some());
    for (place, arm) in protocol.arms.iter().enumerate() {
        let (code, name) = element(protocol, place);
        let branch = format!("Randomised to {}", arm.label);
        let mut planned = vec![
            ("SCRN".to_owned(), "Screening".to_owned(), "SCREENING", branch),
            (code.clone(), name.clone(), "TREATMENT", String::new()),
        ];
        let end = if arm.strategy.is_some() {
            let (code, name) = follow_up();
            planned.push((code.into(), name.into(), "FOLLOW-UP", String::new()));
            "Failure of the treatment strategy, or end of participation"
        } else {
            "End of participation"
        };
        lines.push(te(code, name, format!("Randomised to arm {}", arm.id), end));
        for ((code, name, epoch, branch), order) in planned.into_iter().zip(1..) {
            let transition = if order == 2 && arm.strategy.is_some() {
                "After failure of the treatment strategy, to follow-up"
            } else {
                ""
            };
            let line = Line::new("TA", None)
                .text("ARMCD", arm.id.to_string())
                .text("ARM", arm.label.as_str())
                .number("TAETORD", order)
                .text("ETCD", code)
                .text("ELEMENT", name)
                .text("TABRANCH", short(&branch, 200).into_owned())
                .text("TATRANS", transition)
                .text("EPOCH", epoch);
            lines.push(line);
        }
    }
    if any_strategy {
        let (code, name) = follow_up();
        lines.push(te(
            code.into(),
            name.into(),
            "The day after the strategy failed".into(),
            "End of participation",
        ));
    }
    lines
}

fn visits<'s>(study: &'s Study<'_>, occurrences: &BTreeMap<usize, u32>) -> Vec<Line<'s>> {
    let protocol = study.protocol;
    let mut lines = Vec::new();
    for (place, visit) in protocol.schedule.visits.iter().enumerate() {
        let times = visit.every_days.map_or(1, |_| occurrences.get(&place).copied().unwrap_or(1));
        for occurrence in 1..=times {
            let named = visit::at(protocol, place, occurrence);
            let day = visit.day + i64::from(occurrence - 1) * visit.every_days.map_or(0, i64::from);
            let start = format!(
                "{day} days from randomisation, {} days before to {} days after",
                visit.window_before, visit.window_after
            );
            let line = Line::new("TV", None)
                .number("VISITNUM", named.number)
                .text("VISIT", named.name)
                .maybe_number("VISITDY", named.day.map(|day| day as f64))
                .text("TVSTRL", start)
                .text("TVENRL", "Every form of the visit is filled");
            lines.push(line);
        }
    }
    lines
}

/// The criteria of every version of the protocol; the rule is the condition by which each is judged.
fn criteria<'s>(study: &'s Study<'_>) -> Vec<Line<'s>> {
    let mut lines = Vec::new();
    for (_, version) in study.history.versions() {
        let protocol = &version.protocol;
        for criterion in &protocol.eligibility {
            let line = Line::new("TI", None)
                .text("IETESTCD", study.short_name(&criterion.id))
                .text("IETEST", short(&criterion.text, 200).into_owned())
                .text("IECAT", category(criterion.kind).0)
                .text("TIRL", short(criterion.condition.as_str(), 200).into_owned())
                .text("TIVERS", protocol.trial.version.clone());
            lines.push(line);
        }
    }
    lines
}

/// A parameter of TS: code, name, value, and the code of the value in CDISC's terminology where it has one.
type Parameter = (&'static str, &'static str, String, Option<(&'static str, &'static str)>);

fn summary<'s>(study: &'s Study<'_>) -> Vec<Line<'s>> {
    const CT: &str = "CDISC CT";
    let (protocol, facts) = (study.protocol, &study.facts);
    let trial = &protocol.trial;
    let mut parameters: Vec<Parameter> = Vec::new();
    let mut say = |code, name, value: String, coded| parameters.push((code, name, value, coded));
    say("TITLE", "Trial Title", trial.title.clone(), None);
    if let Some(registry) = &trial.registry {
        let known = registry.starts_with("NCT").then_some(("", "ClinicalTrials.gov"));
        say("REGID", "Registry Identifier", registry.clone(), known);
    }
    if let Some(phase) = &trial.phase {
        let code = match phase.as_str() {
            "I" => Some("C15600"),
            "I/II" => Some("C15694"),
            "II" => Some("C15601"),
            "II/III" => Some("C49686"),
            "III" => Some("C15602"),
            "IV" => Some("C15603"),
            _ => None,
        };
        let value = if code.is_some() { format!("PHASE {phase} TRIAL") } else { phase.clone() };
        say("TPHASE", "Trial Phase Classification", value, code.map(|code| (code, CT)));
    }
    say("STYPE", "Study Type", "INTERVENTIONAL".into(), Some(("C98388", CT)));
    say("RANDOM", "Trial is Randomized", "Y".into(), Some(("C49488", CT)));
    say("NARMS", "Planned Number of Arms", protocol.arms.len().to_string(), None);
    say("PLANSUB", "Planned Number of Subjects", trial.participants.to_string(), None);
    if let Some(population) = &trial.population {
        say("INDIC", "Trial Disease/Condition Indication", population.clone(), None);
    }
    if let Some(objective) = &trial.objective {
        say("OBJPRIM", "Trial Primary Objective", objective.clone(), None);
    }
    for factor in &protocol.stratification {
        say("STRATFCT", "Stratification Factor", factor.label.clone(), None);
    }
    for endpoint in &protocol.endpoints {
        let (code, name) = match endpoint.role {
            EndpointRole::Primary => ("OUTMSPRI", "Primary Outcome Measure"),
            EndpointRole::Secondary => ("OUTMSSEC", "Secondary Outcome Measure"),
        };
        say(code, name, format!("{}: {}", endpoint.label, endpoint.definition), None);
    }
    let countries: BTreeSet<&String> = study.countries.values().collect();
    for country in countries {
        say(
            "FCNTRY",
            "Planned Country of Investigational Sites",
            country.clone(),
            Some(("", "ISO 3166-1 Alpha-3")),
        );
    }
    if let Some(cut) = facts.cut.or_else(|| facts.until.map(utc_date)) {
        let why = match (facts.cut, facts.as_of) {
            (Some(_), _) => "No clinical fact after this day is seen",
            (None, Some(_)) => "Only what was recorded by then is seen",
            (None, None) => "The last moment at which an event was recorded",
        };
        say("DCUTDTC", "Data Cutoff Date", cut.to_string(), Some(("", "ISO 8601")));
        say("DCUTDESC", "Data Cutoff Description", why.into(), None);
    }
    say("SDTMVER", "SDTM Version", "2.0".into(), None);
    say("SDTIGVER", "SDTM IG Version", "3.4".into(), None);
    say("PROTVER", "Protocol Version", trial.version.clone(), None);
    if let Some(head) = &facts.head {
        say("LEDGHEAD", "Hash of the Ledger's Last Event", head.clone(), None);
    }
    if facts.simulated {
        say("SIMULATD", "Simulated Data", "Y: every subject is virtual".into(), None);
    }
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let line = |(code, name, value, coded): Parameter| {
        let seq = seen.entry(code).or_default();
        *seq += 1;
        let parts: Vec<String> = pieces(&value, 200).into_iter().map(str::to_owned).collect();
        let mut line =
            Line::new("TS", None).number("TSSEQ", *seq).text("TSPARMCD", code).text("TSPARM", name);
        let names = ["TSVAL", "TSVAL1", "TSVAL2"];
        let most = names.len();
        for (name, part) in names.into_iter().zip(&parts) {
            line = line.text(name, part.clone());
        }
        if parts.len() > most {
            line = line.text("TSVAL3", short(&parts[most..].join(" "), 200).into_owned());
        }
        if let Some((code, reference)) = coded {
            let code = if code.is_empty() { value } else { code.to_owned() };
            line = line.text("TSVALCD", code).text("TSVCDREF", reference);
        }
        line
    };
    parameters.into_iter().map(line).collect()
}

/// Which data sets belong together by which variables, of those that have rows.
pub(crate) fn related<'s>(filled: &BTreeSet<&str>) -> Vec<Line<'s>> {
    const PAIRS: [[(&str, &str, &str); 2]; 3] = [
        [("TU", "TULNKID", "ONE"), ("TR", "TRLNKID", "MANY")],
        [("TR", "TRLNKGRP", "MANY"), ("RS", "RSLNKGRP", "MANY")],
        [("TU", "TULNKID", "ONE"), ("PR", "PRLNKID", "MANY")],
    ];
    let mut lines = Vec::new();
    for (pair, n) in PAIRS.iter().zip(1..) {
        if pair.iter().all(|(set, ..)| filled.contains(set)) {
            for (set, variable, kind) in pair {
                let line = Line::new("RELREC", None)
                    .text("RDOMAIN", *set)
                    .text("IDVAR", *variable)
                    .text("RELTYPE", *kind)
                    .text("RELID", format!("R{n}"));
                lines.push(line);
            }
        }
    }
    lines
}
