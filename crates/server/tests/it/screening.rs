//! Screening: numbers, double clicks, eligibility in words, the log.

// What the tests share may unwrap, as tests may; clippy looks only at `#[test]` functions.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use office::{Action, Actor, Deed};
use rstest::rstest;
use serde_json::json;
use trial::derive::ruling;
use trial::eligibility::{Judgement, judge};
use trial::event::{Role, What};
use trial::protocol::ProtocolHistory;

use crate::eligible::{events, forms, record, screened, screened_with};
use crate::scaffold::{Client, Reply, Running, avatar, demo, empty};

const SCREEN: &str = "/t/one/screen";

fn open(client: &Client) -> Reply {
    let page = client.get(SCREEN);
    assert_eq!(page.status, 200, "{}", page.words());
    page
}

fn send(client: &Client, page: &Reply, number: &str) -> Reply {
    let (site, seen) = (page.field("site").unwrap(), page.field("_seen").unwrap());
    client.post(SCREEN, &[("site", &site), ("_seen", &seen), ("number", number)])
}

fn subjects(running: &Running) -> Vec<(String, String)> {
    let screened = events(running, |what| matches!(what, What::SubjectScreened));
    let of = |event: trial::event::Event| (event.subject.unwrap().to_string(), event.who);
    screened.into_iter().map(|entered| of(entered.event)).collect()
}

#[test]
fn a_patient_gets_the_next_number_of_the_site() {
    let running = empty();
    let client = running.as_user("coordinator");
    for number in ["01-001", "01-002"] {
        let page = open(&client);
        assert_eq!(page.field("number").as_deref(), Some(number));
        let reply = send(&client, &page, number);
        assert_eq!(
            reply.location(),
            Some(format!("/t/one/subjects/{number}/eligibility").as_str()),
            "{}",
            reply.words()
        );
    }
    // The other site's numbers are made alike.
    assert_eq!(open(&running.as_user("elsewhere")).field("number").as_deref(), Some("02-001"));
    let want = ["01-001", "01-002"].map(|number| (number.to_owned(), "coordinator".to_owned()));
    assert_eq!(subjects(&running), want);
}

#[test]
pub(crate) fn a_double_click_screens_once() {
    let running = empty();
    let client = running.as_user("coordinator");
    let page = open(&client);
    let (first, second) = (send(&client, &page, "01-001"), send(&client, &page, "01-001"));
    assert_eq!((first.status, second.status), (303, 303), "{}", second.words());
    let landed = client.follow(&second);
    assert!(landed.says("01-001 was screened once, by coordinator"), "{}", landed.words());
    assert_eq!(subjects(&running).len(), 1);
    // Hours later it is no double click: the page was opened anew.
    let later = send(&client, &open(&client), "01-001");
    assert_eq!(later.status, 422);
    assert!(later.says("01-001 was given by coordinator on"), "{}", later.words());
}

#[test]
pub(crate) fn two_people_who_take_one_number_do_not_share_a_subject() {
    let running = empty();
    let (one, two) = (running.as_user("coordinator"), running.as_user("investigator"));
    let (page_one, page_two) = (open(&one), open(&two));
    assert_eq!(send(&one, &page_one, "01-001").status, 303);
    let reply = send(&two, &page_two, "01-001");
    assert_eq!(reply.status, 422);
    assert!(reply.says("01-001 was given by coordinator on"), "{}", reply.words());
    assert!(reply.says("The next free number of this site is 01-002"), "{}", reply.words());
    assert_eq!(reply.field("number").as_deref(), Some("01-001"));
    assert_eq!(subjects(&running).len(), 1);
}

#[test]
fn another_sites_number_tells_nothing_of_it() {
    let running = empty();
    screened(&running, "01", "01-001", &["tumour"]);
    let client = running.as_user("elsewhere");
    let reply = send(&client, &open(&client), "01-001");
    assert_eq!(reply.status, 422);
    assert!(reply.says("01-001 is in use."), "{}", reply.words());
    assert!(!reply.says("coordinator") && !reply.says("Harbour"), "{}", reply.words());
}

#[rstest]
#[case::empty("", "1 to 64 letters")]
#[case::a_name("Anna Meier", "1 to 64 letters")]
#[case::markup("<b>1</b>", "1 to 64 letters")]
#[case::too_long(&"9".repeat(65), "1 to 64 letters")]
fn a_number_that_cannot_be_one_is_refused(#[case] number: &str, #[case] says: &str) {
    let running = demo();
    let client = running.as_user("coordinator");
    let reply = send(&client, &open(&client), number);
    assert_eq!(reply.status, 422, "{}", reply.words());
    assert!(reply.says(says), "{}", reply.words());
    assert_eq!(reply.field("number").as_deref(), Some(number));
}

#[rstest]
#[case::of_others("02")]
#[case::unknown("77")]
#[case::closed("01")]
fn nobody_is_screened_at_a_site_that_is_not_open_to_one(#[case] site: &str) {
    let running = empty();
    let client = running.as_user("coordinator");
    if site == "01" {
        let office = Actor::new("office", Role::TrialOffice);
        running.submit(vec![Action::now(&office, Deed::CloseSite { reason: None }).at("01")]);
        std::thread::sleep(std::time::Duration::from_millis(150));
        assert!(client.get(SCREEN).says("No site at which you may screen is open."));
    }
    let reply = client.post(SCREEN, &[("site", site), ("number", "09-001"), ("_seen", "0")]);
    assert_eq!(reply.status, 422, "{}", reply.words());
    assert!(reply.says("nobody was screened"), "{}", reply.words());
    assert!(subjects(&running).is_empty());
}

