//! `export-audit`: every event of the ledger is there, in order, with its hash and with what it changed.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::stage::{arg, ledger, scratch, show, trialwright};

fn events() -> Vec<(u64, String, Value)> {
    let read = async {
        let ledger = ledger::Ledger::open_read_only(ledger()).await.unwrap();
        let (mut all, mut events) = (ledger.all(1), Vec::new());
        while let Some(stored) = all.next().await {
            let stored = stored.unwrap();
            events.push((stored.seq, stored.hash.to_string(), stored.event().unwrap()));
        }
        events
    };
    office::block_on(read).unwrap()
}

/// What an item's values are in the ledger, as text; rows of groups are left to the tests of `trial::words`.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text == "Y" => "Yes".into(),
        Value::String(text) if text == "N" => "No".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[test]
fn the_whole_trail_is_written_with_old_and_new_values() {
    let folder = scratch();
    let out = folder.path().join("trail.csv");
    let shown = show(&["export-audit", &ledger(), "--out", &arg(&out)]);
    assert_eq!((shown.code, shown.out.as_str()), (0, ""), "{shown}");
    let events = events();
    let (_, head, _) = events.last().unwrap();
    assert!(shown.err.contains(&format!("{} events exported, head {head}", events.len())), "{shown}");
    let mut reader = csv::Reader::from_path(&out).unwrap();
    let columns: BTreeMap<String, usize> =
        reader.headers().unwrap().iter().enumerate().map(|(at, name)| (name.to_owned(), at)).collect();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let of = |row: &csv::StringRecord, name: &str| row[columns[name]].to_owned();
    let mut before = String::from("0").repeat(64);
    let mut rest = rows.as_slice();
    for (seq, hash, event) in &events {
        let own = rest.iter().take_while(|row| of(row, "SEQ") == seq.to_string()).count();
        assert!(own > 0, "event {seq} is not in the trail");
        let (rows, others) = rest.split_at(own);
        rest = others;
        for row in rows {
            assert_eq!(
                (of(row, "HASH"), of(row, "PREVIOUS_HASH")),
                (hash.clone(), before.clone()),
                "event {seq}"
            );
            assert_eq!(of(row, "KIND"), event["kind"].as_str().unwrap());
            assert_eq!(of(row, "REASON"), event["reason"].as_str().unwrap_or_default());
        }
        if event["kind"] == "form_corrected" {
            let corrects = usize::try_from(event["corrects"].as_u64().unwrap()).unwrap();
            let old = &events[corrects - 1].2["values"];
            let plain = |values: &Value| -> BTreeMap<String, String> {
                let items = values.as_object().unwrap().iter().filter(|(_, value)| !value.is_array());
                items
                    .map(|(item, value)| (item.clone(), text(value)))
                    .filter(|(_, text)| !text.is_empty())
                    .collect()
            };
            let (old, new) = (plain(old), plain(&event["values"]));
            let mut want: Vec<_> =
                old.keys().chain(new.keys()).filter(|item| old.get(*item) != new.get(*item)).collect();
            want.sort();
            want.dedup();
            let mut found: Vec<String> = Vec::new();
            for row in rows.iter().filter(|row| of(row, "ROW").is_empty() && !of(row, "ITEM").is_empty()) {
                let item = of(row, "ITEM");
                assert_eq!(
                    of(row, "OLD"),
                    old.get(&item).cloned().unwrap_or_default(),
                    "event {seq}, {item}"
                );
                assert_eq!(
                    of(row, "NEW"),
                    new.get(&item).cloned().unwrap_or_default(),
                    "event {seq}, {item}"
                );
                found.push(item);
            }
            found.sort();
            assert_eq!(found.iter().collect::<Vec<_>>(), want, "event {seq}");
        }
        before.clone_from(hash);
    }
    assert!(rest.is_empty(), "rows of no event");
    assert!(
        events.iter().any(|(_, _, event)| event["kind"] == "form_corrected"),
        "nothing was corrected: the test shows nothing"
    );
}

#[test]
fn lines_of_json_hold_the_events_as_they_are() {
    let output = trialwright(&["export-audit", &ledger(), "--json"]).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let events = events();
    let mut lines = 0;
    for (line, (seq, hash, event)) in text.lines().zip(&events) {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&line["seq"], &line["hash"]), (&Value::from(*seq), &Value::from(hash.as_str())));
        assert_eq!(&line["event"], event);
        assert!(!line["says"].as_str().unwrap().is_empty());
        lines += 1;
    }
    assert_eq!((lines, text.lines().count()), (events.len(), events.len()));
}

#[test]
fn a_file_that_is_no_ledger_leaves_nothing() {
    let folder = scratch();
    let (no, out) = (folder.path().join("no.sqlite"), folder.path().join("trail.csv"));
    fs::write(&no, "hello").unwrap();
    let shown = show(&["export-audit", &arg(&no), "--out", &arg(&out)]);
    assert_eq!(shown.code, 1, "{shown}");
    assert!(!out.exists());
    let into_folder = show(&["export-audit", &ledger(), "--out", &arg(folder.path())]);
    assert_eq!(into_folder.code, 1, "{into_folder}");
    assert!(into_folder.err.contains("it is a folder"), "{into_folder}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something was left behind");
}
