//! Queries over HTTP: raised, answered, closed, raised again, each by whose role includes it.

use office::{Action, Actor, Deed};
use rstest::rstest;
use serde_json::{Value, json};
use trial::event::{Instance, Role};
use trial::id::SubjectId;
use trial::record::{Query, QueryState, Record};

use crate::scaffold::{Reply, Running, demo, empty};

const SUBJECT: &str = "01-001";

fn instance(form: &str, visit: &str) -> Instance {
    Instance { form: form.into(), visit: Some(visit.into()), occurrence: 1 }
}

/// A subject of site 01 with a form.
fn entered() -> Running {
    let running = empty();
    let who = Actor::new("coordinator", Role::SiteCoordinator);
    let values: Value = json!({ "BRTHYY": 1961, "SEX": "F", "MENOPAUS": "POST" });
    let save = Deed::Save {
        instance: instance("demography", "SCREENING"),
        values: values.as_object().unwrap().clone(),
    };
    running.submit([Deed::Screen, save].map(|deed| Action::now(&who, deed).at("01").of(SUBJECT)).into());
    std::thread::sleep(std::time::Duration::from_millis(120));
    running
}

fn record(running: &Running) -> Record {
    running.reading().record(&SubjectId::from(SUBJECT)).unwrap().unwrap().0
}

fn query(running: &Running, id: &str) -> Query {
    record(running)
        .queries
        .into_iter()
        .find(|query| query.id == id)
        .unwrap_or_else(|| panic!("no query {id}"))
}

fn of_subject(rest: &str) -> String {
    format!("/t/one/subjects/{SUBJECT}/{rest}")
}

fn taken(reply: &Reply) {
    assert_eq!(reply.status, 303, "{}", reply.words());
}

const QUESTION: &str = "The source says 1962. Which is right?";

/// Raises `R1` about the year of birth, as the data manager.
fn raised() -> Running {
    let running = entered();
    let fields =
        [("form", "demography@SCREENING"), ("item", "BRTHYY"), ("text", QUESTION), ("due", "2999-01-31")];
    taken(&running.as_user("manager").post(&of_subject("raise-query"), &fields));
    running
}

#[test]
pub(crate) fn a_query_goes_round_and_keeps_its_history() {
    let running = raised();
    let (manager, coordinator) = (running.as_user("manager"), running.as_user("coordinator"));
    let asked = query(&running, "R1");
    assert_eq!((asked.text.as_str(), asked.item.as_deref()), (QUESTION, Some("BRTHYY")));
    assert_eq!(asked.due, Some(jiff::civil::date(2999, 1, 31)));
    assert_eq!((asked.raised.who.as_str(), asked.raised.role), ("manager", Role::DataManager));

    // The site finds it in its list and beside the item.
    let list = coordinator.get("/t/one/queries");
    assert!(list.says(QUESTION) && list.says("31 Jan 2999"), "{}", list.words());
    let form = coordinator.get(&of_subject("forms/demography%40SCREENING"));
    assert!(form.says(QUESTION), "{}", form.words());
    assert!(form.links().contains(&of_subject("queries/R1")), "{:?}", form.links());

    // It answers; a second click answers once.
    let page = coordinator.get(&of_subject("queries/R1"));
    let seen = page.field("_seen").unwrap();
    assert!(!page.says("Close the query"), "a coordinator is offered to close");
    let answer = [("_seen", seen.as_str()), ("text", "1962; corrected.")];
    taken(&coordinator.post(&of_subject("queries/R1/answer"), &answer));
    taken(&coordinator.post(&of_subject("queries/R1/answer"), &answer));
    assert_eq!(query(&running, "R1").answers.len(), 1);

    // Whoever comes later with another answer keeps what they typed.
    let late = [("_seen", seen.as_str()), ("text", "It is 1961 after all")];
    let late = running.as_user("investigator").post(&of_subject("queries/R1/answer"), &late);
    assert_eq!(late.status, 422);
    assert!(late.says("Somebody was quicker"), "{}", late.words());
    assert_eq!(late.field("text").as_deref(), Some("It is 1961 after all"));
    assert_eq!(query(&running, "R1").answers.len(), 1);

    // The data manager closes all that are ticked.
    let answered = manager.get("/t/one/queries?state=answered");
    let key = answered.field("query").unwrap();
    let asked = answered.field("_asked").unwrap();
    let reply = manager.post("/t/one/queries/close", &[("query", &key), ("_asked", &asked)]);
    taken(&reply);
    assert_eq!(reply.location(), Some("/t/one/queries?state=answered"));
    let closed = query(&running, "R1");
    assert_eq!(closed.closed.as_ref().map(|mark| mark.who.as_str()), Some("manager"));

    // A closed one takes no answer; it is asked again as a new one that names it.
    let reply = coordinator.post(&of_subject("queries/R1/answer"), &[("text", "more")]);
    assert_eq!(reply.status, 422);
    let reply = manager.post(&of_subject("queries/R1/again"), &[("again", "And the month?"), ("due", "")]);
    taken(&reply);
    let page = manager.follow(&reply);
    assert!(
        page.says("Query R1 is asked again: And the month?") && page.says("Asked before as R1"),
        "{}",
        page.words()
    );
    let again = query(&running, "R1.2");
    assert_eq!((again.about, again.item, again.due), (closed.about, closed.item, None));
    let old = manager.get(&of_subject("queries/R1"));
    for says in [
        "Raised by manager",
        "Answered by coordinator",
        "1962; corrected.",
        "Closed by manager",
        "Asked again as R1.2",
    ] {
        assert!(old.says(says), "{says}: {}", old.words());
    }
}

