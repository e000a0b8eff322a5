//! The variables of every data set: name, label, type, core, code list, origin and method, as the implementation guides give them.
//!
//! Never holds a value. The tables stand in `layout/*.csv`, in the order of the guides: SDTM Implementation Guide 3.4 (CDISC,
//! 2021-11-29, sections 5 to 8) and `ADaM` Implementation Guide 1.3 (2021-11-29) with its structures for occurrence data and times
//! to events. Of the permissible variables those are named that a ledger can fill.

use std::sync::LazyLock;

use crate::table::{Column, Kind};

const SDTM: [&str; 2] = [include_str!("layout/sdtm-datasets.csv"), include_str!("layout/sdtm-variables.csv")];
const ADAM: [&str; 2] = [include_str!("layout/adam-datasets.csv"), include_str!("layout/adam-variables.csv")];

/// The longest text of a cell, in bytes: what SAS XPORT 5 holds, and so what the guides allow. Longer ones are continued elsewhere.
pub const LONGEST: u16 = 200;

/// A data set as its guide defines it.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// As in `DM`; `SUPPQUAL` stands for every supplemental data set.
    pub name: String,
    /// As in `Demographics`.
    pub label: String,
    /// General class, as Define-XML 2.1 spells it.
    pub class: String,
    /// Subclass; empty where there is none.
    pub subclass: String,
    /// As in `One record per subject`.
    pub structure: String,
    /// The variables that make a row the only one of its kind, in order.
    pub keys: Vec<String>,
    /// More than one row a subject.
    pub repeating: bool,
    /// About the trial, not about subjects.
    pub reference: bool,
    /// In the order of the guide.
    pub variables: Vec<Variable>,
}

/// A variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// As in `AETERM`.
    pub name: String,
    /// At most 40 characters.
    pub label: String,
    /// What its cells hold.
    pub kind: Kind,
    /// Whether it must be there, and filled.
    pub core: Core,
    /// As in `Topic`; empty in `ADaM`.
    pub role: String,
    /// The code list; empty where there is none.
    pub codelist: String,
    /// Where its values come from.
    pub origin: Origin,
    /// Names the method that derives it; empty where nothing is derived.
    pub method: String,
}

/// Whether a variable must be there (SDTM Implementation Guide 3.4, section 4.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Core {
    /// There, and filled in every row.
    Required,
    /// There, though it may be empty.
    Expected,
    /// There where it is filled anywhere.
    Permissible,
}

/// Where values come from (Define-XML 2.1, section 4.3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `Collected`, `Derived`, `Assigned`, `Protocol` or `Predecessor`.
    pub kind: String,
    /// Who: `Investigator`, `Subject`, `Sponsor`; of a predecessor the variable.
    pub source: String,
}

/// The data sets of SDTM, in the order of Define-XML: special purpose, interventions, events, findings, trial design, relationships.
pub fn sdtm() -> &'static [Layout] {
    static LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| layouts(SDTM));
    &LAYOUTS
}

/// The data sets of `ADaM`.
pub fn adam() -> &'static [Layout] {
    static LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| layouts(ADAM));
    &LAYOUTS
}

/// The companion data set that leads from each row to the ledger.
pub fn trace() -> &'static Layout {
    static LAYOUT: LazyLock<Layout> = LazyLock::new(|| {
        let variable = |name: &str, label: &str, kind| Variable {
            name: name.to_owned(),
            label: label.to_owned(),
            kind,
            core: Core::Expected,
            role: String::new(),
            codelist: String::new(),
            origin: Origin { kind: "Assigned".into(), source: "Sponsor".into() },
            method: String::new(),
        };
        let text = Kind::Text { length: LONGEST };
        Layout {
            name: "TRACE".into(),
            label: "From Records to Events of the Ledger".into(),
            class: String::new(),
            subclass: String::new(),
            structure: "One record per run of records per event".into(),
            keys: ["STUDYID", "DATASET", "USUBJID", "SEQFROM", "EVENT"].map(str::to_owned).to_vec(),
            repeating: true,
            reference: false,
            variables: vec![
                variable("STUDYID", "Study Identifier", text),
                variable("DATASET", "Data Set", text),
                variable("USUBJID", "Unique Subject Identifier", text),
                variable("SEQFROM", "First Record by --SEQ or ASEQ", Kind::Integer),
                variable("SEQTO", "Last Record by --SEQ or ASEQ", Kind::Integer),
                variable("EVENT", "Place of the Event in the Ledger", Kind::Integer),
            ],
        }
    });
    &LAYOUT
}

