//! Each kind of bad input is refused as a whole, and told with file, row, column, what was found, what would be right.

use rstest::rstest;

use crate::written::Written;

#[rstest]
#[case::wrong_date(
    "tr.csv",
    "R1-T01,DIAMETER,30,mm,30,30,mm,,,INDEPENDENT ASSESSOR,RADIOLOGIST 1,1,BASELINE,2024-01-08",
    "R1-T01,DIAMETER,30,mm,30,30,mm,,,INDEPENDENT ASSESSOR,RADIOLOGIST 1,1,BASELINE,2024-02-31",
    "tr.csv, row 6, column TRDTC: found \"2024-02-31\"; write a date as YYYY-MM-DD, or YYYY-MM or YYYY where the rest is not known"
)]
#[case::negative_diameter(
    "tr.csv",
    "18,mm,18,18,mm",
    "18,mm,18,-18,mm",
    "tr.csv, row 7, column TRSTRESN: found -18 mm; a diameter is 0 mm or more"
)]
#[case::no_number(
    "tr.csv",
    "18,mm,18,18,mm",
    "18,mm,18,18 mm,mm",
    "tr.csv, row 7, column TRSTRESN: found \"18 mm\"; a size is a number"
)]
#[case::infinite(
    "tr.csv",
    "18,mm,18,18,mm",
    "18,mm,18,inf,mm",
    "tr.csv, row 7, column TRSTRESN: found \"inf\"; a size is a number"
)]
#[case::two_sizes(
    "tr.csv",
    "18,mm,18,18,mm",
    "18,mm,18,81,mm",
    "tr.csv, row 7, column TRSTRESC: found 18 mm, but TRSTRESN says 81 mm; one row gives one size"
)]
#[case::larger_than_a_lesion(
    "tr.csv",
    "18,mm,18,18,mm",
    "1800,mm,1800,1800,mm",
    "tr.csv, row 7, column TRSTRESN: found 1800 mm; no lesion is larger than 1000 mm"
)]
#[case::born_in_no_year(
    "dm.csv",
    "1955",
    "0955",
    "dm.csv, row 3, column BRTHDTC: found year 955; a birth lies between 1880 and 2100"
)]
#[case::other_unit(
    "tr.csv",
    "18,mm,18,18,mm",
    "18,mm,18,18,in",
    "tr.csv, row 7, column TRSTRESU: found \"in\"; give sizes in mm (or cm)"
)]
#[case::result_of_a_row_not_done(
    "tr.csv",
    "NT01,TUMSTATE,,,,,,NOT DONE",
    "NT01,TUMSTATE,,,,7,,NOT DONE",
    "tr.csv, row 12, column TRSTRESN: found 7 in a row that says NOT DONE; a row has a result or was not done"
)]
#[case::unknown_lesion(
    "tr.csv",
    "T01,DIAMETER,25",
    "T09,DIAMETER,25",
    "tr.csv, row 10, column TRLNKID: found lesion T09 of S1-001 by INVESTIGATOR; name a lesion that TU identifies for this reader"
)]
#[case::no_lesion(
    "tr.csv",
    "T01,DIAMETER,25",
    ",DIAMETER,25",
    "tr.csv, row 10, column TRLNKID: found nothing; name a lesion that TU identifies for this reader"
)]
#[case::read_twice(
    "tr.csv",
    "T01,DIAMETER,25",
    "T02,DIAMETER,25",
    "tr.csv, row 11, column TRLNKID: found DIAMETER of lesion T02 of S1-001 by INVESTIGATOR at visit 3 again; a lesion is read once a visit; it stands in row 10"
)]
#[case::unknown_state(
    "tr.csv",
    "TUMSTATE,PRESENT,,PRESENT,,,,,INVESTIGATOR,,2",
    "TUMSTATE,BETTER,,BETTER,,,,,INVESTIGATOR,,2",
    "tr.csv, row 9, column TRSTRESC: found \"BETTER\"; write PRESENT, ABSENT, UNEQUIVOCAL, EQUIVOCAL, TOO SMALL TO MEASURE or MERGED"
)]
#[case::no_visit(
    "tr.csv",
    "T01,DIAMETER,18,mm,18,18,mm,,,INVESTIGATOR,,2",
    "T01,DIAMETER,18,mm,18,18,mm,,,INVESTIGATOR,,",
    "tr.csv, row 7, column VISITNUM: found nothing; write the number of the visit"
)]
#[case::ragged_row(
    "tr.csv",
    "T01,DIAMETER,18,mm,18,18,mm,,,INVESTIGATOR",
    "T01,DIAMETER,18,mm,18,18,mm,,INVESTIGATOR",
    "tr.csv, row 7: found 15 fields; the header has 16"
)]
#[case::lesion_twice(
    "tu.csv",
    "TU,S1-001,T02,",
    "TU,S1-001,T01,",
    "tu.csv, row 3, column TULNKID: found lesion T01 of S1-001 by INVESTIGATOR again; a lesion is identified once; it stands in row 2"
)]
#[case::unknown_role(
    "tu.csv",
    "NON-TARGET",
    "OTHER",
    "tu.csv, row 4, column TUSTRESC: found \"OTHER\" for lesion NT01; write TARGET, NON-TARGET or NEW"
)]
#[case::subject_twice(
    "dm.csv",
    "S1-002",
    "S1-001",
    "dm.csv, row 3, column USUBJID: found subject S1-001 again; a subject has one row in DM; it stands in row 2"
)]
#[case::unknown_sex(
    "dm.csv",
    "2024-01-10,F",
    "2024-01-10,W",
    "dm.csv, row 2, column SEX: found \"W\"; write F, M or U"
)]
#[case::unknown_subject(
    "ae.csv",
    "AE,S1-001",
    "AE,S1-009",
    "ae.csv, row 2, column USUBJID: found subject \"S1-009\"; name a subject of DM"
)]
#[case::unknown_severity(
    "ae.csv",
    "MILD",
    "BAD",
    "ae.csv, row 2, column AESEV: found \"BAD\"; write MILD, MODERATE or SEVERE"
)]
#[case::response_twice(
    "rs.csv",
    "RS,S1-001,NTRGRESP",
    "RS,S1-001,TRGRESP",
    "rs.csv, row 3, column RSTESTCD: found TRGRESP of S1-001 by INVESTIGATOR at visit 2 again; it stands in row 2 already"
)]
#[case::another_domain(
    "ae.csv",
    "AE,S1-001",
    "CM,S1-001",
    "ae.csv, row 2, column DOMAIN: found domain \"CM\"; this file holds AE"
)]
#[case::column_twice(
    "tu.csv",
    "TULOC,TUEVAL,",
    "TUEVAL,TUEVAL,",
    "tu.csv, row 1, column TUEVAL: found the column twice; a column stands once"
)]
fn is_refused(#[case] file: &str, #[case] from: &str, #[case] to: &str, #[case] want: &str) {
    let faults = Written::sound().with(file, from, to).faults();
    assert!(faults.lines().any(|fault| fault == want), "{faults}");
}

