//! Signing, source verification and locking over HTTP: who may, what is recorded, and what a correction voids.

use office::{Action, Actor, Deed};
use rstest::rstest;
use serde_json::{Value, json};
use trial::event::{Instance, Role};
use trial::id::SubjectId;
use trial::record::FilledForm;

use crate::scaffold::{Client, PASSWORD, Reply, Running, empty};

const SUBJECT: &str = "01-001";
const MEANING: &str = "I have reviewed these data and confirm that they are complete and correct";

fn instance(form: &str) -> Instance {
    Instance { form: form.into(), visit: Some("SCREENING".into()), occurrence: 1 }
}

fn values(values: &Value) -> serde_json::Map<String, Value> {
    values.as_object().unwrap().clone()
}

fn act(running: &Running, deeds: Vec<Deed>) {
    let who = Actor::new("coordinator", Role::SiteCoordinator);
    running.submit(deeds.into_iter().map(|deed| Action::now(&who, deed).at("01").of(SUBJECT)).collect());
    std::thread::sleep(std::time::Duration::from_millis(120));
}

/// A subject of site 01 with two forms.
fn entered() -> Running {
    let running = empty();
    let demography = json!({ "BRTHYY": 1961, "SEX": "F", "MENOPAUS": "POST" });
    let consent = json!({ "RFICDAT": "2026-01-12", "RFICYN": "Y" });
    act(
        &running,
        vec![
            Deed::Screen,
            Deed::Save { instance: instance("demography"), values: values(&demography) },
            Deed::Save { instance: instance("consent"), values: values(&consent) },
        ],
    );
    running
}

fn correct(running: &Running, year: u32) {
    let demography = json!({ "BRTHYY": year, "SEX": "F", "MENOPAUS": "POST" });
    let reason = "Typing error".into();
    act(
        running,
        vec![Deed::Correct { instance: instance("demography"), values: values(&demography), reason }],
    );
}

fn form(running: &Running, name: &str) -> FilledForm {
    let record = running.reading().record(&SubjectId::from(SUBJECT)).unwrap().unwrap().0;
    record.forms.into_iter().find(|form| form.instance == instance(name)).unwrap()
}

/// The keys by which a page names its forms.
fn keys(page: &Reply) -> Vec<String> {
    page.fields().into_iter().filter(|(name, _)| name == "form").map(|(_, key)| key).collect()
}

fn key(running: &Running, name: &str) -> String {
    json!([SUBJECT, format!("{name}@SCREENING"), form(running, name).event]).to_string()
}

fn sign(client: &Client, keys: &[&str], meaning: &str, password: &str) -> Reply {
    let mut fields: Vec<(&str, &str)> = keys.iter().map(|key| ("form", *key)).collect();
    fields.extend([("_sign", "1"), ("meaning", meaning), ("password", password)]);
    client.post("/t/one/review/sign", &fields)
}

fn taken(reply: &Reply) {
    assert_eq!(reply.status, 303, "{}", reply.words());
}

#[test]
pub(crate) fn several_forms_are_read_and_signed_with_one_password() {
    let running = entered();
    let investigator = running.as_user("investigator");
    let list = investigator.get("/t/one/review");
    let found = keys(&list);
    assert_eq!(found.len(), 2, "{}", list.words());
    assert!(list.says("0 % signed"), "{}", list.words());
    let fields: Vec<_> = found.iter().map(|key| ("form", key.as_str())).collect();
    let page = investigator.post("/t/one/review/sign", &fields);
    assert_eq!(page.status, 200, "{}", page.words());
    // What is signed, by whom, and what it means (21 CFR 11.50).
    for says in
        ["Sign 2 forms", "1961", "2026-01-12", "Investigator Example", MEANING, "Your password, once more"]
    {
        assert!(page.says(says) || page.body.contains(says), "{says}: {}", page.words());
    }
    assert_eq!(keys(&page).len(), 2);
    let keys: Vec<&str> = found.iter().map(String::as_str).collect();

    let wrong = sign(&investigator, &keys, MEANING, "not the password");
    assert_eq!(wrong.status, 422);
    assert!(wrong.says("This is not your password"), "{}", wrong.words());
    let meaningless = sign(&investigator, &keys, "whatever", PASSWORD);
    assert_eq!(meaningless.status, 422);
    assert!(form(&running, "demography").signed.is_none());

    let reply = sign(&investigator, &keys, MEANING, PASSWORD);
    taken(&reply);
    assert!(investigator.follow(&reply).says("2 forms were signed."));
    for name in ["demography", "consent"] {
        let form = form(&running, name);
        let signature = form.signed.clone().unwrap();
        assert_eq!((signature.meaning.as_str(), signature.by.who.as_str()), (MEANING, "investigator"));
        assert!(form.signature_stands());
    }
}

