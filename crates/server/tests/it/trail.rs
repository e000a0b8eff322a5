//! The audit trail, what is missing and the deviations over HTTP: complete, in words, and each site's own.

use std::collections::BTreeSet;

use office::{Action, Actor, Deed};
use rstest::rstest;
use serde_json::{Value, json};
use trial::derive::derive;
use trial::event::{Instance, Role};
use trial::outstanding::{Options, outstanding};
use trial::record::Record;

use crate::scaffold::{Reply, Running, demo, empty};

const SUBJECT: &str = "01-001";

/// A subject whose year of birth was corrected, with a query about it; gives the event of the correction.
fn corrected() -> (Running, u64) {
    let running = empty();
    let who = Actor::new("coordinator", Role::SiteCoordinator);
    let manager = Actor::new("manager", Role::DataManager);
    let instance = Instance { form: "demography".into(), visit: Some("SCREENING".into()), occurrence: 1 };
    let values = |year: u32| -> serde_json::Map<String, Value> {
        json!({ "BRTHYY": year, "SEX": "F", "MENOPAUS": "POST" }).as_object().unwrap().clone()
    };
    let ask = Deed::RaiseQuery {
        query: "R1".into(),
        about: Some(instance.clone()),
        item: Some("BRTHYY".into()),
        text: "1962?".into(),
        due: None,
    };
    let correct =
        Deed::Correct { instance: instance.clone(), values: values(1962), reason: "=Typing error".into() };
    let at = |who: &Actor, deed| Action::now(who, deed).at("01").of(SUBJECT);
    let receipts = running.submit(vec![
        at(&who, Deed::Screen),
        at(&who, Deed::Save { instance, values: values(1961) }),
        at(&manager, ask),
        at(&who, correct),
        at(&who, Deed::AnswerQuery { query: "R1".into(), text: "Yes.".into() }),
        at(&manager, Deed::CloseQuery { query: "R1".into() }),
    ]);
    std::thread::sleep(std::time::Duration::from_millis(120));
    (running, receipts[3].seq)
}

#[test]
fn a_correction_shows_the_old_value_the_new_one_and_why() {
    let (running, event) = corrected();
    let client = running.as_user("coordinator");
    for page in [
        format!("/t/one/trail?subject={SUBJECT}"),
        "/t/one/trail?kind=form_corrected".into(),
        "/t/one/trail".into(),
    ] {
        let reply = client.get(&page);
        assert!(
            reply.says("1961 → 1962") && reply.says("Reason: =Typing error"),
            "{page}: {}",
            reply.words()
        );
        assert!(reply.links().contains(&format!("/t/one/trail/{event}")));
    }
}

#[test]
fn the_history_of_an_item_holds_its_values_and_what_was_asked() {
    let (running, _) = corrected();
    let client = running.as_user("monitor");
    let page =
        client.get(&format!("/t/one/trail?subject={SUBJECT}&instance=demography%40SCREENING&item=BRTHYY"));
    for says in [
        "History of “Year of birth”",
        "nothing → 1961",
        "1961 → 1962",
        "R1 raised",
        "R1 answered: Yes.",
        "R1 closed",
    ] {
        assert!(page.says(says), "{says}: {}", page.words());
    }
    let other =
        client.get(&format!("/t/one/trail?subject={SUBJECT}&instance=demography%40SCREENING&item=SEX"));
    assert!(other.says("nothing → F") && !other.says("1962") && !other.says("R1"), "{}", other.words());
}

#[test]
pub(crate) fn an_event_stands_with_its_hash_and_the_one_before() {
    let (running, event) = corrected();
    let hash = |seq: u64| {
        running.wait(async {
            let ledger = ledger::Ledger::open_read_only(running.ledger("one")).await.unwrap();
            ledger.event(seq).await.unwrap().unwrap().hash.to_string()
        })
    };
    let page = running.as_user("coordinator").get(&format!("/t/one/trail/{event}"));
    for says in [hash(event), hash(event - 1), "=Typing error".into(), "Year of birth".into()] {
        assert!(page.says(&says), "{says}: {}", page.words());
    }
}

#[rstest]
#[case("user=manager", &["query_raised", "query_closed"])]
#[case("subject=01-001&form=demography", &["form_saved", "query_raised", "form_corrected", "query_answered", "query_closed"])]
#[case("subject=01-001&instance=demography%40SCREENING&kind=form_saved", &["form_saved"])]
#[case("site=01&kind=subject_screened", &["subject_screened"])]
#[case("site=02&kind=subject_screened", &[])]
#[case("form=demography&kind=form_corrected", &["form_corrected"])]
#[case("from=2026-01-06&kind=site_opened", &[])]
#[case("to=2026-01-05&kind=site_opened", &["site_opened", "site_opened"])]
#[case("to=2026-01-04", &[])]
#[case("subject=01-001&to=2026-01-05", &[])]
#[case("from=nonsense&kind=form_saved", &["form_saved"])]
fn the_trail_is_chosen_from(#[case] asked: &str, #[case] want: &[&str]) {
    let (running, _) = corrected();
    let reply = running.as_user("monitor").get(&format!("/t/one/trail.csv?{asked}"));
    assert_eq!(reply.status, 200);
    let mut seen = BTreeSet::new();
    let mut kinds: Vec<&str> = reply
        .body
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|fields| seen.insert(fields[0].to_owned()))
        .map(|fields| fields[6])
        .collect();
    kinds.reverse();
    assert_eq!(kinds, want, "{}", reply.body);
}

