//! What differs between two reports: which numbers, and the subjects and events that changed them.
//!
//! Never computes a statistic: it holds two `results.json` side by side, as they were written, so that a report of an earlier version
//! of this program can be compared too. A number is changed by the entries behind it (`who`, `subjects`) that differ.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

/// What differs between two reports.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Differences {
    /// What each is of, where that differs: cut, moment, head of the ledger, protocol version.
    pub about: Vec<Change>,
    /// The numbers that differ, by what they are about, in the order of the report.
    pub parts: Vec<Passage>,
    /// What the events were that are named above, in the words of the newer report.
    pub events: BTreeMap<u64, String>,
}

/// Numbers that rest on the same subjects.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Passage {
    /// Where they stand, step by step: `analyses`, `TSF-main`.
    pub place: Vec<String>,
    /// The numbers that differ.
    pub changes: Vec<Change>,
    /// The subjects whose entries behind them differ.
    pub because: Vec<Cause>,
}

/// A number, or a word, that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Where, within the part.
    pub what: Vec<String>,
    /// In the older report; none where it did not have it.
    pub old: Option<Value>,
    /// In the newer one; none where it has it no more.
    pub new: Option<Value>,
}

/// A subject whose entry differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Cause {
    /// `SUBJID`.
    pub subject: String,
    /// What it contributed, in words; empty where nothing.
    pub old: String,
    /// What it contributes.
    pub new: String,
    /// Events that it rests on now and did not before.
    pub added: Vec<u64>,
    /// Events that it rested on and does not any more.
    pub removed: Vec<u64>,
}

/// What differs between the `results.json` of an older and a newer report.
pub fn differences(old: &Value, new: &Value) -> Differences {
    let mut found = Vec::new();
    walk(&mut Vec::new(), Some(old), Some(new), &mut found);
    let (about, numbers): (Vec<Leaf>, Vec<Leaf>) =
        found.into_iter().partition(|leaf| leaf.steps.first().is_some_and(|step| step.name == "about"));
    let mut parts: Vec<Passage> = Vec::new();
    for leaf in numbers {
        let depth = leaf.part_of(old, new);
        let (place, what) = leaf.steps.split_at(depth);
        let place: Vec<String> = place.iter().map(Step::words).collect();
        let change = Change { what: what.iter().map(Step::words).collect(), old: leaf.old, new: leaf.new };
        if let Some(part) = parts.iter_mut().find(|part| part.place == place) {
            part.changes.push(change);
            continue;
        }
        let at = &leaf.steps[..depth];
        let because = causes(follow(old, at), follow(new, at));
        parts.push(Passage { place, changes: vec![change], because });
    }
    parts.sort_by_key(|part| !is_primary(new, &part.place));
    let named: BTreeSet<u64> = parts
        .iter()
        .flat_map(|part| &part.because)
        .flat_map(|cause| cause.added.iter().chain(&cause.removed))
        .copied()
        .collect();
    let about = about
        .into_iter()
        .map(|leaf| Change {
            what: leaf.steps[1..].iter().map(Step::words).collect(),
            old: leaf.old,
            new: leaf.new,
        })
        .collect();
    Differences { about, parts, events: told(&named, &[new, old]) }
}

/// Whether a part is an analysis of the primary endpoint: what is looked for first.
fn is_primary(report: &Value, place: &[String]) -> bool {
    let [first, id, ..] = place else { return false };
    let analyses = report.get("analyses").and_then(Value::as_array);
    let of = |analysis: &&Value| analysis.get("id").and_then(Value::as_str) == Some(id);
    first == "analyses"
        && analyses.into_iter().flatten().find(of).and_then(|analysis| analysis.get("primary"))
            == Some(&Value::Bool(true))
}

/// The lists that lie behind numbers: each entry is a subject with its events.
const BEHIND: [&str; 4] = ["who", "subjects", "missing", "contributions"];

/// What is told subject by subject, and drawn: a number in a table says it too.
const LEFT_OUT: [&str; 6] = ["traces", "swimmer", "waterfall", "spider", "curve", "days"];

/// What tells one element of a list from another.
const NAMES: [&str; 17] = [
    "id",
    "arm",
    "control",
    "subject",
    "site",
    "month",
    "characteristic",
    "level",
    "class",
    "term",
    "serious",
    "item",
    "response",
    "week",
    "dose_gy",
    "fractions",
    "what",
];

/// A step into a value: a key, or an element of a list by what tells it from the others.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    name: String,
    /// How it is said; empty where the name will do.
    label: String,
}

impl Step {
    fn words(&self) -> String {
        if self.label.is_empty() { self.name.replace('_', " ") } else { self.label.clone() }
    }
}