#[test]
fn signing_asks_for_the_second_factor() {
    let running = entered();
    let client = running.signed_in("investigator");
    let key = key(&running, "demography");
    let reply = sign(&client, &[&key], MEANING, PASSWORD);
    assert_eq!(reply.status, 403);
    assert!(reply.says("second factor"), "{}", reply.words());
    assert!(form(&running, "demography").signed.is_none());
}

#[test]
pub(crate) fn a_correction_voids_the_signature_and_nothing_is_signed_unseen() {
    let running = entered();
    let investigator = running.as_user("investigator");
    let old = key(&running, "demography");
    taken(&sign(&investigator, &[&old], MEANING, PASSWORD));
    correct(&running, 1962);
    assert!(!form(&running, "demography").signature_stands());
    let stale = investigator.get("/t/one/review?state=stale");
    assert!(stale.says("changed since signed"), "{}", stale.words());
    assert!(
        investigator
            .get("/t/one/subjects/01-001/forms/demography%40SCREENING")
            .says("Changed since investigator signed")
    );

    // The page was open before the correction: all of the subject, or nothing.
    let consent = key(&running, "consent");
    let reply = sign(&investigator, &[&old, &consent], MEANING, PASSWORD);
    assert_eq!(reply.status, 422, "{}", reply.words());
    assert!(reply.says("corrected since this page was opened") && reply.says("1962"), "{}", reply.words());
    assert!(!form(&running, "demography").signature_stands() && form(&running, "consent").signed.is_none());
    let now = keys(&reply);
    let now: Vec<&str> = now.iter().map(String::as_str).collect();
    taken(&sign(&investigator, &now, MEANING, PASSWORD));
    assert!(form(&running, "demography").signature_stands() && form(&running, "consent").signature_stands());
}

#[test]
pub(crate) fn a_form_is_verified_signed_locked_and_unlocked() {
    let running = entered();
    let [monitor, manager, coordinator] =
        ["monitor", "manager", "coordinator"].map(|name| running.as_user(name));
    let key = key(&running, "demography");
    let one = [("form", key.as_str())];
    assert!(!keys(&monitor.get("/t/one/review?state=verify")).is_empty());
    taken(&monitor.post("/t/one/review/verify", &one));
    assert!(form(&running, "demography").verification_stands());
    assert!(keys(&manager.get("/t/one/review?state=lock")).is_empty(), "it is not signed yet");
    taken(&sign(&running.as_user("investigator"), &[&key], MEANING, PASSWORD));
    let ready = manager.get("/t/one/review?state=lock");
    assert_eq!(keys(&ready), std::slice::from_ref(&key), "{}", ready.words());
    taken(&manager.post("/t/one/review/lock", &one));
    assert!(form(&running, "demography").locked.is_some());

    // Nobody corrects or signs what is locked.
    let seen = form(&running, "demography").event.to_string();
    let change =
        [("_seen", seen.as_str()), ("_reason", "r"), ("BRTHYY", "1970"), ("SEX", "F"), ("MENOPAUS", "POST")];
    let reply = coordinator.post("/t/one/subjects/01-001/forms/demography%40SCREENING", &change);
    assert_eq!(reply.status, 403, "{}", reply.words());
    let again = manager.post("/t/one/review/lock", &one);
    assert_eq!(again.status, 422, "{}", again.words());

    // It is unlocked with a reason, which the site gets as a query.
    let unreasoned = manager.post("/t/one/review/unlock", &[one[0], ("reason", " ")]);
    assert_eq!(unreasoned.status, 422);
    assert!(form(&running, "demography").locked.is_some());
    taken(&manager.post("/t/one/review/unlock", &[one[0], ("reason", "The source was corrected")]));
    assert!(form(&running, "demography").locked.is_none());
    let record = running.reading().record(&SubjectId::from(SUBJECT)).unwrap().unwrap().0;
    assert_eq!(record.queries[0].text, "Unlocked: The source was corrected");
    assert_eq!(record.queries[0].about, Some(instance("demography")));
    assert!(coordinator.get("/t/one/queries").says("Unlocked: The source was corrected"));
    correct(&running, 1970);
    assert_eq!(form(&running, "demography").values["BRTHYY"], 1970);
}

