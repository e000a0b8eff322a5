//! The words of questionnaires: what the trial office's file gives, or short neutral labels where there is none.
//!
//! Never holds the wording of a published instrument (FACT-B belongs to FACIT.org): it comes from the file, and the file is held
//! against the protocols before the server starts. An example is `examples/wording-example.toml`; the words of the pages are in `words`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use trial::protocol::{Concept, Form, Item, ItemType, Protocol};

use super::questionnaire::{asked, choices};
use super::words::{Words, meant};

/// The wording of a server.
#[derive(Clone, Debug)]
pub(crate) struct Wording {
    /// As BCP 47 writes it, for screen readers: `en-GB`.
    pub(crate) language: String,
    /// The language is written from right to left.
    pub(crate) rtl: bool,
    pub(crate) words: Words,
    /// By the form's id.
    questionnaires: BTreeMap<String, Texts>,
    /// What a form without texts gets.
    none: Texts,
}

/// The texts of one form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Texts {
    /// The title the patient sees.
    #[serde(default)]
    pub(crate) title: String,
    /// What stands before the first question; an empty line begins a paragraph.
    #[serde(default)]
    pub(crate) intro: String,
    /// Which time the answers speak of: it stands above each question.
    #[serde(default)]
    pub(crate) recall: String,
    /// Whose the wording is; it stands at the foot of each page.
    #[serde(default)]
    pub(crate) copyright: String,
    /// The words of each answer, by its value.
    #[serde(default)]
    answers: BTreeMap<String, String>,
    /// The same for a single item, where it differs.
    #[serde(default)]
    answers_of: BTreeMap<String, BTreeMap<String, String>>,
    /// Parts of the questionnaire.
    #[serde(default)]
    sections: Vec<Section>,
    /// The text of each item, by its id.
    #[serde(default)]
    items: BTreeMap<String, String>,
}

/// A part of a questionnaire.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Section {
    /// Its heading.
    pub(crate) title: String,
    /// What stands below it.
    #[serde(default)]
    pub(crate) intro: String,
    /// Its items.
    items: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    language: String,
    #[serde(default)]
    direction: Option<Direction>,
    #[serde(default)]
    words: BTreeMap<String, String>,
    questionnaires: BTreeMap<String, Texts>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Direction {
    Ltr,
    Rtl,
}

impl Default for Wording {
    fn default() -> Self {
        let none = Texts::default();
        Self {
            language: "en-GB".into(),
            rtl: false,
            words: Words::english(),
            questionnaires: BTreeMap::new(),
            none,
        }
    }
}

impl Wording {
    /// The wording of a file; the neutral one where none is named. Errors say what stands where in the file.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, String> {
        let Some(path) = path else { return Ok(Self::default()) };
        let named = |wrong: &dyn std::fmt::Display| format!("{}: {wrong}", path.display());
        let text = std::fs::read_to_string(path).map_err(|wrong| named(&wrong))?;
        Self::read(&text).map_err(|wrong| named(&wrong))
    }

    fn read(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|wrong| wrong.to_string())?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if file.language.is_empty() || !file.language.chars().all(plain) {
            return Err(format!("language: found {:?}; it is written as in en-GB or de", file.language));
        }
        let english = file.language == "en" || file.language.starts_with("en-");
        let words = Words::read(file.words, english).map_err(|faults| faults.join("\n"))?;
        Ok(Self {
            language: file.language,
            rtl: file.direction == Some(Direction::Rtl),
            words,
            questionnaires: file.questionnaires,
            none: Texts::default(),
        })
    }

    /// Holds the wording against the protocols of the server's trials: every fault, a line each.
    pub(crate) fn check(&self, protocols: &[&Protocol]) -> Result<(), String> {
        let mut faults = BTreeSet::new();
        for (id, texts) in &self.questionnaires {
            let forms = protocols.iter().flat_map(|protocol| &protocol.forms);
            let mut found = forms.filter(|form| form.id == *id).peekable();
            if found.peek().is_none() {
                let known: Vec<&str> = protocols
                    .iter()
                    .flat_map(|protocol| &protocol.forms)
                    .map(|form| form.id.as_str())
                    .collect();
                faults.insert(format!(
                    "questionnaires.{id}: no trial here has a form {id}{}",
                    meant(id, known)
                ));
            }
            for form in found {
                faults
                    .extend(texts.faults(form).into_iter().map(|says| format!("questionnaires.{id}{says}")));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults.into_iter().collect::<Vec<_>>().join("\n")) }
    }

    /// The texts of a form; empty where the file has none.
    pub(crate) fn texts(&self, form: &Form) -> &Texts {
        self.questionnaires.get(&form.id).unwrap_or(&self.none)
    }

    /// Whether the trial office gave texts for a form.
    pub(crate) fn has(&self, form: &Form) -> bool {
        self.questionnaires.contains_key(&form.id)
    }

    /// Whether a form is one that patients answer: FACT-B, and any that the file gives texts for.
    pub(crate) fn is_questionnaire(&self, form: &Form) -> bool {
        (form.concept == Concept::FactB || self.has(form)) && form.groups.is_empty() && !form.log
    }
}

