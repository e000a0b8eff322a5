//! A protocol version as `MetaDataVersion`.
//!
//! Never leaves out a condition or a check: what ODM can only hold as an expression stands in it as one, in CEL.

use std::io::{self, Write};

use trial::condition::Condition;
use trial::protocol::{Check, Concept, Form, Group, Item, ItemType, Protocol, Visit};

use super::xml::Xml;
use super::{alias, oid};

const LANGUAGE: (&str, &str) = ("xml:lang", "en");

/// The name of an enum's value as the protocol writes it.
fn name_of(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Whether a form may be filled more than once at one place: a log, or a scan outside the visits.
pub(super) fn repeats(form: &Form) -> bool {
    form.log || form.concept == Concept::TumourAssessment
}

fn yes_no(value: bool) -> &'static str {
    if value { "Yes" } else { "No" }
}

pub(super) fn data_type(kind: ItemType) -> &'static str {
    match kind {
        ItemType::Text | ItemType::YesNo | ItemType::Code => "text",
        ItemType::Integer => "integer",
        ItemType::Decimal => "float",
        ItemType::Date => "date",
        ItemType::PartialDate => "partialDate",
    }
}

/// The units of every version, each once.
pub(super) fn units<'p>(versions: impl Iterator<Item = &'p Protocol>) -> Vec<&'p str> {
    let mut units: Vec<&str> = versions
        .flat_map(|protocol| &protocol.forms)
        .flat_map(|form| form.items.iter().chain(form.groups.iter().flat_map(|group| &group.items)))
        .filter_map(|item| item.unit.as_deref())
        .collect();
    units.sort_unstable();
    units.dedup();
    units
}

pub(super) fn unit_oid(unit: &str) -> String {
    format!("MU.{unit}")
}

pub(super) struct Definitions<'a, W: Write> {
    pub xml: &'a mut Xml<W>,
    pub protocol: &'a Protocol,
}