/// The statuses of signing, verifying, locking, unlocking.
#[rstest]
#[case("coordinator", [403, 403, 403, 403])]
#[case("investigator", [303, 403, 403, 403])]
#[case("monitor", [403, 303, 403, 403])]
#[case("manager", [403, 403, 303, 303])]
#[case("statistician", [403, 403, 403, 403])]
#[case("office", [403, 403, 403, 403])]
#[case("stranger", [404, 404, 404, 404])]
fn each_does_what_the_role_includes(#[case] user: &str, #[case] want: [u16; 4]) {
    let running = entered();
    let client = running.as_user(user);
    let key = key(&running, "demography");
    let signed = sign(&client, &[&key], MEANING, PASSWORD).status;
    let [verified, locked, unlocked] = ["verify", "lock", "unlock"].map(|what| {
        client.post(&format!("/t/one/review/{what}"), &[("form", key.as_str()), ("reason", "r")]).status
    });
    assert_eq!([signed, verified, locked, unlocked], want);
    let form = form(&running, "demography");
    assert_eq!((form.signed.is_some(), form.verified.is_some()), (want[0] == 303, want[1] == 303));
}

#[test]
fn another_sites_forms_are_not_signed() {
    let running = entered();
    let elsewhere = running.as_user("elsewhere");
    let key = key(&running, "demography");
    assert!(!elsewhere.get("/t/one/review?state=all").body.contains(SUBJECT));
    let read = elsewhere.post("/t/one/review/sign", &[("form", &key)]);
    assert_eq!(read.status, 404, "{}", read.words());
    assert!(!read.says("1961"));
    assert_eq!(sign(&elsewhere, &[&key], MEANING, PASSWORD).status, 404);
    assert!(form(&running, "demography").signed.is_none());
}

#[test]
fn a_monitor_cannot_enter() {
    let running = entered();
    let monitor = running.as_user("monitor");
    let seen = form(&running, "demography").event.to_string();
    let change =
        [("_seen", seen.as_str()), ("_reason", "r"), ("BRTHYY", "1970"), ("SEX", "F"), ("MENOPAUS", "POST")];
    assert_eq!(monitor.post("/t/one/subjects/01-001/forms/demography%40SCREENING", &change).status, 403);
    assert_eq!(form(&running, "demography").values["BRTHYY"], 1961);
}

#[rstest]
#[case::nothing(&[])]
#[case::no_key(&[("form", "nonsense")])]
#[case::no_subject(&[("form", r#"["99-001","ecog@W12",3]"#)])]
#[case::no_such_form(&[("form", r#"["01-001","ecog@W12",3]"#)])]
fn what_names_no_form_is_refused(#[case] fields: &[(&str, &str)]) {
    let running = entered();
    let reply = running.as_user("monitor").post("/t/one/review/verify", fields);
    assert_eq!(reply.status, 422, "{}", reply.words());
    assert!(reply.says("Nothing was recorded"), "{}", reply.words());
}
