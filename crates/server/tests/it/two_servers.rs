//! Two servers on the same trials and people, each with a state of its own, as two processes are.
//!
//! Never relies on the one answering for the other: what is sent to the second must hold there, at once or within the bound that
//! `docs/operations.md` gives.

use std::thread;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use office::{Action, Actor, Deed};
use people::NewPatientLink;
use rstest::rstest;
use serde_json::json;
use trial::event::{Role, What};

use crate::eligible::{HISTORY, drawn, events, screened, screening};
use crate::scaffold::{Client, On, PASSWORD, Reply, Running, empty};

/// What another server wrote is seen after a tenth of a second.
const BOUND: Duration = Duration::from_millis(100);
/// For how long a server trusts a session that it has read (`people`): it may have ended at the other.
const SESSIONS: Duration = Duration::from_secs(3);

fn at(subject: &str, rest: &str) -> String {
    format!("/t/one/subjects/{subject}/{rest}")
}

fn form(subject: &str, name: &str) -> String {
    at(subject, &format!("forms/{}", name.replace('@', "%40")))
}

fn screen(running: &Running, subject: &str) {
    let coordinator = Actor::new("coordinator", Role::SiteCoordinator);
    running.submit(vec![Action::now(&coordinator, Deed::Screen).at("01").of(subject)]);
    thread::sleep(BOUND);
}

fn save(client: &Client, address: &str, fields: &[&[(&str, &str)]]) -> Reply {
    client.post(address, &fields.concat())
}

#[rstest]
fn what_one_saves_the_other_shows(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(_on) = on.enter() else { return };
    let one = empty();
    let two = one.another();
    let (coordinator, monitor) = (one.as_user("coordinator"), one.as_user("monitor").at(&two));
    for number in 1..=4 {
        let subject = format!("01-{number:03}");
        let page = coordinator.get("/t/one/screen");
        let (site, seen) = (page.field("site").unwrap(), page.field("_seen").unwrap());
        let reply =
            coordinator.post("/t/one/screen", &[("site", &site), ("_seen", &seen), ("number", &subject)]);
        assert_eq!(reply.status, 303, "{}", reply.words());
        let reply = save(&coordinator, &form(&subject, "history@SCREENING"), &[&[("_seen", "0")], &HISTORY]);
        assert_eq!(reply.status, 303, "{}", reply.words());
        thread::sleep(BOUND);
        let page = monitor.get(&form(&subject, "history@SCREENING"));
        assert!(page.status == 200 && page.says("Mar 2019"), "{}: {}", page.status, page.words());
        assert!(monitor.get("/t/one/subjects").says(&subject), "the list has it not");
    }
}

#[rstest]
fn of_two_people_at_two_servers_neither_loses_what_they_typed(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(_on) = on.enter() else { return };
    let one = empty();
    let two = one.another();
    screen(&one, "01-001");
    let address = form("01-001", "history@SCREENING");
    let (first, second) = (one.as_user("coordinator"), one.as_user("investigator").at(&two));
    // Both have the page open before either saves.
    assert_eq!((first.get(&address).status, second.get(&address).status), (200, 200));
    assert_eq!(save(&first, &address, &[&[("_seen", "0")], &HISTORY]).status, 303);
    // At once: the writer looks into the ledger, not at what the page showed.
    let mut mine = HISTORY;
    mine[0].1 = "Apr 2017";
    let page = save(&second, &address, &[&[("_seen", "0")], &mine]);
    assert_eq!(page.status, 409, "{}", page.words());
    for says in ["Two people changed this form", "coordinator", "2019-03", "2017-04"] {
        assert!(page.says(says), "{says}: {}", page.words());
    }
    let typed = page.fields().iter().any(|(name, text)| name == "MHSTDAT" && text == "Apr 2017");
    assert!(typed, "what was typed is lost: {}", page.words());
    assert_eq!(events(&one, |what| matches!(what, What::FormSaved { .. })).len(), 1);
    let seen = page.field("_seen").unwrap();
    let settled =
        [("_seen", seen.as_str()), ("_reason", "source"), ("_differs", "MHSTDAT"), ("_pick.MHSTDAT", "mine")];
    assert_eq!(save(&second, &address, &[&settled, &mine]).status, 303);
}

#[rstest]
fn a_session_holds_at_both_and_ends_at_both(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(_on) = on.enter() else { return };
    let one = empty();
    let two = one.another();
    let here = one.client();
    let page = here.get("/log-in");
    let fields = [("name", "coordinator"), ("password", PASSWORD), ("_page", &page.field("_page").unwrap())];
    assert_eq!(here.post_bare("/log-in", &fields).status, 303);
    let there = here.at(&two);
    assert_eq!(there.get("/t/one/subjects").status, 200, "made at one, it holds at the other at once");
    // A form that was opened at one may be sent to the other.
    let csrf = here.csrf();
    assert_eq!(there.post_bare("/account/name", &[("display_name", "Cora"), ("_csrf", &csrf)]).status, 303);
    // It ends for the browser at once, and for whoever kept the cookie when the other server asks the store again.
    let kept = here.token();
    assert_eq!(here.post("/log-out", &[]).status, 303);
    assert_eq!(there.get("/t/one/subjects").status, 303);
    let ended = Instant::now();
    there.set_token(kept);
    while there.get("/t/one/subjects").status == 200 {
        assert!(ended.elapsed() < SESSIONS + Duration::from_secs(2), "it holds for {:?}", ended.elapsed());
        thread::sleep(Duration::from_millis(100));
    }
}

