//! The same content in other looks is read the same; other layouts of SDTM are read by its own conventions.

use exchange::agreement::{Judged, judge};
use exchange::sdtm::Import;
use rstest::rstest;

use crate::written::Written;

fn judged(import: &Import) -> Vec<Judged> {
    let history = import.history();
    let rules = &history.current().tumour;
    let all = import.subjects.iter().flat_map(|subject| {
        let record = import.record(&history, subject);
        assert_eq!(record.faults, [], "{}", subject.id);
        judge(import, rules, subject, &record)
    });
    all.collect()
}

fn lines(judged: &[Judged]) -> Vec<String> {
    judged.iter().map(|judged| serde_json::to_string(judged).unwrap()).collect()
}

fn bom(text: &str) -> String {
    format!("\u{feff}{text}")
}
fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}
fn quoted(text: &str) -> String {
    let line = |line: &str| line.split(',').map(|cell| format!("\"{cell}\"")).collect::<Vec<_>>().join(",");
    text.lines().map(|l| line(l) + "\n").collect()
}
fn reversed_columns(text: &str) -> String {
    text.lines().map(|line| line.rsplit(',').collect::<Vec<_>>().join(",") + "\n").collect()
}
fn lower_case_header(text: &str) -> String {
    let (header, rest) = text.split_once('\n').unwrap();
    format!("{}\n{rest}", header.to_lowercase())
}
fn another_column(text: &str) -> String {
    let first = |n: usize| if n == 0 { "EXTRA" } else { "x" };
    let lines: Vec<String> = text.lines().enumerate().map(|(n, line)| [first(n), line].join(",")).collect();
    lines.join(
        "
",
    )
}
fn missing_as_r_writes_it(text: &str) -> String {
    let cell = |cell: &str| if cell.is_empty() { "NA".to_owned() } else { cell.to_owned() };
    text.lines().map(|line| line.split(',').map(cell).collect::<Vec<_>>().join(",") + "\n").collect()
}

#[rstest]
#[case(bom)]
#[case(crlf)]
#[case(quoted)]
#[case(reversed_columns)]
#[case(lower_case_header)]
#[case(another_column)]
#[case(missing_as_r_writes_it)]
fn reads_the_same_in_another_look(#[case] look: fn(&str) -> String) {
    let sound = Written::sound();
    let mut other = sound.clone();
    other.0.values_mut().for_each(|text| *text = look(text));
    let (sound, other) = (sound.read().unwrap(), other.read().unwrap());
    assert_eq!(sound.subjects, other.subjects);
    assert_eq!(sound.recorded, other.recorded);
    assert_eq!(lines(&judged(&sound)), lines(&judged(&other)));
    assert!(other.accounting.files.iter().all(exchange::sdtm::FileAccount::adds_up));
}

#[test]
fn judges_the_same_whatever_the_order_of_rows() {
    let sound = Written::sound();
    let mut other = sound.clone();
    for text in other.0.values_mut() {
        let (header, rows) = text.split_once('\n').unwrap();
        let rows: Vec<&str> = rows.lines().rev().collect();
        *text = format!("{header}\n{}\n", rows.join("\n"));
    }
    let (sound, other) = (sound.read().unwrap(), other.read().unwrap());
    assert_eq!(sound.recorded, other.recorded);
    assert_eq!(sound.subjects, other.subjects);
    assert_eq!(lines(&judged(&sound)), lines(&judged(&other)));
}

#[test]
fn reads_upper_case_names_and_does_without_what_it_may() {
    let mut written = Written::sound();
    for name in ["rs.csv", "ae.csv"] {
        written.0.remove(name);
    }
    written.0 = written.0.into_iter().map(|(name, text)| (name.to_uppercase(), text)).collect();
    let import = written.read().unwrap();
    let judged = judged(&import);
    assert_eq!(judged.len(), 3);
    assert!(judged.iter().all(|judged| judged.agrees.is_none()));
}

