//! Verification: checkpoints, cut-off tails, rewritten ledgers, altered tables, and what is said of it.

use ledger::{Check, Checkpoint, Ledger, Outcome, Place, PublicKey, SigningKey, Verified};
use rstest::rstest;

use crate::{draft, fresh, raw, run};

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

async fn sign(ledger: &Ledger, n: u8) -> Checkpoint {
    ledger.checkpoint(&key(n), "2026-03-04T11:00:00Z".parse().unwrap()).await.unwrap()
}

async fn verify(ledger: &Ledger, outside: &[Checkpoint], trusted: Option<PublicKey>) -> Verified {
    ledger.verify(outside, trusted, |_, _| {}).await.unwrap()
}

/// What somebody does who knows how a ledger is made: the triggers are back afterwards.
async fn tamper(ledger: &Ledger, statement: &str) {
    let mut connection = raw(ledger).await;
    let triggers: Vec<(String, String)> =
        sqlx::query_as("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let drop: Vec<_> = triggers.iter().map(|(name, _)| format!("DROP TRIGGER {name};")).collect();
    let restore: Vec<_> = triggers.iter().map(|(_, sql)| format!("{sql};")).collect();
    let (drop, restore) = (drop.concat(), restore.concat());
    run(&mut connection, &format!("BEGIN; {drop} {statement}; {restore} COMMIT")).await.unwrap();
}

async fn filled() -> (tempfile::TempDir, Ledger) {
    let (directory, ledger) = fresh().await;
    ledger.append((0..30).map(|n| draft(&format!("S{}", n % 4), n)).collect()).await.unwrap();
    (directory, ledger)
}

#[tokio::test]
async fn a_sound_ledger_is_sound_and_its_limits_are_said() {
    let (_directory, ledger) = filled().await;
    let kept = sign(&ledger, 1).await;
    ledger.append(vec![draft("S0", 40)]).await.unwrap();
    let mut steps = Vec::new();
    let verified = ledger.verify(&[kept], None, |done, of| steps.push((done, of))).await.unwrap();
    assert!(verified.is_sound(), "{verified:?}");
    assert_eq!(verified.head, ledger.head().await.unwrap());
    assert_eq!((steps.first(), steps.last()), (Some(&(0, 31)), Some(&(31, 31))));
    assert_eq!(verified.checkpoints.len(), 2);
    assert_eq!(verified.first_fault(), None);
    assert!(verified.notes.is_empty());
    let limits = verified.limits.join("\n");
    for words in ["after event 30", "there are 31", "stolen password", "clock", "no trusted public key"] {
        assert!(limits.contains(words), "{words}: {limits}");
    }
    assert!(verify(&ledger, &[], None).await.limits[0].contains("no checkpoint kept outside"));
}

#[tokio::test]
async fn an_empty_ledger_and_its_checkpoint_are_sound() {
    let (_directory, ledger) = fresh().await;
    let kept = sign(&ledger, 1).await;
    assert_eq!(kept.count, 0);
    assert!(verify(&ledger, &[kept], Some((&key(1)).into())).await.is_sound());
}

#[rstest]
#[case::bytes(
    "UPDATE events SET bytes = replace(CAST(bytes AS TEXT), '10:06', '10:07') WHERE seq = 7",
    7,
    Check::Hash
)]
#[case::hash("UPDATE events SET hash = zeroblob(32) WHERE seq = 7", 7, Check::Hash)]
#[case::short_hash("UPDATE events SET hash = zeroblob(3) WHERE seq = 7", 7, Check::Hash)]
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
) {
    let (_directory, ledger) = filled().await;
    let statement = statement.replace(
        "replace(CAST(bytes AS TEXT), '10:06', '10:07')",
        "CAST(replace(CAST(bytes AS TEXT), '10:06', '10:07') AS BLOB)",
    );
    tamper(&ledger, &statement).await;
    let verified = verify(&ledger, &[], None).await;
    assert!(!verified.is_sound());
    let first = verified.first.clone().unwrap();
    assert_eq!((first.seq, first.check), (seq, check), "{first}");
    assert!(first.to_string().contains(&format!("event {seq} ")), "{first}");
    assert!(verified.file.is_empty(), "{:?}", verified.file);
}

/// An event with a good hash that is not in canonical form: another program wrote it.
#[tokio::test]
async fn bytes_that_are_not_canonical_are_found_though_the_hash_fits() {
    let (_directory, ledger) = filled().await;
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
        let mut connection = raw(&ledger).await;
        sqlx::query("INSERT INTO events VALUES (31, NULL, 'k', 1772618400000000000, ?, ?)")
            .bind(bytes.as_bytes())
            .bind(&hash.as_bytes()[..])
            .execute(&mut connection)
            .await
            .unwrap();
        let first = verify(&ledger, &[], None).await.first.unwrap();
        assert_eq!((first.seq, first.check), (31, Check::Canonical), "{bytes}: {first}");
        tamper(&ledger, "DELETE FROM events WHERE seq = 31").await;
    }
    assert!(verify(&ledger, &[], None).await.is_sound());
}