#[rstest]
#[case::nothing_said(&[("text", "")], "Write what is to be looked at")]
#[case::day_is_over(&[("text", "?"), ("due", "2020-01-01")], "2020-01-01 is over")]
#[case::no_day(&[("text", "?"), ("due", "31.2.2026")], "There is no 31 February 2026")]
#[case::not_filled(&[("text", "?"), ("form", "ecog@W12")], "not filled yet")]
#[case::no_form(&[("text", "?"), ("form", "@")], "is not the name of a form")]
#[case::no_item(&[("text", "?"), ("form", "demography@SCREENING"), ("item", "WEIGHT")], "has no item WEIGHT")]
#[case::item_of_nothing(&[("text", "?"), ("item", "SEX")], "An item belongs to a form")]
fn what_cannot_be_asked_is_said_beside_its_field(#[case] fields: &[(&str, &str)], #[case] says: &str) {
    let running = entered();
    let reply = running.as_user("monitor").post(&of_subject("raise-query"), fields);
    assert_eq!(reply.status, 422);
    assert!(reply.says(says), "{says}: {}", reply.words());
    for (name, text) in fields.iter().filter(|(name, _)| matches!(*name, "text" | "due")) {
        assert_eq!(reply.field(name).as_deref(), Some(*text), "{name} is lost");
    }
    assert!(record(&running).queries.is_empty());
}

#[rstest]
#[case("coordinator", 403, 303, 403)]
#[case("investigator", 403, 303, 403)]
#[case("monitor", 303, 403, 303)]
#[case("manager", 303, 403, 303)]
#[case("statistician", 403, 403, 403)]
#[case("elsewhere", 404, 404, 404)]
#[case("stranger", 404, 404, 404)]
fn each_does_what_the_role_includes(
    #[case] user: &str,
    #[case] raise: u16,
    #[case] answer: u16,
    #[case] close: u16,
) {
    let running = raised();
    let client = running.as_user(user);
    assert_eq!(client.post(&of_subject("raise-query"), &[("text", "?")]).status, raise);
    assert_eq!(client.post(&of_subject("queries/R1/answer"), &[("text", "!")]).status, answer);
    assert_eq!(client.post(&of_subject("queries/R1/close"), &[]).status, close);
    let found = query(&running, "R1");
    assert_eq!((found.answers.is_empty(), found.closed.is_none()), (answer != 303, close != 303));
}