#[test]
fn names_a_second_file_of_a_domain() {
    let mut written = Written::sound();
    let text = written.0["tr.csv"].clone();
    written.0.insert("TR.CSV".into(), text);
    assert_eq!(written.faults(), "tr.csv: found a second file of TR beside TR.CSV; keep one file a domain");
}

#[test]
fn judges_and_explains() {
    let import = Written::sound().read().unwrap();
    insta::assert_json_snapshot!(judged(&import));
}

// Dates of one visit: the first scan dates the assessment (rules.md, 'Progression is dated at the first scan').
#[test]
fn dates_an_assessment_by_its_first_scan() {
    let import = Written::sound().read().unwrap();
    let record = import.record(&import.history(), &import.subjects[0]);
    let baseline = record.assessments.iter().find(|a| a.reader == "INVESTIGATOR").unwrap();
    assert_eq!(baseline.date.to_string(), "2024-01-08");
}

// A partial date keeps its precision in the event; only where its first day would fall before the visit before is it
// read as a later day, and says so.
#[rstest]
#[case("2024-04", "2024-04", "2024-04-01", 0)]
#[case("2024-02", "2024-02-21", "2024-02-21", 1)]
#[case("2024", "2024-02-21", "2024-02-21", 1)]
fn reads_partial_dates(#[case] text: &str, #[case] kept: &str, #[case] day: &str, #[case] remarks: usize) {
    let mut written = Written::sound();
    let tr = written.0["tr.csv"].replace("2024-04-02", text);
    written.0.insert("tr.csv".into(), tr);
    let import = written.read().unwrap();
    let events = import.events();
    let forms = events.iter().filter_map(|entered| match &entered.event.what {
        trial::event::What::FormSaved { values, .. } => Some(values),
        _ => None,
    });
    let form = forms.into_iter().find(|values| values.get("VISITNUM") == Some(&3.0.into())).unwrap();
    assert_eq!(form["TRDAT"], kept);
    assert_eq!(form.contains_key("TRDTC"), remarks > 0);
    let record = import.record(&import.history(), &import.subjects[0]);
    let last = record.assessments.iter().find(|a| a.visit == "WEEK 12").unwrap();
    assert_eq!(last.date.to_string(), day);
    assert_eq!(import.remarks.len(), remarks, "{:?}", import.remarks);
    assert_eq!(judged(&import).iter().filter(|j| j.reader == "INVESTIGATOR").count(), 2);
}

// tr_onco_recist of pharmaversesdtm has no DIAMETER: LDIAM is what enters the sum, of a node LPERP (Eisenhauer 2009, 3.2).
#[test]
fn takes_the_longest_diameter_and_the_short_axis_where_none_is_named() {
    let mut written = Written::sound();
    written.0.remove("rs.csv");
    let mut tr = String::new();
    for line in written.0["tr.csv"].lines() {
        if line.contains("DIAMETER") && !line.contains("NOT DONE") {
            let other = line.replace("30,mm,30,30", "99,mm,99,99").replace("20,mm,20,20", "98,mm,98,98");
            let (enters, beside) = if line.contains("T02") { ("LPERP", "LDIAM") } else { ("LDIAM", "LPERP") };
            tr += &(line.replace("DIAMETER", enters) + "\n" + &other.replace("DIAMETER", beside) + "\n");
        } else {
            tr += &(line.replace("DIAMETER", "LDIAM") + "\n");
        }
    }
    written.0.insert("tr.csv".into(), tr);
    let mut named = Written::sound();
    named.0.remove("rs.csv");
    let (read, named) = (written.read().unwrap(), named.read().unwrap());
    assert_eq!(lines(&judged(&read)), lines(&judged(&named)));
    let tr = read.accounting.files.iter().find(|file| file.file == "tr.csv").unwrap();
    let reasons: Vec<&str> = tr.unused.iter().map(|unused| unused.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "TR LDIAM: of a node the short axis enters the sum",
            "TR LPERP: the longest diameter enters the sum",
            "TR SUMDIAM: derived sum, recomputed",
        ]
    );
}

