//! TU and TR: which lesions there are, and what each reader saw of them at each visit.
//!
//! Never computes a sum or a response. The diameter that enters the sum is the one the data name so (`DIAMETER`), or,
//! where there is none, the longest diameter, and the short axis of a node (Eisenhauer 2009, section 3.2).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use trial::date::PartialDate;
use trial::id::SubjectId;

use super::response::Key;
use super::sheet::{Column, Notes, Sheet};
use super::value::{self, VisitNum, reader, visit};

/// Subject, reader, lesion.
type LesionKey = (SubjectId, String, String);

/// A lesion as TU names it.
struct Lesion {
    role: &'static str,
    location: String,
    split_from: Option<String>,
    row: usize,
    visit: Option<VisitNum>,
    visit_name: String,
    date: Option<PartialDate>,
    read: bool,
}

/// One reader's assessment, ready for its form.
pub(super) struct Assessment {
    pub visit_name: String,
    /// The date for the form: the first of the assessment.
    pub date: PartialDate,
    /// The date as recorded, where the order of the visits told more than it.
    pub as_recorded: Option<PartialDate>,
    pub study_day: Option<i64>,
    pub readings: Vec<Map<String, Value>>,
    pub recorded_sum: Option<f64>,
}

/// Columns of TR.
struct Columns {
    subject: Column,
    lesion: Column,
    test: Column,
    visit: Column,
    visit_name: Column,
    date: Column,
    day: Column,
    evaluator: Column,
    evaluator_id: Column,
    status: Column,
    reason: Column,
    number: Column,
    standard: Column,
    original: Column,
    unit: Column,
    original_unit: Column,
}

/// What one row of TR says.
#[derive(Clone)]
struct Reading {
    row: usize,
    finding: Finding,
}

