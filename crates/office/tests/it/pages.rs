//! What pages read: folders, the board, the trail. Each sees what was acknowledged, and waits for nobody who writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ledger::Ledger;
use office::{Board, Deed, Office, TrailFilter};
use rstest::rstest;
use serde_json::json;
use trial::event::Seq;
use trial::id::SubjectId;
use trial::record::Record;

use crate::common::{
    Kept, Place, a_moment, act, actor, amended, at, correct, founded, instance, open_site, protocol,
    randomise, save, screened, screening,
};

fn subject(n: u32) -> String {
    format!("01-{n:03}")
}

fn id(n: u32) -> SubjectId {
    subject(n).into()
}

fn contact(minutes: i64, n: u32, occurrence: u32) -> office::Action {
    let given = json!({ "SSDAT": "2026-03-01", "SSMETH": "VISIT" });
    act(minutes, &subject(n), save(instance("contact", None, occurrence), given))
}

async fn with_subjects(subjects: u32) -> (tempfile::TempDir, Office) {
    let (folder, office) = founded().await;
    office.submit((0..subjects).flat_map(|n| screened(10, &subject(n), &[])).collect()).await.unwrap();
    (folder, office)
}

async fn with_subjects_at(place: &Place, subjects: u32) -> Office {
    let office = place.found(protocol()).await;
    office.submit(vec![open_site(0, "01"), open_site(0, "02")]).await.unwrap();
    office.submit((0..subjects).flat_map(|n| screened(10, &subject(n), &[])).collect()).await.unwrap();
    office
}

async fn second(folder: &tempfile::TempDir) -> Office {
    Office::open(Ledger::open(folder.path().join("trial.ledger")).await.unwrap()).await.unwrap()
}

/// The record that the whole ledger gives.
async fn anew(office: &Office, id: &SubjectId) -> Record {
    let stored = office.ledger().of_subject(id.as_str(), None).await.unwrap();
    let events = stored
        .iter()
        .map(|stored| trial::event::Entered { seq: stored.seq, event: stored.parse().unwrap() })
        .collect();
    Record::fold_owned(&office.history().await.unwrap(), id, events)
}

/// Whatever was recorded before it was asked for, and whatever is at hand: the folder is what the ledger gives.
#[tokio::test]
async fn a_folder_is_what_the_ledger_gives() {
    let (_folder, office) = with_subjects(3).await;
    let ecog = |grade: u8| json!({ "QSDAT": "2026-02-12", "ECOG": grade });
    let steps = [
        correct(screening("ecog"), ecog(0), "misread"),
        Deed::Sign { instance: screening("ecog"), meaning: "seen".into() },
        Deed::Verify { instance: screening("history") },
        correct(screening("ecog"), ecog(2), "misread"),
        Deed::Lock { instance: screening("history"), locked: true },
        Deed::RaiseQuery { query: "Q1".into(), about: None, item: None, text: "?".into(), due: None },
        Deed::AnswerQuery { query: "Q1".into(), text: "!".into() },
        Deed::Randomise { date: jiff::civil::date(2026, 3, 1) },
        Deed::CloseQuery { query: "Q1".into() },
        Deed::Lock { instance: screening("history"), locked: false },
    ];
    for (n, deed) in steps.into_iter().enumerate() {
        let receipt = office.submit(vec![act(20, &subject(1), deed)]).await.unwrap().remove(0);
        if n % 3 == 2 {
            office.keep_in_memory(0);
            office.keep_in_memory(1 << 20);
        }
        let folder = office.folder(&id(1)).await.unwrap().unwrap();
        assert_eq!(folder.head_of_subject, receipt.seq, "what was acknowledged is read");
        assert_eq!(format!("{:?}", folder.record), format!("{:?}", anew(&office, &id(1)).await));
        assert_eq!(folder.events.last().unwrap().seq, receipt.seq);
        assert_eq!(office.events_of(&id(1)).await.unwrap(), *folder.events);
    }
    assert!(office.folder(&"01-999".into()).await.unwrap().is_none());
    assert!(office.folder(&"".into()).await.unwrap().is_none());
    assert!(office.folder(&"01\0".into()).await.unwrap().is_none());
    assert!(office.events_of(&"01-999".into()).await.unwrap().is_empty());
}

/// A refused submission, whether it had touched something or not, leaves what readers see.
#[tokio::test]
async fn a_refusal_is_not_seen_by_readers() {
    let (_folder, office) = with_subjects(2).await;
    let before = office.folder(&id(0)).await.unwrap().unwrap();
    let touching = vec![contact(20, 0, 1), open_site(20, "09"), act(20, &subject(0), Deed::Screen)];
    office.submit(touching).await.unwrap_err();
    office.submit(vec![act(20, &subject(0), Deed::Screen)]).await.unwrap_err();
    let after = office.folder(&id(0)).await.unwrap().unwrap();
    assert_eq!((after.head_of_subject, after.events.len()), (before.head_of_subject, before.events.len()));
    assert_eq!(format!("{:?}", after.record), format!("{:?}", before.record));
    assert_eq!(office.sites().await.unwrap().len(), 2);
    office.submit(vec![contact(20, 0, 1)]).await.unwrap();
    assert_eq!(office.folder(&id(0)).await.unwrap().unwrap().events.len(), before.events.len() + 1);
}

