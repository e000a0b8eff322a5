//! The office's own clock: who says no moment is stamped at admission, and never before the ledger's last event.

use std::sync::Arc;

use jiff::Timestamp;
use ledger::Ledger;
use office::{Action, Error, Founding, Office, Reason, SeedPlace};
use serde_json::json;
use trial::event::{Event, What};
use trial::randomise::Seed;

use crate::common::{act, actor, at, correct, founded, open_site, protocol, save, screened, screening};

fn unsaid(mut action: Action) -> Action {
    action.recorded = None;
    action
}

async fn moments(office: &Office) -> Vec<Timestamp> {
    let mut moments = Vec::new();
    let mut all = office.ledger().all(1);
    while let Some(stored) = all.next().await {
        moments.push(stored.unwrap().parse::<Event>().unwrap().recorded);
    }
    moments
}

#[tokio::test]
async fn an_action_without_a_moment_gets_that_of_its_admission() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::create(folder.path().join("trial.ledger")).await.unwrap();
    let founding = Founding {
        protocol: protocol(),
        seed: Seed([7; 32]),
        seed_place: SeedPlace::Beside,
        actor: actor(),
        at: None,
        simulated: false,
    };
    let before = Timestamp::now() - jiff::SignedDuration::from_millis(1);
    let office = Office::establish(ledger, founding).await.unwrap();
    let receipts = office.submit(vec![unsaid(open_site(0, "01"))]).await.unwrap();
    let after = Timestamp::now();
    assert!((before..=after).contains(&receipts[0].recorded), "{before} {receipts:?} {after}");
    assert!(moments(&office).await.iter().all(|moment| (before..=after).contains(moment)));
}

/// The clock runs behind: the ledger's last event is of a later moment.
#[tokio::test]
async fn where_the_clock_is_behind_the_ledger_the_moment_stands_still() {
    let (_folder, office) = founded().await;
    let ahead = Timestamp::now() + jiff::SignedDuration::from_hours(24 * 365);
    let mut ahead_of_time = open_site(0, "03");
    ahead_of_time.recorded = Some(ahead);
    // Also within one submission.
    let receipts = office.submit(vec![ahead_of_time, unsaid(open_site(0, "04"))]).await.unwrap();
    assert_eq!(receipts[1].recorded, ahead);
    let receipts = office.submit(vec![unsaid(open_site(0, "05"))]).await.unwrap();
    assert_eq!(receipts[0].recorded, ahead);
    // Who says a moment of their own is still told that it is too early.
    let wrong = office.submit(vec![open_site(30, "06")]).await.unwrap_err();
    assert!(
        matches!(wrong, Error::Refused(refusal) if matches!(refusal.reason, Reason::TimeBackwards { .. }))
    );
}

/// Threads of their own, each with a runtime, over two offices: nobody is told that the clock ran backwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_stampers_never_turn_the_clock_back() {
    let (folder, office) = founded().await;
    let subjects: Vec<String> = (0..8).map(|n| format!("01-{n:03}")).collect();
    for subject in &subjects {
        office.submit(screened(10, subject, &[]).into_iter().map(unsaid).collect()).await.unwrap();
    }
    let other = Office::open(Ledger::open(folder.path().join("trial.ledger")).await.unwrap()).await.unwrap();
    let offices = [Arc::new(office), Arc::new(other)];
    let handle = tokio::runtime::Handle::current();
    let threads: Vec<_> = subjects
        .iter()
        .cloned()
        .enumerate()
        .map(|(n, subject)| {
            let (office, handle) = (Arc::clone(&offices[n % 2]), handle.clone());
            std::thread::spawn(move || {
                for round in 0..20_u32 {
                    let given =
                        json!({ "QSDAT": format!("2026-02-{:02}", 10 + round % 10), "ECOG": round % 3 });
                    let deed = correct(screening("ecog"), given, "read again");
                    handle.block_on(office.submit(vec![unsaid(act(0, &subject, deed))])).unwrap();
                }
            })
        })
        .collect();
    tokio::task::spawn_blocking(|| threads.into_iter().for_each(|thread| thread.join().unwrap()))
        .await
        .unwrap();
    let moments = moments(&offices[0]).await;
    assert_eq!(moments.len(), 3 + 8 * 7 + 8 * 20);
    assert!(moments.is_sorted());
}

/// Those who say a moment come before those who are stamped, or their moments would lie before the stamps.
#[tokio::test]
async fn those_who_say_a_moment_come_first() {
    let (_folder, office) = founded().await;
    let office = Arc::new(office);
    let tasks: Vec<_> = (0..6)
        .map(|n| {
            let office = Arc::clone(&office);
            let action = open_site(20, &format!("1{n}"));
            let action = if n % 2 == 0 { unsaid(action) } else { action };
            tokio::spawn(async move { office.submit(vec![action]).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert!(moments(&office).await.is_sorted());
    assert_eq!(moments(&office).await[5], at(20));
}

/// The day against which a form is checked is that of the stamp.
#[tokio::test]
async fn a_form_is_checked_against_the_day_of_the_stamp() {
    let (_folder, office) = founded().await;
    office.submit(screened(10, "01-001", &["ecog"]).into_iter().map(unsaid).collect()).await.unwrap();
    let tomorrow = trial::date::plus_days(trial::date::utc_date(Timestamp::now()), 2);
    let deed = save(screening("ecog"), json!({ "QSDAT": tomorrow.to_string(), "ECOG": 1 }));
    let wrong = office.submit(vec![unsaid(act(0, "01-001", deed))]).await.unwrap_err();
    assert!(wrong.to_string().contains("QSDAT"), "{wrong}");
    let kept = office.ledger().of_subject("01-001", None).await.unwrap();
    assert!(kept.iter().all(|s| !matches!(s.parse::<Event>().unwrap().what, What::FormSaved { instance, .. } if instance.form == "ecog")));
}
