//! The protocol's page and the way to a new version: faults, changes, effects, adoption.

// What the tests share may unwrap, as tests may; clippy looks only at `#[test]` functions.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use office::{Action, Actor, Deed};
use rstest::rstest;
use trial::event::{Role, What};
use trial::protocol::{Amendment, Checked, check, summary};

use crate::eligible::{events, screened};
use crate::scaffold::{AVATAR, Client, PASSWORD, Reply, Running, STOP, avatar, demo, empty, own_demo};

const NEW: &str = "/t/one/protocol/new";

/// A version of the trial's protocol: ECOG 2 is let in no more.
fn stricter(from: &str, version: &str) -> String {
    let text = from.replacen("version = \"1.0\"", &format!("version = \"{version}\""), 1);
    let text = text.replacen("condition = \"ecog.ECOG <= 2\"", "condition = \"ecog.ECOG <= 0\"", 1);
    assert_ne!(text, from);
    text
}

fn current(running: &Running) -> Checked {
    let reading = running.reading();
    let (_, checked) = reading.history.versions().last().unwrap();
    checked.clone()
}

/// Sends a text in, as a browser sends the lines of a text area.
fn send(client: &Client, text: &str) -> Reply {
    client.post(NEW, &[("source", &text.replace('\n', "\r\n"))])
}

/// The review, once the effects are worked out.
fn review(client: &Client) -> Reply {
    for _ in 0..100 {
        let page = client.get("/t/one/protocol/new/review");
        assert_eq!(page.status, 200, "{}", page.words());
        if page.field("_key").is_some() {
            return page;
        }
        assert!(page.says("It is being worked out"), "{}", page.words());
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the effects are not worked out");
}

fn adopt(client: &Client, page: &Reply, password: &str) -> Reply {
    let (key, base) = (page.field("_key").unwrap(), page.field("_base").unwrap());
    client.post("/t/one/protocol/new/adopt", &[("_key", &key), ("_base", &base), ("password", password)])
}

fn adopted(running: &Running) -> Vec<(String, String)> {
    let events = events(running, |what| matches!(what, What::ProtocolAdopted { .. }));
    let of = |event: trial::event::Event| match event.what {
        What::ProtocolAdopted { version, .. } => (version, event.who),
        _ => unreachable!(),
    };
    events.into_iter().map(|entered| of(entered.event)).collect()
}

#[test]
fn the_protocol_is_there_to_be_read() {
    let running = demo();
    for user in ["investigator", "monitor", "committee", "office"] {
        let page = running.as_user(user).get("/t/one/protocol");
        let words = page.words();
        for criterion in &avatar().protocol.eligibility {
            assert!(
                words.contains(&format!("{} | {}", criterion.id, criterion.text)),
                "{}: {words}",
                criterion.id
            );
        }
        for form in &avatar().protocol.forms {
            assert!(words.contains(&form.label), "{}", form.label);
        }
        let reads_file = user != "investigator";
        assert_eq!(page.links().iter().any(|link| link.ends_with("/toml")), reads_file, "{user}");
        assert!(page.says("assumed"));
    }
    let file = running.as_user("statistician").get("/t/one/protocol/versions/1/toml");
    assert_eq!(file.body, current(&running).source);
    assert_eq!(running.as_user("office").get("/t/one/protocol/versions/2").status, 404);
    assert_eq!(running.as_user("office").get("/t/one/protocol/versions/one").status, 404);
}

#[rstest]
#[case::not_toml(&[("[[arms]]", "[[arms")])]
#[case::three_at_once(&[("ratio = 1", "ratio = 0"), ("type = \"date\"", "type = \"day\""), ("derived.age >= 18", "derived.ages >= 18")])]
#[case::an_unknown_key(&[("phase = \"II\"", "phase = \"II\"\nfase = 2")])]
fn every_fault_is_told_with_its_line_and_nothing_is_lost(#[case] broken: &[(&str, &str)]) {
    let running = demo();
    let text = broken.iter().fold(AVATAR.to_owned(), |text, (from, to)| text.replacen(from, to, 1));
    let faults = check(&text).unwrap_err();
    let reply = send(&running.as_user("office"), &text);
    assert_eq!(reply.status, 422);
    let words = reply.words();
    for fault in &faults {
        assert!(words.contains(&format!("Line {}", fault.line)), "line {}: {words}", fault.line);
        let found = fault.found.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(&found), "{found}: {words}");
    }
    assert_eq!(reply.field("source").map(|typed| typed.trim_start_matches('\n').to_owned()), Some(text));
}

#[rstest]
#[case::nothing(String::new(), "Nothing was pasted.")]
#[case::the_same(AVATAR.to_owned(), "Version 1.0 was adopted before")]
#[case::another_trial(STOP.to_owned(), "this is the trial AVATAR II.")]
fn what_cannot_be_a_version_is_told_before_the_review(#[case] text: String, #[case] says: &str) {
    let running = demo();
    let reply = send(&running.as_user("office"), &text);
    assert_eq!(reply.status, 422);
    assert!(reply.says(says), "{}", reply.words());
}

