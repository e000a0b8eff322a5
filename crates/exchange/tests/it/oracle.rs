//! RECIST 1.1 once more, written apart from the house's: straight from the rows of a CSV directory, in the layout of
//! pharmaversesdtm (`DIAMETER`, `TUMSTATE`), by the tables of Eisenhauer 2009. What both say, two writers have said.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

type Row = BTreeMap<String, String>;

/// Rows of a file, by upper-case column name.
pub fn rows(dir: &Path, domain: &str) -> Vec<Row> {
    let entry = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).find(|path| {
        path.file_name().unwrap().to_string_lossy().eq_ignore_ascii_case(&format!("{domain}.csv"))
    });
    let Some(path) = entry else { return Vec::new() };
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header: Vec<String> = reader
        .headers()
        .unwrap()
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').to_uppercase())
        .collect();
    let read =
        |record: csv::StringRecord| header.iter().cloned().zip(record.iter().map(str::to_owned)).collect();
    reader.records().map(|record| read(record.unwrap())).collect()
}

/// What the tables say of one assessment.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub target: String,
    pub non_target: String,
    pub new_lesion: String,
    pub overall: String,
    pub nadir: f64,
    pub sum: f64,
}

#[derive(Default)]
struct Visit {
    date: String,
    targets: BTreeMap<String, Option<f64>>,
    others: Vec<String>,
    new: Vec<String>,
}

fn reader(row: &Row, prefix: &str) -> String {
    let (by, id) = (&row[&format!("{prefix}EVAL")], &row[&format!("{prefix}EVALID")]);
    if by == "INVESTIGATOR" { by.clone() } else { format!("{by}/{id}") }
}

/// By subject, reader and visit number. Readers with a partial date are left out: their order is not the oracle's to judge.
pub fn answers(dir: &Path) -> BTreeMap<(String, String, String), Answer> {
    let nodes: BTreeSet<(String, String, String)> = rows(dir, "tu")
        .iter()
        .filter(|row| row["TULOC"] == "LYMPH NODE")
        .map(|row| (row["USUBJID"].clone(), reader(row, "TU"), row["TULNKID"].clone()))
        .collect();
    let mut series: BTreeMap<(String, String), BTreeMap<String, Visit>> = BTreeMap::new();
    for row in rows(dir, "tr") {
        let visits = series.entry((row["USUBJID"].clone(), reader(&row, "TR"))).or_default();
        let visit = visits.entry(row["VISITNUM"].clone()).or_default();
        let done = row["TRSTAT"] != "NOT DONE";
        match (row["TRTESTCD"].as_str(), row["TRGRPID"].as_str()) {
            ("DIAMETER", _) => {
                let size = done.then(|| row["TRSTRESN"].parse().unwrap());
                visit.targets.insert(row["TRLNKID"].clone(), size);
            }
            ("TUMSTATE", "NEW") => visit.new.push(row["TRSTRESC"].clone()),
            ("TUMSTATE", _) => {
                visit.others.push(if done { row["TRSTRESC"].clone() } else { "NE".into() });
            }
            _ => continue,
        }
        if visit.date.is_empty() || row["TRDTC"] < visit.date {
            visit.date.clone_from(&row["TRDTC"]);
        }
    }
    let mut answers = BTreeMap::new();
    for ((subject, by), visits) in series {
        if visits.values().any(|visit| visit.date.len() < 10) {
            continue;
        }
        let mut visits: Vec<(String, Visit)> = visits.into_iter().collect();
        visits.sort_by(|a, b| {
            let number = |text: &str| text.parse::<f64>().unwrap();
            a.1.date.cmp(&b.1.date).then(number(&a.0).total_cmp(&number(&b.0)))
        });
        let node = |lesion: &String| nodes.contains(&(subject.clone(), by.clone(), lesion.clone()));
        let baseline: f64 = visits[0].1.targets.values().flatten().sum();
        let (mut nadir, mut complete) = (baseline, false);
        for (number, visit) in &visits[1..] {
            let mut answer = answer(visit, baseline, nadir, &node);
            // Appendix III: a lesion that was gone in a complete response and is back is progression.
            if complete && visit.others.iter().any(|other| other == "PRESENT") {
                answer.overall = "PD".into();
            }
            complete |= answer.overall == "CR";
            if visit.targets.values().all(Option::is_some) {
                nadir = nadir.min(answer.sum);
            }
            answers.insert((subject.clone(), by.clone(), number.clone()), answer);
        }
    }
    answers
}

fn answer(visit: &Visit, baseline: f64, nadir: f64, node: &impl Fn(&String) -> bool) -> Answer {
    let sum: f64 = visit.targets.values().flatten().sum();
    let gone = |(lesion, size): (&String, &Option<f64>)| {
        let size = size.unwrap();
        if node(lesion) { size < 10.0 } else { size == 0.0 }
    };
    let target = if sum - 1.2 * nadir > -1e-9 && sum - nadir > 5.0 - 1e-9 {
        "PD"
    } else if visit.targets.values().any(Option::is_none) {
        "NE"
    } else if visit.targets.iter().all(gone) {
        "CR"
    } else if sum - 0.7 * baseline < 1e-9 {
        "PR"
    } else {
        "SD"
    };
    let any = |state: &str| visit.others.iter().any(|other| other == state);
    let non_target = if any("UNEQUIVOCAL") {
        "PD"
    } else if any("NE") {
        "NE"
    } else if any("PRESENT") {
        "NON-CR/NON-PD"
    } else {
        "CR"
    };
    let new_lesion = if visit.new.iter().any(|new| new == "UNEQUIVOCAL") {
        "UNEQUIVOCAL"
    } else if visit.new.iter().any(|new| new == "EQUIVOCAL") {
        "EQUIVOCAL"
    } else {
        "N"
    };
    let overall = match (target, non_target) {
        _ if new_lesion == "UNEQUIVOCAL" => "PD",
        ("PD", _) | (_, "PD") => "PD",
        ("CR", "CR") => "CR",
        ("CR" | "PR", _) => "PR",
        (other, _) => other,
    };
    Answer {
        target: target.into(),
        non_target: non_target.into(),
        new_lesion: new_lesion.into(),
        overall: overall.into(),
        nadir,
        sum,
    }
}
