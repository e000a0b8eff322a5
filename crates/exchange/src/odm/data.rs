//! Clinical data of an ODM file as steps for the trial office: who is screened where, which forms are filled and corrected.
//!
//! Never half: every fault of the file is told, or every step is given. Never imports what is another system's to assert: its
//! signatures, verifications, locks, queries and allocations are counted, not taken over.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};
use trial::event::Instance;
use trial::id::{SiteId, SubjectId};
use trial::protocol::{Form, Item, ItemType, Protocol};

use super::metadata::{Names, of_version};
use super::xml::Node;
use super::{OdmFault, document, oid};

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OdmData {
    /// Sites that subjects are at, with their names.
    pub sites: BTreeMap<SiteId, String>,
    /// Subjects in the order of the file.
    pub subjects: Vec<ImportedSubject>,
    /// What was not taken over, and how often.
    pub left: BTreeMap<&'static str, usize>,
}

/// A subject of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedSubject {
    /// `SubjectKey`.
    pub id: SubjectId,
    /// Its site.
    pub site: SiteId,
    /// What was entered of it, in the order of the file.
    pub steps: Vec<Step>,
}

/// One thing that was entered.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A form was filled.
    Save {
        /// Which one.
        instance: Instance,
        /// Its values.
        values: Map<String, Value>,
    },
    /// It was corrected.
    Correct {
        /// Which one.
        instance: Instance,
        /// The whole form as it then stood.
        values: Map<String, Value>,
        /// Why.
        reason: String,
    },
}

/// So many faults are told.
const MOST_FAULTS: usize = 200;
/// The reason where the file gives none.
const NO_REASON: &str =
    "Changed in the system that the data were imported from; the ODM file gives no reason";

/// Reads the clinical data of a file, whose forms are those of `protocol`. Errors: every fault, in the order of the file.
pub fn data(bytes: &[u8], protocol: &Protocol) -> Result<OdmData, Vec<OdmFault>> {
    let root = document(bytes).map_err(|fault| vec![fault])?;
    let mut reader = Reader::new(&root, protocol)?;
    for clinical in root.all("ClinicalData") {
        reader.clinical(clinical);
    }
    if reader.out.subjects.is_empty() && reader.faults.is_empty() {
        reader.faults.push(OdmFault::at(root.line, "no SubjectData", "a file of clinical data has subjects"));
    }
    if reader.faults.is_empty() { Ok(reader.finish()) } else { Err(reader.faults) }
}

/// A form as the file has filled it so far: rows by their repeat keys.
#[derive(Clone, Default)]
struct Filled {
    own: Map<String, Value>,
    rows: BTreeMap<String, Vec<Row>>,
}

/// A row with its repeat key.
type Row = (String, Map<String, Value>);

impl Filled {
    fn values(&self) -> Map<String, Value> {
        let mut values = self.own.clone();
        for (group, rows) in &self.rows {
            let rows = rows.iter().map(|(_, row)| Value::Object(row.clone()));
            values.insert(group.clone(), rows.collect());
        }
        values
    }
}

struct Reader<'a> {
    protocol: &'a Protocol,
    /// Names by version; the file's own, where it defines them.
    names: BTreeMap<&'a str, Names>,
    /// `Location` by OID: its name.
    locations: BTreeMap<&'a str, &'a str>,
    /// Places in `out.subjects`.
    places: BTreeMap<String, usize>,
    filled: BTreeMap<(usize, Instance), Filled>,
    faults: Vec<OdmFault>,
    out: OdmData,
}

impl<'a> Reader<'a> {
    fn new(root: &'a Node, protocol: &'a Protocol) -> Result<Self, Vec<OdmFault>> {
        let mut names = BTreeMap::new();
        for study in root.all("Study") {
            for version in study.all("MetaDataVersion") {
                let read = of_version(study, version)?;
                names.insert(version.attribute("OID").unwrap_or_default(), read.names);
            }
        }
        let admin = root.all("AdminData").flat_map(|admin| admin.all("Location"));
        let locations = admin
            .filter_map(|place| Some((place.attribute("OID")?, place.attribute("Name").unwrap_or_default())));
        Ok(Self {
            protocol,
            names,
            locations: locations.collect(),
            places: BTreeMap::new(),
            filled: BTreeMap::new(),
            faults: Vec::new(),
            out: OdmData::default(),
        })
    }

    fn finish(self) -> OdmData {
        self.out
    }

