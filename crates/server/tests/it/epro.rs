//! A patient's questionnaire: the link is given, answered on a telephone, sent once; whatever else may happen to it.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use office::{Action, Actor, Deed};
use people::{Claim, LinkState, NewPatientLink, PatientAccess, PatientLink};
use rstest::rstest;
use serde_json::{Value, json};
use server::{Options, Server, TrialOptions};
use trial::event::{Role, What};
use trial::factb::ITEMS;
use trial::id::SubjectId;
use trial::protocol::check;

use crate::eligible::{events, forms, record, screened, screening, values};
use crate::scaffold::{AVATAR, Client, Reply, Running, empty, empty_with};

const SUBJECT: &str = "01-001";
const SITE_PAGE: &str = "/t/one/subjects/01-001/questionnaires";

/// A trial with a subject in screening who lacks only the questionnaire.
fn waiting() -> Running {
    let running = empty();
    screened(&running, "01", SUBJECT, &[]);
    running
}

/// The address of the link on a page that shows it.
fn link_of(running: &Running, page: &Reply) -> String {
    assert_eq!(page.status, 200, "{}", page.words());
    let (_, rest) = page.body.split_once(&format!("{}/q/", running.address)).expect("no link on the page");
    let token: String =
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    format!("/q/{token}")
}

/// The coordinator gives a link.
fn give(running: &Running) -> String {
    let page = running.as_user("coordinator").post(SITE_PAGE, &[("instance", "factb@SCREENING")]);
    link_of(running, &page)
}

/// A link made beside the server, open between these moments, made at `now`.
fn made(running: &Running, opens: i64, expires: i64, now: i64) -> String {
    let hours = |hours: i64| Timestamp::now() + SignedDuration::from_hours(hours);
    let new = NewPatientLink {
        trial: "one".into(),
        subject: SUBJECT.into(),
        instance: screening("factb"),
        opens: hours(opens),
        expires: hours(expires),
    };
    let (token, _) = running.wait(running.people.issue_patient_link(new, "coordinator", hours(now))).unwrap();
    format!("/q/{}", token.reveal())
}

fn token(link: &str) -> &str {
    link.strip_prefix("/q/").unwrap()
}

/// The link as the site sees it.
fn standing(running: &Running) -> PatientLink {
    let links = running.wait(running.people.patient_links("one", Some(&SubjectId::from(SUBJECT)))).unwrap();
    links.into_iter().next().unwrap()
}

/// The questionnaires in the ledger: who, in which role, and the values.
fn answers(running: &Running) -> Vec<(String, Role, Value)> {
    let saved =
        events(running, |what| matches!(what, What::FormSaved { instance, .. } if instance.form == "factb"));
    let of = |event: trial::event::Event| match event.what {
        What::FormSaved { values, .. } => (event.who, event.role, Value::Object(values)),
        _ => unreachable!(),
    };
    saved.into_iter().map(|entered| of(entered.event)).collect()
}

/// Answers every question, one at a time, from wherever the patient is sent; an item that `answer` has nothing for is passed over.
fn answer_all(patient: &Client, link: &str, answer: impl Fn(&str) -> Option<&'static str>) -> Vec<String> {
    let mut reply = patient.post(&format!("{link}/begin"), &[("_view", "one")]);
    let mut seen = Vec::new();
    while let Some(item) =
        reply.location().and_then(|to| to.rsplit_once("/question/")).map(|(_, item)| item.to_owned())
    {
        let page = patient.follow(&reply);
        assert_eq!(page.status, 200, "{}", page.words());
        assert!(page.body.contains(&format!("name=\"{item}\"")), "{}", page.body);
        let fields: Vec<(&str, &str)> = answer(&item).map(|text| (item.as_str(), text)).into_iter().collect();
        reply = patient.post(&format!("{link}/question/{item}"), &fields);
        seen.push(item);
    }
    assert_eq!(reply.location(), Some(format!("{link}/review").as_str()));
    seen
}

