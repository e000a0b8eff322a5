//! An event in plain words, as the audit trail shows and exports it: what was done, and which values changed from what to what.
//!
//! Never judges and never leaves a value out: what the protocol does not know is named by its id. The same words stand on the
//! page and in the export.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::event::{Entered, Instance, Role, What};
use crate::form::entry::text;
use crate::form::{given, key_of};
use crate::id::{SiteId, SubjectId};
use crate::protocol::{Form, Group, Item, ItemType, Protocol};

/// An event in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// What was done, in a sentence without its full stop.
    pub text: String,
    /// The values it gave, each with what stood there before.
    pub changes: Vec<Change>,
    /// Why, where somebody said so.
    pub reason: Option<String>,
}

/// One value that an event gave, changed or took away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its item, as in `BRTHYY`.
    pub item: String,
    /// The repeating group and the row in it (`T01`, else its number from 1), where it stands in one.
    pub row: Option<(String, String)>,
    /// The question, with its unit.
    pub label: String,
    /// What stood there; none where nothing did.
    pub old: Option<String>,
    /// What stands there now; none where it was taken away.
    pub new: Option<String>,
}

impl Change {
    /// The item with its row: `LESIONS T01, DIAMETER`.
    pub fn place(&self) -> String {
        match &self.row {
            Some((group, row)) => format!("{group} {row}, {}", self.item),
            None => self.item.clone(),
        }
    }
}

/// The words for an event; `protocol` is the version in force when it was entered. `before`: the values of the form that a
/// correction replaces; without them everything it says counts as new.
pub fn says(protocol: &Protocol, what: &What, before: Option<&Map<String, Value>>) -> Said {
    let form = |instance: &Instance| form_name(protocol, instance);
    let plain = |text: String| Said { text, changes: Vec::new(), reason: None };
    match what {
        What::ProtocolAdopted { version, simulated, .. } => plain(format!(
            "Protocol version {version} came into force{}",
            if *simulated { "; the subjects are virtual" } else { "" }
        )),
        What::SiteOpened { name, country } => plain(match country {
            Some(country) => format!("Site opened: {name} ({country})"),
            None => format!("Site opened: {name}"),
        }),
        What::SiteClosed { reason } => Said { reason: reason.clone(), ..plain("Site closed".into()) },
        What::UserChanged { user, given: Some(role) } => plain(format!("{user} became {}", role_name(*role))),
        What::UserChanged { user, given: None } => plain(format!("The role of {user} was taken away")),
        What::SubjectScreened => plain("Entered screening".into()),
        What::FormSaved { instance, values } => Said {
            changes: changes(protocol, &instance.form, before, values),
            ..plain(format!("{} filled", form(instance)))
        },
        What::FormCorrected { instance, values, corrects, reason } => Said {
            changes: changes(protocol, &instance.form, before, values),
            reason: Some(reason.clone()),
            ..plain(format!("{} corrected, as event {corrects} gave it", form(instance)))
        },
        What::FormSigned { instance, meaning } => plain(format!("{} signed: {meaning}", form(instance))),
        What::Verified { instance } => plain(format!("{} verified against its source", form(instance))),
        What::Locked { instance, locked: true } => plain(format!("{} locked", form(instance))),
        What::Locked { instance, locked: false } => plain(format!("{} unlocked", form(instance))),
        What::QueryRaised { query, about, item, text, due } => {
            let about = match (about, item) {
                (Some(instance), Some(item)) => {
                    format!(" about {}, {}", form(instance), item_name(protocol, &instance.form, item))
                }
                (Some(instance), None) => format!(" about {}", form(instance)),
                (None, _) => String::new(),
            };
            let due = due.map_or_else(String::new, |due| format!(" (answer due {due})"));
            plain(format!("Query {query} raised{about}: {text}{due}"))
        }
        What::QueryAnswered { query, text } => plain(format!("Query {query} answered: {text}")),
        What::QueryClosed { query } => plain(format!("Query {query} closed")),
        What::Randomised { arm, date, stratum, on_behalf, .. } => {
            let label = protocol.arms.iter().find(|known| known.id == *arm).map_or("", |known| &known.label);
            let label =
                if label.is_empty() || label == arm.as_str() { String::new() } else { format!(" ({label})") };
            let stratum: Vec<_> = stratum.iter().map(|(factor, level)| format!("{factor} {level}")).collect();
            let stratum =
                if stratum.is_empty() { String::new() } else { format!(", stratum {}", stratum.join(", ")) };
            let whom = on_behalf.as_ref().map_or_else(String::new, |on| format!(", on behalf of {}", on.who));
            Said {
                reason: on_behalf.as_ref().map(|on| on.reason.clone()),
                ..plain(format!("Randomised to arm {arm}{label} on {date}{stratum}{whom}"))
            }
        }
        What::SeedRevealed { .. } => plain("The secret seed of randomisation was revealed".into()),
    }
}