impl Texts {
    /// The text of an item; its label in the protocol where there is none.
    pub(super) fn question<'a>(&'a self, item: &'a Item) -> &'a str {
        self.items.get(&item.id).map_or(item.label.as_str(), String::as_str)
    }

    /// The words of a value of an item.
    pub(super) fn answer<'a>(&'a self, item: &Item, value: &'a str, words: &'a Words) -> &'a str {
        let own = self.answers_of.get(&item.id).and_then(|answers| answers.get(value));
        let given = own.or_else(|| self.answers.get(value).filter(|_| !matches!(item.kind, ItemType::YesNo)));
        match (given, item.kind, value) {
            (Some(text), ..) => text,
            (None, ItemType::YesNo, "Y") => &words.yes,
            (None, ItemType::YesNo, "N") => &words.no,
            (None, ..) => value,
        }
    }

    /// Whether there are texts at all.
    pub(super) fn has_items(&self) -> bool {
        !self.items.is_empty()
    }

    /// The section of an item.
    pub(super) fn section(&self, item: &Item) -> Option<&Section> {
        self.sections.iter().find(|section| section.items.contains(&item.id))
    }

    /// What does not fit a form: each after the questionnaire's own name.
    fn faults(&self, form: &Form) -> Vec<String> {
        let mut faults = Vec::new();
        if form.log || !form.groups.is_empty() {
            faults.push(": a form of a log or with repeated rows is no questionnaire for patients".into());
            return faults;
        }
        let known = || form.items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>();
        let item = |id: &str| form.items.iter().find(|item| item.id == id);
        for id in self.items.keys().filter(|id| item(id).is_none()) {
            faults.push(format!(".items.{id}: the form has no item {id}{}", meant(id, known())));
        }
        for item in form.items.iter().filter(|item| asked(item)) {
            if self.items.get(&item.id).is_none_or(|text| text.trim().is_empty()) {
                faults.push(format!(".items.{}: no text; each question needs one ({})", item.id, item.label));
            }
            faults.extend(self.faults_of_answers(item));
        }
        for (id, answers) in &self.answers_of {
            match item(id).and_then(choices) {
                None => faults.push(format!(
                    ".answers_of.{id}: the form has no question {id} with answers to choose from{}",
                    meant(id, known())
                )),
                Some(choices) => {
                    for value in answers.keys().filter(|value| !choices.contains(*value)) {
                        faults.push(format!(
                            ".answers_of.{id}.{value}: {value} is no answer; there are {}",
                            choices.join(", ")
                        ));
                    }
                }
            }
        }
        let all: BTreeSet<String> =
            form.items.iter().filter(|item| asked(item)).filter_map(choices).flatten().collect();
        for value in self.answers.keys().filter(|value| !all.contains(*value)) {
            faults.push(format!(".answers.{value}: no question has an answer {value}"));
        }
        let mut placed = BTreeSet::new();
        for (section, id) in
            self.sections.iter().flat_map(|section| section.items.iter().map(move |id| (section, id)))
        {
            if item(id).is_none() {
                faults.push(format!(
                    ".sections, {:?}: the form has no item {id}{}",
                    section.title,
                    meant(id, known())
                ));
            } else if !placed.insert(id) {
                faults.push(format!(".sections, {:?}: item {id} stands in a section already", section.title));
            }
        }
        faults
    }

    /// Answers of an item that have no words: a bare number means nothing to whoever is asked.
    fn faults_of_answers(&self, item: &Item) -> Vec<String> {
        if item.kind == ItemType::YesNo {
            return Vec::new();
        }
        let own = self.answers_of.get(&item.id);
        let has = |value: &String| {
            own.and_then(|answers| answers.get(value))
                .or(self.answers.get(value))
                .is_some_and(|text| !text.trim().is_empty())
        };
        let without: Vec<String> =
            choices(item).unwrap_or_default().into_iter().filter(|value| !has(value)).collect();
        if without.is_empty() {
            return Vec::new();
        }
        vec![format!(".answers: no words for {} of item {}", without.join(", "), item.id)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use trial::protocol::{Checked, check};

    use super::*;

    const EXAMPLE: &str = include_str!("../../../../examples/wording-example.toml");

    fn avatar() -> Checked {
        check(include_str!("../../../../protocols/avatar-ii.toml")).unwrap()
    }

    fn checked(text: &str) -> Result<Wording, String> {
        let wording = Wording::read(text)?;
        wording.check(&[&avatar().protocol])?;
        Ok(wording)
    }

    #[test]
    fn the_example_fits_the_protocol() {
        let wording = checked(EXAMPLE).unwrap();
        let protocol = avatar().protocol;
        let form = protocol.forms.iter().find(|form| form.id == "factb").unwrap();
        assert!(wording.has(form) && wording.is_questionnaire(form));
        // It is an example: whoever takes it for the real wording is told on every page.
        assert!(
            form.items
                .iter()
                .filter(|item| asked(item))
                .all(|item| wording.texts(form).question(item).contains("Placeholder"))
        );
    }

    #[test]
    fn without_a_file_the_labels_of_the_protocol_stand() {
        let (wording, protocol) = (Wording::default(), avatar().protocol);
        let form = protocol.forms.iter().find(|form| form.id == "factb").unwrap();
        let item = &form.items[1];
        assert_eq!(wording.texts(form).question(item), item.label);
        assert_eq!(wording.texts(form).answer(item, "3", &wording.words), "3");
        assert!(wording.is_questionnaire(form) && !wording.has(form));
        let consent = protocol.forms.iter().find(|form| form.id == "consent").unwrap();
        assert!(!wording.is_questionnaire(consent));
    }

    #[rstest]
    #[case::no_language("language = \"en-GB\"", "", "missing field `language`")]
    #[case::made_up_language("en-GB", "en GB!", "found \"en GB!\"; it is written as in en-GB or de")]
    #[case::no_such_form(
        "questionnaires.factb",
        "questionnaires.fact_b",
        "no trial here has a form fact_b; did you mean factb?"
    )]
    #[case::no_such_item("\nGP1 =", "\nGP11 =", "questionnaires.factb.items.GP11: the form has no item GP11")]
    #[case::item_without_text(
        "\nGP2 = ",
        "\n#",
        "questionnaires.factb.items.GP2: no text; each question needs one (Physical well-being, item 2)"
    )]
    #[case::answer_without_words("\n3 = ", "\n#", ".answers: no words for 3 of item GP1")]
    #[case::no_such_answer("\n3 = ", "\n5 = \"no\"\n3 = ", ".answers.5: no question has an answer 5")]
    #[case::wrong_section("\"GS7\"", "\"GSX\"", "the form has no item GSX")]
    #[case::twice_in_sections("\"GS7\"", "\"GP1\"", "item GP1 stands in a section already")]
    #[case::unknown_key("title =", "titel =", "unknown field `titel`")]
    #[case::not_translated(
        "en-GB",
        "de",
        "words.next: no text; in another language than English each word is needed (\"Next\")"
    )]
    #[case::unknown_word(
        "[questionnaires.factb]",
        "[words]\nnexxt = \"On\"\n[questionnaires.factb]",
        "words.nexxt: there is no such word; did you mean next?"
    )]
    #[case::lost_place(
        "[questionnaires.factb]",
        "[words]\nprogress = \"On we go\"\n[questionnaires.factb]",
        "words.progress: {n} is missing in \"On we go\""
    )]
    fn a_fault_of_the_file_says_where_and_what_would_be_right(
        #[case] old: &str,
        #[case] new: &str,
        #[case] says: &str,
    ) {
        assert!(EXAMPLE.contains(old), "{old}");
        let wrong = checked(&EXAMPLE.replacen(old, new, 1)).unwrap_err();
        assert!(wrong.contains(says), "{wrong}");
    }

    proptest! {
        #[test]
        fn any_file_is_read_or_refused(text in ".{0,200}") {
            let _ = Wording::read(&text);
        }

        /// A file that lost a line and had another changed is taken only where every question still has its text and answers.
        #[test]
        fn a_damaged_file_leaves_no_question_without_words(gone in 0usize..90, at in 0usize..90, with in "[ -~]{0,30}") {
            let lines = EXAMPLE.lines().enumerate().filter(|(line, _)| *line != gone);
            let text: Vec<&str> = lines.map(|(line, text)| if line == at { with.as_str() } else { text }).collect();
            let protocol = avatar().protocol;
            let form = protocol.forms.iter().find(|form| form.id == "factb").unwrap();
            if let Ok(wording) = checked(&text.join("\n")) {
                let texts = wording.texts(form);
                for item in form.items.iter().filter(|item| asked(item)).filter(|_| wording.has(form)) {
                    prop_assert_ne!(texts.question(item), item.label.as_str());
                    for value in choices(item).unwrap() {
                        prop_assert_ne!(texts.answer(item, &value, &wording.words), value.as_str());
                    }
                }
            }
        }
    }
}