#[derive(Clone)]
enum Finding {
    Size(f64),
    State(&'static str),
    NotDone(String),
}

/// All rows of one assessment.
#[derive(Default)]
struct Gathered {
    visit_name: String,
    dates: Vec<PartialDate>,
    day: Option<i64>,
    first_row: usize,
    lesions: BTreeMap<String, BTreeMap<String, Reading>>,
    recorded_sum: Option<f64>,
}

/// A size beyond this is a slip of the unit or of a digit.
const LARGEST_MM: f64 = 1000.0;

/// Tests that give the size of a lesion.
const SIZES: [&str; 4] = ["DIAMETER", "LDIAM", "LPERP", "SAXIS"];

/// Reads TU and TR together.
pub(super) fn read(
    tu: &mut Sheet,
    tr: &mut Sheet,
    known: &impl Fn(&str) -> bool,
    notes: &mut Notes,
) -> BTreeMap<Key, Assessment> {
    let Some(mut lesions) = identify(tu, known, notes) else { return BTreeMap::new() };
    let Some(columns) = columns(tr, notes) else { return BTreeMap::new() };
    if tu.column("TUEVALID").is_there() != columns.evaluator_id.is_there() {
        let (with, without, column) = if columns.evaluator_id.is_there() {
            (&tr.file, &tu.file, "TUEVALID")
        } else {
            (&tu.file, &tr.file, "TREVALID")
        };
        let right = format!("{with} tells the readers apart by it, so {without} must as well");
        notes.push(without, Some(1), Some(column), "no such column", right);
        return BTreeMap::new();
    }
    let gathered = gather(tr, &columns, known, &mut lesions, notes);
    // Half of the readings would only raise faults that follow from the ones already found.
    if !notes.faults.is_empty() {
        return BTreeMap::new();
    }
    let mut assessments = settle(tr, gathered, &lesions, notes);
    never_read(tu, &lesions, &mut assessments, notes);
    order_partial_dates(tr, &mut assessments, notes);
    assessments.into_iter().map(|(key, (assessment, _))| (key, assessment)).collect()
}

fn identify(
    tu: &mut Sheet,
    known: &impl Fn(&str) -> bool,
    notes: &mut Notes,
) -> Option<BTreeMap<LesionKey, Lesion>> {
    let [subject, lesion, evaluator] = tu.need(["USUBJID", "TULNKID", "TUEVAL"], notes)?;
    let role = tu.either(&["TUSTRESC", "TUORRES"]);
    if !role.is_there() {
        notes.push(&tu.file, Some(1), Some("TUSTRESC"), "no such column", "TU needs TUSTRESC or TUORRES");
        return None;
    }
    let (test, location, evaluator_id) = (tu.column("TUTESTCD"), tu.column("TULOC"), tu.column("TUEVALID"));
    if !location.is_there() && tu.len() > 0 {
        tu.remark(0, "no column TULOC: no lesion is known to be a node, and each is judged as none", notes);
    }
    let (visitnum, visit_name, date) = (tu.column("VISITNUM"), tu.column("VISIT"), tu.column("TUDTC"));
    let mut lesions: BTreeMap<LesionKey, Lesion> = BTreeMap::new();
    for index in 0..tu.len() {
        let who = tu.get(index, subject).to_owned();
        if !known(&who) {
            tu.fault(index, subject, format!("subject {who:?}"), "name a subject of DM", notes);
            continue;
        }
        let code = tu.get(index, test).to_ascii_uppercase();
        if !matches!(code.as_str(), "" | "TUMIDENT" | "LESIDENT" | "TUSPLIT") {
            tu.unused(index, format!("TU {code}: not interpreted"));
            continue;
        }
        let id = tu.get(index, lesion).to_owned();
        if id.is_empty() {
            tu.fault(index, lesion, "nothing", "name the lesion (TULNKID)", notes);
            continue;
        }
        let Some(named) = role_of(tu.get(index, role)) else {
            let found = format!("{:?} for lesion {id}", tu.get(index, role));
            tu.fault(index, role, found, "write TARGET, NON-TARGET or NEW", notes);
            continue;
        };
        let seen = Lesion {
            role: named,
            location: tu.get(index, location).to_uppercase(),
            split_from: None,
            row: index,
            visit: value::number(tu, index, visitnum, "a visit number", notes).map(VisitNum),
            visit_name: tu.get(index, visit_name).to_owned(),
            date: value::date(tu, index, date, notes),
            read: false,
        };
        let by = reader(tu.get(index, evaluator), tu.get(index, evaluator_id));
        add_lesion(tu, index, lesion, &code, (SubjectId(who), by, id), seen, &mut lesions, notes);
    }
    Some(lesions)
}

#[allow(clippy::too_many_arguments)] // one row of TU and where it goes
fn add_lesion(
    tu: &mut Sheet,
    index: usize,
    column: Column,
    code: &str,
    key: LesionKey,
    mut seen: Lesion,
    lesions: &mut BTreeMap<LesionKey, Lesion>,
    notes: &mut Notes,
) {
    if code == "TUSPLIT" {
        // The parts of a split lesion carry its id and a suffix (SDTM IG, TU example): T04 becomes T04.1 and T04.2.
        let whole = key.2.rsplit_once('.').map(|(whole, _)| whole.to_owned());
        let known = |whole: &String| lesions.contains_key(&(key.0.clone(), key.1.clone(), whole.clone()));
        seen.split_from = whole.filter(known);
        if seen.split_from.is_none() {
            let right = "a part is named after the lesion it split from, as T04.1 after T04";
            tu.fault(index, column, format!("part {}", key.2), right, notes);
            return;
        }
    }
    match lesions.get(&key) {
        Some(before) if before.visit != seen.visit && before.role == seen.role => {
            tu.unused(index, "TU: identified before, with the same role");
        }
        Some(before) => {
            let found = format!("lesion {} of {} by {} again", key.2, key.0, key.1);
            let right = format!("a lesion is identified once; it stands in row {}", tu.line(before.row));
            tu.fault(index, column, found, right, notes);
        }
        None => {
            tu.used(index);
            lesions.insert(key, seen);
        }
    }
}

fn role_of(text: &str) -> Option<&'static str> {
    match text.to_ascii_uppercase().as_str() {
        "TARGET" => Some("TARGET"),
        "NON-TARGET" | "NON TARGET" | "NONTARGET" => Some("NON-TARGET"),
        "NEW" | "NEW LESION" | "NEW TARGET" | "NEW NON-TARGET" | "NEW MEASURABLE" | "NEW NON-MEASURABLE" => {
            Some("NEW")
        }
        _ => None,
    }
}

