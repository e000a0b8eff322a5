//! The seed and the allocations: drawn once each, inside the transaction, and recomputable.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::common::{
    a_moment, act, actor, amended, at, founded, open_site, protocol, randomise, screened, screening,
};
use ledger::Ledger;
use office::{Action, Deed, Error, Office, Reason, SeedFault, open_reading, seed_path};
use trial::event::What;
use trial::id::SubjectId;
use trial::randomise::Seed;

fn reason(wrong: Error) -> Reason {
    match wrong {
        Error::Refused(refusal) => refusal.reason,
        other => panic!("not a refusal: {other}"),
    }
}

/// Thirty tasks over two offices (two processes would look the same to the ledger) randomise at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_place_in_a_list_is_given_twice() {
    let (folder, office) = founded().await;
    for n in 0..30 {
        office.submit(screened(10, &format!("01-{n:03}"), &[])).await.unwrap();
    }
    let path = folder.path().join("trial.ledger");
    let other = Office::open(Ledger::open(&path).await.unwrap()).await.unwrap();
    let offices = [Arc::new(office), Arc::new(other)];
    let tasks: Vec<_> = (0..30)
        .map(|n| {
            let office = offices[n % 2].clone();
            tokio::spawn(
                async move { office.submit(vec![randomise(20, &format!("01-{n:03}"))]).await.unwrap() },
            )
        })
        .collect();
    let mut places = BTreeSet::new();
    for task in tasks {
        let receipts = task.await.unwrap();
        assert!(places.insert(receipts[0].allocation.as_ref().unwrap().1));
    }
    // All are of one stratum, so that the places are the list from its beginning.
    assert_eq!(places, (0..30).collect());
    let reveal = Action::new(&actor(), at(30), Deed::RevealSeed);
    offices[0].submit(vec![reveal]).await.unwrap();
    let audit = offices[1].verify_allocations().await.unwrap();
    assert!(audit.is_sound(), "{audit:?}");
    assert_eq!(audit.checked, 30);
    let wrong = offices[1].submit(vec![randomise(40, "01-000")]).await.unwrap_err();
    assert!(matches!(reason(wrong), Reason::AlreadyRandomised { .. }));
}

#[tokio::test]
async fn a_revealed_seed_ends_randomisation() {
    let (_folder, office) = founded().await;
    office.submit(screened(10, "01-001", &[])).await.unwrap();
    assert!(matches!(office.verify_allocations().await, Err(Error::NotRevealed)));
    let reveal = Action::new(&actor(), at(20), Deed::RevealSeed);
    office.submit(vec![reveal.clone()]).await.unwrap();
    let wrong = office.submit(vec![randomise(30, "01-001")]).await.unwrap_err();
    assert!(matches!(reason(wrong), Reason::Revealed { .. }));
    assert!(matches!(reason(office.submit(vec![reveal]).await.unwrap_err()), Reason::Revealed { .. }));
}

#[tokio::test]
async fn an_allocation_that_the_seed_does_not_give_is_named() {
    let (_folder, office) = founded().await;
    let mut actions = screened(10, "01-001", &[]);
    actions.push(randomise(11, "01-001"));
    let arm = office.submit(actions).await.unwrap().pop().unwrap().allocation.unwrap().0;
    office.submit(screened(12, "01-002", &[])).await.unwrap();
    // Somebody writes past the office.
    let forged = serde_json::json!({ "kind": "randomised", "who": "eve", "role": "investigator", "site": "01",
        "subject": "01-002", "recorded": at(13).to_string(), "arm": arm.as_str(), "date": "2026-03-01",
        "stratum": [["opd_lesions", "1"], ["bone_only", "no"]], "position": 5 });
    office.ledger().append(vec![ledger::Draft::new(forged)]).await.unwrap();
    office.submit(vec![Action::new(&actor(), at(20), Deed::RevealSeed)]).await.unwrap();
    let audit = office.verify_allocations().await.unwrap();
    assert!(audit.commitment_holds);
    assert_eq!(audit.misfits.len(), 1);
    assert_eq!(audit.misfits[0].subject, SubjectId::from("01-002"));
}

