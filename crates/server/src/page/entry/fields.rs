//! The fields of a form as HTML: a control for each type, its hint, and what is said beside it.
//!
//! Never a name of one trial's items. What is said beside a field stands in an element of its own, so that edit checks can change
//! it while somebody types in the field.

use maud::{Markup, html};
use trial::concept::LESIONS;
use trial::form::layout::{Applies, Field};
use trial::protocol::{Concept, Item, ItemType, Protocol};

use super::notes::{Notes, Weight};
use super::paper::{Paper, unseen};
use super::sheet::Sheet;
use super::{adverse, scores};
use crate::page::queries;
use crate::web::address;

/// A choice is a row of buttons up to so many options, a list beyond.
const MOST_BUTTONS: usize = 6;
/// A scale of whole numbers, too, from its least to so many above.
const LONGEST_SCALE: i64 = 6;

/// What the fields are drawn from.
pub(super) struct Draw<'a> {
    pub(super) sheet: &'a Sheet,
    pub(super) paper: &'a Paper<'a>,
    pub(super) notes: &'a Notes,
}

/// One thing to choose: its value, what is said of it, and its meaning.
struct Choice {
    value: String,
    label: String,
    meaning: Option<String>,
}

/// The id of the control of a field.
pub(super) fn control_id(name: &str) -> String {
    format!("i-{name}")
}

/// The id of the place where something is said beside a field.
pub(super) fn said_id(name: &str) -> String {
    format!("m-{name}")
}