fn send(patient: &Client, link: &str) -> Reply {
    patient.post(&format!("{link}/send"), &[])
}

#[test]
pub(crate) fn a_patient_answers_one_question_at_a_time_and_sends_once() {
    let running = waiting();
    let coordinator = running.as_user("coordinator");
    assert!(coordinator.get(SITE_PAGE).says("no link given"));
    let page = coordinator.post(SITE_PAGE, &[("instance", "factb@SCREENING")]);
    assert!(page.body.contains("<svg role=\"img\""), "no QR code");
    let link = link_of(&running, &page);
    // It is shown this once.
    assert!(!coordinator.get(SITE_PAGE).body.contains(token(&link)));
    assert!(coordinator.get(SITE_PAGE).says("not opened"));

    let patient = running.client();
    assert_eq!(patient.get(&link).status, 200);
    let seen = answer_all(&patient, &link, |item| (item != "GS7").then_some("3"));
    assert_eq!(seen, ITEMS);
    assert!(coordinator.get(SITE_PAGE).says("begun"));
    let review = patient.get(&format!("{link}/review"));
    assert!(
        review.says("not answered") && review.says("One question is not answered."),
        "{}",
        review.words()
    );
    assert!(answers(&running).is_empty());

    let sent = send(&patient, &link);
    assert_eq!((sent.status, sent.location()), (303, Some(link.as_str())));
    assert!(patient.follow(&sent).says("Your answers have arrived."));
    let again = send(&patient, &link);
    assert_eq!(again.status, 409);
    assert!(again.says("They were not sent a second time."));
    // Not even by an open page of a question.
    assert!(
        patient.post(&format!("{link}/question/GP1"), &[("GP1", "0")]).says("Your answers have arrived.")
    );

    let [(who, role, values)] = &answers(&running)[..] else { panic!("not once in the ledger") };
    assert_eq!((who.as_str(), *role), ("patient", Role::Patient));
    let mut want: serde_json::Map<String, Value> =
        ITEMS.iter().filter(|item| **item != "GS7").map(|item| ((*item).to_owned(), json!(3))).collect();
    want.insert("QSDAT".into(), values["QSDAT"].clone());
    assert_eq!(values, &Value::Object(want));
    let days = jiff::civil::Date::strptime("%Y-%m-%d", values["QSDAT"].as_str().unwrap()).unwrap();
    let today = Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    assert!(days == today || days == today.yesterday().unwrap());

    let link_now = standing(&running);
    assert_eq!(link_now.state, LinkState::Sent);
    let filled = record(&running, SUBJECT).unwrap();
    let form = filled.forms.iter().find(|form| form.instance == screening("factb")).unwrap();
    assert_eq!(link_now.sent_seq, Some(form.event));
    let page = coordinator.get(SITE_PAGE);
    assert!(page.says("answered by the patient") && !page.says("Give a link"), "{}", page.words());
    assert_eq!(coordinator.post(SITE_PAGE, &[("instance", "factb@SCREENING")]).status, 422);
}

#[test]
fn all_questions_on_one_page_give_the_same() {
    let running = waiting();
    let link = give(&running);
    let patient = running.client();
    let begun = patient.post(&format!("{link}/begin"), &[("_view", "all")]);
    assert_eq!(begun.location(), Some(format!("{link}/all").as_str()));
    let page = patient.follow(&begun);
    let fields: BTreeSet<String> = page.fields().into_iter().map(|(name, _)| name).collect();
    assert!(ITEMS.iter().all(|item| fields.contains(*item)), "{fields:?}");
    let fields: Vec<(&str, &str)> = ITEMS.iter().map(|item| (*item, "1")).collect();
    let reply = patient.post(&format!("{link}/all"), &fields);
    assert_eq!(reply.location(), Some(format!("{link}/review").as_str()));
    // The way of answering is remembered, and every question can be changed.
    assert!(patient.get(&format!("{link}/review")).body.contains(&format!("{link}/all#B3")));
    assert_eq!(send(&patient, &link).status, 303);
    let [(_, _, values)] = &answers(&running)[..] else { panic!("not once in the ledger") };
    assert_eq!(values.as_object().unwrap().len(), ITEMS.len() + 1);
}

