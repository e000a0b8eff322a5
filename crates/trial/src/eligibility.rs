//! Eligibility, criterion by criterion: met, not met, or unknown with what is missing; and the strata.
//!
//! The criteria are conditions in the protocol file. 'Unknown' is not 'met'. Never randomises (see `randomise`).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::concept::LESIONS;
use crate::condition::{Facts, Kind, Verdict};
use crate::date::{PartialDate, days_between};
use crate::event::{Instance, Seq};
use crate::progression::of_reader;
use crate::protocol::{Concept, CriterionKind, Protocol};
use crate::record::{FilledForm, Reading, Record};

/// A name that conditions read as `derived.name`.
#[derive(Clone, Debug, PartialEq)]
pub struct DerivedName {
    /// Without `derived.`.
    pub name: &'static str,
    /// What kind of value it has.
    pub kind: Kind,
    /// What it means.
    pub meaning: &'static str,
}

const fn derived(name: &'static str, kind: Kind, meaning: &'static str) -> DerivedName {
    DerivedName { name, kind, meaning }
}

/// Every derived name. `baseline` is the reader's last tumour assessment before randomisation.
pub const DERIVED: &[DerivedName] = &[
    derived(
        "age",
        Kind::Number,
        "years of age at consent; from a year of birth it is known to the year only",
    ),
    derived("lesions", Kind::Number, "lesions at baseline"),
    derived("opd_lesions", Kind::Number, "lesions marked as progressing at baseline"),
    derived("opd_extracranial", Kind::Truth, "all of them lie outside the skull"),
    derived("opd_amenable", Kind::Truth, "all of them are amenable to SABR"),
    derived("bone_only", Kind::Truth, "every lesion at baseline lies in bone"),
    derived("prior_rt_to_opd", Kind::Truth, "one of the progressing lesions was irradiated before"),
    derived(
        "first_line_days",
        Kind::Number,
        "days the latest therapy without an end has been under way at consent",
    ),
];

impl DerivedName {
    /// The form and the item it is read from, before all others.
    pub fn entered_at(&self) -> (Concept, &'static str) {
        match self.name {
            "age" => (Concept::Demography, "BRTHYY"),
            "first_line_days" => (Concept::PriorTherapy, "CMSTDAT"),
            _ => (Concept::TumourAssessment, LESIONS),
        }
    }
}

/// Where a name that conditions read (`form.ITEM` or `derived.name`) is entered before randomisation: the form at its visit, and
/// the item or the group; none where the protocol has no such form.
pub fn entered_at(protocol: &Protocol, name: &str) -> Option<(Instance, String)> {
    let (form, item) = name.split_once('.')?;
    let (form, item) = if form == "derived" {
        let (concept, item) = DERIVED.iter().find(|known| known.name == item)?.entered_at();
        // What is asked for at a visit comes before a log.
        let mut of_concept: Vec<_> = protocol.forms.iter().filter(|form| form.concept == concept).collect();
        of_concept.sort_by_key(|form| form.log);
        (of_concept.first()?.id.as_str(), item)
    } else {
        (protocol.forms.iter().find(|known| known.id == form)?.id.as_str(), item)
    };
    let mut visits = protocol.schedule.visits.iter();
    let visit = visits.find(|visit| visit.day <= 0 && visit.forms.iter().any(|known| known == form));
    let instance =
        Instance { form: form.to_owned(), visit: visit.map(|visit| visit.id.clone()), occurrence: 1 };
    Some((instance, item.to_owned()))
}

/// The judgement of one criterion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "judgement", rename_all = "snake_case")]
pub enum Judgement {
    /// An inclusion that holds, or an exclusion that does not apply.
    Met,
    /// An inclusion that does not hold, or an exclusion that applies.
    NotMet,
    /// Not decided: these inputs are missing.
    Unknown {
        /// `form.ITEM` or `derived.name`.
        missing: Vec<String>,
    },
}

/// One criterion and its judgement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// The criterion's id.
    pub id: String,
    /// As the protocol words it.
    pub text: String,
    /// The judgement.
    #[serde(flatten)]
    pub judgement: Judgement,
    /// The events whose values the condition read.
    pub events: Vec<Seq>,
}

/// What conditions read of a record, and the events each name came from.
pub struct Evidence {
    /// Name to value.
    pub facts: Facts,
    /// Name to events.
    pub events: BTreeMap<String, Vec<Seq>>,
}

