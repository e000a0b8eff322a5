//! What an ODM file says of visits and forms, as the protocol's own types.
//!
//! Never guesses what a form means: one whose concept the file does not carry as an alias is the trial's own (`custom`).

use std::collections::{BTreeMap, BTreeSet};

use trial::condition::Condition;
use trial::protocol::{Check, Concept, Form, Group, Item, ItemType, Visit};

use super::xml::Node;
use super::{OdmFault, alias, document, oid};

/// Visits and forms of a `MetaDataVersion`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OdmMetadata {
    /// `StudyName`.
    pub study: String,
    /// `StudyDescription`.
    pub description: String,
    /// `ProtocolName`.
    pub protocol: String,
    /// `MetaDataVersion`'s name.
    pub version: String,
    /// The visits, in the order of the protocol.
    pub visits: Vec<Visit>,
    /// The forms, in the order of the file.
    pub forms: Vec<Form>,
    /// What in the file has no place in a protocol of ours, in words.
    pub unread: Vec<String>,
    /// From OIDs to ids.
    pub(super) names: Names,
}

/// The ids that a file's OIDs got.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Names {
    /// Visit; none for what stands outside the visits.
    pub events: BTreeMap<String, Option<String>>,
    pub forms: BTreeMap<String, String>,
    /// Form's OID and group's OID to the group's id; none for the form's own items.
    pub groups: BTreeMap<(String, String), Option<String>>,
    /// Form's OID, group's OID, item's OID.
    pub items: BTreeMap<(String, String, String), String>,
}

/// Reads the last version of the first study of a file. Errors: what is missing, or refers to nothing.
pub fn metadata(bytes: &[u8]) -> Result<OdmMetadata, Vec<OdmFault>> {
    let root = document(bytes).map_err(|fault| vec![fault])?;
    let Some(study) = root.first("Study") else {
        return Err(vec![OdmFault::at(root.line, "no Study", "a file of metadata has a Study")]);
    };
    let Some(version) = study.all("MetaDataVersion").last() else {
        return Err(vec![OdmFault::at(study.line, "no MetaDataVersion", "a Study with forms has one")]);
    };
    of_version(study, version)
}

pub(super) fn of_version(study: &Node, version: &Node) -> Result<OdmMetadata, Vec<OdmFault>> {
    let global = study.first("GlobalVariables");
    let said =
        |name: &str| global.and_then(|global| global.first(name)).map(|node| node.text.trim().to_owned());
    let mut reader = Reader::new(study, version);
    reader.forms();
    reader.visits();
    if !reader.faults.is_empty() {
        reader.faults.sort();
        return Err(reader.faults);
    }
    Ok(OdmMetadata {
        study: said("StudyName").unwrap_or_default(),
        description: said("StudyDescription").unwrap_or_default(),
        protocol: said("ProtocolName").unwrap_or_default(),
        version: version.attribute("Name").unwrap_or_default().to_owned(),
        visits: reader.visits,
        forms: reader.forms,
        unread: reader.unread,
        names: reader.names,
    })
}

struct Reader<'n> {
    version: &'n Node,
    units: BTreeMap<&'n str, String>,
    defined: BTreeMap<(&'n str, &'n str), &'n Node>,
    faults: Vec<OdmFault>,
    unread: Vec<String>,
    names: Names,
    forms: Vec<Form>,
    visits: Vec<Visit>,
}

/// The name of an alias of this context.
fn aliased<'n>(node: &'n Node, context: &str) -> Option<&'n str> {
    node.all("Alias").find(|alias| alias.attribute("Context") == Some(context))?.attribute("Name")
}

/// A name that conditions can read, made of `text`, and not yet among `taken`.
fn readable(text: &str, taken: &BTreeSet<String>) -> String {
    let mut name: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect::<String>()
        .trim_matches('_')
        .chars()
        .take(34)
        .collect();
    let plain = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && Condition::parse(name).is_ok_and(|condition| condition.names().contains(name))
            && name != "derived"
    };
    if !plain(&name) {
        name = format!("X_{name}");
        name.truncate(name.trim_end_matches('_').len());
    }
    let mut unique = name.clone();
    let mut n = 2;
    while taken.contains(&unique) {
        unique = format!("{name}_{n}");
        n += 1;
    }
    unique
}