#[test]
fn the_pages_show_nothing_of_the_trial() {
    let running = waiting();
    let link = give(&running);
    let patient = running.client();
    patient.post(&format!("{link}/question/GP1"), &[("GP1", "2")]);
    let mut pages: Vec<Reply> = ["", "/question/GP1", "/question/GP1?from=review", "/all", "/review"]
        .iter()
        .map(|rest| patient.get(&format!("{link}{rest}")))
        .collect();
    send(&patient, &link);
    pages.push(patient.get(&link));
    pages.push(patient.get("/q/nobody-such"));
    for page in pages {
        for hidden in [
            SUBJECT,
            "AVATAR",
            "Trialwright",
            "Harbour",
            "Screening",
            "SABR",
            "/t/",
            "coordinator",
            "breast cancer trial",
        ] {
            assert!(!page.body.contains(hidden), "{hidden}: {}", page.body);
        }
        assert!(page.header("set-cookie").is_none());
        assert_eq!(page.header("cache-control"), Some("no-store"));
    }
}

#[test]
pub(crate) fn answers_are_there_on_another_day_and_another_telephone() {
    let running = waiting();
    let link = give(&running);
    let first = running.client();
    first.post(&format!("{link}/begin"), &[("_view", "one")]);
    first.post(&format!("{link}/question/GP1"), &[("GP1", "4")]);
    // Passed over.
    first.post(&format!("{link}/question/GP2"), &[]);
    // As the script does while one chooses; the page was then lost.
    assert_eq!(first.post(&format!("{link}/keep"), &[("GP3", "1")]).status, 200);
    let other = running.client();
    assert!(other.get(&link).says("You have answered 2 of 37 questions."), "{}", other.get(&link).words());
    let on = other.post(&format!("{link}/begin"), &[("_view", "one")]);
    assert_eq!(on.location(), Some(format!("{link}/question/GP4").as_str()));
    let back = other.post(&format!("{link}/question/GP4"), &[("_go", "back")]);
    assert_eq!(back.location(), Some(format!("{link}/question/GP3").as_str()));
    let page = other.follow(&back);
    assert!(page.body.contains("value=\"1\" checked"), "{}", page.body);
    // Changed from the review, it goes back there.
    let changed = other.post(&format!("{link}/question/GP1?from=review"), &[("GP1", "0")]);
    assert_eq!(changed.location(), Some(format!("{link}/review").as_str()));
}

#[rstest]
#[case::unknown(|_: &Running| format!("/q/{}", "x".repeat(43)), 404, "This link opens no questionnaire")]
#[case::not_yet(|running: &Running| made(running, 24, 48, 0), 200, "It is not time yet")]
#[case::expired(|running: &Running| made(running, -48, -24, -40), 410, "The time for this questionnaire is over")]
#[case::withdrawn(withdrawn, 404, "This link opens no questionnaire")]
#[case::replaced(replaced, 404, "This link opens no questionnaire")]
#[case::left_the_trial(left, 404, "This link opens no questionnaire")]
#[case::by_team(by_team, 200, "This questionnaire is filled already")]
#[case::on_its_way(on_its_way, 200, "Your answers are on their way")]
fn a_link_that_is_not_open_says_so_kindly(
    #[case] link: fn(&Running) -> String,
    #[case] status: u16,
    #[case] says: &str,
) {
    let running = waiting();
    let link = link(&running);
    let patient = running.client();
    for (method, rest) in [
        ("GET", ""),
        ("GET", "/question/GP1"),
        ("GET", "/all"),
        ("GET", "/review"),
        ("POST", "/begin"),
        ("POST", "/question/GP1"),
        ("POST", "/all"),
    ] {
        let path = format!("{link}{rest}");
        let page = if method == "GET" { patient.get(&path) } else { patient.post(&path, &[("GP1", "1")]) };
        assert_eq!(page.status, status, "{method} {path}: {}", page.words());
        assert!(page.says(says), "{method} {path}: {}", page.words());
    }
    assert_eq!(patient.post(&format!("{link}/keep"), &[("GP1", "1")]).status, 409);
    let sent = send(&patient, &link);
    assert_eq!(sent.status, status, "{}", sent.words());
    assert!(sent.says(says), "{}", sent.words());
    assert_eq!(answers(&running).len(), usize::from(says == "This questionnaire is filled already"));
}