    fn fault(&mut self, fault: OdmFault) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(fault);
        }
    }

    fn left(&mut self, what: &'static str) {
        *self.out.left.entry(what).or_default() += 1;
    }

    fn clinical(&mut self, clinical: &'a Node) {
        let version = clinical.attribute("MetaDataVersionOID").unwrap_or_default();
        let names = self.names.get(version).cloned();
        for subject in clinical.all("SubjectData") {
            if let Err(fault) = self.subject(subject, names.as_ref()) {
                self.fault(fault);
            }
        }
    }

    fn subject(&mut self, node: &'a Node, names: Option<&Names>) -> Result<(), OdmFault> {
        let key = node.needed("SubjectKey")?;
        if node.attribute("TransactionType") == Some("Remove") {
            return Err(OdmFault::at(
                node.line,
                format!("subject {key} removed"),
                "a ledger removes nobody: take it out of the file",
            ));
        }
        let place = match self.places.get(key) {
            Some(place) => *place,
            None => self.enter(node, key)?,
        };
        for event in node.all("StudyEventData") {
            let visit = match visit_of(event, names, self.protocol) {
                Ok(visit) => visit,
                Err(fault) => {
                    self.fault(fault);
                    continue;
                }
            };
            for form in event.all("FormData") {
                if let Err(fault) = self.form(place, event, visit.as_deref(), form, names) {
                    self.fault(fault);
                }
            }
        }
        if node.first("Annotation").is_some() {
            self.left("annotations and queries");
        }
        Ok(())
    }

    fn enter(&mut self, node: &'a Node, key: &str) -> Result<usize, OdmFault> {
        let site = node
            .first("SiteRef")
            .and_then(|site| site.attribute("LocationOID"))
            .filter(|oid| !oid.is_empty());
        let Some(location) = site else {
            return Err(OdmFault::at(
                node.line,
                format!("subject {key} without SiteRef"),
                "the site of each subject: SiteRef with LocationOID",
            ));
        };
        let id = SiteId::from(location.strip_prefix("L.").unwrap_or(location));
        let name = self.locations.get(location).copied().unwrap_or_default();
        self.out.sites.entry(id.clone()).or_insert_with(|| name.to_owned());
        let place = self.out.subjects.len();
        self.out.subjects.push(ImportedSubject { id: SubjectId::from(key), site: id, steps: Vec::new() });
        self.places.insert(key.to_owned(), place);
        Ok(place)
    }

    fn form(
        &mut self,
        place: usize,
        event: &'a Node,
        visit: Option<&str>,
        node: &'a Node,
        names: Option<&Names>,
    ) -> Result<(), OdmFault> {
        let form_oid = node.needed("FormOID")?;
        if form_oid == oid::form(oid::RANDOMISATION) {
            self.left("allocations");
            return Ok(());
        }
        if node.first("Signature").is_some() {
            self.left("signatures");
        }
        if node.first("Annotation").is_some() {
            self.left("annotations and queries");
        }
        let transaction = node.attribute("TransactionType");
        let groups: Vec<&Node> =
            node.children.iter().filter(|child| child.name.starts_with("ItemGroupData")).collect();
        if transaction == Some("Remove") {
            return Err(OdmFault::at(
                node.line,
                format!("form {form_oid} removed"),
                "a ledger removes no form: correct it",
            ));
        }
        if groups.is_empty() {
            if node.first("AuditRecord").is_some() && transaction == Some("Context") {
                self.left("verifications and locks");
            }
            return Ok(());
        }
        let form = self.known_form(node, form_oid, names)?;
        let key = if visit.is_some() {
            event.attribute("StudyEventRepeatKey")
        } else {
            node.attribute("FormRepeatKey")
        };
        let occurrence = match key {
            None => 1,
            Some(key) => key.parse::<u32>().ok().filter(|n| *n >= 1).ok_or_else(|| {
                OdmFault::at(
                    node.line,
                    format!("the repeat key {key:?}"),
                    "a number from 1: which of the visits, or of the forms, it is",
                )
            })?,
        };
        let instance = Instance { form: form.id.clone(), visit: visit.map(str::to_owned), occurrence };
        let at = (place, instance.clone());
        let before = self.filled.get(&at).cloned();
        let mut filled = before.clone().unwrap_or_default();
        for group in groups {
            read_group(form, form_oid, group, names, &mut filled)?;
        }
        let values = filled.values();
        let steps = &mut self.out.subjects[place].steps;
        match &before {
            None => steps.push(Step::Save { instance, values }),
            Some(before) if before.values() == values => {}
            Some(_) => {
                let reason = node.first("AuditRecord").and_then(|audit| audit.first("ReasonForChange"));
                let reason = reason
                    .map(|reason| reason.text.trim())
                    .filter(|text| !text.is_empty())
                    .unwrap_or(NO_REASON);
                steps.push(Step::Correct { instance, values, reason: reason.to_owned() });
            }
        }
        self.filled.insert(at, filled);
        Ok(())
    }

    fn known_form(&self, node: &Node, form_oid: &str, names: Option<&Names>) -> Result<&'a Form, OdmFault> {
        let named = names.and_then(|names| names.forms.get(form_oid)).map(String::as_str);
        let id = named.or(form_oid.strip_prefix("F.")).unwrap_or(form_oid);
        self.protocol.forms.iter().find(|form| form.id == id).ok_or_else(|| {
            let known: Vec<&str> = self.protocol.forms.iter().map(|form| form.id.as_str()).collect();
            OdmFault::at(
                node.line,
                format!("form {form_oid:?}, read as {id:?}"),
                format!("a form of the protocol: {}", known.join(", ")),
            )
        })
    }
}

