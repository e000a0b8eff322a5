//! The JSON API: who gets in, what is recorded, and that every answer is as the `OpenAPI` document says.
//!
//! Never trusts the document about itself: each answer of these tests is held against its schema by a validator of JSON Schema.

use std::collections::BTreeSet;
use std::sync::{LazyLock, PoisonError};

use jiff::{SignedDuration, Timestamp};
use people::NewApiToken;
use people::permission::{self, Act, May, ROLES};
use rstest::rstest;
use serde_json::{Map, Value, json};
use server::Gate;
use trial::event::{Role, What};
use trial::id::SiteId;

use crate::eligible::{events, record};
use crate::scaffold::{Client, OTHER, Reply, Running, TRIAL, demo, empty, own_demo};

/// The document, whose objects take no member that it does not name.
static CLOSED: LazyLock<Value> = LazyLock::new(|| {
    let mut document = server::openapi();
    close(&mut document["components"]["schemas"]);
    document
});

fn close(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            if members.get("properties").is_some_and(Value::is_object) && members.contains_key("type") {
                members.entry("additionalProperties").or_insert(json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// A program with a token.
pub struct Program {
    client: Client,
    token: String,
}

/// A token of `TRIAL`.
pub fn token(server: &Running, role: Role, site: Option<&str>) -> String {
    token_until(server, role, site, SignedDuration::from_hours(1))
}

fn token_until(server: &Running, role: Role, site: Option<&str>, span: SignedDuration) -> String {
    let new = NewApiToken {
        name: "Hospital system".into(),
        trial: TRIAL.into(),
        role,
        site: site.map(SiteId::from),
        expires: Timestamp::now() + span,
    };
    let (token, _) = server.wait(server.people.make_api_token(new, "office", Timestamp::now())).unwrap();
    token.reveal().to_owned()
}

fn program(server: &Running, role: Role, site: Option<&str>) -> Program {
    Program { client: server.client(), token: token(server, role, site) }
}

fn json_of(reply: &Reply) -> Value {
    serde_json::from_str(&reply.body)
        .unwrap_or_else(|wrong| panic!("{wrong}: {} {}", reply.status, reply.body))
}

impl Program {
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Reply {
        let path = format!("/api/v1/{path}");
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", bearer.as_str())];
        if body.is_some() {
            all.push(("content-type", "application/json"));
        }
        all.extend(headers);
        let reply = self.client.send(method, &path, &all, body.map(Value::to_string));
        as_documented(method, &path, &reply);
        reply
    }

    fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], None)
    }

    /// What is answered to a request that goes well.
    fn read(&self, path: &str) -> Value {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        json_of(&reply)
    }

    fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask("POST", path, &[], Some(body))
    }

    fn put(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        self.ask("PUT", path, headers, Some(body))
    }
}

/// Holds an answer against the document: status, media type, schema.
fn as_documented(method: &str, path: &str, reply: &Reply) {
    let operation = operation(method, path.split('?').next().unwrap_or_default())
        .unwrap_or_else(|| panic!("{method} {path} is in no path of the document"));
    let at = format!("{method} {path}: {} {}", reply.status, reply.body);
    let answer = &operation["responses"][reply.status.to_string()];
    assert!(answer.is_object(), "a status that the document does not list: {at}");
    let answer = answer["$ref"].as_str().map_or(answer, |place| CLOSED.pointer(&place[1..]).unwrap());
    let media = reply.header("content-type").unwrap_or_default();
    let schema = &answer["content"][media]["schema"];
    assert!(schema.is_object(), "a media type that the document does not list, {media:?}: {at}");
    let whole = json!({ "$ref": schema["$ref"], "components": CLOSED["components"] });
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&whole).unwrap();
    let found: Vec<_> = validator
        .iter_errors(&json_of(reply))
        .map(|wrong| format!("{}: {wrong}", wrong.instance_path()))
        .collect();
    assert!(found.is_empty(), "{}\n{at}", found.join("\n"));
}

fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let fits = |template: &str| {
        let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
        let same = |(one, other): (&&str, &&str)| one == other || one.starts_with('{');
        template.len() == path.len() && template.iter().zip(&path).all(same)
    };
    let item = CLOSED["paths"].as_object()?.iter().find(|(template, _)| fits(template))?.1;
    item.get(method.to_ascii_lowercase())
}

const FIRST: &str = "trials/one/subjects/01-001";