fn withdrawn(running: &Running) -> String {
    let link = give(running);
    let id = standing(running).id;
    let reply = running.as_user("coordinator").post(&format!("{SITE_PAGE}/withdraw"), &[("id", &id)]);
    assert_eq!(reply.status, 303);
    link
}

fn replaced(running: &Running) -> String {
    let link = give(running);
    give(running);
    link
}

fn by_team(running: &Running) -> String {
    let link = give(running);
    running.client().post(&format!("{link}/question/GP1"), &[("GP1", "2")]);
    enter_on_paper(running);
    link
}

/// Whoever withdrew is asked nothing more.
fn left(running: &Running) -> String {
    let link = give(running);
    running.client().post(&format!("{link}/question/GP1"), &[("GP1", "2")]);
    let actor = Actor::new("coordinator", Role::SiteCoordinator);
    let instance = trial::event::Instance { form: "withdrawal".into(), visit: None, occurrence: 1 };
    let given = values(json!({ "DSSTDAT": "2026-01-07", "DSDECOD": "WITHDRAWAL OF CONSENT" }));
    running.submit(vec![Action::now(&actor, Deed::Save { instance, values: given }).at("01").of(SUBJECT)]);
    thread::sleep(Duration::from_millis(150));
    link
}

fn on_its_way(running: &Running) -> String {
    let link = give(running);
    let claim = running.wait(running.people.claim_for_sending(token(&link), Timestamp::now())).unwrap();
    assert!(matches!(claim, Claim::Claimed { .. }));
    link
}

fn enter_on_paper(running: &Running) {
    let actor = Actor::new("coordinator", Role::SiteCoordinator);
    let deed = Deed::Save {
        instance: screening("factb"),
        values: values(json!({ "QSDAT": "2026-01-06", "GP1": 1 })),
    };
    running.submit(vec![Action::now(&actor, deed).at("01").of(SUBJECT)]);
    // A server sees what another process wrote within a tenth of a second.
    thread::sleep(Duration::from_millis(150));
}

#[test]
pub(crate) fn of_many_sendings_at_once_one_is_recorded() {
    let running = waiting();
    let link = give(&running);
    running.client().post(&format!("{link}/question/GP1"), &[("GP1", "2")]);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let hands: Vec<_> = (0..10).map(|_| scope.spawn(|| send(&running.client(), &link).status)).collect();
        hands.into_iter().map(|hand| hand.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 303 | 409)), "{statuses:?}");
    assert_eq!(answers(&running).len(), 1);
}

#[test]
pub(crate) fn taps_that_come_at_once_lose_no_answer() {
    let running = waiting();
    let link = give(&running);
    thread::scope(|scope| {
        for item in ITEMS {
            let (running, link) = (&running, &link);
            scope.spawn(move || {
                assert_eq!(running.client().post(&format!("{link}/keep"), &[(item, "2")]).status, 200);
            });
        }
    });
    let open = running.wait(running.people.patient_link(token(&link), Timestamp::now())).unwrap();
    let PatientAccess::Open { answers, .. } = open else { panic!("{open:?}") };
    assert_eq!(answers.len(), ITEMS.len());
}

