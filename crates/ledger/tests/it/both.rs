//! Opening to read, backup and restoration: from either store into either.

use std::fs;

use ledger::{Address, Error, Ledger, Outcome, SigningKey, Stored};
use rstest::rstest;

use crate::{Home, Store, Store::Postgres, Store::Sqlite, draft, fresh, raw, said_to, tamper};

fn key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

async fn all(ledger: &Ledger) -> Vec<Stored> {
    let (mut stream, mut events) = (ledger.all(1), Vec::new());
    while let Some(event) = stream.next().await {
        events.push(event.unwrap());
    }
    events
}

#[rstest]
#[tokio::test]
async fn a_ledger_is_made_once_and_opened_again(#[values(Sqlite, Postgres)] store: Store) {
    let Some((home, ledger)) = fresh(store).await else { return };
    ledger.append(vec![draft("A", 1)]).await.unwrap();
    let head = ledger.head().await.unwrap();
    let refused = Ledger::create(&home.address).await.err().unwrap();
    assert!(matches!(refused, Error::Exists { .. }), "{refused}");
    ledger.close().await;

    let ledger = Ledger::open(&home.address).await.unwrap();
    assert_eq!(ledger.head().await.unwrap(), head);
    ledger.append(vec![draft("A", 2).expecting(1)]).await.unwrap();
    assert_eq!(ledger.file().is_some(), store == Sqlite);
    assert_eq!(ledger.address().postgres().is_some(), store == Postgres);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_make_the_same_ledger_one_succeeds(#[values(Sqlite, Postgres)] store: Store) {
    let Some(home) = Home::new(store) else { return };
    let makers: Vec<_> = (0..8)
        .map(|_| {
            let address = home.address.clone();
            tokio::spawn(async move { Ledger::create(address).await.map(drop) })
        })
        .collect();
    let mut made = 0;
    for maker in makers {
        match maker.await.unwrap() {
            Ok(()) => made += 1,
            Err(error) => assert!(matches!(error, Error::Exists { .. }), "{error}"),
        }
    }
    assert_eq!(made, 1);
}

#[rstest]
#[tokio::test]
async fn a_ledger_opened_to_be_read_is_not_written(#[values(Sqlite, Postgres)] store: Store) {
    let Some((home, ledger)) = fresh(store).await else { return };
    ledger.append(vec![draft("A", 1)]).await.unwrap();
    let reader = Ledger::open_read_only(&home.address).await.unwrap();
    assert!(matches!(reader.append(vec![draft("A", 2)]).await, Err(Error::ReadOnly { .. })));
    assert!(matches!(reader.begin().await.err(), Some(Error::ReadOnly { .. })));
    ledger.append(vec![draft("A", 2)]).await.unwrap();
    assert_eq!(reader.head().await.unwrap().count, 2, "it sees what others write");
}

#[rstest]
#[tokio::test]
async fn a_backup_is_a_whole_ledger_and_never_takes_a_files_place(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = fresh(store).await else { return };
    ledger.append((0..200).map(|n| draft(&format!("S{}", n % 9), n % 60)).collect()).await.unwrap();
    let checkpoint = ledger.checkpoint(&key(), "2026-03-04T11:00:00Z".parse().unwrap()).await.unwrap();
    let mut busy = ledger.begin().await.unwrap(); // a writer is at work meanwhile
    busy.append(draft("unfinished", 1)).await.unwrap();

    let directory = tempfile::tempdir().unwrap();
    let to = directory.path().join("backup.ledger");
    let verified = ledger.backup(&to).await.unwrap();
    assert_eq!(verified.head, ledger.head().await.unwrap());
    drop(busy);
    let names: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["backup.ledger"]);
    let refused = ledger.backup(&to).await.unwrap_err();
    assert!(matches!(refused, Error::Exists { .. }), "{refused}");

    let copy = Ledger::open(&to).await.unwrap();
    assert_eq!(all(&copy).await, all(&ledger).await);
    assert_eq!(copy.checkpoints().await.unwrap(), std::slice::from_ref(&checkpoint));
    assert!(copy.verify(&[checkpoint], Some((&key()).into()), |_, _| {}).await.unwrap().is_sound());
    copy.append(vec![draft("S0", 1)]).await.unwrap();
    assert!(raw(&copy).await.run("DELETE FROM events").await.is_err(), "the triggers came along");
    copy.close().await;
}

