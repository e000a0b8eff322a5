//! One row a subject and one row a visit: what the standards spread over many data sets, side by side.
//!
//! Never derives: a cell is a cell of a data set. A visit's cell is empty where the visit has no such record.

use std::collections::HashMap;

use crate::submission::{DataSet, Study};
use crate::table::{Cell, Column, Kind, Misfit, Table};

/// The data set of that name.
fn set<'a>(sets: &'a [DataSet], name: &str) -> Option<&'a Table> {
    sets.iter().map(|set| &set.table).find(|table| table.name() == name)
}

/// A cell by names; missing where the column is not there.
fn cell<'t>(table: &'t Table, row: usize, name: &str) -> Cell<'t> {
    table.place(name).map_or(Cell::Missing, |place| table.get(row, place))
}

fn text<'t>(table: &'t Table, row: usize, name: &str) -> &'t str {
    if let Cell::Text(text) = cell(table, row, name) { text } else { "" }
}

fn kind_of(table: &Table, name: &str) -> Option<(Kind, Option<String>)> {
    let column = table.columns().get(table.place(name)?)?;
    Some((column.kind, column.format.clone()))
}

/// One row a subject: ADSL, then for each main endpoint days, event and how it ended, then the best response.
pub(super) fn subjects(study: &Study<'_>, sets: &[DataSet]) -> Result<Table, Misfit> {
    let mut columns: Vec<Column> = set(sets, "ADSL").map(|adsl| adsl.columns().to_vec()).unwrap_or_default();
    let first = columns.len();
    let main: Vec<_> = study.parameters.iter().filter(|parameter| parameter.main).collect();
    for parameter in &main {
        let (code, label) = (&parameter.code, &parameter.label);
        columns.push(Column::integer(&format!("{code}_DAYS"), &format!("{label}, days")));
        columns.push(Column::integer(&format!("{code}_EVENT"), &format!("{label}: 1 event, 0 censored")));
        columns.push(Column::text(&format!("{code}_END"), &format!("{label}: event, or why censored"), 200));
    }
    columns.push(Column::text("BOR", "Best overall response", 200));
    let mut table = Table::new("SUBJECTS", "One row a subject", columns)?;
    let Some(adsl) = set(sets, "ADSL") else { return Ok(table) };
    let times = set(sets, "ADTTE");
    let time_of = by(times, &["USUBJID", "PARAMCD"], |_| true);
    let responses = set(sets, "ADRS");
    let best_of =
        by(responses, &["USUBJID"], |row| responses.is_some_and(|it| text(it, row, "PARAMCD") == "BOR"));
    for row in 0..adsl.len() {
        let subject = text(adsl, row, "USUBJID");
        let mut cells: Vec<Cell<'_>> = adsl.row(row).collect();
        for parameter in &main {
            let found = time_of.get(&vec![subject.to_owned(), parameter.code.clone()]);
            let (Some(times), Some(&found)) = (times, found) else {
                cells.extend([Cell::Missing; 3]);
                continue;
            };
            let censored = cell(times, found, "CNSR");
            let event =
                if let Cell::Number(censored) = censored { Cell::Number(1.0 - censored) } else { censored };
            let why = cell(times, found, "CNSDTDSC");
            let end = if why == Cell::Missing { cell(times, found, "EVNTDESC") } else { why };
            cells.extend([cell(times, found, "AVAL"), event, end]);
        }
        let best = best_of.get(&vec![subject.to_owned()]);
        cells.push(best.zip(responses).map_or(Cell::Missing, |(row, table)| cell(table, *row, "AVALC")));
        debug_assert_eq!(cells.len(), first + main.len() * 3 + 1);
        table.push(cells)?;
    }
    Ok(table)
}

/// A row for each value of keys.
type Rows = HashMap<Vec<String>, usize>;

/// The first row for each value of `keys`, of those that `keep` takes.
fn by(table: Option<&Table>, keys: &[&str], keep: impl Fn(usize) -> bool) -> Rows {
    let mut found = HashMap::new();
    let Some(table) = table else { return found };
    for row in (0..table.len()).filter(|row| keep(*row)) {
        let key: Vec<String> = keys.iter().map(|name| words(cell(table, row, name))).collect();
        found.entry(key).or_insert(row);
    }
    found
}

fn words(cell: Cell<'_>) -> String {
    match cell {
        Cell::Missing => String::new(),
        Cell::Text(text) => text.to_owned(),
        Cell::Number(number) => number.to_string(),
    }
}

/// A column of the table of visits that a data set fills: from the records whose `PARAMCD` (or test) is `code`.
struct Measured {
    column: Column,
    set: &'static str,
    by: &'static str,
    code: String,
    value: &'static str,
}