/// The visit of a `StudyEventData`; none for what stands outside the visits.
fn visit_of(event: &Node, names: Option<&Names>, protocol: &Protocol) -> Result<Option<String>, OdmFault> {
    let event_oid = event.needed("StudyEventOID")?;
    if event_oid == oid::LOG || event_oid == oid::visit(oid::RANDOMISATION) {
        return Ok(None);
    }
    let named = names.and_then(|names| names.events.get(event_oid));
    let id = match named {
        Some(None) => return Ok(None),
        Some(Some(id)) => id.as_str(),
        None => event_oid.strip_prefix("SE.").unwrap_or(event_oid),
    };
    if protocol.schedule.visits.iter().any(|visit| visit.id == id) {
        return Ok(Some(id.to_owned()));
    }
    let known: Vec<&str> = protocol.schedule.visits.iter().map(|visit| visit.id.as_str()).collect();
    let found = format!("StudyEventOID {event_oid:?}, read as {id:?}");
    Err(OdmFault::at(event.line, found, format!("a visit of the protocol: {}", known.join(", "))))
}

fn read_group(
    form: &Form,
    form_oid: &str,
    node: &Node,
    names: Option<&Names>,
    filled: &mut Filled,
) -> Result<(), OdmFault> {
    let group_oid = node.needed("ItemGroupOID")?;
    let named = names.and_then(|names| names.groups.get(&(form_oid.to_owned(), group_oid.to_owned())));
    let group = match named {
        Some(group) => group.clone(),
        None => group_oid.strip_prefix(&format!("IG.{}.", form.id)).map(str::to_owned),
    };
    let items = match &group {
        None => &form.items,
        Some(id) => {
            let known = form.groups.iter().find(|group| group.id == *id);
            &known
                .ok_or_else(|| {
                    OdmFault::at(
                        node.line,
                        format!("group {group_oid:?}"),
                        format!("a group of form {}", form.id),
                    )
                })?
                .items
        }
    };
    let removed = node.attribute("TransactionType") == Some("Remove");
    let into = match &group {
        None => &mut filled.own,
        Some(id) => {
            let key = node.attribute("ItemGroupRepeatKey").unwrap_or("1");
            let rows = filled.rows.entry(id.clone()).or_default();
            if removed {
                rows.retain(|(known, _)| known != key);
                return Ok(());
            }
            let place = rows.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
                rows.push((key.to_owned(), Map::new()));
                rows.len() - 1
            });
            &mut rows[place].1
        }
    };
    if removed {
        into.clear();
        return Ok(());
    }
    for data in &node.children {
        let Some(kind) = data.name.strip_prefix("ItemData") else { continue };
        let item_oid = data.needed("ItemOID")?;
        let item = known_item(items, form, form_oid, group_oid, group.as_deref(), data, item_oid, names)?;
        let gone =
            data.attribute("IsNull") == Some("Yes") || data.attribute("TransactionType") == Some("Remove");
        let text =
            if kind.is_empty() { data.attribute("Value").unwrap_or_default() } else { data.text.trim() };
        if gone || text.is_empty() {
            into.remove(&item.id);
        } else {
            into.insert(
                item.id.clone(),
                value(item, text)
                    .map_err(|right| OdmFault::at(data.line, format!("{text:?} for {item_oid}"), right))?,
            );
        }
    }
    Ok(())
}

#[allow(clippy::too_many_arguments)] // the keys of an item
fn known_item<'i>(
    items: &'i [Item],
    form: &Form,
    form_oid: &str,
    group_oid: &str,
    group: Option<&str>,
    node: &Node,
    item_oid: &str,
    names: Option<&Names>,
) -> Result<&'i Item, OdmFault> {
    let at = (form_oid.to_owned(), group_oid.to_owned(), item_oid.to_owned());
    let named = names.and_then(|names| names.items.get(&at)).map(String::as_str);
    let prefix = group.map_or_else(|| format!("I.{}.", form.id), |group| format!("I.{}.{group}.", form.id));
    let id = named.or(item_oid.strip_prefix(&prefix)).unwrap_or(item_oid);
    items.iter().find(|item| item.id == id).ok_or_else(|| {
        let known: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
        let found = format!("item {item_oid:?}, read as {id:?}");
        OdmFault::at(node.line, found, format!("an item of form {}: {}", form.id, known.join(", ")))
    })
}

/// A text as a value of `item`; what it must be, where it is not. Whether it may stand is the office's to judge.
fn value(item: &Item, text: &str) -> Result<Value, String> {
    match item.kind {
        ItemType::Integer | ItemType::Decimal => {
            let whole = text.parse::<i64>().ok().map(Number::from);
            let number = whole.or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64));
            number.map(Value::Number).ok_or_else(|| "a number".to_owned())
        }
        ItemType::YesNo => match text {
            "Y" | "Yes" | "true" | "1" => Ok("Y".into()),
            "N" | "No" | "false" | "0" => Ok("N".into()),
            _ => Err("Y or N".to_owned()),
        },
        ItemType::PartialDate | ItemType::Date => {
            // A time of day is no part of a clinical date.
            Ok(text.split_once('T').map_or(text, |(day, _)| day).into())
        }
        ItemType::Text | ItemType::Code => Ok(text.into()),
    }
}