/// A program of a coordinator at site 01, and a subject it has screened.
fn screened(server: &Running) -> Program {
    let site = program(server, Role::SiteCoordinator, Some("01"));
    let reply = site.post("trials/one/subjects", &json!({ "subject": "01-001", "site": "01" }));
    assert_eq!(reply.status, 201, "{}", reply.body);
    site
}

fn ecog(grade: u8) -> Value {
    json!({ "QSDAT": "2025-12-12", "ECOG": grade })
}

#[test]
fn the_document_lists_the_routes_and_nothing_else() {
    let document = server::openapi();
    let mut listed = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let described: Vec<&str> = item["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|p| p["name"].as_str().unwrap())
            .collect();
        let named: Vec<&str> =
            path.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(described, named, "{path}");
        for (method, operation) in item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters")
        {
            assert!(
                names.insert(operation["operationId"].as_str().unwrap().to_owned()),
                "{path}: a name twice"
            );
            listed.insert((method.to_ascii_uppercase(), path.clone()));
        }
    }
    let routes = server::routes();
    let tokens = routes.iter().filter(|route| matches!(route.gate, Gate::Token(_)));
    let routes: BTreeSet<_> = tokens.map(|route| (route.method.to_string(), route.path.to_owned())).collect();
    assert_eq!(listed, routes);
}

#[test]
fn no_route_is_behind_an_act_that_asks_for_a_person() {
    for route in server::routes() {
        if let Gate::Token(act) = route.gate {
            assert!(permission::by_token(act), "{} {}", route.method, route.path);
        }
    }
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn walk(value: &Value, document: &Value, found: &mut usize) {
        match value {
            Value::Object(members) => {
                if let Some(place) = members.get("$ref").and_then(Value::as_str) {
                    assert!(document.pointer(&place[1..]).is_some(), "{place}");
                    *found += 1;
                }
                members.values().for_each(|value| walk(value, document, found));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, document, found)),
            _ => {}
        }
    }
    let (document, mut found) = (server::openapi(), 0);
    walk(&document, &document, &mut found);
    assert!(found > 50);
}

#[test]
fn the_document_and_its_page_are_open_to_everybody() {
    let server = demo();
    let client = server.client();
    let reply = client.get("/api/openapi.json");
    assert_eq!((reply.status, json_of(&reply)), (200, server::openapi()));
    let page = client.get("/api");
    assert!(
        page.status == 200 && page.says("Fill or correct a form") && page.says("Somebody was quicker"),
        "{}",
        page.words()
    );
}

/// Everything that can be read of a finished trial, by each role, as the document says.
#[test]
pub(crate) fn every_answer_is_as_the_document_says() {
    let server = demo();
    for (role, site) in [
        (Role::SiteCoordinator, Some("01")),
        (Role::Monitor, None),
        (Role::Statistician, None),
        (Role::TrialOffice, None),
    ] {
        let program = program(&server, role, site);
        for path in [
            "token",
            "trials/one",
            "trials/one/protocol",
            "trials/one/sites",
            "trials/one/trail?limit=500",
            "trials/one/queries?state=all",
        ] {
            program.read(path);
        }
        let list = program.read("trials/one/subjects?limit=1000");
        let subjects = list["subjects"].as_array().unwrap();
        assert!(!subjects.is_empty());
        let (mut strategies, mut forms) = (0, 0);
        for one in subjects {
            let own = format!("trials/one/subjects/{}", one["subject"].as_str().unwrap());
            assert!(site.is_none_or(|site| one["site"] == site), "{one}");
            let subject = program.read(&own);
            assert_eq!(subject["standing"], one["standing"]);
            strategies += usize::from(subject["strategy"].is_object());
            program.read(&format!("{own}/events"));
            program.read(&format!("{own}/queries"));
            for form in program.read(&format!("{own}/forms"))["forms"].as_array().unwrap() {
                forms += 1;
                let reply = program.get(&format!("{own}/forms/{}", form["instance"].as_str().unwrap()));
                assert_eq!(json_of(&reply), *form);
                assert_eq!(reply.header("etag"), Some(format!("\"{}\"", form["event"]).as_str()));
            }
        }
        assert!(strategies > 0 && forms > 20, "{role:?}");
    }
}