/// A leaf that differs.
struct Leaf {
    steps: Vec<Step>,
    old: Option<Value>,
    new: Option<Value>,
}

impl Leaf {
    /// How many steps lead to the smallest part around it that has subjects behind it.
    fn part_of(&self, old: &Value, new: &Value) -> usize {
        let rests = |value: Option<&Value>| value.is_some_and(has_subjects);
        (1..=self.steps.len())
            .rev()
            .find(|depth| {
                let at = &self.steps[..*depth];
                rests(follow(old, at)) || rests(follow(new, at))
            })
            .unwrap_or(1.min(self.steps.len()))
    }
}

/// Where the steps lead from a value.
fn follow<'v>(value: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    steps.iter().try_fold(value, |value, step| match value {
        Value::Object(map) => map.get(&step.name),
        Value::Array(list) => {
            named(list).into_iter().find(|(known, _)| known.name == step.name).map(|(_, value)| value)
        }
        _ => None,
    })
}

/// Every leaf in which two values differ, in the order of the newer one.
fn walk<'v>(steps: &mut Vec<Step>, old: Option<&'v Value>, new: Option<&'v Value>, found: &mut Vec<Leaf>) {
    if old == new {
        return;
    }
    let shape = new.filter(|value| !value.is_null()).or(old);
    match shape {
        Some(Value::Object(_)) => {
            let of = |value: Option<&'v Value>| value.and_then(Value::as_object);
            let (before, after) = (of(old), of(new));
            let keys = |map: Option<&'v Map<String, Value>>| map.into_iter().flat_map(Map::keys);
            let gone = keys(before).filter(|key| after.is_none_or(|after| !after.contains_key(*key)));
            for key in keys(after).chain(gone) {
                if BEHIND.contains(&key.as_str()) || LEFT_OUT.contains(&key.as_str()) {
                    continue;
                }
                steps.push(Step { name: key.clone(), label: String::new() });
                let at = |map: Option<&'v Map<String, Value>>| map.and_then(|map| map.get(key));
                walk(steps, at(before), at(after), found);
                steps.pop();
            }
        }
        Some(Value::Array(_)) => {
            let of = |value: Option<&'v Value>| {
                value.and_then(Value::as_array).map(|list| named(list)).unwrap_or_default()
            };
            let (before, after) = (of(old), of(new));
            let gone = before.iter().filter(|(step, _)| after.iter().all(|(known, _)| known != step));
            for (step, _) in after.iter().chain(gone) {
                let at = |list: &[(Step, &'v Value)]| {
                    list.iter().find(|(known, _)| known == step).map(|(_, value)| *value)
                };
                steps.push(step.clone());
                match (at(&before), at(&after)) {
                    (Some(old), Some(new)) => walk(steps, Some(old), Some(new), found),
                    // An element that only one of them has is told as a whole.
                    (old, new) => {
                        let whole = |value: Option<&Value>| value.map(|value| Value::String(gist(value)));
                        found.push(Leaf { steps: steps.clone(), old: whole(old), new: whole(new) });
                    }
                }
                steps.pop();
            }
        }
        _ => found.push(Leaf { steps: steps.clone(), old: old.cloned(), new: new.cloned() }),
    }
}

/// The numbers of an element in a few words, under their keys; `listed` where it has none.
fn gist(value: &Value) -> String {
    const WORDS: usize = 12;
    let mut words = Vec::new();
    numbers(value, "", &mut words);
    let more = words.len() > WORDS;
    words.truncate(WORDS);
    if words.is_empty() {
        return "listed".to_owned();
    }
    words.join(", ") + if more { ", ..." } else { "" }
}

fn numbers(value: &Value, key: &str, words: &mut Vec<String>) {
    match value {
        Value::Number(number) if key.is_empty() => words.push(number.to_string()),
        Value::Number(number) => words.push(format!("{} {number}", key.replace('_', " "))),
        Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_number) => {
            let all: Vec<String> = list.iter().map(Value::to_string).collect();
            words.push(format!("{} {}", key.replace('_', " "), all.join(" ")).trim().to_owned());
        }
        Value::Array(list) => list.iter().for_each(|value| numbers(value, key, words)),
        Value::Object(map) => {
            let told = |name: &str| {
                BEHIND.contains(&name)
                    || LEFT_OUT.contains(&name)
                    || NAMES.contains(&name)
                    || name == "events"
            };
            map.iter().filter(|(name, _)| !told(name)).for_each(|(name, value)| numbers(value, name, words));
        }
        _ => {}
    }
}