#[tokio::test]
async fn a_tail_cut_off_is_proved_by_a_checkpoint_from_outside_only() {
    let (_directory, ledger) = filled().await;
    let kept = sign(&ledger, 1).await;
    tamper(&ledger, "DELETE FROM events WHERE seq > 28; DELETE FROM checkpoints").await;
    assert!(verify(&ledger, &[], None).await.is_sound(), "nothing in the file tells");
    let verified = verify(&ledger, &[kept], None).await;
    assert_eq!(verified.checkpoints[0].outcome, Outcome::CutOff { found: 28 });
    assert!(verified.first_fault().unwrap().contains("events were cut off: 28 are left"));
    assert!(verified.limits[0].contains("no checkpoint kept outside was given that holds"));
}

#[tokio::test]
async fn a_rewritten_ledger_is_proved_by_a_checkpoint() {
    let (_directory, ledger) = filled().await;
    let kept = sign(&ledger, 1).await;
    let (_other_directory, other) = fresh().await;
    other.append((0..30).map(|n| draft(&format!("S{}", n % 5), n)).collect()).await.unwrap();
    assert!(verify(&other, &[], None).await.is_sound());
    let verified = verify(&other, std::slice::from_ref(&kept), None).await;
    let found = Some(other.head().await.unwrap().hash);
    assert_eq!(verified.checkpoints[0].outcome, Outcome::Rewritten { found });
    // The same by the checkpoint that the ledger itself holds.
    let line = kept.to_line();
    sqlx::query("INSERT INTO checkpoints VALUES (1, ?)")
        .bind(line.as_bytes())
        .execute(&mut raw(&other).await)
        .await
        .unwrap();
    let verified = verify(&other, &[], None).await;
    assert_eq!((verified.checkpoints[0].place, verified.is_sound()), (Place::Ledger(1), false));
}

#[tokio::test]
async fn another_key_and_a_forged_signature_are_told_apart() {
    let (_directory, ledger) = filled().await;
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
#[case("UPDATE checkpoints SET bytes = x'7b7d' WHERE number = 2", Outcome::Unreadable { found: "missing field `count` at line 1 column 2".to_owned() })]
#[case("UPDATE checkpoints SET bytes = CAST(CAST(bytes AS TEXT) || ' ' AS BLOB) WHERE number = 2", Outcome::Unreadable { found: "JSON that is not in canonical form".to_owned() })]
#[case("UPDATE checkpoints SET number = 9 WHERE number = 1; UPDATE checkpoints SET number = 1 WHERE number = 2; UPDATE checkpoints SET number = 2 WHERE number = 9", Outcome::OutOfOrder { earlier: 31 })]
#[tokio::test]
async fn stored_checkpoints_are_in_order_and_whole(#[case] statement: &str, #[case] outcome: Outcome) {
    let (_directory, ledger) = filled().await;
    for minute in 40..43 {
        sign(&ledger, 1).await;
        ledger.append(vec![draft("S0", minute)]).await.unwrap();
    }
    tamper(&ledger, statement).await;
    let verified = verify(&ledger, &[], None).await;
    assert!(!verified.is_sound());
    assert_eq!(verified.checkpoints[1].outcome, outcome);
}

#[rstest]
#[case("DROP TRIGGER events_are_not_updated", "the trigger `events_are_not_updated` is missing")]
#[case(
    "DROP INDEX events_by_subject; CREATE INDEX events_by_subject ON events (subject, seq) WHERE seq <> 3",
    "the index `events_by_subject` was altered"
)]
#[case("CREATE TRIGGER more AFTER INSERT ON events BEGIN SELECT 1; END", "there is a trigger `more`")]
#[tokio::test]
async fn an_altered_table_or_trigger_is_told(#[case] statement: &str, #[case] words: &str) {
    let (_directory, ledger) = filled().await;
    run(&mut raw(&ledger).await, statement).await.unwrap();
    let verified = verify(&ledger, &[], None).await;
    assert!(!verified.is_sound());
    assert!(verified.first_fault().unwrap().contains(words), "{:?}", verified.file);
}

#[tokio::test]
async fn a_clock_that_went_back_is_noted_and_is_no_fault() {
    let (_directory, ledger) = fresh().await;
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
async fn an_altered_event_is_named_wherever_it_lies(#[case] seq: u64) {
    let (_directory, ledger) = fresh().await;
    ledger.append((0..5000).map(|n| draft(&format!("S{}", n % 4), n % 60)).collect()).await.unwrap();
    let kept = sign(&ledger, 1).await;
    assert!(verify(&ledger, std::slice::from_ref(&kept), None).await.is_sound());
    tamper(&ledger, &format!("UPDATE events SET hash = zeroblob(32) WHERE seq = {seq}")).await;
    let verified = verify(&ledger, &[kept], None).await;
    assert_eq!((verified.first.unwrap().seq, verified.misfits), (seq, 2));
}
