//! `baselineCharacteristicsModule`: what participants were like when they were randomised.
//!
//! One measure a characteristic of the baseline table; its levels are categories where a participant has one of them, classes
//! where it may have several (sites of disease).

use analysis::results::{BaselineCell, BaselineRow, Results};
use serde_json::{Value, json};

use super::{MOST_TITLE, decimals, denominators, groups, id};
use crate::registry::attention::short;

const PREFIX: &str = "BG";

pub(super) fn module(results: &Results) -> Value {
    let mut all = groups(results, PREFIX);
    all.push(json!({
        "id": id(PREFIX, results.arms.len()),
        "title": "Total",
        "description": "Total of all reporting groups",
    }));
    let counts = results.arms.iter().map(|arm| arm.randomised).chain([results.flow.randomised]);
    let rows = results.baseline.chunk_by(|a, b| a.characteristic == b.characteristic);
    json!({
        "populationDescription": "All who were randomised",
        "groups": all,
        "denoms": denominators(PREFIX, counts),
        "measures": rows.map(measure).collect::<Vec<_>>(),
    })
}

/// A characteristic with its levels, or as a number.
fn measure(rows: &[BaselineRow]) -> Value {
    let name = rows.first().map_or("", |row| &row.characteristic);
    let (title, unit) = name.rsplit_once(", ").unwrap_or((name, "participants"));
    let title = match title {
        "Age" => "Age, Continuous",
        "Sex" => "Sex: Female, Male",
        other => other,
    };
    let number =
        rows.iter().any(|row| row.cells.iter().any(|cell| matches!(cell, BaselineCell::Number { .. })));
    let title = short(title, MOST_TITLE);
    if number {
        let unit = if unit == "number" { "count" } else { unit };
        let cells = rows.iter().flat_map(|row| &row.cells).enumerate();
        let measured: Vec<Value> = cells.map(|(place, cell)| summary(place, cell)).collect();
        let known: Vec<usize> = rows.iter().flat_map(|row| &row.cells).map(counted).collect();
        return json!({
            "title": title,
            "paramType": "MEDIAN",
            "dispersionType": "INTER_QUARTILE_RANGE",
            "unitOfMeasure": unit,
            "classes": [{
                "denoms": denominators(PREFIX, known),
                "categories": [{ "measurements": measured }],
            }],
        });
    }
    let several = several(rows);
    let level = |row: &BaselineRow| {
        let cells = row.cells.iter().enumerate();
        let measured: Vec<Value> = cells
            .map(|(place, cell)| json!({ "groupId": id(PREFIX, place), "value": counted(cell).to_string() }))
            .collect();
        let title = short(row.level.as_deref().unwrap_or_default(), MOST_TITLE);
        if several {
            json!({ "title": title, "categories": [{ "measurements": measured }] })
        } else {
            json!({ "title": title, "measurements": measured })
        }
    };
    let levels: Vec<Value> = rows.iter().map(level).collect();
    let classes = if several { json!(levels) } else { json!([{ "categories": levels }]) };
    json!({
        "title": title,
        "paramType": "COUNT_OF_PARTICIPANTS",
        "unitOfMeasure": "Participants",
        "classes": classes,
    })
}

/// Whether a participant may stand at several levels: the counts of a group then do not add up to it.
fn several(rows: &[BaselineRow]) -> bool {
    let groups = rows.first().map_or(0, |row| row.cells.len());
    (0..groups).any(|place| {
        let mut cells = rows.iter().filter_map(|row| row.cells.get(place));
        let sum: usize = cells.clone().map(counted).sum();
        cells.find_map(of).is_some_and(|whole| sum != whole)
    })
}

fn counted(cell: &BaselineCell) -> usize {
    match cell {
        BaselineCell::Count { n, .. } | BaselineCell::Number { n, .. } => *n,
    }
}

fn of(cell: &BaselineCell) -> Option<usize> {
    match cell {
        BaselineCell::Count { of, .. } => Some(*of),
        BaselineCell::Number { .. } => None,
    }
}

fn summary(place: usize, cell: &BaselineCell) -> Value {
    let group = id(PREFIX, place);
    let BaselineCell::Number { median, q1, q3, .. } = cell else {
        return json!({ "groupId": group, "value": counted(cell).to_string() });
    };
    let number = |value: &Option<f64>| value.map_or_else(|| "NA".to_owned(), |value| decimals(value, 1));
    let mut out = json!({
        "groupId": group,
        "value": number(median),
        "lowerLimit": number(q1),
        "upperLimit": number(q3),
    });
    if median.is_none() {
        out["comment"] = json!("No participant of this group has a value");
    }
    out
}
