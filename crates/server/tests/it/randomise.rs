//! Randomisation over HTTP: the proof, one draw however often it is asked for, the telephone, the seed and the proof of all.

// What the tests share may unwrap, as tests may; clippy looks only at `#[test]` functions.
#![allow(clippy::unwrap_used)]

use office::{Action, Actor, Deed};
use rstest::rstest;
use serde_json::json;
use trial::event::{OnBehalf, Role, What};

use crate::eligible::{drawn, events, record, screened, screening, values};
use crate::scaffold::{Client, PASSWORD, Reply, Running, avatar, demo, empty};

const DAY: &str = "2026-01-03";

fn at(subject: &str, rest: &str) -> String {
    format!("/t/one/subjects/{subject}/{rest}")
}

fn eligible() -> Running {
    let running = empty();
    screened(&running, "01", "01-001", &[]);
    running
}

/// Sends the form of the page, on a day.
fn send(client: &Client, subject: &str, page: &Reply, day: &str) -> Reply {
    let seen = page.field("_seen").unwrap_or_else(|| panic!("no form: {}", page.words()));
    client.post(&at(subject, "randomise"), &[("date", day), ("_seen", &seen)])
}

fn randomised(client: &Client, subject: &str) -> Reply {
    let page = client.get(&at(subject, "randomise"));
    let reply = send(client, subject, &page, DAY);
    assert_eq!(reply.location(), Some(at(subject, "randomisation").as_str()), "{}", reply.words());
    client.follow(&reply)
}

#[test]
pub(crate) fn an_eligible_subject_is_randomised_with_a_confirmation_to_print() {
    let running = eligible();
    let client = running.as_user("investigator");
    let page = client.get(&at("01-001", "randomise"));
    assert!(
        page.says("Eligible: all 13 criteria are proven.") && page.says("Investigator Example"),
        "{}",
        page.words()
    );
    let today = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::system()).date().to_string();
    assert_eq!(page.field("date"), Some(today));
    let paper = randomised(&client, "01-001");
    let [entered] = drawn(&running).try_into().unwrap();
    let What::Randomised { arm, date, stratum, on_behalf, .. } = entered.event.what else { unreachable!() };
    assert_eq!(
        (date.to_string().as_str(), entered.event.who.as_str(), on_behalf),
        (DAY, "investigator", None)
    );
    assert_eq!(stratum, [("opd_lesions".into(), "1".into()), ("bone_only".into(), "no".into())]);
    let hash = running.wait(async {
        let ledger = ledger::Ledger::open_read_only(running.ledger("one")).await.unwrap();
        ledger.event(entered.seq).await.unwrap().unwrap().hash.to_string()
    });
    let label = avatar().protocol.arms.iter().find(|known| known.id == arm).unwrap().label.clone();
    let wanted = [
        format!("Arm {arm}: {label}"),
        "AVATAR II (NCT06882499), protocol version 1.0".into(),
        "01, Harbour Hospital".into(),
        "3 Jan 2026".into(),
        "Oligoprogressive lesions: 1; Bone-only disease: No".into(),
        "Investigator Example (investigator), investigator".into(),
        hash,
        "Signature".into(),
    ];
    for words in wanted {
        assert!(paper.says(&words), "{words} is not on\n{}", paper.words());
    }
    assert!(!paper.says("SIMULATED"));
    // Whoever may see the subject may print it, and nobody of another site.
    assert_eq!(running.as_user("coordinator").get(&at("01-001", "randomisation")).status, 200);
    assert_eq!(running.as_user("elsewhere").get(&at("01-001", "randomisation")).status, 404);
}

#[test]
fn a_virtual_subjects_confirmation_says_so() {
    let running = demo();
    let subject = running.subject_at("01");
    let paper = running.as_user("coordinator").get(&at(subject.as_str(), "randomisation"));
    assert!(paper.says("SIMULATED: the subjects of this trial are virtual."), "{}", paper.words());
}

#[rstest]
#[case("tumour", &["I08", "I09", "E03"])]
#[case("ecog", &["I10"])]
#[case("history", &["I03", "I04", "I05", "I08", "E01", "E02"])]
#[case("firstline", &["I06", "I07"])]
#[case("consent", &["I01"])]
fn nothing_is_drawn_before_all_is_proven(#[case] without: &str, #[case] criteria: &[&str]) {
    let running = empty();
    screened(&running, "01", "01-001", &[without]);
    let client = running.as_user("investigator");
    let page = client.get(&at("01-001", "randomise"));
    assert!(
        page.says("This subject cannot be randomised yet.") && page.field("date").is_none(),
        "{}",
        page.words()
    );
    // Whoever sends the form all the same.
    let reply = client.post(&at("01-001", "randomise"), &[("date", DAY)]);
    assert_eq!(reply.status, 422);
    let words = reply.words();
    assert!(words.contains("Nothing was drawn:"), "{words}");
    for criterion in criteria {
        assert!(words.contains(&format!("? unknown\n{criterion} ")), "{criterion}: {words}");
    }
    assert!(drawn(&running).is_empty());
}