/// The seed file matters only to randomisation, and each thing wrong with it has its own words.
#[tokio::test]
async fn a_seed_that_is_gone_or_changed_hinders_only_randomisation() {
    let (folder, office) = founded().await;
    office.submit(screened(10, "01-001", &[])).await.unwrap();
    let path = seed_path(&folder.path().join("trial.ledger"));
    let kept = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let office = {
        let ledger = office.ledger().clone();
        drop(office);
        Office::open(ledger).await.unwrap()
    };
    let fault = |wrong: Error| match reason(wrong) {
        Reason::Seed(fault) => fault,
        other => panic!("{other}"),
    };
    let missing = office.submit(vec![randomise(20, "01-001")]).await.unwrap_err();
    assert!(matches!(fault(missing), SeedFault::Unreadable { .. }));
    let private = |text: &str| {
        std::fs::write(&path, text).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    };
    private(&"08".repeat(32));
    let other = office.submit(vec![randomise(20, "01-001")]).await.unwrap_err();
    assert!(matches!(fault(other), SeedFault::NotCommitted { .. }));
    private("not a seed");
    let malformed = office.submit(vec![randomise(20, "01-001")]).await.unwrap_err();
    assert!(!malformed.to_string().contains("not a seed"), "a secret is not told: {malformed}");
    assert!(matches!(fault(malformed), SeedFault::Malformed { .. }));
    office.submit(vec![act(20, "01-001", Deed::Verify { instance: screening("ecog") })]).await.unwrap();
    private(&kept);
    office.submit(vec![randomise(30, "01-001")]).await.unwrap();
}

#[tokio::test]
async fn the_seed_never_enters_the_ledger_before_it_is_revealed() {
    let (folder, office) = founded().await;
    let mut actions = screened(10, "01-001", &[]);
    actions.push(randomise(11, "01-001"));
    office.submit(actions).await.unwrap();
    let seed = "07".repeat(32);
    let mut events = office.ledger().all(1);
    let mut read = 0;
    while let Some(stored) = events.next().await {
        assert!(!String::from_utf8_lossy(&stored.unwrap().bytes).contains(&seed));
        read += 1;
    }
    assert_eq!(read, office.ledger().head().await.unwrap().count);
    let reading = open_reading(folder.path().join("trial.ledger"), None).unwrap();
    assert!(reading.revealed.is_none() && reading.commitment.is_some());
}

#[tokio::test]
async fn a_trial_is_founded_once() {
    let (folder, office) = founded().await;
    let again = Office::found(office.ledger().clone(), protocol(), Seed([1; 32]), &actor(), at(1)).await;
    assert!(matches!(again, Err(Error::AlreadyFounded { events: 3, .. })));
    // A seed that lies there already is not overwritten, and nothing is founded on it.
    let path = folder.path().join("second.ledger");
    std::fs::write(seed_path(&path), "kept").unwrap();
    let ledger = Ledger::create(&path).await.unwrap();
    let wrong = Office::found(ledger.clone(), protocol(), Seed([1; 32]), &actor(), at(1)).await;
    assert!(matches!(wrong, Err(Error::Seed(SeedFault::Unwritable { .. }))));
    assert_eq!(ledger.head().await.unwrap().count, 0);
    assert_eq!(std::fs::read_to_string(seed_path(&path)).unwrap(), "kept");
    assert!(matches!(Office::open(ledger).await, Err(Error::NoProtocol { .. })));
}

/// What cannot be stored founds nothing, and leaves no seed in the way of the next attempt.
#[tokio::test]
async fn a_trial_that_could_not_be_founded_leaves_no_seed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trial.ledger");
    let ledger = Ledger::create(&path).await.unwrap();
    // A line break takes two characters in JSON: a file that may be checked, an event that is too large.
    let source = format!("{}{}", crate::common::AVATAR, "\n".repeat(600_000));
    let large = trial::protocol::check(&source).unwrap();
    let wrong = Office::found(ledger.clone(), large, Seed([1; 32]), &actor(), at(0)).await;
    assert!(matches!(wrong, Err(Error::Ledger(ledger::Error::Event { .. }))));
    assert!(!seed_path(&path).exists());
    assert_eq!(ledger.head().await.unwrap().count, 0);
    Office::found(ledger, protocol(), Seed([2; 32]), &actor(), at(0)).await.unwrap();
    assert_eq!(std::fs::read_to_string(seed_path(&path)).unwrap().trim(), "02".repeat(32));
}

