//! Crashes: a writer killed at random moments, and a write-ahead log that lost its tail.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use ledger::{Address, Error, Hash, Ledger, Outcome, SigningKey, Stored};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rstest::rstest;

use crate::{Home, Store, Store::Postgres, Store::Sqlite, draft, fresh, fresh_file, path_in};

const LEDGER: &str = "TRIALWRIGHT_TEST_WRITE_TO";

/// Says on the standard output that an event was acknowledged.
fn acknowledge(events: &[Stored]) {
    let lines: Vec<_> =
        events.iter().map(|event| format!("acknowledged {} {}\n", event.seq, event.hash)).collect();
    // In one write, so that the lines of several tasks do not mix.
    std::io::stdout().lock().write_all(lines.concat().as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
}

/// Not a test by itself: the process that is killed. It writes until then, in all ways there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writer_to_be_killed() {
    let Ok(address) = std::env::var(LEDGER) else { return };
    let ledger = Ledger::open(address.parse::<Address>().unwrap()).await.unwrap();
    for task in 0..6 {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            for n in 0.. {
                let drafts = (0..=n % 3).map(|minute| draft(&format!("S{task}"), minute)).collect();
                acknowledge(&ledger.append(drafts).await.unwrap());
            }
        });
    }
    let key = SigningKey::from_bytes(&[1; 32]);
    for n in 0_u32.. {
        let mut writer = ledger.begin().await.unwrap();
        let mut events = Vec::new();
        for _ in 0..(n * 37) % 100 {
            events.push(writer.append(draft("batch", n % 60)).await.unwrap());
        }
        writer.commit().await.unwrap();
        acknowledge(&events);
        ledger.checkpoint(&key, "2026-03-04T11:00:00Z".parse().unwrap()).await.unwrap();
    }
}

/// Starts the writer, kills it after a while, and gives what it had acknowledged.
fn write_and_kill(home: &Home, after: Duration) -> BTreeMap<u64, Hash> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::writer_to_be_killed", "--nocapture"])
        .env(LEDGER, home.text())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let reader = thread::spawn(move || {
        let (mut acknowledged, mut line) = (BTreeMap::new(), String::new());
        while output.read_line(&mut line).unwrap() > 0 {
            // The last line may have been cut off by the kill.
            if let Some(["acknowledged", seq, hash]) =
                line.strip_suffix('\n').map(|l| l.split(' ').collect::<Vec<_>>()).as_deref()
            {
                acknowledged.insert(seq.parse().unwrap(), hash.parse().unwrap());
            }
            line.clear();
        }
        acknowledged
    });
    thread::sleep(after);
    assert!(child.try_wait().unwrap().is_none(), "the writer ended by itself: {}", errors(&mut child));
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
    reader.join().unwrap()
}

fn errors(child: &mut std::process::Child) -> String {
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

/// `TRIALWRIGHT_KILLS` raises the count; `TRIALWRIGHT_SEED` repeats a run.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_killed_at_random_moments_loses_nothing_it_acknowledged(
    #[values(Sqlite, Postgres)] store: Store,
) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let (kills, seed) = (
        number("TRIALWRIGHT_KILLS").unwrap_or(if store == Sqlite { 50 } else { 20 }),
        number("TRIALWRIGHT_SEED").unwrap_or_else(rand::random),
    );
    println!("TRIALWRIGHT_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);

    let Some((mut home, ledger)) = fresh(store).await else { return };
    ledger.close().await;
    let (mut acknowledged, mut total, mut kept) = (BTreeMap::new(), 0, None);
    for kill in 1..=kills {
        let after = Duration::from_micros(random.random_range(1_000..60_000));
        let heard = write_and_kill(&home, after);
        total += heard.len();
        acknowledged.extend(heard);

        let ledger = Ledger::open(&home.address).await.unwrap();
        let verified = ledger.verify(kept.as_slice(), None, |_, _| {}).await.unwrap();
        assert!(verified.is_sound(), "kill {kill} after {after:?}: {:?}", verified.first_fault());
        let mut events = ledger.all(1);
        let mut remaining = acknowledged.clone();
        while let Some(event) = events.next().await {
            let event = event.unwrap();
            if let Some(hash) = remaining.remove(&event.seq) {
                assert_eq!(
                    event.hash, hash,
                    "kill {kill}: event {} is another than was acknowledged",
                    event.seq
                );
            }
        }
        assert!(
            remaining.is_empty(),
            "kill {kill} after {after:?}: acknowledged and lost: {:?}",
            remaining.keys()
        );
        // The next writer, and this one, go on where the killed one stopped.
        acknowledged.extend(
            ledger.append(vec![draft("after", 1)]).await.unwrap().iter().map(|event| (event.seq, event.hash)),
        );
        kept = Some(
            ledger
                .checkpoint(&SigningKey::from_bytes(&[2; 32]), "2026-03-04T11:00:00Z".parse().unwrap())
                .await
                .unwrap(),
        );
        ledger.close().await;
        if kill % 5 == 0 {
            let Some((next, ledger)) = fresh(store).await else { return };
            ledger.close().await;
            (home, acknowledged, kept) = (next, BTreeMap::new(), None);
        }
    }
    println!("{kills} kills, {total} events acknowledged before them");
    assert!(
        total as u64 > kills,
        "the writers had hardly begun: {total} events were acknowledged before {kills} kills"
    );
}