impl Evidence {
    fn put(&mut self, name: &str, value: Value, events: Vec<Seq>) {
        self.facts.insert(name, value);
        self.events.insert(name.to_owned(), events);
    }

    fn span(&mut self, name: &str, least: i64, most: i64, events: Vec<Seq>) {
        self.facts.insert_span(name, least, most);
        self.events.insert(name.to_owned(), events);
    }
}

/// What is known of `record` before randomisation, under the names that conditions use.
///
/// A form first filled before randomisation counts with the values that stand now, a later correction included: so that
/// who was randomised in error shows. Of a form filled several times the last filled counts.
pub fn evidence(protocol: &Protocol, record: &Record) -> Evidence {
    let mut evidence = Evidence { facts: Facts::new(), events: BTreeMap::new() };
    let limit = record.randomised.as_ref().map_or(Seq::MAX, |fact| fact.event);
    let mut before: Vec<&FilledForm> = record.forms.iter().filter(|form| form.first < limit).collect();
    before.sort_by_key(|form| form.first);
    // What no condition reads, as the answers to a questionnaire, is no evidence.
    let criteria = protocol.eligibility.iter().map(|criterion| &criterion.condition);
    let levels = protocol.stratification.iter().flat_map(|factor| &factor.levels);
    let conditions = criteria.chain(levels.map(|level| &level.condition));
    let mut names: Vec<(&str, &str, &str)> = conditions
        .flat_map(crate::condition::Condition::names)
        .filter_map(|name| name.split_once('.').map(|(form, item)| (form, item, name.as_str())))
        .collect();
    names.sort_unstable();
    names.dedup();
    for form in &before {
        let from = names.partition_point(|(of, ..)| *of < form.instance.form.as_str());
        let of_form = names[from..].iter().take_while(|(of, ..)| *of == form.instance.form);
        for (_, item, name) in of_form {
            if let Some(value) = form.values.get(*item).filter(|value| !value.is_null() && !value.is_array())
            {
                evidence.put(name, value.clone(), vec![form.event]);
            }
        }
    }
    baseline_lesions(protocol, record, &before, &mut evidence);
    times(protocol, record, &before, &mut evidence);
    evidence
}

fn baseline_lesions(protocol: &Protocol, record: &Record, before: &[&FilledForm], evidence: &mut Evidence) {
    let form_of = |event: Seq| before.iter().find(|form| form.event == event);
    let assessments = of_reader(record, &protocol.tumour.reader);
    let baseline =
        assessments.iter().rev().find_map(|assessment| Some((assessment, form_of(assessment.event)?)));
    let Some((baseline, form)) = baseline else { return };
    let from = vec![baseline.event];
    let lesions: Vec<&Reading> = baseline.readings.iter().collect();
    let opd: Vec<&&Reading> = lesions.iter().filter(|r| r.oligoprogressive == Some(true)).collect();
    evidence.put("derived.lesions", json!(lesions.len()), from.clone());
    if lesions.iter().any(|reading| reading.oligoprogressive.is_some()) {
        evidence.put("derived.opd_lesions", json!(opd.len()), from.clone());
        evidence.put("derived.opd_extracranial", json!(opd.iter().all(|r| !r.intracranial)), from.clone());
    }
    // Amenable is proven only where every oligoprogressive lesion was judged, or one was judged not to be.
    if opd.iter().any(|reading| reading.amenable == Some(false)) {
        evidence.put("derived.opd_amenable", json!(false), from.clone());
    } else if !opd.is_empty() && opd.iter().all(|reading| reading.amenable == Some(true)) {
        evidence.put("derived.opd_amenable", json!(true), from.clone());
    }
    // A lesion whose place is not said may lie anywhere.
    let placed = || lesions.iter().filter(|reading| !reading.location.is_empty());
    if placed().any(|reading| !reading.location.contains("BONE")) {
        evidence.put("derived.bone_only", json!(false), from.clone());
    } else if !lesions.is_empty() && placed().count() == lesions.len() {
        evidence.put("derived.bone_only", json!(true), from.clone());
    }
    prior_radiotherapy(form, from, evidence);
}

