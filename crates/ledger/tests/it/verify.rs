//! Verification: checkpoints, cut-off tails, rewritten ledgers, altered tables, and what is said of it.

use ledger::{Check, Checkpoint, Ledger, Outcome, Place, PublicKey, SigningKey, Verified};
use rstest::rstest;

use crate::{Home, Store, Store::Postgres, Store::Sqlite, draft, fresh, raw, said_to, tamper};

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

async fn sign(ledger: &Ledger, n: u8) -> Checkpoint {
    ledger.checkpoint(&key(n), "2026-03-04T11:00:00Z".parse().unwrap()).await.unwrap()
}

async fn verify(ledger: &Ledger, outside: &[Checkpoint], trusted: Option<PublicKey>) -> Verified {
    ledger.verify(outside, trusted, |_, _| {}).await.unwrap()
}

async fn filled(store: Store) -> Option<(Home, Ledger)> {
    let (home, ledger) = fresh(store).await?;
    ledger.append((0..30).map(|n| draft(&format!("S{}", n % 4), n)).collect()).await.unwrap();
    Some((home, ledger))
}

#[rstest]
#[tokio::test]
async fn a_sound_ledger_is_sound_and_its_limits_are_said(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = filled(store).await else { return };
    let kept = sign(&ledger, 1).await;
    ledger.append(vec![draft("S0", 40)]).await.unwrap();
    let mut steps = Vec::new();
    let verified = ledger.verify(&[kept], None, |done, of| steps.push((done, of))).await.unwrap();
    assert!(verified.is_sound(), "{verified:?}");
    assert_eq!(verified.head, ledger.head().await.unwrap());
    assert_eq!((steps.first(), steps.last()), (Some(&(0, 31)), Some(&(31, 31))));
    assert_eq!(verified.checkpoints.len(), 2);
    assert_eq!(verified.first_fault(), None);
    // The tests' server does not wait for its disk, which is said.
    let notes = verified.notes.join("\n");
    assert_eq!((notes.is_empty(), notes.contains("fsync")), (store == Sqlite, store == Postgres), "{notes}");
    let limits = verified.limits.join("\n");
    for words in ["after event 30", "there are 31", "stolen password", "clock", "no trusted public key"] {
        assert!(limits.contains(words), "{words}: {limits}");
    }
    assert!(verify(&ledger, &[], None).await.limits[0].contains("no checkpoint kept outside"));
}

#[rstest]
#[tokio::test]
async fn an_empty_ledger_and_its_checkpoint_are_sound(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = fresh(store).await else { return };
    let kept = sign(&ledger, 1).await;
    assert_eq!(kept.count, 0);
    assert!(verify(&ledger, &[kept], Some((&key(1)).into())).await.is_sound());
}

