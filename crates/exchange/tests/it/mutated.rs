//! Whatever stands in the files, the import neither panics nor imports half.

use proptest::prelude::*;

use crate::written::Written;

/// Either everything was read and adds up, or at least one fault says where.
fn holds(written: &Written) {
    let dir = tempfile::tempdir().unwrap();
    written.save(dir.path());
    match exchange::sdtm::read(dir.path()) {
        Err(faults) => {
            assert!(!faults.is_empty());
            assert!(faults.iter().all(|fault| !fault.file.is_empty() && !fault.right.is_empty()));
        }
        Ok(import) => {
            let history = import.history();
            for file in &import.accounting.files {
                assert!(file.adds_up(), "{}", file.file);
            }
            let mut readings = 0;
            for subject in &import.subjects {
                let record = import.record(&history, subject);
                assert_eq!(record.faults, [], "{}", subject.id);
                readings += record.assessments.iter().map(|a| a.readings.len()).sum::<usize>();
                let _ = exchange::agreement::judge(&import, &history.current().tumour, subject, &record);
            }
            // Every row of TR that counts as used stands in a reading: one that gives its size, one its state.
            let tr = import.accounting.files.iter().find(|file| file.file == "tr.csv").unwrap();
            assert!(2 * readings >= tr.used, "{readings} readings of {} rows", tr.used);
        }
    }
}

fn values() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("NA".to_owned()),
        Just("-1".to_owned()),
        Just("1e308".to_owned()),
        Just("NOT DONE".to_owned()),
        Just("NEW".to_owned()),
        Just("TARGET".to_owned()),
        Just("DIAMETER".to_owned()),
        Just("TUMSTATE".to_owned()),
        Just("EQUIVOCAL".to_owned()),
        Just("T01".to_owned()),
        Just("2024".to_owned()),
        Just("2024-02-30".to_owned()),
        Just("0000-01-01".to_owned()),
        Just("9999-12-31".to_owned()),
        Just("\"".to_owned()),
        Just("a,b".to_owned()),
        "[ -~]{0,8}",
        "\\PC{0,4}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn other_cells(changes in prop::collection::vec((0..5_usize, 0..40_usize, 0..20_usize, values()), 1..4)) {
        let mut written = Written::sound();
        let names: Vec<String> = written.0.keys().cloned().collect();
        for (file, row, column, value) in changes {
            let text = written.0.get_mut(&names[file]).unwrap();
            let mut lines: Vec<Vec<String>> =
                text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
            let row = row % lines.len();
            let width = lines[row].len();
            lines[row][column % width] = value;
            *text = lines.iter().map(|cells| cells.join(",") + "\n").collect();
        }
        holds(&written);
    }

    #[test]
    fn rows_and_columns_lost_and_doubled(
        changes in prop::collection::vec((0..5_usize, 0..40_usize, 0..4_u8), 1..4),
    ) {
        let mut written = Written::sound();
        let names: Vec<String> = written.0.keys().cloned().collect();
        for (file, at, how) in changes {
            let text = written.0.get_mut(&names[file]).unwrap();
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            if lines.is_empty() {
                continue;
            }
            let row = at % lines.len();
            match how {
                0 => drop(lines.remove(row)),
                1 => lines.insert(row, lines[row].clone()),
                2 => lines.truncate(row),
                _ => {
                    for line in &mut lines {
                        let mut cells: Vec<&str> = line.split(',').collect();
                        cells.remove(at % cells.len());
                        *line = cells.join(",");
                    }
                }
            }
            *text = lines.iter().map(|line| line.clone() + "\n").collect();
        }
        holds(&written);
    }

    #[test]
    fn other_bytes(file in 0..5_usize, at in 0..2000_usize, byte in any::<u8>()) {
        let dir = tempfile::tempdir().unwrap();
        let written = Written::sound();
        written.save(dir.path());
        let name = written.0.keys().nth(file).unwrap();
        let mut bytes = written.0[name].clone().into_bytes();
        let length = bytes.len();
        bytes[at % length] = byte;
        std::fs::write(dir.path().join(name), bytes).unwrap();
        match exchange::sdtm::read(dir.path()) {
            Err(faults) => prop_assert!(!faults.is_empty()),
            Ok(import) => prop_assert!(import.accounting.files.iter().all(exchange::sdtm::FileAccount::adds_up)),
        }
    }
}
