//! What bad data get: file, row and column, what was found and what would be right; and nothing written.

use std::fs;
use std::path::Path;

use rstest::rstest;

use crate::stage::{SDTM, arg, scratch, show};

/// A copy of the extract with one file changed.
fn changed(folder: &Path, file: &str, change: impl FnOnce(&mut Vec<Vec<String>>)) -> String {
    let dir = folder.join("sdtm");
    fs::create_dir(&dir).unwrap();
    for entry in fs::read_dir(SDTM).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(&from, dir.join(from.file_name().unwrap())).unwrap();
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(dir.join(file)).unwrap();
    let mut rows: Vec<Vec<String>> =
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    change(&mut rows);
    let mut writer = csv::WriterBuilder::new().flexible(true).from_path(dir.join(file)).unwrap();
    for row in rows {
        writer.write_record(row).unwrap();
    }
    writer.flush().unwrap();
    arg(dir)
}

fn column(rows: &[Vec<String>], name: &str) -> usize {
    rows[0].iter().position(|known| known == name).unwrap()
}

/// The first row of TR that measures a diameter, as a spreadsheet counts it.
fn measured(rows: &[Vec<String>]) -> usize {
    let test = column(rows, "TRTESTCD");
    rows.iter().position(|row| row[test] == "DIAMETER").unwrap()
}

fn a_missing_column(rows: &mut [Vec<String>]) -> String {
    let place = column(rows, "TRLNKID");
    for row in rows.iter_mut() {
        row.remove(place);
    }
    "tr.csv, row 1, column TRLNKID: found no such column; ".into()
}

fn a_negative_diameter(rows: &mut [Vec<String>]) -> String {
    let (row, stated, standard) = (measured(rows), column(rows, "TRORRES"), column(rows, "TRSTRESN"));
    for place in [stated, standard] {
        rows[row][place] = "-12".into();
    }
    format!("tr.csv, row {}, column TR", row + 1)
}

fn a_wrong_date(rows: &mut [Vec<String>]) -> String {
    let (row, place) = (measured(rows), column(rows, "TRDTC"));
    rows[row][place] = "2013-02-30".into();
    format!("tr.csv, row {}, column TRDTC: found ", row + 1)
}

fn an_unknown_lesion(rows: &mut [Vec<String>]) -> String {
    let (row, place) = (measured(rows), column(rows, "TRLNKID"));
    rows[row][place] = "T99".into();
    format!("tr.csv, row {}", row + 1)
}

#[rstest]
#[case::missing_column(a_missing_column)]
#[case::negative_diameter(a_negative_diameter)]
#[case::wrong_date(a_wrong_date)]
#[case::unknown_lesion(an_unknown_lesion)]
fn is_placed(#[case] spoil: fn(&mut [Vec<String>]) -> String) {
    let folder = scratch();
    let mut want = String::new();
    let dir = changed(folder.path(), "tr.csv", |rows| want = spoil(rows));
    let out = folder.path().join("out");
    for args in [&["recist", &dir][..], &["report", &dir, "--out", &arg(&out)]] {
        let shown = show(args);
        assert_eq!(shown.code, 1, "{shown}");
        assert!(shown.err.contains(&want), "wanted {want:?}: {shown}");
        assert!(shown.out.is_empty(), "{shown}");
    }
    assert!(!out.exists());
}

/// A lesion that stands twice among those identified at one visit by one reader.
#[test]
fn a_duplicate_lesion_is_placed() {
    let folder = scratch();
    let mut row = 0;
    let dir = changed(folder.path(), "tu.csv", |rows| {
        rows.push(rows[1].clone());
        row = rows.len();
    });
    let shown = show(&["recist", &dir]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(shown.err.contains(&format!("tu.csv, row {row}")), "{shown}");
}