/// Another process opens sites, gives roles, randomises, adopts: this one follows without reading the whole again.
#[rstest]
#[case(Kept::InAFile)]
#[case(Kept::OnPostgres)]
#[tokio::test]
async fn an_office_follows_what_another_process_writes(#[case] kept: Kept) {
    let Some(place) = kept.place() else { return };
    let office = with_subjects_at(&place, 2).await;
    let other = place.open().await;
    office.folder(&id(0)).await.unwrap().unwrap();
    other.submit(vec![open_site(20, "05"), randomise(21, &subject(0)), contact(22, 1, 1)]).await.unwrap();
    let give = Deed::ChangeUser { user: "eva".into(), given: Some(trial::event::Role::Monitor) };
    other.submit(vec![office::Action::new(&actor(), at(23), give)]).await.unwrap();
    other.adopt(amended("2.0"), &actor(), at(24)).await.unwrap();
    a_moment().await;
    assert!(office.folder(&id(0)).await.unwrap().unwrap().record.randomised.is_some());
    assert_eq!(office.sites().await.unwrap().len(), 3);
    assert_eq!(office.grants_of("eva").await.unwrap().len(), 1);
    assert_eq!(office.history().await.unwrap().current().trial.version, "2.0");
    let (mine, others) = (office.overview().await.unwrap(), other.overview().await.unwrap());
    assert_eq!((mine.head, mine.last, mine.randomised), (others.head, Some(at(24)), 1));
    // And it writes on from there: the next place of the list, under the new version.
    let receipt = office.submit(vec![randomise(25, &subject(1))]).await.unwrap().remove(0);
    assert_eq!(receipt.allocation.unwrap().1, 1);
    let early = office.submit(vec![contact(24, 1, 2)]).await.unwrap_err();
    assert!(early.to_string().contains("the clock went backwards"), "{early}");
}

/// A reader asks while a writer holds the transaction: it is answered with what stands, and does not wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_does_not_wait_for_writing() {
    let (_folder, office) = with_subjects(2).await;
    let writer = office.ledger().begin().await.unwrap();
    let waiting = Arc::new(office);
    let submission = tokio::spawn({
        let office = Arc::clone(&waiting);
        async move { office.submit(vec![contact(20, 0, 1)]).await }
    });
    tokio::time::sleep(Duration::from_millis(150)).await;
    let read = async {
        for n in [0, 1] {
            assert_eq!(waiting.folder(&id(n)).await.unwrap().unwrap().events.len(), 7);
        }
        assert_eq!(waiting.sites().await.unwrap().len(), 2);
        assert_eq!(waiting.trial_events().await.unwrap().len(), 3);
    };
    tokio::time::timeout(Duration::from_secs(5), read).await.expect("a reader waits for the writer");
    assert!(!submission.is_finished());
    drop(writer);
    submission.await.unwrap().unwrap();
    assert_eq!(waiting.folder(&id(0)).await.unwrap().unwrap().events.len(), 8);
}

/// How many events a subject has, and how often values were made.
fn counting(office: &Office) -> (Board<(Seq, usize)>, Arc<AtomicU64>) {
    let made = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&made);
    let board = Board::start(office, move |_, record, events| {
        counter.fetch_add(1, Ordering::Relaxed);
        (events.last().map_or(0, |last| last.seq), record.forms.len())
    });
    (board, made)
}

#[tokio::test]
async fn the_board_shows_every_subject_and_makes_again_only_what_changed() {
    let (folder, office) = with_subjects(100).await;
    let (board, made) = counting(&office);
    let first = board.current().await.unwrap();
    let progress = board.progress();
    assert_eq!((progress.done, progress.of, progress.ready), (100, 100, true));
    assert_eq!((first.len(), made.load(Ordering::Relaxed)), (100, 100));
    assert!(first.iter().map(|(id, _)| id).is_sorted());
    assert_eq!(first.head, office.ledger().head().await.unwrap());
    // Nothing moved: the very same snapshot.
    assert!(Arc::ptr_eq(&first, &board.current().await.unwrap()));
    // One's own submission is seen at once, and costs one value.
    let seq = office.submit(vec![contact(20, 7, 1)]).await.unwrap()[0].seq;
    let second_look = board.current().await.unwrap();
    assert_eq!(**second_look.get(&id(7)).unwrap(), (seq, 7));
    assert_eq!(made.load(Ordering::Relaxed), 101);
    assert_eq!(first.get(&id(7)).unwrap().1, 6, "a snapshot never changes");
    // Another process's a moment later; a new subject too.
    let other = second(&folder).await;
    other.submit([screened(30, "01-777", &[]), vec![contact(30, 8, 1)]].concat()).await.unwrap();
    a_moment().await;
    let third = board.current().await.unwrap();
    assert_eq!((third.len(), third.get(&id(8)).unwrap().1, made.load(Ordering::Relaxed)), (101, 7, 103));
    assert_eq!(third.head, office.ledger().head().await.unwrap());
    // What speaks of no subject makes nothing again; another protocol version makes all.
    office.submit(vec![open_site(40, "04")]).await.unwrap();
    assert_eq!(board.current().await.unwrap().head.count, third.head.count + 1);
    assert_eq!(made.load(Ordering::Relaxed), 103);
    office.adopt(amended("2.0"), &actor(), at(41)).await.unwrap();
    assert_eq!(board.current().await.unwrap().history().current().trial.version, "2.0");
    assert_eq!(made.load(Ordering::Relaxed), 204);
}