/// A form's instance as people say it: `Tumour assessment, Week 12`, `Adverse event no. 3`.
pub fn form_name(protocol: &Protocol, instance: &Instance) -> String {
    let form = protocol.forms.iter().find(|form| form.id == instance.form);
    let label = form.map_or(instance.form.as_str(), |form| form.label.as_str());
    let n = instance.occurrence;
    let Some(id) = &instance.visit else {
        // Of a log form there is always one more; of another, the first is the only one most often.
        let many = n > 1 || form.is_some_and(|form| form.log);
        return if many { format!("{label} no. {n}") } else { label.to_owned() };
    };
    format!("{label}, {}", visit_name(protocol, id, n))
}

/// A visit as people say it: `Week 12`; `Follow-up, every 12 weeks, no. 2` where it is made again and again.
pub fn visit_name(protocol: &Protocol, id: &str, occurrence: u32) -> String {
    let visit = protocol.schedule.visits.iter().find(|visit| visit.id == id);
    let label = visit.map_or(id, |visit| visit.label.as_str());
    let repeats = occurrence > 1 || visit.is_some_and(|visit| visit.every_days.is_some());
    if repeats { format!("{label}, no. {occurrence}") } else { label.to_owned() }
}

/// The label of an item of a form, wherever it stands in it; its id where the protocol does not know it. `name` may be the item's
/// id, or its name with group and row as in `LESIONS.T01.DIAMETER` (see [`in_row`]).
pub fn item_name(protocol: &Protocol, form: &str, name: &str) -> String {
    let Some(form) = protocol.forms.iter().find(|known| known.id == form) else { return name.to_owned() };
    let (row, id) = in_row(name).map_or((None, name), |(_, row, id)| (Some(row), id));
    let group = form.groups.iter().find(|group| group.id == name).map(|group| group.label.clone());
    let item = || {
        form.items.iter().chain(form.groups.iter().flat_map(|group| &group.items)).find(|item| item.id == id)
    };
    let label = group.or_else(|| item().map(|item| item.label.clone()));
    match (label, row) {
        (Some(label), Some(row)) => format!("{row}, {label}"),
        (Some(label), None) => label,
        (None, _) => name.to_owned(),
    }
}

/// The group, the row and the item in the name of an item of a repeating group: `LESIONS.T01.DIAMETER`, or `LESIONS.row 2.DIAMETER`
/// where the row has no key. A query about a row carries such a name, since rows come and go; see [`row_names`].
pub fn in_row(name: &str) -> Option<(&str, &str, &str)> {
    let (group, rest) = name.split_once('.')?;
    let (row, item) = rest.rsplit_once('.')?;
    Some((group, row, item))
}

/// The names of a group's rows, in order: what a row's key says, where no row before it says the same; else `row 2`, counted from 1.
pub fn row_names(keys: impl IntoIterator<Item = Option<String>>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for key in keys {
        let free = key.filter(|key| !names.contains(key));
        names.push(free.unwrap_or_else(|| format!("row {}", names.len() + 1)));
    }
    names
}

/// The names of the rows that stand in a group of a form.
pub fn rows_of(form: &Form, group: &Group, values: &Map<String, Value>) -> Vec<String> {
    rows(&key_of(form, group), values.get(&group.id)).into_iter().map(|(name, _)| name).collect()
}

/// A kind of event (`What::kind`) as people say it.
pub fn kind_name(kind: &str) -> &str {
    KINDS.iter().find(|(known, _)| *known == kind).map_or(kind, |(_, words)| words)
}

/// Every kind of event, with its words.
pub const KINDS: [(&str, &str); 15] = [
    ("form_saved", "Form filled"),
    ("form_corrected", "Form corrected"),
    ("form_signed", "Form signed"),
    ("verified", "Form verified"),
    ("locked", "Form locked or unlocked"),
    ("query_raised", "Query raised"),
    ("query_answered", "Query answered"),
    ("query_closed", "Query closed"),
    ("subject_screened", "Subject screened"),
    ("randomised", "Subject randomised"),
    ("user_changed", "Role given or taken"),
    ("site_opened", "Site opened"),
    ("site_closed", "Site closed"),
    ("protocol_adopted", "Protocol version adopted"),
    ("seed_revealed", "Seed revealed"),
];