#[rstest]
#[case::no_day("", "The day is needed")]
#[case::none_such("31.2.2026", "31 February")]
#[case::a_month("2026-01", "The day is needed")]
#[case::to_come("2999-01-01", "lies after the day of recording")]
#[case::before_consent("2025-12-01", "Consent was given on 10 Dec 2025")]
fn a_bad_day_is_refused_beside_it(#[case] day: &str, #[case] says: &str) {
    let running = eligible();
    let client = running.as_user("investigator");
    let page = client.get(&at("01-001", "randomise"));
    let reply = send(&client, "01-001", &page, day);
    assert_eq!(reply.status, 422, "{}", reply.words());
    assert!(reply.says(says) && reply.body.contains("id=\"date-fault\""), "{}", reply.words());
    assert_eq!(reply.field("date").as_deref(), Some(day));
    assert!(drawn(&running).is_empty());
}

#[test]
pub(crate) fn a_second_click_shows_the_allocation_that_stands() {
    let running = eligible();
    let client = running.as_user("investigator");
    let page = client.get(&at("01-001", "randomise"));
    // Ten at once, as from an impatient hand.
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let hands: Vec<_> = (0..10).map(|_| scope.spawn(|| send(&client, "01-001", &page, DAY))).collect();
        hands.into_iter().map(|hand| hand.join().unwrap()).collect()
    });
    let again = at("01-001", "randomisation?again=1");
    let first = replies
        .iter()
        .filter(|reply| reply.location() == Some(at("01-001", "randomisation").as_str()))
        .count();
    let second = replies.iter().filter(|reply| reply.location() == Some(again.as_str())).count();
    assert_eq!((first, second), (1, 9));
    assert_eq!(drawn(&running).len(), 1);
    let paper = client.get(&again);
    assert!(paper.says("Nothing was drawn now. This subject was randomised before, by Investigator Example (investigator)"), "{}", paper.words());
    // The page that asks is no more.
    assert_eq!(
        client.get(&at("01-001", "randomise")).location(),
        Some(at("01-001", "randomisation").as_str())
    );
    // A second person on the telephone.
    let office = running
        .as_user("office")
        .post(&at("01-001", "randomise-for"), &[("date", DAY), ("who", "investigator"), ("reason", "again")]);
    assert_eq!(office.location(), Some(again.as_str()));
    assert_eq!(drawn(&running).len(), 1);
}

#[test]
pub(crate) fn nothing_is_drawn_over_a_change_that_was_not_seen() {
    let running = eligible();
    let client = running.as_user("investigator");
    let page = client.get(&at("01-001", "randomise"));
    let coordinator = Actor::new("coordinator", Role::SiteCoordinator);
    let correct = Deed::Correct {
        instance: screening("ecog"),
        values: values(json!({ "QSDAT": "2025-12-12", "ECOG": 2 })),
        reason: "Misread".into(),
    };
    running.submit(vec![Action::now(&coordinator, correct).at("01").of("01-001")]);
    let reply = send(&client, "01-001", &page, DAY);
    assert_eq!(reply.status, 422);
    assert!(
        reply.says("the record was changed by coordinator since this page was opened"),
        "{}",
        reply.words()
    );
    assert!(drawn(&running).is_empty());
    // On what is shown now it is drawn.
    assert_eq!(send(&client, "01-001", &reply, DAY).status, 303);
}

#[test]
pub(crate) fn the_trial_office_randomises_for_a_site_by_telephone() {
    let running = eligible();
    let office = running.as_user("office");
    let form = at("01-001", "randomise-for");
    let seen = office.get(&form).field("_seen").unwrap();
    for (who, reason, says) in
        [("", "No network", "Say who asked for it"), ("Dr Ng", " ", "Say why the site cannot do it itself")]
    {
        let reply = office.post(&form, &[("date", DAY), ("_seen", &seen), ("who", who), ("reason", reason)]);
        assert_eq!(reply.status, 422);
        assert!(reply.says(says), "{}", reply.words());
        assert_eq!(reply.field("who").as_deref(), Some(who));
    }
    let reply = office.post(
        &form,
        &[
            ("date", DAY),
            ("_seen", &seen),
            ("who", "Dr Ng"),
            ("reason", "The network of the hospital is down"),
        ],
    );
    let paper = office.follow(&reply);
    assert!(
        paper.says("On behalf of\nDr Ng\nBecause\nThe network of the hospital is down"),
        "{}",
        paper.words()
    );
    let allocation = record(&running, "01-001").unwrap().randomised.unwrap().value;
    let want = OnBehalf { who: "Dr Ng".into(), reason: "The network of the hospital is down".into() };
    assert_eq!(allocation.on_behalf, Some(want));
    assert_eq!(drawn(&running)[0].event.role, Role::TrialOffice);
    // Each only by their own way.
    assert_eq!(office.get(&at("01-001", "randomise")).status, 403);
    assert_eq!(running.as_user("investigator").get(&form).status, 403);
}