#[rstest]
#[case::too_high("9", "it must lie between 0 and 4")]
#[case::no_number("much", "")]
#[case::half("1.5", "")]
#[case::script("<script>alert(1)</script>", "")]
fn a_forged_answer_is_said_and_never_recorded(#[case] text: &str, #[case] says: &str) {
    let running = waiting();
    let link = give(&running);
    let patient = running.client();
    let reply = patient
        .post(&format!("{link}/question/GP1"), &[("GP1", text), ("QSDAT", "1999-01-01"), ("NOSUCH", "1")]);
    assert_eq!(reply.status, 422, "{}", reply.words());
    assert!(reply.says(says) && reply.body.contains("id=\"GP1-fault\""), "{}", reply.words());
    assert!(!reply.body.contains("<script>alert"));
    let sent = send(&patient, &link);
    assert_eq!(sent.status, 422, "{}", sent.words());
    assert!(sent.says("Some answers need another look"));
    assert!(answers(&running).is_empty());
    // Nothing is lost by it.
    assert_eq!(patient.post(&format!("{link}/question/GP1"), &[("GP1", "1")]).status, 303);
    assert_eq!(send(&patient, &link).status, 303);
    let [(_, _, values)] = &answers(&running)[..] else { panic!("not once in the ledger") };
    assert_eq!(values["GP1"], json!(1));
    assert_ne!(values["QSDAT"], json!("1999-01-01"));
}

#[test]
fn nothing_at_all_is_not_sent() {
    let running = waiting();
    let link = give(&running);
    let reply = send(&running.client(), &link);
    assert_eq!(reply.status, 422);
    assert!(reply.says("Please answer at least one question"));
    assert!(answers(&running).is_empty());
}

#[test]
fn what_depends_on_an_answer_is_asked_by_it() {
    let running = waiting();
    // A new version: question GS7 may be declined by a mark before it, as printed questionnaires have it, and one must be answered.
    let mark = r#"{ id = "GS7X", label = "Prefer not to say", type = "yes_no" },"#;
    let asks = r#"{ id = "GS7", label = "Social and family well-being, item 7", type = "integer", min = 0, max = 4 }"#;
    let source = AVATAR
        .replacen("version = \"1.0\"", "version = \"1.1\"", 1)
        .replacen(asks, &format!("{mark}\n  {}", asks.replace(" }", ", when = 'GS7X != \"Y\"' }")), 1)
        .replacen(
            r#"label = "Physical well-being, item 2", type = "integer""#,
            r#"label = "Physical well-being, item 2", required = true, type = "integer""#,
            1,
        );
    let version = Box::new(check(&source).unwrap_or_else(|faults| panic!("{faults:?}")));
    let office = Actor::new("office", Role::TrialOffice);
    running.submit(vec![Action::now(&office, Deed::Adopt { version })]);

    let link = give(&running);
    let patient = running.client();
    let hidden = |value: &str| {
        let kept = patient.post(&format!("{link}/keep"), &[("GS7", "3"), ("GS7X", value)]);
        assert_eq!(kept.status, 200);
        kept.body
    };
    assert_eq!(hidden("N"), "");
    assert_eq!(hidden("Y"), "GS7");
    assert!(patient.get(&format!("{link}/question/GP1")).says("Question 1 of 37"));
    assert_eq!(patient.get(&format!("{link}/question/GS7")).location(), Some(link.as_str()));
    let on = patient.post(&format!("{link}/question/GS7X"), &[("GS7X", "Y")]);
    assert_eq!(on.location(), Some(format!("{link}/question/GE1").as_str()));
    let reply = patient.post(&format!("{link}/question/GP2"), &[]);
    assert_eq!(reply.status, 422);
    assert!(
        reply.says("This question needs an answer.") && !reply.says("I would rather not"),
        "{}",
        reply.words()
    );
    assert_eq!(send(&patient, &link).status, 422);
    patient.post(&format!("{link}/question/GP2"), &[("GP2", "0")]);
    assert_eq!(send(&patient, &link).status, 303);
    let [(_, _, values)] = &answers(&running)[..] else { panic!("not once in the ledger") };
    assert_eq!((&values["GS7X"], values.get("GS7"), &values["GP2"]), (&json!("Y"), None, &json!(0)));
}

