//! The data dictionary: every variable of every data set, with the words Define-XML has for it.
//!
//! Never words a variable anew: label, origin and derivation are Define-XML's own (`define::dictionary`).

use std::fmt::Write as _;

use super::plain;
use crate::define::{self, Described};
use crate::submission::{DataSet, Standard, Study};
use crate::table::Table;

/// A line of the dictionary: a variable, or the values of one where another says so.
pub(super) type Row = Described;

/// The plain tables first, then `ADaM`, SDTM and the way to the ledger.
pub(super) fn rows(study: &Study<'_>, sets: &[DataSet], plain: &[Table]) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in plain {
        for (place, column) in table.columns().iter().enumerate() {
            let (kind, length) = define::typed_words(table, place);
            let from = plain::source(study, sets, table.name(), &column.name);
            let days = column.name.ends_with("_DAYS");
            rows.push(Described {
                standard: "plain",
                set: table.name().to_owned(),
                set_label: table.label().to_owned(),
                variable: column.name.clone(),
                condition: String::new(),
                label: column.label.clone(),
                kind,
                length,
                format: column.format.clone().unwrap_or_default(),
                units: if days { "days".to_owned() } else { units(table, &column.name) },
                list: String::new(),
                terms: Vec::new(),
                origin: "Predecessor".to_owned(),
                derivation: from,
            });
        }
    }
    for standard in [Standard::Adam, Standard::Sdtm, Standard::Trace] {
        let described = define::dictionary(study, standard, sets);
        rows.extend(described.into_iter().map(|mut row| {
            let table = sets.iter().map(|set| &set.table).find(|table| table.name() == row.set);
            row.units = table.map(|table| units(table, &row.variable)).unwrap_or_default();
            row
        }));
    }
    // A column taken over as it is keeps its units and terms.
    let known = rows.clone();
    for row in rows.iter_mut().filter(|row| row.standard == "plain") {
        let same = known.iter().find(|other| {
            other.standard != "plain"
                && other.condition.is_empty()
                && row.derivation == format!("{}.{}", other.set, other.variable)
        });
        if let Some(other) = same {
            row.units.clone_from(&other.units);
            row.list.clone_from(&other.list);
            row.terms.clone_from(&other.terms);
        }
    }
    rows
}

/// The units of a variable: what the variable beside it says, which the standards name after it; of study days, days.
fn units(table: &Table, variable: &str) -> String {
    let stem = variable.trim_end_matches("ORRES").trim_end_matches("STRESC").trim_end_matches("STRESN");
    let beside = match variable {
        name if name.ends_with("ORRES") => format!("{stem}ORRESU"),
        name if name.ends_with("STRESC") || name.ends_with("STRESN") => format!("{stem}STRESU"),
        name if name.ends_with("DOSE") => format!("{}DOSU", name.trim_end_matches("DOSE")),
        name => format!("{name}U"),
    };
    if let Some(place) = table.place(&beside) {
        let mut found: Vec<&str> = table.words(place).collect();
        found.sort_unstable();
        return found.join(", ");
    }
    let day = ["DY", "STDY", "ENDY"].iter().any(|end| variable.ends_with(end)) && variable != "DY";
    match variable {
        "PRIORMO" => "months".to_owned(),
        _ if day => "days".to_owned(),
        _ => String::new(),
    }
}

/// The columns of `dictionary.csv`.
const HEADER: [&str; 14] = [
    "STANDARD",
    "DATASET",
    "DATASETLABEL",
    "VARIABLE",
    "CONDITION",
    "LABEL",
    "TYPE",
    "LENGTH",
    "FORMAT",
    "UNITS",
    "CODELIST",
    "TERMS",
    "ORIGIN",
    "DERIVATION",
];

fn cells(row: &Row) -> [String; 14] {
    [
        row.standard.to_owned(),
        row.set.clone(),
        row.set_label.clone(),
        row.variable.clone(),
        row.condition.clone(),
        row.label.clone(),
        row.kind.to_owned(),
        row.length.map(|length| length.to_string()).unwrap_or_default(),
        row.format.clone(),
        row.units.clone(),
        row.list.clone(),
        row.terms.join("; "),
        row.origin.clone(),
        row.derivation.clone(),
    ]
}

/// As CSV.
pub(super) fn csv(rows: &[Row]) -> String {
    let mut to = ::csv::Writer::from_writer(Vec::new());
    // To a Vec, writing cannot fail.
    let _ = to.write_record(HEADER);
    for row in rows {
        let _ = to.write_record(cells(row));
    }
    String::from_utf8_lossy(&to.into_inner().unwrap_or_default()).into_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const STYLE: &str =
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:90rem;padding:0 1rem;color:#1a1a1a}
table{border-collapse:collapse;width:100%;margin-bottom:2rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ccc}
caption{text-align:left;font-weight:600;padding:.4rem 0}code{font-family:ui-monospace,monospace}
nav a{margin-right:.8rem}.terms{color:#555}";

/// As a page: one table a data set, its variables in order.
pub(super) fn html(study: &Study<'_>, rows: &[Row]) -> String {
    let title = format!("{}: data dictionary", escaped(study.id()));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n"
    );
    if study.facts.simulated {
        page.push_str("<p><strong>SIMULATED DATA: every subject is virtual.</strong></p>\n");
    }
    page.push_str("<nav aria-label=\"Data sets\">");
    let mut sets: Vec<(&str, &str, &str)> = Vec::new();
    for row in rows {
        if sets.last().is_none_or(|(_, last, _)| *last != row.set) {
            sets.push((row.standard, &row.set, &row.set_label));
        }
    }
    for (standard, set, _) in &sets {
        let _ = write!(page, "<a href=\"#{standard}-{set}\">{set}</a>");
    }
    page.push_str("</nav>\n");
    for (standard, set, label) in sets {
        let _ = writeln!(
            page,
            "<table id=\"{standard}-{set}\"><caption>{set}: {} ({standard})</caption>\n<thead><tr><th scope=\"col\">Variable</th><th scope=\"col\">Label</th><th scope=\"col\">Type</th><th scope=\"col\">Units</th><th scope=\"col\">Terms</th><th scope=\"col\">Origin</th><th scope=\"col\">Derivation</th></tr></thead>\n<tbody>",
            escaped(label)
        );
        for row in rows.iter().filter(|row| row.standard == standard && row.set == set) {
            let when =
                if row.condition.is_empty() { String::new() } else { format!(" where {}", row.condition) };
            let list = if row.list.is_empty() { String::new() } else { format!("{}: ", row.list) };
            let _ = writeln!(
                page,
                "<tr><td><code>{}</code>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"terms\">{}{}</td><td>{}</td><td>{}</td></tr>",
                escaped(&row.variable),
                escaped(&when),
                escaped(&row.label),
                row.kind,
                escaped(&row.units),
                escaped(&list),
                escaped(&row.terms.join("; ")),
                escaped(&row.origin),
                escaped(&row.derivation)
            );
        }
        page.push_str("</tbody></table>\n");
    }
    page.push_str("</body>\n</html>\n");
    page
}
