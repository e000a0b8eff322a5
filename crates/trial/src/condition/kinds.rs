//! Finds in a condition what cannot work, given the kinds of the names it reads.
//!
//! A comparison between kinds that do not compare would be unknown for ever, and one with a code that does not exist false
//! for ever: both are faults of the protocol file, to be found before a subject is. Never evaluates anything.

use super::ConditionError;
use super::compile::{Comparison, Operand, Truth};
use crate::date::PartialDate;

/// What kind of value a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// A text.
    Text,
    /// A date, perhaps partial.
    Date,
    /// True or false.
    Truth,
    /// `Y` or `N`, which may stand for a truth as well.
    YesNo,
    /// One of these texts.
    Code(Vec<String>),
}

impl Kind {
    fn words(&self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Date => "a date",
            Self::Truth => "a truth",
            Self::YesNo => "Y or N",
            Self::Code(_) => "a code",
        }
    }

    fn codes(&self) -> Option<Vec<&str>> {
        match self {
            Self::Code(codes) => Some(codes.iter().map(String::as_str).collect()),
            Self::YesNo => Some(vec!["Y", "N"]),
            _ => None,
        }
    }

    fn compares_with(&self, other: &Self) -> bool {
        let text = |kind: &Self| matches!(kind, Self::Text | Self::Code(_) | Self::YesNo);
        self == other || (text(self) && text(other))
    }
}

pub fn mismatches(truth: &Truth, kind: &dyn Fn(&str) -> Option<Kind>) -> Vec<ConditionError> {
    let mut finder = Finder { kind, errors: Vec::new() };
    finder.truth(truth);
    finder.errors
}

struct Finder<'a> {
    kind: &'a dyn Fn(&str) -> Option<Kind>,
    errors: Vec<ConditionError>,
}

impl Finder<'_> {
    fn refuse(&mut self, message: String) {
        self.errors.push(ConditionError { message, at: None });
    }

    fn truth(&mut self, truth: &Truth) {
        match truth {
            Truth::Constant(_) | Truth::Given(_) | Truth::Call(_) => {}
            Truth::Name(name) => match (self.kind)(name) {
                None | Some(Kind::Truth | Kind::YesNo) => {}
                Some(other) => {
                    self.refuse(format!(
                        "{name} is {}, where a truth is asked; compare it with something",
                        other.words()
                    ));
                }
            },
            Truth::Not(of) => self.truth(of),
            Truth::And(a, b) | Truth::Or(a, b) | Truth::Same(a, b) => {
                self.truth(a);
                self.truth(b);
            }
            Truth::If(of, yes, no) => {
                self.truth(of);
                self.truth(yes);
                self.truth(no);
            }
            Truth::Compare(how, a, b) => self.compare(*how, a, b),
            Truth::Member(of, among) => {
                for candidate in among {
                    self.compare(Comparison::Equal, of, candidate);
                }
            }
        }
    }

    fn compare(&mut self, how: Comparison, a: &Operand, b: &Operand) {
        match (a, b) {
            (Operand::Name(name), Operand::Text(text)) | (Operand::Text(text), Operand::Name(name)) => {
                self.with_text(how, name, text);
            }
            _ => {
                let (Some(left), Some(right)) = (self.of(a), self.of(b)) else { return };
                if !left.compares_with(&right) {
                    self.refuse(format!(
                        "{} is {} and {} is {}: they do not compare",
                        shown(a),
                        left.words(),
                        shown(b),
                        right.words()
                    ));
                }
            }
        }
    }

    fn with_text(&mut self, how: Comparison, name: &str, text: &str) {
        let Some(kind) = (self.kind)(name) else { return };
        match &kind {
            Kind::Number | Kind::Truth => {
                self.refuse(format!(
                    "{name} is {}, compared with the text {text:?}: it never holds",
                    kind.words()
                ));
            }
            Kind::Date if PartialDate::parse(text).is_err() => {
                self.refuse(format!("{name} is a date and {text:?} is none: write YYYY-MM-DD"));
            }
            _ => {}
        }
        let Some(codes) = kind.codes().filter(|_| how == Comparison::Equal) else { return };
        if !codes.contains(&text) {
            self.refuse(format!("{name} is never {text:?}: it is one of {}", codes.join(", ")));
        }
    }

    fn of(&self, operand: &Operand) -> Option<Kind> {
        match operand {
            Operand::Name(name) => (self.kind)(name),
            Operand::Number(_) | Operand::Days(..) => Some(Kind::Number),
            Operand::Text(_) => Some(Kind::Text),
            Operand::Cel(_) => None,
        }
    }
}

fn shown(operand: &Operand) -> String {
    match operand {
        Operand::Name(name) => name.clone(),
        Operand::Number(number) => number.to_string(),
        Operand::Text(text) => format!("{text:?}"),
        Operand::Days(..) => "days(...)".into(),
        Operand::Cel(_) => "the expression".into(),
    }
}