#[test]
fn what_is_read_is_what_the_ledger_holds() {
    let server = demo();
    let program = program(&server, Role::DataManager, None);
    let subject = server.subject_at("02");
    let (known, entered) = server.reading().record(&subject).unwrap().unwrap();
    let own = format!("trials/one/subjects/{subject}");
    let read = program.read(&own);
    assert_eq!(read["site"], "02");
    assert_eq!(read["randomised"]["arm"], json!(known.randomised.as_ref().unwrap().value.arm));
    let forms = program.read(&format!("{own}/forms"));
    let found: Vec<_> =
        forms["forms"].as_array().unwrap().iter().map(|form| form["values"].clone()).collect();
    assert_eq!(found, known.forms.iter().map(|form| json!(form.values)).collect::<Vec<_>>());
    let found = program.read(&format!("{own}/events"));
    let seqs: Vec<_> =
        found["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, entered.iter().map(|entered| entered.seq).collect::<Vec<_>>());
    // The pages of the trail are the whole ledger, newest first.
    let (mut before, mut all) = (String::new(), Vec::new());
    loop {
        let page = program.read(&format!("trials/one/trail?limit=333{before}"));
        all.extend(page["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()));
        let Some(next) = page["next"].as_u64() else { break };
        before = format!("&before={next}");
    }
    let head = program.read("trials/one")["event"].as_u64().unwrap();
    assert_eq!(all, (1..=head).rev().collect::<Vec<_>>());
    // So are the pages of the list.
    let (mut after, mut listed) = (String::new(), Vec::new());
    loop {
        let page = program.read(&format!("trials/one/subjects?limit=2{after}"));
        listed.extend(
            page["subjects"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["subject"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    let (subjects, _) = server.reading().records(|record| record.subject.to_string()).unwrap();
    assert_eq!(listed, subjects);
}

#[test]
fn a_site_sees_its_own_subjects_alone() {
    let server = demo();
    let own = program(&server, Role::Investigator, Some("01"));
    let foreign = server.subject_at("02");
    for rest in ["", "/forms", "/events", "/queries"] {
        let reply = own.get(&format!("trials/one/subjects/{foreign}{rest}"));
        let nobody = own.get(&format!("trials/one/subjects/99-999{rest}"));
        assert_eq!((reply.status, nobody.status), (404, 404));
        // Nothing tells a foreign subject from one that does not exist.
        assert_eq!(reply.body.replace(foreign.as_str(), "99-999"), nobody.body);
    }
    let events = own.read("trials/one/trail?limit=500");
    assert!(events["events"].as_array().unwrap().iter().all(|event| event["site"] == "01"));
    assert_eq!(own.get("trials/one/trail?site=02").status, 404);
    let through_subject = own.read(&format!("trials/one/trail?subject={foreign}"));
    assert_eq!(through_subject["events"], json!([]));
    assert_eq!(own.read("trials/one/sites")["sites"].as_array().unwrap().len(), 1);
    assert_eq!(
        own.read("trials/one")["counts"]["sites"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["01"]
    );
}

#[test]
fn without_a_token_that_opens_nothing_is_told() {
    let server = own_demo();
    let expired = token_until(&server, Role::Monitor, None, SignedDuration::from_millis(1));
    let revoked = token(&server, Role::Monitor, None);
    let id = server.wait(server.people.api_token(&revoked, Timestamp::now())).unwrap().unwrap().id;
    server.wait(server.people.revoke_api_token(&id)).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(5));
    let good = token(&server, Role::Monitor, None);
    assert_eq!(
        server
            .client()
            .send("GET", "/api/v1/trials/one", &[("authorization", &format!("bearer {good}"))], None)
            .status,
        200
    );
    let headers = [
        None,
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(format!("Basic {good}")),
        Some(good.clone()),
        Some("Bearer tw_nobody".to_owned()),
        Some(format!("Bearer {good}x")),
        Some(format!("Bearer {}", good.trim_start_matches("tw_"))),
        Some(format!("Bearer {expired}")),
        Some(format!("Bearer {revoked}")),
    ];
    // A browser that is logged in opens nothing here, whatever it sends.
    let (nobody, user) = (server.client(), server.as_user("monitor"));
    for header in headers {
        for client in [&nobody, &user] {
            let headers: Vec<_> = header.iter().map(|header| ("authorization", header.as_str())).collect();
            let reply = client.send("GET", "/api/v1/trials/one", &headers, None);
            as_documented("GET", "/api/v1/trials/one", &reply);
            assert_eq!(reply.status, 401, "{header:?}");
            assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"trialwright\""));
        }
    }
}

#[test]
fn a_token_of_one_trial_opens_no_other() {
    let server = demo();
    let program = program(&server, Role::Monitor, None);
    let foreign = program.get(&format!("trials/{OTHER}"));
    let nowhere = program.get("trials/nowhere");
    assert_eq!((foreign.status, &foreign.body), (404, &nowhere.body));
    assert_eq!(program.get(&format!("trials/{OTHER}/subjects")).status, 404);
}

/// Every role at every route: what the table of permissions says, the API answers.
#[test]
pub(crate) fn every_role_at_every_route_is_answered_as_the_table_says() {
    let server = own_demo();
    let subject = server.subject_at("01");
    let mut misfits = Vec::new();
    for role in ROLES {
        for site in [None, Some("01"), Some("02")] {
            let program = program(&server, role, site);
            let grants = [(role, site.map(SiteId::from))];
            for route in server::routes() {
                let Gate::Token(act) = route.gate else { continue };
                let of_subject = route.path.contains("{subject}");
                let here = SiteId::from("01");
                let sees = permission::allowed(&grants, Act::ViewSubject, Some(&here)).is_some();
                let opens = |act| {
                    if of_subject {
                        permission::allowed(&grants, act, Some(&here)).is_some()
                    } else {
                        permission::may(role, act) != May::Never
                    }
                };
                let fills = route.path.ends_with("{instance}") && route.method == "PUT";
                let want = match () {
                    () if of_subject && permission::may(role, Act::ViewSubject) == May::Never => Some(403),
                    () if of_subject && !sees => Some(404),
                    () if !opens(act) || fills && !opens(Act::EnterData) => Some(403),
                    () => None,
                };
                let path = route.path.trim_start_matches("/api/v1/").replace("{trial}", TRIAL);
                let path = path.replace("{subject}", subject.as_str()).replace("{instance}", "ecog@W12");
                let path = path
                    .replace("{query}", "nobody-such")
                    .replace("{type}", "Patient")
                    .replace("{id}", "nobody-such");
                let body = match route.method.as_str() {
                    "GET" => None,
                    "PUT" => Some(json!({ "values": {} })),
                    _ => Some(json!({ "text": "", "subject": "", "site": "01" })),
                };
                let reply = program.ask(route.method.as_str(), &path, &[], body.as_ref());
                let fits = match want {
                    Some(status) => reply.status == status,
                    None => !matches!(reply.status, 401 | 403 | 500..),
                };
                if !fits {
                    misfits.push(format!(
                        "{role:?} {site:?}: {} {path}: wanted {want:?}: {} {}",
                        route.method, reply.status, reply.body
                    ));
                }
            }
        }
    }
    assert!(misfits.is_empty(), "{}", misfits.join("\n"));
}

#[test]
pub(crate) fn a_subject_is_screened_once() {
    let server = empty();
    let site = screened(&server);
    let sent = json!({ "subject": "01-001", "site": "01" });
    let again = site.post("trials/one/subjects", &sent);
    assert_eq!(again.status, 200, "{}", again.body);
    assert_eq!(again.header("location"), Some("/api/v1/trials/one/subjects/01-001"));
    // Another program takes another number.
    let other = program(&server, Role::Investigator, Some("01")).post("trials/one/subjects", &sent);
    assert_eq!((other.status, &json_of(&other)["type"]), (409, &json!("/api#refused")));
    let foreign = program(&server, Role::Investigator, Some("02"))
        .post("trials/one/subjects", &json!({ "subject": "01-001", "site": "02" }));
    assert!(foreign.status == 409 && !foreign.body.contains("site 01"), "{}", foreign.body);
    // Not at a site that is not one's own, nor under a number that is none.
    assert_eq!(site.post("trials/one/subjects", &json!({ "subject": "02-001", "site": "02" })).status, 403);
    let reply = site.post("trials/one/subjects", &json!({ "subject": "01 001", "site": "01" }));
    assert_eq!((reply.status, &json_of(&reply)["faults"][0]["item"]), (422, &json!("subject")));
    let found = events(&server, |what| *what == What::SubjectScreened);
    assert_eq!(found.len(), 1);
    assert!(found[0].event.who.starts_with("program Hospital system ("), "{}", found[0].event.who);
    assert_eq!(found[0].event.role, Role::SiteCoordinator);
}

#[test]
fn a_number_with_a_slash_is_one_part_of_an_address() {
    let server = empty();
    let site = program(&server, Role::SiteCoordinator, Some("01"));
    let reply = site.post("trials/one/subjects", &json!({ "subject": "A/1", "site": "01" }));
    let at = reply.header("location").unwrap().replace("/api/v1/", "");
    assert_eq!(at, "trials/one/subjects/A%2F1");
    assert_eq!(site.read(&at)["subject"], "A/1");
}

#[test]
pub(crate) fn a_form_is_filled_and_corrected() {
    let server = empty();
    let site = screened(&server);
    let at = format!("{FIRST}/forms/ecog@SCREENING");
    assert_eq!(site.get(&at).status, 404);
    let reply = site.put(&at, &[], &json!({ "values": ecog(1) }));
    assert_eq!((reply.status, &json_of(&reply)["recorded"]), (201, &json!(true)), "{}", reply.body);
    let first = reply.header("etag").unwrap().to_owned();
    // Sent again, as after a lost connection: nothing more is recorded, whatever it says it has seen.
    for headers in [&[][..], &[("if-none-match", "*")], &[("if-match", "\"0\"")], &[("if-match", &first)]] {
        let again = site.put(&at, headers, &json!({ "values": { "ECOG": 1.0, "QSDAT": "2025-12-12" } }));
        assert_eq!((again.status, &json_of(&again)["recorded"]), (200, &json!(false)), "{}", again.body);
        assert_eq!(again.header("etag"), Some(first.as_str()));
    }
    // Other values: by whoever says what they have seen, and why.
    let blind = site.put(&at, &[], &json!({ "values": ecog(2), "reason": "typed wrong" }));
    assert_eq!((blind.status, &json_of(&blind)["type"]), (428, &json!("/api#precondition")));
    let unreasoned = site.put(&at, &[("if-match", &first)], &json!({ "values": ecog(2) }));
    assert_eq!((unreasoned.status, &json_of(&unreasoned)["faults"][0]["item"]), (422, &json!("reason")));
    let right = json!({ "values": ecog(2), "reason": "typed wrong" });
    let corrected = site.put(&at, &[("if-match", &first)], &right);
    assert_eq!(corrected.status, 200, "{}", corrected.body);
    assert_ne!(corrected.header("etag"), Some(first.as_str()));
    // Whoever has seen the old values is told what happened.
    let late = site.put(&at, &[("if-match", &first)], &json!({ "values": ecog(0), "reason": "again" }));
    let told = json_of(&late);
    assert_eq!((late.status, &told["since"][0]["kind"]), (412, &json!("form_corrected")), "{}", late.body);
    assert_eq!(told["since"].as_array().unwrap().len(), 1);
    let found = events(&server, |what| matches!(what, What::FormSaved { .. } | What::FormCorrected { .. }));
    assert_eq!(found.len(), 2);
    assert_eq!(record(&server, "01-001").unwrap().ecog[0].value.1, 2);
}

#[rstest]
#[case("ecog@SCREENING", json!({ "values": { "QSDAT": "2025-12-12", "ECOG": 7 } }), 422, "ECOG")]
#[case("ecog@SCREENING", json!({ "values": { "QSDAT": "12/13/2025", "ECOG": 1 } }), 422, "QSDAT")]
#[case("ecog@SCREENING", json!({ "values": { "QSDAT": "2025-12-12", "ECOG": "one" } }), 422, "ECOG")]
#[case("ecog@SCREENING", json!({ "values": { "QSDAT": "2025-12-12", "ECOG": 1, "SHOE": 42 } }), 422, "SHOE")]
#[case("ecog@SCREENING", json!({ "values": { "QSDAT": "2999-12-12", "ECOG": 1 } }), 422, "QSDAT")]
#[case("tumour@SCREENING", json!({ "values": { "TRDAT": "2025-12-15", "LESIONS": [{ "TULNKID": "T01", "TUORRES": "TARGET", "DIAMETER": -3 }] } }), 422, "DIAMETER")]
#[case("shoes@SCREENING", json!({ "values": {} }), 404, "")]
#[case("@SCREENING", json!({ "values": {} }), 404, "")]
#[case("ecog@SCREENING", json!({ "value": {} }), 400, "")]
#[case("ecog@SCREENING", json!({ "values": [] }), 400, "")]
#[case("ecog@SCREENING", json!([]), 400, "")]
#[case("ecog@NOWHERE", json!({ "values": { "QSDAT": "2025-12-12", "ECOG": 1 } }), 422, "")]
fn bad_input_is_told_where_it_is_and_records_nothing(
    #[case] form: &str,
    #[case] sent: Value,
    #[case] status: u16,
    #[case] item: &str,
) {
    let server = empty();
    let site = screened(&server);
    let before = site.read(FIRST)["event"].clone();
    let reply = site.put(&format!("{FIRST}/forms/{form}"), &[], &sent);
    assert_eq!(reply.status, status, "{}", reply.body);
    if !item.is_empty() {
        let faults = json_of(&reply)["faults"].clone();
        assert!(faults.as_array().unwrap().iter().any(|fault| fault["item"] == item), "{faults}");
    }
    assert_eq!(site.read(FIRST)["event"], before);
}

#[rstest]
#[case("{", &[("content-type", "application/json")], 400)]
#[case("", &[("content-type", "application/json")], 400)]
#[case(r#"{"values":{"ECOG":1,"ECOG":2}}"#, &[("content-type", "application/json")], 400)]
#[case("{}", &[("content-type", "text/plain")], 415)]
#[case("{}", &[], 415)]
#[case(r#"{"values":{}}"#, &[("content-type", "application/json"), ("if-match", "12")], 400)]
#[case(r#"{"values":{}}"#, &[("content-type", "application/json"), ("if-none-match", "\"1\"")], 400)]
#[case(r#"{"values":{}}"#, &[("content-type", "application/json"), ("if-none-match", "*"), ("if-match", "*")], 400)]
#[case(r#"{"values":{}}"#, &[("content-type", "application/json"), ("if-match", "*")], 412)]
#[case(r#"{"values":{}}"#, &[("content-type", "application/json"), ("if-match", "\"7\"")], 412)]
fn a_request_that_cannot_be_read_is_a_problem(
    #[case] body: &str,
    #[case] headers: &[(&str, &str)],
    #[case] status: u16,
) {
    let server = empty();
    let site = screened(&server);
    let path = format!("/api/v1/{FIRST}/forms/ecog@SCREENING");
    let bearer = format!("Bearer {}", site.token);
    let all: Vec<_> = headers.iter().copied().chain([("authorization", bearer.as_str())]).collect();
    let reply = site.client.send("PUT", &path, &all, Some(body.to_owned()));
    as_documented("PUT", &path, &reply);
    assert_eq!(reply.status, status, "{}", reply.body);
}

#[test]
fn what_goes_wrong_before_a_handler_is_a_problem_too() {
    let server = demo();
    let program = program(&server, Role::Investigator, Some("01"));
    let bearer = format!("Bearer {}", program.token);
    for (method, path, status, kind) in [
        ("GET", "/api/v1/nowhere", 404, "/api#not-found"),
        ("DELETE", "/api/v1/trials/one/subjects", 405, "/api#method"),
        ("PUT", "/api/v1/trials/one", 405, "/api#method"),
    ] {
        let reply = program.client.send(method, path, &[("authorization", &bearer)], None);
        assert_eq!((reply.status, &json_of(&reply)["type"]), (status, &json!(kind)), "{}", reply.body);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        assert_eq!(reply.header("allow").is_some(), status == 405);
    }
    for path in [
        "trials/one/subjects?sit=01",
        "trials/one/subjects?limit=0",
        "trials/one/subjects?limit=9999",
        "trials/one/subjects?state=well",
        "trials/one/queries?state=lost",
        "trials/one/trail?before=x",
    ] {
        assert_eq!(program.get(path).status, 400, "{path}");
    }
}

#[test]
pub(crate) fn a_form_sent_ten_times_at_once_is_recorded_once() {
    let server = empty();
    let site = screened(&server);
    let at = format!("{FIRST}/forms/ecog@SCREENING");
    let statuses = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                let reply = site.put(&at, &[], &json!({ "values": ecog(1) }));
                statuses.lock().unwrap_or_else(PoisonError::into_inner).push(reply.status);
            });
        }
    });
    let mut statuses = statuses.into_inner().unwrap();
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![200; 9], vec![201]].concat());
    assert_eq!(events(&server, |what| matches!(what, What::FormSaved { .. })).len(), 1);
}