fn columns(tr: &mut Sheet, notes: &mut Notes) -> Option<Columns> {
    let needed = ["USUBJID", "TRLNKID", "TRTESTCD", "VISITNUM", "TRDTC", "TREVAL"];
    let found = tr.need(needed, notes);
    let results = [tr.column("TRSTRESN"), tr.column("TRSTRESC"), tr.column("TRORRES")];
    if !results[1].is_there() && !results[2].is_there() {
        let right = "TR needs TRSTRESC or TRORRES: the state of a lesion is text";
        notes.push(&tr.file, Some(1), Some("TRSTRESC"), "no such column", right);
        return None;
    }
    let [subject, lesion, test, visit, date, evaluator] = found?;
    let [number, standard, original] = results;
    Some(Columns {
        subject,
        lesion,
        test,
        visit,
        visit_name: tr.column("VISIT"),
        date,
        day: tr.column("TRDY"),
        evaluator,
        evaluator_id: tr.column("TREVALID"),
        status: tr.column("TRSTAT"),
        reason: tr.column("TRREASND"),
        number,
        standard,
        original,
        unit: tr.column("TRSTRESU"),
        original_unit: tr.column("TRORRESU"),
    })
}

fn gather(
    tr: &mut Sheet,
    columns: &Columns,
    known: &impl Fn(&str) -> bool,
    lesions: &mut BTreeMap<LesionKey, Lesion>,
    notes: &mut Notes,
) -> BTreeMap<Key, Gathered> {
    let mut gathered: BTreeMap<Key, Gathered> = BTreeMap::new();
    for index in 0..tr.len() {
        let who = tr.get(index, columns.subject).to_owned();
        if !known(&who) {
            tr.fault(index, columns.subject, format!("subject {who:?}"), "name a subject of DM", notes);
            continue;
        }
        let test = tr.get(index, columns.test).to_ascii_uppercase();
        let by = reader(tr.get(index, columns.evaluator), tr.get(index, columns.evaluator_id));
        if !SIZES.contains(&test.as_str()) && test != "TUMSTATE" {
            let derived = test.starts_with("SUM") || matches!(test.as_str(), "ACNSD" | "PCBSD" | "PCNSD");
            if test == "SUMDIAM"
                && let Ok(number) = tr.get(index, columns.visit).parse().map(VisitNum)
            {
                let sum = tr.get(index, columns.number).parse().ok();
                gathered.entry((SubjectId(who), by, number)).or_default().recorded_sum = sum;
            }
            let why = if derived { "derived sum, recomputed" } else { "not interpreted" };
            tr.unused(index, format!("TR {test}: {why}"));
            continue;
        }
        let at = visit(tr, index, columns.visit, notes);
        let date = value::date(tr, index, columns.date, notes);
        let finding = finding(tr, index, columns, &test, notes);
        let id = tr.get(index, columns.lesion).to_owned();
        let Some(lesion) = lesions.get_mut(&(SubjectId(who.clone()), by.clone(), id.clone())) else {
            let found =
                if id.is_empty() { "nothing".to_owned() } else { format!("lesion {id} of {who} by {by}") };
            tr.fault(index, columns.lesion, found, "name a lesion that TU identifies for this reader", notes);
            continue;
        };
        lesion.read = true;
        let (Some(at), Some(finding)) = (at, finding) else { continue };
        let assessment = gathered.entry((SubjectId(who.clone()), by.clone(), at)).or_default();
        if assessment.lesions.is_empty() {
            assessment.first_row = index;
            tr.get(index, columns.visit_name).clone_into(&mut assessment.visit_name);
        }
        assessment.dates.extend(date);
        assessment.day = assessment.day.or_else(|| tr.get(index, columns.day).parse().ok());
        let read = Reading { row: index, finding };
        if let Some(before) = assessment.lesions.entry(id.clone()).or_default().insert(test.clone(), read) {
            let found = format!("{test} of lesion {id} of {who} by {by} at visit {} again", at.0);
            let right = format!("a lesion is read once a visit; it stands in row {}", tr.line(before.row));
            tr.fault(index, columns.lesion, found, right, notes);
        }
    }
    gathered
}

