//! Which files a directory holds, and the order in which they are read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use trial::id::{ArmId, SubjectId};
use trial::protocol::{self, Checked};

use super::accounting::Accounting;
use super::fault::{ImportFault, Remark};
use super::ledger::{Facts, Ledger};
use super::protocol::{PlannedVisit, Trial, render};
use super::response::Key;
use super::sheet::{Notes, Sheet};
use super::subject::{Demography, adverse_events, demography, disposition, exposure};
use super::under::{self as at_hand, Qualifiers};
use super::{Import, response, tumour};
use crate::format::Format;

/// Reads everything; `whole` where DM is needed as well; `under` a protocol that is at hand.
pub(super) fn read(dir: &Path, whole: bool, under: Option<&Checked>) -> Result<Import, Vec<ImportFault>> {
    let mut notes = Notes::default();
    let mut sheets = open(dir, whole, &mut notes);
    if !notes.faults.is_empty() {
        return Err(sorted(notes.faults));
    }
    let study = study(&mut sheets);
    let mut subjects = sheets.get_mut("DM").and_then(|dm| demography(dm, &mut notes));
    let names: Option<Vec<SubjectId>> = subjects.as_ref().map(|subjects| subjects.keys().cloned().collect());
    let known = |who: &str| {
        !who.is_empty()
            && names.as_ref().is_none_or(|names| names.binary_search(&SubjectId::from(who)).is_ok())
    };
    let qualifiers = if under.is_some() { Qualifiers::read(&mut sheets) } else { Qualifiers::default() };
    let mut assessments = match (sheets.remove("TU"), sheets.remove("TR")) {
        (Some(mut tu), Some(mut tr)) => {
            let read = tumour::read(&mut tu, &mut tr, &known, &mut notes);
            sheets.insert("TU".into(), tu);
            sheets.insert("TR".into(), tr);
            read
        }
        _ => BTreeMap::new(),
    };
    if under.is_some() {
        at_hand::readings(&mut sheets, &qualifiers, &mut assessments);
    }
    // Whether readings stand behind a response cannot be told where the readings themselves are at fault.
    let readings_are_sound = notes.faults.is_empty();
    let assessed = |key: &Key| !readings_are_sound || assessments.contains_key(key);
    let recorded =
        sheets.get_mut("RS").map(|rs| response::read(rs, known, assessed, &mut notes)).unwrap_or_default();
    let mut drafts = Vec::new();
    if let (Some(subjects), Some(ds)) = (&mut subjects, sheets.get_mut("DS")) {
        drafts.extend(disposition(ds, subjects, under.is_some(), &mut notes));
    }
    if let Some(ex) = sheets.get_mut("EX") {
        drafts.extend(exposure(ex, &known, &mut notes));
    }
    if let Some(ae) = sheets.get_mut("AE") {
        drafts.extend(adverse_events(ae, &known, &qualifiers, &mut notes));
    }
    let mut beside = at_hand::Beside::default();
    if let Some(protocol) = under {
        drafts.extend(at_hand::drafts(&mut sheets, &qualifiers, &protocol.protocol, &known, &mut notes));
        beside = at_hand::Beside::read(&mut sheets);
        let dm = sheets.get("DM").map_or("dm.csv", |dm| dm.file.as_str());
        let unknown =
            subjects.iter().flat_map(|subjects| at_hand::unknown_arms(dm, subjects, &protocol.protocol));
        notes.faults.extend(unknown);
    }
    if !notes.faults.is_empty() {
        return Err(sorted(notes.faults));
    }
    let planned = planned_days(&mut sheets);
    if under.is_none() {
        sheets.values_mut().for_each(name_the_rest);
    }
    let subjects = subjects.unwrap_or_else(|| {
        drafts
            .iter()
            .map(|draft| &draft.subject)
            .chain(assessments.keys().map(|(subject, ..)| subject))
            .map(|subject| (subject.clone(), Demography::default()))
            .collect()
    });
    let dm = sheets.get("DM").map_or_else(String::new, |dm| dm.file.clone());
    let facts = Facts { dm, subjects, assessments, drafts };
    let trial = trial_of(study, &facts, &planned);
    let protocol = match under {
        Some(protocol) => protocol.clone(),
        None => protocol::check(&render(&trial)).map_err(|faults| unreadable(dir, &faults))?,
    };
    let mut ledger = Ledger::of(&protocol, &trial, &facts, &mut notes.remarks);
    if under.is_some() {
        at_hand::place(&mut ledger, &protocol, &qualifiers, &beside);
    }
    let mut remarks: Vec<Remark> = notes.remarks;
    remarks.sort();
    let recorded_sums = facts
        .assessments
        .iter()
        .filter_map(|(key, assessment)| Some((key.clone(), assessment.recorded_sum?)))
        .collect();
    let import = Import {
        study: trial.study,
        protocol,
        office: ledger.office,
        subjects: ledger.subjects,
        recorded,
        recorded_sums,
        accounting: Accounting { files: sheets.into_values().map(Sheet::account).collect() },
        remarks,
    };
    let unread = every_record_reads(dir, &import);
    if unread.is_empty() { Ok(import) } else { Err(unread) }
}