#[test]
fn another_site_sees_nothing_of_it_and_closes_nothing() {
    let running = raised();
    let elsewhere = running.as_user("elsewhere");
    for page in ["/t/one/queries", "/t/one/queries?state=all", "/t/one/queries.csv?state=all"] {
        let reply = elsewhere.get(page);
        assert_eq!(reply.status, 200);
        assert!(!reply.body.contains(QUESTION) && !reply.body.contains(SUBJECT), "{page}");
    }
    assert_eq!(elsewhere.get(&of_subject("queries/R1")).status, 404);
    // All or none: a key that names nothing leaves the others open.
    let keys = [r#"["01-001","R1"]"#, r#"["02-009","R1"]"#];
    let reply = running.as_user("manager").post("/t/one/queries/close", &keys.map(|key| ("query", key)));
    assert_eq!(reply.status, 422);
    assert!(reply.says("Nothing was closed"), "{}", reply.words());
    assert_eq!(query(&running, "R1").state(), QueryState::Raised);
}

/// The counts and the list are those of the records.
#[rstest]
#[case("", |query: &Query| query.state() != QueryState::Closed)]
#[case("open", |query: &Query| query.state() == QueryState::Raised)]
#[case("answered", |query: &Query| query.state() == QueryState::Answered)]
#[case("overdue", |query: &Query| query.is_overdue(jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::system()).date()))]
#[case("closed", |query: &Query| query.state() == QueryState::Closed)]
fn the_list_holds_every_query_of_its_state(#[case] state: &str, #[case] wanted: fn(&Query) -> bool) {
    let running = demo();
    let (records, _) = running.reading().records(|record| record).unwrap();
    let all =
        || records.iter().flat_map(|record| record.queries.iter().map(move |query| (&record.subject, query)));
    let want = all().filter(|(_, query)| wanted(query)).count();
    let list = running.as_user("manager").get(&format!("/t/one/queries.csv?state={state}"));
    let mut reader = list.body.lines();
    assert!(reader.next().unwrap().starts_with("SITEID,SUBJID,QUERY,STATE"));
    let (subjects, rows): (Vec<String>, usize) =
        (records.iter().map(|record| record.subject.to_string()).collect(), reader.count());
    assert_eq!(rows, want, "{subjects:?}");
    assert!(all().any(|(_, query)| query.closed.is_some()), "nothing was closed: the test shows little");
}

/// A subject of site 01 with two lesions.
fn with_lesions() -> Running {
    let running = entered();
    let lesion = |id: &str| json!({ "TULNKID": id, "TUORRES": "TARGET", "TULOC": "LUNG", "DIAMETER": 22 });
    let values =
        json!({ "TRDAT": "2026-01-05", "TRMETHOD": "CT SCAN", "LESIONS": [lesion("T01"), lesion("T02")] });
    let save =
        Deed::Save { instance: instance("tumour", "SCREENING"), values: values.as_object().unwrap().clone() };
    let who = Actor::new("coordinator", Role::SiteCoordinator);
    running.submit(vec![Action::now(&who, save).at("01").of(SUBJECT)]);
    std::thread::sleep(std::time::Duration::from_millis(120));
    running
}

/// Rows come and go: a query about one is named by what the row says, not by its place.
#[test]
fn a_query_about_a_row_of_a_group_names_the_row() {
    let running = with_lesions();
    let (manager, coordinator) = (running.as_user("manager"), running.as_user("coordinator"));
    let form = "tumour@SCREENING";
    let offered = manager.get(&of_subject("raise-query?form=tumour@SCREENING&row=LESIONS.T02"));
    assert!(offered.says("Lesions: T01") && offered.says("Lesions: T02"), "{}", offered.words());
    let ask = |item: &str, row: &str| {
        manager.post(
            &of_subject("raise-query"),
            &[("form", form), ("item", item), ("row", row), ("text", QUESTION), ("due", "2999-01-31")],
        )
    };
    for (item, row, says) in [
        ("DIAMETER", "LESIONS.T09", "The form has no such row now"),
        ("TRDAT", "LESIONS.T02", "The item does not stand in a row"),
        ("", "LESIONS.T02", "Choose the item of the row"),
    ] {
        let refused = ask(item, row);
        assert_eq!(refused.status, 422);
        assert!(refused.says(says) && refused.says(QUESTION), "{}", refused.words());
    }
    taken(&ask("DIAMETER", "LESIONS.T02"));
    assert_eq!(query(&running, "R1").item.as_deref(), Some("LESIONS.T02.DIAMETER"));
    let list = coordinator.get("/t/one/queries");
    assert!(list.says("T02, Longest diameter"), "{}", list.words());
    assert!(list.links().contains(&of_subject("forms/tumour%40SCREENING#query-R1")), "{:?}", list.links());

    // Beside the lesion's own diameter, wherever its row stands.
    let beside = |row: &str| {
        let page = coordinator.get(&of_subject("forms/tumour%40SCREENING")).body;
        assert_eq!(page.matches(QUESTION).count(), 1);
        let (_, from) = page.split_once(&format!("id=\"{row}.DIAMETER\"")).unwrap();
        from.split_once("</td>").unwrap().0.contains(QUESTION)
    };
    assert!(beside("LESIONS.1") && !beside("LESIONS.0"));
    let values = json!({ "TRDAT": "2026-01-05", "TRMETHOD": "CT SCAN",
        "LESIONS": [{ "TULNKID": "T02", "TUORRES": "TARGET", "TULOC": "LUNG", "DIAMETER": 22 }] });
    let correct = Deed::Correct {
        instance: instance("tumour", "SCREENING"),
        values: values.as_object().unwrap().clone(),
        reason: "T01 is a scar".into(),
    };
    let who = Actor::new("coordinator", Role::SiteCoordinator);
    running.submit(vec![Action::now(&who, correct).at("01").of(SUBJECT)]);
    std::thread::sleep(std::time::Duration::from_millis(120));
    assert!(beside("LESIONS.0"));
}

/// What waits stands in the bar of every page, of one's own sites alone.
#[test]
fn the_bar_counts_what_waits() {
    let running = raised();
    for (user, counted) in [("manager", true), ("coordinator", true), ("elsewhere", false)] {
        let client = running.as_user(user);
        // The list brings the counts up to date.
        client.get("/t/one/queries");
        let page = client.get("/t/one/subjects");
        assert_eq!(
            page.body.contains("1<span class=\"visually-hidden\"> not closed</span>"),
            counted,
            "{user}: {}",
            page.words()
        );
    }
}