fn prior_radiotherapy(form: &FilledForm, from: Vec<Seq>, evidence: &mut Evidence) {
    let Some(rows) = form.values.get(LESIONS).and_then(Value::as_array) else { return };
    let opd: Vec<&Value> = rows.iter().filter(|row| row["OPD"] == "Y").collect();
    if opd.iter().any(|row| row["PRIORRT"] == "Y") {
        evidence.put("derived.prior_rt_to_opd", json!(true), from);
    } else if !opd.is_empty() && opd.iter().all(|row| row["PRIORRT"] == "N") {
        evidence.put("derived.prior_rt_to_opd", json!(false), from);
    }
}

fn times(protocol: &Protocol, record: &Record, before: &[&FilledForm], evidence: &mut Evidence) {
    let day = record
        .consent
        .as_ref()
        .map(|fact| (fact.value, fact.event))
        .or_else(|| record.screened.as_ref().map(|fact| (fact.value, fact.event)));
    let Some((day, day_event)) = day else { return };
    if let Some(birth) = &record.birth_year {
        let years = i64::from(day.year()) - i64::from(birth.value);
        evidence.span("derived.age", years - 1, years, vec![birth.event, day_event]);
    }
    let is_prior = |form: &FilledForm| {
        let definition = protocol.forms.iter().find(|known| known.id == form.instance.form);
        definition.is_some_and(|known| known.concept == Concept::PriorTherapy)
    };
    // The therapy under way: the latest entry without an end.
    let current =
        before.iter().rfind(|form| is_prior(form) && form.values.get("CMENDAT").is_none_or(Value::is_null));
    if let Some(form) = current
        && let Some(start) = form.values.get("CMSTDAT").and_then(Value::as_str)
        && let Ok(start) = PartialDate::parse(start)
    {
        let (least, most) = (days_between(start.last(), day), days_between(start.first(), day));
        evidence.span("derived.first_line_days", least, most, vec![form.event, day_event]);
    }
}

/// Every criterion of `protocol`, judged on `record`.
pub fn judge(protocol: &Protocol, record: &Record) -> Vec<Judged> {
    judge_by(protocol, &evidence(protocol, record))
}

/// The same on evidence that is at hand.
pub fn judge_by(protocol: &Protocol, evidence: &Evidence) -> Vec<Judged> {
    protocol
        .eligibility
        .iter()
        .map(|criterion| {
            let condition = &criterion.condition;
            let judgement =
                match (condition.evaluate(&evidence.facts), criterion.kind) {
                    (Verdict::Unknown { missing }, _) => Judgement::Unknown { missing },
                    (Verdict::True, CriterionKind::Inclusion)
                    | (Verdict::False, CriterionKind::Exclusion) => Judgement::Met,
                    (Verdict::False, CriterionKind::Inclusion)
                    | (Verdict::True, CriterionKind::Exclusion) => Judgement::NotMet,
                };
            let mut events: Vec<Seq> = condition
                .names()
                .iter()
                .filter_map(|name| evidence.events.get(name))
                .flatten()
                .copied()
                .collect();
            events.sort_unstable();
            events.dedup();
            Judged { id: criterion.id.clone(), text: criterion.text.clone(), judgement, events }
        })
        .collect()
}

/// The stratum of `record`: factor id and level id in the order of the protocol, or the names that are missing.
pub fn stratum(protocol: &Protocol, record: &Record) -> Result<Vec<(String, String)>, Vec<String>> {
    stratum_by(protocol, &evidence(protocol, record))
}

/// The same on evidence that is at hand.
pub fn stratum_by(protocol: &Protocol, evidence: &Evidence) -> Result<Vec<(String, String)>, Vec<String>> {
    let mut stratum = Vec::new();
    let mut absent = Vec::new();
    for factor in &protocol.stratification {
        match level(factor, &evidence.facts) {
            Ok(level) => stratum.push((factor.id.clone(), level)),
            Err(missing) => absent.extend(missing),
        }
    }
    absent.sort();
    absent.dedup();
    if absent.is_empty() { Ok(stratum) } else { Err(absent) }
}

fn level(factor: &crate::protocol::Factor, facts: &Facts) -> Result<String, Vec<String>> {
    for level in &factor.levels {
        match level.condition.evaluate(facts) {
            Verdict::True => return Ok(level.id.clone()),
            Verdict::Unknown { missing } => return Err(missing),
            Verdict::False => {}
        }
    }
    Err(vec![format!("a level of {} that fits", factor.id)])
}