#[test]
pub(crate) fn of_ten_corrections_at_once_one_is_recorded() {
    let server = empty();
    let site = screened(&server);
    let at = format!("{FIRST}/forms/history@SCREENING");
    let history = |year: u32| {
        json!({ "MHSTDAT": format!("{year}"), "MHMETDAT": "2024-01", "MHSTAGE": "METASTATIC", "ERSTAT": "POSITIVE",
        "HER2STAT": "NEGATIVE", "OPDNEW": "Y", "CHEMOMET": "N", "LMD": "N" })
    };
    let reply = site.put(&at, &[], &json!({ "values": history(2019) }));
    assert_eq!(reply.status, 201, "{}", reply.body);
    let tag = reply.header("etag").unwrap().to_owned();
    let statuses = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for year in 2000..2010 {
            let (site, at, tag, statuses) = (&site, &at, &tag, &statuses);
            scope.spawn(move || {
                let sent = json!({ "values": history(year), "reason": "source" });
                let reply = site.put(at, &[("if-match", tag)], &sent);
                statuses.lock().unwrap_or_else(PoisonError::into_inner).push(reply.status);
            });
        }
    });
    let mut statuses = statuses.into_inner().unwrap();
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![200], vec![412; 9]].concat());
    assert_eq!(events(&server, |what| matches!(what, What::FormCorrected { .. })).len(), 1);
}