/// The readers check what they write; this is the proof that a record loses nothing of it.
fn every_record_reads(dir: &Path, import: &Import) -> Vec<ImportFault> {
    let history = import.history();
    let records = import.subjects.iter().map(|subject| import.record(&history, subject));
    records
        .flat_map(|record| {
            let subject = record.subject;
            record.faults.into_iter().map(move |fault| (subject.clone(), fault))
        })
        .map(|(subject, fault)| ImportFault {
            file: dir.display().to_string(),
            row: None,
            column: None,
            found: format!("subject {subject}, {}, item {}", fault.place, fault.item),
            right: fault.message,
        })
        .collect()
}

fn sorted(mut faults: Vec<ImportFault>) -> Vec<ImportFault> {
    faults.sort();
    faults
}

/// The protocol is rendered from names in the data; where it cannot stand, a name is at fault.
fn unreadable(dir: &Path, faults: &[protocol::Fault]) -> Vec<ImportFault> {
    faults
        .iter()
        .map(|fault| ImportFault {
            file: dir.display().to_string(),
            row: None,
            column: None,
            found: format!("arms or visits that make no protocol: {} is {}", fault.path, fault.found),
            right: fault.right.clone(),
        })
        .collect()
}

/// The ends of names of the files that are read; which format each has, its content tells.
const EXTENSIONS: [&str; 5] = ["csv", "xpt", "json", "ndjson", "parquet"];

fn open(dir: &Path, whole: bool, notes: &mut Notes) -> BTreeMap<String, Sheet> {
    let place = dir.display().to_string();
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(wrong) => {
            notes.file(
                &place,
                format!("no directory that can be read ({wrong})"),
                "name a directory of data sets as CSV, XPT, Dataset-JSON or Parquet",
            );
            return BTreeMap::new();
        }
    };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let (mut sheets, mut seen): (BTreeMap<String, Sheet>, Vec<String>) = (BTreeMap::new(), Vec::new());
    for path in files {
        let end = path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase());
        let known = end.is_some_and(|end| EXTENSIONS.contains(&end.as_str()));
        let (Some(stem), Some(file)) = (path.file_stem(), path.file_name()) else { continue };
        if !known || !path.is_file() {
            continue;
        }
        seen.push(stem.to_string_lossy().to_ascii_uppercase());
        for sheet in sheets_of(&path, &file.to_string_lossy(), &stem.to_string_lossy(), notes) {
            if let Some(other) = sheets.get(&sheet.domain) {
                let found = format!("a second file of {} beside {}", sheet.domain, other.file);
                notes.file(&sheet.file, found, "keep one file a domain");
            } else {
                sheets.insert(sheet.domain.clone(), sheet);
            }
        }
    }
    let needed: &[(&str, &str)] = &[
        ("DM", "who took part, and in which arm"),
        ("TU", "which lesions there are"),
        ("TR", "what was seen of them"),
    ];
    for (domain, what) in needed {
        let there = sheets.contains_key(*domain) || seen.iter().any(|seen| seen == domain);
        if !there && (whole || *domain != "DM") {
            let file = format!("{}.csv", domain.to_ascii_lowercase());
            notes.file(
                &file,
                format!("no such file in {place}"),
                format!("{domain} is needed: it says {what}"),
            );
        }
    }
    for sheet in sheets.values_mut() {
        of_its_domain(sheet, notes);
    }
    sheets
}

