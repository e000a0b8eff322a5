//! The list of subjects: who sees whom, what the filters keep, the order, the pages, the CSV.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

use office::{Action, Actor, Deed};
use rstest::rstest;
use trial::date::utc_date;
use trial::derive::derive;
use trial::event::Role;
use trial::standing::{State, standing};

use crate::scaffold::{Reply, Running, demo, empty};

const LIST: &str = "/t/one/subjects";

/// Subjects that a page's table names, in its order.
fn shown(reply: &Reply) -> Vec<String> {
    let prefix = format!("{LIST}/");
    let links = reply.links().into_iter().filter_map(|link| link.strip_prefix(&prefix).map(str::to_owned));
    links.filter(|link| !link.contains('/')).collect()
}

/// Subject, site, standing of every subject, straight from the ledger.
fn known(running: &Running) -> Vec<(String, String, State)> {
    let reading = running.reading();
    let today = utc_date(jiff::Timestamp::now());
    let (known, _) = reading
        .records(|record| {
            let derived = derive(&reading.history, &record, None);
            let stands = standing(&reading.history, &record, &derived, today);
            (record.subject.to_string(), record.site.to_string(), stands.state)
        })
        .unwrap();
    known
}

#[rstest]
#[case("coordinator", Some("01"))]
#[case("investigator", Some("01"))]
#[case("oncologist", Some("01"))]
#[case("elsewhere", Some("02"))]
#[case("monitor", None)]
#[case("manager", None)]
#[case("statistician", None)]
#[case("office", None)]
fn a_list_holds_the_subjects_of_ones_sites(#[case] user: &str, #[case] site: Option<&str>) {
    let running = demo();
    let reply = running.as_user(user).get(LIST);
    assert_eq!(reply.status, 200, "{}", reply.words());
    let want: BTreeSet<String> = known(&running)
        .into_iter()
        .filter(|(_, at, _)| site.is_none_or(|site| at == site))
        .map(|(subject, ..)| subject)
        .collect();
    assert!(want.len() > 1, "the trial has subjects at each site");
    assert_eq!(shown(&reply).into_iter().collect::<BTreeSet<_>>(), want);
    assert_eq!(reply.says("Screen a patient"), matches!(user, "coordinator" | "investigator" | "elsewhere"));
}

#[rstest]
#[case("committee", 403)]
#[case("stranger", 404)]
#[case("newcomer", 404)]
fn whoever_may_see_no_subject_gets_no_list(#[case] user: &str, #[case] status: u16) {
    let running = demo();
    for page in [LIST, "/t/one/subjects.csv"] {
        assert_eq!(running.as_user(user).get(page).status, status, "{page}");
    }
}

#[test]
fn a_filter_keeps_what_it_says() {
    let running = demo();
    let office = running.as_user("office");
    let known = known(&running);
    let of = |keep: &dyn Fn(&(String, String, State)) -> bool| -> BTreeSet<String> {
        known.iter().filter(|one| keep(one)).map(|one| one.0.clone()).collect()
    };
    let part = known[0].0[known[0].0.len() - 1..].to_owned();
    let mut cases = vec![
        ("site=02".to_owned(), of(&|one| one.1 == "02")),
        (format!("q={part}"), of(&|one| one.0.contains(&part))),
        ("q=no-such-number".to_owned(), BTreeSet::new()),
    ];
    for state in State::ALL {
        let code = state.as_str().to_lowercase().replace(' ', "-");
        cases.push((format!("standing={code}"), of(&|one| one.2 == state)));
    }
    for (query, want) in cases {
        let reply = office.get(&format!("{LIST}?{query}"));
        assert_eq!(shown(&reply).into_iter().collect::<BTreeSet<_>>(), want, "{query}");
        assert_eq!(reply.says("No subject is as you asked."), want.is_empty(), "{query}");
    }
}

#[test]
fn another_sites_subject_cannot_be_asked_for_by_a_filter() {
    let running = demo();
    let reply = running.as_user("elsewhere").get(&format!("{LIST}?site=01"));
    assert_eq!(shown(&reply), Vec::<String>::new());
}

#[test]
fn the_csv_holds_the_same_subjects() {
    let running = demo();
    let office = running.as_user("office");
    let reply = office.get("/t/one/subjects.csv?sort=site");
    assert_eq!(reply.header("content-type"), Some("text/csv; charset=utf-8"));
    let mut lines = csv::Reader::from_reader(reply.body.as_bytes());
    let header = lines.headers().unwrap().clone();
    assert_eq!(&header[0], "SUBJID");
    let rows: Vec<csv::StringRecord> = lines.records().map(Result::unwrap).collect();
    let want: BTreeSet<(String, String, String)> = known(&running)
        .into_iter()
        .map(|(subject, site, state)| (subject, site, state.to_string()))
        .collect();
    let got = rows.iter().map(|row| (row[0].to_owned(), row[1].to_owned(), row[2].to_owned()));
    assert_eq!(got.collect::<BTreeSet<_>>(), want);
}

#[test]
fn a_search_gets_the_list_alone_and_the_way_back_the_page() {
    let running = demo();
    let office = running.as_user("office");
    let part = office.part(LIST);
    assert!(part.body.starts_with("<section id=\"list\""), "{}", &part.body[..80]);
    let back =
        office.send("GET", LIST, &[("hx-request", "true"), ("hx-history-restore-request", "true")], None);
    assert!(back.body.starts_with("<!DOCTYPE html>"));
}

#[test]
fn what_was_typed_is_shown_as_text() {
    let running = demo();
    let reply = running.as_user("office").get(&format!("{LIST}?q=%3Cscript%3Ealert(1)%3C/script%3E"));
    assert!(reply.body.contains("&lt;script&gt;alert(1)") && !reply.body.contains("<script>alert"));
}

#[test]
fn a_hundred_subjects_make_a_page() {
    let running = empty();
    let who = Actor::new("coordinator", Role::SiteCoordinator);
    assert!(running.as_user("coordinator").get(LIST).says("Screen the first patient"));
    let screened =
        (1..=101).map(|n| Action::now(&who, Deed::Screen).at("01").of(format!("01/{n:03}").as_str()));
    running.submit(screened.collect());
    let coordinator = running.as_user("coordinator");
    // What another process wrote is seen within a tenth of a second.
    let until = Instant::now() + Duration::from_secs(10);
    let mut first = coordinator.get(LIST);
    while shown(&first).is_empty() && Instant::now() < until {
        sleep(Duration::from_millis(20));
        first = coordinator.get(LIST);
    }
    assert_eq!((shown(&first).len(), first.says("Page 1 of 2")), (100, true));
    let next = first.links().into_iter().find(|link| link.contains("page=2")).unwrap();
    let second = coordinator.get(&next);
    assert_eq!(shown(&second), ["01%2F101"]);
    // Beyond the last page is the last page.
    assert_eq!(shown(&coordinator.get(&format!("{LIST}?page=99"))), ["01%2F101"]);
    let page = coordinator.get(&format!("{LIST}/01%2F101"));
    assert!(page.says("Subject") || page.says("01/101"), "{}", page.words());
    assert_eq!(page.status, 200);
}
