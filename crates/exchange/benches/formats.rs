//! What writing the two largest data sets of a trial of 10,000 subjects costs in every format: time, size, and the process's peak
//! memory. TR: 600,000 rows of 25 columns; QS (FACT-B): 37 items at 8 visits, 2,960,000 rows of 21 columns.
//!
//!     cargo bench -p exchange --bench formats
//!
//! Files go to TMPDIR (up to 1 GB at a time) and are removed. The bar: every format under 60 s and 1 GiB altogether.

#![allow(clippy::unwrap_used, missing_docs)] // a bench that meets a surprise stops

use std::time::Instant;

use exchange::format::{About, Format, read_file, write_file};
use exchange::table::{Column, Table};
use jiff::civil::date;

const SUBJECTS: u32 = 10_000;

/// Megabytes, as Linux counts the most that was resident (`VmHWM`) and is resident now (`VmRSS`); 0 elsewhere.
fn memory(which: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(which)).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn domain(code: &str, label: &str, texts: &[(&str, u16)], numbers: &[&str]) -> Table {
    let texts = texts.iter().map(|(name, length)| match *length {
        0 => Column::date(name, "A date"),
        length => Column::text(name, "A label as long as labels are", length),
    });
    let numbers = numbers.iter().map(|name| Column::number(name, "A number as SDTM has it"));
    Table::new(code, label, texts.chain(numbers).collect()).unwrap()
}

fn tr() -> Table {
    let texts = [
        ("STUDYID", 20),
        ("DOMAIN", 2),
        ("USUBJID", 30),
        ("TRGRPID", 20),
        ("TRLNKID", 20),
        ("TRLNKGRP", 20),
        ("TRTESTCD", 8),
        ("TRTEST", 40),
        ("TRORRES", 40),
        ("TRORRESU", 10),
        ("TRSTRESC", 40),
        ("TRSTRESU", 10),
        ("TRSTAT", 8),
        ("TRREASND", 80),
        ("TRMETHOD", 40),
        ("TREVAL", 40),
        ("TREVALID", 20),
        ("VISIT", 40),
        ("EPOCH", 20),
        ("TRDTC", 0),
    ];
    let numbers = ["TRSEQ", "TRSTRESN", "VISITNUM", "VISITDY", "TRDY"];
    let mut table = domain("TR", "Tumor/Lesion Results", &texts, &numbers);
    for subject in 0..SUBJECTS {
        let id = format!("AVATAR-II-{:02}-{subject:05}", subject % 40);
        for row in 0..60_u32 {
            let (visit, lesion) = (row / 6, row % 6);
            let size = f64::from((subject * 7 + row * 13) % 800) / 10.0;
            let text = format!("{size}");
            let day = date(2026, 1, 1).checked_add(jiff::Span::new().days(subject / 8 + visit * 56)).unwrap();
            let mut at = table.begin();
            at.set("STUDYID", "AVATAR-II").unwrap().set("DOMAIN", "TR").unwrap().set("USUBJID", &id).unwrap();
            at.set("TRGRPID", "TARGET").unwrap().set("TRLNKID", &format!("T{lesion:02}")).unwrap();
            at.set("TRLNKGRP", &format!("A{visit}")).unwrap().set("TRTESTCD", "LDIAM").unwrap();
            at.set("TRTEST", "Longest Diameter").unwrap().set("TRORRES", &text).unwrap();
            at.set("TRORRESU", "mm").unwrap().set("TRSTRESC", &text).unwrap().set("TRSTRESU", "mm").unwrap();
            at.set("TRMETHOD", "CT SCAN").unwrap().set("TREVAL", "INVESTIGATOR").unwrap();
            at.set("VISIT", &format!("WEEK {}", visit * 8)).unwrap().set("EPOCH", "TREATMENT").unwrap();
            at.set("TRDTC", &day.to_string())
                .unwrap()
                .set("TRSEQ", row + 1)
                .unwrap()
                .set("TRSTRESN", size)
                .unwrap();
            at.set("VISITNUM", visit + 1).unwrap().set("VISITDY", visit * 56 + 1).unwrap();
            at.set("TRDY", visit * 56 + 1 + subject % 5).unwrap();
            at.end().unwrap();
        }
    }
    table
}