/// The data sets of a file: one of its name in CSV, those it names itself in the other formats.
fn sheets_of(path: &Path, file: &str, stem: &str, notes: &mut Notes) -> Vec<Sheet> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(wrong) => {
            notes.file(file, format!("a file that cannot be read ({wrong})"), "make it readable");
            return Vec::new();
        }
    };
    let format = Format::of(&bytes);
    if format == Format::Csv {
        return Sheet::parse(&bytes, file, &stem.to_ascii_uppercase(), notes).into_iter().collect();
    }
    match format.read(bytes, file) {
        Ok(tables) => tables.iter().map(|table| Sheet::of(table, file)).collect(),
        Err(misfit) => {
            notes.push(file, misfit.row, misfit.column.as_deref(), misfit.found, misfit.right);
            Vec::new()
        }
    }
}

/// A file that holds another domain than its name says would be read as nonsense.
fn of_its_domain(sheet: &mut Sheet, notes: &mut Notes) {
    let column = sheet.column("DOMAIN");
    let strange = (0..sheet.len()).find(|index| {
        let domain = sheet.get(*index, column);
        !domain.is_empty() && !domain.eq_ignore_ascii_case(&sheet.domain)
    });
    if let Some(index) = strange {
        let found = format!("domain {:?}", sheet.get(index, column));
        sheet.fault(index, column, found, format!("this file holds {}", sheet.domain), notes);
    }
}

/// `STUDYID`, as the first file that has one says.
fn study(sheets: &mut BTreeMap<String, Sheet>) -> String {
    for domain in ["DM", "TU", "TR"] {
        if let Some(sheet) = sheets.get_mut(domain) {
            let column = sheet.column("STUDYID");
            if let Some(study) =
                (0..sheet.len()).map(|index| sheet.get(index, column)).find(|s| !s.is_empty())
            {
                return study.to_owned();
            }
        }
    }
    "(no STUDYID)".to_owned()
}

/// The planned study day of visits, by their name, wherever a file gives one (`VISITDY`).
fn planned_days(sheets: &mut BTreeMap<String, Sheet>) -> BTreeMap<String, i64> {
    let mut days = BTreeMap::new();
    for sheet in sheets.values_mut() {
        let (name, day) = (sheet.column("VISIT"), sheet.column("VISITDY"));
        for index in 0..sheet.len() {
            if let Ok(day) = sheet.get(index, day).parse::<i64>() {
                days.entry(sheet.get(index, name).to_owned()).or_insert(day);
            }
        }
    }
    days
}

/// Names the rows of files that no reader took.
fn name_the_rest(sheet: &mut Sheet) {
    let domain = sheet.domain.clone();
    match domain.as_str() {
        "DM" | "TU" | "TR" | "RS" | "AE" | "EX" => {}
        "DS" => sheet.rest_unused("DS: no DM to join it with"),
        "CM" => {
            let class = sheet.column("CMCLAS");
            for index in 0..sheet.len() {
                let antineoplastic = sheet.get(index, class).to_ascii_uppercase().contains("ANTINEOPLASTIC");
                let why = if antineoplastic {
                    "CM: antineoplastic agent, not interpreted as a line of therapy"
                } else {
                    "CM: concomitant medication, not interpreted"
                };
                sheet.unused(index, why);
            }
        }
        supplement if supplement.starts_with("SUPP") => {
            let qualifier = sheet.column("QNAM");
            for index in 0..sheet.len() {
                let name = sheet.get(index, qualifier).to_owned();
                sheet.unused(index, format!("{supplement} {name}: supplemental qualifier, not interpreted"));
            }
        }
        other => sheet.rest_unused(&format!("{other}: domain not interpreted")),
    }
}