/// Another server on the same files, as after a crash of the first.
fn started_again(running: &Running) {
    let options = running.options.clone();
    running.wait(async {
        let server = Server::start(options).await.unwrap();
        tokio::spawn(server.run(std::future::pending()));
    });
}

#[rstest]
#[case::before_the_ledger(None, LinkState::Started)]
#[case::after_the_ledger(Some(Role::Patient), LinkState::Sent)]
#[case::the_team_was_first(Some(Role::SiteCoordinator), LinkState::Withdrawn)]
fn a_claim_of_a_server_that_died_is_settled_by_the_ledger(
    #[case] saved: Option<Role>,
    #[case] want: LinkState,
) {
    let running = waiting();
    let link = made(&running, -10, 100, -10);
    running.client().post(&format!("{link}/question/GP1"), &[("GP1", "2")]);
    let before = Timestamp::now() - SignedDuration::from_mins(2);
    let claim = running.wait(running.people.claim_for_sending(token(&link), before)).unwrap();
    assert!(matches!(claim, Claim::Claimed { .. }), "{claim:?}");
    if let Some(role) = saved {
        let deed = Deed::Save {
            instance: screening("factb"),
            values: values(json!({ "QSDAT": "2026-01-06", "GP1": 2 })),
        };
        running.submit(vec![Action::now(&Actor::new("patient", role), deed).at("01").of(SUBJECT)]);
    }
    started_again(&running);
    for _ in 0..100 {
        if standing(&running).state != LinkState::Sending {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    let link_now = standing(&running);
    assert_eq!(link_now.state, want);
    let patient = running.client();
    match want {
        LinkState::Sent => {
            assert!(link_now.sent_seq.is_some());
            assert!(patient.get(&link).says("Your answers have arrived."));
        }
        LinkState::Started => {
            assert!(patient.get(&link).says("You have answered 1 of 37 questions."));
            assert_eq!(send(&patient, &link).status, 303);
        }
        _ => assert_eq!(patient.get(&link).status, 404),
    }
    assert_eq!(answers(&running).len(), 1);
}

#[test]
fn the_wording_of_the_office_is_what_the_patient_reads() {
    let example = |options: &mut Options| {
        options.wording =
            Some(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/wording-example.toml").into());
    };
    let running = empty_with(example);
    screened(&running, "01", SUBJECT, &[]);
    assert!(!running.as_user("coordinator").get(SITE_PAGE).says("no file with the wording"));
    let link = give(&running);
    let patient = running.client();
    assert!(patient.get(&link).says("Placeholder: what stands before the first question."));
    let page = patient.get(&format!("{link}/question/B3"));
    for says in [
        "Placeholder: text of item B3",
        "Placeholder: words of answer 4",
        "Placeholder: heading of the part on additional concerns",
        "Placeholder: the time that the answers speak of",
    ] {
        assert!(page.says(says), "{says}: {}", page.words());
    }
    assert!(page.body.contains("Placeholder: the notice that the licence asks for"));
    patient.post(&format!("{link}/question/B3"), &[("B3", "4")]);
    assert!(patient.get(&format!("{link}/review")).says("Placeholder: words of answer 4"));
}

#[test]
fn a_server_does_not_start_with_a_wording_that_does_not_fit() {
    let running = waiting();
    let file = running.folder.path().join("wording.toml");
    std::fs::write(&file, "language = \"en\"\n[questionnaires.factb.items]\nGP99 = \"x\"\n").unwrap();
    let trial = TrialOptions { slug: None, ledger: running.ledger("one"), seed: None };
    let mut options =
        Options::new(vec![trial], running.folder.path().join("other.db").to_str().unwrap().to_owned());
    options.listen = ([127, 0, 0, 1], 0).into();
    options.wording = Some(file);
    let wrong = running.wait(Server::start(options)).err().unwrap().to_string();
    assert!(wrong.contains("questionnaires.factb.items.GP99: the form has no item GP99"), "{wrong}");
    assert!(wrong.contains("questionnaires.factb.items.GP1: no text"), "{wrong}");
}

#[test]
fn a_site_gives_links_to_its_own_patients_alone() {
    let running = waiting();
    assert_eq!(running.as_user("elsewhere").get(SITE_PAGE).status, 404);
    assert_eq!(running.as_user("elsewhere").post(SITE_PAGE, &[("instance", "factb@SCREENING")]).status, 404);
    let monitor = running.as_user("monitor");
    assert!(monitor.get(SITE_PAGE).says("no link given") && !monitor.get(SITE_PAGE).says("Give a link"));
    assert_eq!(monitor.post(SITE_PAGE, &[("instance", "factb@SCREENING")]).status, 403);
    let coordinator = running.as_user("coordinator");
    for made_up in ["factb@W12", "ecog@SCREENING", "factb", ""] {
        let reply = coordinator.post(SITE_PAGE, &[("instance", made_up)]);
        assert_eq!(reply.status, 422, "{made_up}: {}", reply.words());
    }
    assert_eq!(coordinator.post(&format!("{SITE_PAGE}/withdraw"), &[("id", "made-up")]).status, 404);
}

#[test]
fn the_list_says_whom_to_remind_and_how() {
    const CONTACT: &str = "/t/one/subjects/01-001/contact";
    let running = waiting();
    screened(&running, "02", "02-001", &[]);
    let list = |user: &str| running.as_user(user).get("/t/one/questionnaires");
    let page = list("coordinator");
    assert!(page.says("To give a link 1") && page.says("01-001") && !page.says("02-001"), "{}", page.words());
    assert!(list("office").says("02-001"));
    give(&running);
    assert!(list("coordinator").says("To remind 1"));

    let coordinator = running.as_user("coordinator");
    let wrong = coordinator
        .post(CONTACT, &[("phone", "+61 2 5550 0100"), ("email", "no address"), ("notes", "after six")]);
    assert_eq!(wrong.status, 422, "{}", wrong.words());
    assert_eq!(wrong.field("phone").as_deref(), Some("+61 2 5550 0100"));
    assert_eq!(wrong.field("notes").as_deref(), Some("after six"));
    assert!(wrong.body.contains("id=\"email-fault\""), "{}", wrong.body);
    assert_eq!(
        coordinator.post(CONTACT, &[("phone", "+61 2 5550 0100"), ("email", ""), ("notes", "")]).status,
        303
    );
    assert!(list("coordinator").says("+61 2 5550 0100"));
    // A contact stays at the site, and out of the ledger.
    for other in ["office", "monitor", "manager"] {
        assert!(!list(other).says("+61 2 5550 0100"), "{other}");
        assert_eq!(running.as_user(other).get(CONTACT).status, 403, "{other}");
        assert!(!running.as_user(other).get(SITE_PAGE).says("+61 2 5550 0100"), "{other}");
    }
    assert_eq!(running.as_user("elsewhere").get(CONTACT).status, 404);
    assert_eq!(coordinator.post(&format!("{CONTACT}/erase"), &[]).status, 303);
    assert!(!list("coordinator").says("+61 2 5550 0100"));
}

#[test]
fn a_randomised_subject_answers_in_the_window_of_the_visit() {
    let running = empty();
    let today = Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let randomised = today.checked_sub(jiff::ToSpan::days(85)).unwrap();
    // The screening of an eligible subject, moved to before the day of randomisation.
    let first = trial::date::plus_days(randomised, -20);
    let dated = forms().into_iter().map(|(form, mut given)| {
        for (item, days) in [("RFICDAT", 0), ("QSDAT", 2), ("TRDAT", 5), ("RESPTHRU", -10)] {
            if given.get(item).is_some() {
                given[item] = json!(trial::date::plus_days(first, days).to_string());
            }
        }
        (form, given)
    });
    crate::eligible::screened_with(&running, "01", SUBJECT, dated);
    let investigator = Actor::new("investigator", Role::Investigator);
    running
        .submit(vec![Action::now(&investigator, Deed::Randomise { date: randomised }).at("01").of(SUBJECT)]);
    let coordinator = running.as_user("coordinator");
    let page = coordinator.post(SITE_PAGE, &[("instance", "factb@W12")]);
    let link = link_of(&running, &page);
    let opened = standing(&running);
    // Day 84, a week before and after; it ends with the last day.
    let zone = jiff::tz::TimeZone::system();
    let at = |day: i64| {
        trial::date::plus_days(randomised, day).to_zoned_datetime(zone.clone()).unwrap().timestamp()
    };
    let day_84 = record(&running, SUBJECT).unwrap().randomised.unwrap().value.date;
    assert_eq!(day_84, randomised);
    assert!(opened.opens <= at(84 - 6) && opened.opens >= at(84 - 8), "{opened:?}");
    assert!(opened.expires <= at(84 + 8) && opened.expires >= at(84 + 6), "{opened:?}");
    assert_eq!(opened.expires.duration_since(opened.opens).as_hours() / 24, 15);
    assert_eq!(running.client().get(&link).status, 200);
    // The next one opens in its own time; after that of the baseline, it is late.
    let page = coordinator.post(SITE_PAGE, &[("instance", "factb@W24")]);
    assert!(running.client().get(&link_of(&running, &page)).says("It is not time yet"));
    let list = coordinator.get(SITE_PAGE);
    assert!(list.says("link given, opens later"), "{}", list.words());
}

#[test]
fn a_patient_reads_these_pages() {
    let running = waiting();
    let link = give(&running);
    let patient = running.client();
    let mut pages = vec![patient.get(&link), patient.get(&format!("{link}/question/P2"))];
    patient.post(&format!("{link}/question/GP1"), &[("GP1", "2")]);
    pages.push(patient.get(&link));
    send(&patient, &link);
    pages.push(patient.get(&link));
    let text = pages.iter().map(Reply::words).collect::<Vec<_>>().join("\n----\n");
    // Days are those of the test.
    let (months, mut lines) = (["until ", "Sent on "], Vec::new());
    for line in text.lines() {
        let cut = months
            .iter()
            .find_map(|word| line.split_once(word).map(|(before, _)| format!("{before}{word}(day)")));
        lines.push(cut.unwrap_or_else(|| line.to_owned()));
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    Questionnaire
    The questions are on the sheet your hospital gave you. Here you choose the number of each answer.
    You need not answer a question that you do not wish to answer.
    Your answers are kept as you go. You can stop at any time and go on later with the same link, until (day)
    How would you like to answer?
    One question at a time
    All questions on one page
    Begin
    ----
    Question 37 of 37
    Breast cancer subscale, item P2
    0
    1
    2
    3
    4
    I would rather not answer this
    Look at my answers
    Back
    ----
    Questionnaire
    You have answered 1 of 37 questions. They are kept for you.
    Your answers are kept as you go. You can stop at any time and go on later with the same link, until (day)
    How would you like to answer?
    One question at a time
    All questions on one page
    Go on where you stopped
    ----
    Thank you
    Your answers have arrived. There is nothing more to do; you can close this page.
    Sent on (day)
    ");
}