/// A role as people say it, within a sentence.
pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::SiteCoordinator => "site coordinator",
        Role::Investigator => "investigator",
        Role::RadiationOncologist => "radiation oncologist",
        Role::Monitor => "monitor",
        Role::DataManager => "data manager",
        Role::Statistician => "statistician",
        Role::SafetyCommittee => "safety committee",
        Role::TrialOffice => "trial office",
        Role::Patient => "patient",
        Role::System => "another program",
    }
}

/// What differs between two fillings of a form, in the order of its definition; without `before`, all that is filled. Rows of a
/// repeating group are the same row where their keys are; where a group has no key, or a row lacks it, by their place.
pub fn changes(
    protocol: &Protocol,
    form: &str,
    before: Option<&Map<String, Value>>,
    after: &Map<String, Value>,
) -> Vec<Change> {
    let form = protocol.forms.iter().find(|known| known.id == form);
    let none = Map::new();
    let mut list = List::default();
    let items = form.map_or(&[][..], |form| &form.items);
    let groups = form.map_or(&[][..], |form| &form.groups);
    let before = before.unwrap_or(&none);
    list.items(None, items, before, after, |id| !groups.iter().any(|group| group.id == id));
    for group in groups {
        let key = form.map(|form| key_of(form, group)).unwrap_or_default();
        list.group(group, &key, before.get(&group.id), after.get(&group.id));
    }
    list.0
}

/// The columns of an exported trail.
pub const HEADER: [&str; 17] = [
    "SEQ",
    "RECORDED",
    "USER",
    "ROLE",
    "SITEID",
    "SUBJID",
    "KIND",
    "FORM",
    "VISIT",
    "OCCURRENCE",
    "EVENT",
    "ITEM",
    "ROW",
    "LABEL",
    "OLD",
    "NEW",
    "REASON",
];

/// An event as rows of an exported trail: one for each value that changed, one where none did.
pub fn records<'e>(entered: &'e Entered, said: &'e Said) -> impl Iterator<Item = [String; 17]> + 'e {
    let changes = said.changes.iter().map(Some).chain(said.changes.is_empty().then_some(None));
    changes.map(|change| record(entered, said, change))
}

fn record(entered: &Entered, said: &Said, change: Option<&Change>) -> [String; 17] {
    let event = &entered.event;
    let instance = event.what.instance();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let row = change.and_then(|change| change.row.as_ref()).map(|(group, row)| format!("{group} {row}"));
    [
        entered.seq.to_string(),
        event.recorded.to_string(),
        event.who.clone(),
        role_name(event.role).to_owned(),
        text(event.site.as_ref().map(SiteId::as_str)),
        text(event.subject.as_ref().map(SubjectId::as_str)),
        event.what.kind().to_owned(),
        text(instance.map(|instance| instance.form.as_str())),
        text(instance.and_then(|instance| instance.visit.as_deref())),
        instance.map_or_else(String::new, |instance| instance.occurrence.to_string()),
        said.text.clone(),
        text(change.map(|change| change.item.as_str())),
        row.unwrap_or_default(),
        text(change.map(|change| change.label.as_str())),
        text(change.and_then(|change| change.old.as_deref())),
        text(change.and_then(|change| change.new.as_deref())),
        text(said.reason.as_deref()),
    ]
}

#[derive(Default)]
struct List(Vec<Change>);

impl List {
    /// Compares the items of a form or of a row, the known ones first and then whatever else stands there.
    fn items(
        &mut self,
        row: Option<(&str, &str)>,
        items: &[Item],
        before: &Map<String, Value>,
        after: &Map<String, Value>,
        counts: impl Fn(&str) -> bool,
    ) {
        let known: BTreeSet<&str> = items.iter().map(|item| item.id.as_str()).collect();
        let mut seen = BTreeSet::new();
        let others = before.keys().chain(after.keys()).map(String::as_str);
        let others = others.filter(|id| !known.contains(id) && counts(id) && seen.insert(*id));
        let all = items.iter().map(|item| (item.id.as_str(), Some(item))).chain(others.map(|id| (id, None)));
        for (id, item) in all {
            let read = |values: &Map<String, Value>| given(values, id).map(|value| shown(item, value));
            let (old, new) = (read(before), read(after));
            if old != new {
                let row = row.map(|(group, row)| (group.to_owned(), row.to_owned()));
                self.0.push(Change { item: id.to_owned(), row, label: label(id, item), old, new });
            }
        }
    }

