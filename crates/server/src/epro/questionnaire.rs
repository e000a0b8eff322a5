//! A questionnaire as a patient answers it: the questions that are asked, their answers so far, and the values they make.
//!
//! Never a rule of its own: `trial::form` says what is asked, what a text means and what cannot stand. Nothing of the trial but the
//! form's items is in it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use people::{Fields, PatientLink};
use serde_json::{Map, Value};
use trial::form::entry::read;
use trial::form::layout::{Applies, layout};
use trial::protocol::{Form, Item, ItemType, Protocol};
use trial::record::Record;

use super::wording::{Texts, Wording};

/// The day a questionnaire was answered (CDASH): nobody is asked, it is the day the answers are sent.
const ANSWERED_ON: &str = "QSDAT";
/// Whole numbers over at most so many values are shown as answers to choose from.
const MOST_CHOICES: f64 = 11.0;

/// Whether a patient is asked an item.
pub(super) fn asked(item: &Item) -> bool {
    !(item.id == ANSWERED_ON && item.kind == ItemType::Date)
}

/// The answers to choose from; none where an answer is written.
pub(super) fn choices(item: &Item) -> Option<Vec<String>> {
    match (item.kind, item.min, item.max) {
        (ItemType::Code, ..) => Some(item.codes.clone()),
        (ItemType::YesNo, ..) => Some(vec!["Y".into(), "N".into()]),
        (ItemType::Integer, Some(min), Some(max)) if max - min < MOST_CHOICES => {
            #[allow(clippy::cast_possible_truncation)] // a few whole numbers
            let (min, max) = (min.ceil() as i64, max.floor() as i64);
            Some((min..=max).map(|value| value.to_string()).collect())
        }
        _ => None,
    }
}

/// A question and its answer so far.
pub(super) struct Question<'a> {
    pub(super) item: &'a Item,
    /// From 1, among those that are asked now; 0 where it is not.
    pub(super) number: usize,
    /// It is asked, as the answers stand.
    pub(super) applies: bool,
    pub(super) required: bool,
    /// As it was chosen or typed; empty where it was not, or the patient would rather not.
    pub(super) answer: &'a str,
    /// The patient has been there, with or without an answer.
    pub(super) seen: bool,
}

/// A questionnaire with the answers so far.
pub(super) struct Questionnaire<'a> {
    pub(super) texts: &'a Texts,
    pub(super) wording: &'a Wording,
    protocol: &'a Protocol,
    form: &'a Form,
    record: &'a Record,
    link: &'a PatientLink,
    answers: &'a Fields,
    /// Every one that may be asked, in the form's order.
    pub(super) questions: Vec<Question<'a>>,
}

impl<'a> Questionnaire<'a> {
    /// The questionnaire of a link; none where the protocol has no such form (any more) that a patient could answer.
    pub(super) fn new(
        wording: &'a Wording,
        protocol: &'a Protocol,
        record: &'a Record,
        link: &'a PatientLink,
        answers: &'a Fields,
    ) -> Option<Self> {
        let form = protocol.forms.iter().find(|form| form.id == link.instance.form)?;
        let texts = wording.texts(form);
        if !wording.is_questionnaire(form) {
            return None;
        }
        let mut made = Self { texts, wording, protocol, form, record, link, answers, questions: Vec::new() };
        made.questions = made.ask();
        Some(made)
    }