#[test]
fn the_export_is_whole_and_holds_no_formula() {
    let (running, event) = corrected();
    let count = running.reading().head.count;
    let reply = running.as_user("manager").get("/t/one/trail.csv");
    let seqs: BTreeSet<u64> =
        reply.body.lines().skip(1).map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    assert_eq!(seqs, (1..=count).collect());
    let line = reply.body.lines().find(|line| line.starts_with(&format!("{event},"))).unwrap();
    assert!(line.ends_with(",BRTHYY,,Year of birth,1961,1962,'=Typing error"), "{line}");
    assert_eq!(running.as_user("coordinator").get("/t/one/trail.csv").status, 403);
}

#[test]
fn another_site_sees_none_of_it() {
    let (running, event) = corrected();
    let elsewhere = running.as_user("elsewhere");
    let pages = [
        "trail",
        "trail?site=01",
        "trail?user=coordinator",
        "trail?kind=form_corrected",
        "outstanding",
        "outstanding.csv",
        "deviations",
        "deviations.csv",
    ];
    for page in pages {
        let reply = elsewhere.get(&format!("/t/one/{page}"));
        assert_eq!(reply.status, 200, "{page}");
        assert!(!reply.body.contains(SUBJECT), "{page}: {}", reply.words());
    }
    let hidden = [
        format!("/t/one/trail/{event}"),
        format!("/t/one/trail?subject={SUBJECT}"),
        format!("/t/one/trail?subject={SUBJECT}&instance=demography%40SCREENING&item=SEX"),
        "/t/one/trail/1".into(),
        "/t/one/trail/999999".into(),
        "/t/one/trail/nonsense".into(),
    ];
    for page in hidden {
        assert_eq!(elsewhere.get(&page).status, 404, "{page}");
    }
}

/// From page to page the whole trail is seen, once.
#[test]
fn the_pages_follow_each_other() {
    let running = demo();
    let client = running.as_user("office");
    let (records, _) = running.reading().records(|record| record).unwrap();
    let mut page =
        client.get(&format!("/t/one/trail?subject={}", records[0].subject.as_str().replace('/', "%2F")));
    let events = running.reading().record(&records[0].subject).unwrap().unwrap().1;
    let mut seen: Vec<u64> = Vec::new();
    loop {
        let links = page.links();
        seen.extend(links.iter().filter_map(|link| link.strip_prefix("/t/one/trail/")?.parse::<u64>().ok()));
        let Some(older) = links.into_iter().find(|link| link.contains("before=")) else { break };
        page = client.get(&older);
        assert!(seen.len() <= events.len(), "an event twice");
    }
    seen.reverse();
    assert_eq!(seen, events.iter().map(|entered| entered.seq).collect::<Vec<_>>());
}

fn records(running: &Running) -> Vec<Record> {
    running.reading().records(|record| record).unwrap().0
}

fn rows(reply: &Reply) -> usize {
    assert_eq!(reply.status, 200);
    csv_rows(&reply.body)
}

/// Rows of a CSV text, quoted line breaks among them, without its header.
fn csv_rows(text: &str) -> usize {
    let mut quoted = false;
    text.chars()
        .filter(|c| {
            quoted ^= *c == '"';
            *c == '\n' && !quoted
        })
        .count()
        - 1
}

#[rstest]
#[case("", None)]
#[case("?site=02", Some("02"))]
fn everything_that_is_missing_is_listed(#[case] asked: &str, #[case] site: Option<&str>) {
    let running = demo();
    let history = running.reading().history;
    let today = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::system()).date();
    let of = |record: &Record| {
        outstanding(&history, record, &derive(&history, record, None), today, Options::default()).len()
    };
    let records = records(&running);
    let want: usize =
        records.iter().filter(|record| site.is_none_or(|site| record.site.as_str() == site)).map(of).sum();
    assert!(want > 0, "nothing is missing: the test shows nothing");
    let client = running.as_user("manager");
    assert_eq!(rows(&client.get(&format!("/t/one/outstanding.csv{asked}"))), want);
    assert!(client.get(&format!("/t/one/outstanding{asked}")).says(&format!("{want} thing")));
}

#[test]
fn recorded_deviations_and_found_ones_are_listed() {
    let running = demo();
    let records = records(&running);
    let recorded: usize = records.iter().map(|record| record.deviations.len()).sum();
    let client = running.as_user("statistician");
    assert_eq!(rows(&client.get("/t/one/deviations.csv?which=recorded")), recorded);
    let all = rows(&client.get("/t/one/deviations.csv"));
    assert_eq!(all, recorded + rows(&client.get("/t/one/deviations.csv?which=found")));
    assert_eq!(client.get("/t/one/deviations").status, 200);
}

/// An important deviation stands first and says so; a record that was found can be recorded with what is known of it.
#[test]
fn the_important_ones_stand_first() {
    let running = empty();
    let who = Actor::new("coordinator", Role::SiteCoordinator);
    let deviation = |n: u32, day: &str, term: &str, major: &str| Deed::Save {
        instance: Instance { form: "deviation".into(), visit: None, occurrence: n },
        values: json!({ "DVSTDAT": day, "DVCAT": "OTHER", "DVTERM": term, "DVMAJOR": major })
            .as_object()
            .unwrap()
            .clone(),
    };
    let deeds = [
        Deed::Screen,
        deviation(1, "2026-01-07", "Later and minor", "N"),
        deviation(2, "2026-01-06", "Earlier and important", "Y"),
    ];
    running.submit(deeds.map(|deed| Action::now(&who, deed).at("01").of(SUBJECT)).into());
    std::thread::sleep(std::time::Duration::from_millis(120));
    let page = running.as_user("coordinator").get("/t/one/deviations");
    let words = page.words();
    let (first, second) =
        (words.find("Earlier and important").unwrap(), words.find("Later and minor").unwrap());
    assert!(first < second, "{words}");
    assert!(
        page.links().contains(&format!("/t/one/subjects/{SUBJECT}/forms/deviation.2")),
        "{:?}",
        page.links()
    );
}