impl<'n> Reader<'n> {
    fn new(study: &'n Node, version: &'n Node) -> Self {
        let units =
            study.first("BasicDefinitions").into_iter().flat_map(|basic| basic.all("MeasurementUnit"));
        let symbol = |unit: &'n Node| {
            let words = unit.first("Symbol").map(Node::words).filter(|words| !words.is_empty());
            Some((unit.attribute("OID")?, words.or(unit.attribute("Name").map(str::to_owned))?))
        };
        let defined = version
            .children
            .iter()
            .filter_map(|node| Some(((node.name.as_str(), node.attribute("OID")?), node)));
        Self {
            version,
            units: units.filter_map(symbol).collect(),
            defined: defined.collect(),
            faults: Vec::new(),
            unread: Vec::new(),
            names: Names::default(),
            forms: Vec::new(),
            visits: Vec::new(),
        }
    }

    /// What a reference refers to.
    fn referred(&mut self, reference: &'n Node, attribute: &str, kind: &'static str) -> Option<&'n Node> {
        let oid = match reference.needed(attribute) {
            Ok(oid) => oid,
            Err(fault) => {
                self.faults.push(fault);
                return None;
            }
        };
        let found = self.defined.get(&(kind, oid)).copied();
        if found.is_none() {
            let found = format!("{attribute} {oid:?}, which the file does not define");
            self.faults.push(OdmFault::at(reference.line, found, format!("a {kind} of that OID")));
        }
        found
    }

    fn forms(&mut self) {
        let mut taken = BTreeSet::new();
        for node in self.version.all("FormDef") {
            let Ok(form_oid) = node.needed("OID") else {
                self.faults.push(OdmFault::at(node.line, "FormDef without OID", "FormDef needs OID"));
                continue;
            };
            if form_oid == oid::form(oid::RANDOMISATION) {
                continue;
            }
            let wanted = aliased(node, alias::ID).or(node.attribute("Name")).unwrap_or(form_oid);
            let id = readable(if wanted.len() > 34 { form_oid } else { wanted }, &taken);
            taken.insert(id.clone());
            self.names.forms.insert(form_oid.to_owned(), id.clone());
            let concept = aliased(node, alias::CONCEPT)
                .and_then(|name| serde_json::from_value::<Concept>(name.into()).ok());
            let mut form = Form {
                id,
                label: label_of(node),
                concept: concept.unwrap_or(Concept::Custom),
                log: false,
                items: Vec::new(),
                groups: Vec::new(),
                checks: Vec::new(),
                source: None,
                assumed: Vec::new(),
            };
            self.groups(node, form_oid, &mut form);
            self.forms.push(form);
        }
    }

    fn groups(&mut self, node: &'n Node, form_oid: &str, form: &mut Form) {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        // The form's own items are named first: rows may not take their names.
        let mut groups: Vec<(&'n str, &'n Node)> = Vec::new();
        for reference in node.all("ItemGroupRef") {
            if let Some(group) = self.referred(reference, "ItemGroupOID", "ItemGroupDef") {
                groups.push((reference.attribute("ItemGroupOID").unwrap_or_default(), group));
            }
        }
        groups.sort_by_key(|(_, group)| group.attribute("Repeating") == Some("Yes"));
        for (group_oid, group) in groups {
            let repeating = group.attribute("Repeating") == Some("Yes");
            let at = (form_oid.to_owned(), group_oid.to_owned());
            if !repeating {
                self.names.groups.insert(at, None);
                let (items, checks) = self.items(group, form_oid, group_oid, &mut taken);
                form.items.extend(items);
                form.checks.extend(checks);
                continue;
            }
            let wanted = aliased(group, alias::GROUP).or(group.attribute("Name")).unwrap_or(group_oid);
            let id = readable(wanted, &taken);
            taken.insert(id.clone());
            self.names.groups.insert(at, Some(id.clone()));
            let mut own = taken.clone();
            let (items, checks) = self.items(group, form_oid, group_oid, &mut own);
            let key = group.all("Alias").filter(|one| one.attribute("Context") == Some(alias::KEY));
            let key: Vec<String> = key.filter_map(|one| one.attribute("Name").map(str::to_owned)).collect();
            let key = key.into_iter().filter(|key| items.iter().any(|item| item.id == *key)).collect();
            form.groups.push(Group { id, label: label_of(group), items, key, checks });
        }
    }

    fn items(
        &mut self,
        group: &'n Node,
        form_oid: &str,
        group_oid: &str,
        taken: &mut BTreeSet<String>,
    ) -> (Vec<Item>, Vec<Check>) {
        let (mut items, mut checks) = (Vec::new(), Vec::new());
        for reference in group.all("ItemRef") {
            let Some(node) = self.referred(reference, "ItemOID", "ItemDef") else { continue };
            let item_oid = reference.attribute("ItemOID").unwrap_or_default();
            let id = readable(node.attribute("Name").unwrap_or(item_oid), taken);
            taken.insert(id.clone());
            let at = (form_oid.to_owned(), group_oid.to_owned(), item_oid.to_owned());
            self.names.items.insert(at, id.clone());
            let (kind, codes) = self.kind(node);
            let (min, max) = bounds(node);
            let number = matches!(kind, ItemType::Integer | ItemType::Decimal);
            let unit = node.first("MeasurementUnitRef").and_then(|unit| unit.attribute("MeasurementUnitOID"));
            items.push(Item {
                id,
                label: node
                    .first("Question")
                    .map(Node::words)
                    .filter(|words| !words.is_empty())
                    .unwrap_or_else(|| label_of(node)),
                kind,
                unit: unit.and_then(|unit| self.units.get(unit).cloned()),
                codes,
                required: reference.attribute("Mandatory") == Some("Yes"),
                min: min.filter(|_| number),
                max: max.filter(|_| number),
                when: self.when(reference),
                assumed: Vec::new(),
            });
            checks.extend(self.checks(node));
        }
        (items, checks)
    }

    /// The type of an item, and its codes.
    fn kind(&mut self, node: &'n Node) -> (ItemType, Vec<String>) {
        let list = node.first("CodeListRef").and_then(|list| self.referred(list, "CodeListOID", "CodeList"));
        let mut codes: Vec<String> = Vec::new();
        for entry in list.into_iter().flat_map(|list| &list.children) {
            if matches!(entry.name.as_str(), "CodeListItem" | "EnumeratedItem")
                && let Some(code) = entry.attribute("CodedValue")
                && !codes.iter().any(|known| known == code)
            {
                codes.push(code.to_owned());
            }
        }
        let kind = match node.attribute("DataType").unwrap_or("text") {
            "integer" => ItemType::Integer,
            "float" | "double" => ItemType::Decimal,
            "date" => ItemType::Date,
            "partialDate" | "incompleteDate" | "partialDatetime" | "incompleteDatetime" | "datetime" => {
                ItemType::PartialDate
            }
            "boolean" => ItemType::YesNo,
            _ if codes.len() == 2 && codes.contains(&"Y".to_owned()) && codes.contains(&"N".to_owned()) => {
                ItemType::YesNo
            }
            _ if !codes.is_empty() => ItemType::Code,
            _ => ItemType::Text,
        };
        let aliased =
            aliased(node, alias::TYPE).and_then(|name| serde_json::from_value::<ItemType>(name.into()).ok());
        let kind = aliased.filter(|kind| *kind != ItemType::Code || !codes.is_empty()).unwrap_or(kind);
        (kind, if kind == ItemType::Code { codes } else { Vec::new() })
    }

    /// When the item is asked: the condition as this program wrote it, else what cannot be read is told.
    fn when(&mut self, reference: &'n Node) -> Option<Condition> {
        reference.attribute("CollectionExceptionConditionOID")?;
        let node = self.referred(reference, "CollectionExceptionConditionOID", "ConditionDef")?;
        let condition = aliased(node, alias::WHEN).and_then(|text| Condition::parse(text).ok());
        if condition.is_none() {
            let expressions: Vec<&str> = node.all("FormalExpression").map(|one| one.text.trim()).collect();
            self.unread.push(format!("the condition {}: {}", label_of(node), expressions.join(" / ")));
        }
        condition
    }

    fn checks(&mut self, node: &'n Node) -> Vec<Check> {
        let mut checks = Vec::new();
        for check in node.all("RangeCheck").filter(|check| check.first("FormalExpression").is_some()) {
            let expression = check.first("FormalExpression").map_or("", |one| one.text.trim());
            let ours =
                check.first("FormalExpression").and_then(|one| one.attribute("Context")) == Some("CEL");
            let condition = if ours { Condition::parse(expression).ok() } else { None };
            match condition {
                Some(condition) => checks.push(Check {
                    condition,
                    message: check.first("ErrorMessage").map(Node::words).unwrap_or_default(),
                    hard: check.attribute("SoftHard") != Some("Soft"),
                }),
                None => self.unread.push(format!("a check of {}: {expression}", label_of(node))),
            }
        }
        checks
    }

    fn visits(&mut self) {
        // Without a Protocol the visits stand in the order of the file.
        let protocol = self.version.first("Protocol");
        let mut events: Vec<&'n Node> = Vec::new();
        match protocol {
            Some(protocol) => {
                for reference in protocol.all("StudyEventRef") {
                    events.extend(self.referred(reference, "StudyEventOID", "StudyEventDef"));
                }
            }
            None => events.extend(self.version.all("StudyEventDef")),
        }
        let mut taken = BTreeSet::new();
        let mut at_visits: BTreeSet<String> = BTreeSet::new();
        for event in events {
            let Some(event_oid) = event.attribute("OID") else { continue };
            let scheduled = !matches!(event.attribute("Type"), Some("Common" | "Unscheduled"));
            let mut forms: Vec<String> = Vec::new();
            for reference in event.all("FormRef") {
                if reference.attribute("FormOID") == Some(&oid::form(oid::RANDOMISATION)) {
                    continue;
                }
                self.referred(reference, "FormOID", "FormDef");
                let known = reference.attribute("FormOID").and_then(|oid| self.names.forms.get(oid));
                if let Some(known) = known.filter(|id| !forms.contains(id)) {
                    forms.push(known.clone());
                }
            }
            if !scheduled {
                self.names.events.insert(event_oid.to_owned(), None);
                continue;
            }
            let id = aliased(event, alias::ID).map_or_else(
                || readable(event.attribute("Name").unwrap_or(event_oid), &taken),
                str::to_owned,
            );
            taken.insert(id.clone());
            self.names.events.insert(event_oid.to_owned(), Some(id.clone()));
            at_visits.extend(forms.iter().cloned());
            let number = |context: &str| aliased(event, context).and_then(|text| text.parse::<i64>().ok());
            let days = |context: &str| number(context).and_then(|days| u32::try_from(days).ok());
            self.visits.push(Visit {
                id,
                label: label_of(event),
                day: number(alias::DAY).unwrap_or(0),
                window_before: days(alias::BEFORE).unwrap_or(0),
                window_after: days(alias::AFTER).unwrap_or(0),
                every_days: days(alias::EVERY),
                forms,
                assumed: Vec::new(),
            });
        }
        for form in &mut self.forms {
            form.log = !at_visits.contains(&form.id);
        }
    }
}

fn label_of(node: &Node) -> String {
    let described = node.first("Description").map(Node::words).filter(|words| !words.is_empty());
    let named = node.attribute("Name").filter(|name| !name.trim().is_empty()).map(str::to_owned);
    named.or(described).unwrap_or_else(|| node.attribute("OID").unwrap_or("?").to_owned())
}

/// Least and greatest value of an item's hard range checks.
fn bounds(node: &Node) -> (Option<f64>, Option<f64>) {
    let of = |comparator: &str| {
        let checks = node.all("RangeCheck").filter(|check| check.attribute("Comparator") == Some(comparator));
        let hard = checks.filter(|check| check.attribute("SoftHard") != Some("Soft"));
        hard.filter_map(|check| check.first("CheckValue")?.text.trim().parse::<f64>().ok())
            .find(|bound| bound.is_finite())
    };
    (of("GE"), of("LE"))
}
