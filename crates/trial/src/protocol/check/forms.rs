//! Forms: that each holds what its concept needs, and that conditions read what is there.
//!
//! Never reads a value (see `crate::form` for admission).

use std::collections::BTreeSet;

use super::meaning::unique;
use super::place::{Finding, Path, hint};
use crate::concept::{self, ATTRIBUTIONS, Known};
use crate::condition::{Condition, Kind};
use crate::eligibility::DERIVED;
use crate::factb;
use crate::protocol::{Check, Concept, Form, Group, Item, ItemType, Protocol};

/// Concepts of which a subject has one form at most.
const ONCE: [Concept; 4] = [Concept::Demography, Concept::Consent, Concept::Withdrawal, Concept::Death];

/// The name of a concept, as the file writes it.
pub fn concept_name(concept: Concept) -> String {
    serde_json::to_value(concept).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

fn type_name(kind: ItemType) -> String {
    serde_json::to_value(kind).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What conditions may read.
pub struct Names<'a> {
    forms: &'a [Form],
}

/// The kind of an item's values.
fn kind_of(item: &Item) -> Kind {
    match item.kind {
        ItemType::Text => Kind::Text,
        ItemType::Integer | ItemType::Decimal => Kind::Number,
        ItemType::Date | ItemType::PartialDate => Kind::Date,
        ItemType::YesNo => Kind::YesNo,
        ItemType::Code => Kind::Code(item.codes.clone()),
    }
}

impl<'a> Names<'a> {
    pub fn of(protocol: &'a Protocol) -> Self {
        Self { forms: &protocol.forms }
    }

    fn form(&self, id: &str) -> Option<&'a Form> {
        self.forms.iter().find(|form| form.id == id)
    }

    /// The kind of `form.ITEM`, or why there is none.
    fn of_form(&self, name: &str) -> Result<Kind, String> {
        let (form_id, item_id) = name.split_once('.').unwrap_or((name, ""));
        let Some(form) = self.form(form_id) else {
            return Err(hint(form_id, self.forms.iter().map(|form| form.id.as_str()), || {
                format!("there is no form `{form_id}`; a name is `form.ITEM` or `derived.name`")
            }));
        };
        if let Some(item) = form.items.iter().find(|item| item.id == item_id) {
            return Ok(kind_of(item));
        }
        if form.groups.iter().any(|group| group.items.iter().any(|item| item.id == item_id)) {
            return Err(format!("{item_id} stands in rows of form {form_id}: only derived names read rows"));
        }
        Err(hint(item_id, form.items.iter().map(|item| item.id.as_str()), || {
            format!(
                "form {form_id} has {}",
                form.items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>().join(", ")
            )
        }))
    }

    fn derived(name: &str) -> Result<Kind, String> {
        let bare = name.strip_prefix("derived.").unwrap_or(name);
        DERIVED.iter().find(|known| known.name == bare).map(|known| known.kind.clone()).ok_or_else(|| {
            let known = || DERIVED.iter().map(|known| known.name);
            hint(bare, known(), || format!("derived names are {}", known().collect::<Vec<_>>().join(", ")))
        })
    }

    /// A condition over a subject.
    pub fn over_subject(&self, path: &Path, condition: &Condition) -> Vec<Finding> {
        over(path, condition, &|name| {
            if name.starts_with("derived.") { Self::derived(name) } else { self.of_form(name) }
        })
    }

    /// A condition over a form, and over a row of `group` where there is one.
    fn over_form(
        &self,
        path: &Path,
        condition: &Condition,
        form: &Form,
        group: Option<&Group>,
    ) -> Vec<Finding> {
        let bare = || group.map(|group| group.items.iter()).into_iter().flatten().chain(&form.items);
        over(path, condition, &|name| {
            if name.starts_with("derived.") {
                return Err("derived names are for eligibility and strata; a form reads items".into());
            }
            match name.split_once('.') {
                Some((own, id)) if own == form.id => bare()
                    .find(|item| item.id == id)
                    .map(kind_of)
                    .ok_or_else(|| format!("form {own} has no item {id}")),
                Some(_) => self.of_form(name),
                None => bare().find(|item| item.id == name).map(kind_of).ok_or_else(|| {
                    hint(name, bare().map(|item| item.id.as_str()), || {
                        format!(
                            "form {} has {}",
                            form.id,
                            bare().map(|item| item.id.as_str()).collect::<Vec<_>>().join(", ")
                        )
                    })
                }),
            }
        })
    }
}