#[test]
fn a_lesion_without_a_row_is_not_evaluated() {
    let import = Written::sound()
        .with("tr.csv", "TR,S1-001,T02,DIAMETER,12,mm,12,12,mm,,,INVESTIGATOR,,2,WEEK 6,2024-02-20\n", "")
        .read()
        .unwrap();
    let judged = judged(&import);
    let week6 = judged.iter().find(|j| j.reader == "INVESTIGATOR" && j.visit == "WEEK 6").unwrap();
    assert_eq!(week6.target.unwrap().as_str(), "NE");
    assert!(week6.reason.contains("T02 not measured (no reading)"), "{}", week6.reason);
}

#[rstest]
#[case("TOO SMALL TO MEASURE,,,,", "PD", 30.0)]
#[case("TOO SMALL TO MEASURE,mm,5,5,mm", "PD", 30.0)]
#[case("1.2,cm,12,12,mm", "PD", 37.0)]
#[case("0,mm,0,0,mm", "PR", 25.0)]
fn reads_words_and_centimetres(#[case] cells: &str, #[case] target: &str, #[case] sum: f64) {
    let import = Written::sound()
        .with(
            "tr.csv",
            "T02,DIAMETER,12,mm,12,12,mm,,,INVESTIGATOR,,3",
            &format!("T02,DIAMETER,{cells},,,INVESTIGATOR,,3"),
        )
        .with(
            "tr.csv",
            "T02,DIAMETER,12,mm,12,12,mm,,,INVESTIGATOR,,2",
            "T02,DIAMETER,7,mm,7,7,mm,,,INVESTIGATOR,,2",
        )
        .read()
        .unwrap();
    let judged = judged(&import);
    let week12 = judged.iter().find(|j| j.visit == "WEEK 12").unwrap();
    assert_eq!((week12.target.unwrap().as_str(), week12.sum_mm), (target, Some(sum)), "{}", week12.reason);
}

#[test]
fn a_result_that_is_missing_without_saying_so_is_not_evaluated_and_told() {
    let import = Written::sound().with("tr.csv", "25,mm,25,25,mm", ",,,,").read().unwrap();
    let judged = judged(&import);
    assert_eq!(judged.iter().find(|j| j.visit == "WEEK 12").unwrap().target.unwrap().as_str(), "NE");
    let told: Vec<String> = import.remarks.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["tr.csv, row 10: DIAMETER has no result and does not say NOT DONE; read as not evaluated"]
    );
}

#[test]
fn a_new_lesion_that_only_tu_names_is_seen() {
    let mut written = Written::sound();
    let row = "TU,S1-001,NEW01,TUMIDENT,NEW,LUNG,INVESTIGATOR,,2,WEEK 6,2024-02-20\n";
    written.0.get_mut("tu.csv").unwrap().push_str(row);
    let import = written.read().unwrap();
    let judged = judged(&import);
    let week6 = judged.iter().find(|j| j.reader == "INVESTIGATOR" && j.visit == "WEEK 6").unwrap();
    assert_eq!((week6.new_lesion.as_str(), week6.overall.as_str()), ("UNEQUIVOCAL", "PD"));
    assert_eq!(import.remarks.len(), 1);
}

#[test]
fn parts_of_a_split_lesion_are_summed() {
    let mut written = Written::sound();
    for part in ["T01.1", "T01.2"] {
        let row = format!("TU,S1-001,{part},TUSPLIT,TARGET,LIVER,INVESTIGATOR,,2,WEEK 6,2024-02-20\n");
        written.0.get_mut("tu.csv").unwrap().push_str(&row);
    }
    let tr = written.0["tr.csv"].replace(
        "TR,S1-001,T01,DIAMETER,18,mm,18,18,mm,,,INVESTIGATOR,,2,WEEK 6,2024-02-20\n",
        "TR,S1-001,T01.1,DIAMETER,10,mm,10,10,mm,,,INVESTIGATOR,,2,WEEK 6,2024-02-20\n\
         TR,S1-001,T01.2,DIAMETER,7,mm,7,7,mm,,,INVESTIGATOR,,2,WEEK 6,2024-02-20\n",
    );
    written.0.insert("tr.csv".into(), tr);
    let judged = judged(&written.read().unwrap());
    let week6 = judged.iter().find(|j| j.reader == "INVESTIGATOR" && j.visit == "WEEK 6").unwrap();
    assert_eq!(week6.sum_mm, Some(29.0), "{}", week6.reason);
}

