//! `export`: SDTM, `ADaM` and Define-XML of the whole virtual trial, and the way back: the same endpoints for every subject.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use exchange::sdtm;
use trial::derive::derive;
use trial::endpoint::{TimeToEvent, effective_rules, time_to};
use trial::protocol::ProtocolHistory;
use trial::record::Record;

use crate::stage::{arg, ledger, scratch, show};

/// The shared virtual trial, exported once. Only read it: other tests do.
fn exported() -> &'static Path {
    static EXPORTED: OnceLock<PathBuf> = OnceLock::new();
    EXPORTED.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shared-export");
        let _ = std::fs::remove_dir_all(&folder);
        let shown = show(&["export", &ledger(), "--to", &arg(&folder)]);
        assert_eq!(shown.code, 0, "{shown}");
        std::fs::write(folder.join("shown.txt"), shown.to_string()).unwrap();
        folder
    })
}

/// Every analysis of the protocol, for one record.
fn endpoints(history: &ProtocolHistory, record: &Record) -> BTreeMap<String, Option<TimeToEvent>> {
    let protocol = history.current();
    let derived = derive(history, record, None);
    let of = |analysis: &trial::protocol::Analysis| {
        let endpoint = protocol.endpoints.iter().find(|endpoint| endpoint.id == analysis.endpoint).unwrap();
        let rules = effective_rules(endpoint, &analysis.rules);
        (analysis.id.clone(), time_to(protocol, endpoint, &rules, record, &derived))
    };
    protocol.analyses.iter().map(of).collect()
}

/// The bar: a ledger as SDTM and back derives the same day, the same event or censoring and the same reason, in every analysis of
/// every one of the 74 subjects, from every format that can be imported.
#[rstest::rstest]
#[case("csv")]
#[case("xpt")]
#[case("dataset-json")]
#[case("parquet")]
fn every_endpoint_comes_back_through_sdtm(#[case] format: &str) {
    let reading = office::open_reading(ledger(), None).unwrap();
    let (records, _) = reading.records(|record| record).unwrap();
    let (_, current) = reading.history.versions().last().unwrap();
    let import = sdtm::read_under(&exported().join(format).join("sdtm"), current).unwrap_or_else(|faults| {
        panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    });
    let history = import.history();
    let study = &reading.history.current().trial.id;
    let mut compared = 0;
    let mut randomised = 0;
    assert_eq!(import.subjects.len(), records.len());
    for record in &records {
        let id = format!("{study}-{}", record.subject);
        let back = import.subjects.iter().find(|subject| subject.id.as_str() == id).unwrap();
        let back = import.record(&history, back);
        assert_eq!(
            back.randomised.as_ref().map(|fact| (&fact.value.arm, fact.value.date, &fact.value.stratum)),
            record.randomised.as_ref().map(|fact| (&fact.value.arm, fact.value.date, &fact.value.stratum)),
            "{id}"
        );
        randomised += usize::from(record.randomised.is_some());
        let (was, is) = (endpoints(&reading.history, record), endpoints(&history, &back));
        for (analysis, was) in &was {
            let is = &is[analysis];
            let told = |time: &Option<TimeToEvent>| {
                time.as_ref().map(|time| (time.origin, time.outcome.clone(), time.imputed, time.rule.clone()))
            };
            assert_eq!(told(was), told(is), "{id}, {analysis}:\n{was:#?}\n{is:#?}");
            compared += usize::from(was.is_some());
        }
    }
    assert_eq!(randomised, 74);
    assert!(compared > 74 * 10, "only {compared} times were compared");
}

/// Which data sets there are follows the virtual subjects; that they are told, and that they are virtual, this program.
#[test]
fn says_what_it_wrote() {
    let shown = std::fs::read_to_string(exported().join("shown.txt")).unwrap();
    let line =
        |start: &str| shown.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{shown}"));
    for name in ["DM", "AE", "PR", "TU", "TR", "RS", "QS", "TS", "SUPPAE", "RELREC"] {
        assert!(line("sdtm ").split(' ').any(|word| word == name), "{name}: {shown}");
    }
    for name in ["ADSL", "ADAE", "ADEX", "ADQS", "ADRS", "ADTR", "ADTTE"] {
        assert!(line("adam ").split(' ').any(|word| word == name), "{name}: {shown}");
    }
    assert!(line("trace ").ends_with("TRACE"), "{shown}");
    assert!(shown.contains("the subjects are virtual"), "{shown}");
    assert!(!shown.contains("kept as recorded"), "every value of the shipped protocol is a term: {shown}");
    for (format, end) in [("csv", "csv"), ("xpt", "xpt"), ("dataset-json", "json"), ("parquet", "parquet")] {
        for set in ["sdtm/dm", "adam/adtte", "trace/trace"] {
            assert!(exported().join(format).join(format!("{set}.{end}")).exists(), "{format} {set}");
        }
        for standard in ["sdtm", "adam"] {
            let define =
                std::fs::read_to_string(exported().join(format).join(standard).join("define.xml")).unwrap();
            assert!(define.contains("SIMULATED DATA"), "{format} {standard}");
        }
    }
}