#[test]
fn a_version_is_adopted_with_its_changes_and_effects_in_view() {
    let running = own_demo();
    screened(&running, "01", "01-900", &[]);
    let office = running.as_user("office");
    let old = current(&running);
    let text = stricter(&old.source, "2.0");
    let reply = send(&office, &text);
    assert_eq!(reply.location(), Some("/t/one/protocol/new/review"), "{}", reply.words());
    let page = review(&office);
    assert!(page.says("eligibility[I10].condition"), "{}", page.words());
    // As `trial` finds it on the records themselves.
    let amendment = Amendment::new(&old, &check(&text).unwrap());
    let today = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::system()).date();
    let (effects, _) =
        running.reading().records(|record| (record.subject.clone(), amendment.on(&record, today))).unwrap();
    let counts = summary(effects.iter().map(|(subject, effects)| (subject, effects.as_slice())));
    assert!(!counts.is_empty());
    for count in &counts {
        let line = format!("{} | {} | {} | {}", count.kind, count.subjects, count.effects, count.hard);
        assert!(page.says(&line), "{line}: {}", page.words());
        for example in &count.examples {
            assert!(page.links().contains(&format!("/t/one/subjects/{example}")), "{example}");
        }
    }
    let wrong = adopt(&office, &page, "wrong");
    assert_eq!(wrong.status, 422);
    assert!(wrong.says("This is not your password."), "{}", wrong.words());
    assert_eq!(adopted(&running).len(), 1);
    let done = adopt(&office, &page, PASSWORD);
    assert_eq!(done.location(), Some("/t/one/protocol"), "{}", done.words());
    assert_eq!(adopted(&running)[1], ("2.0".to_owned(), "office".to_owned()));
    // To the letter, without what a browser does to line ends.
    assert_eq!(current(&running).source, text);
    let page = office.follow(&done);
    assert!(page.says("Version 2.0, in force"), "{}", page.words());
    let seq = running.reading().history.versions().last().unwrap().0;
    assert!(office.get(&format!("/t/one/protocol/versions/{seq}")).says("What changed from version 1.0"));
    // The next review begins with an empty field, and the subject is judged by the new version.
    assert_eq!(office.get(NEW).field("source").map(|text| text.trim().to_owned()), Some(String::new()));
    let judged = office.get("/t/one/subjects/01-900/eligibility");
    assert!(judged.says("Protocol version 2.0.") && judged.says("✕ failed"), "{}", judged.words());
}

#[test]
fn what_is_adopted_is_what_was_shown() {
    let running = empty();
    let office = running.as_user("office");
    assert_eq!(send(&office, &stricter(AVATAR, "2.0")).status, 303);
    let seen = review(&office);
    // Another text, in another window.
    assert_eq!(send(&office, &stricter(AVATAR, "2.1")).status, 303);
    let reply = adopt(&office, &seen, PASSWORD);
    assert_eq!(reply.status, 422);
    assert!(reply.says("Another text was sent in for review"), "{}", reply.words());
    // Another version, by another person.
    let seen = review(&office);
    let actor = Actor::new("chief", Role::TrialOffice);
    let version = Box::new(check(&stricter(AVATAR, "1.5")).unwrap());
    running.submit(vec![Action::now(&actor, Deed::Adopt { version })]);
    std::thread::sleep(Duration::from_millis(150));
    let reply = adopt(&office, &seen, PASSWORD);
    assert_eq!(reply.status, 422, "{}", reply.words());
    assert!(reply.says("Another version came into force"), "{}", reply.words());
    assert_eq!(adopted(&running).last().unwrap().0, "1.5");
    // Held against that one it can be adopted; a second click changes nothing.
    let seen = review(&office);
    assert!(seen.says("From version 1.5 to 2.1"), "{}", seen.words());
    assert_eq!(adopt(&office, &seen, PASSWORD).status, 303);
    assert_eq!(adopt(&office, &seen, PASSWORD).location(), Some(NEW));
    assert_eq!(adopted(&running).len(), 3);
}

#[test]
fn a_text_under_review_is_kept_for_whoever_typed_it() {
    let running = empty();
    let office = running.as_user("office");
    let text = stricter(AVATAR, "2.0");
    assert_eq!(send(&office, &text).status, 303);
    assert_eq!(
        office.get(NEW).field("source").map(|typed| typed.trim_start_matches('\n').to_owned()),
        Some(text)
    );
    let begin = office.get(&format!("{NEW}?from=current"));
    assert_eq!(
        begin.field("source").map(|typed| typed.trim_start_matches('\n').to_owned()),
        Some(AVATAR.to_owned())
    );
    assert_eq!(running.as_user("monitor").get(NEW).status, 403);
}