/// What the protocol of the import says.
fn trial_of(study: String, facts: &Facts, planned: &BTreeMap<String, i64>) -> Trial {
    let mut arms: BTreeMap<ArmId, String> =
        facts.subjects.values().filter_map(|subject| subject.arm.clone()).collect();
    // A protocol has two arms; CDISC's own codes for subjects without one stand in where the data name fewer.
    for (code, label) in [("NOTASSGN", "Not Assigned"), ("NOTTRT", "Not Treated")] {
        if arms.len() < 2 {
            arms.insert(ArmId::from(code), label.to_owned());
        }
    }
    let starts: Vec<_> = facts.subjects.values().filter_map(Demography::day_one).collect();
    let last = facts.drafts.iter().map(|draft| draft.recorded);
    let last = last.chain(facts.assessments.values().map(|a| a.date.first())).max();
    let days = match (starts.iter().max(), last) {
        (Some(start), Some(last)) => trial::date::days_between(*start, last),
        _ => 0,
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a few hundred months, never negative
    let follow_up_months = (days as f64 / trial::date::DAYS_PER_MONTH).ceil().clamp(1.0, 1200.0) as u32;
    let mut sites: Vec<_> = facts.subjects.values().filter_map(|subject| subject.site.as_ref()).collect();
    sites.sort();
    sites.dedup();
    let mut readers: Vec<String> = facts.assessments.keys().map(|(_, reader, _)| reader.clone()).collect();
    readers.sort_by(|a, b| (a != "INVESTIGATOR", a).cmp(&(b != "INVESTIGATOR", b)));
    readers.dedup();
    Trial {
        study,
        arms,
        readers,
        randomised: starts.len(),
        sites: sites.len(),
        visits: visits(facts, planned),
        follow_up_months,
    }
}

/// The visits with assessments. The day is the planned one; where no file gives it, the median of the days it was made on.
fn visits(facts: &Facts, planned: &BTreeMap<String, i64>) -> Vec<PlannedVisit> {
    let mut made: BTreeMap<&str, (f64, Vec<i64>)> = BTreeMap::new();
    for ((subject, _, number), assessment) in &facts.assessments {
        let (_, days) = made.entry(&assessment.visit_name).or_insert((number.0, Vec::new()));
        let start = facts.subjects.get(subject).and_then(Demography::day_one);
        let counted = start.map(|start| trial::date::study_day(start, assessment.date.first()));
        days.extend(assessment.study_day.or(counted));
    }
    let mut visits: Vec<(i64, f64, &str)> = made
        .into_iter()
        .map(|(name, (number, mut days))| {
            days.sort_unstable();
            let median = days.get(days.len() / 2).copied();
            let day = planned.get(name).copied().or(median).unwrap_or(0);
            // SDTM's study days know no day 0; a protocol's schedule counts from it.
            (if day > 0 { day - 1 } else { day }, number, name)
        })
        .collect();
    visits.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(b.2)));
    // A form belongs to one visit a day: a visit whose day is taken, as an unscheduled one's may be, moves to the next.
    let mut last = i64::MIN;
    visits
        .into_iter()
        .map(|(day, _, name)| {
            last = day.max(last.saturating_add(1));
            let scheduled = !name.to_ascii_uppercase().contains("UNSCHED");
            PlannedVisit { name: name.to_owned(), day: last, scheduled }
        })
        .collect()
}