#[tokio::test]
async fn an_office_sees_what_another_wrote() {
    let (folder, office) = founded().await;
    let other = Office::open(Ledger::open(folder.path().join("trial.ledger")).await.unwrap()).await.unwrap();
    other.submit(vec![open_site(5, "03")]).await.unwrap();
    other.submit(screened(10, "01-001", &[])).await.unwrap();
    a_moment().await;
    assert_eq!(office.sites().await.unwrap().len(), 3);
    let seen = office.subject(&"01-001".into()).await.unwrap().unwrap();
    assert!(seen.consent.is_some());
    other.submit(vec![randomise(11, "01-001")]).await.unwrap();
    a_moment().await;
    assert!(office.subject(&"01-001".into()).await.unwrap().unwrap().randomised.is_some());
    // Recorded times are held against the other's events too.
    let wrong = office.submit(vec![open_site(9, "04")]).await.unwrap_err();
    assert!(matches!(reason(wrong), Reason::TimeBackwards { .. }));
    assert!(matches!(
        office.ledger().of_kind("randomised", None).await.unwrap()[0]
            .parse::<trial::event::Event>()
            .unwrap()
            .what,
        What::Randomised { position: 0, .. }
    ));
}

/// A caller who goes away in the middle (a closed browser, a timeout) leaves an office that knows what the ledger holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submission_that_is_dropped_is_written_whole_or_not_at_all() {
    let (_folder, office) = founded().await;
    let mut written = 0;
    for n in 0..40_u64 {
        let subject = format!("01-{n:03}");
        let mut actions = screened(10, &subject, &[]);
        actions.push(randomise(10, &subject));
        let whole = actions.len();
        let patience = std::time::Duration::from_micros(n * 150);
        let _ = tokio::time::timeout(patience, office.submit(actions)).await;
        // What was under way when the caller left is carried out before anything later is looked at.
        let later = act(10, "01-999", Deed::Verify { instance: screening("ecog") });
        assert!(matches!(reason(office.submit(vec![later]).await.unwrap_err()), Reason::NotScreened));
        let kept = office.ledger().of_subject(&subject, None).await.unwrap().len();
        assert!(kept == 0 || kept == whole, "{kept} of {whole} events of {subject}");
        let seen = office.subject(&subject.as_str().into()).await.unwrap();
        assert_eq!(seen.is_some_and(|record| record.randomised.is_some()), kept == whole);
        written += u64::from(kept == whole);
    }
    // The list of the stratum has no gap.
    office
        .submit(screened(20, "02-001", &[]).into_iter().map(|action| action.at("02")).collect())
        .await
        .unwrap();
    let last = office.submit(vec![randomise(20, "02-001").at("02")]).await.unwrap();
    assert_eq!(last[0].allocation.as_ref().unwrap().1, written);
}

/// The block sizes are amended in the middle of the lists: each allocation is drawn, and drawn again, by the version in force.
#[tokio::test]
async fn an_audit_follows_the_versions() {
    let (_folder, office) = founded().await;
    let name = |n: u32| format!("01-{n:03}");
    let draw =
        |n: u32| act(20 + i64::from(n), &name(n), Deed::Randomise { date: jiff::civil::date(2026, 3, 1) });
    for n in 0..21 {
        office.submit(screened(10, &name(n), &[])).await.unwrap();
    }
    office.submit((0..7).map(draw).collect()).await.unwrap();
    for (version, sizes, range) in [("2.0", "[8, 10]", 7..14), ("3.0", "[4]", 14..21)] {
        let source =
            amended(version).source.replacen("block_sizes = [4, 6]", &format!("block_sizes = {sizes}"), 1);
        let amendment = trial::protocol::check(&source).unwrap();
        office.adopt(amendment, &actor(), at(20 + i64::from(range.start))).await.unwrap();
        office.submit(range.map(draw).collect()).await.unwrap();
    }
    office.submit(vec![Action::new(&actor(), at(60), Deed::RevealSeed)]).await.unwrap();
    let audit = office.verify_allocations().await.unwrap();
    assert!(audit.is_sound(), "{audit:?}");
    assert_eq!(audit.checked, 21);
    // No single version gives them: the sizes matter.
    let mut recorded = Vec::new();
    for stored in office.ledger().of_kind("randomised", None).await.unwrap() {
        let What::Randomised { arm, stratum, position, .. } =
            stored.parse::<trial::event::Event>().unwrap().what
        else {
            panic!()
        };
        recorded.push(trial::randomise::Recorded { stratum, arm, position });
    }
    for (_, version) in office.history().await.unwrap().versions() {
        assert!(trial::randomise::verify(&version.protocol, &Seed([7; 32]), &recorded).is_err());
    }
}

