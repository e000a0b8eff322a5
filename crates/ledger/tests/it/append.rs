//! Appending: places, conflicts, transactions, group commit, several processes.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use ledger::{Address, Draft, Error, Head, Ledger};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Map, Value, json};

use crate::{Raw, Store, Store::Postgres, Store::Sqlite, draft, event, fresh, raw};

#[rstest]
#[tokio::test]
async fn places_are_given_from_one_without_gaps_and_chained(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = fresh(store).await else { return };
    assert_eq!(ledger.head().await.unwrap(), Head::EMPTY);
    assert!(ledger.append(Vec::new()).await.unwrap().is_empty());
    let stored = ledger.append(vec![draft("A", 1), draft("B", 2), draft("A", 3)]).await.unwrap();
    assert_eq!(stored.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3]);
    // The chain as the papers have it, recomputed here without the crate.
    let mut hash = [0; 32];
    for event in &stored {
        let canonical = serde_json_canonicalizer::to_vec(&event.event().unwrap()).unwrap();
        assert_eq!(event.bytes, canonical);
        hash = *blake3::Hasher::new().update(&hash).update(&canonical).finalize().as_bytes();
        assert_eq!(event.hash.0, hash);
    }
    assert_eq!(ledger.head().await.unwrap(), Head { count: 3, hash: stored[2].hash });
}

#[rstest]
#[tokio::test]
async fn a_conflict_refuses_the_whole_append_and_says_what_came_in_between(
    #[values(Sqlite, Postgres)] store: Store,
) {
    let Some((_home, ledger)) = fresh(store).await else { return };
    ledger.append(vec![draft("A", 1).expecting(0)]).await.unwrap();
    ledger.append(vec![draft("A", 2).expecting(1), draft("A", 3).expecting(1)]).await.unwrap();
    let before = ledger.head().await.unwrap();

    let refused =
        ledger.append(vec![draft("B", 4).expecting(0), draft("A", 5).expecting(1)]).await.unwrap_err();
    let Error::Conflict { subject, expected, found } = &refused else { panic!("{refused}") };
    assert_eq!((subject.as_str(), *expected, *found), ("A", 1, 3));
    assert!(refused.to_string().contains("event 1 was taken for its last, but event 3 is"), "{refused}");
    assert_eq!(ledger.head().await.unwrap(), before, "nothing of that append is written");
    assert!(ledger.of_subject("B", None).await.unwrap().is_empty());

    let never_seen = ledger.append(vec![draft("A", 5).expecting(99)]).await.unwrap_err();
    assert!(matches!(never_seen, Error::Conflict { expected: 99, found: 3, .. }));
    let not_new = ledger.append(vec![draft("A", 5).expecting(0)]).await.unwrap_err();
    assert!(not_new.to_string().contains("taken to be new"), "{not_new}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_saw_the_same_state_one_succeeds(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = fresh(store).await else { return };
    let mut tasks = Vec::new();
    for minute in 0..40 {
        let ledger = ledger.clone();
        tasks.push(tokio::spawn(async move {
            ledger.append(vec![draft("A", minute).expecting(0), draft("A", minute)]).await
        }));
    }
    let mut succeeded = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(stored) => {
                succeeded += 1;
                assert_eq!(stored.len(), 2);
            }
            Err(error) => assert!(matches!(error, Error::Conflict { .. }), "{error}"),
        }
    }
    assert_eq!(succeeded, 1);
    assert_eq!(ledger.head().await.unwrap().count, 2);
}

#[rstest]
#[tokio::test]
async fn a_transaction_sees_itself_and_leaves_no_trace_when_dropped(
    #[values(Sqlite, Postgres)] store: Store,
) {
    let Some((_home, ledger)) = fresh(store).await else { return };
    ledger.append(vec![draft("A", 1)]).await.unwrap();

    let mut writer = ledger.begin().await.unwrap();
    assert_eq!(writer.head().await.unwrap().count, 1);
    let second = writer.append(draft("A", 2).expecting(1)).await.unwrap();
    assert_eq!(second.seq, 2);
    assert_eq!(writer.of_subject("A").await.unwrap().len(), 2);
    assert_eq!(writer.of_kind("form_saved").await.unwrap().len(), 2);
    assert_eq!(ledger.head().await.unwrap().count, 1, "others do not see it");
    drop(writer);
    assert_eq!(ledger.head().await.unwrap().count, 1);

    let mut writer = ledger.begin().await.unwrap();
    writer.append(draft("A", 2).expecting(1)).await.unwrap();
    writer.append(draft("A", 3).expecting(1)).await.unwrap(); // its own event did not come in between
    writer.append(draft("A", 4).expecting(3)).await.unwrap();
    let refused = writer.append(draft("A", 5).expecting(0)).await.unwrap_err();
    assert!(matches!(refused, Error::Conflict { expected: 0, found: 4, .. }), "{refused}");
    assert!(matches!(writer.append(Draft::new(json!(1))).await, Err(Error::Event { .. })));
    writer
        .append(Draft::new(json!({ "kind": "site_opened", "recorded": "2026-03-04T10:00:00Z" })))
        .await
        .unwrap();
    assert_eq!(writer.without_subject().await.unwrap().len(), 1);
    let head = writer.commit().await.unwrap();
    assert_eq!(head.count, 5);
    assert_eq!(ledger.head().await.unwrap(), head);
    assert!(ledger.verify(&[], None, |_, _| {}).await.unwrap().is_sound());
}