impl Draw<'_> {
    /// Every field and every group.
    pub(super) fn whole(&self) -> Markup {
        html! {
            @for field in &self.paper.fields { (self.field(field, false)) }
            @for table in &self.paper.tables { (self.table(table)) }
            (self.lesions())
        }
    }

    /// A field with its label. `swapped`: it takes the place of the one on the page, and the keyboard goes to its choices.
    pub(super) fn field(&self, field: &Field<'_>, swapped: bool) -> Markup {
        let item = field.item;
        let (name, hint_id, said) = (&field.name, format!("h-{}", field.name), said_id(&field.name));
        let described = if field.hint.is_empty() { said.clone() } else { format!("{hint_id} {said}") };
        let oob = swapped.then_some("true");
        html! {
            @if let Some(choices) = self.buttons(field) {
                fieldset.field id=(name) aria-describedby=(described) hx-swap-oob=[oob] {
                    legend { (label(field)) }
                    (hint(field, &hint_id))
                    div.options.meanings[choices.iter().any(|choice| choice.meaning.is_some())] {
                        @for (at, choice) in choices.iter().enumerate() {
                            label {
                                input id=[(at == 0).then(|| control_id(name))] type="radio" name=(name) value=(choice.value) checked[choice.value == field.text]
                                    autofocus[swapped && at == 0];
                                (choice.label)
                                @if item.kind == ItemType::Integer {
                                    span.meaning id=(meaning_id(name, &choice.value)) {
                                        @if let Some(meaning) = &choice.meaning { " " (meaning) }
                                    }
                                }
                            }
                        }
                    }
                    (self.place(field))
                }
            } @else {
                div.field id=(name) hx-swap-oob=[oob] {
                    label for=(control_id(name)) { (label(field)) }
                    (hint(field, &hint_id))
                    (self.control(field, &described, None))
                    (self.place(field))
                }
            }
        }
    }

    /// Where something is said beside a field; a screen reader reads it out when it changes.
    pub(super) fn place(&self, field: &Field<'_>) -> Markup {
        html! { div.said id=(said_id(&field.name)) aria-live="polite" { (self.said(field)) } }
    }

    /// What is said beside a field.
    pub(super) fn said(&self, field: &Field<'_>) -> Markup {
        html! {
            @if unseen(field) { span.not-asked {} }
            @if let Applies::Unknown { missing } = &field.applies {
                @if !field.name.contains('.') {
                    p.hint { "Whether this is asked depends on what is not filled yet: " (self.labels(missing)) "." }
                }
            }
            (said(self.notes, &field.name))
            (self.queries(field))
        }
    }

    fn labels(&self, names: &[String]) -> String {
        names
            .iter()
            .map(|name| label_of(self.sheet.protocol(), self.paper, name))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Open queries about the field; one that names no row is shown in each.
    fn queries(&self, field: &Field<'_>) -> Markup {
        let about = |item: &str| self.paper.is_named(item, field);
        let open = self.sheet.queries().filter(|query| query.item.as_deref().is_some_and(about));
        html! {
            @for query in open {
                (queries::beside(&self.sheet.chart, query, self.sheet.today))
            }
        }
    }

    /// The choices of a field that is a row of buttons.
    fn buttons(&self, field: &Field<'_>) -> Option<Vec<Choice>> {
        let plain = |value: String, label: String| Choice { value, label, meaning: None };
        let mut choices: Vec<Choice> = match field.item.kind {
            ItemType::YesNo => vec![plain("Y".into(), "Yes".into()), plain("N".into(), "No".into())],
            ItemType::Code if field.item.codes.len() <= MOST_BUTTONS => {
                field.item.codes.iter().map(|code| plain(code.clone(), code.clone())).collect()
            }
            ItemType::Integer => self.numbers(field)?,
            _ => return None,
        };
        // What stands there but is no choice, an older version's code say, stays to be seen; what need not be filled can be emptied.
        let text = &field.text;
        if !text.is_empty() && choices.iter().all(|choice| choice.value != *text) {
            if field.item.kind == ItemType::Integer {
                return None;
            }
            choices.push(plain(text.clone(), format!("{text} (not a choice)")));
        }
        if !field.item.required {
            choices.push(plain(String::new(), "not given".into()));
        }
        Some(choices)
    }

    /// The numbers of a short scale, with their meanings where the scale is a known one.
    fn numbers(&self, field: &Field<'_>) -> Option<Vec<Choice>> {
        let (least, most) = field.item.min.zip(field.item.max)?;
        #[allow(clippy::cast_possible_truncation)] // a scale of a few whole numbers
        let (least, most) = (least.ceil() as i64, most.floor() as i64);
        if !(0..=LONGEST_SCALE).contains(&(most - least)) || least < 0 {
            return None;
        }
        let meaning = |n: i64| scale(self.paper, field, n);
        Some(
            (least..=most)
                .map(|n| Choice { value: n.to_string(), label: n.to_string(), meaning: meaning(n) })
                .collect(),
        )
    }

    /// The control of a field that is no row of buttons, or of any field in a table, where `name` says which it is.
    pub(super) fn control(&self, field: &Field<'_>, described: &str, name: Option<&str>) -> Markup {
        let item = field.item;
        let id = control_id(&field.name);
        let wrong = self.notes.has(&field.name, Weight::Hard).then_some("true");
        if matches!(item.kind, ItemType::Code | ItemType::YesNo) {
            let yes_no = ["Y".to_owned(), "N".to_owned()];
            let codes = if item.kind == ItemType::YesNo { &yes_no[..] } else { &item.codes[..] };
            let strange = !field.text.is_empty() && !codes.contains(&field.text);
            return html! {
                select id=(id) name=(field.name) aria-label=[name] aria-describedby=(described) aria-invalid=[wrong] {
                    option value="" { }
                    @for code in codes {
                        option value=(code) selected[*code == field.text] {
                            @match (item.kind, code.as_str()) { (ItemType::YesNo, "Y") => "Yes", (ItemType::YesNo, _) => "No", _ => (code) }
                        }
                    }
                    @if strange { option value=(field.text) selected { (field.text) " (not a choice)" } }
                }
            };
        }
        let numeric = match item.kind {
            ItemType::Integer => Some("numeric"),
            ItemType::Decimal => Some("decimal"),
            _ => None,
        };
        let long = item.kind == ItemType::Text && name.is_none() && field.text.contains('\n');
        let lesions = (self.names_lesion(&field.name, item)).then_some("lesions");
        let short = !matches!(item.kind, ItemType::Text);
        html! {
            @if long {
                textarea id=(id) name=(field.name) aria-describedby=(described) aria-invalid=[wrong] { (field.text) }
            } @else {
                input.short[short] type="text" id=(id) name=(field.name) value=(field.text) autocomplete="off" spellcheck="false"
                    inputmode=[numeric] list=[lesions] aria-label=[name] aria-describedby=(described) aria-invalid=[wrong];
            }
            @if let (Some(unit), None) = (&item.unit, name) { span.unit { (unit) } }
        }
    }

    /// Whether a field names a lesion of the subject.
    fn names_lesion(&self, field: &str, item: &Item) -> bool {
        let of_lesions = matches!(self.paper.form.concept, Concept::TumourAssessment | Concept::SabrCourse);
        of_lesions
            && field.starts_with(LESIONS)
            && ["TULNKID", "SPLITFROM", "MERGEDINTO"].contains(&item.id.as_str())
    }

    /// The lesions known so far, to choose from.
    fn lesions(&self) -> Markup {
        let asks = self.paper.all().any(|field| self.names_lesion(&field.name, field.item));
        let mut known: Vec<&str> = Vec::new();
        for reading in self.sheet.record().assessments.iter().flat_map(|assessment| &assessment.readings) {
            if !known.contains(&reading.lesion.as_str()) {
                known.push(reading.lesion.as_str());
            }
        }
        html! {
            @if asks { datalist id="lesions" { @for lesion in known { option value=(lesion) {} } } }
        }
    }
}