fn word(judgement: &Judgement) -> &'static str {
    match judgement {
        Judgement::Met => "✓ proven",
        Judgement::NotMet => "✕ failed",
        Judgement::Unknown { .. } => "? unknown",
    }
}

#[rstest]
#[case::everything(&[])]
#[case::no_scan(&["tumour"])]
#[case::no_history(&["history", "ecog"])]
#[case::nothing(&["consent", "demography", "history", "firstline", "ecog", "tumour"])]
fn eligibility_is_told_as_the_protocol_judges_it(#[case] without: &[&str]) {
    let running = empty();
    screened(&running, "01", "01-001", without);
    let page = running.as_user("coordinator").get("/t/one/subjects/01-001/eligibility");
    assert_eq!(page.status, 200, "{}", page.words());
    let words = page.words();
    let (history, record) = (ProtocolHistory::new(1, avatar()), record(&running, "01-001").unwrap());
    let judged = judge(history.current(), &record);
    for one in &judged {
        let told = format!("{}\n{} ", word(&one.judgement), one.id);
        let place = words.find(&told).unwrap_or_else(|| panic!("{told} is not in\n{words}"));
        assert!(words[place..].lines().nth(1).is_some_and(|line| line.contains(&one.text)), "{words}");
        if let Judgement::Unknown { missing } = &one.judgement {
            for name in missing {
                let (instance, item) = trial::eligibility::entered_at(history.current(), name).unwrap();
                let to = format!("/t/one/subjects/01-001/forms/{}%40SCREENING#{item}", instance.form);
                assert!(page.links().contains(&to), "{name}: {to} is not among {:?}", page.links());
            }
        }
    }
    let whole = judged.iter().all(|one| one.judgement == Judgement::Met);
    assert_eq!(page.says("Eligible: all 13 criteria are proven."), whole, "{words}");
    // A coordinator does not judge; an investigator does.
    assert!(!page.links().iter().any(|link| link.ends_with("/randomise")));
    let judge = running.as_user("investigator").get("/t/one/subjects/01-001/eligibility");
    assert_eq!(judge.links().iter().any(|link| link.ends_with("/randomise")), whole);
}

#[test]
fn what_was_found_is_shown_with_its_form() {
    let running = empty();
    let ecog = |(form, given)| {
        if form == "ecog" { (form, json!({ "QSDAT": "2025-12-12", "ECOG": 3 })) } else { (form, given) }
    };
    screened_with(&running, "01", "01-001", forms().into_iter().map(ecog));
    let page = running.as_user("monitor").get("/t/one/subjects/01-001/eligibility");
    assert!(page.says("Not eligible: 1 of 13 criteria failed."), "{}", page.words());
    insta::assert_snapshot!("eligibility", page.words());
}

#[test]
fn of_whoever_was_randomised_the_proof_still_stands() {
    let running = demo();
    let subject = running.subject_at("01");
    let (reading, page) =
        (running.reading(), running.as_user("office").get(&format!("/t/one/subjects/{subject}/eligibility")));
    let record = reading.record(&subject).unwrap().unwrap().0;
    let met = judge(ruling(&reading.history, &record), &record)
        .iter()
        .filter(|one| one.judgement == Judgement::Met)
        .count();
    assert!(page.says(&format!("{met} proven, ")), "{}", page.words());
    assert!(page.says("Randomised on"), "{}", page.words());
}

#[test]
fn the_log_counts_what_the_ledger_holds() {
    let running = demo();
    let reading = running.reading();
    let (known, _) = reading
        .records(|record| {
            let failed = judge(&avatar().protocol, &record)
                .into_iter()
                .filter(|one| one.judgement == Judgement::NotMet);
            let failed: Vec<_> = failed.map(|one| one.id).collect();
            (record.site.to_string(), record.randomised.is_some(), failed)
        })
        .unwrap();
    let mut want: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (site, randomised, _) in &known {
        let of = want.entry(site.clone()).or_default();
        of.0 += 1;
        of.1 += usize::from(*randomised);
    }
    let whole = running.as_user("office").get("/t/one/screening").words();
    for (site, (screened, randomised)) in &want {
        let line = whole
            .lines()
            .find(|line| line.starts_with(&format!("{site} | {screened} | ")))
            .unwrap_or_else(|| panic!("{site}:\n{whole}"));
        assert!(line.ends_with(&format!(" | {randomised}")), "{line}");
    }
    let failed: Vec<_> = known
        .iter()
        .filter(|(_, randomised, _)| !randomised)
        .flat_map(|(.., failed)| failed.clone())
        .collect();
    for criterion in &failed {
        let times = failed.iter().filter(|other| *other == criterion).count();
        let line = whole.lines().find(|line| line.starts_with(&format!("{criterion} | "))).unwrap();
        assert!(line.ends_with(&format!(" | {times}")), "{line}");
    }
    // One's own site only.
    let own = running.as_user("elsewhere").get("/t/one/screening").words();
    assert!(
        own.lines().any(|line| line.starts_with("02 | "))
            && !own.lines().any(|line| line.starts_with("01 | ")),
        "{own}"
    );
    assert!(!own.contains("01-0"), "{own}");
}