impl<W: Write> Definitions<'_, W> {
    /// The whole version.
    pub fn version(&mut self, place: usize) -> io::Result<()> {
        let trial = &self.protocol.trial;
        let name = format!("{}, version {}", trial.id, trial.version);
        self.xml.start("MetaDataVersion", &[("OID", &oid::version(place)), ("Name", &name)])?;
        self.protocol()?;
        for visit in &self.protocol.schedule.visits {
            self.visit(visit)?;
        }
        self.outside()?;
        for form in &self.protocol.forms {
            self.form(form)?;
        }
        self.randomisation_form()?;
        for form in &self.protocol.forms {
            self.groups(form)?;
        }
        self.randomisation_group()?;
        for form in &self.protocol.forms {
            self.items(form)?;
        }
        self.randomisation_items()?;
        self.code_lists()?;
        self.conditions()?;
        self.xml.end()
    }

    fn translated(&mut self, element: &'static str, text: &str) -> io::Result<()> {
        self.xml.start(element, &[])?;
        self.xml.text("TranslatedText", &[LANGUAGE], text)?;
        self.xml.end()
    }

    fn alias(&mut self, context: &'static str, name: &str) -> io::Result<()> {
        self.xml.empty("Alias", &[("Context", context), ("Name", name)])
    }

    fn protocol(&mut self) -> io::Result<()> {
        self.xml.start("Protocol", &[])?;
        let words = self.protocol.schedule.statement.as_deref().unwrap_or(&self.protocol.trial.title);
        self.translated("Description", words)?;
        let visits = self.protocol.schedule.visits.iter().map(|visit| oid::visit(&visit.id));
        let others = [oid::LOG.to_owned(), oid::visit(oid::RANDOMISATION)];
        for (order, event) in (1..).zip(visits.chain(others)) {
            let order: usize = order;
            self.xml.empty(
                "StudyEventRef",
                &[("StudyEventOID", &event), ("OrderNumber", &order.to_string()), ("Mandatory", "No")],
            )?;
        }
        self.xml.end()
    }

    fn visit(&mut self, visit: &Visit) -> io::Result<()> {
        let repeating = yes_no(visit.every_days.is_some());
        self.xml.start(
            "StudyEventDef",
            &[
                ("OID", &oid::visit(&visit.id)),
                ("Name", &visit.label),
                ("Repeating", repeating),
                ("Type", "Scheduled"),
            ],
        )?;
        for (order, form) in (1..).zip(&visit.forms) {
            let order: usize = order;
            self.xml.empty(
                "FormRef",
                &[("FormOID", &oid::form(form)), ("OrderNumber", &order.to_string()), ("Mandatory", "Yes")],
            )?;
        }
        self.alias(alias::ID, &visit.id)?;
        self.alias(alias::DAY, &visit.day.to_string())?;
        self.alias(alias::BEFORE, &visit.window_before.to_string())?;
        self.alias(alias::AFTER, &visit.window_after.to_string())?;
        if let Some(every) = visit.every_days {
            self.alias(alias::EVERY, &every.to_string())?;
        }
        self.xml.end()
    }

    /// The forms that are filled outside the visits, and randomisation.
    fn outside(&mut self) -> io::Result<()> {
        self.xml.start(
            "StudyEventDef",
            &[("OID", oid::LOG), ("Name", "Outside the visits"), ("Repeating", "No"), ("Type", "Common")],
        )?;
        for form in self.protocol.forms.iter().filter(|form| repeats(form)) {
            self.xml.empty("FormRef", &[("FormOID", &oid::form(&form.id)), ("Mandatory", "No")])?;
        }
        self.xml.end()?;
        let (event, form) = (oid::visit(oid::RANDOMISATION), oid::form(oid::RANDOMISATION));
        self.xml.start(
            "StudyEventDef",
            &[("OID", &event), ("Name", "Randomisation"), ("Repeating", "No"), ("Type", "Common")],
        )?;
        self.xml.empty("FormRef", &[("FormOID", &form), ("Mandatory", "No")])?;
        self.xml.end()
    }

    fn form(&mut self, form: &Form) -> io::Result<()> {
        self.xml.start(
            "FormDef",
            &[("OID", &oid::form(&form.id)), ("Name", &form.label), ("Repeating", yes_no(repeats(form)))],
        )?;
        let groups = std::iter::once(None).chain(form.groups.iter().map(Some));
        for (order, group) in (1..).zip(groups) {
            let order: usize = order;
            let group_oid = oid::group(&form.id, group.map(|group: &Group| group.id.as_str()));
            self.xml.empty(
                "ItemGroupRef",
                &[("ItemGroupOID", &group_oid), ("OrderNumber", &order.to_string()), ("Mandatory", "Yes")],
            )?;
        }
        self.alias(alias::ID, &form.id)?;
        self.alias(alias::CONCEPT, &name_of(form.concept))?;
        self.xml.end()
    }

    fn groups(&mut self, form: &Form) -> io::Result<()> {
        self.xml.start(
            "ItemGroupDef",
            &[("OID", &oid::group(&form.id, None)), ("Name", &form.label), ("Repeating", "No")],
        )?;
        self.references(form, None, &form.items)?;
        self.xml.end()?;
        for group in &form.groups {
            self.xml.start(
                "ItemGroupDef",
                &[
                    ("OID", &oid::group(&form.id, Some(&group.id))),
                    ("Name", &group.label),
                    ("Repeating", "Yes"),
                ],
            )?;
            self.references(form, Some(group), &group.items)?;
            self.alias(alias::GROUP, &group.id)?;
            for key in &group.key {
                self.alias(alias::KEY, key)?;
            }
            self.xml.end()?;
        }
        Ok(())
    }

    fn references(&mut self, form: &Form, group: Option<&Group>, items: &[Item]) -> io::Result<()> {
        for (order, item) in (1..).zip(items) {
            let order: usize = order;
            let item_oid = item_oid(form, group, item);
            let condition = condition_oid(form, group, item);
            let order = order.to_string();
            let mut attributes = vec![
                ("ItemOID", item_oid.as_str()),
                ("OrderNumber", order.as_str()),
                ("Mandatory", yes_no(item.required)),
            ];
            if item.when.is_some() {
                attributes.push(("CollectionExceptionConditionOID", condition.as_str()));
            }
            self.xml.empty("ItemRef", &attributes)?;
        }
        Ok(())
    }

    fn items(&mut self, form: &Form) -> io::Result<()> {
        for item in &form.items {
            self.item(form, None, item, &form.checks)?;
        }
        for group in &form.groups {
            for item in &group.items {
                self.item(form, Some(group), item, &group.checks)?;
            }
        }
        Ok(())
    }

    fn item(&mut self, form: &Form, group: Option<&Group>, item: &Item, checks: &[Check]) -> io::Result<()> {
        let siblings = group.map_or(&form.items, |group| &group.items);
        let oid = item_oid(form, group, item);
        self.xml
            .start("ItemDef", &[("OID", &oid), ("Name", &item.id), ("DataType", data_type(item.kind))])?;
        self.translated("Question", &item.label)?;
        if let Some(unit) = &item.unit {
            self.xml.empty("MeasurementUnitRef", &[("MeasurementUnitOID", &unit_oid(unit))])?;
        }
        for (comparator, bound) in [("GE", item.min), ("LE", item.max)] {
            if let Some(bound) = bound {
                self.xml.start("RangeCheck", &[("Comparator", comparator), ("SoftHard", "Hard")])?;
                self.xml.text("CheckValue", &[], &bound.to_string())?;
                self.xml.end()?;
            }
        }
        for check in checks.iter().filter(|check| bears(check, siblings) == item.id) {
            let hard = if check.hard { "Hard" } else { "Soft" };
            self.xml.start("RangeCheck", &[("SoftHard", hard)])?;
            self.xml.text("FormalExpression", &[("Context", "CEL")], check.condition.as_str())?;
            self.translated("ErrorMessage", &check.message)?;
            self.xml.end()?;
        }
        match item.kind {
            ItemType::YesNo => self.xml.empty("CodeListRef", &[("CodeListOID", "CL.-NY")])?,
            ItemType::Code => {
                self.xml.empty("CodeListRef", &[("CodeListOID", &format!("CL.{}", &oid[2..]))])?;
            }
            _ => {}
        }
        self.alias(alias::TYPE, &name_of(item.kind))?;
        self.xml.end()
    }

    fn code_lists(&mut self) -> io::Result<()> {
        self.xml.start("CodeList", &[("OID", "CL.-NY"), ("Name", "Yes or no"), ("DataType", "text")])?;
        for (code, words) in [("Y", "Yes"), ("N", "No")] {
            self.xml.start("CodeListItem", &[("CodedValue", code)])?;
            self.translated("Decode", words)?;
            self.xml.end()?;
        }
        self.xml.end()?;
        for form in &self.protocol.forms {
            let own = form.items.iter().map(|item| (None, item));
            let rows =
                form.groups.iter().flat_map(|group| group.items.iter().map(move |item| (Some(group), item)));
            for (group, item) in own.chain(rows).filter(|(_, item)| item.kind == ItemType::Code) {
                let oid = format!("CL.{}", &item_oid(form, group, item)[2..]);
                self.xml.start(
                    "CodeList",
                    &[
                        ("OID", &oid),
                        ("Name", &format!("{}, {}", form.label, item.label)),
                        ("DataType", "text"),
                    ],
                )?;
                for code in &item.codes {
                    self.xml.empty("EnumeratedItem", &[("CodedValue", code)])?;
                }
                self.xml.end()?;
            }
        }
        Ok(())
    }

    /// When an item is not asked: ODM's condition is the exception.
    fn conditions(&mut self) -> io::Result<()> {
        for form in &self.protocol.forms {
            let own = form.items.iter().map(|item| (None, item));
            let rows =
                form.groups.iter().flat_map(|group| group.items.iter().map(move |item| (Some(group), item)));
            for (group, item) in own.chain(rows) {
                let Some(when) = &item.when else { continue };
                let name = format!("{}, {}: not asked", form.label, item.label);
                self.xml
                    .start("ConditionDef", &[("OID", &condition_oid(form, group, item)), ("Name", &name)])?;
                self.translated("Description", &format!("Not asked unless {when}"))?;
                self.xml.text("FormalExpression", &[("Context", "CEL")], &format!("!({when})"))?;
                self.alias(alias::WHEN, when.as_str())?;
                self.xml.end()?;
            }
        }
        Ok(())
    }
}