/// What can be measured at a visit, as far as the data sets have it.
fn measured(sets: &[DataSet]) -> Vec<Measured> {
    let mut all = Vec::new();
    let fixed = [
        ("ADRS", "PARAMCD", "OVRLRESP", "AVALC", "OVRLRESP", "Overall response at the visit"),
        ("ADTR", "PARAMCD", "SUMDIAM", "AVAL", "SUMDIAM", "Sum of diameters, mm"),
        (
            "ADTR",
            "PARAMCD",
            "SUMDIAM",
            "PCHG",
            "SUMDIAM_PCHG",
            "Sum of diameters, per cent change from baseline",
        ),
        ("RS", "RSTESTCD", "ECOG101", "RSSTRESN", "ECOG", "ECOG performance status"),
    ];
    for (set_name, by, code, value, name, label) in fixed {
        if let Some((kind, format)) = set(sets, set_name).and_then(|table| kind_of(table, value)) {
            let column = Column { format, ..Column::new(name, label, kind) };
            all.push(Measured { column, set: set_name, by, code: code.to_owned(), value });
        }
    }
    if let Some(table) = set(sets, "ADQS") {
        let mut codes: Vec<(String, String)> = Vec::new();
        for row in 0..table.len() {
            let code = text(table, row, "PARAMCD");
            // An area over visits is of no visit.
            if cell(table, row, "VISITNUM") != Cell::Missing && !codes.iter().any(|(known, _)| known == code)
            {
                codes.push((code.to_owned(), text(table, row, "PARAM").to_owned()));
            }
        }
        for (code, label) in codes {
            let column = Column::number(&code, &label);
            all.push(Measured { column, set: "ADQS", by: "PARAMCD", code, value: "AVAL" });
        }
    }
    all
}

/// The variables of SV that the table of visits begins with.
const VISIT: [&str; 8] =
    ["USUBJID", "VISITNUM", "VISIT", "VISITDY", "SVOCCUR", "SVSTDTC", "SVENDTC", "SVSTDY"];

/// One row a visit: SV, the arm, and what was measured there. Of several records of a visit, the one that counts
/// (`ANL01FL`), else the first.
pub(super) fn visits(sets: &[DataSet]) -> Result<Table, Misfit> {
    let sv = set(sets, "SV");
    let known = |name: &str| sv.and_then(|sv| sv.columns().get(sv.place(name)?)).cloned();
    let mut columns: Vec<Column> = VISIT.iter().filter_map(|name| known(name)).collect();
    let visit: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    columns.push(Column::text("TRT01P", "Planned arm", 200));
    let measured = measured(sets);
    columns.extend(measured.iter().map(|measured| measured.column.clone()));
    let mut table = Table::new("VISITS", "One row a visit", columns)?;
    let Some(sv) = sv else { return Ok(table) };
    let adsl = set(sets, "ADSL");
    let arm_of = by(adsl, &["USUBJID"], |_| true);
    let found: Vec<(Option<&Table>, Rows)> = measured
        .iter()
        .map(|measured| {
            let from = set(sets, measured.set);
            let here = |row: usize| from.is_some_and(|table| text(table, row, measured.by) == measured.code);
            let keys = ["USUBJID", "VISITNUM"];
            let mut rows = by(from, &keys, here);
            let counts = |row: usize| from.is_some_and(|table| text(table, row, "ANL01FL") == "Y");
            rows.extend(by(from, &keys, |row| here(row) && counts(row)));
            (from, rows)
        })
        .collect();
    for row in 0..sv.len() {
        let key = vec![text(sv, row, "USUBJID").to_owned(), words(cell(sv, row, "VISITNUM"))];
        let mut cells: Vec<Cell<'_>> = visit.iter().map(|name| cell(sv, row, name)).collect();
        let arm = arm_of.get(&key[..1]).zip(adsl);
        cells.push(arm.map_or(Cell::Missing, |(row, adsl)| cell(adsl, *row, "TRT01P")));
        for (measured, (from, rows)) in measured.iter().zip(&found) {
            let of = from.zip(rows.get(&key));
            cells.push(of.map_or(Cell::Missing, |(table, row)| cell(table, *row, measured.value)));
        }
        table.push(cells)?;
    }
    Ok(table)
}

/// Where a column of the plain tables comes from, in words.
pub(super) fn source(study: &Study<'_>, sets: &[DataSet], table: &str, column: &str) -> String {
    if table == "VISITS" {
        if let Some(it) = measured(sets).into_iter().find(|it| it.column.name == column) {
            return format!("{}.{} where {} is {}, of the visit", it.set, it.value, it.by, it.code);
        }
        return if column == "TRT01P" { "ADSL.TRT01P".to_owned() } else { format!("SV.{column}") };
    }
    if column == "BOR" {
        return "ADRS.AVALC where PARAMCD is BOR".to_owned();
    }
    for parameter in &study.parameters {
        let value = match column.strip_prefix(parameter.code.as_str()) {
            Some("_DAYS") => "AVAL",
            Some("_EVENT") => "1 less CNSR",
            Some("_END") => "EVNTDESC, or CNSDTDSC of a censored time",
            _ => continue,
        };
        return format!("ADTTE: {value} where PARAMCD is {}", parameter.code);
    }
    format!("ADSL.{column}")
}