#[test]
fn no_page_tells_what_would_come_next() {
    let running = empty();
    let numbers = ["01-001", "01-002", "01-003"];
    for subject in numbers {
        screened(&running, "01", subject, &[]);
    }
    let investigator = running.as_user("investigator");
    let mut pages: Vec<Reply> =
        numbers[..2].iter().map(|subject| randomised(&investigator, subject)).collect();
    let seed = "07".repeat(32);
    for (user, addresses) in [
        (
            "investigator",
            vec![
                at("01-003", "randomise"),
                at("01-003", "eligibility"),
                at("01-001", "randomisation"),
                "/t/one/randomisation".into(),
                "/t/one/protocol".into(),
            ],
        ),
        (
            "office",
            vec![
                at("01-003", "randomise-for"),
                at("01-001", "randomisation"),
                "/t/one/randomisation".into(),
                "/t/one/randomisation/reveal".into(),
            ],
        ),
    ] {
        pages.extend(addresses.iter().map(|address| running.as_user(user).get(address)));
    }
    for page in &pages {
        assert_eq!(page.status, 200, "{}", page.words());
        assert!(
            !page.body.contains(&seed) && !page.words().to_lowercase().contains("position"),
            "{}",
            page.words()
        );
        assert!(!page.says("[4, 6]") && !page.says("block_sizes"), "{}", page.words());
    }
    // Counts: pooled for the office, none of strata for a site, by arm for whoever compares arms.
    let proof = |user: &str| running.as_user(user).get("/t/one/randomisation").words();
    assert!(
        proof("office").contains("Oligoprogressive lesions: 1; Bone-only disease: No | 2"),
        "{}",
        proof("office")
    );
    assert!(!proof("office").contains("Arm A") && proof("statistician").contains("Arm A"));
    assert!(!proof("investigator").contains("Bone-only disease: No"), "{}", proof("investigator"));
    // The sizes of blocks are in the file.
    assert_eq!(investigator.get("/t/one/protocol/versions/1/toml").status, 403);
    assert_eq!(running.as_user("office").get("/t/one/protocol/versions/1/toml").status, 200);
}

#[test]
pub(crate) fn the_seed_is_revealed_once_and_proves_every_allocation() {
    let running = empty();
    for subject in ["01-001", "01-002", "01-003"] {
        screened(&running, "01", subject, &[]);
    }
    let investigator = running.as_user("investigator");
    for subject in ["01-001", "01-002"] {
        randomised(&investigator, subject);
    }
    let office = running.as_user("office");
    let form = "/t/one/randomisation/reveal";
    assert!(
        office.get(form).says("2 of 74 planned subjects were randomised. 1 are in screening"),
        "{}",
        office.get(form).words()
    );
    for (trial, password, says) in [
        ("AVATAR", PASSWORD, "Write AVATAR II to confirm."),
        ("AVATAR II", "quite another one", "This is not your password."),
    ] {
        let reply = office.post(form, &[("trial", trial), ("password", password)]);
        assert_eq!(reply.status, 422);
        assert!(reply.says(says), "{}", reply.words());
        assert!(!reply.body.contains(password), "a password is not sent back");
    }
    let revealed = || events(&running, |what| matches!(what, What::SeedRevealed { .. })).len();
    assert_eq!(revealed(), 0);
    let reply = office.post(form, &[("trial", "AVATAR II"), ("password", PASSWORD)]);
    let proof = office.follow(&reply);
    assert!(
        proof.says("2 of 2 allocations are the ones the seed gives. The seed is the one committed to"),
        "{}",
        proof.words()
    );
    assert!(proof.says(&"07".repeat(32)));
    assert_eq!(
        office.post(form, &[("trial", "AVATAR II"), ("password", PASSWORD)]).location(),
        Some("/t/one/randomisation")
    );
    assert_eq!(revealed(), 1);
    // Randomisation has ended.
    let page = investigator.get(&at("01-003", "randomise"));
    let late = send(&investigator, "01-003", &page, DAY);
    assert_eq!(late.status, 422);
    assert!(late.says("randomisation has ended"), "{}", late.words());
    assert_eq!(drawn(&running).len(), 2);
}