/// A ledger whose last appends are in its write-ahead log only, as files: the database, the log, the heads after each append.
async fn with_log() -> (Vec<u8>, Vec<u8>, Vec<Hash>, ledger::Checkpoint) {
    let (_directory, ledger) = fresh_file().await;
    let mut hashes = vec![Hash::ZERO];
    for n in 0..12 {
        let stored = ledger.append(vec![draft(&format!("S{}", n % 3), n)]).await.unwrap();
        hashes.extend(stored.iter().map(|event| event.hash));
    }
    let head = ledger.head().await.unwrap();
    let log = ledger.path().with_file_name("trial.ledger-wal");
    let files = (fs::read(ledger.path()).unwrap(), fs::read(log).unwrap());
    let kept = ledger
        .checkpoint(&SigningKey::from_bytes(&[1; 32]), "2026-03-04T11:00:00Z".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(kept.count, head.count);
    (files.0, files.1, hashes, kept)
}

/// Opens a database with a log; whatever is there is a beginning of what was acknowledged, whole and sound. Gives its length.
async fn recover(
    database: &[u8],
    log: &[u8],
    hashes: &[Hash],
    kept: &ledger::Checkpoint,
) -> Result<usize, Error> {
    let directory = tempfile::tempdir().unwrap();
    fs::write(path_in(&directory), database).unwrap();
    fs::write(directory.path().join("trial.ledger-wal"), log).unwrap();
    let ledger = Ledger::open(path_in(&directory)).await?;
    let head = ledger.head().await?;
    let count = usize::try_from(head.count).unwrap();
    assert_eq!(head.hash, hashes[count], "event {count} is another than was acknowledged");
    let verified = ledger.verify(&[], None, |_, _| {}).await?;
    assert!(verified.is_sound(), "{:?}", verified.first_fault());
    // A loss that the files cannot show is shown by the checkpoint that was kept outside.
    let outcome =
        ledger.verify(std::slice::from_ref(kept), None, |_, _| {}).await?.checkpoints.remove(0).outcome;
    let lost = head.count < kept.count;
    assert_eq!(outcome, if lost { Outcome::CutOff { found: head.count } } else { Outcome::Holds });
    ledger.append(vec![draft("next", 1)]).await?;
    ledger.close().await;
    Ok(count)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_lost_its_tail_gives_a_whole_beginning() {
    let (database, log, hashes, kept) = with_log().await;
    let mut seen = std::collections::BTreeSet::new();
    for length in (0..=log.len()).rev().step_by(977) {
        match recover(&database, &log[..length], &hashes, &kept).await {
            Ok(count) => {
                seen.insert(count);
            }
            // The first frames make the schema: without them there is a file, but not yet a ledger.
            Err(error) => assert!(
                matches!(error, Error::NotALedger { .. } | Error::Damaged { .. }),
                "{length}: {error}"
            ),
        }
    }
    assert_eq!(seen.last(), Some(&12), "the whole log gives everything");
    assert!(seen.len() > 6, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_being_written_after_the_last_acknowledged_append_does_not_harm_it() {
    let (database, log, hashes, kept) = with_log().await;
    let mut random = StdRng::seed_from_u64(7);
    for length in [1, 24, 100, 4096, 4120, 9000] {
        let mut torn = log.clone();
        torn.extend(std::iter::repeat_with(|| random.random::<u8>()).take(length));
        assert_eq!(recover(&database, &torn, &hashes, &kept).await.unwrap(), 12, "{length} bytes of rubbish");
        // A frame that was valid once, again: its checksum goes on from another frame.
        let mut again = log.clone();
        let from = log.len() - 2 * 4120;
        again.extend_from_slice(&log[from..from + length.min(2 * 4120)]);
        assert_eq!(recover(&database, &again, &hashes, &kept).await.unwrap(), 12, "{length} bytes again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_with_a_changed_byte_gives_a_whole_beginning() {
    let (database, log, hashes, kept) = with_log().await;
    for at in (0..log.len()).step_by(1499) {
        let mut changed = log.clone();
        changed[at] ^= 0x10;
        match recover(&database, &changed, &hashes, &kept).await {
            Ok(count) => assert!(count <= 12),
            Err(error) => {
                assert!(matches!(error, Error::NotALedger { .. } | Error::Damaged { .. }), "{at}: {error}");
            }
        }
    }
}