    fn group(&mut self, group: &Group, key: &[String], before: Option<&Value>, after: Option<&Value>) {
        let (before, after) = (rows(key, before), rows(key, after));
        let none = Map::new();
        for (name, row) in &after {
            let old = before.iter().find(|(old, _)| old == name).map_or(&none, |(_, old)| *old);
            self.items(Some((&group.id, name)), &group.items, old, row, |_| true);
        }
        for (name, row) in before.iter().filter(|(name, _)| !after.iter().any(|(new, _)| new == name)) {
            self.items(Some((&group.id, name)), &group.items, row, &none, |_| true);
        }
    }
}

/// The rows of a group, each with its name; what is no row has nothing to show.
fn rows<'v>(key: &[String], value: Option<&'v Value>) -> Vec<(String, &'v Map<String, Value>)> {
    let rows = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let keys = rows.iter().map(|row| {
        let parts: Vec<String> =
            key.iter().filter_map(|item| given(row.as_object()?, item)).map(text).collect();
        (!key.is_empty() && parts.len() == key.len()).then(|| parts.join(" "))
    });
    row_names(keys).into_iter().zip(rows).filter_map(|(name, row)| Some((name, row.as_object()?))).collect()
}

fn label(id: &str, item: Option<&Item>) -> String {
    match item {
        Some(Item { label, unit: Some(unit), .. }) => format!("{label} ({unit})"),
        Some(item) => item.label.clone(),
        None => id.to_owned(),
    }
}