/// The item that a check stands at: the first of the form, or of the row, that it reads; else the first.
fn bears<'i>(check: &Check, items: &'i [Item]) -> &'i str {
    let reads = |item: &&Item| reads(&check.condition, &item.id);
    items.iter().find(reads).or(items.first()).map_or("", |item| item.id.as_str())
}

fn reads(condition: &Condition, item: &str) -> bool {
    condition.names().contains(item)
}

/// Rows may hold an item of the same name as the form's other groups.
pub(super) fn item_oid(form: &Form, group: Option<&Group>, item: &Item) -> String {
    match group {
        None => oid::item(&form.id, &item.id),
        Some(group) => oid::item(&form.id, &format!("{}.{}", group.id, item.id)),
    }
}

fn condition_oid(form: &Form, group: Option<&Group>, item: &Item) -> String {
    format!("COND.{}", &item_oid(form, group, item)[2..])
}

/// The items of a randomisation: id, question, type.
pub(super) const RANDOMISATION: [(&str, &str, &str); 4] = [
    ("ARM", "Arm", "text"),
    ("DATE", "Day of randomisation", "date"),
    ("STRATUM", "Stratum: factor=level; …", "text"),
    ("POSITION", "Place of the allocation in its list, from 0", "integer"),
];

impl<W: Write> Definitions<'_, W> {
    fn randomisation_form(&mut self) -> io::Result<()> {
        let (form, group) = (oid::form(oid::RANDOMISATION), oid::group(oid::RANDOMISATION, None));
        self.xml.start("FormDef", &[("OID", &form), ("Name", "Randomisation"), ("Repeating", "No")])?;
        self.xml.empty("ItemGroupRef", &[("ItemGroupOID", &group), ("Mandatory", "Yes")])?;
        self.xml.end()
    }

    fn randomisation_group(&mut self) -> io::Result<()> {
        let group = oid::group(oid::RANDOMISATION, None);
        self.xml.start("ItemGroupDef", &[("OID", &group), ("Name", "Randomisation"), ("Repeating", "No")])?;
        for (item, ..) in RANDOMISATION {
            let item = oid::item(oid::RANDOMISATION, item);
            self.xml.empty("ItemRef", &[("ItemOID", &item), ("Mandatory", "Yes")])?;
        }
        self.xml.end()
    }

    fn randomisation_items(&mut self) -> io::Result<()> {
        for (item, question, kind) in RANDOMISATION {
            let oid = oid::item(oid::RANDOMISATION, item);
            self.xml.start("ItemDef", &[("OID", &oid), ("Name", item), ("DataType", kind)])?;
            self.translated("Question", question)?;
            self.xml.end()?;
        }
        Ok(())
    }
}