/// What one row says of its lesion; none after a fault.
fn finding(tr: &Sheet, index: usize, columns: &Columns, test: &str, notes: &mut Notes) -> Option<Finding> {
    let not_done = || {
        let reason = tr.get(index, columns.reason);
        Finding::NotDone(if reason.is_empty() { "not done".to_owned() } else { reason.to_owned() })
    };
    let results = [columns.number, columns.standard, columns.original];
    let text = results[1..].iter().map(|column| tr.get(index, *column)).find(|text| !text.is_empty());
    let number = tr.get(index, columns.number);
    if tr.get(index, columns.status).eq_ignore_ascii_case("NOT DONE") {
        let given = results.into_iter().find(|column| tr.get(index, *column).parse::<f64>().is_ok());
        if let Some(column) = given {
            let found = format!("{} in a row that says NOT DONE", tr.get(index, column));
            tr.fault(index, column, found, "a row has a result or was not done", notes);
            return None;
        }
        return Some(not_done());
    }
    if number.is_empty() && text.is_none() {
        tr.remark(
            index,
            format!("{test} has no result and does not say NOT DONE; read as not evaluated"),
            notes,
        );
        return Some(not_done());
    }
    if test == "TUMSTATE" {
        return match state(text.unwrap_or_default()) {
            Some("NOT EVALUATED") => Some(Finding::NotDone(text.unwrap_or_default().to_lowercase())),
            Some(state) => Some(Finding::State(state)),
            None => {
                let column = if columns.standard.is_there() { columns.standard } else { columns.original };
                let right = "write PRESENT, ABSENT, UNEQUIVOCAL, EQUIVOCAL, TOO SMALL TO MEASURE or MERGED";
                tr.fault(index, column, format!("{:?}", text.unwrap_or_default()), right, notes);
                None
            }
        };
    }
    // A size given in words stands in the original result; the number beside it is only its convention.
    if let Some(words) =
        [columns.original, columns.standard].into_iter().find_map(|c| state(tr.get(index, c)))
    {
        return Some(if words == "NOT EVALUATED" { not_done() } else { Finding::State(words) });
    }
    size(tr, index, columns, notes).map(Finding::Size)
}

/// The size in mm, the same in every column that gives it.
fn size(tr: &Sheet, index: usize, columns: &Columns, notes: &mut Notes) -> Option<f64> {
    let mut sizes = Vec::new();
    for (column, unit) in [
        (columns.number, columns.unit),
        (columns.standard, columns.unit),
        (columns.original, columns.original_unit),
    ] {
        if tr.get(index, column).is_empty() {
            continue;
        }
        let number = value::number(tr, index, column, "a size", notes)?;
        let factor = match tr.get(index, unit).to_ascii_lowercase().as_str() {
            "mm" | "" => 1.0,
            "cm" => 10.0,
            other => {
                tr.fault(index, unit, format!("{other:?}"), "give sizes in mm (or cm)", notes);
                return None;
            }
        };
        if number < 0.0 {
            tr.fault(index, column, format!("{number} mm"), "a diameter is 0 mm or more", notes);
            return None;
        }
        if number * factor > LARGEST_MM {
            let right = format!("no lesion is larger than {LARGEST_MM} mm");
            tr.fault(index, column, format!("{} mm", number * factor), right, notes);
            return None;
        }
        sizes.push((column, number * factor));
    }
    let (first, size) = *sizes.first()?;
    // Half a millimetre is below what a scan resolves: two columns that differ by less were rounded.
    if let Some((other, value)) = sizes.iter().find(|(_, value)| (value - size).abs() > 0.5) {
        let found = format!("{value} mm, but {} says {size} mm", tr.name(first));
        tr.fault(index, *other, found, "one row gives one size", notes);
        return None;
    }
    Some(size)
}

/// A state in the terms of `trial::concept::STATES`; `NOT EVALUATED` stands for a lesion nobody could judge.
fn state(text: &str) -> Option<&'static str> {
    match text.to_ascii_uppercase().as_str() {
        "PRESENT" => Some("PRESENT"),
        "ABSENT" => Some("ABSENT"),
        "UNEQUIVOCAL" | "UNEQUIVOCAL PROGRESSION" => Some("UNEQUIVOCAL"),
        "EQUIVOCAL" => Some("EQUIVOCAL"),
        "TOO SMALL" | "TOO SMALL TO MEASURE" => Some("TOO SMALL"),
        "MERGED" | "COALESCED" => Some("MERGED"),
        "NE" | "NOT EVALUABLE" | "NOT ASSESSABLE" | "NOT EVALUATED" | "UNKNOWN" => Some("NOT EVALUATED"),
        _ => None,
    }
}