#[test]
fn responses_without_readings_and_other_criteria_are_counted() {
    let mut written = Written::sound();
    let rows = "RS,S1-001,OVRLRESP,RECIST 1.1,PD,INVESTIGATOR,,9,WEEK 48,2024-12-20\n\
                RS,S1-001,OVRLRESP,iRECIST,iUPD,INVESTIGATOR,,3,WEEK 12,2024-04-02\n\
                RS,S1-001,BESTRESP,RECIST 1.1,PR,INVESTIGATOR,,3,WEEK 12,2024-04-02\n";
    written.0.get_mut("rs.csv").unwrap().push_str(rows);
    let import = written.read().unwrap();
    let rs = import.accounting.files.iter().find(|file| file.file == "rs.csv").unwrap();
    let unused: Vec<(&str, String)> = rs.unused.iter().map(|u| (u.reason.as_str(), u.ranges())).collect();
    assert_eq!(
        unused,
        [
            ("RS BESTRESP: not a response at a time point", "9".to_owned()),
            ("RS IRECIST: not RECIST 1.1", "8".to_owned()),
            ("RS OVRLRESP: no reading of TR stands behind it", "7".to_owned()),
        ]
    );
    assert_eq!((rs.read, rs.used), (8, 5));
}

#[test]
fn reads_assessments_without_demography() {
    let dir = tempfile::tempdir().unwrap();
    let mut written = Written::sound();
    written.0.remove("dm.csv");
    written.save(dir.path());
    let import = exchange::sdtm::read_assessments(dir.path()).unwrap();
    let whole = Written::sound().read().unwrap();
    assert_eq!(lines(&judged(&import)), lines(&judged(&whole)));
    assert!(import.record(&import.history(), &import.subjects[0]).randomised.is_none());
}

#[test]
fn reads_who_died_withdrew_and_was_last_seen() {
    let mut written = Written::sound().with("dm.csv", "A,Drug,", "A,Drug,2024-09");
    let ds = "USUBJID,DSDECOD,DSCAT,DSSTDTC\n\
              S1-001,RANDOMIZED,PROTOCOL MILESTONE,2024-01-11\n\
              S1-001,INFORMED CONSENT OBTAINED,PROTOCOL MILESTONE,2024-01-02\n\
              S1-001,COMPLETED,DISPOSITION EVENT,2024-08-01\n\
              S1-002,WITHDRAWAL BY SUBJECT,DISPOSITION EVENT,2024-03-01\n\
              S1-002,DEATH,DISPOSITION EVENT,2024-05-01\n";
    written.0.insert("ds.csv".into(), ds.into());
    let import = written.read().unwrap();
    let history = import.history();
    let [first, second] = import.subjects.as_slice() else { panic!("two subjects") };
    let (first, second) = (import.record(&history, first), import.record(&history, second));
    assert_eq!(first.faults, []);
    assert_eq!(first.randomised.unwrap().value.date.to_string(), "2024-01-11");
    assert_eq!(first.consent.unwrap().value.to_string(), "2024-01-02");
    assert_eq!(first.death.unwrap().date.to_string(), "2024-09");
    assert!(first.contacts.iter().any(|fact| fact.value.to_string() == "2024-08-01"));
    assert_eq!(second.randomised.unwrap().value.arm.as_str(), "B");
    assert_eq!(second.withdrawal.unwrap().reason, "WITHDRAWAL BY SUBJECT");
    assert_eq!(second.death.unwrap().date.to_string(), "2024-05-01");
}