#[rstest]
fn randomisations_at_both_give_no_gap_and_no_allocation_twice(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(_on) = on.enter() else { return };
    let one = empty();
    let two = one.another();
    let numbers = |site: &str| (1..=8).map(|n| format!("{site}-{n:03}")).collect::<Vec<_>>();
    let subjects: Vec<(&str, String)> =
        ["01", "02"].into_iter().flat_map(|site| numbers(site).into_iter().map(move |n| (site, n))).collect();
    for (site, subject) in &subjects {
        screened(&one, site, subject, &[]);
    }
    thread::sleep(BOUND);
    let users = [("01", one.as_user("investigator")), ("02", one.as_user("elsewhere"))];
    let client = |site: &str| &users.iter().find(|(of, _)| *of == site).unwrap().1;
    // Each subject is sent to both servers at once, by eight hands.
    let sends: Vec<(&Client, &Running, String)> = subjects
        .iter()
        .flat_map(|(site, subject)| [&one, &two].map(|server| (client(site), server, subject.clone())))
        .collect();
    let outcomes: Vec<String> = thread::scope(|scope| {
        let hands: Vec<_> = (0..8)
            .map(|hand| {
                let sends = &sends;
                scope.spawn(move || {
                    let own = sends.iter().skip(hand).step_by(8);
                    own.map(|(client, server, subject)| {
                        let client = client.at(server);
                        let page = client.get(&at(subject, "randomise"));
                        let Some(seen) = page.field("_seen") else {
                            // The other server was first, and this one knows already.
                            return page.location().unwrap_or_default().to_owned() + "?again";
                        };
                        let fields = [("date", "2026-01-03"), ("_seen", seen.as_str())];
                        let reply = client.post(&at(subject, "randomise"), &fields);
                        assert_eq!(reply.status, 303, "{}", reply.words());
                        reply.location().unwrap_or_default().to_owned()
                    })
                    .collect::<Vec<_>>()
                })
            })
            .collect();
        hands.into_iter().flat_map(|hand| hand.join().unwrap()).collect()
    });
    let first = outcomes.iter().filter(|to| to.ends_with("/randomisation")).count();
    let second = outcomes.iter().filter(|to| to.contains("again")).count();
    assert_eq!((first, second), (subjects.len(), subjects.len()), "{outcomes:?}");

    let mut places = Vec::new();
    let mut drawn_for = Vec::new();
    for entered in drawn(&one) {
        let What::Randomised { stratum, position, .. } = entered.event.what else { unreachable!() };
        places.push((stratum, position));
        drawn_for.push(entered.event.subject.unwrap().to_string());
    }
    drawn_for.sort();
    assert_eq!(drawn_for, subjects.iter().map(|(_, subject)| subject.clone()).collect::<Vec<_>>());
    // All are of one stratum: its list is used from its beginning, in the order of the ledger, without a gap.
    let strata: Vec<_> = places.iter().map(|(stratum, _)| stratum.clone()).collect();
    assert!(strata.iter().all(|stratum| *stratum == strata[0]));
    let positions: Vec<u64> = places.into_iter().map(|(_, position)| position).collect();
    assert_eq!(positions, (0..subjects.len() as u64).collect::<Vec<_>>());
    // And they are the ones that the seed gives.
    let office = Actor::new("office", Role::TrialOffice);
    one.submit(vec![Action::now(&office, Deed::RevealSeed)]);
    let audit = one.reading().verify_allocations().unwrap();
    assert!(audit.is_sound() && audit.checked == subjects.len() as u64, "{audit:?}");
}

#[rstest]
fn a_questionnaire_sent_to_both_is_recorded_once(#[values(On::Sqlite, On::Postgres)] on: On) {
    let Some(_on) = on.enter() else { return };
    let one = empty();
    let two = one.another();
    screened(&one, "01", "01-001", &[]);
    thread::sleep(BOUND);
    let hours = |hours: i64| Timestamp::now() + SignedDuration::from_hours(hours);
    let new = NewPatientLink {
        trial: "one".into(),
        subject: "01-001".into(),
        instance: screening("factb"),
        opens: hours(-1),
        expires: hours(1),
    };
    let (token, _) = one.wait(one.people.issue_patient_link(new, "coordinator", hours(-1))).unwrap();
    let link = format!("/q/{}", token.reveal());
    // Answered at one, it is there at the other.
    assert_eq!(one.client().post(&format!("{link}/question/GP1"), &[("GP1", "2")]).status, 303);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let send = |server: &Running| server.client().post(&format!("{link}/send"), &[]).status;
        let hands: Vec<_> =
            [&one, &two, &one, &two, &one, &two].map(|server| scope.spawn(move || send(server))).into();
        hands.into_iter().map(|hand| hand.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    let saved = events(&one, |what| matches!(what, What::FormSaved { .. }));
    let answers: Vec<_> = saved
        .iter()
        .filter(|entered| entered.event.role == Role::Patient)
        .map(|entered| serde_json::to_value(&entered.event.what).unwrap()["values"]["GP1"].clone())
        .collect();
    assert_eq!(answers, [json!(2)]);
}

#[rstest]
fn a_role_given_at_one_opens_the_other_and_a_role_taken_closes_it(
    #[values(On::Sqlite, On::Postgres)] on: On,
) {
    let Some(_on) = on.enter() else { return };
    let one = empty();
    let two = one.another();
    let there = one.as_user("newcomer").at(&two);
    assert_eq!(there.get("/t/one/subjects").status, 404);
    let office = Actor::new("office", Role::TrialOffice);
    for (given, status) in [(Some(Role::Monitor), 200), (None, 404)] {
        let deed = Deed::ChangeUser { user: "newcomer".into(), given };
        one.submit(vec![Action::now(&office, deed)]);
        thread::sleep(BOUND);
        assert_eq!(there.get("/t/one/subjects").status, status);
    }
}