/// Neither a refusal nor what pages read tells the seed, or the arm that comes next.
#[tokio::test]
async fn nothing_that_is_shown_tells_the_seed() {
    let (folder, office) = founded().await;
    office.submit(screened(10, "01-001", &[])).await.unwrap();
    let mut shown = format!("{:?}{:?}", office.overview().await.unwrap(), office.grants().await.unwrap());
    let path = seed_path(&folder.path().join("trial.ledger"));
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    shown += &office.submit(vec![randomise(20, "01-001")]).await.unwrap_err().to_string();
    std::fs::write(&path, "08".repeat(32)).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let other = office.submit(vec![randomise(20, "01-001")]).await.unwrap_err();
    shown = format!("{shown} {other} {other:?}");
    for secret in ["07".repeat(32), "08".repeat(32)] {
        assert!(!shown.contains(&secret), "{shown}");
    }
    assert!(shown.contains(&trial::randomise::commitment(&Seed([7; 32]))), "the commitment is public");
}

/// The seed may lie elsewhere, as it must where the ledger is in a database.
#[tokio::test]
async fn a_seed_may_lie_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, seed) = (folder.path().join("trial.ledger"), folder.path().join("safe.key"));
    let founding = office::Founding {
        protocol: protocol(),
        seed: Seed([9; 32]),
        seed_place: office::SeedPlace::File(seed.clone()),
        actor: actor(),
        at: Some(at(0)),
        simulated: false,
    };
    let office = Office::establish(Ledger::create(&ledger).await.unwrap(), founding).await.unwrap();
    office.submit(vec![open_site(0, "01")]).await.unwrap();
    office.submit(screened(10, "01-001", &[])).await.unwrap();
    assert!(seed.exists() && !seed_path(&ledger).exists());
    drop(office);
    let open = async |place| Office::open_with(Ledger::open(&ledger).await.unwrap(), place).await.unwrap();
    let beside = open(office::SeedPlace::Beside).await;
    let wrong = reason(beside.submit(vec![randomise(20, "01-001")]).await.unwrap_err());
    assert!(matches!(wrong, Reason::Seed(SeedFault::Unreadable { .. })), "{wrong}");
    let there = open(office::SeedPlace::File(seed)).await;
    there.submit(vec![randomise(20, "01-001")]).await.unwrap();
}

/// On a database nobody guesses where the seed lies; all but randomisation goes on without it.
#[tokio::test]
async fn on_a_database_the_place_of_the_seed_is_said() {
    let Some(place) = crate::common::Kept::OnPostgres.place() else { return };
    let founding = office::Founding {
        protocol: protocol(),
        seed: Seed([7; 32]),
        seed_place: office::SeedPlace::Beside,
        actor: actor(),
        at: Some(at(0)),
        simulated: false,
    };
    let ledger = Ledger::create(&place.address).await.unwrap();
    let wrong = Office::establish(ledger.clone(), founding).await.map(|_| ()).unwrap_err();
    assert!(matches!(wrong, Error::Seed(SeedFault::NoPlace)), "{wrong}");
    assert_eq!(ledger.head().await.unwrap().count, 0);
    let empty = Office::open_with(ledger, place.seed()).await.map(|_| ()).unwrap_err().to_string();
    assert!(
        empty.contains("no protocol was adopted in postgres") && !empty.contains("not-a-secret"),
        "{empty}"
    );
}