/// More events and subjects than one statement inserts, each subject's expectation answered before the earlier events of it reached
/// the database.
#[rstest]
#[tokio::test]
async fn a_transaction_keeps_count_of_subjects_over_many_batches(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = fresh(store).await else { return };
    let mut writer = ledger.begin().await.unwrap();
    let mut last = vec![0; 97];
    for n in 0..1000_usize {
        let subject = (n * n + 3 * n) % 97;
        let stored = writer.append(draft(&format!("S{subject}"), 1).expecting(last[subject])).await.unwrap();
        last[subject] = stored.seq;
        if n % 7 == 0 {
            let wrong =
                writer.append(draft(&format!("S{subject}"), 1).expecting(stored.seq + 1)).await.unwrap_err();
            assert!(matches!(wrong, Error::Conflict { found, .. } if found == stored.seq), "{wrong}");
        }
    }
    assert_eq!(writer.commit().await.unwrap().count, 1000);
    assert!(ledger.verify(&[], None, |_, _| {}).await.unwrap().is_sound());
}

/// How many transactions wrote. In a write-ahead log of `SQLite`, they are the frames whose header names a database size
/// (<https://www.sqlite.org/fileformat2.html#walformat>); `PostgreSQL` says of each row which transaction wrote it.
async fn transactions(ledger: &Ledger) -> usize {
    if let Raw::Postgres(connection) = &mut raw(ledger).await {
        let statement = "SELECT count(DISTINCT xmin::text) FROM events";
        let count: i64 = sqlx::query_scalar(statement).fetch_one(connection).await.unwrap();
        return usize::try_from(count).unwrap();
    }
    let log = fs::read(ledger.path().with_file_name("trial.ledger-wal")).unwrap();
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let (page, salt) = (number(8) as usize, number(16));
    let frames =
        (32..log.len()).step_by(24 + page).take_while(|at| at + 24 <= log.len() && number(at + 8) == salt);
    frames.filter(|at| number(at + 4) != 0).count()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_appends_share_transactions(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = fresh(store).await else { return };
    ledger.append(vec![draft("A", 1)]).await.unwrap();
    let before = transactions(&ledger).await;
    let mut tasks = Vec::new();
    for task in 0..64 {
        let ledger = ledger.clone();
        tasks.push(tokio::spawn(async move {
            for minute in 0..4 {
                ledger.append(vec![draft(&format!("S{task}"), minute)]).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let made = transactions(&ledger).await - before;
    assert_eq!(ledger.head().await.unwrap().count, 257);
    assert!((1..128).contains(&made), "256 appends made {made} transactions");
    for task in 0..64 {
        let events = ledger.of_subject(&format!("S{task}"), None).await.unwrap();
        let minutes: Vec<_> =
            events.iter().map(|event| event.event().unwrap()["n"].as_u64().unwrap()).collect();
        assert_eq!(minutes, [0, 1, 2, 3], "each caller's events are in its order");
    }
    assert!(ledger.verify(&[], None, |_, _| {}).await.unwrap().is_sound());
}

#[rstest]
#[tokio::test]
async fn a_conflict_in_a_group_leaves_the_others_alone(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = fresh(store).await else { return };
    ledger.append(vec![draft("A", 0)]).await.unwrap();
    // All are queued before the writer, which shares this thread, runs: they are one group.
    let appends = (1..=20).map(|minute| {
        let (subject, expected) =
            if minute % 2 == 0 { (format!("S{minute}"), 0) } else { ("A".to_owned(), 0) };
        ledger.append(vec![draft(&subject, minute).expecting(expected)])
    });
    let outcomes = futures_util::future::join_all(appends).await;
    for (minute, outcome) in (1..=20).zip(&outcomes) {
        assert_eq!(outcome.is_ok(), minute % 2 == 0, "{minute}: {outcome:?}");
    }
    assert_eq!(ledger.head().await.unwrap().count, 11);
    assert!(ledger.verify(&[], None, |_, _| {}).await.unwrap().is_sound());
}

#[rstest]
#[tokio::test]
async fn what_was_appended_is_neither_updated_nor_deleted(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = fresh(store).await else { return };
    ledger.append(vec![draft("A", 1)]).await.unwrap();
    let key = ledger::SigningKey::from_bytes(&[1; 32]);
    ledger.checkpoint(&key, "2026-03-04T11:00:00Z".parse().unwrap()).await.unwrap();
    let mut connection = raw(&ledger).await;
    let of_sqlite = [
        "REPLACE INTO events SELECT seq, 'B', kind, recorded, bytes, hash FROM events",
        "REPLACE INTO checkpoints SELECT number, x'00' FROM checkpoints",
    ];
    let of_postgres = [
        "TRUNCATE events",
        "TRUNCATE checkpoints",
        "UPDATE events SET kind = 'other' WHERE false",
        "INSERT INTO events SELECT * FROM events ON CONFLICT (seq) DO UPDATE SET kind = 'other'",
        "INSERT INTO events SELECT 0, subject, kind, recorded, bytes, hash FROM events",
        "INSERT INTO events SELECT seq + n, subject, kind, recorded, bytes, hash FROM events, (VALUES (1), (3)) more (n)",
        "MERGE INTO events USING (VALUES (1)) v (n) ON seq = n WHEN MATCHED THEN DELETE",
        "SET session_replication_role = replica; DELETE FROM events",
    ];
    let for_both = [
        "UPDATE events SET kind = 'other'",
        "UPDATE events SET seq = 7",
        "DELETE FROM events",
        "INSERT INTO events SELECT 3, subject, kind, recorded, bytes, hash FROM events",
        "INSERT INTO checkpoints SELECT 3, bytes FROM checkpoints",
        "UPDATE checkpoints SET bytes = bytes",
        "DELETE FROM checkpoints",
    ];
    let special = if store == Sqlite { &of_sqlite[..] } else { &of_postgres[..] };
    for statement in for_both.iter().chain(special) {
        let refused = connection.run(statement).await;
        assert!(refused.is_err(), "{statement}: {refused:?}");
    }
    assert!(ledger.verify(&[], None, |_, _| {}).await.unwrap().is_sound());
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_let_go_makes_the_ledger_locked(#[values(Sqlite, Postgres)] store: Store) {
    let Some((home, ledger)) = fresh(store).await else { return };
    let other = Ledger::open(&home.address).await.unwrap();
    let mut held = other.begin().await.unwrap();
    held.append(draft("B", 1)).await.unwrap();
    let refused = ledger.append(vec![draft("A", 1)]).await.unwrap_err();
    assert!(matches!(refused, Error::Locked { .. }), "{refused}");
    assert_eq!(ledger.head().await.unwrap(), Head::EMPTY, "reading goes on");
    drop(held);
    assert_eq!(ledger.append(vec![draft("A", 1)]).await.unwrap()[0].seq, 1);
}

const LEDGER: &str = "TRIALWRIGHT_TEST_APPEND_TO";
const NAME: &str = "TRIALWRIGHT_TEST_APPEND_AS";
const EACH: u32 = 100;
/// Neither process runs ahead of the other by more rounds than this, so that they are at it at once on any machine.
const APART: u32 = 10;

/// Not a test by itself: the other process of the test below.
#[tokio::test]
async fn another_process() {
    let (Ok(path), Ok(name)) = (std::env::var(LEDGER), std::env::var(NAME)) else { return };
    let ledger = Ledger::open(path.parse::<Address>().unwrap()).await.unwrap();
    let other = if name == "first" { "second" } else { "first" };
    for n in 0..EACH {
        while n % APART == 0
            && ledger.of_subject(other, None).await.unwrap().len() + (APART as usize) < n as usize
        {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        if n % 3 == 0 {
            let mut writer = ledger.begin().await.unwrap();
            let seen = writer.of_subject("shared").await.unwrap().last().map_or(0, |event| event.seq);
            writer.append(draft("shared", n % 60).expecting(seen)).await.unwrap();
            writer.append(draft(&name, n % 60)).await.unwrap();
            writer.commit().await.unwrap();
        } else {
            ledger.append(vec![draft("shared", n % 60), draft(&name, n % 60)]).await.unwrap();
        }
    }
    ledger.close().await;
}

#[rstest]
#[tokio::test]
async fn two_processes_write_one_chain(#[values(Sqlite, Postgres)] store: Store) {
    let Some((home, ledger)) = fresh(store).await else { return };
    let children: Vec<_> = ["first", "second"]
        .map(|name| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "append::another_process"])
                .env(LEDGER, home.text())
                .env(NAME, name)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .into();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    assert_eq!(ledger.head().await.unwrap().count, u64::from(4 * EACH));
    assert_eq!(ledger.of_subject("first", None).await.unwrap().len(), EACH as usize);
    assert!(ledger.verify(&[], None, |_, _| {}).await.unwrap().is_sound());
    // Both were at it at once: neither wrote all of its events before the other began.
    let order: Vec<_> =
        ledger.of_subject("first", None).await.unwrap().iter().map(|event| event.seq).collect();
    assert!(order.last().unwrap() - order[0] > u64::from(2 * EACH), "{order:?}");
}

fn any_event() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1e6..1e6).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(".{0,4}", inner, 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    });
    let name = any::<String>().prop_filter("a name", |name| !name.is_empty() && !name.contains('\0'));
    (
        prop::option::of(name.clone()),
        name,
        0_i64..4_000_000_000_000,
        prop::collection::hash_map(".{1,4}", value, 0..4),
    )
        .prop_map(|(subject, kind, recorded, others)| {
            let mut event: Map<String, Value> = others.into_iter().collect();
            event.insert("kind".to_owned(), kind.into());
            event.insert(
                "recorded".to_owned(),
                jiff::Timestamp::from_millisecond(recorded).unwrap().to_string().into(),
            );
            event.insert("subject".to_owned(), subject.into());
            event.into()
        })
}

async fn appended_and_read_back(store: Store, appends: &[Vec<Value>]) {
    let Some((home, ledger)) = fresh(store).await else { return };
    let mut stored = Vec::new();
    for events in appends {
        stored.extend(ledger.append(events.iter().cloned().map(Draft::new).collect()).await.unwrap());
    }
    ledger.close().await;

    let ledger = Ledger::open_read_only(&home.address).await.unwrap();
    let mut all = ledger.all(1);
    let mut read = Vec::new();
    while let Some(event) = all.next().await {
        read.push(event.unwrap());
    }
    assert_eq!(read, stored);
    for (event, given) in read.iter().zip(appends.iter().flatten()) {
        assert_eq!(event.bytes, serde_json_canonicalizer::to_vec(given).unwrap());
        assert_eq!(ledger.event(event.seq).await.unwrap().as_ref(), Some(event));
    }
    let subjects: BTreeSet<_> =
        appends.iter().flatten().filter_map(|event| event["subject"].as_str()).collect();
    for subject in &subjects {
        let expected: Vec<_> =
            stored.iter().filter(|stored| stored.event().unwrap()["subject"] == **subject).cloned().collect();
        assert_eq!(ledger.of_subject(subject, None).await.unwrap(), expected);
    }
    let (mut blocks, mut found) = (ledger.subjects(None, 2), Vec::new());
    while let Some(block) = blocks.next().await {
        found.extend(block.unwrap().into_iter().map(|(subject, _)| subject));
    }
    assert_eq!(found, subjects.iter().copied().collect::<Vec<_>>(), "in the order of their bytes");
    let verified = ledger.verify(&[], None, |_, _| {}).await.unwrap();
    assert!(verified.is_sound(), "{:?}", verified.first_fault());
    ledger.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn what_was_appended_is_read_back_byte_for_byte(appends in prop::collection::vec(prop::collection::vec(any_event(), 1..6), 1..5)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for store in [Sqlite, Postgres] {
            runtime.block_on(appended_and_read_back(store, &appends));
        }
    }
}

/// Names of the greatest length, of letters that cannot be packed, are found by index in either store; so is the largest event.
#[rstest]
#[tokio::test]
async fn the_longest_names_and_the_largest_event_are_kept(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = fresh(store).await else { return };
    let mut state = 1_u64;
    let mut letters = |count: usize| -> String {
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap())
        })
        .filter(|c| !matches!(c, '"' | '\\'))
        .take(count)
        .collect()
    };
    let (subject, kind) = (letters(1024), letters(1024));
    let largest = letters(ledger::LARGEST_EVENT - 3000);
    let event =
        json!({ "kind": kind, "subject": subject, "recorded": "2026-03-04T10:00:00Z", "note": largest });
    let stored = ledger.append(vec![Draft::new(event), draft(&subject, 1)]).await.unwrap();
    assert_eq!(ledger.of_subject(&subject, None).await.unwrap(), stored);
    assert_eq!(ledger.of_kind(&kind, None).await.unwrap(), stored[..1]);
    assert!(ledger.verify(&[], None, |_, _| {}).await.unwrap().is_sound());
}

#[rstest]
#[tokio::test]
async fn a_wrong_event_in_an_append_keeps_the_others_out(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = fresh(store).await else { return };
    let refused = ledger.append(vec![draft("A", 1), Draft::new(json!({ "kind": "k" }))]).await.unwrap_err();
    assert!(refused.to_string().contains("recorded"), "{refused}");
    assert_eq!(ledger.head().await.unwrap(), Head::EMPTY);
    assert_eq!(event("A", "k", 1)["subject"], "A");
}
