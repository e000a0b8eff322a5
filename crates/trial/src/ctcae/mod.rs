//! CTCAE v5.0: terms, classes and grades (NCI, 2017), from the published table.
//!
//! Never grades an event itself: a person does. The table and its licence: `data/README.md`. `search` finds a term by what is
//! typed of it, `nearest` the one that a misspelling was meant for.

mod nearest;
mod search;

pub use nearest::nearest;
pub use search::{Hit, MatchedBy, search};

use std::collections::HashMap;
use std::sync::LazyLock;

/// A term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// `MedDRA` code.
    pub code: u32,
    /// System organ class.
    pub class: String,
    /// The term.
    pub term: String,
    /// What grades 1 to 5 mean; none where the grade does not exist.
    pub grades: [Option<String>; 5],
    /// Definition.
    pub definition: String,
}

impl Term {
    /// True where the term has this grade.
    pub fn has_grade(&self, grade: u8) -> bool {
        let index = usize::from(grade).checked_sub(1);
        index.and_then(|index| self.grades.get(index)).is_some_and(Option::is_some)
    }
}

const TABLE: &str = include_str!("../../data/ctcae-v5.csv");

static TERMS: LazyLock<Vec<Term>> = LazyLock::new(|| {
    // The table is part of the program; a test counts its rows, so no row is lost here unseen.
    csv::Reader::from_reader(TABLE.as_bytes()).records().filter_map(|row| term(&row.ok()?)).collect()
});

static BY_NAME: LazyLock<HashMap<String, usize>> =
    LazyLock::new(|| TERMS.iter().enumerate().map(|(index, term)| (key(&term.term), index)).collect());

fn term(row: &csv::StringRecord) -> Option<Term> {
    let field = |index: usize| row.get(index).map(str::trim);
    let said = |index: usize| field(index).filter(|text| !text.is_empty() && *text != "-").map(str::to_owned);
    Some(Term {
        code: field(0)?.parse().ok()?,
        class: said(1)?,
        term: said(2)?,
        grades: [said(3), said(4), said(5), said(6), said(7)],
        definition: said(8).unwrap_or_default(),
    })
}

fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Every term, in the order of the table.
pub fn terms() -> &'static [Term] {
    &TERMS
}

/// The term of this name, whatever the case.
pub fn find(term: &str) -> Option<&'static Term> {
    BY_NAME.get(&key(term)).and_then(|index| TERMS.get(*index))
}