/// More changed than the office remembers, as after a long night: the ledger is asked.
#[tokio::test]
async fn the_board_catches_up_on_more_than_is_remembered() {
    let (_folder, office) = with_subjects(4).await;
    let (board, _) = counting(&office);
    board.current().await.unwrap();
    for round in 0..9 {
        let verify = |n: u32| act(20 + round, &subject(n % 3), Deed::Verify { instance: screening("ecog") });
        office.submit((0..2_000).map(verify).collect()).await.unwrap();
    }
    let now = board.current().await.unwrap();
    for n in 0..4 {
        let last = office.ledger().of_subject(&subject(n), None).await.unwrap().last().unwrap().seq;
        assert_eq!(now.get(&id(n)).unwrap().0, last);
    }
}

/// While many write through two offices, whoever was told that it is recorded sees it on the board.
#[rstest]
#[case(Kept::InAFile)]
#[case(Kept::OnPostgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_board_is_never_behind_what_was_acknowledged(#[case] kept: Kept) {
    let Some(place) = kept.place() else { return };
    let offices = [Arc::new(with_subjects_at(&place, 20).await), Arc::new(place.open().await)];
    let boards: Vec<_> = offices.iter().map(|office| Arc::new(counting(office).0)).collect();
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let (office, board) = (Arc::clone(&offices[n % 2]), Arc::clone(&boards[n % 2]));
            let n = u32::try_from(n).unwrap();
            tokio::spawn(async move {
                for round in 1..=10 {
                    let mut action = contact(0, n, round);
                    action.recorded = None;
                    let seq = office.submit(vec![action]).await.unwrap()[0].seq;
                    let seen = board.current().await.unwrap();
                    assert!(seen.get(&id(n)).unwrap().0 >= seq, "{n} in round {round}");
                    let folder = office.folder(&id(n)).await.unwrap().unwrap();
                    assert!(folder.head_of_subject >= seq);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    a_moment().await;
    for board in &boards {
        let seen = board.current().await.unwrap();
        for n in 0..20 {
            assert_eq!(seen.get(&id(n)).unwrap().1, 16, "{n}");
        }
    }
}

#[tokio::test]
async fn the_trail_is_read_backwards_a_page_at_a_time() {
    let (_folder, office) = with_subjects(100).await;
    let erin = office::Actor::new("erin", trial::event::Role::Monitor);
    let verify = |n: u32, minutes| {
        office::Action::new(&erin, at(minutes), Deed::Verify { instance: screening("ecog") })
            .of(subject(n).as_str())
    };
    office.submit(vec![verify(3, 20)]).await.unwrap();
    office.submit(screened(21, "02-001", &[]).into_iter().map(|a| a.at("02")).collect()).await.unwrap();
    office.submit(vec![verify(5, 22)]).await.unwrap();
    let all = office.ledger().head().await.unwrap().count;

    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = office.trail(before, 123, &TrailFilter::default()).await.unwrap();
        assert!(page.events.len() <= 123);
        seen.extend(page.events.iter().map(|entered| entered.seq));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert!(seen.into_iter().eq((1..=all).rev()), "each event once, newest first");

    let find = async |filter: TrailFilter| -> Vec<Seq> {
        let page = office.trail(None, 1_000, &filter).await.unwrap();
        assert_eq!(page.next, None);
        page.events.iter().map(|entered| entered.seq).collect()
    };
    let none = TrailFilter::default;
    assert_eq!(find(TrailFilter { user: Some("erin".into()), ..none() }).await, [all, all - 8]);
    let of_site = TrailFilter { site: Some("02".into()), ..none() };
    assert_eq!(find(of_site.clone()).await.len(), 8, "its opening and its subject's events");
    assert_eq!(find(TrailFilter { kind: Some("form_saved".into()), ..of_site }).await.len(), 6);
    let of_form = TrailFilter { subject: Some(id(5)), instance: Some(screening("ecog")), ..none() };
    assert_eq!(find(of_form.clone()).await.len(), 2);
    assert_eq!(find(TrailFilter { user: Some("erin".into()), ..of_form }).await, [all]);
    assert_eq!(find(TrailFilter { user: Some("nobody".into()), ..none() }).await, Vec::<Seq>::new());
    // A subject's trail by pages of one.
    let of_subject = TrailFilter { subject: Some(id(5)), ..none() };
    let first = office.trail(None, 1, &of_subject).await.unwrap();
    assert_eq!((first.events[0].seq, first.next), (all, Some(all)));
    let rest = office.trail(first.next, 100, &of_subject).await.unwrap();
    assert_eq!((rest.events.len(), rest.next), (7, None));
}