#[rstest]
#[case("dm.csv", "ARMCD", "dm.csv, row 1, column ARMCD: found no such column; DM needs the column ARMCD")]
#[case(
    "tu.csv",
    "TULNKID",
    "tu.csv, row 1, column TULNKID: found no such column; TU needs the column TULNKID"
)]
#[case(
    "tu.csv",
    "TUSTRESC",
    "tu.csv, row 1, column TUSTRESC: found no such column; TU needs TUSTRESC or TUORRES"
)]
#[case(
    "tr.csv",
    "TRLNKID",
    "tr.csv, row 1, column TRLNKID: found no such column; TR needs the column TRLNKID"
)]
#[case(
    "tr.csv",
    "VISITNUM",
    "tr.csv, row 1, column VISITNUM: found no such column; TR needs the column VISITNUM"
)]
#[case("tr.csv", "TRDTC", "tr.csv, row 1, column TRDTC: found no such column; TR needs the column TRDTC")]
#[case("tr.csv", "TREVAL", "tr.csv, row 1, column TREVAL: found no such column; TR needs the column TREVAL")]
#[case(
    "tr.csv",
    "TREVALID",
    "tr.csv, row 1, column TREVALID: found no such column; tu.csv tells the readers apart by it, so tr.csv must as well"
)]
#[case(
    "rs.csv",
    "RSTESTCD",
    "rs.csv, row 1, column RSTESTCD: found no such column; RS needs the column RSTESTCD"
)]
#[case(
    "ae.csv",
    "USUBJID",
    "ae.csv, row 1, column USUBJID: found no such column; AE needs the column USUBJID"
)]
fn misses_a_column(#[case] file: &str, #[case] column: &str, #[case] want: &str) {
    assert_eq!(Written::sound().without_column(file, column).faults(), want);
}

