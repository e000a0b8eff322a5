//! Many who save at once: one commit for all of them, a conflict that can be read, and no write that is lost.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::common::{a_moment, act, at, correct, founded, instance, save, screened, screening};
use ledger::Ledger;
use office::{Action, Deed, Error, Office, Reason, Receipt};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use trial::event::{Event, What};

const SAVERS: u32 = 40;

fn contact(minutes: i64, subject: &str, n: u32) -> Action {
    let given = json!({ "SSDAT": "2026-03-01", "SSMETH": "VISIT" });
    act(minutes, subject, save(instance("contact", None, n), given))
}

fn subject(n: u32) -> String {
    format!("01-{n:03}")
}

type Task = JoinHandle<Result<Vec<Receipt>, Error>>;

fn submit(office: &Arc<Office>, actions: Vec<Action>) -> Task {
    let office = Arc::clone(office);
    tokio::spawn(async move { office.submit(actions).await })
}

fn refused(wrong: Error) -> office::Refusal {
    match wrong {
        Error::Refused(refusal) => *refusal,
        other => panic!("not a refusal: {other}"),
    }
}

/// The trial with subjects screened, opened by two offices (two processes would look the same to the ledger).
async fn twice(subjects: u32) -> (tempfile::TempDir, [Arc<Office>; 2]) {
    let (folder, office) = founded().await;
    let all = (0..subjects).flat_map(|n| screened(10, &subject(n), &[])).collect();
    office.submit(all).await.unwrap();
    let other = Ledger::open(folder.path().join("trial.ledger")).await.unwrap();
    (folder, [Arc::new(office), Arc::new(Office::open(other).await.unwrap())])
}

async fn events(office: &Office, subject: &str) -> Vec<(u64, Event)> {
    let stored = office.ledger().of_subject(subject, None).await.unwrap();
    stored.iter().map(|stored| (stored.seq, stored.parse().unwrap())).collect()
}

#[tokio::test]
async fn savers_of_many_subjects_share_a_commit() {
    let (_folder, offices) = twice(SAVERS).await;
    let before: u64 = offices.iter().map(|office| office.transactions()).sum();
    let savers: Vec<Task> =
        (0..SAVERS).map(|n| submit(&offices[n as usize % 2], vec![contact(20, &subject(n), 1)])).collect();
    let mut places = BTreeSet::new();
    for saver in savers {
        places.insert(saver.await.unwrap().unwrap()[0].seq);
    }
    assert_eq!(places.len(), SAVERS as usize);
    let commits = offices.iter().map(|office| office.transactions()).sum::<u64>() - before;
    assert!(commits <= u64::from(SAVERS) / 4, "{commits} commits for {SAVERS} submissions");
    a_moment().await;
    for n in 0..SAVERS {
        let record = offices[0].subject(&subject(n).into()).await.unwrap().unwrap();
        assert!(record.forms.iter().any(|form| form.instance.form == "contact"));
    }
    assert!(offices[0].ledger().verify(&[], None, |_, _| {}).await.unwrap().is_sound());
}

/// All of them had seen the same last event: one is in time, the others are told, look again, and are in time then.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_those_who_saw_the_same_state_one_wins_and_none_is_lost() {
    let (_folder, offices) = twice(1).await;
    let one = subject(0);
    let seen = events(&offices[0], &one).await.last().unwrap().0;
    let mut waiting: BTreeSet<u32> = (1..=12).collect();
    let (mut seen, mut rounds) = (seen, 0);
    while !waiting.is_empty() {
        let savers: Vec<(u32, Task)> = waiting
            .iter()
            .map(|n| {
                let action = contact(20, &one, *n).expecting(seen);
                (*n, submit(&offices[*n as usize % 2], vec![action]))
            })
            .collect();
        let mut winners = Vec::new();
        for (n, saver) in savers {
            match saver.await.unwrap() {
                Ok(receipts) => winners.push((n, receipts[0].seq)),
                Err(wrong) => {
                    let refusal = refused(wrong);
                    assert!(matches!(refusal.reason, Reason::Conflict { .. }), "{refusal}");
                    assert!(refusal.to_string().contains(&format!("event {seen} was taken")), "{refusal}");
                }
            }
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
        waiting.remove(&winners[0].0);
        seen = winners[0].1;
        assert_eq!(events(&offices[0], &one).await.last().unwrap().0, seen);
        rounds += 1;
    }
    assert_eq!(rounds, 12);
    a_moment().await;
    let record = offices[1].subject(&one.as_str().into()).await.unwrap().unwrap();
    assert_eq!(record.forms.iter().filter(|form| form.instance.form == "contact").count(), 12);
}