/// The elements of a list, each with what tells it from the others: its names, else its place.
fn named(list: &[Value]) -> Vec<(Step, &Value)> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    list.iter()
        .enumerate()
        .map(|(place, element)| {
            let label = match element {
                Value::Object(map) => {
                    let names = NAMES.iter().filter_map(|name| map.get(*name)).filter_map(plain);
                    names.collect::<Vec<_>>().join(", ")
                }
                Value::Array(pair) => pair.first().and_then(plain).unwrap_or_default(),
                _ => String::new(),
            };
            let label = if label.is_empty() { (place + 1).to_string() } else { label };
            let times = seen.entry(label.clone()).and_modify(|times| *times += 1).or_insert(1);
            let name = if *times == 1 { label.clone() } else { format!("{label} ({times})") };
            (Step { label: name.clone(), name }, element)
        })
        .collect()
}

/// A text or a number as a word.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether subjects stand behind a value.
fn has_subjects(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, value)| {
            (BEHIND.contains(&key.as_str()) && value.as_array().is_some_and(|list| !list.is_empty()))
                || (!LEFT_OUT.contains(&key.as_str()) && has_subjects(value))
        }),
        Value::Array(list) => list.iter().any(has_subjects),
        _ => false,
    }
}

/// An entry of a list behind a number.
#[derive(Clone, Debug, Default, PartialEq)]
struct Entry {
    words: String,
    events: BTreeSet<u64>,
}

/// The entries behind a value, by the list they stand in and by subject.
fn entries(value: &Value, place: &str, all: &mut BTreeMap<(String, String), Entry>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if LEFT_OUT.contains(&key.as_str()) {
                    continue;
                }
                let place = format!("{place}/{key}");
                match value {
                    Value::Array(list) if BEHIND.contains(&key.as_str()) => {
                        for (subject, entry) in list.iter().filter_map(entry) {
                            let known = all.entry((place.clone(), subject)).or_default();
                            known.events.extend(entry.events);
                            if !known.words.is_empty() && !entry.words.is_empty() {
                                known.words += "; ";
                            }
                            known.words += &entry.words;
                        }
                    }
                    _ => entries(value, &place, all),
                }
            }
        }
        Value::Array(list) => {
            for (step, value) in named(list) {
                entries(value, &format!("{place}/{}", step.name), all);
            }
        }
        _ => {}
    }
}

/// One entry: an object with a subject, or a list that begins with one.
fn entry(value: &Value) -> Option<(String, Entry)> {
    let (subject, rest): (&str, Vec<&Value>) = match value {
        Value::Object(map) => (map.get("subject")?.as_str()?, Vec::new()),
        Value::Array(list) => (list.first()?.as_str()?, list.iter().skip(1).collect()),
        _ => return None,
    };
    let mut events = BTreeSet::new();
    let words = if let Some(map) = value.as_object() {
        collect(map.get("events"), &mut events);
        collect(map.get("time").and_then(|time| time.get("events")), &mut events);
        contribution(map)
    } else {
        rest.iter().filter(|value| value.is_array()).for_each(|value| collect(Some(value), &mut events));
        rest.iter().filter_map(|value| plain(value)).collect::<Vec<_>>().join(", ")
    };
    Some((subject.to_owned(), Entry { words, events }))
}

fn collect(list: Option<&Value>, events: &mut BTreeSet<u64>) {
    events.extend(list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_u64));
}

/// What an entry contributes, in words.
fn contribution(map: &Map<String, Value>) -> String {
    let arm = map.get("arm").and_then(Value::as_str).map(|arm| format!(" in {arm}")).unwrap_or_default();
    if let (Some(days), Some(event)) =
        (map.get("days").and_then(Value::as_i64), map.get("event").and_then(Value::as_bool))
    {
        let ended = if event { "event" } else { "censored" };
        return format!("{ended} on day {days}{arm}");
    }
    let said = |name: &str| map.get(name).and_then(plain).filter(|text| !text.is_empty());
    let words: Vec<String> = ["value", "words"].iter().filter_map(|name| said(name)).collect();
    if words.is_empty() { "counted".to_owned() } else { words.join(", ") }
}

/// The subjects whose entries behind two values differ.
fn causes(old: Option<&Value>, new: Option<&Value>) -> Vec<Cause> {
    let of = |value: Option<&Value>| {
        let mut all = BTreeMap::new();
        if let Some(value) = value {
            entries(value, "", &mut all);
        }
        all
    };
    let (before, after) = (of(old), of(new));
    let keys: BTreeSet<&(String, String)> = before.keys().chain(after.keys()).collect();
    let none = Entry::default();
    let mut causes: BTreeSet<Cause> = BTreeSet::new();
    for key in keys {
        let (was, is) = (before.get(key).unwrap_or(&none), after.get(key).unwrap_or(&none));
        if was != is {
            causes.insert(Cause {
                subject: key.1.clone(),
                old: was.words.clone(),
                new: is.words.clone(),
                added: is.events.difference(&was.events).copied().collect(),
                removed: was.events.difference(&is.events).copied().collect(),
            });
        }
    }
    causes.into_iter().collect()
}