fn over(path: &Path, condition: &Condition, kind: &dyn Fn(&str) -> Result<Kind, String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in condition.names() {
        if let Err(right) = kind(name) {
            let mut finding =
                Finding::new(path.clone(), format!("the name `{name}`, which leads nowhere"), right);
            finding.within =
                condition.as_str().find(name.as_str()).map(|at| (condition.as_str().to_owned(), at));
            findings.push(finding);
        }
    }
    for error in condition.mismatches(&|name| kind(name).ok()) {
        findings.push(Finding::new(path.clone(), format!("the condition `{condition}`"), error.message));
    }
    findings
}

/// Every contradiction in the forms of `protocol`.
pub fn findings(protocol: &Protocol, names: &Names<'_>) -> Vec<Finding> {
    let path = Path::default().key("forms");
    let mut findings = unique(&path, "id", protocol.forms.iter().map(|form| form.id.as_str()));
    for (at, form) in protocol.forms.iter().enumerate() {
        let mut sheet = Sheet { names, form, path: path.index(at), findings: Vec::new() };
        sheet.whole(protocol, at);
        sheet.bound();
        sheet.attributions(protocol);
        sheet.own();
        findings.extend(sheet.findings);
    }
    findings
}

struct Sheet<'a> {
    names: &'a Names<'a>,
    form: &'a Form,
    path: Path,
    findings: Vec<Finding>,
}