fn shown(item: Option<&Item>, value: &Value) -> String {
    match (item.map(|item| item.kind), value.as_str()) {
        (Some(ItemType::YesNo), Some("Y")) => "Yes".into(),
        (Some(ItemType::YesNo), Some("N")) => "No".into(),
        _ => text(value),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::protocol::check;

    /// Read once: reading it takes longer than the tests.
    fn protocol() -> &'static Protocol {
        static PROTOCOL: OnceLock<Protocol> = OnceLock::new();
        PROTOCOL.get_or_init(|| check(include_str!("../../../protocols/avatar-ii.toml")).unwrap().protocol)
    }

    #[allow(clippy::needless_pass_by_value)] // reads better with a literal
    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn what(value: Value) -> What {
        serde_json::from_value(value).unwrap()
    }

    #[rstest]
    #[case(json!({ "kind": "subject_screened" }), "Entered screening")]
    #[case(json!({ "kind": "form_saved", "form": "ecog", "visit": "W12", "values": {} }), "ECOG performance status, Week 12 filled")]
    #[case(json!({ "kind": "verified", "form": "ae", "occurrence": 3 }), "Adverse event no. 3 verified against its source")]
    #[case(json!({ "kind": "locked", "form": "gone", "locked": false }), "gone unlocked")]
    #[case(json!({ "kind": "user_changed", "user": "anna", "given": "monitor" }), "anna became monitor")]
    #[case(json!({ "kind": "user_changed", "user": "anna" }), "The role of anna was taken away")]
    #[case(json!({ "kind": "query_raised", "query": "Q1", "about": { "form": "ecog", "visit": "W12" }, "item": "ECOG", "text": "Sure?", "due": "2026-03-01" }),
        "Query Q1 raised about ECOG performance status, Week 12, ECOG performance status: Sure? (answer due 2026-03-01)")]
    #[case(json!({ "kind": "query_answered", "query": "Q1", "text": "Yes." }), "Query Q1 answered: Yes.")]
    #[case(json!({ "kind": "seed_revealed", "seed": "00" }), "The secret seed of randomisation was revealed")]
    fn an_event_in_words(#[case] event: Value, #[case] want: &str) {
        assert_eq!(says(protocol(), &what(event), None).text, want);
    }

    #[rstest]
    #[case("DIAMETER", "Longest diameter; short axis of a lymph node")]
    #[case("LESIONS.T01.DIAMETER", "T01, Longest diameter; short axis of a lymph node")]
    #[case("LESIONS.row 2.DIAMETER", "row 2, Longest diameter; short axis of a lymph node")]
    #[case("LESIONS.T.1.DIAMETER", "T.1, Longest diameter; short axis of a lymph node")]
    #[case("LESIONS", "Lesions")]
    #[case("LESIONS.T01.NONE", "LESIONS.T01.NONE")]
    fn an_item_in_words(#[case] name: &str, #[case] want: &str) {
        assert_eq!(item_name(protocol(), "tumour", name), want);
    }

    #[test]
    fn rows_are_named_by_their_key_and_no_two_alike() {
        let form = protocol().forms.iter().find(|form| form.id == "tumour").unwrap();
        let values = map(
            json!({ "LESIONS": [{ "TULNKID": "T01" }, { "DIAMETER": 3 }, { "TULNKID": "T01" }, { "TULNKID": "N01" }] }),
        );
        let group = form.groups.iter().find(|group| group.id == "LESIONS").unwrap();
        assert_eq!(rows_of(form, group, &values), ["T01", "row 2", "row 3", "N01"]);
    }

    #[test]
    fn every_kind_has_words() {
        for (kind, words) in KINDS {
            assert_eq!(kind_name(kind), words);
        }
        assert_eq!(kind_name("something_new"), "something_new");
    }

    #[test]
    fn a_correction_says_what_changed_and_why() {
        let event = what(
            json!({ "kind": "form_corrected", "form": "demography", "visit": "SCREENING", "corrects": 7,
            "reason": "Typing error", "values": { "BRTHYY": 1962, "SEX": "F", "MENOPAUS": "POST" } }),
        );
        let before = map(json!({ "BRTHYY": 1961, "SEX": "F", "LEFT": "x" }));
        let said = says(protocol(), &event, Some(&before));
        assert_eq!(said.reason.as_deref(), Some("Typing error"));
        let found: Vec<_> = said
            .changes
            .iter()
            .map(|one| (one.item.as_str(), one.old.as_deref(), one.new.as_deref()))
            .collect();
        assert_eq!(
            found,
            [
                ("BRTHYY", Some("1961"), Some("1962")),
                ("MENOPAUS", None, Some("POST")),
                ("LEFT", Some("x"), None)
            ]
        );
    }

    /// A lesion taken out of the middle changes that lesion alone.
    #[test]
    fn rows_are_told_apart_by_their_key() {
        let row = |lesion: &str, mm: u32| json!({ "TULNKID": lesion, "DIAMETER": mm });
        let before = map(json!({ "LESIONS": [row("T01", 20), row("T02", 15), row("T03", 30)] }));
        let after = map(json!({ "LESIONS": [row("T01", 20), row("T03", 31), row("N01", 9)] }));
        let found: Vec<_> = changes(protocol(), "tumour", Some(&before), &after)
            .into_iter()
            .map(|one| (one.place(), one.old.unwrap_or_default(), one.new.unwrap_or_default()))
            .collect();
        let want = [
            ("LESIONS T03, DIAMETER", "30", "31"),
            ("LESIONS N01, TULNKID", "", "N01"),
            ("LESIONS N01, DIAMETER", "", "9"),
            ("LESIONS T02, TULNKID", "T02", ""),
            ("LESIONS T02, DIAMETER", "15", ""),
        ];
        assert_eq!(found, want.map(|(place, old, new)| (place.into(), old.into(), new.into())));
    }

    fn values() -> impl Strategy<Value = Map<String, Value>> {
        let value = prop_oneof![
            Just(Value::Null),
            "[a-z]{0,3}".prop_map(Value::from),
            (0..9i64).prop_map(Value::from)
        ];
        let row = proptest::collection::btree_map("TULNKID|DIAMETER|ODD", value.clone(), 0..3);
        let rows = proptest::collection::vec(row, 0..4);
        let items = proptest::collection::btree_map("TUDAT|EVAL|STRANGE", value, 0..3);
        (items, rows).prop_map(|(items, rows)| {
            let mut map: Map<String, Value> = items.into_iter().collect();
            let rows = rows.into_iter().map(|row| Value::Object(row.into_iter().collect())).collect();
            map.insert("LESIONS".into(), Value::Array(rows));
            map
        })
    }

    proptest! {
        #[test]
        fn a_form_that_stays_has_no_change(values in values()) {
            prop_assert_eq!(changes(protocol(), "tumour", Some(&values), &values), vec![]);
        }

        /// What is told of a change is told of the way back, old and new the other way round.
        #[test]
        fn the_way_back_is_told_the_other_way_round(a in values(), b in values()) {
            let protocol = protocol();
            let told = |from, to, turn: bool| {
                let mut all: Vec<_> = changes(protocol, "tumour", Some(from), to)
                    .into_iter()
                    .map(|one| (one.row, one.item, if turn { one.new.clone() } else { one.old.clone() }, if turn { one.old } else { one.new }))
                    .collect();
                all.sort();
                all
            };
            prop_assert_eq!(told(&a, &b, false), told(&b, &a, true));
        }
    }
}