fn rows(file: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(file).unwrap();
    let header = reader.headers().unwrap().clone();
    reader
        .records()
        .map(|record| {
            header.iter().map(str::to_owned).zip(record.unwrap().iter().map(str::to_owned)).collect()
        })
        .collect()
}

/// Every record of `ADaM` leads to a record of SDTM that is there, and every record of both to an event of the ledger.
#[test]
fn every_record_can_be_traced() {
    let csv = exported().join("csv");
    let name = |row: &BTreeMap<String, String>, set: &str| {
        (set.to_owned(), row["USUBJID"].clone(), row.get(&format!("{set}SEQ")).cloned().unwrap_or_default())
    };
    let mut sdtm = std::collections::BTreeSet::new();
    for set in ["AE", "CE", "CM", "DS", "EX", "FA", "PR", "QS", "RS", "SS", "TR", "TU"] {
        let file = csv.join(format!("sdtm/{}.csv", set.to_lowercase()));
        if file.exists() {
            sdtm.extend(rows(&file).iter().map(|row| name(row, set)));
        }
    }
    let mut behind: BTreeMap<(String, String), Vec<(u64, u64)>> = BTreeMap::new();
    let events = office::open_reading(ledger(), None).unwrap().head.count;
    for row in rows(&csv.join("trace/trace.csv")) {
        let number = |name: &str| row[name].parse::<u64>().ok();
        assert!(number("EVENT").is_some_and(|event| (1..=events).contains(&event)), "{row:?}");
        if let (Some(from), Some(to)) = (number("SEQFROM"), number("SEQTO")) {
            behind.entry((row["DATASET"].clone(), row["USUBJID"].clone())).or_default().push((from, to));
        }
    }
    let traced = |set: &str, who: &str, seq: &str| {
        let seq = seq.parse::<u64>().unwrap();
        behind
            .get(&(set.to_owned(), who.to_owned()))
            .is_some_and(|runs| runs.iter().any(|(a, b)| (*a..=*b).contains(&seq)))
    };
    for (set, who, seq) in &sdtm {
        assert!(traced(set, who, seq), "{set} {who} {seq} has no event");
    }
    let mut sourced = 0;
    for set in ["ADEX", "ADQS", "ADRS", "ADTR", "ADTTE"] {
        for row in rows(&csv.join(format!("adam/{}.csv", set.to_lowercase()))) {
            assert!(traced(set, &row["USUBJID"], &row["ASEQ"]), "{row:?} has no event");
            let source = (row["SRCDOM"].clone(), row["USUBJID"].clone(), row["SRCSEQ"].clone());
            assert!(sdtm.contains(&source), "{set}: {source:?} is no record of SDTM: {row:?}");
            sourced += 1;
        }
    }
    assert!(sourced > 1_000, "{sourced}");
}

/// ADTTE holds what the report analysed.
#[test]
fn times_are_those_of_the_report() {
    let report = rows(&crate::stage::trial().join("report/tables/adtte.csv"));
    let adtte = rows(&exported().join("csv/adam/adtte.csv"));
    let study = "AVATAR II";
    for row in &report {
        let id = format!("{study}-{}", row["USUBJID"]);
        let same = adtte.iter().find(|other| {
            other["USUBJID"] == id && other["ANALYSES"].split(' ').any(|analysis| analysis == row["ANALYSIS"])
        });
        let same = same.unwrap_or_else(|| panic!("{id} {} is not in ADTTE", row["ANALYSIS"]));
        assert_eq!((&same["AVAL"], &same["CNSR"]), (&row["AVAL"], &row["CNSR"]), "{id} {}", row["ANALYSIS"]);
    }
    assert!(report.len() > 1_000);
}

#[test]
fn a_folder_of_other_things_is_left_alone() {
    let folder = scratch();
    let place = folder.path().join("csv");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("mine.txt"), "mine").unwrap();
    let shown = show(&["export", &ledger(), "--to", &arg(folder.path()), "--format", "csv"]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(shown.err.contains("did not make"), "{shown}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[rstest::rstest]
#[case(&["--format", "sas7bdat"], "sas7bdat")]
#[case(&["--standard", "send"], "send")]
fn refuses_what_it_does_not_know(#[case] more: &[&str], #[case] named: &str) {
    let (folder, at) = (scratch(), ledger());
    let to = arg(folder.path());
    let args: Vec<&str> = ["export", &at, "--to", &to].into_iter().chain(more.iter().copied()).collect();
    let shown = show(&args);
    assert_eq!(shown.code, 2, "{shown}");
    assert!(shown.err.contains(named), "{shown}");
}