/// What events were, from the traces of the reports; the first report that knows one tells it.
fn told(named: &BTreeSet<u64>, reports: &[&Value]) -> BTreeMap<u64, String> {
    let mut told = BTreeMap::new();
    for report in reports {
        let traces = report.get("traces").and_then(Value::as_array).into_iter().flatten();
        for source in traces.filter_map(|trace| trace.get("sources")?.as_array()).flatten() {
            let Some(seq) = source.get("seq").and_then(Value::as_u64).filter(|seq| named.contains(seq))
            else {
                continue;
            };
            let said = |name: &str| source.get(name).and_then(Value::as_str).unwrap_or_default();
            let when = said("recorded").get(..10).map(|day| format!(", recorded {day}")).unwrap_or_default();
            told.entry(seq).or_insert_with(|| format!("{}{when}", said("place")));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn report(hazard_ratio: f64, day: i64, event: bool, events: &[u64]) -> Value {
        json!({
            "about": { "trial": "A", "head": format!("{hazard_ratio}") },
            "analyses": [{
                "id": "TSF-main",
                "arms": [{ "arm": "SABR", "n": 1, "curve": [{ "months": day }] }],
                "comparison": { "hazard_ratio": { "value": hazard_ratio, "lower": null } },
                "subjects": [
                    { "subject": "01-001", "arm": "SABR", "days": day, "event": event, "time": { "events": events } },
                    { "subject": "01-002", "arm": "SABR", "days": 5, "event": true, "time": { "events": [3] } },
                ],
            }],
            "safety": { "all": [{ "class": "Skin", "term": null, "counts": [[0, 1]], "subjects": [["01-002", "SABR", 2, [9]]] }] },
            "traces": [{ "sources": [{ "seq": 12, "place": "Tumour assessment, week 12", "recorded": "2027-02-03T10:00:00Z" }] }],
        })
    }

    #[test]
    fn a_number_that_changed_names_the_subject_and_the_events() {
        let found = differences(&report(0.5, 30, false, &[4]), &report(0.6, 84, true, &[4, 12]));
        assert_eq!(found.about.len(), 1);
        assert_eq!(found.about[0].what, ["head"]);
        let [part] = found.parts.as_slice() else { panic!("{:?}", found.parts) };
        assert_eq!(part.place, ["analyses", "TSF-main"]);
        let change = Change {
            what: vec!["comparison".into(), "hazard ratio".into(), "value".into()],
            old: Some(json!(0.5)),
            new: Some(json!(0.6)),
        };
        assert_eq!(part.changes, [change]);
        let cause = Cause {
            subject: "01-001".into(),
            old: "censored on day 30 in SABR".into(),
            new: "event on day 84 in SABR".into(),
            added: vec![12],
            removed: vec![],
        };
        assert_eq!(part.because, [cause]);
        assert_eq!(found.events[&12], "Tumour assessment, week 12, recorded 2027-02-03");
    }

    #[test]
    fn what_only_one_report_has_is_told() {
        let (old, mut new) = (report(0.5, 30, false, &[4]), report(0.5, 30, false, &[4]));
        let row = json!({ "class": "Skin", "term": "Rash", "counts": [[1, 0]], "subjects": [["01-001", "SABR", 1, [7]]] });
        new["safety"]["all"].as_array_mut().unwrap().insert(0, row);
        let found = differences(&old, &new);
        let [part] = found.parts.as_slice() else { panic!("{:?}", found.parts) };
        assert_eq!(part.place, ["safety", "all", "Skin, Rash"]);
        assert_eq!(part.because[0].added, [7]);
        let back = differences(&new, &old);
        assert_eq!(back.parts[0].because[0].removed, [7]);
        assert_eq!(back.parts[0].changes[0].new, None);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            (0..5u64).prop_map(|n| json!(n)),
            "[a-c]{0,2}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 40, 4, |inner| {
            let key = prop_oneof![
                Just("id"),
                Just("who"),
                Just("subject"),
                Just("events"),
                Just("time"),
                Just("n"),
                Just("about"),
                Just("traces")
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key, inner, 0..4).prop_map(|map| Value::Object(
                    map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
                )),
            ]
        })
    }

    proptest! {
        /// Whatever two files hold, they are compared; one with itself has no difference, and what is told does differ.
        #[test]
        fn whatever_stands_there_is_compared(old in value(), new in value()) {
            prop_assert_eq!(differences(&old, &old), Differences::default());
            for part in differences(&old, &new).parts {
                prop_assert!(!part.changes.is_empty());
                for change in part.changes {
                    prop_assert_ne!(change.old, change.new);
                }
            }
        }
    }
}