/// The question, and whether it must be answered.
fn label(field: &Field<'_>) -> Markup {
    html! {
        (field.item.label)
        @if field.item.required { " " span.required { "required" } }
    }
}

/// How to write a value.
fn hint(field: &Field<'_>, id: &str) -> Markup {
    html! { @if !field.hint.is_empty() { p.hint id=(id) { (field.hint) } } }
}

/// The notes beside a field, a row, a group, or of the form as a whole.
pub(super) fn said(notes: &Notes, name: &str) -> Markup {
    html! {
        @for note in notes.of(name) {
            @let class = match note.weight { Weight::Hard => "fault", Weight::Soft => "soft-fault", Weight::Info => "hint" };
            p class=(class) {
                (note.says)
                @if !note.found.is_empty() { " " span.found { "Found: " (note.found) "." } }
            }
        }
    }
}

/// The id of the place where the meaning of a number of a scale stands.
pub(super) fn meaning_id(field: &str, value: &str) -> String {
    format!("w-{field}-{value}")
}

/// What a number of a known scale means.
pub(super) fn scale(paper: &Paper<'_>, field: &Field<'_>, n: i64) -> Option<String> {
    match (paper.form.concept, field.item.id.as_str()) {
        (Concept::Ecog, "ECOG") => scores::ecog(n).map(str::to_owned),
        (Concept::AdverseEvent, "AETOXGR") => adverse::grade(paper, n),
        _ => None,
    }
}

/// The name of what a condition reads.
fn label_of(protocol: &Protocol, paper: &Paper<'_>, name: &str) -> String {
    let in_items =
        |items: &[Item], id: &str| items.iter().find(|item| item.id == id).map(|item| item.label.clone());
    match name.split_once('.') {
        Some((form, item)) => protocol
            .forms
            .iter()
            .find(|known| known.id == form)
            .and_then(|known| Some(format!("{} ({})", in_items(&known.items, item)?, known.label))),
        None => in_items(&paper.form.items, name)
            .or_else(|| paper.form.groups.iter().find_map(|group| in_items(&group.items, name))),
    }
    .unwrap_or_else(|| name.to_owned())
}

/// Where the queries of the subject are.
pub(super) fn queries_address(sheet: &Sheet) -> String {
    let chart = &sheet.chart;
    address::in_trial(
        &chart.room.slug,
        &format!("queries?subject={}", address::segment(chart.subject.as_str())),
    )
}