#[test]
fn a_radiation_oncologist_records_sabr_and_nothing_else() {
    let server = own_demo();
    let subject = server.subject_at("01");
    let oncologist = program(&server, Role::RadiationOncologist, Some("01"));
    let own = format!("trials/one/subjects/{subject}/forms");
    assert_eq!(oncologist.put(&format!("{own}/ecog@W12"), &[], &json!({ "values": {} })).status, 403);
    // The form is theirs: what hinders is what was sent.
    let reply = oncologist.put(&format!("{own}/sabr.90"), &[], &json!({ "values": {} }));
    assert_eq!(reply.status, 422, "{}", reply.body);
}

#[test]
pub(crate) fn a_query_is_raised_answered_and_closed() {
    let server = empty();
    let site = screened(&server);
    site.put(&format!("{FIRST}/forms/ecog@SCREENING"), &[], &json!({ "values": ecog(1) }));
    let office = program(&server, Role::DataManager, None);
    let own = format!("{FIRST}/queries");
    let question = json!({ "about": "ecog@SCREENING", "item": "ECOG", "text": "Is it 1 in the source?", "due": "2999-01-01" });
    let raised = office.post(&own, &question);
    let body = json_of(&raised);
    assert_eq!(
        (raised.status, &body["id"], &body["state"], &body["about"]),
        (201, &json!("R1"), &json!("raised"), &json!("ecog@SCREENING"))
    );
    // With a name of its own it can be sent again.
    let mut named = question.clone();
    named["query"] = json!("source-17");
    assert_eq!(office.post(&own, &named).status, 201);
    assert_eq!(office.post(&own, &named).status, 200);
    named["text"] = json!("Another question?");
    assert_eq!(office.post(&own, &named).status, 409);
    for (wrong, status) in [
        (json!({ "text": " " }), 422),
        (json!({ "item": "ECOG", "text": "?" }), 422),
        (json!({ "about": "ecog@SCREENING", "item": "SHOE", "text": "?" }), 422),
        (json!({ "about": "@", "text": "?" }), 422),
        (json!({ "text": "?", "due": "2020-01-01" }), 422),
        (json!({ "text": "?", "query": "" }), 422),
        (json!({ "text": "?", "query": "a/b" }), 422),
        (json!({ "text": "?", "due": "soon" }), 400),
        (json!({}), 400),
    ] {
        assert_eq!(office.post(&own, &wrong).status, status, "{wrong}");
    }
    assert_eq!(site.post(&own, &question).status, 403);
    let answers = format!("{own}/R1/answers");
    assert_eq!(office.post(&answers, &json!({ "text": "yes" })).status, 403);
    assert_eq!(site.post(&answers, &json!({ "text": "" })).status, 422);
    let answered = site.post(&answers, &json!({ "text": "It is." }));
    assert_eq!((answered.status, &json_of(&answered)["state"]), (201, &json!("answered")));
    assert_eq!(site.post(&answers, &json!({ "text": "It is." })).status, 200);
    let close = |name: &str| office.ask("PUT", &format!("{own}/{name}/closed"), &[], None);
    let closed = close("R1");
    assert_eq!((closed.status, &json_of(&closed)["state"]), (200, &json!("closed")));
    assert_eq!(close("R1").status, 200);
    assert_eq!(close("R9").status, 404);
    assert_eq!(site.post(&answers, &json!({ "text": "Late." })).status, 409);
    let ids = |state: &str| {
        let body = site.read(&format!("trials/one/queries{state}"));
        body["queries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|query| query["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!((ids(""), ids("?state=closed")), (vec!["source-17".to_owned()], vec!["R1".to_owned()]));
    let kinds: Vec<_> = events(&server, |what| what.kind().starts_with("query_"))
        .iter()
        .map(|e| e.event.what.kind())
        .collect();
    assert_eq!(kinds, ["query_raised", "query_raised", "query_answered", "query_closed"]);
}

#[test]
pub(crate) fn a_form_is_verified_and_locked_as_it_was_seen() {
    let server = empty();
    let site = screened(&server);
    let own = format!("{FIRST}/forms/ecog@SCREENING");
    let [monitor, manager] = [Role::Monitor, Role::DataManager].map(|role| program(&server, role, None));
    let put = |who: &Program, rest: &str, tag: Option<&str>| {
        let headers: Vec<_> = tag.map(|tag| ("if-match", tag)).into_iter().collect();
        who.ask("PUT", &format!("{own}/{rest}"), &headers, None)
    };
    assert_eq!(put(&monitor, "verified", Some("*")).status, 404, "nothing was entered");
    site.put(&own, &[], &json!({ "values": ecog(1) }));
    let tag = site.get(&own).header("etag").unwrap().to_owned();
    assert_eq!(put(&monitor, "verified", None).status, 428);
    assert_eq!(put(&monitor, "verified", Some("12")).status, 400);
    assert_eq!(put(&site, "verified", Some(&tag)).status, 403);
    assert_eq!(put(&manager, "verified", Some(&tag)).status, 403);
    assert_eq!(put(&monitor, "locked", Some(&tag)).status, 403);
    let verified = put(&monitor, "verified", Some(&tag));
    assert_eq!((verified.status, &json_of(&verified)["verified"]["stands"]), (200, &json!(true)));
    assert_eq!(put(&monitor, "verified", Some(&tag)).status, 200, "again");
    // A correction makes another form of it.
    let corrected = json!({ "values": ecog(0), "reason": "Source says 0" });
    assert_eq!(site.put(&own, &[("if-match", &tag)], &corrected).status, 200);
    let late = put(&monitor, "verified", Some(&tag));
    assert_eq!((late.status, &json_of(&late)["since"][1]["kind"]), (412, &json!("form_corrected")));
    let tag = site.get(&own).header("etag").unwrap().to_owned();
    assert_eq!(put(&monitor, "verified", Some(&tag)).status, 200);
    let locked = put(&manager, "locked", Some(&tag));
    assert_eq!(
        (locked.status, &json_of(&locked)["locked"]["who"]),
        (200, &json_of(&put(&manager, "locked", Some("*")))["locked"]["who"])
    );
    assert!(
        json_of(&locked)["locked"]["who"]
            .as_str()
            .is_some_and(|who| who.starts_with("program Hospital system"))
    );
    let late = site.put(&own, &[("if-match", &tag)], &json!({ "values": ecog(2), "reason": "late" }));
    assert_eq!(late.status, 409, "{}", late.body);
    let kinds = events(&server, |what| matches!(what, What::Verified { .. } | What::Locked { .. }));
    let kinds: Vec<_> = kinds.iter().map(|entered| entered.event.what.kind()).collect();
    assert_eq!(kinds, ["verified", "verified", "locked"]);
}

/// No token randomises: there is no such address, and the table would not let one.
#[test]
fn no_token_randomises_or_signs() {
    for act in
        [Act::Randomise, Act::RandomiseOnBehalf, Act::Sign, Act::Unlock, Act::ViewByArm, Act::ExportData]
    {
        assert!(!permission::by_token(act));
    }
    let paths = server::openapi()["paths"].as_object().cloned().unwrap_or_else(Map::new);
    assert!(paths.keys().all(|path| !path.contains("randomis") && !path.contains("sign")));
    let server = demo();
    let opened = program(&server, Role::Investigator, Some("01")).read("token");
    assert!(!opened["may"].as_array().unwrap().contains(&json!(Act::Randomise.words())), "{opened}");
    assert!(opened["may"].as_array().unwrap().contains(&json!(Act::EnterData.words())), "{opened}");
}