#[rstest]
#[case("dm.csv", "dm.csv: found no such file in DIR; DM is needed: it says who took part, and in which arm")]
#[case("tu.csv", "tu.csv: found no such file in DIR; TU is needed: it says which lesions there are")]
#[case("tr.csv", "tr.csv: found no such file in DIR; TR is needed: it says what was seen of them")]
fn misses_a_file(#[case] file: &str, #[case] want: &str) {
    let mut written = Written::sound();
    written.0.remove(file);
    assert_eq!(written.faults(), want);
}

#[test]
fn tells_every_fault_of_every_file() {
    let written = Written::sound()
        .with("tr.csv", "18,mm,18,18,mm", "18,mm,18,-18,mm")
        .with("tr.csv", "T01,DIAMETER,25", "T09,DIAMETER,25")
        .with("ae.csv", "2024-02-01", "01.02.2024")
        .with("rs.csv", "RS,S1-001,NTRGRESP", "RS,S1-001,TRGRESP");
    insta::assert_snapshot!(written.faults(), @r#"
    ae.csv, row 2, column AEENDTC: found "01.02.2024"; write a date as YYYY-MM-DD, or YYYY-MM or YYYY where the rest is not known
    rs.csv, row 3, column RSTESTCD: found TRGRESP of S1-001 by INVESTIGATOR at visit 2 again; it stands in row 2 already
    tr.csv, row 7, column TRSTRESN: found -18 mm; a diameter is 0 mm or more
    tr.csv, row 10, column TRLNKID: found lesion T09 of S1-001 by INVESTIGATOR; name a lesion that TU identifies for this reader
    "#);
}

#[test]
fn refuses_what_is_no_directory_and_what_is_no_csv() {
    let nowhere = exchange::sdtm::read("does/not/exist".as_ref()).unwrap_err();
    assert_eq!(nowhere.len(), 1);
    assert!(nowhere[0].to_string().starts_with("does/not/exist: found no directory that can be read"));

    let mut written = Written::sound();
    written.0.insert("tr.csv".into(), String::new());
    assert_eq!(written.faults(), "tr.csv: found nothing; a CSV file begins with a header of column names");

    let mut written = Written::sound();
    let semicolons = written.0["tr.csv"].replace(',', ";");
    written.0.insert("tr.csv".into(), semicolons);
    assert_eq!(written.faults(), "tr.csv, row 1: found columns separated by ';'; separate them by commas");
}

#[test]
fn refuses_bytes_that_are_no_utf8() {
    let dir = tempfile::tempdir().unwrap();
    Written::sound().save(dir.path());
    let mut bytes = std::fs::read(dir.path().join("ae.csv")).unwrap();
    let at = bytes.windows(6).position(|window| window == b"Nausea").unwrap();
    bytes[at] = 0xe9;
    std::fs::write(dir.path().join("ae.csv"), bytes).unwrap();
    let faults = exchange::sdtm::read(dir.path()).unwrap_err();
    assert_eq!(faults[0].to_string(), "ae.csv, row 2: found bytes that are no UTF-8; save the file as UTF-8");
}