fn settle(
    tr: &mut Sheet,
    gathered: BTreeMap<Key, Gathered>,
    lesions: &BTreeMap<LesionKey, Lesion>,
    notes: &mut Notes,
) -> BTreeMap<Key, (Assessment, usize)> {
    let mut assessments = BTreeMap::new();
    for (key, found) in gathered {
        if found.lesions.is_empty() {
            continue;
        }
        let Some(date) = first_date(&found.dates) else {
            let right = "an assessment needs a date in one of its rows (TRDTC)";
            let place = format!("no date for {} by {} at visit {}", key.0, key.1, key.2.0);
            notes.push(&tr.file, Some(tr.line(found.first_row)), Some("TRDTC"), place, right);
            continue;
        };
        let readings = found
            .lesions
            .iter()
            .filter_map(|(id, tests)| {
                let lesion = lesions.get(&(key.0.clone(), key.1.clone(), id.clone()))?;
                Some(reading(tr, id, lesion, tests, notes))
            })
            .collect();
        let assessment = Assessment {
            visit_name: named(&found.visit_name, key.2),
            date,
            as_recorded: None,
            study_day: found.day,
            readings,
            recorded_sum: found.recorded_sum,
        };
        assessments.insert(key, (assessment, found.first_row));
    }
    assessments
}

fn named(visit: &str, number: VisitNum) -> String {
    if visit.is_empty() { format!("VISIT {}", number.0) } else { visit.to_owned() }
}

/// The first scan: the earliest whole day; a partial date only where no row knows the day, or where it ends before.
fn first_date(dates: &[PartialDate]) -> Option<PartialDate> {
    let whole = dates.iter().filter(|date| date.day().is_some()).min_by_key(|date| date.first()).copied();
    let partial = dates.iter().filter(|date| date.day().is_none()).min_by_key(|date| date.last()).copied();
    match (whole, partial) {
        (Some(whole), Some(partial)) if partial.last() < whole.first() => Some(partial),
        (Some(whole), _) => Some(whole),
        (None, partial) => partial,
    }
}

/// The row of a lesion on the form.
fn reading(
    tr: &mut Sheet,
    id: &str,
    lesion: &Lesion,
    tests: &BTreeMap<String, Reading>,
    notes: &mut Notes,
) -> Map<String, Value> {
    let mut row = Map::new();
    row.insert("TULNKID".into(), json!(id));
    row.insert("TUORRES".into(), json!(lesion.role));
    if !lesion.location.is_empty() {
        row.insert("TULOC".into(), json!(lesion.location));
    }
    if let Some(whole) = &lesion.split_from {
        row.insert("SPLITFROM".into(), json!(whole));
    }
    let axis = entering(lesion, tests);
    account_sizes(tr, lesion, tests, axis);
    let size = axis.and_then(|axis| tests.get(axis));
    let state = tests.get("TUMSTATE");
    if let Some(state) = state {
        tr.used(state.row);
    }
    let mut not_done = None;
    for reading in [state, size].into_iter().flatten() {
        match &reading.finding {
            Finding::Size(size) => drop(row.insert("DIAMETER".into(), json!(size))),
            Finding::State(state) => drop(row.insert("TUMSTATE".into(), json!(state))),
            Finding::NotDone(reason) => not_done = Some(reason.clone()),
        }
    }
    let state = row.get("TUMSTATE").and_then(Value::as_str);
    let sized = row.contains_key("DIAMETER") || matches!(state, Some("ABSENT" | "TOO SMALL" | "MERGED"));
    if lesion.role == "TARGET" && !sized && not_done.is_none() {
        if let Some(reading) = tests.values().next() {
            let text = format!("target {id} has no diameter that enters the sum; read as not evaluated");
            tr.remark(reading.row, text, notes);
        }
        not_done = Some("no diameter that enters the sum".to_owned());
    }
    // Something seen stands over a test that was not done.
    if let Some(reason) = not_done.filter(|_| if lesion.role == "TARGET" { !sized } else { state.is_none() })
    {
        row.insert("TRSTAT".into(), json!("NOT DONE"));
        row.insert("TRREASND".into(), json!(reason));
    }
    row
}

/// The test whose size enters the sum.
fn entering(lesion: &Lesion, tests: &BTreeMap<String, Reading>) -> Option<&'static str> {
    let nodal = lesion.location.contains("LYMPH NODE");
    let order: &[&'static str] = if nodal { &["DIAMETER", "SAXIS", "LPERP"] } else { &["DIAMETER", "LDIAM"] };
    order.iter().copied().find(|test| tests.contains_key(*test))
}