impl Layout {
    /// The variable of that name.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|variable| variable.name == name)
    }

    /// The columns of an empty table.
    pub fn columns(&self) -> Vec<Column> {
        let column = |variable: &Variable| {
            let mut column = Column::new(&variable.name, &variable.label, variable.kind);
            if variable.kind == Kind::Day {
                column = column.format("DATE9.");
            }
            if let Some(rank) = self.keys.iter().position(|key| *key == variable.name) {
                column = column.key(u16::try_from(rank + 1).unwrap_or(u16::MAX));
            }
            if variable.core == Core::Required { column.mandatory() } else { column }
        };
        self.variables.iter().map(column).collect()
    }
}

/// Reads the two tables. They are part of the program: what in them could not be read is left out, and a test reads them whole.
fn layouts([sets, variables]: [&'static str; 2]) -> Vec<Layout> {
    let variables: Vec<(String, Variable)> = rows(variables).filter_map(|row| variable(&row)).collect();
    let layout = |row: csv::StringRecord| {
        let name = row.get(0)?.to_owned();
        Some(Layout {
            variables: variables.iter().filter(|(of, _)| *of == name).map(|(_, v)| v.clone()).collect(),
            label: row.get(1)?.to_owned(),
            class: row.get(2)?.to_owned(),
            subclass: row.get(3)?.to_owned(),
            structure: row.get(4)?.to_owned(),
            keys: row.get(5)?.split(' ').map(str::to_owned).collect(),
            repeating: row.get(6)? == "Yes",
            reference: row.get(7)? == "Yes",
            name,
        })
    };
    rows(sets).filter_map(layout).collect()
}

fn rows(text: &'static str) -> impl Iterator<Item = csv::StringRecord> {
    csv::Reader::from_reader(text.as_bytes()).into_records().filter_map(Result::ok)
}

fn variable(row: &csv::StringRecord) -> Option<(String, Variable)> {
    let (kind, source) = row.get(7)?.split_once('/').unwrap_or((row.get(7)?, ""));
    let variable = Variable {
        name: row.get(1)?.to_owned(),
        label: row.get(2)?.to_owned(),
        kind: match row.get(3)? {
            "number" => Kind::Number,
            "integer" => Kind::Integer,
            "date" => Kind::Date,
            "day" => Kind::Day,
            _ => Kind::Text { length: LONGEST },
        },
        core: match row.get(4)? {
            "Req" => Core::Required,
            "Exp" => Core::Expected,
            _ => Core::Permissible,
        },
        role: row.get(5)?.to_owned(),
        codelist: row.get(6)?.to_owned(),
        origin: Origin { kind: kind.to_owned(), source: source.to_owned() },
        method: row.get(8)?.to_owned(),
    };
    Some((row.get(0)?.to_owned(), variable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_tables_is_read() {
        for ([sets, variables], layouts) in [(SDTM, sdtm()), (ADAM, adam())] {
            assert_eq!(layouts.len(), sets.lines().count() - 1);
            let read: usize = layouts.iter().map(|layout| layout.variables.len()).sum();
            assert_eq!(read, variables.lines().count() - 1);
            for layout in layouts {
                for key in &layout.keys {
                    assert!(layout.variable(key).is_some(), "{}: no key {key}", layout.name);
                }
                for variable in &layout.variables {
                    assert!(variable.name.len() <= 8 && variable.label.len() <= 40, "{}", variable.name);
                    assert!(
                        variable.origin.kind != "Derived" || !variable.method.is_empty(),
                        "{}",
                        variable.name
                    );
                }
            }
        }
    }
}