#[rstest]
#[case::bytes("UPDATE events SET bytes = <bytes, 10:07 for 10:06> WHERE seq = 7", 7, Check::Hash)]
#[case::hash("UPDATE events SET hash = <32 zeros> WHERE seq = 7", 7, Check::Hash)]
#[case::short_hash("UPDATE events SET hash = <3 zeros> WHERE seq = 7", 7, Check::Hash)]
#[case::subject("UPDATE events SET subject = 'S9' WHERE seq = 7", 7, Check::Column("subject"))]
#[case::no_subject("UPDATE events SET subject = NULL WHERE seq = 7", 7, Check::Column("subject"))]
#[case::kind("UPDATE events SET kind = 'death' WHERE seq = 7", 7, Check::Column("kind"))]
#[case::recorded("UPDATE events SET recorded = recorded + 1 WHERE seq = 7", 7, Check::Column("recorded"))]
#[case::taken_out("DELETE FROM events WHERE seq BETWEEN 7 AND 9", 7, Check::Sequence)]
#[case::first_taken_out("DELETE FROM events WHERE seq = 1", 1, Check::Sequence)]
#[case::swapped(
    "UPDATE events SET seq = 99 WHERE seq = 7; UPDATE events SET seq = 7 WHERE seq = 8; UPDATE events SET seq = 8 WHERE seq = 99",
    7,
    Check::Hash
)]
#[case::put_before(
    "INSERT INTO events SELECT 0, subject, kind, recorded, bytes, hash FROM events WHERE seq = 1",
    1,
    Check::Sequence
)]
#[case::put_after(
    "INSERT INTO events SELECT 31, subject, kind, recorded, bytes, hash FROM events WHERE seq = 1",
    31,
    Check::Hash
)]
#[tokio::test]
async fn the_first_event_that_does_not_fit_is_named(
    #[case] statement: &str,
    #[case] seq: u64,
    #[case] check: Check,
    #[values(Sqlite, Postgres)] store: Store,
) {
    let Some((_home, ledger)) = filled(store).await else { return };
    tamper(&ledger, &said_to(store, statement)).await;
    let verified = verify(&ledger, &[], None).await;
    assert!(!verified.is_sound());
    let first = verified.first.clone().unwrap();
    assert_eq!((first.seq, first.check), (seq, check), "{first}");
    assert!(first.to_string().contains(&format!("event {seq} ")), "{first}");
    assert!(verified.file.is_empty(), "{:?}", verified.file);
}

/// An event with a good hash that is not in canonical form: another program wrote it.
#[rstest]
#[tokio::test]
async fn bytes_that_are_not_canonical_are_found_though_the_hash_fits(
    #[values(Sqlite, Postgres)] store: Store,
) {
    let Some((_home, ledger)) = filled(store).await else { return };
    let head = ledger.head().await.unwrap();
    for bytes in [
        r#"{"recorded":"2026-03-04T10:00:00Z","kind":"k"}"#,
        r#"{"kind": "k","recorded":"2026-03-04T10:00:00Z"}"#,
        r#"{"kind":"k","n":1.0,"recorded":"2026-03-04T10:00:00Z"}"#,
        r#"{"kind":"k"}"#,
        "[]",
        "",
    ] {
        let hash = blake3::Hasher::new().update(&head.hash.0).update(bytes.as_bytes()).finalize();
        let hash = ledger::Hash(*hash.as_bytes());
        let said = match store {
            Sqlite => format!("CAST('{bytes}' AS BLOB), x'{hash}'"),
            Postgres => format!("convert_to('{bytes}', 'UTF8'), '\\x{hash}'"),
        };
        let statement = format!("INSERT INTO events VALUES (31, NULL, 'k', 1772618400000000000, {said})");
        raw(&ledger).await.run(&statement).await.unwrap();
        let first = verify(&ledger, &[], None).await.first.unwrap();
        assert_eq!((first.seq, first.check), (31, Check::Canonical), "{bytes}: {first}");
        tamper(&ledger, "DELETE FROM events WHERE seq = 31").await;
    }
    assert!(verify(&ledger, &[], None).await.is_sound());
}

#[rstest]
#[tokio::test]
async fn a_tail_cut_off_is_proved_by_a_checkpoint_from_outside_only(
    #[values(Sqlite, Postgres)] store: Store,
) {
    let Some((_home, ledger)) = filled(store).await else { return };
    let kept = sign(&ledger, 1).await;
    tamper(&ledger, "DELETE FROM events WHERE seq > 28; DELETE FROM checkpoints").await;
    assert!(verify(&ledger, &[], None).await.is_sound(), "nothing in the file tells");
    let verified = verify(&ledger, &[kept], None).await;
    assert_eq!(verified.checkpoints[0].outcome, Outcome::CutOff { found: 28 });
    assert!(verified.first_fault().unwrap().contains("events were cut off: 28 are left"));
    assert!(verified.limits[0].contains("no checkpoint kept outside was given that holds"));
}