fn qs() -> Table {
    let texts = [
        ("STUDYID", 20),
        ("DOMAIN", 2),
        ("USUBJID", 30),
        ("QSTESTCD", 8),
        ("QSTEST", 40),
        ("QSCAT", 40),
        ("QSSCAT", 40),
        ("QSORRES", 40),
        ("QSSTRESC", 40),
        ("QSSTAT", 8),
        ("QSREASND", 80),
        ("QSLOBXFL", 1),
        ("QSMETHOD", 40),
        ("VISIT", 40),
        ("EPOCH", 20),
        ("QSDTC", 0),
    ];
    let mut table =
        domain("QS", "Questionnaires", &texts, &["QSSEQ", "QSSTRESN", "VISITNUM", "VISITDY", "QSDY"]);
    for subject in 0..SUBJECTS {
        let id = format!("AVATAR-II-{:02}-{subject:05}", subject % 40);
        for visit in 0..8_u32 {
            let day = date(2026, 1, 1).checked_add(jiff::Span::new().days(subject / 8 + visit * 56)).unwrap();
            let (day, name) = (day.to_string(), format!("WEEK {}", visit * 8));
            for item in 0..37_u32 {
                let answer = (subject + visit * 3 + item) % 5;
                let mut at = table.begin();
                at.set("STUDYID", "AVATAR-II")
                    .unwrap()
                    .set("DOMAIN", "QS")
                    .unwrap()
                    .set("USUBJID", &id)
                    .unwrap();
                at.set("QSTESTCD", &format!("FACB1{item:02}")).unwrap();
                at.set("QSTEST", &format!("FACB1-Item of Questionnaire {item}")).unwrap();
                at.set("QSCAT", "FACT-B VERSION 4").unwrap().set("QSSCAT", "PHYSICAL WELL-BEING").unwrap();
                let words = ["Not at all", "A little bit", "Somewhat", "Quite a bit", "Very much"];
                at.set("QSORRES", words[answer as usize]).unwrap();
                at.set("QSSTRESC", &answer.to_string()).unwrap();
                at.set("VISIT", &name)
                    .unwrap()
                    .set("EPOCH", "TREATMENT")
                    .unwrap()
                    .set("QSDTC", &day)
                    .unwrap();
                at.set("QSSEQ", visit * 37 + item + 1).unwrap().set("QSSTRESN", answer).unwrap();
                at.set("VISITNUM", visit + 1).unwrap().set("VISITDY", visit * 56 + 1).unwrap();
                at.set("QSDY", visit * 56 + 1).unwrap();
                at.end().unwrap();
            }
        }
    }
    table
}

fn main() {
    let dir = std::env::temp_dir().join(format!("exchange-formats-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let about = About::new("AVATAR-II", date(2026, 11, 24).at(12, 0, 0, 0));
    let all = Instant::now();
    for make in [tr, qs] {
        let from = Instant::now();
        let table = make();
        println!(
            "{} of {} rows, {} columns: filled in {:.1} s, {} MB resident",
            table.name(),
            table.len(),
            table.columns().len(),
            from.elapsed().as_secs_f64(),
            memory("VmRSS")
        );
        for format in Format::ALL {
            let from = Instant::now();
            let path = write_file(&dir, format, &table, &about).unwrap();
            let size = std::fs::metadata(&path).unwrap().len() >> 20;
            println!("  {:<14} {:5.1} s, {size} MB", format.name(), from.elapsed().as_secs_f64());
            std::fs::remove_file(path).unwrap();
        }
    }
    let seconds = all.elapsed().as_secs_f64();
    println!("both in every format: {seconds:.1} s, at most {} MB resident", memory("VmHWM"));
    let table = tr();
    for format in Format::ALL {
        let path = write_file(&dir, format, &table, &about).unwrap();
        let from = Instant::now();
        let rows = read_file(&path).unwrap()[0].len();
        println!("TR read from {:<14} {:5.1} s, {rows} rows", format.name(), from.elapsed().as_secs_f64());
        std::fs::remove_file(path).unwrap();
    }
    std::fs::remove_dir_all(&dir).unwrap();
}