fn account_sizes(
    tr: &mut Sheet,
    lesion: &Lesion,
    tests: &BTreeMap<String, Reading>,
    entering: Option<&'static str>,
) {
    for test in SIZES {
        let Some(reading) = tests.get(test) else { continue };
        if Some(test) == entering {
            tr.used(reading.row);
            continue;
        }
        let why = match (entering, lesion.location.contains("LYMPH NODE")) {
            (Some("DIAMETER"), _) => "the DIAMETER row is what enters the sum",
            (_, true) => "of a node the short axis enters the sum",
            (_, false) => "the longest diameter enters the sum",
        };
        tr.unused(reading.row, format!("TR {test}: {why}"));
    }
}

/// A lesion that TU names and TR never reads: a new one was seen, as TU says; the others are worth a look.
fn never_read(
    tu: &Sheet,
    lesions: &BTreeMap<LesionKey, Lesion>,
    assessments: &mut BTreeMap<Key, (Assessment, usize)>,
    notes: &mut Notes,
) {
    for ((subject, by, id), lesion) in lesions.iter().filter(|(_, lesion)| !lesion.read) {
        if lesion.role != "NEW" {
            tu.remark(lesion.row, format!("{} {id} is never read in TR", lesion.role), notes);
            continue;
        }
        let Some(at) = lesion.visit else {
            tu.remark(lesion.row, format!("new lesion {id} is never read in TR and has no visit"), notes);
            continue;
        };
        let key = (subject.clone(), by.clone(), at);
        if !assessments.contains_key(&key) {
            let Some(date) = lesion.date else {
                tu.remark(lesion.row, format!("new lesion {id} is never read in TR and has no date"), notes);
                continue;
            };
            let assessment = Assessment {
                visit_name: named(&lesion.visit_name, at),
                date,
                as_recorded: None,
                study_day: None,
                readings: Vec::new(),
                recorded_sum: None,
            };
            assessments.insert(key.clone(), (assessment, lesion.row));
        }
        let mut row = Map::new();
        row.insert("TULNKID".into(), json!(id));
        row.insert("TUORRES".into(), json!("NEW"));
        row.insert("TULOC".into(), json!(lesion.location));
        row.insert("TUMSTATE".into(), json!("UNEQUIVOCAL"));
        if let Some((assessment, _)) = assessments.get_mut(&key) {
            assessment.readings.push(row);
        }
        let text = format!("new lesion {id} is not read in TR; read as unequivocal, as TU names it NEW");
        tu.remark(lesion.row, text, notes);
    }
}

/// A partial date cannot mean a day before the reader's preceding visit: where its first day would, the house's own rule
/// for an onset (`PartialDate::impute_onset`) gives the first day it can mean, and the date as recorded is kept beside it.
fn order_partial_dates(tr: &Sheet, assessments: &mut BTreeMap<Key, (Assessment, usize)>, notes: &mut Notes) {
    let mut before: Option<(SubjectId, String, jiff::civil::Date)> = None;
    for ((subject, by, number), (assessment, row)) in assessments.iter_mut() {
        let preceding = before.as_ref().filter(|(s, r, _)| s == subject && r == by).map(|(.., date)| *date);
        if assessment.date.day().is_none()
            && let Some(preceding) = preceding.filter(|day| *day >= assessment.date.first())
        {
            let after = trial::date::plus_days(preceding, 1).min(assessment.date.last());
            let imputed = assessment.date.impute_onset(Some(after)).date;
            let text = format!(
                "visit {} is dated {}; read as {imputed}, the first such day after the visit before",
                number.0, assessment.date
            );
            tr.remark(*row, text, notes);
            assessment.as_recorded = Some(assessment.date);
            assessment.date = PartialDate::Day(imputed);
        }
        let date = assessment.date.first();
        let latest = preceding.map_or(date, |earlier| earlier.max(date));
        before = Some((subject.clone(), by.clone(), latest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&["2014-01-20", "2014-01-18"], "2014-01-18")]
    #[case(&["2014-01", "2014-01-18"], "2014-01-18")]
    #[case(&["2013-12", "2014-01-18"], "2013-12")]
    #[case(&["2014-01"], "2014-01")]
    fn takes_the_first_scan(#[case] dates: &[&str], #[case] want: &str) {
        let dates: Vec<PartialDate> = dates.iter().map(|date| PartialDate::parse(date).unwrap()).collect();
        assert_eq!(first_date(&dates).unwrap().to_string(), want);
    }
}