#[rstest]
#[tokio::test]
async fn a_rewritten_ledger_is_proved_by_a_checkpoint(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = filled(store).await else { return };
    let kept = sign(&ledger, 1).await;
    let Some((_other_home, other)) = fresh(store).await else { return };
    other.append((0..30).map(|n| draft(&format!("S{}", n % 5), n)).collect()).await.unwrap();
    assert!(verify(&other, &[], None).await.is_sound());
    let verified = verify(&other, std::slice::from_ref(&kept), None).await;
    let found = Some(other.head().await.unwrap().hash);
    assert_eq!(verified.checkpoints[0].outcome, Outcome::Rewritten { found });
    // The same by the checkpoint that the ledger itself holds.
    let line = kept.to_line();
    let statement = "INSERT INTO checkpoints (bytes, number) VALUES ($1, $2)";
    raw(&other).await.run_with(statement, line.as_bytes(), 1).await.unwrap();
    let verified = verify(&other, &[], None).await;
    assert_eq!((verified.checkpoints[0].place, verified.is_sound()), (Place::Ledger(1), false));
}

#[rstest]
#[tokio::test]
async fn another_key_and_a_forged_signature_are_told_apart(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = filled(store).await else { return };
    let mut kept = sign(&ledger, 1).await;
    sign(&ledger, 2).await;
    let trusted = PublicKey::from(&key(1));
    let verified = verify(&ledger, &[kept.clone()], Some(trusted)).await;
    let outcomes: Vec<_> = verified.checkpoints.iter().map(|verdict| verdict.outcome.clone()).collect();
    assert_eq!(outcomes, [Outcome::Holds, Outcome::UntrustedKey { trusted }, Outcome::Holds]);

    kept.count = 29;
    let verified = verify(&ledger, &[kept], None).await;
    assert_eq!(verified.checkpoints[2].outcome, Outcome::BadSignature);
}

#[rstest]
#[case("DELETE FROM checkpoints WHERE number = 2", Outcome::Missing)]
#[case("UPDATE checkpoints SET bytes = <{}> WHERE number = 2", Outcome::Unreadable { found: "missing field `count` at line 1 column 2".to_owned() })]
#[case("UPDATE checkpoints SET bytes = <bytes and a space> WHERE number = 2", Outcome::Unreadable { found: "JSON that is not in canonical form".to_owned() })]
#[case("UPDATE checkpoints SET number = 9 WHERE number = 1; UPDATE checkpoints SET number = 1 WHERE number = 2; UPDATE checkpoints SET number = 2 WHERE number = 9", Outcome::OutOfOrder { earlier: 31 })]
#[tokio::test]
async fn stored_checkpoints_are_in_order_and_whole(
    #[case] statement: &str,
    #[case] outcome: Outcome,
    #[values(Sqlite, Postgres)] store: Store,
) {
    let Some((_home, ledger)) = filled(store).await else { return };
    for minute in 40..43 {
        sign(&ledger, 1).await;
        ledger.append(vec![draft("S0", minute)]).await.unwrap();
    }
    tamper(&ledger, &said_to(store, statement)).await;
    let verified = verify(&ledger, &[], None).await;
    assert!(!verified.is_sound());
    assert_eq!(verified.checkpoints[1].outcome, outcome);
}

async fn first_fault_after(store: Store, statement: &str) -> Option<String> {
    let (_home, ledger) = filled(store).await?;
    raw(&ledger).await.run(statement).await.unwrap();
    let verified = verify(&ledger, &[], None).await;
    assert!(!verified.is_sound(), "{statement}");
    Some(verified.first_fault().unwrap())
}

#[rstest]
#[case("DROP TRIGGER events_are_not_updated", "the trigger `events_are_not_updated` is missing")]
#[case(
    "DROP INDEX events_by_subject; CREATE INDEX events_by_subject ON events (subject, seq) WHERE seq <> 3",
    "the index `events_by_subject` was altered"
)]
#[case("CREATE TRIGGER more AFTER INSERT ON events BEGIN SELECT 1; END", "there is a trigger `more`")]
#[tokio::test]
async fn an_altered_table_or_trigger_of_a_file_is_told(#[case] statement: &str, #[case] words: &str) {
    let fault = first_fault_after(Sqlite, statement).await.unwrap();
    assert!(fault.contains(words), "{fault}");
}