    fn ask(&self) -> Vec<Question<'a>> {
        let given: BTreeMap<&str, &str> =
            self.answers.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let values = read(self.form, self.answers).values;
        let layout = layout(self.form, &values, self.record);
        let mut number = 0;
        let fields = layout.fields.into_iter().filter(|field| asked(field.item));
        fields
            .map(|field| {
                // What depends on a question without an answer is asked too: it can be passed over.
                let applies = field.applies != Applies::No;
                number += usize::from(applies);
                Question {
                    item: field.item,
                    number: if applies { number } else { 0 },
                    applies,
                    required: field.required,
                    answer: given.get(field.item.id.as_str()).copied().unwrap_or_default(),
                    seen: given.contains_key(field.item.id.as_str()),
                }
            })
            .collect()
    }

    /// Those that are asked now.
    pub(super) fn asked(&self) -> impl DoubleEndedIterator<Item = &Question<'a>> {
        self.questions.iter().filter(|question| question.applies)
    }

    /// How many are asked now.
    pub(super) fn count(&self) -> usize {
        self.asked().count()
    }

    /// How many of them have an answer.
    pub(super) fn answered(&self) -> usize {
        self.asked().filter(|question| !question.answer.is_empty()).count()
    }

    /// The question of an item, where it is asked.
    pub(super) fn question(&self, item: &str) -> Option<&Question<'a>> {
        self.asked().find(|question| question.item.id == item)
    }

    /// The one after an item, in the form's order; whether or not the item itself is still asked.
    pub(super) fn after(&self, item: &str) -> Option<&Question<'a>> {
        let at = self.questions.iter().position(|question| question.item.id == item)?;
        self.questions.iter().skip(at + 1).find(|question| question.applies)
    }

    /// The one before an item.
    pub(super) fn before(&self, item: &str) -> Option<&Question<'a>> {
        let at = self.questions.iter().position(|question| question.item.id == item)?;
        self.questions.iter().take(at).rev().find(|question| question.applies)
    }

    /// Where to go on: the first that the patient has not been at.
    pub(super) fn next(&self) -> Option<&Question<'a>> {
        self.asked().find(|question| !question.seen)
    }

    /// The words of an answer.
    pub(super) fn words(&self, question: &Question<'a>) -> &str {
        self.texts.answer(question.item, question.answer, &self.wording.words)
    }

    /// The values that the answers make, dated `day`. What is not asked any more is left out.
    pub(super) fn values(&self, day: Date) -> Map<String, Value> {
        let given: Fields = self
            .asked()
            .filter(|question| !question.answer.is_empty())
            .map(|question| (question.item.id.clone(), question.answer.to_owned()))
            .collect();
        let mut values = read(self.form, &given).values;
        if self.form.items.iter().any(|item| !asked(item)) {
            values.insert(ANSWERED_ON.to_owned(), Value::String(day.to_string()));
        }
        values
    }

    /// What is wrong with the answers so far, by item: what cannot be read, and what the form's rules say of it. Questions without
    /// an answer are not among them unless they need one.
    pub(super) fn faults(&self, day: Date) -> Vec<(String, String)> {
        let given: Fields =
            self.asked().map(|question| (question.item.id.clone(), question.answer.to_owned())).collect();
        let entry = read(self.form, &given);
        let mut faults: Vec<(String, String)> =
            entry.faults.iter().map(|fault| (fault.field.clone(), fault.says.clone())).collect();
        let found =
            trial::form::check(self.protocol, self.record, &self.link.instance, &self.values(day), day);
        for (item, fault) in entry.placed(found.into_iter().filter(|fault| fault.hard).collect()) {
            let empty = self.question(&item).is_some_and(|question| question.answer.is_empty());
            let says = if empty { self.wording.words.required.clone() } else { fault.right };
            faults.push((item, says));
        }
        faults
    }

    /// The answers with those of a sent page in place of what was kept; what is no item of the form is left out.
    pub(super) fn with(&self, sent: &[(String, String)]) -> Fields {
        let mut answers = self.answers.clone();
        for (name, text) in sent {
            let known = name == VIEW || self.questions.iter().any(|question| question.item.id == *name);
            if !known {
                continue;
            }
            let text = text.trim().to_owned();
            match answers.iter_mut().find(|(kept, _)| kept == name) {
                Some((_, kept)) => *kept = text,
                None => answers.push((name.clone(), text)),
            }
        }
        answers
    }

    /// The patient wants all questions on one page.
    pub(super) fn all_at_once(&self) -> bool {
        self.answers.iter().any(|(name, text)| name == VIEW && text == "all")
    }

    /// Whether the patient has begun.
    pub(super) fn begun(&self) -> bool {
        !self.answers.is_empty()
    }
}

/// How the patient wants to answer, kept beside the answers: a name that begins with an underscore is no item's.
pub(super) const VIEW: &str = "_view";