/// Who does not say what they had seen is put in line: each correction names the event it found standing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn corrections_of_one_form_are_put_in_line() {
    let (_folder, offices) = twice(1).await;
    let one = subject(0);
    // None is what stood before them, whichever comes first: that would be no correction.
    let ecog = |n: u32| json!({ "QSDAT": format!("2026-02-{:02}", 13 + n / 3), "ECOG": n % 3 });
    let savers: Vec<Task> = (0..15)
        .map(|n| {
            let deed = correct(screening("ecog"), ecog(n), "read again");
            submit(&offices[n as usize % 2], vec![act(20, &one, deed)])
        })
        .collect();
    for saver in savers {
        saver.await.unwrap().unwrap();
    }
    let mut standing = None;
    let mut given: Vec<Value> = Vec::new();
    for (seq, event) in events(&offices[0], &one).await {
        match event.what {
            What::FormSaved { instance, .. } if instance.form == "ecog" => standing = Some(seq),
            What::FormCorrected { corrects, values, .. } => {
                assert_eq!(Some(corrects), standing);
                standing = Some(seq);
                given.push(Value::Object(values));
            }
            _ => {}
        }
    }
    assert_eq!(given.len(), 15);
    assert!((0..15).all(|n| given.contains(&ecog(n))), "a correction was lost: {given:?}");
}

/// One is refused at once, one after its first action was taken into the transaction: the others do not notice.
#[tokio::test]
async fn a_refusal_in_the_group_leaves_the_others_alone() {
    let (_folder, [office, _]) = twice(8).await;
    let savers: Vec<Task> = (0..8)
        .map(|n| {
            let mut actions = vec![contact(20, &subject(n), 1)];
            match n {
                2 => actions = vec![act(20, &subject(n), Deed::Screen)],
                5 => actions.push(act(20, &subject(n), Deed::Screen)),
                _ => {}
            }
            submit(&office, actions)
        })
        .collect();
    for (n, saver) in savers.into_iter().enumerate() {
        let outcome = saver.await.unwrap();
        let n = u32::try_from(n).unwrap();
        let kept = events(&office, &subject(n)).await.len();
        if [2, 5].contains(&n) {
            let refusal = refused(outcome.unwrap_err());
            assert!(matches!(refusal.reason, Reason::AlreadyScreened { .. }));
            assert_eq!((refusal.index, kept), (usize::from(n == 5), 7));
        } else {
            assert_eq!((outcome.unwrap().len(), kept), (1, 8));
        }
    }
    // What is kept in memory is what the ledger holds.
    office.submit(vec![contact(20, &subject(5), 1), contact(21, &subject(2), 1)]).await.unwrap();
    let reading = office::open_reading(office.ledger().path(), None).unwrap();
    reading.records(|record| assert_eq!(record.forms.len(), 7)).unwrap();
    assert_eq!(reading.until, Some(at(21)));
}

/// Those who come at once are taken in the order of their clocks.
#[tokio::test]
async fn a_later_moment_that_came_first_does_not_turn_the_clock_back() {
    let (_folder, [office, _]) = twice(5).await;
    let savers: Vec<Task> =
        (0..5).map(|n| submit(&office, vec![contact(30 - i64::from(n), &subject(n), 1)])).collect();
    let mut places = Vec::new();
    for saver in savers {
        places.push(saver.await.unwrap().unwrap()[0].seq);
    }
    assert!(places.is_sorted_by(|a, b| a > b), "{places:?}");
}