#[rstest]
#[case("DROP TRIGGER events_are_not_changed ON events", "the trigger `events_are_not_changed` is missing")]
#[case("ALTER TABLE events DISABLE TRIGGER events_follow_on", "the trigger `events_follow_on` was altered")]
#[case("ALTER TABLE events ENABLE TRIGGER events_follow_on", "the trigger `events_follow_on` was altered")]
#[case(
    "CREATE OR REPLACE FUNCTION nothing_changes() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "the function `nothing_changes` was altered"
)]
#[case(
    "ALTER FUNCTION events_follow_on() SET search_path = public",
    "the function `events_follow_on` was altered"
)]
#[case(
    "DROP INDEX events_by_subject; CREATE INDEX events_by_subject ON events (subject, seq) WHERE seq <> 3",
    "the index `events_by_subject` was altered"
)]
#[case("DROP INDEX events_by_kind", "the index `events_by_kind` is missing")]
#[case("ALTER TABLE events DROP CONSTRAINT events_pkey", "the constraint `events_pkey` is missing")]
#[case("ALTER TABLE events ALTER kind TYPE text COLLATE \"und-x-icu\"", "the table `events` was altered")]
#[case("ALTER TABLE events ADD COLUMN more int", "the table `events` was altered")]
#[case("ALTER TABLE checkpoints SET UNLOGGED", "the table `checkpoints` was altered")]
#[case("ALTER TABLE events ENABLE ROW LEVEL SECURITY", "the table `events` was altered")]
#[case("CREATE POLICY hide ON events USING (seq <> 3)", "there is a policy `hide`")]
#[case("CREATE RULE lose AS ON INSERT TO events DO INSTEAD NOTHING", "there is a rule `lose`")]
#[case("CREATE TABLE heir () INHERITS (events)", "the table `events` was altered")]
#[case(
    "CREATE TRIGGER more BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "there is a trigger `more`"
)]
#[tokio::test]
async fn an_altered_table_or_trigger_of_a_schema_is_told(#[case] statement: &str, #[case] words: &str) {
    let Some(fault) = first_fault_after(Postgres, statement).await else { return };
    assert!(fault.contains(words), "{fault}");
}

#[rstest]
#[tokio::test]
async fn a_clock_that_went_back_is_noted_and_is_no_fault(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = fresh(store).await else { return };
    ledger.append([5, 9, 3, 4, 2].map(|minute| draft("A", minute)).into()).await.unwrap();
    let verified = verify(&ledger, &[], None).await;
    assert!(verified.is_sound());
    assert!(
        verified.notes[0].starts_with("2 event(s)") && verified.notes[0].contains("event 3 first"),
        "{:?}",
        verified.notes
    );
}

/// More events than are checked as one piece, altered on both sides of the border between two.
#[rstest]
#[case(2047)]
#[case(2048)]
#[case(2049)]
#[tokio::test]
async fn an_altered_event_is_named_wherever_it_lies(
    #[case] seq: u64,
    #[values(Sqlite, Postgres)] store: Store,
) {
    let Some((_home, ledger)) = fresh(store).await else { return };
    ledger.append((0..5000).map(|n| draft(&format!("S{}", n % 4), n % 60)).collect()).await.unwrap();
    let kept = sign(&ledger, 1).await;
    assert!(verify(&ledger, std::slice::from_ref(&kept), None).await.is_sound());
    tamper(&ledger, &said_to(store, &format!("UPDATE events SET hash = <32 zeros> WHERE seq = {seq}"))).await;
    let verified = verify(&ledger, &[kept], None).await;
    assert_eq!((verified.first.unwrap().seq, verified.misfits), (seq, 2));
}