impl Sheet<'_> {
    fn find(&mut self, path: Path, found: impl Into<String>, right: impl Into<String>) {
        self.findings.push(Finding::new(path, found, right));
    }

    fn whole(&mut self, protocol: &Protocol, at: usize) {
        let form = self.form;
        self.name(&self.path.key("id"), &form.id);
        if form.id == "derived" {
            self.find(
                self.path.key("id"),
                "`derived`",
                "that name stands for derived values: choose another",
            );
        }
        let earlier = protocol.forms.iter().take(at).find(|other| other.concept == form.concept);
        if let Some(other) = earlier.filter(|_| ONCE.contains(&form.concept)) {
            let name = concept_name(form.concept);
            self.find(
                self.path.key("concept"),
                format!("a second form of concept {name}"),
                format!("form `{}` has it", other.id),
            );
        }
        let due = protocol.schedule.visits.iter().any(|visit| visit.forms.contains(&form.id));
        if !form.log && !due {
            let right = "write `log = true`, or name it in the `forms` of a visit";
            self.find(self.path.clone(), format!("form `{}`, due at no visit and no log", form.id), right);
        }
    }

    /// Names of forms and items are read by conditions.
    fn name(&mut self, path: &Path, id: &str) {
        let plain = !id.is_empty()
            && id.len() <= 40
            && id.starts_with(|c: char| c.is_ascii_alphabetic())
            && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let readable = plain && Condition::parse(id).is_ok_and(|condition| condition.names().contains(id));
        if !readable {
            let right =
                "conditions read it: a letter, then letters, digits and _, at most 40, and no word of CEL";
            self.find(path.clone(), format!("the name `{id}`"), right);
        }
    }

    /// The items that the form's concept knows.
    fn bound(&mut self) {
        for known in concept::items(self.form.concept) {
            let (items, path) = match known.group {
                None => (Some(&self.form.items), self.path.key("items")),
                Some(id) => match self.form.groups.iter().position(|group| group.id == id) {
                    Some(at) => {
                        (Some(&self.form.groups[at].items), self.path.key("groups").index(at).key("items"))
                    }
                    None => (None, self.path.key("groups")),
                },
            };
            self.known(known, items, &path);
        }
        if self.form.concept == Concept::FactB {
            for id in factb::ITEMS {
                let known = Known { id, group: None, kind: ItemType::Integer, needed: false, codes: &[] };
                if self.form.items.iter().any(|item| item.id == id) {
                    self.known(&known, Some(&self.form.items), &self.path.key("items"));
                } else {
                    self.find(
                        self.path.key("items"),
                        format!("no item `{id}`"),
                        "FACT-B has 37 items, GP1 to P2",
                    );
                }
            }
        }
    }

    fn known(&mut self, known: &Known, items: Option<&Vec<Item>>, path: &Path) {
        let concept = concept_name(self.form.concept);
        let of_concept = self.path.key("concept");
        let place = items.and_then(|items| items.iter().position(|item| item.id == known.id));
        let Some((at, item)) = place.and_then(|at| items.map(|items| (at, &items[at]))) else {
            if known.needed {
                let within = known.group.map_or_else(String::new, |group| format!(" in group `{group}`"));
                let found = format!("form `{}` without item `{}`{within}", self.form.id, known.id);
                let right = format!("{concept} needs it, of type {}", type_name(known.kind));
                self.findings.push(Finding::new(path.clone(), found, right).resting_on([of_concept]));
            }
            return;
        };
        let path = path.index(at);
        let mut found = Vec::new();
        if !fits(item.kind, known.kind) {
            let what = format!("type {} of `{}`", type_name(item.kind), item.id);
            let right = format!("{concept} reads it as {}", type_name(known.kind));
            found.push(Finding::new(path.key("type"), what, right));
        }
        if known.needed && !item.required {
            let right = format!("{concept} cannot be read without it: write `required = true`");
            let what = format!("`{}`, which may be left empty", item.id);
            found.push(Finding::new(path.clone(), what, right).resting_on([path.key("required")]));
        }
        if known.needed && item.when.is_some() {
            let right = format!("{concept} cannot be read without it: take `when` out");
            found.push(Finding::new(path.key("when"), format!("`{}`, which may be hidden", item.id), right));
        }
        self.findings.extend(found.into_iter().map(|finding| finding.resting_on([of_concept.clone()])));
        self.codes(&path, item, known.codes);
    }

    /// The codes of `item` are among those the domain reads; none given: it reads any.
    fn codes(&mut self, path: &Path, item: &Item, read: &[&str]) {
        for (at, code) in item.codes.iter().enumerate() {
            if !read.is_empty() && !read.contains(&code.as_str()) {
                let right = hint(code, read.iter().copied(), || {
                    format!("{} is read as {}", item.id, read.join(", "))
                });
                self.find(path.key("codes").index(at), format!("the code `{code}`"), right);
            }
        }
    }

    fn attributions(&mut self, protocol: &Protocol) {
        if self.form.concept != Concept::AdverseEvent {
            return;
        }
        for id in protocol.safety.attributed_to.keys() {
            match self.form.items.iter().position(|item| item.id == *id) {
                None => {
                    let known = self.form.items.iter().map(|item| item.id.as_str());
                    let right = hint(id, known, || format!("form `{}` has no such item", self.form.id));
                    let path = Path::default().key("safety").key("attributed_to").key(id);
                    self.findings.push(
                        Finding::new(path, format!("item `{id}`, which does not exist"), right).at_key(),
                    );
                }
                Some(at) => {
                    let item = &self.form.items[at];
                    let path = self.path.key("items").index(at);
                    if item.kind != ItemType::Code {
                        let right = format!("an attribution is a code: {}", ATTRIBUTIONS.join(", "));
                        self.find(
                            path.key("type"),
                            format!("type {} of `{id}`", type_name(item.kind)),
                            right,
                        );
                    }
                    self.codes(&path, item, ATTRIBUTIONS);
                }
            }
        }
    }

    /// What holds for every form, whatever it means.
    fn own(&mut self) {
        let form = self.form;
        let ids: Vec<&str> = form.items.iter().map(|item| item.id.as_str()).collect();
        self.findings.extend(unique(&self.path.key("items"), "id", ids.iter().copied()));
        self.findings.extend(unique(
            &self.path.key("groups"),
            "id",
            form.groups.iter().map(|group| group.id.as_str()),
        ));
        if form.items.is_empty() && form.groups.is_empty() {
            self.find(
                self.path.clone(),
                format!("form `{}` without items", form.id),
                "a form asks something",
            );
        }
        for (at, item) in form.items.iter().enumerate() {
            self.item(&self.path.key("items").index(at), item, None);
        }
        for (at, check) in form.checks.iter().enumerate() {
            self.check(&self.path.key("checks").index(at), check, None);
        }
        for (at, group) in form.groups.iter().enumerate() {
            self.group(&self.path.key("groups").index(at), group, &ids);
        }
    }

    fn group(&mut self, path: &Path, group: &Group, of_form: &[&str]) {
        self.name(&path.key("id"), &group.id);
        if of_form.contains(&group.id.as_str()) {
            self.find(
                path.key("id"),
                format!("`{}`", group.id),
                "an item has that id: a group needs one of its own",
            );
        }
        self.findings.extend(unique(
            &path.key("items"),
            "id",
            group.items.iter().map(|item| item.id.as_str()),
        ));
        for (at, item) in group.items.iter().enumerate() {
            let path = path.key("items").index(at);
            if of_form.contains(&item.id.as_str()) {
                self.find(
                    path.key("id"),
                    format!("`{}`", item.id),
                    "the form has that item: in conditions the two would clash",
                );
            }
            self.item(&path, item, Some(group));
        }
        for (at, key) in group.key.iter().enumerate() {
            let known: BTreeSet<&str> = group.items.iter().map(|item| item.id.as_str()).collect();
            if !known.contains(key.as_str()) {
                let right =
                    hint(key, known.iter().copied(), || format!("group `{}` has no such item", group.id));
                self.find(path.key("key").index(at), format!("item `{key}`, which does not exist"), right);
            }
        }
        for (at, check) in group.checks.iter().enumerate() {
            self.check(&path.key("checks").index(at), check, Some(group));
        }
    }

    fn check(&mut self, path: &Path, check: &Check, group: Option<&Group>) {
        let path = path.key("condition");
        self.findings.extend(self.names.over_form(&path, &check.condition, self.form, group));
    }

    fn item(&mut self, path: &Path, item: &Item, group: Option<&Group>) {
        self.name(&path.key("id"), &item.id);
        let coded = item.kind == ItemType::Code;
        if coded && item.codes.is_empty() {
            self.find(path.clone(), format!("`{}` without codes", item.id), "write `codes = [\"A\", \"B\"]`");
        }
        if !coded && !item.codes.is_empty() {
            self.find(
                path.key("codes"),
                format!("codes of a {}", type_name(item.kind)),
                "only `type = \"code\"` has codes",
            );
        }
        let mut seen = BTreeSet::new();
        for (at, code) in item.codes.iter().enumerate() {
            if !seen.insert(code) {
                self.find(
                    path.key("codes").index(at),
                    format!("the code `{code}` again"),
                    "each code stands once",
                );
            }
        }
        let number = matches!(item.kind, ItemType::Integer | ItemType::Decimal);
        for (key, bound) in [("min", item.min), ("max", item.max)] {
            if bound.is_some() && !number {
                let found = format!("`{key}` of a {}", type_name(item.kind));
                self.find(path.key(key), found, "only an integer or a decimal has bounds");
            }
        }
        if let (Some(min), Some(max)) = (item.min, item.max)
            && min > max
        {
            self.find(path.key("max"), max.to_string(), format!("it must not be less than min, {min}"));
        }
        if let Some(when) = &item.when {
            let path = path.key("when");
            self.findings.extend(self.names.over_form(&path, when, self.form, group));
            if when.names().contains(&item.id) {
                self.find(
                    path,
                    format!("`{when}`"),
                    format!("whether `{}` is asked cannot depend on itself", item.id),
                );
            }
        }
    }
}

/// Whether values of `given` can be read as `wanted`.
fn fits(given: ItemType, wanted: ItemType) -> bool {
    given == wanted
        || matches!(
            (given, wanted),
            (ItemType::Integer, ItemType::Decimal)
                | (ItemType::Date, ItemType::PartialDate)
                | (ItemType::Code | ItemType::YesNo, ItemType::Text)
        )
}