#[rstest]
#[tokio::test]
async fn a_ledger_that_does_not_verify_gives_no_backup(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = fresh(store).await else { return };
    ledger.append(vec![draft("A", 1)]).await.unwrap();
    tamper(&ledger, "UPDATE events SET kind = 'other'").await;
    let directory = tempfile::tempdir().unwrap();
    let refused = ledger.backup(directory.path().join("backup.ledger")).await.unwrap_err();
    assert!(matches!(refused, Error::Unsound { .. }), "{refused}");
    assert!(refused.to_string().contains("column `kind`"), "{refused}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

/// A backup, with a checkpoint in it and one kept outside.
async fn backed_up(
    store: Store,
) -> Option<(tempfile::TempDir, std::path::PathBuf, Vec<Stored>, ledger::Checkpoint)> {
    let (_home, ledger) = fresh(store).await?;
    ledger.append((0..300).map(|n| draft(&format!("S{}", n % 9), n % 60)).collect()).await.unwrap();
    let checkpoint = ledger.checkpoint(&key(), "2026-03-04T11:00:00Z".parse().unwrap()).await.unwrap();
    ledger.append(vec![draft("é", 1)]).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let backup = directory.path().join("backup.ledger");
    ledger.backup(&backup).await.unwrap();
    let events = all(&ledger).await;
    Some((directory, backup, events, checkpoint))
}

#[rstest]
#[tokio::test]
async fn a_backup_of_either_store_is_restored_into_either(
    #[values(Sqlite, Postgres)] from: Store,
    #[values(Sqlite, Postgres)] to: Store,
) {
    let Some((_directory, backup, events, checkpoint)) = backed_up(from).await else { return };
    let Some(home) = Home::new(to) else { return };
    let (outside, trusted) = ([checkpoint.clone()], Some((&key()).into()));
    let verified = Ledger::restore(&backup, &home.address, &outside, trusted).await.unwrap();
    assert_eq!((verified.head.count, verified.checkpoints.len(), verified.is_sound()), (301, 2, true));

    let ledger = Ledger::open(&home.address).await.unwrap();
    assert_eq!(all(&ledger).await, events);
    assert_eq!(ledger.checkpoints().await.unwrap(), [checkpoint]);
    assert!(ledger.verify(&outside, trusted, |_, _| {}).await.unwrap().is_sound());
    assert_eq!(ledger.append(vec![draft("é", 2).expecting(301)]).await.unwrap()[0].seq, 302);
    let refused = Ledger::restore(&backup, &home.address, &[], None).await.unwrap_err();
    assert!(matches!(refused, Error::Exists { .. }), "{refused}");
    assert_eq!(ledger.head().await.unwrap().count, 302, "it is left as it is");
}

#[rstest]
#[case::altered("UPDATE events SET hash = <32 zeros> WHERE seq = 77", 1)]
#[case::cut_off("DELETE FROM events WHERE seq > 250; DELETE FROM checkpoints", 1)]
#[case::another_key("SELECT 1", 2)]
#[tokio::test]
async fn a_backup_that_does_not_verify_is_not_restored(
    #[case] statement: &str,
    #[case] trusted: u8,
    #[values(Sqlite, Postgres)] to: Store,
) {
    let Some((_directory, backup, _, checkpoint)) = backed_up(Sqlite).await else { return };
    let Some(home) = Home::new(to) else { return };
    let ledger = Ledger::open(&backup).await.unwrap();
    tamper(&ledger, &said_to(Sqlite, statement)).await;
    ledger.close().await;
    let trusted = SigningKey::from_bytes(&[trusted; 32]);
    let refused =
        Ledger::restore(&backup, &home.address, &[checkpoint], Some((&trusted).into())).await.unwrap_err();
    assert!(matches!(refused, Error::Unsound { .. }), "{refused}");
    let none = Ledger::open(&home.address).await.err().unwrap();
    assert!(matches!(none, Error::NotFound { .. }), "no half of a ledger is left: {none}");
    Ledger::create(&home.address).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn what_is_no_backup_is_not_restored(#[values(Sqlite, Postgres)] to: Store) {
    let Some(home) = Home::new(to) else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("notes.txt");
    let missing = Ledger::restore(&file, &home.address, &[], None).await.unwrap_err();
    assert!(matches!(&missing, Error::NotFound { at: Address::File(path) } if *path == file), "{missing}");
    fs::write(&file, "no ledger").unwrap();
    let other = Ledger::restore(&file, &home.address, &[], None).await.unwrap_err();
    assert!(matches!(other, Error::NotALedger { .. }), "{other}");
    assert!(matches!(Ledger::open(&home.address).await.err(), Some(Error::NotFound { .. })));
}

#[rstest]
#[tokio::test]
async fn a_checkpoint_from_outside_tells_of_a_cut_off_tail(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = fresh(store).await else { return };
    ledger.append((0..9).map(|n| draft("A", n)).collect()).await.unwrap();
    let kept = ledger.checkpoint(&key(), "2026-03-04T11:00:00Z".parse().unwrap()).await.unwrap();
    tamper(&ledger, "DELETE FROM events WHERE seq > 7; DELETE FROM checkpoints").await;
    let verified = ledger.verify(&[kept], None, |_, _| {}).await.unwrap();
    assert_eq!(verified.checkpoints[0].outcome, Outcome::CutOff { found: 7 });
    let limits = verified.limits.join("\n");
    assert_eq!(limits.contains("pg_amcheck"), store == Postgres, "{limits}");
}
